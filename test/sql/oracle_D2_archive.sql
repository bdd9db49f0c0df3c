-- D2: old usage is archived: it leaves usage_logs as a table by itself, whole, and nothing
-- that is told of it changes; what is asked for often is found by an index; what takes time shows.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;
select setval('rewards.usage_number', 3000000), rewards.make_partition(3000001, 3000031), rewards.make_partition(3000031, 3000101);
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, created_at)
select 'old ' || i, 'u' || i % 3, 'p', '/chat/completions', 'llama-3-8b', i, now() - interval '45 days' from generate_series(1, 30) i;
insert into rewards.usage_logs (request_id, user_id, endpoint) values ('new', 'u1', '/tts');
select complete from rewards.post();
create temp table archived as select * from rewards.usage_logs where id <= 3000030;
create temp table before as select user_id, month, total_points, requests from rewards.user_points;

select rewards.set_retention('30 days', 'detach') is not null as set;
select rewards.sum_up_partitions(now() + interval '40 days') > 0 as summed_up;
\getenv tests PG_ABS_SRCDIR
\set remove_all :tests /retention/remove_all.psql
\i :remove_all
select count(*) filter (where id <= 3000030) as old, count(*) > 0 as has_new from rewards.usage_logs;
-- the archive: every row as it was, with its indexes, guarded, and no part of usage_logs
(select * from rewards.usage_logs_3000001_detached except select * from archived) union all (select * from archived except select * from rewards.usage_logs_3000001_detached);
select count(*) from rewards.usage_logs_3000001_detached;
select count(*) > 2 as indexed from pg_index where indrelid = 'rewards.usage_logs_3000001_detached'::regclass;
delete from rewards.usage_logs_3000001_detached;
(select user_id, month, total_points, requests from rewards.user_points except select * from before) union all (select * from before except select user_id, month, total_points, requests from rewards.user_points);
select * from rewards.verify();
-- the archive may go
drop table rewards.usage_logs_3000001_detached;
select * from rewards.verify();

-- look-ups by index: a row, a request, a day
set enable_seqscan to off;
create function pg_temp.finds(query text) returns boolean language plpgsql as $$
declare
	line text;
	scan boolean := false;
begin
	for line in execute 'explain (costs off) ' || query loop
		scan := scan or line ~ 'Seq Scan';
	end loop;
	return not scan;
end $$;
select pg_temp.finds('select * from rewards.usage_logs where id = 3000031') as by_id,
	pg_temp.finds('select * from rewards.usage_logs where request_id = ''new'' and status_code between 200 and 299') as by_request,
	pg_temp.finds('select * from rewards.usage_logs where created_at >= now() - interval ''1 day''') as by_day;
-- and what posting and verify() take can be watched
select last_post is not null as posted, last_verify is not null as verified, lag >= '0' as lag, backlog >= 0 as backlog from rewards.status;
select seconds >= 0 as timed from rewards.verification order by id desc limit 1;
