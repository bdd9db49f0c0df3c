/*
 * sheets.h
 *		The sheets of the leaderboards in their table: read in order, and changed.
 */
#ifndef REWARDS_SHEETS_H
#define REWARDS_SHEETS_H

#include "access/genam.h"
#include "access/sdir.h"
#include "board.h"
#include "sheet.h"
#include "utils/date.h"

/* a walk along the scores of a board, best first or backward, under the active snapshot */
typedef struct ScoreWalk
{
	Relation	heap;			/* NULL: there are no sheets yet, and all is read */
	Relation	index;
	SysScanDesc scan;			/* NULL: its sheets have not begun, or are at an end */
	Board		board;
	DateADT		month;
	ScanDirection direction;
	bool		forgiving;
	bytea	   *sheet;			/* a copy of the one being read */
	Sheet		scores;			/* those it holds */
	int			at;				/* the next of them */
	bytea	   *after;			/* forward: sheets that begin behind this key are still to come */
} ScoreWalk;

extern void score_walk(ScoreWalk *walk, Board board, DateADT month, const Score *from,
					   ScanDirection direction, bool forgiving);
extern bool score_next(ScoreWalk *walk, Score *score);
extern void score_walk_end(ScoreWalk *walk);

/* a score that comes onto a board, or leaves it */
typedef struct SheetChange
{
	Score		score;
	bool		leaves;
} SheetChange;

extern void sheets_change(Board board, DateADT month, const SheetChange *changes, int count);

#endif							/* REWARDS_SHEETS_H */
