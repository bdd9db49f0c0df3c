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
alter table rewards.cursor add column if not exists sealed boolean not null default false;
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
	primary key (account, board, month)
) with (fillfactor = 80);
/* until 0.1.0 boards came first, and an index of scores held the order */
do $$
begin
	if exists (select from pg_index i where i.indexrelid = 'rewards.score_pkey'::regclass and i.indkey[0] = 1) then
		alter table rewards.score drop constraint score_pkey, add primary key (account, board, month);
	end if;
end
$$;
drop index if exists rewards.score_order;
create index if not exists score_month on rewards.score (month, board);
comment on table rewards.score is
	'folded sums of the leaderboards (1 provider, 2 user, 3 creator, 4 referrer); month infinity is all time';

create table if not exists rewards.score_sheet (
	board smallint not null,
	month date not null,
	first bytea not null,
	scores bytea not null,
	primary key (board, month, first)
) with (fillfactor = 50);
comment on table rewards.score_sheet is
	'the scores above zero in the order of their board, packed by a few dozen: those from the key first up to that of the next sheet (sheet_scores())';
/* sheets are small and change as a whole; those of a table just made have to be filled */
do $$
begin
	if exists (select from pg_attribute a where a.attrelid = 'rewards.score_sheet'::regclass and a.attname = 'scores' and a.attstorage <> 'p') then
		alter table rewards.score_sheet alter first set storage plain, alter scores set storage plain;
		perform rewards.fill_sheets();
	end if;
end
$$;

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

/* posting rewrites rows of these all the time: vacuumed at a fifth, as is usual, they would be a half larger than they need to be */
alter table rewards.day_total set (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_threshold = 500);
alter table rewards.month_total set (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_threshold = 500);
alter table rewards.score set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_threshold = 500);
alter table rewards.score_sheet set (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_threshold = 500);
alter table rewards.activity set (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_threshold = 500);

create table if not exists rewards.seal (
	source text collate "C" not null check (source in ('usage_logs', 'journal')),
	partition bigint not null,
	number bigint not null check (number >= 1),
	numbers int8multirange not null,
	rows bigint not null,
	marks bytea not null,
	hash bytea not null check (octet_length(hash) = 32),
	sealed_at timestamptz not null,
	primary key (source, partition, number),
	check (source = 'usage_logs' or partition = 0)
);
create index if not exists seal_sealed_at on rewards.seal (sealed_at);
comment on table rewards.seal is
	'what each posting folded, proved: numbers it decided in a partition (its first number, 0 for the default one and the journal), marks of their rows, and the hash over them and the chain''s seal before';

create table if not exists rewards.removal (
	first bigint primary key,
	upto bigint not null,
	rows bigint not null,
	oldest timestamptz,
	newest timestamptz,
	unpriced bigint not null,
	sums bytea not null,
	seals bytea not null,
	removed_at timestamptz not null default clock_timestamp(),
	recorded_xid xid8 not null default pg_current_xact_id(),
	identity text not null default rewards.database_identity()
);
comment on table rewards.removal is
	'partitions of usage_logs that have been summed up, to be removed: how many rows, of which times, how many without a price, and SHA-256 over their sums and seals. An entry of the journal (event removal) holds the SHA-256 over all that';

/* the C core reads these columns by name; sort as in tally() */
create table if not exists rewards.removed_sum (
	first bigint not null,
	sort "char" not null,
	account bigint,
	day date not null,
	unit smallint,
	entry smallint,
	level smallint,
	name text collate "C",
	amount numeric not null check (abs(amount) < 1e18 and trunc(amount, 9) = amount),
	events bigint not null,
	tokens bigint not null,
	first_at timestamptz,
	last_at timestamptz,
	referred_least bigint,
	referred_most bigint,
	check (case sort when 'd' then num_nulls(unit, entry, level) when 'o' then num_nulls(first_at, last_at, referred_least, referred_most)
		when 'a' then num_nulls(first_at, last_at, referred_least, referred_most) else 1 end = 0)
);
create index if not exists removed_sum_partition on rewards.removed_sum using brin (first);
create index if not exists removed_sum_payer on rewards.removed_sum (account) where unit = 3;
comment on table rewards.removed_sum is
	'what the rows of removed partitions add up to, in parts: by account and day as in day_total (d), models by owner (o), what accounts did by day and service (a)';

create table if not exists rewards.removed_traffic (
	first bigint not null,
	day date not null,
	hour smallint not null,
	service text collate "C" not null,
	tier text collate "C" not null,
	requests bigint not null,
	failed bigint not null,
	input_tokens bigint not null,
	output_tokens bigint not null,
	provider_points numeric not null,
	user_points numeric not null,
	creator_earnings numeric not null,
	cost numeric not null,
	primary key (first, day, hour, service, tier)
);
comment on table rewards.removed_traffic is 'the same by hour, service and tier, as in traffic_day and traffic_hour';

create table if not exists rewards.removed_usage (
	id bigint primary key,
	service text,
	tier text,
	input_tokens integer not null,
	output_tokens integer not null
);
comment on table rewards.removed_usage is 'of removed rows that entries of the journal are about, what traffic needs of them';

create table if not exists rewards.verification (
	id bigint generated always as identity primary key,
	at timestamptz not null,
	since timestamptz,
	until timestamptz,
	seconds numeric not null,
	rows bigint not null,
	findings bigint not null,
	by text not null
);
comment on table rewards.verification is 'each verify() that was completed: when it began, of which range, how long it took, how many rows of usage it computed again, what it found, who called it';

create table if not exists rewards.worker (
	single boolean primary key default true check (single),
	identity text not null default rewards.database_identity(),
	stopped boolean not null default false,
	stays boolean not null default false,
	maintained_on date,
	failures integer not null default 0,
	failure text,
	next_try timestamptz
);
insert into rewards.worker default values on conflict do nothing;
comment on table rewards.worker is
	'the worker of the database that has this identity: whether it was stopped, whether it stays when there is nothing to do, on which programme day it last maintained, and what fails';
