-- A row is completed in place when ours is the only row trigger before it, and as a
-- tuple of its own beside others: what is stored, returned and handed on is the same.
\set VERBOSITY terse
set client_min_messages = notice;
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.note() returns trigger language plpgsql as $$
begin
	raise notice '% sees %, %, %', tg_name, new.service, new.user_points, new.status_code;
	return new;
end $$;
create function pg_temp.change() returns trigger language plpgsql as $$
begin
	new.latency_ms := 7;
	return new;
end $$;
create function pg_temp.count_rows() returns trigger language plpgsql as $$
begin
	raise notice '% rows, % points, % distributed', (select count(*) from new_rows), (select sum(provider_points) from new_rows),
		(select count(distribution) from new_rows);
	return null;
end $$;
with row as (insert into rewards.usage_logs (user_id, provider_id, endpoint, status_code) values ('u', 'p', '/tts', null) returning *)
select status_code, service, tier, provider_points, creator_earnings, distribution, latency_ms from row;
-- triggers after the row and after the statement see it whole
create trigger after_row after insert on rewards.usage_logs for each row execute function pg_temp.note();
create trigger after_statement after insert on rewards.usage_logs referencing new table as new_rows for each statement execute function pg_temp.count_rows();
insert into rewards.usage_logs (user_id, provider_id, endpoint) select 'u', 'p', e from unnest(array['/tts', '/scrape', '/embeddings']) e;
copy rewards.usage_logs (user_id, provider_id, endpoint) from stdin;
u	p	/tts
u	p	/scrape
\.
drop trigger after_row on rewards.usage_logs;
-- one that follows ours before the row sees what ours computed, and may return it as it is
create trigger zz_note before insert on rewards.usage_logs for each row execute function pg_temp.note();
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u', 'p', '/tts') returning service, provider_points, latency_ms;
-- or change what is not computed; one before ours may as well
drop trigger zz_note on rewards.usage_logs;
create trigger zz_change before insert on rewards.usage_logs for each row execute function pg_temp.change();
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u', 'p', '/tts') returning service, provider_points, latency_ms;
alter table rewards.usage_logs disable trigger zz_change;
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u', 'p', '/tts') returning service, provider_points, latency_ms;
drop trigger zz_change on rewards.usage_logs;
create trigger aa_change before insert on rewards.usage_logs for each row execute function pg_temp.change();
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u', 'p', '/tts') returning service, provider_points, latency_ms;
drop trigger aa_change on rewards.usage_logs;
create function pg_temp.move() returns trigger language plpgsql as $$
begin
	new.id := new.id + 50000000000;
	return new;
end $$;
-- only beside another row trigger may a row turn out to belong elsewhere
create trigger zz_move before insert on rewards.usage_logs for each row execute function pg_temp.move();
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u', 'p', '/tts');
drop trigger zz_move on rewards.usage_logs;
drop trigger after_statement on rewards.usage_logs;
-- a row that fails halfway leaves nothing of itself to the next one
do $$
begin
	for i in 1 .. 3 loop
		begin
			insert into rewards.usage_logs (user_id, provider_id, endpoint, status_code, input_tokens)
			values ('u', 'p', '/tts', case i when 3 then 500 end, case i when 2 then -1 end);
		exception when check_violation then raise notice 'refused';
		end;
	end loop;
end $$;
select status_code, service, provider_points, latency_ms, count(*) from rewards.usage_logs group by 1, 2, 3, 4 order by 1, 2, 3, 4;
select complete from rewards.post();
reset client_min_messages;
select count(*) as differences from rewards.verify();
