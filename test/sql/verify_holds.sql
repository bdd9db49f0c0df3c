-- verify() finds holds that cannot have been, and when an account cannot have been onboarded.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
set timezone to 'UTC'; set datestyle to iso;
select rewards.install() is not null as installed;
select rewards.init_pricing('mainnet', valid_from => '-infinity') is not null as priced;
select rewards.set_setting('credit_policy', 'enforce') is not null as enforced;
select rewards.add_credits('u', 1000) as credits;
select rewards.authorize_usage('u', 10, 'captured', '1 second') is not null as held from generate_series(1, 1);
insert into rewards.usage_logs (request_id, user_id, endpoint) values ('captured', 'u', '/tts'), ('other', 'u', '/tts');
select rewards.authorize_usage('u', 10, 'expired', '1 second') is not null as held;
select rewards.authorize_usage('u', 10, 'released') is not null as held;
select rewards.release_hold('released') as released;
select rewards.authorize_usage('u', 10, 'open') is not null as held;
do $$ begin while exists (select from rewards.hold where expires_at <= created_at + interval '1 second' and closed_at is null) loop perform pg_sleep(0.1); perform rewards.post(); commit; end loop; end $$;
select request_id, outcome, usage_id is not null as by_row, closed_at is not null as closed from rewards.hold order by request_id;
select * from rewards.verify();
create function pg_temp.tamper(change text) returns table (part text, subject text, found text, detail text) language plpgsql as $$
begin
	set local session_replication_role = replica;
	execute change;
	return query select v.part, v.subject, v.found, regexp_replace(v.detail, 'hold \d+', 'hold N') from rewards.verify() v where v.part in ('hold', 'activity') order by 1, 2;
end $$;
begin; select * from pg_temp.tamper($$update rewards.hold set outcome = 'released' where request_id = 'captured'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.hold set usage_id = null where request_id = 'captured'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.hold h set usage_id = (select u.id from rewards.usage_logs u where u.request_id = 'other') where request_id = 'captured'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.hold h set usage_id = 3000 where request_id = 'captured'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.hold h set seen_from = h.usage_id where request_id = 'captured'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.hold set seen_from = 1000000 where request_id = 'open'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.hold set closed_at = created_at where request_id = 'expired'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.hold set closed_at = created_at, outcome = 'expired' where request_id = 'open'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.hold set expires_at = created_at + interval '2 years' where request_id = 'open'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.hold set expires_at = created_at where request_id = 'open'$$); rollback;
begin; select count(*), min(detail) as detail from pg_temp.tamper($$update rewards.activity set onboarded_at = onboarded_at - interval '1 day'$$); rollback;
begin; select count(*), min(found) as found from pg_temp.tamper($$update rewards.activity set onboarded_at = 'infinity'$$); rollback;
select * from rewards.verify();
