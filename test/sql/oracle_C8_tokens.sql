-- C8: a chat takes a token, or what set_token_cost() says, or what the call says; balance
-- and history follow; too few change nothing; a repeated request gets its first answer.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.register_model('x-model', 'X', owner => 'maker', character_id => 'x');
select rewards.add_credits('ben', 12, 'starter', 'tokens');
-- one by default
select * from rewards.deduct_token('ben', character_id => 'x');
-- what the rule says, by type of usage and from its date on
select rewards.set_token_cost('chat', 3) is not null as set, rewards.set_token_cost('image_generation', 5, '2999-01-01') is not null as planned;
select * from rewards.deduct_token('ben', character_id => 'x');
select * from rewards.deduct_token('ben', character_id => 'x', usage_type => 'image_generation');
-- what the call says
select * from rewards.deduct_token('ben', 2, 'x');
select rewards.credits('ben', 'tokens');
-- the rows: endpoint /chat, the tokens as input; the maker has earned 0.0001 for each of the seven
select user_id, endpoint, model, character_id, usage_type, status_code, input_tokens, output_tokens, service, creator_earnings, cost from rewards.usage_logs order by id;
select total_usage_count, total_tokens_consumed, total_earnings from rewards.model_creator_earnings;
prepare history as select user_id, type, amount, balance_after, reason, usage_id is not null as of_usage from rewards.token_transactions order by id;
execute history;

-- too few: nothing changes, and nobody is registered
select count(*) as rows, (select count(*) from rewards.journal) as entries into temp before from rewards.usage_logs;
select * from rewards.deduct_token('ben', 6, 'x', 'short');
select * from rewards.deduct_token('stranger', 1, 'x');
select * from rewards.deduct_token('stranger');
select b.rows = (select count(*) from rewards.usage_logs) as rows, b.entries = (select count(*) from rewards.journal) as entries,
	not exists (select from rewards.accounts where account = 'stranger') as unknown from before b;
select rewards.credits('ben', 'tokens');

-- the request that had too few can be made again, and is then made once
select rewards.add_credits('ben', 10, 'more', 'tokens');
select * from rewards.deduct_token('ben', 6, 'x', 'short');
select * from rewards.deduct_token('ben', 1, 'x', 'r1');
select * from rewards.deduct_token('ben', 4, 'x');
-- repeats: the first answer, whatever has happened since
select * from rewards.deduct_token('ben', 6, 'x', 'short');
select * from rewards.deduct_token('ben', 1, 'x', 'r1');
select * from rewards.deduct_token('ben', null, 'x', 'r1');
select complete from rewards.post();
select * from rewards.deduct_token('ben', 6, 'x', 'short');
select rewards.credits('ben', 'tokens'), count(*) as rows from rewards.usage_logs;
-- with other contents it is refused, whichever they are
select * from rewards.deduct_token('ben', 5, 'x', 'short');
select * from rewards.deduct_token('ann', 6, 'x', 'short');
select rewards.add_credits('ann', 10, null, 'tokens');
select * from rewards.deduct_token('ann', 6, 'x', 'short');
select * from rewards.deduct_token('ben', 6, 'y', 'short');
select * from rewards.deduct_token('ben', 6, null, 'short');
select * from rewards.deduct_token('ben', 6, 'x', 'short', model_id => 'another');
select * from rewards.deduct_token('ben', 6, 'x', 'short', 'image_generation');
insert into rewards.usage_logs (request_id, user_id, endpoint, input_tokens) values ('by insert', 'ben', '/chat', 1);
select * from rewards.deduct_token('ben', 1, request_id => 'by insert');
insert into rewards.usage_logs (request_id, user_id, endpoint) values ('short', 'ben', '/chat');

-- a model by its id; neither model nor character; ended rules leave one token
select * from rewards.deduct_token('ann', 2, model_id => 'x-model');
select rewards.set_token_cost('chat', null) is not null as ended;
select * from rewards.deduct_token('ann');
select * from rewards.deduct_token('ann', usage_type => null);
-- to the last token, and no further; credits and other currencies are not touched
select rewards.add_credits('ann', 100), rewards.add_credits('ann', 100, currency => 'gems') as gems;
select * from rewards.deduct_token('ann', 6);
select * from rewards.deduct_token('ann');
select rewards.credits('ann'), rewards.credits('ann', 'gems') as gems, rewards.credits('ann', 'tokens') as tokens;
-- whole tokens are taken, what is left of one is not enough
select rewards.add_credits('ann', 0.5, currency => 'tokens');
select * from rewards.deduct_token('ann');
execute history;
select user_id, currency, balance, added, spent from rewards.user_credits where currency = 'tokens' order by 1;
select total_usage_count, total_tokens_consumed, total_earnings from rewards.model_creator_earnings;

select rewards.deduct_token(null);
select rewards.deduct_token('ben', 0);
select rewards.deduct_token('ben', -1);
select rewards.deduct_token('', 1);
select rewards.deduct_token('ben', 1, '');
select rewards.deduct_token('ben', 1, request_id => '');
select rewards.deduct_token('ben', 1, usage_type => '');
select rewards.set_token_cost('chat', 0);
select rewards.set_token_cost(null, 1);
select rewards.set_token_cost('chat', 1, null);
select * from rewards.verify();
select complete from rewards.post();
execute history;
select * from rewards.verify();
