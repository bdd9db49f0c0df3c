-- N3, N4: what a user's and a provider's dashboard shows, in real time: points, network, rewards by level, thirty days of history.
\set VERBOSITY terse
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed, rewards.set_setting('code_policy', 'identity') is not null as identity;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet, rewards.set_bonus('signup', 'user', null, valid_from => '-infinity') is not null as quiet;
/* ann, below her bob, below him cat, below her dan and eve */
select rewards.register_account('ann');
select referrer from (values (1, 'ann', 'bob'), (2, 'bob', 'cat'), (3, 'cat', 'dan'), (4, 'cat', 'eve')) s(n, code, name) cross join lateral rewards.referral_signup(s.code, s.name);
insert into rewards.usage_logs (user_id, provider_id, endpoint) select u, 'p1', '/v1/audio/tts' from unnest('{ann,bob,cat,dan,eve}'::text[]) u;
create view pg_temp.answer as
select 'network' as what, rewards.referral_stats('ann') ->> 'network' as line
union all select 'rewards', rewards.referral_stats('ann') ->> 'rewards'
union all select 'earnings', rewards.referral_stats('ann') ->> 'earnings'
union all select 'levels', string_agg(format('%s: %s', l.level, l.points), ', ' order by l.level) from rewards.referral_points_by_level l where l.account = 'ann'
union all select 'summary', format('%s own, %s referral, %s in all, %s today', s.own_points, s.referral_points, s.total_points, s.today_points) from rewards.account_summary('ann') s
union all select 'provider', format('%s own, %s requests, %s today', s.own_points, s.requests, s.today_points) from rewards.account_summary('p1', 'provider') s
union all select 'history', format('%s days, %s in all, %s on the last', count(*), sum(h.total), (array_agg(h.total order by h.day desc))[1]) from rewards.earning_history('ann') h
union all select 'spark', rewards.spark('ann');
select * from pg_temp.answer order by what;
-- one more request shows at once
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('bob', 'p1', '/v1/audio/tts');
select * from pg_temp.answer where what in ('summary', 'provider', 'levels') order by what;
select complete from rewards.post();
select * from pg_temp.answer where what in ('summary', 'provider', 'levels') order by what;
