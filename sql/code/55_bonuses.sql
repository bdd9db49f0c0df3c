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
	return rewards.set_rule('set_bonus', jsonb_build_object('event', event, 'kind', kind, 'amount', amount,
			'recipient_level', recipient_level, 'threshold', threshold, 'hold', hold), 'bonus', concat_ws('/', event, kind, recipient_level, threshold),
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
	perform from rewards.cursor c where c.single for update;
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
	number := rewards.set_rule('set_streak_multiplier', jsonb_build_object('kind', kind, 'days', days, 'multiplier', multiplier), 'streak_multiplier', kind || '/' || days,
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
	return rewards.set_rule('set_uptime_points', jsonb_build_object('points_per_hour', points_per_hour), 'uptime_points', '',
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
	return rewards.set_rule('start_campaign', jsonb_build_object('name', name, 'multiplier', multiplier, 'since', since, 'until', until,
			'kind', kind, 'service', service, 'tier', tier), 'campaign', name,
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
	return rewards.set_rule('end_campaign', jsonb_build_object('name', name, 'at', at), 'campaign', name, null, at, updated_by);
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
	given jsonb := jsonb_build_object('account', account, 'kind', kind, 'multiplier', multiplier, 'valid_from', valid_from);
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
	perform rewards.log_call('set_multiplier', given || jsonb_build_object('facts', jsonb_build_array(fact_id)),
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
