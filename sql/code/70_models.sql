/* Models, characters, owners. */

create function rewards.add_model_fact(model text, fact text, account bigint, number numeric, tier text,
		valid_from timestamptz, updated_by text) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	fact_id bigint;
	first boolean;
begin
	/* the model's row orders the changes of one model */
	perform 1 from rewards.model m where m.id = model for no key update;
	first := not exists (select from rewards.model_fact f where f.model = model and f.fact = fact);
	insert into rewards.model_fact as f (model, fact, account, number, tier, valid_from, seen_from, updated_by)
	values (model, fact, account, number, tier, case when first then '-infinity' else valid_from end,
		rewards.last_number(), updated_by)
	returning f.id into fact_id;
	perform rewards.signal_change('rewards.model_fact');
	return fact_id;
end
$$;
revoke all on function rewards.add_model_fact(text, text, bigint, numeric, text, timestamptz, text) from public;
comment on function rewards.add_model_fact(text, text, bigint, numeric, text, timestamptz, text) is
	'appends what is known of a model from a time on, the first such fact from ever; all values NULL end it';

create function rewards.ensure_model(model text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	perform rewards.check_id(model, 'model_id');
	insert into rewards.model (id) values (model) on conflict do nothing;
end
$$;
revoke all on function rewards.ensure_model(text) from public;
comment on function rewards.ensure_model(text) is 'makes a model known by its id';

create function rewards.register_character(character_id text, name text, image text default null) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
	perform rewards.require_installed();
	perform rewards.check_id(character_id, 'character_id');
	insert into rewards.character (id, name, image) values (character_id, name, image)
		on conflict (id) do update set name = coalesce(excluded.name, rewards.character.name),
			image = coalesce(excluded.image, rewards.character.image);
end
$$;
revoke all on function rewards.register_character(text, text, text) from public;
comment on function rewards.register_character(text, text, text) is
	'a character''s name and image; NULL leaves what is known (E7)';

create function rewards.model_state(model text, at timestamptz) returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select jsonb_build_object('name', m.name, 'category', m.category, 'character_id', m.character_id,
		'owner', (select a.name from rewards.account a where a.id = f.owner), 'tier', f.tier, 'vram_gb', f.vram, 'rate', f.rate)
	from rewards.model m
	cross join lateral (
		select (array_agg(l.account) filter (where l.fact = 'owner'))[1] as owner, min(l.tier) filter (where l.fact = 'tier') as tier,
			min(l.number) filter (where l.fact = 'vram') as vram, min(l.number) filter (where l.fact = 'rate') as rate
		from (
			select distinct on (f.fact) f.fact, f.account, f.tier, f.number from rewards.model_fact f
			where f.model = m.id and f.valid_from <= at
			order by f.fact, f.valid_from desc, f.id desc) l
	) f
	where m.id = model_state.model
$$;
revoke all on function rewards.model_state(text, timestamptz) from public;
comment on function rewards.model_state(text, timestamptz) is 'what is known of a model at a time, for the admin log; NULL for an unknown one';

create function rewards.set_model_owner(model_id text, owner text, valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	before jsonb;
	fact_id bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(valid_from, 'valid_from');
	perform rewards.ensure_model(model_id);
	/* orders the changes of one model, so that this is what was before */
	perform 1 from rewards.model m where m.id = model_id for no key update;
	before := rewards.model_state(model_id, valid_from) -> 'owner';
	if owner is not null then
		perform rewards.check_id(owner, 'owner');
		number := (rewards.ensure_account('user', owner)).number;
	end if;
	fact_id := rewards.add_model_fact(model_id, 'owner', number, null, null, valid_from, updated_by);
	perform rewards.log_call('set_model_owner', jsonb_build_object('model_id', model_id, 'owner', owner, 'valid_from', valid_from,
		'facts', jsonb_build_array(fact_id)), nullif(before, 'null'), to_jsonb(owner), updated_by);
	return fact_id;
end
$$;
revoke all on function rewards.set_model_owner(text, text, timestamptz, text) from public;
comment on function rewards.set_model_owner(text, text, timestamptz, text) is
	'who earns from a model''s use, from a time on; the first owner from ever, NULL ends it. Returns the change''s id (E3)';

create function rewards.register_model(model_id text, name text default null, category text default null, owner text default null,
		character_id text default null, tier text default null, vram_gb numeric default null, rate numeric default null,
		valid_from timestamptz default null, updated_by text default current_user)
	returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	since timestamptz := coalesce(valid_from, now());
	number bigint;
	before jsonb;
	facts bigint[] := '{}';
begin
	perform rewards.require_installed();
	if valid_from < now() and not rewards.is_admin() then
		raise exception 'only an admin may date a model''s owner, tier or rate back'
			using errcode = 'insufficient_privilege', hint = 'Leave out the argument valid_from.';
	end if;
	perform 1 from rewards.model m where m.id = model_id for no key update;
	before := rewards.model_state(model_id, since);
	perform rewards.ensure_model(model_id);
	perform rewards.check_tier(tier);
	perform rewards.check_amount(vram_gb, 'vram_gb');
	perform rewards.check_amount(rate, 'rate');
	if owner is not null then
		perform rewards.check_id(owner, 'owner');
	end if;
	if character_id is not null then
		perform rewards.check_id(character_id, 'character_id');
		insert into rewards.character (id) values (character_id) on conflict do nothing;
	end if;
	update rewards.model m set name = coalesce(name, m.name), category = coalesce(category, m.category),
		character_id = coalesce(character_id, m.character_id)
	where m.id = model_id;
	if owner is not null then
		number := (rewards.ensure_account('user', owner)).number;
		facts := facts || rewards.add_model_fact(model_id, 'owner', number, null, null, since, updated_by);
	end if;
	if tier is not null then
		facts := facts || rewards.add_model_fact(model_id, 'tier', null, null, tier, since, updated_by);
	end if;
	if vram_gb is not null then
		facts := facts || rewards.add_model_fact(model_id, 'vram', null, vram_gb, null, since, updated_by);
	end if;
	if rate is not null then
		facts := facts || rewards.add_model_fact(model_id, 'rate', null, rate, null, since, updated_by);
	end if;
	/* also a new character changes what a row's model is */
	perform rewards.signal_change('rewards.model_fact');
	perform rewards.log_call('register_model', jsonb_build_object('model_id', model_id, 'name', name, 'category', category,
		'owner', owner, 'character_id', character_id, 'tier', tier, 'vram_gb', vram_gb, 'rate', rate, 'valid_from', valid_from,
		'facts', facts), before, rewards.model_state(model_id, since), updated_by);
end
$$;
revoke all on function rewards.register_model(text, text, text, text, text, text, numeric, numeric, timestamptz, text) from public;
comment on function rewards.register_model(text, text, text, text, text, text, numeric, numeric, timestamptz, text) is
	'makes a model known or changes it; NULL leaves what is known. Tier, VRAM in GB, owner and rate per token count from valid_from (default now), the first of each from ever (E3, F2)';

create function rewards.explain_tier(model text, out tier text, out rule text) returns record
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(model, 'model');
	select e.tier, e.rule into tier, rule from rewards.explain_model(model) e;
end
$$;
revoke all on function rewards.explain_tier(text) from public;
comment on function rewards.explain_tier(text) is 'the tier a model is in now, and what placed it there (P2, P3)';
