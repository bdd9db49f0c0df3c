/* What is found in rows, ledger and views against the truth. */

/* The truth of the totals: by account, programme day, kind of movement and level. */
create table truth.line (kind text, account text collate "C", day date, entry text, level integer, amount numeric, events bigint, requests bigint, tokens bigint);
create table truth.month (kind text, account text collate "C", month date, entry text, level integer, amount numeric, events bigint, requests bigint, tokens bigint);
create procedure truth.add_up() language plpgsql as $$
begin
	truncate truth.line, truth.month;
	insert into truth.line
	with zone as (
		select setting as zone from truth.version where rule = 'setting' and key = 'time_zone' order by id desc limit 1
	), line as (
		select s.kind, s.account, r.at, s.entry, s.level, s.amount, 1 as events, 0 as requests, 0 as tokens
		from truth.share s join truth.reward r using (id)
		union all
		select b.kind, b.account, b.at, 'signup_bonus', 1, b.amount, 1, 0, 0 from truth.bonus b
		union all
		/* what posting has granted is on record */
		select l.kind, l.account, l.created_at, l.entry, l.level, l.amount, 1, 0, 0
		from rewards.ledger l where l.source = 'journal' and l.entry in ('milestone_bonus', 'trial_bonus', 'streak_bonus')
		union all
		select 'user', r.user_id, r.at, 'usage', 0, 0, 0, 1, r.tokens from truth.reward r where r.succeeded
		union all
		select 'provider', r.provider_id, r.at, 'work', 0, 0, 0, 1, r.tokens from truth.reward r where r.succeeded and r.provider_id is not null
	)
	select kind, account, (at at time zone zone)::date as day, entry, level, sum(amount) as amount, sum(events)::bigint as events,
		sum(requests)::bigint as requests, sum(tokens)::bigint as tokens
	from line, zone group by 1, 2, 3, 4, 5;
	insert into truth.month
	select kind, account, date_trunc('month', day::timestamp)::date as month, entry, level, sum(amount) as amount,
		sum(events)::bigint as events, sum(requests)::bigint as requests, sum(tokens)::bigint as tokens
	from truth.line group by 1, 2, 3, 4, 5;
	analyze truth.line, truth.month;
end
$$;

/* The points of a kind as its view shows them: own, from referrals, bonuses, all; requests and tokens. */
create function truth.points(of text) returns text language sql
	return format('coalesce(sum(amount) filter (where entry in (%L, %L)), 0) as own, coalesce(sum(amount) filter (where entry = %L), 0) as referral,
		coalesce(sum(amount) filter (where right(entry, 6) = %L), 0) as bonus, sum(amount) as total, sum(requests)::bigint as requests, sum(tokens)::bigint as tokens
		from %s where entry <> %L', 'work', 'usage', 'referral', '_bonus', of, 'creator');

/* what does not depend on posting */
create procedure truth.compare_rows() language plpgsql as $$
begin
	call truth.same('rows',
		'select id, at, user_id, provider_id, endpoint, model, input_tokens, output_tokens, service, tier,
			provider_points, user_points, creator_earnings, 0::numeric as cost from truth.reward',
		'select id, created_at, user_id, provider_id, endpoint, model, input_tokens, output_tokens, service, tier,
			provider_points, user_points, creator_earnings, cost from rewards.usage_logs');
	call truth.same('shares',
		'select id, kind, account, entry, level, amount from truth.share',
		'select source_id, kind, account, entry, level, amount from rewards.ledger where source = ''usage_logs''');
	call truth.same('shares of accounts not yet registered',
		'select id, ''work'' as entry from truth.reward where provider_points > 0 and not provider_known
		union all select id, ''usage'' from truth.reward where user_points > 0 and not user_known',
		'select u.id, s.entry from rewards.usage_logs u, rewards.shares(u.distribution) s where s.account_number is null');
	call truth.same('bonuses',
		'select kind, account, at, amount from truth.bonus',
		'select kind, account, created_at, amount from rewards.ledger where source = ''journal'' and entry = ''signup_bonus''');
	call truth.same('trials, of services that give points, to their first users',
		'select distinct a.id, l.detail, 1::bigint as times from rewards.journal j
			cross join lateral (select split_part(j.cause, '' '', 1)::bigint as doer, substr(j.cause, strpos(j.cause, '' '') + 1) as detail) l
			join rewards.account a on a.id = l.doer
			join truth.reward r on r.succeeded and r.service = l.detail and case a.kind when ''user'' then r.user_id else r.provider_id end = a.name
			where j.reason = ''trial''',
		'select j.account, substr(j.cause, strpos(j.cause, '' '') + 1), count(*) from rewards.journal j where j.reason = ''trial'' group by 1, 2');
	call truth.same('rows that earned creators',
		'select r.id, r.user_id, r.model, s.account, r.service, r.tokens, s.amount, r.at
			from truth.reward r join truth.share s using (id) where s.entry = ''creator''',
		'select id, user_id, model_id, creator_id, usage_type, tokens_consumed, earnings_generated, created_at from rewards.model_usage_logs');
end
$$;

create procedure truth.compare_totals() language plpgsql as $$
begin
	call truth.add_up();
	call truth.same('months of providers',
		'select account, month, ' || truth.points('truth.month') || ' and kind = ''provider'' group by 1, 2',
		'select * from rewards.provider_rewards');
	call truth.same('months of users',
		'select account, month, ' || truth.points('truth.month') || ' and kind = ''user'' group by 1, 2',
		'select * from rewards.user_points');
	call truth.same('months by level',
		'select kind, account, month, level, amount, events from truth.month where entry = ''referral''',
		'select * from rewards.referral_points_by_level');
	call truth.same('days',
		'select kind, account, day, ' || truth.points('truth.line') || ' group by 1, 2, 3',
		'select * from rewards.daily_points');
	call truth.same('models',
		'select s.account, r.model, count(*), sum(r.tokens)::bigint as tokens, sum(s.amount) as amount, max(r.at) as last, min(r.at) as first
			from truth.reward r join truth.share s using (id) where s.entry = ''creator'' group by 1, 2',
		'select creator_id, model_id, total_usage_count, total_tokens_consumed, total_earnings, last_usage_at, created_at
			from rewards.model_creator_earnings');
	call truth.same('accounts',
		'select kind, name, max(at) from (
			select kind, name collate "C" as name, null as at from rewards.account
			union all select ''user'', user_id, case when succeeded then at end from truth.reward
			union all select ''provider'', provider_id, case when succeeded then at end from truth.reward where provider_id is not null) a
			group by 1, 2',
		'select kind, account, last_active_at from rewards.accounts');
	call truth.same('balances',
		'select kind, account, amount, coalesce(earnings, 0) as earnings from (select kind, account, sum(amount) filter (where entry <> ''creator'') as amount,
			sum(amount) filter (where entry = ''creator'') as earnings from truth.month group by 1, 2 order by count(*) desc limit 20) m',
		'select kind, account, p.available, e.earned from (select kind, account from truth.month group by 1, 2 order by count(*) desc limit 20) m,
			rewards.balance(account, kind) p, rewards.balance(account, kind, ''earnings'') e');
end
$$;

create procedure truth.verify() language plpgsql as $$
begin
	perform truth.demand('verify()', array(select v::text from rewards.verify() v limit 10));
	raise notice 'verify() finds nothing';
end
$$;
