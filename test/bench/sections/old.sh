# Old transactions: a writer that has inserted a row and sits idle, and a prepared
# transaction with one, while 8 writers insert and a session posts every 100 ms. A
# round is one look at the backlog and the latencies.

section_old()
{
	call_scripts
	world old
	old_states without
	post_all
	old_begin
	old_states with
	old_end
	post_all
	record after backlog "$(number 'select backlog from rewards.status')"
	old_table
	verify 'old transactions'
}

# Beside 1000 rows a second, where posting has time on its hands, then at full speed.
old_states()
{
	progress "old transactions, $1, 1000 rows a second"
	old_state "$1 1000" $((OLD_SECONDS / 3)) -R 1000
	progress "old transactions, $1, full speed for $OLD_SECONDS s"
	old_state "$1 full" "$OLD_SECONDS"
}

old_begin()
{
	mkfifo idle
	sql <idle >/dev/null &
	IDLE=$!
	exec 3>idle
	echo "begin; $(old_insert);" >&3
	sql -c begin -c "$(old_insert)" -c "prepare transaction 'old'"
}

old_end()
{
	echo 'commit;' >&3
	exec 3>&-
	wait $IDLE
	sql -c "commit prepared 'old'"
}

old_insert() { echo "insert into rewards.usage_logs ($FIELDS) values ('usr_1', 'prov_1', '/api/v1/chat/completions', 'llama-3-8b', 200, 100, 75, 250)"; }

old_state()
{
	local rows from end case=$1 seconds=$2

	shift 2
	load writers 8 zipf.ours "$@"
	load poster 1 post
	rows=$(rows_drawn) from=$(now_ms) end=$((SECONDS + seconds)) ROUND=0
	while [ $SECONDS -lt $end ]; do
		ROUND=$((ROUND + 1))
		record "$case" backlog "$(number 'select backlog from rewards.status')"
		record "$case" open "$(number 'select open_stretches from rewards.status')"
		old_latency "$case" balance
		old_latency "$case" rank
	done
	record "$case" rows $((($(rows_drawn) - rows) * 1000 / ($(now_ms) - from)))
	load_end writers poster
}

old_latency()
{
	local result

	result=$(latencies "call.$2" 1)
	record_latencies "$1 $2" '' $result
}

old_table()
{
	local what label

	say '' '## Old transactions under load'
	table "Without, and with a writer idle in its transaction and a prepared one, beside 1000 rows a second and for $OLD_SECONDS s beside 8 writers at full speed; medians of one look a second or two:" '|1000/s without|with|full without|with'
	for what in rows backlog open; do
		case $what in rows) label='rows inserted a second' ;; backlog) label='rows not yet folded' ;; open) label='open stretches' ;; esac
		line "$label|$(median 'without 1000' $what)|$(median 'with 1000' $what)|$(median 'without full' $what)|$(median 'with full' $what)"
	done
	for what in balance rank; do
		for label in p50 p99; do
			line "$what $label, ms|$(median "without 1000 $what" $label)|$(median "with 1000 $what" $label)|$(median "without full $what" $label)|$(median "with full $what" $label)"
		done
	done
	say '' "Not folded after both had ended and one more posting: $(median after backlog)."
}
