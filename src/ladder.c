/*
 * ladder.c
 *		Keeps the scores of the leaderboards, the sheets that hold them in order, and
 *		the ladders of buckets that count them.
 *
 * A score is an account's sum on a board, for a month and for all time.  The
 * positive scores of a board and month are counted in buckets, ranges of points
 * that leave no gap from 0 upwards: a rank is what the buckets above count, plus
 * what lies above within one bucket.  So buckets are kept about as large as they
 * are many: one that has grown too full is cut, and when there are far too many
 * all are cut anew.  A value that alone fills a bucket gets one of just itself,
 * in which nobody is above anybody.
 *
 * Only who holds the cursor writes here.  Everything runs inside SPI.
 */
#include "postgres.h"

#include <math.h>

#include "accounts.h"
#include "batch.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "ladder.h"
#include "miscadmin.h"
#include "score.h"
#include "stream.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(fill_sheets);

#define SMALLEST_BUCKET 128

/* by how much an account's score changes */
typedef struct ScoreChange
{
	int64		account;
	DateADT		month;
	Board		board;
	AmountSum	delta;
	AmountSum	before;
	Id			name;
} ScoreChange;

/* the buckets of one board and month, lowest first */
typedef struct Ladder
{
	Board		board;
	DateADT		month;
	Bucket	   *buckets;
	bool	   *changed;
	int			count;
	int			allocated;
	int64		accounts;		/* on the whole board */
} Ladder;

/* ---- what changes ---- */

/* as ladders lie, and an account's scores */
static int
compare_boards(const void *left, const void *right)
{
	const ScoreChange *a = left;
	const ScoreChange *b = right;

	if (a->board != b->board)
		return a->board < b->board ? -1 : 1;
	return (a->month > b->month) - (a->month < b->month);
}

/* sorts an account's changes and adds those of one score together */
static int
merge_changes(ScoreChange *changes, int count)
{
	int			kept = 0;

	qsort(changes, count, sizeof(ScoreChange), compare_boards);
	for (int i = 0; i < count; i++)
	{
		if (kept > 0 && compare_boards(&changes[kept - 1], &changes[i]) == 0)
			changes[kept - 1].delta += changes[i].delta;
		else
			changes[kept++] = changes[i];
	}
	return kept;
}

/* a line's account is of the kind its other lines say, or else its row */
static AccountKind
kind_of_line(const Total *line)
{
	AccountKind kind = (AccountKind) line->kind;

	if (line->kind == KIND_UNKNOWN)
		pfree(account_describe(line->key.account, &kind));
	return kind;
}

/* adds what a monthly line changes, for the month and for all time */
static int
add_changes(const Total *line, ScoreChange *changes)
{
	int			count = 0;
	AccountKind kind;

	if (line->amount == 0)
		return 0;
	kind = kind_of_line(line);
	for (Board board = BOARD_FIRST; board <= BOARD_LAST; board++)
	{
		ScoreChange change = {line->key.account, line->key.period, board, line->amount};

		if (!board_counts(board, kind, line->key.unit, line->key.entry))
			continue;
		changes[count++] = change;
		change.month = ALL_TIME;
		changes[count++] = change;
	}
	return count;
}

/* monthly lines, which are in order of accounts, to changes of scores in theirs */
static int
collect_changes(const Total *lines, int nlines, ScoreChange **changes)
{
	int			count = 0;

	/* points count on one board of the two kinds, and on that of referrers */
	*changes = palloc_extended((4 * (Size) nlines + 1) * sizeof(ScoreChange), MCXT_ALLOC_HUGE);
	for (int from = 0, to; from < nlines; from = to)
	{
		ScoreChange *own = *changes + count;
		int			n = 0;

		for (to = from; to < nlines && lines[to].key.account == lines[from].key.account; to++)
			n += add_changes(&lines[to], own + n);
		count += merge_changes(own, n);
	}
	return count;
}

/* ---- scores ---- */

/* adds a change to its score, and notes what the score was before, and whose */
static void
add_to_score(KeyedTable *scores, ScoreChange *change, MemoryContext names)
{
	Score		score = {.account = change->account};
	HeapTuple	old = score_find_next(scores, change->board, change->month, change->account, &score);

	change->before = score.points;
	if (old == NULL)
	{
		AccountKind kind;

		score.name.text = account_describe(change->account, &kind);
		score.name.len = strlen(score.name.text);
	}
	change->name.text = MemoryContextAlloc(names, score.name.len);
	change->name.len = score.name.len;
	memcpy((char *) change->name.text, score.name.text, score.name.len);
	score.points += change->delta;
	score_write(scores, old, change->board, change->month, &score);
}

static void
write_scores(ScoreChange *changes, int count)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "rewards score",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext previous;
	KeyedTable	scores;

	scores_open(&scores, true);
	previous = MemoryContextSwitchTo(scratch);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_to_score(&scores, &changes[i], previous);
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(previous);
	keyed_close(&scores);
	MemoryContextDelete(scratch);
}

/* ---- sheets ---- */

/* qsort() would call a function and move words for each of its steps */
#define ST_SORT sort_moves
#define ST_ELEMENT_TYPE SheetChange
#define ST_COMPARE(a, b) score_compare(&(a)->score, &(b)->score)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* moves the scores of one board and month on its sheets, which hold those above zero */
static void
write_sheets(const ScoreChange *changes, int count)
{
	SheetChange *moves = palloc_extended(2 * (Size) count * sizeof(SheetChange), MCXT_ALLOC_HUGE);
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		Score		before = {changes[i].account, changes[i].name, changes[i].before};
		Score		after = {changes[i].account, changes[i].name, changes[i].before + changes[i].delta};

		if (before.points == after.points)
			continue;
		if (before.points > 0)
			moves[n++] = (SheetChange){before, true};
		if (after.points > 0)
			moves[n++] = (SheetChange){after, false};
	}
	sort_moves(moves, n);
	sheets_change(changes[0].board, changes[0].month, moves, n);
	pfree(moves);
}

/* ---- buckets ---- */

static void
add_bucket(Ladder *ladder, AmountSum lowest, int64 accounts, bool changed)
{
	if (ladder->count == ladder->allocated)
	{
		ladder->allocated = Max(64, ladder->allocated * 2);
		ladder->buckets = repalloc_huge(ladder->buckets, ladder->allocated * sizeof(Bucket));
		ladder->changed = repalloc_huge(ladder->changed, ladder->allocated * sizeof(bool));
	}
	ladder->buckets[ladder->count] = (Bucket){lowest, accounts};
	ladder->changed[ladder->count++] = changed;
}

static Ladder
empty_ladder(Board board, DateADT month)
{
	return (Ladder){
		.board = board, .month = month, .buckets = palloc(1), .changed = palloc(1)
	};
}

static Ladder
read_ladder(Board board, DateADT month)
{
	Ladder		ladder = empty_ladder(board, month);
	Bucket		bucket;
	BucketWalk	walk;

	bucket_walk(&walk, board, month, ForwardScanDirection);
	while (bucket_next(&walk, &bucket))
	{
		add_bucket(&ladder, bucket.lowest, bucket.accounts, false);
		ladder.accounts += bucket.accounts;
	}
	bucket_walk_end(&walk);
	if (ladder.count == 0)
		add_bucket(&ladder, 0, 0, true);
	return ladder;
}

/* one score more or less in the bucket that holds these points */
static void
count_score(Ladder *ladder, AmountSum points, int by)
{
	int			low = 0;
	int			high = ladder->count;

	if (points <= 0)
		return;
	while (high - low > 1)
	{
		int			middle = (low + high) / 2;

		if (ladder->buckets[middle].lowest <= points)
			low = middle;
		else
			high = middle;
	}
	ladder->buckets[low].accounts += by;
	ladder->changed[low] = true;
	ladder->accounts += by;
}

/* so many scores of one value are next when a range is cut */
static void
cut_value(Ladder *cut, Bucket *open, AmountSum value, int64 scores, int64 size)
{
	if (scores >= size)
	{
		if (open->lowest < value)
			add_bucket(cut, open->lowest, open->accounts, true);
		add_bucket(cut, value, scores, true);
		*open = (Bucket){value + 1, 0};
		return;
	}
	if (open->accounts > 0 && open->accounts + scores > size)
	{
		add_bucket(cut, open->lowest, open->accounts, true);
		*open = (Bucket){value, 0};
	}
	open->accounts += scores;
}

/* adds a range of points, as buckets of about the size; upto 0 has no end */
static void
cut_range(Ladder *cut, AmountSum lowest, AmountSum upto, int64 size)
{
	Score		from = {.name = {"", 0}, .points = lowest - 1};
	ScoreWalk	walk;
	Score		score;
	Bucket		open = {lowest, 0};
	AmountSum	value = 0;
	int64		scores = 0;

	/* points are whole numbers of billionths; posting goes on past what is damaged */
	score_walk(&walk, cut->board, cut->month, lowest > 0 ? &from : NULL, BackwardScanDirection, true);
	while (score_next(&walk, &score) && (upto == 0 || score.points < upto))
	{
		CHECK_FOR_INTERRUPTS();
		if (scores > 0 && score.points != value)
		{
			cut_value(cut, &open, value, scores, size);
			scores = 0;
		}
		value = score.points;
		scores++;
	}
	score_walk_end(&walk);
	if (scores > 0)
		cut_value(cut, &open, value, scores, size);
	if (upto == 0 || open.lowest < upto)
		add_bucket(cut, open.lowest, open.accounts, true);
}

/* the ladder with buckets that are neither too large nor far too many */
static Ladder
mend_ladder(const Ladder *ladder, bool *anew)
{
	Ladder		mended = empty_ladder(ladder->board, ladder->month);
	int64		size = Max(SMALLEST_BUCKET, (int64) sqrt((double) ladder->accounts));

	mended.accounts = ladder->accounts;
	*anew = ladder->count > 16 + 4 * (ladder->accounts / size);
	if (*anew)
		cut_range(&mended, 0, 0, size);
	else
		for (int i = 0; i < ladder->count; i++)
		{
			Bucket		bucket = ladder->buckets[i];
			AmountSum	upto = i + 1 < ladder->count ? ladder->buckets[i + 1].lowest : 0;

			if (bucket.accounts > 2 * size && bucket.lowest + 1 != upto)
				cut_range(&mended, bucket.lowest, upto, size);
			else
				add_bucket(&mended, bucket.lowest, bucket.accounts, ladder->changed[i]);
		}
	return mended;
}

static void
drop_ladder(const Ladder *ladder)
{
	Oid			types[] = {INT2OID, DATEOID};
	Datum		args[] = {Int16GetDatum((int16) ladder->board), DateADTGetDatum(ladder->month)};

	if (SPI_execute_with_args("delete from rewards.score_bucket where board = $1 and month = $2",
							  2, types, args, NULL, false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not drop buckets");
}

static void
write_ladder(const Ladder *ladder)
{
	static const Oid types[] = {INT2OID, DATEOID, NUMERICOID, INT8OID};
	Batch		buckets = batch_create(4, types, ladder->count);

	for (int i = 0; i < ladder->count; i++)
	{
		int			at = buckets.count;

		if (!ladder->changed[i])
			continue;
		buckets.columns[0][at] = Int16GetDatum((int16) ladder->board);
		buckets.columns[1][at] = DateADTGetDatum(ladder->month);
		buckets.columns[2][at] = NumericGetDatum(amount_sum_to_numeric(ladder->buckets[i].lowest));
		buckets.columns[3][at] = Int64GetDatum(ladder->buckets[i].accounts);
		buckets.count++;
	}
	batch_execute(&buckets, "insert into rewards.score_bucket (board, month, lowest, accounts)"
				  " select * from unnest($1, $2, $3, $4)"
				  " on conflict (board, month, lowest) do update set accounts = excluded.accounts");
}

/* counts the changes of one board and month in its buckets */
static void
write_buckets(const ScoreChange *changes, int count)
{
	Ladder		ladder = read_ladder(changes[0].board, changes[0].month);
	Ladder		mended;
	bool		anew;

	for (int i = 0; i < count; i++)
	{
		count_score(&ladder, changes[i].before, -1);
		count_score(&ladder, changes[i].before + changes[i].delta, 1);
	}
	/* before install() has made sheets there are none to cut by */
	if (!catalog_has(TABLE_SCORE_SHEET))
	{
		write_ladder(&ladder);
		return;
	}
	mended = mend_ladder(&ladder, &anew);
	if (anew)
		drop_ladder(&ladder);
	write_ladder(&mended);
}

/* ---- all of it ---- */

/* writes what the changes, which are in order of boards, make of each board and month */
static void
write_boards(ScoreChange *changes, int count, void (*write) (const ScoreChange *, int))
{
	PushActiveSnapshot(GetLatestSnapshot());
	for (int from = 0, to; from < count; from = to)
	{
		for (to = from + 1; to < count; to++)
			if (compare_boards(&changes[from], &changes[to]) != 0)
				break;
		write(changes + from, to - from);
	}
	PopActiveSnapshot();
}

/*
 * Adds monthly totals, as many as were folded, to the scores.
 */
void
ladder_write(const Total *lines, int nlines)
{
	ScoreChange *changes;
	int			count = collect_changes(lines, nlines, &changes);

	if (count == 0)
		return;
	PushActiveSnapshot(GetLatestSnapshot());
	write_scores(changes, count);
	PopActiveSnapshot();

	qsort(changes, count, sizeof(ScoreChange), compare_boards);
	if (catalog_has(TABLE_SCORE_SHEET))
		write_boards(changes, count, write_sheets);
	write_boards(changes, count, write_buckets);
}

/* ---- for install() ---- */

/* so many scores are put on sheets at once, lest those of millions of accounts lie in memory */
#define FILL_AT_ONCE 100000

/* the scores of a board above zero, as changes from nothing */
typedef struct Filling
{
	Board		board;
	ScoreChange *changes;
	int			count;
	MemoryContext context;		/* of the changes */
	MemoryContext names;		/* theirs */
} Filling;

static void
write_filling(Filling *filling)
{
	MemoryContext previous = MemoryContextSwitchTo(filling->context);

	write_boards(filling->changes, filling->count, write_sheets);
	filling->count = 0;
	MemoryContextReset(filling->names);
	MemoryContextSwitchTo(previous);
}

/* RowVisitor */
static bool
fill_score(TupleTableSlot *slot, void *context)
{
	Filling    *filling = (Filling *) context;
	Id			name = id_of_datum(slot->tts_values[2], false);
	char	   *copy;

	if (filling->count == FILL_AT_ONCE)
		write_filling(filling);
	copy = MemoryContextAlloc(filling->names, name.len);
	memcpy(copy, name.text, name.len);
	filling->changes[filling->count++] = (ScoreChange){
		.account = DatumGetInt64(slot->tts_values[1]),
		.month = DatumGetDateADT(slot->tts_values[0]),
		.board = filling->board,
		.delta = amount_sum_of_datum(slot->tts_values[3]),
		.name = {copy, name.len}
	};
	return true;
}

/* in the order of boards, so that each lot goes behind the one before */
static StreamQuery scores_query = {
	.text = "select s.month, s.account, s.name, s.points from rewards.score s where s.board = $1 and s.points > 0"
	" order by s.month, s.points desc, s.name, s.account",
	.nargs = 1,
	.types = {INT2OID}
};

static void
fill_board(Board board)
{
	Datum		args[] = {Int16GetDatum((int16) board)};
	Filling		filling = {.board = board};

	filling.context = AllocSetContextCreate(CurrentMemoryContext, "rewards filling", ALLOCSET_DEFAULT_SIZES);
	filling.names = AllocSetContextCreate(filling.context, "rewards names", ALLOCSET_DEFAULT_SIZES);
	filling.changes = MemoryContextAlloc(filling.context, FILL_AT_ONCE * sizeof(ScoreChange));
	stream_rows(&scores_query, args, NULL, fill_score, &filling);
	write_filling(&filling);
	MemoryContextDelete(filling.context);
}

/*
 * fill_sheets(): puts all scores on sheets, when these are new.  Only who holds the cursor
 * may call it.
 */
Datum
fill_sheets(PG_FUNCTION_ARGS)
{
	SPI_connect();
	for (Board board = BOARD_FIRST; board <= BOARD_LAST; board++)
		fill_board(board);
	SPI_finish();
	PG_RETURN_VOID();
}
