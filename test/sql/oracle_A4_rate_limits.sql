-- Calls above a limit are refused, by account and window of time: signups by referrer, but
-- not those brought over, tokens, payouts, and calls by e-mail.  Without a rule nothing is
-- counted; what is refused or repeated does not count (A4).
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
create view windows as select who, subject, until - since as per, since = date_bin(until - since, clock_timestamp(), '2000-01-01 00:00Z') as now, calls from rewards.rate_window;

-- no rule, no trace
select pg_temp.outcome('referral_signup(rewards.referral_code(''ada''), ''r' || n || ''')') from generate_series(1, 3) n;
select * from windows;

-- signups
select rewards.set_rate_limit('referral_signup', 2, '366 days') is not null as set;
select subject, kind, max, per, action, updated_by = current_user as by_me from rewards.rate_limits;
select pg_temp.outcome('referral_signup(rewards.referral_code(''ada''), ''s' || n || ''')') from generate_series(1, 4) n;
select account, referrer from rewards.accounts where account like 's%' order by 1;
-- of another, and of a provider by the same name
select pg_temp.outcome('referral_signup(rewards.referral_code(''bob''), ''s3'')'), pg_temp.outcome('referral_signup(rewards.referral_code(''ada'', ''provider''), ''g' || n || ''', ''provider'')') from generate_series(1, 3) n;
-- brought over from elsewhere
select pg_temp.outcome('referral_signup(rewards.referral_code(''ada''), ''old' || n || ''', ''user'', ''2025-01-01'')') from generate_series(1, 3) n;
-- refused for another reason
select pg_temp.outcome('referral_signup(rewards.referral_code(''bob''), ''s3'')'), pg_temp.outcome('referral_signup(rewards.referral_code(''bob''), ''bob'')');
select * from windows order by 1;
-- a new window
update rewards.rate_window set since = since - interval '366 days', until = until - interval '366 days';
select pg_temp.outcome('referral_signup(rewards.referral_code(''ada''), ''t' || n || ''')') from generate_series(1, 3) n;
select count(*) from windows where not now;
-- one kind has a limit of its own, in place of that of both; then none but that of both
select rewards.set_rate_limit('referral_signup', 3, '366 days', kind => 'provider') is not null as set, rewards.set_rate_limit('referral_signup', 1, '366 days', 'refuse', valid_from => now() + interval '1 hour') is not null as planned;
select pg_temp.outcome('referral_signup(rewards.referral_code(''ada'', ''provider''), ''h' || n || ''', ''provider'')') from generate_series(1, 4) n;
select rewards.set_rate_limit('referral_signup', null, null, kind => 'provider') is not null as ended;
select pg_temp.outcome('referral_signup(rewards.referral_code(''ada'', ''provider''), ''i'', ''provider'')'), pg_temp.outcome('referral_signup(rewards.referral_code(''eve'', ''provider''), ''i'', ''provider'')');
select rewards.set_rate_limit('referral_signup', null, null) is not null as ended;
select pg_temp.outcome('referral_signup(rewards.referral_code(''ada''), ''u' || n || ''')') from generate_series(1, 3) n;
select subject, kind, max from rewards.rate_limits;

-- tokens: a repeat is answered, too few tokens are no call
select rewards.add_credits('bob', 5, currency => 'tokens') as tokens;
select rewards.set_rate_limit('deduct_token', 2, '1 day', kind => 'user') is not null as set;
select pg_temp.outcome('deduct_token(''bob'', 1, request_id => ''' || r || ''')') from unnest('{a,a,b,c,b}'::text[]) r;
select * from rewards.deduct_token('nobody');
select * from rewards.deduct_token('bob', 9);
select rewards.credits('bob', 'tokens'), (select count(*) from rewards.usage_logs) as chats;
select who, calls from windows where subject = 'deduct_token';

-- payouts
select rewards.adjust('bob', 'user', 10, 'x') is not null as given, rewards.set_rate_limit('request_payout', 1, '7 days') is not null as set;
select pg_temp.outcome('request_payout(''bob'', ''user'', ' || a || ', ''points'', reference => ''' || r || ''')') from (values (1000, 'a'), (1, 'b'), (1, 'b'), (1, 'c')) v(a, r);
select count(*) from rewards.payouts;

-- calls by e-mail: of one who is known by it, or of nobody
select rewards.register_account('cleo', 'user', 'Cleo@example.com') as new, rewards.set_rate_limit('redeem_code', 2, '1 day') is not null as set;
select who, pg_temp.outcome('count_call(''redeem_code'', ''' || who || ''')') from unnest('{user:cleo,user:cleo,user:cleo,new@example.com,new@example.com,new@example.com}'::text[]) who;
select pg_temp.outcome('count_call(''share_referral'', ''user:cleo'')');
select who, calls from windows where subject = 'redeem_code' order by 1;

-- what the windows held goes in time
update rewards.rate_window set since = since - interval '400 days', until = until - interval '400 days' where subject <> 'redeem_code';
update rewards.rate_window set since = since - interval '32 days', until = until - interval '32 days' where who like 'new%';
select * from rewards.maintain() where task = 'rate windows removed';
select * from windows;
select call, after ->> 'max' as max from rewards.admin_log where call = 'set_rate_limit' order by id;
select count(*) as differences from rewards.verify();
