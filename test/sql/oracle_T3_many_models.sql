-- T3: X 100, Y 250, Z 50 tokens: 400 tokens, 0.0400 in all, in the order Y, X, Z.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.register_model(c || '-model', 'Premium ' || c, owner => 'A', character_id => c) from unnest('{X,Y,Z}'::text[]) c \g /dev/null
insert into rewards.usage_logs (user_id, endpoint, character_id, input_tokens, output_tokens)
select 'fan' || i % 7, '/chat', c, 10, 0 from (values ('X', 10), ('Y', 25), ('Z', 5)) n(c, times), generate_series(1, times) i;
select e -> 'totalTokens' as tokens, e -> 'totalEarnings' as earnings, e -> 'modelsCount' as count from rewards.model_earnings('A') e;
select m ->> 'modelId' as model, m -> 'totalTokensConsumed' as tokens, m -> 'totalEarnings' as earnings, m -> 'totalUsageCount' as uses
from jsonb_array_elements(rewards.model_earnings('A') -> 'models') with ordinality a(m, n) order by n;
