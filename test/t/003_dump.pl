# Dump and restore in every form that the manual names, and a copy by template:
# every figure is the same, nothing is rewarded again, and both sides go on writing
# and posting.  At the time of the dump a writer is idle, so numbers are open that the
# copy will never see.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use RewardsTest;
use RewardsCopy;
use Test::More;

my $node = new_node('main');
$node->safe_psql('postgres', 'create role shop; create role "The Analyst"; create role hand; create role heir; create role gone; create role second superuser login');
install($node);
world($node, 'postgres');
grants($node, 'postgres');
$node->safe_psql('postgres', q{select rewards.grant_access('gone', 'app')});
load_finish(load_start($node, 1, rate => 800), 'the load before the dump');
$node->safe_psql('postgres', 'select rewards.post()');

# open numbers: an idle writer before and after a posting, and a tail
my $idle = $node->background_psql('postgres');
$idle->query_safe(q{begin; insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('idle', 'p1', '/tts')});
$node->safe_psql('postgres', 'select rewards.post()');
$idle->query_safe(q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('idle', 'p1', '/tts')});
load_finish(load_start($node, 1, rate => 800), 'the load among open numbers');
$node->safe_psql('postgres', 'select rewards.post()');
$node->safe_psql('postgres', q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts'), ('tail', 'p1', '/tts')});

my $truth = figures($node, 'postgres');
my $may = may($node, 'postgres');
my $objects = objects($node, 'postgres');
my $dump = $node->basedir . '/dump';
my $errors;

dump_to("$dump.sql");
dump_to("$dump.custom", '-Fc');
dump_to("$dump.folder", '-Fd', '-j', '2');
dump_to("$dump.schema", '-s');
dump_to("$dump.data", '-a', '--disable-triggers');
dump_to("$dump.rows", '-a');

# the idle writer goes on; the copies do not know
is(figures($node, 'postgres'), $truth, 'the original is unchanged');
$idle->query_safe('commit');
$idle->quit;
clean('postgres', 'the idle writer committed');
is($node->safe_psql('postgres', "select requests from rewards.user_points where user_id = 'idle'"), '2', 'and counts');

restore('plain', "$dump.sql");
restore('parallel', "$dump.custom", '-j', '2');
restore('folder', "$dump.folder", '-j', '2');
same_objects($objects, objects($node, $_), "$_: the same objects") for qw(plain parallel folder);
is(join("\n", @{ may($node, $_) }), join("\n", @$may), "$_: the same privileges") for qw(plain folder);
restore('sections', "$dump.custom", "--section=$_") for qw(pre-data data post-data);
same_objects($objects, objects($node, 'sections'), 'sections: the same objects');
restore('halves', $_) for "$dump.schema", "$dump.data";
same($_) for qw(plain folder sections halves);
go_on('parallel');

# ---- data alone, where install() has been before ----

$node->safe_psql('postgres', 'create database installed');
install($node, database => 'installed');
my %columns = %{ columns($node, 'installed') };
my $guarded = { map { $_ => $columns{$_} } qw(usage_logs journal ledger user_points provider_rewards user_credits rules) };
my $own = figures($node, 'installed', $guarded);
# triggers are not asked to look away: what they guard cannot be loaded
like(refused('installed', "$dump.rows"), qr/ERROR/, 'data alone is refused');
like(refused('installed', "$dump.custom", '-a', '-t', 'usage_logs_1'), qr/usage_logs/, 'as are the rows of one table');
is(figures($node, 'installed', $guarded), $own, 'and nothing is forged');
# who may do anything can, but verify() tells
$errors = refused('installed', "$dump.custom", '-a', '-t', 'usage_logs_1', '--disable-triggers');
is($errors, '', 'a superuser can load the rows of a table');
isnt($node->safe_psql('installed', 'select count(*) from rewards.verify()'), '0', 'which verify() finds');
# what the manual says
$node->safe_psql('installed', $_)
	for q{select rewards.uninstall('drop all data')}, 'drop extension rewards', 'drop schema rewards', 'drop function signup(text, text)';
restore('installed', $_) for "$dump.schema", "$dump.data";
same('installed');

# ---- the schema alone ----

restore('empty', "$dump.schema");
like(refused_sql('empty', q{select rewards.balance('u1')}), qr/is not installed.*Run: select rewards\.install/s, 'the schema alone wants install()');
$node->safe_psql('empty', 'select rewards.install()');
same_objects($objects, objects($node, 'empty'), 'empty: the same objects');
grow($node, 'empty');

# ---- roles: another owner, one that is missing, others by the same numbers ----

restore('owner', "$dump.custom", '--no-owner', '--role=second');
is($node->safe_psql('owner', q{select distinct relowner::regrole from pg_class where relnamespace = 'rewards'::regnamespace}), 'second', 'restored as another owner');
same('owner');
$node->safe_psql('owner', 'select rewards.install()');
grow($node, 'owner');

my $other = new_node('other');
$other->safe_psql('postgres', q{create role stranger; create role shop; create role "The Analyst"});
command_ok([ 'pg_restore', '-e', '-O', '-x', '-d', $other->connstr('postgres'), "$dump.custom" ], 'restored without owners and privileges where roles are missing');
is(figures($other, 'postgres'), $truth, 'every figure is the same');
$other->safe_psql('postgres', 'select rewards.install()');
is($other->safe_psql('postgres', q{set role shop; insert into rewards.usage_logs (user_id, endpoint) values ('u1', '/tts') returning user_id}), 'u1', 'install() gives access again');
is($other->safe_psql('postgres', q{select count(*) from rewards.access where role = 'gone'}), '1', 'a missing role is remembered');
$other->safe_psql('postgres', 'create role gone');
$other->safe_psql('postgres', 'select rewards.install()');
is($other->safe_psql('postgres', q{set role gone; insert into rewards.usage_logs (user_id, endpoint) values ('u1', '/tts') returning user_id}), 'u1', 'and has its access when it is there');
is($other->safe_psql('postgres', q{select has_schema_privilege('stranger', 'rewards', 'usage')}), 'f', 'nobody else has');
# a role of the name that comes later is another one; one with another name is the same
$other->safe_psql('postgres', q{drop owned by gone; drop role gone; create role gone; alter role shop rename to store});
$other->safe_psql('postgres', 'select rewards.install()');
is($other->safe_psql('postgres', q{select has_schema_privilege('gone', 'rewards', 'usage')}), 'f', 'another role of the name gets nothing');
is($other->safe_psql('postgres', q{select string_agg(role, ' ' order by role) from rewards.access}), '"The Analyst" store', 'names are those of now');
is($other->safe_psql('postgres', 'select * from rewards.verify() limit 10'), '', 'the other server: verify() is clean');
$other->stop;

$truth = figures($node, 'postgres');
$node->safe_psql('template1', 'create database template_copy template postgres');
go_on('template_copy');
is(figures($node, 'postgres'), $truth, 'the original is unchanged by the copy');
ok(post_all($node), 'posting comes to its end in the original');
clean('postgres', 'the original');
no_deadlock($node);
$node->stop;

done_testing();

# A copy says the same, and can be used.
sub same
{
	my ($copy) = @_;

	is(figures($node, $copy), $truth, "$copy: every figure is the same");
	clean($copy, $copy);
	my $rows = $node->safe_psql($copy, 'select count(*) from rewards.usage_logs');
	$node->safe_psql($copy, q{select rewards.track_usage('old-5', 'u1', 'p2', '/v1/chat/completions', null, 200, 5, 10, null)});
	is($node->safe_psql($copy, 'select count(*) from rewards.usage_logs'), $rows, "$copy: a request of before is recognised");
	is($node->safe_psql($copy, q{set role shop; insert into rewards.usage_logs (user_id, endpoint) values ('u1', '/tts') returning user_id}), 'u1', "$copy: an app still writes");
	ok(post_all($node, $copy), "$copy: posting comes to its end");
	clean($copy, "$copy, posted");
}

# A copy has the same figures before and after posting, and lives on.
sub go_on
{
	my ($copy) = @_;

	is(figures($node, $copy), $truth, "$copy: every figure is the same");
	clean($copy, $copy);

	# rows of the copy's own that are open while it posts for the first time
	my $writer = $node->background_psql($copy);
	$writer->query_safe(q{begin; insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u2', 'p2', '/tts')});
	$node->safe_psql($copy, q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u3', 'p2', '/tts')});
	$node->safe_psql($copy, 'select rewards.post()');
	clean($copy, "$copy, posted for the first time");
	$writer->query_safe('commit');
	$writer->quit;
	clean($copy, "$copy, a writer committed");

	my $rows = $node->safe_psql($copy, 'select count(*) from rewards.usage_logs');
	$node->safe_psql($copy, q{select rewards.track_usage('after', 'u1', 'p1', '/tts', null, 200, 1, 1, 1) from generate_series(1, 2)});
	is($node->safe_psql($copy, 'select count(*) from rewards.usage_logs') - $rows, 1, "$copy: a request is recorded once");
	load_finish(load_start($node, 1, rate => 500, database => $copy), "the load in $copy");
	ok(post_all($node, $copy), "$copy: posting comes to its end");
	is($node->safe_psql($copy, 'select backlog from rewards.status'), '0', "$copy: nothing is left");
	clean($copy, "$copy, in the end");
}

sub clean { my ($database, $what) = @_; is($node->safe_psql($database, 'select * from rewards.verify() limit 10'), '', "$what: verify() is clean"); return; }

sub dump_to
{
	my ($file, @options) = @_;
	$node->command_ok([ 'pg_dump', @options, '-f', $file, 'postgres' ], "pg_dump @options");
}

# Into a database made for it, by psql or pg_restore, stopping at the first error.
sub restoring
{
	my ($database, $file, @options) = @_;
	return (-d $file || $file =~ /custom$/ ? [ 'pg_restore', '-e', @options, '-d', $node->connstr($database), $file ]
		: [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, $node->connstr($database) ]);
}

sub restore
{
	my ($database, $file, @options) = @_;

	$node->safe_psql('postgres', "create database $database")
		if $node->safe_psql('postgres', "select count(*) from pg_database where datname = '$database'") eq '0';
	command_ok(restoring($database, $file, @options), "restore into $database @options");
}

sub refused { my ($out, $err) = run_command(restoring(@_)); return $err; }
sub refused_sql { my ($status, $out, $err) = $node->psql(@_); return $err; }
