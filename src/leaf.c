/*
 * leaf.c
 *		Spares the executor to find out twice which partition a row belongs to, and
 *		counts in how many statements it is.
 *
 * It routes a row by its number.  A BEFORE ROW trigger might change that, so after
 * any such trigger the executor checks the row against the partition's bound, by an
 * expression that each statement copies, plans and prepares anew: more than all else
 * that a row of one's own statement costs beyond the reward.  Ours leaves the
 * number as it is, so where it is the only one the check is one that always holds.
 */
#include "postgres.h"

#include "compat.h"
#include "executor/executor.h"
#include "leaf.h"
#include "nodes/execnodes.h"

/* of the INSERT that runs, or NULL; in how many statements the executor is */
static EState *inserting = NULL;
static int	depth = 0;
static ExecutorRun_hook_type run_next = NULL;

static Datum
always(ExprState *state, ExprContext *context, bool *isnull)
{
	*isnull = false;
	return BoolGetDatum(true);
}

static ExprState holds = {.type = T_ExprState, .evalfunc = always};

/* a trigger is not told the state of its statement */
static void
run(EXECUTOR_RUN_PARAMETERS)
{
	EState	   *outer = inserting;

	inserting = queryDesc->operation == CMD_INSERT ? queryDesc->estate : NULL;
	depth++;
	PG_TRY();
	{
		if (run_next)
			run_next(EXECUTOR_RUN_ARGUMENTS);
		else
			standard_ExecutorRun(EXECUTOR_RUN_ARGUMENTS);
	}
	PG_FINALLY();
	{
		inserting = outer;
		depth--;
	}
	PG_END_TRY();
}

void
leaf_init(void)
{
	run_next = ExecutorRun_hook;
	ExecutorRun_hook = run;
}

/*
 * In how many statements the executor is.  A trigger after a statement is called when
 * that one is left; the first statement of a session, which loads this library, may
 * not be counted, and COPY is none.
 */
int
leaf_depth(void)
{
	return depth;
}

/*
 * For the only BEFORE ROW trigger of a leaf, which leaves the row where it is: the
 * bound need not be checked again.  The leaf is known by the trigger's own FmgrInfo.
 * Not every statement can be found, COPY cannot: there the check remains.
 */
void
leaf_trust(FmgrInfo *trigger)
{
	ListCell   *cell;

	if (inserting == NULL)
		return;
	foreach(cell, inserting->es_tuple_routing_result_relations)
	{
		ResultRelInfo *leaf = (ResultRelInfo *) lfirst(cell);

		if (leaf->ri_TrigFunctions && leaf->ri_PartitionCheckExpr == NULL
			&& trigger >= leaf->ri_TrigFunctions
			&& trigger < leaf->ri_TrigFunctions + leaf->ri_TrigDesc->numtriggers)
			leaf->ri_PartitionCheckExpr = &holds;
	}
}
