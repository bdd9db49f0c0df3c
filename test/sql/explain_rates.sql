-- explain_reward() of services with points for tokens, and of earnings that are zero for
-- want of tokens or of a rate.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.register_model('m', owner => 'creator') is not null as registered;
select rewards.set_service('rerank', '/rerank', null, 0.5) is not null as set, rewards.set_service('vision', '/vision', 2, 0.5, 0.25, 0.125) is not null as set;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens) values
	('by token', 'u', 'p', '/v1/rerank', 'm', 2, 4), ('both sides', 'u', 'p', '/v1/vision', null, 2, 4), ('no tokens', 'u', 'p', '/v1/chat/completions', 'm', 0, 0);
select rewards.set_creator_rate(0) is not null as free;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens) values ('rate of zero', 'u', 'p', '/v1/chat/completions', 'm', 2, 4);
select u.request_id, e.entry, e.amount, regexp_replace(e.rule, 'rule \d+', 'rule N') as rule, e.base, e.rate, e.note
from rewards.usage_logs u cross join lateral rewards.explain_reward(u.id) e where e.entry <> 'referral' order by u.id, array_position('{work,usage,creator}', e.entry);
