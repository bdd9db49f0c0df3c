/* Tokens of the application: a chat takes some, and the model's creator earns. */

create function rewards.set_token_cost(usage_type text, amount integer, valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_id(usage_type, 'usage_type');
	if amount < 1 then
		raise exception 'amount must be at least 1'
			using errcode = 'invalid_parameter_value', hint = 'Give a whole number of tokens, or NULL to end the rule.';
	end if;
	return rewards.set_rule('set_token_cost', jsonb_build_object('usage_type', usage_type, 'amount', amount), 'token_cost', usage_type,
		case when amount is not null then jsonb_build_object('amount', amount) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_token_cost(text, integer, timestamptz, text) from public;
comment on function rewards.set_token_cost(text, integer, timestamptz, text) is
	'how many tokens deduct_token() takes for a type of usage when it is not told; NULL ends it: then 1 (C8)';

create function rewards.token_balance_after(entry bigint) returns numeric
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* whoever moves tokens locks the wallet before drawing a number, so numbers tell the order */
	select trim_scale(coalesce(sum(rewards.amount_of(k.distribution)), 0))
	from rewards.journal j join rewards.journal k on k.account = j.account and k.unit = j.unit and k.id <= j.id
	where j.id = token_balance_after.entry and k.unit >= 3
$$;
revoke all on function rewards.token_balance_after(bigint) from public;
comment on function rewards.token_balance_after(bigint) is 'the tokens that a user had after an entry of the journal';

create function rewards.first_answer(usage_id bigint, user_id text, amount integer, character_id text, usage_type text, model_id text)
	returns table (success boolean, message text, new_balance numeric)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	kept record;
	entry bigint;
begin
	select u.user_id, u.input_tokens, u.character_id, u.usage_type, u.model into kept from rewards.usage_logs u where u.id = usage_id;
	entry := (select j.id from rewards.journal j where j.reverses_source = 'usage_logs' and j.reverses_id = usage_id and j.event = 'deduct');
	perform rewards.refuse_other_contents(
		jsonb_build_object('user_id', first_answer.user_id, 'amount', coalesce(first_answer.amount, kept.input_tokens),
			'character_id', first_answer.character_id, 'usage_type', first_answer.usage_type,
			'model_id', coalesce(first_answer.model_id, kept.model), 'by', 'deduct_token'),
		jsonb_build_object('user_id', kept.user_id, 'amount', kept.input_tokens, 'character_id', kept.character_id,
			'usage_type', kept.usage_type, 'model_id', kept.model, 'by', case when entry is not null then 'deduct_token' else 'INSERT' end), 'request_id', usage_id);
	return query select true, 'tokens deducted'::text, rewards.token_balance_after(entry);
end
$$;
revoke all on function rewards.first_answer(bigint, text, integer, text, text, text) from public;
comment on function rewards.first_answer(bigint, text, integer, text, text, text) is 'what deduct_token() answered the first time; 22023 when it is called otherwise now';

create function rewards.record_chat(user_id text, amount integer, character_id text, request_id text, usage_type text, model_id text) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	usage_id bigint;
	fault text;
begin
	begin
		insert into rewards.usage_logs as u (request_id, user_id, endpoint, model, character_id, usage_type, input_tokens)
		values (record_chat.request_id, record_chat.user_id, '/chat', record_chat.model_id, record_chat.character_id, record_chat.usage_type, record_chat.amount)
		returning u.id into usage_id;
		return usage_id;
	exception
		/* what a call without a model would meet as well */
		when unique_violation or sqlstate 'RW007' or query_canceled or serialization_failure or deadlock_detected or lock_not_available then
			raise;
		when others then
			fault := sqlstate || ' ' || sqlerrm;
	end;
	/* the chat goes on; rerate() finds what its creator should have got */
	perform rewards.skip_earnings(true);
	insert into rewards.usage_logs as u (request_id, user_id, endpoint, model, character_id, usage_type, input_tokens)
	values (record_chat.request_id, record_chat.user_id, '/chat', record_chat.model_id, record_chat.character_id, record_chat.usage_type, record_chat.amount)
	returning u.id into usage_id;
	perform rewards.skip_earnings(false);
	insert into rewards.unrated_usage (usage_id, error) values (usage_id, fault);
	return usage_id;
end
$$;
revoke all on function rewards.record_chat(text, integer, text, text, text, text) from public;
comment on function rewards.record_chat(text, integer, text, text, text, text) is
	'records a chat with a character, without earnings when computing them fails; returns the row''s id';

create function rewards.deduct_token(user_id text, amount integer default null, character_id text default null, request_id text default null,
		usage_type text default 'chat', model_id text default null)
	returns table (success boolean, message text, new_balance numeric)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	usage_id bigint;
	cost integer := amount;
	left_over numeric;
begin
	perform rewards.require_installed();
	perform rewards.check_id(user_id, 'user_id');
	if cost < 1 then
		raise exception 'amount must be at least 1'
			using errcode = 'invalid_parameter_value', hint = 'Give a whole number of tokens, or leave it out.';
	end if;
	if request_id is not null then
		perform rewards.check_id(request_id, 'request_id');
	end if;
	if character_id is not null then
		perform rewards.check_id(character_id, 'character_id');
	end if;
	if model_id is not null then
		perform rewards.check_id(model_id, 'model_id');
	end if;
	usage_type := coalesce(usage_type, 'chat');
	perform rewards.check_id(usage_type, 'usage_type');
	cost := coalesce(cost, (rewards.rule_value('token_cost', usage_type) ->> 'amount')::integer, 1);
	number := rewards.find_account('user', user_id);
	if number is null then
		return query select false, 'insufficient tokens'::text, 0::numeric;
		return;
	end if;
	left_over := rewards.available(number, 4::smallint, rewards.move_wallet(number, 4::smallint, 0));
	if request_id is not null then
		usage_id := rewards.find_request(request_id);
		if usage_id is not null then
			return query select * from rewards.first_answer(usage_id, user_id, amount, character_id, usage_type, model_id);
			return;
		end if;
	end if;
	if left_over < cost then
		return query select false, 'insufficient tokens'::text, trim_scale(left_over);
		return;
	end if;
	perform rewards.count_call('deduct_token', 'user:' || user_id);
	usage_id := rewards.record_chat(user_id, cost, character_id, request_id, usage_type, model_id);
	insert into rewards.journal (created_at, unit, distribution, reason, actor, event, account, cause, reverses_source, reverses_id)
	values (now(), 4, rewards.one_share(number, 'usage', 0, -cost), usage_type, rewards.caller()::text, 'deduct', number, usage_id::text,
		'usage_logs', usage_id);
	left_over := rewards.available(number, 4::smallint, rewards.move_wallet(number, 4::smallint, -cost, true));
	return query select true, 'tokens deducted'::text, trim_scale(left_over);
end
$$;
revoke all on function rewards.deduct_token(text, integer, text, text, text, text) from public;
comment on function rewards.deduct_token(text, integer, text, text, text, text) is
	'takes tokens from a user for a chat with a character or model, records it and credits the model''s owner, all at once; success is false and nothing changes when there are too few. amount NULL: what set_token_cost() says, else 1. A repeated request_id gets the first answer; RW011 above a limit (C8, E1-E5, K6)';
