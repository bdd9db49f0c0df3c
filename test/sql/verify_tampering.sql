-- verify(): silent after all kinds of work; what a superuser changes behind the
-- triggers' backs is found and named, one by one.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
set timezone to 'UTC';
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.register_model('m', owner => 'creator');
select rewards.register_account('up', joined_at => '2025-01-01'), rewards.register_account('p', 'provider', joined_at => '2025-01-01');
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, created_at)
select i, 'u', 'p', '/chat/completions', case when i % 2 = 0 then 'm' end, 10, timestamptz '2025-01-15 12:00Z' + i * interval '1 day' from generate_series(1, 3) i;
select referrer from rewards.referral_signup('up', 'u', 'user', '2025-01-18 00:00Z');
select rewards.set_tier('tide_pool', 2, valid_from => '2025-01-20 00:00Z') is not null as set;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, created_at)
select i, 'u', 'p', '/chat/completions', case when i % 2 = 0 then 'm' end, 10, timestamptz '2025-01-15 12:00Z' + i * interval '1 day' from generate_series(4, 6) i;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, status_code, created_at) values ('failed', 'u', 'p', '/chat/completions', 500, '2025-02-15 12:00Z');
select count(*) as differences from rewards.verify();
select complete from rewards.post();
select count(*) as differences from rewards.verify();

-- each tampering in a transaction of its own, rolled back
create function pg_temp.tamper(change text) returns table (part text, subject text, detail text) language plpgsql as $$
begin
	execute change;
	return query select v.part, regexp_replace(v.subject, '^usage_logs \d+', 'usage_logs N'), v.detail from rewards.verify() v order by 1, 2, 3;
end $$;
alter table rewards.usage_logs disable trigger all;
do $$
declare
	leaf regclass;
begin
	for leaf in select inhrelid::regclass from pg_inherits where inhparent = 'rewards.usage_logs'::regclass loop
		execute format('alter table %s disable trigger all', leaf);
	end loop;
end $$;
alter table rewards.journal disable trigger all;
alter table rewards.rule disable trigger all;
alter table rewards.account disable trigger all;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set provider_points = 5 where request_id = '1'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set distribution = '[]' where request_id = '1'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set distribution = replace(distribution::text, '0.1', '0.2')::rewards.distribution where request_id = '2'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set input_tokens = 1000 where request_id = '2'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set status_code = 200 where request_id = 'failed'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set service = 'tts' where request_id = '3'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set tier = 'open_ocean' where request_id = '3'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set cost = 1 where request_id = '3'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set creator_earnings = 1 where request_id = '4'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.usage_logs set created_at = '2025-03-15 12:00Z' where request_id = '1'$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.usage_logs where request_id = '1'$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.journal$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.journal set distribution = replace(distribution::text, '"amount": 100', '"amount": 1000')::rewards.distribution$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.day_total set amount = amount + 1 where day = '2025-01-16' and entry = 1$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.day_total where day = '2025-01-16' and entry = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.month_total set events = events + 1 where month = '2025-01-01' and entry = 3$$); rollback;
begin; select * from pg_temp.tamper($$insert into rewards.month_total select account, '2020-01-01', unit, entry, level, amount, events, tokens from rewards.month_total where month = '2025-01-01' and entry = 2$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.model_total set tokens = tokens - 1$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.rule set value = '{"share": 0.5}' where rule = 'user_share'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.account set referrer = (select id from rewards.account where name = 'creator') where referrer is not null$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.account set referrer = null, referred_at = null, seen_from = null, recorded_at = null, recorded_xid = null$$); rollback;
-- what accounts have done; a provider that was only up has done something, too
select rewards.record_uptime('up_only', d::date, 64800) from unnest('{2025-01-15,2025-01-16}'::date[]) d;
select complete from rewards.post();
/* rows that are sure to know the edge */
alter table rewards.usage_logs enable trigger all;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) values ('u', 'p', '/chat/completions', '2025-01-22 00:00Z'), ('u', 'p', '/chat/completions', '2025-01-17 00:00Z');
alter table rewards.usage_logs disable trigger all;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
begin; select * from pg_temp.tamper($$update rewards.activity set first_at = first_at - interval '1 microsecond' where 'chat' = any (services)$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.activity a set referred = a.referred + 1 from rewards.account n where n.id = a.account and n.name = 'u'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.activity a set referred = 0 from rewards.account n where n.id = a.account and n.name = 'u'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.activity set services = services || 'tts'::text where 'chat' = any (services)$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.activity a set services = '{}' from rewards.account n where n.id = a.account and n.name = 'u'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.activity a set streak = streak + 1 from rewards.account n where n.id = a.account and n.name = 'u'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.activity a set best_streak = best_streak - 1 from rewards.account n where n.id = a.account and n.name = 'p'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.activity a set streak_since = streak_since - 1 from rewards.account n where n.id = a.account and n.name = 'p'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.activity a set last_day = last_day + 1 from rewards.account n where n.id = a.account and n.name = 'up_only'$$); rollback;
begin; select * from pg_temp.tamper($$update rewards.uptime set counted = false where day = '2025-01-15'$$); rollback;
begin; select * from pg_temp.tamper($$delete from rewards.activity a using rewards.account n where n.id = a.account and n.name = 'up_only'$$); rollback;
-- runs of days are not looked at once streak_grace_days has been changed
begin;
select rewards.set_setting('streak_grace_days', '1') is not null as set;
select * from pg_temp.tamper($$update rewards.activity a set streak = streak + 1 from rewards.account n where n.id = a.account and n.name = 'u'$$);
select * from pg_temp.tamper($$update rewards.activity a set referred = 0 from rewards.account n where n.id = a.account and n.name = 'u'$$);
rollback;
-- what is expected, what is found
begin; update rewards.activity a set streak = 9 from rewards.account n where n.id = a.account and n.name = 'u'; select part, subject, expected, found from rewards.verify(); rollback;
begin;
update rewards.day_total set amount = amount + 0.000000001 where day = '2025-01-16' and entry = 1;
select part, subject, expected, found, detail from rewards.verify();
rollback;
-- within a range of time only what lies in it
begin;
update rewards.usage_logs set provider_points = 5 where request_id in ('1', '6');
select count(*) as all, (select count(*) from rewards.verify('2025-01-16', '2025-01-17')) as one_day, (select count(*) from rewards.verify('2025-01-17')) as later,
	(select count(*) from rewards.verify(null, '2025-01-16')) as before from rewards.verify();
rollback;
select count(*) as differences from rewards.verify();
