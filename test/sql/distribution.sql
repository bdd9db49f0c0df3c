-- The type rewards.distribution: text and binary there and back, jsonb, equality and
-- hash, shares(); malformed input is refused with its SQLSTATE. Needs no install().
\set VERBOSITY terse
\set SHOW_CONTEXT never
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
begin
	execute call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' ', sqlstate, sqlerrm, case when hint = '' then '(no hint)' end);
end $$;
-- text: one canonical form
select d::rewards.distribution from unnest(array[
	'[]', '  [ ]  ', '[{"entry":"work","amount":1}]', '[{"amount": 1.500, "level": 0, "account": null, "entry": "usage"}]',
	'[{"account": 7, "entry": "referral", "level": 32, "amount": -0.000000001}]', '[{"account": 9223372036854775807, "entry": "creator", "amount": 9223372036.854775807}]',
	'[{"entry": "adjustment", "amount": -9223372036.854775807}]', '[{"entry": "work", "amount": 0}]', '[{"entry": "work", "amount": 1e3}]', '[{"entry": "work", "amount": 15E-1}]',
	'[{"entry": "w\u006frk", "amount": 1}, {"entry": "work", "amount": 1}]']) d;
-- every entry, by number and by name
select n, rewards.entry_name(n::smallint), rewards.entry_number(rewards.entry_name(n::smallint)) = n as back from generate_series(1, 15) n;
select pg_temp.outcome('select rewards.' || call) from unnest(array['entry_name(0::smallint)', 'entry_name(16::smallint)', 'entry_name(-16::smallint)', 'entry_number(''gift'')', 'entry_number('''')']) call;

-- there and back: text, binary, jsonb; equal values are equal bytes
create temp table d (n serial, d rewards.distribution);
insert into d (d) select format('[{"account": %s, "entry": "%s", "level": %s, "amount": %s}, {"entry": "work", "amount": %s}]',
	a, rewards.entry_name((1 + l % 13)::smallint), l, m, -m)::rewards.distribution
from unnest('{1,127,128,16383,16384,2147483648,9223372036854775807}'::bigint[]) a, unnest('{0,1,5,32}'::integer[]) l,
	unnest('{0,1,0.1,-0.1,0.000000001,123456789.123456789,9223372036.854775807,-9223372036.854775807,1000000000,64,-64,6.4}'::numeric[]) m;
select count(*), count(*) filter (where d::text::rewards.distribution operator(rewards.=) d) as text_back, count(*) filter (where d::text::jsonb = d::jsonb) as as_json,
	count(*) filter (where rewards.distribution_send(d::text::rewards.distribution) = rewards.distribution_send(d)) as same_bytes from d;
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/distribution_binary'
copy (select n, d from d) to :'file' (format binary);
create temp table e (n integer, d rewards.distribution);
copy e from :'file' (format binary);
select count(*), count(*) filter (where d.d operator(rewards.=) e.d) as same, count(*) filter (where d.d operator(rewards.<>) e.d) as other from d join e using (n);
-- hash and equality: distinct, group by, joins, in any order of keys
select count(*), count(distinct d::text) = (select count(*) from (select distinct d from d) x) as distinct_alike from d;
select a operator(rewards.=) b as same, a operator(rewards.<>) b as other, rewards.distribution_hash(a) = rewards.distribution_hash(b) as same_hash
from (values (rewards.distribution '[{"entry": "work", "amount": 1.10}]', rewards.distribution '[{"amount": 1.1, "entry": "work", "level": 0, "account": null}]'),
	('[{"entry": "work", "amount": 1}, {"entry": "usage", "amount": 1}]', '[{"entry": "usage", "amount": 1}, {"entry": "work", "amount": 1}]'), ('[]', '[{"entry": "work", "amount": 1}]')) v(a, b);
-- out of line, compressed or not
create temp table big (d rewards.distribution);
insert into big select ('[' || string_agg(format('{"account": %s, "entry": "referral", "level": %s, "amount": %s}', i * 7919, i % 33, i * 0.001), ',') || ']')::rewards.distribution from generate_series(1, 5000) i;
select count(*), sum(s.amount), max(s.account_number), d::text::rewards.distribution operator(rewards.=) d as back from big, rewards.shares(d) s group by big.d;
select (big.d::jsonb -> 4999) = '{"account": 39595000, "entry": "referral", "level": 17, "amount": 5}' as last from big;
-- taken apart
select * from rewards.shares('[{"entry": "work", "amount": 3.00}, {"account": 12, "entry": "referral", "level": 2, "amount": 0.000000001}, {"account": null, "entry": "usage", "amount": -1}]');
select * from rewards.shares('[]');
select * from rewards.shares(null);

-- refused
select d, pg_temp.outcome(format('select %L::rewards.distribution', d)) from unnest(array[
	'', ' ', 'null', '1', '"x"', '{}', '[', '[}', '[1]', '[null]', '[[]]', '[{}]', '[{"entry": "work"}]', '[{"amount": 1}]', '[{"entry": "work", "amount": 1}', '[{"entry": "work", "amount": 1}] x',
	'[{"entry": "gift", "amount": 1}]', '[{"entry": "Work", "amount": 1}]', '[{"entry": null, "amount": 1}]', '[{"entry": 1, "amount": 1}]', '[{"entry": "work", "amount": null}]', '[{"entry": "work", "amount": "1"}]',
	'[{"entry": "work", "amount": true}]', '[{"entry": "work", "amount": NaN}]', '[{"entry": "work", "amount": 1e400}]', '[{"entry": "work", "amount": 9223372036.854775808}]', '[{"entry": "work", "amount": 0.0000000001}]',
	'[{"entry": "work", "amount": 1e999999999}]', '[{"entry": "work", "amount": {}}]', '[{"entry": "work", "amount": [1]}]', '[{"entry": "work", "amount": 1, "amount": 1}]', '[{"entry": "work", "entry": "work", "amount": 1}]',
	'[{"entry": "work", "amount": 1, "unit": 1}]', '[{"": 1, "entry": "work", "amount": 1}]', '[{"account": 0, "entry": "work", "amount": 1}]', '[{"account": -1, "entry": "work", "amount": 1}]', '[{"account": 1.5, "entry": "work", "amount": 1}]',
	'[{"account": "1", "entry": "work", "amount": 1}]', '[{"account": 9223372036854775808, "entry": "work", "amount": 1}]', '[{"account": 1e3, "entry": "work", "amount": 1}]', '[{"level": -1, "entry": "work", "amount": 1}]',
	'[{"level": 33, "entry": "work", "amount": 1}]', '[{"level": null, "entry": "work", "amount": 1}]', '[{"level": 1e0, "entry": "work", "amount": 1}]', '[{"entry": "w\u0000rk", "amount": 1}]']) d;
-- bytes: another format, cut short, too long a number, an unknown entry, a level beyond 32, not the shortest form
create function pg_temp.received(bytes bytea) returns text language plpgsql as $$
declare
	file text := current_setting('rewards_test.file');
	header bytea := '\x5047434f50590aff0d0a00' || '\x00000000'::bytea || '\x00000000'::bytea;
	image oid;
begin
	image := lo_from_bytea(0, header || '\x0001'::bytea || int4send(length(bytes)) || bytes || '\xffff'::bytea);
	perform lo_export(image, file);
	perform lo_unlink(image);
	delete from e;
	execute format('copy e (d) from %L (format binary)', file);
	return (select d::text from e);
exception when others then
	return sqlstate || ' ' || sqlerrm;
end $$;
select set_config('rewards_test.file', :'file', false) is not null as set;
select pg_temp.received(rewards.distribution_send('[{"account": 1, "entry": "work", "amount": 0.5}]')) as right,
	pg_temp.received(substr(rewards.distribution_send('[]'), 1, 1)) as empty;
select b, pg_temp.received(substr(rewards.distribution_send('[]'), 1, 1) || b) from unnest(array['\x10000102', '\x11', '\x1100', '\x110001', '\x11000102ff',
	'\x00000102', '\xe0800102', '\x1a000102', '\x10210102', '\x1000810002', '\x1000018100', '\x11000114', '\x1000ffffffffffffffff7f02',
	'\x1000ffffffffffffffffff0102', '\x1000ffffffffffffffffff0202', '\x100001ffffffffffffffffff01', '\x100001ffffffffffffffffff02', '\x1000010200']::bytea[]) b;
select pg_temp.received('\x'), pg_temp.received('\x00'), pg_temp.received('\xff11000102');
