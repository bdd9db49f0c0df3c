/*
 * standing.c
 *		What multiplies the points of an account, and its status, cached per backend.
 *
 * Posting adds to streaks all the time, and whatever it adds of a day counts from
 * the next day on.  So it signals only what counts today or before (streak.c),
 * and what was read here is good for events up to the end of the day on which it
 * was read.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog.h"
#include "common/hashfn.h"
#include "memo.h"
#include "miscadmin.h"
#include "standing.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* columns of rewards.account_fact and rewards.account_status, and of their indexes */
enum
{
	FACT_ID = 1,
	FACT_ACCOUNT,
	FACT_FACT,					/* its kind; the status */
	FACT_NUMBER,				/* a status has its source here */
	FACT_VALID_FROM,			/* this and the next two are a change */
	FACT_SEEN_FROM,
	FACT_SURE_FROM,
	FACT_VALID_UNTIL,
	FACT_COLUMNS = FACT_VALID_UNTIL
};

/* the order of the first two is that of Cut */
typedef enum StandingKind
{
	STANDING_MULTIPLIER,
	STANDING_STREAK,
	STANDING_STATUS
} StandingKind;

typedef struct StandingFact
{
	int64		id;
	StandingKind kind;
	Change		change;
	TimestampTz valid_until;
	bool		ended;
	Amount		number;			/* the multiplier, or a number of days */
	Status		status;
} StandingFact;

/* the facts of an account that may count for events from good_from to good_until */
typedef struct Standing
{
	uint64		generation;
	TimestampTz good_from;
	TimestampTz good_until;
	int			nfacts;
	StandingFact facts[FLEXIBLE_ARRAY_MEMBER];	/* by kind, then oldest first */
} Standing;

/* of a table of so many pages it is marked at once who has facts, in so many bits */
#define FEW_PAGES 16
#define MARK_BITS 65536

/*
 * Where facts are kept.  Statuses lie apart: every referrer is asked for one, few
 * have any, and nobody has to read them again because a streak went on.
 */
typedef struct Register
{
	CatalogTable table;
	CatalogTable index;
	Memo	   *memo;
	Standing	nothing;		/* of an account without facts, and */
	bool		few;			/* until when only those marked can have any */
	bool		many;			/* in that generation too many have, so nobody asks again */
	uint64		marks[MARK_BITS / 64];	/* a bit for those who have */
} Register;

static Register facts = {TABLE_ACCOUNT_FACT, INDEX_ACCOUNT_FACT};
static Register statuses = {TABLE_ACCOUNT_STATUS, INDEX_ACCOUNT_STATUS};

static const char *const standing_names[] = {
	[STANDING_MULTIPLIER] = "multiplier",
	[STANDING_STREAK] = "streak"
};

static const char *const status_names[STATUSES] = {"active", "warned", "paused", "suspended", "banned"};

/* the name of a kind of facts, in the order of Cut */
const char *
standing_name(int place)
{
	return standing_names[place];
}

const char *
status_name(Status status)
{
	return status_names[status];
}

void
standing_init(void)
{
	facts.memo = memo_create("standings", PART_OF_STANDINGS);
	statuses.memo = memo_create("statuses", PART_OF_STATUSES);
}

void
standing_forget(void)
{
	memo_forget(facts.memo);
	memo_forget(statuses.memo);
	facts.few = statuses.few = facts.many = statuses.many = false;
}

static void
read_status(StandingFact *fact, const char *name)
{
	fact->kind = STANDING_STATUS;
	while (fact->status < STATUSES - 1 && strcmp(status_names[fact->status], name) != 0)
		fact->status++;
}

static void
read_number(StandingFact *fact, const char *name, Datum value, bool isnull)
{
	if (strcmp(standing_names[fact->kind], name) != 0)
		fact->kind = STANDING_STREAK;
	fact->ended = isnull;
	if (!isnull)
		fact->number = amount_from_numeric(DatumGetNumeric(value), name);
}

static void
read_fact(const Register *reg, HeapTuple tuple, TupleDesc desc, StandingFact *fact)
{
	Datum		values[FACT_COLUMNS + 1];
	bool		nulls[FACT_COLUMNS + 1];
	char	   *name;

	for (int i = 1; i <= FACT_COLUMNS; i++)
		values[i] = heap_getattr(tuple, i, desc, &nulls[i]);

	memset(fact, 0, sizeof(StandingFact));
	name = TextDatumGetCString(values[FACT_FACT]);
	fact->id = DatumGetInt64(values[FACT_ID]);
	fact->change = change_of(&values[FACT_VALID_FROM], &nulls[FACT_VALID_FROM]);
	fact->valid_until = DatumGetTimestampTz(values[FACT_VALID_UNTIL]);
	if (reg == &statuses)
		read_status(fact, name);
	else
		read_number(fact, name, values[FACT_NUMBER], nulls[FACT_NUMBER]);
}

/* of two streaks that hold at a time that of the later day counts, as found last */
static int
compare_facts(const void *left, const void *right)
{
	const StandingFact *a = (const StandingFact *) left;
	const StandingFact *b = (const StandingFact *) right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->change.valid_from != b->change.valid_from)
		return a->change.valid_from < b->change.valid_from ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

/* an account's facts that hold at a time or later, sorted, in the caller's memory */
static int
read_facts(const Register *reg, int64 account, TimestampTz from, StandingFact **found)
{
	ScanKeyData keys[2];
	CatalogScan scan;
	HeapTuple	tuple;
	int			count = 0;
	int			allocated = 4;

	*found = palloc(allocated * sizeof(StandingFact));
	ScanKeyInit(&keys[0], FACT_ACCOUNT, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account));
	ScanKeyInit(&keys[1], FACT_VALID_UNTIL, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT,
				TimestampTzGetDatum(from));
	scan = catalog_scan(reg->table, reg->index, keys, 2);
	while ((tuple = catalog_next(&scan)) != NULL)
	{
		if (count == allocated)
			*found = repalloc(*found, (allocated *= 2) * sizeof(StandingFact));
		read_fact(reg, tuple, RelationGetDescr(scan.heap), &(*found)[count++]);
	}
	catalog_end(&scan);
	if (count > 1)
		qsort(*found, count, sizeof(StandingFact), compare_facts);
	return count;
}

static bool
still_holds(const Register *reg, const Standing *standing, TimestampTz at)
{
	return at >= standing->good_from && at < standing->good_until
		&& standing->generation == catalog_generation(reg->table);
}

/* what is read now for an event at a time: from when and until when it is good */
static void
begin_reading(const Register *reg, Standing *standing, TimestampTz at)
{
	TimestampTz now = GetCurrentTimestamp();
	DateADT		today = local_day(now);

	standing->generation = catalog_generation(reg->table);
	standing->good_from = Min(at, day_start(today - 1));
	standing->good_until = day_start(today + 1);
	/* where clocks go back over midnight the day begins twice */
	if (now < day_start(today))
		standing->good_until = day_start(today);
}

/* where an account's mark is; several may share one */
static inline uint64 *
mark_of(Register *reg, int64 account, uint64 *bit)
{
	uint32		place = murmurhash32((uint32) account ^ (uint32) ((uint64) account >> 32)) % MARK_BITS;

	*bit = UINT64CONST(1) << (place % 64);
	return &reg->marks[place / 64];
}

/* marks everybody who has facts */
static void
mark_all(Register *reg)
{
	CatalogScan scan = catalog_scan(reg->table, reg->index, NULL, 0);
	HeapTuple	tuple;
	uint64		bit;
	bool		isnull;

	memset(reg->marks, 0, sizeof(reg->marks));
	while ((tuple = catalog_next(&scan)) != NULL)
	{
		int64		account = DatumGetInt64(heap_getattr(tuple, FACT_ACCOUNT,
														 RelationGetDescr(scan.heap), &isnull));

		*mark_of(reg, account, &bit) |= bit;
	}
	catalog_end(&scan);
}

/* whether the marks are those of this generation and day, or cannot be made */
static bool
is_marked(const Register *reg, TimestampTz at)
{
	if (reg->nothing.generation != catalog_generation(reg->table))
		return false;
	return reg->many || (reg->few && (at < reg->nothing.good_until
									  || GetCurrentTimestamp() < reg->nothing.good_until));
}

static void
mark(Register *reg, TimestampTz at)
{
	reg->few = false;			/* until all are marked */
	begin_reading(reg, &reg->nothing, at);
	reg->nothing.good_from = DT_NOBEGIN;
	reg->many = catalog_pages(reg->table) > FEW_PAGES;
	if (!reg->many)
		mark_all(reg);
	reg->few = !reg->many;
}

/* whether an account is sure to have no facts: then there is nothing to look up */
static bool
has_no_facts(Register *reg, int64 account, TimestampTz at)
{
	uint64		bit;

	if (!is_marked(reg, at))
		mark(reg, at);
	return reg->few && still_holds(reg, &reg->nothing, at)
		&& (*mark_of(reg, account, &bit) & bit) == 0;
}

/*
 * What is known of an account as committed now, good for events at a time.  The
 * result lives until the next call.
 */
static const Standing *
standing_find(Register *reg, int64 account, TimestampTz at)
{
	Standing	fresh = {0};
	Standing   *standing;
	StandingFact *found;

	if (account == ACCOUNT_SELF || has_no_facts(reg, account, at))
		return &reg->nothing;
	standing = memo_find(reg->memo, &account, sizeof(account));
	if (standing && still_holds(reg, standing, at))
		return standing;
	do
	{
		begin_reading(reg, &fresh, at);
		fresh.nfacts = read_facts(reg, account, fresh.good_from, &found);
	} while (fresh.generation != catalog_generation(reg->table));
	standing = memo_put(reg->memo, &account, sizeof(account),
						offsetof(Standing, facts) + fresh.nfacts * sizeof(StandingFact));
	memcpy(standing, &fresh, offsetof(Standing, facts));
	memcpy(standing->facts, found, fresh.nfacts * sizeof(StandingFact));
	pfree(found);
	return standing;
}

/* the fact in force for an event, or NULL */
static const StandingFact *
fact_in_force(const Standing *standing, StandingKind kind, int64 cut, const AsOf *as_of)
{
	for (int i = standing->nfacts - 1; i >= 0; i--)
	{
		const StandingFact *fact = &standing->facts[i];

		if (fact->kind == kind && as_of->at < fact->valid_until
			&& change_counts(&fact->change, as_of, cut))
			return fact->ended ? NULL : fact;
	}
	return NULL;
}

/*
 * What multiplies the points of an account for an event.
 */
Multipliers
standing_multipliers(const RuleSet *rules, int64 account, AccountKind kind, const AsOf *as_of)
{
	const Standing *standing = standing_find(&facts, account, as_of->at);
	Multipliers multipliers = {0};
	const StandingFact *fact;

	if (standing->nfacts == 0)
		return multipliers;
	fact = fact_in_force(standing, STANDING_MULTIPLIER, as_of->cuts[CUT_USER_MULTIPLIER + kind], as_of);
	if (fact)
	{
		multipliers.own_fact = fact->id;
		multipliers.own = fact->number;
	}
	fact = fact_in_force(standing, STANDING_STREAK, as_of->cuts[CUT_USER_STREAK + kind], as_of);
	if (fact)
	{
		multipliers.streak_days = (int) (fact->number / AMOUNT_ONE);
		multipliers.streak_rule = rule_for_streak(rules, kind, multipliers.streak_days, as_of);
	}
	return multipliers;
}

/* the status of an account for an event */
Status
standing_status(int64 account, const AsOf *as_of)
{
	const Standing *standing = standing_find(&statuses, account, as_of->at);
	const StandingFact *fact = fact_in_force(standing, STANDING_STATUS, as_of->cuts[CUT_STATUS], as_of);

	return fact ? fact->status : STATUS_ACTIVE;
}

/* ---- who is banned, for reading ---- */

/* whether the status of an account that holds now is that it is banned */
static bool
is_banned(int64 account)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	StandingFact last = {0};
	StandingFact fact;
	ScanKeyData keys[2];
	CatalogScan scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], FACT_ACCOUNT, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account));
	ScanKeyInit(&keys[1], FACT_VALID_UNTIL, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT,
				TimestampTzGetDatum(now));
	scan = catalog_scan_active(statuses.table, statuses.index, keys, 2);
	while ((tuple = catalog_next(&scan)) != NULL)
	{
		read_fact(&statuses, tuple, RelationGetDescr(scan.heap), &fact);
		if (fact.change.valid_from <= now && (last.id == 0 || compare_facts(&fact, &last) > 0))
			last = fact;
	}
	catalog_end(&scan);
	return last.id != 0 && last.status == STATUS_BANNED;
}

/*
 * Visits who is banned now, as the active snapshot sees it; past what is remembered,
 * which is what was committed last.  Whoever was banned ever stands in an index of
 * its own.
 */
void
standing_each_banned(void (*visit) (int64 account, void *context), void *context)
{
	ScanKeyData key;
	CatalogScan scan;
	HeapTuple	tuple;
	int64		former = ACCOUNT_SELF;

	if (catalog_is_empty(statuses.table))
		return;
	ScanKeyInit(&key, FACT_ACCOUNT, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(ACCOUNT_SELF));
	scan = catalog_scan_active(statuses.table, INDEX_STATUS_BANNED, &key, 1);
	while ((tuple = catalog_next(&scan)) != NULL)
	{
		bool		isnull;
		int64		account = DatumGetInt64(heap_getattr(tuple, FACT_ACCOUNT, RelationGetDescr(scan.heap), &isnull));

		CHECK_FOR_INTERRUPTS();
		if (account != former && is_banned(account))
			visit(account, context);
		former = account;
	}
	catalog_end(&scan);
}
