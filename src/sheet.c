/*
 * sheet.c
 *		A sheet of a leaderboard: scores above zero that follow each other, packed.
 *
 * The order of a board: more points first, equal points by name as bytes, then by
 * account.  A sheet is a run of scores in this order, each
 *
 *		varint		the points of the score before less its own, in billionths;
 *					of the first its own points
 *		varint		account number
 *		varint		length of the name
 *		bytes		the name
 *
 * A key is a score as bytes that compare as scores do: the index of the sheets has no
 * other idea of the order than that of bytes.
 */
#include "postgres.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "sheet.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(sheet_scores);

#define MAX_VARINT 19			/* of 128 bits */

/* ---- order ---- */

/* negative when a stands before b */
int
score_compare(const Score *a, const Score *b)
{
	int			order;

	if (a->points != b->points)
		return a->points > b->points ? -1 : 1;
	order = memcmp(a->name.text, b->name.text, Min(a->name.len, b->name.len));
	if (order != 0)
		return order;
	if (a->name.len != b->name.len)
		return a->name.len < b->name.len ? -1 : 1;
	return (a->account > b->account) - (a->account < b->account);
}

/* points from above to below as bytes that ascend, then name, zero byte, account */
bytea *
score_key(const Score *score)
{
	uint128		points = ~(uint128) score->points;
	Size		size = VARHDRSZ + sizeof(uint128) + score->name.len + 1 + sizeof(uint64);
	bytea	   *key = palloc(size);
	uint8	   *next = (uint8 *) VARDATA(key);

	SET_VARSIZE(key, size);
	for (int shift = 120; shift >= 0; shift -= 8)
		*next++ = (uint8) (points >> shift);
	memcpy(next, score->name.text, score->name.len);
	next += score->name.len;
	*next++ = 0;
	for (int shift = 56; shift >= 0; shift -= 8)
		*next++ = (uint8) ((uint64) score->account >> shift);
	return key;
}

/* ---- packing ---- */

static uint8 *
put_varint(uint8 *next, uint128 value)
{
	while (value >= 0x80)
	{
		*next++ = (uint8) (value | 0x80);
		value >>= 7;
	}
	*next++ = (uint8) value;
	return next;
}

/* false when the bytes end early or run too long */
static bool
take_varint(const uint8 **next, const uint8 *end, uint128 *value)
{
	*value = 0;
	for (int shift = 0; shift < 7 * MAX_VARINT && *next < end; shift += 7)
	{
		uint8		byte = *(*next)++;

		*value |= (uint128) (byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static Size
varint_size(uint128 value)
{
	Size		size = 1;

	while (value >>= 7)
		size++;
	return size;
}

/* what a score's points are told by, after another score, or NULL for none */
static uint128
points_below(const Score *score, const Score *before)
{
	return (uint128) (before ? before->points - score->points : score->points);
}

static Size
packed_size(const Score *score, const Score *before)
{
	return varint_size(points_below(score, before)) + varint_size((uint128) score->account)
		+ varint_size(score->name.len) + score->name.len;
}

/* how many bytes the scores of a sheet take */
Size
sheet_size(const Sheet *sheet)
{
	Size		size = 0;

	for (int i = 0; i < sheet->count; i++)
		size += packed_size(&sheet->scores[i], i > 0 ? &sheet->scores[i - 1] : NULL);
	return size;
}

/* how many of the scores, one at least, fit into so many bytes */
int
sheet_fitting(const Score *scores, int count, Size size)
{
	Size		used = 0;

	for (int i = 0; i < count; i++)
	{
		used += packed_size(&scores[i], i > 0 ? &scores[i - 1] : NULL);
		if (used > size && i > 0)
			return i;
	}
	return count;
}

/* scores, which are in order and above zero, as a sheet */
bytea *
sheet_pack(const Score *scores, int count)
{
	Sheet		sheet = {(Score *) scores, count};
	bytea	   *packed = palloc(VARHDRSZ + sheet_size(&sheet));
	uint8	   *next = (uint8 *) VARDATA(packed);

	for (int i = 0; i < count; i++)
	{
		next = put_varint(next, points_below(&scores[i], i > 0 ? &scores[i - 1] : NULL));
		next = put_varint(next, (uint128) scores[i].account);
		next = put_varint(next, scores[i].name.len);
		memcpy(next, scores[i].name.text, scores[i].name.len);
		next += scores[i].name.len;
	}
	SET_VARSIZE(packed, (char *) next - (char *) packed);
	return packed;
}

/* ---- unpacking ---- */

void
sheet_add(Sheet *sheet, Score score)
{
	if (sheet->count == sheet->allocated)
	{
		sheet->allocated = Max(128, 2 * sheet->allocated);
		sheet->scores = sheet->scores ? repalloc_huge(sheet->scores, sheet->allocated * sizeof(Score))
			: palloc(sheet->allocated * sizeof(Score));
	}
	sheet->scores[sheet->count++] = score;
}

static bool
take_score(const uint8 **next, const uint8 *end, AmountSum before, Score *score)
{
	uint128		points;
	uint128		account;
	uint128		length;

	if (!take_varint(next, end, &points) || !take_varint(next, end, &account)
		|| !take_varint(next, end, &length)
		|| points > (uint128) AMOUNT_SUM_MAX
		|| account > PG_INT64_MAX || length > (uint128) (end - *next))
		return false;
	score->points = before > 0 ? before - (AmountSum) points : (AmountSum) points;
	score->account = (int64) account;
	score->name = (Id){(const char *) *next, (int) length};
	*next += length;
	return score->points > 0;
}

/*
 * Adds the scores that a sheet holds; their names lie in it.  False when it is damaged,
 * from where on nothing is added.
 */
bool
sheet_unpack(Sheet *sheet, const bytea *packed)
{
	const uint8 *next = (const uint8 *) VARDATA_ANY(packed);
	const uint8 *end = next + VARSIZE_ANY_EXHDR(packed);
	AmountSum	before = 0;
	Score		score;

	while (next < end)
	{
		if (!take_score(&next, end, before, &score))
			return false;
		before = score.points;
		sheet_add(sheet, score);
	}
	return true;
}

/* ---- for verify() ---- */

/* whether a score's place is after the one before and within the bounds of its sheet */
static bool
is_in_place(const Score *score, const Score *before, Datum first, const Datum *upto)
{
	Datum		key = PointerGetDatum(score_key(score));

	return (before == NULL || score_compare(before, score) < 0)
		&& DatumGetBool(DirectFunctionCall2(byteale, first, key))
		&& (upto == NULL || DatumGetBool(DirectFunctionCall2(bytealt, key, *upto)));
}

/*
 * sheet_scores(first, upto, scores) returns setof (account, name, points, in_place): what
 * a sheet holds that begins at a key and ends before another; upto NULL has no end.  Of a
 * damaged sheet what can be read.
 */
Datum
sheet_scores(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		upto = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
	Sheet		sheet = {0};

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		return (Datum) 0;
	sheet_unpack(&sheet, PG_GETARG_BYTEA_PP(2));
	for (int i = 0; i < sheet.count; i++)
	{
		const Score *score = &sheet.scores[i];
		Datum		values[4];
		bool		nulls[4] = {false};

		if (!pg_verify_mbstr(GetDatabaseEncoding(), score->name.text, score->name.len, true))
			break;
		values[0] = Int64GetDatum(score->account);
		values[1] = PointerGetDatum(cstring_to_text_with_len(score->name.text, score->name.len));
		values[2] = NumericGetDatum(amount_sum_to_numeric(score->points));
		values[3] = BoolGetDatum(is_in_place(score, i > 0 ? score - 1 : NULL, PG_GETARG_DATUM(0),
											 PG_ARGISNULL(1) ? NULL : &upto));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
