/* What the random world is made of: accounts, chains, models, instants, events. */

\ir ../truth/tools.sql

create function truth.pick(word text, n bigint, choices text[]) returns text
	language sql immutable parallel safe
	return choices[1 + truth.roll(word, n, cardinality(choices))];

/* Amounts with up to nine places, rich in halves of the ninth place once multiplied. */
create function truth.amount(word text, n bigint, most numeric) returns numeric
	language sql immutable parallel safe
	return case truth.roll(word || '?', n, 8)
		when 0 then 0
		when 1 then round(most * 0.5, 9)
		when 2 then 0.000000001
		when 3 then round(most / 8, 9)
		when 4 then round(most * truth.roll(word, n, 21) / 20.0, 9)
		else round((most * truth.dice(word, n)::numeric), 9)
	end;

/* Tokens: mostly some, now and then none or billions. */
create function truth.tokens(word text, n bigint) returns integer
	language sql immutable parallel safe
	return case truth.roll(word || '?', n, 20) when 0 then 0 when 1 then truth.roll(word, n, 2147483647) else truth.roll(word, n, 4000) end;

/* ---- when: two years, some days of them busy, and instants at which things change ---- */

create table truth.instant as
select k, timestamptz '2023-01-01' + truth.roll('instant', k, 730) * interval '1 day'
	+ case when k % 3 = 0 then interval '0' else truth.roll('second', k, 86400) * interval '1 second' end as at
from generate_series(0, 23) k;
create function truth.instant(word text, n bigint) returns timestamptz
	language sql stable
	return (select at from truth.instant where k = floor(24 * truth.dice(word, n) ^ 2));

/* As text of SQL: mostly one of the few instants, so that changes of one date meet. */
create function truth.since(word text, n bigint) returns text
	language sql stable
	return case truth.roll(word || ' when', n, 20)
		when 0 then '''-infinity'''
		when 1 then '''2999-01-01'''
		when 2 then 'now()'
		when 3 then 'now()'
		else quote_literal(truth.instant(word, n)) end;

/* ---- who: some texts name both a user and a provider ---- */

create table truth.account as
select kind, i, case when i % 5 = 0 then format('acct_%s', i)
		when i % 7 = 0 then format('%s %s''s "naïve" %%', kind, i)
		else format('%s_%s', kind, i) end as name,
	null::integer as parent, 0 as depth
from (values ('user', 320), ('provider', 80)) k(kind, members), generate_series(1, members) i;

create unique index on truth.account (kind, i);

/* referrers are older by number, chains at most twelve long */
do $$
declare
	a truth.account;
	elder integer;
begin
	for a in select * from truth.account where i > 1 order by kind, i loop
		if truth.dice('has referrer ' || a.kind, a.i) < 0.85 then
			elder := greatest(1, a.i - 1 - truth.roll('referrer ' || a.kind, a.i, 8));
			update truth.account c set parent = elder, depth = p.depth + 1
			from truth.account p
			where p.kind = a.kind and p.i = elder and p.depth < 12 and c.kind = a.kind and c.i = a.i;
		end if;
	end loop;
end
$$;

/* some accounts are much busier than others, mostly those at the end of long chains */
create function truth.who(kind text, word text, n bigint) returns integer
	language sql immutable parallel safe
	return (1 - truth.dice(word, n) ^ 2) * case kind when 'user' then 319 else 79 end + 1;
create function truth.someone(kind text, word text, n bigint) returns text
	language sql stable
	return (select a.name from truth.account a where a.kind = someone.kind and a.i = truth.who(someone.kind, word, n));

/* ---- what: models by name, of which some get registered; endpoints in all spellings ---- */

create table truth.model as
select row_number() over () as i, id
from unnest(array['llama-3-70b-fp16', 'Llama-3-70B-Q4_K_M', 'meta/LLAMA-70b', 'mixtral-8x7b-instruct', 'MIXTRAL-large',
	'mistral-7b', 'Mistral-Nemo', 'llama-3-8b', 'LLAMA-3-8B-Instruct', 'llama-3-80b', 'gemma-2b', 'gemma-27b', 'x170b',
	'70b', '7b', 'q4-70b', '170b-70b', '27b-7b', '7bq4', 'a8x7b', '18x7b', '8x7b8', 'distilbert', 'gpt-4', 'gpt-40',
	'q40-70b', 'voice', '3', '33', 'naïve-7b', '70b ', '%', 'b_b',
	'phi-2.7b', 'phi-1.27b', 'gpt-4.5', 'gpt-4.x', 'x.7b', '4.70b', '70b-q4.5', '70b.q4']) id
union all select 100 + i, 'own-' || i from generate_series(1, 25) i;

create unique index on truth.model (i);

create table truth.endpoint as
select row_number() over () as i, head || case s when 1 then upper(path) when 2 then initcap(path) else path end || tail as endpoint
from unnest(array['/chat/completions', '/v1/messages', '/embeddings', '/vision/embeddings', '/tts', '/audio/speech',
	'/scrape', '/chat', '/rerank', '/images/generations', '/nothing', '/chatter', '/tts2']) path,
	unnest(array['', '/api/v1', 'https://api.example.com/v1', 'HTTP://user@host:8080', 'grpc+tls://tts', 'api.example.com']) head,
	unnest(array['', '/', '?stream=1', '/?next=/tts', '?to=https://host/scrape']) tail,
	generate_series(1, 3) s
union all
select 100000 + row_number() over (), e
from unnest(array['/', '//', '?', 'https://host', 'https://host/', 'https://tts', 'https://host?x=/tts', 'tts', 'é/tts']) e;

create unique index on truth.endpoint (i);

/* ---- the events ---- */

analyze;

create table truth.event as
select n, 1 + (n - 1) * 40 / :events as step, n % 2 + 1 as part,
	case when truth.dice('passer-by', n) < 0.03 then 'passer-by ' || n / 40 else u.name end as user_id,
	case when truth.dice('provider?', n) < 0.85 then p.name end as provider_id,
	e.endpoint,
	case when truth.dice('model?', n) < 0.85 then
		case when truth.dice('odd model', n) < 0.02 then 'unheard-of-' || truth.roll('odd', n, 9) || 'b' else m.id end
		end as model,
	case when truth.dice('character?', n) < 0.15 then 'character-' || truth.roll('character', n, 60) end as character_id,
	case when truth.dice('failed', n) < 0.08 then (array[404, 500, 199, 300, 0])[1 + truth.roll('status', n, 5)]
		else (array[200, 200, 200, 201, 299])[1 + truth.roll('status', n, 5)] end as status_code,
	truth.tokens('input', n) as input_tokens, truth.tokens('output', n) as output_tokens,
	case when d.date < 0.55 then timestamptz '2023-01-10' + truth.roll('busy day', n, 24) * interval '29 days' + truth.dice('time', n) * interval '1 day'
		when d.date < 0.75 then i.at - (n % 2) * interval '1 microsecond'
		when d.date < 0.90 then timestamptz '2023-01-01' + truth.dice('time', n) * interval '730 days'
		when d.date < 0.97 then null
		when d.date < 0.98 then timestamptz '0001-06-01'
		when d.date < 0.99 then timestamptz '9999-06-01'
		else timestamptz '2100-02-28' end as created_at,
	case when truth.dice('request', n) < 0.5 then 'request ' || n end as request_id,
	null::boolean as user_known, null::boolean as provider_known, null::text as model_then
from generate_series(1, :events) n
cross join lateral (select truth.dice('date', n) as date) d
join truth.instant i on i.k = truth.roll('at', n, 24)
join truth.account u on u.kind = 'user' and u.i = truth.who('user', 'user', n)
join truth.account p on p.kind = 'provider' and p.i = truth.who('provider', 'provider', n)
join truth.endpoint e on e.i = case when truth.dice('odd endpoint', n) < 0.02 then 100001 + truth.roll('endpoint', n, 9) else 1 + truth.roll('endpoint', n, 13 * 6 * 5 * 3) end
join truth.model m on m.i = case when truth.dice('own', n) < 0.5 then 101 + truth.roll('model', n, 25) else 1 + truth.roll('model', n, 41) end;
create index on truth.event (step, part);
/* a failed request is tried again under its key */
update truth.event e set request_id = 'request ' || e.n - 1
from truth.event f where f.n = e.n - 1 and f.status_code not between 200 and 299 and f.request_id is not null and e.request_id is not null;
analyze;
