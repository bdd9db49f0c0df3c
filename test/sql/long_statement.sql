-- What a statement holds does not grow with its rows.
select rewards.install() is not null as installed;
create table feed as select n from generate_series(1, 20000) n;
create table held (bytes bigint);
create function hold() returns trigger language plpgsql as $$
begin
	insert into held select sum(used_bytes) from pg_backend_memory_contexts where name = 'ExecutorState';
	return null;
end $$;
create trigger zz_hold after insert on rewards.usage_logs for each statement execute function hold();
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint) select 'a' || n, 'u' || n % 100, 'p', '/tts' from feed where n <= 100;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint) select 'b' || n, 'u' || n % 100, 'p', '/tts' from feed;
select max(bytes) - min(bytes) < 500000 as flat from held;
