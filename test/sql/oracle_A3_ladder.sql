-- A3, K8: a warning, a suspension, the ban; what each takes away; appeals.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
create function pg_temp.outcome(command text) returns text language plpgsql as $$
begin
	execute command;
	return 'done';
exception when others then
	return sqlstate || ' ' || sqlerrm;
end $$;
select rewards.install() is not null as installed, rewards.load_preset('vobee') > 0 as vobee;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;
select rewards.referral_code('ann', custom => 'ANN'), rewards.register_account('ben'), rewards.register_model('m', owner => 'ann');
select referrer from rewards.referral_signup('ANN', 'ben');
select cardinality(rewards.make_invite_codes(rewards.person('ann'), 1, 'days'));
prepare use as insert into rewards.usage_logs (user_id, provider_id, endpoint, model, output_tokens) values ('ben', 'gpu', '/v1/chat/completions', 'm', 10), ('ann', 'gpu', '/v1/chat/completions', 'm', 10)
	returning user_id, provider_points, user_points, creator_earnings, jsonb_array_length(distribution::jsonb) as shares;
prepare status as select status, status_until is not null as ends, abs(extract(epoch from status_until - now() - interval '30 days')) < 3700 as in_30_days from rewards.accounts where account = 'ann';
create function pg_temp.refused() returns setof text language sql as $$
	select pg_temp.outcome(c) from unnest(array[
		'select rewards.referral_signup(''ANN'', ''x'')',
		format('select rewards.share_referral(''ann'', ''y'', %L)', (select code from rewards.invite_codes)),
		format('select rewards.redeem_code(%L, ''z'')', (select code from rewards.invite_codes)),
		'select rewards.earn_codes(''ann'')',
		'select rewards.request_payout(''ann'', ''user'', 0.0001)']) c $$;
execute status; execute use;
-- a warning costs nothing
select rewards.sanction('ann', 'user', 'bought accounts');
execute status; execute use;
-- suspended: no shares, no codes, no invitations, no payouts; one's own points go on
select rewards.sanction('ann', 'user', 'bought accounts again', updated_by => 'mod');
execute status; execute use;
select * from pg_temp.refused();
select count(*) as strangers from rewards.accounts where account in ('x', 'y', 'z');
-- it is over by itself; the third time is the last
set session_replication_role to replica;
update rewards.account_status set valid_until = now() where status = 'suspended';
reset session_replication_role;
select rewards.signal_change('rewards.account_status');
execute status; execute use;
select rewards.sanction('ann', 'user', 'never learns');
execute status;
-- banned: the row is stored and charged, and brings her nothing; others what it brings them
execute use;
select note from rewards.explain_reward((select max(id) from rewards.usage_logs)) where entry = 'usage';
select * from pg_temp.refused();
select pg_temp.outcome($$select rewards.sanction('ann', 'user', 'what else')$$);
-- a provider that is banned serves for nothing; its users get theirs
select rewards.set_status('gpu', 'provider', 'banned', 'fakes tokens') is not null;
execute use;
select rewards.set_status('gpu', 'provider', 'active', 'a mistake') is not null;
-- appeals: one at a time; refused, then accepted
select rewards.appeal('ann', 'user', 'it was my brother');
select pg_temp.outcome($$select rewards.appeal('ann', 'user', 'again')$$);
select rewards.resolve_appeal(1, false, 'no');
execute status;
select rewards.appeal('ann', 'user', 'really') as second \gset
select rewards.resolve_appeal(:second, true, 'benefit of the doubt', 'mod');
execute status; execute use;
select pg_temp.outcome('select rewards.resolve_appeal(' || :second || ', true)'), pg_temp.outcome('select rewards.resolve_appeal(77, true)');
select account, message, status, note from rewards.appeals order by id;
-- let off, the ladder begins anew
select rewards.sanction('ann', 'user', 'once more');
select status, source, reason, until is not null as ends, updated_by = current_user as by_me from rewards.account_statuses where account = 'ann' order by recorded_at;
select event, payload - 'until' as payload from rewards.notifications where account = 'ann' and event in ('status', 'appeal_resolved') order by id;
select call, before ->> 'status' as before, after ->> 'status' as after, before -> 'until' is distinct from after -> 'until' as other_end from rewards.admin_log where call in ('sanction', 'set_status', 'resolve_appeal') order by id;
select complete from rewards.post();
select * from rewards.verify();
