/*
 * ladder.h
 *		The scores of the leaderboards and their buckets, kept.
 */
#ifndef REWARDS_LADDER_H
#define REWARDS_LADDER_H

#include "totals.h"

extern void ladder_write(const Total *lines, int nlines);

#endif							/* REWARDS_LADDER_H */
