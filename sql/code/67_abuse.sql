/*
 * Detectors: what looks like abuse is flagged, with evidence, for somebody to look at.
 * They look at users who were referred, and at the family of each inviter: the inviter and
 * those referred by it directly.  A detector warns at most, and only if told to.
 */

/* ---- what detectors go by ---- */

create function rewards.detector_defaults() returns table (name text, parameters jsonb, description text)
	language sql immutable parallel safe rows 7
	set search_path = pg_catalog, pg_temp
as $$
	values
		('plus_address', jsonb '{"action": "flag", "accounts": 2, "dotless_domains": ["gmail.com", "googlemail.com"]}',
			'accounts of a family with different addresses of one mailbox: tags after a plus, dots where they are ignored'),
		('invalid_email', '{"action": "flag"}',
			'an e-mail that cannot be one'),
		('disposable_domain', '{"action": "flag", "domains": ["mailinator.com", "guerrillamail.com", "guerrillamail.net", "guerrillamail.org", "guerrillamail.biz", "guerrillamail.de",
			"guerrillamailblock.com", "sharklasers.com", "grr.la", "spam4.me", "10minutemail.com", "10minutemail.net", "20minutemail.com", "temp-mail.org", "temp-mail.io",
			"tempmail.com", "tempmail.net", "tempmailo.com", "tempmailaddress.com", "tempinbox.com", "mytemp.email", "minuteinbox.com", "1secmail.com", "1secmail.net", "1secmail.org",
			"yopmail.com", "yopmail.fr", "yopmail.net", "throwawaymail.com", "trashmail.com", "trashmail.de", "trashmail.net", "discard.email", "discardmail.com", "dispostable.com",
			"maildrop.cc", "mailnesia.com", "mailcatch.com", "mintemail.com", "mohmal.com", "moakt.com", "getnada.com", "fakeinbox.com", "emailondeck.com", "burnermail.io", "inboxkitten.com"]}',
			'an e-mail at a domain whose mailboxes are thrown away, or below one'),
		('burst', '{"action": "flag", "referrals": 20, "within": "1 hour"}',
			'a referrer with so many referrals within such a time'),
		('silent_referees', '{"action": "flag", "referees": 5, "share": 0.8, "after": "7 days"}',
			'a referrer and its referees of longer ago who have never made a request, where they are so many'),
		('inactive_referees', '{"action": "flag", "referees": 10, "share": 0.9, "idle": "14 days", "days": 2}',
			'a referrer most of whose referees have made requests on so few days only, and none for such a time'),
		('shared_identity', '{"action": "flag", "accounts": 2}',
			'accounts of a family with the same e-mail, or that are paid to the same place')
$$;
revoke all on function rewards.detector_defaults() from public;
comment on function rewards.detector_defaults() is 'all detectors with the parameters that they have unless set_detector() says otherwise (A2)';

create function rewards.is_detector_parameter(name text, value jsonb) returns boolean
	language plpgsql immutable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	type text := jsonb_typeof(value);
	number numeric := case type when 'number' then value::numeric end;
begin
	if name in ('accounts', 'referrals', 'referees', 'days') then
		return coalesce(number = trunc(number) and number <= 1000000
			and number >= case name when 'days' then 0 when 'referees' then 1 else 2 end, false);
	elsif name = 'share' then
		return coalesce(number > 0 and number <= 1, false);
	elsif name in ('within', 'after', 'idle') then
		return type = 'string' and rewards.is_span(value #>> '{}');
	elsif name in ('domains', 'dotless_domains') then
		return type = 'array' and not exists (
			select from jsonb_array_elements(value) d
			where jsonb_typeof(d) <> 'string' or d #>> '{}' !~ '^[^\s@.]+(\.[^\s@.]+)+$' or d #>> '{}' <> lower(d #>> '{}'));
	end if;
	return value in ('"flag"', '"warn"');
end
$$;
revoke all on function rewards.is_detector_parameter(text, jsonb) from public;
comment on function rewards.is_detector_parameter(text, jsonb) is 'whether a parameter of a detector can have a value';

create function rewards.check_detector(name text, parameters jsonb) returns void
	language plpgsql immutable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	known jsonb;
	parameter record;
begin
	perform rewards.check_not_null(name, 'name');
	select d.parameters into known from rewards.detector_defaults() d where d.name = check_detector.name;
	if not found then
		raise exception 'there is no detector "%"', name
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.detectors lists them.';
	elsif jsonb_typeof(parameters) <> 'object' then
		raise exception 'the parameters of a detector must be a JSON object'
			using errcode = 'invalid_parameter_value', hint = format('As in %s; what is left out is as by default.', known);
	end if;
	for parameter in select p.key, p.value from jsonb_each(parameters) p loop
		if not known ? parameter.key then
			raise exception 'detector "%" has no parameter "%"', name, parameter.key
				using errcode = 'invalid_parameter_value',
					hint = format('It has %s.', (select string_agg(k, ', ' order by k) from jsonb_object_keys(known) k));
		elsif not rewards.is_detector_parameter(parameter.key, parameter.value) then
			raise exception 'invalid value % for parameter "%" of detector "%"', parameter.value, parameter.key, name
				using errcode = 'invalid_parameter_value',
					hint = case
						when parameter.key in ('accounts', 'referrals') then 'Use a whole number from 2 on.'
						when parameter.key = 'referees' then 'Use a whole number from 1 on.'
						when parameter.key = 'days' then 'Use a whole number from 0 on.'
						when parameter.key = 'share' then 'Use a number above 0 and up to 1, as 0.8.'
						when parameter.key in ('within', 'after', 'idle') then 'Use an interval as "7 days".'
						when parameter.key = 'action' then 'Use "flag" or "warn".'
						else 'Use a list of domains in lower case, as ["example.com"].' end;
		end if;
	end loop;
end
$$;
revoke all on function rewards.check_detector(text, jsonb) from public;
comment on function rewards.check_detector(text, jsonb) is '22004 or 22023 for an unknown detector or parameters it cannot have';

create function rewards.set_detector(name text, parameters jsonb, enabled boolean default true,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_detector(name, parameters);
	perform rewards.check_not_null(enabled, 'enabled');
	return rewards.set_rule('set_detector', jsonb_build_object('name', name, 'parameters', parameters, 'enabled', enabled), 'detector', name,
		jsonb_build_object('parameters', coalesce(parameters, '{}'), 'enabled', enabled), valid_from, updated_by);
end
$$;
revoke all on function rewards.set_detector(text, jsonb, boolean, timestamptz, text) from public;
comment on function rewards.set_detector(text, jsonb, boolean, timestamptz, text) is
	'what a detector goes by, and whether it is at work; what parameters leave out, or NULL, is as by default. As soon as one is set and enabled maintain() looks for abuse (A2)';

/* ---- detectors: whom they find, with evidence ---- */

create function rewards.referred_users(since timestamptz) returns table (account bigint, email text, domain text)
	language sql stable parallel unsafe rows 10000
	set search_path = pg_catalog, pg_temp
as $$
	/* an id may be the e-mail */
	select e.id, e.email, lower(split_part(e.email, '@', -1))
	from (
		select a.id, coalesce(a.email, case when strpos(a.name, '@') > 0 then a.name end) as email
		from rewards.account a where a.kind = 'user' and a.referred_at >= since
	) e where e.email is not null
$$;
revoke all on function rewards.referred_users(timestamptz) from public;
comment on function rewards.referred_users(timestamptz) is 'users referred since a time who have an e-mail: the one recorded, else the id where it looks like one';

create function rewards.families(since timestamptz) returns table (inviter bigint, member bigint, name text, email text)
	language sql stable parallel unsafe rows 10000
	set search_path = pg_catalog, pg_temp
as $$
	with inviter as materialized (
		select distinct a.referrer as id from rewards.account a where a.kind = 'user' and a.referred_at >= since
	)
	select f.inviter, f.id, f.name, lower(coalesce(f.email, case when strpos(f.name, '@') > 0 then f.name end))
	from (
		select i.id as inviter, a.id, a.name, a.email from inviter i join rewards.account a on a.id = i.id
		union all
		select i.id, a.id, a.name, a.email from inviter i join rewards.account a on a.referrer = i.id and a.kind = 'user'
	) f
$$;
revoke all on function rewards.families(timestamptz) from public;
comment on function rewards.families(timestamptz) is
	'inviters who have referred a user since a time, and all users whom they have referred; with e-mails in lower case, the one recorded or else the id where it looks like one';

create function rewards.detect_plus_address(parameters jsonb, since timestamptz) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 1000
	set search_path = pg_catalog, pg_temp
as $$
	with dotless(domains) as materialized (
		select array(select jsonb_array_elements_text(parameters -> 'dotless_domains'))
	), address as (
		select f.*, split_part(f.email, '@', -1) as domain, left(f.email, - length(split_part(f.email, '@', -1)) - 1) as local_part
		from rewards.families(since) f where strpos(f.email, '@') > 1
	), member as materialized (
		/* where mail arrives: one provider has two domains, and an address may begin with a plus */
		select a.inviter, a.member, a.name, a.email,
			case when a.domain = any (d.domains) then replace(l.untagged, '.', '') else l.untagged end || '@'
				|| case a.domain when 'googlemail.com' then 'gmail.com' else a.domain end as mailbox
		from dotless d cross join address a
		cross join lateral (select left(a.local_part, 1) || split_part(substr(a.local_part, 2), '+', 1)) l(untagged)
	), shared as (
		select m.inviter, m.mailbox, count(*) as accounts from member m group by m.inviter, m.mailbox
		having count(*) >= (parameters ->> 'accounts')::integer and min(m.email) < max(m.email)
	), hit as materialized (
		select m.*, s.accounts from shared s join member m using (inviter, mailbox)
	), among as (
		select h.inviter, h.mailbox, (array_agg(h.name order by h.member))[:10] as names from hit h group by h.inviter, h.mailbox
	)
	select distinct on (h.member) h.member, jsonb_build_object('mailbox', h.mailbox, 'accounts', h.accounts, 'among', g.names)
	from hit h join among g using (inviter, mailbox)
	order by h.member, h.accounts desc, h.inviter
$$;
revoke all on function rewards.detect_plus_address(jsonb, timestamptz) from public;
comment on function rewards.detect_plus_address(jsonb, timestamptz) is 'detector plus_address';

create function rewards.detect_invalid_email(parameters jsonb, since timestamptz) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 1000
	set search_path = pg_catalog, pg_temp
as $$
	select e.account, jsonb_build_object('email', e.email)
	from (
		select u.account, u.email, u.domain, left(u.email, - length(u.domain) - 1) as local_part from rewards.referred_users(since) u
	) e
	/* mostly it is quite an ordinary one */
	where not (length(e.email) <= 64 and e.email ~ '^[A-Za-z0-9_]+([.+_-][A-Za-z0-9_]+)*@([A-Za-z0-9]+\.)+(com|net|org|[a-z][a-z])$') and (
		octet_length(e.email) > 254 or length(e.local_part) > 64
		or e.local_part !~ '^([^\s@()<>,;:\\"\[\].\x01-\x1f\x7f]+(\.[^\s@()<>,;:\\"\[\].\x01-\x1f\x7f]+)*|"[^"\\\x01-\x1f\x7f]+")$'
		/* letters of whatever script, digits, dashes within */
		or e.domain !~ '^([^\x01-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x7f\s]{1,63}\.)+[^\x01-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x7f\s]{2,63}$'
		or e.domain ~ '(^|\.)-|-(\.|$)'
		/* nobody has mail at an address of digits, or under names that are reserved for nobody */
		or e.domain ~ '\.(\d+|test|example|invalid|localhost)$')
$$;
revoke all on function rewards.detect_invalid_email(jsonb, timestamptz) from public;
comment on function rewards.detect_invalid_email(jsonb, timestamptz) is 'detector invalid_email';

create function rewards.detect_disposable_domain(parameters jsonb, since timestamptz) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 1000
	set search_path = pg_catalog, pg_temp
as $$
	with email as materialized (
		select * from rewards.referred_users(since)
	), domain as (
		select distinct e.domain from email e
	), known as (
		/* it, or the one above it, and so on */
		select distinct on (d.domain) d.domain, k.domain as listed
		from domain d
		cross join lateral (select string_to_array(d.domain, '.') as labels) l
		cross join lateral generate_series(1, cardinality(l.labels) - 1) i
		join jsonb_array_elements_text(parameters -> 'domains') k(domain) on k.domain = array_to_string(l.labels[i:], '.')
		order by d.domain, i
	)
	select e.account, jsonb_build_object('email', e.email, 'domain', k.listed) from known k join email e using (domain)
$$;
revoke all on function rewards.detect_disposable_domain(jsonb, timestamptz) from public;
comment on function rewards.detect_disposable_domain(jsonb, timestamptz) is 'detector disposable_domain';

create function rewards.detect_burst(parameters jsonb, since timestamptz) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 100
	set search_path = pg_catalog, pg_temp
as $$
	select distinct on (b.referrer) b.referrer, jsonb_build_object('referrals', b.referrals, 'since', b.first_at, 'until', b.referred_at)
	from (
		select a.referrer, a.referred_at, count(*) over w as referrals, min(a.referred_at) over w as first_at
		from rewards.account a where a.kind = 'user' and a.referred_at >= since
		window w as (partition by a.referrer order by a.referred_at
			range between (parameters ->> 'within')::interval preceding and current row)
	) b
	where b.referrals >= (parameters ->> 'referrals')::integer
	order by b.referrer, b.referrals desc, b.referred_at
$$;
revoke all on function rewards.detect_burst(jsonb, timestamptz) from public;
comment on function rewards.detect_burst(jsonb, timestamptz) is 'detector burst';

create function rewards.referees_seen(since timestamptz, until timestamptz, active bigint[])
	returns table (referrer bigint, referee bigint, last_at timestamptz)
	language sql stable parallel unsafe rows 10000
	set search_path = pg_catalog, pg_temp
	/* nobody can tell beforehand how many there are of each */
	set enable_nestloop = off
as $$
	select a.referrer, a.id, case when t.account is not null then 'infinity' else coalesce(v.last_at, '-infinity') end
	from rewards.account a
	left join rewards.activity v on v.account = a.id
	left join unnest(active) t(account) on t.account = a.id
	where a.kind = 'user' and a.referred_at >= since and a.referred_at < until
$$;
revoke all on function rewards.referees_seen(timestamptz, timestamptz, bigint[]) from public;
comment on function rewards.referees_seen(timestamptz, timestamptz, bigint[]) is
	'users referred in a time, with their last successful request: infinity for those active in what is not posted yet, -infinity for none';

create function rewards.detect_silent_referees(parameters jsonb, since timestamptz, active bigint[]) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 1000
	set search_path = pg_catalog, pg_temp
as $$
	with referee as materialized (
		select r.referrer, r.referee, r.last_at = '-infinity' as silent
		from rewards.referees_seen(since, now() - (parameters ->> 'after')::interval, active) r
	), flagged as (
		select r.referrer, count(*) as referees, count(*) filter (where r.silent) as silent
		from referee r group by r.referrer
		having count(*) >= (parameters ->> 'referees')::integer
			and count(*) filter (where r.silent) >= count(*) * (parameters ->> 'share')::numeric
	)
	select distinct on (x.account) x.account, x.evidence
	from (
		select 1, f.referrer, jsonb_build_object('referees', f.referees, 'silent', f.silent) from flagged f
		union all
		select 2, r.referee, jsonb_build_object('referrer', a.name)
		from flagged f join referee r on r.referrer = f.referrer and r.silent join rewards.account a on a.id = f.referrer
	) x(place, account, evidence)
	order by x.account, x.place
$$;
revoke all on function rewards.detect_silent_referees(jsonb, timestamptz, bigint[]) from public;
comment on function rewards.detect_silent_referees(jsonb, timestamptz, bigint[]) is 'detector silent_referees; active: who has made requests that are not posted yet';

create function rewards.detect_inactive_referees(parameters jsonb, since timestamptz, active bigint[]) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 100
	set search_path = pg_catalog, pg_temp
as $$
	with referee as materialized (
		select r.referrer, r.referee, r.last_at, r.last_at < now() - (parameters ->> 'idle')::interval as idle
		from rewards.referees_seen(since, now() - (parameters ->> 'idle')::interval, active) r
	), candidate as (
		/* only of those are the days counted */
		select r.referrer, count(*) as referees from referee r group by r.referrer
		having count(*) >= (parameters ->> 'referees')::integer
			and count(*) filter (where r.idle) >= count(*) * (parameters ->> 'share')::numeric
	)
	select c.referrer, jsonb_build_object('referees', c.referees, 'inactive', count(*), 'silent', count(*) filter (where r.last_at = '-infinity'))
	from candidate c join referee r on r.referrer = c.referrer and r.idle
	where (
		select count(*) from (
			select from rewards.day_total d
			where d.account = r.referee and d.unit = 1 and d.entry in (1, 2) and d.events > 0
			group by d.day limit (parameters ->> 'days')::integer + 1) d
		) <= (parameters ->> 'days')::integer
	group by c.referrer, c.referees
	/* of those who never did anything alone detector silent_referees tells */
	having count(*) >= c.referees * (parameters ->> 'share')::numeric and count(*) filter (where r.last_at > '-infinity') > 0
$$;
revoke all on function rewards.detect_inactive_referees(jsonb, timestamptz, bigint[]) from public;
comment on function rewards.detect_inactive_referees(jsonb, timestamptz, bigint[]) is 'detector inactive_referees; active: who has made requests that are not posted yet';

create function rewards.payout_identity(details jsonb) returns text
	language sql immutable strict parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	/* a number of an account or an address says who is paid; a currency does not */
	select case when exists (
			select from jsonb_path_query(details, '$.**') v
			where jsonb_typeof(v) in ('string', 'number') and length(v #>> '{}') >= 6 and v #>> '{}' ~ '[0-9@]')
		then regexp_replace(lower(details::text), '\s', '', 'g') end
$$;
revoke all on function rewards.payout_identity(jsonb) from public;
comment on function rewards.payout_identity(jsonb) is 'details of a payout method in whatever case and spacing, NULL where they do not tell accounts apart';

create function rewards.detect_shared_identity(parameters jsonb, since timestamptz) returns table (account bigint, evidence jsonb)
	language sql stable parallel unsafe rows 1000
	set search_path = pg_catalog, pg_temp
as $$
	with family as materialized (
		select * from rewards.families(since)
	), member as materialized (
		select f.inviter, f.member, f.name, 'email' as what, f.email as identity, f.email as shown
		from family f where f.email is not null
		union all
		select distinct f.inviter, f.member, f.name, 'payout', p.identity, null
		from rewards.payout_method m
		join family f on f.member = m.account
		cross join lateral (select rewards.payout_identity(m.details) as identity offset 0) p
		where p.identity is not null
	), shared as (
		select m.inviter, m.what, m.identity, count(*) as accounts from member m group by m.inviter, m.what, m.identity
		having count(*) >= (parameters ->> 'accounts')::integer
	), hit as materialized (
		select m.*, s.accounts from shared s join member m using (inviter, what, identity)
	), among as (
		select h.inviter, h.what, h.identity, (array_agg(h.name order by h.member))[:10] as names
		from hit h group by h.inviter, h.what, h.identity
	)
	select distinct on (h.member) h.member,
		jsonb_strip_nulls(jsonb_build_object('same', h.what, 'email', h.shown, 'accounts', h.accounts, 'among', g.names))
	from hit h join among g using (inviter, what, identity)
	order by h.member, h.accounts desc, h.what, h.inviter
$$;
revoke all on function rewards.detect_shared_identity(jsonb, timestamptz) from public;
comment on function rewards.detect_shared_identity(jsonb, timestamptz) is 'detector shared_identity';

/* ---- flags ---- */

create function rewards.suspects(since timestamptz, active bigint[]) returns table (account bigint, detector text, action text, evidence jsonb)
	language sql stable parallel unsafe rows 1000
	set search_path = pg_catalog, pg_temp
as $$
	with detector as materialized (
		select d.name, d.parameters from rewards.detectors d where d.enabled
	), found(name, parameters, account, evidence) as (
		select d.*, f.* from detector d cross join lateral rewards.detect_plus_address(d.parameters, since) f where d.name = 'plus_address'
		union all
		select d.*, f.* from detector d cross join lateral rewards.detect_invalid_email(d.parameters, since) f where d.name = 'invalid_email'
		union all
		select d.*, f.* from detector d cross join lateral rewards.detect_disposable_domain(d.parameters, since) f where d.name = 'disposable_domain'
		union all
		select d.*, f.* from detector d cross join lateral rewards.detect_burst(d.parameters, since) f where d.name = 'burst'
		union all
		select d.*, f.* from detector d cross join lateral rewards.detect_silent_referees(d.parameters, since, active) f where d.name = 'silent_referees'
		union all
		select d.*, f.* from detector d cross join lateral rewards.detect_inactive_referees(d.parameters, since, active) f where d.name = 'inactive_referees'
		union all
		select d.*, f.* from detector d cross join lateral rewards.detect_shared_identity(d.parameters, since) f where d.name = 'shared_identity'
	)
	select f.account, f.name, f.parameters ->> 'action', f.evidence from found f
$$;
revoke all on function rewards.suspects(timestamptz, bigint[]) from public;
comment on function rewards.suspects(timestamptz, bigint[]) is 'whom the detectors at work find among users referred since a time';

create function rewards.flag_suspects(since timestamptz) returns table (account bigint, detector text, evidence jsonb)
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
	/* times in evidence read the same whoever asks */
	set timezone = 'UTC'
	set jit = off
as $$
#variable_conflict use_column
declare
	/* whoever was active in what is not posted yet, by number or by name */
	active bigint[] := array(
		select distinct coalesce(t.account_number, a.id)
		from rewards.tail_accounts() t left join rewards.account a on a.kind = t.kind and a.name = t.account
		where t.last_at is not null and coalesce(t.account_number, a.id) is not null);
	flag record;
begin
	/* one after the other; posting may flag meanwhile */
	lock table rewards.abuse_flag in share update exclusive mode;
	for flag in
		with suspect as materialized (
			select s.* from rewards.suspects(coalesce(flag_suspects.since, '-infinity'), active) s
		), renewed as (
			update rewards.abuse_flag f set evidence = s.evidence from suspect s
			where f.account = s.account and f.detector = s.detector and f.cleared_at is null and f.evidence <> s.evidence
		), made as (
			insert into rewards.abuse_flag as f (account, detector, evidence)
			select s.account, s.detector, s.evidence from suspect s
			where not exists (
					select from rewards.abuse_flag o where o.account = s.account and o.detector = s.detector and o.cleared_at is null)
				and s.evidence is distinct from (
					select c.evidence from rewards.abuse_flag c where c.account = s.account and c.detector = s.detector order by c.id desc limit 1)
			order by s.account, s.detector
			on conflict do nothing
			returning f.account, f.detector, f.evidence
		)
		select m.account, m.detector, m.evidence, s.action from made m join suspect s using (account, detector)
		order by m.account, m.detector
	loop
		if flag.action = 'warn' and rewards.status_of(flag.account) = 'active' then
			perform rewards.add_status(flag.account, 'warned', 'detector', flag.detector, null, rewards.caller()::text);
		end if;
		account := flag.account;
		detector := flag.detector;
		evidence := flag.evidence;
		return next;
	end loop;
end
$$;
revoke all on function rewards.flag_suspects(timestamptz) from public;
comment on function rewards.flag_suspects(timestamptz) is
	'flags whom the detectors find and returns the new flags; an open flag gets the new evidence, a cleared one comes again when the evidence is another';

create function rewards.detect_abuse(since timestamptz default null)
	returns table (kind text, account text, detector text, evidence jsonb)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	flagged bigint;
begin
	perform rewards.require_installed();
	return query
	select a.kind, a.name, f.detector, f.evidence
	from rewards.flag_suspects(since) f join rewards.account a on a.id = f.account
	order by f.detector, a.name collate "C", a.kind;
	get diagnostics flagged = row_count;
	perform rewards.log_call('detect_abuse', jsonb_build_object('since', since), null, jsonb_build_object('flagged', flagged), rewards.caller()::text);
end
$$;
revoke all on function rewards.detect_abuse(timestamptz) from public;
comment on function rewards.detect_abuse(timestamptz) is
	'runs the detectors over users referred since a time, NULL over all, stores what they find as flags and returns the new ones (A2)';

create function rewards.count_suspects() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	if not exists (
			select from rewards.rules r where r.rule = 'detector' and r.in_force and (r.value ->> 'enabled')::boolean) then
		return 0;
	end if;
	return (select count(distinct f.account) from rewards.flag_suspects(now() - interval '90 days') f);
end
$$;
revoke all on function rewards.count_suspects() from public;
comment on function rewards.count_suspects() is
	'looks for abuse among users referred in the last 90 days, where a rule sets a detector to work; returns how many accounts were flagged anew. maintain() calls it';

create function rewards.clear_flag(id bigint, note text, updated_by text default current_user) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	flag record;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(id, 'id');
	perform rewards.check_not_null(note, 'note');
	perform rewards.check_not_null(updated_by, 'updated_by');
	if note !~ '\S' then
		raise exception 'note must not be empty'
			using errcode = 'invalid_parameter_value', hint = 'Say why the flag is not justified, or what was done.';
	end if;
	select f.detector, f.cleared_at, a.kind, a.name into flag
	from rewards.abuse_flag f join rewards.account a on a.id = f.account where f.id = id for update of f;
	if not found then
		raise exception 'there is no flag %', id
			using errcode = 'invalid_parameter_value', hint = 'The view rewards.abuse_flags lists them.';
	elsif flag.cleared_at is not null then
		raise exception 'flag % has been cleared already', id
			using errcode = 'object_not_in_prerequisite_state', hint = 'The view rewards.abuse_flags says by whom.';
	end if;
	update rewards.abuse_flag f set cleared_at = clock_timestamp(), cleared_by = updated_by, note = note where f.id = id;
	/* the evidence stays in the flag: it may be somebody's e-mail */
	perform rewards.log_call('clear_flag', jsonb_build_object('id', id, 'note', note, 'account', flag.name, 'kind', flag.kind, 'detector', flag.detector),
		'{"open": true}', '{"open": false}', updated_by);
end
$$;
revoke all on function rewards.clear_flag(bigint, text, text) from public;
comment on function rewards.clear_flag(bigint, text, text) is
	'closes a flag, with a note why; it comes again only with other evidence. 22023 when there is none, 55000 when it has been cleared (A2)';
