/*
 * stream.h
 *		Queries of our own, planned once a session, their rows taken one by one.
 */
#ifndef REWARDS_STREAM_H
#define REWARDS_STREAM_H

#include "executor/spi.h"
#include "executor/tuptable.h"

/* false stops the query */
typedef bool (*RowVisitor) (TupleTableSlot *slot, void *context);

typedef struct StreamQuery
{
	const char *text;
	int			nargs;
	Oid			types[9];
	bool		custom;			/* plan it for the arguments of each run */
	SPIPlanPtr	plan;			/* once it was used */
} StreamQuery;

extern SPIPlanPtr stream_plan(StreamQuery *query);
extern void stream_rows(StreamQuery *query, const Datum *args, const bool *nulls,
						RowVisitor visit, void *context);

#endif							/* REWARDS_STREAM_H */
