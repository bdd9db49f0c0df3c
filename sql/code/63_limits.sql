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
declare
	given jsonb := jsonb_build_object('subject', subject, 'max', max, 'per', per, 'action', action, 'kind', kind);
begin
	perform rewards.require_installed();
	perform rewards.check_rate_limit(subject, max, per, action, kind);
	if subject <> all (rewards.limited_calls()) then
		action := coalesce(action, 'flag');
		/* usage is its user's unless said otherwise */
		kind := nullif(kind, 'user');
	end if;
	return rewards.set_rule('set_rate_limit', given, 'rate_limit', subject || coalesce('/' || kind, ''),
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
