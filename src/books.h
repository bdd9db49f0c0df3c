/*
 * books.h
 *		The tables of totals, written.
 */
#ifndef REWARDS_BOOKS_H
#define REWARDS_BOOKS_H

#include "totals.h"

extern const int64 *books_write(Totals *totals);

#endif							/* REWARDS_BOOKS_H */
