# Mailers take messages while new ones come in, and one of them is killed with its hands
# full: every message is delivered, none is with two mailers at once, and what a dead
# mailer had comes again when its lease is over. Who listens is woken by posting alone,
# once a posting that found new messages, never by what made them.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RewardsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $referees = 1500;
my $told = 400;
my $lease = 5;
my $node = new_node('main');
sub sql { return $node->safe_psql('postgres', $_[0]) }

sql('create extension rewards; select rewards.install()');
sql('alter system set restart_after_crash = on');
sql('select pg_reload_conf()');
sql(q{
	select rewards.referral_code('ann', 'user', 'by-ann'), rewards.referral_code('ben', 'user', 'by-ben');
	create schema mailer;
	/* what mailers were given and have sent, by their own account and clock */
	create table mailer.taken (mailer text, id bigint, event text, account text, at timestamptz default clock_timestamp(), until timestamptz);
	create table mailer.sent (mailer text, id bigint, at timestamptz default clock_timestamp());

	/* a mailer: takes some, sends them one after the other, says so; each a transaction of its own.
	   slow: it dawdles, but for well less than its lease */
	create procedure mailer.run(who text, batch integer, lease interval, slow double precision, upto timestamptz) language plpgsql as $$
	declare
		mine bigint[];
		mail bigint;
	begin
		while clock_timestamp() < upto loop
			with t as (
				insert into mailer.taken (mailer, id, event, account, until)
				select who, n.id, n.event, n.account, null from rewards.take_notifications(batch, lease) n returning id
			)
			select array_agg(t.id) into mine from t;
			/* as the outbox has it, which is from when on it may come again */
			update mailer.taken t set until = n.taken_until from rewards.notifications n where t.mailer = who and t.until is null and n.id = t.id;
			commit;
			if mine is null then
				perform pg_sleep(0.05);
				continue;
			end if;
			foreach mail in array mine loop
				perform pg_sleep(slow * random());
				insert into mailer.sent (mailer, id) values (who, mail);
				commit;
			end loop;
			perform rewards.notification_done(mine);
			commit;
		end loop;
	end $$;
});

# ---- who is woken, and by what ----

my $listener = $node->background_psql('postgres');
$listener->query_safe('listen rewards');
# notifications that have come in since the last time
sub woken
{
	sleep 0.2;
	my $out = $listener->query('select 1');
	return scalar(() = $out =~ /Asynchronous notification "rewards"/g);
}

sql(q{select rewards.referral_signup('by-ann', 'first')});
is(woken(), 0, 'a signup wakes nobody');
sql('select rewards.post()');
is(woken(), 1, 'the posting after it does, once');
sql('select rewards.post()') for 1 .. 2;
is(woken(), 0, 'postings without new messages do not');
sql(q{insert into rewards.usage_logs (user_id, endpoint) values ('first', '/tts')});
sql('select rewards.post()');
is(woken(), 0, 'nor one that folds rows and finds nothing to tell');
sql(qq{select rewards.referral_signup('by-ann', 'many' || n) from generate_series(1, 50) n; select rewards.set_status('ben', 'user', 'warned', 'test')});
is(woken(), 0, 'fifty signups and a warning wake nobody');
sql('select rewards.post()');
is(woken(), 1, 'one posting wakes once for all of them');
$node->psql('postgres', q{begin; select rewards.referral_signup('by-ann', 'undone'); select rewards.post(); rollback});
is(woken(), 0, 'what is rolled back wakes nobody');
sql(q{begin; select rewards.referral_signup('by-ann', 'both'); select rewards.post(); commit});
is(woken(), 1, 'a signup that posts in its own transaction wakes once');
sql('select rewards.take_notifications(20); select rewards.notification_done(array(select id from rewards.notifications limit 10))');
sql('select rewards.post()');
is(woken(), 0, 'taking and delivering wake nobody');
sql('select rewards.notification_done(array(select id from rewards.notifications))');
my $before = sql('select max(id) from rewards.notifications');
$listener->quit;

# ---- mailers ----

my %mailer;
sub start_mailer
{
	my ($who, $batch, $slow) = @_;
	my %run = (output => '');

	# its backend notices when it is dead
	$run{harness} = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres') . " application_name=$who options='-c client_connection_check_interval=100ms'",
			'-c', "call mailer.run('$who', $batch, '$lease seconds', $slow, clock_timestamp() + interval '120 seconds')" ],
		'<', \undef, '>', \$run{output}, '2>', \$run{output}, IPC::Run::timeout(180));
	$mailer{$who} = \%run;
}
sub backend { return sql("select pid from pg_stat_activity where application_name = '$_[0]'") }

# what is there, and what comes in meanwhile: signups that tell a referrer, warnings that tell an account
sql(q{select rewards.referral_signup('by-ben', 'early' || n) from generate_series(1, 600) n});
# two that will die with most of a batch in their hands, and two others beside them
start_mailer($_, 200, 0.02) for qw(killed_process killed_backend);
start_mailer('one', 7, 0.002);
start_mailer('two', 25, 0.004);
my $signups = load_start($node, 60, clients => 2, transactions => $referees / 2, rate => 150, options => [ '-D', 'n=0' ],
	script => "\\set n :n + 1\nselect rewards.referral_signup(case when :n % 2 = 0 then 'by-ann' else 'by-ben' end, 'r' || :client_id || '/' || :n);");
my $warnings = load_start($node, 60, clients => 1, transactions => $told, rate => 40, options => [ '-D', 'n=0' ],
	script => "\\set n :n + 1\nselect rewards.set_status('w' || :n, 'user', 'warned', 'test');");
my $poster = load_start($node, 10, clients => 1, rate => 20, script => 'select * from rewards.post();');
sub has_sent
{
	my ($who) = @_;
	my $sent;

	for (1 .. 200)
	{
		$sent = sql("select count(*) from mailer.sent where mailer = '$who'");
		last if $sent > 20;
		sleep 0.05;
	}
	cmp_ok($sent, '>', 20, "$who sends");
}
has_sent($_) for qw(one two);

# each is killed while it has messages it has not sent
for my $who ('killed_process', 'killed_backend')
{
	my $held = 0;
	for my $try (1 .. 200)
	{
		# where all before is sent already, as on a slow machine, there is more
		sql(qq{select rewards.referral_signup('by-ben', '$who$try-' || n) from generate_series(1, 300) n}) if $try % 20 == 0;
		$held = sql(qq{select count(*) from rewards.notifications n join mailer.taken t on t.id = n.id
			where t.mailer = '$who' and n.delivered_at is null and n.taken_until = t.until and n.taken_until > clock_timestamp() + interval '1 second'
				and not exists (select from mailer.sent s where s.id = n.id)});
		last if $held > 20;
		sleep 0.05;
	}
	cmp_ok($held, '>', 20, "$who has messages in hand");
	my $pid = backend($who);
	if ($who eq 'killed_process')
	{
		$mailer{$who}{harness}->kill_kill;
	}
	else
	{
		# it takes the whole server with it, which comes up again
		kill 9, $pid;
	}
}
load_finish($_) for $signups, $warnings, $poster;
for (1 .. 200)
{
	last if $node->psql('postgres', 'select 1') == 0;
	sleep 0.1;
}
$mailer{$_}{harness}->finish for qw(one two killed_backend);
like(slurp_file($node->logfile), qr/terminated by signal 9/, 'a backend was killed');

# what was still to come in, and two mailers again
my $in = sql(q{select count(*) from rewards.referral_relationships where referee like 'r%'});
sql(qq{select count(rewards.referral_signup('by-ann', 'late' || n)) from generate_series(1, greatest(0, $referees - $in)) n});
sql('select rewards.post()');
my $undelivered = 'select count(*) from rewards.notifications where delivered_at is null';
cmp_ok(sql($undelivered), '>', 0, 'messages wait');
start_mailer('three', 9, 0.002);
start_mailer('four', 40, 0.002);
has_sent($_) for qw(three four);
for (1 .. 900)
{
	last if sql($undelivered) == 0;
	sleep 0.1;
}
for my $who ('three', 'four')
{
	sql(q{select pg_terminate_backend(pid) from pg_stat_activity where application_name = '} . $who . q{'});
	$mailer{$who}{harness}->finish;
}

# ---- what has come of it ----

cmp_ok(sql('select count(*) from rewards.notifications'), '>=', $referees, 'messages enough');
is(sql($undelivered), 0, 'all are marked as delivered');
is(sql('select count(*) from rewards.notifications where taken_until is not null'), 0, 'and with nobody any more');
is(sql(qq{select n.id, n.event, n.account from rewards.notifications n where n.id > $before and not exists (select from mailer.sent s where s.id = n.id) limit 5}), '', 'each was sent');
is(sql(q{select event, account, payload ->> 'account', count(*) from rewards.notifications where event = 'code_used' group by 1, 2, 3 having count(*) > 1 limit 5}), '', 'each was made once');
is(sql(q{select r.referee from rewards.referral_relationships r where not exists (
	select from rewards.notifications n where n.event = 'code_used' and n.account = r.referrer and n.payload ->> 'account' = r.referee) limit 5}), '', 'each signup told the referrer');
is(sql(q{select a.mailer, b.mailer, a.id, a.until, b.at from mailer.taken a join mailer.taken b on b.id = a.id and b.ctid <> a.ctid and b.at >= a.at
	where b.at < a.until limit 5}), '', 'none was with two mailers within its lease');
is(sql(q{select s.* from mailer.sent s where not exists (select from mailer.taken t where t.mailer = s.mailer and t.id = s.id and s.at >= t.at) limit 5}), '', 'and by whom it was with');
is(sql(qq{select id from mailer.taken where until is null or until > at + interval '$lease seconds' limit 5}), '', 'each lease is as long as was asked for');
is(sql(q{select mailer from (values ('killed_backend'), ('killed_process')) k(mailer) where not exists (
	select from mailer.taken t join mailer.taken again on again.id = t.id and again.at >= t.until and again.mailer <> t.mailer where t.mailer = k.mailer)}), '',
	'what the dead had came again, after the lease');

no_deadlock($node);
$node->stop;

done_testing();
