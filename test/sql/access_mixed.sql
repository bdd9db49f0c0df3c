-- A role is a member, or has an access that reads of all accounts but less of them than a member of
-- its own (billing, operator, analyst). Together, given or inherited, they would show everybody's
-- e-mails and points: refused. What app and admin read includes all that members do.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set client_min_messages to warning;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.register_account(u, 'user', u || '@example.com') from unnest('{ana,bob}'::text[]) u;
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('ana', 'gpu', '/tts'), ('bob', 'gpu', '/tts');
create role regress_mixed_ana;
create role regress_mixed_both;
select 'create role regress_mixed_' || a from unnest('{app,billing,operator,analyst,admin}'::text[]) a \gexec
select rewards.grant_access('regress_mixed_' || a, a) from unnest('{app,billing,operator,analyst,admin}'::text[]) a;
select rewards.grant_access('regress_mixed_ana', 'member', 'ana');
-- given to one role
\set VERBOSITY default
select rewards.grant_access('regress_mixed_ana', 'analyst');
select rewards.grant_access('regress_mixed_billing', 'member', 'ana');
\set VERBOSITY terse
select rewards.grant_access('regress_mixed_ana', 'operator');
select rewards.grant_access('regress_mixed_ana', 'billing');
select rewards.grant_access('regress_mixed_analyst', 'member');
select rewards.grant_access('regress_mixed_operator', 'member', 'ana');
select role, access from rewards.access order by 1, 2;
-- inherited
create function seen(access text) returns text language plpgsql as $$
declare
	result text := '';
	command text;
	found text;
begin
	execute format('grant regress_mixed_%s to regress_mixed_ana', access);
	foreach command in array '{select string_agg(email\, '' '' order by email) from rewards.accounts,select string_agg(user_id\, '' '' order by user_id) from rewards.user_points,select count(*) from rewards.notifications,
			select count(*) from rewards.balance(''bob''),select count(*) from rewards.shares_of(1),select account from rewards.me()}'::text[] loop
		begin
			set local role regress_mixed_ana;
			execute command into found;
			result := result || coalesce(found, '-') || ' | ';
		exception when insufficient_privilege then
			result := result || sqlstate || ' | ';
		end;
		set local role none;
	end loop;
	execute format('revoke regress_mixed_%s from regress_mixed_ana', access);
	return result;
end $$;
select a, seen(a) from unnest('{billing,operator,analyst,app,admin}'::text[]) a;
\set VERBOSITY default
grant regress_mixed_analyst to regress_mixed_ana;
set role regress_mixed_ana;
select user_id from rewards.user_points;
-- until it is the one that is meant
set role regress_mixed_analyst;
select user_id from rewards.user_points order by 1;
reset role;
revoke regress_mixed_analyst from regress_mixed_ana;
set role regress_mixed_ana;
select user_id from rewards.user_points;
reset role;
-- to pay is not to read: what works for the programme works
select rewards.set_payout_method('gpu', 'wire', '{}', 'provider'), rewards.set_payout_rule('points', 0.1, true) is not null as rule, (select complete from rewards.post()) as posted;
grant regress_mixed_operator, regress_mixed_billing to regress_mixed_ana;
set role regress_mixed_ana;
select done from rewards.maintain() where task = 'payouts made';
select rewards.request_payout('bob', 'user', 0.1, 'points') is not null as requested;
reset role;
revoke regress_mixed_operator, regress_mixed_billing from regress_mixed_ana;
select account, amount, automatic from rewards.payouts order by id;
-- those that may be together
\set VERBOSITY terse
select rewards.grant_access('regress_mixed_both', a) from unnest('{billing,operator,analyst}'::text[]) a;
set role regress_mixed_both;
select count(*) from rewards.user_points;
reset role;
drop function seen;
select rewards.revoke_access('regress_mixed_' || a) from unnest('{app,billing,operator,analyst,admin,ana,both}'::text[]) a;
select 'drop role regress_mixed_' || a from unnest('{app,billing,operator,analyst,admin,ana,both}'::text[]) a \gexec
