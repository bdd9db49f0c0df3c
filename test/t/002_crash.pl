# The server is killed in the middle of the load and comes up again: what was
# acknowledged is there, nothing counts twice or half, and work goes on. A
# prepared transaction survives and is folded when it commits.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RewardsTest;
use Test::More;

my $node = new_node('main');
install($node);
$node->safe_psql('postgres', q{
	begin;
	insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts'), ('held', 'held', '/tts');
	prepare transaction 'held';
	select rewards.post();
});

for my $round (1 .. 2)
{
	my $before = $node->safe_psql('postgres', "select count(*) from rewards.usage_logs where user_id = 'ack'");
	my $load = load_start($node, 60, clients => 6, rate => 500);
	my $poster = load_start($node, 60, clients => 1, script => 'select * from rewards.post();');
	my $single = load_start($node, 60, clients => 4, rate => 300,
		script => "insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('ack', 'p1', '/tts');");

	sleep 3;
	kill_server($node);
	load_finish($load);
	load_finish($poster);
	my $acknowledged = load_finish($single);
	start_again($node);

	my $found = $node->safe_psql('postgres', "select count(*) from rewards.usage_logs where user_id = 'ack'") - $before;
	cmp_ok($acknowledged, '>', 50, "kill $round: a load worth the name");
	cmp_ok($found, '>=', $acknowledged, "kill $round: what was acknowledged is there");
	cmp_ok($found, '<=', $acknowledged + 4, "kill $round: and nothing more than was under way");
	exact($node, "kill $round, after recovery");
}

my $load = load_start($node, 2, rate => 500);
my $poster = load_start($node, 2, clients => 1, script => 'select * from rewards.post();');
load_finish($load, 'the load after recovery');
load_finish($poster, 'posting after recovery');
exact($node, 'going on');
$node->safe_psql('postgres', q{commit prepared 'held'});
exact($node, 'the prepared transaction committed');
is($node->safe_psql('postgres', "select trim_scale(total_points) from rewards.user_points where user_id = 'held'"), '0.2', 'it counts');
ok(post_all($node), 'posting comes to its end');
exact($node, 'all posted');
no_deadlock($node);
$node->stop;

done_testing();
