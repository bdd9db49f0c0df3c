/*
 * Statuses of accounts, effective-dated: active, warned, paused (no referral shares, no
 * bonuses), suspended (nor own codes, invitations, payouts), banned (nor points of its
 * own).  Usage is never refused for one.
 */

create function rewards.severity(status text) returns integer
	language sql immutable strict parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select array_position('{active,warned,paused,suspended,banned}'::text[], status) - 1 $$;
revoke all on function rewards.severity(text) from public;
comment on function rewards.severity(text) is 'how severe a status is, from 0 (active) to 4 (banned); NULL for what is none';

create function rewards.status_of(number bigint, at timestamptz default clock_timestamp()) returns text
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	return coalesce((
		select s.status from rewards.account_status s
		where s.account = number and s.valid_until > at and s.valid_from <= at
		order by s.valid_from desc, s.id desc limit 1), 'active');
end
$$;
revoke all on function rewards.status_of(bigint, timestamptz) from public;
comment on function rewards.status_of(bigint, timestamptz) is 'the status of an account at a time, by all that is recorded now';

create function rewards.is_paused(number bigint, at timestamptz default clock_timestamp()) returns boolean
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return rewards.severity(rewards.status_of(number, at)) >= rewards.severity('paused');
end
$$;
revoke all on function rewards.is_paused(bigint, timestamptz) from public;
comment on function rewards.is_paused(bigint, timestamptz) is 'whether an account is paused or worse: it gets no referral shares and no bonuses';

create function rewards.is_suspended(number bigint, at timestamptz default clock_timestamp()) returns boolean
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return rewards.severity(rewards.status_of(number, at)) >= rewards.severity('suspended');
end
$$;
revoke all on function rewards.is_suspended(bigint, timestamptz) from public;
comment on function rewards.is_suspended(bigint, timestamptz) is 'whether an account is suspended or banned: its codes are refused, and invitations and payouts to it';

create function rewards.refuse_suspended(number bigint, at timestamptz default clock_timestamp()) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if rewards.is_suspended(number, at) then
		raise exception 'the account is %', rewards.status_of(number, at)
			using errcode = 'RW008', detail = (select format('%s "%s"', initcap(a.kind), a.name) from rewards.account a where a.id = number),
				hint = 'The view rewards.accounts says until when; rewards.appeal() asks for it to be looked at again.';
	end if;
end
$$;
revoke all on function rewards.refuse_suspended(bigint, timestamptz) from public;
comment on function rewards.refuse_suspended(bigint, timestamptz) is 'RW008 for an account that is suspended or banned';

create function rewards.add_status(number bigint, status text, source text, reason text, until timestamptz, actor text) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	before text;
	since timestamptz;
	entry bigint;
begin
	/* one setter at a time: statuses become known in the order of their ids, whoever they are of */
	lock table rewards.account_status in share update exclusive mode;
	before := rewards.status_of(number);
	/* not before what another transaction has decided since this one began */
	since := greatest(now(), (select max(s.valid_from) from rewards.account_status s where s.account = number));
	insert into rewards.account_status as s (account, status, source, valid_from, valid_until, seen_from, reason, updated_by)
	values (number, status, source, since, coalesce(until, 'infinity'), rewards.last_number(), reason, actor)
	returning s.id into entry;
	perform rewards.signal_change('rewards.account_status');
	if status <> before or status <> 'active' then
		perform rewards.notify(array[number], 'status', array[entry::text], array[jsonb_build_object('status', status, 'before', before,
			'reason', reason, 'until', until)]);
	end if;
	return entry;
end
$$;
revoke all on function rewards.add_status(bigint, text, text, text, timestamptz, text) from public;
comment on function rewards.add_status(bigint, text, text, text, timestamptz, text) is
	'gives an account a status from now on, and tells it; returns the id';

create function rewards.suspension_end(at timestamptz) returns timestamptz
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select rewards.held_until(at, make_interval(days => rewards.setting('suspension_days')::integer)) $$;
revoke all on function rewards.suspension_end(timestamptz) from public;
comment on function rewards.suspension_end(timestamptz) is 'until when a suspension from a time on lasts when nobody says so';

create function rewards.standing_of(number bigint) returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select jsonb_build_object('status', rewards.status_of(number),
		'until', (
			select nullif(s.valid_until, 'infinity') from rewards.account_status s
			where s.account = number and s.valid_from <= clock_timestamp() and s.valid_until > clock_timestamp()
			order by s.valid_from desc, s.id desc limit 1))
$$;
revoke all on function rewards.standing_of(bigint) from public;
comment on function rewards.standing_of(bigint) is 'an account''s status and until when it lasts, for the admin log';

create function rewards.set_status(account text, kind text, status text, reason text, until timestamptz default null,
		updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	given jsonb := jsonb_build_object('account', account, 'kind', kind, 'status', status, 'reason', reason, 'until', until);
	number bigint;
	before jsonb;
	entry bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_not_null(status, 'status');
	perform rewards.check_reason(reason);
	perform rewards.check_not_null(updated_by, 'updated_by');
	if rewards.severity(status) is null then
		raise exception 'there is no status "%"', status
			using errcode = 'invalid_parameter_value', hint = 'Use active, warned, paused, suspended or banned.';
	elsif until <= clock_timestamp() then
		raise exception 'until must be in the future'
			using errcode = 'invalid_parameter_value', hint = 'Leave it out for a status without end.';
	elsif until is not null and status in ('active', 'banned') then
		raise exception 'the status "%" has no end', status
			using errcode = 'invalid_parameter_value', hint = 'Leave out until.';
	end if;
	if status = 'suspended' and until is null then
		until := rewards.suspension_end(clock_timestamp());
	end if;
	number := (rewards.ensure_account(kind, account)).number;
	/* one setter at a time, so that this is what was before */
	lock table rewards.account_status in share update exclusive mode;
	before := rewards.standing_of(number);
	entry := rewards.add_status(number, status, 'set', reason, until, updated_by);
	perform rewards.log_call('set_status', given || jsonb_build_object('statuses', jsonb_build_array(entry)),
		before, rewards.standing_of(number), updated_by);
	return entry;
end
$$;
revoke all on function rewards.set_status(text, text, text, text, timestamptz, text) from public;
comment on function rewards.set_status(text, text, text, text, timestamptz, text) is
	'gives an account a status from now on: active, warned, paused, suspended (until a time, by default suspension_days from now) or banned; when until has come, what was before counts again. Returns its id (A3)';

/* ---- the ladder ---- */

create function rewards.next_step(number bigint) returns text
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	present text := rewards.status_of(number);
	pardoned bigint := (select max(s.id) from rewards.account_status s where s.account = number and s.status = 'active' and s.source in ('set', 'appeal'));
	/* a suspension that is over still counts, until somebody has made the account active again */
	reached integer := (
		select max(rewards.severity(s.status)) from rewards.account_status s
		where s.account = number and s.id > coalesce(pardoned, 0) and s.source in ('set', 'sanction'));
begin
	return case
		when present = 'banned' then null
		when greatest(reached, rewards.severity(present)) >= 3 then 'banned'
		when greatest(reached, rewards.severity(present)) >= 1 then 'suspended'
		else 'warned' end;
end
$$;
revoke all on function rewards.next_step(bigint) from public;
comment on function rewards.next_step(bigint) is 'the next sanction for an account: a warning, a suspension, the ban; NULL when it is banned (A3)';

create function rewards.sanction(account text, kind text, reason text, updated_by text default current_user) returns text
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	before jsonb;
	step text;
	entry bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_reason(reason);
	perform rewards.check_not_null(updated_by, 'updated_by');
	number := (rewards.ensure_account(kind, account)).number;
	/* two at once are two steps */
	lock table rewards.account_status in share update exclusive mode;
	before := rewards.standing_of(number);
	step := rewards.next_step(number);
	if step is null then
		raise exception '% "%" is banned already', kind, account
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'There is no further step; rewards.revoke_rewards() takes back what it has got by referrals and bonuses.';
	end if;
	entry := rewards.add_status(number, step, 'sanction', reason, case step when 'suspended' then rewards.suspension_end(now()) end, updated_by);
	perform rewards.log_call('sanction', jsonb_build_object('account', account, 'kind', kind, 'reason', reason, 'statuses', jsonb_build_array(entry)),
		before, rewards.standing_of(number), updated_by);
	return step;
end
$$;
revoke all on function rewards.sanction(text, text, text, text) from public;
comment on function rewards.sanction(text, text, text, text) is
	'one step up the ladder: a warning, then a suspension of suspension_days, then the ban. A suspension that is over counts, unless set_status() or an appeal has made the account active since. Returns the new status (A3)';

/* ---- appeals ---- */

create function rewards.appeal(account text, kind text, message text) returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	entry bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_not_null(message, 'message');
	if message !~ '\S' or length(message) > 10000 then
		raise exception 'message must have 1 to 10000 characters'
			using errcode = 'invalid_parameter_value', hint = 'Say why the status is wrong.';
	end if;
	number := (rewards.ensure_account(kind, account)).number;
	insert into rewards.appeal as p (account, message) values (number, message) on conflict do nothing returning p.id into entry;
	if entry is null then
		raise exception '% "%" has appealed already', kind, account
			using errcode = 'unique_violation', hint = 'An appeal can be made once the one before is resolved.';
	end if;
	return entry;
end
$$;
revoke all on function rewards.appeal(text, text, text) from public;
comment on function rewards.appeal(text, text, text) is
	'asks for a status, a flag or a revocation to be looked at again; one at a time, 23505. Returns its id; the view appeals lists them (A3, K8)';

create function rewards.resolve_appeal(id bigint, accepted boolean, note text default null, updated_by text default current_user) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	appeal record;
	before jsonb;
	flags bigint[] := '{}';
	entry bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(id, 'id');
	perform rewards.check_not_null(accepted, 'accepted');
	perform rewards.check_not_null(updated_by, 'updated_by');
	select p.account, p.resolved_at into appeal from rewards.appeal p where p.id = id for update;
	if not found then
		raise exception 'there is no appeal %', id
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.appeals lists them.';
	elsif appeal.resolved_at is not null then
		raise exception 'appeal % is resolved', id
			using errcode = 'object_not_in_prerequisite_state', hint = 'The account may appeal again.';
	end if;
	update rewards.appeal p set accepted = accepted, resolved_at = clock_timestamp(), resolved_by = updated_by, note = note where p.id = id;
	if accepted then
		/* flags before statuses, as maintain() has them locked */
		with cleared as (
			update rewards.abuse_flag f set cleared_at = clock_timestamp(), cleared_by = updated_by, note = coalesce(note, 'appeal accepted')
			where f.account = appeal.account and f.cleared_at is null
			returning f.id
		)
		select coalesce(array_agg(c.id order by c.id), '{}') into flags from cleared c;
		lock table rewards.account_status in share update exclusive mode;
	end if;
	before := rewards.standing_of(appeal.account);
	/* also for one that is over, which the ladder would still count */
	if accepted and exists (select from rewards.account_status s where s.account = appeal.account) then
		entry := rewards.add_status(appeal.account, 'active', 'appeal', coalesce(note, 'appeal accepted'), null, updated_by);
	end if;
	perform rewards.notify(array[appeal.account], 'appeal_resolved', array[id::text],
		array[jsonb_build_object('appeal', id, 'accepted', accepted, 'note', note)]);
	perform rewards.log_call('resolve_appeal', jsonb_build_object('id', id, 'accepted', accepted, 'note', note,
			'statuses', array_remove(array[entry], null)),
		before || jsonb_build_object('resolved', false, 'open_flags', flags),
		rewards.standing_of(appeal.account) || jsonb_build_object('resolved', true, 'open_flags', jsonb '[]'), updated_by);
end
$$;
revoke all on function rewards.resolve_appeal(bigint, boolean, text, text) from public;
comment on function rewards.resolve_appeal(bigint, boolean, text, text) is
	'decides an appeal: accepted makes the account active and clears its flags; what was taken back stays so, adjust() gives it again. 55000 when it is resolved (A3, K8)';

create function rewards.close_review(id bigint, note text, updated_by text default current_user) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(id, 'id');
	perform rewards.check_reason(note);
	perform rewards.check_not_null(updated_by, 'updated_by');
	update rewards.review r set closed_at = clock_timestamp(), closed_by = updated_by, note = note where r.id = id and r.closed_at is null;
	if not found then
		raise exception 'there is no open review %', id
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.reviews lists them.';
	end if;
	perform rewards.log_call('close_review', jsonb_build_object('id', id, 'note', note), '{"open": true}', '{"open": false}', updated_by);
end
$$;
revoke all on function rewards.close_review(bigint, text, text) from public;
comment on function rewards.close_review(bigint, text, text) is 'says what a review of an account has come to; a new one opens when its score has changed since and is still that low (I6)';
