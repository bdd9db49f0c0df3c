-- Calls with what cannot be: unknown kinds, malformed ids, NULLs, settings; each with
-- its SQLSTATE and a hint, and nothing changed.
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
create temp table before as select (select count(*) from rewards.rule) as rules, (select count(*) from rewards.account) as accounts,
	(select count(*) from rewards.model) as models, (select count(*) from rewards.admin_log) as log;

-- a required argument that is NULL
select call, pg_temp.outcome('select rewards.' || call) from unnest(array[
	'register_account(null)', 'register_account(''a'', null)', 'register_account(''a'', ''user'', null, null)', 'referral_code(null)', 'referral_code(''a'', null)',
	'register_model(null)', 'register_character(null, ''n'')', 'set_model_owner(null, ''a'')', 'set_model_owner(''m'', ''a'', null)',
	'set_setting(null, ''on'')', 'set_setting(''auto_register'', null)', 'set_setting(''auto_register'', ''on'', null)',
	'set_tier(''t'', 1, valid_from => null)', 'set_user_share(0.1, null)', 'set_creator_rate(0.1, null, null)', 'set_referral_rates(''user'', ''{0.1}'', null)',
	'track_usage(''r'', null, null, ''/tts'', null, 200, 0, 0, 0)', 'track_usage(''r'', ''u'', null, null, null, 200, 0, 0, 0)',
	'account_summary(null)', 'account_summary(''a'', null)', 'earning_history(null)', 'spark(null)', 'spark(''a'', null)', 'earning_history(''a'', null)', 'earning_history(''a'', ''user'', null)',
	'statement(null)', 'statement(''a'', null)', 'balance(null)', 'balance(''a'', null)', 'balance(''a'', ''user'', null)', 'shares_of(null)', 'explain_reward(null)', 'model_earnings(null)',
	'grant_access(null, ''app'')', 'grant_access(''x'', null)']) call;
-- kinds, units, months, days
select call, pg_temp.outcome('select rewards.' || call) from unnest(array[
	'register_account(''a'', ''creator'')', 'register_account(''a'', ''USER'')', 'referral_code(''a'', '''')', 'account_summary(''a'', ''x'')', 'earning_history(''a'', ''x'')', 'spark(''a'', ''x'')',
	'statement(''a'', ''x'')', 'balance(''a'', ''x'')', 'balance(''a'', ''user'', ''euros'')', 'earning_history(''a'', ''user'', 0)', 'earning_history(''a'', ''user'', -1)',
	'earning_history(''a'', ''user'', 2147483647)', 'account_summary(''a'', ''user'', ''2025-13'')', 'account_summary(''a'', ''user'', ''2025'')', 'account_summary(''a'', ''user'', ''January'')',
	'month('''')', 'month(''2025-00'')', 'month(''2025-02-30'')', 'month(''0000-01'')', 'month(''2025-1'')', 'month(''ALL'')', 'post(-1)',
	'grant_access(''nobody at all'', ''app'')', 'grant_access(''public'', ''god'')', 'grant_access(''public'', ''app'')']) call;
-- ids
select f, v, pg_temp.outcome(format(f, v)) from unnest(array['select rewards.register_account(%s)', 'select rewards.register_account(''ok'', ''user'', %s)',
	'select rewards.referral_code(%s)', 'select rewards.register_model(%s)', 'select rewards.register_model(''ok'', owner => %s)', 'select rewards.register_model(''ok'', character_id => %s)',
	'select rewards.register_character(%s, ''n'')', 'select rewards.set_model_owner(%s, ''a'')', 'select rewards.set_model_owner(''ok'', %s)']) f,
	unnest(array['''''', 'repeat(''x'', 256)', 'repeat(''x'', 10240)', 'e''a\x01''', 'e''a\x7f''']) v;
-- settings
select name, value, pg_temp.outcome(format('select rewards.set_setting(%L, %L)', name, value)) from (values
	('nonsense', 'on'), ('', ''), ('TIME_ZONE', 'UTC'), ('time_zone', 'Mars/Base'), ('time_zone', '+3'), ('time_zone', ''), ('auto_register', 'yes'), ('auto_register', 'ON'),
	('default_tier', 'nonsense'), ('code_policy', 'none'), ('request_partitions', '0'), ('request_partitions', '-1'), ('request_partitions', '101'),
	('request_partitions', '1.5'), ('request_partitions', '99999999999'), ('partitions_ahead', 'three'), ('partitions_ahead', '')) s(name, value);
select b.rules = (select count(*) from rewards.rule) as rules, b.accounts = (select count(*) from rewards.account) as accounts,
	b.models = (select count(*) from rewards.model) as models, b.log = (select count(*) from rewards.admin_log) as log from before b;
select name, value = default_value as untouched from rewards.settings order by 1;

-- the time zone may be set until there is usage, and then no more
select rewards.set_setting('time_zone', 'Asia/Tokyo') is not null as set;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('u', '/tts', '2025-01-31 15:00Z');
select pg_temp.outcome('select rewards.set_setting(''time_zone'', ''UTC'')');
select pg_temp.outcome('select rewards.set_setting(''time_zone'', ''Asia/Tokyo'')');
select user_id, month from rewards.user_points;
-- ids that look bad and are not
select rewards.register_account(v) from unnest(array['o''brien', '"q"', '$1', '; drop table x', '%', ' ', '{}', repeat('x', 255), '用户']) v;
