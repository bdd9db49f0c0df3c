/*
 * score.h
 *		Scores of the leaderboards and the buckets that count them.
 */
#ifndef REWARDS_SCORE_H
#define REWARDS_SCORE_H

#include "access/genam.h"
#include "access/sdir.h"
#include "board.h"
#include "keyed.h"
#include "utils/date.h"

/* the month that stands for all time */
#define ALL_TIME DATEVAL_NOEND

/* one row of rewards.score */
typedef struct Score
{
	int64		account;
	Id			name;			/* in the row: lasts until the next step of a walk */
	AmountSum	points;
} Score;

/* a bucket counts the scores from lowest up to the next bucket's lowest */
typedef struct Bucket
{
	AmountSum	lowest;
	int64		accounts;
} Bucket;

/* a walk along an index, in its order or against it, under the active snapshot */
typedef struct Walk
{
	Relation	heap;
	Relation	index;
	SysScanDesc scan;
	ScanDirection direction;
} Walk;

extern void scores_open(KeyedTable *scores, bool writing);
extern HeapTuple score_find(KeyedTable *scores, Board board, DateADT month, int64 account, Score *score);
extern HeapTuple score_find_next(KeyedTable *scores, Board board, DateADT month, int64 account,
								 Score *score);
extern void score_write(KeyedTable *scores, HeapTuple old, Board board, DateADT month, const Score *score);
extern void score_walk(Walk *walk, Board board, DateADT month, const ScanKeyData *more,
					   int nmore, ScanDirection direction);
extern int64 score_count(Board board, DateADT month, AmountSum above, AmountSum below);
extern bool score_next(Walk *walk, Score *score);
extern void bucket_walk(Walk *walk, Board board, DateADT month, ScanDirection direction);
extern bool bucket_next(Walk *walk, Bucket *bucket);
extern void walk_end(Walk *walk);

extern void points_key(ScanKeyData *key, StrategyNumber strategy, AmountSum points);
extern void score_name_key(ScanKeyData *key, StrategyNumber strategy, Id name);

#endif							/* REWARDS_SCORE_H */
