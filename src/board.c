/*
 * board.c
 *		The leaderboards: their names, and which share counts where.
 */
#include "postgres.h"

#include "argument.h"
#include "board.h"
#include "distribution.h"
#include "fmgr.h"
#include "line.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(board_name);
PG_FUNCTION_INFO_V1(board_number);
PG_FUNCTION_INFO_V1(board_account_kind);

static const char *const board_names[] = {
	[BOARD_PROVIDER] = "provider",
	[BOARD_USER] = "user",
	[BOARD_CREATOR] = "creator",
	[BOARD_REFERRER] = "referrer"
};

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

/* board_name(number): NULL for what is no board */
Datum
board_name(PG_FUNCTION_ARGS)
{
	int16		number = PG_GETARG_INT16(0);

	if (number < BOARD_FIRST || number > BOARD_LAST)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(board_names[number]));
}

/* an argument that names one; 22004 or 22023 for what is no board */
Board
board_of_argument(FunctionCallInfo fcinfo, int number)
{
	char	   *name;

	argument_require(fcinfo, number, "board");
	name = text_to_cstring(PG_GETARG_TEXT_PP(number));
	for (int i = BOARD_FIRST; i <= BOARD_LAST; i++)
		if (strcmp(name, board_names[i]) == 0)
			return (Board) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no board \"%s\"", name),
			 errhint("Boards are provider, user, creator and referrer.")));
}

/* board_number(board): its number in rewards.score; 22004 or 22023 for what is no board */
Datum
board_number(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT16((int16) board_of_argument(fcinfo, 0));
}

/* an argument that names the kind of account that is meant on a board: NULL is the board's own; 22023 */
AccountKind
board_kind_of_argument(FunctionCallInfo fcinfo, int number, Board board)
{
	return PG_ARGISNULL(number) ? board_kind(board) : account_kind_of(PG_GETARG_DATUM(number));
}

/* board_kind(board, kind): the kind of account that is meant on a board */
Datum
board_account_kind(PG_FUNCTION_ARGS)
{
	bool		providers = !PG_ARGISNULL(0)
		&& strcmp(text_to_cstring(PG_GETARG_TEXT_PP(0)), board_names[BOARD_PROVIDER]) == 0;

	if (!PG_ARGISNULL(1))
		PG_RETURN_DATUM(PG_GETARG_DATUM(1));
	PG_RETURN_TEXT_P(cstring_to_text(account_kind_name(providers ? KIND_PROVIDER : KIND_USER)));
}
