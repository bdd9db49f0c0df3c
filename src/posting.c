/*
 * posting.c
 *		Rows to totals: folds what has been recorded since the last posting.
 *
 * The argument.  A transaction has its id before it draws a number.  So a
 * number up to `last` belongs to a transaction below H, the next transaction id
 * as read after `last`.  (Not S.xmax of the snapshot S taken then: that is past
 * the last id that has *ended*, and may lie below one that runs.)  The number
 * is visible in S, or its transaction still runs, or it is gone for good.
 * Posting folds what S sees of (cursor, last], moves the cursor to last and
 * keeps the unseen numbers as open stretches.  Later postings fold what appears
 * in them, and drop a stretch once none of the transactions runs that may have
 * drawn its numbers.  Nobody waits.
 *
 * Which those are: below H, as said.  And a transaction that was quiet from
 * before the cursor's `last` was read until after S has drawn nothing between
 * the two.  So they are none below L either, the lowest id that runs in S and
 * was not quiet, and an idle or prepared transaction keeps only what it may have
 * drawn itself open, not all that is rolled back beside it.
 *
 * One poster at a time: the cursor's row is locked, or the call returns.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "accounts.h"
#include "audience.h"
#include "batch.h"
#include "books.h"
#include "catalog.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lots.h"
#include "miscadmin.h"
#include "network.h"
#include "newcomers.h"
#include "number.h"
#include "progress.h"
#include "rate_limit.h"
#include "removed.h"
#include "seal.h"
#include "storage/procarray.h"
#include "traffic.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

PG_FUNCTION_INFO_V1(post);
PG_FUNCTION_INFO_V1(refold);
PG_FUNCTION_INFO_V1(next_transaction);
PG_FUNCTION_INFO_V1(is_over);
PG_FUNCTION_INFO_V1(is_seen_by_all);
PG_FUNCTION_INFO_V1(in_transaction_block);

/* how many numbers are folded in one go when all are folded again */
#define REFOLD_NUMBERS INT64CONST(1000000)

/* with more open stretches than this the cursor stops */
#define MAX_OPEN 1000

typedef struct Posting
{
	Cursor		cursor;			/* as found */
	int64		upto;			/* the new cursor */
	bool		copied;			/* restored or copied: nothing old runs here */
	bool		cut;			/* there is more than max_events */
	bool		stopped;		/* too many open stretches */
	uint64	   *running;		/* in the posting's snapshot, below xmax */
	int			nrunning;
	uint64		xmax;
	uint64		lowest;			/* who drew a new number unseen is not below this */
	uint64		horizon;		/* but below this */
	Quiet		quiet;			/* when this posting began */
	Totals	   *totals;
	Progress   *progress;
	int			booked;			/* bonuses, expiries and reversals found due */
	Network    *network;
	Traffic    *traffic;
	Lots	   *lots;
	Audience   *audience;
	Limits	   *limits;			/* NULL: nothing is limited, or this is no posting */
	const Removed *removed;		/* when all is folded again: what has been summed up */
	Newcomers  *newcomers;		/* NULL: posting registers accounts itself */

	Stretch    *stretches;		/* to read: the open ones, then the new one */
	int			nstretches;
	int			at;				/* the stretch being read */
	int64		next;			/* its first number not yet decided */

	OpenStretch *open;			/* what stays open */
	int			nopen;
	int			allocated;
} Posting;

/* ---- which numbers stay open ---- */

static void
keep_open(Posting *posting, OpenStretch stretch)
{
	if (posting->nopen > 0)
	{
		OpenStretch *before = &posting->open[posting->nopen - 1];

		if (before->numbers.last + 1 == stretch.numbers.first
			&& before->lowest == stretch.lowest && before->horizon == stretch.horizon)
		{
			before->numbers.last = stretch.numbers.last;
			return;
		}
	}
	if (posting->nopen == posting->allocated)
	{
		posting->allocated *= 2;
		posting->open = repalloc(posting->open, posting->allocated * sizeof(OpenStretch));
	}
	posting->open[posting->nopen++] = stretch;
}

static bool
in_new_stretch(const Posting *posting)
{
	return posting->at == posting->nstretches - 1;
}

/* numbers of the stretch being read, with who may have drawn them */
static OpenStretch
piece_of_stretch(const Posting *posting, int64 first, int64 last)
{
	OpenStretch piece = {{first, last}, posting->lowest, posting->horizon};

	if (!in_new_stretch(posting))
	{
		piece.lowest = posting->cursor.open[posting->at].lowest;
		piece.horizon = posting->cursor.open[posting->at].horizon;
	}
	return piece;
}

/* whether nobody can bring the unseen numbers of the stretch being read */
static bool
is_gone(const Posting *posting)
{
	OpenStretch stretch = piece_of_stretch(posting, 0, 0);

	/* who drew the old numbers of a copy does not run here; others may */
	if (posting->copied && !in_new_stretch(posting))
		return true;
	if (stretch.horizon > posting->xmax)
		return false;
	for (int i = 0; i < posting->nrunning; i++)
		if (posting->running[i] >= stretch.lowest && posting->running[i] < stretch.horizon)
			return false;
	return true;
}

/*
 * The numbers from next to last were not seen.  They stay open unless nobody
 * can bring them any more.  False when there is no room: the cursor stops
 * before them.
 */
static bool
leave_unseen(Posting *posting, int64 last)
{
	if (posting->next > last || is_gone(posting))
		return true;
	if (in_new_stretch(posting) && posting->nopen >= MAX_OPEN)
	{
		posting->upto = posting->next - 1;
		posting->stopped = true;
		return false;
	}
	keep_open(posting, piece_of_stretch(posting, posting->next, last));
	return true;
}

/* moves on to the stretch that holds the number, or past the last one */
static bool
advance_to(Posting *posting, int64 number)
{
	while (posting->at < posting->nstretches
		   && posting->stretches[posting->at].last < number)
	{
		if (!leave_unseen(posting, posting->stretches[posting->at].last))
			return false;
		if (++posting->at < posting->nstretches)
			posting->next = posting->stretches[posting->at].first;
	}
	return true;
}

/* notes which of a row's own accounts its shares bear by number: those are registered */
static void
find_registered(const LineRow *row, bool *registered)
{
	int			count;
	const Share *shares = line_shares(row, &count);

	for (int i = 0; i < count; i++)
	{
		if (shares[i].entry == ENTRY_USAGE)
			registered[KIND_USER] = shares[i].account != ACCOUNT_SELF;
		else if (shares[i].entry == ENTRY_WORK)
			registered[KIND_PROVIDER] = shares[i].account != ACCOUNT_SELF;
	}
}

static bool
is_being_registered(AccountKind kind, Id id)
{
	return account_find(kind, id).number == ACCOUNT_SELF && account_being_registered(kind, id);
}

/* whether folding the row would wait for somebody registering its account */
static bool
must_wait(const LineRow *row)
{
	bool		registered[2] = {false, false};	/* by kind */

	if (row->unit != UNIT_OF_USAGE || row->referee != 0)
		return false;
	find_registered(row, registered);
	return (row->user.text && !registered[KIND_USER] && is_being_registered(KIND_USER, row->user))
		|| (row->provider.text && !registered[KIND_PROVIDER] && is_being_registered(KIND_PROVIDER, row->provider));
}

/* MovementVisitor */
static void
add_movement(const Movement *movement, void *context)
{
	Posting    *posting = (Posting *) context;

	/* what is left of an account's lots cannot be told again when some of its charges are gone */
	if (posting->removed == NULL || !removed_paid(posting->removed, movement->account))
		lots_move(posting->lots, movement);
}

static void
add_row(Posting *posting, const LineRow *row)
{
	if (row->referee != 0)
	{
		network_add(posting->network, row);
		return;
	}
	totals_add(posting->totals, row);
	traffic_add(posting->traffic, row);
	progress_add(posting->progress, row);
	lots_visit_row(row, posting->totals->last_keys[KIND_USER], add_movement, posting);
	audience_add(posting->audience, row, posting->totals->last_keys[KIND_USER],
				 posting->totals->last_earned);
	limits_add(posting->limits, row, posting->totals->last_keys);
}

/* LineVisitor: folds a row, or leaves its number open */
static bool
visit_row(const LineRow *row, void *context)
{
	Posting    *posting = (Posting *) context;

	if (!advance_to(posting, row->number))
		return false;
	if (row->number < posting->next)
		return true;			/* the rest of this old stretch stays open whole */
	if (posting->nopen >= MAX_OPEN && !in_new_stretch(posting) && !is_gone(posting))
	{
		int64		last = posting->stretches[posting->at].last;

		/* no room for more pieces of it: none of what remains is taken out */
		leave_unseen(posting, last);
		posting->next = last + 1;
		return true;
	}
	if (!leave_unseen(posting, row->number - 1))
		return false;
	if (!newcomers_add(posting->newcomers, row) && !must_wait(row))
		add_row(posting, row);
	else if (posting->nopen >= MAX_OPEN && in_new_stretch(posting))
	{
		posting->upto = row->number - 1;
		posting->stopped = true;
		return false;
	}
	else
		keep_open(posting, piece_of_stretch(posting, row->number, row->number));
	posting->next = row->number + 1;
	return true;
}

/* ---- reading ---- */

static int64
query_bigint(const char *query)
{
	bool		isnull;

	if (SPI_execute(query, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "query failed: %s", query);
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* next_transaction(): whoever runs now has a lower id */
Datum
next_transaction(PG_FUNCTION_ARGS)
{
	PG_RETURN_FULLTRANSACTIONID(ReadNextFullTransactionId());
}

/*
 * is_over(transaction): whether it has let go of its locks.  That comes after it has told
 * other sessions what it changed, a moment after it has become visible.
 */
Datum
is_over(PG_FUNCTION_ARGS)
{
	TransactionId xid = XidFromFullTransactionId(PG_GETARG_FULLTRANSACTIONID(0));

	/* what stands for no transaction, or for those of long ago, holds no lock */
	if (!TransactionIdIsNormal(xid))
		PG_RETURN_BOOL(true);
	/* the snapshot of a transaction shows its own changes */
	PG_RETURN_BOOL(!TransactionIdIsCurrentTransactionId(xid) && is_transaction_over(xid));
}

/*
 * is_seen_by_all(transaction): whether every running snapshot, also a standby's that
 * gives feedback, shows what it has committed.
 */
Datum
is_seen_by_all(PG_FUNCTION_ARGS)
{
	FullTransactionId transaction = PG_GETARG_FULLTRANSACTIONID(0);
	Relation	accounts = table_open(catalog_table(TABLE_ACCOUNT), AccessShareLock);
	uint64		horizon = full_xid(GetOldestNonRemovableTransactionId(accounts));

	table_close(accounts, AccessShareLock);
	PG_RETURN_BOOL(U64FromFullTransactionId(transaction) < horizon);
}

/* in_transaction_block(): whether locks taken now outlive the statement */
Datum
in_transaction_block(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(IsTransactionBlock());
}

/*
 * Who runs in the snapshot, and the lowest of them that may have drawn.  The
 * poster itself counts if it has: it may be in the midst of a row whose number is
 * drawn and which nobody sees yet.
 */
static void
note_running(Posting *posting, Snapshot snapshot, const Quiet *quiet)
{
	/* the next id may be the poster's own, which is told apart below */
	posting->xmax = full_xid(snapshot->xmax);
	if (TransactionIdEquals(snapshot->xmax, GetTopTransactionIdIfAny()))
		posting->xmax++;
	posting->lowest = posting->xmax;
	posting->running = palloc((snapshot->xcnt + 1) * sizeof(uint64));
	for (uint32 i = 0; i < snapshot->xcnt; i++)
	{
		uint64		xid = full_xid(snapshot->xip[i]);

		posting->running[posting->nrunning++] = xid;
		if (!quiet_has(quiet, xid))
			posting->lowest = Min(posting->lowest, xid);
	}
	if (number_drawn())
	{
		uint64		own = U64FromFullTransactionId(GetTopFullTransactionIdIfAny());

		posting->running[posting->nrunning++] = own;
		posting->lowest = Min(posting->lowest, own);
	}
}

/* locks the cursor and takes the snapshot; false when another posts */
static bool
begin_posting(Posting *posting, int64 max_events)
{
	Quiet		quiet;

	cursor_read(&posting->cursor, true);
	if (posting->cursor.last < 0)
		return false;
	posting->copied = cursor_is_copied(&posting->cursor);
	if (posting->copied)
		posting->cursor.quiet.count = 0;

	/* before the numbers: who is quiet still at the next posting drew none since */
	posting->quiet = quiet_now();

	/* the last number drawn, read before the snapshot */
	posting->upto = Max(number_last(), posting->cursor.last);
	posting->cut = max_events >= 0 && posting->upto - posting->cursor.last > max_events;
	if (posting->cut)
		posting->upto = posting->cursor.last + max_events;

	/* after the numbers, before the snapshot */
	posting->horizon = U64FromFullTransactionId(ReadNextFullTransactionId());

	PushActiveSnapshot(GetLatestSnapshot());
	/* rules and edges that the rows it sees may have known */
	AcceptInvalidationMessages();
	quiet = quiet_since(&posting->cursor.quiet);
	note_running(posting, GetActiveSnapshot(), &quiet);
	return true;
}

static void
fold_rows(Posting *posting)
{
	posting->totals = totals_create(GRAIN_DAY, true);
	posting->progress = progress_begin(posting->totals, true);
	posting->traffic = traffic_create();
	posting->network = network_create(&posting->cursor, posting->cursor.last);
	posting->lots = lots_create();
	posting->audience = audience_create();
	posting->limits = limits_create();
	posting->newcomers = newcomers_create();
	posting->allocated = MAX_OPEN;
	posting->open = palloc(posting->allocated * sizeof(OpenStretch));

	posting->nstretches = cursor_tail(&posting->cursor, &posting->stretches);
	posting->stretches[posting->nstretches - 1].last = posting->upto;
	posting->at = 0;
	posting->next = posting->stretches[0].first;

	line_read(posting->stretches, posting->nstretches, visit_row, posting);
	if (!posting->stopped)
		advance_to(posting, PG_INT64_MAX);
	seal_decided(&posting->cursor, posting->upto, posting->open, posting->nopen);
	PopActiveSnapshot();
}

/* ---- writing ---- */

/*
 * Finds from which number on every row knew the changes of rules, edges and
 * models that were committed when the last settling began.
 */
static void
settle_changes(Posting *posting)
{
	Oid			types[1] = {BOOLOID};
	Datum		args[1] = {BoolGetDatum(posting->copied)};

	if (SPI_execute_with_args("select rewards.settle_changes($1)", 1, types, args,
							  NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not settle changes");
}

/* usage of mainnet without a price, for those who watch over the programme */
static void
note_unpriced(int64 rows)
{
	Oid			types[1] = {INT8OID};
	Datum		args[1] = {Int64GetDatum(rows)};

	if (rows != 0 && SPI_execute_with_args("update rewards.cursor set unpriced = unpriced + $1 where single",
										   1, types, args, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not count unpriced usage");
}

static void
write_books(Posting *posting)
{
	const int64 *numbers;

	progress_finish(posting->progress);
	numbers = books_write(posting->totals, posting->network);
	posting->booked = progress_write(posting->progress, numbers);
	network_write(posting->network);
	traffic_write(posting->traffic);
	audience_write(posting->audience, numbers);
	lots_write(posting->lots);
	posting->booked += limits_write(posting->limits, numbers);
	note_unpriced(posting->totals->unpriced);
}

static void
write_posting(Posting *posting)
{
	/* numbers above the new cursor may be older than this posting, or all younger */
	const Quiet *quiet = posting->cut || posting->stopped ? &posting->cursor.quiet : &posting->quiet;

	write_books(posting);
	newcomers_write(posting->newcomers);
	cursor_move(&posting->cursor, posting->upto, posting->open, posting->nopen, quiet);
	/* what is left of lots is read along the tail, for each wallet: not while that is long */
	if (!posting->cut && !posting->stopped)
		posting->booked += (int) query_bigint("select rewards.book_expiries()");
	query_bigint("select rewards.close_holds()");
	settle_changes(posting);
	if (SPI_execute("select rewards.announce_notifications()", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not announce notifications");

	/* its locks would outlive the call in a transaction that goes on: if it must be */
	if (SPI_execute(IsTransactionBlock()
					? "select rewards.make_partitions() where rewards.partitions_ahead() = 0"
					: "select rewards.make_partitions()", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not make partitions");
}

/* false when another poster is at work */
static bool
post_once(Posting *posting, int64 max_events)
{
	if (!begin_posting(posting, max_events))
		return false;
	fold_rows(posting);
	write_posting(posting);
	return true;
}

static void
refuse_old_snapshot(const char *call)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s cannot run in a REPEATABLE READ or SERIALIZABLE transaction", call),
				 errhint("Call it in a READ COMMITTED transaction.")));
}

/*
 * post(max_events default null) returns (events, entries, complete): folds what
 * this moment's snapshot sees.  complete is false when another poster was at
 * work, max_events cut it short, too many old transactions hold it back, or
 * bonuses, expiries and reversals that it found due are still to be folded.
 * 25001 under REPEATABLE READ or SERIALIZABLE, 22023 for a negative limit.
 */
Datum
post(PG_FUNCTION_ARGS)
{
	int64		max_events = PG_ARGISNULL(0) ? -1 : PG_GETARG_INT64(0);
	Posting		posting = {0};
	Posting		again = {0};
	int64		events = 0;
	int64		shares = 0;
	bool		complete = false;
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};

	if (!PG_ARGISNULL(0) && max_events < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_events must not be negative"),
				 errhint("Leave it out to post everything.")));
	refuse_old_snapshot("post()");
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "post() must return a row");
	desc = BlessTupleDesc(desc);

	(void) catalog_table(TABLE_USAGE_LOGS); /* says so when there is none */
	SPI_connect();
	if (post_once(&posting, max_events))
	{
		events = posting.totals->events;
		shares = posting.totals->shares;
		complete = !posting.stopped && !posting.cut && posting.booked == 0;
		/* what was found due is in the journal itself now */
		if (posting.booked > 0 && !posting.stopped && max_events < 0 && post_once(&again, -1))
		{
			events += again.totals->events;
			shares += again.totals->shares;
			complete = !again.stopped && again.booked == 0;
		}
	}
	SPI_finish();
	values[0] = Int64GetDatum(events);
	values[1] = Int64GetDatum(shares);
	values[2] = BoolGetDatum(complete);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* ---- all again ---- */

/* LineVisitor: folds a row that the cursor says is folded */
static bool
visit_again(const LineRow *row, void *context)
{
	Posting    *posting = (Posting *) context;

	/* of the journal and edges nothing is ever removed */
	if (row->referee != 0 || row->unit != UNIT_OF_USAGE || !removed_has(posting->removed, row->number))
		add_row(posting, row);
	return true;
}

/*
 * Folds the rows of a stretch, or uptime if there is none; returns how many rows.
 * All below it is folded, but for the cursor's open stretches.
 */
static int64
fold_again(const Cursor *cursor, const Removed *removed, const Stretch *stretch)
{
	Posting		posting = {.removed = removed};
	int64		events;

	/* its memory goes with it, stretch by stretch */
	SPI_connect();
	/* one that sees what the stretch before has written */
	PushActiveSnapshot(GetLatestSnapshot());
	posting.totals = totals_create(GRAIN_DAY, true);
	posting.progress = progress_begin(posting.totals, false);
	posting.traffic = traffic_create();
	posting.network = network_create(cursor, stretch ? stretch->first - 1 : 0);
	posting.lots = lots_create();
	posting.audience = audience_create();
	if (stretch)
		line_read(stretch, 1, visit_again, &posting);
	else
		progress_add_counted_uptime(posting.progress);
	PopActiveSnapshot();
	write_books(&posting);
	events = posting.totals->events;
	SPI_finish();
	return events;
}

/*
 * refold(): folds again, into tables of totals that are empty, all that the
 * cursor says is folded, or its sums where it has gone; returns how many rows.  The caller has locked the
 * cursor.
 */
Datum
refold(PG_FUNCTION_ARGS)
{
	Cursor		cursor;
	Removed    *removed;
	int64		first = 0;		/* of edges loaded before any number was drawn */
	int64		events = 0;

	refuse_old_snapshot("repair()");
	SPI_connect();
	cursor_read(&cursor, true);
	if (cursor.last < 0)
		elog(ERROR, "the cursor is not locked by the caller");
	/* both by one snapshot */
	PushActiveSnapshot(GetLatestSnapshot());
	removed = removed_read();
	removed_fold();
	PopActiveSnapshot();
	fold_again(&cursor, removed, NULL);
	for (int i = 0; i <= cursor.nopen; i++)
	{
		int64		upto = i < cursor.nopen ? cursor.open[i].numbers.first : cursor.last + 1;

		for (; first < upto; first += REFOLD_NUMBERS)
		{
			Stretch		stretch = {first, Min(first + REFOLD_NUMBERS, upto) - 1};

			events += fold_again(&cursor, removed, &stretch);
		}
		if (i < cursor.nopen)
			first = cursor.open[i].numbers.last + 1;
	}
	SPI_finish();
	PG_RETURN_INT64(events);
}
