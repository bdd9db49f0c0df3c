/*
 * Every view for analysts against the same in plain SQL from the rows.
 *
 * A random programme in New York's time: requests of half a year with failures,
 * self-use, late arrivals and unknown names, networks, invitations, uptime, rows that
 * were taken back or rewarded again.  It is posted in parts; some rows stay in the
 * tail, some in an open stretch.  Each view must say what the rows give, before the last
 * posting, after it, and after repair(); and verify() must be silent.
 *
 *   SEED=2 EVENTS=20000 make test SUITES=fuzz TESTS=analysts
 *
 * Runs in a database of its own with the extension, as superuser.
 */
\set ON_ERROR_STOP on
\pset pager off
set client_min_messages = warning;
set timezone = 'Asia/Kolkata';
set jit = off;

\set seed 1
\set events 4000
\getenv seed SEED
\getenv events EVENTS
\echo seed :seed, :events events

\o /dev/null
select rewards.install();
\ir analysts/world.sql
\o
\ir analysts/plain.sql

\echo before the last posting
do $$ begin
	assert (select backlog > 400 and open_stretches > 0 from rewards.status), 'there is a tail, and an open stretch';
end $$;
call plain.compare();
\echo after it
\o /dev/null
select rewards.post();
select rewards.post();
\o
call plain.compare();
call plain.verify();
\echo after repair()
\o /dev/null
select rewards.repair('a test');
\o
call plain.compare();
call plain.verify();
select format('analysts: seed %s: %s rows, %s views, three times: no difference', :seed, (select count(*) from rewards.usage_logs), (select count(*) from plain.pair())) as summary \gset
\echo :summary
