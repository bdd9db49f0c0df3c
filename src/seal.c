/*
 * seal.c
 *		Seals: what posting has folded, proved by a chain of hashes.
 *
 * A posting decides numbers: it folds their rows, or finds that nobody can bring
 * any.  A seal covers the numbers that one posting decided in one partition of
 * usage_logs, or in the journal, which is a source of its own.  So the numbers of
 * a source's seals are disjoint, and together just what the cursor says is folded.
 *
 *		hash = SHA-256(hash of the seal before, 32 zero bytes for the first;
 *					   source, partition, number, sealed_at, numbers, rows;
 *					   SHA-256(the rows in order of id))
 *
 * Integers are eight bytes in network order, texts their length and bytes, numbers
 * the count of their stretches and both ends of each.  A row is its length and its
 * columns in the order of UsageColumn or of the journal's query below, each a byte that tells NULL (0) from the
 * form that follows.  Nothing of it hangs on how the server stores a value.
 *
 * marks holds, row by row, the gap to the number before as a varint and the CRC-32C
 * of the row's form.  It tells which row differs where the hash only says that one
 * does.
 *
 * Each chain is by itself, so that a partition can go and the others stay proved.
 *
 * This file makes seals, seal_check.c looks at them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "amount.h"
#include "catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "compat.h"
#include "event.h"
#include "fmgr.h"
#include "line.h"
#include "port/pg_bswap.h"
#include "port/pg_crc32c.h"
#include "seal.h"
#include "stream.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* a seal covers no more numbers than this, so that its marks stay small */
#define SEAL_NUMBERS INT64CONST(1000000)

/* the forms of a column's value; these are sealed and never change */
enum
{
	FORM_NULL = 0,
	FORM_INTEGER = 1,			/* eight bytes; of a timestamp its microseconds since 2000 */
	FORM_BYTES = 2,				/* of texts and distributions */
	FORM_NUMERIC = 3			/* as numeric_send() gives it */
};

Source		seal_sources[] = {
	{"usage_logs"},
	{
		"journal",
		{
			.text = "select id, created_at, recorded_at, unit, distribution, reason, actor, event,"
			" account, cause, reverses_source, reverses_id, held_until, expires_at, reference,"
			" model, requests, tokens"
			" from rewards.journal where id between $1 and $2 order by id",
			.nargs = 2,
			.types = {INT8OID, INT8OID}
		}
	}
};

/* ---- the form of a row ---- */

/* so many bytes more at its end, to be written; what is built here is no string and needs no zero */
static inline char *
append_room(StringInfo form, int bytes)
{
	char	   *room;

	if (form->len + bytes >= form->maxlen)
		enlargeStringInfo(form, bytes);
	room = form->data + form->len;
	form->len += bytes;
	return room;
}

static inline void
append_integer(StringInfo form, int64 value)
{
	uint64		bytes = pg_hton64((uint64) value);

	memcpy(append_room(form, sizeof(bytes)), &bytes, sizeof(bytes));
}

static inline void
append_short(StringInfo form, int16 value)
{
	uint16		bytes = pg_hton16((uint16) value);

	memcpy(append_room(form, sizeof(bytes)), &bytes, sizeof(bytes));
}

static inline void
append_bytes(StringInfo form, const char *bytes, int len)
{
	append_integer(form, len);
	memcpy(append_room(form, len), bytes, len);
}

static inline void
append_kind(StringInfo form, int kind)
{
	*append_room(form, 1) = (char) kind;
}

static void
append_varlena(StringInfo form, int kind, struct varlena *value)
{
	append_kind(form, kind);
	append_bytes(form, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

/* as numeric_send() gives it: counts and digits, two bytes each */
static void
append_numeric(StringInfo form, Datum value)
{
	struct varlena *numeric = PG_DETOAST_DATUM_PACKED(value);
	NumericDigits digits;

	if (!numeric_digits(PointerGetDatum(numeric), &digits))
	{
		append_varlena(form, FORM_NUMERIC,
					   (struct varlena *) DatumGetPointer(DirectFunctionCall1(numeric_send, value)));
		return;
	}
	append_kind(form, FORM_NUMERIC);
	append_integer(form, (4 + digits.count) * (int64) sizeof(int16));
	append_short(form, (int16) digits.count);
	append_short(form, (int16) digits.weight);
	append_short(form, digits.negative ? 0x4000 : 0);
	append_short(form, (int16) digits.scale);
	for (int i = 0; i < digits.count; i++)
	{
		int16		digit;

		memcpy(&digit, digits.digits + i * sizeof(digit), sizeof(digit));
		append_short(form, digit);
	}
}

static void
append_column(StringInfo form, Oid type, Datum value)
{
	int64		integer;

	switch (type)
	{
		case INT2OID:
			integer = DatumGetInt16(value);
			break;
		case INT4OID:
			integer = DatumGetInt32(value);
			break;
		case INT8OID:
		case TIMESTAMPTZOID:
			integer = DatumGetInt64(value);
			break;
		case NUMERICOID:
			append_numeric(form, value);
			return;
		default:
			append_varlena(form, FORM_BYTES, PG_DETOAST_DATUM_PACKED(value));
			return;
	}
	append_kind(form, FORM_INTEGER);
	append_integer(form, integer);
}

static void
append_row(StringInfo form, const TupleTableSlot *slot, int columns)
{
	for (int i = 0; i < columns; i++)
		if (slot->tts_isnull[i])
			append_kind(form, FORM_NULL);
		else
			append_column(form, TupleDescAttr(slot->tts_tupleDescriptor, i)->atttypid,
						  slot->tts_values[i]);
}

/* ---- the digest of many rows ---- */

/* enough to be worth the call */
#define DIGEST_BYTES (64 * 1024)

static void
hash_failed(pg_cryptohash_ctx *hash)
{
	elog(ERROR, "could not compute a SHA-256 hash: %s", pg_cryptohash_error(hash));
}

static pg_cryptohash_ctx *
hash_begin(void)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (pg_cryptohash_init(hash) < 0)
		hash_failed(hash);
	return hash;
}

static void
hash_update(pg_cryptohash_ctx *hash, const void *bytes, size_t len)
{
	if (pg_cryptohash_update(hash, (const uint8 *) bytes, len) < 0)
		hash_failed(hash);
}

static void
hash_finish(pg_cryptohash_ctx *hash, uint8 *result)
{
	if (pg_cryptohash_final(hash, result, PG_SHA256_DIGEST_LENGTH) < 0)
		hash_failed(hash);
	pg_cryptohash_free(hash);
}

static void
append_mark(StringInfo marks, uint64 gap, pg_crc32c check)
{
	uint32		bytes = pg_hton32(check);

	for (; gap >= 0x80; gap >>= 7)
		appendStringInfoCharMacro(marks, (char) (gap | 0x80));
	appendStringInfoCharMacro(marks, (char) gap);
	appendBinaryStringInfo(marks, (char *) &bytes, sizeof(bytes));
}

/* adds a row of so many columns */
static void
digest_row(Digest *digest, const TupleTableSlot *slot, int columns)
{
	int64		number = DatumGetInt64(slot->tts_values[0]);
	int			start = digest->form.len;
	int			len;
	uint64		prefix;
	pg_crc32c	check;

	append_integer(&digest->form, 0);	/* the length is known then */
	append_row(&digest->form, slot, columns);
	len = digest->form.len - start - (int) sizeof(prefix);
	prefix = pg_hton64((uint64) len);
	memcpy(digest->form.data + start, &prefix, sizeof(prefix));

	INIT_CRC32C(check);
	COMP_CRC32C(check, digest->form.data + start + sizeof(prefix), len);
	FIN_CRC32C(check);
	append_mark(&digest->marks, (uint64) number - (uint64) digest->number, check);
	digest->number = number;
	digest->rows++;

	if (digest->form.len >= DIGEST_BYTES)
	{
		hash_update(digest->hash, digest->form.data, digest->form.len);
		resetStringInfo(&digest->form);
	}
}

/* RowVisitor; a table of usage may have more columns than ours */
static bool
digest_usage(TupleTableSlot *slot, void *digest)
{
	digest_row((Digest *) digest, slot, USAGE_COLUMNS);
	return true;
}

/* RowVisitor */
static bool
digest_entry(TupleTableSlot *slot, void *digest)
{
	digest_row((Digest *) digest, slot, slot->tts_tupleDescriptor->natts);
	return true;
}

/*
 * Reads the rows of a seal as the active snapshot sees them; returns how many,
 * their marks and their hash.  In memory of the caller's.
 */
void
digest_rows(const Seal *seal, Digest *digest, uint8 *rows_hash)
{
	memset(digest, 0, sizeof(Digest));
	digest->hash = hash_begin();
	initStringInfo(&digest->form);
	initStringInfo(&digest->marks);
	if (seal->source == SOURCE_USAGE)
		line_stream_usage(seal->numbers, seal->count, digest_usage, digest);
	else
		line_stream(&seal->source->rows, seal->numbers, seal->count, digest_entry, digest);
	hash_update(digest->hash, digest->form.data, digest->form.len);
	hash_finish(digest->hash, rows_hash);
	pfree(digest->form.data);
}

void
seal_hash(const Seal *seal, const uint8 *previous, const uint8 *rows_hash, uint8 *result)
{
	pg_cryptohash_ctx *hash = hash_begin();
	StringInfoData head;

	initStringInfo(&head);
	appendBinaryStringInfo(&head, (const char *) previous, PG_SHA256_DIGEST_LENGTH);
	append_bytes(&head, seal->source->name, strlen(seal->source->name));
	append_integer(&head, seal->partition);
	append_integer(&head, seal->number);
	append_integer(&head, seal->sealed_at);
	append_integer(&head, seal->count);
	for (int i = 0; i < seal->count; i++)
	{
		append_integer(&head, seal->numbers[i].first);
		append_integer(&head, seal->numbers[i].last);
	}
	append_integer(&head, seal->rows);
	appendBinaryStringInfo(&head, (const char *) rows_hash, PG_SHA256_DIGEST_LENGTH);
	hash_update(hash, head.data, head.len);
	hash_finish(hash, result);
	pfree(head.data);
}

static Datum
bytea_datum(const void *bytes, int len)
{
	bytea	   *value = palloc(VARHDRSZ + len);

	SET_VARSIZE(value, VARHDRSZ + len);
	memcpy(VARDATA(value), bytes, len);
	return PointerGetDatum(value);
}

/* false for what cannot be a hash */
bool
hash_of_datum(Datum value, uint8 *hash)
{
	bytea	   *bytes = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(bytes) != PG_SHA256_DIGEST_LENGTH)
		return false;
	memcpy(hash, VARDATA_ANY(bytes), PG_SHA256_DIGEST_LENGTH);
	return true;
}

/* ---- making seals ---- */

static StreamQuery newest_query = {
	.text = "select number, hash from rewards.seal"
	" where source = $1 and partition = $2 order by number desc limit 1",
	.nargs = 2,
	.types = {TEXTOID, INT8OID}
};
static StreamQuery insert_query = {
	.text = "insert into rewards.seal"
	" (source, partition, number, numbers, rows, marks, hash, sealed_at)"
	" select $1, $2, $3, range_agg(int8range(n.first, n.last, '[]')), $6, $7, $8, $9"
	" from unnest($4, $5) n(first, last)",
	.nargs = 9,
	.types = {TEXTOID, INT8OID, INT8OID, INT8ARRAYOID, INT8ARRAYOID, INT8OID, BYTEAOID, BYTEAOID, TIMESTAMPTZOID}
};
static StreamQuery partitions_query = {
	.text = "select first, upto from rewards.usage_partition order by first",
};

/* the number and hash of the chain's newest seal; 0 and zeros without one */
static void
read_newest(Seal *seal, uint8 *hash)
{
	Datum		args[2] = {CStringGetTextDatum(seal->source->name), Int64GetDatum(seal->partition)};
	bool		isnull;

	memset(hash, 0, PG_SHA256_DIGEST_LENGTH);
	seal->number = 0;
	if (SPI_execute_plan(stream_plan(&newest_query), args, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read seals");
	if (SPI_processed == 0)
		return;
	seal->number = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	/* one that was tampered with stays as it is and is found there */
	(void) hash_of_datum(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull), hash);
	SPI_freetuptable(SPI_tuptable);
}

static Datum
int64_array(const Datum *values, int count)
{
	return PointerGetDatum(construct_array((Datum *) values, count, INT8OID, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
write_seal(const Seal *seal)
{
	Datum	   *first = palloc(seal->count * sizeof(Datum));
	Datum	   *last = palloc(seal->count * sizeof(Datum));
	Datum		args[9];

	for (int i = 0; i < seal->count; i++)
	{
		first[i] = Int64GetDatum(seal->numbers[i].first);
		last[i] = Int64GetDatum(seal->numbers[i].last);
	}
	args[0] = CStringGetTextDatum(seal->source->name);
	args[1] = Int64GetDatum(seal->partition);
	args[2] = Int64GetDatum(seal->number);
	args[3] = int64_array(first, seal->count);
	args[4] = int64_array(last, seal->count);
	args[5] = Int64GetDatum(seal->rows);
	args[6] = bytea_datum(seal->marks.data, seal->marks.len);
	args[7] = bytea_datum(seal->hash, PG_SHA256_DIGEST_LENGTH);
	args[8] = TimestampTzGetDatum(seal->sealed_at);
	if (SPI_execute_plan(stream_plan(&insert_query), args, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not write a seal");
}

/* takes from stretches, of which the first may be left in part, so many numbers at most */
static int
take_numbers(Stretch *stretches, int count, int64 most, Stretch *taken)
{
	int			ntaken = 0;

	for (int i = 0; i < count && most > 0; i++)
	{
		int64		last = Min(stretches[i].last, stretches[i].first + (most - 1));

		taken[ntaken++] = (Stretch){stretches[i].first, last};
		most -= last - stretches[i].first + 1;
		stretches[i].first = last + 1;
	}
	return ntaken;
}

/* seals numbers of one chain, in as many seals as it needs */
static void
seal_chain(Source *source, int64 partition, const Stretch *stretches, int count, TimestampTz at)
{
	Stretch    *left = palloc((count + 1) * sizeof(Stretch));
	Seal		seal = {.source = source, .partition = partition, .sealed_at = at};
	uint8		previous[PG_SHA256_DIGEST_LENGTH];
	uint8		rows_hash[PG_SHA256_DIGEST_LENGTH];

	memcpy(left, stretches, count * sizeof(Stretch));
	seal.numbers = palloc((count + 1) * sizeof(Stretch));
	read_newest(&seal, previous);
	while ((seal.count = take_numbers(left, count, SEAL_NUMBERS, seal.numbers)) > 0)
	{
		Digest		digest;

		seal.number++;
		digest_rows(&seal, &digest, rows_hash);
		seal.rows = digest.rows;
		seal.marks = digest.marks;
		seal_hash(&seal, previous, rows_hash, seal.hash);
		write_seal(&seal);
		pfree(digest.marks.data);
		memcpy(previous, seal.hash, sizeof(previous));
		while (count > 0 && left->first > left->last)
			left++, count--;
	}
}

/* the ascending stretches from, without those that stay open, each within one of them */
static int
stretches_without(const Stretch *from, int count, const OpenStretch *open, int nopen, Stretch *result)
{
	int			nresult = 0;
	int			at = 0;

	for (int i = 0; i < count; i++)
	{
		int64		first = from[i].first;

		for (; at < nopen && open[at].numbers.first <= from[i].last; at++)
		{
			if (open[at].numbers.first > first)
				result[nresult++] = (Stretch){first, open[at].numbers.first - 1};
			first = open[at].numbers.last + 1;
		}
		if (first <= from[i].last)
			result[nresult++] = (Stretch){first, from[i].last};
	}
	return nresult;
}

/* joins those that touch: the numbers of a seal have one form only */
static int
join_stretches(Stretch *stretches, int count)
{
	int			joined = 0;

	for (int i = 0; i < count; i++)
		if (joined > 0 && stretches[joined - 1].last + 1 == stretches[i].first)
			stretches[joined - 1].last = stretches[i].last;
		else
			stretches[joined++] = stretches[i];
	return joined;
}

/* where the partitions of usage_logs lie, ascending, both ends included */
static int
read_partitions(Stretch **partitions)
{
	int			count;

	if (SPI_execute_plan(stream_plan(&partitions_query), NULL, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the partitions");
	count = (int) SPI_processed;
	*partitions = palloc((count + 1) * sizeof(Stretch));
	for (int i = 0; i < count; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		bool		isnull;

		(*partitions)[i].first = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull));
		(*partitions)[i].last = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull)) - 1;
	}
	SPI_freetuptable(SPI_tuptable);
	return count;
}

/* what of the stretches lies in a zone */
static int
stretches_within(const Stretch *stretches, int count, Stretch zone, Stretch *result)
{
	int			nresult = 0;

	for (int i = 0; i < count; i++)
	{
		Stretch		both = {Max(stretches[i].first, zone.first), Min(stretches[i].last, zone.last)};

		if (both.first <= both.last)
			result[nresult++] = both;
	}
	return nresult;
}

static void
seal_numbers(const Stretch *stretches, int count, TimestampTz at)
{
	Stretch    *partitions;
	int			npartitions = read_partitions(&partitions);
	Stretch    *outside = palloc((count + npartitions + 1) * sizeof(Stretch));
	Stretch    *inside = palloc((count + 1) * sizeof(Stretch));
	int			noutside = 0;
	int64		next = PG_INT64_MIN;

	/* between and above the partitions lies the default one */
	for (int i = 0; i <= npartitions; i++)
	{
		Stretch		zone = {next, i < npartitions ? partitions[i].first - 1 : PG_INT64_MAX};

		noutside += stretches_within(stretches, count, zone, outside + noutside);
		if (i == npartitions)
			break;
		next = partitions[i].last + 1;
		seal_chain(SOURCE_USAGE, partitions[i].first, inside,
				   stretches_within(stretches, count, partitions[i], inside), at);
	}
	seal_chain(SOURCE_USAGE, 0, outside, noutside, at);
	seal_chain(SOURCE_JOURNAL, 0, stretches, count, at);
}

/* whether this version's tables are there: install() makes them some time after its library has come */
static bool
can_seal(void)
{
	return OidIsValid(get_relname_relid("seal", get_namespace_oid(REWARDS_SCHEMA, false)));
}

/* whether what was folded before this posting is sealed; from now on it counts as that */
static bool
history_is_sealed(void)
{
	if (SPI_execute("update rewards.cursor set sealed = true where single and not sealed", false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not note that history is sealed");
	return SPI_processed == 0;
}

/*
 * Seals what a posting decides: all up to the new cursor that was not decided
 * before and does not stay open.  The active snapshot is the posting's.  The first
 * posting of an installation that folded before there were seals seals all that,
 * too.
 */
void
seal_decided(const Cursor *before, int64 upto, const OpenStretch *open, int nopen)
{
	/* one time for all, which tells them from those of other postings */
	TimestampTz at = GetCurrentTimestamp();
	MemoryContext memory;
	MemoryContext previous;
	Stretch    *tail;
	int			ntail;
	Stretch    *decided;
	int			count = 0;

	if (!can_seal())
		return;
	memory = AllocSetContextCreate(CurrentMemoryContext, "rewards seals", ALLOCSET_DEFAULT_SIZES);
	previous = MemoryContextSwitchTo(memory);
	ntail = cursor_tail(before, &tail);
	tail[ntail - 1].last = upto;
	if (tail[ntail - 1].first > upto)
		ntail--;
	/* what stays open of two that touch may be one */
	ntail = join_stretches(tail, ntail);
	decided = palloc((ntail + nopen + before->nopen + 2) * sizeof(Stretch));
	if (!history_is_sealed())
	{
		Stretch		all = {1, before->last};

		count = stretches_without(&all, before->last > 0 ? 1 : 0, before->open, before->nopen, decided);
		if (count > 0)
			seal_numbers(decided, count, at);
	}
	count = stretches_without(tail, ntail, open, nopen, decided);
	if (count > 0)
		seal_numbers(decided, count, at);
	MemoryContextSwitchTo(previous);
	MemoryContextDelete(memory);
}
