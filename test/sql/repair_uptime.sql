-- repair() counts the uptime that posting had counted and leaves the rest to posting:
-- a streak that a report not yet posted completes still brings its bonus and its
-- multiplier, once.  The same where there are no rows at all.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('streak', 'provider', 5, recipient_level => 0, threshold => 3, valid_from => '-infinity') is not null as bonus;
select rewards.set_streak_multiplier('provider', 3, 2, valid_from => '-infinity') is not null as multiplier;

-- uptime alone, no row yet
select rewards.record_uptime('quiet', '2025-03-01', 64800), rewards.record_uptime('quiet', '2025-03-02', 64800);
select complete from rewards.post();
select rewards.record_uptime('quiet', '2025-03-03', 64800);
select rewards.repair('one day is not posted') as events;
select account, current_streak, best_streak, last_day from rewards.streaks;
select count(*) as differences from rewards.verify();
select complete from rewards.post();
select account, current_streak, best_streak, last_day from rewards.streaks;
select account, entry, amount from rewards.ledger order by source_id;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('u', 'quiet', '/tts', '2025-03-04 12:00Z') returning provider_points;
select complete from rewards.post();

-- requests and uptime by turns: 5, 6 by request, 7 by uptime that is not posted
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at)
values ('u', 'busy', '/tts', '2025-03-05 12:00Z'), ('u', 'busy', '/tts', '2025-03-06 12:00Z');
select rewards.record_uptime('busy', '2025-03-01', 86400);
select complete from rewards.post();
select rewards.record_uptime('busy', '2025-03-07', 86400);
create temp table kept as table rewards.activity;
select rewards.repair('another day is not posted') > 0 as folded;
select count(*) as changed from ((table kept except all table rewards.activity) union all (table rewards.activity except all table kept)) d;
select count(*) as differences from rewards.verify();
select complete from rewards.post();
select account, current_streak, best_streak, last_day from rewards.streaks where kind = 'provider' order by 1;
select account, amount, created_at at time zone 'UTC' as at from rewards.ledger where entry = 'streak_bonus' order by source_id;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('u', 'busy', '/tts', '2025-03-08 12:00Z') returning provider_points;
-- and again nothing
select complete from rewards.post();
select rewards.repair('all is posted') > 0 as folded;
select complete from rewards.post();
select count(*) as streak_bonuses from rewards.ledger where entry = 'streak_bonus';
select count(*) as differences from rewards.verify();
