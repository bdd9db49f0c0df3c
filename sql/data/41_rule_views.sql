/* Rules: all their versions, and those in force, settings, prices, detectors and limits among them. */

create or replace view rewards.rules as
select r.rule, r.key, r.value, r.valid_from, r.recorded_at, r.updated_by,
	r.value is not null and r.id = (
		select n.id from rewards.rule n
		where n.rule = r.rule and n.key = r.key and n.valid_from <= now()
		order by n.valid_from desc, n.id desc limit 1) as in_force,
	r.id as version
from rewards.rule r;
comment on view rewards.rules is 'every version of every rule; value NULL ends one. version: what the setter returned, and admin_log has in arguments';

create or replace view rewards.settings as
select d.name, coalesce(r.value ->> 'value', d.default_value) as value, d.default_value, d.description,
	r.updated_by, r.recorded_at as updated_at
from rewards.setting_defaults() d
left join lateral (
	select r.value, r.updated_by, r.recorded_at from rewards.rule r
	where r.rule = 'setting' and r.key = d.name and r.valid_from <= now()
	order by r.valid_from desc, r.id desc limit 1) r on true;
comment on view rewards.settings is 'the programme''s settings; set_setting() changes them';

/* ---- what is rewarded ---- */

create or replace view rewards.tiers as
select r.key as tier, r.value ->> 'title' as title, (r.value ->> 'points')::numeric as points,
	(r.value ->> 'vram_above')::numeric as vram_above, (r.value ->> 'vram_upto')::numeric as vram_upto,
	r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'tier' and r.in_force;
comment on view rewards.tiers is 'tiers in force; points a request, VRAM in GB (above, upto]';

create or replace view rewards.services as
select r.key as service, r.value ->> 'endpoint_suffix' as endpoint_suffix, (r.value ->> 'points')::numeric as points,
	(r.value ->> 'provider_per_token')::numeric as provider_per_token, (r.value ->> 'user_base')::numeric as user_base,
	(r.value ->> 'user_per_token')::numeric as user_per_token, r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'service' and r.in_force;
comment on view rewards.services is 'services in force; points NULL = the tier''s';

create or replace view rewards.model_patterns as
select r.key::integer as position, r.value ->> 'pattern' as pattern, r.value ->> 'but_not' as but_not,
	r.value ->> 'tier' as tier, r.value ->> 'match' as match, r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'model_pattern' and r.in_force;
comment on view rewards.model_patterns is 'name patterns in force, tried by position';

create or replace view rewards.referral_rates as
select r.key as kind, l.level::integer as level, l.rate::numeric as rate, r.valid_from, r.updated_by
from rewards.rules r cross join lateral jsonb_array_elements_text(r.value -> 'rates') with ordinality l(rate, level)
where r.rule = 'referral_rates' and r.in_force;
comment on view rewards.referral_rates is 'referral rates in force, one row a kind and level';

create or replace view rewards.referral_kinds as
select k.referrer_kind, k.referee_kind, coalesce((r.value ->> 'allowed')::boolean, k.referrer_kind = k.referee_kind) as allowed,
	r.valid_from, r.updated_by
from (values ('provider', 'provider'), ('provider', 'user'), ('user', 'provider'), ('user', 'user')) k(referrer_kind, referee_kind)
left join rewards.rules r on r.rule = 'referral_kinds' and r.key = k.referrer_kind || '/' || k.referee_kind and r.in_force;
comment on view rewards.referral_kinds is 'which kinds may refer which now; valid_from NULL where no rule says so (R11)';

create or replace view rewards.bonuses as
select r.value ->> 'event' as event, r.value ->> 'kind' as kind, (r.value ->> 'amount')::numeric as amount,
	(r.value ->> 'recipient_level')::integer as recipient_level, r.valid_from, r.updated_by,
	(r.value ->> 'threshold')::integer as threshold, (r.value ->> 'hold')::interval as hold
from rewards.rules r where r.rule = 'bonus' and r.in_force;
comment on view rewards.bonuses is
	'bonuses in force; recipient_level 0 is the account itself, 1 its referrer; threshold: at how many requests or days; hold: how long it cannot be disposed of';

create or replace view rewards.streak_multipliers as
select r.value ->> 'kind' as kind, (r.value ->> 'days')::integer as days, (r.value ->> 'multiplier')::numeric as multiplier,
	r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'streak_multiplier' and r.in_force;
comment on view rewards.streak_multipliers is 'what streaks multiply points by, from how many days on';

create or replace view rewards.campaigns as
select c.name, (c.value ->> 'multiplier')::numeric as multiplier, c.since, nullif(c.until, 'infinity') as until,
	c.value ->> 'kind' as kind, c.value ->> 'service' as service, c.value ->> 'tier' as tier,
	c.since <= now() and now() < c.until as running, c.updated_by
from (
	select r.key as name, r.value, r.valid_from as since, r.updated_by,
		least((r.value ->> 'until')::timestamptz, lead(r.valid_from, 1, 'infinity') over (partition by r.key order by r.valid_from, r.id)) as until
	from rewards.rule r where r.rule = 'campaign'
) c
where c.value is not null and c.since < c.until;
comment on view rewards.campaigns is
	'all campaigns, past, running and to come; until NULL is without end, kind, service and tier NULL are all of them. Cancelled ones are in rewards.rules (F1)';

/* ---- prices ---- */

create or replace view rewards.pricing_history as
select r.key as config_key, trim_scale((r.value ->> 'price_per_unit')::numeric) as price_per_unit, r.value ->> 'unit' as unit,
	r.valid_from, r.updated_by, r.recorded_at
from rewards.rule r where r.rule = 'price';
comment on view rewards.pricing_history is 'every price that was ever set; the last recorded of those valid at a time counts (C10, C11)';

create or replace view rewards.pricing as
select r.key as config_key, trim_scale((r.value ->> 'price_per_unit')::numeric) as price_per_unit, r.value ->> 'unit' as unit,
	r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'price' and r.in_force;
comment on view rewards.pricing is 'prices in force, in credits per unit; they count while is_mainnet() (C1, C10)';

/* ---- abuse ---- */

create or replace view rewards.detectors as
select d.name, coalesce((r.value ->> 'enabled')::boolean, true) as enabled,
	d.parameters || coalesce(r.value -> 'parameters', '{}') as parameters, d.description, r.valid_from, r.updated_by
from rewards.detector_defaults() d
left join rewards.rules r on r.rule = 'detector' and r.key = d.name and r.in_force;
comment on view rewards.detectors is 'detectors of abuse with the parameters they go by; valid_from NULL where set_detector() has said nothing (A2)';

create or replace view rewards.rate_limits as
select r.value ->> 'subject' as subject, r.value ->> 'kind' as kind, (r.value ->> 'max')::integer as max, (r.value ->> 'per')::interval as per,
	r.value ->> 'action' as action, r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'rate_limit' and r.in_force;
comment on view rewards.rate_limits is 'limits in force; kind NULL: calls by both kinds, usage of users (A4)';
