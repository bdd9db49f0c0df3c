-- P8: under the guide's preset a user earns chat 1 + 0.001 a token, embeddings
-- 0.5 + 0.0005 a token, scrape 0.2, tts 0.8. P9: a chat with 1000 tokens is 2 points.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install('cxmpute_guide') is not null as installed;

-- P9
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, output_tokens)
values ('guide_u', '/chat/completions', 'llama-3-8b', 600, 400) returning user_points, provider_points;

-- P8; a provider's tier points and 0.0005 an output token go beside it
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens)
select 'guide_u', 'guide_p', e, 'llama-3-8b', i, o
from unnest('{/v1/chat/completions,/v1/embeddings,/v1/scrape,/v1/tts}'::text[]) e, (values (0, 0), (1, 0), (0, 1), (1000, 3)) t(i, o)
returning service, input_tokens, output_tokens, user_points, provider_points;
-- an endpoint that no service claims is rewarded as chat when a model is given
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens)
values ('guide_u', 'guide_p', '/v1/images', 'llama-3-8b', 600, 400), ('guide_u', 'guide_p', '/v1/images', null, 600, 400)
returning service, user_points, provider_points;

select usage_points, requests, tokens from rewards.user_points where user_id = 'guide_u';
