-- E5: nothing in earnings can fail a chat. A model's rate that is out of all range: the
-- chat is stored without earnings and counted; rerate() mends it when the rate is right.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.register_model('huge', 'Huge', owner => 'maker', character_id => 'x', rate => 9000000000), rewards.register_model('fine', owner => 'maker', character_id => 'y');
select rewards.add_credits('ben', 100, currency => 'tokens');
prepare unrated as select unrated_rows from rewards.status;
-- one token is just in range, ten are not
select * from rewards.deduct_token('ben', 1, 'x');
select creator_earnings from rewards.usage_logs;
select * from rewards.deduct_token('ben', 10, 'x', 'r1');
select * from rewards.deduct_token('ben', 5, model_id => 'huge', request_id => 'r2');
select * from rewards.deduct_token('ben', 10, 'y', 'r3');
execute unrated;
select request_id, model, character_id, input_tokens, status_code, service, creator_earnings from rewards.usage_logs order by id;
select usage_id is not null as row, error, mended_at from rewards.unrated_usage order by usage_id;
-- a repeat has the first answer and is counted once
select * from rewards.deduct_token('ben', 10, 'x', 'r1');
execute unrated;
-- only deduct_token() promises that: a row that cannot be computed is refused
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('ben', '/chat', 'huge', 10);
-- nor does skipping earnings outlive the call
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('ben', '/chat', 'fine', 10) returning creator_earnings;
/* in the same transaction, too */
begin;
select success from rewards.deduct_token('ben', 2, 'x', 'r4');
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('ben', '/chat', 'fine', 10) returning creator_earnings;
rollback;
execute unrated;
select rewards.credits('ben', 'tokens');
prepare earned as select model_id, total_usage_count, total_tokens_consumed, total_earnings from rewards.model_creator_earnings order by 1;
execute earned;
select * from rewards.verify();
select complete from rewards.post();
execute unrated;
execute earned;
select * from rewards.verify();
-- while the rate is what it is, rerate() fails and says at which row
select count(*) from rewards.rerate('2025-01-01', now() + interval '1 day', 'try', false);
execute unrated;
-- the rate was meant to be 0.001, from ever: 0.001 for the first, 0.01 and 0.005 for the others
select rewards.register_model('huge', rate => 0.001, valid_from => '2025-01-01');
select u.request_id, r.account, r.entry, r.booked, r.now_due from rewards.rerate('2025-01-01', now() + interval '1 day', 'look') r join rewards.usage_logs u on u.id = r.usage_id order by u.id;
execute unrated;
select count(*) as corrections from rewards.rerate('2025-01-01', now() + interval '1 day', 'the rate was wrong', false);
execute unrated;
select count(*) as mended from rewards.unrated_usage where mended_at is not null;
execute earned;
select available, available = 0.001 + 0.01 + 0.005 + 10 * 0.0001 + 10 * 0.0001 as exact from rewards.balance('maker', 'user', 'earnings');
select count(*) as corrections from rewards.rerate('2025-01-01', now() + interval '1 day', 'again', false);
select * from rewards.verify();
select complete from rewards.post();
execute earned;
select rewards.model_earnings('maker') - 'models' as sums;
-- mended and then taken back: nothing is left of it
select rewards.reverse_usage((select id from rewards.usage_logs where request_id = 'r1'), 'a mistake') is not null as reversed;
execute earned;
select rewards.credits('ben', 'tokens');
select * from rewards.verify();
select complete from rewards.post();
execute earned;
select * from rewards.verify();
select rewards.repair('all') > 0 as repaired;
execute earned;
select * from rewards.verify();
-- a creator's rate of the programme, gone wrong the same way
select rewards.set_creator_rate(9000000000, valid_from => '2025-01-01') is not null as set;
select * from rewards.deduct_token('ben', 3, 'y', 'r5');
execute unrated;
-- what is no fault of earnings is told as ever
select * from rewards.deduct_token('ben', 300, 'y', 'r6');
select * from rewards.deduct_token('ben', 0, 'y', 'r6');
select rewards.set_creator_rate(0.0001, valid_from => '2025-01-01') is not null as mended;
select u.request_id, r.booked, r.now_due from rewards.rerate('2025-01-01', now() + interval '1 day', 'mend', false) r join rewards.usage_logs u on u.id = r.usage_id;
execute unrated;
select * from rewards.verify();
