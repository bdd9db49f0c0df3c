/*
 * Invitations: codes for one use, sharing and redeeming them, onboarding, and what users
 * earn by use, referrals and quality.  Calls that take an e-mail mean the user of that id,
 * else the one user with that e-mail.
 */

/* ---- codes ---- */

create function rewards.random_invite_code() returns text
	language sql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select rewards.setting('invite_prefix') || '-' || upper(left(replace(gen_random_uuid()::text, '-', ''), 12)) $$;
revoke all on function rewards.random_invite_code() from public;
comment on function rewards.random_invite_code() is 'a new invite code: the prefix and 48 strong random bits (I3)';

create function rewards.make_invite_codes(owner bigint, count integer, source text) returns text[]
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	life interval := nullif(rewards.setting('invite_expiry'), 'none')::interval;
	made text[] := '{}';
	code text;
begin
	while cardinality(made) < count loop
		insert into rewards.invite_code as c (code, owner, source, expires_at)
		values (rewards.random_invite_code(), owner, source, rewards.held_until(now(), life))
			on conflict do nothing returning c.code into code;
		if code is not null then
			made := made || code;
		end if;
	end loop;
	return made;
end
$$;
revoke all on function rewards.make_invite_codes(bigint, integer, text) from public;
comment on function rewards.make_invite_codes(bigint, integer, text) is 'gives an account, or NULL the programme, so many new invite codes';

/* ---- what inviters are told ---- */

create function rewards.note_joined(inviter bigint, referee bigint, code text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.notify(array[inviter], 'code_used', array[referee::text],
		array[(select jsonb_build_object('code', note_joined.code, 'account', a.name, 'kind', a.kind) from rewards.account a where a.id = referee)]);
end
$$;
revoke all on function rewards.note_joined(bigint, bigint, text) from public;
comment on function rewards.note_joined(bigint, bigint, text) is 'tells an inviter that somebody has joined by a code (M2)';

create function rewards.note_referees(accounts bigint[]) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	null;
end
$$;
revoke all on function rewards.note_referees(bigint[]) from public;
comment on function rewards.note_referees(bigint[]) is 'tells inviters whose referees have become active; post() calls it with those that went on (M2)';
