-- What is on record cannot be changed or removed: usage in every partition, the journal,
-- the admin log, and the histories of rules, facts, statuses, edges and revocations; not
-- by any statement, not by any granted role, nor by the owner by accident.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set client_min_messages to warning;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.outcome(command text) returns text language plpgsql as $$
begin
	execute command;
	raise exception 'accepted' using errcode = 'ZZ001';
exception when others then
	return concat_ws(' ', sqlstate, sqlerrm);
end $$;

/* something in each */
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model) values ('r', 'ada', 'gpu', '/v1/chat/completions', 'm');
select rewards.set_multiplier('ada', 'user', 2) > 0 as multiplier, rewards.register_model('m', owner => 'ben') is not null as model,
	rewards.set_status('carl', 'user', 'warned', 'x') > 0 as status, rewards.revoke_rewards('carl', 'user', 'x') as revoked;
select referrer from rewards.referral_signup(rewards.referral_code('ada'), 'ben');
select rewards.adjust('ada', 'user', 5, 'x') > 0 as adjusted, rewards.request_payout('ada', 'user', 1, 'points') as payout, rewards.appeal('ada', 'user', 'x') as appeal;
insert into rewards.abuse_flag (account, detector, evidence) values (1, 'burst', '{}');
insert into rewards.review (account, reason, evidence) values (1, 'quality', '{}');

-- every partition is guarded, the default one and those made later too
begin;
select rewards.set_setting('partitions_ahead', '6') > 0 as more;
select rewards.make_partitions() as made;
select count(*) as partitions, count(*) filter (where t.tgenabled = 'O' and t.tgtype & 1 = 0 and t.tgtype & 2 = 2
	and t.tgtype & (4 | 8 | 16 | 32) = 4 | 8 | 16 | 32) as guarded
from pg_inherits i left join pg_trigger t on t.tgrelid = i.inhrelid and t.tgname = 'usage_guard' and t.tgfoid = 'rewards.refuse_change()'::regprocedure
where i.inhparent = 'rewards.usage_logs'::regclass;
create temp table attempt as
select i.inhrelid::regclass::text as relation, replace(c, '$', i.inhrelid::regclass::text) as command
from pg_inherits i
cross join unnest(array['update $ set user_points = 9', 'update $ set user_points = 9 where false', 'delete from $', 'truncate $', 'truncate only $',
	'insert into $ (user_id, endpoint) values (''u'', ''/tts'')', 'insert into $ select * from $',
	'insert into $ (id, user_id, endpoint) values (1, ''u'', ''/tts'') on conflict (id) do update set user_points = 9',
	'merge into $ u using (values (1)) n(i) on true when matched then delete',
	'with gone as (delete from $ returning 1) select count(*) from gone']) c
where i.inhparent = 'rewards.usage_logs'::regclass;
select count(*) as attempts, count(*) filter (where pg_temp.outcome(command) ~ '^55000 ') as refused from attempt;
rollback;

-- every table of the record: every column, every way
create temp table record (name text, states text[]);
insert into record values ('usage_logs', '{}'), ('journal', '{}'), ('admin_log', '{}'), ('revocation', '{}'),
	('rule', '{sure_from}'), ('account_fact', '{sure_from}'), ('model_fact', '{sure_from}'), ('account_status', '{sure_from}');
select r.name, string_agg(a.attname, ' ') filter (where pg_temp.outcome(format('update rewards.%I set %2$I = %2$I where false', r.name, a.attname)) !~ '^(55000|428C9) ') as open
from record r join pg_attribute a on a.attrelid = ('rewards.' || r.name)::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
group by r.name order by r.name;
select command, string_agg(distinct pg_temp.outcome(replace(command, '$', r.name)), ', ') ~ '^55000 [^,]*(, 55000 [^,]*)*$' as refused
from record r, unnest(array['delete from rewards.$', 'delete from rewards.$ where false', 'truncate rewards.$', 'truncate only rewards.$ cascade',
	'merge into rewards.$ u using (values (1)) n(i) on true when matched then delete',
	'with gone as (delete from rewards.$ returning 1) select count(*) from gone']) command
where command not like '%only%' or r.name <> 'usage_logs'
group by command order by command;
-- from when on everybody knew something is written once
select complete from rewards.post();
select complete from rewards.post();
select r.name, pg_temp.outcome(format('update rewards.%I set sure_from = 0 where sure_from is not null', r.name)) as outcome
from (select name from record where states <> '{}' union all select 'account') r order by r.name;

-- through a view, and by a cascade
create view pg_temp.mine as select * from rewards.journal;
create table public.elsewhere (id bigint primary key);
insert into public.elsewhere select id from rewards.account;
alter table rewards.journal add constraint elsewhere foreign key (account) references public.elsewhere not valid;
alter table rewards.admin_log add column other bigint references public.elsewhere;
select command, pg_temp.outcome(command) from unnest(array['update pg_temp.mine set reason = ''x''', 'delete from pg_temp.mine', 'truncate public.elsewhere cascade',
	'insert into rewards.journal select * from rewards.journal on conflict (id) do update set reason = ''x''']) command;
alter table rewards.journal drop constraint elsewhere;
alter table rewards.admin_log drop column other;
drop table public.elsewhere;
\set VERBOSITY sqlstate
copy rewards.usage_logs_1 (user_id, endpoint) from stdin;
u	/tts
\.
\set VERBOSITY terse

-- accounts: the edge, the number, the name; what may change does
select command, pg_temp.outcome(command) from unnest(array[
	'update rewards.account set referrer = null where name = ''ben''', 'update rewards.account set referrer = 3, code = ''x'' where name = ''ben''',
	'update rewards.account set referred_at = now() where name = ''ben''', 'update rewards.account set name = ''x'' where name = ''ada''', 'update rewards.account set kind = kind', 'update rewards.account set id = default',
	'delete from rewards.account', 'truncate rewards.account', 'update rewards.account set email = ''x'' where name = ''ben''']) command;
-- what has a state stays on record
select command, pg_temp.outcome(command) from unnest(array['delete from rewards.payout', 'truncate rewards.payout', 'delete from rewards.abuse_flag', 'truncate rewards.abuse_flag',
	'delete from rewards.review', 'truncate rewards.review', 'delete from rewards.appeal', 'truncate rewards.appeal']) command;

-- granted roles: nothing of it, nor may they take partitions out or put others in
create temp table granted (role name, access text);
create function pg_temp.grant(of_access text, account text) returns void language plpgsql as $$
begin
	execute format('create role %I', 'rewards_test_' || of_access);
	perform rewards.grant_access('rewards_test_' || of_access, of_access, account);
	insert into granted values ('rewards_test_' || of_access, of_access);
exception when invalid_parameter_value then
	/* an access that there is not */
	null;
end $$;
create function pg_temp.outcome_as(role name, command text) returns text language plpgsql as $$
begin
	execute format('set local role %I', role);
	execute command;
	raise exception 'accepted' using errcode = 'ZZ001';
exception when others then
	return concat_ws(' ', sqlstate, sqlerrm);
end $$;
begin;
select pg_temp.grant(a, case a when 'member' then 'ada' end) from unnest('{app,billing,operator,analyst,admin,member}'::text[]) a;
create table public.forged (like rewards.usage_logs);
grant all on public.forged to public;
create temp table try as
select g.role, c.command from granted g cross join (
	select replace(c, '$', r.name) from record r, unnest(array['update rewards.$ set id = default', 'delete from rewards.$', 'truncate rewards.$', 'truncate rewards.$ cascade',
		'alter table rewards.$ disable trigger all', 'drop table rewards.$', 'create rule r as on update to rewards.$ do instead nothing']) c
	union all
	select unnest(array['insert into rewards.journal (created_at, unit, distribution, actor) values (now(), 1, ''[]'', ''x'')',
		'insert into rewards.admin_log (session_role, updated_by, call) values (''x'', ''x'', ''x'')', 'insert into rewards.rule (rule, key, valid_from, seen_from, updated_by) values (''x'', '''', now(), 0, ''x'')',
		'alter table rewards.usage_logs detach partition rewards.usage_logs_1', 'alter table rewards.usage_logs attach partition public.forged for values from (900000000) to (900000001)',
		'drop table rewards.usage_logs_1', 'insert into rewards.usage_logs_1 (user_id, endpoint) values (''u'', ''/tts'')', 'update rewards.usage_logs_1 set id = default',
		'select rewards.log_call(''x'', null, null, null, ''x'')', 'set session_replication_role = replica'])) c(command);
select count(*) filter (where role = 'rewards_test_app') > 60 as tried, count(*) - count(*) filter (where pg_temp.outcome_as(role, command) ~ '^(42501|55000) ') as accepted from try;
rollback;

-- nothing has changed; and all of it can go at once
select count(*) as rows from rewards.usage_logs;
select * from rewards.verify();
select rewards.uninstall('drop all data');
select count(*) as left_over from pg_class where relnamespace = 'rewards'::regnamespace and relkind in ('r', 'p', 'S', 'v');
select rewards.install() is not null as installed;
