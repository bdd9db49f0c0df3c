-- I3, I4: VOBEE- and twelve hex digits, for one use, by whom it was sent to, until it expires.
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
select rewards.install('vobee') is not null as installed;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'ann@example.com', '/v1/chat', now() - make_interval(days => d) from generate_series(0, 13) d;
select earned, codes_available from rewards.earn_codes('ann@example.com');
select bool_and(code ~ '^VOBEE-[0-9A-F]{12}$') as format, bool_and(length(code) <= 20) as fits, bool_and(abs(extract(epoch from expires_at - created_at - interval '90 days')) < 60) as days_90
from rewards.invite_codes;
select min(code) as one, max(code) as three from rewards.invite_codes \gset
select code as two from rewards.invite_codes where code not in (:'one', :'three') \gset
-- shared, it is the recipient's alone
select status, message from rewards.share_referral('ann@example.com', 'Ben@Example.com', :'one');
select pg_temp.outcome(format('select rewards.share_referral(%L, %L, %L)', 'ann@example.com', 'cat@example.com', :'one'));
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', :'one', 'cat@example.com'));
select status, inviter, message from rewards.redeem_code(lower(:'one'), 'ben@example.com');
-- used, it is used
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', :'one', 'ben@example.com')), pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', :'one', 'dan@example.com'));
select pg_temp.outcome(format('select rewards.share_referral(%L, %L, %L)', 'ann@example.com', 'eve@example.com', :'one'));
select used_by, used_at is not null as used from rewards.invite_codes where code = :'one';
-- somebody else's cannot be shared, one's own not be redeemed
select pg_temp.outcome(format('select rewards.share_referral(%L, %L, %L)', 'ben@example.com', 'eve@example.com', :'two'));
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', :'two', 'ann@example.com')), pg_temp.outcome(format('select rewards.share_referral(%L, %L, %L)', 'ann@example.com', 'ANN@example.com', :'two'));
-- who has a referrer keeps it
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', :'two', 'ben@example.com')), pg_temp.outcome(format('select rewards.share_referral(%L, %L, %L)', 'ann@example.com', 'ben@example.com', :'two'));
select referrer from rewards.accounts where account = 'ben@example.com';
-- expired, revoked, unknown
update rewards.invite_code set expires_at = now() - interval '1 second' where code = :'two';
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', :'two', 'eve@example.com'));
select rewards.revoke_code(:'three', 'leaked');
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', :'three', 'eve@example.com'));
select pg_temp.outcome($$select rewards.redeem_code('VOBEE-000000000000', 'eve@example.com')$$), pg_temp.outcome($$select rewards.share_referral('ann@example.com', 'eve@example.com', 'VOBEE-000000000000')$$);
select codes_available from rewards.earn_codes('ann@example.com');
-- nobody was registered by what was refused
select count(*) as strangers from rewards.accounts where account ~ '^(cat|dan|eve)';
-- without end, another prefix
select rewards.set_setting('invite_expiry', 'none') is not null, rewards.set_setting('invite_prefix', 'CLUB7') is not null;
insert into rewards.usage_logs (user_id, endpoint, created_at) select 'fay', '/v1/chat', now() - make_interval(days => d) from generate_series(0, 13) d;
select earned from rewards.earn_codes('fay');
select bool_and(code ~ '^CLUB7-[0-9A-F]{12}$') as format, bool_and(expires_at is null) as forever from rewards.invite_codes where owner = 'fay';
-- strong random: no two alike among many
select cardinality(c) as made, (select count(distinct left(x, 12)) from unnest(c) x) > 9990 as spread from rewards.make_invite_codes(null, 10000, 'test') c;
