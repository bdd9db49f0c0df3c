-- A seal computed in plain SQL, as docs/verify.md says: another program can check it, and
-- what is sealed never changes its form.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
set timezone to 'UTC';
select rewards.install() is not null as installed;
select rewards.register_model('m', owner => 'creator');
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, latency_ms, created_at) values
	('1', 'u', 'p', '/chat/completions', 'm', 10, 5, '2025-01-15 12:00Z'), (null, 'ü', null, '/tts', null, 0, null, '1999-12-31 12:00Z');
select rewards.adjust('u', 'user', -1.5, 'a reason', reference => 'r') as journal;
select complete from rewards.post();
begin; insert into rewards.usage_logs (user_id, endpoint) values ('u', '/tts'); rollback;
insert into rewards.usage_logs (user_id, endpoint) select 'u' || i, '/embeddings' from generate_series(1, 20) i;
select complete from rewards.post();

create function pg_temp.f(value bigint) returns bytea language sql as $$ select coalesce('\x01'::bytea || int8send(value), '\x00') $$;
create function pg_temp.f(value timestamptz) returns bytea language sql as $$ select coalesce('\x01'::bytea || timestamptz_send(value), '\x00') $$;
create function pg_temp.b(kind bytea, value bytea) returns bytea language sql as $$ select coalesce(kind || int8send(octet_length(value)) || value, '\x00') $$;
create function pg_temp.f(value text) returns bytea language sql as $$ select pg_temp.b('\x02', convert_to(value, 'UTF8')) $$;
create function pg_temp.f(value numeric) returns bytea language sql as $$ select pg_temp.b('\x03', numeric_send(value)) $$;
/* without the byte that tells the format on the wire */
create function pg_temp.f(value rewards.distribution) returns bytea language sql as $$ select pg_temp.b('\x02', substr(rewards.distribution_send(value), 2)) $$;
create temp view form as
select 'usage_logs' as source, id, pg_temp.f(id) || pg_temp.f(created_at) || pg_temp.f(status_code::bigint) || pg_temp.f(input_tokens::bigint) || pg_temp.f(output_tokens::bigint) || pg_temp.f(latency_ms::bigint)
	|| pg_temp.f(request_id) || pg_temp.f(user_id) || pg_temp.f(provider_id) || pg_temp.f(endpoint) || pg_temp.f(model) || pg_temp.f(character_id) || pg_temp.f(usage_type) || pg_temp.f(service) || pg_temp.f(tier)
	|| pg_temp.f(provider_points) || pg_temp.f(user_points) || pg_temp.f(creator_earnings) || pg_temp.f(cost) || pg_temp.f(distribution) as form
from rewards.usage_logs
union all
select 'journal', id, pg_temp.f(id) || pg_temp.f(created_at) || pg_temp.f(recorded_at) || pg_temp.f(unit::bigint) || pg_temp.f(distribution) || pg_temp.f(reason) || pg_temp.f(actor) || pg_temp.f(event)
	|| pg_temp.f(account) || pg_temp.f(cause) || pg_temp.f(reverses_source) || pg_temp.f(reverses_id) || pg_temp.f(held_until) || pg_temp.f(expires_at) || pg_temp.f(reference)
	|| pg_temp.f(model) || pg_temp.f(requests::bigint) || pg_temp.f(tokens)
from rewards.journal;
create temp view computed as
select s.source, s.number, s.hash, sha256(
	lag(s.hash, 1, decode(repeat('00', 32), 'hex')) over (partition by s.source, s.partition order by s.number)
	|| int8send(octet_length(s.source)) || convert_to(s.source, 'UTF8') || int8send(s.partition) || int8send(s.number) || timestamptz_send(s.sealed_at)
	|| (select int8send(count(*)) || string_agg(int8send(lower(r)) || int8send(upper(r) - 1), '' order by r) from unnest(s.numbers) r)
	|| int8send(s.rows)
	|| sha256((select coalesce(string_agg(int8send(octet_length(f.form)) || f.form, '' order by f.id), '') from form f where f.source = s.source and s.numbers @> f.id))) as computed
from rewards.seal s;
select count(*) > 4 as several, count(*) filter (where hash = computed) = count(*) as all_right, max(number) > 2 as chained from computed;
-- who makes one seal anew needs all that follow, too
begin;
set local session_replication_role = replica;
update rewards.usage_logs set latency_ms = 6 where request_id = '1';
update rewards.seal s set hash = c.computed from computed c where c.source = 'usage_logs' and c.number = 1 and s.source = c.source and s.number = c.number;
select part, subject, detail from rewards.verify() order by 2;
rollback;
