/*
 * accounts.h
 *		Accounts by id, and who referred whom.
 */
#ifndef REWARDS_ACCOUNTS_H
#define REWARDS_ACCOUNTS_H

#include "event.h"
#include "rules.h"

typedef struct Edge
{
	int64		referrer;		/* 0: none */
	Change		change;
} Edge;

extern int64 account_number(AccountKind kind, Id id);
extern bool account_being_registered(AccountKind kind, Id id);
extern Edge account_edge(int64 number);
extern int64 chain_next(int64 number, const AsOf *as_of);
extern void accounts_forget(void);
extern void accounts_init(void);

#endif							/* REWARDS_ACCOUNTS_H */
