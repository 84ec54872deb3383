# SPDX-License-Identifier: GPL-2.0
"""Verdicts: reads what a boot left behind and says what was wrong with it.

A run leaves the kernel's log, the guest's KTAP, QEMU's trace and the disks.
The guest also states facts ("# fact: ...") that only the host can confirm.
"""
import dataclasses
import hashlib
import operator
import pathlib
import re

import protocol
from scenario import TRACE

# What a kernel's log never holds after a good run.
PANIC = re.compile(r"Kernel panic - not syncing")
REPORT = re.compile(
    r"\bBUG: |\bWARNING: |\bOops\b|\bKASAN: |\bUBSAN: |\bKCSAN: |\bKFENCE: |"
    r"Call [Tt]race:|cut here|possible (circular|recursive) locking|"
    r"inconsistent lock state|suspicious RCU usage|INFO: task .* blocked for|"
    r"(soft|hard) lockup|detected stall|self-detected stall|"
    r"general protection fault|Unable to handle kernel|unreferenced object|"
    r"DMA-API: .*(error|device driver)|Bad page|refcount_t: ")
# With more than one virtual CPU, TCG now and then runs into the breakpoint of
# an instruction that the kernel has already patched, or stops at bringing up
# the second CPU. No IOMMU driver has run before the core says this.
INT3 = re.compile(r"Oops: int3: 0000")
CORE_UP = "iommu: Default domain type"

# The kinds of failure, the one that explains the others first.
KINDS = ("panic", "hang", "report", "end", "plan", "failure")
COMPARE = {"==": operator.eq, "!=": operator.ne, ">=": operator.ge,
           "<=": operator.le, ">": operator.gt, "<": operator.lt}


@dataclasses.dataclass
class Reason:
    """One thing that was wrong."""
    kind: str
    text: str


@dataclasses.dataclass
class Test:
    """One line of KTAP with the diagnostics before it."""
    number: int
    ok: bool
    skip: bool
    name: str
    notes: list


class Ktap:
    """The guest's KTAP; a guest that rebooted starts it anew."""

    def __init__(self, text):
        self.plan, self.tests, self.starts, notes = None, [], 0, []
        for line in text.replace("\r", "").splitlines():
            if line.startswith("KTAP version"):
                self.plan, self.tests, notes = None, [], []
                self.starts += 1
            elif found := re.match(r"1\.\.(\d+)$", line):
                self.plan = int(found[1])
            elif found := re.match(r"(not )?ok (\d+) ?(.*?)( # SKIP.*)?$", line):
                self.tests.append(Test(int(found[2]), not found[1],
                                       bool(found[4]), found[3], notes))
                notes = []
            elif line.startswith("# "):
                notes.append(line[2:])
        self.rest = notes       # what was said after the last test

    def facts(self):
        """The facts stated by tests which passed, and after the last one."""
        notes = [n for test in self.tests if test.ok for n in test.notes]
        return [note.split()[1:] for note in notes + self.rest
                if note.startswith("fact: ")]


class Trace:
    """QEMU's trace: the device's requests, and each endpoint's part of it."""

    def __init__(self, text):
        self.all, self.events, self.domains = [], {}, {}
        self.powered_off = False
        for line in text.splitlines():
            name, _, rest = line.partition(" ")
            if name == "qemu_system_shutdown_request":
                self.powered_off |= "reason=guest-shutdown" in rest \
                    or rest.endswith("reason=6")
            name = name.removeprefix("virtio_iommu_")
            values = dict(re.findall(r"(\w+) ?[=:] ?(0x[0-9a-f]+|\d+)", rest))
            event = {k: int(v, 0) for k, v in values.items()}
            self.all.append((name, event))
            self.events.setdefault(name, []).append(event)
            if name == "attach":
                self.domains.setdefault(event["endpoint"], set()).add(
                    event["domain"])

    def count(self, name, endpoint=None):
        """How many events of a name, or those that concern an endpoint.

        "domains" are those that the endpoint, or any, was ever attached to.
        """
        if name == "domains":
            return len(self.domains.get(endpoint, ()) if endpoint is not None
                       else set().union(*self.domains.values()))
        events = self.events.get(name, [])
        if endpoint is None:
            return len(events)
        domains = self.domains.get(endpoint, ())
        return sum(endpoint in (e.get(k) for k in ("endpoint", "sid", "dev"))
                   or e.get("domain", -1) in domains and "endpoint" not in e
                   for e in events)


def endpoint_of(dev):
    """The endpoint ID of a device in PCI segment 0."""
    bus, slot, function = re.fullmatch(
        r"0000:(..):(..)\.(.)", dev.alias or dev.at).groups()
    return int(bus, 16) << 8 | int(slot, 16) << 3 | int(function)


class Judge:
    """Collects the reasons why a run of a case failed."""

    def __init__(self, case, run, ended):
        self.case, self.run, self.reasons = case, pathlib.Path(run), []
        self.log = self._read("log")
        self.ktap = Ktap(self._read("ktap"))
        traces = [self._read("trace"), *(self._read(f"{f.name}.trace")
                                         for f in case.settings.fake)]
        self.trace = Trace("".join(traces))
        self.each = [Trace(text) for text in traces]
        self.devices = {d.name: d for d in case.settings.devices}
        self._log()
        self._end(ended)
        self._host()
        self._tests()
        if not self.reasons:
            self._facts()
            self._faults()
            self._trace_checks()
            self._attached()
            self._protocol()

    def _read(self, name):
        path = self.run / name
        return path.read_text(errors="replace") if path.exists() else ""

    def _fail(self, kind, text):
        self.reasons.append(Reason(kind, text))

    def _log(self):
        allowed = [re.compile(a) for a in self.case.settings.allow]
        for line in self.log.splitlines():
            if any(a.search(line) for a in allowed):
                continue
            if PANIC.search(line):
                self._fail("panic", line.strip())
            elif REPORT.search(line):
                self._fail("report", line.strip())

    def _end(self, ended):
        if not ended:
            self._fail("hang", f"still ran after {self.case.settings.timeout} s")
        elif not self.trace.powered_off:
            self._fail("end", "the guest did not power off by itself")
        wanted = 1 + self.case.settings.reboots
        if self.ktap.starts != wanted:
            self._fail("end", f"{self.ktap.starts} boots instead of {wanted}")

    def _host(self):
        for line in self._read("host").splitlines():
            self._fail("failure", f"host: {line}")

    def _tests(self):
        numbers = [t.number for t in self.ktap.tests]
        steps = len(self.case.settings.steps)
        if self.ktap.plan != steps or numbers != list(range(1, steps + 1)):
            self._fail("plan", f"{len(numbers)} of {steps} steps reported")
        for test in self.ktap.tests:
            if not test.ok:
                self._fail("failure", "; ".join([f"step: {test.name}",
                                                 *test.notes]))

    def _facts(self):
        facts = self.ktap.facts()
        drivers = [name for what, name, *_ in facts if what == "driver"]
        if drivers != [self.case.driver]:
            self._fail("failure", f"the driver was {drivers}")
        written = {tuple(f[:4]): f[4] for f in facts if f[0] == "disk"}
        for (_, name, offset, size), digest in written.items():
            self._disk(self.devices[name], offset, size, digest)
        for what, name, *_ in facts:
            if what in ("dma", "blocked"):
                getattr(self, f"_{what}")(self.devices[name])

    def _disk(self, dev, offset, size, digest):
        """The disk holds data of this sha256, as read without the guest."""
        with open(dev.disk, "rb") as image:
            image.seek(int(offset))
            data = image.read(int(size))
        if hashlib.sha256(data).hexdigest() != digest:
            self._fail("failure", f"{dev.name}: {size} bytes at {offset} of "
                       "its image are not what the guest wrote")

    def _dma(self, dev):
        """The device's DMA went through the IOMMU, as the policy demands."""
        endpoint = endpoint_of(dev)
        if endpoint not in self.trace.domains:
            self._fail("failure", f"{dev.name}: endpoint never attached")
        elif self.case.passthrough:
            return
        elif not self.trace.count("map", endpoint):
            self._fail("failure", f"{dev.name}: nothing mapped for its DMA")
        elif not self.trace.count("translate_out", endpoint):
            self._fail("failure", f"{dev.name}: no DMA went through the IOMMU")

    def _blocked(self, dev):
        """The device saw the fault that the guest says it has caused."""
        if not self.trace.count("report_fault", endpoint_of(dev)):
            self._fail("failure", f"{dev.name}: no fault in QEMU's trace")

    def _faults(self):
        """No endpoint faults but those meant to.

        DMA that starts at the last byte of a page does now and then, where
        another mapping follows: QEMU looks two bytes up and takes either.
        """
        meant = {endpoint_of(self.devices[name])
                 for name in self.case.settings.faults}
        meant |= {endpoint_of(self.devices[f[1]]) for f in self.ktap.facts()
                  if f[0] == "blocked"}
        for event in self.trace.events.get("report_fault", []):
            if (event["endpoint"] not in meant
                    and event.get("address", 0) & 0xfff != 0xfff):
                self._fail("failure", f"unexpected fault: {event}")
                return

    def _trace_checks(self):
        for check in self.case.settings.trace:
            name, device, compare, limit = TRACE.fullmatch(check).groups()
            count = self.trace.count(
                name, device and endpoint_of(self.devices[device]))
            if not COMPARE[compare](count, int(limit)):
                self._fail("failure", f"trace: {check}, but it is {count}")

    def _protocol(self):
        """The driver kept to the specification."""
        for trace in self.each:
            for wrong in protocol.Replay(trace.all).wrong[:3]:
                self._fail("failure", wrong)

    def _attached(self):
        """Each of our own devices was told of its endpoints, and no other."""
        for fake, trace in zip(self.case.settings.fake, self.each[1:]):
            if fake.attached is None:
                continue
            wanted, seen = set(fake.attached), set(trace.domains)
            for what, ids in (("never attached", wanted - seen),
                              ("attached by mistake", seen - wanted)):
                if ids:
                    self._fail("failure", f"{fake.name}: {what}: "
                               + ", ".join(f"{i:#x}" for i in sorted(ids)))

    def kind(self):
        """The kind of failure that explains the others; "pass" if none."""
        kinds = {r.kind for r in self.reasons}
        return next((k for k in KINDS if k in kinds), "pass")

    def spoilt(self):
        """Whether the emulator, not the guest, is to blame."""
        _, _, last_boot = self.log.rpartition("Linux version ")
        early = self.reasons and last_boot and CORE_UP not in last_boot
        return bool(early or INT3.search(self.log))

    def skipped(self):
        """Why there was nothing to judge: all steps were skipped; else ""."""
        tests = self.ktap.tests
        if not tests or not all(t.skip for t in tests):
            return ""
        notes = dict.fromkeys(n for t in tests for n in t.notes)
        return "; ".join(notes) or "no reason given"

    def as_expected(self):
        """Whether the run ended as its scenario says."""
        s = self.case.settings
        if s.expect == "pass" or self.kind() != s.expect:
            return s.expect == self.kind()
        where = "\n".join(r.text for r in self.reasons if r.kind == s.expect)
        if s.expect in ("panic", "hang", "report"):
            where += self.log
        return bool(re.search(s.match, where))

    def explanation(self):
        """Lines for a person: what was wrong."""
        s = self.case.settings
        lines = [f"{r.kind}: {r.text}" for r in self.reasons]
        if s.expect != "pass":
            lines.insert(0, f"was to end with {s.expect} /{s.match}/ "
                         f"within {s.tries} tries: the bug did not bite")
        return lines
