-- I1: the journey: waiting list, invitation, fourteen days of use, codes of one's own, friends; and a chain A to D of it.
\set VERBOSITY terse
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed, rewards.load_preset('vobee') > 0 as vobee;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet, rewards.set_bonus('signup', 'user', null, valid_from => '-infinity') is not null as quiet;
-- a joins the waiting list behind somebody, and is released
select rewards.join_waitlist('first@example.com') as first, rewards.join_waitlist('a@example.com') as a;
select email from rewards.release_invites(2);
select code from rewards.invite_codes where recipient_email = 'a@example.com' \gset
select status, inviter, message from rewards.redeem_code(:'code', 'A@Example.com');
select rewards.waitlist_position('a@example.com'), (select status from rewards.waitlist where email = 'a@example.com');
-- each uses the platform for fourteen days, earns codes and brings the next
create procedure pg_temp.go_on(person text, friend text) language plpgsql as $$
declare
	code text;
begin
	insert into rewards.usage_logs (user_id, endpoint, created_at) select (select a.account from rewards.accounts a where a.kind = 'user' and a.email = person), '/tts', now() - make_interval(days => d) from generate_series(1, 14) d;
	raise notice '%', (select e.message from rewards.earn_codes(person) e);
	code := (select min(c.code) from rewards.invite_codes c where c.used_at is null and c.recipient_email is null and c.owner = (select a.account from rewards.accounts a where a.kind = 'user' and a.email = person));
	perform rewards.share_referral(person, friend, code);
	perform rewards.redeem_code(code, friend);
end $$;
set client_min_messages = notice;
call pg_temp.go_on('A@Example.com', 'b@example.com');
call pg_temp.go_on('b@example.com', 'c@example.com');
call pg_temp.go_on('c@example.com', 'd@example.com');
reset client_min_messages;
select level, account from rewards.referral_chain('d@example.com') order by 1;
-- points go up the chain
insert into rewards.usage_logs (user_id, endpoint) values ('d@example.com', '/tts');
select account, level, amount from rewards.shares_of((select max(id) from rewards.usage_logs)) order by level;
select invited_email, inviter_email, status from rewards.referrals order by created_at;
select complete from rewards.post();
select invited_email, status from rewards.referrals order by created_at;
select * from rewards.verify();
