/*
 * Accounts: who they are, how they stand, what they have said and are told.
 *
 * What holds for all views of applications and members, those in the files after this one, too:
 * they are only ever replaced, with new columns at the end.  Totals + tail, one snapshot.
 *
 * A view with lines of accounts has two arms.  The first reads of all accounts and is not
 * even begun for a role that may not: reads_all() has no row to go by, so it is a one-time
 * filter.  The second begins at the one account that a limited role reads (limited_to())
 * and is empty for others; what it reads of a table stands behind an OFFSET 0, and the
 * account's name comes from limited_to(), so that no condition of the reader's meets a row
 * that is not its own.  The tail limits itself; its accounts are looked up one by one,
 * whatever the planner thinks of its length.  What a member is granted is a security
 * barrier.
 */

create or replace view rewards.account_statuses with (security_barrier) as
select a.kind, a.name as account, s.status, s.source, s.reason, s.valid_from as since, nullif(s.valid_until, 'infinity') as until,
	s.recorded_at, s.updated_by
from rewards.account_status s join rewards.account a on a.id = s.account
where rewards.reads_all()
union all
select m.kind, m.account, s.status, s.source, s.reason, s.valid_from, nullif(s.valid_until, 'infinity'), s.recorded_at, s.updated_by
from rewards.limited_to() m
cross join lateral (select * from rewards.account_status s where s.account = m.number offset 0) s;
comment on view rewards.account_statuses is
	'every status an account was ever given; of those that hold now the last counts, without any it is active. source: set (by hand), sanction, quality, detector, limit, appeal (A3)';

create or replace view rewards.present_statuses as
select s.account, s.status, nullif(s.valid_until, 'infinity') as until
from rewards.account_status s
where s.valid_from <= now() and s.valid_until > now()
	and not exists (
		select from rewards.account_status n
		where n.account = s.account and n.valid_from <= now() and n.valid_until > now() and (n.valid_from, n.id) > (s.valid_from, s.id));
comment on view rewards.present_statuses is 'the status of each account now, accounts by number; without one an account is active';

create or replace view rewards.accounts with (security_barrier) as
with tail as materialized (
	select coalesce(a.kind, t.kind) as kind, coalesce(a.name, t.account) as name,
		min(t.named_at) as named_at, max(t.last_at) as last_at
	from rewards.tail_accounts() t
	left join lateral (select a.kind, a.name from rewards.account a where a.id = t.account_number offset 0) a on true
	group by 1, 2
)
select a.kind, a.name as account, a.email, coalesce(s.status, 'active') as status, s.until as status_until,
	r.name as referrer, a.joined_at, nullif(least(a.onboarded_at, v.onboarded_at), 'infinity') as onboarded_at,
	nullif(greatest(v.last_at, t.last_at), '-infinity') as last_active_at
from rewards.account a
left join rewards.account r on r.id = a.referrer
left join rewards.activity v on v.account = a.id
left join tail t on t.kind = a.kind and t.name = a.name
left join rewards.present_statuses s on s.account = a.id
where rewards.reads_all()
union all
select t.kind, t.name, null, 'active', null, null, t.named_at, null, t.last_at
from tail t
where not exists (select from rewards.account a where a.kind = t.kind and a.name = t.name)
union all
select m.kind, m.account, a.email, coalesce(a.status, 'active'), a.until, a.referrer, a.joined_at,
	nullif(least(a.onboarded_at, a.counted_at), 'infinity'), nullif(greatest(a.last_at, t.last_at), '-infinity')
from rewards.limited_to() m
cross join lateral (
	select a.email, s.status, s.until, r.name as referrer, a.joined_at, a.onboarded_at, v.onboarded_at as counted_at, v.last_at
	from rewards.account a
	left join rewards.account r on r.id = a.referrer
	left join rewards.activity v on v.account = a.id
	left join rewards.present_statuses s on s.account = a.id
	where a.id = m.number offset 0) a
left join tail t on t.kind = m.kind and t.name = m.account;
comment on view rewards.accounts is
	'all accounts, also those that only rows not yet folded name; status_until NULL is without end, onboarded_at as far as posted';

create or replace view rewards.users with (security_barrier) as
select a.account as id, a.email, a.joined_at as created_at from rewards.accounts a where a.kind = 'user';
comment on view rewards.users is 'accounts of kind user (K2)';

/* ---- what is said of them and to them ---- */

create or replace view rewards.appeals with (security_barrier) as
select p.id, a.kind, a.name as account, p.message, p.created_at,
	case when p.accepted then 'accepted' when not p.accepted then 'rejected' else 'open' end as status,
	p.resolved_at, p.resolved_by, p.note
from rewards.appeal p join rewards.account a on a.id = p.account
where rewards.reads_all()
union all
select p.id, m.kind, m.account, p.message, p.created_at,
	case when p.accepted then 'accepted' when not p.accepted then 'rejected' else 'open' end,
	p.resolved_at, p.resolved_by, p.note
from rewards.limited_to() m
cross join lateral (select * from rewards.appeal p where p.account = m.number offset 0) p;
comment on view rewards.appeals is 'what accounts have said against their status, and what was decided (A3, K8)';

create or replace view rewards.reviews as
select r.id, a.kind, a.name as account, r.reason, r.evidence, r.created_at, r.closed_at is null as open, r.closed_at, r.closed_by, r.note
from rewards.review r join rewards.account a on a.id = r.account;
comment on view rewards.reviews is 'accounts that somebody is to look at, or has (Q4, I6)';

create or replace view rewards.abuse_flags as
select f.id, a.kind, a.name as account, f.detector, f.evidence, f.created_at, f.cleared_at, f.cleared_by, f.note, r.name as referrer
from rewards.abuse_flag f join rewards.account a on a.id = f.account left join rewards.account r on r.id = a.referrer;
comment on view rewards.abuse_flags is
	'what detectors have found, and usage above its limit (detector rate_limit), with who referred the account; open until clear_flag() (A2, A4)';

create or replace view rewards.notifications with (security_barrier) as
select n.id, a.kind, a.name as account, n.event, n.payload, n.created_at, n.taken_until, n.delivered_at
from rewards.notification n join rewards.account a on a.id = n.account
where rewards.reads_all()
union all
select n.id, m.kind, m.account, n.event, n.payload, n.created_at, n.taken_until, n.delivered_at
from rewards.limited_to() m
cross join lateral (select * from rewards.notification n where n.account = m.number offset 0) n;
comment on view rewards.notifications is
	'what people are to be told: take_notifications() leases messages to mailers, notification_done() ends that (M4)';
