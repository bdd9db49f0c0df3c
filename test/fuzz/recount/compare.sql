/* What the script left, compared in all ways. */

/* the range of all rows, by three parts */
create table truth.range (since timestamptz, until timestamptz);
insert into truth.range values ('0001-01-01', '2023-09-01'), ('2023-09-01', '2024-05-05 05:05:05'), ('2024-05-05 05:05:05', '10000-01-01');

/* what each account has got of each entry from usage, with corrections as the entry they correct */
create view truth.got as
select kind, account, entry, sum(amount) as amount from (
	select kind, account, entry, amount from rewards.ledger where source = 'usage_logs'
	union all
	select l.kind, l.account, split_part(j.cause, ' ', 2), l.amount
	from rewards.ledger l join rewards.journal j on j.id = l.source_id where l.source = 'journal' and j.event = 'rerate') l
group by 1, 2, 3 having sum(amount) <> 0;

/* the rows once more, as they would be recorded now; to be called where it is rolled back */
create procedure truth.record_again() language plpgsql as $$
declare
	last bigint := rewards.last_number();
begin
	insert into rewards.usage_logs (user_id, provider_id, endpoint, model, character_id, status_code, input_tokens, output_tokens, latency_ms, created_at)
	select user_id, provider_id, endpoint, model, character_id, status_code, input_tokens, output_tokens, id, created_at
	from rewards.usage_logs where id <= last order by id;
	create temp table again on commit drop as
	select u.latency_ms as id, l.kind, l.account, l.entry, sum(l.amount) as amount
	from rewards.usage_logs u join rewards.ledger l on l.source = 'usage_logs' and l.source_id = u.id where u.id > last group by 1, 2, 3, 4;
end
$$;

/* rewarded again with the rules that the query gives instead of those recorded */
create procedure truth.compare_simulation(what text, preset text, changes jsonb) language plpgsql as $$
begin
	/* before the rules are others */
	create temp table simulated as
	select s.* from truth.range r cross join lateral rewards.simulate(preset, r.since, r.until, changes) s;
	begin
		set local session_replication_role to replica;
		if preset is not null then
			delete from rewards.rule where rule not in ('setting', 'campaign');
			insert into rewards.rule (rule, key, value, valid_from, seen_from, updated_by)
			select p.rule, p.key, p.value, '-infinity', 0, 'test' from rewards.preset_rules(preset) p where p.rule <> 'setting';
		end if;
		delete from rewards.rule r using (select c.key as rule, k.key from jsonb_each(changes) c, jsonb_each(c.value) k) c where r.rule = c.rule and r.key = c.key;
		insert into rewards.rule (rule, key, value, valid_from, seen_from, updated_by)
		select c.key, k.key, nullif(k.value, 'null'), '-infinity', 0, 'test' from jsonb_each(changes) c, jsonb_each(c.value) k;
		set local session_replication_role to origin;
		perform rewards.signal_change('rewards.rule');
		call truth.record_again();
		create temp table result as select kind, account, entry, sum(amount) as amount from again group by 1, 2, 3;
		call truth.same(what, 'table result',
			'select kind, account, entry, sum(simulated) from simulated where entry in (''work'', ''usage'', ''referral'', ''creator'') group by 1, 2, 3 having sum(simulated) <> 0');
		raise exception using errcode = 'RW999';
	exception when sqlstate 'RW999' then
		null;
	end;
	call truth.same(what || ': actual', 'table truth.got',
		'select kind, account, entry, sum(actual) from simulated where entry in (''work'', ''usage'', ''referral'', ''creator'') group by 1, 2, 3 having sum(actual) <> 0');
	drop table simulated;
end
$$;

/* row by row: booked is what the row has brought, due what it would bring now, and lines that agree are left out */
create procedure truth.compare_rerate(what text) language plpgsql as $$
begin
	create temp table lines as select r.* from truth.range n cross join lateral rewards.rerate(n.since, n.until, 'look') r;
	create temp table has as
	select id, kind, account, entry, sum(amount) as amount from (
		select source_id as id, kind, account, entry, amount from rewards.ledger where source = 'usage_logs'
		union all
		select j.reverses_id, l.kind, l.account, split_part(j.cause, ' ', 2), l.amount
		from rewards.ledger l join rewards.journal j on j.id = l.source_id where l.source = 'journal' and j.event = 'rerate') l
	group by 1, 2, 3, 4;
	begin
		call truth.record_again();
		call truth.same(what, 'select * from (
				select id, kind, account, entry, coalesce(h.amount, 0) as booked, coalesce(a.amount, 0) as now_due
				from has h full join again a using (id, kind, account, entry)) d
			where booked <> now_due', 'table pg_temp.lines');
		raise exception using errcode = 'RW999';
	exception when sqlstate 'RW999' then
		null;
	end;
	drop table lines, has;
end
$$;

call truth.compare_rerate('corrections');
call truth.compare_simulation('the rules recorded', null, '{}');
call truth.compare_simulation('preset cxmpute', 'cxmpute', '{}');
call truth.compare_simulation('preset cxmpute_guide', 'cxmpute_guide', '{}');
call truth.compare_simulation('preset creator', 'creator', '{}');
call truth.compare_simulation('changes', null, '{"tier": {"tide_pool": {"points": 3.000000007, "vram_upto": 4}, "open_ocean": null}, "user_share": {"": {"share": 0.333333333}},
	"referral_rates": {"user": {"rates": [0.5, 0.25, 0.125, 0.1]}, "provider": null}, "creator_rate": {"": {"rate": 0.00017}}, "setting": {"default_tier": {"value": "blue_surge"}},
	"campaign": {"campaign 1": null, "more": {"multiplier": 1.5, "tier": "tide_pool"}}, "model_pattern": {"1": {"pattern": "own", "tier": "mariana_depth"}}}');
call truth.compare_simulation('changes of a preset', 'cxmpute_guide', '{"service": {"tts": null, "chat": {"endpoint_suffix": "/chat/completions", "user_base": 0.7, "user_per_token": 0.0003}}, "tier": {"blue_surge": {"points": 0}}}');

/* booked part by part, the first part twice, then after another change */
\o /dev/null
select count(*) from rewards.rerate('0001-01-01', '2023-09-01', 'first part', false);
\o
call truth.compare_rerate('corrections after the first part');
\o /dev/null
select rewards.set_setting('closed_until', '2024-01-01');
select rewards.set_user_share(0.07, valid_from => '2023-06-01');
select r.* from truth.range n cross join lateral rewards.rerate(n.since, n.until, 'all', false) r;
\o
create procedure truth.settled() language plpgsql as $$
begin
	perform truth.demand('corrections once booked', array(select r::text from truth.range n cross join lateral rewards.rerate(n.since, n.until, 'again') r limit 10));
	perform truth.demand('actual after booking', array(select s::text from truth.range n cross join lateral rewards.simulate(null, n.since, n.until) s
		where s.entry in ('work', 'usage', 'referral', 'creator') and s.actual <> s.simulated limit 10));
	perform truth.demand('closed days', array(select j::text from rewards.journal j
		where j.event = 'rerate' and j.reason <> 'first part' and (j.created_at at time zone rewards.setting('time_zone'))::date <= '2024-01-01' limit 10));
	perform truth.demand('verify()', array(select v::text from rewards.verify() v limit 10));
	raise notice 'all booked, verify() finds nothing';
end
$$;
call truth.settled();
\o /dev/null
select rewards.post();
select r.* from truth.range n cross join lateral rewards.rerate(n.since, n.until, 'streaks that posting found', false) r;
\o
call truth.settled();
call truth.compare_simulation('the rules recorded, when all is booked', null, '{}');
select format('recount: seed %s: %s rows, %s corrections: no difference', :seed, (select count(*) from rewards.usage_logs),
	(select count(*) from rewards.journal where event = 'rerate')) as summary \gset
\echo :summary
