-- P10: uptime earns under the programme of the guide: 0.05 points an hour, and the
-- provider's chain 10, 5 and 2.5 % of them; of several reports of a day the greatest
-- counts and a repeated one pays only the difference; it is no request.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install('cxmpute_guide') is not null as installed;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
begin
	execute 'select rewards.' || call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' ', sqlstate, sqlerrm, case when hint = '' then '(no hint)' end);
end $$;
/* a refers b, b c, c d, d e */
select count(*) from (values ('a', 'b'), ('b', 'c'), ('c', 'd'), ('d', 'e')) v(up, down), lateral (select rewards.register_account('a', 'provider', joined_at => '2024-01-01')) r,
	rewards.referral_signup(up, down, 'provider', '2025-01-02');
-- 20 hours: 1 point; the day before the edges nobody shares
select rewards.record_uptime('e', '2025-01-01', 72000);
select rewards.record_uptime('e', '2025-01-02', 72000);
select account, entry, level, amount, created_at, reason from rewards.ledger where reason = 'uptime' order by source_id, level;
-- the same again and less: nothing; more: the difference, 0.2 for four hours
select rewards.record_uptime('e', '2025-01-02', 72000);
select rewards.record_uptime('e', '2025-01-02', 3600);
select rewards.record_uptime('e', '2025-01-02', 0);
select rewards.record_uptime('e', '2025-01-02', 86400);
select account, entry, level, amount from rewards.ledger where reason = 'uptime' and source_id = (select max(id) from rewards.journal) order by level;
-- a second is 0.000013889 points, rounded; its shares of that: 0.000001389, 0.000000694, 0.000000347
select rewards.record_uptime('e', '2025-01-03', 1);
select account, entry, level, amount from rewards.ledger where reason = 'uptime' and source_id = (select max(id) from rewards.journal) order by level;
-- no multiplier, no campaign has a part in it
select rewards.set_multiplier('solo', 'provider', 10) is not null as set, rewards.start_campaign('x', 10, '2025-01-01', null) is not null as started;
select rewards.record_uptime('solo', '2025-01-05', 36000);
-- read before and after posting; it is no request
prepare points as select provider_id, work_points, referral_points, total_points, requests, tokens from rewards.provider_rewards where month = '2025-01-01' order by 1;
execute points;
select complete from rewards.post();
execute points;
insert into rewards.usage_logs (user_id, provider_id, endpoint, output_tokens, created_at) values ('u', 'e', '/tts', 100, '2025-01-06');
execute points;
select unit, entry, level, sum(events) as events, sum(amount) as amount from rewards.statement('e', 'provider') group by 1, 2, 3 order by 2;
-- a day that was long enough is one of the streak
select kind, account, current_streak, best_streak, last_day from rewards.streaks where kind = 'provider' order by 2;
-- under a programme without points for uptime, only that; the rule of the day decides
select rewards.load_preset('cxmpute', '2025-02-01') > 0 as changed;
select rewards.record_uptime('e', '2025-01-31', 36000);
select rewards.record_uptime('e', '2025-02-01', 36000);
select created_at, account, amount from rewards.ledger where reason = 'uptime' and created_at > '2025-01-20' and level = 0;
select rewards.set_uptime_points(0.1, '2025-03-01') is not null as set;
select rewards.record_uptime('e', '2025-03-01', 36000);
select account, level, amount from rewards.ledger where reason = 'uptime' and created_at >= '2025-03-01' order by level;
-- a rule of more points, made later: the next report, were it a smaller one, pays what is due then
select rewards.set_uptime_points(0.2, '2025-03-01') is not null as set;
select rewards.record_uptime('e', '2025-03-01', 3600);
select seconds, reached, trim_scale(booked) as booked from rewards.uptime where day = '2025-03-01';
select rewards.record_uptime('e', '2025-03-01', 36000);
select account, level, amount from rewards.ledger where reason = 'uptime' and created_at >= '2025-03-01' order by source_id, level;

-- refused
select call, pg_temp.outcome(call) from unnest(array['record_uptime(null, ''2025-01-01'', 1)', 'record_uptime(''e'', null, 1)', 'record_uptime(''e'', ''2025-01-01'', null)', 'record_uptime('''', ''2025-01-01'', 1)',
	'record_uptime(''e'', ''2025-01-01'', -1)', 'record_uptime(''e'', ''2025-01-01'', 90001)', 'record_uptime(''e'', ''infinity'', 1)', 'record_uptime(''e'', ''-infinity'', 1)',
	'record_uptime(''e'', (now() + interval ''2 days'')::date, 1)', 'set_uptime_points(-1)', 'set_uptime_points(0.0000000001)', 'set_uptime_points(1, null)']) call;
select rewards.set_setting('auto_register', 'off') is not null as set;
select pg_temp.outcome('record_uptime(''nobody'', ''2025-01-01'', 1)');
select complete from rewards.post();
select count(*) as differences from rewards.verify();
-- repair() makes the same of it
create temp table kept as table rewards.activity;
select rewards.repair('test') > 0 as repaired;
select count(*) as changed from ((table rewards.activity except table kept) union all (table kept except table rewards.activity)) d;
select count(*) as differences from rewards.verify();
deallocate all;
