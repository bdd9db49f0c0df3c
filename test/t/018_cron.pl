# pg_cron in place of the worker: the jobs that docs/worker.md shows do what it does.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use RewardsTest;
use Test::More;

chomp(my $share = `pg_config --sharedir`);
plan skip_all => 'no pg_cron' unless -e "$share/extension/pg_cron.control";

# jobs run in background workers, so nobody has to be let in by pg_hba.conf
my $node = new_node('main', workers => 6);
$node->append_conf('postgresql.conf', q{
	shared_preload_libraries = 'pg_cron'
	cron.database_name = 'postgres'
	cron.use_background_workers = on
});
$node->restart;
install($node);
$node->safe_psql('postgres', q{
	select rewards.stop_worker();
	create extension pg_cron;
	select cron.schedule('rewards post', '* * * * *', 'select * from rewards.post()');
	select cron.schedule('rewards maintain', '* * * * *', 'select * from rewards.maintain()');
});
load_finish(load_start($node, 2, clients => 4, rate => 300), 'a load');
is($node->safe_psql('postgres', 'select backlog > 100, worker from rewards.status'), 't|stopped', 'no worker posts');
ok($node->poll_query_until('postgres', 'select backlog = 0 from rewards.status'), 'pg_cron does');
exact($node, 'posted by pg_cron');
ok($node->poll_query_until('postgres', q{
	select count(distinct jobname) = 2 from cron.job join cron.job_run_details using (jobid) where status = 'succeeded'}), 'both jobs succeed');
is($node->safe_psql('postgres', q{select distinct status, return_message from cron.job_run_details where status = 'failed'}), '', 'none fails');

# a worker beside it does no harm
$node->safe_psql('postgres', 'select rewards.start_worker()');
load_finish(load_start($node, 2, clients => 4, rate => 300), 'a load for both');
ok($node->poll_query_until('postgres', 'select backlog = 0 from rewards.status'), 'the worker posts beside it');
exact($node, 'posted by both');
no_deadlock($node);
$node->stop;

done_testing();
