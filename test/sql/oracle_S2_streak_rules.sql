-- S2: streaks by rules: the programme's days, whenever an event comes in; the multiplier
-- of a day is that of the streak through the day before; a day missed ends the run, days
-- of grace do not; days that come late lengthen and join runs for rows to come.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.set_setting('time_zone', 'Europe/Berlin') is not null as zone;
/* n days multiply by n + 1 */
select count(rewards.set_streak_multiplier('user', n, n + 1, '-infinity')) from generate_series(1, 100) n;
prepare use(text, timestamptz[]) as insert into rewards.usage_logs (user_id, endpoint, created_at) select $1, '/embeddings', t from unnest($2) t;
prepare stands(text) as select current_streak, best_streak, last_day, alive from rewards.streaks where account = $1;
/* days of the streak that a request would be multiplied by: 0.1 points, times n + 1 */
create function pg_temp.days(name text, at timestamptz) returns numeric language plpgsql as $$
declare
	points numeric;
begin
	begin
		insert into rewards.usage_logs (user_id, endpoint, created_at) values (name, '/embeddings', at) returning user_points into points;
		raise division_by_zero;
	exception when division_by_zero then
		return trim_scale(points * 10 - 1);
	end;
end $$;

-- days begin at 23:00 UTC in winter, and at 22:00 from the night of 30 March on
execute use('zone', '{2025-03-28 22:59:59.999999Z,2025-03-28 23:00Z,2025-03-30 21:59:59.999999Z}');
select complete from rewards.post();
execute stands('zone');
execute use('zone', '{2025-03-29 23:00Z,2025-03-30 22:00Z}');
select complete from rewards.post();
execute stands('zone');
select at, pg_temp.days('zone', at) from unnest('{2025-03-27 23:00Z,2025-03-28 22:59:59.999999Z,2025-03-28 23:00Z,2025-03-29 22:59:59.999999Z,2025-03-29 23:00Z,2025-03-30 21:59:59.999999Z,2025-03-30 22:00Z,2025-03-31 21:59:59.999999Z,
	2025-03-31 22:00Z,2025-04-01 21:59:59.999999Z,2025-04-01 22:00Z}'::timestamptz[]) at;

-- known from posting on; of one posting no row knows of the others
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'known', '/embeddings', timestamptz '2025-05-01 12:00Z' + n * interval '1 day' from generate_series(0, 2) n returning user_points;
select pg_temp.days('known', '2025-05-04 12:00Z');
select complete from rewards.post();
select day, pg_temp.days('known', day + time '12:00') from generate_series(timestamp '2025-05-01', '2025-05-06', '1 day') day;
-- a day missed: over; the best one stays
execute use('known', '{2025-05-05 12:00Z,2025-05-06 12:00Z}');
select complete from rewards.post();
execute stands('known');
select day, pg_temp.days('known', day + time '12:00') from generate_series(timestamp '2025-05-04', '2025-05-08', '1 day') day;
-- the day that was missed comes late and joins both runs: three days, it, and two; what
-- was stored stays
create temp table stored as select id, user_points from rewards.usage_logs;
execute use('known', '{2025-05-04 23:00+02}');
select complete from rewards.post();
execute stands('known');
select day, pg_temp.days('known', day + time '12:00') from generate_series(timestamp '2025-05-01', '2025-05-08', '1 day') day;
select count(*) as changed from stored s join rewards.usage_logs u using (id) where u.user_points <> s.user_points;
select count(*) as differences from rewards.verify();
-- late at the front; a run of its own before; the same day again
execute use('known', '{2025-04-30 12:00Z}');
select complete from rewards.post();
execute stands('known');
execute use('known', '{2025-04-20 12:00Z,2025-04-21 12:00Z,2025-04-21 13:00Z,2025-05-02 12:00Z}');
select complete from rewards.post();
execute stands('known');
select day, pg_temp.days('known', day + time '12:00') from generate_series(timestamp '2025-04-20', '2025-05-07', '1 day') day;
-- two gaps closed at once, in one posting and out of order
execute use('gaps', '{2025-06-01 12:00Z,2025-06-03 12:00Z,2025-06-05 12:00Z,2025-06-06 12:00Z}');
select complete from rewards.post();
execute stands('gaps');
execute use('gaps', '{2025-06-04 12:00Z,2025-06-02 12:00Z}');
select complete from rewards.post();
execute stands('gaps');
select day, pg_temp.days('gaps', day + time '12:00') from generate_series(timestamp '2025-06-01', '2025-06-08', '1 day') day;
-- the best run is not the last one
execute use('gaps', '{2025-07-01 12:00Z,2025-07-02 12:00Z}');
select complete from rewards.post();
execute stands('gaps');
-- a failed request keeps no streak
insert into rewards.usage_logs (user_id, endpoint, status_code, created_at) values ('gaps', '/embeddings', 404, '2025-07-03 12:00Z');
select complete from rewards.post();
execute stands('gaps');
select count(*) as differences from rewards.verify();

-- posted within a transaction: known there at once, and given up with it
execute use('within', '{2025-06-01 12:00Z}');
select complete from rewards.post();
begin;
select pg_temp.days('within', '2025-06-03 12:00Z');
savepoint s;
execute use('within', '{2025-06-02 12:00Z}');
select complete from rewards.post();
select pg_temp.days('within', '2025-06-03 12:00Z');
rollback to s;
select pg_temp.days('within', '2025-06-03 12:00Z');
execute use('within', '{2025-06-02 13:00Z}');
select complete from rewards.post();
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('within', '/embeddings', '2025-06-03 12:00Z') returning user_points;
rollback;
select pg_temp.days('within', '2025-06-03 12:00Z');
execute stands('within');

-- which rule: the most days that are reached; ended and planned ones do not count
select rewards.set_streak_multiplier('user', 2, null, '2025-05-03') is not null as ended;
select day, pg_temp.days('gaps', day + time '12:00') from generate_series(timestamp '2025-06-02', '2025-06-04', '1 day') day;
select day, pg_temp.days('known', day + time '12:00') from generate_series(timestamp '2025-04-21', '2025-04-22', '1 day') day;

-- two days of grace: runs from then on go over two days without anything, which are not counted
select rewards.set_setting('streak_grace_days', '2') is not null as set;
execute use('grace', '{2025-08-01 12:00Z,2025-08-02 12:00Z,2025-08-05 12:00Z}');
select complete from rewards.post();
execute stands('grace');
select day, pg_temp.days('grace', day + time '12:00') from generate_series(timestamp '2025-08-01', '2025-08-09', '1 day') day;
execute use('grace', '{2025-08-09 12:00Z}');
select complete from rewards.post();
execute stands('grace');
-- the days between come late
execute use('grace', '{2025-08-07 12:00Z,2025-08-03 12:00Z}');
select complete from rewards.post();
execute stands('grace');
select day, pg_temp.days('grace', day + time '12:00') from generate_series(timestamp '2025-08-02', '2025-08-13', '1 day') day;
-- alive: as long as today can go on
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'ago' || n, '/embeddings', (rewards.today() - n)::timestamp at time zone 'Europe/Berlin' from generate_series(0, 5) n;
select complete from rewards.post();
select account, current_streak, alive, multiplier from rewards.streaks where account ~ '^ago' order by 1;
select count(*) as differences from rewards.verify();
deallocate all;
