/*
 * request.c
 *		The idempotency key of usage, across partitions.
 *
 * Each partition has a unique index on the request ids of its successful rows,
 * which guards the partition itself.  A row entering one partition also looks
 * into those before it (setting request_partitions), and waits for a running
 * transaction that holds the same key there, as a unique index would.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog.h"
#include "catalog/partition.h"
#include "fmgr.h"
#include "number.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "request.h"
#include "rules.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(find_request);

/* the unique index on request_id of a partition, or InvalidOid */
static Oid
find_request_index(Relation partition)
{
	List	   *indexes = RelationGetIndexList(partition);
	Oid			found = InvalidOid;
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index->rd_index->indisunique && index->rd_index->indisvalid
			&& index->rd_index->indkey.values[0] == COLUMN_REQUEST_ID + 1)
			found = lfirst_oid(cell);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return found;
}

/*
 * The same, remembered for the few partitions that are looked at until any
 * relation changes.
 */
static Oid
request_index(Relation partition)
{
	static struct
	{
		Oid			partition;
		Oid			index;
		uint64		generation;
	}			remembered[4];
	static int	next = 0;
	uint64		generation = catalog_any_generation();
	int			place = 0;

	while (place < lengthof(remembered) && remembered[place].partition != RelationGetRelid(partition))
		place++;
	if (place == lengthof(remembered) || remembered[place].generation != generation)
	{
		if (place == lengthof(remembered))
			place = next++ % lengthof(remembered);
		remembered[place].partition = InvalidOid;
		remembered[place].index = find_request_index(partition);
		remembered[place].generation = generation;
		remembered[place].partition = RelationGetRelid(partition);
	}
	return remembered[place].index;
}

/*
 * Looks a key up in one partition, running transactions included.  Returns the
 * row's number, 0 when there is none; *running is the transaction of another
 * session that is inserting it, if it is not over.
 */
static int64
probe(Oid partition, Id request, TransactionId *running)
{
	Relation	heap = table_open(partition, AccessShareLock);
	Oid			index = request_index(heap);
	int64		number = 0;

	*running = InvalidTransactionId;
	if (OidIsValid(index))
	{
		SnapshotData dirty;
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;
		bool		isnull;

		InitDirtySnapshot(dirty);
		ScanKeyInit(&key, COLUMN_REQUEST_ID + 1, BTEqualStrategyNumber, F_TEXTEQ,
					PointerGetDatum(cstring_to_text_with_len(request.text, request.len)));
		scan = systable_beginscan(heap, index, true, &dirty, 1, &key);
		tuple = systable_getnext(scan);
		if (tuple)
		{
			number = DatumGetInt64(heap_getattr(tuple, COLUMN_ID + 1,
												RelationGetDescr(heap), &isnull));
			*running = dirty.xmin;
		}
		systable_endscan(scan);
	}
	table_close(heap, AccessShareLock);
	return number;
}

/* as a unique index does: waits until the key's fate is decided */
static int64
probe_decided(Oid partition, Id request)
{
	TransactionId running;
	int64		number;

	while ((number = probe(partition, request, &running)) != 0
		   && TransactionIdIsValid(running))
		XactLockTableWait(running, NULL, NULL, XLTW_None);
	return number;
}

/* the partitions of usage_logs in order of their numbers, the default one last */
static int
partitions_of(Relation parent, Oid **partitions)
{
	PartitionDesc desc = RelationGetPartitionDesc(parent, false);

	*partitions = palloc((desc->nparts + 1) * sizeof(Oid));
	for (int i = 0; i < desc->nparts; i++)
		(*partitions)[i] = desc->oids[i];
	return desc->nparts;
}

static bool
has_default(Relation parent)
{
	PartitionDesc desc = RelationGetPartitionDesc(parent, false);

	return desc->boundinfo && partition_bound_has_default(desc->boundinfo);
}

static int
partitions_looked_at(void)
{
	return Max(1, atoi(rules_setting_now("request_partitions")));
}

static bool
is_empty(Oid partition)
{
	Relation	heap = table_open(partition, AccessShareLock);
	bool		empty = RelationGetNumberOfBlocks(heap) == 0;

	table_close(heap, AccessShareLock);
	return empty;
}

/* ---- the partitions that a new row looks into ---- */

/*
 * Beside which partitions a row enters a leaf.  Found for one row, it is good for the
 * next as long as no relation changes and no number has been drawn from upto on: the
 * partitions ahead, and the default one, can have no row that they had not.
 */
typedef struct Neighbours
{
	Oid			leaf;
	uint64		generation;
	int64		upto;			/* PG_INT64_MIN: good for that row only */
	int			count;
	Oid		   *partitions;
} Neighbours;

/* where a bounded partition ends */
static int64
end_of(Relation parent, int at)
{
	PartitionBoundInfo bounds = RelationGetPartitionDesc(parent, false)->boundinfo;

	for (int i = 1; i < bounds->ndatums; i++)
		if (bounds->indexes[i] == at && bounds->kind[i][0] == PARTITION_RANGE_DATUM_VALUE)
			return DatumGetInt64(bounds->datums[i][0]);
	return PG_INT64_MIN;
}

/* whether numbers between the bounds of others belong to the default partition */
static bool
has_gaps(Relation parent)
{
	PartitionBoundInfo bounds = RelationGetPartitionDesc(parent, false)->boundinfo;

	for (int i = 1; i < bounds->ndatums; i++)
		if (bounds->indexes[i] < 0)
			return true;
	return false;
}

/* false when it is empty, and need not be looked into */
static bool
add_neighbour(Neighbours *neighbours, Oid partition)
{
	if (is_empty(partition))
		return false;
	neighbours->partitions[neighbours->count++] = partition;
	return true;
}

/*
 * Those before the leaf, nearest first, as many as are looked at; those in use ahead
 * of it, for this row's number may be older than ones used already; the default
 * one, which holds the newest rows or lies between the bounds of others.
 */
static void
add_neighbours(Neighbours *neighbours, Relation parent, Oid leaf)
{
	Oid		   *partitions;
	int			count = partitions_of(parent, &partitions);
	int			bounded = has_default(parent) ? count - 1 : count;
	int			at = 0;
	int			left = partitions_looked_at() - 1;

	neighbours->partitions = MemoryContextAlloc(CacheMemoryContext, (count + 1) * sizeof(Oid));
	while (at < count && partitions[at] != leaf)
		at++;
	neighbours->upto = at < bounded ? end_of(parent, at) : PG_INT64_MIN;
	for (int i = Min(at, bounded) - 1; i >= 0 && left > 0; i--)
		if (add_neighbour(neighbours, partitions[i]))
			left--;
		else
			neighbours->upto = PG_INT64_MIN;	/* a number of its own may still be about to come */
	for (int i = at + 1; i < bounded && add_neighbour(neighbours, partitions[i]); i++)
		 /* until one is empty */ ;
	if (bounded < count && at != bounded
		&& !add_neighbour(neighbours, partitions[bounded]) && has_gaps(parent))
		neighbours->upto = PG_INT64_MIN;
	pfree(partitions);
}

static void
find_neighbours(Neighbours *neighbours, Oid leaf)
{
	Relation	parent = table_open(catalog_table(TABLE_USAGE_LOGS), AccessShareLock);

	if (neighbours->partitions)
		pfree(neighbours->partitions);
	memset(neighbours, 0, sizeof(Neighbours));
	neighbours->generation = catalog_any_generation();
	add_neighbours(neighbours, parent, leaf);
	neighbours->leaf = leaf;
	table_close(parent, AccessShareLock);
}

static const Neighbours *
neighbours_of(Oid leaf)
{
	static Neighbours found;

	if (found.leaf != leaf || found.generation != catalog_any_generation()
		|| !number_all_below(found.upto))
		find_neighbours(&found, leaf);
	return &found;
}

/* 23505 when another partition than this leaf holds the request already */
void
refuse_repeated_request(Relation leaf, Id request)
{
	const Neighbours *neighbours = neighbours_of(RelationGetRelid(leaf));
	int64		number = 0;

	for (int i = 0; i < neighbours->count && number == 0; i++)
		number = probe_decided(neighbours->partitions[i], request);
	if (number != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("request \"%.*s\" has been recorded already", request.len, request.text),
				 errdetail("It is row %lld of rewards.usage_logs.", (long long) number),
				 errhint("Call rewards.track_usage() to get the first row's id for a repeated request.")));
}

/*
 * find_request(request_id): the number of the successful row with this key
 * among the newest partitions, else NULL.  Waits for a running transaction that
 * holds the key, as an insert would.
 */
Datum
find_request(PG_FUNCTION_ARGS)
{
	Id			request = id_of_datum(PG_GETARG_DATUM(0), false);
	Relation	parent = table_open(catalog_table(TABLE_USAGE_LOGS), AccessShareLock);
	Oid		   *partitions;
	int			count = partitions_of(parent, &partitions);
	int			left = partitions_looked_at() + (has_default(parent) ? 1 : 0);
	int64		number = 0;

	for (int i = count - 1; i >= 0 && left > 0 && number == 0; i--)
	{
		bool		is_default = has_default(parent) && i == count - 1;

		if (!is_default && is_empty(partitions[i]))
			continue;
		number = probe_decided(partitions[i], request);
		left--;
	}
	table_close(parent, AccessShareLock);
	if (number == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(number);
}
