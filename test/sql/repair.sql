-- repair(): what is damaged in any table of totals is found by verify() and mended,
-- to the last digit as it was; rows in open stretches and above the cursor are not
-- folded by it, and are folded once by a later posting.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.set_service('one', '/one', 1, valid_from => '2020-01-01 00:00Z') is not null as one;
select rewards.register_account('up', joined_at => '2024-01-01 00:00Z'), rewards.register_model('m', owner => 'maker');
select referrer from rewards.referral_signup('up', 'u1', 'user', '2025-01-01 00:00Z');
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, output_tokens, created_at)
select 'u' || i % 4, case when i % 3 > 0 then 'p' || i % 2 end, '/one', case when i % 5 = 0 then 'm' end, i, timestamptz '2025-01-10 00:00Z' + i * interval '3 days'
from generate_series(1, 20) i;
/* an open stretch: two rows among others */
begin;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('u1', 'late', '/one', '2025-01-20 00:00Z'), ('late', 'p1', '/one', '2025-01-20 00:00Z');
prepare transaction 'board_repair';
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('u2', '/one', '2025-01-20 00:00Z');
select complete from rewards.post();
select last = 25 as all, cardinality(open_first) as open from rewards.cursor;

create temp table kept_day_total as table rewards.day_total;
create temp table kept_month_total as table rewards.month_total;
create temp table kept_model_total as table rewards.model_total;
create temp table kept_activity as table rewards.activity;
create temp table kept_score as table rewards.score;
create temp table kept_score_bucket as table rewards.score_bucket;
/* what is another now */
create function pg_temp.changed() returns setof text language plpgsql as $$
declare
	name text;
begin
	for name in select unnest('{day_total,month_total,model_total,activity,score,score_bucket}'::text[]) loop
		return query execute format('select %L || '': '' || d::text from ((table rewards.%1$I except all table kept_%1$I) union all (table kept_%1$I except all table rewards.%1$I)) d order by 1', name);
	end loop;
end $$;
select count(*) as differences from rewards.verify();
-- nothing damaged: all is as it was, and the reason is kept
select rewards.repair('to see whether it does any harm');
select pg_temp.changed();
select call, arguments, before, after, updated_by = current_user as by_me from rewards.admin_log where call = 'repair';

-- damage of each table: found, mended
create function pg_temp.damage(change text) returns table (part text, subject text, expected text, found text, detail text) language plpgsql as $$
begin
	execute change;
	return query select * from rewards.verify() v order by 1, 2, 5 limit 5;
end $$;
begin; select * from pg_temp.damage($$update rewards.day_total set amount = amount + 0.000000001 where day = '2025-01-13' and entry = 1$$); select rewards.repair('day_total') as events; select pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$delete from rewards.month_total where month = '2025-02-01' and entry = 2 and events > 2$$); select rewards.repair('month_total') as events; select pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$update rewards.model_total set last_at = last_at + interval '1 second'$$); select rewards.repair('model_total') as events; select pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$update rewards.score set points = points + 0.000000001 where board = 1 and month = '2025-01-01' and name = 'p1'$$); select rewards.repair('score') as events; select pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$delete from rewards.score where board = 4$$); select rewards.repair('score') as events; select pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$insert into rewards.score select 3, 'infinity', id, name, 0.001 from rewards.account where name = 'u1'$$); select rewards.repair('score') as events; select pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$update rewards.score_bucket set accounts = accounts - 1 where board = 2 and month = 'infinity'$$); select rewards.repair('score_bucket') as events; select pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$update rewards.score_bucket set lowest = 0.5 where board = 1 and month = '2025-01-01'$$); select rewards.repair('score_bucket') as events; select pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$delete from rewards.score_bucket where board = 3$$); select rewards.repair('score_bucket') as events; select pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$insert into rewards.score_bucket values (1, '2025-02-01', 1.5, 0), (1, '1999-01-01', 0, 3)$$); select rewards.repair('score_bucket') as events; select pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$update rewards.score set name = 'mallory' where board = 2 and name = 'u1'$$); select rewards.repair('score') as events; select pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$update rewards.activity set last_at = last_at + interval '1 microsecond' where account = (select id from rewards.account where name = 'p1')$$); select rewards.repair('activity') as events; select pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$delete from rewards.activity where account = (select id from rewards.account where name = 'u1')$$); select rewards.repair('activity') as events; select pg_temp.changed(); rollback;
-- a range of time asks for the days in it alone
begin;
update rewards.score set points = points + 1;
update rewards.score_bucket set accounts = accounts + 1;
update rewards.activity set last_at = 'infinity';
select count(*) as differences from rewards.verify('2025-01-01', '2025-02-01');
rollback;
-- everything gone, but for the rows
begin;
delete from rewards.day_total; delete from rewards.month_total; delete from rewards.model_total; delete from rewards.activity; delete from rewards.score; delete from rewards.score_bucket;
select distinct part from rewards.verify() order by 1;
select rewards.repair('all is gone') as events;
select pg_temp.changed();
select count(*) as differences from rewards.verify();
rollback;
-- too much: all is there twice
begin;
update rewards.day_total set amount = amount * 2, events = events * 2; update rewards.month_total set amount = amount * 2; update rewards.score set points = points * 2;
update rewards.activity set first_at = '2020-01-01', last_at = '2030-01-01';
select rewards.repair('twice') as events;
select pg_temp.changed();
rollback;

-- the tail and the open stretch: not folded by repair(), and once by posting
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('tail', 'p1', '/one', '2025-01-20 00:00Z'), ('u1', 'tail', '/one', '2025-01-20 00:00Z');
commit prepared 'board_repair';
create temp table board as table rewards.leaderboard;
select backlog from rewards.status;
select rewards.repair('with a tail and an open stretch') as events;
select pg_temp.changed();
select backlog from rewards.status;
select count(*) as differences from rewards.verify();
select * from (table board except all table rewards.leaderboard) d;
select events, complete from rewards.post();
select * from (table board except all table rewards.leaderboard) d;
select backlog, open_stretches from rewards.status;
select rewards.repair('nothing is open') as events;
select events, complete from rewards.post();
select * from (table board except all table rewards.leaderboard) d;
select count(*) as differences from rewards.verify();
-- rows of the repairing transaction itself are in the tail
begin;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('own', '/one', '2025-01-20 00:00Z');
select rewards.repair('own rows') as events;
select rank, points from rewards.leaderboard_rank('own', 'user', '2025-01');
select events from rewards.post();
select rewards.repair('own rows folded') as events;
select rank, points from rewards.leaderboard_rank('own', 'user', '2025-01');
select count(*) as differences from rewards.verify();
rollback;

-- refused: without a reason, with an old snapshot
set client_min_messages = notice;
do $$ begin perform rewards.repair(null); exception when null_value_not_allowed then raise notice '%: %', sqlstate, sqlerrm; end $$;
begin isolation level repeatable read;
do $$ begin perform rewards.repair('x'); exception when others then raise notice '%: %', sqlstate, sqlerrm; end $$;
rollback;
begin isolation level serializable;
do $$ begin perform rewards.repair('x'); exception when others then raise notice '%: %', sqlstate, sqlerrm; end $$;
rollback;
-- and it is no reading call
begin read only;
do $$ begin perform rewards.repair('x'); exception when others then raise notice '%: %', sqlstate, sqlerrm; end $$;
rollback;
select count(*) as repairs, bool_and(arguments ? 'reason' and after ? 'events') as told from rewards.admin_log where call = 'repair';
