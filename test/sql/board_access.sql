-- Leaderboards by role: app and analyst call them and read the view, without a right
-- to what they stand on; who was granted nothing can do neither; revoked, no more.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('u', 'p', '/tts', '2025-01-01 00:00Z'), ('v', 'p', '/tts', '2025-01-01 00:00Z');
select complete from rewards.post();
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('w', 'q', '/tts', '2025-01-01 00:00Z');
create role regress_board_app;
create role regress_board_analyst;
create role regress_board_nobody;
select rewards.grant_access('regress_board_app', 'app'), rewards.grant_access('regress_board_analyst', 'analyst');
create function pg_temp.attempt(role text, command text) returns text language plpgsql as $$
declare
	lines bigint;
begin
	execute format('set local role %I', role);
	execute format('select count(*) from (%s) c', command) into lines;
	set local role none;
	return lines || ' lines';
exception when others then
	return sqlstate;
end $$;
create temp table command (n integer generated always as identity, command text);
insert into command (command) values
	($$select * from rewards.leaderboard_top('user', 'all')$$), ($$select * from rewards.leaderboard_top('user', date '2025-01-01', 2)$$),
	($$select * from rewards.leaderboard_rank('u', 'user', 'all')$$), ($$select * from rewards.leaderboard_rank('w', 'user', date '2025-01-01', 'user')$$),
	($$select * from rewards.leaderboard_around('u', 'user', 'all')$$), ($$select * from rewards.leaderboard_around('w', 'user', date '2025-01-01', 1, 'user')$$),
	($$select * from rewards.leaderboard$$), ($$select * from rewards.board_lines$$),
	/* what they stand on */
	('select * from rewards.score'), ('select * from rewards.score_bucket'),
	($$select * from rewards.board_top(2::smallint, null, 1)$$), ($$select * from rewards.board_rank(2::smallint, null, 'user', 'u')$$), ($$select * from rewards.board_around(2::smallint, null, 'user', 'u', 1)$$),
	($$select * from rewards.board_number('user')$$), ($$select * from rewards.board_kind('user', null)$$), ($$select * from rewards.tail_account('user', 'w')$$),
	($$select rewards.repair('by me')$$), ('select rewards.refold()'), ('select * from rewards.verify()');
select command, pg_temp.attempt('regress_board_app', command) as app, pg_temp.attempt('regress_board_analyst', command) as analyst, pg_temp.attempt('regress_board_nobody', command) as nobody
from command order by n;
-- the same lines for all of them
set role regress_board_analyst;
select * from rewards.leaderboard_top('user', 'all');
select board, rank, account, points from rewards.leaderboard where month is null order by board, rank, account;
reset role;
select rewards.revoke_access('regress_board_app'), rewards.revoke_access('regress_board_analyst');
select command, pg_temp.attempt('regress_board_app', command) as app, pg_temp.attempt('regress_board_analyst', command) as analyst from command order by n limit 8;
-- install() again renews what is granted
select rewards.grant_access('regress_board_analyst', 'analyst');
select rewards.install() is not null as installed;
select pg_temp.attempt('regress_board_analyst', command) as analyst from command order by n limit 8;
select rewards.revoke_access('regress_board_analyst');
drop role regress_board_app;
drop role regress_board_analyst;
drop role regress_board_nobody;
