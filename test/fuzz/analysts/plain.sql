/* The views for analysts again, from rows, journal and accounts alone. */
create schema plain;
create materialized view plain.usage as
select u.*, u.created_at at time zone 'America/New_York' as at, (u.created_at at time zone 'America/New_York')::date as day,
	u.status_code between 200 and 299 as ok,
	exists (select from rewards.journal j where j.event = 'reversal' and j.reverses_source = 'usage_logs' and j.reverses_id = u.id) as reversed
from rewards.usage_logs u;
/* who got what when: usage, what was booked about it and all else */
create materialized view plain.share as
select u.id, u.day, coalesce(a.kind, case s.entry when 'work' then 'provider' else 'user' end) as kind,
	coalesce(a.name, case s.entry when 'work' then u.provider_id else u.user_id end) as name,
	case s.entry when 'creator' then 2 else 1 end as unit, s.entry, s.amount, u.model, u.ok::integer as uses, u.input_tokens::bigint + u.output_tokens as tokens
from plain.usage u cross join lateral rewards.shares(u.distribution) s left join rewards.account a on a.id = s.account_number
union all
select u.id, u.day, 'user', u.user_id, 3, 'usage', -u.cost, null, 0, 0 from plain.usage u where u.cost <> 0
union all
select j.id, (j.created_at at time zone 'America/New_York')::date, a.kind, a.name, j.unit, s.entry, s.amount, j.model, j.requests, j.tokens
from rewards.journal j cross join lateral rewards.shares(j.distribution) s join rewards.account a on a.id = s.account_number;
/* earnings of a row with what was corrected since, unless it was taken back */
create materialized view plain.earned as
select u.id, u.creator_earnings + coalesce((
	select sum(rewards.amount_of(j.distribution)) from rewards.journal j
	where j.reverses_source = 'usage_logs' and j.reverses_id = u.id and j.unit = 2 and j.event = 'rerate'), 0) as earnings
from plain.usage u where not u.reversed;

create materialized view plain.usage_by_day as
select u.day, u.service, u.tier, count(*) filter (where u.ok and not u.reversed) as requests, count(*) filter (where not u.ok) as failed,
	coalesce(sum(u.input_tokens) filter (where u.ok and not u.reversed), 0) as input_tokens, coalesce(sum(u.output_tokens) filter (where u.ok and not u.reversed), 0) as output_tokens,
	coalesce(sum(u.provider_points) filter (where not u.reversed), 0) as provider_points, coalesce(sum(u.user_points) filter (where not u.reversed), 0) as user_points,
	coalesce(sum(e.earnings), 0) as creator_earnings, coalesce(sum(u.cost) filter (where not u.reversed), 0) as cost
from plain.usage u left join plain.earned e on e.id = u.id group by u.day, u.service, u.tier;
create view plain.usage_by_hour as
select extract(dow from u.at)::integer as dow, extract(hour from u.at)::integer as hour, u.service, u.tier, count(*) filter (where u.ok and not u.reversed) as requests, count(*) filter (where not u.ok) as failed,
	coalesce(sum(u.input_tokens) filter (where u.ok and not u.reversed), 0) as input_tokens, coalesce(sum(u.output_tokens) filter (where u.ok and not u.reversed), 0) as output_tokens,
	coalesce(sum(u.provider_points) filter (where not u.reversed), 0) as provider_points, coalesce(sum(u.user_points) filter (where not u.reversed), 0) as user_points,
	coalesce(sum(e.earnings), 0) as creator_earnings, coalesce(sum(u.cost) filter (where not u.reversed), 0) as cost
from plain.usage u left join plain.earned e on e.id = u.id group by 1, 2, u.service, u.tier;
create view plain.usage_by_service as
select date_trunc('month', d.day::timestamp)::date as month, d.service, d.tier, sum(d.requests) as requests, sum(d.failed) as failed, sum(d.input_tokens) as input_tokens,
	sum(d.output_tokens) as output_tokens, sum(d.provider_points) as provider_points, sum(d.user_points) as user_points, sum(d.creator_earnings) as creator_earnings, sum(d.cost) as cost
from plain.usage_by_day d group by 1, 2, 3;
create view plain.revenue_by_month as
select s.month, s.service, s.tier, s.cost, s.creator_earnings, s.cost - s.creator_earnings as margin from plain.usage_by_service s;

create view plain.provider_performance as
select u.day, u.provider_id, count(*) filter (where u.ok) as requests, count(*) filter (where not u.ok) as failed, round(avg(case when u.ok then 0 else 1 end), 9) as error_rate,
	/* the least latency that so many did not exceed */
	(array_agg(u.latency_ms order by u.latency_ms) filter (where u.ok and u.latency_ms is not null))[ceil(0.50 * count(u.latency_ms) filter (where u.ok))::integer] as latency_p50,
	(array_agg(u.latency_ms order by u.latency_ms) filter (where u.ok and u.latency_ms is not null))[ceil(0.95 * count(u.latency_ms) filter (where u.ok))::integer] as latency_p95,
	(array_agg(u.latency_ms order by u.latency_ms) filter (where u.ok and u.latency_ms is not null))[ceil(0.99 * count(u.latency_ms) filter (where u.ok))::integer] as latency_p99,
	coalesce((select t.seconds from rewards.uptime t join rewards.account a on a.id = t.account where a.kind = 'provider' and a.name = u.provider_id and t.day = u.day), 0) as uptime_seconds,
	coalesce((select sum(s.amount) from plain.share s where s.day = u.day and s.kind = 'provider' and s.name = u.provider_id and s.unit = 1 and s.entry = 'work'), 0) as points
from plain.usage u where u.provider_id is not null group by u.day, u.provider_id
union all
select t.day, a.name, 0, 0, null, null, null, null, t.seconds,
	coalesce((select sum(s.amount) from plain.share s where s.day = t.day and s.kind = 'provider' and s.name = a.name and s.unit = 1 and s.entry = 'work'), 0)
from rewards.uptime t join rewards.account a on a.id = t.account
where not exists (select from plain.usage u where u.day = t.day and u.provider_id = a.name);

create materialized view plain.visit as select distinct u.user_id, u.day from plain.usage u where u.ok;
create view plain.user_engagement as
select d.day, d.dau, d.wau, d.mau, d.new_users from (
	select s.day::date as day, (select count(*) from plain.visit v where v.day = s.day) as dau,
		(select count(distinct v.user_id) from plain.visit v where v.day between s.day - interval '6 days' and s.day) as wau,
		(select count(distinct v.user_id) from plain.visit v where v.day between s.day - interval '29 days' and s.day) as mau,
		(select count(*) from (select v.user_id from plain.visit v group by 1 having min(v.day) = s.day) f) as new_users
	from generate_series((select min(v.day) from plain.visit v), (now() at time zone 'America/New_York')::date, '1 day') s(day)) d
where d.mau > 0;
create view plain.retention_cohorts as
with first as (select v.user_id, date_trunc('week', min(v.day)::timestamp)::date as cohort from plain.visit v group by 1)
select f.cohort, w as week, count(distinct f.user_id) as users, count(distinct v.user_id) as active, round(count(distinct v.user_id)::numeric / count(distinct f.user_id), 9) as rate
from first f cross join lateral generate_series(0, (date_trunc('week', now() at time zone 'America/New_York')::date - f.cohort) / 7) w
left join plain.visit v on v.user_id = f.user_id and v.day between f.cohort + 7 * w and f.cohort + 7 * w + 6
group by f.cohort, w;

create materialized view plain.value as
select s.kind, s.name, sum(case when s.unit = 3 then -s.amount else s.amount end) as value
from plain.share s
where s.unit = 1 and s.entry not in ('payout', 'stake') or s.unit = 2 and s.entry = 'creator' or s.unit = 3 and s.entry = 'usage'
group by 1, 2;
create view plain.referral_funnel as
select date_trunc('month', r.created_at at time zone 'America/New_York')::date as month, i.name as inviter, count(*) as sent, count(a.id) as joined,
	count(*) filter (where c.requests >= 1 or a.onboarded_at is not null) as onboarded,
	count(*) filter (where c.days >= 3) as active, count(*) filter (where c.last_at >= a.referred_at + interval '30 days') as retained,
	round(count(a.id)::numeric / count(*), 9) as conversion, round(count(*) filter (where c.days >= 3)::numeric / nullif(count(a.id), 0), 9) as activation,
	round(count(*) filter (where c.last_at >= a.referred_at + interval '30 days')::numeric / nullif(count(a.id), 0), 9) as retention,
	coalesce(sum((select v.value from plain.value v where v.kind = a.kind and v.name = a.name)), 0) as value, i.kind
from (
	select r.inviter, r.created_at, r.referee from rewards.referral r
	union all
	select a.referrer, a.referred_at, a.id from rewards.account a where a.referrer is not null and a.id not in (select r.referee from rewards.referral r where r.referee is not null)
) r
join rewards.account i on i.id = r.inviter
left join rewards.account a on a.id = r.referee
left join lateral (
	select count(*) as requests, max(u.created_at) as last_at, count(distinct u.day) filter (where not u.reversed) as days
	from plain.usage u where u.ok and case a.kind when 'user' then u.user_id else u.provider_id end = a.name) c on true
group by 1, i.id, i.name, i.kind;
create view plain.referral_stages as
select f.month, sum(f.sent) as sent, sum(f.joined) as joined, sum(f.onboarded) as onboarded, sum(f.active) as active, sum(f.retained) as retained,
	round(sum(f.joined) / sum(f.sent), 9) as conversion, round(sum(f.active) / nullif(sum(f.joined), 0), 9) as activation,
	round(sum(f.retained) / nullif(sum(f.joined), 0), 9) as retention
from plain.referral_funnel f group by f.month;
create view plain.viral_coefficient as
with m as (
	select m.month, (select count(*) from rewards.accounts a where a.kind = 'user' and date_trunc('month', a.joined_at at time zone 'America/New_York') <= m.month) as users,
		(select count(*) from rewards.referrals r where r.kind = 'user' and date_trunc('month', r.created_at at time zone 'America/New_York') = m.month) as sent,
		(select count(*) from rewards.referrals r where r.kind = 'user' and r.referee is not null and date_trunc('month', r.created_at at time zone 'America/New_York') = m.month) as joined
	from (select distinct date_trunc('month', a.joined_at at time zone 'America/New_York')::date as month from rewards.accounts a where a.kind = 'user'
		union select date_trunc('month', r.created_at at time zone 'America/New_York')::date from rewards.referrals r where r.kind = 'user') m
)
select m.month, m.users, round(m.sent::numeric / nullif(m.users, 0), 9) as invites_per_user, round(m.joined::numeric / nullif(m.sent, 0), 9) as conversion, round(m.joined::numeric / nullif(m.users, 0), 9) as k from m;
create view plain.referral_growth as
select g.month, g.kind, g.new_referees, sum(g.new_referees) over (partition by g.kind order by g.month) as total from (
	select date_trunc('month', a.referred_at at time zone 'America/New_York')::date as month, a.kind, count(*) as new_referees
	from rewards.account a where a.referrer is not null group by 1, 2) g;
create view plain.top_influencers as
with recursive below as (
	select a.referrer as top, a.id, 1 as level from rewards.account a where a.referrer is not null
	union all
	select b.top, a.id, b.level + 1 from below b join rewards.account a on a.referrer = b.id
)
select t.name as account, t.kind, count(*) filter (where b.level = 1) as direct, count(*) as network, max(b.level) as depth,
	coalesce(sum((select v.value from plain.value v join rewards.account a on a.kind = v.kind and a.name = v.name where a.id = b.id)) filter (where b.level = 1), 0) as value
from below b join rewards.account t on t.id = b.top where b.level <= 32 group by t.id, t.name, t.kind;

create view plain.creator_trends as
with begun as (
	select distinct on (u.model, u.user_id) s.name, u.model, u.day
	from plain.usage u join plain.share s on s.id = u.id and s.entry = 'creator' and s.model = u.model
	where s.id in (select id from rewards.usage_logs) order by u.model, u.user_id, u.created_at, u.id
), line as (
	select s.day, s.name, s.model, s.uses, s.tokens, s.amount, 0 as new_users from plain.share s where s.unit = 2 and s.model is not null
	union all
	select b.day, b.name, b.model, 0, 0, 0, 1 from begun b
)
select p.period, date_trunc(p.period, l.day::timestamp)::date as since, l.name as creator_id, l.model as model_id, sum(l.uses) as usage_count, sum(l.tokens) as tokens,
	sum(l.amount) as earnings, sum(l.new_users) as new_users
from line l cross join (values ('day'), ('week'), ('month')) p(period) group by 1, 2, 3, 4;

create view plain.revenue_projection as
with day as (
	select d.day, sum(d.cost) as cost from plain.usage_by_day d group by d.day
), this as (
	select date_trunc('month', now() at time zone 'America/New_York')::date as month
), past as (
	select row_number() over (order by m) as x, (select coalesce(sum(d.cost), 0) from day d where d.day >= m and d.day < m + interval '1 month') as y
	from this t, generate_series((select date_trunc('month', min(d.day - 1)::timestamp) + interval '1 month' from day d), t.month - interval '1 month', '1 month') m
), fit as (
	select count(*) as n, regr_slope(y, x) as slope, regr_intercept(y, x) as start, sqrt((regr_syy(y, x) - regr_sxy(y, x) ^ 2 / regr_sxx(y, x)) / (count(*) - 2)) as deviation from past
)
select (t.month + make_interval(months => k))::date as month, round(greatest(f.start + f.slope * (f.n + 1 + k) - 2 * f.deviation, 0)::numeric, 4) as low,
	round(greatest(f.start + f.slope * (f.n + 1 + k), 0)::numeric, 4) as expected, round(greatest(f.start + f.slope * (f.n + 1 + k) + 2 * f.deviation, 0)::numeric, 4) as high
from this t, fit f, generate_series(0, 2) k;

create index on plain.usage (day, provider_id);
create index on plain.usage (user_id);
create index on plain.usage (provider_id);
create index on plain.share (day, name);
create index on plain.share (id);
create index on plain.visit (day);
create index on plain.earned (id);
create index on plain.value (name);

/* which columns of which views are compared */
create function plain.pair() returns table (name text, columns text) language sql as $$
	select c.relname::text, string_agg(case when c.relname = 'revenue_projection' and a.atttypid = 'numeric'::regtype then format('round(%1$I, 4) as %1$I', a.attname)
		when a.atttypid = 'numeric'::regtype then format('trim_scale(%1$I::numeric) as %1$I', a.attname) else quote_ident(a.attname) end, ', ' order by a.attnum)
	from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
	where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v' and c.relname in (select p.relname from pg_class p where p.relnamespace = 'plain'::regnamespace and p.relkind in ('v', 'm'))
		and not (c.relname = 'revenue_projection' and a.attname = 'method')
	group by c.relname
$$;
create procedure plain.compare() language plpgsql as $$
declare
	p record;
	wrong record;
	rows bigint;
	different boolean := false;
begin
	refresh materialized view plain.usage;
	refresh materialized view plain.share;
	refresh materialized view plain.earned;
	refresh materialized view plain.visit;
	refresh materialized view plain.value;
	refresh materialized view plain.usage_by_day;
	analyze plain.usage, plain.share, plain.earned, plain.visit, plain.value, plain.usage_by_day;
	assert (select count(*) from plain.pair()) = 14, 'fourteen views';
	for p in select * from plain.pair() order by name loop
		execute format('create temp table really as select %s from rewards.%I', p.columns, p.name);
		execute format('create temp table should as select %s from plain.%I', p.columns, p.name);
		execute 'select count(*) from should' into rows;
		assert rows > 2, p.name || ' is not empty';
		for wrong in
			execute '(select true as too_much, to_jsonb(r) as line from (select * from really except all select * from should) r limit 5)
				union all (select false, to_jsonb(s) from (select * from should except all select * from really) s limit 5)'
		loop
			raise warning '% %: %', p.name, case when wrong.too_much then 'has' else 'lacks' end, wrong.line;
			different := true;
		end loop;
		drop table really, should;
	end loop;
	assert not different, 'views differ from the rows';
end $$;
create procedure plain.verify() language plpgsql as $$
declare
	wrong record;
begin
	for wrong in select * from rewards.verify() limit 10 loop
		raise warning '%', wrong;
	end loop;
	if found then
		raise exception 'verify() is not silent';
	end if;
end $$;
