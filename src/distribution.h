/*
 * distribution.h
 *		Who got what from one event: the shares, and the type that holds them.
 */
#ifndef REWARDS_DISTRIBUTION_H
#define REWARDS_DISTRIBUTION_H

#include "amount.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

/* kinds of movement; the numbers are stored and never change */
typedef enum Entry
{
	ENTRY_NONE = 0,
	ENTRY_WORK = 1,
	ENTRY_USAGE,
	ENTRY_REFERRAL,
	ENTRY_CREATOR,
	ENTRY_SIGNUP_BONUS,
	ENTRY_MILESTONE_BONUS,
	ENTRY_STREAK_BONUS,
	ENTRY_TRIAL_BONUS,
	ENTRY_QUALITY_BONUS,
	ENTRY_ADJUSTMENT,
	ENTRY_REVERSAL,
	ENTRY_PAYOUT,
	ENTRY_STAKE,
	ENTRY_CREDIT,				/* these two only in credits, tokens and the like */
	ENTRY_EXPIRY
} Entry;

#define ENTRY_FIRST		ENTRY_WORK
#define ENTRY_LAST		ENTRY_EXPIRY

/* the row's own account, while it is not registered */
#define ACCOUNT_SELF	INT64CONST(0)

/* how many levels a referral chain may pay */
#define MAX_LEVELS		32

typedef struct Share
{
	Entry		entry;
	int			level;			/* steps up the chain; 0 is the account itself */
	int64		account;		/* account number, or ACCOUNT_SELF */
	Amount		amount;
} Share;

typedef struct varlena Distribution;

typedef struct ShareReader
{
	const uint8 *next;
	const uint8 *end;
} ShareReader;

extern void distribution_begin(StringInfo building);
extern void distribution_add(StringInfo building, const Share *share);
extern Distribution *distribution_finish(StringInfo building);

extern ShareReader distribution_reader(const Distribution *distribution);
extern bool distribution_next(ShareReader *reader, Share *share);
extern Entry distribution_peek(const ShareReader *reader);
extern void distribution_skip(ShareReader *reader);
extern bool distribution_names(const Distribution *distribution, int64 account);

extern Datum distribution_out(PG_FUNCTION_ARGS);
extern const char *entry_name(Entry entry);

#endif							/* REWARDS_DISTRIBUTION_H */
