# Mixed traffic for a long time: no process grows, no table bloats, nothing is left lying,
# every figure stays exact, and the log says nothing of an error.
#
#   REWARDS_SOAK_MINUTES=n	for how long (0.6)
#   REWARDS_SOAK_RATE=n		transactions of single rows a second (80)
#   REWARDS_SOAK_TABLE=file	where to leave the tables of what was measured
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IO::Handle;
use List::Util qw(max);
use PostgreSQL::Test::Utils;
use RewardsTest;
use Soak;
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

my $minutes = $ENV{REWARDS_SOAK_MINUTES} || 0.6;
my $rate = $ENV{REWARDS_SOAK_RATE} || 80;
my $long = $minutes >= 5;
my $seconds = 60 * $minutes;
my ($sample_every, $print_every) = $long ? (10, 60) : (1, 10);
my ($verify_every, $maintain_every, $remove_every) = $long ? (300, 300, 20) : ($seconds / 2, $seconds / 3, 2);
# six or seven come, however long it takes
my $partition = max(2000, int(40 * $seconds));
my ($users, $providers) = $long ? (20_000, 500) : (500, 100);
my $database = 'postgres';

plan skip_all => 'no /proc/PID/smaps_rollup' unless -r "/proc/$$/smaps_rollup";

my $table = '';
sub told
{
	my ($line) = @_;

	$table .= "$line\n";
	note($line);
	return unless $ENV{REWARDS_SOAK_TABLE};
	open my $out, '>', $ENV{REWARDS_SOAK_TABLE} or die $!;
	print $out $table;
	close $out;
}

# ---- the programme ----

my $node = new_node('main', workers => 8);
# small caches, so that they are full soon
$node->append_conf('postgresql.conf', q{
	rewards.cache_size = '256kB'
	log_line_prefix = '%m [%p] %e %q%a '
} . ($long ? q{
	autovacuum_naptime = '15s'
	checkpoint_timeout = '5min'
	max_wal_size = '4GB'
} : q{
	autovacuum_naptime = '2s'
}));
$node->restart;
sub sql { return $node->safe_psql($database, $_[0]) }

# small partitions, so that many come
sql(qq{
	create extension rewards;
	create or replace function rewards.partition_size() returns bigint language sql stable set search_path = pg_catalog, pg_temp as 'select ${partition}::bigint'});
install($node);

my $csv = $node->basedir . '/rows.csv';
open my $out, '>', $csv or die $!;
print $out join("\t", 'u' . int($users * rand() ** 3 + 1), 'p' . int($providers * rand() ** 2 + 1), '/v1/embeddings', int(rand 500)), "\n" for 1 .. 200;
close $out;

sql(qq{
	select rewards.init_pricing('mainnet', valid_from => '2025-01-01');
	select rewards.register_account('u' || n) from generate_series(1, $users) n;
	select rewards.register_account('p' || n, 'provider') from generate_series(1, $providers) n;
	/* one by one, as they come */
	do \$\$ begin
		for n in 1..$users loop
			perform rewards.add_credits('u' || n, 1e9), rewards.add_credits('u' || n, 1e9, currency => 'tokens');
			commit;
		end loop;
	end \$\$;
	insert into rewards.usage_logs (user_id, provider_id, endpoint, model, output_tokens) select 'old' || n % 20, 'p' || n % 7 + 1, '/v1/chat/completions', 'owned-7b', n from generate_series(1, 200) n;
	select rewards.post();

	create role soak_app login in role pg_read_server_files;
	create role soak_analyst login;
	create role soak_admin login;
	create role soak_operator login;
	select rewards.grant_access('soak_app', 'app'), rewards.grant_access('soak_analyst', 'analyst'),
		rewards.grant_access('soak_admin', 'admin'), rewards.grant_access('soak_operator', 'operator');
	/* a row of the last minute, taken back unless it was already; not what was there before */
	create function take_back() returns void language plpgsql as \$\$
	declare
		number bigint := (select u.id from rewards.usage_logs u where u.id > rewards.last_number() - 200 and u.user_id !~ '^old' and u.status_code = 200 and u.distribution is not null limit 1);
	begin
		perform rewards.reverse_usage(number, 'soak') where number is not null;
	exception when sqlstate 'RW009' then
		null;
	end \$\$;
	grant execute on function rewards.last_number() to soak_admin;
});
# what follows shall tell of the traffic, not of how the accounts came all at once
$node->safe_psql($database, 'vacuum full');
sql(q{select rewards.set_retention('} . ($long ? '5 minutes' : '5 seconds') . q{')});
my $old = q{
	select 'user', user_id, month, total_points, requests, tokens from rewards.user_points where user_id ~ '^old' order by 2, 3};
my $old_before = sql($old);

# ---- the traffic ----

my $columns = 'request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens';
my $set = qq{
	\\set u random_zipfian(1, $users, 1.05)
	\\set p random_zipfian(1, $providers, 1.3)
	\\set t random(0, 800)
	\\set s random(1, 20)
	\\set r random(1, 3000)
};
my $row = q{null, 'u' || :u, 'p' || :p, '/v1/chat/completions', case when :s < 4 then 'owned-7b' when :s < 8 then 'Llama-3-70B' else 'mixtral' end,
	case :s when 9 then 500 else 200 end, :t, :t};
my %writing = (
	row => [ 60, "insert into rewards.usage_logs ($columns) values ($row);" ],
	# a repeat of what was sent a moment ago, with the same contents
	repeat => [ 20, "select rewards.track_usage('r' || (extract(epoch from now())::bigint / 2) || '/' || :r % 60, 'u' || :r % 60 + 1, 'p' || :r % 5 + 1, '/v1/embeddings', null, 200, 7, 0, null);" ],
	rollback => [ 5, "begin;\ninsert into rewards.usage_logs ($columns) values ($row);\nrollback;" ],
	savepoint => [ 5, "begin;\ninsert into rewards.usage_logs ($columns) values ($row);\nsavepoint s;\ninsert into rewards.usage_logs ($columns) values ($row);\nrollback to s;\nend;" ],
	token => [ 4, "select rewards.deduct_token('u' || :u, 1, model_id => 'owned-7b');" ],
	hold => [ 3, "begin;\nselect rewards.authorize_usage('u' || :u, 1, 'h' || clock_timestamp()::text || :t) as a, rewards.release_hold('none');\nend;" ],
	signup => [ 1, "select signup('u' || :u, 'u' || :r % $users + 1);" ],
	newcomer => [ 1, "select signup('u' || :u, 'n' || :r);" ]);
my %loading = (
	batch => [ 3, "insert into rewards.usage_logs ($columns) select null, 'u' || 1 + (:u + 7 * n) % $users, 'p' || :p, '/tts', null, 200, n, 0 from generate_series(1, 50) n;" ],
	copy => [ 1, "copy rewards.usage_logs (user_id, provider_id, endpoint, input_tokens) from '$csv';" ]);
my %idling = (idle => [ 1, "begin;\ninsert into rewards.usage_logs ($columns) values ($row);\n\\sleep 2 s\nend;\n\\sleep 2 s" ]);
my %reading = (
	board => [ 3, "select * from rewards.leaderboard_top('user', month(null), 20);" ],
	rank => [ 3, "select * from rewards.leaderboard_rank('u' || :u, 'user', null::date), rewards.leaderboard_around('p' || :p, 'provider', null::date);" ],
	summary => [ 6, "select * from rewards.account_summary('u' || :u, 'user', null::date);" ],
	statement => [ 2, "select * from rewards.statement('u' || :u);" ],
	history => [ 2, "select * from rewards.earning_history('u' || :u), rewards.balance('p' || :p, 'provider');" ],
	points => [ 2, "select * from rewards.user_points where user_id = 'u' || :u;" ],
	stats => [ 1, "select rewards.referral_stats('u' || :u), rewards.credits('u' || :u);" ]);
$_->[1] =~ s/month\(null\)/date_trunc('month', now())::date/ for values %reading;
my %ruling = (
	share => [ 1, "select rewards.set_user_share(0.01 * (:r % 50));" ],
	price => [ 1, "select rewards.set_pricing('tts', 0.0001 * (:r % 50), 'request');" ],
	campaign => [ 1, "select rewards.start_campaign('c' || clock_timestamp(), 1.5, now(), now() + interval '3 seconds');" ],
	multiplier => [ 3, "select rewards.set_multiplier('u' || :u, 'user', 1 + 0.1 * (:s % 3));" ],
	status => [ 2, "select rewards.set_status('u' || :r % 100 + 1, 'user', case when :s < 10 then 'paused' else 'active' end, 'soak');" ],
	credit => [ 3, "select rewards.add_credits('u' || :u, 5);" ],
	adjust => [ 2, "select rewards.adjust('u' || :u, 'user', 1.5, 'soak');" ],
	reversal => [ 2, "select take_back();" ]);
my %watching = (status => [ 1, 'select * from rewards.status;' ]);

# Starts clients of a role, each a session for all the time.
sub clients
{
	my ($role, $count, $per_second, $scripts) = @_;
	my %scripts = map { ("${role}_$_" => [ $scripts->{$_}[0], $set . $scripts->{$_}[1] ]) } keys %$scripts;
	local $ENV{PGAPPNAME} = "soak $role";

	$role = 'app' if $role =~ /loader|idler/;
	return load_start($node, int($seconds + 0.5), clients => $count, rate => $per_second, scripts => \%scripts,
		options => [ '-U', "soak_$role" ], database => $database);
}

my $begun = time;
my %runs = (
	writers => clients('app', 4, $rate, \%writing),
	loader => clients('loader', 1, $long ? 1 : 2, \%loading),
	idler => clients('idler', 1, undef, \%idling),
	readers => clients('analyst', 2, 8, \%reading),
	admins => clients('admin', 1, $long ? 0.5 : 2, \%ruling),
	watcher => clients('operator', 1, 1, \%watching));

# ---- the watch ----

my $watch = Wire->new($node, $database, 'watch');
sub query
{
	my ($sql) = @_;
	my $answer = $watch->query($sql, 300);

	die "$sql: $answer->{message}" if $answer->{state} || $answer->{lost};
	return $answer->{rows};
}

my (%own, %who, @backlog, @open, @partitions, @rules, @numbers, @wrong);
my ($longest, $verified, $maintained, $next_print, $next_verify, $next_maintain, $next_remove) = (0, 0, 0, 0, $verify_every, $maintain_every, 0);

sub sample
{
	my ($state) = @{ query(q{select backlog, coalesce(extract(epoch from clock_timestamp() - open_since), 0)::int, rewards.last_number(), partitions,
		(select sum(pg_relation_size(c.oid)) / 1024 / 1024 from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'i') and c.relname !~ '^(usage_logs|journal)')::int,
		(select count(*) from rewards.rule)
		from rewards.status}) };
	my $rss = 0;

	for (@{ query(q{select pid, case when backend_type = 'rewards worker' then 'worker' else substr(application_name, 6) end from pg_stat_activity
		where backend_type = 'rewards worker' or application_name ~ '^soak '}) })
	{
		my ($pid, $who) = @$_;
		my $memory = memory_of($pid) or next;

		$who{$pid} = $who;
		push @{ $own{$pid} }, $memory->{own};
		$rss = $memory->{rss} if $memory->{rss} > $rss;
	}
	push @backlog, $state->[0];
	push @open, $state->[1];
	push @partitions, $state->[3];
	push @rules, $state->[5];
	push @numbers, [ time, $state->[2] ];
	return (@$state[ 3, 4 ], $rss);
}

# The largest own memory among the sessions of each sort now, in MB.
sub memory_by_sort
{
	my %most;

	for (keys %own)
	{
		my $now = $own{$_}[-1] / 1024;
		$most{ $who{$_} } = $now if $now > ($most{ $who{$_} } || 0);
	}
	return map { sprintf '%.1f', $most{$_} || 0 } qw(app loader analyst admin worker);
}

my $format = '%7s %9s %8s %8s %6s %8s %8s %8s %8s %8s %8s %10s %10s';
told(sprintf $format, qw(second numbers/s backlog open_s app_MB loader_MB reader_MB admin_MB worker_MB rss_MB totals_MB partitions), '');
while (time < $begun + $seconds - 1)
{
	my ($partitions, $totals, $rss) = sample();
	my $passed = time - $begun;

	if ($passed >= $next_print)
	{
		my $some = $print_every / $sample_every;
		my @span = @numbers[ -($some < @numbers ? $some : @numbers) .. -1 ];
		my $speed = @span > 1 ? ($span[-1][1] - $span[0][1]) / ($span[-1][0] - $span[0][0]) : 0;

		told(sprintf $format, int $passed, int $speed, $backlog[-1], $open[-1], memory_by_sort(), sprintf('%.1f', $rss / 1024), $totals, $partitions, '');
		$next_print += $print_every;
	}
	if ($passed >= $next_maintain)
	{
		sql('select rewards.maintain()');
		$maintained++;
		$next_maintain += $maintain_every;
	}
	if ($passed >= $next_remove)
	{
		sql('select rewards.remove_partitions()');
		$next_remove += $remove_every;
	}
	if ($passed >= $next_verify)
	{
		my $start = time;

		push @wrong, sql('select * from rewards.verify() limit 5');
		$longest = max($longest, time - $start);
		$verified++;
		$next_verify += $verify_every;
	}
	my $left = $sample_every - (time - $begun - $passed);
	sleep $left if $left > 0;
}
# who has grown tells the log where; what a session keeps of each table, and plans that
# read all partitions, grow with their number, and its copies of the rules, for a moment
# two, with those. In a short time not every call has been made in the second quarter,
# by an admin least of all
my ($kb, $part) = $long ? (1024, 0.05) : (6144, 0.1);
$kb += 100 * (median(quarter(4, @partitions)) - median(quarter(2, @partitions))) + (median(quarter(4, @rules)) - median(quarter(2, @rules)));
my %grown = map { my $how = grew($kb, $part, @{ $own{$_} }); $how ? ($_ => $how) : () } grep { @{ $own{$_} } >= 0.75 * @backlog } keys %own;
query("select pg_log_backend_memory_contexts($_)") for keys %grown;
load_finish($runs{$_}, $_) for sort keys %runs;

# ---- what came of it ----

is(join("\n", map { "$who{$_} (process $_) grew $grown{$_}" } sort keys %grown), '', 'no session has grown');
my @judged = grep { @{ $own{$_} } >= 0.75 * @backlog } keys %own;
my %sorts = map { $who{$_} => 1 } @judged;
is(join(' ', sort keys %sorts), 'admin analyst app idler loader operator worker', 'of all sorts that there are');

my $speed = ($numbers[-1][1] - $numbers[0][1]) / ($numbers[-1][0] - $numbers[0][0]);
my ($most, $last) = (max(@backlog), median(quarter(4, @backlog)));
cmp_ok($last, '<', 10 * $speed, sprintf 'the backlog stays below what comes in ten seconds (%d of %d a second)', $last, $speed);
ok(post_all($node, $database), 'posting comes to its end');
is(sql('select backlog, open_stretches from rewards.status'), '0|0', 'nothing is left to be posted');

# autovacuum has its turn
sleep($long ? 60 : 5);
my $size = sizes($node, $database);
rewritten($node, $database, $size);
my $line = '%-22s %8s %8s %8s %8s %9s %8s %9s %10s %8s';
told('');
told(sprintf $line, qw(table pages fresh ratio idx_pages idx_fresh ratio updates hot_percent bloated));
for (sort { $size->{$b}{pages} <=> $size->{$a}{pages} } keys %$size)
{
	my $s = $size->{$_};

	told(sprintf $line, $_, @$s{qw(pages fresh)}, sprintf('%.2f', $s->{pages} / ($s->{fresh} || 1)), @$s{qw(index_pages index_fresh)},
		sprintf('%.2f', $s->{index_pages} / ($s->{index_fresh} || 1)), $s->{updates}, sprintf('%.0f', 100 * $s->{hot} / ($s->{updates} || 1)), bloated($s, $longest / $seconds));
}
is(join(' ', grep { bloated($size->{$_}, $longest / $seconds) } sort keys %$size), '', 'no table has bloated');
cmp_ok(scalar(keys %$size), '>', 5, 'of those that are updated');

is(join("\n", grep { length } @wrong), '', "verify() was clean under load ($verified times)");
cmp_ok(sql('select count(*) from rewards.usage_partition'), '>', 4, 'partitions were made');
cmp_ok(sql('select count(*) from rewards.removals where gone'), '>', 0, 'partitions were removed');
is(sql($old), $old_before, 'and what was removed still counts');
is(sql('select * from rewards.verify() limit 10'), '', 'verify() is clean');

my @bad = grep { /(ERROR|FATAL|PANIC): / && !/canceling autovacuum task/ || /TRAP:|terminated by signal/ } split /\n/, slurp_file($node->logfile);
is(join("\n", @bad > 10 ? @bad[0 .. 9] : @bad), '', 'the log tells of no error');

told('');
told(sprintf '%-40s %s', @$_) for (
	[ 'minutes', sprintf '%.1f', (time - $begun) / 60 ], [ 'rows there', sql('select count(*) from rewards.usage_logs') ],
	[ 'numbers a second', sprintf '%.0f', $speed ],
	[ 'backlog: highest, median of the end', "$most, $last" ], [ 'oldest open transaction, seconds', max(@open) ],
	[ 'verify() under load, maintain()', "$verified, $maintained" ], [ 'the longest verify(), seconds', sprintf '%.0f', $longest ], [ 'partitions', sql('select count(*) from rewards.usage_partition') ],
	[ 'rules, in the second quarter and the last', join ', ', map { median(quarter($_, @rules)) } 2, 4 ],
	[ 'partitions removed, rows that were in them', sql(q{select count(*) || ', ' || coalesce(sum(rows), 0) from rewards.removals where gone}) ],
	(map { my $who = $_; my @pids = grep { $who{$_} eq $who } @judged;
		[ "own memory of $who, MB", join(', ', map { sprintf '%.1f to %.1f', median(quarter(2, @{ $own{$_} })) / 1024, median(quarter(4, @{ $own{$_} })) / 1024 } @pids) ] } sort keys %sorts));
$node->stop;

done_testing();
