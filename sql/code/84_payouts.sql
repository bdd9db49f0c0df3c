/*
 * Payouts: what was earned leaves the programme.  From request to end the amount is
 * held; a completed one is an entry of the journal.
 */

create function rewards.set_payout_rule(unit text, minimum numeric, auto boolean default false, methods text[] default null,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	method text;
begin
	perform rewards.require_installed();
	perform rewards.payout_unit(unit);
	perform rewards.check_amount(minimum, 'minimum');
	foreach method in array coalesce(methods, '{}') loop
		perform rewards.check_id(method, 'method');
	end loop;
	return rewards.set_rule('set_payout_rule', jsonb_build_object('unit', unit, 'minimum', minimum, 'auto', auto, 'methods', methods), 'payout', unit,
		case when minimum is not null then jsonb_build_object('minimum', minimum, 'auto', coalesce(auto, false), 'methods', to_jsonb(methods)) end,
		valid_from, updated_by);
end
$$;
revoke all on function rewards.set_payout_rule(text, numeric, boolean, text[], timestamptz, text) from public;
comment on function rewards.set_payout_rule(text, numeric, boolean, text[], timestamptz, text) is
	'the least that is paid out of a unit, by which methods (NULL: any), and whether it is done by itself (auto) for accounts with a method as soon as they have that much; minimum NULL ends it (F2)';

create function rewards.payout_unit(unit text) returns smallint
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_not_null(unit, 'unit');
	if unit not in ('points', 'earnings') then
		raise exception '"%" cannot be paid out', unit
			using errcode = 'invalid_parameter_value', hint = 'Use points or earnings; credits are taken back by rewards.refund_credits().';
	end if;
	return case unit when 'points' then 1 else 2 end;
end
$$;
revoke all on function rewards.payout_unit(text) from public;
comment on function rewards.payout_unit(text) is 'number of a unit that can be paid out; 22023 for others';

create function rewards.payable(account text, kind text, unit smallint) returns numeric
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select trim_scale(coalesce(sum(l.amount), 0) - coalesce(rewards.held_part(
		(select a.id from rewards.account a where a.name = payable.account and a.kind = payable.kind), payable.unit), 0))
	from rewards.account_lines(payable.account, payable.kind, 'month') l
	where l.unit = payable.unit
$$;
revoke all on function rewards.payable(text, text, smallint) from public;
comment on function rewards.payable(text, text, smallint) is
	'what balance() calls available of points or earnings, for calls that pay: whoever makes them need not be one who may read of the account';

create function rewards.payout_method_state(number bigint, method text) returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select jsonb_build_object('updated_at', p.updated_at, 'updated_by', p.updated_by)
	from rewards.payout_method p where p.account = number and p.method = payout_method_state.method
$$;
revoke all on function rewards.payout_method_state(bigint, text) from public;
comment on function rewards.payout_method_state(bigint, text) is
	'since when an account has a payout method as it is and by whom, for the admin log; NULL when it has none';

create function rewards.set_payout_method(account text, method text, details jsonb, kind text default 'user', updated_by text default current_user)
	returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	before jsonb;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_id(method, 'method');
	perform rewards.check_not_null(updated_by, 'updated_by');
	number := (rewards.ensure_account(kind, account)).number;
	/* the account's row orders the changes of one account */
	perform 1 from rewards.account a where a.id = number for no key update;
	before := rewards.payout_method_state(number, method);
	if details is null then
		delete from rewards.payout_method p where p.account = number and p.method = method;
	else
		insert into rewards.payout_method as p (account, method, details, updated_by) values (number, method, details, updated_by)
		on conflict on constraint payout_method_pkey do update
			set details = excluded.details, updated_at = clock_timestamp(), updated_by = excluded.updated_by;
		/* what is locked to pay is there from now on, so that nobody has to wait to find out who has it */
		insert into rewards.wallet (account, unit, balance) values (number, 1, 0), (number, 2, 0) on conflict do nothing;
	end if;
	/* the details are nobody else's business */
	perform rewards.log_call('set_payout_method', jsonb_build_object('account', account, 'method', method, 'kind', kind, 'removed', details is null),
		before, rewards.payout_method_state(number, method), updated_by);
end
$$;
revoke all on function rewards.set_payout_method(text, text, jsonb, text, text) from public;
comment on function rewards.set_payout_method(text, text, jsonb, text, text) is
	'how an account can be paid, with what the payer needs to know; details NULL removes the method. The one set last is used when a payout names none (F2)';

create function rewards.payout_method_for(number bigint, method text, rule jsonb) returns text
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	allowed jsonb := nullif(rule -> 'methods', 'null');
	chosen text := method;
begin
	if chosen is null then
		select p.method into chosen from rewards.payout_method p
		where p.account = number and (allowed is null or allowed ? p.method) order by p.updated_at desc, p.method limit 1;
	elsif not exists (select from rewards.payout_method p where p.account = number and p.method = chosen) then
		raise exception 'the account has no payout method "%"', chosen
			using errcode = 'invalid_parameter_value', hint = 'Record it by rewards.set_payout_method().';
	end if;
	if allowed is not null and (chosen is null or not allowed ? chosen) then
		raise exception '% is no allowed payout method', coalesce('"' || chosen || '"', 'none')
			using errcode = 'invalid_parameter_value', hint = format('Methods are %s.', allowed);
	end if;
	return chosen;
end
$$;
revoke all on function rewards.payout_method_for(bigint, text, jsonb) from public;
comment on function rewards.payout_method_for(bigint, text, jsonb) is 'the method of a payout: the one named, else the account''s last that the rule allows, else none; 22023';

create function rewards.refuse_payout(unit text, needed numeric, available numeric) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	raise exception 'insufficient balance of %', unit
		using errcode = 'RW010', detail = format('The payout needs %s, available are %s.', trim_scale(needed), trim_scale(available)),
			hint = 'rewards.balance() shows what is held, paid out and available.';
end
$$;
revoke all on function rewards.refuse_payout(text, numeric, numeric) from public;
comment on function rewards.refuse_payout(text, numeric, numeric) is 'RW010';

create function rewards.make_payout(number bigint, amount numeric, unit text, method text, reference text, rule jsonb,
		automatic boolean, actor text) returns bigint
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	insert into rewards.payout as p (account, unit, amount, method, details, reference, automatic, requested_by, requested_at, status, approved_at, approved_by)
	select number, rewards.payout_unit(unit), amount, method,
		(select m.details from rewards.payout_method m where m.account = number and m.method = make_payout.method),
		reference, automatic, actor, r.at,
		case when r.by_rule then 'approved' else 'requested' end, case when r.by_rule then r.at end, case when r.by_rule then 'payout rule' end
	from (select coalesce((rule ->> 'auto')::boolean, false) as by_rule, clock_timestamp() as at) r
	on conflict do nothing returning p.id
$$;
revoke all on function rewards.make_payout(bigint, numeric, text, text, text, jsonb, boolean, text) from public;
comment on function rewards.make_payout(bigint, numeric, text, text, text, jsonb, boolean, text) is
	'records a payout, approved at once where the rule is to pay by itself; NULL when the reference has been used';

create function rewards.request_payout(account text, kind text, amount numeric, unit text default 'earnings', method text default null,
		reference text default null)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	of_unit smallint;
	rule jsonb;
	available numeric;
	payout bigint;
	first record;
begin
	perform rewards.require_installed();
	perform rewards.check_id(account, 'account');
	perform rewards.check_kind(kind);
	perform rewards.check_positive(amount, 'amount');
	of_unit := rewards.payout_unit(unit);
	if method is not null then
		perform rewards.check_id(method, 'method');
	end if;
	if reference is not null then
		perform rewards.check_id(reference, 'reference');
	end if;
	number := (rewards.ensure_account(kind, account)).number;
	perform rewards.refuse_suspended(number);
	/* one after the other for each account */
	perform rewards.lock_wallet(number, of_unit);
	select p.id, a.name, a.kind, p.amount, p.unit into first
	from rewards.payout p join rewards.account a on a.id = p.account where p.reference = reference;
	if found then
		perform rewards.refuse_other_contents(
			jsonb_build_object('account', account, 'kind', kind, 'amount', trim_scale(amount), 'unit', unit),
			jsonb_build_object('account', first.name, 'kind', first.kind, 'amount', trim_scale(first.amount), 'unit', rewards.unit_name(first.unit)),
			'reference', first.id);
		return first.id;
	end if;
	rule := rewards.rule_value('payout', unit);
	if amount < (rule ->> 'minimum')::numeric then
		raise exception 'a payout of % is at least %', unit, trim_scale((rule ->> 'minimum')::numeric)
			using errcode = 'invalid_parameter_value', hint = 'Ask for it when there is more.';
	end if;
	method := rewards.payout_method_for(number, method, rule);
	available := rewards.payable(account, kind, of_unit);
	if available < amount then
		perform rewards.refuse_payout(unit, amount, available);
	end if;
	perform rewards.count_call('request_payout', kind || ':' || account, kind);
	payout := rewards.make_payout(number, amount, unit, method, reference, rule, false, rewards.caller()::text);
	if payout is null then
		raise exception 'the reference has been used for another account just now'
			using errcode = 'unique_violation', hint = 'Use a new reference for a new payout.';
	end if;
	return payout;
end
$$;
revoke all on function rewards.request_payout(text, text, numeric, text, text, text) from public;
comment on function rewards.request_payout(text, text, numeric, text, text, text) is
	'asks for points or earnings to be paid out; they are held until it is completed or fails. RW010 when they are not available, RW008 for a suspended or banned account, RW011 above a limit, 22023 below the minimum or for a method that is not the account''s. The same reference asks once. Returns the payout''s id (F2)';

create function rewards.lock_payout(id bigint, wanted text[]) returns record
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	payout record;
begin
	perform rewards.check_not_null(id, 'id');
	select p.*, a.name, a.kind into payout from rewards.payout p join rewards.account a on a.id = p.account where p.id = id for update of p;
	if not found then
		raise exception 'there is no payout %', id
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.payouts lists them.';
	elsif payout.status <> all (wanted) then
		raise exception 'payout % is %', id, payout.status
			using errcode = 'object_not_in_prerequisite_state', hint = format('It must be %s.', array_to_string(wanted, ' or '));
	end if;
	return payout;
end
$$;
revoke all on function rewards.lock_payout(bigint, text[]) from public;
comment on function rewards.lock_payout(bigint, text[]) is 'a payout, locked, in one of these states: 22023 for none, 55000 for another';

create function rewards.log_payout(call text, payout bigint, arguments jsonb, before text, after text, actor text) returns void
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select rewards.log_call(call, jsonb_build_object('id', payout) || arguments, to_jsonb(before), to_jsonb(after), actor) $$;
revoke all on function rewards.log_payout(text, bigint, jsonb, text, text, text) from public;
comment on function rewards.log_payout(text, bigint, jsonb, text, text, text) is 'records a step of a payout';

create function rewards.approve_payout(id bigint, updated_by text default current_user) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	payout record;
	available numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(updated_by, 'updated_by');
	payout := rewards.lock_payout(id, '{requested}');
	perform rewards.refuse_suspended(payout.account);
	/* what it holds may have been taken back since */
	available := rewards.payable(payout.name, payout.kind, payout.unit);
	if available < 0 then
		perform rewards.refuse_payout(rewards.unit_name(payout.unit), payout.amount, available + payout.amount);
	end if;
	update rewards.payout p set status = 'approved', approved_at = clock_timestamp(), approved_by = updated_by where p.id = id;
	perform rewards.log_payout('approve_payout', id, '{}', payout.status, 'approved', updated_by);
end
$$;
revoke all on function rewards.approve_payout(bigint, text) from public;
comment on function rewards.approve_payout(bigint, text) is 'lets a requested payout go on; RW010 when what it holds has been taken back since, RW008 when the account is suspended or banned by now, 55000 when it is not requested';

create function rewards.complete_payout(id bigint, reference text, updated_by text default current_user) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	payout record;
begin
	perform rewards.require_installed();
	perform rewards.check_id(reference, 'reference');
	perform rewards.check_not_null(updated_by, 'updated_by');
	payout := rewards.lock_payout(id, '{approved}');
	insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause)
	values (now(), payout.unit, rewards.one_share(payout.account, 'payout', 0, -payout.amount), coalesce(payout.method, 'payout'), updated_by,
		'payout', payout.account, id::text);
	update rewards.payout p set status = 'completed', ended_at = clock_timestamp(), ended_by = updated_by, transfer = reference where p.id = id;
	perform rewards.notify(array[payout.account], 'payout_done', array[id::text],
		array[jsonb_build_object('payout', id, 'amount', trim_scale(payout.amount), 'unit', rewards.unit_name(payout.unit), 'transfer', reference)]);
	perform rewards.log_payout('complete_payout', id, jsonb_build_object('reference', reference), payout.status, 'completed', updated_by);
end
$$;
revoke all on function rewards.complete_payout(bigint, text, text) from public;
comment on function rewards.complete_payout(bigint, text, text) is
	'says that an approved payout has been made, by which transfer: what was held is paid out. 55000 when it is not approved, so nothing is paid twice';

create function rewards.fail_payout(id bigint, reason text, updated_by text default current_user) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	payout record;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(reason, 'reason');
	perform rewards.check_not_null(updated_by, 'updated_by');
	payout := rewards.lock_payout(id, '{requested,approved}');
	update rewards.payout p set status = 'failed', ended_at = clock_timestamp(), ended_by = updated_by, reason = reason where p.id = id;
	perform rewards.log_payout('fail_payout', id, jsonb_build_object('reason', reason), payout.status, 'failed', updated_by);
end
$$;
revoke all on function rewards.fail_payout(bigint, text, text) from public;
comment on function rewards.fail_payout(bigint, text, text) is 'ends a payout that is refused or could not be made: what it held is available again; 55000 when it has ended already';

create function rewards.make_due_payouts() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	candidate record;
	available numeric;
	chosen text;
	made bigint := 0;
begin
	for candidate in
		/* who can have that much, by the totals and the tail read once: payable() reads the tail for each */
		with tail as materialized (
			select t.account_number as account, t.unit, sum(t.amount) as amount
			from rewards.tail_totals('month') t where t.unit < 3 and t.account_number is not null
			group by t.account_number, t.unit
		)
		select distinct a.id, a.name, a.kind, u.name as unit, u.number, r.rule
		from rewards.payout_method m
		join rewards.account a on a.id = m.account
		join rewards.unit u on u.name in ('points', 'earnings')
		cross join lateral (select rewards.rule_value('payout', u.name) as rule offset 0) r
		cross join lateral (
			select coalesce((select sum(t.amount) from rewards.month_total t where t.account = a.id and t.unit = u.number), 0)
				+ coalesce((select t.amount from tail t where t.account = a.id and t.unit = u.number), 0)
				- coalesce((
					select sum(p.amount) from rewards.payout p
					where p.account = a.id and p.unit = u.number and p.status in ('requested', 'approved')), 0) as amount
		) most
		where most.amount > 0 and most.amount >= (r.rule ->> 'minimum')::numeric and (r.rule ->> 'auto')::boolean and (jsonb_typeof(r.rule -> 'methods') <> 'array' or r.rule -> 'methods' ? m.method)
			/* one that has failed is not tried again before somebody has looked at the method */
			and not exists (
				select from rewards.payout f
				where f.account = a.id and f.unit = u.number and f.automatic and f.status = 'failed' and f.ended_at > (
					select max(n.updated_at) from rewards.payout_method n where n.account = a.id))
		order by a.id, u.number
	loop
		continue when rewards.is_suspended(candidate.id);
		/* whoever is asking for a payout just now is not waited for: it comes next time */
		perform from rewards.wallet w where w.account = candidate.id and w.unit = candidate.number for update skip locked;
		continue when not found and exists (
			select from rewards.wallet w where w.account = candidate.id and w.unit = candidate.number);
		/* now that nobody else pays this account */
		perform rewards.lock_wallet(candidate.id, candidate.number);
		available := rewards.payable(candidate.name, candidate.kind, candidate.number);
		continue when available <= 0 or available < (candidate.rule ->> 'minimum')::numeric;
		chosen := rewards.payout_method_for(candidate.id, null, candidate.rule);
		perform rewards.make_payout(candidate.id, available, candidate.unit, chosen, null, candidate.rule, true, rewards.caller()::text);
		made := made + 1;
	end loop;
	return made;
end
$$;
revoke all on function rewards.make_due_payouts() from public;
comment on function rewards.make_due_payouts() is
	'makes payouts where a rule says that they are made by themselves, for an account whose last one failed only after its method was set anew; returns how many. maintain() calls it';
