# Debian systems of their own, for tests with another PostgreSQL than this machine's.
# Each is made once by debootstrap in a folder below ROOMS, kept for the next time, and
# mounted only while it is in use. For bash; to be sourced after lib.sh. Needs root.
#
#   room SUITES PACKAGE...   goes to the system of a Debian suite ("trixie"), or of one
#                            with packages of others ("trixie bookworm"); installs the
#                            packages, and copies the checkout there as /checkout
#   inside COMMAND...        runs it there; nothing of the caller's environment comes along
#   mirror [SECURITY]        where packages come from: MIRROR, else as this machine's apt
#
# Removing one is rm -rf of its folder and of the files beside it.

ROOMS=${ROOMS:-/var/tmp/rewards-rooms}

mirror()
{
	[ -z "${MIRROR:-}" ] || { echo "$MIRROR${1:+-security}"; return; }
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk -v wanted="${1:+-security}" '(wanted != "") == ($1 ~ /-security$/) { print $2; exit }' | grep .
}

inside() { chroot "$ROOM" env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin LANG=C.UTF-8 "$@" </dev/null; }

room_sources()
{
	local suite

	for suite; do
		echo "deb $(mirror) $suite main"
		case $suite in bookworm|trixie) echo "deb $(mirror security) $suite-security main" ;; esac
	done
}

# It starts no services and makes no cluster. Lists of suites in the making may be old.
room_make()
{
	local script=/usr/share/debootstrap/scripts/$1

	rm -rf "$ROOM"
	[ -e "$script" ] || script=${script%/*}/sid
	debootstrap --variant=minbase "$1" "$ROOM" "$(mirror)" "$script"
	printf '#!/bin/sh\nexit 101\n' >"$ROOM/usr/sbin/policy-rc.d"
	chmod 755 "$ROOM/usr/sbin/policy-rc.d"
	mkdir -p "$ROOM/etc/postgresql-common"
	echo 'create_main_cluster = false' >"$ROOM/etc/postgresql-common/createcluster.conf"
	printf 'Acquire::Check-Valid-Until "false";\nAcquire::Check-Date "false";\n' >"$ROOM/etc/apt/apt.conf.d/99old-lists"
}

room_install()
{
	inside dpkg-query -W "$@" >/dev/null 2>&1 && return
	cp /etc/resolv.conf /etc/hosts "$ROOM/etc/"
	# a PostgreSQL that is not released wants its own libpq; the rest stays as released
	printf 'Package: libpq*\nPin: release a=experimental\nPin-Priority: 990\n' >"$ROOM/etc/apt/preferences.d/libpq"
	inside apt-get update -q
	inside env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

room_leave() { umount "$ROOM/dev/shm" "$ROOM/proc" 2>/dev/null || true; }

room()
{
	local suites=$1 name=${1// /-}

	shift
	ROOM=$ROOMS/$name
	[ "$(id -u)" = 0 ] || die "only root can make a Debian of its own"
	command -v debootstrap >/dev/null || die "needs debootstrap: apt-get install debootstrap"
	mkdir -p "$ROOMS"
	exec 9>"$ROOM.lock"
	flock 9
	if [ ! -e "$ROOM.made" ]; then
		echo "making a Debian in $ROOM"
		(room_make ${suites%% *}) >"$ROOM.log" 2>&1 || die "debootstrap failed: see $ROOM.log"
		touch "$ROOM.made"
	fi
	trap room_leave EXIT
	trap 'exit 130' INT TERM
	mountpoint -q "$ROOM/proc" || mount -t proc proc "$ROOM/proc"
	mountpoint -q "$ROOM/dev/shm" || mount -t tmpfs -o mode=1777 shm "$ROOM/dev/shm"
	room_sources $suites >"$ROOM/etc/apt/sources.list"
	(room_install "$@") >"$ROOM.log" 2>&1 || die "apt-get failed: see $ROOM.log"
	rm -rf "$ROOM/checkout" "$ROOM"/tmp/rewards*
	mkdir "$ROOM/checkout"
	tar -C "$SRC" --exclude=./.git --exclude='tmp_check*' -cf - . | tar -C "$ROOM/checkout" --no-same-owner -xf -
}
