-- C5, C6: credits are added and read by user; the balance and the whole history are kept,
-- each entry with the balance after it, and read alike before and after posting.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

-- the seed's: $50 welcome, 100.00 promotional
select rewards.credits('user123');
select rewards.add_credits('user123', 50.00, 'Welcome bonus');
select rewards.add_credits('user123', 100.00, 'Promotional credit', updated_by => 'admin');
select rewards.credits('user123');
select rewards.credits('nobody'), rewards.credits('user123', 'tokens') as tokens, rewards.credits('user123', 'euros') as euros;
select count(*) as registered from rewards.accounts where account in ('user123', 'nobody');

-- spent on mainnet: 0.5 for tts, 0.25 for 250 tokens of embeddings; nothing for a failed one
select count(*) from (values ('tts', 0.5, 'request'), ('embeddings', 1, '1000_tokens')) p(key, price, unit), lateral rewards.set_pricing(p.key, p.price, p.unit, 'admin', '2025-01-01');
select rewards.toggle_mainnet(true, 'admin', '2025-01-01');
insert into rewards.usage_logs (request_id, user_id, endpoint, input_tokens, status_code) values
	('t1', 'user123', '/tts', 0, 200), ('f1', 'user123', '/tts', 0, 500), ('e1', 'user123', '/embeddings', 250, 200), ('x1', 'other', '/tts', 0, 200) returning user_id, cost;
select rewards.add_credits('user123', 0.000000001, 'the least');
insert into rewards.usage_logs (request_id, user_id, endpoint, usage_type) values ('t2', 'user123', '/tts', 'speech') returning cost;
-- 150 - 0.5 - 0.25 + 0.000000001 - 0.5; who never had credits owes
select rewards.credits('user123'), rewards.credits('user123') = 150 - 1.25 + 0.000000001 as exact, rewards.credits('other') as other;
prepare wallets as select user_id, currency, balance, held, added, spent, expired from rewards.user_credits order by user_id collate "C";
prepare history as select user_id, currency, type, amount, balance_after, reason, reference, usage_id is not null as of_usage, updated_by = current_user as by_me
from rewards.credit_transactions order by id;
execute wallets;
execute history;
select * from rewards.verify();
select complete from rewards.post();
select rewards.credits('user123'), rewards.credits('other') as other;
execute wallets;
execute history;
-- the spending of one user alone, newest first
select amount, balance_after, reason from rewards.credit_transactions where user_id = 'user123' and currency = 'credits' and type = 'usage' order by id desc limit 2;
-- each balance is the sum of the amounts so far, counted here again
select count(*) as wrong from (
	select balance_after, sum(amount) over (partition by user_id, currency order by id) as counted from rewards.credit_transactions) t where balance_after <> counted;
-- half posted, half not
select rewards.add_credits('user123', 1);
insert into rewards.usage_logs (user_id, endpoint) values ('user123', '/tts'), ('other', '/tts');
execute wallets;
select type, amount, balance_after from rewards.credit_transactions where user_id = 'user123' order by id desc limit 3;
select count(*) as wrong from (
	select balance_after, sum(amount) over (partition by user_id, currency order by id) as counted from rewards.credit_transactions) t where balance_after <> counted;
select * from rewards.verify();
