-- Rows that are refused: the SQLSTATE, and nothing stored; and odd ones that are not.
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
create function pg_temp.row_outcome(columns text, given text) returns text language sql as
$$ select pg_temp.outcome(format('insert into rewards.usage_logs (%s) values (%s)', columns, given)) $$;

-- NULL and missing
select pg_temp.row_outcome('user_id, endpoint', v) from unnest(array['null, ''/tts''', '''u'', null', 'null, null']) v;
select pg_temp.row_outcome('endpoint', '''/tts'''), pg_temp.row_outcome('user_id', '''u''');
-- tokens: negative, beyond an integer, no number
select c, v, pg_temp.row_outcome('user_id, endpoint, ' || c, '''u'', ''/tts'', ' || v)
from unnest('{input_tokens,output_tokens}'::text[]) c, unnest('{-1,-2147483648,2147483648,9999999999999999999999,''NaN'',''x''}'::text[]) v;
-- ids: empty, too long, control characters
select c, pg_temp.row_outcome('user_id, endpoint, ' || c, '''u'', ''/tts'', ' || v)
from unnest('{request_id,provider_id,model,character_id,usage_type}'::text[]) c, unnest(array['''''', 'repeat(''x'', 256)', 'repeat(''x'', 10000)', 'e''a\tb''', 'e''\x7f''']) v;
select pg_temp.row_outcome('endpoint, user_id', '''/tts'', ' || v) from unnest(array['''''', 'repeat(''x'', 256)', 'repeat(''x'', 10000)', 'repeat(''é'', 128)', 'e''a\nb''']) v;
select pg_temp.row_outcome('user_id, endpoint', '''u'', ' || v) from unnest(array['''''', 'repeat(''/x'', 100000)', 'e''/tts\r''']) v;
-- dates: before year 1, after 9999, none
select v, pg_temp.row_outcome('user_id, endpoint, created_at', '''u'', ''/tts'', ' || v) from unnest(array[
	'''0001-12-31 23:59:59.999999Z BC''', '''4713-01-01 BC''', '''0000-01-01''', '''10000-01-01 00:00Z''', '''294276-12-31''', '''infinity''', '''-infinity''', '''someday''']) v;
-- a wrong row in the middle takes the statement with it
insert into rewards.usage_logs (user_id, endpoint, input_tokens) values ('u', '/tts', 1), ('u', '/tts', -1), ('u', '/tts', 1);
select count(*) as stored from rewards.usage_logs;

-- at the edges and odd, but right
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens, latency_ms, status_code, created_at) values
	(repeat('r', 255), repeat('u', 255), repeat('é', 127), '/tts', repeat('m', 255), 2147483647, 2147483647, 2147483647, 200, '0001-01-01 00:00Z'),
	('1', 'o''brien', '"; drop table x; --', '/tts', '\', 0, 0, 0, 299, '9999-12-31 23:59:59.999999Z'),
	('2', ' ', '0', '?', '%s%n', 0, 0, -5, 199, '2024-02-29'),
	('3', '用户', 'NULL', '://', '😀', 0, 0, 0, -1, '2025-01-15')
returning left(user_id, 10), status_code, input_tokens::bigint + output_tokens as tokens, service, user_points, provider_points;
select left(user_id, 10) as user_id, month, usage_points, requests, tokens from rewards.user_points order by 1;
select complete from rewards.post();
select left(user_id, 10) as user_id, month, usage_points, requests, tokens from rewards.user_points order by 1;
select count(*) as differences from rewards.verify();
