-- I2: codes earned by time (the sample answer of 14 days of use), by referrals and by quality; each once.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install('vobee') is not null as installed;
-- thirteen days are not enough, whatever was done on them; a failed request is no day, another service's is
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'user@example.com', '/v1/chat', now() - make_interval(days => d) from generate_series(1, 12) d, generate_series(1, 3);
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('user@example.com', '/tts', now() - interval '20 days');
insert into rewards.usage_logs (user_id, endpoint, status_code, created_at) values ('user@example.com', '/v1/chat', 500, now() - interval '30 days');
select * from rewards.earn_codes('user@example.com');
-- the fourteenth, not yet posted; the answer of the sample to the letter
insert into rewards.usage_logs (user_id, endpoint) values ('user@example.com', '/v1/chat');
select to_jsonb(e) = '{"earned": true, "codes_available": 3, "message": "You earned 3 invite codes after 14 days of usage"}' as as_in_the_sample
from rewards.earn_codes('user@example.com') e;
select * from rewards.earn_codes('user@example.com');
select count(*), count(distinct code), min(source), bool_and(owner = 'user@example.com') as own from rewards.invite_codes;
-- posted, it is the same
select complete from rewards.post();
select * from rewards.earn_codes('USER@example.com');
-- another number of days, another reward; those who had theirs do not get it again
select rewards.set_setting('codes_after_days', '2') is not null, rewards.set_days_reward('{"codes": 1, "premium": "7 days"}') is not null;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'other', '/v1/chat', now() - make_interval(days => d) from generate_series(0, 1) d;
select * from rewards.earn_codes('other');
select * from rewards.earn_codes('user@example.com');
select perk, until - since as lasts, active from rewards.perks('other');
-- a day whose requests were taken back is none; 2.0 codes are two
select rewards.set_days_reward('{"codes": 2.0}') is not null;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'undone', '/v1/chat', now() - make_interval(days => d) from generate_series(0, 1) d;
select rewards.reverse_usage(max(id), 'refunded') is not null as reversed from rewards.usage_logs where user_id = 'undone';
select * from rewards.earn_codes('undone');
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('undone', '/v1/chat', now() - interval '5 days');
select * from rewards.earn_codes('undone');
-- without such a rule nothing is earned
select rewards.set_days_reward(null) is not null;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'third', '/v1/chat', now() - make_interval(days => d) from generate_series(0, 20) d;
select * from rewards.earn_codes('third');
select * from rewards.earn_codes('nobody');
select * from rewards.verify();
