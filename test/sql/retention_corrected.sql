-- What was taken back or corrected of a row that is removed later: before its partition is
-- summed up, and between that and when it goes. Traffic stays where it was.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;
select rewards.register_model('m', owner => 'creator');
select rewards.register_character('c', 'Ada'), rewards.register_model('chat', owner => 'creator', character_id => 'c');
select rewards.add_credits('u1', 10, 'tokens', 'tokens');
select setval('rewards.usage_number', 3000000), rewards.make_partition(3000001, 3000021), rewards.make_partition(3000021, 3000101);
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at)
select 'old ' || i, 'u' || i % 3, 'p', (array['/chat/completions', '/embeddings'])[i % 2 + 1], 'm', 10, i, now() - interval '45 days' from generate_series(1, 16) i;
select success from rewards.deduct_token('u1', 1, 'c', 'chat 1');
insert into rewards.usage_logs (user_id, provider_id, endpoint) select 'u1', 'p', '/tts' from generate_series(1, 20);
select rewards.reverse_usage(u.id, 'before') is not null as reversed from rewards.usage_logs u where u.request_id in ('old 1', 'old 2');
select complete from rewards.post();
select rewards.set_retention('30 days') is not null as set;
select rewards.sum_up_partitions(now() + interval '40 days') > 0 as summed_up;
select id from rewards.removed_usage order by id;

-- it is still there, and can be taken back
select rewards.reverse_usage(u.id, 'between') is not null as reversed from rewards.usage_logs u where u.request_id = 'old 4';
-- but is not rated again
select rewards.set_user_share(0.5, valid_from => '2025-01-01') is not null as set;
select count(*) from rewards.rerate(now() - interval '50 days', now() - interval '40 days', 'a test', false);
select rewards.set_user_share(0.1, valid_from => '2025-01-01') is not null as set;
select complete from rewards.post();
create temp table before as select * from rewards.usage_by_day;
select service, requests, failed, input_tokens, output_tokens, provider_points from rewards.usage_by_day where day < current_date order by 1;
select * from rewards.verify();
\getenv tests PG_ABS_SRCDIR
\set remove_all :tests /retention/remove_all.psql
\i :remove_all
select bool_and(gone) as gone from rewards.removals;
select id from rewards.removed_usage order by id;
(select * from rewards.usage_by_day except select * from before) union all (select * from before except select * from rewards.usage_by_day);
select * from rewards.verify();
select rewards.repair('after removal') > 0 as repaired;
(select * from rewards.usage_by_day except select * from before) union all (select * from before except select * from rewards.usage_by_day);
select * from rewards.verify();
