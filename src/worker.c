/*
 * worker.c
 *		The background process of a database that posts, and maintains once a day.
 *
 * At least once a second it looks whether there is something to do, and otherwise
 * waits on its latch.  Between two rounds it is in no transaction and holds no lock
 * but its places, so nobody waits for it: who drops or copies the database, or drops
 * the tables, finds it gone a moment later.
 *
 * What fails is undone, told in the log and in rewards.worker, and tried again after a
 * pause that doubles up to five minutes.  It exits with status 0, for the postmaster
 * starts it again after any other: only a crash is to be followed by that.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "compat.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "rules.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "stream.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "watch.h"
#include "worker.h"

/* rows that are posted in one transaction */
#define POST_ROWS INT64CONST(100000)

/* in microseconds: how often it looks; how long it idles before it ends, and for how many delays */
#define LOOK_EVERY INT64CONST(1000000)
#define IDLE_BEFORE_END INT64CONST(60000000)
#define IDLE_DELAYS 60

/* pauses, for what old transactions hold open and after an error */
#define LONGEST_PAUSE INT64CONST(10000000)
#define LONGEST_BACK_OFF INT64CONST(300000000)

/* what it does, each with its own pauses after errors */
typedef struct Task
{
	const char *name;
	int			failures;		/* in a row */
	TimestampTz next_try;
} Task;

/* what there is to do */
typedef struct Look
{
	bool		welcome;		/* not stopped, at home in this database, of its version */
	bool		stays;
	int64		tail;			/* numbers drawn since the last posting */
	bool		due;			/* there is something for a posting besides */
	TimestampTz posted_at;
	int			failures;		/* as rewards.worker tells */
	bool		maintained;		/* today */
	int64		delay;			/* the settings */
	int64		backlog;
} Look;

typedef struct Posted
{
	int64		events;
	bool		advanced;		/* past numbers, if only ones that nobody has drawn */
	bool		complete;
} Posted;

static Task looking = {"looking for work"};
static Task posting = {"posting"};
static Task maintaining = {"maintenance"};
static Task noting = {"taking notes"};

static bool launched;
static bool looked_once = false;
static MemoryContext round_context;
static TimestampTz busy_at;		/* when there was something to do */
static bool stuck = false;		/* the last posting could not take rows that wait */
static TimestampTz pause_until = 0;
static int64 pause_length = 0;
static volatile sig_atomic_t in_transaction = false;

/* ---- signals ---- */

/* ends it at once, also in the midst of a posting, which is undone */
static void
terminate(SIGNAL_ARGS)
{
	int			save_errno = errno;

	ShutdownRequestPending = true;
	if (in_transaction)
	{
		InterruptPending = true;
		QueryCancelPending = true;
	}
	SetLatch(MyLatch);
	errno = save_errno;
}

static void
end_if_told(void)
{
	if (ShutdownRequestPending)
		proc_exit(0);
}

/*
 * Whoever drops or copies this database has locked it and waits for us.  To try the
 * lock that a session takes when it connects is to see that.
 */
static void
end_if_in_the_way(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		proc_exit(0);
	LockRelease(&tag, RowExclusiveLock, true);
}

/* sleeps up to so many microseconds */
static void
rest(int64 duration)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 (long) (duration / 1000), PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	end_if_told();
	QueryCancelPending = false; /* there is nothing to cancel */
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* ---- attempts ---- */

/* whether there is something to work on; in a transaction */
static bool
is_installed(void)
{
	Oid			schema = get_namespace_oid("rewards", true);

	return OidIsValid(get_extension_oid("rewards", true)) && OidIsValid(schema)
		&& OidIsValid(get_relname_relid("cursor", schema))
		&& OidIsValid(get_relname_relid("worker", schema));
}

static void
end_if_removed(void)
{
	bool		installed;

	StartTransactionCommand();
	installed = is_installed();
	CommitTransactionCommand();
	if (!installed)
		proc_exit(0);
}

/* as in a SECURITY DEFINER function of the owner's, which cannot become somebody else */
static void
begin_transaction(const char *activity)
{
	pgstat_report_activity(STATE_RUNNING, activity);
	in_transaction = true;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SetUserIdAndSecContext(GetSessionUserId(), SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit_transaction(void)
{
	SPI_finish();
	PopActiveSnapshot();
	SetUserIdAndSecContext(GetSessionUserId(), 0);
	CommitTransactionCommand();
	in_transaction = false;
}

/*
 * Does something in a transaction of its own; returns the error, the transaction being
 * undone, or NULL.
 */
static ErrorData *
try_work(const char *activity, void (*work) (void *), void *context)
{
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		begin_transaction(activity);
		work(context);
		commit_transaction();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		in_transaction = false;
		MemoryContextSwitchTo(round_context);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(round_context);
	pgstat_report_activity(STATE_IDLE, NULL);
	return error;
}

static int
failures(void)
{
	return looking.failures + posting.failures + maintaining.failures;
}

typedef struct Failure
{
	const char *text;
	TimestampTz next_try;
} Failure;

/* writes down what has failed, or that nothing fails any more */
static void
note_failure(void *context)
{
	static StreamQuery query = {
		.text = "update rewards.worker set failures = $1, failure = $2, next_try = $3",
		.nargs = 3,
		.types = {INT4OID, TEXTOID, TIMESTAMPTZOID}
	};
	Failure    *failure = (Failure *) context;
	Datum		args[3] = {Int32GetDatum(failures())};
	char		nulls[4] = " nn";

	if (failure)
	{
		args[1] = CStringGetTextDatum(failure->text);
		args[2] = TimestampTzGetDatum(failure->next_try);
		strcpy(nulls, "   ");
	}
	if (SPI_execute_plan(stream_plan(&query), args, nulls, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not write down what has failed");
}

/* tells of an error and when the task is tried again */
static void
fail(Task *task, const ErrorData *error)
{
	int64		pause = Min(LOOK_EVERY << Min(task->failures, 20), LONGEST_BACK_OFF);
	Failure		failure;

	end_if_told();
	end_if_removed();
	task->failures++;
	task->next_try = GetCurrentTimestamp() + pause;
	ereport(LOG,
			(errcode(error->sqlerrcode),
			 errmsg("rewards worker: %s failed: %s", task->name, error->message),
			 error->detail ? errdetail_internal("%s", error->detail) : 0,
			 errhint("It is tried again in %d s.", (int) (pause / USECS_PER_SEC)),
			 error->context ? errcontext("%s", error->context) : 0));
	failure.text = psprintf("%s: %s", task->name, error->message);
	failure.next_try = task->next_try;
	/* when this fails too, the log has told it */
	(void) try_work("rewards: taking notes", note_failure, &failure);
}

/* does something for a task; false when that fails, or its time has not come again */
static bool
attempt(Task *task, const char *activity, void (*work) (void *), void *context)
{
	ErrorData  *error;

	if (task->failures > 0 && GetCurrentTimestamp() < task->next_try)
		return false;
	error = try_work(activity, work, context);
	if (error == NULL)
		return true;
	fail(task, error);
	return false;
}

/* ---- looking ---- */

/*
 * The first look waits for a start_worker() that has not committed yet.  News are
 * messages that no posting can have announced.  The cursor comes first: see maintain().
 */
static void
look_around(void *context)
{
	static StreamQuery query = {
		.text = "select not w.stopped and w.identity = rewards.database_identity()"
		" and rewards.library_version() = (select x.extversion from pg_extension x where x.extname = 'rewards'),"
		" w.stays,"
		" rewards.last_number() - c.last,"
		" cardinality(c.open_first) > 0"
		" or exists (select from rewards.lot l where l.expires_at <= clock_timestamp() and l.remaining > 0)"
		" or exists (select from rewards.hold h where h.closed_at is null and h.expires_at <= clock_timestamp())"
		" or exists (select from rewards.notification n where n.delivered_at is null"
		" and n.recorded_xid >= coalesce(pg_snapshot_xmax(c.announced), '0')"
		" and n.recorded_xid < pg_snapshot_xmax(pg_current_snapshot())"
		" and n.recorded_xid is distinct from c.announced_by),"
		" coalesce(c.posted_at, '-infinity'), w.failures, coalesce(w.maintained_on, '-infinity')"
		" from rewards.cursor c, rewards.worker w where c.single and w.single"
	};
	Look	   *look = (Look *) context;
	HeapTuple	tuple;
	TupleDesc	desc;
	bool		isnull;

	memset(look, 0, sizeof(Look));
	if (!looked_once && SPI_execute("select from rewards.cursor c, rewards.worker w where c.single and w.single for share of w", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not wait for who has started this");
	looked_once = true;
	if (SPI_execute_plan(stream_plan(&query), NULL, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for work");
	if (SPI_processed != 1)
		return;					/* a restore has not come to these tables yet */
	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	look->welcome = DatumGetBool(SPI_getbinval(tuple, desc, 1, &isnull));
	look->stays = DatumGetBool(SPI_getbinval(tuple, desc, 2, &isnull));
	look->tail = DatumGetInt64(SPI_getbinval(tuple, desc, 3, &isnull));
	look->due = DatumGetBool(SPI_getbinval(tuple, desc, 4, &isnull));
	look->posted_at = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 5, &isnull));
	look->failures = DatumGetInt32(SPI_getbinval(tuple, desc, 6, &isnull));
	look->maintained = DatumGetDateADT(SPI_getbinval(tuple, desc, 7, &isnull))
		>= local_day(GetCurrentTimestamp());
	look->delay = post_delay();
	look->backlog = post_backlog();
}

/* ---- working ---- */

static int64
last_posted(void)
{
	static StreamQuery query = {.text = "select c.last from rewards.cursor c where c.single"};
	bool		isnull;

	if (SPI_execute_plan(stream_plan(&query), NULL, NULL, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read the cursor");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

static void
post_some(void *context)
{
	static StreamQuery query = {
		.text = "select p.events, p.complete from rewards.post($1) p",
		.nargs = 1,
		.types = {INT8OID}
	};
	Posted	   *posted = (Posted *) context;
	Datum		most = Int64GetDatum(POST_ROWS);
	int64		before = last_posted();
	bool		isnull;

	if (SPI_execute_plan(stream_plan(&query), &most, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not post");
	posted->events = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	posted->complete = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	posted->advanced = posted->events > 0 || last_posted() > before;
}

/* who removes or renews the tables locks the cursor first, and so does this */
static void
maintain(void *context)
{
	Oid			types[1] = {DATEOID};
	Datum		day = DateADTGetDatum(local_day(GetCurrentTimestamp()));

	if (SPI_execute("lock table rewards.cursor in row share mode", false, 0) != SPI_OK_UTILITY
		|| SPI_execute("select rewards.maintain()", false, 0) != SPI_OK_SELECT
		|| SPI_execute_with_args("update rewards.worker set maintained_on = $1", 1, types, &day, NULL,
								 false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not maintain");
}

/*
 * What old transactions keep open, or what another session has locked, is tried again
 * after a pause that grows.
 */
static void
note_pause(const Posted *posted)
{
	stuck = !posted->advanced && !posted->complete;
	pause_length = posted->advanced ? 0 : Min(Max(pause_length * 2, LOOK_EVERY), LONGEST_PAUSE);
	pause_until = GetCurrentTimestamp() + pause_length;
}

static bool
posting_is_due(const Look *look)
{
	TimestampTz now = GetCurrentTimestamp();

	if (look->tail > 0 && !stuck)
		return look->tail > look->backlog || now >= look->posted_at + look->delay
			|| now < look->posted_at;
	return (look->tail > 0 || look->due) && (now >= pause_until || now < pause_until - LONGEST_PAUSE);
}

/* posts; returns whether there is more to be posted at once */
static bool
post_if_due(const Look *look)
{
	Posted		posted = {0};

	if (!posting_is_due(look))
		return false;
	place_hold(PLACE_POSTING);
	if (attempt(&posting, "rewards: posting", post_some, &posted))
	{
		posting.failures = 0;
		note_pause(&posted);
	}
	place_leave(PLACE_POSTING);
	return posted.advanced && !posted.complete;
}

static void
maintain_if_due(const Look *look)
{
	if (!look->maintained && attempt(&maintaining, "rewards: maintenance", maintain, NULL))
		maintaining.failures = 0;
}

/*
 * Ends when there was nothing to do for a while.  Whoever has recorded something while
 * the place was taken relies on this worker, so the last look comes after it is left.
 */
static void
end_if_idle(Look *look)
{
	TimestampTz now = GetCurrentTimestamp();

	if (look->tail > 0 || look->due || now < busy_at)
		busy_at = now;
	if (launched || look->stays || now < busy_at + Min(IDLE_BEFORE_END, IDLE_DELAYS * look->delay))
		return;
	place_leave(PLACE_HERE);
	if (try_work("rewards: looking", look_around, look) == NULL && look->tail <= 0)
		proc_exit(0);
	place_hold(PLACE_HERE);
	busy_at = now;
}

/* one round; returns after how many microseconds the next shall be */
static int64
work(void)
{
	Look		look = {0};
	bool		more;

	if (!attempt(&looking, "rewards: looking", look_around, &look))
		return LOOK_EVERY;
	looking.failures = 0;
	if (!look.welcome)
		proc_exit(0);
	more = post_if_due(&look);
	maintain_if_due(&look);
	if (look.failures > 0 && failures() == 0)
		attempt(&noting, "rewards: taking notes", note_failure, NULL);
	if (more)
		return 0;
	end_if_idle(&look);
	return Max(Min(LOOK_EVERY, look.delay), 10000);
}

/* ---- the process ---- */

static Oid
owner_of_tables(void)
{
	Oid			cursor = get_relname_relid("cursor", get_namespace_oid("rewards", false));
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(cursor));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", cursor);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * Transactions as post() wants them, whatever the server's defaults are, and as the
 * extension's owner.
 */
static void
set_up_session(void)
{
	Oid			owner = owner_of_tables();

	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_read_only", "off", PGC_SUSET, PGC_S_OVERRIDE);
	/* to compile a statement takes longer than to run it, and tables may not be analyzed yet */
	SetConfigOption("jit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("application_name", "rewards worker", PGC_SUSET, PGC_S_OVERRIDE);
	SetSessionAuthorization(owner, superuser_arg(owner));
}

/* false when there is nothing for it here, or another worker */
static bool
begin(void)
{
	bool		good;

	StartTransactionCommand();
	good = is_installed();
	if (!good)
		ereport(DEBUG1,
				(errmsg("rewards is not installed in database \"%s\"", get_database_name(MyDatabaseId))));
	good = good && place_take(PLACE_ONE);
	if (good)
	{
		set_up_session();
		place_hold(PLACE_HERE);
	}
	CommitTransactionCommand();
	return good;
}

void
rewards_worker_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, terminate);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid, 0);

	launched = MyBgworkerEntry->bgw_extra[0] == (char) WORKER_LAUNCHED;
	round_context = AllocSetContextCreate(TopMemoryContext, "rewards worker", ALLOCSET_DEFAULT_SIZES);
	busy_at = GetCurrentTimestamp();
	if (!begin())
		proc_exit(0);
	for (;;)
	{
		int64		pause;

		MemoryContextReset(round_context);
		MemoryContextSwitchTo(round_context);
		pause = work();
		pgstat_report_stat(pause > 0);
		rest(pause);
		end_if_in_the_way();
	}
}
