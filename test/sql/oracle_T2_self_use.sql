-- T2: A sends 5 messages to the own Y: nothing earned, no row in model_usage_logs.
-- That A's token balance falls by 5 is no part of this version.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.register_model('Y-model', 'Premium Y', owner => 'A', character_id => 'Y');
insert into rewards.usage_logs (user_id, endpoint, character_id, input_tokens) select 'A', '/chat', 'Y', 1 from generate_series(1, 5);
select count(*), sum(creator_earnings) as earned from rewards.usage_logs;
select count(*) from rewards.model_usage_logs;
select count(*) from rewards.model_creator_earnings;
select e -> 'totalEarnings' as total, e -> 'modelsCount' as count, e #> '{models,0,modelId}' as id, e #> '{models,0,totalEarnings}' as earned
from rewards.model_earnings('A') e;
select creator_earnings from rewards.account_summary('A', 'user', 'all');
