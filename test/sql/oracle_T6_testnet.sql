-- T6: testnet mode, as the seed has it: all services are free, points accumulate as ever,
-- the referral system works, and credits can be added for testing.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.init_pricing('testnet', 'admin', '2025-01-01') as prices;
select rewards.is_mainnet();
-- "Test referral code generation", "Test credit addition"
select rewards.referral_code('test123', 'user') ~ '^USER-[0-9A-Z]{8}$' as code;
select rewards.add_credits('test123', 100);
select referrer, bonus from rewards.referral_signup(rewards.referral_code('test123'), 'test456', 'user', '2025-01-01');
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at) values
	('test456', 'gpu', '/api/v1/chat/completions', 'llama-3-8b', 1000000, 1000000, '2025-01-02'), ('test456', 'gpu', '/api/v1/embeddings', null, 1000000, 0, '2025-01-02'),
	('test456', 'gpu', '/api/v1/tts', null, 0, 0, '2025-01-02'), ('test123', 'gpu', '/api/v1/scrape', null, 0, 0, '2025-01-02')
returning service, tier, cost, provider_points, user_points;
-- the 100 of the signup, and 20 % of 0.3 + 0.1 + 0.2; the credits are all there
prepare figures as select user_id, month, usage_points, referral_points, bonus_points from rewards.user_points where month = '2025-01-01' order by 1;
execute figures;
select work_points, requests from rewards.provider_rewards;
select rewards.credits('test123'), rewards.credits('test456') as other;
select user_id, balance, spent from rewards.user_credits;
select unpriced_rows from rewards.status;
select * from rewards.verify();
select complete from rewards.post();
execute figures;
select rewards.credits('test123'), rewards.credits('test456') as other;
-- switched to mainnet, the same points cost credits
select rewards.init_pricing('mainnet', 'admin', '2025-01-03') as prices;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at) values
	('test456', 'gpu', '/api/v1/chat/completions', 'llama-3-8b', 1000000, 1000000, '2025-01-03') returning cost, provider_points, user_points;
select rewards.credits('test456');
select * from rewards.verify();
