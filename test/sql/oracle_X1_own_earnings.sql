-- X1: users see only their own earnings, nobody can manipulate earnings, and the limit
-- does not break the owner's own reads: whatever a member may read says of its account just what
-- the application reads of that account, posted or not, registered or not, for users and providers.
\set VERBOSITY terse
\set SHOW_CONTEXT never
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.init_pricing('mainnet', valid_from => '-infinity') > 0 as mainnet;
select rewards.register_account(u, 'user', u || '@example.com', '2025-01-01') as registered from unnest('{x1_ana,x1_ben,x1_cay}'::text[]) u;
select referrer from rewards.referral_signup(rewards.referral_code('x1_ana'), 'x1_ben', at => '2025-01-02');
select referrer from rewards.referral_signup(rewards.referral_code('x1_ben'), 'x1_cay', at => '2025-01-03');
select rewards.register_model('x1-7b', 'Model', owner => 'x1_ana'), rewards.register_model('x1-8x7b', owner => 'x1_ben');
select rewards.add_credits(u, 10) + rewards.add_credits(u, 7, currency => 'tokens') + rewards.add_credits(u, 3, expires_at => clock_timestamp() + interval '1 second') is not null as credits from unnest('{x1_ana,x1_ben}'::text[]) u;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at)
select 'x1 ' || n, (array['x1_ana', 'x1_ben', 'x1_cay'])[1 + n % 3], 'x1_prov', '/chat/completions', (array['x1-7b', 'x1-8x7b'])[1 + n % 2], 100 * n, 10, timestamptz '2025-01-10 12:00Z' + n * interval '1 day' from generate_series(1, 40) n;
select complete from rewards.post();
select rewards.authorize_usage('x1_ana', 2, 'x1 41', '300 days') + rewards.authorize_usage('x1_ana', 1, 'x1 later', '300 days') > 0 as held;
select rewards.request_payout('x1_ana', 'user', 0.5, 'points') is not null as payout, rewards.reverse_usage(id, 'a mistake') is not null as reversed from rewards.usage_logs where request_id = 'x1 6';
select rewards.set_status('x1_ana', 'user', 'warned', 'too loud') is not null as warned, rewards.appeal('x1_ana', 'user', 'I was not') is not null as appealed;
-- the tail: with rows of the holds, of accounts that nobody has registered, and of models
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at)
select 'x1 ' || n, (array['x1_ana', 'x1_ben', 'x1_cay', 'x1_new'])[1 + n % 4], (array['x1_prov', 'x1_new'])[1 + n % 2], '/chat/completions', (array['x1-7b', 'x1-8x7b'])[1 + n % 2], 100 * n, 10, '2025-03-10 12:00Z' from generate_series(41, 60) n;

insert into rewards.invite_code (code, owner, source) select 'VOBEE-' || a.name, a.id, 'days' from rewards.account a where a.name in ('x1_ana', 'x1_ben');
insert into rewards.quality_score (account, day, method, score, referees) select a.id, '2025-02-01', 'weighted', 0.5, 5 from rewards.account a where a.name in ('x1_ana', 'x1_ben');
/* some credits have expired and nobody has booked it */
select pg_sleep(1.1);
create role regress_x1_app;
create role regress_x1_ana;
create role regress_x1_pool;
select rewards.grant_access('regress_x1_app', 'app'), rewards.grant_access('regress_x1_ana', 'member', 'x1_ana'), rewards.grant_access('regress_x1_pool', 'member');
-- every view that members read, and what of it an account owns
create table own_part (view text, columns text, condition text);
insert into own_part
select v, (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a where a.attrelid = ('rewards.' || v)::regclass and a.attnum > 0
		and has_column_privilege('regress_x1_ana', a.attrelid, a.attnum, 'select') and (v, a.attname) <> ('model_usage_logs', 'user_id')), c
from (values ('accounts', '(kind, account) = ($1, $2)'), ('users', '$1 = ''user'' and id = $2'), ('account_statuses', '(kind, account) = ($1, $2)'), ('appeals', '(kind, account) = ($1, $2)'),
	('referral_codes', '(kind, account) = ($1, $2)'), ('referral_relationships', '(kind, referee) = ($1, $2) or (referrer_kind, referrer) = ($1, $2)'),
	('referrals', 'kind = $1 and inviter_email in ($2, $2 || ''@example.com'')'), ('invite_codes', '$1 = ''user'' and owner = $2'), ('quality_history', '(kind, account) = ($1, $2)'),
	('provider_rewards', '$1 = ''provider'' and provider_id = $2'), ('user_points', '$1 = ''user'' and user_id = $2'), ('referral_points_by_level', '(kind, account) = ($1, $2)'), ('daily_points', '(kind, account) = ($1, $2)'),
	('leaderboard', '(kind, account) = ($1, $2)'), ('streaks', '(kind, account) = ($1, $2)'), ('ledger', '(kind, account) = ($1, $2)'), ('model_creator_earnings', '$1 = ''user'' and creator_id = $2'),
	('model_usage_logs', '$1 = ''user'' and creator_id = $2'), ('user_models', '$1 = ''user'' and user_id = $2'), ('user_credits', '$1 = ''user'' and user_id = $2'), ('credit_transactions', '$1 = ''user'' and user_id = $2'),
	('token_transactions', '$1 = ''user'' and user_id = $2'), ('credit_holds', '$1 = ''user'' and user_id = $2'), ('payouts', '(kind, account) = ($1, $2)'), ('notifications', '(kind, account) = ($1, $2)')) p(v, c);
-- none is forgotten: the others concern no account
select c.relname from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v' and has_any_column_privilege('regress_x1_ana', c.oid, 'select') and c.relname not in (select view from own_part) order by 1;
create function lines_of(view text, columns text, condition text, kind text, account text, out lines bigint, out digest text) language plpgsql as $$
begin
	execute format('select count(*), md5(string_agg(t::text, e''\n'' order by t::text)) from (select %s from rewards.%I where %s) t', columns, view, condition) using kind, account into lines, digest;
end $$;
create function calls_of(kind text, account text) returns text language sql as $$
	select md5(concat((select string_agg(b::text, ' ') from rewards.balance(account, kind) b), (select string_agg(s::text, ' ') from rewards.statement(account, kind) s),
		(select s::text from rewards.account_summary(account, kind, 'all') s), (select s::text from rewards.account_summary(account, kind, date '2025-01-01') s),
		(select string_agg(h::text, ' ') from rewards.earning_history(account, kind) h), (select string_agg(r::text, ' ') from rewards.referral_network(account, kind) r), rewards.referral_stats(account, kind)::text,
		(select string_agg(c::text, ' ') from rewards.referral_chain(account, kind) c), (select r::text from rewards.leaderboard_rank(account, kind, 'all', kind) r),
		case when kind = 'provider' then rewards.provider_earnings(account)::text end,
		case when kind = 'user' then concat(rewards.model_earnings(account)::text, rewards.credits(account), rewards.credits(account, 'tokens'), rewards.referral_quality(account)::text, rewards.referral_analytics(account)::text,
			(select string_agg(p::text, ' ') from rewards.perks(account) p), (select q::text from rewards.quote('/chat/completions', 'x1-7b', 10, 10, account) q)) end))
$$;
create table reading (role text, kind text, account text, view text, lines bigint, digest text);
grant all on reading, own_part to public;
-- the application reads all of four accounts, and each member its own, asking for everything
create function read_all(who text, of_kind text, of_account text, own_only boolean) returns void language plpgsql as $$
begin
	insert into reading select who, of_kind, of_account, p.view, l.lines, l.digest
		from own_part p, lines_of(p.view, p.columns, case when own_only then p.condition else '$1 || $2 is not null' end, of_kind, of_account) l;
	insert into reading select who, of_kind, of_account, 'calls', 1, calls_of(of_kind, of_account);
end $$;
set role regress_x1_app;
select read_all('app', k, a, true) from (values ('user', 'x1_ana'), ('user', 'x1_ben'), ('user', 'x1_cay'), ('user', 'x1_new'), ('provider', 'x1_prov'), ('provider', 'x1_new')) c(k, a);
set role regress_x1_ana;
select read_all('member', kind, account, false) from rewards.me();
reset role;
create function read_as(identity text) returns void language plpgsql as $$
begin
	/* as a superuser, for a function cannot take the right to the parameter with it */
	perform set_config('rewards.account', identity, true);
	execute 'set local role regress_x1_pool';
	perform read_all('pool', m.kind, m.account, false) from rewards.me() m;
	execute 'set local role none';
end $$;
select read_as(i) from unnest('{user:x1_ben,user:x1_cay,user:x1_new,provider:x1_prov,provider:x1_new}'::text[]) i;
select m.role, m.kind, m.account, count(*) as parts, count(*) filter (where m.lines > 0) as with_lines, count(*) filter (where (m.lines, m.digest) is distinct from (a.lines, a.digest)) as differ
from reading m join reading a on a.role = 'app' and (a.kind, a.account, a.view) = (m.kind, m.account, m.view) where m.role <> 'app'
group by 1, 2, 3 order by 1, 2, 3;
-- which differ, if any
select m.role, m.kind, m.account, m.view, m.lines, a.lines from reading m join reading a on a.role = 'app' and (a.kind, a.account, a.view) = (m.kind, m.account, m.view)
where m.role <> 'app' and (m.lines, m.digest) is distinct from (a.lines, a.digest) order by 1, 2, 3, 4;
-- each view had lines for somebody
select p.view as without_lines from own_part p where not exists (select from reading r where r.view = p.view and r.role <> 'app' and r.lines > 0) order by 1;
-- after posting all of it is the same again
select complete from rewards.post();
delete from reading;
set role regress_x1_app;
select read_all('app', k, a, true) from (values ('user', 'x1_ana'), ('provider', 'x1_new')) c(k, a);
set role regress_x1_ana;
select read_all('member', kind, account, false) from rewards.me();
reset role;
select read_as('provider:x1_new');
select m.role, m.kind, m.account, count(*) as parts, count(*) filter (where (m.lines, m.digest) is distinct from (a.lines, a.digest)) as differ
from reading m join reading a on a.role = 'app' and (a.kind, a.account, a.view) = (m.kind, m.account, m.view) where m.role <> 'app'
group by 1, 2, 3 order by 1, 2, 3;
-- what somebody sees of themselves
set role regress_x1_ana;
select user_id, month, usage_points, referral_points, total_points from rewards.user_points order by month;
select user_id, currency, balance, held, added, spent, expired from rewards.user_credits order by currency;
select board, rank, account, points from rewards.leaderboard where month is null order by board;
reset role;
select rewards.revoke_access('regress_x1_' || r) from unnest('{app,ana,pool}'::text[]) r;
drop function lines_of, calls_of, read_all, read_as;
drop table reading, own_part;
drop role regress_x1_app, regress_x1_ana, regress_x1_pool;
