/*
 * seal.h
 *		Seals: what posting has folded, proved by a chain of hashes.
 */
#ifndef REWARDS_SEAL_H
#define REWARDS_SEAL_H

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "cursor.h"
#include "lib/stringinfo.h"
#include "stream.h"
#include "utils/timestamp.h"

/* what has chains of its own */
typedef struct Source
{
	const char *name;
	StreamQuery rows;			/* all columns, the number first; of usage none */
} Source;

extern Source seal_sources[];

#define SOURCE_USAGE (&seal_sources[0])
#define SOURCE_JOURNAL (&seal_sources[1])

typedef struct Seal
{
	Source	   *source;
	int64		partition;		/* its first number; 0: the default one, the journal */
	int64		number;			/* in the chain, from 1 */
	Stretch    *numbers;		/* ascending, not touching */
	int			count;
	int64		rows;
	StringInfoData marks;
	TimestampTz sealed_at;
	uint8		hash[PG_SHA256_DIGEST_LENGTH];
} Seal;

/* of many rows */
typedef struct Digest
{
	pg_cryptohash_ctx *hash;
	StringInfoData form;		/* of rows that the hash has not met */
	StringInfoData marks;
	int64		rows;
	int64		number;			/* of the last one */
} Digest;

extern void digest_rows(const Seal *seal, Digest *digest, uint8 *rows_hash);
extern void seal_hash(const Seal *seal, const uint8 *previous, const uint8 *rows_hash, uint8 *result);
extern bool hash_of_datum(Datum value, uint8 *hash);
extern void seal_decided(const Cursor *before, int64 upto, const OpenStretch *open, int nopen);

#endif							/* REWARDS_SEAL_H */
