-- Accounts that nobody registered: their rows are rewarded, they are listed and have
-- points at once, get numbers at posting, and all figures stay as they were.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
\pset null -
-- one text as user and as provider is two accounts; ids are compared byte for byte
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, created_at)
values ('same', 'same', '/v1/chat/completions', 'mistral', '2025-01-15 12:00Z'), ('Same', 'same', '/tts', null, '2025-01-14 12:00Z'), ('same ', 'o''brien "x" % \', '/tts', null, '2025-01-16 12:00Z');
-- as self: no number yet
select u.user_id, s.account_number, s.entry, s.amount from rewards.usage_logs u cross join lateral rewards.shares(u.distribution) s order by u.id, s.entry;

prepare listed as select kind, account, referrer, joined_at at time zone 'UTC' as joined, last_active_at at time zone 'UTC' as active from rewards.accounts order by 1, 2;
prepare users as select user_id, usage_points, requests from rewards.user_points order by 1;
prepare providers as select provider_id, work_points, requests from rewards.provider_rewards order by 1;
prepare shares as select s.kind, s.account, s.entry, s.amount from rewards.usage_logs u cross join lateral rewards.shares_of(u.id) s order by u.id, s.entry;
execute listed;
execute users;
execute providers;
execute shares;
select count(*) from rewards.account;

select events, complete from rewards.post();
-- the same lists again, now by number
execute listed;
execute users;
execute providers;
execute shares;
select kind, name from rewards.account order by 1, 2;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('same', 'same', '/tts', '2025-01-17 12:00Z');
select count(s.account_number) as numbered from rewards.usage_logs u cross join lateral rewards.shares(u.distribution) s where u.created_at = '2025-01-17 12:00Z';
execute listed;
execute users;

-- an account seen only in a row is known to a signup by its id
insert into rewards.usage_logs (user_id, endpoint) values ('only seen', '/tts');
select referrer from rewards.referral_signup('only seen', 'joins');
-- a failed row names its accounts too, with nothing earned
insert into rewards.usage_logs (user_id, provider_id, endpoint, status_code, created_at) values ('failed', 'failed', '/tts', 500, '2025-01-18 12:00Z') returning distribution;
select kind, account, last_active_at is null as never_active from rewards.accounts where account = 'failed' order by 1;
select user_id, total_points, requests from rewards.user_points where user_id = 'failed';
select complete from rewards.post();
select kind, account, last_active_at is null as never_active from rewards.accounts where account = 'failed' order by 1;
select count(*) as differences from rewards.verify();

-- registered by hand: idempotent, an e-mail may follow
select rewards.register_account('hand', 'user', 'Hand@Example.com', '2020-01-01') as new, rewards.register_account('hand', 'user') as again;
select email, created_at at time zone 'America/Los_Angeles' as joined from rewards.users where id = 'hand';
-- with auto_register off calls refuse the unknown (RW001), rows and reads never do
\set VERBOSITY sqlstate
select rewards.set_setting('auto_register', 'off') is not null as set;
select rewards.referral_code('nobody');
select rewards.referral_signup('hand', 'nobody');
select rewards.register_account('nobody2');
insert into rewards.usage_logs (user_id, endpoint) values ('nobody', '/tts') returning user_points;
select complete from rewards.post();
select rewards.referral_code('nobody') is not null as known;
select total_points from rewards.account_summary('nobody at all');
\set VERBOSITY terse
deallocate all;
\pset null ''
