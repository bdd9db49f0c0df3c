-- K7: the answers of the endpoints under /api/referrals, field by field.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install('vobee') is not null as installed;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'user@example.com', '/v1/chat', now() - make_interval(days => d) from generate_series(0, 13) d;
-- POST /api/referrals/earn
select to_jsonb(e) from rewards.earn_codes('user@example.com') e;
-- POST /api/referrals/share
select min(code) as code from rewards.invite_codes \gset
select array(select jsonb_object_keys(to_jsonb(s))) as fields, status, message, pg_typeof(referral_id) from rewards.share_referral('user@example.com', 'friend@example.com', :'code') s;
-- GET /api/referrals/{email}/quality
select to_jsonb(q) from rewards.referral_quality('user@example.com') q;
-- GET /api/referrals/{email}/analytics
select array(select jsonb_object_keys(rewards.referral_analytics('user@example.com'))) as parts;
-- the table, with its indexes' use: by either e-mail
select count(*) from rewards.referrals where inviter_email = 'user@example.com' union all select count(*) from rewards.referrals where invited_email = 'friend@example.com';
