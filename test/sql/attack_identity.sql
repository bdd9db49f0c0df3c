-- Attack: being somebody else. The account of a member comes from what grant_access() wrote
-- down, and from rewards.account only for those who were granted without an account; no setting, session
-- or role of one's own changes it, nor does code that somebody with more rights is made to run.
\getenv tests PG_ABS_SRCDIR
\set begin :tests /attack/begin.psql
\set end :tests /attack/end.psql
\i :begin
insert into command (command) values
	('set rewards.account = ''user:victim'''), ('set local rewards.account = ''user:victim'''), ('select set_config(''rewards.account'', ''user:victim'', false)'),
	('reset rewards.account'), ('alter role current_user set rewards.account = ''user:victim'''), ('create function pg_temp.f() returns bigint language sql set rewards.account = ''user:victim'' as ''select 1'''),
	('grant regress_attack_admin to current_user'), ('alter role current_user superuser'),
	('select rewards.grant_access(current_user, ''admin'')'), ('select rewards.grant_access(current_user, ''member'', ''victim'')'), ('grant set on parameter rewards.account to current_user');
select command, attempt('none', command) as "none", attempt('app', command) as app, attempt('billing', command) as billing, attempt('operator', command) as operator,
	attempt('analyst', command) as analyst, attempt('member', command) as member from command order by n;
-- in sessions of their own: before the library is loaded the parameter is nobody's, and loading it drops what was set
\c - regress_attack_member
\set VERBOSITY terse
set rewards.account = 'user:victim';
select * from rewards.me();
select distinct user_id from rewards.user_points;
select current_setting('rewards.account');
set session authorization regress_attack_admin;
set role regress_attack_admin;
set session_replication_role = replica;
alter system set rewards.account = 'user:victim';
set request.jwt.claims = '{"sub": "victim"}';
select * from rewards.me();
-- nor when the connection brings it
\set options ' options=''-c rewards.account=user:victim -c client_min_messages=error'''
\set app 'dbname=' :DBNAME ' user=regress_attack_app' :options
\set member 'dbname=' :DBNAME ' user=regress_attack_member' :options
\set pooler 'dbname=' :DBNAME ' user=regress_attack_pooler' :options
\set plain_pooler 'dbname=' :DBNAME ' user=regress_attack_pooler'
\c :app
\set VERBOSITY terse
select * from rewards.me();
\c :member
\set VERBOSITY terse
select * from rewards.me();
-- who was granted without an account may say it so
\c :pooler
\set VERBOSITY terse
select * from rewards.me();
\c :plain_pooler
\set VERBOSITY terse
select * from rewards.me();
begin;
set local rewards.account = 'user:own';
select * from rewards.me();
select distinct user_id from rewards.user_points;
commit;
select * from rewards.me();
set rewards.account = 'provider:prov';
select * from rewards.me();
select provider_id, month, total_points from rewards.provider_rewards order by month;
-- the parameter goes before claims
set request.jwt.claims = '{"sub": "own"}';
select * from rewards.me();
reset rewards.account;
select * from rewards.me();
set request.jwt.claims = '{"sub": "prov", "kind": "provider", "role": "web"}';
select * from rewards.me();
set request.jwt.claims = '{"role": "web"}';
select * from rewards.me();
set request.jwt.claims = '';
select * from rewards.me();
set request.jwt.claims = '{"sub": "x", "kind": "admin"}';
select * from rewards.me();
set request.jwt.claims = 'nonsense';
select * from rewards.me();
reset request.jwt.claims;
-- what is no account is refused when it is set
set rewards.account = 'victim';
set rewards.account = 'admin:victim';
set rewards.account = 'user:';
set rewards.account = E'user:a\tb';
select set_config('rewards.account', 'user:' || repeat('x', 256), false);
set rewards.account = 'user:a:b''c';
select * from rewards.me();
\c - :me
\set VERBOSITY terse
set client_min_messages to warning;
set request.jwt.claims = '{"sub": "own"}';
select r as role, attempt(r, 'select 1 from rewards.me() m where m.account is not null') as identity from unnest('{none,app,billing,operator,analyst,admin}'::text[]) r;
reset request.jwt.claims;
-- a role bound to two accounts stands for none; its own parameter is not asked
create role regress_attack_two login in role regress_attack_member;
select rewards.grant_access('regress_attack_two', 'member', 'victim');
set role regress_attack_two;
select * from rewards.me();
select count(*) from rewards.user_points;
select rewards.balance('victim');
reset role;
select rewards.revoke_access('regress_attack_two');
set role regress_attack_two;
select * from rewards.me();
reset role;
drop role regress_attack_two;
-- who does not inherit from it is nobody, until it is that role
create role regress_attack_two login noinherit in role regress_attack_member;
select rewards.grant_access('regress_attack_two', 'member', 'guest');
set role regress_attack_two;
select * from rewards.me();
set role regress_attack_member;
select * from rewards.me();
reset role;
select rewards.revoke_access('regress_attack_two');
drop role regress_attack_two;
-- bound again to another account, or to none: the new one counts, and the right to the parameter comes and goes
select rewards.grant_access('regress_attack_pooler', 'member', 'guest');
set role regress_attack_pooler;
select * from rewards.me();
set rewards.account = 'user:victim';
reset role;
select rewards.grant_access('regress_attack_pooler', 'member');
set role regress_attack_pooler;
set rewards.account = 'user:own';
select * from rewards.me();
reset role;
reset rewards.account;
-- code of a member's that a superuser runs without knowing: ANALYZE, an index, a materialized view
grant create on database :"DBNAME" to regress_attack_member, regress_attack_app;
\c - regress_attack_member
\set VERBOSITY terse
set client_min_messages to warning;
create schema own_schema;
create function own_schema.spy(x integer) returns integer language plpgsql immutable as $$
declare
	found text;
begin
	begin
		found := (select string_agg(distinct p.user_id, ' ') from rewards.user_points p);
	exception when others then
		found := sqlstate;
	end;
	raise warning 'view: %', found;
	begin
		found := (select b.available from rewards.balance('victim') b);
	exception when others then
		found := sqlstate || ' ' || sqlerrm;
	end;
	raise warning 'call: %', found;
	begin
		found := (select m.account from rewards.me() m);
	exception when others then
		found := sqlstate;
	end;
	raise warning 'me: %', found;
	return x;
end $$;
create table own_schema.bait (x integer);
create index on own_schema.bait (own_schema.spy(x));
insert into own_schema.bait values (1);
\c - :me
\set VERBOSITY terse
set client_min_messages to warning;
analyze own_schema.bait;
-- nor can an app's code pass for a superuser's in what is logged
\c - regress_attack_app
\set VERBOSITY terse
set client_min_messages to warning;
create schema app_schema;
create function app_schema.act(x integer) returns integer language plpgsql volatile as $$
begin
	perform rewards.request_payout('guest', 'user', 0.1, 'points');
	raise warning 'done';
	return x;
exception when others then
	raise warning '% %', sqlstate, sqlerrm;
	return x;
end $$;
create materialized view app_schema.m as select app_schema.act(1) as x with no data;
\c - :me
\set VERBOSITY terse
set client_min_messages to warning;
refresh materialized view app_schema.m;
drop schema own_schema, app_schema cascade;
revoke create on database :"DBNAME" from regress_attack_member, regress_attack_app;
-- but for what this test itself has granted
delete from before where what in ('rewards.access', 'rewards.admin_log', 'rewards.admin_log_id_seq');
insert into before select * from fingerprint() where what in ('rewards.access', 'rewards.admin_log', 'rewards.admin_log_id_seq');
\i :end
