/*
 * progress.h
 *		What accounts have done, kept by posting: rewards.activity.
 */
#ifndef REWARDS_PROGRESS_H
#define REWARDS_PROGRESS_H

#include "totals.h"

typedef struct Progress Progress;

extern Progress *progress_begin(Totals *totals, bool rewarding);
extern void progress_add(Progress *progress, const LineRow *row);
extern void progress_add_counted_uptime(Progress *progress);
extern void progress_finish(Progress *progress);
extern int	progress_write(Progress *progress, const int64 *numbers);

#endif							/* REWARDS_PROGRESS_H */
