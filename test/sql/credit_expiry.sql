-- Credits that expire: those that expire first are spent first; what is charged takes from
-- lots that had not expired when it happened; a debt is paid by the next lot; what is held
-- stays; post() books what has gone, and reading says the same before and after.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

/* a request of n tokens costs n */
select rewards.set_pricing('embeddings', 1, 'token', 'admin', '2025-01-01') is not null as priced, rewards.toggle_mainnet(true, 'admin', '2025-01-01') as mainnet;
create function pg_temp.spend(who text, cost integer, request text default null, at timestamptz default now()) returns numeric language sql as $$
	insert into rewards.usage_logs (user_id, endpoint, input_tokens, request_id, created_at) values (who, '/embeddings', cost, request, at) returning cost $$;
prepare wallets as select user_id, currency, balance, held, added, spent, expired from rewards.user_credits order by user_id collate "C";
-- one time for all that is about to expire
select clock_timestamp() + interval '4 s' as soon \gset
select rewards.add_credits('ann', 10), rewards.add_credits('ann', 5, expires_at => '2999-01-01'), rewards.add_credits('ann', 3, expires_at => :'soon');
select rewards.add_credits(u, 10, expires_at => :'soon') from unnest('{ben,cat,dan,eve,fay,kim}'::text[]) u;
select rewards.add_credits('gil', 7, currency => 'gems', expires_at => :'soon'), rewards.add_credits('hal', 3, currency => 'tokens', expires_at => :'soon');
-- ivy owes 4 before she gets 10
select pg_temp.spend('ivy', 4);
select rewards.add_credits('ivy', 10, expires_at => :'soon');
select rewards.add_credits('jan', 5, expires_at => '2999-01-01'), rewards.add_credits('jan', 2, expires_at => :'soon'), rewards.add_credits('jan', 3, expires_at => :'soon');
select pg_temp.spend('ann', 4), pg_temp.spend('ben', 4), pg_temp.spend('jan', 6);
select new_balance from rewards.deduct_token('hal');
select rewards.authorize_usage('eve', 6, 'eve 1', '1 hour'), rewards.authorize_usage('fay', 6, 'fay 1', '1 hour');
execute wallets;
select * from rewards.verify();
select pg_sleep(extract(epoch from :'soon'::timestamptz - clock_timestamp()) + 0.1) is not null as expired;

-- ann and jan had spent what expires first; ben, ivy and hal lose the rest, cat, dan, gil and kim all; eve and fay all but what is held
execute wallets;
-- spent now, from nothing: a debt; spent before it expired, and told late
select pg_temp.spend('cat', 4), pg_temp.spend('dan', 4, at => '2025-02-01');
select rewards.credits('cat') as cat, rewards.credits('dan') as dan;
select * from rewards.deduct_token('hal');
select rewards.release_hold('fay 1');
execute wallets;
select user_id, type, amount from rewards.credit_transactions where type = 'expiry';
select * from rewards.verify();
-- booked by post(): the same figures
select complete from rewards.post();
select complete from rewards.post();
execute wallets;
prepare history as select user_id, currency, type, amount, balance_after from rewards.credit_transactions order by user_id collate "C", id;
select user_id, currency, amount, created_at = :'soon' as when_it_expired from rewards.credit_transactions where type = 'expiry' order by user_id collate "C";
select * from rewards.verify();
-- the row that captures eve's hold takes from what was held, the rest of which goes then
select pg_temp.spend('eve', 5, 'eve 1');
select rewards.credits('eve');
-- what comes late finds what is left: nothing of kim's
select pg_temp.spend('kim', 4, at => '2025-02-01');
select rewards.credits('kim');
-- cat's debt of 4 is paid by the next lot at once, of which 2 remain to be spent or expire
select clock_timestamp() + interval '2 s' as soon \gset
select rewards.add_credits('cat', 6, expires_at => :'soon');
select pg_sleep(extract(epoch from :'soon'::timestamptz - clock_timestamp()) + 0.1) is not null as expired;
select rewards.credits('cat');
execute wallets;
select complete from rewards.post();
select complete from rewards.post();
execute wallets;
execute history;
-- once: nothing more is booked, and totals made anew are the same
select complete from rewards.post();
select sum(done) as booked from rewards.maintain() where task = 'expiries booked';
select count(*) as entries from rewards.credit_transactions;
select * from rewards.verify();
select rewards.repair('again') > 0 as repaired;
execute wallets;
select * from rewards.verify();
-- what cannot be added
select rewards.add_credits('ann', 1, expires_at => '2025-01-01');
select rewards.add_credits('ann', 1, expires_at => now());
select rewards.add_credits('ann', 1, expires_at => '-infinity');
select rewards.add_credits('ann', 1, expires_at => '12000-01-01');
select rewards.add_credits('ann', 1, expires_at => 'infinity');
