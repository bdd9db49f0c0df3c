-- leaderboard_around(): n on either side and the account between them, fewer at the
-- ends of the board; ranks as on the whole board, also where the list begins or ends
-- within a tie; no line for who has no rank. Not posted, in part, posted.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.set_service('one', '/one', 1, valid_from => '2020-01-01 00:00Z') is not null as one;
select rewards.register_account('up', joined_at => '2024-01-01 00:00Z'), rewards.register_account('up', 'provider', joined_at => '2024-01-01 00:00Z');
select count(rewards.register_account(name, joined_at => '2024-01-01 00:00Z')) from unnest('{g,c,a,e}'::text[]) name;
select count(*) from unnest('{c,g}'::text[]) name, rewards.referral_signup('up', name, 'user', '2024-12-01 00:00Z');
select count(*) from unnest('{c,g}'::text[]) name, rewards.referral_signup('up', name, 'provider', '2024-12-01 00:00Z');
/* a 4; b c d e 3; f g 2; h 1 */
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at)
select name, name, '/one', '2025-01-10 00:00Z'
from (values ('h', 1), ('g', 2), ('f', 2), ('e', 3), ('d', 3), ('c', 3), ('b', 3), ('a', 4)) u(name, requests), generate_series(1, requests) i;

create function pg_temp.picture() returns table (what text, place bigint, line rewards.board_place) language sql stable as $$
	select concat_ws(' ', b, m, a, n, k), t.ordinality, row(t.rank, t.kind, t.account, t.points)::rewards.board_place
	from unnest('{provider,user,referrer}'::text[]) b, unnest('{all,2025-01,2025-02}'::text[]) m, unnest('{a,b,c,d,e,f,g,h,up,nobody}'::text[]) a,
		unnest('{0,1,2,3,7,100}'::integer[]) n, unnest('{user,provider,NULL}'::text[]) k,
		rewards.leaderboard_around(a, b, m, n, k) with ordinality t
$$;
create temp table nothing_posted as select * from pg_temp.picture();
select events from rewards.post(9);
create temp table part_posted as select * from pg_temp.picture();
select complete from rewards.post();
create temp table all_posted as select * from pg_temp.picture();
select count(*) as lines, (select count(*) from part_posted) as part, (select count(*) from all_posted) as whole from nothing_posted;
select * from (table nothing_posted except table part_posted) d order by 1, 2;
select * from (table nothing_posted except table all_posted) d order by 1, 2;

-- what they say
select * from rewards.leaderboard_around('d', 'user', '2025-01', 1);
select * from rewards.leaderboard_around('d', 'user', '2025-01', 3);
select n, string_agg(account || ' ' || rank, ', ' order by ordinality) as top from unnest('{0,1,2,7,8,9,100000}'::integer[]) n, rewards.leaderboard_around('a', 'user', '2025-01', n) with ordinality group by n order by n;
select n, string_agg(account || ' ' || rank, ', ' order by ordinality) as bottom from unnest('{0,1,2,7,8,9,100000}'::integer[]) n, rewards.leaderboard_around('h', 'user', '2025-01', n) with ordinality group by n order by n;
select a, string_agg(account || ' ' || rank, ', ' order by ordinality) as two from unnest('{a,b,c,d,e,f,g,h}'::text[]) a, rewards.leaderboard_around(a, 'user', '2025-01', 2) with ordinality group by a order by a;
-- five by default; month and kind
select count(*) from rewards.leaderboard_around('d', 'user', 'all');
select count(*) from rewards.leaderboard_around('a', 'user', 'all');
select count(*) from rewards.leaderboard_around('a', 'user');
select count(*), min(kind) from rewards.leaderboard_around('d', 'provider', date '2025-01-20');
select count(*) from rewards.leaderboard_around('d', 'provider', null::date, 1);
select count(*) from rewards.leaderboard_around('d', 'provider', date '2025-01-20', 1, 'user');
select * from rewards.leaderboard_around('up', 'referrer', '2025-01');
select * from rewards.leaderboard_around('up', 'referrer', '2025-01', 0, 'provider');
select count(*) from rewards.leaderboard_around('nobody', 'user', 'all');

-- new ones beside and between, one of them the account itself; a neighbour moves away
insert into rewards.usage_logs (user_id, endpoint, created_at)
select name, '/one', '2025-01-10 00:00Z' from unnest('{cc,cc,cc,g,i}'::text[]) name;
select * from rewards.leaderboard_around('cc', 'user', '2025-01', 2);
select * from rewards.leaderboard_around('g', 'user', '2025-01', 1);
select * from rewards.leaderboard_around('f', 'user', '2025-01', 1);
select * from rewards.leaderboard_around('i', 'user', '2025-01', 2);
insert into rewards.journal (created_at, unit, distribution, actor)
select '2025-01-20 12:00Z', 1, format('[{"account": %s, "entry": "adjustment", "amount": -0.3}]', a.id)::rewards.distribution, 'test'
from rewards.account a where a.kind = 'user' and a.name in ('c', 'e');
select * from rewards.leaderboard_around('cc', 'user', '2025-01', 2);
select count(*) from rewards.leaderboard_around('c', 'user', '2025-01', 2);
create temp table before as select * from pg_temp.picture();
select complete from rewards.post();
select * from rewards.leaderboard_around('cc', 'user', '2025-01', 2);
select count(*) as lines, (select count(*) from pg_temp.picture()) as posted from before;
select * from (table before except select * from pg_temp.picture()) d order by 1, 2;
select count(*) as differences from rewards.verify();
