# A random day of money: writers of usage, credits, tokens, holds, reversals, refunds,
# adjustments, payouts, prices and, later, of the credit policy itself, beside posters and
# maintenance, with the server killed twice among them.  Every call notes in a table of the
# test's own, in its own transaction, what it was told.  In the end all that was
# acknowledged is there, each thing exactly once, and every balance is the sum of its
# entries, by plain SQL over the rows.
#
#   REWARDS_OPERATIONS=n	how many calls (20000)
#   REWARDS_LONG=1			100000
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RewardsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $operations = $ENV{REWARDS_OPERATIONS} || ($ENV{REWARDS_LONG} ? 100_000 : 20_000);
my $writers = 8;
my $node = new_node('main');
install($node);

sub sql { return $node->safe_psql('postgres', $_[0]) }

# ---- what is called, and what it was told ----

sql(q{
	select rewards.register_model('owned-70b', owner => 'u5', character_id => 'owned');
	select rewards.register_account('p' || n, 'provider') from generate_series(1, 5) n;
	select rewards.register_account('u' || n) from generate_series(1, 60) n;
	select rewards.init_pricing('mainnet', valid_from => '2025-01-01');
	select rewards.set_pricing(p.key, p.price, p.unit, valid_from => '2025-01-01')
	from (values ('tts', 1, 'request'), ('embeddings', 2, '1000_tokens'), ('open_ocean_output', 0.0005, 'token'), ('character_chat', 0.25, 'request')) p(key, price, unit);
	select rewards.set_payout_method('u5', 'bank', '{}'), rewards.set_payout_method('p1', 'bank', '{}', 'provider');
	select rewards.set_setting('credit_policy', 'enforce');

	create table call (
		run integer, client integer, n integer, what text not null, outcome text not null,
		account text, reference text, amount numeric, ids bigint[] not null default '{}',
		primary key (run, client, n)
	);
	create table seen (what text, account text, unit text, amount numeric, at timestamptz default clock_timestamp());

	/* what a random request is like: the same for the same number */
	create function usage_of(a bigint, out endpoint text, out model text, out tokens integer, out status integer) language sql immutable as $$
		select (array['/tts', '/v1/embeddings', '/v1/chat/completions', '/v1/chat/completions', '/tts'])[1 + a % 5],
			case a % 5 when 2 then 'mixtral' when 3 then 'owned-7b' end, (a / 5 % 700)::integer, case a / 5 % 12 when 0 then 500 else 200 end
	$$;
	create function random_usage(a bigint) returns bigint language sql as $$
		select id from rewards.usage_logs where id >= (select max(id) from rewards.usage_logs) * (a % 1000) / 1000 order by id limit 1
	$$;

	/* a is random in a large range, b a user, c small */
	create function act(what text, a bigint, b bigint, c integer, client integer, n integer, inout told call) language plpgsql as $$
	declare
		u record;
		picked record;
		body record := usage_of(a);
	begin
		told.account := 'u' || b;
		case what
			when 'row' then
				insert into rewards.usage_logs as r (user_id, provider_id, endpoint, model, status_code, output_tokens, created_at)
				values ('u' || b, 'p' || 1 + c % 5, body.endpoint, body.model, body.status, body.tokens,
					case c % 7 when 0 then clock_timestamp() - interval '2 seconds' when 1 then clock_timestamp() + interval '1 second' else now() end)
				returning array[r.id] into told.ids;
			when 'request' then
				body := usage_of(a % 2000);
				told.account := 'u' || 1 + a % 2000 % 60;
				told.reference := 'r' || a % 2000;
				case c % 3
					when 0 then
						insert into rewards.usage_logs as r (request_id, user_id, provider_id, endpoint, model, status_code, output_tokens)
						values (told.reference, told.account, 'p1', body.endpoint, body.model, body.status, body.tokens) returning array[r.id] into told.ids;
					when 1 then
						insert into rewards.usage_logs as r (request_id, user_id, provider_id, endpoint, model, status_code, output_tokens)
						values (told.reference, told.account, 'p1', body.endpoint, body.model, body.status, body.tokens)
						on conflict do nothing returning array[r.id] into told.ids;
						told.ids := coalesce(told.ids, '{}');
					else
						told.outcome := 'tracked';
						told.ids := array[rewards.track_usage(told.reference, told.account, 'p1', body.endpoint, body.model, body.status, 0, body.tokens, null)];
				end case;
			when 'many' then
				with r as (
					insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, status_code, output_tokens)
					select case when k % 2 = 0 then concat_ws('/', 'many', client, n, k, a) end, 'u' || 1 + (b * k) % 60, 'p' || 1 + k % 5,
						x.endpoint, x.model, x.status, x.tokens
					from generate_series(1, 2 + c % 10) k cross join lateral usage_of(a + k) x order by random()
					returning id)
				select array_agg(r.id) into told.ids from r;
			when 'topup', 'tokens' then
				told.reference := what || a % 20000;
				told.account := 'u' || 1 + a % 20000 % 60;
				told.amount := 1 + a % 20000 % 17 + case what when 'topup' then 0.123456789 else 0 end;
				perform rewards.add_credits(told.account, told.amount, 'top-up', case what when 'topup' then 'credits' else 'tokens' end,
					case when c % 5 < 2 then clock_timestamp() + (0.2 + c % 30 / 10.0) * interval '1 second' end, told.reference);
			when 'hold' then
				told.reference := concat_ws('/', 'hold', client, n, a);
				told.amount := 0.5 + c % 30 / 10.0;
				perform rewards.authorize_usage(told.account, told.amount, told.reference, (array['0.3 seconds', '3 seconds', '15 minutes'])[1 + c % 3]::interval);
			when 'again', 'capture', 'release' then
				select h.request_id, t.name, h.amount into picked from rewards.hold h join rewards.account t on t.id = h.account
				where h.closed_at is null order by (h.id * (1 + a)) % 10007 limit 1;
				if picked is null then
					told.outcome := 'none';
					return;
				end if;
				told.account := picked.name;
				told.reference := picked.request_id;
				told.amount := picked.amount;
				case what
					when 'again' then
						perform rewards.authorize_usage(picked.name, picked.amount, picked.request_id);
					when 'capture' then
						insert into rewards.usage_logs as r (request_id, user_id, provider_id, endpoint, model, status_code, output_tokens)
						values (picked.request_id, picked.name, 'p1', body.endpoint, body.model, case when c % 20 = 0 then 503 else 200 end, body.tokens)
						returning array[r.id] into told.ids;
					else
						if not rewards.release_hold(picked.request_id) then
							told.outcome := 'none';
						end if;
				end case;
			when 'deduct' then
				told.reference := case when a % 3 = 0 then 'd' || a % 2000 end;
				if told.reference is not null then
					told.account := 'u' || 1 + a % 2000 % 60;
				end if;
				told.amount := 1 + a % 2000 % 3;
				select * into u from rewards.deduct_token(told.account, told.amount::integer, case a % 2000 % 4 when 0 then 'nobody' else 'owned' end, told.reference);
				told.outcome := case when u.success then 'ok' else 'refused' end;
			when 'reverse' then
				told.ids := array[random_usage(a)];
				if told.ids[1] is null then
					told.outcome := 'none';
					return;
				end if;
				perform rewards.reverse_usage(told.ids[1], 'wrong');
			when 'refund' then
				/* one that was added, mostly */
				told.reference := coalesce((
					select j.reference from rewards.journal j
					where j.id >= (select max(id) from rewards.journal) * (a % 1000) / 1000 and j.event = 'credit' and j.reference !~ '^rich'
					order by j.id limit 1), 'topup' || a);
				perform rewards.refund_credits(told.reference, 'back');
			when 'adjust' then
				told.reference := 'adjust' || a % 20000;
				told.account := case when a % 20000 % 3 = 2 then 'p1' else 'u' || 1 + a % 20000 % 60 end;
				told.amount := (a % 20000 % 11 - 5.5) / case a % 20000 % 3 when 2 then 10 else 1 end;
				perform rewards.adjust(told.account, case when told.account = 'p1' then 'provider' else 'user' end, told.amount, 'so',
					(array['credits', 'tokens', 'points'])[1 + a % 20000 % 3], told.reference);
			when 'payout' then
				told.reference := case when c % 2 = 0 then 'payout' || a end;
				told.account := (array['p1', 'p2', 'p3', 'u3', 'u5', 'u1'])[1 + a % 6];
				select case when told.account ~ 'u[35]' then 'earnings' else 'points' end as unit, case when told.account ~ 'p' then 'provider' else 'user' end as kind into picked;
				told.amount := greatest(0.000000001, round((select available from rewards.balance(told.account, picked.kind, picked.unit)) * (1 + c % 12) / 10, 9));
				told.ids := array[rewards.request_payout(told.account, picked.kind, told.amount, picked.unit, reference => told.reference)];
			when 'approve', 'complete', 'fail' then
				select p.id, p.amount, t.name into picked from rewards.payout p join rewards.account t on t.id = p.account
				where p.status in ('requested', 'approved') order by (p.id * (1 + a)) % 10007 limit 1;
				if picked is null then
					told.outcome := 'none';
					return;
				end if;
				told.account := picked.name;
				told.amount := picked.amount;
				told.ids := array[picked.id];
				case what
					when 'approve' then perform rewards.approve_payout(picked.id);
					when 'complete' then perform rewards.complete_payout(picked.id, 'transfer ' || a);
					else perform rewards.fail_payout(picked.id, 'no such account');
				end case;
			when 'price' then
				perform rewards.set_pricing('tts', 1 + c % 4 / 10.0, 'request');
			when 'policy' then
				perform rewards.set_setting('credit_policy', (array['allow', 'enforce'])[1 + c % 2]);
		end case;
	end $$;

	/* which refusals are none of a fault */
	create function may_be_refused(what text, code text) returns boolean language sql immutable as $$
		select code = any (case what
			when 'row' then '{RW007}' when 'many' then '{RW007}' when 'request' then '{RW007,23505}'
			when 'topup' then '{22023}' when 'tokens' then '{22023}'
			when 'hold' then '{RW007}' when 'again' then '{RW007,23505}' when 'capture' then '{RW007,23505}'
			when 'deduct' then '{RW007}' when 'reverse' then '{RW009}' when 'refund' then '{RW007,RW009,22023}' when 'adjust' then '{RW007}'
			when 'payout' then '{RW010}' when 'approve' then '{RW010,55000}' when 'complete' then '{55000}' when 'fail' then '{55000}' else '{}' end::text[])
	$$;

	create function op(run integer, client integer, n integer, what text, a bigint, b bigint, c integer) returns void language plpgsql as $$
	declare
		told call := row(run, client, n, what, 'ok', null, null, null, '{}');
	begin
		begin
			told := act(what, a, b, c, client, n, told);
		exception when others then
			if not may_be_refused(what, sqlstate) then
				raise;
			end if;
			told := row(run, client, n, what, sqlstate, null, null, null, '{}');
		end;
		insert into call select told.*;
	end $$;

	/* the truth about wallets, from the rows alone */
	create view wallet_truth as
	select m.account, m.unit, sum(m.amount) as amount
	from (
		select u.user_id as account, 'credits' as unit, -u.cost as amount from rewards.usage_logs u where u.cost <> 0
		union all
		select a.name, n.name, (s ->> 'amount')::numeric
		from rewards.journal j cross join lateral jsonb_array_elements(j.distribution::jsonb) s
		join rewards.account a on a.id = (s ->> 'account')::bigint join rewards.unit n on n.number = j.unit
		where j.unit >= 3
	) m group by m.account, m.unit;
	create view truth_expiry as
	select a.name as account, n.name as unit, rewards.amount_of(j.distribution) as amount
	from rewards.journal j join rewards.account a on a.id = j.account join rewards.unit n on n.number = j.unit where j.event = 'expiry';
	/* no wallet may ever have less than it may; of one that was spent from under allow holds may take more than there is */
	create table least_allowed (account text, unit text, amount numeric);
	create function look() returns void language sql as $$
		insert into seen (what, account, unit, amount)
		select 'wallet', t.account, t.unit, t.amount from wallet_truth t left join least_allowed l using (account, unit)
		where t.amount < least(0, l.amount);
		insert into seen (what, account, unit, amount)
		select 'shown', c.user_id, c.currency, c.balance from rewards.user_credits c left join least_allowed l on l.account = c.user_id and l.unit = c.currency
		where c.balance < 0 and l.amount is null;
		insert into seen (what) select 'looked';
	$$;
	select rewards.add_credits('rich' || n, 1000000, reference => 'rich' || n) from generate_series(1, 20) n;
});
sql('select rewards.post()') for 1 .. 3;

# Scripts: how often, and what.  Those without op() write without a subtransaction, or several.
my $set = q{
	\set n :n + 1
	\set a random(0, 100000000)
	\set b random_zipfian(1, 60, 1.05)
	\set c random(0, 999)
};
my %weights = (row => 120, request => 60, many => 30, topup => 70, tokens => 25, hold => 35, again => 10, capture => 30, release => 8,
	deduct => 55, reverse => 25, refund => 10, adjust => 15, payout => 15, approve => 15, complete => 10, fail => 4, price => 1);
my %scripts = map { $_ => [ $weights{$_}, "${set}select op(:run, :client_id, :n, '$_', :a, :b, :c);" ] } keys %weights;
my $rich = q{insert into rewards.usage_logs (user_id, provider_id, endpoint, model, output_tokens)
	select 'rich' || 1 + (:b + k) % :users, 'p' || 1 + k % 5, x.endpoint, x.model, x.tokens from generate_series(1, :rows) k cross join lateral usage_of(:a + k) x returning id};
my $noted = "with r as ($rich) insert into call select :run, :client_id, :n, 'plain', 'ok', null, null, null, array_agg(id) from r;\n";
(my $undone = $noted) =~ s/plain/undone/;
(my $slow = $noted) =~ s/plain/slow/;
my $lost = "with r as ($rich) select count(*) from r;\n";
$scripts{plain} = [ 25, "$set\\set rows 1 + :c % 12\n\\set users 20\n$noted" ];
$scripts{undone} = [ 12, "$set\\set rows 1\n\\set users 1\nbegin;\n${lost}savepoint s;\n${lost}rollback to s;\nrollback;\nbegin;\nsavepoint s;\n${lost}rollback to s;\n${undone}end;" ];
$scripts{slow} = [ 8, "$set\\set rows 1\n\\set users 1\nbegin;\n$slow\\sleep 20 ms\nend;" ];

# ---- the load ----

my $run = 0;
my %acknowledged;

sub begin_load
{
	my ($calls, %options) = @_;

	$run++;
	return {
		writers => load_start($node, 600, clients => $writers, transactions => int($calls / $writers) || 1,
			scripts => { %scripts, $options{policy} ? (policy => [ 2, "${set}select op(:run, :client_id, :n, 'policy', :a, :b, :c);" ]) : (),
				$options{debts} ? (topup => [ 10, $scripts{topup}[1] ]) : () },
			options => [ '-M', 'prepared', '-D', "run=$run", '-D', 'n=0', '-l', '--log-prefix', $node->basedir . "/acknowledged_$run" ]),
		others => [
			load_start($node, 600, clients => 1, rate => 15, script => 'select * from rewards.post();'),
			load_start($node, 600, clients => 1, rate => 5, script => 'select * from rewards.post(40);'),
			load_start($node, 600, clients => 1, rate => 3, script => 'select * from rewards.maintain();'),
			$options{look} ? load_start($node, 600, clients => 1, rate => 2, script => 'select look();') : () ],
	};
}

# Calls that clients were told to be done, by client.
sub read_acknowledged
{
	my %done;

	for my $file (glob($node->basedir . "/acknowledged_$run.*"))
	{
		/^(\d+) \d+ (\S+)/ && $2 ne 'failed' && $done{$1}++ for split /\n/, slurp_file($file);
	}
	$acknowledged{$run} = \%done;
}

sub finish_load
{
	my ($load, $what) = @_;

	load_finish($load->{writers}, $what);
	for (@{ $load->{others} })
	{
		# they have no end of their own
		$_->{harness}->signal('INT') if $what;
		load_finish($_);
		unlike($_->{output}, qr/aborted|ERROR/, "$what: posters and readers went on") if $what;
	}
	read_acknowledged();
}

sub wait_for_calls
{
	my ($calls) = @_;

	for (1 .. 3000)
	{
		return if sql("select count(*) >= $calls from call where run = $run") eq 't';
		sleep 0.1;
	}
	die 'the load does not come on';
}

# What wallets show is what their rows say, at any time, and verify() agrees.  Of what is
# due to expire a part may be gone or held.
sub as_rows_say
{
	my ($what) = @_;

	is(sql(q{
		select t.*, c.* from wallet_truth t full join rewards.user_credits c on (c.user_id, c.currency) = (t.account, t.unit)
		where coalesce(t.amount, 0) <> c.balance + c.held + c.expired + coalesce((select sum(s.amount) from truth_expiry s where s.account = c.user_id and s.unit = c.currency), 0) limit 10}),
		'', "$what: wallets are the sums of their rows");
	is(sql('select * from rewards.verify() limit 10'), '', "$what: verify() is clean");
}

my $begun = time;
sub lap { note(sprintf '%5.1f s: %s', time - $begun, $_[0]) }

# What was seen and may not be.  What is shown goes by the time when its transaction began,
# and a hold may end and be spent between that and the snapshot: once is none.
my $seen = q{
	select what, account, unit, amount from seen s
	where what = 'wallet' or (what = 'shown' and exists (
		select from seen t where t.what = 'shown' and (t.account, t.unit) = (s.account, s.unit) and t.at > s.at and t.at < s.at + interval '2 seconds'))
	limit 10};

# wholly under enforce: never below zero, whoever looks
my $load = begin_load(0.5 * $operations, look => 1);
wait_for_calls(0.25 * $operations);
kill_server($node);
finish_load($load);
start_again($node);
as_rows_say('killed under enforce');
lap('killed under enforce');

$load = begin_load(0.2 * $operations, look => 1);
finish_load($load, 'under enforce');
lap('under enforce');
is(sql($seen), '', 'under enforce no wallet was ever seen below zero');
cmp_ok(sql('select count(*) from seen'), '>', 0, 'somebody looked');
is(sql('select * from wallet_truth where amount < 0'), '', 'and none is below zero in the end');

# the policy changes to and fro
$load = begin_load(0.5 * $operations, policy => 1, debts => 1);
wait_for_calls(0.25 * $operations);
$node->stop('immediate');
finish_load($load);
start_again($node);
as_rows_say('stopped at once while the policy changes');
lap('stopped while the policy changes');

$load = begin_load(0.2 * $operations, policy => 1, debts => 1);
finish_load($load, 'while the policy changes');
lap('while the policy changes');

# enforce again, among writers: from when it has settled no debt grows
sql(q{select rewards.set_setting('credit_policy', 'allow')});
$load = begin_load(0.05 * $operations, debts => 1);
sleep 0.5;
sql(q{select rewards.set_setting('credit_policy', 'enforce')});
finish_load($load, 'while the policy becomes enforce');
post_all($node) for 1 .. 2;
is(sql('select sure from rewards.credit_policy()'), 't', 'the switch to enforce has settled');
# what is in a lot may expire yet
sql(q{insert into least_allowed
	select t.account, t.unit, t.amount - coalesce((
		select sum(l.remaining) from rewards.lot l join rewards.account a on a.id = l.account join rewards.unit n on n.number = l.unit
		where a.name = t.account and a.kind = 'user' and n.name = t.unit), 0)
	from wallet_truth t; truncate seen});
cmp_ok(sql('select count(*) from least_allowed where amount < 0'), '>', 0, 'there are debts');
$load = begin_load(0.1 * $operations, look => 1);
finish_load($load, 'after it has settled');
is(sql($seen), '', 'after it has settled no debt grew');
is(sql(q{select * from wallet_truth t left join least_allowed l using (account, unit) where t.amount < least(0, l.amount)}), '', 'nor in the end');
lap('after it has settled');

# ---- all is posted, expired and closed ----

sleep 4;
sql('select rewards.maintain()');
ok(post_all($node), 'posting comes to its end');
is(sql(q{select * from rewards.maintain() where task <> 'partitions made' and done <> 0}), '', 'nothing is left to be done');
as_rows_say('all posted');
lap('posted and verified');
note(sql(q{select string_agg(format('%s %s %s', what, outcome, n), ', ' order by what, outcome) from (select what, outcome, count(*) as n from call group by 1, 2) c}));

# ---- acknowledged and there ----

for my $r (sort keys %acknowledged)
{
	my %found = map { split /\|/ } split /\n/, sql("select client, count(*) from call where run = $r group by client");
	my @wrong = grep { ($found{$_} || 0) < $acknowledged{$r}{$_} || ($found{$_} || 0) > $acknowledged{$r}{$_} + 1 } keys %{ $acknowledged{$r} };

	is(join(', ', @wrong), '', "run $r: each client's calls are there, and at most one more");
	cmp_ok(scalar keys %{ $acknowledged{$r} }, '==', $writers, "run $r: of every client");
}
is(sql('select run, client from call group by run, client having count(*) <> max(n)'), '', 'no call is missing between others');
is(sql(q{select what, outcome, count(*) from call where outcome !~ '^(ok|tracked|none|refused)$' and not may_be_refused(what, outcome) group by 1, 2}), '', 'refusals are those that may be');

# ---- by plain SQL from the rows ----

sql(q{
	create schema truth;
	create table truth.share as
	select 'usage_logs' as source, u.id, null::text as event, a.id as account, s ->> 'entry' as entry,
		case s ->> 'entry' when 'creator' then 2 else 1 end as unit, (s ->> 'amount')::numeric as amount
	from rewards.usage_logs u cross join lateral jsonb_array_elements(u.distribution::jsonb) s
	join rewards.account a on case when s ->> 'account' is not null then a.id = (s ->> 'account')::bigint
		else (a.kind, a.name) = (case s ->> 'entry' when 'work' then 'provider' else 'user' end, case s ->> 'entry' when 'work' then u.provider_id else u.user_id end) end
	union all
	select 'usage_logs', u.id, null, a.id, 'cost', 3, -u.cost
	from rewards.usage_logs u join rewards.account a on a.kind = 'user' and a.name = u.user_id where u.cost <> 0
	union all
	select 'journal', j.id, j.event, (s ->> 'account')::bigint, s ->> 'entry', j.unit, (s ->> 'amount')::numeric
	from rewards.journal j cross join lateral jsonb_array_elements(j.distribution::jsonb) s;
	create table truth.sum as
	select a.kind, a.name, s.account, s.unit, sum(s.amount) as amount, coalesce(sum(s.amount) filter (where s.entry <> 'payout'), 0) as earned,
		-coalesce(sum(s.amount) filter (where s.entry = 'payout'), 0) as paid
	from truth.share s join rewards.account a on a.id = s.account group by 1, 2, 3, 4;
	create table truth.credit as
	select j.id, j.account, j.unit, j.reference, j.expires_at, sum(s.amount) as amount, coalesce(min(x.amount), 0) as expired
	from rewards.journal j join truth.share s on s.source = 'journal' and s.id = j.id
	left join (
		select x.reverses_id as id, -sum(s.amount) as amount
		from rewards.journal x join truth.share s on s.source = 'journal' and s.id = x.id
		where x.event = 'expiry' and x.reverses_source = 'journal' group by 1) x on x.id = j.id
	where j.event = 'credit' group by j.id;
	create table truth.usage_call as
	select c.what, c.outcome, i.id, c.reference from call c cross join lateral unnest(c.ids) i(id)
	where c.outcome in ('ok', 'tracked') and c.what in ('row', 'request', 'many', 'capture', 'plain', 'undone', 'slow');
	create table truth.reversed as
	select distinct j.reverses_id as id from rewards.journal j where j.event = 'reversal' and j.reverses_source = 'usage_logs';
	create table truth.request as
	select u.request_id, u.id, u.created_at from rewards.usage_logs u where u.request_id is not null and u.status_code between 200 and 299;
	create table truth.tts_price as
	select distinct price_per_unit as price, valid_from, lead(valid_from, 1, 'infinity') over (order by valid_from, recorded_at) as upto
	from rewards.pricing_history where config_key = 'tts';
	create index on truth.reversed (id);
	create index on truth.request (request_id);
	create index on truth.share (id);
	create index on truth.usage_call (id);
	analyze;
});

my %expected = (
	# balances
	'what users have is the sum of their entries' => q{
		select s.name, s.unit, s.amount, c.* from (select * from truth.sum where unit >= 3 and kind = 'user') s
		join rewards.unit n on n.number = s.unit
		full join rewards.user_credits c on c.user_id = s.name and c.currency = n.name
		where coalesce(s.amount, 0) is distinct from c.balance + c.held},
	'and what of it was added, spent and has expired' => q{
		select c.*, x.* from rewards.user_credits c cross join lateral (
			select coalesce(sum(s.amount) filter (where s.entry in ('credit', 'adjustment')), 0) as added,
				-coalesce(sum(s.amount) filter (where s.entry in ('cost', 'usage')), 0) as spent,
				-coalesce(sum(s.amount) filter (where s.entry = 'expiry'), 0) as expired
			from truth.share s join rewards.account a on a.id = s.account join rewards.unit n on n.number = s.unit
			where a.kind = 'user' and a.name = c.user_id and n.name = c.currency) x
		where (c.added, c.spent, c.expired) is distinct from (x.added, x.spent, x.expired)},
	'credits() and balance() say the same' => q{
		select c.user_id, c.currency, c.balance, c.held, rewards.credits(c.user_id, c.currency), b.* from rewards.user_credits c
		cross join lateral rewards.balance(c.user_id, 'user', c.currency) b
		where c.balance <> rewards.credits(c.user_id, c.currency) or (b.available, b.held) is distinct from (c.balance, c.held)},
	'so do the movements' => q{
		select t.user_id, t.currency, t.balance_after, s.amount
		from (select distinct on (user_id, currency) * from rewards.credit_transactions order by user_id, currency, id desc) t
		join rewards.unit n on n.name = t.currency
		join truth.sum s on s.kind = 'user' and s.name = t.user_id and s.unit = n.number where t.balance_after <> s.amount},
	'wallets hold the sums of what comes through them' => q{
		select w.*, s.amount from rewards.wallet w left join truth.sum s on s.account = w.account and s.unit = w.unit
		where w.balance <> coalesce(s.amount, 0) and (w.unit > 3 or (w.unit = 3 and w.anchor = (select rule from rewards.credit_policy())))},
	'points and earnings available are those earned less paid and held' => q{
		select s.*, b.* from truth.sum s join rewards.unit n on n.number = s.unit cross join lateral rewards.balance(s.name, s.kind, n.name) b
		where s.unit < 3 and (b.earned - b.reversed, b.paid_out, b.available) is distinct from (s.earned, s.paid, s.amount - b.held)
			or s.unit < 3 and b.held <> coalesce((select sum(p.amount) from rewards.payout p where p.account = s.account and p.unit = s.unit and p.status in ('requested', 'approved')), 0)},
	'points by month add up to them' => q{
		select s.kind, s.name, s.earned, p.points from (select * from truth.sum where unit = 1) s
		full join (select 'user' as kind, user_id as name, sum(total_points) as points from rewards.user_points group by 2
			union all select 'provider', provider_id, sum(total_points) from rewards.provider_rewards group by 2) p using (kind, name)
		where coalesce(s.earned, 0) <> coalesce(p.points, 0)},
	'creators have what their models earned' => q{
		select s.name, s.earned, e.amount from (select * from truth.sum where unit = 2) s
		full join (select creator_id as name, sum(total_earnings) as amount from rewards.model_creator_earnings group by 1) e using (name)
		where coalesce(s.earned, 0) <> coalesce(e.amount, 0)},
	'requests count once, reversed ones not' => q{
		select coalesce(user_id, x.name), requests, n from (select user_id, sum(requests) as requests from rewards.user_points group by 1) p
		full join (select u.user_id as name, count(*) as n from rewards.usage_logs u where u.status_code between 200 and 299
			and u.id not in (select id from truth.reversed) group by 1) x on x.name = p.user_id
		where coalesce(requests, 0) <> coalesce(n, 0)},
	# nothing lost, nothing twice: the calls against the rows
	'each row was told to one call, and each told row is there' => q{
		select u.id, 'of no call' from rewards.usage_logs u where u.endpoint <> '/chat' and not exists (select from truth.usage_call c where c.id = u.id)
		union all select c.id, 'not there' from truth.usage_call c where not exists (select from rewards.usage_logs u where u.id = c.id)
		union all select c.id, 'of several calls' from truth.usage_call c where c.outcome <> 'tracked' group by c.id having count(*) > 1},
	'each request succeeded once' => q{
		select request_id, count(*) from rewards.usage_logs where request_id is not null and status_code between 200 and 299 group by 1 having count(*) > 1
		union all
		select distinct c.reference, 0 from truth.usage_call c join rewards.usage_logs u on u.id = c.id where c.what = 'request' and u.request_id is distinct from c.reference},
	'each reference was added once, as it was asked for' => q{
		select * from (select reference, account as name, amount from call where what in ('topup', 'tokens') and outcome = 'ok' group by 1, 2, 3) c
		full join (select e.reference, a.name, e.amount, e.unit, count(*) over (partition by e.reference) as times from truth.credit e
			join rewards.account a on a.id = e.account where e.reference !~ '^rich') e using (reference)
		where c.name is distinct from e.name or c.amount is distinct from e.amount or times <> 1 or unit <> case when reference ~ 'tokens' then 4 else 3 end},
	'each adjustment was made once, as it was asked for' => q{
		select * from (select reference, account as name, amount from call where what = 'adjust' and outcome = 'ok' group by 1, 2, 3) c
		full join (select j.reference, a.name, s.amount, count(*) over (partition by j.reference) as times from rewards.journal j
			join truth.share s on s.source = 'journal' and s.id = j.id join rewards.account a on a.id = j.account where j.event = 'adjust') e using (reference)
		where c.name is distinct from e.name or c.amount is distinct from e.amount or times <> 1},
	'each refund was made once' => q{
		select * from (select reference, count(*) as told from call where what = 'refund' and outcome = 'ok' group by 1) c
		full join (select e.reference, count(*) as booked, bool_and(s.amount = e.expired - e.amount) as whole from rewards.journal j
			join truth.credit e on e.id = j.reverses_id join truth.share s on s.source = 'journal' and s.id = j.id
			where j.event = 'reversal' and j.reverses_source = 'journal' group by 1) e using (reference)
		where told is distinct from 1 or booked is distinct from 1 or not whole},
	'each row was reversed once, wholly' => q{
		select coalesce(c.id, j.id), told, units from (select ids[1] as id, count(*) as told from call where what = 'reverse' and outcome = 'ok' group by 1) c
		full join (select reverses_id as id, count(*) filter (where unit = 1) as units from rewards.journal
			where event = 'reversal' and reverses_source = 'usage_logs' group by 1) j using (id)
		where told is distinct from 1 or units is distinct from 1
		union all
		select * from (
			select r.id, s.account, sum(s.amount) from (
				select id, id as entry from truth.reversed
				union all
				select r.id, j.id from truth.reversed r join rewards.journal j on j.reverses_source = 'usage_logs' and j.reverses_id = r.id) r
			join truth.share s on s.id = r.entry
			group by r.id, s.account, s.unit having sum(s.amount) <> 0) x},
	'tokens were taken once for each chat' => q{
		select c.reference, c.told, d.n from (select reference, max(amount) as told from call where what = 'deduct' and outcome = 'ok' and reference is not null group by 1) c
		full join (select u.request_id as reference, count(*) as n, -min(s.amount) as amount from rewards.usage_logs u
			join rewards.journal j on j.event = 'deduct' and j.reverses_source = 'usage_logs' and j.reverses_id = u.id
			join truth.share s on s.source = 'journal' and s.id = j.id where u.endpoint = '/chat' and u.request_id is not null group by 1) d using (reference)
		where n is distinct from 1 or told is distinct from d.amount
		union all
		select 'without a reference', a, b from (select count(*) as a, sum(amount) from call where what = 'deduct' and outcome = 'ok' and reference is null) c(a, sa),
			(select count(*) as b, -sum(s.amount) from rewards.usage_logs u join rewards.journal j on j.event = 'deduct' and j.reverses_source = 'usage_logs' and j.reverses_id = u.id
			join truth.share s on s.source = 'journal' and s.id = j.id where u.endpoint = '/chat' and u.request_id is null) d(b, sb) where (a, sa) is distinct from (b, sb)
		union all
		select 'chats without', 0, count(*) from rewards.usage_logs u where u.endpoint = '/chat' and not exists (
			select from rewards.journal j where j.event = 'deduct' and j.reverses_id = u.id) having count(*) > 0},
	'each hold was told, and ended as told' => q{
		select * from (select reference, count(*) as told, bool_or(what = 'hold') as begun from call where what in ('hold', 'again') and outcome = 'ok' group by 1) c
		full join (select request_id as reference, count(*) as n, count(*) filter (where closed_at is null) as open, count(*) filter (where outcome = 'released') as released from rewards.hold group by 1) h using (reference)
		left join (select reference, count(*) as told_released from call where what = 'release' and outcome = 'ok' group by 1) r using (reference)
		where n is null or told is null or n > told or not begun or open > 1 or released <> coalesce(told_released, 0)},
	'a hold that its row captured says so' => q{
		select h.*, u.id from rewards.hold h left join truth.request u on u.request_id = h.request_id and u.id > h.seen_from
		where case h.outcome when 'captured' then h.usage_id is distinct from u.id else h.usage_id is not null end},
	# lots
	'no lot has more left, or has lost more, than it brought' => q{
		select e.*, l.remaining from truth.credit e left join rewards.lot l on l.id = e.id
		where e.expired < 0 or e.expired > e.amount or coalesce(l.remaining, 0) not between 0 and e.amount - e.expired or (e.expires_at is null and (e.expired <> 0 or l.id is not null))},
	'nothing expired before its time' => q{
		select j.id from rewards.journal j join truth.credit e on e.id = j.reverses_id where j.event = 'expiry' and (j.recorded_at < e.expires_at or j.created_at <> e.expires_at)},
	# all of them have expired by now
	'what is left of lots is what holds keep' => q{
		select l.account, l.unit, l.remaining, h.held from (select account, unit, sum(remaining) as remaining from rewards.lot group by 1, 2) l
		cross join lateral (
			select coalesce(sum(h.amount), 0) as held from rewards.hold h
			where l.unit = 3 and h.account = l.account and h.closed_at is null and h.request_id not in (select request_id from truth.request)) h
		where l.remaining > h.held},
	# payouts
	'each completed payout has one entry, others none' => q{
		select p.id, p.status, e.n, e.amount from rewards.payout p
		left join (select j.cause::bigint as id, j.account, j.unit, count(*) as n, -sum(s.amount) as amount from rewards.journal j
			join truth.share s on s.source = 'journal' and s.id = j.id where j.event = 'payout' group by 1, 2, 3) e on e.id = p.id
		where case p.status when 'completed' then (e.n, e.amount, e.account, e.unit) is distinct from (1::bigint, p.amount, p.account, p.unit) else e.id is not null end},
	'payouts are those asked for, and stand where they were told' => q{
		select coalesce(c.id, p.id), c.*, p.status from (
			select ids[1] as id, bool_or(what = 'payout') as asked, count(*) filter (where what = 'approve') as approved,
				count(*) filter (where what = 'complete') as completed, count(*) filter (where what = 'fail') as failed
			from call where what in ('payout', 'approve', 'complete', 'fail') and outcome = 'ok' group by 1) c
		full join rewards.payout p on p.id = c.id
		where c.id is null or p.id is null or not c.asked or approved > 1
			or p.status <> case when completed = 1 and failed = 0 and approved = 1 then 'completed' when failed = 1 and completed = 0 then 'failed'
				when completed + failed > 0 then 'both' when approved = 1 then 'approved' else 'requested' end},
	'nobody was paid more than was earned by then' => q{
		select p.* from (
			select s.account, s.unit, s.id, -sum(s.amount) over (partition by s.account, s.unit order by s.id) as paid
			from truth.share s where s.entry = 'payout') p
		where p.paid > (select sum(s.amount) from truth.share s where s.account = p.account and s.unit = p.unit and s.id < p.id and s.amount > 0)},
	# prices
	'a request cost what was its price then, or just before' => q{
		select u.id, u.created_at, u.cost from rewards.usage_logs u
		where u.service = 'tts' and u.status_code = 200 and not exists (
			select from truth.tts_price h
			where h.price = u.cost and h.valid_from <= u.created_at + interval '1 second' and h.upto > u.created_at - interval '5 seconds')},
	'chats and embeddings cost what they should' => q{
		select u.id, u.service, u.cost from rewards.usage_logs u
		where u.cost <> case when u.status_code <> 200 then 0 when u.service = 'embeddings' then round(u.output_tokens * 2 / 1000.0, 9)
			when u.service = 'character_chat' then 0.25 when u.service = 'chat' and u.model = 'mixtral' then round(u.output_tokens * 0.0005, 9)
			when u.service = 'chat' then round(u.output_tokens * 0.0012 / 1000.0, 9) else u.cost end},
	# the whole, from the calls and the costs alone
	'all credits: what came in less what went out' => q{
		select * from (
			select coalesce(sum(amount), 0) - (select coalesce(sum(u.cost), 0) from rewards.usage_logs u where u.id not in (
				select ids[1] from call where what = 'reverse' and outcome = 'ok')) as due from (
				select distinct reference, amount from call where what = 'topup' and outcome = 'ok'
				union all select distinct reference, amount from call where what = 'adjust' and outcome = 'ok' and substr(reference, 7)::bigint % 3 = 0
				union all select 'rich', 20000000
				union all select reference, -expired from truth.credit where unit = 3
				union all select e.reference, e.expired - e.amount from truth.credit e join call c on c.what = 'refund' and c.outcome = 'ok' and c.reference = e.reference where e.unit = 3) m) d
		where due <> (select sum(amount) from truth.sum where unit = 3)},
);
for my $what (sort keys %expected)
{
	is(sql("select * from ($expected{$what}) d limit 5"), '', $what);
}
lap('checked');

# a load worth the name
my %told = map { split /\|/ } split /\n/, sql(q{select what, count(*) from call where outcome in ('ok', 'tracked') group by 1});
cmp_ok($told{$_} || 0, '>=', $weights{$_} * $operations / 20000, "calls of $_") for grep { $_ ne 'price' } sort keys %weights;
cmp_ok($told{$_} || 0, '>', 0, "calls of $_") for qw(price policy plain undone slow);
cmp_ok(sql("select count(*) from rewards.journal where event = 'expiry'"), '>', 100, 'credits have expired');

no_deadlock($node);
$node->stop;

done_testing();
