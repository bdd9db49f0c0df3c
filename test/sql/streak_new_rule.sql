-- A rule for shorter streaks counts at once for those that run: through the day
-- before for today, through today from tomorrow on; also with a day of grace.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.day(n integer) returns timestamptz language sql as $$ select (rewards.today() + n)::timestamptz + interval '12 hours' $$;
prepare row(text, integer) as
insert into rewards.usage_logs (user_id, endpoint, created_at) values ($1, '/tts', pg_temp.day($2)) returning user_points;

-- tts: 0.2 points.  Three days through today, two through yesterday
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'runs', '/tts', pg_temp.day(n) from generate_series(-2, 0) n;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'waits', '/tts', pg_temp.day(n) from generate_series(-3, -1) n;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'over', '/tts', pg_temp.day(n) from generate_series(-4, -2) n;
select complete from rewards.post();
select rewards.set_streak_multiplier('user', 2, 1.5, valid_from => '-infinity') is not null as two;
select rewards.set_streak_multiplier('user', 3, 2, valid_from => '-infinity') is not null as three;
select account, current_streak, alive, multiplier from rewards.streaks order by 1;
execute row('runs', 0);
execute row('runs', 1);
execute row('runs', 2);
execute row('waits', 0);
execute row('waits', 1);
execute row('over', 0);
select count(*) as differences from rewards.verify();

-- a day of grace: the longer one counts tomorrow, and the day after
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_setting('streak_grace_days', '1') is not null as grace;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'runs', '/tts', pg_temp.day(n) from generate_series(-2, 0) n;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'over', '/tts', pg_temp.day(n) from generate_series(-4, -2) n;
select complete from rewards.post();
select rewards.set_streak_multiplier('user', 2, 1.5, valid_from => '-infinity') is not null as two;
select rewards.set_streak_multiplier('user', 3, 2, valid_from => '-infinity') is not null as three;
select account, current_streak, alive, multiplier from rewards.streaks order by 1;
execute row('runs', 0);
execute row('runs', 1);
execute row('runs', 2);
execute row('runs', 3);
execute row('over', 0);
execute row('over', 1);
select count(*) as differences from rewards.verify();
deallocate row;

-- posting has recorded today's longer streak already when a rule for a shorter one is
-- made: tomorrow the longer one counts
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_streak_multiplier(kind, days, null, '-infinity') is not null as ended from rewards.streak_multipliers;
select rewards.set_setting('streak_grace_days', '1') is not null as set;
select rewards.set_streak_multiplier('user', 5, 5) is not null as set;
insert into rewards.usage_logs (user_id, endpoint, created_at)
select 'ann', '/tts', day from generate_series(date_trunc('day', now() at time zone 'UTC') - interval '4 days', now() at time zone 'UTC', '1 day') day;
select complete from rewards.post();
select rewards.set_streak_multiplier('user', 4, 4) is not null as set;
insert into rewards.usage_logs (user_id, endpoint, created_at)
values ('ann', '/tts', now()), ('ann', '/tts', now() + interval '1 day') returning trim_scale(user_points / 0.2) as multiplier;
select multiplier from rewards.streaks where account = 'ann';
