-- Posting in the midst of a row: after its number is drawn and before the row is
-- there.  The number is not given up, whoever is at work beside it.
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;

insert into rewards.usage_logs (user_id, endpoint) values ('ana', '/v1/chat/completions' || left(rewards.post()::text, 0));
select cardinality(open_first) as open_stretches from rewards.cursor;
select account, points from rewards.leaderboard_top('user', 'all');
select events from rewards.post();
select cardinality(open_first) as open_stretches from rewards.cursor;
select account, points from rewards.leaderboard_top('user', 'all');

-- by a trigger of one's own, after ours has taken the number
create function pg_temp.post_now() returns trigger language plpgsql as $$
begin
	perform rewards.post();
	return new;
end $$;
create trigger zz_post before insert on rewards.usage_logs for each row execute function pg_temp.post_now();
insert into rewards.usage_logs (user_id, endpoint) select u, '/v1/chat/completions' from unnest('{ana,ben,eva}'::text[]) u;
drop trigger zz_post on rewards.usage_logs;
select account, points from rewards.leaderboard_top('user', 'all');
select events from rewards.post();
select account, points from rewards.leaderboard_top('user', 'all');

-- what such a transaction rolls back stays open until the next posting, no longer
begin;
savepoint s;
insert into rewards.usage_logs (user_id, endpoint) values ('ana', '/v1/chat/completions');
rollback to s;
select events from rewards.post();
select cardinality(open_first) as open_stretches from rewards.cursor;
commit;
select events from rewards.post();
select cardinality(open_first) as open_stretches from rewards.cursor;
select count(*) as wrong from rewards.verify();
