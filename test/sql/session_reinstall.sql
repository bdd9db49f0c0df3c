-- One session through uninstall(), drop, create and install() again: nothing that it
-- cached of the old tables is used on the new ones.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install('cxmpute_guide') is not null as installed;
create function pg_temp.use() returns table (points numeric, earned numeric, shares text) language plpgsql as $$
declare
	usage_id bigint;
begin
	perform rewards.register_model('m', owner => 'creator', tier => 'open_ocean');
	perform rewards.referral_signup(rewards.referral_code('up'), 'u');
	usage_id := rewards.track_usage('r', 'u', 'p', '/v1/chat/completions', 'm', 200, 10, 0, null, created_at => clock_timestamp());
	perform rewards.post();
	return query select u.user_points, u.creator_earnings, (select string_agg(s.account || ' ' || s.amount, ', ' order by s.account) from rewards.shares_of(usage_id) s)
		from rewards.usage_logs u where u.id = usage_id;
end $$;
prepare event as insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens) values ('u', 'p', '/v1/chat/completions', 'm', 10) returning user_points, creator_earnings;
prepare points as select user_id, total_points, requests from rewards.user_points order by 1;
select * from pg_temp.use();
execute event;
execute points;

select rewards.uninstall('drop all data');
\set VERBOSITY sqlstate
execute event;
execute points;
\set VERBOSITY terse
select rewards.install() is not null as installed;
-- other rules, no accounts, no model, no edge
execute event;
execute points;
select * from pg_temp.use();
execute points;
select count(*) as differences from rewards.verify();

-- rolled back, the old ones are there still
begin;
select rewards.uninstall('drop all data');
select rewards.install('cxmpute_guide') is not null as installed;
execute event;
rollback;
execute event;
select count(*) as differences from rewards.verify();

-- and the extension itself
select rewards.uninstall('drop all data');
drop extension rewards;
create extension rewards;
select rewards.install() is not null as installed;
execute event;
select * from pg_temp.use();
execute points;
select count(*) as differences from rewards.verify();
deallocate all;
