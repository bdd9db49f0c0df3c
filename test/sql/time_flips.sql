-- Rules, edges, owners, multipliers and campaigns change at known instants, some of the
-- changes dated back, ahead, or cancelled; events of just before, at and just after each
-- instant are recorded between the changes, in no order. Each row is rewarded by what was
-- valid at its created_at and recorded before it, and rerate() books what has come to
-- be due since, once.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone = 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;
select rewards.referral_code('ann', custom => 'ANN'), rewards.register_account('bob', joined_at => '2024-01-01');

-- what is changed, in the order in which it is recorded, as the truth is told from
create temp table change (step integer, what text, value text, valid_from timestamptz, valid_until timestamptz default 'infinity');
insert into change values
	(0, 'share', '0.1', '-infinity', 'infinity'),
	(1, 'share', '0.2', '2025-03-01', 'infinity'),
	(2, 'edge', 'ann', '2025-03-10', 'infinity'),
	(3, 'owner', 'xena', '-infinity', 'infinity'),
	(4, 'owner', 'yara', '2025-03-20', 'infinity'),
	(5, 'multiplier', '2', '-infinity', 'infinity'),
	(6, 'multiplier', '3', '2025-04-01', 'infinity'),
	(7, 'share', '0.3', '2025-02-01', 'infinity'),
	(8, 'campaign', '1.5', '2025-03-15', '2025-03-25'),
	(9, 'share', '0.5', '2025-05-01', 'infinity'),
	(10, 'share', '0.2', '2025-05-01', 'infinity'),
	(11, 'multiplier', '1', '2025-03-18', 'infinity');
create temp table event (id bigint, step integer, created_at timestamptz);
prepare record(integer) as
with row as (
	insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at)
	select 'bob', 'gpu', '/v1/chat/completions', 'm-7b', 100, 50, i.at
	from (select distinct c.valid_from + o * interval '1 microsecond' as at
		from (select valid_from from change union select valid_until from change) c, generate_series(-1, 1) o
		where isfinite(c.valid_from)) i
	order by md5(i.at::text || $1)
	returning id, created_at
)
insert into event select id, $1, created_at from row;

execute record(0);
select rewards.set_user_share(0.2, '2025-03-01') is not null as step;
execute record(1);
select referrer, bonus from rewards.referral_signup('ANN', 'bob', at => '2025-03-10');
execute record(2);
select rewards.set_model_owner('m-7b', 'xena') is not null as step;
execute record(3);
select rewards.set_model_owner('m-7b', 'yara', '2025-03-20') is not null as step;
select complete from rewards.post();
execute record(4);
select rewards.set_multiplier('bob', 'user', 2) is not null as step;
execute record(5);
select rewards.set_multiplier('bob', 'user', 3, '2025-04-01') is not null as step;
execute record(6);
select rewards.set_user_share(0.3, '2025-02-01') is not null as step;
execute record(7);
select rewards.start_campaign('spring', 1.5, '2025-03-15', '2025-03-25', 'user') is not null as step;
execute record(8);
select rewards.set_user_share(0.5, '2025-05-01') is not null as planned;
select complete from rewards.post();
execute record(9);
select rewards.set_user_share(0.2, '2025-05-01') is not null as cancelled;
execute record(10);
select rewards.set_multiplier('bob', 'user', null, '2025-03-18') is not null as ended;
execute record(11);

-- what is due for an event by the changes up to a step
create function pg_temp.in_force(of text, at timestamptz, upto integer) returns text language sql as $$
	select case when at < c.valid_until then c.value end from change c
	where c.what = of and c.step <= upto and c.valid_from <= at
	order by c.valid_from desc, c.step desc limit 1
$$;
create function pg_temp.due(at timestamptz, upto integer, out usage numeric, out referral numeric, out owner text, out earnings numeric) language sql as $$
	select p.points, case when pg_temp.in_force('edge', at, upto) is not null then round(p.points * 0.2, 9) else 0 end,
		pg_temp.in_force('owner', at, upto), case when pg_temp.in_force('owner', at, upto) is not null then 150 * 0.0001 else 0 end
	from (select round(3 * pg_temp.in_force('share', at, upto)::numeric * coalesce(pg_temp.in_force('multiplier', at, upto)::numeric, 1)
		* coalesce(pg_temp.in_force('campaign', at, upto)::numeric, 1), 9) as points) p
$$;
select count(*) as rows, count(distinct u.user_points) as different_points,
	count(*) filter (where u.user_points <> d.usage) as wrong_points,
	count(*) filter (where u.creator_earnings <> d.earnings) as wrong_earnings,
	count(*) filter (where coalesce((select s.amount from rewards.shares_of(u.id) s where s.account = 'ann' and s.entry = 'referral'), 0) <> d.referral) as wrong_shares,
	count(*) filter (where (select s.account from rewards.shares_of(u.id) s where s.entry = 'creator') is distinct from d.owner) as wrong_owners
from event e join rewards.usage_logs u on u.id = e.id cross join lateral pg_temp.due(e.created_at, e.step) d;
select count(*) as differences from rewards.verify();

-- rerate: each row by all that is known now
create temp table expected as
select e.id, l.kind, l.account, l.entry, l.booked, l.now_due
from event e
cross join lateral pg_temp.due(e.created_at, e.step) b
cross join lateral pg_temp.due(e.created_at, 99) n
cross join lateral (values
	('user', 'bob', 'usage', b.usage, n.usage),
	('user', 'ann', 'referral', b.referral, n.referral),
	('user', 'xena', 'creator', case b.owner when 'xena' then b.earnings else 0 end, case n.owner when 'xena' then n.earnings else 0 end),
	('user', 'yara', 'creator', case b.owner when 'yara' then b.earnings else 0 end, case n.owner when 'yara' then n.earnings else 0 end))
	l(kind, account, entry, booked, now_due)
where l.booked <> l.now_due;
select count(*) > 100 as many from expected;
create temp table found as select * from rewards.rerate('2025-01-01', '2026-01-01', 'a dry run');
select count(*) as missing from (select * from expected except select usage_id, kind, account, entry, booked, now_due from found) m;
select count(*) as too_many from (select usage_id, kind, account, entry, booked, now_due from found except select * from expected) m;
select count(*) as booked from rewards.journal where event = 'rerate';
select count(*) = (select count(*) from expected) as all from rewards.rerate('2025-01-01', '2026-01-01', 'rates agreed in May', dry_run => false);
select count(*) as again from rewards.rerate('2025-01-01', '2026-01-01', 'again', dry_run => false);
select complete from rewards.post();
select count(*) as again from rewards.rerate('2025-01-01', '2026-01-01', 'again');
select l.account, sum(l.amount) = x.due as equal
from rewards.ledger l
join (
	select account, sum(due) as due
	from (
		select 'bob' as account, n.usage as due from event e cross join lateral pg_temp.due(e.created_at, 99) n
		union all select 'ann', n.referral from event e cross join lateral pg_temp.due(e.created_at, 99) n
		union all select n.owner, n.earnings from event e cross join lateral pg_temp.due(e.created_at, 99) n) d
	group by account) x on x.account = l.account
where l.entry not like '%bonus'
group by l.account, x.due order by 1;
select count(*) as differences from rewards.verify();
deallocate record;
