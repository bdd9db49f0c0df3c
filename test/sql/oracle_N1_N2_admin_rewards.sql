-- N1, N2: rewards as an administrator asks for them: a board by month, a provider and a user by id and month; as CSV for a shell.
\set VERBOSITY terse
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at) values
	('ann', 'p1', '/v1/chat/completions', 'llama-3-8b', 100, 20, '2025-01-10 12:00Z'), ('bob', 'p2', '/v1/chat/completions', 'mixtral', 50, 10, '2025-01-31 23:59Z'),
	('ann', 'p1', '/v1/embeddings', null, 10, 0, '2025-02-01 00:00Z');
create view pg_temp.answer as
select 'board' as what, format('%s %s %s %s', l.board, l.rank, l.account, l.points) as line from rewards.leaderboard l where l.month = rewards.month('2025-01')
union all select 'provider', r::text from rewards.provider_rewards r where r.provider_id = 'p1' and r.month = rewards.month('2025-01')
union all select 'user', u::text from rewards.user_points u where u.user_id = 'ann' and u.month = rewards.month('2025-01')
union all select 'summary', format('%s own, %s requests, %s tokens', s.own_points, s.requests, s.tokens) from rewards.account_summary('ann', 'user', '2025-01') s
union all select 'all time', format('%s own, %s requests, %s tokens', s.own_points, s.requests, s.tokens) from rewards.account_summary('ann', 'user', 'all') s;
select * from pg_temp.answer order by what, line;
select complete from rewards.post();
copy (select * from pg_temp.answer order by what, line) to stdout csv header;
