/* Random rules, and random endpoints and models for them. Needs :seed and :inputs. */

select setseed((:seed % 1000) / 1000.0) \g /dev/null

create function fuzz.pick(variadic pieces text[]) returns text language sql volatile
	return pieces[1 + floor(random() * cardinality(pieces))::integer];
create function fuzz.some(most integer, variadic pieces text[]) returns text language sql volatile as $$
	select coalesce(string_agg(fuzz.pick(variadic pieces), ''), '') from generate_series(1, floor(random() * (most + 1))::integer)
$$;

/* ---- endpoints ---- */

create function fuzz.segment() returns text language sql volatile
	return fuzz.pick('chat', 'completions', 'Chat', 'CHAT', 'completion', 'tts', 'xtts', 'embeddings', 'v1', 'scrape', 'a', 'é', 'İ', 'K', '%2F', '%', '_', '.', '..', ':', '//', '\', 'chat%20', '聊天', repeat('x', 40));
create function fuzz.suffix() returns text language sql volatile
	return '/' || fuzz.pick('chat', 'completions', 'Chat', 'tts', 'v1/chat', 'chat/completions', 'CHAT/completions', 'é', 'K', 'a', '%', '_', '.', '%2F', '\', '聊天', 'a//chat', 'x:', 'v1');
create function fuzz.endpoint() returns text language sql volatile as $$
	select left(case when random() < 0.02 then '' when random() < 0.02 then repeat('/', 1 + floor(random() * 500)::integer)
		else fuzz.pick('', '', '', 'https://', 'HTTP://', '://', 'x://y://', '//', 'mailto:', 'https:/')
			|| fuzz.pick('', '', 'host', 'chat', 'host:8080', 'u:p@host', '[::1]')
			|| (select coalesce(string_agg(fuzz.pick('/', '/', '/', '/', '//', '', '?', '#') || fuzz.segment(), ''), '') from generate_series(1, floor(random() * 6)::integer))
			|| fuzz.some(2, '/', '?', '#', '?q=/chat', '#/chat', '?x://h/chat', ' ', '/chat', '/chat/')
			|| case when random() < 0.01 then repeat('/chat', 390) else '' end end, 2000)
$$;

/* ---- models ---- */

create function fuzz.number() returns text language sql volatile
	return fuzz.pick('7', '70', '8', '27', '0', '3.1', '1.7', '.', '7.', '.7', '70.0', '007');
create function fuzz.word() returns text language sql volatile
	return fuzz.pick('b', 'B', 'q4', 'x', 'mixtral', 'MISTRAL', 'llama', 'Llama-3', '-', '_', ' ', '/', '%', '\', '^', '$', '(', '*', 'é', 'İ', 'K', '模型', 'x22b', 'it');
create function fuzz.name() returns text language sql volatile as $$
	select coalesce(nullif(left(string_agg(case when random() < 0.45 then fuzz.number() else fuzz.word() end, ''), 80), ''), 'x')
	from generate_series(1, 1 + floor(random() * 5)::integer)
$$;
create function fuzz.pattern() returns text language sql volatile as $$
	select coalesce(nullif(string_agg(case when random() < 0.4 then fuzz.number() else fuzz.word() end, ''), ''), '7b')
	from generate_series(1, 1 + floor(random() * 1.6)::integer)
$$;

/* ---- rules: all former ones end, new ones begin ---- */

create procedure fuzz.new_rules() language plpgsql as $$
declare
	r record;
begin
	for r in select service from rewards.services where service <> 'other' loop
		perform rewards.set_service(r.service, null);
	end loop;
	for r in select position from rewards.model_patterns loop
		perform rewards.set_model_pattern(r.position, null, null);
	end loop;
	for i in 1 .. 9 loop
		perform rewards.set_service('service ' || i, fuzz.suffix(), i);
	end loop;
	for r in select t.n, fuzz.pick('tide_pool', 'blue_surge', 'open_ocean', 'mariana_depth', 'tier of one''s own') as tier from generate_series(1, 5) t(n) loop
		perform rewards.set_tier(r.tier, r.n, case when random() < 0.7 then floor(random() * 12)::numeric end, case when random() < 0.7 then 12 + floor(random() * 12)::numeric end);
	end loop;
	/* positions of different lengths: they are numbers, not texts */
	for r in select distinct on (position) position from (select floor(random() * 120)::integer as position from generate_series(1, 14)) p loop
		perform rewards.set_model_pattern(r.position, fuzz.pattern(), fuzz.pick('tide_pool', 'blue_surge', 'open_ocean', 'mariana_depth'),
			case when random() < 0.3 then fuzz.pattern() end, fuzz.pick('contains', 'contains', 'contains', 'prefix', 'suffix', 'exact'));
	end loop;
	perform rewards.set_setting('default_tier', fuzz.pick('tide_pool', 'blue_surge'));
end
$$;
