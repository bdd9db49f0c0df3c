-- Plans are kept, not piled up: after a first round of everything, many more rounds
-- leave as many cached plans and about as much memory.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create function pg_temp.round(rows integer, name text) returns void language plpgsql as $$
begin
	for i in 1..rows loop
		insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens) values (name || i, 'u' || i % 10, 'p', '/chat/completions', 'm' || i % 20, i);
	end loop;
	perform rewards.post();
	perform rewards.track_usage(name, 'u', 'p', '/tts', null, 200, 1, 1, 1);
	perform count(*) from rewards.usage_logs u cross join lateral rewards.explain_reward(u.id) where u.request_id = name;
	perform rewards.account_summary('u1'), rewards.earning_history('u1'), rewards.statement('u1'), rewards.balance('u1'), rewards.model_earnings('u1');
	perform count(*) from rewards.user_points;
	perform count(*) from rewards.accounts;
	perform rewards.set_user_share(0.1);
	perform rewards.register_model('m1', owner => 'creator');
	perform rewards.referral_signup(rewards.referral_code('top'), name);
	perform count(*) from rewards.verify();
	perform rewards.post();
end $$;
create procedure pg_temp.rounds(times integer, name text) language plpgsql as $$
begin
	for i in 1..times loop
		perform pg_temp.round(100, name || ' ' || i);
	end loop;
end $$;
create temp table measured (at text, plans bigint, bytes bigint);
prepare measure(text) as insert into measured select $1, count(*) filter (where name = 'CachedPlanSource'), sum(total_bytes) from pg_backend_memory_contexts;
execute measure('to plan this');
call pg_temp.rounds(1, 'first');
-- the sixth run of a statement may plan it for any argument, and keep that
call pg_temp.rounds(6, 'second');
execute measure('before');
call pg_temp.rounds(5, 'again');
execute measure('after');
deallocate measure;
select a.plans - b.plans as more_plans, a.bytes < b.bytes + 1000000 as memory_kept from measured a, measured b where a.at = 'after' and b.at = 'before';
select count(*) as rows, count(*) filter (where s.n is null) as undistributed from rewards.usage_logs u left join lateral (select count(*) as n from rewards.shares(u.distribution)) s on true;
select count(*) as differences from rewards.verify();
