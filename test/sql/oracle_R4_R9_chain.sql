-- R4: three levels at 20/10/5 %, of both kinds. R9: A->B->C->D: of B's points A gets
-- 20 %; of C's B 20, A 10; of D's C 20, B 10, A 5. R8: minted on top, the earner
-- keeps all; no share of a share. R19: depth and rates are data.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select kind, level, rate from rewards.referral_rates order by 1, 2;

-- A -> B -> C -> D -> E, of each kind
select k, rewards.referral_code('A', k) is not null as code from unnest('{user,provider}'::text[]) k;
select k, (rewards.referral_signup(a.name, b.name, k)).referrer
from unnest('{user,provider}'::text[]) k, (values ('A', 'B'), ('B', 'C'), ('C', 'D'), ('D', 'E')) e(a, b),
	lateral (select a) a(name), lateral (select b) b(name) order by k, a.name;

-- everybody earns once: provider points 15, user points 1.5
insert into rewards.usage_logs (user_id, provider_id, endpoint, model)
select n, n, '/chat/completions', 'llama-3-70b' from unnest('{A,B,C,D,E}'::text[]) n order by n;

-- who gets what from whose row
select u.user_id as earner, s.account as gets, s.level, s.amount, round(s.amount / u.user_points * 100, 2) as percent
from rewards.usage_logs u cross join lateral rewards.shares_of(u.id) s
where s.kind = 'user' and s.entry in ('usage', 'referral') order by 1, 3;
select u.provider_id as earner, s.account as gets, s.level, s.amount, round(s.amount / u.provider_points * 100, 2) as percent
from rewards.usage_logs u cross join lateral rewards.shares_of(u.id) s
where s.kind = 'provider' and s.entry in ('work', 'referral') order by 1, 3;
select user_id, usage_points, referral_points from rewards.user_points order by 1;
select provider_id, work_points, referral_points from rewards.provider_rewards order by 1;
select kind, account, level, points, events from rewards.referral_points_by_level order by 1, 2, 3;

-- R19: four levels for users, none for providers
select rewards.set_referral_rates('user', '{0.5,0.25,0.125,0.0625}') is not null as set;
select rewards.set_referral_rates('provider', '{}') is not null as set;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('E', 'E', '/chat/completions', 'llama-3-70b');
select kind, account, entry, level, amount from rewards.shares_of((select max(id) from rewards.usage_logs)) order by kind, level;
