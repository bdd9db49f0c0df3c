-- M1, M2, M3, Q6: what inviters are told: codes earned, balance, progress, code used, referral active, milestones; a monthly report.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed, rewards.load_preset('vobee') > 0 as vobee;
prepare told as select event, payload from rewards.notifications where account = 'ann' and id > coalesce(nullif(current_setting('test.told', true), '')::bigint, 0) order by id;
prepare seen as select set_config('test.told', max(id)::text, false) is not null as seen from rewards.notifications;
select rewards.register_account('ann', email => 'ann@example.com'), rewards.referral_code('ann', custom => 'ANN');
begin;
select count(rewards.referral_signup('ANN', 'r' || n, at => now() - interval '10 days')) from generate_series(1, 2) n;
commit;
execute told; execute seen;
select referrer from rewards.referral_signup('ANN', 'r3');
execute told; execute seen;
select earned from rewards.earn_codes('ann@example.com');
execute told; execute seen;
-- active on three days, told once and not before
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'r1', '/v1/chat', now() - make_interval(days => d) from generate_series(1, 2) d;
select complete from rewards.post();
execute told;
insert into rewards.usage_logs (user_id, endpoint) values ('r1', '/v1/chat');
select complete from rewards.post();
execute told; execute seen;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'r1', '/v1/chat', now() - make_interval(days => d) from generate_series(3, 9) d;
select complete from rewards.post();
execute told;
-- the monthly report, of the month before, once; with it what would help, and what is near
select rewards.set_quality(null, 3) is not null;
select done from rewards.maintain() where task = 'quality reports sent';
update rewards.quality_score set day = date_trunc('month', now() at time zone 'UTC')::date - 3;
insert into rewards.quality_score (account, day, method, score, referees) select account, day - interval '1 month', method, 0.9, 3 from rewards.quality_score;
select task, done from rewards.maintain() where task ~ 'quality';
select event, payload - 'month' - 'parts' as payload, payload ->> 'month' = to_char(date_trunc('month', now() at time zone 'UTC') - interval '1 day', 'YYYY-MM') as last_month, payload -> 'parts' is not null as with_parts
from rewards.notifications where account = 'ann' and id > current_setting('test.told')::bigint order by id;
execute seen;
select task, done from rewards.maintain() where task ~ 'quality';
execute told;
-- near the bonus for quality
update rewards.quality_score set score = 0.75;
delete from rewards.notification where event in ('quality_report', 'suggestion');
select task, done from rewards.maintain() where task = 'quality reports sent';
select event, payload - 'month' - 'parts' as payload from rewards.notifications where account = 'ann' and id > current_setting('test.told')::bigint order by id;
execute seen;
-- low credits, once for each top-up (M4 of users)
select count(*) > 0 as priced from rewards.init_pricing('mainnet');
select rewards.set_pricing('tts', 3, 'request') is not null as priced;
select rewards.add_credits('ann', 10);
insert into rewards.usage_logs (user_id, endpoint) select 'ann', '/tts' from generate_series(1, 2);
select complete from rewards.post();
execute told;
insert into rewards.usage_logs (user_id, endpoint) values ('ann', '/tts'), ('ann', '/tts');
select complete from rewards.post();
execute told; execute seen;
insert into rewards.usage_logs (user_id, endpoint) values ('ann', '/tts');
select complete from rewards.post();
execute told;
select rewards.add_credits('ann', 6);
insert into rewards.usage_logs (user_id, endpoint) values ('ann', '/tts');
select complete from rewards.post();
execute told;
select rewards.set_setting('low_credits', '0') is not null;
