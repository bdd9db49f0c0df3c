/*
 * keyed.c
 *		Our own tables, read and written row by row by their primary keys.
 *
 * Posting changes a row or two for each account it meets, in order of keys, and
 * nobody else writes these tables.  So each row is found by one descent of the
 * index, or by walking on from the one before, and written where it lies, by the
 * routines that write catalogs; an upsert in SQL would take several times as long.
 * Rows are read under the active snapshot: a row is written once between opening
 * and closing.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/nbtree.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "compat.h"
#include "keyed.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "storage/bufmgr.h"
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

/* a condition on a column of the index, its argument to come */
static void
make_key(Relation index, ScanKey key, int column, StrategyNumber strategy)
{
	Oid			type = index->rd_opcintype[column];
	Oid			compare = get_opfamily_member(index->rd_opfamily[column], type, type, strategy);

	ScanKeyEntryInitialize(key, 0, (AttrNumber) (column + 1), strategy,
						   InvalidOid, index->rd_indcollation[column], get_opcode(compare), (Datum) 0);
}

static void
make_keys(KeyedTable *table)
{
	table->nkeys = IndexRelationGetNumberOfKeyAttributes(table->index);
	if (table->nkeys > KEYED_MAX_KEYS)
		elog(ERROR, "index \"%s\" has too many columns", RelationGetRelationName(table->index));
	for (int i = 0; i < table->nkeys; i++)
		make_key(table->index, &table->keys[i], i, BTEqualStrategyNumber);
}

/* the value of a key for a column of the index, whose order need not be the table's */
static Datum
key_value(const KeyedTable *table, const Datum *key, int column)
{
	return key[table->index->rd_index->indkey.values[column] - 1];
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
	table->walk = NULL;
	table->walking = false;
	table->dense = false;
	table->scan = begin_index_scan(table->heap, table->index, table->snapshot, table->nkeys);
}

/* whether the index has no entry and never had one since it was made */
bool
keyed_is_empty(const KeyedTable *table)
{
	return RelationGetNumberOfBlocks(table->index) <= BTREE_METAPAGE + 1;
}

/* the row of a key, its columns in the table's order, until the next look-up; or NULL */
HeapTuple
keyed_find(KeyedTable *table, const Datum *key)
{
	MemoryContext caller = MemoryContextSwitchTo(table->context);
	ResourceOwner owner = CurrentResourceOwner;
	bool		found;

	CurrentResourceOwner = table->owner;
	for (int i = 0; i < table->nkeys; i++)
		table->keys[i].sk_argument = key_value(table, key, i);
	index_rescan(table->scan, table->keys, table->nkeys, NULL, 0);
	found = index_getnext_slot(table->scan, ForwardScanDirection, table->slot);
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(caller);
	return found ? ExecFetchSlotHeapTuple(table->slot, false, NULL) : NULL;
}

/* ---- keys that come in order ---- */

/* of so many keys a page the next is reached sooner by walking on than from the root */
#define DENSE_KEYS 8

/* further than this a descent takes less */
#define FAR_ENTRIES 64

/* before keys that come in order: so many, of all entries of the index */
void
keyed_expect(KeyedTable *table, int64 keys)
{
	table->dense = keys >= DENSE_KEYS * (int64) RelationGetNumberOfBlocks(table->index);
}

/* an integer of whatever size */
static int64
integer_of_datum(Datum value, int size)
{
	switch (size)
	{
		case sizeof(int16):
			return DatumGetInt16(value);
		case sizeof(int32):
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* whether the walk's entry comes before a key, is its, or comes after; beyond what is common */
static int
compare_entry(const KeyedTable *table, const Datum *key)
{
	TupleDesc	desc = table->walk->xs_itupdesc;

	for (int i = table->common; i < table->nkeys; i++)
	{
		bool		isnull;
		int			size = TupleDescAttr(desc, i)->attlen;
		int64		value = integer_of_datum(index_getattr(table->walk->xs_itup, i + 1, desc, &isnull), size);
		int64		wanted = integer_of_datum(key_value(table, key, i), size);

		if (value != wanted)
			return value < wanted ? -1 : 1;
	}
	return 0;
}

/* whether the walk is among entries that have the common columns of a key */
static bool
is_on_the_way(const KeyedTable *table, const Datum *key, int common)
{
	if (!table->walking || table->common != common)
		return false;
	for (int i = 0; i < common; i++)
		if (table->walk_keys[i].sk_argument != key_value(table, key, i))
			return false;
	return true;
}

/* begins a walk at a key, over those that have the same common columns */
static void
begin_walk(KeyedTable *table, const Datum *key, int common)
{
	if (table->walk == NULL)
	{
		for (int i = 0; i <= common; i++)
			make_key(table->index, &table->walk_keys[i], i,
					 i < common ? BTEqualStrategyNumber : BTGreaterEqualStrategyNumber);
		table->common = common;
		table->walk = begin_index_scan(table->heap, table->index, table->snapshot, common + 1);
		table->walk->xs_want_itup = true;
	}
	Assert(table->common == common);
	for (int i = 0; i <= common; i++)
		table->walk_keys[i].sk_argument = key_value(table, key, i);
	index_rescan(table->walk, table->walk_keys, common + 1, NULL, 0);
	table->walking = true;
	table->on_entry = false;
}

static bool
walk_to(KeyedTable *table, const Datum *key)
{
	for (int64 passed = 0;; passed++)
	{
		int			order;

		if (passed == FAR_ENTRIES && table->dense)
			begin_walk(table, key, 0);
		if (!table->on_entry && index_getnext_tid(table->walk, ForwardScanDirection) == NULL)
			return table->walking = false;
		table->on_entry = true;
		order = compare_entry(table, key);
		if (order > 0)
			return false;
		table->on_entry = false;
		/* of several entries of a key one at most leads to a row that is seen */
		if (order == 0 && index_fetch_heap(table->walk, table->slot))
			return true;
	}
}

/*
 * As keyed_find(), for ascending keys of integers: those that share so many columns of
 * the index with the key before, or all where they lie close, are looked for from there on.
 */
HeapTuple
keyed_find_next(KeyedTable *table, const Datum *key, int common)
{
	MemoryContext caller;
	ResourceOwner owner = CurrentResourceOwner;
	bool		found;

	if (table->dense)
		common = 0;
	else if (common == 0)
		return keyed_find(table, key);
	caller = MemoryContextSwitchTo(table->context);
	CurrentResourceOwner = table->owner;
	if (!is_on_the_way(table, key, common))
		begin_walk(table, key, common);
	found = walk_to(table, key);
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(caller);
	return found ? ExecFetchSlotHeapTuple(table->slot, false, NULL) : NULL;
}

/* writes a row, none of its columns NULL, in place of the one that lies there; NULL: of none */
void
keyed_write_at(KeyedTable *table, ItemPointer place, const Datum *values)
{
	TupleDesc	desc = RelationGetDescr(table->heap);
	bool		nulls[KEYED_MAX_COLUMNS] = {false};
	HeapTuple	tuple = heap_form_tuple(desc, (Datum *) values, nulls);

	if (place)
		CatalogTupleUpdateWithInfo(table->heap, place, tuple, table->writing);
	else
		CatalogTupleInsertWithInfo(table->heap, tuple, table->writing);
	heap_freetuple(tuple);
}

/* the same in place of a row that was found, if there is one */
void
keyed_write(KeyedTable *table, HeapTuple old, const Datum *values)
{
	keyed_write_at(table, old ? &old->t_self : NULL, values);
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
	if (table->walk)
		index_endscan(table->walk);
	ExecDropSingleTupleTableSlot(table->slot);
	UnregisterSnapshot(table->snapshot);
	if (table->writing)
		CatalogCloseIndexes(table->writing);
	index_close(table->index, NoLock);
	table_close(table->heap, NoLock);
	if (table->writing)
		CommandCounterIncrement();
}
