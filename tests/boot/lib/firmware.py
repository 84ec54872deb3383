# SPDX-License-Identifier: GPL-2.0
"""What a machine's firmware says of it, where a scenario says something else
than QEMU: an ACPI VIOT, in the language of `viommu viot build`.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess

from scenario import ScenarioError

REPO = pathlib.Path(__file__).resolve().parents[3]
SOURCES = ("tools/viommu", "tools/include", "drivers/acpi",
           "drivers/iommu/virtio/viommu.h")


def tool(cache):
    """Build tools/viommu once; return the program."""
    key = hashlib.sha256()
    for source in SOURCES:
        for path in sorted([REPO / source, *(REPO / source).rglob("*.[ch]")]):
            if path.is_file():
                key.update(path.read_bytes())
    directory = cache / "tools" / key.hexdigest()[:16]
    if not (directory / "viommu").exists():
        fresh = directory.with_suffix(f".{os.getpid()}.tmp")
        done = subprocess.run(
            ["make", "-C", REPO / "tools/viommu", f"O={fresh}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        if done.returncode:
            raise ScenarioError(f"tools/viommu does not build: {done.stdout}")
        shutil.rmtree(directory, ignore_errors=True)
        fresh.rename(directory)
    return directory / "viommu"


def viot(text, run, cache):
    """Make a table; return QEMU's arguments for it."""
    if not text:
        return []
    (run / "viot.spec").write_text(text)
    done = subprocess.run(
        [tool(cache), "viot", "build", run / "viot.spec", "-o", run / "viot"],
        stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise ScenarioError(f"viot: {done.stderr}")
    return ["-acpitable", f"file={run}/viot"]
