# Numbers are drawn as fast as can be: nobody takes one for drawn that is not, neither
# posting, which would pass over the row that gets it, nor whoever dates a change by it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RewardsTest;
use Test::More;

my $node = new_node('main');
install($node);

my $draws = load_start($node, 5, clients => 1, script => q{select count(rewards.next_number('rewards.usage_number')) from generate_series(1, 200);});
my $rows = load_start($node, 5, clients => 2, script => q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts');});
my $poster = load_start($node, 5, clients => 1, script => 'select * from rewards.post();');
# the second is read later, by PostgreSQL itself: it is never below
my $looks = load_start($node, 5, clients => 2, script => q{select 1 / (rewards.last_number() <= pg_sequence_last_value('rewards.usage_number'))::integer;});
cmp_ok(load_finish($draws, 'draws'), '>', 100, 'many numbers');
cmp_ok(load_finish($rows, 'writers'), '>', 100, 'and rows among them');
load_finish($poster, 'poster');
cmp_ok(load_finish($looks, 'no number is seen before it is drawn'), '>', 100, 'at any of many looks');

exact($node, 'tail and totals');
ok(post_all($node), 'posting comes to its end');
exact($node, 'totals');
no_deadlock($node);
$node->stop;

done_testing();
