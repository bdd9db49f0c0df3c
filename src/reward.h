/*
 * reward.h
 *		What one event is worth, and to whom.
 */
#ifndef REWARDS_REWARD_H
#define REWARDS_REWARD_H

#include "accounts.h"
#include "course.h"
#include "distribution.h"
#include "event.h"
#include "rules.h"
#include "standing.h"

/*
 * The result, with the rules that led to it.  Pointers lead into the caches
 * and are good until the next event.
 */
typedef struct Reward
{
	const RuleSet *rules;		/* what the pointers below lead into */
	const char *service;
	const char *tier;			/* NULL with TIER_NONE */
	TierSource	tier_source;
	int64		tier_rule;		/* rule or model fact that placed it, or 0 */
	const Rule *service_rule;	/* whose points and rates counted, or NULL */
	const Rule *tier_rule_points;	/* the tier's points, or NULL */
	const Rule *user_share;
	int64		owner;			/* of the model, or 0 */
	bool		self_use;		/* the user is the model's owner */
	Amount		creator_rate;
	int64		creator_rule;	/* rule or model fact with the rate, or 0 */
	bool		creator_rate_of_model;

	Account		user;
	Account		provider;
	Status		user_status;
	Status		provider_status;
	Multipliers multipliers[2]; /* of the accounts, by kind */
	Amount		base;
	Amount		provider_points;
	Amount		user_points;
	Amount		creator_earnings;
	Charge		charge;
	Distribution *distribution;
} Reward;

extern void reward_place_model(Id model, const AsOf *as_of, Reward *reward);
extern void reward_compute(const RuleSet *rules, const UsageEvent *event, const AsOf *as_of,
						   Reward *reward);
extern bool reward_in_campaign(const Reward *reward, const Rule *campaign, AccountKind kind,
							   const AsOf *as_of);

#endif							/* REWARDS_REWARD_H */
