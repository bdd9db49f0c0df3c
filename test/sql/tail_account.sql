-- When an account joined and was active last, from rows that posting has not seen:
-- it may stand in them by name, by number, or by both; a failed request names it.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
insert into rewards.usage_logs (user_id, provider_id, endpoint, status_code, created_at) values
	('x', 'x', '/tts', 200, '2025-01-03 00:00Z'), ('x', 'y', '/tts', 200, '2025-01-02 00:00Z'), ('failed', 'x', '/tts', 500, '2025-01-01 00:00Z'), ('other', null, '/tts', 200, '2024-01-01 00:00Z');
create function pg_temp.seen() returns table (kind text, account text, tail_named timestamptz, tail_first timestamptz, tail_last timestamptz, joined timestamptz, active timestamptz) language sql stable as $$
	select k, a, t.*, s.joined_at, s.last_active_at
	from unnest('{user,provider}'::text[]) k, unnest('{x,y,failed,nobody}'::text[]) a, rewards.tail_account(k, a) t, rewards.account_summary(a, k, 'all') s
	where s.joined_at is not null or t.named_at is not null
$$;
select * from pg_temp.seen();
-- registered since: its later rows know its number
select rewards.register_account('x', joined_at => '2024-12-31 00:00Z');
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('x', '/tts', '2025-01-09 00:00Z'), ('x', '/tts', '2024-12-01 00:00Z');
select * from pg_temp.seen();
select kind, account, named_at, first_at, last_at, account_number is null as by_name from rewards.tail_accounts() where account is not distinct from 'x' or account is null order by 1, 2, 3;
-- posted: nothing is in the tail, the same is said
create temp table before as select kind, account, joined, active from pg_temp.seen();
select complete from rewards.post();
select * from (table before except select kind, account, joined, active from pg_temp.seen()) d order by 1, 2;
select * from pg_temp.seen();
-- an older row does not move it back
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('x', '/tts', '2024-06-01 00:00Z');
select * from pg_temp.seen() where account = 'x';
