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
