-- Every call of an administrator leaves exactly one row in admin_log: all arguments as
-- given, what was before and what is now. One that is refused or rolled back leaves
-- none, nor do calls of applications. A public call that writes and is in neither list
-- fails the test.
\set ON_ERROR_STOP 1
begin;
set timezone to 'UTC';
select * from no_plan();
select lives_ok('select rewards.install()', 'install()');
select results_eq($$select call, arguments -> 'preset', before, after -> 'rules' -> 'user_share' from rewards.admin_log$$,
	$$values ('install', jsonb 'null', null::jsonb, jsonb '{"": {"share": 0.1}}')$$, 'the first install() is the first row, with the rules it made');

/* ---- who is on record ---- */

create temp table admin_call (id serial, name text, given jsonb, before jsonb, after jsonb);
/* before, after: what must be in them, NULL: they are NULL; a value that begins with = is an expression */
insert into admin_call (name, given, before, after) values
	('load_preset', '{"name": "cxmpute_guide", "valid_from": "2024-01-01T00:00:00+00:00"}',
		'{"referral_rates": {"user": {"rates": [0.2, 0.1, 0.05]}}, "uptime_points": {"": null}}', '{"referral_rates": {"user": {"rates": [0.15, 0.08, 0.04]}}, "uptime_points": {"": {"points_per_hour": 0.05}}}'),
	('install', '{"preset": "vobee"}', '{"rules": {"milestone": {"100": null}}}', '{"rules": {"milestone": {"100": {"reward": {"premium": "lifetime"}}}}}'),
	('init_pricing', '{"name": "mainnet", "valid_from": "2024-01-01T00:00:00+00:00"}',
		'{"mainnet": {"": null}, "price": {"tts": null}}', '{"mainnet": {"": {"on": true}}, "price": {"tts": {"unit": "request", "price_per_unit": 0.0004}}}'),
	('toggle_mainnet', '{"is_mainnet": false, "valid_from": "2024-02-01T00:00:00+00:00"}', '{"on": true}', '{"on": false}'),
	('set_pricing', '{"config_key": "tts", "price_per_unit": 0.5, "unit": "request", "valid_from": "2024-02-01T00:00:00+00:00"}',
		'{"unit": "request", "price_per_unit": 0.0004}', '{"unit": "request", "price_per_unit": 0.5}'),
	('set_setting', '{"name": "low_credits", "value": "7"}', null, '{"value": "7"}'),
	('set_setting', '{"name": "low_credits", "value": "8"}', '{"value": "7"}', '{"value": "8"}'),
	('set_setting', '{"name": "code_policy", "value": "both"}', '{"value": "identity"}', '{"value": "both"}'),
	('set_retention', '{"keep": "30 days", "action": "detach"}', null, '{"value": "30 days detach"}'),
	('set_retention', '{"keep": null}', '{"value": "30 days detach"}', '{"value": "none"}'),
	('set_tier', '{"tier": "tide_pool", "points": 2, "vram_above": 1, "vram_upto": 4, "title": "Pool", "valid_from": "2024-02-01T00:00:00+00:00"}',
		'{"points": 1, "title": "Tide Pool", "vram_above": null, "vram_upto": 4}', '{"points": 2, "title": "Pool", "vram_above": 1, "vram_upto": 4}'),
	('set_tier', '{"tier": "mariana_depth", "points": null}', '{"points": 15}', null),
	('set_service', '{"service": "tts", "endpoint_suffix": "/say", "points": 5, "provider_per_token": 0.1, "user_base": 0.2, "user_per_token": 0.3}',
		'{"endpoint_suffix": "/tts", "points": 2}', '{"endpoint_suffix": "/say", "points": 5, "provider_per_token": 0.1, "user_base": 0.2, "user_per_token": 0.3}'),
	('set_model_pattern', '{"position": 10, "pattern": "big", "tier": "open_ocean", "but_not": "small", "match": "prefix"}', '{"pattern": "70b"}', '{"pattern": "big", "match": "prefix"}'),
	('set_user_share', '{"share": 0.3}', null, '{"share": 0.3}'),
	('set_creator_rate', '{"rate": 0.002, "tier": "tide_pool"}', null, '{"rate": 0.002}'),
	('set_creator_rate', '{"rate": 0.003}', '{"rate": 0.0001}', '{"rate": 0.003}'),
	('set_referral_rates', '{"kind": "user", "rates": [0.5, 0.25]}', '{"rates": [0.15, 0.08, 0.04]}', '{"rates": [0.5, 0.25]}'),
	('set_referral_kinds', '{"referrer_kind": "user", "referee_kind": "provider", "allowed": true}', null, '{"allowed": true}'),
	('set_bonus', '{"event": "milestone", "kind": "user", "amount": 9, "recipient_level": 2, "threshold": 3, "hold": "3 days"}', null, '{"amount": 9, "threshold": 3, "hold": "3 days"}'),
	('set_streak_multiplier', '{"kind": "user", "days": 7, "multiplier": 1.5}', null, '{"multiplier": 1.5}'),
	('set_uptime_points', '{"points_per_hour": 0.5}', '{"points_per_hour": 0.05}', '{"points_per_hour": 0.5}'),
	('set_token_cost', '{"usage_type": "chat", "amount": 4}', null, '{"amount": 4}'),
	('set_milestone', '{"referrals": 100, "reward": {"codes": 1}}', '{"reward": {"premium": "lifetime"}}', '{"reward": {"codes": 1}}'),
	('set_days_reward', '{"reward": {"codes": 5}}', '{"reward": {"codes": 3}}', '{"reward": {"codes": 5}}'),
	('set_quality', '{"weights": {"recency": 1}, "min_sample": 4}', null, '{"weights": {"recency": 1}, "min_sample": 4}'),
	('set_quality_threshold', '{"below": 0.4, "action": "warned"}', '{"below": 0.3}', '{"below": 0.4}'),
	('set_quality_bonus', '{"above": 0.9, "referrals": 7, "reward": {"codes": 9}}', '{"above": 0.8}', '{"above": 0.9, "referrals": 7}'),
	('set_detector', '{"name": "burst", "parameters": {"referrals": 9}, "enabled": false}', '{"enabled": true}', '{"enabled": false, "parameters": {"referrals": 9}}'),
	('set_rate_limit', '{"subject": "tts", "max": 5, "per": "1 day", "action": "reverse", "kind": "user"}', null, '{"max": 5, "action": "reverse", "kind": null}'),
	('set_payout_rule', '{"unit": "points", "minimum": 1, "auto": false, "methods": ["bank"]}', null, '{"minimum": 1, "auto": false, "methods": ["bank"]}'),
	('start_campaign', '{"name": "summer", "multiplier": 2, "since": "2025-06-01T00:00:00+00:00", "until": "2025-09-01T00:00:00+00:00", "kind": "user", "service": "tts", "tier": "tide_pool"}',
		null, '{"multiplier": 2, "kind": "user", "service": "tts", "tier": "tide_pool"}'),
	('end_campaign', '{"name": "summer", "at": "2025-07-01T00:00:00+00:00"}', '{"multiplier": 2}', null),
	('set_multiplier', '{"account": "ada", "kind": "user", "multiplier": 3, "valid_from": "2024-01-01T00:00:00+00:00"}', '1.5', '3'),
	('set_model_owner', '{"model_id": "m", "owner": "ben", "valid_from": "2024-01-01T00:00:00+00:00"}', '"ada"', '"ben"'),
	('set_model_owner', '{"model_id": "m", "owner": null}', '"ben"', null),
	('register_model', '{"model_id": "m", "name": "M", "category": "chat", "owner": "ada", "character_id": "c", "tier": "open_ocean", "vram_gb": 9, "rate": 0.01, "valid_from": "2024-03-01T00:00:00+00:00"}',
		'{"name": null, "category": null, "owner": "ben", "character_id": null, "tier": "blue_surge", "vram_gb": null, "rate": null}',
		'{"name": "M", "category": "chat", "owner": "ada", "character_id": "c", "tier": "open_ocean", "vram_gb": 9, "rate": 0.01}'),
	('register_model', '{"model_id": "new"}', null, '{"name": null, "owner": null}'),
	('referral_signup', '{"code": "ADAS", "referee": "old", "kind": "user", "at": "2024-01-15T00:00:00+00:00"}', null, '{"referrer": "ada", "kind": "user", "bonus": 25}'),
	('add_credits', '{"user_id": "ben", "amount": 10, "reason": "gift", "currency": "credits", "expires_at": "2999-01-01T00:00:00+00:00", "reference": "r2"}', null, '{}'),
	('refund_credits', '{"reference": "r1", "reason": "closed"}', null, '{}'),
	('adjust', '{"account": "ada", "kind": "user", "amount": -3, "reason": "mistake", "unit": "points", "reference": "a2"}', null, '{}'),
	('reverse_usage', '{"usage_id": "=(select min(id) from rewards.usage_logs)", "reason": "test"}', null, '{}'),
	('reverse_journal', '{"journal_id": "=(select id from rewards.journal where reference = ''a1'')", "reason": "test"}', null, '{}'),
	('rerate', '{"since": "2020-01-01T00:00:00+00:00", "until": "2100-01-01T00:00:00+00:00", "reason": "right now", "dry_run": false}', null, '{"corrections": 2}'),
	('repair', '{"reason": "tampered"}', '{"credits": 9}', '{"credits": 9}'),
	('set_payout_method', '{"account": "ada", "kind": "user", "method": "card", "details": {"number": "secret"}}', null, '{"updated_by": "auditor"}'),
	('set_payout_method', '{"account": "ada", "kind": "user", "method": "bank", "details": null}', '{"updated_by": "clerk"}', null),
	('approve_payout', '{"id": "=(select id from rewards.payout where reference = ''p1'')"}', '"requested"', '"approved"'),
	('complete_payout', '{"id": "=(select id from rewards.payout where reference = ''p2'')", "reference": "t2"}', '"approved"', '"completed"'),
	('fail_payout', '{"id": "=(select id from rewards.payout where reference = ''p3'')", "reason": "no such card"}', '"requested"', '"failed"'),
	('revoke_code', '{"code": "VOID-ME", "reason": "leaked"}', '{"active": true, "codes": [{"kind": "user", "account": "ben", "code": "VOID-ME"}]}', '{"active": false, "codes": [{"kind": "user", "account": "ben", "code": "VOID-ME"}]}'),
	('revoke_rewards', '{"account": "ada", "kind": "user", "reason": "abuse", "since": "2025-01-01T00:00:00+00:00"}', null, '{"points": 110, "codes": 0, "perks": 0}'),
	('set_status', '{"account": "ada", "kind": "user", "status": "suspended", "reason": "abuse", "until": "2999-01-01T00:00:00+00:00"}',
		'{"status": "active", "until": null}', '{"status": "suspended", "until": "2999-01-01T00:00:00+00:00"}'),
	('sanction', '{"account": "ben", "kind": "user", "reason": "abuse"}', '{"status": "active"}', '{"status": "warned"}'),
	('detect_abuse', '{"since": "2020-01-01T00:00:00+00:00"}', null, '{"flagged": 2}'),
	('clear_flag', '{"id": "=(select f.id from rewards.abuse_flag f where f.detector = ''burst'')", "note": "fine"}', '{"open": true}', '{"open": false}'),
	('resolve_appeal', '{"id": "=(select id from rewards.appeal)", "accepted": true, "note": "sorry"}', '{"status": "paused", "resolved": false}', '{"status": "active", "resolved": true}'),
	('close_review', '{"id": "=(select id from rewards.review)", "note": "fine"}', '{"open": true}', '{"open": false}'),
	('release_invites', '{"n": 2}', null, '{"released": 1}'),
	('stop_worker', '{}', '{"stopped": false}', '{"stopped": true, "stays": false}'),
	('start_worker', '{}', '{"stopped": true, "stays": false}', '{"stopped": false, "stays": true}'),
	('resume_worker', '{}', '{"copy": false}', '{"copy": false, "stays": true}'),
	('grant_access', '{"role": "rewards_test_audit", "access": "analyst", "kind": "user"}', '[]', '[{"access": "analyst"}]'),
	('revoke_access', '{"role": "rewards_test_audit"}', '[{"access": "analyst"}]', '[]'),
	('set_node', '{"role": "directory", "number": 0}', null, '{"role": "directory", "number": 0}');

/* of applications, and what goes on by itself: their rows are the record */
create temp table other_call (name text, command text);
insert into other_call values
	('referral_code', 'select rewards.referral_code(''ada'')'), ('referral_signup', 'select rewards.referral_signup(''BENS'', ''now'')'),
	('register_account', 'select rewards.register_account(''eve@example.com'', email => ''eve@example.com'')'), ('register_character', 'select rewards.register_character(''c'', ''C'')'),
	('record_uptime', 'select rewards.record_uptime(''gpu'', current_date, 3600)'), ('track_usage', 'select rewards.track_usage(''t'', ''ada'', ''gpu'', ''/say'', null, 200, 0, 0, 0)'),
	('deduct_token', 'select rewards.deduct_token(''ada'', 1)'), ('authorize_usage', 'select rewards.authorize_usage(''ben'', 1, ''later'')'), ('release_hold', 'select rewards.release_hold(''later'')'),
	('share_referral', 'select rewards.share_referral(''ben'', ''f@example.com'', ''BENS'')'), ('redeem_code', 'select rewards.redeem_code(''BENS'', ''f@example.com'')'),
	('customize_invite', null), ('earn_codes', 'select rewards.earn_codes(''ben'')'), ('complete_onboarding', 'select rewards.complete_onboarding(''ben'')'),
	('join_waitlist', 'select rewards.join_waitlist(''x@example.com'')'), ('appeal', 'select rewards.appeal(''ben'', ''user'', ''sorry'')'), ('request_payout', null),
	('take_notifications', 'select rewards.take_notifications(1)'), ('notification_done', 'select rewards.notification_done(''{1}'')'),
	('post', 'select rewards.post()'), ('maintain', 'select rewards.maintain()'), ('remove_partitions', 'select rewards.remove_partitions()'), ('verify', 'select rewards.verify()'), ('rerate', 'select rewards.rerate(''2020-01-01'', ''2100-01-01'', ''only looking'')'),
	/* what the views and posting call, and what leaves no log to write to */
	('change_arrives', null), ('account_arrives', null), ('newcomer_arrives', null), ('node_total_arrives', null), ('fold_node_changes', null),
	('charge_wallets', null), ('make_partitions', null), ('partitions_ahead', null), ('worker_state', null), ('uninstall', null);

select is_empty($$
	select p.oid::regprocedure from pg_proc p
	where p.pronamespace = 'rewards'::regnamespace and p.provolatile = 'v' and p.prosecdef
		and p.proname not in (select name from admin_call union all select name from other_call)$$,
	'every call that writes is in one of the two lists');
select is_empty($$select name from admin_call where not exists (select from pg_proc p where p.pronamespace = 'rewards'::regnamespace and p.proname = name)$$, 'and exists');

/* ---- something to act upon ---- */

do $$
begin
	create role rewards_test_audit;
	insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('ada', 'gpu', '/tts'), ('ben', 'gpu', '/tts');
	perform rewards.referral_code('ada', custom => 'ADAS'), rewards.referral_code('ben', custom => 'BENS'), rewards.referral_code('ben', custom => 'VOID-ME');
	perform rewards.register_model('m', owner => 'ada', tier => 'blue_surge');
	perform rewards.set_multiplier('ada', 'user', 1.5);
	perform rewards.add_credits('ben', 5, reference => 'r1'), rewards.add_credits('ben', 4), rewards.add_credits('ada', 9, currency => 'tokens');
	perform rewards.adjust('ada', 'user', 100, 'a gift', reference => 'a0'), rewards.adjust('ben', 'user', 1, 'a mistake', reference => 'a1');
	perform rewards.set_payout_method('ada', 'bank', '{"iban": "secret"}', updated_by => 'clerk');
	perform rewards.request_payout('ada', 'user', 1, 'points', reference => r) from unnest('{p1,p2,p3}'::text[]) r;
	perform rewards.approve_payout(p.id) from rewards.payout p where p.reference = 'p2';
	perform rewards.set_status('eve', 'user', 'paused', 'wait');
	perform rewards.appeal('eve', 'user', 'why');
	insert into rewards.abuse_flag (account, detector, evidence) select a.id, 'burst', '{"email": "secret"}' from rewards.account a where a.name = 'ben';
	insert into rewards.review (account, reason, evidence) select a.id, 'quality', '{}' from rewards.account a where a.name = 'ben';
	perform rewards.register_account('ada', email => 'ada@example.com'), rewards.register_account('shady', email => 'ada+1@example.com'), rewards.referral_signup('ADAS', 'shady');
	perform rewards.join_waitlist('wait@example.com');
	perform rewards.post();
	/* something to repair */
	update rewards.month_total t set amount = t.amount + 1000 where t.unit = 1 and t.account = (select min(m.account) from rewards.month_total m);
end $$;

/* ---- each call ---- */

create function pg_temp.command(call admin_call) returns text language plpgsql as $$
declare
	argument record;
	list text[] := '{}';
	value text;
begin
	for argument in select * from jsonb_each(call.given) loop
		value := argument.value #>> '{}';
		if value like '=%' then
			execute 'select ' || substr(value, 2) into value;
		elsif jsonb_typeof(argument.value) = 'array' then
			value := translate(value, '[]', '{}');
		end if;
		list := list || format('%I => %L', argument.key, value);
	end loop;
	if 'updated_by' = any ((select p.proargnames from pg_proc p where p.pronamespace = 'rewards'::regnamespace and p.proname = call.name)::text[]) then
		list := list || text 'updated_by => ''auditor''';
	end if;
	return format('select rewards.%I(%s)', call.name, array_to_string(list, ', '));
end $$;

/* the names of its arguments, but for the one that has a column, and with what stands for a secret */
create function pg_temp.argument_names(call text) returns text[] language sql as $$
	select coalesce(array_agg(case when (call, a.name) = ('set_payout_method', 'details') then 'removed' else a.name end), '{}')
	from pg_proc p
	cross join lateral unnest(p.proargnames, coalesce(p.proargmodes, array_fill('i'::"char", array[p.pronargs::integer]))) a(name, mode)
	where p.pronamespace = 'rewards'::regnamespace and p.proname = call and a.mode in ('i', 'b') and a.name <> 'updated_by' $$;

create function pg_temp.rows_after(last bigint) returns bigint language sql as $$ select count(*) from rewards.admin_log where id > last $$;
create function pg_temp.last_row() returns bigint language sql as $$ select max(id) from rewards.admin_log $$;

create function pg_temp.check_call(call admin_call) returns setof text language plpgsql as $$
declare
	last bigint := pg_temp.last_row();
	title text := call.name || ' ' || call.id || ': ';
	given jsonb := call.given - 'details' - (select coalesce(array_agg(key), '{}') from jsonb_each_text(call.given) where value like '=%');
	command text := pg_temp.command(call);
	entry rewards.admin_log;
begin
	begin
		execute command;
		raise exception 'rolled back' using errcode = 'ZZ001';
	exception when sqlstate 'ZZ001' then
		return next is(pg_temp.rows_after(last), 0::bigint, title || 'rolled back');
	end;
	begin
		/* nothing is given */
		execute regexp_replace(command, '\(.*', '(') || coalesce((
			select string_agg(format('%I => null', a), ', ') from unnest(pg_temp.argument_names(call.name) || '{}'::text[]) a where a <> 'removed'), '') || ')';
		raise exception 'few need nothing' using errcode = 'ZZ001';
	exception
		when sqlstate 'ZZ001' then
			return next ok(call.name in ('install', 'detect_abuse', 'start_worker', 'stop_worker', 'resume_worker'), title || 'needs no argument');
		when others then
			return next is(pg_temp.rows_after(last), 0::bigint, title || 'refused');
	end;
	last := pg_temp.last_row();
	execute command;
	return next is(pg_temp.rows_after(last), 1::bigint, title || 'one row');
	select * into entry from rewards.admin_log l where l.id > last;
	return next is(entry.call, call.name, title || 'its name');
	return next is(entry.session_role || ' ' || entry.updated_by, current_user || ' ' || case when command like '%auditor%' then 'auditor' else current_user end, title || 'who');
	return next ok(entry.arguments ?& pg_temp.argument_names(call.name), title || 'all arguments: ' || entry.arguments);
	return next ok(entry.arguments @> given, title || 'as given: ' || entry.arguments);
	return next ok(case when call.before is null then entry.before is null else entry.before @> call.before end, title || 'before: ' || coalesce(entry.before::text, 'null'));
	return next ok(case when call.after is null then entry.after is null else entry.after @> call.after end, title || 'after: ' || coalesce(entry.after::text, 'null'));
	if entry.arguments ? 'rule' then
		return next ok(exists (
			select from rewards.rules r
			where to_jsonb(r.version) = entry.arguments -> 'versions' -> 0 and r.rule = entry.arguments ->> 'rule' and r.key = entry.arguments ->> 'key'
				and r.value is not distinct from entry.after and r.updated_by = entry.updated_by), title || 'the version it made');
	elsif entry.after ? 'entry' then
		return next ok(exists (select from rewards.journal j where j.id = (entry.after ->> 'entry')::bigint and j.recorded_at > entry.at - interval '1 minute'), title || 'the entry it made');
	end if;
	return next ok(entry::text !~ 'secret|@example', title || 'no secret');
end $$;

select pg_temp.check_call(c) from (select * from admin_call order by id) c;
select ok((before ->> 'points')::numeric - (after ->> 'points')::numeric >= 1000, 'repair() is on record with what was wrong') from rewards.admin_log where call = 'repair';
select is((select string_agg(call, ' ' order by call) from (select distinct call from rewards.admin_log) c),
	(select string_agg(name, ' ' order by name) from (select distinct name from admin_call) c), 'all of them and nobody else are in the log');

/* ---- and no other ---- */

select pg_temp.last_row() as last \gset
select lives_ok(command, name) from other_call where command is not null;
select is(pg_temp.rows_after(:last), 0::bigint, 'calls of applications and upkeep leave none');

/* an acting role is named, whatever it claims */
grant usage on schema rewards to rewards_test_audit;
grant execute on function rewards.set_setting(text, text, text) to rewards_test_audit;
set local role rewards_test_audit;
select lives_ok('select rewards.set_setting(''low_credits'', ''9'', ''the boss'')', 'as another role');
reset role;
select results_eq('select session_role, updated_by from rewards.admin_log order by id desc limit 1', $$values ('rewards_test_audit', 'the boss')$$, 'the role that acted, and who it says it was');
select * from finish();
rollback;
