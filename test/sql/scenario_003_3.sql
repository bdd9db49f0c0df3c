-- Seed 003, test scenario 3, "Multiple Models", through deduct_token().
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

-- 1. User A purchases 3 premium models (Characters X, Y, Z)
select rewards.register_model(c || '-model', 'Premium ' || c, 'premium', owner => 'A', character_id => c), rewards.register_character(c, 'Character ' || c, 'https://example.org/' || c || '.png') from unnest('{X,Y,Z}'::text[]) c;
-- 2. Various users chat with each character: X 100, Y 250, Z 50 tokens consumed
select rewards.add_credits(u, 200, 'purchase', 'tokens') from unnest('{B,C}'::text[]) u;
select m.*, d.success, d.new_balance from (values (1, 'B', 'X', 60), (2, 'C', 'X', 40), (3, 'B', 'Y', 100), (4, 'C', 'Y', 150), (5, 'B', 'Z', 40), (6, 'C', 'Z', 10)) m(place, sender, character, tokens),
	lateral rewards.deduct_token(m.sender, m.tokens, m.character) d order by m.place;
-- 3. Total tokens: 400, total earnings: $0.0400
select e -> 'totalTokens' as tokens, e -> 'totalEarnings' as earnings, (e -> 'totalEarnings')::numeric = 0.0400 as exact, e -> 'modelsCount' as models from rewards.model_earnings('A') e;
-- all 3 models with individual breakdowns, sorted by earnings (Y, then X, then Z)
select m ->> 'characterName' as character, m ->> 'modelId' as model, m ->> 'modelName' as name, m ->> 'modelCategory' as category, m ->> 'characterImage' as image, m -> 'totalUsageCount' as count,
	m -> 'totalTokensConsumed' as tokens, m -> 'totalEarnings' as earnings from rewards.model_earnings('A') e, jsonb_array_elements(e -> 'models') with ordinality m(m, place) order by place;
select jsonb_pretty(jsonb_set(e, '{models}', (select jsonb_agg(m - '{lastUsageAt,createdAt,updatedAt}'::text[] order by place) from jsonb_array_elements(e -> 'models') with ordinality m(m, place)))) from rewards.model_earnings('A') e;
select model_id, total_usage_count, total_tokens_consumed, total_earnings from rewards.model_creator_earnings where creator_id = 'A' order by total_earnings desc;
select rewards.credits('B', 'tokens') as b, rewards.credits('C', 'tokens') as c;
select * from rewards.verify();
select complete from rewards.post();
select jsonb_path_query_array(e, '$.models[*].characterName') as characters, jsonb_path_query_array(e, '$.models[*].totalEarnings') as earnings, e -> 'totalEarnings' as total from rewards.model_earnings('A') e;
select * from rewards.verify();
