/*
 * For analysts: what the totals of the whole programme should be, in plain SQL, for
 * verify() and for an older version's rows; and a line for the eye.  The views are in
 * sql/data/45_analyst_views.sql.
 */

create function rewards.posted() returns bigint
	language sql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	as $$ select c.last from rewards.cursor c where c.single $$;
revoke all on function rewards.posted() from public;
comment on function rewards.posted() is
	'up to which number totals hold the rows, but for open stretches; views compare with it rather than with a subquery, so that the planner knows how little lies above';

/* its cost is what it is where it is not called, for the planner's sake */
create function rewards.value_of_referees(account bigint) returns numeric
	language sql stable parallel unsafe cost 1
	security definer set search_path = pg_catalog, pg_temp
as $$
	select trim_scale(coalesce(sum(case m.unit when 3 then -m.amount else m.amount end), 0))
	from rewards.account r
	join rewards.month_total m on m.account = r.id
	where r.referrer = value_of_referees.account
		and case m.unit when 1 then abs(m.entry) < 12 when 2 then abs(m.entry) = 4 when 3 then abs(m.entry) = 2 end
$$;
revoke all on function rewards.value_of_referees(bigint) from public;
comment on function rewards.value_of_referees(bigint) is
	'folded points, creator earnings and cost of direct referees, added up from their totals; top_influencers asks for it on an aggregator alone';

/* ---- what totals should be ---- */

create function rewards.traffic_of_rows(since date, until date)
	returns table (day date, dow smallint, hour smallint, service text, tier text, requests bigint, failed bigint,
		input_tokens bigint, output_tokens bigint, provider_points numeric, user_points numeric, creator_earnings numeric, cost numeric)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	set jit = off
as $$
	with way as materialized (
		select rewards.setting('time_zone') as zone, rewards.folded_numbers() as folded, rewards.folded_numbers() - rewards.removed_numbers() as kept
	), movement as (
		select u.created_at at time zone w.zone as at, u.service, u.tier, s.succeeded as requests, 1 - s.succeeded as failed,
			s.succeeded * u.input_tokens::bigint as input_tokens, s.succeeded * u.output_tokens::bigint as output_tokens,
			u.provider_points, u.user_points, u.creator_earnings, u.cost
		from way w, rewards.usage_logs u
		cross join lateral (select (u.status_code between 200 and 299)::integer) s(succeeded)
		where u.id <@ w.kept
			and (since is null or u.created_at >= (since - 2)::timestamp at time zone 'UTC')
			and (until is null or u.created_at < (until + 2)::timestamp at time zone 'UTC')
		union all
		select r.day + make_interval(hours => r.hour), r.service, r.tier, r.requests, r.failed, r.input_tokens, r.output_tokens,
			r.provider_points, r.user_points, r.creator_earnings, r.cost
		from rewards.removed_traffic r
		union all
		/* what was taken back or corrected counts where the entry does */
		select j.created_at at time zone w.zone, u.service, u.tier, r.requests, 0, r.requests * u.input_tokens::bigint, r.requests * u.output_tokens::bigint,
			case j.unit when 1 then s.work end, case j.unit when 1 then s.usage end, case j.unit when 2 then s.amount end, case j.unit when 3 then -s.amount end
		from way w, rewards.journal j
		left join lateral (
			select u.service, u.tier, u.input_tokens, u.output_tokens from rewards.usage_logs u where u.id = j.reverses_id
			union all
			select r.service, r.tier, r.input_tokens, r.output_tokens from rewards.removed_usage r where r.id = j.reverses_id
			limit 1) u on true
		cross join lateral (select case when j.event = 'reversal' and j.unit = 1 then j.requests else 0 end) r(requests)
		cross join lateral (
			select sum(s.amount) as amount, sum(s.amount) filter (where s.entry = 'work') as work, sum(s.amount) filter (where s.entry = 'usage') as usage
			from rewards.shares(j.distribution) s) s
		where j.id <@ w.folded and j.reverses_source = 'usage_logs' and j.unit <= 3
	)
	select m.at::date, extract(dow from m.at)::smallint, extract(hour from m.at)::smallint, coalesce(m.service, ''), coalesce(m.tier, ''),
		sum(m.requests)::bigint, sum(m.failed)::bigint, coalesce(sum(m.input_tokens), 0)::bigint, coalesce(sum(m.output_tokens), 0)::bigint,
		coalesce(sum(m.provider_points), 0), coalesce(sum(m.user_points), 0), coalesce(sum(m.creator_earnings), 0), coalesce(sum(m.cost), 0)
	from movement m
	where (since is null or m.at >= since) and (until is null or m.at < until)
	group by 1, 2, 3, 4, 5
$$;
revoke all on function rewards.traffic_of_rows(date, date) from public;
comment on function rewards.traffic_of_rows(date, date) is
	'folded requests of some days by day, hour, service and tier, computed from the rows and what was taken back of them';

create function rewards.attendance_of_totals()
	returns table (day date, users bigint, week_change bigint, month_change bigint, new_users bigint)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	set jit = off
as $$
	with visit as (
		select t.day, lead(t.day) over a as next, lag(t.day) over a is null as first
		from rewards.day_total t
		where t.unit = 1 and t.entry = 2 and t.level = 0 and t.events > 0
		window a as (partition by t.account order by t.day)
	), change as (
		select v.day, 1 as users, 1 as week, 1 as month, v.first::integer as new from visit v
		union all
		select least(v.day + 7, v.next), 0, -1, 0, 0 from visit v
		union all
		select least(v.day + 30, v.next), 0, 0, -1, 0 from visit v
	)
	select c.day, sum(c.users), sum(c.week), sum(c.month), sum(c.new)
	from change c group by c.day having sum(c.users) <> 0 or sum(c.week) <> 0 or sum(c.month) <> 0
$$;
revoke all on function rewards.attendance_of_totals() from public;
comment on function rewards.attendance_of_totals() is 'the table attendance as the daily totals of accounts have it';

create function rewards.cohorts_of_totals() returns table (cohort date, week integer, users bigint)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	set jit = off
as $$
	with visit as (
		select t.account, date_trunc('week', t.day::timestamp)::date as monday,
			date_trunc('week', (min(t.day) over (partition by t.account))::timestamp)::date as cohort
		from rewards.day_total t
		where t.unit = 1 and t.entry = 2 and t.level = 0 and t.events > 0
	)
	select v.cohort, (v.monday - v.cohort) / 7, count(distinct v.account) from visit v group by 1, 2
$$;
revoke all on function rewards.cohorts_of_totals() from public;
comment on function rewards.cohorts_of_totals() is 'the table cohort as the daily totals of accounts have it';

create function rewards.model_days_of_rows()
	returns table (owner bigint, model text, day date, events bigint, tokens bigint, amount numeric, new_users bigint)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	set jit = off
as $$
	with way as materialized (
		select rewards.setting('time_zone') as zone, rewards.folded_numbers() as folded, rewards.folded_numbers() - rewards.removed_numbers() as kept
	), use as materialized (
		select u.id, u.user_id, s.account_number as owner, u.model, u.created_at, u.input_tokens::bigint + u.output_tokens as tokens, s.amount
		from way w, rewards.usage_logs u
		cross join lateral rewards.shares(u.distribution) s
		where u.id <@ w.kept and u.model is not null and u.creator_earnings <> 0 and s.entry = 'creator'
	), earning as (
		select u.owner, u.model, u.created_at, 1 as events, u.tokens, u.amount, 0 as new_users from use u
		union all
		select s.account_number, j.model, j.created_at, j.requests, j.tokens, s.amount, 0
		from way w, rewards.journal j
		cross join lateral rewards.shares(j.distribution) s
		where j.id <@ w.folded and j.unit = 2 and j.model is not null
		union all
		(select distinct on (u.model, u.user_id) u.owner, u.model, u.created_at, 0, 0, 0, 1
		from use u where not exists (select from rewards.removal) order by u.model, u.user_id, u.created_at, u.id)
		union all
		/* of removed rows nothing else tells whose first use it was */
		select m.owner, m.model, m.first_at, 0, 0, 0, 1 from rewards.model_user m where exists (select from rewards.removal)
	)
	select l.owner, l.model, l.day, sum(l.events)::bigint, sum(l.tokens)::bigint, sum(l.amount), sum(l.new_users)::bigint
	from (
		select e.owner, e.model, (e.created_at at time zone w.zone)::date as day, e.events, e.tokens, e.amount, e.new_users from way w, earning e
		union all
		select r.account, r.name, r.day, r.events, r.tokens, r.amount, 0 from rewards.removed_sum r where r.sort = 'o' and r.name is not null
	) l group by l.owner, l.model, l.day
$$;
revoke all on function rewards.model_days_of_rows() from public;
comment on function rewards.model_days_of_rows() is 'what models have earned by owner and day, and users new to them, computed from the folded rows';

/* ---- verify, and rows of an older version ---- */

create function rewards.verify_analysts(since date, until date)
	returns table (part text, subject text, expected text, found text, detail text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	/* as verify_totals() has it */
	set work_mem = '64MB'
as $$
	with traffic as materialized (
		select * from rewards.traffic_of_rows(since, until)
	), line as (
		/* what should be and what is, as one row each; the days of a range can be told, sums over all of them not */
		select 'traffic_day' as part, concat_ws(' ', t.day, nullif(t.service, ''), nullif(t.tier, '')) as subject,
			row(sum(t.requests), sum(t.failed), sum(t.input_tokens), sum(t.output_tokens), trim_scale(sum(t.provider_points)), trim_scale(sum(t.user_points)),
				trim_scale(sum(t.creator_earnings)), trim_scale(sum(t.cost)))::text as value, true as should
		from traffic t group by t.day, t.service, t.tier
		union all
		select 'traffic_day', concat_ws(' ', t.day, nullif(t.service, ''), nullif(t.tier, '')),
			row(t.requests, t.failed, t.input_tokens, t.output_tokens, trim_scale(t.provider_points), trim_scale(t.user_points),
				trim_scale(t.creator_earnings), trim_scale(t.cost))::text, false
		from rewards.traffic_day t where (since is null or t.day >= since) and (until is null or t.day < until)
		union all
		select 'traffic_hour', concat_ws(' ', t.dow, t.hour, nullif(t.service, ''), nullif(t.tier, '')),
			row(sum(t.requests), sum(t.failed), sum(t.input_tokens), sum(t.output_tokens), trim_scale(sum(t.provider_points)), trim_scale(sum(t.user_points)),
				trim_scale(sum(t.creator_earnings)), trim_scale(sum(t.cost)))::text, true
		from traffic t where since is null and until is null group by t.dow, t.hour, t.service, t.tier
		union all
		select 'traffic_hour', concat_ws(' ', t.dow, t.hour, nullif(t.service, ''), nullif(t.tier, '')),
			row(t.requests, t.failed, t.input_tokens, t.output_tokens, trim_scale(t.provider_points), trim_scale(t.user_points),
				trim_scale(t.creator_earnings), trim_scale(t.cost))::text, false
		from rewards.traffic_hour t where since is null and until is null
		union all
		select 'attendance', t.day::text, row(t.users, t.week_change, t.month_change, t.new_users)::text, true
		from rewards.attendance_of_totals() t where since is null and until is null
		union all
		select 'attendance', t.day::text, row(t.users, t.week_change, t.month_change, t.new_users)::text, false
		from rewards.attendance t
		where since is null and until is null and (t.users <> 0 or t.week_change <> 0 or t.month_change <> 0 or t.new_users <> 0)
		union all
		select 'cohort', t.cohort || ' week ' || t.week, t.users::text, true from rewards.cohorts_of_totals() t where since is null and until is null
		union all
		select 'cohort', t.cohort || ' week ' || t.week, t.users::text, false
		from rewards.cohort t where since is null and until is null and t.users <> 0
		union all
		select 'model_day', concat_ws(' ', 'user "' || (select a.name from rewards.account a where a.id = t.owner) || '"', t.model, t.day), row(t.events, t.tokens, trim_scale(t.amount), t.new_users)::text, true
		from rewards.model_days_of_rows() t where since is null and until is null
		union all
		select 'model_day', concat_ws(' ', 'user "' || (select a.name from rewards.account a where a.id = t.owner) || '"', t.model, t.day), row(t.events, t.tokens, trim_scale(t.amount), t.new_users)::text, false
		from rewards.model_day t where since is null and until is null
	)
	select l.part, l.subject, max(l.value) filter (where l.should), max(l.value) filter (where not l.should),
		case when l.part in ('attendance', 'cohort') then 'differs from the daily totals of accounts' else 'differs from the sum of its rows' end
	from line l group by l.part, l.subject
	having max(l.value) filter (where l.should) is distinct from max(l.value) filter (where not l.should)
$$;
revoke all on function rewards.verify_analysts(date, date) from public;
comment on function rewards.verify_analysts(date, date) is
	'totals for analysts that are not what rows and daily totals of accounts give, computed in plain SQL; with a range only traffic of its days';

create function rewards.fill_analysts() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	insert into rewards.traffic_day
	select t.day, t.service, t.tier, sum(t.requests), sum(t.failed), sum(t.input_tokens), sum(t.output_tokens), sum(t.provider_points),
		sum(t.user_points), sum(t.creator_earnings), sum(t.cost)
	from rewards.traffic_of_rows(null, null) t group by t.day, t.service, t.tier;
	insert into rewards.traffic_hour
	select t.dow, t.hour, t.service, t.tier, sum(t.requests), sum(t.failed), sum(t.input_tokens), sum(t.output_tokens), sum(t.provider_points),
		sum(t.user_points), sum(t.creator_earnings), sum(t.cost)
	from rewards.traffic_of_rows(null, null) t group by t.dow, t.hour, t.service, t.tier;
	insert into rewards.attendance select * from rewards.attendance_of_totals();
	insert into rewards.cohort select * from rewards.cohorts_of_totals();
	insert into rewards.model_day select * from rewards.model_days_of_rows();
	/* posting kept when it first met somebody, which need not be the first time */
	update rewards.model_user m set owner = f.owner, first_at = f.created_at
	from (
		select distinct on (u.model, a.id) u.model, a.id as account, s.account_number as owner, u.created_at
		from rewards.usage_logs u
		join rewards.account a on a.kind = 'user' and a.name = u.user_id
		cross join lateral rewards.shares(u.distribution) s
		where u.id <@ (select rewards.folded_numbers()) and u.model is not null and u.creator_earnings <> 0 and s.entry = 'creator'
		order by u.model, a.id, u.created_at, u.id
	) f
	where m.model = f.model and m.account = f.account and m.first_at > f.created_at;
end
$$;
revoke all on function rewards.fill_analysts() from public;
comment on function rewards.fill_analysts() is 'fills the totals for analysts from all that is folded, when they are new; install() calls it';

/* ---- for the eye ---- */

create function rewards.spark(account text, kind text default 'user') returns text
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	/* it checks the arguments and the reader; blocks of one to eight eighths, the lowest for zero */
	return (
		select string_agg(chr(9601 + case when h.total > 0 then ceil(7 * h.total / h.most)::integer else 0 end), '' order by h.day)
		from (select h.day, h.total, max(h.total) over () as most from rewards.earning_history(spark.account, spark.kind, 30) h) h);
end
$$;
revoke all on function rewards.spark(text, text) from public;
comment on function rewards.spark(text, text) is
	'points of the last 30 days as a line of 30 blocks, today last: the highest day is a full block, a day without points the lowest (N4)';
