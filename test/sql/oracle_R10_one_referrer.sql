-- R10: one relationship an account, permanent: a second signup is refused (RW003),
-- whoever it names; nothing changes the edge. R12: what was earned is kept.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
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

select kind, rewards.referral_code(name, kind) is not null as code
from unnest('{user,provider}'::text[]) kind, unnest('{first,second}'::text[]) name;
select kind, (rewards.referral_signup('first', 'joiner', kind)).referrer from unnest('{user,provider}'::text[]) kind;
insert into rewards.usage_logs (user_id, endpoint) values ('joiner', '/tts');

-- again: by the same code, another one, in the past, before or after posting
select pg_temp.outcome('select rewards.referral_signup(''first'', ''joiner'')');
select pg_temp.outcome('select rewards.referral_signup(''second'', ''joiner'')');
select pg_temp.outcome('select rewards.referral_signup(''second'', ''joiner'', ''provider'')');
select pg_temp.outcome('select rewards.referral_signup(''second'', ''joiner'', ''user'', ''2020-01-01'')');
select complete from rewards.post();
select pg_temp.outcome('select rewards.referral_signup(''second'', ''joiner'')');
-- the refused calls changed nothing: two edges, one bonus
select kind, referee, referrer from rewards.referral_relationships order by 1;
select kind, account, entry, amount from rewards.ledger where source = 'journal' order by 1, 2;
select account, referral_points, bonus_points, referees from unnest('{first,second}'::text[]) account, rewards.account_summary(account, 'user', 'all');

-- the other signups that are refused, and change nothing either
select call, pg_temp.outcome('select rewards.referral_signup(' || call || ')') from (values
	('''second'', ''second'''),					-- RW002: itself
	('''joiner'', ''first'''),					-- RW004: a circle of two
	('''nobody'', ''new'''),					-- RW006: no such code
	('''USER-22222222'', ''new'''),
	('null, ''new'''), ('''first'', null'), ('''first'', ''new'', null'), ('''first'', ''new'', ''user'', null'),
	('''first'', '''''), ('''first'', ''new'', ''creator'''),
	('''first'', ''new'', ''user'', ''2999-01-01'''), ('''first'', ''new'', ''user'', ''infinity''')) c(call);
select kind, account from rewards.accounts order by 1, 2;

-- RW004: circles of any length
select (rewards.referral_signup('joiner', 'grandchild')).referrer, (rewards.referral_signup('grandchild', 'greatgrandchild')).referrer;
select pg_temp.outcome('select rewards.referral_signup(''greatgrandchild'', ''first'')');

-- a code is found in any case; an account may have a code of its own choice, once
select (rewards.referral_signup(lower(rewards.referral_code('second')), 'by_code')).referrer;
select rewards.referral_code('second') ~ '^USER-[2-9A-HJ-NP-Z]{8}$' as user_code, rewards.referral_code('second', 'provider') ~ '^PROV-[2-9A-HJ-NP-Z]{8}$' as provider_code,
	rewards.referral_code('second') = rewards.referral_code('second') as kept;
select rewards.referral_code('second', 'user', 'My-Code'), rewards.referral_code('second', 'user', 'my-code') as again;
select pg_temp.outcome('select rewards.referral_code(''first'', ''user'', ''MY-CODE'')');
select pg_temp.outcome('select rewards.referral_code(''first'', ''user'', ''a b'')');
select (rewards.referral_signup('MY-code', 'by_custom')).referrer;
select kind, account, custom, active, uses from rewards.referral_codes order by kind, account, custom, code;
