/*
 * catalog.h
 *		Where our own tables are, and when what they hold has changed.
 */
#ifndef REWARDS_CATALOG_H
#define REWARDS_CATALOG_H

#include "access/genam.h"
#include "storage/block.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

/* where all of ours lies */
#define REWARDS_SCHEMA "rewards"

typedef enum CatalogTable
{
	TABLE_INSTALLATION,
	TABLE_USAGE_LOGS,
	SEQUENCE_USAGE_NUMBER,
	TABLE_RULE,
	TABLE_ACCOUNT,
	TABLE_ACCOUNT_FACT,
	TABLE_ACCOUNT_STATUS,
	TABLE_MODEL,
	TABLE_MODEL_FACT,
	TABLE_ACCOUNT_SIGNAL,
	TABLE_DAY_TOTAL,
	TABLE_MONTH_TOTAL,
	TABLE_SCORE,
	TABLE_SCORE_SHEET,
	TABLE_SCORE_BUCKET,
	TABLE_ACTIVITY,
	TABLE_NETWORK,
	TABLE_NETWORK_SIZE,
	TABLE_EDGE_MONTH,
	TABLE_REFEREE_STAGE,
	TABLE_TRAFFIC_DAY,
	TABLE_TRAFFIC_HOUR,
	TABLE_ATTENDANCE,
	TABLE_COHORT,
	TABLE_MODEL_DAY,
	TABLE_REMOVAL,
	TABLE_NODE,
	TABLE_LOT,
	TABLE_HOLD,
	TABLE_UNIT,
	TABLE_PAYOUT,
	TABLE_CURSOR,
	TABLE_JOURNAL,
	TABLE_ACCESS,
	INDEX_ACCOUNT_NAME,
	INDEX_ACCOUNT_ID,
	INDEX_ACCOUNT_FACT,
	INDEX_ACCOUNT_STATUS,
	INDEX_MODEL_CHARACTER,
	INDEX_MODEL_FACT_MODEL,
	INDEX_DAY_TOTAL,
	INDEX_MONTH_TOTAL,
	INDEX_SCORE,
	INDEX_SCORE_SHEET,
	INDEX_SCORE_BUCKET,
	INDEX_ACTIVITY,
	INDEX_NETWORK,
	INDEX_NETWORK_SIZE,
	INDEX_REFEREE_STAGE,
	INDEX_REFEREE_REVERSED,
	INDEX_TRAFFIC_DAY,
	INDEX_TRAFFIC_HOUR,
	INDEX_ATTENDANCE,
	INDEX_COHORT,
	INDEX_LOT,
	INDEX_HOLD,
	INDEX_HOLD_CAPTURED,
	INDEX_HOLD_ACCOUNT,
	INDEX_UNIT_NAME,
	INDEX_PAYOUT_OPEN,
	INDEX_CURSOR,
	INDEX_JOURNAL,
	INDEX_JOURNAL_HELD,
	INDEX_STATUS_BANNED,
	CATALOG_TABLES
} CatalogTable;

/*
 * A counter that moves whenever a table may have changed for the caches that
 * were filled from it.
 */
extern uint64 catalog_generation(CatalogTable table);

/* one that moves whenever any relation, ours or not, may have changed */
extern uint64 catalog_any_generation(void);
extern Oid	catalog_table(CatalogTable table);
extern bool catalog_has(CatalogTable table);
extern bool catalog_is_usage_log(Relation relation);

/*
 * A look-up by index in one of our tables, in the newest snapshot: rules and
 * accounts are read as committed now, whatever the caller's isolation level.  What
 * goes with the totals is read as the active snapshot sees it.
 */
typedef struct CatalogScan
{
	Relation	heap;
	SysScanDesc scan;
	Snapshot	snapshot;
} CatalogScan;

extern CatalogScan catalog_scan(CatalogTable table, CatalogTable index,
								ScanKey keys, int nkeys);
extern CatalogScan catalog_scan_active(CatalogTable table, CatalogTable index,
									   ScanKey keys, int nkeys);
extern BlockNumber catalog_pages(CatalogTable table);
extern bool catalog_is_empty(CatalogTable table);
extern bool catalog_again(CatalogScan *scan, ScanKey keys, int nkeys);
extern HeapTuple catalog_next(CatalogScan *scan);
extern void catalog_end(CatalogScan *scan);

extern void catalog_init(void);

#endif							/* REWARDS_CATALOG_H */
