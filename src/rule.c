/*
 * rule.c
 *		One version of one rule: a row of rewards.rule as C sees it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "event.h"
#include "rule.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* columns of rewards.rule */
enum
{
	RULE_ID = 1,
	RULE_RULE,
	RULE_KEY,
	RULE_VALUE,
	RULE_VALID_FROM,
	RULE_SEEN_FROM,
	RULE_SURE_FROM,
	RULE_COLUMNS = RULE_SURE_FROM
};

static const char *const kind_names[RULE_KINDS] = {
	[RULE_TIER] = "tier",
	[RULE_SERVICE] = "service",
	[RULE_MODEL_PATTERN] = "model_pattern",
	[RULE_USER_SHARE] = "user_share",
	[RULE_CREATOR_RATE] = "creator_rate",
	[RULE_REFERRAL_RATES] = "referral_rates",
	[RULE_CAMPAIGN] = "campaign",
	[RULE_STREAK_MULTIPLIER] = "streak_multiplier",
	[RULE_BONUS] = "bonus",
	[RULE_REFERRAL_KINDS] = "referral_kinds",
	[RULE_PRICE] = "price",
	[RULE_MAINNET] = "mainnet",
	[RULE_SETTING] = "setting",
	[RULE_RATE_LIMIT] = "rate_limit"
};

static JsonbValue *
json_field(Jsonb *json, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&json->root, name, strlen(name), NULL);

	return value == NULL || value->type == jbvNull ? NULL : value;
}

static bool
json_amount(Jsonb *json, const char *name, Amount *amount)
{
	JsonbValue *value = json_field(json, name);

	*amount = 0;
	if (value == NULL || value->type != jbvNumeric)
		return false;
	*amount = amount_from_numeric(value->val.numeric, name);
	return true;
}

static bool
json_bool(Jsonb *json, const char *name)
{
	JsonbValue *value = json_field(json, name);

	return value && value->type == jbvBool && value->val.boolean;
}

static const char *
json_text(Jsonb *json, const char *name)
{
	JsonbValue *value = json_field(json, name);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* patterns and suffixes are compared in lower case */
static const char *
json_lower_text(Jsonb *json, const char *name)
{
	char	   *text = unconstify(char *, json_text(json, name));

	for (char *c = text; c && *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	return text;
}

static int
json_integer(Jsonb *json, const char *name)
{
	Amount		amount;

	json_amount(json, name, &amount);
	return (int) (amount / AMOUNT_ONE);
}

static int
json_kind(Jsonb *json)
{
	const char *kind = json_text(json, "kind");

	if (kind == NULL)
		return ANY_KIND;
	return account_kind_of(CStringGetTextDatum(kind));
}

static void
read_campaign(Jsonb *json, Rule *rule)
{
	const char *until = json_text(json, "until");

	json_amount(json, "multiplier", &rule->rate);
	rule->service = json_text(json, "service");
	rule->tier = json_text(json, "tier");
	rule->until = DT_NOEND;
	if (until)
		rule->until = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
															  CStringGetDatum(until),
															  ObjectIdGetDatum(InvalidOid),
															  Int32GetDatum(-1)));
}

static void
read_bonus(Jsonb *json, Rule *rule)
{
	json_amount(json, "amount", &rule->points);
	rule->text = json_text(json, "event");
	rule->hold = json_text(json, "hold");
	rule->recipient_level = json_integer(json, "recipient_level");
	rule->threshold = json_integer(json, "threshold");
}

/* "request", "token", "1000_tokens" or "1000000_tokens" */
static void
read_price(Jsonb *json, Rule *rule)
{
	const char *unit = json_text(json, "unit");

	json_amount(json, "price_per_unit", &rule->rate);
	rule->per_request = unit && strcmp(unit, "request") == 0;
	for (const char *c = unit; c && *c; c++)
		rule->per_places += *c == '0';
}

static void
read_pattern(Jsonb *json, Rule *rule)
{
	const char *match = json_text(json, "match");

	rule->text = json_lower_text(json, "pattern");
	rule->but_not = json_lower_text(json, "but_not");
	rule->but_not_len = rule->but_not ? strlen(rule->but_not) : 0;
	rule->tier = json_text(json, "tier");
	rule->at_start = match && (strcmp(match, "prefix") == 0 || strcmp(match, "exact") == 0);
	rule->at_end = match && (strcmp(match, "suffix") == 0 || strcmp(match, "exact") == 0);
}

static void
read_rates(Jsonb *json, Rule *rule)
{
	JsonbValue *value = json_field(json, "rates");
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	element;
	Amount	   *rates;

	if (value == NULL || value->type != jbvBinary)
		return;
	rule->rates = rates = palloc(MAX_LEVELS * sizeof(Amount));
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM && element.type == jbvNumeric && rule->levels < MAX_LEVELS)
			rates[rule->levels++] = amount_from_numeric(element.val.numeric, "rate");
}

/* calls are counted where they are made, usage here */
static void
read_rate_limit(Jsonb *json, Rule *rule)
{
	const char *subject = json_text(json, "subject");
	const char *action = json_text(json, "action");
	const char *per = json_text(json, "per");
	Interval   *window;

	if (subject == NULL || action == NULL || per == NULL || strcmp(action, "refuse") == 0)
		return;
	window = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(per),
												   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	rule->window = window->day * USECS_PER_DAY + window->time;
	rule->allowed = strcmp(action, "reverse") == 0;
	rule->service = strcmp(subject, "usage") == 0 ? NULL : subject;
}

/* the range of VRAM that places a model in a tier */
static void
read_vram(Jsonb *json, Rule *rule)
{
	bool		above = json_amount(json, "vram_above", &rule->vram_above);
	bool		upto = json_amount(json, "vram_upto", &rule->vram_upto);

	rule->has_vram = above || upto;
	if (!upto)
		rule->vram_upto = PG_INT64_MAX;
}

static void
read_value(Jsonb *json, Rule *rule)
{
	rule->has_points = json_amount(json, "points", &rule->points);
	rule->account_kind = json_kind(json);
	switch (rule->kind)
	{
		case RULE_TIER:
			read_vram(json, rule);
			break;
		case RULE_SERVICE:
			rule->text = json_lower_text(json, "endpoint_suffix");
			json_amount(json, "provider_per_token", &rule->provider_per_token);
			json_amount(json, "user_base", &rule->user_base);
			json_amount(json, "user_per_token", &rule->user_per_token);
			break;
		case RULE_MODEL_PATTERN:
			read_pattern(json, rule);
			break;
		case RULE_USER_SHARE:
			json_amount(json, "share", &rule->rate);
			break;
		case RULE_CREATOR_RATE:
			json_amount(json, "rate", &rule->rate);
			break;
		case RULE_REFERRAL_RATES:
			read_rates(json, rule);
			break;
		case RULE_CAMPAIGN:
			read_campaign(json, rule);
			break;
		case RULE_STREAK_MULTIPLIER:
			json_amount(json, "multiplier", &rule->rate);
			rule->threshold = json_integer(json, "days");
			break;
		case RULE_BONUS:
			read_bonus(json, rule);
			break;
		case RULE_REFERRAL_KINDS:
			rule->allowed = json_bool(json, "allowed");
			break;
		case RULE_PRICE:
			read_price(json, rule);
			break;
		case RULE_MAINNET:
			rule->allowed = json_bool(json, "on");
			break;
		case RULE_SETTING:
			rule->text = json_text(json, "value");
			break;
		case RULE_RATE_LIMIT:
			read_rate_limit(json, rule);
			break;
		case RULE_KINDS:
			pg_unreachable();
	}
	rule->text_len = rule->text ? strlen(rule->text) : 0;
}

/*
 * Reads a row of rewards.rule into a rule; what it points at is in the current memory
 * context, beside what reading has left there.  False for a rule that only SQL
 * reads.  22023 for a value that is no object.
 */
bool
rule_read(Rule *rule, HeapTuple tuple, TupleDesc desc)
{
	Datum		values[RULE_COLUMNS + 1];
	bool		nulls[RULE_COLUMNS + 1];
	char	   *kind;

	for (int i = 1; i <= RULE_COLUMNS; i++)
		values[i] = heap_getattr(tuple, i, desc, &nulls[i]);
	if (!nulls[RULE_VALUE] && !JB_ROOT_IS_OBJECT(DatumGetJsonbP(values[RULE_VALUE])))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the value of a rule must be a JSON object"),
				 errhint("The view rewards.rules shows what values look like.")));

	memset(rule, 0, sizeof(Rule));
	kind = TextDatumGetCString(values[RULE_RULE]);
	while (rule->kind < RULE_KINDS && strcmp(kind_names[rule->kind], kind) != 0)
		rule->kind++;
	if (rule->kind == RULE_KINDS)
		return false;

	rule->id = DatumGetInt64(values[RULE_ID]);
	rule->key = TextDatumGetCString(values[RULE_KEY]);
	rule->change = change_of(&values[RULE_VALID_FROM], &nulls[RULE_VALID_FROM]);
	rule->ended = nulls[RULE_VALUE];
	if (!rule->ended)
		read_value(DatumGetJsonbP(values[RULE_VALUE]), rule);
	return true;
}

static const char *
keep_text(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

/* copies what a rule points at into the current memory context */
void
rule_keep(Rule *rule)
{
	rule->key = keep_text(rule->key);
	rule->text = keep_text(rule->text);
	rule->tier = keep_text(rule->tier);
	rule->service = keep_text(rule->service);
	rule->hold = keep_text(rule->hold);
	rule->but_not = keep_text(rule->but_not);
	if (rule->rates)
		rule->rates = memcpy(palloc(rule->levels * sizeof(Amount) + 1), rule->rates,
							 rule->levels * sizeof(Amount));
}
