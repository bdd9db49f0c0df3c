/*
 * Who may do what: grant_access() and revoke_access(), and the one list that they go by.
 * Accesses are app, billing, operator, analyst, admin and member. Only a member is
 * limited to one account; src/reader.c tells which.
 */

create function rewards.access_names() returns text[]
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select '{app,billing,operator,analyst,admin,member}'::text[] $$;
revoke all on function rewards.access_names() from public;
comment on function rewards.access_names() is 'the accesses there are';

create function rewards.access_lists() returns table (sort text, accesses text, names text)
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	values
	/* what views and defaults call */
	('routine', 'app billing operator analyst admin member', 'require_installed reads_all limited_to setting today'),
	('routine', 'app billing analyst admin member', 'tail_totals tail_models tail_accounts expired_part board_name own_places'),
	('routine', 'app operator analyst admin', 'tail_state tail_events tail_unpriced partitions_ahead kept_for verify_steps worker_state cache_state oldest_writer detector_defaults'),
	('routine', 'app analyst admin', 'tail_traffic tail_attendance tail_cohorts tail_model_days tail_referees tail_uses posted value_of_referees'),
	('routine', 'app admin', 'next_number'),
	/* reading calls: a member asks for its own account */
	('routine', 'app billing analyst admin member', 'balance statement credits quote is_mainnet model_earnings'),
	('routine', 'app analyst admin member', 'earning_history account_summary provider_earnings spark shares_of explain_reward explain_tier leaderboard_rank perks
		referral_chain referral_network referral_stats referral_quality referral_analytics'),
	('routine', 'app analyst admin', 'leaderboard_top leaderboard_around'),
	('routine', 'analyst admin', 'report_html'),
	/* what happens */
	('routine', 'app admin', 'track_usage deduct_token authorize_usage release_hold record_uptime
		register_account register_model register_character complete_onboarding appeal
		referral_code referral_signup share_referral redeem_code customize_invite earn_codes
		join_waitlist waitlist_position take_notifications notification_done'),
	/* money */
	('routine', 'app billing admin', 'request_payout'),
	('routine', 'billing admin', 'add_credits refund_credits set_payout_method approve_payout complete_payout fail_payout'),
	/* running it */
	('routine', 'operator admin', 'post maintain remove_partitions verify start_worker stop_worker resume_worker'),
	/* rules, and people */
	('routine', 'admin', 'load_preset simulate set_setting set_retention set_tier set_service set_model_pattern set_user_share set_uptime_points set_creator_rate
		set_referral_rates set_referral_kinds set_bonus set_streak_multiplier set_multiplier start_campaign end_campaign
		set_milestone set_days_reward set_quality set_quality_bonus set_quality_threshold set_detector set_rate_limit
		set_model_owner set_pricing init_pricing toggle_mainnet set_token_cost set_payout_rule
		set_status sanction resolve_appeal revoke_rewards revoke_code release_invites detect_abuse clear_flag close_review
		adjust reverse_usage reverse_journal rerate repair audit_reward grant_access revoke_access'),
	/* the views of rules concern nobody; the rest are limited to a member's account. app, analyst and admin read every view */
	('view', 'billing', 'accounts users user_credits credit_transactions token_transactions credit_holds payouts ledger pricing pricing_history
		model_creator_earnings user_models'),
	('view', 'operator', 'status settings partitions removals'),
	('view', 'member', 'accounts users account_statuses appeals referral_codes referral_relationships referrals invite_codes quality_history
		provider_rewards user_points referral_points_by_level daily_points leaderboard streaks ledger
		model_creator_earnings model_usage_logs user_models user_credits credit_transactions token_transactions credit_holds payouts notifications
		models characters tiers services model_patterns referral_rates referral_kinds bonuses streak_multipliers campaigns pricing pricing_history')
$$;
revoke all on function rewards.access_lists() from public;
comment on function rewards.access_lists() is
	'which calls and views belong to which accesses; a call that is not here belongs to none, and a view to app, analyst and admin (X1)';

create function rewards.access_routines(access text) returns setof regprocedure
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select p.oid::regprocedure
	from pg_proc p
	where p.pronamespace = 'rewards'::regnamespace and p.proname::text in (
		select regexp_split_to_table(l.names, '[[:space:]]+') from rewards.access_lists() l
		where l.sort = 'routine' and access_routines.access = any (string_to_array(l.accesses, ' ')))
$$;
revoke all on function rewards.access_routines(text) from public;
comment on function rewards.access_routines(text) is 'the functions that a kind of access may call';

create function rewards.access_columns(access text) returns table (relation regclass, columns text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select c.oid::regclass, string_agg(quote_ident(a.attname), ', ' order by a.attnum)
	from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
	where c.relnamespace = 'rewards'::regnamespace
		and case when c.relkind = 'v'
			then access in ('app', 'analyst', 'admin') or c.relname::text in (
				select regexp_split_to_table(l.names, '[[:space:]]+') from rewards.access_lists() l where l.sort = 'view' and l.accesses = access)
			else c.relname = 'usage_logs' and access in ('app', 'admin') or c.relname = 'admin_log' and access = 'admin' end
		and case
			when access in ('app', 'admin') then true
			/* e-mails are its own and its guests'; who of the staff did something is not its business */
			when access = 'member' then a.attname !~ '(updated|resolved|requested|approved|ended)_by$'
			/* what a flag rests on may be an e-mail, too */
			else a.attname !~ 'email$' and (c.relname, a.attname) <> ('abuse_flags', 'evidence') end
	group by c.oid
$$;
revoke all on function rewards.access_columns(text) from public;
comment on function rewards.access_columns(text) is 'the relations that a kind of access may read, and which of their columns';

create function rewards.apply_access(role regrole, access text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	routine regprocedure;
	readable record;
begin
	execute format('grant usage on schema rewards to %s', role);
	for routine in select * from rewards.access_routines(access) loop
		execute format('grant execute on function %s to %s', routine, role);
	end loop;
	for readable in select * from rewards.access_columns(access) loop
		execute format('grant select (%s) on %s to %s', readable.columns, readable.relation, role);
	end loop;
	if access in ('app', 'admin') then
		/* all of it, for count(*) and whole rows */
		execute format('grant select on rewards.usage_logs to %s', role);
		execute format('grant insert (request_id, user_id, provider_id, endpoint, model, character_id, usage_type,
			status_code, input_tokens, output_tokens, latency_ms, created_at) on rewards.usage_logs to %s', role);
	elsif access = 'member' then
		/* who is bound may not say that it is somebody else, and need not */
		execute format(case when exists (
				select from rewards.access a where a.role = apply_access.role::text and a.access = 'member' and a.account is null)
			then 'grant set on parameter "rewards.account" to %s' else 'revoke all on parameter "rewards.account" from %s' end, role);
	end if;
end
$$;
revoke all on function rewards.apply_access(regrole, text) from public;
comment on function rewards.apply_access(regrole, text) is 'the GRANTs of a kind of access';

create function rewards.take_access(role regrole, relations boolean) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	granted text;
begin
	/* only what was granted: REVOKE would write down the defaults of all else */
	for granted in
		select format('function %s', p.oid::regprocedure) from pg_proc p
		where p.pronamespace = 'rewards'::regnamespace and exists (select from aclexplode(p.proacl) a where a.grantee = role)
		union all
		select format('table %s', c.oid::regclass) from pg_class c
		where relations and c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p', 'v')
			and (exists (select from aclexplode(c.relacl) a where a.grantee = role)
				or exists (select from pg_attribute t cross join lateral aclexplode(t.attacl) a where t.attrelid = c.oid and a.grantee = role))
	loop
		execute format('revoke all on %s from %s', granted, role);
	end loop;
end
$$;
revoke all on function rewards.take_access(regrole, boolean) from public;
comment on function rewards.take_access(regrole, boolean) is 'takes the calls from a role, and the relations if so wanted';

create function rewards.lock_access() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	/* readers go on; two GRANTs on one object at a time would be an error of PostgreSQL's */
	lock table rewards.access in share row exclusive mode;
end
$$;
revoke all on function rewards.lock_access() from public;
comment on function rewards.lock_access() is
	'lets one session at a time give or take accesses, until its transaction ends, so that what it logs as before is what was before';

create function rewards.settle_access() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	set quote_all_identifiers = off
as $$
declare
	here text := rewards.database_identity();
begin
	/* a role that is gone gives nothing to who gets its name, here or in a restored database */
	delete from rewards.access a
	where a.identity = here and not exists (select from pg_roles r where r.oid = a.role_number);
	/* what was written down twice, under two names of one role */
	delete from rewards.access a
	where a.identity = here and exists (
		select from rewards.access b join pg_roles r on r.oid = b.role_number
		where b.identity = here and b.role_number = a.role_number and b.access = a.access and b.role = quote_ident(r.rolname) and a.role <> b.role);
	/* names may have been exchanged, so all of them are freed first; no name is quoted like this */
	update rewards.access a set role = '"' || a.role_number
	from pg_roles r where a.identity = here and r.oid = a.role_number and a.role <> quote_ident(r.rolname);
	/* who had the name in another database is not who has it here now */
	delete from rewards.access a using rewards.access b join pg_roles r on r.oid = b.role_number
	where b.identity = here and b.role = '"' || b.role_number and a.role = quote_ident(r.rolname) and a.access = b.access;
	update rewards.access a set role = quote_ident(r.rolname)
	from pg_roles r where a.identity = here and r.oid = a.role_number and a.role = '"' || a.role_number;
end
$$;
revoke all on function rewards.settle_access() from public;
comment on function rewards.settle_access() is
	'brings the names in rewards.access up to date with the roles they stand for: dropped, renamed, or quoted otherwise';

create function rewards.renew_access() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	set quote_all_identifiers = off
as $$
declare
	here text := rewards.database_identity();
begin
	perform rewards.lock_access();
	perform rewards.settle_access();
	/* in a restored or copied database the name counts, and missing roles may still come */
	update rewards.access a set role_number = r.oid, identity = here
	from pg_roles r where a.identity is distinct from here and a.role = quote_ident(r.rolname);
	/* an older version may have given calls that are no longer anybody's */
	perform rewards.take_access(a.role_number::regrole, false) from (select distinct a.role_number from rewards.access a where a.identity = here) a;
	perform rewards.apply_access(a.role_number::regrole, a.access) from rewards.access a where a.identity = here;
end
$$;
revoke all on function rewards.renew_access() from public;
comment on function rewards.renew_access() is 'gives again what grant_access() has given; install() calls it';

create function rewards.access_of(role regrole) returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('access', a.access, 'account', b.name, 'kind', b.kind)) order by a.access), '[]')
	from rewards.access a left join rewards.account b on b.id = a.account
	where a.role = access_of.role::text
$$;
revoke all on function rewards.access_of(regrole) from public;
comment on function rewards.access_of(regrole) is 'the accesses that a role has been given, for the admin log';

create function rewards.guard_tables() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	unguarded regclass;
begin
	/*
	 * Row-level security without a policy shows no row to anybody but the owner,
	 * whatever is granted. usage_logs has none: applications read it, and PostgreSQL
	 * refuses COPY FROM to them where it is on.
	 */
	for unguarded in
		select c.oid::regclass from pg_class c
		where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
			and c.relname <> 'usage_logs' and not c.relrowsecurity
		order by c.relname
	loop
		execute format('alter table %s enable row level security', unguarded);
	end loop;
end
$$;
revoke all on function rewards.guard_tables() from public;
comment on function rewards.guard_tables() is 'shuts the tables to careless grants; install() calls it';

create function rewards.role_named(role text) returns regrole
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	found regrole := to_regrole(quote_ident(role));
begin
	perform rewards.check_not_null(role, 'role');
	if found is null then
		raise exception 'role "%" does not exist', role
			using errcode = 'undefined_object', hint = 'Make it by CREATE ROLE.';
	end if;
	return found;
end
$$;
revoke all on function rewards.role_named(text) from public;
comment on function rewards.role_named(text) is 'a role by its name; 22004 or 42704';

create function rewards.grant_access(role text, access text, account text default null, kind text default 'user') returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	set quote_all_identifiers = off
as $$
declare
	grantee regrole;
	number bigint;
	together text[];
	before jsonb;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(role, 'role');
	perform rewards.check_not_null(access, 'access');
	if access <> all (rewards.access_names()) then
		raise exception 'there is no access "%"', access
			using errcode = 'invalid_parameter_value', hint = 'Accesses are app, billing, operator, analyst, admin and member.';
	elsif account is not null and access <> 'member' then
		raise exception 'access "%" is not bound to an account', access
			using errcode = 'invalid_parameter_value', hint = 'Leave out the account.';
	end if;
	grantee := rewards.role_named(role);
	if account is not null then
		perform rewards.check_kind(kind);
		perform rewards.check_id(account, 'account');
		number := (rewards.ensure_account(kind, account)).number;
	end if;
	perform rewards.lock_access();
	perform rewards.settle_access();
	/* a role of this name that another database had counts here as far as its GRANTs are here */
	delete from rewards.access a
	where a.role = grantee::text and a.identity is distinct from rewards.database_identity()
		and exists (select from rewards.access_routines(a.access) r where not has_function_privilege(grantee, r, 'execute'));
	together := array(select a.access from rewards.access a where a.role = grantee::text) || grant_access.access;
	if 'member' = any (together) and together && '{billing,operator,analyst}' and not together && '{app,admin}' then
		raise exception 'a role is a member, or has access "%"', (select t.access from unnest(together) t(access) where t.access <> 'member' limit 1)
			using errcode = 'invalid_parameter_value', detail = 'Together they would show of all accounts what a member is to see of its own.',
				hint = 'Make a role for each, or call revoke_access() first.';
	end if;
	before := rewards.access_of(grantee);
	insert into rewards.access as a (role, access, role_number, identity, account)
	values (grantee::text, grant_access.access, grantee, rewards.database_identity(), number)
	on conflict on constraint access_pkey do update
		set role_number = excluded.role_number, identity = excluded.identity, account = excluded.account;
	perform rewards.apply_access(grantee, access);
	perform rewards.log_call('grant_access', jsonb_build_object('role', role, 'access', access, 'account', account, 'kind', kind),
		before, rewards.access_of(grantee), rewards.caller()::text);
end
$$;
revoke all on function rewards.grant_access(text, text, text, text) from public;
comment on function rewards.grant_access(text, text, text, text) is
	'gives a role an access: app, billing, operator, analyst, admin, or member of one account, of the given one or of that which rewards.account or request.jwt.claims name; remembered and renewed by install() (X1, X4)';

create function rewards.revoke_access(role text) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	set quote_all_identifiers = off
as $$
declare
	grantee regrole;
	before jsonb;
begin
	perform rewards.require_installed();
	grantee := rewards.role_named(role);
	perform rewards.lock_access();
	perform rewards.settle_access();
	before := rewards.access_of(grantee);
	perform rewards.take_access(grantee, true);
	execute format('revoke all on schema rewards from %s', grantee);
	execute format('revoke all on parameter "rewards.account" from %s', grantee);
	delete from rewards.access a where a.role = grantee::text;
	perform rewards.log_call('revoke_access', jsonb_build_object('role', role), before, '[]', rewards.caller()::text);
end
$$;
revoke all on function rewards.revoke_access(text) from public;
comment on function rewards.revoke_access(text) is 'takes every access to the schema from a role';
