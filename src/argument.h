/*
 * argument.h
 *		What the arguments of SQL functions must be.
 */
#ifndef REWARDS_ARGUMENT_H
#define REWARDS_ARGUMENT_H

extern void refuse_null(const char *name);

#endif							/* REWARDS_ARGUMENT_H */
