-- Currencies: whatever add_credits() has met is a wallet of its own, apart from credits
-- and tokens; points and earnings are none.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

/* a request of n tokens costs n */
select rewards.set_pricing('embeddings', 1, 'token', 'admin', '2025-01-01') is not null as priced, rewards.toggle_mainnet(true, 'admin', '2025-01-01') as mainnet;
select rewards.credits('ann', 'gems');
select rewards.adjust('ann', 'user', 1, 'early', 'gems');
select rewards.balance('ann', 'user', 'gems');
select rewards.add_credits('ann', 5, 'a gift', 'gems', reference => 'g1'), rewards.add_credits('ann', 7, currency => 'Gems'), rewards.add_credits('ann', 100), rewards.add_credits('ann', 20, currency => 'tokens');
insert into rewards.usage_logs (user_id, endpoint, input_tokens) values ('ann', '/embeddings', 30) returning cost;
select new_balance from rewards.deduct_token('ann', 4);
select rewards.adjust('ann', 'user', 2.5, 'found', 'gems') is not null as adjusted;
select rewards.add_credits('ben', 1, currency => 'gems');
/* a name of digits, one that reads like SQL, one of 255 bytes */
select rewards.add_credits('ben', n, currency => c) from (values (1, '1'), (2, 'x; drop table'), (3, repeat('x', 255))) v(n, c);
prepare wallets as select user_id, left(currency, 20) as currency, balance, added, spent from rewards.user_credits order by user_id collate "C", currency collate "C";
execute wallets;
select rewards.credits('ann', c) from unnest('{credits,tokens,gems,Gems,GEMS}'::text[]) c;
select currency, type, amount, balance_after, reason from rewards.credit_transactions where user_id = 'ann' order by id;
select type, amount, balance_after from rewards.token_transactions order by id;
-- spent by an adjustment, never below zero, whatever the policy
select rewards.adjust('ann', 'user', -8, 'a sword', 'gems');
select rewards.adjust('ann', 'user', -7.5, 'a sword', 'gems') is not null as adjusted;
select rewards.refund_credits('g1', 'gift taken back');
-- balance, statement and ledger know them
select earned, reversed, paid_out, held, available from rewards.balance('ann', 'user', 'gems');
select unit, entry, events, amount, balance from rewards.statement('ann') where unit <> 'points';
select unit, entry, amount from rewards.ledger where account = 'ann' and unit in ('gems', 'Gems') order by source_id;
select rewards.request_payout('ann', 'user', 1, 'gems');
-- providers have none
select rewards.adjust('gpu', 'provider', 1, 'x', 'gems');
-- what is no currency
select rewards.add_credits('ann', 1, currency => 'points');
select rewards.add_credits('ann', 1, currency => 'earnings');
select rewards.add_credits('ann', 1, currency => '');
select rewards.add_credits('ann', 1, currency => null);
select rewards.add_credits('ann', 1, currency => e'a\nb');
select rewards.add_credits('ann', 1, currency => repeat('x', 256));
select rewards.credits('ann', null);
-- refused, it makes no unit
select rewards.add_credits('ann', 0, currency => 'doubloons');
select rewards.balance('ann', 'user', 'doubloons');
select * from rewards.verify();
select complete from rewards.post();
execute wallets;
select user_id, total_points, requests from rewards.user_points;
select * from rewards.verify();
