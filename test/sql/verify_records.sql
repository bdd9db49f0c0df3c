-- verify(): keeps what each call came to, is seen while it runs, works where nothing may
-- be written, and checks of a range what lies in it.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
set timezone to 'UTC';
set datestyle to iso;
select rewards.install() is not null as installed;
select last_verify, last_verify_findings, verifying from rewards.status;
insert into rewards.usage_logs (request_id, user_id, endpoint, created_at) select i, 'u', '/tts', timestamptz '2025-01-15 12:00Z' + i * interval '1 day' from generate_series(1, 3) i;
select events from rewards.post();

select count(*) as findings from rewards.verify();
select since, until, rows, findings, by = current_user as by_me, seconds >= 0 and at + seconds * interval '1 second' <= clock_timestamp() as timed from rewards.verification;
select last_verify = (select max(at) from rewards.verification) as noted, last_verify_findings, verifying from rewards.status;
select count(*) as findings from rewards.verify('2025-01-17', '2025-01-18');
select since, until, rows, findings from rewards.verification order by id desc limit 1;

-- what was found is kept, too; what is undone or breaks off is not
set session_replication_role = replica;
update rewards.usage_logs set latency_ms = 1 where request_id = '2';
set session_replication_role = origin;
select part, subject, detail from rewards.verify();
select last_verify_findings from rewards.status;
begin; select count(*) as findings from rewards.verify(); rollback;
select count(*) as kept from rewards.verification;

-- where nothing may be written
begin read only; select count(*) as findings from rewards.verify(); commit;
begin isolation level repeatable read; select count(*) as findings from rewards.verify(); commit;
begin isolation level serializable read only deferrable; select count(*) as findings from rewards.verify(); commit;
select count(*) as kept from rewards.verification;

-- the step is to be seen while it runs, and no longer
begin;
select rewards.show_step('rewards.verification', 0, 2);
select verifying from rewards.status;
rollback;
select verifying from rewards.status;

-- a range: rows by when they happened, seals by when they were made
select part, subject from rewards.verify('2025-01-01', '2025-02-01');
select part, subject from rewards.verify((select max(sealed_at) from rewards.seal));
select part, subject from rewards.verify(null, (select min(sealed_at) from rewards.seal));
-- since the last one: what was found then is not looked at again
select count(*) as findings from rewards.verify((select last_verify from rewards.status));
insert into rewards.usage_logs (user_id, endpoint) values ('u', '/tts'), ('u', '/tts');
select events from rewards.post();
set session_replication_role = replica;
update rewards.usage_logs set latency_ms = 1 where id = (select max(id) from rewards.usage_logs);
set session_replication_role = origin;
select part, detail from rewards.verify((select last_verify from rewards.status));
-- seals of one posting are of one time; those of the last one before a range may have come only when it had begun
select count(*) > 2 as several, bool_and(u.sealed_at = j.sealed_at) as together from rewards.seal u join rewards.seal j using (number) where u.source = 'usage_logs' and j.source = 'journal';
select part, detail from rewards.verify((select max(sealed_at) from rewards.seal) + interval '1 microsecond');
-- within a range the seal before the first one need not be of it
create function pg_temp.made(n integer) returns timestamptz language sql as $$ select sealed_at from rewards.seal where source = 'usage_logs' and number = n $$;
select part, subject, detail from rewards.verify(pg_temp.made(3));
set session_replication_role = replica;
delete from rewards.seal where source = 'usage_logs' and number = 1;
set session_replication_role = origin;
select part, subject, detail from rewards.verify(pg_temp.made(3));
select part, subject, detail from rewards.verify(pg_temp.made(2)) order by 2;
select part, subject, detail from rewards.verify() order by 2;
