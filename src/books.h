/*
 * books.h
 *		The tables of totals, written.
 */
#ifndef REWARDS_BOOKS_H
#define REWARDS_BOOKS_H

#include "network.h"

extern const int64 *books_write(Totals *totals, Network *network);
extern void books_add_days(Total *lines, int count);

#endif							/* REWARDS_BOOKS_H */
