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
	if not found then
		return false;
	end if;
	insert into rewards.onboarding (account) values (number);
	return true;
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
