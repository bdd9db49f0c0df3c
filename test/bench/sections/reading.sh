# Latencies of reads, with as many users as ACCOUNTS says and EVENTS_EACH events for each,
# posted: idle, beside 1000 rows a second, and beside 8 writers at full speed, both
# with a session that posts every 100 ms; and idle with BEHIND rows that nobody has
# posted. Redis holds the same scores and takes the same events, which there are
# increments only.

: "${EVENTS_EACH:=2}" "${BEHIND:=100000}"
REDIS_REQUESTS=5000
STATES='idle 1000 full behind'
CALLS='top rank around balance summary history statement daily_points user_points provider_rewards'

call_sql()
{
	case $1 in
		top)	echo "select * from rewards.leaderboard_top('user', 'all', 100);" ;;
		rank)	echo "select * from rewards.leaderboard_rank('usr_' || :a, 'user', 'all');" ;;
		around)	echo "select * from rewards.leaderboard_around('usr_' || :a, 'user', 'all');" ;;
		balance)	echo "select * from rewards.balance('usr_' || :a);" ;;
		summary)	echo "select * from rewards.account_summary('usr_' || :a);" ;;
		history)	echo "select * from rewards.earning_history('usr_' || :a);" ;;
		statement)	echo "select * from rewards.statement('usr_' || :a);" ;;
		daily_points)	echo "select * from rewards.daily_points where kind = 'user' and account = 'usr_' || :a;" ;;
		user_points)	echo "select * from rewards.user_points where user_id = 'usr_' || :a;" ;;
		provider_rewards)	echo "select * from rewards.provider_rewards where provider_id = 'prov_' || :b;" ;;
	esac
}

call_label()
{
	case $1 in
		top)	echo 'leaderboard_top(), 100 places' ;;
		rank)	echo 'leaderboard_rank()' ;;
		around)	echo 'leaderboard_around()' ;;
		balance)	echo 'balance()' ;;
		summary)	echo 'account_summary()' ;;
		history)	echo 'earning_history(), 30 days' ;;
		statement)	echo 'statement()' ;;
		*)	echo "view $1, one account" ;;
	esac
}

# The command of Redis that answers the same.
redis_call()
{
	case $1 in
		top)	REDIS_CALL=(zrevrange board 0 99 withscores) ;;
		rank)	REDIS_CALL=(zrevrank board usr___rand_int__) ;;
		around)	REDIS_CALL=(eval "local r = redis.call('zrevrank', KEYS[1], ARGV[1]) return redis.call('zrevrange', KEYS[1], math.max(r - 5, 0), r + 5, 'withscores')" 1 board usr___rand_int__) ;;
		balance)	REDIS_CALL=(zscore board usr___rand_int__) ;;
		*)	return 1 ;;
	esac
}

redis_label()
{
	case $1 in
		top)	echo 'Redis ZREVRANGE, 100 places' ;;
		rank)	echo 'Redis ZREVRANK' ;;
		around)	echo 'Redis ZREVRANK + ZREVRANGE, a script' ;;
		balance)	echo 'Redis ZSCORE' ;;
	esac
}

call_scripts()
{
	local call

	for call in $CALLS; do
		{
			echo "\\set a random(1, $ACCOUNTS)"
			echo "\\set b random(1, $PROVIDERS)"
			call_sql "$call"
		} >"call.$call.sql"
	done
	chmod a+r call.*.sql
}

section_reading()
{
	local state

	call_scripts
	reading_feed
	if has redis; then reading_redis; fi
	for ROUND in $(seq "$ROUNDS"); do
		for state in $STATES; do
			progress "reading, round $ROUND, $state"
			reading_state "$state"
		done
	done
	reading_writes
	reading_table
	verify 'these reads and writes'
}

reading_feed()
{
	local from piece=500000

	progress "reading, $((ACCOUNTS * EVENTS_EACH)) events"
	world reading
	for from in $(seq 1 $piece $((ACCOUNTS * EVENTS_EACH))); do
		sql -c "insert into rewards.usage_logs ($FIELDS, created_at)
			select 'usr_' || n % $ACCOUNTS + 1, 'prov_' || n % $PROVIDERS + 1, '/api/v1/chat/completions',
				(array['llama-3-8b', 'Mixtral-8x7B', 'Llama-3-70B', 'gemma-2b'])[1 + n % 4], 200, n % 2000, 75, 250,
				now() - (n * 7 % 45) * interval '1 day'
			from generate_series($from, least($from + $piece - 1, $ACCOUNTS * 2)) n"
		post_all
	done
	sql -c 'vacuum analyze' -c checkpoint
}

# The scores as they are, members padded as redis-benchmark counts.
reading_redis()
{
	progress 'reading, the same scores in Redis'
	redis_start
	sql -At -c "select format('zadd board %s usr_%s', sum(total_points), lpad((substr(user_id, 5)::int - 1)::text, 12, '0'))
		from rewards.user_points group by user_id" | redis --pipe >/dev/null
	[ "$(redis zcard board)" = "$(number 'select count(distinct user_id) from rewards.user_points')" ] || die 'Redis did not take all scores'
}

reading_state()
{
	local call result rows from

	post_all
	rows=$(rows_drawn) from=$(now_ms)
	reading_load "$1"
	for call in $CALLS; do
		result=$(latencies "call.$call" 1)
		record_latencies "$1 $call" '' $result
	done
	record "$1" backlog "$(number 'select backlog from rewards.status')"
	record "$1" rows $((($(rows_drawn) - rows) * 1000 / ($(now_ms) - from)))
	case $1 in 1000|full) load_end writers poster ;; esac
	if has redis && [ "$1" != behind ]; then reading_redis_state "$1"; fi
}

reading_load()
{
	case $1 in
		1000)	load writers 4 zipf.ours -R 1000 ;;
		full)	load writers 8 zipf.ours ;;
		behind)	sql -c "insert into rewards.usage_logs ($FIELDS) select $FIELDS from feed, generate_series(1, 1 + $BEHIND / $ROWS) limit $BEHIND" ;;
	esac
	case $1 in
		1000|full)
			load poster 1 post
			sleep 1
			;;
	esac
}

reading_redis_state()
{
	local call result

	[ "$1" = idle ] || redis_load "$1"
	for call in $CALLS; do
		if redis_call "$call"; then
			result=$(redis_latencies "${REDIS_CALL[@]}")
			record_latencies "$1 $call" redis_ $result
		fi
	done
	redis_load_end
}

rows_drawn() { number 'select last_value from rewards.usage_number'; }

# What each side takes in, 8 clients.
reading_writes()
{
	for ROUND in $(seq "$ROUNDS"); do
		post_all
		load poster 1 post
		record writes posted "$(tps zipf.ours 8)"
		load_end poster
		if has redis; then
			record writes redis_event "$(redis_rate 8 eval "$EVENT_SCRIPT" 1 board "$ACCOUNTS")"
			record writes redis_one "$(redis_rate 8 zincrby board 0.3 usr___rand_int__)"
		fi
	done
}

reading_line()
{
	local label=$1 call=$2 prefix=$3 state cells=''

	for state in $STATES; do cells+="|$(median "$state $call" "${prefix}p50")|$(median "$state $call" "${prefix}p99")"; done
	line "$label$cells"
}

reading_table()
{
	local call

	say '' "## Reading, $ACCOUNTS users, milliseconds"
	table "One reader, random accounts; idle, beside 1000 rows a second, and beside 8 writers at full speed ($(median full rows) rows a second), posted every 100 ms; and idle with $BEHIND rows not posted:" '|idle p50|p99|1000/s p50|p99|full p50|p99|behind p50|p99'
	for call in $CALLS; do
		reading_line "$(call_label "$call")" "$call" ''
		if has redis && redis_call "$call"; then reading_line "$(redis_label "$call")" "$call" redis_; fi
	done
	line "rows not yet folded at the end|$(median idle backlog)||$(median 1000 backlog)||$(median full backlog)||$(median behind backlog)|"
	if has redis; then
		table 'Writes a second by 8 clients. An event is one row in rewards, with its record and all its shares; in Redis, eight increments of a score and no record:' 'rewards + post(), events|Redis, events|Redis, single ZINCRBY'
		line "$(median writes posted)|$(median writes redis_event)|$(median writes redis_one)"
	fi
}
