-- leaderboard_rank(): ties share a rank and leave a gap, of is how many have points;
-- NULL for who has none, is unknown or of another kind. Not posted, in part, posted.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.set_service('one', '/one', 1, valid_from => '2020-01-01 00:00Z') is not null as one;
select rewards.register_account('up', joined_at => '2024-01-01 00:00Z'), rewards.register_account('up', 'provider', joined_at => '2024-01-01 00:00Z'), rewards.register_account('idle');
select count(*) from generate_series(1, 4) n, rewards.referral_signup('up', 'a' || n, 'user', '2024-12-01 00:00Z');
select count(*) from generate_series(1, 4) n, rewards.referral_signup('up', 'a' || n, 'provider', '2024-12-01 00:00Z');
select rewards.register_model('m', owner => 'maker');
/* 4, 3, 3, 2, 2, 2, 1 requests: users, and the other way round providers; b are not registered */
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, created_at)
select name, 'p' || name, '/one', 'm', 10, timestamptz '2025-01-10 00:00Z' + i * interval '1 day'
from (values ('a1', 4), ('a2', 3), ('b1', 3), ('a3', 2), ('b2', 2), ('b3', 2), ('a4', 1)) u(name, requests), generate_series(1, requests) i;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('b4', 'a1', '/one', '2025-02-28 23:59:59.999999Z'), ('a4', 'a1', '/one', '2025-03-01 00:00Z');
insert into rewards.journal (created_at, unit, distribution, actor)
select '2025-01-20 12:00Z', 1, format('[{"account": %s, "entry": "adjustment", "amount": %s}]', a.id, c.amount)::rewards.distribution, 'test'
from (values ('a4', 'user', -0.1), ('up', 'provider', -7), ('idle', 'user', 0)) c(name, kind, amount) join rewards.account a on a.name = c.name and a.kind = c.kind;

create function pg_temp.picture() returns table (board text, month text, account text, kind text, rank bigint, points numeric, "of" bigint) language sql stable as $$
	select b, m, a, k, r.*
	from unnest('{provider,user,creator,referrer}'::text[]) b, unnest('{all,2025-01,2025-02,2025-03,NULL}'::text[]) m,
		unnest('{a1,a2,a3,a4,b1,b2,b3,b4,pa1,pb1,pb4,up,maker,idle,nobody}'::text[]) a, unnest('{user,provider,NULL}'::text[]) k,
		rewards.leaderboard_rank(a, b, m, k) r
$$;
create temp table nothing_posted as select * from pg_temp.picture();
select events from rewards.post(9);
create temp table part_posted as select * from pg_temp.picture();
select complete from rewards.post();
create temp table all_posted as select * from pg_temp.picture();
select count(*) as lines, count(rank) as ranks, (select count(*) from part_posted) as part, (select count(*) from all_posted) as whole from nothing_posted;
select * from (table nothing_posted except table part_posted) d order by 1, 2, 3, 4;
select * from (table nothing_posted except table all_posted) d order by 1, 2, 3, 4;

-- what they say
select account, rank, points, "of" from all_posted where board = 'user' and month = '2025-01' and kind is null order by rank, account collate "C";
select account, kind, rank, points, "of" from all_posted where board = 'referrer' and month = 'all' and rank is not null order by rank, account, kind;
select account, rank, points, "of" from all_posted where board = 'creator' and month = 'all' and rank is not null;
select month, rank, points, "of" from all_posted where board = 'provider' and account = 'a1' and kind is null order by month;
select month, rank, points, "of" from all_posted where board = 'user' and account = 'b4' and kind is null order by month;
-- kind: the board's own; on the board of referrers user; another kind is no account of the board
select kind, rank, points, "of" from all_posted where board = 'user' and month = 'all' and account = 'a1' order by kind;
select kind, rank, points, "of" from all_posted where board = 'provider' and month = 'all' and account = 'a1' order by kind;
select kind, rank, points, "of" from all_posted where board = 'referrer' and month = '2025-01' and account = 'up' order by kind;
-- the month as text, ISO date, date, current one, all time
select l.*, 'text' as month from rewards.leaderboard_rank('a1', 'user', '2025-01') l
union all select l.*, 'iso' from rewards.leaderboard_rank('a1', 'user', '2025-01-31') l
union all select l.*, 'date' from rewards.leaderboard_rank('a1', 'user', date '2025-01-31') l
union all select l.*, 'date of a kind' from rewards.leaderboard_rank('a1', 'user', date '2025-01-31', 'user') l
union all select l.*, 'all' from rewards.leaderboard_rank('a1', 'user', 'all') l
union all select l.*, 'null date' from rewards.leaderboard_rank('a1', 'user', null::date) l
union all select l.*, 'current' from rewards.leaderboard_rank('a1', 'user') l
union all select l.*, 'named' from rewards.leaderboard_rank(board => 'user', account => 'a1', kind => 'user') l;
-- it is what the top says
select count(*) as ranked, bool_and(r.rank = t.rank and r.points = t.points and r."of" = (select count(*) from rewards.leaderboard_top('user', 'all'))) as same
from rewards.leaderboard_top('user', 'all') t, rewards.leaderboard_rank(t.account, 'user', 'all') r;
-- nobody is registered by asking; an id may be of any length
select rewards.leaderboard_rank('nobody', 'user', 'all'), rewards.leaderboard_rank('', 'user', 'all'), rewards.leaderboard_rank(repeat('x', 100000), 'user', 'all'), rewards.leaderboard_rank(E'a\nb', 'user', 'all');
select count(*) from rewards.account where name in ('nobody', '');

-- the account's own row of this very transaction counts, and is gone when it is undone
begin;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'b2', '/one', '2025-01-31 12:00Z' from generate_series(1, 3);
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'b9', '/one', '2025-01-31 12:00Z' from generate_series(1, 2);
select account, r.* from unnest('{a1,a2,b2,a3,b3,b9}'::text[]) account, rewards.leaderboard_rank(account, 'user', '2025-01') r;
select complete from rewards.post();
select account, r.* from unnest('{a1,a2,b2,a3,b3,b9}'::text[]) account, rewards.leaderboard_rank(account, 'user', '2025-01') r;
rollback;
select account, r.* from unnest('{a1,a2,b2,a3,b3,b9}'::text[]) account, rewards.leaderboard_rank(account, 'user', '2025-01') r;
-- of those posting has seen, some fall below zero: fewer are on the board
begin;
insert into rewards.journal (created_at, unit, distribution, actor)
select '2025-01-20 12:00Z', 1, format('[{"account": %s, "entry": "adjustment", "amount": -0.3}]', a.id)::rewards.distribution, 'test'
from rewards.account a where a.kind = 'user' and a.name in ('a1', 'a2', 'a3');
select account, r.* from unnest('{a1,a2,a3,b1,b2,b3}'::text[]) account, rewards.leaderboard_rank(account, 'user', '2025-01') r;
select complete from rewards.post();
select account, r.* from unnest('{a1,a2,a3,b1,b2,b3}'::text[]) account, rewards.leaderboard_rank(account, 'user', '2025-01') r;
select count(*) as differences from rewards.verify();
rollback;
