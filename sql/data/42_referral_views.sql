/*
 * Referrals: codes, who referred whom, invitations, their quality, the waiting list.
 * 40_account_views.sql says what their two arms are for.
 */

create or replace view rewards.referral_codes with (security_barrier) as
select c.code, a.kind, a.name as account, c.custom, c.voided_at is null as active,
	(select count(*) from rewards.account r where r.referrer = c.account and upper(r.code) = upper(c.code)) as uses,
	c.created_at, c.voided_at, c.reason
from rewards.code c join rewards.account a on a.id = c.account
where rewards.reads_all()
union all
select a.name, a.kind, a.name, false, false,
	(select count(*) from rewards.account r where r.referrer = a.id and r.code = a.name),
	a.joined_at, v.voided_at, v.reason
from rewards.voided_identity v join rewards.account a on a.id = v.account
where rewards.reads_all()
union all
select c.code, m.kind, m.account, c.custom, c.voided_at is null,
	(select count(*) from rewards.account r where r.referrer = m.number and upper(r.code) = upper(c.code)),
	c.created_at, c.voided_at, c.reason
from rewards.limited_to() m
cross join lateral (select * from rewards.code c where c.account = m.number offset 0) c
union all
select m.account, m.kind, m.account, false, false,
	(select count(*) from rewards.account r where r.referrer = m.number and r.code = m.account),
	v.joined_at, v.voided_at, v.reason
from rewards.limited_to() m
cross join lateral (
	select a.joined_at, v.voided_at, v.reason
	from rewards.voided_identity v join rewards.account a on a.id = v.account where v.account = m.number offset 0) v;
comment on view rewards.referral_codes is 'referral codes that were made, and ids that were revoked as codes (K1)';

create or replace view rewards.referral_relationships with (security_barrier) as
select a.kind, a.name as referee, r.name as referrer, a.code, a.referred_at as created_at, r.kind as referrer_kind
from rewards.account a join rewards.account r on r.id = a.referrer
where rewards.reads_all()
union all
select m.kind, m.account, a.referrer, a.code, a.referred_at, a.referrer_kind
from rewards.limited_to() m
cross join lateral (
	select a.code, a.referred_at, r.name as referrer, r.kind as referrer_kind
	from rewards.account a join rewards.account r on r.id = a.referrer where a.id = m.number offset 0) a
union all
select a.kind, a.name, m.account, a.code, a.referred_at, m.kind
from rewards.limited_to() m
cross join lateral (select * from rewards.account a where a.referrer = m.number offset 0) a;
comment on view rewards.referral_relationships is 'who referred whom, one row a referee (K1)';

/* ---- invitations ---- */

create or replace view rewards.invite_codes with (security_barrier) as
select c.code, o.name as owner, c.created_at, c.expires_at, u.name as used_by, c.used_at, c.source, c.custom,
	c.recipient as recipient_email, c.voided_at, c.reason
from rewards.invite_code c
left join rewards.account o on o.id = c.owner
left join rewards.account u on u.id = c.used_by
where rewards.reads_all()
union all
select c.code, m.account, c.created_at, c.expires_at, c.used_by_name, c.used_at, c.source, c.custom, c.recipient, c.voided_at, c.reason
from rewards.limited_to() m
cross join lateral (
	select c.*, u.name as used_by_name
	from rewards.invite_code c left join rewards.account u on u.id = c.used_by where c.owner = m.number offset 0) c;
comment on view rewards.invite_codes is
	'codes for one invitation each; owner NULL is the programme; source: days, referrals/N, quality, waitlist; expires_at NULL is never (I2, I3)';

create or replace view rewards.referrals with (security_barrier) as
with stage as (
	select r.id, r.inviter, r.email as invited, r.code, r.created_at, r.referee
	from rewards.referral r
	union all
	/* who joined by a code that nobody had recorded to be sent */
	select md5('referral of account ' || a.id)::uuid, a.referrer, coalesce(a.email, a.name), a.code, a.referred_at, a.id
	from rewards.account a
	where a.referrer is not null and not exists (select from rewards.referral r where r.referee = a.id)
)
select s.id, s.inviter_email, s.invited as invited_email, s.code as invite_code,
	case
		when s.referee is null then 'sent'
		when s.last_at - interval '30 days' >= s.referred_at then 'retained'
		when s.requests > 0 and (
			select count(*) from (
				select from rewards.day_total t
				where t.account = s.referee and t.unit = 1 and abs(t.entry) in (1, 2)
				group by t.day having sum(t.events) > 0
				order by t.day limit z.active_days) d) >= z.active_days then 'active'
		when s.onboarded_at <= now() then 'onboarded'
		else 'joined' end as status,
	s.created_at, s.kind, s.name as referee, s.referred_at as joined_at
from (
	select s.id, coalesce(i.email, i.name) as inviter_email, s.invited, s.code, s.created_at, s.referee, i.kind,
		a.name, a.referred_at, v.last_at, v.requests, least(a.onboarded_at, v.onboarded_at) as onboarded_at
	from stage s
	join rewards.account i on i.id = s.inviter
	left join rewards.account a on a.id = s.referee
	left join rewards.activity v on v.account = s.referee
	where rewards.reads_all()
	union all
	select s.id, coalesce(i.email, m.account), s.invited, s.code, s.created_at, s.referee, m.kind,
		a.name, a.referred_at, v.last_at, v.requests, least(a.onboarded_at, v.onboarded_at)
	from rewards.limited_to() m
	cross join lateral (select a.email from rewards.account a where a.id = m.number offset 0) i
	cross join lateral (
		select r.id, r.email as invited, r.code, r.created_at, r.referee
		from rewards.referral r where r.inviter = m.number
		union all
		select md5('referral of account ' || a.id)::uuid, coalesce(a.email, a.name), a.code, a.referred_at, a.id
		from rewards.account a
		where a.referrer = m.number and not exists (select from rewards.referral r where r.referee = a.id)
		offset 0) s
	left join lateral (select * from rewards.account a where a.id = s.referee offset 0) a on true
	left join lateral (select * from rewards.activity v where v.account = s.referee offset 0) v on true
) s
cross join (select (select n.value from rewards.settings n where n.name = 'active_days')::integer as active_days) z;
comment on view rewards.referrals is
	'referrals and how far they came, as far as posted: sent, joined, onboarded (complete_onboarding() or onboarded_requests requests), active (on active_days days), retained (a request 30 days or more after joining) (R15, K2)';

create or replace view rewards.quality_history with (security_barrier) as
select q.day, a.kind, a.name as account, q.method, trim_scale(q.score) as score, q.referees, q.parts
from rewards.quality_score q join rewards.account a on a.id = q.account
where rewards.reads_all()
union all
select q.day, m.kind, m.account, q.method, trim_scale(q.score), q.referees, q.parts
from rewards.limited_to() m
cross join lateral (select * from rewards.quality_score q where q.account = m.number offset 0) q;
comment on view rewards.quality_history is
	'quality scores as maintain() found them, a row when one changed and after a quarter one a month; a score holds until the next row; referees is how many it stands on, parts the factors of weighted (Q6)';

/* ---- the waiting list ---- */

create or replace view rewards.waitlist as
select e.id, e.email, e.status, a.name as referrer, e.code, e.joined_at, e.released_at, e.invite_code
from rewards.waitlist_entry e left join rewards.account a on a.id = e.referrer;
comment on view rewards.waitlist is
	'who has asked for an invitation: waiting, approved (for the referrer''s sake), released or joined. Those with a referrer come first, each in order of id; waitlist_position() counts (I5)';
