-- A trace for those who have none: an hour of chat requests whose tokens are
-- distributed log-normally, with the median and spread of a real one.

insert into demo.trace
select timestamp '2023-11-16 18:15' + demo.chance(n, 'at') * interval '1 hour',
	   least(14000, ceil(exp(6.63 + 0.99 * normal))),
	   least(1000, ceil(exp(5.02 + 0.86 * other)))
from generate_series(1, 19366) as n,
	 lateral (select sqrt(-2 * ln(1 - demo.chance(n, 'radius'))) as radius, 2 * pi() * demo.chance(n, 'angle') as angle) as polar,
	 lateral (select radius * cos(angle) as normal, radius * sin(angle) as other) as pair;
