/*
 * books.c
 *		Writes what totals.c has added up to the tables of totals: days, months,
 *		models, and through ladder.c the leaderboards.
 *
 * Only who holds the cursor writes here, in order of keys: models and names
 * by a statement each, the rest row by row.  Everything runs inside SPI.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "batch.h"
#include "books.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "keyed.h"
#include "ladder.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * Registers the names found, in order, and returns the number of each.
 */
static int64 *
register_names(Totals *totals)
{
	static const Oid types[] = {TEXTOID, TEXTOID, TIMESTAMPTZOID};
	Batch		batch = batch_create(3, types, totals->nnames);
	int64	   *numbers = palloc0((totals->nnames + 1) * sizeof(int64));

	if (totals->nnames == 0)
		return numbers;
	for (int i = 0; i < totals->nnames; i++)
	{
		int64		key = NAME_KEY(i);
		Activity   *activity = hash_search(totals->activities, &key, HASH_FIND, NULL);

		batch.columns[0][i] = CStringGetTextDatum(account_kind_name(totals->names[i].kind));
		batch.columns[1][i] = CStringGetTextDatum(totals->names[i].text);
		batch.columns[2][i] = TimestampTzGetDatum(activity->named_at);
	}
	batch.count = totals->nnames;
	batch_execute(&batch, "insert into rewards.account (kind, name, joined_at)"
				  " select kind, name, at from unnest($1, $2, $3) as n(kind, name, at)"
				  " order by name collate \"C\", kind"
				  " on conflict (name, kind) do nothing");
	batch.ncolumns = 2;
	batch_execute(&batch, "select n.place, a.id"
				  " from unnest($1, $2) with ordinality as n(kind, name, place)"
				  " join rewards.account a on a.name = n.name and a.kind = n.kind");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		int64		place = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));

		numbers[place - 1] = DatumGetInt64(SPI_getbinval(tuple, desc, 2, &isnull));
	}
	for (int i = 0; i < totals->nnames; i++)
		if (numbers[i] == 0)
			elog(ERROR, "account \"%s\" could not be registered", totals->names[i].text);
	return numbers;
}

static int
compare_totals(const void *left, const void *right)
{
	const TotalKey *a = &((const Total *) left)->key;
	const TotalKey *b = &((const Total *) right)->key;

	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	if (a->period != b->period)
		return a->period < b->period ? -1 : 1;
	if (a->unit != b->unit)
		return a->unit < b->unit ? -1 : 1;
	if (a->entry != b->entry)
		return a->entry < b->entry ? -1 : 1;
	return (a->level > b->level) - (a->level < b->level);
}

/* sorted lines, with lines of one key added together */
static int
sort_lines(Total *lines, int count)
{
	int			kept = 0;

	qsort(lines, count, sizeof(Total), compare_totals);
	for (int i = 0; i < count; i++)
	{
		if (kept > 0 && compare_totals(&lines[kept - 1], &lines[i]) == 0)
		{
			if (lines[kept - 1].kind == KIND_UNKNOWN)
				lines[kept - 1].kind = lines[i].kind;
			lines[kept - 1].amount += lines[i].amount;
			lines[kept - 1].events += lines[i].events;
			lines[kept - 1].tokens += lines[i].tokens;
		}
		else
			lines[kept++] = lines[i];
	}
	return kept;
}

static int
collect_lines(Totals *totals, const int64 *numbers, Total **lines)
{
	HASH_SEQ_STATUS scan;
	Total	   *total;
	int			count = 0;

	*lines = palloc_extended((hash_get_num_entries(totals->totals) + 1) * sizeof(Total),
							 MCXT_ALLOC_HUGE);
	hash_seq_init(&scan, totals->totals);
	while ((total = hash_seq_search(&scan)) != NULL)
	{
		(*lines)[count] = *total;
		(*lines)[count++].key.account = number_of_key(total->key.account, numbers);
	}
	return sort_lines(*lines, count);
}

/* LineWriter */
static void
add_line(KeyedTable *table, void *lines, int64 place)
{
	const Total *line = (const Total *) lines + place;
	Datum		values[TOTAL_COLUMNS];
	int64		events = line->events;
	int64		tokens = line->tokens;
	AmountSum	amount = line->amount;
	HeapTuple	old;

	values[TOTAL_ACCOUNT] = Int64GetDatum(line->key.account);
	values[TOTAL_PERIOD] = DateADTGetDatum(line->key.period);
	values[TOTAL_UNIT] = Int16GetDatum(line->key.unit);
	values[TOTAL_ENTRY] = Int16GetDatum(line->key.entry);
	values[TOTAL_LEVEL] = Int16GetDatum((int16) line->key.level);
	/* an account's lines of one period follow each other */
	old = keyed_find_next(table, values, TOTAL_UNIT);
	if (old)
	{
		bool		nulls[TOTAL_COLUMNS];

		heap_deform_tuple(old, RelationGetDescr(table->heap), values, nulls);
		amount += amount_sum_of_datum(values[TOTAL_AMOUNT]);
		events += DatumGetInt64(values[TOTAL_EVENTS]);
		tokens += DatumGetInt64(values[TOTAL_TOKENS]);
	}
	values[TOTAL_AMOUNT] = NumericGetDatum(amount_sum_to_numeric(amount));
	values[TOTAL_EVENTS] = Int64GetDatum(events);
	values[TOTAL_TOKENS] = Int64GetDatum(tokens);
	keyed_write(table, old, values);
}

/* adds sorted lines to a table of totals */
static void
write_lines(CatalogTable heap, CatalogTable index, Total *lines, int count)
{
	KeyedTable	table;

	keyed_open(&table, heap, index, TOTAL_COLUMNS, true);
	keyed_expect(&table, count);
	keyed_write_each(&table, add_line, lines, count);
	keyed_close(&table);
}

/* sorted daily lines, then the same by month, and what they change on the boards */
static void
write_days(Total *lines, int count)
{
	write_lines(TABLE_DAY_TOTAL, INDEX_DAY_TOTAL, lines, count);
	for (int i = 0; i < count; i++)
		lines[i].key.period = month_of(lines[i].key.period);
	count = sort_lines(lines, count);
	write_lines(TABLE_MONTH_TOTAL, INDEX_MONTH_TOTAL, lines, count);
	ladder_write(lines, count);
}

static void
write_totals(Totals *totals, const int64 *numbers, Network *network)
{
	Total	   *lines;
	int			count = collect_lines(totals, numbers, &lines);

	for (int i = 0; network && i < count; i++)
		network_add_value(network, &lines[i]);
	write_days(lines, count);
}

/*
 * Adds daily lines of accounts by number, in any order, to days, months and
 * leaderboards.  Changes the lines.
 */
void
books_add_days(Total *lines, int count)
{
	count = sort_lines(lines, count);
	PushActiveSnapshot(GetLatestSnapshot());
	write_days(lines, count);
	PopActiveSnapshot();
}

static void
write_models(Totals *totals)
{
	static const Oid types[] = {INT8OID, TEXTOID, INT8OID, INT8OID, NUMERICOID,
	TIMESTAMPTZOID, TIMESTAMPTZOID, DATEOID};
	Batch		batch = batch_create(lengthof(types), types, hash_get_num_entries(totals->models));
	HASH_SEQ_STATUS scan;
	ModelTotal *total;

	hash_seq_init(&scan, totals->models);
	while ((total = hash_seq_search(&scan)) != NULL)
	{
		int			i = batch.count++;

		batch.columns[0][i] = Int64GetDatum(total->key.owner);
		batch.columns[1][i] = CStringGetTextDatum(total->key.model);
		batch.columns[2][i] = Int64GetDatum(total->events);
		batch.columns[3][i] = Int64GetDatum(total->tokens);
		batch.columns[4][i] = NumericGetDatum(amount_sum_to_numeric(total->amount));
		batch.columns[5][i] = TimestampTzGetDatum(total->first_at);
		batch.columns[6][i] = TimestampTzGetDatum(total->last_at);
		batch.columns[7][i] = DateADTGetDatum(total->key.day);
	}
	batch_execute(&batch, "insert into rewards.model_total as t"
				  " (owner, model, events, tokens, amount, first_at, last_at)"
				  " select owner, model, sum(events), sum(tokens), sum(amount), min(first_at), max(last_at)"
				  " from unnest($1, $2, $3, $4, $5, $6, $7, $8)"
				  "  n(owner, model, events, tokens, amount, first_at, last_at, day)"
				  " group by owner, model"
				  " on conflict (owner, model) do update"
				  " set events = t.events + excluded.events,"
				  " tokens = t.tokens + excluded.tokens,"
				  " amount = t.amount + excluded.amount,"
				  " first_at = least(t.first_at, excluded.first_at),"
				  " last_at = greatest(t.last_at, excluded.last_at)");
	/* tables that install() has not brought to this version yet it will fill then */
	if (!catalog_has(TABLE_MODEL_DAY))
		return;
	batch_execute(&batch, "insert into rewards.model_day as t (owner, model, day, events, tokens, amount)"
				  " select owner, model, day, events, tokens, amount"
				  " from unnest($1, $2, $3, $4, $5, $6, $7, $8)"
				  "  n(owner, model, events, tokens, amount, first_at, last_at, day)"
				  " on conflict (owner, model, day) do update"
				  " set events = t.events + excluded.events,"
				  " tokens = t.tokens + excluded.tokens,"
				  " amount = t.amount + excluded.amount");
}

/*
 * Adds what was added up to all the tables of totals, and notes in the network, if
 * there is one, what that makes accounts worth.  Returns the numbers of the accounts
 * that it knew by name.
 */
const int64 *
books_write(Totals *totals, Network *network)
{
	int64	   *numbers = register_names(totals);

	PushActiveSnapshot(GetLatestSnapshot());
	write_totals(totals, numbers, network);
	PopActiveSnapshot();
	write_models(totals);
	return numbers;
}
