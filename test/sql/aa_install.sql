-- Before install() every call says so (55000 with a hint) and nothing can be
-- written; install() twice is the same as once; uninstall() wants its words.
-- Runs first; leaves the extension installed.
\set VERBOSITY terse
\set SHOW_CONTEXT never
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

select call, pg_temp.outcome('select ' || call) from (values
	('rewards.track_usage(''r'', ''u'', ''p'', ''/chat'', ''m'', 200, 1, 1, 1)'),
	('rewards.register_account(''u'')'),
	('rewards.referral_code(''u'')'),
	('rewards.referral_signup(''a'', ''b'')'),
	('rewards.register_model(''m'')'),
	('rewards.register_character(''c'', ''C'')'),
	('rewards.set_model_owner(''m'', ''u'')'),
	('rewards.set_tier(''t'', 1)'),
	('rewards.set_service(''s'', ''/s'')'),
	('rewards.set_model_pattern(1, ''x'', ''t'')'),
	('rewards.set_user_share(0.1)'),
	('rewards.set_creator_rate(0.1)'),
	('rewards.set_referral_rates(''user'', ''{0.1}'')'),
	('rewards.set_setting(''auto_register'', ''on'')'),
	('rewards.load_preset(''cxmpute'')'),
	('rewards.account_summary(''u'')'),
	('rewards.account_summary(''u'', ''user'', date ''2025-01-01'')'),
	('rewards.earning_history(''u'')'),
	('rewards.provider_earnings(''p'')'),
	('rewards.spark(''u'')'),
	('rewards.statement(''u'')'),
	('rewards.balance(''u'')'),
	('rewards.shares_of(1)'),
	('rewards.explain_reward(1)'),
	('rewards.explain_tier(''m'')'),
	('rewards.model_earnings(''u'')'),
	('rewards.post()'),
	('rewards.verify()'),
	('rewards.grant_access(''r'', ''app'')')) c(call);

-- no table, no row
insert into rewards.usage_logs (user_id, endpoint) values ('u', '/chat/completions');
-- what needs no data works
select rewards.month('2025-01');

select rewards.install() like 'rewards % is installed' as installed;
create temp table before as select
	(select count(*) from rewards.rule) as rules,
	(select count(*) from rewards.usage_partition) as partitions,
	(select count(*) from pg_class where relnamespace = 'rewards'::regnamespace) as relations,
	(select count(*) from pg_trigger where tgrelid in (select oid from pg_class where relnamespace = 'rewards'::regnamespace)) as triggers;

-- again: nothing changes, nothing is lost
select rewards.install() like 'rewards % is installed' as installed;
select b.rules = (select count(*) from rewards.rule) as rules,
	b.partitions = (select count(*) from rewards.usage_partition) as partitions,
	b.relations = (select count(*) from pg_class where relnamespace = 'rewards'::regnamespace) as relations,
	b.triggers = (select count(*) from pg_trigger where tgrelid in (select oid from pg_class where relnamespace = 'rewards'::regnamespace)) as triggers
from before b;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('install_u', '/tts', '2025-01-15 12:00Z');
select rewards.install() like 'rewards % is installed' as installed;
select user_id, service, user_points from rewards.usage_logs;

-- an unknown preset installs nothing else either
select pg_temp.outcome('select rewards.install(''nonsense'')');

-- the extension is guarded: everything hangs on its type
drop extension rewards;
select call, pg_temp.outcome('select rewards.' || call)
from (values ('uninstall(null)'), ('uninstall('''')'), ('uninstall(''Drop all data'')')) c(call);
select count(*) from rewards.usage_logs;

-- with the words: all gone, and back again in the same session
select rewards.uninstall('drop all data');
select to_regclass('rewards.usage_logs'), to_regclass('rewards.account'), to_regclass('rewards.usage_number');
select pg_temp.outcome('select rewards.balance(''install_u'')');
select rewards.install() like 'rewards % is installed' as installed;
select count(*) from rewards.usage_logs;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('install_u', '/tts', '2025-01-15 12:00Z') returning user_points;
