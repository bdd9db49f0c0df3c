/* The script: changes and usage of forty steps, as statements to be run one by one. */

create table truth.script (n integer generated always as identity primary key, statement text not null);
create function truth.say(variadic lines text[]) returns void language sql
	as $$ insert into truth.script (statement) select unnest(lines) $$;

/*
 * Run just before the usage of a step: what the rows to come may know of accounts
 * (else their own shares stay without a number) and of characters.
 */
create procedure truth.before(of_step integer, parts integer[] default '{1, 2}') language sql
	as $$
	update truth.event e set
		user_known = exists (select from rewards.account a where a.kind = 'user' and a.name = e.user_id),
		provider_known = exists (select from rewards.account a where a.kind = 'provider' and a.name = e.provider_id),
		model_then = coalesce(e.model, (select m.id from rewards.model m where m.character_id = e.character_id))
	where e.step = of_step and e.part = any (parts)
	$$;

/* ---- changes ---- */

/* NULL in one of some */
create function truth.maybe(word text, n bigint, one_in integer, value anyelement) returns anyelement
	language sql immutable
	as $$ select case when truth.roll(word || ' null?', n, one_in) > 0 then value end $$;

create function truth.some_rates(n bigint) returns text
	language sql immutable
	return (select format('array[%s]::numeric[]', coalesce(string_agg(truth.amount('rate', n * 100 + level, 1)::text, ', '), ''))
		from generate_series(1, case truth.roll('levels?', n, 2) when 0 then truth.roll('levels', n, 33) else 2 + truth.roll('levels', n, 10) end) level);

/* of the models that get registered some change often */
create function truth.owned(n bigint) returns integer language sql immutable
	return 1 + floor(25 * truth.dice('owned', n) ^ 3)::integer;

/* ends a campaign, in its midst or at its beginning, if one can be ended then */
create function truth.end_campaign(n bigint) returns bigint language plpgsql as $$
declare
	campaign record;
begin
	select r.key, r.valid_from as since, (r.value ->> 'until')::timestamptz as until into campaign
	from rewards.rule r where r.rule = 'campaign' and r.value is not null order by truth.dice(r.key, n) limit 1;
	return rewards.end_campaign(campaign.key, case truth.roll('end', n, 3)
		when 0 then campaign.since when 1 then campaign.since + interval '10 days' else truth.instant('end', n) end);
exception when invalid_parameter_value or null_value_not_allowed then
	return null;
end $$;

/* a status of any time, as set_status() gives one from now on */
create function truth.set_status(kind text, name text, status text, since timestamptz, until timestamptz) returns void language plpgsql as $$
begin
	lock table rewards.account_status in share update exclusive mode;
	insert into rewards.account_status (account, status, source, valid_from, valid_until, seen_from, reason, updated_by)
	select (rewards.ensure_account(set_status.kind, set_status.name)).number, set_status.status, 'set', since, until, rewards.last_number(), 'truth', 'truth';
	perform rewards.signal_change('rewards.account_status');
end $$;

/* nobody joins by whom is suspended or banned */
create function truth.signup(code text, referee text, kind text, at timestamptz) returns void language plpgsql as $$
begin
	perform rewards.referral_signup(signup.code, signup.referee, signup.kind, signup.at);
exception when sqlstate 'RW008' then
	null;
end $$;

/* a change of what multiplies: of an account, of a campaign, of streaks */
create function truth.multiplying(n bigint) returns text
	language sql stable
	return (select case
		when truth.dice('multiplying', n) < 0.45 then
			format('select rewards.set_multiplier(%L, %L, %L, %s)', truth.someone(k.kind, 'multiplier', n), k.kind,
				truth.maybe('multiplier', n, 6, truth.amount('multiplier', n, 2)), truth.since('multiplier', n))
		when truth.dice('multiplying', n) < 0.7 then
			format('select rewards.start_campaign(%L, %L, %L, %L, %L, %L, %L)', 'campaign ' || n, truth.amount('campaign', n, 1.5),
				truth.instant('campaign', n), truth.maybe('until', n, 4, truth.instant('campaign', n) + (1 + truth.roll('length', n, 100)) * interval '1 day'),
				truth.maybe('campaign kind', n, 2, k.kind),
				case when truth.roll('campaign service', n, 3) = 0 then truth.pick('campaign service', n, array['chat', 'embeddings', 'tts', 'scrape', 'other']) end,
				case when truth.roll('campaign tier', n, 3) = 0 then truth.pick('campaign tier', n, array['tide_pool', 'blue_surge', 'open_ocean', 'mariana_depth']) end)
		when truth.dice('multiplying', n) < 0.85 then
			format('select truth.end_campaign(%s)', n)
		else
			format('select rewards.set_streak_multiplier(%L, %s, %L, %s)', k.kind, 1 + truth.roll('days', n, 4),
				truth.maybe('days', n, 5, truth.amount('streak', n, 1.5)), truth.since('streak', n))
		end
	from (select truth.pick('multiplying kind', n, array['user', 'provider']) as kind) k);

/* a change of a random kind: one call, n makes it unlike the others */
create function truth.change(n bigint) returns text
	language sql stable
	return case
		when truth.dice('multiplies', n) < 0.25 then truth.multiplying(n)
		when truth.dice('status', n) < 0.25 then (
			select format('select truth.set_status(%L, %L, %L, %s, %L)', k.kind, truth.someone(k.kind, 'status', n),
				truth.pick('which status', n, array['active', 'warned', 'paused', 'suspended', 'banned']), truth.since('status', n),
				coalesce(truth.maybe('status until', n, 2, truth.instant('status until', n)), 'infinity'))
			from (select truth.pick('status kind', n, array['user', 'provider']) as kind) k)
		when truth.dice('change', n) < 0.17 then (
			/* ranges stay within their tier's own, so that no two hold one model */
			select format('select rewards.set_tier(%L, %L, %L, %L, null, %s)', tier,
				truth.maybe('points', n, 12, truth.amount('points', n, case tier when 'titan' then 40000000 else 30 end)),
				case when truth.roll('range', n, 4) = 0 then above + 1 else above end,
				case when truth.roll('range', n, 4) = 1 then upto - 1 else upto end, truth.since('tier', n))
			from (values (0, 'tide_pool', null::numeric, 4::numeric), (1, 'blue_surge', 4, 8), (2, 'open_ocean', 8, 22),
				(3, 'mariana_depth', 22, null), (4, 'abyss', null, null), (5, 'titan', null, null)) t(i, tier, above, upto)
			where i = truth.roll('tier', n, 6))
		when truth.dice('change', n) < 0.36 then (
			select format('select rewards.set_service(%L, %L, %L, %L, %L, %L, %s)', service,
				truth.maybe('suffix', n, 15, suffix[1 + truth.roll('suffix', n, cardinality(suffix))]),
				truth.maybe('own points', n, 2, truth.amount('own points', n, 5)),
				truth.amount('per output', n, 0.01), truth.amount('user base', n, 3), truth.amount('per token', n, 0.01), truth.since('service', n))
			from (values (0, 'chat', array['/chat/completions', '/v1/messages']), (1, 'embeddings', array['/embeddings']),
				(2, 'tts', array['/tts', '/audio/speech']), (3, 'scrape', array['/Scrape']), (4, 'character_chat', array['/chat']),
				(5, 'images', array['/images/generations']), (6, 'vision', array['/vision/embeddings']), (7, 'rerank', array['/rerank'])) s(i, service, suffix)
			where i = truth.roll('service', n, 8))
		when truth.dice('change', n) < 0.52 then
			format('select rewards.set_model_pattern(%s, %L, %L, %L, %L, %s)', (array[5, 10, 15, 20, 30, 40, 50, 60, 70, 80])[1 + truth.roll('position', n, 10)],
				truth.maybe('pattern', n, 5, truth.pick('pattern', n, array['7b', '70b', 'LLAMA', 'mistral', '8x7b', 'gpt-4', '3', '4', 'b', 'q4', '%', '_b', 'ï', 'llama-3-8b'])),
				truth.pick('pattern tier', n, array['tide_pool', 'blue_surge', 'open_ocean', 'mariana_depth', 'abyss', 'titan']),
				truth.maybe('but not', n, 2, truth.pick('but not', n, array['q4', 'instruct', '7b', 'META', '4'])),
				truth.pick('match', n, array['contains', 'contains', 'prefix', 'suffix', 'exact']), truth.since('pattern', n))
		when truth.dice('change', n) < 0.59 then
			format('select rewards.set_user_share(%L, %s)', truth.maybe('share', n, 12, truth.amount('share', n, 1)), truth.since('share', n))
		when truth.dice('change', n) < 0.67 then
			format('select rewards.set_creator_rate(%L, %L, %s)', truth.maybe('creator', n, 8, truth.amount('creator', n, 0.01)),
				truth.maybe('creator tier', n, 3, truth.pick('creator tier', n, array['tide_pool', 'blue_surge', 'abyss', 'titan'])), truth.since('creator', n))
		when truth.dice('change', n) < 0.79 then
			format('select rewards.set_referral_rates(%L, %s, %s)', truth.pick('rates kind', n, array['user', 'provider']),
				case truth.roll('rates?', n, 15) when 0 then 'null' else truth.some_rates(n) end, truth.since('rates', n))
		when truth.dice('change', n) < 0.82 then
			format('select rewards.load_preset(%L, %s)', truth.pick('preset', n, array['cxmpute', 'cxmpute_guide', 'creator']), truth.since('preset', n))
		when truth.dice('change', n) < 0.84 then
			format('select rewards.set_setting(''default_tier'', (select tier from rewards.tiers order by md5(tier || %s) limit 1))', n)
		when truth.dice('change', n) < 0.91 then
			format('select rewards.set_model_owner(%L, %L, %s)', 'own-' || truth.owned(n),
				truth.maybe('owner', n, 5, truth.someone('user', 'owner', n)), truth.since('owner', n))
		else
			/* a character stands behind one model, and may be followed by another */
			format('select rewards.register_model(%L, owner => %L, character_id => %L, tier => %L, vram_gb => %L, rate => %L, valid_from => %s)',
				'own-' || truth.owned(n),
				truth.maybe('owner', n, 2, truth.someone('user', 'owner', n)),
				truth.maybe('character', n, 3, 'character-' || truth.owned(n) + 25 * truth.roll('second', n, 2)),
				case when truth.roll('tier?', n, 4) = 0 then truth.pick('model tier', n, array['tide_pool', 'mariana_depth', 'abyss', 'titan']) end,
				truth.maybe('vram', n, 2, (array[0.5, 3, 4, 4.000000001, 5, 7.5, 8, 9, 21, 21.5, 22, 22.000000001, 23, 80])[1 + truth.roll('vram', n, 14)]),
				truth.maybe('model rate', n, 2, truth.amount('model rate', n, 0.01)), truth.since('model', n))
		end;

/* ---- usage, in every form an INSERT can take ---- */

create function truth.columns() returns text language sql immutable
	return 'request_id, user_id, provider_id, endpoint, model, character_id, status_code, input_tokens, output_tokens, latency_ms, created_at';

create function truth.row(e truth.event) returns text language sql immutable
	return format('(%L, %L, %L, %L, %L, %L, %s, %s, %s, %s, %s)', e.request_id, e.user_id, e.provider_id, e.endpoint, e.model, e.character_id,
		e.status_code, e.input_tokens, e.output_tokens, e.n, coalesce(quote_literal(e.created_at), 'default'));

create procedure truth.say_usage(form integer, step integer, changes text[]) language plpgsql as $$
declare
	target text := format('insert into rewards.usage_logs (%s) ', truth.columns());
	source text := format('select request_id, user_id, provider_id, endpoint, model, character_id, status_code, input_tokens,
		output_tokens, n, coalesce(created_at, now()) from truth.event where step = %s', step);
	file text := quote_literal(current_setting('data_directory') || '/random_truth.copy');
	half text := ' and part = ';
	/* the last steps stay unposted: the tail is to be read as well */
	post text := case when step < 36 then 'select rewards.post()' else 'select' end;
	e truth.event;
begin
	case form
	when 0 then
		perform truth.say(target || source || ' order by n returning *');
	when 1 then
		perform truth.say(target || 'values ' || string_agg(truth.row(v), ', ' order by v.n))
			from truth.event v where v.step = say_usage.step group by v.n / 100;
	when 2, 3, 4 then
		perform truth.say(format('copy (%s) to %s (format %s)', source, file, (array['text', 'csv', 'binary'])[form - 1]),
			format('copy rewards.usage_logs (%s) from %s (format %s)', truth.columns(), file, (array['text', 'csv', 'binary'])[form - 1]));
	when 5 then
		perform truth.say(format('prepare put as %s values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce($11, now()))', target), 'begin');
		for e in select * from truth.event v where v.step = say_usage.step loop
			perform truth.say('execute put ' || replace(truth.row(e), 'default)', 'null)'));
		end loop;
		perform truth.say('commit', 'deallocate put');
	when 6 then
		perform truth.say(format('select rewards.track_usage(request_id, user_id, provider_id, endpoint, model, status_code, input_tokens,
			output_tokens, n, character_id, null, coalesce(created_at, now())) from truth.event where step = %s', step));
	when 7 then
		for e in select * from truth.event v where v.step = say_usage.step loop
			perform truth.say(target || 'values ' || truth.row(e));
		end loop;
	when 8 then
		perform truth.say('begin', target || source || half || 1, 'savepoint a', target || source || half || 2,
			'rollback to a', target || source || half || 2, 'commit');
	when 9 then
		perform truth.say(target || source || half || 1,
			target || source || ' and (part = 2 or request_id is not null and status_code between 200 and 299) on conflict do nothing returning id, distribution');
	when 10 then
		perform truth.say(format($do$do $inner$
			declare
				e truth.event;
			begin
				for e in select * from truth.event where step = %s loop
					begin
						insert into rewards.usage_logs (%s) values (e.request_id, e.user_id, e.provider_id, e.endpoint, e.model, e.character_id,
							e.status_code, e.input_tokens, e.output_tokens, e.n, coalesce(e.created_at, now()));
						if e.n %% 7 = 0 then raise division_by_zero; end if;
					exception when division_by_zero then
						insert into rewards.usage_logs (%2$s) values (e.request_id, e.user_id, e.provider_id, e.endpoint, e.model, e.character_id,
							e.status_code, e.input_tokens, e.output_tokens, e.n, coalesce(e.created_at, now()));
					end;
				end loop;
			end $inner$ $do$, step, truth.columns()));
	when 11 then
		perform truth.say('begin', target || source, 'prepare transaction ''random_truth''', post, changes[1],
			'commit prepared ''random_truth''');
	when 12 then
		/* what the transaction itself has just changed counts for its next rows */
		perform truth.say('begin', target || source || half || 1);
		perform truth.say(variadic changes);
		perform truth.say(format('call truth.before(%s, ''{2}'')', step), target || source || half || 2, post, 'commit');
	end case;
end
$$;

/* ---- the script ---- */

do $$
declare
	step integer;
	form integer;
	changes text[];
	a record;
begin
	perform truth.say(
		format('select rewards.set_setting(''time_zone'', %L)', truth.pick('zone', 0, array['UTC', 'Asia/Kolkata', 'America/New_York', 'Pacific/Auckland'])),
		'select rewards.set_tier(''abyss'', 31.000000007)', 'select rewards.set_tier(''titan'', 40000000.000000001)',
		/* so that most days of activity multiply the next */
		'select rewards.set_streak_multiplier(kind, days, round(1 + days / 7.0, 9), ''-infinity'') from unnest(''{user,provider}''::text[]) kind, generate_series(1, 3) days',
		'select rewards.register_account(name, kind) from truth.account where i % 3 <> 0');
	for step in 1..40 loop
		for a in select c.kind, c.name, p.name as referrer, c.i from truth.account c
			join truth.account p on p.kind = c.kind and p.i = c.parent
			where 1 + floor(40 * truth.dice('edge step', c.i) ^ 2) = step
		loop
			perform truth.say(format('select rewards.register_account(%L, %L)', a.referrer, a.kind),
				format('select truth.signup(%L, %L, %L, %s)', a.referrer, a.name, a.kind,
					case truth.roll('edge date', a.i, 8) when 0 then 'now()' when 1 then quote_literal(truth.instant('edge', a.i))
						else '''2023-01-01''' end));
		end loop;
		changes := array(select truth.change(step * 100 + i) from generate_series(0, 1 + truth.roll('changes', step, 30)) i);
		form := (step - 1) % 13;
		if form <> 12 then
			perform truth.say(variadic changes);
		end if;
		perform truth.say(format('call truth.before(%s)', step));
		call truth.say_usage(form, step, array[truth.change(step * 100 + 99), truth.change(step * 100 + 98)]);
		if step < 36 and truth.roll('post', step, 3) = 0 then
			perform truth.say(case truth.roll('post', step, 2) when 0 then 'select rewards.post()' else 'select rewards.post(1500)' end);
		end if;
		/* the next step goes on to the next partition in its middle */
		if step = 20 then
			perform truth.say(format('select rewards.post(), setval(''rewards.usage_number'', 1000000 - %s)',
				(select count(*) / 2 from truth.event e where e.step = 21)));
		end if;
	end loop;
end
$$;
