-- COPY in binary: rows in, and a distribution out and in again, the same to the byte.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
\getenv abs_builddir PG_ABS_BUILDDIR
\set rows :abs_builddir '/results/copy_binary_rows'
\set shares :abs_builddir '/results/copy_binary_shares'

create temp table source as
select 'binary ' || i as request_id, 'u'::text as user_id, 'p'::text as provider_id, '/v1/chat/completions'::text as endpoint,
	'mixtral'::text as model, i as output_tokens, timestamptz '2025-01-15 12:00Z' as created_at
from generate_series(1, 3) i;
copy source to :'rows' (format binary);
copy rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, output_tokens, created_at) from :'rows' (format binary);
select request_id, tier, output_tokens, provider_points, user_points from rewards.usage_logs order by id;
-- the keys are known now
\set VERBOSITY sqlstate
copy rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, output_tokens, created_at) from :'rows' (format binary);
\set VERBOSITY terse

-- the computed type, with accounts by number
select complete from rewards.post();
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model) values ('known', 'u', 'p', '/v1/chat/completions', 'mixtral');
copy (select request_id, distribution from rewards.usage_logs) to :'shares' (format binary);
create temp table copied (request_id text, distribution rewards.distribution);
copy copied from :'shares' (format binary);
select c.request_id, c.distribution operator(rewards.=) u.distribution as same, c.distribution::text = u.distribution::text as same_text
from copied c join rewards.usage_logs u using (request_id) order by 1;
