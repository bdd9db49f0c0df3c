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

/* units of movements; the numbers are stored and never change */
typedef enum Unit
{
	UNIT_OF_USAGE = 0,			/* each share of a usage row has its own */
	UNIT_POINTS = 1,
	UNIT_EARNINGS = 2,
	UNIT_CREDITS = 3,
	UNIT_TOKENS = 4
} Unit;

/* one row of usage_logs or of the journal, or a referral edge: only its ends and number */
typedef struct LineRow
{
	int64		number;
	TimestampTz created_at;
	bool		succeeded;
	int64		tokens;
	Id			user;			/* text NULL in the journal */
	Id			provider;
	Id			model;
	Id			service;
	Unit		unit;			/* UNIT_OF_USAGE: a usage row */
	const Distribution *distribution;
	int64		referee;		/* 0: no edge */
	int64		referrer;
} LineRow;

/* false stops the reading */
typedef bool (*LineVisitor) (const LineRow *row, void *context);

extern TransactionId line_read_tail(LineVisitor visit, void *context);
extern void line_read_tail_edges(LineVisitor visit, void *context);
extern void line_read(const Stretch *stretches, int count, LineVisitor visit, void *context);

#endif							/* REWARDS_LINE_H */
