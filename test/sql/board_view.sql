-- The view leaderboard: all boards by month, all time where month is NULL; it says
-- what the calls say, in any state of posting and in the programme's time zone.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.set_setting('time_zone', 'Asia/Kolkata') is not null as zone;
select rewards.set_service('one', '/one', 1, valid_from => '2020-01-01 00:00Z') is not null as one;
select rewards.register_account('up', joined_at => '2024-01-01 00:00Z'), rewards.register_account('up', 'provider', joined_at => '2024-01-01 00:00Z');
select referrer from rewards.referral_signup('up', 'u1', 'user', '2025-01-31 18:29:59.999999Z');
select referrer from rewards.referral_signup('up', 'p1', 'provider', '2025-01-31 18:30Z');
select rewards.register_model('m', owner => 'maker');
/* February begins at 18:30 UTC */
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, output_tokens, created_at)
values ('u1', 'p1', '/one', 'm', 10, '2025-01-31 18:29:59.999999Z'), ('u1', 'p1', '/one', 'm', 10, '2025-01-31 18:30Z'),
	('u2', 'p1', '/one', 'm', 10, '2025-02-28 18:29Z'), ('u2', 'p2', '/one', null, 0, '2025-02-28 18:30Z'),
	('u3', 'p2', '/one', 'm', 5, '0001-01-01 12:00Z'), ('u3', 'p2', '/one', 'm', 5, '9999-12-01 12:00Z');
insert into rewards.journal (created_at, unit, distribution, actor)
select '2025-03-15 00:00Z', 1, format('[{"account": %s, "entry": %s, "amount": %s}]', a.id, to_json(c.entry), c.amount)::rewards.distribution, 'test'
from (values ('up', 'user', 'adjustment', -100), ('up', 'user', 'referral', 0.5), ('up', 'provider', 'referral', -7)) c(name, kind, entry, amount)
join rewards.account a on a.name = c.name and a.kind = c.kind;
/* whatever the view and the calls do not agree in */
create function pg_temp.differences() returns setof text language sql stable as $$
	with calls as (
		select m.board, m.month, t.* from (select distinct board, month from rewards.leaderboard) m, rewards.leaderboard_top(m.board, m.month) t
	)
	select 'only in the view ' || d::text from (table rewards.leaderboard except all table calls) d
	union all select 'only by call ' || d::text from (table calls except all table rewards.leaderboard) d
	union all
	select 'rank ' || l::text || r::text from rewards.leaderboard l, rewards.leaderboard_rank(l.account, l.board, l.month, l.kind) r
	where (l.rank, l.points) is distinct from (r.rank, r.points)
$$;
select pg_temp.differences();
create temp table nothing_posted as table rewards.leaderboard;
select events from rewards.post(4);
select pg_temp.differences();
create temp table part_posted as table rewards.leaderboard;
select complete from rewards.post();
select pg_temp.differences();
select * from (table nothing_posted except table part_posted) d order by 1, 2, 3, 4;
select * from (table nothing_posted except table rewards.leaderboard) d order by 1, 2, 3, 4;
select board, to_char(month, 'FMYYYY-MM') as month, rank, kind, account, points from rewards.leaderboard order by board, month, rank, kind, account;
-- as a report asks for it
select account, points from rewards.leaderboard where board = 'user' and month = rewards.month('2025-02') order by rank, account;
select account, points from rewards.leaderboard where board = 'provider' and month is null and rank <= 1 order by account;
-- points are the months' totals
select count(*) from (
	select 'user' as board, month, user_id as account, total_points from rewards.user_points where total_points > 0
	union all select 'provider', month, provider_id, total_points from rewards.provider_rewards where total_points > 0
	except select board, month, account, points from rewards.leaderboard) d;
select count(*) as differences from rewards.verify();
-- nothing there
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select count(*) from rewards.leaderboard;
select count(*) from rewards.leaderboard_top('user', 'all');
select * from rewards.leaderboard_rank('u', 'user', 'all');
select count(*) from rewards.leaderboard_around('u', 'user', 'all');
