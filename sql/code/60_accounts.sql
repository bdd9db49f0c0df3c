/* Accounts, referral codes, and the one permanent edge to a referrer. */

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

/* ---- codes ---- */

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
	if custom is not null and custom !~ '^[A-Za-z0-9][A-Za-z0-9_-]{2,63}$' then
		raise exception 'invalid code "%"', custom
			using errcode = 'invalid_parameter_value',
				hint = 'A code of your own has 3 to 64 letters, digits, dashes and underscores.';
	end if;
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

create function rewards.may_refer(referrer_kind text, referee_kind text, at timestamptz) returns boolean
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select coalesce((rewards.rule_value('referral_kinds', referrer_kind || '/' || referee_kind, at) ->> 'allowed')::boolean,
		referrer_kind = referee_kind) $$;
revoke all on function rewards.may_refer(text, text, timestamptz) from public;
comment on function rewards.may_refer(text, text, timestamptz) is 'whether accounts of one kind may refer those of another at a time; equal kinds unless a rule says otherwise (R11)';

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
	perform rewards.check_not_null(reason, 'reason');
	perform rewards.check_not_null(updated_by, 'updated_by');
	if reason !~ '\S' then
		raise exception 'reason must not be empty'
			using errcode = 'invalid_parameter_value', hint = 'Say why the code is revoked.';
	end if;
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

/* ---- edges ---- */

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
		where rewards.severity(rewards.status_of(c.account, at)) < 2
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
