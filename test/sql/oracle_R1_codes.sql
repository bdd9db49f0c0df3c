-- R1: every user and every provider has a unique code, got or created by one call, of
-- the form USER-ABC123; here 8 characters that hold 40 bits and cannot be mistaken.
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
-- got or created: the same each time, another one for each account and kind
select kind, rewards.referral_code('ann', kind) = rewards.referral_code('ann', kind) as kept, rewards.referral_code('ann', kind) ~ ('^' || case kind when 'user' then 'USER' else 'PROV' end || '-[2-9A-HJ-NP-Z]{8}$') as form
from unnest('{user,provider}'::text[]) kind;
create temp table made as
select kind, i, rewards.referral_code('ann' || i, kind) as code from unnest('{user,provider}'::text[]) kind, generate_series(1, 1500) i;
select count(*) as codes, count(distinct upper(code)) as different, count(distinct upper(substr(code, 6))) as different_without_prefix from made;
select bool_and(code = rewards.referral_code('ann' || i, kind)) as kept from made where i <= 100;
-- the alphabet: 32 characters at each of 8 places, none of 0 O 1 I; each as often as chance would have it
select place, count(distinct letter) as characters, bool_and(letter !~ '[01OIa-z]') as no_look_alike, min(n) > 40 and max(n) < 160 as even
from (select place, substr(code, 5 + place, 1) as letter, count(*) as n from made, generate_series(1, 8) place group by 1, 2) l group by place order by place;
-- a made code is found in any case
select (rewards.referral_signup(lower(code), 'lower_' || i, kind)).referrer = 'ann' || i as lower, (rewards.referral_signup(initcap(code), 'mixed_' || i, kind)).referrer = 'ann' || i as mixed from made where i = 1;
-- one of an account's own choice besides
select rewards.referral_code('ann', 'user', 'Ann_2025'), rewards.referral_code('ann', 'user', 'ANN_2025') as again, rewards.referral_code('ann') ~ '^USER-' as generated_first;
select (rewards.referral_signup('aNN_2025', 'chosen')).referrer;
select kind, count(*), bool_and(active) as active, sum(uses) as uses, count(*) filter (where custom) as custom from rewards.referral_codes group by 1 order by 1;
-- ids are codes too under both, not under generated
select pg_temp.outcome('select rewards.referral_signup(''ann'', ''by_id'')');
select rewards.set_setting('code_policy', 'generated') is not null as set;
select pg_temp.outcome('select rewards.referral_signup(''ann'', ''by_id_2'')');
