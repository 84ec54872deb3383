# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # here, repo, cache: scripts/kernel
#
# Our module, built for stock kernels.  Owns modules/NAME/KEY in the cache,
# keyed by kernel, sources and make arguments.  It builds a copy of the
# sources, so that the working tree stays clean.

module_build() {
	local name=$1 kernel snapshot dir
	shift
	is_stock "$name" || die "'$name' is not a stock kernel"
	kernel=$(stock_get "$name")
	module_snapshot
	dir=$cache/modules/$name/$(module_key "$@")
	[[ -e $dir ]] || with_lock "module-$name" module_make "$@"
	[[ $# -eq 0 ]] || cat "$dir/build.log" >&2
	touch "$dir"
	module_file "$dir"
}

# module_snapshot: what is built is a copy, which later edits do not reach.
module_snapshot() {
	snapshot=$(mktemp -d)
	# shellcheck disable=SC2064 # a local variable: expand it now
	trap "rm -rf '$snapshot'" EXIT
	(cd "$repo" && module_sources | xargs -r cp -a --parents -t "$snapshot")
}

# module_sources: what of the repository a module is built from; a build in
# the working tree leaves other files, which must not count.
module_sources() {
	local path paths=()
	for path in Kbuild Makefile drivers include kunit; do
		[[ ! -e $path ]] || paths+=("$path")
	done
	find "${paths[@]}" -type f \( -name '*.[chS]' -o -name 'K*' -o \
		-name 'Makefile*' \) ! -name '*.mod.c' | LC_ALL=C sort
}

module_key() {
	{
		echo "${kernel##*/}" "$@"
		cd "$snapshot" || exit
		tree_key .
	} | key
}

module_make() {
	local tmp=$dir.tmp log=$cache/modules/$name/build.log
	[[ ! -e $dir ]] || return 0
	rm -rf "$tmp"
	mkdir -p "$tmp"
	cp -a "$snapshot/." "$tmp/"
	# shellcheck disable=SC2046 # a list of words
	run_logged "building for $(<"$kernel/release")" "$log" 600 \
		make -C "$kernel/build" $(stock_make_args "$kernel") M="$tmp" \
		-j "$(nproc)" "$@" modules || die "our module does not build for $name"
	[[ -n $(module_file "$tmp") ]] || die "the build made no virtio_iommu.ko: $log"
	mv "$log" "$tmp/build.log"
	mv "$tmp" "$dir"
	prune 4 "$cache/modules/$name"/*/
}

module_file() {
	find "$1" -name virtio_iommu.ko | head -n 1
}
