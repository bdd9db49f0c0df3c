-- E8: a missing user is an error, an unknown one has an empty state; models not used yet
-- are there with zeros.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.model_earnings(null);
select rewards.deduct_token(null, 1, 'emma');
select rewards.credits(null);
select jsonb_pretty(rewards.model_earnings('nobody'));
select count(*) as lines from rewards.model_creator_earnings;
select sum(total_tokens_consumed) as total_tokens, sum(total_earnings) as total_earnings, count(distinct model_id) as models_count
from rewards.model_creator_earnings where creator_id in (select user_id from rewards.user_models where user_id = 'nobody');
select * from rewards.earning_history('nobody', 'user', 1) where total <> 0;
select creator_earnings, own_points, total_points, requests from rewards.account_summary('nobody', 'user', 'all');
select rewards.credits('nobody'), rewards.credits('nobody', 'tokens') as tokens;
select * from rewards.balance('nobody', 'user', 'earnings');
select * from rewards.balance('nobody', 'user', 'tokens');
select * from rewards.statement('nobody');
select count(*) as known from rewards.accounts where account = 'nobody';

-- a model bought and never used
select rewards.register_model('m1', 'Premium', 'premium', owner => 'ann', character_id => 'emma'), rewards.register_character('emma', 'Emma', 'https://example.org/emma.png');
select e - 'models' as sums, m - '{createdAt,updatedAt}'::text[] as model, m -> 'createdAt' <> 'null' as created, m -> 'updatedAt' = m -> 'createdAt' as updated
from rewards.model_earnings('ann') e, jsonb_array_elements(e -> 'models') m;
-- used: the model counts; an unknown character, one without a model, a model without an owner bring nothing and fail nothing
select rewards.add_credits('ben', 100, currency => 'tokens');
select rewards.register_character('ghost', 'Ghost'), rewards.register_model('m2', character_id => 'orphan');
select c, d.* from unnest('{emma,nobody''s,ghost,orphan}'::text[]) with ordinality c(c, place), lateral rewards.deduct_token('ben', 5, c) d order by place;
select * from rewards.deduct_token('ben', 5);
select rewards.model_earnings('ann') - 'models' as sums;
select u.character_id, u.model, u.creator_earnings from rewards.usage_logs u order by u.id;
select count(*) as earning from rewards.model_usage_logs;
select unrated_rows from rewards.status;
select * from rewards.verify();
select complete from rewards.post();
select rewards.model_earnings('ann') - 'models' as sums, rewards.model_earnings('nobody') as nobody;
select * from rewards.verify();
