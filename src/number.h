/*
 * number.h
 *		Numbers of the line that usage, journal and referral edges share, as drawn.
 */
#ifndef REWARDS_NUMBER_H
#define REWARDS_NUMBER_H

extern int64 number_last(void);
extern void number_use(int64 number);
extern bool number_drawn(void);
extern bool number_all_below(int64 limit);

#endif							/* REWARDS_NUMBER_H */
