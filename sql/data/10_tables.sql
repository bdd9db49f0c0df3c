/* Who takes part, the rules, and what was granted.  Ids are compared byte for byte. */

create table if not exists rewards.installation (
	single boolean primary key default true check (single),
	version text not null,
	installed_at timestamptz not null default clock_timestamp()
);
comment on table rewards.installation is 'the version that install() made or brought these tables to';

/* the C core reads the first columns of rule, account, account_fact, model and model_fact by position */
create table if not exists rewards.rule (
	id bigint generated always as identity primary key,
	rule text not null,
	key text collate "C" not null,
	value jsonb,
	valid_from timestamptz not null,
	seen_from bigint not null,
	sure_from bigint,
	recorded_at timestamptz not null default clock_timestamp(),
	recorded_xid xid8 not null default pg_current_xact_id(),
	updated_by text not null
);
create index if not exists rule_history on rewards.rule (rule, key, valid_from, id);
create index if not exists rule_unsettled on rewards.rule (id) where sure_from is null;
comment on table rewards.rule is 'every version of every rule, appended; value NULL ends a rule. Rows up to seen_from did not know it, rows above sure_from did';

create table if not exists rewards.account (
	id bigint generated always as identity constraint account_pkey primary key,
	kind text not null check (kind in ('user', 'provider')),
	name text collate "C" not null check (octet_length(name) between 1 and 255),
	referrer bigint,
	referred_at timestamptz,
	seen_from bigint,
	sure_from bigint,
	recorded_at timestamptz,
	recorded_xid xid8,
	code text,
	email text,
	joined_at timestamptz not null,
	onboarded_at timestamptz,
	check (referrer <> id),
	check (num_nulls(referrer, referred_at, seen_from, recorded_at, recorded_xid) in (0, 5))
);
create unique index if not exists account_name_kind on rewards.account (name, kind);
create index if not exists account_referrer on rewards.account (referrer) where referrer is not null;
create index if not exists account_email on rewards.account (lower(email)) where email is not null;
create index if not exists account_name_email on rewards.account (lower(name)) where kind = 'user' and name like '%@%';
create index if not exists account_edge on rewards.account (seen_from) where referrer is not null;
create index if not exists account_unsettled on rewards.account (id) where referrer is not null and sure_from is null;
comment on table rewards.account is
	'registered accounts: (kind, name) outside, id inside; from referrer to code the one permanent edge to who referred it, with what a change knows of time. onboarded_at: when somebody said that it is';

create table if not exists rewards.account_fact (
	id bigint generated always as identity primary key,
	account bigint not null,
	fact text not null check (fact in ('multiplier', 'streak')),
	number numeric,
	valid_from timestamptz not null,
	seen_from bigint not null,
	sure_from bigint,
	valid_until timestamptz not null default 'infinity',
	recorded_at timestamptz not null default clock_timestamp(),
	recorded_xid xid8 not null default pg_current_xact_id(),
	updated_by text not null
);
create index if not exists account_fact_account on rewards.account_fact (account, valid_until);
create index if not exists account_fact_unsettled on rewards.account_fact (id) where sure_from is null;
comment on table rewards.account_fact is
	'multipliers given to accounts by hand, and the days of streaks as posting finds them, appended; number NULL ends one';

create table if not exists rewards.uptime (
	account bigint not null,
	day date not null,
	seconds integer not null check (seconds between 0 and 90000),
	reached boolean not null,
	counted boolean not null default false,
	booked numeric not null default 0,
	recorded_at timestamptz not null default clock_timestamp(),
	primary key (account, day)
);
create index if not exists uptime_to_count on rewards.uptime (account, day) where reached and not counted;
comment on table rewards.uptime is
	'how long a provider was up on a programme day; reached: it makes the day one of its streak, counted: posting has seen that';

create table if not exists rewards.account_signal ();
comment on table rewards.account_signal is 'always empty: invalidating it tells sessions that an account known before got a referrer';

create table if not exists rewards.code (
	code text collate "C" primary key,
	account bigint not null,
	custom boolean not null default false,
	created_at timestamptz not null default clock_timestamp(),
	voided_at timestamptz,
	reason text,
	check (num_nulls(voided_at, reason) in (0, 2))
);
create unique index if not exists code_upper on rewards.code (upper(code));
create index if not exists code_account on rewards.code (account);
create unique index if not exists code_generated on rewards.code (account) where not custom and voided_at is null;
comment on table rewards.code is 'referral codes that were made, revoked ones too: they never go to anybody else. Identity codes need no row';

create table if not exists rewards.voided_identity (
	account bigint primary key,
	voided_at timestamptz not null default clock_timestamp(),
	reason text not null
);
comment on table rewards.voided_identity is 'accounts whose own id was revoked as a referral code';

create table if not exists rewards.character (
	id text collate "C" primary key,
	name text,
	image text
);
comment on table rewards.character is 'characters that models stand behind';

create table if not exists rewards.model (
	id text collate "C" primary key,
	character_id text collate "C",
	name text,
	category text,
	created_at timestamptz not null default clock_timestamp()
);
create unique index if not exists model_character on rewards.model (character_id);
comment on table rewards.model is 'registered models';

create table if not exists rewards.model_fact (
	id bigint generated always as identity primary key,
	model text collate "C" not null,
	fact text not null check (fact in ('owner', 'tier', 'vram', 'rate')),
	account bigint,
	number numeric,
	tier text,
	valid_from timestamptz not null,
	seen_from bigint not null,
	sure_from bigint,
	recorded_at timestamptz not null default clock_timestamp(),
	recorded_xid xid8 not null default pg_current_xact_id(),
	updated_by text not null
);
create index if not exists model_fact_model on rewards.model_fact (model);
create index if not exists model_fact_owner on rewards.model_fact (account) where fact = 'owner';
create index if not exists model_fact_unsettled on rewards.model_fact (id) where sure_from is null;
comment on table rewards.model_fact is 'owner, tier, VRAM and rate of models, appended';

create table if not exists rewards.admin_log (
	id bigint generated always as identity primary key,
	at timestamptz not null default clock_timestamp(),
	session_role text not null,
	updated_by text not null,
	call text not null,
	arguments jsonb,
	before jsonb,
	after jsonb
);
comment on table rewards.admin_log is 'every admin call with what it changed (C11, X2)';

create table if not exists rewards.access (
	role text collate "C" not null,
	access text not null,
	granted_at timestamptz not null default clock_timestamp(),
	primary key (role, access)
);
/* 0.1.0 had a regrole, which no restore takes where the role is missing */
do $$
begin
	if exists (select from pg_attribute where attrelid = 'rewards.access'::regclass and attname = 'role' and atttypid = 'regrole'::regtype) then
		alter table rewards.access alter column role type text collate "C" using role::text;
	end if;
end
$$;
alter table rewards.access add column if not exists role_number oid;
alter table rewards.access add column if not exists identity text;
alter table rewards.access add column if not exists account bigint;
comment on table rewards.access is
	'what grant_access() has given. role: the name, quoted as in SQL; role_number: the role it was in the database of that identity, so that in this one no other role of the name gets it; account: the one that a member is bound to, NULL where a parameter or claims tell';
