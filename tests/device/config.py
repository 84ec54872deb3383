# SPDX-License-Identifier: GPL-2.0
"""The config space of a virtio-iommu, from a description: a table of keys, as
in a scenario, to bytes. It can say what no sane device says, too.

    features        names of FEATURES; bit numbers for others
    page_size_mask, input_range, domain_range, probe_size, bypass
    config_size     bytes of it all
    topology        list of nodes, for the built-in topology:
                      { pci = "0000:00:10.0-0000:00:1f.7", endpoint = 0x80 }
                      { mmio = 0xd0000000, endpoint = 5 }
                      { raw = "01 00 10 00" }   any bytes
    draft           "2020" or "2021": where these drafts have the header, and
                    feature bit 6, instead of this project's bit 8
    count, offset   in the header, instead of the true ones

Keys for fake.py, which has nothing else to describe:

    endpoints       the IDs that the device knows; absent: all
    regions         of each endpoint: [start, last, "reserved" or "msi"]

Virtio, "Device configuration layout" of device 23; for the topology, the
comment in include/uapi/linux/virtio_iommu.h.
"""
import re
import struct

FEATURES = {"INPUT_RANGE": 0, "DOMAIN_RANGE": 1, "MAP_UNMAP": 2, "BYPASS": 3,
            "PROBE": 4, "MMIO": 5, "BYPASS_CONFIG": 6, "TOPOLOGY": 8,
            "VERSION_1": 32}
USUAL = ["INPUT_RANGE", "DOMAIN_RANGE", "MAP_UNMAP", "PROBE", "MMIO",
         "BYPASS_CONFIG", "VERSION_1"]
KEYS = {"features", "page_size_mask", "input_range", "domain_range",
        "probe_size", "bypass", "config_size", "topology", "draft", "count",
        "offset", "endpoints", "regions"}

SIZE = 256              # of config space, unless the description says another
NODES = 64              # where the topology's nodes begin
HEADER = {"": 40, "2020": 36, "2021": 36}
PCI, MMIO = 1, 2        # node types
FUNCTION = r"([0-9a-f]{4}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])"
RANGE = re.compile(f"{FUNCTION}(?: *- *{FUNCTION})?")


class DescriptionError(Exception):
    """A description that cannot be understood."""


def features(spec):
    """The feature bits that a device of this description offers."""
    names = spec.get("features", USUAL)
    bits = [FEATURES[n] if isinstance(n, str) else n for n in names]
    if "topology" in spec:
        bits.append(6 if spec.get("draft") else FEATURES["TOPOLOGY"])
    return sum(1 << bit for bit in set(bits))


def pci_range(text):
    """(segment, BDF) of the first and the last function of a range."""
    found = RANGE.fullmatch(text)
    if not found:
        raise DescriptionError(f"not PCI functions: {text!r}")
    numbers = [int(n or "0", 16) for n in found.groups()]
    ends = [(s, bus << 8 | slot << 3 | function) for s, bus, slot, function
            in (numbers[:4], numbers[4:])]
    return ends if found[5] else [ends[0], ends[0]]


def node(entry, draft):
    """The bytes of one node."""
    if "raw" in entry:
        return bytes.fromhex(entry["raw"])
    if "mmio" in entry:
        return struct.pack("<BBHIQ", MMIO, 0, 16, entry["endpoint"],
                           entry["mmio"])
    (segment, first), (last_segment, last) = pci_range(entry["pci"])
    if draft == "2020":
        return struct.pack("<BBHIHHHH", PCI, 0, 16, entry["endpoint"],
                           segment, first, last, 0)
    return struct.pack("<BBHIHHHH", PCI, 0, 16, entry["endpoint"], segment,
                       last_segment, first, last)


def check(spec):
    """Raise DescriptionError if a description cannot be understood."""
    unknown = set(spec) - KEYS
    if unknown:
        raise DescriptionError(f"unknown: {unknown}")
    try:
        features(spec)
        build(spec)
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise DescriptionError(f"description: {error!r}") from error


def build(spec):
    """The bytes of config space."""
    first, last = spec.get("input_range", (0, (1 << 64) - 1))
    low, high = spec.get("domain_range", (0, (1 << 32) - 1))
    data = bytearray(struct.pack(
        "<QQQIIIB3x", spec.get("page_size_mask", 0xfffffffffffff000),
        first, last, low, high, spec.get("probe_size", 512),
        spec.get("bypass", 0)))
    if "topology" in spec:
        nodes = [node(n, spec.get("draft")) for n in spec["topology"]]
        data = data.ljust(NODES, b"\0") + b"".join(nodes)
        struct.pack_into("<HH", data, HEADER[spec.get("draft", "")],
                         spec.get("count", len(nodes)),
                         spec.get("offset", NODES))
    return bytes(data.ljust(spec.get("config_size", SIZE), b"\0"))
