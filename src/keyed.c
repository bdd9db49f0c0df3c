/*
 * keyed.c
 *		Our own tables, read and written row by row by their primary keys.
 *
 * Posting changes a row or two for each account it meets, in order of keys, and
 * nobody else writes these tables.  So each row is found by one descent of the
 * index and written where it lies, by the routines that write catalogs; an
 * upsert in SQL would take several times as long.  Rows are read under the
 * active snapshot: a row is written once between opening and closing.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "compat.h"
#include "keyed.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * Our tables are read by place of column and written as catalogs are written,
 * past triggers and the like.  55000 for one that is not as install() made it.
 */
void
check_shape(Relation heap, int columns)
{
	if (heap->rd_rel->relkind != RELKIND_RELATION
		|| heap->rd_tableam != GetHeapamTableAmRoutine()
		|| RelationGetDescr(heap)->natts != columns
		|| heap->trigdesc != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is not as install() made it", RelationGetRelationName(heap)),
				 errhint("Keep columns, triggers and partitions of your own elsewhere.")));
}

/* entries of an index go in as they are: it must have every row, and nothing to compute */
static void
check_indexes(CatalogIndexState indexes)
{
	for (int i = 0; i < indexes->ri_NumIndices; i++)
	{
		const IndexInfo *info = indexes->ri_IndexRelationInfo[i];
		Relation	index = indexes->ri_IndexRelationDescs[i];

		if (info->ii_Expressions || info->ii_Predicate || info->ii_ExclusionOps
			|| !index->rd_index->indimmediate)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("post() cannot keep index \"%s\"", RelationGetRelationName(index)),
					 errhint("On tables of totals make only plain indexes on columns.")));
	}
}

/* equality on each column of the index, its argument to come */
static void
make_keys(KeyedTable *table)
{
	Relation	index = table->index;

	table->nkeys = IndexRelationGetNumberOfKeyAttributes(index);
	if (table->nkeys > KEYED_MAX_KEYS)
		elog(ERROR, "index \"%s\" has too many columns", RelationGetRelationName(index));
	for (int i = 0; i < table->nkeys; i++)
	{
		Oid			type = index->rd_opcintype[i];
		Oid			equal = get_opfamily_member(index->rd_opfamily[i], type, type,
												BTEqualStrategyNumber);

		ScanKeyEntryInitialize(&table->keys[i], 0, (AttrNumber) (i + 1), BTEqualStrategyNumber,
							   InvalidOid, index->rd_indcollation[i], get_opcode(equal), (Datum) 0);
	}
}

void
keyed_open(KeyedTable *table, CatalogTable heap, CatalogTable index,
		   int columns, bool writing)
{
	LOCKMODE	lock = writing ? RowExclusiveLock : AccessShareLock;

	Assert(columns <= KEYED_MAX_COLUMNS);
	table->context = CurrentMemoryContext;
	table->owner = CurrentResourceOwner;
	table->heap = table_open(catalog_table(heap), lock);
	check_shape(table->heap, columns);
	table->index = index_open(catalog_table(index), lock);
	table->snapshot = RegisterSnapshot(GetActiveSnapshot());
	table->slot = table_slot_create(table->heap, NULL);
	table->writing = writing ? CatalogOpenIndexes(table->heap) : NULL;
	if (writing)
		check_indexes(table->writing);
	make_keys(table);
	table->scan = begin_index_scan(table->heap, table->index, table->snapshot, table->nkeys);
}

/* the row of a key, until the next look-up; or NULL */
HeapTuple
keyed_find(KeyedTable *table, const Datum *key)
{
	MemoryContext caller = MemoryContextSwitchTo(table->context);
	ResourceOwner owner = CurrentResourceOwner;
	bool		found;

	CurrentResourceOwner = table->owner;
	for (int i = 0; i < table->nkeys; i++)
		table->keys[i].sk_argument = key[i];
	index_rescan(table->scan, table->keys, table->nkeys, NULL, 0);
	found = index_getnext_slot(table->scan, ForwardScanDirection, table->slot);
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(caller);
	return found ? ExecFetchSlotHeapTuple(table->slot, false, NULL) : NULL;
}

/* writes a row, none of its columns NULL, in place of an old one if there is one */
void
keyed_write(KeyedTable *table, HeapTuple old, const Datum *values)
{
	TupleDesc	desc = RelationGetDescr(table->heap);
	bool		nulls[KEYED_MAX_COLUMNS] = {false};
	HeapTuple	tuple = heap_form_tuple(desc, (Datum *) values, nulls);

	if (old)
		CatalogTupleUpdateWithInfo(table->heap, &old->t_self, tuple, table->writing);
	else
		CatalogTupleInsertWithInfo(table->heap, tuple, table->writing);
	heap_freetuple(tuple);
}

/* writes lines, which are in order of their keys; what the writer allocates goes with each */
void
keyed_write_each(KeyedTable *table, LineWriter write, void *lines, int64 count)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "rewards line",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext previous = MemoryContextSwitchTo(scratch);

	for (int64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		write(table, lines, i);
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(previous);
	MemoryContextDelete(scratch);
}

/* what was written is seen by what comes; locks stay until the transaction ends */
void
keyed_close(KeyedTable *table)
{
	index_endscan(table->scan);
	ExecDropSingleTupleTableSlot(table->slot);
	UnregisterSnapshot(table->snapshot);
	if (table->writing)
		CatalogCloseIndexes(table->writing);
	index_close(table->index, NoLock);
	table_close(table->heap, NoLock);
	if (table->writing)
		CommandCounterIncrement();
}
