/* The background process that posts: started, ended, and taken up in a copy. */

create function rewards.worker_state(out worker text, out worker_pid integer) returns record
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	kept rewards.worker;
	found record;
begin
	select w.* into kept from rewards.worker w;
	select p.* into found from rewards.worker_place() p;
	worker_pid := found.pid;
	worker := case
		when pg_is_in_recovery() then 'none: this server is a standby'
		when kept.identity <> rewards.database_identity() then 'waiting: this database is a copy, call resume_worker()'
		when rewards.node_role() = 'aggregator' then 'none: this node is an aggregator'
		when kept.stopped then 'stopped'
		when found.pid is not null and kept.failures > 0
			then format('failing: %s, next try at %s', kept.failure, date_trunc('second', kept.next_try))
		when found.place = 'no slot' then 'none: no free worker slot'
		else found.place end;
end
$$;
revoke all on function rewards.worker_state() from public;
comment on function rewards.worker_state() is 'what the worker does, or why there is none; behind the view status';

create function rewards.require_primary(call text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if pg_is_in_recovery() then
		raise exception '% cannot run on a standby', call
			using errcode = 'read_only_sql_transaction', hint = 'Call it on the primary, or here after promotion.';
	end if;
end
$$;
revoke all on function rewards.require_primary(text) from public;
comment on function rewards.require_primary(text) is '25006 on a standby';

create function rewards.worker_kept() returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select jsonb_build_object('stopped', w.stopped, 'stays', w.stays, 'copy', w.identity <> rewards.database_identity()) from rewards.worker w $$;
revoke all on function rewards.worker_kept() from public;
comment on function rewards.worker_kept() is 'what the worker is meant to do, for the admin log';

create function rewards.begin_worker(call text, before jsonb) returns text
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	done text;
begin
	/* nobody posts on an aggregator */
	if rewards.node_role() is distinct from 'aggregator' then
		update rewards.worker set stopped = false, stays = true;
	end if;
	done := case
		when rewards.node_role() = 'aggregator' then 'none: this node is an aggregator'
		when exists (select from rewards.worker w where w.identity <> rewards.database_identity())
			then 'waiting: this database is a copy, call resume_worker()'
		else rewards.launch_worker() end;
	perform rewards.log_call(call, '{}', before, rewards.worker_kept() || jsonb_build_object('worker', done), rewards.caller()::text);
	return done;
end
$$;
revoke all on function rewards.begin_worker(text, jsonb) from public;
comment on function rewards.begin_worker(text, jsonb) is 'starts a worker that stays, for a call; returns what start_worker() does';

create function rewards.start_worker() returns text
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.require_primary('start_worker()');
	return rewards.begin_worker('start_worker', rewards.worker_kept());
end
$$;
revoke all on function rewards.start_worker() from public;
comment on function rewards.start_worker() is
	'starts this database''s worker, which then stays; returns started, running already, or why there is none. 25006 on a standby';

create function rewards.stop_worker() returns text
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	before jsonb;
	done text;
begin
	perform rewards.require_installed();
	perform rewards.require_primary('stop_worker()');
	before := rewards.worker_kept();
	/* ended first, for it may be at work for long on what is locked here; one that starts now waits for the end of this */
	done := case when rewards.end_worker() then 'stopped' else 'none was running' end;
	update rewards.worker set stopped = true, stays = false;
	perform rewards.log_call('stop_worker', '{}', before, rewards.worker_kept() || jsonb_build_object('worker', done), rewards.caller()::text);
	return done;
end
$$;
revoke all on function rewards.stop_worker() from public;
comment on function rewards.stop_worker() is
	'ends this database''s worker and keeps others from starting until start_worker() or resume_worker(); returns stopped or none was running. 25006 on a standby';

create function rewards.highest_number() returns bigint
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select greatest(
		(select c.last from rewards.cursor c where c.single),
		(select max(u.id) from rewards.usage_logs u),
		(select max(j.id) from rewards.journal j),
		(select max(greatest(a.seen_from, a.sure_from)) from rewards.account a where a.referrer is not null),
		(select max(greatest(r.seen_from, r.sure_from)) from rewards.rule r),
		(select max(greatest(f.seen_from, f.sure_from)) from rewards.account_fact f),
		(select max(greatest(s.seen_from, s.sure_from)) from rewards.account_status s),
		(select max(greatest(m.seen_from, m.sure_from)) from rewards.model_fact m),
		(select max(h.seen_from) from rewards.hold h))
$$;
revoke all on function rewards.highest_number() from public;
comment on function rewards.highest_number() is 'the highest number that anything stored here bears or refers to';

create function rewards.raise_number() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	highest bigint;
begin
	if rewards.last_number() >= rewards.highest_number() then
		return;
	end if;
	/* changes nothing, but waits for all who have drawn and lets nobody draw until the end */
	alter sequence rewards.usage_number no cycle;
	highest := rewards.highest_number();
	if rewards.last_number() < highest then
		perform setval('rewards.usage_number', highest);
	end if;
end
$$;
revoke all on function rewards.raise_number() from public;
comment on function rewards.raise_number() is 'sets the sequence of numbers above all that is stored, if it is not';

create function rewards.resume_worker() returns text
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	before jsonb;
begin
	perform rewards.require_installed();
	perform rewards.require_primary('resume_worker()');
	before := rewards.worker_kept() || jsonb_build_object('last_number', rewards.last_number());
	perform rewards.raise_number();
	update rewards.worker set identity = rewards.database_identity(), failures = 0, failure = null, next_try = null;
	return rewards.begin_worker('resume_worker', before);
end
$$;
revoke all on function rewards.resume_worker() from public;
comment on function rewards.resume_worker() is
	'makes a restored or copied database its own: numbers go on above all that is stored, and the worker is started; returns what start_worker() does. 25006 on a standby';
