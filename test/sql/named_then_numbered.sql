-- Who used it before being registered and after is one account to the posting that sees
-- both: its requests, days and services are counted together.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select 'new', 'node', e, t::timestamptz
from (values ('/tts', '2025-03-01 10:00Z'), ('/scrape', '2025-03-02 10:00Z')) v(e, t);
select rewards.register_account('new', joined_at => '2025-03-01') is not null as registered, rewards.register_account('node', 'provider') is not null as registered;
insert into rewards.usage_logs (user_id, provider_id, endpoint, created_at) select 'new', 'node', e, t::timestamptz
from (values ('/tts', '2025-03-03 10:00Z'), ('/chat/completions', '2025-03-04 10:00Z')) v(e, t);
select bool_or(s.account_number is null) as by_name, bool_or(s.account_number is not null) as by_number from rewards.usage_logs u cross join lateral rewards.shares(u.distribution) s;
select events, complete from rewards.post();
select a.kind, v.first_at at time zone 'UTC' as first, v.last_at at time zone 'UTC' as last, v.requests, v.services, v.streak, v.best_streak
from rewards.activity v join rewards.account a on a.id = v.account order by 1;
select user_id, usage_points, requests, tokens from rewards.user_points;
-- each service's trial is paid once
select account, service, count(*), sum(amount) from (
	select account, regexp_replace(reason, '.*\s', '') as service, amount from rewards.ledger where entry = 'trial_bonus') t group by 1, 2 order by 1, 2;
-- four requests onboard, of which two were before
select rewards.set_setting('onboarded_requests', '4') is not null as set;
insert into rewards.usage_logs (user_id, endpoint) values ('late', '/tts'), ('late', '/tts'), ('three', '/tts'), ('three', '/tts');
select rewards.register_account('late') is not null as registered, rewards.register_account('three') is not null as registered;
insert into rewards.usage_logs (user_id, endpoint) values ('late', '/tts'), ('late', '/tts'), ('three', '/tts');
select events, complete from rewards.post();
select account, onboarded_at is not null as onboarded from rewards.accounts where kind = 'user' order by 1;
select * from rewards.verify();
