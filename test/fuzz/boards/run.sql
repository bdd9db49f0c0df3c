/*
 * One random world of leaderboards, in stages: rows and corrections are written, posted
 * in part, posted, held open by a prepared transaction, taken back, moved up, repaired.
 * After each, the view, the calls and the buckets must be what plain SQL makes of the
 * rows (truth.sql), and verify() must be silent.
 *
 * There are few distinct amounts, so that most ranks are ties, some of them wider than
 * a bucket; corrections to zero and below; late events at the ends of months in a time
 * zone that is not the session's; names whose order is that of bytes only.
 *
 * Runs in a database of its own with the extension, as superuser. Variables: seed, events.
 */
\set ON_ERROR_STOP on
\pset pager off
set timezone = 'UTC';
set jit = off;

\o /dev/null
set client_min_messages = warning;
select rewards.uninstall('drop all data') where to_regclass('rewards.usage_logs') is not null;
drop schema if exists truth cascade;
select rewards.install();
\ir world.sql
\ir truth.sql
set client_min_messages = notice;

call truth.use(1, 900);
call truth.correct(1, 60);
call truth.compare('nothing posted');
select rewards.post(:events / 20);
call truth.compare('posted in part', boards => 3);
select rewards.post();
call truth.compare('posted');

call truth.use(2, :events);
call truth.correct(2, 300);
call truth.compare('a long tail', boards => 3);
select rewards.post(:events / 2);
call truth.compare('a shorter tail', boards => 3);
select rewards.post();
call truth.compare('posted, buckets cut', everyone => true);

-- an open stretch: rows that posting passes, in among others; some of them by newcomers
begin;
call truth.use(3, 150, rolled_back => true);
call truth.correct(3, 20);
prepare transaction 'boards';
call truth.use(4, 150);
select rewards.post();
call truth.use(5, 60);
call truth.compare('an open stretch');
commit prepared 'boards';
call truth.compare('its rows have appeared', boards => 8);
select rewards.repair('an open stretch');
call truth.compare('repaired beside an open stretch');
select rewards.post();
call truth.compare('nothing is open');

-- many values as wide as a bucket; then most accounts leave the boards, and there are
-- far too many buckets
call truth.level_out(6, 14);
select rewards.post();
call truth.compare('many levels');
call truth.forfeit(6);
call truth.compare('taken back, not posted', boards => 3);
select rewards.post();
call truth.compare('taken back', everyone => true);
select truth.demand('buckets were never cut anew', array(select 'still ' || most from truth.ladder where stage = 'taken back' and not fewer));

-- and all the rest moves up to one value, or to a few
call truth.level_out(7, 4);
call truth.compare('level, not posted', boards => 3);
select rewards.post();
call truth.compare('level', everyone => true);
call truth.use(8, 600);
call truth.correct(8, 100);
select rewards.post(300);
call truth.compare('off the level');

-- numbers beyond what is folded again in one go; another partition
select setval('rewards.usage_number', 999900);
call truth.use(9, 200);
select setval('rewards.usage_number', 1999900);
call truth.use(10, 200);
select rewards.post();
call truth.compare('far along the line');
/* the numbers between are no open stretch any more */
select rewards.post();
select rewards.repair('all of it');
call truth.compare('repaired', everyone => true);
call truth.use(11, 100);
call truth.compare('and on');
\o

select format('boards: seed %s: %s rows, %s corrections, %s accounts, at most %s buckets, %s rebuilt: no difference', :seed,
	(select count(*) from rewards.usage_logs), (select count(*) from rewards.journal where actor = 'fuzz'), (select count(*) from rewards.account),
	(select max(most) from truth.ladder), (select count(*) from truth.ladder where fewer)) as summary \gset
\echo :summary
