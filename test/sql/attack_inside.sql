-- Attack: what is inside. Internal functions and triggers called directly, sequences moved, the way
-- that a restore goes, and objects hung on, changed, locked or dropped. Each access is refused, and nothing has changed.
\getenv tests PG_ABS_SRCDIR
\set begin :tests /attack/begin.psql
\set end :tests /attack/end.psql
\i :begin
-- a trigger function is no call, whoever calls it
select p.proname, attempt('owner', format('select rewards.%I()', p.proname)) as owner from pg_proc p
where p.pronamespace = 'rewards'::regnamespace and p.prorettype = 'trigger'::regtype order by 1;
create function hung() returns trigger language plpgsql as $$begin return new; end$$;
insert into command (command)
select format('select rewards.%I()', p.proname) from pg_proc p where p.pronamespace = 'rewards'::regnamespace and p.prorettype = 'trigger'::regtype order by p.proname;
insert into command (command) values
	/* internal calls */
	('select rewards.install()'), ('select rewards.uninstall(''drop all data'')'), ('select rewards.renew_access()'), ('select rewards.apply_access(current_user::regrole, ''admin'')'),
	('select rewards.log_call(''x'', null, null, null, ''x'')'), ('select rewards.add_rule(''setting'', ''x'', ''1'', now(), ''x'')'), ('select rewards.set_rule(''x'', ''{}'', ''setting'', ''x'', ''1'', now(), ''x'')'),
	('select rewards.add_edge(1, ''user'', 2, ''x'', now(), false)'), ('select rewards.add_status(1, ''active'', ''set'', ''x'', null, ''x'')'), ('select rewards.move_wallet(1, 3::smallint, 1000)'),
	('select rewards.charge_wallets(''{1}'', ''{own}'', ''{-1}'', ''{now}'')'), ('select rewards.wallet_state(2, 3::smallint)'), ('select rewards.open_holds(2, now())'), ('select rewards.wallet_expired(2, 3::smallint)'),
	('select rewards.tail_account(''user'', ''victim'')'), ('select rewards.account_lines(''victim'', ''user'', ''month'')'), ('select rewards.is_active(2, 1)'), ('select rewards.skip_earnings(true)'),
	('select rewards.make_invite_codes(1, 1, ''days'')'), ('select rewards.grant_reward(1, ''days'', ''{"codes": 1}'', ''x'')'), ('select rewards.find_account(''user'', ''victim'')'), ('select rewards.signal_change(''rewards.rule'')'),
	('select rewards.verify_rows(null, null)'), ('select rewards.refold()'), ('select rewards.schema_sql()'), ('select rewards.check_reader(''victim'', ''user'')'), ('select rewards.is_limited()'),
	('select rewards.board_rank(2::smallint, null, ''user'', ''victim'')'), ('select rewards.explain_shares(1)'), ('select rewards.shares_to_reverse(1, 1::smallint, 1, 1)'),
	/* sequences */
	('select nextval(''rewards.usage_number'')'), ('select setval(''rewards.usage_number'', 1)'), ('select currval(''rewards.usage_number'')'), ('select last_value from rewards.usage_number'), ('select setval(''rewards.admin_log_id_seq'', 1)'),
	('alter sequence rewards.usage_number restart'),
	/* the way of a restore */
	('set local session_replication_role = replica'), ('alter table rewards.usage_logs disable trigger all'), ('alter table rewards.usage_logs disable trigger usage_reward'), ('alter table rewards.admin_log disable trigger admin_log_immutable'),
	('set local row_security = off; select * from rewards.account'), ('alter table rewards.account disable row level security'), ('alter table rewards.account no force row level security'), ('create policy open on rewards.account using (true)'),
	('alter table rewards.usage_logs detach partition rewards.usage_logs_1'), ('alter extension rewards update'), ('drop extension rewards'), ('alter extension rewards drop function rewards.month(text)'),
	/* objects of one''s own inside, or hung on */
	('create table rewards.x (a int)'), ('create view rewards.x as select 1'), ('create function rewards.x() returns int language sql as ''select 1'''), ('create sequence rewards.x'), ('create type rewards.x as (a int)'),
	('create operator rewards.+ (procedure = rewards.distribution_eq, leftarg = rewards.distribution, rightarg = rewards.distribution)'), ('create aggregate rewards.x(int) (sfunc = int4pl, stype = int)'),
	('create trigger hung before insert on rewards.usage_logs for each row execute function hung()'), ('create trigger hung instead of insert on rewards.user_points for each row execute function hung()'),
	('create rule hung as on insert to rewards.usage_logs do also select 1'), ('create rule hung as on insert to rewards.user_points do instead select 1'),
	('create index hung on rewards.usage_logs (user_id)'), ('create statistics hung on user_id, model from rewards.usage_logs'),
	('create temp table hung () inherits (rewards.account)'), ('create publication hung for table rewards.usage_logs'), ('create publication hung for tables in schema rewards'),
	/* changed */
	('alter table rewards.usage_logs add column x int'), ('alter table rewards.usage_logs alter column user_points set default 1000'), ('alter table rewards.usage_logs owner to current_user'), ('alter view rewards.user_points reset (security_barrier)'),
	('create or replace view rewards.user_points as select 1'), ('alter view rewards.user_points rename to x'), ('alter function rewards.balance(text, text, text) security invoker'), ('alter function rewards.balance(text, text, text) reset all'),
	('alter schema rewards rename to x'), ('alter schema rewards owner to current_user'), ('alter default privileges in schema rewards grant select on tables to public; create table rewards.x (a int)'), ('reassign owned by session_user to current_user'),
	('grant select on rewards.account to current_user'), ('grant all on all tables in schema rewards to current_user'),
	('comment on table rewards.usage_logs is ''x'''), ('comment on view rewards.user_points is ''x'''), ('comment on function rewards.balance(text, text, text) is ''x'''), ('comment on schema rewards is ''x'''), ('comment on extension rewards is ''x'''),
	/* locked */
	('lock table rewards.usage_logs in access exclusive mode'), ('lock table rewards.usage_logs in exclusive mode'), ('lock table rewards.usage_logs in share row exclusive mode'), ('lock table rewards.usage_logs in share mode'),
	('lock table rewards.usage_logs_1 in share mode'), ('lock table rewards.cursor in exclusive mode'), ('lock table rewards.account in share mode'), ('lock table rewards.user_points in access exclusive mode'), ('lock table rewards.ledger in share mode'),
	('select * from rewards.cursor for update'), ('select * from rewards.installation for share'),
	/* removed */
	('drop table rewards.usage_logs'), ('drop table rewards.usage_logs_1'), ('drop view rewards.user_points'), ('drop function rewards.balance(text, text, text)'), ('drop trigger usage_reward on rewards.usage_logs'), ('drop schema rewards cascade'),
	('drop sequence rewards.usage_number'), ('truncate rewards.journal'), ('truncate rewards.admin_log'), ('truncate rewards.account cascade'), ('drop rule "_RETURN" on rewards.user_points'), ('reindex table rewards.usage_logs'), ('cluster rewards.account using account_pkey');
-- refused, all of it: what is not 42501 is shown
select c.command, r as role, attempt(r, c.command) as outcome from command c cross join unnest('{none,app,billing,operator,analyst,admin,member,pooler}'::text[]) r
where attempt(r, c.command) <> '42501' order by c.n, r;
select count(*) as commands from command;
drop function hung;
\i :end
