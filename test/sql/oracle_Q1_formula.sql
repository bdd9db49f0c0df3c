-- Q1: recency_v1 is the given formula, to the digit: the same computed step by step over random histories.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install('vobee') is not null as installed, rewards.set_setting('quality_method', 'recency_v1') is not null as method;
/* calculate_quality_score(referrals, days_active), as it is written */
create function pg_temp.calculate_quality_score(referrals timestamptz[], days_active integer) returns numeric language plpgsql as $$
declare
	score numeric := 0;
	total_weight integer := 0;
	referral timestamptz;
begin
	foreach referral in array coalesce(referrals, '{}') loop
		if referral > now() - make_interval(days => days_active) then
			score := score + 1 - extract(day from now() - referral) / days_active;
			total_weight := total_weight + 1;
		end if;
	end loop;
	return case when total_weight > 0 then least(score / total_weight, 1) else 0 end;
end $$;
begin;
select setseed(0.42) is not null;
select count(rewards.referral_code('r' || n, custom => 'CODE' || n)) from generate_series(1, 40) n;
select count(rewards.referral_signup('CODE' || r, 'r' || r || '/' || n, at => now() - random() * interval '45 days'))
from generate_series(1, 40) r, generate_series(1, (random() * 12)::integer) n;
commit;
begin;
create temp view both_ways as
select 'r' || n as account, q.quality_score,
	pg_temp.calculate_quality_score((select array_agg(a.referred_at) from rewards.account a where a.referrer = rewards.account_number('user', 'r' || n)), 30) as formula
from generate_series(1, 40) n cross join lateral rewards.referral_quality('r' || n) q;
select count(*) as referrers, count(*) filter (where quality_score = round(formula, 9)) as equal, count(distinct quality_score) > 30 as different from both_ways;
select rewards.set_setting('quality_days', '7') is not null;
commit;
begin;
select count(*) filter (where q.quality_score = round(pg_temp.calculate_quality_score((select array_agg(a.referred_at) from rewards.account a where a.referrer = rewards.account_number('user', 'r' || n)), 7), 9)) as equal
from generate_series(1, 40) n cross join lateral rewards.referral_quality('r' || n) q;
commit;
-- nobody referred: 0.0
select * from rewards.referral_quality('nobody');
