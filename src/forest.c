/*
 * forest.c
 *		Accounts by number and who referred them, as far as remembered.
 *
 * Bounded in memory by two halves, like a memo.  But an entry lies in the table
 * itself: every row walks two chains, and a step shall cost one look into memory
 * that is far away, not two.
 */
#include "postgres.h"

#include "forest.h"
#include "memo.h"
#include "utils/memutils.h"

#define SH_PREFIX forest_half
#define SH_ELEMENT_TYPE ForestEntry
#define SH_KEY account.number
#include "int64_hash.h"

typedef struct Half
{
	MemoryContext context;		/* NULL while the half is not in use */
	forest_half_hash *entries;
} Half;

static Half young;
static Half old;

static void
drop_half(Half *half)
{
	if (half->context)
		MemoryContextDelete(half->context);
	memset(half, 0, sizeof(Half));
}

void
forest_forget(void)
{
	drop_half(&young);
	drop_half(&old);
}

/* whether one entry more would take more memory than there is */
static bool
is_full(const Half *half)
{
	return half->entries->members >= half->entries->grow_threshold
		&& half->entries->size * 2 * sizeof(ForestEntry) > memo_part(PART_OF_FOREST);
}

/* room for a new entry: turns the halves over when the young one is full */
static void
make_room(void)
{
	if (young.context && is_full(&young))
	{
		memo_use.drops += old.context != NULL;
		drop_half(&old);
		old = young;
		memset(&young, 0, sizeof(Half));
	}
	if (young.context == NULL)
	{
		MemoryContext context = AllocSetContextCreate(CacheMemoryContext, "rewards forest",
													  ALLOCSET_SMALL_SIZES);

		young.entries = forest_half_create(context, 64, NULL);
		young.context = context;
	}
}

void
forest_put(const Account *account, uint64 asked)
{
	ForestEntry *entry;
	bool		found;

	make_room();
	entry = forest_half_insert(young.entries, account->number, &found);
	entry->account = *account;
	entry->asked = asked;
}

static const ForestEntry *
look_up(int64 number)
{
	const ForestEntry *entry;
	ForestEntry kept;

	if (young.context == NULL)
		return NULL;
	entry = forest_half_lookup(young.entries, number);
	if (entry || old.context == NULL)
		return entry;
	entry = forest_half_lookup(old.entries, number);
	if (entry == NULL || is_full(&young))
		return entry;			/* moving it over would drop the half it is in */
	kept = *entry;
	forest_put(&kept.account, kept.asked);
	return forest_half_lookup(young.entries, number);
}

/* good until the next forest_put(), forest_find() or forest_forget() */
const ForestEntry *
forest_find(int64 number)
{
	const ForestEntry *entry = look_up(number);

	if (entry)
		memo_use.hits++;
	else
		memo_use.misses++;
	return entry;
}
