/*
 * usage.h
 *		Rows of usage_logs in order of their numbers.
 */
#ifndef REWARDS_USAGE_H
#define REWARDS_USAGE_H

#include "executor/tuptable.h"

typedef struct UsageScan UsageScan;

extern UsageScan *usage_begin(int64 first, int64 last);
extern TupleTableSlot *usage_next(UsageScan *scan);
extern void usage_end(UsageScan *scan);

#endif							/* REWARDS_USAGE_H */
