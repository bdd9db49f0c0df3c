-- set_bonus(): to the account itself or any level above it, at several thresholds, for
-- both kinds, held for a time; from a date, ended, planned; what cannot be is refused.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
begin
	execute 'select rewards.' || call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' ', sqlstate, sqlerrm, case when hint = '' then '(no hint)' end);
end $$;
select rewards.set_bonus(event, kind, null, recipient_level, threshold, valid_from => '-infinity') is not null as ended from rewards.bonuses;
prepare booked as select kind, account, entry, level, amount, created_at from rewards.ledger where source = 'journal' order by source_id, level;
prepare use(text, integer, timestamptz) as insert into rewards.usage_logs (user_id, endpoint, created_at) select $1, '/tts', $3 from generate_series(1, $2);

-- a signup's bonus on levels 0 to 4, in a chain of three: top, mid, low
select rewards.set_bonus('signup', 'user', 1 + level, level, valid_from => '2025-01-01') is not null as set from generate_series(0, 4) level;
select bonus from rewards.referral_signup(rewards.referral_code('top'), 'mid', 'user', '2025-01-02');
select bonus from rewards.referral_signup(rewards.referral_code('mid'), 'low', 'user', '2025-01-03');
select bonus from rewards.referral_signup(rewards.referral_code('low'), 'new', 'user', '2025-01-04');
-- before there was a rule; for providers there is none
select bonus from rewards.referral_signup(rewards.referral_code('top'), 'early', 'user', '2024-12-31 23:59:59.999999');
select bonus from rewards.referral_signup(rewards.referral_code('top', 'provider'), 'gpu', 'provider', '2025-01-05');
execute booked;
select kind, account, sum(amount) from rewards.ledger where entry = 'signup_bonus' group by 1, 2 order by 1, 2;
select rewards.set_bonus('signup', 'user', null, level, valid_from => '2025-02-01') is not null as ended from generate_series(0, 4) level;
select bonus from rewards.referral_signup(rewards.referral_code('top'), 'late', 'user', '2025-02-01');
select bonus from rewards.referral_signup(rewards.referral_code('top'), 'backdated', 'user', '2025-01-31 23:59:59.999999');

-- milestones at 3 and 5 requests, to the account, its referrer, that one's; amounts by thresholds
select rewards.set_bonus('milestone', 'user', 30, 1, 3, valid_from => '2025-03-01') is not null as set, rewards.set_bonus('milestone', 'user', 50, 1, 5, valid_from => '2025-03-01') is not null as set,
	rewards.set_bonus('milestone', 'user', 3, 0, 3, valid_from => '2025-03-01') is not null as set, rewards.set_bonus('milestone', 'user', 0.3, 2, 3, valid_from => '2025-03-01') is not null as set,
	rewards.set_bonus('milestone', 'user', 9, 3, 3, valid_from => '2025-03-01') is not null as set;
execute use('low', 2, '2025-03-05');
execute use('top', 10, '2025-03-05');
select complete from rewards.post();
execute use('low', 4, '2025-03-06');
select complete from rewards.post();
select kind, account, entry, level, amount, created_at from rewards.ledger where entry = 'milestone_bonus' order by source_id;
-- a threshold that has been passed when its rule is made is not reached again
select rewards.set_bonus('milestone', 'user', 40, 1, 4, valid_from => '2025-03-01') is not null as set;
execute use('low', 4, '2025-03-07');
-- the amount is that of the rule in force at the event; ended and planned rules give nothing
select rewards.set_bonus('milestone', 'user', 31, 1, 3, valid_from => '2025-04-01') is not null as set, rewards.set_bonus('milestone', 'user', null, 0, 3, valid_from => '2025-04-01') is not null as ended,
	rewards.set_bonus('milestone', 'user', 500, 2, 5, valid_from => '2999-01-01') is not null as planned, rewards.set_bonus('milestone', 'user', 0, 1, 4, valid_from => '2025-04-01') is not null as set;
execute use('new', 5, '2025-04-01');
select complete from rewards.post();
select kind, account, entry, level, amount, created_at from rewards.ledger where entry = 'milestone_bonus' and created_at >= '2025-03-07' order by source_id;
-- a rule made after the rows were recorded is not for them
execute use('mid', 3, '2025-05-01');
select rewards.set_bonus('milestone', 'user', 77, 1, 3, valid_from => '2025-05-01') is not null as set;
select complete from rewards.post();
select account, amount from rewards.ledger where entry = 'milestone_bonus' and created_at >= '2025-05-01';
-- providers, by requests served
select rewards.set_bonus('milestone', 'provider', 11, 1, 2) is not null as set;
insert into rewards.usage_logs (user_id, provider_id, endpoint, status_code) values ('x', 'gpu', '/tts', 200), ('x', 'gpu', '/tts', 500), ('x', 'gpu', '/tts', 200);
select complete from rewards.post();
select account, level, amount from rewards.ledger where entry = 'milestone_bonus' and kind = 'provider';

-- held: earned and shown at once, at one's disposal after the time
select rewards.set_bonus('signup', 'user', 25, 0, hold => '30 days') is not null as set, rewards.set_bonus('trial', 'user', 7, 0, hold => '1 hour', valid_from => '-infinity') is not null as set,
	rewards.set_bonus('signup', 'user', 5, 1) is not null as set;
select bonus from rewards.referral_signup(rewards.referral_code('holder'), 'held');
insert into rewards.usage_logs (user_id, endpoint) values ('held', '/tts');
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('held', '/scrape', now() - interval '59 minutes'), ('held', '/embeddings', now() - interval '61 minutes');
select complete from rewards.post();
select earned, held, available from rewards.balance('held');
select earned, held, available from rewards.balance('holder');
select entry, amount, held_until - created_at as hold from rewards.journal j cross join lateral rewards.shares(j.distribution) s where held_until is not null order by j.id;
select entry, sum(amount) as amount from rewards.statement('held') where entry <> 'usage' group by 1 order by 1;
/* no account is held back by another's */
select earned, held, available from rewards.balance('top') b;
-- whose time has passed
select bonus from rewards.referral_signup(rewards.referral_code('holder'), 'held2');
begin;
alter table rewards.journal disable trigger all;
update rewards.journal set held_until = now() where held_until is not null;
select earned, held, available from rewards.balance('held');
rollback;
select event, kind, amount, recipient_level, threshold, hold from rewards.bonuses where amount <> 77 order by 1, 2, 4, 5;

-- refused
create temp table before as select count(*) as rules, (select count(*) from rewards.admin_log) as log from rewards.rule;
select call, pg_temp.outcome('set_bonus(' || call || ')') from unnest(array['null, ''user'', 1', '''birthday'', ''user'', 1', '''signup'', null, 1', '''signup'', ''robot'', 1', '''signup'', ''user'', -1', '''signup'', ''user'', 0.0000000001',
	'''signup'', ''user'', 9223372036.9', '''signup'', ''user'', ''NaN''', '''signup'', ''user'', 1, -1', '''signup'', ''user'', 1, 33', '''signup'', ''user'', 1, null', '''signup'', ''user'', 1, threshold => 5',
	'''trial'', ''user'', 1, threshold => 5', '''milestone'', ''user'', 1', '''milestone'', ''user'', 1, threshold => 0', '''streak'', ''user'', 1', '''streak'', ''user'', 1, threshold => -1',
	'''signup'', ''user'', 1, hold => ''-1 day''', '''signup'', ''user'', 1, valid_from => null', '''signup'', ''user'', 1, updated_by => null']) call;
select call, pg_temp.outcome('set_streak_multiplier(' || call || ')') from unnest(array['null, 7, 2', '''robot'', 7, 2', '''user'', null, 2', '''user'', 0, 2', '''user'', 36501, 2', '''user'', 7, -1', '''user'', 7, 1001', '''user'', 7, 2, null']) call;
select call, pg_temp.outcome('set_setting(' || call || ')') from unnest(array['''streak_grace_days'', ''-1''', '''streak_grace_days'', ''366''', '''streak_grace_days'', ''1.5''', '''uptime_seconds_per_day'', ''0''', '''uptime_seconds_per_day'', ''86401''']) call;
select b.rules = (select count(*) from rewards.rule) and b.log = (select count(*) from rewards.admin_log) as unchanged from before b;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
deallocate all;
