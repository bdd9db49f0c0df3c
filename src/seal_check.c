/*
 * seal_check.c
 *		Computes seals again, for verify(), and tells which rows and which seals are
 *		not as they were.
 *
 * What is read may have been tampered with in any way: marks are bytes of whoever
 * wrote them, numbers may be anything, hashes of any length.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "seal.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(verify_seals);
PG_FUNCTION_INFO_V1(verify_partition);

/* so many rows that differ are named of one seal */
#define NAMED_ROWS 100

#define SEAL_QUERY \
	"select s.source, s.partition, s.number, s.rows, s.marks, s.hash, s.sealed_at," \
	" array(select coalesce(lower(r), -9223372036854775808) from unnest(s.numbers) r)," \
	/* nothing lies below the lowest number */ \
	" array(select case upper(r) when -9223372036854775808 then upper(r)" \
	"  else coalesce(upper(r) - 1, 9223372036854775807) end from unnest(s.numbers) r)" \
	" from rewards.seal s"

/*
 * The seals of a range, chain by chain, and those of the posting before it: they
 * may have been committed only when the range had begun.  Those of a removed
 * partition have no rows to be held against.
 */
static StreamQuery seals_query = {
	.text = SEAL_QUERY
	" where (s.source = 'journal' or s.partition not in (select m.first from rewards.removal m))"
	" and ($1 is null or s.sealed_at >= coalesce("
	"  (select max(p.sealed_at) from rewards.seal p where p.sealed_at < $1), $1)) and ($2 is null or s.sealed_at < $2)"
	" order by s.source, s.partition, s.number",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, TIMESTAMPTZOID},
	.custom = true
};
static StreamQuery partition_query = {
	.text = SEAL_QUERY " where s.source = 'usage_logs' and s.partition = $1 order by s.number",
	.nargs = 1,
	.types = {INT8OID}
};
static StreamQuery hash_query = {
	.text = "select hash from rewards.seal where source = $1 and partition = $2 and number = $3",
	.nargs = 3,
	.types = {TEXTOID, INT8OID, INT8OID}
};

/* as many seals are read at once */
#define SEALS_FETCHED 100

typedef struct SealCheck
{
	ReturnSetInfo *result;
	bool		ranged;			/* only some seals are looked at */
	Source	   *source;			/* of the seal looked at before; NULL: of none */
	int64		partition;
	int64		number;
	uint8		stored[PG_SHA256_DIGEST_LENGTH];	/* its hash as it stands there */
	uint8		computed[PG_SHA256_DIGEST_LENGTH];	/* and as it should be */
} SealCheck;

static void
report(SealCheck *check, const char *subject, const char *expected, const char *found, const char *detail)
{
	const char *texts[] = {"seal", subject, expected, found, detail};
	Datum		values[5];
	bool		nulls[5];

	for (int i = 0; i < 5; i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(check->result->setResult, check->result->setDesc, values, nulls);
}

static const char *
seal_name(const Source *source, int64 partition, int64 number)
{
	if (source == SOURCE_JOURNAL)
		return psprintf("seal %lld of journal", (long long) number);
	if (partition == 0)
		return psprintf("seal %lld of usage_logs, default partition", (long long) number);
	return psprintf("seal %lld of usage_logs from %lld", (long long) number, (long long) partition);
}

/* one mark after the other */
typedef struct MarkReader
{
	const uint8 *next;
	const uint8 *end;
	uint64		number;			/* of the mark read last */
	uint32		check;
} MarkReader;

static MarkReader
mark_reader(const StringInfoData *marks)
{
	return (MarkReader){(uint8 *) marks->data, (uint8 *) marks->data + marks->len};
}

/* false at the end, and where the bytes are no mark */
static bool
next_mark(MarkReader *marks)
{
	uint64		gap = 0;

	for (int shift = 0; shift < 64 && marks->next < marks->end; shift += 7)
	{
		uint8		byte = *marks->next++;

		gap |= (uint64) (byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (marks->end - marks->next < (int) sizeof(uint32))
			break;
		memcpy(&marks->check, marks->next, sizeof(uint32));
		marks->check = pg_ntoh32(marks->check);
		marks->next += sizeof(uint32);
		marks->number += gap;
		return true;
	}
	marks->next = marks->end;
	return false;
}

static const char *
mark_text(const MarkReader *mark)
{
	return psprintf("check %08x", mark->check);
}

/* sealed or found is NULL for a row that is only in the other */
static void
report_row(SealCheck *check, const Seal *seal, const MarkReader *sealed, const MarkReader *found)
{
	const char *what = !found ? "removed" : !sealed ? "added" : "changed";

	report(check, psprintf("%s %lld", seal->source->name, (long long) (sealed ? sealed : found)->number),
		   sealed ? mark_text(sealed) : NULL, found ? mark_text(found) : NULL,
		   psprintf("row was %s after it was decided in %s", what,
					seal_name(seal->source, seal->partition, seal->number)));
}

/* names the rows that are not as their marks say; returns how many */
static int64
compare_marks(SealCheck *check, const Seal *seal, MarkReader sealed, MarkReader found)
{
	bool		is_sealed = next_mark(&sealed);
	bool		is_found = next_mark(&found);
	int64		count = 0;

	while (is_sealed || is_found)
	{
		bool		removed = !is_found || (is_sealed && (int64) sealed.number < (int64) found.number);
		bool		added = !is_sealed || (is_found && (int64) found.number < (int64) sealed.number);

		CHECK_FOR_INTERRUPTS();
		if ((removed || added || sealed.check != found.check) && ++count <= NAMED_ROWS)
			report_row(check, seal, added ? NULL : &sealed, removed ? NULL : &found);
		is_sealed = added ? is_sealed : next_mark(&sealed);
		is_found = removed ? is_found : next_mark(&found);
	}
	if (count > NAMED_ROWS)
		report(check, seal_name(seal->source, seal->partition, seal->number), NULL, NULL,
			   psprintf("%lld more rows were changed, removed or added", (long long) (count - NAMED_ROWS)));
	return count;
}

static const char *
hash_text(const uint8 *hash)
{
	char	   *text = palloc(2 * PG_SHA256_DIGEST_LENGTH + 1);

	text[hex_encode((const char *) hash, PG_SHA256_DIGEST_LENGTH, text)] = '\0';
	return text;
}

/* the hash of a seal that was not looked at; false without one */
static bool
read_hash(const Source *source, int64 partition, int64 number, uint8 *hash)
{
	Datum		args[3] = {CStringGetTextDatum(source->name), Int64GetDatum(partition), Int64GetDatum(number)};
	bool		isnull;
	bool		found;

	if (SPI_execute_plan(stream_plan(&hash_query), args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read seals");
	found = SPI_processed == 1
		&& hash_of_datum(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull), hash);
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/*
 * Makes the seal's predecessor the one that was looked at before; false when there
 * is none, which is reported.
 */
static bool
find_previous(SealCheck *check, const Seal *seal)
{
	bool		same_chain = check->source != NULL && check->source == seal->source
		&& check->partition == seal->partition;
	int64		first_missing;

	if (same_chain && check->number == seal->number - 1)
		return true;
	memset(check->stored, 0, sizeof(check->stored));
	memset(check->computed, 0, sizeof(check->computed));
	if (seal->number == 1)
		return true;
	if (read_hash(seal->source, seal->partition, seal->number - 1, check->stored))
	{
		memcpy(check->computed, check->stored, sizeof(check->stored));
		return true;
	}
	first_missing = same_chain ? check->number + 1 : check->ranged ? seal->number - 1 : 1;
	report(check, seal_name(seal->source, seal->partition, first_missing), NULL, NULL,
		   first_missing == seal->number - 1 ? "was removed"
		   : psprintf("was removed, and all up to number %lld", (long long) seal->number - 1));
	return false;
}

static void
check_seal(SealCheck *check, const Seal *seal)
{
	bool		known = find_previous(check, seal);
	Digest		digest;
	uint8		rows_hash[PG_SHA256_DIGEST_LENGTH];
	uint8		computed[PG_SHA256_DIGEST_LENGTH];
	uint8		otherwise[PG_SHA256_DIGEST_LENGTH];
	bool		same_marks;

	digest_rows(seal, &digest, rows_hash);
	/* where the hash before was changed, this one was made with what it should be */
	seal_hash(seal, check->stored, rows_hash, computed);
	seal_hash(seal, check->computed, rows_hash, otherwise);
	if (memcmp(otherwise, seal->hash, sizeof(otherwise)) == 0)
		memcpy(computed, otherwise, sizeof(computed));
	same_marks = digest.marks.len == seal->marks.len
		&& memcmp(digest.marks.data, seal->marks.data, digest.marks.len) == 0;

	if (known && memcmp(computed, seal->hash, sizeof(computed)) == 0)
	{
		if (!same_marks)
			report(check, seal_name(seal->source, seal->partition, seal->number), NULL, NULL,
				   "its marks were changed; its rows are as they were");
	}
	else if ((same_marks || compare_marks(check, seal, mark_reader(&seal->marks), mark_reader(&digest.marks)) == 0)
			 && known)
		report(check, seal_name(seal->source, seal->partition, seal->number),
			   hash_text(computed), hash_text(seal->hash),
			   "the seal was changed, or with its marks rows of it");

	check->source = seal->source;
	check->partition = seal->partition;
	check->number = seal->number;
	memcpy(check->stored, seal->hash, sizeof(check->stored));
	memcpy(check->computed, computed, sizeof(check->computed));
}

static int
int64_column(Datum array, Datum **values)
{
	int			count;

	deconstruct_array(DatumGetArrayTypeP(array), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, values, NULL, &count);
	return count;
}

/* a row of seals_query */
static void
read_seal(Seal *seal, HeapTuple tuple, TupleDesc desc)
{
	Datum		values[9];
	bool		nulls[9];
	Datum	   *first;
	Datum	   *last;
	bytea	   *marks;
	char	   *name;

	heap_deform_tuple(tuple, desc, values, nulls);
	name = TextDatumGetCString(values[0]);
	seal->source = strcmp(name, SOURCE_USAGE->name) == 0 ? SOURCE_USAGE : SOURCE_JOURNAL;
	seal->partition = DatumGetInt64(values[1]);
	seal->number = DatumGetInt64(values[2]);
	seal->rows = DatumGetInt64(values[3]);
	marks = DatumGetByteaPP(values[4]);
	seal->marks.data = VARDATA_ANY(marks);
	seal->marks.len = VARSIZE_ANY_EXHDR(marks);
	(void) hash_of_datum(values[5], seal->hash);
	seal->sealed_at = DatumGetTimestampTz(values[6]);
	seal->count = int64_column(values[7], &first);
	(void) int64_column(values[8], &last);
	seal->numbers = palloc((seal->count + 1) * sizeof(Stretch));
	for (int i = 0; i < seal->count; i++)
		seal->numbers[i] = (Stretch){DatumGetInt64(first[i]), DatumGetInt64(last[i])};
}

static void
check_fetched(SealCheck *check, SPITupleTable *fetched, uint64 count, MemoryContext memory)
{
	for (uint64 i = 0; i < count; i++)
	{
		MemoryContext previous = MemoryContextSwitchTo(memory);
		Seal		seal = {0};

		read_seal(&seal, fetched->vals[i], fetched->tupdesc);
		check_seal(check, &seal);
		MemoryContextSwitchTo(previous);
		MemoryContextReset(memory);
	}
}

static void
check_seals(FunctionCallInfo fcinfo, StreamQuery *query, Datum *args, const char *nulls, bool ranged)
{
	SealCheck	check = {.ranged = ranged};
	MemoryContext memory;
	Portal		portal;

	InitMaterializedSRF(fcinfo, 0);
	check.result = (ReturnSetInfo *) fcinfo->resultinfo;
	SPI_connect();
	memory = AllocSetContextCreate(CurrentMemoryContext, "rewards seal", ALLOCSET_DEFAULT_SIZES);
	portal = SPI_cursor_open(NULL, stream_plan(query), args, nulls, true);
	for (;;)
	{
		SPITupleTable *fetched;

		SPI_cursor_fetch(portal, true, SEALS_FETCHED);
		if (SPI_processed == 0)
			break;
		fetched = SPI_tuptable;
		check_fetched(&check, fetched, SPI_processed, memory);
		SPI_freetuptable(fetched);
	}
	SPI_cursor_close(portal);
	SPI_finish();
}

/*
 * verify_seals(since, until) returns setof (part, subject, expected, found, detail):
 * rows that were changed, removed or added after they were sealed, and seals that
 * were, of the seals made in [since, until).
 */
Datum
verify_seals(PG_FUNCTION_ARGS)
{
	Datum		range[2];
	char		nulls[] = "  ";

	for (int i = 0; i < 2; i++)
	{
		range[i] = PG_ARGISNULL(i) ? (Datum) 0 : PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	check_seals(fcinfo, &seals_query, range, nulls, !PG_ARGISNULL(0) || !PG_ARGISNULL(1));
	return (Datum) 0;
}

/* verify_partition(first) returns setof the same: of all seals of one partition */
Datum
verify_partition(PG_FUNCTION_ARGS)
{
	Datum		first = PG_GETARG_DATUM(0);

	check_seals(fcinfo, &partition_query, &first, NULL, false);
	return (Datum) 0;
}
