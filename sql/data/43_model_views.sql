/*
 * Models: what is known of them, who owns them, what they have earned.
 * 40_account_views.sql says what their two arms are for.
 */

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

create or replace view rewards.user_models with (security_barrier) as
select a.name as user_id, f.model as model_id, case when isfinite(f.valid_from) then f.valid_from else m.created_at end as created_at
from rewards.model_facts f join rewards.account a on a.id = f.account join rewards.model m on m.id = f.model
where f.fact = 'owner' and rewards.reads_all()
union all
select o.account, f.model, f.created_at
from rewards.limited_to() o
cross join lateral (
	select f.model, case when isfinite(f.valid_from) then f.valid_from else m.created_at end as created_at
	from rewards.model_facts f join rewards.model m on m.id = f.model
	where f.fact = 'owner' and f.account = o.number offset 0) f;
comment on view rewards.user_models is 'who owns which model now (K2)';

create or replace view rewards.unmatched_models as
select m.model, m.events, m.tokens, m.last_seen
from (
	select u.model, count(*) as events, sum(u.input_tokens::bigint + u.output_tokens)::bigint as tokens, max(u.created_at) as last_seen
	from rewards.usage_logs u where u.model is not null
	group by u.model
) m cross join lateral rewards.explain_tier(m.model) t
where t.rule like '%, the default';
comment on view rewards.unmatched_models is 'models used that no entry, VRAM or name pattern places in a tier';

/* ---- earnings of creators ---- */

create or replace view rewards.model_creator_earnings with (security_barrier) as
select t.creator_id, t.model as model_id, sum(t.events)::bigint as total_usage_count,
	sum(t.tokens)::bigint as total_tokens_consumed, trim_scale(sum(t.amount)) as total_earnings,
	nullif(max(t.last_at), '-infinity') as last_usage_at, nullif(min(t.first_at), 'infinity') as created_at,
	nullif(max(t.last_at), '-infinity') as updated_at
from (
	select a.name as creator_id, t.model, t.events, t.tokens, t.amount, t.first_at, t.last_at
	from rewards.model_total t join rewards.account a on a.id = t.owner
	where rewards.reads_all()
	union all
	select m.account, t.model, t.events, t.tokens, t.amount, t.first_at, t.last_at
	from rewards.limited_to() m
	cross join lateral (select * from rewards.model_total t where t.owner = m.number offset 0) t
	union all
	select a.name, t.model, t.events, t.tokens, t.amount, t.first_at, t.last_at
	from rewards.tail_models() t
	cross join lateral (select a.name from rewards.account a where a.id = t.owner offset 0) a
) t
group by t.creator_id, t.model;
comment on view rewards.model_creator_earnings is 'what each model has earned each creator; usage taken back is not counted (E2)';

create or replace view rewards.model_usage_logs with (security_barrier) as
select u.id, u.user_id, u.model as model_id, u.character_id, a.name as creator_id,
	coalesce(u.usage_type, u.service) as usage_type, u.input_tokens::bigint + u.output_tokens as tokens_consumed,
	s.amount as earnings_generated, u.created_at
from rewards.usage_logs u
cross join lateral rewards.shares(u.distribution) s
join rewards.account a on a.id = s.account_number
where rewards.reads_all() and u.creator_earnings <> 0 and s.entry = 'creator'
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
where rewards.reads_all() and j.reverses_source = 'usage_logs' and j.event = 'rerate' and j.unit = 2 and j.requests > 0
	and not exists (
		select from rewards.journal r
		where r.reverses_source = 'usage_logs' and r.reverses_id = u.id and r.event = 'reversal')
union all
/* whoever used the model is told to its creator by nobody */
select l.id, l.user_id, l.model, l.character_id, m.account, l.usage_type, l.tokens, l.amount, l.created_at
from rewards.limited_to() m
cross join lateral (
	select u.id, case when u.user_id = m.account then u.user_id end as user_id, u.model, u.character_id,
		coalesce(u.usage_type, u.service) as usage_type, u.input_tokens::bigint + u.output_tokens as tokens, s.amount, u.created_at
	from rewards.usage_logs u
	cross join lateral rewards.shares(u.distribution) s
	where u.creator_earnings <> 0 and s.entry = 'creator' and s.account_number = m.number
		and not exists (
			select from rewards.journal j
			where j.reverses_source = 'usage_logs' and j.reverses_id = u.id and j.event = 'reversal')
	union all
	select u.id, case when u.user_id = m.account then u.user_id end, j.model, u.character_id,
		coalesce(u.usage_type, u.service), u.input_tokens::bigint + u.output_tokens, s.amount, u.created_at
	from rewards.journal j
	cross join lateral rewards.shares(j.distribution) s
	join rewards.usage_logs u on u.id = j.reverses_id
	where j.reverses_source = 'usage_logs' and j.event = 'rerate' and j.unit = 2 and j.requests > 0 and s.account_number = m.number
		and not exists (
			select from rewards.journal r
			where r.reverses_source = 'usage_logs' and r.reverses_id = u.id and r.event = 'reversal')
	offset 0) l;
comment on view rewards.model_usage_logs is 'usage that earned a creator something and was not taken back (E2)';
