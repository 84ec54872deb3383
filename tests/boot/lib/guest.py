# SPDX-License-Identifier: GPL-2.0
"""The guest's inside: an initramfs with busybox, modules, programs and steps."""
import gzip
import hashlib
import lzma
import os
import pathlib
import re
import stat
import subprocess

import firmware
import machine
from scenario import ScenarioError

GUEST = pathlib.Path(__file__).resolve().parents[2] / "guest"
CC = {"x86_64": "gcc-14", "arm64": "aarch64-linux-gnu-gcc-14"}


class Archive:
    """A cpio archive in the `newc` format, as the kernel unpacks it."""

    def __init__(self):
        self.parts, self.paths = [], set()

    def add(self, path, data=b"", mode=stat.S_IFREG | 0o644):
        parent = os.path.dirname(path)
        if parent and parent not in self.paths:
            self.add(parent, mode=stat.S_IFDIR | 0o755)
        self.paths.add(path)
        self._entry(path, data, mode)

    def _entry(self, path, data, mode):
        name = path.encode() + b"\0"
        fields = (len(self.parts) + 1, mode, 0, 0, 1, 0, len(data),
                  0, 0, 0, 0, len(name), 0)
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + name
        self.parts += [head, bytes(-len(head) % 4),
                       data, bytes(-len(data) % 4)]

    def program(self, path, data):
        self.add(path, data, stat.S_IFREG | 0o755)

    def write(self, path):
        self._entry("TRAILER!!!", b"", 0)
        pathlib.Path(path).write_bytes(b"".join(self.parts))


def unpacked(path):
    """The bytes of a module, however it is compressed."""
    if isinstance(path, bytes):
        return path
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    return gzip.decompress(data) if path.suffix == ".gz" else data


def canonical(name):
    return os.path.basename(name).split(".ko")[0].replace("-", "_")


class Modules:
    """The modules of one kernel, by name, with what each needs."""

    def __init__(self, kernel):
        self.release = (kernel / "release").read_text().strip()
        self.root = kernel / "modules/lib/modules" / self.release
        self.files, self.needs = {}, {}
        for line in self._lines("modules.dep"):
            path, _, needs = line.partition(":")
            name = canonical(path)
            self.files[name] = self.root / path
            self.needs[name] = [canonical(n) for n in needs.split()]
        for line in self._lines("modules.softdep"):
            found = re.match(r"softdep (\S+) pre: ([^:]*)", line)
            if found and canonical(found[1]) in self.needs:
                self.needs[canonical(found[1])] += [
                    n for n in map(canonical, found[2].split())
                    if n in self.files]
        self.builtin = {canonical(l) for l in self._lines("modules.builtin")}

    def _lines(self, name):
        path = self.root / name
        return path.read_text().splitlines() if path.exists() else []

    def replace(self, name, data):
        """Let `data` take the place of the kernel's module of that name."""
        found = re.search(rb"\0depends=([^\0]*)", data)
        needs = found[1].decode().split(",") if found else []
        self.files[name] = data
        self.needs[name] = [canonical(n) for n in needs if n]

    def closure(self, names):
        """The modules to ship for `names`, those that are built in left out."""
        found, queue = [], [canonical(n) for n in names]
        while queue:
            name = queue.pop(0)
            if name in self.builtin or name in found:
                continue
            if name not in self.files:
                raise ScenarioError(f"{self.release} has no module {name}")
            found.append(name)
            queue += self.needs[name]
        return found

    def ship(self, archive, names):
        """Add modules and a modules.dep for busybox's modprobe."""
        base, dep = f"lib/modules/{self.release}", ""
        shipped = self.closure(names)
        for name in shipped:
            archive.add(f"{base}/{name}.ko", unpacked(self.files[name]))
            needs = " ".join(f"{n}.ko" for n in self.closure([name])[1:])
            dep += f"{name}.ko: {needs}\n"
        archive.add(f"{base}/modules.dep", dep.encode())
        return [n for n in names if canonical(n) in shipped]


def programs(arch, cache):
    """Compile tests/guest/*.c once; return them by name."""
    built = {}
    for source in sorted(GUEST.glob("*.c")):
        key = hashlib.sha256(source.read_bytes() + CC[arch].encode())
        binary = cache / "guest" / f"{source.stem}-{key.hexdigest()[:16]}"
        if not binary.exists():
            binary.parent.mkdir(parents=True, exist_ok=True)
            fresh = binary.with_suffix(f".{os.getpid()}.tmp")
            subprocess.run([CC[arch], "-static", "-O2", "-Wall", "-Wextra",
                            "-Werror", "-o", fresh, source], check=True)
            fresh.rename(binary)
        built[source.stem] = binary
    return built


def viommu(case, cache):
    """Our program for the guest, if a step runs it."""
    if not any(re.search(r"\b(viommu|shows)\b", s) for s in case.settings.steps):
        return {}
    return {"viommu": firmware.tool(cache, "STATIC=1", f"CC={CC[case.arch]}")}


def environment(case, modules):
    """What the guest's shell is told about its case."""
    values = {"POLICY": case.policy, "DRIVER": case.driver,
              "MODULES": " ".join(modules),
              "AUTOLOAD": "yes" if case.settings.autoload else "",
              "ECHO_BYTES": machine.ECHO_BYTES,
              "STUBS": " ".join(machine.stubs(case)),
              "CHANNEL": "/dev/" + machine.consoles(case.arch)[1]}
    for dev in case.settings.devices:
        values["AT_" + dev.name.replace("-", "_")] = dev.at
    return "".join(f"{k}='{v}'\n" for k, v in values.items())


def title(step):
    """A step's name: its first line, a comment or the command itself."""
    return step.strip().splitlines()[0].lstrip("# ").strip()


def initramfs(case, kernel, module, busybox, cache, path):
    """Write the initramfs of a case; `module` is our driver, if any."""
    known = Modules(kernel)
    if module:
        known.replace("virtio_iommu", module)
    archive = Archive()
    archive.program("bin/busybox", busybox.read_bytes())
    for name, binary in (programs(case.arch, cache)
                         | viommu(case, cache)).items():
        archive.program(f"bin/{name}", binary.read_bytes())
    archive.program("init", (GUEST / "init").read_bytes())
    archive.add("lib/lib.sh", (GUEST / "lib.sh").read_bytes())
    load = known.ship(archive, machine.modules(case))
    archive.add("case", environment(case, load).encode())
    for number, step in enumerate(case.settings.steps, 1):
        archive.add(f"steps/{number:03}", step.encode())
        archive.add(f"titles/{number:03}", title(step).encode())
    archive.write(path)
