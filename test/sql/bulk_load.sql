-- A statement that names thousands of accounts reads them all at once, or, where
-- they do not fit into rewards.cache_size, forgets some on the way: the shares are
-- the same, also of who got a referrer between two such statements.
select rewards.uninstall('drop all data');
select rewards.install() like 'rewards % is installed' as installed;
select count(*) from (select rewards.register_account('u' || n, joined_at => '2025-01-01') from generate_series(1, 3000) n) r;
select count(*) from (
	select rewards.referral_signup(code => 'u' || n / 10, referee => 'u' || n, at => '2025-01-01') from generate_series(10, 2000) n) s;

\c -
prepare load as
insert into rewards.usage_logs (user_id, endpoint, created_at)
select 'u' || n, '/embeddings', '2025-02-01' from generate_series(1, 3000) n;
prepare shares as
select entry, level, count(*), sum(amount) from rewards.ledger where source = 'usage_logs' group by 1, 2 order by 1, 2;
execute load;
execute shares;

-- the rest get their referrers now, which this session has cached as having none
select count(*) from (
	select rewards.referral_signup(code => 'u' || n / 10, referee => 'u' || n, at => '2025-01-01') from generate_series(2001, 3000) n) s;
execute load;
execute shares;

-- far too little memory
\c -
set rewards.cache_size = '256kB';
prepare load as
insert into rewards.usage_logs (user_id, endpoint, created_at)
select 'u' || n, '/embeddings', '2025-02-01' from generate_series(1, 3000) n;
prepare shares as
select entry, level, count(*), sum(amount) from rewards.ledger where source = 'usage_logs' group by 1, 2 order by 1, 2;
execute load;
execute load;
execute shares;
select sum(used_bytes) < 300000 as bounded from pg_backend_memory_contexts where name = 'rewards memo';

-- accounts of this very transaction, which rolls back
reset rewards.cache_size;
prepare newcomers as insert into rewards.usage_logs (user_id, endpoint) select 'new' || n, '/embeddings' from generate_series(1, 1500) n;
prepare their_referrers as select account, count(*) from rewards.ledger where entry = 'referral' and created_at > '2025-06-01' group by 1;
begin;
select count(*) from (select rewards.referral_signup('u1', 'new' || n) from generate_series(1, 1500) n) s;
execute newcomers;
execute their_referrers;
rollback;
execute newcomers;
execute their_referrers;

select complete from rewards.post();
select count(*) from rewards.accounts;
select * from rewards.verify();
