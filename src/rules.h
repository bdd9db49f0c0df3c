/*
 * rules.h
 *		The programme's rules, each with its history, and look-ups in them.
 */
#ifndef REWARDS_RULES_H
#define REWARDS_RULES_H

#include "event.h"
#include "rule.h"
#include "utils/date.h"

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

typedef struct RuleSet RuleSet;

/*
 * Until when what is in force of a set stays so, for rows that know all of it.  It
 * holds for the rules in force only, not for a set of its own.
 */
typedef struct RuleScope
{
	const RuleSet *rules;
	uint64		generation;
	TimestampTz from;
	TimestampTz until;
} RuleScope;

extern RuleScope rules_scope(const RuleSet *rules, const AsOf *as_of);
extern bool rules_in_scope(const RuleSet *rules, const RuleScope *scope, const AsOf *as_of);

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
extern DateADT local_hour(TimestampTz at, int *hour);
extern DateADT local_day(TimestampTz at);
extern TimestampTz day_start(DateADT day);

#endif							/* REWARDS_RULES_H */
