# Eight writers on hot accounts, every way of writing at once, with posting going
# on all the time: no deadlock, no client fails, no share is lost or doubled.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RewardsTest;
use Test::More;

my $node = new_node('main');
install($node);

my $load = load_start($node, 7);
my $poster = load_start($node, 7, clients => 2, script => 'select * from rewards.post();');
my $reader = load_start($node, 7, clients => 1, script =>
	"select total_points from rewards.user_points where user_id = 'u1'; select * from rewards.balance('p1', 'provider');");
cmp_ok(load_finish($load, 'writers'), '>', 500, 'a load worth the name');
load_finish($poster, 'posters');
load_finish($reader, 'readers');

exact($node, 'tail and totals');
ok(post_all($node), 'posting comes to its end');
is($node->safe_psql('postgres', 'select backlog from rewards.status'), '0', 'nothing is left');
exact($node, 'totals');
cmp_ok($node->safe_psql('postgres', 'select count(distinct user_points) from rewards.usage_logs'), '>', 10, 'rules changed under way');
cmp_ok($node->safe_psql('postgres', 'select count(*) from rewards.referral_relationships'), '>', 5, 'referrals were made under way');
no_deadlock($node);
$node->stop;

done_testing();
