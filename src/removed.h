/*
 * removed.h
 *		What is left of rows whose partition has been removed: their sums.
 */
#ifndef REWARDS_REMOVED_H
#define REWARDS_REMOVED_H

#include "line.h"

/* the sums, with these columns */
#define SELECT_SUMS \
	"select sort, account, day, unit, entry, level, name, amount, events, tokens," \
	" first_at, last_at, referred_least, referred_most from rewards.removed_sum"

enum
{
	SUM_SORT,
	SUM_ACCOUNT,
	SUM_DAY,
	SUM_UNIT,
	SUM_ENTRY,
	SUM_LEVEL,
	SUM_NAME,
	SUM_AMOUNT,
	SUM_EVENTS,
	SUM_TOKENS,
	SUM_FIRST_AT,
	SUM_LAST_AT,
	SUM_REFERRED_LEAST,
	SUM_REFERRED_MOST
};

typedef struct Removed Removed;

extern Removed *removed_read(void);
extern bool removed_has(const Removed *removed, int64 number);
extern bool removed_paid(const Removed *removed, int64 account);
extern void removed_fold(void);

#endif							/* REWARDS_REMOVED_H */
