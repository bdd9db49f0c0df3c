-- Q4, I6: below 0.3 a warning, below 0.2 no referral rewards until it recovers, below 0.1 a review; never with few referees.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed, rewards.load_preset('vobee') > 0 as vobee;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;
begin;
/* each has referees of 100 days ago, of whom so many have made a request on so many days */
create temp table way(account text, referees integer, onboarded integer, days integer);
insert into way values ('good', 5, 5, 3), ('warned', 10, 7, 1), ('paused', 8, 3, 1), ('bad', 10, 1, 1), ('few', 4, 0, 0), ('sanctioned', 8, 3, 1), ('banned', 10, 0, 0), ('friend', 10, 0, 0);
select count(rewards.referral_code(account, custom => 'C_' || account)) from way;
select count(rewards.referral_signup('C_' || w.account, w.account || n, at => now() - interval '100 days')) from way w, generate_series(1, w.referees) n;
insert into rewards.usage_logs (user_id, endpoint, created_at)
select w.account || n, '/tts', now() - make_interval(days => 99 - d) from way w, generate_series(1, w.onboarded) n, generate_series(1, w.days) d;
commit;
select complete from rewards.post();
select rewards.set_status('sanctioned', 'user', 'warned', 'by hand') is not null, rewards.set_status('banned', 'user', 'banned', 'by hand') is not null,
	rewards.set_status('friend', 'user', 'active', 'known to us') is not null;
select w.account, q.quality_score from way w cross join lateral rewards.referral_quality(w.account) q order by 1;
prepare statuses as select a.account, a.status, s.source, s.reason from way w join rewards.accounts a on a.account = w.account
	left join lateral (select s.source, s.reason from rewards.account_statuses s where s.account = w.account order by s.recorded_at desc limit 1) s on true order by 1;
prepare maintain as select task, done from rewards.maintain() where task ~ 'quality|review';
execute maintain;
execute statuses;
-- the day after, nothing new
execute maintain;
select account, reason, evidence - 'parts' as evidence, open from rewards.reviews order by account;
-- paused: the referees' points go on, no share in them
insert into rewards.usage_logs (user_id, endpoint) values ('paused1', '/tts'), ('warned1', '/tts');
select user_id, user_points, distribution from rewards.usage_logs order by id desc limit 2;
select note from rewards.explain_reward((select max(id) - 1 from rewards.usage_logs)) where note ~ 'paused';
-- it recovers: the referees come back
insert into rewards.usage_logs (user_id, endpoint, created_at) select w.account || n, '/tts', now() - make_interval(days => d) from way w, generate_series(1, 8) n, generate_series(0, 2) d where w.account in ('paused', 'sanctioned');
select complete from rewards.post();
execute maintain;
execute statuses;
insert into rewards.usage_logs (user_id, endpoint) values ('paused1', '/tts') returning jsonb_array_length(distribution::jsonb) as shares;
-- who was let off is left alone for a while, then looked at again
set session_replication_role to replica;
update rewards.account_status set valid_from = valid_from - interval '31 days' where source = 'set' and status = 'active';
reset session_replication_role;
execute maintain;
select status from rewards.accounts where account = 'friend';
-- other bounds; none
select rewards.set_quality_threshold(0.9, 'paused') is not null, rewards.set_quality_threshold(null, 'warned') is not null;
execute maintain;
execute statuses;
select rewards.set_quality_threshold(null, 'paused') is not null;
execute maintain;
select account, status from rewards.accounts a where account in (select account from way) order by 1;
-- a review is closed, and opened by another score only
select rewards.close_review(r.id, 'honest, but unlucky') is null from rewards.reviews r where r.account = 'bad';
execute maintain;
select account, open, note from rewards.reviews order by account;
-- with recency_v1 the recent ones are the sample: nobody is warned because a month went by
select rewards.set_setting('quality_method', 'recency_v1') is not null, rewards.set_quality_threshold(0.5, 'paused') is not null;
execute maintain;
select account, status from rewards.accounts a where account in (select account from way) order by 1;
select * from rewards.verify();
