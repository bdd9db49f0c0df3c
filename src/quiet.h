/*
 * quiet.h
 *		Open transactions that are not doing anything.
 */
#ifndef REWARDS_QUIET_H
#define REWARDS_QUIET_H

#include "utils/timestamp.h"

typedef struct QuietTransaction
{
	uint64		xid;			/* of the whole transaction */
	TimestampTz since;
} QuietTransaction;

typedef struct Quiet
{
	int			count;
	QuietTransaction *transactions;
} Quiet;

extern Quiet quiet_now(void);
extern Quiet quiet_since(const Quiet *before);
extern bool quiet_has(const Quiet *quiet, uint64 xid);
extern uint64 full_xid(TransactionId xid);

#endif							/* REWARDS_QUIET_H */
