-- set_node() is refused, or only says what the node is: nothing is changed.
\set VERBOSITY default
\set SHOW_CONTEXT never
set client_min_messages = error;
select rewards.set_node(null);
select rewards.set_node('directory', null);
select rewards.set_node('hub', 1);
select rewards.set_node('directory', 1);
select rewards.set_node('writer');
select rewards.set_node('writer', 10000);
select rewards.set_node('aggregator', -1);
select count(*) from rewards.node;
begin;
select rewards.register_account('node_refusals') is not null as done;
select rewards.set_node('writer', 1);
rollback;
begin;
select rewards.set_node('directory');
select rewards.set_node('directory');
select rewards.set_user_share(0.2) is not null as done;
select rewards.set_node('writer', 1);
rollback;
create role rewards_test_node;
grant usage on schema rewards to rewards_test_node;
select rewards.grant_access('rewards_test_node', 'admin');
set role rewards_test_node;
select rewards.set_node('directory');
reset role;
select rewards.revoke_access('rewards_test_node');
revoke usage on schema rewards from rewards_test_node;
drop role rewards_test_node;
select count(*) from rewards.node;
select count(*) from pg_publication where pubname like 'rewards\_%';
