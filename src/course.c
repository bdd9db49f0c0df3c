/*
 * course.c
 *		What the rules alone say of an endpoint and a model.
 *
 * An application has few endpoints and models, and rules change rarely: what was found
 * for one event is found for the next.  It is remembered in a table of fixed
 * size, each entry with the time for which it holds, and for rows that know all rules.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "course.h"

#define TIER_OF_SERVICES "tide_pool"	/* of services with points of their own */

#define REMEMBERED 256
#define MAX_KEY 112

typedef struct Remembered
{
	RuleScope	scope;			/* when and for whom it holds */
	Course		course;
	int			endpoint_len;
	int			model_len;		/* -1 for none */
	char		key[MAX_KEY];	/* the endpoint, then the model */
} Remembered;

static Remembered remembered[REMEMBERED];

/*
 * The service of the endpoint, and the rule whose points and rates count: an
 * unknown endpoint with a model is rewarded as chat.
 */
static void
find_service(const RuleSet *rules, const UsageEvent *event, const AsOf *as_of, Course *course)
{
	course->service_rule = rule_for_endpoint(rules, event->endpoint, as_of);
	if (course->service_rule)
	{
		course->service = course->service_rule->key;
		return;
	}
	course->service = SERVICE_OTHER;
	if (event->model.text)
		course->service_rule = rule_in_force(rules, RULE_SERVICE, SERVICE_CHAT, as_of);
}

static void
place_in_tier(Course *course, const char *tier, TierSource source, int64 rule)
{
	course->tier = tier;
	course->tier_source = source;
	course->tier_rule = rule;
}

/* the tier that the rules give a model by its name, the default one to others and to none */
void
course_place_model(const RuleSet *rules, Id model, const AsOf *as_of, Course *course)
{
	const Rule *pattern = model.text ? rule_for_model_name(rules, model, as_of) : NULL;

	if (pattern)
		place_in_tier(course, pattern->tier, TIER_OF_PATTERN, pattern->id);
	else
		place_in_tier(course, rules_setting(rules, "default_tier", as_of), TIER_DEFAULT, 0);
}

/* the tier by the service, the model's name, or the default */
static void
find_tier(const RuleSet *rules, const UsageEvent *event, const AsOf *as_of, Course *course)
{
	if (course->service_rule && course->service_rule->has_points)
	{
		place_in_tier(course, TIER_OF_SERVICES, TIER_OF_SERVICE, course->service_rule->id);
		return;
	}
	if (event->model.text == NULL && strcmp(course->service, SERVICE_OTHER) == 0)
		return;					/* neither service nor model */
	course_place_model(rules, event->model, as_of, course);
	course->tier_points = rule_in_force(rules, RULE_TIER, course->tier, as_of);
}

static Course
compute(const RuleSet *rules, const UsageEvent *event, const AsOf *as_of)
{
	Course		course = {0};

	find_service(rules, event, as_of, &course);
	find_tier(rules, event, as_of, &course);
	course.prices = price_find(rules, course.service, course.tier, as_of);
	course.user_share = rule_in_force(rules, RULE_USER_SHARE, "", as_of);
	for (int kind = KIND_USER; kind <= KIND_PROVIDER; kind++)
		course.referral_rates[kind] = rule_in_force(rules, RULE_REFERRAL_RATES,
													account_kind_name((AccountKind) kind), as_of);
	return course;
}

static Remembered *
place_of(const UsageEvent *event)
{
	uint32		hash = hash_bytes((const unsigned char *) event->endpoint.text, event->endpoint.len);

	if (event->model.text)
		hash ^= hash_bytes((const unsigned char *) event->model.text, event->model.len);
	return &remembered[hash % REMEMBERED];
}

static bool
is_of(const Remembered *entry, Id endpoint, int model_len, Id model)
{
	return entry->endpoint_len == endpoint.len && entry->model_len == model_len
		&& memcmp(entry->key, endpoint.text, endpoint.len) == 0
		&& (model_len <= 0 || memcmp(entry->key + endpoint.len, model.text, model_len) == 0);
}

/* good until the next call */
const Course *
course_find(const RuleSet *rules, const UsageEvent *event, const AsOf *as_of)
{
	static Course passing;
	int			model_len = event->model.text ? event->model.len : -1;
	bool		fits = event->endpoint.text && event->endpoint.len + Max(model_len, 0) <= MAX_KEY;
	Remembered *entry = place_of(event);
	RuleScope	scope;

	if (fits && is_of(entry, event->endpoint, model_len, event->model)
		&& rules_in_scope(rules, &entry->scope, as_of))
		return &entry->course;

	passing = compute(rules, event, as_of);
	scope = rules_scope(rules, as_of);
	if (!fits || !rules_in_scope(rules, &scope, as_of))
		return &passing;
	entry->scope = scope;
	entry->course = passing;
	entry->endpoint_len = event->endpoint.len;
	entry->model_len = model_len;
	memcpy(entry->key, event->endpoint.text, event->endpoint.len);
	if (model_len > 0)
		memcpy(entry->key + event->endpoint.len, event->model.text, model_len);
	return &passing;
}
