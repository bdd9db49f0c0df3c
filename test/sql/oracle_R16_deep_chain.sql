-- R16: a chain of any depth is tracked, A -> B -> ... -> Z, though only as many levels
-- are paid as there are rates.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
do $$
begin
	perform rewards.register_account('A');
	for i in 1 .. 25 loop
		perform rewards.referral_signup(chr(64 + i), chr(65 + i));
	end loop;
end $$;
-- the whole chain stands in the view, from either end
with recursive up(level, account) as (
	select 0, 'Z' collate "C"
	union all select u.level + 1, r.referrer from up u join rewards.referral_relationships r on r.referee = u.account
) select max(level) as levels, string_agg(account, '' order by level) as chain from up;
with recursive down(level, account) as (
	select 0, 'A' collate "C"
	union all select d.level + 1, r.referee from down d join rewards.referral_relationships r on r.referrer = d.account
) select max(level) as levels, string_agg(account, '' order by level) as chain from down;
-- three rates: the nearest three are paid, wherever in the chain the earner stands
insert into rewards.usage_logs (user_id, endpoint, model) select a, '/chat/completions', 'llama-3-70b' from unnest('{Z,M,B}'::text[]) a;
select u.user_id, string_agg(s.account || ' ' || s.amount, ', ' order by s.level) as gets
from rewards.usage_logs u cross join lateral rewards.shares_of(u.id) s group by u.id, u.user_id order by u.id;
-- twenty-five: all of it
select rewards.set_referral_rates('user', array_fill(0.01, array[25])) is not null as set;
insert into rewards.usage_logs (user_id, endpoint, model) values ('Z', '/chat/completions', 'llama-3-70b');
select count(*) as shares, max(level) as levels, string_agg(account, '' order by level) as chain, sum(amount) filter (where entry = 'referral') as points from rewards.shares_of((select max(id) from rewards.usage_logs));
-- the ends stay two: no circle closes over the whole chain, and the top may still join another
select rewards.referral_signup('Z', 'A');
select (rewards.referral_signup(rewards.referral_code('root'), 'A')).referrer;
select rewards.referral_signup('Z', 'root');
insert into rewards.usage_logs (user_id, endpoint, model) values ('Z', '/chat/completions', 'llama-3-70b'), ('Y', '/chat/completions', 'llama-3-70b');
select u.user_id, count(*) as shares, (array_agg(s.account order by s.level desc))[1] as farthest from rewards.usage_logs u cross join lateral rewards.shares_of(u.id) s group by u.id, u.user_id order by u.id desc limit 2;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
