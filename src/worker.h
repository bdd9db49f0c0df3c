/*
 * worker.h
 *		The background process that posts.
 */
#ifndef REWARDS_WORKER_H
#define REWARDS_WORKER_H

#include "fmgr.h"

extern PGDLLEXPORT void rewards_worker_main(Datum arg);

#endif							/* REWARDS_WORKER_H */
