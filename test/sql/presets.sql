-- load_preset(): all that the programmes consist of; the second time it changes
-- nothing; a programme can be switched at a date and back; creator only adds what is
-- missing.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
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
prepare event(timestamptz) as
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at)
values ('u', 'p', '/v1/chat/completions', 'llama-3-8b', 600, 400, $1) returning provider_points, user_points;

/* every rule in force, besides tiers, model patterns and settings, which both have alike */
prepare programme as
select rule, key, value - '{event,kind,days,recipient_level,threshold}'::text[] as value from rewards.rules
where in_force and rule not in ('tier', 'model_pattern', 'setting') order by rule, key;
prepare tiers as select tier, points, vram_above, vram_upto from rewards.tiers order by points;
execute programme;
execute tiers;
select event, kind, amount, recipient_level, threshold, hold from rewards.bonuses order by 1, 2;
select kind, days, multiplier from rewards.streak_multipliers order by 1, 2;
select rewards.load_preset('cxmpute') as changed;
select rewards.load_preset('cxmpute', '-infinity') as changed;
select rewards.load_preset('creator') as changed;
-- switch at a date; what was before keeps the old programme
select rewards.load_preset('cxmpute_guide', '2025-06-01 00:00Z') > 0 as changed;
select rewards.load_preset('cxmpute_guide', '2025-06-01 00:00Z') as changed;
execute event('2025-05-31 23:59Z');
execute event('2025-06-01 00:00Z');
execute programme;
execute tiers;
select name, value from rewards.settings where name = 'code_policy';
-- and back: what the guide has and cxmpute has not ends
select rewards.load_preset('cxmpute', '2025-07-01 00:00Z') > 0 as changed;
execute event('2025-07-01 00:00Z');
execute event('2025-06-30 12:00Z');
execute programme;
select name, value from rewards.settings where name = 'code_policy';
-- bonuses, streaks and uptime go by the programme of the day: of three newcomers with
-- a referrer, of three services tried, of three weeks and a day
select referrer, bonus from unnest('{2025-05-15,2025-06-15,2025-07-15}'::timestamptz[]) at, rewards.referral_signup(rewards.referral_code('r'), 'n' || at::date, 'user', at);
select referrer, bonus from unnest('{2025-05-15,2025-06-15,2025-07-15}'::timestamptz[]) at, rewards.referral_signup(rewards.referral_code('r', 'provider'), 'n' || at::date, 'provider', at);
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'n' || at::date, '/tts', at from unnest('{2025-05-16,2025-06-16,2025-07-16}'::timestamptz[]) at;
insert into rewards.usage_logs (user_id, endpoint, created_at)
select 's' || at::date, '/embeddings', at + n * interval '1 day' from unnest('{2025-05-15,2025-06-15,2025-07-15}'::timestamptz[]) at, generate_series(0, 6) n;
select count(rewards.record_uptime('up', d::date, 72000)) from unnest('{2025-05-31,2025-06-01,2025-06-30,2025-07-01}'::date[]) d;
select complete from rewards.post();
insert into rewards.usage_logs (user_id, endpoint, created_at)
select 's' || at::date, '/embeddings', at + 7 * interval '1 day' from unnest('{2025-05-15,2025-06-15,2025-07-15}'::timestamptz[]) at
returning user_id, user_points;
select to_char(created_at, 'YYYY-MM-DD') as day, kind, account, entry, amount from rewards.ledger where source = 'journal' order by 1, 2, 3, 4;
-- a rule of one's own is no preset's business
select rewards.set_service('rerank', '/rerank', 4) is not null as set;
select rewards.load_preset('cxmpute') as changed;
select service, endpoint_suffix, points from rewards.services order by 1;
-- creator adds, and overrules nobody
select rewards.set_creator_rate(0.5) is not null as set;
select rewards.load_preset('creator') as changed;
select value from rewards.rules where rule = 'creator_rate' and in_force;
select rewards.set_creator_rate(null) is not null as ended;
select rewards.load_preset('creator') as changed;
select value from rewards.rules where rule = 'creator_rate' and in_force;
-- the calls are on record
select call, coalesce(arguments ->> 'name', arguments ->> 'preset') as preset, arguments -> 'versions' <> '[]' as changed, (call = 'install' or before <> after or after = '{}') as told from rewards.admin_log where call in ('install', 'load_preset') order by id;
select pg_temp.outcome('select rewards.load_preset(' || a || ')') from unnest(array['null', '''nonsense''', '''cxmpute'', null']) a;
select count(*) as differences from rewards.verify();
deallocate all;
