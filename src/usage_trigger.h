/*
 * usage_trigger.h
 *		Rows in.
 */
#ifndef REWARDS_USAGE_TRIGGER_H
#define REWARDS_USAGE_TRIGGER_H

extern void usage_trigger_init(void);

#endif							/* REWARDS_USAGE_TRIGGER_H */
