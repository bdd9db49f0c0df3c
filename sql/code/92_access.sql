/* Who may do what: grant_access() and revoke_access(). */

create function rewards.access_routines(access text) returns setof regprocedure
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select p.oid::regprocedure
	from pg_proc p
	where p.pronamespace = 'rewards'::regnamespace and p.proname::text = any (
		/* what the views call */
		array['tail_totals', 'tail_models', 'tail_accounts', 'tail_events', 'tail_unpriced', 'wallet_expired', 'open_holds', 'partitions_ahead', 'board_name', 'today', 'setting', 'is_active', 'detector_defaults']
		|| case when access in ('app', 'analyst') then
			array['require_installed', 'earning_history', 'account_summary', 'balance', 'statement', 'shares_of',
				'explain_reward', 'explain_tier', 'model_earnings', 'leaderboard_top', 'leaderboard_rank', 'leaderboard_around',
				'referral_chain', 'referral_network', 'referral_stats', 'referral_quality', 'referral_analytics', 'perks', 'credits', 'is_mainnet', 'quote'] end
		|| case when access = 'app' then
			array['next_number', 'track_usage', 'register_account', 'register_model', 'register_character',
				'referral_code', 'referral_signup', 'record_uptime', 'deduct_token', 'authorize_usage', 'release_hold',
				'share_referral', 'redeem_code', 'customize_invite', 'complete_onboarding', 'earn_codes', 'appeal',
				'request_payout', 'join_waitlist', 'waitlist_position', 'take_notifications', 'notification_done'] end)
$$;
revoke all on function rewards.access_routines(text) from public;
comment on function rewards.access_routines(text) is 'the functions that a kind of access may call';

create function rewards.apply_access(role regrole, access text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	routine regprocedure;
	relation record;
begin
	execute format('grant usage on schema rewards to %s', role);
	for routine in select * from rewards.access_routines(access) loop
		execute format('grant execute on function %s to %s', routine, role);
	end loop;
	for relation in
		select c.oid::regclass as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
			/* what a flag rests on may be an e-mail, too */
			and (access = 'app' or (c.relname, a.attname) <> ('abuse_flags', 'evidence'))
		where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v'
			and (access = 'app' or a.attname !~ 'email$')
		group by c.oid
	loop
		execute format('grant select (%s) on %s to %s', relation.columns, relation.name, role);
	end loop;
	if access = 'app' then
		execute format('grant select on rewards.usage_logs to %s', role);
		execute format('grant insert (request_id, user_id, provider_id, endpoint, model, character_id, usage_type,
			status_code, input_tokens, output_tokens, latency_ms, created_at) on rewards.usage_logs to %s', role);
	end if;
end
$$;
revoke all on function rewards.apply_access(regrole, text) from public;
comment on function rewards.apply_access(regrole, text) is 'the GRANTs of a kind of access';

create function rewards.renew_access() returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	/* roles may have been dropped since */
	delete from rewards.access a where not exists (select from pg_roles r where r.oid = a.role);
	perform rewards.apply_access(a.role, a.access) from rewards.access a;
end
$$;
revoke all on function rewards.renew_access() from public;
comment on function rewards.renew_access() is 'gives again what grant_access() has given; install() calls it';

create function rewards.grant_access(role text, access text, account text default null, kind text default 'user') returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	grantee regrole;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(role, 'role');
	perform rewards.check_not_null(access, 'access');
	if access not in ('app', 'analyst') then
		raise exception 'there is no access "%"', access
			using errcode = 'invalid_parameter_value', hint = 'Accesses are app and analyst.';
	elsif account is not null then
		raise exception 'access "%" is not bound to an account', access
			using errcode = 'invalid_parameter_value', hint = 'Leave out the account.';
	end if;
	grantee := to_regrole(quote_ident(role));
	if grantee is null then
		raise exception 'role "%" does not exist', role
			using errcode = 'undefined_object', hint = 'Make it by CREATE ROLE.';
	end if;
	insert into rewards.access (role, access) values (grantee, grant_access.access) on conflict do nothing;
	perform rewards.apply_access(grantee, access);
	perform rewards.log_call('grant_access', jsonb_build_object('role', role, 'access', access), null, null, rewards.caller()::text);
end
$$;
revoke all on function rewards.grant_access(text, text, text, text) from public;
comment on function rewards.grant_access(text, text, text, text) is
	'gives a role an access: app writes usage and reads all, analyst reads the views without e-mails; remembered and renewed by install() (X1, X4)';

create function rewards.revoke_access(role text) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(role, 'role');
	if to_regrole(quote_ident(role)) is null then
		raise exception 'role "%" does not exist', role
			using errcode = 'undefined_object', hint = 'It has no access, then.';
	end if;
	execute format('revoke all on all tables in schema rewards from %I', role);
	execute format('revoke all on all functions in schema rewards from %I', role);
	execute format('revoke all on schema rewards from %I', role);
	delete from rewards.access a where a.role = to_regrole(quote_ident(revoke_access.role));
	perform rewards.log_call('revoke_access', jsonb_build_object('role', role), null, null, rewards.caller()::text);
end
$$;
revoke all on function rewards.revoke_access(text) from public;
comment on function rewards.revoke_access(text) is 'takes every access to the schema from a role';
