/*
 * wallet.c
 *		What an account has in one unit of credits, tokens and the like.
 *
 * As all reading: totals plus tail, under one snapshot.  What has expired and is not
 * booked yet is told beside the sum; it is found by going through the account's lots
 * along the tail, as posting will.
 */
#include "postgres.h"

#include "access/xact.h"
#include "accounts.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lots.h"
#include "reader.h"
#include "stream.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(wallet_state);
PG_FUNCTION_INFO_V1(latest_wallet_state);
PG_FUNCTION_INFO_V1(wallet_lots);
PG_FUNCTION_INFO_V1(latest_wallet_lots);
PG_FUNCTION_INFO_V1(expired_part);

/* the movements of one wallet in the tail */
typedef struct WalletTail
{
	MemoryContext context;
	int64		account;
	Unit		unit;
	Id			name;			/* of a user; text NULL for a provider, who is not charged */
	AmountSum	sum;
	Movement   *movements;
	int			count;
	int			allocated;
} WalletTail;

static void
keep_movement(const Movement *movement, void *context)
{
	WalletTail *tail = (WalletTail *) context;
	MemoryContext previous;
	Movement   *kept;

	if (movement->account != tail->account || movement->unit != tail->unit)
		return;
	previous = MemoryContextSwitchTo(tail->context);
	if (tail->count == tail->allocated)
		tail->movements = repalloc_huge(tail->movements, (tail->allocated *= 2) * sizeof(Movement));
	kept = &tail->movements[tail->count++];
	*kept = *movement;
	if (kept->request.text)
		kept->request.text = pnstrdup(kept->request.text, kept->request.len);
	tail->sum += movement->amount;
	MemoryContextSwitchTo(previous);
}

/* LineVisitor */
static bool
visit_row(const LineRow *row, void *context)
{
	WalletTail *tail = (WalletTail *) context;
	bool		own = row->user.text && tail->name.text && row->user.len == tail->name.len
		&& memcmp(row->user.text, tail->name.text, row->user.len) == 0;

	lots_visit_row(row, own ? tail->account : ACCOUNT_SELF, keep_movement, tail);
	return true;
}

static int
compare_movements(const void *left, const void *right)
{
	const Movement *a = (const Movement *) left;
	const Movement *b = (const Movement *) right;

	return (a->number > b->number) - (a->number < b->number);
}

static WalletTail
read_tail(int64 account, Unit unit)
{
	AccountKind kind = KIND_PROVIDER;
	char	   *name = account_describe(account, &kind);
	WalletTail	tail = {CurrentMemoryContext, account, unit};
	Party		party;

	if (name && kind == KIND_USER)
		tail.name = (Id) {name, strlen(name)};
	tail.allocated = 16;
	tail.movements = palloc(tail.allocated * sizeof(Movement));
	party = (Party) {kind, tail.name, account};
	line_read_tail(&party, visit_row, &tail);
	qsort(tail.movements, tail.count, sizeof(Movement), compare_movements);
	return tail;
}

/* the lots of a wallet, tail and all */
static const Lot *
read_lots(const WalletTail *tail, int *count)
{
	Lots	   *lots = lots_create();

	for (int i = 0; i < tail->count; i++)
		lots_move(lots, &tail->movements[i]);
	return lots_of(lots, tail->account, tail->unit, count);
}

static Datum
state_of_wallet(FunctionCallInfo fcinfo, TimestampTz now)
{
	WalletTail	tail = read_tail(PG_GETARG_INT64(0), (Unit) PG_GETARG_INT16(1));
	AmountSum	due = 0;
	int			count;
	const Lot  *lots = read_lots(&tail, &count);
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "the state of a wallet must be a row");
	for (int i = 0; i < count; i++)
		if (lots[i].expires_at <= now)
			due += lots[i].remaining;
	values[0] = NumericGetDatum(amount_sum_to_numeric(folded_sum(tail.account, tail.unit) + tail.sum));
	values[1] = NumericGetDatum(amount_sum_to_numeric(due));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/*
 * wallet_state(account, unit) returns (balance, due): the sum of all its movements,
 * and how much of it has expired and is not booked so.
 */
Datum
wallet_state(PG_FUNCTION_ARGS)
{
	return state_of_wallet(fcinfo, GetCurrentTransactionStartTimestamp());
}

/*
 * latest_wallet_state(account, unit) returns (balance, due): the same as committed at
 * this moment, whatever snapshot the caller has.
 */
Datum
latest_wallet_state(PG_FUNCTION_ARGS)
{
	Datum		result;

	PushActiveSnapshot(GetLatestSnapshot());
	result = state_of_wallet(fcinfo, GetCurrentTimestamp());
	PopActiveSnapshot();
	return result;
}

static void
return_lots(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	WalletTail	tail = read_tail(PG_GETARG_INT64(0), (Unit) PG_GETARG_INT16(1));
	int			count;
	const Lot  *lots = read_lots(&tail, &count);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		Datum		values[3];
		bool		nulls[3] = {0};

		if (lots[i].remaining <= 0)
			continue;
		values[0] = Int64GetDatum(lots[i].id);
		values[1] = NumericGetDatum(amount_sum_to_numeric(lots[i].remaining));
		values[2] = TimestampTzGetDatum(lots[i].expires_at);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/*
 * wallet_lots(account, unit) returns setof (id, remaining, expires_at): the lots with
 * anything left.
 */
Datum
wallet_lots(PG_FUNCTION_ARGS)
{
	return_lots(fcinfo);
	return (Datum) 0;
}

/*
 * latest_wallet_lots(account, unit) returns setof (id, remaining, expires_at): the same
 * as committed at this moment, whatever snapshot the caller has.
 */
Datum
latest_wallet_lots(PG_FUNCTION_ARGS)
{
	PushActiveSnapshot(GetLatestSnapshot());
	return_lots(fcinfo);
	PopActiveSnapshot();
	return (Datum) 0;
}

/*
 * expired_part(account, unit): what has expired in a wallet without being booked so;
 * for views, so 42501 for a limited reader's other wallets.
 */
Datum
expired_part(PG_FUNCTION_ARGS)
{
	static StreamQuery query = {
		.text = "select rewards.wallet_expired($1, $2)",
		.nargs = 2,
		.types = {INT8OID, INT2OID}
	};
	Datum		args[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	Reader		reader = reader_current(fcinfo);
	RoleSwitch	caller;
	bool		isnull;
	Datum		expired;

	if (reader.number != PG_GETARG_INT64(0))
		reader_require(&reader, KIND_USER, (Id) {NULL, 0});
	caller = become_owner(fcinfo);
	SPI_connect();
	if (SPI_execute_plan(stream_plan(&query), args, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read a wallet");
	expired = SPI_datumTransfer(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull), false, -1);
	SPI_finish();
	become_caller(&caller);
	PG_RETURN_DATUM(expired);
}
