-- S1: streaks of users by successful requests, of providers by serving them or by
-- uptime; 7, 30 and 100 days multiply by 1.05, 1.10 and 1.20 from the next day on.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
/* so many days in a row, through yesterday, each with a user and a provider of its own */
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at)
select 'u' || n, 'p' || n, '/tts', (rewards.today() - d)::timestamp + interval '12 hours'
from unnest('{1,6,7,29,30,99,100,120}'::integer[]) n, generate_series(1, n) d;
/* through the day before yesterday; through today; days without success are none */
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select 'over', 'over', '/tts', (rewards.today() - d)::timestamp from generate_series(2, 8) d;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select 'here', 'here', '/tts', (rewards.today() - d)::timestamp from generate_series(0, 7) d;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at, status_code) select 'fails', 'fails', '/tts', (rewards.today() - d)::timestamp, case d when 3 then 500 else 200 end from generate_series(1, 8) d;
/* 18 hours make a day of uptime; requests and uptime make one streak together */
select count(rewards.record_uptime('up', rewards.today() - d, 64800)) from generate_series(1, 7) d;
select count(rewards.record_uptime('down', rewards.today() - d, 64799)) from generate_series(1, 7) d;
select count(rewards.record_uptime('both', rewards.today() - d, 80000)) from generate_series(1, 7, 2) d;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select 'x', 'both', '/tts', (rewards.today() - d)::timestamp from generate_series(2, 6, 2) d;
select complete from rewards.post();
select kind, account, current_streak, best_streak, rewards.today() - last_day as ago, alive, multiplier from rewards.streaks where account <> 'x' order by kind desc, current_streak, account;

-- 2 points for the provider, 0.2 for the user
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at)
select coalesce(user_id, 'fresh'), provider_id, '/tts', rewards.today()::timestamp
from (values ('u1', 'p1'), ('u6', 'p6'), ('u7', 'p7'), ('u29', 'p29'), ('u30', 'p30'), ('u99', 'p99'), ('u100', 'p100'), ('u120', 'p120'),
	('over', 'over'), ('here', 'here'), ('fails', 'fails'), (null, 'up'), (null, 'down'), (null, 'both')) v(user_id, provider_id)
returning provider_id, provider_points, user_points;
/* what is over today was not on its last day */
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('over', 'over', '/tts', (rewards.today() - 1)::timestamp) returning provider_points, user_points;
-- today makes all longer by a day; today's multiplier stays that of yesterday
select complete from rewards.post();
select kind, account, current_streak, best_streak, alive, multiplier from rewards.streaks where account in ('u6', 'p6', 'u29', 'up', 'both', 'over', 'fails') order by kind desc, current_streak, account;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('u6', 'p6', '/tts', rewards.today()::timestamp), ('u6', 'p6', '/tts', (rewards.today() + 1)::timestamp) returning provider_points, user_points;
-- two sides, each by its own streak
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('u120', 'p7', '/tts', rewards.today()::timestamp) returning provider_points, user_points;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
