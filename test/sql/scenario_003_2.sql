-- Seed 003, test scenario 2, "Self-Usage (No Earnings)", through deduct_token().
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

-- 1. User A purchases a premium model linked to Character Y
select rewards.register_model('Y-model', 'Premium Y', 'premium', owner => 'A', character_id => 'Y'), rewards.register_character('Y', 'Character Y');
select rewards.add_credits('A', 20, 'purchase', 'tokens');
-- 2. User A sends 5 messages to their own Character Y
select d.* from generate_series(1, 5) i, lateral rewards.deduct_token('A', character_id => 'Y', request_id => 'message ' || i) d;
-- 3. User A's token balance reduced by 5
select rewards.credits('A', 'tokens'), rewards.credits('A', 'tokens') - 20 as change;
select type, count(*), sum(amount) from rewards.token_transactions where user_id = 'A' group by type order by type;
-- NO earnings credited to User A
select available from rewards.balance('A', 'user', 'earnings');
-- No records in model_usage_logs for this interaction
select count(*) from rewards.model_usage_logs;
-- Model earnings remain at 0
select count(*) from rewards.model_creator_earnings;
select e - 'models' as sums, m - '{createdAt,updatedAt}'::text[] as model from rewards.model_earnings('A') e, jsonb_array_elements(e -> 'models') m;
-- the messages themselves are there
select count(*), sum(input_tokens) as tokens, sum(creator_earnings) as earnings from rewards.usage_logs where user_id = 'A' and character_id = 'Y' and model = 'Y-model';
select * from rewards.verify();
select complete from rewards.post();
select rewards.credits('A', 'tokens'), (select available from rewards.balance('A', 'user', 'earnings')) as earnings, (select count(*) from rewards.model_usage_logs) as logged, (select count(*) from rewards.model_creator_earnings) as models;
select * from rewards.verify();
