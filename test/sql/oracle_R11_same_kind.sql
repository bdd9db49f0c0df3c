-- R11: users refer only users, providers only providers (RW005).
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
select rewards.referral_code('kind_u') as user_code, rewards.referral_code('kind_p', 'provider') as provider_code \gset

-- by generated codes
select pg_temp.outcome(format('select rewards.referral_signup(%L, ''new'', ''provider'')', :'user_code'));
select pg_temp.outcome(format('select rewards.referral_signup(%L, ''new'', ''user'')', :'provider_code'));
-- by ids
select pg_temp.outcome('select rewards.referral_signup(''kind_u'', ''new'', ''provider'')');
select pg_temp.outcome('select rewards.referral_signup(''kind_p'', ''new'', ''user'')');
select count(*) as edges from rewards.referral_relationships;
select kind, account from rewards.accounts order by 1, 2;

-- one text, two accounts: an id leads to the account of the joiner's kind
select rewards.register_account('kind_u', 'provider');
select referrer, kind from rewards.referral_signup('kind_u', 'new', 'provider');
select referrer, kind from rewards.referral_signup('kind_u', 'new', 'user');
select kind, referee, referrer from rewards.referral_relationships order by 1;
-- a code that was made belongs to one account, whatever its namesake's kind
select pg_temp.outcome(format('select rewards.referral_signup(%L, ''kind_p'', ''user'')', :'provider_code'));
