-- What the guide's questions and answers promise: rewards at once, a permanent
-- relationship, no limit, kept rewards, one's own kind, the earner's full amount.
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
select rewards.load_preset('cxmpute_guide', '-infinity') > 0 as guide;
select rewards.register_account('you'), rewards.register_account('you', 'provider'), rewards.register_account('somebody_else');

-- When do I receive referral rewards? Immediately: in the transaction that records the request
begin;
select referrer, bonus from rewards.referral_signup('you', 'friend');
select user_id, referral_points, bonus_points from rewards.user_points;
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('friend', '/chat/completions', 'llama-3-8b', 1000) returning user_points;
select user_id, usage_points, referral_points, bonus_points from rewards.user_points order by 1;
commit;
select rank, account, points from rewards.leaderboard_top('referrer');
select backlog > 0 as not_posted_yet from rewards.status;

-- Can I change who referred me? No
select pg_temp.outcome('select rewards.referral_signup(''somebody_else'', ''friend'')');
select referee, referrer from rewards.referral_relationships;

-- Is there a limit on referral earnings? No: the thousandth request pays what the first did
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) select 'friend', '/chat/completions', 'llama-3-8b', 1000 from generate_series(2, 1000);
select s.amount, count(*) from rewards.usage_logs u cross join lateral rewards.shares_of(u.id) s where s.account = 'you' group by 1;
select referral_points from rewards.user_points where user_id = 'you';

-- What if someone I referred stops? All earned is kept, nothing new comes
select complete from rewards.post();
insert into rewards.usage_logs (user_id, endpoint, model, input_tokens) values ('somebody_else', '/chat/completions', 'llama-3-8b', 1000);
select complete from rewards.post();
select user_id, usage_points, referral_points, bonus_points from rewards.user_points order by 1;

-- Can I refer people outside my account type? Users refer users, providers providers
select pg_temp.outcome('select rewards.referral_signup(''friend'', ''gpu'', ''provider'')');
select referrer, kind, bonus from rewards.referral_signup('you', 'gpu', 'provider');
select pg_temp.outcome('select rewards.referral_signup(''gpu'', ''another_user'')');
select kind, referee, referrer, referrer_kind from rewards.referral_relationships order by 1;

-- How are percentages calculated? Of the original earner's rewards, and everyone gets the full amount plus bonuses
select referrer from rewards.referral_signup('friend', 'friends_friend');
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens) values ('friends_friend', 'gpu', '/chat/completions', 'llama-3-8b', 1000) returning user_points, provider_points;
select kind, account, entry, level, amount from rewards.shares_of((select max(id) from rewards.usage_logs)) order by kind, level;
select count(*) as differences from rewards.verify();
