/*
 * The waiting list: who was referred stands before who was not, each in order of arrival.
 * A position is counted, never kept: whole blocks of places by their sums, the rest of one
 * block by its rows.  Who comes or goes adds to waitlist_move alone, so that nobody waits
 * for anybody else.
 */

create function rewards.waitlist_block_of(place bigint) returns bigint
	language sql immutable strict parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select place >> 10 $$;
revoke all on function rewards.waitlist_block_of(bigint) from public;
comment on function rewards.waitlist_block_of(bigint) is 'the block of the waiting list that a place lies in';

create function rewards.position_at(place bigint) returns integer
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	own bigint := rewards.waitlist_block_of(place);
begin
	/* one statement, and so one snapshot: folding leaves the sum as it is */
	return (select coalesce(sum(b.waiting), 0) from rewards.waitlist_block b where b.block < own)
		+ (select coalesce(sum(m.change), 0) from rewards.waitlist_move m where m.block < own)
		+ (select count(*) from rewards.waitlist_entry e where e.status = 'waiting' and e.place between own << 10 and place);
end
$$;
revoke all on function rewards.position_at(bigint) from public;
comment on function rewards.position_at(bigint) is 'how many of the waiting list wait up to a place';

create function rewards.waitlist_position(email text) returns integer
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(email, 'email');
	return (select case when e.status = 'waiting' then rewards.position_at(e.place) else 0 end
		from rewards.waitlist_entry e where e.email = lower(email));
end
$$;
revoke all on function rewards.waitlist_position(text) from public;
comment on function rewards.waitlist_position(text) is
	'where an e-mail stands in the waiting list, 1 first; 0 once it is approved, released or joined, NULL when it is not on the list (I5)';

create function rewards.fold_waitlist(at_least integer default 1) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	folded bigint;
begin
	/* what somebody else has folded must be seen, and nobody is waited for */
	if current_setting('transaction_isolation') in ('repeatable read', 'serializable')
			or (select count(*) from (select from rewards.waitlist_move m limit at_least) m) < at_least then
		return 0;
	end if;
	perform from rewards.waitlist_block b where b.block = -1 for no key update skip locked;
	if not found then
		return 0;
	end if;
	with gone as (
		delete from rewards.waitlist_move m returning m.block, m.change
	), summed as (
		insert into rewards.waitlist_block as b (block, waiting)
		select g.block, sum(g.change) from gone g group by g.block having sum(g.change) <> 0
		on conflict (block) do update set waiting = b.waiting + excluded.waiting
	)
	select count(*) into folded from gone;
	delete from rewards.waitlist_block b where b.waiting = 0 and b.block >= 0;
	return folded;
end
$$;
revoke all on function rewards.fold_waitlist(integer) from public;
comment on function rewards.fold_waitlist(integer) is
	'counts what moved in the waiting list into its blocks, if so many moves wait and nobody else is at it; returns how many. maintain() and those who move call it';

create function rewards.move_in_waitlist(blocks bigint[], change integer) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	last bigint;
begin
	with made as (
		insert into rewards.waitlist_move (block, change)
		select b.block, change * count(*) from unnest(blocks) b(block) group by b.block
		returning id
	)
	select max(m.id) into last from made m;
	/* so often that few wait, so seldom that it costs nothing */
	if last % 64 = 0 or cardinality(blocks) > 64 then
		perform rewards.fold_waitlist(256);
	end if;
end
$$;
revoke all on function rewards.move_in_waitlist(bigint[], integer) from public;
comment on function rewards.move_in_waitlist(bigint[], integer) is 'records that so many have come to or left each of these blocks, named once for each who did';

create function rewards.invite_waiting(entries bigint[], status text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	codes text[] := rewards.make_invite_codes(null, cardinality(entries), 'waitlist');
begin
	with given as (
		update rewards.waitlist_entry e set status = status, released_at = clock_timestamp(), invite_code = codes[i.n]
		from unnest(entries) with ordinality i(id, n) where e.id = i.id
		returning e.email, e.referrer, e.invite_code
	)
	/* of a suspended account's code nobody could make use */
	update rewards.invite_code c set recipient = g.email,
		owner = case when not rewards.is_suspended(g.referrer) then g.referrer end
	from given g where c.code = g.invite_code;
end
$$;
revoke all on function rewards.invite_waiting(bigint[], text) from public;
comment on function rewards.invite_waiting(bigint[], text) is
	'gives each of these an invite code of its own, its referrer''s or the programme''s, and this status; does not count the move';

create function rewards.renew_invitation(id bigint) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	entry record;
begin
	select e.id, e.status, c.voided_at is not null or c.expires_at <= clock_timestamp() as dead into entry
	from rewards.waitlist_entry e left join rewards.invite_code c on c.code = e.invite_code
	where e.id = id and e.status in ('approved', 'released') for update of e;
	if entry.dead then
		perform rewards.invite_waiting(array[id], entry.status);
	end if;
end
$$;
revoke all on function rewards.renew_invitation(bigint) from public;
comment on function rewards.renew_invitation(bigint) is 'gives who was let in but has not come another invite code when the one they got has expired or was revoked';

create function rewards.is_admitted(number bigint) returns boolean
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	return exists (select from rewards.account a where a.id = number and a.referrer is not null)
		or exists (select from rewards.invite_code c where c.used_by = number);
end
$$;
revoke all on function rewards.is_admitted(bigint) from public;
comment on function rewards.is_admitted(bigint) is 'whether an account has a referrer or has used an invitation';

create function rewards.waitlist_referrer(email text, code text, number bigint) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	owner bigint;
begin
	select c.owner into owner from rewards.invite_code c
	where upper(c.code) = upper(code) and c.used_at is null and c.voided_at is null
		and not (c.custom and rewards.is_identity_code(code))
		and (c.expires_at is null or c.expires_at > clock_timestamp()) and (c.recipient is null or c.recipient = email);
	if not found then
		owner := rewards.code_owner(code, 'user', now());
		if owner is null then
			raise exception 'invalid code "%"', code
				using errcode = 'RW006', hint = 'Use a referral code, or an invite code that is unused, not expired and nobody else''s.';
		end if;
	end if;
	/* the programme's own code */
	if owner is null then
		return null;
	end if;
	if owner = number or lower(rewards.address_of(owner)) = email then
		raise exception 'an account cannot refer itself'
			using errcode = 'RW002', hint = 'Use the code of another account.';
	elsif not rewards.may_refer((select a.kind from rewards.account a where a.id = owner), 'user', now()) then
		raise exception 'a user cannot be referred by a provider'
			using errcode = 'RW005', hint = 'The view rewards.referral_kinds says who may refer whom.';
	end if;
	perform rewards.refuse_suspended(owner);
	return owner;
end
$$;
revoke all on function rewards.waitlist_referrer(text, text, bigint) from public;
comment on function rewards.waitlist_referrer(text, text, bigint) is
	'who refers an e-mail, of the account number if it has one, by a code; NULL for a code of the programme. RW002, RW005, RW006, RW008';

create function rewards.leave_waitlist(email text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	entry record;
begin
	select e.id, e.status, e.place into entry from rewards.waitlist_entry e
	where e.email = lower(email) and e.status <> 'joined' for no key update;
	if not found then
		return;
	end if;
	update rewards.waitlist_entry e set status = 'joined' where e.id = entry.id;
	if entry.status = 'waiting' then
		perform rewards.move_in_waitlist(array[rewards.waitlist_block_of(entry.place)], -1);
	end if;
end
$$;
revoke all on function rewards.leave_waitlist(text) from public;
comment on function rewards.leave_waitlist(text) is 'marks an e-mail of the waiting list as joined; redeem_code() calls it';

create function rewards.join_waitlist(email text, code text default null) returns integer
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	who text := lower(email);
	number bigint;
	referrer bigint;
	entry record;
	moved record;
begin
	perform rewards.require_installed();
	perform rewards.check_id(who, 'email');
	number := coalesce(rewards.person(email), rewards.person(who));
	perform rewards.count_call('join_waitlist', coalesce(rewards.who(number), 'email:' || who));
	if rewards.is_admitted(number) then
		perform rewards.leave_waitlist(who);
		return 0;
	end if;

	/* again, when somebody else has made or changed the entry meanwhile */
	loop
		referrer := null;
		select e.id, e.status, e.place, e.referrer into entry from rewards.waitlist_entry e where e.email = who;
		if entry.status <> 'waiting' then
			perform rewards.renew_invitation(entry.id);
			return 0;
		elsif entry.referrer is null and code is not null then
			referrer := rewards.waitlist_referrer(who, code, number);
		end if;
		/* a code brings nobody further without a referrer, nor with a second one */
		if entry.id is not null and referrer is null then
			return rewards.position_at(entry.place);
		end if;

		if entry.id is null then
			insert into rewards.waitlist_entry as e (email, referrer, code) values (who, referrer, code)
			on conflict do nothing returning e.id, e.place into moved;
		else
			update rewards.waitlist_entry e set referrer = referrer, code = code
			where e.id = entry.id and e.status = 'waiting' and e.referrer is null
			returning e.id, e.place into moved;
		end if;
		exit when found;
	end loop;

	if entry.id is not null then
		perform rewards.move_in_waitlist(array[rewards.waitlist_block_of(entry.place)], -1);
	end if;
	if referrer is not null and rewards.is_high_quality(referrer) then
		perform rewards.invite_waiting(array[moved.id], 'approved');
		return 0;
	end if;
	perform rewards.move_in_waitlist(array[rewards.waitlist_block_of(moved.place)], 1);
	return rewards.position_at(moved.place);
end
$$;
revoke all on function rewards.join_waitlist(text, text) from public;
comment on function rewards.join_waitlist(text, text) is
	'puts an e-mail on the waiting list and returns its position, 0 when nothing is to be waited for. code: a referral code or an invite code, which is not used up; who has none yet moves up by it, and a high-quality referrer''s is approved at once. RW002, RW005, RW006, RW008 (I5)';

create function rewards.release_invites(n integer, updated_by text default current_user)
	returns table (email text, code text)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	released bigint[];
	blocks bigint[];
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(n, 'n');
	perform rewards.check_not_null(updated_by, 'updated_by');
	if n < 1 then
		raise exception 'n must be greater than 0'
			using errcode = 'invalid_parameter_value', hint = 'Say how many invitations to give.';
	end if;
	/* whom another call has locked is another's */
	select array_agg(w.id order by w.place), array_agg(rewards.waitlist_block_of(w.place)) into released, blocks
	from (
		select e.id, e.place from rewards.waitlist_entry e where e.status = 'waiting'
		order by e.place limit n for no key update skip locked
	) w;
	if released is not null then
		perform rewards.invite_waiting(released, 'released');
		perform rewards.move_in_waitlist(blocks, -1);
	end if;
	/* by number, for an e-mail is nothing to keep for ever */
	perform rewards.log_call('release_invites', jsonb_build_object('n', n), null,
		jsonb_build_object('released', coalesce(cardinality(released), 0), 'entries', coalesce(released, '{}')), updated_by);
	return query
	select e.email, e.invite_code from rewards.waitlist_entry e where e.id = any (released) order by e.place;
end
$$;
revoke all on function rewards.release_invites(integer, text) from public;
comment on function rewards.release_invites(integer, text) is
	'gives the first n who wait an invite code each, for them alone: a referrer''s or the programme''s; concurrent calls share the list. In order of place (I5)';
