-- Amounts beyond 9,223,372,036.854775807 in one share are refused (22003), sums of
-- shares go on; one rounding, half away from zero at the 9th place.
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
prepare event(integer, integer) as
insert into rewards.usage_logs (user_id, provider_id, endpoint, input_tokens, output_tokens) values ('u', 'p', '/big', $1, $2) returning provider_points, user_points;

-- the largest share, and one step beyond
select rewards.set_user_share(0) is not null as set;
select rewards.set_service('big', '/big', 9223372036.854775807) is not null as set;
execute event(0, 0);
execute event(0, 0);
execute event(0, 0);
select work_points from rewards.provider_rewards;
select complete from rewards.post();
select work_points from rewards.provider_rewards;
select earned from rewards.balance('p', 'provider');
select rewards.set_service('big', '/big', 9223372036.854775807, 0.000000001) is not null as set;
select pg_temp.outcome('execute event(0, 1)');
select pg_temp.outcome('execute event(2147483647, 2147483647)');
-- tokens times rates
select rewards.set_service('big', '/big', 0, 4.294967298, 0, 0) is not null as set;
execute event(0, 2147483647);
select rewards.set_service('big', '/big', 0, 4.294967299, 0, 0) is not null as set;
select pg_temp.outcome('execute event(0, 2147483647)');
select rewards.set_service('big', '/big', 0, 0, 0, 9223372036.854775807) is not null as set;
execute event(1, 0);
select pg_temp.outcome('execute event(1, 1)');
select pg_temp.outcome('execute event(2147483647, 2147483647)');
-- a creator's rate
select rewards.register_model('dear', owner => 'creator', rate => 9223372036.854775807);
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('u', '/chat', 'dear', 1) returning creator_earnings;
select pg_temp.outcome('insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values (''u'', ''/chat'', ''dear'', 2)');
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('creator', '/chat', 'dear', 2) returning creator_earnings;
-- what fails in amounts may still be recorded as failed
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, status_code) values ('u', '/chat', 'dear', 2, 500) returning creator_earnings;

-- rounding: share of 0.000000005 at 10 %, half away from zero, once
select rewards.set_user_share(0.1) is not null as set;
select rewards.set_referral_rates('user', '{0.5,0.25,0.05}') is not null as set;
select rewards.set_service('big', '/big', points) is not null as set from unnest('{0.000000004}'::numeric[]) points;
execute event(0, 0);
select rewards.set_service('big', '/big', 0.000000005) is not null as set;
execute event(0, 0);
select rewards.set_service('big', '/big', 0.000000015) is not null as set;
execute event(0, 0);
-- each share is rounded from the rounded points
select referrer from rewards.referral_signup(rewards.referral_code('r1'), 'u');
select referrer from rewards.referral_signup(rewards.referral_code('r2'), 'r1');
select referrer from rewards.referral_signup(rewards.referral_code('r3'), 'r2');
select rewards.set_service('big', '/big', 0.00000009) is not null as set;
execute event(0, 0);
select account, entry, level, amount from rewards.shares_of((select max(id) from rewards.usage_logs)) where kind = 'user' order by level;
-- rates and shares out of range
select call, pg_temp.outcome('select rewards.' || call) from unnest(array['set_user_share(1.000000001)', 'set_user_share(-0.1)', 'set_user_share(''NaN'')', 'set_user_share(0.0000000001)',
	'set_creator_rate(-1)', 'set_creator_rate(''Infinity'')', 'set_creator_rate(9223372036.854775808)', 'set_creator_rate(1, ''nonsense'')',
	'set_tier(''t'', -1)', 'set_tier(''t'', ''NaN'')', 'set_tier(null, 1)', 'set_tier('''', 1)', 'set_tier(repeat(''x'', 64), 1)', 'set_tier(''t'', 1, 8, 8)', 'set_tier(''t'', 1, 8, 4)', 'set_tier(''t'', 1, -1)',
	'set_referral_rates(''user'', ''{1.1}'')', 'set_referral_rates(''user'', ''{0.1,-0.1}'')', 'set_referral_rates(''user'', ''{0.1,null}'')', 'set_referral_rates(''user'', ''{{0.1},{0.1}}'')',
	'set_referral_rates(''user'', array_fill(0.1, array[33]))', 'set_referral_rates(''nobody'', ''{0.1}'')', 'set_referral_rates(null, ''{0.1}'')', 'set_referral_rates(''user'', ''{NaN}'')',
	'register_model(''m'', vram_gb => -1)', 'register_model(''m'', rate => -1)', 'register_model(''m'', rate => ''NaN'')', 'register_model(''m'', tier => ''nonsense'')']) call;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
deallocate event;
