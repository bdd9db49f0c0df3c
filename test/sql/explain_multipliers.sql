-- explain_reward() names all that a row was multiplied by, as known when it was recorded,
-- on each side; what came later changes nothing in it.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select 'u', 'p', '/tts', timestamptz '2025-01-01' + n * interval '1 day' from generate_series(0, 29) n;
select complete from rewards.post();
select rewards.set_multiplier('u', 'user', 2) is not null as set, rewards.start_campaign('two "sides"', 1.5, '2025-01-31', '2025-02-01') is not null as started,
	rewards.start_campaign('gpus', 3, '2025-01-31', '2025-02-01', 'provider') is not null as started, rewards.start_campaign('chat only', 5, '2025-01-31', '2025-02-01', service => 'chat') is not null as started;
prepare why as select kind, account, entry, level, amount, base, rate, multiplier, rule, note from rewards.explain_reward($1) where amount <> 0 order by entry, level;
/* 2 x 1.1 x 1.5 x 3 = 9.9 and 0.2 x 2 x 1.1 x 1.5 = 0.66 */
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('u', 'p', '/tts', '2025-01-31') returning provider_points, user_points;
select max(id) as row from rewards.usage_logs \gset
execute why(:row);
-- a row without any: 1
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('x', 'y', '/tts', '2025-02-15');
execute why(:row + 1);
-- the eighth day, as it was: nothing was known when it came
execute why(8);
-- later changes, also those of the past
select rewards.set_multiplier('u', 'user', 7, '2025-01-01') is not null as set, rewards.end_campaign('gpus', '2025-01-31') is not null as ended, rewards.set_streak_multiplier('user', 20, 9, '-infinity') is not null as set;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select 'u', 'p', '/tts', timestamptz '2024-11-01' + n * interval '1 day' from generate_series(0, 60) n;
select complete from rewards.post();
execute why(:row);
execute why(8);
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('u', 'p', '/tts', '2025-01-31') returning provider_points, user_points;
select max(id) as row from rewards.usage_logs \gset
execute why(:row);
select count(*) as differences from rewards.verify();
deallocate all;
