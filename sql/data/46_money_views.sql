/*
 * Money: wallets of credits, tokens and the like, with their history, holds and payouts.
 * 40_account_views.sql says what their two arms are for.
 */

create or replace view rewards.wallet_lines as
select l.account, u.name as currency, l.entry, l.amount, u.number as unit
from rewards.month_lines l join rewards.unit u on u.number = l.unit
where l.kind = 'user' and l.unit >= 3;
comment on view rewards.wallet_lines is 'movements of wallets by month and kind, folded and not; to be added up';

create or replace view rewards.wallet_sums as
select l.account, l.currency, l.unit, sum(l.amount) as amount,
	coalesce(sum(l.amount) filter (where l.entry in (10, 14) or l.entry in (-10, -14)), 0) as added,
	-coalesce(sum(l.amount) filter (where abs(l.entry) = 2), 0) as spent,
	-coalesce(sum(l.amount) filter (where l.entry = 15), 0) as expired
from rewards.wallet_lines l group by l.account, l.currency, l.unit;
comment on view rewards.wallet_sums is 'what movements of a wallet add up to';

create or replace view rewards.user_credits with (security_barrier) as
select s.account as user_id, s.currency, trim_scale(s.amount - e.expired - h.held) as balance, h.held,
	trim_scale(s.added) as added, trim_scale(s.spent) as spent, trim_scale(s.expired + e.expired) as expired,
	greatest(s.updated_at, case when s.spent <> 0 then s.last_at end) as updated_at
from (
	select s.account, a.id as number, s.currency, s.unit, s.amount, s.added, s.spent, s.expired, w.next_expiry, w.updated_at, v.last_at
	from rewards.wallet_sums s
	left join rewards.account a on a.kind = 'user' and a.name = s.account
	left join rewards.wallet w on w.account = a.id and w.unit = s.unit
	left join rewards.activity v on v.account = a.id
	where rewards.reads_all()
	union all
	select m.account, m.number, s.currency, s.unit, s.amount, s.added, s.spent, s.expired, w.next_expiry, w.updated_at, v.last_at
	from rewards.limited_to() m
	cross join lateral (select * from rewards.wallet_sums s where m.kind = 'user' and s.account = m.account offset 0) s
	left join lateral (select * from rewards.wallet w where w.account = m.number and w.unit = s.unit offset 0) w on true
	left join lateral (select * from rewards.activity v where v.account = m.number offset 0) v on true
) s
cross join lateral (
	select coalesce(sum(h.amount), 0) as held
	from rewards.hold h
	where s.unit = 3 and h.account = s.number and h.closed_at is null and h.expires_at > now() and not exists (
		select from rewards.usage_logs u
		where u.request_id = h.request_id and u.id > h.seen_from and u.status_code between 200 and 299 and u.user_id = s.account)
) h
cross join lateral (
	select case when s.next_expiry <= now() then rewards.expired_part(s.number, s.unit) else 0 end as expired
) e;
comment on view rewards.user_credits is
	'what users have of each currency: balance is what they can spend, besides what is held; added (with adjustments, less refunds), spent and expired make up the rest (C5, C6, K1)';

create or replace view rewards.credit_movements as
select u.id, u.user_id, 3::smallint as unit, 'usage'::text as type, -u.cost as amount, coalesce(u.usage_type, u.service) as reason,
	u.request_id as reference, u.id as usage_id, null::text as updated_by, u.created_at
from rewards.usage_logs u
where u.cost <> 0 and rewards.reads_all()
	and not exists (select from rewards.removal r where u.id >= r.first and u.id < r.upto)
union all
/* of what is removed there is the sum, so that the history still adds up */
select s.id, a.name, 3::smallint, 'usage', s.amount, s.reason, null, null, null, s.created_at
from (
	select r.upto - 1 as id, t.account, sum(t.amount) as amount, 'usage that has been removed'::text as reason, r.newest as created_at
	from rewards.removal r join rewards.removed_sum t on t.first = r.first where t.unit = 3
	group by r.first, t.account
) s join rewards.account a on a.id = s.account
where rewards.reads_all()
union all
select j.id, a.name, j.unit, case j.event when 'credit' then 'credit' when 'deduct' then 'usage' when 'expiry' then 'expiry'
		when 'reversal' then 'refund' else 'adjustment' end,
	m.amount, j.reason, j.reference, case j.reverses_source when 'usage_logs' then j.reverses_id end, j.actor, j.created_at
from rewards.journal j
join rewards.account a on a.id = j.account
cross join lateral (select sum(s.amount) as amount from rewards.shares(j.distribution) s) m
where j.unit >= 3 and rewards.reads_all()
union all
select u.id, o.account, 3::smallint, 'usage', -u.cost, coalesce(u.usage_type, u.service), u.request_id, u.id, null, u.created_at
from rewards.limited_to() o
cross join lateral (
	select * from rewards.usage_logs u where u.cost <> 0 and o.kind = 'user' and u.user_id = o.account
		and not exists (select from rewards.removal r where u.id >= r.first and u.id < r.upto) offset 0) u
union all
select s.id, o.account, 3::smallint, 'usage', s.amount, 'usage that has been removed', null, null, null, s.created_at
from rewards.limited_to() o
cross join lateral (
	select r.upto - 1 as id, sum(t.amount) as amount, r.newest as created_at
	from rewards.removed_sum t join rewards.removal r on r.first = t.first where t.unit = 3 and t.account = o.number
	group by r.first offset 0) s
union all
select j.id, o.account, j.unit, case j.event when 'credit' then 'credit' when 'deduct' then 'usage' when 'expiry' then 'expiry'
		when 'reversal' then 'refund' else 'adjustment' end,
	m.amount, j.reason, j.reference, case j.reverses_source when 'usage_logs' then j.reverses_id end, j.actor, j.created_at
from rewards.limited_to() o
cross join lateral (select * from rewards.journal j where j.unit >= 3 and j.account = o.number offset 0) j
cross join lateral (select sum(s.amount) as amount from rewards.shares(j.distribution) s) m;
comment on view rewards.credit_movements is 'all that was added to or taken from wallets, one row each, units by number';

create or replace view rewards.credit_transactions with (security_barrier) as
select m.id, m.user_id, u.name as currency, m.type, trim_scale(m.amount) as amount,
	/* back from what there is now: old usage may be gone */
	trim_scale(w.amount - coalesce(sum(m.amount) over (partition by m.user_id, m.unit order by m.id desc
		rows between unbounded preceding and 1 preceding), 0)) as balance_after,
	m.reason, m.reference, m.usage_id, m.updated_by, m.created_at
from rewards.credit_movements m
join rewards.unit u on u.number = m.unit
join (
	select l.account, l.unit, sum(l.amount) as amount from rewards.wallet_lines l group by l.account, l.unit
) w on w.account = m.user_id and w.unit = m.unit;
comment on view rewards.credit_transactions is
	'history of wallets: type usage (negative), credit, expiry, refund or adjustment, with the sum of all movements up to it in order of their numbers (C6, C11)';

create or replace view rewards.token_transactions with (security_barrier) as
/* of tokens all is in the journal, and usage need not be gone through */
select m.id, m.user_id, m.type, trim_scale(m.amount) as amount,
	trim_scale(sum(m.amount) over (partition by m.user_id order by m.id)) as balance_after,
	m.reason, m.reference, m.usage_id, m.updated_by, m.created_at
from rewards.credit_movements m where m.unit = 4;
comment on view rewards.token_transactions is 'history of users'' tokens (C8, K2)';

/* ---- holds and payouts ---- */

create or replace view rewards.credit_holds with (security_barrier) as
select h.request_id, h.user_id, h.amount, h.created_at, h.expires_at,
	case when h.outcome is not null then h.outcome when c.usage_id is not null then 'captured'
		when h.expires_at <= now() then 'expired' else 'open' end as status,
	coalesce(h.usage_id, c.usage_id) as usage_id, h.closed_at
from (
	select h.request_id, a.name as user_id, h.amount, h.created_at, h.expires_at, h.outcome, h.usage_id, h.closed_at, h.seen_from
	from rewards.hold h join rewards.account a on a.id = h.account
	where rewards.reads_all()
	union all
	select h.request_id, m.account, h.amount, h.created_at, h.expires_at, h.outcome, h.usage_id, h.closed_at, h.seen_from
	from rewards.limited_to() m
	cross join lateral (select * from rewards.hold h where h.account = m.number offset 0) h
) h
left join lateral (
	select u.id as usage_id from rewards.usage_logs u
	where h.closed_at is null and u.request_id = h.request_id and u.id > h.seen_from and u.status_code between 200 and 299
		and u.user_id = h.user_id
	order by u.id limit 1
) c on true;
comment on view rewards.credit_holds is 'credits held for requests: open, captured by the row usage_id, released or expired';

create or replace view rewards.payouts with (security_barrier) as
select p.id, a.kind, a.name as account, u.name as unit, p.amount, p.method, p.status, p.reference, p.automatic,
	p.requested_at, p.requested_by, p.approved_at, p.approved_by, p.ended_at, p.ended_by, p.transfer, p.reason
from rewards.payout p join rewards.account a on a.id = p.account join rewards.unit u on u.number = p.unit
where rewards.reads_all()
union all
select p.id, m.kind, m.account, u.name, p.amount, p.method, p.status, p.reference, p.automatic,
	p.requested_at, p.requested_by, p.approved_at, p.approved_by, p.ended_at, p.ended_by, p.transfer, p.reason
from rewards.limited_to() m
cross join lateral (select * from rewards.payout p where p.account = m.number offset 0) p
join rewards.unit u on u.number = p.unit;
comment on view rewards.payouts is 'payouts: requested, approved, completed or failed; what is open is held (F2)';
