/*
 * verify.c
 *		Recomputes rows from the rules they knew and tells those that differ.
 *
 * A change made while a row was being recorded may or may not have been known
 * to it (see Change in rules.h).  A row that differs from what it should be
 * with all it may have known is tried again with fewer of those changes, down
 * to none; only if no way gives the row as it stands is it reported.
 */
#include "postgres.h"

#include "accounts.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "models.h"
#include "reward.h"
#include "stream.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(verify_rows);

static StreamQuery rows_query = {
	.text = "select " USAGE_COLUMN_LIST
	" from rewards.usage_logs"
	" where ($1 is null or created_at >= $1) and ($2 is null or created_at < $2)",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, TIMESTAMPTZOID}
};

/* changes that a row may or may not have known, the latest first */
static const char *const cuts_query =
	"select distinct seen_from from ("
	" select seen_from, sure_from from rewards.rule"
	" union all select seen_from, sure_from from rewards.edge"
	" union all select seen_from, sure_from from rewards.model_fact) c"
	" where seen_from < $1 and (sure_from is null or sure_from >= $1)"
	" order by 1 desc limit 1000";

typedef struct RowCheck
{
	MemoryContext scratch;		/* emptied after each row */
	MemoryContext keep;
	List	   *doubtful;		/* tuples that differ at the first try */
	TupleDesc	desc;
} RowCheck;

/* a share that the row could not yet name is the computed one's own account */
static bool
same_share(const Share *stored, const Share *computed)
{
	return stored->entry == computed->entry
		&& stored->level == computed->level
		&& stored->amount == computed->amount
		&& (stored->account == computed->account
			|| (stored->account == ACCOUNT_SELF
				&& (stored->entry == ENTRY_WORK || stored->entry == ENTRY_USAGE)));
}

static bool
same_shares(const Distribution *stored, const Distribution *computed)
{
	ShareReader left = distribution_reader(stored);
	ShareReader right = distribution_reader(computed);
	Share		a;
	Share		b;

	while (distribution_next(&left, &a))
		if (!distribution_next(&right, &b) || !same_share(&a, &b))
			return false;
	return !distribution_next(&right, &b);
}

static bool
same_text(Datum value, bool isnull, const char *computed)
{
	Id			stored = id_of_datum(value, isnull);

	if (stored.text == NULL || computed == NULL)
		return stored.text == NULL && computed == NULL;
	return stored.len == (int) strlen(computed) && memcmp(stored.text, computed, stored.len) == 0;
}

static bool
same_amount(Datum value, bool isnull, Amount computed)
{
	return !isnull
		&& DatumGetBool(DirectFunctionCall2(numeric_eq, value,
											NumericGetDatum(amount_to_numeric(computed))));
}

/* the name of the first column that differs from the computed reward, or NULL */
static const char *
reward_difference(const Datum *values, const bool *nulls, const Reward *reward)
{
	const Amount amounts[] = {reward->provider_points, reward->user_points,
	reward->creator_earnings, reward->cost};

	if (!same_text(values[COLUMN_SERVICE], nulls[COLUMN_SERVICE], reward->service))
		return usage_column_names[COLUMN_SERVICE];
	if (!same_text(values[COLUMN_TIER], nulls[COLUMN_TIER], reward->tier))
		return usage_column_names[COLUMN_TIER];
	for (int i = 0; i < lengthof(amounts); i++)
		if (!same_amount(values[COLUMN_PROVIDER_POINTS + i], nulls[COLUMN_PROVIDER_POINTS + i], amounts[i]))
			return usage_column_names[COLUMN_PROVIDER_POINTS + i];
	if (nulls[COLUMN_DISTRIBUTION]
		|| !same_shares((Distribution *) PG_DETOAST_DATUM_PACKED(values[COLUMN_DISTRIBUTION]),
						reward->distribution))
		return usage_column_names[COLUMN_DISTRIBUTION];
	return NULL;
}

/* what a row should be if it knew all changes below the cut */
static const char *
check_row(const Datum *values, const bool *nulls, int64 cut, Reward *reward)
{
	UsageEvent	event;
	AsOf		as_of;

	event_read(&event, values, nulls);
	as_of.at = event.created_at;
	as_of.number = event.number;
	as_of.cut = cut;
	reward_compute(&event, &as_of, reward);
	return reward_difference(values, nulls, reward);
}

static bool
visit_row(TupleTableSlot *slot, void *context)
{
	RowCheck   *rows = (RowCheck *) context;
	MemoryContext previous = MemoryContextSwitchTo(rows->scratch);
	Reward		reward;

	if (check_row(slot->tts_values, slot->tts_isnull,
				  DatumGetInt64(slot->tts_values[COLUMN_ID]), &reward) != NULL)
	{
		MemoryContextSwitchTo(rows->keep);
		rows->doubtful = lappend(rows->doubtful, ExecCopySlotHeapTuple(slot));
		if (rows->desc == NULL)
			rows->desc = CreateTupleDescCopy(slot->tts_tupleDescriptor);
	}
	MemoryContextSwitchTo(previous);
	MemoryContextReset(rows->scratch);
	return true;
}

/* the first difference if there is no way to explain the row, or NULL */
static const char *
unexplained(const Datum *values, const bool *nulls, Reward *reward)
{
	Oid			types[1] = {INT8OID};
	Datum		args[1] = {values[COLUMN_ID]};
	Reward		attempt;
	const char *difference = check_row(values, nulls, DatumGetInt64(args[0]), reward);

	if (SPI_execute_with_args(cuts_query, 1, types, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read changes");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		cut = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

		if (check_row(values, nulls, DatumGetInt64(cut), &attempt) == NULL)
			return NULL;
	}
	return difference;
}

static const char *
distribution_text(Datum value, bool isnull)
{
	return isnull ? "null" : DatumGetCString(DirectFunctionCall1(distribution_out, value));
}

static void
report(FunctionCallInfo fcinfo, const Datum *row, const bool *row_nulls,
	   const char *difference, const Reward *reward)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[5];
	bool		nulls[5] = {0};

	values[0] = CStringGetTextDatum("row");
	values[1] = CStringGetTextDatum(psprintf("usage_logs %lld", (long long) DatumGetInt64(row[COLUMN_ID])));
	values[2] = CStringGetTextDatum(distribution_text(PointerGetDatum(reward->distribution), false));
	values[3] = CStringGetTextDatum(distribution_text(row[COLUMN_DISTRIBUTION], row_nulls[COLUMN_DISTRIBUTION]));
	values[4] = CStringGetTextDatum(psprintf("column %s is not what the rules give", difference));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * verify_rows(since, until) returns setof (part, subject, expected, found,
 * detail): rows with created_at in [since, until) that are not what the rules,
 * edges and owners they knew make of them.
 */
Datum
verify_rows(PG_FUNCTION_ARGS)
{
	RowCheck	rows = {0};
	Datum		range[2];
	bool		open_ended[2];
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	rules_forget();				/* posting may have settled changes meanwhile */
	accounts_forget();
	models_forget();

	SPI_connect();
	rows.keep = CurrentMemoryContext;
	rows.scratch = AllocSetContextCreate(CurrentMemoryContext, "rewards verify",
										 ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < 2; i++)
	{
		open_ended[i] = PG_ARGISNULL(i);
		range[i] = open_ended[i] ? (Datum) 0 : PG_GETARG_DATUM(i);
	}
	stream_rows(&rows_query, range, open_ended, visit_row, &rows);
	foreach(cell, rows.doubtful)
	{
		Datum		values[USAGE_COLUMNS];
		bool		nulls[USAGE_COLUMNS];
		Reward		reward;
		const char *difference;

		heap_deform_tuple((HeapTuple) lfirst(cell), rows.desc, values, nulls);
		difference = unexplained(values, nulls, &reward);
		if (difference)
			report(fcinfo, values, nulls, difference, &reward);
	}
	SPI_finish();
	return (Datum) 0;
}
