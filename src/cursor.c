/*
 * cursor.c
 *		How far posting has come along the number line: the one row of
 *		rewards.cursor, read and written.
 *
 * Everything here runs inside SPI.
 */
#include "postgres.h"

#include "batch.h"
#include "catalog/pg_type.h"
#include "cursor.h"
#include "executor/spi.h"
#include "installation.h"
#include "stream.h"
#include "utils/array.h"
#include "utils/builtins.h"

/*
 * By its key: while somebody holds an old snapshot, each posting leaves a version behind
 * that cannot be removed yet, and the one row stays where the last of them was put.
 */
#define CURSOR_COLUMNS \
	"xmin, last, identity, open_first, open_last, open_lowest, open_horizon," \
	" quiet_xid, quiet_since from rewards.cursor where single"

static int
array_column(HeapTuple tuple, TupleDesc desc, int column, Oid type, Datum **values)
{
	bool		isnull;
	int			count = 0;
	Datum		array = SPI_getbinval(tuple, desc, column, &isnull);

	deconstruct_array(DatumGetArrayTypeP(array), type, sizeof(int64),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, values, NULL, &count);
	return count;
}

/* columns 4 to 9 of the cursor */
static void
read_open(Cursor *cursor, HeapTuple tuple, TupleDesc desc)
{
	Datum	   *columns[6];
	int			counts[6];

	for (int i = 0; i < 6; i++)
		counts[i] = array_column(tuple, desc, 4 + i, i < 5 ? INT8OID : TIMESTAMPTZOID, &columns[i]);
	if (counts[1] != counts[0] || counts[2] != counts[0] || counts[3] != counts[0]
		|| counts[5] != counts[4])
		elog(ERROR, "the cursor's arrays do not match");

	cursor->nopen = counts[0];
	cursor->open = palloc(cursor->nopen * sizeof(OpenStretch) + 1);
	for (int i = 0; i < cursor->nopen; i++)
		cursor->open[i] = (OpenStretch){
			{DatumGetInt64(columns[0][i]), DatumGetInt64(columns[1][i])},
			(uint64) DatumGetInt64(columns[2][i]),
			(uint64) DatumGetInt64(columns[3][i])
		};
	cursor->quiet.count = counts[4];
	cursor->quiet.transactions = palloc(counts[4] * sizeof(QuietTransaction) + 1);
	for (int i = 0; i < counts[4]; i++)
		cursor->quiet.transactions[i] = (QuietTransaction){
			(uint64) DatumGetInt64(columns[4][i]), DatumGetTimestampTz(columns[5][i])
		};
}

/*
 * Reads the cursor, for posting also locks it; when another poster has it, last
 * becomes -1.
 */
void
cursor_read(Cursor *cursor, bool lock)
{
	static StreamQuery read_query = {.text = "select " CURSOR_COLUMNS};
	static StreamQuery lock_query = {.text = "select " CURSOR_COLUMNS " for update skip locked"};
	SPIPlanPtr	plan = stream_plan(lock ? &lock_query : &read_query);
	HeapTuple	tuple;
	bool		isnull;

	memset(cursor, 0, sizeof(Cursor));
	cursor->last = -1;
	if (SPI_execute_plan(plan, NULL, NULL, !lock, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the cursor");
	if (SPI_processed == 0)
		return;

	tuple = SPI_tuptable->vals[0];
	cursor->written_by = DatumGetTransactionId(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull));
	cursor->last = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull));
	cursor->identity = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 3);
	read_open(cursor, tuple, SPI_tuptable->tupdesc);
}

/* where rows not yet folded may lie: the open stretches, and all above last */
int
cursor_tail(const Cursor *cursor, Stretch **stretches)
{
	*stretches = palloc((cursor->nopen + 1) * sizeof(Stretch));
	for (int i = 0; i < cursor->nopen; i++)
		(*stretches)[i] = cursor->open[i].numbers;
	(*stretches)[cursor->nopen] = (Stretch){cursor->last + 1, PG_INT64_MAX};
	return cursor->nopen + 1;
}

/* whether the cursor was moved last in another database, of which this is a copy */
bool
cursor_is_copied(const Cursor *cursor)
{
	return cursor->identity != NULL && strcmp(cursor->identity, current_identity()) != 0;
}

/*
 * Moves the cursor, with what stays open and who was quiet before any number above
 * it was drawn.  The caller has it locked.
 */
void
cursor_move(const Cursor *from, int64 last, const OpenStretch *open_stretches, int nopen,
			const Quiet *quiet)
{
	static const Oid open_types[] = {INT8OID, INT8OID, INT8OID, INT8OID};
	static const Oid quiet_types[] = {INT8OID, TIMESTAMPTZOID};
	Oid			types[] = {INT8OID, TEXTOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
	INT8ARRAYOID, TIMESTAMPTZARRAYOID, INT8OID};
	Batch		open = batch_create(4, open_types, nopen);
	Batch		waiting = batch_create(2, quiet_types, quiet->count);
	Datum		args[9];

	open.count = nopen;
	for (int i = 0; i < nopen; i++)
	{
		open.columns[0][i] = Int64GetDatum(open_stretches[i].numbers.first);
		open.columns[1][i] = Int64GetDatum(open_stretches[i].numbers.last);
		open.columns[2][i] = Int64GetDatum((int64) open_stretches[i].lowest);
		open.columns[3][i] = Int64GetDatum((int64) open_stretches[i].horizon);
	}
	waiting.count = quiet->count;
	for (int i = 0; i < quiet->count; i++)
	{
		waiting.columns[0][i] = Int64GetDatum((int64) quiet->transactions[i].xid);
		waiting.columns[1][i] = TimestampTzGetDatum(quiet->transactions[i].since);
	}
	args[0] = Int64GetDatum(last);
	args[1] = CStringGetTextDatum(current_identity());
	for (int i = 0; i < 4; i++)
		args[2 + i] = batch_column(&open, i);
	for (int i = 0; i < 2; i++)
		args[6 + i] = batch_column(&waiting, i);
	args[8] = Int64GetDatum(from->last);
	SPI_execute_with_args("update rewards.cursor set last = $1, identity = $2, open_first = $3,"
						  " open_last = $4, open_lowest = $5, open_horizon = $6, quiet_xid = $7,"
						  " quiet_since = $8, posted_at = clock_timestamp() where single and last = $9",
						  9, types, args, NULL, false, 0);
	if (SPI_processed != 1)
		elog(ERROR, "the cursor moved under posting");
}
