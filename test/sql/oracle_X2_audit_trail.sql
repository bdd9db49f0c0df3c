-- X2: every reward can be traced: from any usage row to each of its shares, from the
-- share to the versions of the rules that made it, from a version to the call in the
-- admin log that set it, with who called, what was before and what came after. And none
-- of it can be changed.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
set datestyle to iso;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;

/* a programme that several people have changed, and events before, between and after */
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity', updated_by => 'olga') > 0 as no_trial;
select count(s.referrer) as edges from (values ('ben', 'ada'), ('cleo', 'ben'), ('gpu', 'rack')) e(referee, referrer),
	lateral rewards.referral_signup(rewards.referral_code(e.referrer, case e.referee when 'gpu' then 'provider' else 'user' end), e.referee, case e.referee when 'gpu' then 'provider' else 'user' end) s;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens)
select 'cleo', 'gpu', '/v1/chat/completions', 'mixtral', 10, n from generate_series(1, 3) n;
select rewards.set_tier('open_ocean', 8, 8, 22, updated_by => 'alice') > 0 as tier, rewards.set_user_share(0.25, updated_by => 'bob') > 0 as share;
select rewards.register_model('mixtral', 'Mixtral', owner => 'mia', rate => 0.001, updated_by => 'carol') is not null as model;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens)
select 'cleo', 'gpu', '/v1/chat/completions', 'mixtral', 10, n from generate_series(1, 3) n;
select complete from rewards.post();
select rewards.set_referral_rates('user', '{0.5}', updated_by => 'dora') > 0 as rates, rewards.set_multiplier('cleo', 'user', 3, updated_by => 'emil') > 0 as multiplier,
	rewards.start_campaign('spring', 2, now() - interval '1 hour', now() + interval '1 hour', 'user', updated_by => 'fred') > 0 as campaign, rewards.init_pricing('mainnet', 'gina') as prices;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens)
select 'cleo', 'gpu', '/v1/chat/completions', 'mixtral', 10, n from generate_series(1, 3) n;
insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('ben', null, '/tts'), ('dan', 'gpu', '/scrape');
insert into rewards.usage_logs (user_id, provider_id, endpoint, status_code) values ('dan', 'gpu', '/tts', 500);
select complete from rewards.post();

-- the first event and one of the last, share by share: who made the rules that counted for them
create function pg_temp.trail(usage_id bigint) returns table (kind text, account text, entry text, level integer, amount numeric, origins text) language sql as $$
	select a.kind, a.account, a.entry, a.level, trim_scale(a.amount),
		string_agg(format('%s %s by %s (%s)', a.origin, a.key, case a.updated_by when current_user then 'the owner' else a.updated_by end, a.call), ', ' order by a.origin, a.key, a.version)
	from rewards.audit_reward(usage_id) a group by a.kind, a.account, a.entry, a.level, a.amount order by a.entry, a.level, a.kind $$;
select id as first from rewards.usage_logs order by id limit 1 \gset
select id as late from rewards.usage_logs where output_tokens = 3 order by id desc limit 1 \gset
select * from pg_temp.trail(:first);
select * from pg_temp.trail(:late);
-- and a setter's entry says what was before and what is now
select l.call, l.updated_by, l.session_role = current_user as by_me, l.arguments - '{versions,valid_from}'::text[] as arguments, l.before, l.after
from rewards.audit_reward(:late) a join rewards.admin_log l on l.id = a.log_id where a.entry = 'usage' and l.call in ('set_tier', 'set_user_share', 'set_multiplier') order by l.id;

-- a random event: the whole trail is there, and its figures follow from what it leads to
select id as random from rewards.usage_logs where status_code = 200 order by random() limit 1 \gset
with trail as (select * from rewards.audit_reward(:random)), share as (select * from rewards.shares_of(:random)), usage as (select * from rewards.usage_logs where id = :random)
select (select bool_and(exists (select from trail t where (t.entry, t.level, t.account, t.amount) = (s.entry, s.level, s.account, s.amount))) from share s) as each_share,
	(select bool_and(l.call = t.call and l.session_role = t.session_role and l.updated_by = t.updated_by) from trail t left join rewards.admin_log l on l.id = t.log_id) as each_call,
	(select bool_and(r.value = t.value and r.updated_by = t.updated_by and r.recorded_at <= l.at) from trail t join rewards.admin_log l on l.id = t.log_id
		join rewards.rules r on l.arguments -> 'versions' @> to_jsonb(r.version) and r.version = t.version and (r.rule, r.key) = (t.origin, t.key)) as each_version,
	(select bool_and(s.amount = round((t.value -> 'rates' ->> (s.level - 1))::numeric * case s.kind when 'user' then u.user_points else u.provider_points end, 9))
		from usage u, share s join trail t on t.entry = 'referral' and t.origin = 'referral_rates' and (t.level, t.account) = (s.level, s.account)
		where s.entry = 'referral') is not false as each_referral_amount;
-- that holds for all of them, and a failed request has nothing to trace
select count(*) as shares, count(*) filter (where exists (
	select from rewards.audit_reward(u.id) a where (a.entry, a.level, a.account) = (s.entry, s.level, s.account) and a.amount = s.amount)) as traced
from rewards.usage_logs u cross join lateral rewards.shares_of(u.id) s;
select count(*) as origins, count(a.log_id) as logged from rewards.usage_logs u cross join lateral rewards.audit_reward(u.id) a;
select count(*) as of_failed from rewards.usage_logs u cross join lateral rewards.audit_reward(u.id) where u.status_code = 500;
-- every version of a rule was made by exactly one call
select count(*) > 40 as versions, bool_and(c.calls = 1) as each_by_one_call
from rewards.rules r cross join lateral (select count(*) as calls from rewards.admin_log l where l.arguments -> 'versions' @> to_jsonb(r.version)) c;

-- none of it can be changed
create function pg_temp.outcome(command text) returns text language plpgsql as $$
begin
	execute command;
	return 'accepted';
exception when others then
	return concat_ws(' ', sqlstate, sqlerrm);
end $$;
select command, pg_temp.outcome(command) from unnest(array[
	'update rewards.rule set value = ''{"share": 1}'' where rule = ''user_share''', 'update rewards.rule set updated_by = ''alice'' where updated_by = ''bob''',
	'update rewards.admin_log set updated_by = ''alice'' where updated_by = ''bob''', 'delete from rewards.admin_log where updated_by = ''bob''',
	'update rewards.account_fact set number = 1', 'update rewards.model_fact set account = 1', 'update rewards.account set referrer = null']) as command
union all
select 'update and delete of the event', string_agg(pg_temp.outcome(c || ' where id = ' || :random), '; ' order by c)
from unnest('{update rewards.usage_logs set user_points = 1000000,delete from rewards.usage_logs}'::text[]) c;
select rewards.audit_reward(0);
select rewards.audit_reward(null);
select * from rewards.verify();
