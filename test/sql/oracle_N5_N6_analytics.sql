-- N5, N6: of an inviter: rates, value, history, score trend, rewards, what is to come.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed, rewards.load_preset('vobee') > 0 as vobee;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet, rewards.set_bonus('signup', 'user', null, valid_from => '-infinity') is not null as quiet;
select count(*) > 0 as priced from rewards.init_pricing('mainnet', valid_from => '-infinity');
select rewards.set_pricing('tts', 2, 'request', valid_from => '-infinity') is not null as priced;
select rewards.register_account('ann', email => 'ann@example.com'), rewards.referral_code('ann', custom => 'ANN');
select rewards.register_model('m', owner => 'r1');
select count(*) from generate_series(1, 4) n cross join lateral rewards.share_referral('ann@example.com', 's' || n || '@example.com', 'ANN');
begin;
select count(rewards.referral_signup('ANN', 'r' || n, at => now() - make_interval(days => n * 20))) from generate_series(1, 6) n;
/* r1 once, r2 on three days, r3 came back after thirty days, somebody uses r1's model */
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens, created_at) values ('r1', '/tts', null, 0, now() - interval '19 days'), ('stranger', '/tts', 'm', 5000, now() - interval '1 day');
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'r2', '/tts', now() - make_interval(days => d) from generate_series(11, 13) d;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('r3', '/tts', now() - interval '30 days');
commit;
select complete from rewards.post();
select done from rewards.maintain() where task = 'quality scores changed';
select earned from rewards.earn_codes('ann@example.com');
select rewards.referral_analytics('ann@example.com') as a \gset
/* value: r1 0.2 points, 0.5 of earnings and 2 paid; r2 three times 2.2; r3 2.2 */
select jsonb_pretty(:'a'::jsonb -> 'metrics');
select sum((h ->> 'sent')::integer) as sent, sum((h ->> 'joined')::integer) as joined, sum((h ->> 'active')::integer) as active from jsonb_array_elements(:'a'::jsonb -> 'history') h;
select jsonb_array_length(:'a'::jsonb -> 'score_trend') as days, (:'a'::jsonb #>> '{score_trend,0,score}')::numeric = (:'a'::jsonb #>> '{metrics,quality_score}')::numeric as latest;
select r - 'granted_at' as reward from jsonb_array_elements(:'a'::jsonb -> 'rewards') r;
select (:'a'::jsonb #> '{projection,next_milestone}') - 'expected_at'::text as next, (:'a'::jsonb #>> '{projection,next_milestone,expected_at}')::date = (now() at time zone 'UTC')::date + 90 as in_90_days,
	:'a'::jsonb #> '{projection,referrals_a_month}' as a_month, :'a'::jsonb #> '{projection,referral_points_next_30_days}' as points;
-- nobody
select jsonb_pretty(rewards.referral_analytics('nobody'));
