/*
 * watch.h
 *		Whether this database has a worker, and whether it needs one.
 */
#ifndef REWARDS_WATCH_H
#define REWARDS_WATCH_H

#include "postmaster/bgworker.h"
#include "utils/timestamp.h"

/* what a worker holds, so that others see it; see place_take() */
typedef enum Place
{
	PLACE_ONE = 1,				/* it is the only worker of its database */
	PLACE_HERE,					/* it is there */
	PLACE_POSTING				/* it is posting */
} Place;

/* how to start a worker */
typedef enum WorkerKind
{
	WORKER_BY_ITSELF,			/* ends when there is nothing to do */
	WORKER_LAUNCHED				/* stays; the launcher starts it again */
} WorkerKind;

extern bool place_take(Place place);
extern void place_hold(Place place);
extern void place_leave(Place place);

extern BackgroundWorker process_named(const char *name, const char *entry);
extern bool worker_start(Oid database, WorkerKind kind, BackgroundWorkerHandle **handle);
extern int64 post_delay(void);
extern int64 post_backlog(void);
extern void watch_tail(void);

#endif							/* REWARDS_WATCH_H */
