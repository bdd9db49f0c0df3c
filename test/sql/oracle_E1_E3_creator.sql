-- E1: 0.0001 a token, input and output, to the owner of the model; the rate is
-- configurable. E2: model_usage_logs and model_creator_earnings. E3: character -> model -> owner.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.register_model('m1', 'Model One', 'premium', owner => 'creator', character_id => 'emma');
select rewards.register_character('emma', 'Emma', 'https://img.example/emma.png');

-- E3: given by the model, by its character, by both
insert into rewards.usage_logs (user_id, endpoint, model, character_id, input_tokens, output_tokens, created_at)
values ('fan', '/chat', 'm1', null, 10, 5, '2025-01-15 10:00Z'),
	('fan', '/chat', null, 'emma', 7, 0, '2025-01-15 11:00Z'),
	('fan', '/chat', 'm1', 'emma', 0, 3, '2025-01-15 12:00Z')
returning service, model, character_id, creator_earnings, user_points, cost;

-- E2
select user_id, model_id, character_id, creator_id, usage_type, tokens_consumed, earnings_generated, created_at at time zone 'UTC' as at
from rewards.model_usage_logs order by id;
select creator_id, model_id, total_usage_count, total_tokens_consumed, total_earnings,
	last_usage_at at time zone 'UTC' as last, created_at at time zone 'UTC' as first, updated_at = last_usage_at as updated
from rewards.model_creator_earnings;
select user_id, model_id from rewards.user_models;

-- the usage type may be given; the model earns in any service
insert into rewards.usage_logs (user_id, endpoint, model, usage_type, input_tokens)
values ('fan', '/v1/images', 'm1', 'image_generation', 20), ('fan', '/chat/completions', 'm1', null, 20);
select usage_type, tokens_consumed, earnings_generated from rewards.model_usage_logs order by id offset 3;

-- E1, the rate: of the programme, of the tier, of the model, the nearest one counts
select rewards.set_creator_rate(0.0002) is not null as set;
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('fan', '/chat/completions', 'm1', 1000) returning tier, creator_earnings;
select rewards.set_creator_rate(0.0003, 'tide_pool') is not null as set;
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('fan', '/chat/completions', 'm1', 1000) returning tier, creator_earnings;
select rewards.register_model('m1', rate => 0.0004);
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('fan', '/chat/completions', 'm1', 1000) returning tier, creator_earnings;
select rewards.register_model('m1', rate => 0);
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('fan', '/chat/completions', 'm1', 1000) returning tier, creator_earnings;
-- nobody's referrer shares in earnings, and a failed request earns none
select bonus from rewards.referral_signup(rewards.referral_code('above'), 'creator');
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, status_code) values ('fan', '/chat', 'm1', 1000, 500) returning creator_earnings, distribution;
select account, unit, entry, amount from rewards.ledger where unit = 'earnings' order by source_id;
select count(*) as differences from rewards.verify();
