# A physical standby: what is read there is exact at every moment of the load.  The
# primary is killed, the standby promoted: every commit that was acknowledged is there,
# requests that are sent again are not doubled, and writing and posting go on.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RewardsTest;
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

my $node = new_node('main', workers => 4, allows_streaming => 1);
install($node);
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = -1');
$standby->start;
# what is acknowledged has been flushed there; the standby waits for nobody after promotion
$node->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\nsynchronous_commit = on\n");
$node->reload;
$node->safe_psql('postgres', q{select rewards.set_setting('post_delay', '100 ms')});
ok($node->poll_query_until('postgres', q{select sync_state = 'sync' from pg_stat_replication}), 'the standby is synchronous');

### reads under load

my $workers = q{select count(*) from pg_stat_activity where backend_type = 'rewards worker'};
# totals, boards and balances beside their rows, all in one snapshot; and how far posting was
my $snapshot = 'begin isolation level repeatable read; select last from rewards.cursor; '
	. join(' ', map { "select * from ($_) d limit 5;" } differences_sql(), boards_sql()) . ' commit;';
my $load = load_start($node, 6, clients => 6, rate => 300);
my ($reads, $started, $end, %cursor, @wrong) = (0, 0, time() + 5);
while (time() < $end)
{
	my ($last, @found) = split /\n/, $standby->safe_psql('postgres', $snapshot);

	push @wrong, @found;
	$cursor{$last}++;
	$started += $standby->safe_psql('postgres', $workers);
	$reads++;
}
is(join("\n", @wrong), '', 'every read on the standby is exact');
cmp_ok($reads, '>=', 3, "of many ($reads)");
cmp_ok(scalar(keys %cursor), '>=', 3, 'between them the worker of the primary has posted');
is($started, 0, 'the standby has no worker');
like($standby->safe_psql('postgres', 'select worker from rewards.status'), qr/standby/, 'and says so');
load_finish($load, 'writers');

# a prepared transaction and an idle writer at the moment of promotion
my $row = q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts'), ('idle', 'p1', '/tts')};
my $idle = $node->background_psql('postgres');
$idle->query_safe("begin; $row");
$node->safe_psql('postgres', "begin; $row; prepare transaction 'held'");
$node->safe_psql('postgres', "$row; select rewards.post()");
$node->poll_query_until('postgres', 'select backlog = 0 from rewards.status');
$node->safe_psql('postgres', 'select rewards.stop_worker()');
$node->wait_for_catchup($standby);
my $figures = q{select kind, account, sum(total_points) from rewards.daily_points group by 1, 2 order by 1, 2};
is($standby->safe_psql('postgres', $figures), $node->safe_psql('postgres', $figures), 'both say the same');
exact($standby, 'the standby');
for my $call ('post()', 'start_worker()', q{track_usage('x', 'u1', null, '/tts', null, 200, 0, 0, null)})
{
	my ($status, undef, $error) = $standby->psql('postgres', "select rewards.$call");
	isnt($status, 0, "$call: a standby does not write");
	like($error, qr/read-only|recovery|standby/, 'and says why');
}
$node->safe_psql('postgres', 'select rewards.start_worker()');

### failover

# Clients that write request after request and note what they were told.
my $folder = $node->basedir;
sub writer
{
	my ($name) = @_;
	my $pid = fork();

	return $pid if $pid;
	open my $out, '>', "$folder/$name" or die $!;
	my $wire = Wire->new($node, 'postgres', $name);
	for (my $n = 1; $wire->is_open; $n++)
	{
		syswrite($out, "sent $n\n");
		my $answer = $wire->query(request($name, $n));
		syswrite($out, "told $n\n") if !$answer->{lost} && !$answer->{state};
	}
	require POSIX;
	POSIX::_exit(0);
}
sub request
{
	my ($name, $n) = @_;
	return "insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, input_tokens) values ('$name/$n', 'u' || $n % 100 + 1, 'p' || $n % 9 + 1, '/embeddings', $n) on conflict do nothing";
}
my @names = map { "client$_" } 1 .. 4;
my @writers = map { writer($_) } @names;
sleep 1.5;
kill_server($node);
waitpid($_, 0) for @writers;
$standby->promote;
$idle->{run}->kill_kill;

my (%sent, %told);
for my $name (@names)
{
	for (split /\n/, slurp_file("$folder/$name"))
	{
		my ($what, $n) = split / /;
		($what eq 'told' ? \%told : \%sent)->{"$name/$n"} = [ $name, $n ];
	}
}
my $requests = q{select request_id, count(*) from rewards.usage_logs where request_id ~ '^client' group by 1};
my %there = map { split /\|/ } split /\n/, $standby->safe_psql('postgres', $requests);
cmp_ok(scalar(keys %told), '>', 100, 'requests were acknowledged (' . keys(%told) . ')');
is(join(' ', sort grep { !$there{$_} } keys %told), '', 'what was acknowledged is there');
is(join(' ', sort grep { !$sent{$_} || $there{$_} > 1 } keys %there), '', 'once, and nothing that nobody sent');
exact($standby, 'promoted');

# who does not know what became of its requests sends them again
$load = load_start($standby, 2, clients => 4, rate => 300);
$standby->safe_psql('postgres', join("\n", map { request(@{ $sent{$_} }) . ';' } keys %sent));
%there = map { split /\|/ } split /\n/, $standby->safe_psql('postgres', $requests);
is(join(' ', sort grep { ($there{$_} || 0) != 1 } keys %sent), '', 'sent again, each request is there once');
load_finish($load, 'writers after promotion');

ok($standby->poll_query_until('postgres', $workers, '1'), 'the new primary has a worker');
$standby->safe_psql('postgres', q{commit prepared 'held'});
exact($standby, 'the prepared transaction committed');
ok($standby->poll_query_until('postgres', 'select backlog = 0 and open_stretches = 0 from rewards.status'), 'the worker posts all');
is($standby->safe_psql('postgres', 'select * from (' . boards_sql() . ') d limit 5'), '', 'boards are what the rows say');
exact($standby, 'in the end');
no_deadlock($standby);
$standby->stop;

done_testing();
