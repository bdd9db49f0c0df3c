/*
 * network.c
 *		How many accounts an account has below it, level by level, down to
 *		MAX_LEVELS.
 *
 * rewards.network counts them in the forest of the edges that are folded, and
 * rewards.network_size has its sums by account, and what those on level 1 have
 * brought, for who looks at all of them.  An edge of c under p adds c and what is
 * counted below c to p and to all above p.
 * "Above" means by folded edges only: an edge that is visible but still to be
 * folded brings all that lies below it when its own turn comes, so that a walk
 * that went over it would count twice.
 *
 * Who reads adds the edges of the tail.  A descendant that the table does not
 * count has one lowest edge of the tail above it: the table counts it below that
 * edge, and from there the walk goes up by all edges of the snapshot.
 *
 * A referee never waits for anybody here: signups write no counts.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "accounts.h"
#include "batch.h"
#include "byte_hash.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "fmgr.h"
#include "funcapi.h"
#include "keyed.h"
#include "miscadmin.h"
#include "network.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(network_levels);

/* columns of rewards.network; the first two are the key */
enum
{
	NETWORK_ACCOUNT,
	NETWORK_LEVEL,
	NETWORK_ACCOUNTS,
	NETWORK_COLUMNS
};

/* columns of rewards.network_size; the first is the key */
enum
{
	SIZE_ACCOUNT,
	SIZE_DIRECT,
	SIZE_NETWORK,
	SIZE_DEPTH,
	SIZE_VALUE,
	SIZE_COLUMNS
};

/* how many edges are counted by month in one go */
#define EDGES_AT_ONCE 100000

typedef struct Link
{
	int64		referee;
	int64		referrer;
} Link;

/* an account with its edge; referrer 0 for none that counts */
typedef struct Member
{
	int64		account;
	int64		referrer;
} Member;

typedef struct CountKey
{
	int64		account;
	int64		level;
} CountKey;

typedef struct Count
{
	CountKey	key;
	int64		accounts;
} Count;

/* by how much the value of an account has changed */
typedef struct Gain
{
	int64		account;
	AmountSum	value;
} Gain;

/* what is added to an account's line in rewards.network_size */
typedef struct NetworkSize
{
	int64		account;
	int64		direct;
	int64		network;
	int			depth;
	AmountSum	value;
} NetworkSize;

struct Network
{
	MemoryContext context;
	const Cursor *cursor;		/* NULL: all edges that the snapshot sees count */
	int64		folded;			/* edges up to it count, if in no open stretch */
	Link	   *links;			/* to be folded or added, in order */
	int64		nlinks;
	int64		allocated;
	HTAB	   *members;		/* Member */
	HTAB	   *counts;			/* Count: what the links add */
	Gain	   *gains;			/* in order of accounts, as they come */
	int64		ngains;
	int64		gains_allocated;
	HTAB	   *sizes;			/* NetworkSize */
	Relation	heap;			/* rewards.account, read by number */
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	Snapshot	snapshot;
};

/*
 * Without edges yet.  The table counts those up to folded, but for the cursor's
 * open stretches; cursor NULL is for reading, where every visible edge counts.
 */
Network *
network_create(const Cursor *cursor, int64 folded)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "rewards network",
												  ALLOCSET_DEFAULT_SIZES);
	Network    *network = MemoryContextAllocZero(context, sizeof(Network));

	network->context = context;
	network->cursor = cursor;
	network->folded = folded;
	network->allocated = 64;
	network->links = MemoryContextAlloc(context, network->allocated * sizeof(Link));
	network->members = byte_hash(context, "network members", sizeof(int64), sizeof(Member));
	network->counts = byte_hash(context, "network counts", sizeof(CountKey), sizeof(Count));
	network->gains_allocated = 64;
	network->gains = MemoryContextAlloc(context, network->gains_allocated * sizeof(Gain));
	network->sizes = byte_hash(context, "network sizes", sizeof(int64), sizeof(NetworkSize));
	return network;
}

/* notes an edge */
void
network_add(Network *network, const LineRow *edge)
{
	if (network->nlinks == network->allocated)
	{
		network->allocated *= 2;
		network->links = repalloc_huge(network->links, network->allocated * sizeof(Link));
	}
	network->links[network->nlinks++] = (Link){edge->referee, edge->referrer};
}

/* what of a line counts as the value of its account: points, creator earnings and cost */
static AmountSum
value_of_line(const Total *line)
{
	int			entry = abs(line->key.entry);

	switch (line->key.unit)
	{
		case UNIT_POINTS:
			return entry < ENTRY_PAYOUT ? line->amount : 0;
		case UNIT_EARNINGS:
			return entry == ENTRY_CREATOR ? line->amount : 0;
		case UNIT_CREDITS:
			return entry == ENTRY_USAGE ? -line->amount : 0;
		default:
			return 0;
	}
}

/* notes what a line of totals adds to the value of its account; in order of accounts */
void
network_add_value(Network *network, const Total *line)
{
	AmountSum	value = value_of_line(line);

	if (value == 0)
		return;
	if (network->ngains > 0 && network->gains[network->ngains - 1].account == line->key.account)
	{
		network->gains[network->ngains - 1].value += value;
		return;
	}
	if (network->ngains == network->gains_allocated)
	{
		network->gains_allocated *= 2;
		network->gains = repalloc_huge(network->gains, network->gains_allocated * sizeof(Gain));
	}
	network->gains[network->ngains++] = (Gain){line->key.account, value};
}

/* LineVisitor: notes each edge */
static bool
visit_edge(const LineRow *row, void *network)
{
	network_add((Network *) network, row);
	return true;
}

/* ---- the forest, under the active snapshot and past any cache ---- */

static void
open_accounts(Network *network)
{
	MemoryContext previous = MemoryContextSwitchTo(network->context);

	network->heap = table_open(catalog_table(TABLE_ACCOUNT), AccessShareLock);
	network->index = index_open(catalog_table(INDEX_ACCOUNT_ID), AccessShareLock);
	network->snapshot = RegisterSnapshot(GetActiveSnapshot());
	network->slot = table_slot_create(network->heap, NULL);
	network->scan = begin_index_scan(network->heap, network->index, network->snapshot, 1);
	MemoryContextSwitchTo(previous);
}

static void
close_accounts(Network *network)
{
	index_endscan(network->scan);
	ExecDropSingleTupleTableSlot(network->slot);
	UnregisterSnapshot(network->snapshot);
	index_close(network->index, NoLock);
	table_close(network->heap, NoLock);
}

static bool
counts_now(const Network *network, int64 number)
{
	if (network->cursor == NULL)
		return true;
	if (number > network->folded)
		return false;
	for (int i = 0; i < network->cursor->nopen; i++)
		if (number >= network->cursor->open[i].numbers.first
			&& number <= network->cursor->open[i].numbers.last)
			return false;
	return true;
}

/* who referred an account, if that edge counts; else 0 */
static int64
read_referrer(Network *network, int64 account)
{
	MemoryContext caller = MemoryContextSwitchTo(network->context);
	ScanKeyData key;
	int64		referrer = 0;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account));
	index_rescan(network->scan, &key, 1, NULL, 0);
	if (index_getnext_slot(network->scan, ForwardScanDirection, network->slot))
	{
		bool		none;
		Datum		above = slot_getattr(network->slot, ACCOUNT_REFERRER, &none);

		if (!none)
		{
			int64		number = DatumGetInt64(slot_getattr(network->slot, ACCOUNT_SEEN_FROM, &none));

			referrer = counts_now(network, number) ? DatumGetInt64(above) : 0;
		}
	}
	ExecClearTuple(network->slot);
	MemoryContextSwitchTo(caller);
	return referrer;
}

/* one step up; 0 at the end */
static int64
referrer_of(Network *network, int64 account)
{
	bool		known;
	Member	   *member = hash_search(network->members, &account, HASH_ENTER, &known);

	if (!known)
		member->referrer = read_referrer(network, account);
	return member->referrer;
}

static void
set_referrer(Network *network, const Link *link)
{
	Member	   *member = hash_search(network->members, &link->referee, HASH_ENTER, NULL);

	member->referrer = link->referrer;
}

/* ---- counts ---- */

/* what the table has, 0 for nothing; also the tuple, until the next look-up */
static int64
count_in_table(KeyedTable *table, int64 account, int level, HeapTuple *tuple)
{
	Datum		key[2] = {Int64GetDatum(account), Int16GetDatum((int16) level)};
	bool		isnull;

	*tuple = keyed_find(table, key);
	if (*tuple == NULL)
		return 0;
	return DatumGetInt64(heap_getattr(*tuple, NETWORK_ACCOUNTS + 1, RelationGetDescr(table->heap), &isnull));
}

static int64
count_in_memory(Network *network, int64 account, int level)
{
	CountKey	key = {account, level};
	Count	   *count = hash_search(network->counts, &key, HASH_FIND, NULL);

	return count ? count->accounts : 0;
}

static void
add_count(Network *network, int64 account, int level, int64 accounts)
{
	CountKey	key = {account, level};
	bool		found;
	Count	   *count = hash_search(network->counts, &key, HASH_ENTER, &found);

	if (!found)
		count->accounts = 0;
	count->accounts += accounts;
}

/*
 * An account and what is counted below it: below[0] is 1, the account itself.
 * No level lies below an empty one.  Returns how many levels, with its own.
 */
static int
read_below(Network *network, KeyedTable *table, int64 account, int most, int64 *below)
{
	HeapTuple	tuple;
	int			levels = 1;

	below[0] = 1;
	while (levels < most)
	{
		below[levels] = count_in_table(table, account, levels, &tuple)
			+ count_in_memory(network, account, levels);
		if (below[levels] == 0)
			break;
		levels++;
	}
	return levels;
}

/* ---- folding ---- */

/* adds an edge to what is counted above it, and to the edges that count */
static void
fold_link(Network *network, KeyedTable *table, const Link *link)
{
	int64		below[MAX_LEVELS];
	int			levels = read_below(network, table, link->referee, MAX_LEVELS, below);
	int64		account = link->referrer;

	for (int level = 1; level <= MAX_LEVELS && account != 0; level++)
	{
		for (int i = 0; i < levels && level + i <= MAX_LEVELS; i++)
			add_count(network, account, level + i, below[i]);
		account = referrer_of(network, account);
	}
	set_referrer(network, link);
}

static int
compare_counts(const void *left, const void *right)
{
	const CountKey *a = &((const Count *) left)->key;
	const CountKey *b = &((const Count *) right)->key;

	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	return (a->level > b->level) - (a->level < b->level);
}

/* what the links add, in order */
static Count *
collect_counts(Network *network, int64 *n)
{
	int64		size = hash_get_num_entries(network->counts);
	Count	   *counts = palloc_extended((size + 1) * sizeof(Count), MCXT_ALLOC_HUGE);
	HASH_SEQ_STATUS scan;
	Count	   *count;

	*n = 0;
	hash_seq_init(&scan, network->counts);
	while ((count = hash_seq_search(&scan)) != NULL)
		counts[(*n)++] = *count;
	qsort(counts, *n, sizeof(Count), compare_counts);
	return counts;
}

/* LineWriter */
static void
write_count(KeyedTable *table, void *counts, int64 place)
{
	const Count *count = (const Count *) counts + place;
	Datum		values[NETWORK_COLUMNS];
	HeapTuple	old;
	int64		before = count_in_table(table, count->key.account, (int) count->key.level, &old);

	values[NETWORK_ACCOUNT] = Int64GetDatum(count->key.account);
	values[NETWORK_LEVEL] = Int16GetDatum((int16) count->key.level);
	values[NETWORK_ACCOUNTS] = Int64GetDatum(before + count->accounts);
	keyed_write(table, old, values);
}

/* LineWriter: adds to an account's line, or makes it */
static void
write_size(KeyedTable *table, void *sizes, int64 place)
{
	const NetworkSize *size = (const NetworkSize *) sizes + place;
	Datum		values[SIZE_COLUMNS];
	Datum		before[SIZE_COLUMNS];
	bool		nulls[SIZE_COLUMNS];
	AmountSum	value = size->value;
	HeapTuple	old;

	values[SIZE_ACCOUNT] = Int64GetDatum(size->account);
	values[SIZE_DIRECT] = Int64GetDatum(size->direct);
	values[SIZE_NETWORK] = Int64GetDatum(size->network);
	values[SIZE_DEPTH] = Int16GetDatum((int16) size->depth);
	old = keyed_find_next(table, values, 0);
	if (old)
	{
		heap_deform_tuple(old, RelationGetDescr(table->heap), before, nulls);
		for (int i = SIZE_DIRECT; i <= SIZE_NETWORK; i++)
			values[i] = Int64GetDatum(DatumGetInt64(before[i]) + DatumGetInt64(values[i]));
		values[SIZE_DEPTH] = Int16GetDatum(Max(DatumGetInt16(before[SIZE_DEPTH]), (int16) size->depth));
		value += amount_sum_of_datum(before[SIZE_VALUE]);
	}
	values[SIZE_VALUE] = NumericGetDatum(amount_sum_to_numeric(value));
	keyed_write(table, old, values);
}

static NetworkSize *
size_of(Network *network, int64 account)
{
	bool		found;
	NetworkSize *size = hash_search(network->sizes, &account, HASH_ENTER, &found);

	if (!found)
		*size = (NetworkSize){.account = account};
	return size;
}

/* the same before any link, for many: an edge once known is for ever, none is looked for again */
static int64
remembered_referrer(Network *network, int64 account)
{
	Edge		edge = account_edge(account);

	if (edge.referrer == 0)
		return referrer_of(network, account);
	return counts_now(network, edge.change.seen_from) ? edge.referrer : 0;
}

/* what referees have brought goes to who referred them; a new edge brings all later (fold_edges()) */
static void
pass_gains(Network *network)
{
	accounts_keep_open();
	for (int64 i = 0; i < network->ngains; i++)
	{
		int64		referrer = remembered_referrer(network, network->gains[i].account);

		if (referrer != 0)
			size_of(network, referrer)->value += network->gains[i].value;
	}
	accounts_close();
}

static int
compare_sizes(const void *left, const void *right)
{
	int64		a = ((const NetworkSize *) left)->account;
	int64		b = ((const NetworkSize *) right)->account;

	return (a > b) - (a < b);
}

/* with the counts of the links, which are in order, an account's deepest level last */
static void
write_sizes(Network *network, const Count *counts, int64 n)
{
	NetworkSize *sizes;
	int64		nsizes = 0;
	HASH_SEQ_STATUS scan;
	NetworkSize *size;
	KeyedTable	table;

	for (int64 i = 0; i < n; i++)
	{
		size = size_of(network, counts[i].key.account);
		if (counts[i].key.level == 1)
			size->direct = counts[i].accounts;
		size->network += counts[i].accounts;
		size->depth = (int) counts[i].key.level;
	}
	sizes = palloc_extended((hash_get_num_entries(network->sizes) + 1) * sizeof(NetworkSize), MCXT_ALLOC_HUGE);
	hash_seq_init(&scan, network->sizes);
	while ((size = hash_seq_search(&scan)) != NULL)
		sizes[nsizes++] = *size;
	qsort(sizes, nsizes, sizeof(NetworkSize), compare_sizes);
	keyed_open(&table, TABLE_NETWORK_SIZE, INDEX_NETWORK_SIZE, SIZE_COLUMNS, true);
	keyed_expect(&table, nsizes);
	keyed_write_each(&table, write_size, sizes, nsizes);
	keyed_close(&table);
}

/* what else is counted of the edges; inside SPI */
static void
count_edges(Network *network)
{
	static const Oid types[] = {INT8OID};
	Batch		batch = batch_create(lengthof(types), types, (int) Min(network->nlinks, EDGES_AT_ONCE));

	for (int64 i = 0; i < network->nlinks; i++)
	{
		batch.columns[0][batch.count++] = Int64GetDatum(network->links[i].referee);
		if (batch.count < EDGES_AT_ONCE && i + 1 < network->nlinks)
			continue;
		batch_execute(&batch, "select rewards.fold_edges($1)");
		batch.count = 0;
	}
}

/* adds the links to the counts above them, which it returns */
static Count *
fold_links(Network *network, int64 *n)
{
	KeyedTable	table;
	Count	   *counts;

	keyed_open(&table, TABLE_NETWORK, INDEX_NETWORK, NETWORK_COLUMNS, true);
	for (int64 i = 0; i < network->nlinks; i++)
	{
		CHECK_FOR_INTERRUPTS();
		fold_link(network, &table, &network->links[i]);
	}
	counts = collect_counts(network, n);
	keyed_write_each(&table, write_count, counts, *n);
	keyed_close(&table);
	return counts;
}

/* folds the edges and values noted, after totals; inside SPI, and only who holds the cursor may */
void
network_write(Network *network)
{
	MemoryContext previous = MemoryContextSwitchTo(network->context);
	bool		counting = catalog_has(TABLE_EDGE_MONTH);
	Count	   *counts;
	int64		n;

	if (network->nlinks > 0 || network->ngains > 0)
	{
		PushActiveSnapshot(GetLatestSnapshot());
		open_accounts(network);
		/* tables that install() has not brought to this version yet it will fill then */
		if (counting)
			pass_gains(network);
		counts = fold_links(network, &n);
		if (counting)
		{
			write_sizes(network, counts, n);
			count_edges(network);
		}
		close_accounts(network);
		PopActiveSnapshot();
	}
	MemoryContextSwitchTo(previous);
	MemoryContextDelete(network->context);
}

/* ---- reading ---- */

/* at which level below an account an edge puts its referee; 0 for not below it */
static int
level_of_link(Network *network, const Link *link, int64 account)
{
	int64		above = link->referrer;

	for (int level = 1; level <= MAX_LEVELS && above != 0; level++)
	{
		if (above == account)
			return level;
		above = referrer_of(network, above);
	}
	return 0;
}

/* adds what an edge of the tail brings an account */
static void
add_link(Network *network, KeyedTable *table, const Link *link, int64 account)
{
	int			level = level_of_link(network, link, account);
	int64		below[MAX_LEVELS];
	int			levels;

	if (level == 0)
		return;
	levels = read_below(network, table, link->referee, MAX_LEVELS + 1 - level, below);
	for (int i = 0; i < levels; i++)
		add_count(network, account, level + i, below[i]);
}

static void
put_levels(FunctionCallInfo fcinfo, Network *network, KeyedTable *table, int64 account)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	for (int level = 1; level <= MAX_LEVELS; level++)
	{
		HeapTuple	tuple;
		int64		accounts = count_in_table(table, account, level, &tuple)
			+ count_in_memory(network, account, level);
		Datum		values[2] = {Int32GetDatum(level), Int64GetDatum(accounts)};
		bool		nulls[2] = {false, false};

		if (accounts == 0)
			break;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/*
 * network_levels(account) returns setof (level, accounts): how many accounts a
 * registered account has below it at each level up to MAX_LEVELS, folded or not.
 */
Datum
network_levels(PG_FUNCTION_ARGS)
{
	int64		account = PG_GETARG_INT64(0);
	Network    *network = network_create(NULL, 0);
	KeyedTable	table;

	InitMaterializedSRF(fcinfo, 0);
	line_read_tail_edges(visit_edge, network);
	open_accounts(network);
	keyed_open(&table, TABLE_NETWORK, INDEX_NETWORK, NETWORK_COLUMNS, false);
	for (int64 i = 0; i < network->nlinks; i++)
		set_referrer(network, &network->links[i]);
	for (int64 i = 0; i < network->nlinks; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_link(network, &table, &network->links[i], account);
	}
	put_levels(fcinfo, network, &table, account);
	keyed_close(&table);
	close_accounts(network);
	MemoryContextDelete(network->context);
	return (Datum) 0;
}
