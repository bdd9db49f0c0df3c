/* Money: units, wallets, what of them expires or is held, payouts, and usage without earnings. */

create table if not exists rewards.unit (
	number smallint primary key check (number >= 1),
	name text collate "C" not null unique
);
insert into rewards.unit (number, name) values (1, 'points'), (2, 'earnings'), (3, 'credits'), (4, 'tokens') on conflict do nothing;
comment on table rewards.unit is 'units of movements: the four that the programme knows, then currencies as add_credits() has met them';

create table if not exists rewards.wallet (
	account bigint not null,
	unit smallint not null,
	balance numeric not null,
	anchor bigint,
	next_expiry timestamptz,
	moves bigint not null default 1,
	updated_at timestamptz not null default clock_timestamp(),
	primary key (account, unit)
) with (fillfactor = 50);
comment on table rewards.wallet is
	'what is locked to spend from an account. balance is the sum of its movements, of credits only while anchor is the rule that makes the policy enforce: usage under allow does not come here. next_expiry: when something in it may expire';

create table if not exists rewards.lot (
	id bigint primary key,
	account bigint not null,
	unit smallint not null,
	remaining numeric not null check (remaining >= 0),
	expires_at timestamptz not null
) with (fillfactor = 80);
create index if not exists lot_wallet on rewards.lot (account, unit);
create index if not exists lot_due on rewards.lot (expires_at);
comment on table rewards.lot is 'what is left of credits that expire, as far as folded; id is that of the journal entry that brought them';

/* the C core reads these columns by position */
create table if not exists rewards.hold (
	id bigint generated always as identity primary key,
	account bigint not null,
	amount numeric not null check (amount > 0),
	request_id text collate "C" not null,
	expires_at timestamptz not null,
	created_at timestamptz not null default clock_timestamp(),
	seen_from bigint not null,
	closed_at timestamptz,
	outcome text check (outcome in ('captured', 'released', 'expired')),
	usage_id bigint,
	check (num_nulls(closed_at, outcome) in (0, 2))
);
create unique index if not exists hold_request on rewards.hold (request_id) where closed_at is null;
create index if not exists hold_account on rewards.hold (account) where closed_at is null;
create index if not exists hold_captured on rewards.hold (usage_id) where usage_id is not null;
create index if not exists hold_due on rewards.hold (expires_at) where closed_at is null;
comment on table rewards.hold is
	'credits kept back for a request until its row comes, which numbers above seen_from may be; posting closes them when their time is over';

create table if not exists rewards.unrated_usage (
	usage_id bigint primary key,
	error text not null,
	recorded_at timestamptz not null default clock_timestamp(),
	mended_at timestamptz
);
create index if not exists unrated_usage_open on rewards.unrated_usage (usage_id) where mended_at is null;
comment on table rewards.unrated_usage is 'usage of deduct_token() that was stored without earnings because computing them failed, until rerate() has gone over it';

create table if not exists rewards.payout_method (
	account bigint not null,
	method text collate "C" not null,
	details jsonb not null,
	updated_at timestamptz not null default clock_timestamp(),
	updated_by text not null,
	primary key (account, method)
);
comment on table rewards.payout_method is 'how accounts are to be paid';

create table if not exists rewards.payout (
	id bigint generated always as identity primary key,
	account bigint not null,
	unit smallint not null,
	amount numeric not null check (amount > 0),
	method text collate "C",
	details jsonb,
	status text not null default 'requested' check (status in ('requested', 'approved', 'completed', 'failed')),
	reference text collate "C" unique,
	automatic boolean not null default false,
	requested_at timestamptz not null default clock_timestamp(),
	requested_by text not null,
	approved_at timestamptz,
	approved_by text,
	ended_at timestamptz,
	ended_by text,
	transfer text,
	reason text,
	check (status <> 'completed' or approved_at is not null),
	check ((status in ('completed', 'failed')) = (ended_at is not null))
);
create index if not exists payout_open on rewards.payout (account, unit) where status in ('requested', 'approved');
comment on table rewards.payout is
	'payouts and how far they have come; details are those of the method when it was requested, transfer is what completed it';
