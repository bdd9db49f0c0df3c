/*
 * memo.c
 *		A map from bytes to a small value, bounded in memory.
 *
 * Two halves: new entries go to the young one; when it is full it becomes the
 * old one and the old one's memory goes at once.  What is found in the old half
 * moves to the young one, so what is used often stays.  A value found stays
 * where it is until the next memo_put() or memo_forget().
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "memo.h"
#include "utils/memutils.h"

typedef struct MemoKey
{
	const char *bytes;
	uint32		len;
} MemoKey;

typedef struct MemoSlot
{
	MemoKey		key;
	void	   *value;
	Size		value_size;
	uint32		hash;
	char		status;
} MemoSlot;

#define SH_PREFIX memo_half
#define SH_ELEMENT_TYPE MemoSlot
#define SH_KEY_TYPE MemoKey
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key).bytes, (key).len)
#define SH_EQUAL(table, a, b) ((a).len == (b).len && memcmp((a).bytes, (b).bytes, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, slot) (slot)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct Half
{
	MemoryContext context;		/* NULL while the half is not in use */
	memo_half_hash *entries;
} Half;

struct Memo
{
	const char *name;
	Half		young;
	Half		old;
};

int			memo_cache_size = 32 * 1024;

Memo *
memo_create(const char *name)
{
	Memo	   *memo = MemoryContextAllocZero(TopMemoryContext, sizeof(Memo));

	memo->name = name;
	return memo;
}

static void
drop_half(Half *half)
{
	if (half->context)
		MemoryContextDelete(half->context);
	half->context = NULL;
	half->entries = NULL;
}

void
memo_forget(Memo *memo)
{
	drop_half(&memo->young);
	drop_half(&memo->old);
}

/* room for a new entry: turns the halves over when the young one is full */
static void
make_room(Memo *memo)
{
	Size		limit = (Size) memo_cache_size * 1024 / 4;

	if (memo->young.context
		&& MemoryContextMemAllocated(memo->young.context, true) > limit)
	{
		drop_half(&memo->old);
		memo->old = memo->young;
		memo->young = (Half){NULL, NULL};
	}
	if (memo->young.context == NULL)
	{
		MemoryContext context = AllocSetContextCreate(CacheMemoryContext, "rewards memo",
													  ALLOCSET_DEFAULT_SIZES);

		MemoryContextSetIdentifier(context, memo->name);
		memo->young.entries = memo_half_create(context, 256, NULL);
		memo->young.context = context;
	}
}

/* the value's place for this key, zeroed; an older value is dropped */
void *
memo_put(Memo *memo, const void *key, uint32 len, Size value_size)
{
	MemoSlot   *slot;
	MemoKey		stored;
	char	   *block;
	bool		found;

	make_room(memo);

	/* memory first: an entry enters the table only when it is whole */
	block = MemoryContextAllocZero(memo->young.context, MAXALIGN(value_size) + len);
	memcpy(block + MAXALIGN(value_size), key, len);
	stored.bytes = block + MAXALIGN(value_size);
	stored.len = len;

	if (memo->old.entries)
		memo_half_delete(memo->old.entries, stored);
	slot = memo_half_insert(memo->young.entries, stored, &found);
	slot->key = stored;
	slot->value = block;
	slot->value_size = value_size;
	return slot->value;
}

/* the value of a key, or NULL */
void *
memo_find(Memo *memo, const void *key, uint32 len)
{
	MemoKey		look = {(const char *) key, len};
	MemoSlot   *slot;
	void	   *value;

	if (memo->young.entries
		&& (slot = memo_half_lookup(memo->young.entries, look)) != NULL)
		return slot->value;
	if (memo->old.entries == NULL
		|| (slot = memo_half_lookup(memo->old.entries, look)) == NULL)
		return NULL;

	/* used again: move it over, unless that would drop the half it lies in */
	if (MemoryContextMemAllocated(memo->young.context, true) > (Size) memo_cache_size * 1024 / 4)
		return slot->value;
	value = palloc(slot->value_size);
	memcpy(value, slot->value, slot->value_size);
	return memcpy(memo_put(memo, key, len, slot->value_size), value, slot->value_size);
}
