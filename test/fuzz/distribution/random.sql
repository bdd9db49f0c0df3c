/* Random values, and what random damage makes of them. */

create table fuzz.valid (n integer primary key, shares jsonb, d rewards.distribution);

create function fuzz.some_share(n bigint) returns jsonb language sql immutable as $$
	select jsonb_build_object(
		'account', case fuzz.roll('account?', n, 6) when 0 then null when 1 then 9223372036854775807 when 2 then 1
			when 3 then 2::numeric ^ fuzz.roll('account', n, 63) else 1 + floor(fuzz.dice('account', n) * 1000000)::bigint end::numeric(19),
		'entry', rewards.entry_name((1 + fuzz.roll('entry', n, 15))::smallint), 'level', fuzz.roll('level', n, 33),
		'amount', case fuzz.roll('amount?', n, 8) when 0 then 0 when 1 then 9223372036854775807 when 2 then -9223372036854775807 when 3 then -1 when 4 then 1
			when 5 then floor((fuzz.dice('amount', n) - 0.5)::numeric * 10::numeric ^ (1 + fuzz.roll('digits', n, 18))) * 10::numeric ^ fuzz.roll('zeros', n, 2)
			else floor((fuzz.dice('amount', n) - 0.5)::numeric * 18446744073709551614) end * 0.000000001)
$$;

insert into fuzz.valid (n, shares)
select n, (select coalesce(jsonb_agg(fuzz.some_share(n * 100 + i)), '[]') from generate_series(1, case when n % 50 = 0 then fuzz.roll('shares', n, 60) else fuzz.roll('shares', n, 6) end) i)
from generate_series(1, 2000 + :inputs / 20) n;
update fuzz.valid set d = shares::text::rewards.distribution;
select count(*) from fuzz.valid v where fuzz.normal(d::jsonb) <> fuzz.normal(shares) or fuzz.check_value(d)::text <> '' \gset wrong_
\if :wrong_count
	do $$ begin raise exception 'values do not come out as they went in'; end $$;
\endif
insert into fuzz.outcome select 'random values', 'accepted' from fuzz.valid;

/* all of them at once through a binary file and a text file */
create table fuzz.again (like fuzz.valid);

do $$
declare
	file text;
	form text;
begin
	foreach form in array array['binary', 'text', 'csv'] loop
		file := quote_literal(fuzz.new_file());
		execute format('copy fuzz.valid to %s (format %s)', file, form);
		execute format('copy fuzz.again from %s (format %s)', file, form);
		if (select count(*) from fuzz.again a join fuzz.valid v using (n) where a.d = v.d and a.shares = v.shares) <> (select count(*) from fuzz.valid) then
			raise exception 'values do not come out of a % file as they went in', form;
		end if;
		truncate fuzz.again;
	end loop;
end
$$;

/* ---- damage ---- */

/* any bytes that the database takes for text */
create function fuzz.some_text(bytes bytea) returns text language plpgsql immutable as $$
begin
	return convert_from(bytes, getdatabaseencoding());
exception when others then
	return convert_from(bytes, 'LATIN1');
end
$$;

create function fuzz.some_bytes(word text, n bigint, most integer) returns bytea language sql immutable as $$
	select coalesce(string_agg(decode(lpad(to_hex(1 + fuzz.roll(word || i, n, 255)), 2, '0'), 'hex'), '' order by i), '') from generate_series(1, fuzz.roll(word, n, most + 1)) i
$$;

create function fuzz.damaged_text(t text, n bigint) returns text language plpgsql immutable as $$
declare
	pieces text[] := array['[', ']', '{', '}', ',', ':', '"', '\', '\u0000', '\ud834', '\"', ' ', E'\n', 'null', 'true', '"account"', '"entry"', '"level"', '"amount"',
		'"work"', '"nothing"', '0', '-', '.', 'e', 'E+', '1e400', '1e-400', '-9223372036.854775808', '9223372036854775808', '0.0000000001', '33', '-1', 'NaN', '/*', '[]', '{}',
		'{"entry": "work", "amount": 1}', '"account": 0,', '"level": 32,', repeat('[', 1000), repeat('9', 40), 'é', chr(127), chr(1)];
	at integer;
	len integer;
begin
	for i in 1 .. 1 + fuzz.roll('damages', n, 3) loop
		at := fuzz.roll('at' || i, n, length(t) + 1);
		len := fuzz.roll('len' || i, n, 8);
		t := case fuzz.roll('damage' || i, n, 6)
			when 0 then left(t, at) || substr(t, at + 1 + len)
			when 1 then left(t, at) || pieces[1 + fuzz.roll('piece' || i, n, cardinality(pieces))] || substr(t, at + 1)
			when 2 then left(t, at) || pieces[1 + fuzz.roll('piece' || i, n, cardinality(pieces))] || substr(t, at + 1 + len)
			when 3 then left(t, at) || substr(t, at + 1, len * 4) || substr(t, at + 1)
			when 4 then regexp_replace(t, '-?[0-9.]+', pieces[22 + fuzz.roll('number' || i, n, 13)], 1, 1 + fuzz.roll('which' || i, n, 6))
			else left(t, at) || fuzz.some_text(fuzz.some_bytes('noise' || i, n, 3)) || substr(t, at + 1) end;
	end loop;
	return t;
end
$$;

create procedure fuzz.damage(share numeric, form text, text_input text, bytes_input text) language plpgsql as $$
declare
	total integer := (share * current_setting('fuzz.inputs')::integer)::integer;
	valid integer := (select count(*) from fuzz.valid);
	input_text text;
	input_bytes bytea;
begin
	for n in 1 .. total loop
		if text_input is not null then
			execute text_input into input_text using n, 1 + n % valid;
			perform fuzz.give_text(form, input_text);
		else
			execute bytes_input into input_bytes using n, 1 + n % valid;
			perform fuzz.give_bytes(form, input_bytes);
		end if;
		if n % 1000 = 0 then
			commit;
		end if;
	end loop;
end
$$;

select set_config('fuzz.inputs', :'inputs', false) \gset
call fuzz.damage(0.50, 'damaged text', 'select fuzz.damaged_text(d::text, $1) from fuzz.valid where n = $2', null);
call fuzz.damage(0.10, 'random text', 'select fuzz.some_text(fuzz.some_bytes(''text'', $1, 40)) where $2 > 0', null);
call fuzz.damage(0.10, 'random bytes', null, 'select case $1 % 4 when 0 then '''' else ''\x01''::bytea end || fuzz.some_bytes(''bytes'', $1, 40) where $2 > 0');
call fuzz.damage(0.15, 'flipped bits', null, 'select set_bit(b, bit, 1 - get_bit(b, bit)) from (select b, fuzz.roll(''bit'', $1, length(b) * 8) as bit from fuzz.valid, rewards.distribution_send(d) b where n = $2) v');

/* cut off at every byte */
do $$
declare
	v fuzz.valid;
begin
	for v in select * from fuzz.valid where n <= 150 loop
		for i in 0 .. length(v.d::text) - 1 loop
			perform fuzz.give_text('text cut off', left(v.d::text, i));
		end loop;
		for i in 0 .. length(rewards.distribution_send(v.d)) loop
			perform fuzz.give_bytes('bytes cut off', substr(rewards.distribution_send(v.d), 1, i));
		end loop;
	end loop;
end
$$;
