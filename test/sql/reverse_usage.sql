-- reverse_usage(): the exact inverse of all that a row brought, in the columns it came from:
-- chains on both sides, the creator's share, the cost, the tokens, the counts; before and
-- after posting, after rules, owners and edges have changed, and with what was corrected.
\set VERBOSITY sqlstate
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

/* ana <- ben <- cat <- dan who uses; pa <- pb <- pc <- gpu that serves; maker owns the model */
select count(*) as edges from (values (1, 'ana', 'ben', 'user'), (2, 'ben', 'cat', 'user'), (3, 'cat', 'dan', 'user'),
	(4, 'pa', 'pb', 'provider'), (5, 'pb', 'pc', 'provider'), (6, 'pc', 'gpu', 'provider')) e(place, referrer, referee, kind),
	lateral rewards.referral_signup(rewards.referral_code(e.referrer, e.kind), e.referee, e.kind, '2025-01-01');
select rewards.register_model('mistral-7b', owner => 'maker', character_id => 'emma');
select rewards.init_pricing('mainnet', 'admin', '2025-01-01') as prices;
/* all that is read of amounts and counts, but for lines of zeros: what a reversal must bring back */
create function pg_temp.state() returns table (part text, line text) language sql as $$
	select 'provider_rewards', concat_ws(' ', provider_id, month, work_points, referral_points, bonus_points, total_points, requests, tokens) from rewards.provider_rewards
	where not (work_points = 0 and referral_points = 0 and bonus_points = 0 and total_points = 0 and requests = 0 and tokens = 0)
	union all select 'user_points', concat_ws(' ', user_id, month, usage_points, referral_points, bonus_points, total_points, requests, tokens) from rewards.user_points
	where not (usage_points = 0 and referral_points = 0 and bonus_points = 0 and total_points = 0 and requests = 0 and tokens = 0)
	union all select 'referral_points_by_level', concat_ws(' ', kind, account, month, level, points, events) from rewards.referral_points_by_level where points <> 0 or events <> 0
	union all select 'daily_points', concat_ws(' ', kind, account, day, own_points, referral_points, bonus_points, total_points, requests, tokens) from rewards.daily_points
	where not (own_points = 0 and referral_points = 0 and bonus_points = 0 and total_points = 0 and requests = 0 and tokens = 0)
	union all select 'model_creator_earnings', concat_ws(' ', creator_id, model_id, total_usage_count, total_tokens_consumed, total_earnings) from rewards.model_creator_earnings
	where total_usage_count <> 0 or total_tokens_consumed <> 0 or total_earnings <> 0
	union all select 'model_usage_logs', concat_ws(' ', model_id, count(*), sum(tokens_consumed), sum(earnings_generated)) from rewards.model_usage_logs group by model_id
	union all select 'leaderboard', concat_ws(' ', board, month, rank, kind, account, points) from rewards.leaderboard
	union all select 'user_credits', concat_ws(' ', user_id, currency, balance, held, spent) from rewards.user_credits where balance <> 0 or held <> 0 or spent <> 0
	union all select 'balance', concat_ws(' ', a.kind, a.account, u, b.available) from rewards.accounts a, unnest('{points,earnings}'::text[]) u, lateral rewards.balance(a.account, a.kind, u) b where b.available <> 0 $$;
create temp table kept (part text, line text);
create procedure pg_temp.keep() language sql as $$ delete from kept; insert into kept select * from pg_temp.state() $$;
prepare changed as select * from ((select 'gone' as what, * from (table kept except all select * from pg_temp.state()) g)
	union all (select 'new', * from (select * from pg_temp.state() except all table kept) n)) d order by part, line collate "C";
prepare use(text, timestamptz) as insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at)
	values ($1, 'dan', 'gpu', '/chat/completions', 'mistral-7b', 1000, 500, $2);
prepare reverse(text) as select rewards.reverse_usage((select id from rewards.usage_logs where request_id = $1), 'a mistake') is not null as reversed;
prepare january as
select 'user' as kind, user_id as account, usage_points as own, referral_points as referral, bonus_points as bonus, total_points as total, requests, tokens from rewards.user_points where month = '2025-01-01'
union all select 'provider', provider_id, work_points, referral_points, bonus_points, total_points, requests, tokens from rewards.provider_rewards where month = '2025-01-01' order by 1, 2;
prepare others as select 'earnings' as what, creator_id as account, total_usage_count as count, total_tokens_consumed as tokens, total_earnings as amount from rewards.model_creator_earnings
union all select 'level ' || level, account, events, null, points from rewards.referral_points_by_level union all select 'cost', 'dan', null, null, rewards.credits('dan') order by 1, 2;

-- two rows: 3 points each to gpu, .6 .3 .15 above it; .3 to dan, .06 .03 .015 above; .15 to maker; 0.0006 + 0.0012 / 2 of cost
execute use('first', '2025-01-10');
execute january;
execute others;
call pg_temp.keep();
execute use('second', '2025-01-10');
execute january;
execute others;
-- before posting
execute reverse('second');
execute changed;
execute january;
execute others;
execute reverse('second');
select * from rewards.verify();
select complete from rewards.post();
execute changed;
select * from rewards.verify();
execute reverse('second');
-- after posting, and half and half
execute use('third', '2025-01-11');
select complete from rewards.post();
execute reverse('third');
execute changed;
select * from rewards.verify();
select complete from rewards.post();
execute changed;
select * from rewards.verify();
-- what is told of it
select u.request_id, e.kind, e.account, e.entry, e.level, e.amount, e.rule, e.note from rewards.usage_logs u, lateral rewards.explain_reward(u.id) e
where u.request_id = 'third' and e.rule = 'reversal' order by e.kind, e.entry, e.level, e.account;
select l.kind, l.account, l.entry, l.level, l.amount, l.unit, l.created_at, l.reason from rewards.journal j join rewards.ledger l on l.source = 'journal' and l.source_id = j.id
where j.event = 'reversal' and j.reverses_id = (select id from rewards.usage_logs where request_id = 'third') order by l.unit, l.kind, l.level, l.account;
select a.account, a.unit, b.* from (values ('dan', 'user', 'points'), ('gpu', 'provider', 'points'), ('maker', 'user', 'earnings'), ('dan', 'user', 'credits')) a(account, kind, unit), lateral rewards.balance(a.account, a.kind, a.unit) b;
select type, amount, balance_after, reason from rewards.credit_transactions order by id;
select call, arguments ->> 'reason' as reason, count(*) from rewards.admin_log where call = 'reverse_usage' group by 1, 2;

-- the world has changed since: other rates, points, prices, owner, multiplier, a longer chain
execute use('fourth', '2025-01-12');
select rewards.set_referral_rates('user', '{0.5,0.4}', '2025-01-01') is not null as rates, rewards.set_referral_rates('provider', null, '2025-01-01') is not null as none,
	rewards.set_tier('blue_surge', 99, valid_from => '2025-01-01') is not null as tier, rewards.set_model_owner('mistral-7b', 'heir', '2025-01-01') is not null as owner,
	rewards.set_multiplier('gpu', 'provider', 7, '2025-01-01') is not null as multiplier, rewards.toggle_mainnet(false, 'admin', '2025-01-01') as mainnet;
select referrer from rewards.referral_signup(rewards.referral_code('zoe'), 'ana', 'user', '2025-01-01');
/* zoe's signup bonus is no matter of the row */
select rewards.reverse_journal(max(id), 'not of the row') is not null as reversed from rewards.journal where event <> 'reversal';
execute reverse('fourth');
execute changed;
select complete from rewards.post();
execute changed;
select * from rewards.verify();
-- with what rerate() has made of it: all of it goes, and rerate() leaves a reversed row alone
execute use('fifth', '2025-01-13');
select rewards.set_tier('blue_surge', 10, valid_from => '2025-01-13') is not null as tier, rewards.set_model_owner('mistral-7b', 'third', '2025-01-13') is not null as owner, rewards.toggle_mainnet(true, 'admin', '2025-01-13') as mainnet;
select count(*) as corrections from rewards.rerate('2025-01-13', '2025-01-14', 'new rules', false);
select user_id, usage_points, referral_points, bonus_points, requests from rewards.user_points where month = '2025-01-01' order by 1;
execute reverse('fifth');
execute changed;
select * from rewards.rerate('2025-01-11', '2025-01-14', 'look');
select rewards.set_tier('blue_surge', 20, valid_from => '2025-01-01') is not null as tier;
select u.request_id, r.entry from rewards.rerate('2025-01-11', '2025-01-14', 'look') r join rewards.usage_logs u on u.id = r.usage_id;
select complete from rewards.post();
execute changed;
select * from rewards.verify();

-- rows with little in them: failed, without points, without an account known so far, one user and provider of one name
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, status_code, created_at) values
	('failed', 'dan', 'gpu', '/chat/completions', 'mistral-7b', 1000, 500, '2025-01-20'), ('nothing', 'dan', 'gpu', '/nowhere', null, 7, 200, '2025-01-20'),
	('unknown', 'new1', 'new2', '/tts', null, 0, 200, '2025-01-20'), ('same', 'both', 'both', '/tts', null, 0, 200, '2025-01-20'), ('self', 'third', null, '/chat', 'mistral-7b', 50, 200, '2025-01-20');
select r, rewards.reverse_usage((select id from rewards.usage_logs where request_id = r), 'tidied up') is not null as reversed from unnest('{failed,nothing,unknown,same,self}'::text[]) r;
execute changed;
select complete from rewards.post();
execute changed;
execute reverse('failed');
execute reverse('nothing');
select * from rewards.verify();
-- a chat of deduct_token(): its tokens come back, and the creator's share goes
select rewards.add_credits('dan', 10, currency => 'tokens');
call pg_temp.keep();
select new_balance from rewards.deduct_token('dan', 4, 'emma', 'chat');
select creator_id, total_usage_count, total_tokens_consumed, total_earnings from rewards.model_creator_earnings where creator_id = 'third';
execute reverse('chat');
execute changed;
select type, amount, balance_after, reason, usage_id is not null as of_usage from rewards.token_transactions order by id;
execute reverse('chat');
-- its request is known all the same: the first answer, and nothing is taken
select * from rewards.deduct_token('dan', 4, 'emma', 'chat');
select complete from rewards.post();
execute changed;
select * from rewards.verify();
-- a closed month: the reversal counts on the first open day
select rewards.set_setting('closed_until', '2025-01-31') is not null as closed;
execute reverse('first');
select month, usage_points, requests, tokens from rewards.user_points where user_id = 'dan' and month between '2025-01-01' and '2025-02-01' order by 1;
select rewards.set_setting('closed_until', 'none') is not null as open;
-- the rows themselves stay as they were
select request_id, provider_points, user_points, creator_earnings, cost from rewards.usage_logs where request_id in ('first', 'second', 'third', 'fourth', 'fifth') order by id;
select complete from rewards.post();
select * from rewards.verify();
select rewards.repair('all') > 0 as repaired;
select * from rewards.verify();
/* what is left: the signup bonuses, and January and February in balance */
execute january;
select user_id, trim_scale(sum(usage_points)) as own, trim_scale(sum(referral_points)) as referral, sum(requests) as requests from rewards.user_points group by 1 order by 1;
select rewards.credits('dan') as credits, rewards.credits('dan', 'tokens') as tokens;

select rewards.reverse_usage(null, 'x');
select rewards.reverse_usage(1, null);
select rewards.reverse_usage(0, 'x');
select rewards.reverse_usage(-1, 'x');
select rewards.reverse_usage(999999999999, 'x');
/* an id of the journal is none of usage */
select rewards.reverse_usage(min(id), 'x') from rewards.journal;
