-- T1: A owns X, B sends 10 messages of one token: A earns 0.0010; 10 log rows; count
-- 10, tokens 10, earnings 0.0010; the character is listed with it.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.register_model('X-model', 'Premium X', 'premium', owner => 'A', character_id => 'X');
select rewards.register_character('X', 'Character X');
insert into rewards.usage_logs (user_id, endpoint, character_id, input_tokens) select 'B', '/chat', 'X', 1 from generate_series(1, 10);

select count(*), sum(tokens_consumed) as tokens, sum(earnings_generated) = 0.0010 as exact from rewards.model_usage_logs where model_id = 'X-model';
select total_usage_count, total_tokens_consumed, total_earnings, total_earnings = 0.0010 as exact from rewards.model_creator_earnings where creator_id = 'A';
select e -> 'totalEarnings' as total, e #> '{models,0,characterName}' as name, e #> '{models,0,totalEarnings}' as earned from rewards.model_earnings('A') e;
select creator_earnings, own_points, requests from rewards.account_summary('A', 'user', 'all');

-- the seed's own queries, with only the schema changed
select mce.total_tokens_consumed, mce.total_earnings, m.name as model_name, c.name as character_name
from rewards.model_creator_earnings mce
join rewards.models m on mce.model_id = m.id
left join rewards.characters c on m.character_id = c.id
where mce.creator_id in (select user_id from rewards.user_models where user_id = 'A');
select sum(total_tokens_consumed) as total_tokens, sum(total_earnings) as total_earnings, count(distinct model_id) as models_count
from rewards.model_creator_earnings where creator_id in (select user_id from rewards.user_models where user_id = 'A');
select mul.model_id, u.id from rewards.model_usage_logs mul join rewards.users u on mul.user_id = u.id
where mul.model_id = 'X-model' order by mul.created_at desc limit 2;
