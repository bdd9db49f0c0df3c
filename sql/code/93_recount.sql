/* Usage rewarded again: rerate() books what rows lack by all that is recorded now, simulate() compares programmes. */

create function rewards.rerate_rows(since timestamptz, until timestamptz,
		out kind text, out account text, out entry text, out booked numeric, out now_due numeric,
		out usage_id bigint, out created_at timestamptz, out account_number bigint, out corrections integer, out correction rewards.distribution)
	returns setof record
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.rerate_rows(timestamptz, timestamptz) from public;
comment on function rewards.rerate_rows(timestamptz, timestamptz) is
	'what each usage row of a range has brought each account, where all that is recorded now gives it more or less; behind rerate()';

create function rewards.simulate_rows(since timestamptz, until timestamptz, preset text, changes jsonb,
		out kind text, out account text, out entry text, out booked numeric, out now_due numeric,
		out usage_id bigint, out created_at timestamptz, out account_number bigint, out corrections integer, out correction rewards.distribution)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.simulate_rows(timestamptz, timestamptz, text, jsonb) from public;
comment on function rewards.simulate_rows(timestamptz, timestamptz, text, jsonb) is
	'what the usage of a range has brought accounts, and what it would have under other rules; to be added up; behind simulate()';

create function rewards.check_range(since timestamptz, until timestamptz) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_not_null(since, 'since');
	perform rewards.check_not_null(until, 'until');
	if until <= since then
		raise exception 'until must be later than since'
			using errcode = 'invalid_parameter_value', hint = 'The range goes from since on, up to and not including until.';
	end if;
end
$$;
revoke all on function rewards.check_range(timestamptz, timestamptz) from public;
comment on function rewards.check_range(timestamptz, timestamptz) is '22004 or 22023 for what is no range of time';

/* ---- rerate ---- */

create function rewards.register_named(kind text, account text, joined_at timestamptz) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	number bigint := rewards.find_account(register_named.kind, register_named.account);
begin
	/* where nobody may be registered, such as on a writer of several nodes, who is known has to do */
	if number is not null then
		return number;
	end if;
	/* as posting does: what a row names counts, whatever auto_register says */
	insert into rewards.account (kind, name, joined_at) values (register_named.kind, register_named.account, register_named.joined_at)
	on conflict do nothing;
	return rewards.find_account(register_named.kind, register_named.account);
end
$$;
revoke all on function rewards.register_named(text, text, timestamptz) from public;
comment on function rewards.register_named(text, text, timestamptz) is 'the number of an account that a usage row names, registered if need be';

create function rewards.book_corrections(since timestamptz, until timestamptz, reason text)
	returns table (usage_id bigint, kind text, account text, entry text, booked numeric, now_due numeric)
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with due as materialized (
		select r.* from rewards.rerate_rows(book_corrections.since, book_corrections.until) r
	), programme as materialized (
		select rewards.setting('time_zone') as zone, nullif(rewards.setting('closed_until'), 'none')::date as closed_until,
			rewards.caller()::text as actor
	), entered as (
		insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause, reverses_source, reverses_id,
			model, requests, tokens)
		select case when (d.created_at at time zone p.zone)::date <= p.closed_until
				then (p.closed_until + 1)::timestamp at time zone p.zone else d.created_at end,
			case d.entry when 'creator' then 2 when 'cost' then 3 else 1 end,
			coalesce(d.correction, rewards.one_share(n.number, 'adjustment', 0,
				case d.entry when 'cost' then d.booked - d.now_due else d.now_due - d.booked end)), book_corrections.reason, p.actor,
			'rerate', n.number, concat_ws(' ', d.usage_id, d.entry, d.corrections + 1), 'usage_logs', d.usage_id,
			u.model, u.requests, u.requests * u.tokens
		from (
			/* names are registered in order, as posting does: nobody waits in a circle */
			select * from due
			order by due.account_number is not null, case when due.account_number is null then due.account end collate "C",
				case when due.account_number is null then due.kind end, due.usage_id
		) d
		cross join programme p
		cross join lateral (
			select coalesce(d.account_number, rewards.register_named(d.kind, d.account, d.created_at)) as number offset 0) n
		cross join lateral (
			/* whether the model's requests become one more or less */
			select case when d.entry = 'creator' then coalesce(u.model, m.id) end as model, u.input_tokens::bigint + u.output_tokens as tokens,
				case when d.entry = 'creator' then (d.now_due <> 0)::integer - (d.booked <> 0)::integer else 0 end as requests
			from rewards.usage_logs u left join rewards.model m on u.model is null and m.character_id = u.character_id
			where u.id = d.usage_id) u
	)
	select d.usage_id, d.kind, d.account, d.entry, d.booked, d.now_due from due d order by d.usage_id, d.entry, d.kind, d.account
$$;
revoke all on function rewards.book_corrections(timestamptz, timestamptz, text) from public;
comment on function rewards.book_corrections(timestamptz, timestamptz, text) is 'books what rerate_rows() finds and returns it; rerate() calls it, with the journal locked against another';

create function rewards.rerate(since timestamptz, until timestamptz, reason text, dry_run boolean default true)
	returns table (usage_id bigint, kind text, account text, entry text, booked numeric, now_due numeric)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	lines bigint;
	started bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_range(since, until);
	perform rewards.check_not_null(reason, 'reason');
	perform rewards.check_not_null(dry_run, 'dry_run');
	perform rewards.tell_removed(since, until);
	if dry_run then
		return query
		select r.usage_id, r.kind, r.account, r.entry, r.booked, r.now_due
		from rewards.rerate_rows(since, until) r order by r.usage_id, r.entry, r.kind, r.account;
		return;
	end if;
	/* its snapshot would not see what another rerate books while it waits */
	if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
		raise exception 'rerate() cannot book in a REPEATABLE READ or SERIALIZABLE transaction'
			using errcode = 'active_sql_transaction', hint = 'Call it in a READ COMMITTED transaction, or with dry_run true.';
	end if;
	/* one after the other, and not while usage is reversed; writers and posting go on */
	lock table rewards.journal in share update exclusive mode;
	/* who reverses by a snapshot of before this would not see what is booked here: written, so that it fails instead */
	update rewards.installation set version = version;
	started := rewards.last_number();
	return query select * from rewards.book_corrections(since, until, reason);
	get diagnostics lines = row_count;
	perform rewards.lock_wallet(c.account, 3::smallint, c.amount)
	from (
		select j.account, sum(rewards.amount_of(j.distribution)) as amount
		from rewards.journal j where j.unit = 3 and j.event = 'rerate' and j.id > started
		group by j.account order by j.account) c;
	update rewards.unrated_usage n set mended_at = clock_timestamp()
	from rewards.usage_logs u
	where n.mended_at is null and u.id = n.usage_id and u.created_at >= rerate.since and u.created_at < rerate.until;
	perform rewards.log_call('rerate', jsonb_build_object('since', since, 'until', until, 'reason', reason, 'dry_run', dry_run), null,
		jsonb_build_object('corrections', lines), rewards.caller()::text);
end
$$;
revoke all on function rewards.rerate(timestamptz, timestamptz, text, boolean) from public;
comment on function rewards.rerate(timestamptz, timestamptz, text, boolean) is
	'rewards usage created from since up to until again, by what was valid then and is recorded now, and returns where that differs from what was booked; with dry_run false it books the differences as adjustments, after which it finds nothing. 25001 for booking under REPEATABLE READ or SERIALIZABLE';

/* ---- simulate: the rules ---- */

create function rewards.rule_fields() returns table (rule text, field text, type text, required boolean, lowest numeric, most numeric)
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	values
		('tier', 'points', 'amount', true, 0::numeric, 9223372036.854775807),
		('tier', 'vram_above', 'amount', false, 0, 9223372036.854775807),
		('tier', 'vram_upto', 'amount', false, 0, 9223372036.854775807),
		('tier', 'title', 'text', false, null, null),
		('service', 'endpoint_suffix', 'text', true, null, null),
		('service', 'points', 'amount', false, 0, 9223372036.854775807),
		('service', 'provider_per_token', 'amount', false, 0, 9223372036.854775807),
		('service', 'user_base', 'amount', false, 0, 9223372036.854775807),
		('service', 'user_per_token', 'amount', false, 0, 9223372036.854775807),
		('model_pattern', 'pattern', 'text', true, null, null),
		('model_pattern', 'tier', 'text', true, null, null),
		('model_pattern', 'but_not', 'text', false, null, null),
		('model_pattern', 'match', 'match', false, null, null),
		('user_share', 'share', 'amount', true, 0, 1),
		('creator_rate', 'rate', 'amount', true, 0, 9223372036.854775807),
		('referral_rates', 'rates', 'rates', true, 0, 1),
		('referral_kinds', 'allowed', 'boolean', true, null, null),
		('campaign', 'multiplier', 'amount', true, 0, 1000),
		('campaign', 'until', 'time', false, null, null),
		('campaign', 'kind', 'kind', false, null, null),
		('campaign', 'service', 'text', false, null, null),
		('campaign', 'tier', 'text', false, null, null),
		('streak_multiplier', 'kind', 'kind', true, null, null),
		('streak_multiplier', 'days', 'count', true, 1, 36500),
		('streak_multiplier', 'multiplier', 'amount', true, 0, 1000),
		('uptime_points', 'points_per_hour', 'amount', true, 0, 9223372036.854775807),
		('bonus', 'event', 'event', true, null, null),
		('bonus', 'kind', 'kind', true, null, null),
		('bonus', 'amount', 'amount', true, 0, 9223372036.854775807),
		('bonus', 'recipient_level', 'count', true, 0, 32),
		('bonus', 'threshold', 'count', false, 1, 2147483647),
		('bonus', 'hold', 'interval', false, null, null),
		('price', 'price_per_unit', 'amount', true, 0, 9223372036.854775807),
		('price', 'unit', 'price_unit', true, null, null),
		('mainnet', 'on', 'boolean', true, null, null),
		('setting', 'value', 'text', true, null, null)
$$;
revoke all on function rewards.rule_fields() from public;
comment on function rewards.rule_fields() is 'what the values of rules are made of, for rules that do not come from setters';

create function rewards.field_fits(value jsonb, type text, lowest numeric, most numeric) returns boolean
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	word text := value #>> '{}';
begin
	case type
		when 'amount', 'count' then
			/* one after the other: only a number can be cast */
			return case when jsonb_typeof(value) <> 'number' then false
				else word::numeric between lowest and most and word::numeric = trunc(word::numeric, case type when 'amount' then 9 else 0 end) end;
		when 'rates' then
			return case when jsonb_typeof(value) <> 'array' then false
				else jsonb_array_length(value) <= 32
					and coalesce((select bool_and(rewards.field_fits(r, 'amount', lowest, most)) from jsonb_array_elements(value) r), true) end;
		else
	end case;
	if type = 'boolean' then
		return jsonb_typeof(value) = 'boolean';
	elsif jsonb_typeof(value) <> 'string' then
		return false;
	end if;
	case type
		when 'price_unit' then return word in ('token', '1000_tokens', '1000000_tokens', 'request');
		when 'match' then return word in ('contains', 'prefix', 'suffix', 'exact');
		when 'kind' then return word in ('user', 'provider');
		when 'event' then return word in ('signup', 'milestone', 'trial', 'streak');
		when 'time' then return word::timestamptz is not null;
		when 'interval' then return word::interval >= interval '0';
		else return word <> '';
	end case;
exception when invalid_datetime_format or datetime_field_overflow or interval_field_overflow then
	return false;
end
$$;
revoke all on function rewards.field_fits(jsonb, text, numeric, numeric) from public;
comment on function rewards.field_fits(jsonb, text, numeric, numeric) is 'whether a piece of a rule''s value is of its type and range';

create function rewards.rule_key_fits(rule text, key text, value jsonb) returns boolean
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select case rule
		when 'user_share' then key = ''
		when 'uptime_points' then key = ''
		when 'mainnet' then key = ''
		when 'referral_rates' then key in ('user', 'provider')
		when 'referral_kinds' then key ~ '^(user|provider)/(user|provider)$'
		when 'model_pattern' then key ~ '^\d{1,9}$'
		/* of these keys repeat what the value says */
		when 'bonus' then value is null
			or key = concat_ws('/', value ->> 'event', value ->> 'kind', value ->> 'recipient_level', value ->> 'threshold')
		when 'streak_multiplier' then value is null or key = concat_ws('/', value ->> 'kind', value ->> 'days')
		/* only default_tier changes what is simulated, and days stay as they are */
		when 'setting' then key in (select d.name from rewards.setting_defaults() d)
			and (key <> 'time_zone' or value ->> 'value' = rewards.setting(key))
		when 'creator_rate' then true
		else key <> '' end
$$;
revoke all on function rewards.rule_key_fits(text, text, jsonb) from public;
comment on function rewards.rule_key_fits(text, text, jsonb) is 'whether a rule can have this key';

create function rewards.check_changed_rule(rule text, key text, value jsonb) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	content jsonb := nullif(value, 'null');
	fault text;
begin
	if jsonb_typeof(content) <> 'object' then
		fault := 'it is neither an object nor null';
	elsif not rewards.rule_key_fits(rule, key, content) then
		fault := format('%s cannot have the key "%s"', rule, key);
	elsif content is not null then
		select case when f.field is null then format('it has no "%s"', v.key)
			when nullif(v.value, 'null') is null then format('"%s" is missing', f.field)
			else format('"%s" cannot be %s', f.field, v.value) end
		into fault
		from (select * from rewards.rule_fields() r where r.rule = check_changed_rule.rule) f
		full join jsonb_each(content) v on v.key = f.field
		where f.field is null or case when nullif(v.value, 'null') is null then f.required
			else not rewards.field_fits(v.value, f.type, f.lowest, f.most) end
		order by f.field is null desc, f.field, v.key limit 1;
	end if;
	if fault is not null then
		raise exception 'invalid value of rule % "%": %', rule, key, fault
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.rules shows what keys and values look like.';
	end if;
end
$$;
revoke all on function rewards.check_changed_rule(text, text, jsonb) from public;
comment on function rewards.check_changed_rule(text, text, jsonb) is '22023 for what cannot be a version of a rule; value NULL or null passes';

create function rewards.check_changes(changes jsonb) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	named record;
	changed record;
begin
	if jsonb_typeof(changes) <> 'object' then
		raise exception 'changes must be a JSON object'
			using errcode = 'invalid_parameter_value', hint = 'Write them as {"<rule>": {"<key>": {...}}}, null for the value to end a rule.';
	end if;
	for named in select c.key as rule, c.value from jsonb_each(changes) c order by 1 loop
		if not exists (select from rewards.rule_fields() f where f.rule = named.rule) then
			raise exception 'there is no rule "%"', named.rule
				using errcode = 'invalid_parameter_value',
					hint = (select 'Rules are ' || string_agg(distinct f.rule, ', ') || '.' from rewards.rule_fields() f);
		elsif jsonb_typeof(named.value) <> 'object' then
			raise exception 'changes of rule % must be a JSON object', named.rule
				using errcode = 'invalid_parameter_value', hint = 'Write them as {"<rule>": {"<key>": {...}}}, null for the value to end a rule.';
		end if;
		for changed in select c.key, c.value from jsonb_each(named.value) c order by 1 loop
			perform rewards.check_changed_rule(named.rule, changed.key, changed.value);
		end loop;
	end loop;
end
$$;
revoke all on function rewards.check_changes(jsonb) from public;
comment on function rewards.check_changes(jsonb) is '22023 for changes that simulate() cannot take';

/* the C core reads these columns by position, as those of rewards.rule */
create function rewards.simulated_rules(preset text, changes jsonb)
	returns table (id bigint, rule text, key text, value jsonb, valid_from timestamptz, seen_from bigint, sure_from bigint)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with changed as materialized (
		select c.key as rule, k.key collate "C" as key, nullif(k.value, 'null') as value
		from jsonb_each(changes) c cross join lateral jsonb_each(c.value) k
	), preset_kind as materialized (
		select p.rule from unnest('{cxmpute,cxmpute_guide,creator}'::text[]) n(preset) cross join lateral rewards.preset_rules(n.preset) p
		where p.rule <> 'setting'
	), programme as (
		select r.id, r.rule, r.key, r.value, r.valid_from from rewards.rule r
		where simulated_rules.preset is null or r.rule not in (select k.rule from preset_kind k)
		union all
		select 0, p.rule, p.key, p.value, '-infinity' from rewards.preset_rules(simulated_rules.preset) p where p.rule <> 'setting'
	)
	select p.id, p.rule, p.key, p.value, p.valid_from, 0::bigint, 0::bigint from programme p
	where not exists (select from changed c where c.rule = p.rule and c.key = p.key)
	union all
	select 0, c.rule, c.key, c.value, '-infinity', 0, 0 from changed c where c.value is not null
$$;
revoke all on function rewards.simulated_rules(text, jsonb) from public;
comment on function rewards.simulated_rules(text, jsonb) is
	'the rules of a simulation: those recorded, or with a preset its own instead of all that presets have; and changes, which hold at all times';

/* ---- simulate: what is no usage ---- */

create function rewards.simulated_bonuses(since timestamptz, until timestamptz, preset text, changes jsonb)
	returns table (kind text, account text, entry text, amount numeric)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with version as materialized (
		select r.rule, r.key, r.value, r.valid_from as since,
			lead(r.valid_from, 1, 'infinity') over (partition by r.rule, r.key order by r.valid_from, r.id) as until
		from rewards.simulated_rules(simulated_bonuses.preset, simulated_bonuses.changes) r where r.rule in ('bonus', 'service')
	), bonus as materialized (
		select v.key, v.since, v.until, v.value ->> 'event' as event, v.value ->> 'kind' as kind, (v.value ->> 'amount')::numeric as amount,
			(v.value ->> 'recipient_level')::integer as level, coalesce((v.value ->> 'threshold')::integer, 0) as threshold
		from version v where v.rule = 'bonus' and (v.value ->> 'amount')::numeric > 0
	), before as materialized (
		/* what was done by usage that has been removed */
		select s.account, sum(s.referred_most)::bigint as requests, array_agg(s.name) as services
		from rewards.removed_sum s
		where s.sort = 'a' and exists (select from rewards.removal r where r.first = s.first
			and not exists (select from rewards.usage_partition p where p.first = r.first))
		group by s.account
	), nth as (
		/* the requests of those who were referred, from then on, in order of arrival */
		select a.kind, a.name, u.created_at as at, row_number() over (partition by a.id order by u.id)
			+ coalesce(b.requests, 0) as place
		from rewards.account a join rewards.usage_logs u on u.user_id = a.name and u.id > a.seen_from and u.created_at >= a.referred_at
		left join before b on b.account = a.id
		where a.kind = 'user' and u.status_code between 200 and 299
			and exists (select from bonus b where b.event = 'milestone' and b.kind = 'user')
		union all
		select a.kind, a.name, u.created_at, row_number() over (partition by a.id order by u.id)
			+ coalesce(b.requests, 0)
		from rewards.account a join rewards.usage_logs u on u.provider_id = a.name and u.id > a.seen_from and u.created_at >= a.referred_at
		left join before b on b.account = a.id
		where a.kind = 'provider' and u.status_code between 200 and 299
			and exists (select from bonus b where b.event = 'milestone' and b.kind = 'provider')
	), first_use as (
		select 'user' as kind, u.user_id as name, u.service, min(u.id) as id
		from rewards.usage_logs u
		where u.status_code between 200 and 299 and exists (select from bonus b where b.event = 'trial' and b.kind = 'user')
		group by u.user_id, u.service
		union all
		select 'provider', u.provider_id, u.service, min(u.id)
		from rewards.usage_logs u
		where u.status_code between 200 and 299 and u.provider_id is not null
			and exists (select from bonus b where b.event = 'trial' and b.kind = 'provider')
		group by u.provider_id, u.service
	), feat(event, kind, name, threshold, at) as materialized (
		select 'signup', a.kind, a.name, 0, a.referred_at from rewards.account a where a.referrer is not null
		union all
		select 'milestone', n.kind, n.name, n.place, n.at from nth n
		where n.place in (select b.threshold from bonus b where b.event = 'milestone')
		union all
		select 'trial', f.kind, f.name, 0, u.created_at
		from first_use f join rewards.usage_logs u on u.id = f.id
		where not exists (
			select from before b join rewards.account a on a.id = b.account
			where a.kind = f.kind and a.name = f.name and f.service = any (b.services))
		and exists (
			select from version v
			where v.rule = 'service' and v.key = f.service and v.since <= u.created_at and v.until > u.created_at and v.value is not null
				/* one without points is not on trial */
				and ((v.value ->> 'points') is null or (v.value ->> 'points')::numeric <> 0
					or (v.value ->> 'user_base')::numeric <> 0 or (v.value ->> 'user_per_token')::numeric <> 0
					or (v.value ->> 'provider_per_token')::numeric <> 0))
	), granted as materialized (
		select f.kind, f.name, b.event, b.level, b.amount, f.at
		from feat f join bonus b on b.event = f.event and b.kind = f.kind and b.threshold = f.threshold and b.since <= f.at and b.until > f.at
		where f.at >= simulated_bonuses.since and f.at < simulated_bonuses.until
	)
	select coalesce(r.kind, g.kind), coalesce(r.name, g.name), g.event || '_bonus', g.amount
	from granted g
	/* one by one by index: how many they are nobody can tell beforehand */
	left join lateral rewards.chain_above(
		(select a.id from rewards.account a where a.name = g.name and a.kind = g.kind), g.at, g.level) c on c.level = g.level
	left join rewards.account r on r.id = c.account
	where g.level = 0 or r.id is not null
	union all
	/* grants for days in a row are those made, at the price of these rules */
	select a.kind, a.name, 'streak_bonus', b.amount
	from rewards.journal j
	join bonus b on b.key = j.event and b.since <= j.created_at and b.until > j.created_at
	join rewards.account a on a.id = j.account
	where b.event = 'streak' and j.created_at >= simulated_bonuses.since and j.created_at < simulated_bonuses.until
$$;
revoke all on function rewards.simulated_bonuses(timestamptz, timestamptz, text, jsonb) from public;
comment on function rewards.simulated_bonuses(timestamptz, timestamptz, text, jsonb) is
	'bonuses that the rules of a simulation grant for what happened in a range';

create function rewards.simulated_uptime(since timestamptz, until timestamptz, preset text, changes jsonb)
	returns table (kind text, account text, entry text, amount numeric)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with version as materialized (
		select r.rule, r.key, r.value, r.valid_from as since,
			lead(r.valid_from, 1, 'infinity') over (partition by r.rule, r.key order by r.valid_from, r.id) as until
		from rewards.simulated_rules(simulated_uptime.preset, simulated_uptime.changes) r
		where r.rule = 'uptime_points' or (r.rule = 'referral_rates' and r.key = 'provider')
	), own as (
		select t.account, d.at, round((p.value ->> 'points_per_hour')::numeric * t.seconds / 3600, 9) as amount
		from rewards.uptime t
		cross join lateral (select t.day::timestamp at time zone rewards.setting('time_zone') as at) d
		join version p on p.rule = 'uptime_points' and p.since <= d.at and p.until > d.at
		where d.at >= simulated_uptime.since and d.at < simulated_uptime.until
	), paid(account, entry, amount) as (
		select o.account, 'work', o.amount from own o
		union all
		select c.account, 'referral', round(o.amount * (r.value -> 'rates' ->> (c.level - 1))::numeric, 9)
		from own o join version r on r.rule = 'referral_rates' and r.since <= o.at and r.until > o.at
		cross join lateral rewards.chain_above(o.account, o.at, jsonb_array_length(r.value -> 'rates')) c
		where c.level > 0
	)
	select a.kind, a.name, p.entry, p.amount from paid p join rewards.account a on a.id = p.account where p.amount <> 0
$$;
revoke all on function rewards.simulated_uptime(timestamptz, timestamptz, text, jsonb) from public;
comment on function rewards.simulated_uptime(timestamptz, timestamptz, text, jsonb) is
	'what the rules of a simulation give for the uptime of the days that begin in a range';

create function rewards.simulate(preset text, since timestamptz, until timestamptz, changes jsonb default '{}')
	returns table (kind text, account text, entry text, actual numeric, simulated numeric)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
	perform rewards.require_installed();
	perform rewards.check_range(since, until);
	if preset is not null and not exists (select from rewards.preset_rules(preset)) then
		raise exception 'there is no preset "%"', preset
			using errcode = 'invalid_parameter_value', hint = 'Presets are cxmpute, cxmpute_guide and creator; NULL stands for the rules recorded.';
	end if;
	perform rewards.check_changes(changes);
	perform rewards.tell_removed(since, until);
	return query
	select l.kind, l.account, l.entry, trim_scale(sum(l.actual)), trim_scale(sum(l.simulated))
	from (
		select r.kind, r.account, r.entry, r.booked as actual, r.now_due as simulated
		from rewards.simulate_rows(since, until, preset, changes) r
		union all
		select a.kind, a.name, s.entry, s.amount, 0
		from rewards.journal j cross join lateral rewards.shares(j.distribution) s join rewards.account a on a.id = s.account_number
		where j.created_at >= simulate.since and j.created_at < simulate.until
			and (s.entry in ('signup_bonus', 'milestone_bonus', 'trial_bonus', 'streak_bonus') or j.event = 'uptime')
		union all
		select b.kind, b.account, b.entry, 0, b.amount from rewards.simulated_bonuses(since, until, preset, changes) b
		union all
		select u.kind, u.account, u.entry, 0, u.amount from rewards.simulated_uptime(since, until, preset, changes) u
	) l
	group by l.kind, l.account, l.entry
	having sum(l.actual) <> 0 or sum(l.simulated) <> 0
	order by l.kind, l.account collate "C", l.entry;
end
$$;
revoke all on function rewards.simulate(text, timestamptz, timestamptz, jsonb) from public;
comment on function rewards.simulate(text, timestamptz, timestamptz, jsonb) is
	'what accounts got for what happened from since up to until, and what they would have got under a preset instead, or under the recorded rules (preset NULL), with changes that hold at all times; writes nothing';
