-- P1: provider points by tier are 1/3/7/15, tiers by VRAM (<=4, 4-8, 8-22, >22 GB).
-- P2: the example models. P3: the tier by name.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;

select tier, title, points, vram_above, vram_upto from rewards.tiers order by points;

-- P1: by declared VRAM, at and around each bound; the name says nothing or something else
select rewards.register_model('vram-' || gb, vram_gb => gb)
from unnest('{0,0.5,4,4.000000001,8,8.1,22,22.000000001,80}'::numeric[]) gb \g /dev/null
select rewards.register_model('small-llama-70b', vram_gb => 3);
insert into rewards.usage_logs (user_id, provider_id, endpoint, model)
select 'tiers_u', 'tiers_p', '/v1/chat/completions', m.id from rewards.models m order by m.vram_gb, m.id
returning model, tier, provider_points;

-- P2
insert into rewards.usage_logs (user_id, provider_id, endpoint, model)
select 'tiers_u', 'tiers_p', '/v1/chat/completions', m
from unnest('{Gemma-2B,DistilBERT,Mistral-7B,Llama-3-8B,Mixtral-8x7B,Llama-3-70B-Q4,Llama-3-70B-FP16}'::text[]) m
returning model, tier, provider_points;

-- P3
insert into rewards.usage_logs (user_id, provider_id, endpoint, model)
select 'tiers_u', 'tiers_p', '/v1/chat/completions', m
from unnest('{LLAMA-2-70B,meta/llama-3-70b-instruct,llama-3-70b-q4,llama-3-70b-Q4_K_M,mixtral,Nous-Hermes-Mixtral,moe-8x7b,qwen-7b,
	mistral-nemo,MISTRAL,llama-3-8b-instruct,gpt-2,phi-3,llama-3-80b}'::text[]) m
returning model, tier, provider_points;

-- the programme sums it up
select provider_id, sum(work_points) as work, sum(requests) as requests from rewards.provider_rewards group by 1;
