/* The C core as SQL sees it.  Everything here is for our own tables, views and calls. */

create function rewards.library_version() returns text
	as 'MODULE_PATHNAME' language c immutable strict parallel safe;
comment on function rewards.library_version() is 'the version the loaded library was built as';

create function rewards.caller() returns regrole
	as 'MODULE_PATHNAME' language c stable strict parallel restricted;
comment on function rewards.caller() is 'the role that acts, also seen from inside SECURITY DEFINER functions; 42501 where that cannot be told';

create function rewards.me(out kind text, out account text)
	as 'MODULE_PATHNAME' language c stable parallel safe;
comment on function rewards.me() is
	'the account that a role with access member stands for: the one that grant_access() bound it to, else that of the parameter rewards.account, else that of request.jwt.claims; NULL for whoever stands for none (X1)';

create function rewards.reads_all() returns boolean
	as 'MODULE_PATHNAME' language c stable parallel safe;
revoke all on function rewards.reads_all() from public;
comment on function rewards.reads_all() is 'whether the current role reads of all accounts; views ask it once, before they read of others than one''s own';

create function rewards.limited_to(out number bigint, out kind text, out account text) returns setof record
	as 'MODULE_PATHNAME' language c stable parallel safe rows 1;
revoke all on function rewards.limited_to() from public;
comment on function rewards.limited_to() is 'the one account that the current role reads; no row for a role that reads of none, or of all';

create function rewards.is_limited() returns boolean
	as 'MODULE_PATHNAME' language c stable parallel safe;
revoke all on function rewards.is_limited() from public;
comment on function rewards.is_limited() is 'whether whoever calls reads at most of the account that is me()';

create function rewards.check_reader(account text, kind text) returns void
	as 'MODULE_PATHNAME' language c stable parallel safe;
revoke all on function rewards.check_reader(text, text) from public;
comment on function rewards.check_reader(text, text) is '42501 when whoever calls must not read of an account';

create function rewards.setting_defaults(out name text, out default_value text, out description text)
	returns setof record
	as 'MODULE_PATHNAME' language c immutable strict parallel safe rows 10;
comment on function rewards.setting_defaults() is 'all settings with their defaults';

create function rewards.next_number(sequence regclass) returns bigint
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.next_number(regclass) from public;
comment on function rewards.next_number(regclass) is
	'default of usage_logs.id and journal.id: takes a transaction id, then draws the next number';

create function rewards.last_number() returns bigint
	as 'MODULE_PATHNAME' language c volatile parallel unsafe;
revoke all on function rewards.last_number() from public;
comment on function rewards.last_number() is 'the last number drawn by usage, the journal or an edge';

create function rewards.usage_before_insert() returns trigger
	as 'MODULE_PATHNAME' language c volatile parallel unsafe;
revoke all on function rewards.usage_before_insert() from public;
comment on function rewards.usage_before_insert() is 'trigger: computes the reward of a usage row and writes it into the row';

create function rewards.usage_after_insert() returns trigger
	as 'MODULE_PATHNAME' language c volatile parallel unsafe;
revoke all on function rewards.usage_after_insert() from public;
comment on function rewards.usage_after_insert() is 'trigger: charges the wallets of a statement''s rows under the credit policy enforce; RW007';

create function rewards.skip_earnings(skip boolean) returns void
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.skip_earnings(boolean) from public;
comment on function rewards.skip_earnings(boolean) is
	'whether rows of this (sub)transaction are stored as if they had no model; deduct_token() does so when computing earnings fails';

create function rewards.refuse_change() returns trigger
	as 'MODULE_PATHNAME' language c volatile parallel unsafe;
revoke all on function rewards.refuse_change() from public;
comment on function rewards.refuse_change() is 'trigger: refuses to change what is immutable, and writes aimed at a partition (55000)';

create function rewards.signal_change(relation regclass) returns void
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.signal_change(regclass) from public;
comment on function rewards.signal_change(regclass) is 'makes every session forget what it cached from a table, at commit';

create function rewards.has_referrer(number bigint) returns boolean
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.has_referrer(bigint) from public;
comment on function rewards.has_referrer(bigint) is 'whether an account has a referrer as committed now';

create function rewards.lock_forest(referee bigint, referrer bigint) returns boolean
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.lock_forest(bigint, bigint) from public;
comment on function rewards.lock_forest(bigint, bigint) is
	'keeps the referral forest without cycles until the transaction ends; false when this edge would close one';

create function rewards.find_account(kind text, account text) returns bigint
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.find_account(text, text) from public;
comment on function rewards.find_account(text, text) is 'number of a registered account as committed now, else NULL';

create function rewards.find_request(request_id text) returns bigint
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.find_request(text) from public;
comment on function rewards.find_request(text) is 'number of the successful usage row with this key in the newest partitions, else NULL';

create function rewards.database_identity() returns text
	as 'MODULE_PATHNAME' language c stable strict parallel safe;
revoke all on function rewards.database_identity() from public;
comment on function rewards.database_identity() is 'tells this database from its copies and restores';

create function rewards.next_transaction() returns xid8
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.next_transaction() from public;
comment on function rewards.next_transaction() is 'the transaction id that will be given next: whoever runs now has a lower one';

create function rewards.is_over(transaction xid8) returns boolean
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.is_over(xid8) from public;
comment on function rewards.is_over(xid8) is 'whether a transaction has let go of its locks, and so has told other sessions what it changed';

create function rewards.tail_totals(grain text, of_kind text default null, of_account text default null,
		out account_number bigint, out kind text, out account text, out period date,
		out unit smallint, out entry smallint, out level smallint,
		out amount numeric, out events bigint, out tokens bigint)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_totals(text, text, text) from public;
comment on function rewards.tail_totals(text, text, text) is
	'totals of what is recorded and not yet folded, by day or month; accounts by number where the row knows it, else by kind and name';

create function rewards.tail_models(out owner bigint, out model text, out events bigint, out tokens bigint,
		out amount numeric, out first_at timestamptz, out last_at timestamptz)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_models() from public;
comment on function rewards.tail_models() is 'creator earnings recorded and not yet folded, by owner and model';

create function rewards.tail_model_days(out owner bigint, out model text, out events bigint, out tokens bigint,
		out amount numeric, out day date)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_model_days() from public;
comment on function rewards.tail_model_days() is 'the same by programme day';

create function rewards.tail_traffic(out day date, out dow smallint, out hour smallint, out service text, out tier text,
		out requests bigint, out failed bigint, out input_tokens bigint, out output_tokens bigint,
		out provider_points numeric, out user_points numeric, out creator_earnings numeric, out cost numeric)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_traffic() from public;
comment on function rewards.tail_traffic() is
	'requests recorded and not yet folded, by programme day, day of the week (0 is Sunday), hour, service and tier (empty for none); nothing for a member';

create function rewards.tail_attendance(out day date, out users bigint, out week_change bigint, out month_change bigint, out new_users bigint)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_attendance() from public;
comment on function rewards.tail_attendance() is 'what is recorded and not yet folded adds to the table attendance; nothing for a member';

create function rewards.tail_cohorts(out cohort date, out week integer, out users bigint)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_cohorts() from public;
comment on function rewards.tail_cohorts() is 'what is recorded and not yet folded adds to the table cohort; nothing for a member';

create function rewards.tail_referees(out referee bigint, out referrer bigint)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe rows 10
	set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_referees() from public;
comment on function rewards.tail_referees() is 'edges recorded and not yet folded; nothing for a member';

create function rewards.tail_uses(out id bigint, out model text, out user_id text, out created_at timestamptz, out owner bigint)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe rows 100
	set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_uses() from public;
comment on function rewards.tail_uses() is 'usage of models recorded and not yet folded that earned the owner something; nothing for a member';

create function rewards.tail_accounts(out account_number bigint, out kind text, out account text,
		out named_at timestamptz, out first_at timestamptz, out last_at timestamptz)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_accounts() from public;
comment on function rewards.tail_accounts() is 'accounts named in usage not yet folded, and when they were active there';

create function rewards.tail_account(of_kind text, of_account text,
		out named_at timestamptz, out first_at timestamptz, out last_at timestamptz)
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_account(text, text) from public;
comment on function rewards.tail_account(text, text) is 'when usage not yet folded names an account, and when it was active there';

create function rewards.tail_events() returns bigint
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_events() from public;
comment on function rewards.tail_events() is
	'how many rows are recorded and not yet folded; of more than 2000 how many numbers were drawn for them, also those rolled back';

create function rewards.tail_unpriced() returns bigint
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_unpriced() from public;
comment on function rewards.tail_unpriced() is 'how many requests of mainnet among the first 2000 rows not yet folded had no price';

create function rewards.tail_state(out events bigint, out unpriced bigint) returns record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.tail_state() from public;
comment on function rewards.tail_state() is 'tail_events() and tail_unpriced() in one';

create function rewards.cache_state(out bytes bigint, out hits bigint, out misses bigint, out drops bigint) returns record
	as 'MODULE_PATHNAME' language c volatile parallel unsafe
	set search_path = pg_catalog, pg_temp;
revoke all on function rewards.cache_state() from public;
comment on function rewards.cache_state() is
	'what the caches of this session hold, and since it began how many look-ups found what they sought, how many did not, and how often a cache gave up its older half for want of room';

create function rewards.oldest_writer(out who text, out since timestamptz) returns record
	language sql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
	select w.who, w.since from (
		select 'process ' || s.pid as who, s.xact_start as since from pg_stat_activity s where s.backend_xid is not null and s.pid <> pg_backend_pid()
		union all
		select 'prepared transaction ' || p.gid, p.prepared from pg_prepared_xacts p
	) w order by w.since limit 1
$$;
revoke all on function rewards.oldest_writer() from public;
comment on function rewards.oldest_writer() is
	'the oldest transaction that has written and has not ended, in whatever database; as the owner sees it, so that who watches needs no right to see the sessions of others';

create function rewards.wallet_state(account bigint, unit smallint, out balance numeric, out due numeric) returns record
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.wallet_state(bigint, smallint) from public;
comment on function rewards.wallet_state(bigint, smallint) is
	'the sum of a wallet''s movements, folded and not, and what of it has expired without being booked so';

create function rewards.latest_wallet_state(account bigint, unit smallint, out balance numeric, out due numeric) returns record
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.latest_wallet_state(bigint, smallint) from public;
comment on function rewards.latest_wallet_state(bigint, smallint) is 'the same as committed at this moment, whatever snapshot the caller has';

create function rewards.expired_part(account bigint, unit smallint) returns numeric
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe
	set search_path = pg_catalog, pg_temp;
revoke all on function rewards.expired_part(bigint, smallint) from public;
comment on function rewards.expired_part(bigint, smallint) is
	'what has expired in a wallet without being booked so, for views; 42501 when it is not the reader''s';

create function rewards.wallet_lots(account bigint, unit smallint,
		out id bigint, out remaining numeric, out expires_at timestamptz) returns setof record
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe;
revoke all on function rewards.wallet_lots(bigint, smallint) from public;
comment on function rewards.wallet_lots(bigint, smallint) is 'what is left of credits that expire, folded and not';

create function rewards.latest_wallet_lots(account bigint, unit smallint,
		out id bigint, out remaining numeric, out expires_at timestamptz) returns setof record
	as 'MODULE_PATHNAME' language c volatile strict parallel unsafe;
revoke all on function rewards.latest_wallet_lots(bigint, smallint) from public;
comment on function rewards.latest_wallet_lots(bigint, smallint) is 'the same as committed at this moment, whatever snapshot the caller has';

create function rewards.quote_usage(endpoint text, model text, input_tokens integer, output_tokens integer,
		user_id text, provider_id text, at timestamptz, out service text, out tier text, out provider_points numeric,
		out user_points numeric, out creator_earnings numeric, out cost numeric) returns record
	as 'MODULE_PATHNAME' language c stable parallel unsafe;
revoke all on function rewards.quote_usage(text, text, integer, integer, text, text, timestamptz) from public;
comment on function rewards.quote_usage(text, text, integer, integer, text, text, timestamptz) is 'what a row like this would get; behind quote()';

create function rewards.post(max_events bigint default null, out events bigint, out entries bigint, out complete boolean)
	returns record
	as 'MODULE_PATHNAME' language c volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.post(bigint) from public;
comment on function rewards.post(bigint) is
	'folds what has been recorded into the totals; never waits. complete is false when another poster was at work, max_events cut it short or old transactions hold it back. 25001 under REPEATABLE READ or SERIALIZABLE';

create function rewards.worker_place(out place text, out pid integer) returns record
	as 'MODULE_PATHNAME' language c volatile parallel unsafe;
revoke all on function rewards.worker_place() from public;
comment on function rewards.worker_place() is 'posting or idle, and the process; else starting, no slot or none, having started a worker if one is needed';

create function rewards.launch_worker() returns text
	as 'MODULE_PATHNAME' language c volatile parallel unsafe;
revoke all on function rewards.launch_worker() from public;
comment on function rewards.launch_worker() is 'starts a worker unless there is one, and says what it did';

create function rewards.end_worker() returns boolean
	as 'MODULE_PATHNAME' language c volatile parallel unsafe;
revoke all on function rewards.end_worker() from public;
comment on function rewards.end_worker() is 'ends the worker and waits for it; false when there is none';

create function rewards.verify_rows(since timestamptz, until timestamptz,
		out part text, out subject text, out expected text, out found text, out detail text)
	returns setof record
	as 'MODULE_PATHNAME' language c stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.verify_rows(timestamptz, timestamptz) from public;
comment on function rewards.verify_rows(timestamptz, timestamptz) is 'usage rows that are not what the rules they knew make of them';

create function rewards.explain_shares(usage_id bigint, out entry text, out level integer, out account_number bigint,
		out amount numeric, out rule text, out base numeric, out rate numeric, out multiplier numeric, out note text, out origins text[])
	returns setof record
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.explain_shares(bigint) from public;
comment on function rewards.explain_shares(bigint) is
	'reasons of the shares of a usage row, and the rows of rule, account_fact and model_fact they rest on; behind explain_reward() and audit_reward()';

create function rewards.explain_model(model text, out tier text, out rule text) returns record
	as 'MODULE_PATHNAME' language c stable strict parallel unsafe
	security definer set search_path = pg_catalog, pg_temp;
revoke all on function rewards.explain_model(text) from public;
comment on function rewards.explain_model(text) is 'a model''s tier now and what placed it there; behind explain_tier()';
