/* Keeping it running: partitions, settling, verify, access. */

/* ---- partitions ---- */

create function rewards.make_partition(first bigint, upto bigint) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	name text := case when first is null then 'usage_logs_default' else format('usage_logs_%s', first) end;
begin
	/* attached, not created in place: that would wait for every writer */
	execute format('create table rewards.%I (like rewards.usage_logs including defaults including constraints including storage including compression)', name);
	execute format('create unique index %I on rewards.%I (request_id) where request_id is not null and status_code between 200 and 299',
		name || '_request', name);
	execute format('create trigger usage_guard before insert or update or delete or truncate on rewards.%I for each statement execute function rewards.refuse_change()', name);
	if first is null then
		execute format('alter table rewards.usage_logs attach partition rewards.%I default', name);
	else
		execute format('alter table rewards.usage_logs attach partition rewards.%I for values from (%s) to (%s)', name, first, upto);
		insert into rewards.usage_partition (first, upto) values (first, upto);
	end if;
end
$$;
revoke all on function rewards.make_partition(bigint, bigint) from public;
comment on function rewards.make_partition(bigint, bigint) is
	'makes a partition for numbers from first up to, not including, upto; first NULL makes the default one';

create function rewards.partition_size() returns bigint
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* about a month of arrival at the pace of the newest partition in use */
	select greatest(1000000, least(100000000, coalesce((
		select ((rewards.last_number() - p.first)
			/ greatest(extract(epoch from clock_timestamp() - p.started_at), 3600) * 30 * 86400)::bigint
		from rewards.usage_partition p where p.started_at is not null
		order by p.first desc limit 1), 0)))
$$;
revoke all on function rewards.partition_size() from public;
comment on function rewards.partition_size() is 'how many numbers the next partition shall hold';

create function rewards.partitions_ahead() returns integer
	language sql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	as $$ select count(*)::integer from rewards.usage_partition p where p.first > rewards.last_number() $$;
revoke all on function rewards.partitions_ahead() from public;
comment on function rewards.partitions_ahead() is 'how many partitions no number has reached yet';

create function rewards.make_partitions() returns integer
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	set lock_timeout = '200ms'
as $$
declare
	last bigint := rewards.last_number();
	wanted integer := rewards.setting('partitions_ahead')::integer;
	made integer := 0;
	begun timestamptz := clock_timestamp();
	next_first bigint;
begin
	if rewards.partitions_ahead() >= wanted
			and not exists (select from rewards.usage_partition p where p.first <= last and p.started_at is null) then
		return 0;
	end if;
	/*
	 * A running statement routes its rows by the bounds it found when it began,
	 * and would fail at a partition attached since. Short ones are over soon; with
	 * a long one the next call tries again.
	 */
	for attempt in 1..20 loop
		exit when not exists (
			select from pg_locks l join pg_stat_activity s on s.pid = l.pid
			where l.relation = 'rewards.usage_logs'::regclass and l.mode = 'RowExclusiveLock' and l.pid <> pg_backend_pid()
				and l.database = (select d.oid from pg_database d where d.datname = current_database())
				and coalesce(s.state, 'active') = 'active' and coalesce(s.query_start, '-infinity') < begun);
		if attempt = 20 then
			return 0;
		end if;
		perform pg_sleep(0.01);
		perform pg_stat_clear_snapshot();
	end loop;
	lock table rewards.usage_partition in share row exclusive mode;
	update rewards.usage_partition set started_at = clock_timestamp() where first <= last and started_at is null;
	if to_regclass('rewards.usage_logs_default') is null then
		perform rewards.make_partition(null, null);
	end if;
	while (select count(*) from rewards.usage_partition p where p.first > last) < wanted loop
		select coalesce(max(p.upto), 1) into next_first from rewards.usage_partition p;
		/* where numbers have run past the bounds, begin well above them */
		if next_first <= last then
			next_first := last + 10000;
		end if;
		perform rewards.make_partition(next_first, next_first + rewards.partition_size());
		made := made + 1;
	end loop;
	return made;
exception
	/* somebody is in the way: the default partition serves, and the next call tries again */
	when lock_not_available or object_in_use or deadlock_detected or check_violation then
		return 0;
end
$$;
revoke all on function rewards.make_partitions() from public;
comment on function rewards.make_partitions() is
	'keeps empty partitions ready (setting partitions_ahead) without waiting for writers; returns how many were made. post() calls it';

/* ---- from which number on everybody knew a change ---- */

create function rewards.settle_changes(copied boolean) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	/* in this order: who runs in the snapshot is below the horizon */
	seen pg_snapshot := pg_current_snapshot();
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
		update rewards.model_fact set sure_from = sure
		where sure_from is null and (copied or pg_visible_in_snapshot(recorded_xid, begun.settling));
	elsif begun.settling is not null then
		return;
	end if;
	update rewards.cursor set settling = seen, settling_horizon = horizon;
end
$$;
revoke all on function rewards.settle_changes(boolean) from public;
comment on function rewards.settle_changes(boolean) is
	'sets sure_from of rules, edges and model facts once every row to come knows them; post() calls it';

/* ---- verify ---- */

create function rewards.is_folded(number bigint, last bigint, open_first bigint[], open_last bigint[]) returns boolean
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select number <= last and not exists (
		select from unnest(open_first, open_last) o(first, last) where number between o.first and o.last) $$;
revoke all on function rewards.is_folded(bigint, bigint, bigint[], bigint[]) from public;
comment on function rewards.is_folded(bigint, bigint, bigint[], bigint[]) is 'whether the totals hold a number of the line';

create function rewards.verify_totals(since date, until date)
	returns table (part text, subject text, expected text, found text, detail text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* the folded shares, each with its account's number and programme day */
	with cursor as materialized (
		select c.last, c.open_first, c.open_last, rewards.setting('time_zone') as zone from rewards.cursor c
	), usage as materialized (
		select u.*, (u.created_at at time zone c.zone)::date as day,
			u.input_tokens::bigint + u.output_tokens as tokens, u.status_code between 200 and 299 as succeeded
		from rewards.usage_logs u, cursor c
		where u.id <= c.last and (cardinality(c.open_first) = 0 or rewards.is_folded(u.id, c.last, c.open_first, c.open_last))
	), share as (
		select coalesce(s.account_number, a.id) as account, u.day, case s.entry when 'creator' then 2 else 1 end as unit,
			s.entry, s.level, s.amount, case s.entry when 'referral' then 0 else u.tokens end as tokens
		from usage u cross join lateral rewards.shares(u.distribution) s
		left join rewards.account a on s.account_number is null
			and a.kind = case s.entry when 'work' then 'provider' else 'user' end
			and a.name = case s.entry when 'work' then u.provider_id else u.user_id end
		union all
		/* requests that brought their user or provider no points */
		select a.id, u.day, 1, own.entry, 0, 0, u.tokens
		from usage u
		cross join lateral (values ('usage', 'user', u.user_id, u.user_points), ('work', 'provider', u.provider_id, u.provider_points))
			own(entry, kind, name, points)
		join rewards.account a on a.kind = own.kind and a.name = own.name
		where u.succeeded and own.points = 0
		union all
		select s.account_number, (j.created_at at time zone c.zone)::date, j.unit, s.entry, s.level, s.amount, 0
		from cursor c, rewards.journal j cross join lateral rewards.shares(j.distribution) s
		where rewards.is_folded(j.id, c.last, c.open_first, c.open_last)
	), day_line as (
		select account, day, unit, entry, level, sum(amount) as amount, count(*) as events, sum(tokens)::bigint as tokens
		from share where (since is null or day >= since) and (until is null or day < until)
		group by account, day, unit, entry, level
	), month_line as (
		select account, date_trunc('month', day::timestamp)::date as month, unit, entry, level,
			sum(amount) as amount, sum(events)::bigint as events, sum(tokens)::bigint as tokens
		from day_line where since is null and until is null
		group by 1, 2, 3, 4, 5
	), model_line as (
		select a.account_number as owner, u.model, count(*) as events, sum(u.tokens)::bigint as tokens, sum(a.amount) as amount,
			min(u.created_at) as first_at, max(u.created_at) as last_at
		from usage u cross join lateral rewards.shares(u.distribution) a
		where a.entry = 'creator' and since is null and until is null
		group by 1, 2
	), activity_line as (
		select a.id as account, min(n.created_at) as first_at, max(n.created_at) as last_at
		from (
			select 'user' as kind, u.user_id as name, u.created_at from usage u where u.succeeded
			union all
			select 'provider', u.provider_id, u.created_at from usage u where u.succeeded and u.provider_id is not null
		) n join rewards.account a on a.kind = n.kind and a.name = n.name
		where since is null and until is null
		group by a.id
	), score_line as (
		select b.board, m.month, l.account, sum(l.amount) as points
		from month_line l join rewards.account a on a.id = l.account
		cross join lateral (
			select case a.kind when 'provider' then 1 else 2 end where l.unit = 1 and l.entry not in ('payout', 'stake')
			union all
			select 3 where l.unit = 2 and a.kind = 'user' and l.entry not in ('payout', 'stake')
			union all
			select 4 where l.unit = 1 and l.entry = 'referral'
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
			concat_ws(' ', rewards.unit_name(coalesce(e.unit, t.unit)::smallint), coalesce(e.entry, rewards.entry_name(t.entry)), coalesce(e.level, t.level)) as line,
			format('%s in %s events, %s tokens', trim_scale(e.amount), e.events, e.tokens) as expected,
			format('%s in %s events, %s tokens', trim_scale(t.amount), t.events, t.tokens) as found
		from day_line e
		full join (select * from rewards.day_total t where (since is null or t.day >= since) and (until is null or t.day < until)) t
			on t.account = e.account and t.day = e.day and t.unit = e.unit and rewards.entry_name(t.entry) = e.entry and t.level = e.level
		where (e.amount, e.events, e.tokens) is distinct from (t.amount, t.events, t.tokens)
		union all
		select 'month_total', coalesce(e.account, t.account), coalesce(e.month, t.month)::text,
			concat_ws(' ', rewards.unit_name(coalesce(e.unit, t.unit)::smallint), coalesce(e.entry, rewards.entry_name(t.entry)), coalesce(e.level, t.level)),
			format('%s in %s events, %s tokens', trim_scale(e.amount), e.events, e.tokens),
			format('%s in %s events, %s tokens', trim_scale(t.amount), t.events, t.tokens)
		from month_line e
		full join (select * from rewards.month_total t where since is null and until is null) t
			on t.account = e.account and t.month = e.month and t.unit = e.unit and rewards.entry_name(t.entry) = e.entry and t.level = e.level
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
			(array['provider', 'user', 'creator', 'referrer'])[coalesce(e.board, s.board)] || ' board''s score',
			trim_scale(e.points)::text, trim_scale(s.points)::text
		from score_line e
		full join (select * from rewards.score s where since is null and until is null and s.points <> 0) s
			on s.board = e.board and s.month = e.month and s.account = e.account
		where e.points is distinct from s.points
		union all
		select 'score', s.account, nullif(s.month, 'infinity')::text,
			(array['provider', 'user', 'creator', 'referrer'])[s.board] || ' board''s name', a.name, s.name
		from rewards.score s join rewards.account a on a.id = s.account
		where since is null and until is null and s.name <> a.name
		union all
		select 'activity', coalesce(e.account, t.account), '', 'activity',
			format('%s to %s', e.first_at, e.last_at), format('%s to %s', t.first_at, t.last_at)
		from activity_line e
		full join (select * from rewards.activity t where since is null and until is null) t on t.account = e.account
		where (e.first_at, e.last_at) is distinct from (t.first_at, t.last_at)
		union all
		select 'score_bucket', null, nullif(b.month, 'infinity')::text,
			format('%s board''s bucket from %s', (array['provider', 'user', 'creator', 'referrer'])[b.board], trim_scale(b.lowest)),
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
end
$$;
revoke all on function rewards.verify(timestamptz, timestamptz) from public;
comment on function rewards.verify(timestamptz, timestamptz) is
	'checks rows against the rules they knew and totals against rows, in one snapshot; no row = clean (D3)';

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
	events := rewards.refold();
	/* who remembers totals goes by the cursor's row */
	update rewards.cursor set last = last;
	perform rewards.log_call('repair', jsonb_build_object('reason', reason), null, jsonb_build_object('events', events), rewards.caller()::text);
	return events;
end
$$;
revoke all on function rewards.repair(text) from public;
comment on function rewards.repair(text) is
	'makes all totals and leaderboards anew from the rows, for when verify() finds them wrong; returns how many rows it folded. Readers see the old ones until it commits, posting waits (D3)';

/* ---- access ---- */

create function rewards.access_routines(access text) returns setof regprocedure
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select p.oid::regprocedure
	from pg_proc p
	where p.pronamespace = 'rewards'::regnamespace and p.proname::text = any (
		/* what the views call */
		array['tail_totals', 'tail_models', 'tail_accounts', 'tail_events', 'partitions_ahead']
		|| case when access in ('app', 'analyst') then
			array['require_installed', 'earning_history', 'account_summary', 'balance', 'statement', 'shares_of',
				'explain_reward', 'explain_tier', 'model_earnings', 'leaderboard_top', 'leaderboard_rank', 'leaderboard_around'] end
		|| case when access = 'app' then
			array['next_number', 'track_usage', 'register_account', 'register_model', 'register_character',
				'referral_code', 'referral_signup'] end)
$$;
revoke all on function rewards.access_routines(text) from public;
comment on function rewards.access_routines(text) is 'the functions that a kind of access may call';

create function rewards.apply_access(role regrole, access text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	routine regprocedure;
	relation record;
begin
	execute format('grant usage on schema rewards to %s', role);
	for routine in select * from rewards.access_routines(access) loop
		execute format('grant execute on function %s to %s', routine, role);
	end loop;
	for relation in
		select c.oid::regclass as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v'
			and (access = 'app' or a.attname <> 'email')
		group by c.oid
	loop
		execute format('grant select (%s) on %s to %s', relation.columns, relation.name, role);
	end loop;
	if access = 'app' then
		execute format('grant select on rewards.usage_logs to %s', role);
		execute format('grant insert (request_id, user_id, provider_id, endpoint, model, character_id, usage_type,
			status_code, input_tokens, output_tokens, latency_ms, created_at) on rewards.usage_logs to %s', role);
	end if;
end
$$;
revoke all on function rewards.apply_access(regrole, text) from public;
comment on function rewards.apply_access(regrole, text) is 'the GRANTs of a kind of access';

create function rewards.renew_access() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	/* roles may have been dropped since */
	delete from rewards.access a where not exists (select from pg_roles r where r.oid = a.role);
	perform rewards.apply_access(a.role, a.access) from rewards.access a;
end
$$;
revoke all on function rewards.renew_access() from public;
comment on function rewards.renew_access() is 'gives again what grant_access() has given; install() calls it';

create function rewards.grant_access(role text, access text, account text default null, kind text default 'user') returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	grantee regrole;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(role, 'role');
	perform rewards.check_not_null(access, 'access');
	if access not in ('app', 'analyst') then
		raise exception 'there is no access "%"', access
			using errcode = 'invalid_parameter_value', hint = 'Accesses are app and analyst.';
	elsif account is not null then
		raise exception 'access "%" is not bound to an account', access
			using errcode = 'invalid_parameter_value', hint = 'Leave out the account.';
	end if;
	grantee := to_regrole(quote_ident(role));
	if grantee is null then
		raise exception 'role "%" does not exist', role
			using errcode = 'undefined_object', hint = 'Make it by CREATE ROLE.';
	end if;
	insert into rewards.access (role, access) values (grantee, grant_access.access) on conflict do nothing;
	perform rewards.apply_access(grantee, access);
	perform rewards.log_call('grant_access', jsonb_build_object('role', role, 'access', access), null, null, rewards.caller()::text);
end
$$;
revoke all on function rewards.grant_access(text, text, text, text) from public;
comment on function rewards.grant_access(text, text, text, text) is
	'gives a role an access: app writes usage and reads all, analyst reads the views without e-mails; remembered and renewed by install() (X1, X4)';

create function rewards.revoke_access(role text) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(role, 'role');
	if to_regrole(quote_ident(role)) is null then
		raise exception 'role "%" does not exist', role
			using errcode = 'undefined_object', hint = 'It has no access, then.';
	end if;
	execute format('revoke all on all tables in schema rewards from %I', role);
	execute format('revoke all on all functions in schema rewards from %I', role);
	execute format('revoke all on schema rewards from %I', role);
	delete from rewards.access a where a.role = to_regrole(quote_ident(revoke_access.role));
	perform rewards.log_call('revoke_access', jsonb_build_object('role', role), null, null, rewards.caller()::text);
end
$$;
revoke all on function rewards.revoke_access(text) from public;
comment on function rewards.revoke_access(text) is 'takes every access to the schema from a role';
