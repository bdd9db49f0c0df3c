/*
 * Points: by month and day, folded and not, streaks, leaderboards; and the ledger of all movements.
 * 40_account_views.sql says what their two arms are for.
 */

create or replace view rewards.month_lines as
select a.kind, a.name as account, t.month, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.month_total t join rewards.account a on a.id = t.account
where rewards.reads_all()
union all
select m.kind, m.account, t.month, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.limited_to() m
cross join lateral (select * from rewards.month_total t where t.account = m.number offset 0) t
union all
select coalesce(a.kind, t.kind), coalesce(a.name, t.account), t.period, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.tail_totals('month') t
left join lateral (select a.kind, a.name from rewards.account a where a.id = t.account_number offset 0) a on true;
comment on view rewards.month_lines is 'totals by account and month, folded and not; a key may come twice, to be added up';

create or replace view rewards.day_lines as
select a.kind, a.name as account, t.day, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.day_total t join rewards.account a on a.id = t.account
where rewards.reads_all()
union all
select m.kind, m.account, t.day, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.limited_to() m
cross join lateral (select * from rewards.day_total t where t.account = m.number offset 0) t
union all
select coalesce(a.kind, t.kind), coalesce(a.name, t.account), t.period, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.tail_totals('day') t
left join lateral (select a.kind, a.name from rewards.account a where a.id = t.account_number offset 0) a on true;
comment on view rewards.day_lines is 'totals by account and programme day, folded and not; a key may come twice, to be added up';

create or replace view rewards.provider_rewards with (security_barrier) as
select l.account as provider_id, l.month,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 1), 0)) as work_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 3), 0)) as referral_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) between 5 and 11), 0)) as bonus_points,
	trim_scale(sum(l.amount)) as total_points,
	coalesce(sum(l.events) filter (where abs(l.entry) = 1), 0)::bigint as requests,
	coalesce(sum(l.tokens) filter (where abs(l.entry) = 1), 0)::bigint as tokens
from rewards.month_lines l where l.kind = 'provider' and l.unit = 1 and abs(l.entry) < 12
group by l.account, l.month;
comment on view rewards.provider_rewards is 'points of providers by month; requests and tokens count what succeeded (P12, N1)';

create or replace view rewards.user_points with (security_barrier) as
select l.account as user_id, l.month,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 2), 0)) as usage_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 3), 0)) as referral_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) between 5 and 11), 0)) as bonus_points,
	trim_scale(sum(l.amount)) as total_points,
	coalesce(sum(l.events) filter (where abs(l.entry) = 2), 0)::bigint as requests,
	coalesce(sum(l.tokens) filter (where abs(l.entry) = 2), 0)::bigint as tokens
from rewards.month_lines l where l.kind = 'user' and l.unit = 1 and abs(l.entry) < 12
group by l.account, l.month;
comment on view rewards.user_points is 'points of users by month; requests and tokens count what succeeded (P12, N1)';

create or replace view rewards.referral_points_by_level with (security_barrier) as
select l.kind, l.account, l.month, l.level::integer as level, trim_scale(sum(l.amount)) as points, sum(l.events)::bigint as events
from rewards.month_lines l where l.unit = 1 and abs(l.entry) = 3
group by l.kind, l.account, l.month, l.level;
comment on view rewards.referral_points_by_level is 'referral points by month and level of the chain (R14, N3)';

create or replace view rewards.daily_points with (security_barrier) as
select l.kind, l.account, l.day,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) in (1, 2)), 0)) as own_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 3), 0)) as referral_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) between 5 and 11), 0)) as bonus_points,
	trim_scale(sum(l.amount)) as total_points,
	coalesce(sum(l.events) filter (where abs(l.entry) in (1, 2)), 0)::bigint as requests,
	coalesce(sum(l.tokens) filter (where abs(l.entry) in (1, 2)), 0)::bigint as tokens
from rewards.day_lines l where l.unit = 1 and abs(l.entry) < 12
group by l.kind, l.account, l.day;
comment on view rewards.daily_points is 'points of accounts by programme day (P10, N4)';

/* ---- streaks ---- */

create or replace view rewards.streaks with (security_barrier) as
select s.kind, s.account, s.streak as current_streak, s.best_streak, s.last_day, s.last_day >= t.today - 1 - t.grace as alive,
	coalesce((
		select (m.value ->> 'multiplier')::numeric
		from (
			select f.number from rewards.account_fact f
			where f.account = s.number and f.fact = 'streak' and f.valid_from <= now() and f.valid_until > now()
			order by f.valid_from desc, f.id desc limit 1) f
		join rewards.rules m on m.rule = 'streak_multiplier' and m.in_force
			and m.value ->> 'kind' = s.kind and (m.value ->> 'days')::integer <= f.number
		order by (m.value ->> 'days')::integer desc limit 1), 1) as multiplier
from (
	select a.id as number, a.kind, a.name as account, v.streak, v.best_streak, v.last_day
	from rewards.activity v join rewards.account a on a.id = v.account
	where rewards.reads_all()
	union all
	select m.number, m.kind, m.account, v.streak, v.best_streak, v.last_day
	from rewards.limited_to() m
	cross join lateral (select * from rewards.activity v where v.account = m.number offset 0) v
) s
cross join (select rewards.today() as today, rewards.setting('streak_grace_days')::integer as grace) t;
comment on view rewards.streaks is
	'days in a row on which an account used, served or was up, as far as posted: the run that ends on last_day, the longest one, whether the run can still go on, and what points of today are multiplied by for it (S1, S2)';

/* ---- leaderboards ---- */

create or replace view rewards.board_lines as
select rewards.board_name(b.number::smallint) as board, s.month, a.kind, s.name as account, s.points
from generate_series(1, 4) b(number)
join rewards.score s on s.board = b.number::smallint and s.month < 'infinity'
join rewards.account a on a.id = s.account
union all
select rewards.board_name(b.number::smallint), null::date, a.kind, s.name, s.points
from generate_series(1, 4) b(number)
join rewards.score s on s.board = b.number::smallint and s.month = 'infinity'
join rewards.account a on a.id = s.account
union all
select b.board, m.month, coalesce(a.kind, t.kind), coalesce(a.name, t.account), t.amount
from rewards.tail_totals('month') t
left join rewards.account a on a.id = t.account_number
cross join lateral (
	select case coalesce(a.kind, t.kind) when 'provider' then 'provider' else 'user' end where t.unit = 1 and abs(t.entry) < 12
	union all
	select 'creator' as board where t.unit = 2 and abs(t.entry) < 12 and coalesce(a.kind, t.kind) = 'user'
	union all
	select 'referrer' as board where t.unit = 1 and abs(t.entry) = 3
) b(board)
cross join lateral (values (t.period), (null)) m(month);
comment on view rewards.board_lines is
	'points that count on leaderboards, folded and not, by month and (month NULL) for all time; a key may come twice, to be added up';

create or replace view rewards.leaderboard with (security_barrier) as
select s.board, s.month, rank() over (partition by s.board, s.month order by s.points desc) as rank, s.kind, s.account, s.points
from (
	select l.board, l.month, l.kind, l.account, trim_scale(sum(l.points)) as points
	from rewards.board_lines l
	group by l.board, l.month, l.kind, l.account
	having sum(l.points) > 0
) s
where not exists (
	select from rewards.present_statuses p join rewards.account a on a.id = p.account
	where p.status = 'banned' and a.kind = s.kind and a.name = s.account)
	and rewards.reads_all()
union all
select p.board, p.month, p.rank, p.kind, p.account, p.points
from rewards.own_places() p
where not rewards.reads_all();
comment on view rewards.leaderboard is
	'boards provider, user, creator and referrer by month, and for all time where month is NULL; ranks leave gaps after ties (N1, N2). For a few places of a large board call leaderboard_top(), leaderboard_rank() or leaderboard_around()';

/* ---- movements ---- */

create or replace view rewards.ledger with (security_barrier) as
select 'usage_logs'::text as source, u.id as source_id,
	coalesce(a.kind, case s.entry when 'work' then 'provider' else 'user' end) as kind,
	coalesce(a.name, case s.entry when 'work' then u.provider_id else u.user_id end) as account,
	s.entry, s.level, s.amount, case s.entry when 'creator' then 'earnings' else 'points' end as unit,
	u.created_at, null::timestamptz as recorded_at, null::text as reason
from rewards.usage_logs u
cross join lateral rewards.shares(u.distribution) s
left join rewards.account a on a.id = s.account_number
where rewards.reads_all()
union all
select 'usage_logs', u.id, 'user', u.user_id, 'usage', 0, -u.cost, 'credits', u.created_at, null, null
from rewards.usage_logs u where u.cost <> 0 and rewards.reads_all()
union all
select 'journal', j.id, a.kind, a.name, case j.event when 'reversal' then 'reversal' else s.entry end, s.level, s.amount, n.name,
	j.created_at, j.recorded_at, j.reason
from rewards.journal j
cross join lateral rewards.shares(j.distribution) s
join rewards.unit n on n.number = j.unit
left join rewards.account a on a.id = s.account_number
where rewards.reads_all()
union all
select l.source, l.source_id, m.kind, m.account, l.entry, l.level, l.amount, l.unit, l.created_at, l.recorded_at, l.reason
from rewards.limited_to() m
cross join lateral (
	select 'usage_logs'::text as source, u.id as source_id, s.entry, s.level, s.amount,
		case s.entry when 'creator' then 'earnings' else 'points' end as unit, u.created_at,
		null::timestamptz as recorded_at, null::text as reason
	from rewards.usage_logs u
	cross join lateral rewards.shares(u.distribution) s
	/* its number, or the row's own account, which has none yet */
	where case when s.account_number is not null then s.account_number = m.number
		when s.entry = 'work' then m.kind = 'provider' and u.provider_id = m.account
		else m.kind = 'user' and u.user_id = m.account end
	union all
	select 'usage_logs' as source, u.id as source_id, 'usage' as entry, 0 as level, -u.cost as amount, 'credits' as unit, u.created_at,
		null as recorded_at, null as reason
	from rewards.usage_logs u where u.cost <> 0 and m.kind = 'user' and u.user_id = m.account
	union all
	select 'journal' as source, j.id as source_id, case j.event when 'reversal' then 'reversal' else s.entry end as entry, s.level, s.amount, n.name as unit,
		j.created_at, j.recorded_at, j.reason
	from rewards.journal j
	cross join lateral rewards.shares(j.distribution) s
	join rewards.unit n on n.number = j.unit
	where s.account_number = m.number
	offset 0) l;
comment on view rewards.ledger is
	'usage and journal, one line a share, and one for what a request cost; usage keeps no recording time (NULL), its id gives the order of arrival (X2)';
