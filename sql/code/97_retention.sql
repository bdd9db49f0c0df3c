/*
 * What goes: partitions of usage_logs that are older than is to be kept.
 *
 * First a partition is summed up: what its rows come to is written down, and from then on
 * counts instead of them.  That takes no lock, and every snapshot shows either the rows
 * without their sums or the sums.  Later, when no snapshot of before is left, the table
 * goes, which takes a moment.
 */

create function rewards.tally_rows(first bigint, upto bigint, time_zone text)
	returns table (sort "char", account bigint, day date, unit smallint, entry smallint, level smallint, name text, amount numeric, events bigint,
		tokens bigint, sides integer, first_at timestamptz, last_at timestamptz, referred_least bigint, referred_most bigint)
	language c stable strict parallel unsafe rows 1000000 as 'MODULE_PATHNAME';
revoke all on function rewards.tally_rows(bigint, bigint, text) from public;
comment on function rewards.tally_rows(bigint, bigint, text) is 'what rows of usage add up to, in parts, as tally() has it without anything stored: from first up to, not including, upto';

create function rewards.unpriced_rows(first bigint, last bigint) returns bigint
	language c stable strict parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.unpriced_rows(bigint, bigint) from public;
comment on function rewards.unpriced_rows(bigint, bigint) is 'how many requests of mainnet among some numbers had no price';

create function rewards.is_seen_by_all(transaction xid8) returns boolean
	language c volatile strict parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.is_seen_by_all(xid8) from public;
comment on function rewards.is_seen_by_all(xid8) is 'whether every running snapshot shows what a transaction has committed';

create function rewards.in_transaction_block() returns boolean
	language c volatile parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.in_transaction_block() from public;
comment on function rewards.in_transaction_block() is 'whether locks that are taken now outlive the statement';

create function rewards.removed_numbers() returns int8multirange
	language sql stable parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select coalesce(range_agg(int8range(r.first, r.upto)), '{}') from rewards.removal r $$;
revoke all on function rewards.removed_numbers() from public;
comment on function rewards.removed_numbers() is 'the numbers whose usage counts by its sums';

/* ---- the setting ---- */

create function rewards.retention(out keep interval, out action text) returns record
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select regexp_replace(s.value, ' \w+$', '')::interval, substring(s.value from '\w+$')
	from (select nullif(rewards.setting('retention'), 'none') as value) s
$$;
revoke all on function rewards.retention() from public;
comment on function rewards.retention() is 'how long usage is kept and what becomes of it then; NULL: for ever';

create function rewards.set_retention(keep interval, action text default 'drop', updated_by text default current_user) returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	set intervalstyle = 'postgres'
as $$
declare
	value text;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(action, 'action');
	if action not in ('drop', 'detach') then
		raise exception 'unknown action "%"', action
			using errcode = 'invalid_parameter_value', hint = 'Use drop, or detach, which leaves a table by itself for you to archive.';
	end if;
	value := coalesce(keep || ' ' || action, 'none');
	perform rewards.check_setting('retention', value);
	return rewards.set_rule('set_retention', jsonb_build_object('keep', keep, 'action', action), 'setting', 'retention',
		jsonb_build_object('value', value), now(), updated_by);
end
$$;
revoke all on function rewards.set_retention(interval, text, text) from public;
comment on function rewards.set_retention(interval, text, text) is
	'how long rows of usage are kept: maintain() removes partitions of which all rows are older, by created_at and by arrival; drop, or detach to a table by itself. Totals stay. NULL keeps them for ever; 22023 for an interval that is not above zero and for another action (D1, D2, D4)';

/* ---- what may go ---- */

create function rewards.partition_kept_for(first bigint, upto bigint, before timestamptz) returns text
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	/* from what is told at a glance to what takes reading */
	return case
		when before is null then 'usage is kept for ever'
		when exists (select from rewards.removal r where r.first = partition_kept_for.first) then 'it is summed up and goes next'
		when not rewards.folded_numbers() @> int8range(first, upto) then 'not all of its numbers are folded'
		when not coalesce((select range_agg(n.r) from rewards.seal s cross join lateral unnest(s.numbers) n(r)
				where s.source = 'usage_logs' and s.partition = partition_kept_for.first), '{}') @> int8range(first, upto) then 'not all of its numbers are sealed'
		/* rows do not tell when they came, but they were folded later */
		when exists (select from rewards.seal s where s.source = 'usage_logs' and s.partition = partition_kept_for.first and s.sealed_at >= before)
			then 'its newest rows have not been here for long enough'
		when exists (select from rewards.unrated_usage n where n.mended_at is null and n.usage_id >= first and n.usage_id < upto)
			then 'some of its rows wait for rerate()'
		when exists (select from rewards.usage_excess e where e.usage_id >= first and e.usage_id < upto)
			then 'usage above a limit is still to be taken back'
		when exists (select from rewards.hold h where h.closed_at is null and h.seen_from < upto
				and rewards.capturing_row(h.request_id, h.seen_from, h.account) between first and upto - 1)
			then 'a hold that one of its rows captures is still open'
		when exists (select from rewards.usage_logs u where u.id >= first and u.id < upto and u.created_at >= before)
			then 'some of its events are not old enough' end;
end
$$;
revoke all on function rewards.partition_kept_for(bigint, bigint, timestamptz) from public;
comment on function rewards.partition_kept_for(bigint, bigint, timestamptz) is
	'why the partition from first up to upto may not go, when rows from before a time may; NULL: it may';

create function rewards.kept_for(first bigint, upto bigint) returns text
	language sql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	as $$ select rewards.partition_kept_for(first, upto, clock_timestamp() - r.keep) from rewards.retention() r $$;
revoke all on function rewards.kept_for(bigint, bigint) from public;
comment on function rewards.kept_for(bigint, bigint) is 'the same by the setting retention, now; behind the view partitions';

/* ---- summing up ---- */

create function rewards.sums_hash(partition bigint) returns bytea
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	set timezone = 'UTC'
	set datestyle = 'ISO'
as $$
	/* piece by piece: all of it may be longer than a value can be */
	select sha256(coalesce(string_agg(c.hash, '' order by c.sort, c.day, c.accounts), ''))
	from (
		select s.sort, s.day, s.account >> 12 as accounts,
			sha256(convert_to(string_agg(s::text, E'\n' order by s::text collate "C"), getdatabaseencoding())) as hash
		from rewards.removed_sum s where s.first = partition
		group by s.sort, s.day, s.account >> 12
		union all
		select 't', t.day, null, sha256(convert_to(string_agg(t::text, E'\n' order by t::text collate "C"), getdatabaseencoding()))
		from rewards.removed_traffic t where t.first = partition
		group by t.day
	) c
$$;
revoke all on function rewards.sums_hash(bigint) from public;
comment on function rewards.sums_hash(bigint) is 'SHA-256 over the sums of a removed partition';

create function rewards.seals_hash(partition bigint) returns bytea
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select sha256(coalesce(string_agg(int8send(s.number) || convert_to(s.numbers::text, getdatabaseencoding()) || int8send(s.rows)
		|| sha256(s.marks) || s.hash || timestamptz_send(s.sealed_at), '' order by s.number), ''))
	from rewards.seal s where s.source = 'usage_logs' and s.partition = seals_hash.partition
$$;
revoke all on function rewards.seals_hash(bigint) from public;
comment on function rewards.seals_hash(bigint) is 'SHA-256 over the seals of a partition';

create function rewards.removal_hash(partition bigint) returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select encode(sha256(int8send(r.first) || int8send(r.upto) || int8send(r.rows) || int8send(r.unpriced)
		|| coalesce(timestamptz_send(r.oldest) || timestamptz_send(r.newest), '') || timestamptz_send(r.removed_at) || r.sums || r.seals), 'hex')
	from rewards.removal r where r.first = partition
$$;
revoke all on function rewards.removal_hash(bigint) from public;
comment on function rewards.removal_hash(bigint) is 'SHA-256 over all that is kept of a removed partition: the reference of its entry in the journal, where it is sealed';

create function rewards.keep_corrected(first bigint, upto bigint) returns void
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	insert into rewards.removed_usage
	select u.id, u.service, u.tier, u.input_tokens, u.output_tokens
	from rewards.usage_logs u
	where u.id in (
		select j.reverses_id from rewards.journal j
		where j.reverses_source = 'usage_logs' and j.unit <= 3 and j.reverses_id >= keep_corrected.first and j.reverses_id < upto)
	on conflict do nothing
$$;
revoke all on function rewards.keep_corrected(bigint, bigint) from public;
comment on function rewards.keep_corrected(bigint, bigint) is 'writes down what entries of the journal about rows of a partition need of them';

create function rewards.sum_up_traffic(first bigint, upto bigint) returns void
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	insert into rewards.removed_traffic
	select sum_up_traffic.first, w.at::date, extract(hour from w.at)::smallint, coalesce(u.service, ''), coalesce(u.tier, ''),
		sum(s.succeeded), sum(1 - s.succeeded), sum(s.succeeded * u.input_tokens::bigint), sum(s.succeeded * u.output_tokens::bigint),
		coalesce(sum(u.provider_points), 0), coalesce(sum(u.user_points), 0), coalesce(sum(u.creator_earnings), 0), coalesce(sum(u.cost), 0)
	from (select rewards.setting('time_zone') as zone) z
	cross join rewards.usage_logs u
	cross join lateral (select u.created_at at time zone z.zone as at) w
	cross join lateral (select (u.status_code between 200 and 299)::integer as succeeded) s
	where u.id >= sum_up_traffic.first and u.id < upto
	group by 2, 3, 4, 5;
$$;
revoke all on function rewards.sum_up_traffic(bigint, bigint) from public;
comment on function rewards.sum_up_traffic(bigint, bigint) is 'writes down the traffic of a partition''s rows';

create function rewards.sum_up_partition(first bigint, upto bigint) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	insert into rewards.removed_sum
	select first, t.sort, t.account, t.day, t.unit, t.entry, t.level, t.name, t.amount, t.events, t.tokens,
		t.first_at, t.last_at, t.referred_least, t.referred_most
	from rewards.tally_rows(first, upto, rewards.setting('time_zone')) t where t.sort <> 'm';
	perform rewards.sum_up_traffic(first, upto);
	perform rewards.keep_corrected(first, upto);
	insert into rewards.removal (first, upto, rows, oldest, newest, unpriced, sums, seals)
	select first, upto, count(*), min(u.created_at), max(u.created_at), rewards.unpriced_rows(first, upto - 1),
		rewards.sums_hash(first), rewards.seals_hash(first)
	from rewards.usage_logs u where u.id >= first and u.id < upto;
	/* the journal is sealed with the next posting, and with it what is kept here */
	insert into rewards.journal (created_at, unit, distribution, reason, actor, event, cause, reference)
	values (now(), 1, '[]', 'usage summed up to be removed', rewards.caller()::text, 'removal', first::text, rewards.removal_hash(first));
end
$$;
revoke all on function rewards.sum_up_partition(bigint, bigint) from public;
comment on function rewards.sum_up_partition(bigint, bigint) is 'writes down what the rows of a partition come to; from then on that counts instead of them';

create function rewards.sum_up_partitions(at timestamptz default clock_timestamp()) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	old record;
	before timestamptz := at - (select r.keep from rewards.retention() r);
	done bigint := 0;
begin
	if before is null then
		return 0;
	end if;
	for old in
		select p.first, p.upto from rewards.usage_partition p
		where p.started_at is not null and not exists (select from rewards.removal r where r.first = p.first)
		order by p.first
		/* one call at a time */
		for no key update skip locked
	loop
		continue when rewards.partition_kept_for(old.first, old.upto, before) is not null;
		/* a partition whose rows are not what was sealed is evidence */
		if exists (select from rewards.verify_partition(old.first)) then
			raise warning 'partition % is kept: its rows are not what was sealed', old.first using hint = 'Call rewards.verify().';
			continue;
		end if;
		perform rewards.sum_up_partition(old.first, old.upto);
		done := done + 1;
	end loop;
	return done;
end
$$;
revoke all on function rewards.sum_up_partitions(timestamptz) from public;
comment on function rewards.sum_up_partitions(timestamptz) is
	'sums up all partitions that are old enough at a time, and returns how many. maintain() calls it';

/* ---- removing ---- */

create function rewards.is_held(relation regclass) returns boolean
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select exists (
		select from pg_locks l left join pg_stat_activity s on s.pid = l.pid
		where l.relation = is_held.relation and l.pid is distinct from pg_backend_pid()
			and l.database = (select d.oid from pg_database d where d.datname = current_database())
			and (l.pid is null or s.state like 'idle in transaction%' or s.query_start < clock_timestamp() - interval '1 s'))
$$;
revoke all on function rewards.is_held(regclass) from public;
comment on function rewards.is_held(regclass) is 'whether somebody who has locked a relation, if only to read it, will not let go of it in a moment: idle, prepared or long at work';

create function rewards.remove_partition(first bigint, action text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	name text := format('usage_logs_%s', first);
begin
	/* the one lock that is waited for, with all other writers behind; whoever holds one of the others is in no hurry */
	lock table only rewards.usage_logs in access exclusive mode;
	execute format('lock table rewards.%I in access exclusive mode nowait', name);
	if to_regclass('rewards.usage_logs_default') is not null then
		lock table rewards.usage_logs_default in access exclusive mode nowait;
	end if;
	/* what was taken back or corrected since: who did has read usage_logs and is waited for by the lock */
	perform rewards.keep_corrected(first, (select p.upto from rewards.usage_partition p where p.first = remove_partition.first));
	execute format('alter table rewards.usage_logs detach partition rewards.%I', name);
	if action = 'drop' then
		execute format('drop table rewards.%I', name);
	else
		execute format('alter table rewards.%I alter column id drop default', name);
		execute format('alter table rewards.%I enable row level security', name);
		execute format('alter table rewards.%I rename to %I', name, name || '_detached');
	end if;
	delete from rewards.usage_partition p where p.first = remove_partition.first;
end
$$;
revoke all on function rewards.remove_partition(bigint, text) from public;
comment on function rewards.remove_partition(bigint, text) is 'takes a partition out of usage_logs: drop, or detach to a table by itself';

create function rewards.remove_summed_up() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	set lock_timeout = '200ms'
as $$
declare
	rule record;
	old record;
begin
	rule := rewards.retention();
	select r.first, r.upto, r.rows into old
	from rewards.removal r join rewards.usage_partition p on p.first = r.first
	where to_regclass('rewards.usage_logs_' || r.first) is not null
		and (r.identity <> rewards.database_identity() or rewards.is_seen_by_all(r.recorded_xid))
	order by r.first limit 1;
	/* asked outside of the block below; inside a transaction block the locks would last until its end */
	if rule.keep is null or old.first is null or rewards.in_transaction_block() or rewards.is_held('rewards.usage_logs') then
		return 0;
	end if;
	begin
		perform rewards.remove_partition(old.first, rule.action);
	exception
		/* somebody is in the way: the next call tries again; or has just done it */
		when lock_not_available or object_in_use or deadlock_detected or undefined_table then
			return 0;
	end;
	perform rewards.log_call('remove_partitions', jsonb_build_object('partition', old.first, 'action', rule.action), null,
		jsonb_build_object('rows', old.rows), rewards.caller()::text);
	return 1;
end
$$;
revoke all on function rewards.remove_summed_up() from public;
comment on function rewards.remove_summed_up() is
	'removes one partition that is summed up, if every running snapshot shows that and nobody has to be waited for; returns how many. maintain() calls it';

create function rewards.close_partition() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	set lock_timeout = '200ms'
as $$
declare
	used record;
	keep interval := (select r.keep from rewards.retention() r);
begin
	select p.upto, p.started_at into used from rewards.usage_partition p
	where p.first <= rewards.last_number() and p.upto > rewards.last_number();
	/* in use for long enough, and there is one to go on with, which others see, too */
	if keep is null or used.started_at is null or used.started_at > clock_timestamp() - greatest(keep / 4, interval '1 day')
			or not exists (select from rewards.usage_partition p where p.first = used.upto and p.made_at < now())
			or rewards.in_transaction_block() or rewards.is_held('rewards.usage_logs') or rewards.is_held('rewards.usage_number') then
		return 0;
	end if;
	begin
		/*
		 * A statement that began before the next partition was there does not know it: its row
		 * would go to the default partition, which the server does not always refuse. None runs now.
		 */
		lock table only rewards.usage_logs in share mode;
		/* changes nothing, but waits for all who have drawn and lets nobody draw until the end */
		alter sequence rewards.usage_number no cycle;
	exception when lock_not_available or deadlock_detected then
		return 0;
	end;
	if rewards.last_number() >= used.upto - 1 then
		return 0;
	end if;
	perform setval('rewards.usage_number', used.upto - 1);
	return 1;
end
$$;
revoke all on function rewards.close_partition() from public;
comment on function rewards.close_partition() is
	'leaves the rest of the numbers of the partition in use, when it has been that for a quarter of the time that usage is kept, and a day: or little usage would never fill one, and none would go. maintain() calls it';

create function rewards.end_partitions(out removed bigint, out closed bigint) returns record
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	removed := rewards.remove_summed_up();
	/* whoever has drawn a number may wait for usage_logs now: next time */
	closed := case when removed = 0 then rewards.close_partition() else 0 end;
end
$$;
revoke all on function rewards.end_partitions() from public;
comment on function rewards.end_partitions() is 'removes a partition that is summed up, or closes the one in use if it is time; maintain() does this last, for each keeps writers waiting until the end of the transaction';

create function rewards.remove_partitions() returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.sum_up_partitions();
	return (select e.removed from rewards.end_partitions() e);
end
$$;
revoke all on function rewards.remove_partitions() from public;
comment on function rewards.remove_partitions() is
	'what maintain() does about old usage: sums up all partitions that may go, and removes one of those that were summed up before; returns how many it removed. Inside a transaction block none (D1, D2)';

/* ---- afterwards ---- */

create function rewards.tell_removed(since timestamptz, until timestamptz) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	gone bigint := (select sum(r.rows) from rewards.removal r where r.oldest < until and r.newest >= since
		and not exists (select from rewards.usage_partition p where p.first = r.first));
begin
	if gone > 0 then
		raise notice 'partitions with % rows, some of them of this time, have been removed: what is left is looked at', gone;
	end if;
end
$$;
revoke all on function rewards.tell_removed(timestamptz, timestamptz) from public;
comment on function rewards.tell_removed(timestamptz, timestamptz) is 'tells who goes through the rows of a range that some may be gone';

create function rewards.restore_activity() returns void
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with doing as (
		select s.account, min(s.first_at) as first_at, max(s.last_at) as last_at, sum(s.events)::bigint as requests,
			sum(s.referred_most)::bigint as referred,
			array_agg(distinct s.name collate "C" order by s.name collate "C") filter (where s.name is not null) as services
		from rewards.removed_sum s where s.sort = 'a' group by s.account
	), begun as (
		select d.account, d.day, d.day - lag(d.day, 1, d.day - 1000) over (partition by d.account order by d.day)
			> 1 + (select rewards.setting('streak_grace_days')::integer) as begins
		from (select distinct s.account, s.day from rewards.removed_sum s where s.sort = 'a') d
	), run as (
		select n.account, min(n.day) as since, max(n.day) as last_day, count(*)::integer as length
		from (select b.account, b.day, count(*) filter (where b.begins) over (partition by b.account order by b.day) as run from begun b) n
		group by n.account, n.run
	), streak as (
		select distinct on (r.account) r.account, r.length, max(r.length) over (partition by r.account) as best, r.since, r.last_day
		from run r order by r.account, r.last_day desc
	)
	/* which request it was that onboarded an account cannot be told any more: that stays as it is */
	insert into rewards.activity (account, first_at, last_at, referred, services, streak, best_streak, streak_since, last_day, requests, onboarded_at)
	select d.account, d.first_at, d.last_at, d.referred, coalesce(d.services, '{}'), s.length, s.best, s.since, s.last_day, d.requests, 'infinity'
	from doing d join streak s on s.account = d.account
	on conflict (account) do update set first_at = excluded.first_at, last_at = excluded.last_at, referred = excluded.referred,
		services = excluded.services, streak = excluded.streak, best_streak = excluded.best_streak, streak_since = excluded.streak_since,
		last_day = excluded.last_day, requests = excluded.requests
$$;
revoke all on function rewards.restore_activity() from public;
comment on function rewards.restore_activity() is 'what accounts have done by usage that has been removed; repair() calls it before it folds the rest';

create function rewards.restore_traffic() returns void
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	insert into rewards.traffic_day as t
	select r.day, r.service, r.tier, sum(r.requests), sum(r.failed), sum(r.input_tokens), sum(r.output_tokens),
		sum(r.provider_points), sum(r.user_points), sum(r.creator_earnings), sum(r.cost)
	from rewards.removed_traffic r group by r.day, r.service, r.tier
	on conflict (day, service, tier) do update set requests = t.requests + excluded.requests, failed = t.failed + excluded.failed,
		input_tokens = t.input_tokens + excluded.input_tokens, output_tokens = t.output_tokens + excluded.output_tokens,
		provider_points = t.provider_points + excluded.provider_points, user_points = t.user_points + excluded.user_points,
		creator_earnings = t.creator_earnings + excluded.creator_earnings, cost = t.cost + excluded.cost;
	insert into rewards.traffic_hour as t
	select extract(dow from r.day)::smallint, r.hour, r.service, r.tier, sum(r.requests), sum(r.failed), sum(r.input_tokens), sum(r.output_tokens),
		sum(r.provider_points), sum(r.user_points), sum(r.creator_earnings), sum(r.cost)
	from rewards.removed_traffic r group by extract(dow from r.day), r.hour, r.service, r.tier
	on conflict (dow, hour, service, tier) do update set requests = t.requests + excluded.requests, failed = t.failed + excluded.failed,
		input_tokens = t.input_tokens + excluded.input_tokens, output_tokens = t.output_tokens + excluded.output_tokens,
		provider_points = t.provider_points + excluded.provider_points, user_points = t.user_points + excluded.user_points,
		creator_earnings = t.creator_earnings + excluded.creator_earnings, cost = t.cost + excluded.cost;
	/* these follow from the daily totals of accounts */
	delete from rewards.attendance where exists (select from rewards.removal);
	insert into rewards.attendance select t.* from rewards.attendance_of_totals() t where exists (select from rewards.removal);
	delete from rewards.cohort where exists (select from rewards.removal);
	insert into rewards.cohort select t.* from rewards.cohorts_of_totals() t where exists (select from rewards.removal);
	/* who used models before was not forgotten, so was not new again */
	select rewards.count_new_users(array_agg(n.owner), array_agg(n.model), array_agg(n.day), array_agg(n.users))
	from (
		select m.owner, m.model, (m.first_at at time zone rewards.setting('time_zone'))::date as day, count(*) as users
		from rewards.model_user m where exists (select from rewards.removal) group by 1, 2, 3) n;
$$;
revoke all on function rewards.restore_traffic() from public;
comment on function rewards.restore_traffic() is 'the totals for analysts of usage that has been removed; repair() calls it when the rest is folded';

create function rewards.limit_lots() returns void
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with most as (
		select l.id, coalesce(rewards.amount_of(j.distribution), 0) - coalesce((
			select -sum(rewards.amount_of(e.distribution)) from rewards.journal e join rewards.cursor c on c.single
			where e.event = 'expiry' and e.reverses_source = 'journal' and e.reverses_id = l.id
				and rewards.is_folded(e.id, c.last, c.open_first, c.open_last)), 0) as amount
		from rewards.lot l left join rewards.journal j on j.id = l.id and j.event = 'credit'
		where l.account in (select s.account from rewards.removed_sum s where s.unit = 3)
	)
	update rewards.lot l set remaining = greatest(m.amount, 0) from most m where m.id = l.id and l.remaining > m.amount
$$;
revoke all on function rewards.limit_lots() from public;
comment on function rewards.limit_lots() is
	'lots of accounts of which charges have been removed cannot be told anew: they keep what they have, but not more than came in. repair() calls it';

create function rewards.verify_removals()
	returns table (part text, subject text, expected text, found text, detail text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with entry as (
		select j.cause, j.reference from rewards.journal j where j.event = 'removal'
	), wrong as (
		select coalesce(r.first::text, e.cause) as partition, e.reference as expected, rewards.removal_hash(r.first) as found,
			case when r.first is null then 'its record was removed'
				when e.cause is null then 'no entry of the journal tells of its removal'
				when rewards.sums_hash(r.first) <> r.sums then 'the sums of its rows were changed'
				when rewards.seals_hash(r.first) <> r.seals then 'its seals were changed'
				when rewards.removal_hash(r.first) <> e.reference then 'its record was changed' end as detail
		from rewards.removal r full join entry e on e.cause = r.first::text
		union all
		select s.first::text, null, null, 'there are sums of it, and no record'
		from (select distinct s.first from rewards.removed_sum s) s
		where not exists (select from rewards.removal r where r.first = s.first)
		union all
		select r.first::text, null, u.rows::text, 'rows stand at its numbers'
		from rewards.removal r
		cross join lateral (select count(*) as rows from rewards.usage_logs u where u.id >= r.first and u.id < r.upto) u
		where u.rows > 0 and not exists (select from rewards.usage_partition p where p.first = r.first)
	)
	select 'removal', 'partition ' || w.partition, w.expected, w.found, w.detail from wrong w where w.detail is not null
$$;
revoke all on function rewards.verify_removals() from public;
comment on function rewards.verify_removals() is 'what is kept of removed partitions against what was sealed of it, and rows where there can be none';
