/*
 * reader.h
 *		Who reads, and which account that is limited to.
 */
#ifndef REWARDS_READER_H
#define REWARDS_READER_H

#include "event.h"
#include "fmgr.h"

/* what the current role may read of accounts, as far as views go */
typedef struct Reader
{
	bool		limited;		/* to one account, or to none */
	bool		known;			/* there is one, and this is it: */
	AccountKind kind;
	Id			name;
	int64		number;			/* 0 when it is not registered */
} Reader;

/* the caller's role, while what a view calls runs as the extension's owner */
typedef struct RoleSwitch
{
	Oid			role;
	int			context;
} RoleSwitch;

extern Reader reader_current(FunctionCallInfo fcinfo);
extern void reader_require(const Reader *reader, AccountKind kind, Id name);
extern void reader_check(FunctionCallInfo fcinfo, AccountKind kind, Id name);
extern RoleSwitch become_owner(FunctionCallInfo fcinfo);
extern void become_caller(const RoleSwitch *caller);
extern void reader_init(void);

#endif							/* REWARDS_READER_H */
