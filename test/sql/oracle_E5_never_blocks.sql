-- E5: whatever is missing for a creator's earnings, the request is stored, its points
-- are given, and explain_reward() says what was missing.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.register_model('orphan', character_id => 'orphans_character');
select rewards.register_character('bare', 'a character without a model');
insert into rewards.usage_logs (user_id, endpoint, model, character_id, input_tokens) values
	('u', '/chat/completions', 'unknown model', null, 10),
	('u', '/chat/completions', 'orphan', null, 10),
	('u', '/chat/completions', null, 'orphans_character', 10),
	('u', '/chat/completions', null, 'bare', 10),
	('u', '/chat/completions', null, 'unknown character', 10),
	('u', '/chat/completions', null, null, 10);
select u.model, u.character_id, u.user_points, u.creator_earnings, e.note
from rewards.usage_logs u cross join lateral rewards.explain_reward(u.id) e where e.entry = 'creator' order by u.id;
-- no rate at all
select rewards.set_creator_rate(null) is not null as set;
select rewards.set_model_owner('orphan', 'creator') is not null as owned;
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('u', '/chat/completions', 'orphan', 10) returning user_points, creator_earnings;
select note from rewards.explain_reward((select max(id) from rewards.usage_logs)) where entry = 'creator';
select count(*) from rewards.model_usage_logs;
select count(*) as differences from rewards.verify();
