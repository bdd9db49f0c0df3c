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
		where c.single
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
	given jsonb := jsonb_build_object('account', account, 'kind', kind, 'reason', reason, 'since', since);
	number bigint;
	points numeric;
	codes bigint;
	perks bigint;
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
	get diagnostics perks = row_count;
	update rewards.invite_reward g set revoked_at = clock_timestamp() where g.account = number and g.revoked_at is null and g.granted_at >= since;
	perform rewards.log_call('revoke_rewards', given, null, jsonb_build_object('points', points, 'codes', codes, 'perks', perks,
		'revocation', (select max(r.id) from rewards.revocation r where r.account = number)), updated_by);
	return points;
end
$$;
revoke all on function rewards.revoke_rewards(text, text, text, timestamptz, text) from public;
comment on function rewards.revoke_rewards(text, text, text, timestamptz, text) is
	'takes back what an account has got by referrals and bonuses, of the programme day of since and later (NULL: all), in the days and columns it came from, and voids its unused invite codes and its perks given since. Points of its own stay. Returns the points; a second call takes back only what has come since. 25001 under REPEATABLE READ or SERIALIZABLE (A3, K8)';
