-- The demo's raw material, beside the extension's own schema, and its dice.

create schema demo;

create table demo.network (member text, referrer text, joined_at_epoch bigint);
create table demo.trace (at timestamp, input_tokens int, output_tokens int);

-- In [0, 1), and a matter of the arguments alone: every demo sees the same day.
create function demo.chance(n bigint, what text) returns float8
	language sql immutable parallel safe
	return (hashint8extended(n, hashtext(what)) & 4503599627370495) / 4503599627370496.0::float8;

-- Upper bounds of the k-th of n, drawn as often as 1 / k^s says (Zipf's law);
-- width_bucket(chance, bounds) is 0 for the most popular.
create function demo.zipf(n int, s float8) returns float8[]
	language sql immutable parallel safe
	return (select array_agg(upto / total order by k)
			from (select k, sum(k::float8 ^ -s) over (order by k) as upto, sum(k::float8 ^ -s) over () as total
				  from generate_series(1, n) as k) as bound);
