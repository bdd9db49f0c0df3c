/*
 * The truth of every reward, recomputed in plain SQL.
 *
 * A random world (accounts, chains, models, rules, campaigns, multipliers, streaks, statuses) is changed step by step; the
 * changes are dated back, ahead, and at instants that events have too.  Between
 * them usage arrives in every form an INSERT can take, of any date, and is now and
 * then posted.  Then each row is computed again from the base tables alone: by what
 * was valid at its created_at and recorded before it (seen_from < id).  Columns,
 * shares, totals and views must be the same to the ninth place, before and after
 * the last posting, and verify() must be silent.
 *
 *   SEED=2 EVENTS=20000 make test SUITES=fuzz TESTS=random_truth
 *
 * Runs in a database of its own with the extension, as superuser.
 */
\set ON_ERROR_STOP on
\pset pager off
set client_min_messages = notice;
set timezone = 'UTC';

\set seed 1
\set events 104000
\getenv seed SEED
\getenv events EVENTS
\echo seed :seed, :events events

\o /dev/null
select rewards.install();
\o
\ir random_truth/world.sql
\ir random_truth/script.sql

\o /dev/null
select statement from truth.script order by n \gexec
\o

\ir random_truth/oracle.sql
\ir random_truth/compare.sql

\echo before the last posting
call truth.compare_rows();
call truth.compare_totals();
call truth.verify();
\echo after it
\o /dev/null
select rewards.post();
\o
call truth.compare_totals();
call truth.verify();

select format('random_truth: seed %s: %s rows, %s shares, %s rule and %s model changes, %s edges, %s statuses, %s multiplied: no difference',
	:seed, (select count(*) from truth.usage), (select count(*) from truth.share),
	(select count(*) from rewards.rule), (select count(*) from rewards.model_fact),
	(select count(*) from rewards.account where referrer is not null),
	(select count(*) from rewards.account_status),
	(select count(*) from truth.multiplied where (own, streak, campaigns) <> (1, 1, 1))) as summary \gset
\echo :summary
