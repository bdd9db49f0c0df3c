-- Tiers by model name: case-insensitive, a number only as a whole, the first position
-- that hits; how a pattern may stand; names out of the ordinary.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
begin
	execute call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' ', sqlstate, sqlerrm, case when hint = '' then '(no hint)' end);
end $$;
select position, pattern, but_not, tier, match from rewards.model_patterns order by 1;
select model, tier, regexp_replace(rule, 'rule \d+', 'rule N') as rule
from unnest(array['x-7b', 'x7b', '7b', '7B', 'x-27b', 'x-170b', 'x-70b', 'x-1.7b', 'x-0.70b', 'x-7b.5', 'x-7bit', '8x7b', '18x7b', '8x70b', '70b-q4', '70b-q40', '70b-q45', '70b-iq4', '70b-Q4_0',
	'70b-27b', '7b-70b', 'llama-3-8b', 'llama-3-8bit', 'llama-13-8b', 'llama-3-8.5b', 'Llama-3.1-8B', 'mistral-70b-q4', 'tiny mistral', 'modèle-7b', '模型70B', '']) model,
	lateral (select * from rewards.explain_tier(nullif(model, '')) where model <> '') t;

-- the ways a pattern may stand, and its order
select rewards.set_model_pattern(1, 'GPT-4', 'mariana_depth', match => 'prefix') is not null as set;
select rewards.set_model_pattern(2, '-mini', 'blue_surge', match => 'suffix') is not null as set;
select rewards.set_model_pattern(3, 'o1', 'open_ocean', match => 'exact') is not null as set;
select rewards.set_model_pattern(4, 'turbo', 'open_ocean', 'vision') is not null as set;
select model, (rewards.explain_tier(model)).tier from unnest('{gpt-4,gpt-4o,gpt-4-mini,gpt-40,x-gpt-4,GPT-3-Mini,mini-gpt,o1,o1-x,x-o1,O1,o-turbo,turbo-vision}'::text[]) model;
-- the default tier
select rewards.set_setting('default_tier', 'blue_surge') is not null as set;
select tier, rule from rewards.explain_tier('anything');
insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('u', 'p', '/chat/completions', 'anything'), ('u', 'p', '/chat/completions', 'o1'), ('u', 'p', '/chat/completions', null), ('u', 'p', '/tts', null)
returning model, tier, provider_points;
select model, events, tokens from rewards.unmatched_models;

select pg_temp.outcome('select rewards.set_model_pattern(' || a || ')') from unnest(array[
	'null, ''x'', ''tide_pool''', '-1, ''x'', ''tide_pool''', '1, '''', ''tide_pool''', '1, ''x'', ''nonsense''', '1, ''x'', null', '1, ''x'', ''tide_pool'', ''''',
	'1, ''x'', ''tide_pool'', null, ''regex''', '1, ''x'', ''tide_pool'', null, null', '1, repeat(''x'', 256), ''tide_pool''', '1, ''x'', ''tide_pool'', valid_from => null']) a;
select pg_temp.outcome('select rewards.explain_tier(' || a || ')') from unnest(array['null', '''''', 'repeat(''x'', 256)']) a;
