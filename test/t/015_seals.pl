# Seals under load: verify() beside writers, posters, an idle and a prepared
# transaction finds nothing; after a crash, in a copy, and where rows were folded
# before there were seals, all that is folded is sealed, once, and each tampering
# is found.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RewardsTest;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('main', allows_streaming => 1);
my $row = q{insert into rewards.usage_logs (user_id, provider_id, endpoint) values ('u1', 'p1', '/tts')};

# what is sealed is what is folded, number by number, and each row is marked once
my $coverage = q{
	with folded as (
		select n from rewards.cursor c, generate_series(1, c.last) n
		where not exists (select from unnest(c.open_first, c.open_last) o(first, last) where n between o.first and o.last)
	), sealed as (
		select s.source, n from rewards.seal s, unnest(s.numbers) r, generate_series(lower(r), upper(r) - 1) n
	)
	select (select count(*) from (
			(select source, n from folded, unnest('{usage_logs,journal}'::text[]) source except all table sealed)
			union all
			(table sealed except all select source, n from folded, unnest('{usage_logs,journal}'::text[]) source)) d),
		(select sum(rows) from rewards.seal where source = 'usage_logs') = (select count(*) from rewards.usage_logs u join folded f on f.n = u.id),
		(select sum(rows) from rewards.seal where source = 'journal') = (select count(*) from rewards.journal j join folded f on f.n = j.id)
};

sub sealed
{
	my ($what, $database) = @_;

	is($node->safe_psql($database || 'postgres', $coverage), '0|t|t', "$what: sealed is what is folded");
	is($node->safe_psql($database || 'postgres', 'select * from rewards.verify()'), '', "$what: verify() finds nothing");
}

# Each in a transaction that is undone; one finding, which names the row.
sub tampered
{
	my ($what, $database) = @_;

	for my $change (
		"update rewards.usage_logs set latency_ms = 7 where id = (select id from picked)",
		"delete from rewards.usage_logs where id = (select id from picked)",
		"update rewards.journal set actor = 'x' where id = (select id from entry)",
		"delete from rewards.journal where id = (select id from entry)")
	{
		my $table = $change =~ /journal/ ? 'journal' : 'usage_logs';
		my $word = $change =~ /delete/ ? 'removed' : 'changed';

		like($node->safe_psql($database || 'postgres', qq{
			begin;
			create temp table picked as select id from rewards.usage_logs where id < (select last from rewards.cursor) - 50 order by id desc limit 1;
			create temp table entry as select id from rewards.journal where id < (select last from rewards.cursor) - 50 order by id desc limit 1;
			set local session_replication_role = replica;
			$change;
			select string_agg(subject || ' ' || detail, '; ') from rewards.verify() where part = 'seal';
			rollback}), qr/^$table \d+ row was $word after [^;]*$/, "$what: a row of $table $word");
	}
}

install($node);
my $idle = $node->background_psql('postgres');
$idle->query_safe("begin; $row");
$node->safe_psql('postgres', "begin; $row; $row; prepare transaction 'held'");
my $load = load_start($node, 8, clients => 6, rate => 200);
my $posters = load_start($node, 8, clients => 2, script => 'select * from rewards.post();');
my ($looks, $findings, $end) = (0, '', time() + 7);
while (time() < $end)
{
	$idle->query_safe("savepoint s; $row; rollback to s; $row; release s") if $looks % 3 == 0;
	$findings .= $node->safe_psql('postgres', 'select * from rewards.verify()');
	$looks++;
}
load_finish($load, 'writers');
load_finish($posters, 'posters');
is($findings, '', 'beside writers and posters verify() finds nothing');
cmp_ok($looks, '>', 1, "looked $looks times");
$node->safe_psql('postgres', 'select rewards.post()');
sealed('while two are open');
tampered('while two are open');

# a copy in which nobody can bring the open numbers any more
my $dump = $node->basedir . '/copied.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, 'postgres' ], 'pg_dump');
$node->safe_psql('postgres', 'create database copied');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'copied' ], 'restore');
$node->safe_psql('copied', $row);
ok(post_all($node, 'copied'), 'the copy posts');
sealed('in the copy', 'copied');
tampered('in the copy', 'copied');
is($node->safe_psql('copied', q{
	set session_replication_role = replica;
	insert into rewards.usage_logs select n, created_at, status_code, 0, 0, null, null, user_id, provider_id, endpoint, model, character_id, usage_type, service, tier, provider_points, user_points, creator_earnings, cost, distribution
	from rewards.usage_logs u, (select min(n) as n from generate_series(1, 1000) n where not exists (select from rewards.usage_logs where id = n)) g where u.id = (select min(id) from rewards.usage_logs where endpoint = '/tts');
	select count(*), min(regexp_replace(detail, ' after.*', '')) from rewards.verify() where part = 'seal'}), '1|row was added', 'a row at a number that was gone');

# a crash in the midst of it
$idle->query_safe('rollback');
$idle->quit;
$load = load_start($node, 20, clients => 6);
$posters = load_start($node, 20, clients => 1, script => 'select * from rewards.post();');
sleep 3;
kill_server($node);
$_->{harness}->finish for $load, $posters;
start_again($node);
sealed('after a crash');
$node->safe_psql('postgres', q{commit prepared 'held'});
ok(post_all($node), 'posting comes to its end');
sealed('in the end');
tampered('in the end');

# a standby checks the same, and writes nothing down
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'select * from rewards.verify()'), '', 'verify() on a standby finds nothing');
is($standby->safe_psql('postgres', 'select count(*) from rewards.verification'),
	$node->safe_psql('postgres', 'select count(*) from rewards.verification'), 'and keeps nothing');
$standby->stop;

# rows that were folded before there were seals: as after an update
$idle = $node->background_psql('postgres');
$idle->query_safe("begin; $row");
$node->safe_psql('postgres', $row);
$node->safe_psql('postgres', 'select rewards.post()');
$node->safe_psql('postgres', q{set session_replication_role = replica; delete from rewards.seal;
	update rewards.cursor set sealed = false; update rewards.installation set installed_at = clock_timestamp()});
is($node->safe_psql('postgres', 'select * from rewards.verify()'), '', 'nothing is sealed yet, and nothing is said');
$node->safe_psql('postgres', $row);
$node->safe_psql('postgres', 'select rewards.post()');
sealed('history');
tampered('history');
$idle->query_safe('commit');
ok(post_all($node), 'posting comes to its end');
sealed('after it');
$idle->quit;
no_deadlock($node);
$node->stop;

done_testing();
