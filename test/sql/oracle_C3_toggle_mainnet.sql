-- C3: toggle_mainnet() both ways, effective-dated, planned and cancelled; a row costs by
-- what was in force at its created_at and recorded when it came; points do not notice.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.is_mainnet(), rewards.is_mainnet('2025-03-01') as in_march, rewards.is_mainnet('infinity') as ever;
select count(*) as prices from (values ('tts', 2), ('embeddings', 1)) p(key, price), lateral rewards.set_pricing(p.key, p.price, 'request', 'admin', '2025-01-01');
-- a dearer tts from 15 March on
select price_per_unit from rewards.set_pricing('tts', 3, 'request', 'admin', '2025-03-15');
-- on for March, off again, on for a planned day
select rewards.toggle_mainnet(true, 'admin', '2025-03-01'), rewards.toggle_mainnet(false, 'admin', '2025-04-01'), rewards.toggle_mainnet(true, 'admin', '2999-01-01');
select at, rewards.is_mainnet(at) from unnest('{2025-02-28 23:59:59.999999,2025-03-01,2025-03-31 23:59:59.999999,2025-04-01,2998-12-31 23:59,2999-01-01}'::timestamptz[]) at;
select rewards.is_mainnet();

prepare use(timestamptz) as insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('ben', 'gpu', '/tts', $1)
returning created_at, cost, user_points, provider_points;
execute use('2025-02-28 23:59:59.999999');
execute use('2025-03-01');
execute use('2025-03-14 23:59:59.999999');
execute use('2025-03-15');
execute use('2025-03-31 23:59:59.999999');
execute use('2025-04-01');
execute use('2999-01-01');
-- 2 + 2 + 3 + 3, and 3 of a row dated ahead
select rewards.credits('ben');
select cost from rewards.quote('/tts', null, 0, 0, at => '2025-03-20') union all select cost from rewards.quote('/tts', null, 0, 0, at => '2025-04-20');

-- recorded later for an earlier time: rows to come, not those stored
select rewards.toggle_mainnet(true, 'admin', '2025-02-01');
select rewards.toggle_mainnet(false, 'admin', '2025-03-01');
execute use('2025-02-28 23:59:59.999999');
execute use('2025-03-01');
select created_at::date as day, cost from rewards.usage_logs order by id;
-- the planned one cancelled by another of its time
select rewards.toggle_mainnet(false, 'admin', '2999-01-01');
execute use('2999-01-01');
-- now, both ways
select rewards.toggle_mainnet(true, 'admin');
select rewards.is_mainnet();
insert into rewards.usage_logs (user_id, endpoint) values ('ben', '/tts') returning cost;
select rewards.toggle_mainnet(false, 'admin');
select rewards.is_mainnet();
insert into rewards.usage_logs (user_id, endpoint) values ('ben', '/tts') returning cost;
-- 2 for February and 3 for the one of now are new
select rewards.credits('ben');
select * from rewards.verify();
select complete from rewards.post();
select rewards.credits('ben');
select * from rewards.verify();
select key, value, valid_from, updated_by from rewards.rules where rule = 'mainnet' and isfinite(valid_from) and valid_from <= '2025-04-01' order by recorded_at;
select rewards.toggle_mainnet(null);
select rewards.toggle_mainnet(true, null);
select rewards.toggle_mainnet(true, 'admin', null);
select rewards.is_mainnet(null);
