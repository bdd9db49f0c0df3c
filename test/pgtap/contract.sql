-- The surface that applications, analysts and administrators rely on: every public
-- call with its arguments, defaults, result and volatility, every view with its columns;
-- nothing for PUBLIC; what the roles app and analyst may do and may not.
\set ON_ERROR_STOP 1
begin;
select * from no_plan();
select lives_ok('select rewards.install()', 'install()');

/* ---- calls ---- */

create temp table call (name text, arguments text, result text, volatility "char");
insert into call values
	('account_summary', 'account text, kind text DEFAULT ''user''::text, month text DEFAULT NULL::text', 'TABLE(own_points numeric, referral_points numeric, bonus_points numeric, total_points numeric, creator_earnings numeric, requests bigint, tokens bigint, today_points numeric, lifetime_points numeric, referrer text, referees bigint, code text, joined_at timestamp with time zone, last_active_at timestamp with time zone)', 's'),
	('account_summary', 'account text, kind text, month date', 'TABLE(own_points numeric, referral_points numeric, bonus_points numeric, total_points numeric, creator_earnings numeric, requests bigint, tokens bigint, today_points numeric, lifetime_points numeric, referrer text, referees bigint, code text, joined_at timestamp with time zone, last_active_at timestamp with time zone)', 's'),
	('add_credits', 'user_id text, amount numeric, reason text DEFAULT NULL::text, currency text DEFAULT ''credits''::text, expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone, reference text DEFAULT NULL::text, updated_by text DEFAULT CURRENT_USER', 'numeric', 'v'),
	('adjust', 'account text, kind text, amount numeric, reason text, unit text DEFAULT ''points''::text, reference text DEFAULT NULL::text, updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('appeal', 'account text, kind text, message text', 'bigint', 'v'),
	('approve_payout', 'id bigint, updated_by text DEFAULT CURRENT_USER', 'void', 'v'),
	('audit_reward', 'usage_id bigint', 'TABLE(kind text, account text, entry text, level integer, amount numeric, origin text, key text, version bigint, value jsonb, valid_from timestamp with time zone, recorded_at timestamp with time zone, updated_by text, log_id bigint, call text, session_role text)', 's'),
	('authorize_usage', 'user_id text, amount numeric, request_id text, ttl interval DEFAULT ''00:15:00''::interval', 'numeric', 'v'),
	('balance', 'account text, kind text DEFAULT ''user''::text, unit text DEFAULT ''points''::text', 'TABLE(earned numeric, reversed numeric, paid_out numeric, held numeric, staked numeric, available numeric)', 's'),
	('close_review', 'id bigint, note text, updated_by text DEFAULT CURRENT_USER', 'void', 'v'),
	('complete_onboarding', 'account text, at timestamp with time zone DEFAULT now(), kind text DEFAULT ''user''::text', 'boolean', 'v'),
	('clear_flag', 'id bigint, note text, updated_by text DEFAULT CURRENT_USER', 'void', 'v'),
	('complete_payout', 'id bigint, reference text, updated_by text DEFAULT CURRENT_USER', 'void', 'v'),
	('credits', 'user_id text, currency text DEFAULT ''credits''::text', 'numeric', 's'),
	('customize_invite', 'email text, invite_code text, custom text', 'text', 'v'),
	('deduct_token', 'user_id text, amount integer DEFAULT NULL::integer, character_id text DEFAULT NULL::text, request_id text DEFAULT NULL::text, usage_type text DEFAULT ''chat''::text, model_id text DEFAULT NULL::text', 'TABLE(success boolean, message text, new_balance numeric)', 'v'),
	('earn_codes', 'email text, OUT earned boolean, OUT codes_available bigint, OUT message text', 'record', 'v'),
	('detect_abuse', 'since timestamp with time zone DEFAULT NULL::timestamp with time zone', 'TABLE(kind text, account text, detector text, evidence jsonb)', 'v'),
	('earning_history', 'account text, kind text DEFAULT ''user''::text, days integer DEFAULT 30', 'TABLE(day date, own numeric, referral numeric, bonus numeric, total numeric)', 's'),
	('end_campaign', 'name text, at timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('explain_reward', 'usage_id bigint', 'TABLE(kind text, account text, entry text, level integer, amount numeric, rule text, base numeric, rate numeric, multiplier numeric, note text)', 's'),
	('explain_tier', 'model text, OUT tier text, OUT rule text', 'record', 's'),
	('fail_payout', 'id bigint, reason text, updated_by text DEFAULT CURRENT_USER', 'void', 'v'),
	('grant_access', 'role text, access text, account text DEFAULT NULL::text, kind text DEFAULT ''user''::text', 'void', 'v'),
	('init_pricing', 'name text, updated_by text DEFAULT CURRENT_USER, valid_from timestamp with time zone DEFAULT now()', 'integer', 'v'),
	('install', 'preset text DEFAULT NULL::text', 'text', 'v'),
	('is_mainnet', 'at timestamp with time zone DEFAULT now()', 'boolean', 's'),
	('join_waitlist', 'email text, code text DEFAULT NULL::text', 'integer', 'v'),
	('leaderboard_around', 'account text, board text, month text DEFAULT NULL::text, n integer DEFAULT 5, kind text DEFAULT NULL::text', 'SETOF rewards.board_place', 's'),
	('leaderboard_around', 'account text, board text, month date, n integer DEFAULT 5, kind text DEFAULT NULL::text', 'SETOF rewards.board_place', 's'),
	('leaderboard_rank', 'account text, board text, month text DEFAULT NULL::text, kind text DEFAULT NULL::text, OUT rank bigint, OUT points numeric, OUT of bigint', 'record', 's'),
	('leaderboard_rank', 'account text, board text, month date, kind text DEFAULT NULL::text, OUT rank bigint, OUT points numeric, OUT of bigint', 'record', 's'),
	('leaderboard_top', 'board text, month text DEFAULT NULL::text, n integer DEFAULT 100', 'SETOF rewards.board_place', 's'),
	('leaderboard_top', 'board text, month date, n integer DEFAULT 100', 'SETOF rewards.board_place', 's'),
	('load_preset', 'name text, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'integer', 'v'),
	('maintain', '', 'TABLE(task text, done bigint)', 'v'),
	('me', 'OUT kind text, OUT account text', 'record', 's'),
	('model_earnings', 'user_id text', 'jsonb', 's'),
	('month', 'month text', 'date', 'i'),
	('notification_done', 'ids bigint[]', 'bigint', 'v'),
	('perks', 'account text, kind text DEFAULT ''user''::text', 'TABLE(perk text, since timestamp with time zone, until timestamp with time zone, active boolean)', 's'),
	('post', 'max_events bigint DEFAULT NULL::bigint, OUT events bigint, OUT entries bigint, OUT complete boolean', 'record', 'v'),
	('provider_earnings', 'id text, days integer DEFAULT 30', 'jsonb', 's'),
	('quote', 'endpoint text, model text, input_tokens integer, output_tokens integer, user_id text DEFAULT NULL::text, provider_id text DEFAULT NULL::text, at timestamp with time zone DEFAULT now()', 'TABLE(service text, tier text, provider_points numeric, user_points numeric, creator_earnings numeric, cost numeric)', 's'),
	('record_uptime', 'provider text, day date, seconds integer', 'void', 'v'),
	('redeem_code', 'code text, email text, OUT status text, OUT inviter text, OUT message text', 'record', 'v'),
	('referral_analytics', 'email text', 'jsonb', 's'),
	('referral_chain', 'account text, kind text DEFAULT ''user''::text, depth integer DEFAULT NULL::integer', 'SETOF rewards.chain_member', 's'),
	('referral_code', 'account text, kind text DEFAULT ''user''::text, custom text DEFAULT NULL::text', 'text', 'v'),
	('referral_network', 'account text, kind text DEFAULT ''user''::text', 'SETOF rewards.network_member', 's'),
	('referral_quality', 'email text, OUT referred_count bigint, OUT quality_score numeric, OUT rewards jsonb', 'record', 's'),
	('referral_signup', 'code text, referee text, OUT referrer text, INOUT kind text DEFAULT ''user''::text, at timestamp with time zone DEFAULT now(), OUT bonus numeric, OUT created_at timestamp with time zone', 'record', 'v'),
	('referral_stats', 'account text, kind text DEFAULT ''user''::text', 'jsonb', 's'),
	('refund_credits', 'reference text, reason text, updated_by text DEFAULT CURRENT_USER', 'numeric', 'v'),
	('register_account', 'account text, kind text DEFAULT ''user''::text, email text DEFAULT NULL::text, joined_at timestamp with time zone DEFAULT now()', 'boolean', 'v'),
	('register_character', 'character_id text, name text, image text DEFAULT NULL::text', 'void', 'v'),
	('register_model', 'model_id text, name text DEFAULT NULL::text, category text DEFAULT NULL::text, owner text DEFAULT NULL::text, character_id text DEFAULT NULL::text, tier text DEFAULT NULL::text, vram_gb numeric DEFAULT NULL::numeric, rate numeric DEFAULT NULL::numeric, valid_from timestamp with time zone DEFAULT NULL::timestamp with time zone, updated_by text DEFAULT CURRENT_USER', 'void', 'v'),
	('release_hold', 'request_id text', 'boolean', 'v'),
	('release_invites', 'n integer, updated_by text DEFAULT CURRENT_USER', 'TABLE(email text, code text)', 'v'),
	('repair', 'reason text', 'bigint', 'v'),
	('remove_partitions', '', 'bigint', 'v'),
	('report_html', 'month date', 'text', 's'),
	('report_html', 'month text DEFAULT NULL::text', 'text', 's'),
	('request_payout', 'account text, kind text, amount numeric, unit text DEFAULT ''earnings''::text, method text DEFAULT NULL::text, reference text DEFAULT NULL::text', 'bigint', 'v'),
	('rerate', 'since timestamp with time zone, until timestamp with time zone, reason text, dry_run boolean DEFAULT true', 'TABLE(usage_id bigint, kind text, account text, entry text, booked numeric, now_due numeric)', 'v'),
	('resolve_appeal', 'id bigint, accepted boolean, note text DEFAULT NULL::text, updated_by text DEFAULT CURRENT_USER', 'void', 'v'),
	('reverse_journal', 'journal_id bigint, reason text', 'bigint', 'v'),
	('reverse_usage', 'usage_id bigint, reason text', 'bigint', 'v'),
	('revoke_code', 'code text, reason text, updated_by text DEFAULT CURRENT_USER', 'integer', 'v'),
	('revoke_rewards', 'account text, kind text, reason text, since timestamp with time zone DEFAULT NULL::timestamp with time zone, updated_by text DEFAULT CURRENT_USER', 'numeric', 'v'),
	('resume_worker', '', 'text', 'v'),
	('sanction', 'account text, kind text, reason text, updated_by text DEFAULT CURRENT_USER', 'text', 'v'),
	('set_bonus', 'event text, kind text, amount numeric, recipient_level integer DEFAULT 1, threshold integer DEFAULT NULL::integer, hold interval DEFAULT NULL::interval, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_creator_rate', 'rate numeric, tier text DEFAULT NULL::text, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_days_reward', 'reward jsonb, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_milestone', 'referrals integer, reward jsonb, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_detector', 'name text, parameters jsonb, enabled boolean DEFAULT true, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_model_owner', 'model_id text, owner text, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_model_pattern', '"position" integer, pattern text, tier text, but_not text DEFAULT NULL::text, match text DEFAULT ''contains''::text, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_multiplier', 'account text, kind text, multiplier numeric, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_node', 'role text, number integer DEFAULT 0', 'text', 'v'),
	('set_payout_method', 'account text, method text, details jsonb, kind text DEFAULT ''user''::text, updated_by text DEFAULT CURRENT_USER', 'void', 'v'),
	('set_payout_rule', 'unit text, minimum numeric, auto boolean DEFAULT false, methods text[] DEFAULT NULL::text[], valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_pricing', 'config_key text, price_per_unit numeric, unit text, updated_by text DEFAULT CURRENT_USER, valid_from timestamp with time zone DEFAULT now()', 'SETOF rewards.price_set', 'v'),
	('set_quality', 'weights jsonb, min_sample integer DEFAULT NULL::integer, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_quality_bonus', 'above numeric, referrals integer, reward jsonb, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_quality_threshold', 'below numeric, action text, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_rate_limit', 'subject text, max integer, per interval, action text DEFAULT NULL::text, kind text DEFAULT NULL::text, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_referral_kinds', 'referrer_kind text, referee_kind text, allowed boolean, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_referral_rates', 'kind text, rates numeric[], valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_service', 'service text, endpoint_suffix text, points numeric DEFAULT NULL::numeric, provider_per_token numeric DEFAULT 0, user_base numeric DEFAULT 0, user_per_token numeric DEFAULT 0, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_setting', 'name text, value text, updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_retention', 'keep interval, action text DEFAULT ''drop''::text, updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_status', 'account text, kind text, status text, reason text, until timestamp with time zone DEFAULT NULL::timestamp with time zone, updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_streak_multiplier', 'kind text, days integer, multiplier numeric, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_tier', 'tier text, points numeric, vram_above numeric DEFAULT NULL::numeric, vram_upto numeric DEFAULT NULL::numeric, title text DEFAULT NULL::text, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_token_cost', 'usage_type text, amount integer, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_uptime_points', 'points_per_hour numeric, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('set_user_share', 'share numeric, valid_from timestamp with time zone DEFAULT now(), updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('share_referral', 'inviter_email text, recipient_email text, invite_code text, OUT status text, OUT referral_id uuid, OUT message text', 'record', 'v'),
	('shares', 'distribution rewards.distribution', 'TABLE(account_number bigint, entry text, level integer, amount numeric)', 'i'),
	('shares_of', 'usage_id bigint', 'TABLE(kind text, account text, entry text, level integer, amount numeric)', 's'),
	('simulate', 'preset text, since timestamp with time zone, until timestamp with time zone, changes jsonb DEFAULT ''{}''::jsonb', 'TABLE(kind text, account text, entry text, actual numeric, simulated numeric)', 's'),
	('start_campaign', 'name text, multiplier numeric, since timestamp with time zone, until timestamp with time zone, kind text DEFAULT NULL::text, service text DEFAULT NULL::text, tier text DEFAULT NULL::text, updated_by text DEFAULT CURRENT_USER', 'bigint', 'v'),
	('start_worker', '', 'text', 'v'),
	('stop_worker', '', 'text', 'v'),
	('spark', 'account text, kind text DEFAULT ''user''::text', 'text', 's'),
	('statement', 'account text, kind text DEFAULT ''user''::text, since date DEFAULT NULL::date, until date DEFAULT NULL::date', 'TABLE(day date, unit text, entry text, level integer, events bigint, amount numeric, balance numeric)', 's'),
	('take_notifications', 'n integer, lease interval DEFAULT ''00:05:00''::interval', 'TABLE(id bigint, kind text, account text, event text, payload jsonb, created_at timestamp with time zone)', 'v'),
	('toggle_mainnet', 'is_mainnet boolean, updated_by text DEFAULT CURRENT_USER, valid_from timestamp with time zone DEFAULT now()', 'boolean', 'v'),
	('track_usage', 'request_id text, user_id text, provider_id text, endpoint text, model text, status_code integer, input_tokens integer, output_tokens integer, latency_ms integer, character_id text DEFAULT NULL::text, usage_type text DEFAULT NULL::text, created_at timestamp with time zone DEFAULT now()', 'bigint', 'v'),
	('uninstall', 'confirmation text', 'void', 'v'),
	('verify', 'since timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone', 'TABLE(part text, subject text, expected text, found text, detail text)', 'v'),
	('waitlist_position', 'email text', 'integer', 's');
select is((select string_agg(format('%s returns %s, %s', pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.provolatile), e'\n')
		from pg_proc p where p.pronamespace = 'rewards'::regnamespace and p.proname = c.name and pg_get_function_arguments(p.oid) = c.arguments),
	format('%s returns %s, %s', c.arguments, c.result, c.volatility), c.name || '(' || c.arguments || ')')
from call c;
-- an overload more would make calls ambiguous
select is(count(*), (select count(*) from call), 'no public call has another form')
from pg_proc p where p.pronamespace = 'rewards'::regnamespace and p.proname in (select name from call);

/* ---- tables and views ---- */

create temp table relation (name text, columns text);
insert into relation values
	('account_statuses', 'kind account status source reason since until recorded_at updated_by'),
	('abuse_flags', 'id kind account detector evidence created_at cleared_at cleared_by note referrer'),
	('accounts', 'kind account email status status_until referrer joined_at onboarded_at last_active_at'),
	('appeals', 'id kind account message created_at status resolved_at resolved_by note'),
	('board_lines', 'board month kind account points'),
	('bonuses', 'event kind amount recipient_level valid_from updated_by threshold hold'),
	('campaigns', 'name multiplier since until kind service tier running updated_by'),
	('characters', 'id name image'),
	('credit_holds', 'request_id user_id amount created_at expires_at status usage_id closed_at'),
	('credit_transactions', 'id user_id currency type amount balance_after reason reference usage_id updated_by created_at'),
	('daily_points', 'kind account day own_points referral_points bonus_points total_points requests tokens'),
	('invite_codes', 'code owner created_at expires_at used_by used_at source custom recipient_email voided_at reason'),
	('detectors', 'name enabled parameters description valid_from updated_by'),
	('rate_limits', 'subject kind max per action valid_from updated_by'),
	('leaderboard', 'board month rank kind account points'),
	('ledger', 'source source_id kind account entry level amount unit created_at recorded_at reason'),
	('model_creator_earnings', 'creator_id model_id total_usage_count total_tokens_consumed total_earnings last_usage_at created_at updated_at'),
	('model_patterns', 'position pattern but_not tier match valid_from updated_by'),
	('model_usage_logs', 'id user_id model_id character_id creator_id usage_type tokens_consumed earnings_generated created_at'),
	('models', 'id name category character_id tier vram_gb rate created_at'),
	('notifications', 'id kind account event payload created_at taken_until delivered_at'),
	('payouts', 'id kind account unit amount method status reference automatic requested_at requested_by approved_at approved_by ended_at ended_by transfer reason'),
	('pricing', 'config_key price_per_unit unit valid_from updated_by'),
	('pricing_history', 'config_key price_per_unit unit valid_from updated_by recorded_at'),
	('provider_rewards', 'provider_id month work_points referral_points bonus_points total_points requests tokens'),
	('referral_codes', 'code kind account custom active uses created_at voided_at reason'),
	('referral_growth', 'month kind new_referees total'),
	('referral_kinds', 'referrer_kind referee_kind allowed valid_from updated_by'),
	('referral_points_by_level', 'kind account month level points events'),
	('referral_rates', 'kind level rate valid_from updated_by'),
	('referral_relationships', 'kind referee referrer code created_at referrer_kind'),
	('quality_history', 'day kind account method score referees parts'),
	('referrals', 'id inviter_email invited_email invite_code status created_at kind referee joined_at'),
	('usage_by_day', 'day service tier requests failed input_tokens output_tokens provider_points user_points creator_earnings cost'),
	('usage_by_hour', 'dow hour service tier requests failed input_tokens output_tokens provider_points user_points creator_earnings cost'),
	('usage_by_service', 'month service tier requests failed input_tokens output_tokens provider_points user_points creator_earnings cost'),
	('provider_performance', 'day provider_id requests failed error_rate latency_p50 latency_p95 latency_p99 uptime_seconds points'),
	('user_engagement', 'day dau wau mau new_users'),
	('retention_cohorts', 'cohort week users active rate'),
	('referral_funnel', 'month inviter sent joined onboarded active retained conversion activation retention value kind'),
	('referral_stages', 'month sent joined onboarded active retained conversion activation retention'),
	('viral_coefficient', 'month users invites_per_user conversion k'),
	('top_influencers', 'account kind direct network depth value'),
	('revenue_by_month', 'month service tier cost creator_earnings margin'),
	('revenue_projection', 'month low expected high method'),
	('creator_trends', 'period since creator_id model_id usage_count tokens earnings new_users'),
	('reviews', 'id kind account reason evidence created_at open closed_at closed_by note'),
	('rules', 'rule key value valid_from recorded_at updated_by in_force version'),
	('partitions', 'partition first upto made_at started_at summed_up_at kept_for'),
	('removals', 'partition first upto rows oldest newest removed_at gone journal_id seal'),
	('seals', 'source partition number rows first last seal sealed_at'),
	('services', 'service endpoint_suffix points provider_per_token user_base user_per_token valid_from updated_by'),
	('settings', 'name value default_value description updated_by updated_at'),
	('streak_multipliers', 'kind days multiplier valid_from updated_by'),
	('streaks', 'kind account current_streak best_streak last_day alive multiplier'),
	('tiers', 'tier title points vram_above vram_upto valid_from updated_by'),
	('token_transactions', 'id user_id type amount balance_after reason reference usage_id updated_by created_at'),
	('unmatched_models', 'model events tokens last_seen'),
	('user_credits', 'user_id currency balance held added spent expired updated_at'),
	('user_models', 'user_id model_id created_at'),
	('user_points', 'user_id month usage_points referral_points bonus_points total_points requests tokens'),
	('users', 'id email created_at'),
	('waitlist', 'id email status referrer code joined_at released_at invite_code'),
	('admin_log', 'id at session_role updated_by call arguments before after');
select is((select string_agg(a.attname, ' ' order by a.attnum) from pg_attribute a
		where a.attrelid = to_regclass('rewards.' || r.name) and a.attnum > 0 and not a.attisdropped), r.columns, 'columns of ' || r.name)
from relation r;
-- those that an application writes and reads by name, in whatever order
select is((select string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end, ', ' order by a.attname)
		from pg_attribute a where a.attrelid = 'rewards.usage_logs'::regclass and a.attnum > 0 and not a.attisdropped),
	'character_id text, cost numeric, created_at timestamp with time zone not null, creator_earnings numeric, distribution rewards.distribution, endpoint text not null, '
	'id bigint not null, input_tokens integer not null, latency_ms integer, model text, output_tokens integer not null, provider_id text, provider_points numeric, '
	'request_id text, service text, status_code integer not null, tier text, usage_type text, user_id text not null, user_points numeric', 'columns of usage_logs');
select has_column('rewards', 'status', c, 'status.' || c) from unnest('{backlog,lag,last_post,partitions,unpriced_rows,unrated_rows,last_verify,last_verify_findings,verifying,worker,worker_pid,open_stretches,held_back_by,partitions_ahead,version,open_since,last_maintain,worker_failures,cache_bytes,cache_hits,cache_misses,cache_drops}'::text[]) c;
select is((select count(*) from rewards.status), 1::bigint, 'status is one row');
select is((select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum) from pg_attribute
		where attrelid = (select typrelid from pg_type where oid = 'rewards.board_place'::regtype) and attnum > 0 and not attisdropped),
	'rank bigint, kind text, account text, points numeric', 'board_place is a line of a leaderboard');
select is((select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum) from pg_attribute
		where attrelid = (select typrelid from pg_type where oid = 'rewards.price_set'::regtype) and attnum > 0 and not attisdropped),
	'config_key text, price_per_unit numeric, unit text, valid_from timestamp with time zone, updated_by text', 'price_set is a row of set_pricing()');
select is((select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum) from pg_attribute
		where attrelid = (select typrelid from pg_type where oid = ('rewards.' || t.name)::regtype) and attnum > 0 and not attisdropped), t.columns, t.name)
from (values ('chain_member', 'level integer, account text'), ('network_member', 'level integer, account text, joined_at timestamp with time zone')) t(name, columns);
select col_is_pk('rewards', 'network', array['account', 'level'], 'a level of a network is counted once');
-- the tables of the leaderboards, and what their walks rely on: order by bytes, a score and a bucket there once
select is((select string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || coalesce(' ' || l.collname, ''), ', ' order by a.attnum)
		from pg_attribute a left join pg_collation l on l.oid = a.attcollation and l.collname <> 'default'
		where a.attrelid = ('rewards.' || t.name)::regclass and a.attnum > 0 and not a.attisdropped), t.columns, 'columns of ' || t.name)
from (values ('score', 'board smallint, month date, account bigint, name text C, points numeric'),
	('score_bucket', 'board smallint, month date, lowest numeric, accounts bigint')) t(name, columns);
select is(pg_get_indexdef('rewards.journal_reverses'::regclass), 'CREATE INDEX journal_reverses ON rewards.journal USING btree (reverses_id) WHERE (reverses_source IS NOT NULL)', 'what corrects a row is found by its id');
select col_is_pk('rewards', 'score', array['account', 'board', 'month'], 'a score is there once');
select col_is_pk('rewards', 'score_bucket', array['board', 'month', 'lowest'], 'a bucket is there once');
select is(pg_get_indexdef('rewards.score_order'::regclass), 'CREATE INDEX score_order ON rewards.score USING btree (board, month, points DESC, name, account)', 'the order of a board');
select throws_ok('insert into rewards.score values (' || b || ', ''2025-01-01'', 1, ''x'', 1)', '23514', null, 'no board ' || b) from unnest('{0,5}'::integer[]) b;
-- what the C core reads and writes by position, and when something is booked once
select is((select string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum)
		from pg_attribute a where a.attrelid = ('rewards.' || t.name)::regclass and a.attnum > 0 and not a.attisdropped), t.columns, 'columns of ' || t.name)
from (values ('account_fact', 'id bigint, account bigint, fact text, number numeric, valid_from timestamp with time zone, seen_from bigint, sure_from bigint, valid_until timestamp with time zone, recorded_at timestamp with time zone, recorded_xid xid8, updated_by text'),
	('activity', 'account bigint, first_at timestamp with time zone, last_at timestamp with time zone, referred bigint, services text[], streak integer, best_streak integer, streak_since date, last_day date, requests bigint, onboarded_at timestamp with time zone'),
	('account_status', 'id bigint, account bigint, status text, source text, valid_from timestamp with time zone, seen_from bigint, sure_from bigint, valid_until timestamp with time zone, reason text, recorded_at timestamp with time zone, recorded_xid xid8, updated_by text'),
	('worker', 'single boolean, identity text, stopped boolean, stays boolean, maintained_on date, failures integer, failure text, next_try timestamp with time zone'),
	('uptime', 'account bigint, day date, seconds integer, reached boolean, counted boolean, booked numeric, recorded_at timestamp with time zone'),
	('hold', 'id bigint, account bigint, amount numeric, request_id text, expires_at timestamp with time zone, created_at timestamp with time zone, seen_from bigint, closed_at timestamp with time zone, outcome text, usage_id bigint'),
	('seal', 'source text, partition bigint, number bigint, numbers int8multirange, rows bigint, marks bytea, hash bytea, sealed_at timestamp with time zone'),
	('removal', 'first bigint, upto bigint, rows bigint, oldest timestamp with time zone, newest timestamp with time zone, unpriced bigint, sums bytea, seals bytea, removed_at timestamp with time zone, recorded_xid xid8, identity text'),
	('removed_sum', 'first bigint, sort "char", account bigint, day date, unit smallint, entry smallint, level smallint, name text, amount numeric, events bigint, tokens bigint, first_at timestamp with time zone, last_at timestamp with time zone, referred_least bigint, referred_most bigint'),
	('verification', 'id bigint, at timestamp with time zone, since timestamp with time zone, until timestamp with time zone, seconds numeric, rows bigint, findings bigint, by text'),
	('lot', 'id bigint, account bigint, unit smallint, remaining numeric, expires_at timestamp with time zone'),
	('unit', 'number smallint, name text'),
	('wallet', 'account bigint, unit smallint, balance numeric, anchor bigint, next_expiry timestamp with time zone, moves bigint, updated_at timestamp with time zone')) t(name, columns);
select col_is_pk('rewards', 'activity', 'account', 'an account''s activity is there once');
select col_is_pk('rewards', 'wallet', array['account', 'unit'], 'a wallet is there once');
select col_is_pk('rewards', 'lot', 'id', 'a lot is there once');
select col_is_pk('rewards', 'seal', array['source', 'partition', 'number'], 'a seal is there once in its chain');
select throws_ok(format('insert into rewards.seal values (%L, %s, %s, ''{}'', 0, '''', %L, now())', x.source, x.partition, x.number, x.hash), '23514', null, 'no seal of ' || x.source || ' ' || x.partition || ' ' || x.number)
from (values ('account', 0, 1, sha256('')), ('journal', 1, 1, sha256('')), ('journal', 0, 0, sha256('')), ('usage_logs', 1, 1, '\x00')) x(source, partition, number, hash);
select is((select string_agg(number || ' ' || name, ', ' order by number) from rewards.unit), '1 points, 2 earnings, 3 credits, 4 tokens', 'the units that the programme knows');
select is(pg_get_indexdef('rewards.hold_request'::regclass), 'CREATE UNIQUE INDEX hold_request ON rewards.hold USING btree (request_id) WHERE (closed_at IS NULL)', 'a request has one open hold');
select is(pg_get_indexdef('rewards.journal_reference'::regclass), 'CREATE UNIQUE INDEX journal_reference ON rewards.journal USING btree (event, reference) WHERE (reference IS NOT NULL)', 'a reference adds once');
select col_is_unique('rewards', 'payout', 'reference', 'a reference asks for one payout');
select col_is_pk('rewards', 'uptime', array['account', 'day'], 'a day of uptime is there once');
select is(pg_get_indexdef('rewards.account_status_account'::regclass), 'CREATE INDEX account_status_account ON rewards.account_status USING btree (account, valid_until)', 'statuses that hold are found by account');
select col_is_unique('rewards', 'invite_reward', array['account', 'cause'], 'what is earned is given once');
select col_is_unique('rewards', 'referral', array['inviter', 'email'], 'an invitation is there once');
select col_is_unique('rewards', 'notification', array['account', 'event', 'cause'], 'nobody is told twice');
select col_is_pk('rewards', 'quality_score', array['account', 'day'], 'a day has one score');
select is(pg_get_indexdef(('rewards.' || i)::regclass), d, i) from (values
	('invite_code_upper', 'CREATE UNIQUE INDEX invite_code_upper ON rewards.invite_code USING btree (upper(code))'),
	('referral_referee', 'CREATE UNIQUE INDEX referral_referee ON rewards.referral USING btree (referee) WHERE (referee IS NOT NULL)'),
	('appeal_open', 'CREATE UNIQUE INDEX appeal_open ON rewards.appeal USING btree (account) WHERE (resolved_at IS NULL)'),
	('review_open', 'CREATE UNIQUE INDEX review_open ON rewards.review USING btree (account) WHERE (closed_at IS NULL)')) x(i, d);
select throws_ok(format('insert into rewards.account_status (account, status, source, valid_from, seen_from, reason, updated_by) values (1, %L, %L, now(), 0, %L, %L)', s, o, 'x', 'x'),
	'23514', null, s || ' by ' || o || ' is no status') from (values ('cursed', 'set'), ('banned', 'whim')) x(s, o);
select col_is_unique('rewards', 'waitlist_entry', 'email', 'an e-mail waits once');
select matches(pg_get_indexdef(i.indexrelid), '^CREATE UNIQUE INDEX \w+ ON rewards.journal USING btree \(event, account, cause\)', 'a bonus is booked once')
from pg_index i where i.indrelid = 'rewards.journal'::regclass and i.indisunique and not i.indisprimary and i.indpred is null;
-- every call on a board has a form by month as text and one by date
select is(count(*), 6::bigint, 'two forms of the three calls') from pg_proc p
where p.pronamespace = 'rewards'::regnamespace and p.proname ~ '^leaderboard_' and p.prosecdef and p.proparallel = 'u';

/* ---- parameters and settings ---- */

select is((select string_agg(format('%s %s %s', name, context, vartype), ', ' order by name) from pg_settings where name in ('rewards.cache_size', 'rewards.databases')),
	'rewards.cache_size user integer, rewards.databases sighup string', 'server parameters');
select throws_ok('set rewards.unknown = 1', '42602', null, 'the prefix is reserved');
select throws_ok('set rewards.databases = ''postgres''', '55P02', null, 'databases are named in the configuration');
select is((select string_agg(name || ' ' || default_value, ', ' order by name) from rewards.settings where name like 'post\_%'), 'post_backlog 10000, post_delay 1 s', 'settings of the worker');
select throws_ok(format('select rewards.set_setting(%L, %L)', n, v), '22023', null, n || ' is not ' || v)
from (values ('post_delay', '0'), ('post_delay', '9 ms'), ('post_delay', '25 hours'), ('post_delay', 'soon'), ('post_delay', '-1 s'), ('post_backlog', '0'), ('post_backlog', '-1'), ('post_backlog', 'all')) x(n, v);
select lives_ok(format('select rewards.set_setting(%L, %L)', n, v), n || ' may be ' || v)
from (values ('post_delay', '10 ms'), ('post_delay', '1 day'), ('post_backlog', '1'), ('post_backlog', '999999999')) x(n, v);

/* ---- every object is explained, nothing depends on the caller's search_path ---- */

select is_empty($$
	select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'rewards'::regnamespace and obj_description(p.oid, 'pg_proc') is null
	union all select c.oid::regclass::text from pg_class c
	where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition and obj_description(c.oid, 'pg_class') is null
	union all select 'rewards.usage_number' where obj_description('rewards.usage_number'::regclass, 'pg_class') is null
	union all select t.oid::regtype::text from pg_type t where t.typnamespace = 'rewards'::regnamespace and t.typtype in ('b', 'c') and t.typelem = 0
		and not exists (select from pg_class c where c.oid = t.typrelid and c.relkind <> 'c') and obj_description(t.oid, 'pg_type') is null
	union all select o.oid::regoperator::text from pg_operator o where o.oprnamespace = 'rewards'::regnamespace and obj_description(o.oid, 'pg_operator') is null
	union all select 'trigger ' || t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
	where c.relnamespace = 'rewards'::regnamespace and not c.relispartition and not t.tgisinternal and obj_description(t.oid, 'pg_trigger') is null
	union all select 'cast of ' || c.castsource::regtype from pg_cast c
	where c.castsource = 'rewards.distribution'::regtype and obj_description(c.oid, 'pg_cast') is null
	$$, 'every object has a comment');
select is_empty($$
	select p.oid::regprocedure from pg_proc p join pg_language l on l.oid = p.prolang
	where p.pronamespace = 'rewards'::regnamespace and (p.prosecdef or l.lanname <> 'c')
		and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)
	$$, 'search_path is pinned');
select is_empty($$
	select c.oid::regclass from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relowner <> (select extowner from pg_extension where extname = 'rewards')
	$$, 'all belongs to the extension''s owner');

/* ---- PUBLIC ---- */

-- pure functions: the type's own, and names and constants
select set_eq($$
	select p.proname::text from pg_proc p where p.pronamespace = 'rewards'::regnamespace and has_function_privilege('public', p.oid, 'execute')
	$$, '{distribution_in,distribution_out,distribution_recv,distribution_send,distribution_eq,distribution_ne,distribution_hash,shares,
		entry_name,entry_number,month,library_version,setting_defaults,caller,me}'::text[], 'what PUBLIC may call');
select is_empty($$
	select c.oid::regclass, p from pg_class c, unnest('{select,insert,update,delete,truncate,references,trigger}'::text[]) p
	where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p', 'v') and has_table_privilege('public', c.oid, p)
	union all select c.oid::regclass, p from pg_class c, unnest('{select,insert,update}'::text[]) p
	where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p', 'v') and has_any_column_privilege('public', c.oid, p)
	union all select c.oid::regclass, p from pg_class c, unnest('{usage,select,update}'::text[]) p
	where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'S' and has_sequence_privilege('public', c.oid, p)
	$$, 'PUBLIC reads and writes nothing');
select ok(not has_schema_privilege('public', 'rewards', p), 'PUBLIC has no ' || p || ' on the schema') from unnest('{usage,create}'::text[]) p;

/* ---- roles ---- */

create role rewards_test_app;
create role rewards_test_analyst;
create role rewards_test_nobody;
-- before: nothing
create function pg_temp.attempt(role text, command text) returns text language plpgsql as $$
begin
	execute format('set local role %I', role);
	execute command;
	set local role none;
	return 'done';
exception when others then
	return sqlstate;
end $$;
select is(pg_temp.attempt('rewards_test_nobody', command), '42501', 'nobody: ' || command) from unnest(array[
	'select count(*) from rewards.usage_logs', 'select count(*) from rewards.user_points', 'select rewards.install()', 'select rewards.uninstall(''drop all data'')',
	'select rewards.post()', 'select rewards.start_worker()', 'select rewards.stop_worker()', 'select rewards.resume_worker()', 'insert into rewards.usage_logs (user_id, endpoint) values (''u'', ''/tts'')', 'select rewards.account_summary(''u'')',
	'select * from rewards.leaderboard', 'select * from rewards.leaderboard_top(''user'')', 'select * from rewards.leaderboard_rank(''u'', ''user'')', 'select * from rewards.leaderboard_around(''u'', ''user'')',
	'select rewards.repair(''x'')', 'select rewards.referral_stats(''u'')', 'select * from rewards.referral_network(''u'')', 'select * from rewards.referral_growth', 'select * from rewards.usage_by_day', 'select * from rewards.provider_performance', 'select rewards.spark(''u'')',
	'select rewards.credits(''u'')', 'select * from rewards.user_credits', 'select * from rewards.pricing', 'select rewards.deduct_token(''u'')', 'select rewards.add_credits(''u'', 1)', 'select rewards.quote(''/tts'', null, 0, 0)',
	'select rewards.earn_codes(''u'')', 'select rewards.referral_quality(''u'')', 'select rewards.appeal(''u'', ''user'', ''x'')', 'select * from rewards.referrals', 'select * from rewards.account_statuses', 'select rewards.set_status(''u'', ''user'', ''banned'', ''x'')']) command;
select lives_ok(format('select rewards.grant_access(%L, %L)', 'rewards_test_' || a, a), 'grant_access ' || a) from unnest('{app,analyst}'::text[]) a;
select lives_ok('select rewards.install()', 'install() again renews what is granted');

select set_eq($$
	select p.proname::text from pg_proc p where p.pronamespace = 'rewards'::regnamespace
		and has_function_privilege('rewards_test_app', p.oid, 'execute') and not has_function_privilege('public', p.oid, 'execute')
	$$, '{track_usage,register_account,register_model,register_character,referral_code,referral_signup,record_uptime,next_number,deduct_token,authorize_usage,release_hold,request_payout,join_waitlist,waitlist_position,take_notifications,notification_done,
		share_referral,redeem_code,customize_invite,complete_onboarding,earn_codes,appeal,
		earning_history,account_summary,provider_earnings,balance,statement,shares_of,explain_reward,explain_tier,model_earnings,
		leaderboard_top,leaderboard_rank,leaderboard_around,referral_chain,referral_network,referral_stats,referral_quality,referral_analytics,perks,credits,is_mainnet,quote,
		spark,tail_traffic,tail_attendance,tail_cohorts,tail_model_days,tail_referees,tail_uses,posted,value_of_referees,tail_totals,tail_models,tail_accounts,tail_state,tail_events,tail_unpriced,expired_part,own_places,reads_all,limited_to,partitions_ahead,kept_for,verify_steps,worker_state,cache_state,oldest_writer,board_name,today,setting,detector_defaults,require_installed}'::text[], 'what app may call');
select set_eq($$
	select p.proname::text from pg_proc p where p.pronamespace = 'rewards'::regnamespace
		and has_function_privilege('rewards_test_analyst', p.oid, 'execute') and not has_function_privilege('public', p.oid, 'execute')
	$$, '{report_html,earning_history,account_summary,provider_earnings,balance,statement,shares_of,explain_reward,explain_tier,model_earnings,
		leaderboard_top,leaderboard_rank,leaderboard_around,referral_chain,referral_network,referral_stats,referral_quality,referral_analytics,perks,credits,is_mainnet,quote,
		spark,tail_traffic,tail_attendance,tail_cohorts,tail_model_days,tail_referees,tail_uses,posted,value_of_referees,tail_totals,tail_models,tail_accounts,tail_state,tail_events,tail_unpriced,expired_part,own_places,reads_all,limited_to,partitions_ahead,kept_for,verify_steps,worker_state,cache_state,oldest_writer,board_name,today,setting,detector_defaults,require_installed}'::text[], 'what analyst may call');
select set_eq($$
	select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
	where c.relnamespace = 'rewards'::regnamespace and a.attnum > 0 and has_column_privilege('rewards_test_app', c.oid, a.attnum, 'insert')
	$$, array(select 'usage_logs.' || c from unnest('{request_id,user_id,provider_id,endpoint,model,character_id,usage_type,status_code,input_tokens,output_tokens,latency_ms,created_at}'::text[]) c),
	'app may insert the application''s columns, no others');
select is_empty($$
	select r, c.oid::regclass, p from pg_class c, unnest('{rewards_test_app,rewards_test_analyst}'::text[]) r, unnest('{update,delete,truncate,references,trigger}'::text[]) p
	where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p', 'v') and has_table_privilege(r, c.oid, p)
	union all select r, c.oid::regclass, p from pg_class c, unnest('{rewards_test_app,rewards_test_analyst}'::text[]) r, unnest('{usage,select,update}'::text[]) p
	where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'S' and has_sequence_privilege(r, c.oid, p)
	union all select r, c.oid::regclass, 'column update' from pg_class c, unnest('{rewards_test_app,rewards_test_analyst}'::text[]) r
	where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p', 'v') and has_any_column_privilege(r, c.oid, 'update')
	$$, 'neither may change anything');
select set_eq($$
	select c.relname::text from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p') and has_any_column_privilege('rewards_test_app', c.oid, 'select')
	$$, '{usage_logs}'::text[], 'the one base table that app reads');
select is_empty($$
	select c.oid::regclass from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p') and has_any_column_privilege('rewards_test_analyst', c.oid, 'select')
	$$, 'analyst reads no base table');
select set_eq($$
	select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
	where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v' and a.attnum > 0 and not has_column_privilege('rewards_test_analyst', c.oid, a.attnum, 'select')
	$$, '{accounts.email,users.email,abuse_flags.evidence,waitlist.email,invite_codes.recipient_email,referrals.inviter_email,referrals.invited_email}'::text[], 'analyst reads every view but for e-mails');

-- at work: the app, with something in its user's wallets
select lives_ok('select rewards.add_credits(''u'', 10), rewards.add_credits(''u'', 10, currency => ''tokens'')', 'add_credits');
select lives_ok($$select rewards.register_account('a'), rewards.set_milestone(1, '{"codes": 2, "premium": "1 month"}')$$, 'a milestone');
insert into rewards.invite_code (code, owner, source) select 'VOBEE-' || n, rewards.account_number('user', 'a'), 'days' from generate_series(1, 2) n;
select is(pg_temp.attempt('rewards_test_app', command), 'done', 'app: ' || command) from unnest(array[
	'insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms, character_id, usage_type, created_at)
		values (''r'', ''u'', ''p'', ''/v1/chat/completions'', ''mixtral'', 200, 1, 2, 3, null, null, now())',
	'insert into rewards.usage_logs (request_id, user_id, endpoint) values (''r'', ''u'', ''/tts'') on conflict do nothing returning id, user_points, distribution',
	'select rewards.track_usage(''t'', ''u'', ''p'', ''/tts'', null, 200, 0, 0, 0)', 'select * from rewards.usage_logs',
	'select rewards.register_account(''a'', ''user'', ''a@example.com'')', 'select rewards.referral_signup(rewards.referral_code(''a''), ''b'')',
	'select rewards.register_model(''m'', owner => ''a'', character_id => ''c'')', 'select rewards.register_character(''c'', ''C'')', 'select email from rewards.accounts',
	'select rewards.explain_reward(id) from rewards.usage_logs', 'select * from rewards.leaderboard_top(''user'')', 'select * from rewards.leaderboard_top(''provider'', date ''2025-01-01'', 5)',
	'select * from rewards.leaderboard_rank(''u'', ''user'', ''all'')', 'select * from rewards.leaderboard_around(''p'', ''provider'', ''all'', 1)',
	'select rewards.record_uptime(''p'', current_date - 1, 3600)', 'select * from rewards.streaks', 'select * from rewards.campaigns',
	'select * from rewards.referral_chain(''b'')', 'select * from rewards.referral_network(''a'')', 'select rewards.referral_stats(''a'')',
	'select rewards.deduct_token(''u'', 2, ''c'', ''chat'')', 'select rewards.authorize_usage(''u'', 3, ''later'')', 'select rewards.release_hold(''later'')', 'select rewards.request_payout(''u'', ''user'', 0.1, ''points'')',
	'select rewards.credits(''u'')', 'select rewards.credits(''u'', ''tokens'')', 'select rewards.is_mainnet()', 'select rewards.quote(''/tts'', null, 0, 0)', 'select rewards.balance(''u'', ''user'', ''tokens'')',
	'select * from rewards.credit_transactions', 'select * from rewards.user_credits',
	'select rewards.share_referral(''a'', ''F@example.com'', ''VOBEE-1'')', 'select rewards.redeem_code(''vobee-1'', ''f@example.com'')', 'select rewards.customize_invite(''a'', ''VOBEE-2'', ''For-My-Friend'')',
	'select rewards.complete_onboarding(''b'')', 'select rewards.earn_codes(''a'')', 'select rewards.perks(''a'')', 'select rewards.referral_quality(''a'')', 'select rewards.referral_analytics(''a'')',
	'select rewards.appeal(''b'', ''user'', ''I am sorry'')', 'select invited_email, status from rewards.referrals', 'select recipient_email from rewards.invite_codes',
	'select rewards.notification_done(array(select id from rewards.take_notifications(10)))',
	'select rewards.join_waitlist(''w@example.com'')', 'select rewards.waitlist_position(''w@example.com'')', 'select email from rewards.waitlist']) command;
select is(pg_temp.attempt('rewards_test_app', command), '42501', 'app: ' || command) from unnest(array[
	'insert into rewards.usage_logs (id, user_id, endpoint) values (1, ''u'', ''/tts'')', 'insert into rewards.usage_logs (user_id, endpoint, user_points) values (''u'', ''/tts'', 1)',
	'insert into rewards.usage_logs (user_id, endpoint, distribution) values (''u'', ''/tts'', ''[]'')', 'insert into rewards.usage_logs (user_id, endpoint, cost) values (''u'', ''/tts'', default)',
	'update rewards.usage_logs set user_points = 1', 'delete from rewards.usage_logs', 'truncate rewards.usage_logs', 'insert into rewards.usage_logs_default (user_id, endpoint) values (''u'', ''/tts'')',
	'select * from rewards.usage_logs_default', 'select * from rewards.account', 'insert into rewards.rule default values', 'select * from rewards.admin_log', 'select nextval(''rewards.usage_number'')',
	'select rewards.set_user_share(0.5)', 'select rewards.set_status(''u'', ''user'', ''active'', ''x'')', 'select rewards.sanction(''u'', ''user'', ''x'')', 'select rewards.revoke_rewards(''u'', ''user'', ''x'')', 'select rewards.resolve_appeal(1, true)',
	'select rewards.close_review(1, ''x'')', 'select rewards.set_milestone(1, ''{"codes": 1}'')', 'select rewards.set_days_reward(''{"codes": 1}'')', 'select rewards.set_quality(''{"recency": 1}'')', 'select rewards.set_quality_bonus(0, 1, ''{"codes": 1}'')', 'select rewards.set_quality_threshold(0, ''warned'')',
	'select rewards.add_status(1, ''active'', ''set'', ''x'', null, ''x'')', 'select rewards.make_invite_codes(1, 1, ''days'')', 'select rewards.grant_reward(1, ''days'', ''{"codes": 1}'', ''x'')', 'select rewards.notify(''{1}'', ''status'', ''{x}'', ''{"{}"}'')',
	'select rewards.apply_thresholds()', 'select rewards.open_reviews()', 'select rewards.record_scores(now())', 'select rewards.add_edge(1, ''user'', 2, ''x'', now(), false)', 'select rewards.person(''a'')', 'select rewards.address_of(1)', 'select rewards.referral_stages(1)',
	'select * from rewards.account_status', 'insert into rewards.account_status default values', 'select * from rewards.invite_code', 'update rewards.invite_code set used_at = null', 'select * from rewards.referral', 'select * from rewards.invite_reward', 'insert into rewards.perk default values',
	'select * from rewards.quality_score', 'select * from rewards.review', 'select * from rewards.appeal', 'select * from rewards.revocation', 'delete from rewards.notification',
	 'select rewards.set_referral_kinds(''user'', ''provider'', true)', 'select rewards.revoke_code(''a'', ''x'')', 'select * from rewards.voided_identity', 'select rewards.load_preset(''cxmpute'')', 'select rewards.set_setting(''auto_register'', ''off'')', 'select rewards.set_model_owner(''m'', ''b'')',
	'select rewards.post()', 'select rewards.verify()', 'select rewards.install()', 'select rewards.uninstall(''drop all data'')', 'select rewards.grant_access(''rewards_test_nobody'', ''app'')',
	'select rewards.referral_signup(rewards.referral_code(''a''), ''c'', ''user'', ''2020-01-01'')', 'select rewards.usage_before_insert()', 'select rewards.make_partitions()', 'select rewards.remove_partitions()', 'select rewards.sum_up_partitions()', 'select rewards.remove_summed_up()', 'select rewards.set_retention(''1 day'')', 'select * from rewards.removal', 'select * from rewards.removed_sum',
	'select rewards.verify_rows(null, null)', 'select rewards.verify_seals(null, null)', 'select rewards.verify_sealed_numbers()', 'select rewards.verify_step(''rows'', null, null)', 'select rewards.show_step(0, 0, 1)', 'select rewards.wrong_wallets()', 'select * from rewards.seal', 'update rewards.seal set rows = 0', 'select * from rewards.verification', 'select rewards.rerate(''2025-01-01'', ''2026-01-01'', ''x'')', 'select rewards.simulate(null, ''2025-01-01'', ''2026-01-01'')',
	'select rewards.rerate_rows(''2025-01-01'', ''2026-01-01'')', 'select rewards.simulate_rows(''2025-01-01'', ''2026-01-01'', null, null)', 'select rewards.repair(''x'')', 'select rewards.refold()', 'select * from rewards.score',
	'select * from rewards.score_bucket', 'insert into rewards.journal default values', 'select * from rewards.board_top(2::smallint, null, 1)',
	'select * from rewards.tail_account(''user'', ''u'')', 'select rewards.set_bonus(''signup'', ''user'', 1000)', 'select rewards.set_streak_multiplier(''user'', 1, 2)',
	'select rewards.set_multiplier(''u'', ''user'', 2)', 'select rewards.set_uptime_points(1)', 'select rewards.start_campaign(''mine'', 2, now(), null)', 'select rewards.end_campaign(''mine'')',
	'select rewards.pay_uptime(1, current_date, 1, ''x'')', 'select rewards.one_share(1, ''usage'', 0, 1)', 'select rewards.record_streaks()', 'select * from rewards.chain_above(1, now(), 1)',
	'select rewards.book_bonuses(''{x}'', ''{1}'', ''{1}'', ''{}'', ''{now}'', array[rewards.one_share(1, ''trial_bonus'', 0, 1)])',
	'select * from rewards.account_fact', 'insert into rewards.account_fact default values', 'select * from rewards.uptime', 'update rewards.uptime set booked = 0', 'select * from rewards.activity',
	'select * from rewards.network', 'select * from rewards.network_sizes(''user'', ''a'')', 'select rewards.network_levels(1)',
	'select rewards.add_credits(''u'', 1)', 'select rewards.refund_credits(''r'', ''x'')', 'select rewards.adjust(''u'', ''user'', 1, ''x'')', 'select rewards.reverse_usage(1, ''x'')', 'select rewards.reverse_journal(1, ''x'')',
	'select rewards.set_pricing(''tts'', 0, ''request'')', 'select rewards.init_pricing(''testnet'')', 'select rewards.toggle_mainnet(false)', 'select rewards.set_token_cost(''chat'', 1)', 'select rewards.set_payout_rule(''points'', 0, true)',
	'select rewards.set_payout_method(''u'', ''bank'', ''{}'')', 'select rewards.approve_payout(1)', 'select rewards.complete_payout(1, ''x'')', 'select rewards.fail_payout(1, ''x'')', 'select rewards.maintain()',
	'select * from rewards.wallet', 'update rewards.wallet set balance = 1000', 'select * from rewards.lot', 'select * from rewards.hold', 'delete from rewards.hold', 'select * from rewards.payout', 'select * from rewards.payout_method',
	'select * from rewards.unit', 'select * from rewards.unrated_usage', 'select rewards.move_wallet(1, 4::smallint, 1000)', 'select rewards.charge_wallets(''{1}'', ''{u}'', ''{-1}'', ''{now}'')', 'select rewards.refund_entry(1, ''x'', ''x'')',
	'select rewards.set_rate_limit(''usage'', 1, ''1 day'')', 'select rewards.count_call(''usage'', ''u'')', 'select rewards.count_usage(''{}'', ''{}'', ''{}'', ''{}'', ''{}'')', 'select rewards.take_back_excess()', 'select rewards.take_back_usage(1, ''x'', true)',
	'select rewards.forget_windows()', 'select * from rewards.rate_window', 'select * from rewards.usage_excess', 'select rewards.set_detector(''burst'', null)', 'select * from rewards.detect_abuse()', 'select * from rewards.flag_suspects(null)', 'select rewards.count_suspects()',
	'select rewards.clear_flag(1, ''x'')', 'select * from rewards.abuse_flag', 'select * from rewards.families(now())', 'select * from rewards.referred_users(now())', 'select rewards.flag_excess(''{}'', ''{}'')',
	'select rewards.make_payout(1, 1, ''points'', null, null, null, false, ''x'')', 'select rewards.record_chat(''u'', 1, null, null, ''chat'', null)', 'select rewards.skip_earnings(true)', 'select rewards.book_expiries()', 'select rewards.close_holds()',
	'select * from rewards.latest_wallet_state(1, 4::smallint)', 'select * from rewards.latest_wallet_lots(1, 4::smallint)', 'select rewards.reverse_unit(1, 1::smallint, ''[]'', 1, ''x'')',
	'select rewards.release_invites(1)', 'select rewards.leave_waitlist(''w@example.com'')', 'select rewards.fold_waitlist()', 'select rewards.invite_waiting(''{1}'', ''approved'')', 'select rewards.make_invite_codes(1, 1, ''x'')',
	'select * from rewards.waitlist_entry', 'delete from rewards.waitlist_entry', 'select * from rewards.waitlist_move', 'select * from rewards.waitlist_block']) command;
-- the number line is no key to other sequences
create sequence rewards_test_sequence;
select isnt(pg_temp.attempt('rewards_test_app', format('select rewards.next_number(%L)', s)), 'done', 'app: next_number of ' || s)
from unnest('{rewards_test_sequence,rewards.account_id_seq}'::text[]) s;
-- the views also of referees that have come further
select lives_ok('insert into rewards.usage_logs (user_id, endpoint) values (''b'', ''/tts'')', 'a referee''s request');
select lives_ok('select rewards.post()', 'post');
-- the analyst
select is(pg_temp.attempt('rewards_test_analyst', format('select count(%I) from rewards.%I', split_part(r.columns, ' ', 1), r.name)), 'done', 'analyst: ' || r.name)
from relation r where r.name <> 'admin_log';
select is(pg_temp.attempt('rewards_test_app', format('select * from rewards.%I', r.name)), 'done', 'app: ' || r.name)
from relation r where r.name <> 'admin_log';
select is(pg_temp.attempt('rewards_test_analyst', command), 'done', 'analyst: ' || command) from unnest(array[
	'select rewards.account_summary(''u'')', 'select rewards.earning_history(''u'')', 'select rewards.provider_earnings(''p'')', 'select rewards.statement(''u'')', 'select rewards.balance(''u'')', 'select rewards.explain_tier(''mixtral'')',
	'select rewards.model_earnings(''a'')', 'select * from rewards.leaderboard_top(''user'', ''all'')', 'select * from rewards.leaderboard_rank(''u'', ''user'', ''all'')',
	'select * from rewards.leaderboard_around(''u'', ''user'', ''all'')', 'select * from rewards.referral_chain(''b'')', 'select * from rewards.referral_network(''a'')',
	'select rewards.referral_stats(''a'')', 'select rewards.referral_quality(''a'')', 'select rewards.referral_analytics(''a'')', 'select rewards.perks(''a'')', 'select status, kind, referee, joined_at from rewards.referrals', 'select rewards.credits(''u'')', 'select rewards.is_mainnet()', 'select rewards.quote(''/tts'', null, 0, 0)', 'copy (select user_id, total_points from rewards.user_points) to stdout csv header', 'select backlog from rewards.status']) command
where command not like 'copy%';
select is(pg_temp.attempt('rewards_test_analyst', command), '42501', 'analyst: ' || command) from unnest(array[
	'select email from rewards.users', 'select * from rewards.accounts', 'select email from rewards.waitlist', 'select * from rewards.waitlist', 'select rewards.join_waitlist(''w@example.com'')', 'select rewards.waitlist_position(''w@example.com'')', 'select rewards.release_invites(1)', 'select * from rewards.referrals', 'select invited_email from rewards.referrals', 'select inviter_email from rewards.referrals', 'select recipient_email from rewards.invite_codes',
	'select rewards.share_referral(''a'', ''z@example.com'', ''x'')', 'select rewards.redeem_code(''x'', ''z@example.com'')', 'select rewards.customize_invite(''a'', ''x'', ''xyz'')', 'select rewards.earn_codes(''a'')', 'select rewards.complete_onboarding(''a'')',
	'select rewards.appeal(''a'', ''user'', ''x'')', 'select rewards.set_status(''a'', ''user'', ''banned'', ''x'')', 'select rewards.person(''a'')', 'select * from rewards.invite_code', 'select * from rewards.account_status', 'select * from rewards.appeal', 'select rewards.take_notifications(1)',
	 'select count(*) from rewards.usage_logs', 'select * from rewards.journal',
	'insert into rewards.usage_logs (user_id, endpoint) values (''u'', ''/tts'')', 'select rewards.track_usage(''x'', ''u'', ''p'', ''/tts'', null, 200, 0, 0, 0)',
	'select rewards.register_account(''z'')', 'select rewards.referral_code(''a'')', 'select rewards.register_model(''z'')', 'select rewards.next_number(''rewards.usage_number'')', 'select rewards.post()',
	'select rewards.repair(''x'')', 'select rewards.revoke_code(''a'', ''x'')', 'select * from rewards.score', 'select * from rewards.network', 'select * from rewards.board_rank(2::smallint, null, ''user'', ''u'')',
	'select rewards.record_uptime(''p'', current_date - 1, 3600)', 'select rewards.set_bonus(''signup'', ''user'', 1000)', 'select rewards.set_multiplier(''u'', ''user'', 2)',
	'select rewards.start_campaign(''mine'', 2, now(), null)', 'select * from rewards.account_fact', 'select * from rewards.uptime', 'select * from rewards.activity',
	'select rewards.deduct_token(''u'')', 'select rewards.authorize_usage(''u'', 1, ''x'')', 'select rewards.release_hold(''x'')', 'select rewards.request_payout(''u'', ''user'', 0.1, ''points'')', 'select rewards.add_credits(''u'', 1)',
	'select rewards.set_rate_limit(''usage'', 1, ''1 day'')', 'select rewards.set_detector(''burst'', null)', 'select * from rewards.detect_abuse()', 'select rewards.clear_flag(1, ''x'')', 'select evidence from rewards.abuse_flags', 'select * from rewards.abuse_flag', 'select * from rewards.rate_window',
	'select rewards.adjust(''u'', ''user'', 1, ''x'')', 'select rewards.reverse_usage(1, ''x'')', 'select rewards.approve_payout(1)', 'select rewards.toggle_mainnet(false)', 'select rewards.maintain()',
	'select * from rewards.wallet', 'select * from rewards.hold', 'select * from rewards.payout', 'select * from rewards.payout_method']) command;
-- what was refused left nothing
select is((select count(*) from rewards.usage_logs), 4::bigint, 'four rows were written');
select is((select rewards.credits('u') || ' ' || rewards.credits('u', 'tokens')), '10 8', 'and two tokens spent');
select is((select string_agg(referee || ' ' || status, ', ' order by referee) from rewards.referrals), 'b onboarded, f@example.com joined', 'two have joined');
select is((select string_agg(code, ' ') from rewards.invite_codes where custom), 'For-My-Friend', 'and a code has another text');
select is((select string_agg(unit || ' ' || amount || ' ' || status, ', ') from rewards.payouts), 'points 0.1 requested', 'one payout was asked for');
select is((select string_agg(account, ' ' order by account) from rewards.accounts where kind = 'user'), 'a b f@example.com u', 'four users are known');
-- an owner that is no superuser could not give its rights away unseen
select is((select count(*) from rewards.admin_log where call = 'grant_access'), 2::bigint, 'grants are on record');
select * from finish();
rollback;
