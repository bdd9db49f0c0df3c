/*
 * score.h
 *		The scores of the leaderboards, written.
 */
#ifndef REWARDS_SCORE_H
#define REWARDS_SCORE_H

#include "totals.h"

extern void scores_write(const Total *lines, int count);

#endif							/* REWARDS_SCORE_H */
