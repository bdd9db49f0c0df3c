# Retention beside writers, posting and readers: a partition goes when nobody needs it any
# more, whoever is idle, prepared or reads an old snapshot keeps it for so long, and
# writers are not held up. Figures stay, in a restored dump as well.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RewardsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
install($node);
my $insert = q{insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('u2', 'p2', '/chat/completions', 'owned-7b')};
my $figures = q{select md5(string_agg(t::text, ' ' order by t::text)) from (select 'u' || t::text as t from rewards.user_points t where month < '2026-01-01'
	union all select 'p' || t::text from rewards.provider_rewards t where month < '2026-01-01' union all select 'c' || t::text from rewards.daily_points t where day < '2026-01-01') t};

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub verified { is(sql('select * from rewards.verify() limit 10'), '', "$_[0]: verify() is clean"); }

# A partition of 50 numbers, full of what is long past and folded; returns its first number.
sub old_partition
{
	my $first = sql('select max(upto) from rewards.usage_partition');

	sql("select rewards.make_partition($first, $first + 50), rewards.make_partition($first + 50, $first + 100000)");
	# a statement that began before they were there must not draw from them
	sql("begin; lock table only rewards.usage_logs in share mode; select setval('rewards.usage_number', $first - 1); commit");
	sql(q{insert into rewards.usage_logs (user_id, provider_id, endpoint, model, created_at)
		select 'u' || 1 + n % 6, 'p' || 1 + n % 4, '/chat/completions', 'owned-7b', timestamptz '2025-03-01' + n * interval '5 hours' from generate_series(1, 60) n});
	ok(post_until_folded($first), "partition $first is folded");
	return $first;
}

# With writers about, some numbers may stay open for a moment.
sub post_until_folded
{
	my ($first) = @_;

	return $node->poll_query_until('postgres', "select rewards.folded_numbers() \@> int8range($first, $first + 50) from rewards.post()");
}

# Until all that is summed up is gone, or just until this one is summed up.
sub remove { return $node->poll_query_until('postgres', 'select rewards.remove_partitions() is not null and not exists (select from rewards.removals where not gone)'); }
sub sum_up { return $node->poll_query_until('postgres', "select rewards.remove_partitions() is not null and exists (select from rewards.removals where first = $_[0])"); }
sub gone { return sql("select to_regclass('rewards.usage_logs_$_[0]') is null"); }

sql(q{select rewards.set_retention('1 ms'); select rewards.set_setting('partitions_ahead', '1')});
# with writers and a poster
my $load = load_start($node, 15, clients => 4, rate => 100, script => $insert . ';', options => [ '-L', 3000 ]);
my $poster = load_start($node, 15, clients => 1, rate => 5, script => 'select * from rewards.post();');

my $first = old_partition();
my $before = sql($figures);
ok(sum_up($first), 'it is summed up');
ok(remove(), 'an old partition goes beside writers');
is(gone($first), 't', 'its table, too');
is(sql($figures), $before, 'and no figure moves');
verified('beside writers');

# who keeps one, what he does, and how it ends
my $other = $node->background_psql('postgres');
my %keepers = (
	'an idle writer' => [ "begin; $insert", 'commit' ],
	'an idle reader' => [ 'begin; select count(*) from rewards.usage_logs', 'commit' ],
	'an old snapshot' => [ 'begin isolation level repeatable read; select count(*) from rewards.rule', 'commit' ],
	'a prepared transaction' => [ "begin; $insert; prepare transaction 'kept'", q{commit prepared 'kept'} ],
);
for my $who (sort keys %keepers)
{
	$first = old_partition();
	$before = sql($figures);
	$other->query_safe($keepers{$who}[0]);
	ok(sum_up($first), "$who: it is summed up");
	my $at = -s $node->logfile;
	sql(q{set deadlock_timeout = '50ms'; select rewards.remove_partitions()}) for 1 .. 5;
	unlike(slurp_file($node->logfile, $at), qr/AccessExclusiveLock.*still waiting|still waiting.*AccessExclusiveLock/, "$who: nobody is waited for");
	is(gone($first), 'f', "$who: the partition stays");
	is(sql($figures), $before, "$who: figures are the same");
	if ($who eq 'an old snapshot')
	{
		is($other->query_safe($figures), $before, "$who: it sees them as well");
		is($other->query_safe(q{set client_min_messages = error; select * from rewards.verify()}), '', "$who: and its own verify() is clean, with rows and not their sums");
		is($other->query_safe("select count(*) from rewards.usage_logs where id between $first and $first + 49"), '50', "$who: all rows are there");
	}
	$other->query_safe($keepers{$who}[1]);
	ok(remove(), "$who: it goes when that is over");
	is(gone($first), 't', "$who: and is gone");
	is(sql($figures), $before, "$who: figures are the same afterwards");
}
load_finish($load, 'writers');
load_finish($poster, 'poster');
like($load->{output}, qr/above the 3000\.0 ms latency limit: 0\//, 'no writer is held up');
ok(post_all($node), 'posting comes to its end');
verified('in the end');
is(sql(q{select rewards.repair('to see') is not null}), 't', 'repair()');
verified('repaired');
is(sql($figures), $before, 'and figures are the same');

# a maintenance sums up and removes, too
$first = old_partition();
is(sql(qq{select sum(done) > 0 from rewards.maintain() where task = 'partitions summed up'}), 't', 'maintain() sums up');

# a dump takes all along; the copy goes on where this one is
sql('create database copy');
$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-Fc', '-f', $node->basedir . '/dump', 'postgres' ], 'pg_dump');
$node->command_ok([ 'pg_restore', '-h', $node->host, '-p', $node->port, '-d', 'copy', $node->basedir . '/dump' ], 'pg_restore');
is($node->safe_psql('copy', 'select * from rewards.verify() limit 10'), '', 'the copy is clean');
is($node->safe_psql('copy', $figures), sql($figures), 'and has the same figures');
$node->safe_psql('copy', 'select rewards.resume_worker()');
ok($node->poll_query_until('copy', 'select rewards.remove_partitions() is not null and not exists (select from rewards.removals where not gone)'), 'there the partition goes, too');
is($node->safe_psql('copy', 'select * from rewards.verify() limit 10'), '', 'and the copy is still clean');
is($node->safe_psql('copy', q{select rewards.repair('in the copy') is not null}), 't', 'repair() in the copy');
is($node->safe_psql('copy', $figures), sql($figures), 'moves nothing');

# archived: detached, dumped, dropped, and read elsewhere
sql(q{select rewards.set_retention('1 ms', 'detach')});
ok(remove(), 'it is detached');
$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-Fc', '-t', "rewards.usage_logs_${first}_detached", '-f', $node->basedir . '/archive', 'postgres' ], 'the archive is dumped');
sql("drop table rewards.usage_logs_${first}_detached");
verified('without the archive');
sql('create database archive');
$node->safe_psql('archive', 'create extension rewards');
$node->command_ok([ 'pg_restore', '-h', $node->host, '-p', $node->port, '-d', 'archive', $node->basedir . '/archive' ], 'and restored');
is($node->safe_psql('archive', "select count(*), count(distribution) from rewards.usage_logs_${first}_detached"), '50|50', 'with all its rows');
$other->quit;

no_deadlock($node);
$node->stop;

done_testing();
