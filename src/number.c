/*
 * number.c
 *		Draws the numbers of the line that usage, journal and referral edges share.
 *
 * The transaction gets its id first, then the number is drawn; the sequence
 * rises by one and keeps none in store.  Posting's argument rests on both, and on
 * never taking a number for drawn that is not.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog.h"
#include "catalog/pg_sequence.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "number.h"
#include "portability/instr_time.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(next_number);
PG_FUNCTION_INFO_V1(last_number);

/*
 * The number drawn last in this session, by which transaction, and the last one
 * that a row used.
 */
static int64 drawn_number = 0;
static FullTransactionId drawn_by = {0};
static int64 used_number = 0;

/* when it had not been drawn yet, and more than all sessions together can draw */
static instr_time drawn_at;
#define MOST_A_MICROSECOND 100

/*
 * A session that kept numbers in store would use them after posting had passed
 * them: the sequence must hand out one at a time, upwards.
 */
static void
check_sequence(Oid sequence)
{
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));
	Form_pg_sequence form;
	bool		fits;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation with OID %u is not a sequence", sequence)));
	form = (Form_pg_sequence) GETSTRUCT(tuple);
	fits = form->seqcache == 1 && form->seqincrement == 1 && !form->seqcycle;
	ReleaseSysCache(tuple);
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the sequence of usage numbers must rise by 1 with cache 1"),
				 errhint("Run: alter sequence rewards.usage_number increment 1 cache 1 no cycle;")));
}

/*
 * next_number(regclass): the next number of the line that usage, journal and
 * referral edges share.  The transaction gets its id first, so a number drawn before a
 * snapshot belongs to a transaction that the snapshot knows of.
 */
Datum
next_number(PG_FUNCTION_ARGS)
{
	Oid			sequence = PG_GETARG_OID(0);

	/* it asks for no privilege on the sequence, so it serves just this one */
	if (sequence != catalog_table(SEQUENCE_USAGE_NUMBER))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("next_number() draws from rewards.usage_number only"),
				 errhint("Use nextval() for other sequences.")));
	check_sequence(sequence);
	drawn_by = GetTopFullTransactionId();
	INSTR_TIME_SET_CURRENT(drawn_at);
	drawn_number = nextval_internal(sequence, false);
	if (used_number >= drawn_number)
		used_number = drawn_number - 1; /* a new sequence began */
	PG_RETURN_INT64(drawn_number);
}

/*
 * The last number drawn by anybody.  Read under the lock of the sequence's page: who
 * draws a number writes there one that lies ahead for a moment, as the log is to have
 * it, and a query reads the page without that lock.  Rows that got the numbers between
 * would never be folded.
 */
int64
number_last(void)
{
	Relation	sequence = relation_open(catalog_table(SEQUENCE_USAGE_NUMBER), AccessShareLock);
	Buffer		buffer;
	HeapTupleHeader tuple;
	Form_pg_sequence_data data;
	int64		last;

	if (sequence->rd_rel->relkind != RELKIND_SEQUENCE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a sequence", RelationGetRelationName(sequence))));
	buffer = ReadBuffer(sequence, 0);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	tuple = (HeapTupleHeader) PageGetItem(BufferGetPage(buffer),
										  PageGetItemId(BufferGetPage(buffer), FirstOffsetNumber));
	data = (Form_pg_sequence_data) ((char *) tuple + tuple->t_hoff);
	last = data->is_called ? data->last_value : data->last_value - 1;
	UnlockReleaseBuffer(buffer);
	relation_close(sequence, NoLock);
	return last;
}

/* last_number(): see number_last() */
Datum
last_number(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(number_last());
}

/*
 * Uses a number for a row: it must be one that this transaction has drawn and not
 * used, for posting gives up numbers whose transaction is over.  0 is none.  428C9.
 */
void
number_use(int64 number)
{
	if (number <= used_number || number > drawn_number
		|| !FullTransactionIdEquals(drawn_by, GetTopFullTransactionIdIfAny()))
		ereport(ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("cannot write column \"id\" of usage_logs"),
				 errdetail("Ids rise in order of arrival and are drawn by the table."),
				 errhint("Leave the column out of the INSERT.")));
	used_number = number;
}

/*
 * Whether this transaction has drawn a number.  It may not be in a row yet: the
 * rest of a row is computed after its number is drawn.
 */
bool
number_drawn(void)
{
	return FullTransactionIdIsValid(drawn_by)
		&& FullTransactionIdEquals(drawn_by, GetTopFullTransactionIdIfAny());
}

/*
 * Whether every number drawn so far is below a limit, for who has just drawn one.
 * Mostly the limit is so far away that there was no time to get there: then the page
 * of the sequence, which all who insert are after, need not be read.
 */
bool
number_all_below(int64 limit)
{
	instr_time	passed;

	if (limit <= drawn_number)
		return false;
	INSTR_TIME_SET_CURRENT(passed);
	INSTR_TIME_SUBTRACT(passed, drawn_at);
	if ((limit - drawn_number) / MOST_A_MICROSECOND > (int64) INSTR_TIME_GET_MICROSEC(passed) + 1)
		return true;
	return number_last() < limit;
}
