/*
 * Referral networks: who is above, who is below and how many, how they grow.  All
 * STABLE, under the caller's snapshot; unknown accounts have nobody.  Edges are
 * followed by account numbers: the kinds at their ends may differ.
 */

create function rewards.network_levels(account bigint, out level integer, out accounts bigint)
	returns setof record
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe;
revoke all on function rewards.network_levels(bigint) from public;
comment on function rewards.network_levels(bigint) is
	'how many accounts stand below one at each level up to 32, folded or not, without walking down';

create function rewards.account_number(kind text, account text) returns bigint
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select a.id from rewards.account a where a.name = account_number.account and a.kind = account_number.kind $$;
revoke all on function rewards.account_number(text, text) from public;
comment on function rewards.account_number(text, text) is
	'number of a registered account in the caller''s snapshot, else NULL; for reading';

/* each step down is one look-up by index, whatever the planner thinks of the table's sizes */
create function rewards.descendants(number bigint) returns table (level integer, name text, joined_at timestamptz)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with recursive below(level, account, name, joined_at) as (
		select 1, a.id, a.name, a.joined_at from rewards.account a where a.referrer = descendants.number
		union all
		select b.level + 1, n.id, n.name, n.joined_at
		from below b
		cross join lateral (select a.id, a.name, a.joined_at from rewards.account a where a.referrer = b.account offset 0) n
	)
	select b.level, b.name, b.joined_at from below b
$$;
revoke all on function rewards.descendants(bigint) from public;
comment on function rewards.descendants(bigint) is 'all accounts below one, of any depth, found by walking down';

create function rewards.network_sizes(kind text, account text) returns table (level integer, accounts bigint)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	number bigint := rewards.account_number(network_sizes.kind, network_sizes.account);
	deepest integer;
begin
	return query select n.level, n.accounts from rewards.network_levels(number) n;
	get diagnostics deepest = row_count;
	/* posting counts 32 levels; what lies deeper is rare, and counted by a walk */
	if deepest = 32 then
		return query select d.level, count(*) from rewards.descendants(number) d where d.level > 32 group by d.level order by d.level;
	end if;
end
$$;
revoke all on function rewards.network_sizes(text, text) from public;
comment on function rewards.network_sizes(text, text) is
	'how many accounts an account has below it at each level, exact within the snapshot, posted or not (R13)';

/* ---- what everybody may ask ---- */

create type rewards.chain_member as (level integer, account text);
comment on type rewards.chain_member is 'who is above an account: level 1 is its referrer';
create type rewards.network_member as (level integer, account text, joined_at timestamptz);
comment on type rewards.network_member is 'who is below an account: level 1 are its own referees';

create function rewards.referral_chain(account text, kind text default 'user', depth integer default null)
	returns setof rewards.chain_member
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	number bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_reader(account, kind);
	if depth < 0 then
		raise exception 'depth must not be negative'
			using errcode = 'invalid_parameter_value', hint = 'Leave it out for the whole chain.';
	end if;
	number := rewards.account_number(kind, account);
	return query
	with recursive chain(level, name, referrer) as (
		select 0, a.name, a.referrer from rewards.account a where a.id = number
		union all
		select c.level + 1, r.name, r.referrer
		from chain c cross join lateral (select a.name, a.referrer from rewards.account a where a.id = c.referrer offset 0) r
		where c.level < depth or depth is null
	)
	select c.level, c.name from chain c where c.level > 0 order by c.level;
end
$$;
revoke all on function rewards.referral_chain(text, text, integer) from public;
comment on function rewards.referral_chain(text, text, integer) is
	'who referred an account, who referred that one, and so on: level 1 is its own referrer. depth: so many levels, NULL all (R4)';

create function rewards.referral_network(account text, kind text default 'user')
	returns setof rewards.network_member
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	number bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_reader(account, kind);
	number := rewards.account_number(kind, account);
	return query
	select d.level, d.name, d.joined_at from rewards.descendants(number) d order by d.level, d.joined_at, d.name collate "C";
end
$$;
revoke all on function rewards.referral_network(text, text) from public;
comment on function rewards.referral_network(text, text) is
	'everybody an account has referred, directly or through others: level 1 are its own referees; by level, then by when they joined (R13)';

/* ---- statistics ---- */

create function rewards.referral_performance(number bigint, active_days integer) returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* added up, not joined: the planner does not know how long the tail is */
	with referee as (
		select f.account, max(f.joined_at) as joined_at, max(f.last_at) as last_at, sum(f.days) as days
		from (
			select r.id, r.joined_at, v.last_at,
				/* no more days than are asked for are read */
				case when v.last_at is not null then (
					select count(*) from (
						select distinct t.day from rewards.day_total t
						where t.account = r.id and t.unit = 1 and t.entry in (1, 2) and t.events > 0
						order by t.day limit referral_performance.active_days) d) end
			from rewards.account r
			left join lateral (select nullif(v.last_at, '-infinity') as last_at from rewards.activity v where v.account = r.id offset 0) v on true
			where r.referrer = referral_performance.number
			union all
			select a.id, a.joined_at, t.last_at, 0
			from rewards.tail_accounts() t
			cross join lateral (
				select r.id, r.joined_at, r.referrer from rewards.account r
				where r.id = coalesce(t.account_number, rewards.account_number(t.kind, t.account)) offset 0) a
			where t.last_at is not null and a.referrer = referral_performance.number
			union all
			/* only days that the totals do not have yet, each once */
			select d.id, d.joined_at, null, 1
			from (
				select a.id, a.joined_at, t.period
				from rewards.tail_totals('day') t
				cross join lateral (
					select r.id, r.joined_at, r.referrer from rewards.account r
					where r.id = coalesce(t.account_number, rewards.account_number(t.kind, t.account)) offset 0) a
				where t.unit = 1 and t.entry in (1, 2) and t.events > 0 and a.referrer = referral_performance.number
				group by a.id, a.joined_at, t.period
			) d
			where not exists (select from rewards.day_total f
				where f.account = d.id and f.day = d.period and f.unit = 1 and f.entry in (1, 2) and f.events > 0)
		) f(account, joined_at, last_at, days)
		group by f.account
	)
	select jsonb_build_object(
		'conversion', trim_scale(round(count(r.last_at)::numeric / nullif(count(*), 0), 9)),
		'activation', trim_scale(round(count(*) filter (where r.days >= referral_performance.active_days)::numeric / nullif(count(*), 0), 9)),
		'retention', trim_scale(round(count(*) filter (where r.last_at - interval '30 days' >= r.joined_at)::numeric / nullif(count(*), 0), 9)),
		'activeReferees', count(*) filter (where r.last_at >= now() - interval '30 days'))
	from referee r
$$;
revoke all on function rewards.referral_performance(bigint, integer) from public;
comment on function rewards.referral_performance(bigint, integer) is
	'of an account''s direct referees: which part has made a request, on enough days, 30 days or more after joining, and how many are active';

create function rewards.current_code(number bigint) returns text
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if rewards.setting('code_policy') = 'identity' then
		return (select a.name from rewards.account a where a.id = number
			and not exists (select from rewards.voided_identity v where v.account = number));
	end if;
	return (select c.code from rewards.code c where c.account = number and c.voided_at is null
		order by c.custom desc, c.created_at limit 1);
end
$$;
revoke all on function rewards.current_code(bigint) from public;
comment on function rewards.current_code(bigint) is
	'the code by which an account refers others, its own choice first; NULL when it has none yet';

create function rewards.referral_points(account text, kind text) returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* bonuses of a level are for something a referee did; those of level 0 are for oneself */
	with line as materialized (
		/* with what was taken back, which stands under the negative number */
		select abs(l.entry) as entry, l.level, sum(l.amount) as amount, sum(l.events) as events
		from rewards.account_lines(referral_points.account, referral_points.kind, 'month') l
		where l.unit = 1 and abs(l.entry) < 12
		group by abs(l.entry), l.level
	), part as (
		select coalesce(sum(l.amount) filter (where l.entry in (1, 2)), 0) as own,
			coalesce(sum(l.amount) filter (where l.entry = 3), 0) as referral,
			coalesce(sum(l.amount) filter (where l.entry between 5 and 11), 0) as bonus,
			coalesce(sum(l.amount) filter (where l.entry between 5 and 9 and l.level > 0), 0) as for_referees,
			coalesce(sum(l.amount), 0) as total
		from line l
	)
	select jsonb_build_object(
		'rewards', jsonb_build_object(
			'byLevel', coalesce((select jsonb_agg(jsonb_build_object('level', l.level, 'points', trim_scale(l.amount), 'events', l.events) order by l.level)
				from line l where l.entry = 3), '[]'),
			'bonus', trim_scale(p.for_referees),
			'total', trim_scale(p.referral + p.for_referees)),
		'earnings', jsonb_build_object('own', trim_scale(p.own), 'referral', trim_scale(p.referral),
			'bonus', trim_scale(p.bonus), 'total', trim_scale(p.total)))
	from part p
$$;
revoke all on function rewards.referral_points(text, text) from public;
comment on function rewards.referral_points(text, text) is 'an account''s points of all time, and what of them its referees brought, as JSON';

create function rewards.referral_stats(account text, kind text default 'user') returns jsonb
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	number bigint;
	referrer text;
	network jsonb;
	growth jsonb;
	history jsonb;
	zone text;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_reader(account, kind);
	number := rewards.account_number(referral_stats.kind, referral_stats.account);
	referrer := (select r.name from rewards.account a join rewards.account r on r.id = a.referrer where a.id = number);
	select jsonb_build_object(
		'direct', coalesce(sum(n.accounts) filter (where n.level = 1), 0),
		'secondary', coalesce(sum(n.accounts) filter (where n.level = 2), 0),
		'tertiary', coalesce(sum(n.accounts) filter (where n.level = 3), 0),
		'deeper', coalesce(sum(n.accounts) filter (where n.level > 3), 0),
		'total', coalesce(sum(n.accounts), 0))
	into network from rewards.network_sizes(referral_stats.kind, referral_stats.account) n;
	zone := rewards.setting('time_zone');
	select coalesce(jsonb_agg(jsonb_build_object('month', g.month, 'added', g.added) order by g.month), '[]')
	into growth
	from (
		select date_trunc('month', r.referred_at at time zone zone)::date as month, count(*) as added
		from rewards.account r where r.referrer = number
		group by 1
	) g;
	select jsonb_agg(jsonb_build_object('day', h.day, 'own', h.own, 'referral', h.referral, 'bonus', h.bonus, 'total', h.total) order by h.day)
	into history from rewards.earning_history(referral_stats.account, referral_stats.kind) h;
	return jsonb_build_object('code', rewards.current_code(number), 'hasReferrer', referrer is not null, 'referrer', referrer,
			'network', network, 'growth', growth, 'history', history, 
			'performance', rewards.referral_performance(number, rewards.setting('active_days')::integer))
		|| rewards.referral_points(referral_stats.account, referral_stats.kind);
end
$$;
revoke all on function rewards.referral_stats(text, text) from public;
comment on function rewards.referral_stats(text, text) is
	'what a referral page shows of an account, as JSON: code, referrer, network, growth, rewards, earnings, history, performance (R13, R14, N3)';

/* ---- what is kept for analysts: of an older version, and of one that has changed its time zone ---- */

create function rewards.folded_edges()
	returns table (joined date, sent date, inviter_kind text, kind text, edges bigint, onboarded bigint, active bigint, retained bigint)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	set jit = off
as $$
	select l.joined, l.sent, l.inviter_kind, l.kind, count(*),
		count(*) filter (where s.onboarded), count(*) filter (where s.active), count(*) filter (where s.retained)
	from rewards.edge_lines l
	join rewards.cursor c on c.single
	left join rewards.referee_stage s on s.account = l.referee
	where l.seen_from <= c.last and (cardinality(c.open_first) = 0 or rewards.is_folded(l.seen_from, c.last, c.open_first, c.open_last))
	group by 1, 2, 3, 4
$$;
revoke all on function rewards.folded_edges() from public;
comment on function rewards.folded_edges() is 'the table edge_month as the edges and referee_stage have it';

create function rewards.count_edges() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	set jit = off
as $$
begin
	delete from rewards.edge_month;
	delete from rewards.referee_stage;
	insert into rewards.referee_stage (account, onboarded, active, retained, reversed)
	select n.account, n.onboarded, n.active, n.retained,
		n.account in (select d.account from rewards.day_total d where d.unit = 1 and d.entry in (-1, -2) and d.events <> 0)
	from rewards.folded_stages n join rewards.cursor c on c.single
	where n.seen_from <= c.last and (cardinality(c.open_first) = 0 or rewards.is_folded(n.seen_from, c.last, c.open_first, c.open_last));
	insert into rewards.edge_month (joined, sent, inviter_kind, kind, edges, onboarded, active, retained)
	select e.joined, e.sent, e.inviter_kind, e.kind, e.edges, e.onboarded, e.active, e.retained from rewards.folded_edges() e;
end
$$;
revoke all on function rewards.count_edges() from public;
comment on function rewards.count_edges() is 'fills the tables edge_month and referee_stage anew; the caller has locked the cursor';

create function rewards.folded_values() returns table (account bigint, value numeric)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	set jit = off
as $$
	select a.referrer, trim_scale(sum(v.value))
	from rewards.account a
	join rewards.cursor c on c.single
	join (
		select m.account, sum(case m.unit when 3 then -m.amount else m.amount end) as value
		from rewards.month_total m
		where case m.unit when 1 then abs(m.entry) < 12 when 2 then abs(m.entry) = 4 when 3 then abs(m.entry) = 2 end
		group by m.account) v on v.account = a.id
	where a.referrer is not null and a.seen_from <= c.last
		and (cardinality(c.open_first) = 0 or rewards.is_folded(a.seen_from, c.last, c.open_first, c.open_last))
	group by a.referrer
$$;
revoke all on function rewards.folded_values() from public;
comment on function rewards.folded_values() is 'value in the table network_size as the monthly totals of accounts and the edges have it';

create function rewards.fill_networks() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	insert into rewards.network_size (account, direct, network, depth, value)
	select n.account, n.direct, n.network, n.depth, coalesce(v.value, 0)
	from (
		select n.account, coalesce(sum(n.accounts) filter (where n.level = 1), 0) as direct, sum(n.accounts) as network, max(n.level) as depth
		from rewards.network n group by n.account) n
	left join rewards.folded_values() v on v.account = n.account;
	perform rewards.count_edges();
end
$$;
revoke all on function rewards.fill_networks() from public;
comment on function rewards.fill_networks() is 'sums up networks and edges that an older version has folded; install() calls it';

/* ---- what posting counts for analysts ---- */

create function rewards.fold_stages(accounts bigint[], advanced boolean[], reversed boolean[]) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	set jit = off
as $$
declare
	needed integer := rewards.setting('active_days')::integer;
begin
	with told as materialized (
		delete from rewards.onboarding o returning o.account
	), candidate as materialized (
		/* most have come through all stages long ago, and only by what is taken back do they fall behind again; of the others most go on where they are */
		select s.account, s.onboarded, s.active, s.retained, s.reversed or n.reversed as reversed,
			n.reversed or not s.active as look
		from (
			select l.account, bool_or(l.advanced) as advanced, bool_or(l.reversed) as reversed
			from (select * from unnest(accounts, advanced, reversed) union all select t.account, true, false from told t) l(account, advanced, reversed)
			group by l.account) n
		join rewards.referee_stage s on s.account = n.account
		where n.reversed or not (s.onboarded and s.active and s.retained) and (n.advanced or s.reversed)
	), changed as materialized (
		select c.account, n.onboarded, n.active, n.retained, c.reversed, n.onboarded::integer - c.onboarded::integer as more_onboarded,
			n.active::integer - c.active::integer as more_active, n.retained::integer - c.retained::integer as more_retained
		from candidate c
		cross join lateral (select a.referred_at, a.onboarded_at from rewards.account a where a.id = c.account offset 0) a
		left join lateral (select v.requests, v.last_at, v.onboarded_at from rewards.activity v where v.account = c.account offset 0) v on true
		cross join lateral (
			/* as the view folded_stages has it; days are looked at only where they can have changed */
			select least(a.onboarded_at, v.onboarded_at) < 'infinity' is true as onboarded,
				case when c.look then v.requests > 0 is true and (
					select count(*) from (
						select from rewards.day_total d
						where d.account = c.account and d.unit = 1 and abs(d.entry) in (1, 2)
						group by d.day having sum(d.events) > 0
						order by d.day limit needed) d) >= needed else c.active end as active,
				v.last_at - interval '720 hours' >= a.referred_at is true as retained
			/* worked out once, though asked for several times */
			offset 0
		) n
		where (n.onboarded, n.active, n.retained) <> (c.onboarded, c.active, c.retained) or c.look and c.reversed
	), kept as (
		update rewards.referee_stage s set onboarded = c.onboarded, active = c.active, retained = c.retained, reversed = c.reversed
		from changed c where s.account = c.account
	)
	update rewards.edge_month m
	set onboarded = m.onboarded + d.onboarded, active = m.active + d.active, retained = m.retained + d.retained
	from (
		select l.joined, l.sent, l.inviter_kind, l.kind, sum(c.more_onboarded) as onboarded, sum(c.more_active) as active, sum(c.more_retained) as retained
		from changed c
		cross join lateral (select l.* from rewards.edge_lines l where l.referee = c.account offset 0) l
		where (c.more_onboarded, c.more_active, c.more_retained) <> (0, 0, 0)
		group by l.joined, l.sent, l.inviter_kind, l.kind) d
	where m.joined = d.joined and m.sent = d.sent and m.inviter_kind = d.inviter_kind and m.kind = d.kind;
end
$$;
revoke all on function rewards.fold_stages(bigint[], boolean[], boolean[]) from public;
comment on function rewards.fold_stages(bigint[], boolean[], boolean[]) is
	'counts referees that have reached a stage, or fallen behind one; post() calls it with whoever made requests, who of them may have reached one, and with those of whom some were taken back';

create function rewards.fold_edges(referees bigint[]) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	set jit = off
as $$
begin
	insert into rewards.edge_month as m (joined, sent, inviter_kind, kind, edges)
	select l.joined, l.sent, l.inviter_kind, l.kind, count(*)
	from rewards.edge_lines l where l.referee = any (referees)
	group by l.joined, l.sent, l.inviter_kind, l.kind
	on conflict (joined, sent, inviter_kind, kind) do update set edges = m.edges + excluded.edges;

	insert into rewards.referee_stage (account, onboarded, active, retained, reversed)
	select n, false, false, false,
		exists (select from rewards.day_total d where d.account = n and d.unit = 1 and d.entry in (-1, -2) and d.events <> 0)
	from unnest(referees) n
	on conflict (account) do nothing;
	perform rewards.fold_stages(referees, array_fill(true, array[cardinality(referees)]), array_fill(false, array[cardinality(referees)]));

	/* what the referees have brought before */
	update rewards.network_size s set value = trim_scale(s.value + v.value)
	from (
		select a.referrer, sum(case m.unit when 3 then -m.amount else m.amount end) as value
		from rewards.account a
		cross join lateral (
			select m.unit, m.amount from rewards.month_total m
			where m.account = a.id and case m.unit when 1 then abs(m.entry) < 12 when 2 then abs(m.entry) = 4 when 3 then abs(m.entry) = 2 end offset 0) m
		where a.id = any (referees)
		group by a.referrer) v
	where s.account = v.referrer;
end
$$;
revoke all on function rewards.fold_edges(bigint[]) from public;
comment on function rewards.fold_edges(bigint[]) is 'counts edges by month, and what their referees have done and brought so far; post() calls it when they are in the networks';

/* ---- verify ---- */

create function rewards.verify_network() returns table (part text, subject text, expected text, found text, detail text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* no deeper than is counted: chains in a circle end there, too */
	with recursive edge as materialized (
		select a.id as referee, a.referrer
		from rewards.account a join rewards.cursor c on c.single
		where a.referrer is not null and a.seen_from <= c.last
			and (cardinality(c.open_first) = 0 or rewards.is_folded(a.seen_from, c.last, c.open_first, c.open_last))
	), walk(ancestor, level, accounts) as (
		/* those below one account go up together: most have nobody below them */
		select e.referrer, 1, count(*) from edge e group by e.referrer
		union all
		select e.referrer, w.level + 1, w.accounts from walk w join edge e on e.referee = w.ancestor where w.level < 32
	), counted as (
		select w.ancestor as account, w.level, sum(w.accounts)::bigint as accounts from walk w group by 1, 2
	)
	select 'network', concat_ws(' ', a.kind, '"' || a.name || '"'), e.accounts::text, n.accounts::text,
		format('level %s of the network differs from the edges', coalesce(e.level, n.level))
	from counted e
	full join rewards.network n on n.account = e.account and n.level = e.level
	left join rewards.account a on a.id = coalesce(e.account, n.account)
	where e.accounts is distinct from n.accounts
	union all
	select 'network_size', concat_ws(' ', a.kind, '"' || a.name || '"'), e.size::text, s.size::text, 'differs from the edges'
	from (
		select n.account, row(n.direct, n.network, n.depth, trim_scale(coalesce(v.value, 0))) as size
		from (
			select c.account, coalesce(sum(c.accounts) filter (where c.level = 1), 0) as direct, sum(c.accounts) as network, max(c.level) as depth
			from counted c group by c.account) n
		left join rewards.folded_values() v on v.account = n.account
	) e
	full join (select s.account, row(s.direct, s.network, s.depth, trim_scale(s.value)) as size from rewards.network_size s) s on s.account = e.account
	left join rewards.account a on a.id = coalesce(e.account, s.account)
	where e.size::text is distinct from s.size::text
	union all
	select 'edge_month', concat_ws(' ', to_char(joined, 'YYYY-MM-DD'), to_char(sent, 'YYYY-MM-DD'), inviter_kind, kind), e.counts::text, m.counts::text, 'differs from the edges'
	from (select e.joined, e.sent, e.inviter_kind, e.kind, row(e.edges, e.onboarded, e.active, e.retained) as counts from rewards.folded_edges() e) e
	full join (select m.joined, m.sent, m.inviter_kind, m.kind, row(m.edges, m.onboarded, m.active, m.retained) as counts from rewards.edge_month m) m
		using (joined, sent, inviter_kind, kind)
	where e.counts::text is distinct from m.counts::text
	union all
	select 'referee_stage', concat_ws(' ', a.kind, '"' || a.name || '"'), e.stages::text, s.stages::text, 'differs from what the referee has done'
	from (
		select n.account, row(n.onboarded, n.active, n.retained) as stages
		from rewards.folded_stages n join edge e on e.referee = n.account
	) e
	full join (select s.account, row(s.onboarded, s.active, s.retained) as stages from rewards.referee_stage s) s on s.account = e.account
	left join rewards.account a on a.id = coalesce(e.account, s.account)
	where e.stages::text is distinct from s.stages::text and not exists (select from rewards.onboarding o where o.account = a.id)
$$;
revoke all on function rewards.verify_network() from public;
comment on function rewards.verify_network() is 'sizes and values of networks, edges by month and stages of referees that are not what the folded edges and the totals of accounts give, computed in plain SQL';
