/*
 * compat.h
 *		The only place that knows PostgreSQL versions apart.
 *
 * Names follow the newest interface; older servers are brought up to it.
 * Supported: 15, 17, 18, 19.
 */
#ifndef REWARDS_COMPAT_H
#define REWARDS_COMPAT_H

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "storage/lmgr.h"
#include "utils/jsonfuncs.h"

/* the macros of variable-length values got a header of their own in 16 */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 150000
#error "rewards needs PostgreSQL 15 or newer"
#endif

/* JSON semantic actions return a result since 16 (nothing before) */
#if PG_VERSION_NUM >= 160000
typedef JsonParseErrorType JsonActionResult;
#define JSON_ACTION_DONE()	return JSON_SUCCESS
#else
typedef void JsonActionResult;
#define JSON_ACTION_DONE()	return
#endif

/* the lexer may live in caller's memory since 17; NULL asks for a new one */
#if PG_VERSION_NUM >= 170000
#define make_json_lexer(text, len) \
	makeJsonLexContextCstringLen(NULL, (text), (len), GetDatabaseEncoding(), true)
#else
#define make_json_lexer(text, len) \
	makeJsonLexContextCstringLen((text), (len), GetDatabaseEncoding(), true)
#endif

/* the list of backends is asked for by place under a new name since 16 */
#if PG_VERSION_NUM >= 160000
#define local_backend_status(place)	pgstat_get_local_beentry_by_index(place)
#else
#define local_backend_status(place)	pgstat_fetch_stat_local_beentry(place)
#endif

/* sums that overflow tell by an error's context since 19, by a flag before; here they raise */
#if PG_VERSION_NUM < 190000
#define numeric_add_safe(a, b, escontext)	numeric_add_opt_error((a), (b), NULL)
#define numeric_mul_safe(a, b, escontext)	numeric_mul_opt_error((a), (b), NULL)
#endif

/* scans count their work for EXPLAIN since 18, and take flags since 19 */
#if PG_VERSION_NUM >= 190000
#define begin_index_scan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0, SO_NONE)
#elif PG_VERSION_NUM >= 180000
#define begin_index_scan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#else
#define begin_index_scan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#endif

/* waiting for a transaction may be logged since 18 */
#if PG_VERSION_NUM >= 180000
#define is_transaction_over(xid)	ConditionalXactLockTableWait((xid), false)
#else
#define is_transaction_over(xid)	ConditionalXactLockTableWait(xid)
#endif

/* a query is always run once since 18 */
#if PG_VERSION_NUM >= 180000
#define EXECUTOR_RUN_PARAMETERS	QueryDesc *queryDesc, ScanDirection direction, uint64 count
#define EXECUTOR_RUN_ARGUMENTS	queryDesc, direction, count
#else
#define EXECUTOR_RUN_PARAMETERS	QueryDesc *queryDesc, ScanDirection direction, uint64 count, bool once
#define EXECUTOR_RUN_ARGUMENTS	queryDesc, direction, count, once
#endif

/* a deferrable primary key may be asked for since 18; ours are not */
#if PG_VERSION_NUM >= 180000
#define primary_key_index(heap)	RelationGetPrimaryKeyIndex((heap), false)
#else
#define primary_key_index(heap)	RelationGetPrimaryKeyIndex(heap)
#endif

/* the module tells its name and version since 18 */
#if PG_VERSION_NUM >= 180000
#define REWARDS_MODULE_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "rewards", .version = REWARDS_VERSION)
#else
#define REWARDS_MODULE_MAGIC PG_MODULE_MAGIC
#endif

#endif							/* REWARDS_COMPAT_H */
