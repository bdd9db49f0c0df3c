-- C7: what every service and tier costs on mainnet: input and output apart, by each unit,
-- rounded once, half away from zero at the 9th place; a failed request costs nothing.
-- On testnet all is free, and points are the same.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

select rewards.init_pricing('mainnet', 'admin', '2025-01-01') as changed, rewards.toggle_mainnet(false, 'admin', '2025-06-01') as mainnet;
/* what each case costs, by hand */
create temp table usage_case (place integer, endpoint text, model text, input integer, output integer, status integer, expected numeric);
insert into usage_case values
	(1, '/v1/chat/completions', 'gemma-2b', 1000, 0, 200, 0.0002), (2, '/v1/chat/completions', 'gemma-2b', 0, 1000, 200, 0.0004),
	(3, '/v1/chat/completions', 'gemma-2b', 1000, 1000, 200, 0.0006), (4, '/v1/chat/completions', 'gemma-2b', 1, 1, 200, 0.0000006),
	(5, '/v1/chat/completions', 'mistral-7b', 1500, 250, 200, 0.0009 + 0.0003), (6, '/v1/chat/completions', 'mixtral-8x7b', 1000000, 1000000, 200, 1.4 + 2.8),
	(7, '/v1/chat/completions', 'llama-3-70b', 333, 667, 200, 0.000999 + 0.004002), (8, '/v1/chat/completions', 'llama-3-70b', 2147483647, 2147483647, 200, 19327.352823),
	(9, '/v1/chat/completions', null, 1000, 1000, 200, 0.0006), (10, '/v1/chat/completions', 'gemma-2b', 0, 0, 200, 0),
	(11, '/v1/embeddings', null, 1234, 0, 200, 0.0002468), (12, '/v1/embeddings', 'llama-3-70b', 1000, 1000, 200, 0.0004), (13, '/v1/tts', null, 999, 999, 200, 0.0004),
	(14, '/v1/scrape', null, 0, 0, 200, 0.0001), (15, '/chat', 'llama-3-70b', 1000, 0, 200, 0), (16, '/v2/images', 'mistral-7b', 1000, 1000, 200, 0.0018),
	(17, '/v2/images', null, 1000, 1000, 200, 0), (18, '/v1/chat/completions', 'gemma-2b', 1000, 1000, 500, 0), (19, '/v1/tts', null, 0, 0, 404, 0),
	(20, '/v1/tts', null, 0, 0, 199, 0), (21, '/v1/tts', null, 0, 0, 300, 0), (22, '/v1/tts', null, 0, 0, 299, 0.0004);
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens, status_code, created_at)
select place::text, 'ben', 'gpu', endpoint, model, input, output, status, '2025-02-01' from usage_case order by place;
select c.place, u.service, u.tier, u.cost, u.cost - c.expected as off from usage_case c join rewards.usage_logs u on u.request_id = c.place::text order by c.place;
-- 19331.5641714 in all: the sum of the cases, owed by ben
select rewards.credits('ben') + sum(expected) as off from usage_case;
-- the same on testnet: nothing is owed, points to the digit the same
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens, status_code, created_at)
select 'free ' || place, 'testnet', 'testnet', endpoint, model, input, output, status, '2025-07-01' from usage_case order by place;
select count(*) as rows, sum(f.cost) as cost, count(*) filter (where (f.user_points, f.provider_points, f.tier) is distinct from (u.user_points, u.provider_points, u.tier)) as otherwise
from usage_case c join rewards.usage_logs u on u.request_id = c.place::text join rewards.usage_logs f on f.request_id = 'free ' || c.place;
select rewards.credits('testnet');
-- quote() says the same beforehand, of a request that succeeds
select count(*) as wrong from usage_case c cross join lateral rewards.quote(c.endpoint, c.model, c.input, c.output, at => '2025-02-01') q where c.status = 200 and q.cost <> c.expected;
select count(*) as wrong from usage_case c cross join lateral rewards.quote(c.endpoint, c.model, c.input, c.output, at => '2025-07-01') q where q.cost <> 0;
select service, tier, provider_points, user_points, cost from rewards.quote('/v1/chat/completions', 'mistral-7b', 1500, 250, 'ben', 'gpu', '2025-02-01');
select provider_points, user_points from rewards.quote('/v1/chat/completions', 'mistral-7b', 1500, 250, at => '2025-02-01');

-- units: the same price by request, token, thousand and million
create function pg_temp.costs(input integer, output integer) returns table (unit text, cost numeric) language plpgsql as $$
begin
	foreach unit in array '{request,token,1000_tokens,1000000_tokens}'::text[] loop
		perform rewards.set_pricing('embeddings', 0.3, costs.unit, 'admin', '2025-01-01');
		cost := (select q.cost from rewards.quote('/embeddings', null, input, output, at => '2025-02-01') q);
		return next;
	end loop;
end $$;
select * from pg_temp.costs(7, 3);
select * from pg_temp.costs(0, 0);
-- a tier by request: one in and one out
select count(*) from (values ('blue_surge_input', 0.02), ('blue_surge_output', 0.03)) p(key, price), lateral rewards.set_pricing(p.key, p.price, 'request', 'admin', '2025-01-01');
select cost from rewards.quote('/chat/completions', 'mistral-7b', 5000, 0, at => '2025-02-01');

-- rounding: once, after input and output are added; halves away from zero
create function pg_temp.rounded(input_price numeric, output_price numeric, unit text, input integer, output integer) returns numeric language plpgsql as $$
begin
	perform rewards.set_pricing('tide_pool_input', input_price, unit, 'admin', '2025-01-01');
	perform rewards.set_pricing('tide_pool_output', output_price, unit, 'admin', '2025-01-01');
	return (select cost from rewards.quote('/chat/completions', 'gemma-2b', input, output, at => '2025-02-01'));
end $$;
select c.*, pg_temp.rounded(c.input_price, c.output_price, '1000000_tokens', c.input, c.output) from (values
	(0.0005, 0, 1, 0, '0.5 of the last place'), (0.000499999, 0, 1, 0, 'just less'), (0.0005, 0.0005, 1, 1, 'half and half: one, not two'),
	(0.0004, 0.0004, 1, 1, '0.8: one, not none'), (0.0004, 0.0002, 1, 0, '0.4'), (0.0005, 0.001, 3, 0, '1.5: two'), (0.0005, 0.001, 5, 0, '2.5: three, no banker''s')) c(input_price, output_price, input, output, of);
-- more than an amount can hold
select rewards.set_pricing('tts', 9223372036.854775807, 'token', 'admin', '2025-01-01') is not null as set;
select cost from rewards.quote('/tts', null, 1, 0, at => '2025-02-01');
select cost from rewards.quote('/tts', null, 1, 1, at => '2025-02-01');
insert into rewards.usage_logs (user_id, endpoint, input_tokens, created_at) values ('rich', '/tts', 2, '2025-02-01');
select rewards.quote(null, null, 0, 0);
select rewards.quote('/tts', null, -1, 0);
select rewards.quote('/tts', null, 0, 0, at => null);
select rewards.quote('/tts', null, 0, 0, at => 'infinity');
select * from rewards.verify();
select complete from rewards.post();
select rewards.credits('ben') + sum(expected) as off from usage_case;
select user_id, balance, spent from rewards.user_credits order by 1;
select * from rewards.verify();
