# The worker: started by whoever inserts or reads, by a call or by a server parameter;
# what it does, and when it keeps out of the way.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RewardsTest;
use Test::More;

my $row = q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts')};
# nobody inserts usage, or reads
my $other = q{select rewards.referral_signup('u1', 'n' || clock_timestamp()::text)};
# who is there, also while it starts or is one too many
my $processes = q{select count(*) from pg_stat_activity where backend_type = 'rewards worker' and datname = '%s'};

sub said
{
	my ($node, $database) = @_;
	return $node->safe_psql($database || 'postgres', 'select worker from rewards.status');
}

# Waits until status says so.
sub says
{
	my ($node, $pattern, $what, $database) = @_;

	ok($node->poll_query_until($database || 'postgres', "select worker ~ '^($pattern)' from rewards.status"), $what)
		or diag(said($node, $database));
}

sub posted
{
	my ($node, $what, $database) = @_;

	ok($node->poll_query_until($database || 'postgres', 'select backlog = 0 and open_stretches = 0 from rewards.status'), $what);
}

sub workers
{
	my ($node, $count, $what, $database) = @_;

	ok($node->poll_query_until('postgres', sprintf("$processes", $database || 'postgres'), $count), $what);
}

sub refused
{
	my ($node, $sqlstate, $call) = @_;
	my (undef, undef, $error) = $node->psql('postgres', "\\set VERBOSITY sqlstate\nselect rewards.$call");

	like($error, qr/$sqlstate/, "$call: $sqlstate");
}

### by itself

my $node = new_node('main', workers => 6, allows_streaming => 1);
$node->append_conf('postgresql.conf', "restart_after_crash = on\nlog_min_messages = log\nautovacuum = off\n");
$node->restart;
install($node);
# seen without a read, which would start one
my $folded = 'select last = rewards.last_number() from rewards.cursor';
my $unstopped = "select rewards.stop_worker(); update rewards.worker set stopped = false";
$node->safe_psql('postgres', $unstopped);
workers($node, 0, 'nobody posts');
$node->safe_psql('postgres', $row);
ok($node->poll_query_until('postgres', $folded), 'an insert has a worker post');
$node->safe_psql('postgres', $unstopped);
$node->safe_psql('postgres', $other);
sleep 2;
is($node->safe_psql('postgres', $folded), 'f', 'what is no usage waits for the next look');
$node->safe_psql('postgres', q{select * from rewards.balance('u1')});
ok($node->poll_query_until('postgres', $folded), 'a read has it posted');
$node->safe_psql('postgres', 'select rewards.stop_worker()');
is(said($node), 'stopped', 'stop_worker() has ended it');
workers($node, 0, 'there is none');
$node->safe_psql('postgres', $row);
is($node->safe_psql('postgres', 'select backlog from rewards.status'), '1', 'and none starts');
$node->safe_psql('postgres', 'update rewards.worker set stopped = false');

# numbers that nobody will ever draw, as when a partition was closed, do not count as work that is stuck
$node->safe_psql('postgres', 'select rewards.start_worker()');
$node->safe_psql('postgres', q{select setval('rewards.usage_number', rewards.last_number() + 900000)});
$node->safe_psql('postgres', $row);
my $past = 0;
for (1 .. 30) { last if $past = $node->safe_psql('postgres', $folded) eq 't'; sleep 1; }
ok($past, 'a gap in the numbers is soon behind it');
$node->safe_psql('postgres', $unstopped);

# it waits for who calls it
$node->safe_psql('postgres', 'select rewards.stop_worker()');
$node->safe_psql('postgres', 'begin; select rewards.start_worker(); select pg_sleep(3); commit');
workers($node, 1, 'start_worker() has started it, though committed later');
$node->safe_psql('postgres', $unstopped);

# all clients find the tail at once
my $load = load_start($node, 3, clients => 6, rate => 400);
load_finish($load, 'a load that the worker posts');
ok($node->poll_query_until('postgres', $folded), 'all is posted');
exact($node, 'posted by the worker');
workers($node, 1, 'one worker is left of many');
is($node->safe_psql('postgres', q{select application_name || ', ' || usename from pg_stat_activity where backend_type = 'rewards worker'}),
	'rewards worker, ' . $node->safe_psql('postgres', 'select current_user'), 'it can be recognised');
ok($node->poll_query_until('postgres', 'select maintained_on = rewards.today() from rewards.worker'), 'it has maintained');

### idle

# (autovacuum is off, for it has transactions, too)
$node->safe_psql('postgres', q{select rewards.set_setting('post_delay', '1 s')});
posted($node, 'nothing is left to do');
my $idle = q{select c.xmin || ' ' || w.xmin || ' ' || c.last from rewards.cursor c, rewards.worker w};
my $count = q{select extract(epoch from clock_timestamp())::bigint, xact_commit + xact_rollback from pg_stat_database where datname = 'postgres'};
says($node, 'idle', 'it idles');
my $before = $node->safe_psql('postgres', $idle);
my ($then, $transactions) = split /\|/, $node->safe_psql('postgres', $count);
sleep 4;
my ($now, $more) = split /\|/, $node->safe_psql('postgres', $count);
cmp_ok($more - $transactions, '<=', 3 * ($now - $then) + 20, 'an idle worker looks, and no more');
is($node->safe_psql('postgres', $idle), $before, 'and writes nothing');

# what an old transaction holds open keeps it there, not busy
my $writer = $node->background_psql('postgres');
$writer->query_safe("begin; $row");
$node->safe_psql('postgres', $row);
ok($node->poll_query_until('postgres', 'select open_stretches = 1 from rewards.status'), 'an open transaction leaves a gap');
$writer->query_safe('commit');
$writer->quit;
posted($node, 'when it ends the gap is filled');
exact($node, "after the gap");

### it ends

$node->safe_psql('postgres', q{select rewards.set_setting('post_delay', '20 ms')});
workers($node, 0, 'without work it ends');
$node->safe_psql('postgres', $row);
posted($node, 'and starts when there is some');
$node->safe_psql('postgres', q{select rewards.set_setting('post_delay', '1 day')});
workers($node, 1, 'it is there');
$node->safe_psql('postgres', $row);
sleep 2;
is($node->safe_psql('postgres', 'select backlog > 0 from rewards.status'), 't', 'with a long post_delay it waits');
$node->safe_psql('postgres', q{select rewards.set_setting('post_backlog', '5')});
$node->safe_psql('postgres', "$row; $row; $row; $row; $row;");
ok($node->poll_query_until('postgres', 'select backlog < 5 from rewards.status'), 'but not for more than post_backlog');
$node->safe_psql('postgres', q{select rewards.set_setting('post_delay', '50 ms')});

### errors

$node->safe_psql('postgres', 'create trigger broken before insert on rewards.month_total for each row execute function rewards.refuse_change()');
my $points = q{select trim_scale(usage_points) from rewards.user_points where user_id = 'u1'};
# the load sets all sorts of shares, also none
$node->safe_psql('postgres', 'select rewards.set_user_share(0.1)');
my $had = $node->safe_psql('postgres', $points);
my $offset = -s $node->logfile;
$node->safe_psql('postgres', $row);
says($node, 'failing: posting: table "month_total" is not as install\(\) made it, next try at ', 'status tells what fails');
ok($node->poll_query_until('postgres', 'select failures >= 3 from rewards.worker'), 'it tries again');
my $log = slurp_file($node->logfile, $offset);
my @pauses = $log =~ /tried again in (\d+) s/g;
like("@pauses", qr/^1 2 4/, 'after pauses that grow');
like($log, qr/rewards worker: posting failed: table "month_total" is not as install\(\) made it/, 'the log tells it');
isnt($node->safe_psql('postgres', $points), $had, 'reads are exact meanwhile');
like($node->safe_psql('postgres', 'select rewards.stop_worker(), rewards.start_worker()'), qr/stopped.*started/, 'ended and started');
$node->safe_psql('postgres', 'drop trigger broken on rewards.month_total');
posted($node, 'it recovers');
says($node, 'idle|posting', 'and says so');
is($node->safe_psql('postgres', 'select failures, failure is null from rewards.worker'), '0|t', 'nothing fails any more');
exact($node, 'after the error');

# posting goes on while maintenance fails
$node->safe_psql('postgres', q{
	alter table rewards.quality_score rename to quality_score_gone;
	update rewards.worker set maintained_on = '2020-01-01'});
says($node, 'failing: maintenance', 'status tells that maintenance fails');
$node->safe_psql('postgres', $row);
posted($node, 'it posts nevertheless');
$node->safe_psql('postgres', 'alter table rewards.quality_score_gone rename to quality_score');
ok($node->poll_query_until('postgres', 'select maintained_on = rewards.today() and failures = 0 from rewards.worker'), 'and maintains in the end');

### calls

is($node->safe_psql('postgres', 'select rewards.start_worker()'), 'running already', 'start_worker(): running already');
workers($node, 1, 'still one');
$node->safe_psql('postgres', q{select rewards.set_setting('post_delay', '20 ms')});
sleep 4;
workers($node, 1, 'it stays without work');
is($node->safe_psql('postgres', q{select call, after ->> 'worker' from rewards.admin_log where call like '%_worker' order by id desc limit 1}), 'start_worker|running already', 'the log of calls has it');
$node->safe_psql('postgres', 'begin; select rewards.stop_worker(); select rewards.start_worker(); rollback');
$node->safe_psql('postgres', $row);
posted($node, 'calls that are rolled back do no harm');

### crashes

my $pid = $node->safe_psql('postgres', 'select rewards.start_worker(); select worker_pid from rewards.status');
$pid =~ s/.*\n//s;
$node->safe_psql('postgres', 'select rewards.start_worker()') unless $pid;
$pid ||= $node->safe_psql('postgres', 'select worker_pid from rewards.status');
kill 'KILL', $pid;
ok($node->poll_query_until('postgres', qq{select count(*) = 1 from pg_stat_activity where backend_type = 'rewards worker' and pid <> $pid}),
	'killed, it comes back with the server');
$load = load_start($node, 30, clients => 4, rate => 300);
sleep 2;
kill_server($node);
load_finish($load);
start_again($node);
$node->safe_psql('postgres', $row);
posted($node, 'after a crash of the server it is there with the first row');
exact($node, 'after the crash');

### standby and promotion

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->safe_psql('postgres', 'select rewards.stop_worker()');
$node->safe_psql('postgres', 'update rewards.worker set stopped = false');
# nothing looks at the tail on the primary from here on
$node->safe_psql('postgres', $other);
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'select backlog > 0, worker from rewards.status'), 't|none: this server is a standby', 'a standby has none');
refused($standby, '25006', $_) for ('start_worker()', 'stop_worker()', 'resume_worker()');
workers($standby, 0, 'none starts there');
$node->stop;
$standby->promote;
$standby->safe_psql('postgres', $row);
posted($standby, 'after promotion it is there');
exact($standby, 'promoted');
no_deadlock($standby);
$standby->stop;
$node->start;

### in nobody's way

$node->safe_psql('postgres', "$row");
says($node, 'idle|posting', 'a worker runs');
$node->safe_psql('template1', 'create database copy template postgres');
is(said($node, 'copy'), 'waiting: this database is a copy, call resume_worker()', 'a copy has none');
$node->safe_psql('copy', $row);
is($node->safe_psql('copy', 'select rewards.start_worker()'), 'waiting: this database is a copy, call resume_worker()', 'nor does start_worker() start one');
is($node->safe_psql('copy', 'select events > 0 from rewards.post()'), 't', 'a call of post() works there');
$node->safe_psql('copy', $row);
is($node->safe_psql('copy', 'select place from rewards.worker_place()'), 'none', 'none starts by itself');
is($node->safe_psql('copy', 'select rewards.launch_worker()'), 'started', 'one that starts all the same');
sleep 2;
workers($node, 0, 'does not stay', 'copy');
is($node->safe_psql('copy', 'select backlog > 0 from rewards.status'), 't', 'nor post');
# as in a subscriber, whose sequences nobody has moved
$node->safe_psql('copy', q{alter sequence rewards.usage_number restart with 2});
is($node->safe_psql('copy', 'select rewards.resume_worker()'), 'started', 'resume_worker() starts it');
$node->safe_psql('copy', $row);
posted($node, 'it posts', 'copy');
exact($node, 'the copy', 'copy');
is($node->safe_psql('copy', 'select count(*) - count(distinct id) from rewards.usage_logs'), '0', 'numbers go on above what is stored');
workers($node, 1, 'the copy has a worker', 'copy');
$node->safe_psql('postgres', 'drop database copy');
workers($node, 0, 'a database is dropped under its worker', 'copy');

$node->command_ok([ 'pg_dump', '-f', $node->basedir . '/dump.sql', 'postgres' ], 'pg_dump');
$node->safe_psql('postgres', 'create database restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $node->basedir . '/dump.sql', 'restored' ], 'restore');
is(said($node, 'restored'), 'waiting: this database is a copy, call resume_worker()', 'a restored database has none');
$node->safe_psql('restored', $row);
workers($node, 0, 'none starts there', 'restored');
like($node->safe_psql('restored', 'select rewards.resume_worker()'), qr/started/, 'until it is resumed');
posted($node, 'it posts', 'restored');

for (1 .. 5)
{
	$node->safe_psql('restored', "$row; select rewards.start_worker(); select rewards.uninstall('drop all data'); select rewards.install(); $row;");
	posted($node, "installed again $_", 'restored');
}
$node->safe_psql('restored', "$row; select rewards.uninstall('drop all data'); drop extension rewards;");
workers($node, 0, 'uninstalled under it, it ends', 'restored');
$node->safe_psql('postgres', 'drop database restored with (force)');

### no slot

$node->safe_psql('postgres', 'select rewards.stop_worker()');
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
$node->restart;
is($node->safe_psql('postgres', 'select rewards.start_worker()'), 'none: no free worker slot', 'start_worker() says that there is no slot');
$node->safe_psql('postgres', 'select rewards.set_user_share(0.1)');
$had = $node->safe_psql('postgres', $points);
$node->safe_psql('postgres', $row);
is(said($node), 'none: no free worker slot', 'status says so');
isnt($node->safe_psql('postgres', $points), $had, 'rows are recorded and read');
exact($node, 'without a worker');
unlike(slurp_file($node->logfile), qr/no free worker|too many background workers.*rewards/, 'and the log is not filled');

### preloaded

$node->append_conf('postgresql.conf', "max_worker_processes = 6\nshared_preload_libraries = 'rewards'\nrewards.databases = 'postgres, \"Later\"'\n");
$node->restart;
workers($node, 1, 'a database that is named has a worker without any row');
posted($node, 'it posts');
ok($node->wait_for_log(qr/rewards launcher: database "Later" does not exist/), 'a database that is not there is told of');
$node->safe_psql('postgres', 'create database "Later"');
$node->safe_psql('Later', 'create extension rewards; select rewards.install()');
$node->reload;
workers($node, 1, 'it has a worker when it is there', 'Later');
$node->append_conf('postgresql.conf', 'rewards.databases = \'"Later"\'');
$node->reload;
workers($node, 0, 'one that is named no longer loses its worker');
$node->append_conf('postgresql.conf', 'rewards.databases = \'a b\'');
$node->reload;
ok($node->wait_for_log(qr/invalid value for parameter "rewards.databases"/), 'a list that is none is refused');
workers($node, 1, 'and the one before holds', 'Later');
$node->safe_psql('postgres', 'drop database "Later"');
workers($node, 0, 'a database can be dropped under the launcher', 'Later');
no_deadlock($node);
$node->stop;
like(slurp_file($node->logfile), qr/database system is shut down\n\z/, 'shut down with all of it');

done_testing();
