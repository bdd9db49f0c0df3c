-- The index that finds a repeated request in another partition is remembered by
-- session: another index in its place, a partition that is detached, are noticed.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.add(request text) returns text language plpgsql as $$
begin
	insert into rewards.usage_logs (request_id, user_id, endpoint) values (request, 'u', '/tts');
	return 'accepted';
exception when unique_violation then
	return 'repeated';
end $$;
create function pg_temp.index_of_first() returns text language sql as $$
	select indexrelid::regclass::text from pg_index
	where indrelid = 'rewards.usage_logs_1'::regclass and indisunique and indkey[0] = 7;
$$;
select pg_temp.add('a');
select setval('rewards.usage_number', 1000000) > 0 as next_partition;
select pg_temp.add('a'), pg_temp.add('b');
select count(distinct tableoid) from rewards.usage_logs;
-- another index
select pg_temp.index_of_first() as former \gset
alter index :former rename to former;
create unique index another on rewards.usage_logs_1 (request_id) where request_id is not null and status_code between 200 and 299;
drop index rewards.former;
select pg_temp.add('a');
reindex index rewards.another;
select pg_temp.add('a');
-- none: then nothing is found there; and one again
drop index rewards.another;
begin;
select pg_temp.add('a');
rollback;
create unique index another on rewards.usage_logs_1 (request_id) where request_id is not null and status_code between 200 and 299;
select pg_temp.add('a');
-- rolled back: the index is the former one
begin;
drop index rewards.another;
select pg_temp.add('c');
rollback;
select pg_temp.add('a'), pg_temp.add('c'), pg_temp.add('c');
-- the default partition, from its first row on
select setval('rewards.usage_number', (select max(upto) from rewards.usage_partition)) > 0 as beyond;
select pg_temp.add('d'), pg_temp.add('d');
select setval('rewards.usage_number', 2000000) > 0 as before_it;
select pg_temp.add('d'), pg_temp.add('e');
select tableoid::regclass, count(*) from rewards.usage_logs group by 1 order by 1;
