-- D3: a periodic audit shows that aggregates are what the rows say, and finds discrepancies:
-- in rows, daily, monthly and creators' totals, boards, balances, and in what was recorded
-- itself; what can be made anew is repaired, what cannot stays reported.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
set timezone to 'UTC';
set datestyle to iso;
select rewards.install() is not null as installed;
select rewards.init_pricing('mainnet', valid_from => '2025-01-01');
select rewards.set_setting('credit_policy', 'enforce') is not null as enforced;
select rewards.register_model('m', owner => 'creator');
select rewards.add_credits('u', 100), rewards.add_credits('u', 5, currency => 'tokens');
select (rewards.referral_signup(rewards.referral_code('up'), 'u')).referrer;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens)
select i, 'u', 'p', '/chat/completions', 'm', 10, 10 from generate_series(1, 5) i;
select events > 0 as folded from rewards.post();
select events > 0 as folded from rewards.post();

-- the audit: no row is no discrepancy
select * from rewards.verify();
-- and of what is new since the last one
select * from rewards.verify((select last_verify from rewards.status));

-- each discrepancy alone: found, repaired if it is a total, and then gone
create function pg_temp.audit(change text) returns table (parts text, repaired text) language plpgsql as $$
begin
	set local session_replication_role = replica;
	execute change;
	set local session_replication_role = origin;
	parts := (select string_agg(distinct v.part, ' ') from rewards.verify() v);
	perform rewards.repair('audit');
	repaired := coalesce('still ' || (select string_agg(distinct v.part, ' ') from rewards.verify() v), 'clean');
	return next;
end $$;
begin; select * from pg_temp.audit($$update rewards.day_total set amount = amount + 1 where unit = 1 and entry = 1$$); rollback;
begin; select * from pg_temp.audit($$delete from rewards.month_total where unit = 1 and entry = 3$$); rollback;
begin; select * from pg_temp.audit($$update rewards.model_total set events = events + 1$$); rollback;
begin; select * from pg_temp.audit($$update rewards.score set points = points + 1 where board = 1$$); rollback;
begin; select * from pg_temp.audit($$update rewards.score_bucket set accounts = accounts + 1 where board = 1$$); rollback;
begin; select * from pg_temp.audit($$update rewards.activity set requests = requests + 1$$); rollback;
begin; select * from pg_temp.audit($$update rewards.network set accounts = accounts + 1$$); rollback;
begin; select * from pg_temp.audit($$update rewards.wallet set balance = balance + 1 where unit = 4$$); rollback;
begin; select * from pg_temp.audit($$update rewards.usage_logs set provider_points = 100 where request_id = '1'$$); rollback;
begin; select * from pg_temp.audit($$update rewards.usage_logs set latency_ms = 1 where request_id = '1'$$); rollback;
begin; select * from pg_temp.audit($$delete from rewards.usage_logs where request_id = '1'$$); rollback;
begin; select * from pg_temp.audit($$delete from rewards.journal where event = 'credit'$$); rollback;
begin; select * from pg_temp.audit($$update rewards.seal set hash = sha256('') where number = 1 and source = 'journal'$$); rollback;
select * from rewards.verify();
