/* Rules: appended, never changed.  The setters, the settings, the presets. */

create function rewards.rule_value(rule text, key text, at timestamptz default clock_timestamp()) returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$
	select r.value from rewards.rule r
	where r.rule = rule_value.rule and r.key = rule_value.key and r.valid_from <= at
	order by r.valid_from desc, r.id desc limit 1
	$$;
revoke all on function rewards.rule_value(text, text, timestamptz) from public;
comment on function rewards.rule_value(text, text, timestamptz) is 'a rule''s value in force at a time, by all that is recorded now';

create function rewards.add_rule(rule text, key text, value jsonb, valid_from timestamptz, updated_by text) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
begin
	perform rewards.check_not_null(valid_from, 'valid_from');
	perform rewards.check_not_null(updated_by, 'updated_by');
	/*
	 * One setter at a time: rules become known in the order of their ids.  A
	 * mode that lets posting settle older rules meanwhile.
	 */
	lock table rewards.rule in share update exclusive mode;
	insert into rewards.rule (rule, key, value, valid_from, seen_from, updated_by)
	values (rule, key, value, valid_from, rewards.last_number(), updated_by)
	returning id into number;
	perform rewards.signal_change('rewards.rule');
	return number;
end
$$;
revoke all on function rewards.add_rule(text, text, jsonb, timestamptz, text) from public;
comment on function rewards.add_rule(text, text, jsonb, timestamptz, text) is
	'appends a version of a rule, value NULL ends it; returns its id';

create function rewards.set_rule(call text, arguments jsonb, rule text, key text, value jsonb, valid_from timestamptz, updated_by text) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	before jsonb;
	number bigint;
begin
	perform rewards.check_not_null(valid_from, 'valid_from');
	/* as add_rule() does, but before this is read: so that it is what was before */
	lock table rewards.rule in share update exclusive mode;
	before := rewards.rule_value(rule, key, valid_from);
	number := rewards.add_rule(rule, key, value, valid_from, updated_by);
	perform rewards.log_call(call, arguments || jsonb_build_object('rule', rule, 'key', key, 'valid_from', valid_from,
		'versions', jsonb_build_array(number)), before, value, updated_by);
	return number;
end
$$;
revoke all on function rewards.set_rule(text, jsonb, text, text, jsonb, timestamptz, text) from public;
comment on function rewards.set_rule(text, jsonb, text, text, jsonb, timestamptz, text) is
	'what the setters have in common: append the rule, record the call with its arguments and the version it made';

create function rewards.changed_rules(versions bigint[], out before jsonb, out after jsonb) returns record
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select coalesce(jsonb_object_agg(c.rule, c.before), '{}'), coalesce(jsonb_object_agg(c.rule, c.after), '{}')
	from (
		select r.rule, jsonb_object_agg(r.key, o.value) as before, jsonb_object_agg(r.key, r.value) as after
		from rewards.rule r
		left join lateral (
			select p.value from rewards.rule p
			where p.rule = r.rule and p.key = r.key and p.valid_from <= r.valid_from and p.id <> all (versions)
			order by p.valid_from desc, p.id desc limit 1) o on true
		where r.id = any (versions) group by r.rule
	) c
$$;
revoke all on function rewards.changed_rules(bigint[]) from public;
comment on function rewards.changed_rules(bigint[]) is
	'what was in force before versions of rules that were just made, and what they say: by rule and key';

create function rewards.check_tier(tier text) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if tier is not null and not exists (select from rewards.rule r where r.rule = 'tier' and r.key = tier and r.value is not null) then
		raise exception 'unknown tier "%"', tier
			using errcode = 'invalid_parameter_value', hint = 'Make it first by rewards.set_tier().';
	end if;
end
$$;
revoke all on function rewards.check_tier(text) from public;
comment on function rewards.check_tier(text) is '22023 for a tier that no rule has made';

create function rewards.set_tier(tier text, points numeric, vram_above numeric default null, vram_upto numeric default null,
		title text default null, valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_id(tier, 'tier');
	perform rewards.check_amount(points, 'points');
	perform rewards.check_amount(vram_above, 'vram_above');
	perform rewards.check_amount(vram_upto, 'vram_upto');
	if octet_length(tier) > 63 then
		raise exception 'tier name is too long'
			using errcode = 'invalid_parameter_value', hint = 'A tier''s name has at most 63 bytes.';
	elsif vram_upto <= vram_above then
		raise exception 'vram_upto must be greater than vram_above'
			using errcode = 'invalid_parameter_value', hint = 'The range of a tier is (vram_above, vram_upto].';
	end if;
	return rewards.set_rule('set_tier', jsonb_build_object('tier', tier, 'points', points, 'vram_above', vram_above,
			'vram_upto', vram_upto, 'title', title), 'tier', tier,
		case when points is not null then jsonb_build_object('points', points,
			'vram_above', vram_above, 'vram_upto', vram_upto, 'title', title) end,
		valid_from, updated_by);
end
$$;
revoke all on function rewards.set_tier(text, numeric, numeric, numeric, text, timestamptz, text) from public;
comment on function rewards.set_tier(text, numeric, numeric, numeric, text, timestamptz, text) is
	'a tier''s points per request and the VRAM range in GB (above, upto] that places a model in it; points NULL ends the tier (P1)';

create function rewards.set_service(service text, endpoint_suffix text, points numeric default null,
		provider_per_token numeric default 0, user_base numeric default 0, user_per_token numeric default 0,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_id(service, 'service');
	perform rewards.check_amount(points, 'points');
	perform rewards.check_amount(provider_per_token, 'provider_per_token');
	perform rewards.check_amount(user_base, 'user_base');
	perform rewards.check_amount(user_per_token, 'user_per_token');
	if service = 'other' then
		raise exception 'service "other" cannot be set'
			using errcode = 'invalid_parameter_value', hint = 'It stands for endpoints that no service claims.';
	elsif endpoint_suffix !~ '^/[^?#\s]*[^/?#\s]$' then
		raise exception 'invalid endpoint suffix "%"', endpoint_suffix
			using errcode = 'invalid_parameter_value', hint = 'A suffix is the end of a path and begins with a slash, as in /chat/completions.';
	end if;
	return rewards.set_rule('set_service', jsonb_build_object('service', service, 'endpoint_suffix', endpoint_suffix, 'points', points,
			'provider_per_token', provider_per_token, 'user_base', user_base, 'user_per_token', user_per_token), 'service', service,
		case when endpoint_suffix is not null then jsonb_build_object('endpoint_suffix', endpoint_suffix,
			'points', points, 'provider_per_token', coalesce(provider_per_token, 0),
			'user_base', coalesce(user_base, 0), 'user_per_token', coalesce(user_per_token, 0)) end,
		valid_from, updated_by);
end
$$;
revoke all on function rewards.set_service(text, text, numeric, numeric, numeric, numeric, timestamptz, text) from public;
comment on function rewards.set_service(text, text, numeric, numeric, numeric, numeric, timestamptz, text) is
	'a service: the end of its endpoints'' paths, the provider''s points a request (NULL = the tier''s) and output token, the user''s points a request and token; endpoint_suffix NULL ends it (P4, P8)';

create function rewards.set_model_pattern("position" integer, pattern text, tier text, but_not text default null,
		match text default 'contains', valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null("position", 'position');
	if "position" < 0 then
		raise exception 'position must not be negative'
			using errcode = 'invalid_parameter_value', hint = 'Patterns are tried in the order of their positions.';
	elsif pattern is not null then
		perform rewards.check_id(pattern, 'pattern');
		perform rewards.check_id(tier, 'tier');
		perform rewards.check_tier(tier);
		if but_not is not null then
			perform rewards.check_id(but_not, 'but_not');
		end if;
		if match is null or match not in ('contains', 'prefix', 'suffix', 'exact') then
			raise exception 'unknown match "%"', match
				using errcode = 'invalid_parameter_value', hint = 'Use contains, prefix, suffix or exact.';
		end if;
	end if;
	return rewards.set_rule('set_model_pattern', jsonb_build_object('position', "position", 'pattern', pattern, 'tier', tier,
			'but_not', but_not, 'match', match), 'model_pattern', "position"::text,
		case when pattern is not null then jsonb_build_object('pattern', pattern, 'tier', tier,
			'but_not', but_not, 'match', match) end,
		valid_from, updated_by);
end
$$;
revoke all on function rewards.set_model_pattern(integer, text, text, text, text, timestamptz, text) from public;
comment on function rewards.set_model_pattern(integer, text, text, text, text, timestamptz, text) is
	'places models in a tier by name: case-insensitive, numbers whole, first position that hits; pattern NULL ends it (P3)';

create function rewards.set_user_share(share numeric, valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_amount(share, 'share', 1);
	return rewards.set_rule('set_user_share', jsonb_build_object('share', share), 'user_share', '',
		case when share is not null then jsonb_build_object('share', share) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_user_share(numeric, timestamptz, text) from public;
comment on function rewards.set_user_share(numeric, timestamptz, text) is
	'the part of a request''s base points that its user gets, 0.10 = 10 %; NULL ends it (P6)';

create function rewards.set_creator_rate(rate numeric, tier text default null,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_amount(rate, 'rate');
	perform rewards.check_tier(tier);
	return rewards.set_rule('set_creator_rate', jsonb_build_object('rate', rate, 'tier', tier), 'creator_rate', coalesce(tier, ''),
		case when rate is not null then jsonb_build_object('rate', rate) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_creator_rate(numeric, text, timestamptz, text) from public;
comment on function rewards.set_creator_rate(numeric, text, timestamptz, text) is
	'a creator''s earnings per token, for models of a tier or, tier NULL, of any tier without a rate of its own; NULL ends it (E1, F2)';

create function rewards.set_referral_rates(kind text, rates numeric[], valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	rate numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_kind(kind);
	if cardinality(rates) > 32 or array_ndims(rates) > 1 then
		raise exception 'too many referral levels'
			using errcode = 'invalid_parameter_value', hint = 'Give a list of 0 to 32 rates, the first for direct referrers.';
	end if;
	foreach rate in array coalesce(rates, '{}') loop
		perform rewards.check_not_null(rate, 'rate');
		perform rewards.check_amount(rate, 'rate', 1);
	end loop;
	return rewards.set_rule('set_referral_rates', jsonb_build_object('kind', kind, 'rates', rates), 'referral_rates', kind,
		case when rates is not null then jsonb_build_object('rates', rates) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_referral_rates(text, numeric[], timestamptz, text) from public;
comment on function rewards.set_referral_rates(text, numeric[], timestamptz, text) is
	'what each level of an earner''s chain gets on top of the earner''s points, 0.20 = 20 %; NULL ends it (R4, R5, R19)';

create function rewards.set_referral_kinds(referrer_kind text, referee_kind text, allowed boolean,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_kind(referrer_kind);
	perform rewards.check_kind(referee_kind);
	return rewards.set_rule('set_referral_kinds', jsonb_build_object('referrer_kind', referrer_kind, 'referee_kind', referee_kind,
			'allowed', allowed), 'referral_kinds', referrer_kind || '/' || referee_kind,
		case when allowed is not null then jsonb_build_object('allowed', allowed) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_referral_kinds(text, text, boolean, timestamptz, text) from public;
comment on function rewards.set_referral_kinds(text, text, boolean, timestamptz, text) is
	'whether accounts of one kind may refer accounts of another; NULL ends it: then equal kinds may, others not (R11)';

/* ---- settings ---- */

create function rewards.is_date(value text) returns boolean
	language plpgsql immutable strict parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return value ~ '^\d{4}-\d\d-\d\d$'
		and make_date(left(value, 4)::integer, substr(value, 6, 2)::integer, right(value, 2)::integer) is not null;
exception when datetime_field_overflow then
	return false;
end
$$;
revoke all on function rewards.is_date(text) from public;
comment on function rewards.is_date(text) is 'whether a text is a day as 2025-01-31';

create function rewards.is_span(value text) returns boolean
	language plpgsql immutable strict parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return value::interval > '0' and value::interval <= '100 years';
exception when data_exception then
	return false;
end
$$;
revoke all on function rewards.is_span(text) from public;
comment on function rewards.is_span(text) is 'whether a text is an interval above zero and up to 100 years';

create function rewards.check_setting(name text, value text) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	fits boolean;
begin
	perform rewards.check_not_null(name, 'name');
	perform rewards.check_not_null(value, 'value');
	if not exists (select from rewards.setting_defaults() d where d.name = check_setting.name) then
		raise exception 'there is no setting "%"', name
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.settings lists them.';
	end if;
	fits := case name
		when 'time_zone' then exists (select from pg_timezone_names t where t.name = check_setting.value)
		when 'auto_register' then value in ('on', 'off')
		when 'default_tier' then rewards.rule_value('tier', value) is not null
		when 'code_policy' then value in ('identity', 'generated', 'both')
		when 'credit_policy' then value in ('allow', 'enforce')
		when 'streak_grace_days' then value ~ '^\d{1,3}$' and value::integer between 0 and 365
		when 'uptime_seconds_per_day' then value ~ '^\d{1,5}$' and value::integer between 1 and 86400
		when 'earnings_alert' then value ~ '^\d{1,9}(\.\d{1,9})?$' and value::numeric > 0
		when 'low_credits' then value ~ '^\d{1,9}(\.\d{1,9})?$'
		when 'codes_after_days' then value ~ '^\d{1,4}$' and value::integer between 1 and 3650
		when 'quality_days' then value ~ '^\d{1,4}$' and value::integer between 1 and 3650
		when 'suspension_days' then value ~ '^\d{1,4}$' and value::integer between 1 and 3650
		when 'invite_prefix' then value ~ '^[A-Z0-9]{1,16}$'
		when 'invite_expiry' then value = 'none' or rewards.is_span(value)
		when 'onboarded_requests' then value ~ '^\d{1,9}$' and value::integer >= 1
		when 'quality_method' then value in ('weighted', 'recency_v1')
		when 'closed_until' then value = 'none' or rewards.is_date(value)
		when 'retention' then value = 'none' or value ~ ' (drop|detach)$' and rewards.is_span(regexp_replace(value, ' \w+$', ''))
		when 'post_delay' then rewards.is_span(value) and value::interval between '10 ms' and '1 day'
		when 'post_backlog' then value ~ '^\d{1,9}$' and value::integer >= 1
		else value ~ '^\d{1,3}$' and value::integer between 1 and 100
	end;
	if not fits then
		raise exception 'invalid value "%" for setting "%"', value, name
			using errcode = 'invalid_parameter_value',
				hint = case name
					when 'time_zone' then 'Use a full name such as Europe/Berlin; pg_timezone_names lists them.'
					when 'auto_register' then 'Use on or off.'
					when 'default_tier' then 'Use a tier of the view rewards.tiers.'
					when 'code_policy' then 'Use identity, generated or both.'
					when 'credit_policy' then 'Use allow or enforce.'
					when 'streak_grace_days' then 'Use a whole number of days from 0 to 365.'
					when 'uptime_seconds_per_day' then 'Use a whole number of seconds from 1 to 86400.'
					when 'earnings_alert' then 'Use an amount above zero, as 10 or 0.5.'
					when 'low_credits' then 'Use an amount, as 1 or 0.5, or 0 to tell nobody.'
					when 'codes_after_days' then 'Use a whole number of days from 1 to 3650.'
					when 'quality_days' then 'Use a whole number of days from 1 to 3650.'
					when 'suspension_days' then 'Use a whole number of days from 1 to 3650.'
					when 'invite_prefix' then 'Use 1 to 16 capital letters and digits.'
					when 'invite_expiry' then 'Use an interval as 90 days, or none.'
					when 'onboarded_requests' then 'Use a whole number from 1 on.'
					when 'quality_method' then 'Use weighted or recency_v1.'
					when 'closed_until' then 'Use a date as 2025-01-31, or none.'
					when 'retention' then 'Use an interval and drop or detach, as 30 days drop, or none.'
					when 'post_delay' then 'Use an interval from 10 ms to 1 day.'
					when 'post_backlog' then 'Use a whole number from 1 on.'
					else 'Use a whole number from 1 to 100.' end;
	elsif name = 'time_zone' and value <> rewards.setting('time_zone')
			and (exists (select from rewards.usage_logs) or exists (select from rewards.journal)) then
		raise exception 'the time zone is fixed once usage exists'
			using errcode = 'invalid_parameter_value', hint = 'Days and months already counted would move.';
	end if;
end
$$;
revoke all on function rewards.check_setting(text, text) from public;
comment on function rewards.check_setting(text, text) is '22023 for an unknown setting or a value it cannot have';

create function rewards.set_setting(name text, value text, updated_by text default current_user) returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	version bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_setting(name, value);
	version := rewards.set_rule('set_setting', jsonb_build_object('name', name, 'value', value), 'setting', name, jsonb_build_object('value', value),
		case name when 'time_zone' then '-infinity' else now() end, updated_by);
	/* edges may be counted by month before there is any usage, and stages of referees by either */
	if name in ('time_zone', 'active_days') then
		perform from rewards.cursor c where c.single for update;
		perform rewards.count_edges();
	end if;
	return version;
end
$$;
revoke all on function rewards.set_setting(text, text, text) from public;
comment on function rewards.set_setting(text, text, text) is 'changes a setting from now on; 22023 for unknown names and impossible values';

/* ---- presets ---- */

create function rewards.preset_rules(preset text) returns table (rule text, key text, value jsonb)
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	with tiers(rule, key, value) as (values
		('tier', 'tide_pool', jsonb '{"points": 1, "vram_above": null, "vram_upto": 4, "title": "Tide Pool"}'),
		('tier', 'blue_surge', '{"points": 3, "vram_above": 4, "vram_upto": 8, "title": "Blue Surge"}'),
		('tier', 'open_ocean', '{"points": 7, "vram_above": 8, "vram_upto": 22, "title": "Open Ocean"}'),
		('tier', 'mariana_depth', '{"points": 15, "vram_above": 22, "vram_upto": null, "title": "Mariana Depth"}'),
		('model_pattern', '10', '{"pattern": "70b", "tier": "mariana_depth", "but_not": "q4", "match": "contains"}'),
		('model_pattern', '20', '{"pattern": "70b", "tier": "open_ocean", "but_not": null, "match": "contains"}'),
		('model_pattern', '30', '{"pattern": "mixtral", "tier": "open_ocean", "but_not": null, "match": "contains"}'),
		('model_pattern', '40', '{"pattern": "8x7b", "tier": "open_ocean", "but_not": null, "match": "contains"}'),
		('model_pattern', '50', '{"pattern": "7b", "tier": "blue_surge", "but_not": null, "match": "contains"}'),
		('model_pattern', '60', '{"pattern": "mistral", "tier": "blue_surge", "but_not": null, "match": "contains"}'),
		('model_pattern', '70', '{"pattern": "llama-3-8b", "tier": "blue_surge", "but_not": null, "match": "contains"}')
	), cxmpute(rule, key, value) as (values
		('service', 'chat', jsonb '{"endpoint_suffix": "/chat/completions", "points": null, "provider_per_token": 0, "user_base": 0, "user_per_token": 0}'),
		('service', 'embeddings', '{"endpoint_suffix": "/embeddings", "points": 1, "provider_per_token": 0, "user_base": 0, "user_per_token": 0}'),
		('service', 'tts', '{"endpoint_suffix": "/tts", "points": 2, "provider_per_token": 0, "user_base": 0, "user_per_token": 0}'),
		('service', 'scrape', '{"endpoint_suffix": "/scrape", "points": 0.5, "provider_per_token": 0, "user_base": 0, "user_per_token": 0}'),
		('user_share', '', '{"share": 0.1}'),
		('referral_rates', 'provider', '{"rates": [0.2, 0.1, 0.05]}'),
		('referral_rates', 'user', '{"rates": [0.2, 0.1, 0.05]}'),
		('bonus', 'signup/user/1', '{"event": "signup", "kind": "user", "amount": 100, "recipient_level": 1, "threshold": null, "hold": null}'),
		('bonus', 'milestone/user/1/50', '{"event": "milestone", "kind": "user", "amount": 200, "recipient_level": 1, "threshold": 50, "hold": null}'),
		('bonus', 'trial/user/0', '{"event": "trial", "kind": "user", "amount": 10, "recipient_level": 0, "threshold": null, "hold": null}'),
		('streak_multiplier', 'provider/7', '{"kind": "provider", "days": 7, "multiplier": 1.05}'),
		('streak_multiplier', 'provider/30', '{"kind": "provider", "days": 30, "multiplier": 1.1}'),
		('streak_multiplier', 'provider/100', '{"kind": "provider", "days": 100, "multiplier": 1.2}'),
		('streak_multiplier', 'user/7', '{"kind": "user", "days": 7, "multiplier": 1.05}'),
		('streak_multiplier', 'user/30', '{"kind": "user", "days": 30, "multiplier": 1.1}'),
		('streak_multiplier', 'user/100', '{"kind": "user", "days": 100, "multiplier": 1.2}')
	), cxmpute_guide(rule, key, value) as (values
		('service', 'chat', jsonb '{"endpoint_suffix": "/chat/completions", "points": null, "provider_per_token": 0.0005, "user_base": 1, "user_per_token": 0.001}'),
		('service', 'embeddings', '{"endpoint_suffix": "/embeddings", "points": 1, "provider_per_token": 0.0005, "user_base": 0.5, "user_per_token": 0.0005}'),
		('service', 'tts', '{"endpoint_suffix": "/tts", "points": 2, "provider_per_token": 0.0005, "user_base": 0.8, "user_per_token": 0}'),
		('service', 'scrape', '{"endpoint_suffix": "/scrape", "points": 0.5, "provider_per_token": 0.0005, "user_base": 0.2, "user_per_token": 0}'),
		('referral_rates', 'provider', '{"rates": [0.1, 0.05, 0.025]}'),
		('referral_rates', 'user', '{"rates": [0.15, 0.08, 0.04]}'),
		('uptime_points', '', '{"points_per_hour": 0.05}'),
		('bonus', 'signup/provider/1', '{"event": "signup", "kind": "provider", "amount": 50, "recipient_level": 1, "threshold": null, "hold": null}'),
		('bonus', 'signup/user/1', '{"event": "signup", "kind": "user", "amount": 25, "recipient_level": 1, "threshold": null, "hold": null}'),
		('setting', 'code_policy', '{"value": "identity"}')
	), creator(rule, key, value) as (values
		('service', 'character_chat', jsonb '{"endpoint_suffix": "/chat", "points": 0, "provider_per_token": 0, "user_base": 0, "user_per_token": 0}'),
		('creator_rate', '', '{"rate": 0.0001}')
	), vobee(rule, key, value) as (values
		('days_reward', '', jsonb '{"reward": {"codes": 3}}'),
		('milestone', '3', '{"reward": {"codes": 3}}'),
		('milestone', '10', '{"reward": {"codes": 5}}'),
		('milestone', '25', '{"reward": {"premium": "1 month"}}'),
		('milestone', '50', '{"reward": {"codes": 10, "premium": "3 months"}}'),
		('milestone', '100', '{"reward": {"premium": "lifetime"}}'),
		('quality_bonus', '', '{"above": 0.8, "referrals": 5, "reward": {"codes": 2, "priority_support": "lifetime", "feature_preview": "lifetime"}}'),
		('quality_threshold', 'warned', '{"below": 0.3}'),
		('quality_threshold', 'paused', '{"below": 0.2}'),
		('quality_threshold', 'review', '{"below": 0.1}'),
		('rate_limit', 'share_referral', '{"subject": "share_referral", "max": 100, "per": "1 day", "action": "refuse", "kind": null}'),
		('detector', 'plus_address', '{"enabled": true, "parameters": {}}'),
		('detector', 'invalid_email', '{"enabled": true, "parameters": {}}'),
		('detector', 'disposable_domain', '{"enabled": true, "parameters": {}}'),
		('detector', 'burst', '{"enabled": true, "parameters": {}}'),
		('detector', 'silent_referees', '{"enabled": true, "parameters": {}}'),
		('detector', 'inactive_referees', '{"enabled": true, "parameters": {}}'),
		('detector', 'shared_identity', '{"enabled": true, "parameters": {}}')
	)
	select * from creator where preset in ('cxmpute', 'cxmpute_guide', 'creator', 'vobee')
	union all select * from vobee where preset = 'vobee'
	union all select * from tiers where preset in ('cxmpute', 'cxmpute_guide')
	union all select * from cxmpute where preset = 'cxmpute'
	union all select * from cxmpute_guide where preset = 'cxmpute_guide'
$$;
revoke all on function rewards.preset_rules(text) from public;
comment on function rewards.preset_rules(text) is 'the rules of a preset; none for an unknown name';

create function rewards.apply_preset(name text, valid_from timestamptz, updated_by text) returns bigint[]
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	addition boolean := name in ('creator', 'vobee');
	versions bigint[] := '{}';
	change record;
begin
	perform rewards.check_not_null(name, 'name');
	perform rewards.check_not_null(valid_from, 'valid_from');
	if not exists (select from rewards.preset_rules(name)) then
		raise exception 'there is no preset "%"', name
			using errcode = 'invalid_parameter_value', hint = 'Presets are cxmpute, cxmpute_guide, creator and vobee.';
	end if;
	lock table rewards.rule in share update exclusive mode;
	/* a whole programme also ends what other programmes have and it has not */
	for change in
		select p.rule, p.key, p.value, rewards.rule_value(p.rule, p.key, apply_preset.valid_from) as before
		from rewards.preset_rules(name) p
		union all
		select o.rule, o.key, null, rewards.rule_value(o.rule, o.key, apply_preset.valid_from)
		from (select rule, key, null::jsonb as value from rewards.preset_rules('cxmpute') where rule <> 'setting'
			union select rule, key, null from rewards.preset_rules('cxmpute_guide') where rule <> 'setting'
			/* a setting only when it is as that programme left it */
			union select rule, key, value from rewards.preset_rules('cxmpute_guide') where rule = 'setting') o
		where not addition
			and (o.value is null or o.value = rewards.rule_value(o.rule, o.key, apply_preset.valid_from))
			and not exists (select from rewards.preset_rules(name) p where p.rule = o.rule and p.key = o.key)
		order by 1, 2
	loop
		if change.before is not distinct from change.value or (addition and change.before is not null) then
			continue;
		end if;
		versions := versions || rewards.add_rule(change.rule, change.key, change.value, apply_preset.valid_from, updated_by);
	end loop;
	if versions <> '{}' then
		perform rewards.record_streaks();
	end if;
	return versions;
end
$$;
revoke all on function rewards.apply_preset(text, timestamptz, text) from public;
comment on function rewards.apply_preset(text, timestamptz, text) is
	'makes a preset''s rules the ones in force; returns the versions made. load_preset() and install() call it';

create function rewards.load_preset(name text, valid_from timestamptz default now(), updated_by text default current_user) returns integer
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	versions bigint[];
begin
	perform rewards.require_installed();
	versions := rewards.apply_preset(name, valid_from, updated_by);
	perform rewards.log_call('load_preset', jsonb_build_object('name', name, 'valid_from', load_preset.valid_from, 'versions', versions),
		c.before, c.after, updated_by)
	from rewards.changed_rules(versions) c;
	return cardinality(versions);
end
$$;
revoke all on function rewards.load_preset(text, timestamptz, text) from public;
comment on function rewards.load_preset(text, timestamptz, text) is
	'makes a preset''s rules the ones in force from a time on; creator and vobee only add what is missing. Returns how many rules changed, 0 when all were so already';
