-- F1: seasonal multipliers: a campaign counts from its first microsecond up to its last
-- one, whenever a row is recorded; by kind, service and tier; several multiply each
-- other; ended early, cancelled, refused.
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
	execute 'select rewards.' || call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' ', sqlstate, sqlerrm, case when hint = '' then '(no hint)' end);
end $$;
prepare event(text, text, timestamptz[]) as
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, created_at) select 'u', 'p', $1, $2, t from unnest($3) t
returning created_at, service, tier, provider_points, user_points;

-- without a kind it counts once on each side: 2 and 0.2 become 4 and 0.4
select rewards.start_campaign('summer', 2, '2025-06-01', '2025-09-01') is not null as started;
execute event('/tts', null, '{2025-05-31 23:59:59.999999,2025-06-01,2025-08-31 23:59:59.999999,2025-09-01}');
-- without a provider there is one side
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('u', '/tts', '2025-07-01') returning provider_points, user_points;
-- for one kind, one service, one tier, and all of these
select rewards.start_campaign('providers', 3, '2025-10-01', '2025-11-01', 'provider') is not null as started;
select rewards.start_campaign('users', 5, '2025-10-01', '2025-11-01', 'user') is not null as started;
select rewards.start_campaign('embedding', 7, '2025-10-10', '2025-11-01', service => 'embeddings') is not null as started;
select rewards.start_campaign('ocean', 11, '2025-10-20', '2025-11-01', tier => 'open_ocean') is not null as started;
select rewards.start_campaign('surging chat', 13, '2025-10-20', '2025-11-01', 'user', 'chat', 'blue_surge') is not null as started;
execute event('/tts', null, '{2025-10-05,2025-10-15,2025-10-25}');
execute event('/embeddings', null, '{2025-10-05,2025-10-15,2025-10-25}');
execute event('/v1/chat/completions', 'mixtral', '{2025-10-05,2025-10-15,2025-10-25}');
execute event('/v1/chat/completions', 'mistral', '{2025-10-05,2025-10-15,2025-10-25}');
-- endpoints of no service, rewarded as chat, are of the service other
select rewards.start_campaign('others', 17, '2025-12-01', '2025-12-02', service => 'other') is not null as started;
execute event('/v1/images', 'mixtral', '{2025-12-01}');
execute event('/v1/chat/completions', 'mixtral', '{2025-12-01}');
-- services of their own points are of the lowest tier
select rewards.start_campaign('low tide', 19, '2025-12-03', '2025-12-04', tier => 'tide_pool') is not null as started;
execute event('/tts', null, '{2025-12-03}');
-- referral shares are of the multiplied points, creators' earnings are not multiplied
select referrer from rewards.referral_signup(rewards.referral_code('r'), 'u', 'user', '2025-01-01');
select rewards.register_model('owned', owner => 'r') is not null as registered;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, created_at) values ('u', 'p', '/tts', 'owned', 1000, '2025-06-15');
select account, entry, amount from rewards.shares_of((select max(id) from rewards.usage_logs));

-- two at a time, ended early, one without end, of zero and of less than one
select rewards.start_campaign('overlap', 1.5, '2025-08-01', null) is not null as started;
execute event('/tts', null, '{2025-07-31 23:59:59.999999,2025-08-01,2025-09-01}');
select rewards.end_campaign('summer', '2025-08-15 12:00') is not null as ended;
select rewards.end_campaign('overlap', '2025-08-20') is not null as ended;
execute event('/tts', null, '{2025-08-15 11:59:59.999999,2025-08-15 12:00,2025-08-19 23:59:59.999999,2025-08-20}');
select rewards.start_campaign('dry', 0, '2026-01-01', '2026-01-02', 'user') is not null as started;
execute event('/tts', null, '{2026-01-01}');
-- planned and cancelled; the same name at another time
select rewards.start_campaign('winter', 2, '2099-12-01', '2100-01-01') is not null as planned;
select rewards.end_campaign('winter', '2099-12-01') is not null as cancelled;
execute event('/tts', null, '{2099-12-15}');
select rewards.start_campaign('winter', 4, '2099-12-01', '2100-01-01') is not null as planned;
select rewards.start_campaign('summer', 3, '2026-06-01', '2026-09-01') is not null as again;
select rewards.start_campaign('summer', 9, '2025-08-15 12:00', '2025-08-16') is not null as beside;
execute event('/tts', null, '{2099-12-15,2026-06-15,2025-08-15 12:00,2025-08-16}');
select name, multiplier, since, until, kind, service, tier from rewards.campaigns order by since, name;

-- refused
create temp table before as select count(*) as rules, (select count(*) from rewards.admin_log) as log from rewards.rule;
select call, pg_temp.outcome(call) from unnest(array[
	'start_campaign(''overlap'', 2, ''2025-08-10'', ''2025-08-11'')', 'start_campaign(''summer'', 2, ''2026-08-31 23:59:59.999999'', null)', 'start_campaign(''winter'', 2, ''2020-01-01'', null)',
	'start_campaign(''x'', -1, ''2025-01-01'', null)', 'start_campaign(''x'', 1000.1, ''2025-01-01'', null)', 'start_campaign(''x'', 0.0000000001, ''2025-01-01'', null)', 'start_campaign(''x'', null, ''2025-01-01'', null)',
	'start_campaign(''x'', 2, null, null)', 'start_campaign(null, 2, ''2025-01-01'', null)', 'start_campaign('''', 2, ''2025-01-01'', null)',
	'start_campaign(''x'', 2, ''2025-01-01'', ''2025-01-01'')', 'start_campaign(''x'', 2, ''2025-01-02'', ''2025-01-01'')', 'start_campaign(''x'', 2, ''2025-01-01'', null, ''robot'')',
	'start_campaign(''x'', 2, ''2025-01-01'', null, service => ''nonsense'')', 'start_campaign(''x'', 2, ''2025-01-01'', null, tier => ''nonsense'')', 'start_campaign(''x'', 2, ''2025-01-01'', null, updated_by => null)',
	'end_campaign(''nonsense'')', 'end_campaign(null)', 'end_campaign(''summer'', null)', 'end_campaign(''summer'', ''2025-10-01'')', 'end_campaign(''winter'', ''2099-11-30'')', 'end_campaign(''overlap'', ''2025-08-20'')']) call;
select b.rules = (select count(*) from rewards.rule) and b.log = (select count(*) from rewards.admin_log) as unchanged from before b;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
deallocate all;
