-- Limits on usage: posting counts successful rows by user or provider and window, flags who
-- is above, and under reverse takes back each row above once; rows are counted once, by the
-- limit in force for them, whatever is posted at a time; repair() counts nothing.
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
create view windows as select who, subject, since, until - since as per, calls from rewards.rate_window;
create view flags as select kind, account, detector, evidence from rewards.abuse_flags order by id;
prepare use(text, text, text, timestamptz, integer) as insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select $1, $2, $3, $4 from generate_series(1, $5);

-- without a limit nothing is counted
execute use('ada', 'gpu', '/tts', '2025-03-01 10:00Z', 3);
select complete from rewards.post();
select * from windows;

-- flagged above 3 an hour; failures, and what is not yet valid, do not count
select rewards.set_rate_limit('usage', 3, '1 hour', valid_from => '2025-03-02') is not null as set;
execute use('ada', 'gpu', '/tts', '2025-03-01 10:00Z', 5);
execute use('ada', 'gpu', '/tts', '2025-03-02 10:59:59.999999Z', 3);
execute use('ada', 'gpu', '/embeddings', '2025-03-02 11:00Z', 2);
insert into rewards.usage_logs (user_id, endpoint, created_at, status_code) values ('ada', '/tts', '2025-03-02 11:00Z', 500), ('ada', '/tts', '2025-03-02 11:00Z', 429);
execute use('bob', null, '/nothing', '2025-03-02 10:00Z', 4);
select complete from rewards.post();
select * from windows order by who, since;
select * from flags;
-- one more each, posted one by one: the flag is the same, with what is known now
execute use('ada', 'gpu', '/tts', '2025-03-02 11:30Z', 2);
execute use('bob', null, '/tts', '2025-03-02 10:30Z', 1);
do $$ begin for n in 1..4 loop perform rewards.post(1); end loop; end $$;
select * from flags;
-- all is still there
select user_id, usage_points, requests from rewards.user_points order by 1;

-- taken back above 2 a day, of one service, by number; the provider's share and what it cost, too
select rewards.init_pricing('mainnet', valid_from => '2025-01-01') is not null as priced;
select rewards.set_rate_limit('tts', 2, '1 day', 'reverse', valid_from => '2025-04-01') is not null as set, rewards.set_rate_limit('usage', null, null, valid_from => '2025-04-01') is not null as ended;
select referrer from rewards.referral_signup(rewards.referral_code('rita'), 'cleo', 'user', '2025-03-01');
execute use('cleo', 'gpu', '/tts', '2025-04-01 00:00Z', 1);
execute use('cleo', 'gpu', '/embeddings', '2025-04-01 01:00Z', 3);
execute use('cleo', 'gpu', '/tts', '2025-04-01 02:00Z', 3);
execute use('cleo', 'gpu', '/tts', '2025-04-02 00:00Z', 2);
select complete from rewards.post();
select kind, account, entry, amount, unit, reason from rewards.ledger where reason = 'rate limit' order by source_id, kind, unit;
select r.id, r.created_at, j.reason from rewards.usage_logs r left join rewards.journal j on j.reverses_id = r.id and j.unit = 1 where r.user_id = 'cleo' order by 1;
select user_id, usage_points, referral_points, requests from rewards.user_points where user_id in ('cleo', 'rita') order by 1;
select rewards.credits('cleo'), (select requests from rewards.provider_rewards where month = '2025-04-01');
select * from flags where account = 'cleo';
select pg_temp.outcome('reverse_usage((select max(j.reverses_id) from rewards.journal j), ''again'')') like 'RW009 %' as refused;
-- one that somebody has taken back already
execute use('cleo', 'gpu', '/tts', '2025-04-01 03:00Z', 2);
select rewards.reverse_usage(max(id), 'by hand') is not null as reversed from rewards.usage_logs;
select complete from rewards.post();
select reason, count(*) from rewards.journal j where event = 'reversal' and unit = 1 group by 1 order by 1;
-- nothing is left to do, and posting again does nothing
select events, complete from rewards.post();
select count(*) from rewards.usage_excess;

-- a provider's limit, beside the users'; both take the same row back once
select rewards.set_rate_limit('usage', 1, '1 day', 'reverse', 'provider', valid_from => '2025-05-01') is not null as set, rewards.set_rate_limit('usage', 1, '1 day', 'reverse', 'user', valid_from => '2025-05-01') is not null as set;
execute use('dan', 'g2', '/scrape', '2025-05-01', 2);
execute use('eve', 'g2', '/scrape', '2025-05-01', 1);
execute use('dan', null, '/scrape', '2025-05-01', 1);
select complete from rewards.post();
select r.user_id, r.provider_id, count(*), count(j.id) as reversed from rewards.usage_logs r left join rewards.journal j on j.reverses_id = r.id and j.unit = 1 where r.created_at = '2025-05-01' group by 1, 2 order by 1, 2;
select kind, account, evidence ->> 'count' as count from flags where account in ('dan', 'eve', 'g2');
select subject, kind, max from rewards.rate_limits order by 1, 2;

-- the limit in force for the row counts, also when it comes late
select rewards.set_rate_limit('usage', 2, '1 day', 'flag', valid_from => '2025-05-02') is not null as set;
execute use('fay', null, '/scrape', '2025-05-02', 2);
execute use('fay', null, '/scrape', '2025-05-01', 2);
select complete from rewards.post();
select evidence from flags where account = 'fay';

-- windows reach back before the first one
select rewards.set_rate_limit('scrape', 3, '7 hours', valid_from => '1999-01-01') is not null as set;
execute use('gus', null, '/scrape', '1999-12-31 23:30Z', 4);
select complete from rewards.post();
select since, per, calls from windows where who = 'user:gus';

-- repair() counts nothing
create temp table counts as select who, calls from windows;
select rewards.repair('test') > 0 as repaired;
select count(*) as changed from (table counts except select who, calls from windows) c;
select count(*) as differences from rewards.verify();
select user_id, usage_points, requests from rewards.user_points order by 1, 2;
deallocate all;
