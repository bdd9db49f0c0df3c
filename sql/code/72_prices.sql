/* Prices and mainnet: rules of their own, effective-dated as all. */

create function rewards.known_prices() returns table (config_key text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select distinct r.key || s.side from rewards.rule r cross join (values ('_input'), ('_output')) s(side) where r.rule = 'tier'
	union
	select r.key from rewards.rule r where r.rule = 'service' and r.key <> 'chat'
$$;
revoke all on function rewards.known_prices() from public;
comment on function rewards.known_prices() is 'what can have a price: input and output of each tier, and each service that does not go by tiers';

create function rewards.check_price(config_key text, price_per_unit numeric, unit text) returns void
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.check_not_null(config_key, 'config_key');
	perform rewards.check_not_null(price_per_unit, 'price_per_unit');
	perform rewards.check_not_null(unit, 'unit');
	if not exists (select from rewards.known_prices() k where k.config_key = check_price.config_key) then
		raise exception 'there is no price "%"', config_key
			using errcode = 'invalid_parameter_value',
				hint = 'Prices are <tier>_input and <tier>_output for each tier, and each service but chat.';
	elsif unit not in ('token', '1000_tokens', '1000000_tokens', 'request') then
		raise exception 'unknown unit "%"', unit
			using errcode = 'invalid_parameter_value', hint = 'Use token, 1000_tokens, 1000000_tokens or request.';
	end if;
	perform rewards.check_amount(price_per_unit, 'price_per_unit');
end
$$;
revoke all on function rewards.check_price(text, numeric, text) from public;
comment on function rewards.check_price(text, numeric, text) is '22004 or 22023 for what is no price';

/* a type of its own, for columns and arguments share names */
create type rewards.price_set as (config_key text, price_per_unit numeric, unit text, valid_from timestamptz, updated_by text);
comment on type rewards.price_set is 'a row of set_pricing()';

create function rewards.set_pricing(config_key text, price_per_unit numeric, unit text, updated_by text default current_user,
		valid_from timestamptz default now())
	returns setof rewards.price_set
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	rows 1
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_price(config_key, price_per_unit, unit);
	perform rewards.set_rule('set_pricing', jsonb_build_object('config_key', config_key, 'price_per_unit', price_per_unit, 'unit', unit),
		'price', config_key, jsonb_build_object('price_per_unit', price_per_unit, 'unit', unit),
		valid_from, updated_by);
	return query select config_key, price_per_unit, unit, valid_from, updated_by;
end
$$;
revoke all on function rewards.set_pricing(text, numeric, text, text, timestamptz) from public;
comment on function rewards.set_pricing(text, numeric, text, text, timestamptz) is
	'what a tier''s input or output, or a service, costs in credits per unit (token, 1000_tokens, 1000000_tokens, request) from a time on; counts on mainnet only. 22023 for unknown keys and units and negative prices (C1, C2)';

create function rewards.pricing_preset(name text) returns table (config_key text, price_per_unit numeric, unit text)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with mainnet(config_key, price_per_unit, unit) as (values
		('tide_pool_input', 0.0002, '1000_tokens'), ('tide_pool_output', 0.0004, '1000_tokens'),
		('blue_surge_input', 0.0006, '1000_tokens'), ('blue_surge_output', 0.0012, '1000_tokens'),
		('open_ocean_input', 0.0014, '1000_tokens'), ('open_ocean_output', 0.0028, '1000_tokens'),
		('mariana_depth_input', 0.003, '1000_tokens'), ('mariana_depth_output', 0.006, '1000_tokens'),
		('embeddings', 0.0002, '1000_tokens'), ('tts', 0.0004, 'request'), ('scrape', 0.0001, 'request')
	)
	select m.config_key, m.price_per_unit, m.unit from mainnet m where pricing_preset.name = 'mainnet'
	union all
	select k.config_key, 0, coalesce(m.unit, case when k.config_key ~ '_(input|output)$' then '1000_tokens' else 'request' end)
	from rewards.known_prices() k left join mainnet m on m.config_key = k.config_key where pricing_preset.name = 'testnet'
$$;
revoke all on function rewards.pricing_preset(text) from public;
comment on function rewards.pricing_preset(text) is 'the prices that init_pricing() sets; none for an unknown name';

create function rewards.init_pricing(name text, updated_by text default current_user, valid_from timestamptz default now())
	returns integer
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	price record;
	versions bigint[] := '{}';
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(name, 'name');
	if name not in ('testnet', 'mainnet') then
		raise exception 'there is no price table "%"', name
			using errcode = 'invalid_parameter_value', hint = 'Price tables are testnet and mainnet.';
	end if;
	lock table rewards.rule in share update exclusive mode;
	for price in
		select p.config_key as key, jsonb_build_object('price_per_unit', p.price_per_unit, 'unit', p.unit) as value
		from rewards.pricing_preset(name) p order by 1
	loop
		continue when price.value = rewards.rule_value('price', price.key, valid_from);
		versions := versions || rewards.add_rule('price', price.key, price.value, valid_from, updated_by);
	end loop;
	versions := versions || rewards.add_rule('mainnet', '', jsonb_build_object('on', name = 'mainnet'), valid_from, updated_by);
	perform rewards.log_call('init_pricing', jsonb_build_object('name', name, 'valid_from', valid_from, 'versions', versions),
		c.before, c.after, updated_by)
	from rewards.changed_rules(versions) c;
	return cardinality(versions) - 1;
end
$$;
revoke all on function rewards.init_pricing(text, text, timestamptz) from public;
comment on function rewards.init_pricing(text, text, timestamptz) is
	'testnet: every price 0 and mainnet off; mainnet: the price table of the documentation and mainnet on. Returns how many prices changed (C3, C4)';

create function rewards.is_mainnet(at timestamptz default now()) returns boolean
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(at, 'at');
	return coalesce((rewards.rule_value('mainnet', '', at) ->> 'on')::boolean, false);
end
$$;
revoke all on function rewards.is_mainnet(timestamptz) from public;
comment on function rewards.is_mainnet(timestamptz) is 'whether usage costs credits at a time (C3)';

create function rewards.toggle_mainnet(is_mainnet boolean, updated_by text default current_user, valid_from timestamptz default now())
	returns boolean
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(is_mainnet, 'is_mainnet');
	perform rewards.set_rule('toggle_mainnet', jsonb_build_object('is_mainnet', is_mainnet), 'mainnet', '', jsonb_build_object('on', is_mainnet), valid_from, updated_by);
	return is_mainnet;
end
$$;
revoke all on function rewards.toggle_mainnet(boolean, text, timestamptz) from public;
comment on function rewards.toggle_mainnet(boolean, text, timestamptz) is
	'sets whether usage costs credits from a time on, and returns that; points accrue all the same (C3, C7)';

create function rewards.quote(endpoint text, model text, input_tokens integer, output_tokens integer,
		user_id text default null, provider_id text default null, at timestamptz default now())
	returns table (service text, tier text, provider_points numeric, user_points numeric, creator_earnings numeric, cost numeric)
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(endpoint, 'endpoint');
	perform rewards.check_time(at, 'at');
	/* it shows what multiplies their points */
	if user_id is not null then
		perform rewards.check_reader(user_id, 'user');
	end if;
	if provider_id is not null then
		perform rewards.check_reader(provider_id, 'provider');
	end if;
	if input_tokens < 0 or output_tokens < 0 then
		raise exception 'tokens must not be negative'
			using errcode = 'check_violation', hint = 'Give the number of tokens that would be used.';
	end if;
	return query select q.service, q.tier, q.provider_points, q.user_points, q.creator_earnings, q.cost
		from rewards.quote_usage(endpoint, model, coalesce(input_tokens, 0), coalesce(output_tokens, 0), user_id, provider_id, at) q;
end
$$;
revoke all on function rewards.quote(text, text, integer, integer, text, text, timestamptz) from public;
comment on function rewards.quote(text, text, integer, integer, text, text, timestamptz) is
	'what a successful request like this would bring and cost by the rules and prices of a time; without a provider it brings none of its points (C7, C10)';
