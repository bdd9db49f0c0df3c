/* Where accounts stand: statuses, what was found against them, appeals, and limits on calls. */

/* the C core reads the columns up to valid_until by position */
create table if not exists rewards.account_status (
	id bigint generated always as identity primary key,
	account bigint not null,
	status text not null check (status in ('active', 'warned', 'paused', 'suspended', 'banned')),
	source text not null check (source in ('set', 'sanction', 'quality', 'detector', 'limit', 'appeal')),
	valid_from timestamptz not null,
	seen_from bigint not null,
	sure_from bigint,
	valid_until timestamptz not null default 'infinity',
	reason text not null,
	recorded_at timestamptz not null default clock_timestamp(),
	recorded_xid xid8 not null default pg_current_xact_id(),
	updated_by text not null
);
create index if not exists account_status_account on rewards.account_status (account, valid_until);
create index if not exists account_status_banned on rewards.account_status (account) where status = 'banned';
create index if not exists account_status_unsettled on rewards.account_status (id) where sure_from is null;
comment on table rewards.account_status is
	'statuses of accounts, appended; of those that hold at a time the last counts, and without any an account is active. source: whose doing it is';

create table if not exists rewards.abuse_flag (
	id bigint generated always as identity primary key,
	account bigint not null,
	detector text not null,
	evidence jsonb not null,
	created_at timestamptz not null default clock_timestamp(),
	cleared_at timestamptz,
	cleared_by text,
	note text,
	check (num_nulls(cleared_at, cleared_by) in (0, 2))
);
create unique index if not exists abuse_flag_open on rewards.abuse_flag (account, detector) where cleared_at is null;
create index if not exists abuse_flag_account on rewards.abuse_flag (account, detector);
comment on table rewards.abuse_flag is 'what detectors have found, with evidence; one open flag by account and detector, cleared ones stay';

create table if not exists rewards.review (
	id bigint generated always as identity primary key,
	account bigint not null,
	reason text not null,
	evidence jsonb not null,
	created_at timestamptz not null default clock_timestamp(),
	closed_at timestamptz,
	closed_by text,
	note text,
	check (num_nulls(closed_at, closed_by) in (0, 2))
);
create unique index if not exists review_open on rewards.review (account) where closed_at is null;
comment on table rewards.review is 'accounts that somebody is to look at, one open review an account';

create table if not exists rewards.appeal (
	id bigint generated always as identity primary key,
	account bigint not null,
	message text not null,
	created_at timestamptz not null default clock_timestamp(),
	accepted boolean,
	resolved_at timestamptz,
	resolved_by text,
	note text,
	check (num_nulls(accepted, resolved_at, resolved_by) in (0, 3))
);
create unique index if not exists appeal_open on rewards.appeal (account) where resolved_at is null;
comment on table rewards.appeal is 'what accounts say against their status, one open appeal an account';

create table if not exists rewards.revocation (
	id bigint generated always as identity primary key,
	account bigint not null,
	since timestamptz not null,
	seen_from bigint not null,
	unseen int8multirange not null,
	reason text not null,
	recorded_at timestamptz not null default clock_timestamp(),
	updated_by text not null
);
create index if not exists revocation_account on rewards.revocation (account);
comment on table rewards.revocation is
	'what was taken back of an account at once: referral shares and bonuses of events from since on, numbered up to seen_from but for those unseen, which were not yet committed';

create table if not exists rewards.rate_window (
	who text collate "C" not null,
	subject text collate "C" not null,
	since timestamptz not null,
	until timestamptz not null,
	calls bigint not null,
	primary key (who, subject, since, until)
) with (fillfactor = 50);
comment on table rewards.rate_window is
	'how often limited calls and usage came in a window of time. who: kind and id of an account as user:abc, or the e-mail, in lower case, of somebody who has none';

create table if not exists rewards.usage_excess (
	usage_id bigint primary key,
	user_id text collate "C" not null
);
comment on table rewards.usage_excess is 'usage above a limit that reverses, until posting has taken it back';
