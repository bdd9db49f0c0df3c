-- Sizes of networks by level: exact before, between and after postings, for newcomers
-- and for accounts that bring a network of their own; below level 32, too.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_setting('code_policy', 'identity') is not null as identity;
select rewards.register_account(a) from unnest('{top,ana,old,root}'::text[]) a;

create function pg_temp.sign(referrer text, referee text, kind text default 'user') returns void language plpgsql as $$
begin
	perform rewards.referral_signup(referrer, referee, kind);
end $$;
/* every account's levels */
create function pg_temp.sizes() returns table (kind text, name text, sizes text) language sql as $$
	select a.kind, a.name, string_agg(n.accounts::text, ' ' order by n.level)
	from rewards.account a cross join lateral rewards.network_sizes(a.kind, a.name) n
	group by a.kind, a.name order by a.kind, a.name collate "C" $$;

-- nobody yet, and nobody unknown
select * from rewards.network_sizes('user', 'top');
select * from rewards.network_sizes('user', 'nobody');
select * from rewards.network_sizes('provider', 'top');

-- seen at once, by the very transaction too, and not when it rolls back
select pg_temp.sign('top', 'ana'), pg_temp.sign('ana', 'a1'), pg_temp.sign('ana', 'a2');
select * from pg_temp.sizes();
begin;
select pg_temp.sign('a1', 'b1');
select * from pg_temp.sizes() where name = 'top';
rollback;
select * from pg_temp.sizes() where name = 'top';
select count(*) as counted from rewards.network;
select complete from rewards.post();
select * from pg_temp.sizes();
select a.name, n.level, n.accounts from rewards.network n join rewards.account a on a.id = n.account order by 1, 2;

-- old brings a network that is folded; part of it is not
select pg_temp.sign('old', 'o1'), pg_temp.sign('o1', 'p1'), pg_temp.sign('o1', 'p2');
select complete from rewards.post();
select pg_temp.sign('p1', 'q1'), pg_temp.sign('a2', 'old'), pg_temp.sign('q1', 'r1');
select * from pg_temp.sizes();
-- the edges one by one: an edge that is not folded yet stops what is folded below it
create temp table before as select * from pg_temp.sizes();
create function pg_temp.changed() returns setof text language sql as $$
	select d::text from ((table before except all select * from pg_temp.sizes()) union all (select * from pg_temp.sizes() except all table before)) d $$;
create function pg_temp.top_as_folded() returns text language sql as $$
	select string_agg(n.accounts::text, ' ' order by n.level) from rewards.network n join rewards.account a on a.id = n.account where a.name = 'top' $$;
select complete from rewards.post(1); select pg_temp.top_as_folded(); select * from pg_temp.changed();
select complete from rewards.post(1); select pg_temp.top_as_folded(); select * from pg_temp.changed();
select complete from rewards.post(1); select pg_temp.top_as_folded(); select * from pg_temp.changed();
select complete from rewards.post(1); select pg_temp.top_as_folded(); select * from pg_temp.changed();
select complete from rewards.post(1); select pg_temp.top_as_folded(); select * from pg_temp.changed();
select complete from rewards.post();
select * from pg_temp.sizes();
select count(*) as differences from rewards.verify();

-- an edge in the middle that stays open while those above and below it are folded
begin;
select pg_temp.sign('r1', 'late'), pg_temp.sign('late', 'later');
prepare transaction 'network_sizes';
select pg_temp.sign('r1', 's1');
select complete from rewards.post();
select * from pg_temp.sizes() where name in ('top', 'r1');
commit prepared 'network_sizes';
select * from pg_temp.sizes() where name in ('top', 'r1', 'late');
/* below an edge that is open still */
select pg_temp.sign('later', 'last'), pg_temp.sign('root', 'top');
select * from pg_temp.sizes() where name in ('root', 'top', 'r1', 'late');
select complete from rewards.post();
select * from pg_temp.sizes() where name in ('root', 'top', 'r1', 'late');
select cardinality(open_first) as open from rewards.cursor;
select count(*) as differences from rewards.verify();

-- two that stay open, the lower number below the higher: the one ends the other's walk
select rewards.register_account('mid');
begin;
select pg_temp.sign('mid', 'low');
prepare transaction 'network_low';
begin;
select pg_temp.sign('q1', 'mid');
prepare transaction 'network_high';
select complete from rewards.post();
commit prepared 'network_low';
commit prepared 'network_high';
select cardinality(open_first) as open from rewards.cursor;
select * from pg_temp.sizes() where name in ('q1', 'mid', 'low');
select complete from rewards.post();
select * from pg_temp.sizes() where name in ('q1', 'mid', 'low');
select count(*) as differences from rewards.verify();

-- providers are a network of their own, under the same names
select rewards.register_account('top', 'provider');
select pg_temp.sign('top', 'ana', 'provider');
select kind, name, sizes from pg_temp.sizes() where name in ('top', 'ana');

-- kinds at both ends of an edge may differ: what counts are the accounts
begin;
update rewards.account set referrer = (select id from rewards.account where name = 'p2'), referred_at = now(),
	seen_from = rewards.next_number('rewards.usage_number'), recorded_at = now(), recorded_xid = pg_current_xact_id()
where name = 'top' and kind = 'provider';
select kind, name, sizes from pg_temp.sizes() where name in ('root', 'p2', 'top');
select complete from rewards.post();
select kind, name, sizes from pg_temp.sizes() where name in ('root', 'p2', 'top');
select level, account from rewards.referral_chain('ana', 'provider', 3);
rollback;

-- a chain of 40, twice as deep as wide: 32 levels are counted, the others walked to
do $$
begin
	perform rewards.register_account('d0');
	for i in 1..40 loop
		perform rewards.referral_signup('d' || i - 1, 'd' || i);
		if i % 8 = 0 then perform rewards.referral_signup('d' || i, 'side' || i); end if;
	end loop;
end $$;
select * from pg_temp.sizes() where name in ('d0', 'd8', 'd9');
select complete from rewards.post(33);
select * from pg_temp.sizes() where name in ('d0', 'd8', 'd9');
select complete from rewards.post();
select * from pg_temp.sizes() where name in ('d0', 'd8', 'd9');
select max(level) as counted from rewards.network;
/* the deep chain below somebody else, by an edge of the tail and then folded */
select rewards.register_account('far'), rewards.register_account('away');
select pg_temp.sign('away', 'far'), pg_temp.sign('far', 'd0');
select * from pg_temp.sizes() where name in ('far', 'away', 'd0');
select complete from rewards.post();
select * from pg_temp.sizes() where name in ('far', 'away', 'd0');
select count(*) as differences from rewards.verify();

-- in a snapshot sizes stay what they were, whatever is posted and signed up since
begin isolation level repeatable read;
select * from pg_temp.sizes() where name = 'd39';
commit;
begin read only;
select level, accounts from rewards.network_sizes('user', 'old') order by 1;
commit;
