# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # here, repo, cache: scripts/kernel
#
# The kernels that Debian ships: the newest of each release, with its headers,
# unpacked into the cache.  Owns kernels/NAME/ in it.
# The full images, not those for clouds: tests need nvme, ahci and e1000e.

declare -ra stock_names=(deb12-amd64 deb12-arm64 deb13-amd64 deb13-arm64 bpo13-amd64)
# Each release's own series: its security updates offer later ones too.
declare -rA stock_series=([deb12]=6.1. [deb13]=6.12. [bpo13]=7.)
declare -rA stock_gcc=([deb12]=12 [deb13]=14 [bpo13]=14)
declare -r stock_layout=1 # raise it when the steps below give another result

is_stock() {
	[[ " ${stock_names[*]} " == *" $1 "* ]]
}

# stock_current NAME: the link to the version in use.
stock_current() {
	echo "$cache/kernels/$1/current-$stock_layout"
}

stock_cached() {
	if [[ -e $(stock_current "$1") ]]; then
		cat "$(stock_current "$1")/release"
	else
		echo '(not fetched)'
	fi
}

stock_get() {
	[[ -e $(stock_current "$1") ]] ||
		with_lock "kernel-$1" stock_fetch "$1" unless-there
	readlink -f "$(stock_current "$1")"
}

# stock_refresh_all: fetch what has become old of what the cache has.
stock_refresh_all() {
	local name
	for name in "${stock_names[@]}"; do
		[[ ! -e $(stock_current "$name") ]] ||
			with_lock "kernel-$name" stock_fetch "$name"
		echo "$name $(stock_cached "$name")"
	done
}

# stock_newest: the newest kernel release with both an image and headers.
stock_newest() {
	awk -v arch="$arch" -v series="${stock_series[$release]}" '
		BEGIN { kernel = "-[0-9.]+(-[0-9]+)?([+]deb[0-9.]+)?-" arch "$" }
		$1 !~ "^linux-(image|headers)" kernel { next }
		{ uname = $1; sub(/^linux-[a-z]*-/, "", uname) }
		index(uname, series) != 1 { next }
		!seen[$1]++ && ++parts[uname] == 2 { print uname }
		' "$(packages_lists "$release")/index.$arch" | sort -V | tail -n 1
}

stock_fetch() {
	local name=$1 release=${1%-*} arch=${1#*-} uname image headers dir
	[[ -z ${2:-} || ! -e $(stock_current "$name") ]] || return 0
	uname=$(stock_newest)
	[[ -n $uname ]] || die "the package lists of $release have no kernel for $arch"
	image=$(packages_version "$release" "$arch" "linux-image-$uname")
	headers=$(packages_version "$release" "$arch" "linux-headers-$uname")
	dir=$cache/kernels/$name/$uname-$image-$stock_layout
	if [[ ! -e $dir ]]; then
		say "fetching Debian's kernel $uname ($image)"
		stock_unpack
	fi
	ln -sfn "${dir##*/}" "$(stock_current "$name")"
	prune 2 "$cache/kernels/$name"/[0-9]*
}

stock_unpack() {
	local tmp=$dir.tmp root=$dir.tmp/root
	rm -rf "$tmp"
	mkdir -p "$root"
	# shellcheck disable=SC2046 # a list of words
	packages_fetch "$release" "$root" "linux-image-$uname:$arch=$image" \
		"linux-headers-$uname:$arch=$headers" \
		$(stock_parts "linux-image-$uname" "$image" \
			"(binary|modules|base)-[^ ,]*" ":$arch") \
		$(stock_parts "linux-headers-$uname" "$headers" \
			"(headers-[^ ,]*-common|kbuild-[^ ,]*)" "")
	stock_take_image
	stock_take_headers
	echo "$arch" >"$tmp/arch"
	echo "${stock_gcc[$release]}" >"$tmp/gcc"
	mv "$tmp" "$dir"
}

# stock_parts PACKAGE VERSION PATTERN ARCH: the packages of the same version,
# as apt names them, that PACKAGE consists of: those it depends on.  Newer
# images are split.  The headers' build tools run on this machine, so they are
# its own even for another architecture.
stock_parts() {
	awk -v name="$1" -v version="$2" '
		$1 == name && $2 == version { print; exit }
		' "$(packages_lists "$release")/index.$arch" |
		{ grep -o -w -E "linux-$3" || :; } | sort -u | sed "s/\$/$4=$2/"
}

# Older packages have image and configuration in /boot under the kernel's
# name, newer ones beside the modules.
stock_take_image() {
	local modules=$tmp/modules/lib/modules/$uname place
	mkdir -p "$modules"
	for place in "$root"/{,usr/}lib/modules/"$uname"; do
		[[ ! -d $place ]] || cp -al "$place/." "$modules/"
	done
	stock_find vmlinuz >"$tmp/vmlinuz.packed"
	unpack_image "$tmp/vmlinuz.packed" >"$tmp/vmlinuz"
	stock_find config >"$tmp/config"
	echo "$uname" >"$tmp/release"
	rm -rf "$tmp/vmlinuz.packed" "$modules"/{build,source,vmlinuz,System.map} \
		"${root:?}"/{boot,lib/modules,usr/lib/modules}
	depmod -b "$tmp/modules" "$uname"
}

# stock_find FILE: its content.
stock_find() {
	local place
	for place in "$root/boot/$1-$uname" "$modules/$1"; do
		[[ ! -e $place ]] || {
			cat "$place"
			return
		}
	done
	die "Debian's kernel $uname has no $1 where it is expected"
}

# unpack_image FILE: what QEMU and firmware can start: a compressed arm64
# image is unpacked, be it plain gzip or an EFI program that unpacks itself.
unpack_image() {
	python3 - "$1" <<-'END'
	import gzip, struct, subprocess, sys
	data = open(sys.argv[1], "rb").read()
	if data[4:8] == b"zimg":
	    start, size = struct.unpack("<II", data[8:16])
	    tool = data[24:56].split(b"\0")[0].decode()
	    data = subprocess.run([tool, "-dc"], input=data[start:start + size],
	                          stdout=subprocess.PIPE).stdout
	elif data[:2] == b"\x1f\x8b":
	    data = gzip.decompress(data)
	sys.stdout.buffer.write(data)
	END
}

# The header packages name each other by absolute path: by their place here.
stock_take_headers() {
	local headers=usr/src/linux-headers-$uname
	sed -i "s,/usr/src/,$dir/root/usr/src/,g" "$root/$headers/Makefile"
	ln -s "root/$headers" "$tmp/build"
}

# stock_make_args DIR: the variables that kbuild must get for that kernel.
stock_make_args() {
	local gcc
	gcc=$(<"$1/gcc")
	case $(<"$1/arch") in
	amd64) echo "ARCH=x86_64 CROSS_COMPILE= CC=gcc-$gcc" ;;
	arm64) echo "ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc-$gcc" ;;
	esac
}

stock_make() {
	local dir
	is_stock "$1" || die "'$1' is not a stock kernel"
	dir=$(stock_get "$1")
	shift
	# shellcheck disable=SC2046 # a list of words
	exec make -C "$dir/build" $(stock_make_args "$dir") "$@"
}
