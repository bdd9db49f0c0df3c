# Partitions: posting makes them ahead and waits for nobody; rows that outrun them
# go to the default one; a repeated request is recognised across a bound; writers
# are never held up.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RewardsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('main');
install($node);
my $partitions = q{select count(*), max(upto) from rewards.usage_partition};
my $insert = q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts')};
my $where = q{select string_agg(distinct tableoid::regclass::text, ' ') from rewards.usage_logs where id > };

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub ahead { return sql('select partitions_ahead from rewards.status'); }

# in the ordinary way
sql("$insert; select rewards.post()");
is(ahead(), 3, 'one is used, three wait');
sql(q{select setval('rewards.usage_number', 2999999)});
sql("$insert; $insert; $insert");
is(sql($where . 2000000), 'rewards.usage_logs_2000001 rewards.usage_logs_3000001', 'rows go over a bound');
sql('select rewards.post()');
is(ahead(), 3, 'posting makes new ones ahead');

# an idle writer in the newest partition and a long reader are in nobody's way
my $idle = $node->background_psql('postgres');
$idle->query_safe("begin; $insert");
my ($upto) = sql('select max(upto) from rewards.usage_partition');
sql("select setval('rewards.usage_number', $upto - 1500000)");
sql("$insert; select rewards.post()");
is(ahead(), 3, 'an idle writer does not hinder making them');

# past all bounds, with somebody in the default partition: nobody waits
$upto = sql('select max(upto) from rewards.usage_partition');
sql("select setval('rewards.usage_number', $upto + 10)");
$idle->query_safe($insert);
my $load = load_start($node, 3, clients => 4);
my $poster = load_start($node, 3, clients => 1, script => 'select * from rewards.post();');
my ($slowest, $end) = (0, time() + 2);
while (time() < $end)
{
	my $begin = time();
	sql(q{set statement_timeout = '20s'; insert into rewards.usage_logs (request_id, user_id, endpoint) values (gen_random_uuid()::text, 'u1', '/tts')});
	$slowest = time() - $begin if time() - $begin > $slowest;
}
cmp_ok($slowest, '<', 3, 'no writer is held up');
load_finish($load, 'writers past all bounds');
load_finish($poster, 'poster past all bounds');
is(sql($where . $upto), 'rewards.usage_logs_default', 'rows go to the default partition');
is(ahead(), 0, 'while somebody is there no partition can be made');
exact($node, 'past all bounds');
$idle->query_safe('commit');
sql('select rewards.post()');
is(ahead(), 3, 'then they are');
sql($insert);
is(sql($where . $upto), 'rewards.usage_logs_default', 'rows go on there up to the next bound');

# a repeat across the bound between default and the next, and between two bounds
for my $what ('default', 'bounded')
{
	my $bound = sql('select min(first) from rewards.usage_partition, rewards.usage_number n where first > n.last_value');

	sql("select setval('rewards.usage_number', $bound - 2)");
	my $id = sql("select rewards.track_usage('r$what', 'u1', 'p1', '/tts', null, 200, 0, 0, 1)");
	is($id, $bound - 1, "$what: the last number before the bound");
	sql($insert);
	is(sql($where . ($bound - 1)), "rewards.usage_logs_$bound", "$what: then the new partition");
	is(sql("select rewards.track_usage('r$what', 'u1', 'p1', '/tts', null, 200, 0, 0, 1)"), $id, "$what: a repeat has the first one's id");
	my ($status, undef, $error) = $node->psql('postgres',
		"insert into rewards.usage_logs (request_id, user_id, endpoint) values ('r$what', 'u1', '/tts')", extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like($error, qr/23505/, "$what: an INSERT of it is refused");
}

# posting in a transaction that stays open holds up neither writers nor readers
sql("select setval('rewards.usage_number', (select max(first) - 10 from rewards.usage_partition))");
sql($insert);
is(ahead(), 1, 'partitions are wanted');
sql('select rewards.set_user_share(0.1)');	# the load has left any
my $open = $node->background_psql('postgres');
$open->query_safe('begin; select rewards.post()');
is(sql("set statement_timeout = '3s'; insert into rewards.usage_logs (request_id, user_id, endpoint) values ('while open', 'u1', '/tts') returning user_points, service, tier"),
	'0.2|tts|tide_pool', 'a writer is not held up by an open posting');
is(sql("set statement_timeout = '3s'; select count(*) from rewards.usage_logs where request_id = 'while open'"), '1', 'nor is a reader');
$open->query_safe('commit');

# one long statement goes on while posting makes partitions in front of it
my $long = $node->background_psql('postgres', on_error_stop => 0);
$node->safe_psql('postgres', 'create table gate (open boolean); create function wait_for_gate() returns int language plpgsql as $$
	begin while not exists (select from gate) loop perform pg_sleep(0.05); end loop; return 0; end $$');
$long->query_until(qr/started/, "\\echo started\n$insert, ('u1', 'p1', '/tts');\ninsert into rewards.usage_logs (user_id, endpoint, input_tokens) select 'long', '/tts', case n when 2 then wait_for_gate() end from generate_series(1, 3) n;\n");
$node->poll_query_until('postgres', "select count(*) = 1 from pg_stat_activity where query like '%wait_for_gate()%' and state = 'active' and pid <> pg_backend_pid()");
$upto = sql('select max(upto) from rewards.usage_partition');
sql("select setval('rewards.usage_number', $upto - 10)");
sql("$insert; select rewards.post()");
sql("select setval('rewards.usage_number', $upto + 10)");
sql('insert into gate values (true)');
$long->query_safe('select 1');
is(sql("select count(*) from rewards.usage_logs where user_id = 'long'"), '3', 'a long statement goes on past the bounds it began with');
sql('select rewards.post()');
is(ahead(), 3, 'and new partitions are made when it is over');

# who sits idle on the default partition is not waited for, nor do others queue for it
$upto = sql('select max(upto) from rewards.usage_partition');
sql("select setval('rewards.usage_number', $upto - 10)");
$open->query_safe('begin; select count(*) from rewards.usage_logs');
sql(q{begin; insert into rewards.usage_logs (user_id, endpoint) values ('held', '/tts'); select count(*) from rewards.usage_logs; prepare transaction 'held'});
for my $who ('idle', 'prepared')
{
	my $at = -s $node->logfile;

	sql("set deadlock_timeout = '10ms'; select rewards.post(); select * from rewards.maintain()");
	unlike(slurp_file($node->logfile, $at), qr/still waiting/, "$who: posting and maintenance wait for nobody");
	is(ahead(), 0, "$who: partitions are made later");
	$who eq 'idle' ? $open->query_safe('commit') : sql(q{commit prepared 'held'});
}
sql('select rewards.post()');
is(ahead(), 3, 'and are made when it is over');
$_->quit for $idle, $open, $long;

ok(post_all($node), 'posting comes to its end');
exact($node, 'in the end');
no_deadlock($node);
$node->stop;

done_testing();
