"""What the disks hold becomes known, in the state it was left in, and has missed nothing.

Joins the order of reading (`loading`), the making of entries (`restoring`) and what came before
they were made (`missed`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from edge.cache.disk import Disk, FoundObject
from edge.cache.files import Files
from edge.cache.keeping import Keeping
from edge.cache.loading import Loading
from edge.cache.missed import Act, Missed
from edge.cache.names import Names
from edge.cache.restoring import Restoring
from edge.entry import HELD, UNVERIFIED, Entry


class Finding:
    """`enrol`, `has_blocks` and `evict` are as in `Restoring`; `purge` lets go of an entry that was
    purged before it was found."""

    def __init__(
        self,
        disks: Sequence[Disk],
        loop: asyncio.AbstractEventLoop,
        parts: tuple[Mapping[bytes, Entry], Keeping, Files, Names],
        *,
        enrol: Act,
        has_blocks: Act,
        evict: Callable[[Entry, int], None],
        purge: Act,
    ) -> None:
        self.loading = Loading(disks, loop, self._found)
        self._entries = parts[0]
        self._missed = Missed()
        self._restoring = Restoring(*parts, enrol, has_blocks, evict)
        self._purge = purge
        self.loading.ended.add_done_callback(lambda _: self._missed.forget())

    def do_later(self, act: Act) -> None:
        """Do something to the entries that are not found yet, when they are."""
        if not self.loading.is_over():
            self._missed.add(act)

    def invalidate(self, target: bytes, new_etag: str | None) -> None:
        """A target has changed: what is found of it later goes, but for what has `new_etag`."""
        if self.loading.is_unread(target):
            self._missed.invalidate(target, new_etag)

    def is_in_order(self, disk: Disk) -> bool:
        """Whether all that is on a disk may be trusted after a stop."""
        if self.loading.was_clean(disk):
            return True
        held = (entry for entry in self._entries.values() if entry.disk is disk)
        return self.loading.is_over() and not any(UNVERIFIED in entry.present for entry in held)

    def _found(self, disk: Disk, found: FoundObject) -> None:
        # After an unclean stop a block is read before it is served.
        state = HELD if self.loading.was_clean(disk) else UNVERIFIED
        entry = self._restoring.restore(disk, found, state)
        if entry is not None:
            self._missed.catch_up(entry, self._purge)
