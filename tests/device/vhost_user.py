# SPDX-License-Identifier: GPL-2.0
"""A virtio device that is a process: the back end of vhost-user, split rings.

Owns the connection to the front end (QEMU's vhost-user-test-device-pci), the
guest's memory and the rings. What the device is and does is for an object that
has `features`, `config` (bytes) and the methods write_config(offset, data),
reset() and handle(queue, readable, writable), which returns what to write into
the writable part of a chain, and the length to claim; None keeps the chain.

Messages: QEMU, docs/interop/vhost-user.rst. Rings: Virtio, "Split Virtqueues".
"""
import mmap
import os
import selectors
import socket
import struct

VERSION, REPLY, NEED_REPLY = 1, 4, 8
PROTOCOL_FEATURES = 1 << 30             # a feature bit of vhost-user's own
PROTOCOL = {"REPLY_ACK": 3, "CONFIG": 9}
NO_FD = 0x100                           # in the u64 of SET_VRING_KICK and CALL

NEXT, WRITE, INDIRECT = 1, 2, 4         # descriptor flags
NO_INTERRUPT = 1                        # avail flags
MAX_CHAIN = 1024                        # descriptors; a longer one is a loop


class Memory:
    """The guest's memory, by guest address and by QEMU's own."""

    def __init__(self, regions=()):
        self.regions = [(guest, size, user, mmap.mmap(fd, offset + size), offset)
                        for guest, size, user, offset, fd in regions]

    def _find(self, address, length, which):
        for region in self.regions:
            first, size, mapped, offset = (region[which], region[1], region[3],
                                           region[4])
            if first <= address and address + length <= first + size:
                return mapped, offset + address - first
        raise ValueError(f"{length} bytes at {address:#x}: not guest memory")

    def read(self, address, length):
        mapped, at = self._find(address, length, 0)
        return mapped[at:at + length]

    def write(self, address, data):
        mapped, at = self._find(address, len(data), 0)
        mapped[at:at + len(data)] = data

    def guest_address(self, user, length):
        """The guest's address of what QEMU has at an address of its own."""
        for region in self.regions:
            if region[2] <= user and user + length <= region[2] + region[1]:
                return region[0] + user - region[2]
        raise ValueError(f"{length} bytes at {user:#x}: not guest memory")

    def close(self):
        for region in self.regions:
            region[3].close()


class Ring:
    """One split virtqueue."""

    def __init__(self):
        self.size = self.next = 0
        self.desc = self.avail = self.used = None
        self.kick = self.call = None

    def _descriptor(self, memory, table, index):
        return struct.unpack("<QIHH", memory.read(table + 16 * index, 16))

    def chain(self, memory, head):
        """The readable and the writable (address, length) of a chain."""
        table, limit, parts = self.desc, self.size, ([], [])
        index = head
        for _ in range(MAX_CHAIN):
            if index >= limit:
                raise ValueError(f"descriptor {index} of {limit}")
            address, length, flags, following = self._descriptor(
                memory, table, index)
            if flags & INDIRECT:
                table, limit, index = address, length // 16, 0
                continue
            parts[bool(flags & WRITE)].append((address, length))
            if not flags & NEXT:
                return parts
            index = following
        raise ValueError("a chain without an end")

    def available(self, memory):
        """Yield the heads of the chains that the driver has added."""
        while True:
            index, = struct.unpack("<H", memory.read(self.avail + 2, 2))
            if index == self.next:
                return
            slot = self.avail + 4 + 2 * (self.next % self.size)
            self.next = self.next + 1 & 0xffff
            yield struct.unpack("<H", memory.read(slot, 2))[0]

    def give_back(self, memory, head, length):
        index, = struct.unpack("<H", memory.read(self.used + 2, 2))
        memory.write(self.used + 4 + 8 * (index % self.size),
                     struct.pack("<II", head, length))
        memory.write(self.used + 2, struct.pack("<H", index + 1 & 0xffff))

    def interrupt(self, memory):
        flags, = struct.unpack("<H", memory.read(self.avail, 2))
        if self.call is not None and not flags & NO_INTERRUPT:
            os.eventfd_write(self.call, 1)


class Server:
    """Serves one front end until it hangs up."""

    def __init__(self, connection, device, queues=2):
        self.connection, self.device = connection, device
        self.memory = Memory()
        self.rings = [Ring() for _ in range(queues)]
        self.selector = selectors.DefaultSelector()
        self.selector.register(connection, selectors.EVENT_READ)

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is not None:
                    os.eventfd_read(key.fd)
                    self._serve(key.data)
                elif not self._message():
                    return

    # ---- rings ----------------------------------------------------------

    def _serve(self, number):
        """Handle what is new in a ring."""
        ring, done = self.rings[number], False
        if ring.desc is None:
            return
        for head in ring.available(self.memory):
            readable, writable = ring.chain(self.memory, head)
            request = b"".join(self.memory.read(*part) for part in readable)
            answer = self.device.handle(number, request,
                                        sum(size for _, size in writable))
            if answer is None:
                continue
            self._scatter(writable, answer[0])
            ring.give_back(self.memory, head, answer[1])
            done = True
        if done:
            ring.interrupt(self.memory)

    def _scatter(self, parts, data):
        for address, length in parts:
            self.memory.write(address, data[:length])
            data = data[length:]

    # ---- messages -------------------------------------------------------

    def _receive(self, size):
        data = b""
        while len(data) < size:
            more = self.connection.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _message(self):
        """Handle one message; False if there will be no more."""
        head, fds, _, _ = socket.recv_fds(self.connection, 12, 16)
        if not head:
            return False
        request, flags, size = struct.unpack(
            "<III", head + self._receive(12 - len(head)))
        handler = HANDLERS.get(request)
        if not handler:
            raise ValueError(f"vhost-user request {request}")
        answer = handler(self, self._receive(size), fds)
        if answer is None and flags & NEED_REPLY:
            answer = struct.pack("<Q", 0)
        if answer is not None:
            self.connection.sendall(struct.pack(
                "<III", request, VERSION | REPLY, len(answer)) + answer)
        return True

    def _nothing(self, _, fds):
        for fd in fds:
            os.close(fd)

    def _get_features(self, *_):
        return struct.pack("<Q", self.device.features | PROTOCOL_FEATURES)

    def _set_features(self, payload, _):
        accepted, = struct.unpack("<Q", payload)
        self.device.accepted = accepted & ~PROTOCOL_FEATURES

    def _get_protocol_features(self, *_):
        return struct.pack("<Q", sum(1 << bit for bit in PROTOCOL.values()))

    def _set_mem_table(self, payload, fds):
        count, = struct.unpack_from("<I", payload)
        regions = [struct.unpack_from("<QQQQ", payload, 8 + 32 * i) + (fd,)
                   for i, fd in zip(range(count), fds)]
        self.memory.close()
        self.memory = Memory(regions)
        self._nothing(payload, fds)

    def _set_vring_num(self, payload, _):
        index, size = struct.unpack("<II", payload)
        self.rings[index].size = size

    def _set_vring_addr(self, payload, _):
        index, _, *user = struct.unpack("<IIQQQQ", payload)
        ring = self.rings[index]
        desc, used, avail, _ = user
        ring.desc = self.memory.guest_address(desc, 16 * ring.size)
        ring.avail = self.memory.guest_address(avail, 4 + 2 * ring.size)
        ring.used = self.memory.guest_address(used, 4 + 8 * ring.size)

    def _set_vring_base(self, payload, _):
        index, base = struct.unpack("<II", payload)
        self.rings[index].next = base

    def _get_vring_base(self, payload, _):
        """The front end stops a ring; with the first, the device is reset."""
        index, _ = struct.unpack("<II", payload)
        ring = self.rings[index]
        base = ring.next
        self._drop(ring, "kick")
        self._drop(ring, "call")
        self.rings[index] = Ring()
        if index == 0:
            self.device.reset()
        return struct.pack("<II", index, base)

    def _drop(self, ring, name):
        fd = getattr(ring, name)
        if fd is None:
            return
        if name == "kick":
            self.selector.unregister(fd)
        os.close(fd)
        setattr(ring, name, None)

    def _set_fd(self, name, payload, fds):
        value, = struct.unpack("<Q", payload)
        ring = self.rings[value & 0xff]
        self._drop(ring, name)
        if not value & NO_FD:
            setattr(ring, name, fds[0])
        return value & 0xff

    def _set_vring_kick(self, payload, fds):
        index = self._set_fd("kick", payload, fds)
        if self.rings[index].kick is not None:
            self.selector.register(self.rings[index].kick,
                                   selectors.EVENT_READ, index)

    def _set_vring_call(self, payload, fds):
        self._set_fd("call", payload, fds)

    def _get_queue_num(self, *_):
        return struct.pack("<Q", len(self.rings))

    def _get_config(self, payload, _):
        offset, size, flags = struct.unpack_from("<III", payload)
        data = self.device.config[offset:offset + size].ljust(size, b"\0")
        return struct.pack("<III", offset, size, flags) + data

    def _set_config(self, payload, _):
        offset, size, _ = struct.unpack_from("<III", payload)
        self.device.write_config(offset, payload[12:12 + size])


HANDLERS = {
    1: Server._get_features,
    2: Server._set_features,
    3: Server._nothing,                 # SET_OWNER
    5: Server._set_mem_table,
    8: Server._set_vring_num,
    9: Server._set_vring_addr,
    10: Server._set_vring_base,
    11: Server._get_vring_base,
    12: Server._set_vring_kick,
    13: Server._set_vring_call,
    14: Server._nothing,                # SET_VRING_ERR
    15: Server._get_protocol_features,
    16: Server._nothing,                # SET_PROTOCOL_FEATURES
    17: Server._get_queue_num,
    18: Server._nothing,                # SET_VRING_ENABLE
    24: Server._get_config,
    25: Server._set_config,
}
