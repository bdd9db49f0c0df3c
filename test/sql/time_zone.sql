-- Days and months are the programme's: in Asia/Tokyo (UTC+9) and with daylight saving
-- in America/New_York, before and after posting, whatever the session's TimeZone.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.set_setting('time_zone', 'Asia/Tokyo') is not null as set;
insert into rewards.usage_logs (user_id, endpoint, created_at)
select 'u', '/tts', t from unnest('{2025-01-31 14:59:59.999999Z,2025-01-31 15:00Z,2025-02-28 14:59Z,2025-02-28 15:00Z}'::timestamptz[]) t;
prepare days as select day, own_points from rewards.daily_points order by 1;
prepare months as select month, usage_points from rewards.user_points order by 1;
execute days;
execute months;
set timezone = 'America/Los_Angeles';
select complete from rewards.post();
execute days;
execute months;
set timezone = 'Pacific/Kiritimati';
execute days;
select day, amount from rewards.statement('u');
select own_points from rewards.account_summary('u', 'user', '2025-02');
-- a range in verify() are whole programme days
select count(*) as differences from rewards.verify('2025-01-01', '2025-03-01');

select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_setting('time_zone', 'America/New_York') is not null as set;
-- the hour that is skipped on 9 March and the one that comes twice on 2 November
insert into rewards.usage_logs (user_id, endpoint, created_at)
select 'u', '/tts', t from unnest('{2025-03-09 04:59Z,2025-03-09 05:00Z,2025-03-10 03:59Z,2025-03-10 04:00Z,2025-11-02 03:59Z,2025-11-02 04:00Z,2025-11-03 04:59Z,2025-11-03 05:00Z}'::timestamptz[]) t;
execute days;
select complete from rewards.post();
execute days;
select count(*) as differences from rewards.verify();
reset timezone;
deallocate all;
