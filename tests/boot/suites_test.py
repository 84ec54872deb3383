# SPDX-License-Identifier: GPL-2.0
"""Tests of those who judge by what KUnit's suites said, on made-up guests."""
import contextlib
import importlib
import importlib.util
import io
import pathlib
import sys
import types
import unittest
from importlib.machinery import SourceFileLoader

TESTS = pathlib.Path(__file__).resolve().parents[1]


def load(name, path):
    """A program of ours, as a module."""
    loader = SourceFileLoader(name, str(TESTS / path))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


class Judge:
    """Instead of the kernel's parser. A guest's log has lines of two kinds:
    "RESULT SUITE.CASE[.PROFILE]", and a reason why the boot was wrong."""

    RESULTS = {"ok": (True, True, ""), "not-ok": (False, True, ""),
               "lost": (False, False, ""), "skip": (True, True, "why")}

    def __init__(self, log, _ended, scans=0):
        self.cases, self.reasons, self.scans = [], [], scans
        for line in log.splitlines():
            result, _, name = line.partition(" ")
            if result in self.RESULTS:
                self.cases.append(self.case(name, *self.RESULTS[result]))
            else:
                self.reasons.append(line)

    @staticmethod
    def case(name, good, ended, skip):
        return types.SimpleNamespace(path=tuple(name.split(".")), ok=good,
                                     ended=ended, skip=skip, notes=[],
                                     name=lambda: name)

    def wrong(self):
        return [f"failure: {case.name()}" for case in self.cases
                if not case.ok] + self.reasons


def result(log, ended=True, took=1):
    return types.SimpleNamespace(log=log, ended=ended, took=took, data="")


conformance = load("conformance", "conformance")


class Conformance(unittest.TestCase):
    NAMES = [f"R{number:02}_x" for number in conformance.REQUIREMENTS]

    def setUp(self):
        self.boots = []
        self.saved = conformance.suites.boot, conformance.suites.Judge
        conformance.suites.boot, conformance.suites.Judge = self.boot, Judge

    def tearDown(self):
        conformance.suites.boot, conformance.suites.Judge = self.saved

    def boot(self, name, append, *_, **__):
        """Kernels are named after what they do."""
        pattern = append.split("=")[1].split()[0]
        self.boots.append((name, pattern))
        whole = pattern == conformance.SUITE
        return result(*self.kernels[name](whole, pattern[-5:-2]))

    @classmethod
    def log(cls, say, *more):
        """All requirements, some of which something else is said of."""
        return "\n".join(line for name in cls.NAMES
                         for line in say.get(name[:3], [f"ok s.{name}.qemu"])
                         ) + "".join(f"\n{line}" for line in more), True

    def measure(self, whole, alone=None):
        """The outcome of a guest, and those that are booted after it."""
        self.kernels = {"k": lambda is_whole, _: whole if is_whole else alone}
        with contextlib.redirect_stdout(io.StringIO()):
            return conformance.measure("k")

    def test_what_is_met_is_met(self):
        outcome = self.measure(self.log({"R07": ["ok s.R07_x.a",
                                                 "skip s.R07_x.b"]}))
        self.assertEqual((outcome.count(), len(self.boots)), (42, 1))
        self.assertEqual({v.cell() for v in outcome.verdicts.values()}, {"yes"})

    def test_what_applies_nowhere_is_not_met(self):
        outcome = self.measure(self.log({"R25": ["skip s.R25_x.a",
                                                 "skip s.R25_x.b"]}))
        self.assertEqual(outcome.count(), 41)
        self.assertEqual(outcome.count(conformance.Verdict.idle), 1)
        self.assertEqual(outcome.verdicts[25].cell(), "does not apply")
        self.assertEqual(len(self.boots), 1)

    def test_what_fails_is_tried_alone_and_that_counts(self):
        bad = {"R18": ["ok s.R18_x.a", "not-ok s.R18_x.b"]}
        for alone, cell, where in (
                ("ok s.R18_x.a\nok s.R18_x.b", "yes", ""),
                ("ok s.R18_x.a\nnot-ok s.R18_x.b", "not all", "b"),
                ("not-ok s.R18_x.a", "no", ""), ("", "not tested", "")):
            outcome = self.measure(self.log(bad), (alone, True))
            self.assertEqual(outcome.verdicts[18].cell(), cell)
            self.assertEqual(outcome.verdicts[18].where(), where)
            self.assertEqual(outcome.count(), 42 if cell == "yes" else 41)
        self.assertEqual(self.boots[1], ("k", f"{conformance.SUITE}.R18_*"))

    def test_what_a_guest_did_is_told(self):
        bad, good = {"R18": ["lost s.R18_x"]}, "ok s.R18_x.a"
        for alone, cell in (
                ((f"{good}\nplan: x\nend: y", True), "crashes"),
                ((f"{good}\nplan: x\nend: y", False), "hangs"),
                ((f"{good}\nend: y\nreport: soft lockup", True), "hangs"),
                ((f"{good}\nreport: WARNING: x", True), "yes"),
                ((good, True), "yes")):
            outcome = self.measure(self.log(bad), alone)
            self.assertEqual(outcome.verdicts[18].cell(), cell)
            self.assertEqual(outcome.verdicts[18].good(), cell == "yes")

    def test_ours_has_one_chance(self):
        ours = conformance.KERNELS[conformance.OURS]
        self.kernels = {ours: lambda is_whole, _: self.log(
            {"R18": ["not-ok s.R18_x.a"]} if is_whole else {})}
        outcome = conformance.measure(ours)
        self.assertEqual(outcome.verdicts[18].cell(), "no")
        self.assertEqual(len(self.boots), 1)

    def tell(self, ours, others):
        """The exit status, and what was printed."""
        kernels = list(conformance.KERNELS)
        guests = [ours, others, self.log({})]
        results = {name: self.measure(*guest) if isinstance(guest, list)
                   else self.measure(guest)
                   for name, guest in zip(kernels, guests)}
        said, errors = io.StringIO(), io.StringIO()
        with (contextlib.redirect_stdout(said),
              contextlib.redirect_stderr(errors)):
            status = conformance.tell(results)
        self.assertIn("\n===", said.getvalue())
        return status, said.getvalue(), errors.getvalue()

    def test_only_what_is_ours_has_to_be_good(self):
        good = self.log({})
        warns = self.log({}, "report: WARNING: x")
        fails = [self.log({"R18": ["not-ok s.R18_x.a"]}),
                 ("not-ok s.R18_x.a", True)]
        skips = self.log({"R18": ["skip s.R18_x.a"]})
        for ours, others, status in (
                (good, good, 0), (good, warns, 0), (good, fails, 0),
                (good, skips, 0), (fails, good, 1), (warns, good, 1),
                (skips, good, 1), (good, [("plan: x", True), ("", True)], 1)):
            told, _, errors = self.tell(ours, others)
            self.assertEqual(told, status)
            self.assertEqual(bool(errors.strip()), bool(status))

    def test_the_page_counts_apart_what_does_not_apply(self):
        skips = self.log({"R18": ["skip s.R18_x.a"]})
        _, page, _ = self.tell(self.log({}), skips)
        self.assertRegex(page, r"\n +met +42 of 42 +41 of 42 +42 of 42\n")
        self.assertRegex(page, r"\n +does not apply +0 +1 +0\n")

    def test_the_page_says_who_reports_bugs(self):
        _, page, _ = self.tell(self.log({}), self.log(
            {}, "report: WARNING: x", "report: Call Trace:"))
        self.assertRegex(page, r"a bug of its own +no +yes +no\n")


coverage = load("coverage", "coverage")


class Coverage(unittest.TestCase):
    def counts(self, log):
        saved = coverage.suites.boot, coverage.suites.Judge
        handed = result(f"{log}\n{coverage.HANDED_OVER}")
        coverage.suites.boot = lambda *_: handed
        coverage.suites.Judge = Judge
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                return coverage.counts("*", 1)
        finally:
            coverage.suites.boot, coverage.suites.Judge = saved

    def test_cases_that_failed_are_not_forgotten(self):
        for log, passed in (("ok s.a\nskip s.b", True),
                            ("ok s.a\nnot-ok s.b", False),
                            ("ok s.a\nlost s.b", False)):
            self.assertEqual(self.counts(log), (b"", passed))


mutants = load("mutants_run", "mutants/run")


class Mutants(unittest.TestCase):
    def noticed(self, log):
        try:
            return mutants.noticed(Judge(log, True))
        except (mutants.Hung, mutants.Trouble) as why:
            return type(why).__name__

    def test_only_cases_and_kernels_notice(self):
        for log, who in (
                ("ok s.a\nok s.b", ""), ("ok s.a\nskip s.b", ""),
                ("ok s.a\nnot-ok s.b", "failure: s.b"),
                ("not-ok s.a\nlost s.b\nend: x", "failure: s.a"),
                ("ok s.a\nlost s.b\nreport: KASAN", "report: KASAN"),
                ("ok s.a\nlost s.b\nplan: x\nend: x", "Hung"),
                ("ok s.a\nreport: soft lockup\nreport: Call Trace:", "Hung"),
                ("ok s.a\nreport: KASAN\nreport: soft lockup",
                 "report: KASAN"),
                ("plan: x\nend: x", "Hung"), ("plan: x", "Trouble")):
            with self.subTest(log):
                self.assertEqual(self.noticed(log), who)

    def test_a_guest_is_not_ended_for_being_slow(self):
        kernel = mutants.Kernel.__new__(mutants.Kernel)
        kernel.verdict = importlib.import_module("verdict")
        slow = "[ 9.0] watchdog: BUG: soft lockup - CPU#0\n[ 9.1] Call Trace:\n"
        for log, over in ((slow, False), ("[ 1.0] x\n", False),
                          ("[ 1.0] BUG: KASAN: x\n" + slow, True),
                          (slow + "[ 9.2]     not ok 3 x\n", True)):
            self.assertEqual(bool(kernel._is_wrong(log)), over)

    def test_what_hangs_is_tried_again_alone_with_more_time(self):
        slow, over = "ok s.a\nlost s.b\nend: x", "ok s.a\nok s.b"
        for logs, who in (([slow, slow], "hangs: failure: s.b"),
                          ([slow, over], ""),
                          ([slow, "not-ok s.b"], "failure: s.b"),
                          (["not-ok s.a"], "failure: s.a")):
            self.assertEqual(self.judge(logs), (who, len(logs)))

    def judge(self, logs):
        """What is said of a mutant, by what its guests do, and how many."""
        mutant = types.SimpleNamespace(name="m", suites="s", suite=lambda: "s",
                                       concerns=lambda path: True)
        kernel, times = mutants.Kernel.__new__(mutants.Kernel), []

        def boot(_number, _suites, seconds, quiet=0):
            times.append((seconds, quiet))
            log = logs[len(times) - 1] if len(times) else ""
            return result(log), Judge(log, True)

        kernel.numbers, kernel._boot = {"m": 1}, boot
        kernel.whole = {"s": (result(""), Judge("ok s.a\nok s.b", True))}
        report, lines = types.SimpleNamespace(), []
        report.line = lambda _, noticed, trouble="": lines.append(noticed)
        report.judge = types.MethodType(mutants.Report.judge, report)
        kernel.measure = lambda suite: None
        mutants.run_kernel(report, [mutant], kernel, 1)
        if len(times) > 1:
            self.assertGreater(times[1], times[0])
        return lines[0], len(times)


if __name__ == "__main__":
    sys.exit("see selftest.py")
