/*
 * score.c
 *		Scores and the buckets that count them, one by one and in walks, straight by
 *		index: what a rank costs must not hang on what the planner believes of
 *		tables that change all the time.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog.h"
#include "catalog/pg_collation.h"
#include "score.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* columns of rewards.score */
enum
{
	SCORE_BOARD = 1,
	SCORE_MONTH,
	SCORE_ACCOUNT,
	SCORE_NAME,
	SCORE_POINTS,
	SCORE_COLUMNS = SCORE_POINTS
};

/* columns of rewards.score_bucket */
enum
{
	BUCKET_BOARD = 1,
	BUCKET_MONTH,
	BUCKET_LOWEST,
	BUCKET_ACCOUNTS,
	BUCKET_COLUMNS = BUCKET_ACCOUNTS
};

#define MAX_KEYS 5

/* ---- one score ---- */

static void
read_score(Score *score, HeapTuple tuple, TupleDesc desc)
{
	Datum		values[SCORE_COLUMNS];
	bool		nulls[SCORE_COLUMNS];

	heap_deform_tuple(tuple, desc, values, nulls);
	score->account = DatumGetInt64(values[SCORE_ACCOUNT - 1]);
	score->name = id_of_datum(values[SCORE_NAME - 1], false);
	score->points = amount_sum_of_datum(values[SCORE_POINTS - 1]);
}

/* scores by account; to read, or to write them, too */
void
scores_open(KeyedTable *scores, bool writing)
{
	keyed_open(scores, TABLE_SCORE, INDEX_SCORE, SCORE_COLUMNS, writing);
}

/* the row of an account's score, or NULL; what it holds in *score, until the next */
HeapTuple
score_find(KeyedTable *scores, Board board, DateADT month, int64 account, Score *score)
{
	Datum		key[] = {
		Int16GetDatum((int16) board), DateADTGetDatum(month), Int64GetDatum(account)
	};
	HeapTuple	tuple = keyed_find(scores, key);

	if (tuple)
		read_score(score, tuple, RelationGetDescr(scores->heap));
	return tuple;
}

/* the same for accounts, boards and months that come in this order */
HeapTuple
score_find_next(KeyedTable *scores, Board board, DateADT month, int64 account, Score *score)
{
	Datum		key[] = {
		Int16GetDatum((int16) board), DateADTGetDatum(month), Int64GetDatum(account)
	};
	HeapTuple	tuple = keyed_find_next(scores, key, 2);

	if (tuple)
		read_score(score, tuple, RelationGetDescr(scores->heap));
	return tuple;
}

/* writes an account's score, in place of the old row if there is one */
void
score_write(KeyedTable *scores, HeapTuple old, Board board, DateADT month, const Score *score)
{
	Datum		values[SCORE_COLUMNS];

	values[SCORE_BOARD - 1] = Int16GetDatum((int16) board);
	values[SCORE_MONTH - 1] = DateADTGetDatum(month);
	values[SCORE_ACCOUNT - 1] = Int64GetDatum(score->account);
	values[SCORE_NAME - 1] = PointerGetDatum(cstring_to_text_with_len(score->name.text, score->name.len));
	values[SCORE_POINTS - 1] = NumericGetDatum(amount_sum_to_numeric(score->points));
	keyed_write(scores, old, values);
}

/* ---- walks ---- */

static void
board_keys(ScanKeyData *keys, Board board, DateADT month)
{
	ScanKeyInit(&keys[0], SCORE_BOARD, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum((int16) board));
	ScanKeyInit(&keys[1], SCORE_MONTH, BTEqualStrategyNumber, F_DATE_EQ, DateADTGetDatum(month));
}

static void
begin_walk(Walk *walk, CatalogTable table, CatalogTable index, int columns,
		   ScanKeyData *keys, int nkeys, ScanDirection direction)
{
	walk->heap = table_open(catalog_table(table), AccessShareLock);
	check_shape(walk->heap, columns);
	walk->index = index_open(catalog_table(index), AccessShareLock);
	walk->scan = systable_beginscan_ordered(walk->heap, walk->index, GetActiveSnapshot(),
											nkeys, keys);
	walk->direction = direction;
}

/* a condition on the points of a score */
void
points_key(ScanKeyData *key, StrategyNumber strategy, AmountSum points)
{
	static const Oid functions[] = {
		[BTLessStrategyNumber] = F_NUMERIC_LT,
		[BTEqualStrategyNumber] = F_NUMERIC_EQ,
		[BTGreaterEqualStrategyNumber] = F_NUMERIC_GE,
		[BTGreaterStrategyNumber] = F_NUMERIC_GT
	};

	ScanKeyInit(key, SCORE_POINTS, strategy, functions[strategy],
				NumericGetDatum(amount_sum_to_numeric(points)));
}

/* a condition on the name of a score, for those of equal points */
void
score_name_key(ScanKeyData *key, StrategyNumber strategy, Id name)
{
	ScanKeyEntryInitialize(key, 0, SCORE_NAME, strategy, InvalidOid, C_COLLATION_OID,
						   strategy == BTLessEqualStrategyNumber ? F_TEXT_LE : F_TEXT_GE,
						   PointerGetDatum(cstring_to_text_with_len(name.text, name.len)));
}

/*
 * Walks the scores of a board: best first, those of equal points by name; or
 * backward.
 */
void
score_walk(Walk *walk, Board board, DateADT month, const ScanKeyData *more,
		   int nmore, ScanDirection direction)
{
	ScanKeyData keys[MAX_KEYS];

	Assert(2 + nmore <= MAX_KEYS);
	board_keys(keys, board, month);
	memcpy(keys + 2, more, nmore * sizeof(ScanKeyData));
	begin_walk(walk, TABLE_SCORE, INDEX_SCORE_ORDER, SCORE_COLUMNS, keys, 2 + nmore, direction);
}

/* the next score; its name lasts until the step after */
bool
score_next(Walk *walk, Score *score)
{
	HeapTuple	tuple = systable_getnext_ordered(walk->scan, walk->direction);

	if (tuple)
		read_score(score, tuple, RelationGetDescr(walk->heap));
	return tuple != NULL;
}

/* how many scores lie between the two, both not included; below 0 has no end */
int64
score_count(Board board, DateADT month, AmountSum above, AmountSum below)
{
	ScanKeyData keys[2];
	Walk		walk;
	int64		count = 0;

	points_key(&keys[0], BTGreaterStrategyNumber, above);
	points_key(&keys[1], BTLessStrategyNumber, below);
	score_walk(&walk, board, month, keys, below > 0 ? 2 : 1, ForwardScanDirection);
	while (systable_getnext_ordered(walk.scan, walk.direction) != NULL)
		count++;
	walk_end(&walk);
	return count;
}

/* walks the buckets of a board, lowest first or backward */
void
bucket_walk(Walk *walk, Board board, DateADT month, ScanDirection direction)
{
	ScanKeyData keys[2];

	board_keys(keys, board, month);
	begin_walk(walk, TABLE_SCORE_BUCKET, INDEX_SCORE_BUCKET, BUCKET_COLUMNS, keys, 2, direction);
}

bool
bucket_next(Walk *walk, Bucket *bucket)
{
	HeapTuple	tuple = systable_getnext_ordered(walk->scan, walk->direction);
	TupleDesc	desc = RelationGetDescr(walk->heap);
	bool		isnull;

	if (tuple == NULL)
		return false;
	bucket->lowest = amount_sum_of_datum(heap_getattr(tuple, BUCKET_LOWEST, desc, &isnull));
	bucket->accounts = DatumGetInt64(heap_getattr(tuple, BUCKET_ACCOUNTS, desc, &isnull));
	return true;
}

void
walk_end(Walk *walk)
{
	systable_endscan_ordered(walk->scan);
	index_close(walk->index, AccessShareLock);
	table_close(walk->heap, AccessShareLock);
}
