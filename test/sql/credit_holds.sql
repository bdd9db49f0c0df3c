-- Credits are held for a request to come: its row captures what it costs and frees the
-- rest; a failed row captures nothing; released or too late, they are free again.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

/* a request of n tokens costs n */
select rewards.set_pricing('embeddings', 1, 'token', 'admin', '2025-01-01') is not null as priced, rewards.toggle_mainnet(true, 'admin', '2025-01-01') as mainnet;
create function pg_temp.spend(who text, cost integer, request text default null, status integer default 200) returns numeric language sql as $$
	insert into rewards.usage_logs (user_id, endpoint, input_tokens, request_id, status_code) values (who, '/embeddings', cost, request, status) returning cost $$;
prepare wallets as select user_id, balance, held, added, spent from rewards.user_credits order by user_id collate "C";
prepare holds as select h.request_id, h.user_id, h.amount, h.status, u.input_tokens as captured_by, h.closed_at is not null as closed
from rewards.credit_holds h left join rewards.usage_logs u on u.id = h.usage_id order by h.created_at;
select rewards.add_credits('ben', 100);
-- held, once; a repeat holds nothing more; another amount or user is another request
select rewards.authorize_usage('ben', 30, 'r1');
select rewards.authorize_usage('ben', 30.0, 'r1');
select rewards.authorize_usage('ben', 31, 'r1');
select rewards.add_credits('cat', 50);
select rewards.authorize_usage('cat', 30, 'r1');
select rewards.credits('ben');
execute wallets;
select * from rewards.balance('ben', 'user', 'credits');
-- no more than there is, whatever the policy
select rewards.authorize_usage('ben', 70.000000001, 'r2');
select rewards.authorize_usage('ben', 70, 'r2');
select rewards.authorize_usage('ben', 0.000000001, 'r3');
select rewards.authorize_usage('nobody', 1, 'r3');
-- released, once
select rewards.release_hold('r2'), rewards.release_hold('r2') as again, rewards.release_hold('never') as unknown;
select rewards.credits('ben');
-- captured: 12 of 30 are spent, the rest is free at once
select pg_temp.spend('ben', 12, 'r1');
select rewards.credits('ben');
select rewards.release_hold('r1');
select rewards.authorize_usage('ben', 30, 'r1');
-- more than was held: the real cost counts
select rewards.authorize_usage('ben', 5, 'r3');
select pg_temp.spend('ben', 9, 'r3');
select rewards.credits('ben');
-- a failed row captures nothing, the retry does
select rewards.authorize_usage('ben', 10, 'r4');
select pg_temp.spend('ben', 8, 'r4', 500);
select rewards.credits('ben');
execute holds;
select pg_temp.spend('ben', 8, 'r4');
select rewards.credits('ben');
-- a free request frees it all
select rewards.authorize_usage('ben', 10, 'r5');
select pg_temp.spend('ben', 0, 'r5');
select rewards.credits('ben');
-- rolled back, nothing was held or captured
begin;
select rewards.authorize_usage('ben', 10, 'r6');
rollback;
select rewards.authorize_usage('ben', 20, 'r7');
begin;
select pg_temp.spend('ben', 3, 'r7');
select rewards.credits('ben');
rollback;
select rewards.credits('ben');
select rewards.release_hold('r7');
-- too late: free again; the request may still come, or be held for anew
select rewards.authorize_usage('ben', 11, 'r8', '1 s'), rewards.authorize_usage('ben', 11, 'r9', '1 s');
select pg_sleep(1.1);
select rewards.credits('ben'), rewards.release_hold('r8') as released;
select pg_temp.spend('ben', 1, 'r8');
select rewards.credits('ben');
select rewards.authorize_usage('ben', 7, 'r9');
/* 100 - 12 - 9 - 8 - 0 - 1 = 70, of which 7 are held */
execute holds;
execute wallets;
select * from rewards.verify();
-- the same once posted; holds whose time is not over stay
select complete from rewards.post();
execute holds;
execute wallets;
select rewards.credits('ben');
select pg_temp.spend('ben', 7, 'r9');
select complete from rewards.post();
execute wallets;
select * from rewards.verify();

-- under the policy enforce a hold is for its own request alone
select rewards.set_setting('credit_policy', 'enforce') is not null as enforced;
select rewards.add_credits('dan', 10);
select rewards.authorize_usage('dan', 10, 'd1');
select pg_temp.spend('dan', 1);
select pg_temp.spend('dan', 1, 'd2');
select rewards.authorize_usage('dan', 1, 'd2');
select pg_temp.spend('dan', 10, 'd1');
select rewards.credits('dan');
select rewards.add_credits('dan', 10);
select rewards.authorize_usage('dan', 4, 'd3');
-- more than it held, as far as there is more
select pg_temp.spend('dan', 11, 'd3');
select pg_temp.spend('dan', 9, 'd3');
select rewards.credits('dan');
select * from rewards.verify();
select complete from rewards.post();
select user_id, amount, status, usage_id is not null as by_row from rewards.credit_holds where user_id = 'dan' order by created_at;
select rewards.credits('dan');
select * from rewards.verify();

select rewards.authorize_usage(null, 1, 'x');
select rewards.authorize_usage('ben', null, 'x');
select rewards.authorize_usage('ben', 1, null);
select rewards.authorize_usage('ben', 1, 'x', null);
select rewards.authorize_usage('ben', 0, 'x');
select rewards.authorize_usage('ben', -1, 'x');
select rewards.authorize_usage('ben', 1, 'x', '0');
select rewards.authorize_usage('ben', 1, 'x', '2 years');
select rewards.release_hold(null);
