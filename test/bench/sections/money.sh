# What billing costs: usage that is free, charged, or charged and covered.

section_money()
{
	local policy script clients

	for ROUND in $(seq "$ROUNDS"); do
		progress "money, round $ROUND"
		world money
		fill_wallets
		tps zipf.bare 8 1 0 >/dev/null
		for policy in $(turns testnet allow enforce); do
			charge_by "$policy"
			for clients in 1 8 32; do
				record "zipf $clients" bare "$(tps zipf.bare $clients)"
				record "hot $clients" bare "$(tps hot.bare $clients)"
				for script in zipf hot; do record "$script $clients" "$policy" "$(tps "$script.ours" $clients)"; done
				post_all
			done
		done
	done
	money_table zipf 'many wallets, chosen by Zipf'\''s law'
	money_table hot 'one hot wallet'
	verify 'charging'
	say '' "Wallets overdrawn: $(number 'select count(*) from rewards.user_credits where balance < 0'). Deadlocks: $(number 'select deadlocks from pg_stat_database where datname = current_database()')."
}

# By portions: each call reads what is not folded yet.
fill_wallets()
{
	local first

	for ((first = ACCOUNTS - USERS; first < ACCOUNTS; first += 2000)); do
		echo "select count(rewards.add_credits(name, 1000)) from rewards.account where kind = 'user' and id > $first and id <= $first + 2000;"
		echo 'select rewards.post();'
	done | sql -At >/dev/null
	sql -c 'vacuum analyze rewards.wallet'
}

# A policy counts from its own row once posting has seen that everybody knows it.
charge_by()
{
	sql -At -c "select rewards.init_pricing('$([ "$1" = testnet ] && echo testnet || echo mainnet)')" \
		-c "select rewards.set_setting('credit_policy', '$([ "$1" = enforce ] && echo enforce || echo allow)')" >/dev/null
	for _ in 1 2 3; do post_all; done
}

money_table()
{
	local clients

	say '' "## Credits, transactions a second: $2"
	table 'On testnet usage is free; on mainnet it is charged by its row (allow), or its wallet is locked and must cover it (enforce):' \
		'clients|bare|testnet|ratio|mainnet, allow|ratio|mainnet, enforce|ratio'
	for clients in 1 8 32; do
		line "$clients|$(median "$1 $clients" bare)$(for policy in testnet allow enforce; do
			printf '|%s|%s' "$(median "$1 $clients" $policy)" "$(ratio "$1 $clients" $policy bare)"; done)"
	done
}
