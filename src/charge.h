/*
 * charge.h
 *		Usage that must be covered by credits.
 */
#ifndef REWARDS_CHARGE_H
#define REWARDS_CHARGE_H

#include "reward.h"
#include "utils/relcache.h"

extern void charge_note(Relation leaf, const UsageEvent *event, const Reward *reward);
extern void charge_statement(Relation usage);
extern void charge_init(void);

#endif							/* REWARDS_CHARGE_H */
