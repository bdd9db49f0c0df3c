/*
 * What a member reads is what is told of it to who reads all: for every view that a
 * member is granted, and for each of some 60 accounts of a random world, the member's
 * rows are the app's rows of that account, column by column.  The world has what is folded, a tail,
 * open stretches, ties, banned accounts, a user and a provider of one name, accounts
 * that only the tail knows and accounts that nobody knows.
 *
 *   SEED=2 EVENTS=3000 make test SUITES=fuzz TESTS=member_views
 */
\set ON_ERROR_STOP on
set client_min_messages = warning;

\set seed 1
\set events 1000
\getenv seed SEED
\getenv events EVENTS
\echo seed :seed, :events events

select rewards.install('cxmpute') \g /dev/null
select setseed(:seed / 1000000.0) \g /dev/null
create schema world;
set search_path = world, pg_catalog;

create function one_of(variadic choices text[]) returns text language sql volatile
	return choices[1 + floor(random() * cardinality(choices))::integer];
create function id(kind text) returns text language sql volatile
	return case when random() < 0.15 then 'both' || floor(random() * 3) else left(kind, 1) || floor(random() * 25) end;

/* nobody's error ends the world */
create function attempt(command text) returns void language plpgsql as $$
begin
	execute command;
exception when others then
	if sqlstate !~ '^(RW|22|23|55)' then
		raise;
	end if;
end $$;

create function happen(events integer, prefix text, calls boolean default true) returns void language plpgsql as $$
declare
	at timestamptz;
begin
	for n in 1 .. events loop
		at := now() - random() * interval '70 days';
		/* equal tokens on few days, so that sums tie */
		insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, usage_type, status_code, input_tokens, output_tokens, created_at)
		values (case when random() < 0.5 then prefix || n end, world.id('user'), case when random() < 0.8 then world.id('provider') end,
			world.one_of('/chat/completions', '/tts', '/embeddings', '/other'), world.one_of('m1-7b', 'm2-70b', 'm3', null), world.one_of('chat', null),
			case when random() < 0.9 then 200 else 500 end, 100 * floor(random() * 3)::integer, 100, at)
		on conflict do nothing;
		if calls and random() < 0.3 then
			perform world.attempt(case floor(random() * 11)
				when 0 then format('select rewards.add_credits(%L, 10, expires_at => %L, currency => %L)', world.id('user'), now() + random() * interval '4 s', world.one_of('credits', 'tokens'))
				when 1 then format('select rewards.deduct_token(%L, 1, null, %L, ''chat'', ''m1-7b'')', world.id('user'), prefix || 't' || n)
				when 2 then format('select rewards.adjust(%L, %L, %s, ''random'', %L)', world.id('user'), 'user', floor(random() * 9) - 4, world.one_of('points', 'earnings', 'credits', 'tokens'))
				when 3 then format('select rewards.adjust(%L, %L, %s, ''random'', %L)', world.id('provider'), 'provider', floor(random() * 9) - 4, world.one_of('points', 'earnings', 'credits', 'tokens'))
				when 4 then format('select rewards.request_payout(%L, %L, 0.01, ''points'')', world.id('user'), 'user')
				when 5 then format('select rewards.authorize_usage(%L, 0.5, %L)', world.id('user'), prefix || n + 3)
				when 6 then format('select rewards.reverse_usage((select id from rewards.usage_logs order by random() limit 1), ''random'')')
				when 7 then format('select rewards.set_status(%L, %L, %L, ''random'')', world.id('user'), 'user', world.one_of('banned', 'warned', 'suspended', 'active'))
				when 8 then format('select rewards.referral_signup(rewards.referral_code(%L), %L)', world.id('user'), world.id('user'))
				when 9 then format('select rewards.record_uptime(%L, %L, 86400)', world.id('provider'), (now() - random() * interval '5 days')::date)
				else format('select rewards.appeal(%L, ''user'', ''please'')', world.id('user')) end);
		end if;
	end loop;
end $$;

select rewards.init_pricing('mainnet', valid_from => '-infinity') \g /dev/null
select rewards.set_bonus('signup', 'user', 5, recipient_level => 1), rewards.set_bonus('signup', 'user', 2, recipient_level => 0) \g /dev/null
select rewards.register_model('m1-7b', owner => 'u1'), rewards.register_model('m2-70b', owner => 'both1'), rewards.register_model('m3', owner => 'u2') \g /dev/null
select rewards.referral_signup(rewards.referral_code('u' || n / 3), 'u' || n, at => now() - interval '80 days') from generate_series(1, 15) n \g /dev/null
select rewards.referral_signup(rewards.referral_code('p' || n / 3, 'provider'), 'p' || n, 'provider', now() - interval '80 days') from generate_series(1, 15) n \g /dev/null
select rewards.register_account('u' || n, 'user', 'U' || n || '@example.com') from generate_series(1, 9) n \g /dev/null
insert into rewards.invite_code (code, owner, source) select 'CODE-' || a.id, a.id, 'days' from rewards.account a where a.kind = 'user';
select world.attempt(format('select rewards.share_referral(%L, %L, %L)', a.name, 'guest' || a.id || '@example.com', 'CODE-' || a.id)) from rewards.account a where a.kind = 'user' \g /dev/null
insert into rewards.quality_score (account, day, method, score, referees) select a.id, '2025-02-01', 'weighted', 0.5, 5 from rewards.account a where a.id % 3 > 0;
select world.happen(:events / 4, 'a') \g /dev/null
select * from rewards.post() \g /dev/null
-- older numbers stay open while newer ones are folded, and one of them is given up
begin;
select world.happen(:events / 10, 'b', false) \g /dev/null
prepare transaction 'member_views open';
begin;
select world.happen(:events / 10, 'c', false) \g /dev/null
prepare transaction 'member_views lost';
select world.happen(:events / 4, 'd') \g /dev/null
select * from rewards.post() \g /dev/null
select * from rewards.maintain() \g /dev/null
commit prepared 'member_views open';
rollback prepared 'member_views lost';
select world.happen(:events / 10, 'e') \g /dev/null
-- some of what expires has, and nobody has booked it
select pg_sleep(2) \g /dev/null
select (select backlog > 0 from rewards.status) as tail \gset
\if :tail
\else
	do $$ begin raise exception 'there is no tail'; end $$;
\endif

create role member_views_app;
create role member_views_member;
select rewards.grant_access('member_views_app', 'app'), rewards.grant_access('member_views_member', 'member') \g /dev/null
grant usage, create on schema world to member_views_app;
grant usage on schema world to member_views_member;

create table account as
select k as kind, n as name from unnest('{user,provider}'::text[]) k, lateral (
	select left(k, 1) || g as n from generate_series(0, 26) g union all select 'both' || g from generate_series(0, 3) g) n
union all select 'user', 'victim''s "name"';

/* which lines of a view are whose */
create table view as
select c.relname::text as name,
	(select string_agg(case when c.relname = 'model_usage_logs' and a.attname = 'user_id' then 'nullif(user_id, case when user_id <> creator_id then user_id end) as user_id'
		else quote_ident(a.attname) end, ', ' order by a.attnum) from pg_attribute a
		where a.attrelid = c.oid and a.attnum > 0 and has_column_privilege('member_views_member', c.oid, a.attnum, 'select')) as columns,
	case
		when c.relname = 'referral_relationships' then '(kind, referee) = ($1, $2) or (referrer_kind, referrer) = ($1, $2)'
		when c.relname = 'referrals' then 'kind = $1 and inviter_email = (select coalesce(a.email, a.account) from world.accounts a where (a.kind, a.account) = ($1, $2))'
		when c.relname = 'invite_codes' then '$1 = ''user'' and owner = $2'
		when c.relname = 'provider_rewards' then '$1 = ''provider'' and provider_id = $2'
		when c.relname = 'users' then '$1 = ''user'' and id = $2'
		when c.relname like 'model\_%' then '$1 = ''user'' and creator_id = $2'
		when exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'account') then '(kind, account) = ($1, $2)'
		else '$1 = ''user'' and user_id = $2' end as own
from pg_class c
where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v' and has_any_column_privilege('member_views_member', c.oid, 'select')
	and c.relname <> all ('{models,characters,tiers,services,model_patterns,referral_rates,referral_kinds,bonuses,streak_multipliers,campaigns,pricing,pricing_history}');
create table difference (view text, kind text, account text, whose text, line text);
grant select on account, view to member_views_app, member_views_member;
grant insert on difference to member_views_member;

create function compare() returns bigint language plpgsql as $$
declare
	v record;
	a record;
	seen jsonb := '{}';
	lines bigint := 0;
	n bigint;
begin
	set local role member_views_app;
	for v in select * from world.view loop
		execute format('create table world.%I as select %s from rewards.%1$I', v.name, v.columns);
		execute format('grant select on world.%I to member_views_member', v.name);
	end loop;
	set local role member_views_member;
	for a in select * from world.account loop
		perform set_config('rewards.account', a.kind || ':' || a.name, true);
		for v in select * from world.view loop
			execute format('with mine as materialized (select %1$s from rewards.%2$I), told as materialized (select * from world.%2$I where %3$s),
					wrong as (select ''member'' as whose, w::text as line from (select * from mine except all select * from told) w
						union all select ''app'', w::text from (select * from told except all select * from mine) w),
					noted as (insert into world.difference select %2$L, $1, $2, * from wrong)
				select count(*) from mine', replace(v.columns, 'nullif(user_id, case when user_id <> creator_id then user_id end) as user_id', 'user_id'), v.name, v.own)
				into n using a.kind, a.name;
			lines := lines + n;
			seen := seen || jsonb_build_object(v.name, n + coalesce((seen -> v.name)::bigint, 0));
		end loop;
	end loop;
	if jsonb_path_exists(seen, '$.* ? (@ == 0)') then
		raise exception 'no member has a line of some view: %', seen;
	end if;
	set local role none;
	return lines;
end $$;
begin isolation level repeatable read;
select world.compare() as lines \gset
commit;
select d.view, count(*), (array_agg(format('%s %s (%s): %s', d.kind, d.account, d.whose, d.line)))[:4] as some from world.difference d group by d.view order by 1;
select not exists (select from world.difference) and :lines > 1000 as equal, (select count(*) from world.account) as accounts, (select count(*) from world.view) as views \gset
select rewards.revoke_access('member_views_app'), rewards.revoke_access('member_views_member') \g /dev/null
drop owned by member_views_app, member_views_member;
drop role member_views_app, member_views_member;
\if :equal
	\echo member_views: seed :seed: :lines lines of :accounts members in :views views are the same as the app reads them
\else
	do $$ begin raise exception 'members read something else than what is told of them'; end $$;
\endif
