-- M4: creators are told of each new user of a model, of thresholds that their earnings reach, of each week; once
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_setting('earnings_alert', '10') is not null as set;
select rewards.register_model('m4-model', owner => 'm4-ann', rate => 1);
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values
	('m4-bob', '/v1/chat/completions', 'm4-model', 12), ('m4-cy', '/v1/chat/completions', 'm4-model', 5),
	('m4-bob', '/v1/chat/completions', 'm4-model', 6), ('m4-ann', '/v1/chat/completions', 'm4-model', 100);
select count(*) from rewards.notifications where account = 'm4-ann';
select complete from rewards.post();
select event, payload - 'firstAt' as payload from rewards.notifications where account = 'm4-ann' order by event collate "C", payload ->> 'userId' collate "C";
-- the same user again is nothing new; 23 and 8 more reach another multiple
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('m4-bob', '/v1/chat/completions', 'm4-model', 8);
select complete from rewards.post();
select event, payload - 'firstAt' as payload from rewards.notifications where account = 'm4-ann' and event = 'earnings_threshold' order by id;
-- what came in last week
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, created_at)
values ('m4-cy', '/v1/chat/completions', 'm4-model', 3, date_trunc('week', now() at time zone 'UTC') at time zone 'UTC' - interval '3 days');
select complete from rewards.post();
select task from rewards.maintain() where task like 'weekly%';
select task from rewards.maintain() where task like 'weekly%';
select event, payload - 'week' as payload from rewards.notifications where account = 'm4-ann' and event = 'weekly_summary';
-- a payout that is done
select rewards.request_payout('m4-ann', 'user', 20) as payout \gset
select rewards.approve_payout(:payout), rewards.complete_payout(:payout, 'tx-1');
select event, payload - 'payout' as payload from rewards.notifications where account = 'm4-ann' and event = 'payout_done';
-- mailers: each message to one, and again when its lease is over; none when it is delivered
create temp table taken as select * from rewards.take_notifications(1000, '1 hour') t where t.account = 'm4-ann';
select count(*) from taken;
select count(*) from rewards.take_notifications(1000) t where t.account = 'm4-ann';
update rewards.notification set taken_until = clock_timestamp() where id in (select id from taken);
select count(*) from rewards.take_notifications(1000) t where t.account = 'm4-ann';
select rewards.notification_done(array(select id from taken)), rewards.notification_done(array(select id from taken)) as again;
select count(*) from rewards.take_notifications(1000, '1 ms') t where t.account = 'm4-ann';
-- nobody is told twice by repair()
select rewards.repair('M4') > 0 as repaired;
select event, count(*) from rewards.notifications where account = 'm4-ann' group by event order by event collate "C";
drop table taken;
select * from rewards.verify();
