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
	select c.* into begun from rewards.cursor c;
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
	update rewards.cursor set settling = case when told then seen end, settling_horizon = case when told then horizon end;
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

create function rewards.verify_totals(since date, until date)
	returns table (part text, subject text, expected text, found text, detail text)
	language sql stable parallel unsafe
	/* compiling so large a statement takes longer than running it */
	set search_path = pg_catalog, pg_temp
	set jit = off
as $$
	/* the folded shares, each with its account's number and programme day */
	with cursor as materialized (
		select c.last, c.open_first, c.open_last, rewards.setting('time_zone') as zone,
			rewards.setting('streak_grace_days')::integer as grace,
			/* runs of days were counted by the setting of their time */
			not exists (select from rewards.rule r where r.rule = 'setting' and r.key = 'streak_grace_days') as one_grace
		from rewards.cursor c
	), usage as materialized (
		select u.id, u.created_at, u.user_id, u.provider_id, u.service, u.model, u.user_points, u.provider_points, u.cost, u.distribution, t.day,
			u.input_tokens::bigint + u.output_tokens as tokens, u.status_code between 200 and 299 as succeeded
		from rewards.usage_logs u, cursor c, lateral (select (u.created_at at time zone c.zone)::date) t(day)
		where u.id <= c.last and (cardinality(c.open_first) = 0 or rewards.is_folded(u.id, c.last, c.open_first, c.open_last))
			and (since is null or t.day >= since) and (until is null or t.day < until)
	), share as (
		select coalesce(s.account_number, a.id) as account, u.day, case s.entry when 'creator' then 2 else 1 end as unit,
			s.entry, s.level, s.amount, 1 as events, case s.entry when 'referral' then 0 else u.tokens end as tokens
		from usage u cross join lateral rewards.shares(u.distribution) s
		left join rewards.account a on s.account_number is null
			and a.kind = case s.entry when 'work' then 'provider' else 'user' end
			and a.name = case s.entry when 'work' then u.provider_id else u.user_id end
		union all
		/* requests that brought their user or provider no points */
		select a.id, u.day, 1, own.entry, 0, 0, 1, u.tokens
		from usage u
		cross join lateral (values ('usage', 'user', u.user_id, u.user_points), ('work', 'provider', u.provider_id, u.provider_points))
			own(entry, kind, name, points)
		join rewards.account a on a.kind = own.kind and a.name = own.name
		where u.succeeded and own.points = 0
		union all
		select a.id, u.day, 3, 'usage', 0, -u.cost, 1, u.tokens
		from usage u join rewards.account a on a.kind = 'user' and a.name = u.user_id where u.cost <> 0
		union all
		/* what was taken back stands apart from what was given, and counts as one less */
		select s.account_number, (j.created_at at time zone c.zone)::date, j.unit,
			case when j.event = 'reversal' then 'reversed ' || s.entry else s.entry end, s.level, s.amount,
			case when j.unit = 1 and s.entry in ('work', 'usage') then least(j.requests, 0) when j.event = 'reversal' then -1 else 1 end,
			case when j.event = 'reversal' and s.entry <> 'referral' then j.tokens else 0 end
		from cursor c, rewards.journal j cross join lateral rewards.shares(j.distribution) s
		where rewards.is_folded(j.id, c.last, c.open_first, c.open_last)
	), day_line as (
		select account, day, unit, entry, level, sum(amount) as amount, sum(events)::bigint as events, sum(tokens)::bigint as tokens
		from share where (since is null or day >= since) and (until is null or day < until)
		group by account, day, unit, entry, level
	), month_line as (
		select account, date_trunc('month', day::timestamp)::date as month, unit, entry, level,
			sum(amount) as amount, sum(events)::bigint as events, sum(tokens)::bigint as tokens
		from day_line where since is null and until is null
		group by 1, 2, 3, 4, 5
	), model_line as (
		select m.owner, m.model, sum(m.requests)::bigint as events, sum(m.tokens)::bigint as tokens, sum(m.amount) as amount,
			coalesce(min(m.at) filter (where m.requests > 0), 'infinity') as first_at,
			coalesce(max(m.at) filter (where m.requests > 0), '-infinity') as last_at
		from (
			select a.account_number as owner, u.model, 1 as requests, u.tokens, a.amount, u.created_at as at
			from usage u cross join lateral rewards.shares(u.distribution) a
			where a.entry = 'creator' and since is null and until is null
			union all
			select a.account_number, j.model, j.requests, j.tokens, a.amount, j.created_at
			from cursor c, rewards.journal j cross join lateral rewards.shares(j.distribution) a
			where j.unit = 2 and j.model is not null and since is null and until is null
				and rewards.is_folded(j.id, c.last, c.open_first, c.open_last)
		) m
		group by 1, 2
	), doing as (
		/* successful requests by account, and whether they were made after it was referred */
		select a.id as account, n.id, n.created_at, n.day, n.service,
			a.referred_at <= n.created_at and a.seen_from < n.id as may_be_referred,
			a.referred_at <= n.created_at and a.sure_from < n.id as is_referred
		from (
			select 'user' as kind, u.user_id as name, u.id, u.created_at, u.day, u.service from usage u where u.succeeded
			union all
			select 'provider', u.provider_id, u.id, u.created_at, u.day, u.service from usage u where u.succeeded and u.provider_id is not null
		) n join rewards.account a on a.kind = n.kind and a.name = n.name
		where since is null and until is null
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
		select distinct on (r.account) r.account, r.length, max(r.length) over (partition by r.account) as best, r.since, r.last_day
		from run r order by r.account, r.last_day desc
	), activity_line as (
		select s.account, coalesce(d.first_at, 'infinity') as first_at, coalesce(d.last_at, '-infinity') as last_at,
			coalesce(d.referred_least, 0) as referred_least, coalesce(d.referred_most, 0) as referred_most,
			coalesce(d.services, '{}') as services, s.length, s.best, s.since, s.last_day, coalesce(d.requests, 0) as requests
		from streak s
		left join (
			select d.account, min(d.created_at) as first_at, max(d.created_at) as last_at, count(*) as requests,
				count(*) filter (where d.is_referred) as referred_least, count(*) filter (where d.may_be_referred) as referred_most,
				array_agg(distinct d.service collate "C" order by d.service collate "C") filter (where d.service is not null) as services
			from doing d group by d.account
		) d on d.account = s.account
	), score_line as (
		select b.board, m.month, l.account, sum(l.amount) as points
		from month_line l join rewards.account a on a.id = l.account
		cross join lateral (
			select case a.kind when 'provider' then 1 else 2 end where l.unit = 1 and l.entry !~ 'payout|stake'
			union all
			select 3 where l.unit = 2 and a.kind = 'user' and l.entry !~ 'payout|stake'
			union all
			select 4 where l.unit = 1 and l.entry ~ 'referral$'
		) b(board)
		cross join lateral (values (l.month), ('infinity'::date)) m(month)
		group by b.board, m.month, l.account
		having sum(l.amount) <> 0
	), bucket_line as (
		/* each positive score in the one bucket it belongs to */
		select b.board, b.month, b.lowest, b.accounts, (
			select count(*) from rewards.score s
			where s.board = b.board and s.month = b.month and s.points > 0 and s.points >= b.lowest and s.points < b.upto) as scores
		from (
			select b.*, lead(b.lowest, 1, 'Infinity') over (partition by b.board, b.month order by b.lowest) as upto
			from rewards.score_bucket b
		) b where since is null and until is null
		union all
		select s.board, s.month, 0, 0, count(*)
		from rewards.score s
		where since is null and until is null and s.points > 0
			and not exists (select from rewards.score_bucket b where b.board = s.board and b.month = s.month and b.lowest = 0)
		group by s.board, s.month
	), difference as (
		select 'day_total' as part, coalesce(e.account, t.account) as account, coalesce(e.day, t.day)::text as key,
			concat_ws(' ', rewards.unit_name(coalesce(e.unit, t.unit)::smallint), coalesce(e.entry, rewards.line_name(t.entry)), coalesce(e.level, t.level)) as line,
			format('%s in %s events, %s tokens', trim_scale(e.amount), e.events, e.tokens) as expected,
			format('%s in %s events, %s tokens', trim_scale(t.amount), t.events, t.tokens) as found
		from day_line e
		full join (select * from rewards.day_total t where (since is null or t.day >= since) and (until is null or t.day < until)) t
			on t.account = e.account and t.day = e.day and t.unit = e.unit and rewards.line_name(t.entry) = e.entry and t.level = e.level
		where (e.amount, e.events, e.tokens) is distinct from (t.amount, t.events, t.tokens)
		union all
		select 'month_total', coalesce(e.account, t.account), coalesce(e.month, t.month)::text,
			concat_ws(' ', rewards.unit_name(coalesce(e.unit, t.unit)::smallint), coalesce(e.entry, rewards.line_name(t.entry)), coalesce(e.level, t.level)),
			format('%s in %s events, %s tokens', trim_scale(e.amount), e.events, e.tokens),
			format('%s in %s events, %s tokens', trim_scale(t.amount), t.events, t.tokens)
		from month_line e
		full join (select * from rewards.month_total t where since is null and until is null) t
			on t.account = e.account and t.month = e.month and t.unit = e.unit and rewards.line_name(t.entry) = e.entry and t.level = e.level
		where (e.amount, e.events, e.tokens) is distinct from (t.amount, t.events, t.tokens)
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
			from rewards.activity t where since is null and until is null
		) t on t.account = e.account
		cross join cursor c
		where (e.first_at, e.last_at, e.services, e.requests) is distinct from (t.first_at, t.last_at, t.services, t.requests)
			or t.referred not between e.referred_least and e.referred_most
			or (c.one_grace and (e.length, e.best, e.since, e.last_day) is distinct from (t.streak, t.best_streak, t.streak_since, t.last_day))
		union all
		select 'score_bucket', null, nullif(b.month, 'infinity')::text,
			format('%s board''s bucket from %s', rewards.board_name(b.board), trim_scale(b.lowest)),
			b.scores::text, b.accounts::text
		from bucket_line b where b.scores <> b.accounts
	)
	select d.part, concat_ws(' ', a.kind, '"' || a.name || '"', nullif(coalesce(d.key, 'all time'), '')), d.expected, d.found,
		d.line || case when d.part = 'score_bucket' then ' differs from the scores in it' when d.part = 'activity' then ' differs from that of its rows'
			when d.line like '%name' then ' differs from the account''s' else ' differs from the sum of its rows' end
	from difference d left join rewards.account a on a.id = d.account
$$;
revoke all on function rewards.verify_totals(date, date) from public;
comment on function rewards.verify_totals(date, date) is
	'totals that are not the sum of the folded rows, computed in plain SQL; with a range only the daily ones in it';

create function rewards.verify(since timestamptz default null, until timestamptz default null)
	returns table (part text, subject text, expected text, found text, detail text)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	zone text;
	first_day date;
	end_day date;
begin
	perform rewards.require_installed();
	zone := rewards.setting('time_zone');
	/* only days that lie wholly within the range */
	first_day := (since at time zone zone)::date + case when (since at time zone zone)::time > '00:00' then 1 else 0 end;
	end_day := (until at time zone zone)::date;
	return query select * from rewards.verify_rows(verify.since, verify.until);
	return query select * from rewards.verify_totals(first_day, end_day);
	if since is null and until is null then
		return query select * from rewards.verify_network();
		return query select * from rewards.verify_wallets();
	end if;
end
$$;
revoke all on function rewards.verify(timestamptz, timestamptz) from public;
comment on function rewards.verify(timestamptz, timestamptz) is
	'checks rows against the rules they knew and totals against rows, in one snapshot; no row = clean (D3)';

create function rewards.verify_wallets()
	returns table (part text, subject text, expected text, found text, detail text)
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
	), booked as (
		/* lots are as far as folded, what has expired may not be yet */
		select j.reverses_id as lot, -sum(rewards.amount_of(j.distribution)) as amount,
			-sum(rewards.amount_of(j.distribution)) filter (where rewards.is_folded(j.id, c.last, c.open_first, c.open_last)) as folded
		from rewards.journal j cross join rewards.cursor c where j.event = 'expiry' group by j.reverses_id
	)
	/* credits only while every movement comes through the wallet */
	select 'wallet', concat_ws(' ', a.kind, '"' || a.name || '"', rewards.unit_name(w.unit)),
		trim_scale(coalesce(s.amount, 0))::text, trim_scale(w.balance)::text, 'balance differs from the sum of its entries'
	from rewards.wallet w
	join rewards.account a on a.id = w.account
	cross join rewards.credit_policy() p
	left join sum s on s.account = w.account and s.unit = w.unit
	where w.balance <> coalesce(s.amount, 0) and (w.unit > 3 or (w.unit = 3 and p.enforced and w.anchor = p.rule))
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
$$;
revoke all on function rewards.verify_wallets() from public;
comment on function rewards.verify_wallets() is 'wallets whose balance is not the sum of their entries, lots that hold or have lost more than came in, and completed payouts without their entry';

/* ---- repair ---- */

create function rewards.refold() returns bigint
	language c volatile parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.refold() from public;
comment on function rewards.refold() is 'folds again all that the cursor says is folded; repair() calls it, with the totals empty and the cursor locked';

create function rewards.repair(reason text) returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	events bigint;
	before jsonb;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(reason, 'reason');
	/* at once, not after waiting or as a serialization failure that a client would try again */
	if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
		raise exception 'repair() cannot run in a REPEATABLE READ or SERIALIZABLE transaction'
			using errcode = 'active_sql_transaction', hint = 'Call it in a READ COMMITTED transaction.';
	end if;
	/* a poster at work is waited for; from then on nobody else writes totals */
	perform from rewards.cursor for update;
	delete from rewards.day_total;
	delete from rewards.month_total;
	delete from rewards.model_total;
	delete from rewards.activity;
	delete from rewards.score;
	delete from rewards.score_bucket;
	delete from rewards.network;
	before := (select jsonb_object_agg(l.id, l.remaining) from rewards.lot l where l.expires_at <= clock_timestamp() + interval '1 day');
	delete from rewards.lot;
	delete from rewards.model_user;
	update rewards.cursor set unpriced = 0;
	events := rewards.refold();
	/* charges that came late took what was left then, in order they take otherwise: what has expired is not more for that */
	update rewards.lot l set remaining = coalesce((before ->> l.id::text)::numeric, 0)
	where l.expires_at <= clock_timestamp() and l.remaining > coalesce((before ->> l.id::text)::numeric, 0);
	delete from rewards.lot where remaining = 0;
	/* who remembers totals goes by the cursor's row */
	update rewards.cursor set last = last;
	perform rewards.log_call('repair', jsonb_build_object('reason', reason), null, jsonb_build_object('events', events), rewards.caller()::text);
	return events;
end
$$;
revoke all on function rewards.repair(text) from public;
comment on function rewards.repair(text) is
	'makes all totals and leaderboards anew from the rows, for when verify() finds them wrong; returns how many rows it folded. Readers see the old ones until it commits, and post() returns at once (D3)';
