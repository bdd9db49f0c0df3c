# The same events in rewards and in PL/pgSQL must come to the same, account by account
# and month by month: before posting, with half of it posted, and after.

EVENT_FIELDS="request_id, $FIELDS, created_at"

section_equality()
{
	progress equality
	world equality
	sql -c "insert into rewards.usage_logs ($EVENT_FIELDS) select $EVENT_FIELDS from feed order by n" \
		-c "insert into plain.usage_set ($EVENT_FIELDS) select $EVENT_FIELDS from feed order by n"
	say '' '## Equality'
	table "The same $ROWS events, totals of each account and month compared:" 'posted|totals|sum of points|different from PL/pgSQL'
	equality_compare nothing
	sql -c "select * from rewards.post($((ROWS / 2)))" >/dev/null
	equality_compare half
	post_all
	equality_compare all
	equality_by_row
	equality_of_entries
	verify 'these events'
}

equality_compare()
{
	local result

	result=$(number "
		with ours as (
			select 'provider' as kind, provider_id as name, month, work_points as own, referral_points as referral, requests, tokens from rewards.provider_rewards
			union all
			select 'user', user_id, month, usage_points, referral_points, requests, tokens from rewards.user_points
		), theirs as (
			select a.kind, a.name, t.month, t.own, t.referral, t.requests, t.tokens from plain.month_total t join plain.account a on a.id = t.account
		)
		select count(*) || '|' || sum(o.own + o.referral) || '|' || count(*) filter (where (o.own, o.referral, o.requests, o.tokens) is distinct from (t.own, t.referral, t.requests, t.tokens))
		from ours o full join theirs t using (kind, name, month)")
	line "$1|$result"
	record "$1" different "${result##*|}"
	[ "${result##*|}" = 0 ] || FAILED=1
}

# The two PL/pgSQL versions must agree as well.
equality_by_row()
{
	local different

	different=$(number "
		create temp table by_set as table plain.month_total;
		truncate plain.month_total;
		insert into plain.usage ($EVENT_FIELDS) select $EVENT_FIELDS from feed order by n limit $((ROWS / 100));
		create temp table by_row as table plain.month_total;
		truncate plain.month_total;
		insert into plain.usage_set ($EVENT_FIELDS) select 'set_' || $EVENT_FIELDS from feed order by n limit $((ROWS / 100));
		select count(*) from ((table by_row except table plain.month_total) union all (table plain.month_total except table by_row)) d")
	say '' "PL/pgSQL by row and by statement, of $((ROWS / 100)) events: $different different."
	record by_row different "$different"
	[ "$different" = 0 ] || FAILED=1
}

# And the double entry: balances are the sums of entries, and of the shares of the same events.
equality_of_entries()
{
	local different

	different=$(number "
		insert into double_entry.usage ($EVENT_FIELDS) select $EVENT_FIELDS from feed order by n limit $((ROWS / 100));
		truncate plain.ledger;
		insert into plain.usage ($EVENT_FIELDS) select 'entry_' || $EVENT_FIELDS from feed order by n limit $((ROWS / 100));
		select count(*)
		from (select account, sum(amount) as amount from plain.ledger group by account) l
		full join (select account, sum(amount) as amount from double_entry.entry where account > 0 group by account) e using (account)
		full join double_entry.balance b using (account)
		where (l.amount, e.amount) is distinct from (e.amount, b.balance)")
	say '' "Balances of the double entry, of $((ROWS / 100)) events: $different different."
	record entries different "$different"
	[ "$different" = 0 ] || FAILED=1
}
