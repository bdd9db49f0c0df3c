-- Several reports of one day: the greatest counts, for the points and for the streak,
-- in whatever order they come, before and after posting.
\set VERBOSITY terse
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install('cxmpute_guide') is not null as installed;
create view pg_temp.known as
select a.name, u.day, u.seconds, u.reached, u.counted, trim_scale(u.booked) as booked from rewards.uptime u join rewards.account a on a.id = u.account order by 1, 2;
-- 18 hours are 0.9 points and a day of the streak; less of it later, nothing more and nothing back
select rewards.record_uptime('p', '2025-03-01', 64800);
select rewards.record_uptime('p', '2025-03-01', 3600);
table pg_temp.known;
select complete from rewards.post();
select rewards.record_uptime('p', '2025-03-01', 0);
table pg_temp.known;
select account, current_streak, last_day from rewards.streaks;
-- a second short of it is no day; with it it is one, and what is left of 0.9 is paid
select rewards.record_uptime('q', '2025-03-01', 64799);
select complete from rewards.post();
select account, current_streak, last_day from rewards.streaks order by 1;
select rewards.record_uptime('q', '2025-03-01', 64800);
select complete from rewards.post();
table pg_temp.known;
select account, current_streak, last_day from rewards.streaks order by 1;
select account, amount from rewards.ledger where account = 'q' order by source_id;
-- the points doubled for that day: due is of the greatest, not of what was reported last
select rewards.set_uptime_points(0.1, '2025-03-01 00:00Z') is not null as doubled;
select rewards.record_uptime('p', '2025-03-01', 3600);
select account, amount from rewards.ledger where account = 'p' order by source_id;
select work_points, total_points, requests from rewards.provider_rewards where provider_id = 'p';
select complete from rewards.post();
select work_points, total_points, requests from rewards.provider_rewards where provider_id = 'p';
select count(*) as differences from rewards.verify();
drop view pg_temp.known;
