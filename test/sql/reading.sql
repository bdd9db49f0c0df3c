-- The reading calls and views, exact at any time: the same figures before posting,
-- with part of the rows posted, and with all of them; zeros for who is unknown.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.register_model('m1', 'One', 'premium', owner => 'creator', character_id => 'emma');
select rewards.register_account('u0', joined_at => '2024-01-01 00:00Z'), rewards.register_account('p0', 'provider', joined_at => '2024-01-01 00:00Z');
select referrer from rewards.referral_signup('u0', 'u1', 'user', '2025-01-01 00:00Z');
select referrer from rewards.referral_signup('u1', 'u2', 'user', '2025-01-02 00:00Z');
select referrer from rewards.referral_signup('p0', 'p1', 'provider', '2025-01-01 00:00Z');
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at, status_code)
select 'u' || i % 4, case when i % 5 <> 0 then 'p' || i % 3 end, (array['/chat/completions', '/tts', '/scrape', '/chat'])[i % 4 + 1],
	(array['m1', 'mixtral', null])[i % 3 + 1], i, i * 2, timestamptz '2025-01-03 00:00Z' + i * interval '31 hours', case when i % 11 = 0 then 500 else 200 end
from generate_series(1, 40) i;

create function pg_temp.picture() returns table (what text, line jsonb) language sql stable as $$
	select 'provider_rewards', to_jsonb(v) from rewards.provider_rewards v
	union all select 'user_points', to_jsonb(v) from rewards.user_points v
	union all select 'referral_points_by_level', to_jsonb(v) from rewards.referral_points_by_level v
	union all select 'daily_points', to_jsonb(v) from rewards.daily_points v
	union all select 'ledger', to_jsonb(v) from rewards.ledger v
	union all select 'model_creator_earnings', to_jsonb(v) from rewards.model_creator_earnings v
	union all select 'model_usage_logs', to_jsonb(v) from rewards.model_usage_logs v
	/*
	 * the time of joining of an account not registered by hand is that of its first row
	 * seen; who is onboarded is known as far as posted
	 */
	union all select 'accounts', to_jsonb(v) - 'joined_at' - 'onboarded_at' from rewards.accounts v
	union all select 'summary ' || k || n || coalesce(m, ''), to_jsonb(s) - 'joined_at' from unnest('{user,provider}'::text[]) k,
		unnest('{u0,u1,u2,u3,p0,p1,p2,creator}'::text[]) n, unnest('{all,2025-01,2025-02,NULL}'::text[]) m, rewards.account_summary(n, k, m) s
	union all select 'statement ' || k || n, to_jsonb(s) from unnest('{user,provider}'::text[]) k, unnest('{u0,u1,u2,p0,p1,creator}'::text[]) n, rewards.statement(n, k) s
	union all select 'balance ' || k || n || u, to_jsonb(b) from unnest('{user,provider}'::text[]) k, unnest('{u0,u1,p0,p1,creator}'::text[]) n,
		unnest('{points,earnings}'::text[]) u, rewards.balance(n, k, u) b
	union all select 'history ' || n, to_jsonb(h) from unnest('{u0,u1}'::text[]) n, rewards.earning_history(n, 'user', 3) h
	union all select 'model_earnings', rewards.model_earnings('creator')
$$;
create temp table nothing_posted as select what, line::text from pg_temp.picture();
select events, complete from rewards.post(10);
create temp table part_posted as select what, line::text from pg_temp.picture();
select backlog > 0 as more from rewards.status;
select complete from rewards.post();
create temp table all_posted as select what, line::text from pg_temp.picture();
select backlog, lag from rewards.status;
select (select count(*) from nothing_posted) = (select count(*) from part_posted) as part, (select count(*) from nothing_posted) = (select count(*) from all_posted) as whole;
select * from (table nothing_posted except table part_posted) d order by 1, 2;
select * from (table nothing_posted except table all_posted) d order by 1, 2;

-- what they say
select what, count(*) from nothing_posted group by 1 having count(*) > 2 order by 1;
select * from rewards.provider_rewards order by 1, 2;
select * from rewards.user_points order by 1, 2;
select * from rewards.referral_points_by_level order by 1, 2, 3, 4;
select kind, account, own_points, referral_points, bonus_points, total_points, requests, tokens from rewards.daily_points where day between '2025-01-10' and '2025-01-12' order by 1, 2, day;
select source, kind, account, entry, level, amount, unit, created_at at time zone 'UTC' as at, recorded_at is null as by_id, reason from rewards.ledger
where created_at < '2025-01-06' order by source, source_id, kind, entry, level;
select own_points, referral_points, bonus_points, total_points, creator_earnings, requests, tokens, today_points, lifetime_points, referrer, referees, code, last_active_at at time zone 'UTC' as active
from rewards.account_summary('u1', 'user', '2025-01');
-- the month as text, as an ISO date, as a date; the current one; all time
select (select total_points from rewards.account_summary('u1', 'user', '2025-01-20')) as iso, (select total_points from rewards.account_summary('u1', 'user', date '2025-01-20')) as date,
	(select total_points from rewards.account_summary('u1', month => '2025-02')) as named, (select total_points from rewards.account_summary('u1')) as now,
	(select total_points from rewards.account_summary('u1', 'user', null)) as also_now, (select total_points from rewards.account_summary('u1', 'user', null::date)) as all_by_date,
	(select total_points from rewards.account_summary('u1', 'user', 'all')) as all_time;
select * from rewards.statement('u0', 'user', '2025-01-01', '2025-01-09');
-- the running balance goes on from what was before
select sum(amount) = (select earned from rewards.balance('u0')) as adds_up, bool_and(level is not null) as levels from rewards.statement('u0') where unit = 'points';
select (array_agg(balance order by day desc, entry desc, level desc))[1] = (select earned from rewards.balance('u0')) as ends_there
from rewards.statement('u0', since => '2025-02-01') where unit = 'points';
select * from rewards.balance('creator', 'user', 'earnings');
select sum(s.amount) = (select available from rewards.balance('creator', 'user', 'earnings')) as adds_up from rewards.ledger s where s.account = 'creator' and unit = 'earnings';

-- the last days: today is last, days without anything are zeros
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('today', '/tts', now()), ('today', '/tts', now() - interval '2 days'), ('today', '/tts', now() - interval '5 days');
select (now() at time zone 'UTC')::date - day as ago, own, referral, bonus, total from rewards.earning_history('today', 'user', 4) h(day, own, referral, bonus, total);
select count(*), sum(own) from rewards.earning_history('today') h(day, own, referral, bonus, total);
select today_points, lifetime_points from rewards.account_summary('today');

-- nobody knows these; nobody is registered by asking
select s.* from rewards.account_summary('nobody') s;
select own, total from rewards.earning_history('nobody', 'provider', 2) h(day, own, referral, bonus, total);
select * from rewards.statement('nobody');
select * from rewards.balance('nobody', 'provider');
select * from rewards.shares_of(-1);
select * from rewards.explain_reward(9223372036854775807);
select count(*) from rewards.account where name = 'nobody';
select rewards.month('2025-01'), rewards.month('2025-01-31'), rewards.month('all'), rewards.month(null);
-- all of them STABLE, so that a standby and an index condition may use them
begin read only;
select total_points > 0 as reads from rewards.account_summary('u1', 'user', 'all');
select count(*) > 0 as reads from rewards.user_points;
select count(*) as differences from rewards.verify();
commit;
