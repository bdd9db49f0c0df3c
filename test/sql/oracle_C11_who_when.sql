-- C11: who changed what, when: every version of a price names who set it, and every call
-- is in the admin log with what was before and what came after.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select max(id) as last into temp log from rewards.admin_log;
select price_per_unit from rewards.set_pricing('tts', 0.5, 'request', 'alice', '2025-01-01');
select price_per_unit from rewards.set_pricing('tts', 0.7, 'request', 'bob', '2025-02-01');
select price_per_unit from rewards.set_pricing('tts', 0.6, 'request', valid_from => '2025-02-01');
select rewards.toggle_mainnet(true, 'carol', '2025-01-01'), rewards.toggle_mainnet(false, valid_from => '2025-03-01');
select rewards.init_pricing('testnet', 'dora', '2025-04-01');
select price_per_unit, unit, valid_from, case when updated_by = current_user then 'me' else updated_by end as updated_by, recorded_at <= clock_timestamp() as recorded
from rewards.pricing_history where config_key = 'tts' order by recorded_at;
select count(*) as by_dora from rewards.pricing_history where updated_by = 'dora';
select rewards.add_credits('ben', 50, 'Welcome bonus', reference => 'w1', updated_by => 'emma');
select rewards.add_credits('ben', 5);
select rewards.refund_credits('w1', 'closed', 'fred');
select rewards.adjust('ben', 'user', 2, 'goodwill', 'credits', updated_by => 'gina') is not null as adjusted;
select rewards.set_token_cost('chat', 2, '2025-01-01', 'hugo') is not null as set, rewards.set_payout_rule('earnings', 1, true, '{bank}', '2025-01-01', 'ina') is not null as rule;
select rewards.set_payout_method('ben', 'bank', '{"iban": "secret"}', updated_by => 'jon');
select type, amount, reason, case when updated_by = current_user then 'me' else updated_by end as updated_by from rewards.credit_transactions order by id;
/* entries by what they hold, for their ids are nobody's business */
select l.call, case when l.updated_by = current_user then 'me' else l.updated_by end as updated_by, l.session_role = current_user as by_me, l.arguments - 'versions' as arguments,
	case l.call when 'init_pricing' then l.before #- '{price}' || jsonb_build_object('tts', l.before -> 'price' -> 'tts') else l.before end as before,
	case when l.call = 'init_pricing' then l.after #- '{price}' || jsonb_build_object('tts', l.after -> 'price' -> 'tts')
		when jsonb_typeof(l.after) = 'object' then l.after - '{entry,reverses,updated_at}'::text[] else l.after end as after
from rewards.admin_log l cross join log where l.id > log.last order by l.id;
-- refused calls leave nothing behind
select max(id) as last into temp later from rewards.admin_log;
select rewards.set_pricing('tts', -1, 'request', 'alice');
select rewards.add_credits('ben', 0);
select rewards.refund_credits('w1', 'closed');
select count(*) as entries from rewards.admin_log l cross join later where l.id > later.last;
select * from rewards.verify();
select complete from rewards.post();
select * from rewards.verify();
