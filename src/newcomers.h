/*
 * newcomers.h
 *		Accounts that usage names and another node has to register.
 */
#ifndef REWARDS_NEWCOMERS_H
#define REWARDS_NEWCOMERS_H

#include "line.h"

typedef struct Newcomers Newcomers;

extern Newcomers *newcomers_create(void);
extern bool newcomers_add(Newcomers *newcomers, const LineRow *row);
extern void newcomers_write(Newcomers *newcomers);

#endif							/* REWARDS_NEWCOMERS_H */
