/*
 * neighbour.c
 *		The partitions that may hold a request already when a row enters one of them.
 *
 * Those before it, as many as are looked into (setting request_partitions), those in
 * use ahead of it, and the default one.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog.h"
#include "catalog/partition.h"
#include "neighbour.h"
#include "number.h"
#include "partitioning/partdesc.h"
#include "rules.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* a bound of partitions: its value, or the least or greatest number for no end */
int64
partition_bound(PartitionBoundInfo bounds, int place)
{
	switch (bounds->kind[place][0])
	{
		case PARTITION_RANGE_DATUM_MINVALUE:
			return PG_INT64_MIN;
		case PARTITION_RANGE_DATUM_MAXVALUE:
			return PG_INT64_MAX;
		default:
			return DatumGetInt64(bounds->datums[place][0]);
	}
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

/* where a bounded partition ends; nothing is ahead of the default one but what it lies between */
static int64
end_of(Relation parent, int at, bool is_default)
{
	PartitionBoundInfo bounds = RelationGetPartitionDesc(parent, false)->boundinfo;

	if (is_default)
		return has_gaps(parent) ? PG_INT64_MIN : PG_INT64_MAX;
	for (int i = 1; i < bounds->ndatums; i++)
		if (bounds->indexes[i] == at)
			return partition_bound(bounds, i);
	return PG_INT64_MIN;
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
	neighbours->end = end_of(parent, at, at == bounded);
	neighbours->upto = at < bounded ? neighbours->end : PG_INT64_MIN;
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

const Neighbours *
neighbours_of(Oid leaf)
{
	static Neighbours found;

	if (found.leaf != leaf || found.generation != catalog_any_generation()
		|| !number_all_below(found.upto))
		find_neighbours(&found, leaf);
	return &found;
}

/*
 * The newest partitions that hold rows, the default one first; palloc'd.  As many as a
 * new row would look into.
 */
Oid *
newest_partitions(int *count)
{
	Relation	parent = table_open(catalog_table(TABLE_USAGE_LOGS), AccessShareLock);
	Oid		   *partitions;
	int			at = partitions_of(parent, &partitions);
	int			left = partitions_looked_at();
	Oid		   *newest = palloc((at + 1) * sizeof(Oid));

	*count = 0;
	if (has_default(parent))
		newest[(*count)++] = partitions[--at];
	while (--at >= 0 && left > 0)
		if (!is_empty(partitions[at]))
		{
			newest[(*count)++] = partitions[at];
			left--;
		}
	pfree(partitions);
	table_close(parent, AccessShareLock);
	return newest;
}
