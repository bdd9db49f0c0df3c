# Caches that do not help: sessions that meet each account for the first time, and
# accounts that nobody has met. Each pgbench run starts fresh sessions, which draw
# evenly from all accounts; few of them come twice in so short a time.

section_cold()
{
	local script who

	for ROUND in $(seq "$ROUNDS"); do
		progress "cold, round $ROUND"
		world cold
		for who in bare ours plpgsql; do tps "zipf.$who" 8 1 0 >/dev/null; done
		for script in cold new; do
			for who in $(turns bare ours plpgsql); do record $script $who "$(tps $script.$who 8 "$SECONDS_EACH" 0)"; done
		done
	done
	say '' '## Single rows with cold caches, 8 clients, transactions a second'
	table "Of rewards, posting registers new accounts, later; PL/pgSQL does at once." 'accounts|bare|rewards|ratio|PL/pgSQL|ratio'
	line "any of $ACCOUNTS, new to the session|$(median cold bare)|$(median cold ours)|$(ratio cold ours bare)|$(median cold plpgsql)|$(ratio cold plpgsql bare)"
	line "brand-new user and provider|$(median new bare)|$(median new ours)|$(ratio new ours bare)|$(median new plpgsql)|$(ratio new plpgsql bare)"
	verify 'cold and brand-new accounts'
}
