-- Partitions, with their indexes, lie where usage_logs says, or the database; whatever
-- whoever posts or maintains has set for tables of its own.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set allow_in_place_tablespaces = on;
set client_min_messages to warning;
create tablespace regress_rewards_caller location '';
create tablespace "regress_rewards Usage" location '';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
set default_tablespace = regress_rewards_caller;
select rewards.make_partition(3000001, 3000021);
alter table rewards.usage_logs set tablespace "regress_rewards Usage";
select rewards.make_partition(3000021, 3000041);
show default_tablespace;
reset default_tablespace;
select c.relname, c.relkind, t.spcname from pg_class c left join pg_tablespace t on t.oid = c.reltablespace
where c.relname like 'usage\_logs\_30000%' order by c.relname;
select rewards.uninstall('drop all data');
drop tablespace regress_rewards_caller;
drop tablespace "regress_rewards Usage";
select rewards.install() is not null as installed;
