-- Who asks for one account is given the rows that name it and no others: by its number,
-- whatever bytes that takes and whatever number it begins like, by its name, by both. A
-- row is taken apart rightly whichever of its columns are NULL and however long they are.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.init_pricing('mainnet') is not null as priced;
select rewards.register_model('m1', 'One', 'premium', owner => 'u300') is not null as owned;

-- numbers of one byte and of two, chains of three; p has the names of users, too
do $$ begin
	for n in 1..300 loop perform rewards.register_account('u' || n); end loop;
	for n in 1..40 loop perform rewards.register_account('u' || n, 'provider'); end loop;
	for n in 2..300 loop perform rewards.referral_signup('u' || (n + 2) / 3, 'u' || n); end loop;
end $$;
select min(id) < 128 and max(id) > 300 as both_lengths from rewards.account;
select events > 0 as posted from rewards.post();

-- each set of NULL columns, with texts of a byte, the longest with a head of one byte, and longer ones
insert into rewards.usage_logs (created_at, request_id, user_id, provider_id, endpoint, model, latency_ms, usage_type, status_code, input_tokens, output_tokens)
select timestamptz '2025-01-31 23:00Z' + n * interval '1 minute', case when n & 1 > 0 then n || repeat('r', l - 3) end,
	case n % 5 when 0 then 'new' || n % 7 when 1 then repeat('n', l) else 'u' || 1 + n * 7 % 300 end,
	case when n & 2 > 0 then 'u' || 1 + n % 50 end, repeat('/', l) || '/chat/completions',
	case when n & 4 > 0 then 'm1' end, case when n & 8 > 0 then n end, case when n & 16 > 0 then repeat('t', l) end,
	case when n % 9 = 0 then 500 else 200 end, n, 2 * n
from unnest('{3,126,127,200}'::integer[]) with ordinality x(l, o), lateral (select o * 100 + i from generate_series(0, 63) i) y(n);
insert into rewards.usage_logs (user_id, endpoint, model) values (repeat('7', 255), '/' || repeat(md5('x'), 63) || '/tts', repeat('m', 255));
-- entries of the journal are found by number
select rewards.add_credits('u' || n, n) is not null as credited from generate_series(130, 131) n;
select count(rewards.adjust('u' || n, 'user', -n, 'why not')) as adjusted from unnest('{1,2,129,256,257}'::integer[]) n;
select count(rewards.reverse_usage(u.id, 'wrong')) as reversed from (select id from rewards.usage_logs where status_code = 200 order by id limit 5) u;

create temp table asked as
select kind, name as account from rewards.account union select 'user', user_id from rewards.usage_logs
union select 'provider', provider_id from rewards.usage_logs where provider_id is not null union values ('user', 'nobody'), ('provider', 'u301');
create view pg_temp.whole as
select g.grain, coalesce(a.kind, t.kind) as kind, coalesce(a.name, t.account) as account, t.period, t.unit, t.entry, t.level,
	sum(t.amount) as amount, sum(t.events) as events, sum(t.tokens) as tokens
from unnest('{day,month}'::text[]) g(grain), rewards.tail_totals(g.grain) t left join rewards.account a on a.id = t.account_number
group by 1, 2, 3, 4, 5, 6, 7;
create view pg_temp.single as
select g.grain, q.kind, q.account, t.period, t.unit, t.entry, t.level, sum(t.amount) as amount, sum(t.events) as events, sum(t.tokens) as tokens
from unnest('{day,month}'::text[]) g(grain), asked q, rewards.tail_totals(g.grain, q.kind, q.account) t
group by 1, 2, 3, 4, 5, 6, 7;
create temp table lines as select * from pg_temp.single;
select count(*) > 250 as many, count(distinct account) > 100 as of_many, bool_or(amount < 0) as some_negative from lines;
select * from ((table pg_temp.whole except table lines) union all (table lines except table pg_temp.whole)) d order by 1, 2, 3 limit 5;

-- lines from a day on are of no day before
select count(*) filter (where l.period < '2025-02-02') as earlier, count(*) > 0 as some
from asked q, rewards.account_lines(q.account, q.kind, 'day', '2025-02-02') l;

-- the same by the rows themselves, in SQL
select * from (
	select w.kind, w.name, sum(s.amount)
	from rewards.usage_logs u cross join lateral rewards.shares(u.distribution) s left join rewards.account a on a.id = s.account_number
	cross join lateral (select coalesce(a.kind, case s.entry when 'work' then 'provider' else 'user' end),
		coalesce(a.name, case s.entry when 'work' then u.provider_id else u.user_id end)) w(kind, name)
	where s.entry <> 'creator' group by 1, 2
	except select kind, account, sum(amount) from lines where grain = 'day' and unit = 1 and abs(entry) <> 10 and entry > 0 group by 1, 2) d
order by 1, 2 limit 5;
select sum(u.cost) + sum(l.amount) as difference from (select sum(cost) as cost from rewards.usage_logs) u,
	(select sum(amount) as amount from lines where grain = 'month' and unit = 3 and entry = 2) l;

-- places and balances say the same before and after the rows are folded
create view pg_temp.picture as
select q.kind, q.account, m.month, b.board, (r.r).rank, (r.r).points, (r.r)."of"
from asked q, unnest('{all,2025-01,2025-02}'::text[]) m(month), unnest('{user,provider,creator,referrer}'::text[]) b(board),
	lateral (select rewards.leaderboard_rank(q.account, b.board, m.month, q.kind) offset 0) r(r);
create view pg_temp.balances as
select q.kind, q.account, u.unit, b.* from asked q, unnest('{points,earnings,credits}'::text[]) u(unit), rewards.balance(q.account, q.kind, u.unit) b;
create temp table places as select * from pg_temp.picture;
create temp table had as select * from pg_temp.balances;
select count(distinct board || month) as boards, count(rank) > 200 as many from places;
select complete from rewards.post();
select * from ((table pg_temp.picture except table places) union all (table places except table pg_temp.picture)) d order by 1, 2 limit 5;
select * from ((table pg_temp.balances except table had) union all (table had except table pg_temp.balances)) d order by 1, 2 limit 5;
select * from rewards.verify();

-- the head of a board, longer and shorter, while contenders stand in it and while none do
create function pg_temp.heads() returns table (n integer, same boolean) language sql stable as $$
select n, array(select t from rewards.leaderboard_top('user', 'all', n) t) is not distinct from
	array(select (l.rank, l.kind, l.account, l.points)::rewards.board_place from rewards.leaderboard l
		where l.board = 'user' and l.month is null order by l.points desc, l.account collate "C" limit n)
from unnest('{0,3,10,2,250,10000,5}'::integer[]) n
$$;
select * from pg_temp.heads();
select * from pg_temp.heads();
select rewards.set_status(t.account, 'user', 'banned', 'a test') is not null as banned from rewards.leaderboard_top('user', 'all', 2) t;
insert into rewards.usage_logs (user_id, endpoint, input_tokens) select account, '/chat/completions', 1000 from (
	select t.account, row_number() over () as n from rewards.leaderboard_top('user', 'all') t) t where n % 3 = 0;
select * from pg_temp.heads();
select events > 0 as posted from rewards.post();
select * from pg_temp.heads();
