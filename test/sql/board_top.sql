-- leaderboard_top(): more points first, ties by account name byte by byte, exactly
-- n; the month as text, date, current one, all time; accounts not registered yet;
-- both kinds on the board of referrers; zero and less left out. Not posted, posted
-- in part, posted: the same.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.set_service('one', '/one', 1, valid_from => '2020-01-01 00:00Z') is not null as one, rewards.set_service('three', '/three', 3, valid_from => '2020-01-01 00:00Z') is not null as three;
/* names whose order by bytes is not that of their making, nor that of a language */
select count(rewards.register_account(name, joined_at => '2024-01-01 00:00Z')) from unnest('{zoe,bob,ada,Émile,Ada,Zoe,~,b,upline}'::text[]) name;
select rewards.register_account('upline', 'provider', joined_at => '2024-01-01 00:00Z'), rewards.register_account('gpu9', 'provider', joined_at => '2024-01-01 00:00Z');
select referrer from rewards.referral_signup('upline', 'zoe', 'user', '2024-12-01 00:00Z');
select referrer from rewards.referral_signup('upline', 'gpu9', 'provider', '2024-12-01 00:00Z');
select rewards.register_model('m', owner => 'Émile'), rewards.register_model('n', owner => 'ada');
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, created_at)
select name, provider, endpoint, model, tokens, at::timestamptz
from (values
	('zoe', 'gpu9', '/three', 'm', 20, '2025-01-01 00:00Z'), ('bob', 'gpu1', '/three', 'm', 20, '2025-01-31 23:59:59.999999Z'),
	('Ada', 'gpu2', '/three', 'n', 40, '2025-01-15 00:00Z'), ('Émile', 'gpu1', '/three', 'm', 500, '2025-01-15 00:00Z'),
	('new b', 'gpu2', '/three', null, 0, '2025-01-15 00:00Z'), ('new a', 'new gpu', '/one', null, 0, '2025-01-15 00:00Z'),
	('~', 'gpu1', '/one', null, 0, '2025-01-15 00:00Z'), ('b', null, '/one', null, 0, '2025-01-15 00:00Z'),
	('ada', 'gpu1', '/one', null, 0, '2025-02-01 00:00Z'), ('Zoe', 'gpu9', '/one', 'm', 10, '2024-12-31 23:59:59.999999Z'),
	('b', 'gpu3', '/one', null, 0, now()::text)) e(name, provider, endpoint, model, tokens, at);
/* a failed request brings nothing: its provider is on no board */
insert into rewards.usage_logs (user_id, provider_id, endpoint, status_code, created_at) values ('nothing', 'nothing', '/three', 500, '2025-01-15 00:00Z');
/* corrections: to nothing, to less than nothing, nothing at all */
insert into rewards.journal (created_at, unit, distribution, actor)
select '2025-01-20 12:00Z', 1, format('[{"account": %s, "entry": "adjustment", "amount": %s}]', a.id, c.amount)::rewards.distribution, 'test'
from (values ('~', -0.1), ('b', -0.25), ('Ada', 0)) c(name, amount) join rewards.account a on a.name = c.name and a.kind = 'user';

create function pg_temp.picture() returns table (what text, place bigint, line rewards.board_place) language sql stable as $$
	select concat_ws(' ', board, month, n), t.ordinality, row(t.rank, t.kind, t.account, t.points)::rewards.board_place
	from unnest('{provider,user,creator,referrer}'::text[]) board, unnest('{all,2024-12,2025-01,2025-02,NULL}'::text[]) month,
		unnest('{0,1,2,3,4,5,100}'::integer[]) n,
		rewards.leaderboard_top(board, month, n) with ordinality t
$$;
create temp table nothing_posted as select * from pg_temp.picture();
select events from rewards.post(5);
create temp table part_posted as select * from pg_temp.picture();
select complete from rewards.post();
create temp table all_posted as select * from pg_temp.picture();
select count(*) as lines, (select count(*) from part_posted) as part, (select count(*) from all_posted) as whole from nothing_posted;
select * from (table nothing_posted except table part_posted) d order by 1, 2;
select * from (table nothing_posted except table all_posted) d order by 1, 2;

-- what they say
select * from rewards.leaderboard_top('user', '2025-01');
select * from rewards.leaderboard_top('provider', '2025-01');
select * from rewards.leaderboard_top('creator', '2025-01');
select * from rewards.leaderboard_top('referrer', '2025-01');
select * from rewards.leaderboard_top('user', 'all');
select * from rewards.leaderboard_top('provider', 'all');
-- months begin at midnight of the programme's time zone
select * from rewards.leaderboard_top('user', '2024-12');
select * from rewards.leaderboard_top('user', '2025-02');
select count(*) from rewards.leaderboard_top('user', '2025-03');
-- exactly n: ties are cut by account
select n, string_agg(account || ' ' || rank, ', ' order by ordinality) as places
from generate_series(0, 7) n, rewards.leaderboard_top('user', '2025-01', n) with ordinality group by n order by n;
-- the current month, by default, by NULL and by name; an ISO date; a date; all time by date
select account, points from rewards.leaderboard_top('user');
select account, points from rewards.leaderboard_top('user', null, 5);
select account, points from rewards.leaderboard_top('user', to_char(now() at time zone 'UTC', 'YYYY-MM'));
select account, points from rewards.leaderboard_top('user', (now() at time zone 'UTC')::date);
select account, points from rewards.leaderboard_top('user', '2025-01-31', 2);
select account, points from rewards.leaderboard_top('user', date '2025-01-31', 2);
select account, points from rewards.leaderboard_top('user', month => date '2025-01-01', n => 2);
select account, points from rewards.leaderboard_top('creator', null::date);
select account, points from rewards.leaderboard_top('creator', 'all', n => 1);

-- another name of equal points that posting has not seen goes between those it has
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('c', 'c', '/three', '2025-01-15 00:00Z'), ('Zz', 'c', '/three', '2025-01-15 00:00Z');
select * from rewards.leaderboard_top('user', '2025-01');
-- what was folded with points and loses them now leaves the board, and comes back
begin;
insert into rewards.journal (created_at, unit, distribution, actor)
select '2025-01-20 12:00Z', 1, format('[{"account": %s, "entry": "adjustment", "amount": -0.3}]', a.id)::rewards.distribution, 'test'
from rewards.account a where a.kind = 'user' and a.name in ('Ada', 'bob', 'zoe');
select * from rewards.leaderboard_top('user', '2025-01', 4);
select complete from rewards.post();
select * from rewards.leaderboard_top('user', '2025-01', 4);
insert into rewards.journal (created_at, unit, distribution, actor)
select '2025-01-20 12:00Z', 1, format('[{"account": %s, "entry": "adjustment", "amount": 0.000000001}]', a.id)::rewards.distribution, 'test'
from rewards.account a where a.kind = 'user' and a.name in ('Ada', 'bob', 'zoe');
select * from rewards.leaderboard_top('user', '2025-01');
select count(*) as differences from rewards.verify();
rollback;
select account from rewards.leaderboard_top('user', '2025-01', 4);
-- what is paid out or staked was earned all the same; credits and tokens are no points
insert into rewards.journal (created_at, unit, distribution, actor)
select '2025-01-20 12:00Z', v.unit, format('[{"account": %s, "entry": %s, "amount": %s}]', a.id, to_json(v.entry), v.amount)::rewards.distribution, 'test'
from rewards.account a, (values (1, 'payout', -1), (1, 'stake', -1), (2, 'payout', -0.01), (3, 'adjustment', 1000), (4, 'adjustment', 1000)) v(unit, entry, amount)
where a.kind = 'user' and a.name = 'Émile';
select board, t.* from unnest('{user,creator}'::text[]) board, rewards.leaderboard_top(board, '2025-01') t where account = 'Émile';
select complete from rewards.post();
select board, t.* from unnest('{user,creator}'::text[]) board, rewards.leaderboard_top(board, '2025-01') t where account = 'Émile';
select count(*) as differences from rewards.verify();
-- an empty board
select count(*) from rewards.leaderboard_top('referrer', '1999-12');
