-- R8: the earner keeps 100 %; referral shares are minted on top, and are computed from
-- the earner's own points alone: no share of shares, of bonuses or of a creator's earnings.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
-- alone: what a request is worth to who has no referrer
insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('alone', 'gpu_alone', '/chat/completions', 'llama-3-70b') returning user_points, provider_points;
select (rewards.referral_signup(rewards.referral_code('top'), 'mid')).bonus, (rewards.referral_signup(rewards.referral_code('mid'), 'low')).bonus;
select (rewards.referral_signup(rewards.referral_code('gpu_top', 'provider'), 'gpu_low', 'provider')).referrer;
select rewards.register_model('llama-3-70b', owner => 'low');
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens) values ('low', 'gpu_low', '/chat/completions', 'llama-3-70b', 1000) returning user_points, provider_points;
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('alone', '/chat/completions', 'llama-3-70b', 1000) returning user_points, creator_earnings;
-- the same to who has one, and the shares come on top of it
select kind, account, entry, level, amount from rewards.ledger where source = 'usage_logs' order by source_id, kind, level, entry;
select user_id, usage_points, referral_points, bonus_points from rewards.user_points order by 1;
select provider_id, work_points, referral_points from rewards.provider_rewards order by 1;
-- what is given in all: own points plus 20 % and 10 % of low's, 20 % of gpu_low's; nothing of the 100 points that mid got
select entry, sum(amount) as points from rewards.ledger where unit = 'points' group by 1 order by 1;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
