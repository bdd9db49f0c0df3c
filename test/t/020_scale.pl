# Several nodes over logical replication: a directory, two writers, an aggregator, set
# up by the commands of docs/scale.md.  The same events go to one big node, and every
# global figure must be the same there: also when rules change, when a node is away for
# a while, and on an aggregator made anew.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RewardsTest;
use Test::More;

my $document = slurp_file("$FindBin::RealBin/../../docs/scale.md");
my %node;

sub make_node
{
	my ($name) = @_;

	my $made = PostgreSQL::Test::Cluster->new($name);
	$made->init(allows_streaming => 'logical');
	$made->append_conf('postgresql.conf', "max_worker_processes = 20\nmax_logical_replication_workers = 12\nmax_sync_workers_per_subscription = 3\n"
		. "wal_retrieve_retry_interval = 100ms\ntimezone = 'UTC'\nlog_statement = none\nshared_buffers = 16MB\n");
	$made->start;
	$made->safe_psql('postgres', 'create database shop');
	return $made;
}

sub sql { my ($name, $text) = @_; return $node{$name}->safe_psql('shop', $text); }

# What an SQL statement that is refused says.
sub refusal { my ($name, $text) = @_; return ($node{$name}->psql('shop', $text, on_error_stop => 1))[2]; }

# The document's commands for some nodes, in its order, each on its node.
sub follow_document
{
	my ($places) = @_;
	my $done = 0;

	while ($document =~ /^```sql\n-- on (?:the )?(.*?)\n(.*?)^```/msg)
	{
		my ($place, $commands) = ($1, $2);

		next unless $place =~ /^(?:$places)$/;
		$place =~ s/,.*| //g;
		$commands =~ s/host=(\w+) dbname=shop/$node{$1}->connstr('shop') =~ s|'||gr/ge;
		sql($place, $commands);
		$done++;
	}
	return $done;
}

# One side and what all nodes get from it have arrived.
sub arrived
{
	my ($publisher, @subscriptions) = @_;
	$node{$publisher}->wait_for_catchup($_) for @subscriptions;
}

sub directory_arrived { arrived('directory', qw(writer_1_from_directory writer_2_from_directory aggregator_from_directory)) }

sub subscribed
{
	for my $name (@_)
	{
		$node{$name}->poll_query_until('shop', q{select count(*) = 0 from pg_subscription_rel where srsubstate <> 'r'})
			or die "the first copy does not arrive on $name";
	}
}

# Posts on a writer until nobody is asked for and nothing is left.
sub post_writer
{
	my ($name) = @_;
	$node{$name}->poll_query_until('shop', q{
		select p.complete and p.events = 0 and s.backlog = 0 from rewards.post() p cross join lateral (select * from rewards.status offset 0) s})
		or die "$name does not come to the end of posting";
}

sub all_posted
{
	post_writer($_) for qw(writer1 writer2 directory big);
	arrived('directory', 'aggregator_from_directory');
	arrived("writer$_", "aggregator_from_writer_$_") for 1, 2;
	directory_arrived();
}

# Every figure of all accounts, by name.
my %figures = (
	accounts => 'select kind, account, referrer, status from rewards.accounts order by 1, 2',
	active => 'select kind, account, last_active_at, onboarded_at is null from rewards.accounts order by 1, 2',
	users => 'select * from rewards.user_points order by 1, 2',
	providers => 'select * from rewards.provider_rewards order by 1, 2',
	levels => 'select * from rewards.referral_points_by_level order by 1, 2, 3, 4',
	days => 'select * from rewards.daily_points order by 1, 2, 3',
	creators => 'select creator_id, model_id, total_usage_count, total_tokens_consumed, total_earnings, last_usage_at, created_at from rewards.model_creator_earnings order by 1, 2',
	credits => 'select user_id, currency, balance, added, spent from rewards.user_credits order by 1, 2',
	board => 'select * from rewards.leaderboard order by 1, 2, 3, 4, 5',
	top => q{select b, t.* from unnest('{user,provider,creator,referrer}'::text[]) b cross join lateral rewards.leaderboard_top(b, 'all', 1000) t order by 1, 2, 4},
	ranks => q{select a.kind, a.account, b, r.* from rewards.accounts a cross join unnest('{user,provider}'::text[]) b
		cross join lateral rewards.leaderboard_rank(a.account, b, '2026-03', a.kind) r where a.kind = b order by 1, 2, 3},
	balances => 'select a.kind, a.account, b.* from rewards.accounts a cross join lateral rewards.balance(a.account, a.kind) b order by 1, 2',
	networks => q{select a.kind, a.account, s.* from rewards.accounts a cross join lateral rewards.referral_stats(a.account, a.kind) s order by 1, 2},
	streaks => q{select * from rewards.streaks where kind = 'user' order by 2},
);

sub figures
{
	my ($name) = @_;
	my %found;

	# one call for all
	my $all = sql($name, join('', map { "\\echo === $_\n$figures{$_};\n" } sort keys %figures));
	$found{$1} = $2 while $all =~ /^=== (\w+)\n(.*?)(?=^=== |\z)/msg;
	return \%found;
}

sub same_figures
{
	my ($what) = @_;
	my ($truth, $found) = (figures('big'), figures('aggregator'));

	for my $name (sort keys %figures)
	{
		isnt($truth->{$name}, '', "there are figures of $name") if $what eq 'at first';
		is($found->{$name}, $truth->{$name}, "$what: $name are those of one big node");
	}
}

sub all_clean
{
	my ($what) = @_;
	is(sql($_, 'select * from rewards.verify()'), '', "$what: verify() is clean on $_") for qw(directory writer1 writer2 aggregator);
}

# Usage goes to the writer of its user, and the same to the big node.
my $columns = '(created_at, request_id, user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens)';
sub use_it
{
	my ($rows, $only) = @_;

	for my $name ('big', 'writer1', 'writer2')
	{
		next if $only && $name ne 'big' && $name ne $only;
		my $of = $name eq 'big' ? 'true' : $name eq 'writer1' ? q{hashtext(user_id) % 2 = 0} : q{hashtext(user_id) % 2 <> 0};
		sql($name, "insert into rewards.usage_logs $columns select * from ($rows) r $columns where $of");
	}
}

# A day's requests: 40 users by 15 models and providers, some failed, some of a model that has an owner.
sub day_rows
{
	my ($day) = @_;
	return qq{
		select timestamptz '2026-03-01 00:00 UTC' + interval '1 day' * $day + interval '1 minute' * n, 'r$day-' || n, 'u' || 1 + (n * 7) % (30 + $day), 'p' || 1 + (n * 5) % 9,
			case n % 4 when 0 then '/v1/embeddings' when 1 then '/tts' else '/v1/chat/completions' end,
			case n % 6 when 0 then 'owned-7b' when 1 then 'llama-70b' else 'mixtral' end,
			case when n % 17 = 0 then 500 else 200 end, n % 300, n % 200
		from generate_series(1, 320) n};
}

# What goes to the directory is done on the big node as well.
sub direct { sql($_, $_[0]) for 'directory', 'big'; }

# ---- set up ----

$node{$_} = make_node($_) for qw(directory writer1 writer2 aggregator big);
sql('big', 'create extension rewards');
sql('big', 'select rewards.install()');
is(follow_document('directory|writer 1|writer 2|aggregator'), 6, 'the commands of the document');
subscribed(qw(directory writer1 writer2 aggregator));
sql($_, 'select rewards.stop_worker()') for qw(directory writer1 writer2 big);
direct(q{
	select rewards.init_pricing('mainnet', '2026-01-01');
	select rewards.set_bonus('milestone', 'user', 200, 1, 20, valid_from => '2026-01-01');
	select rewards.register_account('u1'), rewards.register_account('p1', 'provider');
	select rewards.referral_signup('u' || n / 2, 'u' || n, at => '2026-02-01') from generate_series(2, 15) n;
	select rewards.referral_signup('p' || n - 1, 'p' || n, 'provider', at => '2026-02-01') from generate_series(2, 4) n;
	select rewards.register_model('owned-7b', owner => 'u3');
	select rewards.set_multiplier('u5', 'user', 1.5, valid_from => '2026-01-01');
	select rewards.set_status('u7', 'user', 'paused', 'looked at');
});
directory_arrived();

# ---- days of usage; names that only usage tells, rules that change ----

for my $day (0 .. 8)
{
	if ($day == 4)
	{
		direct(q{select rewards.set_user_share(0.25, valid_from => '2026-03-05'), rewards.set_tier('tide_pool', 2, null, 4, valid_from => '2026-03-05')});
		directory_arrived();
	}
	use_it(day_rows($day));
	# streaks of a day count from the next one on
	post_writer($_) for qw(writer1 writer2 big);
}
# a session that has cached rules and accounts learns of others
my $session = $node{writer1}->background_psql('shop');
my $probe = q{insert into rewards.usage_logs (created_at, user_id, provider_id, endpoint) values ('2026-03-10', 'probe', 'p9', '/tts') returning provider_points, user_points, jsonb_array_length(distribution::text::jsonb)};
$session->query_safe('begin');
my $before = $session->query_safe($probe);
$session->query_safe('rollback');
direct(q{select rewards.set_service('tts', '/tts', 77, valid_from => '2026-03-09'); select rewards.referral_signup('p4', 'p9', 'provider', at => '2026-03-09')});
directory_arrived();
$session->query_safe('begin');
my $after = $session->query_safe($probe);
$session->query_safe('rollback');
$session->quit;
isnt($after, $before, 'a session learns of a rule that comes from the directory');
like($after, qr/\|19.25\|5$/, 'and of an edge');

# both writers see a provider for the first time at once
sql('writer1', q{select rewards.add_credits('u' || n, n * 10, reference => 'gift ' || n) from generate_series(1, 15) n where hashtext('u' || n) % 2 = 0});
sql('writer2', q{select rewards.add_credits('u' || n, n * 10, reference => 'gift ' || n) from generate_series(1, 15) n where hashtext('u' || n) % 2 <> 0});
sql('big', q{select rewards.add_credits('u' || n, n * 10, reference => 'gift ' || n) from generate_series(1, 15) n});
my $same = q{select timestamptz '2026-03-10 UTC' + interval '1 minute' * n, null, 'u' || n, 'everywhere', '/tts', null, 200, 0, 0 from generate_series(1, 20) n};
use_it($same);
all_posted();
# somebody asked for at the very moment when the account arrived
sql('writer1', q{insert into rewards.newcomer select kind, name, joined_at from rewards.account where name = 'everywhere'});
post_writer('writer1');
is(sql('directory', q{select count(*) from rewards.account where name = 'everywhere'}), 1, 'a name that two writers ask for is registered once');
is(sql($_, q{select string_agg(id::text, ' ' order by id) from rewards.account}), sql('directory', q{select string_agg(id::text, ' ' order by id) from rewards.account}),
	"numbers of accounts are the same on $_") for qw(writer1 writer2 aggregator);
is(sql($_, 'select count(*) from rewards.newcomer'), 0, "nobody is asked for any more on $_") for qw(writer1 writer2 directory);
cmp_ok(sql('aggregator', q{select sum(bonus_points) from rewards.user_points}), '>', 1000, 'there are bonuses');
cmp_ok(sql('writer1', q{select count(*) from rewards.account_fact where fact = 'streak' and number > 7}), '>', 0, 'and streaks that multiply points');
same_figures('at first');
all_clean('at first');

# ---- who may do what ----

like(refusal('writer1', q{select rewards.set_user_share(0.5)}), qr/no place to write to "rule".*Do it on the directory/s, 'a writer has no rules of its own');
like(refusal('writer1', q{select rewards.referral_signup('u1', 'somebody')}), qr/no place to write to "account"/, 'and registers nobody');
like(refusal('aggregator', q{insert into rewards.usage_logs (user_id, endpoint) values ('u1', '/tts')}), qr/no place to write to "usage_logs".*Do it on a writer/s,
	'an aggregator takes no usage');
is(sql('aggregator', 'select rewards.start_worker()'), 'none: this node is an aggregator', 'it has no worker');
is(sql('aggregator', 'select events, entries from rewards.post()'), '0|0', 'and posts nothing');

# ---- a writer is away, then the directory ----

$node{writer2}->stop('immediate');
use_it(day_rows(10), 'writer1');
direct(q{select rewards.set_user_share(0.3, valid_from => '2026-03-12')});
post_writer($_) for qw(writer1 big);
arrived('writer1', 'aggregator_from_writer_1');
$node{writer2}->start;
arrived('directory', 'writer_2_from_directory');
sql('writer2', "insert into rewards.usage_logs $columns select * from (" . day_rows(10) . ") r $columns where hashtext(user_id) % 2 <> 0");
post_writer('writer2');
use_it(day_rows(11));
all_posted();
same_figures('a writer was away');

$node{directory}->stop;
use_it(q{select timestamptz '2026-03-13 UTC' + interval '1 minute' * n, null, 'late' || n % 50, 'late' || n % 7, '/tts', null, 200, 0, 0 from generate_series(1, 200) n});
sql($_, 'select * from rewards.post()') for qw(writer1 writer2);
is(sql('writer1', q{select sum(usage_points) from rewards.user_points where user_id like 'late%'}),
	sql('big', q{select sum(usage_points) from rewards.user_points where user_id like 'late%' and hashtext(user_id) % 2 = 0}),
	'without the directory a writer reads of newcomers what they have');
sql('aggregator', 'alter subscription aggregator_from_directory disable');
$node{directory}->start;
arrived('directory', map { "writer_${_}_from_directory" } 1, 2);
post_writer($_) for qw(writer1 writer2);
arrived("writer$_", "aggregator_from_writer_$_") for 1, 2;
cmp_ok(sql('aggregator', 'select count(*) from rewards.node_change'), '>', 0, 'totals wait for accounts that have not arrived');
is(sql('aggregator', 'select * from rewards.verify()'), '', 'and are left out till then');
sql('aggregator', 'alter subscription aggregator_from_directory enable');
$node{aggregator}->poll_query_until('shop', 'select count(*) = 0 from rewards.node_change') or die 'totals stay where they wait';
all_posted();
same_figures('the directory was away');
all_clean('the directory was away');

# ---- the aggregator made anew ----

is(follow_document('aggregator, to make it anew'), 1, 'the commands of the document to end an aggregator');
$node{aggregator}->safe_psql('postgres', 'drop database shop');
$node{aggregator}->safe_psql('postgres', 'create database shop');
is(follow_document('aggregator'), 1, 'and to make it');
subscribed('aggregator');
all_posted();
same_figures('made anew');
all_clean('made anew');

# nobody calls anything: workers post, and install() on a node changes nothing
sql($_, 'select rewards.install()') for qw(directory writer1 writer2 aggregator);
sql($_, 'select rewards.start_worker()') for qw(directory writer1 writer2 big);
use_it(q{select timestamptz '2026-03-14 UTC' + interval '1 minute' * n, null, 'last' || n % 20, 'last' || n % 3, '/tts', null, 200, 0, 0 from generate_series(1, 60) n});
$node{aggregator}->poll_query_until('shop', q{select sum(requests) = 60 from rewards.provider_rewards where provider_id like 'last%'})
	or die 'what workers post does not arrive';
# what posting books itself comes with the posting after it
$node{$_}->poll_query_until('shop', q{select sum(bonus_points) = 200 from rewards.user_points where user_id like 'last%'})
	or die "the bonuses of a first use do not arrive at $_" for qw(big aggregator);
same_figures('by workers');
all_clean('by workers');

# a node is a database like any other
my $dump = $node{writer1}->basedir . '/writer1.sql';
$node{writer1}->command_ok([ 'pg_dump', '--no-subscriptions', '-f', $dump, $node{writer1}->connstr('shop') ], 'pg_dump of a writer');
$node{writer1}->safe_psql('postgres', 'create database copy');
$node{writer1}->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node{writer1}->connstr('copy'), '-f', $dump ], 'and its restore');
is($node{writer1}->safe_psql('copy', 'select role, number from rewards.node; select * from rewards.verify()'), 'writer|1', 'verify() is clean there');

# figures that are wrong there are found
sql('aggregator', q{update rewards.score set points = points + 1 where (board, account) = (select board, account from rewards.score order by 1, 2 limit 1)});
like(sql('aggregator', 'select part from rewards.verify()'), qr/score/, 'verify() finds a wrong score on the aggregator');
sql('aggregator', q{update rewards.month_total set amount = amount + 1 where (account, unit, entry) = (select account, unit, entry from rewards.month_total order by 1, 2, 3 limit 1)});
like(sql('aggregator', 'select part from rewards.verify()'), qr/month_total/, 'verify() finds a wrong total on the aggregator');

no_deadlock($node{$_}) for sort keys %node;
done_testing();
