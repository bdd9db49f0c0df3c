/*
 * installation.c
 *		Which database this is, and whether install() has made the tables that this
 *		library works with.
 *
 * Every call asks the latter, so the answer is remembered until a relation changes: install()
 * makes views anew, whatever else it does.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog.h"
#include "fmgr.h"
#include "installation.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(database_identity);
PG_FUNCTION_INFO_V1(library_version);
PG_FUNCTION_INFO_V1(require_installed);

#define COLUMN_VERSION 2

/* this very database: a restored or copied one has another identity */
char *
current_identity(void)
{
	return psprintf(UINT64_FORMAT "/%u", GetSystemIdentifier(), MyDatabaseId);
}

/* database_identity(): see current_identity() */
Datum
database_identity(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(current_identity()));
}

/* library_version(): the version this library was built as */
Datum
library_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(REWARDS_VERSION));
}

/* the version of the tables, NULL while they tell none */
static char *
version_of_tables(void)
{
	CatalogScan scan = catalog_scan_active(TABLE_INSTALLATION, TABLE_INSTALLATION, NULL, 0);
	HeapTuple	tuple = catalog_next(&scan);
	char	   *version = NULL;
	bool		isnull;

	if (HeapTupleIsValid(tuple))
		version = TextDatumGetCString(heap_getattr(tuple, COLUMN_VERSION, RelationGetDescr(scan.heap), &isnull));
	catalog_end(&scan);
	return version;
}

/* 55000 with a hint before install(), also after an update of the extension */
void
installation_require(void)
{
	static bool found = false;
	static uint64 found_in;
	char	   *version;

	if (found && found_in == catalog_any_generation())
		return;
	found = false;
	found_in = catalog_any_generation();
	version = version_of_tables();
	if (version == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rewards is not installed in this database"),
				 errhint("Run: select rewards.install();")));
	if (strcmp(version, REWARDS_VERSION) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the tables are of version %s, the extension is %s", version, REWARDS_VERSION),
				 errhint("Run: select rewards.install();")));
	pfree(version);
	found = true;
}

/* require_installed(): the same for calls in SQL */
Datum
require_installed(PG_FUNCTION_ARGS)
{
	installation_require();
	PG_RETURN_VOID();
}
