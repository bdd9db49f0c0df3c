/*
 * rate_limit.c
 *		Limits on usage: posting counts what it folds in windows of time, by account.
 *
 * A row is counted under the limits in force for it, once: in the transaction that
 * folds it, and not when totals are repaired.  Where no rule limits usage nothing is
 * collected.  What is above a limit is found by rewards.count_usage(), which knows what
 * was counted before; it is taken back row by row, so for limits that do that each row
 * is handed over, for others only how many there were.
 */
#include "postgres.h"

#include "batch.h"
#include "byte_hash.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "rate_limit.h"
#include "rules.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* rows of an account in a window; of the same rule version, by id */
typedef struct WindowKey
{
	int64		rule;
	int64		account;		/* key, see totals.h */
	TimestampTz since;
} WindowKey;

typedef struct Window
{
	WindowKey	key;
	int64		calls;
	int64		number;			/* of the last row */
} Window;

struct Limits
{
	HTAB	   *windows;		/* Window, of limits that only flag */
	Window	   *rows;			/* of limits that take back */
	int64		count;
	int64		allocated;
};

/* NULL where there is nothing to watch over */
Limits *
limits_create(void)
{
	Limits	   *limits;

	if (!rules_limit_usage(rules_current()))
		return NULL;
	limits = palloc0(sizeof(Limits));
	limits->windows = byte_hash(CurrentMemoryContext, "limited usage", sizeof(WindowKey), sizeof(Window));
	limits->allocated = 64;
	limits->rows = palloc(limits->allocated * sizeof(Window));
	return limits;
}

/* windows follow one another from 2000-01-01 UTC on, which is where time begins here */
static TimestampTz
window_start(TimestampTz at, int64 window)
{
	int64		past = at % window;

	return at - (past < 0 ? past + window : past);
}

static void
add_row(Limits *limits, const WindowKey *key, int64 number)
{
	if (limits->count == limits->allocated)
		limits->rows = repalloc_huge(limits->rows, (limits->allocated *= 2) * sizeof(Window));
	limits->rows[limits->count++] = (Window) {*key, 1, number};
}

static void
count_row(Limits *limits, const WindowKey *key, int64 number)
{
	bool		found;
	Window	   *window = hash_search(limits->windows, key, HASH_ENTER, &found);

	if (!found)
		window->calls = 0;
	window->calls++;
	window->number = number;
}

static bool
is_of_service(const LineRow *row, const char *service)
{
	return row->service.text && strlen(service) == row->service.len
		&& memcmp(row->service.text, service, row->service.len) == 0;
}

/* adds a row; keys: of its user and provider, by kind; 0 for none */
void
limits_add(Limits *limits, const LineRow *row, const int64 *keys)
{
	AsOf		as_of;
	const Rule *rule;
	int			place = 0;

	if (limits == NULL || row->unit != UNIT_OF_USAGE || !row->succeeded)
		return;
	as_of = as_of_row(row->created_at, row->number);
	while ((rule = rule_next(rules_current(), RULE_RATE_LIMIT, &place, &as_of)) != NULL)
	{
		WindowKey	key = {rule->id, keys[rule->account_kind == KIND_PROVIDER ? KIND_PROVIDER : KIND_USER]};

		if (rule->window <= 0 || key.account == 0 || (rule->service && !is_of_service(row, rule->service)))
			continue;
		key.since = window_start(row->created_at, rule->window);
		if (rule->allowed)
			add_row(limits, &key, row->number);
		else
			count_row(limits, &key, row->number);
	}
}

static void
put_window(Batch *batch, const Window *window, const int64 *numbers)
{
	int			i = batch->count++;

	batch->columns[0][i] = Int64GetDatum(window->key.rule);
	batch->columns[1][i] = Int64GetDatum(number_of_key(window->key.account, numbers));
	batch->columns[2][i] = TimestampTzGetDatum(window->key.since);
	batch->columns[3][i] = Int64GetDatum(window->calls);
	batch->columns[4][i] = Int64GetDatum(window->number);
}

static int64
take_back(void)
{
	bool		isnull;

	if (SPI_execute("select rewards.take_back_excess()", false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not take back usage above a limit");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/*
 * Counts what was collected, when the totals are written, inside SPI, by who holds the
 * cursor.  Returns how many rows were taken back.
 */
int
limits_write(Limits *limits, const int64 *numbers)
{
	static const Oid types[] = {INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID};
	Batch		batch;
	HASH_SEQ_STATUS scan;
	Window	   *window;

	if (limits == NULL)
		return 0;
	batch = batch_create(lengthof(types), types, hash_get_num_entries(limits->windows) + limits->count);
	hash_seq_init(&scan, limits->windows);
	while ((window = hash_seq_search(&scan)) != NULL)
		put_window(&batch, window, numbers);
	for (int64 i = 0; i < limits->count; i++)
		put_window(&batch, &limits->rows[i], numbers);
	batch_execute(&batch, "select rewards.count_usage($1, $2, $3, $4, $5)");
	return (int) take_back();
}
