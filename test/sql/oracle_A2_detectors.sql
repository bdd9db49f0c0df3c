-- Each detector finds what it is there for, with evidence, and leaves alone what only looks
-- alike; it flags, and flags once (A2).
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
	detail text;
begin
	execute 'select rewards.' || call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint, detail = pg_exception_detail;
	return concat_ws(' ', sqlstate, sqlerrm, nullif(detail, ''), case when hint = '' then '(no hint)' end);
end $$;
/* account e-mail of those whom an inviter has brought so many days ago */
create function pg_temp.bring(inviter text, days numeric, variadic referees text[]) returns bigint language plpgsql as $$
declare
	at timestamptz := now() - days * interval '1 day';
	referee text;
begin
	foreach referee in array referees loop
		perform rewards.register_account(split_part(referee, ' ', 1), 'user', nullif(substr(referee, strpos(referee || ' ', ' ') + 1), ''), at);
		perform rewards.referral_signup(rewards.referral_code(inviter), split_part(referee, ' ', 1), 'user', at);
	end loop;
	return cardinality(referees);
end $$;
prepare use(text, numeric) as insert into rewards.usage_logs (user_id, endpoint, created_at) values ($1, '/tts', now() - $2 * interval '1 day');
prepare look as select account, detector, evidence - '{since,until}'::text[] as evidence from rewards.detect_abuse() where kind = 'user';
select name, enabled, parameters, description, valid_from from rewards.detectors where name <> 'disposable_domain' order by name;
select enabled, jsonb_array_length(parameters -> 'domains') as domains, parameters -> 'domains' ?& '{mailinator.com,yopmail.com,guerrillamail.com,10minutemail.com}' as well_known from rewards.detectors where name = 'disposable_domain';
execute look;

-- plus-addresses and dots: with the inviter, among its referees, under an id that is the address; case does not matter
select rewards.register_account('pia', 'user', 'pia@example.com'), pg_temp.bring('pia', 1, 'p1 Pia+1@example.com', 'p2 other@example.com', 'p3 x.y@gmail.com', 'p4 xy+tag@googlemail.com', 'x.y+2@GMail.com', 'p5 a.b@web.de', 'p6 ab@web.de');
-- of one's own, of another family, without address, nothing before the plus
select pg_temp.bring('quin', 1, 'q1 quin+vobee@example.com', 'q2 x.y@gmail.com', 'q3', 'q4 +a@web.de', 'q5 +b@web.de');
execute look;

-- what can be no address; those of other scripts, quoted ones and long domains can be
select pg_temp.bring('ines', 1, 'i1 nobody', 'i2 a@b', 'i3 a..b@example.com', 'i4 a@@example.com', 'i5 a b@example.com', 'i6 a@-example.com', 'i7 @example.com', 'i8 a@example.c', 'i9 a@1.2.3.4',
	'i10 a@example..com', 'i11 .a@example.com', 'i12 a@test.invalid', 'i13 a@example.com.', 'i14 ' || repeat('a', 65) || '@example.com', 'i15 a@' || repeat('b.', 125) || 'com', 'i16 a@exa_mple.com', 'a@b');
select pg_temp.bring('ines', 1, 'j1 a@b.co', 'j2 o''hara+x@mail.example.co.uk', 'j3 "a b"@example.com', 'j4 müller@exämple.de', 'j5 a_b-c.d@x-y.example.museum', 'j6 ' || repeat('a', 64) || '@example.org', 'j7 A@EXAMPLE.COM', 'j8 a@test.example.com', 'j9');
-- nobody has referred them
select rewards.register_account('k1', 'user', 'nobody'), rewards.register_account('k2', 'provider', 'nobody'), (select referrer from rewards.referral_signup(rewards.referral_code('ines', 'provider'), 'k2', 'provider'));
execute look;

-- domains whose mailboxes are thrown away, and below them; not what only ends like one
select pg_temp.bring('dora', 1, 'd1 a@mailinator.com', 'd2 b@X.Y.Mailinator.com', 'd3 c@yopmail.fr', 'd4 d@notmailinator.com', 'd5 e@mailinator.com.example.org', 'd6 mailinator.com@example.com');
execute look;

-- 20 referrals within an hour; 19, and 20 in a little more than one, are none
select rewards.referral_code('bea') is not null as code, rewards.referral_code('ben') is not null as code, rewards.referral_code('bob') is not null as code;
select count(rewards.referral_signup(rewards.referral_code(b.inviter), b.inviter || n, 'user', date_trunc('day', now()) - interval '3 days' + n * b.step + case when n > 5 then interval '0' else - interval '1 day' end))
from (values ('bea', interval '3 minutes 9 seconds', 25), ('ben', '1 second', 24), ('bob', '3 minutes 10 seconds', 25)) b(inviter, step, many) cross join lateral generate_series(1, b.many) n;
execute look;
select (evidence ->> 'until')::timestamptz - (evidence ->> 'since')::timestamptz as within, (evidence ->> 'until')::timestamptz < now() as past from rewards.abuse_flags where detector = 'burst' and account = 'bea';

-- referees who never did anything: 4 of 5 after a week; not before that, not 3 of 5, not when they failed only in what is not posted
select pg_temp.bring('sid', 8, 's1', 's2', 's3', 's4', 's5'), pg_temp.bring('sue', 8, 'u1', 'u2', 'u3', 'u4', 'u5'), pg_temp.bring('sam', 6.9, 'm1', 'm2', 'm3', 'm4', 'm5'), pg_temp.bring('sol', 8, 'l1', 'l2', 'l3', 'l4');
execute use('s1', 5);
execute use('u1', 5);
insert into rewards.usage_logs (user_id, endpoint, status_code) values ('s2', '/tts', 500);
select complete from rewards.post();
execute use('u2', 0);
execute look;
-- one more who was there before it was known to be
select count(*) as new from rewards.detect_abuse();

-- providers are not looked at
select count(rewards.referral_signup(rewards.referral_code('gpu', 'provider'), 'g' || n, 'provider', now() - interval '8 days')) from generate_series(1, 25) n;
select account from rewards.detect_abuse();

-- 9 of 10 who came on two days at most and not for two weeks; not while one of them was there lately
select pg_temp.bring('ida', 30, variadic array(select 'a' || n from generate_series(1, 10) n)), pg_temp.bring('ian', 30, variadic array(select 'n' || n from generate_series(1, 10) n)), pg_temp.bring('ivy', 30, variadic array(select 'y' || n from generate_series(1, 10) n));
insert into rewards.usage_logs (user_id, endpoint, created_at) select k || n, '/tts', now() - interval '20 days' + d * interval '1 day' from unnest('{a,n,y}'::text[]) k, generate_series(1, 8) n, generate_series(1, 1 + n % 2) d;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'a10', '/tts', now() - d * interval '1 day' from generate_series(1, 20) d;
insert into rewards.usage_logs (user_id, endpoint, created_at) select k, '/tts', now() - d * interval '1 day' from unnest('{n9,n10}'::text[]) k, generate_series(16, 18) d;
select complete from rewards.post();
execute use('y1', 1);
execute use('y2', 1);
execute look;

-- the same e-mail in whatever case, the same place to be paid to; a currency tells nobody apart
select rewards.register_account('Eli@Example.com'), pg_temp.bring('Eli@Example.com', 1, 'e1 eli@example.com', 'e2', 'e3', 'e4', 'e5', 'e6'), pg_temp.bring('eva', 1, 'v1', 'v2 eli@example.com');
select rewards.set_payout_method(m.account, m.method, m.details::jsonb)
from (values ('e2', 'bank', '{"iban": "DE12 3456"}'), ('e3', 'sepa', '{"iban": "de123456"}'), ('v1', 'bank', '{"iban": "DE123456"}'), ('e4', 'bank', '{}'), ('e5', 'bank', '{}'),
	('e4', 'voucher', '{"currency": "EUR", "shop": "somewhere"}'), ('e5', 'voucher', '{"currency": "EUR", "shop": "somewhere"}'), ('eva', 'wallet', '["0xAB12CD"]'), ('v2', 'wallet', '["0xab12cd"]'), ('e6', 'bank', '{"iban": "DE9"}'), ('e4', 'other', '{"iban": "DE9"}')) m(account, method, details);
execute look;

-- all flags, nothing new, and nobody has another status
execute look;
select detector, count(*), bool_and(cleared_at is null) as open from rewards.abuse_flags group by 1 order by 1;
select account, referrer, detector from rewards.abuse_flags where account in ('p1', 'sid', 's5') order by 1;
select distinct status from rewards.accounts;

-- those referred since a time, or whose inviter has brought somebody since
select rewards.clear_flag(id, 'again') from rewards.abuse_flags;
set client_min_messages = warning;
select count(*) from rewards.detect_abuse();
select pg_temp.bring('pia', 0, 'p9 other+9@example.com'), pg_temp.bring('zoe', 2, 'z1 nobody'), pg_temp.bring('zoe', 0, 'z2 nobody');
select account, detector, evidence from rewards.detect_abuse(now() - interval '1 hour');
execute look;

-- other parameters; one that is switched off
select rewards.set_detector('plus_address', '{"accounts": 3, "dotless_domains": ["web.de", "gmail.com"]}') is not null as set, rewards.set_detector('disposable_domain', '{"domains": ["example.org"]}') is not null as set,
	rewards.set_detector('burst', '{"within": "2 hours"}') is not null as set, rewards.set_detector('silent_referees', '{"after": "1 day", "referees": 4}') is not null as set, rewards.set_detector('invalid_email', null, false) is not null as set,
	rewards.set_detector('shared_identity', '{"accounts": 3}') is not null as set, rewards.set_detector('inactive_referees', '{"days": 5, "idle": "10 days"}') is not null as set;
select pg_temp.bring('new', 2, 'w1 a.b@web.de', 'w2 ab@web.de', 'w3 a.b+1@web.de', 'w4 nobody', 'w5 x@sub.example.org');
create temp table found as execute look;
select * from found where detector <> 'silent_referees';
select detector, account, evidence from found where detector = 'silent_referees' and evidence ? 'silent' order by 2;
select name, enabled, parameters - 'domains' as parameters, valid_from is not null as set, updated_by = current_user as by_me from rewards.detectors order by 1;
select count(*) as differences from rewards.verify();
deallocate all;
