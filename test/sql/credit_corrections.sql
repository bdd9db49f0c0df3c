-- Corrections and reversals of what was charged, under enforce and from lots that have
-- expired: rerate() may make a debt, which covers nothing; what is reversed comes back.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

/* a request of n tokens costs n */
select rewards.set_pricing('embeddings', 1, 'token', 'admin', '2025-01-01') is not null as priced, rewards.toggle_mainnet(true, 'admin', '2025-01-01') as mainnet;
prepare spend(text, integer) as insert into rewards.usage_logs (user_id, endpoint, input_tokens, created_at) values ($1, '/embeddings', $2, '2025-02-01') returning cost;
prepare wallets as select user_id, balance, held, added, spent, expired from rewards.user_credits order by user_id collate "C";
-- charged before there is an account, under allow; then enforced: 10 - 5 - 2
execute spend('ben', 5);
select rewards.add_credits('ben', 10);
select rewards.set_setting('credit_policy', 'enforce') is not null as enforced;
execute spend('ben', 2);
execute wallets;
-- twice the price since January: 7 more are due, which makes a debt of 4
select rewards.set_pricing('embeddings', 2, 'token', 'admin', '2025-01-01') is not null as dearer;
select r.account, r.entry, r.booked, r.now_due from rewards.rerate('2025-01-01', '2025-03-01', 'it was 2', false) r;
execute wallets;
execute spend('ben', 1);
select rewards.add_credits('ben', 5);
execute spend('ben', 1);
select * from rewards.verify();
-- what is simulated begins from what was corrected
select * from rewards.simulate(null, '2025-01-01', '2025-03-01', '{"price": {"embeddings": {"price_per_unit": 3, "unit": "token"}}}') where entry = 'cost';
-- the first row taken back brings all of its 10: 1 + 10, of which five tokens cost 10 now
select rewards.reverse_usage(min(id), 'a mistake') is not null as reversed from rewards.usage_logs;
execute wallets;
select * from rewards.simulate(null, '2025-01-01', '2025-03-01', '{}') where entry = 'cost';
execute spend('ben', 5);
execute spend('ben', 1);
select type, amount, balance_after, reason from rewards.credit_transactions where user_id = 'ben' order by id;
select * from rewards.verify();
select complete from rewards.post();
execute wallets;
select * from rewards.verify();
-- a cheaper price gives back
select rewards.set_pricing('embeddings', 1.5, 'token', 'admin', '2025-01-01') is not null as cheaper;
select r.account, r.booked, r.now_due from rewards.rerate('2025-01-01', '2025-03-01', 'it was 1.5', false) r;
execute wallets;
execute spend('ben', 3);
execute wallets;
select * from rewards.verify();

-- a row of before it expired, told late, takes 2 of a lot, the row that captures a hold 8; what comes back then never expires
select rewards.set_pricing('embeddings', 2, 'token', 'admin', '2025-01-01') is not null as priced;
select rewards.add_credits('cat', 10, expires_at => clock_timestamp() + interval '2 s');
select rewards.authorize_usage('cat', 6, 'held', '1 hour');
select pg_sleep(2.1);
execute wallets;
execute spend('cat', 1);
insert into rewards.usage_logs (request_id, user_id, endpoint, input_tokens) values ('held', 'cat', '/embeddings', 4) returning cost;
execute wallets;
select complete from rewards.post();
select complete from rewards.post();
execute wallets;
select rewards.reverse_usage((select id from rewards.usage_logs where request_id = 'held'), 'a mistake') is not null as reversed;
execute wallets;
select complete from rewards.post();
select complete from rewards.post();
execute wallets;
execute spend('cat', 4);
execute spend('cat', 1);
select * from rewards.verify();
select rewards.repair('all') > 0 as repaired;
execute wallets;
select * from rewards.verify();
