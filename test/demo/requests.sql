-- Turns the trace's hour into yesterday: quiet at midnight, busy at noon, each
-- request with its member, provider, model and endpoint; one in fifty fails.

create table demo.request as
with numbered as (
	select row_number() over (order by at, input_tokens, output_tokens) as n, input_tokens, output_tokens,
		   extract(epoch from at - min(at) over ()) / extract(epoch from max(at) over () - min(at) over ()) as part
	from demo.trace
), drawn as (
	select *,
		   demo.chance(n, 'failed') < 0.02 as failed,
		   (array['/api/v1/chat/completions', '/api/v1/embeddings', '/api/v1/tts', '/api/v1/scrape'])
				[1 + width_bucket(demo.chance(n, 'endpoint'), array[0.93, 0.97, 0.99]::float8[])] as endpoint,
		   (array['Llama-3-8B', 'Mistral-7B', 'aria-companion-7b', 'Gemma-2B', 'Mixtral-8x7B',
				  'Llama-3-70B-Q4', 'atlas-law-70b', 'Llama-3-70B-FP16', 'nova-writer-8x7b', 'iris-tutor-2b'])
				[1 + width_bucket(demo.chance(n, 'model'), (select demo.zipf(10, 0.7)))] as model,
		   1 + width_bucket(demo.chance(n, 'user'), (select demo.zipf(count(*)::int, 0.9) from demo.network)) as popularity,
		   1 + width_bucket(demo.chance(n, 'provider'), (select demo.zipf(60, 0.8))) as provider
	from numbered
)
select n,
	   'req_' || n as request_id,
	   'usr_' || member as user_id,
	   'prov_' || provider as provider_id,
	   endpoint,
	   case when endpoint like '%/completions' then model end as model,
	   case when failed then 500 else 200 end as status_code,
	   input_tokens,
	   case when not failed and endpoint like '%/completions' then output_tokens else 0 end as output_tokens,
	   (100 + output_tokens * (8 + 8 * demo.chance(n, 'latency')))::int as latency_ms,
	   ((now() at time zone 'UTC')::date - 1 + (part + 0.1 * sin(2 * pi() * part)) * interval '86399 s') at time zone 'UTC' as created_at
from drawn
join (select member, row_number() over (order by hashtextextended(member, 0), member) as popularity from demo.network) as members
	using (popularity);
