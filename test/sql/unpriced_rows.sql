-- status.unpriced_rows: successful requests of mainnet that lacked a price, by what they
-- knew, counted alike before and after posting.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

prepare unpriced as select unpriced_rows from rewards.status;
create function pg_temp.use(endpoint text, model text default null, at timestamptz default '2025-02-01', status integer default 200) returns numeric language sql as $$
	insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, output_tokens, created_at, status_code) values ('ben', endpoint, model, 1000, 1000, at, status) returning cost $$;
-- on testnet nothing lacks a price
select pg_temp.use('/tts'), pg_temp.use('/chat/completions', 'gemma');
execute unpriced;
select rewards.toggle_mainnet(true, 'admin', '2025-01-01');
-- tts, chat, embeddings, a model elsewhere: four
select pg_temp.use('/tts'), pg_temp.use('/chat/completions', 'gemma'), pg_temp.use('/embeddings'), pg_temp.use('/images', 'mixtral');
execute unpriced;
-- what is free by nature, what failed, what is neither service nor model, what is of testnet times
select pg_temp.use('/chat', 'gemma'), pg_temp.use('/tts', status => 500), pg_temp.use('/nowhere'), pg_temp.use('/tts', at => '2024-12-31');
execute unpriced;
-- half a price is none
select rewards.set_pricing('tide_pool_input', 0.5, '1000_tokens', 'admin', '2025-01-01') is not null as input;
select pg_temp.use('/chat/completions', 'gemma');
execute unpriced;
-- priced, also at 0
select rewards.set_pricing('tide_pool_output', 0, '1000_tokens', 'admin', '2025-01-01') is not null as output, rewards.set_pricing('tts', 0, 'request', 'admin', '2025-01-01') is not null as tts;
select pg_temp.use('/chat/completions', 'gemma'), pg_temp.use('/tts');
execute unpriced;
-- a service with a price of its own for later only
select rewards.set_pricing('scrape', 1, 'request', 'admin', '2025-03-01') is not null as scrape;
select pg_temp.use('/scrape'), pg_temp.use('/scrape', at => '2025-03-01');
execute unpriced;
select rewards.credits('ben');
select * from rewards.verify();
-- six, posted or not, half of them or all; and counted anew
select events > 0 as posted from rewards.post(5);
execute unpriced;
select complete from rewards.post();
execute unpriced;
select pg_temp.use('/embeddings');
execute unpriced;
select complete from rewards.post();
execute unpriced;
select * from rewards.verify();
select rewards.repair('again') > 0 as repaired;
execute unpriced;
-- a price set for then mends what was charged, by rerate(); that they lacked it stays true
select rewards.set_pricing('embeddings', 2, 'request', 'admin', '2025-01-01') is not null as embeddings;
select r.account, r.entry, r.booked, r.now_due from rewards.rerate('2025-01-01', '2025-04-01', 'embeddings forgotten', false) r join rewards.usage_logs u on u.id = r.usage_id where u.service = 'embeddings';
execute unpriced;
begin;
select pg_temp.use('/images', 'mixtral');
execute unpriced;
rollback;
execute unpriced;
select * from rewards.verify();
