/*
 * lots.c
 *		What is left of credits that expire: the one that expires first is spent first.
 *
 * Each lot came in by an entry of the journal.  What is charged takes from the lots
 * that had not expired when it happened, then from what never expires, which may
 * become a debt; a new lot pays that debt first.  A row that captures a hold happened
 * when the hold was made.  Nothing of this depends on when it is looked at.  Movements
 * come in order of their numbers, as far as anybody knows; one that comes late finds
 * what is left.
 *
 * rewards.lot holds what posting has found, for lots with anything left.  Reading
 * takes it from there and goes on along the tail.  So all is read under the active
 * snapshot.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "batch.h"
#include "byte_hash.h"
#include "catalog.h"
#include "catalog/pg_type.h"
#include "lots.h"
#include "totals.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* columns of rewards.lot, and of its index */
enum
{
	LOT_ID = 1,
	LOT_ACCOUNT,
	LOT_UNIT,
	LOT_REMAINING,
	LOT_EXPIRES_AT
};

/* columns of rewards.hold that are read here, and of its indexes */
enum
{
	HOLD_ACCOUNT = 2,
	HOLD_REQUEST_ID = 4,
	HOLD_CREATED_AT = 6,
	HOLD_USAGE_ID = 10
};

typedef struct PurseKey
{
	int64		account;
	int64		unit;
} PurseKey;

/* an account's lots in one unit */
typedef struct Purse
{
	PurseKey	key;
	AmountSum	moved;			/* since the totals */
	Lot		   *lots;			/* by when they expire, then by number */
	int			nlots;
	bool		changed;
} Purse;

struct Lots
{
	MemoryContext context;
	HTAB	   *purses;
	bool		none;			/* rewards.lot is empty */
};

Lots *
lots_create(void)
{
	Lots	   *lots = palloc0(sizeof(Lots));

	lots->context = CurrentMemoryContext;
	lots->purses = byte_hash(CurrentMemoryContext, "purses", sizeof(PurseKey), sizeof(Purse));
	lots->none = catalog_is_empty(TABLE_LOT);
	return lots;
}

/* ---- a wallet's lots ---- */

/* puts a lot in its place */
static Lot *
add_lot(Purse *purse, Lot lot)
{
	int			place = purse->nlots;

	/* room by powers of two */
	if ((purse->nlots & (purse->nlots - 1)) == 0)
		purse->lots = purse->nlots == 0 ? palloc(sizeof(Lot))
			: repalloc(purse->lots, 2 * (Size) purse->nlots * sizeof(Lot));
	purse->nlots++;
	for (; place > 0; place--)
	{
		const Lot  *before = &purse->lots[place - 1];

		if (before->expires_at < lot.expires_at
			|| (before->expires_at == lot.expires_at && before->id < lot.id))
			break;
		purse->lots[place] = *before;
	}
	purse->lots[place] = lot;
	return &purse->lots[place];
}

static void
read_lots(Purse *purse)
{
	ScanKeyData keys[2];
	CatalogScan scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], LOT_ACCOUNT, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(purse->key.account));
	ScanKeyInit(&keys[1], LOT_UNIT, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum((int16) purse->key.unit));
	scan = catalog_scan_active(TABLE_LOT, INDEX_LOT, keys, 2);
	while ((tuple = catalog_next(&scan)) != NULL)
	{
		TupleDesc	desc = RelationGetDescr(scan.heap);
		bool		isnull;
		Lot			lot = {
			.id = DatumGetInt64(heap_getattr(tuple, LOT_ID, desc, &isnull)),
			.expires_at = DatumGetTimestampTz(heap_getattr(tuple, LOT_EXPIRES_AT, desc, &isnull)),
			.remaining = amount_sum_of_datum(heap_getattr(tuple, LOT_REMAINING, desc, &isnull))
		};

		add_lot(purse, lot);
	}
	catalog_end(&scan);
}

static Purse *
find_purse(Lots *lots, int64 account, Unit unit)
{
	PurseKey	key = {account, unit};
	bool		found;
	Purse	   *purse = hash_search(lots->purses, &key, HASH_ENTER, &found);

	if (!found)
	{
		memset((char *) purse + sizeof(PurseKey), 0, sizeof(Purse) - sizeof(PurseKey));
		if (!lots->none && account > 0)
			read_lots(purse);
	}
	return purse;
}

/* what the totals say that a wallet holds */
AmountSum
folded_sum(int64 account, Unit unit)
{
	ScanKeyData key;
	CatalogScan scan;
	HeapTuple	tuple;
	AmountSum	sum = 0;

	ScanKeyInit(&key, TOTAL_ACCOUNT + 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account));
	scan = catalog_scan_active(TABLE_MONTH_TOTAL, INDEX_MONTH_TOTAL, &key, 1);
	while ((tuple = catalog_next(&scan)) != NULL)
	{
		TupleDesc	desc = RelationGetDescr(scan.heap);
		bool		isnull;

		if (DatumGetInt16(heap_getattr(tuple, TOTAL_UNIT + 1, desc, &isnull)) == (int16) unit)
			sum += amount_sum_of_datum(heap_getattr(tuple, TOTAL_AMOUNT + 1, desc, &isnull));
	}
	catalog_end(&scan);
	return sum;
}

/* ---- movements ---- */

/* a lot begins; what is owed is paid from it at once */
static void
begin_lot(Purse *purse, const Movement *movement)
{
	Lot		   *lot = add_lot(purse, (Lot) {movement->number, movement->expires_at, movement->amount});
	AmountSum	unlimited = folded_sum(purse->key.account, (Unit) purse->key.unit)
		+ purse->moved + movement->amount;

	/* the part of the wallet that is in no lot */
	for (int i = 0; i < purse->nlots; i++)
		unlimited -= purse->lots[i].remaining;
	if (unlimited < 0)
		lot->remaining -= Min(lot->remaining, -unlimited);
	purse->changed = true;
}

/* the time, or when the account's hold that is found by a key was made, if that was earlier */
static TimestampTz
time_of_hold_by(CatalogTable index, ScanKey key, int64 account, TimestampTz at)
{
	CatalogScan scan = catalog_scan_active(TABLE_HOLD, index, key, 1);
	HeapTuple	tuple = catalog_next(&scan);

	if (tuple)
	{
		TupleDesc	desc = RelationGetDescr(scan.heap);
		bool		isnull;

		if (DatumGetInt64(heap_getattr(tuple, HOLD_ACCOUNT, desc, &isnull)) == account)
			at = Min(at, DatumGetTimestampTz(heap_getattr(tuple, HOLD_CREATED_AT, desc, &isnull)));
	}
	catalog_end(&scan);
	return at;
}

/*
 * When a charge happened for the lots: when the hold that its row captures was made, if
 * there is one.  An open hold is found by the request; one that is closed, as when all is
 * folded again, by the row.
 */
static TimestampTz
time_of_hold(const Movement *movement, TimestampTz at)
{
	ScanKeyData key;

	if (movement->request.text == NULL)
		return at;
	ScanKeyInit(&key, HOLD_REQUEST_ID, BTEqualStrategyNumber, F_TEXTEQ,
				PointerGetDatum(cstring_to_text_with_len(movement->request.text, movement->request.len)));
	at = time_of_hold_by(INDEX_HOLD, &key, movement->account, at);
	ScanKeyInit(&key, HOLD_USAGE_ID, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(movement->number));
	return time_of_hold_by(INDEX_HOLD_CAPTURED, &key, movement->account, at);
}

static void
take(Purse *purse, Lot *lot, AmountSum *due)
{
	AmountSum	part = Min(lot->remaining, *due);

	if (part <= 0)
		return;
	lot->remaining -= part;
	*due -= part;
	purse->changed = true;
}

static void
spend(Purse *purse, const Movement *movement)
{
	AmountSum	due = -(AmountSum) movement->amount;
	TimestampTz at = movement->at;
	bool		asked = false;

	for (int i = 0; i < purse->nlots && movement->about != 0; i++)
		if (purse->lots[i].id == movement->about)
			take(purse, &purse->lots[i], &due);
	/* when more has expired than is left, what came before it is paid by the lots after it */
	for (int i = 0; i < purse->nlots && due > 0; i++)
	{
		Lot		   *lot = &purse->lots[i];

		if (lot->remaining > 0 && lot->expires_at <= at && !asked)
		{
			at = time_of_hold(movement, at);
			asked = true;
		}
		if (lot->expires_at > at)
			take(purse, lot, &due);
	}
}

/* adds a movement; in order of their numbers */
void
lots_move(Lots *lots, const Movement *movement)
{
	MemoryContext previous = MemoryContextSwitchTo(lots->context);
	Purse	   *purse = find_purse(lots, movement->account, movement->unit);

	if (movement->amount > 0 && movement->expires_at != DT_NOEND)
		begin_lot(purse, movement);
	else if (movement->amount < 0 && purse->nlots > 0)
		spend(purse, movement);
	purse->moved += movement->amount;
	MemoryContextSwitchTo(previous);
}

/* visits what a row moves in credits, tokens and the like; user: its user's key */
void
lots_visit_row(const LineRow *row, int64 user, MovementVisitor visit, void *context)
{
	Movement	movement = {.number = row->number, .at = row->created_at, .expires_at = DT_NOEND};
	const Share *shares;
	int			count;

	if (row->unit == UNIT_OF_USAGE && row->cost != 0)
	{
		movement.account = user;
		movement.unit = UNIT_CREDITS;
		movement.amount = -row->cost;
		movement.request = row->request;
		visit(&movement, context);
	}
	if (row->unit < UNIT_CREDITS)
		return;
	movement.unit = row->unit;
	movement.expires_at = row->expires_at;
	movement.about = row->about;
	shares = line_shares(row, &count);
	for (int i = 0; i < count; i++)
	{
		movement.account = shares[i].account;
		movement.amount = shares[i].amount;
		visit(&movement, context);
	}
}

/* the lots of an account as they stand now */
const Lot *
lots_of(Lots *lots, int64 account, Unit unit, int *count)
{
	MemoryContext previous = MemoryContextSwitchTo(lots->context);
	Purse	   *purse = find_purse(lots, account, unit);

	MemoryContextSwitchTo(previous);
	*count = purse->nlots;
	return purse->lots;
}

/* ---- writing ---- */

/* writes what has changed; inside SPI, and only by who holds the cursor */
void
lots_write(Lots *lots)
{
	static const Oid types[] = {INT8OID, INT8OID, INT2OID, NUMERICOID, TIMESTAMPTZOID};
	Batch		batch;
	HASH_SEQ_STATUS scan;
	Purse	   *purse;
	int			room = 0;

	hash_seq_init(&scan, lots->purses);
	while ((purse = hash_seq_search(&scan)) != NULL)
		room += purse->changed ? purse->nlots : 0;
	batch = batch_create(lengthof(types), types, room);
	hash_seq_init(&scan, lots->purses);
	while ((purse = hash_seq_search(&scan)) != NULL)
		for (int i = 0; purse->changed && i < purse->nlots; i++)
		{
			batch.columns[0][batch.count] = Int64GetDatum(purse->lots[i].id);
			batch.columns[1][batch.count] = Int64GetDatum(purse->key.account);
			batch.columns[2][batch.count] = Int16GetDatum((int16) purse->key.unit);
			batch.columns[3][batch.count] = NumericGetDatum(amount_sum_to_numeric(purse->lots[i].remaining));
			batch.columns[4][batch.count++] = TimestampTzGetDatum(purse->lots[i].expires_at);
		}
	batch_execute(&batch, "insert into rewards.lot as l (id, account, unit, remaining, expires_at)"
				  " select * from unnest($1, $2, $3, $4, $5) on conflict (id) do update"
				  " set remaining = excluded.remaining");
	batch.ncolumns = 1;
	batch_execute(&batch, "delete from rewards.lot where id = any($1) and remaining = 0");
}
