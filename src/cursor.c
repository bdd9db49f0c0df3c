/*
 * cursor.c
 *		How far posting has come along the number line: the one row of
 *		rewards.cursor, read and written.
 *
 * Each read begins here, so it is read straight by index; to lock and to move it, as
 * posting does, runs inside SPI.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "batch.h"
#include "catalog.h"
#include "catalog/pg_type.h"
#include "cursor.h"
#include "executor/spi.h"
#include "installation.h"
#include "stream.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* columns of rewards.cursor that are read here */
enum
{
	CURSOR_SINGLE = 1,
	CURSOR_LAST,
	CURSOR_OPEN_FIRST,
	CURSOR_OPEN_LAST,
	CURSOR_OPEN_LOWEST,
	CURSOR_OPEN_HORIZON,
	CURSOR_QUIET_XID,
	CURSOR_QUIET_SINCE,
	CURSOR_IDENTITY
};

/* the same in this order */
#define LOCK_QUERY \
	"select single, last, open_first, open_last, open_lowest, open_horizon, quiet_xid," \
	" quiet_since, identity from rewards.cursor where single for update skip locked"

static int
array_column(HeapTuple tuple, TupleDesc desc, int column, Oid type, Datum **values)
{
	bool		isnull;
	int			count = 0;
	ArrayType  *array = DatumGetArrayTypeP(heap_getattr(tuple, column, desc, &isnull));

	/* mostly there is nothing in it */
	*values = NULL;
	if (ARR_NDIM(array) > 0)
		deconstruct_array(array, type, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, values, NULL, &count);
	return count;
}

/* the open stretches, but for who may have drawn what is in them */
static void
read_open(Cursor *cursor, HeapTuple tuple, TupleDesc desc)
{
	Datum	   *first;
	Datum	   *last;

	cursor->nopen = array_column(tuple, desc, CURSOR_OPEN_FIRST, INT8OID, &first);
	if (array_column(tuple, desc, CURSOR_OPEN_LAST, INT8OID, &last) != cursor->nopen)
		elog(ERROR, "the cursor's arrays do not match");
	cursor->open = palloc0(cursor->nopen * sizeof(OpenStretch) + 1);
	for (int i = 0; i < cursor->nopen; i++)
		cursor->open[i].numbers = (Stretch) {DatumGetInt64(first[i]), DatumGetInt64(last[i])};
}

/* that, too, and who was quiet */
static void
read_transactions(Cursor *cursor, HeapTuple tuple, TupleDesc desc)
{
	Datum	   *lowest;
	Datum	   *horizon;
	Datum	   *xid;
	Datum	   *since;

	if (array_column(tuple, desc, CURSOR_OPEN_LOWEST, INT8OID, &lowest) != cursor->nopen
		|| array_column(tuple, desc, CURSOR_OPEN_HORIZON, INT8OID, &horizon) != cursor->nopen)
		elog(ERROR, "the cursor's arrays do not match");
	for (int i = 0; i < cursor->nopen; i++)
	{
		cursor->open[i].lowest = (uint64) DatumGetInt64(lowest[i]);
		cursor->open[i].horizon = (uint64) DatumGetInt64(horizon[i]);
	}
	cursor->quiet.count = array_column(tuple, desc, CURSOR_QUIET_XID, INT8OID, &xid);
	if (array_column(tuple, desc, CURSOR_QUIET_SINCE, TIMESTAMPTZOID, &since) != cursor->quiet.count)
		elog(ERROR, "the cursor's arrays do not match");
	cursor->quiet.transactions = palloc(cursor->quiet.count * sizeof(QuietTransaction) + 1);
	for (int i = 0; i < cursor->quiet.count; i++)
		cursor->quiet.transactions[i] = (QuietTransaction){
			(uint64) DatumGetInt64(xid[i]), DatumGetTimestampTz(since[i])
		};
}

static void
read_identity(Cursor *cursor, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	Datum		identity = heap_getattr(tuple, CURSOR_IDENTITY, desc, &isnull);

	cursor->identity = isnull ? NULL : TextDatumGetCString(identity);
}

static void
read_last(Cursor *cursor, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;

	cursor->last = DatumGetInt64(heap_getattr(tuple, CURSOR_LAST, desc, &isnull));
}

static void
lock_row(Cursor *cursor)
{
	static StreamQuery query = {.text = LOCK_QUERY};
	HeapTuple	tuple;
	TupleDesc	desc;

	if (SPI_execute_plan(stream_plan(&query), NULL, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the cursor");
	if (SPI_processed == 0)
		return;
	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	read_last(cursor, tuple, desc);
	read_open(cursor, tuple, desc);
	read_transactions(cursor, tuple, desc);
	read_identity(cursor, tuple, desc);
}

/*
 * By its key: while somebody holds an old snapshot, each posting leaves a version behind
 * that cannot be removed yet, and the one row stays where the last of them was put.
 */
static void
find_row(Cursor *cursor)
{
	ScanKeyData key;
	CatalogScan scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, CURSOR_SINGLE, BTEqualStrategyNumber, F_BOOLEQ, BoolGetDatum(true));
	scan = catalog_scan_active(TABLE_CURSOR, INDEX_CURSOR, &key, 1);
	tuple = catalog_next(&scan);
	if (tuple)
	{
		read_last(cursor, tuple, RelationGetDescr(scan.heap));
		read_open(cursor, tuple, RelationGetDescr(scan.heap));
		cursor->written_by = HeapTupleHeaderGetRawXmin(tuple->t_data);
	}
	catalog_end(&scan);
}

/*
 * Reads how far it has come and what is open.  For posting also locks it, inside SPI, and
 * reads the rest; when another poster has it, last becomes -1.
 */
void
cursor_read(Cursor *cursor, bool lock)
{
	memset(cursor, 0, sizeof(Cursor));
	cursor->last = -1;
	if (lock)
		lock_row(cursor);
	else
		find_row(cursor);
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
