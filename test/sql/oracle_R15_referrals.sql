-- R15: a referral is tracked from the moment it is sent: inviter, recipient, code, an id; and how far it came.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install('vobee') is not null as installed;
select rewards.set_setting('active_days', '3') is not null;
select rewards.register_account('inv', email => 'Inviter@Example.com', joined_at => now() - interval '100 days');
select cardinality(rewards.make_invite_codes(rewards.person('inviter@example.com'), 2, 'days'));
select min(code) as one, max(code) as two from rewards.invite_codes \gset
-- the row of the sample
select status, referral_id is not null as has_id, message from rewards.share_referral('inviter@example.com', 'friend@example.com', :'one');
select pg_typeof(id), inviter_email, invited_email, invite_code = :'one' as code, status, created_at = now() is not null as dated from rewards.referrals;
select id as first_id from rewards.referrals \gset
-- sent again it is the same one; another code replaces it
select referral_id = :'first_id' as same from rewards.share_referral('INVITER@example.com', 'FRIEND@example.com', :'one');
select status from rewards.redeem_code(:'one', 'friend@example.com');
select id = :'first_id' as same, status, referee from rewards.referrals;
-- a code that can be used again is tracked as well, and so is who came by one unannounced
select rewards.referral_code('inv', custom => 'CLUB') as code \gset
select status from rewards.share_referral('inviter@example.com', 'second@example.com', :'code');
select status, inviter from rewards.redeem_code(:'code', 'second@example.com');
select referrer from rewards.referral_signup(:'code', 'third', at => now() - interval '40 days');
select referrer from rewards.referral_signup(:'code', 'fourth', at => now() - interval '40 days');
select status from rewards.share_referral('inviter@example.com', 'never@example.com', :'two');
-- onboarded by a request, or because somebody says so; active on three days; retained after thirty
insert into rewards.usage_logs (user_id, endpoint) values ('friend@example.com', '/v1/chat');
select rewards.complete_onboarding('second@example.com'), rewards.complete_onboarding('second@example.com');
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'third', '/v1/chat', now() - interval '40 days' + make_interval(days => d) from generate_series(1, 3) d;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('fourth', '/v1/chat', now() - interval '40 days' + interval '30 days');
select complete from rewards.post();
select invited_email, status, referee, joined_at is not null as joined from rewards.referrals order by invited_email collate "C";
select count(distinct id) = count(*) as ids from rewards.referrals;
select account, onboarded_at is not null as onboarded from rewards.accounts order by account collate "C";
-- more requests to count as onboarded, from now on
select rewards.set_setting('onboarded_requests', '2') is not null;
insert into rewards.usage_logs (user_id, endpoint) values ('fifth', '/v1/chat');
select complete from rewards.post();
select onboarded_at is null as not_yet from rewards.accounts where account = 'fifth';
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('fifth', '/v1/chat', '2025-05-05'), ('fifth', '/v1/chat', '2025-05-06');
select complete from rewards.post();
select onboarded_at from rewards.accounts where account = 'fifth';
select * from rewards.verify();
