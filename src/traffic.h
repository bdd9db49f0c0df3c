/*
 * traffic.h
 *		Requests by day, hour, service and tier, and what they brought and cost.
 */
#ifndef REWARDS_TRAFFIC_H
#define REWARDS_TRAFFIC_H

#include "line.h"
#include "utils/date.h"

typedef struct Traffic Traffic;

extern Traffic *traffic_create(void);
extern void traffic_add(Traffic *traffic, const LineRow *row);
extern void traffic_write(Traffic *traffic);

#endif							/* REWARDS_TRAFFIC_H */
