/*
 * neighbour.h
 *		The partitions that may hold a request already when a row enters one of them.
 */
#ifndef REWARDS_NEIGHBOUR_H
#define REWARDS_NEIGHBOUR_H

#include "partitioning/partbounds.h"

/*
 * Beside which partitions a row enters a leaf.  Found for one row, it is good for the
 * next as long as no relation changes and no number has been drawn from upto on: the
 * partitions ahead, and the default one, can have no row that they had not.
 */
typedef struct Neighbours
{
	Oid			leaf;
	uint64		generation;
	int64		upto;			/* PG_INT64_MIN: good for that row only */
	int64		end;			/* from which number on rows enter partitions ahead */
	int			count;
	Oid		   *partitions;
} Neighbours;

extern int64 partition_bound(PartitionBoundInfo bounds, int place);
extern const Neighbours *neighbours_of(Oid leaf);
extern Oid *newest_partitions(int *count);

#endif							/* REWARDS_NEIGHBOUR_H */
