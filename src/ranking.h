/*
 * ranking.h
 *		Places on the leaderboards.
 */
#ifndef REWARDS_RANKING_H
#define REWARDS_RANKING_H

#include "fmgr.h"
#include "score.h"

/* they return to SQL: rows of (rank, kind, account, points), one row of (rank, points, of) */
extern void ranking_top(FunctionCallInfo fcinfo, Board board, DateADT month, int64 n);
extern Datum ranking_rank(FunctionCallInfo fcinfo, Board board, DateADT month, AccountKind kind, Id id);
extern void ranking_around(FunctionCallInfo fcinfo, Board board, DateADT month, AccountKind kind, Id id,
						   int64 n);

extern void ranking_init(void);

#endif							/* REWARDS_RANKING_H */
