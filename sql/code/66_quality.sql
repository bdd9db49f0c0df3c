/*
 * Referral quality: a score from 0 to 1 for who has referred others, by the referees'
 * activity as far as it is posted; what follows from it, its history, the monthly report.
 */

/* ---- rules ---- */

create function rewards.set_quality(weights jsonb, min_sample integer default null,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	weight record;
	total numeric := 0;
begin
	perform rewards.require_installed();
	if weights is not null then
		if jsonb_typeof(weights) <> 'object' then
			raise exception 'weights must be an object'
				using errcode = 'invalid_parameter_value', hint = 'As in {"recency": 0.25, "activity": 0.25, "retention": 0.25, "conversion": 0.25}.';
		end if;
		for weight in select w.key, w.value from jsonb_each(weights) w loop
			if weight.key not in ('recency', 'activity', 'retention', 'conversion') or jsonb_typeof(weight.value) <> 'number' then
				raise exception 'invalid weight "%"', weight.key
					using errcode = 'invalid_parameter_value', hint = 'Weights are numbers for recency, activity, retention and conversion.';
			end if;
			perform rewards.check_amount((weight.value #>> '{}')::numeric, 'weight', 1000);
			total := total + (weight.value #>> '{}')::numeric;
		end loop;
		if total = 0 then
			raise exception 'some weight must be above 0'
				using errcode = 'invalid_parameter_value', hint = 'What has no weight does not count.';
		end if;
	end if;
	if min_sample < 1 then
		raise exception 'min_sample must be 1 or more'
			using errcode = 'invalid_parameter_value', hint = 'It says from how many referees on there is a score, and consequences.';
	end if;
	return rewards.set_rule('set_quality', jsonb_build_object('weights', weights, 'min_sample', min_sample), 'quality', '',
		case when weights is not null or min_sample is not null
			then jsonb_strip_nulls(jsonb_build_object('weights', weights, 'min_sample', min_sample)) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_quality(jsonb, integer, timestamptz, text) from public;
comment on function rewards.set_quality(jsonb, integer, timestamptz, text) is
	'how much recency, activity, retention and conversion weigh in the quality score, NULL: the same each; min_sample: how many referees it takes, NULL: the setting quality_min_sample. Both NULL ends the rule (Q2)';

create function rewards.set_quality_threshold(below numeric, action text,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_amount(below, 'below', 1);
	perform rewards.check_not_null(action, 'action');
	if action not in ('warned', 'paused', 'review') then
		raise exception 'there is no action "%"', action
			using errcode = 'invalid_parameter_value', hint = 'Use warned, paused or review.';
	end if;
	return rewards.set_rule('set_quality_threshold', jsonb_build_object('below', below, 'action', action), 'quality_threshold', action,
		case when below is not null then jsonb_build_object('below', below) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_quality_threshold(numeric, text, timestamptz, text) from public;
comment on function rewards.set_quality_threshold(numeric, text, timestamptz, text) is
	'below which quality score a referrer is warned, paused until it recovers, or to be reviewed; below NULL ends the rule for that action (Q4)';

create function rewards.set_quality_bonus(above numeric, referrals integer, reward jsonb,
		valid_from timestamptz default now(), updated_by text default current_user)
	returns bigint
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	perform rewards.check_reward(reward);
	if reward is not null then
		perform rewards.check_not_null(above, 'above');
		perform rewards.check_amount(above, 'above', 1);
		perform rewards.check_positive(referrals, 'referrals');
	end if;
	return rewards.set_rule('set_quality_bonus', jsonb_build_object('above', above, 'referrals', referrals, 'reward', reward), 'quality_bonus', '',
		case when reward is not null then jsonb_build_object('above', above, 'referrals', referrals, 'reward', reward) end, valid_from, updated_by);
end
$$;
revoke all on function rewards.set_quality_bonus(numeric, integer, jsonb, timestamptz, text) from public;
comment on function rewards.set_quality_bonus(numeric, integer, jsonb, timestamptz, text) is
	'what a referrer gets once for a score above so much with so many referrals, as set_milestone() has it; reward NULL ends it (Q3)';

/* ---- scores ---- */

create function rewards.quality_sample() returns integer
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
	as $$ select coalesce((rewards.rule_value('quality', '') ->> 'min_sample')::integer, rewards.setting('quality_min_sample')::integer) $$;
revoke all on function rewards.quality_sample() from public;
comment on function rewards.quality_sample() is 'how many referees it takes for a score to count';

create function rewards.quality_scores(accounts bigint[], at timestamptz)
	returns table (account bigint, method text, score numeric, referees bigint, sample bigint, parts jsonb)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with way as materialized (
		select rewards.setting('quality_method') as method, rewards.setting('quality_days')::integer as days,
			rewards.setting('active_days')::integer as active_days, rewards.quality_sample() as least,
			coalesce(rewards.rule_value('quality', '') -> 'weights',
				'{"recency": 1, "activity": 1, "retention": 1, "conversion": 1}') as weights
	), referee as (
		select r.referrer as account, r.referred_at,
			/* whole days, as the formula counts them */
			case when quality_scores.at - r.referred_at < make_interval(hours => 24 * w.days)
				then floor(extract(epoch from quality_scores.at - r.referred_at) / 86400) end as days_old,
			least(r.onboarded_at, v.onboarded_at) <= quality_scores.at as onboarded,
			v.last_at - interval '30 days' >= r.referred_at as retained,
			case when w.method = 'weighted' and v.requests > 0 then (
				/* no more days than are asked for are read */
				select count(*) from (
					select from rewards.day_total t
					where t.account = r.id and t.unit = 1 and abs(t.entry) in (1, 2)
					group by t.day having sum(t.events) > 0
					order by t.day limit w.active_days) d)
				else 0 end as active_on
		from way w, rewards.account r
		left join rewards.activity v on v.account = r.id
		where r.referrer = any (quality_scores.accounts) and r.referred_at <= quality_scores.at
	), factor as (
		select e.account, count(*) as referees, count(e.days_old) as recent,
			coalesce(sum(w.days - e.days_old) / (w.days * nullif(count(e.days_old), 0)), 0) as recency,
			avg(e.active_on::numeric / w.active_days) as activity,
			/* of those that had the time to come back */
			avg((coalesce(e.retained, false))::integer::numeric) filter (where e.referred_at <= quality_scores.at - interval '30 days') as retention,
			avg((coalesce(e.onboarded, false))::integer::numeric) as conversion
		from way w, referee e
		group by e.account, w.days
	)
	select f.account, w.method, case
			when w.method = 'recency_v1' then trim_scale(round(f.recency, 9))
			when f.referees >= w.least then s.score end,
		f.referees, case w.method when 'recency_v1' then f.recent else f.referees end,
		case w.method when 'weighted' then jsonb_build_object('recency', trim_scale(round(f.recency, 9)), 'activity', trim_scale(round(f.activity, 9)),
			'retention', trim_scale(round(f.retention, 9)), 'conversion', trim_scale(round(f.conversion, 9))) end
	from way w, factor f
	cross join lateral (
		/* a factor that cannot be told yet has no weight */
		select trim_scale(round(sum(p.weight * p.value) / nullif(sum(p.weight), 0), 9)) as score
		from (values ('recency', f.recency), ('activity', f.activity), ('retention', f.retention), ('conversion', f.conversion)) v(name, value)
		cross join lateral (select coalesce((w.weights ->> v.name)::numeric, 0) as weight, v.value) p
		where p.value is not null
	) s
$$;
revoke all on function rewards.quality_scores(bigint[], timestamptz) from public;
comment on function rewards.quality_scores(bigint[], timestamptz) is
	'quality scores of referrers at a time, each rounded once at the ninth place. recency_v1: the mean of 1 - days_old / quality_days of the referees of the last quality_days, 0 without any. weighted: the weighted mean of that, of the part of active_days that the referees were active on, of the part that came back after 30 days, and of the part onboarded; NULL for fewer than quality_min_sample. sample: how many referees it stands on (Q1, Q2)';

create function rewards.quality_score_of(number bigint, out method text, out score numeric, out referees bigint, out sample bigint, out parts jsonb)
	returns record
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
begin
	select s.method, s.score, s.referees, s.sample, s.parts into method, score, referees, sample, parts
	from rewards.quality_scores(array[number], now()) s;
	if not found then
		method := rewards.setting('quality_method');
		score := case method when 'recency_v1' then 0 end;
		referees := 0;
		sample := 0;
	end if;
end
$$;
revoke all on function rewards.quality_score_of(bigint) from public;
comment on function rewards.quality_score_of(bigint) is 'the quality score of one referrer now';

create function rewards.is_high_quality(number bigint) returns boolean
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	rule jsonb := rewards.rule_value('quality_bonus', '');
	quality record;
begin
	select null::numeric as score into quality;
	if rule is null then
		return false;
	end if;
	if rewards.is_paused(number)
			or rewards.joined_referees(number, (rule ->> 'referrals')::bigint) < (rule ->> 'referrals')::bigint then
		return false;
	end if;
	/* of many referees the score is taken as maintain() has found it */
	if (select count(*) from (select from rewards.account a where a.referrer = number limit 1000) r) = 1000 then
		select q.score into quality from rewards.quality_score q where q.account = number and q.day > rewards.today() - 31 order by q.day desc limit 1;
	end if;
	if quality.score is null then
		quality := rewards.quality_score_of(number);
	end if;
	return coalesce(quality.score > (rule ->> 'above')::numeric, false);
end
$$;
revoke all on function rewards.is_high_quality(bigint) from public;
comment on function rewards.is_high_quality(bigint) is 'whether a referrer''s score and referrals are those of the quality bonus (I6, Q3)';

create function rewards.referral_quality(email text, out referred_count bigint, out quality_score numeric, out rewards jsonb) returns record
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	quality record;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(email, 'email');
	perform rewards.check_reader(email);
	number := rewards.person(email);
	quality := rewards.quality_score_of(number);
	referred_count := quality.referees;
	quality_score := quality.score;
	rewards := rewards.referral_rewards(number);
end
$$;
revoke all on function rewards.referral_quality(text) from public;
comment on function rewards.referral_quality(text) is
	'how many somebody has referred, the quality score of that, and what it has brought: [{type, amount, reason}], claimed by earn_codes() or not. The score is NULL while there are too few (K7, Q5)';

/* ---- what follows from a score ---- */

create function rewards.record_scores(at timestamptz) returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	today date := (at at time zone rewards.setting('time_zone'))::date;
	changed bigint;
begin
	insert into rewards.quality_score as q (account, day, method, score, referees, parts)
	select s.account, today, s.method, s.score, s.sample, s.parts
	from rewards.quality_scores(array(
		select a.referrer from rewards.account a where a.referrer is not null
		group by a.referrer having count(*) >= rewards.quality_sample()), at) s
	left join lateral (
		select k.method, k.score, k.referees from rewards.quality_score k where k.account = s.account order by k.day desc limit 1) k on true
	where s.score is not null and (k.method, k.score, k.referees) is distinct from (s.method, s.score, s.sample)
	order by s.account
	on conflict on constraint quality_score_pkey do update
		set method = excluded.method, score = excluded.score, referees = excluded.referees, parts = excluded.parts, recorded_at = clock_timestamp();
	get diagnostics changed = row_count;
	/* what is older than a quarter is kept by month */
	delete from rewards.quality_score q
	where q.day between today - 131 and today - 100
		and exists (select from rewards.quality_score l where l.account = q.account and l.day > q.day
			and date_trunc('month', l.day::timestamp) = date_trunc('month', q.day::timestamp));
	return changed;
end
$$;
revoke all on function rewards.record_scores(timestamptz) from public;
comment on function rewards.record_scores(timestamptz) is 'adds to the history of scores those that have changed, and keeps of old ones the last of each month; maintain() calls it';

create function rewards.threshold_changes() returns table (account bigint, score numeric, status text)
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	warned numeric := (rewards.rule_value('quality_threshold', 'warned') ->> 'below')::numeric;
	paused numeric := (rewards.rule_value('quality_threshold', 'paused') ->> 'below')::numeric;
	least integer := rewards.quality_sample();
	let_off_since timestamptz := now() - make_interval(days => rewards.setting('quality_days')::integer);
begin
	return query
	select k.account, k.score, t.status
	from (select distinct on (q.account) q.account, q.score, q.referees from rewards.quality_score q order by q.account, q.day desc) k
	/* what it is, and what it would be without quality */
	left join lateral (
		select s.status, s.source from rewards.account_status s
		where s.account = k.account and s.valid_from <= now() and s.valid_until > now()
		order by s.valid_from desc, s.id desc limit 1) p on true
	left join lateral (
		select s.status from rewards.account_status s
		where s.account = k.account and s.valid_from <= now() and s.valid_until > now() and s.source <> 'quality'
		order by s.valid_from desc, s.id desc limit 1) b on true
	cross join lateral (
		select c.status from unnest(array[coalesce(b.status, 'active'),
			case when k.referees < least then 'active' when k.score < paused then 'paused' when k.score < warned then 'warned' else 'active' end]) c(status)
		order by rewards.severity(c.status) desc limit 1) t
	where t.status <> coalesce(p.status, 'active')
		/* it takes back only what it has given */
		and (p.source = 'quality' or rewards.severity(t.status) > rewards.severity(coalesce(p.status, 'active')))
		/* whom somebody has let off has time to do better */
		and not exists (
			select from rewards.account_status s
			where s.account = k.account and s.status = 'active' and s.source in ('set', 'appeal') and s.valid_from > let_off_since)
	order by k.account;
end
$$;
revoke all on function rewards.threshold_changes() from public;
comment on function rewards.threshold_changes() is
	'referrers whose latest score gives them another status: worse, or better than quality has given; not who was let off in the last quality_days, and with fewer referees than it takes the one without quality';

create function rewards.apply_thresholds() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	candidate record;
	changed bigint := 0;
begin
	if not exists (select from rewards.threshold_changes()) then
		return 0;
	end if;
	begin
		/* nobody decides otherwise meanwhile; whoever does just now is not waited for */
		lock table rewards.account_status in share update exclusive mode nowait;
	exception when lock_not_available then
		return 0;
	end;
	for candidate in select * from rewards.threshold_changes() loop
		perform rewards.add_status(candidate.account, candidate.status, 'quality', 'referral quality ' || candidate.score, null, 'quality');
		changed := changed + 1;
	end loop;
	return changed;
end
$$;
revoke all on function rewards.apply_thresholds() from public;
comment on function rewards.apply_thresholds() is
	'warns and pauses referrers by their latest score and lets them off when it has recovered; leaves alone what was decided by hand; left to the next time while somebody sets a status; maintain() calls it (Q4)';

create function rewards.open_reviews() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	threshold numeric := (rewards.rule_value('quality_threshold', 'review') ->> 'below')::numeric;
	opened bigint;
begin
	insert into rewards.review (account, reason, evidence)
	select k.account, 'referral quality', jsonb_build_object('score', k.score, 'method', k.method, 'referees', k.referees, 'parts', k.parts, 'below', threshold)
	from (select distinct on (q.account) q.* from rewards.quality_score q order by q.account, q.day desc) k
	where k.score < threshold and k.referees >= rewards.quality_sample()
		/* one that was closed is opened again by another score only */
		and not exists (select from rewards.review r where r.account = k.account and (r.closed_at is null or r.closed_at >= k.recorded_at))
	order by k.account
	on conflict do nothing;
	get diagnostics opened = row_count;
	return opened;
end
$$;
revoke all on function rewards.open_reviews() from public;
comment on function rewards.open_reviews() is 'opens reviews of referrers whose score is below the threshold for it; maintain() calls it (Q4, I6)';

/* ---- reports ---- */

create function rewards.quality_advice(parts jsonb) returns text
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	select case p.key
		when 'recency' then 'Your last referrals are a while ago: invite somebody who would like it, too.'
		when 'activity' then 'The people you invited use it on few days: show them what you use it for.'
		when 'retention' then 'The people you invited do not come back after a month: ask them what is missing.'
		else 'Some of the people you invited have not begun: help them with the first step.' end
	from jsonb_each(parts) p
	where jsonb_typeof(p.value) = 'number'
	order by (p.value #>> '{}')::numeric, p.key limit 1
$$;
revoke all on function rewards.quality_advice(jsonb) from public;
comment on function rewards.quality_advice(jsonb) is 'what would improve a score most, by its weakest factor';

create function rewards.report_quality() returns bigint
	language plpgsql volatile parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	this_month date := date_trunc('month', rewards.today()::timestamp)::date;
	month date := (this_month - interval '1 month')::date;
	label text := to_char(month, 'YYYY-MM');
	bonus jsonb := rewards.rule_value('quality_bonus', '');
	good numeric := coalesce((bonus ->> 'above')::numeric, 1);
	reports bigint;
begin
	/* without such rules quality is nobody's business */
	if bonus is null and not exists (select from rewards.rules r where r.rule = 'quality_threshold' and r.in_force) then
		return 0;
	end if;
	with latest as materialized (
		select distinct on (q.account) q.account, q.score, q.referees, q.parts, p.score as before
		from rewards.quality_score q
		left join lateral (
			select o.score from rewards.quality_score o where o.account = q.account and o.day < month order by o.day desc limit 1) p on true
		where q.day < this_month
			and not exists (select from rewards.notification n where n.account = q.account and n.event = 'quality_report' and n.cause = label)
		order by q.account, q.day desc
	), told as materialized (
		select rewards.notify(array_agg(l.account), 'quality_report', array_agg(label), array_agg(jsonb_build_object('month', label, 'score', l.score,
				'before', l.before, 'trend', case when l.score > l.before then 'up' when l.score < l.before then 'down' else 'steady' end,
				'referees', l.referees, 'parts', l.parts))) as reports,
			rewards.notify(array_agg(l.account) filter (where l.score <= good), 'suggestion', array_agg(label) filter (where l.score <= good),
				array_agg(jsonb_build_object('month', label, 'suggestion',
					coalesce(rewards.quality_advice(l.parts), rewards.quality_advice('{"recency": 0}')))) filter (where l.score <= good)) as suggestions,
			/* the quality bonus is within reach */
			rewards.notify(array_agg(l.account) filter (where l.near), 'bonus_opportunity', array_agg(label) filter (where l.near),
				array_agg(jsonb_build_object('month', label, 'score', l.score, 'above', bonus -> 'above', 'referrals', bonus -> 'referrals',
					'reward', bonus -> 'reward')) filter (where l.near)) as opportunities
		from (
			/* a fifth below it, and not had yet */
			select l.*, bonus is not null and l.score between good - 0.2 and good and not exists (
				select from rewards.invite_reward g where g.account = l.account and g.cause = 'quality') as near
			from latest l
		) l
	)
	select coalesce(t.reports, 0) into reports from told t;
	return reports;
end
$$;
revoke all on function rewards.report_quality() from public;
comment on function rewards.report_quality() is
	'tells referrers once a month how their quality was by the end of the last one, what would improve it, and that the quality bonus is near; maintain() calls it (Q6, M3)';
