-- C1, C2: set_pricing(config_key, price_per_unit, unit, updated_by); keys by tier and
-- service, effective-dated; the mainnet examples and the testnet zeros of the seeds.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

-- nothing costs anything as installed
select * from rewards.pricing;
select rewards.is_mainnet();

-- the seed's own calls: first all zeros, then the mainnet examples
select config_key, price_per_unit, unit, updated_by from
	(values (1, 'tide_pool_input'), (2, 'tide_pool_output'), (3, 'blue_surge_input'), (4, 'blue_surge_output')) k(place, key),
	lateral rewards.set_pricing(k.key, 0, '1000_tokens', 'admin', '2025-01-01') order by place;
select count(*), sum(price_per_unit) as sum from rewards.pricing;
select * from rewards.set_pricing('tide_pool_input', 0.0002, '1000_tokens', 'admin', '2025-02-01');
select * from rewards.set_pricing('tide_pool_output', 0.0004, '1000_tokens', 'admin', '2025-02-01');
-- by default from now on, by whoever calls
select config_key, price_per_unit, unit, updated_by = current_user as by_me, valid_from = now() as now from rewards.set_pricing('tts', 0.5, 'request');
select config_key, price_per_unit, unit, updated_by = 'admin' as by_admin from rewards.pricing order by config_key collate "C";

-- each tier has two keys, each service but chat and other one
select k, (select price_per_unit from rewards.set_pricing(k, 1, 'token')) as price from unnest('{tide_pool_input,tide_pool_output,blue_surge_input,blue_surge_output,
	open_ocean_input,open_ocean_output,mariana_depth_input,mariana_depth_output,embeddings,tts,scrape,character_chat}'::text[]) k;
select rewards.set_pricing(k, 1, 'token') from unnest('{chat}'::text[]) k;
select rewards.set_pricing('other', 1, 'token');
select rewards.set_pricing('tide_pool', 1, 'token');
select rewards.set_pricing('abyss_input', 1, 'token');
select rewards.set_pricing('images', 1, 'request');
-- a new tier or service brings its keys
select rewards.set_tier('abyss', 31) is not null as tier, rewards.set_service('images', '/images', 5) is not null as service;
select config_key, price_per_unit, unit from rewards.set_pricing('abyss_input', 0.0001, 'token') union all
select config_key, price_per_unit, unit from rewards.set_pricing('images', 0.04, 'request');
-- units and amounts
select unit from unnest('{token,1000_tokens,1000000_tokens,request}'::text[]) u, lateral rewards.set_pricing('scrape', 0.000000001, u);
select rewards.set_pricing('scrape', 1, u) from unnest('{100_tokens}'::text[]) u;
select rewards.set_pricing('scrape', 1, '');
select rewards.set_pricing('scrape', 1, 'Request');
select rewards.set_pricing('scrape', -0.1, 'request');
select rewards.set_pricing('scrape', 0.0000000001, 'request');
select rewards.set_pricing('scrape', 'NaN', 'request');
select rewards.set_pricing('scrape', 'Infinity', 'request');
select rewards.set_pricing('scrape', 9223372036.854775808, 'request');
select rewards.set_pricing(null, 1, 'request');
select rewards.set_pricing('scrape', null, 'request');
select rewards.set_pricing('scrape', 1, null);
select rewards.set_pricing('scrape', 1, 'request', null);
select rewards.set_pricing('scrape', 1, 'request', 'admin', null);

-- a planned price is in the history, not in force; the later recorded of one date counts
select price_per_unit from rewards.set_pricing('embeddings', 7, 'request', 'admin', '2999-01-01');
select price_per_unit from rewards.set_pricing('embeddings', 0.25, 'request', 'admin', '2025-01-01');
select price_per_unit from rewards.set_pricing('embeddings', 0.75, 'request', 'ann', '2025-01-01');
select price_per_unit, updated_by = current_user as by_me from rewards.pricing where config_key = 'embeddings';
select price_per_unit, valid_from, updated_by from rewards.pricing_history where config_key = 'embeddings' and valid_from <> '2025-01-01' and unit = 'request';
select price_per_unit, updated_by from rewards.pricing_history where config_key = 'embeddings' and valid_from = '2025-01-01' order by recorded_at;

-- what a time's price is: 1000 tokens in and 500 out of tide_pool
select rewards.toggle_mainnet(true, 'admin', '2025-01-01');
select cost from rewards.quote('/chat/completions', 'gemma-2b', 1000, 500, at => '2025-01-31 23:59:59.999999');
select cost, cost = 0.0002 + 0.0004 / 2 as exact from rewards.quote('/chat/completions', 'gemma-2b', 1000, 500, at => '2025-02-01');
select cost from rewards.quote('/v1/embeddings', null, 1000, 0, at => '2025-02-01');
select cost from rewards.quote('/v1/embeddings', null, 1000, 0, at => '2999-01-01');
select * from rewards.verify();
select complete from rewards.post();
select * from rewards.verify();
