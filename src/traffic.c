/*
 * traffic.c
 *		Requests by day, hour, service and tier, and what they brought and cost.
 *
 * A row counts where it happened.  What takes it back counts with the opposite sign
 * when the correction counts, under the row's own service and tier; so do earnings
 * that were corrected.  The journal tells of which row it is, and the rows are
 * looked up all at once when everything is added.
 *
 * Posting folds into traffic_day and traffic_hour, of which there are few rows: a
 * day, or an hour of the week, has one for each service and tier.  Reading adds the
 * tail by the same code.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "batch.h"
#include "byte_hash.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "keyed.h"
#include "reader.h"
#include "rules.h"
#include "traffic.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(tail_traffic);

/* columns that follow the key in both tables */
enum
{
	SUM_REQUESTS,
	SUM_FAILED,
	SUM_INPUT_TOKENS,
	SUM_OUTPUT_TOKENS,
	SUM_PROVIDER_POINTS,
	SUM_USER_POINTS,
	SUM_CREATOR_EARNINGS,
	SUM_COST,
	SUM_COLUMNS
};
#define FIRST_AMOUNT SUM_PROVIDER_POINTS
#define DAY_KEYS 3				/* day, service, tier */
#define HOUR_KEYS 4				/* day of the week, hour, service, tier */
StaticAssertDecl(HOUR_KEYS + SUM_COLUMNS <= KEYED_MAX_COLUMNS, "rewards.traffic_hour has too many columns");

/* a service and a tier; empty for none */
typedef struct Way
{
	Id			service;
	Id			tier;
} Way;

/* one after another and without holes: keys are compared as bytes */
typedef struct TrafficKey
{
	DateADT		day;			/* or day of the week */
	int16		hour;			/* -1: the day as a whole */
	int16		way;
} TrafficKey;

typedef struct TrafficLine
{
	TrafficKey	key;
	AmountSum	sums[SUM_COLUMNS];
} TrafficLine;

/* what the journal says about a row of usage */
typedef struct Correction
{
	int64		usage;
	TrafficKey	key;			/* its way is still to be found */
	int64		tokens;
	AmountSum	sums[SUM_COLUMNS];
} Correction;

struct Traffic
{
	MemoryContext context;
	HTAB	   *lines;			/* TrafficLine */
	Way		   *ways;
	int			nways;
	Correction *corrections;
	int			ncorrections;
	int			allocated;
};

Traffic *
traffic_create(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "rewards traffic",
												  ALLOCSET_DEFAULT_SIZES);
	Traffic    *traffic = MemoryContextAllocZero(context, sizeof(Traffic));

	traffic->context = context;
	traffic->lines = byte_hash(context, "traffic", sizeof(TrafficKey), sizeof(TrafficLine));
	return traffic;
}

/* ---- adding ---- */

static bool
same_id(Id left, Id right)
{
	return left.len == right.len && memcmp(left.text, right.text, left.len) == 0;
}

static Id
keep_id(Id id)
{
	return (Id) {pnstrdup(id.text, id.len), id.len};
}

/* its place among the ways; neighbours are mostly of the few that are common */
static int16
find_way(Traffic *traffic, Id service, Id tier)
{
	MemoryContext previous;

	if (service.text == NULL)
		service = (Id) {"", 0};
	if (tier.text == NULL)
		tier = (Id) {"", 0};
	for (int i = 0; i < traffic->nways; i++)
		if (same_id(traffic->ways[i].service, service) && same_id(traffic->ways[i].tier, tier))
			return (int16) i;
	if (traffic->nways == PG_INT16_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many services and tiers in one posting"),
				 errhint("Call post() with max_events.")));
	previous = MemoryContextSwitchTo(traffic->context);
	/* room by powers of two */
	if ((traffic->nways & (traffic->nways - 1)) == 0)
		traffic->ways = traffic->nways == 0 ? palloc(sizeof(Way))
			: repalloc(traffic->ways, (Size) 2 * traffic->nways * sizeof(Way));
	traffic->ways[traffic->nways] = (Way) {keep_id(service), keep_id(tier)};
	MemoryContextSwitchTo(previous);
	return (int16) traffic->nways++;
}

static void
add_sums(Traffic *traffic, TrafficKey key, const AmountSum *sums)
{
	bool		found;
	TrafficLine *line = hash_search(traffic->lines, &key, HASH_ENTER, &found);

	if (!found)
		memset(line->sums, 0, sizeof(line->sums));
	for (int i = 0; i < SUM_COLUMNS; i++)
		line->sums[i] += sums[i];
}

/* points of the row's own accounts, and earnings of creators */
static void
add_shares(const LineRow *row, AmountSum *sums)
{
	int			count;
	const Share *shares = line_shares(row, &count);

	for (int i = 0; i < count; i++)
	{
		const Share *share = &shares[i];

		if (row->unit == UNIT_CREDITS)
			sums[SUM_COST] -= share->amount;
		else if (row->unit == UNIT_EARNINGS || share->entry == ENTRY_CREATOR)
			sums[SUM_CREATOR_EARNINGS] += share->amount;
		else if (share->entry == ENTRY_WORK)
			sums[SUM_PROVIDER_POINTS] += share->amount;
		else if (share->entry == ENTRY_USAGE)
			sums[SUM_USER_POINTS] += share->amount;
	}
}

static void
add_usage(Traffic *traffic, const LineRow *row, TrafficKey key)
{
	AmountSum	sums[SUM_COLUMNS] = {0};

	key.way = find_way(traffic, row->service, row->tier);
	if (row->succeeded)
	{
		sums[SUM_REQUESTS] = 1;
		sums[SUM_INPUT_TOKENS] = row->input_tokens;
		sums[SUM_OUTPUT_TOKENS] = row->tokens - row->input_tokens;
	}
	else
		sums[SUM_FAILED] = 1;
	sums[SUM_COST] = row->cost;
	add_shares(row, sums);
	add_sums(traffic, key, sums);
}

static void
note_correction(Traffic *traffic, const LineRow *row, TrafficKey key)
{
	Correction *correction;

	if (traffic->ncorrections == traffic->allocated)
	{
		traffic->allocated = Max(64, 2 * traffic->allocated);
		traffic->corrections = traffic->corrections == NULL
			? MemoryContextAlloc(traffic->context, traffic->allocated * sizeof(Correction))
			: repalloc_huge(traffic->corrections, traffic->allocated * sizeof(Correction));
	}
	correction = &traffic->corrections[traffic->ncorrections++];
	memset(correction, 0, sizeof(Correction));
	correction->usage = row->usage;
	correction->key = key;
	if (row->reverses && row->unit == UNIT_POINTS)
	{
		correction->sums[SUM_REQUESTS] = row->requests;
		correction->tokens = row->tokens;
	}
	add_shares(row, correction->sums);
}

/* adds a row of usage, or what the journal says about one */
void
traffic_add(Traffic *traffic, const LineRow *row)
{
	TrafficKey	key = {0};
	int			hour;

	if (row->unit != UNIT_OF_USAGE && (row->usage == 0 || row->unit > UNIT_CREDITS))
		return;
	key.day = local_hour(row->created_at, &hour);
	key.hour = (int16) hour;
	if (row->unit == UNIT_OF_USAGE)
		add_usage(traffic, row, key);
	else
		note_correction(traffic, row, key);
}

/* service, tier and tokens of the rows that corrections are about; needs SPI, and a snapshot that shows them */
static void
settle_corrections(Traffic *traffic)
{
	static const Oid types[] = {INT8OID};
	Batch		batch = batch_create(lengthof(types), types, traffic->ncorrections);

	for (int i = 0; i < traffic->ncorrections; i++)
		batch.columns[0][batch.count++] = Int64GetDatum(traffic->corrections[i].usage);
	if (batch_read(&batch, "select u.service, u.tier, coalesce(u.input_tokens, 0)"
					  " from unnest($1) with ordinality n(id, place)"
					  " left join lateral (select u.service, u.tier, u.input_tokens"
					  "  from rewards.usage_logs u where u.id = n.id"
					  "  union all select r.service, r.tier, r.input_tokens"
					  "  from rewards.removed_usage r where r.id = n.id limit 1) u on true"
					  " order by n.place") != (uint64) traffic->ncorrections)
		elog(ERROR, "could not find corrected usage");
	for (int i = 0; i < traffic->ncorrections; i++)
	{
		Correction *correction = &traffic->corrections[i];
		HeapTuple	tuple = SPI_tuptable->vals[i];
		Datum		values[3];
		bool		nulls[3];
		int64		input;

		heap_deform_tuple(tuple, SPI_tuptable->tupdesc, values, nulls);
		input = correction->sums[SUM_REQUESTS] < 0 ? DatumGetInt32(values[2]) : 0;
		correction->sums[SUM_INPUT_TOKENS] = -input;
		correction->sums[SUM_OUTPUT_TOKENS] = correction->tokens + input;
		correction->key.way = find_way(traffic, id_of_datum(values[0], nulls[0]),
									   id_of_datum(values[1], nulls[1]));
		add_sums(traffic, correction->key, correction->sums);
	}
	traffic->ncorrections = 0;
}

/* ---- writing ---- */

/* the ways of the lines being sorted */
static int
compare_lines(const void *left, const void *right, void *ways)
{
	const TrafficKey *a = &((const TrafficLine *) left)->key;
	const TrafficKey *b = &((const TrafficLine *) right)->key;
	int			order;

	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	if (a->hour != b->hour)
		return a->hour < b->hour ? -1 : 1;
	order = strcmp(((const Way *) ways)[a->way].service.text, ((const Way *) ways)[b->way].service.text);
	return order != 0 ? order
		: strcmp(((const Way *) ways)[a->way].tier.text, ((const Way *) ways)[b->way].tier.text);
}

/* sorted, with lines of one key added together */
static int
sort_lines(Traffic *traffic, TrafficLine *lines, int count)
{
	int			kept = 0;

	qsort_arg(lines, count, sizeof(TrafficLine), compare_lines, traffic->ways);
	for (int i = 0; i < count; i++)
	{
		if (kept > 0 && memcmp(&lines[kept - 1].key, &lines[i].key, sizeof(TrafficKey)) == 0)
			for (int j = 0; j < SUM_COLUMNS; j++)
				lines[kept - 1].sums[j] += lines[i].sums[j];
		else
			lines[kept++] = lines[i];
	}
	return kept;
}

static Datum
id_datum(Id id)
{
	return PointerGetDatum(cstring_to_text_with_len(id.text, id.len));
}

static Datum
sum_datum(int column, AmountSum sum)
{
	return column >= FIRST_AMOUNT ? NumericGetDatum(amount_sum_to_numeric(sum)) : Int64GetDatum((int64) sum);
}

/* lines of one table, by day or by hour, and the ways that they speak of */
typedef struct Sheet
{
	TrafficLine *lines;
	const Way  *ways;
	int			nkeys;
} Sheet;

/* LineWriter */
static void
write_line(KeyedTable *table, void *lines, int64 place)
{
	const Sheet *sheet = (const Sheet *) lines;
	const TrafficLine *line = &sheet->lines[place];
	const Way  *way = &sheet->ways[line->key.way];
	int			nkeys = sheet->nkeys;
	Datum		values[KEYED_MAX_COLUMNS];
	AmountSum	sums[SUM_COLUMNS];
	HeapTuple	old;

	if (nkeys == DAY_KEYS)
		values[0] = DateADTGetDatum(line->key.day);
	else
	{
		values[0] = Int16GetDatum((int16) line->key.day);
		values[1] = Int16GetDatum(line->key.hour);
	}
	values[nkeys - 2] = id_datum(way->service);
	values[nkeys - 1] = id_datum(way->tier);
	memcpy(sums, line->sums, sizeof(sums));
	old = keyed_find(table, values);
	if (old)
	{
		bool		nulls[KEYED_MAX_COLUMNS];

		heap_deform_tuple(old, RelationGetDescr(table->heap), values, nulls);
		for (int i = 0; i < SUM_COLUMNS; i++)
			sums[i] += i >= FIRST_AMOUNT ? amount_sum_of_datum(values[nkeys + i])
				: DatumGetInt64(values[nkeys + i]);
	}
	for (int i = 0; i < SUM_COLUMNS; i++)
		values[nkeys + i] = sum_datum(i, sums[i]);
	keyed_write(table, old, values);
}

static void
write_lines(Traffic *traffic, CatalogTable heap, CatalogTable index, int nkeys,
			TrafficLine *lines, int count)
{
	Sheet		sheet = {lines, traffic->ways, nkeys};
	KeyedTable	table;

	count = sort_lines(traffic, lines, count);
	keyed_open(&table, heap, index, nkeys + SUM_COLUMNS, true);
	keyed_write_each(&table, write_line, &sheet, count);
	keyed_close(&table);
}

static TrafficLine *
collect_lines(const Traffic *traffic, int *count)
{
	TrafficLine *lines = palloc_extended((hash_get_num_entries(traffic->lines) + 1) * sizeof(TrafficLine),
										 MCXT_ALLOC_HUGE);
	HASH_SEQ_STATUS scan;
	TrafficLine *line;

	*count = 0;
	hash_seq_init(&scan, traffic->lines);
	while ((line = hash_seq_search(&scan)) != NULL)
		lines[(*count)++] = *line;
	return lines;
}

/* adds what was added up to the tables; inside SPI, by who holds the cursor */
void
traffic_write(Traffic *traffic)
{
	TrafficLine *hours;
	TrafficLine *days;
	int			count;

	/* tables that install() has not brought to this version yet it will fill then */
	if (!catalog_has(TABLE_TRAFFIC_HOUR))
		return;
	PushActiveSnapshot(GetLatestSnapshot());
	settle_corrections(traffic);
	hours = collect_lines(traffic, &count);
	days = palloc_extended((count + 1) * sizeof(TrafficLine), MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
	{
		days[i] = hours[i];
		days[i].key.hour = -1;
		hours[i].key.day = j2day(hours[i].key.day + POSTGRES_EPOCH_JDATE);
	}
	write_lines(traffic, TABLE_TRAFFIC_DAY, INDEX_TRAFFIC_DAY, DAY_KEYS, days, count);
	write_lines(traffic, TABLE_TRAFFIC_HOUR, INDEX_TRAFFIC_HOUR, HOUR_KEYS, hours, count);
	PopActiveSnapshot();
}

/* ---- reading ---- */

/* LineVisitor */
static bool
visit_row(const LineRow *row, void *context)
{
	traffic_add((Traffic *) context, row);
	return true;
}

/*
 * tail_traffic() returns setof (day, dow, hour, service, tier, requests, failed,
 * input_tokens, output_tokens, provider_points, user_points, creator_earnings, cost):
 * traffic recorded and not yet folded, nothing for a limited reader.
 */
Datum
tail_traffic(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Reader		reader = reader_current(fcinfo);
	Traffic    *traffic = traffic_create();
	RoleSwitch	caller;
	HASH_SEQ_STATUS scan;
	TrafficLine *line;

	InitMaterializedSRF(fcinfo, 0);
	if (reader.limited)
		return (Datum) 0;
	caller = become_owner(fcinfo);
	line_read_tail(NULL, visit_row, traffic);
	SPI_connect();
	settle_corrections(traffic);
	SPI_finish();
	become_caller(&caller);

	hash_seq_init(&scan, traffic->lines);
	while ((line = hash_seq_search(&scan)) != NULL)
	{
		const Way  *way = &traffic->ways[line->key.way];
		Datum		values[5 + SUM_COLUMNS];
		bool		nulls[5 + SUM_COLUMNS] = {0};

		values[0] = DateADTGetDatum(line->key.day);
		values[1] = Int16GetDatum((int16) j2day(line->key.day + POSTGRES_EPOCH_JDATE));
		values[2] = Int16GetDatum(line->key.hour);
		values[3] = id_datum(way->service);
		values[4] = id_datum(way->tier);
		for (int i = 0; i < SUM_COLUMNS; i++)
			values[5 + i] = sum_datum(i, line->sums[i]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
