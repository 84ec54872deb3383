#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of the judge, the scenario reader and what serves a guest, on made-up
runs: no guest."""
import json
import pathlib
import socket
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE / "lib"), str(HERE.parent / "device")]
import host         # noqa: E402
import machine      # noqa: E402
import protocol     # noqa: E402
import scenario     # noqa: E402
import verdict      # noqa: E402
import device_test  # noqa: E402
import suites_test  # noqa: E402

GOOD_KTAP = "KTAP version 1\r\n1..2\r\nok 1 a\r\n# a note\r\nok 2 b\r\n# fact: driver none\r\n"
GOOD_TRACE = "qemu_system_shutdown_request reason=6\n"
REPORTS = (
    "WARNING: CPU: 0 PID: 1 at drivers/iommu/iommu.c:1 f+0x1/0x2",
    "WARNING: possible circular locking dependency detected",
    "BUG: KASAN: slab-use-after-free in f+0x1/0x2",
    "BUG: sleeping function called from invalid context at f.c:1",
    "Internal error: Oops: 0000000096000004 [#1] SMP",
    "Unable to handle kernel NULL pointer dereference at virtual address 0",
    "INFO: task kworker/0:1:9 blocked for more than 30 seconds.",
    "watchdog: BUG: soft lockup - CPU#0 stuck for 26s!",
    "rcu: INFO: rcu_preempt self-detected stall on CPU",
    "Call Trace:", "Call trace:", "------------[ cut here ]------------",
    "UBSAN: array-index-out-of-bounds in f.c:1:2",
)
HARMLESS = (
    "e1000e 0000:00:12.0 eth0: NIC Link is Up",
    "virtio_iommu virtio0: fault of 0000:00:13.0 in domain 3 at 0x1000",
    "DEBUG: something", "nvme nvme0: Ignoring bogus Namespace Identifiers",
)


def judge(ktap=GOOD_KTAP, trace=GOOD_TRACE, log="", ended=True, served="",
          asked="", **settings):
    table = {"description": "d", "kernel": ["k"], "steps": ["a", "b"],
             "devices": ["virtio-blk"], **settings}
    case = scenario.case("s", "k", "none", "strict", table)
    with tempfile.TemporaryDirectory() as run:
        for name, text in (("ktap", ktap), ("trace", trace), ("log", log),
                           ("host", served), ("fake.trace", asked)):
            pathlib.Path(run, name).write_text(text)
        return verdict.Judge(case, run, ended)


class Verdict(unittest.TestCase):
    def test_a_good_run_passes(self):
        self.assertTrue(judge().as_expected())

    def test_a_good_run_is_not_what_a_rival_was_to_show(self):
        for outcome in ("panic", "hang", "report", "end", "plan", "failure"):
            self.assertFalse(judge(expect=outcome, match=".").as_expected())

    def test_only_the_emulators_own_flaws_are_excused(self):
        early, up = "[ 0.1] x\n", f"[ 1.0] {verdict.CORE_UP}: Translated\n"
        panic = "Kernel panic - not syncing: x"
        for log, excused in ((up + "Oops: int3: 0000 [#1] SMP", True),
                             (up + "Oops: Oops: 0000 [#1] SMP", False),
                             (early + panic, True), (up + panic, False)):
            self.assertEqual(judge(log=log).spoilt(), excused)
        self.assertTrue(judge("", "", early, ended=False).spoilt())
        self.assertFalse(judge("", "", up, ended=False).spoilt())
        self.assertFalse(judge().spoilt())

    def test_the_wrong_driver_fails_the_run(self):
        ktap = GOOD_KTAP.replace("driver none", "driver rival")
        self.assertEqual(judge(ktap).kind(), "failure")

    def test_the_wrong_kind_of_failure_is_not_what_was_expected(self):
        self.assertFalse(judge(log="Kernel panic - not syncing: x",
                               expect="failure", match=".").as_expected())

    def test_a_failure_elsewhere_is_not_what_was_expected(self):
        ktap = GOOD_KTAP.replace("ok 2 b", "not ok 2 b")
        self.assertFalse(judge(ktap, expect="failure",
                               match="step: a").as_expected())
        self.assertTrue(judge(ktap, expect="failure",
                              match="step: b").as_expected())

    def test_every_report_of_a_kernel_fails_the_run(self):
        for line in REPORTS:
            with self.subTest(line):
                self.assertEqual(judge(log=f"[ 1.0] {line}").kind(), "report")

    def test_harmless_lines_do_not(self):
        for line in HARMLESS:
            with self.subTest(line):
                self.assertEqual(judge(log=f"[ 1.0] {line}").kind(), "pass")

    def test_an_allowed_report_does_not(self):
        line = "WARNING: CPU: 0 PID: 1 at known.c:1"
        self.assertTrue(judge(log=line, allow=["known.c"]).as_expected())

    def test_a_missing_plan_result_or_file_fails_the_run(self):
        for ktap in ("", "KTAP version 1\n", "KTAP version 1\n1..2\nok 1 a\n",
                     "KTAP version 1\nok 1 a\nok 2 b\n",
                     "KTAP version 1\n1..2\nok 2 b\nok 1 a\n",
                     GOOD_KTAP.replace("1..2", "1..1")):
            with self.subTest(ktap):
                self.assertNotEqual(judge(ktap).kind(), "pass")

    def test_an_unexpected_reboot_fails_the_run(self):
        self.assertEqual(judge(GOOD_KTAP * 2).kind(), "end")
        self.assertEqual(judge(GOOD_KTAP * 2, reboots=1).kind(), "pass")

    def test_a_guest_that_did_not_power_off_fails_the_run(self):
        for trace in ("", "qemu_system_shutdown_request reason=4\n"):
            self.assertEqual(judge(trace=trace).kind(), "end")
        self.assertEqual(judge(ended=False).kind(), "hang")

    def test_an_unexpected_fault_fails_the_run(self):
        fault = GOOD_TRACE + ("virtio_iommu_report_fault FAULT reason=2 "
                              "flags=256 endpoint=128 address =0x1000\n")
        self.assertEqual(judge(trace=fault).kind(), "failure")
        self.assertEqual(judge(trace=fault, faults=["virtio-blk"]).kind(),
                         "pass")
        self.assertEqual(judge(trace=fault.replace("0x1000", "0x1fff")).kind(),
                         "pass")

    def test_a_host_that_could_not_help_fails_the_run(self):
        self.assertEqual(judge(served="plug: no such bus\n").kind(), "failure")

    def test_only_a_run_without_any_result_is_skipped_and_says_why(self):
        skip = "# no such device\r\nok 1 a # SKIP\r\n"
        for second, why in (("ok 2 b # SKIP\n", "no such device"),
                            ("ok 2 b\n", "")):
            run = judge("KTAP version 1\n1..2\n" + skip + second)
            self.assertEqual(run.skipped(), why)

    def test_domains_are_counted_once(self):
        trace = GOOD_TRACE + "".join(
            f"virtio_iommu_attach domain={d} endpoint={e}\n"
            for d, e in ((3, 128), (4, 128), (3, 128), (4, 136), (5, 144)))
        run = judge(trace=trace)
        self.assertEqual(run.trace.count("domains", 128), 2)
        self.assertEqual(run.trace.count("domains"), 3)

    def test_a_device_of_ours_is_told_of_its_endpoints_and_no_other(self):
        seen = "virtio_iommu_attach domain=0x1 endpoint=0x8 flags=0x0\n"
        for attached, kind in (([8], "pass"), ([8, 9], "failure"),
                               ([], "failure"), (None, "pass")):
            table = {} if attached is None else {"attached": attached}
            run = judge(fake=[table], asked=seen)
            self.assertEqual(run.kind(), kind)
        twice = seen + "virtio_iommu_detach domain=0x2 endpoint=0x8\n"
        self.assertEqual(judge(fake=[{}], asked=twice).kind(), "failure")

    def test_counts_are_of_the_domains_an_endpoint_was_in(self):
        trace = GOOD_TRACE + ("virtio_iommu_attach domain=3 endpoint=128\n"
                              "virtio_iommu_attach domain=4 endpoint=136\n")
        for number in (3, 4):
            trace += (f"virtio_iommu_map domain={number} virt_start=0x0 "
                      "virt_end=0xfff phys_start=0x1000 flags=1\n")
        run = judge(trace=trace)
        self.assertEqual(run.trace.count("map", 128), 1)
        self.assertEqual(run.trace.count("map"), 2)


class Protocol(unittest.TestCase):
    ATTACH = ("attach", {"domain": 1, "endpoint": 8})

    def wrong(self, *events):
        return protocol.Replay([self.ATTACH, *events]).wrong

    @staticmethod
    def map(start, last, **other):
        return "map", {"domain": 1, "virt_start": start, "virt_end": last,
                       "phys_start": 0x5000, "flags": 3, **other}

    @staticmethod
    def unmap(start, last, domain=1):
        return "unmap", {"domain": domain, "virt_start": start,
                         "virt_end": last}

    def test_good_requests_are_good(self):
        top = (1 << 64) - 1
        self.assertFalse(self.wrong(
            self.map(0x1000, 0x1fff), self.map(0x2000, 0x3fff),
            self.map(0, 0xfff), self.map(top - 0xfff, top),
            self.unmap(0, 0x3fff), self.map(0x1000, 0x2fff),
            self.unmap(0, top), self.unmap(0, top), self.map(0, 0xfff)))

    def test_bad_maps_are_found(self):
        resv = ("fill_resv_property", {"dev": 8, "start": 0x8000,
                                       "end": 0x8fff})
        live = self.map(0x2000, 0x3fff)
        for bad in (self.map(0x1000, 0x2fff), self.map(0x3000, 0x4fff),
                    self.map(0x2000, 0x3fff), self.map(0x1000, 0x4fff),
                    self.map(0x7000, 0x8fff), self.map(0x5000, 0x57ff),
                    self.map(0x5800, 0x5fff), self.map(0x5000, 0x5fff, flags=0),
                    self.map(0x5000, 0x5fff, phys_start=1),
                    self.map(0x5000, 0x5fff, domain=2)):
            with self.subTest(bad):
                self.assertTrue(self.wrong(resv, live, bad))

    def test_an_unmap_that_cuts_is_found(self):
        for start, last in ((0x2000, 0x2fff), (0x3000, 0x3fff),
                            (0x1000, 0x2fff), (0x3000, 0x9fff)):
            with self.subTest(hex(start)):
                self.assertTrue(self.wrong(self.map(0x2000, 0x3fff),
                                           self.unmap(start, last)))

    def test_a_domain_without_endpoints_is_gone(self):
        leave = ("detach", {"domain": 1, "endpoint": 8})
        self.assertTrue(self.wrong(leave, self.map(0, 0xfff)))
        self.assertTrue(self.wrong(leave, leave))
        self.assertTrue(self.wrong(("device_reset_exit", {}),
                                   self.unmap(0, 0xfff)))
        self.assertFalse(self.wrong(self.map(0, 0xfff), leave, self.ATTACH,
                                    self.map(0, 0xfff)))


class FakeMonitor(threading.Thread):
    """Answers like QEMU's monitor; remembers what it was told."""

    def __init__(self, path, answers):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        self.answers, self.told = answers, []

    def run(self):
        connection, _ = self.listener.accept()
        self.listener.close()
        with connection, connection.makefile("r") as lines:
            connection.sendall(b'{"QMP": {}}\n')
            for line in lines:
                asked = json.loads(line)
                self.told.append(asked)
                for said in self.answers.get(asked["execute"], [{"return": {}}]):
                    connection.sendall(json.dumps(said).encode() + b"\n")


class Hosts(unittest.TestCase):
    def serve(self, ktap, answers, until):
        with tempfile.TemporaryDirectory() as directory:
            run = pathlib.Path(directory)
            monitor = FakeMonitor(run / "qmp", answers)
            monitor.start()
            with host.Host(run, {"card": ["e1000e,id=card", "x,bus=card"]}):
                (run / "ktap").write_text(ktap)
                end = time.monotonic() + 10
                while not until(run, monitor) and time.monotonic() < end:
                    time.sleep(0.01)
            failures = run / "host"
            return monitor.told, (failures.read_text()
                                  if failures.exists() else "")

    def test_a_device_is_plugged_whole_and_unplugged_to_the_end(self):
        gone = {"event": "DEVICE_DELETED", "data": {"device": "card"}}
        other = {"event": "DEVICE_DELETED", "data": {"path": "/x"}}
        told, failures = self.serve(
            "# host: plug card\r\nok 1 x\r\n# host: unplug card\r\n"
            "# host: plug ca",
            {"human-monitor-command": [{"return": ""}],
             "device_del": [other, {"return": {}}, gone]},
            lambda run, monitor: len(monitor.told) == 4)
        self.assertEqual([t["execute"] for t in told],
                         ["qmp_capabilities", "human-monitor-command",
                          "human-monitor-command", "device_del"])
        self.assertEqual([t["arguments"].get("command-line") for t in told][1:3],
                         ["device_add e1000e,id=card", "device_add x,bus=card"])
        self.assertEqual(failures, "")

    def test_what_goes_wrong_is_said(self):
        says = [{"return": "Error: no such bus\r\n"}]
        errs = [{"error": {"desc": "no such device"}}]
        for ktap, answers, said in (
                ("plug card", {"human-monitor-command": says}, "no such bus"),
                ("unplug card", {"device_del": errs}, "no such device"),
                ("plug disk", {}, "disk"), ("pull card", {}, "pull")):
            with self.subTest(ktap):
                _, failures = self.serve(
                    f"# host: {ktap}\n", answers,
                    lambda run, _: (run / "host").exists())
                self.assertIn(said, failures)

    def test_only_what_is_to_be_plugged_is_left_out_at_the_start(self):
        table = {"description": "d", "kernel": ["k"], "steps": ["a"],
                 "devices": ["edu", {"type": "e1000e", "plug": True}]}
        case = scenario.case("s", "k", "none", "strict", table)
        edu, card = case.settings.devices
        self.assertIn("-device", machine.device_arguments(edu))
        self.assertNotIn("-device", machine.device_arguments(card))
        self.assertIn("-netdev", machine.device_arguments(card))
        self.assertEqual(list(machine.plugs(case)), ["e1000e"])
        self.assertIn("id=e1000e", machine.plugs(case)["e1000e"][0])


class Scenarios(unittest.TestCase):
    def load(self, text):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "s.toml")
            path.write_text('description = "d"\nkernel = ["k"]\n' + text)
            return scenario.load(path)

    def test_misspelt_keys_tables_and_values_are_refused(self):
        for text in ('steps = ["a"]\nstep = []\n',
                     'steps = ["a"]\n[rivals]\ntags = []\n',
                     'steps = ["a"]\n[rival]\ntag = []\n',
                     'steps = ["a"]\ndriver = ["their"]\n',
                     'steps = ["a"]\npolicies = ["relaxed"]\n',
                     'steps = ["a"]\nexpect = "oops"\nmatch = "x"\n',
                     'steps = ["a"]\nexpect = "panic"\n',
                     'steps = ["a"]\ntrace = ["map => 1"]\n',
                     'steps = ["a"]\ntrace = ["map@nvme >= 1"]\n',
                     'steps = ["a"]\ntrace = ["maps == 0"]\n',
                     'steps = ["a"]\nfaults = ["nvme"]\n',
                     'steps = []\n', '', 'steps = ["a"]\nlong = ["j"]\n',
                     'steps = ["a"]\n[[fake]]\nfeatures = ["NONE"]\n',
                     'steps = ["a"]\n[[fake]]\nadress = "3"\n'):
            with self.subTest(text), self.assertRaises(scenario.ScenarioError):
                self.load(text)

    def test_a_case_takes_its_drivers_and_policys_settings(self):
        cases = self.load('steps = ["a"]\ndriver = ["ours", "rival"]\n'
                          'policies = ["strict", "passthrough"]\n'
                          '[rival]\npolicies = ["strict"]\ntimeout = 9\n'
                          '[passthrough]\ntrace = ["map == 0"]\n')
        self.assertEqual([c.id for c in cases],
                         ["s.k.ours.strict", "s.k.ours.passthrough",
                          "s.k.rival.strict"])
        self.assertEqual(cases[1].settings.trace, ["map == 0"])
        self.assertEqual(cases[2].settings.timeout, 9)

    def test_a_kernel_may_be_left_out_of_the_short_run(self):
        cases = self.load('steps = ["a"]\nlong = ["k"]\ntags = ["t"]\n')
        self.assertEqual(cases[0].settings.tags, ["t", "long"])

    def test_every_scenario_of_the_tree_can_be_read(self):
        self.assertGreater(len(scenario.load_all(HERE)), 20)


def load_tests(loader, tests, _):
    for module in (device_test, suites_test):
        tests.addTests(loader.loadTestsFromModule(module))
    return tests


if __name__ == "__main__":
    unittest.main()
