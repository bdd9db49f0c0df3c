/*
 * event.c
 *		One row of usage_logs: its columns, its parts, and what its ids may be.
 */
#include "postgres.h"

#include "compat.h"
#include "event.h"
#include "utils/builtins.h"

const char *const usage_column_names[USAGE_COLUMNS] = {
	[COLUMN_ID] = "id",
	[COLUMN_CREATED_AT] = "created_at",
	[COLUMN_STATUS_CODE] = "status_code",
	[COLUMN_INPUT_TOKENS] = "input_tokens",
	[COLUMN_OUTPUT_TOKENS] = "output_tokens",
	[COLUMN_LATENCY_MS] = "latency_ms",
	[COLUMN_REQUEST_ID] = "request_id",
	[COLUMN_USER_ID] = "user_id",
	[COLUMN_PROVIDER_ID] = "provider_id",
	[COLUMN_ENDPOINT] = "endpoint",
	[COLUMN_MODEL] = "model",
	[COLUMN_CHARACTER_ID] = "character_id",
	[COLUMN_USAGE_TYPE] = "usage_type",
	[COLUMN_SERVICE] = "service",
	[COLUMN_TIER] = "tier",
	[COLUMN_PROVIDER_POINTS] = "provider_points",
	[COLUMN_USER_POINTS] = "user_points",
	[COLUMN_CREATOR_EARNINGS] = "creator_earnings",
	[COLUMN_COST] = "cost",
	[COLUMN_DISTRIBUTION] = "distribution"
};

const char *
account_kind_name(AccountKind kind)
{
	return kind == KIND_USER ? "user" : "provider";
}

/* the text behind a datum, detoasted; lives as long as the tuple or context */
Id
id_of_datum(Datum value, bool isnull)
{
	Id			id = {NULL, 0};

	if (!isnull)
	{
		struct varlena *text = PG_DETOAST_DATUM_PACKED(value);

		id.text = VARDATA_ANY(text);
		id.len = VARSIZE_ANY_EXHDR(text);
	}
	return id;
}

/* the kind of this name; 22023 for another */
AccountKind
account_kind_of(Datum name)
{
	Id			id = id_of_datum(name, false);

	if (id.len == 4 && memcmp(id.text, "user", 4) == 0)
		return KIND_USER;
	if (id.len != 8 || memcmp(id.text, "provider", 8) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown account kind \"%s\"", TextDatumGetCString(name)),
				 errhint("A kind is user or provider.")));
	return KIND_PROVIDER;
}

/* each byte of eight */
#define EIGHT(byte)	(UINT64CONST(0x0101010101010101) * (byte))

/* every text of every row comes here, so eight bytes at a time */
static bool
holds_control_character(Id id)
{
	const char *next = id.text;
	const char *end = id.text + id.len;

	for (; end - next >= (int) sizeof(uint64); next += sizeof(uint64))
	{
		uint64		word;
		uint64		deletes;	/* a byte is zero where it is 0x7f */

		memcpy(&word, next, sizeof(word));
		deletes = word ^ EIGHT(0x7f);
		if ((((word - EIGHT(0x20)) & ~word) | ((deletes - EIGHT(0x01)) & ~deletes)) & EIGHT(0x80))
			return true;
	}
	for (; next < end; next++)
		if ((unsigned char) *next < 0x20 || *next == 0x7f)
			return true;
	return false;
}

/* what an id may be */
bool
is_id(Id id)
{
	return id.len >= 1 && id.len <= MAX_ID_BYTES && !holds_control_character(id);
}

/*
 * 22023 for a text that is empty, over max bytes or holds a control character.
 * NULL passes.
 */
void
check_text(Id id, const char *column, int max)
{
	const char *fault = NULL;

	if (id.text == NULL)
		return;
	if (id.len == 0)
		fault = "it is empty";
	else if (id.len > max)
		fault = "it is too long";
	else if (holds_control_character(id))
		fault = "it holds a control character";

	if (fault)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s: %s", column, fault),
				 errhint("It has 1 to %d bytes and no control characters.", max)));
}

void
event_read(UsageEvent *event, const Datum *values, const bool *nulls)
{
	event->number = DatumGetInt64(values[COLUMN_ID]);
	event->created_at = DatumGetTimestampTz(values[COLUMN_CREATED_AT]);
	event->status_code = DatumGetInt32(values[COLUMN_STATUS_CODE]);
	event->input_tokens = DatumGetInt32(values[COLUMN_INPUT_TOKENS]);
	event->output_tokens = DatumGetInt32(values[COLUMN_OUTPUT_TOKENS]);
	event->request = id_of_datum(values[COLUMN_REQUEST_ID], nulls[COLUMN_REQUEST_ID]);
	event->user = id_of_datum(values[COLUMN_USER_ID], nulls[COLUMN_USER_ID]);
	event->provider = id_of_datum(values[COLUMN_PROVIDER_ID], nulls[COLUMN_PROVIDER_ID]);
	event->endpoint = id_of_datum(values[COLUMN_ENDPOINT], nulls[COLUMN_ENDPOINT]);
	event->model = id_of_datum(values[COLUMN_MODEL], nulls[COLUMN_MODEL]);
	event->character = id_of_datum(values[COLUMN_CHARACTER_ID], nulls[COLUMN_CHARACTER_ID]);
}

bool
event_succeeded(const UsageEvent *event)
{
	return event->status_code >= 200 && event->status_code <= 299;
}
