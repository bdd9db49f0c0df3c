-- What the leaderboard calls refuse, and how: no argument, no board, no month, no
-- kind, n out of range, before install().
\set VERBOSITY terse
\set SHOW_CONTEXT never
create function pg_temp.try(call text) returns text language plpgsql as $$
declare
	state text; message text; hint text;
begin
	execute 'select * from rewards.' || call;
	return 'done';
exception when others then
	get stacked diagnostics state = returned_sqlstate, message = message_text, hint = pg_exception_hint;
	return concat_ws(' | ', state, message, nullif(hint, ''));
end $$;
select rewards.uninstall('drop all data');
select call, pg_temp.try(call) from unnest(array[
	$$leaderboard_top('user')$$, $$leaderboard_top('user', date '2025-01-01')$$, $$leaderboard_rank('u', 'user')$$, $$leaderboard_rank('u', 'user', date '2025-01-01')$$,
	$$leaderboard_around('u', 'user')$$, $$leaderboard_around('u', 'user', date '2025-01-01')$$, $$leaderboard_top(null)$$, $$repair('x')$$, $$repair(null)$$]) call;
select rewards.install() is not null as installed;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('u', 'p', '/tts', '2025-01-01 00:00Z');
-- required arguments
select call, pg_temp.try(call) from unnest(array[
	$$leaderboard_top(null)$$, $$leaderboard_top(null, date '2025-01-01')$$, $$leaderboard_top('user', 'all', null)$$, $$leaderboard_top('user', null::date, null)$$,
	$$leaderboard_rank(null, 'user')$$, $$leaderboard_rank('u', null)$$, $$leaderboard_rank(null, 'user', null::date)$$, $$leaderboard_rank('u', null, null::date)$$,
	$$leaderboard_around(null, 'user')$$, $$leaderboard_around('u', null)$$, $$leaderboard_around('u', 'user', 'all', null)$$, $$leaderboard_around('u', 'user', null::date, null)$$,
	$$leaderboard_around(null, 'user', null::date)$$, $$leaderboard_around('u', null, null::date)$$, $$repair(null)$$]) call;
-- boards
select call, pg_temp.try(call) from unnest(array[
	$$leaderboard_top('')$$, $$leaderboard_top('users')$$, $$leaderboard_top('User')$$, $$leaderboard_top('1')$$, $$leaderboard_top('user ', date '2025-01-01')$$,
	$$leaderboard_rank('u', 'points')$$, $$leaderboard_rank('u', 'points', null::date)$$, $$leaderboard_around('u', 'points')$$, $$leaderboard_around('u', 'points', null::date)$$]) call;
-- months
select call, pg_temp.try(call) from unnest(array[
	$$leaderboard_top('user', '')$$, $$leaderboard_top('user', '2025')$$, $$leaderboard_top('user', '2025-1')$$, $$leaderboard_top('user', '2025-13')$$, $$leaderboard_top('user', '2025-00')$$,
	$$leaderboard_top('user', '2025-02-29')$$, $$leaderboard_top('user', 'ALL')$$, $$leaderboard_top('user', ' all')$$, $$leaderboard_top('user', 'now')$$, $$leaderboard_top('user', '0000-01')$$,
	$$leaderboard_top('user', '2025-01-01 00:00Z')$$, $$leaderboard_rank('u', 'user', '01-2025')$$, $$leaderboard_around('u', 'user', '2025/01')$$]) call;
-- no date of a month
select call, pg_temp.try(call) from unnest(array[
	$$leaderboard_top('user', date 'infinity')$$, $$leaderboard_rank('u', 'user', date '-infinity')$$, $$leaderboard_around('u', 'user', date 'infinity')$$, $$account_summary('u', 'user', date 'infinity')$$]) call;
-- kinds
select call, pg_temp.try(call) from unnest(array[
	$$leaderboard_rank('u', 'user', 'all', 'creator')$$, $$leaderboard_rank('u', 'creator', 'all', 'creator')$$, $$leaderboard_rank('u', 'user', null::date, '')$$, $$leaderboard_rank('u', 'referrer', 'all', 'Provider')$$,
	$$leaderboard_around('u', 'user', 'all', 1, 'all')$$, $$leaderboard_around('u', 'user', null::date, 1, 'users')$$]) call;
-- n
select call, pg_temp.try(call) from unnest(array[
	$$leaderboard_top('user', 'all', -1)$$, $$leaderboard_top('user', 'all', 1000001)$$, $$leaderboard_top('user', null::date, -1)$$, $$leaderboard_top('user', null::date, 2147483647)$$,
	$$leaderboard_top('user', 'all', 1000000)$$, $$leaderboard_top('user', 'all', 0)$$,
	$$leaderboard_around('u', 'user', 'all', -1)$$, $$leaderboard_around('u', 'user', 'all', 100001)$$, $$leaderboard_around('u', 'user', null::date, -2147483648)$$, $$leaderboard_around('u', 'user', null::date, 100001)$$,
	$$leaderboard_around('u', 'user', 'all', 100000)$$, $$leaderboard_around('u', 'user', 'all', 0)$$]) call;
-- a mistake in one argument is found whatever the account; who is unknown is no mistake
select call, pg_temp.try(call) from unnest(array[
	$$leaderboard_around('nobody', 'user', 'all', -1)$$, $$leaderboard_around('nobody', 'user', 'all', 1, 'x')$$, $$leaderboard_rank('nobody', 'user', 'x')$$,
	$$leaderboard_rank('nobody', 'user', 'all')$$, $$leaderboard_around('nobody', 'user', 'all')$$]) call;
-- the extension alone holds what they stand on
select rewards.uninstall('drop all data');
select pg_temp.try($$leaderboard_top('user')$$);
select rewards.install() is not null as installed;
