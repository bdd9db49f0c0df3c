-- P11: points are there with the request itself, no manual step. P14: tier, points of
-- provider and user, referral shares of both come from one INSERT in one pass.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select referrer, kind, bonus from rewards.referral_signup(rewards.referral_code('onepass_u0'), 'onepass_u');
select referrer, kind, bonus from rewards.referral_signup(rewards.referral_code('onepass_p0', 'provider'), 'onepass_p', 'provider');

begin;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens)
values ('onepass_u', 'onepass_p', '/v1/chat/completions', 'mixtral-8x7b', 10, 20)
returning service, tier, provider_points, user_points, creator_earnings, cost;
-- the same transaction sees it everywhere, before any posting
select kind, account, entry, level, amount from rewards.shares_of((select max(id) from rewards.usage_logs)) order by kind, entry desc, level;
select provider_id, work_points, referral_points, bonus_points, total_points, requests, tokens from rewards.provider_rewards order by 1;
select user_id, usage_points, referral_points, bonus_points, total_points, requests, tokens from rewards.user_points order by 1;
select backlog > 0 as not_folded_yet from rewards.status;
rollback;

-- rolled back, it is gone from everywhere
select provider_id, total_points from rewards.provider_rewards order by 1;
select user_id, total_points from rewards.user_points order by 1;
