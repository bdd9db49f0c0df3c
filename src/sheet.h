/*
 * sheet.h
 *		Scores that follow each other on a leaderboard, packed.
 */
#ifndef REWARDS_SHEET_H
#define REWARDS_SHEET_H

#include "amount.h"
#include "event.h"
#include "fmgr.h"

/* an account's sum on a board */
typedef struct Score
{
	int64		account;
	Id			name;			/* lies where the score was read */
	AmountSum	points;
} Score;

/* scores taken out of sheets, in the order of the board */
typedef struct Sheet
{
	Score	   *scores;
	int			count;
	int			allocated;
} Sheet;

extern int	score_compare(const Score *a, const Score *b);
extern bytea *score_key(const Score *score);

extern void sheet_add(Sheet *sheet, Score score);
extern bool sheet_unpack(Sheet *sheet, const bytea *packed);
extern Size sheet_size(const Sheet *sheet);
extern bytea *sheet_pack(const Score *scores, int count);
extern int	sheet_fitting(const Score *scores, int count, Size size);

#endif							/* REWARDS_SHEET_H */
