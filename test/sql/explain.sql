-- explain_reward(): each share with its rule, base and rate, and why a share is not there.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.explained(asked text) returns table (entry text, level integer, kind text, account text, amount numeric, rule text, base numeric, rate numeric, multiplier numeric, note text)
language sql as $$
	select e.entry, e.level, e.kind, e.account, e.amount, regexp_replace(e.rule, 'rule \d+', 'rule N'), e.base, e.rate, e.multiplier, e.note
	from rewards.usage_logs u cross join lateral rewards.explain_reward(u.id) e where u.request_id = asked
	order by array_position('{work,usage,referral,creator}', e.entry), e.kind, e.level, e.note
$$;
select rewards.register_model('m', owner => 'creator', character_id => 'emma');
select rewards.register_model('entered', tier => 'blue_surge'), rewards.register_model('measured', vram_gb => 10);
select referrer from rewards.referral_signup(rewards.referral_code('up1'), 'u');
select referrer from rewards.referral_signup(rewards.referral_code('up2'), 'up1');
select rewards.register_account('p', 'provider');
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, character_id, input_tokens, status_code) values
	('all', 'u', 'p', '/chat/completions', 'm', null, 1000, 200),
	('failed', 'u', 'p', '/chat/completions', 'm', null, 1000, 500),
	('self-use', 'creator', null, '/chat', 'm', null, 1000, 200),
	('unknown character', 'u', null, '/chat', null, 'nobody', 1000, 200),
	('no owner', 'u', null, '/chat/completions', 'entered', null, 0, 200),
	('by vram', 'stranger', 'stranger', '/v1/images', 'measured', null, 0, 200),
	('by name', 'u', 'p', '/chat/completions', 'mixtral', null, 0, 200),
	('no rule', 'u', 'p', '/v1/images', null, null, 0, 200);
select * from pg_temp.explained('all');
select * from pg_temp.explained('failed');
select * from pg_temp.explained('self-use');
select * from pg_temp.explained('unknown character');
select * from pg_temp.explained('no owner');
select * from pg_temp.explained('by vram');
select * from pg_temp.explained('by name');
select * from pg_temp.explained('no rule');
-- it explains by what was known then, not by what holds now
select rewards.set_referral_rates('user', '{0.9}', '-infinity') is not null as set, rewards.set_tier('tide_pool', 500, valid_from => '-infinity') is not null as set;
select entry, level, account, amount, base, rate, note from pg_temp.explained('all');
select rewards.set_referral_rates('user', null) is not null as ended, rewards.set_referral_rates('provider', '{}') is not null as emptied, rewards.set_user_share(null) is not null as ended;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint) values ('no rates', 'u', 'p', '/tts');
select entry, level, account, amount, note from pg_temp.explained('no rates');
select complete from rewards.post();
select entry, level, account, amount, base, rate, note from pg_temp.explained('all');
