-- load_preset(): the second time it changes nothing; a programme can be switched at a
-- date and back; creator only adds what is missing.
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
prepare event(timestamptz) as
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at)
values ('u', 'p', '/v1/chat/completions', 'llama-3-8b', 600, 400, $1) returning provider_points, user_points;

select rewards.load_preset('cxmpute') as changed;
select rewards.load_preset('cxmpute', '-infinity') as changed;
select rewards.load_preset('creator') as changed;
-- switch at a date; what was before keeps the old programme
select rewards.load_preset('cxmpute_guide', '2025-06-01 00:00Z') > 0 as changed;
select rewards.load_preset('cxmpute_guide', '2025-06-01 00:00Z') as changed;
execute event('2025-05-31 23:59Z');
execute event('2025-06-01 00:00Z');
select kind, level, rate from rewards.referral_rates order by 1, 2;
select event, kind, amount from rewards.bonuses order by 1, 2;
select name, value from rewards.settings where name = 'code_policy';
-- and back: what the guide has and cxmpute has not ends
select rewards.load_preset('cxmpute', '2025-07-01 00:00Z') > 0 as changed;
execute event('2025-07-01 00:00Z');
execute event('2025-06-30 12:00Z');
select kind, level, rate from rewards.referral_rates order by 1, 2;
select event, kind, amount from rewards.bonuses order by 1, 2;
select name, value from rewards.settings where name = 'code_policy';
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
select call, arguments ->> 'name' as preset, (after ->> 'changed')::integer > 0 as changed from rewards.admin_log where call = 'load_preset' order by id;
select pg_temp.outcome('select rewards.load_preset(' || a || ')') from unnest(array['null', '''nonsense''', '''cxmpute'', null']) a;
select count(*) as differences from rewards.verify();
deallocate event;
