-- Seals: what a superuser changes, removes or adds behind the triggers' backs, in
-- rows or in the seals themselves, is found and named, also where no rule or total
-- would tell.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
set timezone to 'UTC';
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, latency_ms, created_at)
select i, 'u', 'p', '/chat/completions', 'm', 10, timestamptz '2025-01-15 12:00Z' + i * interval '1 minute' from generate_series(1, 4) i;
-- numbers 5 and 6 are gone
begin;
insert into rewards.usage_logs (user_id, endpoint) values ('u', '/tts'), ('u', '/tts');
rollback;
select rewards.adjust('u', 'user', 5, 'first') as journal;
-- nobody else may have drawn them
do $$ begin while exists (select from pg_snapshot_xip(pg_current_snapshot())) loop commit; perform pg_sleep(0.01); end loop; end $$;
select events, complete from rewards.post();
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, created_at) values ('a', 'u', 'p', '/embeddings', '2025-01-16 12:00Z');
select rewards.adjust('u', 'user', 7, 'second', reference => 'r') as journal;
select events, complete from rewards.post();
select rewards.adjust('u', 'user', 9, 'third') as journal;
select events, complete from rewards.post();
-- nothing decided, nothing sealed
select events, complete from rewards.post();
select source, partition, number, rows, first, last, length(seal) as digits from rewards.seals order by 1, 2, 3;
-- nothing of it hangs on how the server stores values, nor on the client
select count(*) as findings from rewards.verify();
set bytea_output = 'escape'; set datestyle = 'German'; set timezone = 'Asia/Tokyo';
select count(*) as findings from rewards.verify();
reset bytea_output; reset datestyle; set timezone to 'UTC';

-- each tampering in a transaction of its own, rolled back; hashes hang on the time
create function pg_temp.short(value text) returns text language sql as $$ select case when value ~ '^check [0-9a-f]{8}$' then 'check' when value ~ '^[0-9a-f]{64}$' then 'hash' else value end $$;
create function pg_temp.tamper(change text) returns table (subject text, expected text, found text, detail text) language plpgsql as $$
begin
	set local session_replication_role = replica;
	execute change;
	return query select v.subject, pg_temp.short(v.expected), pg_temp.short(v.found), v.detail from rewards.verify() v where v.part = 'seal' order by 1, 4;
end $$;
-- every column of usage, also those that nothing else is computed from
begin; select * from pg_temp.tamper($$update rewards.usage_logs set created_at = created_at + interval '1 microsecond' where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set status_code = 201 where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set input_tokens = 1 where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set output_tokens = 1 where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set latency_ms = 11 where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set latency_ms = null where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set request_id = null where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set user_id = 'v' where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set provider_id = 'q' where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set endpoint = '/v1/chat/completions' where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set model = 'n' where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set model = null, character_id = 'm' where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set usage_type = 'voice' where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set service = 'tts' where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set tier = 'x' where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set provider_points = 2 where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set user_points = 2 where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set creator_earnings = 2 where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set cost = 2 where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set distribution = '[]' where id = 2$$); rollback;
-- two rows that change places, a row removed, the first and the last
begin; select * from pg_temp.tamper($$update rewards.usage_logs u set latency_ms = u.id, request_id = 'x' || u.id where u.id in (1, 3)$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.usage_logs where id = 2$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.usage_logs where id in (1, 4)$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set id = 5 where id = 2$$); rollback;
-- a row added at a number that was gone, at the journal's, at none
create function pg_temp.add(number bigint) returns text language sql as $$
	select format('insert into rewards.usage_logs select %s, created_at, status_code, input_tokens, output_tokens, latency_ms, null, user_id, provider_id, endpoint, model, character_id, usage_type, service, tier, provider_points, user_points, creator_earnings, cost, distribution from rewards.usage_logs where id = 1', number) $$;
begin; select * from pg_temp.tamper(pg_temp.add(6)); rollback;
begin; select * from pg_temp.tamper(pg_temp.add(7)); rollback;
begin; select * from pg_temp.tamper(pg_temp.add(0)); rollback;
begin; select * from pg_temp.tamper(pg_temp.add(-5)); rollback;
-- the journal
begin; select * from pg_temp.tamper($$update rewards.journal set reason = 'other' where id = 9$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.journal set actor = 'other' where id = 9$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.journal set recorded_at = recorded_at + interval '1 second' where id = 9$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.journal set reference = null where id = 9$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.journal set tokens = 1 where id = 9$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.journal set distribution = replace(distribution::text, '7', '70')::rewards.distribution where id = 9$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.journal where id = 9$$); rollback;
begin; select * from pg_temp.tamper($$insert into rewards.journal (id, created_at, unit, distribution, actor) select 6, created_at, unit, distribution, actor from rewards.journal where id = 7$$); rollback;
begin; select * from pg_temp.tamper($$insert into rewards.journal (id, created_at, unit, distribution, actor) select -6, created_at, unit, distribution, actor from rewards.journal where id = 7$$); rollback;
-- the seals
begin; select * from pg_temp.tamper($$update rewards.seal set hash = sha256('x') where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.seal set marks = marks || '\x01' where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.seal set marks = '' where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.seal set rows = 3 where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.seal set sealed_at = sealed_at - interval '1 day' where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.seal set numbers = '{[1,3)}' where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.seal set numbers = '{}' where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.seal set numbers = '{(,)}' where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.seal where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.seal where source = 'journal' and number <= 2$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.seal where number = 3$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.seal$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.seal set partition = 5 where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.seal set source = 'journal', partition = 0, number = 4 where source = 'usage_logs' and number = 3$$); rollback;
-- all of them, as if none had ever been made
begin; select * from pg_temp.tamper($$update rewards.cursor set sealed = false$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.seal; update rewards.cursor set sealed = false$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.seal where number > 1; update rewards.cursor set sealed = false$$); rollback;
-- numbers and marks that are none, a cursor that says what it never could
begin; select * from pg_temp.tamper($$update rewards.seal set numbers = '{(,-9223372036854775808)}' where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.seal set numbers = '{(,-9000000000000000000),[9000000000000000000,)}' where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.seal set marks = decode(repeat('ff', 40), 'hex') where source = 'usage_logs' and number = 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.cursor set open_first = '{9}', open_last = '{2}'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.cursor set open_first = '{4,2}', open_last = '{4,2}'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.cursor set open_first = '{1,2}', open_last = '{1}'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.cursor set last = 9223372036854775807$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.cursor$$); rollback;
-- a row with its mark
begin;
set local session_replication_role = replica;
update rewards.usage_logs set latency_ms = 99 where id = 8;
update rewards.seal set marks = '\x08' || (select decode(right(found, 8), 'hex') from rewards.verify() where part = 'seal') where source = 'usage_logs' and number = 2;
select subject, pg_temp.short(expected) as expected, pg_temp.short(found) as found, detail from rewards.verify() where part = 'seal';
rollback;
-- the next posting does not hide it
begin;
set local session_replication_role = replica;
delete from rewards.usage_logs where id = 2;
delete from rewards.seal where source = 'journal';
set local session_replication_role = origin;
insert into rewards.usage_logs (user_id, endpoint) values ('u', '/tts');
select events, complete from rewards.post();
select subject, detail from rewards.verify() where part = 'seal' order by 1, 2;
rollback;
-- no more than a hundred rows of a seal are named
begin;
insert into rewards.usage_logs (user_id, endpoint) select 'u', '/tts' from generate_series(1, 150);
select events, complete from rewards.post();
set local session_replication_role = replica;
delete from rewards.usage_logs where id > 11;
select count(*) as findings, max(detail) filter (where subject not like 'usage_logs%') as more from rewards.verify() where part = 'seal';
rollback;
select count(*) as findings from rewards.verify();
-- what is not folded is not sealed
insert into rewards.usage_logs (user_id, endpoint) values ('u', '/tts');
begin; select * from pg_temp.tamper($$update rewards.usage_logs set latency_ms = 1 where id = (select max(id) from rewards.usage_logs)$$); rollback;
