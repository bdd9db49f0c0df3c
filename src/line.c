/*
 * line.c
 *		Reads usage, journal and referral edges along the number line, under the
 *		active snapshot.
 *
 * An edge is no row of its own: it stands in the referee's account, at the number
 * drawn when it was made.  What adds up shares has no use for edges, and what
 * follows edges none for shares, so the tail of each is read by itself.
 *
 * Usage, of which there is most, is read straight by index, and so is the journal of a
 * tail, with which each read begins; the rest by a query.  Who asks for one account
 * is spared the rows that do not name it.
 *
 * Everything here changes nothing and, unless it says otherwise, runs inside SPI.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog.h"
#include "catalog/pg_type.h"
#include "line.h"
#include "miscadmin.h"
#include "number.h"
#include "usage.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "watch.h"

/* stretches this near are read in one go, what lies between is skipped */
#define NEAR_ENOUGH 256

/* columns of rewards.journal that are read here */
enum
{
	JOURNAL_ID = 1,
	JOURNAL_CREATED_AT,
	JOURNAL_UNIT = 4,
	JOURNAL_DISTRIBUTION,
	JOURNAL_EVENT = 8,
	JOURNAL_REVERSES_SOURCE = 11,
	JOURNAL_REVERSES_ID,
	JOURNAL_EXPIRES_AT = 14,
	JOURNAL_MODEL = 16,
	JOURNAL_REQUESTS,
	JOURNAL_TOKENS
};

/* the columns of journal and edges by query */
enum
{
	LINE_NUMBER,
	LINE_CREATED_AT,
	LINE_TOKENS,
	LINE_MODEL,
	LINE_UNIT,
	LINE_DISTRIBUTION,
	LINE_REFEREE,
	LINE_REFERRER,
	LINE_REQUESTS,
	LINE_REVERSES,
	LINE_EXPIRES_AT,
	LINE_ABOUT,
	LINE_OF_USAGE
};

#define JOURNAL_QUERY \
	"select j.id, j.created_at, j.tokens, j.model, j.unit, j.distribution, 0::bigint, 0::bigint," \
	" j.requests, j.event is not distinct from 'reversal', j.expires_at," \
	" case j.reverses_source when 'journal' then j.reverses_id end," \
	" case j.reverses_source when 'usage_logs' then j.reverses_id end" \
	" from rewards.journal j where j.id between $1 and $2"

#define EDGE_QUERY \
	"select a.seen_from, null::timestamptz, 0::bigint, null::text, 0::smallint," \
	" null::rewards.distribution, a.id, a.referrer, 0, false, null::timestamptz," \
	" null::bigint, null::bigint" \
	" from rewards.account a where a.referrer is not null and a.seen_from between $1 and $2"

/* of the same rows only number, time, success, service and tier */
#define START_QUERY \
	"select u.id, u.created_at, u.status_code between 200 and 299, u.service, u.tier" \
	" from rewards.usage_logs u where u.id between $1 and $2" \
	" union all" \
	" select j.id, null::timestamptz, false, null, null" \
	" from rewards.journal j where j.id between $1 and $2" \
	" union all" \
	" select a.seen_from, null::timestamptz, false, null, null" \
	" from rewards.account a where a.referrer is not null and a.seen_from between $1 and $2"

static StreamQuery edges = {
	.text = EDGE_QUERY,
	.nargs = 2,
	.types = {INT8OID, INT8OID}
};
static StreamQuery start_of_tail = {
	.text = START_QUERY,
	.nargs = 2,
	.types = {INT8OID, INT8OID}
};
static StreamQuery in_order = {
	.text = JOURNAL_QUERY " union all " EDGE_QUERY " order by 1",
	.nargs = 2,
	.types = {INT8OID, INT8OID}
};

/* visits an entry of the journal, its columns by number less one */
typedef bool (*EntryVisitor) (const Datum *values, const bool *nulls, void *context);

/*
 * The reading of neighbouring stretches: of a query's rows, of usage, or of both in
 * order of their numbers; or of usage and then the journal.
 */
typedef struct StretchReader
{
	RowVisitor	visit;			/* of the query's rows */
	RowVisitor	visit_usage;	/* NULL: usage is not read */
	EntryVisitor visit_entry;	/* NULL: nor is the journal */
	void	   *context;
	const Stretch *stretches;
	int			count;
	UsageScan  *usage;
	TupleTableSlot *next;		/* of usage, NULL at the end */
	MemoryContext scratch;		/* for one row */
	bool		stopped;
} StretchReader;

/* who visits rows of the line */
typedef struct LineReader
{
	LineVisitor visit;
	void	   *context;
	const Party *party;			/* NULL: all rows */
	RowShares	shares;
} LineReader;

static bool
is_in(const StretchReader *reader, int64 number)
{
	int			low = 0;
	int			high = reader->count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (reader->stretches[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < reader->count && reader->stretches[low].first <= number;
}

/* visits the rows of usage below a number, but for what lies between two stretches */
static void
visit_usage_below(StretchReader *reader, int64 end)
{
	MemoryContext previous;

	if (reader->next == NULL)
		return;
	previous = MemoryContextSwitchTo(reader->scratch);
	while (reader->next && !reader->stopped)
	{
		int64		number = DatumGetInt64(reader->next->tts_values[COLUMN_ID]);

		if (number >= end)
			break;
		if (is_in(reader, number))
		{
			reader->stopped = !reader->visit_usage(reader->next, reader->context);
			MemoryContextReset(reader->scratch);
		}
		reader->next = usage_next(reader->usage);
	}
	MemoryContextSwitchTo(previous);
}

/* RowVisitor: leaves out what lies between two stretches */
static bool
visit_within(TupleTableSlot *slot, void *context)
{
	StretchReader *reader = (StretchReader *) context;
	int64		number = DatumGetInt64(slot->tts_values[0]);

	visit_usage_below(reader, number);
	if (!reader->stopped && is_in(reader, number))
		reader->stopped = !reader->visit(slot, reader->context);
	return !reader->stopped;
}

/* visits what neighbouring stretches have of the journal */
static void
visit_journal(StretchReader *reader, int64 first, int64 last)
{
	MemoryContext previous;
	Datum	   *values;
	bool	   *nulls;
	ScanKeyData keys[2];
	CatalogScan scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], JOURNAL_ID, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(first));
	ScanKeyInit(&keys[1], JOURNAL_ID, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(last));
	scan = catalog_scan_active(TABLE_JOURNAL, INDEX_JOURNAL, keys, 2);
	values = palloc(RelationGetDescr(scan.heap)->natts * sizeof(Datum));
	nulls = palloc(RelationGetDescr(scan.heap)->natts * sizeof(bool));
	while (!reader->stopped && (tuple = catalog_next(&scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(tuple, RelationGetDescr(scan.heap), values, nulls);
		if (!is_in(reader, DatumGetInt64(values[JOURNAL_ID - 1])))
			continue;
		previous = MemoryContextSwitchTo(reader->scratch);
		reader->stopped = !reader->visit_entry(values, nulls, reader->context);
		MemoryContextSwitchTo(previous);
		MemoryContextReset(reader->scratch);
	}
	catalog_end(&scan);
	pfree(values);
	pfree(nulls);
}

/* reads what lies from the first to the last of neighbouring stretches */
static void
read_neighbours(StretchReader *reader, StreamQuery *query)
{
	int64		first = reader->stretches[0].first;
	int64		last = reader->stretches[reader->count - 1].last;
	Datum		bounds[2] = {Int64GetDatum(first), Int64GetDatum(last)};

	if (reader->visit_usage)
	{
		reader->usage = usage_begin(first, last);
		reader->next = usage_next(reader->usage);
	}
	if (query)
		stream_rows(query, bounds, NULL, visit_within, reader);
	if (reader->visit_usage)
	{
		visit_usage_below(reader, PG_INT64_MAX);
		usage_end(reader->usage);
		reader->next = NULL;
	}
	if (reader->visit_entry)
		visit_journal(reader, first, last);
}

/* visits what of ascending, disjoint stretches a query and usage have, as the reader says */
static void
read_each(StretchReader *reader, StreamQuery *query, const Stretch *stretches, int count)
{
	if (reader->visit_usage)
		reader->scratch = AllocSetContextCreate(CurrentMemoryContext, "rewards usage",
												ALLOCSET_DEFAULT_SIZES);
	for (int from = 0, to; from < count && !reader->stopped; from = to)
	{
		for (to = from + 1; to < count; to++)
			if (stretches[to].first - stretches[to - 1].last > NEAR_ENOUGH)
				break;
		reader->stretches = stretches + from;
		reader->count = to - from;
		read_neighbours(reader, query);
	}
	if (reader->visit_usage)
		MemoryContextDelete(reader->scratch);
}

/*
 * Visits the rows of a query whose number, its first column, lies in one of
 * ascending, disjoint stretches; the query takes two bounds and may give them in
 * order.  Needs SPI.
 */
void
line_stream(StreamQuery *query, const Stretch *stretches, int count,
			RowVisitor visit, void *context)
{
	StretchReader reader = {.visit = visit, .context = context};

	read_each(&reader, query, stretches, count);
}

/* the same of the rows of usage, in order of their numbers; their columns stand by UsageColumn */
void
line_stream_usage(const Stretch *stretches, int count, RowVisitor visit, void *context)
{
	StretchReader reader = {.visit_usage = visit, .context = context};

	read_each(&reader, NULL, stretches, count);
}

/* takes a row's distribution apart */
static void
read_shares(RowShares *shares, const Distribution *distribution)
{
	ShareReader reader = distribution_reader(distribution);
	Share		share;
	int			count = 0;

	while (distribution_next(&reader, &share))
	{
		/* room by powers of two */
		if (count == shares->room)
		{
			shares->room = Max(16, 2 * shares->room);
			shares->list = shares->list == NULL
				? MemoryContextAlloc(shares->context, shares->room * sizeof(Share))
				: repalloc(shares->list, shares->room * sizeof(Share));
		}
		shares->list[count++] = share;
	}
	shares->count = count;
}

/* who got what from a row, in the order of its distribution, until the next one is visited */
const Share *
line_shares(const LineRow *row, int *count)
{
	if (row->shares->count < 0)
		read_shares(row->shares, row->distribution);
	*count = row->shares->count;
	return row->shares->list;
}

static const Distribution *
read_distribution(int64 number, const Datum *values, const bool *nulls, int column)
{
	if (nulls[column])
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("row %lld of usage_logs has no distribution", (long long) number),
				 errhint("It was written past the table's trigger; remove it the same way.")));
	return (Distribution *) PG_DETOAST_DATUM_PACKED(values[column]);
}

static bool
is_name(const Id *name, Datum value, bool isnull)
{
	Id			id = id_of_datum(value, isnull);

	return id.text && id.len == name->len && memcmp(id.text, name->text, id.len) == 0;
}

/* whether a row is of a party that somebody asked for, or gives it a share */
static bool
names_party(const Party *party, const Datum *values, const bool *nulls, const Distribution *distribution)
{
	UsageColumn own = party->kind == KIND_USER ? COLUMN_USER_ID : COLUMN_PROVIDER_ID;

	return is_name(&party->name, values[own], nulls[own])
		|| distribution_names(distribution, party->number);
}

/* a row with a distribution, to whoever reads; its shares are read when they are asked for */
static bool
hand_over(LineReader *reader, LineRow *row)
{
	reader->shares.count = -1;
	row->shares = &reader->shares;
	return reader->visit(row, reader->context);
}

/* RowVisitor of usage */
static bool
visit_usage(TupleTableSlot *slot, void *context)
{
	LineReader *reader = (LineReader *) context;
	const Datum *values = slot->tts_values;
	const bool *nulls = slot->tts_isnull;
	int32		status = DatumGetInt32(values[COLUMN_STATUS_CODE]);
	LineRow		row = {0};

	row.number = DatumGetInt64(values[COLUMN_ID]);
	row.distribution = read_distribution(row.number, values, nulls, COLUMN_DISTRIBUTION);
	if (reader->party && !names_party(reader->party, values, nulls, row.distribution))
		return true;
	row.created_at = DatumGetTimestampTz(values[COLUMN_CREATED_AT]);
	row.unit = UNIT_OF_USAGE;
	row.succeeded = status >= 200 && status <= 299;
	row.input_tokens = DatumGetInt32(values[COLUMN_INPUT_TOKENS]);
	row.tokens = row.input_tokens + DatumGetInt32(values[COLUMN_OUTPUT_TOKENS]);
	row.model = id_of_datum(values[COLUMN_MODEL], nulls[COLUMN_MODEL]);
	row.user = id_of_datum(values[COLUMN_USER_ID], nulls[COLUMN_USER_ID]);
	row.provider = id_of_datum(values[COLUMN_PROVIDER_ID], nulls[COLUMN_PROVIDER_ID]);
	row.service = id_of_datum(values[COLUMN_SERVICE], nulls[COLUMN_SERVICE]);
	row.tier = id_of_datum(values[COLUMN_TIER], nulls[COLUMN_TIER]);
	row.request = id_of_datum(values[COLUMN_REQUEST_ID], nulls[COLUMN_REQUEST_ID]);
	row.cost = nulls[COLUMN_COST] ? 0 : amount_of_datum(values[COLUMN_COST]);
	return hand_over(reader, &row);
}

/* what an entry is about, if that is in a table: 0 for nothing */
static int64
about(const char *table, const Datum *values, const bool *nulls)
{
	Id			source = id_of_datum(values[JOURNAL_REVERSES_SOURCE - 1], nulls[JOURNAL_REVERSES_SOURCE - 1]);

	if (source.text == NULL || nulls[JOURNAL_REVERSES_ID - 1] || source.len != strlen(table)
		|| memcmp(source.text, table, source.len) != 0)
		return 0;
	return DatumGetInt64(values[JOURNAL_REVERSES_ID - 1]);
}

/* EntryVisitor */
static bool
visit_entry(const Datum *values, const bool *nulls, void *context)
{
	LineReader *reader = (LineReader *) context;
	LineRow		row = {0};
	Id			event = id_of_datum(values[JOURNAL_EVENT - 1], nulls[JOURNAL_EVENT - 1]);

	row.number = DatumGetInt64(values[JOURNAL_ID - 1]);
	row.distribution = read_distribution(row.number, values, nulls, JOURNAL_DISTRIBUTION - 1);
	if (reader->party && !distribution_names(row.distribution, reader->party->number))
		return true;
	row.created_at = DatumGetTimestampTz(values[JOURNAL_CREATED_AT - 1]);
	row.unit = (Unit) DatumGetInt16(values[JOURNAL_UNIT - 1]);
	row.model = id_of_datum(values[JOURNAL_MODEL - 1], nulls[JOURNAL_MODEL - 1]);
	row.succeeded = true;
	row.requests = DatumGetInt32(values[JOURNAL_REQUESTS - 1]);
	row.tokens = DatumGetInt64(values[JOURNAL_TOKENS - 1]);
	row.reverses = event.text && event.len == 8 && memcmp(event.text, "reversal", 8) == 0;
	row.expires_at = nulls[JOURNAL_EXPIRES_AT - 1] ? DT_NOEND
		: DatumGetTimestampTz(values[JOURNAL_EXPIRES_AT - 1]);
	row.about = about("journal", values, nulls);
	row.usage = about("usage_logs", values, nulls);
	return hand_over(reader, &row);
}

/* what only the journal has */
static void
read_journal(LineRow *row, const Datum *values, const bool *nulls)
{
	row->succeeded = true;
	row->requests = DatumGetInt32(values[LINE_REQUESTS]);
	row->reverses = DatumGetBool(values[LINE_REVERSES]);
	row->expires_at = nulls[LINE_EXPIRES_AT] ? DT_NOEND
		: DatumGetTimestampTz(values[LINE_EXPIRES_AT]);
	row->about = nulls[LINE_ABOUT] ? 0 : DatumGetInt64(values[LINE_ABOUT]);
	row->usage = nulls[LINE_OF_USAGE] ? 0 : DatumGetInt64(values[LINE_OF_USAGE]);
}

/* RowVisitor of journal and edges */
static bool
visit_slot(TupleTableSlot *slot, void *context)
{
	LineReader *reader = (LineReader *) context;
	const Datum *values = slot->tts_values;
	const bool *nulls = slot->tts_isnull;
	LineRow		row = {0};

	row.number = DatumGetInt64(values[LINE_NUMBER]);
	row.referee = DatumGetInt64(values[LINE_REFEREE]);
	row.referrer = DatumGetInt64(values[LINE_REFERRER]);
	if (row.referee != 0)
		return reader->visit(&row, reader->context);
	row.created_at = DatumGetTimestampTz(values[LINE_CREATED_AT]);
	row.model = id_of_datum(values[LINE_MODEL], nulls[LINE_MODEL]);
	row.tokens = DatumGetInt64(values[LINE_TOKENS]);
	row.unit = (Unit) DatumGetInt16(values[LINE_UNIT]);
	row.distribution = read_distribution(row.number, values, nulls, LINE_DISTRIBUTION);
	read_journal(&row, values, nulls);
	return hand_over(reader, &row);
}

static void
read_stretches(StreamQuery *query, bool usage, const Stretch *stretches, int count,
			   LineVisitor visit, void *context)
{
	LineReader	line = {.visit = visit, .context = context, .shares = {CurrentMemoryContext}};
	StretchReader reader = {.visit = visit_slot, .visit_usage = usage ? visit_usage : NULL, .context = &line};

	read_each(&reader, query, stretches, count);
	if (line.shares.list)
		pfree(line.shares.list);
}

/*
 * Visits the rows of ascending, disjoint stretches in order of their numbers,
 * as the active snapshot sees them.  Needs SPI.
 */
void
line_read(const Stretch *stretches, int count, LineVisitor visit, void *context)
{
	read_stretches(&in_order, true, stretches, count, visit, context);
}

/* finds where rows not yet folded may lie; nowhere without a cursor */
static int
find_tail(Cursor *cursor, Stretch **stretches)
{
	watch_tail();
	cursor_read(cursor, false);
	return cursor->last >= 0 ? cursor_tail(cursor, stretches) : 0;
}

/*
 * Visits usage and journal recorded and not yet folded, in any order, cursor and
 * rows under the active snapshot; for a party only what names it.  Returns which
 * transaction wrote the totals that the tail goes with.  Needs no SPI.
 */
TransactionId
line_read_tail(const Party *party, LineVisitor visit, void *context)
{
	LineReader	line = {visit, context, party, {CurrentMemoryContext}};
	StretchReader reader = {.visit_usage = visit_usage, .visit_entry = visit_entry, .context = &line};
	Cursor		cursor;
	Stretch    *stretches;
	int			count = find_tail(&cursor, &stretches);

	if (count > 0)
		read_each(&reader, NULL, stretches, count);
	if (line.shares.list)
		pfree(line.shares.list);
	return cursor.written_by;
}

/* the same for the referral edges; connects to SPI by itself */
void
line_read_tail_edges(LineVisitor visit, void *context)
{
	Cursor		cursor;
	Stretch    *stretches;
	int			count = find_tail(&cursor, &stretches);

	SPI_connect();
	if (count > 0)
		read_stretches(&edges, false, stretches, count, visit, context);
	SPI_finish();
}

/* the reading of a tail's start */
typedef struct StartReader
{
	LineVisitor visit;
	void	   *context;
	int64		rows;
} StartReader;

static bool
visit_start(TupleTableSlot *slot, void *context)
{
	StartReader *reader = (StartReader *) context;
	const Datum *values = slot->tts_values;
	const bool *nulls = slot->tts_isnull;
	LineRow		row = {0};

	if (reader->rows > LINE_START || ++reader->rows > LINE_START)
		return false;
	row.number = DatumGetInt64(values[0]);
	row.created_at = nulls[1] ? 0 : DatumGetTimestampTz(values[1]);
	row.succeeded = DatumGetBool(values[2]);
	row.service = id_of_datum(values[3], nulls[3]);
	row.tier = id_of_datum(values[4], nulls[4]);
	return reader->visit == NULL || reader->visit(&row, reader->context);
}

/* how many numbers of the stretches have been drawn */
static int64
numbers_drawn(const Stretch *stretches, int count)
{
	int64		last = number_last();
	int64		drawn = 0;

	for (int i = 0; i < count; i++)
		drawn += Max(0, Min(stretches[i].last, last) - stretches[i].first + 1);
	return drawn;
}

/*
 * Visits the first LINE_START of all that is not yet folded, edges too, but only
 * number, time, success, service and tier of each; visit may be NULL.  Returns how many
 * there are: beyond LINE_START how many numbers were drawn, which a row rolled back has
 * as well, so that a long tail costs no more than a short one.
 */
int64
line_read_start(LineVisitor visit, void *context)
{
	StartReader reader = {visit, context, 0};
	Cursor		cursor;
	Stretch    *stretches;
	int			count = find_tail(&cursor, &stretches);

	SPI_connect();
	if (count > 0)
	{
		line_stream(&start_of_tail, stretches, count, visit_start, &reader);
		if (reader.rows > LINE_START)
			reader.rows = Max(reader.rows, numbers_drawn(stretches, count));
	}
	SPI_finish();
	return reader.rows;
}
