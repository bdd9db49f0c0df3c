-- C4: init_pricing() loads a whole price table and sets the mode with it, testnet or
-- mainnet, also planned; once loaded nothing changes again.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.init_pricing('testnet', 'admin', '2025-01-01') as changed;
select config_key, price_per_unit, unit from rewards.pricing order by config_key collate "C";
select rewards.is_mainnet('2025-01-02');
select rewards.init_pricing('testnet', 'admin', '2025-01-02') as changed;
select rewards.init_pricing('mainnet', 'admin', '2025-02-01') as changed;
select rewards.init_pricing('mainnet', 'admin', '2025-02-01') as changed;
select config_key, price_per_unit, unit, valid_from, updated_by from rewards.pricing where price_per_unit <> 0 order by config_key collate "C";
select count(*) as free from rewards.pricing where price_per_unit = 0;
select rewards.is_mainnet('2025-01-31'), rewards.is_mainnet('2025-02-01') as since_february;
/* the seed's: 0.0002 in and 0.0004 out per 1000 tokens of tide_pool */
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, output_tokens, created_at) values
	('ben', '/chat/completions', 'gemma-2b', 1000, 1000, '2025-01-31'), ('ben', '/chat/completions', 'gemma-2b', 1000, 1000, '2025-02-01')
returning cost;

-- back to testnet on a planned day: mainnet until then
select rewards.init_pricing('testnet', 'ann', '2999-01-01') as changed;
select rewards.is_mainnet(), rewards.is_mainnet('2999-01-01') as then;
select count(*) as priced from rewards.pricing where price_per_unit > 0;
select count(*) as planned, sum(price_per_unit) as sum from rewards.pricing_history where valid_from = '2999-01-01' and updated_by = 'ann';
-- a price of one's own stays where the table has none, and goes where it has one
select count(*) from (values ('tts', 9), ('character_chat', 9)) p(key, price), lateral rewards.set_pricing(p.key, p.price, 'request', 'admin', '2025-03-01');
select rewards.init_pricing('mainnet', 'admin', '2025-04-01') as changed;
select config_key, price_per_unit from rewards.pricing where config_key in ('tts', 'character_chat') order by 1;
-- a new service is in the testnet table
select rewards.set_service('images', '/images', 5, valid_from => '2025-01-01') is not null as set;
select rewards.init_pricing('testnet', 'admin', '2025-05-01') as changed;
select config_key, price_per_unit, unit from rewards.pricing where config_key = 'images' or price_per_unit <> 0;
select rewards.init_pricing('devnet');
select rewards.init_pricing(null);
select rewards.init_pricing('mainnet', null);
select rewards.init_pricing('mainnet', 'admin', null);
select * from rewards.verify();
select complete from rewards.post();
select * from rewards.verify();
