# SPDX-License-Identifier: GPL-2.0
"""The lists of mutants: *.toml, one for each file that is changed."""
import dataclasses
import difflib
import fnmatch
import pathlib
import re
import sys
import tomllib

FIELDS = {"name", "wrong", "in", "old", "new", "suites", "program"}


@dataclasses.dataclass
class Mutant:
    """One change: in a function, what stands there once becomes another."""
    name: str
    wrong: str
    file: str
    program: str        # in tests/host that should notice; or
    suites: str         # of KUnit that should
    function: str
    changes: list
    path: pathlib.Path

    def original(self):
        return self.path.read_text(encoding="utf-8")

    def text(self):
        """The file with the change; ValueError if it has no place for it."""
        text = self.original()
        for old, new in self.changes:
            begin, end = bounds(text, self.function)
            if text.count(old, begin, end) != 1:
                raise ValueError(f"{self.name}: {self.function or self.file} has "
                                 f"{text.count(old, begin, end)} of: {old}")
            at = text.index(old, begin, end)
            text = text[:at] + new + text[at + len(old):]
        if text == self.original():
            raise ValueError(f"{self.name}: changes nothing")
        return text

    def difference(self):
        lines = difflib.unified_diff(self.original().splitlines(),
                                     self.text().splitlines(), n=1, lineterm="")
        return list(lines)[2:]


def bounds(text, function):
    """Where the definition of a function begins and ends; all, without one."""
    if not function:
        return 0, len(text)
    found = re.search(rf"^[a-z][^;{{}}/]*\b{function}\([^;]*?\n{{", text, re.M)
    if not found:
        raise ValueError(f"there is no {function}()")
    return found.start(), text.index("\n}", found.end()) + 3


def pairs(entry):
    """Of texts to be replaced, and what by: one, or a list of each."""
    old, new = entry["old"], entry["new"]
    if isinstance(old, str):
        old, new = [old], [new]
    return list(zip(old, new, strict=True))


def read(repo, path):
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    for entry in content["mutant"]:
        unknown = set(entry) - FIELDS
        if unknown:
            raise ValueError(f"{path.name}: {unknown} means nothing")
        entry = content | entry
        yield Mutant(f"{path.stem}/{entry['name']}", entry["wrong"],
                     entry["file"], entry.get("program", ""),
                     entry.get("suites", ""), entry.get("in", ""),
                     pairs(entry), repo / entry["file"])


def check(mutants):
    """Each has a place, a name of its own, and somebody to notice it."""
    for mutant in mutants:
        mutant.text()
        if bool(mutant.program) == bool(mutant.suites):
            raise ValueError(f"{mutant.name}: in a program, or in a kernel?")
    names = [mutant.name for mutant in mutants]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{twice} is there twice")


def load(repo, directory, patterns):
    """All that match one of the patterns, or all."""
    try:
        mutants = [mutant for path in sorted(directory.glob("*.toml"))
                   for mutant in read(repo, path)]
        check(mutants)
    except (KeyError, ValueError) as error:
        sys.exit(f"mutants: {error}")
    return [mutant for mutant in mutants if not patterns or
            any(fnmatch.fnmatch(mutant.name, pattern) for pattern in patterns)]
