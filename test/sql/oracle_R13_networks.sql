-- R13: the guide's two networks: 5 -> 15 -> 30 developers at 15/8/4 % and
-- 3 -> 6 -> 6 providers at 10/5/2.5 %, 50 and 15 accounts below the one at the top.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install('cxmpute_guide') is not null as installed;

-- level n's account i is below level n-1's account i modulo its number
select rewards.referral_code('top', kind) from unnest('{user,provider}'::text[]) kind;
create temp table network as
select kind, level, format('%s_%s', level, i) as name,
	case level when 1 then 'top' else format('%s_%s', level - 1, (i - 1) % parents + 1) end as parent
from (values ('user', 1, 5, 1), ('user', 2, 15, 5), ('user', 3, 30, 15),
	('provider', 1, 3, 1), ('provider', 2, 6, 3), ('provider', 3, 6, 6)) n(kind, level, members, parents), generate_series(1, members) i;
do $$
declare
	n record;
begin
	for n in select * from network order by level, name loop
		perform rewards.referral_signup(n.parent, n.name, n.kind);
	end loop;
end $$;
select kind, count(*) from rewards.referral_relationships group by 1 order by 1;

-- every developer uses 1000 tokens in one chat (2 points); every provider serves one (3 points)
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens)
select name, '/chat/completions', 'llama-3-8b', 1000 from network where kind = 'user';
insert into rewards.usage_logs (user_id, provider_id, endpoint, model)
select 'customer', name, '/chat/completions', 'llama-3-8b' from network where kind = 'provider';

-- 15 % of 5 x 2, 8 % of 15 x 2, 4 % of 30 x 2; 10 % of 3 x 3, 5 % of 6 x 3, 2.5 % of 6 x 3
select kind, level, points, events from rewards.referral_points_by_level where account = 'top' order by 1, 2;
select kind, s.referral_points, s.bonus_points, s.referees
from unnest('{user,provider}'::text[]) kind, rewards.account_summary('top', kind, 'all') s order by 1;
-- everybody keeps all of the own points
select count(*), sum(usage_points) from rewards.user_points where usage_points > 0 and user_id <> 'customer';
select count(*), sum(work_points) from rewards.provider_rewards where work_points > 0;
select complete from rewards.post();
select kind, level, points, events from rewards.referral_points_by_level where account = 'top' order by 1, 2;
select count(*) as differences from rewards.verify();
