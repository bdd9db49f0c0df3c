/* Invitations: codes for one use, who was invited, what inviters have got for it, and the waiting list. */

create table if not exists rewards.invite_code (
	code text collate "C" primary key,
	owner bigint,
	source text not null,
	custom boolean not null default false,
	created_at timestamptz not null default clock_timestamp(),
	expires_at timestamptz,
	recipient text collate "C",
	used_by bigint,
	used_at timestamptz,
	voided_at timestamptz,
	reason text,
	check (num_nulls(used_by, used_at) in (0, 2)),
	check (num_nulls(voided_at, reason) in (0, 2)),
	check (used_at is null or voided_at is null)
);
create unique index if not exists invite_code_upper on rewards.invite_code (upper(code));
create index if not exists invite_code_owner on rewards.invite_code (owner);
create index if not exists invite_code_used on rewards.invite_code (used_by) where used_by is not null;
comment on table rewards.invite_code is
	'codes for one invitation each. owner: whose referral it makes, NULL the programme''s own; source: what it was given for; recipient: the e-mail, in lower case, that alone may use it';

create table if not exists rewards.referral (
	id uuid primary key default gen_random_uuid(),
	inviter bigint not null,
	email text collate "C" not null,
	code text collate "C" not null,
	created_at timestamptz not null default clock_timestamp(),
	referee bigint,
	unique (inviter, email)
);
create index if not exists referral_email on rewards.referral (email);
create unique index if not exists referral_referee on rewards.referral (referee) where referee is not null;
comment on table rewards.referral is 'invitations that were sent, by inviter and the recipient''s e-mail in lower case; referee: who has joined by it. How far that went follows from the edge and activity';

create table if not exists rewards.invite_reward (
	id bigint generated always as identity primary key,
	account bigint not null,
	cause text collate "C" not null,
	reward jsonb not null,
	reason text not null,
	granted_at timestamptz not null default clock_timestamp(),
	revoked_at timestamptz,
	unique (account, cause)
);
comment on table rewards.invite_reward is
	'what accounts have got for use, referrals and quality, each once by (account, cause): days, referrals/N or quality';

create table if not exists rewards.perk (
	id bigint generated always as identity primary key,
	account bigint not null,
	perk text collate "C" not null,
	duration interval check (duration > '0'),
	granted_at timestamptz not null default clock_timestamp(),
	reward bigint,
	voided_at timestamptz
);
create index if not exists perk_account on rewards.perk (account);
comment on table rewards.perk is 'what accounts may use besides: premium access, support, previews. duration NULL is for life; durations add up';

create table if not exists rewards.quality_score (
	account bigint not null,
	day date not null,
	method text not null,
	score numeric not null check (score between 0 and 1),
	referees bigint not null,
	parts jsonb,
	recorded_at timestamptz not null default clock_timestamp(),
	primary key (account, day)
);
create index if not exists quality_score_day on rewards.quality_score (day);
comment on table rewards.quality_score is 'referral quality as maintain() found it, a row when it changed, after a quarter one a month; parts are the factors it is made of';

create table if not exists rewards.waitlist_entry (
	id bigint generated always as identity primary key,
	email text collate "C" not null unique,
	referrer bigint,
	code text collate "C",
	joined_at timestamptz not null default clock_timestamp(),
	status text not null default 'waiting' check (status in ('waiting', 'approved', 'released', 'joined')),
	released_at timestamptz,
	invite_code text collate "C",
	/* whom nobody has referred stands behind all others */
	place bigint not null generated always as (id + case when referrer is null then 4611686018427387904 else 0 end) stored
);
create unique index if not exists waitlist_order on rewards.waitlist_entry (place) where status = 'waiting';
comment on table rewards.waitlist_entry is
	'who waits for an invitation, by e-mail in lower case, in order of place; code is the one they came with, invite_code the one they got';

create table if not exists rewards.waitlist_move (
	id bigint generated always as identity primary key,
	block bigint not null,
	change bigint not null
);
comment on table rewards.waitlist_move is 'how many have come to or left a block of the waiting list since waitlist_block was counted';

create table if not exists rewards.waitlist_block (
	block bigint primary key,
	waiting bigint not null
) with (fillfactor = 50);
/* not counted: who has this row locked folds the moves */
insert into rewards.waitlist_block (block, waiting) values (-1, 0) on conflict do nothing;
comment on table rewards.waitlist_block is 'how many wait in each block of 1024 places, but for waitlist_move: with it a position needs no walk along the list';
