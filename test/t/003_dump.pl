# Dump and restore, plain and parallel, and a copy by template: every figure is
# the same, nothing is rewarded again, and both sides go on writing and posting.
# At the time of the dump a writer is idle, so numbers are open that the copy will
# never see.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use RewardsTest;
use Test::More;

my $figures = q{
	select md5(string_agg(f::text, ' ' order by f::text)) from (
		select 'u' as what, p::text from rewards.user_points p
		union all select 'p', p::text from rewards.provider_rewards p
		union all select 'd', p::text from rewards.daily_points p
		union all select 'e', e::text from rewards.model_creator_earnings e
		union all select 'a', (kind, account, email, referrer, joined_at)::text from rewards.accounts
		union all select 'r', r::text from rewards.referral_relationships r
		union all select 'l', l::text from rewards.ledger l
		union all select 's', (id, distribution::text)::text from rewards.usage_logs) f
};

my $node = new_node('main');
install($node);
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

my $truth = $node->safe_psql('postgres', $figures);
my $dump = $node->basedir . '/dump';

$node->command_ok([ 'pg_dump', '-f', "$dump.sql", 'postgres' ], 'pg_dump');
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dump.custom", 'postgres' ], 'pg_dump -Fc');
$node->safe_psql('postgres', 'create database plain');
$node->safe_psql('postgres', 'create database parallel');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dump.sql", 'plain' ], 'restore by psql');
$node->command_ok([ 'pg_restore', '-j', '2', '-e', '-d', 'parallel', "$dump.custom" ], 'pg_restore -j 2');
go_on('plain');
go_on('parallel');

is($node->safe_psql('postgres', $figures), $truth, 'the original is unchanged');
$idle->query_safe('commit');
$idle->quit;
exact($node, 'the idle writer committed');
is($node->safe_psql('postgres', "select requests from rewards.user_points where user_id = 'idle'"), '2', 'and counts');

$truth = $node->safe_psql('postgres', $figures);
$node->safe_psql('template1', 'create database template_copy template postgres');
go_on('template_copy');
is($node->safe_psql('postgres', $figures), $truth, 'the original is unchanged by the copy');
ok(post_all($node), 'posting comes to its end in the original');
exact($node, 'the original');
no_deadlock($node);
$node->stop;

done_testing();

# A copy has the same figures before and after posting, and lives on.
sub go_on
{
	my ($copy) = @_;

	is($node->safe_psql($copy, $figures), $truth, "$copy: every figure is the same");
	exact($node, $copy, $copy);

	# rows of the copy's own that are open while it posts for the first time
	my $writer = $node->background_psql($copy);
	$writer->query_safe(q{begin; insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u2', 'p2', '/tts')});
	$node->safe_psql($copy, q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u3', 'p2', '/tts')});
	$node->safe_psql($copy, 'select rewards.post()');
	exact($node, "$copy, posted for the first time", $copy);
	$writer->query_safe('commit');
	$writer->quit;
	exact($node, "$copy, a writer committed", $copy);

	my $rows = $node->safe_psql($copy, 'select count(*) from rewards.usage_logs');
	$node->safe_psql($copy, q{select rewards.track_usage('after', 'u1', 'p1', '/tts', null, 200, 1, 1, 1) from generate_series(1, 2)});
	is($node->safe_psql($copy, 'select count(*) from rewards.usage_logs') - $rows, 1, "$copy: a request is recorded once");
	load_finish(load_start($node, 1, rate => 500, database => $copy), "the load in $copy");
	ok(post_all($node, $copy), "$copy: posting comes to its end");
	is($node->safe_psql($copy, 'select backlog from rewards.status'), '0', "$copy: nothing is left");
	exact($node, "$copy, in the end", $copy);
}
