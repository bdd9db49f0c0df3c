# What the sections share: copies of the prepared world, loads, figures, tables.
# For bash; sourced by run after ../lib.sh.
#
#   world NAME               a fresh copy of the world, from now on the database in use
#   tps SCRIPT CLIENTS [SECONDS [WARM]]   transactions a second by pgbench
#   latencies SCRIPT SECONDS p50 and p99 in ms of one client
#   load NAME CLIENTS SCRIPT [OPTION...]   pgbench in the background, until load_end
#   timed SQL                its milliseconds
#   post_all, verify WHAT    folds all; computes all again and reports
#   record CASE WHO VALUE    keeps a figure of this section and round
#   record_latencies CASE PREFIX P50 P99   the two, as PREFIXp50 and PREFIXp99
#   median CASE WHO, ratio CASE WHO BASE [CASE OF BASE]   of the rounds
#   turns WHO...             them, another one first in each round
#   say TEXT...              prints and writes into the report

ROUND=0

pgbench() { as_owner "$BIN/pgbench" -n -M prepared "$@"; }
number() { sql -At -c "$1"; }
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

say() { printf '%s\n' "$@" | tee -a "$B/report.md"; }
progress() { printf '  ... %s (%d s)\n' "$*" "$SECONDS" >&2; }

# A line of explanation and the head of a table; then a line of it. | parts columns.
table()
{
	say '' "$1" '' "| $(echo "$2" | sed 's/ *| */ | /g') |" "|$(echo "$2" | sed 's/[^|]*/---/g')|"
}
line() { say "| $(echo "$1" | sed 's/ *| */ | /g') |"; }

# Figures ----------------------------------------------------------------------

record() { echo "$section,$1,$2,$ROUND,$3" >>"$B/raw.csv"; }
record_latencies() { record "$1" "$2p50" "$3"; record "$1" "$2p99" "$4"; }

middle()
{
	sort -g | awk '{ v[NR] = $1 } END { if (NR) printf "%.6g\n", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2; else print "-" }'
}

median()
{
	awk -F, -v s="$section" -v c="$1" -v w="$2" '$1 == s && $2 == c && $3 == w { print $5 }' "$B/raw.csv" | middle | figure
}

# The median of the rounds' own ratios: neighbours of one round saw the same machine.
ratio()
{
	awk -F, -v s="$section" -v c="$1" -v w="$2" -v b="$3" -v base_case="${4:-$1}" '
		$1 == s && $2 == base_case && $3 == b { base[$4] = $5 }
		$1 == s && $2 == c && $3 == w { mine[$4] = $5 }
		END { for (r in mine) if (base[r] > 0) print mine[r] / base[r] }' "$B/raw.csv" | middle | figure
}

# Three digits are what such a figure is worth: 12,345 and 0.0123.
figure()
{
	awk '$1 == "-" { print; next }
		$1 >= 1000 { n = sprintf("%.0f", $1); while (match(n, /[0-9][0-9][0-9][0-9]($|,)/)) n = substr(n, 1, RSTART) "," substr(n, RSTART + 1); print n; next }
		$1 >= 100 { printf "%.0f\n", $1; next }
		{ printf "%.3g\n", $1 }'
}

# The competitors, another one first in each round.
turns()
{
	local first=$((ROUND % $#))

	echo "${@:first + 1}" "${@:1:first}"
}

# Databases --------------------------------------------------------------------

# Copies keep rounds equal: no table has grown, no page is bloated.
world()
{
	if [ "$PGDATABASE" != postgres ]; then PGDATABASE=postgres sql -c "drop database \"$PGDATABASE\" with (force)"; fi
	PGDATABASE=postgres sql -c "create database \"$1\" template world strategy file_copy"
	export PGDATABASE=$1
	# cold pages would be read by whoever comes first
	sql -At -c 'set enable_indexscan = off' -c 'set synchronize_seqscans = off' \
		-c 'select count(name) from rewards.account' -c 'select count(name) from plain.account' -c 'select count(*) from feed' >/dev/null
	index_pages
	sql -c checkpoint
}

# Reads the indexes of accounts once.
index_pages()
{
	sql -At -c 'set enable_seqscan = off' -c 'set enable_bitmapscan = off' \
		-c 'select count(*) from rewards.account where id > 0' -c 'select count(*) from plain.account where id > 0' \
		-c "select count(*) from rewards.account where name > ''" -c "select count(*) from plain.account where name > ''" >/dev/null
}

# Loads ------------------------------------------------------------------------

# Writes a pgbench script that inserts one request: table, user, provider, request id,
# each an expression of SQL.
request_script()
{
	cat <<SQL
\\set u $ACCOUNTS + 1 - random_zipfian(1, $USERS, 1.1)
\\set p $PROVIDERS + 1 - random_zipfian(1, $PROVIDERS, 1.1)
\\set a random(1, $ACCOUNTS)
\\set b random(1, $PROVIDERS)
\\set t random(1, 2000)
\\set r random(1, 9000000000000000000)
insert into $1 (request_id, $FIELDS)
values ($4, $2, $3, '/api/v1/chat/completions', 'llama-3-8b', 200, :t, 75, 250);
SQL
}

FIELDS='user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms'
declare -A TABLE=([bare]=bare.usage [ours]=rewards.usage_logs [plpgsql]=plain.usage [plpgsql_set]=plain.usage_set [entry]=double_entry.usage)

request_scripts()
{
	local who

	for who in bare ours plpgsql entry; do
		request_script "${TABLE[$who]}" "'usr_' || :u" "'prov_' || :p" null >"zipf.$who.sql"
		request_script "${TABLE[$who]}" "'usr_' || :u" "'prov_' || :p" "'req_' || :r" >"request.$who.sql"
		request_script "${TABLE[$who]}" "'usr_$ACCOUNTS'" "'prov_$PROVIDERS'" null >"hot.$who.sql"
		request_script "${TABLE[$who]}" "'usr_' || :a" "'prov_' || :b" null >"cold.$who.sql"
		request_script "${TABLE[$who]}" "'new_' || :r" "'new_' || :r" null >"new.$who.sql"
	done
	printf '%s\n' 'select rewards.post();' '\sleep 100 ms' >post.sql
	chmod a+r ./*.sql
}

# Sessions of applications live for hours, so the first WARM seconds do not count,
# except where cold sessions are the point. A failed transaction, a deadlock above
# all, must not pass for a fast one.
tps()
{
	local warm=${4:-$WARM}

	pgbench -c "$2" -j 2 -T $((warm + ${3:-$SECONDS_EACH})) -P 1 -f "$B/$1.sql" >pgbench.log 2>&1 ||
		{ cat pgbench.log >&2; tail -20 server.log >&2; die "pgbench failed in $1"; }
	# progress: 4.0 s, 12345.6 tps, ...
	awk -v warm="$warm" '/^progress:/ && $2 > warm + 0.5 { sum += $4; n++ } /^tps/ { all = $3 } END { print n ? sum / n : all }' pgbench.log
}

load()
{
	local name=$1 clients=$2 script=$3

	shift 3
	PGAPPNAME=$name pgbench -c "$clients" -j 1 -T 3600 "$@" -f "$B/$script.sql" >"load.$name.log" 2>&1 &
	LOADS+=" $!"
}

# Ends pgbenches by ending their sessions, and waits.
load_end()
{
	number "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = any (string_to_array('$*', ' '))" >/dev/null
	wait $LOADS || true
	LOADS=
}
LOADS=

# Prints p50 and p99 in ms.
latencies()
{
	as_owner mkdir -p logs
	as_owner find logs -type f -delete
	(cd logs && pgbench -c 1 -T "${2:-$SECONDS_EACH}" -l --log-prefix="$B/logs/l" -f "$B/$1.sql" >"$B/pgbench.log" 2>&1) ||
		{ cat pgbench.log >&2; die "pgbench failed in $1"; }
	cat logs/l.* | awk '{ print $3 / 1000 }' | sort -g |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)], v[int(NR * 0.99 + 0.5)], NR }'
}

# Milliseconds of one command.
timed()
{
	sql -At -c '\timing on' -c "$1" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -1
}

# Folds all there is.
post_all() { until [ "$(number 'select complete from rewards.post(500000)')" = t ]; do :; done; }

# The whole database, computed again.
verify()
{
	local wrong

	post_all
	wrong=$(number 'select count(*) from rewards.verify()')
	if [ "$wrong" = 0 ]; then
		say '' "After $1 rewards.verify() finds nothing wrong."
	else
		say '' "After $1 rewards.verify() finds $wrong rows that are WRONG:"
		number 'select * from rewards.verify() limit 20' | tee -a report.md
		FAILED=1
	fi
}
FAILED=0
