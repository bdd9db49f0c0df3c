-- N9: the detailed log of requests: who, whose provider, which endpoint and model, status, tokens, latency; by time, and as CSV.
\set VERBOSITY terse
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms, created_at) values
	('req-1', 'ann', 'p1', '/api/v1/chat/completions', 'llama-3-8b', 200, 150, 75, 250, '2025-01-10 12:00Z'),
	('req-2', 'ann', 'p1', '/api/v1/embeddings', null, 200, 30, 0, 20, '2025-01-10 12:01Z'),
	('req-3', 'bob', 'p2', '/api/v1/chat/completions', 'mixtral', 503, 0, 0, 30000, '2025-01-11 09:00Z');
copy (select request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms, created_at, service, tier, provider_points, user_points
	from rewards.usage_logs where created_at >= '2025-01-10' and created_at < '2025-01-12' order by created_at) to stdout csv header;
-- how providers did by it
select * from rewards.provider_performance where day between '2025-01-10' and '2025-01-11' order by day, provider_id;
