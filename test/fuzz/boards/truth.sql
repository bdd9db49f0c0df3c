/* The boards as plain SQL makes them of the rows, and what is compared with them. */

/* one line a share that is on record, whether posting has seen it or not */
create view truth.share as
select coalesce(a.kind, case s.entry when 'work' then 'provider' else 'user' end) as kind,
	coalesce(a.name, case s.entry when 'work' then u.provider_id else u.user_id end) collate "C" as account,
	case s.entry when 'creator' then 2 else 1 end as unit, s.entry, s.amount, u.created_at
from rewards.usage_logs u cross join lateral rewards.shares(u.distribution) s
left join rewards.account a on a.id = s.account_number
union all
select a.kind, a.name, j.unit, s.entry, s.amount, j.created_at
from rewards.journal j cross join lateral rewards.shares(j.distribution) s
join rewards.account a on a.id = s.account_number;

create table truth.place (board text, month date, label text, kind text, account text collate "C", points numeric, rank bigint, place bigint, "of" bigint);
create index on truth.place (board, label, place);
create index on truth.place (board, label, kind, account);
create table truth.ladder (stage text, most bigint, fewer boolean);

create procedure truth.recompute() language plpgsql as $$
begin
	truncate truth.place;
	insert into truth.place
	with line as (
		select b.board, m.month, s.kind, s.account, s.amount
		from truth.share s
		cross join lateral (
			select s.kind where s.unit = 1 and s.entry not in ('payout', 'stake')
			union all select 'creator' where s.unit = 2 and s.kind = 'user' and s.entry not in ('payout', 'stake')
			union all select 'referrer' where s.unit = 1 and s.entry = 'referral'
		) b(board)
		cross join lateral (values (date_trunc('month', s.created_at at time zone (select value from rewards.settings where name = 'time_zone'))::date), (null)) m(month)
	), score as (
		select board, month, kind, account, sum(amount) as points from line group by 1, 2, 3, 4 having sum(amount) > 0
	)
	select s.board, s.month, coalesce(to_char(s.month, 'YYYY-MM'), 'all'), s.kind, s.account, s.points,
		rank() over (partition by s.board, s.month order by s.points desc),
		/* one name's two accounts on the board of referrers: the older first */
		row_number() over (partition by s.board, s.month order by s.points desc, s.account, a.id),
		count(*) over (partition by s.board, s.month)
	from score s left join rewards.account a on a.kind = s.kind and a.name = s.account;
	analyze truth.place;
end
$$;

/*
 * A stage: the complete view; by call some boards, fewer where a long tail is read
 * each time: everyone's rank on one of them and a sample of the others', tops and
 * neighbourhoods of all sizes; the buckets; verify().
 */
create procedure truth.compare(stage text, everyone boolean default false, boards integer default 5) language plpgsql as $$
declare
	stage_number integer := (select count(*) from truth.ladder);
	begun timestamptz := clock_timestamp();
begin
	call truth.recompute();
	call truth.same(stage || ': view leaderboard',
		'select board, month, rank, kind, account, points from truth.place',
		'select board, month, rank, kind, account, points from rewards.leaderboard');

	/* the boards to ask for: all time, the two full months, one other or one without anybody */
	create temp table chosen on commit drop as
	select board, label, stage_number * 100 + row_number() over (order by board, label) as n, row_number() over (order by truth.dice(board || label, stage_number)) as place,
		(select count(*) from truth.place p where p.board = b.board and p.label = m.label) as members
	from unnest('{provider,user,creator,referrer}'::text[]) b(board),
		unnest(array['all', '2025-01', (array['2024-12', '2025-02', '2020-02', '9999-12', '0001-01', '1999-01', '2025-03'])[1 + truth.roll('month', stage_number, 7)]]) m(label)
	order by place limit boards;

	/* tops: of random sizes, all, one more than all, and cut within a tie */
	create temp table top on commit drop as
	select c.*, t.size from chosen c cross join lateral (
		select 0 as size union select 1 union select members union select members + 1 union select truth.roll('top', n, 1 + members::integer)
		union (select p.place from truth.place p where p.board = c.board and p.label = c.label and p.place > p.rank order by truth.dice('cut', p.place) limit 1)
	) t;
	call truth.same(stage || ': leaderboard_top()',
		'select t.board, t.label, t.size, p.rank, p.kind, p.account, p.points, p.place
			from top t join truth.place p on p.board = t.board and p.label = t.label and p.place <= t.size',
		'select t.board, t.label, t.size, p.rank, p.kind, p.account, p.points, p.ordinality
			from top t cross join lateral rewards.leaderboard_top(t.board, t.label, t.size::integer) with ordinality p');

	/* ranks: of everyone on one board and a sample of the others; of those with nothing, of the other kind, of nobody */
	create temp table asked on commit drop as
	select c.board, c.label, c.members, w.kind, w.name
	from chosen c
	join truth.who w on (c.board = 'referrer' or w.kind = case c.board when 'provider' then 'provider' else 'user' end or truth.dice('other kind', w.i) < 0.05)
		and truth.dice('asked', w.i * 1000 + c.n) < case when not everyone then 0.003 when c.place = 1 then 1 else 0.02 end
	union all select board, label, members, 'user', 'nobody' from chosen
	union all
	/* the first, the last, and who stands where a bucket begins */
	select c.board, c.label, c.members, p.kind, p.account
	from chosen c join truth.place p on p.board = c.board and p.label = c.label
	where p.place in (1, p."of") or truth.dice('edge', p.place) < 0.01 and exists (
		select from rewards.score_bucket b where b.lowest = p.points and b.month = coalesce(p.month, 'infinity')
			and b.board = array_position(array['provider', 'user', 'creator', 'referrer'], p.board));
	call truth.same(stage || ': leaderboard_rank()',
		'select a.board, a.label, a.kind, a.name, p.rank, coalesce(p.points, 0) > 0, p.points, a.members
			from asked a left join truth.place p on p.board = a.board and p.label = a.label and p.kind = a.kind and p.account = a.name',
		'select a.board, a.label, a.kind, a.name, r.rank, r.points > 0, case when r.points > 0 then r.points end, r."of"
			from asked a cross join lateral rewards.leaderboard_rank(a.name, a.board, a.label, a.kind) r');

	/* neighbourhoods */
	create temp table middle on commit drop as
	select c.board, c.label, p.kind, p.account, p.place, m.size
	from chosen c
	cross join lateral (
		select p.*, truth.dice('middle', c.n * 100000 + p.place) as dice from truth.place p where p.board = c.board and p.label = c.label
			and (p.place in (1, p."of") or truth.dice('middle', c.n * 100000 + p.place) < 3.0 / p."of")
	) p
	cross join lateral (values (truth.roll('small', c.n * 100000 + p.place, 4)), (truth.roll('large', c.n * 100000 + p.place, 700))) m(size);
	call truth.same(stage || ': leaderboard_around()',
		'select m.board, m.label, m.kind as of_kind, m.account as of_account, m.size, p.rank, p.kind, p.account, p.points, p.place
			from middle m join truth.place p on p.board = m.board and p.label = m.label and p.place between m.place - m.size and m.place + m.size',
		'select m.board, m.label, m.kind as of_kind, m.account as of_account, m.size, p.rank, p.kind, p.account, p.points, greatest(m.place - m.size, 1) - 1 + p.ordinality
			from middle m cross join lateral rewards.leaderboard_around(m.account, m.board, m.label, m.size, m.kind) with ordinality p');
	perform truth.demand(stage || ': who has no place has no neighbours', array(
		select format('%s %s %s %s: %s', a.board, a.label, a.kind, a.name, p)
		from (select * from asked a where not exists (select from truth.place p where p.board = a.board and p.label = a.label and p.kind = a.kind and p.account = a.name)
			order by truth.dice(a.name, stage_number) limit 20) a
		cross join lateral rewards.leaderboard_around(a.name, a.board, a.label, 2, a.kind) p));

	/* buckets: from 0 up, all positive scores counted, none too full but of one value, not far too many */
	perform truth.demand(stage || ': buckets', array(
		select b::text from (
			select s.board, s.month, s.scores, b.accounts, b.first, b.buckets, b.fullest
			from (select board, month, count(*) filter (where points > 0) as scores from rewards.score group by 1, 2) s
			full join (
				select board, month, sum(accounts) as accounts, min(lowest) as first, count(*) as buckets, max(accounts) filter (where not single) as fullest
				from (select b.*, lead(lowest) over (partition by board, month order by lowest) is not distinct from lowest + 0.000000001 as single from rewards.score_bucket b) b
				group by 1, 2
			) b on b.board = s.board and b.month = s.month
			where s.scores is distinct from b.accounts or b.first <> 0 or b.fullest > 256 or b.buckets > 16 + 4 * (s.scores / 128)
		) b));
	insert into truth.ladder
	select stage, n.most, n.most < (select l.most from truth.ladder l order by ctid desc limit 1)
	from (select coalesce(max(buckets), 0) as most from (select count(*) as buckets from rewards.score_bucket group by board, month) b) n;
	perform truth.demand(stage || ': verify()', array(select v::text from rewards.verify() v limit 10));
	raise notice '%: % places, % buckets, % ms', stage, (select count(*) from truth.place), (select most from truth.ladder order by ctid desc limit 1),
		(extract(epoch from clock_timestamp() - begun) * 1000)::integer;
	drop table chosen, top, asked, middle;
end
$$;
