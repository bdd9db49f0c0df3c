/* What pages of an application show of one account, as JSON in the names that they have there. */

create function rewards.present_multiplier(number bigint, kind text, account text) returns numeric
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select trim_scale(
		coalesce((
			select f.number from rewards.account_fact f
			where f.account = present_multiplier.number and f.fact = 'multiplier' and f.valid_from <= now() and f.valid_until > now()
			order by f.valid_from desc, f.id desc limit 1), 1)
		* coalesce((
			select s.multiplier from rewards.streaks s
			where s.kind = present_multiplier.kind and s.account = present_multiplier.account), 1))
$$;
revoke all on function rewards.present_multiplier(bigint, text, text) from public;
comment on function rewards.present_multiplier(bigint, text, text) is
	'what an account''s own points are multiplied by now: its own multiplier times that of its streak; campaigns, which hang on the request, come on top';

create function rewards.provider_earnings(id text, days integer default 30) returns jsonb
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
	history jsonb;
	result jsonb;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(id, 'id');
	perform rewards.check_reader(id, 'provider');
	perform rewards.check_not_null(days, 'days');
	select jsonb_agg(jsonb_build_object('day', h.day, 'points', h.total) order by h.day)
	into history from rewards.earning_history(provider_earnings.id, 'provider', provider_earnings.days) h;
	select jsonb_build_object('providerId', provider_earnings.id,
		'totalPoints', trim_scale(coalesce(sum(l.amount), 0)),
		'workPoints', trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 1), 0)),
		'referralPoints', trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) = 3), 0)),
		'bonusPoints', trim_scale(coalesce(sum(l.amount) filter (where abs(l.entry) between 5 and 11), 0)),
		'today', history -> -1 -> 'points',
		'thisMonth', trim_scale(coalesce(sum(l.amount) filter (where l.period = rewards.month_argument(null::text)), 0)),
		'requests', coalesce(sum(l.events) filter (where abs(l.entry) = 1), 0),
		'tokens', coalesce(sum(l.tokens) filter (where abs(l.entry) = 1), 0),
		'streak', coalesce((select s.current_streak from rewards.streaks s where s.kind = 'provider' and s.account = provider_earnings.id and s.alive), 0),
		'multiplier', rewards.present_multiplier(rewards.account_number('provider', provider_earnings.id), 'provider', provider_earnings.id),
		'rank', (select r.rank from rewards.leaderboard_rank(provider_earnings.id, 'provider') r),
		'history', history)
	into result
	from rewards.account_lines(provider_earnings.id, 'provider', 'month') l
	where l.unit = 1 and abs(l.entry) < 12;
	return result;
end
$$;
revoke all on function rewards.provider_earnings(text, integer) from public;
comment on function rewards.provider_earnings(text, integer) is
	'what a provider''s page shows, as JSON: points of all time by source, of today and of this month, requests and tokens served, streak, multiplier, rank of the month, and the points of each of the last days, today last; zeros for who has none (K4, N2)';
