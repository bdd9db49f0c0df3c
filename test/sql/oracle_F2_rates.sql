-- F2, E1: earnings per token by model, else by the model's tier, else the programme's,
-- each as of the request's time; and by who owned the model then.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.register_model('big', owner => 'ann', tier => 'open_ocean'), rewards.register_model('small', owner => 'ann'), rewards.register_model('own', owner => 'ann', rate => 0.001);
select rewards.set_creator_rate(0.0002, 'open_ocean', '2025-02-01') is not null as tier, rewards.set_creator_rate(0.00015, valid_from => '2025-03-01') is not null as programme,
	rewards.set_creator_rate(null, 'open_ocean', '2025-04-01') is not null as ended;
select rewards.register_model('own', rate => 0.002, valid_from => '2025-03-01');
/* a thousand tokens in the middle of each month: big .1 .2 .2 .15, small .1 .1 .15 .15, own 1 1 2 2 */
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, output_tokens, created_at)
select 'ben', '/chat/completions', m, 400, 600, make_date(2025, i, 15) from unnest('{big,own,small}'::text[]) m, generate_series(1, 4) i order by m, i;
select model, string_agg(creator_earnings::text, ' ' order by id) as earnings from rewards.usage_logs group by model order by model;
select model_id, total_usage_count, total_tokens_consumed, total_earnings from rewards.model_creator_earnings order by 1;
select distinct e.rule, e.rate from rewards.usage_logs u, lateral rewards.explain_reward(u.id) e where u.model = 'own' and e.entry = 'creator' order by e.rate;
-- to the last place
select rewards.set_creator_rate(0.000000001, 'tide_pool', '2025-06-01') is not null as least;
select creator_earnings from rewards.quote('/chat/completions', 'small', 1, 2, 'ben', at => '2025-06-01');
select rewards.register_model('own', rate => 0.0000000001);
select rewards.set_creator_rate(-1);

-- owners: ann, then ben from February, nobody in March, cat from April on
select rewards.register_model('sold', owner => 'ann');
select rewards.set_model_owner('sold', 'ben', '2025-02-01') is not null as ben, rewards.set_model_owner('sold', null, '2025-03-01') is not null as none, rewards.set_model_owner('sold', 'cat', '2025-04-01') is not null as cat;
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, created_at) select 'zoe', '/chat/completions', 'sold', 1000, make_date(2025, i, 15) from generate_series(1, 4) i;
/* .1, .1, nothing, .15 by the programme's rate since March */
select creator_id, tokens_consumed, earnings_generated, created_at from rewards.model_usage_logs where model_id = 'sold' order by id;
select user_id from rewards.user_models where model_id = 'sold';
-- who sold it keeps what it has earned, and it stays on the list
select m ->> 'modelId' as model, m -> 'totalUsageCount' as count, m -> 'totalEarnings' as earnings from rewards.model_earnings('ben') e, jsonb_array_elements(e -> 'models') m;
select creator_id, model_id, total_usage_count, total_earnings from rewards.model_creator_earnings where model_id = 'sold' order by 1;
-- the owner's own use earns nothing, that of the former owner does
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, created_at) values ('cat', '/chat/completions', 'sold', 1000, '2025-05-01'), ('ben', '/chat/completions', 'sold', 1000, '2025-05-01') returning user_id, creator_earnings;
select * from rewards.verify();
select complete from rewards.post();
select creator_id, model_id, total_usage_count, total_tokens_consumed, total_earnings from rewards.model_creator_earnings order by 1, 2;
select a, available from unnest('{ann,ben,cat}'::text[]) a, lateral rewards.balance(a, 'user', 'earnings');
select * from rewards.verify();
