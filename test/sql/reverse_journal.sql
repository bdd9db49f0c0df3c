-- reverse_journal(): a bonus, a held bonus, an adjustment, credits, paid uptime are taken
-- back once, in the columns they came from; what belongs to usage, and what is a step
-- of its own (expiry, payout, reversal), is not.
\set VERBOSITY sqlstate
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;
select rewards.set_bonus('signup', 'user', 50, 1, hold => '99 years', valid_from => '-infinity') is not null as held, rewards.set_bonus('milestone', 'user', 7, 0, 2, valid_from => '-infinity') is not null as milestone,
	rewards.set_uptime_points(0.5, '-infinity') is not null as uptime;
select rewards.init_pricing('mainnet', 'admin', '2025-01-01') as prices;
select referrer, bonus from rewards.referral_signup(rewards.referral_code('ann'), 'ben', 'user', '2025-01-01');
select referrer from rewards.referral_signup(rewards.referral_code('pa', 'provider'), 'gpu', 'provider', '2025-01-01');
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('ben', 'gpu', '/tts', '2025-01-10'), ('ben', 'gpu', '/tts', '2025-01-10');
select rewards.record_uptime('gpu', '2025-01-10', 36000);
select complete from rewards.post();
prepare points as select 'user' as kind, user_id as account, month, usage_points as own, referral_points, bonus_points, total_points, requests from rewards.user_points where month = '2025-01-01'
union all select 'provider', provider_id, month, work_points, referral_points, bonus_points, total_points, requests from rewards.provider_rewards where month = '2025-01-01' order by 1, 2;
create function pg_temp.entry(what text, who text) returns bigint language sql as $$
	select j.id from rewards.journal j join rewards.account a on a.id = j.account cross join lateral rewards.shares(j.distribution) s
	where a.name = who and s.entry = what and j.event is distinct from 'reversal' order by j.id limit 1 $$;
prepare reverse(text, text) as select rewards.reverse_journal(pg_temp.entry($1, $2), 'a mistake') is not null as reversed;
-- ben: 2 x 0.2 and the milestone 7; ann: 20 % of that and the signup's 50, held; gpu: 4 of work and 5 of uptime; pa: 20 % of both
execute points;
select earned, reversed, held, available from rewards.balance('ann');
select earned, reversed, held, available from rewards.balance('ben');
-- the milestone, the held bonus
execute reverse('milestone_bonus', 'ben');
execute reverse('milestone_bonus', 'ben');
execute reverse('signup_bonus', 'ann');
execute reverse('signup_bonus', 'ann');
execute points;
select earned, reversed, held, available from rewards.balance('ann');
select earned, reversed, held, available from rewards.balance('ben');
-- uptime with its shares up the chain
execute reverse('work', 'gpu');
execute points;
select account, points, events from rewards.referral_points_by_level order by 1;
select * from rewards.verify();
select complete from rewards.post();
execute points;
select earned, reversed, held, available from rewards.balance('ann');
-- posting grants nothing again
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('ben', 'gpu', '/tts', '2025-01-10');
select complete from rewards.post();
select user_id, bonus_points from rewards.user_points where month = '2025-01-01' order by 1;
select * from rewards.verify();

-- adjustments, of points and earnings, up and down
select rewards.adjust('cat', 'user', 5, 'gift') as up, rewards.adjust('cat', 'user', -2, 'fee') as down, rewards.adjust('cat', 'user', 3, 'gift', 'earnings') as earned \gset
select rewards.reverse_journal(:up, 'no gift') is not null as reversed;
select earned, reversed, available from rewards.balance('cat');
select rewards.reverse_journal(:down, 'no fee') is not null as reversed, rewards.reverse_journal(:earned, 'no gift') is not null as reversed;
select u, b.earned, b.reversed, b.available from unnest('{points,earnings}'::text[]) u, lateral rewards.balance('cat', 'user', u) b;
select rewards.reverse_journal(:up, 'again');
select rewards.reverse_journal(:down, 'again');
select bonus_points, total_points from rewards.user_points where user_id = 'cat';
-- credits: the same as a refund, whichever comes first
select rewards.add_credits('cat', 10, reference => 'r1'), rewards.add_credits('cat', 20, reference => 'r2'), rewards.add_credits('cat', 7, currency => 'gems');
select rewards.reverse_journal((select id from rewards.journal where reference = 'r1'), 'charged back') is not null as reversed;
select rewards.refund_credits('r1', 'charged back');
select rewards.refund_credits('r2', 'charged back');
select rewards.reverse_journal((select id from rewards.journal where reference = 'r2'), 'charged back');
select rewards.reverse_journal(max(id), 'gems') is not null as reversed from rewards.journal where event = 'credit';
select user_id, currency, balance, added from rewards.user_credits where user_id = 'cat' order by 2;
select currency, type, amount, balance_after, reason from rewards.credit_transactions where user_id = 'cat' order by id;
-- an adjustment of tokens cannot be taken back once they are spent
select rewards.adjust('dan', 'user', 5, 'gift', 'tokens') as tokens \gset
select new_balance from rewards.deduct_token('dan', 3);
select rewards.reverse_journal(:tokens, 'no gift');
select rewards.credits('dan', 'tokens');
select rewards.adjust('dan', 'user', -2, 'fee', 'tokens') as fee \gset
select rewards.reverse_journal(:fee, 'no fee') is not null as reversed;
select rewards.credits('dan', 'tokens');

-- what is not to be reversed by itself
create function pg_temp.of(wanted text) returns bigint language sql as $$ select min(id) from rewards.journal where event = wanted $$;
select rewards.set_pricing('tts', 3, 'request', 'admin', '2025-01-01') is not null as dearer;
select count(*) as corrections from rewards.rerate('2025-01-01', '2025-02-01', 'tts is 3', false);
select rewards.reverse_journal(pg_temp.of('rerate'), 'x');
select rewards.reverse_journal(pg_temp.of('deduct'), 'x');
select rewards.reverse_journal(pg_temp.of('reversal'), 'x');
select rewards.reverse_usage(min(id), 'a mistake') is not null as reversed from rewards.usage_logs;
select rewards.reverse_journal(max(id), 'x') from rewards.journal;
select rewards.adjust('eve', 'user', 5, 'gift') is not null as adjusted;
select rewards.request_payout('eve', 'user', 5, 'points') as payout \gset
select rewards.approve_payout(:payout), rewards.complete_payout(:payout, 'wire');
select rewards.reverse_journal(pg_temp.of('payout'), 'x');
select rewards.add_credits('eve', 5, expires_at => clock_timestamp() + interval '0.5 s');
select pg_sleep(0.6);
select complete from rewards.post();
select complete from rewards.post();
select rewards.reverse_journal(pg_temp.of('expiry'), 'x');
select rewards.reverse_journal(0, 'x');
select rewards.reverse_journal(min(id), 'x') from rewards.usage_logs;
select rewards.reverse_journal(null, 'x');
select rewards.reverse_journal(:up, null);
select * from rewards.verify();
select rewards.repair('all') > 0 as repaired;
select * from rewards.verify();
