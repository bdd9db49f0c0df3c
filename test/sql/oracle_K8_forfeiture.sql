-- K8: abuse is forfeiture: what referrals and bonuses brought is taken back, once, in its columns; codes and perks go, own points stay.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
create function pg_temp.outcome(command text) returns text language plpgsql as $$
begin
	execute command;
	return 'done';
exception when others then
	return sqlstate || ' ' || sqlerrm;
end $$;
select rewards.install() is not null as installed, rewards.load_preset('vobee') > 0 as vobee;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;
select rewards.referral_code('ann', custom => 'ANN');
select count(rewards.referral_signup('ANN', 'r' || n, at => '2025-01-05')) from generate_series(1, 3) n;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select 'r' || n, 'gpu', '/tts', '2025-02-10'::timestamptz + d * interval '1 month' from generate_series(1, 3) n, generate_series(0, 1) d;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('ann', '/tts', '2025-02-11');
select earned, message from rewards.earn_codes('ann');
select rewards.set_milestone(2, '{"premium": "1 month", "points": 9}') is not null;
select message from rewards.earn_codes('ann');
select min(code) as used from rewards.invite_codes \gset
select status from rewards.redeem_code(:'used', 'late');
prepare points as select to_char(month, 'YYYY-MM') as month, usage_points, referral_points, bonus_points, total_points, requests from rewards.user_points where user_id = 'ann' and month < '2026-01-01' order by month;
prepare balance as select earned, reversed, available from rewards.balance('ann', 'user');
execute points; execute balance;
-- from a day on
select rewards.revoke_rewards('ann', 'user', 'fake accounts', '2025-03-01');
execute points; execute balance;
select count(*) filter (where voided_at is null) as kept, count(*) filter (where voided_at is not null) as void, max(reason) as reason from rewards.invite_codes where owner = 'ann';
select * from rewards.perks('ann');
-- the rest; a second call takes nothing twice, folded or not
select rewards.revoke_rewards('ann', 'user', 'all of it');
select rewards.revoke_rewards('ann', 'user', 'all of it'), rewards.revoke_rewards('ann', 'user', 'all of it', '2025-01-01');
execute points; execute balance;
select complete from rewards.post();
select rewards.revoke_rewards('ann', 'user', 'all of it');
execute points; execute balance;
-- what comes later is hers until it is taken, too
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('r1', '/tts', '2025-03-10');
execute points;
-- the rows behind can still be taken back for the others, her share in them is not taken twice
select rewards.reverse_usage(min(id), 'refunded') is not null as reversed from rewards.usage_logs where user_id = 'r1';
execute balance;
select own.available from rewards.balance('r1', 'user') own;
select pg_temp.outcome(format('select rewards.reverse_journal(%s, ''again'')', min(id))) from rewards.journal where event like 'signup/%';
select pg_temp.outcome(format('select rewards.reverse_journal(%s, ''again'')', min(id))) from rewards.journal where reverses_source = 'revocation';
-- the later row's share is, once
select rewards.reverse_usage(max(id), 'refunded') is not null as reversed from rewards.usage_logs where user_id = 'r1';
execute points; execute balance;
-- a bonus that is held is free of its hold with it
select rewards.set_bonus('signup', 'user', 40, hold => '30 days') is not null, rewards.referral_code('cat', custom => 'CAT'), (rewards.referral_signup('CAT', 'c1')).bonus;
select earned, reversed, held, available from rewards.balance('cat', 'user');
select rewards.revoke_rewards('cat', 'user', 'fake');
select earned, reversed, held, available from rewards.balance('cat', 'user');
-- of a closed month: in the first open day, and not again
select rewards.referral_code('bob', custom => 'BOB'), (rewards.referral_signup('BOB', 'b1', at => '2025-01-05')).referrer;
select rewards.set_setting('closed_until', '2025-01-31') is not null;
select rewards.revoke_rewards('bob', 'user', 'fake');
select rewards.revoke_rewards('bob', 'user', 'fake');
select to_char(month, 'YYYY-MM') as month, bonus_points from rewards.user_points where user_id = 'bob' order by month;
-- of a closed month and reversed since: not twice
select (rewards.referral_signup('BOB', 'b2', at => '2025-02-05')).referrer;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('b2', '/tts', '2025-02-10'), ('b2', '/tts', '2025-03-10');
select rewards.set_setting('closed_until', '2025-02-28') is not null;
select rewards.reverse_usage(min(id), 'refunded') is not null as reversed from rewards.usage_logs where user_id = 'b2';
select to_char(month, 'YYYY-MM') as month, referral_points, bonus_points from rewards.user_points where user_id = 'bob' order by month;
select rewards.revoke_rewards('bob', 'user', 'fake');
select available from rewards.balance('bob', 'user');
-- claimed rewards are no longer listed, and are not given again
select rewards from rewards.referral_quality('ann');
select earned from rewards.earn_codes('ann');
select pg_temp.outcome($$select rewards.revoke_rewards('ann', 'user', 'x', 'infinity')$$);
begin isolation level repeatable read;
select pg_temp.outcome($$select rewards.revoke_rewards('ann', 'user', 'x')$$);
rollback;
select rewards.revoke_rewards('nobody', 'user', 'nothing');
select entry, amount, reason from rewards.ledger where account = 'ann' and entry in ('reversal') order by created_at, amount;
select call, arguments - 'since' as arguments, after from rewards.admin_log where call = 'revoke_rewards' order by id limit 3;
select complete from rewards.post();
select * from rewards.verify();
