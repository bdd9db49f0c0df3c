-- N8: traffic, providers, engagement, conversion, revenue: figures that can be checked by hand, in the programme's time.
\set VERBOSITY terse
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed, rewards.set_setting('time_zone', 'America/New_York') is not null as new_york, rewards.set_setting('code_policy', 'identity') is not null as identity;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet, rewards.set_bonus('signup', 'user', null, valid_from => '-infinity') is not null as quiet;
select count(*) > 0 as priced from rewards.init_pricing('mainnet', valid_from => '-infinity');
select rewards.set_pricing('tts', 2, 'request', valid_from => '-infinity') is not null as priced;
/* a week of March: 04:30 UTC is still the day before; on the 9th clocks go from 2 to 3 in the morning */
insert into rewards.usage_logs (user_id, provider_id, endpoint, status_code, input_tokens, latency_ms, created_at)
select u, 'p1', '/v1/audio/tts', s, 10, l, t
from (values ('ann', 200, 100, '2025-03-03 04:30Z'::timestamptz), ('bob', 200, 300, '2025-03-04 15:00Z'), ('ann', 200, 200, '2025-03-04 16:00Z'), ('ann', 500, 9000, '2025-03-04 16:10Z'),
	('cat', 200, 400, '2025-03-09 06:30Z'), ('cat', 200, 500, '2025-03-09 07:30Z'), ('ann', 200, null, '2025-03-10 12:00Z')) v(u, s, l, t);
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('bob', 'p2', '/v1/embeddings', '2025-04-20 12:00Z');
create view pg_temp.answer as
select 'usage_by_day' as view, v::text as line from rewards.usage_by_day v
union all select 'usage_by_hour', v::text from rewards.usage_by_hour v where dow = 0
union all select 'usage_by_service', v::text from rewards.usage_by_service v
union all select 'revenue_by_month', v::text from rewards.revenue_by_month v
union all select 'provider_performance', v::text from rewards.provider_performance v
union all select 'user_engagement', v::text from rewards.user_engagement v where day in ('2025-03-02', '2025-03-03', '2025-03-04', '2025-03-09', '2025-03-10', '2025-03-31', '2025-04-08', '2025-04-09', '2025-04-20')
union all select 'retention_cohorts', v::text from rewards.retention_cohorts v where week <= 2
union all select 'creator_trends', v::text from rewards.creator_trends v;
/* nothing is posted yet */
create temp table before as select * from pg_temp.answer;
select * from before order by view, line;
-- posted, it is the same
select complete from rewards.post();
select * from before except all select * from pg_temp.answer;
select * from pg_temp.answer except all select * from before;
-- what comes late is put in its place: somebody was there before; what is taken back is not there any more, but the user was
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('cat', '/v1/audio/tts', '2025-02-28 12:00Z');
select rewards.reverse_usage(id, 'a test') is not null as reversed from rewards.usage_logs where created_at = '2025-03-04 15:00Z';
truncate before;
insert into before select * from pg_temp.answer;
select * from before where view in ('usage_by_day', 'usage_by_hour', 'user_engagement', 'retention_cohorts', 'revenue_by_month') and line ~ '2025-0[23]|tts' order by view, line;
select complete from rewards.post();
select * from before except all select * from pg_temp.answer;
select * from rewards.verify();
-- revenue to come: nothing to tell from, then two days, then four full months of 20, 20, 30 and 40; today and this month do not count
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select count(*) > 0 as priced from rewards.init_pricing('mainnet', valid_from => '-infinity');
select rewards.set_pricing('tts', 10, 'request', valid_from => '-infinity') is not null as priced;
select * from rewards.revenue_projection;
insert into rewards.usage_logs (user_id, endpoint, created_at)
select 'ann', '/v1/audio/tts', (rewards.today() - d)::timestamp at time zone 'UTC' from generate_series(0, 2) d cross join generate_series(1, 2 * d);
/* 20 and 40 a day, on the average 30, with a deviation of the square root of 200 */
select count(*), min(expected - 30 * d.days), max(round(high - expected - 2 * sqrt(200 * d.days::numeric), 6)), min(method)
from rewards.revenue_projection p cross join lateral (select extract(day from p.month + interval '1 month - 1 day')::integer as days) d;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select count(*) > 0 as priced from rewards.init_pricing('mainnet', valid_from => '-infinity');
select rewards.set_pricing('tts', 10, 'request', valid_from => '-infinity') is not null as priced;
insert into rewards.usage_logs (user_id, endpoint, created_at)
select 'ann', '/v1/audio/tts', date_trunc('month', now()) - make_interval(months => 5 - m) + (n + case m when 1 then 0 else 3 end) * interval '1 hour' from generate_series(1, 4) m, generate_series(1, m) n;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('ann', '/v1/audio/tts', date_trunc('month', now()) - interval '4 months');
insert into rewards.usage_logs (user_id, endpoint) select 'ann', '/v1/audio/tts' from generate_series(1, 100);
select (extract(year from age(month, rewards.today())) * 12 + extract(month from age(month, date_trunc('month', rewards.today())::date)))::integer as ahead, low, expected, high, method from rewards.revenue_projection order by month;
