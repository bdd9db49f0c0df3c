/*
 * Which service an endpoint is and which tier a model is in, against the same in plain
 * SQL, written from what is promised: see matching/oracle.sql.
 *
 * Random services, tiers, patterns and models; random endpoints and names made of what
 * they hold, of what looks like it, and of anything.
 *
 *   SEED=2 INPUTS=100000 make test SUITES=fuzz TESTS=matching
 *
 * Runs as superuser in a database of its own with the extension.
 */
\set ON_ERROR_STOP on
set client_min_messages = warning;
set timezone = 'UTC';
\set seed 1
\set inputs 9000
\getenv seed SEED
\getenv inputs INPUTS

set check_function_bodies = off;	-- the tables come with each world
create schema fuzz;
create table fuzz.answer (endpoint text, model text, service text, tier text, rule text);
create table fuzz.count (kind text, given bigint, known bigint);
\ir matching/world.sql
\ir matching/oracle.sql

\set world 1
\ir matching/run.sql
\set world 2
\ir matching/run.sql
\set world 3
\ir matching/run.sql

\pset tuples_only on
\pset format unaligned
select format('matching: seed %s: %s %s, of which rules know %s', :seed, sum(given), kind, sum(known)) from fuzz.count group by kind order by kind;
do $$
begin
	if (select min(known) from fuzz.count) = 0 or (select max(known) = max(given) from fuzz.count) then
		raise exception 'nothing was compared';
	end if;
end
$$;
