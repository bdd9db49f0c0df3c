/*
 * quiet.c
 *		Open transactions that are not doing anything: idle between two
 *		statements, or prepared.
 *
 * A server process reports each message it begins to work on and when it is
 * done with it.  Who is seen idle at two moments, since the same instant, has
 * done nothing between them; nor has who was seen prepared.  So no number drawn
 * between the two moments is theirs.  Who reports nothing (track_activities
 * off, processes that are no client's) never counts as quiet.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/twophase.h"
#include "compat.h"
#include "miscadmin.h"
#include "quiet.h"
#include "stream.h"
#include "utils/backend_status.h"

/* a transaction id that is in use, or was lately, with its epoch */
uint64
full_xid(TransactionId xid)
{
	uint64		next = U64FromFullTransactionId(ReadNextFullTransactionId());
	uint64		full = (next & ~(uint64) PG_UINT32_MAX) | xid;

	return full <= next ? full : full - ((uint64) PG_UINT32_MAX + 1);
}

static void
add(Quiet *quiet, TransactionId xid, TimestampTz since)
{
	if (quiet->count < MaxBackends + max_prepared_xacts)
		quiet->transactions[quiet->count++] = (QuietTransaction){full_xid(xid), since};
}

static bool
visit_prepared(TupleTableSlot *slot, void *context)
{
	add((Quiet *) context, DatumGetTransactionId(slot->tts_values[0]),
		DatumGetTimestampTz(slot->tts_values[1]));
	return true;
}

/* who is quiet at this moment; needs SPI */
Quiet
quiet_now(void)
{
	static StreamQuery prepared = {
		.text = "select transaction, prepared from pg_catalog.pg_prepared_xacts"
	};
	Quiet		quiet = {0};

	/* here, for a visitor's memory lasts for one row */
	quiet.transactions = palloc((MaxBackends + max_prepared_xacts + 1) * sizeof(QuietTransaction));
	pgstat_clear_backend_activity_snapshot();
	for (int i = 1; i <= pgstat_fetch_stat_numbackends(); i++)
	{
		LocalPgBackendStatus *local = local_backend_status(i);
		const PgBackendStatus *status = &local->backendStatus;

		if (status->st_backendType == B_BACKEND
			&& (status->st_state == STATE_IDLEINTRANSACTION
				|| status->st_state == STATE_IDLEINTRANSACTION_ABORTED)
			&& TransactionIdIsValid(local->backend_xid))
			add(&quiet, local->backend_xid, status->st_state_start_timestamp);
	}
	pgstat_clear_backend_activity_snapshot();
	if (max_prepared_xacts > 0)
		stream_rows(&prepared, NULL, NULL, visit_prepared, &quiet);
	return quiet;
}

/* who was quiet before, is so now, and was all the time between */
Quiet
quiet_since(const Quiet *before)
{
	Quiet		now = quiet_now();
	int			kept = 0;

	for (int i = 0; i < now.count; i++)
		for (int j = 0; j < before->count; j++)
			if (now.transactions[i].xid == before->transactions[j].xid
				&& now.transactions[i].since == before->transactions[j].since)
			{
				now.transactions[kept++] = now.transactions[i];
				break;
			}
	now.count = kept;
	return now;
}

bool
quiet_has(const Quiet *quiet, uint64 xid)
{
	for (int i = 0; i < quiet->count; i++)
		if (quiet->transactions[i].xid == xid)
			return true;
	return false;
}
