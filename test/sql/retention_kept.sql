-- A partition stays while something still needs its rows, and says what for.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
set timezone to 'UTC';
set datestyle to iso;
select rewards.install() is not null as installed;
select rewards.init_pricing('mainnet', valid_from => '2025-01-01');
select rewards.add_credits('u', 100);
select rewards.add_credits('v', 5, expires_at => 'infinity') is not null as endless;
select rewards.add_credits('v', 3, expires_at => now() + interval '2 days');
select rewards.set_retention('1 ms') is not null as set;
select setval('rewards.usage_number', 3000000), rewards.make_partition(3000001, 3000021), rewards.make_partition(3000021, 3000041);
-- nothing else is in the way: what is not asked for goes
create function pg_temp.kept_for() returns text language sql as $$ select rewards.partition_kept_for(3000001, 3000021, 'infinity') $$;
select kept_for from rewards.partitions where first = 3000001;

-- a request under way: numbers are drawn and not seen
select rewards.authorize_usage('u', 1, 'held', ttl => '1 second');
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint) values ('held', 'u', 'p', '/tts');
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select 'v', 'p', '/tts', now() - interval '1 day' from generate_series(1, 22);
select pg_temp.kept_for();
select events > 0 as folded from rewards.post();
select started_at is not null as used from rewards.partitions where first = 3000001;

-- a hold that its row has captured counts until its time is over
select pg_temp.kept_for();
create procedure pg_temp.end_holds() language plpgsql as $$
begin
	for i in 1..1200 loop
		perform rewards.post();
		commit;
		exit when not exists (select from rewards.hold h where h.closed_at is null);
		perform pg_sleep(0.05);
	end loop;
end $$;
call pg_temp.end_holds();
select request_id, status from rewards.credit_holds;

-- rows that came lately, chats without earnings, usage to be taken back
select rewards.partition_kept_for(3000001, 3000021, now() - interval '2 hours');
insert into rewards.unrated_usage (usage_id, error) values (3000005, 'test');
select pg_temp.kept_for();
update rewards.unrated_usage set mended_at = now();
insert into rewards.usage_excess values (3000006, 'v');
select pg_temp.kept_for();
delete from rewards.usage_excess;
select pg_temp.kept_for() is null as may_go;

-- rows that are not what was sealed are evidence
begin;
set local session_replication_role = replica;
update rewards.usage_logs set latency_ms = 7 where id = 3000007;
set local session_replication_role = origin;
select rewards.sum_up_partitions('infinity');
select count(*) from rewards.removals where first = 3000001;
rollback;

-- inside a transaction block none goes: the lock would stay
begin;
select rewards.sum_up_partitions() > 0 as summed_up;
select rewards.remove_partitions();
select count(*) from rewards.removals where gone;
rollback;

-- lots of whom charges are gone keep what they have
create temp table lot as select * from rewards.lot;
\getenv tests PG_ABS_SRCDIR
\set remove_all :tests /retention/remove_all.psql
\i :remove_all
select to_regclass('rewards.usage_logs_3000001') is null as gone;
select user_id, currency, balance, spent from rewards.user_credits order by 1;
select rewards.repair('to see') is not null as repaired;
(table lot except table rewards.lot) union all (table rewards.lot except table lot);
select user_id, currency, balance, spent from rewards.user_credits order by 1;
select request_id, status, usage_id is not null as captured from rewards.credit_holds;
select * from rewards.verify();
-- one that has more than came in is mended still
begin;
update rewards.lot set remaining = remaining + 10;
select part, expected from rewards.verify();
select rewards.repair('lots') is not null as repaired;
select * from rewards.verify();
rollback;

-- an event with a later date
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'v', '/tts', now() + i * interval '1 hour' from generate_series(1, 20) i;
select events > 0 as folded from rewards.post();
select rewards.partition_kept_for(3000021, 3000041, now() + interval '2 hours');
-- without a window what is summed up stays as well
select rewards.sum_up_partitions('infinity') > 0 as summed_up;
select rewards.set_retention(null) is not null as ended;
select rewards.remove_partitions();
select count(*) > 0 as still_there from rewards.usage_logs where id between 3000021 and 3000040;
select * from rewards.verify();

-- little usage would never fill a partition: one in use for a quarter of the window, and a day, is closed
select rewards.set_retention('8 days') is not null as set;
update rewards.usage_partition set started_at = now() - interval '1 day 23 hours' where first = (select max(first) from rewards.usage_partition where started_at is not null);
select done from rewards.maintain() where task = 'partitions closed';
update rewards.usage_partition set started_at = now() - interval '2 days 1 hour' where first = (select max(first) from rewards.usage_partition where started_at is not null);
insert into rewards.usage_logs (user_id, endpoint) values ('v', '/tts') returning id as before \gset
begin;
select done from rewards.maintain() where task = 'partitions closed';
rollback;
create procedure pg_temp.close() language plpgsql as $$
begin
	for i in 1..1200 loop
		perform rewards.maintain();
		commit;
		exit when rewards.last_number() > 3999999;
		perform pg_sleep(0.05);
	end loop;
end $$;
call pg_temp.close();
insert into rewards.usage_logs (user_id, endpoint) values ('v', '/tts') returning id as after \gset
select upto = :after as from_the_next_one_on from rewards.usage_partition where first <= :before and upto > :before;
select events > 0 as folded from rewards.post();
select events from rewards.post();
select kept_for from rewards.partitions where first <= :before and upto > :before;
select * from rewards.verify();
