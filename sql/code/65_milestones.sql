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
	return rewards.set_rule('set_milestone', jsonb_build_object('referrals', referrals, 'reward', reward), 'milestone', referrals::text,
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
	return rewards.set_rule('set_days_reward', jsonb_build_object('reward', reward), 'days_reward', '',
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
	if kind = 'user' then
		perform rewards.check_reader(account);
	else
		perform rewards.check_reader(account, kind);
	end if;
	return query select p.perk, p.since, p.until, p.active
	from rewards.perks_of(coalesce(rewards.account_number(kind, account), case kind when 'user' then rewards.person(account) end)) p;
end
$$;
revoke all on function rewards.perks(text, text) from public;
comment on function rewards.perks(text, text) is
	'what an account may use besides, as premium, priority_support or feature_preview: since when, until when (NULL: for life; durations add up) and whether it is active now (R17, R18)';
