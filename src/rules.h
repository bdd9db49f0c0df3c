/*
 * rules.h
 *		The programme's rules, each with its history, and look-ups in them.
 */
#ifndef REWARDS_RULES_H
#define REWARDS_RULES_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "distribution.h"
#include "event.h"
#include "utils/date.h"

typedef enum RuleKind
{
	RULE_TIER,
	RULE_SERVICE,
	RULE_MODEL_PATTERN,
	RULE_USER_SHARE,
	RULE_CREATOR_RATE,
	RULE_REFERRAL_RATES,
	RULE_CAMPAIGN,
	RULE_STREAK_MULTIPLIER,
	RULE_BONUS,
	RULE_REFERRAL_KINDS,
	RULE_PRICE,
	RULE_MAINNET,
	RULE_SETTING,
	RULE_RATE_LIMIT,
	RULE_KINDS
} RuleKind;

/*
 * What a change of a rule, edge or model says about time: from when it is
 * valid, and which rows knew it.  Rows numbered up to seen_from did not, rows
 * above sure_from did; between them either is right.
 */
typedef struct Change
{
	TimestampTz valid_from;
	int64		seen_from;
	int64		sure_from;		/* PG_INT64_MAX until posting has found it */
} Change;

/* a change of a row's columns valid_from, seen_from and sure_from, adjacent in this order */
static inline Change
change_of(const Datum *values, const bool *nulls)
{
	Change		change = {
		.valid_from = DatumGetTimestampTz(values[0]),
		.seen_from = DatumGetInt64(values[1]),
		.sure_from = nulls[2] ? PG_INT64_MAX : DatumGetInt64(values[2])
	};

	return change;
}

/* changes of one sort are made one after the other: a row knew the first so many */
typedef enum Cut
{
	CUT_RULES,
	CUT_MODEL,
	CUT_USER_MULTIPLIER,		/* these four in order of fact, then kind */
	CUT_PROVIDER_MULTIPLIER,
	CUT_USER_STREAK,
	CUT_PROVIDER_STREAK,
	CUT_STATUS,					/* of whatever account */
	CUTS
} Cut;

/*
 * The view of one event on all changes: what was valid at a time, among what
 * row number `number` knew.  When rewarding, all cuts are that number and
 * chains are as long as they are.  verify() lowers a cut through changes that
 * the row may or may not have known, and shortens a chain where it may not have
 * known an edge.
 */
typedef struct AsOf
{
	TimestampTz at;
	int64		number;
	int64		cuts[CUTS];
	int			chain_limit[2]; /* levels, by kind of earner */
} AsOf;

static inline AsOf
as_of_row(TimestampTz at, int64 number)
{
	AsOf		as_of = {.at = at, .number = number, .chain_limit = {MAX_LEVELS, MAX_LEVELS}};

	for (int i = 0; i < CUTS; i++)
		as_of.cuts[i] = number;
	return as_of;
}

/* what is valid at a time by all that is recorded now */
static inline AsOf
as_of_all(TimestampTz at)
{
	return as_of_row(at, PG_INT64_MAX);
}

static inline bool
change_counts(const Change *change, const AsOf *as_of, int64 cut)
{
	return change->valid_from <= as_of->at
		&& (change->seen_from < cut || change->sure_from < as_of->number);
}

/* whether the row may or may not have known a change that it could know */
static inline bool
change_in_doubt(const Change *change, const AsOf *as_of)
{
	return change->seen_from < as_of->number && change->sure_from >= as_of->number;
}

typedef struct Rule
{
	int64		id;
	RuleKind	kind;
	const char *key;
	Change		change;
	bool		ended;			/* the rule stops here */

	/* the values; which are used depends on the kind */
	Amount		points;			/* tier, service; bonus: its amount */
	bool		has_points;		/* service: points of its own */
	Amount		provider_per_token; /* service */
	Amount		user_base;		/* service */
	Amount		user_per_token; /* service */
	Amount		rate;			/* user_share, creator_rate, price; what multiplies */
	Amount		vram_above;		/* tier */
	Amount		vram_upto;		/* tier */
	bool		has_vram;		/* tier: a model's VRAM can place it here */
	const char *text;			/* service: suffix; pattern: text; setting: value;
								 * bonus: event */
	const char *tier;			/* pattern; campaign, or NULL */
	const char *service;		/* campaign, rate_limit of usage: or NULL for all */
	const char *hold;			/* bonus: an interval, or NULL */
	int			account_kind;	/* campaign, streak, bonus, rate_limit; ANY_KIND */
	TimestampTz until;			/* campaign */
	int			threshold;		/* streak, bonus */
	int			recipient_level;	/* bonus */
	int64		window;			/* rate_limit of usage: in microseconds; 0 for one of calls */
	const char *but_not;		/* pattern, or NULL */
	int			text_len;		/* service, pattern */
	int			but_not_len;	/* pattern */
	bool		at_start;		/* pattern: the name must begin with it */
	bool		at_end;			/* pattern: the name must end with it */
	bool		allowed;		/* referral_kinds; mainnet: whether it is on; rate_limit:
								 * whether what is above it is taken back */
	int			per_places;		/* price: of so many tokens, as a power of ten */
	bool		per_request;	/* price: of a request instead */
	int			levels;			/* referral_rates */
	Amount		rates[MAX_LEVELS];
} Rule;

#define ANY_KIND (-1)

typedef struct RuleSet RuleSet;

extern const RuleSet *rules_current(void);
extern const RuleSet *rules_of_tuples(HeapTuple *tuples, uint64 count, TupleDesc desc);
extern void rules_forget(void);
extern void rules_init(void);

extern const Rule *rule_in_force(const RuleSet *rules, RuleKind kind,
								 const char *key, const AsOf *as_of);
extern const Rule *rule_next(const RuleSet *rules, RuleKind kind, int *place, const AsOf *as_of);
extern int	rule_lowest_threshold(const RuleSet *rules, RuleKind kind, AccountKind account_kind);
extern const Rule *rule_for_streak(const RuleSet *rules, AccountKind kind, int days, const AsOf *as_of);
extern const Rule *rule_for_endpoint(const RuleSet *rules, Id endpoint, const AsOf *as_of);
extern const Rule *rule_for_model_name(const RuleSet *rules, Id model, const AsOf *as_of);
extern bool rule_gives_points(const Rule *service);
extern const Rule *rule_for_vram(const RuleSet *rules, Amount vram, const AsOf *as_of);

extern bool rules_mix_kinds(const RuleSet *rules);
extern bool rules_charge(const RuleSet *rules);
extern bool rules_limit_usage(const RuleSet *rules);
extern const char *rules_setting(const RuleSet *rules, const char *name, const AsOf *as_of);
extern const char *rules_setting_now(const char *name);
extern DateADT local_day(TimestampTz at);
extern TimestampTz day_start(DateADT day);

#endif							/* REWARDS_RULES_H */
