-- R3: signup takes a code, the referee and the referee's type. A code is entered once
-- (RW003 later); whether the dashboard shall still ask for one can be read.
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
	return concat_ws(' ', sqlstate, sqlerrm, case when hint = '' then '(no hint)' end);
end $$;
select rewards.referral_code('inviter') as code \gset
select rewards.register_account('newuser456');
select account, referrer is null as ask_for_a_code from rewards.accounts where account = 'newuser456';
select (account_summary).referrer is null as ask_for_a_code from rewards.account_summary('newuser456');
select referrer, kind, bonus, created_at = now() as at_once from rewards.referral_signup(:'code', 'newuser456', 'user');
select account, referrer from rewards.accounts where account = 'newuser456';
select (account_summary).referrer from rewards.account_summary('newuser456');
select pg_temp.outcome(format('select rewards.referral_signup(%L, ''newuser456'', ''user'')', :'code'));
select pg_temp.outcome('select rewards.referral_signup(rewards.referral_code(''another''), ''newuser456'', ''user'')');
-- the provider of the same name has not entered one
select referrer, kind from rewards.referral_signup(rewards.referral_code('inviter', 'provider'), 'newuser456', 'provider');
select kind, referee, referrer from rewards.referral_relationships order by 1;
select count(*) as bonuses, sum(amount) as points from rewards.ledger where source = 'journal';
