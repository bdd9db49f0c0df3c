/*
 * streak.c
 *		Runs of days on which an account was active: how long they are, what
 *		they multiply from the next day on, and the bonuses for them.
 *
 * A run goes on over days without activity as long as there are no more of them
 * than the setting streak_grace_days.  Its length is the number of its active
 * days.  How long a run is through a day is recorded as a fact of the account that
 * is valid from the next day until the run would be over, if some rule gives a
 * multiplier for that many days.
 *
 * What counts from tomorrow on is not signalled: no session has relied on
 * tomorrow yet (standing.c).  Since a transaction may commit long after it has
 * posted, that is looked at when it commits.
 */
#include "postgres.h"

#include "access/xact.h"
#include "batch.h"
#include "catalog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "streak.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/inval.h"
#include "utils/syscache.h"

/* 0001-01-01 */
#define YEAR_ONE		(1721426 - POSTGRES_EPOCH_JDATE)

/*
 * Sessions are told this much before a fact counts that they may not know of.  A
 * commit that takes longer from the look at the clock until it is visible, waiting
 * for a disk or a standby, would come too late for them.
 */
#define SIGNAL_AHEAD	(INT64CONST(10) * SECS_PER_MINUTE * USECS_PER_SEC)

/* a day, the run through it, how long that was before, and what makes it a day if new */
typedef struct DayRun
{
	Streak		run;
	int			before;
	const AsOf *as_of;
} DayRun;

/* an account was active through a day so many days in a row */
typedef struct StreakFact
{
	int64		account;		/* key, see totals.h */
	DateADT		day;
	int			length;
} StreakFact;

struct Streaks
{
	Bonuses    *bonuses;		/* NULL: none are granted */
	int			grace;
	int			lowest[2];		/* the shortest streak that a rule multiplies, by kind */
	StreakFact *facts;
	int			count;
	int			allocated;
};

/*
 * The first time that something recorded in this transaction counts.  It stays
 * when that is signalled: a subtransaction that rolls back takes its signal along.
 */
static TimestampTz counts_from = DT_NOEND;
static Oid	recorded_in = InvalidOid;	/* the table of facts it is in */

/* ---- telling others ---- */

static void
signal_until(TimestampTz at)
{
	/* uninstall() may have come in between */
	if (counts_from != DT_NOEND && counts_from <= at
		&& SearchSysCacheExists1(RELOID, ObjectIdGetDatum(recorded_in)))
		CacheInvalidateRelcacheByRelid(recorded_in);
}

static void
transaction_ends(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			signal_until(GetCurrentTimestamp() + SIGNAL_AHEAD);
			break;
		case XACT_EVENT_PRE_PREPARE:
			/* nobody knows when it commits */
			signal_until(counts_from);
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			counts_from = DT_NOEND;
			break;
		default:
			break;
	}
}

void
streaks_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
}

/* ---- what follows from a run ---- */

Streaks *
streaks_create(Bonuses *bonuses)
{
	Streaks    *streaks = palloc0(sizeof(Streaks));

	streaks->bonuses = bonuses;
	streaks->grace = atoi(rules_setting_now("streak_grace_days"));
	for (int kind = 0; kind < 2; kind++)
		streaks->lowest[kind] = rule_lowest_threshold(rules_current(), RULE_STREAK_MULTIPLIER, kind);
	streaks->allocated = 64;
	streaks->facts = palloc(streaks->allocated * sizeof(StreakFact));
	return streaks;
}

static void
note_fact(Streaks *streaks, const Runner *runner, DateADT day, int length)
{
	if (length < streaks->lowest[runner->kind])
		return;
	if (streaks->count == streaks->allocated)
		streaks->facts = repalloc_huge(streaks->facts, (streaks->allocated *= 2) * sizeof(StreakFact));
	streaks->facts[streaks->count++] = (StreakFact) {runner->account, day, length};
}

static void
write_date(char *text, DateADT day)
{
	struct pg_tm tm = {0};

	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	EncodeDateOnly(&tm, USE_ISO_DATES, text);
}

/*
 * The bonus for so many days, once a run: it is told by the run's first and last
 * day, and none is booked where the run has one.
 */
static void
note_bonus(Streaks *streaks, const Runner *runner, int length, DateADT since, DateADT last_day,
		   const AsOf *as_of)
{
	Feat		feat = {ENTRY_STREAK_BONUS, runner->kind, runner->account, length, NULL, *as_of};
	char		first[MAXDATELEN + 1];
	char		last[MAXDATELEN + 1];
	char		detail[2 * sizeof(first)];

	/* a day may be of year 1 in UTC and not here */
	if (streaks->bonuses == NULL || since < YEAR_ONE)
		return;
	write_date(first, since);
	write_date(last, last_day);
	snprintf(detail, sizeof(detail), "%s %s", first, last);
	feat.detail = detail;
	bonuses_add(streaks->bonuses, &feat);
}

/* ---- runs ---- */

/* the run that a day makes longer, or begins */
static void
run_on(Streak *run, DateADT day, int grace)
{
	if (run->length == 0 || day > run->last_day + 1 + grace)
	{
		run->length = 0;
		run->since = day;
	}
	run->length++;
	run->best = Max(run->best, run->length);
	run->last_day = day;
}

/* the days on which a registered account was active, as far as folded before; needs SPI */
int
known_days(int64 account, DateADT **days)
{
	Oid			types[1] = {INT8OID};
	Datum		args[1] = {Int64GetDatum(account)};
	int			count = 0;

	if (SPI_execute_with_args("select t.day from rewards.day_total t where t.account = $1"
							  " and t.unit = 1 and t.entry in (1, 2) and t.level = 0 and t.events > 0"
							  " union select u.day from rewards.uptime u where u.account = $1 and u.counted"
							  " order by 1", 1, types, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read days");
	*days = palloc((SPI_processed + 1) * sizeof(DateADT));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		(*days)[count++] = DatumGetDateADT(SPI_getbinval(SPI_tuptable->vals[i],
														 SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	return count;
}

/*
 * Bonuses for runs that are longer now than they were, told by their last day and
 * dated by the last event that came to the run up to the day in question.
 */
static void
note_bonuses(Streaks *streaks, const Runner *runner, DayRun *runs, int count)
{
	DateADT		last_day = 0;

	for (int i = 1; i < count; i++)
	{
		const AsOf *before = runs[i - 1].as_of;

		if (before && runs[i].run.since == runs[i - 1].run.since
			&& (runs[i].as_of == NULL || runs[i].as_of->number < before->number))
			runs[i].as_of = before;
	}
	for (int i = count - 1; i >= 0; i--)
	{
		if (i == count - 1 || runs[i].run.since != runs[i + 1].run.since)
			last_day = runs[i].run.last_day;
		if (runs[i].run.length != runs[i].before)
			note_bonus(streaks, runner, runs[i].run.length, runs[i].run.since, last_day,
					   runs[i].as_of);
	}
}

/*
 * Days that come late join or lengthen runs: every run is gone through again, as
 * it was without them and as it is with them.
 */
static void
fit_in(Streaks *streaks, const Runner *runner, Streak *streak)
{
	DateADT    *known;
	int			nknown = known_days(runner->account, &known);
	DayRun	   *runs = palloc((nknown + runner->count) * sizeof(DayRun));
	Streak		before = {0};
	Streak		after = {.best = streak->best};
	int			count = 0;

	for (int i = 0, j = 0; i < nknown || j < runner->count; count++)
	{
		bool		is_known = j == runner->count || (i < nknown && known[i] <= runner->days[j].day);
		bool		is_late = i == nknown || (j < runner->count && runner->days[j].day <= known[i]);
		DateADT		day = is_known ? known[i++] : runner->days[j].day;

		if (is_known)
			run_on(&before, day, streaks->grace);
		run_on(&after, day, streaks->grace);
		runs[count].run = after;
		runs[count].before = is_known ? before.length : 0;
		runs[count].as_of = is_late ? &runner->days[j++].as_of : NULL;
		if (runs[count].before != after.length)
			note_fact(streaks, runner, day, after.length);
	}
	note_bonuses(streaks, runner, runs, count);
	*streak = after;
	pfree(runs);
	pfree(known);
}

/*
 * Adds the days of an account, ascending, to where it stands.
 */
void
streaks_add(Streaks *streaks, const Runner *runner, Streak *streak)
{
	if (streak->length > 0 && runner->count > 0 && runner->days[0].day < streak->last_day)
	{
		fit_in(streaks, runner, streak);
		return;
	}
	for (int i = 0; i < runner->count; i++)
	{
		const ActiveDay *day = &runner->days[i];

		if (streak->length > 0 && day->day == streak->last_day)
			continue;
		run_on(streak, day->day, streaks->grace);
		note_fact(streaks, runner, day->day, streak->length);
		note_bonus(streaks, runner, streak->length, streak->since, day->day, &day->as_of);
	}
}

/* ---- recording ---- */

/* records what multiplies from the next day on, and tells who may have to know */
void
streaks_record(Streaks *streaks, const int64 *numbers)
{
	static const Oid types[] = {INT8OID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Batch		batch = batch_create(lengthof(types), types, streaks->count);

	for (int i = 0; i < streaks->count; i++)
	{
		const StreakFact *fact = &streaks->facts[i];
		TimestampTz valid_from = day_start(fact->day + 1);

		batch.columns[0][i] = Int64GetDatum(number_of_key(fact->account, numbers));
		batch.columns[1][i] = Int32GetDatum(fact->length);
		batch.columns[2][i] = TimestampTzGetDatum(valid_from);
		batch.columns[3][i] = TimestampTzGetDatum(day_start(fact->day + 2 + streaks->grace));
		counts_from = Min(counts_from, valid_from);
	}
	batch.count = streaks->count;
	batch_execute(&batch, "insert into rewards.account_fact"
				  " (account, fact, number, valid_from, valid_until, seen_from, updated_by)"
				  " select account, 'streak', days, since, until, (select rewards.last_number()), 'posting'"
				  " from unnest($1, $2, $3, $4) f(account, days, since, until)");
	recorded_in = catalog_table(TABLE_ACCOUNT_FACT);
	if (batch.count > 0)
		signal_until(GetCurrentTimestamp() + SIGNAL_AHEAD);
}
