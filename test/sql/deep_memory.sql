-- Chains are the same with memory for few accounts: what is remembered by number goes
-- by halves, and an end of a chain that grew is noticed in either.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
-- each of 2000 with a referrer and a referrer's referrer of its own
select count(*) from (select rewards.register_account(k || n, joined_at => '2025-01-01') from unnest(array['a', 'b', 'c', 'd']) k, generate_series(1, 2000) n) r;
select count(*) from (select rewards.referral_signup('b' || n, 'a' || n, at => '2025-01-01') from generate_series(1, 2000) n) s;
select count(*) from (select rewards.referral_signup('c' || n, 'b' || n, at => '2025-01-01') from generate_series(1, 2000) n) s;

\c -
set rewards.cache_size = '256kB';
prepare load as
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'a' || n, '/embeddings', '2025-02-01' from generate_series(1, 2000) n;
prepare shares as
select entry, level, count(*), count(distinct account), sum(amount) from rewards.ledger where source = 'usage_logs' group by 1, 2 order by 1, 2;
execute load;
execute load;
execute shares;
select sum(used_bytes) < 300000 as bounded, count(distinct name) as kinds from pg_backend_memory_contexts where name in ('rewards memo', 'rewards forest');
-- the ends grow, halfway through the load
\c -
set rewards.cache_size = '256kB';
prepare load as
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'a' || n, '/embeddings', '2025-02-01' from generate_series(1, 2000) n;
prepare shares as
select entry, level, count(*), count(distinct account), sum(amount) from rewards.ledger where source = 'usage_logs' group by 1, 2 order by 1, 2;
execute load;
select count(*) from (select rewards.referral_signup('d' || n, 'c' || n, at => '2025-01-01') from generate_series(1, 1000) n) s;
execute load;
execute shares;
-- and with memory for all; an end that grows and rolls back does not stay
\c -
prepare load as
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'a' || n, '/embeddings', '2025-02-01' from generate_series(1, 2000) n order by n desc;
prepare shares as
select entry, level, count(*), count(distinct account), sum(amount) from rewards.ledger where source = 'usage_logs' group by 1, 2 order by 1, 2;
execute load;
begin;
select count(*) from (select rewards.referral_signup('d' || n, 'c' || n, at => '2025-01-01') from generate_series(1001, 2000) n) s;
execute load;
execute shares;
rollback;
execute load;
execute shares;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
