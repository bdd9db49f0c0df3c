# How long verify() takes, step by step, and a range of it; what seals take of disk.

section_verify()
{
	local step

	for ROUND in $(seq "$ROUNDS"); do
		progress "verify, round $ROUND"
		world verify
		sql -c "insert into rewards.usage_logs ($FIELDS, created_at) select $FIELDS, created_at from feed order by n"
		post_all
		sql -c 'vacuum analyze'
		for step in rows totals network balances seals; do
			record_step "$step" $(timed_cpu "select count(*) from rewards.verify_step('$step', null, null)")
		done
		for step in rows totals seals; do
			record "$step" day "$(timed "select count(*) from rewards.verify_step('$step', current_date - 1, current_date)")"
		done
		record seals bytes "$(number "select (pg_total_relation_size('rewards.seal')::numeric / $ROWS)::numeric(10, 2)")"
	done
	say '' '## verify(), milliseconds a step'
	table "Of $ROWS rows in bulk over 75 days, folded, and of one day of them. A step takes one core. Seals take $(median seals bytes) bytes an event." 'step|all|CPU|one day'
	for step in rows totals network balances seals; do line "$step|$(median $step whole)|$(median $step cpu)|$(median $step day)"; done
	verify 'verifying'
}

record_step() { record "$1" whole "$2"; record "$1" cpu "$3"; }

# Milliseconds of one command, by the clock and of the session's CPU, by Linux's account.
timed_cpu()
{
	local ticks="select (s[14]::bigint + s[15]::bigint) * 10 from string_to_array(pg_read_file('/proc/self/stat', 0, 1000), ' ') s"

	sql -At -c "$ticks" -c '\timing on' -c "$1" -c '\timing off' -c "$ticks" |
		awk '/^Time:/ { wall = $2; next } /^Timing/ { next } first == "" { first = $1 } { last = $1 } END { print wall, last - first }'
}
