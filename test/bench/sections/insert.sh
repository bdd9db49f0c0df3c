# Insert rates of single-row transactions.

section_insert()
{
	local clients who

	for ROUND in $(seq "$ROUNDS"); do
		world insert
		for who in bare ours plpgsql entry; do tps "zipf.$who" 8 1 0 >/dev/null; done
		for clients in 1 8 32; do
			progress "insert, round $ROUND, $clients clients"
			for who in $(turns bare ours posted plpgsql entry); do insert_rate zipf $clients $who; done
			for who in $(turns bare ours plpgsql); do insert_rate request $clients $who; done
		done
		for clients in 8 32; do
			for who in $(turns bare ours plpgsql); do insert_rate hot $clients $who; done
		done
	done
	insert_tables
	verify 'the inserts of the last round'
}

insert_rate()
{
	if [ "$3" = posted ]; then
		post_all
		load poster 1 post
		record "$1 $2" posted "$(tps "$1.ours" "$2")"
		load_end poster
	else
		record "$1 $2" "$3" "$(tps "$1.$3" "$2")"
	fi
}

# What the rows of one come to beside those of the others.
insert_lead()
{
	local clients

	table 'How many times as many rows as PL/pgSQL:' 'clients|beside PL/pgSQL|beside double entry'
	for clients in 1 8 32; do line "$clients|$(ratio "zipf $clients" ours plpgsql)|$(ratio "zipf $clients" ours entry)"; done
}

insert_tables()
{
	local clients case

	say '' '## Single rows, transactions a second'
	table 'Zipf-distributed accounts, no request id:' 'clients|bare|rewards|ratio|rewards + post()|ratio|PL/pgSQL|ratio|double entry|ratio'
	for clients in 1 8 32; do
		case="zipf $clients"
		line "$clients|$(median "$case" bare)|$(median "$case" ours)|$(ratio "$case" ours bare)|$(median "$case" posted)|$(ratio "$case" posted bare)|$(median "$case" plpgsql)|$(ratio "$case" plpgsql bare)|$(median "$case" entry)|$(ratio "$case" entry bare)"
	done
	insert_lead
	table 'The same, each with a request id of its own:' 'clients|bare|rewards|ratio|PL/pgSQL|ratio'
	for clients in 1 8 32; do
		case="request $clients"
		line "$clients|$(median "$case" bare)|$(median "$case" ours)|$(ratio "$case" ours bare)|$(median "$case" plpgsql)|$(ratio "$case" plpgsql bare)"
	done
	table 'All clients for one user and one provider; beside bare, and beside its own rate with the accounts above:' 'clients|bare|rewards|ratio|to its own|PL/pgSQL|ratio|to its own'
	for clients in 8 32; do
		case="hot $clients"
		line "$clients|$(median "$case" bare)|$(median "$case" ours)|$(ratio "$case" ours bare)|$(ratio "$case" ours ours "zipf $clients")|$(median "$case" plpgsql)|$(ratio "$case" plpgsql bare)|$(ratio "$case" plpgsql plpgsql "zipf $clients")"
	done
}
