/*
 * verify.c
 *		Recomputes rows from the rules they knew and tells those that differ.
 *
 * A change made while a row was being recorded may or may not have been known
 * to it (see Change in rules.h).  A row that differs from what it should be
 * with all it may have known is tried with fewer of those changes: rules, facts
 * of its model and of its accounts and statuses in the order they were made, and
 * each chain ending at an edge in doubt.  Only if no way gives the row as it stands is it
 * reported.
 */
#include "postgres.h"

#include "accounts.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "models.h"
#include "reward.h"
#include "storage/lmgr.h"
#include "stream.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(verify_rows);
PG_FUNCTION_INFO_V1(show_step);

static StreamQuery rows_query = {
	.text = "select " USAGE_COLUMN_LIST
	" from rewards.usage_logs"
	" where ($1 is null or created_at >= $1) and ($2 is null or created_at < $2)"
	" and id not in (select usage_id from rewards.unrated_usage)",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, TIMESTAMPTZOID},
	.custom = true
};

/* changes that a row may or may not have known, the latest first */
static StreamQuery rule_cuts_query = {
	.text = "select distinct seen_from from rewards.rule"
	" where seen_from < $1 and (sure_from is null or sure_from >= $1)"
	" order by 1 desc limit 1000",
	.nargs = 1,
	.types = {INT8OID}
};
static StreamQuery model_cuts_query = {
	.text = "select distinct seen_from from rewards.model_fact"
	" where seen_from < $1 and (sure_from is null or sure_from >= $1) and model = $2"
	" order by 1 desc limit 1000",
	.nargs = 2,
	.types = {INT8OID, TEXTOID}
};
static StreamQuery account_cuts_query = {
	.text = "select distinct seen_from from rewards.account_fact"
	" where seen_from < $1 and (sure_from is null or sure_from >= $1) and account = $2 and fact = $3"
	" order by 1 desc limit 1000",
	.nargs = 3,
	.types = {INT8OID, INT8OID, TEXTOID}
};

static StreamQuery status_cuts_query = {
	.text = "select distinct seen_from from rewards.account_status"
	" where seen_from < $1 and (sure_from is null or sure_from >= $1) and account = any ($2)"
	" order by 1 desc limit 1000",
	.nargs = 2,
	.types = {INT8OID, INT8ARRAYOID}
};

typedef struct RowCheck
{
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
	reward->creator_earnings, reward->charge.cost};

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

/* the first column that is not what an event makes of it by as_of, or NULL */
static const char *
check_row(const Datum *values, const bool *nulls, const AsOf *as_of, Reward *reward)
{
	UsageEvent	event;

	event_read(&event, values, nulls);
	reward_compute(rules_current(), &event, as_of, reward);
	return reward_difference(values, nulls, reward);
}

static AsOf
as_of_values(const Datum *values)
{
	return as_of_row(DatumGetTimestampTz(values[COLUMN_CREATED_AT]),
					 DatumGetInt64(values[COLUMN_ID]));
}

static bool
visit_row(TupleTableSlot *slot, void *context)
{
	RowCheck   *rows = (RowCheck *) context;
	AsOf		as_of = as_of_values(slot->tts_values);
	Reward		reward;

	if (check_row(slot->tts_values, slot->tts_isnull, &as_of, &reward) != NULL)
	{
		MemoryContext previous = MemoryContextSwitchTo(rows->keep);

		rows->doubtful = lappend(rows->doubtful, ExecCopySlotHeapTuple(slot));
		if (rows->desc == NULL)
			rows->desc = CreateTupleDescCopy(slot->tts_tupleDescriptor);
		MemoryContextSwitchTo(previous);
	}
	return true;
}

/* where the cut of one sort of changes may lie */
typedef struct Cuts
{
	int			count;
	int64	   *at;
} Cuts;

/* the number itself, then where the cut may lie below it; nulls: as for SPI */
static Cuts
possible_cuts(StreamQuery *query, Datum *args, const char *nulls)
{
	Cuts		cuts = {1};

	if (SPI_execute_plan(stream_plan(query), args, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read changes");
	cuts.at = palloc((SPI_processed + 1) * sizeof(int64));
	cuts.at[0] = DatumGetInt64(args[0]);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		cuts.at[cuts.count++] = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
															SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	return cuts;
}

/* adds an account and those above it, as far as shares go */
static int
add_chain(const Account *earner, const AsOf *as_of, Datum *numbers, int count)
{
	Account		account = *earner;

	for (int level = 0; level <= MAX_LEVELS && account.number != ACCOUNT_SELF; level++)
	{
		numbers[count++] = Int64GetDatum(account.number);
		account = account_referrer(&account, as_of);
	}
	return count;
}

/* all accounts whose status matters for a row, as an array */
static Datum
accounts_of_row(const Datum *values, const Reward *full)
{
	AsOf		as_of = as_of_values(values);
	Datum		numbers[2 * (MAX_LEVELS + 1)];
	int			count = add_chain(&full->user, &as_of, numbers, 0);

	count = add_chain(&full->provider, &as_of, numbers, count);
	return PointerGetDatum(construct_array(numbers, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* the same for each sort of changes that the row at hand may have known */
static void
possible_cuts_of_row(const Datum *values, const bool *nulls, const Reward *full, Cuts *cuts)
{
	const int64 accounts[] = {full->user.number, full->provider.number};
	Datum		args[3] = {values[COLUMN_ID], values[COLUMN_MODEL]};

	cuts[CUT_RULES] = possible_cuts(&rule_cuts_query, args, NULL);
	/* what has no model knew no facts of one */
	cuts[CUT_MODEL] = possible_cuts(&model_cuts_query, args, nulls[COLUMN_MODEL] ? " n" : NULL);
	args[1] = accounts_of_row(values, full);
	cuts[CUT_STATUS] = possible_cuts(&status_cuts_query, args, NULL);
	for (int i = CUT_USER_MULTIPLIER; i <= CUT_PROVIDER_STREAK; i++)
	{
		int			place = i - CUT_USER_MULTIPLIER;

		args[1] = Int64GetDatum(accounts[place % 2]);
		args[2] = CStringGetTextDatum(standing_name(place / 2));
		cuts[i] = possible_cuts(&account_cuts_query, args, NULL);
	}
}

/* the whole chain, then each length at which an edge in doubt may end it */
static int
possible_lengths(const Account *earner, const AsOf *as_of, int *lengths)
{
	Account		account = *earner;
	int			count = 1;

	lengths[0] = MAX_LEVELS;
	for (int level = 0; level < MAX_LEVELS && account.edge.referrer != 0; level++)
	{
		if (change_in_doubt(&account.edge.change, as_of))
			lengths[count++] = level;
		account = account_referrer(&account, as_of);
	}
	return count;
}

/* whether some way of shortening the chains explains the row */
static bool
chains_explain(const Datum *values, const bool *nulls, AsOf as_of, const Reward *full)
{
	int			provider[MAX_LEVELS + 1];
	int			user[MAX_LEVELS + 1];
	int			providers = possible_lengths(&full->provider, &as_of, provider);
	int			users = possible_lengths(&full->user, &as_of, user);
	Reward		attempt;

	for (int i = 0; i < providers; i++)
		for (int j = 0; j < users; j++)
		{
			as_of.chain_limit[KIND_PROVIDER] = provider[i];
			as_of.chain_limit[KIND_USER] = user[j];
			if (check_row(values, nulls, &as_of, &attempt) == NULL)
				return true;
		}
	return false;
}

/* whether some cut of this and the following sorts explains the row */
static bool
cuts_explain(const Datum *values, const bool *nulls, AsOf *as_of, const Cuts *cuts, int sort,
			 const Reward *full)
{
	if (sort == CUTS)
		return chains_explain(values, nulls, *as_of, full);
	for (int i = 0; i < cuts[sort].count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		as_of->cuts[sort] = cuts[sort].at[i];
		if (cuts_explain(values, nulls, as_of, cuts, sort + 1, full))
			return true;
	}
	return false;
}

/* the first difference if there is no way to explain the row, or NULL */
static const char *
unexplained(const Datum *values, const bool *nulls, Reward *reward)
{
	AsOf		as_of = as_of_values(values);
	const char *difference = check_row(values, nulls, &as_of, reward);
	MemoryContext attempts;
	MemoryContext previous;
	Cuts		cuts[CUTS];
	bool		explained;

	possible_cuts_of_row(values, nulls, reward, cuts);
	attempts = AllocSetContextCreate(CurrentMemoryContext, "rewards attempts", ALLOCSET_DEFAULT_SIZES);
	previous = MemoryContextSwitchTo(attempts);
	explained = cuts_explain(values, nulls, &as_of, cuts, 0, reward);
	MemoryContextSwitchTo(previous);
	MemoryContextDelete(attempts);
	return explained ? NULL : difference;
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
	accounts_remember();
	models_forget();
	standing_forget();

	SPI_connect();
	rows.keep = CurrentMemoryContext;
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

/*
 * show_step(verification, previous, step): a lock tells other sessions at which
 * step verify() is, which no row of it could do before it commits.  It is of a kind
 * that nobody waits for, also on a standby.
 */
Datum
show_step(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	int32		previous = PG_GETARG_INT32(1);
	int32		step = PG_GETARG_INT32(2);

	if (step > 0)
		LockDatabaseObject(table, (Oid) step, 0, AccessShareLock);
	if (previous > 0)
		UnlockDatabaseObject(table, (Oid) previous, 0, AccessShareLock);
	PG_RETURN_VOID();
}
