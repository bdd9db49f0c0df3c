# Detectors in a crowd: 10,000 honest accounts and 1,000 fakes among them, from a fixed
# seed.  Honest people are not all alike: influencers, teams that join at once, couples
# with one bank account, typing errors, users who never come back.  Fakes are not either:
# some have good addresses, some make requests.  What each detector flags is compared with
# who was made a fake; precision and recall are printed, by detector and in all.
#
#   REWARDS_SEED=n		another crowd (0.42)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RewardsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{REWARDS_SEED} || '0.42';
my $node = new_node('main');

sub sql { return $node->safe_psql('postgres', $_[0]) }

# ---- the crowd ----

sql(q{
	create extension rewards;
	select rewards.install();
	create table crowd (account text primary key, campaign text, owner boolean not null default false, referrer text);
	create unlogged table request (user_id text, at timestamptz);

	create function roll(most integer) returns integer language sql volatile as 'select 1 + floor(random() * most)::integer';
	create function any_of(choices text[]) returns text language sql volatile as 'select choices[roll(cardinality(choices))]';
	create function days_ago(days float8) returns timestamptz language sql stable as $$ select now() - make_interval(secs => 86400 * days) $$;
	/* of a wait with this mean, in days */
	create function wait(mean float8) returns float8 language sql volatile as 'select -ln(1 - random()) * mean';

	create function person(n integer) returns text language plpgsql as $$
	declare
		given text := any_of('{anna,ben,carla,david,elif,felix,grace,hiro,ines,jonas,kofi,lena,marta,nina,omar,paul,quynh,rosa,sven,tara,uma,viktor,wei,xenia,yusuf,zoe}');
		family text := any_of('{abel,bauer,chen,diaz,evans,fischer,garcia,hoffmann,ito,jensen,khan,lopez,meyer,nguyen,okafor,patel,quinn,rossi,schmidt,tanaka,ueda,vogel,weber,xu,young,zhang}');
	begin
		return case roll(4) when 1 then given || '.' || family || n when 2 then given || family || n when 3 then left(given, 1) || family || '.' || n else given || n || '_' || family end;
	end $$;

	create function good_email(n integer) returns text language plpgsql as $$
	declare
		who text := person(n);
	begin
		if roll(100) <= 45 then
			/* some tag what they sign up for */
			return who || case when roll(25) = 1 then any_of('{+vobee,+news,+ai,+beta}') else '' end || any_of('{@gmail.com,@gmail.com,@gmail.com,@googlemail.com,@GMail.com}');
		end if;
		return who || any_of('{@outlook.com,@yahoo.com,@gmx.de,@web.de,@proton.me,@icloud.com,@hotmail.com,@uni-ulm.de,@student.ethz.ch,@acme-tools.com,@bakery-lopez.es,@qq.com,@mail.ru,@posteo.de,@fastmail.com}');
	end $$;

	create function join_crowd(account text, email text, referrer text, at timestamptz, campaign text default null, owner boolean default false) returns void language plpgsql as $$
	begin
		perform rewards.register_account(account, 'user', email, at);
		if referrer is not null then
			perform rewards.referral_signup(rewards.referral_code(referrer), account, 'user', at);
		end if;
		insert into crowd values (account, campaign, owner, referrer);
	end $$;

	create function request(account text, since timestamptz, way text) returns void language plpgsql as $$
	declare
		at timestamptz := since + make_interval(secs => 86400 * wait(0.1));
		upto timestamptz := least(now(), since + make_interval(secs => 86400 * (5 + wait(60))));
	begin
		if way = 'tries' then
			insert into request select account, least(at + make_interval(secs => 86400 * random() * 1.3), now()) from generate_series(1, roll(5));
		elsif way = 'stays' then
			while at < upto loop
				insert into request values (account, at);
				at := at + make_interval(secs => 86400 * wait(2.5));
			end loop;
		end if;
	end $$;

	/* how somebody behaves whose inviter brings so many who never begin, or soon stop */
	create function way(silent float8, tries float8) returns text language plpgsql as $$
	declare
		x float8 := random();
	begin
		return case when x < silent then 'never' when x < silent + tries then 'tries' else 'stays' end;
	end $$;
});

# honest: who joins alone, inviters with a few friends, teams, influencers
sql(qq{
	select setseed($seed);
	do \$\$
	declare
		n integer := 0;
		inviter text;
		at timestamptz;
		post_at timestamptz;
		mean float8;
		size integer;
		silent float8;
		tries float8;
		way text;
	begin
		for i in 1 .. 14 loop
			/* an influencer's followers come after posts, one post on a stage brings many within the hour */
			n := n + 1;
			inviter := 'influencer' || n;
			at := days_ago(84 + random());
			perform join_crowd(inviter, good_email(n), null, at);
			perform request(inviter, at, 'stays');
			silent := 0.15 + random() * 0.3;
			tries := 0.15 + random() * 0.25;
			size := 50 + roll(150);
			for j in 1 .. size loop
				n := n + 1;
				if j % 40 = 1 then
					post_at := days_ago(75 * random() + 3);
					mean := case when i <= 2 and j = 1 then 0.02 else 0.3 + random() * 4 end;
				end if;
				at := least(post_at + make_interval(secs => 86400 * wait(mean)), days_ago(0.5));
				perform join_crowd('u' || n, case when roll(8) > 1 then good_email(n) end, inviter, at);
				perform request('u' || n, at, way(silent, tries));
			end loop;
		end loop;
		while n < 10000 loop
			n := n + 1;
			inviter := case when roll(3) = 1 then good_email(n) else 'u' || n end;
			at := days_ago(80 * random() + 4);
			/* ids may be e-mails themselves */
			perform join_crowd(inviter, case when inviter like '%\@%' or roll(8) = 1 then null else good_email(n) end, null, at);
			perform request(inviter, at, way(0.2, 0.25));
			silent := 0.05 + random() * 0.4;
			tries := 0.1 + random() * 0.35;
			size := case when roll(3) > 1 then 0 when roll(60) = 1 then 5 + roll(14) else floor(wait(2.2))::integer end;
			/* a team joins in an hour */
			mean := case when size > 5 and roll(4) = 1 then 0.02 else 12 end;
			for j in 1 .. least(size, 10000 - n) loop
				n := n + 1;
				perform join_crowd('u' || n, case when roll(8) > 1 then good_email(n) end, inviter,
					least(at + make_interval(secs => 86400 * wait(mean)), days_ago(0.2)));
				perform request('u' || n, least(at + make_interval(secs => 86400 * wait(mean)), days_ago(0.2)), way(silent, tries));
			end loop;
		end loop;
	end \$\$;
	/* what happens among honest people, too: typing errors, throw-away addresses, one account or address for two */
	select rewards.register_account(c.account, 'user', replace(c.account || any_of('{\@gmail,\@web..de,.\@gmx.de,\@outlook com}'), ' ', ' '))
	from (select account from crowd where account like 'u%' and referrer is not null order by md5(account) limit 4) c;
	select rewards.register_account(c.account, 'user', c.account || any_of('{\@yopmail.com,\@mailinator.com}'))
	from (select account from crowd where account like 'u%' and referrer is not null order by md5(account || 'x') limit 5) c;
	select rewards.set_payout_method(x, 'bank', jsonb_build_object('iban', 'DE' || 7000000 + n, 'holder', c.referrer))
	from (select row_number() over () as n, d.* from (select account, referrer from crowd where account like 'u%' and referrer like 'u%' order by md5(account || 'y') limit 5) d) c,
		unnest(array[c.account, c.referrer]) x;
	select rewards.register_account(c.account, 'user', c.referrer || '+' || any_of('{work,home}') || '\@gmx.de'), rewards.register_account(c.referrer, 'user', c.referrer || '\@gmx.de')
	from (select account, referrer from crowd where account like 'u%' and referrer like 'u%' order by md5(account || 'z') limit 3) c;
	/* most who are paid have an account of their own; some details tell nobody apart */
	select rewards.set_payout_method(account, 'bank', jsonb_build_object('iban', 'DE' || 8000000 + row_number() over (), 'currency', 'EUR'))
	from crowd where abs(hashtext(account)) % 20 = 1 and not exists (select from rewards.payout_method m join rewards.account a on a.id = m.account where a.name = crowd.account);
	select rewards.set_payout_method(account, 'voucher', '{"currency": "EUR"}') from crowd where abs(hashtext(account)) % 20 = 2;
});

# fakes: campaigns, each of an owner that profits and those it has made
sql(qq{
	select setseed($seed / 2);
	do \$\$
	declare
		n integer := 20000;
		campaign record;
		owner text;
		base text;
		email text;
		account text;
		since timestamptz;
		at timestamptz;
	begin
		for campaign in
			select k.*, i from (values ('plus', 10, 14, 0.5, 6.0), ('dots', 8, 12, 0.5, 6), ('disposable', 8, 14, 0.5, 8), ('invalid', 6, 12, 0.6, 8),
				('burst', 6, 29, 0.85, 0.02), ('silent', 10, 20, 0.92, 12), ('payout', 9, 9, 0.3, 10), ('scripted', 5, 13, 0.3, 4)) k(name, campaigns, size, silent, days)
			cross join lateral generate_series(1, k.campaigns) i order by k.name, i
		loop
			n := n + 1;
			since := days_ago(16 + 60 * random());
			owner := 'u' || n;
			base := person(n);
			/* an owner looks like anybody, and uses what it is after */
			perform join_crowd(owner, good_email(n), null, since, campaign.name, true);
			perform request(owner, since, 'stays');
			if campaign.name = 'payout' then
				perform rewards.set_payout_method(owner, 'bank', jsonb_build_object('iban', 'LT' || n || '0000'));
			end if;
			for j in 1 .. campaign.size loop
				n := n + 1;
				account := 'u' || n;
				email := case campaign.name
					when 'plus' then base || '+' || any_of('{a,b,test,x,vobee}') || n || case when campaign.i % 2 = 0 then '\@gmail.com' else '\@outlook.com' end
					when 'dots' then regexp_replace(overlay(replace(base, '.', '') placing '.' from 2 for 0), '(.{' || 2 + j % 5 || '})(.)', case when j % 2 = 0 then '\\1.\\2' else '\\1\\2' end) || '\@gmail.com'
					when 'disposable' then person(n) || case when roll(4) > 1 then any_of('{\@mailinator.com,\@yopmail.com,\@guerrillamail.com,\@temp-mail.org,\@x1.mailinator.com,\@10minutemail.com}') else any_of('{\@zbox-now.io,\@quickinbox.lol}') end
					when 'invalid' then case when roll(5) > 1 then any_of('{a,test,qwe,abc}') || n || any_of('{"",\@,\@x,\@gmail,\@\@gmail.com,\@gmail..com,\@-.com,\@test.invalid}') else good_email(n) end
					else good_email(n) end;
				at := least(since + make_interval(secs => 86400 * campaign.days * random()), days_ago(0.2));
				perform join_crowd(account, email, owner, at, campaign.name);
				perform request(account, at, case when random() < campaign.silent then 'never' when roll(8) = 1 and campaign.name <> 'scripted' then 'stays' else 'tries' end);
				if campaign.name = 'payout' and roll(6) > 1 then
					perform rewards.set_payout_method(account, 'bank', jsonb_build_object('iban', case when roll(3) = 1 then 'lt ' else 'LT' end || split_part(owner, 'u', 2) || '0000'));
				end if;
			end loop;
		end loop;
	end \$\$;
	insert into rewards.usage_logs (user_id, endpoint, created_at) select user_id, any_of('{/tts,/v1/embeddings,/v1/chat/completions}'), at from request order by at;
});
# most is posted, some is not yet
sql('select rewards.post((select count(*) from rewards.usage_logs) * 9 / 10)');
note(sql(q{select format('%s honest accounts, %s fakes of %s campaigns, %s requests', count(*) filter (where campaign is null), count(campaign), count(*) filter (where owner), (select count(*) from request)) from crowd}));
is(sql('select count(*) filter (where campaign is null), count(campaign) >= 1000 from crowd'), '10000|t', 'the crowd is there');

# ---- who is found ----

sql(q{select rewards.set_detector(name, '{"action": "warn"}') from rewards.detectors});
my $start = time;
my $flagged = sql(q{select done from rewards.maintain() where task = 'accounts flagged'});
note("$flagged accounts flagged in " . (time - $start) . ' s');
is(sql(q{select count(*) from rewards.detect_abuse(now() - interval '90 days')}), '0', 'another look finds nothing new');

# whom a detector is there for: those of its campaigns, of bursts and inactive ones the owner
sql(q{
	create table target as
	select t.detector, c.account from (values ('plus_address', 'plus', false), ('plus_address', 'dots', false), ('invalid_email', 'invalid', false), ('disposable_domain', 'disposable', false),
		('burst', 'burst', true), ('silent_referees', 'silent', false), ('shared_identity', 'payout', false), ('inactive_referees', 'scripted', true)) t(detector, campaign, owner)
	join crowd c on c.campaign = t.campaign and (c.owner = t.owner or t.detector in ('silent_referees', 'shared_identity'));
});
note(sql(q{
	select string_agg(format('%-18s flagged %4s  honest %3s  precision %s  of its own %3s of %3s  recall %s', f.detector, f.flagged, f.honest,
		round(1 - f.honest::numeric / f.flagged, 3), t.found, t.targets, round(t.found::numeric / t.targets, 3)), e'\n' order by f.detector)
	from (
		select f.detector, count(*) as flagged, count(*) filter (where c.campaign is null) as honest
		from rewards.abuse_flags f join crowd c using (account) group by f.detector
	) f join (
		select t.detector, count(*) as targets, count(f.account) as found
		from target t left join rewards.abuse_flags f using (detector, account) group by t.detector
	) t using (detector)}));
note(sql(q{
	select string_agg(format('%-12s %3s fakes  flagged %3s  found by flag or owner %3s', s.campaign, s.fakes, s.flagged, s.found), e'\n' order by s.campaign)
	from (
		select c.campaign, count(*) as fakes, count(*) filter (where c.account in (select account from rewards.abuse_flags)) as flagged,
			count(*) filter (where c.account in (select account from rewards.abuse_flags) or c.referrer in (select account from rewards.abuse_flags)) as found
		from crowd c where c.campaign is not null group by c.campaign) s}));
# a flag on an inviter is there to have a look at those it has brought, too
my ($precision, $recall, $found, $owners, $implied) = split /\|/, sql(q{
	with who as materialized (
		select c.campaign is not null as fake, c.owner, f.account is not null as flagged, f.account is not null or r.account is not null as found
		from crowd c left join (select distinct account from rewards.abuse_flags) f using (account)
		left join (select distinct account from rewards.abuse_flags) r on r.account = c.referrer
	)
	select round(count(*) filter (where fake and flagged)::numeric / count(*) filter (where flagged), 3), round(count(*) filter (where fake and flagged)::numeric / count(*) filter (where fake), 3),
		round(count(*) filter (where fake and found)::numeric / count(*) filter (where fake), 3), round(count(*) filter (where owner and flagged)::numeric / count(*) filter (where owner), 3),
		round(count(*) filter (where fake and found)::numeric / count(*) filter (where found), 3)
	from who});
note("in all: flagged accounts: precision $precision, recall $recall; with those whose inviter is flagged: precision $implied, recall $found; $owners of the owners are flagged");
cmp_ok($precision, '>=', 0.94, "precision $precision");
cmp_ok($recall, '>=', 0.75, "recall $recall");
cmp_ok($found, '>=', 0.95, "$found of the fakes are flagged, or brought by somebody who is");

# ---- what comes of it ----

is(sql(q{select string_agg(distinct status, ' ' order by status) from rewards.accounts}), 'active warned', 'nobody is more than warned');
is(sql(q{select count(*) from rewards.accounts a where (a.status = 'warned') <> (a.account in (select account from rewards.abuse_flags))}), '0', 'flagged accounts are warned, others are not');
is(sql('select max(n) from (select count(*) as n from rewards.account_statuses group by account) s'), '1', 'once');
is(sql('select complete from rewards.post()'), 't', 'all is posted');
is(sql('select count(*) from rewards.verify()'), '0', 'the books are right');
$node->stop;
done_testing();
