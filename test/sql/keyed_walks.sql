-- Posting looks its totals up in order of their keys and walks on from one to the next: past
-- few entries and past many, over keys that are new, over entries of rows long replaced that
-- an old snapshot keeps. Whatever it meets, each line is found or made, once.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;
select count(rewards.register_account('u' || n)) as accounts from generate_series(1, 450) n;
select count(rewards.referral_signup(rewards.referral_code('u' || n / 2), 'u' || n)) as edges from generate_series(2, 450) n;
/* usage of every so manieth account between two, on some days */
create function pg_temp.use(lowest integer, highest integer, step integer, days integer default 1) returns bigint language sql as $$
	with used as (
		insert into rewards.usage_logs (user_id, endpoint, model, created_at)
		select 'u' || n, '/chat/completions', 'mixtral', timestamptz '2025-03-01 12:00Z' + d * interval '1 day'
		from generate_series(lowest, highest, step) n, generate_series(1, days) d returning 1)
	select count(*) from used $$;
/* what posting folds of them, and where totals are not what the rows come to */
create function pg_temp.fold(out events bigint, out wrong bigint) language plpgsql as $$
begin
	select p.events into events from rewards.post() p;
	wrong := (
		select count(*) from (
			select t.account, t.day, sum(t.amount) as amount from rewards.day_total t where t.entry <= 3 group by 1, 2) t
		full join (
			select a.id as account, (u.created_at at time zone 'UTC')::date as day, sum(s.amount) as amount
			from rewards.usage_logs u cross join lateral rewards.shares(u.distribution) s join rewards.account a on a.id = s.account_number
			group by 1, 2) s on s.account = t.account and s.day = t.day
		where t.amount is distinct from s.amount);
end $$;
select pg_temp.use(226, 450, 5) as used;
select * from pg_temp.fold();
/* new ones among those that are there, each behind so many of these */
select pg_temp.use(226, 450, 23) as used;
select * from pg_temp.fold();
select pg_temp.use(226, 450, 1, 3) as used;
select * from pg_temp.fold();
/* a day that is new behind all of an account's, and then the first of the next account's */
with used as (
	insert into rewards.usage_logs (user_id, endpoint, model, created_at)
	select 'u' || n, '/chat/completions', 'mixtral', timestamptz '2025-03-01 12:00Z' + case n % 2 when 0 then 9 else 1 end * interval '1 day'
	from generate_series(226, 450) n returning 1)
select count(*) as used from used;
select * from pg_temp.fold();
/* few, and far from each other; then two heaps with much between them */
select pg_temp.use(226, 450, 57) as used;
select * from pg_temp.fold();
select pg_temp.use(1, 60, 1, 2) + pg_temp.use(420, 450, 1, 5) as used;
select * from pg_temp.fold();
/* an account with more lines than are walked past */
select pg_temp.use(350, 350, 1, 200) as used;
select * from pg_temp.fold();
select pg_temp.use(345, 355, 1, 2) + pg_temp.use(1, 300, 1) as used;
select * from pg_temp.fold();

-- the same again and again, in one transaction and under an old snapshot, then undone and done again
begin;
declare old cursor for select count(*) from rewards.day_total;
select pg_temp.use(226, 450, 3), pg_temp.fold();
select pg_temp.use(226, 450, 2), pg_temp.fold();
select pg_temp.use(226, 450, 1), pg_temp.fold();
savepoint undone;
select pg_temp.use(226, 450, 1, 2), pg_temp.fold();
rollback to undone;
select pg_temp.use(227, 450, 7, 2), pg_temp.fold();
select pg_temp.use(226, 450, 1), pg_temp.fold();
fetch old;
commit;
select count(*) as differences from rewards.verify();
select pg_temp.use(1, 450, 1), pg_temp.fold();
select count(*) as differences from rewards.verify();
