-- Every refusal of referral_code(), referral_signup() and revoke_code(), under each
-- code_policy, with its SQLSTATE and a hint; a refused call changes nothing.
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
create temp table policy as select unnest('{identity,generated,both}'::text[]) as policy;
create function pg_temp.under(policy text, call text) returns text language plpgsql as $$
begin
	perform rewards.set_setting('code_policy', policy);
	return pg_temp.outcome(call);
end $$;
-- 'old' has a generated code, one of its own choice, and a referee; 'gone' has had its code revoked
select rewards.referral_code('old', kind, 'Old-' || kind) from unnest('{user,provider}'::text[]) kind;
select rewards.referral_code('only_user') as generated, lower(rewards.referral_code('only_user')) as generated_lower, rewards.referral_code('only_prov', 'provider') as of_provider \gset
select rewards.referral_code('gone') as gone \gset
select rewards.revoke_code(:'gone', 'test');
select (rewards.referral_signup('old', 'joined')).referrer, (rewards.referral_signup('joined', 'third')).referrer;
select rewards.referral_code('joined', 'user', 'joined-1'), rewards.referral_code('third', 'user', 'third-1');
create temp table before as select (select count(*) from rewards.account) as accounts, (select count(*) from rewards.code) as codes,
	(select count(*) from rewards.voided_identity) as ids, (select count(*) from rewards.code where voided_at is not null) as voided, (select count(*) from rewards.journal) as journal,
	(select count(*) from rewards.account where referrer is not null) as edges, (select count(*) from rewards.admin_log where call = 'revoke_code') as log;

-- RW006: what is no code. Ids are compared byte for byte
select call, policy, pg_temp.under(policy, format('select rewards.referral_signup(%s, ''new'')', call)) ::varchar(60) as signup, pg_temp.under(policy, format('select rewards.revoke_code(%s, ''test'')', call))::varchar(60) as revoke
from (values ('''nobody'''), ('''USER-22222222'''), (''''''), ('''OLD'''), ('''old '''), ('''%'''), ('repeat(''x'', 300)')) c(call), policy order by call collate "C", policy;
-- RW006: a revoked code, in any case; a made one under identity, an id under generated
select policy, pg_temp.under(policy, format('select rewards.referral_signup(%L, ''new'')', :'gone')) like 'RW006 invalid referral code "USER-%"' as revoked,
	pg_temp.under(policy, format('select rewards.referral_signup(lower(%L), ''new'')', :'gone')) like 'RW006 invalid referral code "user-%"' as lower_case,
	pg_temp.under(policy, format('select rewards.revoke_code(%L, ''test'')', :'gone')) like 'RW006 invalid referral code "USER-%"' as again from policy;
select pg_temp.under('identity', format('select rewards.referral_signup(%L, ''new'')', :'generated')) like 'RW006 invalid referral code "USER-%"' as made_under_identity;
select pg_temp.under('identity', 'select rewards.referral_signup(''Old-user'', ''new'')') as chosen_under_identity, pg_temp.under('generated', 'select rewards.referral_signup(''old'', ''new'')') as id_under_generated,
	pg_temp.under('generated', 'select rewards.revoke_code(''old'', ''test'')') as revoke_id_under_generated;
-- RW002: itself; RW003: referred already; RW004: a circle of two and of three; RW005: kinds differ
select c.what, policy, pg_temp.under(policy, format('select rewards.referral_signup(%L, %L, %L)', case when policy = 'identity' or c.code is null then c.id else c.code end, c.referee, c.kind)) as outcome
from (values ('itself', 'old', 'old-USER', 'old', 'user'), ('itself, provider', 'old', 'OLD-provider', 'old', 'provider'), ('referred by another', 'only_user', :'generated', 'joined', 'user'),
	('referred by the same', 'old', 'old-user', 'joined', 'user'), ('circle of two', 'joined', 'JOINED-1', 'old', 'user'), ('circle of three', 'third', 'third-1', 'old', 'user'),
	('user by provider', 'only_prov', :'of_provider', 'new', 'user'), ('provider by user', 'only_user', :'generated_lower', 'new', 'provider')) c(what, id, code, referee, kind), policy
order by c.what, policy;

-- 22004, 22023, and 22008 for a time that has no day to count in
select call, pg_temp.outcome('select rewards.' || call) from unnest(array[
	'referral_code(null)', 'referral_code(''new'', null)', 'referral_code('''')', 'referral_code(repeat(''x'', 256))', 'referral_code(e''a\n'')', 'referral_code(''new'', ''creator'')',
	'referral_code(''new'', ''user'', '''')', 'referral_code(''new'', ''user'', ''ab'')', 'referral_code(''new'', ''user'', ''-abc'')', 'referral_code(''new'', ''user'', ''a c'')', 'referral_code(''new'', ''user'', ''naïve'')',
	'referral_code(''new'', ''user'', repeat(''x'', 65))',
	'referral_signup(null, ''new'')', 'referral_signup(''old'', null)', 'referral_signup(''old'', ''new'', null)', 'referral_signup(''old'', ''new'', ''user'', null)', 'referral_signup(''old'', '''')',
	'referral_signup(''old'', repeat(''x'', 256))', 'referral_signup(''old'', ''new'', ''creator'')', 'referral_signup(''old'', ''new'', ''user'', ''infinity'')', 'referral_signup(''old'', ''new'', ''user'', ''-infinity'')', 'referral_signup(''old'', ''new'', ''user'', ''0001-01-01 00:00Z BC'')',
	'referral_signup(''old'', ''new'', ''user'', now() + interval ''1 day'')',
	'revoke_code(null, ''test'')', 'revoke_code(''old'', null)', 'revoke_code(''old'', ''test'', null)', 'revoke_code(''old'', '''')', 'revoke_code(''old'', e'' \t'')']) call;
select pg_temp.under('identity', 'select rewards.referral_code(''new'', ''user'', ''my-code'')') as custom_under_identity;
-- 23505: taken, in whatever case; another account's id
select code, policy, pg_temp.under(policy, format('select rewards.referral_code(''only_user'', ''user'', %L)', code))
from unnest('{Old-user,OLD-USER,old-provider,joined,only_prov}'::text[]) code, policy where policy <> 'identity' order by code collate "C", policy;
-- its former owner's no more than anybody else's
select pg_temp.outcome(format('select rewards.referral_code(%L, ''user'', %L)', who, :'gone')) like '23505 code "USER-%" is taken' as a_revoked_code_is_nobodys from unnest('{only_user,gone}'::text[]) who;
-- RW001: an unknown account while accounts are not registered by themselves
select rewards.set_setting('auto_register', 'off') is not null as set;
select call, pg_temp.outcome('select rewards.' || call) from unnest('{referral_code(''new''),"referral_signup(''old'', ''new'')"}'::text[]) call;

-- 42501: a date by who is no admin, and revoking
create role rewards_test_code_app;
create role rewards_test_code_analyst;
select rewards.grant_access('rewards_test_code_app', 'app'), rewards.grant_access('rewards_test_code_analyst', 'analyst');
select rewards.set_setting('auto_register', 'on') is not null as set;
select a.access, call, (select pg_temp.outcome(format('set local role rewards_test_code_%s; select rewards.%s', a.access, call))) from unnest('{app,analyst}'::text[]) a(access), unnest(array[
	'referral_signup(''old'', ''new'', ''user'', ''2020-01-01'')', 'referral_signup(''old'', ''new'', ''user'', ''-infinity'')', 'referral_signup(''old'', ''new'', ''user'', now() + interval ''1 s'')',
	'revoke_code(''old'', ''test'')', 'set_referral_kinds(''user'', ''provider'', true)']) call;
reset role;
select b.accounts = (select count(*) from rewards.account) as accounts, b.codes = (select count(*) from rewards.code) as codes, b.ids = (select count(*) from rewards.voided_identity) as ids,
	b.voided = (select count(*) from rewards.code where voided_at is not null) as voided, b.journal = (select count(*) from rewards.journal) as journal,
	b.edges = (select count(*) from rewards.account where referrer is not null) as edges, b.log = (select count(*) from rewards.admin_log where call = 'revoke_code') as log from before b;
-- without a date it may
select rewards.set_setting('code_policy', 'both') is not null as set;
set role rewards_test_code_app;
select (rewards.referral_signup('old', 'new')).referrer;
reset role;
select rewards.revoke_access('rewards_test_code_app'), rewards.revoke_access('rewards_test_code_analyst');
drop role rewards_test_code_app, rewards_test_code_analyst;
