# What a soak measures: the memory of processes, the size of tables beside that of their
# rewritten selves, and whether a figure has grown.
package Soak;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(memory_of median quarter grew sizes rewritten bloated);

# kB of a process: what it has to itself, and with what it shares; nothing when it is gone.
# Only the first can tell a leak: the other grows as the process touches shared buffers.
sub memory_of
{
	my ($pid) = @_;
	my %kb;

	open my $in, '<', "/proc/$pid/smaps_rollup" or return;
	while (<$in>)
	{
		$kb{$1} = $2 if /^(\w+):\s+(\d+) kB/;
	}
	close $in;
	return unless $kb{Rss};
	return { own => $kb{Pss_Anon} // $kb{Anonymous}, pss => $kb{Pss}, rss => $kb{Rss} };
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return @sorted ? $sorted[ @sorted / 2 ] : 0;
}

# The samples of the n-th quarter of the time, n from 1.
sub quarter
{
	my ($n, @samples) = @_;
	return @samples[ int(@samples * ($n - 1) / 4) .. int(@samples * $n / 4) - 1 ];
}

# Whether kB have grown: the median of the last quarter over that of the second, when all
# is warm, by more than so many kB and such a part.
sub grew
{
	my ($kb, $part, @samples) = @_;
	my ($before, $after) = (median(quarter(2, @samples)), median(quarter(4, @samples)));

	return $after > $before * (1 + $part) + $kb ? "from $before to $after kB" : '';
}

# Pages of tables that are updated, and of their indexes, by name.  Usage, the journal and
# what else is only appended to cannot bloat.
my $updated = q{
	select c.oid, c.relname, pg_relation_size(c.oid) / 8192 as pages,
		(select sum(pg_relation_size(i.indexrelid)) / 8192 from pg_index i where i.indrelid = c.oid)::bigint as index_pages, n_tup_upd, n_tup_hot_upd, n_live_tup
	from pg_class c join pg_stat_all_tables s on s.relid = c.oid
	where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'r' and n_tup_upd + n_tup_del > 0 and c.relname !~ '^usage_logs_'
};

sub sizes
{
	my ($node, $database) = @_;
	my %size;

	for (split /\n/, $node->safe_psql($database, "select relname, pages, coalesce(index_pages, 0), n_tup_upd, n_tup_hot_upd, n_live_tup from ($updated) u"))
	{
		my ($name, @figures) = split /\|/;
		$size{$name} = { pages => $figures[0], index_pages => $figures[1], updates => $figures[2], hot => $figures[3], rows => $figures[4] };
	}
	return \%size;
}

# The same tables, written anew: VACUUM FULL keeps to the fillfactor and makes indexes as a
# bulk load does.  Adds pages and index_pages of then as fresh and index_fresh.
sub rewritten
{
	my ($node, $database, $size) = @_;

	$node->safe_psql($database, "vacuum full rewards.$_") for sort keys %$size;
	for my $name (keys %$size)
	{
		my ($pages, $index_pages) = split /\|/, $node->safe_psql($database, qq{
			select pg_relation_size('rewards.$name') / 8192,
				coalesce((select sum(pg_relation_size(i.indexrelid)) / 8192 from pg_index i where i.indrelid = 'rewards.$name'::regclass), 0)::bigint});
		@{ $size->{$name} }{qw(fresh index_fresh)} = ($pages, $index_pages);
	}
}

# Whether a table of half a megabyte or more is over 1.2 times as large as a fresh one, or
# indexes of a megabyte three times.  An index filled in random order is 1.45 times a fresh
# one by nature.  On top of that goes half as much again as all versions that the longest
# read has kept from being removed, the share of the time being what it took: their space
# is used again, and not given back.
sub bloated
{
	my ($size, $share) = @_;
	my $kept = 1.5 * $share * $size->{updates} / ($size->{rows} || 1);

	return 'table' if $size->{pages} >= 64 && $size->{pages} > (1.2 + $kept) * $size->{fresh};
	return 'indexes' if $size->{index_pages} >= 128 && $size->{index_pages} > (3 + $kept) * $size->{index_fresh};
	return '';
}

1;
