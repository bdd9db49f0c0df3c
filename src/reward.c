/*
 * reward.c
 *		What one event is worth, and to whom: event + rules + chains in,
 *		distribution out.  Writes nothing, locks nothing.
 *
 * Each amount is an exact product until it becomes a share; there it is rounded
 * once.  Referral shares are computed from the rounded points of the earner.
 */
#include "postgres.h"

#include "models.h"
#include "reward.h"

static void
place_in_tier(Reward *reward, const char *tier, TierSource source, int64 rule)
{
	reward->tier = tier;
	reward->tier_source = source;
	reward->tier_rule = rule;
}

/* the tier by what is known of the model: explicit entry, VRAM; false without */
static bool
place_known_model(const RuleSet *rules, const Model *known, const AsOf *as_of, Reward *reward)
{
	const ModelFact *fact = model_fact(known, FACT_TIER, as_of);
	const Rule *rule;

	if (fact)
	{
		place_in_tier(reward, pstrdup(fact->tier), TIER_OF_MODEL, fact->id);
		return true;
	}
	fact = model_fact(known, FACT_VRAM, as_of);
	if (fact == NULL || (rule = rule_for_vram(rules, fact->number, as_of)) == NULL)
		return false;
	place_in_tier(reward, rule->key, TIER_OF_VRAM, fact->id);
	return true;
}

/* what tier a model has for an event, and why; nothing else is computed */
void
reward_place_model(Id model, const AsOf *as_of, Reward *reward)
{
	const RuleSet *rules = rules_current();
	Course		course = {0};

	memset(reward, 0, sizeof(Reward));
	if (place_known_model(rules, model_find(model), as_of, reward))
		return;
	course_place_model(rules, model, as_of, &course);
	place_in_tier(reward, course.tier, course.tier_source, course.tier_rule);
}

/* service, tier and prices; a tier that the model itself has goes before that of the rules */
static void
take_course(const Course *course, const Model *model, const AsOf *as_of, Reward *reward)
{
	const RuleSet *rules = reward->rules;

	reward->service = course->service;
	reward->service_rule = course->service_rule;
	reward->user_share = course->user_share;
	if (model && model->nfacts > 0 && course->tier_source != TIER_OF_SERVICE
		&& place_known_model(rules, model, as_of, reward))
	{
		reward->tier_rule_points = rule_in_force(rules, RULE_TIER, reward->tier, as_of);
		reward->charge = price_find(rules, reward->service, reward->tier, as_of);
		return;
	}
	place_in_tier(reward, course->tier, course->tier_source, course->tier_rule);
	reward->tier_rule_points = course->tier_points;
	reward->charge = course->prices;
}

/* whether a campaign counts for one side of an event whose service and tier are known */
bool
reward_in_campaign(const Reward *reward, const Rule *campaign, AccountKind kind, const AsOf *as_of)
{
	if (as_of->at >= campaign->until)
		return false;
	if (campaign->account_kind != ANY_KIND && campaign->account_kind != (int) kind)
		return false;
	if (campaign->service && strcmp(campaign->service, reward->service) != 0)
		return false;
	return campaign->tier == NULL
		|| (reward->tier && strcmp(campaign->tier, reward->tier) == 0);
}

/* points times all that multiplies them on one side, rounded once */
static Amount
multiply(const RuleSet *rules, const AsOf *as_of, AccountKind kind, Product points, Reward *reward)
{
	const Account *account = kind == KIND_USER ? &reward->user : &reward->provider;
	Multipliers *multipliers = &reward->multipliers[kind];
	const Rule *campaign;
	int			place = 0;

	*multipliers = standing_multipliers(rules, account->number, kind, as_of);
	if (multipliers->own_fact)
		points = product_times(points, multipliers->own);
	if (multipliers->streak_rule)
		points = product_times(points, multipliers->streak_rule->rate);
	while ((campaign = rule_next(rules, RULE_CAMPAIGN, &place, as_of)) != NULL)
		if (reward_in_campaign(reward, campaign, kind, as_of))
			points = product_times(points, campaign->rate);
	return product_round(points);
}

/* points of provider and user, before anybody shares in them */
static void
compute_points(const RuleSet *rules, const UsageEvent *event, const AsOf *as_of, Reward *reward)
{
	const Rule *service = reward->service_rule;
	int64		tokens = (int64) event->input_tokens + event->output_tokens;
	Product		base = product_of(0);
	Product		user = product_of(0);

	if (service && service->has_points)
		base = product_of(service->points);
	else if (reward->tier_rule_points)
		base = product_of(reward->tier_rule_points->points);
	if (service)
	{
		base = product_plus(base, product_times_count(product_of(service->provider_per_token),
													  event->output_tokens));
		user = product_plus(product_of(service->user_base),
							product_times_count(product_of(service->user_per_token), tokens));
	}
	reward->base = product_round(base);

	if (reward->user_share)
		user = product_plus(user, product_times(base, reward->user_share->rate));
	if (reward->user_status != STATUS_BANNED)
		reward->user_points = multiply(rules, as_of, KIND_USER, user, reward);
	if (event->provider.text && reward->provider_status != STATUS_BANNED)
		reward->provider_points = multiply(rules, as_of, KIND_PROVIDER, base, reward);
}

static const Rule *
find_creator_rate(const RuleSet *rules, const char *tier, const AsOf *as_of)
{
	const Rule *rule = tier ? rule_in_force(rules, RULE_CREATOR_RATE, tier, as_of) : NULL;

	return rule ? rule : rule_in_force(rules, RULE_CREATOR_RATE, "", as_of);
}

/* tokens x rate to the model's owner, unless the owner is the user */
static void
compute_creator(const RuleSet *rules, const UsageEvent *event, const Model *model,
				const AsOf *as_of, Reward *reward)
{
	int64		tokens = (int64) event->input_tokens + event->output_tokens;
	const ModelFact *owner = model ? model_fact(model, FACT_OWNER, as_of) : NULL;
	const ModelFact *rate;
	const Rule *rule;

	if (owner == NULL)
		return;
	reward->owner = owner->owner;
	reward->self_use = owner->owner == reward->user.number;
	if (reward->self_use)
		return;

	if ((rate = model_fact(model, FACT_RATE, as_of)) != NULL)
	{
		reward->creator_rate = rate->number;
		reward->creator_rule = rate->id;
		reward->creator_rate_of_model = true;
	}
	else if ((rule = find_creator_rate(rules, reward->tier, as_of)) != NULL)
	{
		reward->creator_rate = rule->rate;
		reward->creator_rule = rule->id;
	}
	reward->creator_earnings = product_round(product_times_count(product_of(reward->creator_rate),
																 tokens));
}

static void
add_share(StringInfo building, Entry entry, int level, int64 account, Amount amount)
{
	Share		share = {entry, level, account, amount};

	if (amount != 0)
		distribution_add(building, &share);
}

/* the earner's own share, and a share of it to each level of its chain */
static void
add_earner(StringInfo building, const Rule *rates, const AsOf *as_of,
		   AccountKind kind, const Account *earner, Amount points)
{
	Account		account = *earner;

	add_share(building, kind == KIND_USER ? ENTRY_USAGE : ENTRY_WORK, 0, account.number, points);
	if (points == 0 || rates == NULL)
		return;
	for (int level = 1; level <= Min(rates->levels, as_of->chain_limit[kind]); level++)
	{
		account = account_referrer(&account, as_of);
		if (account.number == 0)
			break;
		if (standing_status(account.number, as_of) >= STATUS_PAUSED)
			continue;
		add_share(building, ENTRY_REFERRAL, level, account.number,
				  amount_times(points, rates->rates[level - 1]));
	}
}

static void
distribute(const Course *course, const UsageEvent *event, const AsOf *as_of, Reward *reward)
{
	StringInfoData building;

	distribution_begin(&building);
	if (event->provider.text)
		add_earner(&building, course->referral_rates[KIND_PROVIDER], as_of, KIND_PROVIDER,
				   &reward->provider, reward->provider_points);
	add_earner(&building, course->referral_rates[KIND_USER], as_of, KIND_USER,
			   &reward->user, reward->user_points);
	add_share(&building, ENTRY_CREATOR, 0, reward->owner, reward->creator_earnings);
	reward->distribution = distribution_finish(&building);
}

/*
 * Computes an event's reward by what was valid at as_of->at among what its row
 * knew, under given rules.  22003 when an amount is out of range.
 */
void
reward_compute(const RuleSet *rules, const UsageEvent *event, const AsOf *as_of, Reward *reward)
{
	const Course *course = course_find(rules, event, as_of);
	const Model *model = event->model.text ? model_find(event->model) : NULL;

	memset(reward, 0, sizeof(Reward));
	reward->rules = rules;
	take_course(course, model, as_of, reward);
	if (event->user.text)		/* only a quote may leave it out */
		reward->user = account_find(KIND_USER, event->user);
	if (event->provider.text)
		reward->provider = account_find(KIND_PROVIDER, event->provider);
	reward->user_status = standing_status(reward->user.number, as_of);
	reward->provider_status = standing_status(reward->provider.number, as_of);
	if (event_succeeded(event))
	{
		compute_points(rules, event, as_of, reward);
		compute_creator(rules, event, model, as_of, reward);
		price_charge(&reward->charge, event->input_tokens, event->output_tokens);
	}
	else
		reward->charge = (Charge) {0};
	distribute(course, event, as_of, reward);
}
