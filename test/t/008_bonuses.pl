# Writers of referred users' requests, days back and forth, signups, posters that do all
# or a little, rollbacks, and the server killed among them: in the end each bonus is there
# once and none is missing, and streaks are what the rows say, all of it by plain SQL.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RewardsTest;
use Test::More;

my $node = new_node('main');
install($node);
$node->safe_psql('postgres', q{
	select rewards.set_bonus('streak', 'user', 3, 0, 3, valid_from => '-infinity'), rewards.set_bonus('streak', 'provider', 4, 0, 3, valid_from => '-infinity'),
		rewards.set_bonus('milestone', 'user', 7, 0, 10, valid_from => '-infinity');
	select rewards.set_streak_multiplier('user', n, 1 + 0.01 * n, '-infinity') from generate_series(2, 6) n;
	select rewards.set_streak_multiplier('provider', 2, 1.02, '-infinity');
	/* half of the users have their referrer already, in chains */
	select rewards.referral_signup(case when n % 3 = 0 and n > 6 then 'r' || n - 6 else 'u1' end, 'r' || n, 'user', '2025-01-05') from generate_series(2, 300, 2) n order by n;
});

my $usage = q{
	\set u random_zipfian(1, 300, 1.05)
	\set d random_zipfian(1, 300, 1.01)
	\set s random(0, 6)
	\set n random(1, 12)
};
my $rows = q{insert into rewards.usage_logs (user_id, provider_id, endpoint, model, status_code, created_at)
	select 'r' || 1 + (:u + n * n) % 300, 'g' || (:u + n) % 25, (array['/tts', '/embeddings', '/scrape', '/v1/chat/completions', '/chat', '/v1/images', '/tts'])[1 + (:s + n) % 7],
		case when :s = 3 then 'mixtral' end, case when (:d + n) % 9 = 0 then 500 else 200 end,
		case when :s = 5 then now() else timestamptz '2025-01-01' + ((:d + 5 * n) % 300) * interval '1 day' + n * interval '1 hour' end
	from generate_series(1, :n) n};
my $write = "$usage$rows;";
my $undo = "$usage\nbegin;\n$rows;\nsavepoint s;\n$rows;\nrollback to s;\nselect * from rewards.post(30);\nrollback to s;\n\\if :s < 4\ncommit;\n\\else\nrollback;\n\\endif";
my $signup = q{
	\set u random(1, 300)
	\set v random(1, 300)
	select signup('r' || :u, 'r' || :v);};
my $uptime = q{
	\set p random(1, 20)
	\set d random(0, 40)
	\set h random(10, 24)
	select rewards.record_uptime('g' || :p, date '2025-10-20' + :d, :h * 3600);};

my @load;
sub begin_load
{
	my ($seconds) = @_;

	@load = (
		load_start($node, $seconds, clients => 6, script => $write),
		load_start($node, $seconds, clients => 2, script => $undo),
		load_start($node, $seconds, clients => 2, rate => 40, script => $signup),
		load_start($node, $seconds, clients => 1, rate => 40, script => $uptime),
		load_start($node, $seconds, clients => 2, script => 'select * from rewards.post(57);'),
		load_start($node, $seconds, clients => 1, rate => 5, script => 'select * from rewards.post();'));
}

begin_load(60);
sleep 4;
kill_server($node);
load_finish($_) for @load;
start_again($node);
begin_load(4);
load_finish($_, 'after recovery') for @load;
ok(post_all($node), 'posting comes to its end');
exact($node, 'all posted');

# what the rows say
$node->safe_psql('postgres', q{
	create schema truth;
	/* requests by account; those after the referral, for sure and perhaps */
	create table truth.request as
	select a.id as account, a.kind, u.id, u.service, u.created_at::date as day, a.referred_at <= u.created_at and a.seen_from < u.id as may_count,
		a.referred_at <= u.created_at and coalesce(a.sure_from < u.id, false) as counts
	from rewards.usage_logs u join rewards.account a on (a.kind, a.name) in (('user', u.user_id), ('provider', u.provider_id))
	where u.status_code between 200 and 299;
	/* active days with the length of the run through each, and the whole run */
	create table truth.day as
	select n.*, row_number() over w as length, min(day) over w as since, count(*) over (partition by account, run) as whole, max(day) over (partition by account, run) as upto
	from (
		select account, day, day - row_number() over (partition by account order by day)::integer as run
		from (select account, day from truth.request union select account, day from rewards.uptime where reached) d
	) n window w as (partition by account, run order by day);
	create table truth.bonus as
	select j.id, split_part(j.event, '/', 1) as event, split_part(j.cause, ' ', 1)::bigint as doer, substr(j.cause, strpos(j.cause || ' ', ' ') + 1) as detail,
		s.amount, s.account_number as account, split_part(j.event, '/', 4) as threshold
	from rewards.journal j cross join lateral rewards.shares(j.distribution) s where j.reason <> 'uptime';
	create index on truth.request (account);
	create index on truth.day (account, day);
	create index on truth.bonus (event, doer);
	analyze;
});
note($node->safe_psql('postgres', q{select format('%s rows, %s facts, %s days, %s bonuses', (select count(*) from rewards.usage_logs), (select count(*) from rewards.account_fact),
	(select count(*) from truth.day), (select count(*) from truth.bonus))}));
my %expected = (
	'exactly one signup bonus an edge' => q{
		select a.name, count(b.id) from rewards.account a
		left join truth.bonus b on b.event = 'signup' and b.doer = a.id and b.account = a.referrer and b.amount = 100
		where a.kind = 'user' and a.referrer is not null group by a.id having count(b.id) <> 1
		union all select 'of no edge', b.id from truth.bonus b where b.event = 'signup' and not exists (select from rewards.account a where a.id = b.doer and a.referrer = b.account)},
	'exactly one milestone at 50 and one at 10, none before' => q{
		select a.name, t.threshold, c.least, c.most, m.booked from rewards.account a
		cross join (values (50), (10)) t(threshold)
		cross join lateral (select count(*) filter (where r.counts) as least, count(*) filter (where r.may_count) as most from truth.request r where r.account = a.id) c
		cross join lateral (select count(*) as booked from truth.bonus b where b.event = 'milestone' and b.doer = a.id and b.threshold = t.threshold::text) m
		left join rewards.activity v on v.account = a.id
		where a.kind = 'user' and (m.booked > 1 or (m.booked = 0 and c.least >= t.threshold) or (m.booked = 1 and c.most < t.threshold)
			or m.booked <> (coalesce(v.referred, 0) >= t.threshold)::integer)},
	'milestones go to the referrer and to the account itself' => q{
		select b.* from truth.bonus b join rewards.account a on a.id = b.doer
		where b.event = 'milestone' and (b.account, b.amount) <> (case b.threshold when '50' then a.referrer else a.id end, case b.threshold when '50' then 200 else 7 end)},
	'exactly one trial bonus a user and service with points' => q{
		select doer, service, booked from (
			select r.account as doer, r.service from truth.request r where r.kind = 'user' and r.service not in ('other', 'character_chat') group by 1, 2) r
		full join (select b.doer, b.detail as service, count(*) as booked, bool_and(b.account = b.doer and b.amount = 10) as right from truth.bonus b where b.event = 'trial' group by 1, 2) b using (doer, service)
		where booked is distinct from 1 or not "right"},
	# a run may have grown together from runs of three days and more, each with its bonus
	'streak bonuses once a run' => q{
		select d.account, d.since::text, d.whole, count(b.id) from truth.day d
		left join truth.bonus b on b.event = 'streak' and b.doer = d.account and b.detail::date between d.since and d.upto
		where d.length = 1 group by 1, 2, 3 having count(b.id) < (d.whole >= 3)::integer or count(b.id) > (d.whole + 1) / 4
		union all select a.doer, a.detail, 0, 0 from truth.bonus a join truth.bonus b on b.doer = a.doer and a.event = 'streak' and b.event = 'streak' and b.id <> a.id and abs(b.detail::date - a.detail::date) < 4
		union all select b.doer, b.detail, 0, 0 from truth.bonus b where b.event = 'streak' and not exists (select from truth.day d where d.account = b.doer and d.day = b.detail::date)},
	'the facts of streaks are what the rows say' => q{
		select d.account, d.day, d.length, f.number from truth.day d
		left join lateral (
			select f.number from rewards.account_fact f where f.account = d.account and f.fact = 'streak' and f.valid_from = d.day + 1 order by f.id desc limit 1) f on true
		where d.length >= 2 and f.number is distinct from d.length
		union all
		select f.account, f.valid_from::date - 1, null, f.number from rewards.account_fact f
		where f.fact = 'streak' and not exists (select from truth.day d where d.account = f.account and d.day = f.valid_from::date - 1)},
	'where accounts stand' => q{
		select v.account, v.streak, d.whole from rewards.activity v join truth.day d on d.account = v.account and d.day = v.last_day
		where (v.streak, v.streak_since) <> (d.whole, d.since) or v.best_streak <> (select max(e.whole) from truth.day e where e.account = v.account) or d.day <> d.upto},
);
is($node->safe_psql('postgres', "select * from ($expected{$_}) d limit 10"), '', $_) for sort keys %expected;

# a load worth the name
for ([ 'signup', 160 ], [ 'milestone', 100 ], [ 'trial', 500 ], [ 'streak', 300 ])
{
	cmp_ok($node->safe_psql('postgres', "select count(*) from truth.bonus where event = '$_->[0]'"), '>', $_->[1], "bonuses for $_->[0]");
}
cmp_ok($node->safe_psql('postgres', 'select count(distinct user_points) from rewards.usage_logs'), '>', 15, 'streaks have multiplied');

# all again, from nothing: the same, and nothing more is booked
my $standing = q{select md5(string_agg(format('%s %s %s %s %s', account, streak, best_streak, streak_since, last_day), ',' order by account)) from rewards.activity};
my $before = $node->safe_psql('postgres', $standing);
my $entries = $node->safe_psql('postgres', 'select count(*) from rewards.journal');
$node->safe_psql('postgres', q{select rewards.repair('again')});
is($node->safe_psql('postgres', $standing), $before, 'repaired: streaks are as they were');
ok(post_all($node), 'posting after the repair');
is($node->safe_psql('postgres', 'select count(*) from rewards.journal'), $entries, 'and nothing is granted again');
exact($node, 'repaired');
no_deadlock($node);
$node->stop;

done_testing();
