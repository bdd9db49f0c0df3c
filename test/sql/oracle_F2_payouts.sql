-- F2: what was earned leaves by payouts: a method, a minimum, by itself where a rule says
-- so; held from request to end, paid out or free again; each step once, in its state only.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.register_model('m', owner => 'ann');
/* ann earns 100000 x 0.0001 = 10, gpu 3 x 2 points */
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, created_at)
values ('ben', 'gpu', '/tts', 'm', 50000, '2025-01-10'), ('ben', 'gpu', '/tts', 'm', 50000, '2025-01-10'), ('ben', 'gpu', '/tts', null, 0, '2025-01-10');
prepare balances as select a.account, a.unit, b.* from (values ('ann', 'user', 'earnings'), ('gpu', 'provider', 'points')) a(account, kind, unit), lateral rewards.balance(a.account, a.kind, a.unit) b;
prepare payouts as select account, unit, amount, method, status, reference, automatic, requested_by = current_user as by_me,
	replace(approved_by, current_user, 'me') as approved_by, replace(ended_by, current_user, 'me') as ended_by, transfer, reason from rewards.payouts order by id;
execute balances;
-- without a rule: any amount that is there, with a method or none
select rewards.request_payout('ann', 'user', 4) as first \gset
execute balances;
select rewards.request_payout('ann', 'user', 6.000000001);
select rewards.request_payout('ann', 'user', 6) as second \gset
select rewards.request_payout('ann', 'user', 0.000000001);
execute balances;
-- the states: requested, approved, completed; or failed, which frees it
select rewards.complete_payout(:first, 'wire 1');
select rewards.approve_payout(:first, 'fin');
select rewards.approve_payout(:first, 'fin');
execute balances;
select rewards.complete_payout(:first, 'wire 1', 'fin');
select rewards.complete_payout(:first, 'wire 1');
select rewards.fail_payout(:first, 'too late');
select rewards.fail_payout(:second, 'account closed', 'fin');
select rewards.fail_payout(:second, 'again');
select rewards.approve_payout(:second);
execute payouts;
execute balances;
select entry, amount, unit, reason from rewards.ledger where source = 'journal' order by source_id;
-- an approved one may fail, too
select rewards.request_payout('ann', 'user', 6) as third \gset
select rewards.approve_payout(:third);
select rewards.fail_payout(:third, 'returned by the bank');
select available from rewards.balance('ann', 'user', 'earnings');
-- what a payout holds and was taken back since is not approved
select rewards.request_payout('ann', 'user', 6) as fourth \gset
select rewards.adjust('ann', 'user', -1, 'a mistake', 'earnings') is not null as adjusted;
select rewards.approve_payout(:fourth);
select rewards.fail_payout(:fourth, 'too much');
select available from rewards.balance('ann', 'user', 'earnings');

-- methods: the account's own; the last one set counts; none once removed
select rewards.request_payout('ann', 'user', 1, method => 'paypal');
select rewards.set_payout_method('ann', 'paypal', '{"to": "ann@example.org"}'), rewards.set_payout_method('ann', 'bank', '{"iban": "DE00"}');
select rewards.request_payout('ann', 'user', 1, reference => 'p5') is not null as bank;
select rewards.set_payout_method('ann', 'paypal', '{"to": "ann@example.com"}');
select rewards.request_payout('ann', 'user', 1, reference => 'p6') is not null as paypal, rewards.request_payout('ann', 'user', 1, method => 'bank', reference => 'p7') is not null as bank;
select rewards.set_payout_method('ann', 'paypal', null);
select rewards.request_payout('ann', 'user', 1, method => 'paypal');
select reference, method, details from rewards.payout where reference like 'p_' order by id;
-- the same reference asks once
select (select rewards.request_payout('ann', 'user', 1, reference => 'p5')) = (select id from rewards.payouts where reference = 'p5') as same;
select rewards.request_payout('ann', 'user', 2, reference => 'p5');
select rewards.request_payout('gpu', 'provider', 1, 'points', reference => 'p5');
select count(*), sum(amount) from rewards.payouts where status = 'requested';

-- a rule: minimum and methods
select rewards.set_payout_rule('points', 5, methods => '{usdc}') is not null as rule;
select rewards.request_payout('gpu', 'provider', 4.9, 'points');
select rewards.request_payout('gpu', 'provider', 5, 'points');
select rewards.set_payout_method('gpu', 'bank', '{}', 'provider');
select rewards.request_payout('gpu', 'provider', 5, 'points', 'bank');
select rewards.set_payout_method('gpu', 'usdc', '{"to": "0x0"}', 'provider'), rewards.set_payout_method('gpu', 'bank', '{}', 'provider');
select rewards.request_payout('gpu', 'provider', 5, 'points') as points \gset
select account, amount, method, status from rewards.payouts where id = :points;
select rewards.approve_payout(:points), rewards.complete_payout(:points, 'tx 1');
execute balances;
-- the month's and the all-time points are what was earned; the boards do not notice
select total_points from rewards.provider_rewards where month = '2025-01-01';
select account, points from rewards.leaderboard where board = 'provider' and month is null;
-- by itself: what is available, once it is as much as the minimum, for accounts with such a method
select rewards.set_payout_rule('earnings', 3, true, '{bank}') is not null as rule;
select done from rewards.maintain() where task = 'payouts made';
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, created_at) values ('ben', '/tts', 'm', 10000, '2025-01-11');
select available from rewards.balance('ann', 'user', 'earnings');
select done from rewards.maintain() where task = 'payouts made';
select done from rewards.maintain() where task = 'payouts made';
select account, unit, amount, method, status, automatic, approved_by from rewards.payouts where automatic;
select rewards.complete_payout((select id from rewards.payouts where automatic), 'wire 2');
execute balances;
-- what is asked for under such a rule is approved at once, too
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, created_at) values ('ben', '/tts', 'm', 50000, '2025-01-11');
select rewards.request_payout('ann', 'user', 4) as asked \gset
select amount, method, status, automatic, approved_by from rewards.payouts where id = :asked;
-- ended by NULL
select rewards.set_payout_rule('points', null) is not null as ended;
select rewards.request_payout('gpu', 'provider', 0.5, 'points') is not null as requested;
-- a bonus in its hold is not to be had
select rewards.set_bonus('signup', 'user', 50, 1, hold => '99 years', valid_from => '-infinity') is not null as held;
select referrer, bonus from rewards.referral_signup(rewards.referral_code('eve'), 'fay', 'user', '2025-01-01');
select rewards.request_payout('eve', 'user', 1, 'points');
select earned, held, available from rewards.balance('eve');

select rewards.request_payout('stranger', 'user', 1);
select rewards.request_payout('ann', 'user', 1, 'credits');
select rewards.set_payout_rule('tokens', 1);
select rewards.approve_payout(0);
select rewards.approve_payout(null);
select rewards.complete_payout(0, 'x');
select rewards.fail_payout(0, 'x');
select * from rewards.verify();
select complete from rewards.post();
execute balances;
execute payouts;
select total_points from rewards.provider_rewards where month = '2025-01-01';
select account, points from rewards.leaderboard where board = 'provider' and month is null;
select account, points from rewards.leaderboard where board = 'creator' and month is null;
select * from rewards.verify();
-- a payout that says other than its entry
begin;
update rewards.payout set status = 'failed' where id = (select min(id) from rewards.payout where status = 'completed');
select part, subject, expected, found, detail from rewards.verify();
rollback;
begin;
update rewards.payout set amount = amount + 1 where id = (select min(id) from rewards.payout where status = 'completed');
select part, subject, expected, found, detail from rewards.verify();
rollback;
