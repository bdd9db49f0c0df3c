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

create function rewards.refuse_suspended(number bigint, at timestamptz default clock_timestamp()) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	status text := rewards.status_of(number, at);
begin
	if rewards.severity(status) >= 3 then
		raise exception 'the account is %', status
			using errcode = 'RW008', detail = (select format('%s "%s"', initcap(a.kind), a.name) from rewards.account a where a.id = number),
				hint = 'The view rewards.accounts says until when; rewards.appeal() asks for it to be looked at again.';
	end if;
end
$$;
revoke all on function rewards.refuse_suspended(bigint, timestamptz) from public;
comment on function rewards.refuse_suspended(bigint, timestamptz) is 'RW008 for an account that is suspended or banned';

create function rewards.person(email text) returns bigint
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint := rewards.account_number('user', email);
	owners bigint[];
begin
	if number is not null then
		return number;
	end if;
	select array_agg(o.id) into owners
	from (
		select a.id from rewards.account a where lower(a.email) = lower(person.email) and a.email is not null and a.kind = 'user' limit 2
	) o;
	return case when cardinality(owners) = 1 then owners[1] end;
end
$$;
revoke all on function rewards.person(text) from public;
comment on function rewards.person(text) is 'the user of this id, else the one user with this e-mail in whatever case; NULL for none, or for several';

create function rewards.ensure_person(email text) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint := rewards.person(email);
	made record;
begin
	if number is null then
		made := rewards.ensure_account('user', email);
		number := made.number;
		if made.created and email like '%@%' then
			update rewards.account a set email = email where a.id = number;
		end if;
	end if;
	return number;
end
$$;
revoke all on function rewards.ensure_person(text) from public;
comment on function rewards.ensure_person(text) is 'the user of an e-mail, registered by it if need be; RW001 where auto_register is off';

create function rewards.address_of(number bigint) returns text
	language sql stable strict parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select coalesce(a.email, a.name) from rewards.account a where a.id = number $$;
revoke all on function rewards.address_of(bigint) from public;
comment on function rewards.address_of(bigint) is 'the e-mail of an account, else its id';

create function rewards.add_status(number bigint, status text, source text, reason text, until timestamptz, actor text) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	before text;
	entry bigint;
begin
	/* one setter at a time: statuses become known in the order of their ids, whoever they are of */
	lock table rewards.account_status in share update exclusive mode;
	before := rewards.status_of(number);
	insert into rewards.account_status as s (account, status, source, valid_from, valid_until, seen_from, reason, updated_by)
	values (number, status, source, now(), coalesce(until, 'infinity'), rewards.last_number(), reason, actor)
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

create function rewards.check_reason(reason text) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_not_null(reason, 'reason');
	if reason !~ '\S' then
		raise exception 'reason must not be empty'
			using errcode = 'invalid_parameter_value', hint = 'Say why.';
	end if;
end
$$;
revoke all on function rewards.check_reason(text) from public;
comment on function rewards.check_reason(text) is '22004 or 22023 for a reason that says nothing';

create function rewards.suspension_end(at timestamptz) returns timestamptz
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select rewards.held_until(at, make_interval(days => rewards.setting('suspension_days')::integer)) $$;
revoke all on function rewards.suspension_end(timestamptz) from public;
comment on function rewards.suspension_end(timestamptz) is 'until when a suspension from a time on lasts when nobody says so';

create function rewards.set_status(account text, kind text, status text, reason text, until timestamptz default null,
		updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	before text;
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
	before := rewards.status_of(number);
	entry := rewards.add_status(number, status, 'set', reason, until, updated_by);
	perform rewards.log_call('set_status', jsonb_build_object('account', account, 'kind', kind, 'reason', reason, 'until', until),
		to_jsonb(before), to_jsonb(status), updated_by);
	return entry;
end
$$;
revoke all on function rewards.set_status(text, text, text, text, timestamptz, text) from public;
comment on function rewards.set_status(text, text, text, text, timestamptz, text) is
	'gives an account a status from now on: active, warned, paused, suspended (until a time, by default suspension_days from now) or banned; when until has come, what was before counts again. Returns its id (A3)';
