/* What is to be done from time to time. */

create function rewards.maintain() returns table (task text, done bigint)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
declare
	role text;
begin
	perform rewards.require_installed();
	role := rewards.node_role();
	/* nothing happens there of itself */
	if role = 'aggregator' then
		return;
	end if;
	/* so that a dump, which cannot, tells who has an access by names that are right */
	perform rewards.settle_access();
	/* one of several nodes does not see all that accounts do, and judges nobody */
	if role is null then
		return query select 'accounts flagged'::text, rewards.count_suspects();
		return query select 'quality scores changed'::text, rewards.record_scores(now());
		return query select 'reviews opened'::text, rewards.open_reviews();
		return query select 'quality reports sent'::text, rewards.report_quality();
	end if;
	return query select 'waitlist folded'::text, rewards.fold_waitlist();
	return query select 'weekly summaries sent'::text, rewards.note_weekly_earnings();
	return query select 'rate windows removed'::text, rewards.forget_windows();
	return query select 'partitions summed up'::text, rewards.sum_up_partitions();
	/* these lock wallets: when what takes long is done */
	return query select 'expiries booked'::text, rewards.book_expiries();
	return query select 'holds closed'::text, rewards.close_holds();
	return query select 'payouts made'::text, rewards.make_due_payouts();
	/* this keeps others from setting statuses until all is done */
	if role is null then
		return query select 'statuses changed by quality'::text, rewards.apply_thresholds();
	end if;
	/* and this, which locks the default partition, writers from looking for repeats there */
	return query select 'partitions made'::text, rewards.make_partitions()::bigint;
	/* and this all of usage, for a moment */
	return query select t.task, t.done from rewards.end_partitions() e
		cross join lateral (values ('partitions removed', e.removed), ('partitions closed', e.closed)) t(task, done);
end
$$;
revoke all on function rewards.maintain() from public;
comment on function rewards.maintain() is 'what is to be done from time to time: expiries, holds, automatic payouts, signs of abuse, the waiting list, referral quality and what follows from it, reports, windows of limits, partitions ahead, usage that is older than is to be kept; one row for each with how many';
