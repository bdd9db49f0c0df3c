-- Q1, Q2: the scores of twenty histories of referrals, computed by hand as fractions: recency_v1,
-- the four factors with the same weight, and with others. A factor that nobody can tell yet has none.
\set VERBOSITY terse
set datestyle to iso;
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install('vobee') is not null as installed;
-- of each referee: joined so many days ago, the days ago of its requests, ! when somebody said that it is onboarded
create temp table history(name text, referees text);
insert into history values
('h01', '0: 0: 0: 0: 0:'),
('h02', '0:0 0:0 0:0 0:0 0:0'),
('h03', '2:0,1,2 2:0,1,2 2:0,1,2 2:0,1,2 2:0,1,2'),
('h04', '5: 5: 5: 5: 5:'),
('h05', '0: 3: 6: 8: 10:'),
('h06', '0:0 1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8 9:9'),
('h07', '29: 29: 29: 29: 29:'),
('h08', '30: 30: 30: 30: 30:'),
('h09', '90: 90: 90: 90: 90: 90: 90: 90:'),
('h10', '90:90 90:90 90:90 90:90 90:90 90:90 90:90 90:90'),
('h11', '90:90,89 90:90,89 90:90,89 90:90,89 90:90,89 90:90,89'),
('h12', '90:90,60,30 90:90,60,30 90:90,60,30 90:90,60,30 90:90,60,30 90:90,60,30'),
('h13', '40:10 40:10 40:10 40:10 40:10'),
('h14', '40:11 40:11 40:11 40:11 40:11'),
('h15', '90:90,60,30 90:90,60,30 90:90,60,30 90:90,60,30 90:90,60,30 90: 90: 90: 90: 90:'),
('h16', '90:90,60,30 90:90,60,30 90:90,60,30 1:1,0 1:1,0 1:1,0'),
('h17', '10:! 10:! 10:! 10:! 10:!'),
('h18', '15:15,14,13 15: 15: 15: 15: 15: 15: 15: 15: 15: 15: 15: 15: 15: 15: 15: 15: 15: 15: 15:'),
('h19', '0:0 0:0 0:0 0:0'),
('h20', '20:20,19,18,17,16,15,14 20:20,19,18,17,16,15,14 20:20,19,18,17,16,15,14 20:20,19,18,17,16,15,14 20:20,19,18,17,16,15,14');
-- what is to come out: referees, recency_v1, evenly weighted, weighted 1/2, 1, 2, 0
create temp table due(name text, referees bigint, recency_v1 numeric, weighted numeric, weighted_otherwise numeric);
insert into due values
('h01', 5, 1, 0.333333333, 0.333333333)  /* five of today, silent */,
('h02', 5, 1, 0.777777778, 0.555555556)  /* five of today, each with a request */,
('h03', 5, 0.933333333, 0.977777778, 0.977777778)  /* five of today, at once on three days */,
('h04', 5, 0.833333333, 0.277777778, 0.277777778)  /* five of five days ago, silent */,
('h05', 5, 0.82, 0.273333333, 0.273333333)  /* the sample: five, 27 days together */,
('h06', 10, 0.85, 0.727777778, 0.505555556)  /* one a day for ten days, each with a request */,
('h07', 5, 0.033333333, 0.011111111, 0.011111111)  /* all of 29 days ago */,
('h08', 5, 0, 0, 0)  /* all of 30 days ago: none is recent */,
('h09', 8, 0, 0, 0)  /* old and gone */,
('h10', 8, 0, 0.333333333, 0.095238095)  /* old, tried it once */,
('h11', 6, 0, 0.416666667, 0.19047619)  /* old, tried it for two days */,
('h12', 6, 0, 0.75, 0.857142857)  /* old and faithful */,
('h13', 5, 0, 0.583333333, 0.666666667)  /* old, came back on the thirtieth day */,
('h14', 5, 0, 0.333333333, 0.095238095)  /* old, came back on the twenty-ninth */,
('h15', 10, 0, 0.375, 0.428571429)  /* half and half */,
('h16', 6, 0.966666667, 0.95, 0.947619048)  /* old and new */,
('h17', 5, 0.666666667, 0.555555556, 0.222222222)  /* onboarded by word only */,
('h18', 20, 0.5, 0.2, 0.2)  /* one good one among twenty */,
('h19', 4, 1, null, null)  /* four are too few */,
('h20', 5, 0.333333333, 0.777777778, 0.777777778)  /* very active ones count no more than three days */;
begin;
create temp table referee as
select h.name as referrer, h.name || '/' || r.n as name, split_part(rtrim(r.spec, '!'), ':', 1)::integer as joined,
	nullif(split_part(rtrim(r.spec, '!'), ':', 2), '') as requests, r.spec like '%!' as by_word
from history h cross join lateral unnest(string_to_array(h.referees, ' ')) with ordinality r(spec, n);
select count(rewards.referral_code(name, custom => name)) from history;
select count(rewards.referral_signup(referrer, name, at => now() - make_interval(days => joined))) from referee;
insert into rewards.usage_logs (user_id, endpoint, created_at)
select r.name, '/v1/chat', now() - make_interval(days => d.ago::integer) from referee r cross join lateral unnest(string_to_array(r.requests, ',')) d(ago);
select count(rewards.complete_onboarding(name)) from referee where by_word;
commit;
select complete from rewards.post();
select rewards.set_setting('quality_method', 'recency_v1') is not null;
select d.name, q.referred_count, q.quality_score, d.recency_v1 from due d cross join lateral rewards.referral_quality(d.name) q
where (q.referred_count, q.quality_score) is distinct from (d.referees, d.recency_v1);
select rewards.set_setting('quality_method', 'weighted') is not null;
select d.name, q.referred_count, q.quality_score, d.weighted from due d cross join lateral rewards.referral_quality(d.name) q
where (q.referred_count, q.quality_score) is distinct from (d.referees, d.weighted);
select d.name, q.quality_score from due d cross join lateral rewards.referral_quality(d.name) q order by d.name;
select rewards.set_quality('{"recency": 0.5, "activity": 1, "retention": 2}') is not null;
select d.name, q.quality_score, d.weighted_otherwise from due d cross join lateral rewards.referral_quality(d.name) q
where q.quality_score is distinct from d.weighted_otherwise;
-- fewer will do
select rewards.set_quality(null, 4) is not null;
select quality_score from rewards.referral_quality('h19');
-- the rule ended, all is as before
select rewards.set_quality(null) is not null;
select count(*) as differing from due d cross join lateral rewards.referral_quality(d.name) q where q.quality_score is distinct from d.weighted;
-- recorded by maintain(), the same
select done as scores from rewards.maintain() where task = 'quality scores changed';
select count(*) as recorded, count(*) filter (where s.score = d.weighted) as equal from rewards.quality_score s join rewards.account a on a.id = s.account join due d on d.name = a.name;

