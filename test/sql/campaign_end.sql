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
