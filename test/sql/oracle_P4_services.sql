-- P4: embeddings 1, text to speech 2, scraping 0.5 points a request, whatever the
-- model; P6: the user gets 10 % of the request's points, with or without a provider.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;

insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens)
select 'services_u', p, e, m, 500, 700
from unnest('{/api/v1/embeddings,/api/v1/tts,/api/v1/scrape}'::text[]) e,
	unnest('{llama-3-70b,NULL}'::text[]) m, unnest('{services_p,NULL}'::text[]) p
returning endpoint, model, provider_id, service, tier, provider_points, user_points, creator_earnings, cost;

-- chat has no points of its own: its model's tier decides, without a model the default
insert into rewards.usage_logs (user_id, provider_id, endpoint, model)
values ('services_u', 'services_p', '/chat/completions', 'llama-3-70b'), ('services_u', 'services_p', '/chat/completions', null)
returning model, service, tier, provider_points, user_points;

-- an endpoint that no service claims: as chat with a model, else nothing
insert into rewards.usage_logs (user_id, provider_id, endpoint, model)
values ('services_u', 'services_p', '/v1/images', 'mixtral'), ('services_u', 'services_p', '/v1/images', null)
returning model, service, tier, provider_points, user_points, distribution;
