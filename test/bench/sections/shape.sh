# How the cost of one row grows with what there is: levels of referrers, rules, accounts,
# partitions; and that of a few reads with the accounts on the board. Microseconds of CPU of
# the one session, by the kernel's account of it, so neighbours on the machine count little.

: "${SHAPE_ROWS:=5000}" "${SHAPE_LEVELS:=1 2 4 8 16 32}" "${SHAPE_RULES:=10 100 1000 10000}" "${SHAPE_PARTITIONS:=1 2 4 12 36}"
: "${SHAPE_ACCOUNTS:=1000 10000 100000 1000000 10000000}"

section_shape()
{
	local size

	for ROUND in $(seq "$ROUNDS"); do
		progress "shape, round $ROUND"
		shape_world 1000
		shape_chain
		for size in $SHAPE_LEVELS; do shape_levels $size; done
		for size in $SHAPE_RULES; do shape_rules $size; done
		for size in $SHAPE_PARTITIONS; do shape_partitions $size; done
	done
	for size in $SHAPE_ACCOUNTS; do
		[ "$size" -le "$ACCOUNTS" ] || break
		progress "shape, $size accounts"
		shape_world $size
		for ROUND in $(seq "$ROUNDS"); do shape_accounts $size; done
	done
	shape_tables
	verify 'the last of these'
}

# A world of so many users, small but for them.
shape_world()
{
	if [ "$PGDATABASE" != postgres ]; then PGDATABASE=postgres sql -c "drop database \"$PGDATABASE\" with (force)"; fi
	PGDATABASE=postgres sql -c 'create database shape'
	export PGDATABASE=shape
	sql -v accounts="$1" -v users=1000 -v providers=100 -v rows=1000 -f "$SRC/test/bench/world.sql" -f "$SRC/test/bench/bare.sql" >/dev/null
	sql -c 'vacuum analyze'
}

# 40 users, each the referrer of the next.
shape_chain()
{
	sql -At -c "select rewards.register_account('deep_1', 'user')" \
		-c "select rewards.referral_signup('deep_' || n, 'deep_' || n + 1) from generate_series(1, 39) n" \
		-c 'select * from rewards.post()' >/dev/null
}

# Microseconds of CPU a statement of one session, after a tenth as many that do not count.
# The statement, prepared, and what it is executed with, an expression in awk.
shape_cost()
{
	awk -v statement="$1" -v rows="$SHAPE_ROWS" -v seed="$ROUND" "
		function cpu(name) { print \"\\\\o\"; print \"select split_part(pg_read_file('/proc/self/schedstat'), ' ', 1) as \" name \" \\\\gset\"; print \"\\\\o /dev/null\" }
		BEGIN {
			srand(seed)
			print \"prepare shape as \" statement \";\"
			print \"\\\\o /dev/null\"
			for (n = 1 - int(rows / 10); n <= rows; n++) {
				if (n == 1) cpu(\"before\")
				print \"execute shape(\" $2 \");\"
			}
			cpu(\"after\")
			print \"\\\\o\"
			print \"select (:after - :before) / 1000.0 / \" rows \";\"
		}" >shape.sql
	sql -At -f "$B/shape.sql"
}

# Rows of both: the case, then user, provider and endpoint, expressions in awk.
shape_rows()
{
	local who

	for who in $(turns bare ours); do
		record "$1" $who "$(shape_cost "insert into ${TABLE[$who]} ($FIELDS) values (\$1, \$2, \$3, 'llama-3-8b', 200, 100, 75, 250)" \
			"\"'\" $2 \"', '\" $3 \"', '\" $4 \"'\"")"
	done
}

ANY_USER='"usr_" 1 + int(rand() * 1000)' ANY_PROVIDER='"prov_" 1 + int(rand() * 100)' CHAT='"/api/v1/chat/completions"'

shape_levels()
{
	sql -At -c "select rewards.set_referral_rates('user', array_fill(0.01, array[$1]))" >/dev/null
	shape_rows "levels $1" '"deep_40"' "$ANY_PROVIDER" "$CHAT"
}

# Services, each with its own endpoint and points; requests come for all of them.
shape_rules()
{
	sql -At -c "select rewards.set_referral_rates('user', '{0.2, 0.1, 0.05}')" \
		-c "select count(rewards.set_service('kind_' || n, '/kind/' || n, 1 + n % 7))
			from generate_series(1 + (select count(*) from rewards.services where service like 'kind\\_%'), $1) n" >/dev/null
	shape_rows "rules $1" "$ANY_USER" "$ANY_PROVIDER" "\"/kind/\" 1 + int(rand() * $1)"
}

# Beside the three that are ready ahead.
shape_partitions()
{
	sql -At -c "do \$\$ begin while (select count(*) from rewards.usage_partition) < $1 + 3 loop
		perform rewards.make_partition(max(upto), max(upto) + 1000000) from rewards.usage_partition;
		end loop; end \$\$" >/dev/null
	shape_rows "partitions $1" "$ANY_USER" "$ANY_PROVIDER" "$CHAT"
}

shape_accounts()
{
	local user="\"usr_\" 1 + int(rand() * $1)"

	shape_rows "accounts $1" "$user" "$ANY_PROVIDER" "$CHAT"
	if [ "$ROUND" = 1 ]; then
		sql -c "insert into rewards.usage_logs ($FIELDS) select 'usr_' || n, 'prov_' || 1 + n % 100, '/api/v1/chat/completions', 'llama-3-8b', 200, n % 1000, 75, 250 from generate_series(1, $1) n"
		post_all
		sql -c 'vacuum analyze'
	fi
	post_all
	record "accounts $1" rank "$(shape_cost "select * from rewards.leaderboard_rank(\$1, 'user', date_trunc('month', now())::date)" "\"'\" $user \"'\"")"
	record "accounts $1" balance "$(shape_cost "select rewards.balance(\$1)" "\"'\" $user \"'\"")"
}

shape_tables()
{
	local size

	say '' '## How cost grows'
	table 'Microseconds of CPU of one session for a row, by levels of referrers, all of them there:' 'levels|bare|rewards|ratio'
	for size in $SHAPE_LEVELS; do shape_line "levels $size"; done
	table 'By services with an endpoint and points of their own, requests for all of them:' 'services|bare|rewards|ratio'
	for size in $SHAPE_RULES; do shape_line "rules $size"; done
	table 'By partitions; the bare table has none:' 'partitions|bare|rewards|ratio'
	for size in $SHAPE_PARTITIONS; do shape_line "partitions $size"; done
	table 'By users, each row for any of them, and that of two calls, with each of them on the board:' 'users|bare|rewards|ratio|leaderboard_rank()|balance()'
	for size in $SHAPE_ACCOUNTS; do
		[ "$size" -le "$ACCOUNTS" ] || break
		shape_line "accounts $size" "|$(median "accounts $size" rank)|$(median "accounts $size" balance)"
	done
	awk -f "$SRC/test/bench/plot.awk" "$B/raw.csv" >"$B/shape.svg"
}

shape_line() { line "${1#* }|$(median "$1" bare)|$(median "$1" ours)|$(ratio "$1" ours bare)${2:-}"; }
