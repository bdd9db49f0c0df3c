/*
 * The report of a month: one HTML page by itself, with charts in SVG and without
 * scripts.  Nothing gets into it but through html(), which no id or name can leave.
 * It is well-formed XML as well, so a test can read it.
 */

/* ---- pieces of a page ---- */

create function rewards.html(value text) returns text
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	select replace(replace(replace(replace(replace(
		regexp_replace(value, '[\u0001-\u001f\u007f-\u009f]', '?', 'g'),
		'&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;')
$$;
revoke all on function rewards.html(text) from public;
comment on function rewards.html(text) is 'a text as it stands in HTML, in an attribute, too; control characters, which a page must not have, as question marks';

create function rewards.html_number(value numeric, places integer default 2) returns text
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	select coalesce(rtrim(to_char(round(value, places), 'FM999,999,999,999,999,999,999,990.999999999'), '.'), '-')
$$;
revoke all on function rewards.html_number(numeric, integer) from public;
comment on function rewards.html_number(numeric, integer) is 'a number for people, rounded; - for NULL';

create function rewards.html_line(variadic cells text[]) returns text
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	select '<tr>' || string_agg('<td><bdi>' || coalesce(rewards.html(c.cell), '-') || '</bdi></td>', '' order by c.place) || '</tr>'
	from unnest(cells) with ordinality c(cell, place)
$$;
revoke all on function rewards.html_line(text[]) from public;
comment on function rewards.html_line(text[]) is 'a line of a table';

create function rewards.html_table(heads text[], lines text, named integer default 1) returns text
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	select coalesce('<div class="wide"><table class="named' || named || '"><thead><tr>'
		|| (select string_agg('<th scope="col">' || rewards.html(h.head) || '</th>', '' order by h.place) from unnest(heads) with ordinality h(head, place))
		|| '</tr></thead><tbody>' || lines || '</tbody></table></div>', '<p class="none">Nothing.</p>')
$$;
revoke all on function rewards.html_table(text[], text, integer) from public;
comment on function rewards.html_table(text[], text, integer) is
	'a table of lines by html_line(), whose first columns are names and whose others are numbers; without lines it says so';

create function rewards.html_tile(name text, value text) returns text
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
	as $$ select '<div><dt>' || rewards.html(name) || '</dt><dd>' || rewards.html(value) || '</dd></div>' $$;
revoke all on function rewards.html_tile(text, text) from public;
comment on function rewards.html_tile(text, text) is 'one figure with its name, to stand within <dl>';

create function rewards.svg_columns(title text, labels text[], amounts numeric[]) returns text
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	with bar as (
		select b.label, b.amount, b.place, count(*) over () as bars, max(b.amount) over () as highest
		from unnest(labels, amounts) with ordinality b(label, amount, place)
	), drawn as (
		select b.*, round(640.0 / b.bars, 3) as width, round(120 * greatest(b.amount, 0) / b.highest, 1) as height
		from bar b where b.highest > 0
	)
	select coalesce(format('<figure><figcaption>%s, at most %s</figcaption><svg viewBox="0 0 640 140" role="img" aria-label="%1$s">',
			rewards.html(title), rewards.html_number(max(d.highest)))
		|| string_agg(format('<rect x="%s" y="%s" width="%s" height="%s"><title>%s: %s</title></rect>', round((d.place - 1) * d.width + d.width * 0.1, 2),
			120 - d.height, round(d.width * 0.8, 2), d.height, rewards.html(d.label), rewards.html_number(d.amount)), '' order by d.place)
		|| '<path d="M0 120.5H640"/>'
		|| format('<text x="0" y="136">%s</text>', rewards.html(min(d.label) filter (where d.place = 1)))
		|| coalesce(format('<text x="640" y="136" text-anchor="end">%s</text>', rewards.html(min(d.label) filter (where d.place = d.bars and d.bars > 1))), '')
		|| '</svg></figure>',
		format('<figure><figcaption>%s</figcaption><p class="none">Nothing.</p></figure>', rewards.html(title)))
	from drawn d
$$;
revoke all on function rewards.svg_columns(text, text[], numeric[]) from public;
comment on function rewards.svg_columns(text, text[], numeric[]) is 'a chart with a column for each amount, the first and the last with their labels; what is negative has no height';

create function rewards.svg_rows(title text, labels text[], amounts numeric[]) returns text
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $$
	with bar as (
		select b.label, b.amount, b.place, count(*) over () as bars, max(b.amount) over () as highest
		from unnest(labels, amounts) with ordinality b(label, amount, place)
	)
	select coalesce(format('<figure><figcaption>%s</figcaption><svg viewBox="0 0 640 %s" role="img" aria-label="%1$s">', rewards.html(title), max(b.bars) * 26)
		|| string_agg(format('<text x="150" y="%1$s" text-anchor="end">%2$s</text><rect x="160" y="%3$s" width="%4$s" height="18"/><text x="%5$s" y="%1$s">%6$s</text>',
			b.place * 26 - 8, rewards.html(b.label), b.place * 26 - 22, w.width, 166 + w.width, rewards.html_number(b.amount)), '' order by b.place)
		|| '</svg></figure>',
		format('<figure><figcaption>%s</figcaption><p class="none">Nothing.</p></figure>', rewards.html(title)))
	from bar b cross join lateral (select round(360 * greatest(b.amount, 0) / b.highest, 1) as width) w
	where b.highest > 0
$$;
revoke all on function rewards.svg_rows(text, text[], numeric[]) from public;
comment on function rewards.svg_rows(text, text[], numeric[]) is 'a chart with a row for each amount, its label before and itself behind it; labels that are short, as names of services and stages are';

create function rewards.report_style() returns text
	language sql immutable parallel safe
	set search_path = pg_catalog, pg_temp
as $css$ select $$
:root{color-scheme:light dark;--ink:#1b2330;--soft:#5b6675;--line:#dde2e8;--paper:#fff;--card:#f5f7f9;--bar:#2f6fb0;--good:#1c7a45;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa6b5;--line:#333d49;--paper:#14181d;--card:#1d232a;--bar:#6aa6e0;--good:#5fc58b;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:1rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:.5rem 0 0}h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}h3{font-size:1rem;margin:.5rem 0}
header p,figcaption,.none,dt,th{color:var(--soft)}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.75rem,1fr));gap:.5rem;margin:1rem 0}
dl div{background:var(--card);border-radius:.5rem;padding:.6rem .8rem}dt{font-size:.85rem}dd{margin:0;font-size:1.1rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));gap:0 1.5rem}.pair>*{min-width:0}
figure{margin:.5rem 0}svg{width:100%;height:auto;display:block}svg rect{fill:var(--bar)}svg text{fill:var(--soft);font-size:13px}svg path{stroke:var(--line)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{padding:.25rem .5rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
th{font-weight:500}.named1 :is(th,td):nth-child(-n+1),.named2 :is(th,td):nth-child(-n+2){text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:6.5rem}
.good{color:var(--good)}.bad{color:var(--bad)}
@media print{h2{break-after:avoid}figure,tr{break-inside:avoid}}
$$ $css$;
revoke all on function rewards.report_style() from public;
comment on function rewards.report_style() is 'the style sheet of the report';

/* ---- sections ---- */

create function rewards.report_figures(month date) returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	/* - where there is nothing to divide by */
	select '<dl>' || string_agg(rewards.html_tile(t.name, t.value), '' order by t.place) || '</dl>'
	from (
		select coalesce(sum(d.requests), 0) as requests, coalesce(sum(d.failed), 0) as failed,
			coalesce(sum(d.input_tokens + d.output_tokens), 0) as tokens, coalesce(sum(d.provider_points), 0) as provider_points,
			coalesce(sum(d.user_points), 0) as user_points, coalesce(sum(d.creator_earnings), 0) as earnings, coalesce(sum(d.cost), 0) as cost
		from rewards.usage_by_day d
		where d.day >= report_figures.month and d.day < report_figures.month + interval '1 month'
	) d
	cross join (
		select coalesce(max(e.dau), 0) as dau, coalesce(sum(e.new_users), 0) as new_users
		from rewards.user_engagement e
		where e.day >= report_figures.month and e.day < report_figures.month + interval '1 month'
	) e
	cross join lateral (values
		(1, 'requests', rewards.html_number(d.requests)),
		(2, 'failed beside them', rewards.html_number(100.0 * d.failed / nullif(d.requests + d.failed, 0), 1) || ' %'),
		(3, 'tokens', rewards.html_number(d.tokens)),
		(4, 'provider points', rewards.html_number(d.provider_points)),
		(5, 'user points', rewards.html_number(d.user_points)),
		(6, 'users on the best day', rewards.html_number(e.dau)),
		(7, 'new users', rewards.html_number(e.new_users)),
		(8, 'creators'' earnings', rewards.html_number(d.earnings)),
		(9, 'revenue', rewards.html_number(d.cost))) t(place, name, value)
$$;
revoke all on function rewards.report_figures(date) from public;
comment on function rewards.report_figures(date) is 'the report''s figures of the whole month';

create function rewards.report_days(month date) returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with line as (
		select to_char(d.day, 'YYYY-MM-DD') as day, coalesce(sum(u.requests), 0) as requests, coalesce(sum(u.provider_points + u.user_points), 0) as points
		from (
			select n::date as day
			from generate_series(report_days.month::timestamp, least(report_days.month + interval '1 month -1 day', rewards.today()::timestamp), '1 day') n
		) d
		left join rewards.usage_by_day u on u.day = d.day
		group by d.day
	)
	select '<div class="pair">' || rewards.svg_columns('Requests by day', array_agg(l.day order by l.day), array_agg(l.requests order by l.day))
		|| rewards.svg_columns('Points of providers and users by day', array_agg(l.day order by l.day), array_agg(l.points order by l.day)) || '</div>'
	from line l
$$;
revoke all on function rewards.report_days(date) from public;
comment on function rewards.report_days(date) is 'the report''s charts by day, up to today';

create function rewards.report_services(month date) returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with line as materialized (
		select s.service, s.tier, s.requests, s.provider_points, s.user_points, s.cost
		from rewards.usage_by_service s where s.month = report_services.month
	)
	select '<div class="pair">' || rewards.svg_rows('Requests by service', array_agg(p.name order by p.requests desc, p.name) filter (where p.sort = 1),
			array_agg(p.requests order by p.requests desc, p.name) filter (where p.sort = 1))
		|| rewards.svg_rows('Requests by tier', array_agg(p.name order by p.requests desc, p.name) filter (where p.sort = 2),
			array_agg(p.requests order by p.requests desc, p.name) filter (where p.sort = 2)) || '</div>'
		|| (select rewards.html_table('{service,tier,requests,provider points,user points,revenue}', string_agg(
				rewards.html_line(l.service, l.tier, rewards.html_number(l.requests), rewards.html_number(l.provider_points), rewards.html_number(l.user_points),
					rewards.html_number(l.cost)), '' order by l.requests desc, l.service, l.tier), 2) from line l)
	from (
		select 1 as sort, l.service as name, sum(l.requests)::numeric as requests from line l group by l.service
		union all
		select 2, l.tier, sum(l.requests) from line l where l.tier is not null group by l.tier
	) p
$$;
revoke all on function rewards.report_services(date) from public;
comment on function rewards.report_services(date) is 'the report''s part on services and tiers';

create function rewards.report_boards(month date) returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select '<div class="pair">' || string_agg('<section><h3>' || rewards.html(b.title) || '</h3>' || rewards.html_table(array['account', b.counted, 'rank'], (
			select string_agg(rewards.html_line(t.account, rewards.html_number(t.points), t.rank::text), '' order by t.place)
			from rewards.leaderboard_top(b.board, report_boards.month, 10) with ordinality t(rank, kind, account, points, place)))
		|| '</section>', '' order by b.place) || '</div>'
	from (values (1, 'provider', 'Providers', 'points'), (2, 'user', 'Users', 'points'), (3, 'creator', 'Creators', 'earnings'),
		(4, 'referrer', 'Referrers', 'points')) b(place, board, title, counted)
$$;
revoke all on function rewards.report_boards(date) from public;
comment on function rewards.report_boards(date) is 'the first ten of each leaderboard';

create function rewards.report_referrals(month date) returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select '<div class="pair"><section>' || (
			select rewards.svg_rows('How far invitations of the month have come', '{sent,joined,onboarded,active,retained}',
				array[sum(f.sent), sum(f.joined), sum(f.onboarded), sum(f.active), sum(f.retained)]::numeric[])
			from rewards.referral_stages f where f.month = report_referrals.month)
		|| '<dl>' || coalesce((
			select rewards.html_tile('invitations a user', rewards.html_number(v.invites_per_user)) || rewards.html_tile('of these joined', rewards.html_number(100 * v.conversion, 1) || ' %')
				|| rewards.html_tile('users brought by a user', rewards.html_number(v.k))
			from rewards.viral_coefficient v where v.month = report_referrals.month), '') || '</dl></section><section><h3>Largest networks</h3>'
		|| (select rewards.html_table('{account,direct,all,levels,points brought}', string_agg(
				rewards.html_line(i.account, rewards.html_number(i.direct), rewards.html_number(i.network), i.depth::text, rewards.html_number(i.value)), '' order by i.network desc, i.account))
			/* names of those alone that may be shown */
			from (
				select * from (select * from rewards.top_influencers i order by i.network desc fetch first 10 rows with ties) i
				order by i.network desc, i.account limit 10) i)
		|| '</section></div>'
$$;
revoke all on function rewards.report_referrals(date) from public;
comment on function rewards.report_referrals(date) is 'the report''s part on invitations and networks';

create function rewards.report_creators(month date) returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select rewards.html_table('{model,creator,requests,tokens,earnings,new users}', string_agg(
		rewards.html_line(c.model_id, c.creator_id, rewards.html_number(c.usage_count), rewards.html_number(c.tokens), rewards.html_number(c.earnings, 9),
			rewards.html_number(c.new_users)), '' order by c.earnings desc, c.model_id), 2)
	from (
		select * from rewards.creator_trends t
		where t.period = 'month' and t.since = report_creators.month
		order by t.earnings desc, t.model_id limit 10
	) c
$$;
revoke all on function rewards.report_creators(date) from public;
comment on function rewards.report_creators(date) is 'the ten models of the month that earned the most';

create function rewards.report_revenue(month date) returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select '<div class="pair">' || rewards.svg_columns('Revenue by month', array_agg(to_char(r.month, 'YYYY-MM') order by r.month), array_agg(r.cost order by r.month))
		|| '<section><h3>What is to be expected</h3>' || (
			select rewards.html_table('{month,low,expected,high}', string_agg(rewards.html_line(to_char(p.month, 'YYYY-MM'), rewards.html_number(p.low),
				rewards.html_number(p.expected), rewards.html_number(p.high)), '' order by p.month))
			from rewards.revenue_projection p) || '</section></div>'
	from (
		select m.month::date, coalesce(sum(r.cost), 0) as cost
		from generate_series(report_revenue.month - interval '11 months', report_revenue.month, '1 month') m(month)
		left join rewards.revenue_by_month r on r.month = m.month::date
		group by m.month
	) r
$$;
revoke all on function rewards.report_revenue(date) from public;
comment on function rewards.report_revenue(date) is 'revenue of twelve months up to the report''s, and the projection from today';

create function rewards.report_anomalies(month date) returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	with daily as (
		select u.day, sum(u.requests) as requests, sum(u.failed) as failed
		from rewards.usage_by_day u
		where u.day >= report_anomalies.month and u.day < least(report_anomalies.month + interval '1 month', rewards.today()::timestamp)
		group by u.day
	), usual as (
		select percentile_disc(0.5) within group (order by d.requests) as requests from daily d having count(*) >= 7
	), found as (
		select 1 as sort, to_char(d.day, 'YYYY-MM-DD') as what, format('%s requests, of usually %s a day', rewards.html_number(d.requests), rewards.html_number(u.requests)) as note
		from daily d, usual u where d.requests > 3 * u.requests or 3 * d.requests < u.requests
		union all
		select 2, to_char(d.day, 'YYYY-MM-DD'), format('%s of %s requests failed', rewards.html_number(d.failed), rewards.html_number(d.requests))
		from daily d where d.failed >= 20 and 10 * d.failed > d.requests
		union all
		select 3, 'detector ' || f.detector, format('%s accounts flagged, %s flags open', count(distinct (f.kind, f.account)), count(*) filter (where f.cleared_at is null))
		from rewards.abuse_flags f cross join (select rewards.setting('time_zone') as zone) z
		where f.created_at >= report_anomalies.month::timestamp at time zone z.zone
			and f.created_at < (report_anomalies.month + interval '1 month') at time zone z.zone
		group by f.detector
		union all
		select 4, 'requests without a price', rewards.html_number(s.unpriced_rows) from rewards.status s where s.unpriced_rows > 0
		union all
		select 5, 'chats stored without earnings', rewards.html_number(s.unrated_rows) from rewards.status s where s.unrated_rows > 0
	)
	select rewards.html_table('{what,noticed}', string_agg(rewards.html_line(f.what, f.note), '' order by f.sort, f.what), 2) from found f
$$;
revoke all on function rewards.report_anomalies(date) from public;
comment on function rewards.report_anomalies(date) is
	'days with three times the usual requests or a third of them (the median day, of at least seven), days on which a tenth failed and at least twenty, flags of abuse raised in the month, and what lacks a price or earnings now';

create function rewards.report_verdict() returns text
	language sql stable parallel unsafe
	set search_path = pg_catalog, pg_temp
as $$
	select coalesce((
		select format('<p class="%s">verify() of %s UTC %s, of %s rows%s.</p>', case when v.findings = 0 then 'good' else 'bad' end,
			to_char(v.at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'),
			case when v.findings = 0 then 'found nothing wrong' else format('found %s differences', rewards.html_number(v.findings)) end, rewards.html_number(v.rows),
			case when v.since is not null or v.until is not null then ', a part of all' else '' end)
		from rewards.verification v order by v.id desc limit 1),
		'<p class="bad">verify() has never been run.</p>')
$$;
revoke all on function rewards.report_verdict() from public;
comment on function rewards.report_verdict() is 'what the last verify() found';

/* ---- the page ---- */

create function rewards.report_html(month date) returns text
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	/* compiling its many queries takes longer than running them */
	set jit = off
as $$
declare
	first date;
	title text;
begin
	perform rewards.require_installed();
	perform rewards.check_not_null(month, 'month');
	first := rewards.month_argument(month);
	title := 'Rewards of ' || to_char(first, 'YYYY-MM');
	return concat('<!DOCTYPE html>', e'\n<html lang="en"><head><meta charset="utf-8"/><meta name="viewport" content="width=device-width,initial-scale=1"/>',
		'<title>', title, '</title><style>', rewards.report_style(), '</style></head><body><header><h1>', title, '</h1><p>',
		format('Days and months are of %s. Made at %s UTC.', rewards.html(rewards.setting('time_zone')), to_char(now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI')),
		'</p>', rewards.report_verdict(), '</header><main>', rewards.report_figures(first),
		'<h2>Usage and points by day</h2>', rewards.report_days(first),
		'<h2>Services and tiers</h2>', rewards.report_services(first),
		'<h2>Leaderboards</h2>', rewards.report_boards(first),
		'<h2>Referrals</h2>', rewards.report_referrals(first),
		'<h2>Creators</h2>', rewards.report_creators(first),
		'<h2>Revenue</h2>', rewards.report_revenue(first),
		'<h2>Anomalies</h2>', rewards.report_anomalies(first),
		e'</main></body></html>\n');
end
$$;
revoke all on function rewards.report_html(date) from public;
comment on function rewards.report_html(date) is
	'a month as one HTML page by itself: figures, days, services, leaderboards, referrals, creators, revenue, anomalies and the last verify(); no script, light and dark (N8)';

create function rewards.report_html(month text default null) returns text
	language plpgsql stable parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	first date := rewards.month_argument(month);
begin
	if first is null then
		raise exception 'a report is of one month'
			using errcode = 'invalid_parameter_value', hint = 'Give a month as in ''2025-01'', or none for the current one.';
	end if;
	return rewards.report_html(first);
end
$$;
revoke all on function rewards.report_html(text) from public;
comment on function rewards.report_html(text) is 'the same for a month: NULL the current one, ''2025-01''';
