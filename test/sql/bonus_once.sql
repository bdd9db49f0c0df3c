-- Each bonus once: however often, in whatever pieces and with what interruptions rows
-- are posted; repair() grants nothing again and makes activity anew to the last digit.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.referral_code('ann', custom => 'ANN') as code;
select count(*) from unnest('{ben,cat,dan}'::text[]) n, rewards.referral_signup('ANN', n, 'user', '2025-01-01');
select rewards.set_bonus('streak', 'user', 4, 0, 3, valid_from => '-infinity') is not null as set;
prepare booked as select event, (select name from rewards.account where id = account) as account, count(*) as entries, sum(s.amount) as points
from rewards.journal j cross join lateral rewards.shares(j.distribution) s where reason <> 'signup' group by 1, 2 order by 1, 2;
/* users by turns: 51 requests each, of four services, over seventeen days */
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at)
select n, 'gpu', (array['/tts', '/embeddings', '/scrape', '/v1/chat/completions'])[1 + i % 4], timestamptz '2025-01-01 12:00Z' + (i / 3) * interval '1 day'
from generate_series(0, 50) i, unnest('{ben,cat,dan}'::text[]) n;

-- rolled back, nothing has been granted
begin;
select complete from rewards.post();
select count(*) > 0 as booked from rewards.journal where reason = 'milestone';
rollback;
execute booked;
begin;
savepoint s;
select complete from rewards.post();
rollback to s;
select complete from rewards.post(10);
savepoint s;
select complete from rewards.post(10);
rollback to s;
commit;
-- row by row, through the middle of what a bonus is for
do $$ begin while not (select complete from rewards.post(1)) loop null; end loop; end $$;
execute booked;
select complete from rewards.post();
select complete, events from rewards.post();
execute booked;
select count(*) as differences from rewards.verify();
-- the whole again at once, in a copy: the same bonuses
create temp table kept as table rewards.activity;
create temp table booked_before as table rewards.journal;
create temp table facts as select count(*) as facts from rewards.account_fact;
select rewards.repair('once') > 0 as repaired;
select count(*) as changed from ((table rewards.activity except table kept) union all (table kept except table rewards.activity)) d;
select count(*) as booked_again from rewards.journal where id not in (select id from booked_before);
select f.facts = (select count(*) from rewards.account_fact) as no_fact_again from facts f;
select complete from rewards.post();
select count(*) as booked_again from rewards.journal where id not in (select id from booked_before);
select count(*) as differences from rewards.verify();
-- and the count goes on from there: dan's 52nd, and one who was at 49
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('dan', '/tts', '2025-02-01');
select bonus from rewards.referral_signup('ANN', 'eve', 'user', '2025-01-01');
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'eve', '/tts', '2025-02-01' from generate_series(1, 49);
select complete from rewards.post();
select rewards.repair('at 49') > 0 as repaired;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('eve', '/tts', '2025-02-02'), ('eve', '/tts', '2025-02-02');
select complete from rewards.post();
execute booked;
-- with an open stretch, repair() folds in pieces; the rows in it count when they come
begin;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'fay', '/tts', '2025-03-02' from generate_series(1, 25);
prepare transaction 'bonus_once';
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'fay', e, '2025-03-01' from unnest('{/tts,/embeddings}'::text[]) e, generate_series(1, 13);
select bonus from rewards.referral_signup('ANN', 'gil', 'user', '2025-01-01');
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'gil', '/tts', '2025-03-01' from generate_series(1, 50);
select complete from rewards.post();
drop table kept;
create temp table kept as table rewards.activity;
select rewards.repair('beside an open stretch') > 0 as repaired;
select count(*) as changed from ((table rewards.activity except table kept) union all (table kept except table rewards.activity)) d;
commit prepared 'bonus_once';
select complete from rewards.post();
execute booked;
drop table kept;
create temp table kept as table rewards.activity;
select rewards.repair('all') > 0 as repaired;
select count(*) as changed from ((select account, first_at, last_at, referred, streak, best_streak, streak_since, last_day from rewards.activity
	except select account, first_at, last_at, referred, streak, best_streak, streak_since, last_day from kept)) d;
select count(*) as differences from rewards.verify();
select kind, account, bonus_points from (values ('user', 'ann')) a(kind, account), lateral (select bonus_points from rewards.account_summary(a.account, a.kind, 'all')) s;
deallocate all;
