/*
 * accounts.h
 *		Accounts by id, and who referred whom.
 */
#ifndef REWARDS_ACCOUNTS_H
#define REWARDS_ACCOUNTS_H

#include "event.h"
#include "forest.h"

/* columns of rewards.account, and of its indexes */
enum
{
	ACCOUNT_ID = 1,
	ACCOUNT_KIND,
	ACCOUNT_NAME,
	ACCOUNT_REFERRER,
	ACCOUNT_REFERRED_AT,
	ACCOUNT_SEEN_FROM,
	ACCOUNT_SURE_FROM
};

extern Account account_find(AccountKind kind, Id id);
extern Account account_look_up(AccountKind kind, Id id);
extern Edge account_edge(int64 number);
extern char *account_name(int64 number, AccountKind *kind);
extern char *account_describe(int64 number, AccountKind *kind);
extern void account_missing(int64 number);
extern bool account_being_registered(AccountKind kind, Id id);
extern Account account_referrer(const Account *account, const AsOf *as_of);
extern void accounts_keep_open(void);
extern void accounts_close(void);
extern void accounts_forget(void);
extern void accounts_remember(void);
extern void accounts_init(void);

#endif							/* REWARDS_ACCOUNTS_H */
