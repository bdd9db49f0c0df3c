# Leaderboards and balances under full load: while a writer sits idle in a transaction
# with a row of its own, another transaction is prepared and a poster loops, they are
# compared in one snapshot with their recomputation from the rows, and posting goes
# on all the while. When both have committed, and after a repair beside writers,
# they are compared again.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RewardsTest;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('main');
my $row = q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts'), ('idle', 'p1', '/tts'), ('idle', 'held gpu', '/tts')};

# No number is left unused while the two are at work.
my $script = q{
	\set u random_zipfian(1, 300, 1.1)
	\set p random_zipfian(1, 40, 1.5)
	\set n random(1, 3000)
	\set s random(1, 8)
	insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, created_at)
	values (case when :s = 1 then 'n' || :n else 'u' || :u end, case when :s = 2 then 'n' || :n else 'p' || :p end, '/embeddings', 'owned-7b', :s,
		now() - case when :s > 6 then interval '31 days' else interval '0' end);};

my $differences = boards_sql();
sub boards_differ { return $node->safe_psql('postgres', "select * from ($differences) d limit 10"); }
sub boards_exact { my ($what) = @_; is(boards_differ(), '', "$what: boards are what the rows say"); exact($node, $what); }

install($node);
my $idle = $node->background_psql('postgres');
$idle->query_safe("begin; $row");
$node->safe_psql('postgres', "begin; $row; prepare transaction 'held'");

my $load = load_start($node, 3, clients => 6, script => $script);
my $poster = load_start($node, 3, clients => 1, script => 'select * from rewards.post();');
my ($reads, $wrong, $most, $shown, $end) = (0, 0, 0, '', time() + 3);
while (time() < $end || $reads < 3)
{
	my $found = boards_differ();
	my $backlog = $node->safe_psql('postgres', 'select backlog from rewards.status');

	$most = $backlog if $backlog > $most;
	$wrong++ if $found ne '';
	$shown ||= $found;
	$reads++;
	# the idle writer sees what it has written, again and again, and undoes some of it
	$idle->query_safe("savepoint s; $row; rollback to s");
}
is($wrong, 0, 'boards and balances are exact at any moment') or diag($shown);
note("asked $reads times");
my $rows = load_finish($load, 'writers');
load_finish($poster, 'poster');
cmp_ok($node->safe_psql('postgres', 'select backlog from rewards.status'), '<', $rows, 'the poster has folded beside them');
note("the backlog was $most of $rows at most");
$node->safe_psql('postgres', 'select rewards.post()') for 1 .. 2;
is($node->safe_psql('postgres', 'select backlog from rewards.status'), '0', 'what the others wrote is folded');
is(boards_differ(), '', 'before the two commit: boards are what the rows say');

# while they are quiet, what others roll back beside them is given up
my $open = sub { $node->safe_psql('postgres', 'select open_stretches from rewards.status') };
my $before = $open->();
$load = load_start($node, 2, clients => 6, script => "\\set r random(1, 3)\nbegin;$script\n\\if :r = 1\nrollback;\n\\else\ncommit;\n\\endif");
$poster = load_start($node, 2, clients => 1, script => 'select * from rewards.post();');
load_finish($load, 'writers who roll back');
load_finish($poster, 'poster beside them');
$node->safe_psql('postgres', 'select rewards.post()') for 1 .. 2;
cmp_ok($open->(), '<=', $before + 5, 'and stays open no longer');
is($node->safe_psql('postgres', 'select backlog from rewards.status'), '0', 'what was committed is folded');
is(boards_differ(), '', 'after rollbacks: boards are what the rows say');

# a repair while they are open, beside writers and a poster
$load = load_start($node, 1, clients => 3, rate => 150);
$poster = load_start($node, 1, clients => 1, script => 'select * from rewards.post();');
$node->safe_psql('postgres', q{select rewards.repair('under load')});
is(boards_differ(), '', 'repaired under load: boards are what the rows say');
load_finish($load, 'writers beside a repair');
load_finish($poster, 'poster beside a repair');

$idle->query_safe('commit');
is(boards_differ(), '', 'the idle writer has committed: boards are what the rows say');
$node->safe_psql('postgres', q{commit prepared 'held'});
boards_exact('both have committed');
is($node->safe_psql('postgres', q{select points from rewards.leaderboard_rank('held gpu', 'provider')}), '4', 'their rows count once each');
ok(post_all($node), 'posting comes to its end');
is($node->safe_psql('postgres', 'select backlog, open_stretches from rewards.status'), '0|0', 'nothing is left');
is(boards_differ(), '', 'all posted: boards are what the rows say');
$node->safe_psql('postgres', q{select rewards.repair('all of it')});
boards_exact('repaired');
no_deadlock($node);
$idle->quit;
$node->stop;

done_testing();
