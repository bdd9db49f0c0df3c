/*
 * batch.c
 *		Statements over many rows at once: one statement for a whole posting,
 *		its rows as columns, each column an array to be unnested.
 *
 * Everything here runs inside SPI.
 */
#include "postgres.h"

#include "batch.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

/* a batch without rows, with room for as many as given */
Batch
batch_create(int ncolumns, const Oid *types, int room)
{
	Batch		batch = {.ncolumns = ncolumns, .types = types};

	Assert(ncolumns <= BATCH_COLUMNS);
	for (int i = 0; i < ncolumns; i++)
		batch.columns[i] = palloc_extended(Max(room, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	return batch;
}

static Datum
array_of(const Datum *values, int count, Oid type)
{
	int16		len;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &len, &by_value, &align);
	return PointerGetDatum(construct_array((Datum *) values, count, type, len, by_value, align));
}

/* a column as an array */
Datum
batch_column(const Batch *batch, int column)
{
	return array_of(batch->columns[column], batch->count, batch->types[column]);
}

static uint64
run(const Batch *batch, const char *statement, bool read_only)
{
	Oid			types[BATCH_COLUMNS];
	Datum		args[BATCH_COLUMNS] = {0};

	if (batch->count == 0)
		return 0;
	for (int i = 0; i < batch->ncolumns; i++)
	{
		types[i] = get_array_type(batch->types[i]);
		args[i] = batch_column(batch, i);
	}
	if (SPI_execute_with_args(statement, batch->ncolumns, types, args, NULL, read_only, 0) < 0)
		elog(ERROR, "could not run: %s", statement);
	return SPI_processed;
}

/*
 * Runs a statement whose parameters are the columns; nothing for no rows.
 * Returns how many rows it concerned.
 */
uint64
batch_execute(const Batch *batch, const char *statement)
{
	return run(batch, statement, false);
}

/* the same for a query, under the active snapshot */
uint64
batch_read(const Batch *batch, const char *query)
{
	return run(batch, query, true);
}
