-- R12: no limit on what referrals earn; what was earned is kept when a referee stops,
-- and nothing more comes from that referee.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
-- no bonus that comes with posting
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as ended;
select rewards.register_account('star', joined_at => '2025-01-01');
select count((rewards.referral_signup('star', 'fan_' || i, 'user', '2025-01-01')).referrer) as edges from generate_series(1, 1000) i;
-- many referees, many requests
insert into rewards.usage_logs (user_id, endpoint, model, created_at)
select 'fan_' || i, '/chat/completions', 'llama-3-70b', '2025-01-15 12:00Z' from generate_series(1, 1000) i, generate_series(1, 5);
select month, referral_points, bonus_points, total_points from rewards.user_points where user_id = 'star' order by month;
-- one referee with requests of 900 million points each: a sum beyond what one share may be
select rewards.set_service('big', '/big', 9000000000, valid_from => '-infinity') is not null as set;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'fan_1', '/big', '2025-02-15 12:00Z' from generate_series(1, 100);
select month, referral_points from rewards.user_points where user_id = 'star' order by month;
select complete from rewards.post();
select month, referral_points from rewards.user_points where user_id = 'star' order by month;

-- fan_2 stops; fan_3 goes on. A month later all that came from both is there, and only fan_3's share grows
insert into rewards.usage_logs (user_id, endpoint, model, created_at) values ('fan_3', '/chat/completions', 'llama-3-70b', '2025-03-15 12:00Z');
create temp view shares as
select u.user_id as referee, count(*) as requests, sum(s.amount) as points, max(u.created_at at time zone 'UTC') as last
from rewards.usage_logs u cross join lateral rewards.shares_of(u.id) s
where s.account = 'star' and s.entry = 'referral' and u.user_id in ('fan_2', 'fan_3') group by 1 order by 1;
table shares;
select day, own_points, referral_points from rewards.daily_points where account = 'star' and day >= '2025-03-01' order by 1;
-- failed requests of who has stopped bring nothing, nor does revoking the code take anything back
insert into rewards.usage_logs (user_id, endpoint, model, status_code, created_at) values ('fan_2', '/chat/completions', 'llama-3-70b', 401, '2025-03-16 12:00Z');
select rewards.revoke_code('star', 'left the programme') as voided;
table shares;
select complete from rewards.post();
select sum(referral_points) as referral, sum(total_points) as total from rewards.user_points where user_id = 'star';
select count(*) as differences from rewards.verify();
