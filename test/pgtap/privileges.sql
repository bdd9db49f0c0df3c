-- Every object of the schema, and who reaches it: PUBLIC and a role with each of the
-- six accesses. What is reachable must be exactly what stands here, so a new call, view, column,
-- table, sequence or type without a line fails.
\set ON_ERROR_STOP 1
begin;
select * from no_plan();
select lives_ok('select rewards.install()', 'install()');
create role rewards_test_none;
create role rewards_test_app;
create role rewards_test_billing;
create role rewards_test_operator;
create role rewards_test_analyst;
create role rewards_test_admin;
create role rewards_test_member;
create role rewards_test_bound;
select lives_ok(format('select rewards.grant_access(%L, %L)', 'rewards_test_' || a, a), 'grant_access ' || a) from unnest('{app,billing,operator,analyst,admin,member}'::text[]) a;
select lives_ok($$select rewards.grant_access('rewards_test_bound', 'member', 'u')$$, 'grant_access member with an account');
revoke all on parameter "rewards.account" from rewards_test_member;
revoke all on function rewards.post(bigint) from rewards_test_operator;
select lives_ok('select rewards.install()', 'install() renews what is granted');
create temp table role_access (role text, access text);
insert into role_access select 'rewards_test_' || a, a from unnest('{none,app,billing,operator,analyst,admin,member}'::text[]) a;
insert into role_access values ('rewards_test_bound', 'member');

/* ---- functions: name, whether PUBLIC may call it, and the accesses that may; all others nobody but the owner ---- */

create temp table callable (name text, accesses text);
insert into callable values
	/* harmless: the type, its operators, names and constants */
	('distribution_in', 'public'), ('distribution_out', 'public'), ('distribution_recv', 'public'), ('distribution_send', 'public'),
	('distribution_eq', 'public'), ('distribution_ne', 'public'), ('distribution_hash', 'public'), ('shares', 'public'),
	('entry_name', 'public'), ('entry_number', 'public'), ('month', 'public'), ('caller', 'public'), ('me', 'public'),
	('library_version', 'public'), ('setting_defaults', 'public'),
	/* what views call */
	('require_installed', 'app billing operator analyst admin member'), ('reads_all', 'app billing operator analyst admin member'),
	('limited_to', 'app billing operator analyst admin member'), ('setting', 'app billing operator analyst admin member'), ('today', 'app billing operator analyst admin member'),
	('tail_totals', 'app billing analyst admin member'), ('tail_models', 'app billing analyst admin member'), ('tail_accounts', 'app billing analyst admin member'),
	('expired_part', 'app billing analyst admin member'), ('board_name', 'app billing analyst admin member'), ('own_places', 'app billing analyst admin member'),
	('tail_state', 'app operator analyst admin'), ('tail_events', 'app operator analyst admin'), ('tail_unpriced', 'app operator analyst admin'), ('partitions_ahead', 'app operator analyst admin'), ('kept_for', 'app operator analyst admin'), ('verify_steps', 'app operator analyst admin'), ('worker_state', 'app operator analyst admin'), ('cache_state', 'app operator analyst admin'), ('oldest_writer', 'app operator analyst admin'), ('detector_defaults', 'app operator analyst admin'),
	('tail_traffic', 'app analyst admin'), ('tail_attendance', 'app analyst admin'), ('tail_cohorts', 'app analyst admin'), ('tail_model_days', 'app analyst admin'), ('tail_referees', 'app analyst admin'), ('tail_uses', 'app analyst admin'), ('value_of_referees', 'app analyst admin'), ('posted', 'app analyst admin'),
	('next_number', 'app admin'),
	/* reading */
	('balance', 'app billing analyst admin member'), ('statement', 'app billing analyst admin member'), ('credits', 'app billing analyst admin member'),
	('quote', 'app billing analyst admin member'), ('is_mainnet', 'app billing analyst admin member'), ('model_earnings', 'app billing analyst admin member'),
	('earning_history', 'app analyst admin member'), ('account_summary', 'app analyst admin member'), ('provider_earnings', 'app analyst admin member'), ('shares_of', 'app analyst admin member'), ('explain_reward', 'app analyst admin member'),
	('explain_tier', 'app analyst admin member'), ('leaderboard_rank', 'app analyst admin member'), ('perks', 'app analyst admin member'), ('referral_chain', 'app analyst admin member'),
	('referral_network', 'app analyst admin member'), ('referral_stats', 'app analyst admin member'), ('referral_quality', 'app analyst admin member'), ('referral_analytics', 'app analyst admin member'),
	('spark', 'app analyst admin member'), ('report_html', 'analyst admin'), ('leaderboard_top', 'app analyst admin'), ('leaderboard_around', 'app analyst admin'),
	/* running it */
	('post', 'operator admin'), ('maintain', 'operator admin'), ('remove_partitions', 'operator admin'), ('verify', 'operator admin'), ('start_worker', 'operator admin'), ('stop_worker', 'operator admin'), ('resume_worker', 'operator admin');
insert into callable select n, 'app admin' from unnest('{track_usage,deduct_token,authorize_usage,release_hold,record_uptime,register_account,register_model,register_character,
	complete_onboarding,appeal,referral_code,referral_signup,share_referral,redeem_code,customize_invite,earn_codes,join_waitlist,waitlist_position,take_notifications,notification_done}'::text[]) n;
insert into callable select n, 'billing admin' from unnest('{add_credits,refund_credits,set_payout_method,approve_payout,complete_payout,fail_payout}'::text[]) n;
insert into callable values ('request_payout', 'app billing admin');
insert into callable select n, 'admin' from unnest('{load_preset,simulate,set_setting,set_retention,set_tier,set_service,set_model_pattern,set_user_share,set_uptime_points,set_creator_rate,set_referral_rates,set_referral_kinds,
	set_bonus,set_streak_multiplier,set_multiplier,start_campaign,end_campaign,set_milestone,set_days_reward,set_quality,set_quality_bonus,set_quality_threshold,set_detector,set_rate_limit,
	set_model_owner,set_pricing,init_pricing,toggle_mainnet,set_token_cost,set_payout_rule,set_status,sanction,resolve_appeal,revoke_rewards,revoke_code,release_invites,detect_abuse,clear_flag,close_review,
	adjust,reverse_usage,reverse_journal,rerate,repair,audit_reward,grant_access,revoke_access}'::text[]) n;

select is(c.n, 1::bigint, 'one line for ' || c.name) from (select name, count(*) as n from callable group by name) c where c.n <> 1;
select is_empty($$
	select p.oid::regprocedure, 'public' from pg_proc p left join callable c on c.name = p.proname
	where p.pronamespace = 'rewards'::regnamespace and has_function_privilege('public', p.oid, 'execute') <> (c.accesses is not distinct from 'public')
	$$, 'what PUBLIC may call is what stands here');
select is_empty($$
	select p.oid::regprocedure, r.role from pg_proc p cross join role_access r left join callable c on c.name = p.proname
	where p.pronamespace = 'rewards'::regnamespace
		and has_function_privilege(r.role, p.oid, 'execute') <> (c.accesses is not distinct from 'public' or coalesce(r.access = any (string_to_array(c.accesses, ' ')), false))
	$$, 'what each access may call is what stands here');
select is_empty($$select c.name from callable c where not exists (select from pg_proc p where p.pronamespace = 'rewards'::regnamespace and p.proname = c.name)$$, 'and all of it is there');
select is_empty($$
	select p.oid::regprocedure, r.role from pg_proc p cross join role_access r
	where p.pronamespace = 'rewards'::regnamespace and has_function_privilege(r.role, p.oid, 'execute with grant option')
	$$, 'nobody may pass a call on');

/* ---- relations ---- */

create temp table readable (name text, accesses text);
insert into readable select v, 'app analyst admin member' from unnest('{account_statuses,appeals,referral_codes,referral_relationships,referrals,invite_codes,quality_history,provider_rewards,user_points,
	referral_points_by_level,daily_points,leaderboard,streaks,model_usage_logs,notifications,models,characters,tiers,services,model_patterns,referral_rates,referral_kinds,bonuses,
	streak_multipliers,campaigns}'::text[]) v;
insert into readable select v, 'app billing analyst admin member' from unnest('{accounts,users,user_credits,credit_transactions,token_transactions,credit_holds,payouts,ledger,
	model_creator_earnings,user_models,pricing,pricing_history}'::text[]) v;
insert into readable select v, 'app operator analyst admin' from unnest('{status,settings,partitions,removals}'::text[]) v;
insert into readable select v, 'app analyst admin' from unnest('{abuse_flags,detectors,rate_limits,reviews,rules,seals,referral_growth,unmatched_models,waitlist,
	usage_by_day,usage_by_hour,usage_by_service,revenue_by_month,revenue_projection,provider_performance,user_engagement,retention_cohorts,referral_funnel,viral_coefficient,
	top_influencers,creator_trends,traffic_lines,tail_doings,tail_beginnings,edge_lines,tail_edges,edge_counts,influence_lines,tail_values,
	referral_stages,folded_stages,tail_stages,pending_months,
	present_statuses,model_facts,month_lines,day_lines,board_lines,wallet_lines,wallet_sums,credit_movements}'::text[]) v;
insert into readable values ('usage_logs', 'app admin'), ('admin_log', 'admin');
-- columns of these that an access does not read
create temp table hidden (name text, access text, columns text);
insert into hidden
select v, a, c from (values
	('accounts', 'email'), ('users', 'email'), ('waitlist', 'email'), ('invite_codes', 'recipient_email'), ('referrals', 'inviter_email invited_email'), ('abuse_flags', 'evidence')) h(v, c)
cross join unnest('{analyst,billing,operator}'::text[]) a
union all
select v, 'member', c from (values ('account_statuses', 'updated_by'), ('appeals', 'resolved_by'), ('bonuses', 'updated_by'), ('campaigns', 'updated_by'), ('credit_transactions', 'updated_by'),
	('model_patterns', 'updated_by'), ('payouts', 'requested_by approved_by ended_by'), ('pricing', 'updated_by'), ('pricing_history', 'updated_by'), ('referral_kinds', 'updated_by'),
	('referral_rates', 'updated_by'), ('services', 'updated_by'), ('streak_multipliers', 'updated_by'), ('tiers', 'updated_by'), ('token_transactions', 'updated_by')) h(v, c);

create temp view may as
select c.relname, c.relkind, a.attname, a.attnum, c.oid, r.role, r.access from pg_class c join pg_attribute a on a.attrelid = c.oid and not a.attisdropped cross join role_access r
where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f');
select is_empty($$
	select m.relname, m.attname, m.role from may m left join readable t on t.name = m.relname left join hidden h on h.name = m.relname and h.access = m.access
	where m.attnum > 0 and has_column_privilege(m.role, m.oid, m.attnum, 'select')
		<> (coalesce(m.access = any (string_to_array(t.accesses, ' ')), false) and not coalesce(m.attname = any (string_to_array(h.columns, ' ')), false))
	$$, 'the columns that each access reads are those that stand here');
select is_empty($$
	select m.relname, m.attname, m.role from may m
	where has_column_privilege(m.role, m.oid, m.attnum, 'insert') <> (m.relname = 'usage_logs' and m.access in ('app', 'admin') and m.attname = any
		('{request_id,user_id,provider_id,endpoint,model,character_id,usage_type,status_code,input_tokens,output_tokens,latency_ms,created_at}'::text[]))
		or has_column_privilege(m.role, m.oid, m.attnum, 'update') or has_column_privilege(m.role, m.oid, m.attnum, 'references')
	$$, 'app and admin insert the application''s columns of usage_logs; nobody updates or refers to any');
select is_empty($$
	select distinct m.relname, m.role, p from may m cross join unnest('{insert,update,delete,truncate,references,trigger}'::text[]) p where has_table_privilege(m.role, m.oid, p)
	union all
	select distinct m.relname, m.role, 'select' from may m where m.attnum < 0 and m.relname <> 'usage_logs' and has_column_privilege(m.role, m.oid, m.attnum, 'select')
	$$, 'nobody has more on a relation, system columns included');
select is_empty($$select t.name from readable t where to_regclass('rewards.' || t.name) is null$$, 'and all of it is there');
select is_empty($$
	select c.oid::regclass, r.role from pg_class c cross join (select role from role_access union all select 'public') r
	where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'S'
		and (has_sequence_privilege(r.role, c.oid, 'usage') or has_sequence_privilege(r.role, c.oid, 'select') or has_sequence_privilege(r.role, c.oid, 'update'))
	$$, 'sequences are nobody''s');
select is_empty($$
	select c.oid::regclass from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p', 'v') and (has_table_privilege('public', c.oid, 'select, insert, update, delete, truncate, references, trigger')
		or has_any_column_privilege('public', c.oid, 'select, insert, update, references'))
	$$, 'PUBLIC has no relation');

-- tables are shut by row-level security without a policy, but for the one that applications write
select is_empty($$
	select c.oid::regclass from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p')
		and c.relrowsecurity <> (c.relname !~ '^usage_logs(_|$)') or c.relforcerowsecurity and c.relnamespace = 'rewards'::regnamespace
	$$, 'row-level security is on wherever it can be');
select is_empty($$select polname from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = 'rewards'::regnamespace$$, 'without a policy');
-- views with lines of accounts let no condition of the reader's before their own
select is_empty($$
	select c.oid::regclass from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v'
		and has_any_column_privilege('rewards_test_member', c.oid, 'select') and not coalesce('security_barrier=true' = any (c.reloptions), false)
		and exists (select from pg_depend d join pg_rewrite w on w.oid = d.objid
			where w.ev_class = c.oid and d.classid = 'pg_rewrite'::regclass and d.refobjid in (
				select t.oid from pg_class t where t.relnamespace = 'rewards'::regnamespace and t.relname in ('account', 'month_lines', 'day_lines', 'wallet_lines', 'wallet_sums', 'credit_movements', 'accounts')))
	$$, 'what a member is granted of accounts is a security barrier');
-- whatever a member reads knows that there are limits
select is_empty($$
	with recursive below(view, part) as (
		select c.oid, c.oid from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v' and has_any_column_privilege('rewards_test_member', c.oid, 'select')
		union
		select b.view, d.refobjid from below b join pg_rewrite w on w.ev_class = b.part join pg_depend d on d.objid = w.oid and d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
	)
	select distinct b.view::regclass from below b join pg_class c on c.oid = b.part
	where c.relname in ('account', 'account_status', 'activity', 'appeal', 'code', 'day_total', 'hold', 'invite_code', 'journal', 'model_total', 'month_total', 'notification', 'payout', 'quality_score', 'referral', 'score', 'usage_logs', 'wallet')
		and not exists (select from below o join pg_rewrite w on w.ev_class = o.part join pg_depend d on d.objid = w.oid and d.classid = 'pg_rewrite'::regclass
			where o.view = b.view and d.refclassid = 'pg_proc'::regclass and d.refobjid = 'rewards.reads_all()'::regprocedure)
	$$, 'a view with data of accounts asks reads_all()');

/* ---- the schema, types, the parameter, what else there could be ---- */

select is_empty($$
	select r.role, p from (select role, access from role_access union all select 'public', 'none') r cross join unnest('{usage,create}'::text[]) p
	where has_schema_privilege(r.role, 'rewards', p) <> (p = 'usage' and r.access <> 'none')
	$$, 'the schema is used by who has an access, and nobody creates in it');
select is_empty($$
	select t.oid::regtype from pg_type t where t.typnamespace = 'rewards'::regnamespace and t.typelem = 0
		and not exists (select from pg_class c where c.reltype = t.oid and c.relkind <> 'c')
		and t.typname <> all ('{distribution,board_place,price_set,chain_member,network_member}'::name[])
	$$, 'types: those of results and the distribution, whoever may use a type');
select is((select string_agg(acl.grantee::regrole || ' ' || acl.privilege_type, ', ' order by 1) from pg_parameter_acl p, aclexplode(p.paracl) acl
		where p.parname = 'rewards.account' and acl.grantee::regrole::text ~ '^rewards_test'), 'rewards_test_member SET', 'rewards.account is set by a member without an account');
select is_empty($$select parname from pg_parameter_acl where parname ~ '^rewards\.' and parname <> 'rewards.account'$$, 'no other parameter was granted');
select is((select string_agg(name || ' ' || context, ', ' order by name) from pg_settings where name ~ '^rewards\.'), 'rewards.account superuser, rewards.cache_size user, rewards.databases sighup', 'the server parameters and who sets them');
select is_empty($$
	select defaclobjtype from pg_default_acl d, aclexplode(d.defaclacl) a where d.defaclnamespace = 'rewards'::regnamespace
	$$, 'nothing is granted beforehand');
select is_empty($$
	select 'operator' from pg_operator o where o.oprnamespace = 'rewards'::regnamespace and o.oprname not in ('=', '<>')
	union all select 'collation' from pg_collation where collnamespace = 'rewards'::regnamespace
	union all select 'conversion' from pg_conversion where connamespace = 'rewards'::regnamespace
	union all select 'text search' from pg_ts_config where cfgnamespace = 'rewards'::regnamespace
	union all select 'dictionary' from pg_ts_dict where dictnamespace = 'rewards'::regnamespace
	union all select 'statistics' from pg_statistic_ext where stxnamespace = 'rewards'::regnamespace
	union all select 'publication' from pg_publication_namespace where pnnspid = 'rewards'::regnamespace
	$$, 'and no object of a kind that this file does not look at');

/* ---- definers ---- */

select is_empty($$
	select p.oid::regprocedure from pg_proc p where p.pronamespace = 'rewards'::regnamespace and p.prosecdef
		and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)
	$$, 'every SECURITY DEFINER function pins its search_path');
-- a polymorphic or composite argument could bring a type, and its functions, of the caller's own
select is_empty($$
	select p.oid::regprocedure, t::regtype from pg_proc p cross join lateral unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) t join pg_type y on y.oid = t
	where p.pronamespace = 'rewards'::regnamespace and p.prosecdef and (y.typtype = 'p' and y.typname <> 'record' or y.typnamespace not in ('pg_catalog'::regnamespace, 'rewards'::regnamespace))
	$$, 'no definer takes a value of a type that it does not know');
select is_empty($$
	select p.oid::regprocedure from pg_proc p where p.pronamespace = 'rewards'::regnamespace and p.prosecdef and p.prosrc ~* '\mexecute\M'
		and p.proname not in ('install', 'uninstall', 'grant_access', 'revoke_access')
	$$, 'SQL put together at run time: only by these');
-- revoked, nothing is left
select lives_ok(format('select rewards.revoke_access(%L)', r.role), 'revoke_access ' || r.access) from role_access r where r.access <> 'none';
select is_empty($$
	select r.role, p.oid::regprocedure::text from role_access r, pg_proc p where p.pronamespace = 'rewards'::regnamespace and has_function_privilege(r.role, p.oid, 'execute') and not has_function_privilege('public', p.oid, 'execute')
	union all select m.role, m.relname || '.' || m.attname from may m where has_column_privilege(m.role, m.oid, m.attnum, 'select, insert, update, references')
	union all select r.role, 'schema' from role_access r where has_schema_privilege(r.role, 'rewards', 'usage, create')
	union all select a.grantee::regrole::text, p.parname from pg_parameter_acl p, aclexplode(p.paracl) a where a.grantee::regrole::text ~ 'rewards_test'
	$$, 'revoke_access takes everything');
select is_empty('select from rewards.access', 'and forgets it');
select * from finish();
rollback;
