/*
 * stages.c
 *		Finds the referees who may have reached a stage, or fallen behind one.
 *
 * Most who make requests stay where they are, so it is found out here whom
 * rewards.fold_stages() must look at.  rewards.referee_stage has every referee whose
 * edge is folded; what a new edge leads to is counted when it is folded itself
 * (network.c).  Only who holds the cursor comes here, inside SPI.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "batch.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "keyed.h"
#include "stages.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* columns of rewards.referee_stage; the first is the key */
enum
{
	STAGE_ACCOUNT,
	STAGE_ONBOARDED,
	STAGE_ACTIVE,
	STAGE_RETAINED,
	STAGE_REVERSED,
	STAGE_COLUMNS
};

struct Stages
{
	Totals	   *totals;
	KeyedTable	all;
	KeyedTable	reversed;		/* of whom something was taken back */
	bool		any_reversed;	/* mostly nobody */
	Batch		batch;			/* account, advanced, reversed */
};

/* for so many accounts and the totals of the same posting; NULL: nothing is counted yet */
Stages *
stages_create(int accounts, Totals *totals)
{
	static const Oid types[] = {INT8OID, BOOLOID, BOOLOID};
	Stages	   *stages;

	/* tables that install() has not brought to this version yet it will fill then */
	if (!catalog_has(INDEX_REFEREE_REVERSED))
		return NULL;
	stages = palloc(sizeof(Stages));
	stages->totals = totals;
	stages->batch = batch_create(lengthof(types), types,
								 accounts + (int) hash_get_num_entries(totals->totals));
	PushActiveSnapshot(GetLatestSnapshot());
	keyed_open(&stages->all, TABLE_REFEREE_STAGE, INDEX_REFEREE_STAGE, STAGE_COLUMNS, false);
	keyed_open(&stages->reversed, TABLE_REFEREE_STAGE, INDEX_REFEREE_REVERSED, STAGE_COLUMNS, false);
	PopActiveSnapshot();
	stages->any_reversed = !keyed_is_empty(&stages->reversed);
	return stages;
}

/* whether it is counted as a referee who has not come through all stages */
static bool
is_on_the_way(Stages *stages, int64 account)
{
	Datum		values[STAGE_COLUMNS] = {Int64GetDatum(account)};
	bool		nulls[STAGE_COLUMNS];
	HeapTuple	tuple = keyed_find(&stages->all, values);

	if (tuple == NULL)
		return false;
	heap_deform_tuple(tuple, RelationGetDescr(stages->all.heap), values, nulls);
	return !(DatumGetBool(values[STAGE_ONBOARDED]) && DatumGetBool(values[STAGE_ACTIVE])
			 && DatumGetBool(values[STAGE_RETAINED]));
}

/* of whom something was taken back a day that is known may be a new one */
static bool
was_reversed(Stages *stages, int64 account)
{
	Datum		key[1] = {Int64GetDatum(account)};

	return stages->any_reversed && keyed_find(&stages->reversed, key) != NULL;
}

static void
add_candidate(Batch *batch, int64 account, bool advanced, bool reversed)
{
	batch->columns[0][batch->count] = Int64GetDatum(account);
	batch->columns[1][batch->count] = BoolGetDatum(advanced);
	batch->columns[2][batch->count++] = BoolGetDatum(reversed);
}

/* adds an account that made requests; advanced: they may have brought it to a stage */
void
stages_add(Stages *stages, int64 account, bool advanced)
{
	if (advanced ? is_on_the_way(stages, account) : was_reversed(stages, account))
		add_candidate(&stages->batch, account, advanced, false);
}

/* adds those whose requests were taken back, for they may have fallen behind a stage */
static void
add_reversed(Stages *stages, const int64 *numbers)
{
	HASH_SEQ_STATUS scan;
	Total	   *total;

	hash_seq_init(&scan, stages->totals->totals);
	while ((total = hash_seq_search(&scan)) != NULL)
		if (total->key.unit == UNIT_POINTS && total->events != 0
			&& (total->key.entry == -ENTRY_WORK || total->key.entry == -ENTRY_USAGE))
			add_candidate(&stages->batch, number_of_key(total->key.account, numbers), false, true);
}

/* counts those added, and those of whom complete_onboarding() was told */
void
stages_write(Stages *stages, const int64 *numbers)
{
	keyed_close(&stages->reversed);
	keyed_close(&stages->all);
	add_reversed(stages, numbers);
	batch_execute(&stages->batch, "select rewards.fold_stages($1, $2, $3)");
	if (stages->batch.count == 0
		&& SPI_execute("select rewards.fold_stages('{}', '{}', '{}') where exists (select from rewards.onboarding)",
					   false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not count stages");
}
