-- Every function in C called by hand, as a superuser may: with nulls where it is not
-- strict, with the least, the greatest and the strangest of every type. Each answers or
-- refuses; none ends the backend, none calls what it was given an internal error. (XX001
-- is the word for a number of an account that is not there.)
\set VERBOSITY terse
\set SHOW_CONTEXT never
-- of locks that were not taken
set client_min_messages = error;
select rewards.uninstall('drop all data');
create table c_call (name text, arguments text, outcome text);

create function pg_temp.values_of(type regtype) returns text[] language plpgsql immutable as $$
declare
	number text[] := '{1,0,-1,2,32,33}';
begin
	return array['null'] || case type::text
		when 'boolean' then '{true,false}'::text[]
		when 'smallint' then number || '{32767,-32768}'::text[]
		when 'integer' then number || '{2147483647,-2147483648}'::text[]
		when 'bigint' then number || '{9223372036854775807,-9223372036854775808}'::text[]
		when 'numeric' then number || '{NaN,Infinity,-Infinity,9223372036.854775807,1e1000,-1e-9}'::text[]
		when 'text' then array['user', '', 'provider', 'alice', 'points', '/v1/chat/completions', 'é', e'\x01', ' ', '%', repeat('x', 255), repeat('x', 256), repeat('7b', 200000)]
		when 'cstring' then array['', '[]', '[{', '[{"entry": "work", "amount": 1}]', repeat('[', 20000)]
		when 'rewards.distribution' then array['[]', '[{"entry": "work", "amount": -1}]', '[{"account": 9223372036854775807, "entry": "referral", "level": 32, "amount": 9223372036.854775807}]']
		when 'date' then '{2025-01-01,infinity,-infinity,4713-01-01 BC,5874897-12-31}'::text[]
		when 'timestamp with time zone' then '{2025-01-01,infinity,-infinity,4714-11-24 00:00:00+00 BC,294276-12-31 23:59:59.999999+00}'::text[]
		when 'regclass' then '{0,1,4294967295,pg_class,pg_class_oid_index,rewards.rule,pg_stat_activity}'::text[]
		when 'xid8' then '{0,1,3,18446744073709551615}'::text[]
		when 'bigint[]' then array['{}', '{NULL}', '{0,-1,9223372036854775807}', '{{1,2},{3,4}}', '[-3:-1]={1,2,3}']
		when 'text[]' then array['{}', '{NULL}', '{"",x}', '{{a,b},{c,d}}', '[-3:-1]={a,b,c}']
		when 'smallint[]' then array['{}', '{NULL}', '{0,-1,32767}', '{{1,2},{3,4}}']
		when 'bytea' then array['', '\x00', '\x0110000002', '\xffffffffffffffffffff']
		when 'jsonb' then array['{}', '[]', 'null', '1', '"x"', '{"amount": "x"}']
	end;
end $$;

-- the values of all arguments but one are the first that are not null, of that one each in
-- turn; then any at random; and nulls for all
create function pg_temp.calls(function regprocedure) returns setof text language plpgsql as $$
declare
	types regtype[] := (select coalesce(array_agg(case t when 'anyelement'::regtype then 'text' else t::regtype end order by n), '{}') from pg_proc, unnest(proargtypes) with ordinality a(t, n) where oid = function);
	given text[];
begin
	for round in 1 .. 40 + 20 * cardinality(types) loop
		given := array(select case
				when round = 1 then 'null'
				when round > 20 * cardinality(types) then v.all[1 + abs(hashint8(round * 1000 + n)::bigint) % cardinality(v.all)]
				when (round - 1) / 20 + 1 = n then v.all[1 + round % 20]
				else v.all[2] end
			from unnest(types) with ordinality a(t, n), lateral (select pg_temp.values_of(t) as all) v order by n);
		return next (select coalesce(string_agg(case when coalesce(g, 'null') = 'null' then 'null::' || t else quote_literal(g) || '::' || t end, ', ' order by n), '')
			from unnest(given, types) with ordinality a(g, t, n));
	end loop;
end $$;

create function pg_temp.call_all() returns void language plpgsql as $$
declare
	function record;
	arguments text;
begin
	for function in
		select p.oid::regprocedure as signature, p.oid::regproc as name from pg_proc p join pg_language l on l.oid = p.prolang
		where l.lanname = 'c' and p.pronamespace = 'rewards'::regnamespace and not 'internal'::regtype = any (p.proargtypes)
		order by 1
	loop
		for arguments in select distinct c from pg_temp.calls(function.signature) c order by 1 loop
			begin
				execute format('select %s(%s)', function.name, arguments);
				insert into c_call values (function.name, arguments, 'answered');
			exception when others then
				insert into c_call values (function.name, left(arguments, 1000), sqlstate || ' ' || sqlerrm);
			end;
		end loop;
	end loop;
end $$;

-- types that the test has no values for: add some above
select distinct t::regtype as no_values_for from pg_proc p join pg_language l on l.oid = p.prolang, unnest(p.proargtypes) t
where l.lanname = 'c' and p.pronamespace = 'rewards'::regnamespace and cardinality(pg_temp.values_of(t)) = 1 and t not in ('internal'::regtype, 'anyelement'::regtype);

-- before there is a table
select pg_temp.call_all();
select name, outcome, left(min(arguments), 200) as arguments from c_call where outcome ~ '^(XX000|58|53)' or outcome !~ '^(answered|[0-9A-Z]{5} [^ ]+)' group by 1, 2 order by 1, 2;
truncate c_call;

-- with something in every table that they read
select rewards.install() is not null as installed;
select rewards.referral_signup(rewards.referral_code('alice'), 'bob') is not null as joined;
select rewards.register_model('owned-7b', owner => 'alice') is not null as registered;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens)
select 'r' || n, case n % 3 when 0 then 'alice' when 1 then 'bob' else 'new' || n end, 'prov', '/v1/chat/completions', 'owned-7b', n, n from generate_series(1, 20) n;
select rewards.post() is not null as posted;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('bob', 'prov', '/v1/chat/completions', 'owned-7b'), ('carl', 'other', '/tts', null);
select pg_temp.call_all();
select name, outcome, left(min(arguments), 200) as arguments from c_call where outcome ~ '^(XX000|58|53)' or outcome !~ '^(answered|[0-9A-Z]{5} [^ ]+)' group by 1, 2 order by 1, 2;

select count(distinct name) > 40 as many from c_call;

-- a trigger's function refuses to be called, and does nothing else
select name, outcome from c_call where name in (select oid::regproc::text from pg_proc where prorettype = 'trigger'::regtype) and outcome !~ '^39P01 ';
-- each of the others answers some call
select name from c_call where name not in (select oid::regproc::text from pg_proc where prorettype = 'trigger'::regtype) group by name having bool_and(outcome <> 'answered') order by 1;

-- nothing was harmed that repair() does not mend: refold() wants empty totals
select rewards.skip_earnings(false);
select rewards.repair('refolded by hand') is not null as repaired;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('bob', 'prov', '/v1/chat/completions', 'owned-7b') returning provider_points, user_points;
select count(*) > 0 as posted from rewards.post();
select * from rewards.verify();
drop table c_call;
