/*
 * line.h
 *		The number line that usage, journal and referral edges share, and reading
 *		along it.
 */
#ifndef REWARDS_LINE_H
#define REWARDS_LINE_H

#include "cursor.h"
#include "distribution.h"
#include "event.h"
#include "stream.h"

/*
 * Units of movements; the numbers are stored and never change.  Currencies that
 * programmes make for themselves come after these.
 */
typedef enum Unit
{
	UNIT_OF_USAGE = 0,			/* each share of a usage row has its own */
	UNIT_POINTS = 1,
	UNIT_EARNINGS = 2,
	UNIT_CREDITS = 3,
	UNIT_TOKENS = 4
} Unit;

/* the shares of a row, once somebody has asked for them */
typedef struct RowShares
{
	MemoryContext context;		/* of the list, which serves row after row */
	Share	   *list;
	int			room;
	int			count;			/* -1: nobody has */
} RowShares;

/* one row of usage_logs or of the journal, or a referral edge: only its ends and number */
typedef struct LineRow
{
	int64		number;
	TimestampTz created_at;
	bool		succeeded;
	int64		input_tokens;
	int64		tokens;			/* journal: of the request taken back, or added to a model */
	int			requests;		/* journal: so many more requests of the model */
	Id			user;			/* text NULL in the journal */
	Id			provider;
	Id			model;
	Id			service;
	Id			tier;
	Id			request;
	Unit		unit;			/* UNIT_OF_USAGE: a usage row */
	const Distribution *distribution;
	RowShares  *shares;			/* for line_shares() */
	Amount		cost;			/* in credits */
	bool		reverses;		/* takes back what was given */
	TimestampTz expires_at;		/* of credits, DT_NOEND for never */
	int64		about;			/* the journal entry that it is about, or 0 */
	int64		usage;			/* the row of usage that it is about, or 0 */
	int64		referee;		/* 0: no edge */
	int64		referrer;
} LineRow;

/* an account that somebody asks for: by number in shares, if it has one, else by name */
typedef struct Party
{
	AccountKind kind;
	Id			name;
	int64		number;			/* ACCOUNT_SELF while it is not registered */
} Party;

/* so many rows of the tail are counted one by one: what takes a millisecond or two */
#define LINE_START INT64CONST(2000)

/* false stops the reading */
typedef bool (*LineVisitor) (const LineRow *row, void *context);

extern const Share *line_shares(const LineRow *row, int *count);
extern TransactionId line_read_tail(const Party *party, LineVisitor visit, void *context);
extern void line_read_tail_edges(LineVisitor visit, void *context);
extern int64 line_read_start(LineVisitor visit, void *context);
extern void line_stream(StreamQuery *query, const Stretch *stretches, int count,
						RowVisitor visit, void *context);
extern void line_stream_usage(const Stretch *stretches, int count, RowVisitor visit, void *context);
extern void line_read(const Stretch *stretches, int count, LineVisitor visit, void *context);

#endif							/* REWARDS_LINE_H */
