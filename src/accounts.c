/*
 * accounts.c
 *		Accounts by id, and the referral chain, cached per backend.
 *
 * What may be kept, and how long:
 *	- an account's number and an edge: for ever, both are permanent;
 *	- "has no referrer": until an edge of an older account is signalled;
 *	- "is not registered": for the statement that asked;
 *	- anything written by this very transaction, which may yet roll back: until
 *	  the (sub)transaction ends.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "accounts.h"
#include "catalog.h"
#include "fmgr.h"
#include "memo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(signal_change);
PG_FUNCTION_INFO_V1(has_referrer);
PG_FUNCTION_INFO_V1(lock_forest);
PG_FUNCTION_INFO_V1(find_account);

/*
 * What is remembered of a name.  Of an account without number: in which
 * statement that was so.  Of one without referrer: at which generation of the
 * account signal.
 */
typedef struct NameEntry
{
	Account		account;
	uint64		asked;
} NameEntry;

/* reads the rows of a scan; all columns at once is cheaper than one by one */
typedef struct AccountReader
{
	CatalogScan scan;
	Datum	   *values;			/* of the row read last; a column stands at its number */
	bool	   *nulls;
} AccountReader;

/* the look-up by an index, and of which generation its snapshot is, if it is open */
typedef struct Kept
{
	bool		open;
	uint64		generation;
	AccountReader reader;
} Kept;

static Kept by_name;
static Kept by_number;
static bool keeping = false;

#define MAX_KEY MEMO_MAX_KEY

/* as many in one statement make a bulk load */
#define MANY_MISSES 1000

/* about what it takes to remember an account */
#define REMEMBERED_BYTES 112

static Memo *names = NULL;
static Oid	names_of = InvalidOid;	/* the table that the names are of */
static bool holds_own_writes = false;

/* ---- lifetimes ---- */

void
accounts_forget(void)
{
	memo_forget(names);
	forest_forget();
	holds_own_writes = false;
}

static void
forget_own_writes(void)
{
	if (holds_own_writes)
		accounts_forget();
}

/* what an error left open has been closed by the server */
static void
abandon_kept(void)
{
	by_name.open = by_number.open = keeping = false;
}

static void
transaction_ended(XactEvent event, void *arg)
{
	abandon_kept();
	forget_own_writes();
}

static void
subtransaction_ended(SubXactEvent event, SubTransactionId mine,
					 SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		abandon_kept();
		forget_own_writes();
	}
}

void
accounts_init(void)
{
	names = memo_create("accounts", PART_OF_NAMES);
	RegisterXactCallback(transaction_ended, NULL);
	RegisterSubXactCallback(subtransaction_ended, NULL);
}

/* a number that differs from one statement to the next */
static uint64
this_statement(void)
{
	static uint64 statement = 0;
	static FullTransactionId last_xid = {0};
	static CommandId last_command = 0;
	FullTransactionId xid = GetTopFullTransactionIdIfAny();
	CommandId	command = GetCurrentCommandId(false);

	/* without a transaction id nothing is being inserted: never the same */
	if (!FullTransactionIdIsValid(xid)
		|| !FullTransactionIdEquals(xid, last_xid) || command != last_command)
		statement++;
	last_xid = xid;
	last_command = command;
	return statement;
}

/* nothing known before uninstall() holds after another install() */
static void
forget_former_table(void)
{
	Oid			table = catalog_table(TABLE_ACCOUNT);

	if (names_of != table)
		accounts_forget();
	names_of = table;
}

/* ---- names ---- */

static int
name_keys(ScanKey keys, AccountKind kind, Id id)
{
	ScanKeyInit(&keys[0], ACCOUNT_NAME, BTEqualStrategyNumber, F_TEXTEQ,
				PointerGetDatum(cstring_to_text_with_len(id.text, id.len)));
	ScanKeyInit(&keys[1], ACCOUNT_KIND, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(account_kind_name(kind)));
	return 2;
}

static AccountReader
reader_begin(CatalogTable index, ScanKey keys, int nkeys)
{
	AccountReader reader = {catalog_scan(TABLE_ACCOUNT, index, keys, nkeys)};
	int			size = RelationGetDescr(reader.scan.heap)->natts + 1;

	reader.values = palloc(size * sizeof(Datum));
	reader.nulls = palloc(size * sizeof(bool));
	return reader;
}

/* false when there is no row left */
static bool
reader_next(AccountReader *reader, Account *account)
{
	HeapTuple	tuple = catalog_next(&reader->scan);
	const Datum *values = reader->values;
	const bool *nulls = reader->nulls;

	if (tuple == NULL)
		return false;
	heap_deform_tuple(tuple, RelationGetDescr(reader->scan.heap), reader->values + 1, reader->nulls + 1);
	memset(account, 0, sizeof(Account));
	account->number = DatumGetInt64(values[ACCOUNT_ID]);
	if (!nulls[ACCOUNT_REFERRER])
	{
		account->edge.referrer = DatumGetInt64(values[ACCOUNT_REFERRER]);
		account->edge.change = change_of(&values[ACCOUNT_REFERRED_AT], &nulls[ACCOUNT_REFERRED_AT]);
	}
	if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
		holds_own_writes = true;
	return true;
}

static void
reader_end(AccountReader *reader)
{
	pfree(reader->values);
	pfree(reader->nulls);
	catalog_end(&reader->scan);
}

/* ---- look-ups one after the other ---- */

static void
close_kept(Kept *kept)
{
	if (kept->open)
		reader_end(&kept->reader);
	kept->open = false;
}

/* until accounts_close() an index once opened stays so: to open it takes most of a look-up */
void
accounts_keep_open(void)
{
	keeping = true;
}

void
accounts_close(void)
{
	close_kept(&by_name);
	close_kept(&by_number);
	keeping = false;
}

/*
 * The account of a look-up as committed now; number ACCOUNT_SELF for none.  What was
 * read after a signal may count as known since: its snapshot must not be an older one.
 */
static Account
read_account(Kept *kept, CatalogTable index, ScanKey keys, int nkeys)
{
	uint64		generation = catalog_generation(TABLE_ACCOUNT_SIGNAL);
	Account		account = {0};

	if (!kept->open || kept->generation != generation
		|| !catalog_again(&kept->reader.scan, keys, nkeys))
	{
		close_kept(kept);
		kept->reader = reader_begin(index, keys, nkeys);
		kept->generation = generation;
		kept->open = true;
	}
	reader_next(&kept->reader, &account);
	if (!keeping)
		close_kept(kept);
	return account;
}

static Account
read_by_name(AccountKind kind, Id id)
{
	ScanKeyData keys[2];

	return read_account(&by_name, INDEX_ACCOUNT_NAME, keys, name_keys(keys, kind, id));
}

static Account
read_by_number(int64 number)
{
	ScanKeyData key;

	ScanKeyInit(&key, ACCOUNT_ID, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(number));
	return read_account(&by_number, INDEX_ACCOUNT_ID, &key, 1);
}

/* the name of an account by number, past any cache, and in *kind its kind; NULL without one */
char *
account_name(int64 number, AccountKind *kind)
{
	ScanKeyData key;
	CatalogScan scan;
	HeapTuple	tuple;
	char	   *name = NULL;

	ScanKeyInit(&key, ACCOUNT_ID, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(number));
	scan = catalog_scan(TABLE_ACCOUNT, INDEX_ACCOUNT_ID, &key, 1);
	tuple = catalog_next(&scan);
	if (tuple)
	{
		TupleDesc	desc = RelationGetDescr(scan.heap);
		bool		isnull;
		Id			text = id_of_datum(heap_getattr(tuple, ACCOUNT_NAME, desc, &isnull), false);

		*kind = account_kind_of(heap_getattr(tuple, ACCOUNT_KIND, desc, &isnull));
		name = pnstrdup(text.text, text.len);
	}
	catalog_end(&scan);
	return name;
}

void
account_missing(int64 number)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("there is no account number %lld", (long long) number),
			 errhint("It was removed past the extension; restore the row.")));
}

/* the same for an account that must be there */
char *
account_describe(int64 number, AccountKind *kind)
{
	char	   *name = account_name(number, kind);

	if (name == NULL)
		account_missing(number);
	return name;
}

/*
 * Whether some running transaction has registered the account without having
 * committed: whoever registers it now would wait for that transaction.
 */
bool
account_being_registered(AccountKind kind, Id id)
{
	Relation	heap = table_open(catalog_table(TABLE_ACCOUNT), AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	SnapshotData dirty;
	bool		found = false;

	InitDirtySnapshot(dirty);
	scan = systable_beginscan(heap, catalog_table(INDEX_ACCOUNT_NAME), true, &dirty,
							  name_keys(keys, kind, id), keys);
	while (!found && systable_getnext(scan) != NULL)
		found = TransactionIdIsValid(dirty.xmin)
			&& !TransactionIdIsCurrentTransactionId(dirty.xmin);
	systable_endscan(scan);
	table_close(heap, AccessShareLock);
	return found;
}

/* ---- remembering ---- */

/* whether what is remembered of an account still holds */
static bool
still_holds(const Account *account, uint64 asked)
{
	if (account->number == ACCOUNT_SELF)
		return asked == this_statement();
	return account->edge.referrer != 0
		|| asked == catalog_generation(TABLE_ACCOUNT_SIGNAL);
}

/* remembers what was read at a generation of the account signal */
static void
remember_name(const char *key, int len, const Account *account, uint64 generation)
{
	NameEntry  *entry = memo_put(names, key, len, sizeof(NameEntry));

	entry->account = *account;
	entry->asked = account->number == ACCOUNT_SELF ? this_statement() : generation;
}

static int
name_key(char *key, AccountKind kind, Id id)
{
	key[0] = kind == KIND_USER ? 'u' : 'p';
	memcpy(key + 1, id.text, id.len);
	return id.len + 1;
}

/*
 * Remembers every account at once.  An edge signalled meanwhile is no harm: who
 * has no referrer is remembered of the generation before.
 */
static void
remember_all(void)
{
	uint64		generation = catalog_generation(TABLE_ACCOUNT_SIGNAL);
	AccountReader reader = reader_begin(TABLE_ACCOUNT, NULL, 0);
	Account		account;

	while (reader_next(&reader, &account))
	{
		char		key[MAX_KEY];
		int			len = name_key(key, account_kind_of(reader.values[ACCOUNT_KIND]),
								   id_of_datum(reader.values[ACCOUNT_NAME], false));

		forest_put(&account, generation);
		remember_name(key, len, &account, generation);
	}
	reader_end(&reader);
}

/* reads the table once, if all of it can be remembered: whoever asks for many does better so */
void
accounts_remember(void)
{
	Relation	table = table_open(catalog_table(TABLE_ACCOUNT), AccessShareLock);
	Size		size = table->rd_rel->reltuples >= 0 ? (Size) table->rd_rel->reltuples * REMEMBERED_BYTES
		: (Size) RelationGetNumberOfBlocks(table) * BLCKSZ;

	table_close(table, AccessShareLock);
	forget_former_table();
	if (size <= memo_part(PART_OF_NAMES))
		remember_all();
}

/* a statement that asks for many accounts is a bulk load */
static void
note_miss(void)
{
	static uint64 statement = 0;
	static int	misses = 0;
	uint64		now = this_statement();

	if (statement != now)
		misses = 0;
	statement = now;
	if (++misses == MANY_MISSES)
		accounts_remember();
}

/* a registered account by number as committed now, with its edge */
static Account
account_by_number(int64 number)
{
	const ForestEntry *entry = forest_find(number);
	Account		account;
	uint64		generation;

	if (entry && still_holds(&entry->account, entry->asked))
		return entry->account;
	do
	{
		generation = catalog_generation(TABLE_ACCOUNT_SIGNAL);
		account = read_by_number(number);
		/* it may have got a referrer meanwhile */
	} while (generation != catalog_generation(TABLE_ACCOUNT_SIGNAL));
	if (account.number != ACCOUNT_SELF)
		forest_put(&account, generation);
	return account;
}

/* who referred an account by number, as far as this session knows */
Edge
account_edge(int64 number)
{
	return account_by_number(number).edge;
}

/* an account by name, and the generation of the account signal that it is of */
static Account
read_now(AccountKind kind, Id id, uint64 *generation)
{
	Account		account;

	do
	{
		*generation = catalog_generation(TABLE_ACCOUNT_SIGNAL);
		account = read_by_name(kind, id);
		/* it may have got a referrer meanwhile */
	} while (*generation != catalog_generation(TABLE_ACCOUNT_SIGNAL));
	return account;
}

/*
 * The account of an id as committed now, with its edge.  Statements that record or
 * fold rows remember who is not registered until they end; those that only read
 * cannot be told apart, and neither leave nor trust such a memory.
 */
static Account
find(AccountKind kind, Id id, bool recording)
{
	char		key[MAX_KEY];
	const NameEntry *entry;
	Account		account = {0};
	uint64		generation;
	int			len;

	if (id.len >= MAX_KEY - 1)
		return account;			/* longer than any id */
	len = name_key(key, kind, id);

	forget_former_table();
	entry = memo_find(names, key, len);
	if (entry && still_holds(&entry->account, entry->asked)
		&& (recording || entry->account.number != ACCOUNT_SELF))
		return entry->account;
	if (recording)
		note_miss();
	account = read_now(kind, id, &generation);
	if (recording || account.number != ACCOUNT_SELF)
		remember_name(key, len, &account, generation);
	return account;
}

/* for rows being recorded or folded */
Account
account_find(AccountKind kind, Id id)
{
	return find(kind, id, true);
}

/* for reading */
Account
account_look_up(AccountKind kind, Id id)
{
	return find(kind, id, false);
}

/* one step up the chain as an event saw it; number 0 at its end */
Account
account_referrer(const Account *account, const AsOf *as_of)
{
	static const Account none = {0};

	if (account->edge.referrer == 0 || !change_counts(&account->edge.change, as_of, as_of->number))
		return none;
	return account_by_number(account->edge.referrer);
}

/* ---- for the SQL of signups ---- */

/*
 * signal_change(regclass): tells every backend, when this transaction commits,
 * that what it cached from a table is old.
 */
Datum
signal_change(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(0);

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no table with number %u", relation)));
	CacheInvalidateRelcacheByRelid(relation);
	PG_RETURN_VOID();
}

/* the end of an account's chain as committed now, past any cache */
static int64
chain_root(int64 number)
{
	int64		referrer;

	while ((referrer = read_by_number(number).edge.referrer) != 0)
	{
		CHECK_FOR_INTERRUPTS();
		number = referrer;
	}
	return number;
}

/* has_referrer(number): whether a registered account has a referrer now */
Datum
has_referrer(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(read_by_number(PG_GETARG_INT64(0)).edge.referrer != 0);
}

/* an account's place in the forest; no other role can take such a lock */
static void
lock_place(int64 number, LOCKMODE mode)
{
	LockDatabaseObject(catalog_table(TABLE_ACCOUNT), (Oid) number, 0, mode);
}

static void
unlock_place(int64 number, LOCKMODE mode)
{
	UnlockDatabaseObject(catalog_table(TABLE_ACCOUNT), (Oid) number, 0, mode);
}

/*
 * lock_forest(referee, referrer): keeps the forest without cycles while an edge
 * between them is added.  Until the transaction ends the referee gets no other
 * referrer, and the referrer's root none at all: then no other signup can close
 * a cycle through both.  Locks are taken in order of number, so that signups do
 * not wait for each other in a circle; when the root has moved meanwhile, all is
 * let go and tried again.  False when the edge would close a cycle.
 */
Datum
lock_forest(PG_FUNCTION_ARGS)
{
	int64		referee = PG_GETARG_INT64(0);
	int64		referrer = PG_GETARG_INT64(1);

	for (;;)
	{
		int64		root = chain_root(referrer);

		if (root == referee)
			PG_RETURN_BOOL(false);
		if (root < referee)
			lock_place(root, ShareLock);
		lock_place(referee, ExclusiveLock);
		if (root > referee)
			lock_place(root, ShareLock);
		if (chain_root(referrer) == root)
			PG_RETURN_BOOL(true);
		unlock_place(root, ShareLock);
		unlock_place(referee, ExclusiveLock);
	}
}

/*
 * find_account(kind, account): the number of a registered account as committed
 * now, else NULL.
 */
Datum
find_account(PG_FUNCTION_ARGS)
{
	Id			id = id_of_datum(PG_GETARG_DATUM(1), false);
	Account		account = read_by_name(account_kind_of(PG_GETARG_DATUM(0)), id);

	if (account.number == ACCOUNT_SELF)
		PG_RETURN_NULL();
	PG_RETURN_INT64(account.number);
}
