-- T4: tokens to dollars: 1, 10, 100, 1000, 10000, and the seed's 650 and 1250.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.register_model('m', owner => 'A');
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, output_tokens)
select 'B', '/chat', 'm', t - t / 3, t / 3 from unnest('{1,10,100,1000,10000,650,1250,0}'::integer[]) t
returning input_tokens + output_tokens as tokens, creator_earnings, creator_earnings = (input_tokens + output_tokens) * 0.0001 as exact;
