-- referral_stats(): each of its parts, before and after posting.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select rewards.set_service('one', '/one', 10, valid_from => '2020-01-01 00:00Z') is not null as one;
select rewards.register_account('ana', joined_at => '2024-01-01 00:00Z');

-- who has nothing has zeros and empty lists; so has who is unknown
select rewards.referral_stats('ana') - 'history' as stats;
select rewards.referral_stats('ana') - 'history' = rewards.referral_stats('nobody') - 'history' as same;
select jsonb_array_length(h) as days, h -> 29 ->> 'day' = (now() at time zone 'UTC')::date::text as today_last, (h -> 0) - 'day' as first from (select rewards.referral_stats('nobody') -> 'history' as h) h;
select count(*) from rewards.account where name = 'nobody';

-- codes: made ones, the own choice first; ids only where they are the codes
select rewards.referral_code('ana') like 'USER-%' as made;
select (rewards.referral_stats('ana') ->> 'code') = rewards.referral_code('ana') as made;
select rewards.referral_code('ana', custom => 'ANA-1');
select rewards.referral_stats('ana') ->> 'code' as code;
begin;
select rewards.set_setting('code_policy', 'identity') is not null as identity;
select rewards.referral_stats('ana') ->> 'code' as code, rewards.referral_stats('nobody') ->> 'code' as of_nobody;
rollback;

-- four referees, one of them with a network; ana is referred herself
select rewards.register_account('up') as up;
select referrer from rewards.referral_signup('up', 'ana');
select s.referrer, s.bonus from unnest('{silent,once,often,late}'::text[]) n cross join lateral rewards.referral_signup('ana', n, 'user', '2025-01-01 00:00Z') s;
select s.referrer from unnest('{g1,g2}'::text[]) n cross join lateral rewards.referral_signup('often', n, 'user', '2025-02-01 00:00Z') s;
select referrer from rewards.referral_signup('g1', 'h1', 'user', '2025-02-01 00:00Z');
select referrer from rewards.referral_signup('h1', 'i1', 'user', '2025-02-01 00:00Z');
/* once: one day, several requests, and a failed one on others; often: two days, 29 days after joining; late: one day, 30 days after joining */
insert into rewards.usage_logs (user_id, endpoint, status_code, created_at) values
	('once', '/one', 200, '2025-01-02 00:00Z'), ('once', '/one', 200, '2025-01-02 23:59Z'), ('once', '/one', 500, '2025-03-03 00:00Z'), ('once', '/one', 500, '2025-03-04 00:00Z'),
	('often', '/one', 200, '2025-01-29 00:00Z'), ('often', '/one', 200, '2025-01-30 23:59Z'),
	('late', '/one', 200, '2025-01-31 00:00Z'), ('i1', '/one', 200, '2025-02-02 00:00Z'), ('ana', '/one', 200, '2025-02-02 00:00Z');
select rewards.referral_stats('ana') - 'history' - 'code' as stats;
create temp table before as select a.kind, a.name, rewards.referral_stats(a.name, a.kind) as stats from rewards.account a;
select complete from rewards.post();
select b.name, 'differs' as posted from before b where b.stats is distinct from rewards.referral_stats(b.name, b.kind);

-- days of the tail count with those of the totals, each once
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('often', '/one', '2025-01-30 12:00Z');
select rewards.referral_stats('ana') -> 'performance' as a_day_known;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('often', '/one', '2025-01-15 12:00Z'), ('often', '/one', '2025-01-15 13:00Z');
select rewards.referral_stats('ana') -> 'performance' as a_third_day;
begin;
select rewards.set_setting('active_days', '4') is not null as four_days;
select rewards.referral_stats('ana') -> 'performance' -> 'activation' as four_days;
rollback;
begin;
select rewards.set_setting('active_days', '1') is not null as one_day;
select rewards.referral_stats('ana') -> 'performance' -> 'activation' as one_day;
rollback;
select rewards.set_setting('active_days', '0');
select rewards.set_setting('active_days', '101');
-- active: a request in the last 30 days
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('silent', '/one', now() - interval '29 days 23 hours'), ('late', '/one', now() - interval '31 days'), ('g1', '/one', now());
select rewards.referral_stats('ana') -> 'performance' as active;
select complete from rewards.post();
select rewards.referral_stats('ana') -> 'performance' as active;
-- a referee whose row was recorded before anybody knew its number
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'new', '/one', now() - i * interval '1 day' from generate_series(0, 2) i;
select s.referrer from rewards.referral_code('ana') c cross join lateral rewards.referral_signup(c, 'new') s;
select rewards.referral_stats('ana') -> 'performance' as of_five;
select complete from rewards.post();
select rewards.referral_stats('ana') -> 'performance' as of_five;

-- history is earning_history()
select bool_and((h.value ->> 'day')::date = e.day and (h.value ->> 'total')::numeric = e.total and (h.value ->> 'referral')::numeric = e.referral) as same, count(*)
from jsonb_array_elements(rewards.referral_stats('ana') -> 'history') with ordinality h(value, place)
join (select e.*, row_number() over () as place from rewards.earning_history('ana') e) e using (place);

-- providers have their own
select rewards.referral_stats('ana', 'provider') -> 'network' as of_provider;
-- refused
select rewards.referral_stats(null);
select rewards.referral_stats('ana', null);
select rewards.referral_stats('ana', 'robot');
