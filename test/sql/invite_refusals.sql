-- What statuses, invitations, milestones and quality refuse, each with its code; and nothing is changed by it.
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
select c, pg_temp.outcome(c) from unnest(array['select rewards.sanction(''a'', ''user'', ''x'')', 'select rewards.earn_codes(''a'')', 'select rewards.perks(''a'')', 'select rewards.referral_quality(''a'')']) c;
select rewards.install() is not null as installed;
select c as call, pg_temp.outcome('select ' || c) from unnest(array[
	$$rewards.set_status('a', 'user', 'gone', 'x')$$, $$rewards.set_status('a', 'robot', 'warned', 'x')$$, $$rewards.set_status('a', 'user', 'warned', ' ')$$, $$rewards.set_status('a', 'user', 'warned', null)$$,
	$$rewards.set_status(null, 'user', 'warned', 'x')$$, $$rewards.set_status('a', 'user', null, 'x')$$, $$rewards.set_status('a', 'user', 'suspended', 'x', now() - interval '1 day')$$,
	$$rewards.set_status('a', 'user', 'banned', 'x', now() + interval '1 day')$$, $$rewards.set_status('a', 'user', 'active', 'x', now() + interval '1 day')$$, $$rewards.set_status('', 'user', 'warned', 'x')$$,
	$$rewards.sanction('a', 'user', '')$$, $$rewards.sanction('a', 'user', null)$$, $$rewards.sanction('a', null, 'x')$$,
	$$rewards.revoke_rewards('a', 'user', '')$$, $$rewards.revoke_rewards(null, 'user', 'x')$$,
	$$rewards.appeal('a', 'user', null)$$, $$rewards.appeal('a', 'user', ' ')$$, $$rewards.appeal(null, 'user', 'x')$$, $$rewards.resolve_appeal(null, true)$$, $$rewards.resolve_appeal(1, null)$$, $$rewards.resolve_appeal(1, true)$$,
	$$rewards.close_review(1, 'x')$$, $$rewards.close_review(1, '')$$,
	$$rewards.complete_onboarding('a', now() + interval '1 day')$$, $$rewards.complete_onboarding('a', '-infinity')$$, $$rewards.complete_onboarding(null)$$,
	$$rewards.earn_codes(null)$$, $$rewards.earn_codes('')$$, $$rewards.share_referral(null, 'b', 'c')$$, $$rewards.share_referral('a', E'b\x01', 'c')$$, $$rewards.share_referral('a', 'b', null)$$,
	$$rewards.redeem_code(null, 'a')$$, $$rewards.redeem_code('X', null)$$, $$rewards.redeem_code('X', 'a')$$,
	$$rewards.set_milestone(0, '{"codes": 1}')$$, $$rewards.set_milestone(null, '{"codes": 1}')$$, $$rewards.set_milestone(1, '{}')$$, $$rewards.set_milestone(1, '[]')$$, $$rewards.set_milestone(1, '{"codes": 0}')$$,
	$$rewards.set_milestone(1, '{"codes": 1.5}')$$, $$rewards.set_milestone(1, '{"codes": "1"}')$$, $$rewards.set_milestone(1, '{"premium": "soon"}')$$, $$rewards.set_milestone(1, '{"premium": "-1 day"}')$$,
	$$rewards.set_milestone(1, '{"premium": 1}')$$, $$rewards.set_milestone(1, '{"Perk": "1 day"}')$$, $$rewards.set_milestone(1, '{"points": -1}')$$, $$rewards.set_milestone(1, '{"points": 0.0000000001}')$$,
	$$rewards.set_days_reward('{"codes": null}')$$, $$rewards.set_quality_bonus(null, 5, '{"codes": 1}')$$, $$rewards.set_quality_bonus(2, 5, '{"codes": 1}')$$, $$rewards.set_quality_bonus(0.5, 0, '{"codes": 1}')$$,
	$$rewards.set_quality('[]')$$, $$rewards.set_quality('{"luck": 1}')$$, $$rewards.set_quality('{"recency": "1"}')$$, $$rewards.set_quality('{"recency": 0}')$$, $$rewards.set_quality('{"recency": -1}')$$, $$rewards.set_quality(null, 0)$$,
	$$rewards.set_quality_threshold(0.5, 'shot')$$, $$rewards.set_quality_threshold(1.5, 'warned')$$, $$rewards.set_quality_threshold(0.5, null)$$,
	$$rewards.perks(null)$$, $$rewards.perks('a', 'robot')$$, $$rewards.referral_quality(null)$$, $$rewards.referral_analytics(null)$$,
	$$rewards.set_setting('quality_method', 'best')$$, $$rewards.set_setting('invite_prefix', 'a b')$$, $$rewards.set_setting('invite_expiry', '-1 day')$$, $$rewards.set_setting('invite_expiry', 'soon')$$,
	$$rewards.set_setting('codes_after_days', '0')$$, $$rewards.set_setting('onboarded_requests', '0')$$, $$rewards.set_setting('low_credits', '-1')$$, $$rewards.set_setting('suspension_days', '1.5')$$]) c;
/* the programme's own codes are nobody's to rename; an e-mail of two users is nobody's */
select cardinality(rewards.make_invite_codes(null, 1, 'waitlist'));
select code from rewards.invite_codes \gset
select regexp_replace(pg_temp.outcome(format('select rewards.customize_invite(%L, %L, %L)', 'stranger', :'code', 'mine')), '".*"', '...');
select rewards.register_account('t1', email => 't@example.com'), rewards.register_account('t2', email => 'T@example.com');
select rewards.referral_code('t1', custom => 'T-ONE');
select pg_temp.outcome($$select rewards.redeem_code('T-ONE', 'T@example.com')$$);
select pg_temp.outcome(format('select rewards.redeem_code(%L, %L)', :'code', 't@example.com')), pg_temp.outcome($$select rewards.earn_codes('t@example.com')$$);
select count(*) as accounts from rewards.account;
select count(*) as statuses from rewards.account_status;
