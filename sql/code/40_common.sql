/* What the calls share: argument checks, months and days, settings, the admin log. */

create function rewards.check_not_null(value anyelement, argument text) returns void
	as 'MODULE_PATHNAME' language c immutable parallel safe;
revoke all on function rewards.check_not_null(anyelement, text) from public;
comment on function rewards.check_not_null(anyelement, text) is '22004 for a required argument that is NULL';

create function rewards.check_id(id text, argument text) returns void
	as 'MODULE_PATHNAME' language c immutable parallel safe;
revoke all on function rewards.check_id(text, text) from public;
comment on function rewards.check_id(text, text) is '22004 or 22023 for what is no id';

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

create function rewards.check_kind(kind text) returns void
	as 'MODULE_PATHNAME' language c immutable parallel safe;
revoke all on function rewards.check_kind(text) from public;
comment on function rewards.check_kind(text) is '22023 for what is no kind of account';

create function rewards.check_time(at timestamptz, argument text) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_not_null(at, argument);
	/* what has no day that can be counted must not get onto the number line */
	if extract(year from at at time zone 'UTC') not between 1 and 9999
			or extract(year from at at time zone rewards.setting('time_zone')) not between 1 and 9999 then
		raise exception '% is out of range', argument
			using errcode = 'datetime_field_overflow', hint = 'Give a time in the years 1 to 9999.';
	end if;
end
$$;
revoke all on function rewards.check_time(timestamptz, text) from public;
comment on function rewards.check_time(timestamptz, text) is '22004 or 22008 for what is no time of an event: the years 1 to 9999, in UTC and in the programme''s time zone';

create function rewards.check_amount(amount numeric, argument text, most numeric default 9223372036.854775807) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if amount in ('NaN', 'Infinity', '-Infinity') or amount < 0 or amount > most then
		raise exception '% must be between 0 and %', argument, most
			using errcode = 'invalid_parameter_value',
				hint = case when most = 1 then 'Write 20 % as 0.20.' else 'Give an amount in this range.' end;
	elsif amount <> trunc(amount, 9) then
		raise exception '% has more than nine decimal places', argument
			using errcode = 'invalid_parameter_value', hint = 'Round it to nine places.';
	end if;
end
$$;
revoke all on function rewards.check_amount(numeric, text, numeric) from public;
comment on function rewards.check_amount(numeric, text, numeric) is '22023 for an amount that is negative, too large or too fine; NULL passes';

create function rewards.unit_name(number smallint) returns text
	language sql stable strict parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select u.name from rewards.unit u where u.number = unit_name.number $$;
revoke all on function rewards.unit_name(smallint) from public;
comment on function rewards.unit_name(smallint) is 'name of a unit of movements, by its stored number';

create function rewards.month(month text) returns date
	as 'MODULE_PATHNAME', 'month_of_text' language c immutable strict parallel safe;
comment on function rewards.month(text) is
	'the first of a month given as 2025-01 or an ISO date; NULL for ''all''; 22023 for anything else';

create function rewards.setting(name text) returns text
	language plpgsql stable strict parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	value text;
begin
	select r.value ->> 'value' into value
	from rewards.rule r
	where r.rule = 'setting' and r.key = setting.name and r.valid_from <= clock_timestamp()
	order by r.valid_from desc, r.id desc limit 1;
	return coalesce(value, (select d.default_value from rewards.setting_defaults() d where d.name = setting.name));
end
$$;
revoke all on function rewards.setting(text) from public;
comment on function rewards.setting(text) is 'a setting''s value in force now';

create function rewards.today() returns date
	as 'MODULE_PATHNAME' language c stable parallel unsafe;
revoke all on function rewards.today() from public;
comment on function rewards.today() is 'the programme''s current day';

create function rewards.month_argument(month text) returns date
	as 'MODULE_PATHNAME', 'month_argument_text' language c stable parallel unsafe;
revoke all on function rewards.month_argument(text) from public;
comment on function rewards.month_argument(text) is 'what a month argument means: NULL the current month, ''all'' all time (NULL)';

create function rewards.month_argument(month date) returns date
	as 'MODULE_PATHNAME', 'month_argument_date' language c immutable parallel safe;
revoke all on function rewards.month_argument(date) from public;
comment on function rewards.month_argument(date) is 'what a month given as a date means: the first of its month, NULL all time';

create function rewards.is_admin() returns boolean
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe;
revoke all on function rewards.is_admin() from public;
comment on function rewards.is_admin() is 'whether the acting role may do what only admins may';

create function rewards.guard_history(relation regclass) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	name text := (select c.relname from pg_class c where c.oid = relation);
	/* whatever columns the table has got by now */
	columns text := (
		select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
		where a.attrelid = relation and a.attnum > 0 and not a.attisdropped and a.attname <> 'sure_from');
begin
	execute format('create or replace trigger %I before update of %s or delete or truncate on %s
		for each statement execute function rewards.refuse_change()', name || '_immutable', columns, relation);
	execute format('comment on trigger %I on %s is %L', name || '_immutable', relation, 'a history only grows');
	execute format('create or replace trigger %I before update of sure_from on %s
		for each row when (old.sure_from is not null) execute function rewards.refuse_change()', name || '_settled', relation);
	execute format('comment on trigger %I on %s is %L', name || '_settled', relation, 'from when on everybody knew it is found once');
end
$$;
revoke all on function rewards.guard_history(regclass) from public;
comment on function rewards.guard_history(regclass) is
	'makes a table one to append to, but for sure_from, which is written once; install() calls it';

create function rewards.log_call(call text, arguments jsonb, before jsonb, after jsonb, updated_by text) returns void
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$
	insert into rewards.admin_log (session_role, updated_by, call, arguments, before, after)
	values (rewards.caller()::text, updated_by, call, arguments, before, after)
	$$;
revoke all on function rewards.log_call(text, jsonb, jsonb, jsonb, text) from public;
comment on function rewards.log_call(text, jsonb, jsonb, jsonb, text) is
	'records a call of an administrator, once: all its arguments as they were given, what was before and what is now';
