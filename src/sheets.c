/*
 * sheets.c
 *		The sheets of the leaderboards in their table: read in order, and changed.
 *
 * A row of rewards.score_sheet is a sheet of one board and month, and bears a key: it
 * holds the scores from there on up to the key of the next sheet.  The first sheet of a
 * board has an empty key, below all others.  Keys stay as they are however scores come
 * and go, so that a sheet is updated in place, without an entry in any index; one that
 * has grown too large is cut, one left small takes in the next.
 *
 * Only who holds the cursor writes here.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "keyed.h"
#include "miscadmin.h"
#include "sheets.h"
#include "stream.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* columns of rewards.score_sheet */
enum
{
	SHEET_BOARD,
	SHEET_MONTH,
	SHEET_FIRST,
	SHEET_SCORES,
	SHEET_COLUMNS
};

/* bytes of scores: a sheet's at most, one that takes in the next, and those it is cut to */
#define LARGEST_SHEET	1600
#define SMALL_SHEET		400
#define CUT_SHEET		1000
#define CUT_SLACK		64		/* pieces end with a whole score */

/* sheets of a board, those from a key on or up to one; without a strategy, all */
static int
sheet_keys(ScanKeyData *keys, Board board, DateADT month, StrategyNumber strategy, const bytea *key)
{
	ScanKeyInit(&keys[0], SHEET_BOARD + 1, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum((int16) board));
	ScanKeyInit(&keys[1], SHEET_MONTH + 1, BTEqualStrategyNumber, F_DATE_EQ, DateADTGetDatum(month));
	if (strategy == InvalidStrategy)
		return 2;
	ScanKeyInit(&keys[2], SHEET_FIRST + 1, strategy,
				strategy == BTGreaterStrategyNumber ? F_BYTEAGT : F_BYTEALE, PointerGetDatum(key));
	return 3;
}

static void
refuse_damaged(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("a stored sheet of a leaderboard is damaged"),
			 errhint("Run: select rewards.repair('a damaged sheet');")));
}

/* ---- reading ---- */

static void
begin_scan(ScoreWalk *walk, StrategyNumber strategy, const bytea *key)
{
	ScanKeyData keys[3];
	int			nkeys = sheet_keys(keys, walk->board, walk->month, strategy, key);

	walk->scan = systable_beginscan_ordered(walk->heap, walk->index, GetActiveSnapshot(), nkeys, keys);
}

static void
end_scan(ScoreWalk *walk)
{
	systable_endscan_ordered(walk->scan);
	walk->scan = NULL;
}

/* takes the scores out of a copy of the sheet, which lasts until the next one */
static bool
next_sheet(ScoreWalk *walk, ScanDirection direction)
{
	HeapTuple	tuple = systable_getnext_ordered(walk->scan, direction);
	TupleDesc	desc = RelationGetDescr(walk->heap);
	bool		isnull;

	if (tuple == NULL)
		return false;
	if (walk->sheet)
		pfree(walk->sheet);
	walk->sheet = DatumGetByteaPCopy(heap_getattr(tuple, SHEET_SCORES + 1, desc, &isnull));
	walk->scores.count = 0;
	if (!sheet_unpack(&walk->scores, walk->sheet) && !walk->forgiving)
		refuse_damaged();
	walk->at = ScanDirectionIsForward(walk->direction) ? 0 : walk->scores.count - 1;
	return true;
}

/* past those that do not lie beyond a score */
static void
skip_upto(ScoreWalk *walk, const Score *from)
{
	int			step = ScanDirectionIsForward(walk->direction) ? 1 : -1;

	while (walk->at >= 0 && walk->at < walk->scores.count
		   && score_compare(&walk->scores.scores[walk->at], from) * step <= 0)
		walk->at += step;
}

/* to the first score beyond one, in the sheet where that is or would be */
static void
go_beyond(ScoreWalk *walk, const Score *from)
{
	bytea	   *key = score_key(from);

	begin_scan(walk, BTLessEqualStrategyNumber, key);
	walk->after = key;
	if (next_sheet(walk, BackwardScanDirection))
		skip_upto(walk, from);
	if (ScanDirectionIsForward(walk->direction))
		end_scan(walk);
}

/* the scores of a board in order, where there are no sheets yet */
static StreamQuery scores_query = {
	.text = "select s.account, s.name, s.points from rewards.score s"
	" where s.board = $1 and s.month = $2 and s.points > 0 order by s.points desc, s.name, s.account",
	.nargs = 2,
	.types = {INT2OID, DATEOID}
};

typedef struct Gathering
{
	Sheet	   *scores;
	MemoryContext context;
} Gathering;

/* RowVisitor */
static bool
gather_score(TupleTableSlot *slot, void *context)
{
	Gathering  *gathering = (Gathering *) context;
	MemoryContext previous = MemoryContextSwitchTo(gathering->context);
	Id			name = id_of_datum(slot->tts_values[1], false);

	name.text = pnstrdup(name.text, name.len);
	sheet_add(gathering->scores, (Score){
		DatumGetInt64(slot->tts_values[0]), name, amount_sum_of_datum(slot->tts_values[2])
	});
	MemoryContextSwitchTo(previous);
	return true;
}

/* this library serves tables of 0.1.0 until install() makes sheets, if slowly: all scores as one */
static void
gather_scores(ScoreWalk *walk)
{
	Datum		args[] = {Int16GetDatum((int16) walk->board), DateADTGetDatum(walk->month)};
	Gathering	gathering = {&walk->scores, CurrentMemoryContext};

	SPI_connect();
	stream_rows(&scores_query, args, NULL, gather_score, &gathering);
	SPI_finish();
	walk->at = ScanDirectionIsForward(walk->direction) ? 0 : walk->scores.count - 1;
}

/*
 * Walks the scores of a board, best first or backward, which lie beyond one that need
 * not be there; NULL: all.  XX001 when a sheet is damaged, unless what it has lost is
 * forgiven.
 */
void
score_walk(ScoreWalk *walk, Board board, DateADT month, const Score *from,
		   ScanDirection direction, bool forgiving)
{
	*walk = (ScoreWalk){.board = board, .month = month, .direction = direction, .forgiving = forgiving};
	if (!catalog_has(TABLE_SCORE_SHEET))
	{
		gather_scores(walk);
		if (from)
			skip_upto(walk, from);
		return;
	}
	walk->heap = table_open(catalog_table(TABLE_SCORE_SHEET), AccessShareLock);
	check_shape(walk->heap, SHEET_COLUMNS);
	walk->index = index_open(catalog_table(INDEX_SCORE_SHEET), AccessShareLock);
	if (from)
		go_beyond(walk, from);
	else
		begin_scan(walk, InvalidStrategy, NULL);
}

/* the next score; its name lasts until the step after */
bool
score_next(ScoreWalk *walk, Score *score)
{
	while (walk->at < 0 || walk->at >= walk->scores.count)
	{
		if (walk->heap == NULL)
			return false;
		if (walk->scan == NULL)
			begin_scan(walk, BTGreaterStrategyNumber, walk->after);
		if (!next_sheet(walk, walk->direction))
			return false;
	}
	*score = walk->scores.scores[walk->at];
	walk->at += ScanDirectionIsForward(walk->direction) ? 1 : -1;
	return true;
}

void
score_walk_end(ScoreWalk *walk)
{
	if (walk->scan)
		end_scan(walk);
	if (walk->sheet)
		pfree(walk->sheet);
	if (walk->scores.scores)
		pfree(walk->scores.scores);
	if (walk->heap == NULL)
		return;
	index_close(walk->index, AccessShareLock);
	table_close(walk->heap, AccessShareLock);
}

/* ---- changing ---- */

/* a sheet being changed, and the one behind it */
typedef struct Editor
{
	KeyedTable	table;
	Board		board;
	DateADT		month;
	IndexScanDesc seek;			/* backward to the sheet of a score */
	IndexScanDesc ahead;		/* forward to those behind */
	TupleTableSlot *found;
	TupleTableSlot *behind;		/* the next sheet, if there is one */
	bool		has_behind;
	bytea	   *upto;			/* its key, where it lies */
	bytea	   *passed;			/* the key that those ahead lie behind */

	MemoryContext context;		/* of what follows, until another sheet comes */
	HeapTuple	old;			/* only where it is; NULL: it is new */
	bytea	   *first;
	Sheet		sheet;
} Editor;

static bytea *
column_of(TupleTableSlot *slot, int column)
{
	bool		isnull;

	return DatumGetByteaPP(slot_getattr(slot, column + 1, &isnull));
}

/* a scan allocates as it goes what must last as long as it does */
static void
aim(Editor *editor, IndexScanDesc scan, StrategyNumber strategy, const bytea *key)
{
	MemoryContext previous = MemoryContextSwitchTo(editor->table.context);
	ScanKeyData keys[3];

	index_rescan(scan, keys, sheet_keys(keys, editor->board, editor->month, strategy, key), NULL, 0);
	MemoryContextSwitchTo(previous);
}

static bool
step(Editor *editor, IndexScanDesc scan, ScanDirection direction, TupleTableSlot *slot)
{
	MemoryContext previous = MemoryContextSwitchTo(editor->table.context);
	bool		found = index_getnext_slot(scan, direction, slot);

	MemoryContextSwitchTo(previous);
	return found;
}

static void
look_behind(Editor *editor)
{
	editor->has_behind = step(editor, editor->ahead, ForwardScanDirection, editor->behind);
	editor->upto = editor->has_behind ? column_of(editor->behind, SHEET_FIRST) : NULL;
}

static bytea *
copy_bytes(const bytea *bytes)
{
	bytea	   *copy = palloc(VARSIZE_ANY(bytes));

	memcpy(copy, bytes, VARSIZE_ANY(bytes));
	return copy;
}

static void
add_scores_of(Editor *editor, TupleTableSlot *slot)
{
	/* what is damaged is lost to the board until repair(): posting goes on */
	sheet_unpack(&editor->sheet, copy_bytes(column_of(slot, SHEET_SCORES)));
}

/* begins with the sheet in a slot, or a new one from an empty key */
static void
take_sheet(Editor *editor, TupleTableSlot *slot)
{
	MemoryContextReset(editor->context);
	editor->sheet = (Sheet){0};
	editor->old = NULL;
	if (slot == NULL)
	{
		editor->first = palloc(VARHDRSZ);
		SET_VARSIZE(editor->first, VARHDRSZ);
		return;
	}
	editor->first = copy_bytes(column_of(slot, SHEET_FIRST));
	editor->old = palloc0(HEAPTUPLESIZE);
	editor->old->t_self = slot->tts_tid;
	add_scores_of(editor, slot);
}

static bool
is_before(const Score *score, const bytea *upto)
{
	bytea	   *key = score_key(score);
	bool		before = upto == NULL
		|| DatumGetBool(DirectFunctionCall2(bytealt, PointerGetDatum(key), PointerGetDatum(upto)));

	pfree(key);
	return before;
}

/* to the sheet of a score, from wherever */
static void
seek_sheet(Editor *editor, const Score *score)
{
	bool		found;

	aim(editor, editor->seek, BTLessEqualStrategyNumber, score_key(score));
	found = step(editor, editor->seek, BackwardScanDirection, editor->found);
	take_sheet(editor, found ? editor->found : NULL);
	/* the scan ahead outlives the sheet */
	pfree(editor->passed);
	editor->passed = MemoryContextAlloc(editor->table.context, VARSIZE_ANY(editor->first));
	memcpy(editor->passed, editor->first, VARSIZE_ANY(editor->first));
	aim(editor, editor->ahead, BTGreaterStrategyNumber, editor->passed);
	look_behind(editor);
}

/* to the sheet of a score that lies behind this one: mostly it is the next */
static void
go_on(Editor *editor, const Score *score)
{
	TupleTableSlot *next = editor->behind;

	editor->behind = editor->found;
	editor->found = next;
	look_behind(editor);
	if (is_before(score, editor->upto))
		take_sheet(editor, editor->found);
	else
		seek_sheet(editor, score);
}

/* how many of the changes are of this sheet */
static int
changes_here(const Editor *editor, const SheetChange *changes, int count)
{
	int			here = 0;

	while (here < count && is_before(&changes[here].score, editor->upto))
		here++;
	return here;
}

/* changes the scores: who leaves is taken out, who comes put in, once */
static void
merge(Editor *editor, const SheetChange *changes, int count)
{
	Sheet		old = editor->sheet;
	int			at = 0;

	editor->sheet = (Sheet){0};
	for (int i = 0; i < count; i++)
	{
		int			order = -1;

		while (at < old.count && (order = score_compare(&old.scores[at], &changes[i].score)) < 0)
			sheet_add(&editor->sheet, old.scores[at++]);
		if (at < old.count && order == 0)
			at++;
		if (!changes[i].leaves)
			sheet_add(&editor->sheet, changes[i].score);
	}
	while (at < old.count)
		sheet_add(&editor->sheet, old.scores[at++]);
}

/* a sheet left small takes in the next one, its changes still to come */
static bool
join(Editor *editor)
{
	if (!editor->has_behind || sheet_size(&editor->sheet) > SMALL_SHEET)
		return false;
	add_scores_of(editor, editor->behind);
	CatalogTupleDelete(editor->table.heap, &editor->behind->tts_tid);
	look_behind(editor);
	return true;
}

static void
write_piece(Editor *editor, HeapTuple old, bytea *first, const Score *scores, int count)
{
	Datum		values[SHEET_COLUMNS];

	values[SHEET_BOARD] = Int16GetDatum((int16) editor->board);
	values[SHEET_MONTH] = DateADTGetDatum(editor->month);
	values[SHEET_FIRST] = PointerGetDatum(first);
	values[SHEET_SCORES] = PointerGetDatum(sheet_pack(scores, count));
	keyed_write(&editor->table, old, values);
}

/* an empty sheet goes, unless it is the first: that one all others lie behind */
static void
write_empty(Editor *editor)
{
	if (editor->old && VARSIZE_ANY_EXHDR(editor->first) == 0)
		write_piece(editor, editor->old, editor->first, NULL, 0);
	else if (editor->old)
		CatalogTupleDelete(editor->table.heap, &editor->old->t_self);
}

/* writes the sheet, in pieces of about one size if it is too large */
static void
write_sheet(Editor *editor)
{
	const Score *scores = editor->sheet.scores;
	int			count = editor->sheet.count;
	Size		size = sheet_size(&editor->sheet);
	Size		most = size <= LARGEST_SHEET ? size : size / (1 + size / CUT_SHEET) + CUT_SLACK;
	int			taken = sheet_fitting(scores, count, most);

	if (count == 0)
	{
		write_empty(editor);
		return;
	}
	write_piece(editor, editor->old, editor->first, scores, taken);
	for (int from = taken; from < count; from += taken)
	{
		CHECK_FOR_INTERRUPTS();
		taken = sheet_fitting(scores + from, count - from, most);
		write_piece(editor, NULL, score_key(&scores[from]), scores + from, taken);
	}
}

static void
open_editor(Editor *editor, Board board, DateADT month)
{
	*editor = (Editor){.board = board, .month = month};
	keyed_open(&editor->table, TABLE_SCORE_SHEET, INDEX_SCORE_SHEET, SHEET_COLUMNS, true);
	editor->seek = begin_index_scan(editor->table.heap, editor->table.index, editor->table.snapshot, 3);
	editor->ahead = begin_index_scan(editor->table.heap, editor->table.index, editor->table.snapshot, 3);
	editor->found = table_slot_create(editor->table.heap, NULL);
	editor->behind = table_slot_create(editor->table.heap, NULL);
	editor->passed = palloc(VARHDRSZ);
	editor->context = AllocSetContextCreate(CurrentMemoryContext, "rewards sheet", ALLOCSET_DEFAULT_SIZES);
}

static void
close_editor(Editor *editor)
{
	index_endscan(editor->seek);
	index_endscan(editor->ahead);
	ExecDropSingleTupleTableSlot(editor->found);
	ExecDropSingleTupleTableSlot(editor->behind);
	MemoryContextDelete(editor->context);
	keyed_close(&editor->table);
}

/*
 * Changes the sheets of a board: the changes are in order, no two of them of one score.
 * What leaves and is not there is passed over, as what comes and is there: verify()
 * tells of either.
 */
void
sheets_change(Board board, DateADT month, const SheetChange *changes, int count)
{
	Editor		editor;
	MemoryContext previous;

	open_editor(&editor, board, month);
	previous = MemoryContextSwitchTo(editor.context);
	for (int done = 0; done < count;)
	{
		int			here;

		CHECK_FOR_INTERRUPTS();
		if (done == 0)
			seek_sheet(&editor, &changes[done].score);
		else
			go_on(&editor, &changes[done].score);
		do
		{
			here = changes_here(&editor, changes + done, count - done);
			merge(&editor, changes + done, here);
			done += here;
		} while (join(&editor));
		write_sheet(&editor);
	}
	MemoryContextSwitchTo(previous);
	close_editor(&editor);
}
