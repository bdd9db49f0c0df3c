/*
 * leaf.h
 *		The partition that a row has been routed to, and the statement that it is of.
 */
#ifndef REWARDS_LEAF_H
#define REWARDS_LEAF_H

#include "fmgr.h"

extern void leaf_init(void);
extern int	leaf_depth(void);
extern void leaf_trust(FmgrInfo *trigger);

#endif							/* REWARDS_LEAF_H */
