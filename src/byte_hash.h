/*
 * byte_hash.h
 *		Hash tables whose keys are compared as bytes: structs without holes.
 */
#ifndef REWARDS_BYTE_HASH_H
#define REWARDS_BYTE_HASH_H

#include "utils/hsearch.h"

/* one in a memory context, which it goes with */
static inline HTAB *
byte_hash(MemoryContext context, const char *name, Size key_size, Size entry_size)
{
	HASHCTL		control = {.keysize = key_size, .entrysize = entry_size, .hcxt = context};

	return hash_create(name, 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

#endif							/* REWARDS_BYTE_HASH_H */
