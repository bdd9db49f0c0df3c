/*
 * ranking.c
 *		Top, rank and neighbours on a leaderboard, exact under the caller's
 *		snapshot whether posting ran or not.
 *
 * Folded scores are read in order, sheet by sheet, and counted by buckets.  Accounts
 * with points in rows not folded yet, the contenders, may stand elsewhere than
 * their folded score says: walks and counts leave them out, and they are put in
 * where they belong.
 *
 * The order of a board: more points first, equal points by account id.  Ranks
 * leave gaps after ties.  Nothing above zero, no place.  Nor has who is banned:
 * such an account is a contender that stands at zero, whatever it has.
 */
#include "postgres.h"

#include "access/xact.h"
#include "accounts.h"
#include "fmgr.h"
#include "funcapi.h"
#include "memo.h"
#include "miscadmin.h"
#include "ranking.h"
#include "score.h"
#include "standing.h"
#include "totals.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

/* an account's place on a board */
typedef struct Place
{
	int64		account;		/* 0: not registered */
	AccountKind kind;			/* of a contender */
	char	   *name;
	AmountSum	points;
	AmountSum	folded;			/* of these, what buckets and index know */
} Place;

/* an account that the tail adds something to, or that is banned */
typedef struct Contender
{
	int64		account;		/* number, or key of a name */
	int			kind;
	AmountSum	delta;
	bool		banned;
	char		status;			/* of its place in the table */
} Contender;

#define SH_PREFIX contenders
#define SH_ELEMENT_TYPE Contender
#define SH_KEY account
#include "int64_hash.h"

typedef struct Ranking
{
	Board		board;
	DateADT		month;			/* ALL_TIME, or the first of a month */
	bool		remembering;	/* folded scores and buckets, while nobody posts */
	KeyedTable	scores;
	bool		scores_open;
	contenders_hash *contenders;	/* by account */
	Place	   *places;			/* of the contenders */
	int			nplaces;
	int			allocated;
} Ranking;

/* a list of places being made */
typedef struct PlaceList
{
	Place	   *places;
	int			count;
} PlaceList;

/* ---- contenders ---- */

/* good until the next call */
static Contender *
find_contender(Ranking *ranking, int64 account)
{
	bool		found;
	Contender  *contender = contenders_insert(ranking->contenders, account, &found);

	if (!found)
	{
		contender->kind = KIND_UNKNOWN;
		contender->delta = 0;
		contender->banned = false;
	}
	return contender;
}

static void
add_delta(Ranking *ranking, int64 account, const Total *line)
{
	Contender  *contender = find_contender(ranking, account);

	if (line->kind != KIND_UNKNOWN)
		contender->kind = line->kind;
	contender->delta += line->amount;
}

/* what the tail adds to each account */
static void
collect_deltas(Ranking *ranking, Totals *totals)
{
	int64	   *keys;
	HASH_SEQ_STATUS scan;
	Total	   *line;

	if (hash_get_num_entries(totals->totals) == 0)
		return;
	keys = totals_name_keys(totals);
	hash_seq_init(&scan, totals->totals);
	while ((line = hash_seq_search(&scan)) != NULL)
	{
		int64		account = line->key.account;

		if (line->amount == 0)
			continue;
		add_delta(ranking, account < 0 ? keys[NAME_PLACE(account)] : account, line);
	}
	pfree(keys);
}

static void
add_banned(int64 account, void *context)
{
	find_contender((Ranking *) context, account)->banned = true;
}

/*
 * What is remembered of an account's folded score, until somebody posts: a
 * session that asks for ranks all the time meets the same contenders again.
 */
typedef struct FoldedScore
{
	AmountSum	points;
	AccountKind kind;
	char		name[FLEXIBLE_ARRAY_MEMBER];
} FoldedScore;

typedef struct FoldedKey
{
	int64		account;
	int32		board;
	DateADT		month;
} FoldedKey;

static Memo *folded = NULL;

void
ranking_init(void)
{
	folded = memo_create("scores", PART_OF_SCORES);
}

/*
 * All totals are written together with the cursor.  So what is remembered holds
 * as long as the same transaction wrote the cursor's row that the snapshot sees.
 * Not while this is the own one: it may write again, or roll back.
 */
static bool
begin_remembering(TransactionId written_by)
{
	static TransactionId remembered = InvalidTransactionId;

	if (TransactionIdIsCurrentTransactionId(written_by))
		return false;
	if (!TransactionIdEquals(remembered, written_by))
		memo_forget(folded);
	remembered = written_by;
	return true;
}

/*
 * The folded score of an account, zero without one.  Its name, NULL if it is not known,
 * is a copy; it stays NULL when there is no such account.
 */
static Place
read_folded(Ranking *ranking, int64 account, int kind, const char *name)
{
	Place		place = {.account = account, .kind = (AccountKind) kind, .name = name ? pstrdup(name) : NULL};
	Score		score;

	/* mostly all that is asked for is remembered */
	if (!ranking->scores_open)
		scores_open(&ranking->scores, false);
	ranking->scores_open = true;
	if (score_find(&ranking->scores, ranking->board, ranking->month, account, &score))
	{
		place.folded = score.points;
		if (name == NULL)
			place.name = pnstrdup(score.name.text, score.name.len);
	}
	if (kind == KIND_UNKNOWN || place.name == NULL)
		place.name = account_name(account, &place.kind);
	return place;
}

static Place
find_folded(Ranking *ranking, int64 account, int kind, const char *name)
{
	FoldedKey	key = {account, ranking->board, ranking->month};
	FoldedScore *known = ranking->remembering ? memo_find(folded, &key, sizeof(key)) : NULL;
	Place		place;
	Size		name_size;

	if (known)
		return (Place){
			.account = account, .kind = known->kind, .folded = known->points,
			.name = pstrdup(known->name)
		};
	place = read_folded(ranking, account, kind, name);
	if (ranking->remembering && place.name)
	{
		name_size = strlen(place.name) + 1;
		known = memo_put(folded, &key, sizeof(key), offsetof(FoldedScore, name) + name_size);
		known->points = place.folded;
		known->kind = place.kind;
		memcpy(known->name, place.name, name_size);
	}
	return place;
}

static void
add_place(Ranking *ranking, Place place)
{
	if (ranking->nplaces == ranking->allocated)
	{
		ranking->allocated *= 2;
		ranking->places = repalloc_huge(ranking->places, ranking->allocated * sizeof(Place));
	}
	ranking->places[ranking->nplaces++] = place;
}

/* the place of a contender by its folded score and what the tail adds */
static void
place_contender(Ranking *ranking, const Totals *totals, const Contender *contender)
{
	Place		place = {.kind = (AccountKind) contender->kind};

	if (contender->account < 0)
		place.name = pstrdup(totals->names[NAME_PLACE(contender->account)].text);
	else
		place = find_folded(ranking, contender->account, contender->kind, NULL);
	if (place.name == NULL)
	{
		if (contender->banned)
			return;				/* on a node a status may arrive before its account */
		account_missing(contender->account);
	}
	place.points = contender->banned ? 0 : place.folded + contender->delta;
	if (ranking->board == BOARD_REFERRER || place.kind == board_kind(ranking->board))
		add_place(ranking, place);
}

static void
place_contenders(Ranking *ranking, const Totals *totals)
{
	contenders_iterator scan;
	Contender  *contender;

	contenders_start_iterate(ranking->contenders, &scan);
	while ((contender = contenders_iterate(ranking->contenders, &scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		place_contender(ranking, totals, contender);
	}
}

/* reads the tail for a board */
static Ranking *
ranking_create(Board board, DateADT month)
{
	Ranking    *ranking = palloc0(sizeof(Ranking));
	Totals	   *totals = totals_create(GRAIN_MONTH, false);

	ranking->board = board;
	ranking->month = month;
	ranking->allocated = 64;
	ranking->places = palloc(ranking->allocated * sizeof(Place));
	ranking->contenders = contenders_create(CurrentMemoryContext, 64, NULL);
	totals_only_board(totals, board, month);
	ranking->remembering = begin_remembering(totals_add_tail(totals));
	collect_deltas(ranking, totals);
	standing_each_banned(add_banned, ranking);
	place_contenders(ranking, totals);
	return ranking;
}

static bool
is_contender(const Ranking *ranking, int64 account)
{
	return contenders_lookup(ranking->contenders, account) != NULL;
}

/* ---- counting ---- */

/* all buckets of a board, the highest first */
typedef struct Buckets
{
	int64		accounts;		/* in all of them */
	int			count;
	struct
	{
		AmountSum	lowest;
		int64		above;		/* accounts in the buckets before */
	}			bucket[FLEXIBLE_ARRAY_MEMBER];
} Buckets;

typedef struct BucketsKey
{
	int32		board;
	DateADT		month;
} BucketsKey;

#define BUCKETS_SIZE(count)	(offsetof(Buckets, bucket) + (count) * sizeof(((Buckets *) NULL)->bucket[0]))

static Buckets *
read_buckets(const Ranking *ranking)
{
	int			allocated = 64;
	Buckets    *buckets = palloc0(BUCKETS_SIZE(allocated));
	Bucket		bucket;
	BucketWalk	walk;

	bucket_walk(&walk, ranking->board, ranking->month, BackwardScanDirection);
	while (bucket_next(&walk, &bucket))
	{
		CHECK_FOR_INTERRUPTS();
		if (buckets->count == allocated)
			buckets = repalloc_huge(buckets, BUCKETS_SIZE((Size) (allocated *= 2)));
		buckets->bucket[buckets->count].lowest = bucket.lowest;
		buckets->bucket[buckets->count++].above = buckets->accounts;
		buckets->accounts += bucket.accounts;
	}
	bucket_walk_end(&walk);
	return buckets;
}

/* they are as many as the accounts of one: remembered as long as folded scores are, and until another is */
static const Buckets *
find_buckets(const Ranking *ranking)
{
	BucketsKey	key = {ranking->board, ranking->month};
	Buckets    *known = ranking->remembering ? memo_find(folded, &key, sizeof(key)) : NULL;
	Buckets    *buckets;

	if (known)
		return known;
	buckets = read_buckets(ranking);
	if (!ranking->remembering || BUCKETS_SIZE((Size) buckets->count) > memo_part(PART_OF_SCORES))
		return buckets;
	known = memo_put(folded, &key, sizeof(key), BUCKETS_SIZE(buckets->count));
	return memcpy(known, buckets, BUCKETS_SIZE(buckets->count));
}

/* the place of the first bucket that begins at these points or below; their number if there is none */
static int
bucket_of(const Buckets *buckets, AmountSum points)
{
	int			low = 0;
	int			high = buckets->count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (buckets->bucket[middle].lowest > points)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * How many accounts have more points than these; in *of, if asked for, how many
 * there are on the board.
 */
static int64
count_above(const Ranking *ranking, AmountSum points, int64 *of)
{
	const Buckets *buckets = find_buckets(ranking);
	int			place = bucket_of(buckets, points);
	int64		all = buckets->accounts;
	int64		above = all;

	if (place < buckets->count)
	{
		AmountSum	upto = place > 0 ? buckets->bucket[place - 1].lowest : 0;

		above = buckets->bucket[place].above;
		/* nobody in a bucket of one value is above anybody else */
		if (buckets->bucket[place].lowest + 1 != upto)
			above += score_count(ranking->board, ranking->month, points, upto);
	}
	for (int i = 0; i < ranking->nplaces; i++)
	{
		const Place *other = &ranking->places[i];

		above += (other->points > points) - (other->folded > points);
		all += (other->points > 0) - (other->folded > 0);
	}
	if (of)
		*of = all;
	return above;
}

/* ---- lists of places ---- */

static int
compare_places(const void *left, const void *right)
{
	const Place *a = left;
	const Place *b = right;
	int			order;

	if (a->points != b->points)
		return a->points > b->points ? -1 : 1;
	order = strcmp(a->name, b->name);
	if (order != 0)
		return order;
	return (a->account > b->account) - (a->account < b->account);
}

/* a list with room for some more than all contenders, which it holds already */
static PlaceList
list_contenders(const Ranking *ranking, int64 room)
{
	PlaceList	list = {0};

	list.places = palloc_extended((ranking->nplaces + room + 1) * sizeof(Place), MCXT_ALLOC_HUGE);
	for (int i = 0; i < ranking->nplaces; i++)
		if (ranking->places[i].points > 0)
			list.places[list.count++] = ranking->places[i];
	return list;
}

/*
 * Adds the next scores beyond a place in a direction, contenders left out, until so many
 * are added; NULL: from the board's end.
 */
static void
take_scores(const Ranking *ranking, PlaceList *list, const Place *place,
			ScanDirection direction, int64 wanted)
{
	ScoreWalk	walk;
	Score		score;
	Score		from;

	if (place)
		from = (Score){place->account, {place->name, strlen(place->name)}, place->points};
	score_walk(&walk, ranking->board, ranking->month, place ? &from : NULL, direction, false);
	while (wanted > 0 && score_next(&walk, &score))
	{
		CHECK_FOR_INTERRUPTS();
		if (is_contender(ranking, score.account))
			continue;
		list->places[list->count++] = (Place){
			.account = score.account, .points = score.points,
			.name = pnstrdup(score.name.text, score.name.len)
		};
		wanted--;
	}
	score_walk_end(&walk);
}

/* returns (rank, kind, account, points) of one */
static void
put_place(FunctionCallInfo fcinfo, const Ranking *ranking, int64 rank, const Place *place)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	AccountKind kind = board_kind(ranking->board);
	Datum		values[4];
	bool		nulls[4] = {0};

	if (ranking->board == BOARD_REFERRER)
		pfree(account_describe(place->account, &kind));
	values[0] = Int64GetDatum(rank);
	values[1] = CStringGetTextDatum(account_kind_name(kind));
	values[2] = CStringGetTextDatum(place->name);
	values[3] = NumericGetDatum(amount_sum_to_numeric(place->points));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * Returns neighbouring places of the board.  The first may have others of its
 * points before it, so the rank of the second value is counted, too; from there
 * on the list itself tells.
 */
static void
put_places(FunctionCallInfo fcinfo, const Ranking *ranking, const Place *places, int64 count)
{
	int64		rank = 0;
	int64		counted = 0;	/* values whose rank was counted */
	int64		counted_at = 0;
	int64		counted_rank = 0;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "rewards place",
												  ALLOCSET_DEFAULT_SIZES);

	for (int64 i = 0; i < count; i++)
	{
		MemoryContext previous;

		CHECK_FOR_INTERRUPTS();
		if (i == 0 || places[i].points != places[i - 1].points)
		{
			if (counted++ < 2)
			{
				counted_at = i;
				counted_rank = 1 + count_above(ranking, places[i].points, NULL);
			}
			rank = counted_rank + (i - counted_at);
		}
		previous = MemoryContextSwitchTo(scratch);
		put_place(fcinfo, ranking, rank, &places[i]);
		MemoryContextSwitchTo(previous);
		MemoryContextReset(scratch);
	}
}

/* ---- the answers ---- */

/*
 * Contenders and lists can be large, so each call has a context of its own to
 * give back at its end, however long the caller's lives.
 */
static MemoryContext
begin_ranking(void)
{
	return MemoryContextSwitchTo(AllocSetContextCreate(CurrentMemoryContext, "rewards ranking",
													   ALLOCSET_DEFAULT_SIZES));
}

static void
end_ranking(Ranking *ranking, MemoryContext caller)
{
	if (ranking->scores_open)
		keyed_close(&ranking->scores);
	MemoryContextDelete(MemoryContextSwitchTo(caller));
}

/* the first n of a board */
void
ranking_top(FunctionCallInfo fcinfo, Board board, DateADT month, int64 n)
{
	MemoryContext caller;
	Ranking    *ranking;
	PlaceList	list;

	InitMaterializedSRF(fcinfo, 0);
	caller = begin_ranking();
	ranking = ranking_create(board, month);
	list = list_contenders(ranking, n);
	take_scores(ranking, &list, NULL, ForwardScanDirection, n);
	qsort(list.places, list.count, sizeof(Place), compare_places);
	put_places(fcinfo, ranking, list.places, Min(n, list.count));
	end_ranking(ranking, caller);
}

/* the place of an account: among the contenders, else by its folded score */
static Place
find_place(Ranking *ranking, AccountKind kind, Id id)
{
	char	   *name = pnstrdup(id.text, id.len);
	Place		place = {.kind = kind, .name = name};

	for (int i = 0; i < ranking->nplaces; i++)
		if (ranking->places[i].kind == kind && strcmp(ranking->places[i].name, name) == 0)
			return ranking->places[i];

	place.account = account_look_up(kind, id).number;
	if (place.account != ACCOUNT_SELF)
		place.points = place.folded = find_folded(ranking, place.account, kind, name).folded;
	return place;
}

/* (rank, points, of): of each function that returns it the same, so made once */
static TupleDesc
rank_row(FunctionCallInfo fcinfo)
{
	static TupleDesc row = NULL;
	TupleDesc	desc;
	MemoryContext previous;

	if (row)
		return row;
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "a rank must be a row");
	previous = MemoryContextSwitchTo(TopMemoryContext);
	row = BlessTupleDesc(CreateTupleDescCopy(desc));
	MemoryContextSwitchTo(previous);
	return row;
}

/* the rank is NULL for who has nothing above zero */
Datum
ranking_rank(FunctionCallInfo fcinfo, Board board, DateADT month, AccountKind kind, Id id)
{
	MemoryContext caller = begin_ranking();
	Ranking    *ranking = ranking_create(board, month);
	Place		place = find_place(ranking, kind, id);
	int64		of;
	int64		above = count_above(ranking, Max(place.points, 0), &of);
	Datum		values[3];
	bool		nulls[3] = {0};

	end_ranking(ranking, caller);
	values[0] = Int64GetDatum(1 + above);
	nulls[0] = place.points <= 0;
	values[1] = NumericGetDatum(amount_sum_to_numeric(place.points));
	values[2] = Int64GetDatum(of);
	return HeapTupleGetDatum(heap_form_tuple(rank_row(fcinfo), values, nulls));
}

/* the account with n neighbours on either side; nothing for who has no rank */
void
ranking_around(FunctionCallInfo fcinfo, Board board, DateADT month, AccountKind kind, Id id, int64 n)
{
	MemoryContext caller;
	Ranking    *ranking;
	PlaceList	list;
	Place		place;
	int64		from = 0;

	InitMaterializedSRF(fcinfo, 0);
	caller = begin_ranking();
	ranking = ranking_create(board, month);
	place = find_place(ranking, kind, id);
	if (place.points > 0)
	{
		list = list_contenders(ranking, 2 * n + 1);
		take_scores(ranking, &list, &place, BackwardScanDirection, n);
		take_scores(ranking, &list, &place, ForwardScanDirection, n);
		if (place.account != ACCOUNT_SELF && !is_contender(ranking, place.account))
			list.places[list.count++] = place;
		qsort(list.places, list.count, sizeof(Place), compare_places);
		while (compare_places(&list.places[from], &place) < 0)
			from++;
		list.count = Min(list.count, from + n + 1);
		from = Max(0, from - n);
		put_places(fcinfo, ranking, list.places + from, list.count - from);
	}
	end_ranking(ranking, caller);
}
