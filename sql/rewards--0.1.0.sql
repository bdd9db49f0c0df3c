\echo Use "CREATE EXTENSION rewards" to load this file. \quit
/* The type rewards.distribution: who got what from one event. */

create type rewards.distribution;

create function rewards.distribution_in(cstring) returns rewards.distribution
	as 'MODULE_PATHNAME' language c immutable strict parallel safe;
create function rewards.distribution_out(rewards.distribution) returns cstring
	as 'MODULE_PATHNAME' language c immutable strict parallel safe;
create function rewards.distribution_recv(internal) returns rewards.distribution
	as 'MODULE_PATHNAME' language c immutable strict parallel safe;
create function rewards.distribution_send(rewards.distribution) returns bytea
	as 'MODULE_PATHNAME' language c immutable strict parallel safe;

create type rewards.distribution (
	input = rewards.distribution_in,
	output = rewards.distribution_out,
	receive = rewards.distribution_recv,
	send = rewards.distribution_send,
	internallength = variable,
	alignment = int4,
	storage = extended
);
comment on type rewards.distribution is
	'the shares of one event; text form: a JSON list of {account, entry, level, amount}';
comment on function rewards.distribution_in(cstring) is 'I/O of rewards.distribution; 22P02 for malformed text';
comment on function rewards.distribution_out(rewards.distribution) is 'I/O of rewards.distribution';
comment on function rewards.distribution_recv(internal) is 'I/O of rewards.distribution; 22P03 for malformed bytes';
comment on function rewards.distribution_send(rewards.distribution) is 'I/O of rewards.distribution';

create function rewards.distribution_eq(rewards.distribution, rewards.distribution) returns boolean
	as 'MODULE_PATHNAME' language c immutable strict leakproof parallel safe;
comment on function rewards.distribution_eq(rewards.distribution, rewards.distribution) is 'the same shares in the same order';

create function rewards.distribution_ne(rewards.distribution, rewards.distribution) returns boolean
	as 'MODULE_PATHNAME' language c immutable strict leakproof parallel safe;
comment on function rewards.distribution_ne(rewards.distribution, rewards.distribution) is 'not the same shares in the same order';

create function rewards.distribution_hash(rewards.distribution) returns integer
	as 'MODULE_PATHNAME' language c immutable strict leakproof parallel safe;
comment on function rewards.distribution_hash(rewards.distribution) is 'hash of rewards.distribution';

create operator rewards.= (
	leftarg = rewards.distribution, rightarg = rewards.distribution,
	function = rewards.distribution_eq, commutator = operator(rewards.=),
	negator = operator(rewards.<>), restrict = eqsel, join = eqjoinsel,
	hashes
);
comment on operator rewards.= (rewards.distribution, rewards.distribution) is 'the same shares in the same order';
create operator rewards.<> (
	leftarg = rewards.distribution, rightarg = rewards.distribution,
	function = rewards.distribution_ne, commutator = operator(rewards.<>),
	negator = operator(rewards.=), restrict = neqsel, join = neqjoinsel
);
comment on operator rewards.<> (rewards.distribution, rewards.distribution) is 'not the same shares in the same order';

create operator class rewards.distribution_ops default for type rewards.distribution using hash as
	operator 1 rewards.=,
	function 1 rewards.distribution_hash(rewards.distribution);
comment on operator class rewards.distribution_ops using hash is 'equality of distributions';

create cast (rewards.distribution as jsonb) with inout;
comment on cast (rewards.distribution as jsonb) is 'by the text form, which is JSON';

create function rewards.shares(distribution rewards.distribution)
	returns table (account_number bigint, entry text, level integer, amount numeric)
	as 'MODULE_PATHNAME', 'distribution_shares' language c immutable strict parallel safe rows 4;
comment on function rewards.shares(rewards.distribution) is
	'one row a share; account_number is NULL for the row''s own account while it was not registered';

create function rewards.entry_name(number smallint) returns text
	as 'MODULE_PATHNAME', 'entry_name_of_number' language c immutable strict parallel safe;
comment on function rewards.entry_name(smallint) is 'name of a kind of movement, by its stored number, reversal for the negative ones of totals; 22023 for others';

create function rewards.entry_number(name text) returns smallint
	as 'MODULE_PATHNAME', 'entry_number_of_name' language c immutable strict parallel safe;
comment on function rewards.entry_number(text) is 'stored number of a kind of movement; 22023 for unknown names';

/* The C core as SQL sees it.  Everything here is for our own tables, views and calls. */

create function rewards.library_version() returns text
	as 'MODULE_PATHNAME' language c immutable strict parallel safe;
comment on function rewards.library_version() is 'the version the loaded library was built as';

create function rewards.caller() returns regrole
	as 'MODULE_PATHNAME' language c stable strict parallel restricted;
comment on function rewards.caller() is 'the role that acts, also seen from inside SECURITY DEFINER functions';

create function rewards.setting_defaults(out name text, out default_value text, out description text)
	returns setof record
	as 'MODULE_PATHNAME' language c immutable strict parallel safe rows 10;
comment on function rewards.setting_defaults() is 'all settings with their defaults';

create function rewards.next_number(sequence regclass) returns bigint
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.next_number(regclass) from public;
comment on function rewards.next_number(regclass) is
	'default of usage_logs.id and journal.id: takes a transaction id, then draws the next number';

create function rewards.last_number() returns bigint
	as 'MODULE_PATHNAME' language c volatile parallel unsafe;
revoke all on function rewards.last_number() from public;
comment on function rewards.last_number() is 'the last number drawn by usage, the journal or an edge';

create function rewards.usage_before_insert() returns trigger
	as 'MODULE_PATHNAME' language c volatile parallel unsafe;
revoke all on function rewards.usage_before_insert() from public;
comment on function rewards.usage_before_insert() is 'trigger: computes the reward of a usage row and writes it into the row';

create function rewards.usage_after_insert() returns trigger
	as 'MODULE_PATHNAME' language c volatile parallel unsafe;
revoke all on function rewards.usage_after_insert() from public;
comment on function rewards.usage_after_insert() is 'trigger: charges the wallets of a statement''s rows under the credit policy enforce; RW007';

create function rewards.skip_earnings(skip boolean) returns void
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.skip_earnings(boolean) from public;
comment on function rewards.skip_earnings(boolean) is
	'whether rows of this (sub)transaction are stored as if they had no model; deduct_token() does so when computing earnings fails';

create function rewards.refuse_change() returns trigger
	as 'MODULE_PATHNAME' language c volatile parallel unsafe;
revoke all on function rewards.refuse_change() from public;
comment on function rewards.refuse_change() is 'trigger: refuses to change what is immutable, and writes aimed at a partition (55000)';

create function rewards.signal_change(relation regclass) returns void
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.signal_change(regclass) from public;
comment on function rewards.signal_change(regclass) is 'makes every session forget what it cached from a table, at commit';

create function rewards.has_referrer(number bigint) returns boolean
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.has_referrer(bigint) from public;
comment on function rewards.has_referrer(bigint) is 'whether an account has a referrer as committed now';

create function rewards.lock_forest(referee bigint, referrer bigint) returns boolean
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.lock_forest(bigint, bigint) from public;
comment on function rewards.lock_forest(bigint, bigint) is
	'keeps the referral forest without cycles until the transaction ends; false when this edge would close one';

create function rewards.find_account(kind text, account text) returns bigint
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.find_account(text, text) from public;
comment on function rewards.find_account(text, text) is 'number of a registered account as committed now, else NULL';

create function rewards.find_request(request_id text) returns bigint
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.find_request(text) from public;
comment on function rewards.find_request(text) is 'number of the successful usage row with this key in the newest partitions, else NULL';

create function rewards.database_identity() returns text
	as 'MODULE_PATHNAME' language c stable strict parallel safe;
revoke all on function rewards.database_identity() from public;
comment on function rewards.database_identity() is 'tells this database from its copies and restores';

create function rewards.next_transaction() returns xid8
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.next_transaction() from public;
comment on function rewards.next_transaction() is 'the transaction id that will be given next: whoever runs now has a lower one';

create function rewards.is_over(transaction xid8) returns boolean
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.is_over(xid8) from public;
comment on function rewards.is_over(xid8) is 'whether a transaction has let go of its locks, and so has told other sessions what it changed';

create function rewards.tail_totals(grain text, of_kind text default null, of_account text default null,
		out account_number bigint, out kind text, out account text, out period date,
		out unit smallint, out entry smallint, out level smallint,
		out amount numeric, out events bigint, out tokens bigint)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_totals(text, text, text) from public;
comment on function rewards.tail_totals(text, text, text) is
	'totals of what is recorded and not yet folded, by day or month; accounts by number where the row knows it, else by kind and name';

create function rewards.tail_models(out owner bigint, out model text, out events bigint, out tokens bigint,
		out amount numeric, out first_at timestamptz, out last_at timestamptz)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_models() from public;
comment on function rewards.tail_models() is 'creator earnings recorded and not yet folded, by owner and model';

create function rewards.tail_accounts(out account_number bigint, out kind text, out account text,
		out named_at timestamptz, out first_at timestamptz, out last_at timestamptz)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_accounts() from public;
comment on function rewards.tail_accounts() is 'accounts named in usage not yet folded, and when they were active there';

create function rewards.tail_account(of_kind text, of_account text,
		out named_at timestamptz, out first_at timestamptz, out last_at timestamptz)
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_account(text, text) from public;
comment on function rewards.tail_account(text, text) is 'when usage not yet folded names an account, and when it was active there';

create function rewards.tail_events() returns bigint
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_events() from public;
comment on function rewards.tail_events() is 'how many rows are recorded and not yet folded';

create function rewards.tail_unpriced() returns bigint
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_unpriced() from public;
comment on function rewards.tail_unpriced() is 'how many requests of mainnet not yet folded had no price';

create function rewards.wallet_state(account bigint, unit smallint, out balance numeric, out due numeric) returns record
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.wallet_state(bigint, smallint) from public;
comment on function rewards.wallet_state(bigint, smallint) is
	'the sum of a wallet''s movements, folded and not, and what of it has expired without being booked so';

create function rewards.latest_wallet_state(account bigint, unit smallint, out balance numeric, out due numeric) returns record
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.latest_wallet_state(bigint, smallint) from public;
comment on function rewards.latest_wallet_state(bigint, smallint) is 'the same as committed at this moment, whatever snapshot the caller has';

create function rewards.wallet_lots(account bigint, unit smallint,
		out id bigint, out remaining numeric, out expires_at timestamptz) returns setof record
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe;
revoke all on function rewards.wallet_lots(bigint, smallint) from public;
comment on function rewards.wallet_lots(bigint, smallint) is 'what is left of credits that expire, folded and not';

create function rewards.latest_wallet_lots(account bigint, unit smallint,
		out id bigint, out remaining numeric, out expires_at timestamptz) returns setof record
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.latest_wallet_lots(bigint, smallint) from public;
comment on function rewards.latest_wallet_lots(bigint, smallint) is 'the same as committed at this moment, whatever snapshot the caller has';

create function rewards.quote_usage(endpoint text, model text, input_tokens integer, output_tokens integer,
		user_id text, provider_id text, at timestamptz, out service text, out tier text, out provider_points numeric,
		out user_points numeric, out creator_earnings numeric, out cost numeric) returns record
	as 'MODULE_PATHNAME' language c stable parallel unsafe;
revoke all on function rewards.quote_usage(text, text, integer, integer, text, text, timestamptz) from public;
comment on function rewards.quote_usage(text, text, integer, integer, text, text, timestamptz) is 'what a row like this would get; behind quote()';

create function rewards.post(max_events bigint default null, out events bigint, out entries bigint, out complete boolean)
	returns record
	as 'MODULE_PATHNAME' language c volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.post(bigint) from public;
comment on function rewards.post(bigint) is
	'folds what has been recorded into the totals; never waits. complete is false when another poster was at work, max_events cut it short or old transactions hold it back. 25001 under REPEATABLE READ or SERIALIZABLE';

create function rewards.verify_rows(since timestamptz, until timestamptz,
		out part text, out subject text, out expected text, out found text, out detail text)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.verify_rows(timestamptz, timestamptz) from public;
comment on function rewards.verify_rows(timestamptz, timestamptz) is 'usage rows that are not what the rules they knew make of them';

create function rewards.explain_shares(usage_id bigint, out entry text, out level integer, out account_number bigint,
		out amount numeric, out rule text, out base numeric, out rate numeric, out multiplier numeric, out note text)
	returns setof record
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.explain_shares(bigint) from public;
comment on function rewards.explain_shares(bigint) is 'reasons of the shares of a usage row; behind explain_reward()';

create function rewards.explain_model(model text, out tier text, out rule text) returns record
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.explain_model(text) from public;
comment on function rewards.explain_model(text) is 'a model''s tier now and what placed it there; behind explain_tier()';
/* install() and uninstall(): the tables, views and triggers, made and removed. */

create function rewards.require_installed() returns void
	language plpgsql stable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if to_regclass('rewards.installation') is null then
		raise exception 'rewards is not installed in this database'
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'Run: select rewards.install();';
	end if;
end
$$;
revoke all on function rewards.require_installed() from public;
comment on function rewards.require_installed() is '55000 with a hint before install()';

create function rewards.install(preset text default null) returns text
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	set client_min_messages = warning
as $$
declare
	version text := (select extversion from pg_extension where extname = 'rewards');
begin
	if version <> rewards.library_version() then
		raise exception 'the library is version %, the extension version %', rewards.library_version(), version
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'Run: alter extension rewards update;';
	end if;
	execute rewards.schema_sql();
	if not exists (select from rewards.rule) then
		perform rewards.load_preset(coalesce(preset, 'cxmpute'), '-infinity');
		/*
		 * Under wal_level minimal nothing is logged of a sequence in the transaction
		 * that makes it, yet the values it has in store count as logged: after a
		 * crash it would give them out again. setval() empties the store.
		 */
		perform setval('rewards.rule_id_seq', (select last_value from rewards.rule_id_seq));
		perform setval('rewards.admin_log_id_seq', (select last_value from rewards.admin_log_id_seq));
	elsif preset is not null then
		perform rewards.load_preset(preset);
	end if;
	perform rewards.make_partitions();
	perform rewards.renew_access();
	insert into rewards.installation (version) values (version)
		on conflict (single) do update set version = excluded.version, installed_at = clock_timestamp();
	return format('rewards %s is installed', version);
end
$$;
revoke all on function rewards.install(text) from public;
comment on function rewards.install(text) is
	'makes the tables, views and triggers, or brings older ones to this version; idempotent. preset: rules to begin with, NULL = cxmpute on an empty database. Only the extension''s owner may call it';

create function rewards.uninstall(confirmation text) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	set client_min_messages = warning
as $$
declare
	doomed record;
begin
	if confirmation is distinct from 'drop all data' then
		raise exception 'uninstall() drops every event, account and total'
			using errcode = 'invalid_parameter_value',
				hint = 'To do so, run: select rewards.uninstall(''drop all data'');';
	end if;
	/* all that the schema holds and the extension does not own */
	for doomed in
		select c.oid::regclass as relation, c.relkind
		from pg_class c
		where c.relnamespace = 'rewards'::regnamespace
			and c.relkind in ('v', 'r', 'p', 'S') and not c.relispartition
			and not exists (select from pg_depend d
							where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
		order by array_position(array['v', 'p', 'r', 'S']::"char"[], c.relkind)
	loop
		if exists (select from pg_class c where c.oid = doomed.relation) then
			execute format('drop %s if exists %s cascade',
				case doomed.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end,
				doomed.relation);
		end if;
	end loop;
end
$$;
revoke all on function rewards.uninstall(text) from public;
comment on function rewards.uninstall(text) is
	'drops all data, so that the extension can be dropped; asks for the words ''drop all data''';
/* What the calls share: argument checks, months and days, settings, the admin log. */

create function rewards.check_not_null(value anyelement, argument text) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if value is null then
		raise exception '% must not be null', argument
			using errcode = 'null_value_not_allowed', hint = 'Give a value for it.';
	end if;
end
$$;
revoke all on function rewards.check_not_null(anyelement, text) from public;
comment on function rewards.check_not_null(anyelement, text) is '22004 for a required argument that is NULL';

create function rewards.check_id(id text, argument text) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_not_null(id, argument);
	if octet_length(id) not between 1 and 255 or id ~ '[\x01-\x1f\x7f]' then
		raise exception 'invalid %', argument
			using errcode = 'invalid_parameter_value',
				hint = 'An id has 1 to 255 bytes and no control characters.';
	end if;
end
$$;
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
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_not_null(kind, 'kind');
	if kind not in ('user', 'provider') then
		raise exception 'unknown account kind "%"', kind
			using errcode = 'invalid_parameter_value', hint = 'A kind is user or provider.';
	end if;
end
$$;
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
	language plpgsql immutable strict parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if month = 'all' then
		return null;
	elsif month ~ '^\d{4}-\d\d(-\d\d)?$' then
		return date_trunc('month', make_date(left(month, 4)::integer, substr(month, 6, 2)::integer,
			coalesce(nullif(substr(month, 9, 2), ''), '1')::integer)::timestamp)::date;
	end if;
	raise exception 'invalid month "%"', month
		using errcode = 'invalid_parameter_value',
			hint = 'Write a month as 2025-01 or as an ISO date, or all for all time.';
exception when datetime_field_overflow then
	raise exception 'invalid month "%"', month
		using errcode = 'invalid_parameter_value',
			hint = 'Write a month as 2025-01 or as an ISO date, or all for all time.';
end
$$;
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
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select (now() at time zone rewards.setting('time_zone'))::date $$;
revoke all on function rewards.today() from public;
comment on function rewards.today() is 'the programme''s current day';

create function rewards.month_argument(month text) returns date
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select case when month is null then date_trunc('month', rewards.today()::timestamp)::date else rewards.month(month) end $$;
revoke all on function rewards.month_argument(text) from public;
comment on function rewards.month_argument(text) is 'what a month argument means: NULL the current month, ''all'' all time (NULL)';

create function rewards.month_argument(month date) returns date
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if not isfinite(month) then
		raise exception 'invalid month "%"', month
			using errcode = 'invalid_parameter_value', hint = 'Give a date of the month, or NULL for all time.';
	end if;
	return date_trunc('month', month::timestamp)::date;
end
$$;
revoke all on function rewards.month_argument(date) from public;
comment on function rewards.month_argument(date) is 'what a month given as a date means: the first of its month, NULL all time';

create function rewards.is_admin() returns boolean
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select pg_has_role(rewards.caller()::oid,
		(select extowner from pg_extension where extname = 'rewards'), 'member') $$;
revoke all on function rewards.is_admin() from public;
comment on function rewards.is_admin() is 'whether the acting role may do what only admins may';

create function rewards.log_call(call text, arguments jsonb, before jsonb, after jsonb, updated_by text) returns void
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$
	insert into rewards.admin_log (session_role, updated_by, call, arguments, before, after)
	values (rewards.caller()::text, updated_by, call, arguments, before, after)
	$$;
revoke all on function rewards.log_call(text, jsonb, jsonb, jsonb, text) from public;
comment on function rewards.log_call(text, jsonb, jsonb, jsonb, text) is 'records an admin call with what it changed';
/* Rules: appended, never changed.  The setters, the settings, the presets. */

create function rewards.rule_value(rule text, key text, at timestamptz default clock_timestamp()) returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$
	select r.value from rewards.rule r
	where r.rule = rule_value.rule and r.key = rule_value.key and r.valid_from <= at
	order by r.valid_from desc, r.id desc limit 1
	$$;
revoke all on function rewards.rule_value(text, text, timestamptz) from public;
comment on function rewards.rule_value(text, text, timestamptz) is 'a rule''s value in force at a time, by all that is recorded now';

create function rewards.add_rule(rule text, key text, value jsonb, valid_from timestamptz, updated_by text) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
begin
	perform rewards.check_not_null(valid_from, 'valid_from');
	perform rewards.check_not_null(updated_by, 'updated_by');
	/*
	 * One setter at a time: rules become known in the order of their ids.  A
	 * mode that lets posting settle older rules meanwhile.
	 */
	lock table rewards.rule in share update exclusive mode;
	insert into rewards.rule (rule, key, value, valid_from, seen_from, updated_by)
	values (rule, key, value, valid_from, rewards.last_number(), updated_by)
	returning id into number;
	perform rewards.signal_change('rewards.rule');
	return number;
end
$$;
revoke all on function rewards.add_rule(text, text, jsonb, timestamptz, text) from public;
comment on function rewards.add_rule(text, text, jsonb, timestamptz, text) is
	'appends a version of a rule, value NULL ends it; returns its id';

create function rewards.set_rule(call text, rule text, key text, value jsonb, valid_from timestamptz, updated_by text) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	before jsonb;
	number bigint;
begin
	perform rewards.check_not_null(valid_from, 'valid_from');
	before := rewards.rule_value(rule, key, valid_from);
	number := rewards.add_rule(rule, key, value, valid_from, updated_by);
	perform rewards.log_call(call, jsonb_build_object('rule', rule, 'key', key, 'valid_from', valid_from),
		before, value, updated_by);
	return number;
end
$$;
revoke all on function rewards.set_rule(text, text, text, jsonb, timestamptz, text) from public;
comment on function rewards.set_rule(text, text, text, jsonb, timestamptz, text) is
	'what the setters have in common: append the rule, record the call';

create function rewards.check_tier(tier text) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if tier is not null and not exists (select from rewards.rule r where r.rule = 'tier' and r.key = tier and r.value is not null) then
		raise exception 'unknown tier "%"', tier
			using errcode = 'invalid_parameter_value', hint = 'Make it first by rewards.set_tier().';
	end if;
end
$$;
revoke all on function rewards.check_tier(text) from public;
comment on function rewards.check_tier(text) is '22023 for a tier that no rule has made';

create function rewards.set_tier(tier text, points numeric, vram_above numeric default null, vram_upto numeric default null,
		title text default null, valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_id(tier, 'tier');
	perform rewards.check_amount(points, 'points');
	perform rewards.check_amount(vram_above, 'vram_above');
	perform rewards.check_amount(vram_upto, 'vram_upto');
	if octet_length(tier) > 63 then
		raise exception 'tier name is too long'
			using errcode = 'invalid_parameter_value', hint = 'A tier''s name has at most 63 bytes.';
	elsif vram_upto <= vram_above then
		raise exception 'vram_upto must be greater than vram_above'
			using errcode = 'invalid_parameter_value', hint = 'The range of a tier is (vram_above, vram_upto].';
	end if;
	return rewards.set_rule('set_tier', 'tier', tier,
		case when points is not null then jsonb_build_object('points', points,
			'vram_above', vram_above, 'vram_upto', vram_upto, 'title', title) end,
		valid_from, updated_by);
end
$$;
revoke all on function rewards.set_tier(text, numeric, numeric, numeric, text, timestamptz, text) from public;
comment on function rewards.set_tier(text, numeric, numeric, numeric, text, timestamptz, text) is
	'a tier''s points per request and the VRAM range in GB (above, upto] that places a model in it; points NULL ends the tier (P1)';

create function rewards.set_service(service text, endpoint_suffix text, points numeric default null,
		provider_per_token numeric default 0, user_base numeric default 0, user_per_token numeric default 0,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_id(service, 'service');
	perform rewards.check_amount(points, 'points');
	perform rewards.check_amount(provider_per_token, 'provider_per_token');
	perform rewards.check_amount(user_base, 'user_base');
	perform rewards.check_amount(user_per_token, 'user_per_token');
	if service = 'other' then
		raise exception 'service "other" cannot be set'
			using errcode = 'invalid_parameter_value', hint = 'It stands for endpoints that no service claims.';
	elsif endpoint_suffix !~ '^/[^?#\s]*[^/?#\s]$' then
		raise exception 'invalid endpoint suffix "%"', endpoint_suffix
			using errcode = 'invalid_parameter_value', hint = 'A suffix is the end of a path and begins with a slash, as in /chat/completions.';
	end if;
	return rewards.set_rule('set_service', 'service', service,
		case when endpoint_suffix is not null then jsonb_build_object('endpoint_suffix', endpoint_suffix,
			'points', points, 'provider_per_token', coalesce(provider_per_token, 0),
			'user_base', coalesce(user_base, 0), 'user_per_token', coalesce(user_per_token, 0)) end,
		valid_from, updated_by);
end
$$;
revoke all on function rewards.set_service(text, text, numeric, numeric, numeric, numeric, timestamptz, text) from public;
comment on function rewards.set_service(text, text, numeric, numeric, numeric, numeric, timestamptz, text) is
	'a service: the end of its endpoints'' paths, the provider''s points a request (NULL = the tier''s) and output token, the user''s points a request and token; endpoint_suffix NULL ends it (P4, P8)';

create function rewards.set_model_pattern("position" integer, pattern text, tier text, but_not text default null,
		match text default 'contains', valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null("position", 'position');
	if "position" < 0 then
		raise exception 'position must not be negative'
			using errcode = 'invalid_parameter_value', hint = 'Patterns are tried in the order of their positions.';
	elsif pattern is not null then
		perform rewards.check_id(pattern, 'pattern');
		perform rewards.check_id(tier, 'tier');
		perform rewards.check_tier(tier);
		if but_not is not null then
			perform rewards.check_id(but_not, 'but_not');
		end if;
		if match is null or match not in ('contains', 'prefix', 'suffix', 'exact') then
			raise exception 'unknown match "%"', match
				using errcode = 'invalid_parameter_value', hint = 'Use contains, prefix, suffix or exact.';
		end if;
	end if;
	return rewards.set_rule('set_model_pattern', 'model_pattern', "position"::text,
		case when pattern is not null then jsonb_build_object('pattern', pattern, 'tier', tier,
			'but_not', but_not, 'match', match) end,
		valid_from, updated_by);
end
$$;
revoke all on function rewards.set_model_pattern(integer, text, text, text, text, timestamptz, text) from public;
comment on function rewards.set_model_pattern(integer, text, text, text, text, timestamptz, text) is
	'places models in a tier by name: case-insensitive, numbers whole, first position that hits; pattern NULL ends it (P3)';

create function rewards.set_user_share(share numeric, valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_amount(share, 'share', 1);
	return rewards.set_rule('set_user_share', 'user_share', '',
		case when share is not null then jsonb_build_object('share', share) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_user_share(numeric, timestamptz, text) from public;
comment on function rewards.set_user_share(numeric, timestamptz, text) is
	'the part of a request''s base points that its user gets, 0.10 = 10 %; NULL ends it (P6)';

create function rewards.set_creator_rate(rate numeric, tier text default null,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_amount(rate, 'rate');
	perform rewards.check_tier(tier);
	return rewards.set_rule('set_creator_rate', 'creator_rate', coalesce(tier, ''),
		case when rate is not null then jsonb_build_object('rate', rate) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_creator_rate(numeric, text, timestamptz, text) from public;
comment on function rewards.set_creator_rate(numeric, text, timestamptz, text) is
	'a creator''s earnings per token, for models of a tier or, tier NULL, of any tier without a rate of its own; NULL ends it (E1, F2)';

create function rewards.set_referral_rates(kind text, rates numeric[], valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	rate numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_kind(kind);
	if cardinality(rates) > 32 or array_ndims(rates) > 1 then
		raise exception 'too many referral levels'
			using errcode = 'invalid_parameter_value', hint = 'Give a list of 0 to 32 rates, the first for direct referrers.';
	end if;
	foreach rate in array coalesce(rates, '{}') loop
		perform rewards.check_not_null(rate, 'rate');
		perform rewards.check_amount(rate, 'rate', 1);
	end loop;
	return rewards.set_rule('set_referral_rates', 'referral_rates', kind,
		case when rates is not null then jsonb_build_object('rates', rates) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_referral_rates(text, numeric[], timestamptz, text) from public;
comment on function rewards.set_referral_rates(text, numeric[], timestamptz, text) is
	'what each level of an earner''s chain gets on top of the earner''s points, 0.20 = 20 %; NULL ends it (R4, R5, R19)';

create function rewards.set_referral_kinds(referrer_kind text, referee_kind text, allowed boolean,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_kind(referrer_kind);
	perform rewards.check_kind(referee_kind);
	return rewards.set_rule('set_referral_kinds', 'referral_kinds', referrer_kind || '/' || referee_kind,
		case when allowed is not null then jsonb_build_object('allowed', allowed) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_referral_kinds(text, text, boolean, timestamptz, text) from public;
comment on function rewards.set_referral_kinds(text, text, boolean, timestamptz, text) is
	'whether accounts of one kind may refer accounts of another; NULL ends it: then equal kinds may, others not (R11)';

/* ---- settings ---- */

create function rewards.is_date(value text) returns boolean
	language plpgsql immutable strict parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return value ~ '^\d{4}-\d\d-\d\d$'
		and make_date(left(value, 4)::integer, substr(value, 6, 2)::integer, right(value, 2)::integer) is not null;
exception when datetime_field_overflow then
	return false;
end
$$;
revoke all on function rewards.is_date(text) from public;
comment on function rewards.is_date(text) is 'whether a text is a day as 2025-01-31';

create function rewards.is_span(value text) returns boolean
	language plpgsql immutable strict parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return value::interval > '0' and value::interval <= '100 years';
exception when data_exception then
	return false;
end
$$;
revoke all on function rewards.is_span(text) from public;
comment on function rewards.is_span(text) is 'whether a text is an interval above zero and up to 100 years';

create function rewards.check_setting(name text, value text) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	fits boolean;
begin
	perform rewards.check_not_null(name, 'name');
	perform rewards.check_not_null(value, 'value');
	if not exists (select from rewards.setting_defaults() d where d.name = check_setting.name) then
		raise exception 'there is no setting "%"', name
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.settings lists them.';
	end if;
	fits := case name
		when 'time_zone' then exists (select from pg_timezone_names t where t.name = check_setting.value)
		when 'auto_register' then value in ('on', 'off')
		when 'default_tier' then rewards.rule_value('tier', value) is not null
		when 'code_policy' then value in ('identity', 'generated', 'both')
		when 'credit_policy' then value in ('allow', 'enforce')
		when 'streak_grace_days' then value ~ '^\d{1,3}$' and value::integer between 0 and 365
		when 'uptime_seconds_per_day' then value ~ '^\d{1,5}$' and value::integer between 1 and 86400
		when 'earnings_alert' then value ~ '^\d{1,9}(\.\d{1,9})?$' and value::numeric > 0
		when 'low_credits' then value ~ '^\d{1,9}(\.\d{1,9})?$'
		when 'codes_after_days' then value ~ '^\d{1,4}$' and value::integer between 1 and 3650
		when 'quality_days' then value ~ '^\d{1,4}$' and value::integer between 1 and 3650
		when 'suspension_days' then value ~ '^\d{1,4}$' and value::integer between 1 and 3650
		when 'invite_prefix' then value ~ '^[A-Z0-9]{1,16}$'
		when 'invite_expiry' then value = 'none' or rewards.is_span(value)
		when 'onboarded_requests' then value ~ '^\d{1,9}$' and value::integer >= 1
		when 'quality_method' then value in ('weighted', 'recency_v1')
		when 'closed_until' then value = 'none' or rewards.is_date(value)
		else value ~ '^\d{1,3}$' and value::integer between 1 and 100
	end;
	if not fits then
		raise exception 'invalid value "%" for setting "%"', value, name
			using errcode = 'invalid_parameter_value',
				hint = case name
					when 'time_zone' then 'Use a full name such as Europe/Berlin; pg_timezone_names lists them.'
					when 'auto_register' then 'Use on or off.'
					when 'default_tier' then 'Use a tier of the view rewards.tiers.'
					when 'code_policy' then 'Use identity, generated or both.'
					when 'credit_policy' then 'Use allow or enforce.'
					when 'streak_grace_days' then 'Use a whole number of days from 0 to 365.'
					when 'uptime_seconds_per_day' then 'Use a whole number of seconds from 1 to 86400.'
					when 'earnings_alert' then 'Use an amount above zero, as 10 or 0.5.'
					when 'low_credits' then 'Use an amount, as 1 or 0.5, or 0 to tell nobody.'
					when 'codes_after_days' then 'Use a whole number of days from 1 to 3650.'
					when 'quality_days' then 'Use a whole number of days from 1 to 3650.'
					when 'suspension_days' then 'Use a whole number of days from 1 to 3650.'
					when 'invite_prefix' then 'Use 1 to 16 capital letters and digits.'
					when 'invite_expiry' then 'Use an interval as 90 days, or none.'
					when 'onboarded_requests' then 'Use a whole number from 1 on.'
					when 'quality_method' then 'Use weighted or recency_v1.'
					when 'closed_until' then 'Use a date as 2025-01-31, or none.'
					else 'Use a whole number from 1 to 100.' end;
	elsif name = 'time_zone' and value <> rewards.setting('time_zone')
			and (exists (select from rewards.usage_logs) or exists (select from rewards.journal)) then
		raise exception 'the time zone is fixed once usage exists'
			using errcode = 'invalid_parameter_value', hint = 'Days and months already counted would move.';
	end if;
end
$$;
revoke all on function rewards.check_setting(text, text) from public;
comment on function rewards.check_setting(text, text) is '22023 for an unknown setting or a value it cannot have';

create function rewards.set_setting(name text, value text, updated_by text default current_user) returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_setting(name, value);
	return rewards.set_rule('set_setting', 'setting', name, jsonb_build_object('value', value),
		case name when 'time_zone' then '-infinity' else now() end, updated_by);
end
$$;
revoke all on function rewards.set_setting(text, text, text) from public;
comment on function rewards.set_setting(text, text, text) is 'changes a setting from now on; 22023 for unknown names and impossible values';

/* ---- presets ---- */

create function rewards.preset_rules(preset text) returns table (rule text, key text, value jsonb)
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	with tiers(rule, key, value) as (values
		('tier', 'tide_pool', jsonb '{"points": 1, "vram_above": null, "vram_upto": 4, "title": "Tide Pool"}'),
		('tier', 'blue_surge', '{"points": 3, "vram_above": 4, "vram_upto": 8, "title": "Blue Surge"}'),
		('tier', 'open_ocean', '{"points": 7, "vram_above": 8, "vram_upto": 22, "title": "Open Ocean"}'),
		('tier', 'mariana_depth', '{"points": 15, "vram_above": 22, "vram_upto": null, "title": "Mariana Depth"}'),
		('model_pattern', '10', '{"pattern": "70b", "tier": "mariana_depth", "but_not": "q4", "match": "contains"}'),
		('model_pattern', '20', '{"pattern": "70b", "tier": "open_ocean", "but_not": null, "match": "contains"}'),
		('model_pattern', '30', '{"pattern": "mixtral", "tier": "open_ocean", "but_not": null, "match": "contains"}'),
		('model_pattern', '40', '{"pattern": "8x7b", "tier": "open_ocean", "but_not": null, "match": "contains"}'),
		('model_pattern', '50', '{"pattern": "7b", "tier": "blue_surge", "but_not": null, "match": "contains"}'),
		('model_pattern', '60', '{"pattern": "mistral", "tier": "blue_surge", "but_not": null, "match": "contains"}'),
		('model_pattern', '70', '{"pattern": "llama-3-8b", "tier": "blue_surge", "but_not": null, "match": "contains"}')
	), cxmpute(rule, key, value) as (values
		('service', 'chat', jsonb '{"endpoint_suffix": "/chat/completions", "points": null, "provider_per_token": 0, "user_base": 0, "user_per_token": 0}'),
		('service', 'embeddings', '{"endpoint_suffix": "/embeddings", "points": 1, "provider_per_token": 0, "user_base": 0, "user_per_token": 0}'),
		('service', 'tts', '{"endpoint_suffix": "/tts", "points": 2, "provider_per_token": 0, "user_base": 0, "user_per_token": 0}'),
		('service', 'scrape', '{"endpoint_suffix": "/scrape", "points": 0.5, "provider_per_token": 0, "user_base": 0, "user_per_token": 0}'),
		('user_share', '', '{"share": 0.1}'),
		('referral_rates', 'provider', '{"rates": [0.2, 0.1, 0.05]}'),
		('referral_rates', 'user', '{"rates": [0.2, 0.1, 0.05]}'),
		('bonus', 'signup/user/1', '{"event": "signup", "kind": "user", "amount": 100, "recipient_level": 1, "threshold": null, "hold": null}'),
		('bonus', 'milestone/user/1/50', '{"event": "milestone", "kind": "user", "amount": 200, "recipient_level": 1, "threshold": 50, "hold": null}'),
		('bonus', 'trial/user/0', '{"event": "trial", "kind": "user", "amount": 10, "recipient_level": 0, "threshold": null, "hold": null}'),
		('streak_multiplier', 'provider/7', '{"kind": "provider", "days": 7, "multiplier": 1.05}'),
		('streak_multiplier', 'provider/30', '{"kind": "provider", "days": 30, "multiplier": 1.1}'),
		('streak_multiplier', 'provider/100', '{"kind": "provider", "days": 100, "multiplier": 1.2}'),
		('streak_multiplier', 'user/7', '{"kind": "user", "days": 7, "multiplier": 1.05}'),
		('streak_multiplier', 'user/30', '{"kind": "user", "days": 30, "multiplier": 1.1}'),
		('streak_multiplier', 'user/100', '{"kind": "user", "days": 100, "multiplier": 1.2}')
	), cxmpute_guide(rule, key, value) as (values
		('service', 'chat', jsonb '{"endpoint_suffix": "/chat/completions", "points": null, "provider_per_token": 0.0005, "user_base": 1, "user_per_token": 0.001}'),
		('service', 'embeddings', '{"endpoint_suffix": "/embeddings", "points": 1, "provider_per_token": 0.0005, "user_base": 0.5, "user_per_token": 0.0005}'),
		('service', 'tts', '{"endpoint_suffix": "/tts", "points": 2, "provider_per_token": 0.0005, "user_base": 0.8, "user_per_token": 0}'),
		('service', 'scrape', '{"endpoint_suffix": "/scrape", "points": 0.5, "provider_per_token": 0.0005, "user_base": 0.2, "user_per_token": 0}'),
		('referral_rates', 'provider', '{"rates": [0.1, 0.05, 0.025]}'),
		('referral_rates', 'user', '{"rates": [0.15, 0.08, 0.04]}'),
		('uptime_points', '', '{"points_per_hour": 0.05}'),
		('bonus', 'signup/provider/1', '{"event": "signup", "kind": "provider", "amount": 50, "recipient_level": 1, "threshold": null, "hold": null}'),
		('bonus', 'signup/user/1', '{"event": "signup", "kind": "user", "amount": 25, "recipient_level": 1, "threshold": null, "hold": null}'),
		('setting', 'code_policy', '{"value": "identity"}')
	), creator(rule, key, value) as (values
		('service', 'character_chat', jsonb '{"endpoint_suffix": "/chat", "points": 0, "provider_per_token": 0, "user_base": 0, "user_per_token": 0}'),
		('creator_rate', '', '{"rate": 0.0001}')
	), vobee(rule, key, value) as (values
		('days_reward', '', jsonb '{"reward": {"codes": 3}}'),
		('milestone', '3', '{"reward": {"codes": 3}}'),
		('milestone', '10', '{"reward": {"codes": 5}}'),
		('milestone', '25', '{"reward": {"premium": "1 month"}}'),
		('milestone', '50', '{"reward": {"codes": 10, "premium": "3 months"}}'),
		('milestone', '100', '{"reward": {"premium": "lifetime"}}'),
		('quality_bonus', '', '{"above": 0.8, "referrals": 5, "reward": {"codes": 2, "priority_support": "lifetime", "feature_preview": "lifetime"}}'),
		('quality_threshold', 'warned', '{"below": 0.3}'),
		('quality_threshold', 'paused', '{"below": 0.2}'),
		('quality_threshold', 'review', '{"below": 0.1}'),
		('rate_limit', 'share_referral', '{"subject": "share_referral", "max": 100, "per": "1 day", "action": "refuse", "kind": null}'),
		('detector', 'plus_address', '{"enabled": true, "parameters": {}}'),
		('detector', 'invalid_email', '{"enabled": true, "parameters": {}}'),
		('detector', 'disposable_domain', '{"enabled": true, "parameters": {}}'),
		('detector', 'burst', '{"enabled": true, "parameters": {}}'),
		('detector', 'silent_referees', '{"enabled": true, "parameters": {}}'),
		('detector', 'inactive_referees', '{"enabled": true, "parameters": {}}'),
		('detector', 'shared_identity', '{"enabled": true, "parameters": {}}')
	)
	select * from creator where preset in ('cxmpute', 'cxmpute_guide', 'creator', 'vobee')
	union all select * from vobee where preset = 'vobee'
	union all select * from tiers where preset in ('cxmpute', 'cxmpute_guide')
	union all select * from cxmpute where preset = 'cxmpute'
	union all select * from cxmpute_guide where preset = 'cxmpute_guide'
$$;
revoke all on function rewards.preset_rules(text) from public;
comment on function rewards.preset_rules(text) is 'the rules of a preset; none for an unknown name';

create function rewards.load_preset(name text, valid_from timestamptz default now(), updated_by text default current_user) returns integer
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	addition boolean := name in ('creator', 'vobee');
	changed integer := 0;
	change record;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(name, 'name');
	perform rewards.check_not_null(valid_from, 'valid_from');
	if not exists (select from rewards.preset_rules(name)) then
		raise exception 'there is no preset "%"', name
			using errcode = 'invalid_parameter_value', hint = 'Presets are cxmpute, cxmpute_guide, creator and vobee.';
	end if;
	lock table rewards.rule in share update exclusive mode;
	/* a whole programme also ends what other programmes have and it has not */
	for change in
		select p.rule, p.key, p.value, rewards.rule_value(p.rule, p.key, load_preset.valid_from) as before
		from rewards.preset_rules(name) p
		union all
		select o.rule, o.key, null, rewards.rule_value(o.rule, o.key, load_preset.valid_from)
		from (select rule, key, null::jsonb as value from rewards.preset_rules('cxmpute') where rule <> 'setting'
			union select rule, key, null from rewards.preset_rules('cxmpute_guide') where rule <> 'setting'
			/* a setting only when it is as that programme left it */
			union select rule, key, value from rewards.preset_rules('cxmpute_guide') where rule = 'setting') o
		where not addition
			and (o.value is null or o.value = rewards.rule_value(o.rule, o.key, load_preset.valid_from))
			and not exists (select from rewards.preset_rules(name) p where p.rule = o.rule and p.key = o.key)
		order by 1, 2
	loop
		if change.before is not distinct from change.value or (addition and change.before is not null) then
			continue;
		end if;
		perform rewards.add_rule(change.rule, change.key, change.value, load_preset.valid_from, updated_by);
		changed := changed + 1;
	end loop;
	if changed > 0 then
		perform rewards.record_streaks();
	end if;
	perform rewards.log_call('load_preset', jsonb_build_object('name', name, 'valid_from', load_preset.valid_from),
		null, jsonb_build_object('changed', changed), updated_by);
	return changed;
end
$$;
revoke all on function rewards.load_preset(text, timestamptz, text) from public;
comment on function rewards.load_preset(text, timestamptz, text) is
	'makes a preset''s rules the ones in force from a time on; creator and vobee only add what is missing. Returns how many rules changed, 0 when all were so already';
/* Bonuses, streaks, campaigns and multipliers, all of them rules: what a programme adds on top. */

create function rewards.check_multiplier(multiplier numeric) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_amount(multiplier, 'multiplier', 1000);
end
$$;
revoke all on function rewards.check_multiplier(numeric) from public;
comment on function rewards.check_multiplier(numeric) is '22023 for a multiplier that is not between 0 and 1000 in at most nine places; NULL passes';

/* ---- bonuses ---- */

create function rewards.set_bonus(event text, kind text, amount numeric, recipient_level integer default 1,
		threshold integer default null, hold interval default null,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(event, 'event');
	perform rewards.check_kind(kind);
	perform rewards.check_amount(amount, 'amount');
	perform rewards.check_not_null(recipient_level, 'recipient_level');
	if event not in ('signup', 'milestone', 'trial', 'streak') then
		raise exception 'there is no bonus for the event "%"', event
			using errcode = 'invalid_parameter_value', hint = 'Events are signup, milestone, trial and streak.';
	elsif recipient_level not between 0 and 32 then
		raise exception 'recipient_level must be between 0 and 32'
			using errcode = 'invalid_parameter_value', hint = '0 is the account itself, 1 its referrer, 2 the referrer''s referrer.';
	elsif event in ('milestone', 'streak') and (threshold is null or threshold < 1) then
		raise exception 'a bonus for the event "%" needs a threshold of 1 or more', event
			using errcode = 'invalid_parameter_value',
				hint = case event when 'milestone' then 'It says at which successful request after the referral the bonus is due.'
					else 'It says at how many days the bonus is due.' end;
	elsif event in ('signup', 'trial') and threshold is not null then
		raise exception 'a bonus for the event "%" has no threshold', event
			using errcode = 'invalid_parameter_value', hint = 'Leave it out.';
	elsif hold < interval '0' or hold > interval '100 years' then
		raise exception 'hold must be between nothing and 100 years'
			using errcode = 'invalid_parameter_value', hint = 'It says how long the bonus cannot be disposed of.';
	end if;
	return rewards.set_rule('set_bonus', 'bonus', concat_ws('/', event, kind, recipient_level, threshold),
		case when amount is not null then jsonb_build_object('event', event, 'kind', kind, 'amount', amount,
			'recipient_level', recipient_level, 'threshold', threshold, 'hold', hold) end,
		valid_from, updated_by);
end
$$;
revoke all on function rewards.set_bonus(text, text, numeric, integer, integer, interval, timestamptz, text) from public;
comment on function rewards.set_bonus(text, text, numeric, integer, integer, interval, timestamptz, text) is
	'points for an event of an account of this kind: signup, milestone (its threshold-th successful request after it was referred), trial (first use of a service), streak (its threshold-th day in a row); to the account itself (recipient_level 0) or its referrer (1) or further up; hold: cannot be disposed of for so long. One rule for each event, kind, level and threshold; amount NULL ends it (P7, R6, R7)';

/* ---- streaks ---- */

create function rewards.record_streaks() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	zone text := rewards.setting('time_zone');
	grace integer := rewards.setting('streak_grace_days')::integer;
begin
	/* no poster at work: the next one knows the rules and goes on from here */
	perform from rewards.cursor for update;
	insert into rewards.account_fact (account, fact, number, valid_from, valid_until, seen_from, updated_by)
	select f.account, 'streak', f.days, f.since, f.until, (select rewards.last_number()), rewards.caller()::text
	from (
		select v.account, a.kind, v.streak - n as days,
			(v.last_day - n + 1)::timestamp at time zone zone as since,
			(v.last_day - n + 2 + grace)::timestamp at time zone zone as until
		from rewards.activity v
		join rewards.account a on a.id = v.account
		/* through its last day and, when that is today or later, through the days from yesterday on */
		cross join generate_series(0, greatest(0, least(v.streak - 1, v.last_day - rewards.today() + 1))) n
	) f
	where f.until > clock_timestamp()
		and f.days >= (
			select min((r.value ->> 'days')::integer) from rewards.rule r
			where r.rule = 'streak_multiplier' and r.value ->> 'kind' = f.kind)
		and not exists (
			select from rewards.account_fact k
			where k.account = f.account and k.fact = 'streak' and k.valid_until > clock_timestamp() and k.valid_from = f.since);
	if found then
		perform rewards.signal_change('rewards.account_fact');
	end if;
end
$$;
revoke all on function rewards.record_streaks() from public;
comment on function rewards.record_streaks() is
	'records the streaks that run now for rules that multiply shorter ones than before; from then on posting does';

create function rewards.set_streak_multiplier(kind text, days integer, multiplier numeric,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	number bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_kind(kind);
	perform rewards.check_not_null(days, 'days');
	perform rewards.check_multiplier(multiplier);
	if days not between 1 and 36500 then
		raise exception 'days must be between 1 and 36500'
			using errcode = 'invalid_parameter_value', hint = 'It says from how many days in a row on the multiplier counts.';
	end if;
	number := rewards.set_rule('set_streak_multiplier', 'streak_multiplier', kind || '/' || days,
		case when multiplier is not null then jsonb_build_object('kind', kind, 'days', days, 'multiplier', multiplier) end,
		valid_from, updated_by);
	perform rewards.record_streaks();
	return number;
end
$$;
revoke all on function rewards.set_streak_multiplier(text, integer, numeric, timestamptz, text) from public;
comment on function rewards.set_streak_multiplier(text, integer, numeric, timestamptz, text) is
	'multiplies the points of accounts that were active so many programme days in a row, through the day before; the rule with the most days reached counts; NULL ends it (S1, S2)';

create function rewards.set_uptime_points(points_per_hour numeric, valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_amount(points_per_hour, 'points_per_hour');
	return rewards.set_rule('set_uptime_points', 'uptime_points', '',
		case when points_per_hour is not null then jsonb_build_object('points_per_hour', points_per_hour) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_uptime_points(numeric, timestamptz, text) from public;
comment on function rewards.set_uptime_points(numeric, timestamptz, text) is
	'what a provider gets for an hour of uptime that record_uptime() reports; NULL ends it (P10)';

/* ---- campaigns ---- */

create function rewards.start_campaign(name text, multiplier numeric, since timestamptz, until timestamptz,
		kind text default null, service text default null, tier text default null, updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	running jsonb;
begin
	perform rewards.require_installed();
	perform rewards.check_id(name, 'name');
	perform rewards.check_not_null(multiplier, 'multiplier');
	perform rewards.check_multiplier(multiplier);
	perform rewards.check_not_null(since, 'since');
	perform rewards.check_tier(tier);
	if kind is not null then
		perform rewards.check_kind(kind);
	end if;
	if until <= since then
		raise exception 'a campaign must end after it begins'
			using errcode = 'invalid_parameter_value', hint = 'It counts from since on, up to and not including until; NULL is without end.';
	elsif service is not null and service <> 'other'
			and not exists (select from rewards.rule r where r.rule = 'service' and r.key = service and r.value is not null) then
		raise exception 'unknown service "%"', service
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.services lists them.';
	end if;
	/* one setter at a time, so that no other session starts it meanwhile */
	lock table rewards.rule in share update exclusive mode;
	select c.value into running
	from (
		select r.value, r.valid_from as since,
			least((r.value ->> 'until')::timestamptz, lead(r.valid_from, 1, 'infinity') over (order by r.valid_from, r.id)) as until
		from rewards.rule r where r.rule = 'campaign' and r.key = name
	) c
	where c.value is not null and c.since < c.until
		and c.until > start_campaign.since and c.since < coalesce(start_campaign.until, 'infinity')
	limit 1;
	if found then
		raise exception 'campaign "%" runs then already', name
			using errcode = 'unique_violation', detail = format('It is %s.', running),
				hint = 'End it by rewards.end_campaign() first, or choose another name.';
	end if;
	/* what was planned and cancelled would end it there */
	if exists (select from rewards.rule r where r.rule = 'campaign' and r.key = name
			and r.valid_from > start_campaign.since and r.valid_from < coalesce(start_campaign.until, 'infinity')) then
		raise exception 'campaign "%" was planned and cancelled for that time', name
			using errcode = 'unique_violation', hint = 'Choose another name, or a time before or after.';
	end if;
	return rewards.set_rule('start_campaign', 'campaign', name,
		jsonb_build_object('multiplier', multiplier, 'until', coalesce(until, 'infinity'), 'kind', kind, 'service', service, 'tier', tier),
		since, updated_by);
end
$$;
revoke all on function rewards.start_campaign(text, numeric, timestamptz, timestamptz, text, text, text, text) from public;
comment on function rewards.start_campaign(text, numeric, timestamptz, timestamptz, text, text, text, text) is
	'multiplies points of events from since up to until: of providers or users or, kind NULL, once on each side; of one service or tier or all. Campaigns that run together multiply each other (F1)';

create function rewards.end_campaign(name text, at timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(name, 'name');
	perform rewards.check_not_null(at, 'at');
	lock table rewards.rule in share update exclusive mode;
	if coalesce((rewards.rule_value('campaign', name, at) ->> 'until')::timestamptz, '-infinity') <= at then
		raise exception 'no campaign "%" runs then', name
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.campaigns lists them; one that is still to come is ended at its beginning.';
	end if;
	return rewards.set_rule('end_campaign', 'campaign', name, null, at, updated_by);
end
$$;
revoke all on function rewards.end_campaign(text, timestamptz, text) from public;
comment on function rewards.end_campaign(text, timestamptz, text) is
	'ends a campaign at a time, at its beginning to cancel it; 22023 when none of that name runs then';

/* ---- multipliers ---- */

create function rewards.set_multiplier(account text, kind text, multiplier numeric,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	before numeric;
	fact_id bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_multiplier(multiplier);
	perform rewards.check_not_null(valid_from, 'valid_from');
	perform rewards.check_not_null(updated_by, 'updated_by');
	number := (rewards.ensure_account(kind, account)).number;
	/* the account's row orders the changes of one account */
	perform 1 from rewards.account a where a.id = number for no key update;
	if not exists (select from rewards.account_fact f where f.account = number and f.fact = 'multiplier') then
		valid_from := '-infinity';
	end if;
	select f.number into before from rewards.account_fact f
	where f.account = number and f.fact = 'multiplier' and f.valid_from <= valid_from
	order by f.valid_from desc, f.id desc limit 1;
	insert into rewards.account_fact as f (account, fact, number, valid_from, seen_from, updated_by)
	values (number, 'multiplier', multiplier, valid_from, rewards.last_number(), updated_by)
	returning f.id into fact_id;
	perform rewards.signal_change('rewards.account_fact');
	perform rewards.log_call('set_multiplier', jsonb_build_object('account', account, 'kind', kind, 'valid_from', valid_from),
		to_jsonb(before), to_jsonb(multiplier), updated_by);
	return fact_id;
end
$$;
revoke all on function rewards.set_multiplier(text, text, numeric, timestamptz, text) from public;
comment on function rewards.set_multiplier(text, text, numeric, timestamptz, text) is
	'multiplies one account''s own points from a time on, the first one from ever; besides campaigns and streaks; NULL ends it (P5)';

/* ---- uptime ---- */

create function rewards.pay_uptime(provider bigint, day date, amount numeric, cause text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	at timestamptz := day::timestamp at time zone rewards.setting('time_zone');
	rates jsonb := rewards.rule_value('referral_rates', 'provider', at) -> 'rates';
	shares jsonb := jsonb_build_array(jsonb_build_object('account', provider, 'entry', 'work', 'level', 0, 'amount', amount));
	step record;
begin
	/* as for a request: up the chain as it was then, each share of the provider's own points */
	for step in
		select c.account, c.level, round(amount * (rates ->> (c.level - 1))::numeric, 9) as share
		from rewards.chain_above(provider, at, jsonb_array_length(rates)) c
		where c.level > 0 and not rewards.is_paused(c.account, at) order by c.level
	loop
		if step.share <> 0 then
			shares := shares || jsonb_build_object('account', step.account, 'entry', 'referral', 'level', step.level, 'amount', step.share);
		end if;
	end loop;
	insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause)
	values (at, 1, shares::text::rewards.distribution, 'uptime', rewards.caller()::text, 'uptime', provider, cause);
end
$$;
revoke all on function rewards.pay_uptime(bigint, date, numeric, text) from public;
comment on function rewards.pay_uptime(bigint, date, numeric, text) is 'books points for uptime, and the referral shares in them';

create function rewards.record_uptime(provider text, day date, seconds integer) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	at timestamptz;
	number bigint;
	known record;
	due numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_id(provider, 'provider');
	perform rewards.check_not_null(day, 'day');
	perform rewards.check_not_null(seconds, 'seconds');
	if seconds not between 0 and 90000 then
		raise exception 'seconds must be between 0 and 90000'
			using errcode = 'invalid_parameter_value', hint = 'It says how long the provider was up on that day, all in all.';
	elsif not isfinite(day) or day > rewards.today() then
		raise exception 'day must not be in the future'
			using errcode = 'invalid_parameter_value', hint = 'Report a day while it lasts or after it.';
	end if;
	at := day::timestamp at time zone rewards.setting('time_zone');
	perform rewards.check_time(at, 'day');
	number := (rewards.ensure_account('provider', provider)).number;
	insert into rewards.uptime as u (account, day, seconds, reached)
	values (number, day, seconds, seconds >= rewards.setting('uptime_seconds_per_day')::integer)
	on conflict on constraint uptime_pkey do update
		set seconds = greatest(u.seconds, excluded.seconds), reached = u.reached or excluded.reached, recorded_at = clock_timestamp()
	returning u.seconds, u.booked into known;

	due := round(coalesce((rewards.rule_value('uptime_points', '', at) ->> 'points_per_hour')::numeric, 0) * known.seconds / 3600, 9);
	if due > known.booked and rewards.status_of(number, at) <> 'banned' then
		perform rewards.pay_uptime(number, day, due - known.booked, to_char(day, 'YYYY-MM-DD') || '/' || due);
		update rewards.uptime u set booked = due where u.account = number and u.day = day;
	end if;
end
$$;
revoke all on function rewards.record_uptime(text, date, integer) from public;
comment on function rewards.record_uptime(text, date, integer) is
	'how long a provider was up on a programme day, in seconds; the most of what is reported counts, so that a report may be repeated. A day of uptime_seconds_per_day is one of its streak (P10, S1)';

/* ---- what posting books ---- */

create function rewards.one_share(account bigint, entry text, level integer, amount numeric) returns rewards.distribution
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select jsonb_build_array(jsonb_build_object('account', account, 'entry', entry, 'level', level, 'amount', amount))::text::rewards.distribution $$;
revoke all on function rewards.one_share(bigint, text, integer, numeric) from public;
comment on function rewards.one_share(bigint, text, integer, numeric) is 'the distribution of a single share';

create function rewards.held_until(at timestamptz, hold interval) returns timestamptz
	language sql stable strict parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select (at at time zone z.zone + hold) at time zone z.zone from (select rewards.setting('time_zone')) z(zone) $$;
revoke all on function rewards.held_until(timestamptz, interval) from public;
comment on function rewards.held_until(timestamptz, interval) is
	'when the hold of a bonus ends: its days are the programme''s, whoever posts; NULL for none';

create function rewards.book_bonuses(rules text[], accounts bigint[], causes text[], holds text[],
		ats timestamptz[], distributions rewards.distribution[]) returns setof bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	actor text := rewards.caller()::text;
	bonus record;
begin
	return query
	insert into rewards.journal as j (created_at, unit, distribution, reason, actor, event, account, cause, held_until)
	select b.at, 1, b.distribution, split_part(b.rule, '/', 1), actor, b.rule, b.account, b.cause, rewards.held_until(b.at, nullif(b.hold, '')::interval)
	from unnest(rules, accounts, causes, holds, ats, distributions) as b(rule, account, cause, hold, at, distribution)
	where b.rule not like 'streak/%'
	on conflict do nothing
	returning j.id;

	/* a run of days is granted a bonus once, wherever it began when it was: one after the other */
	for bonus in
		select b.*, split_part(b.cause, ' ', 1) as doer, split_part(b.cause, ' ', 2) as since, split_part(b.cause, ' ', 3) as last_day
		from unnest(rules, accounts, causes, holds, ats, distributions) as b(rule, account, cause, hold, at, distribution)
		where b.rule like 'streak/%'
	loop
		return query
		insert into rewards.journal as j (created_at, unit, distribution, reason, actor, event, account, cause, held_until)
		select bonus.at, 1, bonus.distribution, 'streak', actor, bonus.rule, bonus.account, bonus.doer || ' ' || bonus.since,
			rewards.held_until(bonus.at, nullif(bonus.hold, '')::interval)
		where not exists (
			select from rewards.journal k
			where k.event = bonus.rule and k.account = bonus.account
				/* '!' comes after the blank */
				and k.cause >= bonus.doer || ' ' and k.cause < bonus.doer || '!'
				and split_part(k.cause, ' ', 2)::date between bonus.since::date and bonus.last_day::date)
		on conflict do nothing
		returning j.id;
	end loop;
end
$$;
revoke all on function rewards.book_bonuses(text[], bigint[], text[], text[], timestamptz[], rewards.distribution[]) from public;
comment on function rewards.book_bonuses(text[], bigint[], text[], text[], timestamptz[], rewards.distribution[]) is
	'books bonuses that posting found due, each once by rule, recipient and cause; the numbers of the entries made';
/* Accounts, by id or by e-mail, and the one permanent edge to a referrer. */

create function rewards.ensure_account(kind text, account text, joined_at timestamptz default now(),
		out number bigint, out created boolean)
	returns record
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	number := rewards.find_account(kind, account);
	created := false;
	if number is not null then
		return;
	end if;
	/* whom usage names is known, also before posting */
	if rewards.setting('auto_register') = 'off'
			and (select t.named_at from rewards.tail_account(kind, account) t) is null then
		raise exception 'unknown % "%"', kind, account
			using errcode = 'RW001', hint = 'Register it by rewards.register_account(), or set auto_register on.';
	end if;
	insert into rewards.account as a (kind, name, joined_at) values (kind, account, joined_at)
		on conflict do nothing returning a.id into number;
	created := number is not null;
	if not created then
		number := rewards.find_account(kind, account);
	end if;
end
$$;
revoke all on function rewards.ensure_account(text, text, timestamptz) from public;
comment on function rewards.ensure_account(text, text, timestamptz) is
	'number of an account, registered if need be; RW001 where auto_register is off';

create function rewards.register_account(account text, kind text default 'user', email text default null,
		joined_at timestamptz default now())
	returns boolean
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	registered boolean;
	number bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_not_null(joined_at, 'joined_at');
	if email is not null then
		perform rewards.check_id(email, 'email');
	end if;
	insert into rewards.account as a (kind, name, email, joined_at) values (kind, account, email, joined_at)
		on conflict do nothing returning a.id into number;
	registered := number is not null;
	if not registered and email is not null then
		update rewards.account a set email = email
		where a.kind = kind and a.name = account and a.email is distinct from email;
	end if;
	return registered;
end
$$;
revoke all on function rewards.register_account(text, text, text, timestamptz) from public;
comment on function rewards.register_account(text, text, text, timestamptz) is
	'registers an account; true when it was new. An e-mail given replaces the known one';

/* ---- who is meant ---- */

create function rewards.people(email text) returns bigint[]
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return array(
		select a.id from rewards.account a where lower(a.email) = lower(people.email) and a.email is not null and a.kind = 'user'
		union
		/* whom usage has registered by it */
		select a.id from rewards.account a
		where lower(a.name) = lower(people.email) and a.name like '%@%' and a.kind = 'user' and a.email is null
		limit 2);
end
$$;
revoke all on function rewards.people(text) from public;
comment on function rewards.people(text) is 'users with an e-mail, as such or as their id, in whatever case; no more than two';

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
	owners := rewards.people(email);
	return case when cardinality(owners) = 1 then owners[1] end;
end
$$;
revoke all on function rewards.person(text) from public;
comment on function rewards.person(text) is 'the user of this id, else the one user with this e-mail, as such or as its id, in whatever case; NULL for none, or for several';

create function rewards.refuse_ambiguous(email text) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if rewards.person(email) is null and cardinality(rewards.people(email)) > 0 then
		raise exception 'several users have the e-mail "%"', email
			using errcode = 'invalid_parameter_value', hint = 'Say which of them is meant by its id.';
	end if;
end
$$;
revoke all on function rewards.refuse_ambiguous(text) from public;
comment on function rewards.refuse_ambiguous(text) is '22023 for an e-mail that several users have and none has as its id';

create function rewards.ensure_person(email text, out number bigint, out created boolean) returns record
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	made record;
begin
	number := rewards.person(email);
	created := false;
	if number is not null then
		return;
	end if;
	perform rewards.refuse_ambiguous(email);
	made := rewards.ensure_account('user', email);
	number := made.number;
	created := made.created;
	if created and email like '%@%' then
		update rewards.account a set email = email where a.id = number;
	end if;
end
$$;
revoke all on function rewards.ensure_person(text) from public;
comment on function rewards.ensure_person(text) is 'the user of an e-mail, registered by it if need be; RW001 where auto_register is off, 22023 where several users have it';

create function rewards.who(number bigint) returns text
	language sql stable strict parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select a.kind || ':' || a.name from rewards.account a where a.id = number $$;
revoke all on function rewards.who(bigint) from public;
comment on function rewards.who(bigint) is 'kind and id of an account as one text';

create function rewards.address_of(number bigint) returns text
	language sql stable strict parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select coalesce(a.email, a.name) from rewards.account a where a.id = number $$;
revoke all on function rewards.address_of(bigint) from public;
comment on function rewards.address_of(bigint) is 'the e-mail of an account, else its id';

/* ---- edges ---- */

create function rewards.may_refer(referrer_kind text, referee_kind text, at timestamptz) returns boolean
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select coalesce((rewards.rule_value('referral_kinds', referrer_kind || '/' || referee_kind, at) ->> 'allowed')::boolean,
		referrer_kind = referee_kind) $$;
revoke all on function rewards.may_refer(text, text, timestamptz) from public;
comment on function rewards.may_refer(text, text, timestamptz) is 'whether accounts of one kind may refer those of another at a time; equal kinds unless a rule says otherwise (R11)';

create function rewards.chain_above(number bigint, at timestamptz, depth integer) returns table (account bigint, level integer)
	language plpgsql stable parallel unsafe rows 4
	set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	with recursive chain(account, level) as (
		select number, 0
		union all
		select a.referrer, c.level + 1 from chain c join rewards.account a on a.id = c.account
		where a.referred_at <= at and c.level < depth
	)
	select c.account, c.level from chain c;
end
$$;
revoke all on function rewards.chain_above(bigint, timestamptz, integer) from public;
comment on function rewards.chain_above(bigint, timestamptz, integer) is
	'who stood in an account''s chain at a time: itself at level 0, its referrer at 1, and so on, at most so many levels up';

create function rewards.pay_signup(referee bigint, kind text, at timestamptz) returns numeric
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with rule as (
		select r.key, rewards.rule_value('bonus', r.key, at) as value
		from (select distinct r.key from rewards.rule r where r.rule = 'bonus' and r.key like 'signup/' || pay_signup.kind || '/%') r
	), bonus as (
		select r.key, c.account, c.level, (r.value ->> 'amount')::numeric as amount, (r.value ->> 'hold')::interval as hold
		from rule r join rewards.chain_above(referee, at, 32) c on c.level = (r.value ->> 'recipient_level')::integer
		where not rewards.is_paused(c.account, at)
	), booked as (
		insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause, held_until)
		select at, 1, rewards.one_share(b.account, 'signup_bonus', b.level, b.amount), 'signup', rewards.caller()::text,
			b.key, b.account, referee::text, rewards.held_until(at, b.hold)
		from bonus b where b.amount > 0
	)
	select coalesce(sum(b.amount), 0) from bonus b
$$;
revoke all on function rewards.pay_signup(bigint, text, timestamptz) from public;
comment on function rewards.pay_signup(bigint, text, timestamptz) is
	'books the signup bonuses of a new edge, to the account itself and up its chain as the rules say; returns what they come to (R6, R7)';

create function rewards.add_edge(referee bigint, kind text, referrer bigint, code text, at timestamptz, created boolean) returns numeric
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	/* an account made in this very transaction is in nobody's chain */
	if not created and not rewards.lock_forest(referee, referrer) then
		raise exception 'the referral would close a circle'
			using errcode = 'RW004', hint = 'An account cannot be referred by anybody it has referred, directly or through others.';
	elsif rewards.has_referrer(referee) then
		raise exception '% "%" has a referrer already', kind, (select a.name from rewards.account a where a.id = referee)
			using errcode = 'RW003', hint = 'A referral is permanent and cannot be changed.';
	end if;
	/* the edge takes a place on the number line, for posting to fold it */
	update rewards.account a set referrer = referrer, referred_at = at, seen_from = rewards.next_number('rewards.usage_number'),
		recorded_at = clock_timestamp(), recorded_xid = pg_current_xact_id(), code = code
	where a.id = referee;
	if not created then
		perform rewards.signal_change('rewards.account_signal');
	end if;
	perform rewards.note_joined(referrer, referee, code);
	/* an event of the account that joins, and of its kind */
	return rewards.pay_signup(referee, kind, at);
end
$$;
revoke all on function rewards.add_edge(bigint, text, bigint, text, timestamptz, boolean) from public;
comment on function rewards.add_edge(bigint, text, bigint, text, timestamptz, boolean) is
	'makes one account the referrer of another for good, created: one that is new in this transaction; returns the signup bonuses. RW003, RW004';

create function rewards.referral_signup(code text, referee text, out referrer text, inout kind text default 'user',
		at timestamptz default now(), out bonus numeric, out created_at timestamptz)
	returns record
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	referee_first boolean := referee < code collate "C" or (referee = code and kind = 'provider');
	owner_number bigint;
	owner record;
	joiner record;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(code, 'code');
	perform rewards.check_id(referee, 'referee');
	perform rewards.check_kind(kind);
	perform rewards.check_not_null(at, 'at');
	if at <> now() and not rewards.is_admin() then
		raise exception 'only an admin may date a referral'
			using errcode = 'insufficient_privilege', hint = 'Leave out the argument at.';
	elsif at > clock_timestamp() then
		raise exception 'a referral cannot begin in the future'
			using errcode = 'invalid_parameter_value', hint = 'Leave out the argument at.';
	end if;
	perform rewards.check_time(at, 'at');

	/* names are registered in order, as posting does: nobody waits in a circle */
	if referee_first then
		joiner := rewards.ensure_account(kind, referee, at);
	end if;
	/* by itself, before the query that shall see whom it registers */
	owner_number := rewards.code_owner(code, kind, at);
	select a.id, a.kind, a.name into owner from rewards.account a where a.id = owner_number;
	if not found then
		raise exception 'invalid referral code "%"', code
			using errcode = 'RW006', hint = 'Ask the referrer for the code that rewards.referral_code() gives.';
	elsif owner.name = referee and owner.kind = kind then
		raise exception 'an account cannot refer itself'
			using errcode = 'RW002', hint = 'Use the code of another account.';
	elsif not rewards.may_refer(owner.kind, kind, at) then
		raise exception 'a % cannot be referred by a %', kind, owner.kind
			using errcode = 'RW005', hint = 'The view rewards.referral_kinds says who may refer whom.';
	end if;
	perform rewards.refuse_suspended(owner.id, at);
	/* what is brought over from elsewhere is not limited */
	if at = now() then
		perform rewards.count_call('referral_signup', owner.kind || ':' || owner.name, owner.kind);
	end if;

	if not referee_first then
		joiner := rewards.ensure_account(kind, referee, at);
	end if;
	bonus := rewards.add_edge(joiner.number, kind, owner.id, code, at, joiner.created);
	referrer := owner.name;
	kind := owner.kind;
	created_at := at;
end
$$;
revoke all on function rewards.referral_signup(text, text, text, timestamptz) from public;
comment on function rewards.referral_signup(text, text, text, timestamptz) is
	'sets the one, permanent referrer of an account and pays the signup bonus; no credit for what was before. at in the past: admins. RW002 self, RW003 already referred, RW004 circle, RW005 kinds that may not refer each other, RW006 invalid code, RW008 suspended or banned referrer, RW011 too many signups of the referrer. kind is the referee''s in, the referrer''s out (R3, R10, R11)';
/* Referral codes: an account's own id, made ones, ones of its choice; whose a code is, and revoking it. */

create function rewards.random_code(kind text) returns text
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* 40 strong random bits as 8 letters and digits that cannot be mistaken */
	with random_bits as materialized (
		select ('x' || left(replace(gen_random_uuid()::text, '-', ''), 10))::bit(40)::bigint as value
	)
	select case kind when 'user' then 'USER-' else 'PROV-' end
		|| string_agg(substr('23456789ABCDEFGHJKLMNPQRSTUVWXYZ', ((value >> (5 * i)) & 31)::integer + 1, 1), '')
	from random_bits, generate_series(0, 7) i
$$;
revoke all on function rewards.random_code(text) from public;
comment on function rewards.random_code(text) is 'a new referral code';

create function rewards.check_custom_code(custom text) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if custom !~ '^[A-Za-z0-9][A-Za-z0-9_-]{2,63}$' then
		raise exception 'invalid code "%"', custom
			using errcode = 'invalid_parameter_value',
				hint = 'A code of your own has 3 to 64 letters, digits, dashes and underscores.';
	end if;
end
$$;
revoke all on function rewards.check_custom_code(text) from public;
comment on function rewards.check_custom_code(text) is '22023 for what cannot be a code of one''s own choice; NULL passes';

create function rewards.reads_like_id(custom text, owner bigint) returns boolean
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select exists (select from rewards.account a where a.name = custom and a.id <> owner)
		/* nor comes an id that was revoked back as a code, in whatever case */
		or exists (
			select from rewards.voided_identity v join rewards.account a on a.id = v.account
			where upper(a.name) = upper(custom))
$$;
revoke all on function rewards.reads_like_id(text, bigint) from public;
comment on function rewards.reads_like_id(text, bigint) is
	'whether a code of one''s own choice is another account''s id, or an id that was revoked as a code';

create function rewards.referral_code(account text, kind text default 'user', custom text default null) returns text
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	code text;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_custom_code(custom);
	if exists (select from rewards.invite_code c where upper(c.code) = upper(custom)) then
		raise exception using errcode = 'unique_violation';
	end if;
	if custom is not null and rewards.setting('code_policy') = 'identity' then
		raise exception 'an account''s own id is its code here'
			using errcode = 'invalid_parameter_value', hint = 'Leave out the custom code, or set code_policy to generated or both.';
	end if;
	number := (rewards.ensure_account(kind, account)).number;
	if rewards.setting('code_policy') = 'identity' then
		/* revoked, or somebody's revoked code before it was an id */
		if exists (select from rewards.voided_identity v where v.account = number)
			or exists (select from rewards.code c where c.code = code and c.voided_at is not null) then
			raise exception 'the code of % "%" was revoked', kind, account
				using errcode = 'RW006', hint = 'Set code_policy to generated or both, and it can have another one.';
		end if;
		return account;
	elsif rewards.reads_like_id(custom, number) then
		raise exception using errcode = 'unique_violation';
	end if;
	select c.code into code from rewards.code c
	where c.account = number and c.voided_at is null and (custom is null or upper(c.code) = upper(custom))
	order by c.custom, c.created_at limit 1;
	if code is not null then
		return code;
	end if;

	/* one at a time for an account, so that get-or-create creates once */
	perform 1 from rewards.account a where a.id = number for no key update;
	select c.code into code from rewards.code c
	where c.account = number and c.voided_at is null and not c.custom and custom is null;
	if code is not null then
		return code;
	end if;
	loop
		code := coalesce(custom, rewards.random_code(kind));
		insert into rewards.code (code, account, custom) values (code, number, custom is not null)
			on conflict do nothing;
		exit when found;
		if custom is not null then
			raise exception using errcode = 'unique_violation';
		end if;
	end loop;
	return code;
exception when unique_violation then
	raise exception 'code "%" is taken', coalesce(custom, code)
		using errcode = 'unique_violation', hint = 'Choose another one.';
end
$$;
revoke all on function rewards.referral_code(text, text, text) from public;
comment on function rewards.referral_code(text, text, text) is
	'an account''s referral code, made when it has none; custom: one of its own choice, 23505 when taken. Under code_policy identity the account''s own id (R1, R2)';

create function rewards.identity_owner(kind text, code text, look_in_tail boolean) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint := rewards.find_account(kind, code);
begin
	/* an account counts from its first usage row, also before posting */
	if number is null and look_in_tail
			and exists (select from rewards.tail_accounts() t where t.kind = kind and t.account = code) then
		number := (rewards.ensure_account(kind, code)).number;
	end if;
	if exists (select from rewards.voided_identity v where v.account = number) then
		return null;
	end if;
	return number;
end
$$;
revoke all on function rewards.identity_owner(text, text, boolean) from public;
comment on function rewards.identity_owner(text, text, boolean) is
	'the account of a kind whose own id is the code, unless that was revoked; look_in_tail: also one that only rows not yet folded name';

create function rewards.code_owner(code text, kind text, at timestamptz) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	policy text := rewards.setting('code_policy');
	number bigint;
	candidate record;
begin
	/* an id is its account's own, also where somebody has a code that reads like it */
	if policy <> 'generated' then
		for candidate in
			select k.kind, rewards.may_refer(k.kind, kind, at) as allowed
			from unnest('{user,provider}'::text[]) k(kind) order by allowed desc, k.kind <> kind
		loop
			number := rewards.identity_owner(candidate.kind, code, candidate.allowed);
			exit when number is not null;
		end loop;
	end if;
	if number is null and policy <> 'identity' then
		select c.account into number from rewards.code c
		where upper(c.code) = upper(code) and c.voided_at is null;
	end if;
	return number;
end
$$;
revoke all on function rewards.code_owner(text, text, timestamptz) from public;
comment on function rewards.code_owner(text, text, timestamptz) is
	'the account behind a referral code: of two of one id the one that may refer the given kind, then the one of that kind; NULL for no valid code';

create function rewards.void_identity(kind text, code text, reason text) returns jsonb
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint := rewards.identity_owner(kind, code, true);
begin
	insert into rewards.voided_identity (account, reason) select number, reason where number is not null
		on conflict do nothing;
	return case when found then jsonb_build_array(jsonb_build_object('kind', kind, 'account', code, 'code', code))
		else jsonb '[]' end;
end
$$;
revoke all on function rewards.void_identity(text, text, text) from public;
comment on function rewards.void_identity(text, text, text) is
	'takes from an account of a kind its own id as a code; returns what was voided, an empty list where the id is no code';

create function rewards.revoke_code(code text, reason text, updated_by text default current_user) returns integer
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	voided jsonb := '[]';
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(code, 'code');
	perform rewards.check_reason(reason);
	perform rewards.check_not_null(updated_by, 'updated_by');
	/* all that the text stands for, so that no signup takes it any more */
	if rewards.setting('code_policy') <> 'generated' then
		/* in the order in which posting registers names */
		voided := rewards.void_identity('provider', code, reason) || rewards.void_identity('user', code, reason);
	end if;
	with made as (
		update rewards.code c set voided_at = clock_timestamp(), reason = reason
		where upper(c.code) = upper(code) and c.voided_at is null
		returning c.account, c.code as made
	), invite as (
		update rewards.invite_code c set voided_at = clock_timestamp(), reason = reason
		where upper(c.code) = upper(code) and c.voided_at is null and c.used_at is null
		returning c.owner, c.code as made
	)
	select voided || coalesce(jsonb_agg(jsonb_build_object('kind', a.kind, 'account', a.name, 'code', m.made)), '[]') into voided
	from (select * from made union all select * from invite) m left join rewards.account a on a.id = m.account;
	if voided = '[]' then
		raise exception 'invalid referral code "%"', code
			using errcode = 'RW006', hint = 'The view rewards.referral_codes lists the codes that were made, revoked ones with active false.';
	end if;
	perform rewards.log_call('revoke_code', jsonb_build_object('code', code, 'reason', reason),
		jsonb_build_object('active', true, 'codes', voided), jsonb_build_object('active', false, 'codes', voided), updated_by);
	return jsonb_array_length(voided);
end
$$;
revoke all on function rewards.revoke_code(text, text, text) from public;
comment on function rewards.revoke_code(text, text, text) is
	'makes a code invalid for good, a referral code, an unused invite code, or an id that serves as a code; edges made with it stay. Returns how many were voided: an id may be a user''s and a provider''s (R1, R2)';
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
	before text;
	step text;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_reason(reason);
	perform rewards.check_not_null(updated_by, 'updated_by');
	number := (rewards.ensure_account(kind, account)).number;
	/* two at once are two steps */
	lock table rewards.account_status in share update exclusive mode;
	before := rewards.status_of(number);
	step := rewards.next_step(number);
	if step is null then
		raise exception '% "%" is banned already', kind, account
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'There is no further step; rewards.revoke_rewards() takes back what it has got by referrals and bonuses.';
	end if;
	perform rewards.add_status(number, step, 'sanction', reason, case step when 'suspended' then rewards.suspension_end(now()) end, updated_by);
	perform rewards.log_call('sanction', jsonb_build_object('account', account, 'kind', kind, 'reason', reason),
		to_jsonb(before), to_jsonb(step), updated_by);
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
	before text;
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
	before := rewards.status_of(appeal.account);
	if accepted then
		/* flags before statuses, as maintain() has them locked */
		update rewards.abuse_flag f set cleared_at = clock_timestamp(), cleared_by = updated_by, note = coalesce(note, 'appeal accepted')
		where f.account = appeal.account and f.cleared_at is null;
		/* also for one that is over, which the ladder would still count */
		if exists (select from rewards.account_status s where s.account = appeal.account) then
			perform rewards.add_status(appeal.account, 'active', 'appeal', coalesce(note, 'appeal accepted'), null, updated_by);
		end if;
	end if;
	perform rewards.notify(array[appeal.account], 'appeal_resolved', array[id::text],
		array[jsonb_build_object('appeal', id, 'accepted', accepted, 'note', note)]);
	perform rewards.log_call('resolve_appeal', jsonb_build_object('id', id, 'accepted', accepted, 'note', note),
		to_jsonb(before), to_jsonb(rewards.status_of(appeal.account)), updated_by);
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
	perform rewards.log_call('close_review', jsonb_build_object('id', id), null, to_jsonb(note), updated_by);
end
$$;
revoke all on function rewards.close_review(bigint, text, text) from public;
comment on function rewards.close_review(bigint, text, text) is 'says what a review of an account has come to; a new one opens when its score has changed since and is still that low (I6)';
/*
 * Limits on how often: calls above one are refused, usage above one is flagged, or flagged
 * and taken back, when it is posted.  Windows are fixed and follow one another from
 * 2000-01-01 UTC on.  Without a rule nothing is counted.
 */

create function rewards.limited_calls() returns text[]
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select '{referral_signup,share_referral,redeem_code,join_waitlist,deduct_token,request_payout}'::text[] $$;
revoke all on function rewards.limited_calls() from public;
comment on function rewards.limited_calls() is 'the calls that set_rate_limit() can limit';

create function rewards.check_rate_limit(subject text, max integer, per interval, action text, kind text) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	is_call boolean := subject = any (rewards.limited_calls());
begin
	perform rewards.check_id(subject, 'subject');
	if kind is not null then
		perform rewards.check_kind(kind);
	end if;
	if not is_call and subject not in ('usage', 'other') and not exists (
			select from rewards.rule r where r.rule = 'service' and r.key = subject and r.value is not null) then
		raise exception 'there is nothing "%" to limit', subject
			using errcode = 'invalid_parameter_value',
				hint = format('Use usage, a service or one of %s.', array_to_string(rewards.limited_calls(), ', '));
	elsif kind = 'provider' and subject in ('share_referral', 'redeem_code', 'join_waitlist', 'deduct_token') then
		raise exception 'no provider calls %()', subject
			using errcode = 'invalid_parameter_value', hint = 'Leave out the kind.';
	elsif action not in ('refuse', 'flag', 'reverse') or (action = 'refuse') <> is_call then
		raise exception 'invalid action "%" for "%"', action, subject
			using errcode = 'invalid_parameter_value',
				hint = case when is_call then 'Calls above a limit are refused.' else 'Use flag or reverse: usage is never refused.' end;
	elsif max < 1 then
		raise exception 'max must be at least 1'
			using errcode = 'invalid_parameter_value', hint = 'Give a whole number, or NULL to end the limit.';
	elsif max is not null then
		perform rewards.check_not_null(per, 'per');
		if extract(month from per) <> 0 or extract(year from per) <> 0 or per <= '0' or per > '366 days' then
			raise exception 'invalid interval "%" for a limit', per
				using errcode = 'invalid_parameter_value',
					hint = 'Windows are all of one length: give weeks, days, hours, minutes or seconds, up to 366 days.';
		end if;
	end if;
end
$$;
revoke all on function rewards.check_rate_limit(text, integer, interval, text, text) from public;
comment on function rewards.check_rate_limit(text, integer, interval, text, text) is '22004 or 22023 for a limit that cannot be';

create function rewards.set_rate_limit(subject text, max integer, per interval, action text default null, kind text default null,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	/* the rule is read everywhere alike */
	set intervalstyle = 'postgres'
as $$
#variable_conflict use_variable
begin
	perform rewards.require_installed();
	perform rewards.check_rate_limit(subject, max, per, action, kind);
	if subject <> all (rewards.limited_calls()) then
		action := coalesce(action, 'flag');
		/* usage is its user's unless said otherwise */
		kind := nullif(kind, 'user');
	end if;
	return rewards.set_rule('set_rate_limit', 'rate_limit', subject || coalesce('/' || kind, ''),
		case when max is not null then jsonb_build_object('subject', subject, 'max', max, 'per', per::text,
			'action', coalesce(action, 'refuse'), 'kind', kind) end,
		valid_from, updated_by);
end
$$;
revoke all on function rewards.set_rate_limit(text, integer, interval, text, text, timestamptz, text) from public;
comment on function rewards.set_rate_limit(text, integer, interval, text, text, timestamptz, text) is
	'how often an account may do something in a window of time: calls above it are refused (RW011), usage (all, or of one service; a user''s, or with kind a provider''s) is flagged by posting, or flagged and taken back; max NULL ends it. A limit for one kind stands in place of the one for both (A4)';

/* ---- calls ---- */

create function rewards.call_limit(subject text, kind text) returns jsonb
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	/* mostly there is none, and it costs next to nothing */
	if not exists (select from rewards.rule r where r.rule = 'rate_limit') then
		return null;
	end if;
	return coalesce(rewards.rule_value('rate_limit', subject || '/' || kind), rewards.rule_value('rate_limit', subject));
end
$$;
revoke all on function rewards.call_limit(text, text) from public;
comment on function rewards.call_limit(text, text) is 'the limit in force for a call by accounts of a kind, NULL for none';

create function rewards.count_call(subject text, who text, kind text default 'user') returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	limited jsonb := rewards.call_limit(subject, kind);
	per interval := (limited ->> 'per')::interval;
	since timestamptz;
	until timestamptz;
	counted bigint;
begin
	if limited is null then
		return;
	end if;
	since := date_bin(per, clock_timestamp(), '2000-01-01 00:00+00');
	/* a day has 24 hours here, wherever the session is */
	until := (since at time zone 'UTC' + per) at time zone 'UTC';
	/* whoever calls at the same moment for the same account waits here */
	insert into rewards.rate_window as w (who, subject, since, until, calls) values (who, subject, since, until, 1)
	on conflict on constraint rate_window_pkey do update set calls = w.calls + 1
	returning w.calls into counted;
	if counted > (limited ->> 'max')::bigint then
		raise exception 'too many calls of %()', subject
			using errcode = 'RW011', detail = format('The limit is %s in %s.', limited ->> 'max', per),
				hint = format('Call again at %s or later.', until);
	end if;
end
$$;
revoke all on function rewards.count_call(text, text, text) from public;
comment on function rewards.count_call(text, text, text) is
	'counts a call by who: kind and id of an account as one text, or the e-mail, in lower case, of somebody who has none; RW011 above the limit in force for the kind, and nothing at all where there is none (A4)';

/* ---- usage ---- */

create function rewards.flag_excess(accounts bigint[], evidences jsonb[]) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	/* posting waits for nobody: what somebody has locked just now keeps the evidence it has */
	update rewards.abuse_flag f set evidence = e.evidence
	from unnest(accounts, evidences) e(account, evidence)
	where f.id in (
			select g.id from rewards.abuse_flag g
			where g.account = any (accounts) and g.detector = 'rate_limit' and g.cleared_at is null for update skip locked)
		and f.account = e.account;
	insert into rewards.abuse_flag (account, detector, evidence)
	select e.account, 'rate_limit', e.evidence from unnest(accounts, evidences) e(account, evidence)
	where not exists (
		select from rewards.abuse_flag o where o.account = e.account and o.detector = 'rate_limit' and o.cleared_at is null)
	order by e.account
	on conflict do nothing;
end
$$;
revoke all on function rewards.flag_excess(bigint[], jsonb[]) from public;
comment on function rewards.flag_excess(bigint[], jsonb[]) is 'flags accounts whose usage is above a limit';

create function rewards.count_usage(rules bigint[], accounts bigint[], sinces timestamptz[], calls bigint[], numbers bigint[]) returns void
	language plpgsql volatile parallel unsafe
	/* times in evidence read the same whoever posts */
	set search_path = pg_catalog, pg_temp
	set timezone = 'UTC'
as $$
declare
	over record;
begin
	with given as materialized (
		select a.kind || ':' || a.name as who, r.value ->> 'subject' as subject, g.since, g.since + (r.value ->> 'per')::interval as until,
			g.account, r.value, g.calls, g.number
		from unnest(rules, accounts, sinces, calls, numbers) g(rule, account, since, calls, number)
		join rewards.rule r on r.id = g.rule join rewards.account a on a.id = g.account
	), counted as (
		insert into rewards.rate_window as w (who, subject, since, until, calls)
		select g.who, g.subject, g.since, g.until, sum(g.calls) from given g group by 1, 2, 3, 4 order by 1, 2, 3, 4
		on conflict on constraint rate_window_pkey do update set calls = w.calls + excluded.calls
		returning w.who, w.subject, w.since, w.until, w.calls
	), above as (
		select g.*, c.calls as counted
		from (
			select g.*, sum(g.calls) over (partition by g.who, g.subject, g.since, g.until order by g.number desc) - g.calls as later
			from given g
		) g
		join counted c using (who, subject, since, until)
		where c.calls - g.later > (g.value ->> 'max')::bigint
	), flagged as (
		select distinct on (f.account) f.account, jsonb_build_object('subject', f.subject, 'since', f.since, 'until', f.until,
			'count', f.counted, 'max', f.value -> 'max') as evidence
		from above f order by f.account, f.since desc, f.counted desc, f.subject
	)
	select array_agg(f.account) as accounts, array_agg(f.evidence) as evidences,
		(select array_agg(x.number) from above x where x.value ->> 'action' = 'reverse') as numbers
	into over from flagged f;

	if over.accounts is not null then
		perform rewards.flag_excess(over.accounts, over.evidences);
		insert into rewards.usage_excess (usage_id, user_id)
		select u.id, u.user_id from rewards.usage_logs u where u.id = any (over.numbers)
		on conflict do nothing;
	end if;
end
$$;
revoke all on function rewards.count_usage(bigint[], bigint[], timestamptz[], bigint[], bigint[]) from public;
comment on function rewards.count_usage(bigint[], bigint[], timestamptz[], bigint[], bigint[]) is
	'adds usage to the windows of limits, by the rule, and notes what is above them: so many calls, the last of them by its number; post() calls it with rows just folded (A4)';

create function rewards.take_back_excess(most integer default 500) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	set lock_timeout = '10ms'
as $$
declare
	due record;
	number bigint;
	entries bigint;
	booked bigint := 0;
begin
	for due in
		select e.user_id, array_agg(e.usage_id order by e.usage_id) as numbers
		from (select x.usage_id, x.user_id from rewards.usage_excess x order by x.usage_id limit most) e
		group by e.user_id order by e.user_id
	loop
		begin
			entries := 0;
			foreach number in array due.numbers loop
				/* unless somebody has taken it back already, or its partition has gone */
				if exists (select from rewards.usage_logs u where u.id = number) and not exists (
						select from rewards.journal j where j.reverses_source = 'usage_logs' and j.reverses_id = number and j.event = 'reversal') then
					perform rewards.take_back_usage(number, 'rate limit', false);
					entries := entries + 1;
				end if;
			end loop;
			delete from rewards.usage_excess x where x.usage_id = any (due.numbers);
			booked := booked + entries;
		exception
			/* whoever holds what is needed, or takes it back at this moment, is not waited for: it comes next time */
			when lock_not_available or deadlock_detected or sqlstate 'RW009' then
				null;
			/* nor does what cannot be taken back keep posting from the rest */
			when others then
				raise warning 'usage above a limit could not be taken back: %', sqlerrm using detail = format('Usage rows of "%s".', due.user_id);
		end;
	end loop;
	return booked;
end
$$;
revoke all on function rewards.take_back_excess(integer) from public;
comment on function rewards.take_back_excess(integer) is
	'takes back the points and earnings of usage that was found above a limit, which stays charged; returns of how many rows. post() calls it';

create function rewards.forget_windows() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	removed bigint;
begin
	/* usage may come late, and not be counted anew then: the longer the window the more so */
	delete from rewards.rate_window w where w.until < clock_timestamp() - least(greatest(30 * (w.until - w.since), interval '2 days'), interval '31 days');
	get diagnostics removed = row_count;
	return removed;
end
$$;
revoke all on function rewards.forget_windows() from public;
comment on function rewards.forget_windows() is 'removes windows of limits that ended thirty of their lengths ago, but not before two days and after a month at most; returns how many. maintain() calls it';
/*
 * Invitations: codes for one use, sharing and redeeming them, onboarding, and what
 * inviters are told.  Calls that take an e-mail mean the user of that id, else the one
 * user with that e-mail.
 */

/* ---- codes ---- */

create function rewards.random_invite_code() returns text
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select rewards.setting('invite_prefix') || '-' || upper(left(replace(gen_random_uuid()::text, '-', ''), 12)) $$;
revoke all on function rewards.random_invite_code() from public;
comment on function rewards.random_invite_code() is 'a new invite code: the prefix and 48 strong random bits (I3)';

create function rewards.make_invite_codes(owner bigint, count integer, source text) returns text[]
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	life interval := nullif(rewards.setting('invite_expiry'), 'none')::interval;
	made text[] := '{}';
	code text;
begin
	while cardinality(made) < count loop
		insert into rewards.invite_code as c (code, owner, source, expires_at)
		values (rewards.random_invite_code(), owner, source, rewards.held_until(clock_timestamp(), life))
			on conflict do nothing returning c.code into code;
		if code is not null then
			made := made || code;
		end if;
	end loop;
	return made;
end
$$;
revoke all on function rewards.make_invite_codes(bigint, integer, text) from public;
comment on function rewards.make_invite_codes(bigint, integer, text) is 'gives an account, or NULL the programme, so many new invite codes';

create function rewards.refuse_invite(code text, why text) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	raise exception 'invalid invite code "%"', code
		using errcode = 'RW006', detail = why, hint = 'The view rewards.invite_codes lists the codes; rewards.earn_codes() earns some.';
end
$$;
revoke all on function rewards.refuse_invite(text, text) from public;
comment on function rewards.refuse_invite(text, text) is 'RW006';

create function rewards.is_identity_code(code text) returns boolean
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return rewards.setting('code_policy') <> 'generated' and exists (select from rewards.account a where a.name = is_identity_code.code);
end
$$;
revoke all on function rewards.is_identity_code(text) from public;
comment on function rewards.is_identity_code(text) is 'whether a text is the id of an account, and so its code';

create function rewards.recipient(email text) returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select lower(coalesce(rewards.address_of(rewards.person(email)), email)) $$;
revoke all on function rewards.recipient(text) from public;
comment on function rewards.recipient(text) is 'the e-mail that somebody is known by, given it or the id, in lower case';

create function rewards.lock_invite(inout code text, recipient text, out owner bigint, out sent boolean, out source text) returns record
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	invite record;
begin
	select c.code, c.owner, c.recipient, c.source, c.used_at, c.voided_at, c.expires_at into invite
	from rewards.invite_code c where upper(c.code) = upper(code)
		/* an id is its account's own, also where somebody has chosen a code that reads like it */
		and not (c.custom and rewards.is_identity_code(code)) for update;
	if not found then
		code := null;
		return;
	elsif invite.used_at is not null then
		perform rewards.refuse_invite(code, 'It has been used.');
	elsif invite.voided_at is not null then
		perform rewards.refuse_invite(code, 'It has been revoked.');
	elsif invite.expires_at <= clock_timestamp() then
		perform rewards.refuse_invite(code, 'It has expired.');
	elsif invite.recipient <> recipient then
		perform rewards.refuse_invite(code, 'It is meant for somebody else.');
	end if;
	code := invite.code;
	owner := invite.owner;
	sent := invite.recipient is not null;
	source := invite.source;
end
$$;
revoke all on function rewards.lock_invite(text, text) from public;
comment on function rewards.lock_invite(text, text) is
	'an invite code that somebody of this e-mail may use, locked, and whether it was sent to him; code NULL when there is none of that text, RW006 when it is used, void, expired or meant for another';

create function rewards.customize_invite(email text, invite_code text, custom text) returns text
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	invite record;
begin
	perform rewards.require_installed();
	perform rewards.check_id(email, 'email');
	perform rewards.check_not_null(invite_code, 'invite_code');
	perform rewards.check_not_null(custom, 'custom');
	perform rewards.check_custom_code(custom);
	number := rewards.person(email);
	invite := rewards.lock_invite(invite_code, null);
	if invite.code is null or invite.sent or number is null or invite.owner is distinct from number then
		perform rewards.refuse_invite(invite_code, 'It is not this user''s, or has been sent.');
	elsif exists (select from rewards.code c where upper(c.code) = upper(custom)) or rewards.reads_like_id(custom, 0)
			or rewards.reads_like_id(lower(custom), 0) or rewards.reads_like_id(upper(custom), 0) then
		raise exception using errcode = 'unique_violation';
	end if;
	update rewards.invite_code c set code = custom, custom = true where c.code = invite.code;
	return custom;
exception when unique_violation then
	raise exception 'code "%" is taken', custom
		using errcode = 'unique_violation', hint = 'Choose another one.';
end
$$;
revoke all on function rewards.customize_invite(text, text, text) from public;
comment on function rewards.customize_invite(text, text, text) is
	'gives an unused invite code that was not sent yet a text of its owner''s choice; 23505 when that is taken, RW006 for a code of somebody else (I7)';

/* ---- a referral's way: sent, joined, onboarded, active, retained ---- */

create function rewards.share_referral(inviter_email text, recipient_email text, invite_code text,
		out status text, out referral_id uuid, out message text)
	returns record
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	recipient text;
	inviter bigint;
	joined bigint;
	invite record;
begin
	perform rewards.require_installed();
	perform rewards.check_id(inviter_email, 'inviter_email');
	perform rewards.check_id(recipient_email, 'recipient_email');
	perform rewards.check_not_null(invite_code, 'invite_code');
	inviter := (rewards.ensure_person(inviter_email)).number;
	perform rewards.refuse_suspended(inviter);
	perform rewards.count_call('share_referral', rewards.who(inviter));
	joined := rewards.person(recipient_email);
	recipient := rewards.recipient(recipient_email);
	if joined = inviter then
		raise exception 'an account cannot refer itself'
			using errcode = 'RW002', hint = 'Send the code to somebody else.';
	elsif exists (select from rewards.account a where a.id = joined and a.referrer is not null) then
		raise exception '"%" has a referrer already', recipient_email
			using errcode = 'RW003', hint = 'A referral is permanent and cannot be changed.';
	end if;
	invite := rewards.lock_invite(invite_code, recipient);
	if coalesce(case when invite.code is null then rewards.code_owner(invite_code, 'user', now()) else invite.owner end, 0) <> inviter then
		perform rewards.refuse_invite(invite_code, 'It is not this user''s.');
	end if;
	update rewards.invite_code c set recipient = recipient where c.code = invite.code and c.recipient is null;
	insert into rewards.referral as r (inviter, email, code) values (inviter, recipient, coalesce(invite.code, invite_code))
	on conflict on constraint referral_inviter_email_key do update set code = excluded.code
	returning r.id into referral_id;
	status := 'success';
	message := 'Referral tracked successfully';
end
$$;
revoke all on function rewards.share_referral(text, text, text) from public;
comment on function rewards.share_referral(text, text, text) is
	'records that a user sends an invite code, which from then on only the recipient may use, or a referral code of the user''s own. Sharing it with the same recipient again gives the same id. RW002 oneself, RW003 who has a referrer, RW006 a code that is not the user''s, is used, void, expired or was sent to another, RW008, RW011 (R15, I4, K7)';

create function rewards.redeem_code(code text, email text, out status text, out inviter text, out message text)
	returns record
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	invite record;
	joiner record;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(code, 'code');
	perform rewards.check_id(email, 'email');
	perform rewards.count_call('redeem_code', coalesce(rewards.who(rewards.person(email)), 'email:' || lower(email)));
	invite := rewards.lock_invite(code, rewards.recipient(email));
	if invite.code is null then
		/* a referral code is as good, and can be used again; it registers in order */
		perform rewards.refuse_ambiguous(email);
		perform rewards.referral_signup(code, coalesce((select a.name from rewards.account a where a.id = rewards.person(email)), email));
		update rewards.account a set email = email where a.kind = 'user' and a.name = email and a.email is null and email like '%@%';
		inviter := (select rewards.address_of(a.referrer) from rewards.account a where a.id = rewards.person(email));
	else
		joiner := rewards.ensure_person(email);
		if invite.owner = joiner.number then
			raise exception 'an account cannot refer itself'
				using errcode = 'RW002', hint = 'Use the code of another account.';
		elsif invite.owner is not null and not (invite.source = 'waitlist' and rewards.is_suspended(invite.owner)) then
			if not rewards.may_refer('user', 'user', now()) then
				raise exception 'a user cannot be referred by a user'
					using errcode = 'RW005', hint = 'The view rewards.referral_kinds says who may refer whom.';
			end if;
			perform rewards.refuse_suspended(invite.owner);
			perform rewards.add_edge(joiner.number, 'user', invite.owner, invite.code, now(), joiner.created);
		end if;
		update rewards.invite_code c set used_by = joiner.number, used_at = clock_timestamp() where c.code = invite.code;
		inviter := (select rewards.address_of(a.referrer) from rewards.account a where a.id = joiner.number and a.referrer = invite.owner);
	end if;
	perform rewards.leave_waitlist(email);
	status := 'success';
	message := case when inviter is null then 'Welcome' else 'Welcome, invited by ' || inviter end;
end
$$;
revoke all on function rewards.redeem_code(text, text) from public;
comment on function rewards.redeem_code(text, text) is
	'somebody joins by an invite code, which is used up by it, or by a referral code: the account is registered by its e-mail and gets its one, permanent referrer. inviter NULL: the programme''s own code. RW002 to RW006, RW008 when the inviter is suspended or banned, RW011 (I3, I4, R3)';

create function rewards.complete_onboarding(account text, at timestamptz default now(), kind text default 'user') returns boolean
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_time(at, 'at');
	if at > clock_timestamp() then
		raise exception 'onboarding cannot be completed in the future'
			using errcode = 'invalid_parameter_value', hint = 'Leave out the argument at.';
	end if;
	number := (rewards.ensure_account(kind, account)).number;
	update rewards.account a set onboarded_at = at where a.id = number and (a.onboarded_at is null or a.onboarded_at > at);
	return found;
end
$$;
revoke all on function rewards.complete_onboarding(text, timestamptz, text) from public;
comment on function rewards.complete_onboarding(text, timestamptz, text) is
	'says that an account has got through its first steps; without, onboarded_requests requests say so. The earliest time counts; false when that was known (Q2)';

/* ---- what inviters are told ---- */

create function rewards.note_milestones(inviter bigint, referee bigint) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	most integer := (select max(m.referrals) from rewards.milestones() m);
	joined bigint;
	next record;
begin
	/* to who can claim them */
	if most is null or rewards.is_paused(inviter)
			or (select a.kind from rewards.account a where a.id = inviter) <> 'user' then
		return;
	end if;
	joined := rewards.joined_referees(inviter, most + 1);
	if joined > most then
		return;
	end if;
	perform rewards.notify(array[inviter], 'milestone_reached', array['referrals/' || m.referrals],
		array[jsonb_build_object('referrals', m.referrals, 'reward', m.reward)])
	from (select m.* from rewards.milestones() m where m.referrals <= joined order by m.referrals desc limit 1) m;
	select m.referrals, m.reward into next from rewards.milestones() m where m.referrals > joined limit 1;
	if found and referee is not null then
		/* by referee: two that join at once do not wait for each other */
		perform rewards.notify(array[inviter], 'milestone_progress', array[referee::text],
			array[jsonb_build_object('referrals', joined, 'next', next.referrals, 'missing', next.referrals - joined, 'reward', next.reward)]);
	end if;
end
$$;
revoke all on function rewards.note_milestones(bigint, bigint) from public;
comment on function rewards.note_milestones(bigint, bigint) is
	'tells an inviter which milestone it has reached and, when a referee has just joined, how far it is to the next (M1, M2)';

create function rewards.note_joined(inviter bigint, referee bigint, code text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	address text := rewards.address_of(referee);
begin
	perform rewards.leave_waitlist(address);
	/* the first of its e-mail, whoever has sent it what */
	update rewards.referral r set referee = note_joined.referee
	where r.inviter = note_joined.inviter and r.referee is null
		and r.email = lower(address);
	perform rewards.notify(array[inviter], 'code_used', array[referee::text],
		array[(select jsonb_build_object('code', note_joined.code, 'account', a.name, 'kind', a.kind) from rewards.account a where a.id = referee)]);
	perform rewards.note_milestones(inviter, referee);
end
$$;
revoke all on function rewards.note_joined(bigint, bigint, text) from public;
comment on function rewards.note_joined(bigint, bigint, text) is
	'tells an inviter that somebody has joined by a code, and how far it is to the next milestone (M1, M2)';

create function rewards.is_active(number bigint, days integer) returns boolean
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return (
		select count(*) from (
			select from rewards.day_total t
			where t.account = number and t.unit = 1 and abs(t.entry) in (1, 2)
			group by t.day having sum(t.events) > 0
			order by t.day limit is_active.days) d) >= is_active.days;
end
$$;
revoke all on function rewards.is_active(bigint, integer) from public;
comment on function rewards.is_active(bigint, integer) is 'whether an account has made requests on so many days, as far as posted and not taken back; no more are read';

create function rewards.note_referees(accounts bigint[]) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	needed integer := rewards.setting('active_days')::integer;
	told bigint;
begin
	with untold as materialized (
		/* most have been active for long */
		select a.id, a.name, a.kind, a.referrer
		from unnest(accounts) n(account) join rewards.account a on a.id = n.account
		where a.referrer is not null
			and not exists (select from rewards.notification t where t.account = a.referrer and t.event = 'referral_active' and t.cause = a.id::text)
	)
	select rewards.notify(array_agg(u.referrer), 'referral_active', array_agg(u.id::text), array_agg(jsonb_build_object('account', u.name, 'kind', u.kind)))
	into told
	from untold u
	cross join lateral (
		/* no more days than are asked for are read */
		select count(*) as days from (
			select from rewards.day_total t
			where t.account = u.id and t.unit = 1 and abs(t.entry) in (1, 2)
			group by t.day having sum(t.events) > 0
			order by t.day limit needed) d) active
	where active.days >= needed;
	/* of referees that joined at the same time none may have seen that a milestone was reached */
	if exists (select from rewards.milestones()) then
		perform rewards.note_milestones(r.referrer, null)
		from (select distinct a.referrer from unnest(accounts) n(account) join rewards.account a on a.id = n.account where a.referrer is not null) r;
	end if;
	return told;
end
$$;
revoke all on function rewards.note_referees(bigint[]) from public;
comment on function rewards.note_referees(bigint[]) is 'tells inviters whose referees have become active; post() calls it with those that had another day (M2)';
/*
 * What use, referrals and their quality earn: invite codes, perks, points; each once,
 * by rules, granted when somebody asks for it.
 */

/* ---- rules ---- */

create function rewards.milestones() returns table (referrals integer, reward jsonb)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select r.key::integer, r.value -> 'reward' from rewards.rules r where r.rule = 'milestone' and r.in_force order by 1
$$;
revoke all on function rewards.milestones() from public;
comment on function rewards.milestones() is 'milestones of referrals in force, the lowest first';

create function rewards.check_reward(reward jsonb) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
declare
	part record;
begin
	if reward is null then
		return;
	elsif jsonb_typeof(reward) <> 'object' or reward = '{}' then
		raise exception 'reward must be an object'
			using errcode = 'invalid_parameter_value', hint = 'As in {"codes": 10, "premium": "3 months", "points": 50, "priority_support": "lifetime"}.';
	end if;
	for part in select p.key, p.value #>> '{}' as value, jsonb_typeof(p.value) as type from jsonb_each(reward) p loop
		if not coalesce(case part.key
				when 'codes' then part.type = 'number' and part.value::numeric between 1 and 1000 and part.value::numeric = trunc(part.value::numeric)
				when 'points' then part.type = 'number' and part.value::numeric > 0 and part.value::numeric < 9000000000
					and part.value::numeric = trunc(part.value::numeric, 9)
				else part.key ~ '^[a-z][a-z0-9_]{0,62}$' and part.type = 'string' and (part.value = 'lifetime' or rewards.is_span(part.value)) end, false) then
			raise exception 'invalid reward "%"', part.key
				using errcode = 'invalid_parameter_value',
					hint = 'codes is a whole number up to 1000, points an amount, and any other name is a perk with its duration, as "1 month" or "lifetime".';
		end if;
	end loop;
end
$$;
revoke all on function rewards.check_reward(jsonb) from public;
comment on function rewards.check_reward(jsonb) is '22023 for what is no reward: codes, points, and perks by name with their durations; NULL passes (R18)';

create function rewards.set_milestone(referrals integer, reward jsonb, valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(referrals, 'referrals');
	perform rewards.check_positive(referrals, 'referrals');
	perform rewards.check_reward(reward);
	return rewards.set_rule('set_milestone', 'milestone', referrals::text,
		case when reward is not null then jsonb_build_object('reward', reward) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_milestone(integer, jsonb, timestamptz, text) from public;
comment on function rewards.set_milestone(integer, jsonb, timestamptz, text) is
	'what a user gets once when so many have joined by its invitation: {"codes": 10, "premium": "3 months", "points": 50, any perk: duration or "lifetime"}; earn_codes() grants it; reward NULL ends it (R17, R18)';

create function rewards.set_days_reward(reward jsonb, valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_reward(reward);
	return rewards.set_rule('set_days_reward', 'days_reward', '',
		case when reward is not null then jsonb_build_object('reward', reward) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_days_reward(jsonb, timestamptz, text) from public;
comment on function rewards.set_days_reward(jsonb, timestamptz, text) is
	'what a user gets once after codes_after_days programme days with a successful request, as set_milestone() has it; reward NULL ends it (I2)';

/* ---- what is due, and granting it ---- */

create function rewards.joined_referees(number bigint, most bigint default null) returns bigint
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return (
		select count(*) from (
			select from rewards.account a
			where a.referrer = number
				and not exists (select from rewards.abuse_flag f where f.account = a.id and f.cleared_at is null)
			limit most) r);
end
$$;
revoke all on function rewards.joined_referees(bigint, bigint) from public;
comment on function rewards.joined_referees(bigint, bigint) is 'how many have joined by an account''s invitation and are not flagged; most: no more are counted';

create function rewards.reward_words(reward jsonb) returns text
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	select string_agg(w.words, ', ' order by w.place, w.words)
	from (
		select case p.key when 'codes' then 1 when 'points' then 3 else 2 end,
			case p.key
				when 'codes' then trim_scale((p.value #>> '{}')::numeric) || ' invite code' || case when p.value = '1' then '' else 's' end
				when 'points' then (p.value #>> '{}') || ' points'
				else replace(p.key, '_', ' ') || case p.value #>> '{}' when 'lifetime' then ' for life' else ' for ' || (p.value #>> '{}') end end
		from jsonb_each(reward) p
	) w(place, words)
$$;
revoke all on function rewards.reward_words(jsonb) from public;
comment on function rewards.reward_words(jsonb) is 'a reward in words';

create function rewards.active_days(number bigint, most integer) returns bigint
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	/* of its own and in the tail, too: who asks for codes has just used it for the fourteenth day */
	return (
		select count(*) from (
			select l.period
			from rewards.account a cross join lateral rewards.account_lines(a.name, a.kind, 'day') l
			where a.id = number and l.unit = 1 and abs(l.entry) in (1, 2)
			group by l.period having sum(l.events) > 0 limit most) d);
end
$$;
revoke all on function rewards.active_days(bigint, integer) from public;
comment on function rewards.active_days(bigint, integer) is 'on how many programme days an account has made successful requests, posted or not; most: no more are counted';

create function rewards.due_rewards(number bigint) returns table (cause text, reward jsonb, reason text, words text)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	days integer := rewards.setting('codes_after_days')::integer;
	for_days jsonb := rewards.rule_value('days_reward', '') -> 'reward';
	for_quality jsonb := rewards.rule_value('quality_bonus', '');
	paused boolean := rewards.is_paused(number);
	joined bigint := rewards.joined_referees(number);
begin
	/* points are a bonus, which the paused get none of */
	if for_days is not null and not (paused and for_days ? 'points') and rewards.active_days(number, days) >= days then
		return query select 'days'::text, for_days, days || ' days of usage', 'after ' || days || ' days of usage';
	end if;
	/* whoever is paused has no claim to what referrals bring */
	if paused then
		return;
	end if;
	return query
	select 'referrals/' || m.referrals, m.reward, 'First ' || m.referrals || ' referrals', 'for your first ' || m.referrals || ' referrals'
	from rewards.milestones() m where m.referrals <= joined;
	if for_quality is not null and joined >= (for_quality ->> 'referrals')::integer and rewards.is_high_quality(number) then
		return query select 'quality'::text, for_quality -> 'reward', 'High quality referrals'::text, 'for high quality referrals'::text;
	end if;
end
$$;
revoke all on function rewards.due_rewards(bigint) from public;
comment on function rewards.due_rewards(bigint) is 'what use, referrals and quality entitle an account to now, granted or not (I2, R17, Q3)';

create function rewards.referral_rewards(number bigint) returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with due as (
		select g.cause, g.reward, g.reason from rewards.invite_reward g where g.account = number and g.revoked_at is null
		union
		select d.cause, d.reward, d.reason from rewards.due_rewards(number) d
		where not exists (select from rewards.invite_reward g where g.account = number and g.cause = d.cause)
	)
	select coalesce(jsonb_agg(jsonb_build_object('type', r.type, 'amount', r.amount, 'reason', r.reason) order by r.place, r.step, r.type), '[]')
	from (
		/* a milestone, part by part */
		select 1 as place, split_part(d.cause, '/', 2)::integer as step,
			case p.key when 'codes' then 'invite_codes' when 'points' then 'points' when 'premium' then 'premium_access' else p.key end as type,
			p.value as amount, d.reason
		from due d cross join lateral jsonb_each(d.reward) p where d.cause like 'referrals/%'
		union all
		select 2, 0, 'quality_bonus', coalesce(d.reward -> 'codes', d.reward -> 'points', to_jsonb(1)), d.reason from due d where d.cause = 'quality'
	) r
$$;
revoke all on function rewards.referral_rewards(bigint) from public;
comment on function rewards.referral_rewards(bigint) is 'what referrals and their quality have brought an account, claimed or not, as a list of {type, amount, reason}';

create function rewards.grant_reward(number bigint, cause text, reward jsonb, reason text) returns boolean
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	entry bigint;
begin
	insert into rewards.invite_reward as g (account, cause, reward, reason) values (number, cause, reward, reason)
		on conflict do nothing returning g.id into entry;
	if entry is null then
		return false;
	end if;
	perform rewards.make_invite_codes(number, (reward ->> 'codes')::numeric::integer, cause) where reward ? 'codes';
	insert into rewards.perk (account, perk, duration, reward)
	select number, p.key, case when p.value <> '"lifetime"' then (p.value #>> '{}')::interval end, entry
	from jsonb_each(reward) p where p.key not in ('codes', 'points') order by p.key;
	if reward ? 'points' then
		insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause)
		values (now(), 1, rewards.one_share(number, case cause when 'quality' then 'quality_bonus' else 'milestone_bonus' end, 0, (reward ->> 'points')::numeric),
			reason, rewards.caller()::text, 'invite_reward', number, cause);
	end if;
	return true;
end
$$;
revoke all on function rewards.grant_reward(bigint, text, jsonb, text) from public;
comment on function rewards.grant_reward(bigint, text, jsonb, text) is 'gives an account a reward, once by cause: codes, perks, points; false when it has had it';

create function rewards.codes_available(number bigint) returns bigint
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select count(*) from rewards.invite_code c
	/* those of the waiting list are their recipients' */
	where c.owner = codes_available.number and c.source <> 'waitlist' and c.used_at is null and c.voided_at is null and (c.expires_at is null or c.expires_at > now())
$$;
revoke all on function rewards.codes_available(bigint) from public;
comment on function rewards.codes_available(bigint) is 'how many invite codes an account has that can still be used';

create function rewards.nothing_earned(number bigint) returns text
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	days integer := rewards.setting('codes_after_days')::integer;
	joined bigint := rewards.joined_referees(number);
	next integer := (select min(m.referrals) from rewards.milestones() m where m.referrals > joined);
begin
	return concat_ws('; ', 'No new rewards',
		case when rewards.rule_value('days_reward', '') is not null and not exists (
				select from rewards.invite_reward g where g.account = number and g.cause = 'days') then
			format('%s of %s days of usage', rewards.active_days(number, days), days) end,
		case when next is not null then format('%s of %s referrals', joined, next) end);
end
$$;
revoke all on function rewards.nothing_earned(bigint) from public;
comment on function rewards.nothing_earned(bigint) is 'in words, how far it is to what an account can earn next';

create function rewards.earn_codes(email text, out earned boolean, out codes_available bigint, out message text)
	returns record
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	due record;
	codes bigint := 0;
	causes text[] := '{}';
begin
	perform rewards.require_installed();
	perform rewards.check_id(email, 'email');
	number := (rewards.ensure_person(email)).number;
	perform rewards.refuse_suspended(number);
	earned := false;
	for due in select * from rewards.due_rewards(number) loop
		continue when not rewards.grant_reward(number, due.cause, due.reward, due.reason);
		earned := true;
		codes := codes + coalesce((due.reward ->> 'codes')::numeric::bigint, 0);
		causes := causes || due.cause;
		message := concat_ws('; ', message, format('You earned %s %s', rewards.reward_words(due.reward), due.words));
	end loop;
	codes_available := rewards.codes_available(number);
	if earned then
		perform rewards.notify(array[number], 'codes_earned', array[array_to_string(causes, ' ')],
			array[jsonb_build_object('codes', codes, 'message', message)]);
		perform rewards.notify(array[number], 'current_balance', array[array_to_string(causes, ' ')],
			array[jsonb_build_object('codes_available', codes_available, 'perks', (
				select coalesce(jsonb_agg(jsonb_build_object('perk', p.perk, 'until', p.until) order by p.perk), '[]')
				from rewards.perks_of(number) p where p.active))]);
	else
		message := rewards.nothing_earned(number);
	end if;
end
$$;
revoke all on function rewards.earn_codes(text) from public;
comment on function rewards.earn_codes(text) is
	'claims what a user has earned by days of use, by referrals and by their quality: invite codes, perks, points, each once. earned: something was granted by this very call; codes_available: unused and unexpired; message says what or how far it is. RW008 for the suspended and banned (I1, I2, K7)';

/* ---- perks ---- */

create function rewards.perks_of(number bigint) returns table (perk text, since timestamptz, until timestamptz, active boolean)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	given record;
begin
	for given in
		select p.perk, p.granted_at, p.duration from rewards.perk p
		where p.account = number and p.voided_at is null order by p.perk, p.granted_at, p.id
	loop
		if perk is distinct from given.perk then
			if perk is not null then
				active := until is null or until > now();
				return next;
			end if;
			perk := given.perk;
			since := given.granted_at;
			until := given.granted_at;
		elsif until < given.granted_at then
			/* it had run out */
			since := given.granted_at;
		end if;
		/* one after the other; what is for life has no end */
		until := rewards.held_until(greatest(until, given.granted_at), given.duration) where until is not null;
	end loop;
	if perk is not null then
		active := until is null or until > now();
		return next;
	end if;
end
$$;
revoke all on function rewards.perks_of(bigint) from public;
comment on function rewards.perks_of(bigint) is 'the perks of an account with what their durations add up to';

create function rewards.perks(account text, kind text default 'user')
	returns table (perk text, since timestamptz, until timestamptz, active boolean)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	perform rewards.check_kind(kind);
	return query select p.perk, p.since, p.until, p.active
	from rewards.perks_of(coalesce(rewards.account_number(kind, account), case kind when 'user' then rewards.person(account) end)) p;
end
$$;
revoke all on function rewards.perks(text, text) from public;
comment on function rewards.perks(text, text) is
	'what an account may use besides, as premium, priority_support or feature_preview: since when, until when (NULL: for life; durations add up) and whether it is active now (R17, R18)';
/*
 * Referral quality: a score from 0 to 1 for who has referred others, by the referees'
 * activity as far as it is posted; what follows from it, its history, the monthly report.
 */

/* ---- rules ---- */

create function rewards.set_quality(weights jsonb, min_sample integer default null,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	weight record;
	total numeric := 0;
begin
	perform rewards.require_installed();
	if weights is not null then
		if jsonb_typeof(weights) <> 'object' then
			raise exception 'weights must be an object'
				using errcode = 'invalid_parameter_value', hint = 'As in {"recency": 0.25, "activity": 0.25, "retention": 0.25, "conversion": 0.25}.';
		end if;
		for weight in select w.key, w.value from jsonb_each(weights) w loop
			if weight.key not in ('recency', 'activity', 'retention', 'conversion') or jsonb_typeof(weight.value) <> 'number' then
				raise exception 'invalid weight "%"', weight.key
					using errcode = 'invalid_parameter_value', hint = 'Weights are numbers for recency, activity, retention and conversion.';
			end if;
			perform rewards.check_amount((weight.value #>> '{}')::numeric, 'weight', 1000);
			total := total + (weight.value #>> '{}')::numeric;
		end loop;
		if total = 0 then
			raise exception 'some weight must be above 0'
				using errcode = 'invalid_parameter_value', hint = 'What has no weight does not count.';
		end if;
	end if;
	if min_sample < 1 then
		raise exception 'min_sample must be 1 or more'
			using errcode = 'invalid_parameter_value', hint = 'It says from how many referees on there is a score, and consequences.';
	end if;
	return rewards.set_rule('set_quality', 'quality', '',
		case when weights is not null or min_sample is not null
			then jsonb_strip_nulls(jsonb_build_object('weights', weights, 'min_sample', min_sample)) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_quality(jsonb, integer, timestamptz, text) from public;
comment on function rewards.set_quality(jsonb, integer, timestamptz, text) is
	'how much recency, activity, retention and conversion weigh in the quality score, NULL: the same each; min_sample: how many referees it takes, NULL: the setting quality_min_sample. Both NULL ends the rule (Q2)';

create function rewards.set_quality_threshold(below numeric, action text,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_amount(below, 'below', 1);
	perform rewards.check_not_null(action, 'action');
	if action not in ('warned', 'paused', 'review') then
		raise exception 'there is no action "%"', action
			using errcode = 'invalid_parameter_value', hint = 'Use warned, paused or review.';
	end if;
	return rewards.set_rule('set_quality_threshold', 'quality_threshold', action,
		case when below is not null then jsonb_build_object('below', below) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_quality_threshold(numeric, text, timestamptz, text) from public;
comment on function rewards.set_quality_threshold(numeric, text, timestamptz, text) is
	'below which quality score a referrer is warned, paused until it recovers, or to be reviewed; below NULL ends the rule for that action (Q4)';

create function rewards.set_quality_bonus(above numeric, referrals integer, reward jsonb,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_reward(reward);
	if reward is not null then
		perform rewards.check_not_null(above, 'above');
		perform rewards.check_amount(above, 'above', 1);
		perform rewards.check_positive(referrals, 'referrals');
	end if;
	return rewards.set_rule('set_quality_bonus', 'quality_bonus', '',
		case when reward is not null then jsonb_build_object('above', above, 'referrals', referrals, 'reward', reward) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_quality_bonus(numeric, integer, jsonb, timestamptz, text) from public;
comment on function rewards.set_quality_bonus(numeric, integer, jsonb, timestamptz, text) is
	'what a referrer gets once for a score above so much with so many referrals, as set_milestone() has it; reward NULL ends it (Q3)';

/* ---- scores ---- */

create function rewards.quality_sample() returns integer
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select coalesce((rewards.rule_value('quality', '') ->> 'min_sample')::integer, rewards.setting('quality_min_sample')::integer) $$;
revoke all on function rewards.quality_sample() from public;
comment on function rewards.quality_sample() is 'how many referees it takes for a score to count';

create function rewards.quality_scores(accounts bigint[], at timestamptz)
	returns table (account bigint, method text, score numeric, referees bigint, sample bigint, parts jsonb)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with way as materialized (
		select rewards.setting('quality_method') as method, rewards.setting('quality_days')::integer as days,
			rewards.setting('active_days')::integer as active_days, rewards.quality_sample() as least,
			coalesce(rewards.rule_value('quality', '') -> 'weights',
				'{"recency": 1, "activity": 1, "retention": 1, "conversion": 1}') as weights
	), referee as (
		select r.referrer as account, r.referred_at,
			/* whole days, as the formula counts them */
			case when quality_scores.at - r.referred_at < make_interval(hours => 24 * w.days)
				then floor(extract(epoch from quality_scores.at - r.referred_at) / 86400) end as days_old,
			least(r.onboarded_at, v.onboarded_at) <= quality_scores.at as onboarded,
			v.last_at - interval '30 days' >= r.referred_at as retained,
			case when w.method = 'weighted' and v.requests > 0 then (
				/* no more days than are asked for are read */
				select count(*) from (
					select from rewards.day_total t
					where t.account = r.id and t.unit = 1 and abs(t.entry) in (1, 2)
					group by t.day having sum(t.events) > 0
					order by t.day limit w.active_days) d)
				else 0 end as active_on
		from way w, rewards.account r
		left join rewards.activity v on v.account = r.id
		where r.referrer = any (quality_scores.accounts) and r.referred_at <= quality_scores.at
	), factor as (
		select e.account, count(*) as referees, count(e.days_old) as recent,
			coalesce(sum(w.days - e.days_old) / (w.days * nullif(count(e.days_old), 0)), 0) as recency,
			avg(e.active_on::numeric / w.active_days) as activity,
			/* of those that had the time to come back */
			avg((coalesce(e.retained, false))::integer::numeric) filter (where e.referred_at <= quality_scores.at - interval '30 days') as retention,
			avg((coalesce(e.onboarded, false))::integer::numeric) as conversion
		from way w, referee e
		group by e.account, w.days
	)
	select f.account, w.method, case
			when w.method = 'recency_v1' then trim_scale(round(f.recency, 9))
			when f.referees >= w.least then s.score end,
		f.referees, case w.method when 'recency_v1' then f.recent else f.referees end,
		case w.method when 'weighted' then jsonb_build_object('recency', trim_scale(round(f.recency, 9)), 'activity', trim_scale(round(f.activity, 9)),
			'retention', trim_scale(round(f.retention, 9)), 'conversion', trim_scale(round(f.conversion, 9))) end
	from way w, factor f
	cross join lateral (
		/* a factor that cannot be told yet has no weight */
		select trim_scale(round(sum(p.weight * p.value) / nullif(sum(p.weight), 0), 9)) as score
		from (values ('recency', f.recency), ('activity', f.activity), ('retention', f.retention), ('conversion', f.conversion)) v(name, value)
		cross join lateral (select coalesce((w.weights ->> v.name)::numeric, 0) as weight, v.value) p
		where p.value is not null
	) s
$$;
revoke all on function rewards.quality_scores(bigint[], timestamptz) from public;
comment on function rewards.quality_scores(bigint[], timestamptz) is
	'quality scores of referrers at a time, each rounded once at the ninth place. recency_v1: the mean of 1 - days_old / quality_days of the referees of the last quality_days, 0 without any. weighted: the weighted mean of that, of the part of active_days that the referees were active on, of the part that came back after 30 days, and of the part onboarded; NULL for fewer than quality_min_sample. sample: how many referees it stands on (Q1, Q2)';

create function rewards.quality_score_of(number bigint, out method text, out score numeric, out referees bigint, out sample bigint, out parts jsonb)
	returns record
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	select s.method, s.score, s.referees, s.sample, s.parts into method, score, referees, sample, parts
	from rewards.quality_scores(array[number], now()) s;
	if not found then
		method := rewards.setting('quality_method');
		score := case method when 'recency_v1' then 0 end;
		referees := 0;
		sample := 0;
	end if;
end
$$;
revoke all on function rewards.quality_score_of(bigint) from public;
comment on function rewards.quality_score_of(bigint) is 'the quality score of one referrer now';

create function rewards.is_high_quality(number bigint) returns boolean
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	rule jsonb := rewards.rule_value('quality_bonus', '');
	quality record;
begin
	select null::numeric as score into quality;
	if rule is null then
		return false;
	end if;
	if rewards.is_paused(number)
			or rewards.joined_referees(number, (rule ->> 'referrals')::bigint) < (rule ->> 'referrals')::bigint then
		return false;
	end if;
	/* of many referees the score is taken as maintain() has found it */
	if (select count(*) from (select from rewards.account a where a.referrer = number limit 1000) r) = 1000 then
		select q.score into quality from rewards.quality_score q where q.account = number and q.day > rewards.today() - 31 order by q.day desc limit 1;
	end if;
	if quality.score is null then
		quality := rewards.quality_score_of(number);
	end if;
	return coalesce(quality.score > (rule ->> 'above')::numeric, false);
end
$$;
revoke all on function rewards.is_high_quality(bigint) from public;
comment on function rewards.is_high_quality(bigint) is 'whether a referrer''s score and referrals are those of the quality bonus (I6, Q3)';

create function rewards.referral_quality(email text, out referred_count bigint, out quality_score numeric, out rewards jsonb) returns record
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	quality record;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(email, 'email');
	number := rewards.person(email);
	quality := rewards.quality_score_of(number);
	referred_count := quality.referees;
	quality_score := quality.score;
	rewards := rewards.referral_rewards(number);
end
$$;
revoke all on function rewards.referral_quality(text) from public;
comment on function rewards.referral_quality(text) is
	'how many somebody has referred, the quality score of that, and what it has brought: [{type, amount, reason}], claimed by earn_codes() or not. The score is NULL while there are too few (K7, Q5)';

/* ---- what follows from a score ---- */

create function rewards.record_scores(at timestamptz) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	today date := (at at time zone rewards.setting('time_zone'))::date;
	changed bigint;
begin
	insert into rewards.quality_score as q (account, day, method, score, referees, parts)
	select s.account, today, s.method, s.score, s.sample, s.parts
	from rewards.quality_scores(array(
		select a.referrer from rewards.account a where a.referrer is not null
		group by a.referrer having count(*) >= rewards.quality_sample()), at) s
	left join lateral (
		select k.method, k.score, k.referees from rewards.quality_score k where k.account = s.account order by k.day desc limit 1) k on true
	where s.score is not null and (k.method, k.score, k.referees) is distinct from (s.method, s.score, s.sample)
	order by s.account
	on conflict on constraint quality_score_pkey do update
		set method = excluded.method, score = excluded.score, referees = excluded.referees, parts = excluded.parts, recorded_at = clock_timestamp();
	get diagnostics changed = row_count;
	/* what is older than a quarter is kept by month */
	delete from rewards.quality_score q
	where q.day between today - 131 and today - 100
		and exists (select from rewards.quality_score l where l.account = q.account and l.day > q.day
			and date_trunc('month', l.day::timestamp) = date_trunc('month', q.day::timestamp));
	return changed;
end
$$;
revoke all on function rewards.record_scores(timestamptz) from public;
comment on function rewards.record_scores(timestamptz) is 'adds to the history of scores those that have changed, and keeps of old ones the last of each month; maintain() calls it';

create function rewards.threshold_changes() returns table (account bigint, score numeric, status text)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	warned numeric := (rewards.rule_value('quality_threshold', 'warned') ->> 'below')::numeric;
	paused numeric := (rewards.rule_value('quality_threshold', 'paused') ->> 'below')::numeric;
	least integer := rewards.quality_sample();
	let_off_since timestamptz := now() - make_interval(days => rewards.setting('quality_days')::integer);
begin
	return query
	select k.account, k.score, t.status
	from (select distinct on (q.account) q.account, q.score, q.referees from rewards.quality_score q order by q.account, q.day desc) k
	/* what it is, and what it would be without quality */
	left join lateral (
		select s.status, s.source from rewards.account_status s
		where s.account = k.account and s.valid_from <= now() and s.valid_until > now()
		order by s.valid_from desc, s.id desc limit 1) p on true
	left join lateral (
		select s.status from rewards.account_status s
		where s.account = k.account and s.valid_from <= now() and s.valid_until > now() and s.source <> 'quality'
		order by s.valid_from desc, s.id desc limit 1) b on true
	cross join lateral (
		select c.status from unnest(array[coalesce(b.status, 'active'),
			case when k.referees < least then 'active' when k.score < paused then 'paused' when k.score < warned then 'warned' else 'active' end]) c(status)
		order by rewards.severity(c.status) desc limit 1) t
	where t.status <> coalesce(p.status, 'active')
		/* it takes back only what it has given */
		and (p.source = 'quality' or rewards.severity(t.status) > rewards.severity(coalesce(p.status, 'active')))
		/* whom somebody has let off has time to do better */
		and not exists (
			select from rewards.account_status s
			where s.account = k.account and s.status = 'active' and s.source in ('set', 'appeal') and s.valid_from > let_off_since)
	order by k.account;
end
$$;
revoke all on function rewards.threshold_changes() from public;
comment on function rewards.threshold_changes() is
	'referrers whose latest score gives them another status: worse, or better than quality has given; not who was let off in the last quality_days, and with fewer referees than it takes the one without quality';

create function rewards.apply_thresholds() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	candidate record;
	changed bigint := 0;
begin
	if not exists (select from rewards.threshold_changes()) then
		return 0;
	end if;
	begin
		/* nobody decides otherwise meanwhile; whoever does just now is not waited for */
		lock table rewards.account_status in share update exclusive mode nowait;
	exception when lock_not_available then
		return 0;
	end;
	for candidate in select * from rewards.threshold_changes() loop
		perform rewards.add_status(candidate.account, candidate.status, 'quality', 'referral quality ' || candidate.score, null, 'quality');
		changed := changed + 1;
	end loop;
	return changed;
end
$$;
revoke all on function rewards.apply_thresholds() from public;
comment on function rewards.apply_thresholds() is
	'warns and pauses referrers by their latest score and lets them off when it has recovered; leaves alone what was decided by hand; left to the next time while somebody sets a status; maintain() calls it (Q4)';

create function rewards.open_reviews() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	threshold numeric := (rewards.rule_value('quality_threshold', 'review') ->> 'below')::numeric;
	opened bigint;
begin
	insert into rewards.review (account, reason, evidence)
	select k.account, 'referral quality', jsonb_build_object('score', k.score, 'method', k.method, 'referees', k.referees, 'parts', k.parts, 'below', threshold)
	from (select distinct on (q.account) q.* from rewards.quality_score q order by q.account, q.day desc) k
	where k.score < threshold and k.referees >= rewards.quality_sample()
		/* one that was closed is opened again by another score only */
		and not exists (select from rewards.review r where r.account = k.account and (r.closed_at is null or r.closed_at >= k.recorded_at))
	order by k.account
	on conflict do nothing;
	get diagnostics opened = row_count;
	return opened;
end
$$;
revoke all on function rewards.open_reviews() from public;
comment on function rewards.open_reviews() is 'opens reviews of referrers whose score is below the threshold for it; maintain() calls it (Q4, I6)';

/* ---- reports ---- */

create function rewards.quality_advice(parts jsonb) returns text
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	select case p.key
		when 'recency' then 'Your last referrals are a while ago: invite somebody who would like it, too.'
		when 'activity' then 'The people you invited use it on few days: show them what you use it for.'
		when 'retention' then 'The people you invited do not come back after a month: ask them what is missing.'
		else 'Some of the people you invited have not begun: help them with the first step.' end
	from jsonb_each(parts) p
	where jsonb_typeof(p.value) = 'number'
	order by (p.value #>> '{}')::numeric, p.key limit 1
$$;
revoke all on function rewards.quality_advice(jsonb) from public;
comment on function rewards.quality_advice(jsonb) is 'what would improve a score most, by its weakest factor';

create function rewards.report_quality() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	this_month date := date_trunc('month', rewards.today()::timestamp)::date;
	month date := (this_month - interval '1 month')::date;
	label text := to_char(month, 'YYYY-MM');
	bonus jsonb := rewards.rule_value('quality_bonus', '');
	good numeric := coalesce((bonus ->> 'above')::numeric, 1);
	reports bigint;
begin
	/* without such rules quality is nobody's business */
	if bonus is null and not exists (select from rewards.rules r where r.rule = 'quality_threshold' and r.in_force) then
		return 0;
	end if;
	with latest as materialized (
		select distinct on (q.account) q.account, q.score, q.referees, q.parts, p.score as before
		from rewards.quality_score q
		left join lateral (
			select o.score from rewards.quality_score o where o.account = q.account and o.day < month order by o.day desc limit 1) p on true
		where q.day < this_month
			and not exists (select from rewards.notification n where n.account = q.account and n.event = 'quality_report' and n.cause = label)
		order by q.account, q.day desc
	), told as materialized (
		select rewards.notify(array_agg(l.account), 'quality_report', array_agg(label), array_agg(jsonb_build_object('month', label, 'score', l.score,
				'before', l.before, 'trend', case when l.score > l.before then 'up' when l.score < l.before then 'down' else 'steady' end,
				'referees', l.referees, 'parts', l.parts))) as reports,
			rewards.notify(array_agg(l.account) filter (where l.score <= good), 'suggestion', array_agg(label) filter (where l.score <= good),
				array_agg(jsonb_build_object('month', label, 'suggestion',
					coalesce(rewards.quality_advice(l.parts), rewards.quality_advice('{"recency": 0}')))) filter (where l.score <= good)) as suggestions,
			/* the quality bonus is within reach */
			rewards.notify(array_agg(l.account) filter (where l.near), 'bonus_opportunity', array_agg(label) filter (where l.near),
				array_agg(jsonb_build_object('month', label, 'score', l.score, 'above', bonus -> 'above', 'referrals', bonus -> 'referrals',
					'reward', bonus -> 'reward')) filter (where l.near)) as opportunities
		from (
			/* a fifth below it, and not had yet */
			select l.*, bonus is not null and l.score between good - 0.2 and good and not exists (
				select from rewards.invite_reward g where g.account = l.account and g.cause = 'quality') as near
			from latest l
		) l
	)
	select coalesce(t.reports, 0) into reports from told t;
	return reports;
end
$$;
revoke all on function rewards.report_quality() from public;
comment on function rewards.report_quality() is
	'tells referrers once a month how their quality was by the end of the last one, what would improve it, and that the quality bonus is near; maintain() calls it (Q6, M3)';
/*
 * Detectors: what looks like abuse is flagged, with evidence, for somebody to look at.
 * They look at users who were referred, and at the family of each inviter: the inviter and
 * those referred by it directly.  A detector warns at most, and only if told to.
 */

/* ---- what detectors go by ---- */

create function rewards.detector_defaults() returns table (name text, parameters jsonb, description text)
	language sql immutable parallel safe rows 7
	set search_path = pg_catalog, pg_temp
as $$
	values
		('plus_address', jsonb '{"action": "flag", "accounts": 2, "dotless_domains": ["gmail.com", "googlemail.com"]}',
			'accounts of a family with different addresses of one mailbox: tags after a plus, dots where they are ignored'),
		('invalid_email', '{"action": "flag"}',
			'an e-mail that cannot be one'),
		('disposable_domain', '{"action": "flag", "domains": ["mailinator.com", "guerrillamail.com", "guerrillamail.net", "guerrillamail.org", "guerrillamail.biz", "guerrillamail.de",
			"guerrillamailblock.com", "sharklasers.com", "grr.la", "spam4.me", "10minutemail.com", "10minutemail.net", "20minutemail.com", "temp-mail.org", "temp-mail.io",
			"tempmail.com", "tempmail.net", "tempmailo.com", "tempmailaddress.com", "tempinbox.com", "mytemp.email", "minuteinbox.com", "1secmail.com", "1secmail.net", "1secmail.org",
			"yopmail.com", "yopmail.fr", "yopmail.net", "throwawaymail.com", "trashmail.com", "trashmail.de", "trashmail.net", "discard.email", "discardmail.com", "dispostable.com",
			"maildrop.cc", "mailnesia.com", "mailcatch.com", "mintemail.com", "mohmal.com", "moakt.com", "getnada.com", "fakeinbox.com", "emailondeck.com", "burnermail.io", "inboxkitten.com"]}',
			'an e-mail at a domain whose mailboxes are thrown away, or below one'),
		('burst', '{"action": "flag", "referrals": 20, "within": "1 hour"}',
			'a referrer with so many referrals within such a time'),
		('silent_referees', '{"action": "flag", "referees": 5, "share": 0.8, "after": "7 days"}',
			'a referrer and its referees of longer ago who have never made a request, where they are so many'),
		('inactive_referees', '{"action": "flag", "referees": 10, "share": 0.9, "idle": "14 days", "days": 2}',
			'a referrer most of whose referees have made requests on so few days only, and none for such a time'),
		('shared_identity', '{"action": "flag", "accounts": 2}',
			'accounts of a family with the same e-mail, or that are paid to the same place')
$$;
revoke all on function rewards.detector_defaults() from public;
comment on function rewards.detector_defaults() is 'all detectors with the parameters that they have unless set_detector() says otherwise (A2)';

create function rewards.is_detector_parameter(name text, value jsonb) returns boolean
	language plpgsql immutable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	type text := jsonb_typeof(value);
	number numeric := case type when 'number' then value::numeric end;
begin
	if name in ('accounts', 'referrals', 'referees', 'days') then
		return coalesce(number = trunc(number) and number <= 1000000
			and number >= case name when 'days' then 0 when 'referees' then 1 else 2 end, false);
	elsif name = 'share' then
		return coalesce(number > 0 and number <= 1, false);
	elsif name in ('within', 'after', 'idle') then
		return type = 'string' and rewards.is_span(value #>> '{}');
	elsif name in ('domains', 'dotless_domains') then
		return type = 'array' and not exists (
			select from jsonb_array_elements(value) d
			where jsonb_typeof(d) <> 'string' or d #>> '{}' !~ '^[^\s@.]+(\.[^\s@.]+)+$' or d #>> '{}' <> lower(d #>> '{}'));
	end if;
	return value in ('"flag"', '"warn"');
end
$$;
revoke all on function rewards.is_detector_parameter(text, jsonb) from public;
comment on function rewards.is_detector_parameter(text, jsonb) is 'whether a parameter of a detector can have a value';

create function rewards.check_detector(name text, parameters jsonb) returns void
	language plpgsql immutable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	known jsonb;
	parameter record;
begin
	perform rewards.check_not_null(name, 'name');
	select d.parameters into known from rewards.detector_defaults() d where d.name = check_detector.name;
	if not found then
		raise exception 'there is no detector "%"', name
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.detectors lists them.';
	elsif jsonb_typeof(parameters) <> 'object' then
		raise exception 'the parameters of a detector must be a JSON object'
			using errcode = 'invalid_parameter_value', hint = format('As in %s; what is left out is as by default.', known);
	end if;
	for parameter in select p.key, p.value from jsonb_each(parameters) p loop
		if not known ? parameter.key then
			raise exception 'detector "%" has no parameter "%"', name, parameter.key
				using errcode = 'invalid_parameter_value',
					hint = format('It has %s.', (select string_agg(k, ', ' order by k) from jsonb_object_keys(known) k));
		elsif not rewards.is_detector_parameter(parameter.key, parameter.value) then
			raise exception 'invalid value % for parameter "%" of detector "%"', parameter.value, parameter.key, name
				using errcode = 'invalid_parameter_value',
					hint = case
						when parameter.key in ('accounts', 'referrals') then 'Use a whole number from 2 on.'
						when parameter.key = 'referees' then 'Use a whole number from 1 on.'
						when parameter.key = 'days' then 'Use a whole number from 0 on.'
						when parameter.key = 'share' then 'Use a number above 0 and up to 1, as 0.8.'
						when parameter.key in ('within', 'after', 'idle') then 'Use an interval as "7 days".'
						when parameter.key = 'action' then 'Use "flag" or "warn".'
						else 'Use a list of domains in lower case, as ["example.com"].' end;
		end if;
	end loop;
end
$$;
revoke all on function rewards.check_detector(text, jsonb) from public;
comment on function rewards.check_detector(text, jsonb) is '22004 or 22023 for an unknown detector or parameters it cannot have';

create function rewards.set_detector(name text, parameters jsonb, enabled boolean default true,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_detector(name, parameters);
	perform rewards.check_not_null(enabled, 'enabled');
	return rewards.set_rule('set_detector', 'detector', name,
		jsonb_build_object('parameters', coalesce(parameters, '{}'), 'enabled', enabled), valid_from, updated_by);
end
$$;
revoke all on function rewards.set_detector(text, jsonb, boolean, timestamptz, text) from public;
comment on function rewards.set_detector(text, jsonb, boolean, timestamptz, text) is
	'what a detector goes by, and whether it is at work; what parameters leave out, or NULL, is as by default. As soon as one is set and enabled maintain() looks for abuse (A2)';

/* ---- detectors: whom they find, with evidence ---- */

create function rewards.referred_users(since timestamptz) returns table (account bigint, email text, domain text)
	language sql stable parallel unsafe rows 10000
	set search_path = pg_catalog, pg_temp
as $$
	/* an id may be the e-mail */
	select e.id, e.email, lower(split_part(e.email, '@', -1))
	from (
		select a.id, coalesce(a.email, case when strpos(a.name, '@') > 0 then a.name end) as email
		from rewards.account a where a.kind = 'user' and a.referred_at >= since
	) e where e.email is not null
$$;
revoke all on function rewards.referred_users(timestamptz) from public;
comment on function rewards.referred_users(timestamptz) is 'users referred since a time who have an e-mail: the one recorded, else the id where it looks like one';

create function rewards.families(since timestamptz) returns table (inviter bigint, member bigint, name text, email text)
	language sql stable parallel unsafe rows 10000
	set search_path = pg_catalog, pg_temp
as $$
	with inviter as materialized (
		select distinct a.referrer as id from rewards.account a where a.kind = 'user' and a.referred_at >= since
	)
	select f.inviter, f.id, f.name, lower(coalesce(f.email, case when strpos(f.name, '@') > 0 then f.name end))
	from (
		select i.id as inviter, a.id, a.name, a.email from inviter i join rewards.account a on a.id = i.id
		union all
		select i.id, a.id, a.name, a.email from inviter i join rewards.account a on a.referrer = i.id and a.kind = 'user'
	) f
$$;
revoke all on function rewards.families(timestamptz) from public;
comment on function rewards.families(timestamptz) is
	'inviters who have referred a user since a time, and all users whom they have referred; with e-mails in lower case, the one recorded or else the id where it looks like one';

create function rewards.detect_plus_address(parameters jsonb, since timestamptz) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 1000
	set search_path = pg_catalog, pg_temp
as $$
	with dotless(domains) as materialized (
		select array(select jsonb_array_elements_text(parameters -> 'dotless_domains'))
	), address as (
		select f.*, split_part(f.email, '@', -1) as domain, left(f.email, - length(split_part(f.email, '@', -1)) - 1) as local_part
		from rewards.families(since) f where strpos(f.email, '@') > 1
	), member as materialized (
		/* where mail arrives: one provider has two domains, and an address may begin with a plus */
		select a.inviter, a.member, a.name, a.email,
			case when a.domain = any (d.domains) then replace(l.untagged, '.', '') else l.untagged end || '@'
				|| case a.domain when 'googlemail.com' then 'gmail.com' else a.domain end as mailbox
		from dotless d cross join address a
		cross join lateral (select left(a.local_part, 1) || split_part(substr(a.local_part, 2), '+', 1)) l(untagged)
	), shared as (
		select m.inviter, m.mailbox, count(*) as accounts from member m group by m.inviter, m.mailbox
		having count(*) >= (parameters ->> 'accounts')::integer and min(m.email) < max(m.email)
	), hit as materialized (
		select m.*, s.accounts from shared s join member m using (inviter, mailbox)
	), among as (
		select h.inviter, h.mailbox, (array_agg(h.name order by h.member))[:10] as names from hit h group by h.inviter, h.mailbox
	)
	select distinct on (h.member) h.member, jsonb_build_object('mailbox', h.mailbox, 'accounts', h.accounts, 'among', g.names)
	from hit h join among g using (inviter, mailbox)
	order by h.member, h.accounts desc, h.inviter
$$;
revoke all on function rewards.detect_plus_address(jsonb, timestamptz) from public;
comment on function rewards.detect_plus_address(jsonb, timestamptz) is 'detector plus_address';

create function rewards.detect_invalid_email(parameters jsonb, since timestamptz) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 1000
	set search_path = pg_catalog, pg_temp
as $$
	select e.account, jsonb_build_object('email', e.email)
	from (
		select u.account, u.email, u.domain, left(u.email, - length(u.domain) - 1) as local_part from rewards.referred_users(since) u
	) e
	/* mostly it is quite an ordinary one */
	where not (length(e.email) <= 64 and e.email ~ '^[A-Za-z0-9_]+([.+_-][A-Za-z0-9_]+)*@([A-Za-z0-9]+\.)+(com|net|org|[a-z][a-z])$') and (
		octet_length(e.email) > 254 or length(e.local_part) > 64
		or e.local_part !~ '^([^\s@()<>,;:\\"\[\].\x01-\x1f\x7f]+(\.[^\s@()<>,;:\\"\[\].\x01-\x1f\x7f]+)*|"[^"\\\x01-\x1f\x7f]+")$'
		/* letters of whatever script, digits, dashes within */
		or e.domain !~ '^([^\x01-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x7f\s]{1,63}\.)+[^\x01-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x7f\s]{2,63}$'
		or e.domain ~ '(^|\.)-|-(\.|$)'
		/* nobody has mail at an address of digits, or under names that are reserved for nobody */
		or e.domain ~ '\.(\d+|test|example|invalid|localhost)$')
$$;
revoke all on function rewards.detect_invalid_email(jsonb, timestamptz) from public;
comment on function rewards.detect_invalid_email(jsonb, timestamptz) is 'detector invalid_email';

create function rewards.detect_disposable_domain(parameters jsonb, since timestamptz) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 1000
	set search_path = pg_catalog, pg_temp
as $$
	with email as materialized (
		select * from rewards.referred_users(since)
	), domain as (
		select distinct e.domain from email e
	), known as (
		/* it, or the one above it, and so on */
		select distinct on (d.domain) d.domain, k.domain as listed
		from domain d
		cross join lateral (select string_to_array(d.domain, '.') as labels) l
		cross join lateral generate_series(1, cardinality(l.labels) - 1) i
		join jsonb_array_elements_text(parameters -> 'domains') k(domain) on k.domain = array_to_string(l.labels[i:], '.')
		order by d.domain, i
	)
	select e.account, jsonb_build_object('email', e.email, 'domain', k.listed) from known k join email e using (domain)
$$;
revoke all on function rewards.detect_disposable_domain(jsonb, timestamptz) from public;
comment on function rewards.detect_disposable_domain(jsonb, timestamptz) is 'detector disposable_domain';

create function rewards.detect_burst(parameters jsonb, since timestamptz) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 100
	set search_path = pg_catalog, pg_temp
as $$
	select distinct on (b.referrer) b.referrer, jsonb_build_object('referrals', b.referrals, 'since', b.first_at, 'until', b.referred_at)
	from (
		select a.referrer, a.referred_at, count(*) over w as referrals, min(a.referred_at) over w as first_at
		from rewards.account a where a.kind = 'user' and a.referred_at >= since
		window w as (partition by a.referrer order by a.referred_at
			range between (parameters ->> 'within')::interval preceding and current row)
	) b
	where b.referrals >= (parameters ->> 'referrals')::integer
	order by b.referrer, b.referrals desc, b.referred_at
$$;
revoke all on function rewards.detect_burst(jsonb, timestamptz) from public;
comment on function rewards.detect_burst(jsonb, timestamptz) is 'detector burst';

create function rewards.referees_seen(since timestamptz, until timestamptz, active bigint[])
	returns table (referrer bigint, referee bigint, last_at timestamptz)
	language sql stable parallel unsafe rows 10000
	set search_path = pg_catalog, pg_temp
	/* nobody can tell beforehand how many there are of each */
	set enable_nestloop = off
as $$
	select a.referrer, a.id, case when t.account is not null then 'infinity' else coalesce(v.last_at, '-infinity') end
	from rewards.account a
	left join rewards.activity v on v.account = a.id
	left join unnest(active) t(account) on t.account = a.id
	where a.kind = 'user' and a.referred_at >= since and a.referred_at < until
$$;
revoke all on function rewards.referees_seen(timestamptz, timestamptz, bigint[]) from public;
comment on function rewards.referees_seen(timestamptz, timestamptz, bigint[]) is
	'users referred in a time, with their last successful request: infinity for those active in what is not posted yet, -infinity for none';

create function rewards.detect_silent_referees(parameters jsonb, since timestamptz, active bigint[]) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 1000
	set search_path = pg_catalog, pg_temp
as $$
	with referee as materialized (
		select r.referrer, r.referee, r.last_at = '-infinity' as silent
		from rewards.referees_seen(since, now() - (parameters ->> 'after')::interval, active) r
	), flagged as (
		select r.referrer, count(*) as referees, count(*) filter (where r.silent) as silent
		from referee r group by r.referrer
		having count(*) >= (parameters ->> 'referees')::integer
			and count(*) filter (where r.silent) >= count(*) * (parameters ->> 'share')::numeric
	)
	select distinct on (x.account) x.account, x.evidence
	from (
		select 1, f.referrer, jsonb_build_object('referees', f.referees, 'silent', f.silent) from flagged f
		union all
		select 2, r.referee, jsonb_build_object('referrer', a.name)
		from flagged f join referee r on r.referrer = f.referrer and r.silent join rewards.account a on a.id = f.referrer
	) x(place, account, evidence)
	order by x.account, x.place
$$;
revoke all on function rewards.detect_silent_referees(jsonb, timestamptz, bigint[]) from public;
comment on function rewards.detect_silent_referees(jsonb, timestamptz, bigint[]) is 'detector silent_referees; active: who has made requests that are not posted yet';

create function rewards.detect_inactive_referees(parameters jsonb, since timestamptz, active bigint[]) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 100
	set search_path = pg_catalog, pg_temp
as $$
	with referee as materialized (
		select r.referrer, r.referee, r.last_at, r.last_at < now() - (parameters ->> 'idle')::interval as idle
		from rewards.referees_seen(since, now() - (parameters ->> 'idle')::interval, active) r
	), candidate as (
		/* only of those are the days counted */
		select r.referrer, count(*) as referees from referee r group by r.referrer
		having count(*) >= (parameters ->> 'referees')::integer
			and count(*) filter (where r.idle) >= count(*) * (parameters ->> 'share')::numeric
	)
	select c.referrer, jsonb_build_object('referees', c.referees, 'inactive', count(*), 'silent', count(*) filter (where r.last_at = '-infinity'))
	from candidate c join referee r on r.referrer = c.referrer and r.idle
	where (
		select count(*) from (
			select from rewards.day_total d
			where d.account = r.referee and d.unit = 1 and d.entry in (1, 2) and d.events > 0
			group by d.day limit (parameters ->> 'days')::integer + 1) d
		) <= (parameters ->> 'days')::integer
	group by c.referrer, c.referees
	/* of those who never did anything alone detector silent_referees tells */
	having count(*) >= c.referees * (parameters ->> 'share')::numeric and count(*) filter (where r.last_at > '-infinity') > 0
$$;
revoke all on function rewards.detect_inactive_referees(jsonb, timestamptz, bigint[]) from public;
comment on function rewards.detect_inactive_referees(jsonb, timestamptz, bigint[]) is 'detector inactive_referees; active: who has made requests that are not posted yet';

create function rewards.payout_identity(details jsonb) returns text
	language sql immutable strict parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	/* a number of an account or an address says who is paid; a currency does not */
	select case when exists (
			select from jsonb_path_query(details, '$.**') v
			where jsonb_typeof(v) in ('string', 'number') and length(v #>> '{}') >= 6 and v #>> '{}' ~ '[0-9@]')
		then regexp_replace(lower(details::text), '\s', '', 'g') end
$$;
revoke all on function rewards.payout_identity(jsonb) from public;
comment on function rewards.payout_identity(jsonb) is 'details of a payout method in whatever case and spacing, NULL where they do not tell accounts apart';

create function rewards.detect_shared_identity(parameters jsonb, since timestamptz) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 1000
	set search_path = pg_catalog, pg_temp
as $$
	with family as materialized (
		select * from rewards.families(since)
	), member as materialized (
		select f.inviter, f.member, f.name, 'email' as what, f.email as identity, f.email as shown
		from family f where f.email is not null
		union all
		select distinct f.inviter, f.member, f.name, 'payout', p.identity, null
		from rewards.payout_method m
		join family f on f.member = m.account
		cross join lateral (select rewards.payout_identity(m.details) as identity offset 0) p
		where p.identity is not null
	), shared as (
		select m.inviter, m.what, m.identity, count(*) as accounts from member m group by m.inviter, m.what, m.identity
		having count(*) >= (parameters ->> 'accounts')::integer
	), hit as materialized (
		select m.*, s.accounts from shared s join member m using (inviter, what, identity)
	), among as (
		select h.inviter, h.what, h.identity, (array_agg(h.name order by h.member))[:10] as names
		from hit h group by h.inviter, h.what, h.identity
	)
	select distinct on (h.member) h.member,
		jsonb_strip_nulls(jsonb_build_object('same', h.what, 'email', h.shown, 'accounts', h.accounts, 'among', g.names))
	from hit h join among g using (inviter, what, identity)
	order by h.member, h.accounts desc, h.what, h.inviter
$$;
revoke all on function rewards.detect_shared_identity(jsonb, timestamptz) from public;
comment on function rewards.detect_shared_identity(jsonb, timestamptz) is 'detector shared_identity';

/* ---- flags ---- */

create function rewards.suspects(since timestamptz, active bigint[]) returns table (account bigint, detector text, action text, evidence jsonb)
	language sql stable parallel unsafe rows 1000
	set search_path = pg_catalog, pg_temp
as $$
	with detector as materialized (
		select d.name, d.parameters from rewards.detectors d where d.enabled
	), found(name, parameters, account, evidence) as (
		select d.*, f.* from detector d cross join lateral rewards.detect_plus_address(d.parameters, since) f where d.name = 'plus_address'
		union all
		select d.*, f.* from detector d cross join lateral rewards.detect_invalid_email(d.parameters, since) f where d.name = 'invalid_email'
		union all
		select d.*, f.* from detector d cross join lateral rewards.detect_disposable_domain(d.parameters, since) f where d.name = 'disposable_domain'
		union all
		select d.*, f.* from detector d cross join lateral rewards.detect_burst(d.parameters, since) f where d.name = 'burst'
		union all
		select d.*, f.* from detector d cross join lateral rewards.detect_silent_referees(d.parameters, since, active) f where d.name = 'silent_referees'
		union all
		select d.*, f.* from detector d cross join lateral rewards.detect_inactive_referees(d.parameters, since, active) f where d.name = 'inactive_referees'
		union all
		select d.*, f.* from detector d cross join lateral rewards.detect_shared_identity(d.parameters, since) f where d.name = 'shared_identity'
	)
	select f.account, f.name, f.parameters ->> 'action', f.evidence from found f
$$;
revoke all on function rewards.suspects(timestamptz, bigint[]) from public;
comment on function rewards.suspects(timestamptz, bigint[]) is 'whom the detectors at work find among users referred since a time';

create function rewards.flag_suspects(since timestamptz) returns table (account bigint, detector text, evidence jsonb)
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	/* times in evidence read the same whoever asks */
	set timezone = 'UTC'
	set jit = off
as $$
#variable_conflict use_column
declare
	/* whoever was active in what is not posted yet, by number or by name */
	active bigint[] := array(
		select distinct coalesce(t.account_number, a.id)
		from rewards.tail_accounts() t left join rewards.account a on a.kind = t.kind and a.name = t.account
		where t.last_at is not null and coalesce(t.account_number, a.id) is not null);
	flag record;
begin
	/* one after the other; posting may flag meanwhile */
	lock table rewards.abuse_flag in share update exclusive mode;
	for flag in
		with suspect as materialized (
			select s.* from rewards.suspects(coalesce(flag_suspects.since, '-infinity'), active) s
		), renewed as (
			update rewards.abuse_flag f set evidence = s.evidence from suspect s
			where f.account = s.account and f.detector = s.detector and f.cleared_at is null and f.evidence <> s.evidence
		), made as (
			insert into rewards.abuse_flag as f (account, detector, evidence)
			select s.account, s.detector, s.evidence from suspect s
			where not exists (
					select from rewards.abuse_flag o where o.account = s.account and o.detector = s.detector and o.cleared_at is null)
				and s.evidence is distinct from (
					select c.evidence from rewards.abuse_flag c where c.account = s.account and c.detector = s.detector order by c.id desc limit 1)
			order by s.account, s.detector
			on conflict do nothing
			returning f.account, f.detector, f.evidence
		)
		select m.account, m.detector, m.evidence, s.action from made m join suspect s using (account, detector)
		order by m.account, m.detector
	loop
		if flag.action = 'warn' and rewards.status_of(flag.account) = 'active' then
			perform rewards.add_status(flag.account, 'warned', 'detector', flag.detector, null, rewards.caller()::text);
		end if;
		account := flag.account;
		detector := flag.detector;
		evidence := flag.evidence;
		return next;
	end loop;
end
$$;
revoke all on function rewards.flag_suspects(timestamptz) from public;
comment on function rewards.flag_suspects(timestamptz) is
	'flags whom the detectors find and returns the new flags; an open flag gets the new evidence, a cleared one comes again when the evidence is another';

create function rewards.detect_abuse(since timestamptz default null)
	returns table (kind text, account text, detector text, evidence jsonb)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	return query
	select a.kind, a.name, f.detector, f.evidence
	from rewards.flag_suspects(since) f join rewards.account a on a.id = f.account
	order by f.detector, a.name collate "C", a.kind;
end
$$;
revoke all on function rewards.detect_abuse(timestamptz) from public;
comment on function rewards.detect_abuse(timestamptz) is
	'runs the detectors over users referred since a time, NULL over all, stores what they find as flags and returns the new ones (A2)';

create function rewards.count_suspects() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if not exists (
			select from rewards.rules r where r.rule = 'detector' and r.in_force and (r.value ->> 'enabled')::boolean) then
		return 0;
	end if;
	return (select count(distinct f.account) from rewards.flag_suspects(now() - interval '90 days') f);
end
$$;
revoke all on function rewards.count_suspects() from public;
comment on function rewards.count_suspects() is
	'looks for abuse among users referred in the last 90 days, where a rule sets a detector to work; returns how many accounts were flagged anew. maintain() calls it';

create function rewards.clear_flag(id bigint, note text, updated_by text default current_user) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	flag record;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(id, 'id');
	perform rewards.check_not_null(note, 'note');
	perform rewards.check_not_null(updated_by, 'updated_by');
	if note !~ '\S' then
		raise exception 'note must not be empty'
			using errcode = 'invalid_parameter_value', hint = 'Say why the flag is not justified, or what was done.';
	end if;
	select f.detector, f.evidence, f.cleared_at, a.kind, a.name into flag
	from rewards.abuse_flag f join rewards.account a on a.id = f.account where f.id = id for update of f;
	if not found then
		raise exception 'there is no flag %', id
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.abuse_flags lists them.';
	elsif flag.cleared_at is not null then
		raise exception 'flag % has been cleared already', id
			using errcode = 'object_not_in_prerequisite_state', hint = 'The view rewards.abuse_flags says by whom.';
	end if;
	update rewards.abuse_flag f set cleared_at = clock_timestamp(), cleared_by = updated_by, note = note where f.id = id;
	perform rewards.log_call('clear_flag', jsonb_build_object('id', id, 'account', flag.name, 'kind', flag.kind, 'detector', flag.detector),
		flag.evidence, to_jsonb(note), updated_by);
end
$$;
revoke all on function rewards.clear_flag(bigint, text, text) from public;
comment on function rewards.clear_flag(bigint, text, text) is
	'closes a flag, with a note why; it comes again only with other evidence. 22023 when there is none, 55000 when it has been cleared (A2)';
/*
 * The waiting list: who was referred stands before who was not, each in order of arrival.
 * A position is counted, never kept: whole blocks of places by their sums, the rest of one
 * block by its rows.  Who comes or goes adds to waitlist_move alone, so that nobody waits
 * for anybody else.
 */

create function rewards.waitlist_block_of(place bigint) returns bigint
	language sql immutable strict parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select place >> 10 $$;
revoke all on function rewards.waitlist_block_of(bigint) from public;
comment on function rewards.waitlist_block_of(bigint) is 'the block of the waiting list that a place lies in';

create function rewards.position_at(place bigint) returns integer
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	own bigint := rewards.waitlist_block_of(place);
begin
	/* one statement, and so one snapshot: folding leaves the sum as it is */
	return (select coalesce(sum(b.waiting), 0) from rewards.waitlist_block b where b.block < own)
		+ (select coalesce(sum(m.change), 0) from rewards.waitlist_move m where m.block < own)
		+ (select count(*) from rewards.waitlist_entry e where e.status = 'waiting' and e.place between own << 10 and place);
end
$$;
revoke all on function rewards.position_at(bigint) from public;
comment on function rewards.position_at(bigint) is 'how many of the waiting list wait up to a place';

create function rewards.waitlist_position(email text) returns integer
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(email, 'email');
	return (select case when e.status = 'waiting' then rewards.position_at(e.place) else 0 end
		from rewards.waitlist_entry e where e.email = lower(email));
end
$$;
revoke all on function rewards.waitlist_position(text) from public;
comment on function rewards.waitlist_position(text) is
	'where an e-mail stands in the waiting list, 1 first; 0 once it is approved, released or joined, NULL when it is not on the list (I5)';

create function rewards.fold_waitlist(at_least integer default 1) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	folded bigint;
begin
	/* what somebody else has folded must be seen, and nobody is waited for */
	if current_setting('transaction_isolation') in ('repeatable read', 'serializable')
			or (select count(*) from (select from rewards.waitlist_move m limit at_least) m) < at_least then
		return 0;
	end if;
	perform from rewards.waitlist_block b where b.block = -1 for no key update skip locked;
	if not found then
		return 0;
	end if;
	with gone as (
		delete from rewards.waitlist_move m returning m.block, m.change
	), summed as (
		insert into rewards.waitlist_block as b (block, waiting)
		select g.block, sum(g.change) from gone g group by g.block having sum(g.change) <> 0
		on conflict (block) do update set waiting = b.waiting + excluded.waiting
	)
	select count(*) into folded from gone;
	delete from rewards.waitlist_block b where b.waiting = 0 and b.block >= 0;
	return folded;
end
$$;
revoke all on function rewards.fold_waitlist(integer) from public;
comment on function rewards.fold_waitlist(integer) is
	'counts what moved in the waiting list into its blocks, if so many moves wait and nobody else is at it; returns how many. maintain() and those who move call it';

create function rewards.move_in_waitlist(blocks bigint[], change integer) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	last bigint;
begin
	with made as (
		insert into rewards.waitlist_move (block, change)
		select b.block, change * count(*) from unnest(blocks) b(block) group by b.block
		returning id
	)
	select max(m.id) into last from made m;
	/* so often that few wait, so seldom that it costs nothing */
	if last % 64 = 0 or cardinality(blocks) > 64 then
		perform rewards.fold_waitlist(256);
	end if;
end
$$;
revoke all on function rewards.move_in_waitlist(bigint[], integer) from public;
comment on function rewards.move_in_waitlist(bigint[], integer) is 'records that so many have come to or left each of these blocks, named once for each who did';

create function rewards.invite_waiting(entries bigint[], status text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	codes text[] := rewards.make_invite_codes(null, cardinality(entries), 'waitlist');
begin
	with given as (
		update rewards.waitlist_entry e set status = status, released_at = clock_timestamp(), invite_code = codes[i.n]
		from unnest(entries) with ordinality i(id, n) where e.id = i.id
		returning e.email, e.referrer, e.invite_code
	)
	/* of a suspended account's code nobody could make use */
	update rewards.invite_code c set recipient = g.email,
		owner = case when not rewards.is_suspended(g.referrer) then g.referrer end
	from given g where c.code = g.invite_code;
end
$$;
revoke all on function rewards.invite_waiting(bigint[], text) from public;
comment on function rewards.invite_waiting(bigint[], text) is
	'gives each of these an invite code of its own, its referrer''s or the programme''s, and this status; does not count the move';

create function rewards.renew_invitation(id bigint) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	entry record;
begin
	select e.id, e.status, c.voided_at is not null or c.expires_at <= clock_timestamp() as dead into entry
	from rewards.waitlist_entry e left join rewards.invite_code c on c.code = e.invite_code
	where e.id = id and e.status in ('approved', 'released') for update of e;
	if entry.dead then
		perform rewards.invite_waiting(array[id], entry.status);
	end if;
end
$$;
revoke all on function rewards.renew_invitation(bigint) from public;
comment on function rewards.renew_invitation(bigint) is 'gives who was let in but has not come another invite code when the one they got has expired or was revoked';

create function rewards.is_admitted(number bigint) returns boolean
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return exists (select from rewards.account a where a.id = number and a.referrer is not null)
		or exists (select from rewards.invite_code c where c.used_by = number);
end
$$;
revoke all on function rewards.is_admitted(bigint) from public;
comment on function rewards.is_admitted(bigint) is 'whether an account has a referrer or has used an invitation';

create function rewards.waitlist_referrer(email text, code text, number bigint) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	owner bigint;
begin
	select c.owner into owner from rewards.invite_code c
	where upper(c.code) = upper(code) and c.used_at is null and c.voided_at is null
		and not (c.custom and rewards.is_identity_code(code))
		and (c.expires_at is null or c.expires_at > clock_timestamp()) and (c.recipient is null or c.recipient = email);
	if not found then
		owner := rewards.code_owner(code, 'user', now());
		if owner is null then
			raise exception 'invalid code "%"', code
				using errcode = 'RW006', hint = 'Use a referral code, or an invite code that is unused, not expired and nobody else''s.';
		end if;
	end if;
	/* the programme's own code */
	if owner is null then
		return null;
	end if;
	if owner = number or lower(rewards.address_of(owner)) = email then
		raise exception 'an account cannot refer itself'
			using errcode = 'RW002', hint = 'Use the code of another account.';
	elsif not rewards.may_refer((select a.kind from rewards.account a where a.id = owner), 'user', now()) then
		raise exception 'a user cannot be referred by a provider'
			using errcode = 'RW005', hint = 'The view rewards.referral_kinds says who may refer whom.';
	end if;
	perform rewards.refuse_suspended(owner);
	return owner;
end
$$;
revoke all on function rewards.waitlist_referrer(text, text, bigint) from public;
comment on function rewards.waitlist_referrer(text, text, bigint) is
	'who refers an e-mail, of the account number if it has one, by a code; NULL for a code of the programme. RW002, RW005, RW006, RW008';

create function rewards.leave_waitlist(email text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	entry record;
begin
	select e.id, e.status, e.place into entry from rewards.waitlist_entry e
	where e.email = lower(email) and e.status <> 'joined' for no key update;
	if not found then
		return;
	end if;
	update rewards.waitlist_entry e set status = 'joined' where e.id = entry.id;
	if entry.status = 'waiting' then
		perform rewards.move_in_waitlist(array[rewards.waitlist_block_of(entry.place)], -1);
	end if;
end
$$;
revoke all on function rewards.leave_waitlist(text) from public;
comment on function rewards.leave_waitlist(text) is 'marks an e-mail of the waiting list as joined; redeem_code() calls it';

create function rewards.join_waitlist(email text, code text default null) returns integer
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	who text := lower(email);
	number bigint;
	referrer bigint;
	entry record;
	moved record;
begin
	perform rewards.require_installed();
	perform rewards.check_id(who, 'email');
	number := coalesce(rewards.person(email), rewards.person(who));
	perform rewards.count_call('join_waitlist', coalesce(rewards.who(number), 'email:' || who));
	if rewards.is_admitted(number) then
		perform rewards.leave_waitlist(who);
		return 0;
	end if;

	/* again, when somebody else has made or changed the entry meanwhile */
	loop
		referrer := null;
		select e.id, e.status, e.place, e.referrer into entry from rewards.waitlist_entry e where e.email = who;
		if entry.status <> 'waiting' then
			perform rewards.renew_invitation(entry.id);
			return 0;
		elsif entry.referrer is null and code is not null then
			referrer := rewards.waitlist_referrer(who, code, number);
		end if;
		/* a code brings nobody further without a referrer, nor with a second one */
		if entry.id is not null and referrer is null then
			return rewards.position_at(entry.place);
		end if;

		if entry.id is null then
			insert into rewards.waitlist_entry as e (email, referrer, code) values (who, referrer, code)
			on conflict do nothing returning e.id, e.place into moved;
		else
			update rewards.waitlist_entry e set referrer = referrer, code = code
			where e.id = entry.id and e.status = 'waiting' and e.referrer is null
			returning e.id, e.place into moved;
		end if;
		exit when found;
	end loop;

	if entry.id is not null then
		perform rewards.move_in_waitlist(array[rewards.waitlist_block_of(entry.place)], -1);
	end if;
	if referrer is not null and rewards.is_high_quality(referrer) then
		perform rewards.invite_waiting(array[moved.id], 'approved');
		return 0;
	end if;
	perform rewards.move_in_waitlist(array[rewards.waitlist_block_of(moved.place)], 1);
	return rewards.position_at(moved.place);
end
$$;
revoke all on function rewards.join_waitlist(text, text) from public;
comment on function rewards.join_waitlist(text, text) is
	'puts an e-mail on the waiting list and returns its position, 0 when nothing is to be waited for. code: a referral code or an invite code, which is not used up; who has none yet moves up by it, and a high-quality referrer''s is approved at once. RW002, RW005, RW006, RW008 (I5)';

create function rewards.release_invites(n integer, updated_by text default current_user)
	returns table (email text, code text)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	released bigint[];
	blocks bigint[];
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(n, 'n');
	perform rewards.check_not_null(updated_by, 'updated_by');
	if n < 1 then
		raise exception 'n must be greater than 0'
			using errcode = 'invalid_parameter_value', hint = 'Say how many invitations to give.';
	end if;
	/* whom another call has locked is another's */
	select array_agg(w.id order by w.place), array_agg(rewards.waitlist_block_of(w.place)) into released, blocks
	from (
		select e.id, e.place from rewards.waitlist_entry e where e.status = 'waiting'
		order by e.place limit n for no key update skip locked
	) w;
	if released is not null then
		perform rewards.invite_waiting(released, 'released');
		perform rewards.move_in_waitlist(blocks, -1);
	end if;
	perform rewards.log_call('release_invites', jsonb_build_object('n', n), null,
		jsonb_build_object('released', coalesce(cardinality(released), 0)), updated_by);
	return query
	select e.email, e.invite_code from rewards.waitlist_entry e where e.id = any (released) order by e.place;
end
$$;
revoke all on function rewards.release_invites(integer, text) from public;
comment on function rewards.release_invites(integer, text) is
	'gives the first n who wait an invite code each, for them alone: a referrer''s or the programme''s; concurrent calls share the list. In order of place (I5)';
/* Models, characters, owners. */

create function rewards.add_model_fact(model text, fact text, account bigint, number numeric, tier text,
		valid_from timestamptz, updated_by text) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	fact_id bigint;
	first boolean;
begin
	/* the model's row orders the changes of one model */
	perform 1 from rewards.model m where m.id = model for no key update;
	first := not exists (select from rewards.model_fact f where f.model = model and f.fact = fact);
	insert into rewards.model_fact as f (model, fact, account, number, tier, valid_from, seen_from, updated_by)
	values (model, fact, account, number, tier, case when first then '-infinity' else valid_from end,
		rewards.last_number(), updated_by)
	returning f.id into fact_id;
	perform rewards.signal_change('rewards.model_fact');
	return fact_id;
end
$$;
revoke all on function rewards.add_model_fact(text, text, bigint, numeric, text, timestamptz, text) from public;
comment on function rewards.add_model_fact(text, text, bigint, numeric, text, timestamptz, text) is
	'appends what is known of a model from a time on, the first such fact from ever; all values NULL end it';

create function rewards.ensure_model(model text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	perform rewards.check_id(model, 'model_id');
	insert into rewards.model (id) values (model) on conflict do nothing;
end
$$;
revoke all on function rewards.ensure_model(text) from public;
comment on function rewards.ensure_model(text) is 'makes a model known by its id';

create function rewards.register_character(character_id text, name text, image text default null) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	perform rewards.require_installed();
	perform rewards.check_id(character_id, 'character_id');
	insert into rewards.character (id, name, image) values (character_id, name, image)
		on conflict (id) do update set name = coalesce(excluded.name, rewards.character.name),
			image = coalesce(excluded.image, rewards.character.image);
end
$$;
revoke all on function rewards.register_character(text, text, text) from public;
comment on function rewards.register_character(text, text, text) is
	'a character''s name and image; NULL leaves what is known (E7)';

create function rewards.set_model_owner(model_id text, owner text, valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	fact_id bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(valid_from, 'valid_from');
	perform rewards.ensure_model(model_id);
	if owner is not null then
		perform rewards.check_id(owner, 'owner');
		number := (rewards.ensure_account('user', owner)).number;
	end if;
	fact_id := rewards.add_model_fact(model_id, 'owner', number, null, null, valid_from, updated_by);
	perform rewards.log_call('set_model_owner', jsonb_build_object('model_id', model_id, 'valid_from', valid_from),
		null, to_jsonb(owner), updated_by);
	return fact_id;
end
$$;
revoke all on function rewards.set_model_owner(text, text, timestamptz, text) from public;
comment on function rewards.set_model_owner(text, text, timestamptz, text) is
	'who earns from a model''s use, from a time on; the first owner from ever, NULL ends it. Returns the change''s id (E3)';

create function rewards.register_model(model_id text, name text default null, category text default null, owner text default null,
		character_id text default null, tier text default null, vram_gb numeric default null, rate numeric default null,
		valid_from timestamptz default null, updated_by text default current_user)
	returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	since timestamptz := coalesce(valid_from, now());
	number bigint;
begin
	perform rewards.require_installed();
	if valid_from < now() and not rewards.is_admin() then
		raise exception 'only an admin may date a model''s owner, tier or rate back'
			using errcode = 'insufficient_privilege', hint = 'Leave out the argument valid_from.';
	end if;
	perform rewards.ensure_model(model_id);
	perform rewards.check_tier(tier);
	perform rewards.check_amount(vram_gb, 'vram_gb');
	perform rewards.check_amount(rate, 'rate');
	if owner is not null then
		perform rewards.check_id(owner, 'owner');
	end if;
	if character_id is not null then
		perform rewards.check_id(character_id, 'character_id');
		insert into rewards.character (id) values (character_id) on conflict do nothing;
	end if;
	update rewards.model m set name = coalesce(name, m.name), category = coalesce(category, m.category),
		character_id = coalesce(character_id, m.character_id)
	where m.id = model_id;
	if owner is not null then
		number := (rewards.ensure_account('user', owner)).number;
		perform rewards.add_model_fact(model_id, 'owner', number, null, null, since, updated_by);
	end if;
	if tier is not null then
		perform rewards.add_model_fact(model_id, 'tier', null, null, tier, since, updated_by);
	end if;
	if vram_gb is not null then
		perform rewards.add_model_fact(model_id, 'vram', null, vram_gb, null, since, updated_by);
	end if;
	if rate is not null then
		perform rewards.add_model_fact(model_id, 'rate', null, rate, null, since, updated_by);
	end if;
	/* also a new character changes what a row's model is */
	perform rewards.signal_change('rewards.model_fact');
	perform rewards.log_call('register_model', jsonb_strip_nulls(jsonb_build_object('model_id', model_id, 'name', name,
		'category', category, 'owner', owner, 'character_id', character_id, 'tier', tier, 'vram_gb', vram_gb,
		'rate', rate, 'valid_from', valid_from)), null, null, updated_by);
end
$$;
revoke all on function rewards.register_model(text, text, text, text, text, text, numeric, numeric, timestamptz, text) from public;
comment on function rewards.register_model(text, text, text, text, text, text, numeric, numeric, timestamptz, text) is
	'makes a model known or changes it; NULL leaves what is known. Tier, VRAM in GB, owner and rate per token count from valid_from (default now), the first of each from ever (E3, F2)';

create function rewards.explain_tier(model text, out tier text, out rule text) returns record
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(model, 'model');
	select e.tier, e.rule into tier, rule from rewards.explain_model(model) e;
end
$$;
revoke all on function rewards.explain_tier(text) from public;
comment on function rewards.explain_tier(text) is 'the tier a model is in now, and what placed it there (P2, P3)';
/* Prices and mainnet: rules of their own, effective-dated as all. */

create function rewards.known_prices() returns table (config_key text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select distinct r.key || s.side from rewards.rule r cross join (values ('_input'), ('_output')) s(side) where r.rule = 'tier'
	union
	select r.key from rewards.rule r where r.rule = 'service' and r.key <> 'chat'
$$;
revoke all on function rewards.known_prices() from public;
comment on function rewards.known_prices() is 'what can have a price: input and output of each tier, and each service that does not go by tiers';

create function rewards.check_price(config_key text, price_per_unit numeric, unit text) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_not_null(config_key, 'config_key');
	perform rewards.check_not_null(price_per_unit, 'price_per_unit');
	perform rewards.check_not_null(unit, 'unit');
	if not exists (select from rewards.known_prices() k where k.config_key = check_price.config_key) then
		raise exception 'there is no price "%"', config_key
			using errcode = 'invalid_parameter_value',
				hint = 'Prices are <tier>_input and <tier>_output for each tier, and each service but chat.';
	elsif unit not in ('token', '1000_tokens', '1000000_tokens', 'request') then
		raise exception 'unknown unit "%"', unit
			using errcode = 'invalid_parameter_value', hint = 'Use token, 1000_tokens, 1000000_tokens or request.';
	end if;
	perform rewards.check_amount(price_per_unit, 'price_per_unit');
end
$$;
revoke all on function rewards.check_price(text, numeric, text) from public;
comment on function rewards.check_price(text, numeric, text) is '22004 or 22023 for what is no price';

/* a type of its own, for columns and arguments share names */
create type rewards.price_set as (config_key text, price_per_unit numeric, unit text, valid_from timestamptz, updated_by text);
comment on type rewards.price_set is 'a row of set_pricing()';

create function rewards.set_pricing(config_key text, price_per_unit numeric, unit text, updated_by text default current_user,
		valid_from timestamptz default now())
	returns setof rewards.price_set
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	rows 1
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_price(config_key, price_per_unit, unit);
	perform rewards.set_rule('set_pricing', 'price', config_key, jsonb_build_object('price_per_unit', price_per_unit, 'unit', unit),
		valid_from, updated_by);
	return query select config_key, price_per_unit, unit, valid_from, updated_by;
end
$$;
revoke all on function rewards.set_pricing(text, numeric, text, text, timestamptz) from public;
comment on function rewards.set_pricing(text, numeric, text, text, timestamptz) is
	'what a tier''s input or output, or a service, costs in credits per unit (token, 1000_tokens, 1000000_tokens, request) from a time on; counts on mainnet only. 22023 for unknown keys and units and negative prices (C1, C2)';

create function rewards.pricing_preset(name text) returns table (config_key text, price_per_unit numeric, unit text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with mainnet(config_key, price_per_unit, unit) as (values
		('tide_pool_input', 0.0002, '1000_tokens'), ('tide_pool_output', 0.0004, '1000_tokens'),
		('blue_surge_input', 0.0006, '1000_tokens'), ('blue_surge_output', 0.0012, '1000_tokens'),
		('open_ocean_input', 0.0014, '1000_tokens'), ('open_ocean_output', 0.0028, '1000_tokens'),
		('mariana_depth_input', 0.003, '1000_tokens'), ('mariana_depth_output', 0.006, '1000_tokens'),
		('embeddings', 0.0002, '1000_tokens'), ('tts', 0.0004, 'request'), ('scrape', 0.0001, 'request')
	)
	select m.config_key, m.price_per_unit, m.unit from mainnet m where pricing_preset.name = 'mainnet'
	union all
	select k.config_key, 0, coalesce(m.unit, case when k.config_key ~ '_(input|output)$' then '1000_tokens' else 'request' end)
	from rewards.known_prices() k left join mainnet m on m.config_key = k.config_key where pricing_preset.name = 'testnet'
$$;
revoke all on function rewards.pricing_preset(text) from public;
comment on function rewards.pricing_preset(text) is 'the prices that init_pricing() sets; none for an unknown name';

create function rewards.init_pricing(name text, updated_by text default current_user, valid_from timestamptz default now())
	returns integer
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	price record;
	changed integer := 0;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(name, 'name');
	if name not in ('testnet', 'mainnet') then
		raise exception 'there is no price table "%"', name
			using errcode = 'invalid_parameter_value', hint = 'Price tables are testnet and mainnet.';
	end if;
	lock table rewards.rule in share update exclusive mode;
	for price in
		select p.config_key as key, jsonb_build_object('price_per_unit', p.price_per_unit, 'unit', p.unit) as value
		from rewards.pricing_preset(name) p order by 1
	loop
		continue when price.value = rewards.rule_value('price', price.key, valid_from);
		perform rewards.add_rule('price', price.key, price.value, valid_from, updated_by);
		changed := changed + 1;
	end loop;
	perform rewards.log_call('init_pricing', jsonb_build_object('name', name, 'valid_from', valid_from),
		null, jsonb_build_object('changed', changed), updated_by);
	perform rewards.toggle_mainnet(name = 'mainnet', updated_by, valid_from);
	return changed;
end
$$;
revoke all on function rewards.init_pricing(text, text, timestamptz) from public;
comment on function rewards.init_pricing(text, text, timestamptz) is
	'testnet: every price 0 and mainnet off; mainnet: the price table of the documentation and mainnet on. Returns how many prices changed (C3, C4)';

create function rewards.is_mainnet(at timestamptz default now()) returns boolean
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(at, 'at');
	return coalesce((rewards.rule_value('mainnet', '', at) ->> 'on')::boolean, false);
end
$$;
revoke all on function rewards.is_mainnet(timestamptz) from public;
comment on function rewards.is_mainnet(timestamptz) is 'whether usage costs credits at a time (C3)';

create function rewards.toggle_mainnet(is_mainnet boolean, updated_by text default current_user, valid_from timestamptz default now())
	returns boolean
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(is_mainnet, 'is_mainnet');
	perform rewards.set_rule('toggle_mainnet', 'mainnet', '', jsonb_build_object('on', is_mainnet), valid_from, updated_by);
	return is_mainnet;
end
$$;
revoke all on function rewards.toggle_mainnet(boolean, text, timestamptz) from public;
comment on function rewards.toggle_mainnet(boolean, text, timestamptz) is
	'sets whether usage costs credits from a time on, and returns that; points accrue all the same (C3, C7)';

create function rewards.quote(endpoint text, model text, input_tokens integer, output_tokens integer,
		user_id text default null, provider_id text default null, at timestamptz default now())
	returns table (service text, tier text, provider_points numeric, user_points numeric, creator_earnings numeric, cost numeric)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(endpoint, 'endpoint');
	perform rewards.check_time(at, 'at');
	if input_tokens < 0 or output_tokens < 0 then
		raise exception 'tokens must not be negative'
			using errcode = 'check_violation', hint = 'Give the number of tokens that would be used.';
	end if;
	return query select q.service, q.tier, q.provider_points, q.user_points, q.creator_earnings, q.cost
		from rewards.quote_usage(endpoint, model, coalesce(input_tokens, 0), coalesce(output_tokens, 0), user_id, provider_id, at) q;
end
$$;
revoke all on function rewards.quote(text, text, integer, integer, text, text, timestamptz) from public;
comment on function rewards.quote(text, text, integer, integer, text, text, timestamptz) is
	'what a successful request like this would bring and cost by the rules and prices of a time; without a provider it brings none of its points (C7, C10)';
/*
 * Credits, tokens and other currencies: wallets, what expires, holds.
 *
 * What an account has is the sum of its movements: usage that costs, and entries of the
 * journal.  Who spends under a check locks the account's wallet first, and only then
 * draws a number.  Usage under the policy allow locks nothing and does not come here.
 */

/* ---- units and wallets ---- */

create function rewards.currency_unit(currency text) returns smallint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	found_number smallint;
begin
	perform rewards.check_id(currency, 'currency');
	if currency in ('points', 'earnings') then
		raise exception '% are no currency', currency
			using errcode = 'invalid_parameter_value', hint = 'Use rewards.adjust() for points and earnings.';
	end if;
	found_number := (select u.number from rewards.unit u where u.name = currency);
	if found_number is null then
		lock table rewards.unit in share row exclusive mode;
		insert into rewards.unit (number, name) select max(u.number) + 1, currency from rewards.unit u on conflict do nothing;
		found_number := (select u.number from rewards.unit u where u.name = currency);
	end if;
	return found_number;
end
$$;
revoke all on function rewards.currency_unit(text) from public;
comment on function rewards.currency_unit(text) is 'number of the unit that a currency is, made if nobody has used it yet';

create function rewards.credit_policy(out enforced boolean, out rule bigint, out sure boolean)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	select r.value ->> 'value' = 'enforce', r.id, r.sure_from is not null into enforced, rule, sure
	from rewards.rule r
	where r.rule = 'setting' and r.key = 'credit_policy' and r.valid_from <= clock_timestamp()
	order by r.valid_from desc, r.id desc limit 1;
	enforced := coalesce(enforced, false);
end
$$;
revoke all on function rewards.credit_policy() from public;
comment on function rewards.credit_policy() is
	'whether usage must be covered, the rule that says so, and whether every transaction that did not know it has ended';

create function rewards.lock_wallet(account bigint, unit smallint, amount numeric default 0,
		out balance numeric, out anchor bigint)
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	update rewards.wallet w set balance = w.balance + amount, moves = w.moves + 1, updated_at = clock_timestamp()
	where w.account = account and w.unit = unit returning w.balance, w.anchor into balance, anchor;
	if not found then
		insert into rewards.wallet as w (account, unit, balance) values (account, unit, amount)
		on conflict on constraint wallet_pkey do update
			set balance = w.balance + excluded.balance, moves = w.moves + 1, updated_at = clock_timestamp()
		returning w.balance, w.anchor into balance, anchor;
	end if;
end
$$;
revoke all on function rewards.lock_wallet(bigint, smallint, numeric) from public;
comment on function rewards.lock_wallet(bigint, smallint, numeric) is
	'locks a wallet until the transaction ends and adds to its own balance; 40001 under REPEATABLE READ when another came first';

create function rewards.move_wallet(account bigint, unit smallint, amount numeric, recorded boolean default false) returns numeric
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	held record;
	policy record;
	total numeric;
begin
	held := rewards.lock_wallet(account, unit, amount);
	if unit <> 3 then
		return held.balance;
	end if;
	policy := rewards.credit_policy();
	if policy.enforced and held.anchor = policy.rule then
		return held.balance;
	end if;
	/* usage that locked nothing may have been charged: all is added up */
	total := (select s.balance from rewards.latest_wallet_state(account, unit) s) + case when recorded then 0 else amount end;
	if policy.enforced and policy.sure then
		update rewards.wallet w set balance = total, anchor = policy.rule where w.account = account and w.unit = unit;
	end if;
	return total;
end
$$;
revoke all on function rewards.move_wallet(bigint, smallint, numeric, boolean) from public;
comment on function rewards.move_wallet(bigint, smallint, numeric, boolean) is
	'locks a wallet until the transaction ends, notes a movement in it (recorded: its row is there already) and returns the sum of all its movements';

create function rewards.capturing_row(request_id text, seen_from bigint, account bigint) returns bigint
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return (
		select u.id from rewards.usage_logs u
		where u.request_id = capturing_row.request_id and u.id > capturing_row.seen_from and u.status_code between 200 and 299
			and u.user_id = rewards.account_name(capturing_row.account)
		order by u.id limit 1);
end
$$;
revoke all on function rewards.capturing_row(text, bigint, bigint) from public;
comment on function rewards.capturing_row(text, bigint, bigint) is
	'the row that captures a hold of an account, also before it is posted; NULL while there is none';

create function rewards.open_holds(account bigint, at timestamptz, since timestamptz default '-infinity', before timestamptz default 'infinity')
	returns numeric
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	/* mostly there is none, and usage need not be looked at */
	perform from rewards.hold h where h.account = open_holds.account and h.closed_at is null;
	if not found then
		return 0;
	end if;
	return coalesce((
		select sum(h.amount)
		from rewards.hold h
		where h.account = open_holds.account and h.closed_at is null and h.expires_at > open_holds.at
			and h.created_at >= open_holds.since and h.created_at < open_holds.before
			and rewards.capturing_row(h.request_id, h.seen_from, h.account) is null), 0);
end
$$;
revoke all on function rewards.open_holds(bigint, timestamptz, timestamptz, timestamptz) from public;
comment on function rewards.open_holds(bigint, timestamptz, timestamptz, timestamptz) is
	'how many credits of an account are held back at a time, by the holds made from since on and before a time';

create function rewards.expired_lots(account bigint, unit smallint, at timestamptz, latest boolean)
	returns table (id bigint, expires_at timestamptz, amount numeric)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	lot record;
	held numeric := 0;
	upto timestamptz := '-infinity';
begin
	for lot in
		select l.id, l.remaining, l.expires_at from (
			select n.* from rewards.wallet_lots(account, unit) n where not latest
			union all
			select n.* from rewards.latest_wallet_lots(account, unit) n where latest) l
		where l.expires_at <= at order by l.expires_at, l.id
	loop
		/* what was held before a lot expired may be taken from it; what expires first is, first */
		if unit = 3 then
			held := held + rewards.open_holds(account, least(at, clock_timestamp()), upto, lot.expires_at);
			upto := lot.expires_at;
		end if;
		id := lot.id;
		expires_at := lot.expires_at;
		amount := greatest(0, lot.remaining - held);
		held := held - (lot.remaining - amount);
		if amount > 0 then
			return next;
		end if;
	end loop;
end
$$;
revoke all on function rewards.expired_lots(bigint, smallint, timestamptz, boolean) from public;
comment on function rewards.expired_lots(bigint, smallint, timestamptz, boolean) is
	'what of a wallet has expired at a time without being booked so, lot by lot: not what is held since before; latest: as committed at this moment';

create function rewards.wallet_expired(account bigint, unit smallint, at timestamptz default now(), latest boolean default false) returns numeric
	language sql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	as $$ select coalesce(sum(l.amount), 0) from rewards.expired_lots(account, unit, at, latest) l $$;
revoke all on function rewards.wallet_expired(bigint, smallint, timestamptz, boolean) from public;
comment on function rewards.wallet_expired(bigint, smallint, timestamptz, boolean) is 'the sum of what has expired in a wallet without being booked so';

create function rewards.available(account bigint, unit smallint, balance numeric, at timestamptz default clock_timestamp()) returns numeric
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	held numeric := case when unit = 3 then rewards.open_holds(account, least(at, clock_timestamp())) else 0 end;
	expired numeric := 0;
begin
	if (select w.next_expiry from rewards.wallet w where w.account = account and w.unit = unit) <= at then
		expired := rewards.wallet_expired(account, unit, at, true);
		if expired = 0 and (select s.due from rewards.latest_wallet_state(account, unit) s) = 0 then
			update rewards.wallet w set next_expiry = (
				select min(j.expires_at) from rewards.journal j
				where j.account = account and j.unit = unit
					and (j.expires_at > clock_timestamp() or (j.expires_at is not null and j.id > (select c.last from rewards.cursor c))))
			where w.account = account and w.unit = unit;
		end if;
	end if;
	return balance - expired - held;
end
$$;
revoke all on function rewards.available(bigint, smallint, numeric, timestamptz) from public;
comment on function rewards.available(bigint, smallint, numeric, timestamptz) is
	'what can be spent of a locked wallet with this sum of movements: less what will have expired at a time and what is held';

create function rewards.refuse_spending(account text, unit smallint, needed numeric, available numeric) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	raise exception 'insufficient %', rewards.unit_name(unit)
		using errcode = 'RW007',
			detail = format('User "%s" needs %s, has %s: %s missing.', account, trim_scale(needed), trim_scale(available), trim_scale(needed - available)),
			hint = 'Add some by rewards.add_credits().';
end
$$;
revoke all on function rewards.refuse_spending(text, smallint, numeric, numeric) from public;
comment on function rewards.refuse_spending(text, smallint, numeric, numeric) is 'RW007 with the missing amount';

create function rewards.refuse_debt(account bigint, unit smallint, spent numeric, left_over numeric) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if spent > 0 and left_over < 0 and (unit <> 3 or (select p.enforced from rewards.credit_policy() p)) then
		perform rewards.refuse_spending(rewards.account_name(account), unit, spent, left_over + spent);
	end if;
end
$$;
revoke all on function rewards.refuse_debt(bigint, smallint, numeric, numeric) from public;
comment on function rewards.refuse_debt(bigint, smallint, numeric, numeric) is 'RW007 when a wallet that must be covered is not, after so much was spent';

create function rewards.account_name(number bigint) returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select a.name from rewards.account a where a.id = account_name.number $$;
revoke all on function rewards.account_name(bigint) from public;
comment on function rewards.account_name(bigint) is 'the id of an account by its number';

create function rewards.charge_wallets(accounts bigint[], users text[], amounts numeric[], times timestamptz[]) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	left_over numeric;
begin
	for i in 1..cardinality(accounts) loop
		if accounts[i] = 0 then
			perform rewards.refuse_spending(users[i], 3::smallint, amounts[i], 0);
		end if;
		/* a row dated ahead takes nothing from what will have expired by then */
		left_over := rewards.available(accounts[i], 3::smallint, rewards.move_wallet(accounts[i], 3::smallint, -amounts[i], true),
			greatest(clock_timestamp(), times[i]));
		if left_over < 0 then
			perform rewards.refuse_spending(rewards.account_name(accounts[i]), 3::smallint, amounts[i], left_over + amounts[i]);
		end if;
	end loop;
end
$$;
revoke all on function rewards.charge_wallets(bigint[], text[], numeric[], timestamptz[]) from public;
comment on function rewards.charge_wallets(bigint[], text[], numeric[], timestamptz[]) is
	'locks and charges wallets in the order given, users by name where they have no account; RW007. The trigger of usage_logs calls it under the credit policy enforce';

/* ---- credits in, credits back ---- */

create function rewards.check_positive(amount numeric, argument text) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_not_null(amount, argument);
	perform rewards.check_amount(amount, argument);
	if amount = 0 then
		raise exception '% must be greater than 0', argument
			using errcode = 'invalid_parameter_value', hint = 'Give an amount above zero.';
	end if;
end
$$;
revoke all on function rewards.check_positive(numeric, text) from public;
comment on function rewards.check_positive(numeric, text) is '22004 or 22023 for what is no amount above zero';

create function rewards.refuse_other_contents(given jsonb, kept jsonb, what text, id bigint) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if given is distinct from kept then
		raise exception 'the % has been used with other contents', what
			using errcode = 'invalid_parameter_value', detail = format('Entry %s holds %s, the call gave %s.', id, kept, given),
				hint = 'Use a new one for a new call.';
	end if;
end
$$;
revoke all on function rewards.refuse_other_contents(jsonb, jsonb, text, bigint) from public;
comment on function rewards.refuse_other_contents(jsonb, jsonb, text, bigint) is '22023 when a repeated call differs from the first one';

create function rewards.add_credits(user_id text, amount numeric, reason text default null, currency text default 'credits',
		expires_at timestamptz default null, reference text default null, updated_by text default current_user)
	returns numeric
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	unit smallint;
	entry bigint;
	first record;
begin
	perform rewards.require_installed();
	perform rewards.check_id(user_id, 'user_id');
	perform rewards.check_positive(amount, 'amount');
	perform rewards.check_not_null(updated_by, 'updated_by');
	expires_at := nullif(expires_at, 'infinity');
	if reference is not null then
		perform rewards.check_id(reference, 'reference');
	end if;
	unit := rewards.currency_unit(currency);
	number := (rewards.ensure_account('user', user_id)).number;
	perform rewards.lock_wallet(number, unit);
	insert into rewards.journal as j (created_at, unit, distribution, reason, actor, event, account, expires_at, reference)
	values (now(), unit, rewards.one_share(number, 'credit', 0, amount), reason, updated_by, 'credit', number, expires_at, reference)
	on conflict do nothing returning j.id into entry;
	if entry is null then
		select j.id, j.account, j.unit, s.amount into first
		from rewards.journal j cross join lateral rewards.shares(j.distribution) s
		where j.event = 'credit' and j.reference = reference;
		perform rewards.refuse_other_contents(
			jsonb_build_object('user_id', user_id, 'amount', trim_scale(amount), 'currency', currency),
			jsonb_build_object('user_id', rewards.account_name(first.account), 'amount', trim_scale(first.amount),
				'currency', rewards.unit_name(first.unit)), 'reference', first.id);
		return trim_scale(rewards.available(number, unit, rewards.move_wallet(number, unit, 0)));
	/* a repeat may come when they have expired */
	elsif expires_at <= clock_timestamp() then
		raise exception 'expires_at must lie in the future'
			using errcode = 'invalid_parameter_value', hint = 'Leave it out for credits that never expire.';
	elsif expires_at is not null then
		perform rewards.check_time(expires_at, 'expires_at');
		update rewards.wallet w set next_expiry = least(w.next_expiry, expires_at) where w.account = number and w.unit = unit;
	end if;
	perform rewards.log_call('add_credits', jsonb_strip_nulls(jsonb_build_object('user_id', user_id, 'amount', amount, 'reason', reason,
		'currency', currency, 'expires_at', expires_at, 'reference', reference)), null, jsonb_build_object('entry', entry), updated_by);
	return trim_scale(rewards.available(number, unit, rewards.move_wallet(number, unit, amount, true)));
end
$$;
revoke all on function rewards.add_credits(text, numeric, text, text, timestamptz, text, text) from public;
comment on function rewards.add_credits(text, numeric, text, text, timestamptz, text, text) is
	'adds credits, tokens or another currency to a user and returns what can be spent then; those that expire first are spent first. The same reference adds once, 22023 when it comes with other contents (C5, C9)';

create function rewards.credits(user_id text, currency text default 'credits') returns numeric
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	number bigint;
	of_unit smallint;
	state record;
	held numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(user_id, 'user_id');
	perform rewards.check_not_null(currency, 'currency');
	of_unit := (select u.number from rewards.unit u where u.name = credits.currency and u.number >= 3);
	number := (select a.id from rewards.account a where a.name = credits.user_id and a.kind = 'user');
	if of_unit is null then
		return 0;
	elsif number is null then
		/* charged in rows that are not posted yet, and nothing else */
		return trim_scale((select coalesce(sum(t.amount), 0) from rewards.tail_totals('month', 'user', user_id) t where t.unit = of_unit));
	end if;
	select * into state from rewards.wallet_state(number, of_unit);
	held := case when of_unit = 3 then rewards.open_holds(number, now()) else 0 end;
	return trim_scale(state.balance - case when state.due > 0 then rewards.wallet_expired(number, of_unit) else 0 end - held);
end
$$;
revoke all on function rewards.credits(text, text) from public;
comment on function rewards.credits(text, text) is
	'what a user can spend: all movements, posted or not, less what has expired and what is held (C5, C6)';

create function rewards.book_wallet_expiries(account bigint, unit smallint) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	lot record;
	booked bigint := 0;
begin
	perform rewards.lock_wallet(account, unit);
	for lot in select l.* from rewards.expired_lots(account, unit, clock_timestamp(), true) l loop
		insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause, reverses_source, reverses_id)
		values (lot.expires_at, unit, rewards.one_share(account, 'expiry', 0, -lot.amount), 'expired', rewards.caller()::text, 'expiry',
			account, concat_ws(' ', lot.id, (
				select count(*) from rewards.journal j where j.event = 'expiry' and j.reverses_source = 'journal' and j.reverses_id = lot.id)),
			'journal', lot.id);
		perform rewards.lock_wallet(account, unit, -lot.amount);
		booked := booked + 1;
	end loop;
	return booked;
end
$$;
revoke all on function rewards.book_wallet_expiries(bigint, smallint) from public;
comment on function rewards.book_wallet_expiries(bigint, smallint) is 'books what has expired in a wallet, which it locks; returns how many entries that were';

create function rewards.book_expiries(most integer default 10000) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	set lock_timeout = '10ms'
as $$
declare
	wallet record;
	booked bigint := 0;
begin
	/* whoever spends from a wallet just now is not waited for: it comes next time */
	for wallet in
		select w.account, w.unit from rewards.wallet w
		where (w.account, w.unit) in (select l.account, l.unit from rewards.lot l where l.expires_at <= clock_timestamp() and l.remaining > 0)
		order by w.account, w.unit limit most for update skip locked
	loop
		booked := booked + rewards.book_wallet_expiries(wallet.account, wallet.unit);
	end loop;
	return booked;
exception
	/* SKIP LOCKED waits all the same when a row changes twice at that moment; the other may want what is locked here */
	when lock_not_available then
		return 0;
end
$$;
revoke all on function rewards.book_expiries(integer) from public;
comment on function rewards.book_expiries(integer) is 'books what has expired in wallets that nobody has locked; post() and maintain() call it';

create function rewards.refund_entry(entry bigint, reason text, actor text) returns numeric
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	credit record;
	refunded numeric;
	left_over numeric;
	reversal bigint;
begin
	select j.account, j.unit, s.amount into credit
	from rewards.journal j cross join lateral rewards.shares(j.distribution) s where j.id = entry;
	/* locks the wallet, and what has expired is not there to be refunded */
	perform rewards.book_wallet_expiries(credit.account, credit.unit);
	refunded := credit.amount + coalesce((
		select sum(s.amount) from rewards.journal j cross join lateral rewards.shares(j.distribution) s
		where j.reverses_source = 'journal' and j.reverses_id = entry and j.event = 'expiry'), 0);
	insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause, reverses_source, reverses_id)
	values (now(), credit.unit, rewards.one_share(credit.account, 'credit', 0, -refunded), reason, actor, 'reversal',
		credit.account, 'journal ' || entry, 'journal', entry)
	on conflict do nothing returning id into reversal;
	if reversal is null then
		perform rewards.refuse_second_reversal('journal entry', entry);
	end if;
	left_over := rewards.available(credit.account, credit.unit, rewards.move_wallet(credit.account, credit.unit, -refunded, true));
	perform rewards.refuse_debt(credit.account, credit.unit, refunded, left_over);
	return left_over;
end
$$;
revoke all on function rewards.refund_entry(bigint, text, text) from public;
comment on function rewards.refund_entry(bigint, text, text) is
	'takes back credits that an entry of the journal brought, but for those expired; RW009, RW007. Returns what can be spent then';

create function rewards.refund_credits(reference text, reason text, updated_by text default current_user) returns numeric
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	entry bigint;
	balance numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_id(reference, 'reference');
	perform rewards.check_not_null(reason, 'reason');
	perform rewards.check_not_null(updated_by, 'updated_by');
	entry := (select j.id from rewards.journal j where j.event = 'credit' and j.reference = reference);
	if entry is null then
		raise exception 'there are no credits with reference "%"', reference
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.credit_transactions shows references.';
	end if;
	balance := rewards.refund_entry(entry, reason, updated_by);
	perform rewards.log_call('refund_credits', jsonb_build_object('reference', reference, 'reason', reason), null,
		jsonb_build_object('entry', entry), updated_by);
	return trim_scale(balance);
end
$$;
revoke all on function rewards.refund_credits(text, text, text) from public;
comment on function rewards.refund_credits(text, text, text) is
	'takes back the credits that were added with a reference, once (RW009), but for those expired; RW007 when they are spent and the policy is enforce. Returns what the user can spend then (C9)';

/* ---- holds ---- */

create function rewards.authorize_usage(user_id text, amount numeric, request_id text, ttl interval default '15 minutes') returns numeric
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	/* whatever is not decided yet is above */
	seen_from bigint;
	recorded boolean;
	known record;
	at timestamptz;
	left_over numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_id(user_id, 'user_id');
	perform rewards.check_positive(amount, 'amount');
	perform rewards.check_id(request_id, 'request_id');
	perform rewards.check_not_null(ttl, 'ttl');
	if ttl <= '0' or ttl > '1 year' then
		raise exception 'ttl must lie between 0 and a year'
			using errcode = 'invalid_parameter_value', hint = 'It is how long the credits are held if the request does not come.';
	end if;
	number := rewards.find_account('user', user_id);
	if number is null then
		perform rewards.refuse_spending(user_id, 3::smallint, amount, 0);
	end if;
	/* a session that is recording the request may want the wallet: it is waited for before that is locked */
	seen_from := (select least(c.last, (select min(o.first) - 1 from unnest(c.open_first) o(first))) from rewards.cursor c);
	recorded := rewards.find_request(request_id) is not null;
	perform rewards.lock_wallet(number, 3::smallint);
	update rewards.hold h set closed_at = clock_timestamp(), outcome = 'expired'
	where h.request_id = request_id and h.closed_at is null and h.expires_at <= clock_timestamp();
	if recorded or exists (
			select from rewards.usage_logs u where u.request_id = request_id and u.id > seen_from and u.status_code between 200 and 299) then
		raise exception 'request "%" has been recorded already', request_id
			using errcode = 'unique_violation', hint = 'Hold credits before the request is recorded, and use a new request_id for a new one.';
	end if;
	select h.* into known from rewards.hold h where h.request_id = request_id and h.closed_at is null;
	if found then
		perform rewards.refuse_other_contents(jsonb_build_object('user_id', user_id, 'amount', trim_scale(amount)),
			jsonb_build_object('user_id', rewards.account_name(known.account), 'amount', trim_scale(known.amount)), 'request_id', known.id);
		return trim_scale(rewards.available(number, 3::smallint, rewards.move_wallet(number, 3::smallint, 0)));
	end if;
	/* what has expired by then is not held */
	at := clock_timestamp();
	left_over := rewards.available(number, 3::smallint, rewards.move_wallet(number, 3::smallint, 0), at) - amount;
	if left_over < 0 then
		perform rewards.refuse_spending(user_id, 3::smallint, amount, left_over + amount);
	end if;
	insert into rewards.hold (account, amount, request_id, expires_at, created_at, seen_from)
	values (number, amount, request_id, at + ttl, at, seen_from);
	return trim_scale(left_over);
end
$$;
revoke all on function rewards.authorize_usage(text, numeric, text, interval) from public;
comment on function rewards.authorize_usage(text, numeric, text, interval) is
	'holds credits for a request to come, under either credit policy; the row with that request_id captures what it costs and frees the rest, else they are free again after ttl. RW007; returns what can be spent besides. A repeat holds nothing more';

create function rewards.release_hold(request_id text) returns boolean
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	perform rewards.require_installed();
	perform rewards.check_id(request_id, 'request_id');
	/* a row that has been charged as covered by the hold, and is not committed yet, is waited for */
	perform rewards.lock_wallet(h.account, 3::smallint) from rewards.hold h where h.request_id = request_id and h.closed_at is null;
	update rewards.hold h set closed_at = clock_timestamp(), outcome = 'released'
	where h.request_id = request_id and h.closed_at is null and h.expires_at > clock_timestamp()
		and rewards.capturing_row(h.request_id, h.seen_from, h.account) is null;
	return found;
end
$$;
revoke all on function rewards.release_hold(text) from public;
comment on function rewards.release_hold(text) is 'frees credits that are held for a request; false when there are none, or no more';

create function rewards.close_holds(most integer default 10000) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	closed bigint;
begin
	/* mostly there is none, and usage need not be looked at */
	perform from rewards.hold h where h.closed_at is null and h.expires_at <= clock_timestamp();
	if not found then
		return 0;
	end if;
	update rewards.hold h set closed_at = o.expires_at, usage_id = u.id,
		outcome = case when u.id is null then 'expired' else 'captured' end
	from (
		select h.id, h.request_id, h.seen_from, h.expires_at, h.account from rewards.hold h
		where h.closed_at is null and h.expires_at <= clock_timestamp()
		order by h.expires_at limit most for update skip locked
	) o
	cross join lateral (select rewards.capturing_row(o.request_id, o.seen_from, o.account) as id offset 0) u
	cross join rewards.cursor c
	/* not before its row is folded, which goes by it */
	where h.id = o.id and (u.id is null or rewards.is_folded(u.id, c.last, c.open_first, c.open_last));
	get diagnostics closed = row_count;
	return closed;
end
$$;
revoke all on function rewards.close_holds(integer) from public;
comment on function rewards.close_holds(integer) is 'closes holds whose time is over, as captured or expired; post() and maintain() call it';
/* Taking back what was given, and adjusting it: always by another entry, never by a change. */

create function rewards.refuse_second_reversal(what text, id bigint) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	raise exception '% % has been reversed already', what, id
		using errcode = 'RW009', hint = 'What is taken back once stays so; rewards.adjust() gives something anew.';
end
$$;
revoke all on function rewards.refuse_second_reversal(text, bigint) from public;
comment on function rewards.refuse_second_reversal(text, bigint) is 'RW009';

create function rewards.correction_time(at timestamptz) returns timestamptz
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select case when (at at time zone p.zone)::date <= p.closed_until then (p.closed_until + 1)::timestamp at time zone p.zone else at end
	from (select rewards.setting('time_zone') as zone, nullif(rewards.setting('closed_until'), 'none')::date as closed_until) p
$$;
revoke all on function rewards.correction_time(timestamptz) from public;
comment on function rewards.correction_time(timestamptz) is 'when a correction of an event counts: then, or from the first open day';

/* ---- usage ---- */

create function rewards.refuse_unknown_usage(usage_id bigint) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if usage_id > 0 and usage_id < (select min(p.first) from rewards.usage_partition p) then
		raise exception 'usage row % has gone with its partition', usage_id
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'What it brought cannot be told any more; record what is right by rewards.adjust().';
	end if;
	raise exception 'there is no usage row %', usage_id
		using errcode = 'invalid_parameter_value', hint = 'Give the id of a row of rewards.usage_logs.';
end
$$;
revoke all on function rewards.refuse_unknown_usage(bigint) from public;
comment on function rewards.refuse_unknown_usage(bigint) is '55000 for a row whose partition has been removed, 22023 for one that never was';

create function rewards.shares_to_reverse(usage_id bigint, unit smallint, user_number bigint, provider_number bigint)
	returns rewards.distribution
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with share(part, place, account, entry, level, amount) as (
		select 1, s.place, coalesce(s.account_number, case s.entry when 'work' then provider_number else user_number end),
			s.entry, s.level, s.amount
		from rewards.usage_logs u
		cross join lateral rewards.shares(u.distribution) with ordinality s(account_number, entry, level, amount, place)
		where u.id = usage_id and unit = 1 and s.entry <> 'creator'
		union all
		/* a request that brought nothing has been counted all the same */
		select 2, own.place, own.number, own.entry, 0, 0
		from rewards.usage_logs u
		cross join lateral (values (1, provider_number, 'work', u.provider_points), (2, user_number, 'usage', u.user_points))
			own(place, number, entry, points)
		where u.id = usage_id and unit = 1 and u.status_code between 200 and 299 and own.number is not null and own.points = 0
		union all
		select 3, 1, user_number, 'usage', 0, -u.cost
		from rewards.usage_logs u where u.id = usage_id and unit = 3 and u.cost <> 0
		union all
		/* what the journal holds about it: corrections, and the tokens it took */
		select 4, j.id, s.account_number, s.entry, s.level, s.amount
		from rewards.journal j cross join lateral rewards.shares(j.distribution) s
		where j.reverses_source = 'usage_logs' and j.reverses_id = usage_id and j.event in ('rerate', 'deduct')
			and j.unit = shares_to_reverse.unit
	)
	select coalesce(jsonb_agg(jsonb_build_object('account', s.account, 'entry', s.entry, 'level', s.level, 'amount', -s.amount)
		order by s.part, s.place), '[]')::text::rewards.distribution
	from share s join rewards.usage_logs u on u.id = usage_id
	where not rewards.is_revoked(s.account, s.entry, u.created_at, usage_id)
$$;
revoke all on function rewards.shares_to_reverse(bigint, smallint, bigint, bigint) from public;
comment on function rewards.shares_to_reverse(bigint, smallint, bigint, bigint) is
	'the inverse of all that a usage row has brought in one unit but earnings, with what was corrected since and without what was revoked';

create function rewards.reverse_unit(usage_id bigint, unit smallint, shares rewards.distribution, user_number bigint, reason text)
	returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	entry bigint;
begin
	insert into rewards.journal as j (created_at, unit, distribution, reason, actor, event, account, cause,
		reverses_source, reverses_id, requests, tokens)
	select rewards.correction_time(u.created_at), unit, shares, reason, rewards.caller()::text, 'reversal', user_number,
		usage_id || ' ' || rewards.unit_name(unit), 'usage_logs', usage_id, -n.requests, -n.requests * (u.input_tokens::bigint + u.output_tokens)
	from rewards.usage_logs u cross join lateral (select (u.status_code between 200 and 299)::integer) n(requests)
	where u.id = usage_id
	on conflict do nothing returning j.id into entry;
	if entry is null then
		perform rewards.refuse_second_reversal('usage row', usage_id);
	end if;
	return entry;
end
$$;
revoke all on function rewards.reverse_unit(bigint, smallint, rewards.distribution, bigint, text) from public;
comment on function rewards.reverse_unit(bigint, smallint, rewards.distribution, bigint, text) is 'books the reversal of a usage row in one unit; RW009';

create function rewards.reverse_earnings(usage_id bigint, reason text) returns void
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* one entry for each creator: a correction may have given another what one had, and counts of models go by entry */
	insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause,
		reverses_source, reverses_id, model, requests, tokens)
	select rewards.correction_time(u.created_at), 2, rewards.one_share(e.account, 'creator', 0, -e.amount), reason, rewards.caller()::text,
		'reversal', e.account, u.id || ' earnings', 'usage_logs', u.id, e.model, -1, -(u.input_tokens::bigint + u.output_tokens)
	from rewards.usage_logs u
	cross join lateral (
		select b.account, sum(b.amount) as amount, max(b.model) as model
		from (
			select s.account_number, s.amount, u.model from rewards.shares(u.distribution) s where s.entry = 'creator'
			union all
			select s.account_number, s.amount, j.model
			from rewards.journal j cross join lateral rewards.shares(j.distribution) s
			where j.reverses_source = 'usage_logs' and j.reverses_id = u.id and j.event = 'rerate' and j.unit = 2
		) b(account, amount, model)
		group by b.account having sum(b.amount) <> 0
		order by b.account
	) e
	where u.id = reverse_earnings.usage_id
$$;
revoke all on function rewards.reverse_earnings(bigint, text) from public;
comment on function rewards.reverse_earnings(bigint, text) is 'books the reversal of what a usage row has earned creators, with what was corrected since';

create function rewards.amount_of(distribution rewards.distribution) returns numeric
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select coalesce(sum(s.amount), 0) from rewards.shares(distribution) s $$;
revoke all on function rewards.amount_of(rewards.distribution) from public;
comment on function rewards.amount_of(rewards.distribution) is 'the sum of the shares';

create function rewards.take_back_usage(usage_id bigint, reason text, with_charge boolean) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	usage record;
	user_number bigint;
	provider_number bigint;
	shares rewards.distribution[];
	unit integer;
	entry bigint;
begin
	select u.user_id, u.provider_id, u.created_at into usage from rewards.usage_logs u where u.id = usage_id;
	if not found then
		perform rewards.refuse_unknown_usage(usage_id);
	end if;
	/* not while rerate() books corrections */
	perform from rewards.installation for share;
	/* names are registered in order, as posting does: nobody waits in a circle */
	if usage.provider_id collate "C" < usage.user_id collate "C" then
		provider_number := rewards.register_named('provider', usage.provider_id, usage.created_at);
	end if;
	user_number := rewards.register_named('user', usage.user_id, usage.created_at);
	if provider_number is null and usage.provider_id is not null then
		provider_number := rewards.register_named('provider', usage.provider_id, usage.created_at);
	end if;
	foreach unit in array case when with_charge then '{1,3,4}' else '{1}' end::integer[] loop
		shares[unit] := rewards.shares_to_reverse(usage_id, unit::smallint, user_number, provider_number);
	end loop;
	/* before numbers are drawn; tokens before credits, as deduct_token() has them locked */
	for unit in reverse 4..3 loop
		if rewards.amount_of(shares[unit]) <> 0 then
			perform rewards.lock_wallet(user_number, unit::smallint, rewards.amount_of(shares[unit]));
		end if;
	end loop;
	entry := rewards.reverse_unit(usage_id, 1::smallint, shares[1], user_number, reason);
	perform rewards.reverse_earnings(usage_id, reason);
	for unit in 3..4 loop
		if exists (select from rewards.shares(shares[unit])) then
			perform rewards.reverse_unit(usage_id, unit::smallint, shares[unit], user_number, reason);
		end if;
	end loop;
	return entry;
end
$$;
revoke all on function rewards.take_back_usage(bigint, text, boolean) from public;
comment on function rewards.take_back_usage(bigint, text, boolean) is
	'books the reversal of a usage row, of points and earnings or, with_charge, in all units, once (RW009); returns the journal entry of the points';

create function rewards.reverse_usage(usage_id bigint, reason text) returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	entry bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(usage_id, 'usage_id');
	perform rewards.check_not_null(reason, 'reason');
	entry := rewards.take_back_usage(usage_id, reason, true);
	perform rewards.log_call('reverse_usage', jsonb_build_object('usage_id', usage_id, 'reason', reason), null,
		jsonb_build_object('entry', entry), rewards.caller()::text);
	return entry;
end
$$;
revoke all on function rewards.reverse_usage(bigint, text) from public;
comment on function rewards.reverse_usage(bigint, text) is
	'takes back all that a usage row has brought anybody, what was corrected since, its cost and its tokens: once (RW009), also before it is posted; 55000 when its partition has gone. Bonuses that it completed stay. Returns the journal entry of the points';

/* ---- the journal ---- */

create function rewards.refuse_reversal(id bigint, event text, usage_id bigint) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if event in ('rerate', 'deduct') or (event = 'reversal' and usage_id is not null) then
		raise exception 'journal entry % belongs to usage row %', id, usage_id
			using errcode = 'invalid_parameter_value', hint = 'Reverse the row as a whole by rewards.reverse_usage().';
	elsif event in ('reversal', 'expiry', 'payout') then
		raise exception 'journal entry % cannot be reversed', id
			using errcode = 'invalid_parameter_value', detail = format('It is one of the kind %s.', event),
				hint = 'Record what is right by rewards.adjust() or rewards.add_credits().';
	end if;
end
$$;
revoke all on function rewards.refuse_reversal(bigint, text, bigint) from public;
comment on function rewards.refuse_reversal(bigint, text, bigint) is '22023 for journal entries that cannot be taken back one by one';

create function rewards.reverse_journal(journal_id bigint, reason text) returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	given record;
	owner bigint;
	left_over numeric;
	entry bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(journal_id, 'journal_id');
	perform rewards.check_not_null(reason, 'reason');
	select j.*, rewards.amount_of(j.distribution) as amount,
		case when j.reverses_source = 'usage_logs' then j.reverses_id end as usage_id
	into given from rewards.journal j where j.id = journal_id;
	if not found then
		raise exception 'there is no journal entry %', journal_id
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.ledger shows them with source journal.';
	end if;
	perform rewards.refuse_reversal(journal_id, given.event, given.usage_id);
	owner := coalesce(given.account, (select s.account_number from rewards.shares(given.distribution) s limit 1));
	if given.event = 'credit' then
		perform rewards.refund_entry(journal_id, reason, rewards.caller()::text);
		entry := (select j.id from rewards.journal j where j.event = 'reversal' and j.account = owner and j.cause = 'journal ' || journal_id);
	else
		if given.unit >= 3 then
			left_over := rewards.available(owner, given.unit, rewards.move_wallet(owner, given.unit, -given.amount));
			perform rewards.refuse_debt(owner, given.unit, given.amount, left_over);
		end if;
		insert into rewards.journal as j (created_at, unit, distribution, reason, actor, event, account, cause, reverses_source, reverses_id)
		select rewards.correction_time(given.created_at), given.unit,
			jsonb_agg(jsonb_build_object('account', s.account_number, 'entry', s.entry, 'level', s.level, 'amount', -s.amount))::text::rewards.distribution,
			reason, rewards.caller()::text, 'reversal', owner, 'journal ' || journal_id, 'journal', journal_id
		from rewards.shares(given.distribution) s
		where not rewards.is_revoked(s.account_number, s.entry, given.created_at, journal_id)
		having count(*) > 0
		on conflict do nothing returning j.id into entry;
		if entry is null then
			perform rewards.refuse_second_reversal('journal entry', journal_id);
		end if;
	end if;
	perform rewards.log_call('reverse_journal', jsonb_build_object('journal_id', journal_id, 'reason', reason), null,
		jsonb_build_object('entry', entry), rewards.caller()::text);
	return entry;
end
$$;
revoke all on function rewards.reverse_journal(bigint, text) from public;
comment on function rewards.reverse_journal(bigint, text) is
	'takes back what one entry of the journal has brought, a bonus, an adjustment or credits: once (RW009). Returns the entry that does so';

/* ---- adjustments ---- */

create function rewards.adjust(account text, kind text, amount numeric, reason text, unit text default 'points',
		reference text default null, updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	of_unit smallint;
	entry bigint;
	first record;
	left_over numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_positive(abs(amount), 'amount');
	perform rewards.check_not_null(reason, 'reason');
	perform rewards.check_not_null(unit, 'unit');
	perform rewards.check_not_null(updated_by, 'updated_by');
	if reference is not null then
		perform rewards.check_id(reference, 'reference');
	end if;
	of_unit := (select u.number from rewards.unit u where u.name = unit);
	if of_unit is null or (of_unit >= 3 and kind <> 'user') then
		raise exception '%s have no "%"', kind, unit
			using errcode = 'invalid_parameter_value', hint = 'Units are points, earnings and, for users, credits, tokens and the currencies they have.';
	end if;
	number := (rewards.ensure_account(kind, account)).number;
	if of_unit >= 3 then
		left_over := rewards.available(number, of_unit, rewards.move_wallet(number, of_unit, amount));
	end if;
	insert into rewards.journal as j (created_at, unit, distribution, reason, actor, event, account, reference)
	values (now(), of_unit, rewards.one_share(number, 'adjustment', 0, amount), reason, updated_by, 'adjust', number, reference)
	on conflict do nothing returning j.id into entry;
	if entry is null then
		if of_unit >= 3 then
			perform rewards.lock_wallet(number, of_unit, -amount);
		end if;
		select j.id, j.account, j.unit, rewards.amount_of(j.distribution) as amount into first
		from rewards.journal j where j.event = 'adjust' and j.reference = reference;
		perform rewards.refuse_other_contents(
			jsonb_build_object('account', account, 'kind', kind, 'amount', trim_scale(amount), 'unit', unit),
			(select jsonb_build_object('account', a.name, 'kind', a.kind, 'amount', trim_scale(first.amount), 'unit', rewards.unit_name(first.unit))
				from rewards.account a where a.id = first.account), 'reference', first.id);
		return first.id;
	end if;
	perform rewards.refuse_debt(number, of_unit, -amount, left_over);
	perform rewards.log_call('adjust', jsonb_strip_nulls(jsonb_build_object('account', account, 'kind', kind, 'amount', amount,
		'reason', reason, 'unit', unit, 'reference', reference)), null, jsonb_build_object('entry', entry), updated_by);
	return entry;
end
$$;
revoke all on function rewards.adjust(text, text, numeric, text, text, text, text) from public;
comment on function rewards.adjust(text, text, numeric, text, text, text, text) is
	'gives an account more or, with a negative amount, less of a unit, for a reason; points count as bonus points. The same reference adjusts once. Returns the journal entry; RW007 for tokens, and for credits under the policy enforce, that are not there';
/*
 * Forfeiture: what an account has got by referrals and bonuses, taken back at once.  A
 * revocation says which rows it has dealt with, so that reversing one of them later does
 * not take its share again.
 */

create function rewards.unseen_numbers(upto bigint) returns int8multirange
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* of the numbers that are not folded those that no visible row has */
	with open_numbers as (
		select c.last, coalesce(range_agg(int8range(s.first, s.last, '[]')) filter (where s.first is not null), '{}')
			+ int8multirange(int8range(c.last + 1, greatest(upto, c.last) + 1)) as numbers
		from rewards.cursor c left join lateral unnest(c.open_first, c.open_last) s(first, last) on true
		group by c.last
	), visible as (
		select u.id from open_numbers o, unnest(o.numbers) r, rewards.usage_logs u where u.id >= lower(r) and u.id < upper(r)
		union all
		select j.id from open_numbers o, unnest(o.numbers) r, rewards.journal j where j.id >= lower(r) and j.id < upper(r)
	)
	select o.numbers - coalesce((select range_agg(int8range(v.id, v.id, '[]')) from visible v), '{}') from open_numbers o
$$;
revoke all on function rewards.unseen_numbers(bigint) from public;
comment on function rewards.unseen_numbers(bigint) is 'numbers drawn whose rows the snapshot does not see: not yet committed, edges, or gone for good';

create function rewards.is_revoked(number bigint, entry text, at timestamptz, line bigint) returns boolean
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if entry <> 'referral' and entry not like '%\_bonus' then
		return false;
	end if;
	return exists (
		select from rewards.revocation r
		where r.account = number and line <= r.seen_from and not r.unseen @> line and (not isfinite(r.since)
			or (at at time zone rewards.setting('time_zone'))::date >= (r.since at time zone rewards.setting('time_zone'))::date));
end
$$;
revoke all on function rewards.is_revoked(bigint, text, timestamptz, bigint) from public;
comment on function rewards.is_revoked(bigint, text, timestamptz, bigint) is
	'whether an account''s share of a numbered row or entry of a time was taken back by revoke_rewards(): reversing the row does not take it again';

create function rewards.revocable_shares(account text, kind text, since timestamptz)
	returns table (day date, entry smallint, level smallint, amount numeric)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with revoked as materialized (
		/* of the day that the cause names; booked later where that was closed */
		select split_part(j.cause, ' ', 3)::date as day, (j.created_at at time zone rewards.setting('time_zone'))::date as booked,
			rewards.entry_number(s.entry) as entry, s.level, s.amount
		from rewards.journal j cross join lateral rewards.shares(j.distribution) s
		where j.event = 'reversal' and j.reverses_source = 'revocation' and j.account = rewards.account_number(revocable_shares.kind, revocable_shares.account)
	), line as (
		select l.day, l.entry::smallint as entry, l.level::smallint as level, sum(l.amount) as amount
		from (
			select l.period as day, abs(l.entry) as entry, l.level, l.amount
			from rewards.account_lines(revocable_shares.account, revocable_shares.kind, 'day') l where l.unit = 1
			union all
			select r.booked, r.entry, r.level, -r.amount from revoked r
			union all
			select r.day, r.entry, r.level, r.amount from revoked r
		) l
		where l.entry in (3, 5, 6, 7, 8, 9)
			and l.day >= (revocable_shares.since at time zone rewards.setting('time_zone'))::date
		group by l.day, l.entry, l.level
	), counted as (
		/* a day below zero has what was reversed of closed days before it */
		select l.*, coalesce(-sum(l.amount) filter (where l.amount < 0) over columns, 0) as reversed,
			sum(l.amount) filter (where l.amount > 0) over (partition by l.entry, l.level order by l.day) as upto
		from line l window columns as (partition by l.entry, l.level)
	)
	select c.day, c.entry, c.level, least(c.amount, c.upto - c.reversed)
	from counted c where c.amount > 0 and c.upto > c.reversed
	order by 1, 2, 3
$$;
revoke all on function rewards.revocable_shares(text, text, timestamptz) from public;
comment on function rewards.revocable_shares(text, text, timestamptz) is 'referral shares and bonuses of an account from a programme day on, less what was taken back';

create function rewards.book_revocation(number bigint, account text, kind text, since timestamptz, reason text, actor text) returns numeric
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	zone text := rewards.setting('time_zone');
	points numeric;
begin
	/* in one statement: what is taken back is what the same snapshot sees */
	with revocation as (
		insert into rewards.revocation as r (account, since, seen_from, unseen, reason, updated_by)
		select number, since, n.upto, rewards.unseen_numbers(n.upto), reason, actor
		from (select rewards.last_number() as upto) n
		returning r.id
	), line as materialized (
		select * from rewards.revocable_shares(account, kind, since)
	), booked as (
		insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause, reverses_source, reverses_id)
		select rewards.correction_time(l.day::timestamp at time zone zone), 1,
			jsonb_agg(jsonb_build_object('account', number, 'entry', rewards.entry_name(l.entry), 'level', l.level, 'amount', -l.amount)
				order by l.entry, l.level)::text::rewards.distribution,
			reason, actor, 'reversal', number, 'revocation ' || r.id || ' ' || l.day, 'revocation', r.id
		from revocation r, line l group by r.id, l.day order by l.day
	)
	select coalesce(sum(l.amount), 0) into points from line l;
	return points;
end
$$;
revoke all on function rewards.book_revocation(bigint, text, text, timestamptz, text, text) from public;
comment on function rewards.book_revocation(bigint, text, text, timestamptz, text, text) is 'takes back referral shares and bonuses of an account, day by day; returns what they come to';

create function rewards.revoke_rewards(account text, kind text, reason text, since timestamptz default null, updated_by text default current_user)
	returns numeric
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	points numeric;
	codes bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_reason(reason);
	perform rewards.check_not_null(updated_by, 'updated_by');
	since := coalesce(since, '-infinity');
	if since > clock_timestamp() then
		raise exception 'since must not be in the future'
			using errcode = 'invalid_parameter_value', hint = 'Leave it out to take back all.';
	elsif current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
		/* one that waited must see what the one before has taken */
		raise exception 'revoke_rewards() cannot run in a REPEATABLE READ or SERIALIZABLE transaction'
			using errcode = 'active_sql_transaction', hint = 'Call it in a READ COMMITTED transaction.';
	end if;
	number := (rewards.ensure_account(kind, account)).number;
	/* one at a time: nothing is taken back twice */
	perform 1 from rewards.account a where a.id = number for no key update;
	points := rewards.book_revocation(number, account, kind, since, reason, updated_by);
	update rewards.invite_code c set voided_at = clock_timestamp(), reason = reason
	where c.owner = number and c.source <> 'waitlist' and c.used_at is null and c.voided_at is null and c.created_at >= since;
	get diagnostics codes = row_count;
	/* who was released from the waiting list has done nothing wrong */
	update rewards.invite_code c set owner = null
	where c.owner = number and c.source = 'waitlist' and c.used_at is null and c.created_at >= since;
	update rewards.perk p set voided_at = clock_timestamp() where p.account = number and p.voided_at is null and p.granted_at >= since;
	update rewards.invite_reward g set revoked_at = clock_timestamp() where g.account = number and g.revoked_at is null and g.granted_at >= since;
	perform rewards.log_call('revoke_rewards', jsonb_build_object('account', account, 'kind', kind, 'reason', reason, 'since', since),
		null, jsonb_build_object('points', points, 'codes', codes), updated_by);
	return points;
end
$$;
revoke all on function rewards.revoke_rewards(text, text, text, timestamptz, text) from public;
comment on function rewards.revoke_rewards(text, text, text, timestamptz, text) is
	'takes back what an account has got by referrals and bonuses, of the programme day of since and later (NULL: all), in the days and columns it came from, and voids its unused invite codes and its perks given since. Points of its own stay. Returns the points; a second call takes back only what has come since. 25001 under REPEATABLE READ or SERIALIZABLE (A3, K8)';
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
	select c.announced as by_then, c.announced_by as also into known from rewards.cursor c;
	/* transactions of another server, from which all this was restored, say nothing here */
	fresh := known.by_then is null or pg_snapshot_xmax(known.by_then) > rewards.next_transaction();
	/* commits that notify wait for each other: so it is left to posting, and to one a posting */
	if exists (
			select from rewards.notification n
			where n.delivered_at is null and (fresh or n.recorded_xid >= pg_snapshot_xmin(known.by_then)
				and not pg_visible_in_snapshot(n.recorded_xid, known.by_then) and n.recorded_xid <> known.also
				and n.recorded_xid < rewards.next_transaction())) then
		update rewards.cursor set announced = pg_current_snapshot(), announced_by = pg_current_xact_id();
		perform pg_notify('rewards', '');
	end if;
end
$$;
revoke all on function rewards.announce_notifications() from public;
comment on function rewards.announce_notifications() is 'wakes who listens on channel rewards when there are messages that nobody was woken for; post() calls it';

create function rewards.note_model_users(models text[], users bigint[], owners bigint[], ats timestamptz[]) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	told bigint;
begin
	with met as (
		insert into rewards.model_user (model, account, owner, first_at)
		select n.model, n.account, n.owner, n.at from unnest(models, users, owners, ats) n(model, account, owner, at)
		order by n.model collate "C", n.account
		on conflict do nothing
		returning model, account, owner, first_at
	)
	select rewards.notify(array_agg(m.owner), 'new_model_user', array_agg(m.model || ' ' || m.account),
		array_agg(jsonb_build_object('modelId', m.model, 'userId', a.name, 'firstAt', m.first_at)))
	into told from met m join rewards.account a on a.id = m.account;
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
/* Usage by call instead of INSERT. */

create function rewards.same_usage(usage_id bigint, user_id text, provider_id text, endpoint text, model text,
		input_tokens integer, output_tokens integer, character_id text, usage_type text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	given jsonb;
	kept jsonb;
begin
	select jsonb_build_object('user_id', u.user_id, 'provider_id', u.provider_id, 'endpoint', u.endpoint,
			'model', u.model, 'input_tokens', u.input_tokens, 'output_tokens', u.output_tokens,
			'character_id', u.character_id, 'usage_type', u.usage_type),
		jsonb_build_object('user_id', same_usage.user_id, 'provider_id', same_usage.provider_id, 'endpoint', same_usage.endpoint,
			/* a model may have been filled in from its character */
			'model', coalesce(same_usage.model, case when same_usage.character_id is not null then u.model end),
			'input_tokens', coalesce(same_usage.input_tokens, 0), 'output_tokens', coalesce(same_usage.output_tokens, 0),
			'character_id', same_usage.character_id, 'usage_type', same_usage.usage_type)
	into kept, given
	from rewards.usage_logs u where u.id = usage_id;
	if given is distinct from kept then
		raise exception 'a request with this request_id has been recorded with other contents'
			using errcode = 'invalid_parameter_value',
				detail = format('Row %s holds %s, the call gave %s.', usage_id, kept, given),
				hint = 'Use a new request_id for a new request.';
	end if;
end
$$;
revoke all on function rewards.same_usage(bigint, text, text, text, text, integer, integer, text, text) from public;
comment on function rewards.same_usage(bigint, text, text, text, text, integer, integer, text, text) is
	'22023 when a repeated request differs from the recorded one';

create function rewards.track_usage(request_id text, user_id text, provider_id text, endpoint text, model text,
		status_code integer, input_tokens integer, output_tokens integer, latency_ms integer,
		character_id text default null, usage_type text default null, created_at timestamptz default now())
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	repeatable boolean := request_id is not null and coalesce(status_code, 200) between 200 and 299;
	usage_id bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(user_id, 'user_id');
	perform rewards.check_not_null(endpoint, 'endpoint');
	if repeatable then
		usage_id := rewards.find_request(request_id);
	end if;
	if usage_id is null then
		insert into rewards.usage_logs as u (request_id, user_id, provider_id, endpoint, model, status_code,
			input_tokens, output_tokens, latency_ms, character_id, usage_type, created_at)
		values (request_id, user_id, provider_id, endpoint, model, status_code,
			input_tokens, output_tokens, latency_ms, character_id, usage_type, created_at)
		on conflict do nothing returning u.id into usage_id;
		if usage_id is not null then
			return usage_id;
		end if;
		/* another session recorded it just now */
		usage_id := rewards.find_request(request_id);
	end if;
	perform rewards.same_usage(usage_id, user_id, provider_id, endpoint, model,
		input_tokens, output_tokens, character_id, usage_type);
	return usage_id;
end
$$;
revoke all on function rewards.track_usage(text, text, text, text, text, integer, integer, integer, integer, text, text, timestamptz) from public;
comment on function rewards.track_usage(text, text, text, text, text, integer, integer, integer, integer, text, text, timestamptz) is
	'records an event and returns its id; a repeated request_id returns the first row''s id, 22023 when its contents differ (K5, N9)';
/* Tokens of the application: a chat takes some, and the model's creator earns. */

create function rewards.set_token_cost(usage_type text, amount integer, valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_id(usage_type, 'usage_type');
	if amount < 1 then
		raise exception 'amount must be at least 1'
			using errcode = 'invalid_parameter_value', hint = 'Give a whole number of tokens, or NULL to end the rule.';
	end if;
	return rewards.set_rule('set_token_cost', 'token_cost', usage_type,
		case when amount is not null then jsonb_build_object('amount', amount) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_token_cost(text, integer, timestamptz, text) from public;
comment on function rewards.set_token_cost(text, integer, timestamptz, text) is
	'how many tokens deduct_token() takes for a type of usage when it is not told; NULL ends it: then 1 (C8)';

create function rewards.token_balance_after(entry bigint) returns numeric
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* whoever moves tokens locks the wallet before drawing a number, so numbers tell the order */
	select trim_scale(coalesce(sum(rewards.amount_of(k.distribution)), 0))
	from rewards.journal j join rewards.journal k on k.account = j.account and k.unit = j.unit and k.id <= j.id
	where j.id = token_balance_after.entry and k.unit >= 3
$$;
revoke all on function rewards.token_balance_after(bigint) from public;
comment on function rewards.token_balance_after(bigint) is 'the tokens that a user had after an entry of the journal';

create function rewards.first_answer(usage_id bigint, user_id text, amount integer, character_id text, usage_type text, model_id text)
	returns table (success boolean, message text, new_balance numeric)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	kept record;
	entry bigint;
begin
	select u.user_id, u.input_tokens, u.character_id, u.usage_type, u.model into kept from rewards.usage_logs u where u.id = usage_id;
	entry := (select j.id from rewards.journal j where j.reverses_source = 'usage_logs' and j.reverses_id = usage_id and j.event = 'deduct');
	perform rewards.refuse_other_contents(
		jsonb_build_object('user_id', first_answer.user_id, 'amount', coalesce(first_answer.amount, kept.input_tokens),
			'character_id', first_answer.character_id, 'usage_type', first_answer.usage_type,
			'model_id', coalesce(first_answer.model_id, kept.model), 'by', 'deduct_token'),
		jsonb_build_object('user_id', kept.user_id, 'amount', kept.input_tokens, 'character_id', kept.character_id,
			'usage_type', kept.usage_type, 'model_id', kept.model, 'by', case when entry is not null then 'deduct_token' else 'INSERT' end), 'request_id', usage_id);
	return query select true, 'tokens deducted'::text, rewards.token_balance_after(entry);
end
$$;
revoke all on function rewards.first_answer(bigint, text, integer, text, text, text) from public;
comment on function rewards.first_answer(bigint, text, integer, text, text, text) is 'what deduct_token() answered the first time; 22023 when it is called otherwise now';

create function rewards.record_chat(user_id text, amount integer, character_id text, request_id text, usage_type text, model_id text) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	usage_id bigint;
	fault text;
begin
	begin
		insert into rewards.usage_logs as u (request_id, user_id, endpoint, model, character_id, usage_type, input_tokens)
		values (record_chat.request_id, record_chat.user_id, '/chat', record_chat.model_id, record_chat.character_id, record_chat.usage_type, record_chat.amount)
		returning u.id into usage_id;
		return usage_id;
	exception
		/* what a call without a model would meet as well */
		when unique_violation or sqlstate 'RW007' or query_canceled or serialization_failure or deadlock_detected or lock_not_available then
			raise;
		when others then
			fault := sqlstate || ' ' || sqlerrm;
	end;
	/* the chat goes on; rerate() finds what its creator should have got */
	perform rewards.skip_earnings(true);
	insert into rewards.usage_logs as u (request_id, user_id, endpoint, model, character_id, usage_type, input_tokens)
	values (record_chat.request_id, record_chat.user_id, '/chat', record_chat.model_id, record_chat.character_id, record_chat.usage_type, record_chat.amount)
	returning u.id into usage_id;
	perform rewards.skip_earnings(false);
	insert into rewards.unrated_usage (usage_id, error) values (usage_id, fault);
	return usage_id;
end
$$;
revoke all on function rewards.record_chat(text, integer, text, text, text, text) from public;
comment on function rewards.record_chat(text, integer, text, text, text, text) is
	'records a chat with a character, without earnings when computing them fails; returns the row''s id';

create function rewards.deduct_token(user_id text, amount integer default null, character_id text default null, request_id text default null,
		usage_type text default 'chat', model_id text default null)
	returns table (success boolean, message text, new_balance numeric)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	usage_id bigint;
	cost integer := amount;
	left_over numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_id(user_id, 'user_id');
	if cost < 1 then
		raise exception 'amount must be at least 1'
			using errcode = 'invalid_parameter_value', hint = 'Give a whole number of tokens, or leave it out.';
	end if;
	if request_id is not null then
		perform rewards.check_id(request_id, 'request_id');
	end if;
	if character_id is not null then
		perform rewards.check_id(character_id, 'character_id');
	end if;
	if model_id is not null then
		perform rewards.check_id(model_id, 'model_id');
	end if;
	usage_type := coalesce(usage_type, 'chat');
	perform rewards.check_id(usage_type, 'usage_type');
	cost := coalesce(cost, (rewards.rule_value('token_cost', usage_type) ->> 'amount')::integer, 1);
	number := rewards.find_account('user', user_id);
	if number is null then
		return query select false, 'insufficient tokens'::text, 0::numeric;
		return;
	end if;
	left_over := rewards.available(number, 4::smallint, rewards.move_wallet(number, 4::smallint, 0));
	if request_id is not null then
		usage_id := rewards.find_request(request_id);
		if usage_id is not null then
			return query select * from rewards.first_answer(usage_id, user_id, amount, character_id, usage_type, model_id);
			return;
		end if;
	end if;
	if left_over < cost then
		return query select false, 'insufficient tokens'::text, trim_scale(left_over);
		return;
	end if;
	perform rewards.count_call('deduct_token', 'user:' || user_id);
	usage_id := rewards.record_chat(user_id, cost, character_id, request_id, usage_type, model_id);
	insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause, reverses_source, reverses_id)
	values (now(), 4, rewards.one_share(number, 'usage', 0, -cost), usage_type, rewards.caller()::text, 'deduct', number, usage_id::text,
		'usage_logs', usage_id);
	left_over := rewards.available(number, 4::smallint, rewards.move_wallet(number, 4::smallint, -cost, true));
	return query select true, 'tokens deducted'::text, trim_scale(left_over);
end
$$;
revoke all on function rewards.deduct_token(text, integer, text, text, text, text) from public;
comment on function rewards.deduct_token(text, integer, text, text, text, text) is
	'takes tokens from a user for a chat with a character or model, records it and credits the model''s owner, all at once; success is false and nothing changes when there are too few. amount NULL: what set_token_cost() says, else 1. A repeated request_id gets the first answer; RW011 above a limit (C8, E1-E5, K6)';
/*
 * Payouts: what was earned leaves the programme.  From request to end the amount is
 * held; a completed one is an entry of the journal.
 */

create function rewards.set_payout_rule(unit text, minimum numeric, auto boolean default false, methods text[] default null,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	method text;
begin
	perform rewards.require_installed();
	perform rewards.payout_unit(unit);
	perform rewards.check_amount(minimum, 'minimum');
	foreach method in array coalesce(methods, '{}') loop
		perform rewards.check_id(method, 'method');
	end loop;
	return rewards.set_rule('set_payout_rule', 'payout', unit,
		case when minimum is not null then jsonb_build_object('minimum', minimum, 'auto', coalesce(auto, false), 'methods', to_jsonb(methods)) end,
		valid_from, updated_by);
end
$$;
revoke all on function rewards.set_payout_rule(text, numeric, boolean, text[], timestamptz, text) from public;
comment on function rewards.set_payout_rule(text, numeric, boolean, text[], timestamptz, text) is
	'the least that is paid out of a unit, by which methods (NULL: any), and whether it is done by itself (auto) for accounts with a method as soon as they have that much; minimum NULL ends it (F2)';

create function rewards.payout_unit(unit text) returns smallint
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_not_null(unit, 'unit');
	if unit not in ('points', 'earnings') then
		raise exception '"%" cannot be paid out', unit
			using errcode = 'invalid_parameter_value', hint = 'Use points or earnings; credits are taken back by rewards.refund_credits().';
	end if;
	return case unit when 'points' then 1 else 2 end;
end
$$;
revoke all on function rewards.payout_unit(text) from public;
comment on function rewards.payout_unit(text) is 'number of a unit that can be paid out; 22023 for others';

create function rewards.set_payout_method(account text, method text, details jsonb, kind text default 'user', updated_by text default current_user)
	returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_id(method, 'method');
	perform rewards.check_not_null(updated_by, 'updated_by');
	number := (rewards.ensure_account(kind, account)).number;
	if details is null then
		delete from rewards.payout_method p where p.account = number and p.method = method;
	else
		insert into rewards.payout_method as p (account, method, details, updated_by) values (number, method, details, updated_by)
		on conflict on constraint payout_method_pkey do update
			set details = excluded.details, updated_at = clock_timestamp(), updated_by = excluded.updated_by;
		/* what is locked to pay is there from now on, so that nobody has to wait to find out who has it */
		insert into rewards.wallet (account, unit, balance) values (number, 1, 0), (number, 2, 0) on conflict do nothing;
	end if;
	/* the details are nobody else's business */
	perform rewards.log_call('set_payout_method', jsonb_build_object('account', account, 'kind', kind, 'method', method, 'removed', details is null),
		null, null, updated_by);
end
$$;
revoke all on function rewards.set_payout_method(text, text, jsonb, text, text) from public;
comment on function rewards.set_payout_method(text, text, jsonb, text, text) is
	'how an account can be paid, with what the payer needs to know; details NULL removes the method. The one set last is used when a payout names none (F2)';

create function rewards.payout_method_for(number bigint, method text, rule jsonb) returns text
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	allowed jsonb := nullif(rule -> 'methods', 'null');
	chosen text := method;
begin
	if chosen is null then
		select p.method into chosen from rewards.payout_method p
		where p.account = number and (allowed is null or allowed ? p.method) order by p.updated_at desc, p.method limit 1;
	elsif not exists (select from rewards.payout_method p where p.account = number and p.method = chosen) then
		raise exception 'the account has no payout method "%"', chosen
			using errcode = 'invalid_parameter_value', hint = 'Record it by rewards.set_payout_method().';
	end if;
	if allowed is not null and (chosen is null or not allowed ? chosen) then
		raise exception '% is no allowed payout method', coalesce('"' || chosen || '"', 'none')
			using errcode = 'invalid_parameter_value', hint = format('Methods are %s.', allowed);
	end if;
	return chosen;
end
$$;
revoke all on function rewards.payout_method_for(bigint, text, jsonb) from public;
comment on function rewards.payout_method_for(bigint, text, jsonb) is 'the method of a payout: the one named, else the account''s last that the rule allows, else none; 22023';

create function rewards.refuse_payout(unit text, needed numeric, available numeric) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	raise exception 'insufficient balance of %', unit
		using errcode = 'RW010', detail = format('The payout needs %s, available are %s.', trim_scale(needed), trim_scale(available)),
			hint = 'rewards.balance() shows what is held, paid out and available.';
end
$$;
revoke all on function rewards.refuse_payout(text, numeric, numeric) from public;
comment on function rewards.refuse_payout(text, numeric, numeric) is 'RW010';

create function rewards.make_payout(number bigint, amount numeric, unit text, method text, reference text, rule jsonb,
		automatic boolean, actor text) returns bigint
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	insert into rewards.payout as p (account, unit, amount, method, details, reference, automatic, requested_by, requested_at, status, approved_at, approved_by)
	select number, rewards.payout_unit(unit), amount, method,
		(select m.details from rewards.payout_method m where m.account = number and m.method = make_payout.method),
		reference, automatic, actor, r.at,
		case when r.by_rule then 'approved' else 'requested' end, case when r.by_rule then r.at end, case when r.by_rule then 'payout rule' end
	from (select coalesce((rule ->> 'auto')::boolean, false) as by_rule, clock_timestamp() as at) r
	on conflict do nothing returning p.id
$$;
revoke all on function rewards.make_payout(bigint, numeric, text, text, text, jsonb, boolean, text) from public;
comment on function rewards.make_payout(bigint, numeric, text, text, text, jsonb, boolean, text) is
	'records a payout, approved at once where the rule is to pay by itself; NULL when the reference has been used';

create function rewards.request_payout(account text, kind text, amount numeric, unit text default 'earnings', method text default null,
		reference text default null)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	of_unit smallint;
	rule jsonb;
	available numeric;
	payout bigint;
	first record;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_positive(amount, 'amount');
	of_unit := rewards.payout_unit(unit);
	if method is not null then
		perform rewards.check_id(method, 'method');
	end if;
	if reference is not null then
		perform rewards.check_id(reference, 'reference');
	end if;
	number := (rewards.ensure_account(kind, account)).number;
	perform rewards.refuse_suspended(number);
	/* one after the other for each account */
	perform rewards.lock_wallet(number, of_unit);
	select p.id, a.name, a.kind, p.amount, p.unit into first
	from rewards.payout p join rewards.account a on a.id = p.account where p.reference = reference;
	if found then
		perform rewards.refuse_other_contents(
			jsonb_build_object('account', account, 'kind', kind, 'amount', trim_scale(amount), 'unit', unit),
			jsonb_build_object('account', first.name, 'kind', first.kind, 'amount', trim_scale(first.amount), 'unit', rewards.unit_name(first.unit)),
			'reference', first.id);
		return first.id;
	end if;
	rule := rewards.rule_value('payout', unit);
	if amount < (rule ->> 'minimum')::numeric then
		raise exception 'a payout of % is at least %', unit, trim_scale((rule ->> 'minimum')::numeric)
			using errcode = 'invalid_parameter_value', hint = 'Ask for it when there is more.';
	end if;
	method := rewards.payout_method_for(number, method, rule);
	available := (select b.available from rewards.balance(account, kind, unit) b);
	if available < amount then
		perform rewards.refuse_payout(unit, amount, available);
	end if;
	perform rewards.count_call('request_payout', kind || ':' || account, kind);
	payout := rewards.make_payout(number, amount, unit, method, reference, rule, false, rewards.caller()::text);
	if payout is null then
		raise exception 'the reference has been used for another account just now'
			using errcode = 'unique_violation', hint = 'Use a new reference for a new payout.';
	end if;
	return payout;
end
$$;
revoke all on function rewards.request_payout(text, text, numeric, text, text, text) from public;
comment on function rewards.request_payout(text, text, numeric, text, text, text) is
	'asks for points or earnings to be paid out; they are held until it is completed or fails. RW010 when they are not available, RW008 for a suspended or banned account, RW011 above a limit, 22023 below the minimum or for a method that is not the account''s. The same reference asks once. Returns the payout''s id (F2)';

create function rewards.lock_payout(id bigint, wanted text[]) returns record
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	payout record;
begin
	perform rewards.check_not_null(id, 'id');
	select p.*, a.name, a.kind into payout from rewards.payout p join rewards.account a on a.id = p.account where p.id = id for update of p;
	if not found then
		raise exception 'there is no payout %', id
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.payouts lists them.';
	elsif payout.status <> all (wanted) then
		raise exception 'payout % is %', id, payout.status
			using errcode = 'object_not_in_prerequisite_state', hint = format('It must be %s.', array_to_string(wanted, ' or '));
	end if;
	return payout;
end
$$;
revoke all on function rewards.lock_payout(bigint, text[]) from public;
comment on function rewards.lock_payout(bigint, text[]) is 'a payout, locked, in one of these states: 22023 for none, 55000 for another';

create function rewards.log_payout(call text, payout bigint, arguments jsonb, before text, after text, actor text) returns void
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select rewards.log_call(call, jsonb_build_object('id', payout) || arguments, to_jsonb(before), to_jsonb(after), actor) $$;
revoke all on function rewards.log_payout(text, bigint, jsonb, text, text, text) from public;
comment on function rewards.log_payout(text, bigint, jsonb, text, text, text) is 'records a step of a payout';

create function rewards.approve_payout(id bigint, updated_by text default current_user) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	payout record;
	available numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(updated_by, 'updated_by');
	payout := rewards.lock_payout(id, '{requested}');
	perform rewards.refuse_suspended(payout.account);
	/* what it holds may have been taken back since */
	available := (select b.available from rewards.balance(payout.name, payout.kind, rewards.unit_name(payout.unit)) b);
	if available < 0 then
		perform rewards.refuse_payout(rewards.unit_name(payout.unit), payout.amount, available + payout.amount);
	end if;
	update rewards.payout p set status = 'approved', approved_at = clock_timestamp(), approved_by = updated_by where p.id = id;
	perform rewards.log_payout('approve_payout', id, '{}', payout.status, 'approved', updated_by);
end
$$;
revoke all on function rewards.approve_payout(bigint, text) from public;
comment on function rewards.approve_payout(bigint, text) is 'lets a requested payout go on; RW010 when what it holds has been taken back since, RW008 when the account is suspended or banned by now, 55000 when it is not requested';

create function rewards.complete_payout(id bigint, reference text, updated_by text default current_user) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	payout record;
begin
	perform rewards.require_installed();
	perform rewards.check_id(reference, 'reference');
	perform rewards.check_not_null(updated_by, 'updated_by');
	payout := rewards.lock_payout(id, '{approved}');
	insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause)
	values (now(), payout.unit, rewards.one_share(payout.account, 'payout', 0, -payout.amount), coalesce(payout.method, 'payout'), updated_by,
		'payout', payout.account, id::text);
	update rewards.payout p set status = 'completed', ended_at = clock_timestamp(), ended_by = updated_by, transfer = reference where p.id = id;
	perform rewards.notify(array[payout.account], 'payout_done', array[id::text],
		array[jsonb_build_object('payout', id, 'amount', trim_scale(payout.amount), 'unit', rewards.unit_name(payout.unit), 'transfer', reference)]);
	perform rewards.log_payout('complete_payout', id, jsonb_build_object('reference', reference), payout.status, 'completed', updated_by);
end
$$;
revoke all on function rewards.complete_payout(bigint, text, text) from public;
comment on function rewards.complete_payout(bigint, text, text) is
	'says that an approved payout has been made, by which transfer: what was held is paid out. 55000 when it is not approved, so nothing is paid twice';

create function rewards.fail_payout(id bigint, reason text, updated_by text default current_user) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	payout record;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(reason, 'reason');
	perform rewards.check_not_null(updated_by, 'updated_by');
	payout := rewards.lock_payout(id, '{requested,approved}');
	update rewards.payout p set status = 'failed', ended_at = clock_timestamp(), ended_by = updated_by, reason = reason where p.id = id;
	perform rewards.log_payout('fail_payout', id, jsonb_build_object('reason', reason), payout.status, 'failed', updated_by);
end
$$;
revoke all on function rewards.fail_payout(bigint, text, text) from public;
comment on function rewards.fail_payout(bigint, text, text) is 'ends a payout that is refused or could not be made: what it held is available again; 55000 when it has ended already';

create function rewards.make_due_payouts() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	candidate record;
	available numeric;
	chosen text;
	made bigint := 0;
begin
	for candidate in
		/* who can have that much, by the totals and the tail read once: balance() reads the tail for each */
		with tail as materialized (
			select t.account_number as account, t.unit, sum(t.amount) as amount
			from rewards.tail_totals('month') t where t.unit < 3 and t.account_number is not null
			group by t.account_number, t.unit
		)
		select distinct a.id, a.name, a.kind, u.name as unit, u.number, r.rule
		from rewards.payout_method m
		join rewards.account a on a.id = m.account
		join rewards.unit u on u.name in ('points', 'earnings')
		cross join lateral (select rewards.rule_value('payout', u.name) as rule offset 0) r
		cross join lateral (
			select coalesce((select sum(t.amount) from rewards.month_total t where t.account = a.id and t.unit = u.number), 0)
				+ coalesce((select t.amount from tail t where t.account = a.id and t.unit = u.number), 0)
				- coalesce((
					select sum(p.amount) from rewards.payout p
					where p.account = a.id and p.unit = u.number and p.status in ('requested', 'approved')), 0) as amount
		) most
		where most.amount > 0 and most.amount >= (r.rule ->> 'minimum')::numeric and (r.rule ->> 'auto')::boolean and (jsonb_typeof(r.rule -> 'methods') <> 'array' or r.rule -> 'methods' ? m.method)
			/* one that has failed is not tried again before somebody has looked at the method */
			and not exists (
				select from rewards.payout f
				where f.account = a.id and f.unit = u.number and f.automatic and f.status = 'failed' and f.ended_at > (
					select max(n.updated_at) from rewards.payout_method n where n.account = a.id))
		order by a.id, u.number
	loop
		continue when rewards.is_suspended(candidate.id);
		/* whoever is asking for a payout just now is not waited for: it comes next time */
		perform from rewards.wallet w where w.account = candidate.id and w.unit = candidate.number for update skip locked;
		continue when not found and exists (
			select from rewards.wallet w where w.account = candidate.id and w.unit = candidate.number);
		/* now that nobody else pays this account */
		perform rewards.lock_wallet(candidate.id, candidate.number);
		available := (select b.available from rewards.balance(candidate.name, candidate.kind, candidate.unit) b);
		continue when available <= 0 or available < (candidate.rule ->> 'minimum')::numeric;
		chosen := rewards.payout_method_for(candidate.id, null, candidate.rule);
		perform rewards.make_payout(candidate.id, available, candidate.unit, chosen, null, candidate.rule, true, rewards.caller()::text);
		made := made + 1;
	end loop;
	return made;
end
$$;
revoke all on function rewards.make_due_payouts() from public;
comment on function rewards.make_due_payouts() is
	'makes payouts where a rule says that they are made by themselves, for an account whose last one failed only after its method was set anew; returns how many. maintain() calls it';
/* What applications read by call.  All STABLE, under the caller's snapshot; unknown accounts are zeros. */

create function rewards.account_lines(account text, kind text, grain text, since date default '-infinity')
	returns table (period date, unit smallint, entry smallint, level smallint, amount numeric, events bigint, tokens bigint)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint := (select a.id from rewards.account a where a.name = account and a.kind = kind);
begin
	if grain = 'day' then
		return query select t.day, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
			from rewards.day_total t where t.account = number and t.day >= since;
	else
		return query select t.month, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
			from rewards.month_total t where t.account = number and t.month >= since;
	end if;
	return query select t.period, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
		from rewards.tail_totals(grain, kind, account) t where t.period >= since;
end
$$;
revoke all on function rewards.account_lines(text, text, text, date) from public;
comment on function rewards.account_lines(text, text, text, date) is 'one account''s totals, folded and not, by day or month, from a day on';

create function rewards.earning_history(account text, kind text default 'user', days integer default 30)
	returns table (day date, own numeric, referral numeric, bonus numeric, total numeric)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	last date;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_not_null(days, 'days');
	if days not between 1 and 36600 then
		raise exception 'days must be between 1 and 36600'
			using errcode = 'invalid_parameter_value', hint = 'It counts back from today, today included.';
	end if;
	last := rewards.today();
	return query
	select d.day,
		trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) in (1, 2)), 0)),
		trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 3), 0)),
		trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) between 5 and 11), 0)),
		trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) < 12), 0))
	from (select last - n as day from generate_series(days - 1, 0, -1) n) d
	left join rewards.account_lines(earning_history.account, earning_history.kind, 'day', last - days + 1) l
		on l.period = d.day and l.unit = 1
	group by d.day order by d.day;
end
$$;
revoke all on function rewards.earning_history(text, text, integer) from public;
comment on function rewards.earning_history(text, text, integer) is
	'points of the last days, one row a day, today last; days without any are zeros (N4)';

create function rewards.account_summary(account text, kind text, month date)
	returns table (own_points numeric, referral_points numeric, bonus_points numeric, total_points numeric,
		creator_earnings numeric, requests bigint, tokens bigint, today_points numeric, lifetime_points numeric,
		referrer text, referees bigint, code text, joined_at timestamptz, last_active_at timestamptz)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	first date := rewards.month_argument(account_summary.month);
	owner record;
	recent record;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	perform rewards.check_kind(kind);
	select t.* into recent from rewards.tail_account(account_summary.kind, account_summary.account) t;
	select a.* into owner from rewards.account a
	where a.name = account_summary.account and a.kind = account_summary.kind;
	return query
	select trim_scale(coalesce(sum(l.amount) filter (where chosen and l.unit = 1 and abs(l.entry) in (1, 2)), 0)),
		trim_scale(coalesce(sum(l.amount) filter (where chosen and l.unit = 1 and abs(l.entry) = 3), 0)),
		trim_scale(coalesce(sum(l.amount) filter (where chosen and l.unit = 1 and abs(l.entry) between 5 and 11), 0)),
		trim_scale(coalesce(sum(l.amount) filter (where chosen and l.unit = 1 and abs(l.entry) < 12), 0)),
		trim_scale(coalesce(sum(l.amount) filter (where chosen and l.unit = 2 and abs(l.entry) < 12), 0)),
		coalesce(sum(l.events) filter (where chosen and l.unit = 1 and abs(l.entry) in (1, 2)), 0)::bigint,
		coalesce(sum(l.tokens) filter (where chosen and l.unit = 1 and abs(l.entry) in (1, 2)), 0)::bigint,
		(select trim_scale(coalesce(sum(d.amount), 0))
			from rewards.account_lines(account_summary.account, account_summary.kind, 'day', rewards.today()) d
			where d.unit = 1 and abs(d.entry) < 12 and d.period = rewards.today()),
		trim_scale(coalesce(sum(l.amount) filter (where l.unit = 1 and abs(l.entry) < 12), 0)),
		(select r.name from rewards.account r where r.id = owner.referrer),
		(select count(*) from rewards.account r where r.referrer = owner.id),
		rewards.current_code(owner.id),
		coalesce(owner.joined_at, recent.named_at),
		nullif(greatest((select v.last_at from rewards.activity v where v.account = owner.id), recent.last_at), '-infinity')
	from rewards.account_lines(account_summary.account, account_summary.kind, 'month') l
	cross join lateral (select first is null or l.period = first) c(chosen);
end
$$;
revoke all on function rewards.account_summary(text, text, date) from public;
comment on function rewards.account_summary(text, text, date) is
	'one row with what a dashboard shows of an account, for the month of a date, NULL for all time (N1, N3)';

create function rewards.account_summary(account text, kind text default 'user', month text default null)
	returns table (own_points numeric, referral_points numeric, bonus_points numeric, total_points numeric,
		creator_earnings numeric, requests bigint, tokens bigint, today_points numeric, lifetime_points numeric,
		referrer text, referees bigint, code text, joined_at timestamptz, last_active_at timestamptz)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	return query select * from rewards.account_summary(account_summary.account, account_summary.kind,
		rewards.month_argument(account_summary.month));
end
$$;
revoke all on function rewards.account_summary(text, text, text) from public;
comment on function rewards.account_summary(text, text, text) is 'the same for a month: NULL the current one, ''2025-01'', ''all'' all time';

create function rewards.held_part(number bigint, unit smallint) returns numeric
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select case when held_part.unit = 3 then rewards.open_holds(number, now()) else
		coalesce((
			select sum(s.amount)
			from rewards.journal j cross join lateral rewards.shares(j.distribution) s
			where j.account = number and j.held_until > now() and j.unit = held_part.unit and s.account_number = number
				and not exists (
					select from rewards.journal r
					where r.event = 'reversal' and r.account = number and r.cause = 'journal ' || j.id)
				and not rewards.is_revoked(number, s.entry, j.created_at, j.id)), 0)
		+ coalesce((
			select sum(p.amount) from rewards.payout p
			where p.account = number and p.unit = held_part.unit and p.status in ('requested', 'approved')), 0) end
$$;
revoke all on function rewards.held_part(bigint, smallint) from public;
comment on function rewards.held_part(bigint, smallint) is
	'what an account has and cannot dispose of: bonuses in their hold and open payouts, or credits held for requests';

create function rewards.balance(account text, kind text default 'user', unit text default 'points')
	returns table (earned numeric, reversed numeric, paid_out numeric, held numeric, staked numeric, available numeric)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	number bigint;
	of_unit smallint;
	held_back numeric;
	due numeric := 0;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_not_null(unit, 'unit');
	of_unit := (select u.number from rewards.unit u where u.name = balance.unit);
	if of_unit is null then
		raise exception 'there are no balances in unit "%"', unit
			using errcode = 'invalid_parameter_value', hint = 'Use points, earnings, credits, tokens or another currency that was added.';
	end if;
	number := (select a.id from rewards.account a where a.name = balance.account and a.kind = balance.kind);
	held_back := coalesce(rewards.held_part(number, of_unit), 0);
	if of_unit >= 3 and number is not null then
		due := rewards.wallet_expired(number, of_unit);
	end if;
	return query
	select trim_scale(t.given - due), trim_scale(t.reversed), trim_scale(t.paid_out), trim_scale(held_back), trim_scale(t.staked),
		trim_scale(t.given - due - t.reversed - t.paid_out - held_back - t.staked)
	from (
		select coalesce(sum(l.amount) filter (where not r.reversed and l.entry not in (12, 13)), 0) as given,
			-coalesce(sum(l.amount) filter (where r.reversed), 0) as reversed,
			-coalesce(sum(l.amount) filter (where l.entry = 12), 0) as paid_out,
			-coalesce(sum(l.amount) filter (where l.entry = 13), 0) as staked
		from rewards.account_lines(balance.account, balance.kind, 'month') l
		/* of what was added to a wallet; usage taken back is spent no more */
		cross join lateral (select case when of_unit >= 3 then l.entry = -14 else l.entry < 0 end) r(reversed)
		where l.unit = of_unit
	) t;
end
$$;
revoke all on function rewards.balance(text, text, text) from public;
comment on function rewards.balance(text, text, text) is
	'what an account has earned in a unit (of credits and tokens: added less spent and expired), what of it was taken back, paid out or staked, what is held, and what it can dispose of';

create function rewards.statement(account text, kind text default 'user', since date default null, until date default null)
	returns table (day date, unit text, entry text, level integer, events bigint, amount numeric, balance numeric)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	perform rewards.check_kind(kind);
	return query
	with line as (
		select l.period, l.unit, l.entry, l.level, sum(l.events)::bigint as events, trim_scale(sum(l.amount)) as amount
		from rewards.account_lines(statement.account, statement.kind, 'day') l
		group by l.period, l.unit, l.entry, l.level
	), running as (
		select l.*, trim_scale(sum(l.amount) over (partition by l.unit order by l.period, l.amount < 0, l.entry, l.level)) as balance
		from line l
	)
	select r.period, rewards.unit_name(r.unit), rewards.entry_name(r.entry), r.level::integer, r.events, r.amount, r.balance
	from running r
	where (statement.since is null or r.period >= statement.since)
		and (statement.until is null or r.period < statement.until)
	order by r.unit, r.period, r.amount < 0, r.entry, r.level;
end
$$;
revoke all on function rewards.statement(text, text, date, date) from public;
comment on function rewards.statement(text, text, date, date) is
	'an account''s entries by programme day, kind of movement and level, of each day first what came in, with the running balance of each unit; since inclusive, until exclusive';

create function rewards.shares_of(usage_id bigint)
	returns table (kind text, account text, entry text, level integer, amount numeric)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(usage_id, 'usage_id');
	return query
	select coalesce(a.kind, case s.entry when 'work' then 'provider' else 'user' end),
		coalesce(a.name, case s.entry when 'work' then u.provider_id else u.user_id end), s.entry, s.level, s.amount
	from rewards.usage_logs u
	cross join lateral rewards.shares(u.distribution) with ordinality s(account_number, entry, level, amount, place)
	left join rewards.account a on a.id = s.account_number
	where u.id = shares_of.usage_id
	order by s.place;
end
$$;
revoke all on function rewards.shares_of(bigint) from public;
comment on function rewards.shares_of(bigint) is 'who got what from one usage row';

create function rewards.explain_reward(usage_id bigint)
	returns table (kind text, account text, entry text, level integer, amount numeric, rule text,
		base numeric, rate numeric, multiplier numeric, note text)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(usage_id, 'usage_id');
	if exists (select from rewards.unrated_usage n where n.usage_id = explain_reward.usage_id) then
		return query select null::text, null::text, 'creator'::text, 0, 0::numeric, null::text, null::numeric, null::numeric, null::numeric,
			'computing it failed then: ' || n.error
		from rewards.unrated_usage n where n.usage_id = explain_reward.usage_id;
	end if;
	return query
	select coalesce(a.kind, own.kind), coalesce(a.name, own.name), e.entry, e.level, e.amount, e.rule, e.base, e.rate, trim_scale(e.multiplier), e.note
	from rewards.usage_logs u
	cross join lateral rewards.explain_shares(case when u.id not in (select n.usage_id from rewards.unrated_usage n) then u.id end) e
	left join rewards.account a on a.id = e.account_number
	left join lateral (values ('work', 'provider', u.provider_id), ('usage', 'user', u.user_id), ('cost', 'user', u.user_id)) own(entry, kind, name)
		on own.entry = e.entry and own.name is not null
	where u.id = explain_reward.usage_id
	union all
	select a.kind, a.name, s.entry, s.level, s.amount,
		case j.event when 'rerate' then 'correction of ' || split_part(j.cause, ' ', 2) else 'reversal' end, null, null, null, j.reason
	from rewards.journal j
	cross join lateral rewards.shares(j.distribution) s
	join rewards.account a on a.id = s.account_number
	where j.reverses_source = 'usage_logs' and j.reverses_id = explain_reward.usage_id and j.event in ('rerate', 'reversal') and j.unit < 3;
end
$$;
revoke all on function rewards.explain_reward(bigint) from public;
comment on function rewards.explain_reward(bigint) is
	'each share of a usage row with its rule, base, rate and multiplier, and in note why a share is not there; then what rerate() has added to it or reverse_usage() has taken back, and why';

create function rewards.model_earnings(user_id text) returns jsonb
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	result jsonb;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(user_id, 'user_id');
	with mine as (
		select m.model_id from rewards.user_models m where m.user_id = model_earnings.user_id
		union
		select e.model_id from rewards.model_creator_earnings e where e.creator_id = model_earnings.user_id
	), line as (
		select i.model_id, m.name, m.category, c.name as character_name, c.image, m.created_at,
			coalesce(e.total_usage_count, 0) as usage_count, coalesce(e.total_tokens_consumed, 0) as tokens,
			coalesce(e.total_earnings, 0) as earnings, e.last_usage_at, e.updated_at
		from mine i
		left join rewards.model m on m.id = i.model_id
		left join rewards.character c on c.id = m.character_id
		left join rewards.model_creator_earnings e on e.model_id = i.model_id and e.creator_id = model_earnings.user_id
	)
	select jsonb_build_object('success', true,
		'totalTokens', coalesce(sum(l.tokens), 0),
		'totalEarnings', trim_scale(coalesce(sum(l.earnings), 0)),
		'modelsCount', count(*) filter (where l.usage_count > 0),
		'models', coalesce(jsonb_agg(jsonb_build_object(
			'modelId', l.model_id, 'modelName', l.name, 'modelCategory', l.category,
			'characterName', l.character_name, 'characterImage', l.image,
			'totalUsageCount', l.usage_count, 'totalTokensConsumed', l.tokens, 'totalEarnings', l.earnings,
			'lastUsageAt', l.last_usage_at, 'createdAt', l.created_at, 'updatedAt', greatest(l.updated_at, l.created_at))
			order by l.earnings desc, l.model_id), '[]'))
	into result from line l;
	return result;
end
$$;
revoke all on function rewards.model_earnings(text) from public;
comment on function rewards.model_earnings(text) is
	'a creator''s models with their earnings as JSON, best first; zeros and an empty list for who has none (E7, E8, K6)';
/*
 * The leaderboards by call.  All STABLE, exact under the caller's snapshot.
 * More points first, equal points by account; ranks leave gaps after ties; who
 * has nothing above zero has no rank.
 */

create type rewards.board_place as (rank bigint, kind text, account text, points numeric);
comment on type rewards.board_place is 'a line of a leaderboard';

create function rewards.board_name(number smallint) returns text
	language sql immutable strict parallel safe
	as $$ select ('{provider,user,creator,referrer}'::text[])[number] $$;
revoke all on function rewards.board_name(smallint) from public;
comment on function rewards.board_name(smallint) is 'name of a board, by its number in rewards.score';

create function rewards.board_number(board text) returns smallint
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
declare
	number integer := array_position(array['provider', 'user', 'creator', 'referrer'], board);
begin
	perform rewards.check_not_null(board, 'board');
	if number is null then
		raise exception 'there is no board "%"', board
			using errcode = 'invalid_parameter_value', hint = 'Boards are provider, user, creator and referrer.';
	end if;
	return number;
end
$$;
revoke all on function rewards.board_number(text) from public;
comment on function rewards.board_number(text) is 'a board''s number in rewards.score; 22004 or 22023 for what is no board';

create function rewards.board_kind(board text, kind text) returns text
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select coalesce(kind, case board when 'provider' then 'provider' else 'user' end) $$;
revoke all on function rewards.board_kind(text, text) from public;
comment on function rewards.board_kind(text, text) is 'the kind of account that is meant on a board';

create function rewards.board_top(board smallint, month date, n integer)
	returns setof rewards.board_place
	language c stable parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.board_top(smallint, date, integer) from public;
comment on function rewards.board_top(smallint, date, integer) is 'the first n of a board; month NULL is all time';

create function rewards.board_rank(board smallint, month date, kind text, account text, out rank bigint, out points numeric, out "of" bigint)
	language c stable parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.board_rank(smallint, date, text, text) from public;
comment on function rewards.board_rank(smallint, date, text, text) is 'an account''s place on a board; month NULL is all time';

create function rewards.board_around(board smallint, month date, kind text, account text, n integer)
	returns setof rewards.board_place
	language c stable parallel unsafe as 'MODULE_PATHNAME';
revoke all on function rewards.board_around(smallint, date, text, text, integer) from public;
comment on function rewards.board_around(smallint, date, text, text, integer) is
	'an account and n others on either side of it; month NULL is all time';

create function rewards.leaderboard_top(board text, month date, n integer default 100)
	returns setof rewards.board_place
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	number smallint;
begin
	perform rewards.require_installed();
	number := rewards.board_number(board);
	perform rewards.check_not_null(n, 'n');
	if n not between 0 and 1000000 then
		raise exception 'n must be between 0 and 1000000'
			using errcode = 'invalid_parameter_value', hint = 'It is how many accounts are listed.';
	end if;
	return query select * from rewards.board_top(number, rewards.month_argument(month), n);
end
$$;
revoke all on function rewards.leaderboard_top(text, date, integer) from public;
comment on function rewards.leaderboard_top(text, date, integer) is
	'the first n accounts of a board (provider, user, creator, referrer) in the month of a date, NULL for all time; ties are cut by account (N1, N2)';

create function rewards.leaderboard_top(board text, month text default null, n integer default 100)
	returns setof rewards.board_place
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	return query select * from rewards.leaderboard_top(board, rewards.month_argument(month), n);
end
$$;
revoke all on function rewards.leaderboard_top(text, text, integer) from public;
comment on function rewards.leaderboard_top(text, text, integer) is 'the same for a month: NULL the current one, ''2025-01'', ''all'' all time';

create function rewards.leaderboard_rank(account text, board text, month date, kind text default null,
	out rank bigint, out points numeric, out "of" bigint)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	number smallint;
	own_kind text := rewards.board_kind(board, kind);
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	number := rewards.board_number(board);
	perform rewards.check_kind(own_kind);
	select r.rank, r.points, r."of" into rank, points, "of"
	from rewards.board_rank(number, rewards.month_argument(month), own_kind, account) r;
end
$$;
revoke all on function rewards.leaderboard_rank(text, text, date, text) from public;
comment on function rewards.leaderboard_rank(text, text, date, text) is
	'rank and points of an account on a board in the month of a date, NULL for all time, and of how many; rank NULL for who has nothing above zero. kind NULL is the board''s own, user for referrers (N1, N2)';

create function rewards.leaderboard_rank(account text, board text, month text default null, kind text default null,
	out rank bigint, out points numeric, out "of" bigint)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	select r.rank, r.points, r."of" into rank, points, "of"
	from rewards.leaderboard_rank(account, board, rewards.month_argument(month), kind) r;
end
$$;
revoke all on function rewards.leaderboard_rank(text, text, text, text) from public;
comment on function rewards.leaderboard_rank(text, text, text, text) is 'the same for a month: NULL the current one, ''2025-01'', ''all'' all time';

create function rewards.leaderboard_around(account text, board text, month date, n integer default 5, kind text default null)
	returns setof rewards.board_place
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	number smallint;
	own_kind text := rewards.board_kind(board, kind);
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(account, 'account');
	number := rewards.board_number(board);
	perform rewards.check_kind(own_kind);
	perform rewards.check_not_null(n, 'n');
	if n not between 0 and 100000 then
		raise exception 'n must be between 0 and 100000'
			using errcode = 'invalid_parameter_value', hint = 'It is how many accounts are listed on either side.';
	end if;
	return query select * from rewards.board_around(number, rewards.month_argument(month), own_kind, account, n);
end
$$;
revoke all on function rewards.leaderboard_around(text, text, date, integer, text) from public;
comment on function rewards.leaderboard_around(text, text, date, integer, text) is
	'an account on a board in the month of a date, NULL for all time, with n neighbours on either side; no row for who has no rank (N1, N2)';

create function rewards.leaderboard_around(account text, board text, month text default null, n integer default 5, kind text default null)
	returns setof rewards.board_place
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	return query select * from rewards.leaderboard_around(account, board, rewards.month_argument(month), n, kind);
end
$$;
revoke all on function rewards.leaderboard_around(text, text, text, integer, text) from public;
comment on function rewards.leaderboard_around(text, text, text, integer, text) is 'the same for a month: NULL the current one, ''2025-01'', ''all'' all time';
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

/* ---- verify ---- */

create function rewards.verify_network() returns table (part text, subject text, expected text, found text, detail text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* no deeper than is counted: chains in a circle end there, too */
	with recursive edge as materialized (
		select a.id as referee, a.referrer
		from rewards.account a, rewards.cursor c
		where a.referrer is not null and a.seen_from <= c.last
			and (cardinality(c.open_first) = 0 or rewards.is_folded(a.seen_from, c.last, c.open_first, c.open_last))
	), walk(ancestor, level) as (
		select e.referrer, 1 from edge e
		union all
		select e.referrer, w.level + 1 from walk w join edge e on e.referee = w.ancestor where w.level < 32
	), counted as (
		select w.ancestor as account, w.level, count(*) as accounts from walk w group by 1, 2
	)
	select 'network', concat_ws(' ', a.kind, '"' || a.name || '"'), e.accounts::text, n.accounts::text,
		format('level %s of the network differs from the edges', coalesce(e.level, n.level))
	from counted e
	full join rewards.network n on n.account = e.account and n.level = e.level
	left join rewards.account a on a.id = coalesce(e.account, n.account)
	where e.accounts is distinct from n.accounts
$$;
revoke all on function rewards.verify_network() from public;
comment on function rewards.verify_network() is 'sizes of networks that are not what the folded edges give, computed in plain SQL';
/* What an inviter's page shows: how far the referrals came, what they are worth, what is to come. */

create function rewards.referral_stages(number bigint)
	returns table (email text, created_at timestamptz, stage integer, onboarded boolean, active boolean, retained boolean, value numeric)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select r.email, r.created_at, 0, false, false, false, 0 from rewards.referral r where r.inviter = number and r.referee is null
	union all
	select coalesce(a.email, a.name), a.referred_at, case when d.onboarded then 2 else 1 end, d.onboarded, d.active, d.retained,
		/* points, creator earnings and cost of the referee */
		coalesce((select sum(case t.unit when 3 then -t.amount else t.amount end) from rewards.month_total t
			where t.account = a.id and (t.unit = 1 and abs(t.entry) < 12 or t.unit = 2 and abs(t.entry) = 4 or t.unit = 3 and abs(t.entry) = 2)), 0)
	from rewards.account a
	left join rewards.activity v on v.account = a.id
	cross join lateral (
		select coalesce(least(a.onboarded_at, v.onboarded_at) <= now(), false) as onboarded,
			v.requests > 0 and rewards.is_active(a.id, rewards.setting('active_days')::integer) is true as active,
			coalesce(v.last_at - interval '30 days' >= a.referred_at, false) as retained) d
	where a.referrer = number
$$;
revoke all on function rewards.referral_stages(bigint) from public;
comment on function rewards.referral_stages(bigint) is
	'each referral of an inviter and how far it came, as far as posted: stage 0 sent, 1 joined, 2 onboarded; active on active_days days; retained: a request 30 days or more after joining; value: points, creator earnings and cost of the referee (N5)';

create function rewards.referral_metrics(number bigint) returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select jsonb_build_object(
		'sent', count(*), 'joined', count(*) filter (where s.stage >= 1), 'onboarded', count(*) filter (where s.stage >= 2 or s.onboarded),
		'active', count(*) filter (where s.active), 'retained', count(*) filter (where s.retained),
		'conversion_rate', trim_scale(round(count(*) filter (where s.stage >= 1)::numeric / nullif(count(*), 0), 9)),
		'activation_rate', trim_scale(round(count(*) filter (where s.active)::numeric / nullif(count(*) filter (where s.stage >= 1), 0), 9)),
		'retention_rate', trim_scale(round(count(*) filter (where s.retained)::numeric / nullif(count(*) filter (where s.stage >= 1), 0), 9)),
		'total_value', trim_scale(coalesce(sum(s.value), 0)))
	from rewards.referral_stages(number) s
$$;
revoke all on function rewards.referral_metrics(bigint) from public;
comment on function rewards.referral_metrics(bigint) is 'an inviter''s referrals by how far they came, the rates and the total value (N5)';

create function rewards.referral_projection(number bigint) returns jsonb
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	joined bigint := rewards.joined_referees(number);
	recent bigint := (select count(*) from rewards.account a where a.referrer = number and a.referred_at > now() - interval '90 days');
	points numeric := (
		select coalesce(sum(l.amount), 0) from rewards.account a
		cross join lateral rewards.account_lines(a.name, a.kind, 'day', rewards.today() - 29) l
		where a.id = number and l.unit = 1 and abs(l.entry) = 3);
	next record;
begin
	select m.referrals, m.reward into next from rewards.milestones() m where m.referrals > joined limit 1;
	return jsonb_build_object(
		'referrals_a_month', trim_scale(round(recent / 3.0, 2)),
		'referral_points_next_30_days', trim_scale(round(points, 9)),
		'next_milestone', case when next.referrals is not null then jsonb_build_object('referrals', next.referrals, 'missing', next.referrals - joined,
			'reward', next.reward, 'expected_at', case when recent > 0 then
				to_char((rewards.today() + ceil((next.referrals - joined) * 90.0 / recent)::integer), 'YYYY-MM-DD') end) end);
end
$$;
revoke all on function rewards.referral_projection(bigint) from public;
comment on function rewards.referral_projection(bigint) is
	'what is to come if all goes on: referrals as in the last 90 days, referral points as in the last 30, the next milestone and when it would be reached (N6)';

create function rewards.referral_analytics(email text) returns jsonb
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	quality record;
	zone text := rewards.setting('time_zone');
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(email, 'email');
	number := rewards.person(email);
	quality := rewards.quality_score_of(number);
	return jsonb_build_object(
		'metrics', rewards.referral_metrics(number) || jsonb_build_object('quality_score', quality.score),
		'history', (
			select coalesce(jsonb_agg(jsonb_build_object('month', m.month, 'sent', m.sent, 'joined', m.joined, 'active', m.active) order by m.month), '[]')
			from (
				select to_char(s.created_at at time zone zone, 'YYYY-MM') as month, count(*) as sent,
					count(*) filter (where s.stage >= 1) as joined, count(*) filter (where s.active) as active
				from rewards.referral_stages(number) s group by 1) m),
		'score_trend', (
			select coalesce(jsonb_agg(jsonb_build_object('day', q.day, 'score', trim_scale(q.score)) order by q.day), '[]')
			from rewards.quality_score q where q.account = number),
		'rewards', (
			select coalesce(jsonb_agg(jsonb_build_object('reason', g.reason, 'reward', g.reward, 'granted_at', g.granted_at) order by g.id), '[]')
			from rewards.invite_reward g where g.account = number),
		'projection', rewards.referral_projection(number));
end
$$;
revoke all on function rewards.referral_analytics(text) from public;
comment on function rewards.referral_analytics(text) is
	'what a referrer''s page shows, as JSON: metrics, history by month, score_trend, rewards, projection (N5, N6, K7)';
/* Partitions of usage_logs, made ahead. */

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
/* Is it right: what rows knew (settling), verify() and repair(). */

/* ---- from which number on everybody knew a change ---- */

create function rewards.all_told(seen pg_snapshot) returns boolean
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select not exists (
		select from (
			select r.recorded_xid from rewards.rule r where r.sure_from is null
			union
			select a.recorded_xid from rewards.account a where a.referrer is not null and a.sure_from is null
			union
			select f.recorded_xid from rewards.account_fact f where f.sure_from is null
			union
			select s.recorded_xid from rewards.account_status s where s.sure_from is null
			union
			select f.recorded_xid from rewards.model_fact f where f.sure_from is null
		) c where pg_visible_in_snapshot(c.recorded_xid, seen) and not rewards.is_over(c.recorded_xid))
$$;
revoke all on function rewards.all_told(pg_snapshot) from public;
comment on function rewards.all_told(pg_snapshot) is
	'whether whoever made a change that a snapshot shows has told the other sessions: a change is visible a moment before';

create function rewards.settle_changes(copied boolean) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	/* in this order: who runs in the snapshot, or has not been told what it shows, is below the horizon */
	seen pg_snapshot := pg_current_snapshot();
	told boolean := rewards.all_told(seen);
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
		update rewards.account_fact set sure_from = sure
		where sure_from is null and (copied or pg_visible_in_snapshot(recorded_xid, begun.settling));
		update rewards.account_status set sure_from = sure
		where sure_from is null and (copied or pg_visible_in_snapshot(recorded_xid, begun.settling));
		update rewards.model_fact set sure_from = sure
		where sure_from is null and (copied or pg_visible_in_snapshot(recorded_xid, begun.settling));
	elsif begun.settling is not null then
		return;
	end if;
	update rewards.cursor set settling = case when told then seen end, settling_horizon = case when told then horizon end;
end
$$;
revoke all on function rewards.settle_changes(boolean) from public;
comment on function rewards.settle_changes(boolean) is
	'sets sure_from of rules, edges and facts once every row to come knows them; post() calls it';

/* ---- verify ---- */

create function rewards.is_folded(number bigint, last bigint, open_first bigint[], open_last bigint[]) returns boolean
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select number <= last and not exists (
		select from unnest(open_first, open_last) o(first, last) where number between o.first and o.last) $$;
revoke all on function rewards.is_folded(bigint, bigint, bigint[], bigint[]) from public;
comment on function rewards.is_folded(bigint, bigint, bigint[], bigint[]) is 'whether the totals hold a number of the line';

create function rewards.line_name(entry smallint) returns text
	language sql immutable strict parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select case when entry < 0 then 'reversed ' else '' end || rewards.entry_name(abs(entry)) $$;
revoke all on function rewards.line_name(smallint) from public;
comment on function rewards.line_name(smallint) is 'what a line of the totals holds';

create function rewards.verify_totals(since date, until date)
	returns table (part text, subject text, expected text, found text, detail text)
	language sql stable parallel unsafe
	/* compiling so large a statement takes longer than running it */
	set search_path = pg_catalog, pg_temp
	set jit = off
as $$
	/* the folded shares, each with its account's number and programme day */
	with cursor as materialized (
		select c.last, c.open_first, c.open_last, rewards.setting('time_zone') as zone,
			rewards.setting('streak_grace_days')::integer as grace,
			/* runs of days were counted by the setting of their time */
			not exists (select from rewards.rule r where r.rule = 'setting' and r.key = 'streak_grace_days') as one_grace
		from rewards.cursor c
	), usage as materialized (
		select u.id, u.created_at, u.user_id, u.provider_id, u.service, u.model, u.user_points, u.provider_points, u.cost, u.distribution, t.day,
			u.input_tokens::bigint + u.output_tokens as tokens, u.status_code between 200 and 299 as succeeded
		from rewards.usage_logs u, cursor c, lateral (select (u.created_at at time zone c.zone)::date) t(day)
		where u.id <= c.last and (cardinality(c.open_first) = 0 or rewards.is_folded(u.id, c.last, c.open_first, c.open_last))
			and (since is null or t.day >= since) and (until is null or t.day < until)
	), share as (
		select coalesce(s.account_number, a.id) as account, u.day, case s.entry when 'creator' then 2 else 1 end as unit,
			s.entry, s.level, s.amount, 1 as events, case s.entry when 'referral' then 0 else u.tokens end as tokens
		from usage u cross join lateral rewards.shares(u.distribution) s
		left join rewards.account a on s.account_number is null
			and a.kind = case s.entry when 'work' then 'provider' else 'user' end
			and a.name = case s.entry when 'work' then u.provider_id else u.user_id end
		union all
		/* requests that brought their user or provider no points */
		select a.id, u.day, 1, own.entry, 0, 0, 1, u.tokens
		from usage u
		cross join lateral (values ('usage', 'user', u.user_id, u.user_points), ('work', 'provider', u.provider_id, u.provider_points))
			own(entry, kind, name, points)
		join rewards.account a on a.kind = own.kind and a.name = own.name
		where u.succeeded and own.points = 0
		union all
		select a.id, u.day, 3, 'usage', 0, -u.cost, 1, u.tokens
		from usage u join rewards.account a on a.kind = 'user' and a.name = u.user_id where u.cost <> 0
		union all
		/* what was taken back stands apart from what was given, and counts as one less */
		select s.account_number, (j.created_at at time zone c.zone)::date, j.unit,
			case when j.event = 'reversal' then 'reversed ' || s.entry else s.entry end, s.level, s.amount,
			case when j.unit = 1 and s.entry in ('work', 'usage') then least(j.requests, 0) when j.event = 'reversal' then -1 else 1 end,
			case when j.event = 'reversal' and s.entry <> 'referral' then j.tokens else 0 end
		from cursor c, rewards.journal j cross join lateral rewards.shares(j.distribution) s
		where rewards.is_folded(j.id, c.last, c.open_first, c.open_last)
	), day_line as (
		select account, day, unit, entry, level, sum(amount) as amount, sum(events)::bigint as events, sum(tokens)::bigint as tokens
		from share where (since is null or day >= since) and (until is null or day < until)
		group by account, day, unit, entry, level
	), month_line as (
		select account, date_trunc('month', day::timestamp)::date as month, unit, entry, level,
			sum(amount) as amount, sum(events)::bigint as events, sum(tokens)::bigint as tokens
		from day_line where since is null and until is null
		group by 1, 2, 3, 4, 5
	), model_line as (
		select m.owner, m.model, sum(m.requests)::bigint as events, sum(m.tokens)::bigint as tokens, sum(m.amount) as amount,
			coalesce(min(m.at) filter (where m.requests > 0), 'infinity') as first_at,
			coalesce(max(m.at) filter (where m.requests > 0), '-infinity') as last_at
		from (
			select a.account_number as owner, u.model, 1 as requests, u.tokens, a.amount, u.created_at as at
			from usage u cross join lateral rewards.shares(u.distribution) a
			where a.entry = 'creator' and since is null and until is null
			union all
			select a.account_number, j.model, j.requests, j.tokens, a.amount, j.created_at
			from cursor c, rewards.journal j cross join lateral rewards.shares(j.distribution) a
			where j.unit = 2 and j.model is not null and since is null and until is null
				and rewards.is_folded(j.id, c.last, c.open_first, c.open_last)
		) m
		group by 1, 2
	), doing as (
		/* successful requests by account, and whether they were made after it was referred */
		select a.id as account, n.id, n.created_at, n.day, n.service,
			a.referred_at <= n.created_at and a.seen_from < n.id as may_be_referred,
			a.referred_at <= n.created_at and a.sure_from < n.id as is_referred
		from (
			select 'user' as kind, u.user_id as name, u.id, u.created_at, u.day, u.service from usage u where u.succeeded
			union all
			select 'provider', u.provider_id, u.id, u.created_at, u.day, u.service from usage u where u.succeeded and u.provider_id is not null
		) n join rewards.account a on a.kind = n.kind and a.name = n.name
		where since is null and until is null
	), run as (
		select n.account, min(n.day) as since, max(n.day) as last_day, count(*)::integer as length
		from (
			select d.account, d.day, count(*) filter (where d.begins) over (partition by d.account order by d.day) as run
			from (
				select d.account, d.day, d.day - lag(d.day, 1, d.day - 1000) over (partition by d.account order by d.day) > 1 + c.grace as begins
				from cursor c, (
					select d.account, d.day from doing d
					union
					select u.account, u.day from rewards.uptime u where u.counted and since is null and until is null
				) d
			) d
		) n
		group by n.account, n.run
	), streak as (
		select distinct on (r.account) r.account, r.length, max(r.length) over (partition by r.account) as best, r.since, r.last_day
		from run r order by r.account, r.last_day desc
	), activity_line as (
		select s.account, coalesce(d.first_at, 'infinity') as first_at, coalesce(d.last_at, '-infinity') as last_at,
			coalesce(d.referred_least, 0) as referred_least, coalesce(d.referred_most, 0) as referred_most,
			coalesce(d.services, '{}') as services, s.length, s.best, s.since, s.last_day, coalesce(d.requests, 0) as requests
		from streak s
		left join (
			select d.account, min(d.created_at) as first_at, max(d.created_at) as last_at, count(*) as requests,
				count(*) filter (where d.is_referred) as referred_least, count(*) filter (where d.may_be_referred) as referred_most,
				array_agg(distinct d.service collate "C" order by d.service collate "C") filter (where d.service is not null) as services
			from doing d group by d.account
		) d on d.account = s.account
	), score_line as (
		select b.board, m.month, l.account, sum(l.amount) as points
		from month_line l join rewards.account a on a.id = l.account
		cross join lateral (
			select case a.kind when 'provider' then 1 else 2 end where l.unit = 1 and l.entry !~ 'payout|stake'
			union all
			select 3 where l.unit = 2 and a.kind = 'user' and l.entry !~ 'payout|stake'
			union all
			select 4 where l.unit = 1 and l.entry ~ 'referral$'
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
			concat_ws(' ', rewards.unit_name(coalesce(e.unit, t.unit)::smallint), coalesce(e.entry, rewards.line_name(t.entry)), coalesce(e.level, t.level)) as line,
			format('%s in %s events, %s tokens', trim_scale(e.amount), e.events, e.tokens) as expected,
			format('%s in %s events, %s tokens', trim_scale(t.amount), t.events, t.tokens) as found
		from day_line e
		full join (select * from rewards.day_total t where (since is null or t.day >= since) and (until is null or t.day < until)) t
			on t.account = e.account and t.day = e.day and t.unit = e.unit and rewards.line_name(t.entry) = e.entry and t.level = e.level
		where (e.amount, e.events, e.tokens) is distinct from (t.amount, t.events, t.tokens)
		union all
		select 'month_total', coalesce(e.account, t.account), coalesce(e.month, t.month)::text,
			concat_ws(' ', rewards.unit_name(coalesce(e.unit, t.unit)::smallint), coalesce(e.entry, rewards.line_name(t.entry)), coalesce(e.level, t.level)),
			format('%s in %s events, %s tokens', trim_scale(e.amount), e.events, e.tokens),
			format('%s in %s events, %s tokens', trim_scale(t.amount), t.events, t.tokens)
		from month_line e
		full join (select * from rewards.month_total t where since is null and until is null) t
			on t.account = e.account and t.month = e.month and t.unit = e.unit and rewards.line_name(t.entry) = e.entry and t.level = e.level
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
			rewards.board_name(coalesce(e.board, s.board)::smallint) || ' board''s score',
			trim_scale(e.points)::text, trim_scale(s.points)::text
		from score_line e
		full join (select * from rewards.score s where since is null and until is null and s.points <> 0) s
			on s.board = e.board and s.month = e.month and s.account = e.account
		where e.points is distinct from s.points
		union all
		select 'score', s.account, nullif(s.month, 'infinity')::text,
			rewards.board_name(s.board) || ' board''s name', a.name, s.name
		from rewards.score s join rewards.account a on a.id = s.account
		where since is null and until is null and s.name <> a.name
		union all
		select 'activity', coalesce(e.account, t.account), '', 'activity',
			case when e.account is not null then format('%s to %s, %s requests, %s referred, services %s, %s', e.first_at, e.last_at, e.requests,
				case when t.referred between e.referred_least and e.referred_most then t.referred else e.referred_most end, e.services,
				case when c.one_grace then format('%s days from %s to %s, at best %s', e.length, e.since, e.last_day, e.best) else 'days not looked at' end) end,
			case when t.account is not null then format('%s to %s, %s requests, %s referred, services %s, %s days from %s to %s, at best %s',
				t.first_at, t.last_at, t.requests, t.referred, t.services, t.streak, t.streak_since, t.last_day, t.best_streak) end
		from activity_line e
		full join (
			select t.account, t.first_at, t.last_at, t.requests, t.referred, array(select s from unnest(t.services) s order by s collate "C") as services,
				t.streak, t.best_streak, t.streak_since, t.last_day
			from rewards.activity t where since is null and until is null
		) t on t.account = e.account
		cross join cursor c
		where (e.first_at, e.last_at, e.services, e.requests) is distinct from (t.first_at, t.last_at, t.services, t.requests)
			or t.referred not between e.referred_least and e.referred_most
			or (c.one_grace and (e.length, e.best, e.since, e.last_day) is distinct from (t.streak, t.best_streak, t.streak_since, t.last_day))
		union all
		select 'score_bucket', null, nullif(b.month, 'infinity')::text,
			format('%s board''s bucket from %s', rewards.board_name(b.board), trim_scale(b.lowest)),
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
	if since is null and until is null then
		return query select * from rewards.verify_network();
		return query select * from rewards.verify_wallets();
	end if;
end
$$;
revoke all on function rewards.verify(timestamptz, timestamptz) from public;
comment on function rewards.verify(timestamptz, timestamptz) is
	'checks rows against the rules they knew and totals against rows, in one snapshot; no row = clean (D3)';

create function rewards.verify_wallets()
	returns table (part text, subject text, expected text, found text, detail text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with movement as (
		select t.account, t.unit, t.amount from rewards.month_total t where t.unit >= 3
		union all
		select coalesce(t.account_number, a.id), t.unit, t.amount
		from rewards.tail_totals('month') t
		left join rewards.account a on t.account_number is null and a.kind = t.kind and a.name = t.account
		where t.unit >= 3
	), sum as (
		select m.account, m.unit, sum(m.amount) as amount from movement m group by m.account, m.unit
	), booked as (
		/* lots are as far as folded, what has expired may not be yet */
		select j.reverses_id as lot, -sum(rewards.amount_of(j.distribution)) as amount,
			-sum(rewards.amount_of(j.distribution)) filter (where rewards.is_folded(j.id, c.last, c.open_first, c.open_last)) as folded
		from rewards.journal j cross join rewards.cursor c where j.event = 'expiry' group by j.reverses_id
	)
	/* credits only while every movement comes through the wallet */
	select 'wallet', concat_ws(' ', a.kind, '"' || a.name || '"', rewards.unit_name(w.unit)),
		trim_scale(coalesce(s.amount, 0))::text, trim_scale(w.balance)::text, 'balance differs from the sum of its entries'
	from rewards.wallet w
	join rewards.account a on a.id = w.account
	cross join rewards.credit_policy() p
	left join sum s on s.account = w.account and s.unit = w.unit
	where w.balance <> coalesce(s.amount, 0) and (w.unit > 3 or (w.unit = 3 and p.enforced and w.anchor = p.rule))
	union all
	select 'lot', concat_ws(' ', a.kind, '"' || a.name || '"', rewards.unit_name(l.unit)), 'at most ' || trim_scale(c.amount - coalesce(b.folded, 0)),
		trim_scale(l.remaining)::text, format('entry %s has more left than it brought', l.id)
	from rewards.lot l
	join rewards.account a on a.id = l.account
	left join rewards.journal j on j.id = l.id and j.event = 'credit'
	cross join lateral (select coalesce(rewards.amount_of(j.distribution), 0) as amount) c
	left join booked b on b.lot = l.id
	where l.remaining > c.amount - coalesce(b.folded, 0)
	union all
	select 'lot', concat_ws(' ', a.kind, '"' || a.name || '"', rewards.unit_name(j.unit)), 'at most ' || trim_scale(rewards.amount_of(j.distribution)),
		trim_scale(b.amount)::text, format('entry %s has expired with more than it brought', j.id)
	from booked b join rewards.journal j on j.id = b.lot join rewards.account a on a.id = j.account
	where b.amount > rewards.amount_of(j.distribution)
	union all
	select 'payout', concat_ws(' ', a.kind, '"' || a.name || '"', rewards.unit_name(coalesce(p.unit, j.unit))),
		trim_scale(-rewards.amount_of(j.distribution))::text, trim_scale(p.amount)::text,
		format('completed payout %s differs from its entry', coalesce(p.id::text, j.cause))
	from (select * from rewards.payout p where p.status = 'completed') p
	full join (select * from rewards.journal j where j.event = 'payout') j on j.cause = p.id::text and j.account = p.account and j.unit = p.unit
	join rewards.account a on a.id = coalesce(p.account, j.account)
	where p.amount is distinct from -rewards.amount_of(j.distribution)
$$;
revoke all on function rewards.verify_wallets() from public;
comment on function rewards.verify_wallets() is 'wallets whose balance is not the sum of their entries, lots that hold or have lost more than came in, and completed payouts without their entry';

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
	before jsonb;
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
	delete from rewards.network;
	before := (select jsonb_object_agg(l.id, l.remaining) from rewards.lot l where l.expires_at <= clock_timestamp() + interval '1 day');
	delete from rewards.lot;
	delete from rewards.model_user;
	update rewards.cursor set unpriced = 0;
	events := rewards.refold();
	/* charges that came late took what was left then, in order they take otherwise: what has expired is not more for that */
	update rewards.lot l set remaining = coalesce((before ->> l.id::text)::numeric, 0)
	where l.expires_at <= clock_timestamp() and l.remaining > coalesce((before ->> l.id::text)::numeric, 0);
	delete from rewards.lot where remaining = 0;
	/* who remembers totals goes by the cursor's row */
	update rewards.cursor set last = last;
	perform rewards.log_call('repair', jsonb_build_object('reason', reason), null, jsonb_build_object('events', events), rewards.caller()::text);
	return events;
end
$$;
revoke all on function rewards.repair(text) from public;
comment on function rewards.repair(text) is
	'makes all totals and leaderboards anew from the rows, for when verify() finds them wrong; returns how many rows it folded. Readers see the old ones until it commits, and post() returns at once (D3)';
/* Who may do what: grant_access() and revoke_access(). */

create function rewards.access_routines(access text) returns setof regprocedure
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select p.oid::regprocedure
	from pg_proc p
	where p.pronamespace = 'rewards'::regnamespace and p.proname::text = any (
		/* what the views call */
		array['tail_totals', 'tail_models', 'tail_accounts', 'tail_events', 'tail_unpriced', 'wallet_expired', 'open_holds', 'partitions_ahead', 'board_name', 'today', 'setting', 'is_active', 'detector_defaults']
		|| case when access in ('app', 'analyst') then
			array['require_installed', 'earning_history', 'account_summary', 'balance', 'statement', 'shares_of',
				'explain_reward', 'explain_tier', 'model_earnings', 'leaderboard_top', 'leaderboard_rank', 'leaderboard_around',
				'referral_chain', 'referral_network', 'referral_stats', 'referral_quality', 'referral_analytics', 'perks', 'credits', 'is_mainnet', 'quote'] end
		|| case when access = 'app' then
			array['next_number', 'track_usage', 'register_account', 'register_model', 'register_character',
				'referral_code', 'referral_signup', 'record_uptime', 'deduct_token', 'authorize_usage', 'release_hold',
				'share_referral', 'redeem_code', 'customize_invite', 'complete_onboarding', 'earn_codes', 'appeal',
				'request_payout', 'join_waitlist', 'waitlist_position', 'take_notifications', 'notification_done'] end)
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
			/* what a flag rests on may be an e-mail, too */
			and (access = 'app' or (c.relname, a.attname) <> ('abuse_flags', 'evidence'))
		where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v'
			and (access = 'app' or a.attname !~ 'email$')
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
/* Usage rewarded again: rerate() books what rows lack by all that is recorded now, simulate() compares programmes. */

create function rewards.rerate_rows(since timestamptz, until timestamptz,
		out kind text, out account text, out entry text, out booked numeric, out now_due numeric,
		out usage_id bigint, out created_at timestamptz, out account_number bigint, out corrections integer, out correction rewards.distribution)
	returns setof record
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.rerate_rows(timestamptz, timestamptz) from public;
comment on function rewards.rerate_rows(timestamptz, timestamptz) is
	'what each usage row of a range has brought each account, where all that is recorded now gives it more or less; behind rerate()';

create function rewards.simulate_rows(since timestamptz, until timestamptz, preset text, changes jsonb,
		out kind text, out account text, out entry text, out booked numeric, out now_due numeric,
		out usage_id bigint, out created_at timestamptz, out account_number bigint, out corrections integer, out correction rewards.distribution)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.simulate_rows(timestamptz, timestamptz, text, jsonb) from public;
comment on function rewards.simulate_rows(timestamptz, timestamptz, text, jsonb) is
	'what the usage of a range has brought accounts, and what it would have under other rules; to be added up; behind simulate()';

create function rewards.check_range(since timestamptz, until timestamptz) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_not_null(since, 'since');
	perform rewards.check_not_null(until, 'until');
	if until <= since then
		raise exception 'until must be later than since'
			using errcode = 'invalid_parameter_value', hint = 'The range goes from since on, up to and not including until.';
	end if;
end
$$;
revoke all on function rewards.check_range(timestamptz, timestamptz) from public;
comment on function rewards.check_range(timestamptz, timestamptz) is '22004 or 22023 for what is no range of time';

/* ---- rerate ---- */

create function rewards.register_named(kind text, account text, joined_at timestamptz) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	/* as posting does: what a row names counts, whatever auto_register says */
	insert into rewards.account (kind, name, joined_at) values (register_named.kind, register_named.account, register_named.joined_at)
	on conflict do nothing;
	return rewards.find_account(register_named.kind, register_named.account);
end
$$;
revoke all on function rewards.register_named(text, text, timestamptz) from public;
comment on function rewards.register_named(text, text, timestamptz) is 'the number of an account that a usage row names, registered if need be';

create function rewards.book_corrections(since timestamptz, until timestamptz, reason text)
	returns table (usage_id bigint, kind text, account text, entry text, booked numeric, now_due numeric)
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with due as materialized (
		select r.* from rewards.rerate_rows(book_corrections.since, book_corrections.until) r
	), programme as materialized (
		select rewards.setting('time_zone') as zone, nullif(rewards.setting('closed_until'), 'none')::date as closed_until,
			rewards.caller()::text as actor
	), entered as (
		insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause, reverses_source, reverses_id,
			model, requests, tokens)
		select case when (d.created_at at time zone p.zone)::date <= p.closed_until
				then (p.closed_until + 1)::timestamp at time zone p.zone else d.created_at end,
			case d.entry when 'creator' then 2 when 'cost' then 3 else 1 end,
			coalesce(d.correction, rewards.one_share(n.number, 'adjustment', 0,
				case d.entry when 'cost' then d.booked - d.now_due else d.now_due - d.booked end)), book_corrections.reason, p.actor,
			'rerate', n.number, concat_ws(' ', d.usage_id, d.entry, d.corrections + 1), 'usage_logs', d.usage_id,
			u.model, u.requests, u.requests * u.tokens
		from (
			/* names are registered in order, as posting does: nobody waits in a circle */
			select * from due
			order by due.account_number is not null, case when due.account_number is null then due.account end collate "C",
				case when due.account_number is null then due.kind end, due.usage_id
		) d
		cross join programme p
		cross join lateral (
			select coalesce(d.account_number, rewards.register_named(d.kind, d.account, d.created_at)) as number offset 0) n
		cross join lateral (
			/* whether the model's requests become one more or less */
			select case when d.entry = 'creator' then coalesce(u.model, m.id) end as model, u.input_tokens::bigint + u.output_tokens as tokens,
				case when d.entry = 'creator' then (d.now_due <> 0)::integer - (d.booked <> 0)::integer else 0 end as requests
			from rewards.usage_logs u left join rewards.model m on u.model is null and m.character_id = u.character_id
			where u.id = d.usage_id) u
	)
	select d.usage_id, d.kind, d.account, d.entry, d.booked, d.now_due from due d order by d.usage_id, d.entry, d.kind, d.account
$$;
revoke all on function rewards.book_corrections(timestamptz, timestamptz, text) from public;
comment on function rewards.book_corrections(timestamptz, timestamptz, text) is 'books what rerate_rows() finds and returns it; rerate() calls it, with the journal locked against another';

create function rewards.rerate(since timestamptz, until timestamptz, reason text, dry_run boolean default true)
	returns table (usage_id bigint, kind text, account text, entry text, booked numeric, now_due numeric)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	lines bigint;
	started bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_range(since, until);
	perform rewards.check_not_null(reason, 'reason');
	perform rewards.check_not_null(dry_run, 'dry_run');
	if dry_run then
		return query
		select r.usage_id, r.kind, r.account, r.entry, r.booked, r.now_due
		from rewards.rerate_rows(since, until) r order by r.usage_id, r.entry, r.kind, r.account;
		return;
	end if;
	/* its snapshot would not see what another rerate books while it waits */
	if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
		raise exception 'rerate() cannot book in a REPEATABLE READ or SERIALIZABLE transaction'
			using errcode = 'active_sql_transaction', hint = 'Call it in a READ COMMITTED transaction, or with dry_run true.';
	end if;
	/* one after the other, and not while usage is reversed; writers and posting go on */
	lock table rewards.journal in share update exclusive mode;
	/* who reverses by a snapshot of before this would not see what is booked here: written, so that it fails instead */
	update rewards.installation set version = version;
	started := rewards.last_number();
	return query select * from rewards.book_corrections(since, until, reason);
	get diagnostics lines = row_count;
	perform rewards.lock_wallet(c.account, 3::smallint, c.amount)
	from (
		select j.account, sum(rewards.amount_of(j.distribution)) as amount
		from rewards.journal j where j.unit = 3 and j.event = 'rerate' and j.id > started
		group by j.account order by j.account) c;
	update rewards.unrated_usage n set mended_at = clock_timestamp()
	from rewards.usage_logs u
	where n.mended_at is null and u.id = n.usage_id and u.created_at >= rerate.since and u.created_at < rerate.until;
	perform rewards.log_call('rerate', jsonb_build_object('since', since, 'until', until, 'reason', reason), null,
		jsonb_build_object('corrections', lines), rewards.caller()::text);
end
$$;
revoke all on function rewards.rerate(timestamptz, timestamptz, text, boolean) from public;
comment on function rewards.rerate(timestamptz, timestamptz, text, boolean) is
	'rewards usage created from since up to until again, by what was valid then and is recorded now, and returns where that differs from what was booked; with dry_run false it books the differences as adjustments, after which it finds nothing. 25001 for booking under REPEATABLE READ or SERIALIZABLE';

/* ---- simulate: the rules ---- */

create function rewards.rule_fields() returns table (rule text, field text, type text, required boolean, lowest numeric, most numeric)
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	values
		('tier', 'points', 'amount', true, 0::numeric, 9223372036.854775807),
		('tier', 'vram_above', 'amount', false, 0, 9223372036.854775807),
		('tier', 'vram_upto', 'amount', false, 0, 9223372036.854775807),
		('tier', 'title', 'text', false, null, null),
		('service', 'endpoint_suffix', 'text', true, null, null),
		('service', 'points', 'amount', false, 0, 9223372036.854775807),
		('service', 'provider_per_token', 'amount', false, 0, 9223372036.854775807),
		('service', 'user_base', 'amount', false, 0, 9223372036.854775807),
		('service', 'user_per_token', 'amount', false, 0, 9223372036.854775807),
		('model_pattern', 'pattern', 'text', true, null, null),
		('model_pattern', 'tier', 'text', true, null, null),
		('model_pattern', 'but_not', 'text', false, null, null),
		('model_pattern', 'match', 'match', false, null, null),
		('user_share', 'share', 'amount', true, 0, 1),
		('creator_rate', 'rate', 'amount', true, 0, 9223372036.854775807),
		('referral_rates', 'rates', 'rates', true, 0, 1),
		('referral_kinds', 'allowed', 'boolean', true, null, null),
		('campaign', 'multiplier', 'amount', true, 0, 1000),
		('campaign', 'until', 'time', false, null, null),
		('campaign', 'kind', 'kind', false, null, null),
		('campaign', 'service', 'text', false, null, null),
		('campaign', 'tier', 'text', false, null, null),
		('streak_multiplier', 'kind', 'kind', true, null, null),
		('streak_multiplier', 'days', 'count', true, 1, 36500),
		('streak_multiplier', 'multiplier', 'amount', true, 0, 1000),
		('uptime_points', 'points_per_hour', 'amount', true, 0, 9223372036.854775807),
		('bonus', 'event', 'event', true, null, null),
		('bonus', 'kind', 'kind', true, null, null),
		('bonus', 'amount', 'amount', true, 0, 9223372036.854775807),
		('bonus', 'recipient_level', 'count', true, 0, 32),
		('bonus', 'threshold', 'count', false, 1, 2147483647),
		('bonus', 'hold', 'interval', false, null, null),
		('price', 'price_per_unit', 'amount', true, 0, 9223372036.854775807),
		('price', 'unit', 'price_unit', true, null, null),
		('mainnet', 'on', 'boolean', true, null, null),
		('setting', 'value', 'text', true, null, null)
$$;
revoke all on function rewards.rule_fields() from public;
comment on function rewards.rule_fields() is 'what the values of rules are made of, for rules that do not come from setters';

create function rewards.field_fits(value jsonb, type text, lowest numeric, most numeric) returns boolean
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	word text := value #>> '{}';
begin
	case type
		when 'amount', 'count' then
			/* one after the other: only a number can be cast */
			return case when jsonb_typeof(value) <> 'number' then false
				else word::numeric between lowest and most and word::numeric = trunc(word::numeric, case type when 'amount' then 9 else 0 end) end;
		when 'rates' then
			return case when jsonb_typeof(value) <> 'array' then false
				else jsonb_array_length(value) <= 32
					and coalesce((select bool_and(rewards.field_fits(r, 'amount', lowest, most)) from jsonb_array_elements(value) r), true) end;
		else
	end case;
	if type = 'boolean' then
		return jsonb_typeof(value) = 'boolean';
	elsif jsonb_typeof(value) <> 'string' then
		return false;
	end if;
	case type
		when 'price_unit' then return word in ('token', '1000_tokens', '1000000_tokens', 'request');
		when 'match' then return word in ('contains', 'prefix', 'suffix', 'exact');
		when 'kind' then return word in ('user', 'provider');
		when 'event' then return word in ('signup', 'milestone', 'trial', 'streak');
		when 'time' then return word::timestamptz is not null;
		when 'interval' then return word::interval >= interval '0';
		else return word <> '';
	end case;
exception when invalid_datetime_format or datetime_field_overflow or interval_field_overflow then
	return false;
end
$$;
revoke all on function rewards.field_fits(jsonb, text, numeric, numeric) from public;
comment on function rewards.field_fits(jsonb, text, numeric, numeric) is 'whether a piece of a rule''s value is of its type and range';

create function rewards.rule_key_fits(rule text, key text, value jsonb) returns boolean
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select case rule
		when 'user_share' then key = ''
		when 'uptime_points' then key = ''
		when 'mainnet' then key = ''
		when 'referral_rates' then key in ('user', 'provider')
		when 'referral_kinds' then key ~ '^(user|provider)/(user|provider)$'
		when 'model_pattern' then key ~ '^\d{1,9}$'
		/* of these keys repeat what the value says */
		when 'bonus' then value is null
			or key = concat_ws('/', value ->> 'event', value ->> 'kind', value ->> 'recipient_level', value ->> 'threshold')
		when 'streak_multiplier' then value is null or key = concat_ws('/', value ->> 'kind', value ->> 'days')
		/* only default_tier changes what is simulated, and days stay as they are */
		when 'setting' then key in (select d.name from rewards.setting_defaults() d)
			and (key <> 'time_zone' or value ->> 'value' = rewards.setting(key))
		when 'creator_rate' then true
		else key <> '' end
$$;
revoke all on function rewards.rule_key_fits(text, text, jsonb) from public;
comment on function rewards.rule_key_fits(text, text, jsonb) is 'whether a rule can have this key';

create function rewards.check_changed_rule(rule text, key text, value jsonb) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	content jsonb := nullif(value, 'null');
	fault text;
begin
	if jsonb_typeof(content) <> 'object' then
		fault := 'it is neither an object nor null';
	elsif not rewards.rule_key_fits(rule, key, content) then
		fault := format('%s cannot have the key "%s"', rule, key);
	elsif content is not null then
		select case when f.field is null then format('it has no "%s"', v.key)
			when nullif(v.value, 'null') is null then format('"%s" is missing', f.field)
			else format('"%s" cannot be %s', f.field, v.value) end
		into fault
		from (select * from rewards.rule_fields() r where r.rule = check_changed_rule.rule) f
		full join jsonb_each(content) v on v.key = f.field
		where f.field is null or case when nullif(v.value, 'null') is null then f.required
			else not rewards.field_fits(v.value, f.type, f.lowest, f.most) end
		order by f.field is null desc, f.field, v.key limit 1;
	end if;
	if fault is not null then
		raise exception 'invalid value of rule % "%": %', rule, key, fault
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.rules shows what keys and values look like.';
	end if;
end
$$;
revoke all on function rewards.check_changed_rule(text, text, jsonb) from public;
comment on function rewards.check_changed_rule(text, text, jsonb) is '22023 for what cannot be a version of a rule; value NULL or null passes';

create function rewards.check_changes(changes jsonb) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	named record;
	changed record;
begin
	if jsonb_typeof(changes) <> 'object' then
		raise exception 'changes must be a JSON object'
			using errcode = 'invalid_parameter_value', hint = 'Write them as {"<rule>": {"<key>": {...}}}, null for the value to end a rule.';
	end if;
	for named in select c.key as rule, c.value from jsonb_each(changes) c order by 1 loop
		if not exists (select from rewards.rule_fields() f where f.rule = named.rule) then
			raise exception 'there is no rule "%"', named.rule
				using errcode = 'invalid_parameter_value',
					hint = (select 'Rules are ' || string_agg(distinct f.rule, ', ') || '.' from rewards.rule_fields() f);
		elsif jsonb_typeof(named.value) <> 'object' then
			raise exception 'changes of rule % must be a JSON object', named.rule
				using errcode = 'invalid_parameter_value', hint = 'Write them as {"<rule>": {"<key>": {...}}}, null for the value to end a rule.';
		end if;
		for changed in select c.key, c.value from jsonb_each(named.value) c order by 1 loop
			perform rewards.check_changed_rule(named.rule, changed.key, changed.value);
		end loop;
	end loop;
end
$$;
revoke all on function rewards.check_changes(jsonb) from public;
comment on function rewards.check_changes(jsonb) is '22023 for changes that simulate() cannot take';

/* the C core reads these columns by position, as those of rewards.rule */
create function rewards.simulated_rules(preset text, changes jsonb)
	returns table (id bigint, rule text, key text, value jsonb, valid_from timestamptz, seen_from bigint, sure_from bigint)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with changed as materialized (
		select c.key as rule, k.key collate "C" as key, nullif(k.value, 'null') as value
		from jsonb_each(changes) c cross join lateral jsonb_each(c.value) k
	), preset_kind as materialized (
		select p.rule from unnest('{cxmpute,cxmpute_guide,creator}'::text[]) n(preset) cross join lateral rewards.preset_rules(n.preset) p
		where p.rule <> 'setting'
	), programme as (
		select r.id, r.rule, r.key, r.value, r.valid_from from rewards.rule r
		where simulated_rules.preset is null or r.rule not in (select k.rule from preset_kind k)
		union all
		select 0, p.rule, p.key, p.value, '-infinity' from rewards.preset_rules(simulated_rules.preset) p where p.rule <> 'setting'
	)
	select p.id, p.rule, p.key, p.value, p.valid_from, 0::bigint, 0::bigint from programme p
	where not exists (select from changed c where c.rule = p.rule and c.key = p.key)
	union all
	select 0, c.rule, c.key, c.value, '-infinity', 0, 0 from changed c where c.value is not null
$$;
revoke all on function rewards.simulated_rules(text, jsonb) from public;
comment on function rewards.simulated_rules(text, jsonb) is
	'the rules of a simulation: those recorded, or with a preset its own instead of all that presets have; and changes, which hold at all times';

/* ---- simulate: what is no usage ---- */

create function rewards.simulated_bonuses(since timestamptz, until timestamptz, preset text, changes jsonb)
	returns table (kind text, account text, entry text, amount numeric)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with version as materialized (
		select r.rule, r.key, r.value, r.valid_from as since,
			lead(r.valid_from, 1, 'infinity') over (partition by r.rule, r.key order by r.valid_from, r.id) as until
		from rewards.simulated_rules(simulated_bonuses.preset, simulated_bonuses.changes) r where r.rule in ('bonus', 'service')
	), bonus as materialized (
		select v.key, v.since, v.until, v.value ->> 'event' as event, v.value ->> 'kind' as kind, (v.value ->> 'amount')::numeric as amount,
			(v.value ->> 'recipient_level')::integer as level, coalesce((v.value ->> 'threshold')::integer, 0) as threshold
		from version v where v.rule = 'bonus' and (v.value ->> 'amount')::numeric > 0
	), nth as (
		/* the requests of those who were referred, from then on, in order of arrival */
		select a.kind, a.name, u.created_at as at, row_number() over (partition by a.id order by u.id) as place
		from rewards.account a join rewards.usage_logs u on u.user_id = a.name and u.id > a.seen_from and u.created_at >= a.referred_at
		where a.kind = 'user' and u.status_code between 200 and 299
			and exists (select from bonus b where b.event = 'milestone' and b.kind = 'user')
		union all
		select a.kind, a.name, u.created_at, row_number() over (partition by a.id order by u.id)
		from rewards.account a join rewards.usage_logs u on u.provider_id = a.name and u.id > a.seen_from and u.created_at >= a.referred_at
		where a.kind = 'provider' and u.status_code between 200 and 299
			and exists (select from bonus b where b.event = 'milestone' and b.kind = 'provider')
	), first_use as (
		select 'user' as kind, u.user_id as name, u.service, min(u.id) as id
		from rewards.usage_logs u
		where u.status_code between 200 and 299 and exists (select from bonus b where b.event = 'trial' and b.kind = 'user')
		group by u.user_id, u.service
		union all
		select 'provider', u.provider_id, u.service, min(u.id)
		from rewards.usage_logs u
		where u.status_code between 200 and 299 and u.provider_id is not null
			and exists (select from bonus b where b.event = 'trial' and b.kind = 'provider')
		group by u.provider_id, u.service
	), feat(event, kind, name, threshold, at) as materialized (
		select 'signup', a.kind, a.name, 0, a.referred_at from rewards.account a where a.referrer is not null
		union all
		select 'milestone', n.kind, n.name, n.place, n.at from nth n
		where n.place in (select b.threshold from bonus b where b.event = 'milestone')
		union all
		select 'trial', f.kind, f.name, 0, u.created_at
		from first_use f join rewards.usage_logs u on u.id = f.id
		where exists (
			select from version v
			where v.rule = 'service' and v.key = f.service and v.since <= u.created_at and v.until > u.created_at and v.value is not null
				/* one without points is not on trial */
				and ((v.value ->> 'points') is null or (v.value ->> 'points')::numeric <> 0
					or (v.value ->> 'user_base')::numeric <> 0 or (v.value ->> 'user_per_token')::numeric <> 0
					or (v.value ->> 'provider_per_token')::numeric <> 0))
	), granted as materialized (
		select f.kind, f.name, b.event, b.level, b.amount, f.at
		from feat f join bonus b on b.event = f.event and b.kind = f.kind and b.threshold = f.threshold and b.since <= f.at and b.until > f.at
		where f.at >= simulated_bonuses.since and f.at < simulated_bonuses.until
	)
	select coalesce(r.kind, g.kind), coalesce(r.name, g.name), g.event || '_bonus', g.amount
	from granted g
	/* one by one by index: how many they are nobody can tell beforehand */
	left join lateral rewards.chain_above(
		(select a.id from rewards.account a where a.name = g.name and a.kind = g.kind), g.at, g.level) c on c.level = g.level
	left join rewards.account r on r.id = c.account
	where g.level = 0 or r.id is not null
	union all
	/* grants for days in a row are those made, at the price of these rules */
	select a.kind, a.name, 'streak_bonus', b.amount
	from rewards.journal j
	join bonus b on b.key = j.event and b.since <= j.created_at and b.until > j.created_at
	join rewards.account a on a.id = j.account
	where b.event = 'streak' and j.created_at >= simulated_bonuses.since and j.created_at < simulated_bonuses.until
$$;
revoke all on function rewards.simulated_bonuses(timestamptz, timestamptz, text, jsonb) from public;
comment on function rewards.simulated_bonuses(timestamptz, timestamptz, text, jsonb) is
	'bonuses that the rules of a simulation grant for what happened in a range';

create function rewards.simulated_uptime(since timestamptz, until timestamptz, preset text, changes jsonb)
	returns table (kind text, account text, entry text, amount numeric)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with version as materialized (
		select r.rule, r.key, r.value, r.valid_from as since,
			lead(r.valid_from, 1, 'infinity') over (partition by r.rule, r.key order by r.valid_from, r.id) as until
		from rewards.simulated_rules(simulated_uptime.preset, simulated_uptime.changes) r
		where r.rule = 'uptime_points' or (r.rule = 'referral_rates' and r.key = 'provider')
	), own as (
		select t.account, d.at, round((p.value ->> 'points_per_hour')::numeric * t.seconds / 3600, 9) as amount
		from rewards.uptime t
		cross join lateral (select t.day::timestamp at time zone rewards.setting('time_zone') as at) d
		join version p on p.rule = 'uptime_points' and p.since <= d.at and p.until > d.at
		where d.at >= simulated_uptime.since and d.at < simulated_uptime.until
	), paid(account, entry, amount) as (
		select o.account, 'work', o.amount from own o
		union all
		select c.account, 'referral', round(o.amount * (r.value -> 'rates' ->> (c.level - 1))::numeric, 9)
		from own o join version r on r.rule = 'referral_rates' and r.since <= o.at and r.until > o.at
		cross join lateral rewards.chain_above(o.account, o.at, jsonb_array_length(r.value -> 'rates')) c
		where c.level > 0
	)
	select a.kind, a.name, p.entry, p.amount from paid p join rewards.account a on a.id = p.account where p.amount <> 0
$$;
revoke all on function rewards.simulated_uptime(timestamptz, timestamptz, text, jsonb) from public;
comment on function rewards.simulated_uptime(timestamptz, timestamptz, text, jsonb) is
	'what the rules of a simulation give for the uptime of the days that begin in a range';

create function rewards.simulate(preset text, since timestamptz, until timestamptz, changes jsonb default '{}')
	returns table (kind text, account text, entry text, actual numeric, simulated numeric)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
	perform rewards.require_installed();
	perform rewards.check_range(since, until);
	if preset is not null and not exists (select from rewards.preset_rules(preset)) then
		raise exception 'there is no preset "%"', preset
			using errcode = 'invalid_parameter_value', hint = 'Presets are cxmpute, cxmpute_guide and creator; NULL stands for the rules recorded.';
	end if;
	perform rewards.check_changes(changes);
	return query
	select l.kind, l.account, l.entry, trim_scale(sum(l.actual)), trim_scale(sum(l.simulated))
	from (
		select r.kind, r.account, r.entry, r.booked as actual, r.now_due as simulated
		from rewards.simulate_rows(since, until, preset, changes) r
		union all
		select a.kind, a.name, s.entry, s.amount, 0
		from rewards.journal j cross join lateral rewards.shares(j.distribution) s join rewards.account a on a.id = s.account_number
		where j.created_at >= simulate.since and j.created_at < simulate.until
			and (s.entry in ('signup_bonus', 'milestone_bonus', 'trial_bonus', 'streak_bonus') or j.event = 'uptime')
		union all
		select b.kind, b.account, b.entry, 0, b.amount from rewards.simulated_bonuses(since, until, preset, changes) b
		union all
		select u.kind, u.account, u.entry, 0, u.amount from rewards.simulated_uptime(since, until, preset, changes) u
	) l
	group by l.kind, l.account, l.entry
	having sum(l.actual) <> 0 or sum(l.simulated) <> 0
	order by l.kind, l.account collate "C", l.entry;
end
$$;
revoke all on function rewards.simulate(text, timestamptz, timestamptz, jsonb) from public;
comment on function rewards.simulate(text, timestamptz, timestamptz, jsonb) is
	'what accounts got for what happened from since up to until, and what they would have got under a preset instead, or under the recorded rules (preset NULL), with changes that hold at all times; writes nothing';
/* What is to be done from time to time. */

create function rewards.maintain() returns table (task text, done bigint)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	return query select 'partitions made'::text, rewards.make_partitions()::bigint;
	return query select 'accounts flagged'::text, rewards.count_suspects();
	return query select 'quality scores changed'::text, rewards.record_scores(now());
	return query select 'reviews opened'::text, rewards.open_reviews();
	return query select 'quality reports sent'::text, rewards.report_quality();
	return query select 'waitlist folded'::text, rewards.fold_waitlist();
	return query select 'weekly summaries sent'::text, rewards.note_weekly_earnings();
	return query select 'rate windows removed'::text, rewards.forget_windows();
	/* these lock wallets: when what takes long is done */
	return query select 'expiries booked'::text, rewards.book_expiries();
	return query select 'holds closed'::text, rewards.close_holds();
	return query select 'payouts made'::text, rewards.make_due_payouts();
	/* last, for it keeps others from setting statuses until all is done */
	return query select 'statuses changed by quality'::text, rewards.apply_thresholds();
end
$$;
revoke all on function rewards.maintain() from public;
comment on function rewards.maintain() is 'what is to be done from time to time: partitions ahead, expiries, holds, automatic payouts, signs of abuse, the waiting list, referral quality and what follows from it, reports, windows of limits; one row for each with how many';

create function rewards.schema_sql() returns text
	language sql immutable parallel safe set search_path = pg_catalog, pg_temp
	as $rewards_code$select $rewards_schema$
/* Who takes part, the rules, and what was granted.  Ids are compared byte for byte. */

create table if not exists rewards.installation (
	single boolean primary key default true check (single),
	version text not null,
	installed_at timestamptz not null default clock_timestamp()
);
comment on table rewards.installation is 'the version that install() made or brought these tables to';

/* the C core reads the first columns of rule, account, account_fact, model and model_fact by position */
create table if not exists rewards.rule (
	id bigint generated always as identity primary key,
	rule text not null,
	key text collate "C" not null,
	value jsonb,
	valid_from timestamptz not null,
	seen_from bigint not null,
	sure_from bigint,
	recorded_at timestamptz not null default clock_timestamp(),
	recorded_xid xid8 not null default pg_current_xact_id(),
	updated_by text not null
);
create index if not exists rule_history on rewards.rule (rule, key, valid_from, id);
create index if not exists rule_unsettled on rewards.rule (id) where sure_from is null;
comment on table rewards.rule is 'every version of every rule, appended; value NULL ends a rule. Rows up to seen_from did not know it, rows above sure_from did';

create table if not exists rewards.account (
	id bigint generated always as identity constraint account_pkey primary key,
	kind text not null check (kind in ('user', 'provider')),
	name text collate "C" not null check (octet_length(name) between 1 and 255),
	referrer bigint,
	referred_at timestamptz,
	seen_from bigint,
	sure_from bigint,
	recorded_at timestamptz,
	recorded_xid xid8,
	code text,
	email text,
	joined_at timestamptz not null,
	onboarded_at timestamptz,
	check (referrer <> id),
	check (num_nulls(referrer, referred_at, seen_from, recorded_at, recorded_xid) in (0, 5))
);
create unique index if not exists account_name_kind on rewards.account (name, kind);
create index if not exists account_referrer on rewards.account (referrer) where referrer is not null;
create index if not exists account_email on rewards.account (lower(email)) where email is not null;
create index if not exists account_name_email on rewards.account (lower(name)) where kind = 'user' and name like '%@%';
create index if not exists account_edge on rewards.account (seen_from) where referrer is not null;
create index if not exists account_unsettled on rewards.account (id) where referrer is not null and sure_from is null;
comment on table rewards.account is
	'registered accounts: (kind, name) outside, id inside; from referrer to code the one permanent edge to who referred it, with what a change knows of time. onboarded_at: when somebody said that it is';

create table if not exists rewards.account_fact (
	id bigint generated always as identity primary key,
	account bigint not null,
	fact text not null check (fact in ('multiplier', 'streak')),
	number numeric,
	valid_from timestamptz not null,
	seen_from bigint not null,
	sure_from bigint,
	valid_until timestamptz not null default 'infinity',
	recorded_at timestamptz not null default clock_timestamp(),
	recorded_xid xid8 not null default pg_current_xact_id(),
	updated_by text not null
);
create index if not exists account_fact_account on rewards.account_fact (account, valid_until);
create index if not exists account_fact_unsettled on rewards.account_fact (id) where sure_from is null;
comment on table rewards.account_fact is
	'multipliers given to accounts by hand, and the days of streaks as posting finds them, appended; number NULL ends one';

create table if not exists rewards.uptime (
	account bigint not null,
	day date not null,
	seconds integer not null check (seconds between 0 and 90000),
	reached boolean not null,
	counted boolean not null default false,
	booked numeric not null default 0,
	recorded_at timestamptz not null default clock_timestamp(),
	primary key (account, day)
);
create index if not exists uptime_to_count on rewards.uptime (account, day) where reached and not counted;
comment on table rewards.uptime is
	'how long a provider was up on a programme day; reached: it makes the day one of its streak, counted: posting has seen that';

create table if not exists rewards.account_signal ();
comment on table rewards.account_signal is 'always empty: invalidating it tells sessions that an account known before got a referrer';

create table if not exists rewards.code (
	code text collate "C" primary key,
	account bigint not null,
	custom boolean not null default false,
	created_at timestamptz not null default clock_timestamp(),
	voided_at timestamptz,
	reason text,
	check (num_nulls(voided_at, reason) in (0, 2))
);
create unique index if not exists code_upper on rewards.code (upper(code));
create index if not exists code_account on rewards.code (account);
create unique index if not exists code_generated on rewards.code (account) where not custom and voided_at is null;
comment on table rewards.code is 'referral codes that were made, revoked ones too: they never go to anybody else. Identity codes need no row';

create table if not exists rewards.voided_identity (
	account bigint primary key,
	voided_at timestamptz not null default clock_timestamp(),
	reason text not null
);
comment on table rewards.voided_identity is 'accounts whose own id was revoked as a referral code';

create table if not exists rewards.character (
	id text collate "C" primary key,
	name text,
	image text
);
comment on table rewards.character is 'characters that models stand behind';

create table if not exists rewards.model (
	id text collate "C" primary key,
	character_id text collate "C",
	name text,
	category text,
	created_at timestamptz not null default clock_timestamp()
);
create unique index if not exists model_character on rewards.model (character_id);
comment on table rewards.model is 'registered models';

create table if not exists rewards.model_fact (
	id bigint generated always as identity primary key,
	model text collate "C" not null,
	fact text not null check (fact in ('owner', 'tier', 'vram', 'rate')),
	account bigint,
	number numeric,
	tier text,
	valid_from timestamptz not null,
	seen_from bigint not null,
	sure_from bigint,
	recorded_at timestamptz not null default clock_timestamp(),
	recorded_xid xid8 not null default pg_current_xact_id(),
	updated_by text not null
);
create index if not exists model_fact_model on rewards.model_fact (model);
create index if not exists model_fact_owner on rewards.model_fact (account) where fact = 'owner';
create index if not exists model_fact_unsettled on rewards.model_fact (id) where sure_from is null;
comment on table rewards.model_fact is 'owner, tier, VRAM and rate of models, appended';

create table if not exists rewards.admin_log (
	id bigint generated always as identity primary key,
	at timestamptz not null default clock_timestamp(),
	session_role text not null,
	updated_by text not null,
	call text not null,
	arguments jsonb,
	before jsonb,
	after jsonb
);
comment on table rewards.admin_log is 'every admin call with what it changed (C11, X2)';

create table if not exists rewards.access (
	role regrole not null,
	access text not null,
	granted_at timestamptz not null default clock_timestamp(),
	primary key (role, access)
);
comment on table rewards.access is 'what grant_access() has given';
/* Where accounts stand: statuses, what was found against them, appeals, and limits on calls. */

/* the C core reads the columns up to valid_until by position */
create table if not exists rewards.account_status (
	id bigint generated always as identity primary key,
	account bigint not null,
	status text not null check (status in ('active', 'warned', 'paused', 'suspended', 'banned')),
	source text not null check (source in ('set', 'sanction', 'quality', 'detector', 'limit', 'appeal')),
	valid_from timestamptz not null,
	seen_from bigint not null,
	sure_from bigint,
	valid_until timestamptz not null default 'infinity',
	reason text not null,
	recorded_at timestamptz not null default clock_timestamp(),
	recorded_xid xid8 not null default pg_current_xact_id(),
	updated_by text not null
);
create index if not exists account_status_account on rewards.account_status (account, valid_until);
create index if not exists account_status_banned on rewards.account_status (account) where status = 'banned';
create index if not exists account_status_unsettled on rewards.account_status (id) where sure_from is null;
comment on table rewards.account_status is
	'statuses of accounts, appended; of those that hold at a time the last counts, and without any an account is active. source: whose doing it is';

create table if not exists rewards.abuse_flag (
	id bigint generated always as identity primary key,
	account bigint not null,
	detector text not null,
	evidence jsonb not null,
	created_at timestamptz not null default clock_timestamp(),
	cleared_at timestamptz,
	cleared_by text,
	note text,
	check (num_nulls(cleared_at, cleared_by) in (0, 2))
);
create unique index if not exists abuse_flag_open on rewards.abuse_flag (account, detector) where cleared_at is null;
create index if not exists abuse_flag_account on rewards.abuse_flag (account, detector);
comment on table rewards.abuse_flag is 'what detectors have found, with evidence; one open flag by account and detector, cleared ones stay';

create table if not exists rewards.review (
	id bigint generated always as identity primary key,
	account bigint not null,
	reason text not null,
	evidence jsonb not null,
	created_at timestamptz not null default clock_timestamp(),
	closed_at timestamptz,
	closed_by text,
	note text,
	check (num_nulls(closed_at, closed_by) in (0, 2))
);
create unique index if not exists review_open on rewards.review (account) where closed_at is null;
comment on table rewards.review is 'accounts that somebody is to look at, one open review an account';

create table if not exists rewards.appeal (
	id bigint generated always as identity primary key,
	account bigint not null,
	message text not null,
	created_at timestamptz not null default clock_timestamp(),
	accepted boolean,
	resolved_at timestamptz,
	resolved_by text,
	note text,
	check (num_nulls(accepted, resolved_at, resolved_by) in (0, 3))
);
create unique index if not exists appeal_open on rewards.appeal (account) where resolved_at is null;
comment on table rewards.appeal is 'what accounts say against their status, one open appeal an account';

create table if not exists rewards.revocation (
	id bigint generated always as identity primary key,
	account bigint not null,
	since timestamptz not null,
	seen_from bigint not null,
	unseen int8multirange not null,
	reason text not null,
	recorded_at timestamptz not null default clock_timestamp(),
	updated_by text not null
);
create index if not exists revocation_account on rewards.revocation (account);
comment on table rewards.revocation is
	'what was taken back of an account at once: referral shares and bonuses of events from since on, numbered up to seen_from but for those unseen, which were not yet committed';

create table if not exists rewards.rate_window (
	who text collate "C" not null,
	subject text collate "C" not null,
	since timestamptz not null,
	until timestamptz not null,
	calls bigint not null,
	primary key (who, subject, since, until)
) with (fillfactor = 50);
comment on table rewards.rate_window is
	'how often limited calls and usage came in a window of time. who: kind and id of an account as user:abc, or the e-mail, in lower case, of somebody who has none';

create table if not exists rewards.usage_excess (
	usage_id bigint primary key,
	user_id text collate "C" not null
);
comment on table rewards.usage_excess is 'usage above a limit that reverses, until posting has taken it back';
/* The number line: usage, the journal, and the totals that posting keeps. */

create sequence if not exists rewards.usage_number as bigint cache 1 no cycle;
comment on sequence rewards.usage_number is 'the numbers of usage rows, journal entries and referral edges, in order of arrival';

/* the C core knows these columns by position */
create table if not exists rewards.usage_logs (
	id bigint not null default rewards.next_number('rewards.usage_number') primary key,
	created_at timestamptz not null default now(),
	status_code integer not null default 200,
	input_tokens integer not null default 0,
	output_tokens integer not null default 0,
	latency_ms integer,
	request_id text collate "C",
	user_id text collate "C" not null,
	provider_id text collate "C",
	endpoint text not null,
	model text collate "C",
	character_id text collate "C",
	usage_type text,
	service text,
	tier text,
	provider_points numeric,
	user_points numeric,
	creator_earnings numeric,
	cost numeric,
	distribution rewards.distribution
) partition by range (id);
create index if not exists usage_logs_created_at on rewards.usage_logs using brin (created_at);
comment on table rewards.usage_logs is 'the one thing an application writes: its requests. From service on the columns are computed';

create table if not exists rewards.usage_partition (
	first bigint primary key,
	upto bigint not null,
	made_at timestamptz not null default clock_timestamp(),
	started_at timestamptz
);
comment on table rewards.usage_partition is 'partitions of usage_logs: numbers from first up to, not including, upto';

create table if not exists rewards.journal (
	id bigint not null default rewards.next_number('rewards.usage_number') primary key,
	created_at timestamptz not null,
	recorded_at timestamptz not null default clock_timestamp(),
	unit smallint not null check (unit >= 1),
	distribution rewards.distribution not null,
	reason text,
	actor text not null,
	event text,
	account bigint,
	cause text collate "C",
	reverses_source text,
	reverses_id bigint,
	held_until timestamptz,
	expires_at timestamptz,
	reference text collate "C",
	model text collate "C",
	requests integer not null default 0,
	tokens bigint not null default 0
);
create unique index if not exists journal_once on rewards.journal (event, account, cause);
create index if not exists journal_held on rewards.journal (account, held_until) where held_until is not null;
create unique index if not exists journal_reference on rewards.journal (event, reference) where reference is not null;
create index if not exists journal_wallet on rewards.journal (account, unit, id) where unit >= 3;
create index if not exists journal_expiry on rewards.journal (account, unit, expires_at) where expires_at is not null;
create index if not exists journal_reverses on rewards.journal (reverses_id) where reverses_source is not null;
comment on table rewards.journal is
	'every movement that is no usage; what a rule grants is there once by (event, account, cause): the rule''s key, who gets it, whose doing it is. requests, tokens and model tell what it adds to or takes from the counts of usage';

create table if not exists rewards.cursor (
	single boolean primary key default true check (single),
	last bigint not null default 0,
	open_first bigint[] not null default '{}',
	open_last bigint[] not null default '{}',
	open_lowest bigint[] not null default '{}',
	open_horizon bigint[] not null default '{}',
	quiet_xid bigint[] not null default '{}',
	quiet_since timestamptz[] not null default '{}',
	identity text,
	settling pg_snapshot,
	settling_horizon xid8,
	unpriced bigint not null default 0,
	announced pg_snapshot,
	announced_by xid8,
	posted_at timestamptz
);
insert into rewards.cursor default values on conflict do nothing;
comment on table rewards.cursor is 'how far posting has come: totals hold the rows up to last, except those in open stretches';

create table if not exists rewards.day_total (
	account bigint not null,
	day date not null,
	unit smallint not null,
	entry smallint not null,
	level smallint not null,
	amount numeric not null,
	events bigint not null,
	tokens bigint not null,
	primary key (account, day, unit, entry, level)
) with (fillfactor = 80);
comment on table rewards.day_total is 'folded totals by account and programme day';

create table if not exists rewards.month_total (
	account bigint not null,
	month date not null,
	unit smallint not null,
	entry smallint not null,
	level smallint not null,
	amount numeric not null,
	events bigint not null,
	tokens bigint not null,
	primary key (account, month, unit, entry, level)
) with (fillfactor = 80);
comment on table rewards.month_total is 'folded totals by account and month';

create table if not exists rewards.score (
	board smallint not null check (board between 1 and 4),
	month date not null,
	account bigint not null,
	name text collate "C" not null,
	points numeric not null,
	primary key (board, month, account)
);
create index if not exists score_order on rewards.score (board, month, points desc, name, account);
comment on table rewards.score is
	'folded sums of the leaderboards (1 provider, 2 user, 3 creator, 4 referrer); month infinity is all time';

create table if not exists rewards.score_bucket (
	board smallint not null,
	month date not null,
	lowest numeric not null,
	accounts bigint not null,
	primary key (board, month, lowest)
) with (fillfactor = 80);
comment on table rewards.score_bucket is
	'how many positive scores of a board and month lie from lowest up to the next bucket''s lowest';

create table if not exists rewards.model_total (
	owner bigint not null,
	model text collate "C" not null,
	events bigint not null,
	tokens bigint not null,
	amount numeric not null,
	first_at timestamptz not null,
	last_at timestamptz not null,
	primary key (owner, model)
) with (fillfactor = 80);
comment on table rewards.model_total is 'folded creator earnings by owner and model';

create table if not exists rewards.activity (
	account bigint primary key,
	first_at timestamptz not null,
	last_at timestamptz not null,
	referred bigint not null,
	services text[] not null,
	streak integer not null,
	best_streak integer not null,
	streak_since date not null,
	last_day date not null,
	requests bigint not null,
	onboarded_at timestamptz not null
) with (fillfactor = 80);
comment on table rewards.activity is
	'what an account has done with success, as far as folded: first and last request, requests since it was referred, services used or served, the run of days that ends on its last one, all requests, and when they were enough to count as onboarded (infinity: not yet)';

create table if not exists rewards.network (
	account bigint not null,
	level smallint not null check (level between 1 and 32),
	accounts bigint not null,
	primary key (account, level)
) with (fillfactor = 80);
comment on table rewards.network is 'how many accounts an account has below it at each level, by the edges folded';
/* Money: units, wallets, what of them expires or is held, payouts, and usage without earnings. */

create table if not exists rewards.unit (
	number smallint primary key check (number >= 1),
	name text collate "C" not null unique
);
insert into rewards.unit (number, name) values (1, 'points'), (2, 'earnings'), (3, 'credits'), (4, 'tokens') on conflict do nothing;
comment on table rewards.unit is 'units of movements: the four that the programme knows, then currencies as add_credits() has met them';

create table if not exists rewards.wallet (
	account bigint not null,
	unit smallint not null,
	balance numeric not null,
	anchor bigint,
	next_expiry timestamptz,
	moves bigint not null default 1,
	updated_at timestamptz not null default clock_timestamp(),
	primary key (account, unit)
) with (fillfactor = 50);
comment on table rewards.wallet is
	'what is locked to spend from an account. balance is the sum of its movements, of credits only while anchor is the rule that makes the policy enforce: usage under allow does not come here. next_expiry: when something in it may expire';

create table if not exists rewards.lot (
	id bigint primary key,
	account bigint not null,
	unit smallint not null,
	remaining numeric not null check (remaining >= 0),
	expires_at timestamptz not null
) with (fillfactor = 80);
create index if not exists lot_wallet on rewards.lot (account, unit);
create index if not exists lot_due on rewards.lot (expires_at);
comment on table rewards.lot is 'what is left of credits that expire, as far as folded; id is that of the journal entry that brought them';

/* the C core reads these columns by position */
create table if not exists rewards.hold (
	id bigint generated always as identity primary key,
	account bigint not null,
	amount numeric not null check (amount > 0),
	request_id text collate "C" not null,
	expires_at timestamptz not null,
	created_at timestamptz not null default clock_timestamp(),
	seen_from bigint not null,
	closed_at timestamptz,
	outcome text check (outcome in ('captured', 'released', 'expired')),
	usage_id bigint,
	check (num_nulls(closed_at, outcome) in (0, 2))
);
create unique index if not exists hold_request on rewards.hold (request_id) where closed_at is null;
create index if not exists hold_account on rewards.hold (account) where closed_at is null;
create index if not exists hold_captured on rewards.hold (usage_id) where usage_id is not null;
create index if not exists hold_due on rewards.hold (expires_at) where closed_at is null;
comment on table rewards.hold is
	'credits kept back for a request until its row comes, which numbers above seen_from may be; posting closes them when their time is over';

create table if not exists rewards.unrated_usage (
	usage_id bigint primary key,
	error text not null,
	recorded_at timestamptz not null default clock_timestamp(),
	mended_at timestamptz
);
comment on table rewards.unrated_usage is 'usage of deduct_token() that was stored without earnings because computing them failed, until rerate() has gone over it';

create table if not exists rewards.payout_method (
	account bigint not null,
	method text collate "C" not null,
	details jsonb not null,
	updated_at timestamptz not null default clock_timestamp(),
	updated_by text not null,
	primary key (account, method)
);
comment on table rewards.payout_method is 'how accounts are to be paid';

create table if not exists rewards.payout (
	id bigint generated always as identity primary key,
	account bigint not null,
	unit smallint not null,
	amount numeric not null check (amount > 0),
	method text collate "C",
	details jsonb,
	status text not null default 'requested' check (status in ('requested', 'approved', 'completed', 'failed')),
	reference text collate "C" unique,
	automatic boolean not null default false,
	requested_at timestamptz not null default clock_timestamp(),
	requested_by text not null,
	approved_at timestamptz,
	approved_by text,
	ended_at timestamptz,
	ended_by text,
	transfer text,
	reason text,
	check (status <> 'completed' or approved_at is not null),
	check ((status in ('completed', 'failed')) = (ended_at is not null))
);
create index if not exists payout_open on rewards.payout (account, unit) where status in ('requested', 'approved');
comment on table rewards.payout is
	'payouts and how far they have come; details are those of the method when it was requested, transfer is what completed it';
/* The outbox: what people are to be told, and who has used whose model. */

create table if not exists rewards.notification (
	id bigint generated always as identity primary key,
	account bigint not null,
	event text not null,
	cause text collate "C" not null,
	payload jsonb not null,
	created_at timestamptz not null default clock_timestamp(),
	taken_until timestamptz,
	delivered_at timestamptz,
	recorded_xid xid8 not null default pg_current_xact_id(),
	unique (account, event, cause)
);
create index if not exists notification_new on rewards.notification (recorded_xid) where delivered_at is null;
create index if not exists notification_open on rewards.notification (id) where delivered_at is null;
comment on table rewards.notification is 'messages for accounts, each once by (account, event, cause); a mailer has it until taken_until';

create table if not exists rewards.model_user (
	model text collate "C" not null,
	account bigint not null,
	owner bigint not null,
	first_at timestamptz not null,
	primary key (model, account)
);
comment on table rewards.model_user is 'users whose use of a model has earned somebody something, as far as folded; owner is who earned from the first';
/* Invitations: codes for one use, who was invited, what inviters have got for it, and the waiting list. */

create table if not exists rewards.invite_code (
	code text collate "C" primary key,
	owner bigint,
	source text not null,
	custom boolean not null default false,
	created_at timestamptz not null default clock_timestamp(),
	expires_at timestamptz,
	recipient text collate "C",
	used_by bigint,
	used_at timestamptz,
	voided_at timestamptz,
	reason text,
	check (num_nulls(used_by, used_at) in (0, 2)),
	check (num_nulls(voided_at, reason) in (0, 2)),
	check (used_at is null or voided_at is null)
);
create unique index if not exists invite_code_upper on rewards.invite_code (upper(code));
create index if not exists invite_code_owner on rewards.invite_code (owner);
create index if not exists invite_code_used on rewards.invite_code (used_by) where used_by is not null;
comment on table rewards.invite_code is
	'codes for one invitation each. owner: whose referral it makes, NULL the programme''s own; source: what it was given for; recipient: the e-mail, in lower case, that alone may use it';

create table if not exists rewards.referral (
	id uuid primary key default gen_random_uuid(),
	inviter bigint not null,
	email text collate "C" not null,
	code text collate "C" not null,
	created_at timestamptz not null default clock_timestamp(),
	referee bigint,
	unique (inviter, email)
);
create index if not exists referral_email on rewards.referral (email);
create unique index if not exists referral_referee on rewards.referral (referee) where referee is not null;
comment on table rewards.referral is 'invitations that were sent, by inviter and the recipient''s e-mail in lower case; referee: who has joined by it. How far that went follows from the edge and activity';

create table if not exists rewards.invite_reward (
	id bigint generated always as identity primary key,
	account bigint not null,
	cause text collate "C" not null,
	reward jsonb not null,
	reason text not null,
	granted_at timestamptz not null default clock_timestamp(),
	revoked_at timestamptz,
	unique (account, cause)
);
comment on table rewards.invite_reward is
	'what accounts have got for use, referrals and quality, each once by (account, cause): days, referrals/N or quality';

create table if not exists rewards.perk (
	id bigint generated always as identity primary key,
	account bigint not null,
	perk text collate "C" not null,
	duration interval check (duration > '0'),
	granted_at timestamptz not null default clock_timestamp(),
	reward bigint,
	voided_at timestamptz
);
create index if not exists perk_account on rewards.perk (account);
comment on table rewards.perk is 'what accounts may use besides: premium access, support, previews. duration NULL is for life; durations add up';

create table if not exists rewards.quality_score (
	account bigint not null,
	day date not null,
	method text not null,
	score numeric not null check (score between 0 and 1),
	referees bigint not null,
	parts jsonb,
	recorded_at timestamptz not null default clock_timestamp(),
	primary key (account, day)
);
create index if not exists quality_score_day on rewards.quality_score (day);
comment on table rewards.quality_score is 'referral quality as maintain() found it, a row when it changed, after a quarter one a month; parts are the factors it is made of';

create table if not exists rewards.waitlist_entry (
	id bigint generated always as identity primary key,
	email text collate "C" not null unique,
	referrer bigint,
	code text collate "C",
	joined_at timestamptz not null default clock_timestamp(),
	status text not null default 'waiting' check (status in ('waiting', 'approved', 'released', 'joined')),
	released_at timestamptz,
	invite_code text collate "C",
	/* whom nobody has referred stands behind all others */
	place bigint not null generated always as (id + case when referrer is null then 4611686018427387904 else 0 end) stored
);
create unique index if not exists waitlist_order on rewards.waitlist_entry (place) where status = 'waiting';
comment on table rewards.waitlist_entry is
	'who waits for an invitation, by e-mail in lower case, in order of place; code is the one they came with, invite_code the one they got';

create table if not exists rewards.waitlist_move (
	id bigint generated always as identity primary key,
	block bigint not null,
	change bigint not null
);
comment on table rewards.waitlist_move is 'how many have come to or left a block of the waiting list since waitlist_block was counted';

create table if not exists rewards.waitlist_block (
	block bigint primary key,
	waiting bigint not null
) with (fillfactor = 50);
/* not counted: who has this row locked folds the moves */
insert into rewards.waitlist_block (block, waiting) values (-1, 0) on conflict do nothing;
comment on table rewards.waitlist_block is 'how many wait in each block of 1024 places, but for waitlist_move: with it a position needs no walk along the list';
/* What guards the rows. */

create or replace trigger usage_reward before insert on rewards.usage_logs
	for each row execute function rewards.usage_before_insert();
comment on trigger usage_reward on rewards.usage_logs is 'computes the reward of a row and writes it into the row';
create or replace trigger usage_charge after insert on rewards.usage_logs
	for each statement execute function rewards.usage_after_insert();
comment on trigger usage_charge on rewards.usage_logs is 'under the credit policy enforce: refuses a statement that wallets do not cover';
create or replace trigger usage_immutable before update or delete or truncate on rewards.usage_logs
	for each statement execute function rewards.refuse_change();
comment on trigger usage_immutable on rewards.usage_logs is 'rows are immutable';
create or replace trigger journal_immutable before update or delete or truncate on rewards.journal
	for each statement execute function rewards.refuse_change();
comment on trigger journal_immutable on rewards.journal is 'the journal only grows';
create or replace trigger admin_log_immutable before update or delete or truncate on rewards.admin_log
	for each statement execute function rewards.refuse_change();
comment on trigger admin_log_immutable on rewards.admin_log is 'the log of calls only grows';
/*
 * What analysts and applications read.  Views are only ever replaced, with new
 * columns at the end.  Totals + tail, one snapshot.
 */

/* ---- accounts and referrals ---- */

create or replace view rewards.account_statuses as
select a.kind, a.name as account, s.status, s.source, s.reason, s.valid_from as since, nullif(s.valid_until, 'infinity') as until,
	s.recorded_at, s.updated_by
from rewards.account_status s join rewards.account a on a.id = s.account;
comment on view rewards.account_statuses is
	'every status an account was ever given; of those that hold now the last counts, without any it is active. source: set (by hand), sanction, quality, detector, limit, appeal (A3)';

create or replace view rewards.present_statuses as
select s.account, s.status, nullif(s.valid_until, 'infinity') as until
from rewards.account_status s
where s.valid_from <= now() and s.valid_until > now()
	and not exists (
		select from rewards.account_status n
		where n.account = s.account and n.valid_from <= now() and n.valid_until > now() and (n.valid_from, n.id) > (s.valid_from, s.id));
comment on view rewards.present_statuses is 'the status of each account now, accounts by number; without one an account is active';

create or replace view rewards.accounts as
with tail as materialized (
	select coalesce(a.kind, t.kind) as kind, coalesce(a.name, t.account) as name,
		min(t.named_at) as named_at, max(t.last_at) as last_at
	from rewards.tail_accounts() t left join rewards.account a on a.id = t.account_number
	group by 1, 2
)
select a.kind, a.name as account, a.email, coalesce(s.status, 'active') as status, s.until as status_until,
	r.name as referrer, a.joined_at, nullif(least(a.onboarded_at, v.onboarded_at), 'infinity') as onboarded_at,
	nullif(greatest(v.last_at, t.last_at), '-infinity') as last_active_at
from rewards.account a
left join rewards.account r on r.id = a.referrer
left join rewards.activity v on v.account = a.id
left join tail t on t.kind = a.kind and t.name = a.name
left join rewards.present_statuses s on s.account = a.id
union all
select t.kind, t.name, null, 'active', null, null, t.named_at, null, t.last_at
from tail t
where not exists (select from rewards.account a where a.kind = t.kind and a.name = t.name);
comment on view rewards.accounts is
	'all accounts, also those that only rows not yet folded name; status_until NULL is without end, onboarded_at as far as posted';

create or replace view rewards.appeals as
select p.id, a.kind, a.name as account, p.message, p.created_at,
	case when p.accepted then 'accepted' when not p.accepted then 'rejected' else 'open' end as status,
	p.resolved_at, p.resolved_by, p.note
from rewards.appeal p join rewards.account a on a.id = p.account;
comment on view rewards.appeals is 'what accounts have said against their status, and what was decided (A3, K8)';

create or replace view rewards.reviews as
select r.id, a.kind, a.name as account, r.reason, r.evidence, r.created_at, r.closed_at is null as open, r.closed_at, r.closed_by, r.note
from rewards.review r join rewards.account a on a.id = r.account;
comment on view rewards.reviews is 'accounts that somebody is to look at, or has (Q4, I6)';

create or replace view rewards.users as
select a.account as id, a.email, a.joined_at as created_at from rewards.accounts a where a.kind = 'user';
comment on view rewards.users is 'accounts of kind user (K2)';

create or replace view rewards.referral_codes as
select c.code, a.kind, a.name as account, c.custom, c.voided_at is null as active,
	(select count(*) from rewards.account r where r.referrer = c.account and upper(r.code) = upper(c.code)) as uses,
	c.created_at, c.voided_at, c.reason
from rewards.code c join rewards.account a on a.id = c.account
union all
select a.name, a.kind, a.name, false, false,
	(select count(*) from rewards.account r where r.referrer = a.id and r.code = a.name),
	a.joined_at, v.voided_at, v.reason
from rewards.voided_identity v join rewards.account a on a.id = v.account;
comment on view rewards.referral_codes is 'referral codes that were made, and ids that were revoked as codes (K1)';

create or replace view rewards.referral_relationships as
select a.kind, a.name as referee, r.name as referrer, a.code, a.referred_at as created_at, r.kind as referrer_kind
from rewards.account a join rewards.account r on r.id = a.referrer;
comment on view rewards.referral_relationships is 'who referred whom, one row a referee (K1)';

/* ---- rules ---- */

create or replace view rewards.rules as
select r.rule, r.key, r.value, r.valid_from, r.recorded_at, r.updated_by,
	r.value is not null and r.id = (
		select n.id from rewards.rule n
		where n.rule = r.rule and n.key = r.key and n.valid_from <= now()
		order by n.valid_from desc, n.id desc limit 1) as in_force
from rewards.rule r;
comment on view rewards.rules is 'every version of every rule; value NULL ends one';

create or replace view rewards.settings as
select d.name, coalesce(r.value ->> 'value', d.default_value) as value, d.default_value, d.description,
	r.updated_by, r.recorded_at as updated_at
from rewards.setting_defaults() d
left join lateral (
	select r.value, r.updated_by, r.recorded_at from rewards.rule r
	where r.rule = 'setting' and r.key = d.name and r.valid_from <= now()
	order by r.valid_from desc, r.id desc limit 1) r on true;
comment on view rewards.settings is 'the programme''s settings; set_setting() changes them';

create or replace view rewards.tiers as
select r.key as tier, r.value ->> 'title' as title, (r.value ->> 'points')::numeric as points,
	(r.value ->> 'vram_above')::numeric as vram_above, (r.value ->> 'vram_upto')::numeric as vram_upto,
	r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'tier' and r.in_force;
comment on view rewards.tiers is 'tiers in force; points a request, VRAM in GB (above, upto]';

create or replace view rewards.services as
select r.key as service, r.value ->> 'endpoint_suffix' as endpoint_suffix, (r.value ->> 'points')::numeric as points,
	(r.value ->> 'provider_per_token')::numeric as provider_per_token, (r.value ->> 'user_base')::numeric as user_base,
	(r.value ->> 'user_per_token')::numeric as user_per_token, r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'service' and r.in_force;
comment on view rewards.services is 'services in force; points NULL = the tier''s';

create or replace view rewards.model_patterns as
select r.key::integer as position, r.value ->> 'pattern' as pattern, r.value ->> 'but_not' as but_not,
	r.value ->> 'tier' as tier, r.value ->> 'match' as match, r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'model_pattern' and r.in_force;
comment on view rewards.model_patterns is 'name patterns in force, tried by position';

create or replace view rewards.referral_rates as
select r.key as kind, l.level::integer as level, l.rate::numeric as rate, r.valid_from, r.updated_by
from rewards.rules r cross join lateral jsonb_array_elements_text(r.value -> 'rates') with ordinality l(rate, level)
where r.rule = 'referral_rates' and r.in_force;
comment on view rewards.referral_rates is 'referral rates in force, one row a kind and level';

create or replace view rewards.referral_kinds as
select k.referrer_kind, k.referee_kind, coalesce((r.value ->> 'allowed')::boolean, k.referrer_kind = k.referee_kind) as allowed,
	r.valid_from, r.updated_by
from (values ('provider', 'provider'), ('provider', 'user'), ('user', 'provider'), ('user', 'user')) k(referrer_kind, referee_kind)
left join rewards.rules r on r.rule = 'referral_kinds' and r.key = k.referrer_kind || '/' || k.referee_kind and r.in_force;
comment on view rewards.referral_kinds is 'which kinds may refer which now; valid_from NULL where no rule says so (R11)';

create or replace view rewards.bonuses as
select r.value ->> 'event' as event, r.value ->> 'kind' as kind, (r.value ->> 'amount')::numeric as amount,
	(r.value ->> 'recipient_level')::integer as recipient_level, r.valid_from, r.updated_by,
	(r.value ->> 'threshold')::integer as threshold, (r.value ->> 'hold')::interval as hold
from rewards.rules r where r.rule = 'bonus' and r.in_force;
comment on view rewards.bonuses is
	'bonuses in force; recipient_level 0 is the account itself, 1 its referrer; threshold: at how many requests or days; hold: how long it cannot be disposed of';

create or replace view rewards.streak_multipliers as
select r.value ->> 'kind' as kind, (r.value ->> 'days')::integer as days, (r.value ->> 'multiplier')::numeric as multiplier,
	r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'streak_multiplier' and r.in_force;
comment on view rewards.streak_multipliers is 'what streaks multiply points by, from how many days on';

create or replace view rewards.campaigns as
select c.name, (c.value ->> 'multiplier')::numeric as multiplier, c.since, nullif(c.until, 'infinity') as until,
	c.value ->> 'kind' as kind, c.value ->> 'service' as service, c.value ->> 'tier' as tier,
	c.since <= now() and now() < c.until as running, c.updated_by
from (
	select r.key as name, r.value, r.valid_from as since, r.updated_by,
		least((r.value ->> 'until')::timestamptz, lead(r.valid_from, 1, 'infinity') over (partition by r.key order by r.valid_from, r.id)) as until
	from rewards.rule r where r.rule = 'campaign'
) c
where c.value is not null and c.since < c.until;
comment on view rewards.campaigns is
	'all campaigns, past, running and to come; until NULL is without end, kind, service and tier NULL are all of them. Cancelled ones are in rewards.rules (F1)';

create or replace view rewards.streaks as
select a.kind, a.name as account, v.streak as current_streak, v.best_streak, v.last_day,
	v.last_day >= t.today - 1 - t.grace as alive,
	coalesce((
		select (m.value ->> 'multiplier')::numeric
		from (
			select f.number from rewards.account_fact f
			where f.account = v.account and f.fact = 'streak' and f.valid_from <= now() and f.valid_until > now()
			order by f.valid_from desc, f.id desc limit 1) f
		join rewards.rules m on m.rule = 'streak_multiplier' and m.in_force
			and m.value ->> 'kind' = a.kind and (m.value ->> 'days')::integer <= f.number
		order by (m.value ->> 'days')::integer desc limit 1), 1) as multiplier
from rewards.activity v
join rewards.account a on a.id = v.account
cross join (select rewards.today() as today, rewards.setting('streak_grace_days')::integer as grace) t;
comment on view rewards.streaks is
	'days in a row on which an account used, served or was up, as far as posted: the run that ends on last_day, the longest one, whether the run can still go on, and what points of today are multiplied by for it (S1, S2)';

/* ---- prices ---- */

create or replace view rewards.pricing_history as
select r.key as config_key, trim_scale((r.value ->> 'price_per_unit')::numeric) as price_per_unit, r.value ->> 'unit' as unit,
	r.valid_from, r.updated_by, r.recorded_at
from rewards.rule r where r.rule = 'price';
comment on view rewards.pricing_history is 'every price that was ever set; the last recorded of those valid at a time counts (C10, C11)';

create or replace view rewards.pricing as
select r.key as config_key, trim_scale((r.value ->> 'price_per_unit')::numeric) as price_per_unit, r.value ->> 'unit' as unit,
	r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'price' and r.in_force;
comment on view rewards.pricing is 'prices in force, in credits per unit; they count while is_mainnet() (C1, C10)';

/* ---- invitations ---- */

create or replace view rewards.invite_codes as
select c.code, o.name as owner, c.created_at, c.expires_at, u.name as used_by, c.used_at, c.source, c.custom,
	c.recipient as recipient_email, c.voided_at, c.reason
from rewards.invite_code c
left join rewards.account o on o.id = c.owner
left join rewards.account u on u.id = c.used_by;
comment on view rewards.invite_codes is
	'codes for one invitation each; owner NULL is the programme; source: days, referrals/N, quality, waitlist; expires_at NULL is never (I2, I3)';

create or replace view rewards.referrals as
with stage as (
	select r.id, r.inviter, r.email as invited, r.code, r.created_at, r.referee
	from rewards.referral r
	union all
	/* who joined by a code that nobody had recorded to be sent */
	select md5('referral of account ' || a.id)::uuid, a.referrer, coalesce(a.email, a.name), a.code, a.referred_at, a.id
	from rewards.account a
	where a.referrer is not null and not exists (select from rewards.referral r where r.referee = a.id)
)
select s.id, coalesce(i.email, i.name) as inviter_email, s.invited as invited_email, s.code as invite_code,
	case
		when s.referee is null then 'sent'
		when v.last_at - interval '30 days' >= a.referred_at then 'retained'
		when v.requests > 0 and rewards.is_active(a.id, z.active_days) then 'active'
		when least(a.onboarded_at, v.onboarded_at) <= now() then 'onboarded'
		else 'joined' end as status,
	s.created_at, i.kind, a.name as referee, a.referred_at as joined_at
from stage s
join rewards.account i on i.id = s.inviter
left join rewards.account a on a.id = s.referee
left join rewards.activity v on v.account = s.referee
cross join (select (select n.value from rewards.settings n where n.name = 'active_days')::integer as active_days) z;
comment on view rewards.referrals is
	'referrals and how far they came, as far as posted: sent, joined, onboarded (complete_onboarding() or onboarded_requests requests), active (on active_days days), retained (a request 30 days or more after joining) (R15, K2)';

create or replace view rewards.quality_history as
select q.day, a.kind, a.name as account, q.method, trim_scale(q.score) as score, q.referees, q.parts
from rewards.quality_score q join rewards.account a on a.id = q.account;
comment on view rewards.quality_history is
	'quality scores as maintain() found them, a row when one changed and after a quarter one a month; a score holds until the next row; referees is how many it stands on, parts the factors of weighted (Q6)';

/* ---- growth ---- */

create or replace view rewards.referral_growth as
select g.month, g.kind, g.new_referees, sum(g.new_referees) over (partition by g.kind order by g.month)::bigint as total
from (
	select date_trunc('month', a.referred_at at time zone z.zone)::date as month, a.kind, count(*) as new_referees
	from rewards.account a cross join (select s.value as zone from rewards.settings s where s.name = 'time_zone') z
	where a.referrer is not null
	group by 1, 2
) g;
comment on view rewards.referral_growth is 'new referees by programme month and kind, and all of that kind so far (R13)';

/* ---- models ---- */

create or replace view rewards.model_facts as
select distinct on (f.model, f.fact) f.model, f.fact, f.account, f.number, f.tier, f.valid_from
from rewards.model_fact f where f.valid_from <= now()
order by f.model, f.fact, f.valid_from desc, f.id desc;
comment on view rewards.model_facts is 'owner, tier, VRAM and rate of models as they are now, accounts by number';

create or replace view rewards.models as
select m.id, m.name, m.category, m.character_id, t.tier, v.number as vram_gb, r.number as rate, m.created_at
from rewards.model m
left join rewards.model_facts t on t.model = m.id and t.fact = 'tier'
left join rewards.model_facts v on v.model = m.id and v.fact = 'vram'
left join rewards.model_facts r on r.model = m.id and r.fact = 'rate';
comment on view rewards.models is 'registered models with their own tier, VRAM in GB and rate where they have one (K2)';

create or replace view rewards.characters as
select c.id, c.name, c.image from rewards.character c;
comment on view rewards.characters is 'characters that models stand behind (K2)';

create or replace view rewards.user_models as
select a.name as user_id, f.model as model_id, case when isfinite(f.valid_from) then f.valid_from else m.created_at end as created_at
from rewards.model_facts f join rewards.account a on a.id = f.account join rewards.model m on m.id = f.model
where f.fact = 'owner';
comment on view rewards.user_models is 'who owns which model now (K2)';

create or replace view rewards.model_creator_earnings as
select a.name as creator_id, t.model as model_id, sum(t.events)::bigint as total_usage_count,
	sum(t.tokens)::bigint as total_tokens_consumed, trim_scale(sum(t.amount)) as total_earnings,
	nullif(max(t.last_at), '-infinity') as last_usage_at, nullif(min(t.first_at), 'infinity') as created_at,
	nullif(max(t.last_at), '-infinity') as updated_at
from (
	select t.owner, t.model, t.events, t.tokens, t.amount, t.first_at, t.last_at from rewards.model_total t
	union all
	select t.owner, t.model, t.events, t.tokens, t.amount, t.first_at, t.last_at from rewards.tail_models() t
) t join rewards.account a on a.id = t.owner
group by a.name, t.model;
comment on view rewards.model_creator_earnings is 'what each model has earned each creator; usage taken back is not counted (E2)';

create or replace view rewards.model_usage_logs as
select u.id, u.user_id, u.model as model_id, u.character_id, a.name as creator_id,
	coalesce(u.usage_type, u.service) as usage_type, u.input_tokens::bigint + u.output_tokens as tokens_consumed,
	s.amount as earnings_generated, u.created_at
from rewards.usage_logs u
cross join lateral rewards.shares(u.distribution) s
join rewards.account a on a.id = s.account_number
where u.creator_earnings <> 0 and s.entry = 'creator'
	and not exists (
		select from rewards.journal j
		where j.reverses_source = 'usage_logs' and j.reverses_id = u.id and j.event = 'reversal')
union all
/* what earned something only when rerate() had gone over it */
select u.id, u.user_id, j.model, u.character_id, a.name, coalesce(u.usage_type, u.service), u.input_tokens::bigint + u.output_tokens,
	s.amount, u.created_at
from rewards.journal j
cross join lateral rewards.shares(j.distribution) s
join rewards.account a on a.id = s.account_number
join rewards.usage_logs u on u.id = j.reverses_id
where j.reverses_source = 'usage_logs' and j.event = 'rerate' and j.unit = 2 and j.requests > 0
	and not exists (
		select from rewards.journal r
		where r.reverses_source = 'usage_logs' and r.reverses_id = u.id and r.event = 'reversal');
comment on view rewards.model_usage_logs is 'usage that earned a creator something and was not taken back (E2)';

/* ---- points ---- */

create or replace view rewards.month_lines as
select a.kind, a.name as account, t.month, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.month_total t join rewards.account a on a.id = t.account
union all
select coalesce(a.kind, t.kind), coalesce(a.name, t.account), t.period, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.tail_totals('month') t left join rewards.account a on a.id = t.account_number;
comment on view rewards.month_lines is 'totals by account and month, folded and not; a key may come twice, to be added up';

create or replace view rewards.day_lines as
select a.kind, a.name as account, t.day, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.day_total t join rewards.account a on a.id = t.account
union all
select coalesce(a.kind, t.kind), coalesce(a.name, t.account), t.period, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.tail_totals('day') t left join rewards.account a on a.id = t.account_number;
comment on view rewards.day_lines is 'totals by account and programme day, folded and not; a key may come twice, to be added up';

create or replace view rewards.provider_rewards as
select l.account as provider_id, l.month,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 1), 0)) as work_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 3), 0)) as referral_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) between 5 and 11), 0)) as bonus_points,
	trim_scale(sum(l.amount)) as total_points,
	coalesce(sum(l.events) filter (where abs(l.entry) = 1), 0)::bigint as requests,
	coalesce(sum(l.tokens) filter (where abs(l.entry) = 1), 0)::bigint as tokens
from rewards.month_lines l where l.kind = 'provider' and l.unit = 1 and abs(l.entry) < 12
group by l.account, l.month;
comment on view rewards.provider_rewards is 'points of providers by month; requests and tokens count what succeeded (P12, N1)';

create or replace view rewards.user_points as
select l.account as user_id, l.month,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 2), 0)) as usage_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 3), 0)) as referral_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) between 5 and 11), 0)) as bonus_points,
	trim_scale(sum(l.amount)) as total_points,
	coalesce(sum(l.events) filter (where abs(l.entry) = 2), 0)::bigint as requests,
	coalesce(sum(l.tokens) filter (where abs(l.entry) = 2), 0)::bigint as tokens
from rewards.month_lines l where l.kind = 'user' and l.unit = 1 and abs(l.entry) < 12
group by l.account, l.month;
comment on view rewards.user_points is 'points of users by month; requests and tokens count what succeeded (P12, N1)';

create or replace view rewards.referral_points_by_level as
select l.kind, l.account, l.month, l.level::integer as level, trim_scale(sum(l.amount)) as points, sum(l.events)::bigint as events
from rewards.month_lines l where l.unit = 1 and abs(l.entry) = 3
group by l.kind, l.account, l.month, l.level;
comment on view rewards.referral_points_by_level is 'referral points by month and level of the chain (R14, N3)';

create or replace view rewards.daily_points as
select l.kind, l.account, l.day,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) in (1, 2)), 0)) as own_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 3), 0)) as referral_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) between 5 and 11), 0)) as bonus_points,
	trim_scale(sum(l.amount)) as total_points,
	coalesce(sum(l.events) filter (where abs(l.entry) in (1, 2)), 0)::bigint as requests,
	coalesce(sum(l.tokens) filter (where abs(l.entry) in (1, 2)), 0)::bigint as tokens
from rewards.day_lines l where l.unit = 1 and abs(l.entry) < 12
group by l.kind, l.account, l.day;
comment on view rewards.daily_points is 'points of accounts by programme day (P10, N4)';

/* ---- leaderboards ---- */

create or replace view rewards.board_lines as
select rewards.board_name(b.number::smallint) as board, s.month, a.kind, s.name as account, s.points
from generate_series(1, 4) b(number)
join rewards.score s on s.board = b.number::smallint and s.month < 'infinity'
join rewards.account a on a.id = s.account
union all
select rewards.board_name(b.number::smallint), null::date, a.kind, s.name, s.points
from generate_series(1, 4) b(number)
join rewards.score s on s.board = b.number::smallint and s.month = 'infinity'
join rewards.account a on a.id = s.account
union all
select b.board, m.month, coalesce(a.kind, t.kind), coalesce(a.name, t.account), t.amount
from rewards.tail_totals('month') t
left join rewards.account a on a.id = t.account_number
cross join lateral (
	select case coalesce(a.kind, t.kind) when 'provider' then 'provider' else 'user' end where t.unit = 1 and abs(t.entry) < 12
	union all
	select 'creator' where t.unit = 2 and abs(t.entry) < 12 and coalesce(a.kind, t.kind) = 'user'
	union all
	select 'referrer' where t.unit = 1 and abs(t.entry) = 3
) b(board)
cross join lateral (values (t.period), (null)) m(month);
comment on view rewards.board_lines is
	'points that count on leaderboards, folded and not, by month and (month NULL) for all time; a key may come twice, to be added up';

create or replace view rewards.leaderboard as
select s.board, s.month, rank() over (partition by s.board, s.month order by s.points desc) as rank, s.kind, s.account, s.points
from (
	select l.board, l.month, l.kind, l.account, trim_scale(sum(l.points)) as points
	from rewards.board_lines l
	group by l.board, l.month, l.kind, l.account
	having sum(l.points) > 0
) s
where not exists (
	select from rewards.present_statuses p join rewards.account a on a.id = p.account
	where p.status = 'banned' and a.kind = s.kind and a.name = s.account);
comment on view rewards.leaderboard is
	'boards provider, user, creator and referrer by month, and for all time where month is NULL; ranks leave gaps after ties (N1, N2). For a few places of a large board call leaderboard_top(), leaderboard_rank() or leaderboard_around()';

/* ---- movements ---- */

create or replace view rewards.ledger as
select 'usage_logs'::text as source, u.id as source_id,
	coalesce(a.kind, case s.entry when 'work' then 'provider' else 'user' end) as kind,
	coalesce(a.name, case s.entry when 'work' then u.provider_id else u.user_id end) as account,
	s.entry, s.level, s.amount, case s.entry when 'creator' then 'earnings' else 'points' end as unit,
	u.created_at, null::timestamptz as recorded_at, null::text as reason
from rewards.usage_logs u
cross join lateral rewards.shares(u.distribution) s
left join rewards.account a on a.id = s.account_number
union all
select 'usage_logs', u.id, 'user', u.user_id, 'usage', 0, -u.cost, 'credits', u.created_at, null, null
from rewards.usage_logs u where u.cost <> 0
union all
select 'journal', j.id, a.kind, a.name, case j.event when 'reversal' then 'reversal' else s.entry end, s.level, s.amount, n.name,
	j.created_at, j.recorded_at, j.reason
from rewards.journal j
cross join lateral rewards.shares(j.distribution) s
join rewards.unit n on n.number = j.unit
left join rewards.account a on a.id = s.account_number;
comment on view rewards.ledger is
	'usage and journal, one line a share, and one for what a request cost; usage keeps no recording time (NULL), its id gives the order of arrival (X2)';

create or replace view rewards.unmatched_models as
select m.model, m.events, m.tokens, m.last_seen
from (
	select u.model, count(*) as events, sum(u.input_tokens::bigint + u.output_tokens)::bigint as tokens, max(u.created_at) as last_seen
	from rewards.usage_logs u where u.model is not null
	group by u.model
) m cross join lateral rewards.explain_tier(m.model) t
where t.rule like '%, the default';
comment on view rewards.unmatched_models is 'models used that no entry, VRAM or name pattern places in a tier';

/* ---- credits, tokens and the like ---- */

create or replace view rewards.wallet_lines as
select l.account, u.name as currency, l.entry, l.amount, u.number as unit
from rewards.month_lines l join rewards.unit u on u.number = l.unit
where l.kind = 'user' and l.unit >= 3;
comment on view rewards.wallet_lines is 'movements of wallets by month and kind, folded and not; to be added up';

create or replace view rewards.user_credits as
select s.account as user_id, s.currency, trim_scale(s.amount - e.expired - h.held) as balance, h.held,
	trim_scale(s.added) as added, trim_scale(s.spent) as spent, trim_scale(s.expired + e.expired) as expired,
	greatest(w.updated_at, case when s.spent <> 0 then v.last_at end) as updated_at
from (
	select l.account, l.currency, l.unit, sum(l.amount) as amount,
		coalesce(sum(l.amount) filter (where l.entry in (10, 14) or l.entry in (-10, -14)), 0) as added,
		-coalesce(sum(l.amount) filter (where abs(l.entry) = 2), 0) as spent,
		-coalesce(sum(l.amount) filter (where l.entry = 15), 0) as expired
	from rewards.wallet_lines l group by l.account, l.currency, l.unit
) s
left join rewards.account a on a.kind = 'user' and a.name = s.account
left join rewards.wallet w on w.account = a.id and w.unit = s.unit
left join rewards.activity v on v.account = a.id
cross join lateral (select case when s.unit = 3 and a.id is not null then rewards.open_holds(a.id, now()) else 0 end as held) h
cross join lateral (
	select case when w.next_expiry <= now() then rewards.wallet_expired(a.id, s.unit) else 0 end as expired
) e;
comment on view rewards.user_credits is
	'what users have of each currency: balance is what they can spend, besides what is held; added (with adjustments, less refunds), spent and expired make up the rest (C5, C6, K1)';

create or replace view rewards.credit_movements as
select u.id, u.user_id, 3::smallint as unit, 'usage'::text as type, -u.cost as amount, coalesce(u.usage_type, u.service) as reason,
	u.request_id as reference, u.id as usage_id, null::text as updated_by, u.created_at
from rewards.usage_logs u where u.cost <> 0
union all
select j.id, a.name, j.unit, case j.event when 'credit' then 'credit' when 'deduct' then 'usage' when 'expiry' then 'expiry'
		when 'reversal' then 'refund' else 'adjustment' end,
	m.amount, j.reason, j.reference, case j.reverses_source when 'usage_logs' then j.reverses_id end, j.actor, j.created_at
from rewards.journal j
join rewards.account a on a.id = j.account
cross join lateral (select sum(s.amount) as amount from rewards.shares(j.distribution) s) m
where j.unit >= 3;
comment on view rewards.credit_movements is 'all that was added to or taken from wallets, one row each, units by number';

create or replace view rewards.credit_transactions as
select m.id, m.user_id, u.name as currency, m.type, trim_scale(m.amount) as amount,
	/* back from what there is now: old usage may be gone */
	trim_scale(w.amount - coalesce(sum(m.amount) over (partition by m.user_id, m.unit order by m.id desc
		rows between unbounded preceding and 1 preceding), 0)) as balance_after,
	m.reason, m.reference, m.usage_id, m.updated_by, m.created_at
from rewards.credit_movements m
join rewards.unit u on u.number = m.unit
join (
	select l.account, l.unit, sum(l.amount) as amount from rewards.wallet_lines l group by l.account, l.unit
) w on w.account = m.user_id and w.unit = m.unit;
comment on view rewards.credit_transactions is
	'history of wallets: type usage (negative), credit, expiry, refund or adjustment, with the sum of all movements up to it in order of their numbers (C6, C11)';

create or replace view rewards.token_transactions as
/* of tokens all is in the journal, and usage need not be gone through */
select m.id, m.user_id, m.type, trim_scale(m.amount) as amount,
	trim_scale(sum(m.amount) over (partition by m.user_id order by m.id)) as balance_after,
	m.reason, m.reference, m.usage_id, m.updated_by, m.created_at
from rewards.credit_movements m where m.unit = 4;
comment on view rewards.token_transactions is 'history of users'' tokens (C8, K2)';

create or replace view rewards.credit_holds as
select h.request_id, a.name as user_id, h.amount, h.created_at, h.expires_at,
	case when h.outcome is not null then h.outcome when c.usage_id is not null then 'captured'
		when h.expires_at <= now() then 'expired' else 'open' end as status,
	coalesce(h.usage_id, c.usage_id) as usage_id, h.closed_at
from rewards.hold h join rewards.account a on a.id = h.account
left join lateral (
	select u.id as usage_id from rewards.usage_logs u
	where h.closed_at is null and u.request_id = h.request_id and u.id > h.seen_from and u.status_code between 200 and 299
		and u.user_id = a.name
	order by u.id limit 1
) c on true;
comment on view rewards.credit_holds is 'credits held for requests: open, captured by the row usage_id, released or expired';

create or replace view rewards.payouts as
select p.id, a.kind, a.name as account, u.name as unit, p.amount, p.method, p.status, p.reference, p.automatic,
	p.requested_at, p.requested_by, p.approved_at, p.approved_by, p.ended_at, p.ended_by, p.transfer, p.reason
from rewards.payout p join rewards.account a on a.id = p.account join rewards.unit u on u.number = p.unit;
comment on view rewards.payouts is 'payouts: requested, approved, completed or failed; what is open is held (F2)';

/* ---- abuse ---- */

create or replace view rewards.detectors as
select d.name, coalesce((r.value ->> 'enabled')::boolean, true) as enabled,
	d.parameters || coalesce(r.value -> 'parameters', '{}') as parameters, d.description, r.valid_from, r.updated_by
from rewards.detector_defaults() d
left join rewards.rules r on r.rule = 'detector' and r.key = d.name and r.in_force;
comment on view rewards.detectors is 'detectors of abuse with the parameters they go by; valid_from NULL where set_detector() has said nothing (A2)';

create or replace view rewards.abuse_flags as
select f.id, a.kind, a.name as account, f.detector, f.evidence, f.created_at, f.cleared_at, f.cleared_by, f.note, r.name as referrer
from rewards.abuse_flag f join rewards.account a on a.id = f.account left join rewards.account r on r.id = a.referrer;
comment on view rewards.abuse_flags is
	'what detectors have found, and usage above its limit (detector rate_limit), with who referred the account; open until clear_flag() (A2, A4)';

create or replace view rewards.rate_limits as
select r.value ->> 'subject' as subject, r.value ->> 'kind' as kind, (r.value ->> 'max')::integer as max, (r.value ->> 'per')::interval as per,
	r.value ->> 'action' as action, r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'rate_limit' and r.in_force;
comment on view rewards.rate_limits is 'limits in force; kind NULL: calls by both kinds, usage of users (A4)';

/* ---- messages ---- */

create or replace view rewards.notifications as
select n.id, a.kind, a.name as account, n.event, n.payload, n.created_at, n.taken_until, n.delivered_at
from rewards.notification n join rewards.account a on a.id = n.account;
comment on view rewards.notifications is
	'what people are to be told: take_notifications() leases messages to mailers, notification_done() ends that (M4)';

/* ---- the waiting list ---- */

create or replace view rewards.waitlist as
select e.id, e.email, e.status, a.name as referrer, e.code, e.joined_at, e.released_at, e.invite_code
from rewards.waitlist_entry e left join rewards.account a on a.id = e.referrer;
comment on view rewards.waitlist is
	'who has asked for an invitation: waiting, approved (for the referrer''s sake), released or joined. Those with a referrer come first, each in order of id; waitlist_position() counts (I5)';

/* ---- operations ---- */

create or replace view rewards.status as
select t.backlog,
	case when t.backlog = 0 then interval '0' else clock_timestamp() - coalesce(c.posted_at, i.installed_at) end as lag,
	c.posted_at as last_post,
	cardinality(c.open_first) as open_stretches,
	case when cardinality(c.open_first) >= 1000 then (
		select format('%s since %s', h.who, h.since) from (
			select 'process ' || s.pid as who, s.xact_start as since from pg_stat_activity s where s.backend_xid is not null and s.pid <> pg_backend_pid()
			union all
			select 'prepared transaction ' || p.gid, p.prepared from pg_prepared_xacts p
		) h order by h.since limit 1) end as held_back_by,
	(select count(*) from rewards.usage_partition p)::integer as partitions,
	rewards.partitions_ahead() as partitions_ahead,
	i.version,
	c.unpriced + rewards.tail_unpriced() as unpriced_rows,
	(select count(*) from rewards.unrated_usage u where u.mended_at is null) as unrated_rows
from rewards.cursor c, rewards.installation i, (select rewards.tail_events() as backlog) t;
comment on view rewards.status is
	'one row: rows not yet folded, time since the last posting while there are any, what holds posting back, partitions, successful requests of mainnet that lacked a price, chats stored without earnings that rerate() has not gone over';
$rewards_schema$::text$rewards_code$;
revoke all on function rewards.schema_sql() from public;
comment on function rewards.schema_sql() is 'the tables, views and triggers that install() makes';
