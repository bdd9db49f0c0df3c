-- The queries that seed 003 prints, word for word but for the schema and the ids: as
-- views, so that what varies (row ids) need not be shown.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;
set search_path = rewards;

select register_account('owner-uuid', email => 'owner@example.org'), register_account('fan-uuid', email => 'fan@example.org'), register_account('guest-uuid');
select register_model('model-uuid', 'Premium Model 1', 'premium', owner => 'owner-uuid', character_id => 'character-uuid', valid_from => '2025-01-01');
select register_model('model-two', 'Premium Model 2', 'premium', owner => 'owner-uuid'), register_model('model-else', 'Not mine', owner => 'other-uuid'), register_model('model-idle', 'Never used', owner => 'owner-uuid');
select register_character('character-uuid', 'Emma', 'https://example.org/emma.png');
select add_credits('fan-uuid', 100, currency => 'tokens');
/* 650 tokens in 13 requests of 50, of which the last ten are shown */
insert into usage_logs (user_id, endpoint, character_id, input_tokens, created_at)
select case when i % 3 = 0 then 'guest-uuid' else 'fan-uuid' end, '/chat', 'character-uuid', 50, timestamptz '2025-01-20 08:00' + i * interval '1 hour' from generate_series(1, 13) i;
insert into usage_logs (user_id, endpoint, model, input_tokens, output_tokens, created_at) values
	('fan-uuid', '/chat/completions', 'model-two', 200, 400, '2025-01-21'), ('fan-uuid', '/chat/completions', 'model-else', 5, 5, '2025-01-22'), ('owner-uuid', '/chat', 'model-uuid', 77, 0, '2025-01-23');
do $$ begin for i in 1..12 loop perform rewards.deduct_token('fan-uuid', i, request_id => 'chat ' || i); end loop; end $$;

-- Check User's Model Earnings
create temp view user_models_earnings as
SELECT 
  mce.*,
  m.name as model_name,
  c.name as character_name,
  c.image as character_image
FROM model_creator_earnings mce
JOIN models m ON mce.model_id = m.id
LEFT JOIN characters c ON m.character_id = c.id
WHERE mce.creator_id IN (
  SELECT user_id FROM user_models WHERE user_id = 'owner-uuid'
);
table user_models_earnings order by model_id;
-- Check Recent Usage Logs for a Model
create temp view recent_usage as
SELECT 
  mul.*,
  u.email as user_email
FROM model_usage_logs mul
JOIN rewards.users u ON mul.user_id = u.id
WHERE mul.model_id = 'model-uuid'
ORDER BY mul.created_at DESC
LIMIT 10;
select user_id, model_id, character_id, creator_id, usage_type, tokens_consumed, earnings_generated, created_at, user_email from recent_usage;
-- Calculate Total Earnings for All Models
SELECT 
  SUM(total_tokens_consumed) as total_tokens,
  SUM(total_earnings) as total_earnings,
  COUNT(DISTINCT model_id) as models_count
FROM model_creator_earnings
WHERE creator_id IN (
  SELECT user_id FROM user_models WHERE user_id = 'owner-uuid'
);
-- Check if earnings are being tracked
create temp view tracked as
SELECT * FROM model_usage_logs 
WHERE model_id = 'model-uuid'
ORDER BY created_at DESC
LIMIT 5;
select user_id, tokens_consumed, earnings_generated, created_at from tracked;
-- Verify model owner earnings
SELECT 
  mce.total_tokens_consumed,
  mce.total_earnings,
  m.name as model_name
FROM model_creator_earnings mce
JOIN models m ON mce.model_id = m.id
WHERE mce.creator_id = 'owner-uuid' order by 1;
-- Check recent transactions
create temp view transactions as
SELECT * FROM token_transactions
WHERE user_id = 'fan-uuid'
AND type = 'usage'
ORDER BY created_at DESC
LIMIT 10;
/* one DO block has one time: which of the twelve are shown is open, that they are ten is not */
select count(*), count(distinct id), max(amount) < 0 as taken, bool_and(type = 'usage') as usage from transactions;
select type, amount, balance_after, reason from token_transactions where user_id = 'fan-uuid' order by id;
-- Check if model exists and is linked to character
create temp view linked as
SELECT * FROM models WHERE character_id = 'character-uuid';
select id, name, category, character_id, tier, vram_gb, rate from linked;
-- Check who owns the model
create temp view owners as
SELECT * FROM user_models WHERE model_id = 'model-uuid';
select user_id, model_id from owners;
-- Check if usage is being logged
create temp view logged as
SELECT * FROM model_usage_logs WHERE model_id = 'model-uuid' ORDER BY created_at DESC LIMIT 5;
select count(*), min(created_at) from logged;
select * from verify();
select complete from post();
table user_models_earnings order by model_id;
select count(*), sum(tokens_consumed), count(user_email) as with_email from recent_usage;
select balance from user_credits where user_id = 'fan-uuid' and currency = 'tokens';
select * from verify();
reset search_path;
