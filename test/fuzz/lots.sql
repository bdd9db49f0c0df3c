/*
 * What is left of credits that expire, against its truth, gone through in plain SQL.
 *
 * Random users get credits that never expire, that expire one day and that have expired
 * already, so that only what happened before can have been paid from them.  They use,
 * with dates all over the place, are refunded, adjusted and reversed.  All is posted in
 * whole and in part, and repaired.  At every look what each can spend and what is left
 * of each lot must be what going through all movements in order gives.
 *
 *   SEED=2 STEPS=2000 make test SUITES=fuzz TESTS=lots
 *
 * Runs in a database of its own with the extension, as superuser.
 */
\set ON_ERROR_STOP on
\pset pager off
set timezone = 'UTC';
set jit = off;
set client_min_messages = warning;

\set seed 1
\set steps 800
\getenv seed SEED
\getenv steps STEPS

\o /dev/null
select rewards.install();
select rewards.init_pricing('mainnet', valid_from => '-infinity');
select rewards.set_pricing('tts', 1, 'token', valid_from => '-infinity');
\ir truth/tools.sql

/* ---- what happens ---- */

create function truth.somebody(n bigint) returns text language sql as $$ select 'u' || truth.roll('user', n, 6) $$;

/* past add_credits(), which takes no credits that have expired */
create function truth.give(n bigint) returns void language plpgsql as $$
declare
	number bigint := (rewards.ensure_account('user', truth.somebody(n))).number;
	amount numeric := 1 + truth.roll('amount', n, 40);
	expires_at timestamptz := case when truth.roll('expires', n, 4) > 0 then now() + (truth.roll('when', n, 40) - 25) * interval '1 day' end;
begin
	perform rewards.lock_wallet(number, 3::smallint, amount);
	insert into rewards.journal (created_at, unit, distribution, actor, event, account, expires_at, reference)
	values (now(), 3, rewards.one_share(number, 'credit', 0, amount), 'fuzz', 'credit', number, expires_at, 'give ' || n);
	update rewards.wallet w set next_expiry = least(w.next_expiry, expires_at) where w.account = number and w.unit = 3;
end
$$;

create function truth.refuse_softly(statement text) returns void language plpgsql as $$
begin
	execute statement;
exception when sqlstate 'RW009' then
end
$$;

create table truth.script (n bigint, part integer default 0, statement text);
insert into truth.script (n, statement)
select n, case
		when way < 30 then format('select truth.give(%s)', n)
		when way < 65 then format('insert into rewards.usage_logs (user_id, endpoint, input_tokens, created_at) select truth.somebody(%s + i), ''/tts'', truth.roll(''tokens'', %s + i, 9), now() - truth.roll(''ago'', %s + i, 40) * interval ''1 day'' from generate_series(1, %s) i',
			n * 10, n * 10, n * 10, truth.roll('rows', n, 5))
		when way < 70 then format('select truth.refuse_softly(%L)', format('select rewards.refund_credits(reference, ''fuzz'') from (select reference from rewards.journal where event = ''credit'' order by hashint8(id + %s) limit 1) r', n))
		when way < 74 then format('select rewards.adjust(truth.somebody(%s), ''user'', %s, ''fuzz'', ''credits'')', n, truth.roll('adjust', n, 30) - 15.5)
		when way < 80 then format('select truth.refuse_softly(%L)', format('select rewards.reverse_usage(id, ''fuzz'') from (select id from rewards.usage_logs order by hashint8(id + %s) limit 1) r', n))
		when way < 87 then 'select rewards.post()'
		when way < 94 then format('select rewards.post(%s)', truth.roll('limit', n, 12))
		when way < 97 then format('begin; select truth.give(%s); select rewards.post(); select truth.give(%s); %s',
			n, n + 1000000, (array['commit', 'rollback'])[1 + truth.roll('end', n, 2)])
		when way < 98 then 'select rewards.repair(''fuzz'')'
		else 'call truth.look()'
	end
from (select n, truth.roll('what', n, 100) as way from generate_series(1, :steps) n) s;
insert into truth.script select n, 2, 'call truth.look()' from generate_series(20, :steps, 20) n;

/* ---- the truth ---- */

create table truth.purse (account bigint, rest numeric);
create table truth.lot (id bigint, account bigint, expires_at timestamptz, remaining numeric);
create table truth.seen (looks integer default 0, lots bigint default 0, due integer default 0, debts integer default 0, expired bigint default 0, paid integer default 0);
insert into truth.seen default values;

/* takes from lots that had not expired then, the first to expire first, and the rest from what never expires */
create function truth.spend(owner bigint, first_lot bigint, at timestamptz, amount numeric, only_first boolean) returns void language plpgsql as $$
declare
	due numeric := amount;
	lot record;
begin
	for lot in
		select l.* from truth.lot l
		where l.account = owner and l.remaining > 0 and (l.id = first_lot or (not only_first and l.expires_at > at))
		order by l.id <> first_lot, l.expires_at, l.id
	loop
		update truth.lot l set remaining = l.remaining - least(lot.remaining, due) where l.id = lot.id;
		due := due - least(lot.remaining, due);
	end loop;
	update truth.purse p set rest = p.rest - due where p.account = owner;
end
$$;

create procedure truth.replay() language plpgsql as $$
declare
	movement record;
	debt numeric;
begin
	delete from truth.purse;
	delete from truth.lot;
	insert into truth.purse select id, 0 from rewards.account where kind = 'user';
	for movement in
		select u.id, a.id as account, u.created_at, 'usage' as event, -u.cost as amount, null::timestamptz as expires_at, 0 as about
		from rewards.usage_logs u join rewards.account a on a.kind = 'user' and a.name = u.user_id
		where u.cost > 0
		union all
		select j.id, j.account, j.created_at, j.event, s.amount, j.expires_at, case j.reverses_source when 'journal' then j.reverses_id else 0 end
		from rewards.journal j cross join rewards.shares(j.distribution) s where j.unit = 3
		order by 1
	loop
		if movement.expires_at is not null then
			debt := greatest(0, -(select p.rest from truth.purse p where p.account = movement.account));
			debt := least(debt, movement.amount);
			insert into truth.lot values (movement.id, movement.account, movement.expires_at, movement.amount - debt);
			update truth.purse p set rest = p.rest + debt where p.account = movement.account;
			update truth.seen set paid = paid + (debt > 0)::integer;
		elsif movement.amount > 0 then
			update truth.purse p set rest = p.rest + movement.amount where p.account = movement.account;
		else
			perform truth.spend(movement.account, movement.about, movement.created_at, -movement.amount, movement.event = 'expiry');
		end if;
	end loop;
end
$$;

create procedure truth.look() language plpgsql as $$
begin
	call truth.replay();
	call truth.same('credits', $q$
		select a.name, trim_scale(p.rest + coalesce((select sum(l.remaining) from truth.lot l where l.account = p.account and l.expires_at > now()), 0))
		from truth.purse p join rewards.account a on a.id = p.account$q$,
		'select a.name, rewards.credits(a.name) from rewards.account a where a.kind = ''user''');
	call truth.same('lots', 'select l.id, l.account, trim_scale(l.remaining) from truth.lot l where l.remaining > 0',
		'select l.id, w.account, trim_scale(l.remaining) from rewards.wallet w cross join rewards.latest_wallet_lots(w.account, w.unit) l where w.unit = 3');
	call truth.same('wallets listed', 'select m.user_id, rewards.credits(m.user_id) from (select distinct m.user_id from rewards.credit_movements m) m',
		'select user_id, balance from rewards.user_credits');
	perform truth.demand('verify()', array(select v::text from rewards.verify() v));
	update truth.seen set looks = looks + 1, lots = greatest(lots, (select count(*) from truth.lot where remaining > 0)),
		due = due + (select count(*) from truth.lot where remaining > 0 and expires_at <= now()),
		debts = debts + (select count(*) from truth.purse where rest < 0), expired = (select count(*) from rewards.journal where event = 'expiry');
end
$$;

select statement from truth.script order by n, part \gexec
call truth.look();
select rewards.post();
call truth.look();
call truth.same('lots folded', 'select id, account, trim_scale(remaining) from truth.lot where remaining > 0', 'select id, account, trim_scale(remaining) from rewards.lot');
select rewards.repair('at the end');
call truth.look();
call truth.same('lots after repair()', 'select id, account, trim_scale(remaining) from truth.lot where remaining > 0', 'select id, account, trim_scale(remaining) from rewards.lot');
\o

select truth.demand('the world is too tame', array(
	select s::text from truth.seen s where :steps >= 800 and (lots < 10 or due < 20 or debts < 10 or expired < 20 or paid < 5)));
select format('lots: seed %s: %s looks, at most %s lots, %s times one was due, %s debts, %s expiries booked: no difference', :seed, looks, lots, due, debts, expired) as summary
from truth.seen \gset
\echo :summary
