-- A row whose partition is gone, detached and dropped as an administrator would, cannot be
-- reversed: 55000; what it brought stays in the totals, and rows of other partitions go on.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.init_pricing('mainnet', 'admin', '2025-01-01') as prices;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
begin
	execute call;
	return 'done';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' | ', sqlstate, regexp_replace(sqlerrm, '\d+', 'N'), hint);
end $$;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('ben', 'gpu', '/tts', '2025-01-10'), ('ben', 'gpu', '/tts', '2025-01-10');
select max(id) as old from rewards.usage_logs \gset
-- arrival goes on in the next partition
select setval('rewards.usage_number', (select upto from rewards.usage_partition order by first limit 1)) is not null as moved;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('ben', 'gpu', '/tts', '2025-02-10');
select max(id) as new from rewards.usage_logs \gset
select complete from rewards.post();
select * from rewards.verify();
do $$
declare
	gone bigint := (select min(first) from rewards.usage_partition);
begin
	execute format('alter table rewards.usage_logs detach partition rewards.usage_logs_%s', gone);
	execute format('drop table rewards.usage_logs_%s', gone);
	delete from rewards.usage_partition where first = gone;
end $$;
select count(*) as rows from rewards.usage_logs;
select pg_temp.outcome(format('select rewards.reverse_usage(%s, ''late'')', :old));
select pg_temp.outcome('select rewards.reverse_usage(0, ''never was'')');
select pg_temp.outcome(format('select rewards.reverse_usage(%s, ''not yet'')', :new + 1000));
-- the totals stay
select month, work_points, requests from rewards.provider_rewards order by 1;
select rewards.credits('ben');
select rewards.reverse_usage(:new, 'a mistake') is not null as reversed;
select pg_temp.outcome(format('select rewards.reverse_usage(%s, ''again'')', :new));
select complete from rewards.post();
select month, work_points, requests from rewards.provider_rewards order by 1;
select rewards.credits('ben');
-- history of credits goes back from what there is, so what is left of it is right
select type, amount, balance_after from rewards.credit_transactions order by id;
