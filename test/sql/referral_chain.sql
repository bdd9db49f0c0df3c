-- Who is above and who is below: referral_chain(), referral_network().
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_setting('code_policy', 'identity') is not null as identity;
select rewards.register_account('top', joined_at => '2024-01-01') as top, rewards.register_account('b', joined_at => '2024-02-01') as b;
select referrer from rewards.referral_signup('top', 'b', at => '2025-03-01 00:00Z');
select referrer from rewards.referral_signup('top', 'a', at => '2025-02-01 00:00Z');
select referrer from rewards.referral_signup('top', 'Z', at => '2025-02-01 00:00Z');
select referrer from rewards.referral_signup('b', 'c', at => '2025-04-01 00:00Z');
select referrer from rewards.referral_signup('c', 'd', at => '2025-05-01 00:00Z');
select referrer from rewards.referral_signup('a', 'e', at => '2025-05-01 00:00Z');

select * from rewards.referral_chain('d');
select * from rewards.referral_chain('d', depth => 2);
select * from rewards.referral_chain('d', 'user', 0);
select * from rewards.referral_chain('top');
-- by level, then by when they joined; b had joined before it was referred
select * from rewards.referral_network('top');
select * from rewards.referral_network('c');
select * from rewards.referral_network('d');
-- posted or not, it is the same
select complete from rewards.post();
select count(*), max(level) from rewards.referral_network('top');
-- unknown accounts have nobody, and are not registered
select * from rewards.referral_chain('nobody');
select * from rewards.referral_network('nobody');
select * from rewards.referral_chain('d', 'provider');
select * from rewards.referral_network('top', 'provider');
select count(*) from rewards.account where name = 'nobody';

-- a chain of 1000 has no end before its end
do $$ begin for i in 1..1000 loop perform rewards.referral_signup(case i when 1 then 'd' else 'n' || i - 1 end, 'n' || i); end loop; end $$;
select count(*), max(level), max(account) filter (where level = 1003) as root from rewards.referral_chain('n1000');
select count(*), max(level), max(account) filter (where level = 1003) as end from rewards.referral_network('top');
select sum(accounts), max(level) from rewards.network_sizes('user', 'top');

-- refused
select rewards.referral_chain(null);
select rewards.referral_chain('d', null);
select rewards.referral_chain('d', 'robot');
select rewards.referral_chain('d', 'user', -1);
select rewards.referral_network(null);
select rewards.referral_network('d', null);
select rewards.referral_network('d', 'robot');
