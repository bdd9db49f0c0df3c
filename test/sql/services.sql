-- Which service an endpoint is: its path without scheme, host, query and trailing
-- slash, in any case; services of one's own.
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
insert into rewards.usage_logs (user_id, provider_id, endpoint)
select 'u', 'p', e from unnest(array['/v1/chat/completions', 'https://api.example.com/v1/chat/completions', 'HTTPS://API.EXAMPLE.COM/V1/CHAT/COMPLETIONS',
	'/v1/chat/completions/', '/v1/chat/completions?stream=true', '/v1/chat/completions/?a=/tts', '/v1/chat/completions#x', 'chat/completions',
	'/embeddings', '/v1/Embeddings/', '/api/v1/tts', 'tts', '/scrape?url=https://x/chat', '/chat', '/api/chat/', 'https://chat', 'https://host/chat',
	'/v1/ttsx', '/v1/xtts', '/completions', '/', '/chat/completions/extra', '/v1/tts//']) e
returning endpoint, service, tier, provider_points;

-- own services: their points, or the tier's; a longer suffix before a shorter one
select rewards.set_service('rerank', '/rerank', 0.000000001) is not null as set;
select rewards.set_service('fast_rerank', '/fast/rerank', null, 0.5, 0.25, 0.125) is not null as set;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens)
values ('u', 'p', '/v1/rerank', 'mixtral', 2, 4), ('u', 'p', '/v1/fast/rerank', 'mixtral', 2, 4), ('u', null, '/v1/fast/rerank', null, 2, 4)
returning service, tier, provider_points, user_points;
-- ended, it is as any unknown endpoint
select rewards.set_service('rerank', null) is not null as ended;
select rewards.set_service('fast_rerank', null) is not null as ended;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('u', 'p', '/v1/fast/rerank', 'mixtral'), ('u', 'p', '/v1/rerank', null)
returning service, tier, provider_points;

select pg_temp.outcome('select rewards.set_service(' || a || ')') from unnest(array[
	'null, ''/x''', ''''', ''/x''', '''other'', ''/x''', '''s'', ''x''', '''s'', ''''', '''s'', ''/''', '''s'', ''/x/''', '''s'', ''/x?y''', '''s'', ''/x y''',
	'''s'', ''/x'', -1', '''s'', ''/x'', 1, -1', '''s'', ''/x'', 1, 0, -1', '''s'', ''/x'', 1, 0, 0, ''NaN''', '''s'', ''/x'', 0.0000000001', '''s'', ''/x'', 1e30',
	'''s'', ''/x'', valid_from => null', '''s'', ''/x'', updated_by => null']) a;
