# What the TAP tests share: a server with rewards, the load that they run against
# it, and the recomputation of every total in plain SQL.
package RewardsTest;

use strict;
use warnings;
use Exporter 'import';
use IPC::Run qw(start timeout);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_node install load_start load_finish post_all differences differences_sql boards_sql exact no_deadlock kill_server start_again);

# Without slots no worker starts by itself: most tests count what is not posted.
sub new_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $slots = delete $options{workers} || 0;

	$node->init(%options);
	$node->append_conf('postgresql.conf', "max_worker_processes = $slots\nmax_logical_replication_workers = 0\n");
	$node->append_conf('postgresql.conf',
		"max_connections = 100\nmax_prepared_transactions = 10\ntimezone = 'UTC'\nlog_lock_waits = on\nlog_statement = none\n");
	$node->start;
	return $node;
}

# A programme with two deep chains of referrers and a model that has an owner; in
# another database, or where the extension is already, if so said.
sub install
{
	my ($node, %options) = @_;
	my $database = $options{database} || 'postgres';

	$node->safe_psql($database, 'create extension if not exists rewards');
	$node->safe_psql($database, q{
		select rewards.install();
		select rewards.referral_signup('u' || n - 1, 'u' || n) from (
			select rewards.register_account('u1')) r, generate_series(2, 6) n;
		select rewards.referral_signup('p' || n - 1, 'p' || n, 'provider') from (
			select rewards.register_account('p1', 'provider')) r, generate_series(2, 4) n;
		select rewards.register_model('owned-7b', owner => 'u3');

		/* an application's signup: what the programme refuses is no error */
		create function signup(code text, referee text) returns void language plpgsql as $$
		begin
			perform rewards.referral_signup(code, referee);
		exception when sqlstate 'RW002' or sqlstate 'RW003' or sqlstate 'RW004' or sqlstate 'RW005' or sqlstate 'RW006' then
			null;
		end $$;
	});
}

# The load: pgbench scripts and how often each runs.  Few accounts, so that all
# writers meet; r repeats its request ids, always with the same contents.
my $columns = 'request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens';
my $set = q{
	\set u random_zipfian(1, 200, 1.1)
	\set p random_zipfian(1, 20, 1.5)
	\set t random(0, 500)
	\set s random(1, 8)
	\set r random(1, 3000)
};
my $row = q{null, 'u' || :u, 'p' || :p, '/v1/chat/completions', case :s when 1 then 'owned-7b' else 'mixtral' end,
	case :s when 2 then 500 else 200 end, :t, :t};
my $request = q{'r' || :r, 'u' || :r % 50, 'p' || :r % 5, '/v1/embeddings', null};
my %scripts = (
	row => [ 120, "insert into rewards.usage_logs ($columns) values ($row);" ],
	request => [ 40, "insert into rewards.usage_logs ($columns) values ($request, case when :s < 3 then 503 else 200 end, 7, 0) on conflict do nothing;" ],
	track => [ 40, "select rewards.track_usage($request, case when :s < 3 then 503 else 200 end, 7, 0, null);" ],
	unknown => [ 24, "insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('n' || :r, 'n' || :r % 100, '/tts'), ('n' || :r, 'm' || :t, '/tts');" ],
	undone => [ 16, "begin;\ninsert into rewards.usage_logs ($columns) values ($row);\nsavepoint s;\ninsert into rewards.usage_logs ($columns) values ($row);\nrollback to s;\ninsert into rewards.usage_logs ($columns) values ($row);\nend;" ],
	rollback => [ 16, "begin;\ninsert into rewards.usage_logs ($columns) values ($row);\nrollback;" ],
	many => [ 8, "insert into rewards.usage_logs ($columns) select $row from generate_series(1, 20) order by random();" ],
	signup => [ 16, "select signup('u' || :u, 'u' || :r % 200);" ],
	newcomer => [ 8, "select signup('n' || :u, 'n' || :r);" ],
	rule => [ 1, "select rewards.set_user_share(0.01 * (:r % 50));" ],
);

# Starts pgbench for some seconds, with these scripts, with others (name => [ how often,
# text ]) or with one of the test's own, at full speed or at some transactions a second;
# for a number of transactions of each client instead; with further options of pgbench.
sub load_start
{
	my ($node, $seconds, %options) = @_;
	my $clients = $options{clients} || 8;
	my $own = $options{script};
	my @rate = $options{rate} ? ('-R', $options{rate}) : ();
	my @end = $options{transactions} ? ('-t', $options{transactions}) : ('-T', $seconds);
	my @command = ('pgbench', '-n', '-c', $clients, '-j', 2, @end, @rate, @{ $options{options} || [] }, '-h', $node->host, '-p', $node->port);
	my %run = (node => $node, output => '');

	my %texts = $own ? (own => [ 1, $own ]) : %{ $options{scripts} || \%scripts };
	for my $name (sort keys %texts)
	{
		my $file = $node->basedir . "/load_$name" . ($own ? '_' . int(rand(1e9)) : '') . '.sql';

		open my $out, '>', $file or die "$file: $!";
		print $out ($own || $options{scripts} ? '' : $set), $texts{$name}[1], "\n";
		close $out;
		push @command, '-f', "$file\@$texts{$name}[0]";
	}
	$run{harness} = start([ @command, $options{database} || 'postgres' ],
		'<', \undef, '>', \$run{output}, '2>', \$run{output}, timeout($seconds + 120));
	return \%run;
}

# Waits for it; returns how many transactions it says were done.
sub load_finish
{
	my ($run, $what) = @_;

	$run->{harness}->finish;
	if ($what)
	{
		is($run->{harness}->result(0), 0, "$what: no client aborted") or diag($run->{output});
	}
	return $run->{output} =~ /transactions actually processed: (\d+)/ ? $1 : 0;
}

sub post_all
{
	my ($node, $database) = @_;

	for (1 .. 100)
	{
		return 1 if $node->safe_psql($database || 'postgres',
			'select complete and events = 0 from rewards.post()') eq 't';
	}
	return 0;
}

# Totals that differ from the sum of their rows, in one statement and snapshot.
my $differences = q{
	with counted as (
		select * from rewards.usage_logs u
		where status_code between 200 and 299
			and not exists (select from rewards.journal j where j.event = 'reversal' and j.reverses_source = 'usage_logs' and j.reverses_id = u.id)
	), usage as (
		select 'user' as kind, user_id as account, * from counted
		union all
		select 'provider', provider_id, * from counted where provider_id is not null
	), request as (
		select kind, account, date_trunc('month', created_at)::date as month, count(*) as requests,
			sum(input_tokens + output_tokens) as tokens
		from usage group by 1, 2, 3
	), line as (
		select kind, account, created_at, entry, amount from rewards.ledger where unit = 'points' and entry <> 'reversal'
		union all
		/* what is taken back, in the column that it came from */
		select a.kind, a.name, j.created_at, s ->> 'entry', (s ->> 'amount')::numeric
		from rewards.journal j cross join lateral jsonb_array_elements(j.distribution::jsonb) s
		join rewards.account a on a.id = (s ->> 'account')::bigint
		where j.event = 'reversal' and j.unit = 1
	), point as (
		select kind, account, date_trunc('month', created_at)::date as month,
			sum(amount) filter (where entry in ('work', 'usage')) as own,
			sum(amount) filter (where entry = 'referral') as referral,
			sum(amount) filter (where entry like '%\_bonus' or entry = 'adjustment') as bonus
		from line group by 1, 2, 3
	), shown as (
		select 'user' as kind, user_id as account, month, usage_points as own, referral_points, bonus_points, requests, tokens
		from rewards.user_points
		union all
		select 'provider', provider_id, month, work_points, referral_points, bonus_points, requests, tokens
		from rewards.provider_rewards
	)
	select 'points of ' || kind || ' ' || account
	from request full join point using (kind, account, month) full join shown s using (kind, account, month)
	where (coalesce(point.own, 0), coalesce(referral, 0), coalesce(bonus, 0), coalesce(request.requests, 0), coalesce(request.tokens, 0))
		is distinct from (coalesce(s.own, 0), coalesce(referral_points, 0), coalesce(bonus_points, 0), coalesce(s.requests, 0), coalesce(s.tokens, 0))
	union all
	select 'earnings of ' || coalesce(creator_id, account)
	from rewards.model_creator_earnings e
	full join (select account, sum(amount) as amount from rewards.ledger where unit = 'earnings' group by account) l
		on e.creator_id = l.account
	where total_earnings is distinct from amount
	union all
	select 'account ' || kind || ' ' || account || ' is listed ' || count(*) || ' times'
	from rewards.accounts group by kind, account having count(*) > 1
	union all
	select 'account ' || kind || ' ' || account || ' is not listed'
	from request where (kind, account) not in (select kind, account from rewards.accounts)
	union all
	select 'request ' || request_id || ' was rewarded ' || count(*) || ' times'
	from rewards.usage_logs where status_code between 200 and 299 and request_id is not null
	group by request_id having count(*) > 1
};

# Boards and balances: what the view and the calls say that the rows do not, in one
# statement and snapshot.
# Of neighbours and ranks some are asked for, those of an idle writer always.
my $boards = q{
	with share as (
		select l.kind, l.account collate "C" as account, l.unit, l.entry, l.amount, date_trunc('month', l.created_at at time zone 'UTC')::date as month
		from rewards.ledger l
	), line as (
		select b.board, m.month, s.kind, s.account, s.amount
		from share s
		cross join lateral (select s.kind where s.unit = 'points' union all select 'creator' where s.unit = 'earnings'
			union all select 'referrer' where s.unit = 'points' and s.entry = 'referral') b(board)
		cross join lateral (values (s.month), (null)) m(month)
	), place as materialized (
		select *, rank() over (partition by board, month order by points desc), count(*) over (partition by board, month) as members,
			row_number() over (partition by board, month order by points desc, account, kind = 'user') as place
		from (select board, month, kind, account, sum(amount) as points from line group by 1, 2, 3, 4 having sum(amount) > 0) s
	), board as materialized (
		select board, month, rank, kind, account, points from rewards.leaderboard
	), asked as (
		select * from place where board <> 'referrer' and (month is null or month = date_trunc('month', now() at time zone 'UTC'))
	), top as (
		select board, month, t.* from unnest('{provider,user,creator}'::text[]) board, unnest(array[null, date_trunc('month', now() at time zone 'UTC')::date]) month,
			rewards.leaderboard_top(board, month, 1000000) with ordinality t
	)
	select 'view: ' || d::text from (
		(select 'expected', board, month, rank, kind, account, points from place except all select 'expected', * from board)
		union all
		(select 'found', * from board except all select 'found', board, month, rank, kind, account, points from place)) d
	union all
	select 'top: ' || d::text from (
		(select 'expected', board, month, rank, kind, account, points, place from asked except all select 'expected', * from top)
		union all
		(select 'found', * from top except all select 'found', board, month, rank, kind, account, points, place from asked)) d
	union all
	select 'rank: ' || p::text || r::text
	from (select * from place where hashtext(account) % 150 = 0 or account in ('idle', 'held gpu') or rank = 1) p,
		rewards.leaderboard_rank(p.account, p.board, p.month, p.kind) r
	where (p.rank, p.points, p.members) is distinct from (r.rank, r.points, r."of")
	union all
	select 'around: ' || a::text
	from (select * from place where (hashtext(account) % 150 = 0 or account in ('idle', 'held gpu')) and board <> 'referrer') p
	cross join lateral rewards.leaderboard_around(p.account, p.board, p.month, 3) with ordinality a
	left join place t on t.board = p.board and t.month is not distinct from p.month and t.place = greatest(p.place - 3, 1) - 1 + a.ordinality
	where (t.rank, t.kind, t.account, t.points) is distinct from (a.rank, a.kind, a.account, a.points)
	union all
	select 'balance: ' || s::text || b::text
	from (select kind, account, unit, sum(amount) as amount from share where hashtext(account) % 150 = 0 or account in ('idle', 'held gpu') group by 1, 2, 3) s,
		rewards.balance(s.account, s.kind, s.unit) b
	where s.amount <> b.available
};

# The statements, for who runs them otherwise.
sub differences_sql { return $differences }
sub boards_sql { return $boards }

sub differences
{
	my ($node, $database) = @_;
	return $node->safe_psql($database || 'postgres', "select * from ($differences) d limit 10");
}

# Everything equal, by plain SQL and by verify().
sub exact
{
	my ($node, $what, $database) = @_;

	is(differences($node, $database), '', "$what: totals are the sums of their rows");
	is($node->safe_psql($database || 'postgres', 'select * from rewards.verify() limit 10'), '', "$what: verify() is clean");
}

sub no_deadlock
{
	my ($node) = @_;
	my $log = slurp_file($node->logfile);

	unlike($log, qr/deadlock detected/, 'no deadlock in the log');
	unlike($log, qr/PANIC|TRAP:|terminated by signal (?!9\b)/, 'no crash in the log');
}

# The server dies at once, and does nothing any more when this returns.
sub kill_server
{
	my ($node) = @_;
	my $pid = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];

	$node->kill9;
	for (1 .. 300)
	{
		return unless kill 0, $pid;
		select undef, undef, undef, 0.1;
	}
	die 'the server does not die';
}

# The dead server's children may still hold its memory for a moment.
sub start_again
{
	my ($node) = @_;

	for (1 .. 100)
	{
		return if $node->start(fail_ok => 1);
		select undef, undef, undef, 0.2;
	}
	die 'the server did not come up again';
}

1;
