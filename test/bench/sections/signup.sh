# Signups: one after the other, and a storm of a hundred a second beside inserts.

STORM=100

section_signup()
{
	local p50 p99 n

	printf '%s\n' "\\set a random(1, $ACCOUNTS)" '\set r random(1, 9000000000000000000)' \
		"select rewards.referral_signup('usr_' || :a, 'fresh_' || :r);" >signup.sql
	printf '%s\n' "select level, accounts from rewards.network_sizes('user', 'usr_1');" >network.sql
	chmod a+r signup.sql network.sql
	for ROUND in $(seq "$ROUNDS"); do
		progress "signup, round $ROUND"
		world signup
		tps zipf.ours 8 1 0 >/dev/null
		read -r p50 p99 n < <(latencies signup)
		record idle signup "$p50"; record idle signup99 "$p99"
		post_all
		read -r p50 p99 n < <(latencies network 1)
		record idle network "$p50"; record idle network99 "$p99"
		load poster 1 post
		record inserts alone "$(tps zipf.ours 8)"
		load storm 4 signup -R $STORM
		record inserts storm "$(tps zipf.ours 8)"
		read -r p50 p99 n < <(latencies signup)
		record storm signup "$p50"; record storm signup99 "$p99"
		read -r p50 p99 n < <(latencies network 1)
		record storm network "$p50"; record storm network99 "$p99"
		load_end poster storm
	done
	say '' "## Signups with $ACCOUNTS users"
	table 'Milliseconds of a signup by code of any user, and of the sizes by level of the largest network, idle, and beside a poster and '$STORM' signups a second:' \
		'call|idle p50|p99|in the storm p50|p99'
	line "referral_signup()|$(median idle signup)|$(median idle signup99)|$(median storm signup)|$(median storm signup99)"
	line "network_sizes()|$(median idle network)|$(median idle network99)|$(median storm network)|$(median storm network99)"
	table 'Requests a second of 8 clients beside a poster:' 'no signups|in the storm|ratio'
	line "$(median inserts alone)|$(median inserts storm)|$(ratio inserts storm alone)"
	verify 'the signups'
}
