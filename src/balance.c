/*
 * balance.c
 *		What an account has earned in a unit, what of it was taken back, paid out,
 *		held or staked, and what it can dispose of; its lines by day or month; and
 *		the sums of them that a summary shows.
 *
 * All are totals plus tail, under one snapshot, as all reading.  Most accounts
 * have no bonus in its hold, no payout under way, no hold and no lot that has
 * expired: whether there is any is one look into an index.  What there is then comes
 * to is SQL, as for whoever else asks.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/xact.h"
#include "accounts.h"
#include "argument.h"
#include "catalog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "installation.h"
#include "keyed.h"
#include "miscadmin.h"
#include "reader.h"
#include "rules.h"
#include "stream.h"
#include "totals.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(balance);
PG_FUNCTION_INFO_V1(account_lines);
PG_FUNCTION_INFO_V1(account_sums);

/* columns of tables that are read here, and of their indexes */
enum
{
	UNIT_NUMBER = 1,
	UNIT_NAME,
	JOURNAL_ACCOUNT = 9,
	JOURNAL_HELD_UNTIL = 13,
	PAYOUT_ACCOUNT = 2,
	PAYOUT_UNIT,
	HOLD_ACCOUNT = 2,
	LOT_ACCOUNT = 2,
	LOT_UNIT
};

typedef struct Balance
{
	int64		account;		/* ACCOUNT_SELF while it is not registered */
	Unit		unit;
	Totals	   *totals;			/* of the tail */
	bool		expiring;		/* whether the tail brings anything that has expired */
	AmountSum	given;
	AmountSum	reversed;
	AmountSum	paid_out;
	AmountSum	staked;
	AmountSum	held;
	AmountSum	expired;		/* and not booked so */
} Balance;

/* a unit by its name; 22004 or 22023 */
static Unit
unit_argument(FunctionCallInfo fcinfo, int number)
{
	ScanKeyData key;
	CatalogScan scan;
	HeapTuple	tuple;
	int16		unit = 0;
	bool		isnull;

	argument_require(fcinfo, number, "unit");
	ScanKeyInit(&key, UNIT_NAME, BTEqualStrategyNumber, F_TEXTEQ, PG_GETARG_DATUM(number));
	scan = catalog_scan_active(TABLE_UNIT, INDEX_UNIT_NAME, &key, 1);
	tuple = catalog_next(&scan);
	if (tuple)
		unit = DatumGetInt16(heap_getattr(tuple, UNIT_NUMBER, RelationGetDescr(scan.heap), &isnull));
	catalog_end(&scan);
	if (unit == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are no balances in unit \"%s\"", TextDatumGetCString(PG_GETARG_DATUM(number))),
				 errhint("Use points, earnings, credits, tokens or another currency that was added.")));
	return (Unit) unit;
}

/* ---- sums ---- */

/* what was taken back: of a wallet what was added to it, for usage taken back is spent no more */
static bool
is_reversed(const Balance *balance, int entry)
{
	return balance->unit >= UNIT_CREDITS ? entry == -(int) ENTRY_CREDIT : entry < 0;
}

static void
add_sum(Balance *balance, int entry, AmountSum amount)
{
	if (is_reversed(balance, entry))
		balance->reversed -= amount;
	else if (entry == ENTRY_PAYOUT)
		balance->paid_out -= amount;
	else if (entry == ENTRY_STAKE)
		balance->staked -= amount;
	else
		balance->given += amount;
}

/* visits the folded lines of an account from a day on, their columns in order */
static void
visit_folded(int64 account, Grain grain, DateADT since,
			 void (*visit) (Datum *values, void *context), void *context)
{
	bool		daily = grain == GRAIN_DAY;
	ScanKeyData keys[2];
	CatalogScan scan;
	HeapTuple	tuple;
	Datum		values[TOTAL_COLUMNS];
	bool		nulls[TOTAL_COLUMNS];

	ScanKeyInit(&keys[0], TOTAL_ACCOUNT + 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account));
	ScanKeyInit(&keys[1], TOTAL_PERIOD + 1, BTGreaterEqualStrategyNumber, F_DATE_GE, DateADTGetDatum(since));
	scan = catalog_scan_active(daily ? TABLE_DAY_TOTAL : TABLE_MONTH_TOTAL,
							   daily ? INDEX_DAY_TOTAL : INDEX_MONTH_TOTAL, keys, 2);
	check_shape(scan.heap, TOTAL_COLUMNS);
	while ((tuple = catalog_next(&scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(tuple, RelationGetDescr(scan.heap), values, nulls);
		visit(values, context);
	}
	catalog_end(&scan);
}

static void
add_folded(Datum *values, void *context)
{
	Balance    *balance = (Balance *) context;

	if (DatumGetInt16(values[TOTAL_UNIT]) == (int16) balance->unit)
		add_sum(balance, DatumGetInt16(values[TOTAL_ENTRY]), amount_sum_of_datum(values[TOTAL_AMOUNT]));
}

/* LineVisitor */
static bool
visit_row(const LineRow *row, void *context)
{
	Balance    *balance = (Balance *) context;

	if (row->unit == balance->unit && row->expires_at <= GetCurrentTransactionStartTimestamp())
		balance->expiring = true;
	totals_add(balance->totals, row);
	return true;
}

static void
add_tail(Balance *balance, AccountKind kind, Id id)
{
	HASH_SEQ_STATUS scan;
	Total	   *total;

	balance->totals = totals_create(GRAIN_MONTH, false);
	totals_only(balance->totals, kind, id);
	line_read_tail(balance->totals->only, visit_row, balance);
	hash_seq_init(&scan, balance->totals->totals);
	while ((total = hash_seq_search(&scan)) != NULL)
		if (total->key.unit == (int16) balance->unit)
			add_sum(balance, total->key.entry, total->amount);
}

/* ---- what is held, and what has expired ---- */

/* whether an index, under the active snapshot, leads to anything */
static bool
has_any(CatalogTable table, CatalogTable index, ScanKey keys, int nkeys)
{
	CatalogScan scan = catalog_scan_active(table, index, keys, nkeys);
	bool		found = catalog_next(&scan) != NULL;

	catalog_end(&scan);
	return found;
}

static void
account_key(ScanKey key, AttrNumber column, const Balance *balance)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(balance->account));
}

static bool
may_hold(const Balance *balance)
{
	ScanKeyData keys[2];

	if (balance->unit == UNIT_CREDITS)
	{
		account_key(&keys[0], HOLD_ACCOUNT, balance);
		return has_any(TABLE_HOLD, INDEX_HOLD_ACCOUNT, keys, 1);
	}
	account_key(&keys[0], JOURNAL_ACCOUNT, balance);
	ScanKeyInit(&keys[1], JOURNAL_HELD_UNTIL, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT,
				TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	if (has_any(TABLE_JOURNAL, INDEX_JOURNAL_HELD, keys, 2))
		return true;
	account_key(&keys[0], PAYOUT_ACCOUNT, balance);
	ScanKeyInit(&keys[1], PAYOUT_UNIT, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum((int16) balance->unit));
	return has_any(TABLE_PAYOUT, INDEX_PAYOUT_OPEN, keys, 2);
}

static bool
may_have_expired(const Balance *balance)
{
	ScanKeyData keys[2];

	if (balance->unit < UNIT_CREDITS)
		return false;
	account_key(&keys[0], LOT_ACCOUNT, balance);
	ScanKeyInit(&keys[1], LOT_UNIT, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum((int16) balance->unit));
	return balance->expiring || has_any(TABLE_LOT, INDEX_LOT, keys, 2);
}

/* what a function (account, unit) returns */
static AmountSum
ask(StreamQuery *query, const Balance *balance)
{
	Datum		args[2] = {Int64GetDatum(balance->account), Int16GetDatum((int16) balance->unit)};
	AmountSum	sum;
	Datum		value;
	bool		isnull;

	SPI_connect();
	if (SPI_execute_plan(stream_plan(query), args, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read a balance");
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	sum = isnull ? 0 : amount_sum_of_datum(value);
	SPI_finish();
	return sum;
}

static void
set_aside(Balance *balance)
{
	static StreamQuery held = {
		.text = "select rewards.held_part($1, $2)", .nargs = 2, .types = {INT8OID, INT2OID}
	};
	static StreamQuery expired = {
		.text = "select rewards.wallet_expired($1, $2)", .nargs = 2, .types = {INT8OID, INT2OID}
	};

	if (balance->account == ACCOUNT_SELF)
		return;
	if (may_hold(balance))
		balance->held = ask(&held, balance);
	if (may_have_expired(balance))
		balance->expired = ask(&expired, balance);
}

static void
put_balance(FunctionCallInfo fcinfo, const Balance *balance)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	AmountSum	earned = balance->given - balance->expired;
	AmountSum	sums[] = {
		earned, balance->reversed, balance->paid_out, balance->held, balance->staked,
		earned - balance->reversed - balance->paid_out - balance->held - balance->staked
	};
	Datum		values[lengthof(sums)];
	bool		nulls[lengthof(sums)] = {0};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	for (int i = 0; i < lengthof(sums); i++)
		values[i] = NumericGetDatum(amount_sum_to_numeric(sums[i]));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* balance(account, kind, unit) returns (earned, reversed, paid_out, held, staked, available) */
Datum
balance(PG_FUNCTION_ARGS)
{
	Balance		balance = {0};
	AccountKind kind;
	Id			id;

	installation_require();
	id = argument_id(fcinfo, 0, "account");
	kind = argument_kind(fcinfo, 1);
	reader_check(fcinfo, kind, id);
	balance.unit = unit_argument(fcinfo, 2);
	add_tail(&balance, kind, id);
	balance.account = balance.totals->only->number;
	if (balance.account != ACCOUNT_SELF)
		visit_folded(balance.account, GRAIN_MONTH, DATEVAL_NOBEGIN, add_folded, &balance);
	set_aside(&balance);
	put_balance(fcinfo, &balance);
	return (Datum) 0;
}

/* ---- lines ---- */

/* returns a line: its columns but the account */
static void
put_line(Datum *values, void *context)
{
	ReturnSetInfo *result = (ReturnSetInfo *) ((FunctionCallInfo) context)->resultinfo;
	bool		nulls[TOTAL_COLUMNS] = {0};

	tuplestore_putvalues(result->setResult, result->setDesc, values + 1, nulls);
}

static void
put_tail(FunctionCallInfo fcinfo, const Totals *totals, DateADT since)
{
	HASH_SEQ_STATUS scan;
	Total	   *total;

	hash_seq_init(&scan, totals->totals);
	while ((total = hash_seq_search(&scan)) != NULL)
	{
		Datum		values[TOTAL_COLUMNS] = {0};

		if (total->key.period < since)
			continue;
		values[TOTAL_PERIOD] = DateADTGetDatum(total->key.period);
		values[TOTAL_UNIT] = Int16GetDatum(total->key.unit);
		values[TOTAL_ENTRY] = Int16GetDatum(total->key.entry);
		values[TOTAL_LEVEL] = Int16GetDatum((int16) total->key.level);
		values[TOTAL_AMOUNT] = NumericGetDatum(amount_sum_to_numeric(total->amount));
		values[TOTAL_EVENTS] = Int64GetDatum(total->events);
		values[TOTAL_TOKENS] = Int64GetDatum(total->tokens);
		put_line(values, fcinfo);
	}
}

/*
 * account_lines(account, kind, grain, since) returns setof (period, unit, entry, level,
 * amount, events, tokens): one account's totals, folded and not, from a day on; grain is
 * day, else month.  What is in both comes twice.
 */
Datum
account_lines(PG_FUNCTION_ARGS)
{
	Id			id = argument_id(fcinfo, 0, "account");
	AccountKind kind = argument_kind(fcinfo, 1);
	Id			name = argument_id(fcinfo, 2, "grain");
	Grain		grain = name.len == 3 && memcmp(name.text, "day", 3) == 0 ? GRAIN_DAY : GRAIN_MONTH;
	Reader		reader = reader_current(fcinfo);
	Totals	   *totals = totals_create(grain, false);
	DateADT		since;
	RoleSwitch	caller;

	argument_require(fcinfo, 3, "since");
	since = PG_GETARG_DATEADT(3);
	reader_require(&reader, kind, id);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	caller = become_owner(fcinfo);
	totals_only(totals, kind, id);
	totals_add_tail(totals);
	if (totals->only->number != ACCOUNT_SELF)
		visit_folded(totals->only->number, grain, since, put_line, fcinfo);
	put_tail(fcinfo, totals, since);
	become_caller(&caller);
	return (Datum) 0;
}

/* ---- the sums of a summary ---- */

typedef struct Sums
{
	DateADT		month;			/* what is chosen; DATEVAL_NOEND: all */
	DateADT		today;
	AmountSum	own;			/* points, of what is chosen */
	AmountSum	referral;
	AmountSum	bonus;
	AmountSum	total;
	AmountSum	earnings;
	int64		requests;
	int64		tokens;
	AmountSum	today_points;
	AmountSum	lifetime;
	Activity	activity;		/* in the tail: the account is -1 when it has none */
} Sums;

/* what was taken back counts where the amount had come from */
static void
add_chosen(Sums *sums, Unit unit, int entry, AmountSum amount, int64 events, int64 tokens)
{
	if (unit == UNIT_EARNINGS)
		sums->earnings += amount;
	if (unit != UNIT_POINTS)
		return;
	sums->total += amount;
	if (entry == ENTRY_REFERRAL)
		sums->referral += amount;
	else if (entry >= ENTRY_SIGNUP_BONUS && entry <= ENTRY_REVERSAL)
		sums->bonus += amount;
	else if (entry == ENTRY_WORK || entry == ENTRY_USAGE)
	{
		sums->own += amount;
		sums->requests += events;
		sums->tokens += tokens;
	}
}

/* a line of a month; what was paid out or staked is no part of any of these */
static void
add_line(Sums *sums, DateADT month, Unit unit, int entry, AmountSum amount, int64 events, int64 tokens)
{
	entry = abs(entry);
	if (entry >= ENTRY_PAYOUT)
		return;
	if (unit == UNIT_POINTS)
		sums->lifetime += amount;
	if (sums->month == DATEVAL_NOEND || sums->month == month)
		add_chosen(sums, unit, entry, amount, events, tokens);
}

static void
add_month(Datum *values, void *context)
{
	add_line((Sums *) context, DatumGetDateADT(values[TOTAL_PERIOD]), (Unit) DatumGetInt16(values[TOTAL_UNIT]),
			 DatumGetInt16(values[TOTAL_ENTRY]), amount_sum_of_datum(values[TOTAL_AMOUNT]),
			 DatumGetInt64(values[TOTAL_EVENTS]), DatumGetInt64(values[TOTAL_TOKENS]));
}

/* a line of a day: only points of today */
static void
add_day(Sums *sums, DateADT day, Unit unit, int entry, AmountSum amount)
{
	if (day == sums->today && unit == UNIT_POINTS && abs(entry) < ENTRY_PAYOUT)
		sums->today_points += amount;
}

static void
add_folded_day(Datum *values, void *context)
{
	add_day((Sums *) context, DatumGetDateADT(values[TOTAL_PERIOD]), (Unit) DatumGetInt16(values[TOTAL_UNIT]),
			DatumGetInt16(values[TOTAL_ENTRY]), amount_sum_of_datum(values[TOTAL_AMOUNT]));
}

/* by its number, by its name, or by both */
static void
add_activity(Sums *sums, const Activity *activity)
{
	Activity   *sum = &sums->activity;

	if (sum->account < 0 || activity->named_at < sum->named_at)
		sum->named_at = activity->named_at;
	sum->account = 0;
	if (activity->active && (!sum->active || activity->last_at > sum->last_at))
		sum->last_at = activity->last_at;
	sum->active |= activity->active;
}

/* the tail is added up by day, of which each is of a month */
static void
add_days_of_tail(Sums *sums, const Totals *totals)
{
	HASH_SEQ_STATUS scan;
	Total	   *total;
	Activity   *activity;

	hash_seq_init(&scan, totals->totals);
	while ((total = hash_seq_search(&scan)) != NULL)
	{
		add_line(sums, month_of(total->key.period), (Unit) total->key.unit, total->key.entry,
				 total->amount, total->events, total->tokens);
		add_day(sums, total->key.period, (Unit) total->key.unit, total->key.entry, total->amount);
	}
	hash_seq_init(&scan, totals->activities);
	while ((activity = hash_seq_search(&scan)) != NULL)
		add_activity(sums, activity);
}

static Datum
row_of_sums(FunctionCallInfo fcinfo, const Sums *sums)
{
	AmountSum	amounts[] = {sums->own, sums->referral, sums->bonus, sums->total, sums->earnings};
	TupleDesc	desc;
	Datum		values[11];
	bool		nulls[11] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "sums must be a row");
	for (int i = 0; i < lengthof(amounts); i++)
		values[i] = NumericGetDatum(amount_sum_to_numeric(amounts[i]));
	values[5] = Int64GetDatum(sums->requests);
	values[6] = Int64GetDatum(sums->tokens);
	values[7] = NumericGetDatum(amount_sum_to_numeric(sums->today_points));
	values[8] = NumericGetDatum(amount_sum_to_numeric(sums->lifetime));
	values[9] = TimestampTzGetDatum(sums->activity.named_at);
	nulls[9] = sums->activity.account < 0;
	values[10] = TimestampTzGetDatum(sums->activity.last_at);
	nulls[10] = !sums->activity.active;
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/*
 * account_sums(account, kind, month) returns (own_points, referral_points, bonus_points,
 * total_points, creator_earnings, requests, tokens, today_points, lifetime_points,
 * named_at, last_at): what account_summary() shows of lines, the first seven of a month,
 * NULL for all time; and when the tail first names the account and shows it active last.
 */
Datum
account_sums(PG_FUNCTION_ARGS)
{
	Sums		sums = {.month = DATEVAL_NOEND, .activity.account = -1};
	Id			id = argument_id(fcinfo, 0, "account");
	AccountKind kind = argument_kind(fcinfo, 1);
	Reader		reader = reader_current(fcinfo);
	Totals	   *totals = totals_create(GRAIN_DAY, false);
	RoleSwitch	caller;
	int64		number;

	if (!PG_ARGISNULL(2))
		sums.month = PG_GETARG_DATEADT(2);
	sums.today = local_day(GetCurrentTransactionStartTimestamp());
	reader_require(&reader, kind, id);
	caller = become_owner(fcinfo);
	totals_only(totals, kind, id);
	totals_add_tail(totals);
	add_days_of_tail(&sums, totals);
	number = totals->only->number;
	if (number != ACCOUNT_SELF)
	{
		visit_folded(number, GRAIN_MONTH, DATEVAL_NOBEGIN, add_month, &sums);
		visit_folded(number, GRAIN_DAY, sums.today, add_folded_day, &sums);
	}
	become_caller(&caller);
	return row_of_sums(fcinfo, &sums);
}
