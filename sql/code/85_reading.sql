/* What applications read by call.  All STABLE, under the caller's snapshot; unknown accounts are zeros. */

create function rewards.account_lines(account text, kind text, grain text, since date default '-infinity')
	returns table (period date, unit smallint, entry smallint, level smallint, amount numeric, events bigint, tokens bigint)
	as 'MODULE_PATHNAME' language c stable parallel unsafe;
revoke all on function rewards.account_lines(text, text, text, date) from public;
comment on function rewards.account_lines(text, text, text, date) is 'one account''s totals, folded and not, by day or month, from a day on';

create function rewards.earning_history(account text, kind text default 'user', days integer default 30)
	returns table (day date, own numeric, referral numeric, bonus numeric, total numeric)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	last date;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_reader(account, kind);
	perform rewards.check_not_null(days, 'days');
	if days not between 1 and 36600 then
		raise exception 'days must be between 1 and 36600'
			using errcode = 'invalid_parameter_value', hint = 'It counts back from today, today included.';
	end if;
	last := rewards.today();
	return query
	select d.day,
		trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) in (1, 2)), 0)),
		trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 3), 0)),
		trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) between 5 and 11), 0)),
		trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) < 12), 0))
	from (select last - n as day from generate_series(days - 1, 0, -1) n) d
	left join rewards.account_lines(earning_history.account, earning_history.kind, 'day', last - days + 1) l
		on l.period = d.day and l.unit = 1
	group by d.day order by d.day;
end
$$;
revoke all on function rewards.earning_history(text, text, integer) from public;
comment on function rewards.earning_history(text, text, integer) is
	'points of the last days, one row a day, today last; days without any are zeros (N4)';

create function rewards.account_sums(account text, kind text, month date,
		out own_points numeric, out referral_points numeric, out bonus_points numeric, out total_points numeric,
		out creator_earnings numeric, out requests bigint, out tokens bigint, out today_points numeric, out lifetime_points numeric,
		out named_at timestamptz, out last_at timestamptz)
	as 'MODULE_PATHNAME' language c stable parallel unsafe;
revoke all on function rewards.account_sums(text, text, date) from public;
comment on function rewards.account_sums(text, text, date) is
	'what account_summary() shows of an account''s totals, folded and not, in one reading of the tail; month NULL is all time';

create function rewards.account_summary(account text, kind text, month date)
	returns table (own_points numeric, referral_points numeric, bonus_points numeric, total_points numeric,
		creator_earnings numeric, requests bigint, tokens bigint, today_points numeric, lifetime_points numeric,
		referrer text, referees bigint, code text, joined_at timestamptz, last_active_at timestamptz)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	first date := rewards.month_argument(account_summary.month);
	sums record;
	owner record;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_reader(account, kind);
	select t.* into sums
	from rewards.account_sums(account_summary.account, account_summary.kind, first) t;
	select a.id, a.referrer, a.joined_at into owner from rewards.account a
	where a.name = account_summary.account and a.kind = account_summary.kind;
	return query
	select sums.own_points, sums.referral_points, sums.bonus_points, sums.total_points, sums.creator_earnings,
		sums.requests, sums.tokens, sums.today_points, sums.lifetime_points,
		(select r.name from rewards.account r where r.id = owner.referrer),
		(select count(*) from rewards.account r where r.referrer = owner.id),
		rewards.current_code(owner.id),
		coalesce(owner.joined_at, sums.named_at),
		nullif(greatest((select v.last_at from rewards.activity v where v.account = owner.id), sums.last_at), '-infinity');
end
$$;
revoke all on function rewards.account_summary(text, text, date) from public;
comment on function rewards.account_summary(text, text, date) is
	'one row with what a dashboard shows of an account, for the month of a date, NULL for all time (N1, N3)';

create function rewards.account_summary(account text, kind text default 'user', month text default null)
	returns table (own_points numeric, referral_points numeric, bonus_points numeric, total_points numeric,
		creator_earnings numeric, requests bigint, tokens bigint, today_points numeric, lifetime_points numeric,
		referrer text, referees bigint, code text, joined_at timestamptz, last_active_at timestamptz)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	return query select * from rewards.account_summary(account_summary.account, account_summary.kind,
		rewards.month_argument(account_summary.month));
end
$$;
revoke all on function rewards.account_summary(text, text, text) from public;
comment on function rewards.account_summary(text, text, text) is 'the same for a month: NULL the current one, ''2025-01'', ''all'' all time';

/* not in SQL: what is not inlined would be planned anew in each call */
create function rewards.held_part(number bigint, unit smallint) returns numeric
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return case when held_part.unit = 3 then rewards.open_holds(number, now()) else
		coalesce((
			select sum(s.amount)
			from rewards.journal j cross join lateral rewards.shares(j.distribution) s
			where j.account = number and j.held_until > now() and j.unit = held_part.unit and s.account_number = number
				and not exists (
					select from rewards.journal r
					where r.event = 'reversal' and r.account = number and r.cause = 'journal ' || j.id)
				and not rewards.is_revoked(number, s.entry, j.created_at, j.id)), 0)
		+ coalesce((
			select sum(p.amount) from rewards.payout p
			where p.account = number and p.unit = held_part.unit and p.status in ('requested', 'approved')), 0) end;
end
$$;
revoke all on function rewards.held_part(bigint, smallint) from public;
comment on function rewards.held_part(bigint, smallint) is
	'what an account has and cannot dispose of: bonuses in their hold and open payouts, or credits held for requests';

create function rewards.balance(account text, kind text default 'user', unit text default 'points')
	returns table (earned numeric, reversed numeric, paid_out numeric, held numeric, staked numeric, available numeric)
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.balance(text, text, text) from public;
comment on function rewards.balance(text, text, text) is
	'what an account has earned in a unit (of credits and tokens: added less spent and expired), what of it was taken back, paid out or staked, what is held, and what it can dispose of';

create function rewards.statement(account text, kind text default 'user', since date default null, until date default null)
	returns table (day date, unit text, entry text, level integer, events bigint, amount numeric, balance numeric)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_reader(account, kind);
	return query
	with line as (
		select l.period, l.unit, l.entry, l.level, sum(l.events)::bigint as events, trim_scale(sum(l.amount)) as amount
		from rewards.account_lines(statement.account, statement.kind, 'day') l
		group by l.period, l.unit, l.entry, l.level
	), running as (
		select l.*, trim_scale(sum(l.amount) over (partition by l.unit order by l.period, l.amount < 0, l.entry, l.level)) as balance
		from line l
	)
	select r.period, rewards.unit_name(r.unit), rewards.entry_name(r.entry), r.level::integer, r.events, r.amount, r.balance
	from running r
	where (statement.since is null or r.period >= statement.since)
		and (statement.until is null or r.period < statement.until)
	order by r.unit, r.period, r.amount < 0, r.entry, r.level;
end
$$;
revoke all on function rewards.statement(text, text, date, date) from public;
comment on function rewards.statement(text, text, date, date) is
	'an account''s entries by programme day, kind of movement and level, of each day first what came in, with the running balance of each unit; since inclusive, until exclusive';

create function rewards.shares_of(usage_id bigint)
	returns table (kind text, account text, entry text, level integer, amount numeric)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	limited boolean;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(usage_id, 'usage_id');
	limited := rewards.is_limited();
	return query
	select w.kind, w.name, s.entry, s.level, s.amount
	from rewards.usage_logs u
	cross join lateral rewards.shares(u.distribution) with ordinality s(account_number, entry, level, amount, place)
	left join rewards.account a on a.id = s.account_number
	cross join lateral (
		select coalesce(a.kind, case s.entry when 'work' then 'provider' else 'user' end),
			coalesce(a.name, case s.entry when 'work' then u.provider_id else u.user_id end)) w(kind, name)
	where u.id = shares_of.usage_id and (not limited or (w.kind, w.name) = (select m.kind, m.account from rewards.me() m))
	order by s.place;
end
$$;
revoke all on function rewards.shares_of(bigint) from public;
comment on function rewards.shares_of(bigint) is 'who got what from one usage row; a member is shown its own shares';

create function rewards.explain_reward(usage_id bigint)
	returns table (kind text, account text, entry text, level integer, amount numeric, rule text,
		base numeric, rate numeric, multiplier numeric, note text)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	limited boolean;
	me record := rewards.me();
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(usage_id, 'usage_id');
	limited := rewards.is_limited();
	if not limited and exists (select from rewards.unrated_usage n where n.usage_id = explain_reward.usage_id) then
		return query select null::text, null::text, 'creator'::text, 0, 0::numeric, null::text, null::numeric, null::numeric, null::numeric,
			'computing it failed then: ' || n.error
		from rewards.unrated_usage n where n.usage_id = explain_reward.usage_id;
	end if;
	return query
	select x.kind, x.account, x.entry, x.level, x.amount, x.rule, x.base, x.rate, x.multiplier, x.note
	from (
		select 0::bigint, e.place, coalesce(a.kind, own.kind), coalesce(a.name, own.name), e.entry, e.level, e.amount,
			e.rule, e.base, e.rate, trim_scale(e.multiplier), e.note
		from rewards.usage_logs u
		cross join lateral (
			select row_number() over () as place, s.*
			from rewards.explain_shares(case when u.id not in (select n.usage_id from rewards.unrated_usage n) then u.id end) s) e
		left join rewards.account a on a.id = e.account_number
		left join lateral (values ('work', 'provider', u.provider_id), ('usage', 'user', u.user_id), ('cost', 'user', u.user_id)) own(entry, kind, name)
			on own.entry = e.entry and own.name is not null
		where u.id = explain_reward.usage_id and (not limited or (coalesce(a.kind, own.kind), coalesce(a.name, own.name)) = (me.kind, me.account))
		union all
		select j.id, s.place, a.kind, a.name, s.entry, s.level, s.amount,
			case j.event when 'rerate' then 'correction of ' || split_part(j.cause, ' ', 2) else 'reversal' end, null, null, null, j.reason
		from rewards.journal j
		cross join lateral (select row_number() over () as place, d.* from rewards.shares(j.distribution) d) s
		join rewards.account a on a.id = s.account_number
		where j.reverses_source = 'usage_logs' and j.reverses_id = explain_reward.usage_id and j.event in ('rerate', 'reversal') and j.unit < 3
			and (not limited or (a.kind, a.name) = (me.kind, me.account))
	) x(correction, place, kind, account, entry, level, amount, rule, base, rate, multiplier, note)
	order by x.correction, x.place;
end
$$;
revoke all on function rewards.explain_reward(bigint) from public;
comment on function rewards.explain_reward(bigint) is
	'each share of a usage row with its rule, base, rate and multiplier, and in note why a share is not there; then what rerate() has added to it or reverse_usage() has taken back, and why; a member is shown its own shares';

create function rewards.audit_reward(usage_id bigint)
	returns table (kind text, account text, entry text, level integer, amount numeric, origin text, key text, version bigint, value jsonb,
		valid_from timestamptz, recorded_at timestamptz, updated_by text, log_id bigint, call text, session_role text)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(usage_id, 'usage_id');
	return query
	with origin as (
		select e.*, o.place, split_part(o.origin, ' ', 1) as source, split_part(o.origin, ' ', 2)::bigint as version,
			row_number() over () as line
		from rewards.explain_shares(audit_reward.usage_id) e cross join lateral unnest(e.origins) with ordinality o(origin, place)
		where e.amount <> 0
	), made as (
		select 'rule' as source, r.id as version, r.rule as origin, r.key, r.value, r.valid_from, r.recorded_at, r.updated_by
		from rewards.rule r
		union all
		select 'account_fact', f.id, 'account_' || f.fact, a.name, to_jsonb(f.number), f.valid_from, f.recorded_at, f.updated_by
		from rewards.account_fact f join rewards.account a on a.id = f.account
		union all
		select 'model_fact', f.id, 'model_' || f.fact, f.model, coalesce(to_jsonb(a.name), to_jsonb(f.tier), to_jsonb(f.number)), f.valid_from, f.recorded_at, f.updated_by
		from rewards.model_fact f left join rewards.account a on a.id = f.account
	)
	select coalesce(a.kind, own.kind), coalesce(a.name, own.name), o.entry, o.level, o.amount, m.origin, m.key, o.version, m.value,
		m.valid_from, m.recorded_at, m.updated_by, l.id, l.call, l.session_role
	from origin o
	join made m on m.source = o.source and m.version = o.version
	join rewards.usage_logs u on u.id = audit_reward.usage_id
	left join rewards.account a on a.id = o.account_number
	left join lateral (values ('work', 'provider', u.provider_id), ('usage', 'user', u.user_id), ('cost', 'user', u.user_id)) own(entry, kind, name)
		on own.entry = o.entry and own.name is not null
	left join rewards.admin_log l on case o.source
		when 'rule' then l.arguments -> 'versions' @> to_jsonb(o.version)
		when 'account_fact' then l.call = 'set_multiplier' and l.arguments -> 'facts' @> to_jsonb(o.version)
		else l.call in ('set_model_owner', 'register_model') and l.arguments -> 'facts' @> to_jsonb(o.version) end
	order by o.line;
end
$$;
revoke all on function rewards.audit_reward(bigint) from public;
comment on function rewards.audit_reward(bigint) is
	'what each share of a usage row rests on: the version of each rule, multiplier and fact of the model that counted for it, and the call in admin_log that made it; log_id NULL for what was made before calls named their versions (X2)';

create function rewards.model_earnings(user_id text) returns jsonb
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	result jsonb;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(user_id, 'user_id');
	perform rewards.check_reader(user_id, 'user');
	with mine as (
		select m.model_id from rewards.user_models m where m.user_id = model_earnings.user_id
		union
		select e.model_id from rewards.model_creator_earnings e where e.creator_id = model_earnings.user_id
	), line as (
		select i.model_id, m.name, m.category, c.name as character_name, c.image, m.created_at,
			coalesce(e.total_usage_count, 0) as usage_count, coalesce(e.total_tokens_consumed, 0) as tokens,
			coalesce(e.total_earnings, 0) as earnings, e.last_usage_at, e.updated_at
		from mine i
		left join rewards.model m on m.id = i.model_id
		left join rewards.character c on c.id = m.character_id
		left join rewards.model_creator_earnings e on e.model_id = i.model_id and e.creator_id = model_earnings.user_id
	)
	select jsonb_build_object('success', true,
		'totalTokens', coalesce(sum(l.tokens), 0),
		'totalEarnings', trim_scale(coalesce(sum(l.earnings), 0)),
		'modelsCount', count(*) filter (where l.usage_count > 0),
		'models', coalesce(jsonb_agg(jsonb_build_object(
			'modelId', l.model_id, 'modelName', l.name, 'modelCategory', l.category,
			'characterName', l.character_name, 'characterImage', l.image,
			'totalUsageCount', l.usage_count, 'totalTokensConsumed', l.tokens, 'totalEarnings', l.earnings,
			'lastUsageAt', l.last_usage_at, 'createdAt', l.created_at, 'updatedAt', greatest(l.updated_at, l.created_at))
			order by l.earnings desc, l.model_id), '[]'))
	into result from line l;
	return result;
end
$$;
revoke all on function rewards.model_earnings(text) from public;
comment on function rewards.model_earnings(text) is
	'a creator''s models with their earnings as JSON, best first; zeros and an empty list for who has none (E7, E8, K6)';
