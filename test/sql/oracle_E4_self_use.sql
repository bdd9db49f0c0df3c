-- E4: the owner's use of an own model earns nothing; the same id as a provider is
-- another account, and the points of the request are not touched by it.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.register_model('own', owner => 'creator');
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens)
values ('creator', 'creator', '/chat/completions', 'own', 1000), ('creator', null, '/chat', 'own', 1000), ('other', 'creator', '/chat/completions', 'own', 1000)
returning user_id, user_points, provider_points, creator_earnings;
select user_id, earnings_generated from rewards.model_usage_logs;
select note from rewards.explain_reward((select min(id) from rewards.usage_logs)) where entry = 'creator';
-- ids are compared byte for byte: this is somebody else
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('Creator', '/chat', 'own', 1000) returning creator_earnings;
select complete from rewards.post();
select total_usage_count, total_earnings from rewards.model_creator_earnings;
