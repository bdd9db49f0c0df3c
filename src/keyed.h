/*
 * keyed.h
 *		Our own tables, read and written row by row by their primary keys.
 */
#ifndef REWARDS_KEYED_H
#define REWARDS_KEYED_H

#include "access/relscan.h"
#include "access/skey.h"
#include "catalog.h"
#include "catalog/indexing.h"
#include "executor/tuptable.h"
#include "utils/resowner.h"

#define KEYED_MAX_KEYS 5
#define KEYED_MAX_COLUMNS 12

typedef struct KeyedTable
{
	Relation	heap;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;		/* the row found last */
	ScanKeyData keys[KEYED_MAX_KEYS];
	int			nkeys;
	IndexScanDesc walk;			/* for keys that come in order; NULL: not begun */
	ScanKeyData walk_keys[KEYED_MAX_KEYS];
	bool		dense;			/* so many keys come that the walk goes through all entries */
	int			common;			/* so many columns of the walk are equal */
	bool		walking;		/* the walk stands somewhere */
	bool		on_entry;		/* at an entry that no key has met */
	Snapshot	snapshot;
	MemoryContext context;		/* of the scan, which allocates as it goes */
	ResourceOwner owner;		/* of its buffers, wherever a look-up comes from */
	CatalogIndexState writing;	/* NULL for reading only */
} KeyedTable;

/* writes one of many lines */
typedef void (*LineWriter) (KeyedTable *table, void *lines, int64 line);

extern void check_shape(Relation heap, int columns);
extern void keyed_open(KeyedTable *table, CatalogTable heap, CatalogTable index,
					   int columns, bool writing);
extern void keyed_expect(KeyedTable *table, int64 keys);
extern bool keyed_is_empty(const KeyedTable *table);
extern HeapTuple keyed_find(KeyedTable *table, const Datum *key);
extern HeapTuple keyed_find_next(KeyedTable *table, const Datum *key, int common);
extern void keyed_write_at(KeyedTable *table, ItemPointer place, const Datum *values);
extern void keyed_write(KeyedTable *table, HeapTuple old, const Datum *values);
extern void keyed_write_each(KeyedTable *table, LineWriter write, void *lines, int64 count);
extern void keyed_close(KeyedTable *table);

#endif							/* REWARDS_KEYED_H */
