# What the programme costs: levels of referrers, streaks and campaigns.

section_programme()
{
	local variant

	for ROUND in $(seq "$ROUNDS"); do
		progress "programme, round $ROUND"
		world programme
		for variant in bare 3; do programme_rate $variant 1 0 >/dev/null; done
		for variant in $(turns bare 0 3 8 all); do record 'programme 8' $variant "$(programme_rate $variant)"; done
	done
	say '' '## The programme, transactions a second of 8 clients'
	table 'Zipf-distributed accounts, no request id; the sessions are new. All of it: three levels, a streak of each account, a multiplier of each tenth, three campaigns of which two count:' \
		'bare|no levels|ratio|3 levels|ratio|8 levels|ratio|all of it|ratio'
	line "$(median 'programme 8' bare)$(for variant in 0 3 8 all; do printf '|%s|%s' "$(median 'programme 8' $variant)" "$(ratio 'programme 8' $variant bare)"; done)"
	verify 'these programmes'
}

programme_rate()
{
	case $1 in
		bare) ;;
		0) levels '{}' ;;
		3) levels '{0.2, 0.1, 0.05}' ;;
		8) levels '{0.2, 0.1, 0.05, 0.04, 0.03, 0.02, 0.01, 0.005}' ;;
		all) levels '{0.2, 0.1, 0.05}'; everything ;;
	esac
	tps "zipf.$([ "$1" = bare ] && echo bare || echo ours)" 8 "${@:2}"
	if [ "$1" = all ]; then
		sql -At -c "select rewards.end_campaign(name) from rewards.campaigns where running" \
			-c "set session_replication_role to replica" -c "update rewards.account_fact set valid_until = now()" -c "select rewards.signal_change('rewards.account_fact')" >/dev/null
	fi
}

levels()
{
	sql -At -c "select rewards.set_referral_rates('user', '$1'), rewards.set_referral_rates('provider', '$1')" >/dev/null
}

everything()
{
	sql -At >/dev/null <<-SQL
		select rewards.set_streak_multiplier('user', 7, 1.05), rewards.set_streak_multiplier('provider', 7, 1.05);
		select rewards.start_campaign('everybody $ROUND', 1.5, now(), now() + interval '1 day'),
			rewards.start_campaign('chat $ROUND', 2, now(), now() + interval '1 day', 'user', 'chat'),
			rewards.start_campaign('speech $ROUND', 3, now(), now() + interval '1 day', null, 'tts');
		insert into rewards.account_fact (account, fact, number, valid_from, valid_until, seen_from, updated_by)
		select id, fact, case fact when 'streak' then 8 else 1.25 end, now(), now() + interval '2 days', rewards.last_number(), 'bench'
		from rewards.account cross join (values ('streak'), ('multiplier')) f(fact)
		where (kind = 'provider' or id > $ACCOUNTS - $USERS) and (fact = 'streak' or id % 10 = 0);
		select rewards.signal_change('rewards.account_fact');
		analyze rewards.account_fact;
	SQL
}
