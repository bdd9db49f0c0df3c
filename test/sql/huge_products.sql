-- Products of more digits than 128 bits hold are exact all the same, and rounded once:
-- points with all that multiplies them, beside numeric.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_tier('tide_pool', 8999999999.999999999) is not null as set, rewards.set_user_share(0.987654321) is not null as shared;
select rewards.start_campaign('a', 0.123456789, '2025-01-01', '2125-01-01') is not null as started, rewards.start_campaign('b', 0.987654321, '2025-01-01', '2125-01-01') is not null as started,
	rewards.start_campaign('c', 0.333333333, '2025-01-01', '2125-01-01') is not null as started, rewards.start_campaign('d', 0.999999999, '2025-01-01', '2125-01-01') is not null as started;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('u', 'p', '/chat/completions', 'x')
returning provider_points, provider_points = round(8999999999.999999999 * 0.123456789 * 0.987654321 * 0.333333333 * 0.999999999, 9) as exact,
	user_points, user_points = round(8999999999.999999999 * 0.987654321 * 0.123456789 * 0.987654321 * 0.333333333 * 0.999999999, 9) as exact;
-- what grows beyond 128 bits and comes back
select rewards.start_campaign('e', 999.999999999, '2025-01-01', '2125-01-01') is not null as started, rewards.start_campaign('f', 0.001000001, '2025-01-01', '2125-01-01') is not null as started;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('u', 'p', '/chat/completions', 'x')
returning provider_points, provider_points = round(8999999999.999999999 * 0.123456789 * 0.987654321 * 0.333333333 * 0.999999999 * 999.999999999 * 0.001000001, 9) as exact;
-- what does not come back is refused
select rewards.end_campaign('f') is not null as ended;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('u', 'p', '/chat/completions', 'x');
-- and next to nothing is nothing
select rewards.set_tier('tide_pool', 0.000000001) is not null as set, rewards.end_campaign('e') is not null as ended;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('u', 'p', '/chat/completions', 'x') returning provider_points, user_points;
select count(*) from rewards.verify();
