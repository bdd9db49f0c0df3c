-- Q3, Q5: the sample of the metrics, and the bonus for quality: above 0.8 with five referrals, once.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install('vobee') is not null as installed, rewards.set_setting('quality_method', 'recency_v1') is not null as method;
begin;
select rewards.referral_code('user@example.com', custom => 'USER1');
/* 1 - 27/30/5 = 0.82 */
select count(rewards.referral_signup('USER1', 'f' || n, at => now() - make_interval(days => (array[0, 3, 6, 8, 10])[n]))) from generate_series(1, 5) n;
commit;
select to_jsonb(q) = '{
  "referred_count": 5,
  "quality_score": 0.82,
  "rewards": [
    {"type": "invite_codes", "amount": 3, "reason": "First 3 referrals"},
    {"type": "quality_bonus", "amount": 2, "reason": "High quality referrals"}
  ]
}' as as_in_the_sample from rewards.referral_quality('user@example.com') q;
select * from rewards.earn_codes('user@example.com');
select perk, until is null as for_life, active from rewards.perks('user@example.com') order by perk collate "C";
select source, count(*) from rewards.invite_codes group by source order by 1;
-- claimed it shows the same, and once it was earned it stays, whatever becomes of the score
select rewards.set_setting('quality_days', '3') is not null;
select * from rewards.referral_quality('user@example.com');
select earned from rewards.earn_codes('user@example.com');
select rewards.set_setting('quality_days', '30') is not null;
select earned from rewards.earn_codes('user@example.com');
-- 0.8 is not above it; four are not five
begin;
select rewards.referral_code('edge', custom => 'EDGE'), rewards.referral_code('four', custom => 'FOUR');
select count(rewards.referral_signup('EDGE', 'e' || n, at => now() - interval '6 days')) from generate_series(1, 5) n;
select count(rewards.referral_signup('FOUR', 'v' || n)) from generate_series(1, 4) n;
commit;
select quality_score, earned, message from rewards.referral_quality('edge'), rewards.earn_codes('edge');
select quality_score, earned, message from rewards.referral_quality('four'), rewards.earn_codes('four');
-- another bound, another reward
select rewards.set_quality_bonus(0.5, 4, '{"points": 7}') is not null;
select earned, message from rewards.earn_codes('edge');
select entry, amount, reason from rewards.ledger where entry = 'quality_bonus';
select rewards.set_quality_bonus(null, null, null) is not null;
select earned, message from rewards.earn_codes('four');
select complete from rewards.post();
select * from rewards.verify();
