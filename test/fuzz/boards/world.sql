/* What a world is made of: names, chains, models; and what happens in it. */

\ir ../truth/tools.sql

/* ---- accounts: one name in three is both a user's and a provider's ---- */

create table truth.who as
select kind, i, concat((array['a', 'A', 'ab', 'Z', 'é', 'ﬀ', '😀', '_', '~', 'a b', '0'])[1 + truth.roll('name', i, 11)],
	substr(md5(concat(:seed, i, case when i % 3 > 0 then kind end)), 1, 1 + truth.roll('length', i, 8)), i) collate "C" as name
from unnest('{user,provider}'::text[]) kind, generate_series(1, 2600) i;
create unique index on truth.who (kind, i);

create function truth.name(kind text, i integer) returns text language sql stable
	return (select w.name from truth.who w where w.kind = name.kind and w.i = name.i);

select rewards.set_setting('time_zone', (array['UTC', 'Asia/Kolkata', 'America/New_York', 'Pacific/Auckland'])[1 + :seed % 4]);
/* few distinct amounts: most ranks are to be ties */
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity');
/* of three in four the first rows will be by name alone; the others are known, in random order */
select count(rewards.register_account(w.name, w.kind, joined_at => '2024-01-01')) from (
	select * from truth.who where i % 4 = 0 order by truth.dice('order', i), kind) w;
/* chains: many earn referral points, one account in each kind a great deal of them */
select count(*) from (
	select e.kind, e.name, coalesce(r.name, f.name) as referrer
	from truth.who e
	join truth.who f on f.kind = e.kind and f.i = 4
	left join truth.who r on r.kind = e.kind and r.i = e.i - 4 * (1 + truth.roll('referrer', e.i, 30)) and r.i > 0
	where e.i % 4 = 0 and e.i > 4 and truth.dice('referred', e.i) < 0.9
	order by e.kind, e.i
) e, rewards.referral_signup(e.referrer, e.name, e.kind, '2024-06-01 12:00Z') s;
select count(rewards.register_model('model' || i, owner => truth.name('user', i), rate => 0.001, valid_from => '-infinity')) from generate_series(1, 700) i;

select rewards.set_service('s' || p, '/s' || p, p, valid_from => '2020-01-01') from unnest('{1,2,3,5}'::integer[]) p;

/* ---- usage ---- */

create function truth.instant(n bigint) returns timestamptz language sql immutable
	return case truth.roll('when', n, 10)
		/* by a month's end: of some zone, to the microsecond */
		when 0 then timestamptz '2024-12-31 00:00Z' + truth.roll('hours', n, 48) * interval '30 minutes' - truth.roll('just', n, 2) * interval '1 microsecond'
		when 1 then timestamptz '2025-01-31 00:00Z' + truth.roll('hours', n, 48) * interval '30 minutes' - truth.roll('just', n, 2) * interval '1 microsecond'
		when 2 then timestamptz '2025-02-15 00:00Z'
		when 3 then (array['0001-01-05', '9999-12-05', '2020-02-29'])[1 + truth.roll('far', n, 3)]::timestamptz
		else timestamptz '2025-01-15 00:00Z'
	end;

/* some rows for each step; the earlier steps know fewer accounts, so there are always newcomers */
create procedure truth.use(step integer, count integer, rolled_back boolean default false) language plpgsql as $$
begin
	if rolled_back then
		/* numbers that nobody uses */
		begin
			insert into rewards.usage_logs (user_id, endpoint) select 'never', '/s1' from generate_series(1, 7);
			raise division_by_zero;
		exception when division_by_zero then
			null;
		end;
	end if;
	insert into rewards.usage_logs (user_id, provider_id, endpoint, model, status_code, input_tokens, created_at)
	select u.name, case when truth.dice('provider?', e.n) < 0.9 then p.name end,
		'/s' || (array[1, 1, 1, 1, 2, 2, 3, 5])[1 + truth.roll('service', e.n, 8)],
		case when truth.dice('model?', e.n) < 0.5 then 'model' || 1 + truth.roll('model', e.n, 720) end,
		case when truth.dice('failed', e.n) < 0.05 then 500 else 200 end,
		10 * (1 + truth.roll('tokens', e.n, 3)), truth.instant(e.n)
	from (
		select n, 1 + floor(known * truth.dice('user', n) ^ 1.2)::integer as user, 1 + floor(known * truth.dice('provider', n) ^ 1.2)::integer as provider
		from (select step * 1000000 + g as n, least(2600, 400 + step * 800) as known from generate_series(1, count) g) e
	) e
	join truth.who u on u.kind = 'user' and u.i = e.user
	join truth.who p on p.kind = 'provider' and p.i = e.provider
	order by e.n;
end
$$;

/* ---- corrections: up, down, to zero and below, of all kinds of movement ---- */

create procedure truth.book(at timestamptz, unit integer, account bigint, entry text, amount numeric) language sql as $$
	insert into rewards.journal (created_at, unit, distribution, actor)
	values (at, unit, format('[{"account": %s, "entry": %s, "amount": %s}]', account, to_json(entry), amount)::rewards.distribution, 'fuzz')
$$;

create procedure truth.correct(step integer, count integer) language plpgsql as $$
declare
	c record;
begin
	for c in
		select a.id, e.n, e.entry
		from (select n, (array['adjustment', 'adjustment', 'adjustment', 'referral', 'referral', 'reversal', 'milestone_bonus', 'payout', 'stake', 'creator'])[1 + truth.roll('entry', n, 10)] as entry
			from (select step * 1000000 + g as n from generate_series(1, count) g) g) e
		join lateral (select a.id from rewards.account a where a.id >= truth.roll('corrected', e.n, (select max(id) from rewards.account)::integer) order by a.id limit 1) a on true
		order by e.n
	loop
		call truth.book(truth.instant(c.n), case when c.entry = 'creator' or truth.dice('unit', c.n) < 0.15 then 2 when truth.dice('unit', c.n) < 0.2 then 3 else 1 end,
			c.id, c.entry, (array[-0.1, -0.1, -1, -3, 0, 0.1, 0.2, 1, -0.000000001, 1000000])[1 + truth.roll('correction', c.n, 10)]);
	end loop;
end
$$;

/* takes back what half of all accounts have on each board, all of it and now and then more */
create procedure truth.forfeit(step integer) language plpgsql as $$
begin
	insert into rewards.journal (created_at, unit, distribution, actor)
	select t.month + time '12:00', t.unit, jsonb_agg(jsonb_build_object('account', t.account, 'entry', t.entry, 'level', t.level,
		'amount', -t.amount - case when truth.roll('more', t.account, 5) = 0 then 0.1 else 0 end))::text::rewards.distribution, 'fuzz'
	from (
		select account, month, unit, rewards.entry_name(entry) as entry, level, amount from rewards.month_total where unit in (1, 2) and amount > 0
	) t
	where truth.dice('forfeit', t.account) < 0.9
	group by t.month, t.unit, t.account / 50;
end
$$;

/* gives most accounts what lacks to one of so many values of all time, of few mostly to one */
create procedure truth.level_out(step integer, levels integer) language plpgsql as $$
begin
	insert into rewards.journal (created_at, unit, distribution, actor)
	select timestamptz '2025-02-15 00:00Z', 1, jsonb_agg(jsonb_build_object('account', a.id, 'entry', 'adjustment', 'amount',
		case when levels < 6 then (array[5.5, 7, 7.000000001, 6, 6, 6])[1 + truth.roll('level', a.id, 6)] else 5 + 0.25 * truth.roll('level', a.id, levels) end - coalesce(s.points, 0)))::text::rewards.distribution, 'fuzz'
	from rewards.account a left join rewards.score s on s.account = a.id and s.month = 'infinity' and s.board = case a.kind when 'provider' then 1 else 2 end
	where truth.dice('left out', a.id) < 0.9
	group by a.id / 50;
	insert into rewards.journal (created_at, unit, distribution, actor)
	select timestamptz '2025-01-15 00:00Z', 1, jsonb_agg(jsonb_build_object('account', a.id, 'entry', 'referral', 'level', 1, 'amount', 0.25 * (1 + truth.roll('up', a.id, 3))))::text::rewards.distribution, 'fuzz'
	from rewards.account a where truth.dice('referral', a.id) < 0.7
	group by a.id / 50;
end
$$;
