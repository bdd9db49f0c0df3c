# The clients of the fault suite: each a process of its own that goes on through anything
# and writes down what the server has acknowledged, what it refused, and what was lost on
# the way, transaction by transaction.  A line of a client's log:
#
#   fact  transaction what key rows tokens outcome    done, undone, unknown or prepared
#   end   transaction commit|rollback                 what a prepared one was told to do
#   hit   kind                                        a fault that this client has met
#   wrong text                                        what may never be
package FaultClients;

use strict;
use warnings;
use Exporter 'import';
use POSIX ();
use Time::HiRes qw(sleep time);
use Wire;

our @EXPORT = qw(writer poster reader kind_of_fault);

my $columns = 'request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens';
my @endpoints = qw(/tts /v1/embeddings /v1/chat/completions /scrape /v1/chat/completions);

# What a refusal tells: the kind of the fault, or nothing when no fault explains it.  Which
# deadlocks may be is told by the server's log: those in which somebody takes locks in an
# order of his own, and says so in his statement, and those with DDL.
sub kind_of_fault
{
	my ($answer) = @_;
	my $state = $answer->{state} || '';
	my $message = $answer->{message} || '';

	return 'statement timeout' if $state eq '57014' && $message =~ /statement timeout/;
	return 'COPY given up by its client' if $state eq '57014' && $message =~ /COPY/;
	return 'an expiry overtaken by the clock' if $state eq '22023' && $message =~ /must lie in the future/;
	return 'too many prepared transactions' if $state eq '53200' && $message =~ /prepared transactions/;
	return {
		'57014' => 'statement cancelled', '57P01' => 'backend ended', '55P03' => 'lock timeout', '25P03' => 'idle in transaction timeout',
		'53100' => 'statement without disk space', '53200' => 'statement without memory', '53300' => 'no connection left', '53400' => 'temporary files limited', '40P01' => 'deadlock victim',
		'57P02' => 'backend stopped by a crash', '57P03' => 'server not ready',
	}->{$state} || ($answer->{lost} ? 'connection lost' : undef);
}

# Starts a client: what it does, with random numbers of its own, until the file "stop" is
# there or, for a writer, as many rows have been acknowledged and the file "enough" is
# there.  Who is paced pauses that long at most between two things.
sub start_client
{
	my (%c) = @_;
	my $pid = fork;

	die "fork: $!" unless defined $pid;
	return $pid if $pid;
	my $parent = getppid;
	# no end of Perl's own: it would stop the server
	eval {
		srand($c{seed});
		open $c{out}, '>', "$c{folder}/$c{name}.log" or die $!;
		$c{out}->autoflush;
		@c{qw(number rows prepared told)} = (0, 0, [], []);
		$c{begun} = time;
		until (getppid != $parent || -e "$c{folder}/stop" || (defined $c{quota} && $c{rows} >= $c{quota} && -e "$c{folder}/enough"))
		{
			next unless connected(\%c);
			$c{act}->(\%c);
			sleep rand $c{pace} if $c{pace};
		}
		1;
	} or say_wrong(\%c, "client died: $@");
	POSIX::_exit(0);
}

sub writer { return start_client(@_, act => \&write_something) }
sub poster { return start_client(@_, act => \&post_something) }
sub reader { return start_client(@_, act => \&read_all) }

# ---- the log ----

sub line { print { $_[0]{out} } join("\t", @_[1 .. $#_]), "\n" }
sub say_wrong { line($_[0], 'wrong', join ' ', map { s/\s+/ /gr } @_[1 .. $#_]) }
sub hit { line($_[0], 'hit', $_[1]) }

# Notes a fault, or that something cannot be explained.  $may: further states that are right.
sub note_refusal
{
	my ($c, $answer, $sql, $may) = @_;
	my $state = $answer->{state} || '';

	return if $may && $state =~ /^($may)$/;
	my $kind = kind_of_fault($answer);
	hit($c, $kind) if $kind;
	say_wrong($c, $state, $answer->{message}, 'at', substr($sql, 0, 150)) unless $kind;
}

# ---- connections ----

sub connection
{
	my ($c, $name) = @_;
	my $wire = Wire->new($c->{node}, $c->{database}, $name || $c->{name});

	if (!$wire->is_open)
	{
		hit($c, 'no connection left') if ($wire->{state} || '') eq '53300';
		sleep 0.05;
	}
	else
	{
		$wire->query(q{set lock_timeout = '3s'});
	}
	return $wire;
}

sub connected
{
	my ($c) = @_;

	return 1 if $c->{wire} && $c->{wire}->is_open;
	$c->{wire} = connection($c);
	return $c->{wire}->is_open;
}

# ---- transactions ----

# Runs statements: one that commits by itself, or several from begin to their end.  Says
# what has become of it as far as this client can know.
sub outcome_of
{
	my ($c, $wire, $statements, $may) = @_;
	my $done = 'unknown';

	for my $i (0 .. $#$statements)
	{
		my $sql = $statements->[$i];
		my $last = $i == $#$statements;
		my $answer = ref $sql ? $wire->copy(@$sql) : $wire->query($sql);
		my $tag = $answer->{tags}[0] || '';

		$c->{answer} = $answer;
		if ($answer->{lost} || $answer->{state})
		{
			note_refusal($c, $answer, ref $sql ? $sql->[0] : $sql, $may);
			# it was in the midst, or was refused: nothing of it may be there
			my $outcome = $last && $answer->{lost} && !($answer->{state} && $answer->{state} eq '25P03') ? 'unknown' : 'undone';

			$outcome = 'done' if $last && $tag =~ /^(COMMIT|INSERT|SELECT|COPY)/;
			$wire->query('rollback') if $wire->is_open && $wire->{status} ne 'I';
			return $outcome;
		}
		$done = $tag =~ /^ROLLBACK/ ? 'undone' : $tag =~ /^PREPARE/ ? 'prepared' : 'done' if $last;
	}
	return $done;
}

# The same, with what it writes: [ what, key, rows, tokens ], and what of it is undone in
# any case.
sub transact
{
	my ($c, $transaction, $statements, $facts, %options) = @_;
	my $wire = $options{wire} || $c->{wire};
	my $limited = !$options{wire} && !ref $statements->[0] && rand() < 0.06;

	$wire->query('set statement_timeout = ' . (1 + int rand 50)) if $limited;
	my $outcome = $wire->is_open ? outcome_of($c, $wire, $statements, $options{may}) : 'undone';

	$outcome = $options{outcome}->($outcome) if $options{outcome};
	for (@$facts)
	{
		my ($what, $key, $rows, $tokens, $never) = @$_;
		my $fate = $never ? 'undone' : $outcome;

		line($c, 'fact', $transaction, $what, $key, $rows, $tokens, $fate);
		$c->{rows} += $rows if $what eq 'usage' && $fate eq 'done';
		push @{ $c->{told} }, $key if $what eq 'usage' && $fate eq 'done' && $tokens && @{ $c->{told} } < 5000;
	}
	$wire->query('set statement_timeout = 0') if $limited;
	return $outcome;
}

# ---- what is written ----

sub tag { return "$_[0]{name}." . ++$_[0]{number} }
sub usage_fact { return [ 'usage', $_[0], $_[1], $_[1] * ($_[1] + 1) / 2, $_[2] ] }
sub user { return rand() < 0.05 ? 'n' . int rand 3000 : 'u' . (1 + int(200 * rand() ** 2)) }

# Rows tag/1 .. tag/n, each with as many tokens as its number.
sub rows
{
	my ($tag, $n, $user) = @_;
	my $a = 1 + int rand 1e6;
	my $who = $user ? "'$user'" : $a % 7 == 0 ? "'n' || ($a + k) % 3000" : "'u' || 1 + ($a + k * k) % 200";

	return qq{insert into rewards.usage_logs ($columns) select '$tag/' || k, $who, 'p' || 1 + ($a + k) % 20,
		(array['} . join("','", @endpoints) . qq{'])[1 + k % 5], case k % 3 when 0 then 'mixtral' when 1 then 'owned-7b' end,
		case k % 11 when 0 then 500 else 200 end, k, k from generate_series(1, $n) k};
}

sub copy_lines
{
	my ($tag, $n) = @_;
	my $a = int rand 1e6;

	return [ map { join "\t", "$tag/$_", 'u' . (1 + ($a + 3 * $_) % 200), 'p' . (1 + $_ % 20), $endpoints[$_ % 5], $_ % 3 ? '\N' : 'mixtral', $_ % 11 ? 200 : 500, $_, $_ } 1 .. $n ];
}

sub journal_call
{
	my ($tag, $user, $what) = @_;

	return $what eq 'credit' ? "select rewards.add_credits('$user', 5.000000001, 'top-up', expires_at => " . (rand() < 0.2 ? "clock_timestamp() + interval '1 second'" : 'null') . ", reference => '$tag')"
		: "select rewards.adjust('$user', 'user', 1.5, 'so', reference => '$tag')";
}

my $copy = "copy rewards.usage_logs ($columns) from stdin";
my $refused_signup = 'RW00[2345]';
my $own_order = '/* in an order of its own */ ';

my %write = (
	row => [ 30, sub {
		my ($c, $tag) = @_;
		transact($c, $tag, [ rows($tag, 1, user()) ], [ usage_fact($tag, 1) ], may => 'RW007');
	} ],
	bulk => [ 16, sub {
		my ($c, $tag) = @_;
		my $n = 2 + int($c->{size} * rand() ** 2);
		transact($c, $tag, [ rows($tag, $n) ], [ usage_fact($tag, $n) ], may => 'RW007');
	} ],
	copy => [ 10, sub {
		my ($c, $tag) = @_;
		my $n = 2 + int($c->{size} * rand() ** 2);
		transact($c, $tag, [ [ $copy, copy_lines($tag, $n), 'done' ] ], [ usage_fact($tag, $n) ], may => 'RW007');
	} ],
	shared => [ 14, sub {
		my ($c, $tag) = @_;
		my $r = int rand 3000;
		transact($c, $tag, [ "select rewards.track_usage('s$r', 'u' || 1 + $r % 50, 'p1', '/v1/embeddings', null, 200, $r, 0, null)" ], [ [ 'shared', "s$r", 1, 0 ] ], may => 'RW007');
	} ],
	repeat => [ 8, sub {
		my ($c, $tag) = @_;
		my $told = @{ $c->{told} } ? $c->{told}[rand @{ $c->{told} }] : return;
		my $outcome = transact($c, $tag, [ rows($told, 1, 'u1') ], [], may => 'RW007|23505');
		say_wrong($c, "a repeat of $told/1 was taken") if $outcome eq 'done';
	} ],
	several => [ 12, sub {
		my ($c, $tag) = @_;
		my $what = rand() < 0.5 ? 'credit' : 'adjust';
		my $n = 1 + int rand 20;
		my $user = user();
		transact($c, $tag, [ 'begin', $own_order . rows($tag, $n), 'savepoint s', $own_order . rows("${tag}b", $n), $own_order . journal_call("${tag}b", $user, $what), 'rollback to s',
				$own_order . journal_call($tag, $user, $what), $own_order . rows("${tag}c", 1, $user), rand() < 0.75 ? 'commit' : 'rollback' ],
			[ usage_fact($tag, $n), usage_fact("${tag}b", $n, 1), usage_fact("${tag}c", 1), [ $what, $tag, 1, 0 ], [ $what, "${tag}b", 1, 0, 1 ] ], may => 'RW007');
	} ],
	credit => [ 8, sub {
		my ($c, $tag) = @_;
		my $what = rand() < 0.6 ? 'credit' : 'adjust';
		transact($c, $tag, [ journal_call($tag, user(), $what) ], [ [ $what, $tag, 1, 0 ] ], may => 'RW007');
	} ],
	hold => [ 8, sub {
		my ($c, $tag) = @_;
		my $user = 'u' . (1 + int rand 200);
		my $held = transact($c, $tag, [ "select rewards.authorize_usage('$user', 0.5, '$tag/1', '" . (1 + int rand 20) . " seconds')" ], [ [ 'hold', "$tag/1", 1, 0 ] ], may => 'RW007');
		return if rand() < 0.3 || !$c->{wire}->is_open;
		if (rand() < 0.7)
		{
			transact($c, "$tag+", [ rows($tag, 1, $user) ], [ usage_fact($tag, 1) ], may => 'RW007');
		}
		else
		{
			transact($c, "$tag+", [ "select rewards.release_hold('$tag/1')" ], [], may => 'RW007');
		}
	} ],
	signup => [ 6, sub {
		my ($c, $tag) = @_;
		transact($c, $tag, [ "select rewards.referral_signup('u" . (1 + int rand 100) . "', '$tag')" ], [ [ 'edge', $tag, 1, 0 ] ], may => $refused_signup);
	} ],
	token => [ 4, sub {
		my ($c, $tag) = @_;
		my $success;
		transact($c, $tag, [ "select success from rewards.deduct_token('u" . (1 + int rand 200) . "', 1, request_id => '$tag/1')" ], [ [ 'usage', $tag, 1, 0 ] ], may => 'RW007',
			outcome => sub { $_[0] eq 'done' && ($c->{answer}{rows}[0][0] || 'f') ne 't' ? 'undone' : $_[0] });
	} ],
	prepare => [ 4, sub {
		my ($c, $tag) = @_;
		return if @{ $c->{prepared} } >= 3;
		my $n = 1 + int rand 5;
		my $user = 'h' . int rand 20;
		my $what = (qw(credit adjust edge))[rand 3];
		my $outcome = transact($c, $tag, [ 'begin', $own_order . rows($tag, $n, $user), $own_order . ($what eq 'edge' ? "select rewards.referral_signup('u" . (1 + int rand 100) . "', '$tag')" : journal_call($tag, $user, $what)),
				"prepare transaction '$tag'" ],
			[ usage_fact($tag, $n), [ $what, $tag, 1, 0 ] ], may => 'RW007');
		push @{ $c->{prepared} }, { tag => $tag } if $outcome eq 'prepared';
	} ],
	finish => [ 3, sub {
		my ($c) = @_;
		my $one = @{ $c->{prepared} } ? $c->{prepared}[0] : return;
		$one->{tries}++ or line($c, 'end', $one->{tag}, $one->{end} = rand() < 0.7 ? 'commit' : 'rollback');
		my $answer = $c->{wire}->query("$one->{end} prepared '$one->{tag}'");
		# who was not told may have done it all the same, or still be at it
		my $may = $one->{tries} > 1 ? '42704|55000' : 'none';
		note_refusal($c, $answer, "$one->{end} prepared '$one->{tag}'", $may) if $answer->{state} || $answer->{lost};
		shift @{ $c->{prepared} } if !$answer->{lost} && ($answer->{state} || '42704') eq '42704';
	} ],

	# faults that are a client's own
	copy_given_up => [ 1, sub {
		my ($c, $tag) = @_;
		my $outcome = transact($c, $tag, [ [ $copy, copy_lines($tag, 100), 'fail' ] ], [ usage_fact($tag, 100) ]);
		say_wrong($c, "COPY that was given up is $outcome") if $outcome eq 'done';
	} ],
	client_gone => [ 2, sub {
		my ($c, $tag) = @_;
		my $wire = connection($c);
		return unless $wire->is_open;
		my $n = 1 + int rand 100;
		my $outcome = 'undone';
		my $how = int rand 3;
		if ($how == 0) { $wire->copy($copy, copy_lines($tag, $n), 'leave') }
		elsif ($how == 1) { $wire->query($_) for 'begin', rows($tag, $n) }
		else { $wire->ask(rows($tag, $n)); $outcome = 'unknown' }
		$wire->close;
		hit($c, (qw(COPY transaction statement))[$how] . ' left by its client');
		line($c, 'fact', $tag, @{ usage_fact($tag, $n) }[0 .. 3], $outcome);
	} ],
	idle => [ 0.3, sub {
		my ($c, $tag) = @_;
		my $wire = connection($c);
		return unless $wire->is_open;
		$wire->query(q{set idle_in_transaction_session_timeout = '40ms'});
		my $outcome = outcome_of($c, $wire, [ 'begin', rows($tag, 3) ], 'RW007');
		sleep 0.15;
		transact($c, $tag, [ 'commit' ], [ usage_fact($tag, 3) ], wire => $wire, outcome => sub { $outcome eq 'undone' ? $outcome : $_[0] });
		$wire->close;
	} ],
	memory => [ 0.5, sub {
		my ($c, $tag) = @_;
		my $wire = connection($c);
		return unless $wire->is_open && open my $status, '<', "/proc/$wire->{pid}/status";
		my ($now) = map { /^VmData:\s+(\d+)/ ? $1 : () } <$status>;
		system('prlimit', '--pid', $wire->{pid}, '--data=' . 1024 * ($now + 200 + int rand 4000) . ':') == 0 or return;
		if (rand() < 0.5) { transact($c, $tag, [ rows($tag, 400) ], [ usage_fact($tag, 400) ], wire => $wire, may => 'RW007') }
		else { outcome_of($c, $wire, [ (qw(post() post() maintain() verify()))[rand 4] =~ s/^/select * from rewards./r ], 'RW007') }
		$wire->close;
	} ],
	small_files => [ 0.2, sub {
		my ($c) = @_;
		my $wire = connection($c);
		return unless $wire->is_open;
		$wire->query(q{set temp_file_limit = '128kB'; set work_mem = '64kB'; set hash_mem_multiplier = 1; set enable_hashagg = off});
		outcome_of($c, $wire, [ rand() < 0.5 ? 'select * from rewards.post()' : 'select count(*) from (select distinct id, request_id from rewards.usage_logs order by 2) d' ]);
		$wire->close;
	} ],
	deadlock => [ 0.2, sub {
		my ($c, $tag) = @_;
		my @wires = (connection($c), connection($c));
		return if grep { !$_->is_open } @wires;
		my @outcome = map { outcome_of($c, $wires[$_], [ 'begin', journal_call("$tag:$_", "d$_", 'credit') ]) } 0, 1;
		# without both transactions what comes next would be one of its own
		if (grep { $_ eq 'undone' } @outcome)
		{
			line($c, 'fact', "$tag:$_", 'credit', "$tag:$_", 1, 0, 'undone') for 0, 1;
			$_->close for @wires;
			return;
		}
		$wires[$_]->ask($own_order . journal_call("$tag:then$_", 'd' . (1 - $_), 'credit')) for 0, 1;
		my @answer = map { $wires[$_]->answer } 0, 1;
		note_refusal($c, $answer[$_], 'a lock order made by hand') for grep { $answer[$_]{state} || $answer[$_]{lost} } 0, 1;
		transact($c, "$tag:$_", [ 'commit' ], [ [ 'credit', "$tag:$_", 1, 0 ], [ 'credit', "$tag:then$_", 1, 0 ] ], wire => $wires[$_],
			outcome => sub { $outcome[$_] eq 'undone' || $answer[$_]{state} || $answer[$_]{lost} ? 'undone' : $_[0] }) for 0, 1;
		$_->close for @wires;
	} ],
	locked => [ 0.2, sub {
		my ($c, $tag) = @_;
		my @wires = (connection($c), connection($c));
		return if grep { !$_->is_open } @wires;
		outcome_of($c, $wires[0], [ 'begin', journal_call("$tag:0", 'l1', 'credit') ]);
		outcome_of($c, $wires[1], [ q{set lock_timeout = '30ms'}, journal_call("$tag:1", 'l1', 'credit') ]);
		line($c, 'fact', "$tag:$_", 'credit', "$tag:$_", 1, 0, $_ ? 'unknown' : 'undone') for 0, 1;
		$_->close for @wires;
	} ],
);

sub write_something
{
	my ($c) = @_;
	my $total = 0;

	$total += $_->[0] for values %write;
	my $at = rand $total;
	for my $kind (sort keys %write)
	{
		next if ($at -= $write{$kind}[0]) >= 0;
		$write{$kind}[1]->($c, tag($c));
		return;
	}
}

# ---- who posts, maintains, reads ----

sub post_something
{
	my ($c) = @_;
	my $at = rand();
	# in pieces mostly: between two crashes there is no time for a long one
	my $sql = $at < 0.3 ? 'select * from rewards.post()' : $at < 0.75 ? 'select * from rewards.post(20000)'
		: $at < 0.95 ? 'select * from rewards.post(' . int(rand 500) . ')' : 'select * from rewards.maintain()';

	$c->{wire}->query('set statement_timeout = ' . (rand() < 0.1 ? 1 + int rand 50 : 4000));
	outcome_of($c, $c->{wire}, [ $sql ]);
	$c->{wire}->query('set statement_timeout = 0');
	sleep rand 0.3;
}

# Whatever happens, each snapshot is exact.
sub read_all
{
	my ($c) = @_;
	my $begun = time;
	my $sql = (@{ $c->{checks} })[rand @{ $c->{checks} }];

	if (outcome_of($c, $c->{wire}, [ $sql ]) eq 'done')
	{
		line($c, 'read');
		say_wrong($c, 'was read:', map { $_ // '-' } @$_) for @{ $c->{answer}{rows} };
	}
	my $until = time + 0.3 + 3 * (time - $begun);
	sleep 0.1 until time > $until || -e "$c->{folder}/stop";
}

1;
