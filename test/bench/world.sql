-- The world that all sections measure in; each works on a copy of this database.
-- Variables: accounts, users, providers, rows.

create extension rewards;
select rewards.install();

-- What the PL/pgSQL version has not: bonuses for what accounts have done, and streaks.
select rewards.set_bonus(event, kind, null, recipient_level, threshold, valid_from => '-infinity') from rewards.bonuses where event <> 'signup';
select rewards.set_streak_multiplier(kind, days, null, '-infinity') from rewards.streak_multipliers;

-- Account n was referred by account n / 4, so that all but the oldest have chains
-- of eight levels and more. Traffic favours the youngest. The edges count as known
-- from the first row on (sure_from), or the first posting would settle them all.
create function referrer(n bigint) returns bigint language sql immutable return case when n > 4 then n / 4 end;

insert into rewards.account (id, kind, name, joined_at, referrer, referred_at, seen_from, sure_from, recorded_at, recorded_xid)
overriding system value
select first + n, kind, prefix || n, '2020-01-01', first + referrer(n), case when n > 4 then timestamptz '2020-01-01' end,
	case when n > 4 then 0 end, case when n > 4 then 0 end, case when n > 4 then now() end, case when n > 4 then pg_current_xact_id() end
from (values ('user', 'usr_', 0, :accounts), ('provider', 'prov_', :accounts, :providers)) k(kind, prefix, first, number)
cross join lateral generate_series(1, number) n;
select setval(pg_get_serial_sequence('rewards.account', 'id'), (select max(id) from rewards.account));
-- Edges loaded past the calls, before the first number: repair() folds them.
select rewards.repair('the world was loaded');

-- What is inserted in bulk and where equality is shown: requests of three months,
-- always the same, with users and providers distributed by Zipf's law.
select setseed(0.5);
create table feed as
select n, 'req_' || md5(n::text) as request_id,
	'usr_' || :accounts + 1 - floor((1 - random() * (1 - :users ^ -0.1)) ^ -10)::int as user_id,
	case when n % 100 <> 7 then 'prov_' || :providers + 1 - floor((1 - random() * (1 - :providers ^ -0.1)) ^ -10)::int end as provider_id,
	(array['/api/v1/embeddings', '/api/v1/tts', '/api/v1/scrape'])[n % 30] as endpoint,
	(array['llama-3-8b', 'Mixtral-8x7B', 'Llama-3-70B', 'Llama-3-70B-Q4', 'gemma-2b', 'Mistral-7B'])[1 + n % 6] as model,
	case when n % 50 = 49 then 500 else 200 end as status_code,
	(random() * 2000)::int as input_tokens, (random() * 300)::int as output_tokens, 250 as latency_ms,
	date_trunc('month', now()) - interval '2 months' + n * interval '75 days' / :rows as created_at
from generate_series(1, :rows) n;
update feed set endpoint = '/api/v1/chat/completions' where endpoint is null;
