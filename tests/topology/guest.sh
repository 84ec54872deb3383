# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# record the machine
#
# A step of a guest (its title is the line above): says over the guest's KTAP
# what "viommu topology" may want to know, a line for each file, link or empty
# directory, as tests/topology/tree.py reads it. Generous, so that the program
# may come to read more without all trees having to be recorded again.

tab=$(printf '\t')
say() { echo "# tree: $1$tab$2" >&3; }

# link FILE...: where each points to.
link() {
	for _file; do
		[ ! -L "$_file" ] || say "$_file" "-> $(readlink "$_file")"
	done
}

# text FILE...: each line of each.
text() {
	for _file; do
		[ -f "$_file" ] || continue
		cat "$_file" >/tmp/text 2>/dev/null || continue
		while IFS= read -r _line || [ -n "$_line" ]; do
			say "$_file" "= $_line"
		done </tmp/text
	done
}

# bytes FILE...: the first 256 bytes of each, or as many as there are.
bytes() {
	for _file; do
		[ ! -f "$_file" ] ||
			say "$_file" ": $(head -c 256 "$_file" | xxd -p | tr -d '\n')"
	done
}

# the_device LINK...: what a link in a bus or a group leads to.
the_device() {
	for _entry; do
		link "$_entry"
		_dir=$(readlink -f "$_entry")
		_dir=${_dir#/}
		case $_done in *" $_dir "*) continue ;; esac
		_done="$_done $_dir "
		link "$_dir/driver" "$_dir/iommu" "$_dir/iommu_group" \
			"$_dir/subsystem"
		text "$_dir/vendor" "$_dir/device" "$_dir/class" "$_dir/features"
		bytes "$_dir/config"
		of_node "$_dir"
	done
}

# of_node DEVICE: of a host bridge, an IOMMU, or what is behind one.
of_node() {
	[ -e "$1/of_node/iommu-map" ] || [ -e "$1/of_node/iommus" ] ||
		[ -e "$1/of_node/#iommu-cells" ] || return 0
	link "$1/of_node"
	_node=$(readlink -f "$1/of_node")
	bytes "${_node#/}/iommu-map" "${_node#/}/iommu-map-mask" "${_node#/}/iommus"
}

# Platform devices do no DMA for the most part, and there are many.
interesting() {
	[ -e "$1/iommu_group" ] || [ -e "$1/of_node/iommus" ] ||
		[ -e "$1/of_node/iommu-map" ] || [ -e "$1/of_node/#iommu-cells" ] ||
		[ -e "$1"/virtio0 ] || [ -e "$1"/virtio1 ] || [ -e "$1"/virtio2 ]
}

cd /
_done=
text proc/sys/kernel/osrelease proc/iomem
text "lib/modules/$(uname -r)/modules.dep"
[ ! -d sys/kernel/iommu_groups ] || say sys/kernel/iommu_groups /
[ ! -d sys/class/iommu ] || say sys/class/iommu /
[ ! -d sys/firmware/acpi/tables ] || say sys/firmware/acpi/tables /
[ ! -d sys/module/virtio_iommu ] || say sys/module/virtio_iommu /
text sys/module/virtio_iommu/version
for file in sys/bus/virtio/drivers/*; do
	[ ! -d "$file" ] || say "$file" /
done
for file in sys/firmware/acpi/tables/*; do
	case $file in
	*/VIOT) bytes "$file" ;;
	*) [ ! -f "$file" ] || say "$file" ":" ;;
	esac
done
the_device sys/bus/pci/devices/* sys/bus/virtio/devices/*
for device in sys/bus/platform/devices/*; do
	! interesting "$device" || the_device "$device"
done
for group in sys/kernel/iommu_groups/*; do
	[ -d "$group" ] || continue
	text "$group/type" "$group/reserved_regions" "$group/name"
	the_device "$group"/devices/*
done
for iommu in sys/class/iommu/*; do
	[ -L "$iommu" ] || continue
	link "$iommu"
	iommu=$(readlink -f "$iommu")
	case $iommu in
	/sys/devices/virtual/*) ;;
	*) the_device "${iommu%/iommu/*}" ;;
	esac
	for file in intel-iommu amd-iommu; do
		[ ! -d "$iommu/$file" ] || say "${iommu#/}/$file" /
	done
done
find sys/firmware/devicetree/base -name '#iommu-cells' | sort | while read -r file; do
	bytes "$file" "${file%/*}/phandle" "${file%/*}/compatible" "${file%/*}/status"
done
