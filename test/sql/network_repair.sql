-- Counts of networks that were damaged: found by verify(), made anew by repair(), which
-- leaves alone what is not folded.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_setting('code_policy', 'identity') is not null as identity;
select rewards.register_account('r') as r;
do $$ begin for i in 1..20 loop perform rewards.referral_signup(case when i < 4 then 'r' else 'm' || i / 3 end, 'm' || i); end loop; end $$;
/* out of order: an edge of an account with a network, open ones, and a tail */
begin;
select referrer from rewards.referral_signup('m20', 'open');
prepare transaction 'network_repair';
select rewards.register_account('top') as top;
select referrer from rewards.referral_signup('top', 'r');
select complete from rewards.post();
commit prepared 'network_repair';
select referrer from rewards.referral_signup('open', 'tail');
create temp table kept as table rewards.network;
create temp table kept_size as table rewards.network_size;
create temp table kept_month as table rewards.edge_month;
create temp table size as select a.name, n.* from rewards.account a cross join lateral rewards.network_sizes(a.kind, a.name) n;
select level, accounts from size where name = 'top' order by 1;
create function pg_temp.changed() returns table (what text, line text) language sql as $$
	(select 'network', d::text from ((table rewards.network except all table kept) union all (table kept except all table rewards.network)) d)
	union all
	select 'network_size', d::text from ((table rewards.network_size except all table kept_size) union all (table kept_size except all table rewards.network_size)) d
	union all
	select 'edge_month', d::text from ((table rewards.edge_month except all table kept_month) union all (table kept_month except all table rewards.edge_month)) d
	union all
	select 'size', d::text from ((select a.name, n.* from rewards.account a cross join lateral rewards.network_sizes(a.kind, a.name) n) except all table size) d
	order by 1, 2 $$;
create function pg_temp.damage(change text) returns table (part text, subject text, expected text, found text, detail text) language plpgsql as $$
begin
	execute change;
	return query select * from rewards.verify() v order by 1, 2, 5 limit 5;
end $$;
select count(*) as differences from rewards.verify();
begin; select * from pg_temp.damage($$update rewards.network set accounts = accounts + 1 where level = 2 and account = (select id from rewards.account where name = 'r')$$); select rewards.repair('more') is not null as repaired; select * from pg_temp.changed(); select count(*) as differences from rewards.verify(); rollback;
begin; select * from pg_temp.damage($$delete from rewards.network where account = (select id from rewards.account where name = 'm1')$$); select rewards.repair('fewer') is not null as repaired; select * from pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$insert into rewards.network select id, 1, 7 from rewards.account where name = 'tail'$$); select rewards.repair('nobody is there') is not null as repaired; select * from pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$insert into rewards.network values (-1, 1, 7)$$); select rewards.repair('no account') is not null as repaired; select * from pg_temp.changed(); rollback;
begin; delete from rewards.network; select count(*) > 5 as found from rewards.verify(); select rewards.repair('all is gone') is not null as repaired; select * from pg_temp.changed(); rollback;
-- and what is kept of them for analysts
begin; select * from pg_temp.damage($$update rewards.network_size set depth = depth + 1, direct = 0 where account = (select id from rewards.account where name = 'r')$$); select rewards.repair('deeper') is not null as repaired; select * from pg_temp.changed(); rollback;
begin; select * from pg_temp.damage($$delete from rewards.network_size where account = (select id from rewards.account where name = 'm1')$$); select rewards.repair('fewer') is not null as repaired; select * from pg_temp.changed(); rollback;
begin; select found, detail from pg_temp.damage($$update rewards.edge_month set edges = edges + 1$$); select rewards.repair('more') is not null as repaired; select * from pg_temp.changed(); rollback;
begin; select part, subject, expected, found from pg_temp.damage($$insert into rewards.edge_month values ('2001-02-01', '2001-01-01', 'user', 'provider', 3)$$); select rewards.repair('never') is not null as repaired; select * from pg_temp.changed(); rollback;
-- verify() of a range of time asks for the days in it alone
begin; update rewards.network set accounts = accounts + 1; delete from rewards.network_size; delete from rewards.edge_month; select count(*) as differences from rewards.verify('2025-01-01', '2025-02-01'); rollback;
-- what repair() left is folded once
select rewards.repair('with a tail') is not null as repaired;
select * from pg_temp.changed();
select backlog from rewards.status;
select complete from rewards.post();
select * from pg_temp.changed() where what = 'size';
select backlog from rewards.status;
select rewards.repair('nothing is open') is not null as repaired;
select * from pg_temp.changed() where what = 'size';
select count(*) as differences from rewards.verify();
-- edges that were loaded before any number was drawn are folded by repair()
begin;
set local session_replication_role to replica;
update rewards.account set seen_from = 0 where referrer is not null;
set local session_replication_role to origin;
select rewards.repair('loaded') is not null as repaired;
select * from pg_temp.changed() where what = 'size';
select count(*) as differences from rewards.verify();
rollback;
-- install() sums up what a version without these tables had folded
begin;
create temp table now_size as table rewards.network_size;
create temp table now_month as table rewards.edge_month;
create temp table now_stage as table rewards.referee_stage;
drop view rewards.tail_edges, rewards.tail_stages, rewards.edge_counts, rewards.referral_growth, rewards.viral_coefficient, rewards.top_influencers cascade;
drop table rewards.network_size, rewards.edge_month, rewards.referee_stage, rewards.onboarding;
select rewards.install() is not null as installed;
(table rewards.network_size except all table now_size) union all (table now_size except all table rewards.network_size);
(table rewards.edge_month except all table now_month) union all (table now_month except all table rewards.edge_month);
(table rewards.referee_stage except all table now_stage) union all (table now_stage except all table rewards.referee_stage);
select count(*) as differences from rewards.verify();
rollback;
-- the table is written past SQL, so it must be as install() made it
begin;
alter table rewards.network add column note text;
select * from rewards.network_sizes('user', 'top');
rollback;
