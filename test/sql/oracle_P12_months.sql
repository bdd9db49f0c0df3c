-- P12: points of providers and users by month, asked for as '2025-01'; before
-- posting, after it, and half and half.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;

-- the last moment of one month, the first of the next, a leap day, a year's end
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at, output_tokens)
select 'months_u', 'months_p', '/v1/tts', t, 7
from unnest('{2024-02-29 12:00Z,2024-12-31 23:59:59.999999Z,2025-01-01 00:00Z,2025-01-31 23:59:59.999999Z,2025-02-01 00:00Z}'::timestamptz[]) t;

prepare provider as select month, work_points, total_points, requests, tokens from rewards.provider_rewards where provider_id = 'months_p' order by month;
prepare one as select own_points, total_points, lifetime_points, requests, tokens from rewards.account_summary('months_u', 'user', $1);
execute provider;
execute one('2025-01');
select complete from rewards.post();
execute provider;
execute one('2025-01');
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at, output_tokens)
values ('months_u', 'months_p', '/v1/tts', '2025-01-20 12:00Z', 7), ('months_u', 'months_p', '/v1/tts', '1999-07-01 12:00Z', 7);
execute provider;
execute one('2025-01');
execute one('2025-01-17');
execute one('all');
execute one('1999-07');
execute one('2000-01');
select usage_points from rewards.user_points where user_id = 'months_u' and month = rewards.month('2025-01');
deallocate provider;
deallocate one;
