# SPDX-License-Identifier: GPL-2.0
"""Tests of the device that is a process: its config space, what it answers,
and its rings as a front end and a driver see them. Run by tests/boot/selftest.py.
"""
import io
import os
import socket
import struct
import threading
import unittest

import config
import fake
import vhost_user

ATTACH, DETACH, MAP, UNMAP, PROBE = range(1, 6)


def attach(domain, endpoint, flags=0):
    return struct.pack("<B3xIII4x", ATTACH, domain, endpoint, flags)


def detach(domain, endpoint):
    return struct.pack("<B3xII8x", DETACH, domain, endpoint)


def map_(domain, start, last, phys=0x5000, flags=3):
    return struct.pack("<B3xIQQQI", MAP, domain, start, last, phys, flags)


def unmap(domain, start, last):
    return struct.pack("<B3xIQQ4x", UNMAP, domain, start, last)


def probe(endpoint):
    return struct.pack("<B3xI64x", PROBE, endpoint)


class Config(unittest.TestCase):
    def test_fields_are_where_the_specification_has_them(self):
        data = config.build({"input_range": [0x1000, 0xffff], "bypass": 1,
                             "domain_range": [2, 3], "probe_size": 24,
                             "page_size_mask": 0x201000, "config_size": 40})
        self.assertEqual(data, struct.pack("<QQQIIIB3x", 0x201000, 0x1000,
                                           0xffff, 2, 3, 24, 1))

    def test_a_topology_is_laid_out_for_each_draft(self):
        nodes = [{"pci": "0001:02:03.4-0005:06:07.0", "endpoint": 0x99},
                 {"mmio": 0xd0000000, "endpoint": 7}, {"raw": "aa bb"}]
        last = struct.pack("<BBHIQ", 2, 0, 16, 7, 0xd0000000) + b"\xaa\xbb"
        for draft, header, bit, first in (
                ("", 40, 8, (1, 5, 0x21c, 0x638)),
                ("2021", 36, 6, (1, 5, 0x21c, 0x638)),
                ("2020", 36, 6, (1, 0x21c, 0x638, 0))):
            spec = {"topology": nodes, "features": [], "draft": draft}
            with self.subTest(draft):
                data = config.build(spec)
                self.assertEqual(data[header:header + 4],
                                 struct.pack("<HH", 3, 64))
                self.assertEqual(data[64:].rstrip(b"\0"), struct.pack(
                    "<BBHIHHHH", 1, 0, 16, 0x99, *first) + last)
                self.assertEqual(config.features(spec), 1 << bit)

    def test_a_header_may_lie(self):
        data = config.build({"topology": [], "count": 9, "offset": 0xfff8})
        self.assertEqual(data[40:44], struct.pack("<HH", 9, 0xfff8))

    def test_nonsense_is_refused(self):
        for spec in ({"feature": []}, {"features": ["BYPAS"]},
                     {"topology": [{"pci": "00:02.0", "endpoint": 1}]},
                     {"topology": [{"pci": "0000:00:02.0"}]},
                     {"topology": [{"raw": "x"}]}, {"bypass": 256}):
            with (self.subTest(spec),
                  self.assertRaises(config.DescriptionError)):
                config.check(spec)


class Answers(unittest.TestCase):
    SPEC = {"endpoints": [8, 9], "domain_range": [1, 9],
            "input_range": [0x1000, 0xffffff], "config_size": 40,
            "regions": [[0xfee00000, 0xfeefffff, "msi"]], "probe_size": 32}

    def setUp(self):
        self.log = io.StringIO()
        self.device = fake.Iommu(self.SPEC, self.log)
        self.device.accepted = self.device.features

    def status(self, request, writable=4):
        answer, length = self.device.handle(0, request, writable)
        self.assertEqual((len(answer), length), (writable, writable))
        return answer[-4]

    def test_each_request_gets_the_status_of_the_specification(self):
        for request, status in (
                (attach(1, 8), fake.OK), (attach(1, 7), fake.NOENT),
                (attach(10, 8), fake.RANGE), (attach(1, 8, 2), fake.INVAL),
                (attach(1, 9, 1), fake.INVAL), (attach(2, 9, 1), fake.OK),
                (detach(1, 9), fake.INVAL), (detach(1, 7), fake.NOENT),
                (map_(1, 0x1000, 0x2fff), fake.OK),
                (map_(1, 0x2000, 0x3fff), fake.INVAL),
                (map_(1, 0x4000, 0x47ff), fake.RANGE),
                (map_(1, 0, 0xfff), fake.RANGE),
                (map_(1, 0x5000, 0x5fff, flags=8), fake.INVAL),
                (map_(2, 0x5000, 0x5fff), fake.INVAL),
                (map_(3, 0x5000, 0x5fff), fake.NOENT),
                (unmap(1, 0x2000, 0x2fff), fake.RANGE),
                (unmap(1, 0x1000, 0x8fff), fake.OK),
                (map_(1, 0x2000, 0x3fff), fake.OK), (unmap(2, 0, 0), fake.INVAL),
                (attach(1, 9), fake.OK), (unmap(2, 0, 0), fake.NOENT),
                (attach(1, 8)[:-1], fake.UNSUPP), (b"\x09", fake.UNSUPP),
                (b"", fake.UNSUPP)):
            with self.subTest(request.hex()):
                self.assertEqual(self.status(request), status)

    def test_a_reset_forgets_everything(self):
        self.status(attach(1, 8))
        self.device.reset()
        self.assertEqual(self.status(map_(1, 0x1000, 0x1fff)), fake.NOENT)

    def test_probe_tells_the_regions_and_fits(self):
        answer, _ = self.device.handle(0, probe(8), 32 + 4)
        self.assertEqual(answer, struct.pack(
            "<HHB3xQQ8xB3x", 1, 20, 1, 0xfee00000, 0xfeefffff, 0))
        self.assertEqual(self.status(probe(7), 36), fake.NOENT)

    def test_only_bypass_may_be_written(self):
        for offset, data, accepted in ((36, b"\1", True), (36, b"\2", False),
                                       (35, b"\1", False), (36, b"", False)):
            before = self.device.config
            self.device.write_config(offset, data)
            self.assertEqual(self.device.config != before, accepted)

    def test_the_log_tells_what_was_done_from_what_was_refused(self):
        self.status(attach(1, 8))
        self.status(attach(1, 7))
        self.assertEqual(self.log.getvalue().splitlines(), [
            "virtio_iommu_attach domain=0x1 endpoint=0x8 flags=0x0",
            "virtio_iommu_refused_attach domain=0x1 endpoint=0x7 flags=0x0 "
            "status=0x6"])


class FrontEnd:
    """As much of QEMU and of a driver as the rings need."""

    BASE, USER = 0x100000, 0x7f0000000000       # of the memory
    DESC, AVAIL, USED, BUFFERS, SIZE = 0, 0x1000, 0x2000, 0x3000, 4

    def __init__(self, device):
        self.socket, other = socket.socketpair()
        self.memory = os.memfd_create("guest")
        os.ftruncate(self.memory, 1 << 16)
        self.kick, self.call = os.eventfd(0), os.eventfd(0)
        self.server = threading.Thread(
            target=vhost_user.Server(other, device).run, daemon=True)
        self.server.start()
        self.sent = 0

    def tell(self, request, payload=b"", fds=()):
        head = struct.pack("<III", request, 1 | 8, len(payload))
        socket.send_fds(self.socket, [head + payload], fds)
        _, _, size = struct.unpack("<III", self.socket.recv(12))
        return self.socket.recv(size)

    def start_ring(self):
        self.tell(5, struct.pack("<IIQQQQ", 1, 0, self.BASE, 1 << 16,
                                 self.USER, 0), [self.memory])
        self.tell(8, struct.pack("<II", 0, self.SIZE))
        self.tell(10, struct.pack("<II", 0, 0))
        self.tell(9, struct.pack("<IIQQQQ", 0, 0, self.USER + self.DESC,
                                 self.USER + self.USED,
                                 self.USER + self.AVAIL, 0))
        self.tell(13, struct.pack("<Q", 0), [self.call])
        self.tell(12, struct.pack("<Q", 0), [self.kick])

    def write(self, offset, data):
        os.pwrite(self.memory, data, offset)

    def read(self, offset, length):
        return os.pread(self.memory, length, offset)

    def send(self, request, writable=4):
        """Send a request; return its answer and the length claimed."""
        head = 2 * self.sent % self.SIZE
        at = self.BUFFERS + 0x400 * head
        self.write(at, request.ljust(0x400, b"\xee"))
        self.write(self.DESC + 16 * head, struct.pack(
            "<QIHHQIHH", self.BASE + at, len(request), 1, head + 1,
            self.BASE + at + 0x200, writable, 2, 0))
        self.write(self.AVAIL + 4 + 2 * (self.sent % self.SIZE),
                   struct.pack("<H", head))
        slot, self.sent = self.sent % self.SIZE, self.sent + 1
        self.write(self.AVAIL, struct.pack("<HH", 0, self.sent))
        os.eventfd_write(self.kick, 1)
        os.eventfd_read(self.call)
        used, = struct.unpack("<H", self.read(self.USED + 2, 2))
        back, length = struct.unpack("<II", self.read(
            self.USED + 4 + 8 * slot, 8))
        assert (used, back) == (self.sent, head)
        return self.read(at + 0x200, writable), length

    def close(self):
        self.socket.close()
        self.server.join(10)
        for fd in (self.memory, self.kick, self.call):
            os.close(fd)


class Rings(unittest.TestCase):
    def test_requests_are_answered_through_a_ring_that_wraps(self):
        log = io.StringIO()
        front = FrontEnd(fake.Iommu({"endpoints": [8]}, log))
        features = config.features({}) | 1 << 30
        self.assertEqual(front.tell(1), struct.pack("<Q", features))
        front.tell(2, struct.pack("<Q", features))
        config_space = front.tell(24, struct.pack("<III8x", 32, 8, 0))[12:]
        self.assertEqual(config_space, struct.pack("<II", 512, 0))
        front.start_ring()
        for _ in range(6):
            self.assertEqual(front.send(attach(1, 8)), (bytes(4), 4))
        self.assertEqual(front.send(attach(1, 7)), (b"\6\0\0\0", 4))
        index_and_base = front.tell(11, struct.pack("<II", 0, 0))
        self.assertEqual(index_and_base, struct.pack("<II", 0, 7))
        front.close()
        self.assertFalse(front.server.is_alive())
        self.assertTrue(log.getvalue().endswith("device_reset_exit\n"))

    def test_a_chain_is_refused_that_is_endless_or_not_in_memory(self):
        memory = vhost_user.Memory()
        ring = vhost_user.Ring()
        ring.size, ring.desc = 2, 0
        with self.assertRaises(ValueError):
            ring.chain(memory, 0)
        ring._descriptor = lambda *_: (0, 1, vhost_user.NEXT, 0)
        with self.assertRaises(ValueError):
            ring.chain(memory, 0)
        with self.assertRaises(ValueError):
            ring.chain(memory, 2)
