-- What set_detector() and clear_flag() refuse, and that it leaves nothing.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
	detail text;
begin
	execute 'select rewards.' || call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint, detail = pg_exception_detail;
	return concat_ws(' ', sqlstate, sqlerrm, nullif(detail, ''), case when hint = '' then '(no hint)' end);
end $$;
select referrer from rewards.referral_signup(rewards.referral_code('ada'), 'a@b');
select account from rewards.detect_abuse();
create temp table before as select count(*) as rules, (select count(*) from rewards.admin_log) as log from rewards.rule;
select call, pg_temp.outcome('set_detector(' || call || ')') from unnest(array[
	'null, ''{}''', '''bursts'', ''{}''', '''burst'', ''[]''', '''burst'', ''1''', '''burst'', ''null''', '''burst'', ''{"referees": 5}''', '''burst'', ''{"referrals": 1}''', '''burst'', ''{"referrals": 20.5}''',
	'''burst'', ''{"referrals": "20"}''', '''burst'', ''{"referrals": 1e9}''', '''burst'', ''{"referrals": null}''', '''burst'', ''{"within": 3600}''', '''burst'', ''{"within": "soon"}''', '''burst'', ''{"within": "-1 hour"}''',
	'''burst'', ''{"within": "101 years"}''', '''burst'', ''{"action": "ban"}''', '''burst'', ''{"action": true}''', '''silent_referees'', ''{"share": 0}''', '''silent_referees'', ''{"share": 1.01}''', '''silent_referees'', ''{"share": "0.8"}''',
	'''silent_referees'', ''{"referees": 0}''', '''inactive_referees'', ''{"days": -1}''', '''plus_address'', ''{"accounts": 1}''', '''disposable_domain'', ''{"domains": "example.com"}''', '''disposable_domain'', ''{"domains": [1]}''',
	'''disposable_domain'', ''{"domains": ["Example.com"]}''', '''disposable_domain'', ''{"domains": ["a@example.com"]}''', '''disposable_domain'', ''{"domains": ["com"]}''', '''disposable_domain'', ''{"domains": {}}''',
	'''invalid_email'', ''{"domains": []}''', '''burst'', ''{}'', null', '''burst'', ''{}'', valid_from => null', '''burst'', ''{}'', updated_by => null']) call;
select call, pg_temp.outcome('clear_flag(' || call || ')') from unnest(array['null, ''x''', '1, null', '1, ''''', '1, '' ''', '1, ''x'', null', '0, ''x''', '2, ''x''']) call;
select b.rules = (select count(*) from rewards.rule) and b.log = (select count(*) from rewards.admin_log) as unchanged from before b;
select account, cleared_at from rewards.abuse_flags;
-- at the edge
select pg_temp.outcome('set_detector(' || call || ')') from unnest(array['''burst'', ''{}''', '''burst'', ''{"referrals": 2, "within": "1 microsecond", "action": "warn"}''', '''inactive_referees'', ''{"days": 0, "share": 1, "referees": 1}''',
	'''disposable_domain'', ''{"domains": []}''', '''plus_address'', ''{"dotless_domains": []}'', false', '''burst'', null']) call;
select pg_temp.outcome('clear_flag(1, ''fine'')'), pg_temp.outcome('clear_flag(1, ''fine'')');
select call, arguments, before, after from rewards.admin_log where call = 'clear_flag';
