/*
 * bonus.h
 *		Bonuses that posting finds due.
 */
#ifndef REWARDS_BONUS_H
#define REWARDS_BONUS_H

#include "accounts.h"
#include "totals.h"

/* what an account has done that there may be a bonus for */
typedef struct Feat
{
	Entry		entry;			/* which bonus: milestone, trial or streak */
	AccountKind kind;			/* of the account */
	int64		account;		/* its key, see totals.h */
	int			threshold;		/* how much it has come to; 0 for a trial */
	const char *detail;			/* tells this feat from others of the account, or NULL */
	AsOf		as_of;			/* the event that completed it */
} Feat;

typedef struct Bonuses Bonuses;

extern Bonuses *bonuses_create(void);
extern void bonuses_add(Bonuses *bonuses, const Feat *feat);
extern int	bonuses_book(Bonuses *bonuses, const int64 *numbers);

#endif							/* REWARDS_BONUS_H */
