-- R19: depth and rates of referral chains are data: none, one, three, 32 levels, each
-- kind for itself, from any time on; 33 are refused.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
begin
	execute call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' ', sqlstate, sqlerrm, case when hint = '' then '(no hint)' end);
end $$;
do $$
begin
	perform rewards.register_account('a0', kind) from unnest('{user,provider}'::text[]) kind;
	for i in 1 .. 40 loop
		perform rewards.referral_signup('a' || i - 1, 'a' || i, kind, '2025-01-01') from unnest('{user,provider}'::text[]) kind;
	end loop;
end $$;
create function pg_temp.paid(at timestamptz) returns table (kind text, levels bigint, shares text) language plpgsql as $$
declare
	number bigint := rewards.track_usage(null, 'a40', 'a40', '/chat/completions', 'llama-3-70b', 200, 0, 0, 0, created_at => at);
begin
	return query select s.kind, count(*) filter (where s.level > 0), left(string_agg(s.account || ' ' || s.amount, ', ' order by s.level), 60)
	from rewards.shares_of(number) s group by 1 order by 1;
end $$;

select * from pg_temp.paid('2025-01-02');
-- none for users, one for providers
select rewards.set_referral_rates('user', '{}', '2025-02-01') is not null as users, rewards.set_referral_rates('provider', '{0.5}', '2025-02-01') is not null as providers;
select * from pg_temp.paid('2025-02-02');
-- 32 for users; an ended rule for providers
select rewards.set_referral_rates('user', array(select 0.32 - 0.01 * (i - 1) from generate_series(1, 32) i), '2025-03-01') is not null as users, rewards.set_referral_rates('provider', null, '2025-03-01') is not null as providers;
select * from pg_temp.paid('2025-03-02');
select kind, account, level, amount from rewards.shares_of((select max(id) from rewards.usage_logs)) where level > 29 order by 3;
-- a level at 0 % gets nothing, and the next one its rate; 100 % is the most
select rewards.set_referral_rates('user', '{0,0.1,0,1}', '2025-04-01') is not null as users, rewards.set_referral_rates('provider', '{0.000000001}', '2025-04-01') is not null as providers;
select * from pg_temp.paid('2025-04-02');
-- what was valid when, also for a late event
select * from pg_temp.paid('2025-02-03');
select kind, level, rate from rewards.referral_rates order by 1, 2;

select rates, pg_temp.outcome(format('select rewards.set_referral_rates(''user'', %s)', rates)) from unnest(array[
	'array_fill(0.01, array[33])', 'array_fill(0.01, array[2, 2])', '''{-0.1}''', '''{1.000000001}''', '''{0.0000000001}''', '''{NaN}''', '''{Infinity}''', '''{0.1,null}''']) rates;
select pg_temp.outcome('select rewards.set_referral_rates(''creator'', ''{0.1}'')'), pg_temp.outcome('select rewards.set_referral_rates(null, ''{0.1}'')');
select complete from rewards.post();
select count(*) as differences from rewards.verify();
