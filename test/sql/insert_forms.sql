-- Every way to insert ends in the same reward: single row, several rows, SELECT,
-- RETURNING, prepared, in functions, ON CONFLICT, MERGE, COPY; what a savepoint or a
-- transaction rolls back leaves nothing.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
create temp view seen as
select u.request_id, u.service, u.tier, u.provider_points, u.user_points, u.creator_earnings, u.cost,
	(select string_agg(concat_ws(' ', s.account, s.entry, nullif(s.level, 0), s.amount), ', ' order by s.account, s.entry) from rewards.shares_of(u.id) s) as shares
from rewards.usage_logs u order by u.id;
select (rewards.referral_signup(rewards.referral_code('up'), 'u')).referrer;

-- one row, positional defaults and explicit NULLs
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms)
values ('single', 'u', 'p', '/v1/chat/completions', 'mistral', 200, 3, 4, 5);
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms, character_id, usage_type, created_at)
values ('nulls', 'u', null, '/v1/chat/completions', null, null, null, null, null, null, null, null)
returning status_code, input_tokens, output_tokens, latency_ms, created_at = now() as created_now;
insert into rewards.usage_logs (request_id, user_id, endpoint) values ('defaults', default, '/tts');
insert into rewards.usage_logs (request_id, user_id, endpoint, status_code, created_at, id) values ('defaults', 'u', '/tts', default, default, default);
-- several rows, ids in their order
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint)
values ('multi 1', 'u', 'p', '/tts'), ('multi 2', 'u', 'p', '/scrape'), ('multi 3', 'u', 'p', '/embeddings');
-- SELECT, with a CTE reading what it wrote
with rows as (
	insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint)
	select 'select ' || i, 'u', 'p', '/tts' from generate_series(1, 3) i returning *
) select count(*), sum(provider_points) as points, bool_and(distribution is not null) as distributed from rows;
-- prepared, past the plan cache's switch to a generic plan
prepare one(text, text) as insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint) values ($1, 'u', 'p', $2) returning service, provider_points;
execute one('prepared 1', '/tts');
execute one('prepared 2', '/tts');
execute one('prepared 3', '/tts');
execute one('prepared 4', '/tts');
execute one('prepared 5', '/tts');
execute one('prepared 6', '/scrape');
execute one('prepared 7', '/embeddings');
deallocate one;
-- inside a function, with a handler around it
do $$
begin
	insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint) values ('handled', 'u', 'p', '/tts');
	begin
		insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint) values ('undone', 'u', 'p', '/tts');
		raise exception 'undo';
	exception when others then null;
	end;
end $$;
-- ON CONFLICT DO NOTHING: among the rows of one statement, and with stored ones
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint)
values ('conflict', 'u', 'p', '/tts'), ('conflict', 'u', 'p', '/tts'), ('single', 'u', 'p', '/tts')
on conflict do nothing returning request_id;
-- MERGE
merge into rewards.usage_logs u using (values ('single'), ('merged')) n(request_id) on u.request_id = n.request_id
when not matched then insert (request_id, user_id, provider_id, endpoint) values (n.request_id, 'u', 'p', '/tts');
-- savepoints
begin;
savepoint a;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint) values ('saved', 'u', 'p', '/tts');
savepoint b;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint) values ('not saved', 'u', 'p', '/tts');
select total_points from rewards.provider_rewards;
rollback to b;
select total_points from rewards.provider_rewards;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint) values ('after rollback to', 'u', 'p', '/tts');
release a;
commit;
begin;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint) values ('rolled back', 'u', 'p', '/tts');
rollback;
-- COPY as a server or an ORM does it
copy rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, output_tokens) from stdin;
copy 1	u	p	/v1/chat/completions	mistral	7
copy 2	u	\N	/tts	\N	0
\.
copy rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, created_at) from stdin (format csv, header);
request_id,user_id,provider_id,endpoint,model,created_at
csv 1,u,p,/v1/chat/completions,"mistral",2025-01-15 12:00Z
"csv, 2",u,"p","/tts",,2025-01-15 12:00Z
\.

select * from seen;
select usage_points, referral_points from (select sum(usage_points) as usage_points, sum(referral_points) as referral_points from rewards.user_points) s;
select complete from rewards.post();
select usage_points, referral_points from (select sum(usage_points) as usage_points, sum(referral_points) as referral_points from rewards.user_points) s;
select count(*) as differences from rewards.verify();
