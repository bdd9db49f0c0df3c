/*
 * memo.h
 *		A map from bytes to a small value, bounded in memory.
 */
#ifndef REWARDS_MEMO_H
#define REWARDS_MEMO_H

typedef struct Memo Memo;

#define MEMO_MAX_KEY 512

/*
 * rewards.cache_size, in kilobytes, and which part of it is for one half of
 * what: twice 1/5, 1/9, 1/32, 1/16, 1/16 and 1/32 make less than the whole.
 */
extern int	memo_cache_size;

/* how this session's caches have served since it began */
typedef struct CacheUse
{
	int64		hits;
	int64		misses;
	int64		drops;			/* older halves given up for want of room */
} CacheUse;

extern CacheUse memo_use;

#define PART_OF_NAMES 5
#define PART_OF_FOREST 9
#define PART_OF_MODELS 32
#define PART_OF_SCORES 16
#define PART_OF_STANDINGS 16
#define PART_OF_STATUSES 32

extern Size memo_part(int parts);
extern Memo *memo_create(const char *name, int parts);
extern void *memo_find(Memo *memo, const void *key, uint32 len);
extern void *memo_put(Memo *memo, const void *key, uint32 len, uint32 value_size);
extern void memo_forget(Memo *memo);

#endif							/* REWARDS_MEMO_H */
