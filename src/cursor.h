/*
 * cursor.h
 *		How far posting has come along the number line.
 */
#ifndef REWARDS_CURSOR_H
#define REWARDS_CURSOR_H

#include "quiet.h"

/* a stretch of numbers, both ends included */
typedef struct Stretch
{
	int64		first;
	int64		last;
} Stretch;

/*
 * A stretch of numbers not seen yet.  Each that may yet appear belongs to a
 * transaction from lowest up to, not including, horizon.
 */
typedef struct OpenStretch
{
	Stretch		numbers;
	uint64		lowest;
	uint64		horizon;
} OpenStretch;

/* how far posting has come: totals hold every row up to last outside of open */
typedef struct Cursor
{
	TransactionId written_by;	/* and with it all totals, as they are now */
	int64		last;
	int			nopen;
	OpenStretch *open;			/* ascending, all up to last */
	Quiet		quiet;			/* at a time before any number above last was drawn */
	char	   *identity;		/* of the database that posted last, or NULL */
} Cursor;

extern void cursor_read(Cursor *cursor, bool lock);
extern int	cursor_tail(const Cursor *cursor, Stretch **stretches);
extern bool cursor_is_copied(const Cursor *cursor);
extern void cursor_move(const Cursor *from, int64 last, const OpenStretch *open, int nopen,
						const Quiet *quiet);

#endif							/* REWARDS_CURSOR_H */
