/* A random programme; some of it is left unposted. */
select setseed(1.0 / (1 + :seed));
select rewards.set_setting('time_zone', 'America/New_York');
select rewards.load_preset('vobee');
select rewards.init_pricing('mainnet', valid_from => '-infinity');
select rewards.set_uptime_points(0.05, valid_from => '-infinity');
select rewards.register_model('model ' || m, owner => 'u' || m * 3) from generate_series(1, 6) m;
select rewards.register_account('u' || n, email => 'u' || n || '@example.com', joined_at => now() - make_interval(days => (random() * 200)::integer)) from generate_series(1, 80) n;
/* networks: most of the first hundred, on both sides, some by an invitation that was sent */
select rewards.referral_code('u' || n, custom => 'CODE' || n) from generate_series(1, 40) n;
select rewards.referral_code('p' || n, 'provider', custom => 'PCODE' || n) from generate_series(1, 4) n;
create function plain_share(inviter text, invited text, code text) returns void language plpgsql as $$
begin
	perform rewards.share_referral(inviter, invited, code);
exception when others then null;
end $$;
select plain_share('u' || n % 40 + 1 || '@example.com', 'u' || 41 + n % 50 || '@example.com', 'CODE' || n % 40 + 1) from generate_series(1, 60) n;
create function plain_signup(code text, name text, kind text, at timestamptz) returns void language plpgsql as $$
begin
	perform rewards.referral_signup(code, name, kind, at);
exception when others then null;
end $$;
select plain_signup('CODE' || (random() * random() * 39)::integer + 1, 'u' || n, 'user', now() - make_interval(hours => (random() * 4000)::integer)) from generate_series(2, 100) n;
select plain_signup('PCODE' || (random() * 3)::integer + 1, 'p' || n, 'provider', now() - make_interval(hours => (random() * 4000)::integer)) from generate_series(2, 12) n;

/* half a year, more of it of late, up to a few hours ahead */
create table feed as
select n, 'u' || (random() * random() * 130)::integer + 1 as user_id,
	case when random() < 0.9 then 'p' || (random() * 13)::integer + 1 end as provider_id,
	(array['/v1/chat/completions', '/v1/chat/completions', '/v1/embeddings', '/v1/tts', '/unknown'])[1 + (random() * 4)::integer] as endpoint,
	(array['model 1', 'model 2', 'model 3', 'model 6', 'mixtral', null])[1 + (random() * 5)::integer] as model,
	case when random() < 0.1 then 500 else 200 end as status_code, (random() * 900)::integer as input_tokens, (random() * 300)::integer as output_tokens,
	case when random() < 0.95 then (random() * random() * 2000)::integer end as latency_ms,
	now() + interval '3 hours' - random() * sqrt(random()) * interval '180 days' as created_at
from generate_series(1, :events) n;
/* around the nights in which clocks are changed */
update feed set created_at = date_trunc('day', created_at) + (d - date_trunc('day', created_at)) + random() * interval '2 days'
from (select timestamptz '2026-11-01 03:00Z' as d) d where n % 50 = 7 and now() > '2026-11-05' and d - created_at between '-20 days' and '60 days';

create function plain_insert(first integer, last integer) returns void language sql as $$
	insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms, created_at)
	select 'r' || n, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms, created_at from feed where n between first and last
$$;
/* before and after anybody has referred them, and with nothing else to tell of them */
select rewards.complete_onboarding('u' || n) from generate_series(10, 130, 15) n;
select rewards.complete_onboarding('quiet ' || n) from generate_series(1, 3) n;
/* in order of time, then whatever comes late */
select plain_insert(1, :events / 4);
select rewards.post();
select plain_insert(:events / 4 + 1, :events / 2);
select rewards.record_uptime('p' || p, rewards.today() - d, (random() * 86400)::integer) from generate_series(1, 14) p, generate_series(1, 20) d where random() < 0.6;
select rewards.post(100);
select rewards.reverse_usage(id, 'a test') from rewards.usage_logs where id % 37 = 5;
select rewards.post();
/* a rate that counts for what is stored already */
select rewards.set_creator_rate(0.0002, valid_from => now() - interval '100 days');
select count(*) from rewards.rerate(now() - interval '90 days', now() - interval '60 days', 'a test', false);
select rewards.set_creator_rate(0.0003, valid_from => now() - interval '70 days');
select rewards.post();
/* an open stretch: prepared when posting came, committed since */
begin;
select plain_insert(:events / 2 + 1, :events / 2 + 40);
select plain_signup('CODE3', 'open ' || n, 'user', now() - n * interval '50 days') from generate_series(1, 3) n;
prepare transaction 'open';
select plain_insert(:events / 2 + 41, :events * 9 / 10);
select rewards.post();
commit prepared 'open';
/* the tail: usage, edges, reversals of what is folded and what is not, corrections */
select plain_insert(:events * 9 / 10 + 1, :events);
select plain_signup('CODE' || (random() * 39)::integer + 1, 'u' || n, 'user', now() - make_interval(hours => (random() * 2000)::integer)) from generate_series(101, 125) n;
select plain_signup('CODE7', 'late ' || n, 'user', now()) from generate_series(1, 3) n;
select plain_signup('CODE8', 'quiet ' || n, 'user', now() - interval '40 days') from generate_series(1, 3) n;
select rewards.complete_onboarding(x) from unnest('{late 1,quiet 1,open 1,u50}'::text[]) x;
select rewards.reverse_usage(u.id, 'a test') from rewards.usage_logs u where u.id % 41 = 3 and not exists (select from rewards.journal j where j.reverses_id = u.id and j.event = 'reversal');
select count(*) from rewards.rerate(now() - interval '50 days', now() - interval '40 days', 'a test', false);
