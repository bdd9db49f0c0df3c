/*
 * stages.h
 *		Finds the referees who may have reached a stage, or fallen behind one.
 */
#ifndef REWARDS_STAGES_H
#define REWARDS_STAGES_H

#include "totals.h"

typedef struct Stages Stages;

extern Stages *stages_create(int accounts, Totals *totals);
extern void stages_add(Stages *stages, int64 account, bool advanced);
extern void stages_write(Stages *stages, const int64 *numbers);

#endif							/* REWARDS_STAGES_H */
