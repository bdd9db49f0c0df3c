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
#include "byte_hash.h"
#include "fmgr.h"
#include "funcapi.h"
#include "memo.h"
#include "miscadmin.h"
#include "ranking.h"
#include "score.h"
#include "stream.h"
#include "totals.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(board_top);
PG_FUNCTION_INFO_V1(board_rank);
PG_FUNCTION_INFO_V1(board_around);

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
} Contender;

typedef struct Ranking
{
	Board		board;
	DateADT		month;			/* ALL_TIME, or the first of a month */
	bool		remembering;	/* folded scores, while nobody posts */
	HTAB	   *contenders;		/* Contender, by account */
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

static Contender *
find_contender(Ranking *ranking, int64 account)
{
	bool		found;
	Contender  *contender = hash_search(ranking->contenders, &account, HASH_ENTER, &found);

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

/*
 * Whether a line of the tail counts on the board; of an account of unknown
 * kind, whether it may.
 */
static bool
line_counts(const Ranking *ranking, const Total *line)
{
	AccountKind kind = line->kind == KIND_UNKNOWN ? board_kind(ranking->board)
		: (AccountKind) line->kind;

	return (ranking->month == ALL_TIME || ranking->month == line->key.period)
		&& board_counts(ranking->board, kind, line->key.unit, line->key.entry);
}

/* what the tail adds to each account */
static void
collect_deltas(Ranking *ranking, Totals *totals)
{
	int64	   *keys = totals_name_keys(totals);
	HASH_SEQ_STATUS scan;
	Total	   *line;

	hash_seq_init(&scan, totals->totals);
	while ((line = hash_seq_search(&scan)) != NULL)
	{
		int64		account = line->key.account;

		if (line->amount == 0 || !line_counts(ranking, line))
			continue;
		add_delta(ranking, account < 0 ? keys[NAME_PLACE(account)] : account, line);
	}
	pfree(keys);
}

static StreamQuery banned_query = {
	.text = "select s.account from rewards.present_statuses s where s.status = 'banned'"
};

/* RowVisitor */
static bool
add_banned(TupleTableSlot *slot, void *context)
{
	find_contender((Ranking *) context, DatumGetInt64(slot->tts_values[0]))->banned = true;
	return true;
}

static void
collect_banned(Ranking *ranking)
{
	if (catalog_is_empty(TABLE_ACCOUNT_STATUS))
		return;
	SPI_connect();
	stream_rows(&banned_query, NULL, NULL, add_banned, ranking);
	SPI_finish();
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

/* the folded score of an account, zero without one; its name is a copy */
static Place
read_folded(const Ranking *ranking, KeyedTable *scores, int64 account, int kind)
{
	Place		place = {.account = account, .kind = (AccountKind) kind};
	Score		score;

	if (score_find(scores, ranking->board, ranking->month, account, &score))
	{
		place.folded = score.points;
		place.name = pnstrdup(score.name.text, score.name.len);
	}
	if (kind == KIND_UNKNOWN || place.name == NULL)
		place.name = account_describe(account, &place.kind);
	return place;
}

static Place
find_folded(const Ranking *ranking, KeyedTable *scores, int64 account, int kind)
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
	place = read_folded(ranking, scores, account, kind);
	if (ranking->remembering)
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
place_contender(Ranking *ranking, const Totals *totals, KeyedTable *scores,
				const Contender *contender)
{
	Place		place = {.kind = (AccountKind) contender->kind};

	if (contender->account < 0)
		place.name = pstrdup(totals->names[NAME_PLACE(contender->account)].text);
	else
		place = find_folded(ranking, scores, contender->account, contender->kind);
	place.points = contender->banned ? 0 : place.folded + contender->delta;
	if (ranking->board == BOARD_REFERRER || place.kind == board_kind(ranking->board))
		add_place(ranking, place);
}

static void
place_contenders(Ranking *ranking, const Totals *totals)
{
	KeyedTable	scores;
	HASH_SEQ_STATUS scan;
	Contender  *contender;

	if (hash_get_num_entries(ranking->contenders) == 0)
		return;
	scores_open(&scores, false);
	hash_seq_init(&scan, ranking->contenders);
	while ((contender = hash_seq_search(&scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		place_contender(ranking, totals, &scores, contender);
	}
	keyed_close(&scores);
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
	ranking->contenders = byte_hash(CurrentMemoryContext, "contenders", sizeof(int64), sizeof(Contender));
	ranking->remembering = begin_remembering(line_read_tail(totals_visit, totals));
	collect_deltas(ranking, totals);
	collect_banned(ranking);
	place_contenders(ranking, totals);
	return ranking;
}

static bool
is_contender(const Ranking *ranking, int64 account)
{
	return hash_search(ranking->contenders, &account, HASH_FIND, NULL) != NULL;
}

/* ---- counting ---- */

/*
 * How many accounts have more points than these; in *of, if asked for, how many
 * there are on the board.
 */
static int64
count_above(const Ranking *ranking, AmountSum points, int64 *of)
{
	int64		above = 0;
	int64		all = 0;
	AmountSum	upto = 0;
	bool		found = false;
	Bucket		bucket;
	BucketWalk	walk;

	bucket_walk(&walk, ranking->board, ranking->month, BackwardScanDirection);
	while ((!found || of) && bucket_next(&walk, &bucket))
	{
		all += bucket.accounts;
		if (found)
			continue;
		if (bucket.lowest > points)
		{
			above = all;
			upto = bucket.lowest;
			continue;
		}
		found = true;
		if (bucket.lowest + 1 != upto)
			above += score_count(ranking->board, ranking->month, points, upto);
	}
	bucket_walk_end(&walk);

	for (int i = 0; i < ranking->nplaces; i++)
	{
		const Place *place = &ranking->places[i];

		above += (place->points > points) - (place->folded > points);
		all += (place->points > 0) - (place->folded > 0);
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
	score_walk(&walk, ranking->board, ranking->month, place ? &from : NULL, direction);
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

/* ---- the functions ---- */

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
end_ranking(MemoryContext caller)
{
	MemoryContextDelete(MemoryContextSwitchTo(caller));
}

#define MONTH_ARGUMENT	1		/* NULL is all time */
#define MOST_PLACES		1000000 /* that one call lists */

/*
 * The board and month that a function was asked for.  What users give is checked in
 * SQL, with words for them; this keeps away from memory what else comes.
 */
static Ranking *
ranking_of_arguments(FunctionCallInfo fcinfo)
{
	int			board = PG_GETARG_INT16(0);

	for (int i = 0; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i) && i != MONTH_ARGUMENT)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d must not be null", i + 1)));
	if (board < BOARD_FIRST || board > BOARD_LAST)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no board number %d", board)));
	return ranking_create((Board) board,
						  PG_ARGISNULL(MONTH_ARGUMENT) ? ALL_TIME : PG_GETARG_DATEADT(MONTH_ARGUMENT));
}

static int64
places_argument(FunctionCallInfo fcinfo, int argument)
{
	int			n = PG_GETARG_INT32(argument);

	if (n < 0 || n > MOST_PLACES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n must be between 0 and %d", MOST_PLACES)));
	return n;
}

/*
 * board_top(board, month, n) returns setof (rank, kind, account, points): the
 * first n of a board; month NULL is all time.
 */
Datum
board_top(PG_FUNCTION_ARGS)
{
	int64		n = places_argument(fcinfo, 2);
	MemoryContext caller;
	Ranking    *ranking;
	PlaceList	list;

	InitMaterializedSRF(fcinfo, 0);
	caller = begin_ranking();
	ranking = ranking_of_arguments(fcinfo);
	list = list_contenders(ranking, n);
	take_scores(ranking, &list, NULL, ForwardScanDirection, n);
	qsort(list.places, list.count, sizeof(Place), compare_places);
	put_places(fcinfo, ranking, list.places, Min(n, list.count));
	end_ranking(caller);
	return (Datum) 0;
}

/* the place of an account: among the contenders, else by its folded score */
static Place
find_place(const Ranking *ranking, AccountKind kind, char *name)
{
	Place		place = {.kind = kind, .name = name};
	Score		score;
	KeyedTable	scores;

	for (int i = 0; i < ranking->nplaces; i++)
		if (ranking->places[i].kind == kind && strcmp(ranking->places[i].name, name) == 0)
			return ranking->places[i];

	place.account = account_look_up(kind, (Id){name, strlen(name)}).number;
	if (place.account == ACCOUNT_SELF)
		return place;
	scores_open(&scores, false);
	if (score_find(&scores, ranking->board, ranking->month, place.account, &score))
		place.points = place.folded = score.points;
	keyed_close(&scores);
	return place;
}

static Place
place_argument(FunctionCallInfo fcinfo, const Ranking *ranking)
{
	return find_place(ranking, account_kind_of(PG_GETARG_DATUM(2)),
					  text_to_cstring(PG_GETARG_TEXT_PP(3)));
}

/*
 * board_rank(board, month, kind, account) returns (rank, points, of); the rank
 * is NULL for who has nothing above zero.
 */
Datum
board_rank(PG_FUNCTION_ARGS)
{
	MemoryContext caller;
	Ranking    *ranking;
	Place		place;
	TupleDesc	desc;
	int64		above;
	int64		of;
	Datum		values[3];
	bool		nulls[3] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "board_rank() must return a row");
	desc = BlessTupleDesc(desc);
	caller = begin_ranking();
	ranking = ranking_of_arguments(fcinfo);
	place = place_argument(fcinfo, ranking);
	above = count_above(ranking, Max(place.points, 0), &of);
	end_ranking(caller);

	values[0] = Int64GetDatum(1 + above);
	nulls[0] = place.points <= 0;
	values[1] = NumericGetDatum(amount_sum_to_numeric(place.points));
	values[2] = Int64GetDatum(of);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/*
 * board_around(board, month, kind, account, n) returns setof (rank, kind,
 * account, points): the account with n neighbours on either side; nothing for
 * who has no rank.
 */
Datum
board_around(PG_FUNCTION_ARGS)
{
	int64		n = places_argument(fcinfo, 4);
	MemoryContext caller;
	Ranking    *ranking;
	PlaceList	list;
	Place		place;
	int64		from = 0;

	InitMaterializedSRF(fcinfo, 0);
	caller = begin_ranking();
	ranking = ranking_of_arguments(fcinfo);
	place = place_argument(fcinfo, ranking);
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
	end_ranking(caller);
	return (Datum) 0;
}
