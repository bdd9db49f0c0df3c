/*
 * line.h
 *		The number line that usage and journal share, and reading along it.
 */
#ifndef REWARDS_LINE_H
#define REWARDS_LINE_H

#include "distribution.h"
#include "event.h"
#include "quiet.h"

/* a stretch of numbers, both ends included */
typedef struct Stretch
{
	int64		first;
	int64		last;
} Stretch;

/* units of movements; the numbers are stored and never change */
typedef enum Unit
{
	UNIT_OF_USAGE = 0,			/* each share of a usage row has its own */
	UNIT_POINTS = 1,
	UNIT_EARNINGS = 2,
	UNIT_CREDITS = 3,
	UNIT_TOKENS = 4
} Unit;

/* one row of usage_logs or of the journal */
typedef struct LineRow
{
	int64		number;
	TimestampTz created_at;
	bool		succeeded;
	int64		tokens;
	Id			user;			/* text NULL in the journal */
	Id			provider;
	Id			model;
	Unit		unit;			/* UNIT_OF_USAGE: a usage row */
	const Distribution *distribution;
} LineRow;

/* false stops the reading */
typedef bool (*LineVisitor) (const LineRow *row, void *context);

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
extern TransactionId line_read_tail(LineVisitor visit, void *context);
extern void line_read(const Stretch *stretches, int count, LineVisitor visit, void *context);

#endif							/* REWARDS_LINE_H */
