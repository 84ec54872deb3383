# SPDX-License-Identifier: GPL-2.0
"""Tests as functions: main(globals()) runs those called test_..., in order,
and prints KTAP.
"""
import sys
import traceback


def main(names):
    tests = [(name[5:], test) for name, test in names.items()
             if name.startswith("test_")]
    chosen = [(name, test) for name, test in tests
              if not sys.argv[1:] or any(part in name for part in sys.argv[1:])]
    suite = sys.argv[0].rpartition("/")[2].removesuffix("_test.py")
    print(f"KTAP version 1\n1..{len(chosen)}")
    failed = 0
    for number, (name, test) in enumerate(chosen, 1):
        try:
            test()
            verdict = "ok"
        except Exception:
            for line in traceback.format_exc().splitlines():
                print("#", line)
            verdict = "not ok"
            failed += 1
        print(verdict, number, f"{suite}_program.{name}", flush=True)
    sys.exit(bool(failed or not chosen))
