/*
 * attendance.c
 *		How many users were there on which days, in which weeks and months, and for how
 *		many weeks after their first.
 *
 * A user was there on a day on which it had a successful request.  What is kept
 * are changes by day: a user counts as one of a window of 7 or 30 days from a day on
 * which it was there until the window's length later, or until the next such day, from
 * which on it counts by that.  So running sums tell, for each day, the distinct users
 * of the window that ends with it.  A cohort are the users whose first day lies in a
 * week, which begins on Monday; it counts who of them was there so many weeks later.
 *
 * When days are added to an account's, its part in all this is taken out as it was
 * and put in as it is.  New days mostly come after those known, so that the last known
 * day is all that has to be looked at; else all days of the account are read.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "accounts.h"
#include "attendance.h"
#include "batch.h"
#include "byte_hash.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "keyed.h"
#include "line.h"
#include "miscadmin.h"
#include "reader.h"
#include "rules.h"
#include "streak.h"
#include "totals.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(tail_attendance);
PG_FUNCTION_INFO_V1(tail_cohorts);

/* columns of rewards.attendance; the first is the key */
enum
{
	DAY_DAY,
	DAY_USERS,
	DAY_WEEK_CHANGE,
	DAY_MONTH_CHANGE,
	DAY_NEW_USERS,
	DAY_COLUMNS
};
#define DAY_COUNTS (DAY_COLUMNS - 1)

/* columns of rewards.cohort; the first two are the key */
enum
{
	COHORT_COHORT,
	COHORT_WEEK,
	COHORT_USERS,
	COHORT_COLUMNS
};

typedef struct DayLine
{
	DateADT		day;
	int64		counts[DAY_COUNTS]; /* by column, less one */
} DayLine;

typedef struct CohortKey
{
	DateADT		cohort;			/* a Monday */
	int32		week;			/* so many weeks later */
} CohortKey;

typedef struct CohortLine
{
	CohortKey	key;
	int64		users;
} CohortLine;

struct Attendance
{
	MemoryContext scratch;		/* for one account */
	HTAB	   *days;			/* DayLine */
	HTAB	   *cohorts;		/* CohortLine */
};

Attendance *
attendance_create(void)
{
	Attendance *attendance = palloc(sizeof(Attendance));

	attendance->scratch = AllocSetContextCreate(CurrentMemoryContext, "rewards attendance",
												ALLOCSET_DEFAULT_SIZES);
	attendance->days = byte_hash(CurrentMemoryContext, "attendance", sizeof(DateADT), sizeof(DayLine));
	attendance->cohorts = byte_hash(CurrentMemoryContext, "cohorts", sizeof(CohortKey), sizeof(CohortLine));
	return attendance;
}

/* ---- adding ---- */

static void
change_day(Attendance *attendance, DateADT day, int column, int change)
{
	bool		found;
	DayLine    *line = hash_search(attendance->days, &day, HASH_ENTER, &found);

	if (!found)
		memset(line->counts, 0, sizeof(line->counts));
	line->counts[column - 1] += change;
}

static DateADT
monday_of(DateADT day)
{
	return day - (j2day(day + POSTGRES_EPOCH_JDATE) + 6) % 7;
}

static void
change_cohort(Attendance *attendance, DateADT first_day, DateADT monday, int change)
{
	CohortKey	key = {monday_of(first_day)};
	CohortLine *line;
	bool		found;

	key.week = (monday - key.cohort) / 7;
	line = hash_search(attendance->cohorts, &key, HASH_ENTER, &found);
	if (!found)
		line->users = 0;
	line->users += change;
}

/* what an account with these days, ascending, adds to windows and its cohort; change: 1 or -1 */
static void
count_days(Attendance *attendance, DateADT first_day, const DateADT *days, int count, int change)
{
	DateADT		monday = 0;

	for (int i = 0; i < count; i++)
	{
		DateADT		next = i + 1 < count ? days[i + 1] : PG_INT32_MAX;

		change_day(attendance, days[i], DAY_WEEK_CHANGE, change);
		change_day(attendance, Min(days[i] + 7, next), DAY_WEEK_CHANGE, -change);
		change_day(attendance, days[i], DAY_MONTH_CHANGE, change);
		change_day(attendance, Min(days[i] + 30, next), DAY_MONTH_CHANGE, -change);
		if (i == 0 || monday_of(days[i]) != monday)
		{
			monday = monday_of(days[i]);
			change_cohort(attendance, first_day, monday, change);
		}
	}
}

/* all days, ascending, of two such lists; counts those that are only in the second as new */
static int
merge_days(Attendance *attendance, const DateADT *known, int nknown,
		   const DateADT *days, int count, DateADT *merged)
{
	int			nmerged = 0;

	for (int i = 0, j = 0; i < nknown || j < count; nmerged++)
	{
		bool		is_known = j == count || (i < nknown && known[i] <= days[j]);

		merged[nmerged] = is_known ? known[i] : days[j];
		if (!is_known)
			change_day(attendance, days[j], DAY_USERS, 1);
		if (j < count && days[j] == merged[nmerged])
			j++;
		if (is_known)
			i++;
	}
	return nmerged;
}

/*
 * Adds days of an account, ascending, of which some may be known.  Needs SPI, and
 * totals as they are without the rows that bring these days.
 */
void
attendance_add(Attendance *attendance, const Attendee *attendee, const DateADT *days, int count)
{
	MemoryContext previous;
	DateADT		last = attendee->last_day;
	DateADT		first_known = attendee->first_day;
	DateADT    *known = &last;
	DateADT    *merged;
	int			nknown = attendee->known ? 1 : 0;
	int			nmerged;

	if (count == 0)
		return;
	previous = CurrentMemoryContext;
	if (attendee->known && days[0] < last)
	{
		nknown = known_days(attendee->account, &known);
		first_known = nknown > 0 ? known[0] : 0;
	}
	MemoryContextSwitchTo(attendance->scratch); /* SPI has left its own */
	merged = palloc((Size) (nknown + count) * sizeof(DateADT));
	nmerged = merge_days(attendance, known, nknown, days, count, merged);
	if (nmerged > nknown)
	{
		DateADT		first = nknown > 0 ? Min(first_known, merged[0]) : merged[0];

		count_days(attendance, first_known, known, nknown, -1);
		count_days(attendance, first, merged, nmerged, 1);
		if (nknown > 0)
			change_day(attendance, first_known, DAY_NEW_USERS, -1);
		change_day(attendance, first, DAY_NEW_USERS, 1);
	}
	if (known != &last)
		pfree(known);
	MemoryContextSwitchTo(previous);
	MemoryContextReset(attendance->scratch);
}

/* ---- writing ---- */

static int
compare_days(const void *left, const void *right)
{
	DateADT		a = ((const DayLine *) left)->day;
	DateADT		b = ((const DayLine *) right)->day;

	return (a > b) - (a < b);
}

static int
compare_cohorts(const void *left, const void *right)
{
	const CohortKey *a = &((const CohortLine *) left)->key;
	const CohortKey *b = &((const CohortLine *) right)->key;

	if (a->cohort != b->cohort)
		return a->cohort < b->cohort ? -1 : 1;
	return (a->week > b->week) - (a->week < b->week);
}

/* the entries of a hash table, in order */
static void *
sort_entries(HTAB *table, Size size, int (*compare) (const void *, const void *), int *count)
{
	char	   *entries = palloc_extended((hash_get_num_entries(table) + 1) * size, MCXT_ALLOC_HUGE);
	HASH_SEQ_STATUS scan;
	void	   *entry;

	*count = 0;
	hash_seq_init(&scan, table);
	while ((entry = hash_seq_search(&scan)) != NULL)
		memcpy(entries + (*count)++ * size, entry, size);
	qsort(entries, *count, size, compare);
	return entries;
}

/* adds to a row, or makes it; the values from nkeys on are counts */
static void
add_counts(KeyedTable *table, Datum *values, int nkeys, int columns)
{
	Datum		old_values[DAY_COLUMNS];
	bool		nulls[DAY_COLUMNS];
	HeapTuple	old = keyed_find(table, values);

	if (old)
	{
		heap_deform_tuple(old, RelationGetDescr(table->heap), old_values, nulls);
		for (int i = nkeys; i < columns; i++)
			values[i] = Int64GetDatum(DatumGetInt64(values[i]) + DatumGetInt64(old_values[i]));
	}
	keyed_write(table, old, values);
}

static void
write_days(Attendance *attendance)
{
	KeyedTable	table;
	int			count;
	DayLine    *lines = sort_entries(attendance->days, sizeof(DayLine), compare_days, &count);

	keyed_open(&table, TABLE_ATTENDANCE, INDEX_ATTENDANCE, DAY_COLUMNS, true);
	for (int i = 0; i < count; i++)
	{
		Datum		values[DAY_COLUMNS] = {DateADTGetDatum(lines[i].day)};
		bool		changes = false;

		for (int j = 0; j < DAY_COUNTS; j++)
		{
			values[j + 1] = Int64GetDatum(lines[i].counts[j]);
			changes |= lines[i].counts[j] != 0;
		}
		if (changes)
			add_counts(&table, values, DAY_USERS, DAY_COLUMNS);
	}
	keyed_close(&table);
}

static void
write_cohorts(Attendance *attendance)
{
	KeyedTable	table;
	int			count;
	CohortLine *lines = sort_entries(attendance->cohorts, sizeof(CohortLine), compare_cohorts, &count);

	keyed_open(&table, TABLE_COHORT, INDEX_COHORT, COHORT_COLUMNS, true);
	for (int i = 0; i < count; i++)
	{
		Datum		values[COHORT_COLUMNS] = {
			DateADTGetDatum(lines[i].key.cohort), Int32GetDatum(lines[i].key.week), Int64GetDatum(lines[i].users)
		};

		if (lines[i].users != 0)
			add_counts(&table, values, COHORT_USERS, COHORT_COLUMNS);
	}
	keyed_close(&table);
}

/* adds what was added up to the tables; inside SPI, by who holds the cursor */
void
attendance_write(Attendance *attendance)
{
	/* tables that install() has not brought to this version yet it will fill then */
	if (!catalog_has(TABLE_COHORT))
		return;
	PushActiveSnapshot(GetLatestSnapshot());
	write_days(attendance);
	write_cohorts(attendance);
	PopActiveSnapshot();
}

/* ---- reading ---- */

/* a user's day in the tail */
typedef struct Visit
{
	int64		account;		/* number, or key of a name */
	DateADT		day;
} Visit;

static int
compare_visits(const void *left, const void *right)
{
	const Visit *a = (const Visit *) left;
	const Visit *b = (const Visit *) right;

	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	return (a->day > b->day) - (a->day < b->day);
}

/* who was there when, by account and day, each once */
static Visit *
collect_visits(const Totals *totals, int *count)
{
	Visit	   *visits = palloc_extended((hash_get_num_entries(totals->totals) + 1) * sizeof(Visit),
										 MCXT_ALLOC_HUGE);
	/* who came by name may come by number, too */
	int64	   *keys = totals_name_keys(totals);
	HASH_SEQ_STATUS scan;
	Total	   *total;
	int			kept = 0;

	*count = 0;
	hash_seq_init(&scan, totals->totals);
	while ((total = hash_seq_search(&scan)) != NULL)
	{
		int64		account = total->key.account;

		if (total->key.unit != UNIT_POINTS || total->key.entry != ENTRY_USAGE || total->events <= 0)
			continue;
		visits[(*count)++] = (Visit) {account < 0 ? keys[NAME_PLACE(account)] : account, total->key.period};
	}
	qsort(visits, *count, sizeof(Visit), compare_visits);
	for (int i = 0; i < *count; i++)
		if (kept == 0 || compare_visits(&visits[kept - 1], &visits[i]) != 0)
			visits[kept++] = visits[i];
	*count = kept;
	return visits;
}

/* where the accounts of visits stand, one each, in order; needs SPI */
static Attendee *
read_attendees(const Visit *visits, int count, int *nattendees)
{
	static const Oid types[] = {INT8OID};
	Batch		batch = batch_create(lengthof(types), types, count);
	Attendee   *attendees = palloc_extended((count + 1) * sizeof(Attendee), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint64		rows;

	*nattendees = 0;
	for (int i = 0; i < count; i++)
		if (i == 0 || visits[i].account != visits[i - 1].account)
		{
			attendees[(*nattendees)++].account = visits[i].account;
			batch.columns[0][batch.count++] = Int64GetDatum(visits[i].account);
		}
	rows = batch_read(&batch, "select n.place, v.first_at, v.last_day from unnest($1) with ordinality n(account, place)"
					  " cross join lateral (select v.first_at, v.last_day"
					  "  from rewards.activity v where v.account = n.account and v.requests > 0 offset 0) v");
	for (uint64 i = 0; i < rows; i++)
	{
		Datum		values[3];
		bool		nulls[3];
		Attendee   *attendee;

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values, nulls);
		attendee = &attendees[DatumGetInt64(values[0]) - 1];
		attendee->known = true;
		attendee->first_day = local_day(DatumGetTimestampTz(values[1]));
		attendee->last_day = DatumGetDateADT(values[2]);
	}
	return attendees;
}

/* how what is recorded and not yet folded changes attendance; nothing for a limited reader */
static Attendance *
read_tail(FunctionCallInfo fcinfo)
{
	Reader		reader = reader_current(fcinfo);
	Totals	   *totals = totals_create(GRAIN_DAY, false);
	Attendance *attendance = attendance_create();
	RoleSwitch	caller;
	Visit	   *visits;
	Attendee   *attendees;
	DateADT    *days;
	int			count;
	int			nattendees;

	InitMaterializedSRF(fcinfo, 0);
	if (reader.limited)
		return attendance;
	caller = become_owner(fcinfo);
	totals_add_tail(totals);
	SPI_connect();
	visits = collect_visits(totals, &count);
	attendees = read_attendees(visits, count, &nattendees);
	days = palloc_extended((count + 1) * sizeof(DateADT), MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
		days[i] = visits[i].day;
	for (int i = 0, from = 0, to; i < nattendees; i++, from = to)
	{
		CHECK_FOR_INTERRUPTS();
		for (to = from; to < count && visits[to].account == attendees[i].account; to++)
			;
		attendance_add(attendance, &attendees[i], days + from, to - from);
	}
	SPI_finish();
	become_caller(&caller);
	return attendance;
}

/*
 * tail_attendance() returns setof (day, users, week_change, month_change, new_users):
 * what the tail adds to rewards.attendance.
 */
Datum
tail_attendance(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Attendance *attendance = read_tail(fcinfo);
	HASH_SEQ_STATUS scan;
	DayLine    *line;

	hash_seq_init(&scan, attendance->days);
	while ((line = hash_seq_search(&scan)) != NULL)
	{
		Datum		values[DAY_COLUMNS] = {DateADTGetDatum(line->day)};
		bool		nulls[DAY_COLUMNS] = {0};

		for (int i = 0; i < DAY_COUNTS; i++)
			values[i + 1] = Int64GetDatum(line->counts[i]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* tail_cohorts() returns setof (cohort, week, users): what the tail adds to rewards.cohort */
Datum
tail_cohorts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Attendance *attendance = read_tail(fcinfo);
	HASH_SEQ_STATUS scan;
	CohortLine *line;

	hash_seq_init(&scan, attendance->cohorts);
	while ((line = hash_seq_search(&scan)) != NULL)
	{
		Datum		values[COHORT_COLUMNS] = {
			DateADTGetDatum(line->key.cohort), Int32GetDatum(line->key.week), Int64GetDatum(line->users)
		};
		bool		nulls[COHORT_COLUMNS] = {0};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
