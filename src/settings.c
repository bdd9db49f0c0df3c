/*
 * settings.c
 *		The list of settings, the one place that knows their defaults.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "settings.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(setting_defaults);

static const SettingInfo settings[] = {
	{"time_zone", "UTC", "time zone of the programme's days and months; fixed once usage exists"},
	{"auto_register", "on", "whether writing calls register accounts they do not know"},
	{"default_tier", "tide_pool", "tier of a model that no entry, VRAM or pattern places"},
	{"code_policy", "both", "what counts as a referral code: identity (the account's own id), generated, or both"},
	{"credit_policy", "allow", "whether usage must be covered by credits: allow, or enforce"},
	{"streak_grace_days", "0", "how many days without activity a streak survives"},
	{"uptime_seconds_per_day", "64800", "uptime that makes a day one of a provider's streak"},
	{"codes_after_days", "14", "after how many days with a successful request a user earns invite codes"},
	{"invite_prefix", "VOBEE", "what invite codes begin with"},
	{"invite_expiry", "90 days", "how long an invite code can be used; none is for ever"},
	{"onboarded_requests", "1", "how many successful requests make an account count as onboarded"},
	{"active_days", "3", "on how many days a referee must have made requests to count as activated"},
	{"quality_method", "weighted", "how referral quality is scored: weighted, or recency_v1"},
	{"quality_days", "30", "how many days a referral counts as recent"},
	{"quality_min_sample", "5", "how many referees it takes for a quality score to have consequences"},
	{"suspension_days", "30", "how long a suspension lasts that says nothing of its end"},
	{"low_credits", "1", "users are told when their credits fall below this; 0 for never"},
	{"earnings_alert", "10", "creators are told each time their earnings reach another multiple of this"},
	{"closed_until", "none", "last closed day: corrections of closed days count on the first open one"},
	{"request_partitions", "2", "how many of the newest partitions recognise a repeated request_id"},
	{"retention", "none", "how long usage is kept, and drop or detach for what becomes of older partitions; see set_retention()"},
	{"partitions_ahead", "3", "how many empty partitions are kept ready for new usage"},
	{"post_delay", "1 s", "how old what is recorded may grow before the worker posts it"},
	{"post_backlog", "10000", "how many rows make it post earlier"},
};

/* NULL when there is no setting of that name */
const SettingInfo *
setting_info(const char *name)
{
	for (int i = 0; i < lengthof(settings); i++)
		if (settings[i].name[0] == name[0] && strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

/* setting_defaults() returns setof (name, default_value, description) */
Datum
setting_defaults(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < lengthof(settings); i++)
	{
		Datum		values[3];
		bool		nulls[3] = {false, false, false};

		values[0] = CStringGetTextDatum(settings[i].name);
		values[1] = CStringGetTextDatum(settings[i].default_value);
		values[2] = CStringGetTextDatum(settings[i].description);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
