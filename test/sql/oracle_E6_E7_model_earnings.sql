-- E6: aggregates in real time with each message. E7: model_earnings() with totals and
-- per model figures, best first; models owned and unused with zeros. E8: the empty
-- state, and a missing user id is an error.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.register_model(m, 'Model ' || m, 'premium', owner => 'creator', character_id => 'c-' || m)
from unnest('{b,a,unused,sold}'::text[]) m \g /dev/null
select rewards.register_character('c-a', 'Emma', 'https://img.example/emma.png');

prepare earnings as
select e ->> 'success' as success, e -> 'totalTokens' as tokens, e -> 'totalEarnings' as earnings, e -> 'modelsCount' as count,
	m ->> 'modelId' as id, m ->> 'modelName' as name, m ->> 'modelCategory' as category, m ->> 'characterName' as character,
	m ->> 'characterImage' is not null as image, m -> 'totalUsageCount' as uses, m -> 'totalTokensConsumed' as tok, m -> 'totalEarnings' as earned,
	(m ->> 'lastUsageAt')::timestamptz at time zone 'UTC' as last
from rewards.model_earnings('creator') e left join jsonb_array_elements(e -> 'models') with ordinality a(m, n) on true order by n;

-- E6: at once, within the transaction and after it, before and after posting
execute earnings;
begin;
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, created_at) values ('fan', '/chat', 'a', 100, '2025-01-25 10:30Z');
execute earnings;
insert into rewards.usage_logs (user_id, endpoint, character_id, input_tokens, created_at) values ('fan', '/chat', 'c-a', 550, '2025-01-24 10:30Z');
execute earnings;
commit;
select complete from rewards.post();
execute earnings;
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, created_at)
values ('fan', '/chat', 'b', 600, '2025-01-26 10:30Z'), ('fan2', '/chat', 'b', 50, '2025-01-20 10:30Z'), ('fan2', '/chat', 'sold', 5, '2025-01-20 10:30Z');
execute earnings;
-- a model sold stays with what it earned here
select rewards.set_model_owner('sold', 'buyer') is not null as sold;
execute earnings;
select e -> 'modelsCount' as count, e #> '{models,0,modelId}' as id, e #> '{models,0,totalEarnings}' as earned from rewards.model_earnings('buyer') e;
-- the keys that are promised, no others
select string_agg(k, ' ' order by k) from jsonb_object_keys(rewards.model_earnings('creator')) k;
select string_agg(k, ' ' order by k) from jsonb_object_keys(rewards.model_earnings('creator') #> '{models,0}') k;

-- E8
select rewards.model_earnings('nobody'), rewards.model_earnings('fan');
\set VERBOSITY sqlstate
select rewards.model_earnings(null);
deallocate earnings;
