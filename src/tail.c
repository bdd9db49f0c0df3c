/*
 * tail.c
 *		What is recorded and not yet folded, for the reading side.
 *
 * A read is totals + tail, both under the caller's snapshot: these functions
 * return the tail in the shape of the totals tables.  Accounts come by number
 * where the row knows it, else by kind and name.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "rules.h"
#include "totals.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tail_totals);
PG_FUNCTION_INFO_V1(tail_models);
PG_FUNCTION_INFO_V1(tail_accounts);
PG_FUNCTION_INFO_V1(tail_account);
PG_FUNCTION_INFO_V1(tail_events);
PG_FUNCTION_INFO_V1(tail_unpriced);

static void
put_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* (account_number, kind, account): by number, or by kind and name */
static void
set_account(const Totals *totals, int64 key, Datum *values, bool *nulls)
{
	nulls[0] = key < 0;
	nulls[1] = nulls[2] = key >= 0;
	if (key >= 0)
		values[0] = Int64GetDatum(key);
	else
	{
		const NamedAccount *name = &totals->names[NAME_PLACE(key)];

		values[1] = CStringGetTextDatum(account_kind_name(name->kind));
		values[2] = CStringGetTextDatum(name->text);
	}
}

/*
 * tail_totals(grain, kind, account) returns setof (account_number, kind,
 * account, period, unit, entry, level, amount, events, tokens); grain is day, else
 * month; kind and account, when given, keep just that account.
 */
Datum
tail_totals(PG_FUNCTION_ARGS)
{
	bool		daily = !PG_ARGISNULL(0)
		&& strcmp(text_to_cstring(PG_GETARG_TEXT_PP(0)), "day") == 0;
	Totals	   *totals = totals_create(daily ? GRAIN_DAY : GRAIN_MONTH, false);
	HASH_SEQ_STATUS scan;
	Total	   *total;

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		totals_only(totals, account_kind_of(PG_GETARG_DATUM(1)), id_of_datum(PG_GETARG_DATUM(2), false));
	InitMaterializedSRF(fcinfo, 0);
	line_read_tail(totals_visit, totals);

	hash_seq_init(&scan, totals->totals);
	while ((total = hash_seq_search(&scan)) != NULL)
	{
		Datum		values[10];
		bool		nulls[10] = {0};

		set_account(totals, total->key.account, values, nulls);
		values[3] = DateADTGetDatum(total->key.period);
		values[4] = Int16GetDatum(total->key.unit);
		values[5] = Int16GetDatum(total->key.entry);
		values[6] = Int16GetDatum((int16) total->key.level);
		values[7] = NumericGetDatum(amount_sum_to_numeric(total->amount));
		values[8] = Int64GetDatum(total->events);
		values[9] = Int64GetDatum(total->tokens);
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/*
 * tail_models() returns setof (owner, model, events, tokens, amount, first_at,
 * last_at)
 */
Datum
tail_models(PG_FUNCTION_ARGS)
{
	Totals	   *totals = totals_create(GRAIN_MONTH, false);
	HASH_SEQ_STATUS scan;
	ModelTotal *total;

	InitMaterializedSRF(fcinfo, 0);
	line_read_tail(totals_visit, totals);

	hash_seq_init(&scan, totals->models);
	while ((total = hash_seq_search(&scan)) != NULL)
	{
		Datum		values[7];
		bool		nulls[7] = {0};

		values[0] = Int64GetDatum(total->key.owner);
		values[1] = CStringGetTextDatum(total->key.model);
		values[2] = Int64GetDatum(total->events);
		values[3] = Int64GetDatum(total->tokens);
		values[4] = NumericGetDatum(amount_sum_to_numeric(total->amount));
		values[5] = TimestampTzGetDatum(total->first_at);
		values[6] = TimestampTzGetDatum(total->last_at);
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/*
 * tail_accounts() returns setof (account_number, kind, account, named_at,
 * first_at, last_at): who is named in the tail, and when active there.
 */
Datum
tail_accounts(PG_FUNCTION_ARGS)
{
	Totals	   *totals = totals_create(GRAIN_MONTH, false);
	HASH_SEQ_STATUS scan;
	Activity   *activity;

	InitMaterializedSRF(fcinfo, 0);
	line_read_tail(totals_visit, totals);

	hash_seq_init(&scan, totals->activities);
	while ((activity = hash_seq_search(&scan)) != NULL)
	{
		Datum		values[6];
		bool		nulls[6] = {0};

		set_account(totals, activity->account, values, nulls);
		values[3] = TimestampTzGetDatum(activity->named_at);
		values[4] = TimestampTzGetDatum(activity->first_at);
		values[5] = TimestampTzGetDatum(activity->last_at);
		nulls[4] = nulls[5] = !activity->active;
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

static void
earliest(Datum *value, bool *isnull, TimestampTz at)
{
	if (*isnull || at < DatumGetTimestampTz(*value))
		*value = TimestampTzGetDatum(at);
	*isnull = false;
}

/*
 * tail_account(kind, account) returns (named_at, first_at, last_at): the same of
 * one account.
 */
Datum
tail_account(PG_FUNCTION_ARGS)
{
	Totals	   *totals = totals_create(GRAIN_MONTH, false);
	HASH_SEQ_STATUS scan;
	Activity   *activity;
	TupleDesc	desc;
	Datum		values[3] = {0};
	bool		nulls[3] = {true, true, true};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "tail_account() must return a row");
	desc = BlessTupleDesc(desc);
	totals_only(totals, account_kind_of(PG_GETARG_DATUM(0)), id_of_datum(PG_GETARG_DATUM(1), false));
	line_read_tail(totals_visit, totals);

	/* by its number, by its name, or by both */
	hash_seq_init(&scan, totals->activities);
	while ((activity = hash_seq_search(&scan)) != NULL)
	{
		earliest(&values[0], &nulls[0], activity->named_at);
		if (!activity->active)
			continue;
		earliest(&values[1], &nulls[1], activity->first_at);
		if (nulls[2] || activity->last_at > DatumGetTimestampTz(values[2]))
			values[2] = TimestampTzGetDatum(activity->last_at);
		nulls[2] = false;
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

static bool
count_row(const LineRow *row, void *context)
{
	(*(int64 *) context)++;
	return true;
}

/* tail_events(): how many rows and edges are recorded and not yet folded */
Datum
tail_events(PG_FUNCTION_ARGS)
{
	int64		events = 0;

	line_read_tail(count_row, &events);
	line_read_tail_edges(count_row, &events);
	PG_RETURN_INT64(events);
}

/* tail_unpriced(): how many requests of mainnet among them had no price */
Datum
tail_unpriced(PG_FUNCTION_ARGS)
{
	Totals	   *totals;

	if (!rules_charge(rules_current()))
		PG_RETURN_INT64(0);
	totals = totals_create(GRAIN_MONTH, false);
	totals->watch_prices = true;
	line_read_tail(totals_visit, totals);
	PG_RETURN_INT64(totals->unpriced);
}
