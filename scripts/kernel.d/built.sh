# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # here, repo, cache: scripts/kernel
#
# Kernels built from Debian's sources, named FLAVOUR-VERSION-ARCH.  Their
# configuration is in tests/kernel.  Owns, in the cache, kernels/NAME/KEY: what
# was built; and build/: one source tree for each version and one build
# directory for each name.  They stay, so that a changed driver is rebuilt in
# seconds.
#
#   overlay     our driver laid over the source
#   plain       the same with the kernel's own
#   kunit       our driver and its tests, with sanitizers
#   kunitplain  the same without
#   mutants     as kunit, of a driver that is wrong on purpose: kept apart
#   kcsan       the same with a look at data races in our files
#   gcov        the same with a count of what was run of the driver
#   rival       the kernel's own driver and our tests of any

# shellcheck disable=SC2034 # for scripts/kernel
declare -ra built_names=(overlay-7.3-x86_64 overlay-7.3-arm64 plain-7.3-x86_64
	kunit-7.3-x86_64 kunit-7.3-arm64 kunitplain-7.3-x86_64 kunit-6.12-x86_64
	kcsan-7.3-x86_64 gcov-7.3-x86_64 rival-7.3-x86_64 rival-6.12-x86_64
	mutants-7.3-x86_64)
declare -r built_recipe=1 # raise it when the steps below give another result
declare -r built_gcc=14

is_built() {
	[[ $1 =~ ^(overlay|plain|kunit|kunitplain|mutants|kcsan|gcov|rival)-[0-9.]+-(x86_64|arm64)$ ]]
}

built_cached() {
	local newest
	newest=$(find "$cache/kernels/$1" -mindepth 2 -maxdepth 2 -name release \
		-printf '%T@ %h\n' 2>/dev/null | sort -n | tail -n 1) || :
	if [[ -n $newest ]]; then
		cat "${newest#* }/release"
	else
		echo '(not built)'
	fi
}

# built_get NAME: the directory of that kernel with the driver as it is now.
built_get() {
	local name=$1 flavour version arch source snapshot key dir
	local fragments instruments
	built_prepare
	dir=$cache/kernels/$name/$key
	[[ -e $dir ]] || with_lock "build-$version" built_make
	touch "$dir"
	echo "$dir"
}

# built_prepare: from $name, set what the others use.  The driver is built
# from a snapshot, which later edits do not reach.
built_prepare() {
	IFS=- read -r flavour version arch <<<"$name"
	source=$(source_get "$version")
	snapshot=$(mktemp -d)
	# shellcheck disable=SC2064 # a local variable: expand it now
	trap "rm -rf '$snapshot'" EXIT
	built_fragments
	(cd "$repo" && cp --parents -t "$snapshot" "${fragments[@]}")
	[[ $flavour == plain ]] || built_snapshot
	built_instrument
	key=$({
		echo "$built_recipe" "$built_gcc" "${source##*/}"
		cd "$snapshot" || exit
		built_parts | xargs sha256sum
	} | key)
}

# built_fragments: $fragments, the files that the configuration is made of.
built_fragments() {
	fragments=(kunit/.kunitconfig tests/kernel/kunit{,"-$arch"}.config)
	case $flavour in
	overlay | plain) fragments=(tests/kernel/{common,"$arch"}.config) ;;
	kunit | mutants) fragments+=(tests/kernel/sanitizers.config) ;;
	kcsan | gcov) fragments+=("tests/kernel/$flavour.config") ;;
	rival) fragments[0]=kunit/mock/.kunitconfig ;;
	esac
}

# built_overlay REPO ARG...: its overlay, with what $flavour has of ours.
built_overlay() {
	local only=()
	[[ $flavour != rival ]] || only=(--tests)
	"$1/scripts/overlay" "${only[@]}" "${@:2}"
}

# built_parts: what of the snapshot makes a difference to that kernel.  The
# tests are laid over each tree, but compiled for KUnit alone.
built_parts() {
	local unused='^$'
	[[ $flavour != overlay ]] || unused='^\./(kunit|tests/host)/'
	find . -type f | LC_ALL=C sort | grep -v -E "$unused"
}

built_snapshot() {
	(cd "$repo" && built_overlay "$repo" --list | xargs \
		cp --parents -t "$snapshot" scripts/overlay scripts/lib.sh) ||
		die 'cannot copy the driver'
}

# built_instrument: $instruments, variables for kbuild, and lines for Makefiles
# of the snapshot, so that our files alone are compiled with what the flavour
# is for.  The Makefile of drivers/acpi is not ours.
built_instrument() {
	local dir=drivers/iommu/virtio file
	instruments=()
	case $flavour in
	gcov) set -- GCOV_PROFILE "$dir" ;;
	kcsan) set -- KCSAN_SANITIZE "$dir" kunit kunit/mock ;;
	*) return 0 ;;
	esac
	for dir in "${@:2}"; do
		echo "$1 := y" >>"$snapshot/$dir/Makefile"
	done
	for file in "$snapshot"/drivers/acpi/viot*.c; do
		file=${file##*/}
		instruments+=("$1_${file%.c}.o=y")
	done
}

built_make() {
	local tree log=$cache/build/$name.log
	[[ ! -e $dir ]] || return 0
	mkdir -p "$cache/build/$name"
	built_tree
	built_configure
	built_kbuild "building $name" 3600 -j "$(nproc)"
	built_install
	prune 4 "$cache/kernels/$name"/*/
}

# built_tree: $tree becomes a source tree with what $flavour wants in it.  All
# flavours share it, so that ccache knows the files of one from the other.  Its
# pristine files are hard links to the source; the overlay writes new ones.
built_tree() {
	tree=$cache/build/$version-tree
	if [[ $(cat "$tree/.source" 2>/dev/null) != "$source" ]]; then
		rm -rf "$tree" "$tree.tmp"
		cp -al "$source" "$tree.tmp"
		echo "$source" >"$tree.tmp/.source"
		mv "$tree.tmp" "$tree"
	fi
	if [[ $flavour == plain ]]; then
		"$here/overlay" --remove "$tree" >"$log"
	else
		built_overlay "$snapshot" "$tree" >"$log"
	fi || die "scripts/overlay failed on Linux $version"
}

# built_kbuild WHAT SECONDS MAKE-ARG...: run make.  KCSAN_SANITIZE holds where no
# Makefile says otherwise.
built_kbuild() {
	local what=$1 limit=$2 args=(ARCH="$arch" CC="ccache gcc-$built_gcc")
	shift 2
	[[ $arch == x86_64 ]] || args=(ARCH="$arch" CROSS_COMPILE=aarch64-linux-gnu-
		CC="ccache aarch64-linux-gnu-gcc-$built_gcc")
	run_logged "$what" "$log" "$limit" env \
		KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_VERSION=1 \
		KBUILD_BUILD_USER=tests KBUILD_BUILD_HOST=sandbox \
		KCSAN_SANITIZE=n \
		make -C "$tree" O="$cache/build/$name" "${args[@]}" \
		"${instruments[@]}" LOCALVERSION="-$flavour" "$@" || die "$what failed"
}

# built_configure: .config from the fragments, left alone if it is the same,
# and checked: kconfig drops silently what it cannot have.
built_configure() {
	local out=$cache/build/$name
	(cd "$snapshot" && cat "${fragments[@]}") >"$out/wanted.tmp"
	[[ ! -e $out/.config ]] || cp -p "$out/.config" "$out/.config.before"
	built_kbuild "configuring $name" 300 \
		KCONFIG_ALLCONFIG="$out/wanted.tmp" allnoconfig
	! cmp -s "$out/.config" "$out/.config.before" ||
		mv "$out/.config.before" "$out/.config"
	built_check_config
}

built_check_config() {
	local missing
	missing=$(grep -E '^CONFIG_' "$out/wanted.tmp" |
		grep -v -x -F -f "$out/.config" || :)
	missing+=$(sed -n 's/^# \(CONFIG_[A-Z0-9_]*\) is not set$/^\1=/p' \
		"$out/wanted.tmp" | { grep -f - "$out/.config" || :; })
	[[ -z $missing ]] || die "Linux $version does not take this configuration:" \
		"$missing"
}

built_install() {
	local out=$cache/build/$name tmp=$dir.tmp image=x86/boot/bzImage
	[[ $arch == x86_64 ]] || image=arm64/boot/Image
	rm -rf "$tmp"
	mkdir -p "$tmp/modules"
	built_kbuild "installing modules of $name" 300 \
		INSTALL_MOD_PATH="$tmp/modules" modules_install
	rm -f "$tmp"/modules/lib/modules/*/{build,source}
	cp "$out/arch/$image" "$tmp/vmlinuz"
	cp "$out/.config" "$tmp/config"
	cp "$out/include/config/kernel.release" "$tmp/release"
	[[ $flavour != gcov ]] || built_install_notes
	mv "$tmp" "$dir"
}

# built_install_notes: what gcov wants besides the counts.  The compiler's
# notes, under the names that they had, and the sources as they were.
built_install_notes() {
	mkdir "$tmp/notes" "$tmp/source"
	(cd "$out" && find drivers/iommu/virtio drivers/acpi -name '*.gcno' \
		-exec cp --parents -t "$tmp/notes" {} +)
	(cd "$snapshot" && cp -r --parents -t "$tmp/source" drivers)
	echo "$out" >"$tmp/objects"
}

# built_objects VERSION ARCH MAKE-ARG...: does the driver compile in that tree?
built_objects() {
	local name=overlay-$1-$2 flavour version arch source snapshot key
	local fragments instruments
	shift 2
	is_built "$name" || die "cannot build '$name'"
	built_prepare
	with_lock "build-$version" built_objects_make "$@"
}

built_objects_make() {
	local tree log=$cache/build/$name.log
	mkdir -p "$cache/build/$name"
	built_tree
	built_configure
	built_kbuild "preparing $name" 1200 -j "$(nproc)" prepare
	built_kbuild "building the driver in $name" 600 "$@" \
		drivers/iommu/virtio/ drivers/acpi/viot{,_table,_index}.o \
		drivers/pci/pci-driver.o drivers/base/platform.o
	cat "$log"
}
