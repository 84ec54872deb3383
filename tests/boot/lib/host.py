# SPDX-License-Identifier: GPL-2.0
"""The host's part of a run: plugs and unplugs devices when the guest asks.

The guest asks with a line of its KTAP, "# host: VERB NAME", and sees by itself
when it is done. What goes wrong here is left in the file `host` of the run.
"""
import contextlib
import json
import re
import socket
import threading
import time

REQUEST = re.compile(r"^# host: (\w+) (\S+)\r?\n", re.MULTILINE)
PATIENCE = 30       # seconds for QEMU's answer, and for the guest to let go


class Monitor:
    """QEMU's monitor: commands, their answers, and events."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self._connect(path)
        self.socket.settimeout(PATIENCE)
        self.lines = self.socket.makefile("r")
        self.events = []
        self._read()                                    # the greeting
        self.do("qmp_capabilities")

    def _connect(self, path):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self.socket.connect(str(path))
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def close(self):
        self.lines.close()
        self.socket.close()

    def _read(self):
        line = self.lines.readline()
        if not line:
            raise EOFError("QEMU is gone")
        message = json.loads(line)
        if "event" in message:
            self.events.append(message)
        return message

    def do(self, command, **arguments):
        """Return what QEMU answers to a command."""
        asked = json.dumps({"execute": command, "arguments": arguments})
        self.socket.sendall(asked.encode() + b"\n")
        while True:
            answer = self._read()
            if "error" in answer:
                raise OSError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def wait_for(self, event, device):
        """Wait for an event that names a device; forget those before it."""
        while True:
            while self.events:
                seen = self.events.pop(0)
                if (seen["event"] == event
                        and seen["data"].get("device") == device):
                    return
            self._read()


class Host(threading.Thread):
    """Serves the guest of one run, as long as it is in the `with` statement.

    `plugs` are the -device arguments of each device that may be plugged.
    """

    def __init__(self, run, plugs):
        super().__init__(daemon=True)
        self.directory, self.plugs = run, plugs
        self.ended = threading.Event()

    def __enter__(self):
        if self.plugs:
            self.start()

    def __exit__(self, *_):
        self.ended.set()
        if self.plugs:
            self.join()

    def run(self):
        try:
            with contextlib.closing(Monitor(self.directory / "qmp")) as monitor:
                verbs = {"plug": self._plug, "unplug": self._unplug}
                for verb, name in self._requests():
                    verbs[verb](monitor, name)
        except EOFError:
            pass                # other judges say why QEMU has ended
        except Exception as error:      # pylint: disable=broad-except
            (self.directory / "host").write_text(f"{error!r}\n")

    def _requests(self):
        """What the guest asks for, as it does."""
        ktap, done = self.directory / "ktap", 0
        while not self.ended.wait(0.05):
            asked = REQUEST.findall(ktap.read_text(errors="replace")
                                    if ktap.exists() else "")
            yield from asked[done:]
            done = len(asked)

    def _plug(self, monitor, name):
        for arguments in self.plugs[name]:
            said = monitor.do("human-monitor-command",
                              **{"command-line": f"device_add {arguments}"})
            if said:
                raise OSError(f"plug {name}: {said.strip()}")

    def _unplug(self, monitor, name):
        monitor.do("device_del", id=name)
        monitor.wait_for("DEVICE_DELETED", name)
