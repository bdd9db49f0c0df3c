-- Attack: reading of other accounts. Whatever a member runs, it sees its own account and nothing
-- of another: by plain reading, by functions and operators that leak what they are shown, by errors, by EXPLAIN.
\getenv tests PG_ABS_SRCDIR
\set begin :tests /attack/begin.psql
\set end :tests /attack/end.psql
\i :begin
-- what each view has of others (by the account it names): for a member nothing
create table account_column as
select c.relname::text as view, a.attname::text as account, exists (select from pg_attribute k where k.attrelid = c.oid and k.attname = 'kind') as with_kind
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v' and has_any_column_privilege('regress_attack_member', c.oid, 'select')
	and a.attnum = (select min(n.attnum) from pg_attribute n where n.attrelid = c.oid
		and (n.attname in ('account', 'user_id', 'provider_id', 'creator_id', 'owner', 'inviter_email') or c.relname = 'users' and n.attname = 'id' or c.relname = 'model_usage_logs' and n.attname = 'creator_id')
		and (c.relname, n.attname) <> ('model_usage_logs', 'user_id'));
grant select on account_column to public;
select view, account from account_column order by 1;
-- those without such a column: rules, and the two ends of an edge
select c.relname from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v' and has_any_column_privilege('regress_attack_member', c.oid, 'select')
	and c.relname not in (select view from account_column) order by 1;
create function seen(view text, account text, out own bigint, out others bigint) language plpgsql as $$
begin
	execute format('select count(*) filter (where %1$I in (''own'', ''own@example.com'')), count(*) filter (where %1$I not in (''own'', ''own@example.com'') or %1$I is null) from rewards.%2$I', account, view) into own, others;
end $$;
grant execute on function seen to public;
grant create, temporary on database :"DBNAME" to public;
set role regress_attack_app;
select view, s.own > 0 as own, s.others > 0 as others from account_column a, seen(a.view, a.account) s where s.own = 0 or s.others = 0 order by 1;
set role regress_attack_member;
select view, s.own, s.others from account_column a, seen(a.view, a.account) s where s.own = 0 or s.others > 0 order by 1;
set role regress_attack_pooler;
select sum(s.own + s.others) as without_an_account from account_column a, seen(a.view, a.account) s;
reset role;
\c - regress_attack_member
\set VERBOSITY terse
select referee, referrer from rewards.referral_relationships;
-- a cheap function that tells what it is shown, in WHERE, in joins, in order
create function pg_temp.leak(text) returns boolean language plpgsql cost 0.0000001 as $$begin if $1 ~ 'victim|guest|their' then raise warning 'leaked %', $1; end if; return true; end$$;
create function pg_temp.run(command text) returns text language plpgsql as $$
declare
	lines bigint;
begin
	execute command;
	get diagnostics lines = row_count;
	return 'fine';
exception when others then
	return sqlstate || ' ' || sqlerrm;
end $$;
select view, pg_temp.run(format('select %2$I from rewards.%1$I where pg_temp.leak(%2$I::text)', view, account)) from account_column order by 1;
select pg_temp.run('select 1 from rewards.ledger l where pg_temp.leak(l.reason) and pg_temp.leak(l.account) and pg_temp.leak(l.source)');
select pg_temp.run('select 1 from rewards.user_points p left join rewards.accounts a on pg_temp.leak(a.account) and pg_temp.leak(p.user_id)');
select pg_temp.run('select 1 from rewards.model_usage_logs l where pg_temp.leak(l.user_id) and pg_temp.leak(l.model_id)');
select pg_temp.run('select 1 from rewards.referral_relationships r where pg_temp.leak(r.referee) and pg_temp.leak(r.referrer)');
-- an operator that the planner feeds with statistics
create function pg_temp.leaks(text, text) returns boolean language plpgsql as $$begin if $1 ~ 'victim|guest|their' then raise warning 'leaked %', $1; end if; return true; end$$;
create operator pg_temp.<<<< (procedure = pg_temp.leaks, leftarg = text, rightarg = text, restrict = eqsel);
create operator pg_temp.>>>> (procedure = pg_temp.leaks, leftarg = text, rightarg = text, restrict = scalargtsel, join = scalargtjoinsel);
select view, pg_temp.run(format('explain select %2$I from rewards.%1$I where %2$I::text operator(pg_temp.<<<<) ''x'' and %2$I::text operator(pg_temp.>>>>) ''x''', view, account)) from account_column order by 1;
-- an error that would tell of a row
select view, pg_temp.run(format('select 1 from rewards.%1$I where 1 / case when %2$I::text ~ ''victim|guest|their'' then 0 else 1 end = 1', view, account)) from account_column order by 1;
-- EXPLAIN ANALYZE counts no row of others: asked for another account, no table is read at all
create function pg_temp.rows_read(plan jsonb) returns numeric language sql as $$
	with recursive node(n) as (
		select plan -> 0 -> 'Plan' union all select c from node cross join lateral jsonb_array_elements(n -> 'Plans') c
	)
	select coalesce(sum(((n ->> 'Actual Rows')::numeric + coalesce((n ->> 'Rows Removed by Filter')::numeric, 0)) * (n ->> 'Actual Loops')::numeric), 0) from node
	where n ->> 'Relation Name' not in ('rule', 'unit', 'cursor', 'account')
$$;
create function pg_temp.rows_read_of(view text, account text) returns numeric language plpgsql as $$
declare
	plan jsonb;
begin
	execute format('explain (analyze, costs off, timing off, summary off, format json) select %2$I from rewards.%1$I where %2$I = ''victim''', view, account) into plan;
	return pg_temp.rows_read(plan);
end $$;
select view, pg_temp.rows_read_of(view, account) from account_column where pg_temp.rows_read_of(view, account) <> 0 order by 1;
-- the same by cursors, by prepared statements that others' rights could have planned, by a view and a materialized view of one's own
begin; declare c cursor for select user_id from rewards.user_points; fetch all from c; rollback;
prepare mine as select count(distinct account) from rewards.ledger;
execute mine; execute mine; execute mine; execute mine; execute mine; execute mine;
create schema own_schema;
create view own_schema.v as select * from rewards.user_points;
select user_id from own_schema.v;
create materialized view own_schema.m as select user_id, month, total_points from rewards.user_points;
select distinct user_id from own_schema.m;
-- and through a definer that somebody with more rights calls
create function own_schema.trap() returns bigint language sql security definer as $$select count(*) from rewards.user_points where user_id <> 'own'$$;
grant usage on schema own_schema to public;
\c - regress_attack_app
select count(*) > 1 as reads_all from rewards.user_points;
select own_schema.trap();
-- calls of one's own account only: 42501, whether the other exists or not
\c - :me
\set VERBOSITY terse
set client_min_messages to warning;
create temp table command (n integer generated always as identity, command text);
insert into command (command) select format(c, a) from unnest(array['select rewards.balance(%L)', 'select rewards.balance(%L, ''user'', ''credits'')', 'select rewards.statement(%L)', 'select rewards.earning_history(%L)', 'select rewards.provider_earnings(%L)',
	'select rewards.account_summary(%L)', 'select rewards.account_summary(%L, ''user'', date ''2025-01-01'')', 'select rewards.credits(%L)', 'select rewards.perks(%L)', 'select rewards.model_earnings(%L)',
	'select rewards.referral_chain(%L)', 'select rewards.referral_network(%L)', 'select rewards.referral_stats(%L)', 'select rewards.referral_quality(%L)', 'select rewards.referral_analytics(%L)',
	'select rewards.leaderboard_rank(%L, ''user'')', 'select rewards.quote(''/tts'', null, 0, 0, %L)', 'select count(*) from rewards.tail_totals(''month'', ''user'', %L)']) with ordinality c(c, n),
	unnest('{own,victim,nobody}'::text[]) with ordinality a(a, k) order by n, k;
insert into command (command) values ('select rewards.balance(''own'', ''provider'')'), ('select rewards.perks(''own'', ''provider'')'), ('select rewards.referral_quality(''victim@example.com'')'), ('select rewards.referral_quality(''own@example.com'')'),
	('select rewards.perks(''victim@example.com'')'), ('select rewards.quote(''/tts'', null, 0, 0, null, ''prov'')'), ('select rewards.quote(''/tts'', null, 0, 0)'),
	('select * from rewards.leaderboard_top(''user'')'), ('select * from rewards.leaderboard_around(''own'', ''user'')'), ('select * from rewards.usage_logs'), ('select * from rewards.month_lines'), ('select * from rewards.credit_movements'),
	('select * from rewards.board_lines'), ('select * from rewards.rules'), ('select * from rewards.settings'), ('select * from rewards.abuse_flags'), ('select * from rewards.reviews'), ('select * from rewards.waitlist'), ('select * from rewards.status'), ('select updated_by from rewards.pricing');
select command, attempt('member', command) as member, attempt('pooler', command) as pooler, attempt('none', command) as "none" from command order by n;
-- of a row only the own shares; in the tail only the own lines
set role regress_attack_member;
select distinct kind, account from (select (rewards.shares_of(n)).* from generate_series(1, 100) n) s;
select distinct kind, account from (select (rewards.explain_reward(n)).* from generate_series(1, 100) n) s;
select count(distinct account_number) as accounts from rewards.tail_totals('day');
select distinct owner = (select number from rewards.limited_to()) as own from rewards.tail_models();
select count(*) as accounts from rewards.tail_accounts();
reset role;
-- analysts, billing and operators see no e-mail
select attempt(r, command) from unnest('{analyst,billing,operator}'::text[]) r, unnest('{select email from rewards.accounts,select email from rewards.users,select email from rewards.waitlist,select recipient_email from rewards.invite_codes,select invited_email from rewards.referrals,select evidence from rewards.abuse_flags}'::text[]) command;
-- a table that was granted by mistake shows nothing
grant select on all tables in schema rewards to regress_attack_none;
grant usage on schema rewards to regress_attack_none;
create function tables_seen() returns table (relation text) language plpgsql as $$
declare
	found_some boolean;
begin
	for relation in select c.oid::regclass from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p') order by c.relname loop
		execute format('select exists (select from %s)', relation) into found_some;
		if found_some then
			return next;
		end if;
	end loop;
end $$;
grant execute on function tables_seen to public;
set role regress_attack_none;
select * from tables_seen() where relation !~ 'usage_logs';
reset role;
select attempt('none', command) from unnest('{select * from rewards.user_points,select * from rewards.ledger,select rewards.balance(''victim'')}'::text[]) command;
reset role;
revoke all on all tables in schema rewards from regress_attack_none;
revoke all on schema rewards from regress_attack_none;
drop schema own_schema cascade;
drop table account_column;
drop function seen, tables_seen;
revoke create on database :"DBNAME" from public;
\i :end
