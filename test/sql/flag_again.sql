-- A flag is there once while it is open, with what is known now; a cleared one comes again
-- only with other evidence.  maintain() looks when a rule sets a detector to work; one that
-- is told to warn gives active accounts the status warned, once a flag, and no more.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
	detail text;
begin
	execute 'select rewards.' || call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint, detail = pg_exception_detail;
	return concat_ws(' ', sqlstate, sqlerrm, nullif(detail, ''), case when hint = '' then '(no hint)' end);
end $$;
create view flags as select id, account, detector, evidence, cleared_at is not null as cleared, note from rewards.abuse_flags order by id;
create function pg_temp.join_in(referees text[]) returns void language sql as $$
	select rewards.register_account(r, 'user', r || '@yopmail.com') from unnest(referees) r;
	select rewards.referral_signup(rewards.referral_code('ada'), r) from unnest(referees) r;
$$;
select pg_temp.join_in('{r1,r2,r3,r4,r5}');
-- no rule: maintain() looks for nothing; nor when one is switched off
select done from rewards.maintain() where task = 'accounts flagged';
select rewards.set_detector('burst', null, false) is not null as off;
select done from rewards.maintain() where task = 'accounts flagged';
table flags;
select rewards.set_detector('disposable_domain', '{"action": "warn"}') is not null as set, rewards.set_status('r2', 'user', 'paused', 'x') is not null as paused, rewards.set_status('r3', 'user', 'warned', 'x') is not null as warned;
select done from rewards.maintain() where task = 'accounts flagged';
select done from rewards.maintain() where task = 'accounts flagged';
table flags;
select account, status, source, reason from rewards.account_statuses order by 1, recorded_at;
select account, event, payload from rewards.notifications where event = 'status' and account not in ('r2', 'r3') order by id;
-- when the status is taken away it stays away
select rewards.set_status('r1', 'user', 'active', 'a mistake') is not null as set;
select done from rewards.maintain() where task = 'accounts flagged';
select account, status from rewards.accounts where account like 'r%' order by 1;
-- new evidence renews an open flag, and neither warns nor tells again
select rewards.register_account('r1', 'user', 'r1@mailinator.com');
select done from rewards.maintain() where task = 'accounts flagged';
select * from flags where account = 'r1';
-- cleared: the same evidence brings nothing, other evidence a new flag
select rewards.clear_flag(id, 'looked at') from rewards.abuse_flags where account in ('r1', 'r4');
select count(*) from rewards.detect_abuse();
select rewards.register_account('r1', 'user', 'other@mailinator.com');
select account, evidence from rewards.detect_abuse();
select * from flags where account in ('r1', 'r4');
select account, status from rewards.accounts where account like 'r%' order by 1;
-- an address that is mended: the flag stays until somebody clears it
select rewards.register_account('r5', 'user', 'r5@example.com');
select count(*) from rewards.detect_abuse();
select * from flags where account = 'r5';
-- joined more than 90 days ago: only detect_abuse() without a time looks that far
select rewards.register_account('old', 'user', 'old@yopmail.com'), (select referrer from rewards.referral_signup(rewards.referral_code('ada'), 'old', 'user', now() - interval '91 days'));
select done from rewards.maintain() where task = 'accounts flagged';
select account from rewards.detect_abuse();
-- evidence with times is the same whatever the session's time zone
select count(rewards.referral_signup(rewards.referral_code('bea'), 'b' || n, 'user', '2025-05-01')) from generate_series(1, 20) n;
select rewards.set_detector('burst', null) is not null as on, rewards.set_detector('silent_referees', null, false) is not null as off;
select account, evidence from rewards.detect_abuse();
select rewards.clear_flag(id, 'a talk') from rewards.abuse_flags where account = 'bea';
set timezone to 'Asia/Tokyo';
select account from rewards.detect_abuse();
