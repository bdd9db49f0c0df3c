# Old transactions: a writer that has inserted a row and sits idle, and a prepared
# transaction with one, while 8 writers run at full speed and a session posts every
# 100 ms. A round is one look at the backlog and the latencies.

section_old()
{
	progress "old transactions, $OLD_SECONDS s"
	call_scripts
	world old
	old_state without $((OLD_SECONDS / 2))
	post_all
	old_begin
	old_state with "$OLD_SECONDS"
	record with lag "$(number 'select extract(epoch from lag) from rewards.status')"
	old_end
	post_all
	record after backlog "$(number 'select backlog from rewards.status')"
	old_table
	verify 'old transactions'
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
	local rows from end

	load writers 8 zipf.ours
	load poster 1 post
	rows=$(rows_drawn) from=$(now_ms) end=$((SECONDS + $2)) ROUND=0
	while [ $SECONDS -lt $end ]; do
		ROUND=$((ROUND + 1))
		record "$1" backlog "$(number 'select backlog from rewards.status')"
		record "$1" open "$(number 'select open_stretches from rewards.status')"
		old_latency "$1" balance
		old_latency "$1" rank
	done
	record "$1" rows $((($(rows_drawn) - rows) * 1000 / ($(now_ms) - from)))
	load_end writers poster
}

old_latency()
{
	local result

	result=$(latencies "call.$2" 1)
	record "$1 $2" p50 "$(echo $result | cut -d' ' -f1)"
	record "$1 $2" p99 "$(echo $result | cut -d' ' -f2)"
}

old_table()
{
	say '' '## Old transactions under load'
	table "Without, and with a writer idle in its transaction and a prepared one for $OLD_SECONDS s; 8 writers at full speed, medians of one look a second or two:" '|without|with'
	line "rows inserted a second|$(median without rows)|$(median with rows)"
	line "rows not yet folded|$(median without backlog)|$(median with backlog)"
	line "open stretches|$(median without open)|$(median with open)"
	line "balance() p50, ms|$(median 'without balance' p50)|$(median 'with balance' p50)"
	line "balance() p99, ms|$(median 'without balance' p99)|$(median 'with balance' p99)"
	line "leaderboard_rank() p50, ms|$(median 'without rank' p50)|$(median 'with rank' p50)"
	line "leaderboard_rank() p99, ms|$(median 'without rank' p99)|$(median 'with rank' p99)"
	say '' "Not folded after both had ended and one more posting: $(median after backlog)."
}
