/*
 * score.c
 *		Scores by account, and the buckets that count them, straight by index: what a
 *		rank costs must not hang on what the planner believes of tables that change
 *		all the time.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog.h"
#include "miscadmin.h"
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

/*
 * How many scores lie between the two, both not included; below 0 has no end.  They are
 * counted upward: from the place behind all that have more than the one.
 */
int64
score_count(Board board, DateADT month, AmountSum above, AmountSum below)
{
	Score		from = {.name = {"", 0}, .points = above};
	Score		score;
	ScoreWalk	walk;
	int64		count = 0;

	score_walk(&walk, board, month, &from, BackwardScanDirection, false);
	while (score_next(&walk, &score) && (below == 0 || score.points < below))
	{
		CHECK_FOR_INTERRUPTS();
		count++;
	}
	score_walk_end(&walk);
	return count;
}

/* ---- buckets ---- */

/* walks the buckets of a board, lowest first or backward */
void
bucket_walk(BucketWalk *walk, Board board, DateADT month, ScanDirection direction)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], BUCKET_BOARD, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum((int16) board));
	ScanKeyInit(&keys[1], BUCKET_MONTH, BTEqualStrategyNumber, F_DATE_EQ, DateADTGetDatum(month));
	walk->heap = table_open(catalog_table(TABLE_SCORE_BUCKET), AccessShareLock);
	check_shape(walk->heap, BUCKET_COLUMNS);
	walk->index = index_open(catalog_table(INDEX_SCORE_BUCKET), AccessShareLock);
	walk->scan = systable_beginscan_ordered(walk->heap, walk->index, GetActiveSnapshot(), 2, keys);
	walk->direction = direction;
}

bool
bucket_next(BucketWalk *walk, Bucket *bucket)
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
bucket_walk_end(BucketWalk *walk)
{
	systable_endscan_ordered(walk->scan);
	index_close(walk->index, AccessShareLock);
	table_close(walk->heap, AccessShareLock);
}
