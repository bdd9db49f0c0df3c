/*
 * batch.h
 *		Statements over many rows at once, given as columns of values.
 */
#ifndef REWARDS_BATCH_H
#define REWARDS_BATCH_H

#define BATCH_COLUMNS 8

/* fill columns[i][0 .. count - 1]; each column reaches the statement as an array */
typedef struct Batch
{
	int			ncolumns;
	const Oid  *types;
	Datum	   *columns[BATCH_COLUMNS];
	int			count;
} Batch;

extern Batch batch_create(int ncolumns, const Oid *types, int room);
extern Datum batch_column(const Batch *batch, int column);
extern uint64 batch_execute(const Batch *batch, const char *statement);
extern uint64 batch_read(const Batch *batch, const char *query);

#endif							/* REWARDS_BATCH_H */
