/*
 * line.c
 *		Reads usage, journal and referral edges along the number line, under the
 *		active snapshot.
 *
 * An edge is no row of its own: it stands in the referee's account, at the number
 * drawn when it was made.  What adds up shares has no use for edges, and what
 * follows edges none for shares, so the tail of each is read by itself.
 *
 * Everything here changes nothing and, unless it says otherwise, runs inside SPI.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "line.h"
#include "number.h"
#include "watch.h"

/* stretches this near are read in one go, what lies between is skipped */
#define NEAR_ENOUGH 256

/* the columns of all three sorts of rows */
enum
{
	LINE_NUMBER,
	LINE_CREATED_AT,
	LINE_SUCCEEDED,
	LINE_TOKENS,
	LINE_USER,
	LINE_PROVIDER,
	LINE_MODEL,
	LINE_UNIT,
	LINE_DISTRIBUTION,
	LINE_REFEREE,
	LINE_REFERRER,
	LINE_SERVICE,
	LINE_TIER,
	LINE_REQUEST,
	LINE_COST,
	LINE_REQUESTS,
	LINE_REVERSES,
	LINE_EXPIRES_AT,
	LINE_ABOUT,
	LINE_OF_USAGE,
	LINE_INPUT_TOKENS
};

#define LINE_QUERY \
	"select u.id, u.created_at, u.status_code between 200 and 299," \
	" u.input_tokens::bigint + u.output_tokens, u.user_id, u.provider_id," \
	" u.model, 0::smallint, u.distribution, 0::bigint, 0::bigint, u.service, u.tier," \
	" u.request_id, u.cost, 0, false, null::timestamptz, null::bigint, null::bigint," \
	" u.input_tokens" \
	" from rewards.usage_logs u where u.id between $1 and $2" \
	" union all" \
	" select j.id, j.created_at, true, j.tokens, null, null, j.model, j.unit," \
	" j.distribution, 0::bigint, 0::bigint, null, null, null, null, j.requests," \
	" j.event is not distinct from 'reversal', j.expires_at," \
	" case j.reverses_source when 'journal' then j.reverses_id end," \
	" case j.reverses_source when 'usage_logs' then j.reverses_id end, 0" \
	" from rewards.journal j where j.id between $1 and $2"

#define EDGE_QUERY \
	"select a.seen_from, null::timestamptz, false, 0::bigint, null::text, null::text," \
	" null::text, 0::smallint, null::rewards.distribution, a.id, a.referrer, null::text," \
	" null::text, null::text, null::numeric, 0, false, null::timestamptz, null::bigint," \
	" null::bigint, 0" \
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

static StreamQuery any_order = {
	.text = LINE_QUERY,
	.nargs = 2,
	.types = {INT8OID, INT8OID}
};
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
	.text = LINE_QUERY " union all " EDGE_QUERY " order by 1",
	.nargs = 2,
	.types = {INT8OID, INT8OID}
};

/* the reading of neighbouring stretches */
typedef struct StretchReader
{
	RowVisitor	visit;
	void	   *context;
	const Stretch *stretches;
	int			count;
} StretchReader;

/* who visits rows of the line */
typedef struct LineReader
{
	LineVisitor visit;
	void	   *context;
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

/* RowVisitor: leaves out what lies between two stretches */
static bool
visit_within(TupleTableSlot *slot, void *context)
{
	StretchReader *reader = (StretchReader *) context;

	return !is_in(reader, DatumGetInt64(slot->tts_values[0])) || reader->visit(slot, reader->context);
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

	for (int from = 0, to; from < count; from = to)
	{
		Datum		bounds[2];

		for (to = from + 1; to < count; to++)
			if (stretches[to].first - stretches[to - 1].last > NEAR_ENOUGH)
				break;
		reader.stretches = stretches + from;
		reader.count = to - from;
		bounds[0] = Int64GetDatum(stretches[from].first);
		bounds[1] = Int64GetDatum(stretches[to - 1].last);
		stream_rows(query, bounds, NULL, visit_within, &reader);
	}
}

/* what only usage has */
static void
read_usage(LineRow *row, const Datum *values, const bool *nulls)
{
	row->succeeded = DatumGetBool(values[LINE_SUCCEEDED]);
	row->input_tokens = DatumGetInt32(values[LINE_INPUT_TOKENS]);
	row->user = id_of_datum(values[LINE_USER], nulls[LINE_USER]);
	row->provider = id_of_datum(values[LINE_PROVIDER], nulls[LINE_PROVIDER]);
	row->service = id_of_datum(values[LINE_SERVICE], nulls[LINE_SERVICE]);
	row->tier = id_of_datum(values[LINE_TIER], nulls[LINE_TIER]);
	row->request = id_of_datum(values[LINE_REQUEST], nulls[LINE_REQUEST]);
	row->cost = nulls[LINE_COST] ? 0 : amount_of_datum(values[LINE_COST]);
}

/* what only the journal has */
static void
read_journal(LineRow *row, const Datum *values, const bool *nulls)
{
	row->requests = DatumGetInt32(values[LINE_REQUESTS]);
	row->reverses = DatumGetBool(values[LINE_REVERSES]);
	row->expires_at = nulls[LINE_EXPIRES_AT] ? DT_NOEND
		: DatumGetTimestampTz(values[LINE_EXPIRES_AT]);
	row->about = nulls[LINE_ABOUT] ? 0 : DatumGetInt64(values[LINE_ABOUT]);
	row->usage = nulls[LINE_OF_USAGE] ? 0 : DatumGetInt64(values[LINE_OF_USAGE]);
}

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
	if (nulls[LINE_DISTRIBUTION])
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("row %lld of usage_logs has no distribution", (long long) row.number),
				 errhint("It was written past the table's trigger; remove it the same way.")));
	row.created_at = DatumGetTimestampTz(values[LINE_CREATED_AT]);
	row.model = id_of_datum(values[LINE_MODEL], nulls[LINE_MODEL]);
	row.tokens = DatumGetInt64(values[LINE_TOKENS]);
	row.unit = (Unit) DatumGetInt16(values[LINE_UNIT]);
	row.distribution = (Distribution *) PG_DETOAST_DATUM_PACKED(values[LINE_DISTRIBUTION]);
	if (row.unit == UNIT_OF_USAGE)
		read_usage(&row, values, nulls);
	else
		read_journal(&row, values, nulls);
	return reader->visit(&row, reader->context);
}

static void
read_stretches(StreamQuery *query, const Stretch *stretches, int count,
			   LineVisitor visit, void *context)
{
	LineReader	reader = {visit, context};

	line_stream(query, stretches, count, visit_slot, &reader);
}

/*
 * Visits the rows of ascending, disjoint stretches in order of their numbers,
 * as the active snapshot sees them.  Needs SPI.
 */
void
line_read(const Stretch *stretches, int count, LineVisitor visit, void *context)
{
	read_stretches(&in_order, stretches, count, visit, context);
}

/* connects to SPI and finds where rows not yet folded may lie; nowhere without a cursor */
static int
begin_tail(Cursor *cursor, Stretch **stretches)
{
	watch_tail();
	SPI_connect();
	cursor_read(cursor, false);
	return cursor->last >= 0 ? cursor_tail(cursor, stretches) : 0;
}

static TransactionId
read_tail(StreamQuery *query, LineVisitor visit, void *context)
{
	Cursor		cursor;
	Stretch    *stretches;
	int			count = begin_tail(&cursor, &stretches);

	if (count > 0)
		read_stretches(query, stretches, count, visit, context);
	SPI_finish();
	return cursor.written_by;
}

/*
 * Visits usage and journal recorded and not yet folded, in any order, cursor and
 * rows under the active snapshot.  Returns which transaction wrote the totals that
 * the tail goes with.  Connects to SPI by itself.
 */
TransactionId
line_read_tail(LineVisitor visit, void *context)
{
	return read_tail(&any_order, visit, context);
}

/* the same for the referral edges */
void
line_read_tail_edges(LineVisitor visit, void *context)
{
	read_tail(&edges, visit, context);
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
	int			count = begin_tail(&cursor, &stretches);

	if (count > 0)
	{
		line_stream(&start_of_tail, stretches, count, visit_start, &reader);
		if (reader.rows > LINE_START)
			reader.rows = Max(reader.rows, numbers_drawn(stretches, count));
	}
	SPI_finish();
	return reader.rows;
}
