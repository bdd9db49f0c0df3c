-- The order of a board lies on sheets of scores. Whatever accounts come, rise, fall and
-- go, with names of all lengths and any number of equal points: the sheets hold every
-- score above zero once and in order, none is too large, and few are nearly empty.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select setseed(0.25);

/* names that begin alike, as long as names may be, and such that only the order of bytes puts where they belong */
create temp table stand as
select case i % 5 when 0 then repeat('x', 250) || i when 1 then 'u' || i when 2 then 'U' || i when 3 then 'ü ' || i else repeat('long ', i % 40) || i end as name, 0.0 as points
from generate_series(1, 1500) i;
select count(rewards.register_account(name)) as accounts from stand;

/* gives some of them points, or takes some, in tenths from lowest to highest; then compares */
create function pg_temp.change(step text, part float8, lowest integer, highest integer)
	returns table (changed boolean, misplaced bigint, wrong bigint, sheets_fit boolean) language plpgsql as $$
begin
	create temp table given on commit drop as
	select s.name, (lowest + floor(random() * (highest - lowest + 1))::integer) / 10.0 as amount from (select name from stand order by name collate "C" offset 0) s where random() < part;
	changed := (select count(rewards.adjust(g.name, 'user', g.amount, step)) > 0 from given g where g.amount <> 0);
	update stand s set points = s.points + g.amount from given g where g.name = s.name;
	perform from rewards.post();
	misplaced := (
		select count(*)
		from (select row_number() over (order by s.points desc, s.name collate "C") as place, s.name, s.points from stand s where s.points > 0) s
		full join (select t.ordinality as place, t.account as name, t.points from rewards.leaderboard_top('user', 'all', 2000) with ordinality t) t on t.place = s.place
		where (s.name, s.points) is distinct from (t.name, t.points));
	wrong := (select count(*) from rewards.verify());
	sheets_fit := (
		select bool_and(octet_length(s.scores) <= 1600) and count(*) < 2 + sum(octet_length(s.scores)) / 350
		from rewards.score_sheet s where s.board = 2 and s.month = 'infinity');
	return next;
end $$;
begin; select * from pg_temp.change('first', 0.3, 1, 10000); commit;
begin; select * from pg_temp.change('the others', 1, 1, 10000); commit;
begin; select * from pg_temp.change('a few', 0.01, -2000, 2000); commit;
begin; select * from pg_temp.change('up and down', 0.5, -9000, 9000); commit;
begin; select * from pg_temp.change('one or two', 0.001, 1, 1); commit;
begin; select * from pg_temp.change('down', 0.97, -30000, -12000); commit;
select count(*) between 1 and 100 as few_above from stand where points > 0;
begin; select * from pg_temp.change('up again', 0.9, 8000, 30000); commit;
/* who rises leaves one sheet and comes onto another: no more are written */
begin; select rewards.adjust('u1', 'user', 700, 'one') > 0 as noted; select events from rewards.post();
select count(*) > 50 as many, count(*) filter (where xmin = pg_current_xact_id()::xid) as written from rewards.score_sheet where board = 2 and month = 'infinity'; rollback;
/* all of the same points, and then in two heaps */
begin; select count(rewards.adjust(name, 'user', 7 - points, 'equal')) from stand where points <> 7; update stand set points = 7; select * from pg_temp.change('equal', 0, 0, 0); commit;
begin; select * from pg_temp.change('heaps', 0.5, -10, -10); commit;
/* nobody above zero: one empty sheet is left, and serves who comes */
begin; select count(rewards.adjust(name, 'user', -points, 'none')) from stand where points <> 0; update stand set points = 0; select * from pg_temp.change('none', 0, 0, 0); commit;
select count(*) as sheets, sum(octet_length(scores)) as bytes from rewards.score_sheet where board = 2 and month = 'infinity';
begin; select * from pg_temp.change('anew', 1, -3, 3); commit;

-- what is within sheets; more points than 64 bits hold billionths for
begin;
select rewards.repair('the same from rows') > 0 as folded;
select * from pg_temp.change('after repair', 0.1, -3, 3);
select count(rewards.adjust('u1', 'user', 9000000000, 'much')), count(rewards.adjust('u6', 'user', 9000000000, 'much')) from generate_series(1, 3);
select events from rewards.post();
select rank, account, points from rewards.leaderboard_top('user', 'all', 2);
select count(*) as wrong from rewards.verify();
rollback;

-- changed past all calls: verify() names who stands wrong, repair() mends, and a sheet
-- that cannot be read is refused where it is read, but holds no posting back
create function pg_temp.tamper(change text) returns table (part text, subject text, expected text, found text, detail text) language plpgsql as $$
begin
	execute change;
	return query select v.part, left(v.subject, 20), left(v.expected, 12), left(v.found, 30), v.detail from rewards.verify() v where v.subject like '%all time' order by v.subject collate "C" limit 3;
end $$;
delete from stand;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.adjust(name, 'user', points, 'new') > 0 as noted from (values ('ana', 5), ('ben', 4), ('cleo', 3)) n(name, points);
select events from rewards.post();
select s.* from rewards.score_sheet p, rewards.sheet_scores(p.first, null, p.scores) s where p.board = 2 and p.month = 'infinity';
begin; select * from pg_temp.tamper($$delete from rewards.score_sheet where month = 'infinity'$$); select rewards.repair('gone') > 0 as folded; select count(*) as wrong from rewards.verify(); rollback;
begin; select * from pg_temp.tamper($$update rewards.score set points = 6 where name = 'ben'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.score_sheet set first = decode(repeat('ff', 16), 'hex') where month = 'infinity'$$); rollback;
begin; select * from pg_temp.tamper($$insert into rewards.score_sheet select board, month, decode(repeat('ff', 16), 'hex'), scores from rewards.score_sheet where month = 'infinity'$$); rollback;
begin;
select * from pg_temp.tamper($$update rewards.score_sheet set scores = substr(scores, 1, octet_length(scores) - 1) where month = 'infinity'$$);
savepoint damaged;
select * from rewards.leaderboard_top('user', 'all', 3);
rollback to damaged;
select rewards.adjust('dan', 'user', 9, 'new') > 0 as noted;
select events from rewards.post();
select account, points from rewards.leaderboard_top('user', 'all');
select rewards.repair('damaged') > 0 as folded;
select account, points from rewards.leaderboard_top('user', 'all');
rollback;
-- nor where a bucket of its range is cut
begin;
select count(rewards.adjust('u' || n, 'user', n, 'many')) as noted from generate_series(1, 250) n;
select events from rewards.post();
select count(*) > 1 as sheets from rewards.score_sheet where board = 2 and month = 'infinity';
update rewards.score_sheet set scores = substr(scores, 1, octet_length(scores) - 1)
where board = 2 and month = 'infinity' and first = (select first from rewards.score_sheet where board = 2 and month = 'infinity' order by first desc limit 1);
select count(rewards.adjust('v' || n, 'user', 1000 + n, 'many')) as noted from generate_series(1, 10) n;
select events from rewards.post();
select count(*) > 1 as cut from rewards.score_bucket where board = 2 and month = 'infinity';
select account, points from rewards.leaderboard_top('user', 'all', 2);
select rewards.repair('damaged') > 0 as folded;
select count(*) as wrong from rewards.verify();
rollback;
-- verify() tells of one that cannot be, however it is read: no sum is so large, no name is written so
begin; select * from pg_temp.tamper($$update rewards.score_sheet set scores = decode(repeat('80', 14) || '040103616e61', 'hex') where month = 'infinity'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.score_sheet set scores = decode('e8070103ff6e61', 'hex') where month = 'infinity'$$); rollback;
