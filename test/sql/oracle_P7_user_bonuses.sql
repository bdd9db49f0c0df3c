-- P7: bonuses of users: 100 points at a signup, 200 at the referee's fiftieth successful
-- request after it was referred, both to the referrer; 10 for the first use of a
-- service, to the user; nothing of the kind for providers. A streak multiplies.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.referral_code('ann', custom => 'ANN') as code;
/* made before: not counted, wherever it is dated */
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'ben', '/tts', '2025-01-05' from generate_series(1, 20);
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'ben', '/tts', '2025-01-25' from generate_series(1, 3);
select complete from rewards.post();
select referrer, bonus from rewards.referral_signup('ANN', 'ben', 'user', '2025-01-10');
select account, bonus_points from rewards.account_summary('ann', 'user', 'all'), (values ('ann')) a(account);
/* of before the edge, come late; failed */
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'ben', '/tts', '2025-01-09 23:59:59.999999' from generate_series(1, 20);
insert into rewards.usage_logs (user_id, endpoint, status_code, created_at) select 'ben', '/tts', 500, '2025-01-11' from generate_series(1, 30);
/* 49 that count, the first of them at the edge's very time */
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('ben', '/tts', '2025-01-10');
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'ben', '/tts', '2025-01-12' from generate_series(1, 48);
select complete from rewards.post();
select count(*) as milestones from rewards.journal where reason = 'milestone';
-- the fiftieth by number, dated long before others: the bonus is of its day
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('ben', '/tts', '2025-01-11 10:00'), ('ben', '/tts', '2025-01-12 10:00');
select complete from rewards.post();
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'ben', '/tts', '2025-01-10 00:00:01' from generate_series(1, 60);
select complete from rewards.post();
-- trials: the second and third service; what failed first and what was tried before give nothing
insert into rewards.usage_logs (user_id, endpoint, model, status_code, created_at)
values ('ben', '/embeddings', null, 503, '2025-01-13 01:00'), ('ben', '/embeddings', null, 200, '2025-01-13 02:00'), ('ben', '/embeddings', null, 200, '2025-01-13 03:00'),
	('ben', '/v1/chat/completions', 'mixtral', 200, '2025-01-13 04:00'), ('ben', '/tts', null, 200, '2025-01-13 05:00');
select complete from rewards.post();
select account, entry, level, amount, created_at, reason from rewards.ledger where source = 'journal' order by source_id;
select account, usage_points, referral_points, bonus_points from (values ('ann'), ('ben')) a(account), lateral (
	select sum(usage_points) as usage_points, sum(referral_points) as referral_points, sum(bonus_points) as bonus_points from rewards.user_points where user_id = account) p;

-- the same for providers: no bonus
select referrer, bonus from rewards.referral_signup(rewards.referral_code('gpu_1', 'provider'), 'gpu_2', 'provider');
insert into rewards.usage_logs (user_id, provider_id, endpoint) select 'eve', 'gpu_2', '/tts' from generate_series(1, 60);
select complete from rewards.post();
select count(*) as bonuses from rewards.ledger where kind = 'provider' and source = 'journal';
-- a user without a referrer brings nobody a milestone
select count(*) as milestones from rewards.ledger where entry = 'milestone_bonus';
-- daily activity: after seven days in a row a request of 2 points brings 0.2 x 1.05
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'fay', '/tts', timestamptz '2025-02-01' + n * interval '1 day' from generate_series(0, 6) n;
select complete from rewards.post();
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('fay', '/tts', '2025-02-07 23:59:59.999999'), ('fay', '/tts', '2025-02-08') returning user_points;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
