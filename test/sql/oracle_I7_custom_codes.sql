-- I7: codes of one's own choice: referral codes and, of invitations, unused ones that were not sent.
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
select cardinality(rewards.make_invite_codes((rewards.ensure_person('ann@example.com')).number, 3, 'days'));
select min(code) as one, max(code) as three from rewards.invite_codes \gset
select code as two from rewards.invite_codes where code not in (:'one', :'three') \gset
select rewards.customize_invite('ann@example.com', :'one', 'Anns-Friends');
select code, custom, owner from rewards.invite_codes where custom;
select status, inviter from rewards.redeem_code('ANNS-friends', 'ben@example.com');
select referrer from rewards.accounts where account = 'ben@example.com';
-- taken, by a code of either kind or an id; and the other way round
select pg_temp.outcome(format('select rewards.customize_invite(%L, %L, %L)', 'ann@example.com', :'two', 'anns-friends'));
select rewards.referral_code('ann@example.com', custom => 'ANN');
select pg_temp.outcome(format('select rewards.customize_invite(%L, %L, %L)', 'ann@example.com', :'two', 'ann'));
select rewards.register_account('ben_1');
select pg_temp.outcome(format('select rewards.customize_invite(%L, %L, %L)', 'ann@example.com', :'two', 'ben_1'));
select pg_temp.outcome($$select rewards.referral_code('ann@example.com', custom => 'ANNS-FRIENDS')$$);
-- not another's, not a sent one, not a used one, no odd text
select pg_temp.outcome(format('select rewards.customize_invite(%L, %L, %L)', 'ben@example.com', :'two', 'mine'));
select status from rewards.share_referral('ann@example.com', 'cat@example.com', :'three');
select pg_temp.outcome(format('select rewards.customize_invite(%L, %L, %L)', 'ann@example.com', :'three', 'sent'));
select pg_temp.outcome($$select rewards.customize_invite('ann@example.com', 'Anns-Friends', 'used')$$);
select pg_temp.outcome(format('select rewards.customize_invite(%L, %L, %L)', 'ann@example.com', :'two', 'a b')), pg_temp.outcome(format('select rewards.customize_invite(%L, %L, %L)', 'nobody', :'two', 'abc'));
-- an id is its account's own code, whoever has chosen a code that reads like it
select rewards.register_account('Ida_2');
select pg_temp.outcome(format('select rewards.customize_invite(%L, %L, %L)', 'ann@example.com', :'two', 'Ida_2'));
select rewards.customize_invite('ann@example.com', :'two', 'Max_2024');
select rewards.register_account('Max_2024');
select status, inviter from rewards.redeem_code('Max_2024', 'guest@example.com');
select status, inviter from rewards.redeem_code('Max_2024', 'guest2@example.com');
