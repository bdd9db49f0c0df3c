# What one session holds after it has inserted rows naming every account.

section_memory()
{
	local piece=100000 from

	progress memory
	world memory
	{
		memory_probe before
		for from in $(seq 1 $piece "$ACCOUNTS"); do
			echo "insert into rewards.usage_logs ($FIELDS) select 'usr_' || n, 'prov_' || n % $PROVIDERS + 1, '/api/v1/chat/completions', 'llama-3-8b', 200, 100, 75, 250 from generate_series($from, least($from + $piece - 1, $ACCOUNTS)) n;"
		done
		memory_probe after
		echo "\\echo cache_size"
		echo 'show rewards.cache_size;'
	} >memory.sql
	chmod a+r memory.sql
	sql -At -f "$B/memory.sql" >memory.log
	memory_table
}

# Own memory of the process from the system, and the server's own account of it.
memory_probe()
{
	cat <<SQL
select pg_backend_pid() as pid \\gset
\\setenv PID :pid
\\echo $1
\\! awk '/^RssAnon/ { printf "%.1f\\n", \$2 / 1024 }' /proc/\$PID/status
select round(sum(total_bytes) / 1048576.0, 1) from pg_backend_memory_contexts;
SQL
}

memory_of() { sed -n "/^$1\$/,\$p" memory.log | sed -n "$2p"; }

memory_table()
{
	local when

	for when in before after; do
		record "$when" process "$(memory_of $when 2)"
		record "$when" contexts "$(memory_of $when 3)"
	done
	say '' '## Memory of a session, MB'
	table "Before and after rows that name $ACCOUNTS accounts, with rewards.cache_size at $(memory_of cache_size 2):" '|before|after'
	line "private memory of the process|$(median before process)|$(median after process)"
	line "memory contexts of the server|$(median before contexts)|$(median after contexts)"
}
