/* What an inviter's page shows: how far the referrals came, what they are worth, what is to come. */

create function rewards.referral_stages(number bigint)
	returns table (email text, created_at timestamptz, stage integer, onboarded boolean, active boolean, retained boolean, value numeric)
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select r.email, r.created_at, 0, false, false, false, 0 from rewards.referral r where r.inviter = number and r.referee is null
	union all
	select coalesce(a.email, a.name), a.referred_at, case when d.onboarded then 2 else 1 end, d.onboarded, d.active, d.retained,
		/* points, creator earnings and cost of the referee */
		coalesce((select sum(case t.unit when 3 then -t.amount else t.amount end) from rewards.month_total t
			where t.account = a.id and (t.unit = 1 and abs(t.entry) < 12 or t.unit = 2 and abs(t.entry) = 4 or t.unit = 3 and abs(t.entry) = 2)), 0)
	from rewards.account a
	left join rewards.activity v on v.account = a.id
	cross join lateral (
		select coalesce(least(a.onboarded_at, v.onboarded_at) <= now(), false) as onboarded,
			v.requests > 0 and rewards.is_active(a.id, rewards.setting('active_days')::integer) is true as active,
			coalesce(v.last_at - interval '30 days' >= a.referred_at, false) as retained) d
	where a.referrer = number
$$;
revoke all on function rewards.referral_stages(bigint) from public;
comment on function rewards.referral_stages(bigint) is
	'each referral of an inviter and how far it came, as far as posted: stage 0 sent, 1 joined, 2 onboarded; active on active_days days; retained: a request 30 days or more after joining; value: points, creator earnings and cost of the referee (N5)';

create function rewards.referral_metrics(number bigint) returns jsonb
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select jsonb_build_object(
		'sent', count(*), 'joined', count(*) filter (where s.stage >= 1), 'onboarded', count(*) filter (where s.stage >= 2 or s.onboarded),
		'active', count(*) filter (where s.active), 'retained', count(*) filter (where s.retained),
		'conversion_rate', trim_scale(round(count(*) filter (where s.stage >= 1)::numeric / nullif(count(*), 0), 9)),
		'activation_rate', trim_scale(round(count(*) filter (where s.active)::numeric / nullif(count(*) filter (where s.stage >= 1), 0), 9)),
		'retention_rate', trim_scale(round(count(*) filter (where s.retained)::numeric / nullif(count(*) filter (where s.stage >= 1), 0), 9)),
		'total_value', trim_scale(coalesce(sum(s.value), 0)))
	from rewards.referral_stages(number) s
$$;
revoke all on function rewards.referral_metrics(bigint) from public;
comment on function rewards.referral_metrics(bigint) is 'an inviter''s referrals by how far they came, the rates and the total value (N5)';

create function rewards.referral_projection(number bigint) returns jsonb
	language plpgsql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
declare
	joined bigint := rewards.joined_referees(number);
	recent bigint := (select count(*) from rewards.account a where a.referrer = number and a.referred_at > now() - interval '90 days');
	points numeric := (
		select coalesce(sum(l.amount), 0) from rewards.account a
		cross join lateral rewards.account_lines(a.name, a.kind, 'day', rewards.today() - 29) l
		where a.id = number and l.unit = 1 and abs(l.entry) = 3);
	next record;
begin
	select m.referrals, m.reward into next from rewards.milestones() m where m.referrals > joined limit 1;
	return jsonb_build_object(
		'referrals_a_month', trim_scale(round(recent / 3.0, 2)),
		'referral_points_next_30_days', trim_scale(round(points, 9)),
		'next_milestone', case when next.referrals is not null then jsonb_build_object('referrals', next.referrals, 'missing', next.referrals - joined,
			'reward', next.reward, 'expected_at', case when recent > 0 then
				to_char((rewards.today() + ceil((next.referrals - joined) * 90.0 / recent)::integer), 'YYYY-MM-DD') end) end);
end
$$;
revoke all on function rewards.referral_projection(bigint) from public;
comment on function rewards.referral_projection(bigint) is
	'what is to come if all goes on: referrals as in the last 90 days, referral points as in the last 30, the next milestone and when it would be reached (N6)';

create function rewards.referral_analytics(email text) returns jsonb
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
	number bigint;
	quality record;
	zone text := rewards.setting('time_zone');
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(email, 'email');
	perform rewards.check_reader(email);
	number := rewards.person(email);
	quality := rewards.quality_score_of(number);
	return jsonb_build_object(
		'metrics', rewards.referral_metrics(number) || jsonb_build_object('quality_score', quality.score),
		'history', (
			select coalesce(jsonb_agg(jsonb_build_object('month', m.month, 'sent', m.sent, 'joined', m.joined, 'active', m.active) order by m.month), '[]')
			from (
				select to_char(s.created_at at time zone zone, 'YYYY-MM') as month, count(*) as sent,
					count(*) filter (where s.stage >= 1) as joined, count(*) filter (where s.active) as active
				from rewards.referral_stages(number) s group by 1) m),
		'score_trend', (
			select coalesce(jsonb_agg(jsonb_build_object('day', q.day, 'score', trim_scale(q.score)) order by q.day), '[]')
			from rewards.quality_score q where q.account = number),
		'rewards', (
			select coalesce(jsonb_agg(jsonb_build_object('reason', g.reason, 'reward', g.reward, 'granted_at', g.granted_at) order by g.id), '[]')
			from rewards.invite_reward g where g.account = number),
		'projection', rewards.referral_projection(number));
end
$$;
revoke all on function rewards.referral_analytics(text) from public;
comment on function rewards.referral_analytics(text) is
	'what a referrer''s page shows, as JSON: metrics, history by month, score_trend, rewards, projection (N5, N6, K7)';
