/*
 * Totals of the whole programme that posting keeps for analysts.  There are few rows in
 * each, but for model_day.  What cannot be told from them is read from totals of accounts
 * or from usage itself (45_analyst_views.sql).
 */

create table if not exists rewards.traffic_day (
	day date not null,
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
	primary key (day, service, tier)
) with (fillfactor = 50);
comment on table rewards.traffic_day is
	'folded requests by programme day, service and tier (empty for none), with what they brought and cost, less what was taken back';

create table if not exists rewards.traffic_hour (
	dow smallint not null check (dow between 0 and 6),
	hour smallint not null check (hour between 0 and 23),
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
	primary key (dow, hour, service, tier)
) with (fillfactor = 50);
comment on table rewards.traffic_hour is 'the same by hour of the week in the programme''s time zone; dow 0 is Sunday';

create table if not exists rewards.attendance (
	day date primary key,
	users bigint not null,
	week_change bigint not null,
	month_change bigint not null,
	new_users bigint not null
) with (fillfactor = 50);
comment on table rewards.attendance is
	'users with a successful request by day, as folded; the running sum of week_change is how many were there in the 7 days that end with a day, that of month_change in the 30 days; new_users: for whom it is the first day';

create table if not exists rewards.cohort (
	cohort date not null,
	week integer not null,
	users bigint not null,
	primary key (cohort, week)
) with (fillfactor = 50);
comment on table rewards.cohort is
	'of the users whose first day lies in the week that begins on Monday cohort, how many were there so many weeks later, as folded';

create table if not exists rewards.model_day (
	owner bigint not null,
	model text collate "C" not null,
	day date not null,
	events bigint not null,
	tokens bigint not null,
	amount numeric not null,
	new_users bigint not null default 0,
	primary key (owner, model, day)
) with (fillfactor = 80);
comment on table rewards.model_day is
	'folded creator earnings by owner, model and programme day; new_users: whose first earning use of the model it was, as model_user has it';

create table if not exists rewards.network_size (
	account bigint primary key,
	direct bigint not null,
	network bigint not null,
	depth smallint not null,
	value numeric not null
) with (fillfactor = 80);
comment on table rewards.network_size is
	'the table network summed up by account: direct is its level 1, network all levels, depth the deepest; value: folded points, creator earnings and cost of those on level 1';

create table if not exists rewards.edge_month (
	joined date not null,
	sent date not null,
	inviter_kind text not null,
	kind text not null,
	edges bigint not null,
	onboarded bigint not null default 0,
	active bigint not null default 0,
	retained bigint not null default 0,
	primary key (joined, sent, inviter_kind, kind)
) with (fillfactor = 50);
comment on table rewards.edge_month is
	'folded edges by programme month of joining and of the invitation, where one was recorded, else again of joining, and by the kinds of both ends; at how many of them referee_stage has the referee at a stage';

create table if not exists rewards.referee_stage (
	account bigint primary key,
	onboarded boolean not null,
	active boolean not null,
	retained boolean not null,
	reversed boolean not null
) with (fillfactor = 80);
comment on table rewards.referee_stage is
	'the referees of folded edges, with what edge_month counts each of them as; reversed: some of its requests were taken back, so that a known day may be a new one; what has changed since the last posting is told from the tail and the table onboarding';

/* as for other tables that posting rewrites all the time */
alter table rewards.network_size set (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_threshold = 500);

/* no key: nobody may wait for a posting that takes out a row */
create table if not exists rewards.onboarding (
	account bigint not null
);
comment on table rewards.onboarding is 'accounts of which complete_onboarding() was told, until posting has counted them';

/* of few: posting looks each account up that made a request */
create index if not exists referee_stage_reversed on rewards.referee_stage (account) where reversed;

create index if not exists referral_pending on rewards.referral (created_at) where referee is null;
create index if not exists uptime_day on rewards.uptime (day, account);
create index if not exists account_joined on rewards.account (joined_at) where kind = 'user';
create index if not exists account_referred on rewards.account (referred_at) where referrer is not null;
create index if not exists account_provider on rewards.account (id) where kind = 'provider';

/* what a version without these tables has folded; later nothing is missing */
do $$
begin
	if exists (select from rewards.cursor c where c.last > 0) and not exists (select from rewards.traffic_day) then
		perform rewards.fill_analysts();
	end if;
end
$$;
