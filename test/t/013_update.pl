# An older version in use is updated: a database that began with 0.1.0, one made
# fresh, a restored dump of the first after the update and one from before it must
# be equal, object by object.  In the first is data of every kind, and numbers are open;
# users have views on every view, and grants of each kind.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use RewardsTest;
use RewardsCopy;
use Test::More;

my $old = '0.1.0';
my $node = new_node('main');
my @dump = ($node->basedir . '/before.sql', $node->basedir . '/after.sql');

sub sql { my ($database, $text) = @_; return $node->safe_psql($database, $text); }

# The outcome of a call: what it returned, or what was said.
sub outcome
{
	my ($database, $text) = @_;
	my ($status, $out, $err) = $node->psql($database, $text);
	return $status == 0 ? $out : $err;
}

# What later tables, views and functions should have, before they are made.
sub defaults
{
	sql($_[0], 'alter default privileges in schema rewards grant select on tables to heir');
}

sql('postgres', q{create role shop; create role "The Analyst"; create role hand; create role heir; create database fresh; create database before; create database after});

# ---- the old version, and life in it by the new library ----

sql('fresh', 'create extension rewards');
my $new = sql('fresh', q{select extversion from pg_extension where extname = 'rewards'});
# this fails if the library lacks a symbol that the old script names
install_old($node, 'postgres', $old);
defaults('postgres');
install($node);
is(sql('postgres', 'select version from rewards.installation'), $old, 'the old version is installed');
world($node, 'postgres');
grants($node, 'postgres');
make_views($node, 'postgres');
load_finish(load_start($node, 1, rate => 500), 'the load in the old version');
sql('postgres', 'select rewards.post()');
my $idle = $node->background_psql('postgres');
$idle->query_safe(q{begin; insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('idle', 'p1', '/tts')});
sql('postgres', 'select rewards.post()');
sql('postgres', q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts'), ('tail', 'p1', '/tts')});
my $boards = q{
	select b.board, t.*, r.*, array(select n.account from rewards.leaderboard_around(t.account, b.board, 'all', kind => t.kind, n => 2) n) as around
	from (values ('provider'), ('user'), ('creator'), ('referrer')) b(board) cross join lateral rewards.leaderboard_top(b.board, 'all') t
	cross join lateral rewards.leaderboard_rank(t.account, b.board, 'all', kind => t.kind) r};
is(sql('postgres', 'select * from rewards.verify()'), '', 'the old version under the new library: verify() is clean');

# an open number stays open: install() would wait for the writer's lock
$idle->query_safe('commit');
$idle->quit;
my $columns = columns($node, 'postgres');
my $figures = figures($node, 'postgres', $columns);
my $places = sql('postgres', $boards);
my $may = may($node, 'postgres');
my $frozen = used_functions('postgres');
# posting empties this one, and what has come to the other is folded at once
is(join(' ', grep { !/^(usage_excess|waitlist_move)$/ } $figures =~ /^(\w+)\|0\|/mg), '', 'there is something in every table and view');
cmp_ok(scalar @$frozen, '>', 10, 'views, triggers and defaults use functions');
command_ok([ 'pg_dump', '-f', $dump[0], $node->connstr('postgres') ], 'pg_dump of the old version');

# ---- the update ----

sql('postgres', q{create or replace function rewards.library_version() returns text as '$libdir/rewards' language c immutable strict parallel safe});
like(outcome('postgres', 'select rewards.install()'), qr/the library is version \Q$new\E, the extension version \Q$old\E.*HINT:  Run: alter extension rewards update;/s,
	'install() before the update says what to do');
sql('postgres', 'alter extension rewards update');
is(sql('postgres', 'select cardinality(open_first) > 0 from rewards.cursor'), 't', 'numbers are open');
is(sql('postgres', q{select extversion from pg_extension where extname = 'rewards'}), $new, 'the extension is updated');

# between the update and install(): usage is recorded, totals can be read, calls say what is to be done
like(sql('postgres', q{begin; insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts') returning provider_points; rollback}),
	qr/^[1-9]/, 'usage is recorded before install()');
like(outcome('postgres', 'select count(*) > 0 from rewards.user_points'), qr/^t$/, 'views can be read before install()');
for my $call ('track_usage(null, \'u1\', null, \'/tts\', null, 200, 1, 1, 1)', 'balance(\'u1\')', 'account_summary(\'u1\')', 'set_user_share(0.1)', 'maintain()',
	'verify()', 'add_credits(\'u1\', 1)')
{
	like(outcome('postgres', "select rewards.$call"), qr/the tables are of version \Q$old\E.*HINT:  Run: select rewards\.install\(\);/s, "$call before install() says what to do");
}
like(outcome('postgres', 'begin; select complete from rewards.post(); rollback'), qr/^[tf]$|HINT:  Run: select rewards\.install/, 'post() goes on or says what to do');
sql('postgres', 'select rewards.install()');
is(figures($node, 'postgres', $columns), $figures, 'every figure is the same after update and install()');
is(sql('postgres', $boards), $places, 'and every place on the leaderboards');
is(sql('postgres', 'select * from rewards.verify()'), '', 'the updated database: verify() is clean');
is(scalar(grep { my $f = $_; !grep { $_ eq $f } @{ signatures('postgres') } } @$frozen), 0,
	'functions that the old views, triggers and defaults used are as they were')
	or diag(join "\n", grep { my $f = $_; !grep { $_ eq $f } @{ signatures('postgres') } } @$frozen);

# ---- a fresh one, a dump of the updated one, and one from before ----

defaults('fresh');
install($node, database => 'fresh');
grants($node, 'fresh');
make_views($node, 'fresh');
sql('fresh', 'select rewards.post()');
command_ok([ 'pg_dump', '-f', $dump[1], $node->connstr('postgres') ], 'pg_dump of the updated database');
my $told = figures($node, 'postgres');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump[1], $node->connstr('after') ], 'its restore');
is(figures($node, 'after'), $told, 'a restored dump says the same');
# privileges on functions that are no more cannot be given
my ($out, $err) = run_command([ 'psql', '-X', '-q', '-f', $dump[0], $node->connstr('before') ]);
is(join('', grep { !/ERROR:  function rewards\.\S+\(.*\) does not exist$/ } grep { /ERROR/ } split /^/, $err), '', 'the restore of the old version\'s dump');
like(outcome('before', 'select rewards.balance(\'u1\')'), qr/Run: select rewards\.install/, 'which wants install()');
sql('before', 'select rewards.install()');

my $objects = objects($node, 'postgres');
same_objects($objects, objects($node, 'fresh'), 'the updated and the fresh database are equal');
same_objects($objects, objects($node, 'after'), 'the updated and the restored database are equal');
same_objects($objects, objects($node, 'before'), 'the updated database and the updated dump are equal');
is(initial_privileges($node, 'postgres'), initial_privileges($node, 'fresh'), 'what the extension grants by itself is the same');

# ---- what users have goes on ----

my %now = map { $_ => 1 } @{ may($node, 'postgres') };
# but for what only views called and no longer do
is(join("\n", grep { !$now{$_} && !/call rewards\.(is_active|open_holds|wallet_expired)\(/ } @$may), '', 'whoever could do something still can');
is(join("\n", @{ may($node, $_) }), join("\n", sort { $a cmp $b } keys %now), "$_: privileges are the same") for qw(after before);
for my $database (qw(postgres after before))
{
	is(sql($database, 'select count(*) from my_months, my_top()') > 0, 1, "$database: a user's view and function");
	is(sql($database, 'select count(*) from my_accounts()'), sql($database, 'select count(*) from rewards.accounts'), "$database: a user's function");
	sql($database, 'refresh materialized view my_months');
	sql($database, join ";\n", map { "select count(*) from my_$_" } split /\n/,
		sql($database, q{select substr(relname, 4) from pg_class where relkind = 'v' and relname ~ '^my_' and relnamespace = 'public'::regnamespace}));
	is(sql($database, q{set role shop; insert into rewards.usage_logs (user_id, endpoint) values ('u1', '/tts') returning user_id}), 'u1', "$database: an app writes");
	is(sql($database, q{set role shop; select count(*) from rewards.balance('u1'), rewards.status}), '1', "$database: an app reads");
	is(sql($database, q{set role "The Analyst"; select count(user_id) > 0 from rewards.user_points}), 't', "$database: an analyst reads");
	like(outcome($database, q{set role "The Analyst"; select email from rewards.accounts}), qr/permission denied/, "$database: no e-mails");
	# what was granted by hand is still granted; to see something an access is needed now
	like(outcome($database, q{set role hand; select count(account) > 0 from rewards.accounts}), qr/permission denied for function/, "$database: a column granted by hand");
	sql($database, q{grant execute on all functions in schema rewards to hand});
	like(outcome($database, q{set role hand; select count(account) > 0 from rewards.accounts}), qr/the role has no access to rewards.*grant_access/s, "$database: what it lacks");
	sql($database, q{revoke execute on all functions in schema rewards from hand; select rewards.grant_access('hand', 'analyst')});
	is(sql($database, q{set role hand; select count(account) > 0 from rewards.accounts}), 't', "$database: an access beside it");
	like(outcome($database, q{set role hand; select email from rewards.accounts}), qr/permission denied/, "$database: and no other column");
}

sql('postgres', q{select rewards.post()});
$figures = figures($node, 'postgres');
$objects = objects($node, 'postgres');
sql('postgres', 'select rewards.install()');
is(figures($node, 'postgres'), $figures, 'a second install() changes no figure');
same_objects($objects, objects($node, 'postgres'), 'a second install() changes no object');

is(sql('postgres', "select requests from rewards.user_points where user_id = 'idle'"), '1', 'what was open counts');
grow($node, $_) for qw(postgres after before fresh);
no_deadlock($node);
$node->stop;

done_testing();

# The functions with names, types and defaults of their arguments and their result.
sub signatures
{
	my ($database, $which) = @_;
	return [ split /\n/, sql($database, q{
		select distinct format('%s(%s) returns %s', p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid))
		from pg_proc p where p.pronamespace = 'rewards'::regnamespace and } . ($which || 'true')) ];
}

# Those that views, triggers, policies, defaults, constraints and indexes call.
sub used_functions
{
	return signatures($_[0], q{exists (
		select from pg_depend d where d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid
			and (d.classid = any ('{pg_rewrite,pg_trigger,pg_policy,pg_attrdef,pg_constraint}'::regclass[])
				or d.classid = 'pg_class'::regclass and exists (select from pg_index i where i.indexrelid = d.objid)))});
}
