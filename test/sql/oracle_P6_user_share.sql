-- P6: the user gets 10 % of the request's base points, in a ledger of its own beside
-- the provider's, with or without a provider.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model)
select 'share_u', p, '/v1/chat/completions', m from unnest('{gemma-2b,mistral-7b,mixtral-8x7b,llama-3-70b}'::text[]) m, unnest('{share_p,NULL}'::text[]) p
returning model, provider_id, provider_points, user_points;
/* 2 x (0.1 + 0.3 + 0.7 + 1.5), and 1 + 3 + 7 + 15 */
select usage_points, requests from rewards.user_points;
select work_points, requests from rewards.provider_rewards;
-- rounded half away from zero at the ninth place
select rewards.set_user_share(0.000000005) is not null as set, rewards.set_service('tenth', '/tenth', 0.1) is not null as set, rewards.set_service('less', '/less', 0.09) is not null as set;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('share_u', '/tenth', clock_timestamp()), ('share_u', '/less', clock_timestamp()) returning service, user_points;
