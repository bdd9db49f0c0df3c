/*
 * audience.c
 *		Whom posting has something to tell: creators of each user that is new to their
 *		model, and of what they have earned; users that their credits come to an end.
 *
 * Of models only use that earned the owner something counts.  rewards.model_user
 * keeps each pair once.
 */
#include "postgres.h"

#include "audience.h"
#include "batch.h"
#include "byte_hash.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* a model and a user of it, by key */
typedef struct PairKey
{
	int64		user;
	char		model[MAX_ID_BYTES + 1];
} PairKey;

typedef struct Pair
{
	PairKey		key;
	int64		owner;
	TimestampTz first_at;
} Pair;

/* a set of accounts, by key */
typedef struct Member
{
	int64		account;
} Member;

struct Audience
{
	HTAB	   *pairs;
	HTAB	   *owners;			/* who earned something */
	HTAB	   *payers;			/* whose usage cost something */
};

Audience *
audience_create(void)
{
	Audience   *audience = palloc(sizeof(Audience));

	audience->pairs = byte_hash(CurrentMemoryContext, "users of models", sizeof(PairKey), sizeof(Pair));
	audience->owners = byte_hash(CurrentMemoryContext, "creators", sizeof(int64), sizeof(Member));
	audience->payers = byte_hash(CurrentMemoryContext, "payers", sizeof(int64), sizeof(Member));
	return audience;
}

static void
add_pair(Audience *audience, const LineRow *row, int64 user, int64 owner)
{
	PairKey		key = {0};
	Pair	   *pair;
	bool		found;

	key.user = user;
	memcpy(key.model, row->model.text, Min(row->model.len, MAX_ID_BYTES));
	pair = hash_search(audience->pairs, &key, HASH_ENTER, &found);
	if (found && pair->first_at <= row->created_at)
		return;
	pair->owner = owner;
	pair->first_at = row->created_at;
}

/* adds a row; user: the key of its user; earned: whether it may bring creators something */
void
audience_add(Audience *audience, const LineRow *row, int64 user, bool earned)
{
	const Share *shares;
	int			count;

	if (row->cost > 0 && user != 0)
		hash_search(audience->payers, &user, HASH_ENTER, NULL);
	if (!earned || row->model.text == NULL)
		return;
	shares = line_shares(row, &count);
	for (int i = 0; i < count; i++)
		if (shares[i].entry == ENTRY_CREATOR || row->unit == UNIT_EARNINGS)
		{
			if (row->unit == UNIT_OF_USAGE)
				add_pair(audience, row, user, shares[i].account);
			hash_search(audience->owners, &shares[i].account, HASH_ENTER, NULL);
		}
}

static void
write_pairs(Audience *audience, const int64 *numbers)
{
	static const Oid types[] = {TEXTOID, INT8OID, INT8OID, TIMESTAMPTZOID};
	Batch		batch = batch_create(lengthof(types), types, hash_get_num_entries(audience->pairs));
	HASH_SEQ_STATUS scan;
	Pair	   *pair;

	hash_seq_init(&scan, audience->pairs);
	while ((pair = hash_seq_search(&scan)) != NULL)
	{
		int			i = batch.count++;

		batch.columns[0][i] = CStringGetTextDatum(pair->key.model);
		batch.columns[1][i] = Int64GetDatum(number_of_key(pair->key.user, numbers));
		batch.columns[2][i] = Int64GetDatum(pair->owner);
		batch.columns[3][i] = TimestampTzGetDatum(pair->first_at);
	}
	batch_execute(&batch, "select rewards.note_model_users($1, $2, $3, $4)");
}

/* hands a set of accounts to a statement */
static void
write_members(HTAB *members, const int64 *numbers, const char *statement)
{
	static const Oid types[] = {INT8OID};
	Batch		batch = batch_create(lengthof(types), types, hash_get_num_entries(members));
	HASH_SEQ_STATUS scan;
	Member	   *member;

	hash_seq_init(&scan, members);
	while ((member = hash_seq_search(&scan)) != NULL)
		batch.columns[0][batch.count++] = Int64GetDatum(number_of_key(member->account, numbers));
	batch_execute(&batch, statement);
}

/* writes what is new; when the totals are written, inside SPI, by who holds the cursor */
void
audience_write(Audience *audience, const int64 *numbers)
{
	write_pairs(audience, numbers);
	write_members(audience->owners, numbers, "select rewards.note_earnings($1)");
	write_members(audience->payers, numbers, "select rewards.note_low_credits($1)");
}
