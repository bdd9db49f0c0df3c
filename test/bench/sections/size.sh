# Bytes an event, of WAL and of tables with their indexes and totals.

section_size()
{
	local who

	for ROUND in $(seq "$ROUNDS"); do
		progress "size, round $ROUND"
		world size
		sql -c 'alter system set autovacuum = off' -c 'select pg_reload_conf()' >/dev/null
		for who in $(turns bare ours plpgsql); do size_single $who; done
		sql -c 'alter system reset autovacuum' -c 'select pg_reload_conf()' >/dev/null
	done
	size_table
}

# Of single rows by 8 clients; those before have brought the pages into the log that
# it contains whole after a checkpoint. Posting is measured apart, and belongs to the
# whole of ours as the upserts belong to the other's.
size_single()
{
	local wal size

	pgbench -c 8 -t 250 -f "$B/request.$1.sql" >/dev/null 2>&1
	wal=$(wal_place) size=$(size_of "$1")
	pgbench -c 8 -t $((ROWS / 40)) -f "$B/request.$1.sql" >/dev/null 2>&1
	record wal "$1" "$(per_event "$(wal_place) - $wal")"
	if [ "$1" = ours ]; then
		record table ours "$(per_event "$(size_of ours) - $size")"
		record row ours "$(number 'select avg(pg_column_size(distribution)) from rewards.usage_logs')"
		post_all
		record wal posted "$(per_event "$(wal_place) - $wal")"
		record table posted "$(per_event "$(size_of ours) - $size")"
	else
		record table "$1" "$(per_event "$(size_of "$1") - $size")"
	fi
}

per_event() { awk "BEGIN { print ($1) / ($ROWS / 40 * 8) }"; }
wal_place() { number "select pg_current_wal_insert_lsn() - '0/0'"; }

size_of()
{
	case $1 in
		bare)	number "select pg_total_relation_size('bare.usage')" ;;
		plpgsql)	number "select sum(pg_total_relation_size(t)) from unnest(array['plain.usage', 'plain.ledger', 'plain.day_total', 'plain.month_total']::regclass[]) t" ;;
		ours)	number "select sum(pg_total_relation_size(c.oid)) from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'r' and c.relname <> 'account'" ;;
	esac
}

size_table()
{
	local what label

	say '' '## Bytes an event'
	table "Of $((ROWS / 40 * 8)) single-row transactions with request ids, Zipf-distributed; tables with indexes, totals included. A share takes no row: all of an event's take $(median row ours) bytes in its own." '|bare|rewards|ratio|rewards + post()|ratio|PL/pgSQL|ratio'
	for what in wal table; do
		case $what in wal) label=WAL ;; table) label=tables ;; esac
		line "$label|$(median $what bare)|$(median $what ours)|$(ratio $what ours bare)|$(median $what posted)|$(ratio $what posted bare)|$(median $what plpgsql)|$(ratio $what plpgsql bare)"
	done
}
