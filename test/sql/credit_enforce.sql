-- The credit policy enforce: what a statement charges must be covered, else it fails as a
-- whole with RW007 and says what is missing; whatever the form of the statement.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

/* a request of n tokens costs n */
select rewards.set_pricing('embeddings', 1, 'token', 'admin', '2025-01-01') is not null as priced, rewards.toggle_mainnet(true, 'admin', '2025-01-01') as mainnet;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	detail text;
	hint text;
begin
	execute call;
	return 'done';
exception when others then
	get stacked diagnostics detail = pg_exception_detail, hint = pg_exception_hint;
	return concat_ws(' | ', sqlstate, sqlerrm, detail, hint);
end $$;
prepare wallets as select user_id, currency, balance, spent, (select count(*) from rewards.usage_logs u where u.user_id = c.user_id) as rows from rewards.user_credits c order by user_id collate "C", currency;
select rewards.add_credits('ben', 10), rewards.add_credits('cat', 10);
select rewards.set_setting('credit_policy', 'enforce') is not null as enforced;
prepare spend(text, integer) as insert into rewards.usage_logs (user_id, endpoint, input_tokens) values ($1, '/embeddings', $2) returning cost;
execute spend('ben', 4);
execute spend('ben', 7);
select pg_temp.outcome('insert into rewards.usage_logs (user_id, endpoint, input_tokens) values (''ben'', ''/embeddings'', 7)');
execute spend('ben', 6);
execute spend('ben', 1);
-- what costs nothing goes on
execute spend('ben', 0);
insert into rewards.usage_logs (user_id, endpoint, input_tokens, status_code) values ('ben', '/embeddings', 5, 500) returning cost;
execute wallets;

-- several rows: the whole statement or none of it
select rewards.add_credits('ben', 6);
insert into rewards.usage_logs (user_id, endpoint, input_tokens) values ('ben', '/embeddings', 3), ('ben', '/embeddings', 4);
insert into rewards.usage_logs (user_id, endpoint, input_tokens) values ('cat', '/embeddings', 3), ('ben', '/embeddings', 7);
execute wallets;
insert into rewards.usage_logs (user_id, endpoint, input_tokens) values ('ben', '/embeddings', 2), ('cat', '/embeddings', 3), ('ben', '/embeddings', 3) returning cost;
-- INSERT ... SELECT over several users, one of whom has too little
insert into rewards.usage_logs (user_id, endpoint, input_tokens) select u, '/embeddings', 2 from unnest('{cat,ben,cat}'::text[]) u;
insert into rewards.usage_logs (user_id, endpoint, input_tokens) select u, '/embeddings', 1 from unnest('{cat,ben,cat}'::text[]) u;
execute wallets;
-- within one statement as in a CTE, within one transaction
with first as (insert into rewards.usage_logs (user_id, endpoint, input_tokens) values ('cat', '/embeddings', 3) returning cost)
insert into rewards.usage_logs (user_id, endpoint, input_tokens) select 'cat', '/embeddings', 3 from first;
begin;
execute spend('cat', 3);
execute spend('cat', 3);
rollback;
begin;
execute spend('cat', 3);
select rewards.credits('cat');
commit;
-- COPY
copy rewards.usage_logs (user_id, endpoint, input_tokens) from stdin;
cat	/embeddings	1
cat	/embeddings	2
\.
copy rewards.usage_logs (user_id, endpoint, input_tokens) from stdin;
cat	/embeddings	1
cat	/embeddings	1
\.
execute wallets;

-- ON CONFLICT DO NOTHING: what is skipped is not charged
select rewards.add_credits('ben', 10), rewards.add_credits('cat', 10);
insert into rewards.usage_logs (request_id, user_id, endpoint, input_tokens) values ('r1', 'ben', '/embeddings', 4) on conflict do nothing returning cost;
insert into rewards.usage_logs (request_id, user_id, endpoint, input_tokens) values ('r1', 'ben', '/embeddings', 4) on conflict do nothing returning cost;
insert into rewards.usage_logs (request_id, user_id, endpoint, input_tokens) values ('r1', 'ben', '/embeddings', 100), ('r2', 'ben', '/embeddings', 5), ('r2', 'ben', '/embeddings', 5) on conflict do nothing returning cost;
select rewards.credits('ben');
-- track_usage(): a repeat neither; one that failed for want of credits can be made again
select pg_temp.outcome('select rewards.track_usage(''t1'', ''ben'', null, ''/embeddings'', null, 200, 2, 0, 0)');
select rewards.add_credits('ben', 1);
select rewards.track_usage('t1', 'ben', null, '/embeddings', null, 200, 2, 0, 0) is not null as tracked;
select rewards.track_usage('t1', 'ben', null, '/embeddings', null, 200, 2, 0, 0) is not null as again;
execute wallets;

-- who has no account has no credits
select pg_temp.outcome('insert into rewards.usage_logs (user_id, endpoint, input_tokens) values (''new'', ''/embeddings'', 2)');
insert into rewards.usage_logs (user_id, endpoint, input_tokens) values ('new', '/embeddings', 0) returning cost;
select pg_temp.outcome('insert into rewards.usage_logs (user_id, endpoint, input_tokens) values (''cat'', ''/embeddings'', 2), (''new'', ''/embeddings'', 1), (''new'', ''/embeddings'', 1)');
-- registered in the same transaction, it has what it was given there
begin;
select rewards.add_credits('newer', 3);
execute spend('newer', 3);
commit;
-- a savepoint rolled back takes its charge along; so does an error caught
begin;
execute spend('cat', 2);
savepoint s;
execute spend('cat', 8);
rollback to s;
savepoint s;
execute spend('cat', 9);
rollback to s;
execute spend('cat', 8);
commit;
select rewards.credits('cat');
do $$
begin
	insert into rewards.usage_logs (user_id, endpoint, input_tokens) values ('cat', '/embeddings', 1);
	raise notice 'not here';
exception when sqlstate 'RW007' then
	insert into rewards.usage_logs (user_id, endpoint, input_tokens, status_code) values ('cat', '/embeddings', 1, 402);
end $$;
execute wallets;
select * from rewards.verify();
select complete from rewards.post();
execute wallets;
select * from rewards.verify();

-- the policy back and forth, in this very session
select rewards.set_setting('credit_policy', 'allow') is not null as allowed;
execute spend('cat', 5);
insert into rewards.usage_logs (user_id, endpoint, input_tokens) values ('newest', '/embeddings', 1) returning cost;
select rewards.credits('cat') as cat, rewards.credits('newest') as newest;
select rewards.set_setting('credit_policy', 'enforce') is not null as enforced;
execute spend('cat', 1);
select rewards.add_credits('cat', 6);
execute spend('cat', 2);
execute spend('cat', 1);
execute spend('cat', 1);
select * from rewards.verify();
select complete from rewards.post();
select rewards.set_setting('credit_policy', 'allow') is not null as allowed;
execute spend('cat', 3);
select rewards.set_setting('credit_policy', 'enforce') is not null as enforced;
select rewards.add_credits('cat', 4);
execute spend('cat', 2);
execute spend('cat', 1);
select complete from rewards.post();
select rewards.add_credits('cat', 2);
execute spend('cat', 2);
execute spend('cat', 1);
execute wallets;
-- expired credits cover nothing
select rewards.add_credits('dan', 5, expires_at => clock_timestamp() + interval '1 s'), rewards.add_credits('dan', 1);
select pg_sleep(1.1);
execute spend('dan', 2);
execute spend('dan', 1);
-- nor do tokens; a chat with a price needs both
select rewards.set_pricing('character_chat', 1, 'request', 'admin', '2025-01-01') is not null as priced;
select rewards.add_credits('dan', 5, currency => 'tokens');
select pg_temp.outcome('select rewards.deduct_token(''dan'', 2)');
select rewards.credits('dan', 'tokens');
select rewards.add_credits('dan', 1.5);
select * from rewards.deduct_token('dan', 2);
select rewards.credits('dan');
-- reversals and refunds give back
select rewards.reverse_usage(max(id), 'a mistake') is not null as reversed from rewards.usage_logs where user_id = 'dan';
select rewards.credits('dan'), rewards.credits('dan', 'tokens') as tokens;
-- nobody may make a debt by hand either
select pg_temp.outcome('select rewards.adjust(''dan'', ''user'', -2, ''fee'', ''credits'')');
select rewards.adjust('dan', 'user', -1.5, 'fee', 'credits') is not null as adjusted;
select pg_temp.outcome('select rewards.set_setting(''credit_policy'', ''forbid'')');
execute wallets;
select count(*) as debts from rewards.user_credits where balance < 0 and user_id <> 'newest';
select * from rewards.verify();
select complete from rewards.post();
execute wallets;
select * from rewards.verify();
