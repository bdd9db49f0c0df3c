-- Every refusal of join_waitlist(), waitlist_position() and release_invites(), with its
-- SQLSTATE and a hint; a refused call changes nothing.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
begin
	execute call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' ', sqlstate, sqlerrm, case when hint = '' then '(no hint)' end);
end $$;
select rewards.register_account('ann', 'user', 'Ann@example.com'), rewards.register_account('ben@example.com'), rewards.register_account('gpu', 'provider');
select rewards.referral_code('ann', 'user', 'by-ann'), rewards.referral_code('ben@example.com', 'user', 'by-ben'), rewards.referral_code('gpu', 'provider', 'by-gpu'), rewards.referral_code('ann', 'user', 'gone');
select rewards.revoke_code('gone', 'test');
select rewards.join_waitlist('waiting@example.com');
insert into rewards.invite_code (code, owner, source, expires_at, recipient, used_by, used_at, voided_at, reason) values
	('VOBEE-GOOD', 1, 'test', null, null, null, null, null, null), ('VOBEE-MINE', 1, 'test', null, 'new@example.com', null, null, null, null),
	('VOBEE-USED', 1, 'test', null, null, 3, now(), null, null), ('VOBEE-VOID', 1, 'test', null, null, null, null, now(), 'test'),
	('VOBEE-EXPIRED', 1, 'test', now() - interval '1 second', null, null, null, null, null), ('VOBEE-OTHERS', 1, 'test', null, 'other@example.com', null, null, null, null);
create temp table before as select (select count(*) from rewards.account) as accounts, (select count(*) from rewards.invite_code) as codes,
	(select md5(string_agg(e::text, ',')) from rewards.waitlist_entry e) as entries, (select count(*) from rewards.waitlist_move) as moves, (select count(*) from rewards.admin_log) as log;

-- 22004, 22023
select call, pg_temp.outcome('select rewards.' || call) from unnest(array['join_waitlist(null)', 'join_waitlist(null, ''by-ann'')', 'join_waitlist('''')', 'join_waitlist(e''a\nb@example.com'')', 'join_waitlist(repeat(''x'', 256))',
	'waitlist_position(null)', 'release_invites(null)', 'release_invites(1, null)', 'release_invites(0)', 'release_invites(-1)']) call;
-- RW006: what is no code, or no more, or somebody else's; for who comes and for who waits
select code, pg_temp.outcome(format('select rewards.join_waitlist(''new@example.com'', %L)', code)) as new, pg_temp.outcome(format('select rewards.join_waitlist(''waiting@example.com'', %L)', code)) = pg_temp.outcome(format('select rewards.join_waitlist(''new@example.com'', %L)', code)) as same
from unnest('{nothing,"",GONE,vobee-used,VOBEE-VOID,VOBEE-EXPIRED,VOBEE-OTHERS}'::text[]) code;
-- RW002: one's own code, as the account of this e-mail or of this id
select email, code, pg_temp.outcome(format('select rewards.join_waitlist(%L, %L)', email, code)) from (values ('ann@example.com', 'by-ann'), ('ANN@example.com', 'VOBEE-GOOD'), ('Ben@example.com', 'by-ben'), ('ann', 'by-ann')) c(email, code);
-- RW005: a provider refers no user
select pg_temp.outcome('select rewards.join_waitlist(''new@example.com'', ''by-gpu'')');
-- RW008
select status, rewards.set_status('ann', 'user', status, 'test') is not null as set, pg_temp.outcome('select rewards.join_waitlist(''new@example.com'', ''by-ann'')') as by_code, pg_temp.outcome('select rewards.join_waitlist(''waiting@example.com'', ''VOBEE-GOOD'')') as by_invitation
from unnest('{suspended,banned}'::text[]) status;
-- 42501
create role rewards_test_waitlist_app;
create role rewards_test_waitlist_analyst;
select rewards.grant_access('rewards_test_waitlist_app', 'app'), rewards.grant_access('rewards_test_waitlist_analyst', 'analyst');
select a.access, call, (select pg_temp.outcome(format('set local role rewards_test_waitlist_%s; select %s', a.access, call))) from unnest('{app,analyst}'::text[]) a(access), unnest(array[
	'rewards.release_invites(1)', 'rewards.fold_waitlist()', 'rewards.leave_waitlist(''waiting@example.com'')', 'rewards.waitlist_position(''waiting@example.com'')', 'email from rewards.waitlist',
	'id, status, referrer, code, joined_at, released_at, invite_code from rewards.waitlist', '* from rewards.waitlist_entry', '* from rewards.waitlist_block']) call;
reset role;
select b.accounts = (select count(*) from rewards.account) as accounts, b.codes = (select count(*) from rewards.invite_code) as codes, b.entries = (select md5(string_agg(e::text, ',')) from rewards.waitlist_entry e) as entries,
	b.moves = (select count(*) from rewards.waitlist_move) as moves, (select string_agg(call, ' ' order by id) from rewards.admin_log offset 0) like '% set_status set_status grant_access grant_access' as log from before b;

-- what is accepted: warned and paused owners, a code bound to oneself, whatever code when none is needed
select rewards.set_status('ann', 'user', 'paused', 'test') is not null as set;
select pg_temp.outcome('select rewards.join_waitlist(''new@example.com'', ''VOBEE-MINE'')'), pg_temp.outcome('select rewards.join_waitlist(''new@example.com'', ''nothing'')');
set role rewards_test_waitlist_app;
select rewards.join_waitlist('waiting@example.com', 'by-ann'), rewards.waitlist_position('new@example.com');
reset role;
select rewards.revoke_access('rewards_test_waitlist_app'), rewards.revoke_access('rewards_test_waitlist_analyst');
drop role rewards_test_waitlist_app, rewards_test_waitlist_analyst;
