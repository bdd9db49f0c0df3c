-- Random joins, referrals of who waits already, releases, departures and foldings: after
-- each some all positions are those of row_number() over the test's own record.
\set VERBOSITY terse
set client_min_messages = notice;
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select count(rewards.register_account('r' || n)), count(rewards.referral_code('r' || n, 'user', 'by-r' || n)) from generate_series(1, 5) n;
create temp table person (n serial primary key, email text unique, referred boolean, status text);
create temp table run (operation text, n bigint default 0, wrong bigint default 0);
insert into run (operation) values ('join'), ('join by code'), ('boost'), ('again'), ('release'), ('leave'), ('fold'), ('gap');
create view pg_temp.truth as
select p.email, case when p.status = 'waiting' then row_number() over (partition by p.status order by not p.referred, p.n) else 0 end as position from person p;
select setseed(0.5);
do $$
declare
	what text;
	who text;
	inviter text;
	told bigint;
	found_wrong bigint;
begin
	for k in 1 .. 3000 loop
		what := (array['join', 'join', 'join', 'join', 'join by code', 'join by code', 'boost', 'boost', 'again', 'release', 'leave', 'fold', 'gap', 'gap'])[1 + floor(random() * 14)];
		inviter := 'by-r' || 1 + k % 5;
		who := case when what like 'join%' then 'p' || k || '@example.com' else (select p.email from person p where what <> 'boost' or (p.status = 'waiting' and not p.referred) order by random() limit 1) end;
		told := null;
		case what
			when 'join' then
				insert into person (email, referred, status) values (who, false, 'waiting');
				told := rewards.join_waitlist(who);
			when 'join by code' then
				insert into person (email, referred, status) values (who, true, 'waiting');
				told := rewards.join_waitlist(who, inviter);
			when 'boost' then
				update person set referred = true where email = who;
				told := rewards.join_waitlist(upper(who), inviter);
			when 'again' then
				told := rewards.join_waitlist(who);
			when 'release' then
				with due as (
					select p.n, row_number() over (order by not p.referred, p.n) as place from person p where p.status = 'waiting' order by not p.referred, p.n limit 1 + k % 4
				), gone as (
					update person p set status = 'released' from due where p.n = due.n returning p.email, due.place
				)
				select count(*) into found_wrong from gone g full join (select * from rewards.release_invites(1 + k % 4) with ordinality) r on (r.email, r.ordinality) = (g.email, g.place)
				where g.email is null or r.email is null;
				update run set wrong = wrong + found_wrong where operation = what;
			when 'leave' then
				update person set status = 'joined' where email = who;
				perform rewards.leave_waitlist(who);
			when 'fold' then
				perform rewards.fold_waitlist();
			else
				/* so that few people fill many blocks */
				perform setval('rewards.waitlist_entry_id_seq', nextval('rewards.waitlist_entry_id_seq') + floor(random() * 700)::integer);
		end case;
		update run set n = n + 1,
			wrong = wrong + (told is not null and told is distinct from (select t.position from pg_temp.truth t where t.email = who))::integer where operation = what;
		if k % 50 = 0 then
			select count(*) into found_wrong from pg_temp.truth t where t.position is distinct from rewards.waitlist_position(t.email);
			update run set wrong = wrong + found_wrong where operation = what;
		end if;
	end loop;
end $$;
select operation, n > 100 as often, wrong from run order by 1;
select count(*) filter (where status = 'waiting') > 200 as waiting, count(*) filter (where status <> 'waiting') > 200 as gone from person;
select count(distinct e.place >> 10) > 100 as blocks from rewards.waitlist_entry e;
-- what was folded, and the rest, is the count of the rows of each block
select count(*) as wrong from (
	select block, sum(n) as n from (
		select b.block, b.waiting as n from rewards.waitlist_block b where b.block >= 0 union all select m.block, m.change from rewards.waitlist_move m) s group by block) s
full join (select e.place >> 10 as block, count(*) as n from rewards.waitlist_entry e where e.status = 'waiting' group by 1) t using (block)
where coalesce(s.n, 0) <> coalesce(t.n, 0);
select rewards.fold_waitlist() > 0 as folded, rewards.fold_waitlist() as again;
select (select count(*) from rewards.waitlist_move) as moves, (select sum(b.waiting) from rewards.waitlist_block b) = (select count(*) from person where status = 'waiting') as all_counted,
	(select count(*) from rewards.waitlist_block b where b.waiting <= 0 and b.block >= 0) as empty_blocks;
select count(*) as wrong from pg_temp.truth t where t.position is distinct from rewards.waitlist_position(t.email);
-- who moves folds by itself: few moves wait, however many people come in one call or in many
select count(rewards.join_waitlist('m' || n || '@example.com')) from generate_series(1, 2000) n;
select count(*) < 400 as few from rewards.waitlist_move;
select count(*) from rewards.release_invites(2000);
insert into person (email, referred, status) select 'm' || n || '@example.com', false, 'waiting' from generate_series(1, 2000) n;
with due as (select p.n from person p where p.status = 'waiting' order by not p.referred, p.n limit 2000) update person p set status = 'released' from due where p.n = due.n;
select count(*) as wrong from pg_temp.truth t where t.position is distinct from rewards.waitlist_position(t.email);
-- under REPEATABLE READ nothing is folded, and positions are exact all the same
begin isolation level repeatable read;
select rewards.join_waitlist('last@example.com') = 1 + (select count(*) from person where status = 'waiting') as last, rewards.fold_waitlist() as folded;
commit;
