-- A session remembers folded scores between two ranks, and no longer than they hold:
-- not over a posting of its own, of its own transaction twice, rolled back, nor over
-- a repair or another install().
do $$ begin perform rewards.uninstall('drop all data'); perform rewards.install();
	perform rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity'); end $$;

-- each user asks once, so that all are contenders; what the calls say and what the rows say
create procedure pg_temp.ask() language sql as $$
insert into rewards.usage_logs (user_id, endpoint, model) select u, '/chat/completions', 'mixtral' from unnest('{ana,ben,ben,eva}'::text[]) u
$$;
create function pg_temp.agree() returns table (account text, rank bigint, points numeric, agrees boolean) language sql as $$
select t.account, r.rank, r.points, (r.rank, r.points) = (t.rank, t.points) and (r.rank, r.points) = (l.rank, l.points)
from rewards.leaderboard_top('user', 'all') t
cross join lateral rewards.leaderboard_rank(t.account, 'user', 'all') r
join (
	select s.account, rank() over (order by sum(s.amount) desc) as rank, sum(s.amount) as points
	from rewards.ledger s where s.kind = 'user' group by s.account) l on l.account = t.account
order by t.rank, t.account
$$;

call pg_temp.ask();
select * from pg_temp.agree();
select events from rewards.post();
call pg_temp.ask();
select * from pg_temp.agree();
select * from pg_temp.agree();
select events from rewards.post();
call pg_temp.ask();
select * from pg_temp.agree();

-- twice in one transaction, then rolled back
begin;
select events from rewards.post();
call pg_temp.ask();
select * from pg_temp.agree();
select events from rewards.post();
call pg_temp.ask();
select * from pg_temp.agree();
savepoint before;
select events from rewards.post();
call pg_temp.ask();
select * from pg_temp.agree();
rollback to before;
select * from pg_temp.agree();
rollback;
select * from pg_temp.agree();
select events from rewards.post();
call pg_temp.ask();
select * from pg_temp.agree();

-- scores that were damaged and repaired
select events from rewards.post();
update rewards.score set points = 100 where name = 'ana';
call pg_temp.ask();
select account, points from rewards.leaderboard_top('user', 'all');
select rewards.repair('ana had too much');
select * from pg_temp.agree();

-- other tables altogether
do $$ begin perform rewards.uninstall('drop all data'); perform rewards.install();
	perform rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity'); end $$;
call pg_temp.ask();
select * from pg_temp.agree();
