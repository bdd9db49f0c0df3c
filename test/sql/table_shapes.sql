-- Tables of totals are written past SQL.  Where somebody has changed their shape, the
-- calls that would read or write them amiss say so and change nothing.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
insert into rewards.usage_logs (user_id, endpoint) values ('ana', '/v1/chat/completions');
select events from rewards.post();
insert into rewards.usage_logs (user_id, endpoint) values ('ana', '/v1/chat/completions');

-- a column more, also one that is gone again
begin;
alter table rewards.score add column note text;
savepoint s;
select * from rewards.leaderboard_rank('ana', 'user', 'all');
rollback to s;
select rewards.post();
rollback to s;
alter table rewards.score drop column note;
select * from rewards.leaderboard_top('user', 'all');
rollback;
begin;
alter table rewards.day_total add column note text;
select rewards.post();
rollback;
begin;
alter table rewards.score_bucket add column note text;
select * from rewards.leaderboard_rank('ana', 'user', 'all');
rollback;

-- indexes that have to compute, or hold some rows only; plain ones are kept
begin;
create index on rewards.day_total (abs(level));
select rewards.post();
rollback;
begin;
create index on rewards.score (points) where points > 10;
select rewards.post();
rollback;
begin;
create index on rewards.month_total using brin (month);
select events from rewards.post();
rollback;

-- triggers would not fire
begin;
create function pg_temp.watch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger watch before update on rewards.month_total for each row execute function pg_temp.watch();
select rewards.post();
rollback;

select events from rewards.post();
select * from rewards.leaderboard_rank('ana', 'user', 'all');
select count(*) as wrong from rewards.verify();
