/*
 * What analysts read of the whole programme: traffic, who was there, referrals, revenue.
 * Days, weeks and months are the programme's.  Totals + tail, one snapshot; what reads
 * usage itself says so.  No member has these, so there is one arm, for all accounts.
 * docs/analysts.md defines every column.
 */

/* ---- traffic ---- */

create or replace view rewards.traffic_lines as
select t.day, t.service, t.tier, t.requests, t.failed, t.input_tokens, t.output_tokens,
	t.provider_points, t.user_points, t.creator_earnings, t.cost
from rewards.traffic_day t
union all
select t.day, t.service, t.tier, t.requests, t.failed, t.input_tokens, t.output_tokens,
	t.provider_points, t.user_points, t.creator_earnings, t.cost
from rewards.tail_traffic() t;
comment on view rewards.traffic_lines is 'requests by programme day, service and tier (empty for none), folded and not; a key may come twice, to be added up';

create or replace view rewards.usage_by_day as
select t.day, nullif(t.service, '') as service, nullif(t.tier, '') as tier, sum(t.requests)::bigint as requests, sum(t.failed)::bigint as failed,
	sum(t.input_tokens)::bigint as input_tokens, sum(t.output_tokens)::bigint as output_tokens,
	trim_scale(sum(t.provider_points)) as provider_points, trim_scale(sum(t.user_points)) as user_points,
	trim_scale(sum(t.creator_earnings)) as creator_earnings, trim_scale(sum(t.cost)) as cost
from rewards.traffic_lines t
group by t.day, t.service, t.tier;
comment on view rewards.usage_by_day is
	'requests by programme day, service and tier: successful ones, not taken back, and failed ones; tokens, points of providers and users, earnings of creators and cost of the former (N8)';

create or replace view rewards.usage_by_hour as
select t.dow::integer as dow, t.hour::integer as hour, nullif(t.service, '') as service, nullif(t.tier, '') as tier,
	sum(t.requests)::bigint as requests, sum(t.failed)::bigint as failed,
	sum(t.input_tokens)::bigint as input_tokens, sum(t.output_tokens)::bigint as output_tokens,
	trim_scale(sum(t.provider_points)) as provider_points, trim_scale(sum(t.user_points)) as user_points,
	trim_scale(sum(t.creator_earnings)) as creator_earnings, trim_scale(sum(t.cost)) as cost
from (
	select h.dow, h.hour, h.service, h.tier, h.requests, h.failed, h.input_tokens, h.output_tokens,
		h.provider_points, h.user_points, h.creator_earnings, h.cost
	from rewards.traffic_hour h
	union all
	select h.dow, h.hour, h.service, h.tier, h.requests, h.failed, h.input_tokens, h.output_tokens,
		h.provider_points, h.user_points, h.creator_earnings, h.cost
	from rewards.tail_traffic() h
) t
group by t.dow, t.hour, t.service, t.tier;
comment on view rewards.usage_by_hour is
	'the same by day of the week (0 is Sunday) and hour in the programme''s time zone, of all time: the peak times (F2, N8)';

create or replace view rewards.usage_by_service as
select date_trunc('month', t.day::timestamp)::date as month, nullif(t.service, '') as service, nullif(t.tier, '') as tier,
	sum(t.requests)::bigint as requests, sum(t.failed)::bigint as failed,
	sum(t.input_tokens)::bigint as input_tokens, sum(t.output_tokens)::bigint as output_tokens,
	trim_scale(sum(t.provider_points)) as provider_points, trim_scale(sum(t.user_points)) as user_points,
	trim_scale(sum(t.creator_earnings)) as creator_earnings, trim_scale(sum(t.cost)) as cost
from rewards.traffic_lines t
group by 1, t.service, t.tier;
comment on view rewards.usage_by_service is 'the same by programme month, service and tier (N8)';

create or replace view rewards.revenue_by_month as
select date_trunc('month', t.day::timestamp)::date as month, nullif(t.service, '') as service, nullif(t.tier, '') as tier,
	trim_scale(sum(t.cost)) as cost, trim_scale(sum(t.creator_earnings)) as creator_earnings,
	trim_scale(sum(t.cost) - sum(t.creator_earnings)) as margin
from rewards.traffic_lines t
group by 1, t.service, t.tier;
comment on view rewards.revenue_by_month is
	'what usage has cost users in credits and earned creators by programme month, service and tier; margin is the one less the other, a credit taken for one unit of earnings (N8)';

create or replace view rewards.revenue_projection as
with today as materialized (
	select rewards.today() as day, date_trunc('month', rewards.today()::timestamp)::date as month
), daily as materialized (
	select l.day, sum(l.cost) as cost from rewards.traffic_lines l cross join today t where l.day < t.day group by l.day
), begun as (
	select min(d.day) as day from daily d
), past as (
	/* full months, counted from the first of them */
	select m.month, row_number() over (order by m.month) as x, coalesce(sum(d.cost), 0) as y
	from begun b cross join today t
	cross join lateral (
		select m::date as month
		from generate_series(greatest(date_trunc('month', (b.day - 1)::timestamp) + interval '1 month', t.month - interval '12 months'),
			t.month - interval '1 month', interval '1 month') m) m
	left join daily d on d.day >= m.month and d.day < m.month + interval '1 month'
	group by m.month
), line as (
	select p.n, p.mean_y - p.slope * p.mean_x as start, p.slope
	from (
		select count(*) as n, avg(p.x) as mean_x, avg(p.y) as mean_y,
			(count(*) * sum(p.x * p.y) - sum(p.x) * sum(p.y)) / nullif(count(*) * sum(p.x * p.x) - sum(p.x) * sum(p.x), 0) as slope
		from past p) p
), spread as (
	select sqrt(sum((p.y - l.start - l.slope * p.x) ^ 2) / nullif(l.n - 2, 0)) as deviation from line l left join past p on true group by l.n
), recent as (
	/* the last 30 days, or as many as there are */
	select count(*) as n, avg(r.cost) as mean, coalesce(stddev_samp(r.cost), 0) as deviation
	from (
		select coalesce(d.cost, 0) as cost
		from begun b cross join today t
		cross join lateral (
			select t.day - n as day from generate_series(1, 30) n where t.day - n >= b.day) s
		left join daily d on d.day = s.day) r
), expectation as (
	select (t.month + make_interval(months => k))::date as month,
		case when l.n >= 3 then l.start + l.slope * (l.n + 1 + k) else r.mean * c.days end as amount,
		2 * case when l.n >= 3 then s.deviation else r.deviation * sqrt(c.days::numeric) end as deviation,
		case when l.n >= 3 then format('least squares over the last %s full months, low and high two standard errors away', l.n)
			else format('average of the last %s days, low and high two standard deviations away', r.n) end as method
	from today t cross join line l cross join spread s cross join recent r cross join generate_series(0, 2) k
	cross join lateral (
		select extract(day from t.month + make_interval(months => k + 1) - interval '1 day')::integer as days) c
	where r.n > 0
)
select e.month, trim_scale(round(greatest(e.amount - e.deviation, 0), 9)) as low, trim_scale(round(greatest(e.amount, 0), 9)) as expected,
	trim_scale(round(greatest(e.amount + e.deviation, 0), 9)) as high, e.method
from expectation e;
comment on view rewards.revenue_projection is
	'what usage is likely to cost users in this month as a whole and in the two that follow, in credits: by a straight line through the last full months, up to twelve, or while there are fewer than three by the average of the last 30 days (N8)';

/* ---- providers ---- */

/*
 * Percentiles need every latency, so this reads usage: day by day, by the index on
 * created_at, so that a condition on day is one on what is read.  A day's bounds are
 * taken three hours wide and every row's own day is compared, for clocks that are put
 * back across midnight.
 */
create or replace view rewards.provider_performance as
with tail as materialized (
	select t.period as day, coalesce(a.name, t.account) as provider_id, sum(t.amount) as points
	from rewards.tail_totals('day') t
	left join lateral (select a.kind, a.name from rewards.account a where a.id = t.account_number offset 0) a on true
	where t.unit = 1 and abs(t.entry) = 1 and coalesce(a.kind, t.kind) = 'provider'
	group by 1, 2
)
select d.day, p.provider_id, p.requests, p.failed, trim_scale(round(p.failed::numeric / nullif(p.requests + p.failed, 0), 9)) as error_rate,
	p.latency[1] as latency_p50, p.latency[2] as latency_p95, p.latency[3] as latency_p99, p.uptime_seconds,
	trim_scale(coalesce(f.points, 0) + coalesce(t.points, 0)) as points
from (
	select l.day from rewards.traffic_lines l group by l.day
	union
	select u.day from rewards.uptime u group by u.day
) d
cross join (select s.value as zone from rewards.settings s where s.name = 'time_zone') z
cross join lateral (
	select coalesce(r.provider_id, u.provider_id) as provider_id, coalesce(r.requests, 0) as requests, coalesce(r.failed, 0) as failed,
		r.latency, coalesce(u.seconds, 0) as uptime_seconds
	from (
		select u.provider_id, count(*) filter (where u.status_code between 200 and 299) as requests,
			count(*) filter (where u.status_code not between 200 and 299) as failed,
			percentile_disc('{0.5,0.95,0.99}'::double precision[]) within group (order by u.latency_ms) filter (where u.status_code between 200 and 299) as latency
		from rewards.usage_logs u
		where u.created_at >= (d.day::timestamp at time zone z.zone) - interval '3 hours'
			and u.created_at < ((d.day + 1)::timestamp at time zone z.zone) + interval '3 hours'
			and (u.created_at at time zone z.zone)::date = d.day and u.provider_id is not null
		group by u.provider_id
	) r
	full join (
		select a.name as provider_id, u.seconds from rewards.uptime u join rewards.account a on a.id = u.account where u.day = d.day
	) u on u.provider_id = r.provider_id
) p
left join lateral (
	select sum(f.amount) as points
	from rewards.account a
	cross join lateral (
		select f.amount from rewards.day_total f where f.account = a.id and f.day = d.day and f.unit = 1 and f.entry in (1, -1) offset 0) f
	where a.kind = 'provider' and a.name = p.provider_id
) f on true
left join tail t on t.day = d.day and t.provider_id = p.provider_id;
comment on view rewards.provider_performance is
	'what providers did by programme day, as far back as usage is kept: requests served and failed, the part that failed, latencies in ms that half, 95 and 99 of a hundred successful ones did not exceed, seconds of uptime, points for work. Reads usage: give it a day or a range of days (N8)';

/* ---- who was there ---- */

create or replace view rewards.user_engagement as
with change as (
	select c.day, sum(c.users)::bigint as users, sum(c.week_change) as week_change, sum(c.month_change) as month_change, sum(c.new_users)::bigint as new_users
	from (
		select a.day, a.users, a.week_change, a.month_change, a.new_users from rewards.attendance a
		union all
		select t.day, t.users, t.week_change, t.month_change, t.new_users from rewards.tail_attendance() t
	) c group by c.day
), running as (
	select c.day, c.users, c.new_users, sum(c.week_change) over d as wau, sum(c.month_change) over d as mau, lead(c.day) over d as next
	from change c window d as (order by c.day)
)
/* a day on which nothing changed is like the one before, but that nobody was there */
select r.day + n as day, case n when 0 then r.users else 0 end as dau, r.wau::bigint as wau, r.mau::bigint as mau,
	case n when 0 then r.new_users else 0 end as new_users
from (select rewards.today() as day) t
cross join running r
cross join lateral generate_series(0, least(r.next - 1, t.day) - r.day) n
where r.mau > 0;
comment on view rewards.user_engagement is
	'users with a successful request by programme day up to today: on the day, in the 7 and in the 30 days that end with it, and for how many it was the first day; days with nobody in 30 are left out (N8)';

create or replace view rewards.retention_cohorts as
with cell as (
	select c.cohort, c.week, sum(c.users)::bigint as users
	from (
		select c.cohort, c.week, c.users from rewards.cohort c
		union all
		select t.cohort, t.week, t.users from rewards.tail_cohorts() t
	) c group by c.cohort, c.week
), size as (
	select c.cohort, sum(c.users) filter (where c.week = 0) as users, max(c.week) filter (where c.users > 0) as last
	from cell c group by c.cohort
)
select s.cohort, w.week, s.users::bigint as users, coalesce(c.users, 0) as active, trim_scale(round(coalesce(c.users, 0) / s.users, 9)) as rate
from (select date_trunc('week', rewards.today()::timestamp)::date as monday) t
cross join size s
/* up to the present, of old cohorts up to five years or the last time that somebody was there */
cross join lateral generate_series(0, least((t.monday - s.cohort) / 7, greatest(s.last, 260))) w(week)
left join cell c on c.cohort = s.cohort and c.week = w.week
where s.users > 0;
comment on view rewards.retention_cohorts is
	'of the users whose first successful request was in the week that begins on Monday cohort, how many had one so many weeks later, and which part that is; week 0 are all of them (N5, N8)';

/* ---- referrals ---- */

create or replace view rewards.tail_doings as
select l.account, sum(l.requests)::bigint as requests, max(l.last_at) as last_at, sum(l.value) as value,
	array_agg(l.day) filter (where l.day is not null) as days, array_agg(l.requests) filter (where l.day is not null) as counts
from (
	select coalesce(t.account_number, a.id) as account,
		case when abs(t.entry) in (1, 2) and t.unit = 1 then t.period end as day,
		case when abs(t.entry) in (1, 2) and t.unit = 1 then t.events end as requests,
		case when t.unit = 1 and abs(t.entry) < 12 or t.unit = 2 and abs(t.entry) = 4 then t.amount
			when t.unit = 3 and abs(t.entry) = 2 then -t.amount end as value, null::timestamptz as last_at
	from rewards.tail_totals('day') t
	left join lateral (
		select a.id from rewards.account a where a.kind = t.kind and a.name = t.account offset 0) a on true
	union all
	select coalesce(t.account_number, a.id) as account, null::date as day, null::bigint as requests, null::numeric as value, t.last_at
	from rewards.tail_accounts() t
	left join lateral (
		select a.id from rewards.account a where a.kind = t.kind and a.name = t.account offset 0) a on true
) l
where l.account is not null
group by l.account;
comment on view rewards.tail_doings is
	'what registered accounts, by number, have done that is not yet folded: requests by day, the last one, and value: points, creator earnings and cost';

create or replace view rewards.referral_funnel as
with tail as materialized (
	select * from rewards.tail_doings
), rule as materialized (
	select max(s.value) filter (where s.name = 'time_zone') as zone,
		max(s.value) filter (where s.name = 'active_days')::integer as active_days,
		max(s.value) filter (where s.name = 'onboarded_requests')::bigint as onboarded_requests
	from rewards.settings s where s.name in ('time_zone', 'active_days', 'onboarded_requests')
)
select date_trunc('month', r.created_at at time zone z.zone)::date as month, i.name as inviter,
	count(*) as sent, count(r.referee) as joined, count(*) filter (where s.onboarded) as onboarded,
	count(*) filter (where s.active) as active, count(*) filter (where s.retained) as retained,
	trim_scale(round(count(r.referee)::numeric / count(*), 9)) as conversion,
	trim_scale(round(count(*) filter (where s.active)::numeric / nullif(count(r.referee), 0), 9)) as activation,
	trim_scale(round(count(*) filter (where s.retained)::numeric / nullif(count(r.referee), 0), 9)) as retention,
	trim_scale(coalesce(sum(s.value), 0)) as value, i.kind
from rule z
cross join rewards.account i
/* from the inviter on, by index: who asks for one must not wait for all */
cross join lateral (
	select r.created_at, r.referee from rewards.referral r where r.inviter = i.id
	union all
	/* who joined by a code that nobody had recorded to be sent */
	select a.referred_at, a.id
	from rewards.account a
	where a.referrer = i.id and not exists (select from rewards.referral r where r.referee = a.id)
	offset 0) r
left join lateral (select a.id, a.referred_at, a.onboarded_at from rewards.account a where a.id = r.referee offset 0) a on true
left join lateral (select v.* from rewards.activity v where v.account = r.referee offset 0) v on true
left join tail t on t.account = r.referee
left join lateral (
	select coalesce(least(a.onboarded_at, v.onboarded_at) < 'infinity', false)
			or coalesce(t.requests > 0 and coalesce(v.requests, 0) + t.requests >= z.onboarded_requests, false) as onboarded,
		(v.requests > 0 or t.requests > 0) and (
			/* no more days than are asked for are read */
			select count(*) from (
				select from (
					select d.day, d.events from rewards.day_total d
					where d.account = r.referee and d.unit = 1 and abs(d.entry) in (1, 2)
					union all
					select d.day, d.events from unnest(t.days, t.counts) d(day, events)
				) d group by d.day having sum(d.events) > 0
				order by d.day limit z.active_days) d) >= z.active_days as active,
		coalesce(greatest(v.last_at, t.last_at) - interval '720 hours' >= a.referred_at, false) as retained,
		coalesce((
			select sum(case m.unit when 3 then -m.amount else m.amount end) from rewards.month_total m
			where m.account = r.referee and (m.unit = 1 and abs(m.entry) < 12 or m.unit = 2 and abs(m.entry) = 4 or m.unit = 3 and abs(m.entry) = 2)), 0)
			+ coalesce(t.value, 0) as value
) s on r.referee is not null
group by 1, i.id, i.name, i.kind;
comment on view rewards.referral_funnel is
	'an inviter''s referrals by programme month of sending, else joining, and how far they have come by now: joined, onboarded, active (requests on active_days days), retained (one 30 days or more after joining); conversion: which part joined, activation and retention: which part of those is active and retained; value: points, creator earnings and cost of the referees so far (N5)';

/* ---- edges, and growth by them ---- */

create or replace view rewards.edge_lines as
/* the zone is looked up once, however many edges are asked for one by one */
select a.id as referee, a.referrer, a.seen_from,
	date_trunc('month', a.referred_at at time zone (select s.value from rewards.settings s where s.name = 'time_zone'))::date as joined,
	date_trunc('month', coalesce(r.created_at, a.referred_at) at time zone (select s.value from rewards.settings s where s.name = 'time_zone'))::date as sent,
	i.kind as inviter_kind, a.kind
from rewards.account a
join rewards.account i on i.id = a.referrer
left join rewards.referral r on r.referee = a.id;
comment on view rewards.edge_lines is
	'who referred whom, by number, with the programme month of joining and that of the invitation, where one was recorded, and the kinds of both';

create or replace view rewards.tail_edges as
select l.*
from rewards.tail_referees() t
cross join lateral (select l.* from rewards.edge_lines l where l.referee = t.referee offset 0) l;
comment on view rewards.tail_edges is 'those of them that are not yet folded';

create or replace view rewards.folded_stages as
select a.id as account, a.seen_from, least(a.onboarded_at, v.onboarded_at) < 'infinity' is true as onboarded,
	v.requests > 0 is true and (
		/* no more days than are asked for are read */
		select count(*) from (
			select from rewards.day_total d
			where d.account = a.id and d.unit = 1 and abs(d.entry) in (1, 2)
			group by d.day having sum(d.events) > 0
			order by d.day limit z.active_days) d) >= z.active_days as active,
	v.last_at - interval '720 hours' >= a.referred_at is true as retained
from (select s.value::integer as active_days from rewards.settings s where s.name = 'active_days') z
cross join rewards.account a
left join rewards.activity v on v.account = a.id
where a.referrer is not null;
comment on view rewards.folded_stages is 'referees by number, and how far they have come as far as totals tell: onboarded, active, retained as in referral_funnel';

/* what a version without these tables has folded; later nothing is missing */
do $$
begin
	if exists (select from rewards.network) and not exists (select from rewards.network_size) then
		perform rewards.fill_networks();
	end if;
end
$$;

create or replace view rewards.edge_counts as
select m.joined, m.sent, m.inviter_kind, m.kind, m.edges from rewards.edge_month m
union all
select t.joined, t.sent, t.inviter_kind, t.kind, 1 from rewards.tail_edges t;
comment on view rewards.edge_counts is 'the table edge_month with what is not yet folded; a key may come twice, to be added up';

create or replace view rewards.referral_growth as
select g.month, g.kind, g.new_referees, sum(g.new_referees) over (partition by g.kind order by g.month)::bigint as total
from (
	select e.joined as month, e.kind, sum(e.edges)::bigint as new_referees from rewards.edge_counts e group by e.joined, e.kind
) g;
comment on view rewards.referral_growth is 'new referees by programme month and kind, and all of that kind so far (R13)';

create or replace view rewards.tail_stages as
with tail as materialized (
	select * from rewards.tail_doings
), rule as materialized (
	select max(s.value) filter (where s.name = 'active_days')::integer as active_days,
		max(s.value) filter (where s.name = 'onboarded_requests')::bigint as onboarded_requests
	from rewards.settings s where s.name in ('active_days', 'onboarded_requests')
)
select l.referee, l.sent, n.onboarded::integer - coalesce(s.onboarded, false)::integer as onboarded,
	n.active::integer - coalesce(s.active, false)::integer as active, n.retained::integer - coalesce(s.retained, false)::integer as retained
from rule z
cross join (
	select t.account from tail t union select e.referee from rewards.tail_edges e union select distinct o.account from rewards.onboarding o
) c
cross join lateral (select l.* from rewards.edge_lines l where l.referee = c.account offset 0) l
cross join lateral (select a.referred_at, a.onboarded_at from rewards.account a where a.id = c.account offset 0) a
left join lateral (select v.* from rewards.activity v where v.account = c.account offset 0) v on true
left join lateral (select s.* from rewards.referee_stage s where s.account = c.account offset 0) s on true
left join tail t on t.account = c.account
cross join lateral (
	select least(a.onboarded_at, v.onboarded_at) < 'infinity' is true
			or (t.requests > 0 and coalesce(v.requests, 0) + t.requests >= z.onboarded_requests) is true as onboarded,
		(v.requests > 0 or t.requests > 0) is true and (
			select count(*) from (
				select from (
					select d.day, d.events from rewards.day_total d
					where d.account = c.account and d.unit = 1 and abs(d.entry) in (1, 2)
					union all
					select d.day, d.events from unnest(t.days, t.counts) d(day, events)
				) d group by d.day having sum(d.events) > 0
				order by d.day limit z.active_days) d) >= z.active_days as active,
		greatest(v.last_at, t.last_at) - interval '720 hours' >= a.referred_at is true as retained
) n;
comment on view rewards.tail_stages is 'by how much referees, by number, have come further than referee_stage has them, or less far: -1, 0 or 1 for each stage; sent: the month as in edge_lines';

create or replace view rewards.pending_months as
select m.month, (select count(*) from rewards.referral r where r.referee is null and r.created_at >= m.since and r.created_at < m.until) as pending
from (
	select m::date as month, m at time zone b.zone as since, (m + interval '1 month') at time zone b.zone as until
	from (
		select z.zone, date_trunc('month', e.first at time zone z.zone) as first, date_trunc('month', e.last at time zone z.zone) as last
		from (select s.value as zone from rewards.settings s where s.name = 'time_zone') z
		/* two looks into the index */
		cross join (
			select (select min(r.created_at) from rewards.referral r where r.referee is null) as first,
				(select max(r.created_at) from rewards.referral r where r.referee is null) as last) e
	) b
	cross join lateral generate_series(b.first, b.last, interval '1 month') m
	/* as they are; it tells the planner that they are fewer than a thousand */
	where m >= b.first and m <= b.last
) m;
comment on view rewards.pending_months is 'invitations whose recipients have not joined, by the programme month in which they were sent';

create or replace view rewards.referral_stages as
select l.month, sum(l.joined + l.pending)::bigint as sent, sum(l.joined)::bigint as joined, sum(l.onboarded)::bigint as onboarded,
	sum(l.active)::bigint as active, sum(l.retained)::bigint as retained,
	trim_scale(round(sum(l.joined) / nullif(sum(l.joined + l.pending), 0), 9)) as conversion,
	trim_scale(round(sum(l.active) / nullif(sum(l.joined), 0), 9)) as activation,
	trim_scale(round(sum(l.retained) / nullif(sum(l.joined), 0), 9)) as retention
from (
	select m.sent as month, m.edges as joined, 0 as pending, m.onboarded, m.active, m.retained from rewards.edge_month m
	union all
	select t.sent, 1, 0, 0, 0, 0 from rewards.tail_edges t
	union all
	select t.sent, 0, 0, t.onboarded, t.active, t.retained from rewards.tail_stages t
	union all
	select p.month, 0, p.pending, 0, 0, 0 from rewards.pending_months p
) l
group by l.month
having sum(l.joined + l.pending) > 0;
comment on view rewards.referral_stages is
	'referrals of all inviters by programme month of sending, else joining, and how far they have come by now, as in referral_funnel (N5)';

/* users are counted by index month by month: they need not come by posting, so no total has them */
create or replace view rewards.viral_coefficient as
with zone as materialized (
	select s.value as zone from rewards.settings s where s.name = 'time_zone'
), tail as materialized (
	/* whom only rows not yet folded name */
	select t.named_at from rewards.tail_accounts() t
	where t.kind = 'user' and not exists (select from rewards.account a where a.kind = t.kind and a.name = t.account)
), joined as materialized (
	/* by whatever user, in the month in which they were invited */
	select e.sent as month, sum(e.edges)::bigint as edges from rewards.edge_counts e where e.inviter_kind = 'user' group by e.sent
), month as materialized (
	select m::date as month, m at time zone z.zone as since, (m + interval '1 month') at time zone z.zone as until
	from zone z
	cross join lateral (
		select date_trunc('month', min(b.at at time zone z.zone)) as first, date_trunc('month', max(b.at at time zone z.zone)) as last
		from (
			select min(a.joined_at) as at from rewards.account a where a.kind = 'user'
			union all select max(a.joined_at) from rewards.account a where a.kind = 'user'
			union all select min(r.created_at) from rewards.referral r where r.referee is null
			union all select max(r.created_at) from rewards.referral r where r.referee is null
			union all select t.named_at from tail t
			union all select j.month::timestamp at time zone z.zone from joined j) b
	) b
	cross join lateral generate_series(b.first, b.last, interval '1 month') m
	/* as they are; it tells the planner that they are fewer than a thousand */
	where m >= b.first and m <= b.last
), counted as materialized (
	/* once: users are many */
	select m.month, coalesce(j.edges, 0) as joined,
		(select count(*) from rewards.account a where a.kind = 'user' and a.joined_at >= m.since and a.joined_at < m.until)
			+ (select count(*) from tail t where t.named_at >= m.since and t.named_at < m.until) as joining,
		/* nobody but users sends invitations */
		(select count(*) from rewards.referral r where r.referee is null and r.created_at >= m.since and r.created_at < m.until) as pending
	from month m left join joined j on j.month = m.month
), grown as (
	select c.month, sum(c.joining) over (order by c.month) as users, c.joining, c.pending + c.joined as sent, c.joined from counted c
)
select g.month, g.users::bigint as users, trim_scale(round(g.sent / nullif(g.users, 0), 9)) as invites_per_user,
	trim_scale(round(g.joined::numeric / nullif(g.sent, 0), 9)) as conversion, trim_scale(round(g.joined / nullif(g.users, 0), 9)) as k
from grown g
where g.joining > 0 or g.sent > 0;
comment on view rewards.viral_coefficient is
	'by programme month: users that had joined by its end, invitations by users in it for each of them, which part of those has joined by now, and their product k: how many new users each user has brought. Months in which nobody joined or invited are left out (R16, N5)';

create or replace view rewards.influence_lines as
with recursive up(referee, account, level) as (
	/* from the edges not yet folded */
	select e.referee, e.referrer, 1 from rewards.tail_edges e
	union all
	select u.referee, a.referrer, u.level + 1
	from up u cross join lateral (
		select a.referrer from rewards.account a where a.id = u.account and a.referrer is not null offset 0) a
	where u.level < 32
), more as materialized (
	select l.account, sum(l.accounts) filter (where l.level = 1)::bigint as direct, sum(l.accounts)::bigint as network, max(l.level) as depth
	from (
		/* the referee of each such edge, and those that the table has below it */
		select u.account, u.level, 1 as accounts from up u
		union all
		select u.account, u.level + n.level, n.accounts
		from up u cross join lateral (
			select n.level, n.accounts from rewards.network n where n.account = u.referee and n.level <= 32 - u.level offset 0) n
	) l group by l.account
)
select s.account, s.direct + coalesce(m.direct, 0) as direct, s.network + coalesce(m.network, 0) as network, greatest(s.depth, m.depth) as depth, s.value
from rewards.network_size s left join more m on m.account = s.account
union all
select m.account, coalesce(m.direct, 0), m.network, m.depth, 0
from more m where not exists (select from rewards.network_size s where s.account = m.account);
comment on view rewards.influence_lines is 'sizes of the networks of all who have referred others, by number, folded and not; value as the table network_size has it';

create or replace view rewards.tail_values as
select l.referrer, sum(l.value) as value
from (
	select a.referrer, t.value
	from rewards.tail_doings t
	cross join lateral (select a.referrer from rewards.account a where a.id = t.account and a.referrer is not null offset 0) a
	union all
	/* what is folded of referees whose edges are not */
	select e.referrer, case m.unit when 3 then -m.amount else m.amount end
	from rewards.tail_edges e
	cross join lateral (
		select m.unit, m.amount from rewards.month_total m
		where m.account = e.referee and case m.unit when 1 then abs(m.entry) < 12 when 2 then abs(m.entry) = 4 when 3 then abs(m.entry) = 2 end offset 0) m
) l
group by l.referrer;
comment on view rewards.tail_values is 'points, creator earnings and cost of direct referees that the table network_size does not have, by the referrer''s number';

/* names only of those that are shown: without a WITH here, they are looked up after sorting and LIMIT */
create or replace view rewards.top_influencers as
select (select a.name from rewards.account a where a.id = s.account) as account,
	(select a.kind from rewards.account a where a.id = s.account) as kind, s.direct, s.network, s.depth,
	/* an aggregator has sizes from the directory, but totals of all nodes */
	case when n.aggregates then rewards.value_of_referees(s.account) when t.value is null then s.value else trim_scale(s.value + t.value) end as value
from (select coalesce((select n.role = 'aggregator' from rewards.node n), false) as aggregates) n
cross join rewards.influence_lines s
left join rewards.tail_values t on t.referrer = s.account;
comment on view rewards.top_influencers is
	'who has referred others: how many directly, how many stand below in all and how deep, down to level 32; value: points, creator earnings and cost of those referred directly (R16)';

/* ---- creators ---- */

create or replace view rewards.tail_beginnings as
with first_use as materialized (
	select distinct on (u.model collate "C", u.user_id collate "C") u.model collate "C" as model, u.user_id collate "C" as user_id, u.created_at, u.owner
	from rewards.tail_uses() u
	order by u.model collate "C", u.user_id collate "C", u.created_at, u.id
), fresh as materialized (
	select f.model, f.created_at, f.owner, m.first_at, m.owner as former_owner
	from first_use f
	left join lateral (
		select m.first_at, m.owner
		from rewards.account a join rewards.model_user m on m.model = f.model and m.account = a.id
		where a.kind = 'user' and a.name = f.user_id offset 0) m on true
	where m.first_at is null or m.first_at > f.created_at
)
select f.owner, f.model, f.created_at as at, 1 as users from fresh f
union all
/* it began earlier than was known */
select f.former_owner, f.model, f.first_at, -1 from fresh f where f.first_at is not null;
comment on view rewards.tail_beginnings is
	'when users have first used models so that it earned somebody something, not folded, owners by number; to be added up';

create or replace view rewards.creator_trends as
with tail as materialized (
	select d.owner, d.model, d.day, d.events, d.tokens, d.amount, 0 as new_users from rewards.tail_model_days() d
	union all
	select b.owner, b.model, (b.at at time zone z.zone)::date, 0, 0, 0, b.users
	from rewards.tail_beginnings b cross join (select s.value as zone from rewards.settings s where s.name = 'time_zone') z
)
select p.period, p.since, a.name as creator_id, l.model as model_id, sum(l.events)::bigint as usage_count, sum(l.tokens)::bigint as tokens,
	trim_scale(sum(l.amount)) as earnings, sum(l.new_users)::bigint as new_users
/* whoever earns by a model owns it, or did */
from (select distinct f.account as owner from rewards.model_fact f where f.fact = 'owner' and f.account is not null) o
join rewards.account a on a.id = o.owner
cross join lateral (
	select d.model, d.day, d.events, d.tokens, d.amount, d.new_users from rewards.model_day d where d.owner = o.owner
	union all
	select t.model, t.day, t.events, t.tokens, t.amount, t.new_users from tail t where t.owner = o.owner
	offset 0) l
cross join lateral (
	values ('day', l.day), ('week', date_trunc('week', l.day::timestamp)::date), ('month', date_trunc('month', l.day::timestamp)::date)) p(period, since)
group by p.period, p.since, a.id, a.name, l.model;
comment on view rewards.creator_trends is
	'what models have earned creators by programme day, week (from Monday) and month: uses and tokens, less what was taken back, earnings, and users whose first earning use of the model it was (F2, N7)';
