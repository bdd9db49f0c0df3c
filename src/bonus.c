/*
 * bonus.c
 *		Bonuses that posting finds due: milestone, trial and streak.
 *
 * A bonus goes by the rule in force for the event that completed the feat.  It
 * becomes an entry of the journal, dated by that event, in the transaction that
 * folds it.  The journal holds one entry for each rule, recipient and cause, so
 * folding the same rows again grants nothing again.
 */
#include "postgres.h"

#include "batch.h"
#include "bonus.h"
#include "catalog.h"
#include "catalog/pg_type.h"
#include "standing.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

typedef struct Grant
{
	const char *rule;			/* its key */
	int64		doer;			/* key of whose feat it is */
	const char *detail;			/* or NULL */
	const char *hold;			/* an interval, or NULL */
	Entry		entry;
	int			level;
	int64		account;		/* key of who gets it */
	Amount		amount;
	TimestampTz at;
} Grant;

struct Bonuses
{
	MemoryContext context;		/* in which the grants are kept */
	Grant	   *grants;
	int			count;
	int			allocated;
};

Bonuses *
bonuses_create(void)
{
	Bonuses    *bonuses = palloc0(sizeof(Bonuses));

	bonuses->context = CurrentMemoryContext;
	bonuses->allocated = 64;
	bonuses->grants = palloc(bonuses->allocated * sizeof(Grant));
	return bonuses;
}

/* the key of the account so many levels above another, 0 for none */
static int64
recipient(const Feat *feat, int level)
{
	AccountKind kind;
	Account		account;
	char	   *name;

	if (level == 0 || feat->account < 0)
		return level == 0 ? feat->account : 0;
	name = account_describe(feat->account, &kind);
	account = account_find(kind, (Id) {name, strlen(name)});
	for (int i = 0; i < level && account.number != ACCOUNT_SELF; i++)
		account = account_referrer(&account, &feat->as_of);
	return account.number;
}

static void
add_grant(Bonuses *bonuses, const Rule *rule, const Feat *feat, int64 account)
{
	MemoryContext caller = MemoryContextSwitchTo(bonuses->context);
	Grant	   *grant;

	if (bonuses->count == bonuses->allocated)
		bonuses->grants = repalloc_huge(bonuses->grants, (bonuses->allocated *= 2) * sizeof(Grant));
	grant = &bonuses->grants[bonuses->count++];
	grant->rule = pstrdup(rule->key);
	grant->doer = feat->account;
	grant->detail = feat->detail ? pstrdup(feat->detail) : NULL;
	grant->hold = rule->hold ? pstrdup(rule->hold) : NULL;
	grant->entry = feat->entry;
	grant->level = rule->recipient_level;
	grant->account = account;
	grant->amount = rule->points;
	grant->at = feat->as_of.at;
	MemoryContextSwitchTo(caller);
}

static const char *
event_of(Entry entry)
{
	switch (entry)
	{
		case ENTRY_MILESTONE_BONUS:
			return "milestone";
		case ENTRY_TRIAL_BONUS:
			return "trial";
		default:
			return "streak";
	}
}

/* notes what the rules grant for a feat */
void
bonuses_add(Bonuses *bonuses, const Feat *feat)
{
	const char *event = event_of(feat->entry);
	const Rule *rule;
	int			place = 0;

	while ((rule = rule_next(rules_current(), RULE_BONUS, &place, &feat->as_of)) != NULL)
	{
		int64		account;

		if (rule->account_kind != (int) feat->kind || rule->threshold != feat->threshold
			|| rule->points == 0 || strcmp(rule->text, event) != 0)
			continue;
		account = recipient(feat, rule->recipient_level);
		/* a name has no status yet */
		if (account != 0 && (account < 0 || standing_status(account, &feat->as_of) < STATUS_PAUSED))
			add_grant(bonuses, rule, feat, account);
	}
}

/* whose feat it is, and which of them */
static char *
cause_of(const Grant *grant, const int64 *numbers)
{
	return psprintf(grant->detail ? "%lld %s" : "%lld",
					(long long) number_of_key(grant->doer, numbers), grant->detail);
}

static Distribution *
distribution_of(const Grant *grant, int64 account)
{
	StringInfoData building;
	Share		share = {grant->entry, grant->level, account, grant->amount};

	distribution_begin(&building);
	distribution_add(&building, &share);
	return distribution_finish(&building);
}

/*
 * Books what is due, with the numbers of accounts known by name.  Returns how
 * many entries the journal got.
 */
int
bonuses_book(Bonuses *bonuses, const int64 *numbers)
{
	Oid			types[] = {TEXTOID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, InvalidOid};
	Batch		batch;

	types[5] = get_atttype(catalog_table(TABLE_USAGE_LOGS), COLUMN_DISTRIBUTION + 1);
	batch = batch_create(lengthof(types), types, bonuses->count);
	for (int i = 0; i < bonuses->count; i++)
	{
		const Grant *grant = &bonuses->grants[i];
		int64		account = number_of_key(grant->account, numbers);

		batch.columns[0][i] = CStringGetTextDatum(grant->rule);
		batch.columns[1][i] = Int64GetDatum(account);
		batch.columns[2][i] = CStringGetTextDatum(cause_of(grant, numbers));
		batch.columns[3][i] = CStringGetTextDatum(grant->hold ? grant->hold : "");
		batch.columns[4][i] = TimestampTzGetDatum(grant->at);
		batch.columns[5][i] = PointerGetDatum(distribution_of(grant, account));
	}
	batch.count = bonuses->count;
	return (int) batch_execute(&batch, "select * from rewards.book_bonuses($1, $2, $3, $4, $5, $6)");
}
