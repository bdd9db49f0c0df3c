-- An event is rewarded by what was valid when it happened and known when it was
-- recorded: late ones as if on time, changes with an earlier date for rows to come,
-- stored rows never again.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
prepare event(text, timestamptz) as
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, created_at)
values ('u', 'p', '/v1/chat/completions', $1, 1000, $2) returning tier, provider_points, user_points, creator_earnings;

-- a rule: recorded now, valid since February, and one planned
execute event('mixtral', '2025-03-01 12:00Z');
select rewards.set_tier('open_ocean', 70, 8, 22, 'Open Ocean', '2025-02-01 00:00Z') is not null as set;
select rewards.set_tier('open_ocean', 7000, 8, 22, 'Open Ocean', '2999-01-01 00:00Z') is not null as planned;
execute event('mixtral', '2025-01-31 23:59:59.999999Z');
execute event('mixtral', '2025-02-01 00:00Z');
execute event('mixtral', now());
execute event('mixtral', '2999-01-01 00:00Z');
execute event('mixtral', '0001-01-01 12:00Z');
-- one valid_from, two records: the later recorded counts; so a planned change is taken back
select rewards.set_tier('open_ocean', 71, 8, 22, 'Open Ocean', '2025-02-01 00:00Z') is not null as set;
execute event('mixtral', '2025-02-01 00:00Z');
select rewards.set_tier('open_ocean', 71, 8, 22, 'Open Ocean', '2999-01-01 00:00Z') is not null as taken_back;
execute event('mixtral', '2999-01-01 00:00Z');
-- NULL ends a rule from a date on: no share, no pattern, no service
select rewards.set_user_share(null, '2025-05-01 00:00Z') is not null as ended;
select rewards.set_model_pattern(30, null, null, valid_from => '2025-06-01 00:00Z') is not null as ended;
select rewards.set_model_pattern(20, null, null, valid_from => '2025-06-01 00:00Z') is not null as ended;
execute event('mixtral', '2025-04-30 23:59Z');
execute event('mixtral', '2025-05-01 00:00Z');
execute event('mixtral', '2025-06-01 00:00Z');
-- a tier that has ended gives nothing
select rewards.set_tier('open_ocean', null, valid_from => '2025-07-01 00:00Z') is not null as ended;
execute event('mixtral-8x7b', '2025-06-30 12:00Z');
execute event('mixtral-8x7b', '2025-07-01 12:00Z');

-- the stored rows stay as they are
select created_at at time zone 'UTC' as at, provider_points from rewards.usage_logs where model = 'mixtral' and created_at not between '2026-01-01' and '2900-01-01' order by id;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
deallocate event;
