/*
 * progress.c
 *		What accounts have done: first and last request, requests since they were
 *		referred, services, days in a row, onboarding.  What is new of it may bring a
 *		bonus.
 *
 * Rows come in order of their numbers.  Of each account the row of
 * rewards.activity is read when it first appears and written once at the end, where
 * it lay, so what happens for the first or the fiftieth time is seen as it happens.
 * Only who holds the cursor comes here.  Everything runs inside SPI.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "attendance.h"
#include "batch.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "keyed.h"
#include "miscadmin.h"
#include "progress.h"
#include "stages.h"
#include "streak.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* columns of rewards.activity; the first is the key */
enum
{
	ACTIVITY_ACCOUNT,
	ACTIVITY_FIRST_AT,
	ACTIVITY_LAST_AT,
	ACTIVITY_REFERRED,
	ACTIVITY_SERVICES,
	ACTIVITY_STREAK,
	ACTIVITY_BEST_STREAK,
	ACTIVITY_STREAK_SINCE,
	ACTIVITY_LAST_DAY,
	ACTIVITY_REQUESTS,
	ACTIVITY_ONBOARDED_AT,
	ACTIVITY_COLUMNS
};
StaticAssertDecl(ACTIVITY_COLUMNS <= KEYED_MAX_COLUMNS, "rewards.activity has too many columns");

/* an account as it stands, with what this posting has added */
typedef struct Doer
{
	int64		account;		/* key, see totals.h */
	ItemPointerData place;		/* of its row in rewards.activity; invalid: none was read */
	AccountKind kind;
	Account		known;			/* with its edge; number 0 for a name */
	TimestampTz first_at;		/* infinity: no request yet */
	TimestampTz last_at;		/* -infinity */
	TimestampTz last_before;	/* as it was before this posting */
	int64		referred;
	Id		   *services;
	int			nservices;
	Streak		streak;
	ActiveDay  *days;			/* not yet in the streak, in order of arrival */
	int			ndays;
	bool		advanced;		/* a new day, or onboarded by now */
	int64		requests;
	TimestampTz onboarded_at;	/* infinity: not yet */
} Doer;

typedef struct DoerEntry
{
	int64		account;
	Doer	   *doer;
	char		status;
} DoerEntry;

#define SH_PREFIX doers
#define SH_ELEMENT_TYPE DoerEntry
#define SH_KEY account
#include "int64_hash.h"

struct Progress
{
	MemoryContext context;
	Totals	   *totals;
	bool		rewarding;		/* not when old rows are folded again */
	doers_hash *doers;
	KeyedTable	table;			/* for reading, until all rows are added */
	Bonuses    *bonuses;
	Streaks    *streaks;
	Attendance *attendance;
	Batch		uptime;			/* accounts and days of uptime that count from now on */
};

/*
 * rewarding: grant bonuses and record streaks for what is new.  The rows are to
 * be read under the active snapshot, which is used here, too.
 */
Progress *
progress_begin(Totals *totals, bool rewarding)
{
	MemoryContext context = AllocSetContextCreate(totals->context, "rewards progress",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext previous = MemoryContextSwitchTo(context);
	Progress   *progress = palloc0(sizeof(Progress));

	progress->context = context;
	progress->totals = totals;
	progress->rewarding = rewarding;
	progress->doers = doers_create(context, 1024, NULL);
	progress->bonuses = bonuses_create();
	progress->streaks = streaks_create(rewarding ? progress->bonuses : NULL);
	progress->attendance = attendance_create();
	keyed_open(&progress->table, TABLE_ACTIVITY, INDEX_ACTIVITY, ACTIVITY_COLUMNS, false);
	MemoryContextSwitchTo(previous);
	return progress;
}

/* ---- reading where an account stands ---- */

static void
read_services(Doer *doer, Datum value)
{
	Datum	   *names;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT,
					  &names, NULL, &count);
	doer->services = palloc((count + 1) * sizeof(Id));
	for (int i = 0; i < count; i++)
	{
		char	   *name = TextDatumGetCString(names[i]);

		doer->services[doer->nservices++] = (Id) {name, strlen(name)};
	}
}

static void
read_doer(Progress *progress, Doer *doer)
{
	Datum		values[ACTIVITY_COLUMNS] = {Int64GetDatum(doer->account)};
	bool		nulls[ACTIVITY_COLUMNS];
	HeapTuple	tuple = keyed_find(&progress->table, values);

	if (tuple == NULL)
		return;
	doer->place = tuple->t_self;
	heap_deform_tuple(tuple, RelationGetDescr(progress->table.heap), values, nulls);
	doer->first_at = DatumGetTimestampTz(values[ACTIVITY_FIRST_AT]);
	doer->last_at = doer->last_before = DatumGetTimestampTz(values[ACTIVITY_LAST_AT]);
	doer->referred = DatumGetInt64(values[ACTIVITY_REFERRED]);
	doer->streak.length = DatumGetInt32(values[ACTIVITY_STREAK]);
	doer->streak.best = DatumGetInt32(values[ACTIVITY_BEST_STREAK]);
	doer->streak.since = DatumGetDateADT(values[ACTIVITY_STREAK_SINCE]);
	doer->streak.last_day = DatumGetDateADT(values[ACTIVITY_LAST_DAY]);
	doer->requests = DatumGetInt64(values[ACTIVITY_REQUESTS]);
	doer->onboarded_at = DatumGetTimestampTz(values[ACTIVITY_ONBOARDED_AT]);
	read_services(doer, values[ACTIVITY_SERVICES]);
}

/* an account by its key; id: its name, if its edge matters */
static Doer *
find_doer(Progress *progress, AccountKind kind, int64 key, Id id)
{
	bool		found;
	DoerEntry  *entry = doers_insert(progress->doers, key, &found);
	Doer	   *doer;

	if (found)
		return entry->doer;
	doer = entry->doer = palloc0(sizeof(Doer));
	doer->account = key;
	doer->kind = kind;
	ItemPointerSetInvalid(&doer->place);
	doer->first_at = DT_NOEND;
	doer->last_at = doer->last_before = DT_NOBEGIN;
	doer->onboarded_at = DT_NOEND;
	if (key > 0)
	{
		read_doer(progress, doer);
		if (id.text)
			doer->known = account_find(kind, id);
		/* for network.c, which knows it by number only; an edge is for ever */
		if (doer->known.edge.referrer != 0)
			forest_put(&doer->known, 0);
	}
	return doer;
}

/* ---- adding a row ---- */

/* a request after the account was referred; the so-manieth may be a milestone */
static void
note_referred(Progress *progress, Doer *doer, const AsOf *as_of)
{
	Feat		feat = {ENTRY_MILESTONE_BONUS, doer->kind, doer->account};

	if (doer->known.edge.referrer == 0
		|| !change_counts(&doer->known.edge.change, as_of, as_of->number))
		return;
	doer->referred++;
	feat.threshold = (int) Min(doer->referred, PG_INT32_MAX);
	feat.as_of = *as_of;
	if (progress->rewarding)
		bonuses_add(progress->bonuses, &feat);
}

/* whether a service gives points for its requests: one without is not on trial */
static bool
gives_points(const char *service, const AsOf *as_of)
{
	const Rule *rule = rule_in_force(rules_current(), RULE_SERVICE, service, as_of);

	return rule && rule_gives_points(rule);
}

static bool
has_service(const Doer *doer, Id service)
{
	for (int i = 0; i < doer->nservices; i++)
		if (doer->services[i].len == service.len
			&& memcmp(doer->services[i].text, service.text, service.len) == 0)
			return true;
	return false;
}

static const char *
add_service(Doer *doer, Id service)
{
	doer->services = doer->services == NULL ? palloc(sizeof(Id))
		: repalloc(doer->services, (doer->nservices + 1) * sizeof(Id));
	service.text = pnstrdup(service.text, service.len);
	doer->services[doer->nservices++] = service;
	return service.text;
}

/* the first use of a service */
static void
note_service(Progress *progress, Doer *doer, Id service, const AsOf *as_of)
{
	Feat		feat = {ENTRY_TRIAL_BONUS, doer->kind, doer->account};

	if (has_service(doer, service))
		return;
	feat.detail = add_service(doer, service);
	feat.as_of = *as_of;
	if (progress->rewarding && gives_points(feat.detail, as_of))
		bonuses_add(progress->bonuses, &feat);
}

/* the first event of a day that is new here; most are of the last one */
static void
note_day(Doer *doer, DateADT day, const AsOf *as_of)
{
	if (doer->streak.length > 0 && day == doer->streak.last_day)
		return;
	for (int i = doer->ndays - 1; i >= 0; i--)
		if (doer->days[i].day == day)
			return;
	/* room by powers of two */
	if ((doer->ndays & (doer->ndays - 1)) == 0)
		doer->days = doer->ndays == 0 ? palloc(sizeof(ActiveDay))
			: repalloc_huge(doer->days, (Size) 2 * doer->ndays * sizeof(ActiveDay));
	doer->days[doer->ndays++] = (ActiveDay) {day, *as_of};
}

/* so many requests make an account count as onboarded */
static void
note_request(Doer *doer, const AsOf *as_of)
{
	doer->requests++;
	if (doer->onboarded_at != DT_NOEND
		|| doer->requests < pg_strtoint32(rules_setting(rules_current(), "onboarded_requests", as_of)))
		return;
	doer->onboarded_at = as_of->at;
	doer->advanced = true;
}

static void
add_side(Progress *progress, const LineRow *row, AccountKind kind, Id id)
{
	AsOf		as_of = as_of_row(row->created_at, row->number);
	Doer	   *doer;

	if (id.text == NULL)
		return;
	doer = find_doer(progress, kind, progress->totals->last_keys[kind], id);
	doer->first_at = Min(doer->first_at, row->created_at);
	doer->last_at = Max(doer->last_at, row->created_at);
	note_request(doer, &as_of);
	note_referred(progress, doer, &as_of);
	if (row->service.text)
		note_service(progress, doer, row->service, &as_of);
	note_day(doer, progress->totals->last_day, &as_of);
}

/* adds a row that totals_add() has just added; in order of their numbers */
void
progress_add(Progress *progress, const LineRow *row)
{
	MemoryContext previous;

	if (row->unit != UNIT_OF_USAGE || !row->succeeded)
		return;
	previous = MemoryContextSwitchTo(progress->context);
	add_side(progress, row, KIND_USER, row->user);
	add_side(progress, row, KIND_PROVIDER, row->provider);
	MemoryContextSwitchTo(previous);
}

/* ---- when all rows are added ---- */

static int
compare_days(const void *left, const void *right)
{
	const ActiveDay *a = (const ActiveDay *) left;
	const ActiveDay *b = (const ActiveDay *) right;

	return (a->day > b->day) - (a->day < b->day);
}

/*
 * A provider's day of uptime counts as a day of requests does.  It is one of the
 * days known when all streaks have been gone through (write_uptime()).
 */
static void
add_uptime(Progress *progress, const char *query)
{
	static const Oid types[] = {INT8OID, DATEOID};

	if (SPI_execute(query, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read uptime");
	MemoryContextSwitchTo(progress->context);	/* SPI has left its own */
	progress->uptime = batch_create(lengthof(types), types, SPI_processed);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		int64		account = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));
		DateADT		day = DatumGetDateADT(SPI_getbinval(tuple, desc, 2, &isnull));
		AsOf		as_of = as_of_all(day_start(day));

		note_day(find_doer(progress, KIND_PROVIDER, account, (Id) {NULL, 0}), day, &as_of);
		progress->uptime.columns[0][i] = Int64GetDatum(account);
		progress->uptime.columns[1][i] = DateADTGetDatum(day);
	}
	progress->uptime.count = SPI_processed;
	SPI_freetuptable(SPI_tuptable);
}

static void
merge_doers(Doer *to, const Doer *from)
{
	to->first_at = Min(to->first_at, from->first_at);
	to->last_at = Max(to->last_at, from->last_at);
	to->requests += from->requests;
	to->onboarded_at = Min(to->onboarded_at, from->onboarded_at);
	/* each too few for itself; which request it was is not known any more */
	if (to->onboarded_at == DT_NOEND
		&& to->requests >= pg_strtoint32(rules_setting_now("onboarded_requests")))
		to->onboarded_at = to->last_at;
	to->advanced |= from->advanced;
	for (int i = 0; i < from->nservices; i++)
		if (!has_service(to, from->services[i]))
			add_service(to, from->services[i]);
	for (int i = 0; i < from->ndays; i++)
		note_day(to, from->days[i].day, &from->days[i].as_of);
}

/* an account that was registered while rows were added has come by name and number */
static void
merge_names(Progress *progress)
{
	int64	   *keys = totals_name_keys(progress->totals);

	for (int i = 0; i < progress->totals->nnames; i++)
	{
		DoerEntry  *by_name = doers_lookup(progress->doers, NAME_KEY(i));
		DoerEntry  *by_number = doers_lookup(progress->doers, keys[i]);

		CHECK_FOR_INTERRUPTS();
		if (by_name == NULL || by_number == NULL || by_number == by_name)
			continue;
		merge_doers(by_number->doer, by_name->doer);
		doers_delete_item(progress->doers, by_name);
	}
	pfree(keys);
}

/* whether folded rows have made a day an active one; without, it may still be one */
static bool
is_folded_day(KeyedTable *totals, const Doer *doer, DateADT day)
{
	Datum		key[] = {Int64GetDatum(doer->account), DateADTGetDatum(day), Int16GetDatum(UNIT_POINTS),
	Int16GetDatum(doer->kind == KIND_USER ? ENTRY_USAGE : ENTRY_WORK), Int16GetDatum(0)};
	HeapTuple	tuple = keyed_find(totals, key);
	bool		isnull;

	return tuple && DatumGetInt64(heap_getattr(tuple, TOTAL_EVENTS + 1,
											   RelationGetDescr(totals->heap), &isnull)) > 0;
}

/* late events mostly are of days that are known: those make no difference */
static void
drop_known_days(KeyedTable *totals, Doer *doer)
{
	int			kept = 0;

	for (int i = 0; i < doer->ndays; i++)
		if (doer->account < 0 || doer->streak.length == 0 || doer->days[i].day > doer->streak.last_day
			|| !is_folded_day(totals, doer, doer->days[i].day))
			doer->days[kept++] = doer->days[i];
	doer->ndays = kept;
}

/* days of a user that are new, before they are in its streak */
static void
add_attendance(Progress *progress, const Doer *doer)
{
	Attendee	attendee = {doer->account, doer->streak.length > 0};
	DateADT    *days;

	if (doer->kind != KIND_USER || doer->ndays == 0)
		return;
	if (attendee.known)
	{
		/* what comes before the first day is new, and then all days are read */
		attendee.first_day = local_day(doer->first_at);
		attendee.last_day = doer->streak.last_day;
	}
	days = palloc(doer->ndays * sizeof(DateADT));
	for (int i = 0; i < doer->ndays; i++)
		days[i] = doer->days[i].day;
	attendance_add(progress->attendance, &attendee, days, doer->ndays);
	pfree(days);
}

static void
add_streaks(Progress *progress)
{
	KeyedTable	totals;
	doers_iterator scan;
	DoerEntry  *entry;

	keyed_open(&totals, TABLE_DAY_TOTAL, INDEX_DAY_TOTAL, TOTAL_COLUMNS, false);
	doers_start_iterate(progress->doers, &scan);
	while ((entry = doers_iterate(progress->doers, &scan)) != NULL)
	{
		Doer	   *doer = entry->doer;
		Runner		runner = {doer->account, doer->kind, doer->days};

		CHECK_FOR_INTERRUPTS();
		drop_known_days(&totals, doer);
		if (doer->ndays > 1)
			qsort(doer->days, doer->ndays, sizeof(ActiveDay), compare_days);
		runner.count = doer->ndays;
		doer->advanced |= doer->ndays > 0;
		add_attendance(progress, doer);
		streaks_add(progress->streaks, &runner, &doer->streak);
	}
	keyed_close(&totals);
}

/* instead of adding rows: the uptime that was counted when old rows were folded first */
void
progress_add_counted_uptime(Progress *progress)
{
	MemoryContext previous = MemoryContextSwitchTo(progress->context);

	add_uptime(progress, "select t.account, t.day from rewards.uptime t where t.counted order by 1, 2");
	MemoryContextSwitchTo(previous);
}

/* when all rows are added, and before the totals are written */
void
progress_finish(Progress *progress)
{
	MemoryContext previous = MemoryContextSwitchTo(progress->context);

	/* what nobody has been rewarded for yet is left to posting */
	if (progress->rewarding)
		add_uptime(progress, "select t.account, t.day from rewards.uptime t"
				   " where t.reached and not t.counted order by 1, 2 for no key update skip locked");
	keyed_close(&progress->table);
	merge_names(progress);
	PushActiveSnapshot(GetLatestSnapshot());
	add_streaks(progress);
	PopActiveSnapshot();
	MemoryContextSwitchTo(previous);
}

/* ---- writing ---- */

static Datum
services_datum(const Doer *doer)
{
	Datum	   *names = palloc((doer->nservices + 1) * sizeof(Datum));

	for (int i = 0; i < doer->nservices; i++)
		names[i] = PointerGetDatum(cstring_to_text_with_len(doer->services[i].text, doer->services[i].len));
	return PointerGetDatum(construct_array(names, doer->nservices, TEXTOID, -1, false, TYPALIGN_INT));
}

/* LineWriter */
static void
write_doer(KeyedTable *table, void *doers, int64 place)
{
	Doer	   *doer = ((Doer **) doers)[place];
	Datum		values[ACTIVITY_COLUMNS];

	values[ACTIVITY_ACCOUNT] = Int64GetDatum(doer->account);
	values[ACTIVITY_FIRST_AT] = TimestampTzGetDatum(doer->first_at);
	values[ACTIVITY_LAST_AT] = TimestampTzGetDatum(doer->last_at);
	values[ACTIVITY_REFERRED] = Int64GetDatum(doer->referred);
	values[ACTIVITY_SERVICES] = services_datum(doer);
	values[ACTIVITY_STREAK] = Int32GetDatum(doer->streak.length);
	values[ACTIVITY_BEST_STREAK] = Int32GetDatum(doer->streak.best);
	values[ACTIVITY_STREAK_SINCE] = DateADTGetDatum(doer->streak.since);
	values[ACTIVITY_LAST_DAY] = DateADTGetDatum(doer->streak.last_day);
	values[ACTIVITY_REQUESTS] = Int64GetDatum(doer->requests);
	values[ACTIVITY_ONBOARDED_AT] = TimestampTzGetDatum(doer->onboarded_at);
	if (ItemPointerIsValid(&doer->place))
		keyed_write_at(table, &doer->place, values);
	else
		keyed_write(table, keyed_find(table, values), values);
}

/* of referees that went on: whose stage is another one now is found out by SQL */
static void
note_referees(Doer **doers, int count)
{
	static const Oid types[] = {INT8OID};
	Batch		batch = batch_create(lengthof(types), types, count);

	for (int i = 0; i < count; i++)
		if (doers[i]->advanced && doers[i]->known.edge.referrer != 0)
			batch.columns[0][batch.count++] = Int64GetDatum(doers[i]->account);
	batch_execute(&batch, "select rewards.note_referees($1)");
}

/* how long after joining a request makes a referee a retained one; rewards.fold_stages() has it, too */
#define RETAINED_AFTER (30 * USECS_PER_DAY)

/*
 * Whether what an account did may have brought it to a stage.  One without a known
 * referrer may have got one that the cache has yet to learn of.
 */
static bool
may_have_advanced(const Doer *doer)
{
	TimestampTz retained = doer->known.edge.change.valid_from + RETAINED_AFTER;

	return doer->advanced || doer->known.edge.referrer == 0
		|| (doer->last_before < retained && doer->last_at >= retained);
}

static void
count_stages(Progress *progress, Doer **doers, int count, const int64 *numbers)
{
	Stages	   *stages = stages_create(count, progress->totals);

	for (int i = 0; stages && i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		stages_add(stages, doers[i]->account, may_have_advanced(doers[i]));
	}
	if (stages)
		stages_write(stages, numbers);
}

static int
compare_doers(const void *left, const void *right)
{
	const Doer *a = *(const Doer *const *) left;
	const Doer *b = *(const Doer *const *) right;

	return (a->account > b->account) - (a->account < b->account);
}

/* all accounts, names by their numbers, in order */
static Doer **
sort_doers(Progress *progress, const int64 *numbers)
{
	Doer	  **doers = palloc_extended((progress->doers->members + 1) * sizeof(Doer *),
										MCXT_ALLOC_HUGE);
	doers_iterator scan;
	DoerEntry  *entry;
	int			count = 0;

	doers_start_iterate(progress->doers, &scan);
	while ((entry = doers_iterate(progress->doers, &scan)) != NULL)
	{
		Doer	   *doer = entry->doer;

		doer->account = number_of_key(doer->account, numbers);
		doers[count++] = doer;
	}
	qsort(doers, count, sizeof(Doer *), compare_doers);
	return doers;
}

static void
write_activity(Doer **doers, int count)
{
	KeyedTable	table;

	keyed_open(&table, TABLE_ACTIVITY, INDEX_ACTIVITY, ACTIVITY_COLUMNS, true);
	keyed_write_each(&table, write_doer, doers, count);
	keyed_close(&table);
}

static void
write_uptime(Progress *progress)
{
	batch_execute(&progress->uptime, "update rewards.uptime u set counted = true"
				  " from unnest($1, $2) n(account, day)"
				  " where u.account = n.account and u.day = n.day");
}

/*
 * Writes where accounts stand, what multiplies their points from now on, and the
 * bonuses due.  numbers: of the accounts known by name.  Returns how many entries
 * the journal got.
 */
int
progress_write(Progress *progress, const int64 *numbers)
{
	MemoryContext previous = MemoryContextSwitchTo(progress->context);
	Doer	  **doers = sort_doers(progress, numbers);
	int			count = progress->doers->members;
	int			booked = 0;

	PushActiveSnapshot(GetLatestSnapshot());
	write_activity(doers, count);
	PopActiveSnapshot();
	attendance_write(progress->attendance);
	count_stages(progress, doers, count, numbers);
	if (progress->rewarding)
	{
		note_referees(doers, count);
		write_uptime(progress);
		streaks_record(progress->streaks, numbers);
		booked = bonuses_book(progress->bonuses, numbers);
	}
	MemoryContextSwitchTo(previous);
	return booked;
}
