-- An edge counts for events from its date on: no credit for what was before, none for
-- what is already stored; late events are shared by the date they happened.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
prepare event(text, timestamptz) as
insert into rewards.usage_logs (request_id, user_id, endpoint, created_at) values ($1, 'referee', '/tts', $2);
prepare shares as
select u.request_id, s.account, s.level, s.amount from rewards.usage_logs u cross join lateral rewards.shares_of(u.id) s where s.entry = 'referral' order by u.id, s.level;

execute event('before the signup, before the date', '2025-01-10 12:00Z');
execute event('before the signup, after the date', '2025-03-10 12:00Z');
select rewards.referral_code('referrer') is not null as code;
select referrer, created_at at time zone 'UTC' as at from rewards.referral_signup('referrer', 'referee', 'user', '2025-02-01 00:00Z');
execute shares;
execute event('late, before the date', '2025-01-31 23:59:59.999999Z');
execute event('late, at the date', '2025-02-01 00:00Z');
execute event('on time', now());
execute shares;
-- the next level up joins later
select rewards.referral_code('top') is not null as code;
select referrer from rewards.referral_signup('top', 'referrer', 'user', '2025-04-01 00:00Z');
execute event('level 1 only', '2025-03-15 12:00Z');
execute event('both levels', '2025-04-15 12:00Z');
execute shares;
select kind, account, entry, amount, created_at at time zone 'UTC' as at from rewards.ledger where source = 'journal' order by source_id;
-- in a running transaction the signup counts at once, and not at all once undone
begin;
select referrer from rewards.referral_signup('referee', 'third');
insert into rewards.usage_logs (request_id, user_id, endpoint) values ('in the signup''s transaction', 'third', '/tts');
execute shares;
rollback;
insert into rewards.usage_logs (request_id, user_id, endpoint) values ('the signup undone', 'third', '/tts');
begin;
savepoint s;
select referrer from rewards.referral_signup('referee', 'third');
rollback to s;
insert into rewards.usage_logs (request_id, user_id, endpoint) values ('the signup rolled back to', 'third', '/tts');
commit;
select u.request_id, count(*) filter (where s.entry = 'referral') as referrals from rewards.usage_logs u cross join lateral rewards.shares_of(u.id) s
where u.user_id = 'third' group by u.id order by u.id;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
deallocate all;
