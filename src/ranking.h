/*
 * ranking.h
 *		Places on the leaderboards; called by SQL only.
 */
#ifndef REWARDS_RANKING_H
#define REWARDS_RANKING_H

extern void ranking_init(void);

#endif							/* REWARDS_RANKING_H */
