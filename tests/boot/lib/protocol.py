# SPDX-License-Identifier: GPL-2.0
"""The protocol: holds a driver's requests, in QEMU's trace, to the rules.

Replays what the device was told and says what breaks a requirement of the
specification that can be seen from there; R15 and so on are the numbers of the
project's checklist. Knows neither guests nor scenarios.
"""
import bisect

PAGE_MASK = 0xfff
FLAGS = (1, 2, 3, 5, 6, 7)      # MAP: READ, WRITE, and MMIO only with them


class Domain:
    """The live mappings of one domain, and who is attached."""

    def __init__(self):
        self.endpoints, self.starts, self.lasts = set(), [], []

    def insert(self, start, last):
        """Add a mapping; False if it overlaps another."""
        at = bisect.bisect_right(self.starts, start)
        if at and self.lasts[at - 1] >= start:
            return False
        if at < len(self.starts) and self.starts[at] <= last:
            return False
        self.starts.insert(at, start)
        self.lasts.insert(at, last)
        return True

    def remove(self, start, last):
        """Remove the mappings in a range; False if it cuts one."""
        low = bisect.bisect_left(self.starts, start)
        high = bisect.bisect_right(self.starts, last)
        cuts = (low and self.lasts[low - 1] >= start
                or high > low and self.lasts[high - 1] > last)
        if not cuts:
            del self.starts[low:high], self.lasts[low:high]
        return not cuts


class Replay:
    """Replays a trace; `wrong` collects what broke a rule."""

    def __init__(self, events):
        self.domains, self.where, self.reserved = {}, {}, {}
        self.wrong = []
        for name, event in events:
            handler = getattr(self, f"on_{name}", None)
            if handler:
                handler(event)

    def _say(self, rule, event):
        shown = ", ".join(f"{k} {v:#x}" for k, v in event.items())
        self.wrong.append(f"{rule}: {shown}")

    def _leave(self, endpoint):
        number = self.where.pop(endpoint, None)
        if number is not None:
            self.domains[number].endpoints.discard(endpoint)
            if not self.domains[number].endpoints:
                del self.domains[number]

    def on_device_reset_exit(self, _):
        self.domains, self.where = {}, {}

    def on_fill_resv_property(self, event):
        self.reserved.setdefault(event["dev"], set()).add(
            (event["start"], event["end"]))

    def on_attach(self, event):
        self._leave(event["endpoint"])
        domain = self.domains.setdefault(event["domain"], Domain())
        domain.endpoints.add(event["endpoint"])
        self.where[event["endpoint"]] = event["domain"]

    def on_detach(self, event):
        if self.where.get(event["endpoint"]) != event["domain"]:
            self._say("DETACH of an endpoint that is not in the domain", event)
        self._leave(event["endpoint"])

    def on_map(self, event):
        start, last = event["virt_start"], event["virt_end"]
        domain = self.domains.get(event["domain"])
        if not domain:
            return self._say("R32, MAP in a domain that does not exist", event)
        if event["flags"] not in FLAGS:
            self._say("R26, MAP with other flags", event)
        if last <= start:
            self._say("R28, MAP of an empty range", event)
        if (start | event["phys_start"] | last + 1) & PAGE_MASK:
            self._say("R32, MAP that is not aligned", event)
        for endpoint in domain.endpoints:
            for low, high in self.reserved.get(endpoint, ()):
                if start <= high and last >= low:
                    self._say("R15, MAP in a reserved region", event)
        if not domain.insert(start, last):
            self._say("R32, MAP over a live mapping", event)

    def on_unmap(self, event):
        domain = self.domains.get(event["domain"])
        if not domain:
            self._say("UNMAP in a domain that does not exist", event)
        elif not domain.remove(event["virt_start"], event["virt_end"]):
            self._say("R35, UNMAP that cuts a mapping", event)
