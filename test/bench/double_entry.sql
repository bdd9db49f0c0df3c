-- A double-entry ledger in PL/pgSQL, fed the shares that plpgsql.sql computes: each share is
-- a transfer from the programme to an account, with an entry on either side and the
-- account's new balance in it, as ledgers made for money have them.
--
-- It is spared the balance of the programme itself, which would be one row that all writers
-- wait for, and all totals by day and month: balances are all there is. Accounts are locked
-- in order of their ids, so that two writers of one row each never deadlock.

create schema double_entry;

create table double_entry.balance (
	account bigint primary key,
	balance numeric not null,
	version bigint not null
) with (fillfactor = 70);

create table double_entry.transfer (
	id bigint generated always as identity primary key,
	usage_id bigint not null,
	level integer not null,
	amount numeric not null,
	created_at timestamptz not null
);

/* the programme's side has account 0 and no balance */
create table double_entry.entry (
	transfer bigint not null,
	account bigint not null,
	amount numeric not null,
	balance numeric,
	version bigint
);
create index on double_entry.entry (account, version);

create table double_entry.usage (like plain.usage including all);

create function double_entry.post_row() returns trigger language plpgsql as $$
declare
	share plain.share;
	shares plain.share[];
	transfer bigint;
	after double_entry.balance;
begin
	if new.user_points is null then
		return null;
	end if;
	shares := plain.shares_of(new.user_id, new.user_points, new.provider_id, new.provider_points);
	insert into double_entry.balance
	select distinct s.account, 0, 0 from unnest(shares) s
	where not exists (select from double_entry.balance b where b.account = s.account)
	order by s.account
	on conflict do nothing;
	perform from double_entry.balance b
	where b.account in (select s.account from unnest(shares) s) order by b.account for no key update;
	foreach share in array shares loop
		insert into double_entry.transfer (usage_id, level, amount, created_at)
		values (new.id, share.level, share.amount, new.created_at) returning id into transfer;
		update double_entry.balance b set balance = b.balance + share.amount, version = b.version + 1
		where b.account = share.account returning b.* into after;
		insert into double_entry.entry values
			(transfer, 0, -share.amount, null, null), (transfer, share.account, share.amount, after.balance, after.version);
	end loop;
	return null;
end
$$;

create trigger compute before insert on double_entry.usage for each row execute function plain.compute();
create trigger post after insert on double_entry.usage for each row execute function double_entry.post_row();
