/*
 * standing.h
 *		What multiplies the points of an account: its own multiplier and the
 *		days of its streak, each with history.
 */
#ifndef REWARDS_STANDING_H
#define REWARDS_STANDING_H

#include "rules.h"

/* what of an account's standing counts for an event */
typedef struct Multipliers
{
	int64		own_fact;		/* 0: it has no multiplier of its own */
	Amount		own;
	int			streak_days;	/* 0: no streak */
	const Rule *streak_rule;	/* what they multiply by, or NULL */
} Multipliers;

extern Multipliers standing_multipliers(const RuleSet *rules, int64 account, AccountKind kind,
										const AsOf *as_of);
extern const char *standing_name(int place);
extern void standing_forget(void);
extern void standing_init(void);

#endif							/* REWARDS_STANDING_H */
