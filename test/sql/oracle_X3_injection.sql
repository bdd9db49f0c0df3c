-- X3: safe from SQL injection, all ids validated. Strings that would break out of quotes, identifiers,
-- patterns, JSON and formats, as every text argument of every public call: each call stores and answers with the string
-- byte for byte, or refuses it by an SQLSTATE of its own; nothing of it is ever run, and no table changes shape.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set client_min_messages to error;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;
create temp table evil (n integer, string text, is_id boolean);
insert into evil values
	(1, ''' or true --', true), (2, '''; drop table rewards.usage_logs cascade; --', true), (3, '"; drop schema rewards cascade; --', true), (4, '\''; select pg_sleep(100); --', true),
	(5, '$$; delete from rewards.account; $$', true), (6, '%s%I%L%%', true), (7, '{"a": "b''\"}', true), (8, '%''_.*+?[(^$|', true), (9, 'x'' union select name from rewards.account --', true),
	(10, U&'\00E9\4E2D\+01F4B0\202E\200B', true), (11, U&'\2019 OR 1=1 \FF07', true), (12, repeat('x', 255), true), (13, repeat('x', 256), false), (14, repeat(U&'\4E2D', 86), false),
	(15, e'a\tb', false), (16, e'a\nb', false), (17, e'a\x7f', false), (18, e'\x01', false), (19, '', false), (20, ' ', true), (21, '; commit; --', true), (22, '/* x', true), (23, 'null', true), (24, '0', true), (25, '-infinity', true);
-- ids: kept byte for byte, or 22023
create function outcome(command text) returns text language plpgsql as $$
begin
	execute command;
	return 'kept';
exception when others then
	return sqlstate;
end $$;
select n, is_id, outcome(format('select rewards.register_account(%L)', string)) as "user", outcome(format('select rewards.register_account(%L, ''provider'')', string)) as provider,
	outcome(format('insert into rewards.usage_logs (user_id, provider_id, request_id, endpoint, model, character_id, created_at) values (%1$L, %1$L, %1$L, ''/tts'', %1$L, %1$L, ''2025-01-01 12:00Z'')', string)) as row,
	outcome(format('select rewards.track_usage(%1$L || n, %1$L, %1$L, ''/tts'', %1$L, 200, 1, 1, 1) from generate_series(1, 1) n', string)) as call
from evil order by n;
select count(*) as same from evil e where exists (select from rewards.account a where a.name = e.string and a.kind = 'user') = e.is_id and exists (select from rewards.account a where a.name = e.string and a.kind = 'provider') = e.is_id;
select count(*) as ids, count(*) filter (where u.user_id = e.string and u.provider_id = e.string and u.model = e.string and u.character_id = e.string) as byte_for_byte
from evil e left join rewards.usage_logs u on u.request_id = e.string where e.is_id;
-- read back by each call with it, and by the member that it is
select complete from rewards.post();
select n, outcome(format('select rewards.balance(%1$L), rewards.statement(%1$L), rewards.account_summary(%1$L), rewards.earning_history(%1$L), rewards.referral_stats(%1$L), rewards.referral_network(%1$L), rewards.referral_chain(%1$L),
		rewards.model_earnings(%1$L), rewards.credits(%1$L), rewards.perks(%1$L), rewards.referral_quality(%1$L), rewards.referral_analytics(%1$L), rewards.leaderboard_rank(%1$L, ''user'', ''all'')', string)) as reads,
	(select s.requests from rewards.account_summary(string, 'user', 'all') s) = 2 as own_row_only
from evil where is_id order by n;
create role regress_x3_member;
select rewards.grant_access('regress_x3_member', 'member');
create function seen_by(identity text) returns text language plpgsql as $$
declare
	seen text;
begin
	perform set_config('rewards.account', 'user:' || identity, true);
	set local role regress_x3_member;
	select string_agg(distinct p.user_id, '|') into seen from rewards.user_points p;
	set local role none;
	return seen;
exception when others then
	return sqlstate;
end $$;
select n, seen_by(string) = string as sees_itself from evil where is_id and not seen_by(string) = string;
select n, seen_by(string) from evil where not is_id order by n;
-- a role of such a name, too
create role "x3'; drop table rewards.usage_logs; --";
select rewards.grant_access('x3''; drop table rewards.usage_logs; --', a) from unnest('{app,billing,admin}'::text[]) a;
select rewards.grant_access('x3''; drop table rewards.usage_logs; --', 'member', string) from evil where n = 2;
set role "x3'; drop table rewards.usage_logs; --";
select account = '''; drop table rewards.usage_logs cascade; --' as it from rewards.me();
reset role;
select rewards.revoke_access('x3''; drop table rewards.usage_logs; --');
drop role "x3'; drop table rewards.usage_logs; --";
-- every text argument of every public call, one after the other: the string in its place, something valid or NULL elsewhere
create table before as select c.relname, c.relnatts, c.relkind from pg_class c where c.relnamespace = 'rewards'::regnamespace and not c.relispartition and c.relkind in ('r', 'p', 'v', 'S');
create function try_all() returns table (call text, outcomes bigint, states text) language plpgsql as $$
declare
	routine record;
	place integer;
	hostile record;
	arguments text;
	tried text[];
begin
	for routine in
		select p.oid, p.proname, p.pronargs, p.proargtypes::oid[] as types, coalesce(p.proargnames, '{}') as names from pg_proc p
		where p.pronamespace = 'rewards'::regnamespace and p.proname in (select n from rewards.access_lists() l, regexp_split_to_table(l.names, '\s+') n where l.sort = 'routine')
			and 25 = any (p.proargtypes::oid[]) and p.proname not in ('grant_access', 'revoke_access')
		order by p.oid::regprocedure::text
	loop
		tried := '{}';
		for place in 0 .. routine.pronargs - 1 loop
			continue when routine.types[place] <> 25;
			for hostile in select e.string from evil e where e.n in (2, 6, 7, 9, 13, 16) order by e.n loop
				select string_agg(case when k = place then quote_literal(hostile.string) || '::text' else
					case format_type(routine.types[k], null)
						when 'text' then case routine.names[k + 1] when 'kind' then '''user''' when 'board' then '''user''' when 'reason' then '''why''' when 'unit' then '''points''' when 'month' then '''2025-01''' else '''x3_other''' end || '::text'
						when 'bigint' then '1::bigint' when 'integer' then '1' when 'numeric' then '1' when 'boolean' then 'true' when 'date' then 'date ''2025-01-01'''
						when 'timestamp with time zone' then 'timestamptz ''2025-01-01''' when 'interval' then 'interval ''1 day''' when 'jsonb' then '''{}''::jsonb' when 'smallint' then '1::smallint'
						else 'null::' || format_type(routine.types[k], null) end end, ', ' order by k)
				into arguments from generate_series(0, routine.pronargs - 1) k;
				begin
					execute format('select * from rewards.%I(%s)', routine.proname, arguments);
					raise exception 'undo' using errcode = 'X3X3X';
				exception when others then
					tried := tried || case sqlstate when 'X3X3X' then 'kept' else sqlstate end;
				end;
			end loop;
		end loop;
		call := routine.oid::regprocedure;
		outcomes := cardinality(tried);
		states := (select string_agg(distinct t, ' ' order by t) from unnest(tried) t);
		return next;
	end loop;
end $$;
create temp table outcome as select * from try_all();
-- answers are the call's own refusals: never an error of syntax, name, privilege, type or the library
select call, states from outcome o where exists (select from unnest(string_to_array(states, ' ')) s where s <> 'kept' and s !~ '^(22|RW|23514|23505)' or s in ('22P02')) order by call;
select count(*) > 80 as calls, sum(outcomes) > 900 as tries from outcome;
select * from before b full join (select c.relname, c.relnatts, c.relkind from pg_class c where c.relnamespace = 'rewards'::regnamespace and not c.relispartition and c.relkind in ('r', 'p', 'v', 'S')) n using (relname, relnatts, relkind)
where b.relname is null or n.relname is null;
select * from rewards.verify();
select rewards.revoke_access('regress_x3_member');
drop role regress_x3_member;
drop table before;
drop function outcome, seen_by, try_all;
