-- Calls on prices, credits, tokens, reversals and payouts with what cannot be: NULLs,
-- malformed ids, amounts, units, unknown things; each with its SQLSTATE and a hint, and
-- nothing changed.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.outcome(call text) returns text language plpgsql as $$
declare
	hint text;
begin
	execute call;
	return 'accepted';
exception when others then
	get stacked diagnostics hint = pg_exception_hint;
	return concat_ws(' ', sqlstate, regexp_replace(sqlerrm, '(entry|row|payout) \d+', '\1 N'), case when hint = '' then '(no hint)' end);
end $$;
/* something to refuse: ann has 5 credits, 3 tokens, 2 points; ben owes nothing; one payout is over */
select rewards.add_credits('ann', 5, reference => 'c1'), rewards.add_credits('ann', 3, currency => 'tokens'), rewards.adjust('ann', 'user', 3, 'gift', reference => 'a1') is not null as adjusted;
select rewards.request_payout('ann', 'user', 1, 'points', reference => 'p1') as payout \gset
select rewards.approve_payout(:payout), rewards.complete_payout(:payout, 'wire');
select rewards.authorize_usage('ann', 1, 'h1', '1 hour');
create view pg_temp.everything as
select (select count(*) from rewards.rule) as rules, (select count(*) from rewards.account) as accounts, (select count(*) from rewards.journal) as entries, (select count(*) from rewards.usage_logs) as rows,
	(select count(*) from rewards.hold) as holds, (select count(*) from rewards.payout) as payouts, (select count(*) from rewards.payout_method) as methods, (select count(*) from rewards.unit) as units,
	(select count(*) from rewards.admin_log) as log, (select md5(string_agg(concat_ws(' ', w.account, w.unit, w.balance), ',' order by w.account, w.unit)) from rewards.wallet w) as wallets;
create temp table before as table pg_temp.everything;

-- a required argument that is NULL
select call, pg_temp.outcome('select rewards.' || call) from unnest(array[
	'set_pricing(null, 1, ''request'')', 'set_pricing(''tts'', null, ''request'')', 'set_pricing(''tts'', 1, null)', 'set_pricing(''tts'', 1, ''request'', null)', 'set_pricing(''tts'', 1, ''request'', ''x'', null)',
	'init_pricing(null)', 'init_pricing(''testnet'', null)', 'init_pricing(''testnet'', ''x'', null)', 'toggle_mainnet(null)', 'toggle_mainnet(true, null)', 'toggle_mainnet(true, ''x'', null)', 'is_mainnet(null)',
	'quote(null, null, 0, 0)', 'quote(''/tts'', null, 0, 0, at => null)',
	'add_credits(null, 1)', 'add_credits(''ann'', null)', 'add_credits(''ann'', 1, currency => null)', 'add_credits(''ann'', 1, updated_by => null)', 'credits(null)', 'credits(''ann'', null)',
	'refund_credits(null, ''x'')', 'refund_credits(''c1'', null)', 'refund_credits(''c1'', ''x'', null)',
	'authorize_usage(null, 1, ''r'')', 'authorize_usage(''ann'', null, ''r'')', 'authorize_usage(''ann'', 1, null)', 'authorize_usage(''ann'', 1, ''r'', null)', 'release_hold(null)',
	'deduct_token(null)', 'set_token_cost(null, 1)', 'set_token_cost(''chat'', 1, null)', 'set_token_cost(''chat'', 1, now(), null)',
	'reverse_usage(null, ''x'')', 'reverse_usage(1, null)', 'reverse_journal(null, ''x'')', 'reverse_journal(1, null)',
	'adjust(null, ''user'', 1, ''x'')', 'adjust(''ann'', null, 1, ''x'')', 'adjust(''ann'', ''user'', null, ''x'')', 'adjust(''ann'', ''user'', 1, null)', 'adjust(''ann'', ''user'', 1, ''x'', null)', 'adjust(''ann'', ''user'', 1, ''x'', updated_by => null)',
	'set_payout_rule(null, 1)', 'set_payout_rule(''points'', 1, valid_from => null)', 'set_payout_rule(''points'', 1, updated_by => null)', 'set_payout_rule(''points'', 1, methods => ''{null}'')',
	'set_payout_method(null, ''bank'', ''{}'')', 'set_payout_method(''ann'', null, ''{}'')', 'set_payout_method(''ann'', ''bank'', ''{}'', null)', 'set_payout_method(''ann'', ''bank'', ''{}'', ''user'', null)', 'set_payout_method(''new'', ''bank'', null, ''user'', null)',
	'request_payout(null, ''user'', 1)', 'request_payout(''ann'', null, 1)', 'request_payout(''ann'', ''user'', null)', 'request_payout(''ann'', ''user'', 1, null)',
	'approve_payout(null)', 'complete_payout(null, ''x'')', 'complete_payout(1, null)', 'fail_payout(null, ''x'')', 'fail_payout(1, null)', 'approve_payout(1, null)', 'complete_payout(1, ''x'', null)', 'fail_payout(1, ''x'', null)']) call;
-- prices, units, tables of prices, tokens
select call, pg_temp.outcome('select rewards.' || call) from unnest(array[
	'set_pricing(''chat'', 1, ''request'')', 'set_pricing('''', 1, ''request'')', 'set_pricing(''TTS'', 1, ''request'')', 'set_pricing(''tts'', -1, ''request'')', 'set_pricing(''tts'', ''NaN'', ''request'')', 'set_pricing(''tts'', 1e-10, ''request'')',
	'set_pricing(''tts'', 1e10, ''request'')', 'set_pricing(''tts'', 1, ''10_tokens'')', 'set_pricing(''tts'', 1, ''tokens'')', 'init_pricing(''main'')', 'init_pricing('''')',
	'quote(''/tts'', null, -1, 0)', 'quote(''/tts'', null, 0, -1)', 'quote(''/tts'', null, 0, 0, at => ''infinity'')', 'quote(repeat(''x'', 5000), null, 0, 0)', 'quote(''/tts'', '''', 0, 0)', 'quote(''/tts'', null, 0, 0, '''')',
	'set_token_cost(''chat'', 0)', 'set_token_cost(''chat'', -1)', 'set_token_cost('''', 1)', 'deduct_token(''ann'', 0)', 'deduct_token(''ann'', -2147483648)', 'deduct_token(e''a\x01'')']) call;
-- amounts
select f, v, pg_temp.outcome(format(f, v)) from unnest(array['select rewards.add_credits(''ann'', %s)', 'select rewards.authorize_usage(''ann'', %s, ''r'')', 'select rewards.request_payout(''ann'', ''user'', %s)',
	'select rewards.adjust(''ann'', ''user'', %s, ''x'')', 'select rewards.set_payout_rule(''points'', %s)']) f, unnest(array['0', '-1', '0.0000000001', '9223372036.854775808', '''NaN''', '''Infinity''']) v
where not (f like '%adjust%' and v = '-1') and not (f like '%rule%' and v = '0');
-- ids
select f, v, pg_temp.outcome(format(f, v)) from unnest(array['select rewards.add_credits(%s, 1)', 'select rewards.add_credits(''ann'', 1, currency => %s)', 'select rewards.add_credits(''ann'', 1, reference => %s)', 'select rewards.refund_credits(%s, ''x'')',
	'select rewards.authorize_usage(%s, 1, ''r'')', 'select rewards.authorize_usage(''ann'', 1, %s)', 'select rewards.release_hold(%s)', 'select rewards.deduct_token(%s)', 'select rewards.deduct_token(''ann'', 1, %s)', 'select rewards.deduct_token(''ann'', 1, null, %s)',
	'select rewards.deduct_token(''ann'', 1, null, null, %s)', 'select rewards.deduct_token(''ann'', 1, model_id => %s)', 'select rewards.adjust(%s, ''user'', 1, ''x'')', 'select rewards.adjust(''ann'', ''user'', 1, ''x'', reference => %s)',
	'select rewards.set_payout_method(%s, ''bank'', ''{}'')', 'select rewards.set_payout_method(''ann'', %s, ''{}'')', 'select rewards.request_payout(%s, ''user'', 1)', 'select rewards.request_payout(''ann'', ''user'', 1, method => %s)',
	'select rewards.request_payout(''ann'', ''user'', 1, reference => %s)', 'select rewards.complete_payout(1, %s)']) f, unnest(array['''''', 'repeat(''x'', 256)', 'e''a\x7f''']) v;
-- kinds and units, times, what is not there
select call, pg_temp.outcome('select rewards.' || call) from unnest(array[
	'adjust(''ann'', ''creator'', 1, ''x'')', 'adjust(''ann'', ''user'', 1, ''x'', ''euros'')', 'adjust(''gpu'', ''provider'', 1, ''x'', ''credits'')', 'set_payout_method(''ann'', ''bank'', ''{}'', ''x'')', 'request_payout(''ann'', ''x'', 1)',
	'request_payout(''ann'', ''user'', 1, ''credits'')', 'request_payout(''ann'', ''user'', 1, ''euros'')', 'set_payout_rule(''credits'', 1)', 'set_payout_rule(''points'', 1, methods => ''{""}'')', 'add_credits(''ann'', 1, currency => ''points'')', 'add_credits(''ann'', 1, currency => ''earnings'')',
	'add_credits(''ann'', 1, expires_at => ''2025-01-01'')', 'add_credits(''ann'', 1, expires_at => ''-infinity'')', 'add_credits(''ann'', 1, expires_at => ''99999-01-01'')', 'authorize_usage(''ann'', 1, ''r'', ''0'')', 'authorize_usage(''ann'', 1, ''r'', ''-1 s'')', 'authorize_usage(''ann'', 1, ''r'', ''367 days'')',
	'refund_credits(''nothing'', ''x'')', 'reverse_usage(0, ''x'')', 'reverse_usage(-5, ''x'')', 'reverse_usage(9223372036854775807, ''x'')', 'reverse_journal(0, ''x'')', 'reverse_journal(-9223372036854775808, ''x'')', 'approve_payout(0)', 'complete_payout(-1, ''x'')', 'fail_payout(9223372036854775807, ''x'')',
	'request_payout(''ann'', ''user'', 1, ''points'', ''bank'')']) call;
-- other contents of what is known, once more what is done, more than there is, a state that does not fit
select call, pg_temp.outcome('select rewards.' || call) from unnest(array[
	'add_credits(''ann'', 6, reference => ''c1'')', 'add_credits(''ben'', 5, reference => ''c1'')', 'adjust(''ann'', ''user'', 4, ''x'', reference => ''a1'')', 'request_payout(''ann'', ''user'', 2, ''points'', reference => ''p1'')', 'authorize_usage(''ann'', 2, ''h1'')',
	'authorize_usage(''ann'', 4.000000001, ''h2'')', 'authorize_usage(''nobody'', 1, ''h2'')', 'adjust(''ann'', ''user'', -4, ''x'', ''tokens'')',
	'request_payout(''ann'', ''user'', 2.000000001, ''points'')', 'request_payout(''ann'', ''user'', 1)', 'request_payout(''nobody'', ''provider'', 1, ''points'')',
	format('approve_payout(%s)', :payout), format('complete_payout(%s, ''x'')', :payout), format('fail_payout(%s, ''x'')', :payout), 'reverse_journal((select id from rewards.journal where event = ''payout''), ''x'')']) call;
select (select b::text from before b) = (select e::text from pg_temp.everything e) as unchanged;
/* refunds and reversals once */
select rewards.refund_credits('c1', 'x') as debt, rewards.reverse_journal((select id from rewards.journal where reference = 'a1'), 'x') is not null as reversed;
select call, pg_temp.outcome('select rewards.' || call) from unnest(array['refund_credits(''c1'', ''x'')', 'reverse_journal((select id from rewards.journal where reference = ''c1''), ''x'')', 'reverse_journal((select id from rewards.journal where reference = ''a1''), ''x'')',
	'reverse_journal((select id from rewards.journal where event = ''reversal'' limit 1), ''x'')']) call;
select count(*) as registered from rewards.accounts where account in ('nobody', 'new', 'ben', 'gpu');
-- ids that look bad and are not
select rewards.add_credits(v, 1), rewards.add_credits('ann', 1, reference => v) is not null as reference from unnest('{o''brien,"\"q\"",$1,"; drop table x",%,用户}'::text[]) v;
select * from rewards.verify();
select complete from rewards.post();
select * from rewards.verify();
