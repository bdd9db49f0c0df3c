-- D1: usage is kept for a window of 30 days; relationships are permanent, and so is what
-- was earned: partitions of which all is older go, and no figure moves.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
set timezone to 'UTC';
set datestyle to iso;
select rewards.install() is not null as installed;
select rewards.init_pricing('mainnet', valid_from => '2025-01-01');
select rewards.register_model('m', owner => 'creator');
select rewards.set_service('odd', '/odd', 1, valid_from => '2025-01-01') is not null as without_price;
select rewards.add_credits('u1', 100);
select (rewards.referral_signup(rewards.referral_code('up'), 'u1')).referrer;

-- partitions of 40 numbers, to have some
select setval('rewards.usage_number', 3000000), rewards.make_partition(3000001, 3000041), rewards.make_partition(3000041, 3000081);
create function pg_temp.work(days integer, requests integer) returns void language sql as $$
	insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at)
	select days || ' ' || i, 'u' || i % 3, 'p', '/chat/completions', 'm', 10, i, now() - make_interval(days => days) from generate_series(1, requests) i;
	insert into rewards.usage_logs (user_id, endpoint, status_code, created_at) values ('u1', '/tts', 500, now() - make_interval(days => days)),
		('u1', '/odd', 200, now() - make_interval(days => days)) $$;
select pg_temp.work(45, 35);
select events > 0 as folded from rewards.post();
select pg_temp.work(2, 45);
select events > 0 as folded from rewards.post();
select partition, started_at is not null as used from rewards.partitions where first between 3000000 and 3000100 order by first;

create function pg_temp.figures() returns table (figure text) language sql as $$
	select 'user ' || t::text from rewards.user_points t
	union all select 'provider ' || t::text from rewards.provider_rewards t
	union all select 'day ' || t::text from rewards.daily_points t
	union all select 'board ' || t::text from rewards.leaderboard t
	union all select 'creator ' || t::text from rewards.model_creator_earnings t
	union all select 'credits ' || t::text from rewards.user_credits t
	union all select 'traffic ' || t::text from rewards.usage_by_day t
	union all select 'hour ' || t::text from rewards.usage_by_hour t
	union all select 'engagement ' || t::text from rewards.user_engagement t
	union all select 'cohort ' || t::text from rewards.retention_cohorts t
	union all select 'trend ' || t::text from rewards.creator_trends t
	union all select 'revenue ' || t::text from rewards.revenue_by_month t
	union all select 'edge ' || t::text from rewards.referral_relationships t
	union all select 'level ' || t::text from rewards.referral_points_by_level t
	union all select 'streak ' || t::text from rewards.streaks t
	union all select 'account ' || t::text from rewards.accounts t
	union all select 'statement ' || t::text from rewards.statement('u1', 'user', '2025-01-01', 'infinity') t
	union all select 'chain ' || t::text from rewards.referral_chain('u1') t
	union all select 'activity ' || t::text from rewards.activity t
	union all select 'unpriced ' || t.unpriced_rows from rewards.status t
	union all select 'lot ' || t::text from rewards.lot t $$;
create temp table before as select * from pg_temp.figures();
create function pg_temp.moved() returns table (figure text) language sql as $$
	(select '- ' || b.figure from before b except select '- ' || f.figure from pg_temp.figures() f)
	union all (select '+ ' || f.figure from pg_temp.figures() f except select '+ ' || b.figure from before b) $$;
select count(*) > 30 as has_figures from before;
select unpriced_rows from rewards.status;

-- without a window nothing goes
select kept_for from rewards.partitions where first = 3000001;
select rewards.set_retention('30 days') is not null as set;
select value, default_value from rewards.settings where name = 'retention';
-- by arrival nothing is that old
select kept_for from rewards.partitions where first = 3000001;
select rewards.remove_partitions();

-- a month later: what came now with events of 45 days ago, not what is of a later date
select p.first, rewards.partition_kept_for(p.first, p.upto, now() + interval '1 day' - interval '30 days') as kept_for from rewards.usage_partition p where p.first between 3000001 and 3000080 order by 1;
select rewards.sum_up_partitions(now() + interval '29 days') as summed_up;
select rewards.sum_up_partitions(now() + interval '29 days' - interval '1 minute') as again;
select rewards.sum_up_partitions(now() + interval '30 days 1 hour') > 0 as summed_up;
select partition, rows, oldest < newest as spans, gone, seal is not null as proved from rewards.removals where first > 3000000 order by first;
select kept_for from rewards.partitions where first = 3000001;
-- from now on its sums count, whether it is there or not
select * from pg_temp.moved();
select * from rewards.verify();

-- then it goes, as soon as no older snapshot is left
\getenv tests PG_ABS_SRCDIR
\set remove_all :tests /retention/remove_all.psql
\i :remove_all
select partition, rows, gone from rewards.removals where first > 3000000 order by first;
select to_regclass('rewards.usage_logs_3000001') as gone;
select count(*) from rewards.usage_logs where created_at < now() - interval '30 days';
select * from pg_temp.moved();
select events from rewards.post();
select * from pg_temp.moved();
select * from rewards.verify();
select call, arguments ->> 'action' as action, after from rewards.admin_log where call = 'remove_partitions' and arguments ->> 'partition' = '3000001';

-- the history of credits still adds up, with one line for what is gone
select type, count(*), sum(amount) as amount, reason from rewards.credit_transactions where user_id = 'u1' group by type, reason order by 1, 4;
select (select balance_after from rewards.credit_transactions where user_id = 'u1' and currency = 'credits' order by id desc limit 1) = rewards.credits('u1') as adds_up,
	(select balance_after from rewards.credit_transactions where user_id = 'u1' and currency = 'credits' order by id limit 1) as first_balance;

-- making totals anew loses nothing
select rewards.repair('to see') > 0 as repaired;
select * from pg_temp.moved();
select * from rewards.verify();
-- and takes it all from what was kept
begin;
set local session_replication_role = replica;
delete from rewards.day_total; delete from rewards.month_total; delete from rewards.score; delete from rewards.score_bucket; delete from rewards.model_total;
update rewards.activity set requests = 0, services = '{}', streak = 9, best_streak = 9, referred = 7;
select count(*) > 20 as found from rewards.verify();
set local session_replication_role = origin;
select rewards.repair('lost') > 0 as repaired;
select * from pg_temp.moved();
select * from rewards.verify();
rollback;

-- a row that is gone
select rewards.reverse_usage(3000001, 'gone');
select count(*) from rewards.explain_reward(3000001);
select count(*) from rewards.audit_reward(3000001);
select rewards.reverse_journal((select journal_id from rewards.removals where first = 3000001), 'why');
-- rerate() and simulate() have what is left
select count(*) from rewards.rerate('2020-01-01', 'infinity', 'to see');
select account, entry, actual = simulated as same from rewards.simulate(null, now() - interval '30 days', 'infinity') where account in ('u2', 'up') order by 1, 2;

-- what comes later for a day of which rows are gone is added to it; streaks and bonuses know what there was
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, created_at) values ('u1', 'p', '/chat/completions', 'm', 5, now() - interval '45 days');
select events > 0 as folded from rewards.post();
select best_streak, requests from rewards.activity a join rewards.account n on n.id = a.account where n.name = 'u1';
select count(*) as trial_bonuses from rewards.journal j join rewards.account a on a.id = j.account where a.name = 'u1' and j.event like 'trial%';
select * from rewards.verify();
select rewards.repair('late') > 0 as repaired;
select * from rewards.verify();

-- what was made of it can be shown to be as it was
create function pg_temp.tamper(change text) returns table (part text, subject text, detail text) language plpgsql as $$
begin
	set local session_replication_role = replica;
	execute change;
	set local session_replication_role = origin;
	return query select v.part, min(regexp_replace(v.subject, ' [0-9-]{10}$', '')), min(v.detail) from rewards.verify() v group by v.part order by v.part;
end $$;
begin; select * from pg_temp.tamper($$update rewards.removed_sum set amount = amount + 1 where sort = 'd' and unit = 1 and entry = 2 and account = (select id from rewards.account where name = 'u1' and kind = 'user')$$); rollback;
-- also where the totals are made to agree
begin; select * from pg_temp.tamper($$update rewards.removed_sum set amount = amount + 1 where sort = 'd' and unit = 1 and entry = 2 and account = (select id from rewards.account where name = 'u1' and kind = 'user'); select rewards.repair('hide it')$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.removed_sum where sort = 'o'; select rewards.repair('hide it')$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.removal set rows = rows + 1, sums = sums$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.removal set sums = sha256('') where first = 3000001$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.seal set marks = '' where partition = 3000001$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.journal set reference = 'other' where event = 'removal' and cause = '3000001'$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.removal where first = 3000001$$); rollback;
select * from rewards.verify();
update rewards.removal set rows = 0;
delete from rewards.removed_sum;

-- a window that is none
select rewards.set_retention('0');
select rewards.set_retention('-1 day');
select rewards.set_retention('1 day', 'burn');
select rewards.set_retention('1 day', null);
select rewards.set_setting('retention', '30 days');
select rewards.set_setting('retention', 'soon drop');
select rewards.set_retention(null) is not null as ended;
select value from rewards.settings where name = 'retention';
