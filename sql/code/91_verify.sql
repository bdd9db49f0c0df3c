/* Is it right: what rows knew (settling), verify() and repair(). */

/* ---- from which number on everybody knew a change ---- */

create function rewards.all_told(seen pg_snapshot) returns boolean
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select not exists (
		select from (
			select r.recorded_xid from rewards.rule r where r.sure_from is null
			union
			select a.recorded_xid from rewards.account a where a.referrer is not null and a.sure_from is null
			union
			select f.recorded_xid from rewards.account_fact f where f.sure_from is null
			union
			select s.recorded_xid from rewards.account_status s where s.sure_from is null
			union
			select f.recorded_xid from rewards.model_fact f where f.sure_from is null
		) c where pg_visible_in_snapshot(c.recorded_xid, seen) and not rewards.is_over(c.recorded_xid))
$$;
revoke all on function rewards.all_told(pg_snapshot) from public;
comment on function rewards.all_told(pg_snapshot) is
	'whether whoever made a change that a snapshot shows has told the other sessions: a change is visible a moment before';

create function rewards.settle_changes(copied boolean) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	/* in this order: who runs in the snapshot, or has not been told what it shows, is below the horizon */
	seen pg_snapshot := pg_current_snapshot();
	told boolean := rewards.all_told(seen);
	horizon xid8 := rewards.next_transaction();
	sure bigint := rewards.last_number();
	begun rewards.cursor;
begin
	/* by its key, as cursor.c has it */
	select c.* into begun from rewards.cursor c where c.single;
	/*
	 * What was committed when settling began, and all that ran then has ended:
	 * every row numbered from now on knows it.  In a copied or restored database
	 * nothing of before can be running.
	 */
	if copied or pg_snapshot_xmin(seen) >= begun.settling_horizon then
		update rewards.rule set sure_from = sure
		where sure_from is null and (copied or pg_visible_in_snapshot(recorded_xid, begun.settling));
		/* whoever changes an account just now is not waited for: it comes next time */
		update rewards.account set sure_from = sure
		where id in (
			select a.id from rewards.account a
			where a.referrer is not null and a.sure_from is null
				and (copied or pg_visible_in_snapshot(a.recorded_xid, begun.settling))
			for no key update skip locked);
		update rewards.account_fact set sure_from = sure
		where sure_from is null and (copied or pg_visible_in_snapshot(recorded_xid, begun.settling));
		update rewards.account_status set sure_from = sure
		where sure_from is null and (copied or pg_visible_in_snapshot(recorded_xid, begun.settling));
		update rewards.model_fact set sure_from = sure
		where sure_from is null and (copied or pg_visible_in_snapshot(recorded_xid, begun.settling));
	elsif begun.settling is not null then
		return;
	end if;
	update rewards.cursor set settling = case when told then seen end, settling_horizon = case when told then horizon end where single;
end
$$;
revoke all on function rewards.settle_changes(boolean) from public;
comment on function rewards.settle_changes(boolean) is
	'sets sure_from of rules, edges and facts once every row to come knows them; post() calls it';

/* ---- verify ---- */

create function rewards.is_folded(number bigint, last bigint, open_first bigint[], open_last bigint[]) returns boolean
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select number <= last and not exists (
		select from unnest(open_first, open_last) o(first, last) where number between o.first and o.last) $$;
revoke all on function rewards.is_folded(bigint, bigint, bigint[], bigint[]) from public;
comment on function rewards.is_folded(bigint, bigint, bigint[], bigint[]) is 'whether the totals hold a number of the line';

create function rewards.line_name(entry smallint) returns text
	language sql immutable strict parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select case when entry < 0 then 'reversed ' else '' end || rewards.entry_name(abs(entry)) $$;
revoke all on function rewards.line_name(smallint) from public;
comment on function rewards.line_name(smallint) is 'what a line of the totals holds';

create function rewards.folded_numbers() returns int8multirange
	language sql stable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	select int8multirange(int8range(null, least(c.last, 9223372036854775806) + 1)) - coalesce((
		select range_agg(int8range(o.first, least(o.last, 9223372036854775806) + 1)) from unnest(c.open_first, c.open_last) o(first, last)
		where o.first <= o.last), '{}')
	from rewards.cursor c where c.single
$$;
revoke all on function rewards.folded_numbers() from public;
comment on function rewards.folded_numbers() is 'the numbers whose rows the totals hold';

create function rewards.tally(since date, until date, time_zone text)
	returns table (sort "char", account bigint, day date, unit smallint, entry smallint, level smallint, name text, amount numeric, events bigint,
		tokens bigint, sides integer, first_at timestamptz, last_at timestamptz, referred_least bigint, referred_most bigint)
	language c stable parallel unsafe rows 1000000 as 'MODULE_PATHNAME';
revoke all on function rewards.tally(date, date, text) from public;
comment on function rewards.tally(date, date, text) is
	'how totals differ from what the folded rows of some days add up to, in parts: lines of days (d); without a range lines of months (m), models by owner (o) and doings of accounts by day and service (a). sides: 1 in rows, 2 in totals, 4 with an amount there that is none';

create function rewards.node_tally(since date, until date)
	returns table (sort "char", account bigint, day date, unit smallint, entry smallint, level smallint, name text, amount numeric, events bigint,
		tokens bigint, sides integer, first_at timestamptz, last_at timestamptz, referred_least bigint, referred_most bigint)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with line as materialized (
		select case g.sort when 'd' then n.day else date_trunc('month', n.day)::date end as period, g.sort::"char" as sort, n.*
		from rewards.node_day_total n cross join (values ('d'), ('m')) g(sort)
		where (since is null or n.day >= since) and (until is null or n.day < until)
			and (g.sort = 'd' or since is null and until is null)
			/* whose account has yet to come is left out of the totals till then */
			and n.account in (select a.id from rewards.account a)
	)
	select l.sort, l.account, l.period, l.unit, l.entry, l.level, null::text, l.amount, l.events, l.tokens, 1,
		null::timestamptz, null::timestamptz, null::bigint, null::bigint
	from line l
	union all
	select 'd', t.account, t.day, t.unit, t.entry, t.level, null, -t.amount, -t.events, -t.tokens, 2, null, null, null, null
	from rewards.day_total t
	where (since is null or t.day >= since) and (until is null or t.day < until)
		/* what is left of a node that was removed */
		and ((t.amount, t.events, t.tokens) <> (0, 0, 0) or exists (
			select from line l where (l.sort, l.account, l.period, l.unit, l.entry, l.level) = ('d', t.account, t.day, t.unit, t.entry, t.level)))
	union all
	select 'm', t.account, t.month, t.unit, t.entry, t.level, null, -t.amount, -t.events, -t.tokens, 2, null, null, null, null
	from rewards.month_total t
	where since is null and until is null
		and ((t.amount, t.events, t.tokens) <> (0, 0, 0) or exists (
			select from line l where (l.sort, l.account, l.period, l.unit, l.entry, l.level) = ('m', t.account, t.month, t.unit, t.entry, t.level)))
	union all
	select 'o', n.owner, null, null, null, null, n.model, n.amount, n.events, n.tokens, null, n.first_at, n.last_at, null, null
	from rewards.node_model_total n where since is null and until is null and n.owner in (select a.id from rewards.account a)
$$;
revoke all on function rewards.node_tally(date, date) from public;
comment on function rewards.node_tally(date, date) is
	'of an aggregator: how totals differ from what those of other nodes add up to, as tally() tells it of rows';

create function rewards.verify_totals(since date, until date)
	returns table (part text, subject text, expected text, found text, detail text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	/* a million rows give some millions of shares */
	set work_mem = '64MB'
	/* which the planner does not know: it would look accounts up one by one */
	set enable_nestloop = off
as $$
	with cursor as materialized (
		select rewards.setting('streak_grace_days')::integer as grace,
			/* runs of days were counted by the setting of their time */
			not exists (select from rewards.rule r where r.rule = 'setting' and r.key = 'streak_grace_days') as one_grace
	), part as materialized (
		select t.* from rewards.tally(since, until, rewards.setting('time_zone')) t where rewards.node_role() is distinct from 'aggregator'
		union all
		select t.* from rewards.node_tally(since, until) t where rewards.node_role() = 'aggregator'
	), wrong_line as materialized (
		/* by how much the rows exceed what is stored */
		select p.sort, p.account, p.day as period, p.unit, p.entry, p.level, sum(p.amount) as amount,
			sum(p.events)::bigint as events, sum(p.tokens)::bigint as tokens, bit_or(p.sides) as sides
		from part p where p.sort in ('d', 'm')
		group by p.sort, p.account, p.day, p.unit, p.entry, p.level
		having sum(p.amount) <> 0 or sum(p.events) <> 0 or sum(p.tokens) <> 0 or bit_or(p.sides) <> 3
	), model_line as (
		select p.account as owner, p.name as model, sum(p.amount) as amount, sum(p.events)::bigint as events, sum(p.tokens)::bigint as tokens,
			min(p.first_at) as first_at, max(p.last_at) as last_at
		from part p where p.sort = 'o'
		group by p.account, p.name
	), doing as materialized (
		select p.account, p.day, p.name as service, p.events, p.first_at, p.last_at, p.referred_least, p.referred_most
		from part p where p.sort = 'a'
	), run as (
		select n.account, min(n.day) as since, max(n.day) as last_day, count(*)::integer as length
		from (
			select d.account, d.day, count(*) filter (where d.begins) over (partition by d.account order by d.day) as run
			from (
				select d.account, d.day, d.day - lag(d.day, 1, d.day - 1000) over (partition by d.account order by d.day) > 1 + c.grace as begins
				from cursor c, (
					select d.account, d.day from doing d
					union
					select u.account, u.day from rewards.uptime u where u.counted and since is null and until is null
				) d
			) d
		) n
		group by n.account, n.run
	), streak as (
		/* the run that ends last, by the first place of the array, without sorting all again */
		select l.account, l.best, l.last_run[2] as length, date '2000-01-01' + l.last_run[3] as since, date '2000-01-01' + l.last_run[1] as last_day
		from (
			select r.account, max(r.length) as best, max(array[r.last_day - date '2000-01-01', r.length, r.since - date '2000-01-01']) as last_run
			from run r group by r.account
		) l
	), activity_line as (
		select s.account, coalesce(d.first_at, 'infinity') as first_at, coalesce(d.last_at, '-infinity') as last_at,
			coalesce(d.referred_least, 0) as referred_least, coalesce(d.referred_most, 0) as referred_most,
			coalesce(d.services, '{}') as services, s.length, s.best, s.since, s.last_day, coalesce(d.requests, 0) as requests
		from streak s
		left join (
			select d.account, min(d.first_at) as first_at, max(d.last_at) as last_at, sum(d.events)::bigint as requests,
				sum(d.referred_least)::bigint as referred_least, sum(d.referred_most)::bigint as referred_most,
				array_agg(distinct d.service collate "C" order by d.service collate "C") filter (where d.service is not null) as services
			from doing d group by d.account
		) d on d.account = s.account
	), score_line as (
		select b.board, m.month, l.account, sum(l.amount) as points
		from (
			/* an amount that is none counts as zero there, too */
			select t.account, t.month, t.unit, t.entry, t.amount from rewards.month_total t
			where since is null and until is null and abs(t.amount) < 1e18 and trunc(t.amount, 9) = t.amount
			union all
			select w.account, w.period, w.unit, w.entry, w.amount from wrong_line w where w.sort = 'm'
		) l
		join rewards.account a on a.id = l.account
		cross join lateral (
			select case a.kind when 'provider' then 1 else 2 end where l.unit = 1 and abs(l.entry) not in (12, 13)
			union all
			select 3 where l.unit = 2 and a.kind = 'user' and abs(l.entry) not in (12, 13)
			union all
			select 4 where l.unit = 1 and abs(l.entry) = 3
		) b(board)
		cross join lateral (values (l.month), ('infinity'::date)) m(month)
		group by b.board, m.month, l.account
		having sum(l.amount) <> 0
	), bucket_line as (
		/* each positive score in the one bucket it belongs to: the last that begins at its points or below */
		select l.board, l.month, l.lowest, sum(l.accounts) as accounts, count(*) filter (where l.is_score) as scores
		from (
			select u.board, u.month, u.accounts, u.is_score,
				max(u.lowest) over (partition by u.board, u.month order by u.points, u.is_score rows unbounded preceding) as lowest
			from (
				select b.board, b.month, b.lowest as points, b.lowest, b.accounts, false as is_score from rewards.score_bucket b
				union all
				select s.board, s.month, s.points, null, null, true from rewards.score s where s.points > 0
			) u where since is null and until is null
		) l where l.lowest is not null group by l.board, l.month, l.lowest
		union all
		select s.board, s.month, 0, 0, count(*)
		from rewards.score s
		where since is null and until is null and s.points > 0
			and not exists (select from rewards.score_bucket b where b.board = s.board and b.month = s.month and b.lowest = 0)
		group by s.board, s.month
	), sheet_line as (
		select p.board, p.month, s.account, s.name, s.points, s.in_place
		from (
			select p.*, lead(p.first) over (partition by p.board, p.month order by p.first) as upto from rewards.score_sheet p
		) p cross join lateral rewards.sheet_scores(p.first, p.upto, p.scores) s
		where since is null and until is null
	), difference as (
		select case w.sort when 'd' then 'day_total' else 'month_total' end as part, w.account, w.period::text as key,
			concat_ws(' ', rewards.unit_name(w.unit), rewards.line_name(w.entry), w.level) as line,
			case when w.sides & 1 = 1 then format('%s in %s events, %s tokens',
				trim_scale(w.amount + case when w.sides & 2 = 2 and w.sides < 4 then t.amount else 0 end),
				w.events + coalesce(t.events, 0), w.tokens + coalesce(t.tokens, 0)) end as expected,
			case when w.sides & 2 = 2 then format('%s in %s events, %s tokens', trim_scale(t.amount), t.events, t.tokens) end as found
		from wrong_line w
		/* mostly none: looked up one by one rather than joined with all there is */
		left join lateral (
			select t.amount, t.events, t.tokens from rewards.day_total t
			where w.sort = 'd' and t.account = w.account and t.day = w.period and t.unit = w.unit and t.entry = w.entry and t.level = w.level
			union all
			select t.amount, t.events, t.tokens from rewards.month_total t
			where w.sort = 'm' and t.account = w.account and t.month = w.period and t.unit = w.unit and t.entry = w.entry and t.level = w.level
			offset 0) t on true
		union all
		select 'model_total', coalesce(e.owner, t.owner), coalesce(e.model, t.model), 'creator',
			format('%s in %s events, %s tokens', trim_scale(e.amount), e.events, e.tokens),
			format('%s in %s events, %s tokens', trim_scale(t.amount), t.events, t.tokens)
		from model_line e
		full join (select * from rewards.model_total t where since is null and until is null) t on t.owner = e.owner and t.model = e.model
		where (e.amount, e.events, e.tokens, e.first_at, e.last_at) is distinct from (t.amount, t.events, t.tokens, t.first_at, t.last_at)
		union all
		select 'score', coalesce(e.account, s.account), nullif(coalesce(e.month, s.month), 'infinity')::text,
			rewards.board_name(coalesce(e.board, s.board)::smallint) || ' board''s score',
			trim_scale(e.points)::text, trim_scale(s.points)::text
		from score_line e
		full join (select * from rewards.score s where since is null and until is null and s.points <> 0) s
			on s.board = e.board and s.month = e.month and s.account = e.account
		where e.points is distinct from s.points
		union all
		select 'score', s.account, nullif(s.month, 'infinity')::text,
			rewards.board_name(s.board) || ' board''s name', a.name, s.name
		from rewards.score s join rewards.account a on a.id = s.account
		where since is null and until is null and s.name <> a.name
		union all
		select 'score_sheet', coalesce(s.account, p.account), nullif(coalesce(s.month, p.month), 'infinity')::text,
			rewards.board_name(coalesce(s.board, p.board)) || ' board''s place',
			case when s.account is not null then format('%s of %s', trim_scale(s.points), s.name) end,
			case when p.account is not null then format('%s of %s%s', trim_scale(p.points), p.name, case when not p.in_place then ', out of place' end) end
		from (select * from rewards.score s where since is null and until is null and s.points > 0) s
		full join sheet_line p on p.board = s.board and p.month = s.month and p.account = s.account
		where p.in_place is not true or (p.name, p.points) is distinct from (s.name, s.points)
		union all
		select 'activity', coalesce(e.account, t.account), '', 'activity',
			case when e.account is not null then format('%s to %s, %s requests, %s referred, services %s, %s', e.first_at, e.last_at, e.requests,
				case when t.referred between e.referred_least and e.referred_most then t.referred else e.referred_most end, e.services,
				case when c.one_grace then format('%s days from %s to %s, at best %s', e.length, e.since, e.last_day, e.best) else 'days not looked at' end) end,
			case when t.account is not null then format('%s to %s, %s requests, %s referred, services %s, %s days from %s to %s, at best %s',
				t.first_at, t.last_at, t.requests, t.referred, t.services, t.streak, t.streak_since, t.last_day, t.best_streak) end
		from activity_line e
		full join (
			select t.account, t.first_at, t.last_at, t.requests, t.referred, array(select s from unnest(t.services) s order by s collate "C") as services,
				t.streak, t.best_streak, t.streak_since, t.last_day
			from rewards.activity t where since is null and until is null and rewards.node_role() is distinct from 'aggregator'
		) t on t.account = e.account
		cross join cursor c
		where (e.first_at, e.last_at, e.services, e.requests) is distinct from (t.first_at, t.last_at, t.services, t.requests)
			or t.referred not between e.referred_least and e.referred_most
			or (c.one_grace and (e.length, e.best, e.since, e.last_day) is distinct from (t.streak, t.best_streak, t.streak_since, t.last_day))
		union all
		/* it was by one of the requests; by which hangs on the order in which they came */
		select 'activity', t.account, '', 'activity', format('onboarded from %s to %s', t.first_at, t.last_at), 'onboarded at ' || t.onboarded_at
		from rewards.activity t
		where since is null and until is null and rewards.node_role() is distinct from 'aggregator' and not (t.onboarded_at between t.first_at and t.last_at
			or t.onboarded_at = 'infinity' and (t.requests = 0 or exists (
				select from rewards.rule r where r.rule = 'setting' and r.key = 'onboarded_requests')))
		union all
		select 'score_bucket', null, nullif(b.month, 'infinity')::text,
			format('%s board''s bucket from %s', rewards.board_name(b.board), trim_scale(b.lowest)),
			b.scores::text, b.accounts::text
		from bucket_line b where b.scores <> b.accounts
	)
	select d.part, concat_ws(' ', a.kind, '"' || a.name || '"', nullif(coalesce(d.key, 'all time'), '')), d.expected, d.found,
		d.line || case when d.part = 'score_bucket' then ' differs from the scores in it' when d.part = 'score_sheet' then ' differs from the score'
			when d.part = 'activity' then ' differs from that of its rows'
			when d.line like '%name' then ' differs from the account''s' else ' differs from the sum of its rows' end
	from difference d left join rewards.account a on a.id = d.account
$$;
revoke all on function rewards.verify_totals(date, date) from public;
comment on function rewards.verify_totals(date, date) is
	'totals that are not the sum of the folded rows, computed in plain SQL; with a range only the daily ones in it';

create function rewards.verify_seals(since timestamptz, until timestamptz)
	returns table (part text, subject text, expected text, found text, detail text)
	language c stable parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.verify_seals(timestamptz, timestamptz) from public;
comment on function rewards.verify_seals(timestamptz, timestamptz) is
	'rows that were changed, removed or added after they were sealed, and seals that were; of the seals made in the range and by the last posting before it';

create function rewards.verify_partition(first bigint)
	returns table (part text, subject text, expected text, found text, detail text)
	language c stable strict parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.verify_partition(bigint) from public;
comment on function rewards.verify_partition(bigint) is 'the same of all seals of one partition of usage_logs';

create function rewards.verify_sealed_numbers()
	returns table (part text, subject text, expected text, found text, detail text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with folded as (
		/* before the first posting of a version with seals there are none */
		select rewards.folded_numbers() * int8multirange(int8range(1, null)) as numbers
		from rewards.cursor c cross join rewards.installation i
		where c.single and (c.sealed or c.posted_at > i.installed_at or exists (select from rewards.seal))
	), stretch as materialized (
		select s.source, n.r from rewards.seal s cross join lateral unnest(s.numbers) n(r)
	), sealed as (
		select s.source, (select coalesce(range_agg(n.r), '{}') from stretch n where n.source = s.source) as numbers
		from unnest(array['usage_logs', 'journal']) s(source)
	), wrong as (
		select s.source, n.r, 'folded, yet no seal covers it' as detail from folded f, sealed s, unnest(f.numbers - s.numbers) n(r)
		union all
		select s.source, n.r, 'sealed, yet not folded' from folded f, sealed s, unnest(s.numbers - f.numbers) n(r)
		union all
		select o.source, o.r * o.before, 'sealed twice' from (
			select n.source, n.r, lag(n.r) over (partition by n.source order by n.r) as before from stretch n) o
		where o.r && o.before
		union all
		/* numbers begin at 1 */
		select 'usage_logs', int8range(u.id, u.id, '[]'), 'row at a number that is never drawn' from rewards.usage_logs u where u.id < 1
		union all
		select 'journal', int8range(j.id, j.id, '[]'), 'row at a number that is never drawn' from rewards.journal j where j.id < 1
	)
	select 'seal', format('%s %s', w.source, case when upper(w.r)::numeric - lower(w.r) = 1 then lower(w.r)::text
		else concat_ws(' to ', coalesce(lower(w.r)::text, 'the first'), coalesce((upper(w.r)::numeric - 1)::text, 'the last')) end), null, null, w.detail
	from wrong w
	union all
	/* ascending, disjoint, up to last */
	select 'seal', 'cursor', null, null, 'its open stretches are none that posting writes'
	from rewards.cursor c
	where c.single and exists (
		select from unnest(c.open_first, c.open_last) with ordinality o(first, last, n)
		where (o.first > coalesce(case when o.n > 1 then c.open_last[o.n - 1] end, 0) and o.last between o.first and c.last) is not true)
	union all
	select 'seal', 'cursor', null, null, 'was removed'
	where not exists (select from rewards.cursor)
$$;
revoke all on function rewards.verify_sealed_numbers() from public;
comment on function rewards.verify_sealed_numbers() is 'numbers that are folded and not sealed, or the other way round';

create function rewards.show_step(verification regclass, previous integer, step integer) returns void
	language c volatile strict parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.show_step(regclass, integer, integer) from public;
comment on function rewards.show_step(regclass, integer, integer) is 'lets other sessions see at which step verify() is, no longer than until the transaction ends; 0 = none';

create function rewards.verify_steps() returns text[]
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select array['rows', 'totals', 'network', 'balances', 'seals'] $$;
revoke all on function rewards.verify_steps() from public;
comment on function rewards.verify_steps() is 'the steps of verify(), in order';

create function rewards.verify_step(step text, since timestamptz, until timestamptz)
	returns table (part text, subject text, expected text, found text, detail text)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	/* compiling statements so large takes longer than running them */
	set jit = off
as $$
declare
	zone text := rewards.setting('time_zone');
	/* only days that lie wholly within the range */
	first_day date := (since at time zone zone)::date + case when (since at time zone zone)::time > '00:00' then 1 else 0 end;
	end_day date := (until at time zone zone)::date;
begin
	case step
		when 'rows' then
			return query select * from rewards.verify_rows(since, until);
		when 'totals' then
			return query select * from rewards.verify_totals(first_day, end_day);
			/* an aggregator has none of these */
			if rewards.node_role() is distinct from 'aggregator' then
				return query select * from rewards.verify_analysts(first_day, end_day);
			end if;
		when 'network' then
			/* on an aggregator edges and sizes of networks arrive apart */
			if rewards.node_role() is distinct from 'aggregator' then
				return query select * from rewards.verify_network();
			end if;
		when 'balances' then
			return query select * from rewards.verify_wallets();
		when 'seals' then
			return query select * from rewards.verify_seals(since, until);
			if since is null and until is null then
				return query select * from rewards.verify_sealed_numbers();
				return query select * from rewards.verify_removals();
			end if;
	end case;
end
$$;
revoke all on function rewards.verify_step(text, timestamptz, timestamptz) from public;
comment on function rewards.verify_step(text, timestamptz, timestamptz) is 'one step of verify(), all of it in one snapshot';

create function rewards.verify(since timestamptz default null, until timestamptz default null)
	returns table (part text, subject text, expected text, found text, detail text)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	steps text[];
	begun timestamptz := clock_timestamp();
	step_begun timestamptz;
	found_here bigint;
	findings bigint := 0;
begin
	perform rewards.require_installed();
	steps := rewards.verify_steps();
	for i in 1..cardinality(steps) loop
		perform rewards.show_step('rewards.verification', i - 1, i);
		/* sums over all time are nothing for a range */
		continue when steps[i] in ('network', 'balances') and not (since is null and until is null);
		step_begun := clock_timestamp();
		return query select * from rewards.verify_step(steps[i], verify.since, verify.until);
		get diagnostics found_here = row_count;
		findings := findings + found_here;
		raise notice 'verify: % found in %, % s', found_here, steps[i], round(extract(epoch from clock_timestamp() - step_begun), 1);
	end loop;
	perform rewards.show_step('rewards.verification', cardinality(steps), 0);
	/* on a standby and in a read-only transaction nothing is written down */
	if current_setting('transaction_read_only') = 'off' then
		insert into rewards.verification (at, since, until, seconds, rows, findings, by)
		select begun, verify.since, verify.until, round(extract(epoch from clock_timestamp() - begun), 3), count(*), findings, rewards.caller()::text
		from rewards.usage_logs u
		where (verify.since is null or u.created_at >= verify.since) and (verify.until is null or u.created_at < verify.until);
	end if;
end
$$;
revoke all on function rewards.verify(timestamptz, timestamptz) from public;
comment on function rewards.verify(timestamptz, timestamptz) is
	'checks rows against the rules they knew, totals against rows, balances against entries and rows against their seals, each step in one snapshot; no row = clean. A range: what happened in it, and the seals made in it (D3)';

create function rewards.wrong_wallets() returns table (account bigint, unit smallint, balance numeric, should_be numeric)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with movement as (
		select t.account, t.unit, t.amount from rewards.month_total t where t.unit >= 3
		union all
		select coalesce(t.account_number, a.id), t.unit, t.amount
		from rewards.tail_totals('month') t
		left join rewards.account a on t.account_number is null and a.kind = t.kind and a.name = t.account
		where t.unit >= 3
	), sum as (
		select m.account, m.unit, sum(m.amount) as amount from movement m group by m.account, m.unit
	)
	/* credits only while every movement comes through the wallet */
	select w.account, w.unit, w.balance, coalesce(s.amount, 0)
	from rewards.wallet w
	cross join rewards.credit_policy() p
	left join sum s on s.account = w.account and s.unit = w.unit
	where w.balance <> coalesce(s.amount, 0) and (w.unit > 3 or (w.unit = 3 and p.enforced and w.anchor = p.rule))
$$;
revoke all on function rewards.wrong_wallets() from public;
comment on function rewards.wrong_wallets() is 'wallets whose balance is not the sum of their entries';

create function rewards.verify_wallets()
	returns table (part text, subject text, expected text, found text, detail text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with booked as (
		/* lots are as far as folded, what has expired may not be yet */
		select j.reverses_id as lot, -sum(rewards.amount_of(j.distribution)) as amount,
			-sum(rewards.amount_of(j.distribution)) filter (where rewards.is_folded(j.id, c.last, c.open_first, c.open_last)) as folded
		from rewards.journal j join rewards.cursor c on c.single where j.event = 'expiry' group by j.reverses_id
	)
	select 'wallet', concat_ws(' ', a.kind, '"' || a.name || '"', rewards.unit_name(w.unit)),
		trim_scale(w.should_be)::text, trim_scale(w.balance)::text, 'balance differs from the sum of its entries'
	from rewards.wrong_wallets() w join rewards.account a on a.id = w.account
	union all
	select 'lot', concat_ws(' ', a.kind, '"' || a.name || '"', rewards.unit_name(l.unit)), 'at most ' || trim_scale(c.amount - coalesce(b.folded, 0)),
		trim_scale(l.remaining)::text, format('entry %s has more left than it brought', l.id)
	from rewards.lot l
	join rewards.account a on a.id = l.account
	left join rewards.journal j on j.id = l.id and j.event = 'credit'
	cross join lateral (select coalesce(rewards.amount_of(j.distribution), 0) as amount) c
	left join booked b on b.lot = l.id
	where l.remaining > c.amount - coalesce(b.folded, 0)
	union all
	select 'lot', concat_ws(' ', a.kind, '"' || a.name || '"', rewards.unit_name(j.unit)), 'at most ' || trim_scale(rewards.amount_of(j.distribution)),
		trim_scale(b.amount)::text, format('entry %s has expired with more than it brought', j.id)
	from booked b join rewards.journal j on j.id = b.lot join rewards.account a on a.id = j.account
	where b.amount > rewards.amount_of(j.distribution)
	union all
	select 'payout', concat_ws(' ', a.kind, '"' || a.name || '"', rewards.unit_name(coalesce(p.unit, j.unit))),
		trim_scale(-rewards.amount_of(j.distribution))::text, trim_scale(p.amount)::text,
		format('completed payout %s differs from its entry', coalesce(p.id::text, j.cause))
	from (select * from rewards.payout p where p.status = 'completed') p
	full join (select * from rewards.journal j where j.event = 'payout') j on j.cause = p.id::text and j.account = p.account and j.unit = p.unit
	join rewards.account a on a.id = coalesce(p.account, j.account)
	where p.amount is distinct from -rewards.amount_of(j.distribution)
	union all
	select 'hold', concat_ws(' ', a.kind, '"' || a.name || '"', 'credits'), null, h.outcome, format('hold %s of request "%s" %s', h.id, h.request_id, h.wrong)
	from (
		select h.*, case
			when h.expires_at <= h.created_at or h.expires_at > h.created_at + interval '367 days' then 'lasts as no hold can'
			when h.seen_from > c.last then 'was made before numbers that were not yet drawn'
			when h.outcome is distinct from 'captured' and h.usage_id is not null then 'names a row that it was not captured by'
			when h.outcome in ('captured', 'expired') and h.closed_at < h.expires_at then 'was closed before its time'
			when h.outcome = 'captured' and h.usage_id is null then 'was captured by no row'
			/* rows go with their partition */
			when h.outcome = 'captured' and u.id is null
				and exists (select from rewards.usage_partition p where h.usage_id >= p.first and h.usage_id < p.upto) then 'was captured by a row that is not there'
			when h.outcome = 'captured' and u.id is not null and (u.request_id, u.user_id) is distinct from (h.request_id, n.name) then 'was captured by a row of another request'
			when h.outcome = 'captured' and (h.usage_id <= h.seen_from or u.status_code not between 200 and 299) then 'was captured by a row that could not' end as wrong
		from rewards.hold h
		join rewards.cursor c on c.single
		left join rewards.account n on n.id = h.account
		left join rewards.usage_logs u on u.id = h.usage_id
	) h
	left join rewards.account a on a.id = h.account
	where h.wrong is not null
$$;
revoke all on function rewards.verify_wallets() from public;
comment on function rewards.verify_wallets() is 'wallets whose balance is not the sum of their entries, lots that hold or have lost more than came in, completed payouts without their entry, and holds that cannot have been';

/* ---- repair ---- */

create function rewards.refold() returns bigint
	language c volatile parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.refold() from public;
comment on function rewards.refold() is 'folds again all that the cursor says is folded; repair() calls it, with the totals empty and the cursor locked';

create function rewards.totals_by_unit() returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select coalesce(jsonb_object_agg(rewards.unit_name(t.unit), t.amount), '{}')
	from (select t.unit, trim_scale(sum(t.amount)) as amount from rewards.month_total t group by t.unit) t
$$;
revoke all on function rewards.totals_by_unit() from public;
comment on function rewards.totals_by_unit() is 'what all totals come to, by unit, for the admin log';

create function rewards.repair(reason text) returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	events bigint;
	before jsonb;
	totals jsonb;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(reason, 'reason');
	if rewards.node_role() = 'aggregator' then
		raise exception 'an aggregator has no rows to make totals from'
			using errcode = 'object_not_in_prerequisite_state', hint = 'Make it anew: subscribe to the nodes from a new database.';
	end if;
	/* at once, not after waiting or as a serialization failure that a client would try again */
	if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
		raise exception 'repair() cannot run in a REPEATABLE READ or SERIALIZABLE transaction'
			using errcode = 'active_sql_transaction', hint = 'Call it in a READ COMMITTED transaction.';
	end if;
	/* nothing is summed up meanwhile */
	lock table rewards.removal in share row exclusive mode;
	/* a poster at work is waited for; from then on nobody else writes totals */
	perform from rewards.cursor c where c.single for update;
	totals := rewards.totals_by_unit();
	delete from rewards.day_total;
	delete from rewards.month_total;
	delete from rewards.model_total;
	delete from rewards.activity t where not exists (select from rewards.removed_sum s where s.sort = 'a' and s.account = t.account);
	perform rewards.restore_activity();
	delete from rewards.score;
	delete from rewards.score_sheet;
	delete from rewards.score_bucket;
	delete from rewards.network;
	delete from rewards.network_size;
	delete from rewards.edge_month;
	delete from rewards.referee_stage;
	delete from rewards.traffic_day;
	delete from rewards.traffic_hour;
	delete from rewards.attendance;
	delete from rewards.cohort;
	delete from rewards.model_day;
	before := (select jsonb_object_agg(l.id, l.remaining) from rewards.lot l where l.expires_at <= clock_timestamp() + interval '1 day');
	/* those of whom charges have been removed keep what they have */
	delete from rewards.lot l where not exists (select from rewards.removed_sum s where s.unit = 3 and s.account = l.account);
	delete from rewards.model_user where not exists (select from rewards.removal);
	update rewards.cursor set unpriced = (select coalesce(sum(r.unpriced), 0) from rewards.removal r) where single;
	events := rewards.refold();
	/* charges that came late took what was left then, in order they take otherwise: what has expired is not more for that */
	update rewards.lot l set remaining = coalesce((before ->> l.id::text)::numeric, 0)
	where l.expires_at <= clock_timestamp() and l.remaining > coalesce((before ->> l.id::text)::numeric, 0);
	perform rewards.limit_lots();
	perform rewards.restore_traffic();
	delete from rewards.lot where remaining = 0;
	/* who remembers totals goes by the cursor's row */
	update rewards.cursor set last = last where single;
	/* those that are wrong are locked, then looked at again: others go on meanwhile */
	perform from rewards.wallet w where (w.account, w.unit) in (select n.account, n.unit from rewards.wrong_wallets() n)
		order by w.account, w.unit for update;
	update rewards.wallet w set balance = n.should_be, updated_at = clock_timestamp()
	from rewards.wrong_wallets() n where n.account = w.account and n.unit = w.unit;
	perform rewards.log_call('repair', jsonb_build_object('reason', reason), totals,
		rewards.totals_by_unit() || jsonb_build_object('events', events), rewards.caller()::text);
	return events;
end
$$;
revoke all on function rewards.repair(text) from public;
comment on function rewards.repair(text) is
	'makes all totals, leaderboards and balances anew from the rows, and from the sums of those removed, for when verify() finds them wrong; returns how many rows it folded. Readers see the old ones until it commits, and post() returns at once (D3)';
