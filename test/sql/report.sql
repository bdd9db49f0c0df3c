-- report_html(): of nobody, of one account, of hostile names; its figures are those of
-- the rows, it can be read as XML, and nothing in it comes from elsewhere or runs.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
-- nothing that posting adds
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;

create function page(month text default '2025-03') returns xml language sql as $$ select xmlparse(document regexp_replace(rewards.report_html(month), '^<!DOCTYPE html>', '')) $$;
create function tile(name text) returns text language sql as $$
	select (xpath('//header/following::dl[1]/div[dt="' || name || '"]/dd/text()', page()))[1]::text $$;
create function cells(title text) returns setof text language sql as $$
	select array_to_string(xpath('.//td//text()', line), ' | ')
	from unnest(xpath('//*[self::h2 or self::h3][.="' || title || '"]/following::tbody[1]/tr', page())) line $$;

-- nobody
select xpath('//h1/text()', page()), xpath('count(//h2)', page()), xpath('count(//tbody)', page()), xpath('//header/p/@class', page());
select tile('requests') as requests, tile('failed beside them') as failed, tile('new users') as new, tile('revenue') as revenue;

-- one account
insert into rewards.usage_logs (user_id, endpoint, created_at) values ('only', '/v1/tts', '2025-03-05 12:00+00');
select tile('requests') as requests, tile('user points') as points, tile('new users') as new;
select cells('Users');
select xpath('string(//figure[1]//rect/title)', page()), xpath('count(//figure[1]//rect)', page());

-- names that would leave their place; a month of traffic with a day like none other, and failures
select rewards.register_model(m, owner => '<img src=x onerror=alert(1)>', rate => 0.5) is not null as registered from unnest('{"</td></table><script>alert(1)</script>"}'::text[]) m;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, created_at)
select (array['"><svg/onload=alert(1)>', 'O''Neil & sons', 'a&amp;b', '${7*7}{{7*7}}', E'\u202egnp.exe', repeat('long', 60)])[n % 6 + 1], ']]></style><script>', '/v1/chat/completions',
	case when n % 5 = 0 then '</td></table><script>alert(1)</script>' end, case when n % 4 = 0 and d = 9 then 500 else 200 end, n, d, timestamptz '2025-03-01 10:00+00' + make_interval(days => d)
from generate_series(0, 15) d, generate_series(1, case d when 7 then 400 else 100 end) n;
select (xpath('count(//script) + count(//img) + count(//*[@onload or @onerror or @src or @href]) + count(//svg//svg)', page()))[1]::text as foreign;
select cells('Users') as line union all select cells('Providers') union all select cells('Creators');
select cells('Anomalies');
select tile(t.name) = rewards.html_number(t.expected) as is_its_rows, t.name
from (
	select count(*) filter (where ok) as requests, sum(input_tokens + output_tokens) filter (where ok) as tokens, sum(provider_points) as provider, sum(user_points) as users,
		sum(creator_earnings) as earnings
	from (select u.*, u.status_code between 200 and 299 as ok from rewards.usage_logs u) u
) u cross join lateral (values ('requests', u.requests), ('tokens', u.tokens), ('provider points', u.provider), ('user points', u.users), ('creators'' earnings', u.earnings)) t(name, expected);

-- the same when all is posted, but for when it was made
create table before as select line, place from regexp_split_to_table(regexp_replace(rewards.report_html('2025-03'), 'Made at [^U]*', ''), '(?=<tr|<h2|<svg|<div>)') with ordinality p(line, place);
select complete from rewards.post();
select p.line as after, b.line as before
from regexp_split_to_table(regexp_replace(rewards.report_html('2025-03'), 'Made at [^U]*', ''), '(?=<tr|<h2|<svg|<div>)') with ordinality p(line, place)
full join before b using (place) where p.line is distinct from b.line;
drop table before;
select count(*) from rewards.verify();
select xpath('//header/p/@class', page());

-- refusals
select rewards.report_html('all');
select rewards.report_html(null::date);
select rewards.report_html('March');
drop function cells, tile, page;
