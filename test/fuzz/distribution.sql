/*
 * Input of rewards.distribution: whatever comes in, by text or by binary COPY, is
 * refused with a clean error (class 22 or 54) or comes out again as it went in, as
 * text, in binary and as jsonb; and the server stands.
 *
 *   SEED=2 INPUTS=10000 make test SUITES=fuzz TESTS=distribution
 *
 * Runs as superuser in a database of its own with the extension, then in another
 * one without an encoding, where text is any bytes.
 */
\set ON_ERROR_STOP on
set client_min_messages = warning;

\set seed 1
\set inputs 60000
\getenv seed SEED
\getenv inputs INPUTS
\echo seed :seed, :inputs random inputs in either database

-- for binary COPY; the server runs as the same user
\set folder `mktemp -d -p "$PWD"`

select pg_postmaster_start_time() as started, current_database() as first_database,
	current_database() || '_bytes' as second_database \gset

\ir distribution/inputs.sql
select * from fuzz.summary();
select count(*) as first_count from fuzz.outcome \gset

create database :"second_database" encoding 'SQL_ASCII' locale 'C' template template0;
\connect :"second_database"
set client_min_messages = warning;
create extension rewards;
\ir distribution/inputs.sql
select * from fuzz.summary();
select count(*) + :first_count as count from fuzz.outcome \gset
\connect :"first_database"
drop database :"second_database";
\setenv FOLDER :folder
\! rm -r "$FOLDER"

/* a backend that died would have ended this session; but look at the log as well */
select pg_postmaster_start_time() = :'started' as stood,
	coalesce(pg_read_file(current_setting('data_directory') || '/../server.log', 0, 500000000, true) ~ 'was terminated by signal', false) as died \gset
\if :died
	do $$ begin raise exception 'a server process was terminated'; end $$;
\endif
\if :stood
	\echo distribution: seed :seed: :count inputs, each refused cleanly or come out as it went in; the server stood
\else
	do $$ begin raise exception 'the server was restarted'; end $$;
\endif
