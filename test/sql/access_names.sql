-- What grant_access() has written down is a role's, whatever its name is by now and however the session
-- writes names: another role that gets the name, here or after a restore, gets nothing by it.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set client_min_messages to warning;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('ana', 'gpu', '/tts'), ('bob', 'gpu', '/tts');
create role regress_names_a;
create role regress_names_b;
create view given as
select a.role, a.access, a.role_number::regrole::text as now_called, c.name as account
from rewards.access a left join rewards.account c on c.id = a.account
order by a.role collate "C", a.access;
-- a session that quotes all names writes them down as others do, and revoke_access() finds them
set quote_all_identifiers to on;
select rewards.grant_access('regress_names_a', 'analyst');
reset quote_all_identifiers;
table given;
select before, after from rewards.admin_log order by id desc limit 1;
select rewards.revoke_access('regress_names_a');
table given;
select rewards.grant_access('regress_names_a', 'member', 'ana');
set quote_all_identifiers to on;
select rewards.grant_access('regress_names_a', 'member', 'bob');
reset quote_all_identifiers;
table given;
-- what an older version has written down twice counts no more
insert into rewards.access select '"regress_names_a"', access, granted_at, role_number, identity, account from rewards.access;
insert into rewards.access select '"regress_names_a"', 'analyst', granted_at, role_number, identity, null from rewards.access where role = 'regress_names_a';
select count(*) > 0 as maintained from rewards.maintain();
select * from given order by 2;
select rewards.revoke_access('regress_names_a');
table given;
-- backslashes that mean something else change nothing
do $$ begin
	/* 19 has no other way to read them */
	if current_setting('server_version_num')::int < 190000 then
		set escape_string_warning to off;
		set standard_conforming_strings to off;
	end if;
end $$;
select rewards.grant_access('regress_names_a', 'operator');
set standard_conforming_strings to on;
select has_function_privilege('regress_names_a', 'rewards.post(bigint)', 'execute') as posts;
select rewards.revoke_access('regress_names_a');
-- names that are exchanged: each role keeps its account, and a dump tells so
select rewards.grant_access('regress_names_a', 'member', 'ana'), rewards.grant_access('regress_names_b', 'member', 'bob');
alter role regress_names_a rename to regress_names_c;
alter role regress_names_b rename to regress_names_a;
alter role regress_names_c rename to regress_names_b;
select count(*) > 0 as maintained from rewards.maintain();
select * from given order by 1;
set role regress_names_b;
select user_id from rewards.user_points;
reset role;
-- a role that is gone, and one of its name
drop owned by regress_names_a;
drop role regress_names_a;
create role regress_names_a;
select count(*) > 0 as maintained from rewards.maintain();
table given;
select rewards.revoke_access('regress_names_b');
-- restored: who has the name here may be a stranger, and has no more than its GRANTs
insert into rewards.access (role, access, role_number, identity) values ('regress_names_a', 'analyst', 'regress_names_a'::regrole, 'another database'), ('regress_names_b', 'analyst', 1, 'another database');
select rewards.grant_access('regress_names_a', 'member', 'ana');
set role regress_names_a;
select user_id from rewards.user_points;
reset role;
table given;
-- who has them keeps its access
delete from rewards.access where access = 'analyst';
select rewards.grant_access('regress_names_b', 'analyst');
update rewards.access set identity = 'another database', role_number = 1 where access = 'analyst';
select rewards.grant_access('regress_names_b', 'operator');
select role, access from rewards.access order by 1, 2;
set role regress_names_b;
select count(*) from rewards.user_points;
reset role;
select rewards.install() is not null as installed;
drop view given;
select rewards.revoke_access('regress_names_' || n) from unnest('{a,b}'::text[]) n;
drop role regress_names_a, regress_names_b;
