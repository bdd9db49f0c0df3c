-- balance() and statement() of every unit say what the ledger adds up to, for everybody,
-- before and after posting.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.init_pricing('mainnet', 'admin', '2025-01-01') as prices;
select referrer from rewards.referral_signup(rewards.referral_code('ann'), 'ben', 'user', '2025-01-01');
select rewards.register_model('m', owner => 'ann', character_id => 'x');
select rewards.add_credits('ben', 10), rewards.add_credits('ben', 30, currency => 'tokens'), rewards.add_credits('ben', 8, currency => 'gems', reference => 'gems');
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at) values
	('a', 'ben', 'gpu', '/chat/completions', 'm', 10000, 5000, '2025-01-10'), ('b', 'ben', 'gpu', '/tts', null, 0, 0, '2025-01-11'), ('c', 'ann', 'gpu', '/embeddings', null, 1000, 0, '2025-02-01');
select new_balance from rewards.deduct_token('ben', 3, 'x', 'd');
select rewards.adjust('ann', 'user', -0.25, 'fee', 'earnings') is not null as earnings, rewards.adjust('gpu', 'provider', 3, 'gift') is not null as points, rewards.adjust('ben', 'user', -1, 'fee', 'gems') is not null as gems;
select rewards.refund_credits('gems', 'returned');
select rewards.adjust('ben', 'user', 8, 'found', 'gems') is not null as gems;
select rewards.refund_credits('gems', 'returned');
select rewards.reverse_usage((select id from rewards.usage_logs where request_id = 'b'), 'a mistake') is not null as reversed;
select rewards.authorize_usage('ben', 2, 'later', '1 hour');
select rewards.request_payout('ann', 'user', 1) as payout \gset
select rewards.approve_payout(:payout), rewards.complete_payout(:payout, 'wire');
select rewards.request_payout('gpu', 'provider', 2, 'points') is not null as requested;
/* each account's sums by the ledger alone, beside what balance() says and where statement() ends */
prepare compared as
select l.kind, l.account, l.unit, l.amount as ledger, b.earned, b.reversed, b.paid_out, b.held, b.available,
	trim_scale(b.earned - b.reversed - b.paid_out - b.staked - l.amount) as balance_off,
	trim_scale(b.available + b.held - l.amount) as available_off, trim_scale(s.balance - l.amount) as statement_off, trim_scale(s.lines - l.amount) as lines_off
from (select kind, account, unit, trim_scale(sum(amount)) as amount from rewards.ledger group by 1, 2, 3) l
cross join lateral rewards.balance(l.account, l.kind, l.unit) b
cross join lateral (select (array_agg(s.balance order by s.place desc))[1] as balance, sum(s.amount) as lines
	from rewards.statement(l.account, l.kind) with ordinality s(day, unit, entry, level, events, amount, balance, place) where s.unit = l.unit) s
order by l.kind, l.account collate "C", l.unit collate "C";
/* by hand: ann's points 100 of the signup, 20 % of ben's 0.1 and her own 0.1, earnings 1.5 + 0.0003 - 0.25 - 1; ben's points 0.1,
   credits 10 - 0.002 - 0.002 of 15000 tokens, tokens 30 - 3, gems 8 - 1 + 8 - 8; gpu's points 1 + 1 + 3 */
execute compared;
select * from rewards.verify();
select complete from rewards.post();
execute compared;
-- a range of the statement; the balance runs on through all
select day, entry, level, events, amount, balance from rewards.statement('ben', 'user', '2025-01-11', '2025-02-01');
select day, unit, entry, level, events, amount, balance from rewards.statement('ben', 'user', '2025-01-01', '2025-02-01');
select u, b.earned, b.held, b.available from unnest('{points,earnings,credits,tokens,gems}'::text[]) u, lateral rewards.balance('nobody', 'user', u) b;
select rewards.balance('ann', 'user', 'euros');
select rewards.balance('ann', 'user', null);
select * from rewards.verify();
