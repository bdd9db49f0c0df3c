/*
 * tail.c
 *		What is recorded and not yet folded, for the reading side.
 *
 * A read is totals + tail, both under the caller's snapshot: these functions
 * return the tail in the shape of the totals tables.  Accounts come by number
 * where the row knows it, else by kind and name.  Views call the first three with
 * their reader's rights: these return to a limited reader what is of its own account.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "reader.h"
#include "rules.h"
#include "totals.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(tail_totals);
PG_FUNCTION_INFO_V1(tail_models);
PG_FUNCTION_INFO_V1(tail_model_days);
PG_FUNCTION_INFO_V1(tail_uses);
PG_FUNCTION_INFO_V1(tail_referees);
PG_FUNCTION_INFO_V1(tail_accounts);
PG_FUNCTION_INFO_V1(tail_account);
PG_FUNCTION_INFO_V1(tail_state);
PG_FUNCTION_INFO_V1(tail_events);
PG_FUNCTION_INFO_V1(tail_unpriced);
PG_FUNCTION_INFO_V1(unpriced_rows);

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
 * Reads the tail of usage and journal as the extension's owner, of a limited
 * reader's account only.
 */
static void
read_for_view(FunctionCallInfo fcinfo, Totals *totals)
{
	Reader		reader = reader_current(fcinfo);
	RoleSwitch	caller;

	if (reader.limited && !reader.known)
		return;
	if (reader.limited)
		totals_only(totals, reader.kind, reader.name);
	caller = become_owner(fcinfo);
	totals_add_tail(totals);
	become_caller(&caller);
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

	InitMaterializedSRF(fcinfo, 0);
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		AccountKind kind = account_kind_of(PG_GETARG_DATUM(1));
		Id			name = id_of_datum(PG_GETARG_DATUM(2), false);
		Reader		reader = reader_current(fcinfo);

		reader_require(&reader, kind, name);
		totals_only(totals, kind, name);
	}
	read_for_view(fcinfo, totals);

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

static void
put_models(FunctionCallInfo fcinfo, bool daily)
{
	Totals	   *totals = totals_create(GRAIN_MONTH, false);
	HASH_SEQ_STATUS scan;
	ModelTotal *total;

	InitMaterializedSRF(fcinfo, 0);
	read_for_view(fcinfo, totals);

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
		values[5] = daily ? DateADTGetDatum(total->key.day) : TimestampTzGetDatum(total->first_at);
		values[6] = TimestampTzGetDatum(total->last_at);
		put_row(fcinfo, values, nulls);
	}
}

/*
 * tail_models() returns setof (owner, model, events, tokens, amount, first_at,
 * last_at); a model may come more than once
 */
Datum
tail_models(PG_FUNCTION_ARGS)
{
	put_models(fcinfo, false);
	return (Datum) 0;
}

/* tail_model_days() returns setof (owner, model, events, tokens, amount, day) */
Datum
tail_model_days(PG_FUNCTION_ARGS)
{
	put_models(fcinfo, true);
	return (Datum) 0;
}

/* LineVisitor */
static bool
put_use(const LineRow *row, void *context)
{
	ShareReader reader;
	Share		share;

	if (row->referee != 0 || row->unit != UNIT_OF_USAGE || row->model.text == NULL)
		return true;
	reader = distribution_reader(row->distribution);
	while (distribution_next(&reader, &share))
		if (share.entry == ENTRY_CREATOR)
		{
			Datum		values[5] = {
				Int64GetDatum(row->number),
				PointerGetDatum(cstring_to_text_with_len(row->model.text, row->model.len)),
				PointerGetDatum(cstring_to_text_with_len(row->user.text, row->user.len)),
				TimestampTzGetDatum(row->created_at), Int64GetDatum(share.account)
			};
			bool		nulls[5] = {0};

			put_row((FunctionCallInfo) context, values, nulls);
		}
	return true;
}

/* LineVisitor */
static bool
put_referee(const LineRow *row, void *context)
{
	Datum		values[2] = {Int64GetDatum(row->referee), Int64GetDatum(row->referrer)};
	bool		nulls[2] = {0};

	put_row((FunctionCallInfo) context, values, nulls);
	return true;
}

/* what is in the tail, or its edges, row by row; nothing for a limited reader */
static Datum
put_rows(FunctionCallInfo fcinfo, bool edges, LineVisitor put)
{
	Reader		reader = reader_current(fcinfo);
	RoleSwitch	caller;

	InitMaterializedSRF(fcinfo, 0);
	if (reader.limited)
		return (Datum) 0;
	caller = become_owner(fcinfo);
	if (edges)
		line_read_tail_edges(put, fcinfo);
	else
		line_read_tail(NULL, put, fcinfo);
	become_caller(&caller);
	return (Datum) 0;
}

/*
 * tail_uses() returns setof (id, model, user_id, created_at, owner): usage of models
 * that earned the owner something
 */
Datum
tail_uses(PG_FUNCTION_ARGS)
{
	return put_rows(fcinfo, false, put_use);
}

/* tail_referees() returns setof (referee, referrer): edges recorded and not yet folded */
Datum
tail_referees(PG_FUNCTION_ARGS)
{
	return put_rows(fcinfo, true, put_referee);
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
	read_for_view(fcinfo, totals);

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
	totals_add_tail(totals);

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
count_unpriced(const LineRow *row, void *context)
{
	if (row->unit == UNIT_OF_USAGE && is_unpriced(row))
		(*(int64 *) context)++;
	return true;
}

/* counts what is not yet folded, and what of it had no price; see line_read_start() */
static int64
count_tail(int64 *unpriced)
{
	bool		charged = rules_charge(rules_current());

	*unpriced = 0;
	return line_read_start(charged ? count_unpriced : NULL, unpriced);
}

/*
 * tail_state() returns (events, unpriced): how many rows and edges are recorded and not
 * yet folded, and how many requests of mainnet had no price among those that are
 * counted one by one
 */
Datum
tail_state(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	int64		unpriced;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "tail_state() must return a row");
	values[0] = Int64GetDatum(count_tail(&unpriced));
	values[1] = Int64GetDatum(unpriced);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* tail_events(), tail_unpriced(): the same one by one, for views of version 0.1.0 */
Datum
tail_events(PG_FUNCTION_ARGS)
{
	int64		unpriced;

	PG_RETURN_INT64(count_tail(&unpriced));
}

Datum
tail_unpriced(PG_FUNCTION_ARGS)
{
	int64		unpriced;

	count_tail(&unpriced);
	PG_RETURN_INT64(unpriced);
}

/* unpriced_rows(first, last): the same of the usage of some numbers */
Datum
unpriced_rows(PG_FUNCTION_ARGS)
{
	Stretch		numbers = {PG_GETARG_INT64(0), PG_GETARG_INT64(1)};
	int64		rows = 0;

	if (!rules_charge(rules_current()))
		PG_RETURN_INT64(0);
	SPI_connect();
	line_read(&numbers, 1, count_unpriced, &rows);
	SPI_finish();
	PG_RETURN_INT64(rows);
}
