-- K1, K2: the seeds' tables, by the names they have here. K3 to K6: their endpoints as
-- SQL, field by field; K4's provider_earnings() against its rows.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;

-- K1, K2: each can be read
select name, (xpath('//row/n/text()', query_to_xml(format('select count(*) >= 0 as n from rewards.%I', name), false, true, '')))[1] as reads
from unnest('{pricing,user_credits,provider_rewards,user_points,referral_codes,referral_relationships,streaks,usage_logs,
	model_usage_logs,model_creator_earnings,user_models,models,characters,token_transactions,referrals}'::text[]) name;

-- K3, POST, GET and PUT /api/admin/pricing
select rewards.set_pricing('tide_pool_input', 0.0002, '1000_tokens', 'admin_user_id') is not null as set;
select config_key, price_per_unit, unit, updated_by from rewards.pricing where config_key = 'tide_pool_input';
select rewards.toggle_mainnet(true, 'admin_user_id') is not null as toggled;
select rewards.is_mainnet();
-- POST and GET /api/admin/credits
select rewards.add_credits('user123', 100.00, 'Promotional credit') is not null as added;
select user_id, currency, balance from rewards.user_credits where user_id = 'user123';
select user_id, amount, reason from rewards.credit_transactions where user_id = 'user123';
select rewards.toggle_mainnet(false, 'admin_user_id') is not null as toggled;
select rewards.is_mainnet();

-- K5: the middleware's row and the call by hand, which knows a repeat
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms)
values ('req-1', 'user123', 'provider123', '/api/v1/chat/completions', 'llama-3-8b', 200, 150, 75, 250) returning provider_points, user_points;
select rewards.track_usage('req-2', 'user123', 'provider123', '/api/v1/chat/completions', 'llama-3-8b', 200, 150, 75, 250)
	= rewards.track_usage('req-2', 'user123', 'provider123', '/api/v1/chat/completions', 'llama-3-8b', 200, 150, 75, 250) as known;
select count(*) from rewards.usage_logs;

-- K4, POST /api/referrals/code and signup
select rewards.referral_code('provider123', 'provider') as code \gset
select rewards.referral_signup(:'code', 'provider456', 'provider') is not null as signed_up;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens)
select 'user123', 'provider456', '/api/v1/chat/completions', 'llama-3-70b', 200, 10, 20 from generate_series(1, 3);
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, status_code, created_at)
select 'user123', 'provider123', '/api/v1/tts', null, 200, now() - make_interval(days => d) from generate_series(1, 40) d;
insert into rewards.usage_logs (user_id, provider_id, endpoint, status_code) values ('user123', 'provider123', '/api/v1/tts', 500);

-- K3, GET /api/admin/rewards: leaderboard, provider, user
select to_char(now() at time zone 'UTC', 'YYYY-MM') as month \gset
select board, rank, account from rewards.leaderboard where board in ('provider', 'user') and month = rewards.month(:'month') order by 1, 2;
select (rewards.account_summary('provider123', 'provider', :'month')).total_points = sum(l.amount) as provider_is_its_rows
from rewards.ledger l where l.kind = 'provider' and l.account = 'provider123' and l.unit = 'points' and date_trunc('month', l.created_at) = rewards.month(:'month');
select (rewards.account_summary('user123', 'user', :'month')).total_points = sum(l.amount) as user_is_its_rows
from rewards.ledger l where l.kind = 'user' and l.account = 'user123' and l.unit = 'points' and date_trunc('month', l.created_at) = rewards.month(:'month');

-- K4, GET /api/providers/{id}/earnings: its parts, and each as the rows say, before and after posting
select rewards.set_multiplier('provider123', 'provider', 1.5) is not null as set;
select string_agg(k, ' ' order by k) as parts from jsonb_object_keys(rewards.provider_earnings('provider123')) k;
prepare differences as
with e as (select rewards.provider_earnings('provider123', 10) as e),
line as (select * from rewards.ledger l where l.kind = 'provider' and l.account = 'provider123' and l.unit = 'points'),
served as (select * from rewards.usage_logs u where u.provider_id = 'provider123' and u.status_code between 200 and 299)
select key, found, expected from e, jsonb_each(e) j(key, found), jsonb_each(
	(select jsonb_build_object('totalPoints', trim_scale(sum(amount)),
		'workPoints', trim_scale(sum(amount) filter (where entry = 'work')),
		'referralPoints', trim_scale(sum(amount) filter (where entry = 'referral')),
		'bonusPoints', trim_scale(coalesce(sum(amount) filter (where entry not in ('work', 'referral')), 0)),
		'today', trim_scale(sum(amount) filter (where created_at::date = current_date)),
		'thisMonth', trim_scale(sum(amount) filter (where date_trunc('month', created_at) = date_trunc('month', now())))) from line)
	|| (select jsonb_build_object('requests', count(*), 'tokens', sum(input_tokens + output_tokens)) from served)
	|| jsonb_build_object('providerId', 'provider123', 'rank', (select rank from rewards.leaderboard where board = 'provider' and account = 'provider123' and month = rewards.month(:'month')))
	|| jsonb_build_object('history', (select jsonb_agg(jsonb_build_object('day', d, 'points',
		trim_scale(coalesce((select sum(amount) from line where created_at::date = d), 0))) order by d)
		from (select current_date - n as d from generate_series(0, 9) n) d))) x(xkey, expected)
where xkey = key and found is distinct from expected;
execute differences;
select e -> 'streak' as streak, e -> 'multiplier' as multiplier, jsonb_array_length(e -> 'history') as days from rewards.provider_earnings('provider123') e;
select complete from rewards.post();
execute differences;
select e -> 'streak' as streak, e -> 'multiplier' as multiplier, jsonb_array_length(e -> 'history') as days from rewards.provider_earnings('provider123') e;
-- a provider without anything, and none at all
select rewards.provider_earnings('nobody', 1) - 'history' as nobody, jsonb_array_length(rewards.provider_earnings('nobody', 1) -> 'history') as days;
select rewards.provider_earnings(null);
select rewards.provider_earnings('nobody', 0);
select rewards.provider_earnings('nobody', null);
-- GET /api/user and providers/{id}/referral-stats
select s -> 'hasReferrer' as has, s -> 'referrer' as referrer, s #> '{network,direct}' as direct from rewards.referral_stats('provider456', 'provider') s
union all select s -> 'hasReferrer', s -> 'referrer', s #> '{network,direct}' from rewards.referral_stats('provider123', 'provider') s;

-- K6, GET /api/model-earnings and POST /api/deduct-token
select rewards.model_earnings('user123');
select rewards.add_credits('user123', 5, 'tokens', 'tokens') is not null as added;
select to_jsonb(d) from rewards.deduct_token('user123', 1, 'character_1') d;
