-- R17, R18: milestones of referrals, each once: codes, premium for a time or for life, both; any perk; points.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install('vobee') is not null as installed;
select value -> 'reward' as reward, key::integer as referrals from rewards.rules where rule = 'milestone' and in_force order by 2;
select rewards.referral_code('ann', custom => 'ANN') is not null;
create function pg_temp.bring(upto integer) returns bigint language sql as $$
	select count(rewards.referral_signup('ANN', 'r' || n)) from generate_series((select count(*) + 1 from rewards.referral_relationships)::integer, upto) n $$;
select pg_temp.bring(2); select * from rewards.earn_codes('ann');
select pg_temp.bring(3); select * from rewards.earn_codes('ann');
select pg_temp.bring(9); select * from rewards.earn_codes('ann');
select pg_temp.bring(10); select earned, codes_available, split_part(message, ';', 1) as message from rewards.earn_codes('ann');
select pg_temp.bring(25); select earned, codes_available, message from rewards.earn_codes('ann');
select perk, until = since + interval '1 month' as lasts, active from rewards.perks('ann') where perk = 'premium';
-- durations add up: one month and three
select pg_temp.bring(50); select earned, codes_available, message from rewards.earn_codes('ann');
select perk, until = since + interval '1 month' + interval '3 months' as lasts, active from rewards.perks('ann') where perk = 'premium';
select pg_temp.bring(100); select earned, codes_available, message from rewards.earn_codes('ann');
select perk, until is null as for_life, active from rewards.perks('ann') where perk = 'premium';
-- nothing twice, nothing beyond
select pg_temp.bring(101); select * from rewards.earn_codes('ann');
select count(*) as codes, count(distinct source) as sources from rewards.invite_codes where owner = 'ann';
-- several at once for who asks late; a flagged referee does not count
select rewards.referral_code('bob', custom => 'BOB') is not null;
select count(rewards.referral_signup('BOB', 'b' || n)) from generate_series(1, 10) n;
insert into rewards.abuse_flag (account, detector, evidence) select rewards.account_number('user', 'b7'), 'test', '{}';
select earned, codes_available, message from rewards.earn_codes('bob');
update rewards.abuse_flag set cleared_at = now(), cleared_by = 'me';
select earned, codes_available, split_part(message, ';', 1) as message from rewards.earn_codes('bob');
-- a perk that has run out begins anew
select rewards.set_milestone(11, '{"premium": "1 day", "early_access": "2 weeks", "points": 12.5}') is not null, rewards.set_milestone(12, '{"premium": "1 day"}') is not null;
select count(rewards.referral_signup('BOB', 'b' || n)) from generate_series(11, 12) n;
select message from rewards.earn_codes('bob');
select perk, until - since as lasts from rewards.perks('bob') order by perk collate "C";
update rewards.perk set granted_at = granted_at - interval '10 days' where reward = (select id from rewards.invite_reward where cause = 'referrals/11');
select perk, since > now() - interval '1 hour' as anew, until - since as lasts, active from rewards.perks('bob') order by perk collate "C";
select entry, amount, reason from rewards.ledger where account = 'bob' and entry = 'milestone_bonus';
select bonus_points - 1200 as of_that from rewards.user_points where user_id = 'bob';
select * from rewards.perks('nobody'); select * from rewards.verify();
