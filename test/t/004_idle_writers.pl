# An idle writer and a prepared transaction stay open under load: posting passes
# them, only their rows stay behind, every read is exact while they are open, and
# when they end nothing is lost. Numbers that others drew and did not use stay open
# as long as they do: past a limit posting stops and the status says for whom.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RewardsTest;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('main');
my $row = q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts'), ('idle', 'p1', '/tts')};

install($node);
my $idle = $node->background_psql('postgres');
my $loser = $node->background_psql('postgres');
$_->query_safe("begin; $row") for $idle, $loser;
$node->safe_psql('postgres', "begin; $row; $row; prepare transaction 'held'");

my $load = load_start($node, 8, clients => 6, rate => 200);
my $poster = load_start($node, 8, clients => 1, script => 'select * from rewards.post();');
my ($reads, $wrong, $end) = (0, 0, time() + 7);
while (time() < $end)
{
	$idle->query_safe("savepoint s; $row; rollback to s; $row; release s") if $reads % 5 == 0;
	$wrong++ if differences($node) ne '';
	$reads++;
}
is($wrong, 0, 'every read is exact');
cmp_ok($reads, '>=', 10, "of many ($reads)");
load_finish($load, 'writers');
load_finish($poster, 'poster');

$node->safe_psql('postgres', 'select rewards.post()') for 1 .. 2;
is($node->safe_psql('postgres', 'select backlog from rewards.status'), '0', 'what others wrote is folded');
is($node->safe_psql('postgres', 'select complete from rewards.post()'), 't', 'and posting is not held back');
exact($node, 'while they are open');

my $skips = load_start($node, 180, clients => 1, script => q{
	insert into rewards.usage_logs (request_id, user_id, endpoint) values ('r1', 'u1', '/embeddings') on conflict do nothing;
	insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts');});
for (1 .. 1500)
{
	$idle->query_safe('select 1');	# who does something may have drawn any of the numbers
	last if $node->safe_psql('postgres', 'select complete from rewards.post()') eq 'f';
	select undef, undef, undef, 0.1;
}
$skips->{harness}->kill_kill;
like($node->safe_psql('postgres', 'select open_stretches >= 1000, held_back_by from rewards.status'), qr/^t\|(process|prepared)/, 'after a thousand unused numbers posting is held back, and the status names by whom');
exact($node, 'held back');

$idle->query_safe('commit');
$loser->query_safe('rollback');
exact($node, 'the idle writer committed, another rolled back');
$node->safe_psql('postgres', q{commit prepared 'held'});
exact($node, 'the prepared transaction committed');
cmp_ok($node->safe_psql('postgres', 'select backlog from rewards.status'), '>', 6, 'their rows are in the tail');
ok(post_all($node), 'posting comes to its end');
is($node->safe_psql('postgres', 'select backlog, open_stretches from rewards.status'), '0|0', 'nothing is left');
exact($node, 'in the end');
no_deadlock($node);
$_->quit for $idle, $loser;
$node->stop;

done_testing();
