-- The waiting list (004, "With Waitlist"): "Priority boost for referred users", "Automatic
-- approval for high-quality referrers", "Fast-track processing"; and the first steps of
-- the journey: joins waitlist, receives invite.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create view pg_temp.standing as
select w.email, w.status, w.referrer, rewards.waitlist_position(w.email) as position, w.code, w.invite_code ~ '^VOBEE-[0-9A-F]{12}$' as invited, w.released_at is not null as released
from rewards.waitlist w;
select rewards.register_account('ann'), rewards.referral_code('ann', 'user', 'by-ann'), rewards.register_account('ben', 'user', 'Ben@example.com');
-- in order of arrival; again is the same, in whatever case
select e, rewards.join_waitlist(e) from unnest('{one@example.com,two@example.com,Three@Example.com,THREE@example.COM,one@example.com}'::text[]) e;
-- "priority boost for referred users": before all who were not referred, by a referral code and by an invite code, which stays unused
select rewards.join_waitlist('friend@example.com', 'by-ann');
select (rewards.make_invite_codes(rewards.account_number('user', 'ben'), 1, 'test'))[1] as invite \gset
select rewards.join_waitlist('pal@example.com', lower(:'invite'));
select used_at is null and recipient is null as unused from rewards.invite_code where code = :'invite';
select email, status, referrer, position, code = lower(:'invite') as by_invite, invited, released from pg_temp.standing order by position;
-- also for who waits already: then by arrival among the referred; once, the first referrer stays
select rewards.join_waitlist('Two@example.com', 'BY-ANN');
select rewards.join_waitlist('two@example.com', :'invite'), rewards.join_waitlist('two@example.com', 'by-ann'), rewards.join_waitlist('two@example.com', 'no code');
select email, position, referrer from pg_temp.standing order by position;
-- a code of the programme brings nobody forward
select rewards.join_waitlist('four@example.com', (rewards.make_invite_codes(null, 1, 'test'))[1]) as by_the_programme;
select rewards.waitlist_position('FOUR@example.com') as position, referrer is null as nobodys from rewards.waitlist where email = 'four@example.com';

-- "receives invite": the first in order, each a code for themselves, of the referrer or the programme
create temp table released as select row_number() over () as n, r.* from rewards.release_invites(4) r;
select r.n, r.email, r.code = c.code as code, a.name as owner, c.recipient, c.source, c.expires_at > now() + interval '89 days' as expires, c.used_at
from released r join rewards.waitlist_entry e using (email) left join rewards.invite_code c on c.code = e.invite_code left join rewards.account a on a.id = c.owner order by r.n;
select email, status, position, invited, released from pg_temp.standing order by position, email collate "C";
select e, rewards.join_waitlist(e, 'by-ann') from unnest('{friend@example.com,three@example.com}'::text[]) e;
-- nobody is given two; one who is left, then none
select email from rewards.release_invites(100);
select count(*) from rewards.release_invites(1);
select call, arguments, after, updated_by = current_user as by_me from rewards.admin_log where call = 'release_invites' order by id;

-- who has come is through; the position of who waits behind moves
select rewards.join_waitlist('five@example.com'), rewards.join_waitlist('six@example.com');
select rewards.leave_waitlist('FIVE@example.com'), rewards.leave_waitlist('friend@example.com'), rewards.leave_waitlist('five@example.com'), rewards.leave_waitlist('unknown@example.com');
select email, status, position from pg_temp.standing where status in ('waiting', 'joined') order by email collate "C";
-- who has a referrer or has used an invitation need not wait; an account alone is no invitation
select (rewards.referral_signup('by-ann', 'in@example.com')).referrer;
select rewards.join_waitlist('in@example.com'), rewards.waitlist_position('in@example.com');
select rewards.register_account('usr_7', 'user', 'Seven@example.com'), rewards.register_account('usr_8', 'user', 'eight@example.com');
select rewards.join_waitlist('seven@example.com'), rewards.join_waitlist('eight@example.com');
update rewards.invite_code set used_by = rewards.account_number('user', 'usr_7'), used_at = now() where code = :'invite';
select (rewards.referral_signup('by-ann', 'usr_8')).referrer;
select rewards.join_waitlist('seven@example.com'), rewards.join_waitlist('EIGHT@example.com');
select email, status, position from pg_temp.standing where email ~ 'six|seven|eight' order by 1;

-- "automatic approval for high-quality referrers", of who comes and of who waits already
begin;
create or replace function rewards.is_high_quality(number bigint) returns boolean language sql stable set search_path = pg_catalog, pg_temp
	as $$ select a.name = 'ann' from rewards.account a where a.id = number $$;
select rewards.join_waitlist('quick@example.com', 'by-ann'), rewards.join_waitlist('six@example.com', 'by-ann'), rewards.join_waitlist('slow@example.com', (rewards.make_invite_codes(rewards.account_number('user', 'ben'), 1, 'test'))[1]);
select s.email, s.status, s.referrer, s.position, s.invited, s.released, a.name as owner, c.recipient from pg_temp.standing s join rewards.waitlist w using (email) left join rewards.invite_code c on c.code = w.invite_code left join rewards.account a on a.id = c.owner
where s.email ~ 'quick|six|slow' order by email;
select rewards.join_waitlist('quick@example.com'), rewards.waitlist_position('quick@example.com'), rewards.waitlist_position('slow@example.com');
-- who was approved is in nobody's position
select rewards.join_waitlist('behind@example.com'), rewards.join_waitlist('fast@example.com', 'by-ann'), rewards.join_waitlist('further@example.com');
select email from rewards.release_invites(10);
rollback;
-- a code whose owner was suspended meanwhile would be refused: it is the programme's
select rewards.join_waitlist('late@example.com', 'by-ann');
select rewards.set_status('ann', 'user', 'suspended', 'test') is not null as suspended;
select email from rewards.release_invites(1);
select c.recipient, c.owner from rewards.invite_code c where c.recipient = 'late@example.com';
-- counted anew
select task, done > 0 as folded from rewards.maintain() where task ~ 'waitlist';
select task, done from rewards.maintain() where task ~ 'waitlist';
select email, position from pg_temp.standing where status = 'waiting';
select rewards.waitlist_position('nobody@example.com');
-- whom a revocation, a ban or time has left with a dead code gets another one by asking again
select rewards.register_account('infl'), rewards.referral_code('infl', custom => 'INFL');
select rewards.join_waitlist('w1@example.com', 'INFL') > 0 as w1, rewards.join_waitlist('w2@example.com', 'INFL') > 0 as w2, rewards.join_waitlist('w3@example.com', 'INFL') > 0 as w3;
select count(*) >= 3 as released from rewards.release_invites(1000);
select codes_available from rewards.earn_codes('infl');
select rewards.revoke_rewards('infl', 'user', 'fakes') >= 0 as revoked;
select invite_code as w1 from rewards.waitlist where email = 'w1@example.com' \gset
select status, inviter from rewards.redeem_code(:'w1', 'w1@example.com');
select rewards.revoke_code(invite_code, 'a mistake') from rewards.waitlist where email = 'w2@example.com';
select rewards.join_waitlist('w2@example.com');
select invite_code as w2 from rewards.waitlist where email = 'w2@example.com' \gset
update rewards.invite_code set owner = (select id from rewards.account where name = 'infl') where code in (select invite_code from rewards.waitlist where email in ('w2@example.com', 'w3@example.com'));
select rewards.set_status('infl', 'user', 'banned', 'fakes') is not null;
select status, inviter from rewards.redeem_code(:'w2', 'w2@example.com');
update rewards.invite_code set expires_at = now() - interval '1 day' where code = (select invite_code from rewards.waitlist where email = 'w3@example.com');
select rewards.join_waitlist('w3@example.com');
select invite_code as w3 from rewards.waitlist where email = 'w3@example.com' \gset
select status, inviter from rewards.redeem_code(:'w3', 'w3@example.com');
