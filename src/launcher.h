/*
 * launcher.h
 *		Starts the workers of the databases that a server parameter names.
 */
#ifndef REWARDS_LAUNCHER_H
#define REWARDS_LAUNCHER_H

#include "fmgr.h"

extern PGDLLEXPORT void rewards_launcher_main(Datum arg);
extern void launcher_init(void);

#endif							/* REWARDS_LAUNCHER_H */
