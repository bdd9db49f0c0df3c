-- PREPARE TRANSACTION: prepared rows count when committed, and not at all when rolled
-- back; posting goes past them and comes back for them.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
begin;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, created_at) values ('kept', 'u', 'p', '/tts', '2025-01-15 12:00Z');
prepare transaction 'rewards_kept';
begin;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, created_at) values ('dropped', 'u', 'p', '/tts', '2025-01-15 12:00Z');
prepare transaction 'rewards_dropped';
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, created_at) values ('plain', 'u', 'p', '/tts', '2025-01-15 12:00Z');

prepare points as select month, work_points, requests from rewards.provider_rewards;
execute points;
select events from rewards.post();
execute points;
commit prepared 'rewards_kept';
execute points;
select events from rewards.post();
execute points;
rollback prepared 'rewards_dropped';
execute points;
select events, complete from rewards.post();
execute points;
-- the key of what was rolled back is free again
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, created_at) values ('dropped', 'u', 'p', '/tts', '2025-01-15 12:00Z');
execute points;
select count(*) as differences from rewards.verify();

-- a signup and a rule in a prepared transaction
select rewards.referral_code('referrer') is not null as code;
begin;
select referrer from rewards.referral_signup('referrer', 'u');
select rewards.set_user_share(0.5) is not null as set;
insert into rewards.usage_logs (request_id, user_id, endpoint, created_at) values ('inside', 'u', '/tts', now()) returning user_points;
prepare transaction 'rewards_signup';
insert into rewards.usage_logs (request_id, user_id, endpoint) values ('outside', 'u', '/tts') returning user_points;
commit prepared 'rewards_signup';
insert into rewards.usage_logs (request_id, user_id, endpoint) values ('after', 'u', '/tts') returning user_points;
select u.request_id, s.account, s.entry, s.amount from rewards.usage_logs u cross join lateral rewards.shares_of(u.id) s
where u.request_id in ('inside', 'outside', 'after') order by u.id, s.level;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
deallocate points;
