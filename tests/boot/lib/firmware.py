# SPDX-License-Identifier: GPL-2.0
"""What a machine's firmware says of it, where a scenario says something else
than QEMU: an ACPI VIOT, in the language of `viommu viot build`, or an overlay
over QEMU's device tree.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import threading

from scenario import ScenarioError

REPO = pathlib.Path(__file__).resolve().parents[3]
SOURCES = ("tools/viommu", "tools/include", "drivers/acpi",
           "drivers/iommu/virtio/viommu.h")
building = threading.Lock()


def tool(cache, *options):
    """Build tools/viommu once, with options of make; return the program."""
    with building:
        return build(cache, options)


def build(cache, options):
    key = hashlib.sha256(repr(options).encode())
    for source in SOURCES:
        for path in sorted([REPO / source, *(REPO / source).rglob("*.[ch]")]):
            if path.is_file():
                key.update(path.read_bytes())
    directory = cache / "tools" / key.hexdigest()[:16]
    if not (directory / "viommu").exists():
        fresh = directory.with_suffix(f".{os.getpid()}.tmp")
        done = subprocess.run(
            ["make", "-C", REPO / "tools/viommu", f"O={fresh}", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        if done.returncode:
            raise ScenarioError(f"tools/viommu does not build: {done.stdout}")
        shutil.rmtree(directory, ignore_errors=True)
        fresh.rename(directory)
    return directory / "viommu"


def do(*command):
    """Run a program that must succeed."""
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode:
        raise ScenarioError(f"{command[0]}: {done.stderr}")


def viot(text, run, cache):
    """Make a table; return QEMU's arguments for it."""
    (run / "viot.spec").write_text(text)
    do(tool(cache), "viot", "build", run / "viot.spec", "-o", run / "viot")
    return ["-acpitable", f"file={run}/viot"]


def devicetree(text, core, run):
    """Lay a text over the tree of the machine that `core`, a command of
    QEMU's, describes; return QEMU's arguments for it."""
    (run / "overlay.dts").write_text(f"/dts-v1/;\n/plugin/;\n{text}")
    do(*core, "-machine", f"dumpdtb={run}/base.dtb")
    do("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", run / "overlay.dtb",
       run / "overlay.dts")
    do("fdtoverlay", "-i", run / "base.dtb", "-o", run / "dtb",
       run / "overlay.dtb")
    return ["-dtb", f"{run}/dtb"]


def arguments(case, core, run, cache):
    """QEMU's arguments for what a case says of the machine."""
    line = []
    if case.settings.viot:
        line += viot(case.settings.viot, run, cache)
    if case.settings.devicetree:
        line += devicetree(case.settings.devicetree, core, run)
    return line
