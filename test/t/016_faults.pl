# Everything that can go wrong beside a server that is written to: processes and the whole
# server killed, disks and the log's disk full, memory and connections short, statements
# cancelled, clients gone, deadlocks, prepared transactions left hanging, DDL, the clock
# going back.  Clients write down what they were told.  In the end what was acknowledged is
# there once, what was refused is not there, what was lost on the way is there whole or not
# at all; totals are the sums of their rows and verify() is clean.
#
#   REWARDS_FAULTS_EVENTS=n	until so many rows are acknowledged (2000)
#   REWARDS_LONG=1			1000000
#   REWARDS_SEED=n			the same random numbers as another run, which prints its own
#   REWARDS_DISK=folder		a small disk of its own, for a tablespace and for pg_wal:
#   REWARDS_WAL=folder		test/run and test/faults/run mount them where they may
#   REWARDS_FAULTS_TABLE=file	where to leave the table of what was survived
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use FaultClients;
use RewardsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

my $events = $ENV{REWARDS_FAULTS_EVENTS} || ($ENV{REWARDS_LONG} ? 1_000_000 : 2_000);
my $seed = $ENV{REWARDS_SEED} || (time * 1000) % 1_000_000;
my $writers = 6;
my $database = 'load';
my %disk = (tablespace => $ENV{REWARDS_DISK}, pg_wal => $ENV{REWARDS_WAL});
my ($faketime) = glob '/usr/lib/*/faketime/libfaketime.so.1';
my %skipped;
my $begun = time;

srand($seed);
note("REWARDS_SEED=$seed");

# ---- the server ----

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--wal-segsize', 1, $disk{pg_wal} ? ('--waldir', "$disk{pg_wal}/wal") : () ]);
$node->append_conf('postgresql.conf', q{
	max_connections = 30
	max_prepared_transactions = 10
	restart_after_crash = on
	timezone = 'UTC'
	log_statement = none
	log_line_prefix = '%m [%p] %e %q%a '
	deadlock_timeout = '200ms'
	checkpoint_timeout = '30s'
	min_wal_size = '4MB'
	max_wal_size = '64MB'
});
$node->append_conf('postgresql.conf', q{max_wal_size = '256MB'}) if $ENV{REWARDS_LONG};
my $folder = $node->basedir . '/clients';
my $clock = $node->basedir . '/clock';
mkdir $folder;

# The server's clock is that of a file where libfaketime is there.
sub set_clock { append_to_file_anew($clock, "$_[0]\n") }
sub append_to_file_anew
{
	open my $out, '>', "$_[0].new" or die $!;
	print $out $_[1];
	close $out;
	rename "$_[0].new", $_[0];
}
# what is set up is so from a time to which no clock is set back
set_clock('-30d');

sub with_clock
{
	local %ENV = (%ENV, $faketime ? (LD_PRELOAD => $faketime, FAKETIME_TIMESTAMP_FILE => $clock, FAKETIME_CACHE_DURATION => 1,
		DONT_FAKE_MONOTONIC => 1, FAKETIME_DONT_RESET => 1) : ());
	return $_[0]->();
}

sub sql { return $node->safe_psql($database, $_[0]) }

with_clock(sub { $node->start });
if ($disk{tablespace})
{
	mkdir "$disk{tablespace}/files";
	$node->safe_psql('postgres', "create tablespace small location '$disk{tablespace}/files'");
}
$node->safe_psql('postgres', "create database $database" . ($disk{tablespace} ? ' tablespace small' : ''));
install($node, database => $database);
sql(q{
	select rewards.init_pricing('mainnet', valid_from => '2025-01-01');
	select rewards.set_setting('request_partitions', '50');
	select rewards.set_streak_multiplier('user', 2, 1.25, '-infinity');
	select rewards.set_bonus('streak', 'user', 3, 0, 2, valid_from => '-infinity');
	select rewards.add_credits('u' || n, 1000000), rewards.add_credits('u' || n, 1000, currency => 'tokens') from generate_series(1, 200) n;
	select rewards.add_credits('h' || n, 1000000) from generate_series(0, 19) n;
	select rewards.post();
});
set_clock('+0');

# ---- the server's fate ----

my $admin;

# A statement of the test's own, through whatever happens: what it answers, after as many
# seconds at most.
sub admin
{
	my ($sql, $seconds) = @_;
	my $answer;

	for (1 .. 300)
	{
		$admin = Wire->new($node, $database, 'admin') unless $admin && $admin->is_open;
		$answer = $admin->is_open ? $admin->query($sql, $seconds || 60) : { lost => 1 };
		return $answer if !$answer->{lost};
		sleep 0.1;
	}
	BAIL_OUT("the server does not come back for: $sql ($answer->{message})");
}

sub value { my $answer = admin($_[0]); return $answer->{rows}[0][0] }

sub postmaster { my ($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/; return $pid }

# It is up again by itself, or is started.
sub back_again
{
	for (1 .. 600)
	{
		return if Wire->new($node, $database, 'up')->is_open;
		unless (-e $node->data_dir . '/postmaster.pid' && kill 0, postmaster())
		{
			$node->{_pid} = undef;
			with_clock(sub { start_again($node) });
		}
		sleep 0.1;
	}
	BAIL_OUT('the server does not come up');
}

sub backends
{
	my ($where) = @_;
	return map { $_->[0] } @{ admin("select pid from pg_stat_activity where pid <> pg_backend_pid() and $where")->{rows} };
}

# The server dies at once.  Its sessions end when they look around, which may be long after;
# who is still at it then is killed as well, for none may be there when it comes again.
sub lose_server
{
	my @left = backends('true');

	kill_server($node);
	for (1 .. 30)
	{
		return 1 unless @left = grep { kill 0, $_ } @left;
		sleep 0.1;
	}
	kill 9, @left;
	return 1;
}

sub wait_until_lost
{
	for (1 .. 100)
	{
		return 1 if $admin->query('select 1', 5)->{lost};
		sleep 0.02;
	}
	return 0;
}

# A call of its own that something happens to after a moment.
sub during
{
	my ($sql, $end) = @_;

	for my $try (1 .. 6)
	{
		my $wire = Wire->new($node, $database, 'victim');
		next unless $wire->is_open;
		$wire->ask($sql);
		sleep rand(0.2) / $try;
		$end->($wire);
		my $answer = $wire->answer;
		$wire->close;
		return 1 if ($answer->{state} || '') =~ /^(57014|57P01)$/;
	}
	return 0;
}

# Fills a disk to the last page for a while.
sub while_full
{
	my ($folder, $during) = @_;

	for my $size (1 << 20, 1 << 16, 1 << 12)
	{
		open my $file, '>>', "$folder/ballast" or next;
		1 while syswrite($file, "\0" x $size);
		close $file;
	}
	$during->();
	unlink "$folder/ballast";
}

my ($crossings, $policy) = (0, 'allow');
# the short form is about faults, not about rows
my ($pace, $size) = $ENV{REWARDS_LONG} ? (0, 3000) : (0.3, 60);
my @totals = qw(day_total month_total score activity model_total network account wallet);
sub one_of { return $_[rand @_] }

sub ddl
{
	my ($sql) = @_;
	my $wire = Wire->new($node, $database, 'ddl');

	return 0 unless $wire->is_open;
	$wire->query(q{set lock_timeout = '1s'; set statement_timeout = '3s'});
	my $answer = $wire->query($sql, 30);
	$wire->close;
	# who waits for prepared transactions, as an index made beside writers, is stopped in the midst
	ok(!$answer->{state} || kind_of_fault($answer), "DDL: $sql") or diag("$answer->{state} $answer->{message}");
	return 1;
}

my %faults = (
	'backend killed' => [ 3, sub {
		my @pids = backends("backend_type = 'client backend'") or return 0;
		kill 9, one_of(@pids);
		return wait_until_lost();
	} ],
	'server process killed' => [ 1, sub {
		my @pids = backends("backend_type in ('checkpointer', 'background writer', 'walwriter', 'autovacuum launcher')");
		kill 9, one_of(@pids);
		return wait_until_lost();
	} ],
	'server killed' => [ 2, \&lose_server ],
	'immediate shutdown' => [ 2, sub {
		return $node->stop('immediate', fail_ok => 1);
	} ],
	'fast shutdown' => [ 1, sub {
		return $node->stop('fast', fail_ok => 1);
	} ],
	'backend terminated' => [ 4, sub {
		return value(q{select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity where application_name ~ '^[wpr]' order by random() limit 2) v});
	} ],
	'writer cancelled' => [ 4, sub {
		return value(q{select count(pg_cancel_backend(pid)) from (select pid from pg_stat_activity where application_name ~ '^w' and state = 'active' order by random() limit 3) v});
	} ],
	'poster cancelled' => [ 3, sub {
		return value(q{select count(pg_cancel_backend(pid)) from pg_stat_activity where application_name ~ '^p' and state = 'active'});
	} ],
	(map {
		my $call = $_;
		("$call cancelled or terminated" => [ 2, sub {
			my $signal = rand() < 0.7 ? sub { $_[0]->cancel } : sub { admin('select pg_terminate_backend(' . $_[0]{pid} . ')') };
			return during("select * from rewards.$call", $signal);
		} ])
	} 'post()', 'verify()', q{repair('a fault')}, 'maintain()'),
	# with a row in a stretch that posting left open, which is still to be posted after it
	'repaired under load' => [ 0.1, sub {
		my $wire = Wire->new($node, $database, 'open');
		# it may have to pay
		admin(q{select rewards.add_credits('open', 1)});
		return 0 if grep { $_->{state} || $_->{lost} } map { $wire->query($_) } 'begin', q{insert into rewards.usage_logs (user_id, endpoint) values ('open', '/tts')};
		admin('select rewards.post()');
		return 0 if grep { $_->{state} || $_->{lost} } $wire->query('commit');
		$wire->close;
		return !admin(q{select rewards.repair('under load')}, 900)->{state};
	} ],
	'connections used up' => [ 2, sub {
		my @wires;

		for (1 .. 40)
		{
			push @wires, Wire->new($node, $database, 'many');
			last unless $wires[-1]->is_open;
		}
		sleep 0.3;
		my $refused = grep { ($_->{state} || '') eq '53300' } @wires;
		$_->close for @wires;
		return $refused;
	} ],
	'DDL beside writers' => [ 4, sub {
		my $partition = value(q{select max(first) from rewards.usage_partition where first <= rewards.last_number()});
		return ddl(one_of(
			'vacuum full rewards.' . one_of(@totals), 'vacuum full rewards.' . one_of(@totals), 'analyze', 'vacuum rewards.' . one_of(@totals),
			'reindex table rewards.' . one_of(@totals), 'reindex table rewards.journal', "reindex index rewards.usage_logs_${partition}_request",
			"create index concurrently if not exists faults_user on rewards.usage_logs_$partition (user_id)", 'drop index if exists rewards.faults_user',
			"reindex index concurrently rewards.usage_logs_${partition}_request"));
	} ],
	# a request that was recorded before it is recognised after it
	'partition bound crossed' => [ 1, sub {
		return 0 if ++$crossings > 12;
		my $before = value('select max(first) from rewards.usage_partition where first <= rewards.last_number()');
		my $request = "insert into rewards.usage_logs (request_id, user_id, endpoint) values ('cross$crossings', 'u1', '/tts')";

		return 0 if admin($request)->{state};
		return 0 if admin("select setval('rewards.usage_number', upto - 2) from rewards.usage_partition where first = $before and upto > rewards.last_number() + 1000")->{state};
		for (1 .. 20)
		{
			last if admin(q{insert into rewards.usage_logs (user_id, endpoint) select 'u1', '/tts' from generate_series(1, 5)})->{state};
			last if value("select rewards.last_number() >= upto from rewards.usage_partition where first = $before") eq 't';
		}
		my $answer = admin($request);
		ok(($answer->{state} || '') eq '23505' || kind_of_fault($answer), 'a repeat across the bound is refused') or diag($answer->{state} || 'it was recorded');
		return 1;
	} ],
	'credit policy changed' => [ 2, sub {
		$policy = $policy eq 'allow' ? 'enforce' : 'allow';
		return !admin("select rewards.set_setting('credit_policy', '$policy')")->{state};
	} ],
	'disk full' => [ 1, sub {
		while_full($disk{tablespace}, sub { sleep 0.5 + rand 1 });
		return 1;
	} ],
	'killed with the disk full' => [ 0.5, sub {
		while_full($disk{tablespace}, sub { sleep 0.3; lose_server(); with_clock(sub { $node->start(fail_ok => 1) }) });
		return 1;
	} ],
	'log\'s disk full' => [ 0.5, sub {
		my $lost = 0;

		while_full($disk{pg_wal}, sub {
			for (1 .. 200)
			{
				my $wire = Wire->new($node, $database, 'switch');
				last if $lost = !$wire->is_open || $wire->query(q{select pg_switch_wal() from generate_series(1, 5), lateral pg_logical_emit_message(true, 'w', repeat('x', 1000))}, 5)->{lost};
				$wire->close;
			}
			sleep 0.5;
		});
		return $lost;
	} ],
	'clock set back or forth' => [ 2, sub {
		set_clock(one_of(qw(-2d -1d -1h -1m -10s +0 +0 +1h +1d)));
		sleep 1.1;
		return 1;
	} ],
);

$skipped{'clock set back or forth'} = 'no libfaketime' unless $faketime;
@skipped{'disk full', 'killed with the disk full'} = ('no small disk: only root can mount one') x 2 unless $disk{tablespace};
$skipped{"log's disk full"} = 'no small disk: only root can mount one' unless $disk{pg_wal};
delete @faults{ keys %skipped };

# Each kind once in an order of its own; after that by how often each shall come.
my @round = map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [ rand, $_ ] } sort keys %faults;
sub next_fault
{
	my $at = 0;

	return shift @round if @round;
	append_to_file_anew("$folder/enough", '');
	$at += $_->[0] for values %faults;
	$at = rand $at;
	for (sort keys %faults)
	{
		return $_ if ($at -= $faults{$_}[0]) < 0;
	}
}

# ---- the load with its faults ----

my @differences = (differences_sql() . ' limit 5', 'select * from rewards.verify() limit 5',
	'select user_id, currency, balance, held, rewards.credits(user_id, currency) from rewards.user_credits where user_id ~ \'^[uh]1?[0-9]$\' and balance <> rewards.credits(user_id, currency) limit 5');
my %common = (node => $node, database => $database, folder => $folder);
my @clients = (
	(map { FaultClients::writer(%common, name => "w$_", seed => $seed + $_, quota => $events / $writers, pace => $pace, size => $size) } 1 .. $writers),
	(map { FaultClients::poster(%common, name => "p$_", seed => $seed + 100 + $_) } 1 .. 2),
	FaultClients::reader(%common, name => 'r1', seed => $seed + 200, checks => \@differences));

my %survived;
my $writing = $writers;
my %retries;
my $faults = 0;
while ($writing)
{
	my $kind = next_fault();

	# between them there must be time to write
	sleep rand($ENV{REWARDS_LONG} ? 8 : 0.3);
	if ($faults{$kind}[1]->()) { $survived{$kind}++ }
	# another fault may have kept it from happening
	elsif (!$survived{$kind} && $retries{$kind}++ < 5) { push @round, $kind }
	# survived is: the server is there and posts
	back_again();
	admin('select rewards.post(1000)');
	$faults++;
	note(sprintf '%6.1f s: %s', time - $begun, $kind);
	for (@clients[0 .. $writers - 1])
	{
		$writing-- if $_ && waitpid($_, 1) == $_ && !($_ = 0);
	}
}
append_to_file("$folder/stop", '');
$_ and waitpid($_, 0) for @clients;
my $loaded = time - $begun;

# ---- all comes to its end ----

sql("select rewards.set_setting('credit_policy', 'allow')");
my (@fact, %end, %hits, @wrong);
my $reads = 0;
for my $file (glob "$folder/*.log")
{
	for (split /\n/, slurp_file($file))
	{
		my ($what, @told) = split /\t/;

		if ($what eq 'fact') { push @fact, join "\t", @told }
		elsif ($what eq 'end') { $end{ $told[0] } = $told[1] }
		elsif ($what eq 'hit') { $hits{ $told[0] }++ }
		elsif ($what eq 'read') { $reads++ }
		else { push @wrong, "$file: @told" =~ s,.*/,,r }
	}
}
is(join("\n", @wrong > 20 ? @wrong[0 .. 19] : @wrong), '', 'all that clients were told is explained by a fault');
cmp_ok($reads, '>', 0, "somebody read meanwhile ($reads times)");

# prepared transactions end as they were told, or as chance will have it
my %left = map { $_ => 1 } split /\n/, sql('select gid from pg_prepared_xacts');
for (keys %left)
{
	$end{$_} ||= rand() < 0.5 ? 'commit' : 'rollback';
	sql("$end{$_} prepared '$_'");
}
append_to_file_anew("$folder/facts", join('', map { "$_\n" } @fact));
append_to_file_anew("$folder/ends", join('', map { "$_\t$end{$_}\n" } keys %end));
sql(qq{
	create table fact (transaction text, what text, key text, n bigint, tokens bigint, outcome text);
	create table told_end (transaction text, told text);
	copy fact from '$folder/facts';
	copy told_end from '$folder/ends';
	/* what was prepared is what became of it in the end */
	update fact f set outcome = case e.told when 'commit' then 'done' else 'undone' end from told_end e
	where e.transaction = f.transaction and f.outcome in ('prepared', 'unknown');
	create table found as
	select 'usage' as what, split_part(request_id, '/', 1) as key, count(*) as n, sum(output_tokens) as tokens, count(distinct request_id) as once
	from rewards.usage_logs where request_id !~ '^(s|cross)' group by 2
	union all select 'shared', request_id, count(*), 0, 1 from rewards.usage_logs where request_id ~ '^s' group by 2
	union all select event, reference, count(*), 0, 1 from rewards.journal where event in ('credit', 'adjust') and reference is not null group by 1, 2
	union all select 'hold', request_id, count(*), 0, 1 from rewards.hold group by 2
	union all select 'edge', referee, count(*), 0, 1 from rewards.referral_relationships where referee ~ '^w' group by 2;
	create table expected as
	select transaction, what, key, f.n, f.tokens, outcome, coalesce(g.n, 0) as there, coalesce(g.tokens, 0) as tokens_there, coalesce(g.once, 0) as once
	from fact f left join found g using (what, key);
	analyze;
});
$survived{"prepared transactions left at the end"} = keys %left if %left;

ok(post_all($node, $database), 'posting comes to its end');
is(sql(q{select * from expected where what <> 'shared' and outcome = 'done' and (n, tokens) is distinct from (there, tokens_there) limit 5}), '', 'what was acknowledged is there, exactly once');
is(sql(q{select * from expected where what <> 'shared' and outcome = 'undone' and there <> 0 limit 5}), '', 'what was refused or left is not there');
is(sql(q{
	select transaction, array_agg((what, key, n, there, outcome)) from expected where what <> 'shared' and outcome = 'unknown'
	group by 1 having not (bool_and((n, tokens) is not distinct from (there, tokens_there)) or bool_and(there = 0)) limit 5}), '', 'what was lost on the way is there whole, or not at all');
is(sql(q{select * from expected where outcome not in ('done', 'undone', 'unknown') limit 5}), '', 'prepared transactions have ended');
is(sql(q{
	select key, min(there) from expected where what = 'shared' group by 1 having min(there) > 1 or (bool_or(outcome = 'done') and min(there) = 0) limit 5}), '', 'a request of many attempts is there once, if one was acknowledged');
is(sql(q{select * from found g where what <> 'adjustment' and not exists (select from fact f where (f.what, f.key) = (g.what, g.key) and f.outcome <> 'undone') limit 5}), '', 'nothing is there that nobody wrote');
is(sql(q{select * from found where once <> n and what = 'usage' limit 5}), '', 'no request is there twice');
is(sql(q{
	select a.name, n.name, c.balance + c.held + c.expired, m.amount from (
		select account, unit, sum(amount) as amount from (
			select a.id as account, 3 as unit, -u.cost as amount from rewards.usage_logs u join rewards.account a on (a.kind, a.name) = ('user', u.user_id)
			union all
			select (s ->> 'account')::bigint, j.unit, (s ->> 'amount')::numeric from rewards.journal j cross join lateral jsonb_array_elements(j.distribution::jsonb) s
			where j.unit >= 3 and j.event <> 'expiry') e group by 1, 2) m
	join rewards.account a on a.id = m.account join rewards.unit n on n.number = m.unit
	left join rewards.user_credits c on (c.user_id, c.currency) = (a.name, n.name)
	where m.amount is distinct from c.balance + c.held + c.expired and m.amount <> 0 limit 5}), '', 'wallets are the sums of their rows');
is(sql('select user_id, held from rewards.user_credits where held < 0 limit 5'), '', 'no hold is negative');
is(differences($node, $database), '', 'totals are the sums of their rows');
my $clean = is(sql('select * from rewards.verify() limit 10'), '', 'verify() is clean') ? 'clean' : 'NOT clean';
is(sql('select backlog, open_stretches from rewards.status'), '0|0', 'nothing is left to be posted');
unless ($ENV{REWARDS_LONG})
{
	sql(q{select rewards.repair('after all')});
	exact($node, 'repaired', $database);
}

# a load worth the name
my ($acknowledged, $there) = split /\|/, sql(q{select (select sum(n) from fact where what = 'usage' and outcome = 'done'), count(*) from rewards.usage_logs});
cmp_ok($acknowledged, '>=', 0.98 * $events, "rows were acknowledged ($acknowledged)");
cmp_ok($survived{$_} || 0, '>', 0, "survived: $_") for grep { $ENV{REWARDS_LONG} || !/cancelled|maintain/ } sort keys %faults;

my $log = slurp_file($node->logfile);
# FATAL without a code is the server's own, of a start without space
my @bad = grep { /PANIC|TRAP:|terminated by signal| XX\d\d\d (\S+ )?ERROR:/ && !/terminated by signal 9\b/ } split /\n/, $log;
my $provoked = grep { /PANIC: .*pg_wal.*No space left/ } @bad;
# a process that panics ends by SIGABRT
@bad = grep { !/PANIC: .*pg_wal.*No space left/ && !($provoked && /terminated by signal 6\b/) } @bad;
is(join("\n", @bad > 10 ? @bad[0 .. 9] : @bad), '', 'no crash and no internal error in the log');
my @deadlocks = grep { !/in an order of its own|reindex|vacuum|index/ } $log =~ /40P01 [^\n]*DETAIL:(.*?)40P01/sg;
is("@deadlocks", '', 'no deadlock but with DDL and with who asked for it');
with_clock(sub { $node->stop('fast', fail_ok => 1) });

# ---- the table ----

my @table = (
	[ 'events acknowledged', $acknowledged ], [ 'rows', $there ],
	(map { [ "survived: $_", $survived{$_} ] } sort keys %survived),
	(map { [ "met by clients: $_", $hits{$_} ] } sort keys %hits),
	(map { [ "skipped: $_", $skipped{$_} ] } sort keys %skipped),
	[ 'reads meanwhile, all exact', $reads ],
	[ 'seconds', sprintf '%.0f, of them %.0f under load', time - $begun, $loaded ], [ 'verify', $clean ], [ 'seed', $seed ]);
my $table = join '', map { sprintf "%-50s %s\n", @$_ } @table;
note($table);
append_to_file_anew($ENV{REWARDS_FAULTS_TABLE}, $table) if $ENV{REWARDS_FAULTS_TABLE};

done_testing();
