/*
 * standing.h
 *		What multiplies the points of an account: its own multiplier and the
 *		days of its streak; and its status.  Each with history.
 */
#ifndef REWARDS_STANDING_H
#define REWARDS_STANDING_H

#include "rules.h"

/* from the one that costs nothing on; those from paused on get no shares of others and no bonuses */
typedef enum Status
{
	STATUS_ACTIVE,
	STATUS_WARNED,
	STATUS_PAUSED,
	STATUS_SUSPENDED,
	STATUS_BANNED,
	STATUSES
} Status;

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
extern Status standing_status(int64 account, const AsOf *as_of);
extern void standing_each_banned(void (*visit) (int64 account, void *context), void *context);
extern const char *status_name(Status status);
extern const char *standing_name(int place);
extern void standing_forget(void);
extern void standing_init(void);

#endif							/* REWARDS_STANDING_H */
