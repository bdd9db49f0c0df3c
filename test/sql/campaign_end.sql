-- A campaign can be ended up to the last microsecond that it runs, not at its end, and
-- not twice.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.refused(call text) returns text language plpgsql as $$
begin
	execute call;
	return 'not refused';
exception when others then
	return sqlstate || ': ' || sqlerrm;
end $$;
select rewards.start_campaign('spring', 2, '2025-03-01 00:00Z', '2025-04-01 00:00Z') is not null as started;
select pg_temp.refused($$select rewards.end_campaign('spring', '2025-04-01 00:00Z')$$);
select pg_temp.refused($$select rewards.end_campaign('spring', '2025-02-28 23:59:59.999999Z')$$);
select rewards.end_campaign('spring', '2025-03-31 23:59:59.999999Z') is not null as ended;
select pg_temp.refused($$select rewards.end_campaign('spring', '2025-03-31 23:59:59.999999Z')$$);
select name, since, until from rewards.campaigns;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at)
values ('u', 'p', '/tts', '2025-03-31 23:59:59.999998Z'), ('u', 'p', '/tts', '2025-03-31 23:59:59.999999Z')
returning created_at, provider_points, user_points;
select count(*) as differences from rewards.verify();
-- a cancelled campaign stands in nobody's way without anybody's knowing: one that would
-- run over the instant where another was cancelled is refused, one from there on is not
select rewards.start_campaign('winter', 2, '2099-12-01 00:00Z', '2100-01-01 00:00Z') is not null as planned;
select rewards.end_campaign('winter', '2099-12-01 00:00Z') is not null as cancelled;
select rewards.start_campaign('winter', 2, '2099-11-15 00:00Z', '2100-02-01 00:00Z');
select rewards.start_campaign('winter', 3, '2099-12-01 00:00Z', '2100-02-01 00:00Z') is not null as started;
select multiplier, since at time zone 'UTC' as since, until at time zone 'UTC' as until from rewards.campaigns where name = 'winter';
