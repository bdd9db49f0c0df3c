/*
 * distribution.c
 *		The type rewards.distribution: the shares of one event, packed.
 *
 * A value is a run of shares, each
 *
 *		byte		entry << 4 | scale of the amount (0 to 9)
 *		byte		level
 *		varint		account number, 0 for the row's own unregistered account
 *		varint		zigzag of the amount's mantissa: amount = mantissa / 10^scale
 *
 * Invariants: varints are the shortest possible and a mantissa with decimals
 * has no trailing zero, so equal values are equal bytes.  Order is kept and
 * counts.  What comes from outside is checked as it is read.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "common/hashfn.h"
#include "compat.h"
#include "distribution.h"
#include "fmgr.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#define DISTRIBUTION_FORMAT 1	/* first byte of the binary (wire) form */
#define MAX_VARINT 10

static const char *const entry_names[] = {
	NULL,
	"work", "usage", "referral", "creator", "signup_bonus", "milestone_bonus",
	"streak_bonus", "trial_bonus", "quality_bonus", "adjustment", "reversal",
	"payout", "stake", "credit", "expiry"
};

PG_FUNCTION_INFO_V1(distribution_in);
PG_FUNCTION_INFO_V1(distribution_out);
PG_FUNCTION_INFO_V1(distribution_recv);
PG_FUNCTION_INFO_V1(distribution_send);
PG_FUNCTION_INFO_V1(distribution_eq);
PG_FUNCTION_INFO_V1(distribution_ne);
PG_FUNCTION_INFO_V1(distribution_hash);
PG_FUNCTION_INFO_V1(distribution_shares);
PG_FUNCTION_INFO_V1(distribution_lines);
PG_FUNCTION_INFO_V1(entry_name_of_number);
PG_FUNCTION_INFO_V1(entry_number_of_name);

const char *
entry_name(Entry entry)
{
	return entry_names[entry];
}

/* ENTRY_NONE when there is no entry of that name */
static Entry
entry_by_name(const char *name)
{
	for (Entry entry = ENTRY_FIRST; entry <= ENTRY_LAST; entry++)
		if (strcmp(name, entry_names[entry]) == 0)
			return entry;
	return ENTRY_NONE;
}

/* ---- packing ---- */

/* returns where the next byte goes */
static uint8 *
put_varint(uint8 *next, uint64 value)
{
	while (value >= 0x80)
	{
		*next++ = (uint8) (value | 0x80);
		value >>= 7;
	}
	*next++ = (uint8) value;
	return next;
}

/* false when the bytes end early, run too long or are not the shortest form */
static inline bool
take_varint(ShareReader *reader, uint64 *value)
{
	/* most are of one byte */
	if (reader->next < reader->end && *reader->next < 0x80)
	{
		*value = *reader->next++;
		return true;
	}
	*value = 0;
	for (int shift = 0; shift < 64 && reader->next < reader->end; shift += 7)
	{
		uint8		byte = *reader->next++;

		if (shift == 63 && byte > 1)
			return false;
		*value |= (uint64) (byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return byte != 0 || shift == 0;
	}
	return false;
}

void
distribution_begin(StringInfo building)
{
	initStringInfo(building);
	appendStringInfoSpaces(building, VARHDRSZ);
}

void
distribution_add(StringInfo building, const Share *share)
{
	uint8		bytes[2 + 2 * MAX_VARINT];
	uint8	   *next = bytes;
	int64		mantissa;
	int			scale;

	Assert(share->entry >= ENTRY_FIRST && share->entry <= ENTRY_LAST);
	Assert(share->level >= 0 && share->level <= MAX_LEVELS && share->account >= 0);

	amount_strip(share->amount, &mantissa, &scale);
	*next++ = (uint8) (share->entry << 4 | scale);
	*next++ = (uint8) share->level;
	next = put_varint(next, (uint64) share->account);
	next = put_varint(next, ((uint64) mantissa << 1) ^ (uint64) (mantissa >> 63));
	appendBinaryStringInfo(building, (char *) bytes, (int) (next - bytes));
}

Distribution *
distribution_finish(StringInfo building)
{
	SET_VARSIZE(building->data, building->len);
	return (Distribution *) building->data;
}

/* ---- reading ---- */

ShareReader
distribution_reader(const Distribution *distribution)
{
	ShareReader reader;

	reader.next = (const uint8 *) VARDATA_ANY(distribution);
	reader.end = reader.next + VARSIZE_ANY_EXHDR(distribution);
	return reader;
}

/* false when the bytes are no share: only bytes from outside can be so */
static bool
take_share(ShareReader *reader, Share *share)
{
	uint64		account;
	uint64		zigzag;
	int64		mantissa;
	int64		amount;
	int			scale;

	if (reader->end - reader->next < 4)
		return false;
	share->entry = (Entry) (*reader->next >> 4);
	scale = *reader->next++ & 0x0f;
	share->level = *reader->next++;
	if (!take_varint(reader, &account) || !take_varint(reader, &zigzag))
		return false;

	mantissa = (int64) (zigzag >> 1) ^ -(int64) (zigzag & 1);
	if (share->entry < ENTRY_FIRST || share->entry > ENTRY_LAST
		|| scale > AMOUNT_PLACES || share->level > MAX_LEVELS
		|| account > PG_INT64_MAX
		|| (scale > 0 && mantissa % 10 == 0))
		return false;

	if (__builtin_mul_overflow(mantissa, powers_of_ten[AMOUNT_PLACES - scale], &amount)
		|| amount == PG_INT64_MIN)
		return false;
	share->account = (int64) account;
	share->amount = amount;
	return true;
}

bool
distribution_next(ShareReader *reader, Share *share)
{
	if (reader->next >= reader->end)
		return false;
	if (!take_share(reader, share))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored distribution is damaged")));
	return true;
}

/* leaves out a number; one that does not end leads to the end */
static inline const uint8 *
after_varint(const uint8 *next, const uint8 *end)
{
	while (next < end && *next >= 0x80)
		next++;
	return next + 1;
}

/* the kind of the next share, which is there, as nobody has checked yet */
Entry
distribution_peek(const ShareReader *reader)
{
	return (Entry) (*reader->next >> 4);
}

/* leaves out the next share */
void
distribution_skip(ShareReader *reader)
{
	reader->next = after_varint(after_varint(reader->next + 2, reader->end), reader->end);
}

/*
 * Whether an account stands in it by number.  Takes nothing apart: of many rows hardly
 * any names it.  One that is damaged is told by who reads the shares.
 */
bool
distribution_names(const Distribution *distribution, int64 account)
{
	ShareReader reader = distribution_reader(distribution);
	uint8		number[MAX_VARINT];
	int			len = (int) (put_varint(number, (uint64) account) - number);

	if (account == ACCOUNT_SELF)
		return false;
	/* entry and level come before it; no number begins another one */
	for (; reader.end - reader.next > 2 + len; distribution_skip(&reader))
		if (reader.next[2] == number[0] && memcmp(reader.next + 2, number, len) == 0)
			return true;
	return false;
}

/* ---- text form ---- */

typedef enum Field
{
	FIELD_NONE = 0,
	FIELD_ACCOUNT = 1,
	FIELD_ENTRY = 2,
	FIELD_LEVEL = 4,
	FIELD_AMOUNT = 8
} Field;

typedef struct TextInput
{
	StringInfoData building;
	int			depth;			/* 0 outside, 1 in the list, 2 in a share */
	Field		field;			/* whose value comes next */
	int			seen;			/* fields of this share so far */
	Share		share;
} TextInput;

static void
refuse_text(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input for type rewards.distribution"),
			 errdetail("%s", detail),
			 errhint("Write a list such as [{\"account\": 7, \"entry\": \"referral\", \"level\": 1, \"amount\": 0.6}].")));
}

static JsonActionResult
input_array_start(void *state)
{
	TextInput  *input = (TextInput *) state;

	if (input->depth++ != 0)
		refuse_text("The value must be one list of shares.");
	JSON_ACTION_DONE();
}

static JsonActionResult
input_array_end(void *state)
{
	((TextInput *) state)->depth--;
	JSON_ACTION_DONE();
}

static JsonActionResult
input_object_start(void *state)
{
	TextInput  *input = (TextInput *) state;

	if (input->depth++ != 1)
		refuse_text("A share must stand directly in the list.");
	input->seen = 0;
	memset(&input->share, 0, sizeof(Share));
	JSON_ACTION_DONE();
}

static JsonActionResult
input_object_end(void *state)
{
	TextInput  *input = (TextInput *) state;

	if ((input->seen & FIELD_ENTRY) == 0 || (input->seen & FIELD_AMOUNT) == 0)
		refuse_text("A share needs an entry and an amount.");
	distribution_add(&input->building, &input->share);
	input->depth--;
	JSON_ACTION_DONE();
}

static JsonActionResult
input_field_start(void *state, char *name, bool isnull)
{
	TextInput  *input = (TextInput *) state;

	if (strcmp(name, "account") == 0)
		input->field = FIELD_ACCOUNT;
	else if (strcmp(name, "entry") == 0)
		input->field = FIELD_ENTRY;
	else if (strcmp(name, "level") == 0)
		input->field = FIELD_LEVEL;
	else if (strcmp(name, "amount") == 0)
		input->field = FIELD_AMOUNT;
	else
		refuse_text("A share has the keys account, entry, level and amount, and no others.");

	if (input->seen & input->field)
		refuse_text("A key stands twice in one share.");
	input->seen |= input->field;
	JSON_ACTION_DONE();
}

/* a whole number from 0 to max, in plain digits */
static int64
whole_number(const char *token, JsonTokenType type, int64 max)
{
	int64		value;

	if (type != JSON_TOKEN_NUMBER || strspn(token, "0123456789") != strlen(token))
		refuse_text("An account number or level must be a whole number.");
	value = DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(token)));
	if (value > max)
		refuse_text("A level must be between 0 and 32.");
	return value;
}

static Amount
decimal_number(const char *token, JsonTokenType type)
{
	Datum		number;

	if (type != JSON_TOKEN_NUMBER)
		refuse_text("An amount must be a number.");
	number = DirectFunctionCall3(numeric_in, CStringGetDatum(token),
								 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	return amount_from_numeric(DatumGetNumeric(number), "amount");
}

static JsonActionResult
input_scalar(void *state, char *token, JsonTokenType type)
{
	TextInput  *input = (TextInput *) state;
	Share	   *share = &input->share;

	if (input->depth != 2)
		refuse_text("The value must be a list of shares.");
	switch (input->field)
	{
		case FIELD_ACCOUNT:
			share->account = type == JSON_TOKEN_NULL ? ACCOUNT_SELF
				: whole_number(token, type, PG_INT64_MAX);
			if (type != JSON_TOKEN_NULL && share->account == ACCOUNT_SELF)
				refuse_text("An account number is at least 1; null is the row's own account.");
			break;
		case FIELD_ENTRY:
			share->entry = type == JSON_TOKEN_STRING ? entry_by_name(token) : ENTRY_NONE;
			if (share->entry == ENTRY_NONE)
				refuse_text("There is no entry of this name.");
			break;
		case FIELD_LEVEL:
			share->level = (int) whole_number(token, type, MAX_LEVELS);
			break;
		case FIELD_AMOUNT:
			share->amount = decimal_number(token, type);
			break;
		case FIELD_NONE:
			pg_unreachable();
	}
	JSON_ACTION_DONE();
}

/*
 * distribution_in(cstring): a JSON list of shares.  22P02 for anything else.
 */
Datum
distribution_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	TextInput	input = {0};
	JsonSemAction actions = {0};
	JsonLexContext *lexer = make_json_lexer(text, strlen(text));

	actions.semstate = &input;
	actions.array_start = input_array_start;
	actions.array_end = input_array_end;
	actions.object_start = input_object_start;
	actions.object_end = input_object_end;
	actions.object_field_start = input_field_start;
	actions.scalar = input_scalar;

	distribution_begin(&input.building);
	pg_parse_json_or_ereport(lexer, &actions);
	PG_RETURN_POINTER(distribution_finish(&input.building));
}

Datum
distribution_out(PG_FUNCTION_ARGS)
{
	Distribution *distribution = PG_GETARG_VARLENA_PP(0);
	ShareReader reader = distribution_reader(distribution);
	Share		share;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	while (distribution_next(&reader, &share))
	{
		if (out.len > 1)
			appendStringInfoString(&out, ", ");
		if (share.account == ACCOUNT_SELF)
			appendStringInfoString(&out, "{\"account\": null");
		else
			appendStringInfo(&out, "{\"account\": " INT64_FORMAT, share.account);
		appendStringInfo(&out, ", \"entry\": \"%s\"", entry_name(share.entry));
		if (share.level > 0)
			appendStringInfo(&out, ", \"level\": %d", share.level);
		appendStringInfo(&out, ", \"amount\": %s}",
						 DatumGetCString(DirectFunctionCall1(numeric_out,
															 NumericGetDatum(amount_to_numeric(share.amount)))));
	}
	appendStringInfoChar(&out, ']');
	PG_RETURN_CSTRING(out.data);
}

/* ---- binary form: a format byte, then the packed shares ---- */

Datum
distribution_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			format = message->cursor < message->len ? pq_getmsgbyte(message) : 0;
	int			len = message->len - message->cursor;
	const char *bytes = pq_getmsgbytes(message, len);
	Distribution *distribution = palloc(VARHDRSZ + len);
	ShareReader reader;
	Share		share;

	SET_VARSIZE(distribution, VARHDRSZ + len);
	memcpy(VARDATA(distribution), bytes, len);

	reader = distribution_reader(distribution);
	while (format == DISTRIBUTION_FORMAT && reader.next < reader.end)
		if (!take_share(&reader, &share))
			format = 0;
	if (format != DISTRIBUTION_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary input for type rewards.distribution")));
	PG_RETURN_POINTER(distribution);
}

Datum
distribution_send(PG_FUNCTION_ARGS)
{
	Distribution *distribution = PG_GETARG_VARLENA_PP(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, DISTRIBUTION_FORMAT);
	pq_sendbytes(&out, VARDATA_ANY(distribution), VARSIZE_ANY_EXHDR(distribution));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---- comparing: equal values are equal bytes ---- */

static bool
same_distribution(FunctionCallInfo fcinfo)
{
	Distribution *a = PG_GETARG_VARLENA_PP(0);
	Distribution *b = PG_GETARG_VARLENA_PP(1);

	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b)
		&& memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

Datum
distribution_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(same_distribution(fcinfo));
}

Datum
distribution_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!same_distribution(fcinfo));
}

Datum
distribution_hash(PG_FUNCTION_ARGS)
{
	Distribution *distribution = PG_GETARG_VARLENA_PP(0);

	return hash_any((unsigned char *) VARDATA_ANY(distribution),
					VARSIZE_ANY_EXHDR(distribution));
}

/* ---- taking apart in SQL ---- */

/* the shares of a value one by one, with the entry's name and a numeric or as stored */
static Datum
next_share(FunctionCallInfo fcinfo, bool as_stored)
{
	FuncCallContext *call;
	Share		share;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext previous;
		ShareReader *reader;

		call = SRF_FIRSTCALL_INIT();
		previous = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &call->tuple_desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "shares must be rows");
		call->tuple_desc = BlessTupleDesc(call->tuple_desc);
		reader = palloc(sizeof(ShareReader));
		*reader = distribution_reader((Distribution *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0)));
		call->user_fctx = reader;
		MemoryContextSwitchTo(previous);
	}

	call = SRF_PERCALL_SETUP();
	if (distribution_next((ShareReader *) call->user_fctx, &share))
	{
		Datum		values[4];
		bool		nulls[4] = {share.account == ACCOUNT_SELF, false, false, false};

		values[0] = Int64GetDatum(share.account);
		values[1] = as_stored ? Int16GetDatum((int16) share.entry) : CStringGetTextDatum(entry_name(share.entry));
		values[2] = Int32GetDatum(share.level);
		values[3] = as_stored ? Int64GetDatum(share.amount) : NumericGetDatum(amount_to_numeric(share.amount));
		SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc,
																values, nulls)));
	}
	SRF_RETURN_DONE(call);
}

/*
 * shares(distribution) returns setof (account_number, entry, level, amount)
 */
Datum
distribution_shares(PG_FUNCTION_ARGS)
{
	return next_share(fcinfo, false);
}

/* share_lines(distribution): the same as stored, the entry's number and billionths */
Datum
distribution_lines(PG_FUNCTION_ARGS)
{
	return next_share(fcinfo, true);
}

/*
 * entry_name(smallint): the name of a stored entry number; 22023 for others.  Totals
 * keep what was taken back under the negative number of what it had been.
 */
Datum
entry_name_of_number(PG_FUNCTION_ARGS)
{
	int16		number = PG_GETARG_INT16(0);

	if (number <= -ENTRY_FIRST && number >= -ENTRY_LAST)
		number = ENTRY_REVERSAL;
	if (number < ENTRY_FIRST || number > ENTRY_LAST)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no entry number %d", number)));
	PG_RETURN_TEXT_P(cstring_to_text(entry_names[number]));
}

/* entry_number(text): its inverse */
Datum
entry_number_of_name(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Entry		number = entry_by_name(name);

	if (number == ENTRY_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no entry \"%s\"", name)));
	PG_RETURN_INT16((int16) number);
}
