-- A session that may remember little forgets and reads again, keeps what it uses often,
-- and rewards every row as one that remembers everybody.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_referral_rates('user', '{0.2,0.1,0.05,0.02}') is not null as set;
-- names long enough for the least memory to hold but a part of them
create function pg_temp.member(n integer) returns text language sql immutable return repeat('member ', 20) || n;
select count(*) as registered from generate_series(1, 700) n, lateral rewards.register_account(pg_temp.member(n));
select count(*) as joined from generate_series(2, 700) n, lateral rewards.referral_signup(pg_temp.member(n / 2), pg_temp.member(n));
select count(*) as with_multipliers from generate_series(1, 700, 7) n, lateral rewards.set_multiplier(pg_temp.member(n), 'user', 1 + n % 5) m;
-- everybody twice, and after each somebody who comes all the time
create table usage_plan as
select row_number() over (order by round, n, often) as place, case when often then 3 else n end as n
from generate_series(1, 2) round, generate_series(1, 700) n, unnest(array[false, true]) often;
\c
set rewards.cache_size = '256kB';
insert into rewards.usage_logs (request_id, user_id, endpoint) select 'small ' || place, repeat('member ', 20) || n, '/tts' from usage_plan order by place;
\c
insert into rewards.usage_logs (request_id, user_id, endpoint) select 'large ' || place, repeat('member ', 20) || n, '/tts' from usage_plan order by place;
select count(*), count(distinct l.distribution::text) > 600 as varied, bool_and(s.distribution operator(rewards.=) l.distribution) as equal
from usage_plan p join rewards.usage_logs s on s.request_id = 'small ' || place join rewards.usage_logs l on l.request_id = 'large ' || place;
-- the board reads scores the same way
select count(*) > 0 as posted from rewards.post();
create table board as select * from rewards.leaderboard_top('user', 'all', 700);
set rewards.cache_size = '256kB';
select count(*) as differ from (select * from board except select * from rewards.leaderboard_top('user', 'all', 700)) d;
select * from rewards.verify();
drop table usage_plan, board;
