"""An edge that asks for missing blocks without saying of which version, and takes what comes."""

from __future__ import annotations

from edge import app
from edge.entry import Entry
from edge.origin import Origin
from edge.upstream.lent import Lent
from tests.faults.planted import swap

STORY = "slow-line-to-the-origin"


def plant() -> None:
    async def ask_part(self: Origin, entry: Entry, start: int, stop: int) -> Lent:
        target, _, _ = entry.key.partition(b"\n")
        own = [(b"range", b"bytes=%d-%d" % (start, stop - 1))]
        return await self.ask(target, b"GET", entry.request_pairs, own)

    swap(Origin, "ask_part", ask_part)
    swap(app, "check_part", lambda *_: None)
