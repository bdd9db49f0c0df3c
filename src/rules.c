/*
 * rules.c
 *		The programme's rules: one backend-local copy of rewards.rule, and
 *		look-ups by time.
 *
 * The whole table is read at once, in the newest snapshot, into one memory
 * context; a change of the table makes the next look-up read it anew.
 * Versions of one rule stand together, oldest first: the last one that counts
 * for an event is the one in force.
 */
#include "postgres.h"

#include <limits.h>

#include "access/xact.h"
#include "catalog.h"
#include "compat.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "rules.h"
#include "settings.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* all versions of one rule */
typedef struct History
{
	const Rule *versions;
	int			count;
	TimestampTz until;			/* of a campaign: when the last of them ends */
} History;

/* an end of paths, and a service that has it at some time */
typedef struct Suffix
{
	const char *text;
	int			len;
	const History *service;
} Suffix;

struct RuleSet
{
	RuleSet    *before;			/* among the former ones */
	MemoryContext context;
	MemoryContext reading;		/* what reading one rule leaves behind */
	uint64		generation;
	int64		last_seen_from; /* of all changes */
	const pg_tz *time_zone;
	Rule	   *rules;
	int			nrules;
	int			allocated;
	History    *histories[RULE_KINDS];
	int			nhistories[RULE_KINDS];
	Suffix	   *suffixes;		/* in order of text */
	int			nsuffixes;
};

static RuleSet *current = NULL;
static RuleSet *former = NULL;	/* whoever got one may still be computing with it */

/* ---- reading the table ---- */

static void
add_rule(RuleSet *set, HeapTuple tuple, TupleDesc desc)
{
	MemoryContext own;
	bool		wanted;

	if (set->nrules == set->allocated)
	{
		set->allocated *= 2;
		set->rules = repalloc(set->rules, set->allocated * sizeof(Rule));
	}
	own = MemoryContextSwitchTo(set->reading);
	wanted = rule_read(&set->rules[set->nrules], tuple, desc);
	MemoryContextSwitchTo(own);
	if (wanted)
		rule_keep(&set->rules[set->nrules++]);
	MemoryContextReset(set->reading);
}

/* kind, key (patterns by their position), valid_from, order of recording */
static int
compare_rules(const void *left, const void *right)
{
	const Rule *a = (const Rule *) left;
	const Rule *b = (const Rule *) right;
	int			order = (int) a->kind - (int) b->kind;

	if (order == 0 && a->kind == RULE_MODEL_PATTERN)
		order = atoi(a->key) - atoi(b->key);
	if (order == 0)
		order = strcmp(a->key, b->key);
	if (order == 0)
		order = (a->change.valid_from > b->change.valid_from)
			- (a->change.valid_from < b->change.valid_from);
	if (order == 0)
		order = (a->id > b->id) - (a->id < b->id);
	return order;
}

/* where a suffix stands beside a text: a shorter one before those it begins */
static int
compare_to_text(const Suffix *suffix, const char *text, int len)
{
	int			order = memcmp(suffix->text, text, Min(suffix->len, len));

	return order != 0 ? order : suffix->len - len;
}

/* by text, then by the services' names */
static int
compare_suffixes(const void *left, const void *right)
{
	const Suffix *a = (const Suffix *) left;
	const Suffix *b = (const Suffix *) right;
	int			order = compare_to_text(a, b->text, b->len);

	if (order == 0)
		order = (a->service > b->service) - (a->service < b->service);
	return order;
}

static void
make_suffixes(RuleSet *set)
{
	const History *services = set->histories[RULE_SERVICE];
	int			versions = 0;

	for (int i = 0; i < set->nhistories[RULE_SERVICE]; i++)
		versions += services[i].count;
	set->suffixes = palloc(versions * sizeof(Suffix) + 1);
	for (int i = 0; i < set->nhistories[RULE_SERVICE]; i++)
		for (int j = 0; j < services[i].count; j++)
		{
			const Rule *rule = &services[i].versions[j];

			if (!rule->ended && rule->text_len > 0)
				set->suffixes[set->nsuffixes++] = (Suffix){rule->text, rule->text_len, &services[i]};
		}
	qsort(set->suffixes, set->nsuffixes, sizeof(Suffix), compare_suffixes);
}

/* those that end last first, so that the many that are over need not be looked at */
static int
compare_campaigns(const void *left, const void *right)
{
	const History *a = (const History *) left;
	const History *b = (const History *) right;
	int			order = (a->until < b->until) - (a->until > b->until);

	return order != 0 ? order : strcmp(a->versions->key, b->versions->key);
}

static void
make_histories(RuleSet *set)
{
	int			rules[RULE_KINDS] = {0};

	MemoryContextDelete(set->reading);
	set->reading = NULL;
	set->rules = repalloc(set->rules, Max(set->nrules, 1) * sizeof(Rule));
	qsort(set->rules, set->nrules, sizeof(Rule), compare_rules);
	for (int i = 0; i < set->nrules; i++)
		rules[set->rules[i].kind]++;
	for (int i = 0; i < set->nrules; i++)
	{
		const Rule *rule = &set->rules[i];
		RuleKind	kind = rule->kind;
		History    *history;

		if (i == 0 || rule[-1].kind != kind)
			set->histories[kind] = palloc(sizeof(History) * rules[kind]);
		if (i == 0 || rule[-1].kind != kind || strcmp(rule[-1].key, rule->key) != 0)
			set->histories[kind][set->nhistories[kind]++] = (History){rule, 0, rule->until};
		history = &set->histories[kind][set->nhistories[kind] - 1];
		history->count++;
		if (!rule->ended)
			history->until = Max(history->until, rule->until);
		set->last_seen_from = Max(set->last_seen_from, rule->change.seen_from);
	}
	qsort(set->histories[RULE_CAMPAIGN], set->nhistories[RULE_CAMPAIGN], sizeof(History),
		  compare_campaigns);
	make_suffixes(set);
}

/* an empty set in the current memory context */
static RuleSet *
empty_set(void)
{
	RuleSet    *set = palloc0(sizeof(RuleSet));

	set->context = CurrentMemoryContext;
	set->reading = AllocSetContextCreate(set->context, "rewards reading rules", ALLOCSET_SMALL_SIZES);
	set->allocated = 64;
	set->rules = palloc(set->allocated * sizeof(Rule));
	return set;
}

/*
 * A set of its own, apart from what is in force, of rows like those of the
 * table.  It lives as long as the current memory context.
 */
const RuleSet *
rules_of_tuples(HeapTuple *tuples, uint64 count, TupleDesc desc)
{
	RuleSet    *set = empty_set();

	for (uint64 i = 0; i < count; i++)
		add_rule(set, tuples[i], desc);
	make_histories(set);
	return set;
}

static AsOf
as_of_now(void)
{
	return as_of_all(GetCurrentTimestamp());
}

static void
read_table(RuleSet *set)
{
	CatalogScan scan = catalog_scan(TABLE_RULE, TABLE_RULE, NULL, 0);
	AsOf		now = as_of_now();
	HeapTuple	tuple;

	while ((tuple = catalog_next(&scan)) != NULL)
		add_rule(set, tuple, RelationGetDescr(scan.heap));
	catalog_end(&scan);

	make_histories(set);
	set->time_zone = pg_tzset(rules_setting(set, "time_zone", &now));
	if (set->time_zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the programme's time zone is not known to this server"),
				 errhint("Install the server's time zone data.")));
}

/* a new copy of the table, read while no change was signalled */
static RuleSet *
load_rules(void)
{
	RuleSet    *set;
	MemoryContext context;
	MemoryContext previous;

	for (;;)
	{
		uint64		generation = catalog_generation(TABLE_RULE);

		/* a child of the caller's context until it is whole */
		context = AllocSetContextCreate(CurrentMemoryContext, "rewards rules",
										ALLOCSET_DEFAULT_SIZES);
		previous = MemoryContextSwitchTo(context);
		set = empty_set();
		set->generation = generation;
		read_table(set);
		MemoryContextSwitchTo(previous);

		if (generation == catalog_generation(TABLE_RULE))
			return set;
		MemoryContextDelete(context);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
forget_former(void)
{
	while (former)
	{
		RuleSet    *before = former->before;

		MemoryContextDelete(former->context);
		former = before;
	}
}

/* for when nothing is being computed: the next look-up reads the rules anew */
void
rules_forget(void)
{
	forget_former();
	if (current)
		MemoryContextDelete(current->context);
	current = NULL;
}

static void
transaction_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		forget_former();
}

void
rules_init(void)
{
	RegisterXactCallback(transaction_ended, NULL);
}

/*
 * The rules as committed now.  The result lives until the transaction ends: what
 * rewards a row holds it, and asks for days of the programme, which comes here
 * again.
 */
const RuleSet *
rules_current(void)
{
	RuleSet    *loaded;

	if (current && current->generation == catalog_generation(TABLE_RULE))
		return current;

	loaded = load_rules();
	if (current)
	{
		current->before = former;
		former = current;
	}
	MemoryContextSetParent(loaded->context, CacheMemoryContext);
	current = loaded;
	return current;
}

/* ---- scopes ---- */

RuleScope
rules_scope(const RuleSet *set, const AsOf *as_of)
{
	RuleScope	scope = {set, set->generation, DT_NOBEGIN, DT_NOEND};

	for (int i = 0; i < set->nrules; i++)
	{
		TimestampTz valid_from = set->rules[i].change.valid_from;

		if (valid_from <= as_of->at)
			scope.from = Max(scope.from, valid_from);
		else
			scope.until = Min(scope.until, valid_from);
	}
	return scope;
}

/* what was found for whoever the scope was made for holds for this event, too */
bool
rules_in_scope(const RuleSet *set, const RuleScope *scope, const AsOf *as_of)
{
	return set == current && set == scope->rules && set->generation == scope->generation
		&& as_of->at >= scope->from && as_of->at < scope->until
		&& as_of->cuts[CUT_RULES] > set->last_seen_from;
}

/* ---- look-ups ---- */

static const Rule *
version_in_force(const History *history, const AsOf *as_of)
{
	for (int i = history->count - 1; i >= 0; i--)
		if (change_counts(&history->versions[i].change, as_of, as_of->cuts[CUT_RULES]))
			return history->versions[i].ended ? NULL : &history->versions[i];
	return NULL;
}

/* the version of one rule in force for an event, or NULL */
const Rule *
rule_in_force(const RuleSet *set, RuleKind kind, const char *key, const AsOf *as_of)
{
	int			low = 0;
	int			high = set->nhistories[kind];

	Assert(kind != RULE_MODEL_PATTERN && kind != RULE_CAMPAIGN);
	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			order = strcmp(set->histories[kind][middle].versions->key, key);

		if (order == 0)
			return version_in_force(&set->histories[kind][middle], as_of);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/*
 * One after the other the rules of a kind that are in force for an event; *place
 * begins at 0.  NULL after the last.  Of campaigns none that is over.
 */
const Rule *
rule_next(const RuleSet *set, RuleKind kind, int *place, const AsOf *as_of)
{
	while (*place < set->nhistories[kind])
	{
		const History *history = &set->histories[kind][(*place)++];
		const Rule *rule;

		if (kind == RULE_CAMPAIGN && history->until <= as_of->at)
			return NULL;
		rule = version_in_force(history, as_of);
		if (rule)
			return rule;
	}
	return NULL;
}

/* the lowest threshold that a rule of this kind has at any time; INT_MAX for none */
int
rule_lowest_threshold(const RuleSet *set, RuleKind kind, AccountKind account_kind)
{
	int			lowest = INT_MAX;

	for (int i = 0; i < set->nhistories[kind]; i++)
		for (int j = 0; j < set->histories[kind][i].count; j++)
		{
			const Rule *rule = &set->histories[kind][i].versions[j];

			if (!rule->ended && rule->account_kind == (int) account_kind)
				lowest = Min(lowest, rule->threshold);
		}
	return lowest;
}

/* of the streaks' multipliers the one with the most days reached, or NULL */
const Rule *
rule_for_streak(const RuleSet *set, AccountKind kind, int days, const AsOf *as_of)
{
	const Rule *found = NULL;
	const Rule *rule;
	int			place = 0;

	while ((rule = rule_next(set, RULE_STREAK_MULTIPLIER, &place, as_of)) != NULL)
		if (rule->account_kind == (int) kind && rule->threshold <= days
			&& (found == NULL || rule->threshold > found->threshold))
			found = rule;
	return found;
}

/* whether a service, by its rule, gives points for its requests */
bool
rule_gives_points(const Rule *service)
{
	return !service->has_points || service->points != 0 || service->user_base != 0
		|| service->user_per_token != 0 || service->provider_per_token != 0;
}

/* the path of an endpoint: no scheme, host, query, fragment, trailing slash */
static Id
endpoint_path(Id endpoint)
{
	const char *start = endpoint.text;
	const char *end = endpoint.text + endpoint.len;

	for (const char *c = start; c < end; c++)
		if (*c == '?' || *c == '#')
			end = c;
	for (const char *c = start; c + 2 < end; c++)
		if (c[0] == ':' && c[1] == '/' && c[2] == '/')
		{
			for (start = c + 3; start < end && *start != '/';)
				start++;
			break;
		}
	while (end > start && end[-1] == '/')
		end--;
	return (Id) {start, (int) (end - start)};
}

/* the service in force that has just this suffix, the first by name; or NULL */
static const Rule *
service_with_suffix(const RuleSet *set, Id tail, const AsOf *as_of)
{
	int			low = 0;
	int			high = set->nsuffixes;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (compare_to_text(&set->suffixes[middle], tail.text, tail.len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < set->nsuffixes && compare_to_text(&set->suffixes[low], tail.text, tail.len) == 0; low++)
	{
		const Rule *rule = version_in_force(set->suffixes[low].service, as_of);

		/* it may have had another suffix then */
		if (rule && rule->text_len == tail.len && memcmp(rule->text, tail.text, tail.len) == 0)
			return rule;
	}
	return NULL;
}

/*
 * The service whose suffix the endpoint's path ends with; the longest suffix
 * wins.  A path without its leading slash is taken as if it had one.  Suffixes begin
 * with a slash, so there are as many to look for as the path has parts, however many
 * services there are.
 */
const Rule *
rule_for_endpoint(const RuleSet *set, Id endpoint, const AsOf *as_of)
{
	Id			path = endpoint_path(endpoint);
	char		buffer[256];
	char	   *lower = path.len < (int) sizeof(buffer) ? buffer : palloc(path.len + 1);
	int			len = 0;
	const Rule *found = NULL;

	if (path.len > 0 && path.text[0] != '/')
		lower[len++] = '/';
	for (int i = 0; i < path.len; i++)
		lower[len++] = pg_ascii_tolower((unsigned char) path.text[i]);
	for (int i = 0; i < len && found == NULL; i++)
		if (lower[i] == '/')
			found = service_with_suffix(set, (Id) {lower + i, len - i}, as_of);
	if (lower != buffer)
		pfree(lower);
	return found;
}

static bool
is_digit_at(Id text, int at)
{
	return at >= 0 && at < text.len && text.text[at] >= '0' && text.text[at] <= '9';
}

/*
 * Whether the piece at start, len bytes long, cuts no number in two: a digit
 * at its edge must not continue outside, directly or past a decimal point.
 */
static bool
cuts_no_number(Id text, int start, int len)
{
	int			end = start + len;

	if (is_digit_at(text, start)
		&& (is_digit_at(text, start - 1)
			|| (start >= 2 && text.text[start - 1] == '.' && is_digit_at(text, start - 2))))
		return false;
	if (is_digit_at(text, end - 1)
		&& (is_digit_at(text, end)
			|| (end < text.len && text.text[end] == '.' && is_digit_at(text, end + 1))))
		return false;
	return true;
}

/* whether a piece stands in the name between two places, numbers whole */
static bool
holds_piece(Id name, const char *piece, int len, int first, int last)
{
	for (int start = first; start <= last; start++)
		if (name.text[start] == piece[0] && memcmp(name.text + start, piece, len) == 0
			&& cuts_no_number(name, start, len))
			return true;
	return false;
}

/* whether a pattern hits a name, which is in lower case like the pattern */
static bool
name_matches(Id name, const Rule *pattern)
{
	int			end = name.len - pattern->text_len;

	if (pattern->text_len == 0 || end < 0
		|| !holds_piece(name, pattern->text, pattern->text_len,
						pattern->at_end ? end : 0, pattern->at_start ? 0 : end))
		return false;
	return pattern->but_not_len == 0
		|| !holds_piece(name, pattern->but_not, pattern->but_not_len,
						0, name.len - pattern->but_not_len);
}

/* the first pattern, by position, that the model's name matches, or NULL */
const Rule *
rule_for_model_name(const RuleSet *set, Id model, const AsOf *as_of)
{
	char	   *lower = palloc(model.len);
	Id			name = {lower, model.len};

	for (int i = 0; i < model.len; i++)
		lower[i] = pg_ascii_tolower((unsigned char) model.text[i]);
	for (int i = 0; i < set->nhistories[RULE_MODEL_PATTERN]; i++)
	{
		const Rule *rule = version_in_force(&set->histories[RULE_MODEL_PATTERN][i], as_of);

		if (rule && name_matches(name, rule))
			return rule;
	}
	return NULL;
}

/* the tier whose VRAM range (above, upto] holds the value, or NULL */
const Rule *
rule_for_vram(const RuleSet *set, Amount vram, const AsOf *as_of)
{
	for (int i = 0; i < set->nhistories[RULE_TIER]; i++)
	{
		const Rule *rule = version_in_force(&set->histories[RULE_TIER][i], as_of);

		if (rule && rule->has_vram && vram > rule->vram_above && vram <= rule->vram_upto)
			return rule;
	}
	return NULL;
}

/*
 * Whether accounts of different kinds may stand in one chain: some version of a
 * rule allows it, of whatever time, for edges outlive the rule.
 */
bool
rules_mix_kinds(const RuleSet *set)
{
	for (int i = 0; i < set->nhistories[RULE_REFERRAL_KINDS]; i++)
	{
		const History *history = &set->histories[RULE_REFERRAL_KINDS][i];
		const char *key = history->versions->key;

		if (strcmp(key, "user/provider") != 0 && strcmp(key, "provider/user") != 0)
			continue;
		for (int j = 0; j < history->count; j++)
			if (history->versions[j].allowed)
				return true;
	}
	return false;
}

/* whether usage was ever to be paid for */
bool
rules_charge(const RuleSet *set)
{
	return set->nhistories[RULE_MAINNET] > 0;
}

/* whether usage was ever limited */
bool
rules_limit_usage(const RuleSet *set)
{
	for (int i = 0; i < set->nhistories[RULE_RATE_LIMIT]; i++)
		for (int j = 0; j < set->histories[RULE_RATE_LIMIT][i].count; j++)
			if (set->histories[RULE_RATE_LIMIT][i].versions[j].window > 0)
				return true;
	return false;
}

/* a setting's value as an event saw it */
const char *
rules_setting(const RuleSet *set, const char *name, const AsOf *as_of)
{
	const Rule *rule = rule_in_force(set, RULE_SETTING, name, as_of);

	return rule ? rule->text : setting_info(name)->default_value;
}

/* a setting's value in force now */
const char *
rules_setting_now(const char *name)
{
	AsOf		now = as_of_now();

	return rules_setting(rules_current(), name, &now);
}

/*
 * The programme's day and hour that a moment falls in.  Within a second of a time zone
 * neither changes, and neighbours are mostly of one.
 */
DateADT
local_hour(TimestampTz at, int *hour)
{
	static const pg_tz *last_zone = NULL;
	static TimestampTz last_second;
	static DateADT last_day;
	static int	last_hour;
	const RuleSet *set = rules_current();
	struct pg_tm tm;
	fsec_t		fsec;
	int			tz;

	if (last_zone == set->time_zone && at >= last_second && at < last_second + USECS_PER_SEC)
	{
		*hour = last_hour;
		return last_day;
	}
	if (timestamp2tm(at, &tz, &tm, &fsec, NULL, unconstify(pg_tz *, set->time_zone)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	last_zone = set->time_zone;
	last_second = at - fsec;
	*hour = last_hour = tm.tm_hour;
	last_day = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
	return last_day;
}

/* the programme's day that a moment falls in */
DateADT
local_day(TimestampTz at)
{
	int			hour;

	return local_hour(at, &hour);
}

/* the moment at which a day of the programme begins; -infinity before all days */
TimestampTz
day_start(DateADT day)
{
	const RuleSet *set = rules_current();
	struct pg_tm tm = {0};
	TimestampTz start;
	int			tz;

	if (!IS_VALID_DATE(day))
		return DT_NOBEGIN;
	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	tz = DetermineTimeZoneOffset(&tm, unconstify(pg_tz *, set->time_zone));
	if (tm2timestamp(&tm, 0, &tz, &start) != 0)
		return DT_NOBEGIN;
	return start;
}
