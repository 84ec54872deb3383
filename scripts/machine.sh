# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What check and demo, the scripts that people start on a fresh machine, ask
# of that machine: Debian on amd64, root or sudo, a few packages, disk space.
# Sourced after lib.sh.  Whatever else is needed is in the sandbox.

# as_root CMD...
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# machine_check GIGABYTES: end with a message if this machine will not do.
# The space is only needed as long as the cache is empty.
machine_check() {
	[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] ||
		die 'needs Debian 12 or 13 on amd64 (arm64 guests run there, too)'
	[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
		die 'needs root, or a user who may use sudo'
	[ -z "$(ls -A "$(cache_dir)")" ] || return 0
	_free=$(df -k --output=avail "$(cache_dir)" | tail -n 1)
	[ "$_free" -ge $(($1 * 1000000)) ] ||
		die "needs $1 GB in $(cache_dir), which has $((_free / 1000000));" \
			'VIOMMU_CACHE=DIR puts it elsewhere'
}

# machine_packages PACKAGE...: install those that are missing.
machine_packages() {
	_missing=
	for _package; do
		dpkg-query -W -f '${Status}\n' "$_package" 2>/dev/null |
			grep -q 'ok installed' || _missing="$_missing $_package"
	done
	[ -n "$_missing" ] || return 0
	say "installing on this machine:$_missing"
	_log=$(mktemp)
	# shellcheck disable=SC2086 # a list of names
	machine_install $_missing >"$_log" 2>&1 || {
		tail -n 20 "$_log" >&2
		rm -f "$_log"
		die "cannot install$_missing"
	}
	rm -f "$_log"
}

# Lists that are missing or old name packages that are no longer there.
machine_install() {
	[ -n "$(find /var/lib/apt/lists -name '*_Packages*' -mtime -1 2>/dev/null |
		head -n 1)" ] || as_root apt-get -q update || :
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends install "$@" || {
		as_root apt-get -q update &&
			as_root env DEBIAN_FRONTEND=noninteractive \
				apt-get -q -y --no-install-recommends install "$@"
	}
}
