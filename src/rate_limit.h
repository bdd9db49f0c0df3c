/*
 * rate_limit.h
 *		Limits on usage, which posting watches over.
 */
#ifndef REWARDS_RATE_LIMIT_H
#define REWARDS_RATE_LIMIT_H

#include "totals.h"

typedef struct Limits Limits;

extern Limits *limits_create(void);
extern void limits_add(Limits *limits, const LineRow *row, const int64 *keys);
extern int	limits_write(Limits *limits, const int64 *numbers);

#endif							/* REWARDS_RATE_LIMIT_H */
