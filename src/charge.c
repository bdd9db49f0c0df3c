/*
 * charge.c
 *		Under the credit policy "enforce": what a statement charges must be covered.
 *
 * Rows note what they cost; when their statement is over, the wallets are locked and
 * charged one by one in order of accounts, by rewards.charge_wallets(), and the
 * statement fails when one of them has too little.  A row may be noted and then not
 * be inserted (ON CONFLICT DO NOTHING), so each is looked for.  A statement within
 * another charges what its own subtransaction has noted, for what it charges goes back
 * with that.
 * Under the policy "allow" nothing is noted and nothing is locked.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "batch.h"
#include "catalog/pg_type.h"
#include "charge.h"
#include "compat.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "stream.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* a row that has to be paid for */
typedef struct NotedRow
{
	SubTransactionId subtransaction;
	Oid			leaf;
	int64		number;
	int64		account;		/* ACCOUNT_SELF: not registered when it was noted */
	Id			user;
	AmountSum	cost;
	TimestampTz at;				/* when it happened */
} NotedRow;

static MemoryContext noted_context = NULL;	/* of the rows, in the transaction's */
static NotedRow *noted = NULL;
static int	nnoted = 0;
static int	allocated = 0;

static StreamQuery charge_query = {
	.text = "select rewards.charge_wallets($1, $2, $3, $4)",
	.nargs = 4,
	.types = {INT8ARRAYOID, TEXTARRAYOID, NUMERICARRAYOID, TIMESTAMPTZARRAYOID}
};

/* ---- noting ---- */

static bool
is_enforced(const RuleSet *rules)
{
	AsOf		now = as_of_all(GetCurrentTimestamp());

	return strcmp(rules_setting(rules, "credit_policy", &now), "enforce") == 0;
}

static NotedRow *
add_noted(void)
{
	if (noted_context == NULL)
	{
		noted_context = AllocSetContextCreate(TopTransactionContext, "rewards charges",
											  ALLOCSET_DEFAULT_SIZES);
		allocated = 16;
		noted = MemoryContextAlloc(noted_context, allocated * sizeof(NotedRow));
	}
	if (nnoted == allocated)
		noted = repalloc_huge(noted, (Size) (allocated *= 2) * sizeof(NotedRow));
	return &noted[nnoted++];
}

/* notes what a row that is about to be inserted costs, if that must be covered */
void
charge_note(Relation leaf, const UsageEvent *event, const Reward *reward)
{
	MemoryContext previous;
	NotedRow   *row;

	if (reward->charge.cost == 0 || !is_enforced(reward->rules))
		return;
	row = add_noted();
	previous = MemoryContextSwitchTo(noted_context);
	row->subtransaction = GetCurrentSubTransactionId();
	row->leaf = RelationGetRelid(leaf);
	row->number = event->number;
	row->account = reward->user.number;
	row->user = (Id) {NULL, 0};
	if (row->account == ACCOUNT_SELF)
		row->user = (Id) {pnstrdup(event->user.text, event->user.len), event->user.len};
	row->cost = reward->charge.cost;
	row->at = event->created_at;
	MemoryContextSwitchTo(previous);
}

static void
forget_noted(void)
{
	if (noted_context)
		MemoryContextDelete(noted_context);
	noted_context = NULL;
	noted = NULL;
	nnoted = allocated = 0;
}

/* TopTransactionContext goes, and what was noted with it */
static void
transaction_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		forget_noted();
}

/* rows noted in a subtransaction, or in those within it, go with it */
static void
subtransaction_ended(SubXactEvent event, SubTransactionId own, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		while (nnoted > 0 && noted[nnoted - 1].subtransaction >= own)
			nnoted--;
}

void
charge_init(void)
{
	RegisterXactCallback(transaction_ended, NULL);
	RegisterSubXactCallback(subtransaction_ended, NULL);
}

/* ---- charging ---- */

static bool
was_inserted(const NotedRow *row)
{
	Relation	heap = table_open(row->leaf, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	bool		found;

	ScanKeyInit(&key, COLUMN_ID + 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(row->number));
	scan = systable_beginscan(heap, primary_key_index(heap), true, SnapshotSelf, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(heap, AccessShareLock);
	return found;
}

/* the first of the rows noted in this subtransaction, which are the last ones */
static int
first_noted_here(void)
{
	SubTransactionId own = GetCurrentSubTransactionId();
	int			first = nnoted;

	while (first > 0 && noted[first - 1].subtransaction == own)
		first--;
	return first;
}

/* keeps the rows, from the first on, that were inserted, with accounts registered meanwhile */
static void
settle_noted(int first)
{
	int			kept = first;

	for (int i = first; i < nnoted; i++)
	{
		NotedRow   *row = &noted[i];

		if (!was_inserted(row))
			continue;
		if (row->account == ACCOUNT_SELF)
			row->account = account_look_up(KIND_USER, row->user).number;
		noted[kept++] = *row;
	}
	nnoted = kept;
}

/* by account; those without one by name, before all others */
static int
compare_noted(const void *left, const void *right)
{
	const NotedRow *a = (const NotedRow *) left;
	const NotedRow *b = (const NotedRow *) right;

	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	if (a->account != ACCOUNT_SELF)
		return 0;
	if (a->user.len != b->user.len)
		return a->user.len < b->user.len ? -1 : 1;
	return memcmp(a->user.text, b->user.text, a->user.len);
}

/* sorts the rows and adds up those of one user, as of the last one */
static void
add_up_noted(int first)
{
	int			kept = first;

	qsort(noted + first, nnoted - first, sizeof(NotedRow), compare_noted);
	for (int i = first; i < nnoted; i++)
		if (kept > first && compare_noted(&noted[kept - 1], &noted[i]) == 0)
		{
			noted[kept - 1].cost += noted[i].cost;
			noted[kept - 1].at = Max(noted[kept - 1].at, noted[i].at);
		}
		else
			noted[kept++] = noted[i];
	nnoted = kept;
}

/* charges the wallets, in order of accounts; RW007 */
static void
charge_wallets(int first)
{
	static const Oid types[] = {INT8OID, TEXTOID, NUMERICOID, TIMESTAMPTZOID};
	int			count = nnoted - first;
	Batch		batch = batch_create(lengthof(types), types, count);
	Datum		args[lengthof(types)];

	for (int i = 0; i < count; i++)
	{
		const NotedRow *row = &noted[first + i];

		batch.columns[0][i] = Int64GetDatum(row->account);
		batch.columns[1][i] = PointerGetDatum(row->user.text == NULL ? cstring_to_text("")
											  : cstring_to_text_with_len(row->user.text, row->user.len));
		batch.columns[2][i] = NumericGetDatum(amount_sum_to_numeric(row->cost));
		batch.columns[3][i] = TimestampTzGetDatum(row->at);
	}
	batch.count = count;
	for (int i = 0; i < lengthof(types); i++)
		args[i] = batch_column(&batch, i);
	if (SPI_execute_plan(stream_plan(&charge_query), args, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not charge wallets");
}

/* wallets are the owner's alone: whoever inserts has no right to them */
static void
charge_wallets_as(Oid owner, int first)
{
	Oid			caller;
	int			context;

	GetUserIdAndSecContext(&caller, &context);
	SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	charge_wallets(first);
	SPI_finish();
	SetUserIdAndSecContext(caller, context);
}

/* a statement's rows are in: RW007 when a wallet that they charge has too little and must not */
void
charge_statement(Relation usage)
{
	int			first = first_noted_here();

	if (first == nnoted)
		return;
	settle_noted(first);
	add_up_noted(first);
	if (nnoted > first)
		charge_wallets_as(usage->rd_rel->relowner, first);
	nnoted = first;
	if (nnoted == 0)
		forget_noted();
}
