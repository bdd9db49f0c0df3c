-- F2: what models earn by day, week and month, users new to them, peak times, and all of it as CSV.
\set VERBOSITY terse
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.register_model('x', owner => 'ann'), rewards.register_model('y', owner => 'ann'), rewards.register_model('z', owner => 'bob');
/* the 31st of March 2025 is a Monday */
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, created_at)
select u, '/v1/chat/completions', m, t, d::timestamptz
from (values ('u1', 'x', 100, '2025-03-30 10:00Z'), ('u1', 'x', 200, '2025-03-31 10:00Z'), ('u2', 'x', 300, '2025-03-31 11:00Z'), ('u2', 'x', 50, '2025-04-01 09:00Z'),
	('u1', 'y', 10, '2025-04-01 09:30Z'), ('u1', 'z', 1000, '2025-04-06 23:59Z'), ('ann', 'x', 5000, '2025-04-02 09:00Z')) v(u, m, t, d);
select * from rewards.creator_trends where creator_id = 'ann' order by period, since, model_id;
select complete from rewards.post();
select since, model_id, usage_count, tokens, earnings, new_users from rewards.creator_trends where period = 'week' order by since, model_id;
-- an earlier use comes late, and one is taken back: the new user is one of an earlier day
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, created_at) values ('u2', '/v1/chat/completions', 'x', 1, '2025-03-29 12:00Z');
select rewards.reverse_usage(id, 'a test') is not null as reversed from rewards.usage_logs where input_tokens = 200;
create temp table before as select * from rewards.creator_trends;
select since, usage_count, tokens, earnings, new_users from before where period = 'day' and model_id = 'x' order by since;
select complete from rewards.post();
select * from before except all select * from rewards.creator_trends;
select * from rewards.creator_trends except all select * from before;
-- a creator's whole month, and everybody's as CSV
copy (select since as month, creator_id, sum(usage_count) as uses, sum(earnings) as earnings from rewards.creator_trends where period = 'month' group by 1, 2 order by 1, 2) to stdout csv header;
-- peak times: Sunday is 0
select dow, hour, requests from rewards.usage_by_hour order by dow, hour;
-- a statement as CSV
copy (select * from rewards.statement('ann', since => '2025-03-01', until => '2025-04-01')) to stdout csv header;
select * from rewards.verify();
