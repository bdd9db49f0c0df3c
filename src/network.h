/*
 * network.h
 *		How many accounts an account has below it, level by level, and what the
 *		nearest have brought.
 */
#ifndef REWARDS_NETWORK_H
#define REWARDS_NETWORK_H

#include "totals.h"

typedef struct Network Network;

extern Network *network_create(const Cursor *cursor, int64 folded);
extern void network_add(Network *network, const LineRow *edge);
extern void network_add_value(Network *network, const Total *line);
extern void network_write(Network *network);

#endif							/* REWARDS_NETWORK_H */
