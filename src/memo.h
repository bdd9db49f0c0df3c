/*
 * memo.h
 *		A map from bytes to a small value, bounded in memory.
 */
#ifndef REWARDS_MEMO_H
#define REWARDS_MEMO_H

typedef struct Memo Memo;

#define MEMO_MAX_KEY 512

/* rewards.cache_size, in kilobytes; each of the memos takes at most half */
extern int	memo_cache_size;

extern Memo *memo_create(const char *name);
extern void *memo_find(Memo *memo, const void *key, uint32 len);
extern void *memo_put(Memo *memo, const void *key, uint32 len, uint32 value_size);
extern void memo_forget(Memo *memo);
extern Size memo_room(void);

#endif							/* REWARDS_MEMO_H */
