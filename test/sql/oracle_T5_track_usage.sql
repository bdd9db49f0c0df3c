-- T5: trackUsage(request, user, provider, '/api/v1/chat/completions', 'llama-3-8b',
-- 200, 150, 75, 250) is a Blue Surge request.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.track_usage('req_1', 'user123', 'provider123', '/api/v1/chat/completions', 'llama-3-8b', 200, 150, 75, 250) as id \gset
select id = :id as found, request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms,
	service, tier, provider_points, user_points from rewards.usage_logs;
-- all arguments
select rewards.track_usage('req_2', 'user123', null, '/chat', null, 201, 1, 0, null, 'unknown', 'voice', '2025-01-15 12:00Z') > :id as rising;
select character_id, usage_type, status_code, latency_ms, created_at at time zone 'UTC' as at, service from rewards.usage_logs where request_id = 'req_2';
