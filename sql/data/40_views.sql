/*
 * What analysts and applications read.  Views are only ever replaced, with new
 * columns at the end.  Totals + tail, one snapshot.
 */

/* ---- accounts and referrals ---- */

create or replace view rewards.account_statuses as
select a.kind, a.name as account, s.status, s.source, s.reason, s.valid_from as since, nullif(s.valid_until, 'infinity') as until,
	s.recorded_at, s.updated_by
from rewards.account_status s join rewards.account a on a.id = s.account;
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

create or replace view rewards.accounts as
with tail as materialized (
	select coalesce(a.kind, t.kind) as kind, coalesce(a.name, t.account) as name,
		min(t.named_at) as named_at, max(t.last_at) as last_at
	from rewards.tail_accounts() t left join rewards.account a on a.id = t.account_number
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
union all
select t.kind, t.name, null, 'active', null, null, t.named_at, null, t.last_at
from tail t
where not exists (select from rewards.account a where a.kind = t.kind and a.name = t.name);
comment on view rewards.accounts is
	'all accounts, also those that only rows not yet folded name; status_until NULL is without end, onboarded_at as far as posted';

create or replace view rewards.appeals as
select p.id, a.kind, a.name as account, p.message, p.created_at,
	case when p.accepted then 'accepted' when not p.accepted then 'rejected' else 'open' end as status,
	p.resolved_at, p.resolved_by, p.note
from rewards.appeal p join rewards.account a on a.id = p.account;
comment on view rewards.appeals is 'what accounts have said against their status, and what was decided (A3, K8)';

create or replace view rewards.reviews as
select r.id, a.kind, a.name as account, r.reason, r.evidence, r.created_at, r.closed_at is null as open, r.closed_at, r.closed_by, r.note
from rewards.review r join rewards.account a on a.id = r.account;
comment on view rewards.reviews is 'accounts that somebody is to look at, or has (Q4, I6)';

create or replace view rewards.users as
select a.account as id, a.email, a.joined_at as created_at from rewards.accounts a where a.kind = 'user';
comment on view rewards.users is 'accounts of kind user (K2)';

create or replace view rewards.referral_codes as
select c.code, a.kind, a.name as account, c.custom, c.voided_at is null as active,
	(select count(*) from rewards.account r where r.referrer = c.account and upper(r.code) = upper(c.code)) as uses,
	c.created_at, c.voided_at, c.reason
from rewards.code c join rewards.account a on a.id = c.account
union all
select a.name, a.kind, a.name, false, false,
	(select count(*) from rewards.account r where r.referrer = a.id and r.code = a.name),
	a.joined_at, v.voided_at, v.reason
from rewards.voided_identity v join rewards.account a on a.id = v.account;
comment on view rewards.referral_codes is 'referral codes that were made, and ids that were revoked as codes (K1)';

create or replace view rewards.referral_relationships as
select a.kind, a.name as referee, r.name as referrer, a.code, a.referred_at as created_at, r.kind as referrer_kind
from rewards.account a join rewards.account r on r.id = a.referrer;
comment on view rewards.referral_relationships is 'who referred whom, one row a referee (K1)';

/* ---- rules ---- */

create or replace view rewards.rules as
select r.rule, r.key, r.value, r.valid_from, r.recorded_at, r.updated_by,
	r.value is not null and r.id = (
		select n.id from rewards.rule n
		where n.rule = r.rule and n.key = r.key and n.valid_from <= now()
		order by n.valid_from desc, n.id desc limit 1) as in_force
from rewards.rule r;
comment on view rewards.rules is 'every version of every rule; value NULL ends one';

create or replace view rewards.settings as
select d.name, coalesce(r.value ->> 'value', d.default_value) as value, d.default_value, d.description,
	r.updated_by, r.recorded_at as updated_at
from rewards.setting_defaults() d
left join lateral (
	select r.value, r.updated_by, r.recorded_at from rewards.rule r
	where r.rule = 'setting' and r.key = d.name and r.valid_from <= now()
	order by r.valid_from desc, r.id desc limit 1) r on true;
comment on view rewards.settings is 'the programme''s settings; set_setting() changes them';

create or replace view rewards.tiers as
select r.key as tier, r.value ->> 'title' as title, (r.value ->> 'points')::numeric as points,
	(r.value ->> 'vram_above')::numeric as vram_above, (r.value ->> 'vram_upto')::numeric as vram_upto,
	r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'tier' and r.in_force;
comment on view rewards.tiers is 'tiers in force; points a request, VRAM in GB (above, upto]';

create or replace view rewards.services as
select r.key as service, r.value ->> 'endpoint_suffix' as endpoint_suffix, (r.value ->> 'points')::numeric as points,
	(r.value ->> 'provider_per_token')::numeric as provider_per_token, (r.value ->> 'user_base')::numeric as user_base,
	(r.value ->> 'user_per_token')::numeric as user_per_token, r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'service' and r.in_force;
comment on view rewards.services is 'services in force; points NULL = the tier''s';

create or replace view rewards.model_patterns as
select r.key::integer as position, r.value ->> 'pattern' as pattern, r.value ->> 'but_not' as but_not,
	r.value ->> 'tier' as tier, r.value ->> 'match' as match, r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'model_pattern' and r.in_force;
comment on view rewards.model_patterns is 'name patterns in force, tried by position';

create or replace view rewards.referral_rates as
select r.key as kind, l.level::integer as level, l.rate::numeric as rate, r.valid_from, r.updated_by
from rewards.rules r cross join lateral jsonb_array_elements_text(r.value -> 'rates') with ordinality l(rate, level)
where r.rule = 'referral_rates' and r.in_force;
comment on view rewards.referral_rates is 'referral rates in force, one row a kind and level';

create or replace view rewards.referral_kinds as
select k.referrer_kind, k.referee_kind, coalesce((r.value ->> 'allowed')::boolean, k.referrer_kind = k.referee_kind) as allowed,
	r.valid_from, r.updated_by
from (values ('provider', 'provider'), ('provider', 'user'), ('user', 'provider'), ('user', 'user')) k(referrer_kind, referee_kind)
left join rewards.rules r on r.rule = 'referral_kinds' and r.key = k.referrer_kind || '/' || k.referee_kind and r.in_force;
comment on view rewards.referral_kinds is 'which kinds may refer which now; valid_from NULL where no rule says so (R11)';

create or replace view rewards.bonuses as
select r.value ->> 'event' as event, r.value ->> 'kind' as kind, (r.value ->> 'amount')::numeric as amount,
	(r.value ->> 'recipient_level')::integer as recipient_level, r.valid_from, r.updated_by,
	(r.value ->> 'threshold')::integer as threshold, (r.value ->> 'hold')::interval as hold
from rewards.rules r where r.rule = 'bonus' and r.in_force;
comment on view rewards.bonuses is
	'bonuses in force; recipient_level 0 is the account itself, 1 its referrer; threshold: at how many requests or days; hold: how long it cannot be disposed of';

create or replace view rewards.streak_multipliers as
select r.value ->> 'kind' as kind, (r.value ->> 'days')::integer as days, (r.value ->> 'multiplier')::numeric as multiplier,
	r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'streak_multiplier' and r.in_force;
comment on view rewards.streak_multipliers is 'what streaks multiply points by, from how many days on';

create or replace view rewards.campaigns as
select c.name, (c.value ->> 'multiplier')::numeric as multiplier, c.since, nullif(c.until, 'infinity') as until,
	c.value ->> 'kind' as kind, c.value ->> 'service' as service, c.value ->> 'tier' as tier,
	c.since <= now() and now() < c.until as running, c.updated_by
from (
	select r.key as name, r.value, r.valid_from as since, r.updated_by,
		least((r.value ->> 'until')::timestamptz, lead(r.valid_from, 1, 'infinity') over (partition by r.key order by r.valid_from, r.id)) as until
	from rewards.rule r where r.rule = 'campaign'
) c
where c.value is not null and c.since < c.until;
comment on view rewards.campaigns is
	'all campaigns, past, running and to come; until NULL is without end, kind, service and tier NULL are all of them. Cancelled ones are in rewards.rules (F1)';

create or replace view rewards.streaks as
select a.kind, a.name as account, v.streak as current_streak, v.best_streak, v.last_day,
	v.last_day >= t.today - 1 - t.grace as alive,
	coalesce((
		select (m.value ->> 'multiplier')::numeric
		from (
			select f.number from rewards.account_fact f
			where f.account = v.account and f.fact = 'streak' and f.valid_from <= now() and f.valid_until > now()
			order by f.valid_from desc, f.id desc limit 1) f
		join rewards.rules m on m.rule = 'streak_multiplier' and m.in_force
			and m.value ->> 'kind' = a.kind and (m.value ->> 'days')::integer <= f.number
		order by (m.value ->> 'days')::integer desc limit 1), 1) as multiplier
from rewards.activity v
join rewards.account a on a.id = v.account
cross join (select rewards.today() as today, rewards.setting('streak_grace_days')::integer as grace) t;
comment on view rewards.streaks is
	'days in a row on which an account used, served or was up, as far as posted: the run that ends on last_day, the longest one, whether the run can still go on, and what points of today are multiplied by for it (S1, S2)';

/* ---- prices ---- */

create or replace view rewards.pricing_history as
select r.key as config_key, trim_scale((r.value ->> 'price_per_unit')::numeric) as price_per_unit, r.value ->> 'unit' as unit,
	r.valid_from, r.updated_by, r.recorded_at
from rewards.rule r where r.rule = 'price';
comment on view rewards.pricing_history is 'every price that was ever set; the last recorded of those valid at a time counts (C10, C11)';

create or replace view rewards.pricing as
select r.key as config_key, trim_scale((r.value ->> 'price_per_unit')::numeric) as price_per_unit, r.value ->> 'unit' as unit,
	r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'price' and r.in_force;
comment on view rewards.pricing is 'prices in force, in credits per unit; they count while is_mainnet() (C1, C10)';

/* ---- invitations ---- */

create or replace view rewards.invite_codes as
select c.code, o.name as owner, c.created_at, c.expires_at, u.name as used_by, c.used_at, c.source, c.custom,
	c.recipient as recipient_email, c.voided_at, c.reason
from rewards.invite_code c
left join rewards.account o on o.id = c.owner
left join rewards.account u on u.id = c.used_by;
comment on view rewards.invite_codes is
	'codes for one invitation each; owner NULL is the programme; source: days, referrals/N, quality, waitlist; expires_at NULL is never (I2, I3)';

create or replace view rewards.referrals as
with stage as (
	select r.id, r.inviter, r.email as invited, r.code, r.created_at, r.referee
	from rewards.referral r
	union all
	/* who joined by a code that nobody had recorded to be sent */
	select md5('referral of account ' || a.id)::uuid, a.referrer, coalesce(a.email, a.name), a.code, a.referred_at, a.id
	from rewards.account a
	where a.referrer is not null and not exists (select from rewards.referral r where r.referee = a.id)
)
select s.id, coalesce(i.email, i.name) as inviter_email, s.invited as invited_email, s.code as invite_code,
	case
		when s.referee is null then 'sent'
		when v.last_at - interval '30 days' >= a.referred_at then 'retained'
		when v.requests > 0 and rewards.is_active(a.id, z.active_days) then 'active'
		when least(a.onboarded_at, v.onboarded_at) <= now() then 'onboarded'
		else 'joined' end as status,
	s.created_at, i.kind, a.name as referee, a.referred_at as joined_at
from stage s
join rewards.account i on i.id = s.inviter
left join rewards.account a on a.id = s.referee
left join rewards.activity v on v.account = s.referee
cross join (select (select n.value from rewards.settings n where n.name = 'active_days')::integer as active_days) z;
comment on view rewards.referrals is
	'referrals and how far they came, as far as posted: sent, joined, onboarded (complete_onboarding() or onboarded_requests requests), active (on active_days days), retained (a request 30 days or more after joining) (R15, K2)';

create or replace view rewards.quality_history as
select q.day, a.kind, a.name as account, q.method, trim_scale(q.score) as score, q.referees, q.parts
from rewards.quality_score q join rewards.account a on a.id = q.account;
comment on view rewards.quality_history is
	'quality scores as maintain() found them, a row when one changed and after a quarter one a month; a score holds until the next row; referees is how many it stands on, parts the factors of weighted (Q6)';

/* ---- growth ---- */

create or replace view rewards.referral_growth as
select g.month, g.kind, g.new_referees, sum(g.new_referees) over (partition by g.kind order by g.month)::bigint as total
from (
	select date_trunc('month', a.referred_at at time zone z.zone)::date as month, a.kind, count(*) as new_referees
	from rewards.account a cross join (select s.value as zone from rewards.settings s where s.name = 'time_zone') z
	where a.referrer is not null
	group by 1, 2
) g;
comment on view rewards.referral_growth is 'new referees by programme month and kind, and all of that kind so far (R13)';

/* ---- models ---- */

create or replace view rewards.model_facts as
select distinct on (f.model, f.fact) f.model, f.fact, f.account, f.number, f.tier, f.valid_from
from rewards.model_fact f where f.valid_from <= now()
order by f.model, f.fact, f.valid_from desc, f.id desc;
comment on view rewards.model_facts is 'owner, tier, VRAM and rate of models as they are now, accounts by number';

create or replace view rewards.models as
select m.id, m.name, m.category, m.character_id, t.tier, v.number as vram_gb, r.number as rate, m.created_at
from rewards.model m
left join rewards.model_facts t on t.model = m.id and t.fact = 'tier'
left join rewards.model_facts v on v.model = m.id and v.fact = 'vram'
left join rewards.model_facts r on r.model = m.id and r.fact = 'rate';
comment on view rewards.models is 'registered models with their own tier, VRAM in GB and rate where they have one (K2)';

create or replace view rewards.characters as
select c.id, c.name, c.image from rewards.character c;
comment on view rewards.characters is 'characters that models stand behind (K2)';

create or replace view rewards.user_models as
select a.name as user_id, f.model as model_id, case when isfinite(f.valid_from) then f.valid_from else m.created_at end as created_at
from rewards.model_facts f join rewards.account a on a.id = f.account join rewards.model m on m.id = f.model
where f.fact = 'owner';
comment on view rewards.user_models is 'who owns which model now (K2)';

create or replace view rewards.model_creator_earnings as
select a.name as creator_id, t.model as model_id, sum(t.events)::bigint as total_usage_count,
	sum(t.tokens)::bigint as total_tokens_consumed, trim_scale(sum(t.amount)) as total_earnings,
	nullif(max(t.last_at), '-infinity') as last_usage_at, nullif(min(t.first_at), 'infinity') as created_at,
	nullif(max(t.last_at), '-infinity') as updated_at
from (
	select t.owner, t.model, t.events, t.tokens, t.amount, t.first_at, t.last_at from rewards.model_total t
	union all
	select t.owner, t.model, t.events, t.tokens, t.amount, t.first_at, t.last_at from rewards.tail_models() t
) t join rewards.account a on a.id = t.owner
group by a.name, t.model;
comment on view rewards.model_creator_earnings is 'what each model has earned each creator; usage taken back is not counted (E2)';

create or replace view rewards.model_usage_logs as
select u.id, u.user_id, u.model as model_id, u.character_id, a.name as creator_id,
	coalesce(u.usage_type, u.service) as usage_type, u.input_tokens::bigint + u.output_tokens as tokens_consumed,
	s.amount as earnings_generated, u.created_at
from rewards.usage_logs u
cross join lateral rewards.shares(u.distribution) s
join rewards.account a on a.id = s.account_number
where u.creator_earnings <> 0 and s.entry = 'creator'
	and not exists (
		select from rewards.journal j
		where j.reverses_source = 'usage_logs' and j.reverses_id = u.id and j.event = 'reversal')
union all
/* what earned something only when rerate() had gone over it */
select u.id, u.user_id, j.model, u.character_id, a.name, coalesce(u.usage_type, u.service), u.input_tokens::bigint + u.output_tokens,
	s.amount, u.created_at
from rewards.journal j
cross join lateral rewards.shares(j.distribution) s
join rewards.account a on a.id = s.account_number
join rewards.usage_logs u on u.id = j.reverses_id
where j.reverses_source = 'usage_logs' and j.event = 'rerate' and j.unit = 2 and j.requests > 0
	and not exists (
		select from rewards.journal r
		where r.reverses_source = 'usage_logs' and r.reverses_id = u.id and r.event = 'reversal');
comment on view rewards.model_usage_logs is 'usage that earned a creator something and was not taken back (E2)';

/* ---- points ---- */

create or replace view rewards.month_lines as
select a.kind, a.name as account, t.month, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.month_total t join rewards.account a on a.id = t.account
union all
select coalesce(a.kind, t.kind), coalesce(a.name, t.account), t.period, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.tail_totals('month') t left join rewards.account a on a.id = t.account_number;
comment on view rewards.month_lines is 'totals by account and month, folded and not; a key may come twice, to be added up';

create or replace view rewards.day_lines as
select a.kind, a.name as account, t.day, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.day_total t join rewards.account a on a.id = t.account
union all
select coalesce(a.kind, t.kind), coalesce(a.name, t.account), t.period, t.unit, t.entry, t.level, t.amount, t.events, t.tokens
from rewards.tail_totals('day') t left join rewards.account a on a.id = t.account_number;
comment on view rewards.day_lines is 'totals by account and programme day, folded and not; a key may come twice, to be added up';

create or replace view rewards.provider_rewards as
select l.account as provider_id, l.month,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 1), 0)) as work_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 3), 0)) as referral_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) between 5 and 11), 0)) as bonus_points,
	trim_scale(sum(l.amount)) as total_points,
	coalesce(sum(l.events) filter (where abs(l.entry) = 1), 0)::bigint as requests,
	coalesce(sum(l.tokens) filter (where abs(l.entry) = 1), 0)::bigint as tokens
from rewards.month_lines l where l.kind = 'provider' and l.unit = 1 and abs(l.entry) < 12
group by l.account, l.month;
comment on view rewards.provider_rewards is 'points of providers by month; requests and tokens count what succeeded (P12, N1)';

create or replace view rewards.user_points as
select l.account as user_id, l.month,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 2), 0)) as usage_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 3), 0)) as referral_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) between 5 and 11), 0)) as bonus_points,
	trim_scale(sum(l.amount)) as total_points,
	coalesce(sum(l.events) filter (where abs(l.entry) = 2), 0)::bigint as requests,
	coalesce(sum(l.tokens) filter (where abs(l.entry) = 2), 0)::bigint as tokens
from rewards.month_lines l where l.kind = 'user' and l.unit = 1 and abs(l.entry) < 12
group by l.account, l.month;
comment on view rewards.user_points is 'points of users by month; requests and tokens count what succeeded (P12, N1)';

create or replace view rewards.referral_points_by_level as
select l.kind, l.account, l.month, l.level::integer as level, trim_scale(sum(l.amount)) as points, sum(l.events)::bigint as events
from rewards.month_lines l where l.unit = 1 and abs(l.entry) = 3
group by l.kind, l.account, l.month, l.level;
comment on view rewards.referral_points_by_level is 'referral points by month and level of the chain (R14, N3)';

create or replace view rewards.daily_points as
select l.kind, l.account, l.day,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) in (1, 2)), 0)) as own_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 3), 0)) as referral_points,
	trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) between 5 and 11), 0)) as bonus_points,
	trim_scale(sum(l.amount)) as total_points,
	coalesce(sum(l.events) filter (where abs(l.entry) in (1, 2)), 0)::bigint as requests,
	coalesce(sum(l.tokens) filter (where abs(l.entry) in (1, 2)), 0)::bigint as tokens
from rewards.day_lines l where l.unit = 1 and abs(l.entry) < 12
group by l.kind, l.account, l.day;
comment on view rewards.daily_points is 'points of accounts by programme day (P10, N4)';

/* ---- leaderboards ---- */

create or replace view rewards.board_lines as
select rewards.board_name(b.number::smallint) as board, s.month, a.kind, s.name as account, s.points
from generate_series(1, 4) b(number)
join rewards.score s on s.board = b.number::smallint and s.month < 'infinity'
join rewards.account a on a.id = s.account
union all
select rewards.board_name(b.number::smallint), null::date, a.kind, s.name, s.points
from generate_series(1, 4) b(number)
join rewards.score s on s.board = b.number::smallint and s.month = 'infinity'
join rewards.account a on a.id = s.account
union all
select b.board, m.month, coalesce(a.kind, t.kind), coalesce(a.name, t.account), t.amount
from rewards.tail_totals('month') t
left join rewards.account a on a.id = t.account_number
cross join lateral (
	select case coalesce(a.kind, t.kind) when 'provider' then 'provider' else 'user' end where t.unit = 1 and abs(t.entry) < 12
	union all
	select 'creator' where t.unit = 2 and abs(t.entry) < 12 and coalesce(a.kind, t.kind) = 'user'
	union all
	select 'referrer' where t.unit = 1 and abs(t.entry) = 3
) b(board)
cross join lateral (values (t.period), (null)) m(month);
comment on view rewards.board_lines is
	'points that count on leaderboards, folded and not, by month and (month NULL) for all time; a key may come twice, to be added up';

create or replace view rewards.leaderboard as
select s.board, s.month, rank() over (partition by s.board, s.month order by s.points desc) as rank, s.kind, s.account, s.points
from (
	select l.board, l.month, l.kind, l.account, trim_scale(sum(l.points)) as points
	from rewards.board_lines l
	group by l.board, l.month, l.kind, l.account
	having sum(l.points) > 0
) s
where not exists (
	select from rewards.present_statuses p join rewards.account a on a.id = p.account
	where p.status = 'banned' and a.kind = s.kind and a.name = s.account);
comment on view rewards.leaderboard is
	'boards provider, user, creator and referrer by month, and for all time where month is NULL; ranks leave gaps after ties (N1, N2). For a few places of a large board call leaderboard_top(), leaderboard_rank() or leaderboard_around()';

/* ---- movements ---- */

create or replace view rewards.ledger as
select 'usage_logs'::text as source, u.id as source_id,
	coalesce(a.kind, case s.entry when 'work' then 'provider' else 'user' end) as kind,
	coalesce(a.name, case s.entry when 'work' then u.provider_id else u.user_id end) as account,
	s.entry, s.level, s.amount, case s.entry when 'creator' then 'earnings' else 'points' end as unit,
	u.created_at, null::timestamptz as recorded_at, null::text as reason
from rewards.usage_logs u
cross join lateral rewards.shares(u.distribution) s
left join rewards.account a on a.id = s.account_number
union all
select 'usage_logs', u.id, 'user', u.user_id, 'usage', 0, -u.cost, 'credits', u.created_at, null, null
from rewards.usage_logs u where u.cost <> 0
union all
select 'journal', j.id, a.kind, a.name, case j.event when 'reversal' then 'reversal' else s.entry end, s.level, s.amount, n.name,
	j.created_at, j.recorded_at, j.reason
from rewards.journal j
cross join lateral rewards.shares(j.distribution) s
join rewards.unit n on n.number = j.unit
left join rewards.account a on a.id = s.account_number;
comment on view rewards.ledger is
	'usage and journal, one line a share, and one for what a request cost; usage keeps no recording time (NULL), its id gives the order of arrival (X2)';

create or replace view rewards.unmatched_models as
select m.model, m.events, m.tokens, m.last_seen
from (
	select u.model, count(*) as events, sum(u.input_tokens::bigint + u.output_tokens)::bigint as tokens, max(u.created_at) as last_seen
	from rewards.usage_logs u where u.model is not null
	group by u.model
) m cross join lateral rewards.explain_tier(m.model) t
where t.rule like '%, the default';
comment on view rewards.unmatched_models is 'models used that no entry, VRAM or name pattern places in a tier';

/* ---- credits, tokens and the like ---- */

create or replace view rewards.wallet_lines as
select l.account, u.name as currency, l.entry, l.amount, u.number as unit
from rewards.month_lines l join rewards.unit u on u.number = l.unit
where l.kind = 'user' and l.unit >= 3;
comment on view rewards.wallet_lines is 'movements of wallets by month and kind, folded and not; to be added up';

create or replace view rewards.user_credits as
select s.account as user_id, s.currency, trim_scale(s.amount - e.expired - h.held) as balance, h.held,
	trim_scale(s.added) as added, trim_scale(s.spent) as spent, trim_scale(s.expired + e.expired) as expired,
	greatest(w.updated_at, case when s.spent <> 0 then v.last_at end) as updated_at
from (
	select l.account, l.currency, l.unit, sum(l.amount) as amount,
		coalesce(sum(l.amount) filter (where l.entry in (10, 14) or l.entry in (-10, -14)), 0) as added,
		-coalesce(sum(l.amount) filter (where abs(l.entry) = 2), 0) as spent,
		-coalesce(sum(l.amount) filter (where l.entry = 15), 0) as expired
	from rewards.wallet_lines l group by l.account, l.currency, l.unit
) s
left join rewards.account a on a.kind = 'user' and a.name = s.account
left join rewards.wallet w on w.account = a.id and w.unit = s.unit
left join rewards.activity v on v.account = a.id
cross join lateral (select case when s.unit = 3 and a.id is not null then rewards.open_holds(a.id, now()) else 0 end as held) h
cross join lateral (
	select case when w.next_expiry <= now() then rewards.wallet_expired(a.id, s.unit) else 0 end as expired
) e;
comment on view rewards.user_credits is
	'what users have of each currency: balance is what they can spend, besides what is held; added (with adjustments, less refunds), spent and expired make up the rest (C5, C6, K1)';

create or replace view rewards.credit_movements as
select u.id, u.user_id, 3::smallint as unit, 'usage'::text as type, -u.cost as amount, coalesce(u.usage_type, u.service) as reason,
	u.request_id as reference, u.id as usage_id, null::text as updated_by, u.created_at
from rewards.usage_logs u where u.cost <> 0
union all
select j.id, a.name, j.unit, case j.event when 'credit' then 'credit' when 'deduct' then 'usage' when 'expiry' then 'expiry'
		when 'reversal' then 'refund' else 'adjustment' end,
	m.amount, j.reason, j.reference, case j.reverses_source when 'usage_logs' then j.reverses_id end, j.actor, j.created_at
from rewards.journal j
join rewards.account a on a.id = j.account
cross join lateral (select sum(s.amount) as amount from rewards.shares(j.distribution) s) m
where j.unit >= 3;
comment on view rewards.credit_movements is 'all that was added to or taken from wallets, one row each, units by number';

create or replace view rewards.credit_transactions as
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

create or replace view rewards.token_transactions as
/* of tokens all is in the journal, and usage need not be gone through */
select m.id, m.user_id, m.type, trim_scale(m.amount) as amount,
	trim_scale(sum(m.amount) over (partition by m.user_id order by m.id)) as balance_after,
	m.reason, m.reference, m.usage_id, m.updated_by, m.created_at
from rewards.credit_movements m where m.unit = 4;
comment on view rewards.token_transactions is 'history of users'' tokens (C8, K2)';

create or replace view rewards.credit_holds as
select h.request_id, a.name as user_id, h.amount, h.created_at, h.expires_at,
	case when h.outcome is not null then h.outcome when c.usage_id is not null then 'captured'
		when h.expires_at <= now() then 'expired' else 'open' end as status,
	coalesce(h.usage_id, c.usage_id) as usage_id, h.closed_at
from rewards.hold h join rewards.account a on a.id = h.account
left join lateral (
	select u.id as usage_id from rewards.usage_logs u
	where h.closed_at is null and u.request_id = h.request_id and u.id > h.seen_from and u.status_code between 200 and 299
		and u.user_id = a.name
	order by u.id limit 1
) c on true;
comment on view rewards.credit_holds is 'credits held for requests: open, captured by the row usage_id, released or expired';

create or replace view rewards.payouts as
select p.id, a.kind, a.name as account, u.name as unit, p.amount, p.method, p.status, p.reference, p.automatic,
	p.requested_at, p.requested_by, p.approved_at, p.approved_by, p.ended_at, p.ended_by, p.transfer, p.reason
from rewards.payout p join rewards.account a on a.id = p.account join rewards.unit u on u.number = p.unit;
comment on view rewards.payouts is 'payouts: requested, approved, completed or failed; what is open is held (F2)';

/* ---- abuse ---- */

create or replace view rewards.detectors as
select d.name, coalesce((r.value ->> 'enabled')::boolean, true) as enabled,
	d.parameters || coalesce(r.value -> 'parameters', '{}') as parameters, d.description, r.valid_from, r.updated_by
from rewards.detector_defaults() d
left join rewards.rules r on r.rule = 'detector' and r.key = d.name and r.in_force;
comment on view rewards.detectors is 'detectors of abuse with the parameters they go by; valid_from NULL where set_detector() has said nothing (A2)';

create or replace view rewards.abuse_flags as
select f.id, a.kind, a.name as account, f.detector, f.evidence, f.created_at, f.cleared_at, f.cleared_by, f.note, r.name as referrer
from rewards.abuse_flag f join rewards.account a on a.id = f.account left join rewards.account r on r.id = a.referrer;
comment on view rewards.abuse_flags is
	'what detectors have found, and usage above its limit (detector rate_limit), with who referred the account; open until clear_flag() (A2, A4)';

create or replace view rewards.rate_limits as
select r.value ->> 'subject' as subject, r.value ->> 'kind' as kind, (r.value ->> 'max')::integer as max, (r.value ->> 'per')::interval as per,
	r.value ->> 'action' as action, r.valid_from, r.updated_by
from rewards.rules r where r.rule = 'rate_limit' and r.in_force;
comment on view rewards.rate_limits is 'limits in force; kind NULL: calls by both kinds, usage of users (A4)';

/* ---- messages ---- */

create or replace view rewards.notifications as
select n.id, a.kind, a.name as account, n.event, n.payload, n.created_at, n.taken_until, n.delivered_at
from rewards.notification n join rewards.account a on a.id = n.account;
comment on view rewards.notifications is
	'what people are to be told: take_notifications() leases messages to mailers, notification_done() ends that (M4)';

/* ---- the waiting list ---- */

create or replace view rewards.waitlist as
select e.id, e.email, e.status, a.name as referrer, e.code, e.joined_at, e.released_at, e.invite_code
from rewards.waitlist_entry e left join rewards.account a on a.id = e.referrer;
comment on view rewards.waitlist is
	'who has asked for an invitation: waiting, approved (for the referrer''s sake), released or joined. Those with a referrer come first, each in order of id; waitlist_position() counts (I5)';

/* ---- operations ---- */

create or replace view rewards.status as
select t.backlog,
	case when t.backlog = 0 then interval '0' else clock_timestamp() - coalesce(c.posted_at, i.installed_at) end as lag,
	c.posted_at as last_post,
	cardinality(c.open_first) as open_stretches,
	case when cardinality(c.open_first) >= 1000 then (
		select format('%s since %s', h.who, h.since) from (
			select 'process ' || s.pid as who, s.xact_start as since from pg_stat_activity s where s.backend_xid is not null and s.pid <> pg_backend_pid()
			union all
			select 'prepared transaction ' || p.gid, p.prepared from pg_prepared_xacts p
		) h order by h.since limit 1) end as held_back_by,
	(select count(*) from rewards.usage_partition p)::integer as partitions,
	rewards.partitions_ahead() as partitions_ahead,
	i.version,
	c.unpriced + rewards.tail_unpriced() as unpriced_rows,
	(select count(*) from rewards.unrated_usage u where u.mended_at is null) as unrated_rows
from rewards.cursor c, rewards.installation i, (select rewards.tail_events() as backlog) t;
comment on view rewards.status is
	'one row: rows not yet folded, time since the last posting while there are any, what holds posting back, partitions, successful requests of mainnet that lacked a price, chats stored without earnings that rerate() has not gone over';
