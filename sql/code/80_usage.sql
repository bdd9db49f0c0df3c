/* Usage by call instead of INSERT. */

create function rewards.same_usage(usage_id bigint, user_id text, provider_id text, endpoint text, model text,
		input_tokens integer, output_tokens integer, character_id text, usage_type text) returns void
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	given jsonb;
	kept jsonb;
begin
	select jsonb_build_object('user_id', u.user_id, 'provider_id', u.provider_id, 'endpoint', u.endpoint,
			'model', u.model, 'input_tokens', u.input_tokens, 'output_tokens', u.output_tokens,
			'character_id', u.character_id, 'usage_type', u.usage_type),
		jsonb_build_object('user_id', same_usage.user_id, 'provider_id', same_usage.provider_id, 'endpoint', same_usage.endpoint,
			/* a model may have been filled in from its character */
			'model', coalesce(same_usage.model, case when same_usage.character_id is not null then u.model end),
			'input_tokens', coalesce(same_usage.input_tokens, 0), 'output_tokens', coalesce(same_usage.output_tokens, 0),
			'character_id', same_usage.character_id, 'usage_type', same_usage.usage_type)
	into kept, given
	from rewards.usage_logs u where u.id = usage_id;
	if given is distinct from kept then
		raise exception 'a request with this request_id has been recorded with other contents'
			using errcode = 'invalid_parameter_value',
				detail = format('Row %s holds %s, the call gave %s.', usage_id, kept, given),
				hint = 'Use a new request_id for a new request.';
	end if;
end
$$;
revoke all on function rewards.same_usage(bigint, text, text, text, text, integer, integer, text, text) from public;
comment on function rewards.same_usage(bigint, text, text, text, text, integer, integer, text, text) is
	'22023 when a repeated request differs from the recorded one';

create function rewards.track_usage(request_id text, user_id text, provider_id text, endpoint text, model text,
		status_code integer, input_tokens integer, output_tokens integer, latency_ms integer,
		character_id text default null, usage_type text default null, created_at timestamptz default now())
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	repeatable boolean := request_id is not null and coalesce(status_code, 200) between 200 and 299;
	usage_id bigint;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(user_id, 'user_id');
	perform rewards.check_not_null(endpoint, 'endpoint');
	if repeatable then
		usage_id := rewards.find_request(request_id);
	end if;
	if usage_id is null then
		insert into rewards.usage_logs as u (request_id, user_id, provider_id, endpoint, model, status_code,
			input_tokens, output_tokens, latency_ms, character_id, usage_type, created_at)
		values (request_id, user_id, provider_id, endpoint, model, status_code,
			input_tokens, output_tokens, latency_ms, character_id, usage_type, created_at)
		on conflict do nothing returning u.id into usage_id;
		if usage_id is not null then
			return usage_id;
		end if;
		/* another session recorded it just now */
		usage_id := rewards.find_request(request_id);
	end if;
	perform rewards.same_usage(usage_id, user_id, provider_id, endpoint, model,
		input_tokens, output_tokens, character_id, usage_type);
	return usage_id;
end
$$;
revoke all on function rewards.track_usage(text, text, text, text, text, integer, integer, integer, integer, text, text, timestamptz) from public;
comment on function rewards.track_usage(text, text, text, text, text, integer, integer, integer, integer, text, text, timestamptz) is
	'records an event and returns its id; a repeated request_id returns the first row''s id, 22023 when its contents differ (K5, N9)';
