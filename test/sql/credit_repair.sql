-- Credits that expire, gone through again: repair() takes from no lot less than was taken
-- before, and what expires takes nothing that has been spent already.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.init_pricing('mainnet', valid_from => '-infinity') > 0 as prices;
select (rewards.set_pricing('scrape', 1, 'request', valid_from => '-infinity')).price_per_unit;
prepare wallets as select user_id, balance, added, spent, expired from rewards.user_credits order by user_id collate "C";
prepare lots as select rewards.account_name(account) as user_id, remaining from rewards.lot order by account, id;

-- ann's row captures a hold of before the expiry; ben's rows are dated ahead; cat's are of a
-- transaction that is still open when her first credits expire; dan's row is recorded before
-- he gets credits that expire, and comes after
select rewards.add_credits('dan', 10);
begin;
insert into rewards.usage_logs (user_id, endpoint) values ('dan', '/scrape');
prepare transaction 'rewards late';
select rewards.add_credits('dan', 10, expires_at => clock_timestamp() + interval '1 s');
select rewards.add_credits(u, 10, expires_at => clock_timestamp() + interval '1 s'), rewards.add_credits(u, 10, expires_at => clock_timestamp() + interval '5 s') from unnest('{ann,ben,cat}'::text[]) u;
select rewards.authorize_usage('ann', 3, 'held', '2 s');
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'ben', '/scrape', now() + interval '3 s' from generate_series(1, 4);
begin;
insert into rewards.usage_logs (user_id, endpoint) select 'cat', '/scrape' from generate_series(1, 3);
prepare transaction 'rewards open';
select complete from rewards.post();
commit prepared 'rewards late';
select complete from rewards.post();
execute lots;
select pg_sleep(1.2);
insert into rewards.usage_logs (request_id, user_id, endpoint) values ('held', 'ann', '/scrape');
select complete from rewards.post();
commit prepared 'rewards open';
select complete from rewards.post();
select pg_sleep(1.2);
select complete from rewards.post();
execute wallets;
execute lots;
select rewards.repair('again') > 0 as repaired;
execute wallets;
execute lots;
select complete from rewards.post();
execute wallets;
-- of cat's 20 credits 10 have expired, 3 of them spent before: the others were there for that
select pg_sleep(3);
select complete from rewards.post();
execute wallets;
execute lots;
select * from rewards.verify();
