-- P13, T6: testnet is free and points accumulate there as ever.
-- (What it costs elsewhere, and credits there: oracle_T6_testnet.)
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select bonus from rewards.referral_signup(rewards.referral_code('testnet_a'), 'testnet_b');

insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens)
values ('testnet_b', 'testnet_p', '/chat/completions', 'llama-3-70b', 1000000, 1000000)
returning cost = 0 as free, provider_points > 0 as provider_earns, user_points > 0 as user_earns;
select account, entry, level, amount from rewards.ledger where account like 'testnet%' and kind = 'user' order by 1, 2, 3;
