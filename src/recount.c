/*
 * recount.c
 *		Usage rewarded again: by all that is recorded now, or by other rules.
 *
 * Each row gives lines, one for each account and entry: what was booked for it and
 * what is due.  Booked are the row's own shares and what earlier recounts added to
 * them; due is what reward.c makes of the event under the given rules, seeing
 * every edge, owner, multiplier and streak that is recorded.  What the event costs its
 * user is a line as well, without an entry.  Usage that was taken back has none.
 * Nothing is written here: rerate() books the differences, simulate() adds up.
 *
 * The rules are a set of our own, read once by the caller's snapshot: a setter that
 * commits meanwhile does not divide the rows.
 */
#include "postgres.h"

#include "accounts.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "models.h"
#include "reward.h"
#include "stream.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(rerate_rows);
PG_FUNCTION_INFO_V1(simulate_rows);

/* the columns after those of the table: what recounts have booked, as two arrays */
enum
{
	COLUMN_CORRECTIONS = USAGE_COLUMNS,
	COLUMN_CORRECTED_ENTRIES
};

static StreamQuery rows_query = {
	/* corrections are few beside the rows, or many: joined once, not looked up row by row */
	.text = "select " USAGE_COLUMN_LIST ", corrections, entries"
	" from rewards.usage_logs u left join ("
	"select j.reverses_id, array_agg(j.distribution) as corrections,"
	" array_agg(case split_part(j.cause, ' ', 2) when 'cost' then 0::smallint"
	" else rewards.entry_number(split_part(j.cause, ' ', 2)) end) as entries"
	" from rewards.journal j"
	" where j.reverses_source = 'usage_logs' and j.event = 'rerate'"
	" group by j.reverses_id"
	") j on j.reverses_id = u.id where u.created_at >= $1 and u.created_at < $2"
	" and not exists (select from rewards.journal r where r.reverses_source = 'usage_logs'"
	" and r.reverses_id = u.id and r.event = 'reversal')"
	/* what has been summed up stays as it is */
	" and not u.id <@ (select rewards.removed_numbers())",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, TIMESTAMPTZOID},
	.custom = true
};
static StreamQuery rules_query = {
	.text = "select * from rewards.simulated_rules($1, $2)",
	.nargs = 2,
	.types = {TEXTOID, JSONBOID}
};

/* what one account has and gets of one entry */
typedef struct Line
{
	int64		account;		/* ACCOUNT_SELF: the row's own, not registered */
	Entry		entry;			/* ENTRY_NONE: the cost */
	AmountSum	booked;
	AmountSum	due;
	int			corrections;	/* so many recounts booked something */
} Line;

/* sums by account and entry */
typedef struct SumEntry
{
	int64		key;			/* account and entry in one */
	AmountSum	booked;
	AmountSum	due;
	char		status;
} SumEntry;

#define SUM_KEY(line)	((line)->account * 16 + (int64) (line)->entry)
#define SUM_ACCOUNT(key) ((key) / 16)
#define SUM_OF_ENTRY(key) ((Entry) ((key) % 16))

StaticAssertDecl(ENTRY_LAST < 16, "an entry must fit into a key of sums");

#define SH_PREFIX sums
#define SH_ELEMENT_TYPE SumEntry
#define SH_KEY key
#include "int64_hash.h"

/* accounts by number, as results show them */
typedef struct NameEntry
{
	int64		number;
	AccountKind kind;
	char	   *name;
	char		status;
} NameEntry;

#define SH_PREFIX names
#define SH_ELEMENT_TYPE NameEntry
#define SH_KEY number
#include "int64_hash.h"

typedef struct Recount
{
	ReturnSetInfo *result;
	MemoryContext keep;
	const RuleSet *rules;
	names_hash *names;
	sums_hash  *sums;			/* NULL: report lines row by row */
	UsageEvent	event;			/* the row at hand, and its lines */
	Line	   *lines;
	int			nlines;
	int			allocated;
} Recount;

/* ---- a row's lines ---- */

static Line *
find_line(Recount *recount, int64 account, Entry entry)
{
	Line	   *line;

	for (int i = 0; i < recount->nlines; i++)
		if (recount->lines[i].account == account && recount->lines[i].entry == entry)
			return &recount->lines[i];
	if (recount->nlines == recount->allocated)
		recount->lines = repalloc(recount->lines, (recount->allocated *= 2) * sizeof(Line));
	line = memset(&recount->lines[recount->nlines++], 0, sizeof(Line));
	line->account = account;
	line->entry = entry;
	return line;
}

/* shares by the numbers that accounts have now: self is one of the row's own two */
static void
add_shares(Recount *recount, const Reward *reward, const Distribution *distribution, bool due)
{
	ShareReader reader = distribution_reader(distribution);
	Share		share;

	while (distribution_next(&reader, &share))
	{
		Line	   *line;

		if (share.account == ACCOUNT_SELF)
			share.account = share.entry == ENTRY_WORK ? reward->provider.number : reward->user.number;
		line = find_line(recount, share.account, share.entry);
		if (due)
			line->due += share.amount;
		else
			line->booked += share.amount;
	}
}

static void
add_cost(Recount *recount, const Reward *reward, Amount booked)
{
	Line	   *line;

	if (booked == 0 && reward->charge.cost == 0)
		return;
	line = find_line(recount, reward->user.number, ENTRY_NONE);
	line->booked += booked;
	line->due += reward->charge.cost;
}

/* each is one share, of the entry that it corrects */
static void
add_corrections(Recount *recount, Datum corrections, Datum entries)
{
	ArrayType  *array = DatumGetArrayTypeP(corrections);
	Datum	   *values;
	Datum	   *numbers;
	int			count;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &values, NULL, &count);
	deconstruct_array(DatumGetArrayTypeP(entries), INT2OID, sizeof(int16), true, TYPALIGN_SHORT,
					  &numbers, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		ShareReader reader = distribution_reader((Distribution *) PG_DETOAST_DATUM_PACKED(values[i]));
		Share		share;
		Line	   *line;

		if (!distribution_next(&reader, &share))
			continue;
		line = find_line(recount, share.account, (Entry) DatumGetInt16(numbers[i]));
		/* who is charged more has less */
		line->booked += line->entry == ENTRY_NONE ? -share.amount : share.amount;
		line->corrections++;
	}
}

/* the event as it would be recorded now: its character may have got a model since */
static void
read_event(UsageEvent *event, const Datum *values, const bool *nulls)
{
	event_read(event, values, nulls);
	if (event->model.text == NULL && event->character.text)
	{
		event->model = model_of_character(event->character);
		if (event->model.text)
			event->model.text = pnstrdup(event->model.text, event->model.len);
	}
}

static void
recount_row(Recount *recount, const Datum *values, const bool *nulls)
{
	AsOf		as_of;
	Reward		reward;

	if (nulls[COLUMN_DISTRIBUTION])
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the row has no distribution"),
				 errhint("It was written past the table's trigger; remove it the same way.")));
	read_event(&recount->event, values, nulls);
	as_of = as_of_all(recount->event.created_at);
	reward_compute(recount->rules, &recount->event, &as_of, &reward);

	recount->nlines = 0;
	add_shares(recount, &reward,
			   (Distribution *) PG_DETOAST_DATUM_PACKED(values[COLUMN_DISTRIBUTION]), false);
	if (!nulls[COLUMN_CORRECTIONS])
		add_corrections(recount, values[COLUMN_CORRECTIONS], values[COLUMN_CORRECTED_ENTRIES]);
	add_shares(recount, &reward, reward.distribution, true);
	add_cost(recount, &reward, amount_of_datum(values[COLUMN_COST]));
}

/* ---- what becomes of them ---- */

/* the columns of both functions; rerate_rows() has all of them */
enum
{
	OUT_KIND,
	OUT_ACCOUNT,
	OUT_ENTRY,
	OUT_BOOKED,
	OUT_DUE,
	OUT_USAGE_ID,
	OUT_CREATED_AT,
	OUT_NUMBER,
	OUT_CORRECTIONS,
	OUT_CORRECTION,
	OUT_COLUMNS
};

static const NameEntry *
name_of_number(Recount *recount, int64 number)
{
	bool		found;
	NameEntry  *entry = names_insert(recount->names, number, &found);

	if (!found)
	{
		MemoryContext previous = MemoryContextSwitchTo(recount->keep);

		entry->name = account_describe(number, &entry->kind);
		MemoryContextSwitchTo(previous);
	}
	return entry;
}

static void
put_names(Recount *recount, const Line *line, Datum *values)
{
	AccountKind kind = line->entry == ENTRY_WORK ? KIND_PROVIDER : KIND_USER;
	Id			own = kind == KIND_USER ? recount->event.user : recount->event.provider;
	const NameEntry *known = NULL;

	if (line->account != ACCOUNT_SELF)
	{
		known = name_of_number(recount, line->account);
		kind = known->kind;
	}
	values[OUT_KIND] = CStringGetTextDatum(account_kind_name(kind));
	values[OUT_ACCOUNT] = known ? CStringGetTextDatum(known->name)
		: PointerGetDatum(cstring_to_text_with_len(own.text, own.len));
}

/* the difference as the one share of an adjustment; to a registered account */
static Distribution *
correction_of(const Line *line)
{
	AmountSum	amount = line->entry == ENTRY_NONE ? line->booked - line->due : line->due - line->booked;
	StringInfoData building;
	Share		share = {ENTRY_ADJUSTMENT, 0, line->account, (Amount) amount};

	if (amount != (AmountSum) share.amount)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("correction is out of range"),
				 errhint("A share is at most 9223372036.854775807.")));
	distribution_begin(&building);
	distribution_add(&building, &share);
	return distribution_finish(&building);
}

static void
report_line(Recount *recount, const Line *line)
{
	Datum		values[OUT_COLUMNS];
	bool		nulls[OUT_COLUMNS] = {0};

	put_names(recount, line, values);
	values[OUT_ENTRY] = CStringGetTextDatum(line->entry == ENTRY_NONE ? "cost" : entry_name(line->entry));
	values[OUT_BOOKED] = NumericGetDatum(amount_sum_to_numeric(line->booked));
	values[OUT_DUE] = NumericGetDatum(amount_sum_to_numeric(line->due));
	values[OUT_USAGE_ID] = Int64GetDatum(recount->event.number);
	values[OUT_CREATED_AT] = TimestampTzGetDatum(recount->event.created_at);
	values[OUT_NUMBER] = Int64GetDatum(line->account);
	nulls[OUT_NUMBER] = line->account == ACCOUNT_SELF;
	values[OUT_CORRECTIONS] = Int32GetDatum(line->corrections);
	nulls[OUT_CORRECTION] = recount->sums || line->account == ACCOUNT_SELF;
	if (!nulls[OUT_CORRECTION])
		values[OUT_CORRECTION] = PointerGetDatum(correction_of(line));
	tuplestore_putvalues(recount->result->setResult, recount->result->setDesc, values, nulls);
}

/* who is not registered has few rows, which SQL adds up */
static void
add_up_line(Recount *recount, const Line *line)
{
	SumEntry   *sum;
	bool		found;

	if (line->account == ACCOUNT_SELF)
	{
		report_line(recount, line);
		return;
	}
	sum = sums_insert(recount->sums, SUM_KEY(line), &found);
	if (!found)
		sum->booked = sum->due = 0;
	sum->booked += line->booked;
	sum->due += line->due;
}

static void
report_sums(Recount *recount)
{
	sums_iterator scan;
	SumEntry   *sum;

	sums_start_iterate(recount->sums, &scan);
	while ((sum = sums_iterate(recount->sums, &scan)) != NULL)
	{
		Line		line = {SUM_ACCOUNT(sum->key), SUM_OF_ENTRY(sum->key), sum->booked, sum->due};

		CHECK_FOR_INTERRUPTS();
		report_line(recount, &line);
	}
}

static bool
visit_row(TupleTableSlot *slot, void *context)
{
	Recount    *recount = (Recount *) context;

	recount->event.number = DatumGetInt64(slot->tts_values[COLUMN_ID]);
	recount_row(recount, slot->tts_values, slot->tts_isnull);
	for (int i = 0; i < recount->nlines; i++)
	{
		const Line *line = &recount->lines[i];

		if (recount->sums)
			add_up_line(recount, line);
		else if (line->booked != line->due)
			report_line(recount, line);
	}
	return true;
}

/* ---- the calls ---- */

/* says which row it was that cannot be rewarded again */
static void
tell_row(void *context)
{
	const Recount *recount = (const Recount *) context;

	if (recount->event.number > 0)
		errcontext("row %lld of usage_logs", (long long) recount->event.number);
}

/* the rules in force, or those of a simulation; inside SPI */
static const RuleSet *
read_rules(Datum *args, const bool *nulls)
{
	char		null_flags[] = {nulls[0] ? 'n' : ' ', nulls[1] ? 'n' : ' ', '\0'};

	if (SPI_execute_plan(stream_plan(&rules_query), args, null_flags, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read rules");
	return rules_of_tuples(SPI_tuptable->vals, SPI_processed, SPI_tuptable->tupdesc);
}

static void
recount_rows(FunctionCallInfo fcinfo, Datum *rule_args, const bool *rule_nulls, bool add_up)
{
	Recount		recount = {0};
	Datum		range[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	ErrorContextCallback callback = {error_context_stack, tell_row, &recount};

	InitMaterializedSRF(fcinfo, 0);
	recount.result = (ReturnSetInfo *) fcinfo->resultinfo;
	SPI_connect();
	recount.keep = CurrentMemoryContext;
	recount.rules = read_rules(rule_args, rule_nulls);
	recount.names = names_create(recount.keep, 1024, NULL);
	if (add_up)
		recount.sums = sums_create(recount.keep, 1024, NULL);
	recount.allocated = 16;
	recount.lines = palloc(recount.allocated * sizeof(Line));

	error_context_stack = &callback;
	stream_rows(&rows_query, range, NULL, visit_row, &recount);
	error_context_stack = callback.previous;
	if (add_up)
		report_sums(&recount);
	SPI_finish();
}

/*
 * rerate_rows(since, until) returns setof (kind, account, entry, booked, now_due,
 * usage_id, created_at, account_number, corrections, correction): of usage with
 * created_at in [since, until) the lines for which more or less is due than booked.
 */
Datum
rerate_rows(PG_FUNCTION_ARGS)
{
	Datum		none[2] = {0};
	const bool	nulls[2] = {true, true};

	recount_rows(fcinfo, none, nulls, false);
	return (Datum) 0;
}

/*
 * simulate_rows(since, until, preset, changes) returns setof the same: the sums
 * over all that usage under simulated_rules(preset, changes), usage_id and
 * created_at without meaning.  An account may come several times.
 */
Datum
simulate_rows(PG_FUNCTION_ARGS)
{
	Datum		args[2] = {0};
	bool		nulls[2];

	for (int i = 0; i < 2; i++)
	{
		nulls[i] = PG_ARGISNULL(i + 2);
		if (!nulls[i])
			args[i] = PG_GETARG_DATUM(i + 2);
	}
	recount_rows(fcinfo, args, nulls, true);
	return (Datum) 0;
}
