-- Rows of usage, journal and admin log cannot be changed, a partition takes no row of
-- its own, computed columns and id are the table's to write; even for a superuser.
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
insert into rewards.usage_logs (request_id, user_id, endpoint) values ('kept', 'u', '/tts');
select referrer from rewards.referral_signup(rewards.referral_code('referrer'), 'u');
select min(id) as id, tableoid::regclass as partition from rewards.usage_logs group by 2 \gset

select call, pg_temp.outcome(call) from unnest(array[
	'update rewards.usage_logs set user_points = 100', 'update rewards.usage_logs set latency_ms = 1 where false',
	'delete from rewards.usage_logs', 'delete from rewards.usage_logs where id = -1', 'truncate rewards.usage_logs',
	'update rewards.journal set reason = ''x''', 'delete from rewards.journal', 'truncate rewards.journal',
	'update rewards.admin_log set call = ''x''', 'delete from rewards.admin_log', 'truncate rewards.admin_log',
	'insert into rewards.usage_logs (id, user_id, endpoint) values (1, ''u'', ''/tts'') on conflict (id) do update set user_points = 100',
	'merge into rewards.usage_logs u using (values (1)) n(i) on true when matched then delete']) call;
-- the same on the partition itself
select call, pg_temp.outcome(replace(call, '$', :'partition')) from unnest(array[
	'update $ set user_points = 100', 'delete from $', 'truncate $', 'insert into $ (user_id, endpoint) values (''u'', ''/tts'')',
	'insert into $ select * from $']) call;
select pg_temp.outcome('insert into rewards.usage_logs_default (user_id, endpoint) values (''u'', ''/tts'')');
copy rewards.usage_logs_default (user_id, endpoint) from stdin;
u	/tts
\.

-- computed columns, one by one
select call, pg_temp.outcome(format('insert into rewards.usage_logs (user_id, endpoint, %s) values (''u'', ''/tts'', %s)', split_part(call, '=', 1), split_part(call, '=', 2)))
from unnest(array['service=''tts''', 'tier=''tide_pool''', 'provider_points=1', 'user_points=0', 'creator_earnings=0', 'cost=0', 'distribution=''[]''',
	'service=null', 'cost=default']) call;
-- and id: none but the one drawn for the row
select call, pg_temp.outcome('insert into rewards.usage_logs (user_id, endpoint, id) ' || call) from unnest(array[
	'values (''u'', ''/tts'', 1)', 'values (''u'', ''/tts'', 1000000)', 'values (''u'', ''/tts'', null)', 'values (''u'', ''/tts'', 0)', 'values (''u'', ''/tts'', -1)',
	'select ''u'', ''/tts'', currval(''rewards.usage_number'')', 'select ''u'', ''/tts'', nextval(''rewards.usage_number'')',
	'select ''u'', ''/tts'', 9223372036854775807']) call;
insert into rewards.usage_logs (user_id, endpoint, id) values ('u', '/tts', default) returning user_points;
-- a number drawn in the same transaction serves one row, and none before it
begin;
select rewards.next_number('rewards.usage_number') as unused \gset
insert into rewards.usage_logs (user_id, endpoint) values ('undone', '/tts');
select pg_temp.outcome('insert into rewards.usage_logs (user_id, endpoint, id) select ''u'', ''/tts'', ' || n)
from unnest(array['currval(''rewards.usage_number'')', :'unused']) n;
rollback;
-- a number drawn and left unused by a transaction that is over serves no row
select rewards.next_number('rewards.usage_number') as abandoned \gset
select pg_temp.outcome('insert into rewards.usage_logs (user_id, endpoint, id) select ''u'', ''/tts'', ' || :'abandoned');
copy rewards.usage_logs (id, user_id, endpoint) from stdin;
1	u	/tts
\.
copy rewards.usage_logs from stdin (format csv);
999999,2025-01-01,200,0,0,0,r,u,p,/tts,,,,,,,,,,
\.
-- the trigger's functions are none to call, nor to put elsewhere
select call, pg_temp.outcome('select ' || call) from unnest(array['rewards.usage_before_insert()', 'rewards.refuse_change()']) call;
create temp table elsewhere (id bigint, user_id text, endpoint text);
create trigger t before insert on elsewhere for each row execute function rewards.usage_before_insert();
\set VERBOSITY sqlstate
insert into elsewhere (user_id, endpoint) values ('u', '/tts');
\set VERBOSITY terse

-- all of it left no trace
select request_id, user_id, user_points from rewards.usage_logs where id = :id;
select count(*) from rewards.usage_logs;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
