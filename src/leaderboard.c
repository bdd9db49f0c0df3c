/*
 * leaderboard.c
 *		The SQL functions of leaderboards: what they are asked for, checked.
 *
 * Those for users check as users expect; the internal ones, which views and other
 * functions call, only what would do harm.
 */
#include "postgres.h"

#include "argument.h"
#include "fmgr.h"
#include "installation.h"
#include "ranking.h"
#include "reader.h"

PG_FUNCTION_INFO_V1(board_top);
PG_FUNCTION_INFO_V1(board_rank);
PG_FUNCTION_INFO_V1(board_around);
PG_FUNCTION_INFO_V1(leaderboard_top_text);
PG_FUNCTION_INFO_V1(leaderboard_top_date);
PG_FUNCTION_INFO_V1(leaderboard_rank_text);
PG_FUNCTION_INFO_V1(leaderboard_rank_date);
PG_FUNCTION_INFO_V1(leaderboard_around_text);
PG_FUNCTION_INFO_V1(leaderboard_around_date);

#define MOST_PLACES		1000000 /* that one call lists */
#define MOST_NEIGHBOURS	100000

/* ---- internal ---- */

#define MONTH_ARGUMENT	1		/* NULL is all time */

/* what internal functions are asked for: this keeps away from memory what makes no sense */
static Board
board_argument(FunctionCallInfo fcinfo)
{
	int			board = PG_GETARG_INT16(0);

	for (int i = 0; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i) && i != MONTH_ARGUMENT)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d must not be null", i + 1)));
	if (board < BOARD_FIRST || board > BOARD_LAST)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no board number %d", board)));
	return (Board) board;
}

static DateADT
month_argument(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(MONTH_ARGUMENT) ? ALL_TIME : PG_GETARG_DATEADT(MONTH_ARGUMENT);
}

static int64
places_argument(FunctionCallInfo fcinfo, int argument)
{
	int			n = PG_GETARG_INT32(argument);

	if (n < 0 || n > MOST_PLACES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n must be between 0 and %d", MOST_PLACES)));
	return n;
}

/* board_top(board, month, n) returns setof (rank, kind, account, points); month NULL is all time */
Datum
board_top(PG_FUNCTION_ARGS)
{
	Board		board = board_argument(fcinfo);

	ranking_top(fcinfo, board, month_argument(fcinfo), places_argument(fcinfo, 2));
	return (Datum) 0;
}

/* board_rank(board, month, kind, account) returns (rank, points, of) */
Datum
board_rank(PG_FUNCTION_ARGS)
{
	Board		board = board_argument(fcinfo);

	return ranking_rank(fcinfo, board, month_argument(fcinfo), account_kind_of(PG_GETARG_DATUM(2)),
						id_of_datum(PG_GETARG_DATUM(3), false));
}

/* board_around(board, month, kind, account, n) returns setof (rank, kind, account, points) */
Datum
board_around(PG_FUNCTION_ARGS)
{
	Board		board = board_argument(fcinfo);

	ranking_around(fcinfo, board, month_argument(fcinfo), account_kind_of(PG_GETARG_DATUM(2)),
				   id_of_datum(PG_GETARG_DATUM(3), false), places_argument(fcinfo, 4));
	return (Datum) 0;
}

/* ---- for users ---- */

static DateADT
call_month(FunctionCallInfo fcinfo, int number, bool is_text)
{
	DateADT		month;

	return argument_month(fcinfo, number, is_text, &month) ? month : ALL_TIME;
}

static Datum
leaderboard_top(FunctionCallInfo fcinfo, bool text)
{
	DateADT		month;
	Board		board;

	installation_require();
	month = call_month(fcinfo, 1, text);
	board = board_of_argument(fcinfo, 0);
	ranking_top(fcinfo, board, month,
				argument_count(fcinfo, 2, MOST_PLACES, "It is how many accounts are listed."));
	return (Datum) 0;
}

/* leaderboard_top(board, month, n) returns setof (rank, kind, account, points) */
Datum
leaderboard_top_text(PG_FUNCTION_ARGS)
{
	return leaderboard_top(fcinfo, true);
}

Datum
leaderboard_top_date(PG_FUNCTION_ARGS)
{
	return leaderboard_top(fcinfo, false);
}

/* what the calls about one account are asked for */
typedef struct Asked
{
	Board		board;
	DateADT		month;
	AccountKind kind;
	Id			id;
} Asked;

/* account, board and month come first; the kind is argument number kind_number */
static Asked
ask(FunctionCallInfo fcinfo, bool text, int kind_number)
{
	Asked		asked;

	installation_require();
	asked.month = call_month(fcinfo, 2, text);
	asked.id = argument_id(fcinfo, 0, "account");
	asked.board = board_of_argument(fcinfo, 1);
	asked.kind = board_kind_of_argument(fcinfo, kind_number, asked.board);
	reader_check(fcinfo, asked.kind, asked.id);
	return asked;
}

static Datum
leaderboard_rank(FunctionCallInfo fcinfo, bool text)
{
	Asked		asked = ask(fcinfo, text, 3);

	return ranking_rank(fcinfo, asked.board, asked.month, asked.kind, asked.id);
}

/* leaderboard_rank(account, board, month, kind) returns (rank, points, of) */
Datum
leaderboard_rank_text(PG_FUNCTION_ARGS)
{
	return leaderboard_rank(fcinfo, true);
}

Datum
leaderboard_rank_date(PG_FUNCTION_ARGS)
{
	return leaderboard_rank(fcinfo, false);
}

static Datum
leaderboard_around(FunctionCallInfo fcinfo, bool text)
{
	Asked		asked = ask(fcinfo, text, 4);

	ranking_around(fcinfo, asked.board, asked.month, asked.kind, asked.id,
				   argument_count(fcinfo, 3, MOST_NEIGHBOURS, "It is how many accounts are listed on either side."));
	return (Datum) 0;
}

/* leaderboard_around(account, board, month, n, kind) returns setof (rank, kind, account, points) */
Datum
leaderboard_around_text(PG_FUNCTION_ARGS)
{
	return leaderboard_around(fcinfo, true);
}

Datum
leaderboard_around_date(PG_FUNCTION_ARGS)
{
	return leaderboard_around(fcinfo, false);
}
