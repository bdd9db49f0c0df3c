/*
 * nodes.c
 *		Totals of other nodes, added to this one's.
 *
 * An aggregator gets the daily totals of each node by logical replication.  A
 * trigger notes in node_change by how much they change; here that is added to days,
 * months and leaderboards as posting adds rows, by who holds the cursor.
 */
#include "postgres.h"

#include "books.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(fold_day_changes);

/* how many changes go in one go */
#define FOLD_CHANGES "100000"

enum
{
	CHANGE_ACCOUNT,
	CHANGE_KIND,
	CHANGE_DAY,
	CHANGE_UNIT,
	CHANGE_ENTRY,
	CHANGE_LEVEL,
	CHANGE_AMOUNT,
	CHANGE_EVENTS,
	CHANGE_TOKENS
};

/* changes of accounts that have not arrived yet stay */
static const char *const take_changes =
"with taken as ("
" delete from rewards.node_change c using rewards.account a"
" where a.id = c.account and c.ctid = any (array("
"  select n.ctid from rewards.node_change n join rewards.account b on b.id = n.account"
"  where n.day is not null limit " FOLD_CHANGES "))"
" returning c.account, a.kind, c.day, c.unit, c.entry, c.level, c.amount, c.events, c.tokens)"
" select account, kind, day, unit, entry, level, sum(amount), sum(events)::bigint, sum(tokens)::bigint"
" from taken group by account, kind, day, unit, entry, level";

static Datum
change_value(uint64 row, int column)
{
	bool		isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column + 1, &isnull);
}

static void
read_change(Total *line, uint64 row)
{
	memset(line, 0, sizeof(Total));
	line->key.account = DatumGetInt64(change_value(row, CHANGE_ACCOUNT));
	line->key.period = DatumGetDateADT(change_value(row, CHANGE_DAY));
	line->key.unit = DatumGetInt16(change_value(row, CHANGE_UNIT));
	line->key.entry = DatumGetInt16(change_value(row, CHANGE_ENTRY));
	line->key.level = DatumGetInt16(change_value(row, CHANGE_LEVEL));
	line->kind = account_kind_of(change_value(row, CHANGE_KIND));
	line->amount = amount_sum_of_datum(change_value(row, CHANGE_AMOUNT));
	line->events = DatumGetInt64(change_value(row, CHANGE_EVENTS));
	line->tokens = DatumGetInt64(change_value(row, CHANGE_TOKENS));
}

/* folds some of the changes; false when there were none */
static bool
fold_some(int64 *folded)
{
	Total	   *lines;
	int			count;

	SPI_connect();
	if (SPI_execute(take_changes, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not take changes of other nodes");
	count = (int) SPI_processed;
	lines = palloc_extended(Max(count, 1) * sizeof(Total), MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
		read_change(&lines[i], i);
	if (count > 0)
		books_add_days(lines, count);
	*folded += count;
	SPI_finish();
	return count > 0;
}

/*
 * fold_day_changes(): adds what has changed in the daily totals of other nodes
 * to this node's; returns how many lines.  The caller has locked the cursor.
 */
Datum
fold_day_changes(PG_FUNCTION_ARGS)
{
	int64		folded = 0;

	while (fold_some(&folded))
		CHECK_FOR_INTERRUPTS();
	PG_RETURN_INT64(folded);
}
