/*
 * Several nodes over logical replication: one directory, writers, an aggregator.
 *
 * The directory owns accounts, edges, rules, statuses and models, and gives out the
 * numbers of accounts.  What it publishes is recorded anew where it arrives: it takes
 * its place on the node's own number line and is signalled to the node's sessions, as
 * a setter there would do it.  Writers take usage and post.  Their totals reach the
 * aggregator each in a table of its own node; what changes there is added to the
 * aggregator's totals in the same transaction, so that all that reads totals works.
 */

create function rewards.node_role() returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select n.role from rewards.node n $$;
revoke all on function rewards.node_role() from public;
comment on function rewards.node_role() is 'directory, writer or aggregator; NULL where there is one node';

/* ---- what the directory sends ---- */

create function rewards.change_arrives() returns trigger
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	if tg_op = 'INSERT' and tg_argv[1] = 'history' then
		/* an aggregator has no rows, so there is none that did not know it */
		new.seen_from := case when rewards.node_role() = 'aggregator' then 0 else rewards.last_number() end;
		new.sure_from := case when rewards.node_role() = 'aggregator' then 0 end;
	end if;
	perform rewards.signal_change(tg_argv[0]::regclass);
	return new;
end
$$;
revoke all on function rewards.change_arrives() from public;
comment on function rewards.change_arrives() is
	'trigger: a rule, status or model arrives from the directory, is recorded as from now and told to all sessions. Arguments: the table to signal, history or state';

create function rewards.account_arrives() returns trigger
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	if tg_op = 'INSERT' then
		delete from rewards.newcomer n where n.kind = new.kind and n.name = new.name;
	end if;
	/* as complete_onboarding() does */
	if new.onboarded_at is not null and (tg_op = 'INSERT' or old.onboarded_at is distinct from new.onboarded_at)
			and rewards.node_role() is distinct from 'aggregator' then
		insert into rewards.onboarding (account) values (new.id);
	end if;
	if new.referrer is null or (tg_op = 'UPDATE' and old.referrer is not null) then
		return new;
	end if;
	/* as add_edge() does: a place on the line, for posting to fold it. Of an aggregator nobody posts: networks arrive counted */
	new.seen_from := case when rewards.node_role() = 'aggregator' then 0 else rewards.next_number('rewards.usage_number') end;
	new.sure_from := case when rewards.node_role() = 'aggregator' then 0 end;
	new.recorded_xid := pg_current_xact_id();
	if tg_op = 'UPDATE' then
		perform rewards.signal_change('rewards.account_signal');
	end if;
	return new;
end
$$;
revoke all on function rewards.account_arrives() from public;
comment on function rewards.account_arrives() is
	'trigger: an account or its edge arrives from the directory; the edge is recorded as from now, and told to all sessions';

create function rewards.newcomer_arrives() returns trigger
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	insert into rewards.account (kind, name, joined_at) values (new.kind, new.name, new.joined_at) on conflict do nothing;
	return null;
end
$$;
revoke all on function rewards.newcomer_arrives() from public;
comment on function rewards.newcomer_arrives() is 'trigger: a writer asks the directory to register an account; its number goes to all nodes';

create function rewards.refuse_here() returns trigger
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	raise exception 'this node is no place to write to "%"', tg_table_name
		using errcode = 'object_not_in_prerequisite_state', hint = tg_argv[0];
end
$$;
revoke all on function rewards.refuse_here() from public;
comment on function rewards.refuse_here() is 'trigger: refuses what belongs to another node (55000); the argument says where it does';

/* ---- what writers send ---- */

create function rewards.node_total_arrives() returns trigger
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	case tg_argv[0]
		when 'day_total' then
			if tg_op <> 'INSERT' then
				insert into rewards.node_change (account, day, unit, entry, level, amount, events, tokens)
				values (old.account, old.day, old.unit, old.entry, old.level, -old.amount, -old.events, -old.tokens);
			end if;
			if tg_op <> 'DELETE' then
				insert into rewards.node_change (account, day, unit, entry, level, amount, events, tokens)
				values (new.account, new.day, new.unit, new.entry, new.level, new.amount, new.events, new.tokens);
			end if;
		when 'model_total' then
			insert into rewards.node_change (account, model)
			select case when tg_op = 'DELETE' then old.owner else new.owner end, case when tg_op = 'DELETE' then old.model else new.model end;
		when 'activity' then
			insert into rewards.node_change (account) select case when tg_op = 'DELETE' then old.account else new.account end;
	end case;
	return null;
end
$$;
revoke all on function rewards.node_total_arrives() from public;
comment on function rewards.node_total_arrives() is
	'trigger: a total of another node arrives; by how much it has changed is noted. Argument: day_total, model_total or activity';

create function rewards.fold_day_changes() returns bigint
	language c volatile parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.fold_day_changes() from public;
comment on function rewards.fold_day_changes() is
	'adds what has changed in other nodes'' daily totals to this node''s totals and leaderboards; returns how many lines. The caller has locked the cursor';

create function rewards.node_activities() returns table (account bigint, first_at timestamptz, last_at timestamptz, referred bigint,
		services text[], streak integer, best_streak integer, streak_since date, last_day date, requests bigint, onboarded_at timestamptz)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select n.account, min(n.first_at), max(n.last_at), sum(n.referred)::bigint,
		array(select distinct s collate "C" from rewards.node_activity o cross join lateral unnest(o.services) s where o.account = n.account order by 1),
		(array_agg(n.streak order by n.last_day desc, n.streak desc))[1], max(n.best_streak),
		(array_agg(n.streak_since order by n.last_day desc, n.streak desc))[1], max(n.last_day), sum(n.requests)::bigint, min(n.onboarded_at)
	from rewards.node_activity n group by n.account
$$;
revoke all on function rewards.node_activities() from public;
comment on function rewards.node_activities() is
	'what accounts have done on all nodes that arrive here; of runs of days, which each node counts by itself, the one that ends last';

create function rewards.fold_other_changes() returns void
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* these are few: made anew from what all nodes have */
	with touched as materialized (
		delete from rewards.node_change c using rewards.account a where a.id = c.account and c.model is not null
		returning c.account as owner, c.model
	), present as materialized (
		select n.owner, n.model, sum(n.events)::bigint as events, sum(n.tokens)::bigint as tokens, sum(n.amount) as amount,
			min(n.first_at) as first_at, max(n.last_at) as last_at
		from rewards.node_model_total n where (n.owner, n.model) in (select t.owner, t.model from touched t)
		group by n.owner, n.model
	), gone as (
		delete from rewards.model_total m
		where (m.owner, m.model) in (select t.owner, t.model from touched t) and (m.owner, m.model) not in (select p.owner, p.model from present p)
	)
	insert into rewards.model_total as m (owner, model, events, tokens, amount, first_at, last_at)
	select p.owner, p.model, p.events, p.tokens, p.amount, p.first_at, p.last_at from present p
	on conflict (owner, model) do update set events = excluded.events, tokens = excluded.tokens, amount = excluded.amount,
		first_at = excluded.first_at, last_at = excluded.last_at;

	with touched as materialized (
		delete from rewards.node_change c using rewards.account a where a.id = c.account and c.model is null and c.day is null
		returning c.account
	), present as materialized (
		select n.* from (select distinct t.account from touched t) t
		cross join lateral (select * from rewards.node_activities() a where a.account = t.account) n
	), gone as (
		delete from rewards.activity v
		where v.account in (select t.account from touched t) and v.account not in (select p.account from present p)
	)
	insert into rewards.activity as v (account, first_at, last_at, referred, services, streak, best_streak, streak_since, last_day, requests, onboarded_at)
	select p.account, p.first_at, p.last_at, p.referred, p.services, p.streak, p.best_streak, p.streak_since, p.last_day, p.requests, p.onboarded_at
	from present p
	on conflict (account) do update set first_at = excluded.first_at, last_at = excluded.last_at, referred = excluded.referred,
		services = excluded.services, streak = excluded.streak, best_streak = excluded.best_streak, streak_since = excluded.streak_since,
		last_day = excluded.last_day, requests = excluded.requests, onboarded_at = excluded.onboarded_at;
$$;
revoke all on function rewards.fold_other_changes() from public;
comment on function rewards.fold_other_changes() is
	'makes anew what has changed by model and in what accounts have done, from all nodes. The caller has locked the cursor';

create function rewards.fold_node_changes() returns trigger
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	number bigint;
begin
	if tg_argv[0] = 'account' then
		number := new.id;
	else
		number := new.account;
		/* the first of a transaction has folded for all */
		if not exists (select from rewards.node_change c where c.account = number) then
			return null;
		end if;
	end if;
	/* one at a time, and each sees what the one before has left: a change finds its account, or the account finds the change */
	perform from rewards.cursor c where c.single for update;
	if exists (select from rewards.node_change c where c.account = number)
			and exists (select from rewards.account a where a.id = number) then
		perform rewards.fold_day_changes();
		perform rewards.fold_other_changes();
		/* who remembers totals goes by the cursor's row */
		update rewards.cursor set posted_at = clock_timestamp() where single;
	end if;
	return null;
end
$$;
revoke all on function rewards.fold_node_changes() from public;
comment on function rewards.fold_node_changes() is
	'trigger, at the end of a transaction: folds what has arrived of other nodes, of accounts that are known. Argument: the table that it is on';


/* ---- what a node is ---- */

create function rewards.send_totals(number integer) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	total record;
begin
	/*
	 * Sent under the name of a table around it, which tells whose they are.  Posting
	 * goes on writing to the one it knows.
	 */
	for total in
		select 'day_total' as name, 'account, day, unit, entry, level' as key, 'account' as first
		union all select 'model_total', 'owner, model', 'owner'
		union all select 'activity', 'account', 'account'
	loop
		execute format('create table rewards.node_%s_%s (like rewards.%2$s, primary key (%s)) partition by list (%s)',
			number, total.name, total.key, total.first);
		execute format('comment on table rewards.node_%s_%s is %L', number, total.name, 'the name under which others get ' || total.name || ' of this node');
		execute format('alter table rewards.node_%s_%s attach partition rewards.%2$s default', number, total.name);
	end loop;
	execute format('create publication rewards_totals for table rewards.node_%1$s_day_total, rewards.node_%1$s_model_total, rewards.node_%1$s_activity%2$s
		with (publish_via_partition_root = true, publish = ''insert, update, delete'')', number, case when number = 0 then ', rewards.network, rewards.network_size, rewards.edge_month' end);
end
$$;
revoke all on function rewards.send_totals(integer) from public;
comment on function rewards.send_totals(integer) is 'publishes the totals of this node as node_NUMBER_day_total and so on; set_node() calls it';

create function rewards.take_totals(number integer) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	total record;
	name text;
begin
	for total in
		select 'day_total' as name, 'account, day, unit, entry, level' as key
		union all select 'model_total', 'owner, model'
		union all select 'activity', 'account'
	loop
		name := format('node_%s_%s', number, total.name);
		continue when to_regclass('rewards.' || name) is not null;
		execute format('create table rewards.%I (primary key (%s)) inherits (rewards.%I)', name, total.key, 'node_' || total.name);
		execute format('comment on table rewards.%I is %L', name, total.name || ' of another node, as far as it has arrived');
		execute format('create trigger node_arrival after insert or update or delete on rewards.%I
			for each row execute function rewards.node_total_arrives(%L)', name, total.name);
		execute format('comment on trigger node_arrival on rewards.%I is %L', name, 'adds it to the totals of all');
		execute format('alter table rewards.%I enable always trigger node_arrival', name);
		execute format('create trigger node_kept before truncate on rewards.%I for each statement execute function rewards.refuse_change()', name);
		execute format('comment on trigger node_kept on rewards.%I is %L', name, 'what goes is taken from the totals of all, row by row');
		execute format('alter table rewards.%I enable always trigger node_kept', name);
	end loop;
end
$$;
revoke all on function rewards.take_totals(integer) from public;
comment on function rewards.take_totals(integer) is 'of an aggregator: makes the tables that take in the totals of a node; set_node() calls it';

create function rewards.publish_directory() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	state text;
	history text;
begin
	/* what a node knows of time it finds out by itself */
	select string_agg(format('rewards.%I (%s)', t.name, t.columns), ', ') filter (where not t.appended),
		string_agg(format('rewards.%I (%s)%s', t.name, t.columns, case t.name when 'account_fact' then ' where (fact = ''multiplier'')' end), ', ')
			filter (where t.appended)
	into state, history
	from (
		select c.relname as name, c.relname in ('rule', 'account_fact', 'account_status', 'model_fact') as appended,
			string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
		from pg_class c join pg_attribute a on a.attrelid = c.oid
		where c.relnamespace = 'rewards'::regnamespace
			and c.relname in ('account', 'model', 'character', 'unit', 'rule', 'account_fact', 'account_status', 'model_fact')
			and a.attnum > 0 and not a.attisdropped and a.attname not in ('seen_from', 'sure_from', 'recorded_xid')
		group by c.relname
	) t;
	execute format('create publication rewards_directory for table %s with (publish = ''insert, update, delete'')', state);
	/* only ever appended to; a streak is its node's own */
	execute format('create publication rewards_history for table %s with (publish = ''insert'')', history);
	create trigger node_arrival before insert on rewards.newcomer for each row execute function rewards.newcomer_arrives();
	comment on trigger node_arrival on rewards.newcomer is 'registers for writers';
	alter table rewards.newcomer enable replica trigger node_arrival;
end
$$;
revoke all on function rewards.publish_directory() from public;
comment on function rewards.publish_directory() is 'publishes what the directory owns; set_node() calls it';

create function rewards.follow_directory() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	elsewhere text := 'Do it on the directory; it comes here from there.';
	owned record;
begin
	for owned in
		select * from (values
			('rule', 'rewards.rule', 'history', 'insert', ''),
			('account_fact', 'rewards.account_fact', 'history', 'insert', 'for each row when (new.fact = ''multiplier'')'),
			('account_status', 'rewards.account_status', 'history', 'insert', ''),
			('model_fact', 'rewards.model_fact', 'history', 'insert', ''),
			('model', 'rewards.model_fact', 'state', 'insert or update or delete', ''),
			('character', null, null, 'insert or update or delete', ''),
			/* install() looks after the first four */
			('unit', null, null, 'insert or update', 'for each row when (new.number > 4)'),
			/* posting here finds out from which number on everybody knew an edge */
			('account', null, null, 'insert or update of kind, name, referrer, referred_at, code, email, joined_at, onboarded_at', '')
		) o(name, signal, sort, events, row)
	loop
		execute format('create trigger node_refusal before %s on rewards.%I %s execute function rewards.refuse_here(%L)',
			owned.events, owned.name, owned.row, elsewhere);
		execute format('comment on trigger node_refusal on rewards.%I is %L', owned.name, 'belongs to the directory');
		continue when owned.signal is null;
		execute format('create trigger node_arrival before insert or update on rewards.%I for each row execute function rewards.change_arrives(%L, %L)',
			owned.name, owned.signal, owned.sort);
		execute format('comment on trigger node_arrival on rewards.%I is %L', owned.name, 'what comes from the directory is recorded as from now');
		execute format('alter table rewards.%I enable replica trigger node_arrival', owned.name);
	end loop;
	create trigger node_arrival before insert or update on rewards.account for each row execute function rewards.account_arrives();
	comment on trigger node_arrival on rewards.account is 'an edge from the directory takes its place on this node''s line';
	alter table rewards.account enable replica trigger node_arrival;

	/* the preset's rules and the units of money come from the directory like all others */
	alter table rewards.rule disable trigger rule_immutable;
	delete from rewards.rule;
	alter table rewards.rule enable trigger rule_immutable;
	delete from rewards.unit;
	perform rewards.signal_change('rewards.rule');
end
$$;
revoke all on function rewards.follow_directory() from public;
comment on function rewards.follow_directory() is 'makes this database take from the directory what that owns; set_node() calls it';

create function rewards.make_aggregator() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	name text;
begin
	foreach name in array '{usage_logs,journal}'::text[] loop
		execute format('create trigger node_refusal before insert on rewards.%I execute function rewards.refuse_here(%L)',
			name, 'Do it on a writer; its totals come here.');
		execute format('comment on trigger node_refusal on rewards.%I is %L', name, 'an aggregator has no events of its own');
	end loop;
	foreach name in array '{node_change,account}'::text[] loop
		execute format('create constraint trigger node_fold after insert on rewards.%I deferrable initially deferred
			for each row execute function rewards.fold_node_changes(%L)', name, name);
		execute format('comment on trigger node_fold on rewards.%I is %L', name, 'what has come from nodes is in the totals when the transaction ends');
		execute format('alter table rewards.%I enable always trigger node_fold', name);
	end loop;
	/* nothing is to be posted here */
	perform rewards.end_worker();
	update rewards.worker set stopped = true, stays = false;
end
$$;
revoke all on function rewards.make_aggregator() from public;
comment on function rewards.make_aggregator() is 'makes this database take in totals of other nodes and no events; set_node() calls it';

create function rewards.set_node(role text, number integer default 0) returns text
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	former rewards.node;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(role, 'role');
	perform rewards.check_not_null(number, 'number');
	if role not in ('directory', 'writer', 'aggregator') then
		raise exception 'unknown role "%"', role
			using errcode = 'invalid_parameter_value', hint = 'A node is a directory, a writer or an aggregator.';
	elsif number not between 0 and 9999 or (number = 0) <> (role = 'directory') then
		raise exception 'number % is none for role %', number, role
			using errcode = 'invalid_parameter_value',
				hint = 'The directory is 0, writers are 1 to 9999, and an aggregator says up to which number it takes in nodes.';
	end if;
	select n.* into former from rewards.node n;
	if former.role <> role or (former.number <> number and (role <> 'aggregator' or former.number > number)) then
		raise exception 'this node is % % already', former.role, former.number
			using errcode = 'object_not_in_prerequisite_state', hint = 'Make another node of a new database.';
	elsif former.role is null and role <> 'directory'
			and (exists (select from rewards.account) or exists (select from rewards.usage_logs) or exists (select from rewards.journal)) then
		raise exception 'this database is in use'
			using errcode = 'object_not_in_prerequisite_state', hint = 'Only a directory can be made of a programme that runs. Take a new database.';
	end if;
	if former.role is null and role <> 'directory' then
		perform rewards.follow_directory();
	end if;
	case
		when former.role is not null and role <> 'aggregator' then
			null;
		when role = 'directory' then
			perform rewards.publish_directory();
			perform rewards.send_totals(0);
		when role = 'writer' then
			perform rewards.send_totals(number);
			create publication rewards_newcomers for table rewards.newcomer with (publish = 'insert');
			/* of streaks found here, beside multipliers from the directory */
			perform setval('rewards.account_fact_id_seq', number * 1099511627776);
		else
			if former.role is null then
				perform rewards.make_aggregator();
			end if;
			perform rewards.take_totals(n) from generate_series(0, number) n;
	end case;
	insert into rewards.node (role, number) values (role, number) on conflict (single) do update set number = excluded.number;
	perform rewards.guard_tables();
	perform rewards.log_call('set_node', jsonb_build_object('role', role, 'number', number),
		case when former.role is not null then jsonb_build_object('role', former.role, 'number', former.number) end,
		jsonb_build_object('role', role, 'number', number), rewards.caller()::text);
	return format('%s %s', role, number);
end
$$;
revoke all on function rewards.set_node(text, integer) from public;
comment on function rewards.set_node(text, integer) is
	'makes this database one of several nodes: directory (0), writer (1 to 9999) or aggregator (the highest node it takes in; call it again for more). Makes the publications that others subscribe to. Only the extension''s owner may call it. 22023, 55000';
