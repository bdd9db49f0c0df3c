# What the test runner, the demo, the benchmarks and CI share: the packages, a
# private build folder, a private server. For bash; to be sourced.
#
#   packages WORD...     finds or installs what building needs and, for the words
#                        tap, pgtap, cron, lint, faketime and redis, what those need; sets PG_CONFIG, BIN, MAJOR
#   has WORD             is that there: build, tap, pgtap, cron, lint, faketime, redis
#   folder [PATH]        makes the private folder B, removed at exit, and goes there
#   build                builds into B, installs into B/stage, writes B/server.conf
#   server_start [PATH]  makes and starts a server in B or PATH, reached through its socket
#   server_stop FOLDER   stops whatever server still runs below the folder
#   small_disks N M      mounts disks of N and M MB for the faults of disks, where it may
#   as_owner COMMAND...  runs it as the owner of B and of the server: root may not
#                        run one, so under root that is the user postgres
#
# Set from outside: COPT, flags to compile with; UNDER, a command that every server
# runs under, such as valgrind; LIMIT, after how many seconds a suite hangs (900).

set -euo pipefail

SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
OLDEST=15						# the oldest PostgreSQL that rewards builds with
DEMO=/tmp/rewards-demo-$(id -u)	# a user's one demo, found there again by demo-stop

# Nothing of the caller's surroundings may change what is built or tested: not
# the server that PGHOST names, not the outer make's flags, not the language.
for variable in ${!PG@} MAKEFLAGS MFLAGS MAKELEVEL LC_ALL LANGUAGE; do
	[ "$variable" = PG_CONFIG ] || unset "$variable"
done
export LANG=C.UTF-8

die()
{
	echo "rewards: $*" >&2
	exit 1
}

as_owner()
{
	if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

major() { "$1" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/'; }

# A pg_config whose server can be both built for and run.
usable()
{
	command -v "$1" >/dev/null || return 1
	[ -f "$("$1" --includedir-server)/postgres.h" ] && [ -f "$("$1" --pgxs)" ] &&
		[ -x "$("$1" --bindir)/initdb" ] && [ "$(major "$1")" -ge $OLDEST ]
}

# The one that PG_CONFIG names, else the newest.
find_pg_config()
{
	local candidate

	if [ -z "${PG_CONFIG:-}" ]; then
		for candidate in /usr/lib/postgresql/*/bin/pg_config /usr/pgsql-*/bin/pg_config pg_config; do
			usable "$candidate" && echo "$(major "$candidate") $candidate"
		done | sort -rn | sed -n '1s/^[0-9]* //p'
	elif usable "$PG_CONFIG"; then
		echo "$PG_CONFIG"
	fi
}

has()
{
	case $1 in
		build)	command -v make >/dev/null && command -v cc >/dev/null && [ -n "$(find_pg_config)" ] ;;
		tap)	command -v prove >/dev/null && perl -MIPC::Run -MTest::More -e 1 2>/dev/null ;;
		pgtap)	command -v pg_prove >/dev/null && has build && [ -f "$("$(find_pg_config)" --sharedir)/extension/pgtap.control" ] ;;
		cron)	has build && [ -f "$("$(find_pg_config)" --sharedir)/extension/pg_cron.control" ] ;;
		lint)	command -v clang-tidy >/dev/null ;;
		faketime)	ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 ;;
		redis)	{ command -v redis-server || command -v redis-check-rdb; } >/dev/null && command -v redis-benchmark >/dev/null ;;
	esac
}

# The Debian packages for a word; $2 is PostgreSQL's major version.
packages_for()
{
	case $1 in
		build)	echo build-essential "postgresql-$2" "postgresql-server-dev-$2" ;;
		tap)	echo perl libipc-run-perl ;;
		pgtap)	echo libtap-parser-sourcehandler-pgtap-perl "postgresql-$2-pgtap" ;;
		cron)	echo "postgresql-$2-cron" ;;
		lint)	echo clang-tidy ;;
		faketime)	echo libfaketime ;;
		redis)	echo redis-tools ;;		# has the server's program too; redis-server would start a service
	esac
}

# The version to install for: that of the server in use, else the newest here that
# lacks its headers, else the newest on offer.
wanted_major()
{
	local used here offered

	used=$(find_pg_config)
	here=$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sed 's,/bin/postgres,,; s,.*/,,')
	offered=$(apt-cache --names-only search '^postgresql-server-dev-[0-9]+$' | sed 's/.*-dev-\([0-9]*\).*/\1/')
	if [ -n "$used" ]; then major "$used"; else newest $here || newest $offered || echo $OLDEST; fi
}

newest() { printf '%s\n' "$@" | awk -v oldest=$OLDEST '$1 >= oldest' | sort -n | tail -1 | grep .; }

# How to become root for apt without asking: empty under root, else sudo.
SUDO=
can_install()
{
	command -v apt-get >/dev/null || return 1
	[ "$(id -u)" = 0 ] && return
	SUDO='sudo -n'
	$SUDO true 2>/dev/null
}

apt()
{
	$SUDO env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$apt_log" 2>&1
}

# Installs for the words what apt knows of. Debian would make and start a server
# of its own with the first PostgreSQL package: tell it not to.
install_packages()
{
	local word package list='' apt_log conf=/etc/postgresql-common/createcluster.conf

	apt_log=$(mktemp)
	apt update || { cat "$apt_log" >&2; die "apt-get update failed"; }
	for word; do
		for package in $(packages_for "$word" "$(wanted_major)"); do
			if apt-cache show "$package" >/dev/null 2>&1; then list+=" $package"; fi
		done
	done
	if [ -n "$list" ]; then
		echo "installing$list"
		$SUDO sh -c "mkdir -p ${conf%/*}; grep -qs '^create_main_cluster' $conf || echo 'create_main_cluster = false' >>$conf"
		apt install -y --no-install-recommends $list || { tail -30 "$apt_log" >&2; die "apt-get install$list failed"; }
	fi
	rm -f "$apt_log"
}

# Building is a must; a suite whose tools cannot be had is skipped by the runner.
packages()
{
	local word missing=''

	[ -z "${PG_CONFIG:-}" ] || usable "$PG_CONFIG" ||
		die "PG_CONFIG=$PG_CONFIG is no pg_config of a PostgreSQL $OLDEST or newer with its server headers"
	for word in build "$@"; do
		has "$word" || missing+=" $word"
	done
	if [ -n "$missing" ] && can_install; then install_packages $missing; fi
	has build || die "needs a C compiler, make, and PostgreSQL $OLDEST or newer with its server headers
  on Debian and Ubuntu: apt-get install $(packages_for build "$(wanted_major 2>/dev/null)")
  elsewhere: install them, and set PG_CONFIG to that server's pg_config"
	[ "$(id -u)" != 0 ] || id -u postgres >/dev/null 2>&1 ||
		die "root cannot run a PostgreSQL server: make a user named postgres, or run this as another user"
	PG_CONFIG=$(command -v "$(find_pg_config)")
	BIN=$("$PG_CONFIG" --bindir)
	MAJOR=$(major "$PG_CONFIG")
}

# The folder is short-named for its socket's sake, and closed to other users,
# because the server in it trusts whoever reaches that socket. Everything goes on
# from there: the checkout may be one that the user postgres cannot even enter.
folder()
{
	umask 022					# a stricter one of root's would shut out postgres
	if [ $# = 0 ]; then B=$(mktemp -d /tmp/rewards.XXXXXX); else B=$1; mkdir -m 700 "$B"; fi
	trap folder_remove EXIT
	trap 'exit 130' INT TERM
	cd "$B"
	if [ "$(id -u)" = 0 ]; then
		chown postgres: "$B"
		readable_to_owner || copy_checkout
	fi
	export HOME=$B				# no .psqlrc, .pgpass or .proverc of the caller's
	as_owner mkdir build socket
}

readable_to_owner()
{
	local unreadable

	unreadable=$(as_owner find "$SRC" -name .git -prune -o \( ! -readable -o -type d ! -executable \) -print -quit 2>/dev/null) &&
		[ -z "$unreadable" ]
}

copy_checkout()
{
	as_owner mkdir checkout
	tar -C "$SRC" --exclude=./.git --exclude='tmp_check*' -cf - . | as_owner tar -C checkout -xf -
	SRC=$B/checkout
}

# For what happens when a disk is full: one for a tablespace, one for the log.
# Where they cannot be mounted a test says that it left this out.
small_disks()
{
	local name size

	[ "$(id -u)" = 0 ] || return 0
	for name in DISK WAL; do
		if [ $name = DISK ]; then size=$1; else size=$2; fi
		as_owner mkdir "$B/$name"
		if mount -t tmpfs -o "size=${size}m,mode=700,uid=$(id -u postgres)" tmpfs "$B/$name" 2>/dev/null; then
			export "REWARDS_$name=$B/$name"
		fi
	done
}

small_disks_remove()
{
	local name

	for name in DISK WAL; do
		if mountpoint -q "$B/$name"; then umount "$B/$name" || umount -l "$B/$name"; fi
	done
}

# KEEP=1 leaves the folder, for a look at logs and results.
folder_remove()
{
	server_stop "$B"
	cd /
	small_disks_remove
	if [ -n "${KEEP:-}" ]; then echo "kept: $B"; else rm -rf "$B"; fi
}

# A suite that hangs is ended, so that its log is still shown. Whoever brings own
# flags gets the code as it is written, without glibc's checked functions.
make_rewards()
{
	as_owner timeout --foreground "${LIMIT:-900}" make -s -C "$B/build" -f "$SRC/Makefile" \
		PG_CONFIG="$PG_CONFIG" with_llvm=no bindir="$BIN" ${COPT:+"COPT=$COPT" CPPFLAGS=-D_GNU_SOURCE} "$@"
}

# Nothing goes into the system's PostgreSQL: the server of the tests is told where
# the extension lies instead. PostgreSQL 18 has a setting for that, Debian's older
# ones have another.
build()
{
	local stage=$B/stage

	make_rewards -j2 install DESTDIR="$stage" >build.log 2>&1 || { cat build.log >&2; die "the build failed"; }
	grep -A 3 'warning:' build.log >&2 || true
	{
		if [ "$MAJOR" -ge 18 ]; then
			echo "extension_control_path = '$stage$("$PG_CONFIG" --sharedir):\$system'"
		elif as_owner "$BIN/postgres" --describe-config | grep '^extension_destdir' >/dev/null; then
			echo "extension_destdir = '$stage'"
		else
			die "this PostgreSQL $MAJOR cannot load an extension from a private folder; use make install and make installcheck"
		fi
		echo "dynamic_library_path = '$stage$("$PG_CONFIG" --pkglibdir):\$libdir'"
	} >stage.conf
	cat "$SRC/test/server.conf" stage.conf >server.conf
	[ -z "${UNDER:-}" ] || wrap_server
}

# A folder of programs as PostgreSQL's own, but for the server. pg_ctl looks for
# that beside itself, past links, so it is a copy.
wrap_server()
{
	as_owner mkdir bin
	as_owner ln -s "$BIN"/* bin/
	as_owner rm bin/postgres bin/pg_ctl
	as_owner cp "$BIN/pg_ctl" bin/
	printf '#!/bin/sh\nexec %s %s/postgres "$@"\n' "$UNDER" "$BIN" >bin/postgres
	chmod 755 bin/postgres
	BIN=$B/bin
}

# Its users find it by PGHOST and are its superuser postgres.
server_start()
{
	local place=${1:-$B}

	as_owner "$BIN/initdb" -D "$place/data" -U postgres -A trust -N -E UTF8 --no-locale >"$place/initdb.log" 2>&1 || { cat "$place/initdb.log" >&2; die "initdb failed"; }
	{
		cat "$B/server.conf"
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$place/socket'"
	} | as_owner tee -a "$place/data/postgresql.conf" >/dev/null
	as_owner "$BIN/pg_ctl" -D "$place/data" -l "$place/server.log" -w start >/dev/null || { cat "$place/server.log" >&2; die "the server did not start"; }
	export PGHOST=$place/socket PGUSER=postgres
}

# By the pid files: a suite that was cut short leaves its own servers there too.
server_stop()
{
	local file pid

	find "$1" -name postmaster.pid 2>/dev/null | while read -r file; do
		pid=$(head -1 "$file")
		kill -INT "$pid" 2>/dev/null || continue
		for _ in $(seq 100); do
			kill -0 "$pid" 2>/dev/null || continue 2
			sleep 0.1
		done
		kill -QUIT "$pid" 2>/dev/null || true
	done
}

sql() { as_owner "$BIN/psql" -X -q -v ON_ERROR_STOP=1 "$@"; }
