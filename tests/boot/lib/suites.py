# SPDX-License-Identifier: GPL-2.0
"""Boots kernels that run KUnit suites, under QEMU, and reads what they said.

A guest has no disk. Its kernel runs the suites, then tests/guest/init-kunit
looks for leaks, hands over what has been counted, and powers it off.
"""
import functools
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import guest
import machine
import verdict

REPO = pathlib.Path(__file__).resolve().parents[3]
SECONDS = 1500      # for one boot
QUIET = 240         # of which so many may pass without a word
BOOTS = 3           # of which QEMU may spoil all but one
MEMORY_MIB = 1024
CPUS = 4            # races and load want more than two
FAST = "tcg,thread=multi"       # a processor of the host for each of the guest
FRUGAL = "tcg,thread=single"    # one for all: nobody spins while others wait

# A kernel's configuration may have left out that KUnit runs at boot. And the
# slab allocator of Linux 7 keeps pointers to what it has given away, so that
# up to a sheaf of objects can be lost and not be missed: debugged, it has no
# sheaves.
PARAMETERS = "kunit.enable=1 kunit.autorun=1 slab_debug=F"


def say(*lines):
    """At once, and not amid what another thread says."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def ask(*command):
    """Run a script of ours and return the path it prints."""
    done = subprocess.run([REPO / "scripts" / command[0], *command[1:]],
                          check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(done.stdout.strip().splitlines()[-1])


@functools.cache
def kernel_directory(name):
    return ask("kernel", "get", name)


def flavour(name):
    return name.split("-")[0]


def arch_of(name):
    return name.split("-")[2]


# ---- booting ----------------------------------------------------------------

@functools.cache
def busybox(arch):
    return ask("kernel", "busybox", "amd64" if arch == "x86_64" else arch)


def initramfs(arch, path):
    archive = guest.Archive()
    archive.program("bin/busybox", busybox(arch).read_bytes())
    archive.program("init", (guest.GUEST / "init-kunit").read_bytes())
    archive.write(path)


def command(kernel, arch, cpus, emulator, run, append):
    """QEMU's command line; the guest's log comes in the file run/log, what
    it has to hand over in run/data."""
    accel = machine.accelerator(arch, kernel)
    return [machine.emulator(arch),
            "-accel", emulator if accel == "tcg" else accel,
            "-M", {"x86_64": "q35", "arm64": "virt"}[arch],
            "-cpu", machine.cpu(arch, accel),
            "-smp", str(cpus), "-m", str(MEMORY_MIB),
            "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot", "-serial", f"file:{run}/log",
            "-serial", f"file:{run}/data", "-kernel", str(kernel),
            "-initrd", f"{run}/initramfs", "-append",
            f"console={machine.consoles(arch)[0]} loglevel=8 panic=-1 "
            f"oops=panic {machine.TIMERS[arch]} {PARAMETERS} {append}"]


class Quiet:
    """Whether a file has not grown for some seconds."""

    def __init__(self, path, seconds):
        self.path, self.seconds = path, seconds
        self.size, self.since = -1, 0

    def __bool__(self):
        size = self.path.stat().st_size if self.path.exists() else 0
        if size != self.size:
            self.size, self.since = size, time.monotonic()
        return time.monotonic() - self.since > self.seconds


def execute(line, log, seconds, quiet, enough):
    """Run QEMU; return whether it ended by itself, in time."""
    end, silent = time.monotonic() + seconds, Quiet(log, quiet)
    with subprocess.Popen(line, stdin=subprocess.DEVNULL) as qemu:
        machine.running.add(qemu)
        try:
            while time.monotonic() < end and not silent:
                try:
                    return qemu.wait(0.25) == 0
                except subprocess.TimeoutExpired:
                    pass
                if enough and log.exists() and enough(read(log)):
                    break
            return False
        finally:
            qemu.kill()
            machine.running.discard(qemu)


def read(path):
    if not path.exists():
        return ""
    return path.read_text(errors="replace").replace("\r", "")


class Boot:
    """One boot: the guest's log and data, and whether it ended in time.

    With enough(log), it may be ended as soon as that is true.
    """

    def __init__(self, name, append, seconds=SECONDS, quiet=QUIET,
                 enough=None, cpus=CPUS, emulator=FAST):
        arch = arch_of(name)
        run = pathlib.Path(tempfile.mkdtemp(prefix="viommu-kunit-"))
        try:
            initramfs(arch, run / "initramfs")
            line = command(kernel_directory(name) / "vmlinuz", arch,
                           cpus, emulator, run, append)
            start = time.monotonic()
            self.ended = execute(line, run / "log", seconds, quiet, enough)
            self.took = time.monotonic() - start
            self.log = read(run / "log")
            self.data = read(run / "data")
        finally:
            shutil.rmtree(run)

    def spoilt(self):
        """Whether the emulator is to blame: see verdict.py."""
        return (verdict.CORE_UP not in self.log
                or bool(verdict.INT3.search(self.log)))


def boot(name, append, seconds=SECONDS, **options):
    """Boot; options are Boot's."""
    for number in range(1, BOOTS + 1):
        say(f"# {name}: booting")
        result = Boot(name, append, seconds, **options)
        say(f"# {name}: {result.took:.0f} s")
        if not result.spoilt() or number == BOOTS:
            return result
        say(f"# {name}: that was QEMU's fault; once more")


# ---- judging ----------------------------------------------------------------

SKIP = re.compile(r"ok \d+ (\S+) # SKIP (.+)")


@functools.cache
def kunit_parser():
    """The kernel's own parser, and a printer that prints nothing."""
    sys.path.insert(0, str(ask("kernel", "source", "7.3")
                           / "tools/testing/kunit"))
    import kunit_parser as parser
    import kunit_printer
    return parser, kunit_printer.Printer(print=False)


class Case:
    """One line of a suite: a case, or one of its parameters."""

    def __init__(self, path, test, skips):
        status = kunit_parser()[0].TestStatus
        self.path, self.notes = path, [line.strip().removeprefix("# ")
                                       for line in test.log]
        self.ok = test.status in (status.SUCCESS, status.SKIPPED)
        self.ended = self.ok or test.status == status.FAILURE
        self.skip = ""
        if test.status == status.SKIPPED:
            self.skip = next(skips.get(path[-1], iter(())), "no reason given")

    def name(self):
        """Its name, without the case that all of tests/host's share."""
        return ".".join(part for part in self.path if part != "each_case")


class Judge:
    """What the suites said, by case, and what was wrong with the boot."""

    def __init__(self, log, ended, scans=0):
        parser, printer = kunit_parser()
        self.cases, self.reasons = [], []
        self.skips = self._reasons(log)
        tree = parser.parse_run_tests(log.splitlines(), printer)
        for suite in tree.subtests:
            self._add((suite.name,), suite)
        if not self.cases:
            self.reasons.append("plan: no tests were run")
        if (tree.counts.errors
                or tree.status == parser.TestStatus.TEST_CRASHED):
            self.reasons.append("plan: it was not kept to")
        self.reasons += [f"report: {line.strip()}" for line in log.splitlines()
                         if verdict.PANIC.search(line)
                         or verdict.REPORT.search(line)]
        if log.count("kunit: scan") != scans:
            self.reasons.append("end: leaks were not looked for")
        if not ended or "reboot: Power down" not in log:
            self.reasons.append("end: the guest did not power off by itself")

    @staticmethod
    def _reasons(log):
        """Why cases of a name were skipped, one after the other."""
        reasons = {}
        for name, reason in SKIP.findall(log):
            reasons.setdefault(name, []).append(reason)
        return {name: iter(those) for name, those in reasons.items()}

    def _add(self, path, test):
        """The leaves of the tree."""
        for part in test.subtests:
            self._add((*path, part.name), part)
        if not test.subtests:
            self.cases.append(Case(path, test, self.skips))

    def wrong(self):
        """All that was, a line each."""
        return [f"failure: {case.name()}" for case in self.cases
                if not case.ok] + self.reasons


class Report:
    """KTAP, with a plan at its end, as nobody knows before."""

    def __init__(self):
        self.number = self.failed = 0
        say("KTAP version 1")

    def line(self, ok, name, notes=(), skip=""):
        self.number += 1
        self.failed += not ok
        say(*(f"# {note}" for note in notes),
            f"{'ok' if ok else 'not ok'} {self.number} {name}"
            + (f" # SKIP {skip}" if skip else ""))

    def end(self):
        say(f"1..{self.number}",
            f"# {self.number - self.failed} passed, {self.failed} failed")
        return int(self.failed > 0 or not self.number)
