# How fast post() folds, in one go and in small pieces.

section_posting()
{
	local rows

	for ROUND in $(seq "$ROUNDS"); do
		progress "posting, round $ROUND"
		world posting
		for rows in 5000 "$ROWS"; do
			posting_feed now
			record "now $rows" ours "$(posting_rate "$rows")"
			posting_feed days
			record "days $rows" ours "$(posting_rate "$rows")"
		done
	done
	say '' '## Posting, rows a second'
	table "Of $ROWS rows inserted in bulk: of this moment, as posting meets them, and spread over 75 days, as in an import." 'rows a call|of now|of 75 days'
	for rows in 5000 "$ROWS"; do line "$rows|$(median "now $rows" ours)|$(median "days $rows" ours)"; done
	verify posting
}

posting_feed()
{
	case $1 in
		now)	sql -c "insert into rewards.usage_logs ($FIELDS) select $FIELDS from feed order by n" ;;
		days)	sql -c "insert into rewards.usage_logs ($FIELDS, created_at) select $FIELDS, created_at from feed order by n" ;;
	esac
}

posting_rate()
{
	local start

	start=$(now_ms)
	number "do \$\$ begin loop
		exit when (select complete from rewards.post($1));
		commit;
	end loop; end \$\$" >/dev/null
	echo $((ROWS * 1000 / ($(now_ms) - start)))
}
