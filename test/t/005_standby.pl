# A physical standby: what is read there is exact at every moment of the load, and
# after promotion it goes on writing and posting.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use RewardsTest;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('main', allows_streaming => 1);
install($node);
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = -1');
$standby->start;

my $load = load_start($node, 6, clients => 6, rate => 500);
my $poster = load_start($node, 6, clients => 1, script => 'select * from rewards.post();');
my ($reads, $wrong, $end) = (0, 0, time() + 5);
while (time() < $end)
{
	$wrong++ if differences($standby) ne '';
	$reads++;
}
is($wrong, 0, 'every read on the standby is exact');
cmp_ok($reads, '>=', 5, "of many ($reads)");
load_finish($load, 'writers');
load_finish($poster, 'poster');

# a prepared transaction and an idle writer at the moment of promotion
my $row = q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts'), ('idle', 'p1', '/tts')};
my $idle = $node->background_psql('postgres');
$idle->query_safe("begin; $row");
$node->safe_psql('postgres', "begin; $row; prepare transaction 'held'");
$node->safe_psql('postgres', "$row; select rewards.post()");
$node->wait_for_catchup($standby);
my $figures = q{select kind, account, sum(total_points) from rewards.daily_points group by 1, 2 order by 1, 2};
is($standby->safe_psql('postgres', $figures), $node->safe_psql('postgres', $figures), 'both say the same');
exact($standby, 'the standby');
my ($status, undef, $error) = $standby->psql('postgres', 'select rewards.post()');
isnt($status, 0, 'a standby does not post');
like($error, qr/read-only|recovery/, 'and says why');

$node->stop('immediate');
$standby->promote;
$idle->{run}->kill_kill;
exact($standby, 'promoted');
$load = load_start($standby, 2, rate => 500);
$poster = load_start($standby, 2, clients => 1, script => 'select * from rewards.post();');
load_finish($load, 'writers after promotion');
load_finish($poster, 'poster after promotion');
exact($standby, 'going on');
$standby->safe_psql('postgres', q{commit prepared 'held'});
exact($standby, 'the prepared transaction committed');
ok(post_all($standby), 'posting comes to its end');
is($standby->safe_psql('postgres', 'select backlog, open_stretches from rewards.status'), '0|0', 'nothing is left');
exact($standby, 'in the end');
no_deadlock($standby);
$standby->stop;

done_testing();
