/*
 * usage_trigger.c
 *		Rows in: what happens to a row of usage_logs on its way.
 *
 * The default of id has drawn its number, the BEFORE ROW trigger computes the
 * reward and writes it into the row.  Nothing outside the row is written and no
 * account or total is locked, so writers cannot queue or deadlock.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "accounts.h"
#include "catalog.h"
#include "catalog/pg_trigger.h"
#include "charge.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "leaf.h"
#include "models.h"
#include "number.h"
#include "request.h"
#include "reward.h"
#include "usage_trigger.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "watch.h"

PG_FUNCTION_INFO_V1(usage_before_insert);
PG_FUNCTION_INFO_V1(usage_after_insert);
PG_FUNCTION_INFO_V1(refuse_change);
PG_FUNCTION_INFO_V1(skip_earnings);

/* see skip_earnings() */
static bool skipping = false;

/* ---- what an application may say ---- */

static void
refuse_computed_columns(const bool *nulls)
{
	for (int i = COLUMN_SERVICE; i < USAGE_COLUMNS; i++)
		if (!nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_GENERATED_ALWAYS),
					 errmsg("cannot write column \"%s\" of usage_logs", usage_column_names[i]),
					 errdetail("It is computed when the row is recorded."),
					 errhint("Leave the column out of the INSERT.")));
}

static void
fill_default(Datum *values, bool *nulls, UsageColumn column, Datum value)
{
	if (nulls[column])
	{
		values[column] = value;
		nulls[column] = false;
	}
}

static void
require_value(Relation relation, const bool *nulls, UsageColumn column)
{
	if (nulls[column])
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("null value in column \"%s\" of usage_logs", usage_column_names[column]),
				 errhint("Every event names its user and its endpoint."),
				 errtablecol(relation, column + 1)));
}

static void
check_tokens(int32 tokens, UsageColumn column)
{
	if (tokens < 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s must not be negative", usage_column_names[column]),
				 errhint("Give the number of tokens that were used.")));
}

static void
check_created_at(TimestampTz created_at)
{
	/* 0001-01-01 and 10000-01-01, UTC */
	static const TimestampTz first = (INT64CONST(1721426) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;
	static const TimestampTz end = (INT64CONST(5373485) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;

	if (created_at < first || created_at >= end)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("created_at is out of range"),
				 errhint("Give a date of the years 1 to 9999.")));
}

/* defaults for explicit NULLs, then every check on what the application wrote */
static void
check_row(Relation relation, Datum *values, bool *nulls, UsageEvent *event)
{
	refuse_computed_columns(nulls);
	number_use(nulls[COLUMN_ID] ? 0 : DatumGetInt64(values[COLUMN_ID]));
	require_value(relation, nulls, COLUMN_USER_ID);
	require_value(relation, nulls, COLUMN_ENDPOINT);
	fill_default(values, nulls, COLUMN_CREATED_AT,
				 TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	fill_default(values, nulls, COLUMN_STATUS_CODE, Int32GetDatum(200));
	fill_default(values, nulls, COLUMN_INPUT_TOKENS, Int32GetDatum(0));
	fill_default(values, nulls, COLUMN_OUTPUT_TOKENS, Int32GetDatum(0));

	event_read(event, values, nulls);
	check_created_at(event->created_at);
	check_tokens(event->input_tokens, COLUMN_INPUT_TOKENS);
	check_tokens(event->output_tokens, COLUMN_OUTPUT_TOKENS);
	check_text(event->request, "request_id", MAX_ID_BYTES);
	check_text(event->user, "user_id", MAX_ID_BYTES);
	check_text(event->provider, "provider_id", MAX_ID_BYTES);
	check_text(event->endpoint, "endpoint", MAX_ENDPOINT_BYTES);
	check_text(event->model, "model", MAX_ID_BYTES);
	check_text(event->character, "character_id", MAX_ID_BYTES);
	check_text(id_of_datum(values[COLUMN_USAGE_TYPE], nulls[COLUMN_USAGE_TYPE]),
			   "usage_type", MAX_ID_BYTES);
}

/* ---- what the row gets ---- */

static void
set_value(Datum *values, bool *nulls, UsageColumn column, Datum value)
{
	values[column] = value;
	nulls[column] = false;
}

static void
set_amount(Datum *values, bool *nulls, UsageColumn column, Amount amount)
{
	set_value(values, nulls, column, NumericGetDatum(amount_to_numeric(amount)));
}

/* a model may be given by its character */
static void
fill_model(Datum *values, bool *nulls, UsageEvent *event)
{
	if (event->model.text || event->character.text == NULL)
		return;
	event->model = model_of_character(event->character);
	if (event->model.text)
	{
		text	   *model = cstring_to_text_with_len(event->model.text, event->model.len);

		set_value(values, nulls, COLUMN_MODEL, PointerGetDatum(model));
		event->model = id_of_datum(PointerGetDatum(model), false);
	}
}

static void
write_reward(Datum *values, bool *nulls, const Reward *reward)
{
	set_value(values, nulls, COLUMN_SERVICE, CStringGetTextDatum(reward->service));
	if (reward->tier)
		set_value(values, nulls, COLUMN_TIER, CStringGetTextDatum(reward->tier));
	set_amount(values, nulls, COLUMN_PROVIDER_POINTS, reward->provider_points);
	set_amount(values, nulls, COLUMN_USER_POINTS, reward->user_points);
	set_amount(values, nulls, COLUMN_CREATOR_EARNINGS, reward->creator_earnings);
	set_amount(values, nulls, COLUMN_COST, reward->charge.cost);
	set_value(values, nulls, COLUMN_DISTRIBUTION, PointerGetDatum(reward->distribution));
}

static void
check_called(FunctionCallInfo fcinfo, const char *function)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager", function)));
}

static Relation
check_trigger(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	check_called(fcinfo, "usage_before_insert");
	if (!TRIGGER_FIRED_BEFORE(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired BEFORE ROW", "usage_before_insert")));
	if (!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired for INSERT", "usage_before_insert")));
	if (!catalog_is_usage_log(trigger->tg_relation))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired on rewards.usage_logs", "usage_before_insert")));
	return trigger->tg_relation;
}

/*
 * Whether what is written into the slot is what gets inserted: the executor
 * takes a virtual slot as it stands when the trigger returns the tuple that it
 * was given.  Another row trigger would see that tuple instead.
 */
static bool
slot_is_inserted(const TriggerData *trigger)
{
	const TriggerDesc *triggers = trigger->tg_relation->trigdesc;

	if (!TTS_IS_VIRTUAL(trigger->tg_trigslot))
		return false;
	for (int i = 0; i < triggers->numtriggers; i++)
		if (triggers->triggers[i].tgoid != trigger->tg_trigger->tgoid
			&& TRIGGER_TYPE_MATCHES(triggers->triggers[i].tgtype, TRIGGER_TYPE_ROW,
									TRIGGER_TYPE_BEFORE, TRIGGER_TYPE_INSERT))
			return false;
	return true;
}

/* checks a row and computes what it lacks */
static void
complete_row(Relation relation, Datum *values, bool *nulls)
{
	UsageEvent	event;
	Reward		reward;
	AsOf		as_of;

	check_row(relation, values, nulls, &event);
	if (event.request.text && event_succeeded(&event))
		refuse_repeated_request(relation, &event);
	if (skipping)
		event.model.text = NULL;
	else
		fill_model(values, nulls, &event);

	as_of = as_of_row(event.created_at, event.number);
	accounts_keep_open();
	reward_compute(rules_current(), &event, &as_of, &reward);
	accounts_close();
	write_reward(values, nulls, &reward);
	charge_note(relation, &event, &reward);
}

/*
 * usage_before_insert(): the trigger of usage_logs.  Errors: 428C9, 23502,
 * 23514, 22008, 22023, 22003, 23505, 39P01.
 *
 * The row is completed in its slot where that is enough: to form a tuple of it,
 * have it taken apart into the slot and formed again for the table is dear.
 */
Datum
usage_before_insert(PG_FUNCTION_ARGS)
{
	Relation	relation = check_trigger(fcinfo);
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleTableSlot *slot = trigger->tg_trigslot;
	int			natts = RelationGetDescr(relation)->natts;
	Datum	   *values;
	bool	   *nulls;

	/* what was committed before this row was numbered counts for it */
	AcceptInvalidationMessages();

	slot_getallattrs(slot);
	if (slot_is_inserted(trigger))
	{
		Datum		unchanged = PointerGetDatum(trigger->tg_trigtuple);

		complete_row(relation, slot->tts_values, slot->tts_isnull);
		leaf_trust(fcinfo->flinfo);
		/* the executor formed it of the slot for us, and only looks whether it gets it back */
		heap_freetuple(trigger->tg_trigtuple);
		return unchanged;
	}

	values = memcpy(palloc(natts * sizeof(Datum)), slot->tts_values, natts * sizeof(Datum));
	nulls = memcpy(palloc(natts * sizeof(bool)), slot->tts_isnull, natts * sizeof(bool));
	complete_row(relation, values, nulls);
	return PointerGetDatum(heap_form_tuple(RelationGetDescr(relation), values, nulls));
}

/*
 * usage_after_insert(): statement trigger of usage_logs.  Sees to it that somebody
 * posts.  RW007 when a wallet that the statement charges has too little and must not;
 * 23505 when a request entered another partition at the same moment; 39P01.
 */
Datum
usage_after_insert(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event)
		|| !TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired AFTER INSERT of a statement", "usage_after_insert")));
	requests_entered();
	watch_tail();
	charge_statement(trigger->tg_relation);
	return PointerGetDatum(NULL);
}

/*
 * refuse_change(): statement trigger of what is immutable, and of partitions
 * for whatever aims at them directly.  55000.
 */
Datum
refuse_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const char *relation;

	check_called(fcinfo, "refuse_change");
	relation = RelationGetRelationName(trigger->tg_relation);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot insert into \"%s\" directly", relation),
				 errhint("Insert into rewards.usage_logs.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("rows of \"%s\" are immutable", relation),
			 errhint("What is recorded stays; record what is right besides.")));
}

/* ---- rows without earnings ---- */

static void
transaction_ended(XactEvent event, void *arg)
{
	skipping = false;
}

static void
subtransaction_ended(SubXactEvent event, SubTransactionId own, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		skipping = false;
}

void
usage_trigger_init(void)
{
	RegisterXactCallback(transaction_ended, NULL);
	RegisterSubXactCallback(subtransaction_ended, NULL);
}

/*
 * skip_earnings(skip): from now on rows are rewarded as if they had no model, or again
 * as they are.  Never outlives the (sub)transaction when that fails.
 */
Datum
skip_earnings(PG_FUNCTION_ARGS)
{
	skipping = PG_GETARG_BOOL(0);
	PG_RETURN_VOID();
}
