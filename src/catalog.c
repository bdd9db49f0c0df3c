/*
 * catalog.c
 *		Finds our tables by OID, notes when they change, reads them by index.
 *
 * Every cache of this library hangs on a generation: a counter that the
 * relcache callback moves when the table's name is signalled.  The callback
 * only counts and never looks anything up.  A cache is filled in the newest
 * snapshot and thrown away if the generation moved meanwhile.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/table.h"
#include "catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "event.h"
#include "storage/bufmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

static const char *const table_names[CATALOG_TABLES] = {
	[TABLE_INSTALLATION] = "installation",
	[TABLE_USAGE_LOGS] = "usage_logs",
	[SEQUENCE_USAGE_NUMBER] = "usage_number",
	[TABLE_RULE] = "rule",
	[TABLE_ACCOUNT] = "account",
	[TABLE_ACCOUNT_FACT] = "account_fact",
	[TABLE_ACCOUNT_STATUS] = "account_status",
	[TABLE_MODEL] = "model",
	[TABLE_MODEL_FACT] = "model_fact",
	[TABLE_ACCOUNT_SIGNAL] = "account_signal",
	[TABLE_DAY_TOTAL] = "day_total",
	[TABLE_MONTH_TOTAL] = "month_total",
	[TABLE_SCORE] = "score",
	[TABLE_SCORE_SHEET] = "score_sheet",
	[TABLE_SCORE_BUCKET] = "score_bucket",
	[TABLE_ACTIVITY] = "activity",
	[TABLE_NETWORK] = "network",
	[TABLE_NETWORK_SIZE] = "network_size",
	[TABLE_EDGE_MONTH] = "edge_month",
	[TABLE_REFEREE_STAGE] = "referee_stage",
	[TABLE_TRAFFIC_DAY] = "traffic_day",
	[TABLE_TRAFFIC_HOUR] = "traffic_hour",
	[TABLE_ATTENDANCE] = "attendance",
	[TABLE_COHORT] = "cohort",
	[TABLE_MODEL_DAY] = "model_day",
	[TABLE_REMOVAL] = "removal",
	[TABLE_NODE] = "node",
	[TABLE_LOT] = "lot",
	[TABLE_HOLD] = "hold",
	[TABLE_UNIT] = "unit",
	[TABLE_PAYOUT] = "payout",
	[TABLE_CURSOR] = "cursor",
	[TABLE_JOURNAL] = "journal",
	[TABLE_ACCESS] = "access",
	[INDEX_ACCOUNT_NAME] = "account_name_kind",
	[INDEX_ACCOUNT_ID] = "account_pkey",
	[INDEX_ACCOUNT_FACT] = "account_fact_account",
	[INDEX_ACCOUNT_STATUS] = "account_status_account",
	[INDEX_MODEL_CHARACTER] = "model_character",
	[INDEX_MODEL_FACT_MODEL] = "model_fact_model",
	[INDEX_DAY_TOTAL] = "day_total_pkey",
	[INDEX_MONTH_TOTAL] = "month_total_pkey",
	[INDEX_SCORE] = "score_pkey",
	[INDEX_SCORE_SHEET] = "score_sheet_pkey",
	[INDEX_SCORE_BUCKET] = "score_bucket_pkey",
	[INDEX_ACTIVITY] = "activity_pkey",
	[INDEX_NETWORK] = "network_pkey",
	[INDEX_NETWORK_SIZE] = "network_size_pkey",
	[INDEX_REFEREE_STAGE] = "referee_stage_pkey",
	[INDEX_REFEREE_REVERSED] = "referee_stage_reversed",
	[INDEX_TRAFFIC_DAY] = "traffic_day_pkey",
	[INDEX_TRAFFIC_HOUR] = "traffic_hour_pkey",
	[INDEX_ATTENDANCE] = "attendance_pkey",
	[INDEX_COHORT] = "cohort_pkey",
	[INDEX_LOT] = "lot_wallet",
	[INDEX_HOLD] = "hold_request",
	[INDEX_HOLD_CAPTURED] = "hold_captured",
	[INDEX_HOLD_ACCOUNT] = "hold_account",
	[INDEX_UNIT_NAME] = "unit_name_key",
	[INDEX_PAYOUT_OPEN] = "payout_open",
	[INDEX_CURSOR] = "cursor_pkey",
	[INDEX_JOURNAL] = "journal_pkey",
	[INDEX_JOURNAL_HELD] = "journal_held",
	[INDEX_STATUS_BANNED] = "account_status_banned"
};

static Oid	table_oids[CATALOG_TABLES];
static uint64 generations[CATALOG_TABLES];
static uint64 any_generation = 0;
static bool oids_valid = false;
static Oid	checked_usage_log = InvalidOid;

static void
relation_changed(Datum arg, Oid relid)
{
	any_generation++;
	for (int i = 0; i < CATALOG_TABLES; i++)
		if (relid == InvalidOid || relid == table_oids[i])
		{
			generations[i]++;
			oids_valid = false;
		}
	if (relid == InvalidOid || relid == checked_usage_log)
		checked_usage_log = InvalidOid;
}

void
catalog_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
}

/*
 * 55000 when install() has not made the table.  Others may be missing: between an
 * update of the library and the call of install() what needs none of them goes on.
 */
static void
find_tables(CatalogTable wanted)
{
	Oid			schema;
	Oid			found[CATALOG_TABLES];

	/* a look-up may learn of a change: then what was found before it is old */
	do
	{
		oids_valid = true;
		schema = get_namespace_oid(REWARDS_SCHEMA, true);
		for (int i = 0; i < CATALOG_TABLES; i++)
			found[i] = OidIsValid(schema) ? get_relname_relid(table_names[i], schema)
				: InvalidOid;
	} while (!oids_valid);

	if (!OidIsValid(found[wanted]))
	{
		oids_valid = false;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rewards is not installed in this database"),
				 errdetail("The table rewards.%s does not exist.", table_names[wanted]),
				 errhint("Run: select rewards.install();")));
	}
	for (int i = 0; i < CATALOG_TABLES; i++)
		if (found[i] != table_oids[i])
		{
			table_oids[i] = found[i];
			generations[i]++;
		}
	/* nothing tells when a missing one is made */
	for (int i = 0; i < CATALOG_TABLES; i++)
		if (!OidIsValid(found[i]))
			oids_valid = false;
}

Oid
catalog_table(CatalogTable table)
{
	if (!oids_valid)
		find_tables(table);
	return table_oids[table];
}

/* whether install() has made it: an older version's may not have */
bool
catalog_has(CatalogTable table)
{
	if (!oids_valid)
		find_tables(TABLE_USAGE_LOGS);
	return OidIsValid(table_oids[table]);
}

uint64
catalog_generation(CatalogTable table)
{
	if (!oids_valid)
		find_tables(table);
	return generations[table];
}

uint64
catalog_any_generation(void)
{
	return any_generation;
}

static Oid
usage_column_type(UsageColumn column)
{
	switch (column)
	{
		case COLUMN_ID:
			return INT8OID;
		case COLUMN_CREATED_AT:
			return TIMESTAMPTZOID;
		case COLUMN_STATUS_CODE:
		case COLUMN_INPUT_TOKENS:
		case COLUMN_OUTPUT_TOKENS:
		case COLUMN_LATENCY_MS:
			return INT4OID;
		case COLUMN_PROVIDER_POINTS:
		case COLUMN_USER_POINTS:
		case COLUMN_CREATOR_EARNINGS:
		case COLUMN_COST:
			return NUMERICOID;
		case COLUMN_DISTRIBUTION:
			return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
								   CStringGetDatum("distribution"),
								   ObjectIdGetDatum(get_namespace_oid(REWARDS_SCHEMA, false)));
		default:
			return TEXTOID;
	}
}

/*
 * Whether the relation has the columns of usage_logs, in order.  Remembers the
 * last relation that had.
 */
bool
catalog_is_usage_log(Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);

	if (RelationGetRelid(relation) == checked_usage_log)
		return true;
	if (desc->natts < USAGE_COLUMNS)
		return false;
	for (int i = 0; i < USAGE_COLUMNS; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (column->attisdropped
			|| strcmp(NameStr(column->attname), usage_column_names[i]) != 0
			|| column->atttypid != usage_column_type((UsageColumn) i))
			return false;
	}
	checked_usage_log = RelationGetRelid(relation);
	return true;
}

static CatalogScan
begin_scan(CatalogTable table, CatalogTable index, ScanKey keys, int nkeys, Snapshot snapshot)
{
	CatalogScan scan;

	scan.heap = table_open(catalog_table(table), AccessShareLock);
	scan.snapshot = RegisterSnapshot(snapshot);
	scan.scan = systable_beginscan(scan.heap,
								   nkeys > 0 ? catalog_table(index) : InvalidOid,
								   nkeys > 0, scan.snapshot, nkeys, keys);
	return scan;
}

CatalogScan
catalog_scan(CatalogTable table, CatalogTable index, ScanKey keys, int nkeys)
{
	return begin_scan(table, index, keys, nkeys, GetLatestSnapshot());
}

CatalogScan
catalog_scan_active(CatalogTable table, CatalogTable index, ScanKey keys, int nkeys)
{
	return begin_scan(table, index, keys, nkeys, GetActiveSnapshot());
}

/* how many pages a table takes */
BlockNumber
catalog_pages(CatalogTable table)
{
	Relation	heap = table_open(catalog_table(table), AccessShareLock);
	BlockNumber pages = RelationGetNumberOfBlocks(heap);

	table_close(heap, AccessShareLock);
	return pages;
}

/* whether nobody can have put a row into a table */
bool
catalog_is_empty(CatalogTable table)
{
	return catalog_pages(table) == 0;
}

/* the same look-up with other keys, in the same snapshot; false: begin anew */
bool
catalog_again(CatalogScan *scan, ScanKey keys, int nkeys)
{
	ScanKeyData own[INDEX_MAX_KEYS];

	if (scan->scan->iscan == NULL)
		return false;			/* the server was told to use no index */
	for (int i = 0; i < nkeys; i++)
	{
		const int2vector *columns = &scan->scan->irel->rd_index->indkey;

		own[i] = keys[i];
		for (int j = 0; j < columns->dim1; j++)
			if (columns->values[j] == keys[i].sk_attno)
				own[i].sk_attno = (AttrNumber) (j + 1);
	}
	index_rescan(scan->scan->iscan, own, nkeys, NULL, 0);
	return true;
}

HeapTuple
catalog_next(CatalogScan *scan)
{
	return systable_getnext(scan->scan);
}

void
catalog_end(CatalogScan *scan)
{
	systable_endscan(scan->scan);
	UnregisterSnapshot(scan->snapshot);
	table_close(scan->heap, AccessShareLock);
}
