-- New referees by programme month and kind, with the running total of the kind.
\set VERBOSITY terse
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_setting('code_policy', 'identity') is not null as identity, rewards.set_setting('time_zone', 'Asia/Tokyo') is not null as tokyo;
select * from rewards.referral_growth;
select rewards.register_account('top'), rewards.register_account('top', 'provider');
/* in Tokyo the second of them is in February already */
select referrer, kind from (values ('u1', '2025-01-31 14:59Z'::timestamptz), ('u2', '2025-01-31 15:00Z'), ('u3', '2025-02-27 00:00Z'), ('u4', '2025-12-31 14:59Z')) s(name, at)
cross join lateral rewards.referral_signup('top', s.name, 'user', s.at);
select referrer, kind from rewards.referral_signup('u1', 'v1', 'user', '2025-12-01 00:00Z');
select referrer, kind from rewards.referral_signup('top', 'p1', 'provider', '2025-02-15 00:00Z');
select * from rewards.referral_growth order by kind, month;
-- of one account: its own referees
select rewards.referral_stats('top') -> 'growth' as of_top, rewards.referral_stats('u1') -> 'growth' as of_u1, rewards.referral_stats('top', 'provider') -> 'growth' as of_provider;
-- posted or not
select complete from rewards.post();
select * from rewards.referral_growth order by kind, month;
-- edges may be counted before there is any usage: then the time zone can change still
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_setting('code_policy', 'identity') is not null as identity;
select rewards.set_bonus('signup', 'user', null, 1, valid_from => '-infinity') is not null as no_bonus;
select rewards.register_account('top', joined_at => '2025-01-01');
select referrer from rewards.referral_signup('top', 'u2', 'user', '2025-01-31 15:00Z');
select complete from rewards.post();
select * from rewards.referral_growth;
select rewards.set_setting('time_zone', 'Asia/Tokyo') is not null as tokyo;
select * from rewards.referral_growth;
select count(*) as differences from rewards.verify();
