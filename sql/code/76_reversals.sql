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
	if usage_id > 0 and usage_id < (select min(p.first) from rewards.usage_partition p)
			or exists (select from rewards.removal r where usage_id >= r.first and usage_id < r.upto) then
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
	elsif event in ('reversal', 'expiry', 'payout', 'removal') then
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
	perform rewards.log_call('adjust', jsonb_build_object('account', account, 'kind', kind, 'amount', amount,
		'reason', reason, 'unit', unit, 'reference', reference), null, jsonb_build_object('entry', entry), updated_by);
	return entry;
end
$$;
revoke all on function rewards.adjust(text, text, numeric, text, text, text, text) from public;
comment on function rewards.adjust(text, text, numeric, text, text, text, text) is
	'gives an account more or, with a negative amount, less of a unit, for a reason; points count as bonus points. The same reference adjusts once. Returns the journal entry; RW007 for tokens, and for credits under the policy enforce, that are not there';
