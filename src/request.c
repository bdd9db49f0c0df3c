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
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "request.h"
#include "rules.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
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

/*
 * 23505 when one of the partitions before this leaf holds the request already.
 * The default partition holds the newest rows, or lies between the bounds of
 * others: it is always looked at, and what comes before it are those in use.
 */
void
refuse_repeated_request(Relation leaf, Id request)
{
	Relation	parent = table_open(catalog_table(TABLE_USAGE_LOGS), AccessShareLock);
	Oid		   *partitions;
	int			count = partitions_of(parent, &partitions);
	int			bounded = has_default(parent) ? count - 1 : count;
	int			at = 0;
	int			left = partitions_looked_at() - 1;
	int64		number = 0;

	while (at < count && partitions[at] != RelationGetRelid(leaf))
		at++;
	for (int i = Min(at, bounded) - 1; i >= 0 && left > 0 && number == 0; i--)
	{
		if (is_empty(partitions[i]))
			continue;
		number = probe_decided(partitions[i], request);
		left--;
	}
	/* this row's number may be older than ones used already: look ahead as well */
	for (int i = at + 1; i < bounded && number == 0 && !is_empty(partitions[i]); i++)
		number = probe_decided(partitions[i], request);
	if (number == 0 && bounded < count && at != bounded && !is_empty(partitions[bounded]))
		number = probe_decided(partitions[bounded], request);
	table_close(parent, AccessShareLock);

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
