# A client of PostgreSQL in plain Perl, as small as a test of faults needs it: it knows to
# the message what the server has acknowledged, may leave in the midst of anything, and
# knows its backend's process.  Simple queries and COPY over a Unix socket, no passwords.
package Wire;

use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;
use Socket qw(SOCK_STREAM);
use Time::HiRes ();

# A connection; one that failed has its socket closed, and state and message tell why.
sub new
{
	my ($class, $node, $database, $name) = @_;
	my $self = bless { node => $node, buffer => '' }, $class;
	my $start = pack('N', 196608) . join("\0", user => ($ENV{PGUSER} || scalar getpwuid($<)), database => $database, application_name => $name) . "\0\0";

	$self->{socket} = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $node->host . '/.s.PGSQL.' . $node->port);
	$self->write(pack('N', length($start) + 4) . $start);
	my $answer = $self->answer(30);
	@$self{qw(state message)} = @$answer{qw(state message)};
	$self->close if $answer->{lost} || $answer->{state};
	return $self;
}

sub close
{
	my ($self) = @_;

	CORE::close(delete $self->{socket}) if $self->{socket};
}

sub is_open { return defined $_[0]{socket} }

sub write
{
	my ($self, $bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';

	while ($self->{socket} && length $bytes)
	{
		my $written = syswrite($self->{socket}, $bytes);

		next if !defined $written && $!{EINTR};
		# what the server said before it left may be there to be read
		return unless defined $written;
		substr($bytes, 0, $written) = '';
	}
}

sub message { return pack('a N', $_[0], length($_[1]) + 4) . $_[1] }

# One message of the server: type and body; nothing when the connection is lost or, with
# a time to wait, when it has passed.
sub read_message
{
	my ($self, $until) = @_;

	while ($self->{socket})
	{
		my $length = length($self->{buffer}) >= 5 ? unpack('x N', $self->{buffer}) : 1e9;

		if (length($self->{buffer}) > $length)
		{
			my $message = substr($self->{buffer}, 0, $length + 1, '');

			return (substr($message, 0, 1), substr($message, 5));
		}
		my $left = $until - Time::HiRes::time();
		return ('', '') if $left <= 0;
		next unless IO::Select->new($self->{socket})->can_read($left);
		my $read = sysread($self->{socket}, $self->{buffer}, 65536, length $self->{buffer});
		next if !defined $read && $!{EINTR};
		return unless $read;
	}
	return;
}

# What the server says until it is ready again, or waits for COPY: lost if the connection
# is, state and message of an error, tags of what was done, rows.  Who gets no answer in
# time asks the server to cancel, so that nothing waits forever.
sub answer
{
	my ($self, $seconds) = @_;
	my %answer = (tags => [], rows => []);
	my $patience = 3;
	my $until = Time::HiRes::time() + ($seconds || 60);

	while (1)
	{
		my ($type, $body) = $self->read_message($until);

		if (!defined $type || ($type eq '' && --$patience == 0))
		{
			$self->close;
			return { %answer, lost => 1 };
		}
		if ($type eq '')
		{
			$self->cancel;
			$until = Time::HiRes::time() + 10;
		}
		elsif ($type eq 'E')
		{
			my %field = map { substr($_, 0, 1) => substr($_, 1) } grep { length } split /\0/, $body;

			@answer{qw(state message)} = @field{qw(C M)};
		}
		elsif ($type eq 'D')
		{
			my ($count, $at, @row) = (unpack('n', $body), 2);

			for (1 .. $count)
			{
				my $length = unpack('l>', substr($body, $at, 4));

				push @row, $length < 0 ? undef : substr($body, $at + 4, $length);
				$at += 4 + ($length < 0 ? 0 : $length);
			}
			push @{ $answer{rows} }, \@row;
		}
		elsif ($type eq 'C') { push @{ $answer{tags} }, substr($body, 0, -1) }
		elsif ($type eq 'K') { @$self{qw(pid key)} = unpack('N N', $body) }
		elsif ($type eq 'G') { return { %answer, copy => 1 } }
		elsif ($type eq 'Z')
		{
			$self->{status} = $body;
			return \%answer;
		}
	}
}

# Sends a query and does not wait.
sub ask
{
	my ($self, $sql) = @_;

	$self->write(message('Q', "$sql\0"));
}

sub query
{
	my ($self, $sql, $seconds) = @_;

	$self->ask($sql);
	return $self->answer($seconds);
}

# COPY ... FROM STDIN of some lines, that ends as told: done, fail, or leave in the midst.
sub copy
{
	my ($self, $sql, $lines, $end) = @_;
	my $answer = $self->query($sql);

	return $answer unless $answer->{copy};
	$self->write(message('d', "$_\n")) for @$lines;
	if ($end eq 'leave')
	{
		$self->close;
		return { %$answer, lost => 1 };
	}
	$self->write($end eq 'done' ? message('c', '') : message('f', "the client gave up\0"));
	return $self->answer;
}

# As Ctrl-C does, by a connection of its own.
sub cancel
{
	my ($self) = @_;
	my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $self->{node}->host . '/.s.PGSQL.' . $self->{node}->port) or return;

	syswrite($socket, pack('N4', 16, 80877102, $self->{pid}, $self->{key})) if $self->{pid};
	sysread($socket, my $end, 1);
	CORE::close($socket);
}

1;
