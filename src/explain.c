/*
 * explain.c
 *		Says of a stored row why each share is there, and why others are not.
 *
 * Amounts are the stored ones; the reasons come from computing the reward again
 * by what the row knew.  Origins are the rows of rule, account_fact and model_fact
 * that a reason rests on.
 */
#include "postgres.h"

#include "accounts.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "models.h"
#include "reward.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(explain_shares);
PG_FUNCTION_INFO_V1(explain_model);

static const char *const row_query =
	"select " USAGE_COLUMN_LIST
	" from rewards.usage_logs where id = $1";

/* the columns of explain_shares() */
enum
{
	LINE_ENTRY,
	LINE_LEVEL,
	LINE_ACCOUNT,
	LINE_AMOUNT,
	LINE_RULE,
	LINE_BASE,
	LINE_RATE,
	LINE_MULTIPLIER,
	LINE_NOTE,
	LINE_ORIGINS,
	LINE_COLUMNS
};

/* more would be hundreds of campaigns at once */
#define MAX_ORIGINS 256

typedef struct Explanation
{
	ReturnSetInfo *result;
	UsageEvent	event;
	AsOf		as_of;
	Reward		reward;
	int			norigins;		/* of the line that comes next */
	Datum		origins[MAX_ORIGINS];
} Explanation;

static void
put_amount(Datum *values, bool *nulls, int column, const Amount *amount)
{
	nulls[column] = amount == NULL;
	if (amount)
		values[column] = NumericGetDatum(amount_to_numeric(*amount));
}

static void
put_text(Datum *values, bool *nulls, int column, const char *value)
{
	nulls[column] = value == NULL;
	if (value)
		values[column] = CStringGetTextDatum(value);
}

static void
add_origin(Explanation *why, const char *table, int64 id)
{
	if (id != 0 && why->norigins < MAX_ORIGINS)
		why->origins[why->norigins++] = CStringGetTextDatum(psprintf("%s %lld", table, (long long) id));
}

static void
add_rule(Explanation *why, const Rule *rule)
{
	if (rule)
		add_origin(why, "rule", rule->id);
}

static void
put_values(Explanation *why, const char *entry, const Share *share, const char *rule, const Amount *base,
		   const Amount *rate, const Product *multiplier, const char *note)
{
	Datum		values[LINE_COLUMNS];
	bool		nulls[LINE_COLUMNS] = {0};

	values[LINE_ENTRY] = CStringGetTextDatum(entry);
	values[LINE_LEVEL] = Int32GetDatum(share->level);
	values[LINE_ACCOUNT] = Int64GetDatum(share->account);
	nulls[LINE_ACCOUNT] = share->account == ACCOUNT_SELF;
	values[LINE_AMOUNT] = NumericGetDatum(amount_to_numeric(share->amount));
	put_text(values, nulls, LINE_RULE, rule);
	put_amount(values, nulls, LINE_BASE, base);
	put_amount(values, nulls, LINE_RATE, rate);
	nulls[LINE_MULTIPLIER] = multiplier == NULL;
	if (multiplier)
		values[LINE_MULTIPLIER] = NumericGetDatum(product_to_numeric(*multiplier));
	put_text(values, nulls, LINE_NOTE, note);
	values[LINE_ORIGINS] = PointerGetDatum(construct_array(why->origins, why->norigins, TEXTOID, -1, false, TYPALIGN_INT));
	why->norigins = 0;
	tuplestore_putvalues(why->result->setResult, why->result->setDesc, values, nulls);
}

static void
put_multiplied(Explanation *why, const Share *share, const char *rule, const Amount *base,
			   const Amount *rate, const Product *multiplier, const char *note)
{
	put_values(why, entry_name(share->entry), share, rule, base, rate, multiplier, note);
}

static void
put_line(Explanation *why, const Share *share, const char *rule,
		 const Amount *base, const Amount *rate, const char *note)
{
	put_multiplied(why, share, rule, base, rate, NULL, note);
}

/* how a model came to its tier */
static char *
tier_reason(const Reward *reward)
{
	switch (reward->tier_source)
	{
		case TIER_OF_MODEL:
			return psprintf("tier %s, the model's own entry", reward->tier);
		case TIER_OF_VRAM:
			return psprintf("tier %s, by the model's VRAM", reward->tier);
		case TIER_OF_PATTERN:
			return psprintf("tier %s, by name pattern (rule %lld)", reward->tier,
							(long long) reward->tier_rule);
		case TIER_DEFAULT:
			return psprintf("tier %s, the default", reward->tier);
		case TIER_OF_SERVICE:
			return psprintf("service %s", reward->service);
		case TIER_NONE:
			break;
	}
	return pstrdup("no rule: neither service nor model");
}

static char *
base_reason(const Reward *reward)
{
	char	   *reason = tier_reason(reward);

	if (reward->service_rule && reward->service_rule->provider_per_token != 0)
		reason = psprintf("%s, and points for each output token", reason);
	return reason;
}

/* what service, tier and points come from */
static void
add_base_origins(Explanation *why)
{
	const Reward *reward = &why->reward;

	add_rule(why, reward->service_rule);
	if (reward->tier_source == TIER_OF_MODEL || reward->tier_source == TIER_OF_VRAM)
		add_origin(why, "model_fact", reward->tier_rule);
	else if (reward->tier_source == TIER_OF_PATTERN)
		add_origin(why, "rule", reward->tier_rule);
	else if (reward->tier_source == TIER_DEFAULT)
		add_rule(why, rule_in_force(reward->rules, RULE_SETTING, "default_tier", &why->as_of));
	add_rule(why, reward->tier_rule_points);
}

static const char *
why_no_points(const Explanation *why, Status status)
{
	if (!event_succeeded(&why->event))
		return "the request failed";
	if (status == STATUS_BANNED)
		return "the account was banned";
	if (why->reward.tier_source == TIER_NONE)
		return "no rule: neither service nor model";
	return "the rules in force give no points";
}

static char *
amount_text(Amount amount)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(amount_to_numeric(amount))));
}

/* adds a factor, with who says so, to the text and to the product */
static void
note_factor(StringInfo text, Product *all, Amount factor, const char *reason)
{
	appendStringInfo(text, ", times %s (%s)", amount_text(factor), reason);
	*all = product_times(*all, factor);
}

/*
 * What an earner's points were multiplied by, in words after the rule; in *all
 * all of it together.
 */
static char *
multiplier_reason(Explanation *why, AccountKind kind, const char *rule, Product *all)
{
	const Reward *reward = &why->reward;
	const Multipliers *multipliers = &reward->multipliers[kind];
	StringInfoData text;
	const Rule *campaign;
	int			place = 0;

	initStringInfo(&text);
	appendStringInfoString(&text, rule);
	*all = product_of(AMOUNT_ONE);
	if (multipliers->own_fact)
		note_factor(&text, all, multipliers->own, "the account's own");
	add_origin(why, "account_fact", multipliers->own_fact);
	add_rule(why, multipliers->streak_rule);
	if (multipliers->streak_rule)
		note_factor(&text, all, multipliers->streak_rule->rate,
					psprintf("a streak of %d days", multipliers->streak_days));
	while ((campaign = rule_next(reward->rules, RULE_CAMPAIGN, &place, &why->as_of)) != NULL)
		if (reward_in_campaign(reward, campaign, kind, &why->as_of))
		{
			note_factor(&text, all, campaign->rate, psprintf("campaign \"%s\"", campaign->key));
			add_rule(why, campaign);
		}
	return text.data;
}

static void
explain_own(Explanation *why, const Share *share)
{
	const Reward *reward = &why->reward;
	bool		work = share->entry == ENTRY_WORK;
	const char *rule;
	Product		multiplier;

	if (work)
		rule = base_reason(reward);
	else if (reward->service_rule && (reward->service_rule->user_base != 0
									  || reward->service_rule->user_per_token != 0))
		rule = psprintf("service %s, points for the request and its tokens", reward->service);
	else
		rule = psprintf("the user's share of %s", base_reason(reward));
	add_base_origins(why);
	if (!work)
		add_rule(why, reward->user_share);
	rule = multiplier_reason(why, work ? KIND_PROVIDER : KIND_USER, rule, &multiplier);
	put_multiplied(why, share, rule, &reward->base,
				   !work && reward->user_share ? &reward->user_share->rate : NULL,
				   &multiplier, NULL);
}

static const Rule *
rates_of(const Explanation *why, AccountKind kind)
{
	return rule_in_force(why->reward.rules, RULE_REFERRAL_RATES,
						 account_kind_name(kind), &why->as_of);
}

static void
explain_referral(Explanation *why, const Share *share, AccountKind kind)
{
	const Rule *rates = rates_of(why, kind);
	bool		known = rates && share->level <= rates->levels;

	add_rule(why, rates);
	put_line(why, share,
			 psprintf("referral rate of %ss, level %d", account_kind_name(kind), share->level),
			 kind == KIND_USER ? &why->reward.user_points : &why->reward.provider_points,
			 known ? &rates->rates[share->level - 1] : NULL, NULL);
}

static void
explain_creator(Explanation *why, const Share *share)
{
	Amount		tokens = 0;

	/* tokens may exceed what an amount can show; then the base stays empty */
	bool		shown = !__builtin_mul_overflow((int64) why->event.input_tokens
												+ why->event.output_tokens, AMOUNT_ONE, &tokens);
	const ModelFact *owner = why->event.model.text
		? model_fact(model_find(why->event.model), FACT_OWNER, &why->as_of) : NULL;

	add_origin(why, "model_fact", owner ? owner->id : 0);
	add_origin(why, why->reward.creator_rate_of_model ? "model_fact" : "rule", why->reward.creator_rule);
	put_line(why, share,
			 why->reward.creator_rate_of_model ? "the model's own rate per token"
			 : "the creators' rate per token",
			 shown ? &tokens : NULL, &why->reward.creator_rate, NULL);
}

/* who stands at a level of an earner's chain for the event; number 0 for nobody */
static Account
account_at(const Explanation *why, AccountKind kind, int level)
{
	Account		account = kind == KIND_USER ? why->reward.user : why->reward.provider;

	for (int i = 0; i < level && account.number != ACCOUNT_SELF; i++)
		account = account_referrer(&account, &why->as_of);
	return account;
}

/*
 * The levels after one, up to another, that have a rate and were not paid: those
 * whose referrer had no claim then, and the first without a referrer.
 */
static void
explain_unpaid(Explanation *why, AccountKind kind, int64 earner, int after, int upto)
{
	const Rule *rates = rates_of(why, kind);

	for (int level = after + 1; level <= Min(upto, rates->levels); level++)
	{
		Account		account = account_at(why, kind, level);
		Share		none = {ENTRY_REFERRAL, level, account.number, 0};
		Status		status = standing_status(account.number, &why->as_of);
		const char *note;

		if (account.number == ACCOUNT_SELF)
			note = earner == ACCOUNT_SELF ? "the account was not registered then"
				: psprintf("no referrer at level %d then", level);
		else if (status >= STATUS_PAUSED)
			note = psprintf("the referrer was %s", status_name(status));
		else
			continue;
		add_rule(why, rates);
		put_line(why, &none,
				 psprintf("referral rate of %ss, level %d", account_kind_name(kind), level),
				 NULL, &rates->rates[level - 1], note);
		if (account.number == ACCOUNT_SELF)
			break;
	}
}

/* what follows the last level that was paid */
static void
explain_end_of_chain(Explanation *why, AccountKind kind, int64 earner, int level)
{
	const Rule *rates = rates_of(why, kind);
	Share		none = {ENTRY_REFERRAL, level + 1, ACCOUNT_SELF, 0};

	if (rates == NULL || rates->levels == 0)
		put_line(why, &none, NULL, NULL, NULL,
				 psprintf("no rule: no referral rates for %ss", account_kind_name(kind)));
	else
		explain_unpaid(why, kind, earner, level, rates->levels);
}

static const char *
why_no_creator(const Explanation *why)
{
	if (!event_succeeded(&why->event))
		return "the request failed";
	if (why->event.model.text == NULL)
		return why->event.character.text ? "unknown character" : "no model";
	if (why->reward.owner == 0)
		return "the model had no owner";
	if (why->reward.self_use)
		return "the owner's own use";
	if (why->reward.creator_rule == 0)
		return "no rule: no rate for creators";
	return "no tokens, or a rate of zero";
}

/* stored shares in order, each end of a chain as it comes; marks the entries seen */
static void
explain_present(Explanation *why, const Distribution *distribution, bool *seen)
{
	ShareReader reader = distribution_reader(distribution);
	Share		share;
	AccountKind kind = KIND_PROVIDER;
	int64		earner = ACCOUNT_SELF;
	int			level = -1;		/* -1: no earner yet */

	while (distribution_next(&reader, &share))
	{
		seen[share.entry] = true;
		if (share.entry != ENTRY_REFERRAL && level >= 0)
		{
			explain_end_of_chain(why, kind, earner, level);
			level = -1;
		}
		switch (share.entry)
		{
			case ENTRY_WORK:
			case ENTRY_USAGE:
				kind = share.entry == ENTRY_WORK ? KIND_PROVIDER : KIND_USER;
				earner = share.account;
				level = 0;
				explain_own(why, &share);
				break;
			case ENTRY_REFERRAL:
				if (rates_of(why, kind))
					explain_unpaid(why, kind, earner, level, share.level - 1);
				level = share.level;
				explain_referral(why, &share, kind);
				break;
			default:
				explain_creator(why, &share);
				break;
		}
	}
	if (level >= 0)
		explain_end_of_chain(why, kind, earner, level);
}

/* why an entry that a request could have is not there */
static void
explain_absent(Explanation *why, const bool *seen)
{
	if (!seen[ENTRY_WORK])
		put_line(why, &(Share) {ENTRY_WORK, 0, 0, 0}, NULL, NULL, NULL,
				 why->event.provider.text ? why_no_points(why, why->reward.provider_status) : "no provider");
	if (!seen[ENTRY_USAGE])
		put_line(why, &(Share) {ENTRY_USAGE, 0, 0, 0}, NULL, NULL, NULL,
				 why_no_points(why, why->reward.user_status));
	if (!seen[ENTRY_CREATOR])
		put_line(why, &(Share) {ENTRY_CREATOR, 0, 0, 0}, NULL, NULL, NULL, why_no_creator(why));
}

static char *
price_text(const Rule *price)
{
	const char *units[] = {[0] = "token", [3] = "1000 tokens", [6] = "1000000 tokens"};

	return psprintf("price %s, %s per %s", price->key, amount_text(price->rate),
					price->per_request ? "request" : units[price->per_places]);
}

/* what the request took from its user, if it was to be paid for */
static void
explain_cost(Explanation *why, Amount cost)
{
	const Charge *charge = &why->reward.charge;
	const char *rule = NULL;

	if (cost == 0 && !charge->unpriced)
		return;
	add_rule(why, rule_in_force(why->reward.rules, RULE_MAINNET, "", &why->as_of));
	for (int i = 0; i < 2; i++)
		add_rule(why, charge->prices[i]);
	for (int i = 0; i < 2; i++)
		if (charge->prices[i])
			rule = rule ? psprintf("%s; %s", rule, price_text(charge->prices[i])) : price_text(charge->prices[i]);
	put_values(why, "cost", &(Share) {ENTRY_NONE, 0, why->reward.user.number, -cost}, rule, NULL, NULL, NULL,
			   charge->unpriced ? "a price was missing" : NULL);
}

static void
explain_stored(Explanation *why, const Distribution *distribution)
{
	bool		seen[ENTRY_LAST + 1] = {0};

	explain_present(why, distribution, seen);
	explain_absent(why, seen);
}

/*
 * explain_shares(usage_id) returns setof (entry, level, account_number, amount,
 * rule, base, rate, multiplier, note, origins); nothing for an id that is not there.
 */
Datum
explain_shares(PG_FUNCTION_ARGS)
{
	Explanation why = {0};
	Oid			types[1] = {INT8OID};
	Datum		args[1] = {PG_GETARG_DATUM(0)};

	InitMaterializedSRF(fcinfo, 0);
	why.result = (ReturnSetInfo *) fcinfo->resultinfo;

	SPI_connect();
	if (SPI_execute_with_args(row_query, 1, types, args, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read usage");
	if (SPI_processed == 1)
	{
		Datum		values[USAGE_COLUMNS];
		bool		nulls[USAGE_COLUMNS];

		heap_deform_tuple(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, values, nulls);
		event_read(&why.event, values, nulls);
		why.as_of = as_of_row(why.event.created_at, why.event.number);
		reward_compute(rules_current(), &why.event, &why.as_of, &why.reward);
		explain_stored(&why, (Distribution *) PG_DETOAST_DATUM_PACKED(values[COLUMN_DISTRIBUTION]));
		explain_cost(&why, amount_of_datum(values[COLUMN_COST]));
	}
	SPI_finish();
	return (Datum) 0;
}

/*
 * explain_model(model) returns (tier, rule): the tier a model has now, and what
 * placed it there.
 */
Datum
explain_model(PG_FUNCTION_ARGS)
{
	Id			model = id_of_datum(PG_GETARG_DATUM(0), false);
	AsOf		now = as_of_row(GetCurrentTimestamp(), PG_INT64_MAX);
	Reward		reward;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "explain_model() must return a row");
	check_text(model, "model", MAX_ID_BYTES);
	reward_place_model(model, &now, &reward);
	values[0] = CStringGetTextDatum(reward.tier);
	values[1] = CStringGetTextDatum(tier_reason(&reward));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
