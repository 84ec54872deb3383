#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""viommu topology, run as a program on machines that were recorded (see
tests/topology/record) and on such that were changed afterwards.

What it prints of the recorded ones is in tests/fixtures/topology/NAME.out, which

    make -C tests/tools check UPDATE=1

writes anew, for somebody to read before it is committed.
"""
import contextlib
import json
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import ktap     # noqa: E402
import tree     # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parents[1]
FIXTURES = HERE.parent / "fixtures/topology"
PAGE = REPO / "Documentation/admin-guide/viommu.rst"
WHY = REPO / "tools/viommu/topology_why.c"
NOBODY = 65534

PCI = "sys/devices/pci0000:00/"
IOMMU = PCI + "0000:00:02.0"
DISK = "0000:00:10.0"
SATA = "0000:00:1f.2"
ARM = "sys/devices/platform/4010000000.pcie/pci0000:00/"
HOST = "sys/firmware/devicetree/base/pcie@10000000"
NODE = HOST + "/virtio_iommu@2,0"
VIOT = "sys/firmware/acpi/tables/VIOT"
RELEASE = "proc/sys/kernel/osrelease"
NEW = (":", b"6.18.1\n")

codes_seen = set()


# ---- running it ---------------------------------------------------------

def run(root, *args, status=0, user=None):
    """Run it below a root, expect its status, return its output."""
    done = subprocess.run(
        [os.environ["VIOMMU"], "topology", "--root", root, *args],
        capture_output=True, check=False, timeout=60, user=user)
    if done.returncode != status:
        raise AssertionError(f"{args}: {done.returncode}, not {status}:\n"
                             f"{(done.stdout + done.stderr).decode()}")
    # Trouble has a reason, and a sanitizer would have something to say.
    assert bool(done.stderr) == (status == 2), done.stderr.decode()
    return done.stdout.decode("ascii")


@contextlib.contextmanager
def unpacked(entries, strict=True):
    """The root of a tree, as a directory."""
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        tree.unpack(entries, root, strict)
        yield root


def recorded(name):
    return tree.parse((FIXTURES / f"{name}.tree").read_text())


def seen(entries, **how):
    """What --json says of a tree, as a dictionary, and devices by name."""
    with unpacked(entries) as root:
        found = json.loads(run(root, "--json", **how))
    found["devices"] = {d["name"]: d for d in found["devices"]}
    return found


def codes(device):
    reasons = [r["code"] for r in device["reasons"]]
    codes_seen.update(reasons)
    return reasons


def equal(left, right):
    if left != right:
        raise AssertionError(f"\n{left}\nis not\n{right}")


# ---- recorded machines --------------------------------------------------

def expected(name):
    """What the program has to print, all three ways."""
    with unpacked(recorded(name)) as root:
        return "# SPDX-License-Identifier: GPL-2.0\n" + "".join(
            f"==== viommu topology {' '.join(how)}".rstrip() + "\n"
            + run(root, *how) for how in ([], ["--json"], ["--dot"]))


def prints_as_before(name):
    def test():
        path = FIXTURES / f"{name}.out"
        now = expected(name)
        if os.environ.get("UPDATE"):
            path.write_text(now)
        equal(now, path.read_text())
        for device in seen(recorded(name))["devices"].values():
            codes(device)
    return test


for machine in sorted(FIXTURES.glob("*.tree")):
    globals()[f"test_of_{machine.stem.replace('-', '_')}"] = \
        prints_as_before(machine.stem)


DOT = re.compile(r"""
    \s* (?: digraph\ \w+\ \{ | subgraph\ cluster_\w+\ \{ | \}
    | (?P<id>"(?:[^"\\]|\\.)*"|\w+) (?:\ ->\ (?P<to>"(?:[^"\\]|\\.)*"|\w+))?
      (?:\ \[ \w+=("(?:[^"\\]|\\.)*"|\w+) (?:,\ \w+=("(?:[^"\\]|\\.)*"|\w+))* \])? ;
    | \w+=("(?:[^"\\]|\\.)*"|\w+) ; ) $""", re.VERBOSE)


def nodes_and_edges(drawing):
    """What a drawing has; each of its lines is a statement of Graphviz."""
    nodes, edges, depth = set(), set(), 0
    for line in drawing.splitlines():
        found = DOT.match(line)
        assert found, line
        depth += line.count(" {") - (line.strip() == "}")
        if found["to"]:
            edges.add((found["id"], found["to"]))
        elif found["id"]:
            nodes.add(found["id"])
    assert depth == 0
    return nodes, edges


def test_a_drawing_is_one():
    for path in FIXTURES.glob("*.tree"):
        with unpacked(recorded(path.stem)) as root:
            nodes, edges = nodes_and_edges(run(root, "--dot"))
        assert {end for edge in edges for end in edge} <= nodes, path


def test_a_drawing_shows_the_way_of_dma():
    with unpacked(recorded("q35-deb13")) as root:
        _, edges = nodes_and_edges(run(root, "--dot"))
    equal({to for end, to in edges if DISK in end}, {'"iommu virtio0"'})
    equal({to for end, to in edges if "0000:81:00.0" in end}, {"memory"})
    equal({to for end, to in edges if "0000:00:12.0" in end}, {"memory"})


# ---- changed machines ---------------------------------------------------

def table(*nodes):
    """The bytes of a VIOT."""
    body = b"".join(nodes)
    return (b"VIOT" + struct.pack("<IBB", 48 + len(body), 0, 0) + bytes(26)
            + struct.pack("<HH", len(nodes), 48) + bytes(8) + body)


def iommu_node(bdf):
    return struct.pack("<BBHHH8x", 3, 0, 16, 0, bdf)


def iommu_mmio(base):
    return struct.pack("<BBH4xQ", 4, 0, 16, base)


def functions(first, last, endpoint, output=48):
    return struct.pack("<BBHIHHHHH6x", 1, 0, 24, endpoint, 0, 0, first, last,
                       output)


def registers(base, endpoint, output=48):
    return struct.pack("<BBHIQH6x", 2, 0, 24, endpoint, base, output)


def cells(*values):
    return ":", struct.pack(f">{len(values)}I", *values)


def text(value):
    return ":", value.encode() + b"\n"


def without_bit(features, bit):
    line = features[1].decode()
    return text(line[:bit] + "0" + line[bit + 1:].strip())


def ungrouped(entries, path):
    """A device that is in no group."""
    return tree.remove(entries, path + "/iommu_group", path + "/iommu")


Q35 = recorded("q35-deb13")
LATE = recorded("q35-deb12-late")
VIRT = recorded("virt-deb13")
VTD = recorded("q35-vtd")
RIVAL = recorded("q35-deb13-rival")
NO_DRIVER = recorded("q35-deb13-unloaded")
MODULES_DEP = next(p for p in NO_DRIVER if p.endswith("modules.dep"))
DRIVER = "sys/bus/virtio/drivers/virtio_iommu"
GROUP = "sys" + Q35[PCI + DISK + "/iommu_group"][1].replace("/..", "").lstrip(".")
FEATURES = PCI + DISK + "/virtio1/features"

# name: machine, device, its state, its reasons
CHANGED = {
    "kernel_without_iommus": (
        tree.remove(NO_DRIVER, "sys/kernel", "sys/class"),
        DISK, "untranslated", ["no-kernel-support"]),
    "no_iommu": (
        tree.remove(LATE, IOMMU, "sys/bus/pci/devices/0000:00:02.0",
                    "sys/bus/virtio/devices/virtio0", "sys/class/iommu/virtio0",
                    VIOT),
        DISK, "untranslated", ["no-iommu"]),
    "iommu_without_driver_of_another_kind": (
        tree.remove(ungrouped(VTD, PCI + DISK), "sys/class/iommu/dmar0",
                    "sys/devices/virtual"),
        DISK, "untranslated", ["iommu-unused"]),
    "not_behind_an_iommu_of_another_kind": (
        ungrouped(VTD, PCI + DISK), DISK, "untranslated", ["not-described"]),
    "no_table": (
        tree.remove(LATE, VIOT), DISK, "untranslated", ["no-description"]),
    "broken_table": (
        LATE | {VIOT: (":", b"VIOT")}, DISK, "untranslated", ["viot-broken"]),
    "no_entry": (
        LATE | {VIOT: (":", table(iommu_node(0x10), functions(0, 0x7f, 0)))},
        DISK, "untranslated", ["no-entry"]),
    "iommu_is_not_there": (
        tree.remove(LATE, IOMMU, "sys/bus/pci/devices/0000:00:02.0",
                    "sys/bus/virtio/devices/virtio0", "sys/class/iommu/virtio0"),
        DISK, "untranslated", ["iommu-absent"]),
    "transport_is_not_bound": (
        tree.remove(LATE, IOMMU + "/virtio0", IOMMU + "/driver",
                    "sys/bus/virtio/devices/virtio0", "sys/class/iommu/virtio0"),
        DISK, "untranslated", ["iommu-no-transport"]),
    "iommu_was_unbound": (
        tree.remove(LATE, IOMMU + "/virtio0/driver", IOMMU + "/virtio0/iommu",
                    "sys/class/iommu/virtio0"),
        DISK, "untranslated", ["iommu-no-driver"]),
    "iommu_is_not_registered": (
        tree.remove(LATE, IOMMU + "/virtio0/iommu", "sys/class/iommu/virtio0"),
        DISK, "untranslated", ["iommu-no-driver"]),
    "module_is_not_installed": (
        NO_DRIVER | {MODULES_DEP: text("kernel/net/core/failover.ko.xz:")},
        DISK, "untranslated", ["module-not-installed"]),
    "module_is_installed": (
        NO_DRIVER | {MODULES_DEP: text("kernel/drivers/iommu/virtio-iommu.ko.xz:")},
        DISK, "untranslated", ["module-not-loaded"]),
    "another_module_is_installed": (
        NO_DRIVER | {MODULES_DEP: text("kernel/not-virtio-iommu.ko.xz: virtio.ko")},
        DISK, "untranslated", ["module-not-installed"]),
    "empty_list_of_modules": (
        NO_DRIVER | {MODULES_DEP: (":", b"")},
        DISK, "untranslated", ["module-not-installed"]),
    "no_list_of_modules": (
        tree.remove(NO_DRIVER, MODULES_DEP),
        DISK, "untranslated", ["module-not-loaded"]),
    "no_driver_in_an_old_kernel": (
        RIVAL | {RELEASE: text("6.14.0")}, SATA, "untranslated", ["no-driver"]),
    "no_driver_in_a_new_kernel": (
        RIVAL | {RELEASE: NEW}, SATA, "untranslated", ["refused"]),
    "no_driver_with_our_driver": (
        RIVAL | {"sys/module/virtio_iommu/version": text("0.1")},
        SATA, "untranslated", ["refused"]),
    "port_that_is_bound": (
        ungrouped(Q35, PCI + "0000:00:03.0"),
        "0000:00:03.0", "untranslated", ["refused"]),
    "virtio_function_without_driver_of_the_virtio_device": (
        tree.remove(LATE, PCI + DISK + "/virtio1/driver"),
        DISK, "untranslated", ["refused"]),
    "virtio_without_access_platform": (
        Q35 | {FEATURES: without_bit(Q35[FEATURES], 33)},
        DISK, "untranslated", ["virtio-no-access-platform"]),
    "virtio_without_access_platform_and_driver": (
        tree.remove(Q35 | {FEATURES: text("0" * 64)}, PCI + DISK + "/virtio1/driver"),
        DISK, "translated", []),
    "late_and_without_access_platform": (
        LATE | {FEATURES: without_bit(LATE[FEATURES], 33)},
        DISK, "untranslated", ["bound-early", "virtio-no-access-platform"]),
    "legacy_virtio": (
        Q35 | {FEATURES: text("0" * 64)},
        DISK, "untranslated", ["virtio-legacy"]),
    "vfio_without_iommu": (
        ungrouped(Q35, PCI + "0000:81:00.0") | {
            "sys/devices/pci0000:80/0000:80:01.0/0000:81:00.0/iommu_group":
                ("->", "../../../../kernel/iommu_groups/99"),
            "sys/kernel/iommu_groups/99/name": text("vfio-noiommu"),
            "sys/kernel/iommu_groups/99/type": text("unknown")},
        "0000:81:00.0", "untranslated", ["vfio-noiommu"]),
    "blocked": (
        Q35 | {GROUP + "/type": text("blocked")},
        DISK, "blocked", []),
    "set_to_identity": (
        Q35 | {GROUP + "/type": text("identity")},
        DISK, "identity", ["passthrough"]),
    "host_bridge_without_map": (
        tree.remove(ungrouped(VIRT, ARM + DISK), HOST + "/iommu-map"),
        DISK, "untranslated", ["bus-bypassed"]),
    "map_without_the_device": (
        ungrouped(VIRT, ARM + DISK) | {HOST + "/iommu-map": cells(0, 0x8006, 0, 0x80)},
        DISK, "untranslated", ["no-entry"]),
    "map_of_odd_length": (
        ungrouped(VIRT, ARM + DISK) | {
            HOST + "/iommu-map": cells(0, 0x8006, 0, 0x10000, 0)},
        DISK, "untranslated", ["bad-description"]),
    "map_beyond_32_bits": (
        ungrouped(VIRT, ARM + DISK) | {
            HOST + "/iommu-map": cells(0, 0x8006, 0xffffff80, 0x10000)},
        DISK, "untranslated", ["bad-description"]),
    "map_outside_its_mask": (
        ungrouped(VIRT, ARM + DISK) | {
            HOST + "/iommu-map": cells(0x80, 0x8006, 0, 0x80),
            HOST + "/iommu-map-mask": cells(0x7f)},
        DISK, "untranslated", ["bad-description"]),
    "map_to_nobody": (
        ungrouped(VIRT, ARM + DISK) | {
            HOST + "/iommu-map": cells(0, 0x9999, 0, 0x10000)},
        DISK, "untranslated", ["bad-description"]),
    "iommu_with_two_cells": (
        ungrouped(VIRT, ARM + DISK) | {NODE + "/#iommu-cells": cells(2)},
        DISK, "untranslated", ["bad-description"]),
    "iommu_is_disabled": (
        tree.remove(ungrouped(VIRT, ARM + DISK), ARM + "0000:00:02.0",
                    "sys/bus/pci/devices/0000:00:02.0",
                    "sys/bus/virtio/devices/virtio0", "sys/class/iommu/virtio0")
        | {NODE + "/status": (":", b"disabled\0")},
        DISK, "untranslated", ["iommu-disabled"]),
}


def is_judged(entries, name, state, reasons):
    def test():
        found = seen(entries)
        device = found["devices"][name]
        equal((device["state"], codes(device)), (state, reasons))
        with unpacked(entries) as root:
            said = run(root)
            for reason in device["reasons"]:
                assert f"\nnot translated: {reason['text']}\n" in said, said
            unprotected = any(d["unprotected"] for d in found["devices"].values())
            run(root, "--check", status=int(unprotected))
    return test


for case, what in CHANGED.items():
    globals()[f"test_{case}"] = is_judged(*what)


def test_a_table_that_only_root_may_read():
    for path, content in ((VIOT, LATE[VIOT]), ("proc/iomem", text("0-0 : a"))):
        with unpacked(LATE | {path: content}) as root:
            os.chmod(pathlib.Path(root) / path, 0)
            found = json.loads(run(root, "--json", user=nobody()))
        assert any("Permission denied" in n and path in n for n in found["notes"])
    with unpacked(LATE) as root:
        os.chmod(pathlib.Path(root) / VIOT, 0)
        found = json.loads(run(root, "--json", user=nobody()))
    [disk] = [d for d in found["devices"] if d["name"] == DISK]
    equal(codes(disk), ["viot-unreadable"])


def nobody():
    return NOBODY if os.geteuid() == 0 else None


# ---- IDs ----------------------------------------------------------------

def ids(entries, name, **how):
    return [(e["id"], e["alias_of"]) for e in
            seen(entries, **how)["devices"][name]["endpoints"]]


def test_the_id_that_a_bridge_gives():
    edu, bridge = "0000:02:01.0", PCI + "0000:00:04.0"
    equal(ids(Q35, edu), [(0x208, None), (0x200, "0000:02:00.0")])
    # The same bridge, if it had no PCI Express capability.
    config = bytearray(Q35[bridge + "/config"][1])
    config[0x06] &= ~0x10
    plain = Q35 | {bridge + "/config": (":", bytes(config))}
    equal(ids(plain, edu), [(0x208, None), (0x20, "0000:00:04.0")])


def test_a_bridge_whose_kind_cannot_be_read():
    bridge = PCI + "0000:00:04.0/config"
    short = Q35 | {bridge: (":", Q35[bridge][1][:64])}
    equal(ids(short, "0000:02:01.0"), [(0x208, None)])
    assert any("only root" in n for n in seen(short)["notes"])


def test_capabilities_in_a_circle():
    bridge = PCI + "0000:00:04.0/config"
    config = bytearray(Q35[bridge][1])
    config[0x34], config[0x40:0x42] = 0x40, b"\x09\x40"
    equal(ids(Q35 | {bridge: (":", bytes(config))}, "0000:02:01.0")[1],
          (0x20, "0000:00:04.0"))


def test_an_alias_behind_another_iommu():
    two = Q35 | {VIOT: (":", table(
        iommu_node(0x10), iommu_node(0x18), functions(0, 0xff, 0),
        functions(0x208, 0x208, 7), functions(0x200, 0x200, 8, 64)))}
    found = seen(two)
    equal(ids(two, "0000:02:01.0"), [(7, None)])
    assert "0000:02:01.0: an ID of it is behind another IOMMU, and left out" \
        in found["notes"]


def test_an_alias_without_an_entry():
    equal(ids(Q35 | {VIOT: (":", table(
        iommu_node(0x10), functions(0x208, 0x208, 7)))}, "0000:02:01.0"),
        [(7, None)])


def test_an_alias_only():
    equal(ids(Q35 | {VIOT: (":", table(
        iommu_node(0x10), functions(0x200, 0x200, 7)))}, "0000:02:01.0"),
        [(7, "0000:02:00.0")])


def test_ids_start_where_the_table_says():
    equal(ids(Q35 | {VIOT: (":", table(
        iommu_node(0x10), functions(0x80, 0x8f, 0x1000)))}, DISK),
        [(0x1000, None)])


def test_the_first_of_several_tables():
    first, second = (table(iommu_node(0x10), functions(0x80, 0x80, n)) for n in (1, 2))
    equal(ids(tree.remove(Q35, VIOT) | {
        VIOT + "1": (":", first), VIOT + "2": (":", second)}, DISK), [(1, None)])


def test_ids_of_a_device_tree():
    equal(ids(VIRT | {HOST + "/iommu-map": cells(
        0x100, 0x8006, 0x100, 0x100, 0x80, 0x8006, 0x40, 1)}, DISK),
        [(0x40, None)])
    equal(ids(VIRT | {HOST + "/iommu-map": cells(0, 0x8006, 0x100, 0x40),
                      HOST + "/iommu-map-mask": cells(0x3f)}, DISK),
          [(0x100, None)])


def test_a_kernel_that_contradicts_the_table():
    two = Q35 | {VIOT: (":", table(iommu_node(0x18), functions(0x80, 0x8f, 0)))}
    assert f"{DISK}: behind virtio0, although the firmware says 0000:00:03.0" \
        in seen(two)["notes"]


# ---- platform devices ---------------------------------------------------

MMIO = "a000000.virtio_mmio"
MMIO_NODE = "sys/firmware/devicetree/base/virtio_mmio@a000000"
MMIO_OF = {f"sys/devices/platform/{MMIO}/of_node":
           ("->", "../../../firmware/devicetree/base/virtio_mmio@a000000")}


def test_a_platform_device_behind_an_iommu():
    described = VIRT | MMIO_OF | {MMIO_NODE + "/iommus": cells(0x8006, 0x77)}
    equal(ids(described, MMIO), [(0x77, None)])
    device = seen(described)["devices"][MMIO]
    equal((device["source"], codes(device)),
          ("devicetree", ["bound-early", "virtio-no-access-platform"]))
    legacy = f"sys/devices/platform/{MMIO}/virtio2/features"
    device = seen(described | {legacy: text("0" * 64)})["devices"][MMIO]
    equal(codes(device), ["bound-early", "virtio-legacy"])
    assert "virtio-mmio.force-legacy=off" in device["reasons"][1]["text"]


def test_a_platform_device_with_a_broken_property():
    for broken in (cells(0x8006), cells(0x9999, 1), (":", b"\0\0\x80\x06\0\0\0")):
        device = seen(VIRT | MMIO_OF | {MMIO_NODE + "/iommus": broken})["devices"][MMIO]
        equal(codes(device), ["bad-description"])
    for huge in (0xffffffff, 0x3fffffff, 5):
        device = seen(VIRT | MMIO_OF | {
            MMIO_NODE + "/iommus": cells(0x8005, 1),
            "sys/firmware/devicetree/base/smmu/#iommu-cells": cells(huge),
            "sys/firmware/devicetree/base/smmu/phandle": cells(0x8005),
        })["devices"][MMIO]
        equal(codes(device), ["bad-description"])


def test_an_iommu_that_is_a_platform_device():
    """virtio1 on virtio-mmio is one; the disk is behind it."""
    iommu = f"sys/devices/platform/{MMIO}/virtio2"
    machine = VIRT | MMIO_OF | {
        MMIO_NODE + "/#iommu-cells": cells(1),
        MMIO_NODE + "/phandle": cells(0x8010),
        MMIO_NODE + "/compatible": (":", b"virtio,mmio\0"),
        HOST + "/iommu-map": cells(0, 0x8010, 0, 0x10000)}
    found = seen(ungrouped(machine, ARM + DISK)
                 | {iommu + "/device": text("0x0017")})
    equal(found["devices"][MMIO]["state"], "iommu")
    equal(found["devices"][DISK]["described_iommu"], "virtio2")
    # Without a transport, one still sees where it is.
    found = seen(tree.remove(ungrouped(machine, ARM + DISK), iommu,
                             f"sys/devices/platform/{MMIO}/driver",
                             "sys/bus/virtio/devices/virtio2"))
    equal(codes(found["devices"][DISK]), ["iommu-no-transport"])
    equal([i["device"] for i in found["iommus"]
           if i["name"] == "/virtio_mmio@a000000" or i["device"] == MMIO], [MMIO])


def platform(endpoint, iomem):
    """A machine with VIOT, and a platform device with its registers there."""
    return recorded("virt-deb13-viot") | {
        "sys/bus/platform/devices/LNRO0005:00":
            ("->", "../../../devices/platform/LNRO0005:00"),
        "sys/devices/platform/LNRO0005:00/driver":
            ("->", "../../../bus/platform/drivers/virtio-mmio"),
        "proc/iomem": (":", iomem), VIOT: (":", table(
            iommu_node(0x10), functions(0, 0xffff, 0),
            registers(0xa000000, endpoint)))}


def test_a_platform_device_in_viot():
    found = platform(0x42, b"0a000000-0a0001ff : LNRO0005:00 LNRO0005:00\n")
    equal(ids(found, "LNRO0005:00"), [(0x42, None)])
    equal(codes(seen(found)["devices"]["LNRO0005:00"]), ["bound-early"])
    second = platform(0x42, b"09000000-090001ff : LNRO0005:00\n"
                      b"0a000000-0a0001ff : LNRO0005:00\n")
    equal(ids(second, "LNRO0005:00"), [(0x42, None)])
    # To others than root, everything is at 0.
    zeros = platform(0x42, b"00000000-00000000 : LNRO0005:00\n")
    assert "LNRO0005:00" not in seen(zeros)["devices"]
    found = seen(zeros | {
        "sys/bus/virtio/devices/virtio9":
            ("->", "../../../devices/platform/LNRO0005:00/virtio9")})
    equal(codes(found["devices"]["LNRO0005:00"]), ["no-entry"])
    assert "LNRO0005:00: not looked up in VIOT: only root sees its address" \
        in found["notes"]
    # Another device's name that starts the same.
    other = platform(0x42, b"0a000000-0a0001ff : LNRO0005:001\n")
    assert "LNRO0005:00" not in seen(other)["devices"]


def test_an_iommu_in_viot_that_is_a_platform_device():
    machine = platform(1, b"0a000000-0a0001ff : LNRO0005:00\n") | {
        VIOT: (":", table(iommu_mmio(0xa000000), functions(0, 0xffff, 0)))}
    found = seen(ungrouped(machine, PCI + DISK))
    equal(codes(found["devices"][DISK]), ["iommu-no-transport"])
    equal([i["device"] for i in found["iommus"]], ["0000:00:02.0", "LNRO0005:00"])


# ---- the device's own list ----------------------------------------------

def test_an_iommu_that_lists_its_endpoints():
    features = IOMMU + "/virtio0/features"
    line = Q35[features][1].decode().strip()
    own = tree.remove(Q35, VIOT) | {features: text(line[:8] + "1" + line[9:])}
    found = seen(own)
    equal(found["iommus"][0]["described_by"], ["device"])
    equal((found["devices"][DISK]["source"], ids(own, DISK)), ("device", []))
    equal(codes(found["devices"]["0000:81:00.0"]), ["no-entry"])


# ---- other machines, other people ---------------------------------------

def test_the_running_machine():
    """Whatever it is: nothing but the status is known."""
    done = subprocess.run([os.environ["VIOMMU"], "topology", "--json"],
                          capture_output=True, check=False, timeout=60)
    equal((done.returncode, done.stderr), (0, b""))
    equal(json.loads(done.stdout)["version"], 1)


def test_an_empty_machine():
    with unpacked({"sys": ("/", None)}) as root:
        equal(run(root), "no IOMMU\n")
        equal(json.loads(run(root, "--json"))["devices"], [])


def test_check_is_about_drivers():
    with unpacked(recorded("q35-deb12")) as root:
        run(root, "--check")
    with unpacked(recorded("q35-deb12-late")) as root:
        run(root, "--check", "--json", status=1)
    # Whom nobody has told to do DMA is not meant.
    idle = tree.remove(recorded("q35-deb12-late"), PCI + DISK + "/virtio1/driver",
                       PCI + "0000:00:11.0/driver")
    with unpacked(idle) as root:
        run(root, "--check")


def test_bad_usage():
    with unpacked(Q35) as root:
        for args in (["--json", "--dot"], ["--nonsense"], ["more"], ["--root"]):
            run(root, *args, status=2)
        run(root + "/nowhere", status=2)
        run(root + "/lib", status=2)
    done = subprocess.run([os.environ["VIOMMU"], "topology", "--help"],
                          capture_output=True, check=True, text=True)
    assert "--dot" in done.stdout and not done.stderr


def test_output_that_cannot_be_written():
    with unpacked(Q35) as root, open("/dev/full", "wb") as full:
        done = subprocess.run([os.environ["VIOMMU"], "topology", "--root", root],
                              stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2 and b"cannot write" in done.stderr


# ---- what nobody would do -----------------------------------------------

def test_links_do_not_lead_out():
    with unpacked(Q35) as outside, unpacked(Q35) as root:
        secret = pathlib.Path(outside) / RELEASE
        secret.write_text("secret\n")
        for path in (PCI + DISK + "/vendor", RELEASE):
            place = pathlib.Path(root) / path
            for target in (secret, "../" * 64 + str(secret)[1:]):
                place.unlink()
                place.symlink_to(target)
                assert "secret" not in run(root) + run(root, "--json")
        # What leads out of the root by .. or / stays below it.
        inside = pathlib.Path(root) / "inside"
        inside.write_text("0x1234\n")
        place = pathlib.Path(root) / PCI / DISK / "vendor"
        place.unlink()
        place.symlink_to("/inside")
        assert f"{DISK} [1234:1042]" in run(root)


def test_odd_files():
    """A pipe, a directory, a loop, and too much of it."""
    vendor = PCI + DISK + "/vendor"
    for odd in ("pipe", "directory", "loop", "large"):
        with unpacked(tree.remove(Q35, vendor)) as root:
            place = pathlib.Path(root) / vendor
            if odd == "pipe":
                os.mkfifo(place)
            elif odd == "directory":
                place.mkdir()
            elif odd == "loop":
                place.symlink_to("vendor")
            else:
                place.write_bytes(b"0x1af4\n" * 100000)
            assert f"\nnote: cannot read {vendor}: " in run(root)


def test_nothing_but_ascii():
    odd = "pci\x1b[31m\x7f\xf6\"\\"
    with unpacked(Q35 | {
            PCI + DISK + "/driver": ("->", odd),
            "sys/bus/pci/devices/" + odd: ("->", "../../../devices/x"),
            GROUP + "/type": text(odd)}) as root:
        said = run(root)
        nodes_and_edges(run(root, "--dot"))
        found = json.loads(run(root, "--json"))
    assert "\x1b" not in said and 'pci?[31m???"\\' in said
    assert "odd names in sys/bus/pci/devices are left out" in found["notes"]


def damage(rng, entries):
    """A tree with a few things wrong."""
    damaged = dict(entries)
    for _ in range(rng.randint(1, 8)):
        path = rng.choice(sorted(damaged))
        kind, value = damaged[path]
        how = rng.randrange(4)
        if how == 0:
            damaged = tree.remove(damaged, path)
        elif how == 1 and kind == ":" and value:
            at = rng.randrange(len(value))
            damaged[path] = (":", value[:at] + rng.randbytes(rng.randint(0, 4))
                             + value[at + rng.randint(0, 3):])
        elif how == 2:
            damaged[path] = rng.choice([
                ("->", rng.choice(["..", ".", "/", "../../../devices/virtual",
                                   "../../devices/pci0000:00", value or "x"]))
                if kind == "->" else (":", b""),
                (":", rng.randbytes(40)), (":", b"\xff" * 300)])
        elif kind == "->":
            damaged[path] = ("->", rng.choice(
                [v for k, v in entries.values() if k == "->"]))
        if not damaged:
            return dict(entries)
    return damaged


def test_damaged_machines():
    """Whatever is wrong with it, the program says something, and ends well."""
    rng = random.Random(23)
    machines = [recorded(p.stem) for p in sorted(FIXTURES.glob("*.tree"))]
    for _ in range(int(os.environ.get("DAMAGED", 150))):
        damaged = damage(rng, rng.choice(machines))
        with unpacked({"sys": ("/", None)} | damaged, strict=False) as root:
            run(root)
            json.loads(run(root, "--json"))
            nodes_and_edges(run(root, "--dot"))


# ---- the page -----------------------------------------------------------

def test_the_page_names_every_key_and_code():
    page = PAGE.read_text().partition("\nviommu topology\n===")[2]
    names = set(re.findall(r'because\(dev, "([a-z-]+)"', WHY.read_text()))
    keys = set()

    def walk(value):
        if isinstance(value, dict):
            keys.update(value)
            value = value.values()
        if not isinstance(value, str) and hasattr(value, "__iter__"):
            for item in value:
                walk(item)
    with unpacked(Q35) as root:
        walk(json.loads(run(root, "--json")))
    missing = [n for n in names | keys if f"``{n}``" not in page]
    equal(sorted(missing), [])


def test_the_page_shows_what_is_printed():
    shown = PAGE.read_text().partition("\nviommu topology\n===")[2]
    shown = shown.partition("::\n\n    # viommu topology\n")[2]
    shown = re.match(r"(?:    .*\n|\n)*", shown)[0]
    with unpacked(Q35) as root:
        equal(re.sub(r"^    ", "", shown, flags=re.M).strip(), run(root).strip())


def test_every_code_has_been_met():
    """By the tests before this one, when all of them run."""
    if len(sys.argv) > 1:
        return
    names = set(re.findall(r'because\(dev, "([a-z-]+)"', WHY.read_text()))
    equal(sorted(names - codes_seen), [])


ktap.main(globals())
