/*
 * lots.h
 *		What is left of credits that expire.
 */
#ifndef REWARDS_LOTS_H
#define REWARDS_LOTS_H

#include "line.h"

/* something that changes what a wallet holds */
typedef struct Movement
{
	int64		number;
	int64		account;
	Unit		unit;
	TimestampTz at;				/* when it happened */
	Amount		amount;
	TimestampTz expires_at;		/* of what comes in, DT_NOEND for never */
	int64		about;			/* the lot that it takes from first, or 0 */
	Id			request;		/* of usage; text NULL for none */
} Movement;

typedef void (*MovementVisitor) (const Movement *movement, void *context);

/* what came in once, and is spent by the order in which lots expire */
typedef struct Lot
{
	int64		id;				/* number of the journal entry that brought it */
	TimestampTz expires_at;
	AmountSum	remaining;
} Lot;

typedef struct Lots Lots;

extern Lots *lots_create(void);
extern void lots_visit_row(const LineRow *row, int64 user, MovementVisitor visit, void *context);
extern void lots_move(Lots *lots, const Movement *movement);
extern const Lot *lots_of(Lots *lots, int64 account, Unit unit, int *count);
extern void lots_write(Lots *lots);
extern AmountSum folded_sum(int64 account, Unit unit);

#endif							/* REWARDS_LOTS_H */
