-- The idempotency key: a repeat is never rewarded twice, a failure claims no key,
-- what is rolled back leaves none; also across partitions.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
begin
	execute call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' ', sqlstate, sqlerrm, case when hint = '' then '(no hint)' end);
end $$;
prepare keys as select request_id, status_code, user_points from rewards.usage_logs order by id;
prepare add(text, integer) as insert into rewards.usage_logs (request_id, user_id, endpoint, status_code) values ($1, 'u', '/tts', $2);
prepare skip(text, integer) as insert into rewards.usage_logs (request_id, user_id, endpoint, status_code) values ($1, 'u', '/tts', $2) on conflict do nothing returning request_id;

-- a failed row claims no key, so its retry is rewarded; then the key is taken
execute add('a', 500);
execute add('a', 500);
execute skip('a', 200);
\set VERBOSITY sqlstate
execute add('a', 200);
execute add('a', 299);
\set VERBOSITY terse
execute skip('a', 200);
-- a failure after the success is kept as a failure
execute add('a', 404);
-- no key, no limit; keys are compared byte for byte
execute add(null, 200);
execute add(null, 200);
execute add('A', 200);
execute add('a ', 200);
-- a rolled back row leaves no key, neither by transaction nor by savepoint
begin;
execute add('b', 200);
rollback;
begin;
savepoint s;
execute add('b', 200);
rollback to s;
execute add('b', 200);
commit;
execute keys;
-- COPY raises, and stores nothing of what it brought
\set VERBOSITY sqlstate
copy rewards.usage_logs (request_id, user_id, endpoint) from stdin;
c	u	/tts
a	u	/tts
\.
\set VERBOSITY terse
select count(*) from rewards.usage_logs where request_id = 'c';

-- track_usage(): the first row's id for a repeat, 22023 with both contents for another
-- request of the same key
select rewards.track_usage('t', 'u', 'p', '/tts', 'm', 200, 1, 2, 3) as id \gset
select rewards.track_usage('t', 'u', 'p', '/tts', 'm', 200, 1, 2, 99) = :id as latency_may_differ,
	rewards.track_usage('t', 'u', 'p', '/tts', 'm', null, 1, 2, null, created_at => '2020-01-01') = :id as so_may_the_time,
	rewards.track_usage('t', 'x', 'y', '/z', null, 500, 0, 0, 0) > :id as a_failure_is_no_repeat;
select call, pg_temp.outcome('select rewards.track_usage(''t'', ' || call || ')') from unnest(array[
	'''v'', ''p'', ''/tts'', ''m'', 200, 1, 2, 3', '''u'', ''q'', ''/tts'', ''m'', 200, 1, 2, 3', '''u'', null, ''/tts'', ''m'', 200, 1, 2, 3',
	'''u'', ''p'', ''/scrape'', ''m'', 200, 1, 2, 3', '''u'', ''p'', ''/tts'', ''n'', 200, 1, 2, 3', '''u'', ''p'', ''/tts'', ''m'', 200, 9, 2, 3',
	'''u'', ''p'', ''/tts'', ''m'', 200, 1, 9, 3', '''u'', ''p'', ''/tts'', ''m'', 200, 1, 2, 3, ''c''', '''u'', ''p'', ''/tts'', ''m'', 200, 1, 2, 3, null, ''voice''']) call;
set client_min_messages = notice;
do $$
declare
	detail text;
begin
	perform rewards.track_usage('t', 'v', 'p', '/tts', 'm', 200, 1, 2, 3);
exception when others then
	get stacked diagnostics detail = pg_exception_detail;
	raise notice 'both: %', detail ~ '"user_id": "u"' and detail ~ '"user_id": "v"';
end $$;
reset client_min_messages;
-- a model filled in from the character is no difference
select rewards.register_model('emmas', character_id => 'emma');
select rewards.track_usage('e', 'u', null, '/chat', null, 200, 1, 0, null, 'emma') = rewards.track_usage('e', 'u', null, '/chat', null, 200, 1, 0, null, 'emma') as same;
select count(*) from rewards.usage_logs where request_id in ('t', 'e') and status_code = 200;

-- across partitions: put the number line just before the next bound
select rewards.set_setting('partitions_ahead', '2') is not null as set;
select complete from rewards.post();
create function pg_temp.next_partition() returns void language sql as $$
	select setval('rewards.usage_number', (select min(upto) from rewards.usage_partition where upto - 2 > (select last_value from rewards.usage_number)) - 2);
$$;
select pg_temp.next_partition();
execute add('last of its partition', 200);
execute add('first of the next', 200);
select count(distinct tableoid) from rewards.usage_logs;
select pg_temp.outcome('insert into rewards.usage_logs (request_id, user_id, endpoint) values (''a'', ''u'', ''/tts'')');
select pg_temp.outcome('insert into rewards.usage_logs (request_id, user_id, endpoint) values (''a'', ''u'', ''/tts'') on conflict do nothing');
execute skip('first of the next', 200);
execute add('a', 500);
select rewards.track_usage('t', 'u', 'p', '/tts', 'm', 200, 1, 2, 3) = :id as still_known;
-- two partitions later the key has been forgotten, unless the setting looks further
select complete from rewards.post();
select pg_temp.next_partition();
execute add('last of the second', 200);
execute add('first of the third', 200);
select rewards.set_setting('request_partitions', '3') is not null as set;
select pg_temp.outcome('insert into rewards.usage_logs (request_id, user_id, endpoint) values (''a'', ''u'', ''/tts'')');
select rewards.set_setting('request_partitions', '2') is not null as set;
select pg_temp.outcome('insert into rewards.usage_logs (request_id, user_id, endpoint) values (''a'', ''u'', ''/tts'')');
select pg_temp.outcome('insert into rewards.usage_logs (request_id, user_id, endpoint) values (''last of the second'', ''u'', ''/tts'')');
select count(distinct tableoid) from rewards.usage_logs;
-- beyond all bounds rows go to the default partition, and posting makes new ones
select setval('rewards.usage_number', (select max(upto) - 2 from rewards.usage_partition)) > 0 as before_the_end;
execute add('last of all', 200);
execute add('beyond', 200);
\set VERBOSITY sqlstate
execute add('beyond', 200);
execute add('last of all', 200);
\set VERBOSITY terse
select count(*) from rewards.usage_logs_default;
select complete from rewards.post();
select partitions_ahead from rewards.status;
execute skip('beyond', 200);
select count(*) as differences from rewards.verify();
select usage_points, requests from rewards.user_points where user_id = 'u';
deallocate all;
