/* The number line: usage, the journal, and the totals that posting keeps. */

create sequence if not exists rewards.usage_number as bigint cache 1 no cycle;
comment on sequence rewards.usage_number is 'the numbers of usage rows, journal entries and referral edges, in order of arrival';

/* the C core knows these columns by position */
create table if not exists rewards.usage_logs (
	id bigint not null default rewards.next_number('rewards.usage_number') primary key,
	created_at timestamptz not null default now(),
	status_code integer not null default 200,
	input_tokens integer not null default 0,
	output_tokens integer not null default 0,
	latency_ms integer,
	request_id text collate "C",
	user_id text collate "C" not null,
	provider_id text collate "C",
	endpoint text not null,
	model text collate "C",
	character_id text collate "C",
	usage_type text,
	service text,
	tier text,
	provider_points numeric,
	user_points numeric,
	creator_earnings numeric,
	cost numeric,
	distribution rewards.distribution
) partition by range (id);
create index if not exists usage_logs_created_at on rewards.usage_logs using brin (created_at);
comment on table rewards.usage_logs is 'the one thing an application writes: its requests. From service on the columns are computed';

create table if not exists rewards.usage_partition (
	first bigint primary key,
	upto bigint not null,
	made_at timestamptz not null default clock_timestamp(),
	started_at timestamptz
);
comment on table rewards.usage_partition is 'partitions of usage_logs: numbers from first up to, not including, upto';

create table if not exists rewards.journal (
	id bigint not null default rewards.next_number('rewards.usage_number') primary key,
	created_at timestamptz not null,
	recorded_at timestamptz not null default clock_timestamp(),
	unit smallint not null check (unit >= 1),
	distribution rewards.distribution not null,
	reason text,
	actor text not null,
	event text,
	account bigint,
	cause text collate "C",
	reverses_source text,
	reverses_id bigint,
	held_until timestamptz,
	expires_at timestamptz,
	reference text collate "C",
	model text collate "C",
	requests integer not null default 0,
	tokens bigint not null default 0
);
create unique index if not exists journal_once on rewards.journal (event, account, cause);
create index if not exists journal_held on rewards.journal (account, held_until) where held_until is not null;
create unique index if not exists journal_reference on rewards.journal (event, reference) where reference is not null;
create index if not exists journal_wallet on rewards.journal (account, unit, id) where unit >= 3;
create index if not exists journal_expiry on rewards.journal (account, unit, expires_at) where expires_at is not null;
create index if not exists journal_reverses on rewards.journal (reverses_id) where reverses_source is not null;
comment on table rewards.journal is
	'every movement that is no usage; what a rule grants is there once by (event, account, cause): the rule''s key, who gets it, whose doing it is. requests, tokens and model tell what it adds to or takes from the counts of usage';

create table if not exists rewards.cursor (
	single boolean primary key default true check (single),
	last bigint not null default 0,
	open_first bigint[] not null default '{}',
	open_last bigint[] not null default '{}',
	open_lowest bigint[] not null default '{}',
	open_horizon bigint[] not null default '{}',
	quiet_xid bigint[] not null default '{}',
	quiet_since timestamptz[] not null default '{}',
	identity text,
	settling pg_snapshot,
	settling_horizon xid8,
	unpriced bigint not null default 0,
	announced pg_snapshot,
	announced_by xid8,
	posted_at timestamptz
);
insert into rewards.cursor default values on conflict do nothing;
comment on table rewards.cursor is 'how far posting has come: totals hold the rows up to last, except those in open stretches';

create table if not exists rewards.day_total (
	account bigint not null,
	day date not null,
	unit smallint not null,
	entry smallint not null,
	level smallint not null,
	amount numeric not null,
	events bigint not null,
	tokens bigint not null,
	primary key (account, day, unit, entry, level)
) with (fillfactor = 80);
comment on table rewards.day_total is 'folded totals by account and programme day';

create table if not exists rewards.month_total (
	account bigint not null,
	month date not null,
	unit smallint not null,
	entry smallint not null,
	level smallint not null,
	amount numeric not null,
	events bigint not null,
	tokens bigint not null,
	primary key (account, month, unit, entry, level)
) with (fillfactor = 80);
comment on table rewards.month_total is 'folded totals by account and month';

create table if not exists rewards.score (
	board smallint not null check (board between 1 and 4),
	month date not null,
	account bigint not null,
	name text collate "C" not null,
	points numeric not null,
	primary key (board, month, account)
);
create index if not exists score_order on rewards.score (board, month, points desc, name, account);
comment on table rewards.score is
	'folded sums of the leaderboards (1 provider, 2 user, 3 creator, 4 referrer); month infinity is all time';

create table if not exists rewards.score_bucket (
	board smallint not null,
	month date not null,
	lowest numeric not null,
	accounts bigint not null,
	primary key (board, month, lowest)
) with (fillfactor = 80);
comment on table rewards.score_bucket is
	'how many positive scores of a board and month lie from lowest up to the next bucket''s lowest';

create table if not exists rewards.model_total (
	owner bigint not null,
	model text collate "C" not null,
	events bigint not null,
	tokens bigint not null,
	amount numeric not null,
	first_at timestamptz not null,
	last_at timestamptz not null,
	primary key (owner, model)
) with (fillfactor = 80);
comment on table rewards.model_total is 'folded creator earnings by owner and model';

create table if not exists rewards.activity (
	account bigint primary key,
	first_at timestamptz not null,
	last_at timestamptz not null,
	referred bigint not null,
	services text[] not null,
	streak integer not null,
	best_streak integer not null,
	streak_since date not null,
	last_day date not null,
	requests bigint not null,
	onboarded_at timestamptz not null
) with (fillfactor = 80);
comment on table rewards.activity is
	'what an account has done with success, as far as folded: first and last request, requests since it was referred, services used or served, the run of days that ends on its last one, all requests, and when they were enough to count as onboarded (infinity: not yet)';

create table if not exists rewards.network (
	account bigint not null,
	level smallint not null check (level between 1 and 32),
	accounts bigint not null,
	primary key (account, level)
) with (fillfactor = 80);
comment on table rewards.network is 'how many accounts an account has below it at each level, by the edges folded';
