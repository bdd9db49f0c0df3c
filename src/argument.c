/*
 * argument.c
 *		What the arguments of SQL functions must be, and what they mean.
 *
 * Each call asks several of these, so they are not in SQL: there a check takes more
 * than most reads.
 */
#include "postgres.h"

#include "access/xact.h"
#include "argument.h"
#include "event.h"
#include "fmgr.h"
#include "rules.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"

PG_FUNCTION_INFO_V1(check_not_null);
PG_FUNCTION_INFO_V1(check_id);
PG_FUNCTION_INFO_V1(check_kind);
PG_FUNCTION_INFO_V1(today);
PG_FUNCTION_INFO_V1(month_of_text);
PG_FUNCTION_INFO_V1(month_argument_text);
PG_FUNCTION_INFO_V1(month_argument_date);

static void
refuse_null(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", name),
			 errhint("Give a value for it.")));
}

/* a name that we gave ourselves */
static char *
argument_name(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? pstrdup("argument") : text_to_cstring(PG_GETARG_TEXT_PP(number));
}

/* 22004 for a required argument that is NULL */
void
argument_require(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		refuse_null(name);
}

/* an id as it was given, whether or not there is one like it */
Id
argument_id(FunctionCallInfo fcinfo, int number, const char *name)
{
	argument_require(fcinfo, number, name);
	return id_of_datum(PG_GETARG_DATUM(number), false);
}

/* check_not_null(value, argument): 22004 for a required argument that is NULL */
Datum
check_not_null(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		refuse_null(argument_name(fcinfo, 1));
	PG_RETURN_VOID();
}

/* check_id(id, argument): 22004 or 22023 for what is no id */
Datum
check_id(PG_FUNCTION_ARGS)
{
	Id			id = id_of_datum(PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0), PG_ARGISNULL(0));

	if (id.text == NULL)
		refuse_null(argument_name(fcinfo, 1));
	if (!is_id(id))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s", argument_name(fcinfo, 1)),
				 errhint("An id has 1 to 255 bytes and no control characters.")));
	PG_RETURN_VOID();
}

/* 22004 or 22023 for what is no kind of account */
AccountKind
argument_kind(FunctionCallInfo fcinfo, int number)
{
	argument_require(fcinfo, number, "kind");
	return account_kind_of(PG_GETARG_DATUM(number));
}

/* check_kind(kind): 22004 or 22023 for what is no kind of account */
Datum
check_kind(PG_FUNCTION_ARGS)
{
	(void) argument_kind(fcinfo, 0);
	PG_RETURN_VOID();
}

/* n, of accounts that are listed; 22004 or 22023 */
int
argument_count(FunctionCallInfo fcinfo, int number, int most, const char *hint)
{
	argument_require(fcinfo, number, "n");
	if (PG_GETARG_INT32(number) < 0 || PG_GETARG_INT32(number) > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n must be between 0 and %d", most),
				 errhint("%s", hint)));
	return PG_GETARG_INT32(number);
}

/* ---- days and months ---- */

static DateADT
programme_today(void)
{
	return local_day(GetCurrentTransactionStartTimestamp());
}

static DateADT
month_of(DateADT day)
{
	int			y,
				m,
				d;

	j2date(day + POSTGRES_EPOCH_JDATE, &y, &m, &d);
	return date2j(y, m, 1) - POSTGRES_EPOCH_JDATE;
}

/* count digits at a place; -1 when there are fewer */
static int
digits(const char *text, int count)
{
	int			number = 0;

	for (int i = 0; i < count; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return -1;
		number = number * 10 + (text[i] - '0');
	}
	return number;
}

/* 2025-01 or 2025-01-31; false for what is no such month or day */
static bool
read_month(const char *text, DateADT *month)
{
	int			len = strlen(text);
	int			y,
				m,
				d;

	if ((len != 7 && len != 10) || text[4] != '-' || (len == 10 && text[7] != '-'))
		return false;
	y = digits(text, 4);
	m = digits(text + 5, 2);
	d = len == 10 ? digits(text + 8, 2) : 1;
	if (y < 1 || m < 1 || m > MONTHS_PER_YEAR || d < 1 || d > day_tab[isleap(y)][m - 1])
		return false;
	*month = date2j(y, m, 1) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* false for all time; 22023 for anything that is no month */
static bool
month_from(const text *value, DateADT *month)
{
	char	   *text = text_to_cstring(value);

	if (strcmp(text, "all") == 0)
		return false;
	if (!read_month(text, month))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid month \"%s\"", text),
				 errhint("Write a month as 2025-01 or as an ISO date, or all for all time.")));
	return true;
}

/* today(): the programme's current day */
Datum
today(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATEADT(programme_today());
}

/* month(month): the first of a month, NULL for all; 22023 for anything else */
Datum
month_of_text(PG_FUNCTION_ARGS)
{
	DateADT		month;

	if (!month_from(PG_GETARG_TEXT_PP(0), &month))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(month);
}

/* false for all time; NULL is the current month */
static bool
month_of_text_argument(FunctionCallInfo fcinfo, int number, DateADT *month)
{
	if (!PG_ARGISNULL(number))
		return month_from(PG_GETARG_TEXT_PP(number), month);
	*month = month_of(programme_today());
	return true;
}

/* false for all time, which NULL is; 22023 */
static bool
month_of_date_argument(FunctionCallInfo fcinfo, int number, DateADT *month)
{
	DateADT		day;

	if (PG_ARGISNULL(number))
		return false;
	day = PG_GETARG_DATEADT(number);
	if (DATE_NOT_FINITE(day))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid month \"%s\"", day == DATEVAL_NOEND ? "infinity" : "-infinity"),
				 errhint("Give a date of the month, or NULL for all time.")));
	*month = month_of(day);
	return true;
}

/* what a month given as a text or a date means; false for all time; 22023 */
bool
argument_month(FunctionCallInfo fcinfo, int number, bool is_text, DateADT *month)
{
	return is_text ? month_of_text_argument(fcinfo, number, month)
		: month_of_date_argument(fcinfo, number, month);
}

/* month_argument(text): the same, and NULL is the current month */
Datum
month_argument_text(PG_FUNCTION_ARGS)
{
	DateADT		month;

	if (!month_of_text_argument(fcinfo, 0, &month))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(month);
}

/* month_argument(date): the first of its month, NULL all time; 22023 */
Datum
month_argument_date(PG_FUNCTION_ARGS)
{
	DateADT		month;

	if (!month_of_date_argument(fcinfo, 0, &month))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(month);
}
