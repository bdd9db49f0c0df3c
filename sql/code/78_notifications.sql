/* What people are to be told.  Mailers take messages from here; mail itself is theirs. */

create function rewards.notify(accounts bigint[], event text, causes text[], payloads jsonb[]) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	made bigint;
begin
	insert into rewards.notification (account, event, cause, payload)
	select n.account, notify.event, n.cause, n.payload from unnest(accounts, causes, payloads) n(account, cause, payload)
	order by n.account, n.cause
	on conflict do nothing;
	get diagnostics made = row_count;
	return made;
end
$$;
revoke all on function rewards.notify(bigint[], text, text[], jsonb[]) from public;
comment on function rewards.notify(bigint[], text, text[], jsonb[]) is 'puts messages into the outbox, each once by account, event and cause';

create function rewards.announce_notifications() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	known record;
	fresh boolean;
begin
	select c.announced as by_then, c.announced_by as also into known from rewards.cursor c where c.single;
	/* transactions of another server, from which all this was restored, say nothing here */
	fresh := known.by_then is null or pg_snapshot_xmax(known.by_then) > rewards.next_transaction();
	/* commits that notify wait for each other: so it is left to posting, and to one a posting */
	if exists (
			select from rewards.notification n
			where n.delivered_at is null and (fresh or n.recorded_xid >= pg_snapshot_xmin(known.by_then)
				and not pg_visible_in_snapshot(n.recorded_xid, known.by_then) and n.recorded_xid <> known.also
				and n.recorded_xid < rewards.next_transaction())) then
		update rewards.cursor set announced = pg_current_snapshot(), announced_by = pg_current_xact_id() where single;
		perform pg_notify('rewards', '');
	end if;
end
$$;
revoke all on function rewards.announce_notifications() from public;
comment on function rewards.announce_notifications() is 'wakes who listens on channel rewards when there are messages that nobody was woken for; post() calls it';

create function rewards.count_new_users(owners bigint[], models text[], days date[], users bigint[]) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	/* also in a version before that has no such table */
	if owners is null then
		return;
	end if;
	insert into rewards.model_day as t (owner, model, day, events, tokens, amount, new_users)
	select n.owner, n.model, n.day, 0, 0, 0, sum(n.users) from unnest(owners, models, days, users) n(owner, model, day, users)
	group by n.owner, n.model, n.day order by n.owner, n.model collate "C", n.day
	on conflict on constraint model_day_pkey do update set new_users = t.new_users + excluded.new_users;
end
$$;
revoke all on function rewards.count_new_users(bigint[], text[], date[], bigint[]) from public;
comment on function rewards.count_new_users(bigint[], text[], date[], bigint[]) is 'adds to how many users of models were new by owner and day';

create function rewards.note_model_users(models text[], users bigint[], owners bigint[], ats timestamptz[]) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	zone text := rewards.setting('time_zone');
	/* not in tables that install() has not brought to this version yet: it fills it */
	by_day boolean := to_regclass('rewards.model_day') is not null;
	late record;
	told bigint;
begin
	/* some may have begun earlier than was known: few, each looked up by index, whatever the planner thinks of so many */
	for late in
		select n.*, m.owner as former_owner, m.first_at from unnest(models, users, owners, ats) n(model, account, owner, at)
		cross join lateral (
			select * from rewards.model_user m where m.model = n.model and m.account = n.account and m.first_at > n.at offset 0) m
	loop
		update rewards.model_user m set owner = late.owner, first_at = late.at where m.model = late.model and m.account = late.account;
		if by_day then
			perform rewards.count_new_users(array[late.owner, late.former_owner], array[late.model, late.model],
				array[(late.at at time zone zone)::date, (late.first_at at time zone zone)::date], '{1,-1}');
		end if;
	end loop;
	with met as (
		insert into rewards.model_user (model, account, owner, first_at)
		select n.model, n.account, n.owner, n.at from unnest(models, users, owners, ats) n(model, account, owner, at)
		order by n.model collate "C", n.account
		on conflict do nothing
		returning model, account, owner, first_at
	), counted as (
		select rewards.count_new_users(array_agg(n.owner), array_agg(n.model), array_agg(n.day), array_agg(n.users))
		from (
			select m.owner, m.model, (m.first_at at time zone zone)::date as day, count(*) as users from met m where by_day group by 1, 2, 3) n
	)
	select rewards.notify(array_agg(m.owner), 'new_model_user', array_agg(m.model || ' ' || m.account),
		array_agg(jsonb_build_object('modelId', m.model, 'userId', a.name, 'firstAt', m.first_at)))
	into told from counted c, met m join rewards.account a on a.id = m.account;
	return coalesce(told, 0);
end
$$;
revoke all on function rewards.note_model_users(text[], bigint[], bigint[], timestamptz[]) from public;
comment on function rewards.note_model_users(text[], bigint[], bigint[], timestamptz[]) is
	'records who uses which model for the first time, and tells the owners; post() calls it (M4)';

create function rewards.note_earnings(owners bigint[]) returns bigint
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select rewards.notify(array_agg(e.account), 'earnings_threshold', array_agg(e.reached::text),
		array_agg(jsonb_build_object('earnings', trim_scale(e.total), 'threshold', trim_scale(e.reached))))
	from (
		select t.account, sum(t.amount) as total, floor(sum(t.amount) / s.step) * s.step as reached
		from rewards.month_total t, (select rewards.setting('earnings_alert')::numeric as step) s
		where t.account = any (owners) and t.unit = 2 and abs(t.entry) < 12
		group by t.account, s.step
	) e where e.reached > 0
$$;
revoke all on function rewards.note_earnings(bigint[]) from public;
comment on function rewards.note_earnings(bigint[]) is
	'tells creators whose earnings of all time have reached another multiple of the setting earnings_alert; post() calls it (M4)';

create function rewards.note_low_credits(users bigint[]) returns bigint
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* once for each top-up, by the entry that brought it */
	select rewards.notify(array_agg(l.account), 'low_credits', array_agg(l.brought::text),
		array_agg(jsonb_build_object('balance', trim_scale(l.balance), 'below', trim_scale(l.below))))
	from (
		select u.account, s.below, sum(t.amount) as balance, coalesce((
			select max(j.id) from rewards.journal j where j.account = u.account and j.unit = 3 and j.event = 'credit'), 0) as brought
		from (select rewards.setting('low_credits')::numeric as below) s
		cross join unnest(users) u(account)
		join rewards.month_total t on t.account = u.account and t.unit = 3
		group by u.account, s.below having sum(t.amount) < s.below and s.below > 0
	) l
	/* most have been told long ago */
	where not exists (
		select from rewards.notification n where n.account = l.account and n.event = 'low_credits' and n.cause = l.brought::text);
$$;
revoke all on function rewards.note_low_credits(bigint[]) from public;
comment on function rewards.note_low_credits(bigint[]) is
	'tells users whose credits have fallen below the setting low_credits, once for each top-up; post() calls it with those whose usage cost something (M4)';

create function rewards.note_weekly_earnings() returns bigint
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select coalesce(rewards.notify(array_agg(e.account), 'weekly_summary', array_agg(to_char(e.week, 'YYYY-MM-DD')),
		array_agg(jsonb_build_object('week', e.week, 'earnings', trim_scale(e.amount), 'requests', e.events, 'tokens', e.tokens))), 0)
	from (
		select d.account, w.week, sum(d.amount) as amount,
			coalesce(sum(d.events) filter (where abs(d.entry) = 4), 0) as events, coalesce(sum(d.tokens) filter (where abs(d.entry) = 4), 0) as tokens
		from (select (date_trunc('week', rewards.today()::timestamp) - interval '7 days')::date as week) w
		join rewards.day_total d on d.day >= w.week and d.day < w.week + 7
		where d.unit = 2 and abs(d.entry) < 12
		group by d.account, w.week having sum(d.amount) <> 0
	) e
$$;
revoke all on function rewards.note_weekly_earnings() from public;
comment on function rewards.note_weekly_earnings() is 'tells creators what the last whole week, from Monday on, has brought them; maintain() calls it (M4)';

create function rewards.take_notifications(n integer, lease interval default '5 minutes')
	returns table (id bigint, kind text, account text, event text, payload jsonb, created_at timestamptz)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(n, 'n');
	perform rewards.check_not_null(lease, 'lease');
	if n < 1 or lease <= '0' then
		raise exception 'n and lease must be greater than 0'
			using errcode = 'invalid_parameter_value', hint = 'Say how many messages to take, and for how long they are yours.';
	end if;
	return query
	with taken as (
		update rewards.notification t set taken_until = clock_timestamp() + lease
		where t.id in (
			select o.id from rewards.notification o
			where o.delivered_at is null and (o.taken_until is null or o.taken_until <= clock_timestamp())
			order by o.id limit take_notifications.n for update skip locked)
		returning t.id, t.account, t.event, t.payload, t.created_at
	)
	select t.id, a.kind, a.name, t.event, t.payload, t.created_at
	from taken t join rewards.account a on a.id = t.account order by t.id;
end
$$;
revoke all on function rewards.take_notifications(integer, interval) from public;
comment on function rewards.take_notifications(integer, interval) is
	'takes up to n messages that nobody has; they come again after the lease unless notification_done() says that they were delivered. Several mailers may take at once';

create function rewards.notification_done(ids bigint[]) returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	done bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(ids, 'ids');
	update rewards.notification n set delivered_at = clock_timestamp(), taken_until = null
	where n.id = any (ids) and n.delivered_at is null;
	get diagnostics done = row_count;
	return done;
end
$$;
revoke all on function rewards.notification_done(bigint[]) from public;
comment on function rewards.notification_done(bigint[]) is 'says that messages were delivered; returns how many had not been';
