-- A signup bonus goes up the chain as it was when the referee signed up: an admin who
-- dates a signup back pays nobody who stood in that chain only later.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('signup', 'user', 40, recipient_level => 2, valid_from => '-infinity') is not null as second;
select rewards.register_account('a', joined_at => '2025-01-01 00:00Z'), rewards.register_account('b', joined_at => '2025-01-01 00:00Z');
select bonus from rewards.referral_signup('a', 'b', at => '2025-02-01 00:00Z');
-- before b was referred, at the very moment, after it
select bonus from rewards.referral_signup('b', 'early', at => '2025-01-31 23:59:59.999999Z');
select bonus from rewards.referral_signup('b', 'same', at => '2025-02-01 00:00Z');
select bonus from rewards.referral_signup('b', 'late', at => '2025-02-02 00:00Z');
select account, level, amount, created_at at time zone 'UTC' as at from rewards.ledger order by source_id, level;
