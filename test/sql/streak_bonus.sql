-- A bonus for days in a row: once a run, by the event that made it so long; also when a
-- day that comes late lengthens the run at its front, fills a gap in it or joins two.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.set_bonus('streak', 'user', 3, 0, 3, valid_from => '-infinity') is not null as set, rewards.set_bonus('streak', 'user', 5, 0, 5, valid_from => '-infinity') is not null as set,
	rewards.set_bonus('streak', 'user', 0.5, 1, 3, valid_from => '-infinity') is not null as set, rewards.set_bonus('streak', 'provider', 2, 0, 2, valid_from => '-infinity') is not null as set;
prepare use(text, text[]) as insert into rewards.usage_logs (user_id, endpoint, created_at) select $1, '/embeddings', ('2025-05-' || d || ':00Z')::timestamptz from unnest($2) d;
prepare booked(text) as
select j.event, a.name, s.amount, j.created_at from rewards.journal j cross join lateral rewards.shares(j.distribution) s join rewards.account a on a.id = s.account_number
where split_part(j.cause, ' ', 1) = (select id::text from rewards.account where name = $1) order by j.id;

-- by the first event of the third and the fifth day; no more for the sixth; to its referrer, too
select referrer from rewards.referral_signup(rewards.referral_code('ann'), 'ben', 'user', '2025-01-01');
execute use('ben', '{"01 10","02 10"}');
select complete from rewards.post();
execute booked('ben');
execute use('ben', '{"03 11","03 09","04 10","05 10","06 10","07 10"}');
select complete from rewards.post();
execute booked('ben');
-- a new run, a new bonus
execute use('ben', '{"11 10","12 10","13 10"}');
select complete from rewards.post();
execute booked('ben');
-- both runs joined: each had one, the joined one has had it
execute use('ben', '{"08 10","09 10","10 10"}');
select complete from rewards.post();
execute booked('ben');

-- late days at the front of a run that has its bonus
execute use('front', '{"10 10","11 10","12 10"}');
select complete from rewards.post();
execute use('front', '{"09 10"}');
select complete from rewards.post();
execute use('front', '{"08 10","07 10"}');
select complete from rewards.post();
execute booked('front');
-- two runs of two, and the day between: three and five at once, by the late event
execute use('joined', '{"01 10","02 10","04 10","05 10"}');
select complete from rewards.post();
execute booked('joined');
execute use('joined', '{"03 15"}');
select complete from rewards.post();
execute booked('joined');
-- a run of three that has its bonus joined with one that has it not, either way round
execute use('first', '{"01 10","02 10","03 10","05 10"}');
select complete from rewards.post();
execute use('first', '{"04 10"}');
select complete from rewards.post();
execute booked('first');
execute use('second', '{"01 10","03 10","04 10","05 10"}');
select complete from rewards.post();
execute use('second', '{"02 10"}');
select complete from rewards.post();
execute booked('second');
-- the same all at once, out of order
execute use('once', '{"05 10","03 10","04 10","01 10","02 10"}');
select complete from rewards.post();
execute booked('once');
-- with a day of long before in the same posting: each run by its own events
execute use('apart', '{"11 10","12 10","14 10","15 10"}');
select complete from rewards.post();
execute use('apart', '{"01 10","13 10"}');
select complete from rewards.post();
execute booked('apart');
-- failed requests make no day
insert into rewards.usage_logs (user_id, endpoint, status_code, created_at) select 'fails', '/tts', case d when 2 then 500 else 200 end, timestamptz '2025-05-01' + d * interval '1 day' from generate_series(1, 4) d;
select complete from rewards.post();
execute booked('fails');
-- providers, by uptime and by requests; a day of uptime that fills a gap
select rewards.record_uptime('up', d::date, 64800) from unnest('{2025-05-01,2025-05-02,2025-05-03}'::date[]) d;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select 'x', 'gap', '/tts', t from unnest('{2025-05-01,2025-05-03}'::timestamptz[]) t;
select complete from rewards.post();
select rewards.record_uptime('gap', '2025-05-02', 64800);
select complete from rewards.post();
execute booked('up');
execute booked('gap');
select kind, account, current_streak from rewards.streaks where account in ('up', 'gap') order by 2;
-- and the facts of the joined runs: the day after has three days, times 1.05 from seven on
select rewards.set_streak_multiplier('provider', 1, 1.5, '-infinity') is not null as set, rewards.set_streak_multiplier('provider', 2, 2.5, '-infinity') is not null as set, rewards.set_streak_multiplier('provider', 3, 3.5, '-infinity') is not null as set;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select 'x', 'fill', '/tts', t from unnest('{2025-05-01,2025-05-03}'::timestamptz[]) t;
select complete from rewards.post();
select rewards.record_uptime('fill', '2025-05-02', 64800);
select complete from rewards.post();
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select 'x', 'fill', '/tts', t from unnest('{2025-05-02,2025-05-03,2025-05-04,2025-05-05}'::timestamptz[]) t returning created_at, provider_points;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
deallocate all;
