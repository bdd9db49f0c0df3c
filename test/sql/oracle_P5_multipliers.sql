-- P5: multipliers on top of base points: an account's own, beside campaigns and
-- streaks; the product is exact and rounded once, referral shares are of the result,
-- creators' earnings are not multiplied.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
begin
	execute 'select rewards.' || call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' ', sqlstate, sqlerrm, case when hint = '' then '(no hint)' end);
end $$;
prepare event(text, text, timestamptz) as
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ($1, $2, '/tts', $3) returning provider_points, user_points;

-- the first multiplier of an account counts from ever, later ones from their time; text
-- to speech is 2 points, 0.2 for the user; one name's two accounts are two
select rewards.set_multiplier('same', 'provider', 1.5, '2025-02-01') is not null as set;
select rewards.set_multiplier('same', 'provider', 3, '2025-02-01') is not null as set;
select rewards.set_multiplier('same', 'provider', null, '2025-03-01') is not null as ended;
select rewards.set_multiplier('half', 'user', 0.5) is not null as set;
execute event('same', 'same', '2024-06-01');
execute event('same', 'same', '2025-01-31 23:59:59.999999');
execute event('same', 'same', '2025-02-01');
execute event('half', 'same', '2025-02-28 23:59:59.999999');
execute event('half', 'same', '2025-03-01');
execute event('half', 'other', '2025-02-01');

-- a later record with the same date counts instead; what was stored stays as it was,
-- and what comes late is rewarded by all that is known
select rewards.set_multiplier('same', 'provider', 5, '2025-02-01') is not null as set;
execute event('same', 'same', '2025-02-01');
-- a planned one, cancelled
select rewards.set_multiplier('half', 'user', 4, '2999-01-01') is not null as planned;
select rewards.set_multiplier('half', 'user', 0.5, '2999-01-01') is not null as cancelled;
execute event('half', null, '2999-06-01');
select id, provider_points, user_points from rewards.usage_logs order by id;

-- shares up the chain are of the multiplied points: 20 % of 2 x 10, 10 % of that
select count(*) from (values ('a', 'b'), ('b', 'c')) v(up, down), unnest('{user,provider}'::text[]) kind,
	rewards.referral_signup(rewards.referral_code(up, kind), down, kind);
select rewards.set_multiplier('c', 'provider', 10) is not null as set, rewards.set_multiplier('c', 'user', 2.5) is not null as set;
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('c', 'c', '/tts');
select kind, account, entry, level, amount from rewards.shares_of((select max(id) from rewards.usage_logs));
-- the referrer's own multiplier has no part in it
select rewards.set_multiplier('b', 'provider', 100) is not null as set;
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('x', 'c', '/tts');
select kind, account, entry, level, amount from rewards.shares_of((select max(id) from rewards.usage_logs)) where kind = 'provider';

-- rounded once: 0.5 x 0.000000001 x 3 = 0.0000000015
select rewards.set_multiplier('tiny', 'provider', 0.000000001) is not null as set;
select rewards.start_campaign('thrice', 3, '2025-05-01', '2025-06-01', service => 'scrape') is not null as started;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('x', 'tiny', '/scrape', '2025-05-15'), ('x', 'tiny', '/scrape', '2025-06-15') returning provider_points;
-- all three at once: a week's streak 1.05, own 2, campaign 3: 7 points and 0.7
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, created_at)
select 'all', 'all', '/chat/completions', 'mixtral', timestamptz '2025-05-01' + n * interval '1 day' from generate_series(0, 6) n;
select complete from rewards.post();
select rewards.set_multiplier('all', kind, 2) is not null as set from unnest('{user,provider}'::text[]) kind;
select rewards.start_campaign('season', 3, '2025-05-08', '2025-05-09') is not null as started;
select rewards.register_model('owned-mixtral', owner => 'maker') is not null as registered;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at) values ('all', 'all', '/chat/completions', 'owned-mixtral', 60, 40, '2025-05-08 12:00')
returning provider_points, user_points, creator_earnings;
select entry, amount, base, rate, multiplier, rule from rewards.explain_reward((select max(id) from rewards.usage_logs)) where amount <> 0;

-- 0: nothing is earned, the request counts
select rewards.set_multiplier('none', 'user', 0) is not null as set;
insert into rewards.usage_logs (user_id, endpoint) values ('none', '/tts') returning user_points, distribution;
select entry, amount, note from rewards.explain_reward((select max(id) from rewards.usage_logs));
select usage_points, requests from rewards.user_points where user_id = 'none';
-- the greatest
select rewards.set_multiplier('most', 'user', 1000) is not null as set;
insert into rewards.usage_logs (user_id, endpoint) values ('most', '/tts') returning user_points;

-- refused
create temp table before as select count(*) as facts, (select count(*) from rewards.admin_log) as log, (select count(*) from rewards.account) as accounts from rewards.account_fact;
select call, pg_temp.outcome(call) from unnest(array['set_multiplier(''a'', ''user'', -0.1)', 'set_multiplier(''a'', ''user'', 1000.000000001)', 'set_multiplier(''a'', ''user'', 0.0000000001)',
	'set_multiplier(''a'', ''user'', ''NaN'')', 'set_multiplier(null, ''user'', 2)', 'set_multiplier('''', ''user'', 2)', 'set_multiplier(''a'', ''robot'', 2)', 'set_multiplier(''a'', null, 2)',
	'set_multiplier(''a'', ''user'', 2, null)', 'set_multiplier(''a'', ''user'', 2, updated_by => null)', 'set_multiplier(''new'', ''user'', -1)']) call;
select b.facts = (select count(*) from rewards.account_fact) and b.log = (select count(*) from rewards.admin_log) and b.accounts = (select count(*) from rewards.account) as unchanged from before b;
-- on record
select arguments ->> 'account' as account, before, after, updated_by = current_user as by_me from rewards.admin_log where call = 'set_multiplier' order by id limit 3;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
deallocate all;
