/*
 * rerate() and simulate() against rows recorded anew.
 *
 * The world and the script of random_truth: random accounts, chains, models and rules,
 * changed step by step, dated back and ahead, with usage of any date between.  What is
 * due by all that is recorded now is what a row gets that is recorded now: so every
 * row is inserted once more, by the same trigger as ever, and its shares are compared
 * with what rerate() and simulate() make of the old one.  For a preset and for changes
 * the rules are replaced before, for the time of the comparison.  Then the corrections
 * are booked, in parts and over again, with closed days, and the ledger must say the same.
 *
 *   SEED=2 EVENTS=20000 make test SUITES=fuzz TESTS=recount
 *
 * Runs in a database of its own with the extension, as superuser.
 */
\set ON_ERROR_STOP on
\pset pager off
set client_min_messages = notice;
set timezone = 'UTC';
set jit = off;

\set seed 1
\set events 4000
\getenv seed SEED
\getenv events EVENTS
\echo seed :seed, :events events

\o /dev/null
select rewards.install();
\o
\ir random_truth/world.sql
\ir random_truth/script.sql

\o /dev/null
/* earnings beyond what a share can be are not the matter here */
update truth.event set input_tokens = input_tokens % 5000, output_tokens = output_tokens % 5000;
select statement from truth.script order by n \gexec
select rewards.set_multiplier(name, kind, 0.5 + truth.roll('multiplier', i, 20) / 10.0, valid_from => truth.instant('multiplier', i))
from truth.account, generate_series(1, 2) n where i % 9 = 0;
select rewards.start_campaign('campaign ' || k, round(1 + k / 7.0, 3), i.at, i.at + interval '40 days', (array['user', 'provider', null])[1 + k % 3], (array['tts', null])[1 + k % 2])
from generate_series(1, 8) k join truth.instant i using (k);
/* a bonus for requests and for trials, and nothing for days in a row, which is not simulated */
select rewards.set_bonus('milestone', kind, 5, l, t, valid_from => truth.instant('bonus', t)) from unnest('{user,provider}'::text[]) kind, generate_series(0, 2) l, unnest('{1,3,10}'::int[]) t;
\o
\ir recount/compare.sql
