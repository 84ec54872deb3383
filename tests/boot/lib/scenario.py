# SPDX-License-Identifier: GPL-2.0
"""Scenarios: reads tests/boot/*.toml and expands each into its cases.

A case is one boot: one kernel, one driver, one DMA policy. Its settings are
those of the file, overridden by the tables named after its driver and its
policy, in this order. Unknown keys are errors, so that a misspelt one never
weakens a test.
"""
import dataclasses
import fnmatch
import pathlib
import re
import tomllib

import fakes

POLICIES = {
    "strict": "iommu.passthrough=0 iommu.strict=1",
    "lazy": "iommu.passthrough=0 iommu.strict=0",
    "passthrough": "iommu.passthrough=1",
}
DRIVERS = ("ours", "rival", "none")
# What QEMU's trace tells of its device; each may be counted, and "domains"
EVENTS = ("attach", "detach", "map", "unmap", "translate_out", "report_fault",
          "set_config", "fill_resv_property", "device_reset_exit")
# and what the one of our own tells as well
FAKE_EVENTS = ("probe", "refused_attach", "refused_map", "refused_unmap")
TRACE = re.compile(r"(\w+)(?:@([\w-]+))? (==|!=|>=|<=|<|>) (\d+)")
OUTCOMES = ("pass", "panic", "hang", "end", "report", "plan", "failure")


class ScenarioError(Exception):
    """A scenario that cannot be run as it is written."""


@dataclasses.dataclass
class Device:
    """One line of `devices`: what QEMU gets and where the guest finds it."""
    type: str
    name: str = ""
    addr: str = ""      # QEMU's addr=, by default 10, 11, ... (hexadecimal)
    bus: str = ""       # QEMU's bus=, by default the root bus
    at: str = ""        # the guest's address, needed when bus is given
    alias: str = ""     # the bus address whose ID the device's DMA carries
    props: str = ""     # more properties, "a=b,c=d"
    plug: bool = False  # not there until a step says `plug NAME`
    stub: bool = True   # bind it to pci-stub, if nobody else drives it
    disk: str = ""      # file behind it; set by machine.py


@dataclasses.dataclass
class Settings:
    """Everything that a scenario may say, with its default."""
    description: str
    kernel: list
    steps: list                     # shell; each is one test of the guest
    driver: list = dataclasses.field(default_factory=lambda: ["ours"])
    policies: list = dataclasses.field(default_factory=lambda: ["strict"])
    machine: str = ""               # -M, by default q35 or virt
    firmware: str = ""              # "uefi": EDK2, on arm64
    iommu: str = "virtio-iommu-pci"  # -device, with properties; "": none
    fake: list = dataclasses.field(default_factory=list)  # see fakes.py
    viot: str = ""                  # a table; Documentation/admin-guide/viommu.rst
    devicetree: str = ""            # an overlay, without its first two lines
    devices: list = dataclasses.field(default_factory=list)
    qemu: list = dataclasses.field(default_factory=list)  # more arguments
    append: str = ""                # more of the kernel's command line
    modules: list = dataclasses.field(default_factory=list)
    autoload: bool = True           # load modules before the first step
    timeout: int = 120              # seconds
    reboots: int = 0                # how often the guest reboots by itself
    trace: list = dataclasses.field(default_factory=list)  # "map >= 10"
    faults: list = dataclasses.field(default_factory=list)  # may fault
    allow: list = dataclasses.field(default_factory=list)  # in the log
    expect: str = "pass"            # or how the run must fail, and then
    match: str = ""                 # what must be found where it failed
    tries: int = 1                  # boots until it failed as expected
    tags: list = dataclasses.field(default_factory=list)
    long: list = dataclasses.field(default_factory=list)  # kernels: tag "long"


@dataclasses.dataclass
class Case:
    """One boot."""
    scenario: str
    kernel: str
    driver: str
    policy: str
    settings: Settings

    @property
    def id(self):
        return ".".join((self.scenario, self.kernel, self.driver, self.policy))

    @property
    def arch(self):
        return "arm64" if self.kernel.endswith("arm64") else "x86_64"

    @property
    def passthrough(self):
        return self.policy == "passthrough"


def device(entry, index):
    """Return the Device of one entry of `devices`."""
    entry = {"type": entry} if isinstance(entry, str) else dict(entry)
    dev = Device(**entry)
    dev.name = dev.name or dev.type
    if not re.fullmatch(r"[a-z0-9-]+", dev.name):
        raise ScenarioError(f"device name {dev.name!r}")
    dev.addr = dev.addr or f"{0x10 + index:x}"
    if dev.bus and not dev.at:
        raise ScenarioError(f"{dev.name}: `bus` needs `at`")
    slot, _, function = dev.addr.partition(".")
    dev.at = dev.at or f"0000:00:{int(slot, 16):02x}.{function or 0}"
    return dev


def case(name, kernel, driver, policy, table):
    """Return the case, its settings merged from the scenario's table."""
    merged = {k: v for k, v in table.items() if not isinstance(v, dict)}
    for part in (driver, policy):
        merged.update(table.get(part, {}))
    settings = Settings(**merged)
    if set(settings.long) - set(table["kernel"]):
        raise ScenarioError(f"long: not among the kernels: {settings.long}")
    if kernel in settings.long:
        settings.tags = [*settings.tags, "long"]
    settings.devices = [device(d, i) for i, d in enumerate(settings.devices)]
    settings.fake = [fakes.fake(f) for f in settings.fake]
    if settings.expect not in OUTCOMES:
        raise ScenarioError(f"expect = {settings.expect!r}")
    if (settings.expect == "pass") != (settings.match == ""):
        raise ScenarioError("`expect` and `match` go together")
    if not settings.steps:
        raise ScenarioError("no steps")
    names = {d.name for d in settings.devices}
    for check in settings.trace:
        found = TRACE.fullmatch(check)
        if (not found or found[1] not in (*EVENTS, *FAKE_EVENTS, "domains")
                or found[2] and found[2] not in names):
            raise ScenarioError(f"trace: {check!r}")
    if not names.issuperset(settings.faults):
        raise ScenarioError(f"faults: {settings.faults}")
    return Case(name, kernel, driver, policy, settings)


def load(path):
    """Return all cases of one file."""
    path = pathlib.Path(path)
    known = {f.name for f in dataclasses.fields(Settings)}
    try:
        table = tomllib.loads(path.read_text())
        tables = {k: v for k, v in table.items() if isinstance(v, dict)}
        for part, keys in [("", set(table) - set(tables)), *tables.items()]:
            if part and part not in DRIVERS and part not in POLICIES:
                raise ScenarioError(f"unknown table [{part}]")
            if set(keys) - known:
                raise ScenarioError(f"unknown: {set(keys) - known}")
        top = Settings(**{k: table[k] for k in set(table) - set(tables)})
        if set(top.driver) - set(DRIVERS) or set(top.policies) - set(POLICIES):
            raise ScenarioError("unknown driver or policy")
        return [case(path.stem, k, d, p, table) for d in top.driver
                for k in table.get(d, {}).get("kernel", top.kernel)
                for p in table.get(d, {}).get("policies", top.policies)]
    except (ScenarioError, TypeError, fakes.config.DescriptionError,
            tomllib.TOMLDecodeError) as error:
        raise ScenarioError(f"{path}: {error}") from error


def load_all(directory):
    """Return the cases of every file of a directory, in order of names."""
    return [c for path in sorted(pathlib.Path(directory).glob("*.toml"))
            for c in load(path)]


def choose(cases, name):
    """Return the cases that a name means: a scenario, else a part or pattern."""
    return ([c for c in cases if c.scenario == name]
            or [c for c in cases if name in c.id.split(".")
                or fnmatch.fnmatchcase(c.id, name)])
