-- verify() gathers sums in little memory: what does not fit is handed out in parts, and
-- nothing is found or missed by that.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
set timezone to 'UTC'; set datestyle to iso;
select rewards.install() is not null as installed;
-- each account on days far from each other in the order of rows: its month and model come in several parts
select rewards.register_model('m', owner => 'creator');
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, created_at)
select 'u' || i % 4000, 'p' || i % 50, case i % 3 when 0 then '/tts' else '/chat/completions' end, 'm', 10, timestamptz '2025-01-01 00:00Z' + i * interval '3 minutes'
from generate_series(1, 12000) i;
select complete from rewards.post();
select count(*) > 15000 as many from rewards.day_total;
set maintenance_work_mem = '1MB';
select count(*) as findings from rewards.verify();
create function pg_temp.tamper(change text) returns table (memory text, part text, subject text, expected text, found text) language plpgsql as $$
begin
	set local session_replication_role = replica;
	execute change;
	foreach memory in array '{1MB,64MB}'::text[] loop
		perform set_config('maintenance_work_mem', memory, true);
		return query select memory, v.part, v.subject, v.expected, v.found from rewards.verify() v order by v.part, v.subject, v.expected collate "C";
	end loop;
end $$;
begin; select * from pg_temp.tamper($$update rewards.day_total t set tokens = tokens + 1 from rewards.account a where a.id = t.account and a.name = 'creator' and t.day = '2025-01-03'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.month_total t set amount = amount + 0.0000000001 from rewards.account a where a.id = t.account and a.name = 'u7' and t.entry = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.month_total t set amount = 'NaN' from rewards.account a where a.id = t.account and a.name = 'p7' and t.entry = 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.day_total t set amount = 1e40 from rewards.account a where a.id = t.account and a.name = 'p7' and t.entry = 1 and t.day = '2025-01-03'$$); rollback;
begin; select * from pg_temp.tamper($$insert into rewards.day_total select account, day, unit, 9, 0, 0, 0, 0 from rewards.day_total t join rewards.account a on a.id = t.account where a.name = 'creator' and t.day = '2025-01-03'$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.month_total t using rewards.account a where a.id = t.account and a.name = 'p7'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.day_total t set level = 300 from rewards.account a where a.id = t.account and a.name = 'p7' and t.day = '2025-01-03'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.model_total set last_at = last_at - interval '1 second'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.activity t set requests = requests + 1 from rewards.account a where a.id = t.account and a.name = 'p7'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.score t set points = points + 1 where name = 'u7' and month = 'infinity'$$); rollback;
select count(*) as findings from rewards.verify();
