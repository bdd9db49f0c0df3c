/*
 * quote.c
 *		What an event would bring and cost: the reward of a row that is not recorded.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "reward.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(quote_usage);

static void
set_amount(Datum *values, int column, Amount amount)
{
	values[column] = NumericGetDatum(amount_to_numeric(amount));
}

/*
 * quote_usage(endpoint, model, input_tokens, output_tokens, user_id, provider_id, at)
 * returns (service, tier, provider_points, user_points, creator_earnings, cost): what a
 * successful row like this would get if it were recorded now and had happened then.
 * model, user_id and provider_id may be NULL.  22023 for what a row could not hold.
 */
Datum
quote_usage(PG_FUNCTION_ARGS)
{
	UsageEvent	event = {
		.status_code = 200,
		.endpoint = id_of_datum(PG_GETARG_DATUM(0), PG_ARGISNULL(0)),
		.model = id_of_datum(PG_GETARG_DATUM(1), PG_ARGISNULL(1)),
		.input_tokens = PG_GETARG_INT32(2),
		.output_tokens = PG_GETARG_INT32(3),
		.user = id_of_datum(PG_GETARG_DATUM(4), PG_ARGISNULL(4)),
		.provider = id_of_datum(PG_GETARG_DATUM(5), PG_ARGISNULL(5)),
		.created_at = PG_GETARG_TIMESTAMPTZ(6)
	};
	AsOf		as_of = as_of_all(event.created_at);
	Reward		reward;
	TupleDesc	desc;
	Datum		values[6];
	bool		nulls[6] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "quote_usage() must return a row");
	check_text(event.endpoint, "endpoint", MAX_ENDPOINT_BYTES);
	check_text(event.model, "model", MAX_ID_BYTES);
	check_text(event.user, "user_id", MAX_ID_BYTES);
	check_text(event.provider, "provider_id", MAX_ID_BYTES);
	reward_compute(rules_current(), &event, &as_of, &reward);

	values[0] = CStringGetTextDatum(reward.service);
	nulls[1] = reward.tier == NULL;
	if (reward.tier)
		values[1] = CStringGetTextDatum(reward.tier);
	set_amount(values, 2, reward.provider_points);
	set_amount(values, 3, reward.user_points);
	set_amount(values, 4, reward.creator_earnings);
	set_amount(values, 5, reward.charge.cost);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
