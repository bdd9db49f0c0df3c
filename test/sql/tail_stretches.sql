-- Numbers that are open still lie among others that are folded: what reads on from there
-- leaves those out, rows of usage and entries of the journal, for one account and for all.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.register_account('ana') as ana, rewards.register_account('ben') as ben;
create function pg_temp.use(account text) returns boolean language sql as $$
insert into rewards.usage_logs (user_id, endpoint, model) values (account, '/chat/completions', 'mixtral') returning true $$;
create view pg_temp.picture as
select 'balance' as what, x.account, x.unit || ' ' || b as found
from (values ('ana', 'points'), ('ana', 'credits'), ('ben', 'points')) x(account, unit), rewards.balance(x.account, 'user', x.unit) b
union all
select 'summary', x.account, (s.own_points, s.total_points, s.requests)::text
from (values ('ana'), ('ben')) x(account), rewards.account_summary(x.account, 'user', 'all') s
union all
select 'rank', x.account, r::text from (values ('ana'), ('ben')) x(account), rewards.leaderboard_rank(x.account, 'user', 'all') r
union all
select 'credits', 'ana', rewards.credits('ana')::text
union all
select 'points', user_id, total_points::text from rewards.user_points;

begin;
select pg_temp.use('ana');
prepare transaction 'tail_lower';
select pg_temp.use('ana'), rewards.adjust('ana', 'user', 5, 'between') > 0 as noted, rewards.add_credits('ana', 7) > 0 as added;
begin;
select pg_temp.use('ben');
prepare transaction 'tail_upper';
select complete from rewards.post();
select pg_temp.use('ana'), rewards.adjust('ben', 'user', 1, 'above') > 0 as noted;
commit prepared 'tail_lower';
commit prepared 'tail_upper';
select cardinality(open_first) as open from rewards.cursor;
create temp table before as table pg_temp.picture;
table before order by 1, 2, 3;
select complete from rewards.post();
select * from ((table before except table pg_temp.picture) union all (table pg_temp.picture except table before)) d order by 1, 2, 3;
select count(*) as differences from rewards.verify();
