-- What the day came to.

\pset footer off
\pset null ''
select date_trunc('month', min(created_at) at time zone 'UTC')::date as month,
	   (min(created_at) at time zone 'UTC')::date as day,
	   to_char(min(created_at) at time zone 'UTC', 'FMMonth YYYY') as title
from demo.request \gset

\echo '\nLeading providers,' :title
select l.rank, l.account as provider_id, r.work_points, r.referral_points, r.bonus_points, l.points, r.requests, r.tokens
from rewards.leaderboard_top('provider', :'month', 10) l
join rewards.provider_rewards r on r.provider_id = l.account and r.month = :'month' order by l.rank, l.account;

\echo 'Leading users,' :title
select l.rank, l.account as user_id, u.usage_points, u.referral_points, u.bonus_points, l.points, u.requests, u.tokens
from rewards.leaderboard_top('user', :'month', 10) l
join rewards.user_points u on u.user_id = l.account and u.month = :'month' order by l.rank, l.account;

\echo 'Leading referrers,' :title
select * from rewards.leaderboard_top('referrer', :'month', 5);

select user_id as member from rewards.user_points
where month = :'month' and usage_points > 0 order by referral_points desc, user_id limit 1 \gset
\echo 'Where' :member 'stands among the users'
select * from rewards.leaderboard_around(:'member', 'user', :'month', 2);

\echo 'The first lines of the day on the statement of' :member
select * from rewards.statement(:'member', 'user', :'day', :'day'::date + 1) limit 10;

select id as usage_id, user_id || ' asked ' || provider_id || ' for ' || output_tokens || ' tokens of ' || model as request
from rewards.usage_logs as u
order by (select count(*) from rewards.shares(u.distribution)) desc, (u.creator_earnings > 0) desc, id limit 1 \gset
\echo 'One request, share by share:' :request
select * from rewards.explain_reward(:usage_id);

select creator_id as creator from rewards.model_creator_earnings
group by creator_id order by sum(total_earnings) desc, creator_id limit 1 \gset
\echo 'What the models of' :creator 'earned'
\pset format unaligned
\t on
select jsonb_pretty(rewards.model_earnings(:'creator'));
\t off
\pset format aligned
\echo

-- So far every figure was the folded totals, none yet, plus the rows not folded;
-- now they are folded.
\echo 'Folding the day into totals'
select * from rewards.post();

-- What somebody did for the first or the fiftieth time is seen while it is folded.
\echo 'Bonuses that came due with it: a service tried, the fiftieth request of somebody brought along'
select entry, count(distinct account) as users, count(*) as bonuses, sum(amount) as points
from rewards.ledger where source = 'journal' and entry <> 'signup_bonus' group by entry order by entry;

\echo 'Leading users with their bonuses,' :title
select l.rank, l.account as user_id, u.usage_points, u.referral_points, u.bonus_points, l.points
from rewards.leaderboard_top('user', :'month', 5) l
join rewards.user_points u on u.user_id = l.account and u.month = :'month' order by l.rank, l.account;

select account as winner from rewards.ledger
where source = 'journal' and entry <> 'signup_bonus' group by account order by sum(amount) desc, account limit 1 \gset
\echo 'The bonuses of' :winner
select min(created_at) as first, entry, level, count(*) as bonuses, sum(amount) as points
from rewards.ledger where source = 'journal' and account = :'winner' group by entry, level order by entry, level;

\echo 'From here on the worker posts by itself'
select rewards.start_worker();
select pg_sleep(2) \g /dev/null

\echo 'The state of things'
\x on
select * from rewards.status;
\x off

create table demo.verdict as select * from rewards.verify();
select count(*) as wrong, count(*) = 0 as clean from demo.verdict \gset
\if :clean
	\echo 'verify(): 0 rows, every figure follows from the rows and rules.'
\else
	\echo 'verify() found' :wrong 'rows that are wrong:'
	table demo.verdict limit 50;
\endif
