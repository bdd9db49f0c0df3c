# A private Redis on a Unix socket: nothing on disk, no port. For bash; sourced by run.
#
#   redis_start, redis_stop
#   redis WORD...              one command
#   redis_latencies WORD...    p50 and p99 in ms of one client
#   redis_rate CLIENTS WORD... commands a second
#   redis_load 1000|full, redis_load_end   writes in the background

# Debian's redis-tools has the server under another name; it goes by how it is called.
redis_start()
{
	ln -sf "$(command -v redis-server || command -v redis-check-rdb)" "$B/redis-server"
	as_owner "$B/redis-server" --port 0 --unixsocket "$B/socket/redis" --save '' --appendonly no \
		--daemonize yes --pidfile "$B/socket/redis.pid" --dir "$B/socket" --logfile "$B/socket/redis.log" >/dev/null
	for _ in $(seq 50); do
		redis ping >/dev/null 2>&1 && return
		sleep 0.1
	done
	cat socket/redis.log >&2
	die "Redis did not start"
}

redis_stop()
{
	redis_load_end
	if [ -e "$B/socket/redis.pid" ]; then kill "$(cat "$B/socket/redis.pid")" 2>/dev/null || true; fi
}

redis() { redis-cli -s "$B/socket/redis" "$@"; }

# In such names __rand_int__ is twelve digits below the number given. What is printed
# is csv; the first field is the command, commas and all.
redis_bench() { redis-benchmark -s "$B/socket/redis" -r "$ACCOUNTS" --csv "$@" 2>/dev/null | tail -1 | tr -d '"'; }

redis_latencies() { redis_bench -c 1 -n "$REDIS_REQUESTS" "$@" | awk -F, '{ print $(NF - 3), $(NF - 1) }'; }

redis_rate()
{
	local clients=$1

	shift
	redis_bench -c "$clients" -n $((REDIS_REQUESTS * 20)) "$@" | awk -F, '{ print $(NF - 6) }'
}

# What one event does to a sorted set: eight increments, in one round trip.
EVENT_SCRIPT="for i = 1, 8 do redis.call('zincrby', KEYS[1], 0.3, string.format('usr_%012d', math.random(0, tonumber(ARGV[1]) - 1))) end"

# Events in the background: "1000" a second, or "full", 8 clients as fast as they can.
# No function of ours stands between, so that it is theirs that is the id to end.
redis_load()
{
	if [ "$1" = 1000 ]; then
		redis-cli -s "$B/socket/redis" -r 1000000000 -i 0.001 eval "$EVENT_SCRIPT" 1 board "$ACCOUNTS" >/dev/null 2>&1 &
	else
		redis-benchmark -s "$B/socket/redis" -c 8 -l -n 1000000 -q eval "$EVENT_SCRIPT" 1 board "$ACCOUNTS" >/dev/null 2>&1 &
	fi
	REDIS_LOAD=$!
}

redis_load_end()
{
	if [ -n "$REDIS_LOAD" ]; then
		kill "$REDIS_LOAD" 2>/dev/null || true
		wait "$REDIS_LOAD" 2>/dev/null || true
	fi
	REDIS_LOAD=
}
REDIS_LOAD=
