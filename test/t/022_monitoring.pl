# docs/monitoring.md: each of its queries runs, by the role that it says; what exporters are
# told of fits what the queries return; alerts go by figures that there are.
use strict;
use warnings;
use CPAN::Meta::YAML;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use RewardsTest;
use Test::More;

my $doc = slurp_file("$FindBin::RealBin/../../docs/monitoring.md");
my @sql = $doc =~ /^```sql\n(.*?)^```/msg;
my %yaml;
for ($doc =~ /^```yaml\n(.*?)^```/msg)
{
	my $parsed = CPAN::Meta::YAML->read_string($_)->[0];
	$yaml{ $parsed->{groups} ? 'alerts' : $parsed->{collector_name} ? 'collector' : 'queries' } = $parsed;
}
is(join(' ', sort keys %yaml), 'alerts collector queries', 'the documentation has all three');

my $node = new_node('main', workers => 4, allows_streaming => 1);
install($node);
my $load = load_start($node, 1, rate => 200);
load_finish($load, 'writers');

# What a query returns: names of columns and the first row.
sub answer
{
	my ($role, $query) = @_;
	my ($status, $out, $error) = $node->psql('postgres', $query, extra_params => [ '-U', $role, '-P', 'tuples_only=off', '-P', 'footer=off' ]);

	is($error, '', "$role: " . substr($query =~ s/\s+/ /gr, 0, 60));
	my ($names, $row) = split /\n/, $out;
	return ([ split /\|/, $names // '' ], [ split /\|/, $row // '', -1 ]);
}

for (@sql)
{
	my ($role, $statements) = /^-- as (?:an? )?(\w+)\n(.*)/s or fail("no role is said for: $_") or next;
	answer($role =~ /admin|superuser/ ? scalar(getpwuid($<)) : $role, $statements);
}
# what is said to be enough is, without the last grant
$node->safe_psql('postgres', 'revoke pg_read_all_stats from exporter');
$node->safe_psql('postgres', 'analyze');

sub numbers
{
	my ($name, $names, $row, @wanted) = @_;
	my %value;

	@value{@$names} = @$row;
	is(join(' ', grep { !defined $value{$_} || $value{$_} !~ /^-?[\d.]+(e[+-]?\d+)?$/ } @wanted), '', "$name: all its figures are numbers");
	return %value;
}

### postgres_exporter

my %metric;
for my $query (sort keys %{ $yaml{queries} })
{
	my ($names, $row) = answer('exporter', $yaml{queries}{$query}{query});
	my %usage = map { my ($name) = keys %$_; ($name => $_->{$name}{usage}) } @{ $yaml{queries}{$query}{metrics} };

	is(join(' ', sort keys %usage), join(' ', sort @$names), "$query: each column is described");
	my @figures = grep { $usage{$_} ne 'LABEL' } keys %usage;
	numbers($query, $names, $row, @figures);
	$metric{"${query}_$_"} = 1 for @figures;
}

### sql_exporter

my %query = map { ($_->{query_name} => $_->{query}) } @{ $yaml{collector}{queries} };
my %columns;
for my $one (@{ $yaml{collector}{metrics} })
{
	my $name = $one->{query_ref};
	$columns{$name} ||= [ answer('exporter', $query{$name}) ];
	my %value = numbers($one->{metric_name}, @{ $columns{$name} }, @{ $one->{values} });
	ok(exists $value{$_}, "$one->{metric_name}: label $_") for @{ $one->{key_labels} || [] };
}
is(join(' ', sort map { $_->{metric_name} } @{ $yaml{collector}{metrics} }), join(' ', sort keys %metric), 'both exporters give the same figures');

### alerts

for my $alert (map { @{ $_->{rules} } } @{ $yaml{alerts}{groups} })
{
	my @named = $alert->{expr} =~ /\b(rewards_\w+)/g;
	is(join(' ', grep { !$metric{$_} } @named), '', "$alert->{alert}: goes by figures that there are");
	ok(@named > 0 && $alert->{annotations}{summary} && $alert->{for} =~ /^\d+[mh]$/, "$alert->{alert}: has all it takes");
}

### what the figures say

my $state = 'select open_stretches, open_since is not null, held_back_by from rewards.status';
sub seen { return $node->safe_psql('postgres', $_[0], extra_params => [ '-U', $_[1] || 'exporter' ]) }
ok($node->poll_query_until('postgres', 'select backlog = 0 and open_stretches = 0 from rewards.status'), 'the worker posts');
is(seen($state), '0|f|', 'nothing is open');
my $row = q{insert into rewards.usage_logs (user_id, endpoint) values ('u1', '/tts')};
$node->safe_psql('postgres', "begin; $row; prepare transaction 'held'");
$node->safe_psql('postgres', "$row; select rewards.post()");
ok($node->poll_query_until('postgres', 'select open_stretches = 1 and open_since is not null from rewards.status'), 'a prepared transaction is seen');
is(seen(q{select open_since = (select prepared from pg_prepared_xacts) from rewards.status}), 't', 'since it was prepared');
is(seen($state), seen($state, scalar getpwuid($<)), 'by an exporter as by a superuser');
is(seen('select who from rewards.oldest_writer()'), 'prepared transaction held', 'and by its name');
$node->safe_psql('postgres', q{rollback prepared 'held'});

# beyond 2000 rows it counts numbers, and prices wait
$node->safe_psql('postgres', q{select rewards.stop_worker(); select rewards.toggle_mainnet(true, valid_from => '2020-01-01'); select rewards.post()});
my $unpriced = seen('select unpriced_rows from rewards.status');
my $many = q{insert into rewards.usage_logs (user_id, endpoint) select 'u1', '/tts' from generate_series(1, %d)};
$node->safe_psql('postgres', 'begin; ' . sprintf($many, 100) . '; rollback; ' . sprintf($many, 1990));
is(seen("select backlog, unpriced_rows - $unpriced from rewards.status"), '1990|1990', 'a short backlog is counted');
$node->safe_psql('postgres', sprintf($many, 5000));
is(seen("select backlog, unpriced_rows - $unpriced from rewards.status"), '7090|2000', 'a long one goes by numbers');
ok(post_all($node), 'all is posted');
is(seen("select backlog, unpriced_rows - $unpriced from rewards.status"), '0|6990', 'and what had no price is counted');

# the session's own caches
like(seen(q{select cache_hits from rewards.status; select rewards.track_usage(null, 'u2', 'p2', '/tts', null, 200, 1, 1, null) from generate_series(1, 50);
	select cache_hits >= 50, cache_misses between 1 and 20, cache_bytes > 0, cache_drops from rewards.status}, scalar getpwuid($<)), qr/^0\n.*t\|t\|t\|0$/s, 'caches tell how they serve');

$node->stop;

done_testing();
