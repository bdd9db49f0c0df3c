-- X4: what admins do is apart from what users and providers do, and each job has just its
-- own: an application, billing, an operator, an analyst, an admin, a member. Roles with several accesses have the union.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set client_min_messages to warning;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create role regress_x4_app;
create role regress_x4_billing;
create role regress_x4_operator;
create role regress_x4_analyst;
create role regress_x4_admin;
create role regress_x4_member;
select rewards.grant_access('regress_x4_' || a, a) from unnest('{app,billing,operator,analyst,admin}'::text[]) a;
select rewards.grant_access('regress_x4_member', 'member', 'ana');
create function attempt(role text, command text) returns text language plpgsql as $$
begin
	execute format('set local role %I', 'regress_x4_' || role);
	execute command;
	set local role none;
	return 'yes';
exception when insufficient_privilege then
	return '-';
when others then
	return sqlstate || ' ' || sqlerrm;
end $$;
create temp table job (n integer generated always as identity, command text);
insert into job (command) values
	('select rewards.track_usage(''t'', ''ana'', ''prov'', ''/tts'', null, 200, 0, 0, 0)'), ('insert into rewards.usage_logs (user_id, provider_id, endpoint) values (''ana'', ''prov'', ''/tts'')'),
	('select rewards.register_account(''ben'')'), ('select rewards.referral_code(''ana'')'), ('select rewards.record_uptime(''prov'', ''2025-01-01'', 60)'), ('select rewards.take_notifications(1)'), ('select * from rewards.usage_logs'),
	('select rewards.add_credits(''ana'', 5, reference => ''top-up'')'), ('select rewards.refund_credits(''top-up'', ''x'')'), ('select rewards.set_payout_method(''ana'', ''bank'', ''{}'')'),
	('select rewards.request_payout(''ana'', ''user'', 0.01, ''points'', reference => ''p'')'), ('select rewards.approve_payout(id) from rewards.payouts where status = ''requested'''), ('select rewards.complete_payout(id, ''done'') from rewards.payouts where status = ''approved'''),
	('select user_id, balance from rewards.user_credits'), ('select * from rewards.payouts'), ('select * from rewards.ledger'), ('select rewards.balance(''ben'')'),
	('select * from rewards.post()'), ('select * from rewards.maintain()'), ('select * from rewards.verify()'), ('select * from rewards.status'), ('select * from rewards.settings'),
	('select user_id, total_points from rewards.user_points'), ('select email from rewards.accounts'), ('select account from rewards.accounts'), ('select * from rewards.leaderboard_top(''user'')'), ('select * from rewards.rules'), ('select * from rewards.admin_log'),
	('select rewards.set_tier(''tide_pool'', 2)'), ('select rewards.set_pricing(''tts'', 1, ''request'')'), ('select rewards.toggle_mainnet(false)'), ('select rewards.set_setting(''earnings_alert'', ''20'')'), ('select rewards.load_preset(''cxmpute'')'),
	('select rewards.set_status(''ben'', ''user'', ''warned'', ''x'')'), ('select rewards.adjust(''ben'', ''user'', 1, ''x'')'), ('select rewards.rerate(''2025-01-01'', ''2025-02-01'', ''x'')'),
	('select rewards.repair(''x'')'), ('select rewards.grant_access(''regress_x4_analyst'', ''analyst'')'), ('select rewards.register_account(''late'', joined_at => ''2020-01-01'')'), ('select rewards.set_model_owner(''m'', ''ana'', ''2020-01-01'')'),
	('select rewards.referral_signup(rewards.referral_code(''ana''), ''guest'', at => now() - interval ''1 day'')'), ('select rewards.install()'), ('select rewards.uninstall(''drop all data'')');
select rewards.register_account('ana'), rewards.register_model('m', owner => 'ana');
select command, attempt('app', command) as app, attempt('billing', command) as billing, attempt('operator', command) as operator, attempt('analyst', command) as analyst, attempt('admin', command) as admin, attempt('member', command) as member from job
order by n;
-- who did it is in the log by the role, whatever was claimed
set role regress_x4_admin;
select rewards.set_setting('earnings_alert', '30', 'the king') is not null as set;
reset role;
select session_role, updated_by, call from rewards.admin_log order by id desc limit 1;
-- a role that has two jobs has both, by grants of its own and by those of roles it is in; but who reads of all accounts
-- must not read of them what is for each alone, so with a job besides a member reads nothing until it says what it is
select rewards.grant_access('regress_x4_analyst', 'billing');
create role regress_x4_both in role regress_x4_operator, regress_x4_member;
select attempt('analyst', 'select rewards.add_credits(''ana'', 1)') as analyst_and_billing, attempt('both', 'select * from rewards.post()') as operator_and_member, attempt('both', 'select user_id from rewards.user_points') as as_member;
-- one revoke_access takes all of them; what is inherited goes with its role
select rewards.revoke_access('regress_x4_analyst'), rewards.revoke_access('regress_x4_member');
select attempt('analyst', 'select rewards.add_credits(''ana'', 1)') as no_more, attempt('analyst', 'select * from rewards.rules') as nor_this, attempt('both', 'select user_id from rewards.user_points') as nor_that, attempt('both', 'select * from rewards.post()') as still;
-- install() gives again what is remembered, also when somebody took it
revoke all on all functions in schema rewards from regress_x4_billing;
select attempt('billing', 'select rewards.add_credits(''ana'', 1)') as taken;
select rewards.install() is not null as installed;
select attempt('billing', 'select rewards.add_credits(''ana'', 1)') as given, attempt('analyst', 'select * from rewards.rules') as forgotten;
-- refusals
create function outcome(command text) returns text language plpgsql as $$
declare
	hint text;
begin
	execute command;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' ', sqlstate, sqlerrm, '|', hint);
end $$;
select outcome('select rewards.' || c) from unnest(array['grant_access(''regress_x4_app'', ''king'')', 'grant_access(''regress_x4_app'', null)', 'grant_access(null, ''app'')', 'grant_access(''nobody here'', ''app'')', 'grant_access(''public'', ''app'')',
	'grant_access(''regress_x4_app'', ''app'', ''ana'')', 'grant_access(''regress_x4_app'', ''member'', '''')', 'grant_access(''regress_x4_app'', ''member'', ''ana'', ''creator'')', 'revoke_access(''nobody here'')', 'revoke_access(null)']) c;
drop role regress_x4_both;
select rewards.revoke_access('regress_x4_' || a) from unnest('{app,billing,operator,admin}'::text[]) a;
drop function attempt, outcome;
drop role regress_x4_app, regress_x4_billing, regress_x4_operator, regress_x4_analyst, regress_x4_admin, regress_x4_member;
