/*
 * memo.c
 *		A map from bytes to a small value, bounded in memory.
 *
 * Two halves: new entries go to the young one; when it is full it becomes the
 * old one and the old one's memory goes at once.  What is found in the old half
 * moves to the young one, so what is used often stays.  A value found stays
 * where it is until the next memo_put(), memo_find() or memo_forget().
 *
 * An entry is one piece of memory: the value's size, the key's length, the key,
 * and the value at the next aligned address.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "memo.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(cache_state);

/* points to the key's length, which the key follows */
typedef const char *MemoKey;

typedef struct MemoSlot
{
	MemoKey		key;
	uint32		hash;
	char		status;
} MemoSlot;

static inline uint32
key_len(MemoKey key)
{
	uint32		len;

	memcpy(&len, key, sizeof(len));
	return len;
}

#define SH_PREFIX memo_half
#define SH_ELEMENT_TYPE MemoSlot
#define SH_KEY_TYPE MemoKey
#define SH_KEY key
#define SH_HASH_KEY(table, key) \
	hash_bytes((const unsigned char *) (key) + sizeof(uint32), (int) key_len(key))
#define SH_EQUAL(table, a, b) \
	(key_len(a) == key_len(b) && memcmp((a), (b), sizeof(uint32) + key_len(a)) == 0)
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
	char	   *free;			/* room for entries, MAXALIGNed */
	char	   *end;
	Size		block;			/* how much is taken at once */
} Half;

struct Memo
{
	const char *name;
	int			parts;			/* as many halves would take all the cache */
	Half		young;
	Half		old;
};

#define BLOCK_SIZE	((Size) 32 * 1024)	/* at most */

int			memo_cache_size = 64 * 1024;
CacheUse	memo_use;

/* one of so many equal parts of the cache, in bytes */
Size
memo_part(int parts)
{
	return (Size) memo_cache_size * 1024 / parts;
}

Memo *
memo_create(const char *name, int parts)
{
	Memo	   *memo = MemoryContextAllocZero(TopMemoryContext, sizeof(Memo));

	memo->name = name;
	memo->parts = parts;
	return memo;
}

static void
drop_half(Half *half)
{
	if (half->context)
		MemoryContextDelete(half->context);
	memset(half, 0, sizeof(Half));
}

void
memo_forget(Memo *memo)
{
	drop_half(&memo->young);
	drop_half(&memo->old);
}

static bool
young_is_full(const Memo *memo)
{
	return MemoryContextMemAllocated(memo->young.context, true) > memo_part(memo->parts);
}

/* room for a new entry: turns the halves over when the young one is full */
static void
make_room(Memo *memo)
{
	if (memo->young.context && young_is_full(memo))
	{
		memo_use.drops += memo->old.context != NULL;
		drop_half(&memo->old);
		memo->old = memo->young;
		memset(&memo->young, 0, sizeof(Half));
	}
	if (memo->young.context == NULL)
	{
		MemoryContext context = AllocSetContextCreate(CacheMemoryContext, "rewards memo",
													  ALLOCSET_SMALL_SIZES);

		MemoryContextSetIdentifier(context, memo->name);
		memo->young.block = Min(BLOCK_SIZE, memo_part(memo->parts) / 4);
		memo->young.entries = memo_half_create(context, 64, NULL);
		memo->young.context = context;
	}
}

/* memory for an entry, without the overhead of an allocation of its own */
static char *
take_memory(Half *half, Size size)
{
	char	   *taken;

	size = MAXALIGN(size);
	if (size > half->block / 4)
		return MemoryContextAlloc(half->context, size);
	if (half->free == NULL || (Size) (half->end - half->free) < size)
	{
		half->free = MemoryContextAlloc(half->context, half->block);
		half->end = half->free + half->block;
	}
	taken = half->free;
	half->free += size;
	return taken;
}

static inline void *
value_of(MemoKey key)
{
	return unconstify(char *, (const char *) MAXALIGN(key + sizeof(uint32) + key_len(key)));
}

static inline uint32
value_size_of(MemoKey key)
{
	uint32		size;

	memcpy(&size, key - sizeof(uint32), sizeof(size));
	return size;
}

/* the value's place for this key, zeroed; an older value is dropped */
void *
memo_put(Memo *memo, const void *key, uint32 len, uint32 value_size)
{
	MemoSlot   *slot;
	char	   *entry;
	char	   *stored;
	bool		found;

	make_room(memo);

	/* memory first: an entry enters the table only when it is whole */
	entry = take_memory(&memo->young, MAXALIGN(2 * sizeof(uint32) + len) + value_size);
	stored = entry + sizeof(uint32);
	memcpy(entry, &value_size, sizeof(uint32));
	memcpy(stored, &len, sizeof(uint32));
	memcpy(stored + sizeof(uint32), key, len);

	if (memo->old.entries)
		memo_half_delete(memo->old.entries, stored);
	slot = memo_half_insert(memo->young.entries, stored, &found);
	slot->key = stored;
	return memset(value_of(stored), 0, value_size);
}

/* used again: moves an old entry over, unless that would drop the half it is in */
static void *
keep(Memo *memo, MemoKey old)
{
	uint32		size = value_size_of(old);

	if (young_is_full(memo))
		return value_of(old);
	return memcpy(memo_put(memo, old + sizeof(uint32), key_len(old), size), value_of(old), size);
}

static void *
look_up(Memo *memo, const void *key, uint32 len)
{
	char		look[sizeof(uint32) + MEMO_MAX_KEY];
	MemoSlot   *slot;

	Assert(len <= MEMO_MAX_KEY);
	if (memo->young.entries == NULL)
		return NULL;
	memcpy(look, &len, sizeof(uint32));
	memcpy(look + sizeof(uint32), key, len);
	slot = memo_half_lookup(memo->young.entries, look);
	if (slot)
		return value_of(slot->key);
	if (memo->old.entries)
		slot = memo_half_lookup(memo->old.entries, look);
	return slot ? keep(memo, slot->key) : NULL;
}

/* the value of a key, or NULL */
void *
memo_find(Memo *memo, const void *key, uint32 len)
{
	void	   *value = look_up(memo, key, len);

	if (value)
		memo_use.hits++;
	else
		memo_use.misses++;
	return value;
}

/*
 * cache_state() returns (bytes, hits, misses, drops): what this session's caches hold,
 * and how they have served; they are the contexts below CacheMemoryContext that bear
 * our name.
 */
Datum
cache_state(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	int64		bytes = 0;
	Datum		values[4];
	bool		nulls[4] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "cache_state() must return a row");
	for (MemoryContext child = CacheMemoryContext->firstchild; child != NULL; child = child->nextchild)
		if (strncmp(child->name, "rewards ", 8) == 0)
			bytes += MemoryContextMemAllocated(child, true);
	values[0] = Int64GetDatum(bytes);
	values[1] = Int64GetDatum(memo_use.hits);
	values[2] = Int64GetDatum(memo_use.misses);
	values[3] = Int64GetDatum(memo_use.drops);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
