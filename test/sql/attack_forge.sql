-- Attack: forging what a row brings, by computed columns, copies, changes and other tables.
-- Each access is refused (42501; 55000 what nobody may), and nothing has changed.
\getenv tests PG_ABS_SRCDIR
\set begin :tests /attack/begin.psql
\set end :tests /attack/end.psql
\i :begin
insert into command (command) values
	('insert into rewards.usage_logs (user_id, endpoint, user_points) values (''own'', ''/tts'', 1000)'),
	('insert into rewards.usage_logs (user_id, endpoint, provider_points) values (''own'', ''/tts'', default)'),
	('insert into rewards.usage_logs (user_id, endpoint, creator_earnings) values (''own'', ''/tts'', 1000)'),
	('insert into rewards.usage_logs (user_id, endpoint, cost) values (''own'', ''/tts'', 0)'),
	('insert into rewards.usage_logs (user_id, endpoint, tier) values (''own'', ''/tts'', ''mariana_depth'')'),
	('insert into rewards.usage_logs (user_id, endpoint, distribution) values (''own'', ''/tts'', ''[]'')'),
	('insert into rewards.usage_logs (id, user_id, endpoint) values (1, ''own'', ''/tts'')'),
	('insert into rewards.usage_logs (id, user_id, endpoint) overriding system value values (1, ''own'', ''/tts'')'),
	('insert into rewards.usage_logs select * from rewards.usage_logs'),
	('insert into rewards.usage_logs_1 (user_id, endpoint) values (''own'', ''/tts'')'),
	('insert into rewards.usage_logs_default (user_id, endpoint) values (''own'', ''/tts'')'),
	('insert into rewards.usage_logs (request_id, user_id, endpoint) values (''r1'', ''own'', ''/tts'') on conflict (id) do update set user_points = 1000'),
	('merge into rewards.usage_logs u using (values (1)) v on u.request_id = ''r1'' when matched then update set user_points = 1000'),
	('merge into rewards.usage_logs u using (values (1)) v on false when not matched then insert (user_id, endpoint, user_points) values (''own'', ''/tts'', 1000)'),
	('update rewards.usage_logs set user_points = 1000'),
	('update rewards.usage_logs set user_id = ''own'' where user_id = ''victim'''),
	('update rewards.usage_logs_1 set user_points = 1000'),
	('delete from rewards.usage_logs'),
	('with gone as (delete from rewards.usage_logs returning *) select * from gone'),
	('select * from rewards.usage_logs for update'),
	('truncate rewards.usage_logs'),
	('insert into rewards.journal (created_at, unit, distribution, actor) values (now(), 1, ''[]'', ''me'')'),
	('update rewards.day_total set amount = 1000'), ('update rewards.month_total set amount = 1000'), ('update rewards.score set points = 1000'),
	('update rewards.wallet set balance = 1000'), ('update rewards.account set referrer = 1'), ('insert into rewards.rule default values'),
	('update rewards.cursor set last = 0'), ('update rewards.payout set status = ''completed'''), ('delete from rewards.admin_log'),
	('update rewards.access set access = ''admin'''), ('delete from rewards.access'),
	/* views that could be written through */
	('insert into rewards.characters (id) values (''x'')'), ('update rewards.characters set name = ''x'''), ('delete from rewards.pricing_history'), ('update rewards.user_points set total_points = 1000'),
	('insert into rewards.accounts (kind, account) values (''user'', ''x'')'), ('update rewards.credit_transactions set amount = 1000');
select c.command, attempt('none', command) as "none", attempt('app', command) as app, attempt('billing', command) as billing, attempt('operator', command) as operator,
	attempt('analyst', command) as analyst, attempt('admin', command) as admin, attempt('member', command) as member, attempt('pooler', command) as pooler
from command c order by n;
-- COPY, which no function can run
\c - regress_attack_app
copy rewards.usage_logs from stdin;
\.
copy rewards.usage_logs (user_id, endpoint, user_points) from stdin;
\.
copy rewards.usage_logs_1 (user_id, endpoint) from stdin;
\.
copy rewards.journal from stdin;
\.
\c - regress_attack_admin
copy rewards.usage_logs (id, user_id, endpoint) from stdin;
\.
copy rewards.admin_log from stdin;
\.
\c - regress_attack_member
copy rewards.usage_logs (user_id, endpoint) from stdin;
\.
copy rewards.usage_logs to stdout;
copy (select * from rewards.usage_logs) to stdout;
\c - :me
-- the owner itself is stopped by the triggers
select command, attempt('owner', command) from (values ('update rewards.usage_logs set user_points = 1000'), ('delete from rewards.usage_logs'), ('update rewards.usage_logs_1 set user_points = 1000'),
	('delete from rewards.journal'), ('update rewards.admin_log set call = ''x''')) c(command);
\i :end
