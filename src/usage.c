/*
 * usage.c
 *		Rows of usage_logs in order of their numbers, partition by partition and
 *		straight by index.
 *
 * A query over all partitions would be opened, pruned and sorted anew each time,
 * for a row or two as for a million.  Here only those partitions are opened whose
 * bounds meet the numbers asked for, and of these only what has any page: most are
 * made ahead.  The bounded ones follow each other; what the default one holds lies
 * between and above them, so it is read beside them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog.h"
#include "compat.h"
#include "event.h"
#include "miscadmin.h"
#include "neighbour.h"
#include "partitioning/partdesc.h"
#include "storage/bufmgr.h"
#include "usage.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

/* partitions that follow each other, read one after the other */
typedef struct Lane
{
	Oid		   *partitions;
	int			count;
	int			at;				/* the one being read */
	Relation	heap;			/* NULL: not opened yet */
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;		/* the next row, in its buffer */
	TupleTableSlot *row;		/* and taken apart */
	bool		filled;
} Lane;

struct UsageScan
{
	MemoryContext context;		/* of the scans, which allocate as they go */
	ResourceOwner owner;		/* of their buffers, wherever a step comes from */
	Snapshot	snapshot;
	ScanKeyData keys[2];
	Lane		bounded;
	Lane		rest;			/* the default one */
	Lane	   *last;			/* whose row was given last */
};

/* ---- which partitions ---- */

/* notes the partitions that may hold numbers from first to last, in order */
static void
find_partitions(UsageScan *scan, int64 first, int64 last)
{
	Relation	parent = table_open(catalog_table(TABLE_USAGE_LOGS), AccessShareLock);
	PartitionDesc desc;
	PartitionBoundInfo bounds;

	/* who has held the lock for long may not know a partition whose rows the snapshot shows */
	AcceptInvalidationMessages();
	desc = RelationGetPartitionDesc(parent, true);
	bounds = desc->boundinfo;
	scan->bounded.partitions = palloc((desc->nparts + 1) * sizeof(Oid));
	scan->rest.partitions = palloc(sizeof(Oid));
	/* indexes tells which partition ends at a bound; there is none in a gap */
	for (int i = 1; bounds && i < bounds->ndatums; i++)
		if (bounds->indexes[i] >= 0
			&& partition_bound(bounds, i - 1) <= last && partition_bound(bounds, i) > first)
			scan->bounded.partitions[scan->bounded.count++] = desc->oids[bounds->indexes[i]];
	if (bounds && bounds->default_index >= 0)
		scan->rest.partitions[scan->rest.count++] = desc->oids[bounds->default_index];
	/* the lock stays, as a query's would */
	table_close(parent, NoLock);
}

/* ---- reading ---- */

/* the partition that a lane is at; false when nobody can have put a row into it */
static bool
open_partition(UsageScan *scan, Lane *lane)
{
	lane->heap = table_open(lane->partitions[lane->at], AccessShareLock);
	if (RelationGetNumberOfBlocks(lane->heap) == 0)
	{
		table_close(lane->heap, NoLock);
		lane->heap = NULL;
		return false;
	}
	if (!catalog_is_usage_log(lane->heap) || !OidIsValid(primary_key_index(lane->heap)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is not as install() made it", RelationGetRelationName(lane->heap)),
				 errhint("A partition of usage_logs has its columns in their order, and its primary key.")));
	lane->index = index_open(primary_key_index(lane->heap), AccessShareLock);
	lane->slot = table_slot_create(lane->heap, NULL);
	lane->row = MakeSingleTupleTableSlot(RelationGetDescr(lane->heap), &TTSOpsVirtual);
	lane->scan = begin_index_scan(lane->heap, lane->index, scan->snapshot, 2);
	index_rescan(lane->scan, scan->keys, 2, NULL, 0);
	return true;
}

static void
close_partition(Lane *lane)
{
	if (lane->heap == NULL)
		return;
	index_endscan(lane->scan);
	ExecDropSingleTupleTableSlot(lane->row);
	ExecDropSingleTupleTableSlot(lane->slot);
	index_close(lane->index, NoLock);
	table_close(lane->heap, NoLock);
	lane->heap = NULL;
}

StaticAssertDecl(USAGE_COLUMNS > 16 && USAGE_COLUMNS <= 24, "columns of usage_logs take three bytes");

/* which columns are not NULL, bit by bit */
static inline uint32
columns_there(HeapTuple tuple)
{
	const uint8 *bits = tuple->t_data->t_bits;

	return HeapTupleHasNulls(tuple) ? bits[0] | bits[1] << 8 | bits[2] << 16 : ~(uint32) 0;
}

/* nearly all are short: their first byte is odd, and tells their size but for 1; the others are aligned */
static inline const char *
begin_varlena(const char *next)
{
	return *next == 0 ? (const char *) TYPEALIGN(ALIGNOF_INT, next) : next;
}

static inline const char *
after_varlena(const char *next)
{
	if (VARATT_IS_SHORT(next) && !VARATT_IS_EXTERNAL(next))
		return next + VARSIZE_SHORT(next);
	return next + VARSIZE_ANY(next);
}

/*
 * Takes a row apart, of which the types are known: that takes a third of what it takes
 * where they could be any, and was most of what reading a row takes.
 */
static void
take_apart(HeapTuple tuple, Datum *values, bool *nulls)
{
	uint32		there = columns_there(tuple);
	const char *next = (const char *) tuple->t_data + tuple->t_data->t_hoff;

	for (int i = 0; i < USAGE_COLUMNS; i++)
	{
		nulls[i] = !(there & (uint32) 1 << i);
		values[i] = (Datum) 0;
	}
	for (int i = COLUMN_ID; i <= COLUMN_CREATED_AT; i++)
		if (!nulls[i])
		{
			values[i] = Int64GetDatum(*(const int64 *) next);
			next += sizeof(int64);
		}
	for (int i = COLUMN_STATUS_CODE; i <= COLUMN_LATENCY_MS; i++)
		if (!nulls[i])
		{
			values[i] = Int32GetDatum(*(const int32 *) next);
			next += sizeof(int32);
		}
	for (int i = COLUMN_REQUEST_ID; i < USAGE_COLUMNS; i++)
		if (!nulls[i])
		{
			next = begin_varlena(next);
			values[i] = PointerGetDatum(next);
			next = after_varlena(next);
		}
}

static void
take_row(Lane *lane)
{
	HeapTuple	tuple = ExecFetchSlotHeapTuple(lane->slot, false, NULL);
	TupleTableSlot *row = lane->row;

	/* a row may be older than a column */
	if (HeapTupleHeaderGetNatts(tuple->t_data) < USAGE_COLUMNS)
		heap_deform_tuple(tuple, row->tts_tupleDescriptor, row->tts_values, row->tts_isnull);
	else
		take_apart(tuple, row->tts_values, row->tts_isnull);
}

/* goes on to a lane's next row, if there is one */
static void
fill(UsageScan *scan, Lane *lane)
{
	lane->filled = false;
	while (!lane->filled && lane->at < lane->count)
	{
		if (lane->heap || open_partition(scan, lane))
			lane->filled = index_getnext_slot(lane->scan, ForwardScanDirection, lane->slot);
		if (!lane->filled)
		{
			close_partition(lane);
			lane->at++;
		}
	}
	if (lane->filled)
		take_row(lane);
}

static int64
number_in(const Lane *lane)
{
	return DatumGetInt64(lane->row->tts_values[COLUMN_ID]);
}

/* reads the rows with numbers from first to last, both included, under the active snapshot */
UsageScan *
usage_begin(int64 first, int64 last)
{
	UsageScan  *scan = palloc0(sizeof(UsageScan));

	scan->context = CurrentMemoryContext;
	scan->owner = CurrentResourceOwner;
	scan->snapshot = RegisterSnapshot(GetActiveSnapshot());
	ScanKeyInit(&scan->keys[0], 1, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(first));
	ScanKeyInit(&scan->keys[1], 1, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(last));
	find_partitions(scan, first, last);
	fill(scan, &scan->bounded);
	fill(scan, &scan->rest);
	return scan;
}

/* the next row, its columns by UsageColumn, until the step after; NULL at the end */
TupleTableSlot *
usage_next(UsageScan *scan)
{
	MemoryContext caller = MemoryContextSwitchTo(scan->context);
	ResourceOwner owner = CurrentResourceOwner;
	Lane	   *next = NULL;

	CHECK_FOR_INTERRUPTS();
	CurrentResourceOwner = scan->owner;
	if (scan->last)
		fill(scan, scan->last);
	if (scan->bounded.filled)
		next = &scan->bounded;
	if (scan->rest.filled && (next == NULL || number_in(&scan->rest) < number_in(next)))
		next = &scan->rest;
	scan->last = next;
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(caller);
	return next ? next->row : NULL;
}

void
usage_end(UsageScan *scan)
{
	close_partition(&scan->bounded);
	close_partition(&scan->rest);
	UnregisterSnapshot(scan->snapshot);
	pfree(scan->bounded.partitions);
	pfree(scan->rest.partitions);
	pfree(scan);
}
