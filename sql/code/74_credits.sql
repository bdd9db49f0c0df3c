/*
 * Credits, tokens and other currencies: wallets, what expires, holds.
 *
 * What an account has is the sum of its movements: usage that costs, and entries of the
 * journal.  Who spends under a check locks the account's wallet first, and only then
 * draws a number.  Usage under the policy allow locks nothing and does not come here.
 */

/* ---- units and wallets ---- */

create function rewards.currency_unit(currency text) returns smallint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	found_number smallint;
begin
	perform rewards.check_id(currency, 'currency');
	if currency in ('points', 'earnings') then
		raise exception '% are no currency', currency
			using errcode = 'invalid_parameter_value', hint = 'Use rewards.adjust() for points and earnings.';
	end if;
	found_number := (select u.number from rewards.unit u where u.name = currency);
	if found_number is null then
		lock table rewards.unit in share row exclusive mode;
		insert into rewards.unit (number, name) select max(u.number) + 1, currency from rewards.unit u on conflict do nothing;
		found_number := (select u.number from rewards.unit u where u.name = currency);
	end if;
	return found_number;
end
$$;
revoke all on function rewards.currency_unit(text) from public;
comment on function rewards.currency_unit(text) is 'number of the unit that a currency is, made if nobody has used it yet';

create function rewards.credit_policy(out enforced boolean, out rule bigint, out sure boolean)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	select r.value ->> 'value' = 'enforce', r.id, r.sure_from is not null into enforced, rule, sure
	from rewards.rule r
	where r.rule = 'setting' and r.key = 'credit_policy' and r.valid_from <= clock_timestamp()
	order by r.valid_from desc, r.id desc limit 1;
	enforced := coalesce(enforced, false);
end
$$;
revoke all on function rewards.credit_policy() from public;
comment on function rewards.credit_policy() is
	'whether usage must be covered, the rule that says so, and whether every transaction that did not know it has ended';

create function rewards.lock_wallet(account bigint, unit smallint, amount numeric default 0,
		out balance numeric, out anchor bigint)
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	update rewards.wallet w set balance = w.balance + amount, moves = w.moves + 1, updated_at = clock_timestamp()
	where w.account = account and w.unit = unit returning w.balance, w.anchor into balance, anchor;
	if not found then
		insert into rewards.wallet as w (account, unit, balance) values (account, unit, amount)
		on conflict on constraint wallet_pkey do update
			set balance = w.balance + excluded.balance, moves = w.moves + 1, updated_at = clock_timestamp()
		returning w.balance, w.anchor into balance, anchor;
	end if;
end
$$;
revoke all on function rewards.lock_wallet(bigint, smallint, numeric) from public;
comment on function rewards.lock_wallet(bigint, smallint, numeric) is
	'locks a wallet until the transaction ends and adds to its own balance; 40001 under REPEATABLE READ when another came first';

create function rewards.move_wallet(account bigint, unit smallint, amount numeric, recorded boolean default false) returns numeric
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	held record;
	policy record;
	total numeric;
begin
	held := rewards.lock_wallet(account, unit, amount);
	if unit <> 3 then
		return held.balance;
	end if;
	policy := rewards.credit_policy();
	if policy.enforced and held.anchor = policy.rule then
		return held.balance;
	end if;
	/* usage that locked nothing may have been charged: all is added up */
	total := (select s.balance from rewards.latest_wallet_state(account, unit) s) + case when recorded then 0 else amount end;
	if policy.enforced and policy.sure then
		update rewards.wallet w set balance = total, anchor = policy.rule where w.account = account and w.unit = unit;
	end if;
	return total;
end
$$;
revoke all on function rewards.move_wallet(bigint, smallint, numeric, boolean) from public;
comment on function rewards.move_wallet(bigint, smallint, numeric, boolean) is
	'locks a wallet until the transaction ends, notes a movement in it (recorded: its row is there already) and returns the sum of all its movements';

create function rewards.capturing_row(request_id text, seen_from bigint, account bigint) returns bigint
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return (
		select u.id from rewards.usage_logs u
		where u.request_id = capturing_row.request_id and u.id > capturing_row.seen_from and u.status_code between 200 and 299
			and u.user_id = rewards.account_name(capturing_row.account)
		order by u.id limit 1);
end
$$;
revoke all on function rewards.capturing_row(text, bigint, bigint) from public;
comment on function rewards.capturing_row(text, bigint, bigint) is
	'the row that captures a hold of an account, also before it is posted; NULL while there is none';

create function rewards.open_holds(account bigint, at timestamptz, since timestamptz default '-infinity', before timestamptz default 'infinity')
	returns numeric
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	/* mostly there is none, and usage need not be looked at */
	perform from rewards.hold h where h.account = open_holds.account and h.closed_at is null;
	if not found then
		return 0;
	end if;
	return coalesce((
		select sum(h.amount)
		from rewards.hold h
		where h.account = open_holds.account and h.closed_at is null and h.expires_at > open_holds.at
			and h.created_at >= open_holds.since and h.created_at < open_holds.before
			and rewards.capturing_row(h.request_id, h.seen_from, h.account) is null), 0);
end
$$;
revoke all on function rewards.open_holds(bigint, timestamptz, timestamptz, timestamptz) from public;
comment on function rewards.open_holds(bigint, timestamptz, timestamptz, timestamptz) is
	'how many credits of an account are held back at a time, by the holds made from since on and before a time';

create function rewards.expired_lots(account bigint, unit smallint, at timestamptz, latest boolean)
	returns table (id bigint, expires_at timestamptz, amount numeric)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	lot record;
	held numeric := 0;
	upto timestamptz := '-infinity';
begin
	for lot in
		select l.id, l.remaining, l.expires_at from (
			select n.* from rewards.wallet_lots(account, unit) n where not latest
			union all
			select n.* from rewards.latest_wallet_lots(account, unit) n where latest) l
		where l.expires_at <= at order by l.expires_at, l.id
	loop
		/* what was held before a lot expired may be taken from it; what expires first is, first */
		if unit = 3 then
			held := held + rewards.open_holds(account, least(at, clock_timestamp()), upto, lot.expires_at);
			upto := lot.expires_at;
		end if;
		id := lot.id;
		expires_at := lot.expires_at;
		amount := greatest(0, lot.remaining - held);
		held := held - (lot.remaining - amount);
		if amount > 0 then
			return next;
		end if;
	end loop;
end
$$;
revoke all on function rewards.expired_lots(bigint, smallint, timestamptz, boolean) from public;
comment on function rewards.expired_lots(bigint, smallint, timestamptz, boolean) is
	'what of a wallet has expired at a time without being booked so, lot by lot: not what is held since before; latest: as committed at this moment';

create function rewards.wallet_expired(account bigint, unit smallint, at timestamptz default now(), latest boolean default false) returns numeric
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	as $$ begin return (select coalesce(sum(l.amount), 0) from rewards.expired_lots(account, unit, at, latest) l); end $$;
revoke all on function rewards.wallet_expired(bigint, smallint, timestamptz, boolean) from public;
comment on function rewards.wallet_expired(bigint, smallint, timestamptz, boolean) is 'the sum of what has expired in a wallet without being booked so';

create function rewards.available(account bigint, unit smallint, balance numeric, at timestamptz default clock_timestamp()) returns numeric
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	held numeric := case when unit = 3 then rewards.open_holds(account, least(at, clock_timestamp())) else 0 end;
	expired numeric := 0;
begin
	if (select w.next_expiry from rewards.wallet w where w.account = account and w.unit = unit) <= at then
		expired := rewards.wallet_expired(account, unit, at, true);
		if expired = 0 and (select s.due from rewards.latest_wallet_state(account, unit) s) = 0 then
			update rewards.wallet w set next_expiry = (
				select min(j.expires_at) from rewards.journal j
				where j.account = account and j.unit = unit
					and (j.expires_at > clock_timestamp() or (j.expires_at is not null and j.id > (select c.last from rewards.cursor c where c.single))))
			where w.account = account and w.unit = unit;
		end if;
	end if;
	return balance - expired - held;
end
$$;
revoke all on function rewards.available(bigint, smallint, numeric, timestamptz) from public;
comment on function rewards.available(bigint, smallint, numeric, timestamptz) is
	'what can be spent of a locked wallet with this sum of movements: less what will have expired at a time and what is held';

create function rewards.refuse_spending(account text, unit smallint, needed numeric, available numeric) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	raise exception 'insufficient %', rewards.unit_name(unit)
		using errcode = 'RW007',
			detail = format('User "%s" needs %s, has %s: %s missing.', account, trim_scale(needed), trim_scale(available), trim_scale(needed - available)),
			hint = 'Add some by rewards.add_credits().';
end
$$;
revoke all on function rewards.refuse_spending(text, smallint, numeric, numeric) from public;
comment on function rewards.refuse_spending(text, smallint, numeric, numeric) is 'RW007 with the missing amount';

create function rewards.refuse_debt(account bigint, unit smallint, spent numeric, left_over numeric) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if spent > 0 and left_over < 0 and (unit <> 3 or (select p.enforced from rewards.credit_policy() p)) then
		perform rewards.refuse_spending(rewards.account_name(account), unit, spent, left_over + spent);
	end if;
end
$$;
revoke all on function rewards.refuse_debt(bigint, smallint, numeric, numeric) from public;
comment on function rewards.refuse_debt(bigint, smallint, numeric, numeric) is 'RW007 when a wallet that must be covered is not, after so much was spent';

create function rewards.account_name(number bigint) returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select a.name from rewards.account a where a.id = account_name.number $$;
revoke all on function rewards.account_name(bigint) from public;
comment on function rewards.account_name(bigint) is 'the id of an account by its number';

create function rewards.charge_wallets(accounts bigint[], users text[], amounts numeric[], times timestamptz[]) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	left_over numeric;
begin
	for i in 1..cardinality(accounts) loop
		if accounts[i] = 0 then
			perform rewards.refuse_spending(users[i], 3::smallint, amounts[i], 0);
		end if;
		/* a row dated ahead takes nothing from what will have expired by then */
		left_over := rewards.available(accounts[i], 3::smallint, rewards.move_wallet(accounts[i], 3::smallint, -amounts[i], true),
			greatest(clock_timestamp(), times[i]));
		if left_over < 0 then
			perform rewards.refuse_spending(rewards.account_name(accounts[i]), 3::smallint, amounts[i], left_over + amounts[i]);
		end if;
	end loop;
end
$$;
revoke all on function rewards.charge_wallets(bigint[], text[], numeric[], timestamptz[]) from public;
comment on function rewards.charge_wallets(bigint[], text[], numeric[], timestamptz[]) is
	'locks and charges wallets in the order given, users by name where they have no account; RW007. The trigger of usage_logs calls it under the credit policy enforce';

/* ---- credits in, credits back ---- */

create function rewards.check_positive(amount numeric, argument text) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_not_null(amount, argument);
	perform rewards.check_amount(amount, argument);
	if amount = 0 then
		raise exception '% must be greater than 0', argument
			using errcode = 'invalid_parameter_value', hint = 'Give an amount above zero.';
	end if;
end
$$;
revoke all on function rewards.check_positive(numeric, text) from public;
comment on function rewards.check_positive(numeric, text) is '22004 or 22023 for what is no amount above zero';

create function rewards.refuse_other_contents(given jsonb, kept jsonb, what text, id bigint) returns void
	language plpgsql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if given is distinct from kept then
		raise exception 'the % has been used with other contents', what
			using errcode = 'invalid_parameter_value', detail = format('Entry %s holds %s, the call gave %s.', id, kept, given),
				hint = 'Use a new one for a new call.';
	end if;
end
$$;
revoke all on function rewards.refuse_other_contents(jsonb, jsonb, text, bigint) from public;
comment on function rewards.refuse_other_contents(jsonb, jsonb, text, bigint) is '22023 when a repeated call differs from the first one';

create function rewards.add_credits(user_id text, amount numeric, reason text default null, currency text default 'credits',
		expires_at timestamptz default null, reference text default null, updated_by text default current_user)
	returns numeric
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	given jsonb := jsonb_build_object('user_id', user_id, 'amount', amount, 'reason', reason, 'currency', currency,
		'expires_at', expires_at, 'reference', reference);
	number bigint;
	unit smallint;
	entry bigint;
	first record;
begin
	perform rewards.require_installed();
	perform rewards.check_id(user_id, 'user_id');
	perform rewards.check_positive(amount, 'amount');
	perform rewards.check_not_null(updated_by, 'updated_by');
	expires_at := nullif(expires_at, 'infinity');
	if reference is not null then
		perform rewards.check_id(reference, 'reference');
	end if;
	unit := rewards.currency_unit(currency);
	number := (rewards.ensure_account('user', user_id)).number;
	perform rewards.lock_wallet(number, unit);
	insert into rewards.journal as j (created_at, unit, distribution, reason, actor, event, account, expires_at, reference)
	values (now(), unit, rewards.one_share(number, 'credit', 0, amount), reason, updated_by, 'credit', number, expires_at, reference)
	on conflict do nothing returning j.id into entry;
	if entry is null then
		select j.id, j.account, j.unit, s.amount into first
		from rewards.journal j cross join lateral rewards.shares(j.distribution) s
		where j.event = 'credit' and j.reference = reference;
		perform rewards.refuse_other_contents(
			jsonb_build_object('user_id', user_id, 'amount', trim_scale(amount), 'currency', currency),
			jsonb_build_object('user_id', rewards.account_name(first.account), 'amount', trim_scale(first.amount),
				'currency', rewards.unit_name(first.unit)), 'reference', first.id);
		return trim_scale(rewards.available(number, unit, rewards.move_wallet(number, unit, 0)));
	/* a repeat may come when they have expired */
	elsif expires_at <= clock_timestamp() then
		raise exception 'expires_at must lie in the future'
			using errcode = 'invalid_parameter_value', hint = 'Leave it out for credits that never expire.';
	elsif expires_at is not null then
		perform rewards.check_time(expires_at, 'expires_at');
		update rewards.wallet w set next_expiry = least(w.next_expiry, expires_at) where w.account = number and w.unit = unit;
	end if;
	perform rewards.log_call('add_credits', given, null, jsonb_build_object('entry', entry), updated_by);
	return trim_scale(rewards.available(number, unit, rewards.move_wallet(number, unit, amount, true)));
end
$$;
revoke all on function rewards.add_credits(text, numeric, text, text, timestamptz, text, text) from public;
comment on function rewards.add_credits(text, numeric, text, text, timestamptz, text, text) is
	'adds credits, tokens or another currency to a user and returns what can be spent then; those that expire first are spent first. The same reference adds once, 22023 when it comes with other contents (C5, C9)';

create function rewards.credits(user_id text, currency text default 'credits') returns numeric
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	number bigint;
	of_unit smallint;
	state record;
	held numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(user_id, 'user_id');
	perform rewards.check_reader(user_id, 'user');
	perform rewards.check_not_null(currency, 'currency');
	of_unit := (select u.number from rewards.unit u where u.name = credits.currency and u.number >= 3);
	number := (select a.id from rewards.account a where a.name = credits.user_id and a.kind = 'user');
	if of_unit is null then
		return 0;
	elsif number is null then
		/* charged in rows that are not posted yet, and nothing else */
		return trim_scale((select coalesce(sum(t.amount), 0) from rewards.tail_totals('month', 'user', user_id) t where t.unit = of_unit));
	end if;
	select * into state from rewards.wallet_state(number, of_unit);
	held := case when of_unit = 3 then rewards.open_holds(number, now()) else 0 end;
	return trim_scale(state.balance - case when state.due > 0 then rewards.wallet_expired(number, of_unit) else 0 end - held);
end
$$;
revoke all on function rewards.credits(text, text) from public;
comment on function rewards.credits(text, text) is
	'what a user can spend: all movements, posted or not, less what has expired and what is held (C5, C6)';

create function rewards.book_wallet_expiries(account bigint, unit smallint) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	lot record;
	booked bigint := 0;
begin
	perform rewards.lock_wallet(account, unit);
	for lot in select l.* from rewards.expired_lots(account, unit, clock_timestamp(), true) l loop
		insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause, reverses_source, reverses_id)
		values (lot.expires_at, unit, rewards.one_share(account, 'expiry', 0, -lot.amount), 'expired', rewards.caller()::text, 'expiry',
			account, concat_ws(' ', lot.id, (
				select count(*) from rewards.journal j where j.event = 'expiry' and j.reverses_source = 'journal' and j.reverses_id = lot.id)),
			'journal', lot.id);
		perform rewards.lock_wallet(account, unit, -lot.amount);
		booked := booked + 1;
	end loop;
	return booked;
end
$$;
revoke all on function rewards.book_wallet_expiries(bigint, smallint) from public;
comment on function rewards.book_wallet_expiries(bigint, smallint) is 'books what has expired in a wallet, which it locks; returns how many entries that were';

create function rewards.book_expiries(most integer default 10000) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	set lock_timeout = '10ms'
as $$
declare
	wallet record;
	booked bigint := 0;
begin
	/* whoever spends from a wallet just now is not waited for: it comes next time */
	for wallet in
		select w.account, w.unit from rewards.wallet w
		where (w.account, w.unit) in (select l.account, l.unit from rewards.lot l where l.expires_at <= clock_timestamp() and l.remaining > 0)
		order by w.account, w.unit limit most for update skip locked
	loop
		booked := booked + rewards.book_wallet_expiries(wallet.account, wallet.unit);
	end loop;
	return booked;
exception
	/* SKIP LOCKED waits all the same when a row changes twice at that moment; the other may want what is locked here */
	when lock_not_available then
		return 0;
end
$$;
revoke all on function rewards.book_expiries(integer) from public;
comment on function rewards.book_expiries(integer) is 'books what has expired in wallets that nobody has locked; post() and maintain() call it';

create function rewards.refund_entry(entry bigint, reason text, actor text) returns numeric
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	credit record;
	refunded numeric;
	left_over numeric;
	reversal bigint;
begin
	select j.account, j.unit, s.amount into credit
	from rewards.journal j cross join lateral rewards.shares(j.distribution) s where j.id = entry;
	/* locks the wallet, and what has expired is not there to be refunded */
	perform rewards.book_wallet_expiries(credit.account, credit.unit);
	refunded := credit.amount + coalesce((
		select sum(s.amount) from rewards.journal j cross join lateral rewards.shares(j.distribution) s
		where j.reverses_source = 'journal' and j.reverses_id = entry and j.event = 'expiry'), 0);
	insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause, reverses_source, reverses_id)
	values (now(), credit.unit, rewards.one_share(credit.account, 'credit', 0, -refunded), reason, actor, 'reversal',
		credit.account, 'journal ' || entry, 'journal', entry)
	on conflict do nothing returning id into reversal;
	if reversal is null then
		perform rewards.refuse_second_reversal('journal entry', entry);
	end if;
	left_over := rewards.available(credit.account, credit.unit, rewards.move_wallet(credit.account, credit.unit, -refunded, true));
	perform rewards.refuse_debt(credit.account, credit.unit, refunded, left_over);
	return left_over;
end
$$;
revoke all on function rewards.refund_entry(bigint, text, text) from public;
comment on function rewards.refund_entry(bigint, text, text) is
	'takes back credits that an entry of the journal brought, but for those expired; RW009, RW007. Returns what can be spent then';

create function rewards.refund_credits(reference text, reason text, updated_by text default current_user) returns numeric
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	entry bigint;
	balance numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_id(reference, 'reference');
	perform rewards.check_not_null(reason, 'reason');
	perform rewards.check_not_null(updated_by, 'updated_by');
	entry := (select j.id from rewards.journal j where j.event = 'credit' and j.reference = reference);
	if entry is null then
		raise exception 'there are no credits with reference "%"', reference
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.credit_transactions shows references.';
	end if;
	balance := rewards.refund_entry(entry, reason, updated_by);
	perform rewards.log_call('refund_credits', jsonb_build_object('reference', reference, 'reason', reason), null,
		jsonb_build_object('entry', j.id, 'reverses', entry), updated_by)
	from rewards.journal j where j.reverses_source = 'journal' and j.reverses_id = entry and j.event = 'reversal';
	return trim_scale(balance);
end
$$;
revoke all on function rewards.refund_credits(text, text, text) from public;
comment on function rewards.refund_credits(text, text, text) is
	'takes back the credits that were added with a reference, once (RW009), but for those expired; RW007 when they are spent and the policy is enforce. Returns what the user can spend then (C9)';

/* ---- holds ---- */

create function rewards.authorize_usage(user_id text, amount numeric, request_id text, ttl interval default '15 minutes') returns numeric
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	/* whatever is not decided yet is above */
	seen_from bigint;
	recorded boolean;
	known record;
	at timestamptz;
	left_over numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_id(user_id, 'user_id');
	perform rewards.check_positive(amount, 'amount');
	perform rewards.check_id(request_id, 'request_id');
	perform rewards.check_not_null(ttl, 'ttl');
	if ttl <= '0' or ttl > '1 year' then
		raise exception 'ttl must lie between 0 and a year'
			using errcode = 'invalid_parameter_value', hint = 'It is how long the credits are held if the request does not come.';
	end if;
	number := rewards.find_account('user', user_id);
	if number is null then
		perform rewards.refuse_spending(user_id, 3::smallint, amount, 0);
	end if;
	/* a session that is recording the request may want the wallet: it is waited for before that is locked */
	seen_from := (select least(c.last, (select min(o.first) - 1 from unnest(c.open_first) o(first))) from rewards.cursor c where c.single);
	recorded := rewards.find_request(request_id) is not null;
	perform rewards.lock_wallet(number, 3::smallint);
	update rewards.hold h set closed_at = clock_timestamp(), outcome = 'expired'
	where h.request_id = request_id and h.closed_at is null and h.expires_at <= clock_timestamp();
	if recorded or exists (
			select from rewards.usage_logs u where u.request_id = request_id and u.id > seen_from and u.status_code between 200 and 299) then
		raise exception 'request "%" has been recorded already', request_id
			using errcode = 'unique_violation', hint = 'Hold credits before the request is recorded, and use a new request_id for a new one.';
	end if;
	select h.* into known from rewards.hold h where h.request_id = request_id and h.closed_at is null;
	if found then
		perform rewards.refuse_other_contents(jsonb_build_object('user_id', user_id, 'amount', trim_scale(amount)),
			jsonb_build_object('user_id', rewards.account_name(known.account), 'amount', trim_scale(known.amount)), 'request_id', known.id);
		return trim_scale(rewards.available(number, 3::smallint, rewards.move_wallet(number, 3::smallint, 0)));
	end if;
	/* what has expired by then is not held */
	at := clock_timestamp();
	left_over := rewards.available(number, 3::smallint, rewards.move_wallet(number, 3::smallint, 0), at) - amount;
	if left_over < 0 then
		perform rewards.refuse_spending(user_id, 3::smallint, amount, left_over + amount);
	end if;
	insert into rewards.hold (account, amount, request_id, expires_at, created_at, seen_from)
	values (number, amount, request_id, at + ttl, at, seen_from);
	return trim_scale(left_over);
end
$$;
revoke all on function rewards.authorize_usage(text, numeric, text, interval) from public;
comment on function rewards.authorize_usage(text, numeric, text, interval) is
	'holds credits for a request to come, under either credit policy; the row with that request_id captures what it costs and frees the rest, else they are free again after ttl. RW007; returns what can be spent besides. A repeat holds nothing more';

create function rewards.release_hold(request_id text) returns boolean
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	perform rewards.require_installed();
	perform rewards.check_id(request_id, 'request_id');
	/* a row that has been charged as covered by the hold, and is not committed yet, is waited for */
	perform rewards.lock_wallet(h.account, 3::smallint) from rewards.hold h where h.request_id = request_id and h.closed_at is null;
	update rewards.hold h set closed_at = clock_timestamp(), outcome = 'released'
	where h.request_id = request_id and h.closed_at is null and h.expires_at > clock_timestamp()
		and rewards.capturing_row(h.request_id, h.seen_from, h.account) is null;
	return found;
end
$$;
revoke all on function rewards.release_hold(text) from public;
comment on function rewards.release_hold(text) is 'frees credits that are held for a request; false when there are none, or no more';

create function rewards.close_holds(most integer default 10000) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	closed bigint;
begin
	/* mostly there is none, and usage need not be looked at */
	perform from rewards.hold h where h.closed_at is null and h.expires_at <= clock_timestamp();
	if not found then
		return 0;
	end if;
	update rewards.hold h set closed_at = o.expires_at, usage_id = u.id,
		outcome = case when u.id is null then 'expired' else 'captured' end
	from (
		select h.id, h.request_id, h.seen_from, h.expires_at, h.account from rewards.hold h
		where h.closed_at is null and h.expires_at <= clock_timestamp()
		order by h.expires_at limit most for update skip locked
	) o
	cross join lateral (select rewards.capturing_row(o.request_id, o.seen_from, o.account) as id offset 0) u
	join rewards.cursor c on c.single
	/* not before its row is folded, which goes by it */
	where h.id = o.id and (u.id is null or rewards.is_folded(u.id, c.last, c.open_first, c.open_last));
	get diagnostics closed = row_count;
	return closed;
end
$$;
revoke all on function rewards.close_holds(integer) from public;
comment on function rewards.close_holds(integer) is 'closes holds whose time is over, as captured or expired; post() and maintain() call it';
