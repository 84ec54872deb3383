# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # here, repo, cache: scripts/kernel
#
# Debian's kernel sources, unpacked and never changed.  Owns sources/VERSION/
# in the cache.

# source_get VERSION: the directory of its newest source.
source_get() {
	local current=$cache/sources/$1/current
	[[ -e $current ]] ||
		with_lock "source-$1" source_fetch "$1" unless-there
	readlink -f "$current"
}

# source_refresh_all: fetch what has become old of what the cache has.
source_refresh_all() {
	local current version
	for current in "$cache"/sources/*/current; do
		[[ -e $current ]] || continue
		version=$(basename "$(dirname "$current")")
		with_lock "source-$version" source_fetch "$version"
		echo "source $version $(basename "$(readlink "$current")")"
	done
}

source_fetch() {
	local version=$1 home=$cache/sources/$1 release newest='' dir
	[[ -z ${2:-} || ! -e $home/current ]] || return 0
	for release in deb13 bpo13 deb12; do
		newest=$(packages_version "$release" amd64 "linux-source-$version")
		[[ -z $newest ]] || break
	done
	[[ -n $newest ]] || die "Debian has no linux-source-$version" \
		"(known now: $(source_known))"
	dir=$home/$newest
	[[ -e $dir ]] || source_unpack
	ln -sfn "$newest" "$home/current"
	prune 2 "$home"/[0-9]*/
}

source_known() {
	cut -d ' ' -f 1 "$cache"/apt-*/index.amd64 |
		sed -n 's/^linux-source-//p' | sort -u -V | xargs
}

source_unpack() {
	local tmp=$dir.tmp
	say "fetching the source of Linux $newest"
	rm -rf "$tmp"
	mkdir -p "$tmp/package" "$tmp/tree"
	packages_fetch "$release" "$tmp/package" "linux-source-$version=$newest"
	run_logged "unpacking" "$tmp/log" 900 tar -x --strip-components=1 \
		-C "$tmp/tree" -f "$tmp/package/usr/src/linux-source-$version.tar.xz" ||
		die "cannot unpack the source of Linux $newest"
	mv "$tmp/tree" "$dir"
	rm -rf "$tmp"
}
