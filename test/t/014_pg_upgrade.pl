# pg_upgrade: every figure, object and privilege is there after it, verify() is clean,
# and writing goes on.  From this very server to itself; from an older one when
# REWARDS_OLD_PREFIX names where it is installed and REWARDS_OLD_CONFIG what its
# servers need (test/upgrade/run).  One database is of the newest version, one of
# 0.1.0, which is updated after it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RewardsTest;
use RewardsCopy;
use Test::More;

my $prefix = $ENV{REWARDS_OLD_PREFIX};
# no worker, which would post between the figures of before and of after
my $settings = "max_worker_processes = 0\nmax_logical_replication_workers = 0\nmax_prepared_transactions = 10\ntimezone = 'UTC'\n";
my @initdb = ('-E', 'UTF8', '--locale', 'C');
my ($old, $new);
{
	local $ENV{TEMP_CONFIG} = $ENV{REWARDS_OLD_CONFIG} || $ENV{TEMP_CONFIG};
	$old = PostgreSQL::Test::Cluster->new('old', $prefix ? (install_path => $prefix) : ());
	# made by other options than the new one
	$old->init(extra => [ @initdb, '--text-search-config', 'simple', '--auth-host', 'reject' ]);
}
$old->append_conf('postgresql.conf', $settings);
$old->start;
note('from ' . $old->safe_psql('postgres', 'select version()'));
# 18 looks for libraries where PostgreSQL has its own alone, 17 as Debian has it elsewhere, too, and 19 in all of dynamic_library_path
if (!$prefix && $old->safe_psql('postgres', 'show server_version_num') =~ /^18/ && $old->psql('postgres', q{load '$libdir/rewards'}))
{
	plan skip_all => 'pg_upgrade of PostgreSQL 18 finds no library that is not installed';
}

$old->safe_psql('postgres', 'create role shop; create role "The Analyst"; create role hand; create role heir; create database old');
for my $database (qw(postgres old))
{
	install_old($old, $database, '0.1.0') if $database eq 'old';
	install($old, database => $database);
	world($old, $database);
	grants($old, $database);
	make_views($old, $database);
	load_finish(load_start($old, 1, rate => 500, database => $database), "the load in $database");
	$old->safe_psql($database, 'select rewards.post()');
	$old->safe_psql($database, q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts'), ('tail', 'p1', '/tts')});
}
my %columns = map { $_ => columns($old, $_) } qw(postgres old);
my %figures = map { $_ => figures($old, $_, $columns{$_}) } qw(postgres old);
my %may = map { $_ => join "\n", @{ may($old, $_) } } qw(postgres old);
my $rows = $old->safe_psql('postgres', 'select count(*) from rewards.usage_logs');
$old->stop;

$new = PostgreSQL::Test::Cluster->new('new');
$new->init(extra => \@initdb);
$new->append_conf('postgresql.conf', $settings);
my $begun = time;
chdir $new->basedir or die;
command_ok([ 'pg_upgrade', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $old->config_data('--bindir'), '-B', $new->config_data('--bindir'),
		'-s', $new->host, '-p', $old->port, '-P', $new->port ], 'pg_upgrade');
note("$rows rows in " . (time - $begun) . ' s');
$new->start;
note('to ' . $new->safe_psql('postgres', 'select version()'));

# versions of PostgreSQL print views differently, so this compares with a fresh installation
$new->safe_psql('postgres', 'create database fresh');
install($new, database => 'fresh');
grants($new, 'fresh');
my $objects = objects($new, 'fresh');
same_objects(objects($new, 'postgres'), $objects, 'the same objects as a fresh installation');
for my $database (qw(postgres old))
{
	is(figures($new, $database, $columns{$database}), $figures{$database}, "$database: every figure is the same");
	is(join("\n", @{ may($new, $database) }), $may{$database}, "$database: the same privileges");
	is($new->safe_psql($database, 'select * from rewards.verify() limit 10'), '', "$database: verify() is clean");
	is($new->safe_psql($database, q{set role shop; insert into rewards.usage_logs (user_id, endpoint) values ('u1', '/tts') returning user_id}), 'u1', "$database: an app writes");
}
grow($new, 'old');
$figures{old} = figures($new, 'old', $columns{old});
$new->safe_psql('old', 'alter extension rewards update; select rewards.install()');
is(figures($new, 'old', $columns{old}), $figures{old}, 'old, updated: every figure is the same');
same_objects(objects($new, 'old'), $objects, 'old, updated: the same objects as a fresh installation');
for my $database (qw(postgres old))
{
	grow($new, $database);
	my $count = $new->safe_psql($database, 'select count(*) from rewards.usage_logs');
	$new->safe_psql($database, q{select rewards.track_usage('old-5', 'u1', 'p2', '/v1/chat/completions', null, 200, 5, 10, null)});
	is($new->safe_psql($database, 'select count(*) from rewards.usage_logs'), $count, "$database: a repeat is recognised");
}
$new->stop;

done_testing();
