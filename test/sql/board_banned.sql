-- Who is banned has no place on any board: not at the top, not in ranks, not between others; back when let off.
\set VERBOSITY terse
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;
select rewards.set_user_share(1, '-infinity') is not null as whole;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'u' || n, '/tts', '2025-03-01' from generate_series(1, 9) n, generate_series(1, 10 - n);
create view public.the_boards as
select t.rank as top, v.rank as view, r.rank, r.of, t.account, t.points
from rewards.leaderboard_top('user', '2025-03', 100) t
full join (select * from rewards.leaderboard where board = 'user' and month = '2025-03-01') v on v.account = t.account
cross join lateral rewards.leaderboard_rank(coalesce(t.account, v.account), 'user', '2025-03') r
order by t.rank, t.account;
select rewards.set_status('u1', 'user', 'banned', 'fakes') is not null, rewards.set_status('u5', 'user', 'banned', 'fakes') is not null, rewards.set_status('u2', 'user', 'suspended', 'for a while') is not null;
-- before posting, after it, and with new rows of theirs
table public.the_boards;
select complete from rewards.post();
table public.the_boards;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('u5', '/tts', '2025-03-02'), ('u6', '/tts', '2025-03-02'), ('u1', '/tts', '2025-03-02');
table public.the_boards;
select rank, account from rewards.leaderboard_around('u6', 'user', '2025-03', 2);
select * from rewards.leaderboard_rank('u1', 'user', '2025-03');
select rank, account from rewards.leaderboard_around('u1', 'user', '2025-03', 2);
select count(*) as all_time from rewards.leaderboard where board = 'user' and month is null;
-- a status that is over, or another since, is none
select rewards.set_status('u5', 'user', 'active', 'appealed') is not null;
select account, rank from rewards.leaderboard_top('user', '2025-03', 5);
select * from rewards.leaderboard_rank('u5', 'user', '2025-03');
select * from rewards.verify();
-- on one of several nodes a status may arrive before its account
begin;
set local session_replication_role = replica;
insert into rewards.account_status (account, status, source, valid_from, seen_from, sure_from, reason, updated_by)
values (1000000, 'banned', 'set', '-infinity', 0, 0, 'of another node', 'admin');
set local session_replication_role = origin;
select rewards.signal_change('rewards.account_status');
select account, rank from rewards.leaderboard_top('user', '2025-03', 2);
select * from rewards.leaderboard_rank('u2', 'user', '2025-03');
rollback;
drop view public.the_boards;
