#!/usr/bin/env bash
# make bench-first: a first figure of what the reward costs an INSERT. A private
# server, interleaved rounds, medians as ratios to a bare INSERT of the same row
# into a table with the same columns and indexes and no trigger; beside it the same
# without trigger into a table with the same partitions, to tell the two costs apart.
#
#   100,000 users and 2,000 providers, Zipf-distributed, chains of 3 levels on
#   both sides; single rows by pgbench at 8 and 32 clients, then 200,000 in bulk.
#
#   SECONDS_EACH=6 ROUNDS=3   how long and how often

. "$(dirname "$0")/../lib.sh"

ROUNDS=${ROUNDS:-3}
SECONDS_EACH=${SECONDS_EACH:-6}

packages
folder
build
# enough memory and log that neither checkpoints nor evictions fall into a round
printf '%s\n' 'shared_buffers = 1GB' 'max_wal_size = 16GB' 'checkpoint_timeout = 1h' >>server.conf
server_start
as_owner "$BIN/createdb" bench

sql -d bench >/dev/null <<'SQL'
create extension rewards;
select rewards.install();
insert into rewards.account (kind, name, joined_at) select 'user', 'usr_' || n, '2020-01-01' from generate_series(1, 100000) n;
insert into rewards.account (kind, name, joined_at) select 'provider', 'prov_' || n, '2020-01-01' from generate_series(1, 2000) n;
/* a referee of a referee of a referee, for all but the first of each kind */
update rewards.account a set referrer = n.first + (a.id - n.first) / 8, referred_at = '2020-01-01', seen_from = 0,
	recorded_at = now(), recorded_xid = pg_current_xact_id()
from (select id, min(id) over (partition by kind) as first from rewards.account) n where n.id = a.id and a.id > n.first + 7;
create table bare (like rewards.usage_logs);
create sequence bare_number;
alter table bare alter id set default nextval('bare_number'), alter created_at set default now(),
	alter status_code set default 200, alter input_tokens set default 0, alter output_tokens set default 0;
alter table bare add primary key (id);
create index on bare using brin (created_at);
create unique index on bare (request_id) where request_id is not null and status_code between 200 and 299;
create table parted (like bare including defaults) partition by range (id);
alter table parted add primary key (id);
create index on parted using brin (created_at);
create table parted_1 partition of parted for values from (1) to (100000000);
create table parted_default partition of parted default;
create unique index on parted_1 (request_id) where request_id is not null and status_code between 200 and 299;
vacuum analyze;
SQL

# One row of traffic; the same for both tables.
row()
{
	cat <<SQL
\\set u random_zipfian(1, 100000, 1.1)
\\set p random_zipfian(1, 2000, 1.1)
\\set t random(1, 2000)
insert into $1 (user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms)
values ('usr_' || :u, 'prov_' || :p, '/api/v1/chat/completions', 'llama-3-8b', 200, :t, 75, 250);
SQL
}
row bare >bare.sql
row parted >parted.sql
row rewards.usage_logs >ours.sql
chmod a+r bare.sql parted.sql ours.sql

single()
{
	as_owner "$BIN/pgbench" -n -M prepared -c "$2" -j 2 -T "$SECONDS_EACH" -f "$B/$1.sql" bench 2>/dev/null |
		sed -n 's/^tps = \([0-9]*\).*/\1/p'
}

# 200,000 rows in one INSERT ... SELECT, the same Zipf(1.1), as rows a second.
bulk()
{
	sql -d bench -At <<SQL
\\o /dev/null
select setseed(0.5);
\\o
\\timing on
insert into $1 (user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms)
select 'usr_' || floor((1 - random() * (1 - 100000 ^ -0.1)) ^ -10), 'prov_' || floor((1 - random() * (1 - 2000 ^ -0.1)) ^ -10),
	'/api/v1/chat/completions', 'llama-3-8b', 200, 150, 75, 250
from generate_series(1, 200000);
SQL
}
bulk_rate() { bulk "$1" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | awk '{ printf "%d\n", 200000 / ($1 / 1000) }'; }

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

echo "rewards on PostgreSQL $MAJOR, $(nproc) cores, $ROUNDS rounds of $SECONDS_EACH s, fsync off"
single ours 8 >/dev/null; single bare 8 >/dev/null		# warm
for round in $(seq "$ROUNDS"); do
	for clients in 8 32; do
		for table in bare parted ours; do
			single $table $clients >>"$table.$clients"
		done
	done
	bulk_rate bare >>bare.bulk
	bulk_rate parted >>parted.bulk
	bulk_rate rewards.usage_logs >>ours.bulk
done

printf '%-28s %10s %12s %10s %7s\n' '' bare partitioned ours ratio
for what in 8 32 bulk; do
	bare=$(median <"bare.$what") parted=$(median <"parted.$what") ours=$(median <"ours.$what")
	label="single rows, $what clients"
	[ "$what" = bulk ] && label='bulk of 200,000, rows/s'
	printf '%-28s %10d %12d %10d %7.2f\n' "$label" "$bare" "$parted" "$ours" "$(awk "BEGIN { print $ours / $bare }")"
done
sql -d bench -At -F ' ' <<'SQL' | awk '{ printf "%-28s %10.0f %12s %10.0f %7.2f\n", "bytes an event, with indexes", $1, "", $2, $2 / $1 }'
select pg_total_relation_size('bare') / (select count(*) from bare)::numeric,
	(select sum(pg_total_relation_size(i.inhrelid)) from pg_inherits i where i.inhparent = 'rewards.usage_logs'::regclass)
		/ (select count(*) from rewards.usage_logs)::numeric;
SQL
sql -d bench -At <<'SQL' | sed 's/^Time: /posting what was inserted: /'
\o /dev/null
\timing on
select * from rewards.post();
\timing off
\o
select format('%s rows, %s differences found by verify()', (select last from rewards.cursor), count(*)) from rewards.verify();
SQL
