-- What set_rate_limit() refuses, and that it leaves nothing.
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
create temp table before as select count(*) as rules, (select count(*) from rewards.admin_log) as log from rewards.rule;
select call, pg_temp.outcome('set_rate_limit(' || call || ')') from unnest(array[
	'null, 1, ''1 day''', '''login'', 1, ''1 day''', '''limit'', 1, ''1 day''', '''referral_signup'', 0, ''1 day''', '''referral_signup'', -1, ''1 day''', '''referral_signup'', 1, null',
	'''referral_signup'', 1, ''0''', '''referral_signup'', 1, ''-1 hour''', '''referral_signup'', 1, ''367 days''', '''referral_signup'', 1, ''1 month''', '''referral_signup'', 1, ''1 year''',
	'''referral_signup'', 1, ''1 mon -29 days''', '''referral_signup'', 1, ''1 day'', ''flag''', '''referral_signup'', 1, ''1 day'', ''reverse''', '''referral_signup'', 1, ''1 day'', ''ban''',
	'''usage'', 1, ''1 day'', ''refuse''', '''tts'', 1, ''1 day'', ''refuse''', '''usage'', 1, ''1 day'', ''ban''', '''usage'', 1, ''1 day'', kind => ''robot''', '''redeem_code'', 1, ''1 day'', kind => ''provider''',
	'''deduct_token'', 1, ''1 day'', kind => ''provider''', '''usage'', 1, ''1 day'', valid_from => null', '''usage'', 1, ''1 day'', updated_by => null']) call;
select b.rules = (select count(*) from rewards.rule) and b.log = (select count(*) from rewards.admin_log) as unchanged from before b;
-- at the edge
select pg_temp.outcome('set_rate_limit(' || call || ')') from unnest(array[
	'''usage'', 1, ''366 days''', '''other'', 2147483647, ''0.000001 s'', ''reverse''', '''tts'', 1, ''1 week'', ''flag'', ''provider''', '''share_referral'', 1, ''1 day'', kind => ''user''', '''request_payout'', 1, ''1 day'', null, ''provider''',
	'''usage'', null, null', '''usage'', null, null']) call;
select subject, kind, max, per, action from rewards.rate_limits order by 1;
-- one is read alike however intervals are written
set intervalstyle to iso_8601;
select rewards.set_rate_limit('tts', 5, '1 day 02:00') is not null as set;
select value ->> 'per' as per from rewards.rules where rule = 'rate_limit' and key = 'tts';
