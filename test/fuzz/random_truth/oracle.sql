/*
 * The oracle: every row computed again, from its inputs and the base tables of rules,
 * edges and facts of models and accounts.  A version counts for a row when it was recorded before the
 * row (seen_from < id) and valid at its created_at; of those the one valid last, and
 * of two valid from one instant the one recorded later.
 */

analyze;
set work_mem = '128MB';
set jit = off;

/* ---- the versions of all rules ---- */

create table truth.version as
select r.id, r.rule, r.key, r.valid_from, r.seen_from, r.recorded_xid, r.value is null as ended,
	(value ->> 'points')::numeric as points, (value ->> 'vram_above')::numeric as above, (value ->> 'vram_upto')::numeric as upto,
	lower(value ->> 'endpoint_suffix') as suffix, (value ->> 'provider_per_token')::numeric as provider_per_token,
	(value ->> 'user_base')::numeric as user_base, (value ->> 'user_per_token')::numeric as user_per_token,
	lower(value ->> 'pattern') as pattern, lower(value ->> 'but_not') as but_not, value ->> 'match' as match, value ->> 'tier' as tier,
	coalesce((value ->> 'share')::numeric, (value ->> 'rate')::numeric) as rate, value -> 'rates' as rates,
	(value ->> 'amount')::numeric as amount, value ->> 'value' as setting,
	(value ->> 'multiplier')::numeric as multiplier, (value ->> 'until')::timestamptz as until,
	value ->> 'kind' as kind, value ->> 'service' as service, (value ->> 'days')::integer as days
from rewards.rule r;
create index on truth.version (rule, key, valid_from desc, id desc);
create index on truth.version (seen_from);
create index on truth.version (valid_from);

/* ---- the rows, by what was sent and not by what was kept ---- */

create table truth.usage as
select u.id, coalesce(e.created_at, u.created_at) as at, e.user_id, e.provider_id, e.endpoint, e.model_then as model,
	e.status_code between 200 and 299 as succeeded, e.input_tokens, e.output_tokens,
	e.input_tokens::bigint + e.output_tokens as tokens, e.user_known, e.provider_known,
	(select max(v.seen_from) from truth.version v where v.seen_from < u.id) as knows,
	(select max(v.valid_from) from truth.version v where v.valid_from <= coalesce(e.created_at, u.created_at)) as since
from truth.event e join rewards.usage_logs u on u.latency_ms = e.n;
create unique index on truth.usage (id);

/* ---- the rules in force, for all rows that know the same ones and lie between the same dates ---- */

create table truth.force as
select c.knows, c.since, v.*
from (select distinct knows, since from truth.usage) c
cross join (select distinct rule, key from truth.version) k
cross join lateral (
	select v.* from truth.version v
	where v.rule = k.rule and v.key = k.key and v.valid_from <= c.since and v.seen_from <= c.knows
	order by v.valid_from desc, v.id desc limit 1) v
where not v.ended;
create index on truth.force (rule, key, knows, since);
create index on truth.force (rule, knows, since);
analyze truth.force;

/* ---- which service: the path without scheme, host, query and slash at its end; the longest suffix that fits ---- */

create table truth.path as
select endpoint, '/' || regexp_replace(regexp_replace(regexp_replace(lower(endpoint), '^[a-z][a-z0-9+.-]*://[^/?#]*', ''), '[?#].*$', ''), '/+$', '') as path
from truth.event group by endpoint;

create table truth.served as
select distinct on (u.id) u.id, coalesce(s.key, 'other') as service, s.points as own_points, coalesce(s.provider_per_token, 0) as provider_per_token,
	coalesce(s.user_base, 0) as user_base, coalesce(s.user_per_token, 0) as user_per_token
from truth.usage u join truth.path p using (endpoint)
left join truth.force s on s.rule = 'service' and (s.knows, s.since) = (u.knows, u.since)
	and right(p.path, length(s.suffix)) = s.suffix
order by u.id, length(s.suffix) desc, s.key;

/* other endpoints are as chat when they name a model */
update truth.served w set own_points = s.points, provider_per_token = s.provider_per_token, user_base = s.user_base, user_per_token = s.user_per_token
from truth.usage u join truth.force s on s.rule = 'service' and s.key = 'chat' and (s.knows, s.since) = (u.knows, u.since)
where u.id = w.id and w.service = 'other' and u.model is not null;

/* ---- which model: what was known of it ---- */

create index on rewards.model_fact (model, fact, valid_from desc, id desc);
create table truth.modelled as
select u.id, owner.account as owner, tier.tier, vram.number as vram, rate.number as rate
from truth.usage u
left join lateral (select f.account from rewards.model_fact f
	where f.model = u.model and f.fact = 'owner' and f.valid_from <= u.at and f.seen_from < u.id
	order by f.valid_from desc, f.id desc limit 1) owner on true
left join lateral (select f.tier from rewards.model_fact f
	where f.model = u.model and f.fact = 'tier' and f.valid_from <= u.at and f.seen_from < u.id
	order by f.valid_from desc, f.id desc limit 1) tier on true
left join lateral (select f.number from rewards.model_fact f
	where f.model = u.model and f.fact = 'vram' and f.valid_from <= u.at and f.seen_from < u.id
	order by f.valid_from desc, f.id desc limit 1) vram on true
left join lateral (select f.number from rewards.model_fact f
	where f.model = u.model and f.fact = 'rate' and f.valid_from <= u.at and f.seen_from < u.id
	order by f.valid_from desc, f.id desc limit 1) rate on true
where u.model in (select f.model from rewards.model_fact f);

/* the first owner, tier, VRAM and rate of a model count from ever */
do $$
begin
	perform truth.demand('first facts of models', array(
		select format('%s of %s: from %s', f.fact, f.model, f.valid_from)
		from (select distinct on (model, fact) * from rewards.model_fact order by model, fact, id) f
		where f.valid_from <> '-infinity'));
end
$$;

/* ---- which tier: the model's own, by VRAM, by name, the default ---- */

/* a number in a pattern is a whole number in the name: 7b is in neither 27b nor 2.7b */
create function truth.holds(name text, pattern text, match text) returns boolean
	language sql immutable strict
	return name ~ concat(
		case when match in ('prefix', 'exact') then '^' end,
		case when pattern ~ '^[0-9]' then '(?<![0-9])(?<![0-9]\.)' end,
		regexp_replace(pattern, '([^[:alnum:] -])', '\\\1', 'g'),
		case when pattern ~ '[0-9]$' then '(?!\.?[0-9])' end,
		case when match in ('suffix', 'exact') then '$' end);

create table truth.named as
select m.model, v.id as version
from (select distinct model, lower(model) as name from truth.usage where model is not null) m
join truth.version v on v.rule = 'model_pattern' and not v.ended
where truth.holds(m.name, v.pattern, v.match)
	and not coalesce(truth.holds(m.name, v.but_not, 'contains'), false);
analyze truth.named;

create table truth.placed as
select u.id, case when w.service = 'other' and u.model is null then null
	when w.own_points is not null then 'tide_pool'
	else coalesce(m.tier, vram.key, named.tier, fallback.setting, 'tide_pool') end as tier
from truth.usage u join truth.served w using (id)
left join truth.modelled m using (id)
left join truth.force vram on vram.rule = 'tier' and (vram.knows, vram.since) = (u.knows, u.since)
	and coalesce(vram.above, vram.upto) is not null
	and m.vram > coalesce(vram.above, '-infinity') and m.vram <= coalesce(vram.upto, 'infinity')
left join (
	select distinct on (u.id) u.id, f.tier
	from truth.usage u join truth.force f on f.rule = 'model_pattern' and (f.knows, f.since) = (u.knows, u.since)
	join truth.named n on n.version = f.id and n.model = u.model
	order by u.id, f.key::integer) named on named.id = u.id
left join truth.force fallback on fallback.rule = 'setting' and fallback.key = 'default_tier' and (fallback.knows, fallback.since) = (u.knows, u.since);

/* ---- what multiplies: campaigns, an account's own multiplier, its streak as posting had found it ---- */

create aggregate truth.product(numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1');

create index on rewards.account_fact (account, fact, valid_from desc, id desc);
analyze rewards.account_fact;
create table truth.multiplied as
select u.id, k.kind, coalesce(own.number, 1) as own, coalesce(streak.multiplier, 1) as streak, campaigns.multiplier as campaigns
from truth.usage u join truth.served w using (id) join truth.placed t using (id)
cross join lateral (values ('user', u.user_id), ('provider', u.provider_id)) k(kind, name)
left join rewards.account a on a.kind = k.kind and a.name = k.name
left join lateral (select f.number from rewards.account_fact f
	where f.account = a.id and f.fact = 'multiplier' and f.valid_from <= u.at and f.seen_from < u.id
	order by f.valid_from desc, f.id desc limit 1) own on true
left join lateral (select f.number as days from rewards.account_fact f
	where f.account = a.id and f.fact = 'streak' and f.valid_from <= u.at and f.valid_until > u.at and f.seen_from < u.id
	order by f.valid_from desc, f.id desc limit 1) run on true
left join lateral (select r.multiplier from truth.force r
	where r.rule = 'streak_multiplier' and (r.knows, r.since) = (u.knows, u.since) and r.kind = k.kind and r.days <= run.days
	order by r.days desc limit 1) streak on true
cross join lateral (select truth.product(c.multiplier) as multiplier from truth.force c
	where c.rule = 'campaign' and (c.knows, c.since) = (u.knows, u.since) and u.at < c.until
		and coalesce(c.kind, k.kind) = k.kind and coalesce(c.service, w.service) = w.service and (c.tier is null or c.tier = t.tier)) campaigns
where u.succeeded and k.name is not null;
create unique index on truth.multiplied (id, kind);
analyze truth.multiplied;

/* ---- statuses: of those that hold at a time the last; as a number, from 2 on nothing of others, with 4 nothing of one's own ---- */

create function truth.status(of_account bigint, at timestamptz, known_to bigint) returns integer language sql stable
	begin atomic;
	select coalesce((
		select array_position('{active,warned,paused,suspended,banned}'::text[], s.status) - 1
		from rewards.account_status s
		where s.account = of_account and s.valid_from <= at and s.valid_until > at and s.seen_from < known_to
		order by s.valid_from desc, s.id desc limit 1), 0);
	end;

/* ---- what the earners themselves get: rounded once, half away from zero ---- */

create table truth.reward as
select u.*, w.service, t.tier, a.id as user_number, m.owner,
	case when u.succeeded and u.provider_id is not null and truth.status(p.id, u.at, u.id) < 4 then round(b.base * by_provider.own * by_provider.streak * by_provider.campaigns, 9) else 0 end as provider_points,
	case when u.succeeded and truth.status(a.id, u.at, u.id) < 4 then round((coalesce(share.rate, 0) * b.base + w.user_base + w.user_per_token * u.tokens) * by_user.own * by_user.streak * by_user.campaigns, 9)
		else 0 end as user_points,
	case when u.succeeded and m.owner is distinct from a.id then coalesce(round(u.tokens * c.rate, 9), 0) else 0 end as creator_earnings
from truth.usage u join truth.served w using (id) join truth.placed t using (id)
left join truth.modelled m using (id)
left join rewards.account a on a.kind = 'user' and a.name = u.user_id
left join rewards.account p on p.kind = 'provider' and p.name = u.provider_id
left join truth.multiplied by_user on by_user.id = u.id and by_user.kind = 'user'
left join truth.multiplied by_provider on by_provider.id = u.id and by_provider.kind = 'provider'
left join truth.force tier on tier.rule = 'tier' and tier.key = t.tier and (tier.knows, tier.since) = (u.knows, u.since)
left join truth.force share on share.rule = 'user_share' and (share.knows, share.since) = (u.knows, u.since)
left join truth.force tier_rate on tier_rate.rule = 'creator_rate' and tier_rate.key = t.tier and (tier_rate.knows, tier_rate.since) = (u.knows, u.since)
left join truth.force any_rate on any_rate.rule = 'creator_rate' and any_rate.key = '' and (any_rate.knows, any_rate.since) = (u.knows, u.since)
cross join lateral (select coalesce(w.own_points, tier.points, 0) + w.provider_per_token * u.output_tokens as base) b
cross join lateral (select case when m.owner is not null then coalesce(m.rate, tier_rate.rate, any_rate.rate) end as rate) c;

/* ---- who else gets a share ---- */

/* all chains: an ancestor counts once every edge on the way to it is valid and was recorded */
create table truth.chain as
with recursive chain as (
	select e.id as account, e.referrer as ancestor, 1 as level, e.referred_at as valid_from, e.seen_from from rewards.account e where e.referrer is not null
	union all
	select c.account, e.referrer, c.level + 1, greatest(c.valid_from, e.referred_at), greatest(c.seen_from, e.seen_from)
	from chain c join rewards.account e on e.id = c.ancestor and e.referrer is not null
)
select a.kind, a.name, r.name as ancestor, r.id as ancestor_number, c.level, c.valid_from, c.seen_from
from chain c join rewards.account a on a.id = c.account join rewards.account r on r.id = c.ancestor;

create table truth.share as
with earner as (
	select id, at, knows, since, 'provider' as kind, provider_id as account, 'work' as entry, provider_points as points
	from truth.reward where provider_points > 0
	union all
	select id, at, knows, since, 'user', user_id, 'usage', user_points from truth.reward where user_points > 0
)
select id, kind, account, entry, 0 as level, points as amount from earner
union all
select * from (
	select e.id, e.kind, c.ancestor, 'referral', c.level, round(e.points * (r.rates ->> c.level - 1)::numeric, 9) as amount
	from earner e
	join truth.force r on r.rule = 'referral_rates' and r.key = e.kind and (r.knows, r.since) = (e.knows, e.since)
	join truth.chain c on c.kind = e.kind and c.name = e.account and c.level <= jsonb_array_length(r.rates)
		and c.valid_from <= e.at and c.seen_from < e.id
	where truth.status(c.ancestor_number, e.at, e.id) < 2) referral
where amount > 0
union all
select r.id, 'user', a.name, 'creator', 0, r.creator_earnings
from truth.reward r join rewards.account a on a.id = r.owner where r.creator_earnings > 0;

/* each edge paid the referrer the bonus that was in force at its date, by what was recorded then */
create table truth.bonus as
select a.recorded_xid, a.kind, r.name as account, a.referred_at as at, b.amount
from rewards.account a join rewards.account r on r.id = a.referrer
cross join lateral (
	select v.amount from truth.version v
	where v.rule = 'bonus' and v.key = 'signup/' || a.kind || '/1' and v.valid_from <= a.referred_at and v.recorded_xid < a.recorded_xid
	order by v.valid_from desc, v.id desc limit 1) b
where b.amount > 0 and coalesce((
	select s.status in ('active', 'warned') from rewards.account_status s
	where s.account = r.id and s.valid_from <= a.referred_at and s.valid_until > a.referred_at and s.recorded_xid < a.recorded_xid
	order by s.valid_from desc, s.id desc limit 1), true);

analyze;
