/*
 * int64_hash.h
 *		A template of hash tables by an int64, made of lib/simplehash.h: define
 *		SH_PREFIX, SH_ELEMENT_TYPE and SH_KEY before each inclusion.
 */
#include "common/hashfn.h"

#define SH_KEY_TYPE int64
#define SH_HASH_KEY(table, key) murmurhash32((uint32) (key) ^ (uint32) ((uint64) (key) >> 32))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"
