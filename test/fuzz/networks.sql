/*
 * Sizes of referral networks against their truth, walked again in plain SQL.
 *
 * Random signups grow a random forest: newcomers, accounts with a network of their own
 * that get a referrer late, chains deeper than what posting counts; some are rolled
 * back, some held open by prepared transactions, some in the posting's own transaction.
 * Usage is recorded in between, all is posted in whole and in part, and repaired.  At
 * every look network_sizes() of every account must be what the visible edges give.
 *
 *   SEED=2 STEPS=2000 make test SUITES=fuzz TESTS=networks
 *
 * Runs in a database of its own with the extension, as superuser.
 */
\set ON_ERROR_STOP on
\pset pager off
set timezone = 'UTC';
set jit = off;
/* who waits for a prepared transaction would wait for ever */
set lock_timeout = '20ms';
set client_min_messages = warning;

\set seed 1
\set steps 600
\getenv seed SEED
\getenv steps STEPS

\o /dev/null
select rewards.install();
select rewards.set_setting('code_policy', 'identity');
select rewards.register_account('n0', kind) from unnest('{user,provider}'::text[]) kind;
\ir truth/tools.sql

/* ---- what happens ---- */

create function truth.pick(word text, n bigint, kind text, roots boolean, latest integer default null) returns text language sql as $$
	with candidate as (
		select a.name, row_number() over (order by a.id desc) as place, count(*) over () as candidates
		from rewards.account a where a.kind = pick.kind and (not roots or a.referrer is null)
	)
	select c.name from candidate c
	where c.place = 1 + truth.roll(word, n, least(c.candidates, coalesce(latest, c.candidates))::integer)
$$;

/* one signup, or what becomes of it */
create function truth.sign_up(n bigint) returns void language plpgsql as $$
declare
	kind text := case when truth.roll('kind', n, 6) = 0 then 'provider' else 'user' end;
	way integer := truth.roll('way', n, 12);
	referee text := case when way < 8 then 'n' || n else truth.pick('referee', n, kind, true) end;
	referrer text := case when way < 5 then truth.pick('referrer', n, kind, false, 2) else truth.pick('referrer', n, kind, false) end;
begin
	if way = 8 then
		perform rewards.register_account('r' || n, kind);
		referrer := 'r' || n;
	end if;
	perform rewards.referral_signup(referrer, referee, kind);
	if truth.roll('rolled back', n, 8) = 0 then
		raise exception using errcode = 'RW000';
	end if;
exception when others then
	if sqlstate not in ('RW000', 'RW002', 'RW003', 'RW004', '55P03') then
		raise;
	end if;
end
$$;

create function truth.sign_up_some(n bigint) returns void language sql as $$
	select truth.sign_up(n * 10 + i) from generate_series(0, truth.roll('some', n, 4)) i
$$;

create table truth.script (n bigint, part integer default 0, statement text);
insert into truth.script (n, statement)
select n, case
		when way < 55 then format('select truth.sign_up_some(%s)', n)
		when way < 65 then format('insert into rewards.usage_logs (user_id, endpoint) select ''n'' || i, ''/tts'' from generate_series(1, %s) i', truth.roll('rows', n, 5))
		when way < 72 then 'select rewards.post()'
		when way < 80 then format('select rewards.post(%s)', truth.roll('limit', n, 12))
		when way < 88 then format('begin; select truth.sign_up_some(%s); select rewards.post(); select truth.sign_up_some(%s); %s',
			n, n + 1000000, (array['commit', 'rollback'])[1 + truth.roll('end', n, 2)])
		when way < 97 then format('begin; select truth.sign_up_some(%s); prepare transaction ''networks %s''', n, n)
		when way < 98 then 'select rewards.repair(''fuzz'')'
		else 'call truth.look()'
	end
from (select n, truth.roll('what', n, 100) as way from generate_series(1, :steps) n) s;
insert into truth.script
select n + 1 + truth.roll('until', n, 25), 1, format('%s prepared ''networks %s''', (array['commit', 'rollback'])[1 + truth.roll('fate', n, 2)], n)
from truth.script where statement like '%prepare transaction%';
insert into truth.script select n, 2, 'call truth.look()' from generate_series(40, :steps, 40) n;

/* ---- the truth ---- */

create table truth.seen (looks integer default 0, deepest integer default 0, edges bigint default 0, in_tail bigint default 0);
insert into truth.seen default values;

create procedure truth.look() language plpgsql as $$
begin
	create temp table size as
	with recursive below(ancestor, account, level) as (
		select a.referrer, a.id, 1 from rewards.account a where a.referrer is not null
		union all
		select a.referrer, b.account, b.level + 1 from below b join rewards.account a on a.id = b.ancestor where a.referrer is not null
	)
	select a.kind, a.name, b.level, count(*) as accounts
	from below b join rewards.account a on a.id = b.ancestor group by 1, 2, 3;
	call truth.same('sizes', 'select * from size',
		'select a.kind, a.name, n.level, n.accounts from rewards.account a cross join lateral rewards.network_sizes(a.kind, a.name) n');
	call truth.same('networks listed', 'select kind, name, level, accounts from size where hashtext(name) % 10 = 0',
		'select a.kind, a.name, n.level, count(*) from rewards.account a cross join lateral rewards.referral_network(a.name, a.kind) n
			where hashtext(a.name) % 10 = 0 group by 1, 2, 3');
	call truth.same('statistics', 'select kind, name, sum(accounts) as total, sum(accounts) filter (where level = 2) as secondary from size where hashtext(name) % 10 = 0 group by 1, 2',
		'select a.kind, a.name, s.total, nullif(s.secondary, 0) from rewards.account a
			cross join lateral (select (n ->> ''total'')::numeric as total, (n ->> ''secondary'')::numeric as secondary
				from jsonb_extract_path(rewards.referral_stats(a.name, a.kind), ''network'') n) s
			where hashtext(a.name) % 10 = 0 and s.total > 0');
	perform truth.demand('verify()', array(select v::text from rewards.verify() v));
	update truth.seen set looks = looks + 1, deepest = greatest(deepest, (select max(level) from size)),
		edges = (select count(*) from rewards.account where referrer is not null),
		in_tail = greatest(in_tail, (select count(*) from rewards.account a, rewards.cursor c where a.referrer is not null
			and not rewards.is_folded(a.seen_from, c.last, c.open_first, c.open_last)));
	drop table size;
end
$$;

select statement from truth.script order by n, part \gexec
call truth.look();
select rewards.post();
call truth.look();
/* again: what was open has closed, and nothing is folded twice */
select rewards.post();
call truth.look();
create temp table posted as table rewards.network;
select rewards.repair('at the end');
call truth.look();
call truth.same('counts after repair()', 'table posted', 'table rewards.network');
\o

select truth.demand('the world is too tame', array(
	select s::text from truth.seen s where :steps >= 600 and (deepest <= 40 or in_tail < 10 or edges < 300)));
select format('networks: seed %s: %s looks, %s edges, %s of them at most in the tail, %s levels deep: no difference', :seed, looks, edges, in_tail, deepest) as summary
from truth.seen \gset
\echo :summary
