-- R5: the guide's rates: providers 10/5/2.5 % of compute earnings, users 15/8/4 % of
-- usage points. R6: when a code is used its owner gets 50 (provider) or 25 (user) points.
-- R2: the code is the account's own id.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install('cxmpute_guide') is not null as installed;
select kind, level, rate from rewards.referral_rates order by 1, 2;
select event, kind, amount, recipient_level from rewards.bonuses order by kind;

select rewards.referral_code('usr_abc123'), rewards.referral_code('prov_xyz789', 'provider');
select referrer, kind, bonus from rewards.referral_signup('usr_abc123', 'usr_2');
select referrer, kind, bonus from rewards.referral_signup('usr_2', 'usr_3');
select referrer, kind, bonus from rewards.referral_signup('usr_3', 'usr_4');
select referrer, kind, bonus from rewards.referral_signup('prov_xyz789', 'prov_2', 'provider');
select referrer, kind, bonus from rewards.referral_signup('prov_2', 'prov_3', 'provider');
select referrer, kind, bonus from rewards.referral_signup('prov_3', 'prov_4', 'provider');

-- 1 + 0.001 x 1000 = 2 user points; 3 + 0.0005 x 400 = 3.2 provider points
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens)
values ('usr_4', 'prov_4', '/chat/completions', 'llama-3-8b', 600, 400) returning user_points, provider_points;
select kind, account, entry, level, amount from rewards.shares_of((select max(id) from rewards.usage_logs)) order by kind, level;
select user_id, usage_points, referral_points, bonus_points, total_points from rewards.user_points order by 1;
select provider_id, work_points, referral_points, bonus_points, total_points from rewards.provider_rewards order by 1;
