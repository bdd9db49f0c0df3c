/*
 * event.h
 *		One row of usage_logs, as the C code sees it.
 *
 * Column numbers are those of sql/data's table; catalog_is_usage_log() has
 * checked them before a row is read.
 */
#ifndef REWARDS_EVENT_H
#define REWARDS_EVENT_H

#include "amount.h"
#include "utils/timestamp.h"

typedef enum UsageColumn
{
	COLUMN_ID,
	COLUMN_CREATED_AT,
	COLUMN_STATUS_CODE,
	COLUMN_INPUT_TOKENS,
	COLUMN_OUTPUT_TOKENS,
	COLUMN_LATENCY_MS,
	COLUMN_REQUEST_ID,
	COLUMN_USER_ID,
	COLUMN_PROVIDER_ID,
	COLUMN_ENDPOINT,
	COLUMN_MODEL,
	COLUMN_CHARACTER_ID,
	COLUMN_USAGE_TYPE,
	COLUMN_SERVICE,
	COLUMN_TIER,
	COLUMN_PROVIDER_POINTS,
	COLUMN_USER_POINTS,
	COLUMN_CREATOR_EARNINGS,
	COLUMN_COST,
	COLUMN_DISTRIBUTION,
	USAGE_COLUMNS
} UsageColumn;

extern const char *const usage_column_names[USAGE_COLUMNS];

/* the same columns, for queries that read whole rows */
#define USAGE_COLUMN_LIST \
	"id, created_at, status_code, input_tokens, output_tokens, latency_ms," \
	" request_id, user_id, provider_id, endpoint, model, character_id," \
	" usage_type, service, tier, provider_points, user_points," \
	" creator_earnings, cost, distribution"

typedef enum AccountKind
{
	KIND_USER,
	KIND_PROVIDER
} AccountKind;

extern const char *account_kind_name(AccountKind kind);
extern AccountKind account_kind_of(Datum name);

#define MAX_ID_BYTES		255
#define MAX_ENDPOINT_BYTES	2048

/* a piece of text inside a tuple; text NULL is SQL NULL */
typedef struct Id
{
	const char *text;
	int			len;
} Id;

typedef struct UsageEvent
{
	int64		number;
	TimestampTz created_at;
	int32		status_code;
	int32		input_tokens;
	int32		output_tokens;
	Id			request;
	Id			user;
	Id			provider;
	Id			endpoint;
	Id			model;
	Id			character;
} UsageEvent;

extern void event_read(UsageEvent *event, const Datum *values, const bool *nulls);
extern bool event_succeeded(const UsageEvent *event);
extern Id	id_of_datum(Datum value, bool isnull);
extern bool is_id(Id id);
extern void check_text(Id id, const char *column, int max);

#endif							/* REWARDS_EVENT_H */
