-- revoke_code(): a made code, and an id that serves as one, is refused from then on
-- and never goes to anybody again; edges made with it stay; all of it is on record.
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
-- made codes: a generated one and one of the account's own choice
select rewards.referral_code('rob') as code \gset
select (rewards.referral_signup(:'code', 'early')).referrer;
select rewards.revoke_code(lower(:'code'), 'posted in public', 'ops') as voided;
select pg_temp.outcome(format('select rewards.referral_signup(%L, ''late'')', :'code')) like 'RW006 %' as refused;
select rewards.referral_code('rob') <> :'code' as new_one, rewards.referral_code('rob') = rewards.referral_code('rob') as kept, rewards.referral_code('rob') ~ '^USER-' as generated;
select (rewards.referral_signup(rewards.referral_code('rob'), 'late')).referrer;
select rewards.referral_code('rob', 'user', 'Robs'), rewards.revoke_code('ROBS', 'offensive');
select who, pg_temp.outcome(format('select rewards.referral_code(%L, ''user'', ''robs'')', who)) from unnest('{rob,other}'::text[]) who;
-- the edge made with it stays, and pays
insert into rewards.usage_logs (user_id, endpoint) values ('early', '/tts');
select account, entry, level, amount from rewards.shares_of((select max(id) from rewards.usage_logs)) order by 2 desc;
select referee, referrer, code = :'code' as by_revoked from rewards.referral_relationships order by 1;
select kind, account, custom, active, uses, voided_at is not null as voided, reason from rewards.referral_codes order by account, custom, active;

-- ids: under generated they are no codes, under both and identity they are until revoked
select rewards.register_account('twin'), rewards.register_account('twin', 'provider');
select rewards.set_setting('code_policy', 'generated') is not null as set;
select pg_temp.outcome('select rewards.revoke_code(''twin'', ''test'')');
select rewards.set_setting('code_policy', 'both') is not null as set;
select rewards.revoke_code('twin', 'impersonates', 'ops') as voided;
select kind, pg_temp.outcome(format('select rewards.referral_signup(''twin'', ''x'', %L)', kind)), rewards.referral_code('twin', kind) ~ '^(USER|PROV)-' as has_another from unnest('{user,provider}'::text[]) kind;
select rewards.set_setting('code_policy', 'identity') is not null as set;
select kind, pg_temp.outcome(format('select rewards.referral_code(''twin'', %L)', kind)), pg_temp.outcome(format('select rewards.referral_signup(''twin'', ''x'', %L)', kind)) from unnest('{user,provider}'::text[]) kind;
select pg_temp.outcome('select rewards.revoke_code(''twin'', ''again'')');
-- it does not come back as a code of somebody's choice, in whatever case
select rewards.set_setting('code_policy', 'both') is not null as set;
select who, code, pg_temp.outcome(format('select rewards.referral_code(%L, ''user'', %L)', who, code)) from unnest('{twin,rob}'::text[]) who, unnest('{twin,TWIN}'::text[]) code;
-- one text, several codes: the id of one account and a code another has chosen
select rewards.referral_code('rob', 'user', 'Sam'), rewards.register_account('sam');
select (rewards.referral_signup('Sam', 'by_code')).referrer, (rewards.referral_signup('sam', 'by_id')).referrer;
select rewards.revoke_code('sam', 'test') as voided;
select code, pg_temp.outcome(format('select rewards.referral_signup(%L, ''x'')', code)) from unnest('{sam,Sam,SAM}'::text[]) code;
-- an account that only rows name
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('fresh', 'fresh', '/tts');
select rewards.revoke_code('fresh', 'test') as voided;
select kind, pg_temp.outcome(format('select rewards.referral_signup(''fresh'', ''x'', %L)', kind)) from unnest('{user,provider}'::text[]) kind;

select kind, account, code, custom, active, uses, reason from rewards.referral_codes where code not like '%-%' order by code collate "C", kind;
select call, updated_by, arguments - 'code' as arguments, before -> 'active' as before, after -> 'active' as after, jsonb_array_length(after -> 'codes') as codes from rewards.admin_log where call = 'revoke_code' order by id;
select before from rewards.admin_log where call = 'revoke_code' and arguments ->> 'code' in ('twin', 'sam') order by id;
select complete from rewards.post();
select count(*) as differences from rewards.verify();
