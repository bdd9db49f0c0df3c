/*
 * stream.c
 *		Runs queries under the active snapshot and hands their rows to a visitor
 *		as they come, so that a million of them need no memory.
 *
 * A visitor runs inside the query, in memory that lasts for one row: it must
 * not call SPI.
 */
#include "postgres.h"

#include "nodes/params.h"
#include "stream.h"
#include "tcop/dest.h"
#include "utils/memutils.h"

typedef struct StreamReceiver
{
	DestReceiver receiver;		/* first: the executor knows only this part */
	RowVisitor	visit;
	void	   *context;
	MemoryContext scratch;		/* emptied after each row */
} StreamReceiver;

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	StreamReceiver *stream = (StreamReceiver *) self;
	MemoryContext previous;
	bool		more;

	slot_getallattrs(slot);
	previous = MemoryContextSwitchTo(stream->scratch);
	more = stream->visit(slot, stream->context);
	MemoryContextSwitchTo(previous);
	MemoryContextReset(stream->scratch);
	return more;
}

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
receiver_done(DestReceiver *self)
{
}

/*
 * The query's plan, made at its first use and kept for the session; of a custom
 * one only what does not hang on the arguments.
 */
SPIPlanPtr
stream_plan(StreamQuery *query)
{
	if (query->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare_cursor(query->text, query->nargs, query->types,
											  query->custom ? CURSOR_OPT_CUSTOM_PLAN
											  : CURSOR_OPT_GENERIC_PLAN);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare: %s", query->text);
		query->plan = plan;
	}
	return query->plan;
}

/*
 * Visits the rows of a query, all columns of the slot filled.  Needs SPI; args
 * and nulls are as many as the query takes.
 */
void
stream_rows(StreamQuery *query, const Datum *args, const bool *nulls,
			RowVisitor visit, void *context)
{
	StreamReceiver stream = {
		.receiver = {receive_row, receiver_startup, receiver_done, receiver_done, DestNone},
		.visit = visit,
		.context = context
	};
	SPIExecuteOptions options = {0};
	ParamListInfo params = makeParamList(query->nargs);

	for (int i = 0; i < query->nargs; i++)
	{
		params->params[i].value = args[i];
		params->params[i].isnull = nulls != NULL && nulls[i];
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = query->types[i];
	}
	stream.scratch = AllocSetContextCreate(CurrentMemoryContext, "rewards stream",
										   ALLOCSET_DEFAULT_SIZES);
	options.params = params;
	options.read_only = true;
	options.dest = &stream.receiver;
	if (SPI_execute_plan_extended(stream_plan(query), &options) < 0)
		elog(ERROR, "could not run: %s", query->text);
	MemoryContextDelete(stream.scratch);
}
