/* What is to be done from time to time. */

create function rewards.maintain() returns table (task text, done bigint)
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform rewards.require_installed();
	return query select 'partitions made'::text, rewards.make_partitions()::bigint;
	return query select 'accounts flagged'::text, rewards.count_suspects();
	return query select 'quality scores changed'::text, rewards.record_scores(now());
	return query select 'reviews opened'::text, rewards.open_reviews();
	return query select 'quality reports sent'::text, rewards.report_quality();
	return query select 'waitlist folded'::text, rewards.fold_waitlist();
	return query select 'weekly summaries sent'::text, rewards.note_weekly_earnings();
	return query select 'rate windows removed'::text, rewards.forget_windows();
	/* these lock wallets: when what takes long is done */
	return query select 'expiries booked'::text, rewards.book_expiries();
	return query select 'holds closed'::text, rewards.close_holds();
	return query select 'payouts made'::text, rewards.make_due_payouts();
	/* last, for it keeps others from setting statuses until all is done */
	return query select 'statuses changed by quality'::text, rewards.apply_thresholds();
end
$$;
revoke all on function rewards.maintain() from public;
comment on function rewards.maintain() is 'what is to be done from time to time: partitions ahead, expiries, holds, automatic payouts, signs of abuse, the waiting list, referral quality and what follows from it, reports, windows of limits; one row for each with how many';
