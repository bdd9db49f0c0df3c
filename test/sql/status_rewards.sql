-- A status counts for events from when it was given on, among rows recorded since; where a referrer is paused nobody else gets that share.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet, rewards.set_bonus('signup', 'user', null, valid_from => '-infinity') is not null as quiet;
select rewards.referral_code(x, custom => upper(x) || '_1') from unnest('{a,b,c}'::text[]) x;
select (rewards.referral_signup('A_1', 'b', at => '2025-01-01')).referrer, (rewards.referral_signup('B_1', 'c', at => '2025-01-01')).referrer, (rewards.referral_signup('C_1', 'd', at => '2025-01-01')).referrer;
create view public.shares_of_d as select u.id, string_agg(format('%s %s', s.account, s.amount), ', ' order by s.level) as shares
	from rewards.usage_logs u cross join lateral rewards.shares_of(u.id) s group by u.id;
insert into rewards.usage_logs (user_id, endpoint) values ('d', '/tts');
select rewards.set_status('b', 'user', 'paused', 'test') is not null;
-- b's tenth goes to nobody; a keeps its twentieth
insert into rewards.usage_logs (user_id, endpoint) values ('d', '/tts');
-- a late event, of before: as if on time
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('d', '/tts', now() - interval '1 hour');
-- an end: afterwards what was before counts
select rewards.set_status('c', 'user', 'suspended', 'test', until => now() + interval '1 day') is not null;
insert into rewards.usage_logs (user_id, endpoint) values ('d', '/tts');
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('d', '/tts', now() + interval '2 days');
select shares from public.shares_of_d order by id;
select entry, level, account, amount, note from rewards.explain_reward((select max(id) - 1 from rewards.usage_logs)) where entry in ('usage', 'referral') order by level;
-- within one transaction
begin;
select rewards.set_status('b', 'user', 'active', 'test') is not null;
insert into rewards.usage_logs (user_id, endpoint) values ('d', '/tts');
savepoint s;
select rewards.set_status('a', 'user', 'banned', 'test') is not null;
insert into rewards.usage_logs (user_id, endpoint) values ('d', '/tts');
rollback to s;
insert into rewards.usage_logs (user_id, endpoint) values ('d', '/tts');
commit;
select shares from public.shares_of_d order by id desc limit 3;
-- bonuses: none for the paused, of the event's time
select rewards.set_bonus('signup', 'user', 100) is not null, rewards.set_bonus('milestone', 'user', 7, 1, 1) is not null, rewards.set_bonus('trial', 'user', 3, 0) is not null;
select rewards.set_status('b', 'user', 'paused', 'test') is not null;
select referrer, bonus from rewards.referral_signup('B_1', 'e');
select referrer, bonus from rewards.referral_signup('A_1', 'f');
insert into rewards.usage_logs (user_id, endpoint) values ('e', '/tts'), ('f', '/tts'), ('b', '/scrape');
-- uptime's shares, too
select rewards.set_uptime_points(1, '-infinity') is not null, rewards.referral_code('p', 'provider', 'PROV');
select referrer from rewards.referral_signup('PROV', 'q', 'provider', at => now() - interval '3 days');
select rewards.set_status('p', 'provider', 'paused', 'test') is not null;
set session_replication_role to replica;
update rewards.account_status set valid_from = now() - interval '10 days' where status = 'paused' and reason = 'test' and account = rewards.account_number('provider', 'p');
reset session_replication_role;
select rewards.record_uptime('q', (now() at time zone 'UTC')::date - 1, 7200);
select complete from rewards.post();
select kind, account, entry, level, amount from rewards.ledger where source = 'journal' order by source_id, level;
-- simulate and rerate go by statuses as by anything else
select * from rewards.rerate(now() - interval '1 hour', now(), 'check') where booked is distinct from now_due;
select * from rewards.verify();
-- who decides in a longer transaction decides last
select rewards.set_status('d', 'user', 'warned', 'first') is not null;
set session_replication_role to replica;
update rewards.account_status set valid_from = valid_from + interval '1 minute' where reason = 'first';
reset session_replication_role;
select rewards.set_status('d', 'user', 'active', 'second') is not null;
select rewards.status_of(rewards.account_number('user', 'd'), now() + interval '2 minutes');
drop view public.shares_of_d;
-- some postings later every row to come knows every status
select complete from rewards.post(); select complete from rewards.post();
select count(*) filter (where sure_from is null) as unsettled, count(*) > 0 as some from rewards.account_status;
