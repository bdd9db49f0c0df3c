-- R6: when a code is used its owner gets 50 points (provider) or 25 (user) in the
-- guide's programme. R7, as far as signups: 100 points to the user who referred.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install('cxmpute_guide') is not null as installed;
select rewards.register_account('usr_a'), rewards.register_account('prov_a', 'provider');
select referrer, kind, bonus from rewards.referral_signup('usr_a', 'usr_b');
select referrer, kind, bonus from rewards.referral_signup('usr_a', 'usr_c');
select referrer, kind, bonus from rewards.referral_signup('usr_b', 'usr_d');
select referrer, kind, bonus from rewards.referral_signup('prov_a', 'prov_b', 'provider');
-- once an edge, to the direct referrer alone, and nothing to who joins
select source, kind, account, entry, level, amount, unit, reason from rewards.ledger order by source_id;
select user_id, referral_points, bonus_points, total_points from rewards.user_points order by 1;
select provider_id, referral_points, bonus_points, total_points from rewards.provider_rewards order by 1;
select complete from rewards.post();
select user_id, bonus_points from rewards.user_points order by 1;
select count(*) as differences from rewards.verify();

select rewards.uninstall('drop all data');
select rewards.install('cxmpute') is not null as installed;
select rewards.register_account('usr_a'), rewards.register_account('prov_a', 'provider');
select referrer, kind, bonus from rewards.referral_signup('usr_a', 'usr_b');
select referrer, kind, bonus from rewards.referral_signup('prov_a', 'prov_b', 'provider');
select kind, account, entry, amount from rewards.ledger;
-- the bonus in force when they join, not one that comes later
select rewards.load_preset('cxmpute_guide') > 0 as changed;
select bonus from rewards.referral_signup('usr_a', 'usr_c');
select bonus from rewards.referral_signup('prov_a', 'prov_c', 'provider');
select bonus from rewards.referral_signup('usr_a', 'usr_d', 'user', '2020-01-01');
select account, sum(amount) as points from rewards.ledger group by 1 order by 1;
