-- set_referral_kinds(): which kinds may refer which, by the rule in force at the edge's
-- time. A chain of users and providers is paid up by the earner's rates, whoever stands
-- in it, and counts for each account as what it is, posted or not.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
begin
	execute call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' ', sqlstate, sqlerrm, case when hint = '' then '(no hint)' end);
end $$;
-- no bonus that comes with posting
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as ended;
select rewards.register_account(a, 'user', joined_at => '2025-01-01'), rewards.register_account(a, 'provider', joined_at => '2025-01-01') from unnest('{both}'::text[]) a;
select rewards.register_account('u1'), rewards.register_account('p1', 'provider'), rewards.register_account('u0');
table rewards.referral_kinds;
select (select count(*) from rewards.rules where rule = 'referral_kinds') as rules;

-- arguments
select call, pg_temp.outcome('select rewards.set_referral_kinds(' || call || ')') from unnest(array[
	'null, ''user'', true', '''user'', null, true', '''creator'', ''user'', true', '''user'', ''x'', true', '''user'', ''user'', true, null', '''user'', ''user'', true, now(), null']) call;

-- the matrix: by default equal kinds; each of the four cells by itself
create function pg_temp.matrix() returns table (by_user text, by_provider text, joins text) language plpgsql as $$
declare
	kind text;
begin
	foreach kind in array '{user,provider}'::text[] loop
		joins := kind;
		begin
			by_user := pg_temp.outcome(format('select rewards.referral_signup(''u1'', ''new'', %L)', kind));
			raise exception using errcode = 'P0099';
		exception when sqlstate 'P0099' then
			null;
		end;
		begin
			by_provider := pg_temp.outcome(format('select rewards.referral_signup(''p1'', ''new'', %L)', kind));
			raise exception using errcode = 'P0099';
		exception when sqlstate 'P0099' then
			return next;
		end;
	end loop;
end $$;
select * from pg_temp.matrix();
select rewards.set_referral_kinds('user', 'provider', true) is not null as set;
select * from pg_temp.matrix();
select rewards.set_referral_kinds('user', 'user', false) is not null as set, rewards.set_referral_kinds('provider', 'user', true) is not null as set;
select * from pg_temp.matrix();
select referrer_kind, referee_kind, allowed, valid_from is not null as by_rule, updated_by = current_user as by_me from rewards.referral_kinds;
-- one id, two accounts: the one that may refer, then the one of the joiner's kind
begin;
select referrer, kind from rewards.referral_signup('both', 'x');
select referrer, kind from rewards.referral_signup('both', 'x', 'provider');
-- its namesake of the other kind is another account
select referrer, kind from rewards.referral_signup('both', 'both');
-- an owner that only a row names, of whom the other kind may not refer
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('seen', 'seen', '/tts'), ('also_seen', null, '/tts');
select referrer, kind from rewards.referral_signup('seen', 'y');
select referrer, kind from rewards.referral_signup('also_seen', 'y', 'provider');
rollback;
-- ended: as at first
select rewards.set_referral_kinds(r, j, null) is not null as ended from (values ('user', 'user'), ('provider', 'user'), ('user', 'provider')) k(r, j);
select * from pg_temp.matrix();
select call, updated_by = current_user as by_me, arguments - '{valid_from,versions}'::text[] as arguments, before, after from rewards.admin_log where call = 'set_referral_kinds' order by id;

-- the rule in force when the edge begins, not when it is recorded
select rewards.set_referral_kinds('user', 'provider', true, '2025-02-01') is not null as from_february, rewards.set_referral_kinds('user', 'provider', null, '2025-03-01') is not null as to_march,
	rewards.set_referral_kinds('provider', 'user', true, '2025-02-01') is not null as from_february, rewards.set_referral_kinds('provider', 'user', null, '2025-03-01') is not null as to_march;
select at, pg_temp.outcome(format('select rewards.referral_signup(''u1'', ''p1'', ''provider'', %L)', at)) from unnest('{2025-01-31,2025-03-01,2025-02-15}'::text[]) at;

-- u0 -> u1 -> p1 -> u2 -> p2, by ids and by made codes; the kind told is the referrer's, the bonus the joiner's
select referrer, kind, bonus from rewards.referral_signup('u0', 'u1', 'user', '2025-02-10');
select referrer, kind, bonus from rewards.referral_signup(rewards.referral_code('p1', 'provider'), 'u2', 'user', '2025-02-15');
select referrer, kind, bonus from rewards.referral_signup(lower(rewards.referral_code('u2')), 'p2', 'provider', '2025-02-15');
select kind, referee, referrer_kind, referrer from rewards.referral_relationships order by referee;
-- circles across kinds, of two and of five
select pg_temp.outcome('select rewards.referral_signup(''p2'', ''u2'', ''user'', ''2025-02-20'')') as referred, pg_temp.outcome('select rewards.referral_signup(''p2'', ''u0'', ''user'', ''2025-02-20'')') as circle_of_five,
	pg_temp.outcome('select rewards.referral_signup(''p1'', ''u0'', ''user'', ''2025-02-20'')') as circle_of_three;
select rewards.register_account('u9');
select (rewards.referral_signup('u9', 'p9', 'provider', '2025-02-15')).kind, pg_temp.outcome('select rewards.referral_signup(''p9'', ''u9'', ''user'', ''2025-02-15'')') as circle_of_two;

-- users' rates 20/10/5 % for u2's points, providers' 50/25/12.5 % for p2's, whoever stands in the chain
select rewards.set_referral_rates('provider', '{0.5,0.25,0.125}', '-infinity') is not null as set;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, created_at) values ('u2', 'p2', '/chat/completions', 'llama-3-70b', '2025-02-20 12:00Z');
create temp view figures as
select user_id as account, 'user' as kind, usage_points as own, referral_points, bonus_points, total_points from rewards.user_points where month = '2025-02-01'
union all select provider_id, 'provider', work_points, referral_points, bonus_points, total_points from rewards.provider_rewards where month = '2025-02-01' order by 2 desc, 1;
create temp view boards as
select board, string_agg(format('%s %s %s %s', rank, kind, account, points), ', ' order by rank, account) as places
from (select 'user' as board, * from rewards.leaderboard_top('user', '2025-02') union all select 'provider', * from rewards.leaderboard_top('provider', '2025-02')
	union all select 'referrer', * from rewards.leaderboard_top('referrer', '2025-02')) b group by 1 order by 1;
create temp view boards_by_sql as
select board, string_agg(format('%s %s %s %s', rank, kind, account, points), ', ' order by rank, account) as places
from rewards.leaderboard where month = '2025-02-01' group by 1 order by 1;
create temp view ranks as
select board, a.kind, account, r.rank, r.points, r.of from (values ('user', 'u1'), ('provider', 'u1'), ('provider', 'p1'), ('user', 'p1'), ('provider', 'p2')) v(board, account)
cross join lateral (select case left(account, 1) when 'u' then 'user' else 'provider' end as kind) a
cross join lateral rewards.leaderboard_rank(account, board, '2025-02') r;
select kind, account, entry, level, amount, rate, regexp_replace(rule, ' .rule \d+.', '') as rule from rewards.explain_reward((select max(id) from rewards.usage_logs)) where entry in ('work', 'usage', 'referral');
-- not posted
table figures;
table boards;
table ranks;
select b.board, b.places = s.places as as_in_sql from boards b join boards_by_sql s using (board);
select kind, account, level, points from rewards.referral_points_by_level where month = '2025-02-01' order by 1, 2, 3;
create temp table unposted as select 'figures' as what, to_jsonb(f) as line from figures f union all select 'boards', to_jsonb(b) from boards b union all select 'ranks', to_jsonb(r) from ranks r;
select count(*) as differences from rewards.verify();
-- posted: the same
select complete from rewards.post();
select count(*) as lines, count(*) filter (where exists (select from unposted u where (u.what, u.line) = (n.what, n.line))) as as_before
from (select 'figures' as what, to_jsonb(f) as line from figures f union all select 'boards', to_jsonb(b) from boards b union all select 'ranks', to_jsonb(r) from ranks r) n;
select s.board, a.kind, a.name, s.points from rewards.score s join rewards.account a on a.id = s.account where s.month = '2025-02-01' order by s.board, s.points desc, a.name;
select count(*) as differences from rewards.verify();
-- half posted: a tail on top
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, created_at) values ('u2', 'p2', '/chat/completions', 'llama-3-70b', '2025-02-21 12:00Z');
table figures;
table boards;
select b.board, b.places = s.places as as_in_sql from boards b join boards_by_sql s using (board);
select kind, account, (s).referral_points from (values ('user', 'u1'), ('user', 'u0'), ('provider', 'p1')) v(kind, account), lateral rewards.account_summary(account, kind, '2025-02') s;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
-- the rule ended long ago, its edges have not; made anew from the rows, all is the same
create temp table posted as select to_jsonb(f) as line from figures f union all select to_jsonb(b) from boards b;
select rewards.repair('test') as rows;
select count(*) as lines, count(p.line) as as_before from (select to_jsonb(f) as line from figures f union all select to_jsonb(b) from boards b) n left join posted p using (line);
select count(*) as differences from rewards.verify();
