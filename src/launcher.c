/*
 * launcher.c
 *		Starts the workers of the databases that the server parameter
 *		rewards.databases names, where the library is preloaded.
 *
 * It reads nothing but the list of databases and is connected to none.  A database
 * that is not there, has no rewards, is a copy or was stopped is tried again each
 * minute, and at each reload; the log tells once.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "launcher.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"
#include "watch.h"

#define TRY_EVERY INT64CONST(60000000)

typedef struct Served
{
	char	   *name;
	BackgroundWorkerHandle *worker; /* NULL: none was started, or it has ended */
	TimestampTz next_try;
	bool		told;			/* why it has no worker */
	bool		named;			/* still */
} Served;

static char *databases = NULL;
static List *served = NIL;

/* ---- the server parameter ---- */

/* GucStringCheckHook */
static bool
check_databases(char **newval, void **extra, GucSource source)
{
	List	   *names = NIL;
	char	   *copy = pstrdup(*newval);
	bool		good = SplitGUCList(copy, ',', &names);

	if (!good)
		GUC_check_errdetail("List syntax is invalid.");
	list_free(names);
	pfree(copy);
	return good;
}

void
launcher_init(void)
{
	BackgroundWorker launcher;

	DefineCustomStringVariable("rewards.databases",
							   "Databases that have a worker at all times.",
							   "Takes effect where the library is in shared_preload_libraries.",
							   &databases, "",
							   PGC_SIGHUP, GUC_LIST_INPUT, check_databases, NULL, NULL);

	/* nothing is to run while pg_upgrade has the server */
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	launcher = process_named("rewards launcher", "rewards_launcher_main");
	RegisterBackgroundWorker(&launcher);
}

/* ---- databases ---- */

static void
serve(const char *name)
{
	ListCell   *cell;
	Served	   *database;

	foreach(cell, served)
	{
		database = lfirst(cell);
		if (strcmp(database->name, name) == 0)
		{
			database->named = true;
			return;
		}
	}
	database = palloc0(sizeof(Served));
	database->name = pstrdup(name);
	database->named = true;
	served = lappend(served, database);
}

/* after a reload: new ones get a worker, those no longer named lose theirs */
static void
read_list(void)
{
	char	   *copy = pstrdup(databases);
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, served)
		((Served *) lfirst(cell))->named = false;
	if (SplitGUCList(copy, ',', &names))
		foreach(cell, names)
			serve(lfirst(cell));
	foreach(cell, served)
	{
		Served	   *database = lfirst(cell);

		database->next_try = 0;
		if (database->named)
			continue;
		if (database->worker)
			TerminateBackgroundWorker(database->worker);
		served = foreach_delete_current(served, cell);
	}
	list_free(names);
	pfree(copy);
}

/* read from end to end, for without a database there are no indexes */
static Oid
database_oid(const char *name)
{
	Oid			database = InvalidOid;
	Relation	heap;
	SysScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	heap = table_open(DatabaseRelationId, AccessShareLock);
	scan = systable_beginscan(heap, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (strcmp(NameStr(((Form_pg_database) GETSTRUCT(tuple))->datname), name) == 0)
			database = ((Form_pg_database) GETSTRUCT(tuple))->oid;
	systable_endscan(scan);
	table_close(heap, AccessShareLock);
	CommitTransactionCommand();
	return database;
}

static void
tell(Served *database, const char *why)
{
	if (!database->told)
		ereport(LOG,
				(errmsg("rewards launcher: database \"%s\" %s", database->name, why),
				 errdetail("It is tried again each minute.")));
	database->told = true;
}

static void
start_worker(Served *database)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			oid = database_oid(database->name);

	MemoryContextSwitchTo(context);
	database->next_try = GetCurrentTimestamp() + TRY_EVERY;
	if (!OidIsValid(oid))
		tell(database, "does not exist");
	else if (!worker_start(oid, WORKER_LAUNCHED, &database->worker))
	{
		database->worker = NULL;
		tell(database, "has no worker, for max_worker_processes are running");
	}
}

/* gives a database its worker, if it lacks one and its time has come */
static void
attend(Served *database)
{
	pid_t		pid;

	if (database->worker)
		switch (GetBackgroundWorkerPid(database->worker, &pid))
		{
			case BGWH_STOPPED:
				pfree(database->worker);
				database->worker = NULL;
				database->next_try = GetCurrentTimestamp() + TRY_EVERY;
				tell(database, "has no worker: rewards is not installed there, a copy, stopped, or another one runs");
				break;
			default:
				return;
		}
	if (GetCurrentTimestamp() >= database->next_try
		|| GetCurrentTimestamp() < database->next_try - TRY_EVERY)
		start_worker(database);
}

/* ---- the process ---- */

void
rewards_launcher_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, "rewards launcher", ALLOCSET_DEFAULT_SIZES));

	read_list();
	while (!ShutdownRequestPending)
	{
		ListCell   *cell;

		foreach(cell, served)
			attend(lfirst(cell));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (served == NIL ? 0 : WL_TIMEOUT),
						 served == NIL ? -1 : (long) (TRY_EVERY / 1000), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			read_list();
		}
	}
	/* after a mere pg_terminate_backend() the postmaster starts it again */
	proc_exit(1);
}
