"""Asks for softly purged entries again, so many a second, before viewers have to."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from edge.cache.holdings import Holdings
from edge.entry import Entry, StoredHead
from edge.http1.request import Request, parse_request

_WAITING_MAX: Final = 100_000
"""Beyond these the viewers' own requests bring the others up to date."""

Refresh = Callable[[Entry, bytes, Request], None]


class Refreshing:
    """The entries of a worker that wait to be asked for. `refresh` asks and does not wait."""

    def __init__(self, holdings: Holdings, refresh: Refresh) -> None:
        self._holdings = holdings
        self._refresh = refresh
        self._waiting: OrderedDict[bytes, tuple[StoredHead, float]] = OrderedDict()
        self._more = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, entries: Iterable[Entry], per_second: float) -> None:
        """Have these asked for, `per_second` of them."""
        for entry in entries:
            if len(self._waiting) < _WAITING_MAX:
                self._waiting[entry.key] = entry.head, per_second
        if self._waiting:
            self._more.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self._more.wait()
            while self._waiting:
                key, (head, per_second) = self._waiting.popitem(last=False)
                entry = self._holdings.entries.get(key)
                # With another head it was asked for since it was made stale.
                if entry is not None and entry.head is head:
                    self._refresh(entry, *question_of(entry))
                    await asyncio.sleep(1 / per_second)
            self._more.clear()


def question_of(entry: Entry) -> tuple[bytes, Request]:
    """The target of an entry, and a request whose answer it is."""
    target = entry.key.partition(b"\n")[0]
    lines = [b"GET %b HTTP/1.1" % target, b"host: edge"]
    lines += [b"%b: %b" % pair for pair in entry.request_pairs if pair[0] != b"host"]
    return target, parse_request(b"\r\n".join(lines))
