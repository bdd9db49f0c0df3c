-- simulate(): what accounts got beside what they would have got under other rules.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_setting('code_policy', 'both') is not null as set;
select rewards.register_model('m', owner => 'maker');
-- requests that bring nothing, recorded before ben is referred or created before: none of them leads to the milestone
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'ben', '/nothing', '2025-01-05' from generate_series(1, 3);
select rewards.register_account('ana'), rewards.register_account('top', 'provider');
select referrer from rewards.referral_signup('ana', 'ben', 'user', '2025-01-01');
select referrer from rewards.referral_signup('top', 'gpu', 'provider', '2025-01-01');
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'ben', '/nothing', '2024-12-31' from generate_series(1, 3);
-- 52 requests of ben: the 50th after the edge is a milestone under cxmpute, the 51st the first use of tts
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at)
select 'ben', 'gpu', '/chat/completions', 'm', 100, 100, timestamptz '2025-01-10' + i * interval '1 minute' from generate_series(1, 50) i;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('ben', null, '/tts', '2025-01-20'), ('new', 'gpu', '/embeddings', '2025-01-21');
insert into rewards.usage_logs (user_id, provider_id, endpoint, status_code, created_at) values ('ben', 'gpu', '/scrape', 500, '2025-01-21');
select rewards.record_uptime('gpu', '2025-01-12', 36000);

-- the rules recorded, before and after posting grants what is due
select * from rewards.simulate(null, '2025-01-01', '2025-02-01');
select complete from rewards.post();
select * from rewards.simulate(null, '2025-01-01', '2025-02-01');
-- its own preset changes nothing; the guide's: 50 chats of 1 + 0.2, 0.8, 0.5; 50 x (1 + 0.05) + 1 + 0.5
select count(*) as lines, count(*) filter (where actual <> simulated) as others from rewards.simulate('cxmpute', '2025-01-01', '2025-02-01');
select * from rewards.simulate('cxmpute_guide', '2025-01-01', '2025-02-01');
select * from rewards.simulate('creator', '2025-01-01', '2025-02-01');
-- a part of the time: what completes in it counts
select * from rewards.simulate(null, '2025-01-10 00:50', '2025-01-10 00:51');
select * from rewards.simulate(null, '2025-01-10 00:01', '2025-01-10 00:50');
select * from rewards.simulate('cxmpute', '2026-01-01', '2026-02-01');

-- changes: of rules in force, new ones, the end of some, on a preset
select * from rewards.simulate(null, '2025-01-01', '2025-02-01', '{"tier": {"tide_pool": {"points": 2}}, "referral_rates": {"user": {"rates": [0.5]}, "provider": null},
	"creator_rate": {"": {"rate": 0.001}}, "bonus": {"trial/user/0": null, "milestone/user/1/50": null, "milestone/user/0/51": {"event": "milestone", "kind": "user", "amount": 7, "recipient_level": 0, "threshold": 51}}}')
where actual <> simulated;
select * from rewards.simulate(null, '2025-01-01', '2025-02-01', '{"campaign": {"double": {"multiplier": 2, "kind": "user", "service": "tts"}}, "service": {"embeddings": null}}') where actual <> simulated;
select * from rewards.simulate('cxmpute_guide', '2025-01-01', '2025-02-01', '{"user_share": {"": {"share": 1}}, "uptime_points": {"": {"points_per_hour": 1}}, "model_pattern": {"5": {"pattern": "m", "tier": "deep"}}, "tier": {"deep": {"points": 20}}}') where account in ('gpu', 'top', 'new');
select account, entry, simulated from rewards.simulate(null, '2025-01-01', '2025-02-01', '{"setting": {"default_tier": {"value": "blue_surge"}}}') where entry = 'work';
-- they hold at all times, whatever is recorded of the rule for some of it
select rewards.set_tier('tide_pool', 9, valid_from => '2025-01-10 00:30') is not null as set;
select account, entry, actual, simulated from rewards.simulate(null, '2025-01-01', '2025-02-01') where entry = 'work';
select account, entry, actual, simulated from rewards.simulate(null, '2025-01-01', '2025-02-01', '{"tier": {"tide_pool": {"points": 2, "vram_above": null, "vram_upto": 4, "title": "Tide Pool"}}}') where entry = 'work';
-- what view rewards.rules shows is taken, word for word
select count(*) as lines from rewards.simulate('cxmpute', '2025-01-01', '2025-02-01', (select jsonb_object_agg(rule, keys) from (
	select rule, jsonb_object_agg(key, value) as keys from rewards.rules where in_force group by rule) r));
-- edges, owners and multipliers are those recorded; corrections count as got
select rewards.set_multiplier('new', 'user', 3) is not null as set;
select account, entry, actual, simulated from rewards.simulate('cxmpute', '2025-01-01', '2025-02-01') where account = 'new';
select count(*) > 0 as booked from rewards.rerate('2025-01-01', '2025-02-01', 'as recorded', false);
select count(*) as lines, count(*) filter (where actual <> simulated) as others from rewards.simulate(null, '2025-01-01', '2025-02-01');
-- streaks: grants that were made, at the price of the rules simulated
insert into rewards.journal (created_at, unit, distribution, actor, event, account, cause)
select '2025-01-15', 1, rewards.one_share(id, 'streak_bonus', 0, 30), 'test', 'streak/user/0/7', id, id || ' 2025-01-09' from rewards.account where name = 'ben';
select * from rewards.simulate(null, '2025-01-01', '2025-02-01', '{"bonus": {"streak/user/0/7": {"event": "streak", "kind": "user", "amount": 40, "recipient_level": 0, "threshold": 7}}}') where entry = 'streak_bonus';
select * from rewards.simulate('cxmpute', '2025-01-01', '2025-02-01') where entry = 'streak_bonus';
-- uptime: what was paid for reports, and what the rules give for all of them
select rewards.set_uptime_points(0.3, '2025-01-01') is not null as set, rewards.record_uptime('gpu', '2025-01-14', 7200);
select * from rewards.simulate(null, '2025-01-11', '2025-01-20');
select * from rewards.simulate(null, '2025-01-14', '2025-01-15', '{"uptime_points": {"": null}}') where actual <> simulated;

-- all in one line
select entry, sum(actual) as actual, sum(simulated) as simulated from rewards.simulate('cxmpute_guide', '2025-01-01', '2025-02-01') group by entry order by entry;

-- nothing is written, nothing needs to be
begin read only;
select count(*) > 0 as compared from rewards.simulate('cxmpute_guide', '2025-01-01', '2025-02-01');
rollback;
select provolatile from pg_proc where oid = 'rewards.simulate(text, timestamptz, timestamptz, jsonb)'::regprocedure;

-- what is refused
select * from rewards.simulate('cxmpute2', '2025-01-01', '2025-02-01');
select * from rewards.simulate(null, null, '2025-02-01');
select * from rewards.simulate(null, '2025-02-01', null);
select * from rewards.simulate(null, '2025-02-01', '2025-02-01');
create function pg_temp.refused(changes jsonb) returns text language plpgsql as $$
begin
	perform rewards.simulate('cxmpute', '2025-01-01', '2025-02-01', changes);
	return 'taken';
exception when others then
	return sqlstate || ' ' || sqlerrm;
end $$;
select c, pg_temp.refused(c::jsonb) from unnest(array['[]', '1', '"tier"', '{"tiers": {}}', '{"tier": []}', '{"tier": null}', '{"tier": {"tide_pool": 1}}', '{"tier": {"tide_pool": [1]}}',
	'{"tier": {"tide_pool": {}}}', '{"tier": {"tide_pool": {"points": "1"}}}', '{"tier": {"tide_pool": {"points": -1}}}', '{"tier": {"tide_pool": {"points": 0.0000000001}}}',
	'{"tier": {"tide_pool": {"points": 1e300}}}', '{"tier": {"tide_pool": {"points": 1, "price": 1}}}', '{"tier": {"": {"points": 1}}}', '{"user_share": {"": {"share": 2}}}', '{"user_share": {"x": {"share": 1}}}',
	'{"referral_rates": {"user": {"rates": 1}}}', '{"referral_rates": {"user": {"rates": ["1"]}}}', '{"referral_rates": {"creator": {"rates": []}}}', '{"model_pattern": {"a": {"pattern": "x", "tier": "t"}}}',
	'{"model_pattern": {"1": {"pattern": "x", "tier": "t", "match": "like"}}}', '{"bonus": {"signup/user/1": {"event": "signup", "kind": "user", "amount": 1, "recipient_level": 2}}}',
	'{"bonus": {"signup/user/33": {"event": "signup", "kind": "user", "amount": 1, "recipient_level": 33}}}', '{"bonus": {"x/user/1": {"event": "x", "kind": "user", "amount": 1, "recipient_level": 1}}}',
	'{"campaign": {"c": {"multiplier": 2, "until": "soon"}}}', '{"campaign": {"c": {"multiplier": 2, "until": "2025-13-13"}}}', '{"setting": {"time_zone": {"value": "Asia/Tokyo"}}}', '{"setting": {"zone": {"value": "Asia/Tokyo"}}}', '{"setting": {"default_tier": {"value": 1}}}',
	'{"streak_multiplier": {"user/7": {"kind": "user", "days": 8, "multiplier": 2}}}', '{"streak_multiplier": {"user/7": {"kind": "user", "days": 7, "multiplier": 2}}, "tier": {"x": null}}', '{}']) c;
select count(*) > 0 as taken from rewards.simulate('cxmpute', '2025-01-01', '2025-02-01', null);
