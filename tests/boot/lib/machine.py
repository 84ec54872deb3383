# SPDX-License-Identifier: GPL-2.0
"""Machines: QEMU's command line for a case, and running it.

Knows what each type of device needs from QEMU and from the guest's kernel.
"""
import functools
import os
import shlex
import subprocess
import tempfile
import time

import fakes
from scenario import EVENTS, POLICIES, ScenarioError

# A busy host makes TCG's timers late, which x86 checks at boot; and Linux 7.3
# now and then waits for ever when it looks whether two processors' clocks
# agree while it is about to change to another clock.
TIMERS = {"x86_64": "no_timer_check tsc=nowatchdog", "arm64": ""}

MEMORY_MIB = 768
DISK_MIB = 16
ECHO_BYTES = 1 << 20        # what the echo service of the network returns
ECHO = f"guestfwd=tcp:10.0.2.100:7-cmd:head -c {ECHO_BYTES}"
VIRTIO = "iommu_platform=on,disable-legacy=on"

# type: (arguments, modules). {at} is id, bus, address and further properties;
# a device that is not on PCI has a {bus} of its own.
TYPES = {
    "virtio-blk": (
        f"-drive if=none,id={{name}},format=raw,file={{disk}} "
        f"-device virtio-blk-pci,drive={{name}},{VIRTIO},{{at}}",
        ["virtio_pci", "virtio_blk"]),
    "nvme": (
        "-drive if=none,id={name},format=raw,file={disk} "
        "-device nvme,drive={name},serial={name},{at}",
        ["nvme"]),
    "ahci": (
        "-drive if=none,id={name}-disk,format=raw,file={disk} "
        "-device ich9-ahci,{at} "
        "-device ide-hd,drive={name}-disk,bus={name}.0",
        ["ahci", "sd_mod"]),
    "virtio-net": (
        f"-netdev 'user,id={{name}},{ECHO}' "
        f"-device virtio-net-pci,netdev={{name}},romfile=,{VIRTIO},{{at}}",
        ["virtio_pci", "virtio_net"]),
    "e1000e": (
        f"-netdev 'user,id={{name}},{ECHO}' "
        "-device e1000e,netdev={name},romfile=,{at}",
        ["e1000e"]),
    "edu": ("-device edu,dma_mask=0xffffffffffffffff,{at}", ["pci_stub"]),
    "pci-testdev": ("-device pci-testdev,{at}", ["pci_stub"]),
    "virtio-mmio": ("-device virtio-rng-device,id={name},bus={bus}",
                    ["virtio_mmio"]),
    "pcie-root-port": ("-device pcie-root-port,chassis={chassis},{at}", []),
    "pci-bridge": ("-device pci-bridge,chassis_nr={chassis},{at}", []),
    "pcie-pci-bridge": ("-device pcie-pci-bridge,{at}", []),
    "pxb-pcie": ("-device pxb-pcie,{at}", []),
}
ROOT_BUS = "pcie.0"         # of q35 and virt alike
DISKS = ("virtio-blk", "nvme", "ahci")

EFI = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"


def emulator(arch):
    return {"x86_64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}[arch]


def consoles(arch):
    """The guest's serial ports: for the kernel's log, and for KTAP."""
    return {"x86_64": ("ttyS0", "ttyS1"),
            "arm64": ("ttyAMA0", "ttyAMA1")}[arch]


@functools.cache
def kvm_works(kernel):
    """Whether a kernel really runs under KVM, as far as looking for its root."""
    with tempfile.NamedTemporaryFile() as log:
        try:
            subprocess.run(
                ["qemu-system-x86_64", "-M", "q35,accel=kvm", "-cpu", "host",
                 "-smp", "2", "-m", "512", "-nodefaults", "-display", "none",
                 "-no-reboot", "-serial", f"file:{log.name}",
                 "-kernel", str(kernel), "-append", "console=ttyS0 panic=-1"],
                timeout=30, check=False, capture_output=True)
        except subprocess.TimeoutExpired:
            pass
        return b"Unable to mount root fs" in log.read()


def accelerator(arch, kernel):
    """TCG unless VIOMMU_ACCEL asks for KVM (kvm, or auto: where it works)."""
    wish = os.environ.get("VIOMMU_ACCEL", "tcg")
    if wish not in ("tcg", "kvm", "auto"):
        raise ScenarioError(f"VIOMMU_ACCEL={wish}: tcg, kvm or auto")
    if wish == "tcg" or (wish == "auto" and arch != "x86_64"):
        return "tcg"
    if arch == "x86_64" and kvm_works(kernel):
        return "kvm"
    if wish == "kvm":
        raise ScenarioError("VIOMMU_ACCEL=kvm: no guest runs under KVM here")
    return "tcg"


def cpu(arch, accel):
    if accel == "kvm":
        return "host"
    return {"x86_64": "max,la57=off", "arm64": "cortex-a76"}[arch]


def modules(case):
    """The modules a case's devices need, in the order to load them."""
    wanted = [] if case.driver == "none" else ["virtio_iommu", "virtio_pci"]
    for dev in case.settings.devices:
        wanted += TYPES[dev.type][1]
    if any(d.type in ("virtio-net", "e1000e") for d in case.settings.devices):
        wanted.append("af_packet")
    return list(dict.fromkeys(wanted + case.settings.modules))


def stubs(case):
    """Devices that no driver knows: bound to pci-stub, as only then do
    kernels before 6.15 put them behind an IOMMU that is a module."""
    return [d.name for d in case.settings.devices
            if d.stub and "pci_stub" in TYPES[d.type][1]]


def make_disk(dev, run):
    dev.disk = str(run / f"{dev.name}.img")
    with open(dev.disk, "wb") as image:
        image.truncate(DISK_MIB << 20)


def devfn(dev):
    slot, _, function = dev.addr.partition(".")
    return int(slot, 16) << 3 | int(function or 0)


def device_options(dev):
    """QEMU's options for a device, as pairs of option and argument."""
    if dev.type not in TYPES:
        raise ScenarioError(f"no such type of device: {dev.type}")
    at = [f"id={dev.name}", f"addr={dev.addr}",
          f"bus={dev.bus or ROOT_BUS}", dev.props]
    fill = {"name": dev.name, "disk": dev.disk, "bus": dev.bus,
            "chassis": devfn(dev),
            "at": ",".join(filter(None, at))}
    words = [word.format(**fill) for word in shlex.split(TYPES[dev.type][0])]
    return list(zip(words[::2], words[1::2]))


def device_arguments(dev):
    """What QEMU is started with; of a device to be plugged, its backend."""
    return [word for option, argument in device_options(dev)
            if not (dev.plug and option == "-device")
            for word in (option, argument)]


def plugs(case):
    """The -device arguments of the devices that the guest may ask for."""
    return {dev.name: [argument for option, argument in device_options(dev)
                       if option == "-device"]
            for dev in case.settings.devices if dev.plug}


def kernel_command_line(case):
    log, _ = consoles(case.arch)
    return " ".join(filter(None, (
        f"console={log} loglevel=8 panic=-1 oops=panic", TIMERS[case.arch],
        "sysctl.kernel.hung_task_timeout_secs=30",
        POLICIES[case.policy], case.settings.append)))


def core(case, kernel, run, interactive=False):
    """The machine itself, and QEMU's own IOMMU: all that firmware describes."""
    s = case.settings
    accel = accelerator(case.arch, kernel)
    machine = s.machine or {"x86_64": "q35", "arm64": "virt"}[case.arch]
    line = [emulator(case.arch), "-M", machine, "-accel", accel,
            "-cpu", cpu(case.arch, accel), "-smp", "2", "-m", str(MEMORY_MIB),
            "-nodefaults", "-no-user-config", "-display", "none",
            "-global", "virtio-mmio.force-legacy=false",
            "-serial", "mon:stdio" if interactive else f"file:{run}/log",
            "-serial", f"file:{run}/ktap"]
    if s.iommu:
        plain = s.iommu.startswith("virtio-iommu-pci") and "addr=" not in s.iommu
        line += ["-device", s.iommu + (",addr=2" if plain else "")]
    return line


def command(case, kernel, initramfs, run, interactive=False):
    """QEMU's command line; leaves the guest's output in files of `run`."""
    s = case.settings
    line = core(case, kernel, run, interactive)
    line += ["-trace", "qemu_system_shutdown_request",
             "-trace", "virtio_queue_notify", "-D", f"{run}/trace"]
    for event in EVENTS:
        line += ["-trace", f"virtio_iommu_{event}"]
    if not s.reboots:
        line.append("-no-reboot")
    if case.arch == "x86_64":       # SeaBIOS leaves alone what it cannot boot
        line += ["-boot", "strict=on"]
    if s.firmware == "uefi":
        line += ["-bios", EFI]
    elif s.firmware:
        raise ScenarioError(f"firmware = {s.firmware!r}")
    if s.fake:
        line += ["-machine", "memory-backend=memory", "-object",
                 f"memory-backend-memfd,id=memory,size={MEMORY_MIB}M,share=on",
                 *fakes.arguments(s.fake, run)]
    line += s.qemu
    for dev in s.devices:
        if dev.type in DISKS:
            make_disk(dev, run)
        line += device_arguments(dev)
    if plugs(case):
        line += ["-qmp", f"unix:{run}/qmp,server=on,wait=off"]
    return line + ["-kernel", str(kernel), "-initrd", str(initramfs),
                   "-append", kernel_command_line(case)]


running = set()     # emulators


def kill_all():
    """End every emulator, and so every execute()."""
    for qemu in list(running):
        qemu.kill()


QUIET = 30          # seconds without a word


class Watch:
    """Whether the guest has gone quiet: its log no longer grows."""

    def __init__(self, log, until):
        self.log, self.until = log, until
        self.size, self.since = -1, time.monotonic()

    def quiet(self):
        """True if it has, and the log does not hold `until`."""
        size = self.log.stat().st_size if self.log.exists() else 0
        if size != self.size:
            self.size, self.since = size, time.monotonic()
        if time.monotonic() - self.since < QUIET:
            return False
        return (self.until is None
                or self.until not in self.log.read_text(errors="replace"))


def execute(line, run, settings, progress, started):
    """Run QEMU; return whether it ended by itself, within the time limit.

    A guest that goes quiet is not waited for if it is to hang anyway, or
    while its log does not hold `started`.
    """
    end = time.monotonic() + settings.timeout
    watch = Watch(run / "log", None if settings.expect == "hang" else started)
    with open(run / "qemu", "wb") as messages:
        qemu = subprocess.Popen(line, stdin=subprocess.DEVNULL,
                                stdout=messages, stderr=messages)
        running.add(qemu)
        try:
            while time.monotonic() < end:
                try:
                    qemu.wait(0.25)
                    return True
                except subprocess.TimeoutExpired:
                    progress()
                if watch.quiet():
                    return False
            return False
        finally:
            if qemu.poll() is None:
                qemu.kill()
            qemu.wait()
            running.discard(qemu)
