/*
 * The leaderboards by call.  All STABLE, exact under the caller's snapshot.
 * More points first, equal points by account; ranks leave gaps after ties; who
 * has nothing above zero has no rank.
 */

create type rewards.board_place as (rank bigint, kind text, account text, points numeric);
comment on type rewards.board_place is 'a line of a leaderboard';

create function rewards.board_name(number smallint) returns text
	as 'MODULE_PATHNAME' language c immutable strict parallel safe;
revoke all on function rewards.board_name(smallint) from public;
comment on function rewards.board_name(smallint) is 'name of a board, by its number in rewards.score';

create function rewards.board_number(board text) returns smallint
	as 'MODULE_PATHNAME' language c immutable parallel safe;
revoke all on function rewards.board_number(text) from public;
comment on function rewards.board_number(text) is 'a board''s number in rewards.score; 22004 or 22023 for what is no board';

create function rewards.board_kind(board text, kind text) returns text
	as 'MODULE_PATHNAME', 'board_account_kind' language c immutable parallel safe;
revoke all on function rewards.board_kind(text, text) from public;
comment on function rewards.board_kind(text, text) is 'the kind of account that is meant on a board';

create function rewards.board_top(board smallint, month date, n integer)
	returns setof rewards.board_place
	language c stable parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.board_top(smallint, date, integer) from public;
comment on function rewards.board_top(smallint, date, integer) is 'the first n of a board; month NULL is all time';

create function rewards.board_rank(board smallint, month date, kind text, account text, out rank bigint, out points numeric, out "of" bigint)
	language c stable parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.board_rank(smallint, date, text, text) from public;
comment on function rewards.board_rank(smallint, date, text, text) is 'an account''s place on a board; month NULL is all time';

create function rewards.board_around(board smallint, month date, kind text, account text, n integer)
	returns setof rewards.board_place
	language c stable parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.board_around(smallint, date, text, text, integer) from public;
comment on function rewards.board_around(smallint, date, text, text, integer) is
	'an account and n others on either side of it; month NULL is all time';

/* ---- sheets ---- */

create function rewards.sheet_scores(first bytea, upto bytea, scores bytea, out account bigint, out name text, out points numeric, out in_place boolean)
	returns setof record
	language c immutable parallel safe rows 50 as 'MODULE_PATHNAME';
revoke all on function rewards.sheet_scores(bytea, bytea, bytea) from public;
comment on function rewards.sheet_scores(bytea, bytea, bytea) is
	'the scores of a sheet that begins at the key first, the next one beginning at upto, NULL for none; in_place: between these and in order. Of a damaged sheet what can be read';

create function rewards.fill_sheets() returns void
	language c volatile parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.fill_sheets() from public;
comment on function rewards.fill_sheets() is 'puts all scores on sheets, when these are new; install() calls it';

create function rewards.leaderboard_top(board text, month date, n integer default 100)
	returns setof rewards.board_place
	as 'MODULE_PATHNAME', 'leaderboard_top_date' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.leaderboard_top(text, date, integer) from public;
comment on function rewards.leaderboard_top(text, date, integer) is
	'the first n accounts of a board (provider, user, creator, referrer) in the month of a date, NULL for all time; ties are cut by account (N1, N2)';

create function rewards.leaderboard_top(board text, month text default null, n integer default 100)
	returns setof rewards.board_place
	as 'MODULE_PATHNAME', 'leaderboard_top_text' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.leaderboard_top(text, text, integer) from public;
comment on function rewards.leaderboard_top(text, text, integer) is 'the same for a month: NULL the current one, ''2025-01'', ''all'' all time';

create function rewards.leaderboard_rank(account text, board text, month date, kind text default null,
	out rank bigint, out points numeric, out "of" bigint)
	as 'MODULE_PATHNAME', 'leaderboard_rank_date' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.leaderboard_rank(text, text, date, text) from public;
comment on function rewards.leaderboard_rank(text, text, date, text) is
	'rank and points of an account on a board in the month of a date, NULL for all time, and of how many; rank NULL for who has nothing above zero. kind NULL is the board''s own, user for referrers (N1, N2)';

create function rewards.leaderboard_rank(account text, board text, month text default null, kind text default null,
	out rank bigint, out points numeric, out "of" bigint)
	as 'MODULE_PATHNAME', 'leaderboard_rank_text' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.leaderboard_rank(text, text, text, text) from public;
comment on function rewards.leaderboard_rank(text, text, text, text) is 'the same for a month: NULL the current one, ''2025-01'', ''all'' all time';

create function rewards.leaderboard_around(account text, board text, month date, n integer default 5, kind text default null)
	returns setof rewards.board_place
	as 'MODULE_PATHNAME', 'leaderboard_around_date' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.leaderboard_around(text, text, date, integer, text) from public;
comment on function rewards.leaderboard_around(text, text, date, integer, text) is
	'an account on a board in the month of a date, NULL for all time, with n neighbours on either side; no row for who has no rank (N1, N2)';

create function rewards.leaderboard_around(account text, board text, month text default null, n integer default 5, kind text default null)
	returns setof rewards.board_place
	as 'MODULE_PATHNAME', 'leaderboard_around_text' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.leaderboard_around(text, text, text, integer, text) from public;
comment on function rewards.leaderboard_around(text, text, text, integer, text) is 'the same for a month: NULL the current one, ''2025-01'', ''all'' all time';

create function rewards.own_places() returns table (board text, month date, rank bigint, kind text, account text, points numeric)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	own record := rewards.me();
begin
	return query
	select rewards.board_name(l.board), nullif(l.month, 'infinity'), r.rank, own.kind, own.account, r.points
	from (
		select s.board, s.month from rewards.score s where s.account = rewards.account_number(own.kind, own.account)
		union
		select b.number::smallint, m.month
		from rewards.tail_totals('month', own.kind, own.account) t
		cross join generate_series(1, 4) b(number)
		cross join lateral (values (t.period), ('infinity')) m(month)
		where own.account is not null
	) l
	cross join lateral rewards.board_rank(l.board, nullif(l.month, 'infinity'), own.kind, own.account) r
	where r.rank is not null;
end
$$;
revoke all on function rewards.own_places() from public;
comment on function rewards.own_places() is 'the places of me() on all leaderboards; behind the view leaderboard';
