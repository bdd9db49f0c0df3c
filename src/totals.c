/*
 * totals.c
 *		Adds up rows of the number line.  Posting writes the result to the
 *		totals tables, reading adds it to them: both by this one code.
 *
 * Every successful row counts once as a request of its user and, if it has one,
 * of its provider, whether it earned them points or not.  What takes a row back
 * counts as one request less.
 */
#include "postgres.h"

#include "accounts.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "price.h"
#include "totals.h"
#include "utils/datetime.h"
#include "utils/inval.h"
#include "utils/memutils.h"

typedef struct Place
{
	char		key[MAX_ID_BYTES + 2];	/* u or p, then the id */
	int			place;
} Place;

/* what posting begins with; to read adds little up as a rule, and a table is walked and made for each read */
#define ROOM_TO_POST 1024
#define ROOM_TO_READ 32

static HTAB *
create_hash(const char *name, long room, Size key_size, Size entry_size, int flags)
{
	HASHCTL		control = {0};

	control.keysize = key_size;
	control.entrysize = entry_size;
	control.hcxt = CurrentMemoryContext;
	return hash_create(name, room, &control, HASH_ELEM | HASH_CONTEXT | flags);
}

/* of a TotalKey: nearly each share of each row asks for one, so not byte by byte */
static uint32
hash_key(const void *key, Size size)
{
	const TotalKey *k = (const TotalKey *) key;
	uint64		line = (uint64) (uint32) k->period << 32
		^ (uint64) (uint16) k->unit << 24 ^ (uint64) (uint16) k->entry << 8 ^ (uint64) k->level;
	uint64		mixed = ((uint64) k->account * UINT64CONST(0x9e3779b97f4a7c15)) ^ line;

	return murmurhash32((uint32) (mixed ^ mixed >> 32));
}

static int
match_keys(const void *left, const void *right, Size size)
{
	const TotalKey *a = (const TotalKey *) left;
	const TotalKey *b = (const TotalKey *) right;

	return a->account != b->account || a->period != b->period || a->unit != b->unit
		|| a->entry != b->entry || a->level != b->level;
}

static HTAB *
create_totals(long room)
{
	HASHCTL		control = {
		.keysize = sizeof(TotalKey), .entrysize = sizeof(Total), .hash = hash_key,
		.match = match_keys, .hcxt = CurrentMemoryContext
	};

	return hash_create("totals", room, &control, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

Totals *
totals_create(Grain grain, bool find_accounts)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "rewards totals",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext previous = MemoryContextSwitchTo(context);
	Totals	   *totals = palloc0(sizeof(Totals));
	long		room = find_accounts ? ROOM_TO_POST : ROOM_TO_READ;

	totals->context = context;
	totals->grain = grain;
	totals->find_accounts = find_accounts;
	totals->totals = create_totals(room);
	totals->models = create_hash("model totals", room, sizeof(ModelKey), sizeof(ModelTotal), HASH_BLOBS);
	totals->activities = create_hash("activities", room, sizeof(int64), sizeof(Activity), HASH_BLOBS);
	totals->places = create_hash("names", room, sizeof(((Place *) NULL)->key), sizeof(Place), HASH_STRINGS);
	totals->allocated = 8;
	totals->names = palloc(totals->allocated * sizeof(NamedAccount));
	MemoryContextSwitchTo(previous);
	return totals;
}

/* the key of a name, the same each time */
static int64
name_key(Totals *totals, AccountKind kind, Id id)
{
	char		key[MAX_ID_BYTES + 2];
	int			len = Min(id.len, MAX_ID_BYTES);
	Place	   *place;
	bool		found;

	key[0] = kind == KIND_USER ? 'u' : 'p';
	memcpy(key + 1, id.text, len);
	key[len + 1] = '\0';
	place = hash_search(totals->places, key, HASH_ENTER, &found);
	if (!found)
	{
		if (totals->nnames == totals->allocated)
		{
			totals->allocated *= 2;
			totals->names = repalloc_huge(totals->names, totals->allocated * sizeof(NamedAccount));
		}
		place->place = totals->nnames++;
		totals->names[place->place].kind = kind;
		strlcpy(totals->names[place->place].text, key + 1, MAX_ID_BYTES + 1);
	}
	return NAME_KEY(place->place);
}

static int64
account_key(Totals *totals, AccountKind kind, Id id)
{
	int64		number = totals->find_accounts ? account_find(kind, id).number : ACCOUNT_SELF;

	return number != ACCOUNT_SELF ? number : name_key(totals, kind, id);
}

/* from now on adds up just one account; its name must last as long as the totals */
void
totals_only(Totals *totals, AccountKind kind, Id id)
{
	Party	   *party = MemoryContextAlloc(totals->context, sizeof(Party));

	*party = (Party) {kind, id, account_look_up(kind, id).number};
	totals->only = party;
	totals->only_name = name_key(totals, kind, id);
}

/*
 * From now on adds up just what counts on a board in a month, DATEVAL_NOEND for all
 * time, one sum for each account: a ranking has no use for anything else, and most of
 * a row is something else.
 */
void
totals_only_board(Totals *totals, Board board, DateADT month)
{
	totals->ranking = true;
	totals->board = board;
	totals->board_month = month;
}

static bool
is_wanted(const Totals *totals, int64 account)
{
	return totals->only == NULL
		|| account == totals->only_name
		|| (account == totals->only->number && account != ACCOUNT_SELF);
}

/* whether a share has to be added up; one of an account of unknown kind, if it may count */
static bool
share_counts(const Totals *totals, int kind, Unit unit, int entry)
{
	return !totals->ranking
		|| board_counts(totals->board, kind == KIND_UNKNOWN ? board_kind(totals->board) : (AccountKind) kind,
						unit, entry);
}

DateADT
month_of(DateADT day)
{
	int			year;
	int			month;
	int			mday;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	return date2j(year, month, 1) - POSTGRES_EPOCH_JDATE;
}

static TotalKey
total_key(int64 account, DateADT period, Unit unit, int entry, int level)
{
	TotalKey	key = {0};

	key.account = account;
	key.period = period;
	key.unit = (int16) unit;
	key.entry = (int16) entry;
	key.level = level;
	return key;
}

static Total *
find_total(Totals *totals, const TotalKey *key)
{
	uint32		hash = hash_key(key, sizeof(TotalKey));
	Total	  **met = &totals->met[hash % TOTALS_MET];
	bool		found;

	if (*met && match_keys(&(*met)->key, key, sizeof(TotalKey)) == 0)
		return *met;
	*met = hash_search_with_hash_value(totals->totals, key, hash, HASH_ENTER, &found);
	if (!found)
	{
		(*met)->kind = KIND_UNKNOWN;
		(*met)->amount = 0;
		(*met)->events = 0;
		(*met)->tokens = 0;
	}
	return *met;
}

static ModelTotal *
find_model(Totals *totals, const ModelKey *key)
{
	bool		found;
	ModelTotal *total = hash_search(totals->models, key, HASH_ENTER, &found);

	if (!found)
	{
		total->amount = 0;
		total->events = 0;
		total->tokens = 0;
		total->first_at = DT_NOEND;
		total->last_at = DT_NOBEGIN;
	}
	return total;
}

/* an amount of so many requests: of a request that it is of, or of none */
static void
add_line(Totals *totals, TotalKey key, int kind, Amount amount, int64 events, int64 tokens)
{
	Total	   *total;

	if (!is_wanted(totals, key.account))
		return;
	if (totals->ranking)
		key = total_key(key.account, 0, UNIT_OF_USAGE, ENTRY_NONE, 0);
	total = find_total(totals, &key);
	if (kind != KIND_UNKNOWN)
		total->kind = kind;
	total->amount += amount;
	total->events += events;
	total->tokens += tokens;
}

static void
add_model(Totals *totals, const LineRow *row, const Share *share, int requests)
{
	ModelKey	key = {0};
	ModelTotal *total;

	if (row->model.text == NULL || totals->ranking || !is_wanted(totals, share->account))
		return;
	key.owner = share->account;
	key.day = totals->last_day;
	memcpy(key.model, row->model.text, Min(row->model.len, MAX_ID_BYTES));
	total = find_model(totals, &key);
	total->amount += share->amount;
	total->events += requests;
	total->tokens += row->tokens;
	if (requests <= 0)
		return;
	total->first_at = Min(total->first_at, row->created_at);
	total->last_at = Max(total->last_at, row->created_at);
}

static void
note_activity(Totals *totals, int64 account, const LineRow *row)
{
	Activity   *activity;
	bool		found;

	if (!is_wanted(totals, account))
		return;
	if (totals->find_accounts && account > 0)
		return;					/* for posting, progress.c keeps it */
	activity = hash_search(totals->activities, &account, HASH_ENTER, &found);
	if (!found)
	{
		activity->named_at = row->created_at;
		activity->active = false;
	}
	activity->named_at = Min(activity->named_at, row->created_at);
	if (!row->succeeded)
		return;
	if (!activity->active)
		activity->first_at = activity->last_at = row->created_at;
	activity->active = true;
	activity->first_at = Min(activity->first_at, row->created_at);
	activity->last_at = Max(activity->last_at, row->created_at);
}

/* a request counts also when it brought no points */
static void
add_own(Totals *totals, const LineRow *row, AccountKind kind, Id id, int64 account, DateADT period)
{
	Entry		entry = kind == KIND_USER ? ENTRY_USAGE : ENTRY_WORK;

	totals->last_keys[kind] = 0;
	if (id.text == NULL)
		return;
	if (account == 0)
	{
		account = account_key(totals, kind, id);
		if (row->succeeded)
			add_line(totals, total_key(account, period, UNIT_POINTS, entry, 0), kind, 0, 1, row->tokens);
	}
	totals->last_keys[kind] = account;
	note_activity(totals, account, row);
}

/*
 * The kind of those in an earner's chain: the earner's, unless a rule has ever
 * allowed others.  Asked at the first row, after the snapshot that shows it was
 * taken, and of all that was committed by now: so no edge is missed that a row
 * seen may have been rewarded by.
 */
static int
kind_of_chain(Totals *totals, AccountKind earner)
{
	if (!totals->asked_kinds)
	{
		AcceptInvalidationMessages();
		totals->mixed_kinds = rules_mix_kinds(rules_current());
		totals->asked_kinds = true;
	}
	return totals->mixed_kinds ? KIND_UNKNOWN : (int) earner;
}

/* of a share of usage */
static Unit
unit_of_entry(Entry entry)
{
	return entry == ENTRY_CREATOR ? UNIT_EARNINGS : UNIT_POINTS;
}

/* whether usage of mainnet lacked a price, by what it knew */
bool
is_unpriced(const LineRow *row)
{
	AsOf		as_of = as_of_row(row->created_at, row->number);

	return row->succeeded && row->service.text && row->tier.text
		&& price_find(rules_current(), pnstrdup(row->service.text, row->service.len),
					  pnstrdup(row->tier.text, row->tier.len), &as_of).unpriced;
}

/* for a ranking only what counts on its board, by which most shares are passed over unread */
static void
add_ranked_usage(Totals *totals, const LineRow *row, DateADT period)
{
	ShareReader reader = distribution_reader(row->distribution);
	AccountKind earner = KIND_USER;
	Share		share;

	while (reader.next < reader.end)
	{
		Entry		entry = distribution_peek(&reader);
		int			kind;

		totals->shares++;
		/* an earner's chain follows its own share */
		if (entry != ENTRY_REFERRAL)
			earner = entry == ENTRY_WORK ? KIND_PROVIDER : KIND_USER;
		kind = entry == ENTRY_REFERRAL ? kind_of_chain(totals, earner) : (int) earner;
		if (!share_counts(totals, kind, unit_of_entry(entry), entry))
		{
			distribution_skip(&reader);
			continue;
		}
		distribution_next(&reader, &share);
		if (share.account == ACCOUNT_SELF)
			share.account = account_key(totals, earner, earner == KIND_PROVIDER ? row->provider : row->user);
		add_line(totals, total_key(share.account, period, unit_of_entry(entry), entry, share.level),
				 kind, share.amount, 1, entry == ENTRY_REFERRAL ? 0 : row->tokens);
	}
}

static void
add_usage(Totals *totals, const LineRow *row, DateADT period)
{
	int			count;
	const Share *shares = line_shares(row, &count);
	AccountKind kind = KIND_USER;
	int64		user = 0;
	int64		provider = 0;

	for (int i = 0; i < count; i++)
	{
		const Share *share = &shares[i];
		int64		account = share->account;
		bool		referral = share->entry == ENTRY_REFERRAL;

		totals->shares++;
		if (!referral)
			kind = share->entry == ENTRY_WORK ? KIND_PROVIDER : KIND_USER;
		if (share->entry == ENTRY_WORK)
			account = provider = account != ACCOUNT_SELF ? account
				: account_key(totals, KIND_PROVIDER, row->provider);
		else if (share->entry == ENTRY_USAGE)
			account = user = account != ACCOUNT_SELF ? account
				: account_key(totals, KIND_USER, row->user);
		add_line(totals, total_key(account, period, unit_of_entry(share->entry), share->entry, share->level),
				 referral ? kind_of_chain(totals, kind) : (int) kind,
				 share->amount, 1, referral ? 0 : row->tokens);
		if (share->entry == ENTRY_CREATOR)
		{
			totals->last_earned = true;
			add_model(totals, row, share, 1);
		}
	}
	add_own(totals, row, KIND_USER, row->user, user, period);
	add_own(totals, row, KIND_PROVIDER, row->provider, provider, period);
	if (row->cost != 0)
		add_line(totals, total_key(totals->last_keys[KIND_USER], period, UNIT_CREDITS, ENTRY_USAGE, 0),
				 KIND_USER, -row->cost, 1, row->tokens);
	if (totals->find_accounts && rules_charge(rules_current()) && is_unpriced(row))
		totals->unpriced++;
}

/* how many times a share of the journal counts */
static int
events_of(const LineRow *row, const Share *share)
{
	/* what an account did is counted by its requests alone */
	if (row->unit == UNIT_POINTS && (share->entry == ENTRY_WORK || share->entry == ENTRY_USAGE))
		return row->reverses ? row->requests : 0;
	return row->reverses ? -1 : 1;
}

static void
add_journal(Totals *totals, const LineRow *row, DateADT period)
{
	int			count;
	const Share *shares = line_shares(row, &count);

	for (int i = 0; i < count; i++)
	{
		const Share *share = &shares[i];
		int			entry = row->reverses ? -(int) share->entry : (int) share->entry;
		bool		counts_tokens = row->reverses && share->entry != ENTRY_REFERRAL;

		totals->shares++;
		if (!share_counts(totals, KIND_UNKNOWN, row->unit, entry))
			continue;
		add_line(totals, total_key(share->account, period, row->unit, entry, share->level), KIND_UNKNOWN,
				 share->amount, events_of(row, share), counts_tokens ? row->tokens : 0);
		if (row->unit == UNIT_EARNINGS)
			add_model(totals, row, share, row->requests);
	}
}

/* neighbours are mostly of one day */
static DateADT
month_of_last(Totals *totals, DateADT day)
{
	if (totals->last_day != day || totals->last_month == 0)
		totals->last_month = month_of(day);
	return totals->last_month;
}

/* adds one row */
void
totals_add(Totals *totals, const LineRow *row)
{
	DateADT		day = local_day(row->created_at);
	DateADT		period = day;

	if (totals->grain == GRAIN_MONTH)
		period = month_of_last(totals, day);
	totals->last_day = day;
	totals->last_earned = row->unit == UNIT_EARNINGS;
	if (totals->ranking && period != totals->board_month && totals->board_month != DATEVAL_NOEND)
		return;
	if (row->unit != UNIT_OF_USAGE)
		add_journal(totals, row, period);
	else if (totals->ranking)
		add_ranked_usage(totals, row, period);
	else
		add_usage(totals, row, period);
	totals->events++;
}

/* adds a daily sum of rows that are not there to be added one by one */
void
totals_add_sum(Totals *totals, const Total *sum)
{
	Total	   *total = find_total(totals, &sum->key);

	total->amount += sum->amount;
	total->events += sum->events;
	total->tokens += sum->tokens;
}

/* the same of a model */
void
totals_add_model_sum(Totals *totals, const ModelTotal *sum)
{
	ModelTotal *total = find_model(totals, &sum->key);

	total->amount += sum->amount;
	total->events += sum->events;
	total->tokens += sum->tokens;
	total->first_at = Min(total->first_at, sum->first_at);
	total->last_at = Max(total->last_at, sum->last_at);
}

/*
 * The keys of names, those that got a number by it.  Looked up once, for a name may
 * get its number at any moment and would then be two accounts.
 */
int64 *
totals_name_keys(const Totals *totals)
{
	int64	   *keys = palloc_extended((totals->nnames + 1) * sizeof(int64), MCXT_ALLOC_HUGE);

	for (int i = 0; i < totals->nnames; i++)
	{
		const NamedAccount *name = &totals->names[i];
		int64		number;

		CHECK_FOR_INTERRUPTS();
		number = account_look_up(name->kind, (Id) {name->text, strlen(name->text)}).number;
		keys[i] = number == ACCOUNT_SELF ? NAME_KEY(i) : number;
	}
	return keys;
}

/* LineVisitor: adds each row */
static bool
add_row(const LineRow *row, void *totals)
{
	totals_add((Totals *) totals, row);
	return true;
}

/*
 * Adds all that is recorded and not yet folded, as the active snapshot sees it.
 * Returns which transaction wrote the totals that it goes with.
 */
TransactionId
totals_add_tail(Totals *totals)
{
	return line_read_tail(totals->only, add_row, totals);
}
