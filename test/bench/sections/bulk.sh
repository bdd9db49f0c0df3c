# One statement that inserts many rows. PL/pgSQL is given fewer, to its advantage: a
# row trigger that updates totals slows down with each row of a transaction, because
# versions of popular totals pile up that nobody may remove yet.

declare -A BULK_ROWS

section_bulk()
{
	local how who

	BULK_ROWS=([bare]=$ROWS [ours]=$ROWS [plpgsql_set]=$((ROWS / 10)) [plpgsql]=$((ROWS / 100)) [entry]=$((ROWS / 100)))
	bulk_files
	for ROUND in $(seq "$ROUNDS"); do
		world bulk
		bulk_warm
		for how in select copy select_request copy_request; do
			progress "bulk, round $ROUND, $how"
			for who in $(turns bare ours plpgsql plpgsql_set entry); do bulk_rate $how $who; done
		done
	done
	bulk_table
	verify 'the bulk loads of the last round'
}

# For COPY.
bulk_files()
{
	local rows

	as_owner mkdir -p feed
	world bulk
	for rows in "$ROWS" $((ROWS / 10)) $((ROWS / 100)); do
		sql -c "copy (select $FIELDS from feed order by n limit $rows) to '$B/feed/copy.$rows'" \
			-c "copy (select 'copy_' || request_id, $FIELDS from feed order by n limit $rows) to '$B/feed/copy_request.$rows'"
	done
}

bulk_warm()
{
	local who

	for who in bare ours plpgsql plpgsql_set entry; do
		sql -c "insert into ${TABLE[$who]} ($FIELDS) select $FIELDS from feed limit 1000"
	done
}

bulk_rate()
{
	local rows=${BULK_ROWS[$2]} target=${TABLE[$2]} command

	case $1 in
		select)	command="insert into $target ($FIELDS) select $FIELDS from feed where n <= $rows" ;;
		copy)	command="copy $target ($FIELDS) from '$B/feed/copy.$rows'" ;;
		select_request)	command="insert into $target (request_id, $FIELDS) select request_id, $FIELDS from feed where n <= $rows" ;;
		copy_request)	command="copy $target (request_id, $FIELDS) from '$B/feed/copy_request.$rows'" ;;
	esac
	record "$1" "$2" "$(timed "$command" | awk -v rows="$rows" '{ print rows / $1 * 1000 }')"
}

bulk_table()
{
	local how label

	say '' "## Bulk, $ROWS rows a statement, rows a second"
	table "Each statement in a session of its own. PL/pgSQL and the double entry have only $((ROWS / 100)) rows a statement, its set version $((ROWS / 10)), because they slow down with the rows of a transaction." 'statement|bare|rewards|ratio|PL/pgSQL|ratio|PL/pgSQL, set|ratio|double entry|ratio'
	for how in select copy select_request copy_request; do
		case $how in select*) label='INSERT ... SELECT' ;; copy*) label=COPY ;; esac
		case $how in *request) label+=' with request ids' ;; esac
		line "$label|$(median $how bare)|$(median $how ours)|$(ratio $how ours bare)|$(median $how plpgsql)|$(ratio $how plpgsql bare)|$(median $how plpgsql_set)|$(ratio $how plpgsql_set bare)|$(median $how entry)|$(ratio $how entry bare)"
	done
}
