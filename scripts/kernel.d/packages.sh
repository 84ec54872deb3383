# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # here, repo, cache: scripts/kernel
#
# Debian's packages: which kernels there are, and fetching them.  Owns the
# package lists in the cache, one apt of our own for each release: it sees no
# configuration but what is written here, and checks all it gets against the
# archive's keyring.  Lists are read again only by packages_refresh.

declare -rA suites=(
	[deb12]='bookworm bookworm-updates bookworm-security'
	[deb13]='trixie trixie-updates trixie-security'
	[bpo13]='trixie-backports'
)

# packages_lists RELEASE: the directory of its lists, fetched if missing.
packages_lists() {
	local dir=$cache/apt-$1
	[[ -e $dir/index.arm64 ]] ||
		with_lock "apt-$1" packages_refresh "$1" unless-there
	echo "$dir"
}

packages_refresh_all() {
	local release
	for release in "${!suites[@]}"; do
		with_lock "apt-$release" packages_refresh "$release"
	done
	stock_refresh_all
	source_refresh_all
}

packages_refresh() {
	local dir=$cache/apt-$1
	[[ -z ${2:-} || ! -e $dir/index.arm64 ]] || return 0
	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	apt_conf "$dir" >"$dir/apt.conf"
	packages_sources "$1" >"$dir/sources.list"
	run_logged "package lists of $1" "$dir/log" 900 \
		env APT_CONFIG="$dir/apt.conf" apt-get -q update ||
		die "cannot read the package lists of $1"
	packages_index "$dir" amd64
	packages_index "$dir" arm64
}

apt_conf() {
	cat <<-END
	Dir::State "$1";
	Dir::State::lists "$1/lists";
	Dir::State::status "/dev/null";
	Dir::Cache "$1";
	Dir::Cache::pkgcache "";
	Dir::Cache::srcpkgcache "";
	Dir::Etc::SourceList "$1/sources.list";
	Dir::Etc::SourceParts "/dev/null";
	Dir::Etc::Preferences "/dev/null";
	Dir::Etc::PreferencesParts "/dev/null";
	APT::Architecture "amd64";
	APT::Architectures { "amd64"; "arm64"; };
	APT::Sandbox::User "root";
	Acquire::Languages "none";
	Acquire::Retries "3";
	END
	apt_network_options
}

# The sandbox's apt knows the machine's mirrors.
packages_sources() {
	local suite mirror security
	mirror=$(main_mirror) security=$(security_mirror)
	for suite in ${suites[$1]}; do
		case $suite in
		*-security)
			[[ -z $security ]] || echo "deb $security $suite main"
			;;
		*)
			echo "deb $mirror $suite main"
			;;
		esac
	done
}

# packages_index DIR ARCH: "NAME VERSION DEPENDS" of the packages we may want.
packages_index() {
	local dir=$1 arch=$2 lists
	# shellcheck disable=SC2016 # apt expands it
	mapfile -t lists < <(APT_CONFIG=$dir/apt.conf apt-get indextargets \
		--format '$(FILENAME)' 'Created-By: Packages' "Architecture: $arch")
	[[ ${#lists[@]} -gt 0 ]] || die "no package list for $arch"
	/usr/lib/apt/apt-helper cat-file "${lists[@]}" | awk -F ': ' '
		$1 == "Package" { name = $2; version = depends = "" }
		$1 == "Version" { version = $2 }
		$1 == "Depends" { depends = $2 }
		NF == 0 && name ~ /^(linux-(image|headers|kbuild|source)-[0-9]|busybox-static$)/ {
			print name, version, depends
		}' >"$dir/index.$arch.tmp"
	mv "$dir/index.$arch.tmp" "$dir/index.$arch"
}

# packages_version RELEASE ARCH PACKAGE: its newest version; empty if none.
packages_version() {
	awk -v name="$3" '$1 == name { print $2 }' \
		"$(packages_lists "$1")/index.$2" | sort -V | tail -n 1
}

# packages_fetch RELEASE DIR PACKAGE[:ARCH]=VERSION...: unpack them into DIR.
packages_fetch() {
	local lists dir=$2 deb
	lists=$(packages_lists "$1")
	shift 2
	mkdir -p "$dir.debs"
	(cd "$dir.debs" && run_logged "fetching ${1%%[:=]*}" "$dir.log" 1800 \
		env APT_CONFIG="$lists/apt.conf" apt-get -q download "$@") ||
		die "cannot fetch $*; if they are gone, try: scripts/kernel update"
	for deb in "$dir.debs"/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$dir.debs" "$dir.log"
}

# busybox_get ARCH: the path of a static busybox for a guest.
busybox_get() {
	local arch=$1 dir=$cache/busybox-$1
	[[ $arch == amd64 || $arch == arm64 ]] || die "no busybox for '$arch'"
	[[ -e $dir ]] || with_lock "busybox-$arch" busybox_fetch
	find "$dir" -path '*/bin/busybox'
}

busybox_fetch() {
	local version
	[[ ! -e $dir ]] || return 0
	version=$(packages_version deb13 "$arch" busybox-static)
	rm -rf "$dir.tmp"
	packages_fetch deb13 "$dir.tmp" "busybox-static:$arch=$version"
	mv "$dir.tmp" "$dir"
}
