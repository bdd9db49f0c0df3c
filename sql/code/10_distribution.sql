/* The type rewards.distribution: who got what from one event. */

create type rewards.distribution;

create function rewards.distribution_in(cstring) returns rewards.distribution
	as 'MODULE_PATHNAME' language c immutable strict parallel safe;
create function rewards.distribution_out(rewards.distribution) returns cstring
	as 'MODULE_PATHNAME' language c immutable strict parallel safe;
create function rewards.distribution_recv(internal) returns rewards.distribution
	as 'MODULE_PATHNAME' language c immutable strict parallel safe;
create function rewards.distribution_send(rewards.distribution) returns bytea
	as 'MODULE_PATHNAME' language c immutable strict parallel safe;

create type rewards.distribution (
	input = rewards.distribution_in,
	output = rewards.distribution_out,
	receive = rewards.distribution_recv,
	send = rewards.distribution_send,
	internallength = variable,
	alignment = int4,
	storage = extended
);
comment on type rewards.distribution is
	'the shares of one event; text form: a JSON list of {account, entry, level, amount}';
comment on function rewards.distribution_in(cstring) is 'I/O of rewards.distribution; 22P02 for malformed text';
comment on function rewards.distribution_out(rewards.distribution) is 'I/O of rewards.distribution';
comment on function rewards.distribution_recv(internal) is 'I/O of rewards.distribution; 22P03 for malformed bytes';
comment on function rewards.distribution_send(rewards.distribution) is 'I/O of rewards.distribution';

create function rewards.distribution_eq(rewards.distribution, rewards.distribution) returns boolean
	as 'MODULE_PATHNAME' language c immutable strict leakproof parallel safe;
comment on function rewards.distribution_eq(rewards.distribution, rewards.distribution) is 'the same shares in the same order';

create function rewards.distribution_ne(rewards.distribution, rewards.distribution) returns boolean
	as 'MODULE_PATHNAME' language c immutable strict leakproof parallel safe;
comment on function rewards.distribution_ne(rewards.distribution, rewards.distribution) is 'not the same shares in the same order';

create function rewards.distribution_hash(rewards.distribution) returns integer
	as 'MODULE_PATHNAME' language c immutable strict leakproof parallel safe;
comment on function rewards.distribution_hash(rewards.distribution) is 'hash of rewards.distribution';

create operator rewards.= (
	leftarg = rewards.distribution, rightarg = rewards.distribution,
	function = rewards.distribution_eq, commutator = operator(rewards.=),
	negator = operator(rewards.<>), restrict = eqsel, join = eqjoinsel,
	hashes
);
comment on operator rewards.= (rewards.distribution, rewards.distribution) is 'the same shares in the same order';
create operator rewards.<> (
	leftarg = rewards.distribution, rightarg = rewards.distribution,
	function = rewards.distribution_ne, commutator = operator(rewards.<>),
	negator = operator(rewards.=), restrict = neqsel, join = neqjoinsel
);
comment on operator rewards.<> (rewards.distribution, rewards.distribution) is 'not the same shares in the same order';

create operator class rewards.distribution_ops default for type rewards.distribution using hash as
	operator 1 rewards.=,
	function 1 rewards.distribution_hash(rewards.distribution);
comment on operator class rewards.distribution_ops using hash is 'equality of distributions';

create cast (rewards.distribution as jsonb) with inout;
comment on cast (rewards.distribution as jsonb) is 'by the text form, which is JSON';

create function rewards.shares(distribution rewards.distribution)
	returns table (account_number bigint, entry text, level integer, amount numeric)
	as 'MODULE_PATHNAME', 'distribution_shares' language c immutable strict parallel safe rows 4;
comment on function rewards.shares(rewards.distribution) is
	'one row a share; account_number is NULL for the row''s own account while it was not registered';

create function rewards.share_lines(distribution rewards.distribution)
	returns table (account_number bigint, entry smallint, level integer, billionths bigint)
	as 'MODULE_PATHNAME', 'distribution_lines' language c immutable strict parallel safe rows 4;
revoke all on function rewards.share_lines(rewards.distribution) from public;
comment on function rewards.share_lines(rewards.distribution) is 'as shares(), with the entry''s stored number and the amount in billionths, which add up faster';

create function rewards.entry_name(number smallint) returns text
	as 'MODULE_PATHNAME', 'entry_name_of_number' language c immutable strict parallel safe;
comment on function rewards.entry_name(smallint) is 'name of a kind of movement, by its stored number, reversal for the negative ones of totals; 22023 for others';

create function rewards.entry_number(name text) returns smallint
	as 'MODULE_PATHNAME', 'entry_number_of_name' language c immutable strict parallel safe;
comment on function rewards.entry_number(text) is 'stored number of a kind of movement; 22023 for unknown names';

