/*
 * watch.c
 *		Whether this database has a worker, and whether it needs one.
 *
 * Sessions that insert or read look now and then, and start a worker where the tail
 * has grown long or old.  To look writes nothing and waits for nobody, and costs what
 * a few look-ups cost, once a second at the most.
 *
 * A worker is seen by the locks it holds.  They are of a kind that no SQL can take,
 * they last as long as its process, and they belong to one database.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "cursor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "number.h"
#include "rules.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "watch.h"

PG_FUNCTION_INFO_V1(worker_place);
PG_FUNCTION_INFO_V1(launch_worker);
PG_FUNCTION_INFO_V1(end_worker);

/* 'rewa', and a class of advisory locks that those of SQL, 1 and 2, are not */
#define PLACE_KEY 0x72657761
#define PLACE_CLASS 0x7277

/* between two looks, and between two attempts to start a worker */
#define LOOK_EVERY INT64CONST(1000000)
#define START_EVERY INT64CONST(10000000)

/* how long a worker that is told to end is waited for */
#define END_MILLISECONDS 10000

/* one of our processes that dies comes back after so long */
#define RESTART_SECONDS 10

typedef enum Outcome
{
	NOT_NEEDED,
	STARTED,
	NO_SLOT
} Outcome;

static TimestampTz looked_at = 0;
static TimestampTz started_at = 0;	/* the last attempt */
static Outcome started = NOT_NEEDED;	/* and what came of it */
static bool is_worker = false;

/* ---- places ---- */

static LOCKTAG
place_tag(Place place)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, PLACE_KEY, place, PLACE_CLASS);
	return tag;
}

/* takes a place of this database's worker until it is left; false when it is taken */
bool
place_take(Place place)
{
	LOCKTAG		tag = place_tag(place);

	is_worker = true;
	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

/* takes a place that nobody but who just asks for it can have */
void
place_hold(Place place)
{
	while (!place_take(place))
		pg_usleep(1000);
}

void
place_leave(Place place)
{
	LOCKTAG		tag = place_tag(place);

	LockRelease(&tag, ExclusiveLock, true);
}

/*
 * Whether somebody has a place.  To ask takes it for a moment, shared: only for places
 * that a worker can wait for, which PLACE_ONE is not.
 */
static bool
place_is_taken(Place place)
{
	LOCKTAG		tag = place_tag(place);

	if (LockAcquire(&tag, ShareLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, ShareLock, true);
	return false;
}

/* the process that has a place, or 0 */
static int
place_process(Place place)
{
	LOCKTAG		tag = place_tag(place);
	LockData   *locks = GetLockStatusData();

	for (int i = 0; i < locks->nelements; i++)
		if (memcmp(&locks->locks[i].locktag, &tag, sizeof(LOCKTAG)) == 0
			&& (locks->locks[i].holdMask & LOCKBIT_ON(ExclusiveLock)) != 0)
			return locks->locks[i].pid;
	return 0;
}

/* ---- looking ---- */

/* the settings, in microseconds and in rows */
int64
post_delay(void)
{
	Interval   *delay = DatumGetIntervalP(DirectFunctionCall3(interval_in,
															  CStringGetDatum(rules_setting_now("post_delay")),
															  ObjectIdGetDatum(InvalidOid),
															  Int32GetDatum(-1)));

	return delay->time + (delay->day + delay->month * INT64CONST(30)) * USECS_PER_DAY;
}

int64
post_backlog(void)
{
	return pg_strtoint32(rules_setting_now("post_backlog"));
}

/*
 * The row of a table of ours that has one row, or NULL; also while somebody changes
 * the table, for nobody shall wait for that here.
 */
static HeapTuple
read_only_row(const char *name, TupleDesc *desc)
{
	Oid			relid = get_relname_relid(name, get_namespace_oid("rewards", true));
	Relation	heap;
	SysScanDesc scan;
	HeapTuple	tuple;
	Snapshot	snapshot;

	if (!OidIsValid(relid) || !ConditionalLockRelationOid(relid, AccessShareLock))
		return NULL;
	heap = try_table_open(relid, NoLock);
	if (heap == NULL)
	{
		UnlockRelationOid(relid, AccessShareLock);
		return NULL;
	}
	*desc = CreateTupleDescCopy(RelationGetDescr(heap));
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan = systable_beginscan(heap, InvalidOid, false, snapshot, 0, NULL);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(heap, AccessShareLock);
	return tuple;
}

/* a column by its name, for tables of another version may have it elsewhere */
static Datum
column_of(HeapTuple tuple, TupleDesc desc, const char *name, bool *isnull)
{
	*isnull = true;
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped
			&& strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return heap_getattr(tuple, i + 1, desc, isnull);
	return (Datum) 0;
}

/* whether a worker may run here: nobody has stopped it, and this is no copy */
static bool
worker_is_welcome(void)
{
	TupleDesc	desc;
	HeapTuple	tuple = read_only_row("worker", &desc);
	Cursor		home = {0};
	bool		isnull;

	if (tuple == NULL || DatumGetBool(column_of(tuple, desc, "stopped", &isnull)))
		return false;
	home.identity = TextDatumGetCString(column_of(tuple, desc, "identity", &isnull));
	return !cursor_is_copied(&home);
}

/* whether the tail is longer or older than it shall be */
static bool
tail_is_due(void)
{
	TupleDesc	desc;
	HeapTuple	tuple = read_only_row("cursor", &desc);
	int64		tail;
	TimestampTz posted_at;
	bool		isnull;

	if (tuple == NULL)
		return false;
	tail = number_last() - DatumGetInt64(column_of(tuple, desc, "last", &isnull));
	if (tail <= 0)
		return false;
	posted_at = DatumGetTimestampTz(column_of(tuple, desc, "posted_at", &isnull));
	return isnull || tail > post_backlog()
		|| TimestampDifferenceExceeds(posted_at, GetCurrentTimestamp(), (int) (post_delay() / 1000));
}

static bool
may_start(void)
{
	return IsNormalProcessingMode() && !IsBinaryUpgrade && !is_worker
		&& !IsInParallelMode() && !RecoveryInProgress();
}

/* a process of this library's, to be registered */
BackgroundWorker
process_named(const char *name, const char *entry)
{
	BackgroundWorker process = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = RESTART_SECONDS
	};

	strlcpy(process.bgw_name, name, BGW_MAXLEN);
	strlcpy(process.bgw_type, name, BGW_MAXLEN);
	strlcpy(process.bgw_library_name, "rewards", sizeof(process.bgw_library_name));
	strlcpy(process.bgw_function_name, entry, BGW_MAXLEN);
	return process;
}

/* asks the postmaster for a worker; false when there is no free slot */
bool
worker_start(Oid database, WorkerKind kind, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker = process_named("rewards worker", "rewards_worker_main");

	if (kind == WORKER_LAUNCHED)
		worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_extra[0] = (char) kind;
	worker.bgw_notify_pid = kind == WORKER_LAUNCHED ? MyProcPid : 0;
	return RegisterDynamicBackgroundWorker(&worker, handle);
}

/* starts a worker if one is needed, unless that was tried a moment ago */
static Outcome
start_if_needed(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!may_start() || place_is_taken(PLACE_HERE) || !worker_is_welcome() || !tail_is_due())
		return NOT_NEEDED;
	if (now >= started_at + START_EVERY || now < started_at)
	{
		started_at = now;
		started = worker_start(MyDatabaseId, WORKER_BY_ITSELF, NULL) ? STARTED : NO_SLOT;
	}
	return started;
}

/* for whoever has inserted usage or read the tail */
void
watch_tail(void)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();

	/* a clock that was set back must not end the watch */
	if (now < looked_at + LOOK_EVERY && now >= looked_at)
		return;
	looked_at = now;
	start_if_needed();
}

/* ---- calls ---- */

/*
 * worker_place() returns (place, pid): posting or idle, and the process; else
 * starting, no slot or none, having started one if it is needed.
 */
Datum
worker_place(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	const char *place = "none";
	int			pid = 0;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "worker_place() must return a row");
	desc = BlessTupleDesc(desc);

	if (place_is_taken(PLACE_HERE))
		pid = place_process(PLACE_HERE);
	if (pid != 0)
		place = place_is_taken(PLACE_POSTING) ? "posting" : "idle";
	else
		switch (start_if_needed())
		{
			case STARTED:
				place = "starting";
				break;
			case NO_SLOT:
				place = "no slot";
				break;
			case NOT_NEEDED:
				break;
		}
	values[0] = CStringGetTextDatum(place);
	values[1] = Int32GetDatum(pid);
	nulls[1] = pid == 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* launch_worker(): starts a worker, needed or not, unless there is one; says what it did */
Datum
launch_worker(PG_FUNCTION_ARGS)
{
	const char *done = place_is_taken(PLACE_HERE) ? "running already"
		: worker_start(MyDatabaseId, WORKER_BY_ITSELF, NULL) ? "started"
		: "none: no free worker slot";

	PG_RETURN_TEXT_P(cstring_to_text(done));
}

/*
 * end_worker(): tells the worker to end and waits until it has; false when there is
 * none, or it does not end.
 */
Datum
end_worker(PG_FUNCTION_ARGS)
{
	int			pid = place_is_taken(PLACE_HERE) ? place_process(PLACE_HERE) : 0;

	if (pid == 0 || kill(pid, SIGTERM) != 0)
		PG_RETURN_BOOL(false);
	for (int waited = 0; waited < END_MILLISECONDS; waited += 10)
	{
		if (!place_is_taken(PLACE_HERE))
			PG_RETURN_BOOL(true);
		CHECK_FOR_INTERRUPTS();
		pg_usleep(10000);
	}
	PG_RETURN_BOOL(false);
}
