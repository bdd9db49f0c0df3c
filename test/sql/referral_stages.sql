-- How far referees have come, by month, and what they have brought: folded or not, when
-- requests are taken back, when what counts as active changes; verify() and repair().
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_setting('code_policy', 'identity') is not null as identity;
select rewards.set_setting('onboarded_requests', '2') is not null as onboarded;
create temp view stage as
select sent, joined, onboarded, active, retained, conversion, activation, retention from rewards.referral_stages;
create temp view influence as
select account, direct, value = (
	select sum(f.value) from rewards.referral_funnel f where f.inviter = i.account) as adds_up, value > 0 as brought
from rewards.top_influencers i order by account;
/* what the funnel of all inviters gives */
create function pg_temp.same() returns boolean language sql as $$
	select not exists (
		select month, sent, joined, onboarded, active, retained from rewards.referral_stages
		except select month, sum(sent)::bigint, sum(joined)::bigint, sum(onboarded)::bigint, sum(active)::bigint, sum(retained)::bigint from rewards.referral_funnel group by month)
	and (select sum(sent) from rewards.referral_stages) = (select sum(sent) from rewards.referral_funnel) $$;
create function pg_temp.use(account text, day integer, hour integer default 10) returns bigint language sql as $$
	insert into rewards.usage_logs (user_id, endpoint, input_tokens, created_at)
	values (account, '/v1/chat/completions', 100, timestamptz '2025-03-01 00:00Z' + make_interval(days => day, hours => hour)) returning id $$;
select rewards.register_account('ana') as ana;
select rewards.share_referral('ana', 'nobody@example.com', 'ana') is not null as pending;
select count(rewards.referral_signup('ana', r, at => '2025-03-01 12:00Z')) as joined from unnest('{a,b,c,d}'::text[]) r;
select count(rewards.referral_signup('a', r, at => '2025-03-02 12:00Z')) as joined from unnest('{e}'::text[]) r;
-- a comes through all of it, b to two days, c is said to be onboarded, d does nothing
select count(pg_temp.use('a', d)) from unnest('{1,2,3,31}'::integer[]) d;
select count(pg_temp.use('b', d)) from unnest('{1,2}'::integer[]) d;
select rewards.complete_onboarding('c');
select * from stage where sent > 1;
select pg_temp.same();
select * from influence;
select complete from rewards.post();
select * from stage where sent > 1;
select pg_temp.same();
select * from influence;
select count(*) as told from rewards.onboarding;
select a.name, s.onboarded, s.active, s.retained from rewards.referee_stage s join rewards.account a on a.id = s.account order by 1;
select count(*) as differences from rewards.verify();
-- 30 days after joining to the hour, in the midst of a day that is known
select pg_temp.use('b', 30, 11) > 0 as not_yet;
select complete from rewards.post();
select retained from stage where sent > 1;
select pg_temp.use('b', 30, 12) > 0 as now;
select retained, active from stage where sent > 1;
select complete from rewards.post();
select retained, active from stage where sent > 1;
-- what is taken back: a day of b less, and of a none that was needed; then it was there again on that day
select count(rewards.reverse_usage(u.id, 'a test')) from rewards.usage_logs u where u.created_at < '2025-03-03' and u.user_id in ('a', 'b');
select active, onboarded from stage where sent > 1;
select complete from rewards.post();
select active, onboarded from stage where sent > 1;
select pg_temp.same();
select count(*) as differences from rewards.verify();
select pg_temp.use('b', 1) > 0 as again;
select active from stage where sent > 1;
select complete from rewards.post();
select active from stage where sent > 1;
select * from influence;
-- said while nothing is left to post, of somebody whose edge is not folded
select rewards.complete_onboarding('d');
select rewards.complete_onboarding('f');
select referrer from rewards.referral_signup('ana', 'f', at => '2025-03-03');
select joined, onboarded from stage where sent > 1;
select pg_temp.same();
select count(*) as differences from rewards.verify();
select complete from rewards.post();
select joined, onboarded from stage where sent > 1;
select count(*) as told from rewards.onboarding;
-- of somebody whose edge is folded, and nothing else to post
select rewards.complete_onboarding('e');
select joined, onboarded from stage where sent > 1;
select complete from rewards.post();
select joined, onboarded from stage where sent > 1;
select count(*) as told from rewards.onboarding;
-- an edge of somebody who has been there before
select count(pg_temp.use('g', d)) from generate_series(0, 50, 10) d;
select complete from rewards.post();
select referrer from rewards.referral_signup('ana', 'g', at => '2025-03-03');
select joined, onboarded, active, retained from stage where sent > 1;
select * from influence;
select complete from rewards.post();
select joined, onboarded, active, retained from stage where sent > 1;
select * from influence;
-- when other numbers count
select rewards.set_setting('active_days', '4') is not null as active_days;
select active from stage where sent > 1;
select rewards.set_setting('active_days', '1') is not null as active_days;
select active from stage where sent > 1;
select pg_temp.same();
select count(*) as differences from rewards.verify();
-- damaged, found, and made anew
create temp table kept_size as table rewards.network_size;
create temp table kept_month as table rewards.edge_month;
create temp table kept_stage as table rewards.referee_stage;
create function pg_temp.repaired() returns boolean language sql as $$
	select rewards.repair('a test');
	select not exists ((table rewards.network_size except all table kept_size) union all (table kept_size except all table rewards.network_size))
		and not exists ((table rewards.edge_month except all table kept_month) union all (table kept_month except all table rewards.edge_month))
		and not exists ((table rewards.referee_stage except all table kept_stage) union all (table kept_stage except all table rewards.referee_stage)) $$;
begin; update rewards.network_size set value = value + 1 where account = 1; select part, subject, detail from rewards.verify(); select pg_temp.repaired(); rollback;
begin; update rewards.edge_month set active = active + 1; select part, expected, found, detail from rewards.verify(); select pg_temp.repaired(); rollback;
begin; delete from rewards.referee_stage where retained; select part, count(*) from rewards.verify() group by 1 order by 1; select pg_temp.repaired(); rollback;
begin; update rewards.referee_stage s set active = false from rewards.account a where a.id = s.account and a.name = 'a'; select part, subject, expected, found, detail from rewards.verify() where part = 'referee_stage'; select pg_temp.repaired(); rollback;
-- who comes back after a month is retained first, and active later
select rewards.set_setting('active_days', '3') is not null as active_days;
select referrer from rewards.referral_signup('ana', 'h', at => '2025-03-01 12:00Z');
create temp view stage_of_h as
select s.onboarded, s.active, s.retained from rewards.referee_stage s join rewards.account a on a.id = s.account where a.name = 'h';
select pg_temp.use('h', 40) > 0 as again;
select complete from rewards.post();
table stage_of_h;
select pg_temp.use('h', 41) > 0 as again;
select complete from rewards.post();
table stage_of_h;
select pg_temp.use('h', 42) > 0 as again;
select complete from rewards.post();
table stage_of_h;
select pg_temp.same();
select count(*) as differences from rewards.verify();
