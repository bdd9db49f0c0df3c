/* Partitions of usage_logs, made ahead. */

create function rewards.make_partition(first bigint, upto bigint) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	set default_tablespace = ''
as $$
declare
	name text := case when first is null then 'usage_logs_default' else format('usage_logs_%s', first) end;
begin
	/* where usage_logs says, else where the database is: the caller's tables are none of its business */
	perform set_config('default_tablespace', t.spcname, true)
	from pg_class c join pg_tablespace t on t.oid = c.reltablespace where c.oid = 'rewards.usage_logs'::regclass;
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
	/*
	 * Who sits idle in a transaction, is prepared, or waits for a lock, and has read or written
	 * the default partition does not let go of it in time: nobody needs to queue behind this
	 * call for it. And who waits for what the posting at hand has locked would be told of a
	 * deadlock, if it has waited for long.
	 */
	perform pg_stat_clear_snapshot();
	if exists (
			select from pg_locks l left join pg_stat_activity s on s.pid = l.pid
			where l.relation = to_regclass('rewards.usage_logs_default') and l.pid is distinct from pg_backend_pid()
				and l.database = (select d.oid from pg_database d where d.datname = current_database())
				and (l.pid is null or s.state like 'idle in transaction%' or s.wait_event_type = 'Lock')) then
		return 0;
	end if;
	lock table rewards.usage_partition in share row exclusive mode;
	/* those that a dump of the schema alone has brought */
	insert into rewards.usage_partition (first, upto)
	select b.bounds[1]::bigint, b.bounds[2]::bigint
	from pg_inherits i join pg_class c on c.oid = i.inhrelid
	cross join lateral (select regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''?(\d+)''?\) TO \(''?(\d+)''?\)') as bounds) b
	where i.inhparent = 'rewards.usage_logs'::regclass and b.bounds is not null
	on conflict do nothing;
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
