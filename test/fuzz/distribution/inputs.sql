/* The inputs: known ones with known answers, valid ones at random, and what random damage makes of them. */

create schema fuzz;
set search_path = public, rewards;	-- for the operators of the type

create unlogged table fuzz.outcome (form text, state text);

/* Dice without memory: the same word and number always fall the same. */
create function fuzz.dice(word text, n bigint) returns double precision
	language sql immutable
	return ((hashtextextended(word, :seed::bigint * 4294967296 + n) >> 11) & 9007199254740991)::double precision / 9007199254740992;
create function fuzz.roll(word text, n bigint, sides integer) returns integer
	language sql immutable
	return floor(fuzz.dice(word, n) * sides)::integer;

/* ---- what must hold for a value ---- */

/* All its shares, with what the text form leaves out. */
create function fuzz.normal(shares jsonb) returns jsonb language sql immutable as $$
	select coalesce(jsonb_agg(jsonb_build_object('account', s -> 'account', 'entry', s -> 'entry', 'level', coalesce(s -> 'level', '0'),
		'amount', s -> 'amount') order by n), '[]')
	from jsonb_array_elements(shares) with ordinality e(s, n)
$$;

create function fuzz.check_value(d rewards.distribution) returns void language plpgsql as $$
begin
	if length(rewards.distribution_send(d)) > 100000 then
		return;						-- the million shares have a test of their own
	elsif d::text::rewards.distribution <> d or d::text::rewards.distribution::text <> d::text
			or d::jsonb::text::rewards.distribution <> d
			or rewards.distribution_hash(d::text::rewards.distribution) <> rewards.distribution_hash(d)
			or fuzz.normal(d::jsonb) is distinct from (
				select coalesce(jsonb_agg(jsonb_build_object('account', account_number, 'entry', entry, 'level', level, 'amount', amount)), '[]')
				from rewards.shares(d)) then
		raise 'its forms differ';
	end if;
exception when others then
	/* not to be taken for a refusal of the input */
	raise exception 'value does not come out as it went in: %: %', sqlerrm, d using errcode = 'FZ001';
end
$$;

/* ---- one input, by text ---- */

create function fuzz.give_text(form text, input text) returns text language plpgsql as $$
declare
	d rewards.distribution;
	state text := 'accepted';
begin
	begin
		d := input::rewards.distribution;
	exception when others then
		state := sqlstate;
		if state !~ '^(22|54)' then
			raise exception 'no clean error, % %, for text: %', sqlstate, sqlerrm, left(input, 1000) using errcode = 'FZ002';
		end if;
	end;
	if state = 'accepted' then
		perform fuzz.check_value(d);
		if fuzz.normal(d::jsonb) <> fuzz.normal(input::jsonb) then
			raise exception 'value differs from text: %', input using errcode = 'FZ001';
		end if;
	end if;
	insert into fuzz.outcome values (form, state);
	return state;
end
$$;

/* ---- one input, by binary COPY: a bytea is written as it is, and read as a distribution ---- */

create table fuzz.target (d rewards.distribution);
create unlogged table fuzz.sent (bytes bytea);
create sequence fuzz.file;		-- writing over a file waits for the disk
create function fuzz.new_file() returns text language sql
	return :'folder' || '/' || current_database() || nextval('fuzz.file');
create function fuzz.receive() returns trigger language plpgsql as $$
begin
	perform fuzz.check_value(new.d);
	insert into fuzz.sent values (rewards.distribution_send(new.d));
	return null;
end
$$;
create trigger receive before insert on fuzz.target for each row execute function fuzz.receive();

create function fuzz.give_bytes(form text, input bytea) returns text language plpgsql as $$
declare
	file text := quote_literal(fuzz.new_file());
	state text := 'accepted';
begin
	execute format('copy (select %L::bytea) to %s (format binary)', input, file);
	begin
		execute format('copy fuzz.target from %s (format binary)', file);
	exception when others then
		state := sqlstate;
		if state !~ '^(22|54)' then
			raise exception 'no clean error, % %, for bytes: %', sqlstate, sqlerrm, input using errcode = 'FZ002';
		end if;
	end;
	if state = 'accepted' then
		if (select array_agg(bytes) from fuzz.sent) is distinct from array[input] then
			raise exception 'bytes come out differently: %', input using errcode = 'FZ001';
		end if;
		delete from fuzz.sent;
	end if;
	insert into fuzz.outcome values (form, state);
	return state;
end
$$;

\ir known.sql
\ir random.sql

create function fuzz.summary() returns setof text language sql as $$
	select format('distribution, %s: %s, %s inputs: %s', getdatabaseencoding(), form, sum(count), string_agg(format('%s %s', count, state), ', ' order by count desc))
	from (select form, state, count(*) from fuzz.outcome group by 1, 2) o group by form
$$;
\pset tuples_only on
\pset format unaligned
