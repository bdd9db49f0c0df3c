-- The first owner, tier, VRAM and rate of a model count from ever, later ones from
-- their date; NULL as owner ends it.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
prepare event(timestamptz) as
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, created_at)
values ('fan', 'p', '/v1/chat/completions', 'm', 1000, $1);
prepare seen as
select u.created_at at time zone 'UTC' as at, u.tier, u.creator_earnings,
	(select string_agg(s.account, ' ') from rewards.shares_of(u.id) s where s.entry = 'creator') as owner
from rewards.usage_logs u order by u.id;

-- no owner yet, then the first: from ever, but not for what is stored
execute event('2025-01-15 12:00Z');
select rewards.set_model_owner('m', 'first', '2025-03-01') is not null as owned;
execute event('2025-01-15 12:00Z');
-- sold at a date; given up at another; late events go to the owner of their time
select rewards.set_model_owner('m', 'second', '2025-02-01 00:00Z') is not null as owned;
select rewards.set_model_owner('m', null, '2025-03-01 00:00Z') is not null as ended;
execute event('2025-01-31 23:59Z');
execute event('2025-02-01 00:00Z');
execute event('2025-03-01 00:00Z');
execute event('0001-06-01 00:00Z');
execute seen;
-- tier and rate, the same way
select rewards.register_model('m', tier => 'blue_surge', rate => 0.001);
execute event('2025-02-01 00:00Z');
select rewards.register_model('m', tier => 'mariana_depth', rate => 0.002, valid_from => '2025-02-15 00:00Z');
execute event('2025-02-14 00:00Z');
execute event('2025-02-15 00:00Z');
-- the model's entry goes before its VRAM, VRAM before the name
select rewards.register_model('mixtral-small', vram_gb => 2);
select rewards.register_model('mixtral-entry', vram_gb => 2, tier => 'blue_surge');
execute seen;
select model, (rewards.explain_tier(model)).* from unnest('{mixtral-entry,mixtral-small,plain}'::text[]) model;
select model, tier, regexp_replace(rule, '\d+', 'N') as rule from unnest('{mixtral-big}'::text[]) model, rewards.explain_tier(model);
select id, tier, vram_gb, rate from rewards.models order by id;
select user_id, model_id from rewards.user_models;
select creator_id, model_id, total_usage_count, total_earnings from rewards.model_creator_earnings order by 1;
select complete from rewards.post();
select creator_id, model_id, total_usage_count, total_earnings from rewards.model_creator_earnings order by 1;
select count(*) as differences from rewards.verify();
deallocate all;
