/*
 * rewards.c
 *		The module: server parameters and what is set up when it is loaded.
 */
#include "postgres.h"

#include "accounts.h"
#include "catalog.h"
#include "charge.h"
#include "compat.h"
#include "fmgr.h"
#include "launcher.h"
#include "leaf.h"
#include "memo.h"
#include "models.h"
#include "ranking.h"
#include "reader.h"
#include "request.h"
#include "rules.h"
#include "standing.h"
#include "streak.h"
#include "usage_trigger.h"
#include "utils/guc.h"

REWARDS_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	/*
	 * Programmes with millions of accounts may want more; each backend takes
	 * as much as it needs up to this.
	 */
	DefineCustomIntVariable("rewards.cache_size",
							"Memory each session may use to remember accounts, models and scores.",
							"Between 256kB and 16GB.",
							&memo_cache_size, 64 * 1024, 256, 16 * 1024 * 1024,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	reader_init();
	launcher_init();
	MarkGUCPrefixReserved("rewards");

	catalog_init();
	rules_init();
	accounts_init();
	models_init();
	standing_init();
	streaks_init();
	ranking_init();
	charge_init();
	request_init();
	leaf_init();
	usage_trigger_init();
}
