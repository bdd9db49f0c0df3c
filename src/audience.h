/*
 * audience.h
 *		Whom posting has something to tell.
 */
#ifndef REWARDS_AUDIENCE_H
#define REWARDS_AUDIENCE_H

#include "totals.h"

typedef struct Audience Audience;

extern Audience *audience_create(void);
extern void audience_add(Audience *audience, const LineRow *row, int64 user, bool earned);
extern void audience_write(Audience *audience, const int64 *numbers);

#endif							/* REWARDS_AUDIENCE_H */
