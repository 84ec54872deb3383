# SPDX-License-Identifier: GPL-2.0
"""virtio-iommus that are processes: tests/device/fake.py, one for each
[[fake]] of a scenario. QEMU translates nothing through them, so what is behind
them has to be idle; what counts is what they were asked, in NAME.trace.
"""
import contextlib
import dataclasses
import json
import pathlib
import socket
import subprocess
import sys

DEVICE = pathlib.Path(__file__).resolve().parents[2] / "device"
sys.path.insert(0, str(DEVICE))
import config           # noqa: E402

PATIENCE = 10           # seconds for one to end after its QEMU


@dataclasses.dataclass
class Fake:
    """One [[fake]]; all keys but these are for tests/device."""
    name: str = "fake"
    addr: str = "2"     # on the PCI root bus
    bus: str = ""       # or another virtio bus, as "virtio-mmio-bus.0"
    attached: list = None   # the endpoints that must have been attached, all
    description: dict = dataclasses.field(default_factory=dict)


def fake(entry):
    """Return the Fake of one entry of `fake`, or raise DescriptionError."""
    own = {f.name for f in dataclasses.fields(Fake)} - {"description"}
    made = Fake(**{k: v for k, v in entry.items() if k in own})
    made.description = {k: v for k, v in entry.items() if k not in own}
    config.check(made.description)
    return made


def arguments(fakes, run):
    """QEMU's arguments for them, and for memory that they can see."""
    line = []
    for f in fakes:
        size = len(config.build(f.description))
        where = (f"vhost-user-test-device,bus={f.bus}" if f.bus else
                 f"vhost-user-test-device-pci,bus=pcie.0,addr={f.addr}")
        line += ["-chardev", f"socket,id={f.name},path={run}/{f.name}.socket",
                 "-device", f"{where},virtio-id=23,num_vqs=2,vq_size=256,"
                 f"chardev={f.name},config_size={size}"]
    return line


def start(f, run):
    """Start one; it listens from before it runs."""
    (run / f"{f.name}.json").write_text(json.dumps(f.description))
    with (socket.socket(socket.AF_UNIX) as listener,
          open(run / f"{f.name}.errors", "wb") as errors):
        listener.bind(f"{run}/{f.name}.socket")
        listener.listen(1)
        return subprocess.Popen(
            [sys.executable, DEVICE / "fake.py", run / f"{f.name}.json",
             run / f"{f.name}.trace", str(listener.fileno())],
            pass_fds=[listener.fileno()], stderr=errors,
            stdin=subprocess.DEVNULL)


def end(f, process, run):
    """One ends by itself when QEMU is gone; if not, that is a failure."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as stand_in:
        stand_in.connect(f"{run}/{f.name}.socket")  # a QEMU that never came
    try:
        status = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    if status:
        said = (run / f"{f.name}.errors").read_text(errors="replace")
        with open(run / "host", "a", encoding="utf-8") as failures:
            print(f"{f.name} ended with {status}:", *said.splitlines()[-1:],
                  file=failures)


@contextlib.contextmanager
def running(fakes, run):
    """They run as long as this context does."""
    started = []
    try:
        for f in fakes:
            started.append((f, start(f, run)))
        yield
    finally:
        for f, process in started:
            end(f, process, run)
