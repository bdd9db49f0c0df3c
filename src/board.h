/*
 * board.h
 *		The leaderboards: which share counts where.
 */
#ifndef REWARDS_BOARD_H
#define REWARDS_BOARD_H

#include "event.h"
#include "fmgr.h"

/* the numbers are stored and never change */
typedef enum Board
{
	BOARD_PROVIDER = 1,
	BOARD_USER,
	BOARD_CREATOR,
	BOARD_REFERRER
} Board;

#define BOARD_FIRST BOARD_PROVIDER
#define BOARD_LAST BOARD_REFERRER

extern AccountKind board_kind(Board board);
extern Board board_of_argument(FunctionCallInfo fcinfo, int number);
extern AccountKind board_kind_of_argument(FunctionCallInfo fcinfo, int number, Board board);
extern bool board_counts(Board board, AccountKind kind, int unit, int entry);

#endif							/* REWARDS_BOARD_H */
