# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What the steps of a scenario may say. A function is a test: it returns 0 if
# all is well, and says with `note` what is not. `fact` states what only the
# host can confirm, from the disk's image or QEMU's trace. Devices are called
# by their names in the scenario.

# ---- how the guest speaks -----------------------------------------------

ktap() { echo "$*" >&3; }
note() { ktap "# $*"; mark "$*"; }
fact() { ktap "# fact: $*"; }
mark() { echo "viommu-boot: $*" >/dev/kmsg; }
fail() { note "$*"; return 1; }
skip() { note "$*"; return 4; }

uptime_seconds() {
	read -r _uptime _ </proc/uptime
	echo "${_uptime%.*}"
}

# until_true SECONDS COMMAND...: wait for a command to succeed.
until_true() {
	_end=$(($(uptime_seconds) + $1))
	shift
	until "$@"; do
		[ "$(uptime_seconds)" -lt "$_end" ] || return 1
		usleep 200000
	done
}

power_off() {
	sync
	mark "powering off"
	exec 3>&-
	# Without ACPI the kernel cannot: the register that it would write.
	! grep -q acpi=off /proc/cmdline ||
		printf '\000\040' | dd of=/dev/port bs=1 seek=$((0x604)) 2>/dev/null
	poweroff -f
}

# ---- devices and their groups -------------------------------------------

# load MODULES: load modules, in this order.
load() {
	for _module in $1; do
		modprobe "$_module" || note "cannot load $_module"
	done
}

# at NAME: the PCI address of a device, or its name on the platform bus.
at() {
	eval "echo \$AT_$(echo "$1" | tr - _)"
}

sysfs() {
	case $(at "$1") in
	????:??:*) echo "/sys/bus/pci/devices/$(at "$1")" ;;
	*) echo "/sys/bus/platform/devices/$(at "$1")" ;;
	esac
}

# claim NAME: bind a device that no driver knows to pci-stub.
claim() {
	echo pci-stub >"$(sysfs "$1")/driver_override"
	at "$1" >/sys/bus/pci/drivers_probe
}

# plug NAME...: the host gives the machine the devices. Functions of one slot
# appear, with all that is behind them, when function 0 is plugged: the last.
plug() {
	for _name; do
		ktap "# host: plug $_name"
	done
	for _name; do
		until_true 20 [ -e "$(sysfs "$_name")" ] ||
			fail "$_name: is not there" || return
		case " $STUBS " in
		*" $_name "*) claim "$_name" ;;
		esac
	done
}

# unplug NAME: the host takes the device away.
unplug() {
	ktap "# host: unplug $1"
	until_true 20 [ ! -e "$(sysfs "$1")" ] || fail "$1: is still there"
}

# block NAME: the block device of a disk, once it is there.
block() {
	until_true 10 find_block "$1" || fail "$1: no block device"
}

find_block() {
	for _disk in /sys/block/*; do
		case $(readlink -f "$_disk") in
		*/"$(at "$1")"/*) echo "/dev/${_disk##*/}"; return 0 ;;
		esac
	done
	return 1
}

# interface NAME: the interface of a network card, once it is there.
interface() {
	until_true 10 find_interface "$1" || fail "$1: no network interface"
}

find_interface() {
	for _interface in "$(sysfs "$1")"/net/* "$(sysfs "$1")"/virtio*/net/*; do
		[ ! -d "$_interface" ] || { echo "${_interface##*/}"; return 0; }
	done
	return 1
}

# group NAME: the number of the IOMMU group of a device.
group() {
	_group=$(readlink "$(sysfs "$1")/iommu_group") ||
		fail "$1: in no IOMMU group" || return
	echo "${_group##*/}"
}

# translated NAME: the device's group has the domain that the policy asks for.
translated() {
	_number=$(group "$1") || return
	_type=$(cat "/sys/kernel/iommu_groups/$_number/type")
	case $POLICY in
	strict) _wanted=DMA ;;
	lazy) _wanted=DMA-FQ ;;
	passthrough) _wanted=identity ;;
	esac
	[ "$_type" = "$_wanted" ] || fail "$1: domain is $_type, not $_wanted"
}

# ungrouped NAME: no IOMMU translates the device.
ungrouped() {
	[ ! -e "$(sysfs "$1")/iommu_group" ] || fail "$1: is in an IOMMU group"
}

# reserved NAME START END TYPE: the group has this reserved region.
reserved() {
	_number=$(group "$1") || return
	grep -q "^0x0*$2 0x0*$3 $4\$" \
		"/sys/kernel/iommu_groups/$_number/reserved_regions" || {
		note "$1: reserved regions are" "$(tr '\n' ';' \
			<"/sys/kernel/iommu_groups/$_number/reserved_regions")"
		return 1
	}
}

# shows REGEX...: "viommu topology" has a line for each.
shows() {
	viommu topology >/tmp/topology || fail "viommu topology: status $?" || return
	for _line; do
		grep -Eq -- "$_line" /tmp/topology && continue
		note "viommu topology does not show: $_line"
		while read -r _line; do note "$_line"; done </tmp/topology
		return 1
	done
}

# ---- DMA ----------------------------------------------------------------

# dma_disk NAME: what is written to a disk is read back, and is on the disk.
dma_disk() {
	_disk=$(block "$1") || return
	transfer "$1" "$_disk" 4096 256 0 &&
	transfer "$1" "$_disk" 1048576 3 1048576 &&
	transfer "$1" "$_disk" 37376 5 $((37376 * 200)) &&
	fact dma "$1"
}

# transfer NAME DISK SIZE COUNT OFFSET: COUNT blocks of SIZE bytes, direct.
transfer() {
	head -c $(($3 * $4)) /dev/urandom >/tmp/out
	_sum=$(sha256sum </tmp/out)
	dd if=/tmp/out of="$2" bs="$3" seek=$(($5 / $3)) oflag=direct \
		conv=notrunc,fsync 2>/tmp/dd || fail "$1: $(cat /tmp/dd)" || return
	echo 3 >/proc/sys/vm/drop_caches
	dd if="$2" of=/tmp/in bs="$3" skip=$(($5 / $3)) count="$4" iflag=direct \
		2>/tmp/dd || fail "$1: $(cat /tmp/dd)" || return
	[ "$(sha256sum </tmp/in)" = "$_sum" ] ||
		fail "$1: $4 times $3 bytes at $5 differ" || return
	fact disk "$1" "$5" $(($3 * $4)) "${_sum%% *}"
}

# dma_net NAME: a megabyte sent to the echo service comes back the same. QEMU
# may take DMA that starts at the last byte of a page for DMA to the next page:
# one byte that differs is forgiven, but not three times.
dma_net() {
	_interface=$(interface "$1") || return
	ifconfig "$_interface" 10.0.2.15 netmask 255.255.255.0 up ||
		fail "$1: $_interface cannot be used" || return
	until_true 10 ping -c 1 -W 1 10.0.2.2 >/dev/null ||
		fail "$1: no answer from the network" || return
	send_megabyte || send_megabyte || send_megabyte || :
	cmp /tmp/out /tmp/in || fail "$1: the echo has $(wc -c </tmp/in) bytes, of" \
		"which these differ: $(cmp -l /tmp/out /tmp/in | extent)" || return
	ifconfig "$_interface" down
	fact dma "$1"
}

# send_megabyte: and receive it; false if it came back with one byte changed.
send_megabyte() {
	head -c "$ECHO_BYTES" /dev/urandom >/tmp/out
	timeout 60 nc 10.0.2.100 7 </tmp/out >/tmp/in
	[ "$(cmp -l /tmp/out /tmp/in | wc -l)" -ne 1 ]
}

# extent: number, first and last of the bytes that cmp -l says differ.
extent() { awk 'NR == 1 { first = $1 } END { print NR, first, $1 }'; }

# hotplug NAME COUNT: plug a network card, use it and unplug it, COUNT times.
# Each time its group is the same, and gone afterwards, as is its memory: the
# first rounds fill caches, a leak goes on. Linux 7.3 grows by 40 KiB a round
# whichever driver it has; a domain with the IOVA caches of two CPUs is more.
hotplug() {
	_round=0
	while [ $((_round += 1)) -le "$2" ]; do
		[ "$_round" -ne 4 ] || _memory=$(kernel_memory)
		plug "$1" && translated "$1" && dma_net "$1" || return
		[ "$_number" = "${_first:=$_number}" ] ||
			fail "$1: in group $_number, after $_first" || return
		unplug "$1" || return
		until_true 5 no_empty_group ||
			fail "$1: its group is still there" || return
	done
	[ "$2" -lt 10 ] || [ $(($(kernel_memory) - _memory)) -lt $((64 * $2)) ] ||
		fail "$1: the kernel has $(kernel_memory) KiB after $_memory"
}

# no_empty_group: each group has a device. Without ACS, as where no driver could
# ask for it early enough, a card shares the group of the port above it.
no_empty_group() {
	for _devices in /sys/kernel/iommu_groups/*/devices; do
		[ -n "$(ls "$_devices")" ] || return
	done
}

# kernel_memory: KiB that the kernel has allocated and cannot reclaim.
kernel_memory() { awk '/^SUnreclaim/ { print $2 }' /proc/meminfo; }

# stray_dma NAME [BRIDGE]: an edu device writes to a page that was never mapped
# for it. It arrives with passthrough; otherwise it is blocked, and a fault is
# logged, of the bridge if the IOMMU cannot tell one from the other.
stray_dma() {
	mark "stray DMA by $(at "$1")"
	_result=$(stray "$(at "$1")") || fail "$1: $_result" || return
	_address=${_result#* }
	_result=${_result% *}
	if [ "$POLICY" = passthrough ]; then
		[ "$_result" = arrived ] || fail "$1: the DMA was $_result"
		return
	fi
	[ "$_result" = blocked ] || fail "$1: the DMA $_result" || return
	fact blocked "$1"
	until_true 5 fault_logged "$(at "${2:-$1}")" "$_address" ||
		fail "$1: no line of the log names the fault"
}

# stray_dma_arrives NAME: so it must where no IOMMU is in the way.
stray_dma_arrives() {
	_result=$(stray "$(at "$1")") || fail "$1: $_result" || return
	[ "${_result% *}" = arrived ] || fail "$1: the DMA was $_result"
}

# The kernel's own driver gives the endpoint's number instead of the address.
fault_logged() {
	_lines=$(dmesg | sed '1,/stray DMA by/d' | grep -i fault | grep -i "$2")
	[ "$DRIVER" = rival ] ||
		_lines=$(echo "$_lines" | grep -F "$1" | grep -i domain)
	[ -n "$_lines" ]
}

# interrupts NAME [CHIP]: the disk works with MSI-X, interrupts of that chip.
interrupts() {
	_disk=$(block "$1") || return
	_before=$(count_interrupts "$1" "$2")
	dd if="$_disk" of=/dev/null bs=4096 count=64 iflag=direct 2>/dev/null
	_after=$(count_interrupts "$1" "$2")
	[ "$_after" -gt "$_before" ] ||
		fail "$1: $_before interrupts before, $_after after reading" ||
		return
	grep -q msix "$(sysfs "$1")"/msi_irqs/* || fail "$1: not MSI-X"
}

count_interrupts() {
	_sum=0
	for _irq in "$(sysfs "$1")"/msi_irqs/*; do
		_line=$(grep "^ *${_irq##*/}:.*$2" /proc/interrupts) || continue
		# shellcheck disable=SC2086 # a column a CPU
		set -- "$1" "$2" $_line
		_sum=$((_sum + $4 + $5))
	done
	echo "$_sum"
}

# ---- the IOMMU's driver and the log -------------------------------------

log_says() {
	until_true 2 log_has "$1" || fail "no line of the log matches: $1"
}

# The kernel's lines only: what the steps say there is full of patterns.
kernel_log() { dmesg | grep -v 'viommu-boot: '; }

log_has() { kernel_log | grep -Eiq "$1"; }

log_lacks() {
	! log_has "$1" || fail "the log has: $(kernel_log | grep -Eim 1 "$1")"
}

# whose_driver: ours has a version, the kernel's own has none.
whose_driver() {
	if [ -e /sys/module/virtio_iommu/version ]; then
		echo ours
	elif [ -e "$(iommu_driver)" ]; then
		echo rival
	else
		echo none
	fi
}

# iommu_device: the virtio device that is the IOMMU.
iommu_device() {
	for _virtio in /sys/bus/virtio/devices/*; do
		case $(cat "$_virtio/device") in
		0x0017) echo "${_virtio##*/}"; return 0 ;;
		esac
	done
	fail "no virtio-iommu device"
}

iommu_driver() {
	for _driver in /sys/bus/virtio/drivers/virtio[_-]iommu; do
		echo "$_driver"
	done
}

unbind_iommu() {
	_virtio=$(iommu_device) && _driver=$(iommu_driver) || return
	echo "$_virtio" >"$_driver/unbind"
}

bind_iommu() {
	_virtio=$(iommu_device) && _driver=$(iommu_driver) || return
	echo "$_virtio" >"$_driver/bind"
}

# replug_iommu: the IOMMU's PCI function leaves the machine and comes back.
replug_iommu() {
	_virtio=$(iommu_device) || return
	_function=$(readlink -f "/sys/bus/virtio/devices/$_virtio/..")
	echo 1 >"$_function/remove"
	[ ! -e "$_function" ] || fail "${_function##*/} is still there" || return
	echo 1 >/sys/bus/pci/rescan
	until_true 5 iommu_is_driven || fail "the IOMMU has no driver any more"
}

iommu_is_driven() {
	_virtio=$(iommu_device) && [ -e "/sys/bus/virtio/devices/$_virtio/driver" ]
}

# reprobe NAME...: give devices that lost their driver one again.
reprobe() {
	for _name; do
		[ -e "$(sysfs "$_name")/driver" ] || at "$_name" >/sys/bus/pci/drivers_probe
		[ -e "$(sysfs "$_name")/driver" ] || fail "$_name: no driver takes it" || return
	done
}

# busy NAME: read and write a disk in the background from now on; through a
# node of its own, which writing does not create anew when the disk is gone.
busy() {
	_disk=$(block "$1") || return
	_node=$(mktemp -u)
	# shellcheck disable=SC2046 # major and minor number
	mknod "$_node" b $(tr : ' ' <"/sys/class/block/${_disk##*/}/dev")
	while [ ! -e /tmp/calm ] && dd if=/dev/zero of="$_node" bs=65536 \
		count=64 oflag=direct conv=notrunc &&
		dd if="$_node" of=/dev/null bs=4096 iflag=direct
	do :; done >/dev/null 2>&1 &
}

# calm: no disk is busy any more.
calm() {
	touch /tmp/calm
	killall dd || :
	until_true 10 no_dd || fail "still busy: $(pgrep -l dd)"
}

no_dd() { ! pgrep -x dd >/dev/null; }

# reboot_under_load NAME COUNT: reboot while the disk is busy, COUNT times;
# the disk's last sector counts. The scenario says reboots = COUNT.
reboot_under_load() {
	_disk=$(block "$1") || return
	_last=$(($(blockdev --getsize64 "$_disk") / 512 - 1))
	_done=$(dd if="$_disk" bs=512 skip=$_last iflag=direct 2>/dev/null |
		tr -dc 0-9)
	_done=${_done:-0}
	[ "$_done" -lt "$2" ] || return 0
	printf '%-512s' $((_done + 1)) | dd of="$_disk" bs=512 seek=$_last \
		oflag=direct conv=notrunc,fsync 2>/dev/null
	for _n in 1 2 3; do
		busy "$1"
	done
	sleep 1
	echo 1 >/sys/module/kernel/parameters/initcall_debug
	exec 3>&-
	reboot -f
	sleep 60
}

# named_since MARK NAME REGEX: a line after the mark names a device, and why.
named_since() {
	until_true 3 find_named "$1" "$(at "$2")" "$3" ||
		fail "$2: no line of the log names it as $3"
}

find_named() {
	dmesg | sed "1,/viommu-boot: $1/d" | grep -F "$2" | grep -Eiq "$3"
}

# suspend_refused: the driver cannot suspend yet, so the kernel must not.
suspend_refused() {
	mark suspending
	echo devices >/sys/power/pm_test
	! echo mem >/sys/power/state || fail "the machine was suspended"
}
