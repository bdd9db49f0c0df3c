/*
 * Invitations: codes for one use, sharing and redeeming them, onboarding, and what users
 * earn by use, referrals and quality.  Calls that take an e-mail mean the user of that id,
 * else the one user with that e-mail.
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

create function rewards.lock_invite(inout code text, recipient text, out owner bigint, out sent boolean) returns record
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	invite record;
begin
	select c.code, c.owner, c.recipient, c.used_at, c.voided_at, c.expires_at into invite
	from rewards.invite_code c where upper(c.code) = upper(code) for update;
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
	if custom !~ '^[A-Za-z0-9][A-Za-z0-9_-]{2,63}$' then
		raise exception 'invalid code "%"', custom
			using errcode = 'invalid_parameter_value',
				hint = 'A code of your own has 3 to 64 letters, digits, dashes and underscores.';
	end if;
	number := rewards.person(email);
	invite := rewards.lock_invite(invite_code, null);
	if invite.code is null or invite.sent or number is null or invite.owner is distinct from number then
		perform rewards.refuse_invite(invite_code, 'It is not this user''s, or has been sent.');
	elsif exists (select from rewards.code c where upper(c.code) = upper(custom)) or rewards.reads_like_id(custom, 0) then
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

/* ---- a referral''s way: sent, joined, onboarded, active, retained ---- */

create function rewards.share_referral(inviter_email text, recipient_email text, invite_code text,
		out status text, out referral_id uuid, out message text)
	returns record
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	recipient text := lower(recipient_email);
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
	perform rewards.count_call('redeem_code', coalesce(rewards.who(rewards.person(email)), lower(email)));
	invite := rewards.lock_invite(code, lower(email));
	if invite.code is null then
		/* a referral code is as good, and can be used again */
		joiner := rewards.ensure_person(email);
		perform rewards.referral_signup(code, (select a.name from rewards.account a where a.id = joiner.number));
		inviter := (select rewards.address_of(a.referrer) from rewards.account a where a.id = joiner.number);
	else
		joiner := rewards.ensure_person(email);
		if invite.owner = joiner.number then
			raise exception 'an account cannot refer itself'
				using errcode = 'RW002', hint = 'Use the code of another account.';
		elsif invite.owner is not null then
			if not rewards.may_refer('user', 'user', now()) then
				raise exception 'a user cannot be referred by a user'
					using errcode = 'RW005', hint = 'The view rewards.referral_kinds says who may refer whom.';
			end if;
			perform rewards.refuse_suspended(invite.owner);
			perform rewards.add_edge(joiner.number, 'user', invite.owner, invite.code, now(), joiner.created);
		end if;
		update rewards.invite_code c set used_by = joiner.number, used_at = clock_timestamp() where c.code = invite.code;
		inviter := rewards.address_of(invite.owner);
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

create function rewards.milestones() returns table (referrals integer, reward jsonb)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select r.key::integer, r.value -> 'reward' from rewards.rules r where r.rule = 'milestone' and r.in_force order by 1
$$;
revoke all on function rewards.milestones() from public;
comment on function rewards.milestones() is 'milestones of referrals in force, the lowest first';

create function rewards.note_joined(inviter bigint, referee bigint, code text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	most integer := (select max(m.referrals) from rewards.milestones() m);
	joined bigint;
	next record;
begin
	perform rewards.leave_waitlist(rewards.address_of(referee));
	/* the first of its e-mail, whoever has sent it what */
	update rewards.referral r set referee = note_joined.referee
	where r.inviter = note_joined.inviter and r.referee is null
		and r.email = (select lower(coalesce(a.email, a.name)) from rewards.account a where a.id = note_joined.referee);
	perform rewards.notify(array[inviter], 'code_used', array[referee::text],
		array[(select jsonb_build_object('code', note_joined.code, 'account', a.name, 'kind', a.kind) from rewards.account a where a.id = referee)]);
	/* who can claim them */
	if most is null or rewards.severity(rewards.status_of(inviter)) >= 2
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
	if found then
		perform rewards.notify(array[inviter], 'milestone_progress', array[joined || '/' || next.referrals],
			array[jsonb_build_object('referrals', joined, 'next', next.referrals, 'missing', next.referrals - joined, 'reward', next.reward)]);
	end if;
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
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with needed as materialized (
		select rewards.setting('active_days')::integer as days
	)
	select rewards.notify(array_agg(a.referrer), 'referral_active', array_agg(a.id::text), array_agg(jsonb_build_object('account', a.name, 'kind', a.kind)))
	from needed n, rewards.account a
	where a.id = any (accounts) and a.referrer is not null
		and not exists (select from rewards.notification n where n.account = a.referrer and n.event = 'referral_active' and n.cause = a.id::text)
		and rewards.is_active(a.id, n.days)
$$;
revoke all on function rewards.note_referees(bigint[]) from public;
comment on function rewards.note_referees(bigint[]) is 'tells inviters whose referees have become active; post() calls it with those that had another day (M2)';

/* ---- rewards: rules ---- */

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

/* ---- rewards: what is due, and granting it ---- */

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
	joined bigint := rewards.joined_referees(number);
begin
	if for_days is not null and rewards.active_days(number, days) >= days then
		return query select 'days'::text, for_days, days || ' days of usage', 'after ' || days || ' days of usage';
	end if;
	/* whoever is paused has no claim to what referrals bring */
	if rewards.severity(rewards.status_of(number)) >= 2 then
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
	where c.owner = codes_available.number and c.used_at is null and c.voided_at is null and (c.expires_at is null or c.expires_at > now())
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
	present record;
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

/* ---- analytics ---- */

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
