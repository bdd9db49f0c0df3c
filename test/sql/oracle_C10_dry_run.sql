-- C10: all prices are listed; new ones are tried over real usage before they count, by
-- simulate(), which writes nothing; set for a time that has passed, they change stored
-- rows by nothing but rerate(), which books the difference once.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens, status_code, created_at) values
	('chat', 'ben', 'gpu', '/chat/completions', 'gemma-2b', 1000, 500, 200, '2025-01-10'), ('tts', 'cat', 'gpu', '/tts', null, 0, 0, 200, '2025-01-20'),
	('failed', 'cat', 'gpu', '/tts', null, 0, 0, 500, '2025-01-20'), ('embeddings', 'ben', null, '/embeddings', null, 2000, 0, 200, '2025-02-05'),
	('character', 'dan', null, '/chat', null, 1, 0, 200, '2025-02-05') returning cost;
select rewards.set_pricing('embeddings', 0.1, '1000_tokens', 'admin', '2025-01-01') is not null as set;
select config_key, price_per_unit, unit, valid_from, updated_by from rewards.pricing;
create function pg_temp.everything() returns text language sql as $$
	select md5(string_agg(part, ' ' order by part collate "C")) from (
		select r::text from rewards.rule r union all select j::text from rewards.journal j union all select u::text from rewards.usage_logs u
		union all select l::text from rewards.admin_log l union all select w::text from rewards.wallet w union all select c::text from rewards.cursor c union all select a::text from rewards.account a) x(part) $$;
select pg_temp.everything() as fingerprint into temp before;
/* chat: 0.0002 + 0.0004 / 2; embeddings: 0.1 x 2 */
create function pg_temp.tried(changes jsonb, since timestamptz default '2025-01-01', until timestamptz default '2025-03-01')
returns table (kind text, account text, entry text, actual numeric, simulated numeric) language sql as $$
	select * from rewards.simulate(null, since, until, changes) s where s.entry = 'cost' or s.actual <> s.simulated $$;
-- testnet: prices alone change nothing; on mainnet costs what has a price already
select * from pg_temp.tried('{}');
select * from pg_temp.tried('{"price": {"tts": {"price_per_unit": 0.5, "unit": "request"}}}');
select * from pg_temp.tried('{"mainnet": {"": {"on": true}}}');
-- together
select * from pg_temp.tried('{"mainnet": {"": {"on": true}}, "price": {"tts": {"price_per_unit": 0.5, "unit": "request"},
	"tide_pool_input": {"price_per_unit": 0.0002, "unit": "1000_tokens"}, "tide_pool_output": {"price_per_unit": 0.0004, "unit": "1000_tokens"}}}');
select * from pg_temp.tried('{"mainnet": {"": {"on": true}}, "price": {"tts": {"price_per_unit": 0.5, "unit": "request"}, "embeddings": null}}');
select * from pg_temp.tried('{"mainnet": {"": {"on": true}}, "price": {"tts": {"price_per_unit": 0.5, "unit": "request"}}}', '2025-01-20', '2025-01-21');
select pg_temp.everything() = fingerprint as nothing_written from before;
-- what cannot be tried
select * from rewards.simulate(null, '2025-01-01', '2025-03-01', '{"price": {"tts": {"price_per_unit": -1, "unit": "request"}}}');
select * from rewards.simulate(null, '2025-01-01', '2025-03-01', '{"price": {"tts": {"price_per_unit": 1, "unit": "mile"}}}');
select * from rewards.simulate(null, '2025-01-01', '2025-03-01', '{"price": {"tts": {"price_per_unit": 1}}}');
select * from rewards.simulate(null, '2025-01-01', '2025-03-01', '{"mainnet": {"": {"on": "yes"}}}');
select * from rewards.simulate(null, '2025-01-01', '2025-03-01', '{"mainnet": {"x": {"on": true}}}');

-- now in earnest, for a time that has passed: stored rows stay as they are
select rewards.set_pricing('tts', 0.5, 'request', 'admin', '2025-01-01') is not null as tts, rewards.set_pricing('tide_pool_input', 0.0002, '1000_tokens', 'admin', '2025-01-01') is not null as input,
	rewards.set_pricing('tide_pool_output', 0.0004, '1000_tokens', 'admin', '2025-01-01') is not null as output, rewards.toggle_mainnet(true, 'admin', '2025-01-01') as mainnet;
select rewards.credits(u) from unnest('{ben,cat,dan}'::text[]) u;
select * from rewards.verify();
create function pg_temp.lacks() returns table (request text, kind text, account text, entry text, booked numeric, now_due numeric) language sql as $$
	select u.request_id, r.kind, r.account, r.entry, r.booked, r.now_due from rewards.rerate('2025-01-01', '2025-03-01', 'look') r join rewards.usage_logs u on u.id = r.usage_id order by r.usage_id $$;
create function pg_temp.book(reason text) returns bigint language sql as $$ select count(*) from rewards.rerate('2025-01-01', '2025-03-01', reason, false) $$;
select * from pg_temp.lacks();
select rewards.credits(u) from unnest('{ben,cat,dan}'::text[]) u;
select pg_temp.book('mainnet since January') as booked;
select * from pg_temp.lacks();
select pg_temp.book('again') as booked;
select rewards.credits(u) from unnest('{ben,cat,dan}'::text[]) u;
prepare corrections as select user_id, currency, type, amount, balance_after, reason, usage_id is not null as of_usage, created_at from rewards.credit_transactions order by id;
execute corrections;
select * from rewards.verify();
select complete from rewards.post();
select pg_temp.book('again') as booked;
select rewards.credits(u) from unnest('{ben,cat,dan}'::text[]) u;
-- a lower price later: the difference comes back; and all when it was no mainnet after all
select rewards.set_pricing('tts', 0.3, 'request', 'admin', '2025-01-01') is not null as tts;
select * from pg_temp.lacks();
select pg_temp.book('tts is 0.3') as booked;
select rewards.credits('cat');
select rewards.toggle_mainnet(false, 'admin', '2025-01-01');
select * from pg_temp.lacks();
select pg_temp.book('testnet after all') as booked;
select pg_temp.book('again') as booked;
select rewards.credits(u) from unnest('{ben,cat,dan}'::text[]) u;
execute corrections;
-- the rows are as they were, and points never changed
select cost from rewards.usage_logs order by id;
select count(*) as corrections_of_points from rewards.ledger where source = 'journal' and unit <> 'credits';
select * from rewards.verify();
select complete from rewards.post();
select * from rewards.verify();
