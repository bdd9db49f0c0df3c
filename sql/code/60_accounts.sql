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

create function rewards.check_reader(email text) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	own record;
begin
	if not rewards.is_limited() then
		return;
	end if;
	/* the same refusal whether somebody has this e-mail or nobody */
	own := rewards.me();
	if rewards.person(email) is distinct from rewards.account_number('user', own.account)
			or email <> own.account and rewards.person(email) is null then
		perform rewards.check_reader(null, 'user');
	end if;
	perform rewards.check_reader(own.account, 'user');
end
$$;
revoke all on function rewards.check_reader(text) from public;
comment on function rewards.check_reader(text) is '42501 when whoever calls must not read of the user with an id or e-mail';

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
	/* dated by an admin; applications' own signups are in the edge */
	if at <> now() then
		perform rewards.log_call('referral_signup', jsonb_build_object('code', code, 'referee', referee, 'kind', kind, 'at', at), null,
			jsonb_build_object('referrer', owner.name, 'kind', owner.kind, 'bonus', bonus), rewards.caller()::text);
	end if;
	referrer := owner.name;
	kind := owner.kind;
	created_at := at;
end
$$;
revoke all on function rewards.referral_signup(text, text, text, timestamptz) from public;
comment on function rewards.referral_signup(text, text, text, timestamptz) is
	'sets the one, permanent referrer of an account and pays the signup bonus; no credit for what was before. at in the past: admins. RW002 self, RW003 already referred, RW004 circle, RW005 kinds that may not refer each other, RW006 invalid code, RW008 suspended or banned referrer, RW011 too many signups of the referrer. kind is the referee''s in, the referrer''s out (R3, R10, R11)';
