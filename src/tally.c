/*
 * tally.c
 *		How totals and activity differ from what the folded rows add up to, for
 *		verify().  Posting adds up by other code, totals.c.
 *
 * Which rows are folded, their days, whether they succeeded: all that SQL can tell
 * as fast comes from the queries below.  With posting they share how distributions
 * are unpacked, accounts are found by name, and a month's first day.
 *
 * Rows add to a sum and stored totals take from it, so of what is right nothing is
 * left.  Of rows whose partition has been removed there are the sums that
 * tally_rows() told before.  When the hash tables have grown to their limit, what is left in them is
 * handed out and they begin anew; who asks adds up what comes in parts.  So memory
 * does not grow with the rows.
 */
#include "postgres.h"

#include "accounts.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "distribution.h"
#include "fmgr.h"
#include "funcapi.h"
#include "line.h"
#include "miscadmin.h"
#include "removed.h"
#include "stream.h"
#include "totals.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(tally);
PG_FUNCTION_INFO_V1(tally_rows);

/* the days from $1 up to $2, and about when they were, which an index can find */
#define IN_RANGE(row, numbers) \
	" where " row ".id <@ (select " numbers ")" \
	" and ($1 is null or " row ".created_at >= ($1 - 2)::timestamp at time zone 'UTC'" \
	"  and (" row ".created_at at time zone $3)::date >= $1)" \
	" and ($2 is null or " row ".created_at < ($2 + 2)::timestamp at time zone 'UTC'" \
	"  and (" row ".created_at at time zone $3)::date < $2)"

enum
{
	USAGE_NUMBER,
	USAGE_AT,
	USAGE_DAY,
	USAGE_SUCCEEDED,
	USAGE_TOKENS,
	USAGE_USER,
	USAGE_PROVIDER,
	USAGE_SERVICE,
	USAGE_MODEL,
	USAGE_USER_GOT_NONE,
	USAGE_PROVIDER_GOT_NONE,
	USAGE_COST,
	USAGE_SHARES
};
#define USAGE_QUERY \
	"select u.id, u.created_at, (u.created_at at time zone $3)::date," \
	" u.status_code between 200 and 299, u.input_tokens::bigint + u.output_tokens," \
	" u.user_id, u.provider_id, u.service, u.model, u.user_points = 0," \
	" u.provider_points = 0, u.cost, u.distribution" \
	" from rewards.usage_logs u"

/* what has been summed up counts by its sums, also while its rows are still there */
static StreamQuery usage_query = {
	.text = USAGE_QUERY IN_RANGE("u", "rewards.folded_numbers() - rewards.removed_numbers()"),
	.nargs = 3,
	.types = {DATEOID, DATEOID, TEXTOID},
	.custom = true
};

static StreamQuery rows_query = {
	.text = USAGE_QUERY " where u.id >= $1 and u.id < $2",
	.nargs = 3,
	.types = {INT8OID, INT8OID, TEXTOID}
};

enum
{
	JOURNAL_AT,
	JOURNAL_DAY,
	JOURNAL_UNIT,
	JOURNAL_REVERSES,
	JOURNAL_REQUESTS,
	JOURNAL_TOKENS,
	JOURNAL_MODEL,
	JOURNAL_SHARES
};
static StreamQuery journal_query = {
	.text = "select j.created_at, (j.created_at at time zone $3)::date, j.unit,"
	" j.event is not distinct from 'reversal', j.requests, j.tokens, j.model, j.distribution"
	" from rewards.journal j" IN_RANGE("j", "rewards.folded_numbers()"),
	.nargs = 3,
	.types = {DATEOID, DATEOID, TEXTOID},
	.custom = true
};

/* what is stored; sound: within nine places, and a number at all */
#define STORED_COLUMNS \
	", t.unit, t.entry, t.level, t.amount, t.events, t.tokens," \
	" abs(t.amount) < 1e18 and trunc(t.amount, 9) = t.amount"

enum
{
	STORED_ACCOUNT,
	STORED_PERIOD,
	STORED_UNIT,
	STORED_ENTRY,
	STORED_LEVEL,
	STORED_AMOUNT,
	STORED_EVENTS,
	STORED_TOKENS,
	STORED_SOUND
};
static StreamQuery days_query = {
	.text = "select t.account, t.day" STORED_COLUMNS " from rewards.day_total t"
	" where ($1 is null or t.day >= $1) and ($2 is null or t.day < $2)",
	.nargs = 2,
	.types = {DATEOID, DATEOID},
	.custom = true
};
static StreamQuery months_query = {
	.text = "select t.account, t.month" STORED_COLUMNS " from rewards.month_total t",
};

/* what rows have left that are gone, as tally_rows() has told it */
static StreamQuery sums_query = {
	.text = SELECT_SUMS " where ($1 is null and $2 is null)"
	" or (sort = 'd' and ($1 is null or day >= $1) and ($2 is null or day < $2))",
	.nargs = 2,
	.types = {DATEOID, DATEOID},
	.custom = true
};

/* keys have no padding, for they are compared as bytes */
typedef struct LineKey
{
	int64		account;		/* 0: of a name that is not registered */
	DateADT		period;			/* day, or first day of the month */
	int16		unit;
	int16		entry;			/* negative for what was taken back */
	int64		level;
} LineKey;

/* who has a line */
#define IN_ROWS 1
#define IN_TOTALS 2
#define UNSOUND 4				/* in totals with an amount that is none; it counts as zero */

/* by how much the rows exceed what is stored */
typedef struct Line
{
	AmountSum	amount;
	LineKey		key;
	int64		events;
	int64		tokens;
	int8		sides;
	char		status;
} Line;

/* models by owner, or days of an account by service */
typedef struct DoneKey
{
	int64		account;
	DateADT		day;			/* of a model always the same, but in tally_rows() */
	int32		name;			/* its place among the names; -1: none */
} DoneKey;

typedef struct Done
{
	DoneKey		key;
	AmountSum	amount;
	int64		requests;
	int64		tokens;
	int64		referred_least;	/* sure to have come after the account's edge */
	int64		referred_most;	/* that may have */
	TimestampTz first_at;
	TimestampTz last_at;
	char		status;
} Done;

typedef struct KnownName
{
	Id			id;
	int32		place;
	char		status;
} KnownName;

#define SH_PREFIX lines
#define SH_ELEMENT_TYPE Line
#define SH_KEY key
#define SH_KEY_TYPE LineKey
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) &(key), sizeof(key))
#define SH_EQUAL(table, a, b) (memcmp(&(a), &(b), sizeof(a)) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define SH_PREFIX done
#define SH_ELEMENT_TYPE Done
#define SH_KEY key
#define SH_KEY_TYPE DoneKey
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) &(key), sizeof(key))
#define SH_EQUAL(table, a, b) (memcmp(&(a), &(b), sizeof(a)) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define SH_PREFIX tally_names
#define SH_ELEMENT_TYPE KnownName
#define SH_KEY id
#define SH_KEY_TYPE Id
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key).text, (key).len)
#define SH_EQUAL(table, a, b) ((a).len == (b).len && memcmp((a).text, (b).text, (a).len) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct Tally
{
	ReturnSetInfo *result;
	MemoryContext memory;		/* of all that follows; emptied when it is handed out */
	bool		whole;			/* not only days of a range: months, models and activity, too */
	bool		models_by_day;
	uint32		most;			/* sums of a kind that are gathered */
	lines_hash *days;
	lines_hash *months;
	done_hash  *models;
	done_hash  *doings;
	tally_names_hash *names;
	Datum	   *texts;			/* the names by place */
	int			nnames;
	int			allocated;
} Tally;

static void
begin_sums(Tally *tally)
{
	MemoryContext previous;

	MemoryContextReset(tally->memory);
	previous = MemoryContextSwitchTo(tally->memory);
	tally->days = lines_create(tally->memory, 1024, NULL);
	tally->months = lines_create(tally->memory, 64, NULL);
	tally->models = done_create(tally->memory, 64, NULL);
	tally->doings = done_create(tally->memory, 1024, NULL);
	tally->names = tally_names_create(tally->memory, 64, NULL);
	tally->nnames = 0;
	tally->allocated = 64;
	tally->texts = palloc(tally->allocated * sizeof(Datum));
	MemoryContextSwitchTo(previous);
}

/* ---- handing out ---- */

/* columns of tally() */
enum
{
	TALLY_SORT,
	TALLY_ACCOUNT,
	TALLY_DAY,
	TALLY_UNIT,
	TALLY_ENTRY,
	TALLY_LEVEL,
	TALLY_NAME,
	TALLY_AMOUNT,
	TALLY_EVENTS,
	TALLY_TOKENS,
	TALLY_SIDES,
	TALLY_FIRST_AT,
	TALLY_LAST_AT,
	TALLY_REFERRED_LEAST,
	TALLY_REFERRED_MOST,
	TALLY_COLUMNS
};

static void
put_row(Tally *tally, char sort, int64 account, DateADT day, Datum *values, bool *nulls)
{
	values[TALLY_SORT] = CharGetDatum(sort);
	values[TALLY_ACCOUNT] = Int64GetDatum(account);
	values[TALLY_DAY] = DateADTGetDatum(day);
	nulls[TALLY_SORT] = nulls[TALLY_DAY] = false;
	nulls[TALLY_ACCOUNT] = account == ACCOUNT_SELF;
	tuplestore_putvalues(tally->result->setResult, tally->result->setDesc, values, nulls);
}

static bool
is_settled(const Line *line)
{
	return line->amount == 0 && line->events == 0 && line->tokens == 0
		&& line->sides == (IN_ROWS | IN_TOTALS);
}

static void
put_lines(Tally *tally, char sort, lines_hash *table, MemoryContext scratch)
{
	lines_iterator each;
	Line	   *line;

	lines_start_iterate(table, &each);
	while ((line = lines_iterate(table, &each)) != NULL)
	{
		Datum		values[TALLY_COLUMNS] = {0};
		bool		nulls[TALLY_COLUMNS];

		if (is_settled(line))
			continue;
		memset(nulls, true, sizeof(nulls));
		memset(nulls + TALLY_UNIT, false, TALLY_LEVEL - TALLY_UNIT + 1);
		memset(nulls + TALLY_AMOUNT, false, TALLY_SIDES - TALLY_AMOUNT + 1);
		values[TALLY_UNIT] = Int16GetDatum(line->key.unit);
		values[TALLY_ENTRY] = Int16GetDatum(line->key.entry);
		values[TALLY_LEVEL] = Int16GetDatum((int16) line->key.level);
		values[TALLY_AMOUNT] = NumericGetDatum(amount_sum_to_numeric(line->amount));
		values[TALLY_EVENTS] = Int64GetDatum(line->events);
		values[TALLY_TOKENS] = Int64GetDatum(line->tokens);
		values[TALLY_SIDES] = Int32GetDatum(line->sides);
		put_row(tally, sort, line->key.account, line->key.period, values, nulls);
		MemoryContextReset(scratch);
	}
}

static void
put_done(Tally *tally, char sort, done_hash *table, MemoryContext scratch)
{
	done_iterator each;
	Done	   *done;

	done_start_iterate(table, &each);
	while ((done = done_iterate(table, &each)) != NULL)
	{
		Datum		values[TALLY_COLUMNS] = {0};
		bool		nulls[TALLY_COLUMNS] = {0};

		memset(nulls + TALLY_UNIT, true, TALLY_LEVEL - TALLY_UNIT + 1);
		nulls[TALLY_SIDES] = true;
		nulls[TALLY_NAME] = done->key.name < 0;
		if (done->key.name >= 0)
			values[TALLY_NAME] = tally->texts[done->key.name];
		values[TALLY_AMOUNT] = NumericGetDatum(amount_sum_to_numeric(done->amount));
		values[TALLY_EVENTS] = Int64GetDatum(done->requests);
		values[TALLY_TOKENS] = Int64GetDatum(done->tokens);
		values[TALLY_FIRST_AT] = TimestampTzGetDatum(done->first_at);
		values[TALLY_LAST_AT] = TimestampTzGetDatum(done->last_at);
		values[TALLY_REFERRED_LEAST] = Int64GetDatum(done->referred_least);
		values[TALLY_REFERRED_MOST] = Int64GetDatum(done->referred_most);
		put_row(tally, sort, done->key.account, done->key.day, values, nulls);
		MemoryContextReset(scratch);
	}
}

static void
hand_out(Tally *tally)
{
	MemoryContext scratch = AllocSetContextCreate(tally->memory, "rewards sum", ALLOCSET_SMALL_SIZES);
	MemoryContext previous = MemoryContextSwitchTo(scratch);

	put_lines(tally, 'd', tally->days, scratch);
	put_lines(tally, 'm', tally->months, scratch);
	put_done(tally, 'o', tally->models, scratch);
	put_done(tally, 'a', tally->doings, scratch);
	MemoryContextSwitchTo(previous);
	begin_sums(tally);
}

/* after a row */
static void
hand_out_many(Tally *tally)
{
	if (tally->days->members > tally->most || tally->months->members > tally->most
		|| tally->doings->members > tally->most || tally->models->members > tally->most
		|| (uint32) tally->nnames > tally->most)
		hand_out(tally);
}

/* ---- adding up ---- */

static int32
place_of_name(Tally *tally, Id id)
{
	KnownName  *name;
	bool		found;

	if (id.text == NULL)
		return -1;
	name = tally_names_lookup(tally->names, id);
	if (name == NULL)
	{
		MemoryContext previous = MemoryContextSwitchTo(tally->memory);
		text	   *kept = cstring_to_text_with_len(id.text, id.len);

		if (tally->nnames == tally->allocated)
		{
			tally->allocated *= 2;
			tally->texts = repalloc_huge(tally->texts, tally->allocated * sizeof(Datum));
		}
		tally->texts[tally->nnames] = PointerGetDatum(kept);
		id.text = VARDATA(kept);
		name = tally_names_insert(tally->names, id, &found);
		name->place = tally->nnames++;
		MemoryContextSwitchTo(previous);
	}
	return name->place;
}

static Line *
find_line(lines_hash *table, LineKey key)
{
	bool		found;
	Line	   *line = lines_insert(table, key, &found);

	if (!found)
	{
		line->amount = line->events = line->tokens = 0;
		line->sides = 0;
	}
	return line;
}

static void
add_to(lines_hash *table, LineKey key, AmountSum amount, int64 events, int64 tokens, int side)
{
	Line	   *line = find_line(table, key);

	line->amount += amount;
	/* what is stored may be anything */
	line->events = (int64) ((uint64) line->events + (uint64) events);
	line->tokens = (int64) ((uint64) line->tokens + (uint64) tokens);
	line->sides |= side;
}

/* of rows, by day */
static void
add_line(Tally *tally, LineKey key, int64 amount, int64 events, int64 tokens)
{
	add_to(tally->days, key, amount, events, tokens, IN_ROWS);
	if (!tally->whole)
		return;
	key.period = month_of(key.period);
	add_to(tally->months, key, amount, events, tokens, IN_ROWS);
}

static Done *
find_done(done_hash *table, DoneKey key)
{
	bool		found;
	Done	   *done = done_insert(table, key, &found);

	if (!found)
	{
		done->amount = 0;
		done->requests = done->tokens = done->referred_least = done->referred_most = 0;
		done->first_at = DT_NOEND;
		done->last_at = DT_NOBEGIN;
	}
	return done;
}

static void
note_time(Done *done, TimestampTz at)
{
	done->first_at = Min(done->first_at, at);
	done->last_at = Max(done->last_at, at);
}

static void
add_model(Tally *tally, int64 owner, Id model, DateADT day, int64 amount, int requests, int64 tokens, TimestampTz at)
{
	Done	   *done = find_done(tally->models, (DoneKey){owner, tally->models_by_day ? day : 0, place_of_name(tally, model)});

	done->amount += amount;
	done->requests += requests;
	done->tokens += tokens;
	if (requests > 0)
		note_time(done, at);
}

/* a successful request of its user or its provider */
static void
add_doing(Tally *tally, const Account *account, DateADT day, int32 service, int64 number, TimestampTz at)
{
	Done	   *done = find_done(tally->doings, (DoneKey){account->number, day, service});
	const Edge *edge = &account->edge;

	done->requests++;
	note_time(done, at);
	if (edge->referrer == 0 || edge->change.valid_from > at)
		return;
	done->referred_most += edge->change.seen_from < number;
	done->referred_least += edge->change.sure_from < number;
}

static Account
find_earner(AccountKind kind, Datum value, bool isnull)
{
	static const Account none = {0};

	return isnull ? none : account_look_up(kind, id_of_datum(value, false));
}

static ShareReader
shares_of_datum(Datum value)
{
	return distribution_reader((Distribution *) PG_DETOAST_DATUM_PACKED(value));
}

static void
add_shares(Tally *tally, const Datum *values, const bool *nulls, int64 user, int64 provider)
{
	ShareReader reader = shares_of_datum(values[USAGE_SHARES]);
	DateADT		day = DatumGetDateADT(values[USAGE_DAY]);
	int64		tokens = DatumGetInt64(values[USAGE_TOKENS]);
	Share		share;

	while (distribution_next(&reader, &share))
	{
		int64		account = share.account;
		Unit		unit = share.entry == ENTRY_CREATOR ? UNIT_EARNINGS : UNIT_POINTS;

		if (account == ACCOUNT_SELF)
			account = share.entry == ENTRY_WORK ? provider : user;
		add_line(tally, (LineKey){account, day, unit, share.entry, share.level},
				 share.amount, 1, share.entry == ENTRY_REFERRAL ? 0 : tokens);
		if (share.entry == ENTRY_CREATOR && tally->whole)
			add_model(tally, share.account, id_of_datum(values[USAGE_MODEL], nulls[USAGE_MODEL]), day,
					  share.amount, 1, tokens, DatumGetTimestampTz(values[USAGE_AT]));
	}
}

/* what a successful request was to one of the two, who may have got no points for it */
static void
add_request(Tally *tally, const Account *account, Entry entry, bool got_none, const Datum *values, int32 service)
{
	DateADT		day = DatumGetDateADT(values[USAGE_DAY]);

	if (account->number == ACCOUNT_SELF)
		return;
	if (got_none)
		add_line(tally, (LineKey){account->number, day, UNIT_POINTS, entry, 0},
				 0, 1, DatumGetInt64(values[USAGE_TOKENS]));
	if (tally->whole)
		add_doing(tally, account, day, service, DatumGetInt64(values[USAGE_NUMBER]),
				  DatumGetTimestampTz(values[USAGE_AT]));
}

/* RowVisitor of usage */
static bool
add_usage(TupleTableSlot *slot, void *context)
{
	Tally	   *tally = (Tally *) context;
	const Datum *values = slot->tts_values;
	const bool *nulls = slot->tts_isnull;
	Account		user = find_earner(KIND_USER, values[USAGE_USER], nulls[USAGE_USER]);
	Account		provider = find_earner(KIND_PROVIDER, values[USAGE_PROVIDER], nulls[USAGE_PROVIDER]);
	Amount		cost = nulls[USAGE_COST] ? 0 : amount_of_datum(values[USAGE_COST]);

	if (!nulls[USAGE_SHARES])
		add_shares(tally, values, nulls, user.number, provider.number);
	if (DatumGetBool(values[USAGE_SUCCEEDED]))
	{
		int32		service = place_of_name(tally, id_of_datum(values[USAGE_SERVICE], nulls[USAGE_SERVICE]));

		add_request(tally, &user, ENTRY_USAGE,
					!nulls[USAGE_USER_GOT_NONE] && DatumGetBool(values[USAGE_USER_GOT_NONE]), values, service);
		add_request(tally, &provider, ENTRY_WORK,
					!nulls[USAGE_PROVIDER_GOT_NONE] && DatumGetBool(values[USAGE_PROVIDER_GOT_NONE]), values, service);
	}
	if (cost != 0 && user.number != ACCOUNT_SELF)
		add_line(tally, (LineKey){user.number, DatumGetDateADT(values[USAGE_DAY]), UNIT_CREDITS, ENTRY_USAGE, 0},
				 -cost, 1, DatumGetInt64(values[USAGE_TOKENS]));
	hand_out_many(tally);
	return true;
}

/* how many requests a share of the journal counts for */
static int
events_of(int unit, bool reverses, int requests, Entry entry)
{
	if (unit == UNIT_POINTS && (entry == ENTRY_WORK || entry == ENTRY_USAGE))
		return Min(requests, 0);
	return reverses ? -1 : 1;
}

/* RowVisitor of the journal: what was taken back stands apart from what was given */
static bool
add_entry(TupleTableSlot *slot, void *context)
{
	Tally	   *tally = (Tally *) context;
	const Datum *values = slot->tts_values;
	ShareReader reader = shares_of_datum(values[JOURNAL_SHARES]);
	DateADT		day = DatumGetDateADT(values[JOURNAL_DAY]);
	int16		unit = DatumGetInt16(values[JOURNAL_UNIT]);
	bool		reverses = DatumGetBool(values[JOURNAL_REVERSES]);
	int			requests = DatumGetInt32(values[JOURNAL_REQUESTS]);
	int64		tokens = DatumGetInt64(values[JOURNAL_TOKENS]);
	Share		share;

	while (distribution_next(&reader, &share))
	{
		add_line(tally, (LineKey){share.account, day, unit, reverses ? -share.entry : share.entry, share.level},
				 share.amount, events_of(unit, reverses, requests, share.entry),
				 reverses && share.entry != ENTRY_REFERRAL ? tokens : 0);
		if (unit == UNIT_EARNINGS && tally->whole && !slot->tts_isnull[JOURNAL_MODEL])
			add_model(tally, share.account, id_of_datum(values[JOURNAL_MODEL], false), day,
					  share.amount, requests, tokens, DatumGetTimestampTz(values[JOURNAL_AT]));
	}
	hand_out_many(tally);
	return true;
}

/* ---- adding what rows have left that are gone ---- */

static void
take_line(Tally *tally, const Datum *values)
{
	LineKey		key = {
		DatumGetInt64(values[SUM_ACCOUNT]), DatumGetDateADT(values[SUM_DAY]),
		DatumGetInt16(values[SUM_UNIT]), DatumGetInt16(values[SUM_ENTRY]), DatumGetInt16(values[SUM_LEVEL])
	};
	AmountSum	amount = amount_sum_of_datum(values[SUM_AMOUNT]);
	int64		events = DatumGetInt64(values[SUM_EVENTS]);
	int64		tokens = DatumGetInt64(values[SUM_TOKENS]);

	add_to(tally->days, key, amount, events, tokens, IN_ROWS);
	if (!tally->whole)
		return;
	key.period = month_of(key.period);
	add_to(tally->months, key, amount, events, tokens, IN_ROWS);
}

static void
take_done(done_hash *table, DoneKey key, const Datum *values)
{
	Done	   *done = find_done(table, key);

	done->amount += amount_sum_of_datum(values[SUM_AMOUNT]);
	done->requests += DatumGetInt64(values[SUM_EVENTS]);
	done->tokens += DatumGetInt64(values[SUM_TOKENS]);
	done->referred_least += DatumGetInt64(values[SUM_REFERRED_LEAST]);
	done->referred_most += DatumGetInt64(values[SUM_REFERRED_MOST]);
	done->first_at = Min(done->first_at, DatumGetTimestampTz(values[SUM_FIRST_AT]));
	done->last_at = Max(done->last_at, DatumGetTimestampTz(values[SUM_LAST_AT]));
}

/* RowVisitor of removed_sum */
static bool
take_sum(TupleTableSlot *slot, void *context)
{
	Tally	   *tally = (Tally *) context;
	const Datum *values = slot->tts_values;
	DoneKey		key = {DatumGetInt64(values[SUM_ACCOUNT]), 0, -1};

	if (DatumGetChar(values[SUM_SORT]) == 'd')
		take_line(tally, values);
	else
	{
		key.name = place_of_name(tally, id_of_datum(values[SUM_NAME], slot->tts_isnull[SUM_NAME]));
		if (DatumGetChar(values[SUM_SORT]) == 'o')
			take_done(tally->models, key, values);
		else
		{
			key.day = DatumGetDateADT(values[SUM_DAY]);
			take_done(tally->doings, key, values);
		}
	}
	hand_out_many(tally);
	return true;
}

/* ---- taking away what is stored ---- */

typedef struct Stored
{
	Tally	   *tally;
	bool		monthly;
} Stored;

/* RowVisitor of day_total and month_total */
static bool
take_stored(TupleTableSlot *slot, void *context)
{
	Stored	   *stored = (Stored *) context;
	const Datum *values = slot->tts_values;
	bool		sound = DatumGetBool(values[STORED_SOUND]);
	LineKey		key = {
		DatumGetInt64(values[STORED_ACCOUNT]), DatumGetDateADT(values[STORED_PERIOD]),
		DatumGetInt16(values[STORED_UNIT]), DatumGetInt16(values[STORED_ENTRY]), DatumGetInt16(values[STORED_LEVEL])
	};

	add_to(stored->monthly ? stored->tally->months : stored->tally->days, key,
		   sound ? -amount_sum_of_datum(values[STORED_AMOUNT]) : 0,
		   (int64) (0 - DatumGetUInt64(values[STORED_EVENTS])),
		   (int64) (0 - DatumGetUInt64(values[STORED_TOKENS])),
		   sound ? IN_TOTALS : IN_TOTALS | UNSOUND);
	hand_out_many(stored->tally);
	return true;
}

static void
begin_tally(Tally *tally, FunctionCallInfo fcinfo)
{
	InitMaterializedSRF(fcinfo, 0);
	tally->result = (ReturnSetInfo *) fcinfo->resultinfo;
	tally->most = (uint32) (maintenance_work_mem * INT64CONST(1024) * 9 / 10 / sizeof(Line));
	accounts_forget();			/* somebody may have changed them past the triggers */
	accounts_remember();
	SPI_connect();
	tally->memory = AllocSetContextCreate(CurrentMemoryContext, "rewards tally", ALLOCSET_DEFAULT_SIZES);
	begin_sums(tally);
}

/*
 * tally_rows(first, upto, time_zone) returns setof the same, models by day: in parts
 * what the rows of usage numbered from first up to, not including, upto come to.
 */
Datum
tally_rows(PG_FUNCTION_ARGS)
{
	Tally		sums = {.whole = true,.models_by_day = true};
	Datum		args[3] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};

	begin_tally(&sums, fcinfo);
	stream_rows(&rows_query, args, NULL, add_usage, &sums);
	hand_out(&sums);
	SPI_finish();
	return (Datum) 0;
}

/*
 * tally(since, until, time_zone) returns setof (sort, account, day, unit, entry,
 * level, name, amount, events, tokens, sides, first_at, last_at, referred_least,
 * referred_most): of the days [since, until).  Sorts are d, by how much a line of
 * the rows exceeds that of day_total; and without a range m, the same of
 * month_total, o, models by owner, and a, doings of an account by day and service.
 */
Datum
tally(PG_FUNCTION_ARGS)
{
	Tally		sums = {.whole = PG_ARGISNULL(0) && PG_ARGISNULL(1)};
	Stored		days = {&sums, false};
	Stored		months = {&sums, true};
	Datum		args[3];
	bool		nulls[3];

	begin_tally(&sums, fcinfo);
	for (int i = 0; i < 3; i++)
	{
		nulls[i] = PG_ARGISNULL(i);
		args[i] = nulls[i] ? (Datum) 0 : PG_GETARG_DATUM(i);
	}
	stream_rows(&usage_query, args, nulls, add_usage, &sums);
	stream_rows(&sums_query, args, nulls, take_sum, &sums);
	stream_rows(&journal_query, args, nulls, add_entry, &sums);
	stream_rows(&days_query, args, nulls, take_stored, &days);
	if (sums.whole)
		stream_rows(&months_query, NULL, NULL, take_stored, &months);
	hand_out(&sums);
	SPI_finish();
	return (Datum) 0;
}
