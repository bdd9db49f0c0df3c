/*
 * streak.h
 *		Runs of days on which an account was active.
 */
#ifndef REWARDS_STREAK_H
#define REWARDS_STREAK_H

#include "bonus.h"

/* a day of activity, and the first event of it */
typedef struct ActiveDay
{
	DateADT		day;
	AsOf		as_of;
} ActiveDay;

/* where an account stands: the run that ends on its last day, and the best length */
typedef struct Streak
{
	int			length;
	int			best;
	DateADT		since;			/* the first day of the run */
	DateADT		last_day;
} Streak;

/* an account, by its key, and days on which it was active, ascending */
typedef struct Runner
{
	int64		account;
	AccountKind kind;
	const ActiveDay *days;
	int			count;
} Runner;

typedef struct Streaks Streaks;

extern int	known_days(int64 account, DateADT **days);
extern Streaks *streaks_create(Bonuses *bonuses);
extern void streaks_add(Streaks *streaks, const Runner *runner, Streak *streak);
extern void streaks_record(Streaks *streaks, const int64 *numbers);
extern void streaks_init(void);

#endif							/* REWARDS_STREAK_H */
