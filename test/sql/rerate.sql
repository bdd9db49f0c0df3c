-- rerate(): what rows lack by all that is recorded now, once booked never found again;
-- it counts on the day of the event, or on the first open day.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as set;
select rewards.register_model('m', owner => 'maker');
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, character_id, input_tokens, status_code, created_at) values
	('chat', 'ben', 'gpu', '/chat/completions', 'm', null, 1000, 200, '2025-01-10 10:00'),
	('tts', 'ben', 'gpu', '/tts', null, null, 0, 200, '2025-01-20 10:00'),
	('failed', 'ben', 'gpu', '/chat/completions', 'm', null, 1000, 500, '2025-01-20 11:00'),
	('character', 'cat', null, '/chat', null, 'emma', 1000, 200, '2025-01-25 10:00'),
	('later', 'ben', 'gpu', '/chat/completions', 'm', null, 1000, 200, '2025-02-10 10:00');
create temp table kept as table rewards.usage_logs;
create function pg_temp.found(since timestamptz default '2025-01-01', until timestamptz default '2025-03-01')
returns table (request text, kind text, account text, entry text, booked numeric, now_due numeric) language sql as $$
	select u.request_id, r.kind, r.account, r.entry, r.booked, r.now_due from rewards.rerate(since, until, 'look') r join rewards.usage_logs u on u.id = r.usage_id
	order by u.id, r.kind collate "C", r.account collate "C", r.entry collate "C" $$;
create function pg_temp.book(reason text) returns bigint language sql as $$ select count(*) from rewards.rerate('2025-01-01', '2025-03-01', reason, false) $$;
/* each correction with its event, and who shows it where */
create view pg_temp.corrections as
select u.request_id as request, l.kind, l.account, l.entry, l.level, l.amount, l.unit, l.created_at, j.event, split_part(j.cause, ' ', 2) as of_entry,
	split_part(j.cause, ' ', 3) as time, j.reason, j.actor = current_user as by_me, j.reverses_source
from rewards.journal j join rewards.ledger l on l.source = 'journal' and l.source_id = j.id left join rewards.usage_logs u on u.id = j.reverses_id
where j.event = 'rerate' order by j.id;

-- nothing to mend; failed rows stay without reward
select * from pg_temp.found();
select pg_temp.book('nothing') as corrections;

-- a rule from an earlier date: only what happened since, and nothing is written by a dry run
select rewards.set_tier('tide_pool', 5, valid_from => '2025-02-01') is not null as set;
select * from pg_temp.found();
select * from pg_temp.found(until => '2025-02-10 10:00');
select * from pg_temp.found('2025-02-10 10:00', '2025-02-10 10:00:00.000001');
select count(*) from rewards.journal;
select pg_temp.book('tide_pool is 5 since February') as corrections;
select * from pg_temp.corrections;
select * from pg_temp.found();
select pg_temp.book('again') as corrections;
select count(*) as wrong from rewards.verify();
select count(*) > 0 as posted from rewards.post();
select pg_temp.book('after posting') as corrections;
select count(*) as wrong from rewards.verify();

-- the rule changes again: only the difference to what is booked already; then back
select rewards.set_tier('tide_pool', 2, valid_from => '2025-02-01') is not null as set;
select * from pg_temp.found();
select pg_temp.book('no, 2') as corrections;
select rewards.set_tier('tide_pool', 1, valid_from => '2025-02-01') is not null as set;
select pg_temp.book('no, 1 as ever') as corrections;
select request, account, of_entry, amount, time, reason from pg_temp.corrections order by 2, 3, 5;
select * from pg_temp.found();
select rewards.set_tier('tide_pool', 2, valid_from => '2025-02-01') is not null as set;
select pg_temp.book('2 after all') as corrections;

-- an edge of before; an own multiplier; a campaign; an owner; a character known now; a streak
select referrer from rewards.referral_signup('ana', 'ben', 'user', '2025-01-01');
select rewards.register_account('ana');
select referrer from rewards.referral_signup('ana', 'ben', 'user', '2025-01-15');
select * from pg_temp.found();
select pg_temp.book('ana brought ben') as corrections;
select rewards.set_multiplier('gpu', 'provider', 1.5) is not null as set;
select * from pg_temp.found();
select pg_temp.book('gpu is a partner') as corrections;
select rewards.start_campaign('winter', 3, '2025-01-20', '2025-01-21', 'user', 'tts') is not null as started;
select * from pg_temp.found();
select pg_temp.book('winter was announced') as corrections;
select rewards.set_model_owner('m', 'heir', '2025-02-01') is not null as set;
select * from pg_temp.found();
select pg_temp.book('m was sold') as corrections;
select rewards.register_character('emma', 'Emma'), rewards.register_model('emma-1', owner => 'maker', character_id => 'emma');
select * from pg_temp.found();
select pg_temp.book('emma has a model') as corrections;
insert into rewards.account_fact (account, fact, number, valid_from, valid_until, seen_from, updated_by)
select id, 'streak', 7, '2025-02-10', '2025-02-11', 1000, 'test' from rewards.account where name = 'ben';
select rewards.signal_change('rewards.account_fact');
select * from pg_temp.found();
select pg_temp.book('ben came every day') as corrections;
select * from pg_temp.found();
select count(*) as wrong from rewards.verify();

-- where they show: the day and month of the event, the reasons, the creators' balance
select * from rewards.statement('ben', 'user');
select * from rewards.provider_rewards;
select user_id, month, usage_points, referral_points, bonus_points, total_points from rewards.user_points order by 1, 2;
select available from rewards.balance('maker', 'user', 'earnings') union all select available from rewards.balance('heir', 'user', 'earnings');
select e.* from rewards.usage_logs u cross join lateral rewards.explain_reward(u.id) e where u.request_id = 'later';
select call, arguments, after from rewards.admin_log where call = 'rerate' order by id desc limit 1;
-- the rows are what they were
select count(*) as changed from (table rewards.usage_logs except all table kept) d;

-- closed until a day: on the first open one, by the programme's days; from there on as ever
select rewards.set_setting('closed_until', '2025-02-10') is not null as closed;
insert into rewards.usage_logs (request_id, user_id, endpoint, created_at) values ('first open', 'ben', '/tts', '2025-02-11 00:00'), ('last closed', 'ben', '/tts', '2025-02-10 23:59:59');
select rewards.set_service('tts', '/tts', 4, valid_from => '2025-01-01') is not null as set;
select pg_temp.book('tts is 4') as corrections;
select request, kind, account, of_entry, amount, created_at from pg_temp.corrections where reason = 'tts is 4' order by 1, 3, 4;
select day, entry, amount from rewards.statement('ben') where day between '2025-02-10' and '2025-02-11';
select pg_temp.book('again') as corrections;
select rewards.set_setting('closed_until', 'none') is not null as open;
select complete from rewards.post();
select count(*) as wrong from rewards.verify();
select rewards.repair('rerate') > 0 as repaired;
select count(*) as wrong from rewards.verify();

-- who is in no table yet is registered, also where calls do not register
select rewards.set_setting('auto_register', 'off') is not null as set;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, created_at) values ('new', 'zoe', 'zoe', '/scrape', '2025-01-05 00:00'), ('new 2', 'zoe', 'abe', '/scrape', '2025-01-05 00:00');
select rewards.set_service('scrape', '/scrape', 2, valid_from => '2025-01-01') is not null as set;
select * from pg_temp.found();
select pg_temp.book('scrape is 2') as corrections;
select kind, name, joined_at from rewards.account where name in ('zoe', 'abe') order by 1, 2;
select pg_temp.book('again') as corrections;
select account, bonus_points, total_points from rewards.daily_points where account in ('zoe', 'abe') order by 1, 2, 3;
select complete from rewards.post();
select account, bonus_points, total_points from rewards.daily_points where account in ('zoe', 'abe') order by 1, 2, 3;
select count(*) as wrong from rewards.verify();

-- a row that the rules make too large says which it is
begin;
select rewards.set_creator_rate(9000000000, valid_from => '2025-01-01') is not null as set;
set client_min_messages = notice;
do $$
declare
	context text;
begin
	perform rewards.rerate('2025-01-01', '2025-03-01', 'too much');
exception when numeric_value_out_of_range then
	get stacked diagnostics context = pg_exception_context;
	raise notice '%: %', sqlerrm, substring(context from 'row \d+ of usage_logs');
end $$;
rollback;

-- what is refused
select * from rewards.rerate(null, '2025-03-01', 'x');
select * from rewards.rerate('2025-01-01', null, 'x');
select * from rewards.rerate('2025-01-01', '2025-03-01', null);
select * from rewards.rerate('2025-01-01', '2025-03-01', 'x', null);
select * from rewards.rerate('2025-01-01', '2025-01-01', 'x');
begin isolation level repeatable read;
select count(*) from rewards.rerate('2025-01-01', '2025-03-01', 'x');
select count(*) from rewards.rerate('2025-01-01', '2025-03-01', 'x', false);
rollback;
begin read only;
select count(*) from rewards.rerate('2025-01-01', '2025-03-01', 'x');
rollback;
select rewards.set_setting('closed_until', v) from unnest('{yesterday}'::text[]) v;
select rewards.set_setting('closed_until', '2025-02-30');
select rewards.set_setting('closed_until', '2025-2-3');
