-- Writes the script that the replay runs: what an application would send, and
-- after each statement the number of its rows.

select format(E'insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms, created_at) values\n%s;\n\\echo %s',
			  string_agg(format('(%L, %L, %L, %L, %L, %s, %s, %s, %s, %L)', request_id, user_id, provider_id, endpoint, model,
								status_code, input_tokens, output_tokens, latency_ms, created_at), E',\n' order by n),
			  count(*))
from demo.request
group by (n - 1) / 100
order by min(n);
