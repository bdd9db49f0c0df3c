/* The same answers in plain SQL. */

/* the path without scheme, host, query, fragment and trailing slash, in lower case, with its leading slash */
create function fuzz.path(endpoint text) returns text language sql immutable as $$
	select case when p like '/%' then p else '/' || p end
	from (select split_part(split_part(endpoint, '?', 1), '#', 1)) e(bare),
		lateral (select case when bare like '%://%' then regexp_replace(substr(bare, position('://' in bare) + 3), '^[^/]*', '') else bare end) h(path),
		lateral (select lower(rtrim(path, '/') collate "C")) l(p)
$$;

/* services whose suffix the path ends with, the longest: several may have it */
create function fuzz.services(endpoint text) returns text[] language sql stable as $$
	select coalesce((select array_agg(service) from (
		select service, rank() over (order by octet_length(suffix) desc) as place
		from fuzz.path(endpoint) path, fuzz.service where right(path, length(suffix)) = suffix) s where place = 1), '{other}')
$$;

/* a piece of text as a regular expression for just that, numbers whole */
create function fuzz.whole(piece text) returns text language sql immutable
	return case when piece ~ '^[0-9]' then '(?<![0-9])(?<![0-9]\.)' else '' end
		|| regexp_replace(lower(piece collate "C"), '([][\\^$.|?*+(){}])', '\\\1', 'g')
		|| case when piece ~ '[0-9]$' then '(?![0-9])(?!\.[0-9])' else '' end;

create function fuzz.tiers(name text) returns text[] language sql stable as $$
	select coalesce(
		(select array[m.tier] from fuzz.model m where m.name = tiers.name and m.tier is not null),
		(select array_agg(t.tier) from fuzz.model m join fuzz.tier t on m.vram_gb > t.above and m.vram_gb <= t.upto where m.name = tiers.name),
		(select array[p.tier] from lower(name collate "C") l(name), fuzz.pattern p
			where l.name ~ p.hit and (p.but_not is null or l.name !~ p.but_not) order by p.position limit 1),
		array[(select value from rewards.settings where settings.name = 'default_tier')])
$$;

/* what the views say the rules are, made ready */
create table fuzz.service (service text, suffix text);
create table fuzz.tier (tier text, above numeric, upto numeric);
create table fuzz.pattern (position integer, hit text, but_not text, tier text);
create table fuzz.model (name text primary key, tier text, vram_gb numeric);
create procedure fuzz.read_rules() language plpgsql as $$
begin
	truncate fuzz.service, fuzz.tier, fuzz.pattern, fuzz.model;
	insert into fuzz.service select service, lower(endpoint_suffix collate "C") from rewards.services where endpoint_suffix is not null;
	insert into fuzz.tier select tier, coalesce(vram_above, 0), coalesce(vram_upto, 'Infinity') from rewards.tiers
		where vram_above is not null or vram_upto is not null;
	insert into fuzz.pattern select position, case when match in ('prefix', 'exact') then '^' else '' end || fuzz.whole(pattern)
		|| case when match in ('suffix', 'exact') then '$' else '' end, fuzz.whole(but_not), tier from rewards.model_patterns;
	insert into fuzz.model select id, tier, vram_gb from rewards.models;
end
$$;
