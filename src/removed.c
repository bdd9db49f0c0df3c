/*
 * removed.c
 *		What is left of rows whose partition has been removed: their sums, for who
 *		makes totals anew.
 *
 * rewards.removal names the stretches of numbers whose usage has been summed up;
 * rewards.removed_sum has the sums.  From then on these count, and the rows do not,
 * whether they are still there or not: a transaction sees both tables as they were
 * before or both as they are after.
 *
 * Everything runs inside SPI.
 */
#include "postgres.h"

#include "books.h"
#include "catalog.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "removed.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* as many sums are read and written at once */
#define SUMS_FETCHED 100000

typedef struct Payer
{
	int64		account;
	char		status;
} Payer;

#define SH_PREFIX payers
#define SH_ELEMENT_TYPE Payer
#define SH_KEY account
#include "int64_hash.h"

struct Removed
{
	Stretch    *numbers;		/* ascending */
	int			count;
	payers_hash *payers;		/* whose usage that is gone cost something */
};

static StreamQuery numbers_query = {
	.text = "select first, upto - 1 from rewards.removal order by first"
};
static StreamQuery payers_query = {
	.text = "select distinct account from rewards.removed_sum where unit = 3"
};
static StreamQuery sums_query = {
	.text = SELECT_SUMS " where sort in ('d', 'o') order by account, day"
};

/* ---- which rows ---- */

/* RowVisitor */
static bool
note_numbers(TupleTableSlot *slot, void *context)
{
	Removed    *removed = (Removed *) context;

	/* room by powers of two; not in the memory of the visit */
	if ((removed->count & (removed->count - 1)) == 0)
		removed->numbers = removed->count == 0
			? MemoryContextAlloc(GetMemoryChunkContext(removed), sizeof(Stretch))
			: repalloc(removed->numbers, 2 * (Size) removed->count * sizeof(Stretch));
	removed->numbers[removed->count++] = (Stretch) {
		DatumGetInt64(slot->tts_values[0]), DatumGetInt64(slot->tts_values[1])
	};
	return true;
}

/* RowVisitor */
static bool
note_payer(TupleTableSlot *slot, void *context)
{
	Removed    *removed = (Removed *) context;
	bool		found;

	payers_insert(removed->payers, DatumGetInt64(slot->tts_values[0]), &found);
	return true;
}

/* what the active snapshot shows, in memory of the caller's */
Removed *
removed_read(void)
{
	Removed    *removed = palloc0(sizeof(Removed));

	removed->payers = payers_create(CurrentMemoryContext, 64, NULL);
	/* install() makes the tables some time after the library has come */
	if (catalog_has(TABLE_REMOVAL))
	{
		stream_rows(&numbers_query, NULL, NULL, note_numbers, removed);
		stream_rows(&payers_query, NULL, NULL, note_payer, removed);
	}
	return removed;
}

/* whether usage of this number has been summed up */
bool
removed_has(const Removed *removed, int64 number)
{
	for (int i = removed->count - 1; i >= 0; i--)
		if (number >= removed->numbers[i].first)
			return number <= removed->numbers[i].last;
	return false;
}

/* whether some of what an account paid is known by its sum only */
bool
removed_paid(const Removed *removed, int64 account)
{
	return payers_lookup(removed->payers, account) != NULL;
}

/* ---- their sums as totals ---- */

static void
add_sum(Totals *totals, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;

#define COLUMN(place) SPI_getbinval(tuple, desc, (place) + 1, &isnull)
	if (DatumGetChar(COLUMN(SUM_SORT)) == 'd')
	{
		Total		sum = {0};

		sum.key.account = DatumGetInt64(COLUMN(SUM_ACCOUNT));
		sum.key.period = DatumGetDateADT(COLUMN(SUM_DAY));
		sum.key.unit = DatumGetInt16(COLUMN(SUM_UNIT));
		sum.key.entry = DatumGetInt16(COLUMN(SUM_ENTRY));
		sum.key.level = DatumGetInt16(COLUMN(SUM_LEVEL));
		sum.amount = amount_sum_of_datum(COLUMN(SUM_AMOUNT));
		sum.events = DatumGetInt64(COLUMN(SUM_EVENTS));
		sum.tokens = DatumGetInt64(COLUMN(SUM_TOKENS));
		totals_add_sum(totals, &sum);
	}
	else
	{
		ModelTotal	sum = {0};
		Datum		name;

		sum.key.owner = DatumGetInt64(COLUMN(SUM_ACCOUNT));
		sum.key.day = DatumGetDateADT(COLUMN(SUM_DAY));
		name = COLUMN(SUM_NAME);
		if (!isnull)
			text_to_cstring_buffer(DatumGetTextPP(name), sum.key.model, sizeof(sum.key.model));
		sum.amount = amount_sum_of_datum(COLUMN(SUM_AMOUNT));
		sum.events = DatumGetInt64(COLUMN(SUM_EVENTS));
		sum.tokens = DatumGetInt64(COLUMN(SUM_TOKENS));
		sum.first_at = DatumGetTimestampTz(COLUMN(SUM_FIRST_AT));
		sum.last_at = DatumGetTimestampTz(COLUMN(SUM_LAST_AT));
		totals_add_model_sum(totals, &sum);
	}
#undef COLUMN
}

static void
write_sums(const SPITupleTable *sums, uint64 count)
{
	Totals	   *totals;

	/* its memory goes with it */
	SPI_connect();
	totals = totals_create(GRAIN_DAY, true);
	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_sum(totals, sums->vals[i], sums->tupdesc);
	}
	/* edges are folded after it, and bring all that there is then */
	books_write(totals, NULL);
	SPI_finish();
}

/* adds the sums to the tables of totals; only who holds the cursor may */
void
removed_fold(void)
{
	Portal		portal;

	if (!catalog_has(TABLE_REMOVAL))
		return;
	portal = SPI_cursor_open(NULL, stream_plan(&sums_query), NULL, NULL, true);
	for (;;)
	{
		SPITupleTable *fetched;

		SPI_cursor_fetch(portal, true, SUMS_FETCHED);
		if (SPI_processed == 0)
			break;
		fetched = SPI_tuptable;
		write_sums(fetched, SPI_processed);
		SPI_freetuptable(fetched);
	}
	SPI_cursor_close(portal);
}
