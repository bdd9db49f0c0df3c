-- Seed 003, test scenario 1, "Basic Earnings Flow", through deduct_token().
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

-- 1. User A purchases a premium model linked to Character X
select rewards.register_model('X-model', 'Premium X', 'premium', owner => 'A', character_id => 'X'), rewards.register_character('X', 'Character X');
select rewards.add_credits('B', 10, 'purchase', 'tokens');
-- 2. User B sends 10 messages to Character X (10 tokens consumed)
select d.* from generate_series(1, 10) i, lateral rewards.deduct_token('B', character_id => 'X', request_id => 'message ' || i) d;
-- 3. User A's model earnings: 10 tokens x $0.0001 = $0.0010
select available, available = 0.0010 as exact from rewards.balance('A', 'user', 'earnings');
-- model_usage_logs has 10 entries for the model
select count(*), count(*) filter (where user_id = 'B' and creator_id = 'A' and usage_type = 'chat' and tokens_consumed = 1 and earnings_generated = 0.0001) as as_expected
from rewards.model_usage_logs where model_id = 'X-model';
-- model_creator_earnings shows total_usage_count: 10, total_tokens_consumed: 10, total_earnings: 0.0010
select creator_id, model_id, total_usage_count, total_tokens_consumed, total_earnings, total_earnings = 0.0010 as exact from rewards.model_creator_earnings;
-- 4., 5. User A views Monetization -> Earnings: Character X listed with $0.0010 earnings
select e - 'models' as sums, m - '{lastUsageAt,createdAt,updatedAt}'::text[] as model, m -> 'lastUsageAt' <> 'null' as used from rewards.model_earnings('A') e, jsonb_array_elements(e -> 'models') m;
-- B has paid with all tokens; an eleventh message does not go through and earns nothing
select rewards.credits('B', 'tokens');
select * from rewards.deduct_token('B', character_id => 'X');
select type, amount, balance_after from rewards.token_transactions where user_id = 'B' order by id;
select * from rewards.verify();
select complete from rewards.post();
select creator_id, model_id, total_usage_count, total_tokens_consumed, total_earnings, total_earnings = 0.0010 as exact from rewards.model_creator_earnings;
select count(*) from rewards.model_usage_logs;
select rewards.credits('B', 'tokens');
select * from rewards.verify();
