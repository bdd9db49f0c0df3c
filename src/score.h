/*
 * score.h
 *		Scores of the leaderboards by account, and the buckets that count them.
 */
#ifndef REWARDS_SCORE_H
#define REWARDS_SCORE_H

#include "keyed.h"
#include "sheets.h"

/* the month that stands for all time */
#define ALL_TIME DATEVAL_NOEND

/* a bucket counts the scores from lowest up to the next bucket's lowest */
typedef struct Bucket
{
	AmountSum	lowest;
	int64		accounts;
} Bucket;

/* a walk along the buckets of a board, lowest first or backward, under the active snapshot */
typedef struct BucketWalk
{
	Relation	heap;
	Relation	index;
	SysScanDesc scan;
	ScanDirection direction;
} BucketWalk;

extern void scores_open(KeyedTable *scores, bool writing);
extern HeapTuple score_find(KeyedTable *scores, Board board, DateADT month, int64 account, Score *score);
extern HeapTuple score_find_next(KeyedTable *scores, Board board, DateADT month, int64 account,
								 Score *score);
extern void score_write(KeyedTable *scores, HeapTuple old, Board board, DateADT month, const Score *score);
extern int64 score_count(Board board, DateADT month, AmountSum above, AmountSum below);
extern void bucket_walk(BucketWalk *walk, Board board, DateADT month, ScanDirection direction);
extern bool bucket_next(BucketWalk *walk, Bucket *bucket);
extern void bucket_walk_end(BucketWalk *walk);

#endif							/* REWARDS_SCORE_H */
