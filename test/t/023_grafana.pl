# The dashboard for Grafana: each of its queries runs as an analyst, with the range of
# time that Grafana would put in, and has what its kind of panel needs.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use JSON::PP;
use PostgreSQL::Test::Utils;
use RewardsTest;
use Test::More;

my $dashboard = decode_json(slurp_file("$FindBin::RealBin/../../docs/grafana/rewards.json"));
my $node = new_node('main');
install($node);
load_finish(load_start($node, 1, rate => 300), 'a load');
$node->safe_psql('postgres', q{
	select rewards.post();
	create role grafana;
	select rewards.grant_access('grafana', 'analyst');
});

my ($titles, $full) = ('', 0);
for my $panel (@{ $dashboard->{panels} })
{
	my ($target) = @{ $panel->{targets} };
	my $query = $target->{rawSql};

	$titles .= "$panel->{title}\n";
	$query =~ s/\$__timeFrom\(\)/(now() - interval '30 days')/g;
	$query =~ s/\$__timeTo\(\)/now()/g;
	unlike($query, qr/\$__/, "$panel->{title}: its macros are known");
	my ($status, $out, $err) = $node->psql('postgres', "set role grafana; create temp table shown as $query; select string_agg(attname || ' ' || atttypid::regtype, ', ' order by attnum) from pg_attribute where attrelid = 'pg_temp.shown'::regclass and attnum > 0; select count(*) from pg_temp.shown");
	is($status, 0, "$panel->{title}: it runs") or diag($err);
	like($out, qr/^time timestamp with time zone/, "$panel->{title}: it has a time") if $target->{format} eq 'time_series';
	$full++ if $out =~ /\n[1-9]\d*\z/;
}
cmp_ok($full, '>=', 15, 'most of them show something') or diag($full);
$node->stop;

done_testing();
