-- D2, D4: two years of history are loaded in bulk, oldest first, and archived; what the
-- months came to outlives the rows.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
set timezone to 'UTC';
set datestyle to iso;
select rewards.install() is not null as installed;
select rewards.register_model('m', owner => 'creator');
select (rewards.referral_signup(rewards.referral_code('up'), 'u1', at => '2022-12-01')).referrer;
select setval('rewards.usage_number', 3000000), rewards.make_partition(3000001, 3001001), rewards.make_partition(3001001, 3002001);

-- a day each of 2023 and 2024, two requests a day, and some of now
create temp table history as
select 'h' || n as request_id, 'u' || n % 4 as user_id, 'p' || n % 3 as provider_id, case n % 5 when 0 then '/v1/tts' else '/v1/chat/completions' end as endpoint,
	'm' as model, case n % 50 when 0 then 500 else 200 end as status_code, n as input_tokens, timestamptz '2023-01-01' + n * interval '12 hours' as created_at
from generate_series(0, 731 * 2 - 1) n;
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/history.copy'
copy history to :'file';
copy rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, created_at) from :'file';
insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('u1', 'p1', '/v1/tts', 'm');
select events > 1000 as folded from rewards.post();
select events > 0 as folded from rewards.post();
select tableoid::regclass as partition, count(*), min(created_at), max(created_at) < '2025-01-01' as history from rewards.usage_logs where id <= 3002000 group by 1 order by 1;

-- each month is what its rows come to
create temp table month as
select date_trunc('month', created_at)::date as month, user_id, count(*) filter (where status_code = 200) as requests, sum(user_points) as points,
	coalesce(sum(input_tokens) filter (where status_code = 200), 0) as tokens
from rewards.usage_logs group by 1, 2;
create function pg_temp.wrong() returns table (user_id text, month date) language sql as $$
	select user_id, month from month m full join rewards.user_points p using (user_id, month)
	where (m.requests, m.points, m.tokens) is distinct from (p.requests, p.usage_points, p.tokens) and user_id like 'u_' and user_id <> 'up' $$;
select count(*) > 90 as months from month;
select * from pg_temp.wrong();
select * from rewards.verify();

-- what has just come stays for as long as the window is, however old it says it is
select rewards.set_retention('90 days', 'detach') is not null as set;
select p.first, rewards.kept_for(p.first, p.upto) from rewards.usage_partition p where p.first between 3000001 and 3001001 order by 1;
-- then the partition that is full of history goes; the next one is not full yet
select rewards.sum_up_partitions(now() + interval '91 days') > 1 as summed_up;
\getenv tests PG_ABS_SRCDIR
\set remove_all :tests /retention/remove_all.psql
\i :remove_all
select partition, rows, oldest, gone from rewards.removals where first > 3000000 order by first;

-- the months are what they were
select * from pg_temp.wrong();
select * from rewards.verify();
select rewards.repair('to see') is not null as repaired;
select * from pg_temp.wrong();
select * from rewards.verify();
select count(*) as rows_left from rewards.usage_logs;
select provider_id, requests from rewards.provider_rewards where month = '2023-02-01' order by 1;
select sum(usage_points) from rewards.user_points where month between '2024-01-01' and '2024-12-01';
select p.month, p.points from rewards.leaderboard p where p.board = 'creator' and p.month is null;

-- the archive: a table by itself, that nobody changes, nobody reads, and that goes when it was dumped
select count(*), min(created_at) from rewards.usage_logs_3000001_detached;
select relispartition, relrowsecurity from pg_class where oid = 'rewards.usage_logs_3000001_detached'::regclass;
delete from rewards.usage_logs_3000001_detached;
insert into rewards.usage_logs_3000001_detached (id, user_id, endpoint) values (1, 'u1', '/tts');
select rewards.install() is not null as installed_again;
drop table rewards.usage_logs_3000001_detached;
select * from rewards.verify();

-- a repeat of a request whose row is gone counts as new, like one beyond request_partitions
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, created_at) values ('h1', 'u1', 'p1', '/v1/tts', 'm', '2023-01-01');
select events > 0 as folded from rewards.post();
select user_id, month from pg_temp.wrong();
select * from rewards.verify();
