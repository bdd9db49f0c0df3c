/* One world: rules, models, inputs, both answers. Needs :world and :inputs. */

\o /dev/null
select rewards.uninstall('drop all data') where :world > 1;
select rewards.install();
\o
call fuzz.new_rules();
create temporary table model as select distinct fuzz.name() as name from generate_series(1, 200);
\o /dev/null
select rewards.register_model(name, tier => case when random() < 0.3 then fuzz.pick('tide_pool', 'mariana_depth') end,
	vram_gb => case when random() < 0.6 then floor(random() * 30 * 4)::numeric / 4 end) from model;
\o
call fuzz.read_rules();
truncate fuzz.answer;

/* by quote: any endpoint, also one that no row may hold, is that of no row */
insert into fuzz.answer (endpoint, service)
select e, (rewards.quote_usage(e, null, 0, 0, 'u', null, now())).service
from (select distinct fuzz.endpoint() as e from generate_series(1, :inputs / 3)) i where e <> '';
/* by row, as applications ask */
with inserted as (
	insert into rewards.usage_logs (user_id, endpoint) select 'u', endpoint from fuzz.answer order by random() limit :inputs / 12 returning endpoint, service)
insert into fuzz.answer (endpoint, service) select * from inserted;
insert into fuzz.answer (model, tier, rule)
select name, t.tier, t.rule from (select name from model union select fuzz.name() from generate_series(1, :inputs / 3)) m, lateral rewards.explain_tier(name) t;

insert into fuzz.count select 'endpoints', count(*), count(*) filter (where service <> 'other') from fuzz.answer where endpoint is not null;
insert into fuzz.count select 'models', count(*), count(*) filter (where rule not like '%default') from fuzz.answer where model is not null;
drop table model;

do $$
declare
	wrong record;
begin
	select endpoint, service, fuzz.services(endpoint) as expected into wrong
	from fuzz.answer where endpoint is not null and service <> all (fuzz.services(endpoint)) order by length(endpoint) limit 1;
	if found then
		raise exception 'endpoint % is service %, not %', quote_literal(wrong.endpoint), wrong.service, wrong.expected;
	end if;
	select model, tier, rule, fuzz.tiers(model) as expected into wrong
	from fuzz.answer where model is not null and tier <> all (fuzz.tiers(model)) order by length(model) limit 1;
	if found then
		raise exception 'model % is in tier % (%), not %', quote_literal(wrong.model), wrong.tier, wrong.rule, wrong.expected;
	end if;
end
$$;
