-- adjust(): any unit of an account by hand, up or down, for a reason, with a reference
-- once; points count as bonus points; what must be covered is.
\set VERBOSITY sqlstate
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.adjust('ann', 'user', 10, 'support') is not null as points, rewards.adjust('ann', 'user', 2.5, 'support', 'earnings') is not null as earnings, rewards.adjust('ann', 'user', 100, 'support', 'credits') is not null as credits,
	rewards.adjust('ann', 'user', 7, 'support', 'tokens') is not null as tokens, rewards.adjust('gpu', 'provider', 4, 'support') is not null as provider, rewards.adjust('gpu', 'provider', 1, 'support', 'earnings') is not null as provider_earnings;
prepare balances as select a.account, a.unit, b.* from (values ('ann', 'user', 'points'), ('ann', 'user', 'earnings'), ('ann', 'user', 'credits'), ('ann', 'user', 'tokens'), ('gpu', 'provider', 'points'), ('gpu', 'provider', 'earnings'))
	a(account, kind, unit), lateral rewards.balance(a.account, a.kind, a.unit) b;
execute balances;
-- where they show
select user_id, usage_points, referral_points, bonus_points, total_points, requests, tokens from rewards.user_points;
select provider_id, work_points, bonus_points, total_points, requests from rewards.provider_rewards;
select account, own_points, bonus_points, total_points from rewards.daily_points order by 1;
select board, account, points from rewards.leaderboard where month is null order by 1, 2;
select own_points, bonus_points, total_points, creator_earnings, requests from rewards.account_summary('ann');
select account, entry, amount, unit, reason from rewards.ledger order by source_id;
select currency, type, amount, balance_after, reason, updated_by = current_user as by_me from rewards.credit_transactions order by id;
select count(*) as models from rewards.model_creator_earnings;
-- down; points and earnings may go below zero, and boards leave that out
select rewards.adjust('ann', 'user', -10.000000001, 'fraud') is not null as points, rewards.adjust('ann', 'user', -3, 'fraud', 'earnings') is not null as earnings, rewards.adjust('gpu', 'provider', -4, 'fraud') is not null as provider;
execute balances;
select board, account, points from rewards.leaderboard where month is null order by 1, 2;
-- credits under allow may, tokens never; under enforce neither
select rewards.adjust('ann', 'user', -7.000000001, 'fee', 'tokens');
select rewards.adjust('ann', 'user', -7, 'fee', 'tokens') is not null as tokens, rewards.adjust('ann', 'user', -101, 'fee', 'credits') is not null as credits;
select rewards.set_setting('credit_policy', 'enforce') is not null as enforced;
select rewards.adjust('ann', 'user', -1, 'fee', 'credits');
select rewards.adjust('ann', 'user', 3, 'sorry', 'credits') is not null as credits;
select rewards.adjust('ann', 'user', -2.5, 'fee', 'credits');
select rewards.adjust('ann', 'user', -2, 'fee', 'credits') is not null as credits;
execute balances;
-- a reference counts once, whatever the reason says; for anything else it is refused
select rewards.adjust('ben', 'user', 5, 'ticket 7', reference => 't7') = rewards.adjust('ben', 'user', 5.0, 'ticket seven', reference => 't7') as same;
select rewards.adjust('ben', 'user', 5, 'ticket 8', 'credits', 't8') = rewards.adjust('ben', 'user', 5, 'ticket 8', 'credits', 't8') as same;
select rewards.adjust('ben', 'user', -5, 'ticket 7', reference => 't7');
select rewards.adjust('ann', 'user', 5, 'ticket 7', reference => 't7');
select rewards.adjust('ben', 'provider', 5, 'ticket 7', reference => 't7');
select rewards.adjust('ben', 'user', 5, 'ticket 7', 'earnings', 't7');
/* one of credits is another thing's */
select rewards.add_credits('ben', 5, reference => 't7');
select (select available from rewards.balance('ben')) as points, rewards.credits('ben') as credits;
-- refused
select rewards.adjust('ann', 'user', 0, 'x');
select rewards.adjust('ann', 'user', 0.0000000001, 'x');
select rewards.adjust('ann', 'user', 'NaN', 'x');
select rewards.adjust('ann', 'user', '-Infinity', 'x');
select rewards.adjust('ann', 'user', -9223372036.854775808, 'x');
select rewards.adjust(null, 'user', 1, 'x');
select rewards.adjust('ann', null, 1, 'x');
select rewards.adjust('ann', 'user', null, 'x');
select rewards.adjust('ann', 'user', 1, null);
select rewards.adjust('ann', 'user', 1, 'x', null);
select rewards.adjust('ann', 'user', 1, 'x', updated_by => null);
select rewards.adjust('ann', 'user', 1, 'x', reference => '');
select rewards.adjust('ann', 'creator', 1, 'x');
select rewards.adjust('ann', 'user', 1, 'x', 'euros');
select rewards.adjust('gpu', 'provider', 1, 'x', 'credits');
select rewards.adjust('gpu', 'provider', 1, 'x', 'tokens');
select * from rewards.verify();
select complete from rewards.post();
execute balances;
select board, account, points from rewards.leaderboard where month is null order by 1, 2;
select * from rewards.verify();
