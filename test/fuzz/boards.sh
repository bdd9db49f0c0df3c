# Random leaderboards against their truth, recomputed in plain SQL from the shares of
# the rows: see boards/run.sql. Each seed gets a world of its own.
#
#   SEEDS="7 8 9" EVENTS=20000 make test SUITES=fuzz TESTS=boards
set -e
here=$(dirname "$0")/boards
for seed in ${SEEDS:-1}; do
	psql -X -q -v ON_ERROR_STOP=1 -v seed="$seed" -v events="${EVENTS:-3000}" -f "$here/run.sql"
done
