-- A1, A5: nobody earns from an own model or refers himself; one referrer, no circles; by invite codes as by referral codes.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
create function pg_temp.outcome(command text) returns text language plpgsql as $$
declare
	detail text;
begin
	execute command;
	return 'done';
exception when others then
	get stacked diagnostics detail = pg_exception_detail;
	return concat_ws(' ', sqlstate, regexp_replace(sqlerrm, '"[A-Z0-9]+-[0-9A-F]{12}"', '...'), nullif(detail, ''));
end $$;
select rewards.install() is not null as installed, rewards.load_preset('vobee') > 0 as vobee;
select rewards.register_model('m', owner => 'ann');
insert into rewards.usage_logs (user_id, endpoint, model, output_tokens) values ('ann', '/v1/chat', 'm', 10), ('ben', '/v1/chat', 'm', 10) returning user_id, creator_earnings;
-- a chain by invite codes: ann brings ben, ben brings cat
create function pg_temp.invite(owner text) returns text language sql as $$ select (rewards.make_invite_codes((rewards.ensure_person(owner)).number, 1, 'days'))[1] $$;
select status, inviter from rewards.redeem_code(pg_temp.invite('ann'), 'ben');
select status, inviter from rewards.redeem_code(pg_temp.invite('ben'), 'cat');
select level, account from rewards.referral_chain('cat') order by 1;
-- oneself, in whatever case; a circle of two and of three; a second referrer
select rewards.register_account('dan', email => 'Dan@Example.com');
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', pg_temp.invite('dan'), 'DAN@example.com'));
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', pg_temp.invite('ben'), 'ann'));
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', pg_temp.invite('cat'), 'ann'));
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', pg_temp.invite('dan'), 'cat'));
-- a refused code is not used up
select count(*) filter (where used_at is null) as unused, count(*) filter (where used_at is not null) as used from rewards.invite_codes;
-- the programme's own code brings no referrer, and leaves room for one
select status, inviter, message from rewards.redeem_code((rewards.make_invite_codes(null, 1, 'waitlist'))[1], 'eve');
select referrer from rewards.accounts where account = 'eve';
select referrer from rewards.referral_signup(rewards.referral_code('dan'), 'eve');
-- two users of one e-mail are nobody in particular
select rewards.register_account('twin1', email => 'twin@example.com'), rewards.register_account('twin2', email => 'TWIN@example.com');
select rewards.person('twin@example.com') is null as nobody, rewards.person('TWIN1') is null as case_counts_in_ids, rewards.person('twin1') is not null as by_id;
-- where nobody is registered by himself, nobody is
select rewards.set_setting('auto_register', 'off') is not null;
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', pg_temp.invite('dan'), 'fay')), pg_temp.outcome($$select rewards.earn_codes('fay')$$), pg_temp.outcome($$select rewards.sanction('fay', 'user', 'x')$$);
select * from rewards.verify();
-- an id that is an e-mail is the same in any case; a code sent to an id is redeemed by the e-mail, and the other way round
select rewards.set_setting('auto_register', 'on') is not null;
insert into rewards.usage_logs (user_id, endpoint) values ('gil@example.com', '/v1/chat');
select complete from rewards.post();
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', pg_temp.invite('gil@example.com'), 'Gil@Example.com'));
select rewards.register_account('usr_8', email => 'eight@example.com'), rewards.register_account('usr_9', email => 'Nine@example.com');
select pg_temp.invite('dan') as to_id, pg_temp.invite('dan') as to_email \gset
select s.status, r.status from rewards.share_referral('dan', 'usr_8', :'to_id') s, rewards.redeem_code(:'to_id', 'eight@example.com') r;
select status from rewards.share_referral('dan', 'nine@example.com', :'to_email');
select status from rewards.redeem_code(:'to_email', 'usr_9');
