/*
 * rule.h
 *		One version of one rule.
 */
#ifndef REWARDS_RULE_H
#define REWARDS_RULE_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "amount.h"
#include "distribution.h"
#include "utils/timestamp.h"

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
	const Amount *rates;		/* of each level */
} Rule;

#define ANY_KIND (-1)

extern bool rule_read(Rule *rule, HeapTuple tuple, TupleDesc desc);
extern void rule_keep(Rule *rule);

#endif							/* REWARDS_RULE_H */
