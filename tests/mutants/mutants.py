# SPDX-License-Identifier: GPL-2.0
"""The lists of mutants: *.toml, one for each file that is changed.

A mutant of user space takes the place of the file. Those of a kernel are all in
one, each as a copy of the function that it changes; a parameter of the kernel,
viommu_mutant, has the number of the one to call instead.
"""
import dataclasses
import difflib
import fnmatch
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
    source: str         # the file as it is

    def changed(self):
        """The function; ValueError if it has no place for the change."""
        begin, end = bounds(self.source, self.function)
        before = text = self.source[begin:end]
        for old, new in self.changes:
            if text.count(old) != 1:
                raise ValueError(f"{self.function}() has {text.count(old)} "
                                 f"of: {old}")
            text = text.replace(old, new)
        if text == before:
            raise ValueError("changes nothing")
        return text

    def text(self):
        """All of the file, changed."""
        begin, end = bounds(self.source, self.function)
        return self.source[:begin] + self.changed() + self.source[end:]

    def suite(self):
        """The whole suite that one of its patterns is about."""
        return self.suites.split(".")[0]

    def concerns(self, path):
        """Whether a case, by suite and name, is one that should notice."""
        suite, _, case = self.suites.partition(".")
        return fnmatch.fnmatch(f"{path[0]}.{path[1]}", f"{suite}.{case or '*'}")

    def difference(self):
        lines = difflib.unified_diff(self.source.splitlines(),
                                     self.text().splitlines(), n=1, lineterm="")
        return list(lines)[2:]


def bounds(text, function):
    """Where the definition of a function begins and ends."""
    found = re.search(rf"^[a-z][^;{{}}/]*\b{function}\([^;]*?\n{{", text, re.M)
    if not found:
        raise ValueError(f"there is no {function}()")
    return found.start(), text.index("\n}", found.end()) + 3


def arguments(head, function):
    """The names of a function's parameters, as they are passed on."""
    begin = head.index(f"{function}(") + len(function) + 1
    depth, end = 1, begin
    while depth:
        depth += {"(": 1, ")": -1}.get(head[end], 0)
        end += 1
    parameters = head[begin:end - 1]
    return "" if parameters == "void" else ", ".join(
        re.search(r"\w+$", part.strip()).group()
        for part in parameters.split(","))


def weave_one(definition, number, mutant):
    """A function with its mutated copy before it, which it calls on demand."""
    name, changed = mutant.function, mutant.changed()
    copy = f"mutant_{number}_{name}"
    head, body = definition.split("\n{", 1)
    call = f"{copy}({arguments(head, name)});"
    if re.match(rf"(static )?void {name}\(", head):
        call = f"{{ {call} return; }}"
    else:
        call = f"return {call}"
    changed = re.sub(rf"\b{name}\(", f"{copy}(", changed, count=1)
    return (f"static {changed.removeprefix('static ')}\n{head}\n{{\n"
            f"\tif (viommu_mutant == {number})\n\t\t{call}\n{body}")


def weave(numbered):
    """A file of the driver with all its mutants, by their numbers."""
    text = numbered[0][1].source
    for number, mutant in numbered:
        begin, end = bounds(text, mutant.function)
        text = (text[:begin] + weave_one(text[begin:end], number, mutant)
                + text[end:])
    return "extern int viommu_mutant;\n" + text


PARAMETER = """
int viommu_mutant;
core_param(viommu_mutant, viommu_mutant, int, 0444);
"""


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
                     entry.get("suites", ""), entry["in"], pairs(entry),
                     (repo / entry["file"]).read_text(encoding="utf-8"))


def complaints(mutants):
    """Each is to have a place, a name of its own, and somebody to notice it."""
    names = [mutant.name for mutant in mutants]
    for mutant in mutants:
        try:
            mutant.changed()
        except ValueError as error:
            yield f"{mutant.name}: {error}"
        if bool(mutant.program) == bool(mutant.suites):
            yield f"{mutant.name}: in a program, or in a kernel?"
        if names.count(mutant.name) > 1:
            yield f"{mutant.name}: is there twice"


def load(repo, directory):
    mutants = [mutant for path in sorted(directory.glob("*.toml"))
               for mutant in read(repo, path)]
    wrong = list(complaints(mutants))
    if wrong:
        sys.exit("\n".join(wrong))
    return mutants


def choose(mutants, patterns):
    """Those that match one of the patterns, or all."""
    return [mutant for mutant in mutants if not patterns or
            any(fnmatch.fnmatch(mutant.name, pattern) for pattern in patterns)]
