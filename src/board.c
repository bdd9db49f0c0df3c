/*
 * board.c
 *		The leaderboards: which share counts where.
 */
#include "postgres.h"

#include "board.h"
#include "distribution.h"
#include "line.h"

/* the kind of a board's accounts; on that of referrers there are both */
AccountKind
board_kind(Board board)
{
	return board == BOARD_PROVIDER ? KIND_PROVIDER : KIND_USER;
}

/*
 * Whether movements of this unit and entry count on a board, for an account of
 * this kind.  What is paid out or staked was earned all the same; what was taken
 * back (a negative entry, see totals.h) was not.
 */
bool
board_counts(Board board, AccountKind kind, int unit, int entry)
{
	entry = abs(entry);
	if (entry == ENTRY_PAYOUT || entry == ENTRY_STAKE)
		return false;
	switch (board)
	{
		case BOARD_PROVIDER:
			return unit == UNIT_POINTS && kind == KIND_PROVIDER;
		case BOARD_USER:
			return unit == UNIT_POINTS && kind == KIND_USER;
		case BOARD_CREATOR:
			return unit == UNIT_EARNINGS && kind == KIND_USER;
		case BOARD_REFERRER:
			return unit == UNIT_POINTS && entry == ENTRY_REFERRAL;
	}
	return false;
}
