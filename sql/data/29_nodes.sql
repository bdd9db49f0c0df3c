/* Several nodes: what this one is, whom a writer asks for, what an aggregator takes in. Empty on a single node. */

create table if not exists rewards.node (
	single boolean primary key default true check (single),
	role text not null check (role in ('directory', 'writer', 'aggregator')),
	number integer not null check (number >= 0)
);
comment on table rewards.node is
	'what set_node() has made of this database. number: its own, 0 is the directory; of an aggregator the highest of those that it takes in';

create table if not exists rewards.newcomer (
	kind text not null check (kind in ('user', 'provider')),
	name text collate "C" not null,
	joined_at timestamptz not null,
	primary key (kind, name)
);
comment on table rewards.newcomer is
	'of a writer: accounts that usage names and the directory has yet to register; it gives out the numbers of accounts';

create table if not exists rewards.node_day_total (like rewards.day_total);
comment on table rewards.node_day_total is
	'of an aggregator: daily totals of other nodes as they have arrived. A table for each node, node_1_day_total and so on, inherits from it; it has no rows itself';
create table if not exists rewards.node_model_total (like rewards.model_total);
comment on table rewards.node_model_total is 'creator earnings by owner and model of other nodes, as node_day_total';
create table if not exists rewards.node_activity (like rewards.activity);
comment on table rewards.node_activity is 'what accounts have done on other nodes, as node_day_total';

create table if not exists rewards.node_change (
	account bigint not null,
	day date,
	unit smallint,
	entry smallint,
	level smallint,
	amount numeric,
	events bigint,
	tokens bigint,
	model text collate "C"
);
create index if not exists node_change_account on rewards.node_change (account);
comment on table rewards.node_change is
	'of an aggregator: by how much totals of other nodes have changed, to be added to its own before the transaction ends, or when the account arrives. model: of that owner''s model, day NULL: of what the account has done there is another version';
