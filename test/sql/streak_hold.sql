-- The bonus for a streak can be held back like any other: from the event that
-- completed the streak on.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('streak', 'user', 3, recipient_level => 0, threshold => 2, hold => '30 days', valid_from => '-infinity') is not null as held,
	rewards.set_bonus('streak', 'user', 4, recipient_level => 0, threshold => 1, valid_from => '-infinity') is not null as free;
insert into rewards.usage_logs (user_id, endpoint, created_at)
values ('u', '/tts', now() - interval '1 day'), ('u', '/tts', now()), ('past', '/tts', '2025-03-29 12:00Z'), ('past', '/tts', '2025-03-30 12:00Z');
-- two requests are 0.4, the trial is 10, the streak 4 and 3
select earned, held, available from rewards.balance('u');
select complete from rewards.post();
select earned, held, available from rewards.balance('u');
-- thirty programme days that are over, whatever the session's time zone
select earned, held, available from rewards.balance('past');
select a.name, j.event, j.held_until - j.created_at as hold from rewards.journal j join rewards.account a on a.id = j.account where j.reason = 'streak' order by 1, 2;
select count(*) as differences from rewards.verify();
-- in a programme whose clocks were put forward meanwhile the days are as long as they are
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_setting('time_zone', 'Europe/Berlin') is not null as set;
select rewards.set_bonus('streak', 'user', 3, recipient_level => 0, threshold => 1, hold => '1 day', valid_from => '-infinity') is not null as streak,
	rewards.set_bonus('signup', 'user', 1, recipient_level => 0, hold => '1 day', valid_from => '-infinity') is not null as signup;
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('u', '/tts', '2025-03-29 12:00Z');
select rewards.register_account('up');
select bonus from rewards.referral_signup('up', 'u', at => '2025-03-29 12:00Z');
select complete from rewards.post();
select event, held_until - created_at as hold from rewards.journal where held_until is not null order by 1;
