-- C9: money comes in with a reference of its source: the same one adds once, and is taken
-- back once, but for what has expired by then.
\set VERBOSITY sqlstate
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.add_credits('ben', 20, 'top-up', reference => 'stripe:pi_1');
select rewards.add_credits('ben', 20, 'top-up', reference => 'stripe:pi_1');
select rewards.add_credits('ben', 20.00, 'a retry', reference => 'stripe:pi_1');
select rewards.add_credits('ben', 5, 'top-up', reference => 'coinbase:1');
select rewards.credits('ben'), count(*) as entries from rewards.journal;
-- the same reference for something else
select rewards.add_credits('ben', 21, 'top-up', reference => 'stripe:pi_1');
select rewards.add_credits('ann', 20, 'top-up', reference => 'stripe:pi_1');
select rewards.add_credits('ben', 20, 'top-up', 'tokens', reference => 'stripe:pi_1');
select complete from rewards.post();
select rewards.add_credits('ben', 20, 'top-up', reference => 'stripe:pi_1');
select rewards.credits('ben'), rewards.credits('ann') as ann;

-- refunds: once, of known references
select rewards.refund_credits('stripe:pi_2', 'charged back');
select rewards.refund_credits('stripe:pi_1', 'charged back');
select rewards.refund_credits('stripe:pi_1', 'charged back');
-- its reference stays used: no new credits come by it
select rewards.add_credits('ben', 20, 'top-up', reference => 'stripe:pi_1');
select rewards.refund_credits('stripe:pi_1', 'again');
-- after it was spent: a debt under the policy allow
select rewards.set_pricing('tts', 4, 'request', 'admin', '2025-01-01') is not null as priced, rewards.toggle_mainnet(true, 'admin', '2025-01-01') as mainnet;
insert into rewards.usage_logs (user_id, endpoint) values ('ben', '/tts') returning cost;
select rewards.refund_credits('coinbase:1', 'charged back');
select rewards.credits('ben');
-- after a part of it was spent and the rest has expired: what was spent is taken back
select rewards.add_credits('cat', 10, 'promotion', expires_at => clock_timestamp() + interval '2 s', reference => 'promo:1');
insert into rewards.usage_logs (user_id, endpoint) values ('cat', '/tts') returning cost;
select rewards.credits('cat');
select pg_sleep(2.1);
select rewards.credits('cat');
select rewards.refund_credits('promo:1', 'a mistake');
select rewards.refund_credits('promo:1', 'a mistake');
select type, amount, balance_after, reason from rewards.credit_transactions where user_id = 'cat' order by id;
-- a repeat of expired credits adds nothing either
select rewards.add_credits('cat', 10, 'promotion', expires_at => '2025-01-01', reference => 'promo:1');
-- under enforce a refund makes no debt
select rewards.set_setting('credit_policy', 'enforce') is not null as enforced;
select rewards.add_credits('dan', 6, reference => 'stripe:pi_3');
insert into rewards.usage_logs (user_id, endpoint) values ('dan', '/tts') returning cost;
select rewards.refund_credits('stripe:pi_3', 'charged back');
select rewards.add_credits('dan', 4);
select rewards.refund_credits('stripe:pi_3', 'charged back');
-- tokens and other currencies never
select rewards.add_credits('dan', 3, currency => 'tokens', reference => 'tokens:1');
select new_balance from rewards.deduct_token('dan', 2);
select rewards.refund_credits('tokens:1', 'charged back');
select rewards.add_credits('dan', 3, currency => 'tokens', reference => 'tokens:2');
select rewards.refund_credits('tokens:1', 'charged back');
select user_id, currency, balance, added, spent, expired from rewards.user_credits order by 1, 2;
select user_id, currency, type, amount, balance_after, reason, reference from rewards.credit_transactions order by id;
select rewards.add_credits('dan', 1, reference => '');
select rewards.refund_credits(null, 'x');
select rewards.refund_credits('stripe:pi_3', null);
select * from rewards.verify();
select complete from rewards.post();
select user_id, currency, balance, added, spent, expired from rewards.user_credits order by 1, 2;
select * from rewards.verify();
