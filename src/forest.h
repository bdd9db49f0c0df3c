/*
 * forest.h
 *		Accounts by number and who referred them, as far as remembered.
 */
#ifndef REWARDS_FOREST_H
#define REWARDS_FOREST_H

#include "rules.h"

typedef struct Edge
{
	int64		referrer;		/* 0: none */
	Change		change;
} Edge;

/* number is ACCOUNT_SELF while the account is not registered */
typedef struct Account
{
	int64		number;
	Edge		edge;
} Account;

/* an account, and at which generation of the account signal it was read */
typedef struct ForestEntry
{
	Account		account;
	uint64		asked;
	char		status;
} ForestEntry;

extern const ForestEntry *forest_find(int64 number);
extern void forest_put(const Account *account, uint64 asked);
extern void forest_forget(void);

#endif							/* REWARDS_FOREST_H */
