-- Attack: code of one's own in the place of ours. Functions, operators, tables and types of the
-- same names lie before pg_catalog and rewards in the search_path, and in pg_temp; whatever is called
-- then, none of them is ever run or read, and all answers are the same.
\getenv tests PG_ABS_SRCDIR
\set begin :tests /attack/begin.psql
\set end :tests /attack/end.psql
\i :begin
create schema evil;
grant usage on schema evil to public;
create table evil.heard (who text, what text);
grant insert on evil.heard to public;
-- whatever of this is run writes down who it ran as
create function evil.hear(what text) returns void language plpgsql as $$begin insert into evil.heard values (current_user, what); raise warning 'run as %: %', current_user, what; end$$;
create function evil.now() returns timestamptz language plpgsql as $$begin perform evil.hear('now'); return 'epoch'; end$$;
create function evil.lower(text) returns text language plpgsql as $$begin perform evil.hear('lower'); return 'x'; end$$;
create function evil.upper(text) returns text language plpgsql as $$begin perform evil.hear('upper'); return 'x'; end$$;
create function evil.abs(smallint) returns smallint language plpgsql as $$begin perform evil.hear('abs'); return 1; end$$;
create function evil.trim_scale(numeric) returns numeric language plpgsql as $$begin perform evil.hear('trim_scale'); return 1000000; end$$;
create function evil.round(numeric, integer) returns numeric language plpgsql as $$begin perform evil.hear('round'); return 1000000; end$$;
create function evil.format(text, variadic text[]) returns text language plpgsql as $$begin perform evil.hear('format'); return 'x'; end$$;
create function evil.octet_length(text) returns integer language plpgsql as $$begin perform evil.hear('octet_length'); return 1; end$$;
create function evil.date_trunc(text, timestamp) returns timestamp language plpgsql as $$begin perform evil.hear('date_trunc'); return 'epoch'; end$$;
create function evil.pg_has_role(oid, oid, text) returns boolean language plpgsql as $$begin perform evil.hear('pg_has_role'); return true; end$$;
create function evil.reads_all() returns boolean language plpgsql as $$begin perform evil.hear('reads_all'); return true; end$$;
create function evil.is_limited() returns boolean language plpgsql as $$begin perform evil.hear('is_limited'); return false; end$$;
create function evil.is_admin() returns boolean language plpgsql as $$begin perform evil.hear('is_admin'); return true; end$$;
create function evil.wallet_expired(bigint, smallint) returns numeric language plpgsql as $$begin perform evil.hear('wallet_expired'); return 0; end$$;
create function evil.eq(text, text) returns boolean language plpgsql as $$begin perform evil.hear('text ='); return true; end$$;
create function evil.eq(bigint, bigint) returns boolean language plpgsql as $$begin perform evil.hear('bigint ='); return true; end$$;
create function evil.gt(bigint, bigint) returns boolean language plpgsql as $$begin perform evil.hear('bigint >'); return true; end$$;
create function evil.lt(numeric, numeric) returns boolean language plpgsql as $$begin perform evil.hear('numeric <'); return true; end$$;
create function evil.plus(numeric, numeric) returns numeric language plpgsql as $$begin perform evil.hear('numeric +'); return 1000000; end$$;
create function evil.le(timestamptz, timestamptz) returns boolean language plpgsql as $$begin perform evil.hear('timestamptz <='); return true; end$$;
create operator evil.= (procedure = evil.eq, leftarg = text, rightarg = text);
create operator evil.= (procedure = evil.eq, leftarg = bigint, rightarg = bigint);
create operator evil.> (procedure = evil.gt, leftarg = bigint, rightarg = bigint);
create operator evil.< (procedure = evil.lt, leftarg = numeric, rightarg = numeric);
create operator evil.+ (procedure = evil.plus, leftarg = numeric, rightarg = numeric);
create operator evil.<= (procedure = evil.le, leftarg = timestamptz, rightarg = timestamptz);
create aggregate evil.sum(numeric) (sfunc = evil.plus, stype = numeric, initcond = '1000000');
create table evil.usage_logs (user_id text, endpoint text);
create table evil.account as select 1::bigint as id, 'user'::text as kind, 'own'::text as name;
create table evil.access as select current_user::regrole as role, 'admin'::text as access;
create table evil.rule (rule text, key text, value jsonb);
grant select, insert on all tables in schema evil to public;
-- each call and view, as it is and then again with all of that before it
create temp table probe (n integer generated always as identity, command text);
insert into probe (command) select 'select * from rewards.' || unnest('{balance(''own''),balance(''own'', ''user'', ''credits''),statement(''own''),account_summary(''own''),credits(''own''),perks(''own''),model_earnings(''own''),referral_chain(''own''),referral_network(''own''),
	"referral_stats(''own'')",referral_quality(''own@example.com''),referral_analytics(''own''),"leaderboard_rank(''own'', ''user'', ''all'')",shares_of(4),explain_reward(4),"quote(''/chat/completions'', ''mixtral'', 10, 20, ''own'')",is_mainnet(),me(),explain_tier(''mixtral-8x7b'')}'::text[]);
insert into probe (command) select 'select ' || c.columns || ' from ' || c.relation from rewards.access_columns('member') c;
grant select on probe to public;
create function evil.answer(command text) returns text language plpgsql set search_path = pg_catalog as $$
declare
	lines text;
begin
	execute format('select md5(string_agg(t::text, e''\n'' order by t::text)) from (%s) t', command) into lines;
	return coalesce(lines, 'none');
exception when others then
	return sqlstate;
end $$;
-- the same, but the command sees the caller's search_path
create function evil.redirected_answer(command text) returns text language plpgsql as $$
declare
	lines text;
begin
	execute pg_catalog.format('select pg_catalog.md5(pg_catalog.string_agg(t::pg_catalog.text, e''\n'' order by t::pg_catalog.text)) from (%s) t', command) into lines;
	return coalesce(lines, 'none');
exception when others then
	return sqlstate;
end $$;
create function evil.differs(role text) returns table (command text) language plpgsql set search_path = pg_catalog as $$
declare
	plain text;
begin
	for command in select p.command from pg_temp.probe p order by p.n loop
		execute format('set local role %I', 'regress_attack_' || role);
		set local search_path = pg_catalog;
		plain := evil.answer(command);
		set local search_path = evil, pg_temp, pg_catalog, rewards;
		if evil.redirected_answer(command) operator(pg_catalog.<>) plain or plain operator(pg_catalog.=) '42883' then
			return next;
		end if;
		set local role none;
		set local search_path = pg_catalog;
	end loop;
end $$;
select r as role, command as answered_otherwise from unnest('{member,app,analyst,billing,admin}'::text[]) r, evil.differs(r);
select count(*) as probes from probe;
-- what writes, too: the app inserts, posts come after, limits and wallets are looked at
\c - regress_attack_app
\set VERBOSITY terse
create temp table usage_logs (user_id text, endpoint text);
create temp table account as select 1::bigint as id, 'user'::text as kind, 'own'::text as name;
create temp table rule (rule text);
create function pg_temp.setting(text) returns text language sql as $$select 'x'$$;
set search_path = evil, pg_temp, pg_catalog, rewards;
begin;
insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at) values ('evil', 'own', 'prov', '/chat/completions', 'mixtral', 1000, 1000, '2025-02-16 12:00Z')
	returning service, tier, user_points, provider_points, cost;
select rewards.track_usage('evil2', 'own', 'prov', '/chat/completions', 'mixtral', 200, 10, 10, 5) is not null as tracked;
select rewards.track_usage('evil', 'own', 'prov', '/chat/completions', 'mixtral', 200, 10, 10, 5);
rollback;
begin;
select success from rewards.deduct_token('own', 2, null, 'evil3');
select rewards.authorize_usage('own', 1, 'evil4') is not null as held;
select rewards.request_payout('own', 'user', 0.1, 'points') is not null as requested;
select rewards.referral_code('own') is not null as code;
select inviter from rewards.redeem_code('VOBEE-own', 'my-guest@example.com');
rollback;
\c - :me
\set VERBOSITY terse
set client_min_messages to warning;
-- no type of one's own gets into a definer: arguments are of built-in types, so its casts and its output are run by the caller
create domain evil.sly as text check (evil.lower(value) is not null);
grant usage on type evil.sly to public;
set role regress_attack_member;
set search_path = evil, pg_catalog;
select available > 0 as own_balance from rewards.balance('own'::text);
select rewards.month('2025-01');
reset search_path;
reset role;
select * from evil.heard where who <> session_user;
select who, what from evil.heard;
drop schema evil cascade;
-- numbers that were drawn and rolled back are gone
delete from before where what ~ '(_seq|usage_number)$';
insert into before select * from fingerprint() where what ~ '(_seq|usage_number)$';
\i :end
