# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Functions that the scripts share: messages, the cache, locks, long commands
# with a bounded wait, and the addresses of the machine's Debian mirror.
# Sourced by POSIX shells; it defines functions and does nothing by itself.
#
# Everything that is downloaded or built lives in the cache, in directories
# named after a hash of what went into them.  A directory is filled under a
# temporary name and renamed when it is whole, so what exists is complete.

# Progress and errors go to stderr: stdout belongs to the answer.
say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
	say "$*"
	exit 1
}

# cache_dir: the root of the cache, created if it is missing.
cache_dir() {
	_cache=${VIOMMU_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/virtio-iommu}
	mkdir -p "$_cache" || die "cannot create the cache $_cache"
	(cd "$_cache" && pwd -P)
}

# key: a short hash of stdin, to name a cache directory with.
key() {
	sha256sum | cut -c1-16
}

# tree_key DIR...: a hash of the names and contents of all files below.
tree_key() {
	find "$@" -type f -print0 | LC_ALL=C sort -z |
		xargs -0 -r sha256sum | key
}

# lock FD NAME: take the lock NAME for as long as FD stays open, which the
# caller has opened with: exec FD>"$(lock_file NAME)".  Children inherit it:
# should the caller be killed, the lock lasts until they have ended, too.
lock_file() {
	mkdir -p "$(cache_dir)/locks"
	printf '%s/locks/%s\n' "$(cache_dir)" "$1"
}

lock() {
	flock -n "$1" && return
	say "waiting for another run that makes $2"
	flock -w "${VIOMMU_LOCK_WAIT:-3600}" "$1" ||
		die "gave up waiting for another run that makes $2"
}

# run_logged WHAT LOG SECONDS CMD...: run CMD with its output in LOG and at
# most SECONDS of time.  Shows where it is now and then, and the log's end if
# it fails.  Returns CMD's status.
run_logged() {
	_what=$1 _log=$2 _limit=$3
	shift 3
	timeout --kill-after=30 "$_limit" "$@" </dev/null >"$_log" 2>&1 &
	_pid=$!
	trap 'kill "$_pid" 2>/dev/null; wait "$_pid"; exit 130' INT TERM HUP
	_ticks=0
	while kill -0 "$_pid" 2>/dev/null; do
		sleep 0.5
		_ticks=$((_ticks + 1))
		[ $((_ticks % 40)) -ne 0 ] || run_logged_progress
	done
	_status=0
	wait "$_pid" || _status=$?
	trap - INT TERM HUP
	[ "$_status" -eq 0 ] || run_logged_failure
	return "$_status"
}

run_logged_progress() {
	_line=$(tail -n 1 "$_log" | tr -d '\r' | cut -c1-72)
	say "$_what ($((_ticks / 2)) s): $_line"
}

run_logged_failure() {
	[ "$_status" -ne 124 ] || say "$_what: took longer than $_limit s"
	say "$_what failed with status $_status; the end of $_log:"
	tail -n 40 "$_log" | sed 's/^/    /' >&2
}

# prune KEEP DIR...: of the directories given, remove all but the KEEP that
# were made, or touched, last.
prune() {
	_keep=$1
	shift
	# shellcheck disable=SC2012 # names are ours: a word and a hash
	ls -1dt "$@" 2>/dev/null | tail -n +"$((_keep + 1))" |
		while read -r _old; do
			rm -rf "$_old"
		done
}

# apt_sites: "CODENAME URI" of each Debian suite that this machine's apt uses,
# other repositories left out.  A mirror list is replaced by its first entry.
# shellcheck disable=SC2016 # apt expands these
apt_sites() {
	apt-get indextargets --format \
		'$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
		awk '$1 == "Debian" && !seen[$2 $3]++ { print $2, $3 }' |
		while read -r _suite _uri; do
			_uri=${_uri%/}
			case $_uri in
			mirror+file:*)
				_uri=$(awk '!/^#/ && NF { print $1; exit }' \
					"${_uri#mirror+file:}")
				;;
			esac
			printf '%s %s\n' "$_suite" "${_uri%/}"
		done
}

# main_mirror, security_mirror: where apt finds Debian and its security
# updates; empty if it knows of none.
main_mirror() {
	apt_sites | awk '$1 !~ /-security$/ { print $2; exit }'
}

security_mirror() {
	apt_sites | awk '$1 ~ /-security$/ { print $2; exit }'
}

# apt_network_options: what this machine's apt was told about reaching a
# mirror, as lines for an apt.conf.
apt_network_options() {
	apt-config dump --no-empty --format '%f "%v";%n' Acquire |
		grep -i -E '^Acquire::(https?::Proxy|ftp::Proxy|Check-Valid-Until|Check-Date) ' || :
}
