#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A virtio-iommu that is a process: it keeps to the specification, or departs
from it as its description says, and translates nothing.

usage: fake.py DESCRIPTION LOG SOCKET

DESCRIPTION is a JSON file with the keys of config.py.
LOG gets a line for each request, like those of QEMU's own device in its trace;
for a refused one, "refused_" is put before its name. SOCKET is a listening
Unix socket: its path, or the number of its file descriptor.
"""
import json
import pathlib
import socket
import struct
import sys

sys.dont_write_bytecode = True
import config                           # noqa: E402
import vhost_user                       # noqa: E402

OK, IOERR, UNSUPP, DEVERR, INVAL, RANGE, NOENT, FAULT, NOMEM = range(9)
READ, WRITE, MMIO = 1, 2, 4             # flags of MAP
ATTACH_BYPASS = 1
RESV_MEM = 1                            # type of a property
SUBTYPES = {"reserved": 0, "msi": 1}
TAIL = 4


class Refused(Exception):
    """A request that is answered with a status other than OK."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


class Domain:
    """What is mapped, and for whom."""

    def __init__(self, bypass):
        self.bypass, self.endpoints, self.mappings = bypass, set(), []

    def touching(self, first, last):
        return [m for m in self.mappings if m[0] <= last and first <= m[1]]


class Iommu:
    """The device: what it was told, and what it answers."""

    def __init__(self, spec, log):
        self.spec, self.log = spec, log
        self.features = config.features(spec)
        self.config = config.build(spec)
        mask, self.first, self.last = struct.unpack_from("<QQQ", self.config)
        self.granule = mask & -mask
        self.low, self.high, self.probe_size = struct.unpack_from(
            "<III", self.config, 24)
        self.domains, self.where, self.accepted = {}, {}, 0

    def say(self, name, **values):
        shown = " ".join(f"{k}={v:#x}" for k, v in values.items())
        print(f"virtio_iommu_{name} {shown}".rstrip(), file=self.log,
              flush=True)

    def has(self, feature):
        return bool(self.accepted & 1 << config.FEATURES[feature])

    def reset(self):
        self.domains, self.where = {}, {}
        self.say("device_reset_exit")

    def write_config(self, offset, data):
        """Only `bypass` may be written, and only 0 or 1."""
        self.say("set_config", offset=offset, bypass=data[0] if data else 0)
        if self.has("BYPASS_CONFIG") and offset == 36 and data in (b"\0", b"\1"):
            self.config = self.config[:36] + data + self.config[37:]

    def handle(self, queue, request, writable):
        """What to write for a request, and how much to claim."""
        if queue != 0:
            return None                 # events: the buffers stay here
        body, status = b"", UNSUPP
        kind = REQUESTS.get(request[0] if request else 0)
        if kind and len(request) == struct.calcsize(kind.layout):
            body, status = self.answer(kind, request)
        body = body.ljust(writable - TAIL, b"\0")
        answer = body + struct.pack("<B3x", status)
        return answer, len(answer)

    def answer(self, kind, request):
        values = dict(zip(kind.fields, struct.unpack(kind.layout, request)))
        try:
            body = kind.method(self, **values) or b""
            self.say(kind.name, **values)
            return body, OK
        except Refused as refused:
            self.say(f"refused_{kind.name}", **values, status=refused.status)
            return b"", refused.status

    def _known(self, endpoint):
        if endpoint not in self.spec.get("endpoints", (endpoint,)):
            raise Refused(NOENT)

    def _domain(self, domain):
        if domain not in self.domains:
            raise Refused(NOENT)
        return self.domains[domain]

    def _leave(self, endpoint):
        domain = self.where.pop(endpoint, None)
        if domain is None:
            return
        self.domains[domain].endpoints.discard(endpoint)
        if not self.domains[domain].endpoints:
            del self.domains[domain]

    def attach(self, domain, endpoint, flags):
        self._known(endpoint)
        bypass = flags == ATTACH_BYPASS and self.has("BYPASS_CONFIG")
        if flags and not bypass:
            raise Refused(INVAL)
        if self.has("DOMAIN_RANGE") and not self.low <= domain <= self.high:
            raise Refused(RANGE)
        if self.domains.get(domain, Domain(bypass)).bypass != bypass:
            raise Refused(INVAL)
        self._leave(endpoint)
        self.domains.setdefault(domain, Domain(bypass)).endpoints.add(endpoint)
        self.where[endpoint] = domain

    def detach(self, domain, endpoint):
        self._known(endpoint)
        if self.where.get(endpoint) != domain:
            raise Refused(INVAL)
        self._leave(endpoint)

    def map(self, domain, virt_start, virt_end, phys_start, flags):
        target = self._domain(domain)
        allowed = READ | WRITE | (MMIO if self.has("MMIO") else 0)
        if target.bypass or flags & ~allowed or virt_end <= virt_start:
            raise Refused(INVAL)
        if (virt_start | phys_start | virt_end + 1) & self.granule - 1:
            raise Refused(RANGE)
        if self.has("INPUT_RANGE") and not (self.first <= virt_start
                                            and virt_end <= self.last):
            raise Refused(RANGE)
        if target.touching(virt_start, virt_end):
            raise Refused(INVAL)
        target.mappings.append((virt_start, virt_end))

    def unmap(self, domain, virt_start, virt_end):
        target = self._domain(domain)
        if target.bypass:
            raise Refused(INVAL)
        touched = target.touching(virt_start, virt_end)
        if any(m[0] < virt_start or virt_end < m[1] for m in touched):
            raise Refused(RANGE)
        target.mappings = [m for m in target.mappings if m not in touched]

    def probe(self, endpoint):
        self._known(endpoint)
        properties = b"".join(
            struct.pack("<HHB3xQQ", RESV_MEM, 20, SUBTYPES[subtype], start, last)
            for start, last, subtype in self.spec.get("regions", ()))
        if len(properties) > self.probe_size:
            raise Refused(INVAL)
        return properties


class Request:
    """One kind of request: where its fields are, and who answers it."""

    def __init__(self, method, layout, *fields):
        self.method, self.name = method, method.__name__
        self.layout, self.fields = "<4x" + layout, fields


REQUESTS = {
    1: Request(Iommu.attach, "III4x", "domain", "endpoint", "flags"),
    2: Request(Iommu.detach, "II8x", "domain", "endpoint"),
    3: Request(Iommu.map, "IQQQI", "domain", "virt_start", "virt_end",
               "phys_start", "flags"),
    4: Request(Iommu.unmap, "IQQ4x", "domain", "virt_start", "virt_end"),
    5: Request(Iommu.probe, "I64x", "endpoint"),
}


def listening(where):
    if where.isdecimal():
        return socket.socket(fileno=int(where))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(where)
    listener.listen(1)
    return listener


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    description, log, where = sys.argv[1:]
    spec = json.loads(pathlib.Path(description).read_text())
    with open(log, "w", encoding="ascii") as out, listening(where) as listener:
        connection, _ = listener.accept()
        vhost_user.Server(connection, Iommu(spec, out)).run()


if __name__ == "__main__":
    main()
