-- A trial bonus for the first use of a service: the first that succeeds, by number; not
-- for endpoints that no service claims, nor for services without points.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
prepare booked as select a.kind, a.name, j.cause ~ (' ' || s.service || '$') as right_cause, s.service, sh.amount, j.created_at from rewards.journal j
cross join lateral (select substr(j.cause, strpos(j.cause, ' ') + 1) as service) s cross join lateral rewards.shares(j.distribution) sh join rewards.account a on a.id = sh.account_number order by j.id;
-- failed first, then twice
insert into rewards.usage_logs (user_id, endpoint, status_code, created_at) values ('u', '/tts', 500, '2025-01-01 01:00'), ('u', '/tts', 200, '2025-01-01 03:00'), ('u', '/tts', 200, '2025-01-01 02:00');
-- other endpoints, with a model and without; a service without points
insert into rewards.usage_logs (user_id, endpoint, model, created_at) values ('u', '/v1/images', 'mixtral', '2025-01-02'), ('u', '/v1/images', null, '2025-01-02'), ('u', '/chat', null, '2025-01-02');
select complete from rewards.post();
execute booked;
-- services of one's own: points for the provider alone, for the user alone, for tokens, none
select rewards.set_service('gives one', '/one', 1, valid_from => '2025-01-01') is not null as set, rewards.set_service('base', '/base', 0, user_base => 1, valid_from => '2025-01-01') is not null as set,
	rewards.set_service('token', '/token', 0, user_per_token => 0.1, valid_from => '2025-01-01') is not null as set, rewards.set_service('out', '/out', 0, 0.1, valid_from => '2025-01-01') is not null as set,
	rewards.set_service('none', '/none', 0, valid_from => '2025-01-01') is not null as set;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'u', e, '2025-01-03' from unnest('{/one,/base,/token,/out,/none}'::text[]) e;
select complete from rewards.post();
execute booked;
-- once it gives points, those who have used it before have had their first use
select rewards.set_service('none', '/none', 5, valid_from => '2025-01-04') is not null as set;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('u', '/none', '2025-01-05'), ('v', '/none', '2025-01-05');
-- a user with a provider's name; a provider has no trial, unless there is a rule for it
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('same', 'same', '/tts', '2025-01-06');
select complete from rewards.post();
select rewards.set_bonus('trial', 'provider', 6, 0, valid_from => '2025-01-07') is not null as set;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('same', 'same', '/tts', '2025-01-08'), ('same', 'same', '/embeddings', '2025-01-08'), ('same', 'before', '/tts', '2025-01-06'), ('same', 'before', '/tts', '2025-01-08');
select complete from rewards.post();
execute booked;
-- to the referrer
select rewards.set_bonus('trial', 'user', 2, 1) is not null as set;
select referrer from rewards.referral_signup(rewards.referral_code('r'), 'w');
insert into rewards.usage_logs (user_id, endpoint) values ('w', '/tts'), ('x', '/tts');
select complete from rewards.post();
select account, level, amount from rewards.ledger where entry = 'trial_bonus' and account in ('r', 'w', 'x') order by 1;
select services from rewards.activity v join rewards.account a on a.id = v.account where a.name = 'u';
select count(*) as differences from rewards.verify();
deallocate all;
