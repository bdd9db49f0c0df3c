/*
 * request.c
 *		The idempotency key of usage, across partitions.
 *
 * Each partition has a unique index on the request ids of its successful rows,
 * which guards the partition itself.  A row entering one partition also looks
 * into those before it (setting request_partitions), and waits for a running
 * transaction that holds the same key there, as a unique index would.
 *
 * Two rows that enter different partitions at the same moment must not both look
 * before the other is there.  Whoever enters a partition while transactions that may
 * still be entering an older one run locks its key from the look until the row is in;
 * whoever finds after a statement that numbers of a newer partition have been drawn
 * meanwhile takes that lock for a moment and looks again.  Neither happens but
 * around the bound of a partition, so rows pay nothing for it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog.h"
#include "common/hashfn.h"
#include "compat.h"
#include "fmgr.h"
#include "leaf.h"
#include "miscadmin.h"
#include "neighbour.h"
#include "number.h"
#include "request.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
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

/* ---- rows that enter partitions at the same moment ---- */

/*
 * What a statement lets into a partition: the rows with keys that are not known to be in
 * before anybody drew a number of the next partition; and the key that is locked until
 * its row is in.  Statements nest, by functions and triggers, and so do these.
 */
typedef struct Entering
{
	int			depth;
	SubTransactionId by;
	Oid			leaf;
	int64		end;			/* of the partition */
	int64		first;
	int64		last;
	ResourceOwner locked_by;	/* NULL: nothing is locked */
	LOCKTAG		key;
} Entering;

static Entering *entering = NULL;
static int	nentering = 0;

static LOCKTAG
lock_of(Id request)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) request.text, request.len, 0);
	LOCKTAG		tag;

	/* PostgreSQL's own functions have 1 and 2 for their kinds of keys */
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32), (uint32) hash, 3);
	return tag;
}

/*
 * Who is entering a leaf with a key or has it beside the leaf, and may still go: the
 * transaction.  Else *number is the row that has it beside the leaf, 0 for none.
 */
static TransactionId
find_running(Oid leaf, Id request, int64 *number)
{
	TransactionId running;
	const Neighbours *neighbours;

	(void) probe(leaf, request, &running);
	neighbours = neighbours_of(leaf);
	*number = 0;
	for (int i = 0; i < neighbours->count && *number == 0 && !TransactionIdIsValid(running); i++)
		*number = probe(neighbours->partitions[i], request, &running);
	return running;
}

/*
 * Locks a key, and only then looks for it beside a leaf: in partitions that were empty
 * before, too.  While it waits for a transaction the key is not locked, for that one may
 * want it; so it waits, too, for those for whom the leaf's own index would make it wait.
 */
static int64
lock_and_find(Oid leaf, Id request, const LOCKTAG *key)
{
	for (;;)
	{
		TransactionId running;
		int64		number;

		LockAcquire(key, ExclusiveLock, false, false);
		running = find_running(leaf, request, &number);
		if (!TransactionIdIsValid(running))
			return number;
		LockRelease(key, ExclusiveLock, false);
		XactLockTableWait(running, NULL, NULL, XLTW_None);
	}
}

/* a lock that belongs to what has ended meanwhile goes with the transaction */
static void
unlock_key(Entering *here)
{
	if (here->locked_by != NULL && here->locked_by == CurrentResourceOwner)
		LockRelease(&here->key, ExclusiveLock, false);
	here->locked_by = NULL;
}

/* of how many rows one looks again whether the others are over */
#define LOOK_EVERY 64

/* whether transactions of others run that had their id before this one was given out */
static bool
others_run(TransactionId before)
{
	Snapshot	now = GetLatestSnapshot();

	for (uint32 i = 0; i < now->xcnt; i++)	/* ours is none of them */
		if (TransactionIdPrecedes(now->xip[i], before))
			return true;
	for (TransactionId id = now->xmax; TransactionIdPrecedes(id, before);)
	{
		if (!TransactionIdIsCurrentTransactionId(id))
			return true;
		TransactionIdAdvance(id);
	}
	return false;
}

/*
 * Whether nobody can still be entering a partition older than this one.  Numbers are
 * drawn in order and by transactions that have their id, so all who could have begun
 * by the time when this session first met a number of this partition.
 */
static bool
all_entered(Oid leaf)
{
	static Oid	met = InvalidOid;
	static TransactionId begun_before;
	static bool over;
	static int	rows;

	if (met != leaf)
	{
		begun_before = ReadNextTransactionId();
		over = false;
		rows = 0;
		met = leaf;
	}
	if (!over)
		over = (ActiveSnapshotSet() && !TransactionIdPrecedes(GetActiveSnapshot()->xmin, begun_before))
			|| (rows++ % LOOK_EVERY == 0 && !others_run(begun_before));
	return over;
}

static void
refuse(Id request, int64 number)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("request \"%.*s\" has been recorded already", request.len, request.text),
			 errdetail("It is row %lld of rewards.usage_logs.", (long long) number),
			 errhint("Call rewards.track_usage() to get the first row's id for a repeated request.")));
}

/* looks for the key of a row of ours once more, now that the row is in */
static void
look_again(Relation heap, HeapTuple tuple)
{
	Datum		values[USAGE_COLUMNS];
	bool		nulls[USAGE_COLUMNS];
	UsageEvent	event;
	LOCKTAG		key;
	int64		number;

	heap_deform_tuple(tuple, RelationGetDescr(heap), values, nulls);
	event_read(&event, values, nulls);
	if (event.request.text == NULL || !event_succeeded(&event))
		return;
	key = lock_of(event.request);
	number = lock_and_find(RelationGetRelid(heap), event.request, &key);
	LockRelease(&key, ExclusiveLock, false);
	if (number != 0)
		refuse(event.request, number);
}

/* those of ours between two numbers that are in */
static void
look_again_at(Oid leaf, int64 first, int64 last)
{
	Relation	heap = table_open(leaf, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], COLUMN_ID + 1, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(first));
	ScanKeyInit(&keys[1], COLUMN_ID + 1, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(last));
	scan = systable_beginscan(heap, primary_key_index(heap), true, SnapshotSelf, lengthof(keys), keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
			look_again(heap, tuple);
	}
	systable_endscan(scan);
	table_close(heap, AccessShareLock);
}

/* all rows of these are in */
static void
all_are_in(Entering *here)
{
	unlock_key(here);
	if (OidIsValid(here->leaf) && !number_all_below(here->end))
		look_again_at(here->leaf, here->first, here->last);
	here->leaf = InvalidOid;
}

/*
 * The rows that a statement has let into partitions are in.  Those that looked before
 * somebody drew a number of the next partition look again: 23505.
 */
void
requests_entered(void)
{
	int			depth = leaf_depth();

	while (nentering > 0 && (depth == 0 || entering[nentering - 1].depth > depth))
		all_are_in(&entering[--nentering]);
}

/* what the statement that runs has noted so far */
static Entering *
entering_here(void)
{
	static int	room = 0;
	int			depth = leaf_depth();

	while (nentering > 0 && entering[nentering - 1].depth > depth)
		nentering--;			/* it was left without a word */
	if (nentering > 0 && entering[nentering - 1].depth == depth)
		return &entering[nentering - 1];
	if (nentering == room)
	{
		room = room == 0 ? 4 : 2 * room;
		entering = entering == NULL ? MemoryContextAlloc(TopMemoryContext, room * sizeof(Entering))
			: repalloc(entering, room * sizeof(Entering));
	}
	memset(&entering[nentering], 0, sizeof(Entering));
	entering[nentering].depth = depth;
	entering[nentering].by = GetCurrentSubTransactionId();
	return &entering[nentering++];
}

/* the statement's rows before this one are in; this one is about to look */
static Entering *
note_entering(Oid leaf, int64 number)
{
	Entering   *here = entering_here();

	unlock_key(here);
	if (here->leaf != leaf)
	{
		all_are_in(here);
		here->end = neighbours_of(leaf)->end;
		here->first = number;
		here->leaf = leaf;
	}
	else if (number_all_below(here->end))
		here->first = number;
	here->last = number;
	return here;
}

static int64
find_decided(Oid leaf, Id request)
{
	const Neighbours *neighbours = neighbours_of(leaf);
	int64		number = 0;

	for (int i = 0; i < neighbours->count && number == 0; i++)
		number = probe_decided(neighbours->partitions[i], request);
	return number;
}

/* 23505 when another partition than this leaf, which the row enters, holds the request already */
void
refuse_repeated_request(Relation leaf, const UsageEvent *event)
{
	Oid			partition = RelationGetRelid(leaf);
	Entering   *here = note_entering(partition, event->number);
	int64		number;

	if (all_entered(partition))
		number = find_decided(partition, event->request);
	else
	{
		here->key = lock_of(event->request);
		number = lock_and_find(partition, event->request, &here->key);
		here->locked_by = CurrentResourceOwner;
	}
	if (number != 0)
		refuse(event->request, number);
}

/* what nested COPY has left; PostgreSQL lets the locks go itself */
static void
transaction_ends(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		while (nentering > 0)
			all_are_in(&entering[--nentering]);
	nentering = 0;
}

static void
subtransaction_ends(SubXactEvent event, SubTransactionId own, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		while (nentering > 0 && entering[nentering - 1].by >= own)
			nentering--;
}

void
request_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
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
	int			count;
	Oid		   *partitions = newest_partitions(&count);
	int64		number = 0;

	for (int i = 0; i < count && number == 0; i++)
		number = probe_decided(partitions[i], request);
	if (number == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(number);
}
