-- N7: sums over all of a creator's models, recent usage of each model, recent token
-- transactions of each user.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.register_model('m1', 'One', 'premium', owner => 'ann', character_id => 'c1'), rewards.register_model('m2', 'Two', owner => 'ann'), rewards.register_model('m3', owner => 'bob');
insert into rewards.usage_logs (user_id, endpoint, model, usage_type, input_tokens, output_tokens, created_at)
select 'user' || 1 + i % 3, '/chat/completions', 'm' || 1 + i % 2, case when i % 5 = 0 then 'image_generation' end, 10 * i, i, timestamptz '2025-01-01' + i * interval '1 day' from generate_series(1, 20) i;
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, created_at) values ('ann', '/chat/completions', 'm1', 1000, '2025-03-01'), ('user1', '/chat/completions', 'm3', 7, '2025-03-01');
/* of 11 i tokens each: m2 the odd i, 1100 in all, m1 the even ones, 1210 */
prepare sums as select sum(total_usage_count) as count, sum(total_tokens_consumed) as tokens, sum(total_earnings) as earnings, count(distinct model_id) as models
from rewards.model_creator_earnings where creator_id = 'ann';
prepare per_model as select model_id, total_usage_count, total_tokens_consumed, total_earnings, created_at, last_usage_at, updated_at from rewards.model_creator_earnings where creator_id = 'ann' order by total_earnings desc;
prepare recent as select r.* from unnest('{m1,m2}'::text[]) m, lateral (
	select model_id, user_id, usage_type, tokens_consumed, earnings_generated, created_at from rewards.model_usage_logs l where l.model_id = m order by created_at desc limit 3) r order by model_id, created_at desc;
execute sums;
execute per_model;
execute recent;
select e - 'models' as sums, jsonb_path_query_array(e, '$.models[*].modelId') as models from rewards.model_earnings('ann') e;
-- the same counted from the rows alone
select sum(input_tokens + output_tokens) as tokens, sum(input_tokens + output_tokens) * 0.0001 as earnings from rewards.usage_logs where model in ('m1', 'm2') and user_id <> 'ann';

select complete from rewards.post();
execute per_model;
execute recent;

-- tokens: the last three of each
select rewards.add_credits(u, 20, 'starter', 'tokens') from unnest('{user1,user2}'::text[]) u;
select d.new_balance from generate_series(1, 5) i, unnest('{user1,user2}'::text[]) with ordinality u(id, place), lateral rewards.deduct_token(u.id, (i * u.place)::integer, 'c1') d order by i, u.place;
prepare transactions as select r.* from unnest('{user1,user2}'::text[]) u, lateral (
	select user_id, type, amount, balance_after from rewards.token_transactions t where t.user_id = u and t.type = 'usage' order by created_at desc, id desc limit 3) r order by user_id, balance_after;
execute transactions;
/* five messages of 1 + 2 + .. + 5 tokens, the second user's of double that, the last of which had too few: 15 + 20 */
execute sums;
select * from rewards.verify();
select complete from rewards.post();
execute sums;
execute transactions;
select * from rewards.verify();
